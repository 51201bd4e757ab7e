/*
 * Whole processes in a small world (tests/lib/world.h): each ends at its goal or says why not, and
 * nothing in any cache ever goes wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/observe.h"
#include "world.h"

static struct world w;

static void
trace(void)
{
	unsigned count;
	const struct mus_row *rows = mus_rows(w.state.want.proc.kind, &count);

	print_message("at %llds round %llu: %s row %u %s keyg %x dsg %x nsg %x csync %d pending %u\n",
	    (long long)(w.now.ms - 1767225600000) / 1000, (unsigned long long)w.rounds,
	    mus_proc_text(w.state.want.proc.kind), w.state.want.proc.row,
	    count ? rows[w.state.want.proc.row].name : "-", w.state.want.keyg, w.state.want.dsg,
	    w.state.want.nsg, w.state.want.csync, w.state.seen.pending_count);
	for (unsigned i = 0; i < w.plan.wait_count; i++) {
		const struct mus_witness *x = &w.plan.wait[i];

		print_message("  waits for %s (%d) origin %u/%u server %u kind %u/%u key %u cause %u until %lld\n",
		    mus_rule_text(x->rule), x->result, x->origin, x->origin2, x->server, x->kind,
		    x->kind2, x->key, x->cause,
		    mus_time_is_set(x->until) ? (long long)(x->until.ms - 1767225600000) / 1000 : -1ll);
	}
	for (unsigned i = 0; i < w.plan.act_count; i++)
		print_message("  act %s at %u add %llx del %llx\n", mus_rr_text(w.plan.act[i].rr),
		    w.plan.act[i].signer, (unsigned long long)w.plan.act[i].add,
		    (unsigned long long)w.plan.act[i].del);
}

/* The truth that operators want: exactly the members in DS and NS. */
static void
check_goal(void)
{
	uint64_t keys = 0, names = 0;

	for (unsigned s = 0; s < w.signer_count; s++)
		if (w.state.zone.signer[s].is_member) {
			keys |= w.signer[s].key_signers;
			names |= world_names(&w, s);
		}
	assert_int_equal(w.parent.copy.rr[MUS_RR_DS].set, keys);
	assert_int_equal(w.parent.copy.rr[MUS_RR_PNS].set, names);
	for (unsigned s = 0; s < w.signer_count; s++)
		if (w.state.zone.signer[s].is_member)
			assert_int_equal(w.signer[s].copy.rr[MUS_RR_NS].set, names);
}

static void
check_clean(void)
{
	if (w.oracle.violations)
		print_message("%s\n", w.oracle.first);
	assert_int_equal(w.oracle.violations, 0);
	assert_false(w.oracle.overflow);
}

static void
run_to_goal(uint32_t limit_s)
{
	bool done = world_run(&w, world_is_settled, limit_s);

	if (!done)
		trace();
	assert_true(done);
	check_clean();
	check_goal();
}

