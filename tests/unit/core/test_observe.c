/*
 * Observation into history (protocol.md 3): versions, how long each is alive, Reach, and what the parent was
 * asked for.
 */
#include "rig.h"

static struct mus_ring *
ring(unsigned origin, enum mus_rr_kind kind)
{
	return mus_seen_ring(&r.z.seen, origin, kind);
}

static struct mus_time
end_of(const struct mus_ring *ring_, unsigned i)
{
	return mus_version_end(&r.z.seen, ring_, &ring_->v[i], 0, r.now, r.policy.margin_s);
}

static struct mus_look
key_look(uint64_t set)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_KEY, .set = set, .content = set, .ttl_s = 60,
	    .serve_ttl_s = 60};

	return l;
}

/* ---- versions ------------------------------------------------------------------------------- */

static void
test_a_version_is_content_and_signers(void **state)
{
	struct mus_look l = key_look(KA);
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	l.sig_count = 1;
	l.sig[0] = (struct mus_sig){.key = ka, .alg = 13, .tag = 1000, .from_s = 1, .until_s = 1000};
	rig_look(&l);
	rig_look(&l);
	assert_int_equal(k->count, 1);
	/* Signature times fold, the latest stay; the largest TTL is kept, the one served is the latest. */
	l.sig[0].until_s = 2000;
	l.ttl_s = l.serve_ttl_s = 50;
	rig_look(&l);
	l.sig[0].until_s = 1500;
	rig_look(&l);
	assert_int_equal(k->count, 1);
	assert_int_equal(k->v[0].sig[0].until_s, 2000);
	assert_int_equal(k->v[0].ttl_s, 60);
	assert_int_equal(k->v[0].serve_ttl_s, 50);
	assert_int_equal(k->ttl_max_s, 60);
	/* Another signer, content, flag, stray, aux, digest: each is a version of its own. */
	l.sig[0].key = za;
	l.sig[0].tag = 1001;
	rig_look(&l);
	assert_int_equal(k->count, 2);
	l.stray = 1;
	rig_look(&l);
	l.aux = 1;
	rig_look(&l);
	l.flags = MUS_VER_BADSIG;
	rig_look(&l);
	l.dt[0] = 1;
	rig_look(&l);
	l.set = ZA;
	rig_look(&l);
	l.content = 9;
	rig_look(&l);
	l.sig_count = 0;
	rig_look(&l);
	assert_int_equal(k->count, 9);
	assert_int_equal(k->v[8].srv, mus_bit(AT_A));
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(k->v[i].srv, 0);
}

/* Two keys of one tag: each signature keeps its own times. */
static void
test_equal_tags(void **state)
{
	struct mus_look l = key_look(KA | ZA);
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	l.sig_count = 2;
	l.sig[0] = (struct mus_sig){.key = ka, .alg = 13, .tag = 1000, .from_s = 1, .until_s = 1000};
	l.sig[1] = (struct mus_sig){.key = za, .alg = 13, .tag = 1000, .from_s = 1, .until_s = 1000};
	rig_look(&l);
	l.sig[0].until_s = 2000;
	l.sig[1].until_s = 3000;
	rig_look(&l);
	assert_int_equal(k->count, 1);
	assert_int_equal(k->v[0].sig[0].until_s, 2000);
	assert_int_equal(k->v[0].sig[1].key, za);
	assert_int_equal(k->v[0].sig[1].until_s, 3000);
	/* Where one was not judged yet and two might be it, it is the first; the other takes nobody's place. */
	k->v[0].sig[0].key = MUS_KEY_NONE;
	k->v[0].sig[1].tag = 1001;
	l.sig[1].until_s = 4000;
	rig_look(&l);
	assert_int_equal(k->count, 1);
	assert_int_equal(k->v[0].sig[0].key, ka);
	assert_int_equal(k->v[0].sig[0].until_s, 2000);
	assert_int_equal(k->v[0].sig[1].tag, 1001);
	assert_int_equal(k->v[0].sig[1].until_s, 3000);
}

/* A zone that changes all day fills no ring: of its data only the signers matter. */
static void
test_data_fold(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_SOA, .ttl_s = 60};

	(void)state;
	for (l.content = 1; l.content < 100; l.content++)
		rig_look(&l);
	assert_int_equal(ring(A, MUS_RR_SOA)->count, 1);
	l.kind = MUS_RR_NS;
	l.set = 1;
	rig_look(&l);
	l.content++;
	rig_look(&l);
	assert_int_equal(ring(A, MUS_RR_NS)->count, 2);
}

