/*
 * The plan: adoption, one process at a time, clocks, actions by difference, the operator's hand; the
 * timing example of protocol.md 24; purity.
 */
#include "rig.h"

static void
go(int64_t s)
{
	rig_at(s);
	rig_settle();
	rig_plan();
	r.z.want = r.plan.want;
}

static const struct mus_act *
act_of(unsigned signer, enum mus_rr_kind rr)
{
	for (unsigned i = 0; i < r.plan.act_count; i++)
		if (r.plan.act[i].signer == signer && r.plan.act[i].rr == rr)
			return &r.plan.act[i];
	return NULL;
}

static const char *
row(void)
{
	unsigned count;
	const struct mus_row *rows = mus_rows(r.z.want.proc.kind, &count);

	return count ? rows[r.z.want.proc.row].name : "none";
}

/* A name of one that is declared lost is put nowhere, nor back: nobody asks what it leads to. */
static void
test_names_of_a_lost_one(void **state)
{
	(void)state;
	rig_steady();
	r.ns = 1 << NS_A;
	rig_data(A, ZA);
	go(0);
	assert_non_null(act_of(A, MUS_RR_NS));
	r.z.zone.signer[B].is_lost = true;
	go(0);
	assert_null(act_of(A, MUS_RR_NS));
}

/* ---- adoption ------------------------------------------------------------------------------- */

static void
unadopted(void)
{
	r.z.want = (struct mus_want){.proc = {.kind = MUS_PROC_NONE}};
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		r.z.want.proc.clock[i].from = MUS_TIME_NEVER;
}

static void
test_adopt(void **state)
{
	(void)state;
	unadopted();
	rig_steady();
	go(0);
	assert_true(r.z.want.adopted);
	assert_int_equal(r.z.want.keyg, 3);
	assert_int_equal(r.z.want.dsg, 3);
	assert_int_equal(r.z.want.nsg, 3);
	assert_int_equal(r.plan.act_count, 0);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_NONE);
}

static void
test_adopt_waits_for_all(void **state)
{
	static const struct {
		unsigned origin;
		enum mus_rr_kind kind;
	} must[] = {{MUS_PARENT, MUS_RR_DS}, {MUS_PARENT, MUS_RR_PNS}, {A, MUS_RR_KEY}, {B, MUS_RR_NS}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		rig_init();
		unadopted();
		rig_steady();
		rig_fail(must[i].origin, must[i].kind, MUS_CAUSE_SERVFAIL);
		go(0);
		assert_false(r.z.want.adopted);
		assert_true(r.plan.poll);
		assert_rule(r.plan.wait[0].rule, MUS_RULE_OBSERVE);
		assert_int_equal(r.plan.wait[0].origin, must[i].origin);
		assert_int_equal(r.plan.wait[0].cause, MUS_CAUSE_SERVFAIL);
		assert_int_equal(r.plan.act_count, 0);
	}
}

static void
test_adopt_nobody_known(void **state)
{
	(void)state;
	unadopted();
	rig_steady();
	rig_put(MUS_PARENT, MUS_RR_PNS, 0, 0);
	go(0);
	assert_false(r.z.want.adopted);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_V10);
}

/* ---- processes ------------------------------------------------------------------------------ */

static void
test_joins_before_leaves(void **state)
{
	(void)state;
	rig_steady();
	r.z.want.dsg = 1;
	r.z.zone.signer[A].is_member = false;
	go(0);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_ADD);
	assert_int_equal(r.z.want.proc.signer, B);
	r.z.zone.signer[B].is_member = false;
	go(1);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_REMOVE);
	assert_int_equal(r.z.want.proc.signer, B);
	r.z.zone.signer[B].is_member = true;
	go(2);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_ADD);
}

/* The operator adds one to the group that the delegation leads to already: it takes part, as if seen so at first. */
static void
test_one_that_is_delegated(void **state)
{
	(void)state;
	rig_steady();
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.z.want.known = KA | ZA;
	go(0);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_NONE);
	assert_int_equal(r.z.want.keyg & r.z.want.dsg & r.z.want.nsg & r.z.want.met, 2);
	assert_int_equal(r.plan.act_count, 0);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		assert_int_equal(r.z.want.roll[i].kind, MUS_PROC_NONE);
	/* From there it leaves as all do: it is told who may go on to ask it. */
	r.z.zone.signer[B].is_member = false;
	go(1);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_REMOVE);
	assert_int_equal(r.z.want.proc.signer, B);
}

/* Delegated, and named by no DS: what is missing is done by a join.  A secondary has no keys that DS could name. */
static void
test_one_that_is_delegated_in_part(void **state)
{
	(void)state;
	rig_steady();
	rig_ds(KA);
	rig_settle();
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	go(0);
	assert_int_equal(r.z.want.keyg & r.z.want.nsg, 3);
	assert_int_equal(r.z.want.dsg, 1);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_ADD);
	assert_int_equal(r.z.want.proc.signer, B);
	rig_init();
	rig_steady();
	rig_ds(KA);
	rig_settle();
	r.z.zone.signer[B].is_secondary = true;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	rig_plan();
	assert_int_equal(r.plan.want.dsg, 3);
	/* The delegation has not been seen: nobody is led to. */
	rig_init();
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	rig_plan();
	assert_int_equal(r.plan.want.nsg, 1);
}

/* As long as it is not seen, nothing is done; who is lost, or of no concern, is not waited for. */
static void
test_one_that_is_delegated_and_silent(void **state)
{
	static const enum mus_rr_kind kinds[] = {MUS_RR_KEY, MUS_RR_NS};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rig_init();
		rig_steady();
		rig_fail(B, kinds[i], MUS_CAUSE_TIMEOUT);
		rig_settle();
		r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
		rig_plan();
		assert_int_equal(r.plan.want.nsg, 1);
		assert_int_equal(r.plan.want.proc.kind, MUS_PROC_NONE);
		assert_int_equal(r.plan.act_count, 0);
		assert_true(r.plan.poll);
		assert_rule(r.plan.wait[0].rule, MUS_RULE_OBSERVE);
		assert_int_equal(r.plan.wait[0].origin, B);
		r.z.zone.signer[B].is_lost = true;
		rig_plan();
		assert_int_equal(r.plan.want.nsg, 1);
		r.z.zone.signer[B].is_lost = r.z.zone.signer[B].is_member = false;
		rig_plan();
		assert_int_equal(r.plan.want.nsg, 1);
	}
}

