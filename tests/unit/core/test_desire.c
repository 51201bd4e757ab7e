/*
 * What each RRset should be, the conditions of rows, and the preflight of a joiner.
 */
#include "rig.h"

static struct mus_facts facts;
static struct mus_desire d;

/* The context of what is seen and wanted now. */
static struct mus_ctx
desire(void)
{
	struct mus_ctx c = {&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &facts, &d};

	mus_facts(&r.z.zone, &r.z.seen, &r.policy, r.now, &facts);
	mus_desire(&c, &d);
	return c;
}

static void
fails(enum mus_rule rule)
{
	assert_int_equal(rig_condition(rule), MUS_RES_FAILS);
	assert_rule(r.w.rule, rule);
}

static void
holds(enum mus_rule rule)
{
	assert_int_equal(rig_condition(rule), MUS_RES_HOLDS);
}

/* ---- desired sets --------------------------------------------------------------------------- */

static void
test_keys(void **state)
{
	(void)state;
	rig_steady();
	desire();
	assert_int_equal(d.key[A], ZB);
	assert_int_equal(d.key[B], ZA);
	assert_int_equal(d.key_del[A], 0);
	assert_int_equal(d.key_at, 3);
	/* Out of the group: its keys go, unless it is about to join. */
	r.z.want.keyg = 1;
	desire();
	assert_int_equal(d.key[A], 0);
	assert_int_equal(d.key_del[A], 0);
	r.z.zone.signer[B].is_member = false;
	desire();
	assert_int_equal(d.key_del[A], ZB);
	assert_int_equal(d.key_at, 1);
}

/* protocol.md 7.3 row 6: the owner has withdrawn it, then its largest TTL and the margin. */
static void
test_rolled_key_is_withdrawn(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZA2 | ZB, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZA2 | ZB, KB);
	rig_settle();
	desire();
	assert_int_equal(d.key[B], ZA | ZA2);
	rig_at(100);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_settle();
	rig_at_ms((100 + 3660) * 1000 - 1);
	rig_settle();
	desire();
	assert_int_equal(d.key_del[B], 0);
	rig_at_ms((100 + 3660) * 1000);
	rig_settle();
	desire();
	assert_int_equal(d.key_del[B], ZA2);
	fails(MUS_RULE_G3);
	assert_int_equal(r.w.key, za2);
	/* Without a largest TTL there is nothing to wait for that would be enough. */
	r.z.seen.copy[A].known = false;
	desire();
	assert_int_equal(d.key_del[B], 0);
	holds(MUS_RULE_G3);
}

static void
test_seps(void **state)
{
	(void)state;
	rig_steady();
	desire();
	assert_int_equal(d.sep, KA | KB);
	assert_int_equal(d.dts, 1 << 1);
	assert_int_equal(d.cds_at, 3);
	/* Published but not signing: not yet. */
	rig_put(A, MUS_RR_KEY, KA | KA2 | ZA | ZB, KA);
	rig_settle();
	desire();
	assert_int_equal(d.sep, KA | KB);
	/* ... but when the signer's own CDS names it, it cannot be withdrawn. */
	rig_put(A, MUS_RR_CDS, KA | KA2 | KB, KA);
	rig_settle();
	desire();
	assert_int_equal(d.sep, KA | KB | KA2);
	/* What the signer does not show any more is named by nobody. */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_settle();
	desire();
	assert_int_equal(d.sep, KA | KB);
	r.z.want.dsg = 1;
	desire();
	assert_int_equal(d.sep, KA);
	assert_int_equal(d.sep_del, KB | ZB | KN | ZN);
	assert_int_equal(d.cds_at, 1);
}

/* A CDS for a key that is no SEP key is the signer's error: not spread. */
static void
test_cds_for_a_zsk(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_CDS, KA | KB | ZA, KA);
	rig_settle();
	desire();
	assert_int_equal(d.sep, KA | KB);
}

static void
test_digest_types(void **state)
{
	struct mus_look l = {.server = AT_B, .kind = MUS_RR_CDS, .set = KA | KB, .content = 1, .ttl_s = 60,
	    .dt = {[1] = KA | KB, [2] = KB}};

	(void)state;
	rig_steady();
	rig_look(&l);
	rig_settle();
	desire();
	assert_int_equal(d.dts, 1 << 1 | 1 << 2);
	fails(MUS_RULE_SIGNAL);
}

static void
test_alone_and_untouched(void **state)
{
	(void)state;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	rig_steady();
	desire();
	assert_int_equal(d.cds_at, 1);
	rig_absent(A, MUS_RR_CDS);
	rig_absent(A, MUS_RR_CDNSKEY);
	rig_settle();
	desire();
	assert_int_equal(d.cds_at, 0);
	r.z.want.proc.kind = MUS_PROC_REMOVE;
	desire();
	assert_int_equal(d.cds_at, 0);
	r.z.want.proc.row = 7;
	desire();
	assert_int_equal(d.cds_at, 1);
	/* One of both is enough to be kept right. */
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_NONE};
	rig_put(A, MUS_RR_CDNSKEY, KA, KA);
	rig_settle();
	desire();
	assert_int_equal(d.cds_at, 1);
}

static void
test_ns(void **state)
{
	(void)state;
	rig_steady();
	desire();
	assert_int_equal(d.ns, 3);
	assert_int_equal(d.ns_del, 0);
	assert_int_equal(d.ns_at, 3);
	/* Given up by its signer: not put back, nor taken out. */
	r.z.zone.ns[NS_B].is_dropped = true;
	desire();
	assert_int_equal(d.ns, 1 << NS_A);
	assert_int_equal(d.ns_del, 0);
	r.z.zone.ns[NS_B].is_dropped = false;
	r.z.want.nsg = 1;
	r.z.zone.signer[B].is_member = false;
	desire();
	assert_int_equal(d.ns, 1 << NS_A);
	assert_int_equal(d.ns_del, 0);		/* the delegation leads there, and nobody has begun a leave */
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_REMOVE, .signer = A};
	desire();
	assert_int_equal(d.ns_del, 0);
	r.z.want.proc.signer = B;
	desire();
	assert_int_equal(d.ns_del, 1 << NS_B);
	r.z.want.proc.kind = MUS_PROC_NONE;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_settle();
	desire();
	assert_int_equal(d.ns_del, 1 << NS_B);
	assert_int_equal(d.ns_at, 3);		/* the leaver takes part, whoever goes first */
	r.z.zone.signer[B].is_member = true;
	desire();
	assert_int_equal(d.ns_at, 1);		/* the joiner not yet */
	assert_int_equal(d.clean_at, 2);
	r.z.zone.signer[B].is_lost = true;
	desire();
	assert_int_equal(d.ns_at | d.key_at | d.cds_at, 1);
	assert_int_equal(d.clean_at, 0);
}