/* A signature by a key that was not known then is judged again; one that stops verifying is seen. */
static void
test_key_learnt_later(void **state)
{
	struct mus_look l = key_look(KA);
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	l.sig_count = 1;
	l.sig[0] = (struct mus_sig){.key = MUS_KEY_NONE, .alg = 13, .tag = 1000, .from_s = 1, .until_s = 9};
	rig_look(&l);
	l.sig[0].key = ka;
	rig_look(&l);
	assert_int_equal(k->count, 1);
	assert_int_equal(k->v[0].sig[0].key, ka);
	l.sig[0].key = MUS_KEY_NONE;
	rig_look(&l);
	assert_int_equal(k->count, 2);
}

static void
test_failed_look_changes_nothing(void **state)
{
	struct mus_ring *k;

	(void)state;
	rig_steady();
	k = ring(A, MUS_RR_KEY);
	rig_at(10);
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	assert_int_equal(k->count, 1);
	assert_int_equal(k->v[0].srv, mus_bit(AT_A));
	assert_false(mus_is_known(k, A, MUS_RR_KEY, mus_bit(AT_A), &r.policy, r.now, &r.w));
	assert_rule(r.w.rule, MUS_RULE_OBSERVE);
	assert_int_equal(r.w.cause, MUS_CAUSE_TIMEOUT);
	assert_int_equal(r.w.server, AT_A);
	assert_false(mus_is_known(k, A, MUS_RR_KEY, mus_bit(AT_A), &r.policy, r.now, NULL));
	/* One that failed in an earlier round, and was not asked in this. */
	rig_at(20);
	r.z.zone.server_count = 4;
	r.z.zone.server[3] = (struct mus_server){A, NS_A};
	{
		struct mus_look l = key_look(KA);

		l.server = 3;
		rig_look(&l);
	}
	assert_false(mus_is_known(k, A, MUS_RR_KEY, mus_bit(AT_A) | mus_bit(3), &r.policy, r.now, &r.w));
	assert_int_equal(r.w.server, AT_A);
	/* Nobody to ask is not known either. */
	assert_false(mus_is_known(k, A, MUS_RR_KEY, 0, &r.policy, r.now, NULL));
}

static void
test_fresh(void **state)
{
	(void)state;
	rig_steady();
	rig_at_ms((int64_t)r.policy.fresh_s * 1000);
	assert_true(mus_is_known(ring(A, MUS_RR_KEY), A, MUS_RR_KEY, mus_bit(AT_A), &r.policy, r.now, &r.w));
	rig_at_ms((int64_t)r.policy.fresh_s * 1000 + 1);
	assert_false(mus_is_known(ring(A, MUS_RR_KEY), A, MUS_RR_KEY, mus_bit(AT_A), &r.policy, r.now, &r.w));
	assert_int_equal(r.w.cause, MUS_CAUSE_NONE);
}

/* ---- how long a version is alive ------------------------------------------------------------ */

/* A server that lags shows the old signature beside others that show the new one. */
static void
test_what_is_out_of_time_is_another_version(void **state)
{
	struct mus_look l = key_look(KA);
	struct mus_ring *k = ring(A, MUS_RR_KEY);
	int64_t now_s = mus_time_to_s(r.now);

	(void)state;
	l.sig_count = 1;
	l.sig[0] = (struct mus_sig){.key = ka, .alg = 13, .tag = 1000, .from_s = now_s, .until_s = now_s + 1000};
	rig_look(&l);
	l.sig[0].until_s = now_s + 5000;
	rig_look(&l);
	l.sig[0].until_s = now_s + 1000;
	rig_at(880);		/* a TTL of 60 and the margin of 60 are left */
	rig_look(&l);
	assert_int_equal(k->count, 1);
	rig_at(881);
	rig_look(&l);
	assert_int_equal(k->count, 2);
	assert_true(k->v[0].srv == 0 && k->v[0].sig[0].until_s == now_s + 5000);
	assert_true(k->v[1].srv != 0 && k->v[1].sig[0].until_s == now_s + 1000);
	l.sig[0].until_s = now_s + 5000;
	rig_look(&l);
	assert_true(k->count == 2 && k->v[0].srv != 0 && k->v[1].srv == 0);
	/* Not valid yet, and for longer: the next good one is shorter and counts all the same. */
	l.sig[0] = (struct mus_sig){.key = ka, .alg = 13, .tag = 1000, .from_s = now_s + 881 + 61, .until_s = now_s + 9000};
	rig_look(&l);
	assert_true(k->count == 2 && k->v[0].srv == 0 && k->v[1].srv != 0);
	l.sig[0] = (struct mus_sig){.key = ka, .alg = 13, .tag = 1000, .from_s = now_s + 881 + 60, .until_s = now_s + 5000};
	rig_look(&l);
	assert_true(k->count == 2 && k->v[0].srv != 0 && k->v[1].srv == 0);
}