static void
lack(unsigned origin, enum mus_cause cause)
{
	r.z.zone.lack[0] = (struct mus_lack){(uint8_t)origin, MUS_NOBODY, (uint8_t)cause};
	r.z.zone.lack_count = 1;
}

/* What cannot be asked may show anything: nothing is done, and no time is counted. */
static void
test_servers_that_cannot_be_asked(void **state)
{
	static const unsigned who[] = {A, B, MUS_PARENT, MUS_NOBODY};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		rig_init();
		r.delegated = 1 << NS_A;
		rig_steady();
		r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
		lack(who[i], MUS_CAUSE_NOROOM);
		go(0);
		assert_int_equal(r.z.want.proc.kind, MUS_PROC_ADD);	/* it begins, and waits */
		assert_string_equal(row(), "signers-unsynced");
		assert_int_equal(r.plan.act_count, 0);
		assert_int_equal(r.plan.wait_count, 1);
		assert_rule(r.plan.wait[0].rule, MUS_RULE_OBSERVE);
		assert_int_equal(r.plan.wait[0].origin, who[i]);
		assert_int_equal(r.plan.wait[0].cause, MUS_CAUSE_NOROOM);
		assert_true(r.plan.poll);
		for (unsigned k = 0; k < MUS_CLOCK_COUNT; k++)
			assert_false(mus_time_is_set(r.z.want.proc.clock[k].from));
		r.policy.held = true;
		go(1);
		assert_rule(r.plan.wait[0].rule, MUS_RULE_HELD);
		assert_rule(r.plan.wait[1].rule, MUS_RULE_OBSERVE);
		r.policy.held = false;
		r.policy.forced = MUS_RULE_OBSERVE;
		go(2);
		for (unsigned k = 0; k < r.plan.wait_count; k++)
			assert_int_not_equal(r.plan.wait[k].cause, MUS_CAUSE_NOROOM);
		assert_true(mus_time_is_set(r.z.want.proc.clock[MUS_CLOCK_KEY].from));
	}
}

/* Nor is a zone taken over; and who takes no part holds nobody up. */
static void
test_servers_that_matter(void **state)
{
	(void)state;
	unadopted();
	rig_steady();
	lack(B, MUS_CAUSE_NOROOM);
	go(0);
	assert_false(r.z.want.adopted);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_OBSERVE);
	r.z.zone.lack_count = 0;
	go(1);
	assert_true(r.z.want.adopted);
	rig_init();
	rig_steady();
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.z.zone.signer[B].is_member = false;
	lack(B, MUS_CAUSE_NOROOM);
	go(0);
	for (unsigned i = 0; i < r.plan.wait_count; i++)
		assert_int_not_equal(r.plan.wait[i].cause, MUS_CAUSE_NOROOM);
	/* But a name that is listed leads resolvers there, whoever takes part. */
	lack(B, MUS_CAUSE_UNASKED);
	go(0);
	assert_int_equal(r.plan.wait[0].cause, MUS_CAUSE_UNASKED);
	assert_int_equal(r.plan.act_count, 0);
	/* So does one of two signers. */
	lack(B, MUS_CAUSE_NONE);
	r.z.zone.lack[0].other = A;
	for (unsigned i = 0; i < 2; i++) {
		r.policy.forced = i ? MUS_RULE_OBSERVE : MUS_RULE_NONE;
		go(0);
		assert_int_equal(r.plan.wait_count, 1);
		assert_rule(r.plan.wait[0].rule, MUS_RULE_V10);
		assert_int_equal(r.plan.wait[0].origin, B);
		assert_int_equal(r.plan.wait[0].origin2, A);
		assert_int_equal(r.plan.act_count, 0);
	}
	r.policy.forced = MUS_RULE_V10;
	go(0);
	for (unsigned i = 0; i < r.plan.wait_count; i++)
		assert_int_not_equal(r.plan.wait[i].rule, MUS_RULE_V10);
}

/* A clock starts anew when what it waits for becomes another thing. */
static void
test_clock_starts_with_its_goal(void **state)
{
	(void)state;
	/* a is alone, and somebody has shared the keys and set the DS by hand already. */
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.ns = 1 << NS_A;
	rig_ds(KA);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_data(A, ZA);
	rig_put(A, MUS_RR_CDS, KA | KB, KA);
	rig_put(A, MUS_RR_CDNSKEY, KA | KB, KA);
	r.ns = 1 << NS_B;
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA, KB);
	rig_data(B, ZB);
	rig_put(B, MUS_RR_CDS, KA | KB, KB);
	rig_put(B, MUS_RR_CDNSKEY, KA | KB, KB);
	r.z.seen.copy[B].content = 8;	/* not fit yet */
	go(0);
	assert_string_equal(row(), "signers-unsynced");
	rig_at(1000);
	r.z.seen.copy[B].content = 7;
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_ds(KA | KB);
	go(1000);
	assert_string_equal(row(), "parent-ds-synced");
	assert_int_equal(r.z.want.proc.clock[MUS_CLOCK_KEY].from.ms, rig_time(1000).ms);
	assert_int_equal(r.z.want.proc.clock[MUS_CLOCK_DS].from.ms, rig_time(1000).ms);
}

/* By hand it is one row that acts at a time, also when what it would do is done already. */
static void
test_one_step_by_hand(void **state)
{
	(void)state;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.ns = 1 << NS_A;
	rig_ds(KA | KB);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_data(A, ZA);
	rig_put(A, MUS_RR_CDS, KA | KB, KA);
	rig_put(A, MUS_RR_CDNSKEY, KA | KB, KA);
	r.ns = 1 << NS_B;
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA, KB);
	rig_data(B, ZB);
	rig_put(B, MUS_RR_CDS, KA | KB, KB);
	rig_put(B, MUS_RR_CDNSKEY, KA | KB, KB);
	rig_settle();
	r.policy.manual = true;
	go(7200);
	assert_string_equal(row(), "signers-unsynced");
	assert_true(r.plan.proposal);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_MANUAL);
	r.policy.step = true;
	go(7201);
	assert_string_equal(row(), "dnskeys-synced");
	go(7202);
	/* The waiting row behind it passes by itself. */
	assert_string_equal(row(), "parent-ds-synced");
	assert_rule(r.plan.wait[0].rule, MUS_RULE_DSWAIT);
}