/* Names of who has left go from the NS sets; not as long as nobody knows whether the delegation lists them. */
static void
test_former_names(void **state)
{
	(void)state;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.z.zone.ns[NS_B] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN, .is_former = true};
	rig_steady();
	desire();
	assert_int_equal(d.ns_del, 0);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_settle();
	desire();
	assert_int_equal(d.ns_del, 1 << NS_B);
	rig_fail(MUS_PARENT, MUS_RR_PNS, MUS_CAUSE_TIMEOUT);
	rig_settle();
	desire();
	assert_int_equal(d.ns_del, 0);
}

/* ---- conditions ----------------------------------------------------------------------------- */

static void
test_import(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_IMPORT);
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	rig_settle();
	fails(MUS_RULE_IMPORT);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.key, za);
	/* A SEP key that may sign data and waits for the first copy. */
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA, KB);
	rig_settle();
	holds(MUS_RULE_V7);
	r.z.seen.copy[A].known = false;
	r.z.zone.key[ka].signs_data = MUS_UNKNOWN;
	assert_int_equal(rig_condition(MUS_RULE_V7), MUS_RES_UNKNOWN);
	assert_rule(r.w.rule, MUS_RULE_V7);
	assert_int_equal(r.w.origin, A);
	assert_int_equal(r.w.key, ka);
	r.z.zone.key[ka2].signs_data = MUS_UNKNOWN;	/* of two the first is named */
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | KA2, KA);
	assert_int_equal(rig_condition(MUS_RULE_V7), MUS_RES_UNKNOWN);
	assert_int_equal(r.w.key, ka);
	r.z.want.keyg = 1 << A;		/* alone: nobody to spread it to */
	holds(MUS_RULE_V7);
	r.z.want.keyg = 3;
	rig_fail(B, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	rig_settle();
	assert_int_equal(rig_condition(MUS_RULE_V7), MUS_RES_UNKNOWN);
}

/* What a server shows that was taken away is no matter: neither what it lacks, nor what it has. */
static void
test_server_taken_away(void **state)
{
	struct mus_look l = {.server = 3, .kind = MUS_RR_KEY, .set = KA | ZA, .content = 9, .ttl_s = 60};

	(void)state;
	r.z.zone.server_count = 4;
	r.z.zone.server[3] = (struct mus_server){A, NS_A};
	rig_steady();
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_IMPORT);
	assert_int_equal(r.w.server, 3);
	assert_true(r.w.lags);
	r.z.zone.server[3] = (struct mus_server){MUS_NOBODY, MUS_NOBODY};
	rig_settle();
	holds(MUS_RULE_IMPORT);
	/* ... and the other way round: the one that is left lacks it, and nobody counts as further. */
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	r.z.zone.server[3] = (struct mus_server){A, NS_A};
	l.set |= ZB;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_IMPORT);
	assert_int_equal(r.w.server, AT_A);
	assert_true(r.w.lags);
	r.z.zone.server[3] = (struct mus_server){MUS_NOBODY, MUS_NOBODY};
	rig_settle();
	fails(MUS_RULE_IMPORT);
	assert_int_equal(r.w.server, AT_A);
	assert_false(r.w.lags);
}

static void
test_signal(void **state)
{
	struct mus_look l = {.server = AT_B, .kind = MUS_RR_CDS, .set = KA | KB, .content = 1, .ttl_s = 60,
	    .dt = {[1] = KA | KB}};

	(void)state;
	rig_steady();
	holds(MUS_RULE_SIGNAL);
	l.stray = 1;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_SIGNAL);
	l.stray = 0;
	l.flags = MUS_VER_DELETE;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_SIGNAL);
	l.flags = 0;
	rig_look(&l);
	rig_put(A, MUS_RR_CDNSKEY, KA, KA);
	rig_settle();
	fails(MUS_RULE_SIGNAL);
	assert_int_equal(r.w.kind, MUS_RR_CDNSKEY);
	assert_int_equal(r.w.key, kb);
	l = (struct mus_look){.server = AT_A, .kind = MUS_RR_CDNSKEY, .set = KA | KB, .content = 1,
	    .ttl_s = 60};
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_SIGNAL);
	l.stray = 1;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_SIGNAL);
	l.stray = 0;
	l.flags = MUS_VER_DELETE;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_SIGNAL);
	r.z.want.dsg = 0;
	assert_int_equal(rig_condition(MUS_RULE_SIGNAL), MUS_RES_UNKNOWN);
}

static void
test_parent_ds(void **state)
{
	struct mus_look l = {.server = AT_PARENT, .kind = MUS_RR_DS, .set = KA | KB, .content = 1, .ttl_s = 60,
	    .stray = 1, .dt = {[1] = KA | KB}};

	(void)state;
	rig_steady();
	holds(MUS_RULE_PARENTDS);
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_PARENTDS);
	rig_ds(KA);
	rig_settle();
	fails(MUS_RULE_PARENTDS);
	assert_int_equal(r.w.key, kb);
	assert_false(r.w.surplus);
	assert_int_equal(r.w.server, AT_PARENT);
	rig_ds(KA | KB | KA2);
	rig_settle();
	fails(MUS_RULE_PARENTDS);
	assert_int_equal(r.w.key, ka2);
	assert_true(r.w.surplus);
	assert_false(r.w.lags);
	r.z.zone.server_count = 4;		/* a second server of the parent, which is behind */
	r.z.zone.server[3] = (struct mus_server){MUS_PARENT, MUS_NOBODY};
	rig_ds(KA | KB);
	l = (struct mus_look){.server = 3, .kind = MUS_RR_DS, .set = KA, .content = 2, .ttl_s = 60, .dt = {[1] = KA}};
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_PARENTDS);
	assert_int_equal(r.w.server, 3);
	assert_true(r.w.lags);
}

