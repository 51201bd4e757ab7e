/*
 * What a track of a roll-over waits for, row by row on the zone of the rig; test_roll.c has whole ones.
 */
#include "rig.h"
#include "core/roll.h"

static const struct mus_witness *waits = &r.plan.roll_wait[0];

/* Signer a rolls from za to za2, and stands in this row of the table. */
static struct mus_roll *
rolls(unsigned row)
{
	struct mus_roll *t = &r.z.want.roll[0];

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		mus_roll_clear(&r.z.want.roll[i]);
	t->kind = MUS_PROC_ZSK;
	t->signer = A;
	t->row = (uint8_t)row;
	t->in = ZA2;
	t->out = ZA;
	t->started_at = t->row_at = r.now;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZA2, KB);
	rig_data(A, ZA2);
	rig_settle();
	r.z.seen.copy[A].keys_in_data = ZA2;
	return t;
}

static void
expect(enum mus_rule rule, enum mus_result result)
{
	rig_plan();
	assert_rule(waits->rule, rule);
	assert_int_equal(waits->result, result);
}

enum { SYNCED = 1, IN_USE = 3, UNUSED, EXPIRED, GONE, STOP };	/* rows */

/* Only a whole copy, read since then, shows that nothing is signed with the old key. */
static void
test_old_key_unused(void **state)
{
	struct mus_copy *copy = &r.z.seen.copy[A];

	(void)state;
	rolls(UNUSED);
	expect(MUS_RULE_DATAWAIT, MUS_RES_FAILS);
	copy->keys_in_data = ZA | ZA2;
	expect(MUS_RULE_OLDUNUSED, MUS_RES_FAILS);
	assert_int_equal(waits->key, za);
	copy->keys_in_data = ZA2;
	/* What the operator declares says nothing of keys; nor does a copy with signatures by keys that nobody knows.
	 * Both have been read: to read the same again tells no more. */
	copy->declared = true;
	expect(MUS_RULE_OLDUNUSED, MUS_RES_UNKNOWN);
	assert_int_equal(r.plan.need_copy, 0);
	copy->declared = false;
	copy->has_stray_sigs = true;
	expect(MUS_RULE_OLDUNUSED, MUS_RES_UNKNOWN);
	assert_int_equal(r.plan.need_copy, 0);
	copy->has_stray_sigs = false;
	copy->at = mus_time_add_ms(r.z.want.roll[0].row_at, -1);
	expect(MUS_RULE_OLDUNUSED, MUS_RES_UNKNOWN);
	assert_int_equal(r.plan.need_copy, 1 << A);
	copy->known = false;
	expect(MUS_RULE_OLDUNUSED, MUS_RES_UNKNOWN);
	assert_int_equal(r.plan.need_copy, 1 << A);
}

/* G2: a server that nobody asks, and resolvers are led to, may lack the new key. */
static void
test_new_key_where_nobody_looks(void **state)
{
	(void)state;
	rolls(SYNCED);
	expect(MUS_RULE_KEYWAIT, MUS_RES_FAILS);
	r.z.zone.ns_count = 3;
	r.z.zone.ns[2] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN};
	rig_put(MUS_PARENT, MUS_RR_PNS, 7, 0);
	rig_settle();
	rolls(SYNCED);
	rig_put(MUS_PARENT, MUS_RR_PNS, 7, 0);
	rig_settle();
	expect(MUS_RULE_V10, MUS_RES_FAILS);
	assert_int_equal(waits->ns, 2);
}

/* Without a largest TTL nobody can tell when the old data have left the caches. */
static void
test_ttl_not_known(void **state)
{
	(void)state;
	rolls(UNUSED);
	rig_put(A, MUS_RR_KEY, KA | ZB | ZA2, KA);	/* it has withdrawn the old key: out of use */
	rig_settle();
	expect(MUS_RULE_DATAWAIT, MUS_RES_FAILS);
	r.z.seen.copy[A].known = false;
	expect(MUS_RULE_TTLMAX, MUS_RES_UNKNOWN);
	assert_int_equal(waits->origin, A);
	assert_int_equal(waits->key, MUS_NOBODY);
	assert_false(mus_time_is_set(r.plan.wake_at));
	r.z.zone.signer[A].declared_max_ttl_s = 60;
	expect(MUS_RULE_DATAWAIT, MUS_RES_FAILS);
}

