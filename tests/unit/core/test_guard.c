/*
 * The guard (protocol.md 4.4): each guard with a change that it stops, one that it lets pass, and the
 * instant between.
 */
#include "rig.h"

static struct mus_change change;

static void
stopped(enum mus_rule rule)
{
	assert_int_equal(rig_guard(&change), MUS_RES_FAILS);
	assert_rule(r.w.rule, rule);
}

static void
passes(void)
{
	enum mus_result got = rig_guard(&change);

	if (got != MUS_RES_HOLDS)
		print_message("%s origin %u/%u server %u kind %u/%u\n", mus_rule_text(r.w.rule), r.w.origin,
		    r.w.origin2, r.w.server, r.w.kind, r.w.kind2);
	assert_int_equal(got, MUS_RES_HOLDS);
}

static void
unknown(enum mus_rule rule)
{
	assert_int_equal(rig_guard(&change), MUS_RES_UNKNOWN);
	assert_rule(r.w.rule, rule);
}

/* a alone signs; b stands by with its own keys, and knows a's. */
static void
alone(void)
{
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.ns = 1 << NS_A;
	rig_ds(KA);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_data(A, ZA);
	r.ns = 1 << NS_B;
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, KB);
	rig_data(B, ZB);
	rig_settle();
}

/* All histories are long enough from here on. */
static void
long_after(void)
{
	rig_at(100000);
	rig_settle();
}

static void
test_nothing_is_safe(void **state)
{
	(void)state;
	alone();
	passes();
}

static void
test_g1_old_ds(void **state)
{
	(void)state;
	alone();
	long_after();
	change.ns_add = 1 << NS_B;
	/* By whatever name the server enters. */
	r.z.zone.ns_count = 3;
	r.z.zone.server[AT_B] = (struct mus_server){B, 2, 1 << NS_B};
	stopped(MUS_RULE_V1);
	r.z.zone.server[AT_B] = (struct mus_server){B, NS_B};
	stopped(MUS_RULE_V1);
	assert_int_equal(r.w.origin2, B);
	/* Who shows the old one is the witness, and as long as it does, time helps nobody. */
	assert_int_equal(r.w.server, AT_PARENT);
	assert_int_equal(r.w.seen_at.ms, rig_time(0).ms);
	assert_false(mus_time_is_set(r.w.until));
	/* The parent comes to {Ka, Kb}; the old set {Ka} lives for its TTL and the margin. */
	rig_at(100100);
	rig_ds(KA | KB);
	rig_settle();
	stopped(MUS_RULE_V1);
	assert_int_equal(r.w.until.ms, rig_time(100100 + 3660).ms);
	assert_int_equal(r.w.server, AT_B);
	rig_at_ms((100100 + 3660) * 1000ll);
	rig_settle();
	stopped(MUS_RULE_V1);
	rig_at_ms((100100 + 3660) * 1000ll + 1);
	rig_settle();
	passes();
}

static void
test_g1_old_dnskey(void **state)
{
	(void)state;
	alone();
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_ds(KA | KB);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	stopped(MUS_RULE_V2);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_settle();
	stopped(MUS_RULE_V2);
	rig_at_ms((100000 + 3660) * 1000ll);
	rig_settle();
	stopped(MUS_RULE_V2);
	rig_at_ms((100000 + 3660) * 1000ll + 1);
	rig_settle();
	passes();
}

static void
test_g1_joiner_without_our_keys(void **state)
{
	(void)state;
	alone();
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	rig_ds(KA | KB);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	stopped(MUS_RULE_V2);
	/* What is asked for in the same plan is met as made and as not made. */
	change.key_add[B] = ZA;
	stopped(MUS_RULE_V2);
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA, KB);
	rig_settle();
	change.key_add[B] = 0;
	passes();
}

/* The entering server's NS set leads to another one. */
static void
test_g1_leads_on(void **state)
{
	(void)state;
	alone();
	rig_ds(KA | KB);
	/* A third name, of a's second place, which is stale. */
	r.z.zone.signer_count = 3;
	r.z.zone.signer[2].has_driver = true;
	r.z.zone.ns_count = 3;
	r.z.zone.ns[2].owner = 2;
	r.z.zone.server_count = 4;
	r.z.zone.server[3] = (struct mus_server){2, 2};
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	passes();
	rig_put(B, MUS_RR_NS, 1 << NS_B | 1 << 2, ZB);
	rig_settle();
	unknown(MUS_RULE_OBSERVE);
	assert_int_equal(r.w.origin, 2);
}

static void
test_g3_key_removal(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	change.key_del[A] = ZB;
	stopped(MUS_RULE_V2);
	assert_int_equal(r.w.origin, A);
	change.key_del[A] = ZA2;
	passes();
	/* b signs with another key; what Zb signed lives on for an hour and a minute. */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZN, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZN, KB);
	rig_settle();
	rig_at(200000);
	rig_data(B, ZN);
	rig_settle();
	change.key_del[A] = ZB;
	rig_at_ms((200000 + 3660) * 1000ll);
	rig_settle();
	stopped(MUS_RULE_V2);
	assert_int_equal(r.w.server, AT_A);
	assert_int_equal(r.w.until.ms, rig_time(200000 + 3660).ms);
	rig_at_ms((200000 + 3660) * 1000ll + 1);
	rig_settle();
	passes();
}