static void
test_ns_set(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_NSSET);
	holds(MUS_RULE_PARENTNS);
	rig_put(B, MUS_RR_NS, 1 << NS_B, ZB);
	rig_settle();
	fails(MUS_RULE_NSSET);
	assert_int_equal(r.w.ns, NS_A);
	assert_false(r.w.surplus);
	/* Names of nobody we know may stay. */
	rig_put(B, MUS_RR_NS, 7, ZB);
	rig_settle();
	holds(MUS_RULE_NSSET);
	r.z.want.nsg = 1;
	holds(MUS_RULE_PARENTNS);
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_REMOVE, .signer = B};
	fails(MUS_RULE_PARENTNS);
	assert_int_equal(r.w.ns, NS_B);
	assert_true(r.w.surplus);
}

static void
test_glue(void **state)
{
	struct mus_look l = {.server = AT_B, .kind = MUS_RR_ADDR, .content = 6, .ttl_s = 60};

	(void)state;
	r.z.zone.ns[NS_B].in_domain = true;
	rig_steady();
	assert_int_equal(rig_condition(MUS_RULE_PARENTNS), MUS_RES_HOLDS);
	rig_put(A, MUS_RR_ADDR, 0, 0);
	rig_put(B, MUS_RR_ADDR, 0, 0);
	rig_put(MUS_PARENT, MUS_RR_GLUE, 0, 0);
	rig_settle();
	holds(MUS_RULE_PARENTNS);
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_PARENTNS);
	assert_int_equal(r.w.kind, MUS_RR_GLUE);
	/* Where no wanted name lies in the zone there is no glue. */
	r.z.zone.ns[NS_B].in_domain = false;
	holds(MUS_RULE_PARENTNS);
}

static void
test_csync(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_CSYNC, .content = 1, .aux = 7 << 16 | 1, .ttl_s = 60};

	(void)state;
	rig_steady();
	holds(MUS_RULE_CSYNCSET);
	/* Somebody else's CSYNC is not ours to remove. */
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_CSYNCSET);
	r.z.want.csync_serial = 7;
	fails(MUS_RULE_CSYNCSET);
	r.z.want.csync = true;
	fails(MUS_RULE_CSYNCSET);
	assert_int_equal(r.w.origin, B);
	l.server = AT_B;
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_CSYNCSET);
	l.aux = 7 << 16 | 3;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_CSYNCSET);
	assert_int_equal(r.w.number, 1);
	/* Whatever types it lists. */
	l.aux = MUS_CSYNC_NS | 7 << 16 | 1;
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_CSYNCSET);
	/* Two of them are none (RFC 7477 2), whichever comes first. */
	l.stray = 1;
	l.dt[0] = 3 << 16 | 3;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_CSYNCSET);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.number, 2);
	assert_false(r.w.odd);
	/* When none is asked for, ours is to go, wherever it stands; the others are not ours. */
	rig_absent(A, MUS_RR_CSYNC);
	r.z.want.csync = false;
	fails(MUS_RULE_CSYNCSET);
	assert_true(r.w.surplus);
	assert_int_equal(r.w.number, 2);
	l.aux = MUS_CSYNC_ODD | 9 << 16 | 1;
	l.dt[0] = 7 << 16 | 1;
	rig_look(&l);
	rig_settle();
	fails(MUS_RULE_CSYNCSET);
	assert_true(r.w.odd);
	l.dt[0] = 8 << 16 | 1;
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_CSYNCSET);
	/* Nothing was ever asked for: nothing is ours, a serial of 0 neither. */
	r.z.want.csync_serial = 0;
	l.aux = 8 << 16 | 1;
	l.dt[0] = 1;
	rig_look(&l);
	rig_settle();
	holds(MUS_RULE_CSYNCSET);
}

static void
test_clocks(void **state)
{
	struct mus_clock *clock = r.z.want.proc.clock;

	(void)state;
	rig_steady();
	r.z.want.proc.kind = MUS_PROC_REMOVE;
	r.z.want.proc.signer = B;
	fails(MUS_RULE_DSWAIT);
	assert_int_equal(r.w.until.ms, MUS_TIME_NEVER.ms);
	clock[MUS_CLOCK_DS] = (struct mus_clock){rig_time(1800), 86400};
	assert_int_equal(mus_clock_end(&clock[MUS_CLOCK_DS], &r.policy).ms, rig_time(88260).ms);
	rig_at_ms(88260 * 1000 - 1);
	fails(MUS_RULE_DSWAIT);
	assert_int_equal(r.w.until.ms, rig_time(88260).ms);
	rig_at_ms(88260 * 1000);
	holds(MUS_RULE_DSWAIT);
	fails(MUS_RULE_KEYWAIT);
	fails(MUS_RULE_NSWAIT);
	fails(MUS_RULE_REACH);
	assert_int_equal(r.w.server, AT_B);
}

static void
test_clock_ttls(void **state)
{
	struct mus_ctx c;

	(void)state;
	rig_steady();
	r.z.want.proc.signer = B;
	r.z.seen.signer[B][MUS_RR_KEY].ttl_max_s = 7200;
	r.z.seen.parent[0].ttl_max_s = 86400;
	r.z.seen.parent[MUS_RR_PNS - MUS_RR_DS].ttl_max_s = 172800;
	r.z.seen.copy[B].ttl_max_s = 86400;
	c = desire();
	assert_int_equal(mus_clock_ttl_s(&c, MUS_CLOCK_KEY), 7200);
	assert_int_equal(mus_clock_ttl_s(&c, MUS_CLOCK_DS), 86400);
	assert_int_equal(mus_clock_ttl_s(&c, MUS_CLOCK_NS), 172800);
	assert_int_equal(mus_clock_ttl_s(&c, MUS_CLOCK_CUT), 86400);
	r.policy.parent_ttl_floor_s = 200000;
	assert_int_equal(mus_clock_ttl_s(&c, MUS_CLOCK_DS), 200000);
	assert_int_equal(mus_clock_ttl_s(&c, MUS_CLOCK_NS), 200000);
	r.z.seen.signer[A][MUS_RR_NS].ttl_max_s = 300000;
	assert_int_equal(mus_clock_ttl_s(&c, MUS_CLOCK_NS), 300000);
}

/* Where nothing was seen there is nothing to outlive; nor is there by a clock that there is not. */
static void
test_clock_ttls_of_nothing(void **state)
{
	struct mus_ctx c = desire();

	(void)state;
	for (unsigned id = 0; id <= MUS_CLOCK_COUNT + 1; id++)
		assert_int_equal(mus_clock_ttl_s(&c, (enum mus_clock_id)id), id == MUS_CLOCK_CUT ? 3600 : 0);
}