static int
clear(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static void
test_add_second(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
}

static void
test_add_third(void **state)
{
	(void)state;
	world_init(&w, 3, 2, 2);
	world_member(&w, 2, true);
	run_to_goal(20 * 86400);
}

static void
test_remove_second(void **state)
{
	(void)state;
	world_init(&w, 2, 2, 2);
	world_member(&w, 1, false);
	run_to_goal(20 * 86400);
}

static void
test_remove_third(void **state)
{
	(void)state;
	world_init(&w, 3, 3, 2);
	world_member(&w, 1, false);
	run_to_goal(20 * 86400);
}

/* Two signers that each show a CDS set of their own, put right at once; then one leaves.  No parent ever
 * saw one set on both, so none can follow what the other showed, also when the leaver is out of Reach. */
static void
test_cds_that_differed_is_not_asked_for(void **state)
{
	const struct mus_ring *ring = &w.state.seen.signer[1][MUS_RR_CDS];
	const struct mus_version *old = NULL;

	(void)state;
	world_init(&w, 2, 2, 2);
	for (unsigned s = 0; s < 2; s++) {
		struct world_copy *copy = &w.signer[s].copy;

		copy->rr[MUS_RR_CDS].set = copy->rr[MUS_RR_CDNSKEY].set = w.signer[s].key_signers;
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			copy->rr[MUS_RR_CDS].dt[t] &= w.signer[s].key_signers;
		world_changed(&w, s);
	}
	for (unsigned i = 0; i < 20; i++) {
		world_advance(&w, mus_time_add_s(w.now, 60));
		world_round(&w);
	}
	for (unsigned i = 0; i < ring->count; i++)
		if (!ring->v[i].srv && ring->v[i].set == w.signer[1].key_signers)
			old = &ring->v[i];
	assert_non_null(old);
	for (unsigned i = 0; i < w.server_count; i++)
		if (w.server[i].origin == 0)
			w.state.seen.server[i].cut = w.now;
	assert_int_equal(mus_asked_until(&w.state.zone, &w.state.seen, 1, MUS_RR_CDS, old, &w.policy,
			     w.now).ms, MUS_TIME_ALWAYS.ms);
}

static void
test_migrate(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	world_member(&w, 1, true);
	world_member(&w, 0, false);
	run_to_goal(40 * 86400);
}

/* ---- kinds of signers, servers, parents ----------------------------------------------------- */

static void
make_csk(unsigned s)
{
	world_drop_key(&w, s, (unsigned)__builtin_ctzll(w.signer[s].data_signers));
	w.signer[s].data_signers = w.signer[s].key_signers;
	world_changed(&w, s);
}

static void
test_csk_joins(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	make_csk(1);
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
	/* The CSK signs data: the other signer must show it. */
	assert_true((w.signer[0].copy.rr[MUS_RR_KEY].set & w.signer[1].data_signers) != 0);
	world_member(&w, 0, false);
	run_to_goal(20 * 86400);
	assert_int_equal(w.signer[1].copy.rr[MUS_RR_KEY].set, w.signer[1].own);
}

static void
test_ksk_is_not_spread(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
	assert_false(w.signer[0].copy.rr[MUS_RR_KEY].set & w.signer[1].key_signers);
}

static void
test_spread_sep(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.policy.spread_sep = true;
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
	assert_true((w.signer[0].copy.rr[MUS_RR_KEY].set & w.signer[1].key_signers) != 0);
}

static void
test_glue(void **state)
{
	(void)state;
	world_init(&w, 3, 2, 1);
	for (unsigned n = 0; n < w.state.zone.ns_count; n++)
		w.state.zone.ns[n].in_domain = true;
	world_member(&w, 2, true);
	run_to_goal(20 * 86400);
	assert_int_equal(w.parent.copy.rr[MUS_RR_GLUE].set, w.parent.copy.rr[MUS_RR_PNS].set);
	world_member(&w, 0, false);
	run_to_goal(20 * 86400);
	assert_int_equal(w.parent.copy.rr[MUS_RR_GLUE].set, w.parent.copy.rr[MUS_RR_PNS].set);
}

static void
test_slow_parent(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	w.parent.scan_s = 3 * 86400;
	w.parent.delay_s = 86400;
	world_member(&w, 1, true);
	run_to_goal(60 * 86400);
	world_member(&w, 0, false);
	run_to_goal(60 * 86400);
}

static void
test_lowered_ds_ttl(void **state)
{
	(void)state;
	world_init(&w, 3, 1, 2);
	w.parent.ds_ttl_low_s = 300;
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
	world_member(&w, 2, true);
	run_to_goal(20 * 86400);
	world_member(&w, 0, false);
	run_to_goal(20 * 86400);
}

static void
test_lost_looks_and_commands(void **state)
{
	(void)state;
	world_init(&w, 3, 2, 2);
	w.lose_look = 30;
	w.lose_command = 300;
	w.command_delay_s = 90;
	w.restart = 1000;
	world_member(&w, 2, true);
	run_to_goal(40 * 86400);
	world_member(&w, 0, false);
	run_to_goal(40 * 86400);
}

static void
test_lagging_secondaries(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	for (unsigned i = 0; i < w.server_count; i += 2)
		w.server[i].lag_s = 5400;
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
	world_member(&w, 0, false);
	run_to_goal(40 * 86400);
}

/* Several signers publish a CDS of their own that nobody can withdraw; PowerDNS with two digests. */
static void
test_own_cds(void **state)
{
	uint64_t keys;

	(void)state;
	world_init(&w, 2, 1, 1);
	w.signer[1].own_cds_dts = 1 << 1 | 1 << 2;
	world_changed(&w, 1);
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
	keys = w.signer[0].key_signers | w.signer[1].key_signers;
	assert_int_equal(w.parent.copy.rr[MUS_RR_DS].dt[1], keys);
	assert_int_equal(w.parent.copy.rr[MUS_RR_DS].dt[2], keys);
	world_member(&w, 1, false);
	run_to_goal(20 * 86400);
}

/* ---- minds are changed ---------------------------------------------------------------------- */

static unsigned stop_row;
static enum mus_proc_kind stop_kind;

static bool
is_at_row(const struct world *x)
{
	return x->state.want.proc.kind == stop_kind && x->state.want.proc.row >= stop_row;
}

static void
run_to_row(enum mus_proc_kind kind, unsigned row)
{
	stop_kind = kind;
	stop_row = row;
	if (world_run(&w, is_at_row, 20 * 86400))
		return;
	trace();
	fail_msg("never at row %u", row);
}

static void
test_change_of_mind(void **state)
{
	static const enum mus_proc_kind kinds[] = {MUS_PROC_ADD, MUS_PROC_REMOVE};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		bool joins = kinds[k] == MUS_PROC_ADD;
		unsigned count;

		mus_rows(kinds[k], &count);
		/* The last row of a leave does nothing and passes at once. */
		for (unsigned row = 1; row < count - !joins; row++) {
			world_init(&w, 3, joins ? 2 : 3, 1);
			world_member(&w, 2, joins);
			run_to_row(kinds[k], row);
			world_member(&w, 2, !joins);
			run_to_goal(40 * 86400);
			world_member(&w, 2, joins);
			run_to_goal(40 * 86400);
			world_free(&w);
		}
	}
}