/* protocol.md 24: 88260 to join; 173460 and 259920 to leave; 347460 until b may destroy its keys. */
static void
test_timing_of_add(void **state)
{
	(void)state;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.policy.fresh_s = 100000000;
	r.z.seen.copy[A].ttl_max_s = r.z.seen.copy[B].ttl_max_s = 86400;
	/* Everything has been watched for long. */
	rig_at(-1000000);
	r.ns = 1 << NS_A;
	r.ttl_s = 86400;
	rig_ds(KA);
	r.ttl_s = 172800;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	r.ttl_s = 3600;
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_put(A, MUS_RR_CDS, KA, KA);
	rig_put(A, MUS_RR_CDNSKEY, KA, KA);
	rig_data(A, ZA);
	r.ns = 1 << NS_B;
	r.ttl_s = 7200;
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	r.ttl_s = 3600;
	rig_data(B, ZB);
	rig_settle();
	go(0);
	assert_string_equal(row(), "dnskeys-synced");
	assert_int_equal(act_of(A, MUS_RR_KEY)->add, ZB);
	assert_int_equal(act_of(B, MUS_RR_KEY)->add, ZA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, KB);
	go(60);
	assert_string_equal(row(), "dnskeys-synced");
	rig_at(120);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	go(120);
	assert_string_equal(row(), "cds-added");
	for (unsigned s = 0; s < 2; s++) {
		assert_int_equal(act_of(s, MUS_RR_CDS)->add_dt[1], s == A ? KB : KA | KB);
		rig_at(180);
		rig_put(s, MUS_RR_CDS, KA | KB, s == A ? KA : KB);
		rig_put(s, MUS_RR_CDNSKEY, KA | KB, s == A ? KA : KB);
	}
	go(180);
	assert_string_equal(row(), "parent-ds-synced");
	/* The parent lowers the TTL with the new set; the old one counts. */
	rig_at(1800);
	r.ttl_s = 900;
	rig_ds(KA | KB);
	go(1800);
	assert_string_equal(row(), "parent-ds-synced");
	assert_rule(r.plan.wait[0].rule, MUS_RULE_DSWAIT);
	assert_int_equal(r.plan.wait[0].until.ms, rig_time(88260).ms);
	assert_int_equal(r.plan.wake_at.ms, mus_clock_end(&r.z.want.proc.clock[MUS_CLOCK_KEY], &r.policy).ms);
	assert_int_equal(r.plan.wake_at.ms, rig_time(120 + 7260).ms);
	rig_at_ms(88260 * 1000 - 1);
	rig_settle();
	rig_plan();
	r.z.want = r.plan.want;
	assert_string_equal(row(), "parent-ds-synced");
	assert_int_equal(r.plan.wake_at.ms, rig_time(88260).ms);
	/* The waits hold at the instant itself; the guard, whose members are alive at their last
	 * instant too, a millisecond later. */
	go(88260);
	assert_string_equal(row(), "ds-propagated");
	assert_rule(r.plan.wait[0].rule, MUS_RULE_V1);
	assert_int_equal(r.plan.wait[0].until.ms, rig_time(88260).ms);
	rig_at_ms(88260 * 1000 + 1);
	rig_settle();
	rig_plan();
	r.z.want = r.plan.want;
	assert_string_equal(row(), "nses-synced");
	assert_int_equal(act_of(A, MUS_RR_NS)->add, 1 << NS_B);
	assert_int_equal(act_of(B, MUS_RR_NS)->add, 1 << NS_A);
}

static void
test_timing_of_remove(void **state)
{
	(void)state;
	r.policy.fresh_s = 100000000;
	r.z.seen.copy[B].ttl_max_s = 86400;
	rig_at(-1000000);
	rig_steady();
	r.z.seen.parent[0].ttl_max_s = 86400;
	r.z.seen.parent[MUS_RR_PNS - MUS_RR_DS].ttl_max_s = 172800;
	r.z.seen.signer[B][MUS_RR_KEY].ttl_max_s = 7200;
	r.z.zone.signer[B].is_member = false;
	go(0);
	assert_string_equal(row(), "nses-synced");
	assert_int_equal(act_of(A, MUS_RR_NS)->del, 1 << NS_B);
	assert_int_equal(act_of(B, MUS_RR_NS)->del, 1 << NS_B);
	assert_null(act_of(A, MUS_RR_KEY));
	rig_at(300);
	r.ns = 1 << NS_A;
	rig_data(A, ZA);
	rig_data(B, ZB);
	go(300);
	assert_string_equal(row(), "csync-added");
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 1);
	/* Whenever the row was taken: what an operator was shown before is what is sent. */
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->csync_serial, mus_time_to_s(r.z.want.proc.started_at));
	for (unsigned s = 0; s < 2; s++) {
		struct mus_look l = {.server = (uint8_t)(AT_A + s), .kind = MUS_RR_CSYNC, .content = 1,
		    .aux = (uint64_t)r.z.want.csync_serial << 16 | 1, .ttl_s = 60, .sig_count = 1,
		    .sig = {{.key = s == A ? za : zb, .until_s = mus_time_to_s(rig_time(900000))}}};

		rig_at(360);
		rig_look(&l);
	}
	go(360);
	assert_string_equal(row(), "parent-ns-synced");
	rig_at(600);
	r.ttl_s = 900;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	go(600);
	assert_string_equal(row(), "csync-removed");
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux[0] >> 16, r.z.want.csync_serial);
	rig_at(660);
	rig_absent(A, MUS_RR_CSYNC);
	rig_absent(B, MUS_RR_CSYNC);
	go(660);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_NSWAIT);
	assert_int_equal(r.plan.wait[0].until.ms, rig_time(173460).ms);
	rig_at_ms(173460 * 1000);
	rig_settle();
	rig_plan();
	r.z.want = r.plan.want;
	assert_string_equal(row(), "csync-removed");	/* in Reach at the last instant */
	assert_rule(r.plan.wait[0].rule, MUS_RULE_REACH);
	rig_at_ms(173460 * 1000 + 1);
	rig_settle();
	rig_plan();
	r.z.want = r.plan.want;
	assert_string_equal(row(), "ns-propagated");
	assert_int_equal(r.z.seen.server[AT_B].cut.ms, rig_time(173460).ms);
	/* What b last put into its zone is in no copy yet. */
	assert_rule(r.plan.wait[0].rule, MUS_RULE_TTLMAX);
	assert_int_equal(r.plan.need_copy, 1 << B);
	r.z.seen.copy[B].at = r.now;
	rig_plan();
	assert_int_equal(r.plan.need_copy, 0);
	assert_int_equal(r.plan.wait[0].until.ms, rig_time(259920).ms);
	/* b may be silent now. */
	for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
		rig_fail(B, (enum mus_rr_kind)k, MUS_CAUSE_TIMEOUT);
	rig_at_ms(259920 * 1000 - 1);
	rig_settle();
	rig_plan();
	r.z.want = r.plan.want;
	assert_string_equal(row(), "ns-propagated");
	go(259920);
	assert_string_equal(row(), "cds-added");
	assert_int_equal(act_of(A, MUS_RR_CDS)->del_dt[1], KB);
	assert_null(act_of(A, MUS_RR_KEY));
	rig_at(260000);
	rig_put(A, MUS_RR_CDS, KA, KA);
	rig_put(A, MUS_RR_CDNSKEY, KA, KA);
	go(260000);
	assert_string_equal(row(), "dnskeys-synced");
	assert_int_equal(act_of(A, MUS_RR_KEY)->del, ZB);
	rig_at(260100);
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	go(260100);
	assert_string_equal(row(), "parent-ds-synced");
	rig_at(261000);
	rig_ds(KA);
	go(261000);
	assert_string_equal(row(), "none");
	assert_int_equal(r.z.want.keyg | r.z.want.dsg | r.z.want.nsg, 1);
}

