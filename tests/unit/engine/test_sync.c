/*
 * What is configured, taken into the state of a zone: the engine with a real store in memory.  What was
 * seen is made by hand; no turn runs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../io/fake.h"
#include "core/observe.h"
#include "engine/int.h"

enum { SIGNERS = 13, DAY_S = 86400 };

static struct mus_loop *l;
static struct mus_store *store;
static struct mus_dnsx *x;
static struct mus_engine *e;
static struct mus_zonestate *st;
static struct mus_signer_obj sig[SIGNERS];
static struct mus_group_obj group;
static struct mus_zone_obj zone;
static struct mus_policy policy;
static struct mus_errtext et;

#define OK(call) do { if ((call) < 0) fail_msg("%s", et.s); } while (0)

/* Signer ${i} with one name server, ns.s${i}.test. at 192.0.2.(i + 1). */
static void
add_signer(unsigned i)
{
	struct mus_signer_obj *s = &sig[i];
	char text[32];

	memset(s, 0, sizeof *s);
	snprintf(s->name, sizeof s->name, "s%u", i);
	snprintf(s->driver, sizeof s->driver, "manual");
	s->ns_count = s->ns[0].addr_count = 1;
	snprintf(s->ns[0].name, sizeof s->ns[0].name, "ns.s%u.test.", i);
	snprintf(text, sizeof text, "192.0.2.%u", i + 1);
	assert_true(mus_addr_parse(text, 53, &s->ns[0].addr[0]));
	OK(mus_ctl_put_signer(e, "test", s, NULL, &et));
}

static int
setup(void **state)
{
	struct mus_engine_opts o = {.policy = {.margin_s = 1, .fresh_s = 30, .gap_s = 600}, .idle_ms = 1000,
	    .poll_ms = 1000, .retry_ms = 20, .copy_ms = 1000, .active_max = 1, .history_keep = 100};
	struct mus_dnsx_opts d = {.tcp_timeout_ms = 200};

	(void)state;
	l = mus_loop_new();
	OK(mus_store_open(":memory:", &store, &et));
	x = mus_dnsx_new(l, &d);
	o.loop = l;
	o.store = store;
	o.dnsx = x;
	policy = o.policy;
	OK(mus_engine_new(&o, &e, &et));
	e->active = e->o.active_max;	/* no turns */
	st = calloc(1, sizeof *st);
	mus_zonestate_init(st);
	for (unsigned i = 0; i < SIGNERS; i++)
		add_signer(i);
	memset(&group, 0, sizeof group);
	snprintf(group.name, sizeof group.name, "g");
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	memset(&zone, 0, sizeof zone);
	snprintf(zone.name, sizeof zone.name, "z.test.");
	zone.group_id = group.id;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	e->active = 0;
	mus_dnsx_free(x);
	mus_engine_free(e);
	mus_store_close(store);
	mus_loop_free(l);
	mus_zonestate_clear(st);
	free(st);
	return 0;
}

/* The group has ${a} and ${b} (SIGNERS: nobody) from now on. */
static void
members(unsigned a, unsigned b)
{
	const unsigned who[] = {a, b};

	group.member_count = 0;
	for (unsigned i = 0; i < 2; i++)
		if (who[i] < SIGNERS && (i == 0 || who[i] != a))
			group.member[group.member_count++].signer_id = sig[who[i]].id;
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
}

/* What is configured, taken in; what it lacks is in the state. */
static void
sync_zone(void)
{
	if (!eng_sync(e, &zone, st, &et))
		fail_msg("%s", et.s);
}

static void
sync_whole(void)
{
	sync_zone();
	assert_int_equal(st->zone.lack_count, 0);
}

static unsigned
place_of(unsigned i)
{
	int s = mus_book_find_signer(&st->book, &st->zone, sig[i].id);

	assert_true(s >= 0);
	return (unsigned)s;
}

