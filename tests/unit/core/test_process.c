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

static void
test_migrate(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	world_member(&w, 1, true);
	world_member(&w, 0, false);
	run_to_goal(40 * 86400);
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
	    T(test_migrate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