/* b was in DS and not in NS when the zone was seen first: it may have been led to until then.  Else, not
 * ${met}, it came under our eyes, and nobody ever was. */
static void
leaves_unseen(bool met)
{
	rig_init();
	r.z.want.nsg = 1;
	r.z.want.met = met ? 3 : 1;
	r.ns = 1 << NS_A;
	rig_data(A, ZA);
	rig_data(B, ZB);
	rig_ds(KA | KB);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, KB);
	for (unsigned s = 0; s < 2; s++) {
		rig_put(s, MUS_RR_CDS, KA | KB, s == A ? KA : KB);
		rig_put(s, MUS_RR_CDNSKEY, KA | KB, s == A ? KA : KB);
	}
	r.z.zone.signer[B].is_member = false;
	go(0);
	/* A copy that is read before the cut is not the last one. */
	assert_int_equal(r.plan.need_copy, 0);
	go(3660);
}

/* NS sets that nobody has watched for long count as those of who takes part, and is not declared lost. */
static void
test_leaver_beside_others(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool takes_part = i & 1, is_lost = i & 2;

		leaves_unseen(true);
		r.z.want.proc.clock[MUS_CLOCK_CUT].from = MUS_TIME_NEVER;
		r.z.zone.signer_count = 3;
		r.z.zone.signer[2] = (struct mus_zsigner){.is_lost = is_lost};
		r.z.want.keyg |= takes_part ? 1 << 2 : 0;
		go(3661);
		assert_int_equal(r.z.want.proc.signer, B);
		assert_int_equal(r.z.want.proc.clock[MUS_CLOCK_CUT].from.ms,
		    (takes_part && !is_lost ? MUS_TIME_NEVER : rig_time(3661)).ms);
	}
}

static void
test_leaver_never_seen_led_to(void **state)
{
	const struct mus_clock *cut = &r.z.want.proc.clock[MUS_CLOCK_CUT];

	(void)state;
	leaves_unseen(true);
	assert_string_equal(row(), "ns-propagated");
	/* NS sets of before the first look, then what b said to those that they led there. */
	assert_int_equal(cut->from.ms, rig_time(3660).ms);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_TTLMAX);
	r.z.seen.copy[B].at = r.now;
	go(3660 + 3659);
	assert_string_equal(row(), "ns-propagated");
	assert_rule(r.plan.wait[0].rule, MUS_RULE_DATAWAIT);
	go(3660 + 3660);
	assert_string_equal(row(), "cds-added");
	leaves_unseen(false);
	assert_string_equal(row(), "cds-added");
	assert_int_equal(cut->from.ms, rig_time(0).ms);
}

/* ---- actions -------------------------------------------------------------------------------- */

/* 2.5: records are added and deleted, a set is never replaced. */
static void
test_acts_are_differences(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA | ZA2, KA);
	go(0);
	assert_int_equal(act_of(A, MUS_RR_KEY)->add, ZB);
	assert_int_equal(act_of(A, MUS_RR_KEY)->del, 0);
	assert_int_equal(act_of(B, MUS_RR_KEY)->add, ZA2);
}

static void
test_same_act_same_id(void **state)
{
	uint64_t id;

	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	go(0);
	id = act_of(A, MUS_RR_KEY)->id;
	assert_int_not_equal(id, 0);
	go(60);
	assert_int_equal(act_of(A, MUS_RR_KEY)->id, id);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	go(120);
	assert_int_not_equal(act_of(B, MUS_RR_KEY)->id, id);
}

static void
test_what_is_unknown_is_not_changed(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	rig_settle();
	rig_at(10);
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	go(10);
	assert_int_equal(r.plan.act_count, 0);
}

