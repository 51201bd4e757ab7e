/*
 * The predicates V1..V14 (protocol.md 4.3): for each a state in which it fails, one in which it just
 * does not, and the instant between.
 */
#include "core/judge.h"
#include "judge_rig.h"

/* ---- one by one ----------------------------------------------------------------------------- */

static void
test_v2_time(void **state)
{
	(void)state;
	rig_steady();
	rig_at(100);
	rig_data(B, ZB | ZA2);
	rig_put(B, MUS_RR_SOA, 0, ZA2);
	rig_settle();
	fails(MUS_RULE_V2);
	rig_at(200);
	rig_data(B, ZB);
	rig_settle();
	rig_at_ms((200 + 3660) * 1000);
	fails(MUS_RULE_V2);
	rig_at_ms((200 + 3660) * 1000 + 1);
	holds(MUS_RULE_V2);
}

/* The finding of this rule about these two servers. */
static const struct mus_witness *
found(enum mus_rule rule, unsigned server, unsigned server2)
{
	const struct mus_verdict *v = rig_judge();

	for (unsigned i = 0; i < v->finding_count; i++)
		if (v->finding[i].rule == rule && v->finding[i].server == server && v->finding[i].server2 == server2)
			return &v->finding[i];
	fail_msg("no finding of %s names %u and %u", mus_rule_text(rule), server, server2);
	return NULL;
}

/* Both servers, and the key that one side lacks: so it is known what is to be brought back, and where. */
static void
test_a_pair_names_both_sides(void **state)
{
	(void)state;
	rig_steady();
	rig_put(B, MUS_RR_SOA, 0, ZA2);
	rig_settle();
	assert_int_equal(found(MUS_RULE_V2, AT_A, AT_B)->key, za2);
	rig_ds(KA);
	rig_settle();
	assert_int_equal(found(MUS_RULE_V1, AT_PARENT, AT_B)->key, kb);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, ZB);	/* no SEP key signs it: none is to be named */
	rig_settle();
	assert_int_equal(found(MUS_RULE_V1, AT_PARENT, AT_B)->key, MUS_NOBODY);
}

/* A cache drops an RRset when its last signature ends, should that come before the TTL. */
static void
test_v2_signature_ends_it(void **state)
{
	(void)state;
	rig_steady();
	r.until_s = 1000;
	rig_put(B, MUS_RR_SOA, 9, ZA2);
	rig_settle();
	r.until_s = 30 * 86400;
	rig_at(100);
	rig_put(B, MUS_RR_SOA, 0, ZB);
	rig_settle();
	rig_at_ms(1060 * 1000);
	fails(MUS_RULE_V2);
	rig_at_ms(1060 * 1000 + 1);
	holds(MUS_RULE_V2);
}

static void
test_v2c(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V2C);
	rig_put(B, MUS_RR_CDS, KA | KB, ZB);
	rig_settle();
	fails(MUS_RULE_V2C);
	assert_int_equal(rig_condition(MUS_RULE_V2C), MUS_RES_FAILS);
	assert_int_equal(r.w.server, AT_B);
	assert_int_equal(r.w.kind, MUS_RR_CDS);
}

static void
test_v3s(void **state)
{
	(void)state;
	r.z.zone.alg_count = 2;
	rig_steady();
	holds(MUS_RULE_V3S);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | KN, KB);
	rig_settle();
	expect(MUS_RULE_V3S, MUS_RES_WARN);
	r.policy.strict = true;
	fails(MUS_RULE_V3S);
	assert_int_equal(r.verdict.rule[MUS_RULE_V3], MUS_RES_HOLDS);
}

static void
test_v3s_ds(void **state)
{
	(void)state;
	r.z.zone.alg_count = 2;
	r.policy.strict = true;
	rig_steady();
	rig_ds(KA | KB | KN);
	rig_settle();
	fails(MUS_RULE_V3S);
}

static void
test_v4(void **state)
{
	(void)state;
	r.policy.fresh_s = 100000000;
	rig_steady();
	/* 30 days of validity, TTL 3600, margin 60, refresh 3600 */
	rig_at(30 * 86400 - 3600 - 60 - 3600);
	holds(MUS_RULE_V4);
	rig_at(30 * 86400 - 3600 - 60 - 3600 + 1);
	expect(MUS_RULE_V4, MUS_RES_WARN);
	rig_at(30 * 86400 - 3600 - 60);
	expect(MUS_RULE_V4, MUS_RES_WARN);
	rig_at(30 * 86400 - 3600 - 60 + 1);
	fails(MUS_RULE_V4);
	assert_int_equal(r.verdict.rule[MUS_RULE_V1], MUS_RES_HOLDS);
	assert_int_equal(word(), MUS_STATE_AT_RISK);
}