/* A day is noted in advance, then the clock is right again. */
static void
test_clock_set_back(void **state)
{
	struct mus_look l = key_look(KA);
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	rig_at(86400);
	rig_look(&l);
	l.set = l.content = KA | ZA;
	rig_look(&l);
	rig_settle();
	assert_int_equal(k->since.ms, rig_time(86400).ms);
	rig_at(10);
	rig_look(&l);
	rig_settle();
	assert_int_equal(k->since.ms, rig_time(10).ms);
	assert_int_equal(k->count, 2);
	assert_int_equal(k->v[0].first.ms, rig_time(10).ms);
	assert_int_equal(k->v[0].last.ms, rig_time(10).ms);
}

static void
test_alive_until_last_and_ttl(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	assert_int_equal(end_of(ring(A, MUS_RR_KEY), 0).ms, rig_time(100 + 3660).ms);
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_at(5000);
	/* The poll that no longer showed it counts, not the last that did. */
	assert_int_equal(end_of(ring(A, MUS_RR_KEY), 0).ms, rig_time(100 + 3660).ms);
	rig_settle();
	assert_int_equal(ring(A, MUS_RR_KEY)->count, 1);
}

/* Questions may stand in a queue: what was shown until the answer came may have been handed out. */
static void
test_answers_come_late(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	r.slow_s = 40;
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	assert_int_equal(ring(A, MUS_RR_KEY)->asked_at.ms, rig_time(100).ms);
	assert_int_equal(end_of(ring(A, MUS_RR_KEY), 0).ms, rig_time(140 + 3660).ms);
	assert_int_equal(ring(A, MUS_RR_KEY)->v[1].first.ms, rig_time(140).ms);
	/* Nor is what was shown before the first answers known. */
	rig_init();
	rig_at(100);
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	mus_settle(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, rig_time(140));
	assert_int_equal(ring(A, MUS_RR_KEY)->since.ms, rig_time(140).ms);
	assert_int_equal(ring(A, MUS_RR_KEY)->asked_at.ms, rig_time(100).ms);
}

static void
test_forgotten_when_dead(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_settle();
	rig_at(100 + 3660);
	rig_settle();
	assert_int_equal(ring(A, MUS_RR_KEY)->count, 2);
	rig_at_ms((100 + 3660) * 1000 + 1);
	rig_settle();
	assert_int_equal(ring(A, MUS_RR_KEY)->count, 1);
}

/* 2.1: a TTL that was lowered is restored between two looks, and the set changed. */
static void
test_largest_ttl_ever(void **state)
{
	(void)state;
	r.ttl_s = 86400;
	rig_steady();
	r.ttl_s = 300;
	rig_at(100);
	rig_ds(KA | KB);
	rig_settle();
	rig_at(200);
	rig_ds(KA | KB | KA2);
	rig_settle();
	assert_int_equal(ring(MUS_PARENT, MUS_RR_DS)->ttl_max_s, 86400);
	assert_int_equal(end_of(ring(MUS_PARENT, MUS_RR_DS), 0).ms, rig_time(200 + 86400 + 60).ms);
}

/* 2.2: after a restart without history the largest TTL that is stored counts, or the floor. */
static void
test_history_at(void **state)
{
	struct mus_ring *ds = ring(MUS_PARENT, MUS_RR_DS);

	(void)state;
	assert_int_equal(mus_history_at(ds, MUS_RR_DS, &r.policy, r.now).ms, MUS_TIME_NEVER.ms);
	ds->ttl_max_s = 86400;		/* from the store */
	r.ttl_s = 300;
	rig_steady();
	assert_int_equal(mus_history_at(ds, MUS_RR_DS, &r.policy, r.now).ms, rig_time(86460).ms);
	r.policy.parent_ttl_floor_s = 172800;
	assert_int_equal(mus_history_at(ds, MUS_RR_DS, &r.policy, r.now).ms, rig_time(172860).ms);
	/* Until it has been watched for so long; what signers serve has a floor of its own. */
	assert_int_equal(mus_ring_floor_s(ds, MUS_RR_DS, &r.policy, rig_time(172799)), 172800);
	assert_int_equal(mus_ring_floor_s(ds, MUS_RR_DS, &r.policy, rig_time(172800)), 0);
	assert_int_equal(mus_ring_floor_s(ring(A, MUS_RR_KEY), MUS_RR_KEY, &r.policy, r.now), 0);
	r.policy.ttl_floor_s = 7200;
	assert_int_equal(mus_ring_floor_s(ring(A, MUS_RR_KEY), MUS_RR_KEY, &r.policy, rig_time(7199)), 7200);
	assert_int_equal(mus_ring_floor_s(ring(A, MUS_RR_KEY), MUS_RR_KEY, &r.policy, rig_time(7200)), 0);
	assert_int_equal(mus_ring_floor_s(ds, MUS_RR_DS, &r.policy, rig_time(7200)), 172800);
}

