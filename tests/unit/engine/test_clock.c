/*
 * The clock is set while waits run: the engine with a real store, and two clocks that the test sets: the
 * wall's, and the one that nobody sets.
 */
#include <unistd.h>

#include "clocks.h"
#include "locked.h"
#include "rig.h"

static struct mus_zone_obj zone[2];
static unsigned said;			/* how often it was told that the clock was set */
static char last[256];			/* what was told last */
static char folder[] = "/tmp/music-clock-XXXXXX", path[64];

enum { T0 = 1000000, DAY_MS = 86400000 };

static void
on_log(void *arg, int level, const char *name, const char *text)
{
	(void)arg;
	(void)level;
	(void)name;
	said += strstr(text, "the clock was set by 5.0 s") != NULL;
	snprintf(last, sizeof last, "%s", text);
}

static void
start(void)
{
	struct mus_engine_opts o = rig_opts();

	o.log = on_log;
	rig_start(&o);
	rig_turn_by_turn();
}

/* Two zones; of the first it is known since when a wait runs, the second was never looked at. */
static int
setup(void **state)
{
	(void)state;
	wall_ms = T0;
	ahead_ms = T0 - 5000;
	boot_id = "this boot";
	is_locked = false;
	said = 0;
	last[0] = '\0';
	start();
	for (unsigned i = 0; i < 2; i++) {
		memset(&zone[i], 0, sizeof zone[i]);
		snprintf(zone[i].name, sizeof zone[i].name, "z%u.test.", i);
		zone[i].next_check_at = (struct mus_time){T0 + 500};
		OK(mus_store_save_zone(store, &zone[i], &et));
		OK(eng_zone_add(e, zone[i].id, (struct mus_time){T0 + 500}));
	}
	st->book.zone_id = zone[0].id;
	st->want.proc.clock[MUS_CLOCK_DS].from = (struct mus_time){T0 - 100};
	OK(eng_save_state(e, zone[0].id, st));
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

/* ---- while nobody runs ------------------------------------------------------------------------- */

static int
setup_on_disk(void **state)
{
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/m.db", folder);
	rig_path = path;
	return setup(state);
}

static int
teardown_on_disk(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-sent", ".lock"};
	char file[80];

	(void)state;
	rig_stop();
	rig_path = ":memory:";
	for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		snprintf(file, sizeof file, "%s%s", path, ends[i]);
		unlink(file);
	}
	rmdir(folder);
	return 0;
}

/* Stopped for so long, as either clock has it. */
static void
restart(int64_t boot, int64_t wall)
{
	rig_stop();
	pass(boot, wall);
	start();
}

/* The same after kill -9: nothing is written at the end. */
static void
killed(int64_t boot, int64_t wall)
{
	e->notes_clocks = false;
	restart(boot, wall);
}

/* Since the machine was booted ${boot} have passed, and the wall's clock has gone on by ${wall}. */
static void
reboot(const char *id, int64_t boot, int64_t wall)
{
	rig_stop();
	pass(boot - (wall_ms - ahead_ms), wall);
	boot_id = id;
	start();
}

static void
stopped(void **state)
{
	(void)state;
	restart(DAY_MS, DAY_MS);
	assert_int_equal(waited_ms(), DAY_MS + 100);
	restart(3600000, 3601800);	/* slewed */
	assert_int_equal(waited_ms(), DAY_MS + 3601900);
	assert_string_equal(last, "");
}

static void
stopped_and_set_forward(void **state)
{
	(void)state;
	restart(20, 1000);
	assert_int_equal(waited_ms(), 1100);
	restart(10, 5010);
	assert_int_equal(said, 1);
	assert_int_equal(waited_ms(), 1110);
	/* It counts once, also for one who comes later. */
	for (unsigned i = 1; i <= 3; i++) {
		restart(10, 10);
		assert_int_equal(waited_ms(), 1110 + i * 10);
	}
	killed(10, 10);
	killed(10, 10);
	assert_int_equal(waited_ms(), 1160);
	assert_int_equal(said, 1);
	killed(20, DAY_MS);
	assert_string_equal(last, "the clock was set by 86400.0 s: waits last as long as they would have");
	assert_int_equal(waited_ms(), 1180);
}

static void
stopped_and_set_back(void **state)
{
	(void)state;
	restart(10, -DAY_MS);
	assert_string_equal(last, "the clock was set by -86400.0 s");
	assert_int_equal(waited_ms(), 100 - DAY_MS);
	assert_int_equal(e->heap[0]->due_ms, wall_ms + 500 - 10);
	assert_int_equal(e->heap[1]->due_ms, wall_ms + 500 - 10);
	last[0] = '\0';
	restart(10, 10);
	assert_string_equal(last, "");
}

