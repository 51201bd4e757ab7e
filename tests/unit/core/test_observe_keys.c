/*
 * Observation into history: whose keys are, what they do, and changes in flight.
 */
#include "rig.h"

/* ---- keys ----------------------------------------------------------------------------------- */

static void
test_owner_by_signature(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KEY_COUNT; k++)
		r.z.zone.key[k].owner = MUS_OWNER_UNKNOWN, r.z.zone.key[k].evidence = MUS_EV_NONE;
	rig_steady();
	assert_int_equal(r.z.zone.key[ka].owner, A);
	assert_int_equal(r.z.zone.key[zb].owner, B);
	assert_int_equal(r.z.zone.key[zb].evidence, MUS_EV_SIGNATURE);
	assert_int_equal(r.z.zone.key[zb].signs_data, MUS_YES);
	assert_true(r.z.zone.key[kb].signs_key);
	assert_int_equal(r.z.zone.key[kb].signs_data, MUS_NO);
	assert_int_equal(r.z.zone.key[za2].owner, MUS_OWNER_UNKNOWN);
	assert_false(r.z.zone.key[zb].signs_key);
	/* What nobody shows any more teaches nothing. */
	rig_at(10);
	rig_put(A, MUS_RR_SOA, 0, ZA2);
	rig_put(A, MUS_RR_SOA, 0, ZA);
	rig_settle();
	assert_int_equal(r.z.zone.key[za2].owner, MUS_OWNER_UNKNOWN);
	/* One of A's servers, given as B's: as long as A shows what it signs, the key is not taken for B's. */
	rig_put(B, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_settle();
	assert_int_equal(r.z.zone.key[ka].owner, A);
	rig_put(A, MUS_RR_KEY, ZA | ZB, 0);
	rig_settle();
	assert_int_equal(r.z.zone.key[ka].owner, B);
	/* Nor for nobody's, as one of before whose owner has gone is. */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	r.z.zone.key[ka].owner = MUS_OWNER_UNKNOWN;
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, KB);
	rig_settle();
	assert_int_equal(r.z.zone.key[ka].owner, A);
	assert_int_equal(r.z.zone.key[ka].evidence, MUS_EV_SIGNATURE);
	/* A signature is stronger than what was declared. */
	r.z.zone.key[zb].owner = A;
	r.z.zone.key[zb].evidence = MUS_EV_DECLARED;
	rig_settle();
	assert_int_equal(r.z.zone.key[zb].owner, B);
}

/* A signature by a key that nobody knows makes nobody an owner. */
static void
test_signed_by_nobody(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_SOA, .ttl_s = 60, .sig_count = 2,
	    .sig = {{.key = MUS_KEY_NONE, .alg = 13, .tag = 99}, {.key = za2, .alg = 13, .tag = 1004}}};
	uint64_t over_key, over_data;

	(void)state;
	rig_steady();
	rig_look(&l);
	mus_keys_signing(&r.z.seen, A, &over_key, &over_data);
	assert_true(over_key == KA);
	assert_true(over_data == (ZA | ZA2));
}

static void
test_owner_by_first_sight(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_KEY, .add = ZA2};
	struct mus_zkey *key = &r.z.zone.key[za2];

	(void)state;
	key->owner = MUS_OWNER_UNKNOWN;
	key->evidence = MUS_EV_NONE;
	rig_steady();
	/* Not while b has not answered, and not what we may have put there. */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_fail(B, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	rig_settle();
	assert_int_equal(key->owner, MUS_OWNER_UNKNOWN);
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, KB);
	rig_settle();
	assert_int_equal(key->owner, MUS_OWNER_UNKNOWN);
	/* Another key, or another RRset, is no reason to wait. */
	r.z.seen.pending[0].add = ZN;
	rig_settle();
	assert_int_equal(key->owner, A);
	key->owner = MUS_OWNER_UNKNOWN;
	key->evidence = MUS_EV_NONE;
	r.z.seen.pending[0] = (struct mus_pending){A, MUS_RR_CDS, ZA2, 0, r.now};
	r.z.seen.pending_count = 1;
	rig_settle();
	assert_int_equal(key->owner, A);
	/* A place that is free learns nothing. */
	r.z.seen.pending_count = 0;
	key->owner = MUS_OWNER_UNKNOWN;
	key->evidence = MUS_EV_NONE;
	key->id = 0;
	rig_settle();
	assert_int_equal(key->owner, MUS_OWNER_UNKNOWN);
	key->id = 1 + za2;
	/* One that is lost is not waited for. */
	rig_fail(B, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	rig_settle();
	assert_int_equal(key->owner, MUS_OWNER_UNKNOWN);
	r.z.zone.signer[B].is_lost = true;
	rig_settle();
	assert_int_equal(key->owner, A);
	r.z.zone.signer[B].is_lost = false;
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, KB);
	assert_int_equal(key->evidence, MUS_EV_FIRST_SIGHT);
	/* It stays so when others show it too. */
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZA2, KB);
	rig_settle();
	assert_int_equal(key->owner, A);
}