/* A row of another program's table is not walked: the process begins again with its waits, and what
 * is done already stands. */
static void
test_no_such_row(void **state)
{
	static const enum mus_proc_kind kinds[] = {MUS_PROC_ADD, MUS_PROC_REMOVE};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		bool joins = kinds[k] == MUS_PROC_ADD;
		unsigned count;

		mus_rows(kinds[k], &count);
		for (unsigned row = 0; row < count - !joins; row++) {
			struct mus_time started_at;

			world_init(&w, 3, joins ? 2 : 3, 1);
			world_run(&w, world_is_settled, 5 * 86400);
			world_member(&w, 2, joins);
			run_to_row(kinds[k], row);
			started_at = w.state.want.proc.started_at;
			w.state.want.proc.row = (uint8_t)(row & 1 ? 200 : count);
			world_round(&w);
			assert_int_equal(w.state.want.proc.kind, kinds[k]);
			assert_true(mus_has_row(kinds[k], w.state.want.proc.row));
			if (joins)		/* behind row 3 it waits, anew */
				assert_in_range(w.state.want.proc.row, 0, 3);
			assert_true(w.state.want.proc.started_at.ms == started_at.ms);
			run_to_goal(20 * 86400);
			world_free(&w);
		}
	}
}

/* All TTLs short, so that a process may be over before a change that was sent in another arrives. */
static void
make_short(void)
{
	w.policy.parent_ttl_floor_s = 60;
	w.parent.scan_s = 60;
	w.parent.delay_s = 10;
	w.parent.ds_ttl_s = 60;
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++) {
		w.parent.copy.rr[k].ttl_s = 60;
		for (unsigned s = 0; s < w.signer_count; s++)
			w.signer[s].copy.rr[k].ttl_s = w.signer[s].hidden_ttl_s = 60;
	}
	for (unsigned s = 0; s < w.signer_count; s++)
		world_changed(&w, s);
	world_changed(&w, MUS_PARENT);
	world_advance(&w, w.now);
	oracle_init(&w.oracle, w.now.ms);
}

static void
delay_what_is_sent(struct world *x)
{
	if (x->state.want.proc.row >= 3)
		x->command_delay_s = 3 * 3600;
}

/* The names of the joiner were sent, the operator took it back, and a signer takes them in only hours
 * later: until then resolvers may be led to the joiner at any moment. */
static void
test_late_names_of_one_taken_back(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	make_short();
	world_member(&w, 1, true);
	w.on_round = delay_what_is_sent;
	run_to_row(MUS_PROC_ADD, 5);
	assert_true(w.command_count > 0);
	w.on_round = NULL;
	w.command_delay_s = 0;
	world_member(&w, 1, false);
	world_run(&w, world_is_settled, 2 * 86400);
	while (w.command_count > 0) {
		world_round(&w);
		world_advance(&w, mus_time_add_s(w.now, 60));
	}
	run_to_goal(2 * 86400);
}