/* What is stored of the zone is what is known of it. */
static void
restart(void)
{
	st->book.zone_id = zone.id;
	OK(eng_save_state(e, zone.id, st));
	mus_zonestate_clear(st);
	OK(eng_load_state(e, zone.id, st, &et));
}

static unsigned
new_key(unsigned i)
{
	uint8_t rdata[] = {1, 0, 3, 13, 0, 0, 0, (uint8_t)i};
	unsigned k = st->zone.key_count;

	for (unsigned f = 0; f < st->zone.key_count; f++)
		if (st->zone.key[f].id == 0)
			k = f;
	if (k == st->zone.key_count)
		st->zone.key_count++;
	st->zone.key[k] = (struct mus_zkey){.alg = 13, .tag = (uint16_t)i, .is_zone = true,
	    .owner = (uint8_t)place_of(i), .evidence = MUS_EV_SIGNATURE, .gone_at = MUS_TIME_NEVER, .id = 100 + i};
	st->book.key[k].rdata = malloc(sizeof rdata);
	memcpy(st->book.key[k].rdata, rdata, sizeof rdata);
	st->book.key[k].len = sizeof rdata;
	return k;
}

static void
show(unsigned origin, enum mus_rr_kind kind, uint64_t set)
{
	for (unsigned v = 0; v < st->zone.server_count; v++) {
		struct mus_look look = {.server = (uint8_t)v, .kind = kind, .content = set + 1, .set = set,
		    .ttl_s = DAY_S, .serve_ttl_s = DAY_S};

		if (st->zone.server[v].origin == origin)
			mus_observe(&st->zone, &st->seen, &look, &policy, eng_now(e));
	}
}

/* Signer ${i} takes part, and its servers have been seen. */
static void
takes_part(unsigned i)
{
	unsigned s = place_of(i), k = new_key(i);

	st->want.adopted = true;
	st->want.keyg |= (uint8_t)(1u << s);
	st->want.dsg = st->want.nsg = st->want.keyg;
	for (unsigned v = 0; v < st->zone.server_count; v++)
		if (st->zone.server[v].origin == s)
			st->seen.server[v].cut = MUS_TIME_NEVER;
	show(s, MUS_RR_KEY, mus_bit(k));
	show(s, MUS_RR_NS, mus_bit((unsigned)mus_book_find_ns(&st->book, &st->zone, sig[i].ns[0].name)));
	show(s, MUS_RR_SOA, 0);
}

static void
is_out(unsigned i)
{
	st->want.keyg &= (uint8_t)~(1u << place_of(i));
	st->want.dsg = st->want.nsg = st->want.keyg;
}

/* So long ago that no cache holds what is not served any more. */
static void
long_after(void)
{
	mus_settle(&st->zone, &st->seen, &st->want, &policy, mus_time_add_s(eng_now(e), 2 * DAY_S));
}

/* Signers come and go over the years: none is kept out by those that were there before. */
static void
twelve_signers(void **state)
{
	(void)state;
	members(0, SIGNERS);
	sync_whole();
	takes_part(0);
	for (unsigned i = 1; i <= 12; i++) {
		unsigned s;

		members(i - 1, i);
		sync_whole();
		s = place_of(i);
		/* Nothing of who had the place before. */
		assert_string_equal(st->book.signer[s], sig[i].name);
		assert_int_equal(mus_keys_owned(&st->zone, s), 0);
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++) {
			assert_int_equal(st->seen.signer[s][k].count, 0);
			assert_int_equal(st->seen.signer[s][k].ttl_max_s, 0);
			assert_false(mus_time_is_set(st->seen.signer[s][k].since));
		}
		takes_part(i);
		restart();
		members(i, SIGNERS);
		is_out(i - 1);
		sync_whole();
		assert_int_equal(mus_servers_of(&st->zone, place_of(i - 1)), 0);
		restart();
		long_after();
		/* Who stays is served as before. */
		assert_int_equal(st->seen.signer[place_of(i)][MUS_RR_KEY].count, 1);
	}
	assert_int_equal(st->zone.signer_count, MUS_SIGNERS_MAX);
}

