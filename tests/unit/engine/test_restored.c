/* A database that is older than what was sent: the engine on a store in a file, whose file beside it runs ahead. */
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include "rig.h"
#include "store/sql.h"

static char folder[] = "/tmp/music-restored-XXXXXX", path[64];
static struct mus_zone_obj zone;
static unsigned said;

static void
on_log(void *arg, int level, const char *name, const char *text)
{
	(void)arg;
	said += level == LOG_ALERT && !name[0] && strstr(text, "is a restored backup (2 batches of changes") != NULL;
}

static int
count(void *arg, const struct mus_event_obj *o)
{
	*(unsigned *)arg += strcmp(o->kind, "restored") == 0 && strstr(o->text, "begin anew") && o->zone_id == 0;
	return 0;
}

static unsigned
events(void)
{
	unsigned n = 0;

	OK(mus_store_list_events(store, 0, 0, 100, count, &n));
	return n;
}

static void
start(void)
{
	struct mus_engine_opts o = rig_opts();

	rig_path = path;
	said = 0;
	o.log = on_log;
	rig_start(&o);
}

static int
setup(void **state)
{
	(void)state;
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/m.db", folder);
	start();
	memset(&zone, 0, sizeof zone);
	snprintf(zone.name, sizeof zone.name, "z.test.");
	OK(mus_store_save_zone(store, &zone, &et));
	st->book.zone_id = zone.id;
	st->want.proc.kind = MUS_PROC_ADD;
	st->want.proc.row = 4;
	st->want.proc.clock[MUS_CLOCK_DS].from = (struct mus_time){5000};
	st->seen.parent[0].since = (struct mus_time){4000};
	OK(eng_save_state(e, zone.id, st));
	rig_turn_by_turn();
	mus_loop_run(l);
	return 0;
}

static int
teardown(void **state)
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

/* Two batches were sent that the database does not know of. */
static void
run_ahead(void)
{
	char text[32];

	snprintf(text, sizeof text, "%020lld\n", (long long)store->sent + 2);
	assert_int_equal(pwrite(store->sent_fd, text, 21, 0), 21);
}

static bool
is_broken(void)
{
	OK(eng_load_state(e, zone.id, st, &et));
	assert_int_equal(st->want.proc.kind, MUS_PROC_ADD);
	if (st->want.proc.row == 4) {
		assert_int_equal(st->want.proc.clock[MUS_CLOCK_DS].from.ms, 5000);
		assert_int_equal(st->seen.parent[0].since.ms, 4000);
		return false;
	}
	assert_int_equal(st->want.proc.row, 0);
	assert_false(mus_time_is_set(st->want.proc.clock[MUS_CLOCK_DS].from));
	assert_false(mus_time_is_set(st->seen.parent[0].since));
	return true;
}

static void
same_database(void **state)
{
	(void)state;
	assert_false(is_broken());
	rig_stop();
	start();
	assert_false(is_broken());
	assert_int_equal(events() + said, 0);
	assert_false(mus_time_is_set(e->stats.restored_at));
}

static void
older_database(void **state)
{
	struct mus_time found;

	(void)state;
	run_ahead();
	rig_stop();
	start();
	assert_int_equal(said, 1);
	assert_int_equal(events(), 1);
	assert_true(mus_time_is_set(e->stats.restored_at));
	found = e->stats.restored_at;
	/* until somebody has looked and stored what he saw; also of what is kept in memory */
	OK(eng_load_zone(e, eng_zone_get(e, zone.id), &et));
	for (unsigned i = 0; i < 3; i++)
		assert_true(is_broken());
	/* a start in between finds nothing, and forgets nothing */
	rig_stop();
	start();
	assert_int_equal(said, 0);
	assert_int_equal(events(), 1);
	assert_int_equal(e->stats.restored_at.ms, found.ms);
	assert_true(is_broken());
	st->want.proc.row = 4;
	st->want.proc.clock[MUS_CLOCK_DS].from = (struct mus_time){5000};
	st->seen.parent[0].since = (struct mus_time){4000};
	OK(eng_load_zone(e, eng_zone_get(e, zone.id), &et));
	OK(eng_save_state(e, zone.id, st));
	assert_false(is_broken());
	rig_turn_by_turn();
	mus_loop_run(l);
	rig_stop();
	start();
	assert_false(is_broken());
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {T(same_database), T(older_database)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