static void
test_shown_by_two_at_first(void **state)
{
	(void)state;
	r.z.zone.key[za2].owner = MUS_OWNER_UNKNOWN;
	r.z.zone.key[za2].evidence = MUS_EV_NONE;
	rig_put(A, MUS_RR_KEY, KA | ZA2, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA2, KB);
	rig_settle();
	assert_int_equal(r.z.zone.key[za2].owner, MUS_OWNER_UNKNOWN);
}

static void
test_gone(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_settle();
	assert_int_equal(r.z.zone.key[za2].gone_at.ms, MUS_TIME_NEVER.ms);
	rig_at(50);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_settle();
	assert_int_equal(r.z.zone.key[za2].gone_at.ms, rig_time(50).ms);
	rig_at(60);
	rig_settle();
	assert_int_equal(r.z.zone.key[za2].gone_at.ms, rig_time(50).ms);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_settle();
	assert_int_equal(r.z.zone.key[za2].gone_at.ms, MUS_TIME_NEVER.ms);
}

static void
test_to_spread(void **state)
{
	(void)state;
	rig_steady();
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), ZA);
	r.policy.spread_sep = true;
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), KA | ZA);
	r.policy.spread_sep = false;
	r.z.zone.key[ka].signs_data = MUS_UNKNOWN;
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), KA | ZA);
	r.z.seen.copy[A].known = false;		/* the first copy will tell */
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), ZA);
	r.z.zone.signer[A].declared_max_ttl_s = 60;	/* no copy will come */
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), KA | ZA);
	r.z.zone.signer[A].declared_max_ttl_s = 0;
	r.z.zone.key[za].is_revoked = true;
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), 0);
}

static void
test_role_from_a_copy(void **state)
{
	struct mus_zkey *key = &r.z.zone.key[ka];

	(void)state;
	key->signs_data = MUS_UNKNOWN;
	r.z.seen.copy[A].known = false;
	rig_steady();
	assert_int_equal(key->signs_data, MUS_UNKNOWN);
	r.z.seen.copy[A].known = true;
	r.z.seen.copy[A].has_stray_sigs = true;
	rig_settle();
	assert_int_equal(key->signs_data, MUS_UNKNOWN);
	r.z.seen.copy[A].has_stray_sigs = false;
	rig_settle();
	assert_int_equal(key->signs_data, MUS_NO);
	r.z.seen.copy[A].keys_in_data |= KA;
	rig_settle();
	assert_int_equal(key->signs_data, MUS_YES);
}

/* A copy from before a key was published says nothing about that key. */
static void
test_role_not_from_an_older_copy(void **state)
{
	struct mus_zkey *key = &r.z.zone.key[ka2];

	(void)state;
	key->signs_data = MUS_UNKNOWN;
	rig_steady();
	assert_int_equal(key->signs_data, MUS_UNKNOWN);
	rig_at(50);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | KA2, KA);
	rig_settle();
	assert_int_equal(key->signs_data, MUS_UNKNOWN);
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), ZA | KA2);
	rig_plan();
	assert_int_equal(r.plan.need_copy, 1 << A);
	r.z.seen.copy[A].at = rig_time(49);
	rig_settle();
	assert_int_equal(key->signs_data, MUS_UNKNOWN);
	r.z.seen.copy[A].at = rig_time(50);
	rig_settle();
	assert_int_equal(key->signs_data, MUS_NO);
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), ZA);
}

