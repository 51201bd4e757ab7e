/*
 * What a turn keeps of a zone's place in the database: an engine with a real store in memory, no turns.
 */
#include "rig.h"

static struct eng_zone *z;
static struct mus_zone_obj zone;

static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();

	(void)state;
	rig_start(&o);
	memset(&zone, 0, sizeof zone);
	snprintf(zone.name, sizeof zone.name, "z.test.");
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	z = eng_zone_get(e, zone.id);
	rig_turn_by_turn();
	OK(eng_load_zone(e, z, &et));
	return 0;
}

/* The serial that whoever loads the zone sees. */
static uint32_t
serial(void)
{
	OK(eng_load_state(e, zone.id, st, &et));
	return st->want.csync_serial;
}

static void
save(uint32_t serial)
{
	OK(eng_load_state(e, zone.id, st, &et));
	st->want.csync_serial = serial;
	OK(eng_save_state(e, zone.id, st));
}

/* Somebody else writes to the database: as nobody does, it shows who reads it. */
static void
save_behind(uint32_t serial)
{
	struct mus_buf blob;

	st->want.csync_serial = serial;
	mus_buf_init(&blob, 0);
	assert_true(mus_zonestate_encode(st, &blob));
	OK(mus_store_save_state(store, zone.id, blob.data, blob.len, &et));
	mus_buf_clear(&blob);
}

static void
read_once(void **state)
{
	(void)state;
	assert_int_equal(serial(), 0);
	save(7);
	assert_int_equal(serial(), 7);
	save_behind(9);
	assert_int_equal(serial(), 7);
	snprintf(e->zobj.row, sizeof e->zobj.row, "r");
	eng_keep_zone(e, z);
	e->zobj.row[0] = '\0';
	OK(eng_load_zone(e, z, &et));
	assert_string_equal(e->zobj.row, "r");
	/* The turn is over, and no process runs. */
	eng_kept_free(z);
	assert_int_equal(serial(), 9);
	OK(eng_load_zone(e, z, &et));
	assert_string_equal(e->zobj.row, "");
}

static void
operators_change(void **state)
{
	(void)state;
	save(7);
	OK(mus_ctl_hold(e, "test", "z.test.", "why", &et));
	OK(eng_load_zone(e, z, &et));
	assert_true(e->zobj.held);
	assert_int_equal(serial(), 7);
	save_behind(9);
	assert_int_equal(serial(), 7);
	/* With the next change it is read again. */
	assert_int_equal(mus_ctl_hold(e, "test", "z.test.", "why", &et), 0);
	assert_int_equal(serial(), 9);
}

/* The group too is read when something may have changed it, and not for each zone. */
static void
group_read_once(void **state)
{
	struct mus_group_obj g = {.name = "g"}, other = {.name = "other"};

	(void)state;
	OK(mus_ctl_put_group(e, "test", &g, NULL, &et));
	OK(mus_ctl_put_group(e, "test", &other, NULL, &et));
	zone.group_id = g.id;
	assert_string_equal(eng_group_of(e, &zone, &et)->name, "g");
	snprintf(g.name, sizeof g.name, "h");
	OK(mus_store_save_group(store, &g, &et));
	assert_string_equal(eng_group_of(e, &zone, &et)->name, "g");
	eng_forget_kept(e);
	assert_string_equal(eng_group_of(e, &zone, &et)->name, "h");
	zone.group_id = other.id;
	assert_string_equal(eng_group_of(e, &zone, &et)->name, "other");
	/* One that cannot be read is not the last. */
	zone.group_id = 99;
	assert_null(eng_group_of(e, &zone, &et));
	zone.group_id = g.id;
	assert_string_equal(eng_group_of(e, &zone, &et)->name, "h");
}

/* What could not be committed was never there. */
static void
rolled_back(void **state)
{
	(void)state;
	save(7);
	mus_loop_run(l);
	assert_false(e->in_tx);
	save(8);
	snprintf(e->zobj.row, sizeof e->zobj.row, "r");
	eng_keep_zone(e, z);
	assert_int_equal(serial(), 8);
	e->tx_failed = true;
	e->commit_at = MUS_TIME_NEVER;	/* now */
	mus_loop_run(l);
	assert_int_equal(serial(), 7);
	OK(eng_load_zone(e, z, &et));
	assert_string_equal(e->zobj.row, "");
	/* Nor what could not even begin. */
	e->tx_failed = true;
	assert_int_equal(eng_save_state(e, zone.id, st), MUS_ERR_STORE);
	assert_int_equal(serial(), 7);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(read_once),
	    T(operators_change),
	    T(group_read_once),
	    T(rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