/* To the second, and nobody is woken for what has ended. */
static void
test_data_wait(void **state)
{
	struct mus_roll *t = rolls(UNUSED);

	(void)state;
	t->data = (struct mus_clock){.from = rig_time(0), .ttl_s = 3600};
	rig_at_ms(3660 * 1000 - 1);
	expect(MUS_RULE_DATAWAIT, MUS_RES_FAILS);
	assert_int_equal(waits->until.ms, rig_time(3660).ms);
	assert_int_equal(r.plan.wake_at.ms, rig_time(3660).ms);
	rig_at(3660);
	expect(MUS_RULE_OLDGONE, MUS_RES_FAILS);
	assert_false(mus_time_is_set(r.plan.wake_at));
}

/* What a server shows that was taken away keeps no key. */
static void
test_shown_by_nobodys_server(void **state)
{
	struct mus_look l = {.server = 3, .kind = MUS_RR_KEY, .set = KA | ZA | ZB | ZA2, .content = 9, .ttl_s = 60};

	(void)state;
	r.z.zone.server_count = 4;
	r.z.zone.server[3] = (struct mus_server){A, NS_A};
	rolls(GONE);
	rig_put(A, MUS_RR_KEY, KA | ZB | ZA2, KA);
	rig_look(&l);
	rig_settle();
	expect(MUS_RULE_OLDGONE, MUS_RES_FAILS);
	assert_int_equal(waits->server, 3);
	assert_int_equal(waits->key, za);
	assert_true(waits->surplus);
	r.z.zone.server[3] = (struct mus_server){MUS_NOBODY, MUS_NOBODY};
	rig_settle();
	expect(MUS_RULE_WITHDRAWN, MUS_RES_FAILS);
	assert_int_equal(waits->origin, B);
}

static bool
is_followed(uint64_t key)
{
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (r.plan.want.roll[i].in & key)
			return true;
	return false;
}

/* One roll-over more than can be followed: its key is as new when a place is free. */
static void
test_no_place(void **state)
{
	const struct {
		enum mus_proc_kind kind;
		uint8_t signer;
		uint64_t in;
	} others[MUS_ROLLS_MAX] = {
	    {MUS_PROC_ZSK, A, ZA2}, {MUS_PROC_KSK, A, KA2}, {MUS_PROC_ZSK, B, ZN}, {MUS_PROC_KSK, B, KN}};
	const uint64_t fresh = mus_bit(KEY_COUNT);

	(void)state;
	r.z.zone.key[KEY_COUNT] = r.z.zone.key[za2];
	r.z.zone.key[KEY_COUNT].id = r.z.zone.key[KEY_COUNT].tag = 77;
	r.z.zone.key_count++;
	r.z.want.known = KA | ZA | KB | ZB;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2 | KA2 | fresh, KA);
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA | ZN | KN, KB);
	rig_settle();
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		struct mus_roll *t = &r.z.want.roll[i];

		mus_roll_clear(t);
		t->kind = others[i].kind;
		t->signer = others[i].signer;
		t->in = others[i].in;
		t->row = 1;
	}
	rig_plan();
	assert_false(is_followed(fresh));
	assert_false(r.plan.want.known & fresh);
	mus_roll_clear(&r.z.want.roll[2]);
	r.z.want.known |= ZN;
	rig_plan();
	assert_true(r.plan.want.roll[2].in == fresh);
	assert_true(r.plan.want.roll[2].out == ZA);
	assert_int_equal(r.plan.want.roll[2].started_at.ms, r.now.ms);
}

/* What a new key of a role would take the place of; none in a role that the signer has no key for. */
static void
test_keys_of_a_role(void **state)
{
	const struct {
		bool sep_signs_data;
		uint64_t zsk, ksk, csk;
	} t[] = {{false, ZA, KA, 0}, {true, ZA, 0, KA}};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct mus_facts facts;
		struct mus_ctx c = {&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &facts, NULL};

		rig_init();
		rig_steady();
		r.z.zone.key[ka].signs_data = t[i].sep_signs_data ? MUS_YES : MUS_NO;
		mus_facts(&r.z.zone, &r.z.seen, &r.policy, r.now, &facts);
		assert_true(mus_roll_keys(&c, A, MUS_PROC_ZSK) == t[i].zsk);
		assert_true(mus_roll_keys(&c, A, MUS_PROC_KSK) == t[i].ksk);
		assert_true(mus_roll_keys(&c, A, MUS_PROC_CSK) == t[i].csk);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, rig_setup)
	const struct CMUnitTest tests[] = {
	    T(test_old_key_unused),
	    T(test_new_key_where_nobody_looks),
	    T(test_ttl_not_known),
	    T(test_data_wait),
	    T(test_shown_by_nobodys_server),
	    T(test_no_place),
	    T(test_keys_of_a_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