static void
test_no_driver(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	r.z.zone.signer[A].has_driver = false;
	go(0);
	assert_int_equal(r.plan.act_count, 0);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_CAPS);
	assert_int_equal(r.plan.wait[0].kind, MUS_RR_KEY);
	/* what is an operator's to do is shown, and counted apart */
	assert_int_equal(r.plan.hand_count, 1);
	assert_int_equal(r.plan.act[0].signer, A);
	assert_int_equal(r.plan.act[0].rr, MUS_RR_KEY);
	assert_true(r.plan.act[0].add != 0);
	/* behind those that are sent, each in their order */
	rig_put(B, MUS_RR_KEY, KB | ZB, KB);
	for (unsigned s = 0; s < 2; s++)
		rig_absent(s, MUS_RR_CDNSKEY);
	go(0);
	assert_int_equal(r.plan.act_count, 2);
	assert_int_equal(r.plan.hand_count, 2);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(r.plan.act[i].signer, i < 2 ? B : A);
		assert_int_equal(r.plan.act[i].rr, i % 2 ? MUS_RR_CDNSKEY : MUS_RR_KEY);
	}
	r.z.zone.signer[A].has_driver = true;
	go(0);
	assert_int_equal(r.plan.hand_count, 0);
}

/* What a probe wrote may be shown still: nothing is done, and it is looked at again soon. */
static void
test_probed(void **state)
{
	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	go(0);
	assert_non_null(act_of(A, MUS_RR_KEY));
	r.policy.probed = true;
	go(1);
	assert_int_equal(r.plan.act_count, 0);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_PROBE);
	assert_true(r.plan.poll);
	/* The operator's hold is told first. */
	r.policy.held = true;
	go(2);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_HELD);
}

/* By hand nothing is left to be taken when the last row has only to be left. */
static void
test_end_by_hand(void **state)
{
	(void)state;
	rig_steady();
	r.policy.manual = true;
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = B, .row = 8};
	go(0);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_NONE);
	assert_true(r.plan.advanced);
	assert_false(r.plan.proposal);
	assert_int_equal(r.plan.wait_count, 0);
}

/* A step is the operator's to take though there is nothing to be sent for it. */
static void
test_step_without_acts(void **state)
{
	(void)state;
	rig_steady();
	r.policy.manual = true;
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = B};
	go(0);
	assert_int_equal(r.plan.act_count, 0);
	assert_true(r.plan.proposal);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_MANUAL);
	assert_string_equal(row(), "signers-unsynced");
	r.policy.step = true;
	go(1);
	assert_string_equal(row(), "dnskeys-synced");
}

/* A leaver that is declared lost before it has taken a step goes on with its leave. */
static void
test_leaver_is_lost_at_once(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.signer[B].is_member = false;
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	go(0);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_REMOVE);
	assert_int_equal(r.z.want.proc.row, 0);
	r.z.zone.signer[B].is_lost = true;
	go(10);
	assert_int_equal(r.z.want.proc.kind, MUS_PROC_REMOVE);
	assert_int_equal(r.z.want.proc.signer, B);
	assert_int_equal(r.z.want.proc.started_at.ms, rig_time(0).ms);
}

/* Of several changes those that are safe are made, and the others wait. */
static void
test_safe_ones_are_kept(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.key[za2].tag = r.z.zone.key[kb].tag;
	rig_put(A, MUS_RR_KEY, KA | ZA | ZA2, KA);
	go(0);
	assert_non_null(act_of(A, MUS_RR_KEY));
	assert_null(act_of(B, MUS_RR_KEY));
	assert_rule(r.plan.wait[0].rule, MUS_RULE_V11);
}

static void
test_foreign_csync(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_CSYNC, .content = 1, .aux = 3 << 16 | 3, .ttl_s = 60};

	(void)state;
	rig_steady();
	rig_look(&l);
	go(0);
	assert_int_equal(r.plan.act_count, 0);
	r.z.want.csync = true;
	r.z.want.csync_serial = 9;
	r.z.want.nsg = 3;
	r.policy.csync_keep = true;
	go(1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux_count, 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux[0], 3 << 16 | 3);
	assert_int_equal(act_of(B, MUS_RR_CSYNC)->add, 1);
	assert_int_equal(act_of(B, MUS_RR_CSYNC)->del, 0);
	/* One with others beside it is not right: the others go, each by itself, and ours stays. */
	l.aux = 9 << 16 | 1;
	l.stray = 1;
	l.dt[0] = MUS_CSYNC_A | 3 << 16 | 3;
	rig_look(&l);
	go(1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 0);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del, 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux_count, 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux[0], MUS_CSYNC_A | 3 << 16 | 3);
	/* Two of ours: one stays. */
	l.dt[0] = MUS_CSYNC_NS | 9 << 16 | 1;
	rig_look(&l);
	go(1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 0);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux_count, 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux[0], MUS_CSYNC_NS | 9 << 16 | 1);
	/* None is ours: both go, and ours comes. */
	l.aux = 4 << 16 | 1;
	l.dt[0] = 3 << 16 | 3;
	rig_look(&l);
	go(1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux_count, 2);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux[0], 4 << 16 | 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux[1], 3 << 16 | 3);
	/* What cannot be named is waited for, and ours is not put beside it. */
	l.dt[0] |= MUS_CSYNC_ODD;
	rig_look(&l);
	go(1);
	assert_null(act_of(A, MUS_RR_CSYNC));
	/* No CSYNC is asked for: ours goes, what others have put there stays. */
	l.aux = 9 << 16 | 1;
	rig_look(&l);
	r.z.want.csync = false;
	go(1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 0);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux_count, 1);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux[0], 9 << 16 | 1);
	r.z.want.csync = true;
	l.dt[0] = l.stray = 0;
	rig_look(&l);
	go(1);
	assert_null(act_of(A, MUS_RR_CSYNC));
	/* A wish that is old ends with the parent in order. */
	r.policy.csync_keep = false;
	go(2);
	assert_false(r.z.want.csync);
}

static void
test_parent_goes_astray(void **state)
{
	(void)state;
	rig_steady();
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	go(0);
	assert_false(r.z.want.csync);		/* nothing was ever asked of it */
	r.z.want.csync_serial = 4;
	go(1);
	assert_true(r.z.want.csync);
	assert_true(r.z.want.csync_serial > 4);
	/* Asked once is asked. */
	r.z.want.csync_serial = 77;
	go(1);
	assert_true(r.z.want.csync);
	assert_int_equal(r.z.want.csync_serial, 77);
	rig_put(MUS_PARENT, MUS_RR_PNS, 3, 0);
	go(2);
	assert_false(r.z.want.csync);
	/* A signer that leads elsewhere: the parent follows it as it was asked to, so it is asked anew. */
	r.z.want.csync_serial = 77;
	r.ns = 1 << NS_A;
	rig_data(A, ZA);
	go(2);
	assert_true(r.z.want.csync);
	r.ns = 3;
	rig_data(A, ZA);
	go(2);
	assert_false(r.z.want.csync);
	/* The serial never goes back. */
	r.z.want.csync_serial = UINT32_MAX - 1;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	go(3);
	assert_int_equal(r.z.want.csync_serial, UINT32_MAX);
}