/* Something that nobody samples was signed alike and lives for the copy's largest TTL. */
static void
test_g3_hidden_data(void **state)
{
	(void)state;
	r.z.seen.copy[B].ttl_max_s = 86400;
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZN, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZN, KB);
	rig_steady();
	rig_at(200000);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZN, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZN, KB);
	rig_data(B, ZN);
	rig_settle();
	change.key_del[A] = ZB;
	rig_at_ms((200000 + 86460) * 1000ll);
	rig_settle();
	stopped(MUS_RULE_V2);
	rig_at_ms((200000 + 86460) * 1000ll + 1);
	rig_settle();
	passes();
}

static void
test_g4_ds(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA | KB | KA2;
	passes();
	/* Only the new key with SHA-384: V14. */
	change.ds_dt[2] = KA2;
	stopped(MUS_RULE_V14);
	assert_int_equal(r.w.number, 4);
	change.ds_dt[2] = KA | KB | KA2;
	passes();
}

static void
test_g4_algorithm(void **state)
{
	(void)state;
	r.z.zone.alg_count = 2;
	rig_steady();
	long_after();
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA | KB | KN;
	stopped(MUS_RULE_V3);
	assert_int_equal(r.w.number, 8);
}

/* Who knows the new algorithm alone needs its signatures over all that may be cached. */
static void
test_g4_algorithm_of_data(void **state)
{
	(void)state;
	r.z.zone.alg_count = 2;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | KN | ZN, KA | KN);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | KN | ZN, KB | KN);
	rig_settle();
	long_after();
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA | KB | KN;
	stopped(MUS_RULE_G4);
	assert_int_equal(r.w.number, 8);
	rig_data(A, ZA | ZN);
	rig_data(B, ZB | ZN);
	rig_settle();
	stopped(MUS_RULE_G4);			/* in caches still */
	r.policy.forced = MUS_RULE_G4;
	passes();
	r.policy.forced = MUS_RULE_NONE;
	rig_at(100000 + 3600 + 61);
	rig_settle();
	passes();
	/* It binds already: nothing new comes with one more of its keys, nor with none. */
	rig_ds(KA | KB | KN);
	rig_settle();
	rig_data(A, ZA);
	rig_settle();
	passes();
	change.ds = change.ds_dt[1] = KA | KB;
	passes();
}

static void
test_g5_ds_removal(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA;
	stopped(MUS_RULE_V1);
	assert_int_equal(r.w.origin2, B);
}

/* A leaver: its DNSKEY set lives for its TTL after the cut. */
static void
test_g5_after_the_cut(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	r.z.want.nsg = 1;
	r.ns = 1 << NS_A;
	rig_at(200000);
	rig_data(A, ZA);
	rig_put(B, MUS_RR_NS, 1 << NS_A, ZB);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_settle();
	rig_at(200000 + 3661);
	rig_settle();
	assert_int_equal(mus_reach(&r.z.zone, &r.z.seen), mus_bit(AT_A));
	assert_int_equal(r.z.seen.server[AT_B].cut.ms, rig_time(200000 + 3660).ms);
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA;
	change.key_del[A] = ZB;
	stopped(MUS_RULE_V1);
	rig_at_ms((200000 + 3660 + 3660) * 1000ll);
	rig_settle();
	stopped(MUS_RULE_V1);
	rig_at_ms((200000 + 3660 + 3660) * 1000ll + 1);
	rig_settle();
	passes();
}

/* G0: the first DS needs every DNSKEY set and all data signed. */
static void
test_g0(void **state)
{
	(void)state;
	alone();
	rig_absent(MUS_PARENT, MUS_RR_DS);
	r.ns = 1 << NS_A;
	rig_data(A, 0);
	rig_settle();
	long_after();
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA;
	stopped(MUS_RULE_G0);
	rig_data(A, ZA);
	rig_settle();
	rig_at_ms((100000 + 3660) * 1000ll);
	rig_settle();
	stopped(MUS_RULE_G0);
	rig_at_ms((100000 + 3660) * 1000ll + 1);
	rig_settle();
	passes();
}

static void
test_insecure_binds_nothing(void **state)
{
	(void)state;
	alone();
	rig_absent(MUS_PARENT, MUS_RR_DS);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	change.key_del[A] = ZB;
	passes();
}

/* In flight: as made and as not made. */
static void
test_in_flight(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_KEY, .del = ZB};

	(void)state;
	alone();
	rig_ds(KA | KB);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	passes();
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	stopped(MUS_RULE_V2);
	/* Two changes that each are harmless, together. */
	r.z.seen.pending_count = 0;
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZN, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZN, KB);
	rig_data(B, ZB | ZN);
	rig_settle();
	rig_at(200000);
	rig_settle();
	passes();
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	passes();
	change.key_del[A] = ZN;
	stopped(MUS_RULE_V2);
}

static void
test_cds_in_flight(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_CDS, .del = KB};

	(void)state;
	alone();
	rig_ds(KA | KB);
	rig_put(A, MUS_RR_CDS, KA | KB, KA);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	passes();
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	stopped(MUS_RULE_V1);
	/* One that changes nothing, and one that leaves nothing to ask for. */
	r.z.seen.pending[0].add = KB;
	r.z.seen.pending[0].del = 0;
	passes();
	r.z.seen.pending[0].del = KA | KB;
	r.z.seen.pending[0].add = 0;
	passes();
	/* At a signer that no resolver and no parent is led to. */
	r.z.seen.pending[0] = (struct mus_pending){B, MUS_RR_CDS, 0, KA, r.now};
	rig_put(B, MUS_RR_CDS, KA | KB, KB);
	passes();
}