static void
test_v4_not_yet_valid(void **state)
{
	(void)state;
	rig_steady();
	rig_at(-3600);
	holds(MUS_RULE_V4);
	rig_at(-3601);
	expect(MUS_RULE_V4, MUS_RES_WARN);
	rig_at(-3660);
	expect(MUS_RULE_V4, MUS_RES_WARN);
	rig_at(-3661);
	fails(MUS_RULE_V4);
}

static void
test_v5(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V5);
	/* CDS sets go on asking for DS: that makes nothing secure. */
	rig_at(10);
	rig_absent(MUS_PARENT, MUS_RR_DS);
	rig_settle();
	expect(MUS_RULE_V5, MUS_RES_WARN);
	rig_at_ms((10 + 3660) * 1000);
	expect(MUS_RULE_V5, MUS_RES_WARN);
	rig_at_ms((10 + 3660) * 1000 + 1);
	fails(MUS_RULE_V5);
	assert_int_equal(word(), MUS_STATE_INSECURE);
	/* Nothing binds then. */
	assert_int_equal(r.verdict.rule[MUS_RULE_V1], MUS_RES_HOLDS);
	assert_int_equal(r.verdict.rule[MUS_RULE_V2], MUS_RES_HOLDS);
}

static void
test_v6(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V6);
	rig_fail(B, MUS_RR_SOA, MUS_CAUSE_TIMEOUT);
	rig_settle();
	expect(MUS_RULE_V6, MUS_RES_WARN);
	rig_fail(B, MUS_RR_SOA, MUS_CAUSE_REFUSED);
	rig_settle();
	fails(MUS_RULE_V6);
	rig_data(B, ZB);
	rig_settle();
	mus_observe_server(&r.z.seen, AT_B, MUS_YES, MUS_NO, true);
	expect(MUS_RULE_V6, MUS_RES_WARN);
	assert_int_equal(r.verdict.finding[0].number, 6);
	mus_observe_server(&r.z.seen, AT_B, MUS_NO, MUS_YES, true);
	expect(MUS_RULE_V6, MUS_RES_WARN);
	assert_int_equal(r.verdict.finding[0].number, 17);
	r.z.seen.server[AT_B].udp = MUS_UNKNOWN;
	expect(MUS_RULE_V6, MUS_RES_UNKNOWN);
}

static void
test_v7(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V7);
	/* A pre-published ZSK signs nothing yet and must be spread before it does. */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_settle();
	fails(MUS_RULE_V7);
	assert_int_equal(r.verdict.finding[0].origin, B);
	assert_int_equal(r.verdict.finding[0].key, za2);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZA2, KB);
	rig_settle();
	holds(MUS_RULE_V7);
}

/* A SEP key counts as a CSK while its role is unknown, not when it is known to sign no data. */
static void
test_v7_role(void **state)
{
	(void)state;
	r.z.zone.key[ka2].signs_data = MUS_UNKNOWN;
	r.z.seen.copy[A].declared = true;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | KA2, KA);
	rig_settle();
	fails(MUS_RULE_V7);
	assert_int_equal(r.verdict.finding[0].key, ka2);
	r.z.seen.copy[A].declared = false;
	rig_settle();
	holds(MUS_RULE_V7);
}

static void
test_v8(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V8);
	rig_put(B, MUS_RR_NS, 1 << NS_B, ZB);
	rig_settle();
	expect(MUS_RULE_V8, MUS_RES_WARN);
	rig_put(B, MUS_RR_NS, 3, ZB);
	rig_put(B, MUS_RR_CDS, KB, KB);
	rig_settle();
	expect(MUS_RULE_V8, MUS_RES_WARN);
	rig_put(B, MUS_RR_CDS, KA | KB, KB);
	rig_put(B, MUS_RR_CDNSKEY, KB, KB);
	rig_settle();
	expect(MUS_RULE_V8, MUS_RES_WARN);
	rig_put(B, MUS_RR_CDNSKEY, KA | KB, KB);
	rig_settle();
	holds(MUS_RULE_V8);
	r.z.want.csync = true;
	r.z.want.csync_serial = 5;
	expect(MUS_RULE_V8, MUS_RES_WARN);
	/* Alone, a signer's CDS are its own matter. */
	r.z.want.csync = false;
	rig_put(A, MUS_RR_CDS, KA2, KA);
	rig_settle();
	expect(MUS_RULE_V8, MUS_RES_WARN);
	r.z.want.keyg = r.z.want.dsg = 1;
	holds(MUS_RULE_V8);
	rig_at(1);
	rig_put(A, MUS_RR_CDS, KA | KA2, KA);
	rig_settle();
	holds(MUS_RULE_V8);
}