static void
test_data_wait(void **state)
{
	(void)state;
	rig_steady();
	r.z.want.proc.kind = MUS_PROC_REMOVE;
	r.z.want.proc.signer = B;
	r.z.want.proc.clock[MUS_CLOCK_CUT].from = MUS_TIME_NEVER;
	fails(MUS_RULE_DATAWAIT);
	assert_false(mus_time_is_set(r.w.until));
	/* First of all nobody may be led to it any more. */
	r.z.seen.copy[B].known = false;
	fails(MUS_RULE_DATAWAIT);
	r.z.want.proc.clock[MUS_CLOCK_CUT] = (struct mus_clock){rig_time(0), 3600};
	r.z.seen.copy[B].known = false;
	assert_int_equal(rig_condition(MUS_RULE_DATAWAIT), MUS_RES_UNKNOWN);
	assert_rule(r.w.rule, MUS_RULE_TTLMAX);
	/* A copy from before the cut does not show what came after it. */
	r.z.seen.copy[B].known = true;
	r.z.seen.copy[B].at = rig_time(-1);
	assert_int_equal(rig_condition(MUS_RULE_DATAWAIT), MUS_RES_UNKNOWN);
	assert_rule(r.w.rule, MUS_RULE_TTLMAX);
	assert_int_equal(r.w.origin, B);
	r.z.zone.signer[B].is_lost = true;
	fails(MUS_RULE_DATAWAIT);
	r.z.zone.signer[B].is_lost = false;
	r.z.seen.copy[B].at = rig_time(0);
	fails(MUS_RULE_DATAWAIT);
	r.z.seen.copy[B].at = rig_time(-1);
	r.z.seen.copy[B].declared = true;		/* the operator's word does not age */
	fails(MUS_RULE_DATAWAIT);
	r.z.seen.copy[B].declared = false;
	r.z.zone.signer[B].declared_max_ttl_s = 60;
	fails(MUS_RULE_DATAWAIT);
	rig_at(3660);
	holds(MUS_RULE_DATAWAIT);
}

static void
test_rest_stands(void **state)
{
	(void)state;
	rig_steady();
	r.z.want.proc.kind = MUS_PROC_REMOVE;
	r.z.want.proc.signer = B;
	holds(MUS_RULE_V1);
	holds(MUS_RULE_LASTONE);
	rig_ds(KB);
	rig_settle();
	fails(MUS_RULE_V1);
	assert_int_equal(r.w.origin, A);
	rig_ds(KA | KB);
	rig_put(A, MUS_RR_SOA, 0, ZB);
	rig_settle();
	assert_int_equal(rig_condition(MUS_RULE_V1), MUS_RES_HOLDS);
	rig_put(A, MUS_RR_SOA, 0, ZA2);
	rig_settle();
	assert_int_equal(rig_condition(MUS_RULE_V1), MUS_RES_FAILS);
	assert_rule(r.w.rule, MUS_RULE_SIGNED);
	rig_fail(A, MUS_RR_SOA, MUS_CAUSE_REFUSED);
	rig_settle();
	assert_int_equal(rig_condition(MUS_RULE_V1), MUS_RES_UNKNOWN);
	r.z.want.nsg = 2;
	fails(MUS_RULE_LASTONE);
	/* Who remains must have a name to be led to by. */
	r.z.want.nsg = 3;
	holds(MUS_RULE_LASTONE);
	r.z.zone.ns[NS_A].owner = r.z.zone.ns[NS_B].owner = MUS_OWNER_UNKNOWN;
	fails(MUS_RULE_LASTONE);
	r.z.zone.ns[NS_A].owner = A;
	r.z.zone.ns[NS_B].owner = B;
	/* A signer without a server cannot stand. */
	r.z.want.nsg = 1;
	r.z.zone.server[AT_A].origin = B;
	assert_int_equal(rig_condition(MUS_RULE_V1), MUS_RES_FAILS);
	assert_rule(r.w.rule, MUS_RULE_NSNAMES);
}

static void
test_v2c_without_ds(void **state)
{
	(void)state;
	rig_steady();
	rig_absent(MUS_PARENT, MUS_RR_DS);
	rig_put(A, MUS_RR_CDS, KA | KB, ZA);
	rig_settle();
	holds(MUS_RULE_V2C);
}

/* What is in a set of keys or names, and of nobody, stops a process that would touch it. */
static void
test_owners(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_V10);
	r.z.zone.key[zb].owner = MUS_OWNER_UNKNOWN;
	fails(MUS_RULE_V10);
	assert_int_equal(r.w.key, zb);
	assert_int_equal(r.w.number, r.z.zone.key[zb].tag);
	r.z.zone.key[zb].owner = B;
	r.z.zone.ns[NS_B].owner = MUS_OWNER_UNKNOWN;
	fails(MUS_RULE_V10);
	assert_int_equal(r.w.ns, NS_B);
	r.z.zone.ns[NS_B].owner = B;
	holds(MUS_RULE_V10);
	/* A name that is not in the table. */
	r.z.seen.signer[B][MUS_RR_NS].v[0].stray = 1;
	fails(MUS_RULE_V10);
	assert_int_equal(r.w.origin, B);
	assert_int_equal(r.w.ns, MUS_NOBODY);
	r.z.seen.signer[B][MUS_RR_NS].v[0].srv = 0;
	holds(MUS_RULE_V10);
	/* Resolvers are led there all the same when the parent alone lists it. */
	r.z.seen.parent[MUS_RR_PNS - MUS_RR_DS].v[0].stray = 1;
	fails(MUS_RULE_V10);
	assert_int_equal(r.w.origin, MUS_PARENT);
	assert_int_equal(r.w.kind, MUS_RR_PNS);
}

/* Whoever asks without a witness gets the same answer. */
static void
test_without_witness(void **state)
{
	static const enum mus_rule rules[] = {MUS_RULE_V10, MUS_RULE_DATAWAIT, MUS_RULE_V7, MUS_RULE_NSSET,
	    MUS_RULE_V2C, MUS_RULE_LASTONE, MUS_RULE_REACH, MUS_RULE_G9};
	struct mus_ctx c;

	(void)state;
	rig_steady();
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_REMOVE, .signer = B};
	r.z.want.proc.clock[MUS_CLOCK_CUT].from = MUS_TIME_NEVER;
	r.z.want.nsg = 2;
	r.z.zone.ns[NS_A].owner = MUS_OWNER_UNKNOWN;
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_put(B, MUS_RR_NS, 0, ZB);
	rig_put(B, MUS_RR_CDS, KA | KB, ZB);
	rig_settle();
	c = desire();
	for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		enum mus_result got = rig_condition(rules[i]);

		assert_int_not_equal(got, MUS_RES_HOLDS);
		assert_int_equal(mus_condition(&c, rules[i], NULL), got);
	}
	r.z.zone.ns[NS_A].owner = A;
	r.z.zone.key[za].owner = MUS_OWNER_UNKNOWN;
	c = desire();
	assert_int_equal(mus_condition(&c, MUS_RULE_V10, NULL), MUS_RES_FAILS);
}