/* Eight places, of which s0 has one and seven were left long ago; s8 joins. */
static void
seven_left(void)
{
	for (unsigned i = 0; i < 8; i++) {
		members(0, i);
		sync_whole();
		takes_part(i);
		if (i == 0)
			continue;
		is_out(i);
		members(0, SIGNERS);
		sync_whole();
	}
	long_after();
	members(0, 8);
}

/* What holds a place: each alone, with all other seven held by a pending change. */
enum hold {
	NOTHING, INTENDED, IN_PROCESS, IN_FLIGHT, RING, OVERFLOWN, COPY, KEY_ELSEWHERE, DS_AT_PARENT,
	NAME_AT_PARENT, SIGNATURE, HOLDS
};

static void
hold_place(enum hold h, unsigned s)
{
	struct mus_ring *ring = &st->seen.signer[s][MUS_RR_CSYNC];
	struct mus_ring *ds = &st->seen.parent[0], *ns = &st->seen.parent[MUS_RR_PNS - MUS_RR_DS];
	struct mus_ring *other = &st->seen.signer[place_of(0)][MUS_RR_KEY];
	unsigned key = (unsigned)__builtin_ctzll(mus_keys_owned(&st->zone, s));

	switch (h) {
	case NOTHING:
	case HOLDS:
		break;
	case INTENDED:
		st->want.dsg |= (uint8_t)(1u << s);
		break;
	case IN_PROCESS:
		st->want.proc.kind = MUS_PROC_REMOVE;
		st->want.proc.signer = (uint8_t)s;
		break;
	case IN_FLIGHT:
		st->seen.pending[st->seen.pending_count++] =
		    (struct mus_pending){(uint8_t)s, MUS_RR_CDS, 0, 0, eng_now(e)};
		break;
	case RING:
		ring->v[ring->count++] = (struct mus_version){.first = eng_now(e), .last = eng_now(e)};
		break;
	case OVERFLOWN:
		ring->overflow = true;
		break;
	case COPY:
		st->seen.copy[s] = (struct mus_copy){.known = true, .ttl_max_s = 60, .at = eng_now(e)};
		break;
	case KEY_ELSEWHERE:
		other->v[0].set |= mus_bit(key);
		break;
	case DS_AT_PARENT:
		ds->v[0] = (struct mus_version){.set = mus_bit(key), .first = eng_now(e), .last = eng_now(e)};
		ds->count = 1;
		break;
	case NAME_AT_PARENT:
		ns->v[0] = (struct mus_version){.last = eng_now(e),
		    .set = mus_bit((unsigned)eng_intern_ns(st, "ns.old.test.", s))};
		ns->count = 1;
		break;
	case SIGNATURE:
		other->v[0].sig[0] = (struct mus_sig){.key = (uint8_t)key, .until_s = INT64_MAX / 2000};
		other->v[0].sig_count = 1;
		break;
	}
}

static void
what_holds_a_place(void **state)
{
	(void)state;
	for (enum hold h = NOTHING; h < HOLDS; h++) {
		mus_zonestate_clear(st);
		seven_left();
		for (unsigned s = 0; s < MUS_SIGNERS_MAX - 1; s++)
			hold_place(IN_FLIGHT, s);
		hold_place(h, MUS_SIGNERS_MAX - 1);
		sync_zone();
		if (st->zone.lack_count != (h != NOTHING))
			fail_msg("hold %d: the place was%s taken", (int)h, h == NOTHING ? " not" : "");
		assert_int_equal(mus_book_find_signer(&st->book, &st->zone, sig[8].id) < 0, h != NOTHING);
	}
}

