/* Answers into what is seen: the records of a CSYNC RRset, of which there should be one; addresses; and whose the
 * sample is. */
#include "core/observe.h"
#include "rig.h"

enum { RECORDS = 6 };

static struct eng_turn *t;
static struct mus_policy policy;
static struct mus_rdata rd[RECORDS];
static uint8_t bytes[RECORDS][ENG_CSYNC_MAX + 8];
static const struct mus_version *v;
static uint64_t record[MUS_CSYNC_MAX];

static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();

	(void)state;
	rig_start(&o);
	assert_non_null(t = eng_turn_new(e));
	t->at = eng_now(e);
	t->ans = mus_arena_alloc(&t->arena, 2 * sizeof *t->ans);
	t->ans_count = 1;
	snprintf(st->book.zone, sizeof st->book.zone, "z.test.");
	st->zone.signer_count = st->zone.server_count = 1;
	st->zone.server[0].origin = 0;
	assert_true(mus_addr_parse("192.0.2.1", 53, &st->book.addr[0]));
	policy = o.policy;
	return 0;
}

static int
teardown(void **state)
{
	eng_turn_free(t);
	return rig_teardown(state);
}

static struct mus_rdata
raw(unsigned i, const char *wire, size_t len)
{
	memcpy(bytes[i], wire, len);
	return rd[i] = (struct mus_rdata){bytes[i], (uint16_t)len};
}

static struct mus_rdata
csync(unsigned i, uint64_t made)
{
	return rd[i] = (struct mus_rdata){bytes[i], (uint16_t)eng_csync_make(made, bytes[i])};
}

/* The server answers with the first ${count} records. */
static void
answer(size_t count)
{
	struct eng_answer *a = &t->ans[0];

	*a = (struct eng_answer){.turn = t, .q = ENG_Q_CSYNC, .type = MUS_TYPE_CSYNC, .done = true, .aa = true,
	    .addr = st->book.addr[0]};
	assert_int_equal(mus_name_parse("z.test.", &a->qname, NULL), 0);
	a->set = (struct mus_rrset){.owner = a->qname, .type = MUS_TYPE_CSYNC, .rclass = MUS_CLASS_IN, .ttl_s = 60,
	    .rd = rd, .count = count};
	eng_take(t, st, &policy);
}

/* The same; how many are known then. */
static unsigned
take(size_t count)
{
	const struct mus_ring *ring = &st->seen.signer[0][MUS_RR_CSYNC];

	answer(count);
	v = NULL;
	for (unsigned i = 0; i < ring->count; i++)
		if (ring->v[i].srv)
			v = &ring->v[i];
	assert_non_null(v);
	return mus_csync_of(v, record);
}

static void
each_record_is_known(void **state)
{
	const uint64_t ours = MUS_CSYNC_A | MUS_CSYNC_NS | MUS_CSYNC_AAAA | 1795322100ull << 16 | 1;

	(void)state;
	csync(0, ours);
	assert_int_equal(take(1), 1);
	assert_true(record[0] == ours && v->stray == 0);
	csync(0, MUS_CSYNC_NS | 7 << 16 | 3);
	csync(1, ours);
	assert_int_equal(take(2), 2);
	assert_true(record[0] == ours && record[1] == (MUS_CSYNC_NS | 7 << 16 | 3) && v->stray == 1);
	csync(0, ours & ~MUS_CSYNC_AAAA);
	assert_int_equal(take(2), 2);
	assert_true(record[0] == ours && record[1] == (ours & ~MUS_CSYNC_AAAA));
	/* Of more than fit those with the highest serials. */
	for (unsigned i = 0; i < RECORDS; i++)
		csync(i, MUS_CSYNC_NS | (uint64_t)i << 16 | 1);
	assert_int_equal(take(RECORDS), MUS_CSYNC_MAX);
	for (unsigned i = 0; i < MUS_CSYNC_MAX; i++)
		assert_true(record[i] == (MUS_CSYNC_NS | (uint64_t)(RECORDS - 1 - i) << 16 | 1));
	assert_int_equal(v->stray, RECORDS - 1);
}

static void
odd_ones_are_known_as_such(void **state)
{
	(void)state;
	/* NS and MX; NS and an octet that is not needed; A alone, and no type at all, are not odd */
	raw(0, "\0\0\0\7\0\1\0\2\x20\1", 10);
	assert_int_equal(take(1), 1);
	assert_true(record[0] == (MUS_CSYNC_ODD | MUS_CSYNC_NS | 7 << 16 | 1));
	raw(0, "\0\0\0\7\0\1\0\2\x20\0", 10);
	assert_int_equal(take(1), 1);
	assert_true(record[0] & MUS_CSYNC_ODD);
	raw(0, "\0\0\0\7\0\1\0\1\x40", 9);
	assert_int_equal(take(1), 1);
	assert_true(record[0] == (MUS_CSYNC_A | 7 << 16 | 1));
	raw(0, "\0\0\0\7\0\1", 6);
	assert_int_equal(take(1), 1);
	assert_true(record[0] == (7 << 16 | 1));
}