static void
test_gap_breaks_history(void **state)
{
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	r.policy.gap_s = 1000;
	rig_steady();
	assert_int_equal(k->since.ms, r.t0.ms);
	rig_at(1000);
	rig_settle();
	assert_int_equal(k->since.ms, r.t0.ms);
	rig_at_ms(2000 * 1000 + 1);
	rig_settle();
	assert_int_equal(k->since.ms, r.now.ms);
}

/* A server that is silent for longer than a gap may have shown anything meanwhile. */
static void
test_silence_breaks_history(void **state)
{
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	r.policy.gap_s = 1000;
	rig_steady();
	for (unsigned s = 500; s <= 1500; s += 500) {
		rig_at(s);
		rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
		rig_settle();
		assert_int_equal(k->fail_since.ms, rig_time(500).ms);
		assert_int_equal(k->since.ms, r.t0.ms);
	}
	rig_at_ms(1500 * 1000 + 1);
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	rig_settle();
	assert_int_equal(k->since.ms, MUS_TIME_NEVER.ms);
	rig_at(1600);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_settle();
	assert_int_equal(k->since.ms, r.now.ms);
	assert_int_equal(k->fail_since.ms, MUS_TIME_NEVER.ms);
}

static void
test_overflow(void **state)
{
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	rig_steady();
	for (unsigned i = 1; i <= MUS_VERSIONS_MAX; i++) {
		rig_at(i);
		rig_put(A, MUS_RR_KEY, KA | ZA | mus_bit(20 + i), KA);
	}
	assert_int_equal(k->count, MUS_VERSIONS_MAX);
	assert_true(k->overflow);
	/* The first one had to go: unknown until it is dead. */
	assert_int_equal(k->overflow_until.ms, rig_time(1 + 3660).ms);
	assert_false(mus_is_known(k, A, MUS_RR_KEY, mus_bit(AT_A), &r.policy, r.now, &r.w));
	assert_int_equal(r.w.cause, MUS_CAUSE_OVERFLOW);
	/* To the millisecond, whether that was noted since or not. */
	rig_at_ms((1 + 3660) * 1000 - 1);
	assert_true(mus_ring_is_full(k, r.now));
	rig_at(1 + 3660);
	assert_false(mus_ring_is_full(k, r.now));
	assert_true(k->overflow);
	rig_settle();
	assert_true(mus_is_known(k, A, MUS_RR_KEY, mus_bit(AT_A), &r.policy, r.now, &r.w));
	assert_false(k->overflow);
}

static void
test_dead_make_room(void **state)
{
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	rig_steady();
	for (unsigned i = 1; i < MUS_VERSIONS_MAX; i++) {
		rig_at(i);
		rig_put(A, MUS_RR_KEY, KA | ZA | mus_bit(20 + i), KA);
	}
	rig_at(20000);
	rig_put(A, MUS_RR_KEY, KA, KA);
	assert_int_equal(k->count, MUS_VERSIONS_MAX);
	assert_false(k->overflow);
}

/* Whom nobody can be asked about is not known, and has no history. */
static void
test_without_servers(void **state)
{
	struct mus_ring *k = ring(B, MUS_RR_KEY);

	(void)state;
	rig_steady();
	assert_false(mus_is_known(k, B, MUS_RR_KEY, 0, &r.policy, r.now, &r.w));
	assert_rule(r.w.rule, MUS_RULE_OBSERVE);
	assert_int_equal(r.w.server, MUS_NOBODY);
	rig_init();
	r.z.zone.server[AT_B].origin = A;
	rig_steady();
	assert_true(mus_time_is_set(ring(A, MUS_RR_KEY)->since));
	assert_false(mus_time_is_set(k->since));
}

/* Who did not answer is named: the first of the round as far as it is one of those that matter. */
static void
test_who_is_unknown(void **state)
{
	struct mus_ring *k = ring(A, MUS_RR_KEY);

	(void)state;
	rig_steady();
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_REFUSED);
	assert_int_equal(k->fail_server, AT_A);
	k->fail_server = 64;		/* a state that names no server */
	assert_false(mus_is_known(k, A, MUS_RR_KEY, mus_bit(AT_A), &r.policy, r.now, &r.w));
	assert_int_equal(r.w.server, AT_A);
	assert_int_equal(r.w.cause, MUS_CAUSE_REFUSED);
}