static bool
has_read_csync(const struct world *x)
{
	return mus_time_is_set(x->parent.publish_at) &&
	    x->parent.next.rr[MUS_RR_PNS].set != x->parent.copy.rr[MUS_RR_PNS].set;
}

static bool
follows_late(const struct world *x)
{
	return !mus_time_is_set(x->parent.publish_at);
}

/* The parent has read that the joiner's names should be in; its join is taken back, and for a moment wanted again. The
 * parent has what is asked for, the CSYNC of before is still to be removed somewhere; then the parent publishes what it
 * read (found by the model, tests/model). */
static void
test_late_delegation_of_one_taken_back(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	make_short();
	world_member(&w, 1, true);
	run_to_row(MUS_PROC_ADD, 5);
	w.parent.delay_s = 5 * 3600;
	assert_true(world_run(&w, has_read_csync, 86400));
	w.signer[0].drops = 1u << MUS_RR_CSYNC;
	world_member(&w, 1, false);
	run_to_row(MUS_PROC_REMOVE, 4);
	w.policy.held = true;
	world_member(&w, 1, true);
	world_round(&w);
	assert_int_equal(w.state.want.proc.kind, MUS_PROC_ADD);
	world_member(&w, 1, false);
	world_round(&w);
	w.policy.held = false;
	run_to_row(MUS_PROC_REMOVE, 2);
	assert_true(world_run(&w, follows_late, 86400));
	assert_int_equal(w.state.want.proc.row, 2);
	w.signer[0].drops = 0;
	w.parent.delay_s = 300;
	run_to_goal(5 * 86400);
}

static void
test_never_took_part(void **state)
{
	(void)state;
	/* An unfit joiner that is unmarked leaves nothing behind and needs no wait. */
	world_init(&w, 2, 1, 1);
	w.signer[1].refuses_transfer = true;
	world_member(&w, 1, true);
	assert_false(world_run(&w, world_is_settled, 86400));
	world_member(&w, 1, false);
	run_to_goal(600);
}

/* ---- the operator's hand -------------------------------------------------------------------- */

static void
stays(enum mus_rule rule, uint32_t limit_s)
{
	bool done = world_run(&w, world_is_settled, limit_s);

	if (done || w.plan.wait_count == 0 || w.plan.wait[0].rule != rule)
		trace();
	assert_false(done);
	assert_int_not_equal(w.plan.wait_count, 0);
	assert_string_equal(mus_rule_text(w.plan.wait[0].rule), mus_rule_text(rule));
	check_clean();
}

static void
test_held(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.policy.held = true;
	world_member(&w, 1, true);
	stays(MUS_RULE_HELD, 5 * 86400);
	assert_int_equal(w.sent, 0);
	assert_int_equal(w.state.want.keyg, 1);
	w.policy.held = false;
	run_to_row(MUS_PROC_ADD, 4);
	w.policy.held = true;
	stays(MUS_RULE_HELD, 5 * 86400);
	w.policy.held = false;
	run_to_goal(20 * 86400);
}

static void
test_manual(void **state)
{
	unsigned steps = 0;

	(void)state;
	world_init(&w, 2, 1, 1);
	w.policy.manual = true;
	world_member(&w, 1, true);
	while (!world_run(&w, world_is_settled, 3 * 86400)) {
		uint64_t sent = w.sent;

		if (w.plan.wait_count == 0 || w.plan.wait[0].rule != MUS_RULE_MANUAL)
			trace();
		assert_string_equal(mus_rule_text(w.plan.wait[0].rule), "manual");
		assert_true(w.plan.proposal);
		world_round(&w);
		assert_int_equal(w.sent, sent);
		if (++steps > 20) {
			trace();
			fail();
		}
		w.policy.step = true;
		world_round(&w);
		w.policy.step = false;
	}
	/* Keys, CDS, NS, CSYNC, and the end of CSYNC: each by hand, each alone. */
	assert_int_equal(steps, 5);
	check_clean();
	check_goal();
}

static void
test_forced(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.signer[1].data_content = 78;
	world_changed(&w, 1);
	world_member(&w, 1, true);
	stays(MUS_RULE_V13, 86400);
	w.policy.forced = MUS_RULE_V13;
	run_to_row(MUS_PROC_ADD, 1);
	w.policy.forced = MUS_RULE_NONE;
	run_to_goal(20 * 86400);
}