/* How often a rule is told of. */
static unsigned
told(enum mus_rule rule)
{
	const struct mus_verdict *v = rig_judge();
	unsigned n = 0;

	for (unsigned i = 0; i < v->finding_count; i++)
		n += v->finding[i].rule == rule;
	return n;
}

static void
test_v9(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V9);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_settle();
	expect(MUS_RULE_V9, MUS_RES_WARN);
	rig_put(MUS_PARENT, MUS_RR_PNS, 3, 0);
	rig_ds(KA | KB | KA2);
	rig_settle();
	expect(MUS_RULE_V9, MUS_RES_WARN);
	rig_ds(KA | KB);
	rig_settle();
	holds(MUS_RULE_V9);
	rig_fail(MUS_PARENT, MUS_RR_PNS, MUS_CAUSE_SERVFAIL);
	rig_settle();
	expect(MUS_RULE_V9, MUS_RES_UNKNOWN);
	assert_int_equal(told(MUS_RULE_V9), 1);
	r.z.want.adopted = false;
	expect(MUS_RULE_V9, MUS_RES_UNKNOWN);
	assert_int_equal(told(MUS_RULE_V9), 1);
}

static void
test_v9_glue(void **state)
{
	struct mus_look l = {.server = AT_PARENT, .kind = MUS_RR_GLUE, .content = 5, .ttl_s = 60};

	(void)state;
	r.z.zone.ns[NS_A].in_domain = true;
	rig_steady();
	rig_put(A, MUS_RR_ADDR, 1, ZA);
	rig_put(B, MUS_RR_ADDR, 1, ZB);
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_V9);
	l.content = 6;
	rig_look(&l);
	rig_settle();
	expect(MUS_RULE_V9, MUS_RES_WARN);
}

static void
test_v10(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V10);
	r.z.zone.key[za2] = (struct mus_zkey){.alg = 13, .tag = 7, .is_zone = true,
	    .owner = MUS_OWNER_UNKNOWN, .gone_at = MUS_TIME_NEVER, .id = 9};
	/* Both show it at the first sight, and it signs nothing. */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZA2, KB);
	rig_settle();
	expect(MUS_RULE_V10, MUS_RES_WARN);
	r.z.zone.key[za2].owner = A;
	holds(MUS_RULE_V10);
	r.z.zone.ns[NS_B].owner = MUS_OWNER_UNKNOWN;
	expect(MUS_RULE_V10, MUS_RES_WARN);
}

static void
test_v11(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.key[zb].tag = r.z.zone.key[ka].tag;
	expect(MUS_RULE_V11, MUS_RES_WARN);
	assert_int_equal(r.verdict.finding[0].number, r.z.zone.key[ka].tag);
	r.z.zone.key[zb].alg = 8;
	holds(MUS_RULE_V11);
	r.z.zone.key[zb].alg = 13;
	r.z.zone.key[zb].tag = r.z.zone.key[za2].tag;	/* shown by nobody */
	holds(MUS_RULE_V11);
}

static void
test_v12(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_DENY0, .ttl_s = 60};

	(void)state;
	rig_steady();
	holds(MUS_RULE_V12);
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_V12);
	l.flags = MUS_VER_PROVES;
	l.aux = 1;		/* one iteration more than RFC 9276 wants */
	rig_look(&l);
	rig_settle();
	expect(MUS_RULE_V12, MUS_RES_WARN);
	l.aux = 50;
	rig_look(&l);
	rig_settle();
	expect(MUS_RULE_V12, MUS_RES_WARN);
	l.aux = 51;		/* what validators take for insecure */
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_V12);
	l.aux = 0;
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_V12);
	/* Of servers that nobody is led to it is not asked. */
	l.flags = 0;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_V12);
	r.z.seen.server[AT_A].cut = r.t0;
	holds(MUS_RULE_V12);
}