static void
one_that_is_cut_is_no_answer(void **state)
{
	(void)state;
	raw(0, "\0\0\0\7\0", 5);
	answer(1);
	assert_int_equal(st->seen.signer[0][MUS_RR_CSYNC].count, 0);
	assert_int_equal(st->seen.signer[0][MUS_RR_CSYNC].fail_cause, MUS_CAUSE_MALFORM);
}

/* A server's address of each name, or none. */
static void
addresses(unsigned server, const char *const *last)
{
	t->ans_count = 2;
	for (unsigned n = 0; n < 2; n++) {
		struct eng_answer *a = &t->ans[n];

		*a = (struct eng_answer){.turn = t, .q = ENG_Q_ADDR, .type = MUS_TYPE_A, .done = true, .aa = true,
		    .ns = (uint8_t)n, .origin = (uint8_t)server, .addr = st->book.addr[server]};
		assert_int_equal(mus_name_parse(st->book.ns[n], &a->qname, NULL), 0);
		if (!last[n])
			continue;
		raw(n, last[n], 4);
		a->set = (struct mus_rrset){.owner = a->qname, .type = MUS_TYPE_A, .rclass = MUS_CLASS_IN, .ttl_s = 60,
		    .rd = &rd[n], .count = 1};
	}
	eng_take(t, st, &policy);
}

static const struct mus_version *
shown(unsigned signer)
{
	const struct mus_ring *ring = &st->seen.signer[signer][MUS_RR_ADDR];

	for (unsigned i = 0; i < ring->count; i++)
		if (ring->v[i].srv)
			return &ring->v[i];
	fail_msg("signer %u shows no addresses", signer);
	return NULL;
}

/* Two signers with the same addresses, of which each lists its own name only: alike in all that may come to be
 * listed, and each by itself in what the parent should have now. */
static void
addresses_of_all_names_are_compared(void **state)
{
	static const char *const both[] = {"\300\0\2\1", "\300\0\2\2"}, *const one[] = {"\300\0\2\1", NULL};

	(void)state;
	t->ans = mus_arena_alloc(&t->arena, 2 * sizeof *t->ans);
	st->zone.signer_count = st->zone.server_count = 2;
	assert_true(mus_addr_parse("192.0.2.2", 53, &st->book.addr[1]));
	for (unsigned s = 0; s < 2; s++) {
		struct mus_look ns = {.server = (uint8_t)s, .kind = MUS_RR_NS, .set = 1u << s, .ttl_s = 60};

		st->zone.signer[s].is_member = true;
		st->zone.server[s] = (struct mus_server){.origin = (uint8_t)s, .ns = (uint8_t)s};
		assert_int_equal(eng_intern_ns(st, s ? "b.z.test." : "a.z.test.", s), s);
		mus_observe(&st->zone, &st->seen, &ns, &policy, eng_now(e), eng_now(e));
	}
	addresses(0, both);
	addresses(1, both);
	assert_true(shown(0)->aux == shown(1)->aux);
	assert_true(shown(0)->dt[0] == 3 && shown(1)->dt[0] == 3);
	assert_true(shown(0)->content != shown(1)->content);
	assert_true(shown(0)->dt[1] == 0 && shown(1)->dt[1] == 0);
	/* The name of 0 leads to where nobody is asked; and to where the other is, which is no better. */
	addresses(0, (const char *const[]){"\300\0\2\11", "\300\0\2\2"});
	assert_int_equal(shown(0)->dt[1], 1);
	addresses(0, (const char *const[]){"\300\0\2\2", "\300\0\2\2"});
	assert_int_equal(shown(0)->dt[1], 1);
	addresses(0, both);
	addresses(1, one);
	assert_true(shown(0)->aux != shown(1)->aux);
	assert_int_equal(shown(1)->dt[0], 1);
	/* Of one that takes no part nothing is compared. */
	st->zone.signer[1].is_member = false;
	addresses(0, both);
	assert_true(shown(0)->aux == shown(1)->aux);
	assert_int_equal(shown(0)->dt[0], 1);
}

/* ---- the sample ------------------------------------------------------------------------------- */

static struct mus_rrset beside;		/* in the authority section */

static struct mus_name
name_of(const char *text)
{
	struct mus_name n;

	assert_int_equal(mus_name_parse(text, &n, NULL), 0);
	return n;
}

/* An answer about x.sub.z.test., with the RRset ${type} of ${owner} in the authority section; "": none. */
static struct eng_answer *
about(unsigned i, enum eng_q q, bool aa, const char *owner, uint16_t type)
{
	struct eng_answer *a = &t->ans[i];

	*a = (struct eng_answer){.turn = t, .q = q, .type = q == ENG_Q_NAME ? MUS_TYPE_A : MUS_TYPE_SOA, .done = true,
	    .aa = aa, .addr = st->book.addr[0], .qname = name_of("x.sub.z.test.")};
	if (owner[0]) {
		beside = (struct mus_rrset){.owner = name_of(owner), .type = type, .rclass = MUS_CLASS_IN, .ttl_s = 60,
		    .rd = rd, .count = 1};
		a->auth = &beside;
		a->auth_count = 1;
	}
	t->ans_count = i + 1;
	return a;
}