/* ---- it stays and says why ------------------------------------------------------------------ */

static void
test_last_signer(void **state)
{
	(void)state;
	world_init(&w, 1, 1, 2);
	world_member(&w, 0, false);
	stays(MUS_RULE_LASTONE, 10 * 86400);
	assert_int_equal(w.sent, 0);
	world_member(&w, 0, true);
	run_to_goal(20 * 86400);
}

/* Both were to leave, so the last waits; then one is wanted again: it joins, and the other goes. */
static void
test_last_signer_and_another(void **state)
{
	(void)state;
	world_init(&w, 2, 2, 1);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 0, false);
	world_member(&w, 1, false);
	stays(MUS_RULE_LASTONE, 8 * 86400);
	world_member(&w, 0, true);
	run_to_goal(60 * 86400);
}

/* The joiner's names are sent again and again to a signer that forgets them.  What was safe when they were sent
 * first is not when that signer has rolled a key in between that the joiner lacks. */
static void
test_names_sent_again(void **state)
{
	unsigned new;

	(void)state;
	world_init(&w, 2, 1, 1);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 1, true);
	w.signer[0].drops = 1 << MUS_RR_NS;
	stays(MUS_RULE_NSSET, 5 * 86400);
	w.signer[1].drops = 1 << MUS_RR_KEY;
	new = world_add_key(&w, 0, false);
	stays(MUS_RULE_NSSET, 2 * 86400);
	w.signer[0].data_signers = mus_bit(new);
	world_changed(&w, 0);
	stays(MUS_RULE_NSSET, 6 * 3600);	/* seen, and what was sent before has arrived */
	w.signer[0].drops = 0;
	stays(MUS_RULE_NSSET, 2 * 86400);
	assert_int_equal(w.oracle.violations, 0);
	assert_false(w.signer[0].copy.rr[MUS_RR_NS].set & world_names(&w, 1));
	w.signer[1].drops = 0;
	run_to_goal(20 * 86400);
	world_free(&w);
}

static void
test_insecure(void **state)
{
	struct world_set *ds;

	(void)state;
	world_init(&w, 2, 1, 1);
	ds = &w.parent.copy.rr[MUS_RR_DS];
	ds->set = ds->dt[1] = 0;
	ds->absent = true;
	world_changed(&w, MUS_PARENT);
	world_advance(&w, w.now);
	world_member(&w, 1, true);
	stays(MUS_RULE_V5, 5 * 86400);
	assert_int_equal(w.sent, 0);
}

/* The only signer of a zone without DS: its join is shown, and does nothing before the owner secures the zone. */
static void
test_insecure_and_alone(void **state)
{
	struct world_set *ds, secure;

	(void)state;
	world_init(&w, 1, 1, 1);
	ds = &w.parent.copy.rr[MUS_RR_DS];
	secure = *ds;
	ds->set = ds->dt[1] = 0;
	ds->absent = true;
	world_changed(&w, MUS_PARENT);
	world_advance(&w, w.now);
	stays(MUS_RULE_V5, 5 * 86400);
	assert_int_equal(w.sent, 0);
	ds->set = secure.set;
	ds->dt[1] = secure.dt[1];
	ds->absent = false;
	world_changed(&w, MUS_PARENT);
	run_to_goal(20 * 86400);
	assert_int_equal(w.sent, 0);
}

static void
join_unfit(enum mus_rule rule)
{
	world_changed(&w, 1);
	world_member(&w, 1, true);
	stays(rule, 3 * 86400);
	assert_int_equal(w.sent, 0);
}

static void
test_unsigned_joiner(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.signer[1].own = w.signer[1].key_signers = w.signer[1].data_signers = 0;
	w.signer[1].copy.rr[MUS_RR_KEY].set = 0;
	w.signer[1].copy.rr[MUS_RR_KEY].absent = true;
	join_unfit(MUS_RULE_SIGNED);
}

static void
test_other_algorithm(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	for (unsigned k = 2; k < 4; k++) {
		w.key_alg[k] = 1;
		w.state.zone.key[k].alg_idx = 1;
		w.state.zone.key[k].alg = 8;
	}
	w.state.zone.alg_count = 2;
	w.state.zone.alg[1] = 8;
	join_unfit(MUS_RULE_ALGS);
}

static void
test_equal_tags(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.state.zone.key[3].tag = w.state.zone.key[0].tag;
	join_unfit(MUS_RULE_V11);
	assert_int_equal(w.plan.wait[0].number, w.state.zone.key[0].tag);
}

