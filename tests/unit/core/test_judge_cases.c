/* The small validity cases of protocol.md 24: whole situations, judged by all rules. */
#include "judge_rig.h"

static void
test_steady(void **state)
{
	(void)state;
	rig_steady();
	rig_at(7200);
	rig_settle();
	for (unsigned rule = 0; rule < MUS_RULE_COUNT; rule++)
		holds((enum mus_rule)rule);
	assert_int_equal(r.verdict.finding_count, 0);
	assert_int_equal(word(), MUS_STATE_VALID);
}

/* What nobody has ever shown is not known to hold. */
static void
test_nothing_seen(void **state)
{
	(void)state;
	for (unsigned rule = MUS_RULE_V1; rule <= MUS_RULE_V14; rule++)
		expect((enum mus_rule)rule, MUS_RES_UNKNOWN);
	assert_int_equal(word(), MUS_STATE_UNKNOWN);
	/* The parent alone says nothing of the signers. */
	rig_ds(KA | KB);
	rig_put(MUS_PARENT, MUS_RR_PNS, 3, 0);
	mus_settle(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now);
	holds(MUS_RULE_V5);
	for (unsigned rule = MUS_RULE_V1; rule <= MUS_RULE_V14; rule++)
		if (rule != MUS_RULE_V5)
			expect((enum mus_rule)rule, MUS_RES_UNKNOWN);
	assert_int_equal(word(), MUS_STATE_UNKNOWN);
}

static void
test_missing_import(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_settle();
	fails(MUS_RULE_V2);
	fails(MUS_RULE_V7);
	holds(MUS_RULE_V1);
	assert_int_equal(word(), MUS_STATE_INVALID);
}

/* Who brought the key is to blame, not who may not import it. */
static void
test_key_of_another_algorithm(void **state)
{
	const struct mus_verdict *v;
	unsigned found = 0;

	(void)state;
	r.z.zone.alg_count = 2;
	rig_steady();
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA | ZN, KB);
	rig_at(7200);
	rig_settle();
	fails(MUS_RULE_V7);
	fails(MUS_RULE_G8);
	v = rig_judge();
	for (unsigned i = 0; i < v->finding_count; i++) {
		const struct mus_witness *w = &v->finding[i];

		assert_rule(w->rule == MUS_RULE_V7 ? MUS_RULE_NONE : w->rule, w->rule);
		if (w->rule != MUS_RULE_G8)
			continue;
		found++;
		assert_int_equal(w->origin, B);
		assert_int_equal(w->origin2, A);
		assert_int_equal(w->key, zn);
	}
	assert_int_equal(found, 1);
	/* One that is only late is missing at the importer. */
	r.z.zone.key[zn].alg = 13;
	r.z.zone.key[zn].alg_idx = 0;
	holds(MUS_RULE_G8);
	fails(MUS_RULE_V7);
}

/* What is found of this rule and kind; NULL: nothing. */
static const struct mus_witness *
found(enum mus_rule rule, enum mus_rr_kind kind)
{
	const struct mus_verdict *v = rig_judge();

	for (unsigned i = 0; i < v->finding_count; i++)
		if (v->finding[i].rule == rule && v->finding[i].kind == kind)
			return &v->finding[i];
	return NULL;
}

/* A record that names a key which nobody shows is told with its signer and the key's tag. */
static void
test_stray_records(void **state)
{
	static const struct {
		enum mus_rr_kind kind;
		unsigned origin;
		enum mus_rule rule;
	} rows[] = {{MUS_RR_CDS, B, MUS_RULE_V8}, {MUS_RR_CDNSKEY, A, MUS_RULE_V8},
	    {MUS_RR_DS, MUS_PARENT, MUS_RULE_V9}};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct mus_look l = {.server = (uint8_t)(rows[i].origin == MUS_PARENT ? AT_PARENT :
			    rows[i].origin == A					      ? AT_A
										      : AT_B),
		    .kind = rows[i].kind, .set = KA | KB, .content = 77, .ttl_s = 3600, .stray = 1,
		    .aux = MUS_AUX_STRAY | 4711};
		const struct mus_witness *w;

		rig_init();
		rig_steady();
		assert_null(found(rows[i].rule, rows[i].kind));
		l.dt[1] = l.set;
		rig_look(&l);
		rig_settle();
		w = found(rows[i].rule, rows[i].kind);
		assert_non_null(w);
		assert_int_equal(w->result, MUS_RES_WARN);
		assert_int_equal(w->origin, rows[i].origin);
		assert_int_equal(w->server, l.server);
		assert_int_equal(w->key, MUS_NOBODY);
		assert_int_equal(w->number, 4711);
		assert_true(w->surplus);
		/* A key that is known and not there comes first. */
		rig_at(10);
		l.set = l.dt[1] = KA;
		rig_look(&l);
		rig_settle();
		w = found(rows[i].rule, rows[i].kind);
		assert_int_equal(w->key, kb);
		assert_false(w->surplus);
		assert_int_equal(w->number, 0);
	}
}

/* A signer alone that shows CDS: a stray one would be followed. */
static void
test_stray_of_one_alone(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_CDS, .set = KA, .content = 77, .ttl_s = 3600,
	    .stray = 1, .aux = MUS_AUX_STRAY | 4711};

	(void)state;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.z.zone.signer[B].is_member = false;
	rig_steady();
	rig_absent(A, MUS_RR_CDS);
	rig_absent(A, MUS_RR_CDNSKEY);
	rig_settle();
	assert_null(found(MUS_RULE_V8, MUS_RR_CDS));
	l.dt[1] = l.set;
	rig_look(&l);
	rig_settle();
	assert_int_equal(found(MUS_RULE_V8, MUS_RR_CDS)->number, 4711);
}