/* 2.4: a repair is not blocked by the violation that it ends or does not touch. */
static void
test_repair(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	/* b signs with a key that nobody shows. */
	rig_data(B, ZA2);
	rig_settle();
	change.key_add[A] = ZA2;
	passes();
	change.key_add[B] = ZA2;
	passes();
	/* But it must not break something else. */
	change.key_del[B] = ZA;
	stopped(MUS_RULE_V2);
	/* ... nor a chain that was good. */
	change.key_del[B] = KB;
	stopped(MUS_RULE_V1);
	assert_int_equal(r.w.origin2, B);
}

static void
test_forced(void **state)
{
	(void)state;
	alone();
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	stopped(MUS_RULE_V1);
	/* What is forced does not hide what fails beside it. */
	r.policy.forced = MUS_RULE_V1;
	stopped(MUS_RULE_V2);
	r.policy.forced = MUS_RULE_V2;
	stopped(MUS_RULE_V1);
}

static void
test_unknown_blocks_and_is_named(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	change.key_add[A] = ZA2;
	rig_fail(MUS_PARENT, MUS_RR_DS, MUS_CAUSE_TIMEOUT);
	rig_settle();
	unknown(MUS_RULE_OBSERVE);
	assert_int_equal(r.w.origin, MUS_PARENT);
	assert_int_equal(r.w.server, AT_PARENT);
	assert_int_equal(r.w.cause, MUS_CAUSE_TIMEOUT);
	r.policy.forced = MUS_RULE_OBSERVE;
	passes();
	r.policy.forced = MUS_RULE_NONE;
	rig_ds(KA | KB);
	rig_fail(B, MUS_RR_SOA, MUS_CAUSE_REFUSED);
	rig_settle();
	unknown(MUS_RULE_OBSERVE);
	assert_int_equal(r.w.server, AT_B);
	assert_int_equal(r.w.cause, MUS_CAUSE_REFUSED);
	/* Of one that is declared lost nothing is asked. */
	r.z.zone.signer[B].is_lost = true;
	passes();
	r.z.zone.signer[B].is_lost = false;
	rig_data(B, ZB);
	rig_settle();
	passes();
	rig_at_ms(100000 * 1000ll + (int64_t)r.policy.fresh_s * 1000 + 1);
	unknown(MUS_RULE_OBSERVE);
}

/* 2.2, 2.3: where the past is not known, nothing may be taken away, and nobody enters. */
static void
test_history(void **state)
{
	(void)state;
	alone();
	rig_ds(KA | KB);
	rig_settle();
	change.key_add[A] = ZA2;
	passes();
	change.key_del[A] = ZN | ZA2;
	passes();
	change = (struct mus_change){.ns_add = 1 << NS_B};
	/* {Ka} was seen and is alive: that comes first. */
	stopped(MUS_RULE_V1);
	r.z.seen.parent[0].v[0] = r.z.seen.parent[0].v[1];
	r.z.seen.parent[0].count = 1;
	unknown(MUS_RULE_HISTORY);
	assert_int_equal(r.w.until.ms, rig_time(3660).ms);
	rig_at_ms(3660 * 1000 - 1);
	rig_settle();
	unknown(MUS_RULE_HISTORY);
	rig_at_ms(3660 * 1000);
	rig_settle();
	passes();
}

static void
test_history_of_ds(void **state)
{
	(void)state;
	rig_steady();
	change.has_ds = true;
	/* More than what was there is no risk for sets that nobody knows; less is. */
	change.ds = change.ds_dt[1] = KA | KB | KA2;
	passes();
	/* A DS of a key that nobody has shown goes with whatever is asked for: somebody's DNSKEY set may need it. */
	rig_look(&(struct mus_look){.server = AT_PARENT, .kind = MUS_RR_DS, .content = 7, .set = KA | KB, .dt[1] = KA | KB,
	    .stray = 1, .ttl_s = 3600, .serve_ttl_s = 3600});
	rig_settle();
	unknown(MUS_RULE_HISTORY);
	rig_ds(KA | KB);
	rig_settle();
	passes();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | KB, KA | KB);
	rig_settle();
	rig_at_ms(3660 * 1000 - 1);
	rig_settle();
	change.ds = change.ds_dt[1] = KB;
	stopped(MUS_RULE_V1);
	change.key_del[A] = ZB;
	stopped(MUS_RULE_V1);
	/* An older DS set may have led to Kb alone. */
	change = (struct mus_change){.key_del = {[A] = KB}};
	unknown(MUS_RULE_HISTORY);
	rig_at_ms(3660 * 1000);
	rig_settle();
	passes();
}

/* The DNSKEY sets' history is the younger one: nobody enters, and no DS goes. */
static void
test_history_of_keys(void **state)
{
	(void)state;
	alone();
	rig_ds(KA | KB);
	rig_settle();
	r.z.seen.parent[0].v[0] = r.z.seen.parent[0].v[1];
	r.z.seen.parent[0].count = 1;
	long_after();
	r.z.seen.signer[A][MUS_RR_KEY].since = rig_time(100000);
	r.z.seen.copy[A].ttl_max_s = 7200;	/* of data */
	change.ns_add = 1 << NS_B;
	unknown(MUS_RULE_HISTORY);
	assert_int_equal(r.w.origin, A);
	assert_int_equal(r.w.kind, MUS_RR_KEY);
	assert_int_equal(r.w.until.ms, rig_time(103660).ms);
	change = (struct mus_change){.has_ds = true, .ds = KA, .ds_dt = {[1] = KA}};
	unknown(MUS_RULE_HISTORY);
	change.ds = change.ds_dt[1] = KA | KB;
	passes();
	rig_at(103660);
	rig_settle();
	change.ds = change.ds_dt[1] = KA;
	passes();
}