static void
test_v13(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V13);
	r.z.seen.copy[B].content = 8;
	expect(MUS_RULE_V13, MUS_RES_WARN);
	r.z.zone.signer[B].declared_content = true;
	holds(MUS_RULE_V13);
	r.z.zone.signer[B].declared_content = false;
	r.z.seen.copy[B].known = false;
	expect(MUS_RULE_V13, MUS_RES_UNKNOWN);
	r.z.seen.copy[B].known = r.z.seen.copy[B].declared = true;
	expect(MUS_RULE_V13, MUS_RES_UNKNOWN);
	/* Who is not in NS is led to by nobody. */
	r.z.want.nsg = 1;
	holds(MUS_RULE_V13);
}

/* A sample that is not there is told, and breaks nothing. */
static void
test_sample(void **state)
{
	const struct mus_witness *w = &r.verdict.finding[0];

	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_NAME, 0, ZA);
	rig_put(B, MUS_RR_NAME, 0, ZB);
	rig_settle();
	holds(MUS_RULE_SAMPLE);
	rig_absent(B, MUS_RR_NAME);
	rig_settle();
	expect(MUS_RULE_SAMPLE, MUS_RES_WARN);
	assert_int_equal(r.verdict.finding_count, 1);
	assert_int_equal(w->origin, B);
	assert_int_equal(w->server, AT_B);
	assert_int_equal(w->kind, MUS_RR_NAME);
	assert_int_equal(w->kind2, MUS_NOBODY);
	assert_int_equal(mus_verdict_word(&r.z.seen, &r.verdict, &r.policy, r.now), MUS_STATE_SO_FAR);
	rig_absent_as(B, MUS_RR_NAME, MUS_VER_CUT);
	rig_settle();
	expect(MUS_RULE_SAMPLE, MUS_RES_WARN);
	assert_int_equal(r.verdict.finding_count, 1);
	assert_int_equal(w->kind2, MUS_RR_PNS);
	rig_put(B, MUS_RR_NAME, 0, ZB);
	rig_settle();
	holds(MUS_RULE_SAMPLE);
}

static void
test_v14(void **state)
{
	(void)state;
	rig_steady();
	/* Only Ka has SHA-384: validators that look at the strongest type alone fail with b's keys. */
	rig_ds_dt(KA | KB, KA);
	rig_settle();
	rig_at(7200);
	rig_settle();
	holds(MUS_RULE_V1);
	fails(MUS_RULE_V14);
	assert_int_equal(r.verdict.finding[0].number, 4);
	rig_ds_dt(KA | KB, KA | KB);
	rig_settle();
	rig_at_ms((7200 + 3660) * 1000 + 1);
	holds(MUS_RULE_V14);
}

/* ---- what a digest must not do -------------------------------------------------------------- */

static void
test_revoked_key_is_no_anchor(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.key[kb].is_revoked = true;
	fails(MUS_RULE_V1);
	r.z.zone.key[kb].is_revoked = false;
	r.z.zone.key[kb].is_zone = false;
	fails(MUS_RULE_V1);
}

static void
test_unsigned_set_is_no_chain(void **state)
{
	(void)state;
	rig_steady();
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, ZB);	/* signed, but not by the key that DS names */
	rig_settle();
	fails(MUS_RULE_V1);
}

/* A server that is not asked may answer anything; one of who is not in the NS set leads nobody astray. */
static void
test_servers_that_cannot_be_asked(void **state)
{
	static const unsigned who[] = {A, MUS_PARENT};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rig_init();
		rig_steady();
		holds(MUS_RULE_V6);
		r.z.zone.lack[0] = (struct mus_lack){(uint8_t)who[i], MUS_NOBODY, MUS_CAUSE_NOROOM};
		r.z.zone.lack_count = 1;
		expect(MUS_RULE_V6, MUS_RES_UNKNOWN);
		assert_int_equal(mus_verdict_word(&r.z.seen, &r.verdict, &r.policy, r.now), MUS_STATE_UNKNOWN);
		r.z.zone.lack[0].origin = MUS_NOBODY;
		holds(MUS_RULE_V6);
		r.z.zone.lack[0].origin = B;
		r.z.want.nsg = 1 << A;
		assert_int_not_equal(rig_judge()->rule[MUS_RULE_V6], MUS_RES_UNKNOWN);
		r.z.zone.lack[0].cause = MUS_CAUSE_UNASKED;
		expect(MUS_RULE_V6, MUS_RES_UNKNOWN);
	}
}