static void
test_copies(void **state)
{
	(void)state;
	rig_steady();
	go(0);
	assert_int_equal(r.plan.need_copy, 0);
	r.z.zone.key[ka].signs_data = MUS_UNKNOWN;
	r.z.seen.copy[A].has_stray_sigs = true;
	r.z.seen.copy[B].known = false;
	go(1);
	assert_int_equal(r.plan.need_copy, 3);
	/* Not for a key that its owner does not show. */
	r.z.zone.key[ka].signs_data = MUS_NO;
	r.z.zone.key[ka2].signs_data = MUS_UNKNOWN;
	go(1);
	assert_int_equal(r.plan.need_copy, 2);
	r.z.zone.key[ka].signs_data = MUS_UNKNOWN;
	r.z.zone.key[ka].id = 0;
	r.z.seen.copy[A].has_stray_sigs = false;
	go(2);
	assert_int_equal(r.plan.need_copy, 2);
}

static void
test_waits_fill_up(void **state)
{
	(void)state;
	rig_steady();
	/* Everything at once that can be wrong with a joiner. */
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.z.zone.ns[NS_B].owner = A;
	for (unsigned k = 1; k < KEY_COUNT; k++)
		r.z.zone.key[k].tag = r.z.zone.key[0].tag;
	rig_put(B, MUS_RR_KEY, KB | ZB | KN, 0);
	r.z.seen.copy[A].known = r.z.seen.copy[B].known = false;
	r.z.zone.signer[B].caps =
	    (struct mus_caps){MUS_NO, MUS_NO, MUS_NO, MUS_NO, MUS_NO};
	r.policy.held = true;
	go(0);
	assert_int_equal(r.plan.wait_count, MUS_PLAN_WAITS_MAX);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_HELD);
	/* A list that is full may lack others, so that to force one of it passes nothing. */
	r.policy.held = false;
	go(0);
	assert_int_equal(r.plan.wait_count, MUS_PLAN_WAITS_MAX);
	r.policy.forced = r.plan.wait[0].rule;
	go(1);
	assert_int_equal(r.plan.wait_count, MUS_PLAN_WAITS_MAX);
	assert_rule(r.plan.wait[0].rule, r.policy.forced);
	assert_int_equal(r.z.want.proc.row, 0);
	/* What more there is to wait for finds no place. */
	r.z.zone.signer[A].has_driver = false;
	r.z.want.csync = true;
	r.z.want.csync_serial = 5;
	go(2);
	assert_int_not_equal(r.plan.hand_count, 0);
	assert_int_equal(r.plan.wait_count, MUS_PLAN_WAITS_MAX);
	for (unsigned i = 0; i < r.plan.wait_count; i++)
		assert_true(r.plan.wait[i].rule != MUS_RULE_CAPS || r.plan.wait[i].origin == B);
}

/* However many warnings there are, they hide nothing that keeps the joiner out. */
static void
test_warnings_hide_nothing(void **state)
{
	struct mus_ring *ring = &r.z.seen.signer[A][MUS_RR_DENY0];

	(void)state;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 1;
	r.delegated = 1 << NS_A;
	rig_steady();
	r.z.zone.signer[B].caps.ns = MUS_NO;
	for (unsigned i = 0; i < MUS_VERSIONS_MAX; i++) {	/* a server each, with so many iterations */
		ring->v[i] = ring->v[0];
		ring->v[i].aux = 1 + i;
	}
	ring->count = MUS_VERSIONS_MAX;
	rig_plan();
	assert_int_equal(r.plan.want.proc.kind, MUS_PROC_ADD);
	assert_int_equal(r.plan.want.proc.row, 0);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_CAPS);
	/* By force it passes, for all that fails is in the list: what is left is the guard's word on the step. */
	r.policy.forced = MUS_RULE_CAPS;
	rig_plan();
	for (unsigned i = 0; i < r.plan.wait_count; i++)
		assert_rule(r.plan.wait[i].rule, MUS_RULE_V1);
}

/* ---- purity --------------------------------------------------------------------------------- */

static void
test_inputs_stay(void **state)
{
	static struct mus_zonestate before;
	static struct mus_plan first;
	static struct mus_verdict v;
	struct mus_policy policy;

	(void)state;
	rig_steady();
	rig_put(A, MUS_RR_KEY, KA | ZA, KA);
	r.z.want.dsg = 1;
	rig_settle();
	before = r.z;
	policy = r.policy;
	memset(&first, 0x55, sizeof first);
	memset(&r.plan, 0xaa, sizeof r.plan);
	mus_plan(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &first);
	rig_plan();
	mus_judge(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &v);
	assert_memory_equal(&before, &r.z, sizeof before);
	assert_memory_equal(&policy, &r.policy, sizeof policy);
	/* ... and nothing of what was in the plan before shows in it. */
	assert_int_equal(first.act_count, r.plan.act_count);
	assert_int_not_equal(first.act_count, 0);
	for (unsigned i = 0; i < first.act_count; i++)
		assert_int_equal(first.act[i].id, r.plan.act[i].id);
	assert_int_equal(first.wait_count, r.plan.wait_count);
	assert_memory_equal(&first.want, &r.plan.want, sizeof first.want);
	assert_int_equal(first.wake_at.ms, r.plan.wake_at.ms);
}

static void
add_rules(char *text, const enum mus_rule *rules)
{
	for (unsigned i = 0; i < MUS_ROW_RULES_MAX && rules[i] != MUS_RULE_NONE; i++) {
		strcat(text, i ? "," : "");
		strcat(text, mus_rule_text(rules[i]));
	}
}