static void
test_sig_mask(void **state)
{
	struct mus_version v = {.sig_count = 3,
	    .sig = {{.key = ka, .from_s = 100, .until_s = 200},
		{.key = za, .from_s = 100, .until_s = 300},
		{.key = MUS_KEY_NONE, .from_s = 0, .until_s = 1000}}};

	(void)state;
	assert_int_equal(mus_sig_mask(&v, mus_time_from_s(39), 60), 0);
	assert_int_equal(mus_sig_mask(&v, mus_time_from_s(40), 60), KA | ZA);
	assert_int_equal(mus_sig_mask(&v, (struct mus_time){200999}, 60), KA | ZA);
	assert_int_equal(mus_sig_mask(&v, mus_time_from_s(201), 60), ZA);
	assert_int_equal(mus_sig_mask(&v, mus_time_from_s(301), 60), 0);
}

/* ---- Reach ---------------------------------------------------------------------------------- */

static void
leave(int64_t s)
{
	r.z.want.nsg = 1;
	rig_at(s);
	rig_put(A, MUS_RR_NS, 1 << NS_A, ZA);
	rig_put(B, MUS_RR_NS, 1 << NS_A, ZB);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_settle();
}

static void
test_reach_ends_with_the_last_lead(void **state)
{
	(void)state;
	rig_steady();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	leave(100);
	rig_at_ms((100 + 3660) * 1000);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	rig_at(4000);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	/* When it ended, not when that was noticed. */
	assert_int_equal(r.z.seen.server[AT_B].cut.ms, rig_time(100 + 3660).ms);
	/* What it shows is not handed out any more: it ages from the cut. */
	rig_at(6000);
	assert_int_equal(end_of(ring(B, MUS_RR_KEY), 0).ms, rig_time(100 + 3660 + 3660).ms);
}

/* A server of the parent answers for the zone itself. */
static void
at_parent(uint64_t sig)
{
	struct mus_look l = {.server = AT_PARENT, .kind = MUS_RR_PNS, .set = mus_bit(NS_A),
	    .content = 77, .ttl_s = 60, .serve_ttl_s = 60, .flags = MUS_VER_CHILD};

	for (; sig; sig &= sig - 1)
		l.sig[l.sig_count++] = (struct mus_sig){.key = (uint8_t)__builtin_ctzll(sig), .alg = 13,
		    .until_s = mus_time_to_s(rig_time(100000))};
	rig_look(&l);
	rig_settle();
}

static void
reach_fails_at_parent(void)
{
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	assert_int_equal(rig_condition(MUS_RULE_REACH), MUS_RES_FAILS);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.server, AT_PARENT);
	assert_int_equal(r.w.kind, MUS_RR_PNS);
}

/* Whose copy it has stays in Reach, whatever NS says, up to when it was there last. */
static void
test_reach_by_a_copy_at_the_parent(void **state)
{
	(void)state;
	rig_steady();
	r.z.want.proc.kind = MUS_PROC_REMOVE;
	r.z.want.proc.signer = B;
	leave(100);
	rig_at(4000);
	at_parent(ZB);
	reach_fails_at_parent();
	rig_at(50000);
	at_parent(ZB);
	reach_fails_at_parent();
	/* The copy of who stays, signed by the leaver too: the leaver's all the same. */
	rig_at(50010);
	at_parent(ZA | ZB);
	reach_fails_at_parent();
	rig_at(50020);
	at_parent(ZA);
	rig_at(50030);
	at_parent(ZA);
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	assert_int_equal(r.z.seen.server[AT_B].cut.ms, rig_time(50020).ms);
	assert_int_equal(rig_condition(MUS_RULE_REACH), MUS_RES_HOLDS);
	/* Nobody knows whose: of who leaves. */
	rig_at(50040);
	at_parent(0);
	reach_fails_at_parent();
	r.z.want.proc.kind = MUS_PROC_NONE;
	rig_at(50050);
	at_parent(0);
	rig_at(50060);
	at_parent(0);
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	/* A signature by a key that is not known is nobody's too. */
	rig_at(50070);
	at_parent(ZA);
	r.z.seen.parent[MUS_RR_PNS - MUS_RR_DS].v[0].sig[0].key = MUS_KEY_NONE;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	r.z.want.proc.kind = MUS_PROC_REMOVE;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
}