static void
test_history_of_data(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_settle();
	change.key_del[A] = ZA2;
	/* What nobody samples may be older than what is asked for. */
	r.z.seen.copy[A].ttl_max_s = r.z.seen.copy[B].ttl_max_s = 7200;
	unknown(MUS_RULE_HISTORY);
	assert_int_equal(r.w.until.ms, rig_time(7260).ms);
	r.z.seen.copy[A].ttl_max_s = r.z.seen.copy[B].ttl_max_s = 3600;
	unknown(MUS_RULE_HISTORY);
	/* All are as young: the first is named. */
	assert_int_equal(r.w.origin, A);
	assert_int_equal(r.w.kind, MUS_RR_SOA);
	rig_at_ms(3660 * 1000 - 1);
	rig_settle();
	unknown(MUS_RULE_HISTORY);
	r.policy.forced = MUS_RULE_HISTORY;
	passes();
	r.policy.forced = MUS_RULE_NONE;
	rig_at_ms(3660 * 1000);
	rig_settle();
	passes();
}

/* A parent that lowers its TTL: the floor counts until it has been watched for that long. */
static void
test_floor(void **state)
{
	(void)state;
	r.policy.parent_ttl_floor_s = 86400;
	alone();
	rig_ds(KA | KB);
	rig_settle();
	r.z.seen.parent[0].v[0] = r.z.seen.parent[0].v[1];
	r.z.seen.parent[0].count = 1;
	change.ns_add = 1 << NS_B;
	rig_at(86399);
	rig_settle();
	unknown(MUS_RULE_HISTORY);
	assert_int_equal(r.w.kind, MUS_RR_DS);
	rig_at(86400);
	rig_settle();
	passes();
}

static void
test_g8(void **state)
{
	(void)state;
	rig_steady();
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZA | ZB, &r.w), MUS_RES_HOLDS);
	r.z.zone.key[zb].tag = r.z.zone.key[za2].tag;	/* remembered only */
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZA | ZB, &r.w), MUS_RES_HOLDS);
	r.z.zone.key[zb].tag = r.z.zone.key[ka].tag;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZA | ZB, &r.w), MUS_RES_FAILS);
	assert_rule(r.w.rule, MUS_RULE_V11);
	assert_int_equal(r.w.key, zb);
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZA, NULL), MUS_RES_HOLDS);
	r.z.zone.key[zb].tag = 1;
	/* Ten keys more than KSK and ZSK are as many as one may have. */
	for (unsigned k = 20; k < 31; k++) {
		r.z.zone.key[k] = r.z.zone.key[zb];
		r.z.zone.key[k].tag = (uint16_t)(5000 + k);
		r.z.zone.key[k].id = 5000 + k;
	}
	r.z.zone.key_count = 31;
	r.z.seen.signer[B][MUS_RR_KEY].v[0].set |= (mus_bit(10) - 1) << 20;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_HOLDS);
	r.z.seen.signer[B][MUS_RR_KEY].v[0].set |= mus_bit(30);
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_FAILS);
	assert_rule(r.w.rule, MUS_RULE_G8);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.key, zb);
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZA, &r.w), MUS_RES_HOLDS);
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, NULL), MUS_RES_FAILS);
	/* A place that is free clashes with nobody, nor does a key of another algorithm. */
	r.z.seen.signer[B][MUS_RR_KEY].v[0].set &= mus_bit(20) - 1;
	r.z.zone.key[zb].tag = r.z.zone.key[ka].tag;
	r.z.zone.key[ka].id = 0;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_HOLDS);
	r.z.zone.key[ka].id = 1;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_FAILS);
	r.z.zone.key[ka].alg = 8;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_HOLDS);
	/* Nobody's key is nobody's too many. */
	r.z.zone.key[zb].owner = MUS_OWNER_UNKNOWN;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_HOLDS);
	/* What is on its way into a set counts as there. */
	r.z.zone.key[zb].tag = r.z.zone.key[za2].tag;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_HOLDS);
	r.z.seen.pending[0] = (struct mus_pending){.signer = A, .kind = MUS_RR_CDS, .add = ZA2};
	r.z.seen.pending_count = 1;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_HOLDS);
	r.z.seen.pending[0].kind = MUS_RR_KEY;
	assert_int_equal(mus_guard_import(&r.z.zone, &r.z.seen, ZB, &r.w), MUS_RES_FAILS);
}

static enum mus_result
import(unsigned signer, uint64_t keys)
{
	struct mus_facts facts;

	mus_facts(&r.z.zone, &r.z.seen, &r.policy, r.now, &facts);
	r.w = MUS_WITNESS_NONE;
	return mus_guard_import_alg(&r.z.zone, &r.z.seen, &facts, signer, keys, &r.w);
}