/* The tables of protocol.md 7.1 and 7.2: name, what is needed, what holds then, guard; * has an action.
 * Many a rule is named twice, so that one that is lost does no harm at once: no other test would tell. */
static void
test_rows(void **state)
{
	static const char *const add[] = {
	    "signers-unsynced | | | none",
	    "dnskeys-synced* | preflight | V7 | G8",
	    "cds-added* | V7,V10 | signal,V2c | G4",
	    "parent-ds-synced | | parent-ds | none",
	    "ds-propagated | DS-Wait,DNSKEY-Wait | | G1",
	    "nses-synced* | V7,parent-ds,DS-Wait,DNSKEY-Wait,V12 | ns-set | G1",
	    "csync-added* | | csync,ns-set | none",
	    "parent-ns-synced | | parent-ns | none",
	    "stop* | | csync | none",
	};
	static const char *const remove[] = {
	    "start | | | none",
	    "nses-synced* | last-signer,V1,V10,V12 | ns-set | none",
	    "csync-added* | | csync,ns-set | none",
	    "parent-ns-synced | | parent-ns,ns-set | none",
	    "csync-removed* | | csync | none",
	    "ns-propagated | NS-Wait,reach | | G6",
	    "data-expired | reach,DATA-Wait | | none",
	    "cds-added* | reach,DATA-Wait | signal | G5",
	    "dnskeys-synced* | reach,DATA-Wait | G3 | G3",
	    "parent-ds-synced | | parent-ds | none",
	    "stop | | | none",
	};
	static const struct {
		enum mus_proc_kind kind;
		const char *const *rows;
		unsigned count;
	} want[] = {{MUS_PROC_NONE, NULL, 0}, {MUS_PROC_ADD, add, sizeof add / sizeof add[0]},
	    {MUS_PROC_REMOVE, remove, sizeof remove / sizeof remove[0]}, {MUS_PROC_COUNT, NULL, 0}, {MUS_PROC_COUNT + 1, NULL, 0}};

	(void)state;
	for (unsigned kind = 0; kind < MUS_PROC_COUNT; kind++) {
		unsigned count;
		const struct mus_row *rows = mus_rows((enum mus_proc_kind)kind, &count);

		for (unsigned i = 0; i < count; i++) {	/* lists end, else they would be read on and on */
			assert_int_equal(rows[i].pre[MUS_ROW_RULES_MAX - 1], MUS_RULE_NONE);
			assert_int_equal(rows[i].post[MUS_ROW_RULES_MAX - 1], MUS_RULE_NONE);
		}
	}
	for (unsigned k = 0; k < sizeof want / sizeof want[0]; k++) {
		unsigned count;
		const struct mus_row *rows = mus_rows(want[k].kind, &count);

		assert_int_equal(rows == NULL, want[k].rows == NULL);
		assert_int_equal(count, want[k].count);
		for (unsigned i = 0; i < count; i++) {
			char text[256] = "", pre[96] = "", post[96] = "";

			add_rules(pre, rows[i].pre);
			add_rules(post, rows[i].post);
			snprintf(text, sizeof text, "%s%s |%s%s |%s%s | %s", rows[i].name,
			    rows[i].action ? "*" : "", *pre ? " " : "", pre, *post ? " " : "", post,
			    mus_rule_text(rows[i].guard));
			assert_string_equal(text, want[k].rows[i]);
			assert_string_equal(mus_row_name(want[k].kind, i), rows[i].name);
		}
		assert_string_equal(mus_row_name(want[k].kind, count), "");
	}
}

/* The operator may pass one rule by force, and no other. */
static void
test_forced_wait(void **state)
{
	(void)state;
	rig_steady();
	rig_at(7200);
	rig_settle();
	r.z.want.nsg = 1;
	r.ns = 1 << NS_A;
	rig_data(A, ZA);
	r.ns = 1 << NS_B;
	rig_data(B, ZB);
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = B, .row = 3};
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		r.z.want.proc.clock[i].from = MUS_TIME_NEVER;
	r.z.want.proc.clock[MUS_CLOCK_KEY].from = rig_time(0);
	go(7200);
	assert_string_equal(row(), "parent-ds-synced");
	assert_rule(r.plan.wait[0].rule, MUS_RULE_DSWAIT);
	r.policy.forced = MUS_RULE_KEYWAIT;
	go(7201);
	assert_string_equal(row(), "parent-ds-synced");
	r.policy.forced = MUS_RULE_DSWAIT;
	go(7202);
	assert_string_equal(row(), "nses-synced");
}

/* A tag that clashes is imported only by force. */
static void
test_forced_import(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.key[za2].tag = r.z.zone.key[kb].tag;
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	go(0);
	assert_null(act_of(B, MUS_RR_KEY));
	assert_rule(r.plan.wait[0].rule, MUS_RULE_V11);
	r.policy.forced = MUS_RULE_G8;
	go(1);
	assert_null(act_of(B, MUS_RR_KEY));
	r.policy.forced = MUS_RULE_V11;
	go(2);
	assert_int_equal(act_of(B, MUS_RR_KEY)->add, ZA2);
}

/* A key of an algorithm that others do not sign with stays out, its owner's other keys do not. */
static void
test_import_algorithm(void **state)
{
	(void)state;
	r.z.zone.alg_count = 2;
	r.z.zone.key[za2].owner = B;
	rig_steady();
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA | ZA2 | ZN, KB);
	go(0);
	assert_int_equal(act_of(A, MUS_RR_KEY)->add, ZA2);
	assert_int_equal(r.plan.wait_count, 1);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_G8);
	assert_int_equal(r.plan.wait[0].origin, B);
	assert_int_equal(r.plan.wait[0].origin2, A);
	assert_int_equal(r.plan.wait[0].key, zn);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	go(1);
	assert_null(act_of(A, MUS_RR_KEY));
	assert_rule(r.plan.wait[0].rule, MUS_RULE_G8);
	/* A row that waits for V7 waits for its owner, and says so once. */
	r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = A, .row = 1};
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		r.z.want.proc.clock[i].from = MUS_TIME_NEVER;
	go(2);
	assert_string_equal(row(), "dnskeys-synced");
	assert_int_equal(r.plan.wait_count, 1);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_G8);
	assert_int_equal(r.plan.wait[0].origin, B);
	r.z.want.proc.kind = MUS_PROC_NONE;
	r.policy.forced = MUS_RULE_V11;
	go(3);
	assert_null(act_of(A, MUS_RR_KEY));
	r.policy.forced = MUS_RULE_G8;
	go(4);
	assert_int_equal(act_of(A, MUS_RR_KEY)->add, ZN);
}