/* One address under two names, or renamed while caches lead there by the old one: Reach lasts as long as
 * any of them leads, and ends with the last. */
static void
test_reach_by_any_name(void **state)
{
	(void)state;
	for (unsigned listed = 1; listed <= 2; listed++) {
		unsigned other = 3 - listed;

		rig_init();
		r.z.zone.ns_count = 3;
		r.z.zone.ns[2].owner = B;
		r.z.zone.server[AT_B] = (struct mus_server){B, (uint8_t)other, (uint32_t)mus_bit(listed)};
		r.ns = 1 << NS_A | 1 << listed;
		rig_steady();
		rig_put(MUS_PARENT, MUS_RR_PNS, r.ns, 0);
		rig_settle();
		leave(100);
		rig_at(1000);
		rig_settle();
		assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
		rig_at(4000);
		rig_settle();
		assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
		assert_int_equal(r.z.seen.server[AT_B].cut.ms, rig_time(100 + 3660).ms);
	}
}

/* A server that goes on listing itself never leaves Reach, but when it is declared lost. */
static void
test_who_lists_itself_stays(void **state)
{
	(void)state;
	rig_steady();
	leave(100);
	rig_at(200);
	rig_put(B, MUS_RR_NS, 3, ZB);
	rig_settle();
	rig_at(100000);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	r.z.zone.signer[B].is_lost = true;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
}

static void
test_who_was_never_led_to(void **state)
{
	(void)state;
	r.z.want.nsg = 1;
	r.ns = 1;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1, 0);
	rig_data(A, ZA);
	r.ns = 3;
	rig_data(B, ZB);
	rig_put(B, MUS_RR_KEY, KB, KB);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	assert_int_equal(end_of(ring(B, MUS_RR_KEY), 0).ms, MUS_TIME_ALWAYS.ms);
	/* What it drops before anybody is led to it is forgotten at once. */
	rig_at(10);
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	rig_settle();
	assert_int_equal(ring(B, MUS_RR_KEY)->count, 1);
	/* What it drops in the round that shows it in Reach may have been handed out. */
	rig_at(20);
	rig_put(A, MUS_RR_NS, 3, ZA);
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA, KB);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	assert_int_equal(ring(B, MUS_RR_KEY)->count, 2);
	assert_int_equal(end_of(ring(B, MUS_RR_KEY), 0).ms, rig_time(20 + 3660).ms);
}

/* Names of the stored intention are in Reach from then on: NS may be on its way. */
static void
test_intended_names_are_in_reach(void **state)
{
	(void)state;
	r.z.want.nsg = 1;
	r.ns = 1;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1, 0);
	rig_data(A, ZA);
	rig_data(B, ZB);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	r.z.want.nsg = 3;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
	/* Taken back before anybody listed it: in Reach until now. */
	r.z.want.nsg = 1;
	rig_at(50);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	assert_int_equal(r.z.seen.server[AT_B].cut.ms, r.now.ms);
}

/* A change on its way to a signer that there is not leads nobody anywhere. */
static void
test_pending_of_nobody(void **state)
{
	(void)state;
	r.z.want.nsg = 1;
	r.ns = 1;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1, 0);
	rig_data(A, ZA);
	r.z.seen.pending[0] = (struct mus_pending){.signer = 2, .kind = MUS_RR_NS, .add = 1 << NS_B, .sent_at = r.now};
	r.z.seen.pending_count = 1;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	r.z.seen.pending[0].signer = A;
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
}

/* An NS set that was asked for and withdrawn leads to a server that does not show it: were resolvers led there,
 * the parent could not follow, and nobody would lead there.  That ends, and the server counts at least until now. */
static void
test_reach_that_denies_itself(void **state)
{
	(void)state;
	for (unsigned servers = 3; servers <= 4; servers++) {
		struct mus_time cut;

		rig_init();
		r.z.zone.server_count = (uint8_t)servers;
		r.z.zone.server[3] = (struct mus_server){MUS_NOBODY, MUS_NOBODY};
		r.policy.parent_ttl_floor_s = 86400;
		r.z.want.nsg = 1;
		r.ns = 1 << NS_A;
		rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
		rig_data(A, ZA);
		rig_data(B, ZB);
		rig_settle();
		assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
		rig_at(10);
		rig_put(A, MUS_RR_NS, 3, ZA);
		rig_put(A, MUS_RR_CSYNC, 0, ZA);
		rig_settle();
		rig_at(20);
		rig_put(A, MUS_RR_NS, 1 << NS_A, ZA);
		rig_absent(A, MUS_RR_CSYNC);
		rig_settle();
		assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A) | mus_bit(AT_B));
		for (int64_t s = 5000; s < 5030; s += 10) {
			rig_at(s);
			rig_settle();
			cut = r.z.seen.server[AT_B].cut;
			assert_true(cut.ms == MUS_TIME_NEVER.ms || cut.ms == r.now.ms);
		}
	}
}