static void
test_no_condition(void **state)
{
	(void)state;
	rig_steady();
	holds(MUS_RULE_NONE);
	/* An unknown condition satisfies nothing. */
	assert_int_equal(rig_condition(MUS_RULE_G9), MUS_RES_UNKNOWN);
	assert_rule(r.w.rule, MUS_RULE_G9);
}

/* Answers of a signer's server to a name that is not there, with so many NSEC3 iterations. */
static void
denies(unsigned signer, unsigned iterations, unsigned flags)
{
	struct mus_look l = {.server = (uint8_t)(AT_A + signer), .kind = MUS_RR_DENY0, .ttl_s = 60,
	    .aux = iterations, .flags = (uint8_t)flags};

	rig_look(&l);
	rig_settle();
}

/* V12 as the rows ask it: of a joiner before it is exposed, of those that stay before another leaves. */
static void
test_denial(void **state)
{
	static const struct {
		unsigned iterations, flags;
		enum mus_result want;
		unsigned number;
	} t[] = {
	    {0, MUS_VER_PROVES, MUS_RES_HOLDS, 0},
	    {1, MUS_VER_PROVES, MUS_RES_HOLDS, 0},
	    {50, MUS_VER_PROVES, MUS_RES_HOLDS, 0},
	    {51, MUS_VER_PROVES, MUS_RES_FAILS, 51},
	    {200, MUS_VER_PROVES, MUS_RES_FAILS, 200},
	    {600, 0, MUS_RES_FAILS, 600},	/* more than we count ourselves */
	    {50, 0, MUS_RES_FAILS, 0},		/* not the iterations are at fault */
	    {0, 0, MUS_RES_FAILS, 0},
	};
	struct mus_ctx c;

	(void)state;
	rig_steady();
	for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
		denies(B, t[i].iterations, t[i].flags);
		r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = B};
		assert_int_equal(rig_condition(MUS_RULE_V12), t[i].want);
		if (t[i].want == MUS_RES_FAILS) {
			assert_rule(r.w.rule, MUS_RULE_V12);
			assert_int_equal(r.w.origin, B);
			assert_int_equal(r.w.server, AT_B);
			assert_int_equal(r.w.number, t[i].number);
		}
		r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_REMOVE, .signer = A};
		assert_int_equal(rig_condition(MUS_RULE_V12), t[i].want);
		/* The others are not asked. */
		r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = A};
		holds(MUS_RULE_V12);
		r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_REMOVE, .signer = B};
		holds(MUS_RULE_V12);
	}
	denies(B, 0, MUS_VER_PROVES);
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = B};
	holds(MUS_RULE_V12);
	denies(B, 51, MUS_VER_PROVES);			/* nor is it another answer without a witness */
	c = desire();
	assert_int_equal(mus_condition(&c, MUS_RULE_V12, NULL), MUS_RES_FAILS);
	r.z.seen.signer[B][MUS_RR_DENY0].ok = 0;	/* nobody knows */
	assert_int_equal(rig_condition(MUS_RULE_V12), MUS_RES_UNKNOWN);
	r.z.zone.server[AT_B].origin = A;		/* nobody to ask */
	assert_int_equal(rig_condition(MUS_RULE_V12), MUS_RES_UNKNOWN);
}

static void
test_parent_without_servers(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.server[AT_PARENT].origin = A;
	assert_int_equal(rig_condition(MUS_RULE_PARENTDS), MUS_RES_UNKNOWN);
}

/* ---- preflight ------------------------------------------------------------------------------ */

static struct mus_witness found[12];
static unsigned found_count;

static enum mus_result
preflight(void)
{
	struct mus_ctx c = desire();

	return mus_preflight(&c, B, found, 12, &found_count);
}

/* b is about to join a. */
static void
joiner(void)
{
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.ns = 1 << NS_A;
	rig_ds(KA);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_data(A, ZA);
	r.ns = 1 << NS_B;
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	rig_data(B, ZB);
	rig_settle();
}

static void
finds(enum mus_rule rule, enum mus_result want)
{
	enum mus_result got = preflight();

	if (got != want || found_count == 0 || found[0].rule != rule)
		for (unsigned i = 0; i < found_count; i++)
			print_message("found %s %d\n", mus_rule_text(found[i].rule), found[i].result);
	assert_int_equal(got, want);
	assert_int_not_equal(found_count, 0);
	assert_rule(found[0].rule, rule);
}

static void
test_fit(void **state)
{
	(void)state;
	joiner();
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	assert_int_equal(found_count, 0);
}

static void
test_unfit(void **state)
{
	(void)state;
	joiner();
	r.z.zone.ns[NS_B].owner = A;
	finds(MUS_RULE_NSNAMES, MUS_RES_FAILS);
	r.z.zone.ns[NS_B].owner = B;
	r.z.seen.server[AT_B].aa_ok = false;
	finds(MUS_RULE_SERVES, MUS_RES_FAILS);
	r.z.seen.server[AT_B].aa_ok = true;
	r.z.seen.server[AT_B].tcp = MUS_NO;
	finds(MUS_RULE_V6, MUS_RES_FAILS);
	r.z.seen.server[AT_B].tcp = MUS_YES;
	r.z.zone.key[zb].tag = r.z.zone.key[ka].tag;
	finds(MUS_RULE_V11, MUS_RES_FAILS);
	r.z.zone.key[zb].tag = 1;
	r.z.seen.copy[B].content = 8;
	finds(MUS_RULE_V13, MUS_RES_FAILS);
	r.z.seen.copy[B].content = 7;
	r.z.seen.copy[B].known = false;
	finds(MUS_RULE_V13, MUS_RES_UNKNOWN);
	assert_rule(found[1].rule, MUS_RULE_TTLMAX);
	r.z.zone.signer[B].declared_max_ttl_s = 3600;
	finds(MUS_RULE_V13, MUS_RES_UNKNOWN);
	r.z.zone.signer[B].declared_content = true;
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	r.z.zone.signer[B].caps.ns = MUS_NO;
	finds(MUS_RULE_CAPS, MUS_RES_FAILS);
	assert_int_equal(found[0].kind, MUS_RR_NS);
	r.z.zone.signer[B].caps.ns = MUS_UNKNOWN;	/* not tried: may turn out in the middle */
	finds(MUS_RULE_CAPS, MUS_RES_WARN);
	assert_int_equal(found_count, 1);
	r.z.zone.signer[B].caps.ns = MUS_YES;
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	r.z.zone.signer[B].has_driver = false;
	finds(MUS_RULE_CAPS, MUS_RES_WARN);
}