static void
list_at(unsigned origin, uint64_t names, unsigned stray)
{
	struct mus_look l = {.server = origin == MUS_PARENT ? AT_PARENT : (uint8_t)(AT_A + origin),
	    .kind = origin == MUS_PARENT ? MUS_RR_PNS : MUS_RR_NS, .set = names, .stray = (uint8_t)stray,
	    .content = names + 100 * stray, .ttl_s = 60, .serve_ttl_s = 60};

	if (origin != MUS_PARENT)
		l.sig[l.sig_count++] = (struct mus_sig){.key = origin == A ? za : zb, .alg = 13,
		    .from_s = mus_time_to_s(r.t0) - 3600, .until_s = mus_time_to_s(r.t0) + r.until_s};
	rig_look(&l);
	rig_settle();
}

/* The last of so many findings. */
static struct mus_witness
unasked(unsigned want_n)
{
	struct mus_witness w = MUS_WITNESS_NONE;
	unsigned n = 0;

	expect(MUS_RULE_V6, MUS_RES_UNKNOWN);
	assert_int_equal(word(), MUS_STATE_UNKNOWN);
	for (unsigned i = 0; i < r.verdict.finding_count; i++)
		if (r.verdict.finding[i].cause == MUS_CAUSE_UNASKED) {
			w = r.verdict.finding[i];
			n++;
		}
	assert_int_equal(n, want_n);
	return w;
}

/* Resolvers are led to what is listed: a name that no signer has, has no place, or whose servers are asked no
 * more may lead to anything, for as long as it is listed or may be in a cache. */
static void
test_a_name_that_nobody_asks(void **state)
{
	enum { NS_X = 2 };
	static const unsigned who[] = {MUS_PARENT, A};
	struct mus_witness w;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned o = who[i & 1];
		uint64_t more = i < 2 ? mus_bit(NS_X) : 0;

		rig_init();
		rig_steady();
		r.z.zone.ns[NS_X] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN};
		r.z.zone.ns_count = 3;
		assert_int_not_equal(word(), MUS_STATE_UNKNOWN);
		rig_at(100);
		list_at(o, 3 | more, more == 0);
		w = unasked(1);
		assert_int_equal(w.origin, o);
		assert_int_equal(w.ns, more ? NS_X : MUS_NOBODY);
		assert_int_equal(w.kind, o == MUS_PARENT ? MUS_RR_PNS : MUS_RR_NS);
		assert_int_equal(w.server, o == MUS_PARENT ? AT_PARENT : AT_A);
		assert_false(mus_time_is_set(w.until));
		rig_at(200);
		list_at(o, 3, 0);
		w = unasked(1);
		assert_int_equal(w.until.ms, rig_time(200 + r.z.seen.parent[1].ttl_max_s + 60).ms);
		rig_at_ms(w.until.ms - r.t0.ms + 1);
		holds(MUS_RULE_V6);
	}
}

/* An owner alone is not enough: one that has left has no server any more that is asked. */
static void
test_a_name_whose_servers_are_gone(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.server[AT_B].origin = MUS_NOBODY;
	r.z.seen.server[AT_B].cut = MUS_TIME_ALWAYS;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1 << A;
	assert_int_equal(unasked(2).ns, NS_B);	/* at A and at the parent */
	/* Of servers that cannot be asked now, the lack itself tells. */
	r.z.zone.lack[0] = (struct mus_lack){B, NS_B, MUS_CAUSE_UNASKED};
	r.z.zone.lack_count = 1;
	assert_int_equal(unasked(1).origin, B);
	/* Not of a joiner's, which is told nowhere else. */
	r.z.zone.lack[0].cause = MUS_CAUSE_LOOKING;
	assert_int_equal(unasked(2).origin, MUS_PARENT);
}

/* What two signers have is told with both, and is asked: whoever takes part. */
static void
test_a_name_of_two(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rig_init();
		rig_steady();
		if (i == 1)
			r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1 << A;
		r.z.zone.lack[0] = (struct mus_lack){B, NS_A, MUS_CAUSE_NONE, A};
		r.z.zone.lack_count = 1;
		expect(MUS_RULE_V10, MUS_RES_FAILS);
		assert_int_equal(r.verdict.finding[0].origin, B);
		assert_int_equal(r.verdict.finding[0].origin2, A);
		assert_int_equal(r.verdict.finding[0].ns, NS_A);
		holds(MUS_RULE_V6);
	}
}