/* A key that one signer alone has ever shown is taken for its own; where nothing confirms it, it is said. */
static void
test_whose_key_is_it(void **state)
{
	struct mus_zkey *key = &r.z.zone.key[za2];

	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA | ZA2, KB);
	rig_settle();
	assert_null(found(MUS_RULE_V10, MUS_RR_KEY));	/* declared */
	key->evidence = MUS_EV_FIRST_SIGHT;
	assert_null(found(MUS_RULE_V10, MUS_RR_KEY));	/* it signs data */
	key->signs_data = MUS_NO;
	assert_null(found(MUS_RULE_V10, MUS_RR_KEY));	/* a copy has told */
	key->signs_data = MUS_UNKNOWN;
	assert_int_equal(found(MUS_RULE_V10, MUS_RR_KEY)->result, MUS_RES_WARN);
	assert_int_equal(found(MUS_RULE_V10, MUS_RR_KEY)->origin, A);
	assert_int_equal(found(MUS_RULE_V10, MUS_RR_KEY)->key, za2);
	assert_int_equal(found(MUS_RULE_V10, MUS_RR_KEY)->number, 1000 + za2);
	key->signs_key = true;
	assert_null(found(MUS_RULE_V10, MUS_RR_KEY));
}

/* Who does not answer is told with the instant of the first question that it left unanswered. */
static void
test_silent_since(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	rig_settle();
	for (unsigned i = 1; i <= 2; i++) {
		rig_at(100 + i * 50);
		rig_fail(B, MUS_RR_SOA, MUS_CAUSE_TIMEOUT);
		rig_settle();
		assert_int_equal(found(MUS_RULE_V6, MUS_RR_SOA)->result, MUS_RES_WARN);
		assert_int_equal(found(MUS_RULE_V6, MUS_RR_SOA)->seen_at.ms, rig_time(150).ms);
		assert_int_equal(found(MUS_RULE_V2, MUS_RR_SOA)->seen_at.ms, rig_time(150).ms);
		assert_int_equal(found(MUS_RULE_V2, MUS_RR_SOA)->origin, B);
		assert_int_equal(word(), MUS_STATE_UNKNOWN);
	}
}

static void
test_ns_too_early(void **state)
{
	(void)state;
	rig_ds(KA);
	rig_steady();
	/* The old DS set {Ka} is alive: V1 fails with b's DNSKEY; exactly until it has gone. */
	rig_at(10);
	rig_settle();
	fails(MUS_RULE_V1);
	rig_at_ms(3660 * 1000);
	fails(MUS_RULE_V1);
	rig_at_ms(3660 * 1000 + 1);
	holds(MUS_RULE_V1);
}

static void
test_ds_too_early(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	rig_ds(KA);
	rig_settle();
	fails(MUS_RULE_V1);
	assert_int_equal(r.verdict.finding[0].origin2, B);
}

static void
test_zsk_removed_at_once(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZA2 | ZB, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZA2 | ZB, KB);
	rig_data(A, ZA2);
	rig_settle();
	rig_at(7200);
	rig_settle();
	holds(MUS_RULE_V2);
	/* Now a and b drop Za; what it signed was replaced at 7200 and lives for an hour and a minute. */
	rig_data(A, ZA);
	rig_settle();
	rig_at(7300);
	rig_data(A, ZA2);
	rig_settle();
	rig_at(7400);
	rig_put(A, MUS_RR_KEY, KA | ZA2 | ZB, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA2 | ZB, KB);
	rig_settle();
	fails(MUS_RULE_V2);
	rig_at_ms((7300 + 3660) * 1000);
	fails(MUS_RULE_V2);
	rig_at_ms((7300 + 3660) * 1000 + 1);
	holds(MUS_RULE_V2);
}

static void
test_ksk_swap_early(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	rig_ds(KA2 | KB);
	rig_put(A, MUS_RR_KEY, KA2 | ZA | ZB, KA2);
	rig_put(A, MUS_RR_CDS, KA2 | KB, KA2);
	rig_put(B, MUS_RR_CDS, KA2 | KB, KB);
	rig_settle();
	fails(MUS_RULE_V1);
	/* Until the DNSKEY set signed by Ka and the DS set naming it have gone. */
	rig_at_ms((100 + 3660) * 1000 + 1);
	holds(MUS_RULE_V1);
}

static void
test_algorithm_removed(void **state)
{
	(void)state;
	r.z.zone.alg_count = 2;
	r.ns = 1 << NS_B;
	rig_ds(KB | KN);
	rig_put(MUS_PARENT, MUS_RR_PNS, 2, 0);
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 2;
	rig_put(B, MUS_RR_KEY, KN | ZN, KN);
	rig_data(B, ZN);
	rig_settle();
	holds(MUS_RULE_V1);
	fails(MUS_RULE_V3);
	assert_int_equal(r.verdict.finding[0].number, 13);
	rig_put(B, MUS_RR_KEY, KB | ZB | KN | ZN, KB | KN);
	rig_data(B, ZB | ZN);
	rig_settle();
	rig_at_ms(3660 * 1000 + 1);
	holds(MUS_RULE_V3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, rig_setup)
	const struct CMUnitTest tests[] = {
	    T(test_steady),
	    T(test_nothing_seen),
	    T(test_missing_import),
	    T(test_key_of_another_algorithm),
	    T(test_stray_records),
	    T(test_stray_of_one_alone),
	    T(test_whose_key_is_it),
	    T(test_silent_since),
	    T(test_ns_too_early),
	    T(test_ds_too_early),
	    T(test_zsk_removed_at_once),
	    T(test_ksk_swap_early),
	    T(test_algorithm_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