/* How often content is found wanting; ${first} gets whose copy it is first. */
static unsigned
contents(unsigned *first)
{
	unsigned count = 0;

	preflight();
	for (unsigned i = 0; i < found_count; i++)
		if (found[i].rule == MUS_RULE_V13 && count++ == 0)
			*first = found[i].origin;
	return count;
}

/* A copy that is not known is told once, however many there are to compare it with. */
static void
test_unfit_content_of_three(void **state)
{
	unsigned first = MUS_NOBODY;

	(void)state;
	joiner();
	r.z.zone.signer_count = 3;
	r.z.want.keyg = 1 << A | 1 << 2;
	r.z.seen.copy[2] = r.z.seen.copy[A];
	assert_int_equal(contents(&first), 0);
	r.z.seen.copy[B].known = false;
	assert_int_equal(contents(&first), 1);
	assert_int_equal(first, B);
	r.z.seen.copy[2].known = false;
	assert_int_equal(contents(&first), 1);
	r.z.seen.copy[B].known = true;
	assert_int_equal(contents(&first), 1);
	assert_int_equal(first, 2);
	r.z.zone.signer[B].declared_content = true;
	assert_int_equal(contents(&first), 0);
}

static void
test_unfit_servers(void **state)
{
	(void)state;
	joiner();
	rig_fail(B, MUS_RR_SOA, MUS_CAUSE_REFUSED);
	rig_settle();
	assert_int_equal(preflight(), MUS_RES_UNKNOWN);
	assert_rule(found[0].rule, MUS_RULE_SERVES);
	assert_int_equal(found[0].cause, MUS_CAUSE_REFUSED);
	/* Then its copy is not known either, which is not told; that of another is. */
	r.z.seen.copy[B].known = false;
	assert_int_equal(preflight(), MUS_RES_UNKNOWN);
	for (unsigned i = 0; i < found_count; i++)
		assert_int_not_equal(found[i].rule, MUS_RULE_V13);
	assert_int_equal(found_count, 1);
	r.z.seen.copy[A].known = false;
	preflight();
	assert_int_equal(found_count, 3);
	for (unsigned i = 1; i < found_count; i++)
		assert_int_equal(found[i].origin, A);
	rig_data(B, ZB);
	rig_settle();
	preflight();
	assert_int_equal(found_count, 3);
	assert_int_equal(found[0].origin + found[1].origin + found[2].origin, A + B + B);
	rig_fail(B, MUS_RR_SOA, MUS_CAUSE_REFUSED);
	rig_settle();
	r.z.zone.server_count = AT_B;
	finds(MUS_RULE_NSNAMES, MUS_RES_FAILS);
}

static void
test_unfit_algorithm(void **state)
{
	(void)state;
	joiner();
	rig_put(B, MUS_RR_KEY, KB | ZB | KN, KB);
	rig_settle();
	finds(MUS_RULE_ALGS, MUS_RES_FAILS);
	assert_int_equal(found[0].number, 8);
	assert_int_equal(found[0].origin2, A);
}

static void
test_unfit_key_ttl(void **state)
{
	(void)state;
	joiner();
	r.ttl_s = 60;
	rig_put(B, MUS_RR_KEY, KB | ZB | KA2, KB);
	rig_settle();
	finds(MUS_RULE_KEYTTL, MUS_RES_WARN);
}

/* Types of CDS that the joiner has of its own, against those of policy and members; none is no difference. */
static void
test_unfit_digests(void **state)
{
	struct mus_ring *ring = &r.z.seen.signer[B][MUS_RR_CDS];
	uint64_t *dt;

	(void)state;
	joiner();
	rig_put(B, MUS_RR_CDS, KB, KB);
	dt = ring->v[ring->count - 1].dt;
	preflight();
	for (unsigned f = 0; f < found_count; f++)
		assert_int_not_equal(found[f].rule, MUS_RULE_DIGESTS);
	dt[2] = KB;
	finds(MUS_RULE_DIGESTS, MUS_RES_WARN);
	assert_int_equal(found[0].number, 4);
	assert_int_equal(found[0].origin2, MUS_NOBODY);
	assert_true(found[0].surplus);
	r.policy.digests = 1 << 1 | 1 << 2;
	preflight();
	for (unsigned f = 0; f < found_count; f++)
		assert_int_not_equal(found[f].rule, MUS_RULE_DIGESTS);
	rig_put(A, MUS_RR_CDS, KA, KA);		/* a member with type 2 alone */
	finds(MUS_RULE_DIGESTS, MUS_RES_WARN);
	assert_int_equal(found[0].origin2, A);
	r.z.want.keyg = 0;			/* who takes no part does not matter */
	preflight();
	for (unsigned f = 0; f < found_count; f++)
		assert_int_not_equal(found[f].rule, MUS_RULE_DIGESTS);
	r.z.want.keyg = 1;
	dt[1] = dt[2] = KA;			/* of a foreign key: nobody's own */
	preflight();
	for (unsigned f = 0; f < found_count; f++)
		assert_int_not_equal(found[f].rule, MUS_RULE_DIGESTS);
}

static void
test_missing_sample(void **state)
{
	(void)state;
	joiner();
	rig_absent(B, MUS_RR_NAME);
	rig_settle();
	finds(MUS_RULE_SAMPLE, MUS_RES_WARN);
	assert_int_equal(found[0].server, AT_B);
	assert_int_equal(found[0].kind, MUS_RR_NAME);
}