/* A copy that was read long ago holds nothing, and who has been forgotten can come again. */
static void
comes_again(void **state)
{
	unsigned s;

	(void)state;
	seven_left();
	for (s = 0; s < MUS_SIGNERS_MAX; s++)
		st->seen.copy[s] = (struct mus_copy){.known = true, .ttl_max_s = 60,
		    .at = mus_time_add_s(eng_now(e), -100)};
	sync_whole();
	s = place_of(8);
	assert_int_not_equal(s, 0);
	assert_false(st->seen.copy[s].known);
	assert_int_equal(mus_book_find_signer(&st->book, &st->zone, sig[s].id), -1);
	takes_part(8);
	members(0, s);
	is_out(8);
	sync_whole();
	assert_string_equal(st->book.signer[place_of(s)], sig[s].name);
}

/* ${count} addresses for signer ${i}, from 10.${i}.${from}.0 on, on as few names as it takes. */
static void
addresses(unsigned i, unsigned from, unsigned count)
{
	struct mus_signer_obj *s = &sig[i];
	char text[32];

	memset(s->ns, 0, sizeof s->ns);
	s->ns_count = (uint8_t)((count + MUS_OBJ_ADDR_MAX - 1) / MUS_OBJ_ADDR_MAX);
	for (unsigned a = 0; a < count; a++) {
		struct mus_ns_obj *n = &s->ns[a / MUS_OBJ_ADDR_MAX];

		snprintf(n->name, sizeof n->name, "ns%u.s%u.test.", a / MUS_OBJ_ADDR_MAX, i);
		snprintf(text, sizeof text, "10.%u.%u.%u", i, from, a);
		assert_true(mus_addr_parse(text, 53, &n->addr[n->addr_count++]));
	}
	OK(mus_ctl_put_signer(e, "test", s, NULL, &et));
}

static unsigned
servers_of(unsigned i)
{
	return (unsigned)__builtin_popcountll(mus_servers_of(&st->zone, place_of(i)));
}

static void
lacks_room(unsigned origin)
{
	assert_int_equal(st->zone.lack_count, 1);
	assert_int_equal(st->zone.lack[0].origin, origin);
	assert_int_equal(st->zone.lack[0].cause, MUS_CAUSE_NOROOM);
}

/* Who has places keeps them; who comes and does not fit is named; the parent goes first. */
static void
room_for_64(void **state)
{
	(void)state;
	snprintf(zone.parent, sizeof zone.parent, "test.");
	zone.parent_addr_count = 4;
	for (unsigned i = 0; i < 4; i++)
		assert_true(mus_addr_parse("192.0.2.100", (uint16_t)(53 + i), &zone.parent_addr[i]));
	addresses(0, 0, 30);
	addresses(1, 0, 30);
	members(0, 1);
	sync_whole();
	assert_int_equal(st->zone.server_count, MUS_SERVERS_MAX);
	takes_part(0);
	takes_part(1);
	addresses(1, 0, 31);
	sync_zone();
	lacks_room(place_of(1));
	assert_int_equal(servers_of(0), 30);
	assert_int_equal(servers_of(1), 30);
	assert_int_equal(mus_servers_of(&st->zone, MUS_PARENT), 15);
	assert_int_equal(st->seen.signer[place_of(1)][MUS_RR_KEY].count, 1);
	/* Who is lost is waited for by nobody. */
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[1].id, .lost = true};
	zone.signer_count = 1;
	sync_whole();
	zone.signer_count = 0;
	/* All of a signer's addresses become others: their places are free first. */
	addresses(1, 1, 30);
	sync_whole();
	assert_int_equal(servers_of(1), 30);
	zone.parent_addr_count = 5;
	assert_true(mus_addr_parse("192.0.2.101", 53, &zone.parent_addr[4]));
	sync_zone();
	lacks_room(MUS_PARENT);
	/* It is not kept in mind: it holds as long as it is so. */
	restart();
	assert_int_equal(st->zone.lack_count, 0);
	sync_zone();
	lacks_room(MUS_PARENT);
	addresses(0, 0, 29);
	sync_whole();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(twelve_signers, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_holds_a_place, setup, teardown),
	    cmocka_unit_test_setup_teardown(comes_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(room_for_64, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