/* RFC 4035 2.2: what a DNSKEY set lists signs everything, at the signer that lists it. */
static void
test_g8_algorithm(void **state)
{
	struct mus_ring *soa = &r.z.seen.signer[A][MUS_RR_SOA];

	(void)state;
	r.z.zone.alg_count = 2;
	assert_int_equal(import(A, ZN), MUS_RES_HOLDS);	/* no DS: nobody minds */
	rig_absent(MUS_PARENT, MUS_RR_DS);
	assert_int_equal(import(A, ZN), MUS_RES_HOLDS);
	rig_ds(KA);
	rig_fail(A, MUS_RR_SOA, MUS_CAUSE_TIMEOUT);
	rig_settle();
	assert_int_equal(import(A, ZN), MUS_RES_UNKNOWN);
	assert_rule(r.w.rule, MUS_RULE_OBSERVE);
	assert_int_equal(r.w.origin, A);
	assert_int_equal(r.w.kind, MUS_RR_SOA);
	assert_int_equal(import(A, 0), MUS_RES_HOLDS);
	rig_steady();
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA | KN | ZN, KB | KN);
	rig_data(B, ZB | ZN);
	rig_settle();
	assert_int_equal(import(A, ZB), MUS_RES_HOLDS);
	assert_int_equal(import(A, ZB | ZN), MUS_RES_FAILS);
	assert_rule(r.w.rule, MUS_RULE_G8);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.origin2, A);
	assert_int_equal(r.w.key, zn);
	assert_int_equal(r.w.number, 8);
	/* A signs with that algorithm, but its set does not list the key yet: then the set would not hold it. */
	r.z.zone.key[za2].alg = 8;
	r.z.zone.key[za2].alg_idx = 1;
	rig_data(A, ZA | ZA2);
	rig_settle();
	assert_int_equal(import(A, ZN), MUS_RES_FAILS);
	/* It lists the key and signs only with the other one. */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_data(A, ZA);
	rig_settle();
	assert_int_equal(import(A, ZN), MUS_RES_FAILS);
	rig_data(A, ZA | ZA2);
	rig_settle();
	assert_int_equal(import(A, ZN), MUS_RES_HOLDS);
	/* All its servers must: one lags. */
	for (unsigned i = 0; i < soa->count; i++)
		if (!soa->v[i].srv) {
			soa->v[i].srv = mus_bit(AT_B);
			break;
		}
	assert_int_equal(import(A, ZN), MUS_RES_FAILS);
	assert_int_equal(import(A, ZB), MUS_RES_HOLDS);
}

/* A signature by a key that nobody knows says nothing of an algorithm; and without a witness the answer is the same. */
static void
test_g8_algorithm_of_nobody(void **state)
{
	struct mus_look soa = {.server = AT_A, .kind = MUS_RR_SOA, .ttl_s = 60, .sig_count = 1,
	    .sig = {{.key = MUS_KEY_NONE, .alg = 8, .tag = 99, .until_s = INT64_MAX / 2000}}};
	struct mus_facts facts;

	(void)state;
	r.z.zone.alg_count = 2;
	rig_steady();
	rig_look(&soa);
	rig_settle();
	assert_int_equal(import(A, ZN), MUS_RES_FAILS);
	assert_rule(r.w.rule, MUS_RULE_G8);
	mus_facts(&r.z.zone, &r.z.seen, &r.policy, r.now, &facts);
	assert_int_equal(mus_guard_import_alg(&r.z.zone, &r.z.seen, &facts, A, ZN, NULL), MUS_RES_FAILS);
	r.z.seen.signer[A][MUS_RR_SOA].count = 0;
	assert_int_equal(import(A, ZN), MUS_RES_UNKNOWN);
	assert_rule(r.w.rule, MUS_RULE_OBSERVE);
	assert_int_equal(mus_guard_import_alg(&r.z.zone, &r.z.seen, &facts, A, ZN, NULL), MUS_RES_UNKNOWN);
}

/* A ring that had to forget an alive version is unknown until that is dead. */
static void
test_overflow(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	change.key_add[A] = ZA2;
	passes();
	for (unsigned i = 0; i < MUS_VERSIONS_MAX; i++) {
		rig_at(100001 + i);
		rig_put(B, MUS_RR_SOA, 100 + i, ZB);
	}
	rig_settle();
	unknown(MUS_RULE_OBSERVE);
	assert_int_equal(r.w.cause, MUS_CAUSE_OVERFLOW);
	assert_int_equal(r.w.until.ms, rig_time(100001 + 3660).ms);
	rig_at(100001 + 3660);
	rig_settle();
	passes();
}

/* More members than the lists hold: nothing may be concluded. */
static void
test_too_many_members(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	for (unsigned k = 0; k < 100; k++) {
		if (k % MUS_VERSIONS_MAX == 0)
			for (unsigned i = 0; i < MUS_PENDING_MAX; i++)
				r.z.seen.pending[i] = (struct mus_pending){.signer = A,
				    .kind = MUS_RR_KEY, .add = mus_bit(8 + i), .sent_at = r.now};
	}
	for (unsigned i = 1; i < MUS_VERSIONS_MAX; i++) {
		rig_at(100000 + i);
		rig_put(A, MUS_RR_KEY, KA | ZA | ZB | mus_bit(40 + i), KA);
		r.z.seen.signer[A][MUS_RR_KEY].v[i - 1].srv = mus_bit(AT_A);
	}
	r.z.seen.pending_count = MUS_PENDING_MAX;
	rig_settle();
	r.z.seen.pending_count = MUS_PENDING_MAX;
	for (unsigned i = 0; i < r.z.seen.signer[A][MUS_RR_KEY].count; i++)
		r.z.seen.signer[A][MUS_RR_KEY].v[i].srv = mus_bit(AT_A);
	change.key_add[A] = ZA2;
	unknown(MUS_RULE_OBSERVE);
	assert_int_equal(r.w.cause, MUS_CAUSE_OVERFLOW);
	assert_int_equal(
	    mus_guard(&r.z.zone, &r.z.seen, &r.policy, r.now, &change, NULL), MUS_RES_UNKNOWN);
	assert_int_equal(rig_judge()->rule[MUS_RULE_V1], MUS_RES_UNKNOWN);
	assert_int_equal(r.verdict.rule[MUS_RULE_V2], MUS_RES_UNKNOWN);
}