/* The joiner makes another key: the old one is remembered, and in nobody's way any more. */
static void
test_equal_tags_no_more(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.state.zone.key[3].tag = w.state.zone.key[0].tag;
	join_unfit(MUS_RULE_V11);
	world_drop_key(&w, 1, 3);
	w.signer[1].data_signers = mus_bit(world_add_key(&w, 1, false));
	world_changed(&w, 1);
	run_to_goal(20 * 86400);
}

static void
test_unknown_key(void **state)
{
	unsigned k;

	(void)state;
	world_init(&w, 2, 1, 1);
	/* Both show it from the first look on, and it signs nothing. */
	k = world_add_key(&w, 0, false);
	w.signer[1].own |= mus_bit(k);
	world_changed(&w, 0);
	join_unfit(MUS_RULE_V10);
	assert_int_equal(w.plan.wait[0].key, k);
}

enum { FORMER = 2 };

/* Nobody is led to a joiner that lists one that has left; and no NS set is ever empty. */
static void
check_former(struct world *x)
{
	for (unsigned i = 0; i < x->server_count; i++)
		if (x->server[i].origin == 1 && (x->server[i].shown.rr[MUS_RR_NS].set & mus_bit(FORMER)))
			assert_false(x->signer[0].copy.rr[MUS_RR_NS].set & world_names(x, 1));
	assert_true(x->signer[1].copy.rr[MUS_RR_NS].set);
}

/* Its content is from when another signed the zone, and lists that one's name server, or nothing but that. */
static void
begin_former(bool alone)
{
	world_init(&w, 2, 1, 1);
	w.state.zone.ns[FORMER] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN, .is_former = true};
	w.state.zone.ns_count = FORMER + 1;
	w.signer[1].copy.rr[MUS_RR_NS].set = mus_bit(FORMER) | (alone ? 0 : world_names(&w, 1));
	w.on_round = check_former;
	world_changed(&w, 1);
}

/* It is taken out before anybody is led to the joiner; as long as the joiner does not take that, nobody is. */
static void
test_former_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		begin_former(i & 1);
		world_member(&w, 1, true);
		if (i & 2) {
			w.signer[1].drops = 1 << MUS_RR_NS;
			stays(MUS_RULE_V10, 5 * 86400);
			assert_int_equal(w.plan.wait[0].ns, FORMER);
			w.signer[1].drops = 0;
		}
		run_to_goal(20 * 86400);
		world_free(&w);
	}
}

/* In the delegation it is somebody's: nobody takes it out but an operator. */
static void
test_former_name_delegated(void **state)
{
	(void)state;
	begin_former(false);
	w.signer[0].copy.rr[MUS_RR_NS].set |= mus_bit(FORMER);
	w.parent.copy.rr[MUS_RR_PNS].set |= mus_bit(FORMER);
	world_changed(&w, 0);
	world_changed(&w, MUS_PARENT);
	join_unfit(MUS_RULE_V10);
	assert_int_equal(w.plan.wait[0].ns, FORMER);
	w.parent.copy.rr[MUS_RR_PNS].set &= ~mus_bit(FORMER);
	world_changed(&w, MUS_PARENT);
	run_to_goal(20 * 86400);
}

static void
test_unknown_name(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.state.zone.ns[2].owner = MUS_OWNER_UNKNOWN;
	w.state.zone.ns_count = 3;
	w.signer[0].copy.rr[MUS_RR_NS].set |= mus_bit(2);
	world_changed(&w, 0);
	join_unfit(MUS_RULE_V10);
	assert_int_equal(w.plan.wait[0].ns, 2);
}

static void
test_other_content(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.signer[1].data_content = 78;
	join_unfit(MUS_RULE_V13);
	w.state.zone.signer[1].declared_content = true;
	run_to_goal(20 * 86400);
}

/* A force passes nothing else that the joiner lacks. */
static void
test_other_content_forced(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.signer[1].data_content = 78;
	w.state.zone.key[3].tag = w.state.zone.key[0].tag;
	w.policy.forced = MUS_RULE_V13;
	join_unfit(MUS_RULE_V11);
	world_free(&w);
	world_init(&w, 2, 1, 1);
	w.signer[1].data_content = 78;
	w.policy.forced = MUS_RULE_V11;
	join_unfit(MUS_RULE_V13);
}