/* Who takes part is not known yet: no set is wrong, least of all the DS that the zone lives by. */
static void
test_nothing_is_intended_before_adoption(void **state)
{
	const struct mus_verdict *v;

	(void)state;
	rig_steady();
	r.z.want.adopted = false;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 0;
	v = rig_judge();
	assert_int_equal(v->rule[MUS_RULE_V8], MUS_RES_UNKNOWN);
	assert_int_equal(v->rule[MUS_RULE_V9], MUS_RES_UNKNOWN);
	for (unsigned f = 0; f < v->finding_count; f++)
		assert_true(v->finding[f].rule != MUS_RULE_V8 && v->finding[f].rule != MUS_RULE_V9);
}

/* OP-9: who is declared lost is believed to list nobody, whatever its last set was. */
static void
test_what_a_lost_one_lists(void **state)
{
	(void)state;
	rig_steady();
	list_at(B, 3, 1);
	expect(MUS_RULE_V6, MUS_RES_UNKNOWN);
	r.z.zone.signer[B].is_lost = true;
	holds(MUS_RULE_V6);
}

/* V9: what the parent lists and no signer does. */
static void
test_a_name_at_the_parent_alone(void **state)
{
	enum { NS_X = 2 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t more = i ? 0 : mus_bit(NS_X);

		rig_init();
		rig_steady();
		r.z.zone.ns[NS_X] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN};
		r.z.zone.ns_count = 3;
		holds(MUS_RULE_V9);
		list_at(MUS_PARENT, 3 | more, more == 0);
		expect(MUS_RULE_V9, MUS_RES_WARN);
		assert_int_equal(found(MUS_RULE_V9, AT_PARENT, MUS_NOBODY)->ns, more ? NS_X : MUS_NOBODY);
		assert_true(found(MUS_RULE_V9, AT_PARENT, MUS_NOBODY)->surplus);
		list_at(A, 3 | more, more == 0);
		list_at(B, 3 | more, more == 0);
		holds(MUS_RULE_V9);
	}
}

static void
test_unknown_is_not_valid(void **state)
{
	(void)state;
	rig_steady();
	rig_fail(MUS_PARENT, MUS_RR_DS, MUS_CAUSE_TIMEOUT);
	rig_settle();
	expect(MUS_RULE_V1, MUS_RES_UNKNOWN);
	assert_int_equal(word(), MUS_STATE_UNKNOWN);
	rig_steady();
	rig_fail(B, MUS_RR_SOA, MUS_CAUSE_TIMEOUT);
	rig_settle();
	expect(MUS_RULE_V2, MUS_RES_UNKNOWN);
	/* What is stale is unknown: one millisecond past fresh. */
	rig_steady();
	rig_at_ms((int64_t)r.policy.fresh_s * 1000);
	assert_int_equal(rig_judge()->rule[MUS_RULE_V1], MUS_RES_HOLDS);
	rig_at_ms((int64_t)r.policy.fresh_s * 1000 + 1);
	expect(MUS_RULE_V1, MUS_RES_UNKNOWN);
}

/* Where nobody is left to be asked, what was never seen does not hold. */
static void
test_nobody_left_to_ask(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V7);
	r.z.zone.signer[A].is_lost = r.z.zone.signer[B].is_lost = true;
	expect(MUS_RULE_V7, MUS_RES_UNKNOWN);
	expect(MUS_RULE_V2, MUS_RES_UNKNOWN);
}

static void
test_so_far(void **state)
{
	(void)state;
	rig_steady();
	rig_at_ms(3660 * 1000 - 1);
	assert_int_equal(word(), MUS_STATE_SO_FAR);
	rig_at_ms(3660 * 1000);
	assert_int_equal(word(), MUS_STATE_VALID);
}

/* Whether a silence of ours or of the network: a warning; any other answer is worse than none. */
static void
test_v6_causes(void **state)
{
	static const enum mus_cause mild[] = {MUS_CAUSE_TIMEOUT, MUS_CAUSE_NET, MUS_CAUSE_LOCAL};

	(void)state;
	rig_steady();
	for (unsigned i = 0; i < 3; i++) {
		rig_fail(B, MUS_RR_SOA, mild[i]);
		expect(MUS_RULE_V6, MUS_RES_WARN);
		assert_int_equal(r.verdict.finding[r.verdict.finding_count - 1].server, AT_B);
	}
	rig_fail(B, MUS_RR_SOA, MUS_CAUSE_NOTAUTH);
	fails(MUS_RULE_V6);
	rig_data(B, ZB);
	mus_observe_server(&r.z.seen, AT_A, MUS_YES, MUS_YES, true);
	r.z.seen.server[AT_A].tcp = MUS_UNKNOWN;
	expect(MUS_RULE_V6, MUS_RES_UNKNOWN);
	assert_int_equal(r.verdict.finding[0].server, AT_A);
	assert_int_equal(r.verdict.finding[0].cause, MUS_NOBODY);
	/* A server that nobody is led to is not asked for service. */
	r.z.seen.server[AT_A].cut = r.t0;
	holds(MUS_RULE_V6);
}