/* Whoever asks without a witness gets the same answer. */
static void
test_without_witness(void **state)
{
	(void)state;
	alone();
	change.ns_add = 1 << NS_B;
	assert_int_equal(mus_guard(&r.z.zone, &r.z.seen, &r.policy, r.now, &change, NULL), MUS_RES_FAILS);
	rig_ds(KA | KB);
	rig_settle();
	r.z.seen.parent[0].v[0] = r.z.seen.parent[0].v[1];
	r.z.seen.parent[0].count = 1;
	unknown(MUS_RULE_HISTORY);
	assert_int_equal(
	    mus_guard(&r.z.zone, &r.z.seen, &r.policy, r.now, &change, NULL), MUS_RES_UNKNOWN);
	rig_fail(MUS_PARENT, MUS_RR_DS, MUS_CAUSE_TIMEOUT);
	assert_int_equal(
	    mus_guard(&r.z.zone, &r.z.seen, &r.policy, r.now, &change, NULL), MUS_RES_UNKNOWN);
}

/* A place that is free, and one whose name is not in the table, are nobody's. */
static void
test_g1_free_places(void **state)
{
	(void)state;
	alone();
	rig_ds(KA | KB);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B | 1 << 2;
	passes();
	r.z.zone.server_count = 5;
	r.z.zone.server[3] = (struct mus_server){MUS_NOBODY, MUS_NOBODY};
	r.z.zone.server[4] = (struct mus_server){B, 2};
	passes();
}

/* What an entering server says of a kind that it does not have binds nothing; unsigned data does. */
static void
test_g1_absent_and_unsigned(void **state)
{
	(void)state;
	alone();
	rig_ds(KA | KB);
	rig_absent(B, MUS_RR_NAME);
	rig_settle();
	long_after();
	change.ns_add = 1 << NS_B;
	passes();
	rig_at(200000);
	rig_put(B, MUS_RR_NAME, 0, 0);
	rig_settle();
	stopped(MUS_RULE_V2);
	/* A's alive DNSKEY set is the old one of the pair. */
	assert_int_equal(r.w.origin, A);
	assert_int_equal(r.w.server, AT_A);
	assert_int_equal(r.w.seen_at.ms, rig_time(0).ms);
	assert_int_equal(r.w.kind2, MUS_RR_NAME);
	assert_int_equal(r.w.origin2, B);
}

/* Both members of the pair come with the entering server: the data are the witness, for good. */
static void
test_g1_new_against_new(void **state)
{
	(void)state;
	alone();
	rig_ds(KA | KB);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_settle();
	r.z.seen.signer[A][MUS_RR_KEY].v[0] = r.z.seen.signer[A][MUS_RR_KEY].v[1];
	r.z.seen.signer[A][MUS_RR_KEY].count = 1;
	rig_at(200000);
	rig_put(B, MUS_RR_SOA, 0, ZA2);
	rig_settle();
	change.ns_add = 1 << NS_B;
	stopped(MUS_RULE_V2);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.origin2, B);
	assert_int_equal(r.w.seen_at.ms, rig_time(200000).ms);
	assert_false(mus_time_is_set(r.w.until));
	/* Force passes it. */
	r.policy.forced = MUS_RULE_V2;
	passes();
}

/* Only changes to the DNSKEY set of that signer count as made to it. */
static void
test_in_flight_elsewhere(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = B, .rr = MUS_RR_KEY, .del = ZB};
	struct mus_act cds = {.kind = MUS_ACT_CHANGE, .signer = A, .rr = MUS_RR_CDS, .del = ZB};

	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZN, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB | ZN, KB);
	rig_data(B, ZB | ZN);
	rig_settle();
	rig_at(200000);
	rig_settle();
	change.key_del[A] = ZN;
	passes();
	assert_true(mus_pending_add(&r.z.seen, &cds, r.now));
	passes();
	assert_true(mus_pending_add(&r.z.seen, &a, r.now));
	passes();
	change.key_del[B] = ZN;
	stopped(MUS_RULE_V2);
	assert_int_equal(r.w.origin, B);
	/* A new DS set is met by what is made at b, not by that made at a. */
	change = (struct mus_change){.has_ds = true, .ds = KA | KB | KA2, .ds_dt = {[1] = KA | KB | KA2}};
	r.z.seen.pending_count = 1;
	r.z.seen.pending[0] = (struct mus_pending){B, MUS_RR_KEY, 0, KA, r.now};
	passes();
	r.z.seen.pending[0] = (struct mus_pending){A, MUS_RR_CDNSKEY, 0, KA, r.now};
	passes();
	r.z.seen.pending[0] = (struct mus_pending){A, MUS_RR_KEY, 0, KA, r.now};
	stopped(MUS_RULE_V1);
}