static void
test_no_copy(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.signer[1].refuses_transfer = true;
	w.state.zone.signer[1].declared_content = true;
	join_unfit(MUS_RULE_TTLMAX);
	w.state.zone.signer[1].declared_max_ttl_s = 7200;
	run_to_goal(20 * 86400);
	world_member(&w, 1, false);
	run_to_goal(20 * 86400);
}

static void
test_cannot(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.state.zone.signer[1].caps.dnskey = MUS_NO;
	join_unfit(MUS_RULE_CAPS);
}

static void
test_drops_silently(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	w.signer[0].drops = 1 << MUS_RR_KEY;
	world_member(&w, 1, true);
	stays(MUS_RULE_V7, 5 * 86400);
	assert_int_equal(w.plan.wait[0].origin, 0);
	w.signer[0].drops = 0;
	run_to_goal(20 * 86400);
}

/* The leaver goes on listing itself: it never leaves Reach, unless it is declared lost (OP-9). */
static void
test_leaver_listing_itself(void **state)
{
	(void)state;
	world_init(&w, 2, 2, 1);
	w.signer[1].drops = (uint8_t)(1 << MUS_RR_NS);
	world_member(&w, 1, false);
	stays(MUS_RULE_NSSET, 5 * 86400);
	assert_int_equal(w.plan.wait[0].origin, 1);
	w.state.zone.signer[1].is_lost = true;
	/* The parent compares the leaver too: it is told another way. */
	w.parent.copy.rr[MUS_RR_PNS].set = w.parent.copy.rr[MUS_RR_GLUE].set = world_names(&w, 0);
	world_changed(&w, MUS_PARENT);
	if (!world_run(&w, world_is_settled, 20 * 86400)) {
		trace();
		fail();
	}
}

/* A joiner whose servers are gone, and that is declared lost: nobody is led to it, whatever is published
 * already; the operator takes that back, or lets it join when it is there again. */
static void
test_joiner_is_lost(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		unsigned row = i / 2;
		struct mus_want want;

		world_init(&w, 2, 1, 1);
		world_member(&w, 1, true);
		run_to_row(MUS_PROC_ADD, row);
		want = w.state.want;
		w.state.zone.signer[1].is_lost = true;
		for (unsigned k = 0; k < w.server_count; k++)
			w.server[k].is_silent = w.server[k].origin == 1;
		stays(MUS_RULE_SERVES, 5 * 86400);
		assert_int_equal(w.plan.wait[0].result, MUS_RES_FAILS);
		assert_int_equal(w.plan.wait[0].origin, 1);
		assert_int_equal(w.state.want.proc.row, row);
		assert_int_equal(w.state.want.nsg, want.nsg);
		assert_int_equal(w.state.want.dsg, want.dsg);
		assert_int_equal(w.state.want.keyg, want.keyg);
		if (row < 5)
			assert_int_equal(w.signer[0].copy.rr[MUS_RR_NS].set, world_names(&w, 0));
		if (i & 1) {
			world_member(&w, 1, false);
		} else {
			w.state.zone.signer[1].is_lost = false;
			for (unsigned k = 0; k < w.server_count; k++)
				w.server[k].is_silent = false;
		}
		run_to_goal(20 * 86400);
		world_free(&w);
	}
}

/* A leaver that is lost goes before another joins, wherever that stands: its DNSKEY set takes no key of the joiner's,
 * so it has to be out of the caches first.  Then the join goes on. */
static void
test_a_lost_one_goes_first(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 18; i++) {
		world_init(&w, 3, 2, 1);
		world_member(&w, 2, true);
		run_to_row(MUS_PROC_ADD, i / 2);
		w.state.zone.signer[1].is_lost = true;
		w.parent.passes_over = 1 << 1;
		for (unsigned k = 0; k < w.server_count; k++)
			w.server[k].is_silent = w.server[k].origin == 1;
		if (i & 1)	/* the mark alone asks for nothing */
			world_round(&w);
		assert_int_equal(w.state.want.proc.signer, 2);
		world_member(&w, 1, false);
		run_to_row(MUS_PROC_REMOVE, 1);
		assert_int_equal(w.state.want.proc.signer, 1);
		run_to_goal(20 * 86400);
		world_free(&w);
	}
}