/* Whose data are signed by a CSK: the next one signs none as long as it is only published. */
static void
test_next_csk(void **state)
{
	(void)state;
	rig_at(50);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | KA2, KA);
	r.z.zone.key[ka2].signs_data = MUS_NO;
	rig_settle();
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), ZA);
	r.z.seen.copy[A].keys_in_data |= KA;
	rig_settle();
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), KA | ZA | KA2);
	rig_put(A, MUS_RR_KEY, ZA | ZB | KA2, KA2);	/* it is gone: what the others are for is known */
	rig_settle();
	assert_int_equal(mus_keys_to_spread(&r.z.zone, &r.z.seen, A, &r.policy), ZA);
}

static void
test_copy_ttl(void **state)
{
	(void)state;
	rig_steady();
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 3600);
	r.z.seen.copy[A].known = false;
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 0);
	r.z.zone.signer[A].declared_max_ttl_s = 60;
	/* Never below what questions have shown. */
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 3600);
	r.z.zone.signer[A].declared_max_ttl_s = 7200;
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 7200);
}

/* What was served and never read counts with the floor for as long, unless the operator knows better. */
static void
test_copy_ttl_unread(void **state)
{
	(void)state;
	rig_steady();
	r.policy.ttl_floor_s = 86400;
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 3600);
	r.z.seen.copy[A].unread_at = r.now;
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 86400);
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, B, &r.policy, r.now), 3600);
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, mus_time_add_s(r.now, 86399)), 86400);
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, mus_time_add_s(r.now, 86400)), 3600);
	r.policy.ttl_floor_s = 60;
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 3600);
	r.policy.ttl_floor_s = 86400;
	r.z.zone.signer[A].declared_max_ttl_s = 7200;
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 7200);
	r.z.zone.signer[A].declared_max_ttl_s = 0;
	r.z.seen.copy[A].known = false;		/* nothing at all is known */
	assert_int_equal(mus_copy_ttl_max_s(&r.z.zone, &r.z.seen, A, &r.policy, r.now), 0);
}

/* ---- changes in flight ---------------------------------------------------------------------- */

static void
test_pending(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_KEY, .add = ZA2, .del = ZB};

	(void)state;
	r.policy.gap_s = 1000;
	rig_steady();
	rig_at(10);
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	assert_int_equal(r.z.seen.pending_count, 1);
	/* Another end is another change. */
	a.del = ZN;
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	assert_int_equal(r.z.seen.pending_count, 2);
	r.z.seen.pending_count = 1;
	rig_settle();
	rig_at(20);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 1);
	rig_at(30);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZA2, KA);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 0);
}

/* A name that was sent may be in the NS set at any moment, whatever is intended by now. */
static void
test_pending_names(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_NS, .add = 1 << NS_B};
	struct mus_act del = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_NS, .del = 1 << NS_B};
	struct mus_pending *p = &r.z.seen.pending[0];

	(void)state;
	r.policy.gap_s = 1000;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.ns = 1 << NS_A;
	rig_steady();
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_at(1);
	rig_data(B, ZB);
	rig_at(7200);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	assert_true(mus_pending_add(&r.z.seen, &del, r.now));
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	r.z.seen.pending_count = 0;
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	/* Not a key of that number, nor a name sent to somebody that no resolver is led to. */
	p->kind = MUS_RR_KEY;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	p->kind = MUS_RR_NS;
	p->signer = B;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	/* Who is declared lost is believed to list nobody. */
	p->signer = A;
	r.z.zone.signer[A].is_lost = true;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	r.z.zone.signer[A].is_lost = false;
	/* Until it would have been seen. */
	rig_at(8200);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	rig_at_ms(8200 * 1000 + 1);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 0);
	/* That look settles it, the next has forgotten it. */
	rig_at(8201);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	assert_true(mus_time_is_set(r.z.seen.server[AT_B].cut));
}

static void
test_pending_lost(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_KEY, .add = ZA2};

	(void)state;
	r.policy.gap_s = 1000;
	rig_steady();
	rig_at(10);
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	rig_at(1010);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 1);
	rig_at_ms(1010 * 1000 + 1);
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 1);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 0);
	/* CDS: as long as a parent may take. */
	r.policy.parent_ttl_floor_s = 86400;
	a.rr = MUS_RR_CDS;
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	rig_at(1010 + 86400);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 1);
	rig_at(1012 + 86400);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 0);
	/* ... but no shorter than a gap. */
	r.policy.parent_ttl_floor_s = 10;
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	rig_at(1012 + 86400 + 1000);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 1);
	rig_at(1012 + 86400 + 1001);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 0);
}

