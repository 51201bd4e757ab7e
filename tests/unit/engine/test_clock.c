/*
 * The clock is set while waits run: the engine with a real store in memory, and two clocks that the test
 * sets: the wall's, and the one that nobody sets.
 */
#include "clocks.h"
#include "locked.h"
#include "rig.h"

static struct mus_zone_obj zone[2];
static unsigned said;			/* how often it was told that the clock was set */

enum { T0 = 1000000, DAY_MS = 86400000 };

static void
on_log(void *arg, int level, const char *name, const char *text)
{
	(void)arg;
	(void)level;
	(void)name;
	said += strstr(text, "the clock was set by 5.0 s") != NULL;
}

/* Two zones; of the first it is known since when a wait runs, the second was never looked at. */
static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();

	(void)state;
	wall_ms = T0;
	ahead_ms = T0 - 5000;
	is_locked = false;
	said = 0;
	o.log = on_log;
	rig_start(&o);
	for (unsigned i = 0; i < 2; i++) {
		memset(&zone[i], 0, sizeof zone[i]);
		snprintf(zone[i].name, sizeof zone[i].name, "z%u.test.", i);
		OK(mus_store_save_zone(store, &zone[i], &et));
		OK(eng_zone_add(e, zone[i].id, (struct mus_time){T0 + 500}));
	}
	st->book.zone_id = zone[0].id;
	st->want.proc.clock[MUS_CLOCK_DS].from = (struct mus_time){T0 - 100};
	OK(eng_save_state(e, zone[0].id, st));
	rig_turn_by_turn();
	mus_loop_run(l);
	return 0;
}

/* How long the wait has run by now, as whoever loads the zone sees it. */
static int64_t
waited_ms(void)
{
	OK(eng_load_state(e, zone[0].id, st, &et));
	return wall_ms - st->want.proc.clock[MUS_CLOCK_DS].from.ms;
}

static void
pass(int64_t boot, int64_t wall)
{
	wall_ms += wall;
	ahead_ms += wall - boot;
}

/* Both clocks go on; or the machine slept, and both know. */
static void
time_passes(void **state)
{
	(void)state;
	assert_int_equal(waited_ms(), 100);
	pass(DAY_MS, DAY_MS);
	assert_int_equal(waited_ms(), DAY_MS + 100);
	/* How far they may drift apart is counted from the last look at them. */
	pass(10, 5010);
	assert_int_equal(waited_ms(), DAY_MS + 110);
}

static void
set_forward(void **state)
{
	struct mus_state_age age;

	(void)state;
	pass(20, 1020);
	assert_int_equal(waited_ms(), 120);
	pass(10, DAY_MS);
	assert_int_equal(waited_ms(), 130);
	/* It is on disk: also for one who comes later. */
	mus_loop_run(l);
	assert_int_equal(waited_ms(), 130);
	pass(50, 50);
	assert_int_equal(waited_ms(), 180);
	/* Of what nobody has looked at, nothing is written. */
	mus_buf_reset(&e->blob);
	assert_int_equal(mus_store_load_state(store, zone[1].id, &e->blob, &age, &et), MUS_ERR_NOTFOUND);
}

/* How far what is stored of the first zone is behind; ${sum} tells its bytes. */
static int64_t
behind(uint64_t *sum)
{
	struct mus_state_age age;

	mus_buf_reset(&e->blob);
	OK(mus_store_load_state(store, zone[0].id, &e->blob, &age, &et));
	*sum = mus_siphash(e->blob.data, e->blob.len, 1, 2);
	return age.behind_ms;
}

