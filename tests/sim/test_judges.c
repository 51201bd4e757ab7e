/*
 * The judges of the simulator object when something is wrong, and only then: oracle and resolvers over worlds that
 * are broken by hand, while the controller only looks on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "break.h"
#include "history.h"

static struct world w;

/* Two members at rest, with resolvers who ask every minute. */
static void
at_rest(bool csk)
{
	world_init_csk(&w, 2, 2, 2, csk ? 3 : 0);
	resolvers_init(&w.resolvers, RESOLVERS_MAX, 5, 60, w.now.ms);
	assert_true(world_run(&w, world_is_settled, 3 * 86400));
	assert_int_equal(w.oracle.violations + w.oracle.insecure + w.resolvers.bogus + w.resolvers.insecure, 0);
	assert_true(w.resolvers.secure > 100 || w.now.ms - w.begun.ms < 7200000);
}

static void
let_pass(uint32_t s)
{
	world_advance(&w, mus_time_add_s(w.now, s));
}

static int
clear(void **state)
{
	(void)state;
	world_free(&w);
	mus_cut = (struct mus_cut){0};
	return 0;
}

static void
test_nothing_is_wrong(void **state)
{
	(void)state;
	at_rest(false);
	let_pass(3 * 86400);
	assert_int_equal(w.oracle.violations + w.oracle.insecure + w.resolvers.bogus + w.resolvers.insecure, 0);
	assert_true(w.resolvers.secure > 1000);
	assert_string_equal(w.oracle.first, "");
}

static void
test_ds_is_taken_away(void **state)
{
	struct world_set *ds = &w.parent.copy.rr[MUS_RR_DS];

	(void)state;
	at_rest(false);
	ds->set = ds->dt[1] = 0;
	world_changed(&w, MUS_PARENT);
	let_pass(2 * 86400);
	assert_int_equal(w.oracle.violations, 0);
	assert_true(w.oracle.insecure > 0 && w.resolvers.insecure > 0);
	assert_non_null(strstr(w.oracle.first, "insecure"));
}

static void
test_ds_is_taken_away_on_demand(void **state)
{
	struct world_set *ds = &w.parent.copy.rr[MUS_RR_DS];

	(void)state;
	at_rest(false);
	w.oracle.may_be_insecure = true;
	ds->set = ds->dt[1] = 0;
	world_changed(&w, MUS_PARENT);
	let_pass(2 * 86400);
	assert_int_equal(w.oracle.insecure, 0);
}

static void
test_ds_of_one_is_taken_away(void **state)
{
	struct world_set *ds = &w.parent.copy.rr[MUS_RR_DS];

	(void)state;
	at_rest(false);
	ds->set = ds->dt[1] = w.signer[0].key_signers;
	world_changed(&w, MUS_PARENT);
	let_pass(2 * 86400);
	assert_true(w.oracle.violations > 0 && w.resolvers.bogus > 0);
	assert_int_equal(w.oracle.insecure, 0);
	assert_non_null(strstr(w.oracle.first, "does not lead to"));
}

/* One digest type that only one signer's key has: who looks at the strongest alone finds the other bogus. */
static void
test_digest_type_of_one(void **state)
{
	struct world_set *ds = &w.parent.copy.rr[MUS_RR_DS];

	(void)state;
	at_rest(false);
	ds->dt[2] = w.signer[0].key_signers;
	world_changed(&w, MUS_PARENT);
	let_pass(2 * 86400);
	assert_true(w.oracle.violations > 0 && w.resolvers.bogus > 0);
}

/* Its key is gone from everywhere, but not its signatures from caches: only the oracle must see that. */
static void
test_key_is_withdrawn_at_once(void **state)
{
	unsigned fresh;
	uint64_t old;

	(void)state;
	at_rest(false);
	old = w.signer[0].data_signers;
	fresh = world_add_key(&w, 0, false);
	w.signer[1].copy.rr[MUS_RR_KEY].set |= mus_bit(fresh);
	world_changed(&w, 1);
	let_pass(2 * 86400);
	assert_int_equal(w.oracle.violations, 0);
	w.signer[0].data_signers = mus_bit(fresh);
	world_changed(&w, 0);
	let_pass(1);
	assert_int_equal(w.oracle.violations, 0);
	world_drop_key(&w, 0, (unsigned)__builtin_ctzll(old));
	let_pass(10);
	assert_true(w.oracle.violations > 0);
	assert_non_null(strstr(w.oracle.first, "does not verify"));
}

/* Where nobody is led to, nothing matters; an NS set of one reached server is enough. */
static void
test_who_is_reached(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	let_pass(86400);
	assert_true(w.oracle.led_until_ms[2] < w.now.ms);
	assert_int_equal(w.oracle.violations, 0);
	w.signer[0].copy.rr[MUS_RR_NS].set |= world_names(&w, 1);
	world_changed(&w, 0);
	let_pass(10);
	assert_true(w.oracle.led_until_ms[2] >= w.now.ms);
	assert_true(w.oracle.violations > 0);
	/* It lists itself: who is there stays there. */
	w.signer[0].copy.rr[MUS_RR_NS].set &= ~world_names(&w, 1);
	world_changed(&w, 0);
	let_pass(10 * 86400);
	assert_true(w.oracle.led_until_ms[2] >= w.now.ms);
	/* ... until it does not. */
	w.signer[1].copy.rr[MUS_RR_NS].set = world_names(&w, 0);
	world_changed(&w, 1);
	let_pass(10 * 86400);
	assert_true(w.oracle.led_until_ms[2] < w.now.ms);
}

