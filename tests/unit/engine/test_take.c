/* Answers into what is seen: the records of a CSYNC RRset, of which there should be one. */
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
	t->ans = mus_arena_alloc(&t->arena, sizeof *t->ans);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_record_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_ones_are_known_as_such, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_is_cut_is_no_answer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