/* ---- what the parent was asked for ---------------------------------------------------------- */

static void
test_asked_and_withdrawn(void **state)
{
	const struct mus_ring *cds = ring(A, MUS_RR_CDS);

	(void)state;
	r.policy.parent_ttl_floor_s = 86400;
	rig_steady();
	rig_at(100);
	rig_put(A, MUS_RR_CDS, KA, KA);
	rig_put(B, MUS_RR_CDS, KA, KB);
	rig_settle();
	rig_at(200);
	rig_put(A, MUS_RR_CDS, KA | KB, KA);
	rig_put(B, MUS_RR_CDS, KA | KB, KB);
	rig_settle();
	assert_int_equal(cds->v[1].set, KA);
	assert_int_equal(
	    mus_asked_until(&r.z.zone, &r.z.seen, A, MUS_RR_CDS, &cds->v[1], &r.policy, r.now).ms,
	    rig_time(200 + 86460).ms);
	/* What is shown is asked for anyway. */
	assert_int_equal(
	    mus_asked_until(&r.z.zone, &r.z.seen, A, MUS_RR_CDS, &cds->v[0], &r.policy, r.now).ms,
	    MUS_TIME_ALWAYS.ms);
	/* The parent follows after all, and comes back. */
	rig_at(300);
	rig_ds(KA);
	rig_settle();
	assert_int_equal(
	    mus_asked_until(&r.z.zone, &r.z.seen, A, MUS_RR_CDS, &cds->v[1], &r.policy, r.now).ms,
	    MUS_TIME_ALWAYS.ms);
}

static void
test_not_asked_by_all(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	rig_put(A, MUS_RR_CDS, KA, KA);
	rig_settle();
	rig_at(200);
	rig_put(A, MUS_RR_CDS, KA | KB, KA);
	rig_settle();
	assert_int_equal(mus_asked_until(&r.z.zone, &r.z.seen, A, MUS_RR_CDS,
			     &ring(A, MUS_RR_CDS)->v[1], &r.policy, r.now)
			     .ms,
	    MUS_TIME_ALWAYS.ms);
}

/* A version of the delegation's NS set, from .. until; ${until} 0: shown on. */
static void
delegation(unsigned i, uint64_t names, int64_t from, int64_t until)
{
	struct mus_ring *pns = mus_seen_ring(&r.z.seen, MUS_PARENT, MUS_RR_PNS);

	pns->v[i] = (struct mus_version){.set = names, .first = rig_time(from),
	    .last = until ? rig_time(until) : MUS_TIME_ALWAYS, .srv = until ? 0 : mus_bit(AT_PARENT)};
	pns->count = (uint8_t)(i + 1);
}

/* b has left Reach.  Did the parent ask it as well, while a showed {Ka} from 100 to 200 and b did not? */
static void
asked_without_b(bool want)
{
	assert_int_equal(mus_asked_until(&r.z.zone, &r.z.seen, A, MUS_RR_CDS,
			     &ring(A, MUS_RR_CDS)->v[1], &r.policy, r.now)
			     .ms,
	    want ? rig_time(200 + 3660).ms : MUS_TIME_ALWAYS.ms);
}

/* Only who was delegated all the while, and a round longer, was surely asked. */
static void
test_asked_while_delegated(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	rig_put(A, MUS_RR_CDS, KA, KA);
	rig_settle();
	rig_at(200);
	rig_put(A, MUS_RR_CDS, KA | KB, KA);
	rig_settle();
	asked_without_b(false);		/* b is in Reach */
	r.z.seen.server[AT_B].cut = rig_time(150);
	delegation(0, 3, 0, 0);
	asked_without_b(false);
	delegation(0, 3, 0, 201);
	delegation(1, 1, 201, 0);
	asked_without_b(false);
	delegation(0, 3, 0, 200);
	asked_without_b(true);
	delegation(0, 3, 101, 0);
	asked_without_b(true);
	delegation(0, 3, 100, 0);
	asked_without_b(false);
	/* Another set meanwhile, before, and after. */
	delegation(1, 1, 200, 0);
	asked_without_b(true);
	delegation(1, 1, 201, 0);
	asked_without_b(false);
	delegation(0, 1, 0, 100);
	delegation(1, 3, 100, 0);
	asked_without_b(true);
	delegation(0, 1, 0, 99);
	delegation(1, 3, 100, 0);
	asked_without_b(false);
	/* It shows the set too. */
	ring(B, MUS_RR_CDS)->v[0].set = KA;
	asked_without_b(true);
}