static void
roll(bool sep, bool csk)
{
	uint64_t seps, datas;

	at_rest(csk);
	seps = w.signer[0].key_signers;
	datas = w.signer[0].data_signers;
	assert_true(world_roll(&w, 0, sep, 600, true, true));
	assert_false(world_roll(&w, 0, sep, 600, true, true));
	assert_true(world_run(&w, world_is_at_goal, 20 * 86400));
	assert_int_equal(w.oracle.violations + w.resolvers.bogus + w.oracle.insecure, 0);
	assert_int_equal(w.apart, 0);
	assert_true((seps != w.signer[0].key_signers) == sep);
	assert_true((datas != w.signer[0].data_signers) == (!sep || csk));
}

static void
test_zsk_roll(void **state)
{
	(void)state;
	roll(false, false);
}

static void
test_ksk_roll(void **state)
{
	(void)state;
	roll(true, false);
}

static void
test_csk_roll(void **state)
{
	(void)state;
	roll(true, true);
}

/* Who does not wait is told apart, and goes wrong. */
static void
test_early_roll(void **state)
{
	(void)state;
	at_rest(false);
	assert_true(world_roll(&w, 0, false, 0, false, false));
	let_pass(2 * 3600);
	assert_int_equal(w.apart, WORLD_APART_EARLY);
	assert_true(w.oracle.violations > 0 && w.resolvers.bogus > 0);
}

static void
test_old_data(void **state)
{
	(void)state;
	at_rest(false);
	world_go_back(&w, 2, 600);
	assert_int_equal(w.apart, WORLD_APART_OLD);
	let_pass(1000);
	assert_memory_equal(&w.server[2].shown, &w.server[3].shown, sizeof w.server[2].shown);
}

/* It dies in every round, at any step: and is where it was. */
static void
test_controller_dies(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 1);
	world_member(&w, 1, true);
	w.restart = 700;
	assert_true(world_run(&w, world_is_settled, 60 * 86400));
	assert_true(w.events[WORLD_EV_FAULT] > 20);
	assert_int_equal(w.oracle.violations, 0);
}

static void
test_same_seed_same_history(void **state)
{
	uint64_t plans[2], events[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct history h = {.resolvers = i ? RESOLVERS_MAX : 0};

		history_begin(&w, &h, 11);
		assert_int_equal(history_run(&w, &h), HISTORY_GOOD);
		plans[i] = w.plans;
		events[i] = w.events[WORLD_EV_LOAD];
		if (i == 0)
			world_free(&w);
	}
	/* Resolvers change nothing. */
	assert_true(plans[0] == plans[1]);
	assert_int_equal(events[0], events[1]);
}

static void
test_names_of_parts(void **state)
{
	struct mus_cut cut;
	const char *what;
	unsigned count;
	const struct mus_row *rows = mus_rows(MUS_PROC_ADD, &count);

	(void)state;
	assert_true(break_parse("guard,old-ds,ADD.4.pre.DS-Wait", &cut, &what));
	assert_true(cut.guard && !cut.waits && cut.clauses == mus_bit(MUS_CLAUSE_OLD_DS));
	assert_ptr_equal(cut.rule[0], &rows[4].pre[0]);
	assert_false(break_parse("guard,nonsense", &cut, &what));
	assert_string_equal(what, "nonsense");
	assert_false(break_parse("ADD.4.post.DS-Wait", &cut, &what));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_nothing_is_wrong, clear),
	    cmocka_unit_test_teardown(test_ds_is_taken_away, clear),
	    cmocka_unit_test_teardown(test_ds_is_taken_away_on_demand, clear),
	    cmocka_unit_test_teardown(test_ds_of_one_is_taken_away, clear),
	    cmocka_unit_test_teardown(test_digest_type_of_one, clear),
	    cmocka_unit_test_teardown(test_key_is_withdrawn_at_once, clear),
	    cmocka_unit_test_teardown(test_who_is_reached, clear),
	    cmocka_unit_test_teardown(test_zsk_roll, clear),
	    cmocka_unit_test_teardown(test_ksk_roll, clear),
	    cmocka_unit_test_teardown(test_csk_roll, clear),
	    cmocka_unit_test_teardown(test_early_roll, clear),
	    cmocka_unit_test_teardown(test_old_data, clear),
	    cmocka_unit_test_teardown(test_controller_dies, clear),
	    cmocka_unit_test_teardown(test_same_seed_same_history, clear),
	    cmocka_unit_test(test_names_of_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