/* RFC 9276: above 50 iterations validators take negative answers for insecure; 0 is asked for. */
static void
test_unfit_denial(void **state)
{
	(void)state;
	joiner();
	denies(B, 50, MUS_VER_PROVES);
	finds(MUS_RULE_V12, MUS_RES_WARN);
	assert_int_equal(found[0].number, 50);
	denies(B, 51, MUS_VER_PROVES);
	finds(MUS_RULE_V12, MUS_RES_FAILS);
	assert_int_equal(found[0].number, 51);
	assert_int_equal(found[0].origin, B);
	assert_int_equal(found[0].server, AT_B);
	denies(B, 0, 0);
	finds(MUS_RULE_V12, MUS_RES_FAILS);
	assert_int_equal(found[0].number, 0);
	denies(B, 0, MUS_VER_PROVES);
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	/* A member does so without the joiner too. */
	denies(A, 200, MUS_VER_PROVES);
	finds(MUS_RULE_V12, MUS_RES_WARN);
	assert_int_equal(found[0].origin, A);
	r.z.want.nsg = 0;
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	/* Not seen yet is not fit. */
	rig_fail(B, MUS_RR_DENY0, MUS_CAUSE_TIMEOUT);
	rig_settle();
	finds(MUS_RULE_OBSERVE, MUS_RES_UNKNOWN);
	assert_int_equal(found[0].kind, MUS_RR_DENY0);
}

static void
test_unfit_signatures(void **state)
{
	(void)state;
	joiner();
	r.policy.fresh_s = 100000000;
	rig_at(30 * 86400 - 3600 - 3600);
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	rig_at(30 * 86400 - 3600 - 3600 + 1);
	finds(MUS_RULE_V4, MUS_RES_WARN);
	rig_at(30 * 86400 - 3600);
	finds(MUS_RULE_V4, MUS_RES_WARN);
	rig_at(30 * 86400 - 3600 + 1);
	finds(MUS_RULE_V4, MUS_RES_FAILS);
}

static void
test_unsigned(void **state)
{
	(void)state;
	joiner();
	rig_put(B, MUS_RR_KEY, KB | ZB, 0);
	rig_settle();
	finds(MUS_RULE_SIGNED, MUS_RES_FAILS);
	assert_int_equal(found[0].kind, MUS_RR_KEY);
	rig_absent(B, MUS_RR_KEY);
	rig_settle();
	finds(MUS_RULE_SIGNED, MUS_RES_FAILS);
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	rig_put(B, MUS_RR_SOA, 0, 0);
	rig_settle();
	finds(MUS_RULE_SIGNED, MUS_RES_FAILS);
	assert_int_equal(found[0].kind, MUS_RR_SOA);
}

static void
test_unfit_parent(void **state)
{
	struct mus_look l = {.server = AT_PARENT, .kind = MUS_RR_DS, .set = KA, .content = 9, .ttl_s = 60,
	    .stray = 2, .dt = {[1] = KA}};

	(void)state;
	joiner();
	rig_look(&l);
	rig_settle();
	finds(MUS_RULE_V9, MUS_RES_WARN);
	assert_false(found[0].surplus);
	l.aux = MUS_AUX_STRAY | 4711;
	rig_look(&l);
	rig_settle();
	finds(MUS_RULE_V9, MUS_RES_WARN);
	assert_true(found[0].surplus);
	assert_int_equal(found[0].number, 4711);
	/* Perhaps it is of a key that could not be asked for. */
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	rig_settle();
	preflight();
	for (unsigned i = 0; i < found_count; i++)
		assert_int_not_equal(found[i].rule, MUS_RULE_V9);
	/* Not of one that takes no part. */
	r.z.want.keyg = 0;
	preflight();
	for (unsigned i = 0, told = 0; i < found_count || !told; i++) {
		assert_in_range(i, 0, found_count - 1);
		told |= found[i].rule == MUS_RULE_V9;
	}
	r.z.want.keyg = 1;
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_settle();
	finds(MUS_RULE_V9, MUS_RES_WARN);
	rig_fail(MUS_PARENT, MUS_RR_DS, MUS_CAUSE_SERVFAIL);
	rig_settle();
	finds(MUS_RULE_OBSERVE, MUS_RES_UNKNOWN);
	rig_ds(KA);
	rig_fail(MUS_PARENT, MUS_RR_PNS, MUS_CAUSE_SERVFAIL);
	rig_settle();
	finds(MUS_RULE_OBSERVE, MUS_RES_UNKNOWN);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1, 0);
	rig_absent(MUS_PARENT, MUS_RR_DS);
	rig_settle();
	finds(MUS_RULE_V5, MUS_RES_FAILS);
	/* F23: a chain that is broken before we touch it. */
	rig_ds(KA2);
	rig_settle();
	finds(MUS_RULE_V1, MUS_RES_FAILS);
}

static void
addresses_at(unsigned server, uint64_t names, uint64_t digest, uint64_t listed)
{
	struct mus_look l = {.server = (uint8_t)server, .kind = MUS_RR_ADDR, .content = listed, .dt = {names},
	    .aux = digest, .ttl_s = 60, .serve_ttl_s = 60};

	rig_look(&l);
	rig_settle();
}

/* Of all names, whichever each signer lists now: bind may list two of three, and the joiner itself. */
static void
test_unfit_addresses(void **state)
{
	(void)state;
	joiner();
	addresses_at(AT_A, 3, 77, 5);
	addresses_at(AT_B, 3, 77, 6);
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	addresses_at(AT_B, 3, 78, 5);
	finds(MUS_RULE_GLUEADDR, MUS_RES_FAILS);
	assert_int_equal(found[0].origin2, A);
	assert_int_equal(found[0].ns, MUS_NOBODY);
}

/* A signer refuses the NS of a name below the zone that has no address there. */
static void
test_no_address(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned who = i & 1 ? AT_B : AT_A, name = i & 2 ? NS_B : NS_A;

		rig_init();
		joiner();
		r.z.zone.ns[NS_A].in_domain = r.z.zone.ns[NS_B].in_domain = true;
		addresses_at(AT_A, 3, 77, 5);
		addresses_at(AT_B, 3, 77, 6);
		assert_int_equal(preflight(), MUS_RES_HOLDS);
		addresses_at(who, 3 & ~mus_bit(name), 70, 5);
		finds(MUS_RULE_GLUEADDR, MUS_RES_FAILS);
		assert_int_equal(found_count, 1);
		assert_int_equal(found[0].origin, who - AT_A);
		assert_int_equal(found[0].server, who);
		assert_int_equal(found[0].ns, name);
		r.z.zone.ns[name].in_domain = false;
		finds(MUS_RULE_GLUEADDR, MUS_RES_FAILS);
		assert_int_equal(found[0].ns, MUS_NOBODY);
	}
}