/* One finding for each RRset, by its oldest version; what no server shows any more is no matter. */
static void
test_v4_once(void **state)
{
	struct mus_ring *soa = &r.z.seen.signer[B][MUS_RR_SOA];
	unsigned said = 0;

	(void)state;
	rig_steady();
	r.until_s = 1000;
	rig_put(B, MUS_RR_SOA, 9, ZB);
	r.until_s = 2000;
	rig_put(B, MUS_RR_SOA, 10, ZB | ZN);
	rig_settle();
	assert_int_equal(soa->count, 3);
	soa->v[1].srv = soa->v[2].srv;
	fails(MUS_RULE_V4);
	for (unsigned i = 0; i < r.verdict.finding_count; i++)
		said += r.verdict.finding[i].rule == MUS_RULE_V4;
	assert_int_equal(said, 1);
	assert_int_equal(r.verdict.finding[r.verdict.finding_count - 1].until.ms, rig_time(1000).ms);
	soa->v[1].srv = soa->v[2].srv = 0;
	holds(MUS_RULE_V4);
}

/* Without TTL, margin and room to refresh: good until the very second in which it ends. */
static void
test_v4_last_second(void **state)
{
	(void)state;
	r.policy.fresh_s = 100000000;
	r.policy.margin_s = r.policy.refresh_s = 0;
	r.ttl_s = 0;
	rig_steady();
	rig_at(30 * 86400);
	holds(MUS_RULE_V4);
	rig_at(30 * 86400 + 1);
	fails(MUS_RULE_V4);
	/* Asked to be new a second before that, it has failed when it is over. */
	r.policy.refresh_s = 1;
	rig_at(30 * 86400 - 1);
	holds(MUS_RULE_V4);
	rig_at(30 * 86400);
	fails(MUS_RULE_V4);
	assert_int_equal(r.verdict.finding[0].number, r.z.zone.key[ka].tag);
	assert_int_equal(r.verdict.finding[0].until.ms, rig_time(30 * 86400).ms);
}

/* What every signer's CDS asks for may be the DS set at any moment; unless a parent would refuse it. */
static void
test_v1_asked(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_CDS, .set = KA, .content = 1, .ttl_s = 60,
	    .dt = {[1] = KA}};

	(void)state;
	for (unsigned with = 0; with < 4; with++) {
		rig_init();
		rig_steady();
		holds(MUS_RULE_V1);
		l.server = AT_A;
		l.stray = with == 1;
		l.flags = with == 2 ? MUS_VER_DELETE : 0;
		rig_look(&l);
		holds(MUS_RULE_V1);	/* b asks for another set */
		l.server = AT_B;
		if (with == 3)
			l.set = KB;
		rig_look(&l);
		expect(MUS_RULE_V1, with == 0 ? MUS_RES_FAILS : MUS_RES_HOLDS);
	}
}

/* Who shows no CDS does not agree, whatever the others show. */
static void
test_v1_not_asked(void **state)
{
	(void)state;
	rig_steady();
	rig_absent(B, MUS_RR_CDS);
	rig_put(A, MUS_RR_CDS, KA, KA);
	rig_settle();
	holds(MUS_RULE_V1);
	/* With b out of Reach a alone decides, and b's DNSKEY set is cached on. */
	rig_at(10);
	rig_settle();
	r.z.seen.server[AT_B].cut = r.now;
	fails(MUS_RULE_V1);
	assert_int_equal(r.verdict.finding[0].origin2, B);
}

/* Keys of an algorithm that is there by name only: places that are free do not count. */
static void
test_v3_free_place(void **state)
{
	(void)state;
	r.z.zone.alg_count = 2;
	rig_steady();
	rig_ds(KA | KB | KN);
	rig_settle();
	fails(MUS_RULE_V3);
	r.z.zone.key[kn].id = 0;
	holds(MUS_RULE_V3);
}