/* A version that nobody in Reach shows is not what a change is made to. */
static void
test_change_out_of_reach(void **state)
{
	(void)state;
	alone();
	long_after();
	change.key_del[B] = ZA | ZB;
	passes();
	change.ns_add = 1 << NS_B;
	rig_ds(KA | KB);
	rig_settle();
	r.z.seen.parent[0].v[0] = r.z.seen.parent[0].v[1];
	r.z.seen.parent[0].count = 1;
	stopped(MUS_RULE_V2);
}

/* A data violation that was there before blocks nothing that does not touch it. */
static void
test_repair_of_something_else(void **state)
{
	(void)state;
	rig_steady();
	long_after();
	rig_data(B, ZA2);
	rig_settle();
	change.key_add[A] = ZN;
	passes();
	/* ... nor one of the chain: A's set is signed by a key that the DS set does not name. */
	rig_data(B, ZB);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | KA2, KA2);
	rig_settle();
	rig_at(200000);
	rig_settle();
	passes();
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KB;
	stopped(MUS_RULE_V1);
	assert_int_equal(r.w.origin2, A);
}

/* The first DS set, and nobody knows what DNSKEY sets there were. */
static void
test_g0_forced_and_history(void **state)
{
	(void)state;
	alone();
	rig_absent(MUS_PARENT, MUS_RR_DS);
	r.z.seen.parent[0].v[0] = r.z.seen.parent[0].v[1];
	r.z.seen.parent[0].count = 1;
	rig_settle();
	long_after();
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA;
	passes();
	r.z.seen.signer[A][MUS_RR_KEY].since = rig_time(100000);
	unknown(MUS_RULE_HISTORY);
	assert_int_equal(r.w.origin, A);
	r.z.seen.signer[A][MUS_RR_KEY].since = rig_time(0);
	r.ns = 1 << NS_A;
	rig_data(A, 0);
	rig_settle();
	stopped(MUS_RULE_G0);
	assert_int_equal(r.w.origin, A);
	assert_int_equal(r.w.origin2, A);
	r.policy.forced = MUS_RULE_G0;
	passes();
}

/* A digest type alone may be what an unknown DNSKEY set fails with. */
static void
test_history_of_digests(void **state)
{
	(void)state;
	rig_steady();
	rig_ds_dt(KA | KB, KA | KB);
	rig_absent(A, MUS_RR_CDS);
	rig_settle();
	r.z.seen.parent[0].v[0] = r.z.seen.parent[0].v[r.z.seen.parent[0].count - 1];
	r.z.seen.parent[0].count = 1;
	long_after();
	r.z.seen.signer[B][MUS_RR_KEY].since = rig_time(100000);
	change.has_ds = true;
	change.ds = change.ds_dt[1] = change.ds_dt[2] = KA | KB | KA2;
	passes();
	change.ds_dt[2] = 0;
	unknown(MUS_RULE_HISTORY);
}

/* Never watched without a gap: no instant can be told. */
static void
test_history_not_begun(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_settle();
	long_after();
	change.key_del[A] = ZA2;
	passes();
	r.z.seen.signer[B][MUS_RR_SOA].since = MUS_TIME_NEVER;
	unknown(MUS_RULE_HISTORY);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.kind, MUS_RR_SOA);
	assert_false(mus_time_is_set(r.w.until));
	/* Of one that is declared lost nothing is asked. */
	r.z.zone.signer[B].is_lost = true;
	passes();
}

static int
init(void **state)
{
	(void)state;
	rig_init();
	memset(&change, 0, sizeof change);
	return 0;
}

/* A key and a DS more than are needed, and a third name, at first in no set. */
static void
with_spare(void)
{
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	rig_ds(KA | KB | KA2);
	r.z.zone.ns_count = 3;
	r.z.zone.ns[2] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN};
	rig_settle();
	long_after();
}

/* The delegation leads to a server that nobody asks: what takes something away may be its need. */
static void
test_led_astray(void **state)
{
	(void)state;
	with_spare();
	change.key_del[A] = ZA2;
	passes();
	rig_put(MUS_PARENT, MUS_RR_PNS, 7, 0);
	rig_settle();
	stopped(MUS_RULE_V10);
	assert_int_equal(r.w.origin, MUS_PARENT);
	assert_int_equal(r.w.server, AT_PARENT);
	assert_int_equal(r.w.kind, MUS_RR_PNS);
	assert_int_equal(r.w.ns, 2);
	assert_int_equal(mus_guard(&r.z.zone, &r.z.seen, &r.policy, r.now, &change, NULL), MUS_RES_FAILS);
	/* Nothing is taken away. */
	memset(&change, 0, sizeof change);
	change.key_add[B] = ZA2;
	passes();
	memset(&change, 0, sizeof change);
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA | KB | KA2;
	passes();
	change.ds = change.ds_dt[1] = KA | KB;
	stopped(MUS_RULE_V10);
	for (unsigned s = 0; s < 2; s++)		/* nor when what is shown is what is asked for */
		rig_put(s, MUS_RR_CDS, KA | KB | KA2, s == A ? KA : KB);
	rig_settle();
	stopped(MUS_RULE_V10);
	r.policy.forced = MUS_RULE_V10;
	passes();
	r.policy.forced = MUS_RULE_NONE;
	/* A DS of a key that nobody has shown is dropped by whatever set we ask for. */
	rig_look(&(struct mus_look){.server = AT_PARENT, .kind = MUS_RR_DS, .content = 7, .set = KA | KB, .dt[1] = KA | KB,
	    .stray = 1, .ttl_s = 3600, .serve_ttl_s = 3600});
	rig_settle();
	change.ds = change.ds_dt[1] = KA | KB | KA2;
	stopped(MUS_RULE_V10);
	/* Taken out again: in caches still, and then not. */
	rig_put(MUS_PARENT, MUS_RR_PNS, 3, 0);
	rig_settle();
	stopped(MUS_RULE_V10);
	assert_int_equal(r.w.server, MUS_NOBODY);
	change.ds = change.ds_dt[1] = KA | KB;
	rig_at(100000 + 3600 + 120);
	rig_settle();
	stopped(MUS_RULE_V10);			/* what was got there at last */
	rig_at(100000 + 2 * 3600 + 120);
	rig_settle();
	passes();
}