/* What has passed over a reboot nobody knows: it is what the wall's clock says, and told when that went back. */
static void
booted_again(void **state)
{
	(void)state;
	reboot("second boot", 30, DAY_MS);
	assert_string_equal(last, "");
	assert_int_equal(waited_ms(), DAY_MS + 100);
	/* A higher count of another boot says nothing either. */
	reboot("third boot", 2 * DAY_MS, 10);
	assert_string_equal(last, "");
	assert_int_equal(waited_ms(), DAY_MS + 110);
	reboot("fourth boot", 30, -7000);
	assert_string_equal(last, "the clock is 7.0 s behind what it was before the restart of the machine: it was set, "
	    "and waits last longer");
	assert_int_equal(waited_ms(), DAY_MS - 6890);
	/* From the first moment on it is known again, whatever happens then. */
	killed(10, 5010);
	assert_int_equal(said, 1);
	assert_int_equal(waited_ms(), DAY_MS - 6880);
}

/* The same name of the boot, and less time since then: another kernel, to which this machine was moved. */
static void
moved_to_another_kernel(void **state)
{
	(void)state;
	restart(-1, DAY_MS);
	assert_int_equal(waited_ms(), DAY_MS + 100);
	assert_string_equal(last, "");
	restart(-1, -2000);
	assert_non_null(strstr(last, "the clock is 2.0 s behind"));
	restart(0, 5000);
	assert_int_equal(said, 1);
	assert_int_equal(waited_ms(), DAY_MS - 1900);
}

static void
boot_has_no_name(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		last[0] = '\0';
		reboot("", 7000, 5000);
		assert_non_null(strstr(last, "boot_id cannot be read"));
		assert_int_equal(waited_ms(), 100 + i * 5000);
	}
}

static int64_t
noted_ms(void)
{
	struct mus_clocks c;

	OK(mus_store_load_clocks(store, &c, &et));
	assert_int_equal(c.wall.ms - c.boot_ms, T0 - 5000);
	assert_string_equal(c.boot_id, boot_id);
	return c.boot_ms;
}

static void
turn(int64_t ms, bool writes)
{
	pass(ms, ms);
	OK(eng_load_state(e, zone[0].id, st, &et));
	if (writes)
		OK(eng_save_state(e, zone[0].id, st));
	else
		OK(eng_begin(e));
	mus_loop_run(l);
	assert_false(e->in_tx);
}

/* At the start and the end, and in between once a second with what is written anyway. */
static void
how_often_it_is_noted(void **state)
{
	int64_t first = noted_ms();

	(void)state;
	assert_int_equal(first, 5000);
	turn(999, true);
	assert_int_equal(noted_ms(), first);
	turn(5000, false);
	assert_int_equal(noted_ms(), first);
	turn(200, true);
	assert_int_equal(noted_ms(), first + 6199);
	turn(700, true);
	assert_int_equal(noted_ms(), first + 6199);
	pass(50, 50);
	rig_stop();
	OK(mus_store_open(path, &store, &et));
	assert_int_equal(noted_ms(), first + 6949);
	mus_store_close(store);
	start();
}

/* The note is older than what was written last, and what was set meanwhile is in neither, or in both. */
static void
note_is_old(void **state)
{
	(void)state;
	turn(900, true);
	assert_int_equal(noted_ms(), 5000);
	killed(10, 5010);
	assert_int_equal(said, 1);
	assert_int_equal(waited_ms(), 1010);
	/* it was set, followed, and killed before that was committed */
	mus_loop_run(l);
	pass(10, 5010);
	assert_int_equal(waited_ms(), 1020);
	assert_true(e->in_tx);
	killed(10, 10);
	assert_int_equal(said, 3);
	assert_int_equal(waited_ms(), 1030);
	/* and afterwards */
	pass(10, 5010);
	assert_int_equal(waited_ms(), 1040);
	mus_loop_run(l);
	killed(10, 10);
	assert_int_equal(said, 4);
	assert_int_equal(waited_ms(), 1050);
}

/* What cannot be written at the start is, as soon as it can, and nothing says so before. */
static void
database_is_locked_at_the_start(void **state)
{
	(void)state;
	rig_stop();
	is_locked = true;
	pass(10, 5010);
	start();
	assert_true(e->tx_failed);
	mus_loop_run(l);
	is_locked = false;
	assert_int_equal(waited_ms(), 110);
	mus_loop_run(l);
	killed(10, 10);
	assert_int_equal(waited_ms(), 120);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
#define D(f) cmocka_unit_test_setup_teardown(f, setup_on_disk, teardown_on_disk)

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
	    D(stopped),
	    D(stopped_and_set_forward),
	    D(stopped_and_set_back),
	    D(booted_again),
	    D(moved_to_another_kernel),
	    D(boot_has_no_name),
	    D(how_often_it_is_noted),
	    D(note_is_old),
	    D(database_is_locked_at_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