/* More than there is room for: the rules say it all the same. */
static void
test_many_findings(void **state)
{
	(void)state;
	rig_steady();
	for (unsigned i = 0; i + 1 < MUS_VERSIONS_MAX; i++) {
		rig_at(1 + i);
		rig_ds(KA2 | mus_bit(20 + i));
		rig_put(A, MUS_RR_KEY, KA | ZA | mus_bit(40 + i), KA);
	}
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	r.z.zone.key[zb].tag = r.z.zone.key[ka].tag;
	rig_settle();
	fails(MUS_RULE_V1);
	assert_int_equal(r.verdict.finding_count, MUS_FINDINGS_MAX);
	assert_int_equal(r.verdict.rule[MUS_RULE_V11], MUS_RES_WARN);
	for (unsigned i = 0; i < MUS_FINDINGS_MAX; i++)
		assert_int_not_equal(r.verdict.finding[i].rule, MUS_RULE_V11);
}

/* The word is that of the worst, whichever comes first. */
static void
test_words(void **state)
{
	struct mus_verdict v;

	(void)state;
	rig_steady();
	rig_at(7200);
	rig_settle();
	v = *rig_judge();
	v.rule[MUS_RULE_V1] = MUS_RES_FAILS;
	v.rule[MUS_RULE_V2] = MUS_RES_UNKNOWN;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_INVALID);
	v.rule[MUS_RULE_V1] = MUS_RES_HOLDS;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_UNKNOWN);
	v.rule[MUS_RULE_V4] = MUS_RES_FAILS;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_AT_RISK);
	v.rule[MUS_RULE_V5] = MUS_RES_FAILS;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_INSECURE);
	v = *rig_judge();
	v.rule[MUS_RULE_V6] = v.rule[MUS_RULE_V12] = MUS_RES_WARN;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_VALID);
	v.rule[MUS_RULE_V12] = MUS_RES_FAILS;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_INVALID);
	v = *rig_judge();
	v.rule[MUS_RULE_V3] = MUS_RES_FAILS;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_INVALID);
	v = *rig_judge();
	v.rule[MUS_RULE_V14] = MUS_RES_FAILS;
	assert_int_equal(mus_verdict_word(&r.z.seen, &v, &r.policy, r.now), MUS_STATE_INVALID);
}

/* Of a pair, who is served names the server; what is served by nobody ends by itself. */
static void
test_pair_witness(void **state)
{
	const struct mus_witness *w = r.verdict.finding;

	(void)state;
	rig_steady();
	rig_at(100);
	rig_ds(KA);
	rig_settle();
	fails(MUS_RULE_V1);
	/* {Ka} and b's set: both are served on. */
	assert_int_equal(w->server, AT_PARENT);
	assert_false(mus_time_is_set(w->until));
	rig_at(200);
	rig_ds(KA | KB);
	rig_settle();
	fails(MUS_RULE_V1);
	assert_int_equal(w->origin, MUS_PARENT);
	assert_int_equal(w->server, AT_B);
	assert_int_equal(w->seen_at.ms, rig_time(0).ms);
	assert_int_equal(w->until.ms, rig_time(200 + 3660).ms);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, rig_setup)
	const struct CMUnitTest tests[] = {
	    T(test_a_pair_names_both_sides),
	    T(test_v2_time),
	    T(test_v2_signature_ends_it),
	    T(test_v2c),
	    T(test_v3s),
	    T(test_v3s_ds),
	    T(test_v4),
	    T(test_v4_not_yet_valid),
	    T(test_v5),
	    T(test_v6),
	    T(test_v7),
	    T(test_v7_role),
	    T(test_v8),
	    T(test_v9),
	    T(test_v9_glue),
	    T(test_v10),
	    T(test_v11),
	    T(test_v12),
	    T(test_v13),
	    T(test_sample),
	    T(test_v14),
	    T(test_revoked_key_is_no_anchor),
	    T(test_unsigned_set_is_no_chain),
	    T(test_servers_that_cannot_be_asked),
	    T(test_a_name_that_nobody_asks), T(test_a_name_whose_servers_are_gone), T(test_a_name_of_two), T(test_what_a_lost_one_lists),
	    T(test_a_name_at_the_parent_alone), T(test_unknown_is_not_valid),
	    T(test_nobody_left_to_ask),
	    T(test_so_far), T(test_nothing_is_intended_before_adoption),
	    T(test_v6_causes),
	    T(test_v4_once),
	    T(test_v4_last_second),
	    T(test_v1_asked),
	    T(test_v1_not_asked),
	    T(test_v3_free_place),
	    T(test_many_findings),
	    T(test_words),
	    T(test_pair_witness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