/* By a signer's NS set; by a name that there is no place for; whose server is lost, that is known. */
static void
test_led_astray_by_whom(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_NS, .set = 7, .content = 99, .ttl_s = 3600,
	    .serve_ttl_s = 3600};

	(void)state;
	with_spare();
	change.key_del[A] = ZA2;
	passes();
	l.sig_count = 1;
	l.sig[0] = (struct mus_sig){.key = za, .alg = 13, .tag = r.z.zone.key[za].tag,
	    .from_s = mus_time_to_s(r.t0) - 3600, .until_s = mus_time_to_s(r.t0) + r.until_s};
	rig_look(&l);
	rig_settle();
	stopped(MUS_RULE_V10);
	assert_int_equal(r.w.origin, A);
	assert_int_equal(r.w.kind, MUS_RR_NS);
	/* It is a signer's that is lost: nobody asks it, and that is the operator's word. */
	r.z.zone.signer_count = 3;
	r.z.zone.signer[2] = (struct mus_zsigner){.is_lost = true};
	r.z.zone.ns[2].owner = 2;
	passes();
	r.z.zone.signer[2].is_lost = false;
	stopped(MUS_RULE_V10);
	r.z.zone.server_count = 4;
	r.z.zone.server[3] = (struct mus_server){.origin = 2, .ns = 2};
	r.z.seen.server[3].cut = MUS_TIME_ALWAYS;
	passes();
	r.z.zone.server_count = 3;
	r.z.zone.signer_count = 2;
	rig_put(A, MUS_RR_NS, 3, ZA);
	rig_at(100000 + 7320);
	rig_settle();
	passes();
	/* All places are taken, and all names lead to a server that is asked. */
	for (unsigned n = 2; n < MUS_NSNAMES_MAX; n++)
		r.z.zone.ns[n] = (struct mus_zns){.owner = A};
	r.z.zone.ns_count = MUS_NSNAMES_MAX;
	r.z.zone.server[AT_A].also = ~0u & ~(1u << NS_B);
	passes();
	l.set = 3;
	l.stray = 1;
	l.content = 100;
	rig_look(&l);
	rig_settle();
	stopped(MUS_RULE_V10);
	assert_int_equal(r.w.ns, MUS_NOBODY);
	/* Who lists it is lost itself. */
	r.z.zone.signer[A].is_lost = true;
	memset(&change, 0, sizeof change);
	change.has_ds = true;
	change.ds = change.ds_dt[1] = KA | KB;
	passes();
}

/* Who is not led to may list whom it wants, until it is to enter. */
static void
test_led_astray_to_enter(void **state)
{
	(void)state;
	alone();
	r.z.zone.ns_count = 3;
	r.z.zone.ns[2] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN};
	rig_ds(KA | KB);
	rig_put(B, MUS_RR_NS, 6, ZB);
	rig_settle();
	long_after();
	change.key_del[A] = ZB;
	passes();
	memset(&change, 0, sizeof change);
	change.ns_add = 1 << NS_B;
	stopped(MUS_RULE_V10);
	assert_int_equal(r.w.origin, B);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, init)
	const struct CMUnitTest tests[] = {
	    T(test_nothing_is_safe),
	    T(test_g1_old_ds),
	    T(test_g1_old_dnskey),
	    T(test_g1_joiner_without_our_keys),
	    T(test_g1_leads_on),
	    T(test_g3_key_removal),
	    T(test_g3_hidden_data),
	    T(test_g4_ds),
	    T(test_g4_algorithm),
	    T(test_g4_algorithm_of_data),
	    T(test_g5_ds_removal),
	    T(test_g5_after_the_cut),
	    T(test_g0),
	    T(test_insecure_binds_nothing),
	    T(test_in_flight),
	    T(test_cds_in_flight),
	    T(test_repair),
	    T(test_forced),
	    T(test_unknown_blocks_and_is_named),
	    T(test_history),
	    T(test_history_of_ds),
	    T(test_history_of_keys),
	    T(test_history_of_data),
	    T(test_floor),
	    T(test_g8),
	    T(test_g8_algorithm),
	    T(test_g8_algorithm_of_nobody),
	    T(test_overflow),
	    T(test_too_many_members),
	    T(test_without_witness),
	    T(test_g1_free_places),
	    T(test_g1_absent_and_unsigned),
	    T(test_g1_new_against_new),
	    T(test_in_flight_elsewhere),
	    T(test_change_out_of_reach),
	    T(test_repair_of_something_else),
	    T(test_g0_forced_and_history),
	    T(test_history_of_digests),
	    T(test_history_not_begun),
	    T(test_led_astray),
	    T(test_led_astray_by_whom),
	    T(test_led_astray_to_enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