static void
has_address(struct eng_answer *a)
{
	raw(0, "\300\0\2\1", 4);
	a->set = (struct mus_rrset){.owner = a->qname, .type = MUS_TYPE_A, .rclass = MUS_CLASS_IN, .ttl_s = 60, .rd = rd,
	    .count = 1};
}

enum { IS_DATA = 0, IS_CUT = MUS_VER_ABSENT | MUS_VER_CUT, IS_UNKNOWN = -1 };

static int
sampled(void)
{
	struct mus_ring *ring = &st->seen.signer[0][MUS_RR_NAME];
	int is = IS_UNKNOWN;

	*ring = (struct mus_ring){.count = 0};
	eng_take(t, st, &policy);
	for (unsigned i = 0; i < ring->count; i++)
		if (ring->v[i].srv)
			is = ring->v[i].flags;
	return is;
}

/* A referral leads below the zone, or is none. */
static void
sample_below_a_delegation(void **state)
{
	(void)state;
	about(0, ENG_Q_NAME, false, "sub.z.test.", MUS_TYPE_NS);
	assert_int_equal(sampled(), IS_CUT);
	about(0, ENG_Q_NAME, false, "x.sub.z.test.", MUS_TYPE_NS);
	assert_int_equal(sampled(), IS_CUT);
	/* the child's own "no such name" */
	about(0, ENG_Q_NAME, true, "sub.z.test.", MUS_TYPE_SOA);
	assert_int_equal(sampled(), IS_CUT);
	static const char *const nowhere[] = {"z.test.", "test.", ".", "y.x.sub.z.test.", "other.z.test.", ""};
	for (unsigned i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
		about(0, ENG_Q_NAME, false, nowhere[i], MUS_TYPE_NS);
		assert_int_equal(sampled(), IS_UNKNOWN);
		assert_int_equal(st->seen.signer[0][MUS_RR_NAME].fail_cause, MUS_CAUSE_NOTAUTH);
	}
}

/* A server that has the zone below too answers out of that: never read as unsigned data of this one. */
static void
sample_out_of_the_zone_below(void **state)
{
	static uint8_t sig[64] = {0, 1, 13, 4};		/* by z.test. or sub.z.test., put in below */
	struct mus_rdata rrsig = {sig, 0};
	struct eng_answer *a;

	(void)state;
	has_address(about(0, ENG_Q_NAME, true, "", 0));
	assert_int_equal(sampled(), IS_DATA);
	about(1, ENG_Q_WHOSE, true, "z.test.", MUS_TYPE_SOA);
	assert_int_equal(sampled(), IS_DATA);
	about(1, ENG_Q_WHOSE, true, "sub.z.test.", MUS_TYPE_SOA);
	assert_int_equal(sampled(), IS_CUT);
	about(1, ENG_Q_WHOSE, false, "sub.z.test.", MUS_TYPE_NS);
	assert_int_equal(sampled(), IS_CUT);
	/* what cannot be told is not known */
	about(1, ENG_Q_WHOSE, false, "", 0);
	assert_int_equal(sampled(), IS_UNKNOWN);
	has_address(about(0, ENG_Q_NAME, true, "", 0));
	about(1, ENG_Q_WHOSE, true, "", 0)->cause = MUS_CAUSE_TIMEOUT;
	assert_int_equal(sampled(), IS_UNKNOWN);
	assert_int_equal(st->seen.signer[0][MUS_RR_NAME].fail_cause, MUS_CAUSE_TIMEOUT);
	/* its own apex */
	has_address(about(0, ENG_Q_NAME, true, "", 0));
	a = about(1, ENG_Q_WHOSE, true, "", 0);
	a->set = (struct mus_rrset){.owner = a->qname, .type = MUS_TYPE_SOA, .rclass = MUS_CLASS_IN, .rd = rd, .count = 1};
	assert_int_equal(sampled(), IS_CUT);
	/* who signs tells it without another question */
	for (unsigned of_child = 0; of_child < 2; of_child++) {
		struct mus_name signer = name_of(of_child ? "sub.z.test." : "z.test.");

		memcpy(sig + 18, signer.wire, signer.len);
		rrsig.len = (uint16_t)(18 + signer.len + 8);
		has_address(a = about(0, ENG_Q_NAME, true, "", 0));
		a->set.sig = &rrsig;
		a->set.sig_count = 1;
		if (of_child)
			assert_int_equal(sampled(), IS_CUT);
		else
			assert_int_equal(sampled() & ~MUS_VER_BADSIG, IS_DATA);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_record_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_of_all_names_are_compared, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_ones_are_known_as_such, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_is_cut_is_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(sample_below_a_delegation, setup, teardown),
		cmocka_unit_test_setup_teardown(sample_out_of_the_zone_below, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
