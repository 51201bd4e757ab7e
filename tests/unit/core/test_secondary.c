/*
 * Providers that serve and do not sign: they take part in NS alone, nothing is changed at them, and they count for
 * nobody who signs (protocol.md 7.6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rows.h"
#include "world.h"

static struct world w;

static int
clear(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* A, B and C; C is the secondary.  The first ${members} take part. */
static void
begin(unsigned members, unsigned source)
{
	world_init(&w, 3, members, 2);
	world_secondary(&w, 2, source);
	world_advance(&w, w.now);
	oracle_init(&w.oracle, w.now.ms);
}

static void
check_hands_off(struct world *x)
{
	for (unsigned i = 0; i < x->plan.act_count + x->plan.hand_count; i++)
		assert_int_not_equal(x->plan.act[i].signer, 2);
	assert_false(x->plan.need_copy >> 2 & 1);
}

static void
run_to_goal(uint32_t limit_s)
{
	assert_true(world_run(&w, world_is_settled, limit_s));
	assert_int_equal(w.oracle.violations, 0);
	assert_true(world_is_at_goal(&w));
}

static void
stays(enum mus_rule rule, uint32_t limit_s)
{
	assert_false(world_run(&w, world_is_settled, limit_s));
	assert_int_not_equal(w.plan.wait_count, 0);
	assert_string_equal(mus_rule_text(w.plan.wait[0].rule), mus_rule_text(rule));
	assert_int_equal(w.oracle.violations, 0);
}

static void
joins(void **state)
{
	uint64_t ds;

	(void)state;
	begin(2, 0);
	w.on_round = check_hands_off;
	ds = w.parent.copy.rr[MUS_RR_DS].set;
	world_member(&w, 2, true);
	run_to_goal(20 * 86400);
	assert_int_equal(w.parent.copy.rr[MUS_RR_PNS].set & world_names(&w, 2), world_names(&w, 2));
	assert_int_equal(w.parent.copy.rr[MUS_RR_DS].set, ds);
}

static void
leaves(void **state)
{
	(void)state;
	begin(3, 0);
	w.on_round = check_hands_off;
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 2, false);
	run_to_goal(20 * 86400);
	assert_int_equal(w.parent.copy.rr[MUS_RR_PNS].set & world_names(&w, 2), 0);
}

/* It is in the delegation when the zone is added: nothing is to be done. */
static void
was_there(void **state)
{
	(void)state;
	begin(3, 1);
	run_to_goal(3 * 86400);
	assert_int_equal(w.state.want.nsg, 7);
	assert_int_equal(w.sent, 0);
}

/* Who signs joins beside it: its servers have to show the new keys too. */
static void
a_signer_joins(void **state)
{
	(void)state;
	begin(3, 0);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 1, false);
	run_to_goal(20 * 86400);
	world_member(&w, 1, true);
	run_to_goal(20 * 86400);
	for (unsigned i = 0; i < w.server_count; i++)
		if (w.server[i].origin == 2)
			assert_int_equal(w.signer[1].data_signers & ~w.server[i].shown.rr[MUS_RR_KEY].set, 0);
}

/* The leaver may not be switched off as long as resolvers find its copy at a secondary. */
static void
its_source_leaves(void **state)
{
	(void)state;
	begin(3, 0);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 0, false);
	stays(MUS_RULE_REACH, 20 * 86400);
	assert_int_equal(w.server[w.plan.wait[0].server].origin, 2);
	world_point(&w, 2, 1);
	run_to_goal(20 * 86400);
}

/* It cannot carry the zone alone; another that signs may join in the place of the last. */
static void
the_last_that_signs(void **state)
{
	(void)state;
	begin(3, 0);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 1, false);
	run_to_goal(20 * 86400);
	world_member(&w, 0, false);
	stays(MUS_RULE_LASTONE, 8 * 86400);
	world_member(&w, 1, true);
	stays(MUS_RULE_REACH, 30 * 86400);
	world_point(&w, 2, 1);
	run_to_goal(20 * 86400);
}

static bool
has_copies(const struct world *x)
{
	return x->state.seen.copy[0].known && x->state.seen.copy[1].known;
}

/* Data signed with the old key are in use as long as a secondary serves them. */
static void
check_unused(struct world *x)
{
	const struct mus_roll *r = &x->state.want.roll[0];

	if (mus_row_reached(r->kind, r->row, "old-data-expired"))
		for (unsigned i = 0; i < x->server_count; i++)
			if (x->server[i].origin == 2)
				assert_int_equal(x->server[i].shown.rr[MUS_RR_NAME].sig & r->out, 0);
}