/* Only names that will be listed need one: not what its owner has given up, nor what is nobody's or another's. */
static void
test_no_address_needed(void **state)
{
	(void)state;
	joiner();
	r.z.zone.ns[NS_A].in_domain = true;
	addresses_at(AT_A, 2, 77, 5);
	addresses_at(AT_B, 2, 77, 5);
	finds(MUS_RULE_GLUEADDR, MUS_RES_FAILS);
	r.z.zone.ns[NS_A].is_dropped = true;
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	r.z.zone.ns[NS_A].is_dropped = false;
	r.z.zone.ns[NS_A].owner = MUS_OWNER_UNKNOWN;
	preflight();
	for (unsigned i = 0; i < found_count; i++)
		assert_int_not_equal(found[i].rule, MUS_RULE_GLUEADDR);
	r.z.zone.ns[NS_A].owner = A;
	r.z.want.nsg = 0;
	preflight();
	for (unsigned i = 0; i < found_count; i++)
		assert_int_not_equal(found[i].rule, MUS_RULE_GLUEADDR);
}

/* What is not known or vouched for is compared with nothing. */
static void
test_content(void **state)
{
	(void)state;
	joiner();
	r.z.seen.copy[A].content = 8;
	finds(MUS_RULE_V13, MUS_RES_FAILS);
	assert_int_equal(found[0].origin2, A);
	r.z.zone.signer[A].declared_content = true;
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	r.z.zone.signer[A].declared_content = false;
	r.z.zone.signer[B].declared_content = true;
	assert_int_equal(preflight(), MUS_RES_HOLDS);
	r.z.zone.signer[B].declared_content = false;
	r.z.zone.signer[A].declared_max_ttl_s = 3600;
	r.z.seen.copy[A].known = false;
	finds(MUS_RULE_V13, MUS_RES_UNKNOWN);
	assert_int_equal(found[0].origin, A);
}

/* What is not known of one is no difference: no keys, no DNSKEY set, no addresses. */
static void
test_nothing_to_compare(void **state)
{
	(void)state;
	joiner();
	r.z.seen.signer[A][MUS_RR_KEY].v[0].serve_ttl_s = 60;
	finds(MUS_RULE_KEYTTL, MUS_RES_WARN);
	r.z.zone.signer_count = 3;	/* a third one, of which nothing was seen */
	r.z.want.keyg = 5;
	r.z.seen.signer[A][MUS_RR_KEY].v[0].serve_ttl_s = r.ttl_s;
	for (unsigned i = 0; i < 2; i++) {
		preflight();
		for (unsigned f = 0; f < found_count; f++) {
			assert_int_not_equal(found[f].rule, MUS_RULE_ALGS);
			assert_int_not_equal(found[f].rule, MUS_RULE_KEYTTL);
			assert_int_not_equal(found[f].rule, MUS_RULE_GLUEADDR);
		}
		rig_put(B, MUS_RR_ADDR, 1, ZB);
	}
	r.z.seen.signer[B][MUS_RR_KEY].count = 0;
	preflight();
	for (unsigned f = 0; f < found_count; f++) {
		assert_int_not_equal(found[f].rule, MUS_RULE_ALGS);
		assert_int_not_equal(found[f].rule, MUS_RULE_KEYTTL);
	}
}

static void
test_unfit_udp(void **state)
{
	(void)state;
	joiner();
	r.z.seen.server[AT_B].udp = MUS_NO;
	finds(MUS_RULE_V6, MUS_RES_FAILS);
	assert_int_equal(found[0].server, AT_B);
}

static void
test_worst_first(void **state)
{
	struct mus_ctx c;

	(void)state;
	joiner();
	r.z.zone.signer[B].has_driver = false;
	r.z.seen.copy[B].known = false;
	r.z.zone.ns[NS_B].owner = A;
	r.z.seen.signer[B][MUS_RR_KEY].v[0].serve_ttl_s++;	/* a warning, found early */
	assert_int_equal(preflight(), MUS_RES_FAILS);
	for (unsigned i = 1; i < found_count; i++)
		assert_true(found[i - 1].result >= found[i].result);
	/* Room for some: the worst, whenever they are found. */
	c = desire();
	assert_int_equal(mus_preflight(&c, B, found, 12, &found_count), MUS_RES_FAILS);
	for (unsigned cap = 1; cap <= found_count; cap++) {
		struct mus_witness some[12];
		unsigned n;

		assert_int_equal(mus_preflight(&c, B, some, cap, &n), MUS_RES_FAILS);
		assert_int_equal(n, cap);
		for (unsigned i = 0; i < n; i++) {
			assert_rule(some[i].rule, found[i].rule);
			assert_int_equal(some[i].result, found[i].result);
			assert_int_equal(some[i].kind, found[i].kind);
		}
	}
	/* Too little room: the worst result all the same. */
	assert_int_equal(mus_preflight(&c, B, found, 0, &found_count), MUS_RES_FAILS);
	assert_int_equal(found_count, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, rig_setup)
	const struct CMUnitTest tests[] = {
	    T(test_keys),
	    T(test_rolled_key_is_withdrawn),
	    T(test_seps),
	    T(test_cds_for_a_zsk),
	    T(test_digest_types),
	    T(test_alone_and_untouched),
	    T(test_ns),
	    T(test_former_names),
	    T(test_import),
	    T(test_server_taken_away),
	    T(test_signal),
	    T(test_parent_ds),
	    T(test_ns_set),
	    T(test_glue),
	    T(test_csync),
	    T(test_clocks),
	    T(test_clock_ttls),
	    T(test_clock_ttls_of_nothing),
	    T(test_data_wait),
	    T(test_rest_stands),
	    T(test_v2c_without_ds),
	    T(test_owners),
	    T(test_without_witness),
	    T(test_no_condition),
	    T(test_denial),
	    T(test_parent_without_servers),
	    T(test_fit),
	    T(test_unfit),
	    T(test_unfit_content_of_three),
	    T(test_unfit_servers),
	    T(test_unfit_algorithm),
	    T(test_unfit_key_ttl),
	    T(test_unfit_digests),
	    T(test_missing_sample),
	    T(test_unfit_denial),
	    T(test_unfit_signatures),
	    T(test_unsigned),
	    T(test_unfit_parent),
	    T(test_unfit_addresses), T(test_no_address), T(test_no_address_needed),
	    T(test_content),
	    T(test_nothing_to_compare),
	    T(test_unfit_udp),
	    T(test_worst_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