/* A step writes no zone: of a hundred thousand each follows when it is read. */
static void
nothing_is_written(void **state)
{
	struct eng_zone *z = eng_zone_get(e, zone[0].id);
	uint64_t before, after;

	(void)state;
	OK(eng_load_zone(e, z, &et));	/* from now on it is kept */
	assert_int_equal(waited_ms(), 100);
	assert_int_equal(behind(&before), 0);
	for (unsigned i = 1; i <= 3; i++) {
		pass(10, 5010);
		eng_follow_clock(e);
		mus_loop_run(l);
		assert_int_equal(behind(&after), i * 5000);
		assert_true(before == after);
	}
	/* All steps count, whether it was kept or not, and once. */
	assert_int_equal(waited_ms(), 130);
	eng_kept_free(z);
	assert_int_equal(waited_ms(), 130);
	OK(eng_load_zone(e, z, &et));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(waited_ms(), 130);
	pass(10, 5010);
	assert_int_equal(waited_ms(), 140);
	/* What is written is as of now. */
	OK(eng_load_zone(e, z, &et));
	assert_int_equal(waited_ms(), 140);
	OK(eng_save_state(e, zone[0].id, st));
	assert_int_equal(behind(&after), 0);
	assert_true(before != after);
	assert_int_equal(waited_ms(), 140);
	eng_kept_free(z);
	assert_int_equal(waited_ms(), 140);
}

/* NTP slews by half a thousandth: that is no step, however long it goes on, and whenever it is asked. */
static void
slewed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		pass(60000, 60030);
		(void)waited_ms();
	}
	assert_int_equal(waited_ms(), 100 + 100 * 60030);
	pass(3600000, 3601800);
	assert_int_equal(waited_ms(), 100 + 100 * 60030 + 3601800);
	pass(1, 999);
	assert_int_equal(waited_ms(), 100 + 100 * 60030 + 3601800 + 999);
}

/* Set back: waits last longer, and what is due in half a second still is. */
static void
set_back(void **state)
{
	(void)state;
	pass(10, -DAY_MS);
	assert_int_equal(waited_ms(), 100 - DAY_MS);
	assert_int_equal(e->heap[0]->due_ms, wall_ms + 500 - 10);
}

/* A look that is under way was begun as long ago as it was. */
static void
in_a_turn(void **state)
{
	struct eng_turn t = {.at = {T0 - 40}};

	(void)state;
	eng_zone_get(e, zone[1].id)->turn = &t;
	pass(10, 5010);
	(void)waited_ms();
	eng_zone_get(e, zone[1].id)->turn = NULL;
	assert_int_equal(t.at.ms, wall_ms - 50);
}

/* Where it cannot be written, nothing is, and it is done as soon as it can. */
static void
database_is_locked(void **state)
{
	(void)state;
	is_locked = true;
	pass(10, 5010);
	for (unsigned i = 0; i < 2; i++)
		(void)waited_ms();
	assert_true(e->tx_failed);
	assert_int_equal(said, 1);
	mus_loop_run(l);
	is_locked = false;
	assert_int_equal(waited_ms(), 110);
	/* It was written, and is taken back with the rest of the transaction. */
	mus_loop_run(l);
	pass(10, 5010);
	assert_int_equal(waited_ms(), 120);
	e->tx_failed = true;
	mus_loop_run(l);
	assert_int_equal(waited_ms(), 120);
	mus_loop_run(l);
	assert_int_equal(waited_ms(), 120);
}

/* An operator's change ends the transaction that is open: with it what followed the clock. */
static void
operator_in_between(void **state)
{
	(void)state;
	pass(10, 5010);
	assert_int_equal(waited_ms(), 110);
	OK(mus_ctl_hold(e, "test", "z0.test.", "why", &et));
	OK(eng_save_state(e, zone[0].id, st));
	e->tx_failed = true;
	mus_loop_run(l);
	assert_int_equal(waited_ms(), 110);
	pass(10, 5010);
	assert_int_equal(waited_ms(), 120);
	e->tx_failed = true;
	OK(mus_ctl_hold(e, "test", "z0.test.", "why", &et));
	mus_loop_run(l);
	assert_int_equal(waited_ms(), 120);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(time_passes),
	    T(set_forward),
	    T(nothing_is_written),
	    T(slewed),
	    T(set_back),
	    T(in_a_turn),
	    T(database_is_locked),
	    T(operator_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