/* What was asked at the instant of sending has not seen it. */
static void
test_pending_at_once(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_KEY, .add = ZB};

	(void)state;
	rig_steady();
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 1);
	rig_at_ms(1);
	rig_settle();
	assert_int_equal(r.z.seen.pending_count, 0);
}

/* What asks a parent, and what the parent shows, is kept as long as the parent may take; data as long as
 * anything of the copy may live; the rest for its own TTL. */
static void
test_kept_for(void **state)
{
	static const struct {
		enum mus_rr_kind kind;
		uint32_t keep_s;
	} rows[] = {{MUS_RR_KEY, 3600}, {MUS_RR_CDS, 86400}, {MUS_RR_CDNSKEY, 3600}, {MUS_RR_CSYNC, 86400},
	    {MUS_RR_NS, 86400}, {MUS_RR_SOA, 7200}, {MUS_RR_NAME, 7200}, {MUS_RR_DENY0, 7200},
	    {MUS_RR_DENY1, 7200}, {MUS_RR_DENY2, 7200}, {MUS_RR_ADDR, 3600}, {MUS_RR_DS, 86400},
	    {MUS_RR_PNS, 86400}, {MUS_RR_GLUE, 3600}};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned origin = rows[i].kind >= MUS_RR_DS ? MUS_PARENT : A;
		const struct mus_ring *kept = mus_seen_ring_const(&r.z.seen, origin, rows[i].kind);
		int64_t end_ms = (100 + 60 + (int64_t)rows[i].keep_s) * 1000;

		rig_init();
		r.policy.parent_ttl_floor_s = 86400;
		r.z.seen.copy[A].ttl_max_s = 7200;
		rig_at(-1000000);
		rig_put(origin, rows[i].kind, KA, 0);
		rig_steady();
		rig_at(0);
		rig_put(origin, rows[i].kind, KA2, 0);
		rig_settle();
		rig_at(100);
		rig_put(origin, rows[i].kind, KB, 0);
		rig_settle();
		rig_at_ms(end_ms);
		rig_settle();
		assert_int_equal(kept->count, 2);
		rig_at_ms(end_ms + 1);
		rig_settle();
		assert_int_equal(kept->count, 1);
	}
}

static void
test_pending_full(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_KEY};

	(void)state;
	for (unsigned i = 0; i < MUS_PENDING_MAX; i++) {
		a.add = mus_bit(i);
		assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	}
	a.add = mus_bit(40);
	assert_false(mus_pending_add(&r.z.seen, &a, r.now));
	a.rr = MUS_RR_NS;
	assert_false(mus_pending_add(&r.z.seen, &a, r.now));
	/* What no guard reads needs no place. */
	a.rr = MUS_RR_CSYNC;
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
}

static void
test_transports(void **state)
{
	(void)state;
	mus_observe_server(&r.z.seen, AT_A, MUS_YES, MUS_NO, true);
	assert_true(r.z.seen.server[AT_A].udp_ok && !r.z.seen.server[AT_A].tcp_ok);
	mus_observe_server(&r.z.seen, AT_A, MUS_UNKNOWN, MUS_UNKNOWN, false);
	assert_true(r.z.seen.server[AT_A].udp_ok && !r.z.seen.server[AT_A].tcp_ok);
	assert_false(r.z.seen.server[AT_A].aa_ok);
	assert_int_equal(mus_servers_of_set(&r.z.zone, 3), mus_bit(AT_A) | mus_bit(AT_B));
	assert_int_equal(mus_servers_of_set(&r.z.zone, 2), mus_bit(AT_B));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, rig_setup)
	const struct CMUnitTest tests[] = {
	    T(test_signed_by_nobody),
	    T(test_owner_by_signature),
	    T(test_owner_by_first_sight),
	    T(test_shown_by_two_at_first),
	    T(test_gone),
	    T(test_to_spread),
	    T(test_role_from_a_copy),
	    T(test_role_not_from_an_older_copy),
	    T(test_next_csk),
	    T(test_copy_ttl),
	    T(test_copy_ttl_unread),
	    T(test_pending),
	    T(test_pending_names),
	    T(test_pending_lost),
	    T(test_pending_at_once),
	    T(test_kept_for),
	    T(test_pending_full),
	    T(test_transports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