/* Each key that is kept out is told, at each signer that keeps it out, with each rule. */
static void
test_each_import_is_told(void **state)
{
	struct mus_zone *z = &r.z.zone;

	(void)state;
	z->alg_count = 2;
	z->signer_count = z->ns_count = 3;
	z->server_count = 4;
	z->signer[2] = (struct mus_zsigner){.is_member = true, .has_driver = true};
	z->server[3] = (struct mus_server){2, 2};
	z->ns[2].owner = 2;
	z->key[ka2].owner = z->key[za2].owner = 2;
	r.z.seen.copy[2] = r.z.seen.copy[B];
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 7;
	r.ns = 7;
	rig_steady();
	rig_ds(KA | KB | KA2);
	rig_put(MUS_PARENT, MUS_RR_PNS, 7, 0);
	rig_put(2, MUS_RR_KEY, KA2 | ZA2 | ZA | ZB, KA2);
	rig_data(2, ZA2);
	rig_put(B, MUS_RR_KEY, KB | ZB | ZA | ZA2 | ZN | KN, KB);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB | ZA2, KA);
	z->key[kn].is_sep = false;
	go(0);
	assert_int_equal(r.plan.wait_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_rule(r.plan.wait[i].rule, MUS_RULE_G8);
		assert_int_equal(r.plan.wait[i].origin, B);
		assert_int_equal(r.plan.wait[i].origin2, i < 2 ? A : 2);
		assert_int_equal(r.plan.wait[i].key, i % 2 ? zn : kn);
	}
	/* Another rule of one of them. */
	z->key[kn].tag = z->key[ka].tag;
	z->key[kn].alg = z->key[ka].alg;
	z->key[kn].alg_idx = z->key[ka].alg_idx;
	rig_plan();
	assert_int_equal(r.plan.wait_count, 3);
	assert_rule(r.plan.wait[0].rule, MUS_RULE_V11);
	assert_rule(r.plan.wait[1].rule, MUS_RULE_G8);
	assert_rule(r.plan.wait[2].rule, MUS_RULE_G8);
}

/* An NS set that would be empty is not written, and names of nobody are not deleted. */
static void
test_no_names(void **state)
{
	(void)state;
	rig_steady();
	r.z.zone.ns[NS_A].owner = r.z.zone.ns[NS_B].owner = MUS_OWNER_UNKNOWN;
	go(0);
	assert_null(act_of(A, MUS_RR_NS));
	assert_null(act_of(B, MUS_RR_NS));
}

/* More foreign CSYNC contents at one signer than fit: so many at a time, each once. */
static void
test_many_csync(void **state)
{
	struct mus_look l = {.server = AT_A, .kind = MUS_RR_CSYNC, .ttl_s = 60};
	struct mus_ring *ring = &r.z.seen.signer[A][MUS_RR_CSYNC];

	(void)state;
	rig_steady();
	for (unsigned i = 0; i < 5; i++) {
		l.content = 1 + i;
		l.aux = (3 + i) << 16 | 1;
		l.stray = 1;
		l.dt[0] = 2 << 16 | 1;
		rig_look(&l);
	}
	for (unsigned i = 0; i < ring->count; i++)
		ring->v[i].srv = mus_bit(AT_A);
	r.z.want.csync = true;
	r.z.want.csync_serial = 9;
	r.policy.csync_keep = true;
	mus_plan(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &r.plan);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux_count, MUS_CSYNC_MAX);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 1);
	/* Of ours that is to go, too. */
	for (unsigned i = 0; i < ring->count; i++)
		ring->v[i].aux = 9 << 16 | (i & 1);
	r.z.want.csync = false;
	mus_plan(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &r.plan);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->del_aux_count, 2);
	assert_int_equal(act_of(A, MUS_RR_CSYNC)->add, 0);
}

/* CSYNC stays when the process ends, for one who wants it so. */
static void
test_csync_kept(void **state)
{
	(void)state;
	for (unsigned keep = 0; keep < 2; keep++) {
		rig_init();
		r.policy.csync_keep = keep;
		rig_steady();
		rig_at(7200);
		rig_settle();
		r.z.want.csync = true;
		r.z.want.csync_serial = 9;
		r.z.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = B, .row = 7};
		go(7200);
		assert_int_equal(r.z.want.csync, keep);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, rig_setup)
	const struct CMUnitTest tests[] = {
	    T(test_names_of_a_lost_one), T(test_adopt),
	    T(test_adopt_waits_for_all),
	    T(test_adopt_nobody_known),
	    T(test_joins_before_leaves),
	    T(test_one_that_is_delegated),
	    T(test_one_that_is_delegated_in_part),
	    T(test_one_that_is_delegated_and_silent),
	    T(test_servers_that_cannot_be_asked),
	    T(test_servers_that_matter),
	    T(test_clock_starts_with_its_goal),
	    T(test_one_step_by_hand),
	    T(test_timing_of_add),
	    T(test_timing_of_remove),
	    T(test_leaver_never_seen_led_to),
	    T(test_leaver_beside_others),
	    T(test_acts_are_differences),
	    T(test_same_act_same_id),
	    T(test_what_is_unknown_is_not_changed),
	    T(test_no_driver),
	    T(test_probed),
	    T(test_end_by_hand),
	    T(test_step_without_acts),
	    T(test_leaver_is_lost_at_once),
	    T(test_safe_ones_are_kept),
	    T(test_foreign_csync),
	    T(test_parent_goes_astray),
	    T(test_copies),
	    T(test_waits_fill_up),
	    T(test_warnings_hide_nothing),
	    T(test_inputs_stay),
	    T(test_rows),
	    T(test_forced_wait),
	    T(test_forced_import),
	    T(test_import_algorithm),
	    T(test_each_import_is_told),
	    T(test_no_names),
	    T(test_many_csync),
	    T(test_csync_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