static void
lags_in_a_roll_over(void **state)
{
	(void)state;
	begin(3, 0);
	for (unsigned i = 0; i < w.server_count; i++)
		if (w.server[i].origin == 2)
			w.server[i].lag_s = 40000;
	assert_true(world_run(&w, has_copies, 3 * 86400));
	w.on_round = check_unused;
	assert_true(world_roll(&w, 0, false, 3600, true, false));
	assert_true(world_run(&w, world_is_at_goal, 30 * 86400));
	run_to_goal(30 * 86400);
}

/* Whoever is pointed to whom: the one that signs joins first, though its place is behind, and leaves last. */
static void
joins_and_leaves_with_its_source(void **state)
{
	(void)state;
	world_init(&w, 3, 1, 2);
	world_secondary(&w, 1, 2);
	world_advance(&w, w.now);
	oracle_init(&w.oracle, w.now.ms);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 1, true);
	world_round(&w);
	world_member(&w, 2, true);
	run_to_goal(60 * 86400);
	world_member(&w, 2, false);
	world_run(&w, world_is_settled, 86400);
	world_member(&w, 1, false);
	run_to_goal(60 * 86400);
}

/* Both at once, and the source is the first in every list. */
static void
leaves_with_its_source(void **state)
{
	(void)state;
	begin(3, 0);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 0, false);
	world_member(&w, 2, false);
	run_to_goal(60 * 86400);
}

/* Nobody asks it any more, so nobody would see it pointed to another. */
static void
is_lost_with_the_copy_of_a_leaver(void **state)
{
	(void)state;
	begin(3, 0);
	world_run(&w, world_is_settled, 3 * 86400);
	world_member(&w, 0, false);
	stays(MUS_RULE_REACH, 20 * 86400);
	for (unsigned i = 0; i < w.server_count; i++)
		w.server[i].is_silent |= w.server[i].origin == 2;
	w.parent.passes_over = 1 << 2;
	w.state.zone.signer[2].is_lost = true;
	/* As long as it is listed, the leaver's DS stays for what it may go on to show. */
	stays(MUS_RULE_V1, 10 * 86400);
	assert_int_equal(w.plan.wait[0].origin2, 2);
	world_member(&w, 2, false);
	run_to_goal(30 * 86400);
}

/* No transfer tells its largest TTL: what the others' copies have, and never less than the floor. */
static void
its_largest_ttl(void **state)
{
	(void)state;
	begin(3, 0);
	w.policy.ttl_floor_s = 0;
	assert_int_equal(mus_copy_ttl_max_s(&w.state.zone, &w.state.seen, 2, &w.policy, w.now), 0);
	assert_true(world_run(&w, has_copies, 3 * 86400));
	assert_int_equal(mus_copy_ttl_max_s(&w.state.zone, &w.state.seen, 2, &w.policy, w.now), 7200);
	w.policy.ttl_floor_s = 86400;
	assert_int_equal(mus_copy_ttl_max_s(&w.state.zone, &w.state.seen, 2, &w.policy, w.now), 86400);
	/* What was read of the others is more than a word. */
	w.state.zone.signer[2].declared_max_ttl_s = 60;
	assert_int_equal(mus_copy_ttl_max_s(&w.state.zone, &w.state.seen, 2, &w.policy, w.now), 7200);
	w.state.zone.signer[2].declared_max_ttl_s = 9000;
	assert_int_equal(mus_copy_ttl_max_s(&w.state.zone, &w.state.seen, 2, &w.policy, w.now), 9000);
}

/* Signatures that it shows are not its own. */
static void
owns_nothing(void **state)
{
	(void)state;
	begin(3, 0);
	world_run(&w, world_is_settled, 3 * 86400);
	for (unsigned k = 0; k < w.state.zone.key_count; k++)
		assert_int_not_equal(w.state.zone.key[k].owner, 2);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, clear)
	const struct CMUnitTest tests[] = {
	    T(joins),
	    T(leaves),
	    T(was_there),
	    T(a_signer_joins),
	    T(its_source_leaves),
	    T(the_last_that_signs),
	    T(joins_and_leaves_with_its_source),
	    T(leaves_with_its_source),
	    T(is_lost_with_the_copy_of_a_leaver),
	    T(lags_in_a_roll_over),
	    T(its_largest_ttl),
	    T(owns_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