/* An NS set asks only beside a CSYNC. */
static void
test_ns_asked_by_csync(void **state)
{
	struct mus_look c = {.server = AT_A, .kind = MUS_RR_CSYNC, .content = 1, .aux = 5 << 16 | 1, .ttl_s = 60};

	(void)state;
	r.policy.parent_ttl_floor_s = 86400;
	for (unsigned with = 0; with < 2; with++) {
		rig_init();
		r.policy.parent_ttl_floor_s = 86400;
		rig_steady();
		ring(MUS_PARENT, MUS_RR_PNS)->since = rig_time(-86400);
		r.z.want.nsg = 1;
		r.ns = 1;
		rig_put(MUS_PARENT, MUS_RR_PNS, 1, 0);
		rig_at(100);
		if (with) {
			rig_look(&c);
			c.server = AT_B;
			rig_look(&c);
		}
		rig_settle();
		rig_at(200);
		rig_data(A, ZA);
		rig_data(B, ZB);
		rig_absent(A, MUS_RR_CSYNC);
		rig_absent(B, MUS_RR_CSYNC);
		rig_settle();
		rig_at(200 + 3661);
		rig_settle();
		/* The parent may still come to it: b stays in Reach. */
		assert_int_equal(mus_reach(&r.z.zone, &r.z.seen),
		    with ? mus_bit(AT_A) | mus_bit(AT_B) : mus_bit(AT_A));
	}
	rig_at(200 + 86461);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
}

/* ---- order ---------------------------------------------------------------------------------- */

static void
test_order_in_a_round(void **state)
{
	static struct mus_ring first;
	struct mus_look l[4];

	(void)state;
	/* Of four servers of a three show two sets, and one does not answer. */
	r.z.zone.server_count = 7;
	for (unsigned i = 3; i < 7; i++)
		r.z.zone.server[i] = (struct mus_server){A, NS_A};
	for (unsigned i = 0; i < 4; i++) {
		l[i] = key_look(i == 2 ? KA : KA | mus_bit(20 + i / 2));
		l[i].server = (uint8_t)(3 + i);
	}
	l[3].cause = MUS_CAUSE_REFUSED;
	for (unsigned order = 0; order < 24; order++) {
		unsigned left[4] = {0, 1, 2, 3}, o = order;

		memset(ring(A, MUS_RR_KEY), 0, sizeof first);
		*ring(A, MUS_RR_KEY) = (struct mus_ring){.asked_at = MUS_TIME_ALWAYS,
		    .since = MUS_TIME_NEVER, .overflow_until = MUS_TIME_ALWAYS,
		    .fail_since = MUS_TIME_NEVER};
		for (unsigned n = 4; n > 0; n--) {
			unsigned pick = o % n;

			o /= n;
			rig_look(&l[left[pick]]);
			left[pick] = left[n - 1];
		}
		if (order == 0)
			first = *ring(A, MUS_RR_KEY);
		assert_memory_equal(&first, ring(A, MUS_RR_KEY), sizeof first);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, rig_setup)
	const struct CMUnitTest tests[] = {
	    T(test_a_version_is_content_and_signers),
	    T(test_equal_tags),
	    T(test_data_fold),
	    T(test_key_learnt_later),
	    T(test_failed_look_changes_nothing),
	    T(test_fresh),
	    T(test_what_is_out_of_time_is_another_version),
	    T(test_clock_set_back),
	    T(test_alive_until_last_and_ttl),
	    T(test_answers_come_late),
	    T(test_forgotten_when_dead),
	    T(test_largest_ttl_ever),
	    T(test_history_at),
	    T(test_gap_breaks_history),
	    T(test_silence_breaks_history),
	    T(test_overflow),
	    T(test_dead_make_room),
	    T(test_without_servers),
	    T(test_who_is_unknown),
	    T(test_sig_mask),
	    T(test_reach_ends_with_the_last_lead),
	    T(test_reach_by_any_name),
	    T(test_who_lists_itself_stays),
	    T(test_who_was_never_led_to),
	    T(test_intended_names_are_in_reach),
	    T(test_pending_of_nobody),
	    T(test_reach_that_denies_itself),
	    T(test_reach_by_a_copy_at_the_parent),
	    T(test_asked_and_withdrawn),
	    T(test_not_asked_by_all),
	    T(test_asked_while_delegated),
	    T(test_ns_asked_by_csync),
	    T(test_order_in_a_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