/* Not when nobody would be left to answer: it stays until another has joined. */
static void
test_the_last_one_is_lost(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	world_member(&w, 1, true);
	run_to_row(MUS_PROC_ADD, 2);
	w.state.zone.signer[0].is_lost = true;
	world_member(&w, 0, false);
	for (unsigned i = 0; i < 5; i++) {
		world_round(&w);
		assert_int_equal(w.state.want.proc.kind, MUS_PROC_ADD);
		assert_int_equal(w.state.want.proc.signer, 1);
	}
}

/* One is to leave, another dies, is declared lost and is to leave too: the lost one goes first, then the other. */
static void
test_lost_beside_a_leaver(void **state)
{
	(void)state;
	world_init(&w, 3, 3, 1);
	world_run(&w, world_is_settled, 5 * 86400);
	for (unsigned k = 0; k < w.server_count; k++)
		w.server[k].is_unseen = w.server[k].origin == 1;
	world_member(&w, 0, false);
	assert_false(world_run(&w, world_is_settled, 2 * 86400));
	assert_int_equal(w.state.want.proc.kind, MUS_PROC_REMOVE);
	assert_int_equal(w.state.want.proc.signer, 0);
	assert_int_equal(w.state.want.proc.row, 0);
	w.state.zone.signer[1].is_lost = true;
	world_member(&w, 1, false);
	w.parent.passes_over = 1 << 1;
	if (!world_run(&w, world_is_settled, 40 * 86400))
		trace();
	assert_int_equal(w.state.want.keyg, 1 << 2);
	world_free(&w);
}

/* Nor does one begin; what it lists already is not listed where it is not yet. */
static void
test_a_lost_one_does_not_begin(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	w.state.zone.signer[1].is_lost = true;
	world_member(&w, 1, true);
	assert_false(world_run(&w, world_is_settled, 5 * 86400));
	assert_int_equal(w.state.want.proc.kind, MUS_PROC_NONE);
	assert_int_equal(w.sent, 0);
}

static void
test_silent_server(void **state)
{
	(void)state;
	/* 0: parent, 1: member, 2: joiner; each with two servers */
	for (unsigned i = 0; i < 6; i += 2) {
		world_init(&w, 2, 1, 2);
		world_member(&w, 1, true);
		run_to_row(MUS_PROC_ADD, 1);
		w.server[i + 1].is_unseen = true;
		stays(MUS_RULE_OBSERVE, 5 * 86400);
		assert_int_equal(w.plan.wait[0].server, i + 1);
		assert_int_equal(w.plan.wait[0].cause, MUS_CAUSE_TIMEOUT);
		w.server[i + 1].is_unseen = false;
		run_to_goal(20 * 86400);
		world_free(&w);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, clear)
	const struct CMUnitTest tests[] = {
	    T(test_add_second),
	    T(test_add_third),
	    T(test_remove_second),
	    T(test_remove_third),
	    T(test_cds_that_differed_is_not_asked_for),
	    T(test_migrate),
	    T(test_csk_joins),
	    T(test_ksk_is_not_spread),
	    T(test_spread_sep),
	    T(test_glue),
	    T(test_slow_parent),
	    T(test_lowered_ds_ttl),
	    T(test_lost_looks_and_commands),
	    T(test_lagging_secondaries),
	    T(test_own_cds),
	    T(test_change_of_mind),
	    T(test_no_such_row),
	    T(test_late_names_of_one_taken_back),
	    T(test_late_delegation_of_one_taken_back),
	    T(test_never_took_part),
	    T(test_held),
	    T(test_manual),
	    T(test_forced),
	    T(test_last_signer),
	    T(test_last_signer_and_another),
	    T(test_names_sent_again),
	    T(test_insecure),
	    T(test_insecure_and_alone),
	    T(test_unsigned_joiner),
	    T(test_other_algorithm),
	    T(test_equal_tags),
	    T(test_equal_tags_no_more),
	    T(test_unknown_key),
	    T(test_former_name),
	    T(test_former_name_delegated),
	    T(test_unknown_name),
	    T(test_other_content),
	    T(test_other_content_forced),
	    T(test_no_copy),
	    T(test_cannot),
	    T(test_drops_silently),
	    T(test_leaver_listing_itself),
	    T(test_joiner_is_lost),
	    T(test_a_lost_one_goes_first), T(test_the_last_one_is_lost),
	    T(test_a_lost_one_does_not_begin),
	    T(test_lost_beside_a_leaver),
	    T(test_silent_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
