/*
 * What the store does when the world fails: any statement, the disk, the process, the file; and a
 * second process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/map.h"
#include "fill.h"
#include "store/sql.h"

static struct mus_errtext et;
static struct mus_state_age age;	/* of the state that was loaded last */

#define OK(call) do { int rc_ = (call); if (rc_ != 0) fail_msg("%s: %d %s", #call, rc_, et.s); } while (0)
#define ERR(call, want, words) do { int rc_; et.s[0] = '\0'; rc_ = (call); \
	if (rc_ != (want) || strstr(et.s, words) == NULL) \
		fail_msg("%s: %d '%s'", #call, rc_, et.s); } while (0)

/* ---- one step of SQLite fails ---- */

static unsigned fail_in;		/* 0: none; 1: the next step */
static int fail_with;

int __real_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st);
int
__wrap_sqlite3_step(sqlite3_stmt *st)
{
	if (fail_in > 0 && --fail_in == 0)
		return fail_with;
	return __real_sqlite3_step(st);
}

/* Digest of all rows of all tables. */
static uint64_t
digest_table(sqlite3 *db, const char *table, uint64_t sum)
{
	char *sql = sqlite3_mprintf("SELECT * FROM %Q", table);
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	sqlite3_free(sql);
	while (__real_sqlite3_step(st) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const void *p = sqlite3_column_blob(st, i);
			size_t len = (size_t)sqlite3_column_bytes(st, i);

			sum = mus_siphash(p ? p : "", len, sum, (uint64_t)i);
		}
	sqlite3_finalize(st);
	return sum;
}
static uint64_t
digest(struct mus_store *s)
{
	sqlite3_stmt *st;
	uint64_t sum = 1;

	assert_int_equal(sqlite3_prepare_v2(s->db, "SELECT name FROM sqlite_schema WHERE type = 'table' "
	    "ORDER BY name", -1, &st, NULL), SQLITE_OK);
	while (__real_sqlite3_step(st) == SQLITE_ROW)
		sum = digest_table(s->db, (const char *)sqlite3_column_text(st, 0), sum);
	sqlite3_finalize(st);
	return sum;
}

struct world {
	struct mus_store *s;
	int64_t signer[2], spare_signer, group, spare_group, zone;
	struct mus_zone_obj z;
};
static struct world w;

static void
world_make(void)
{
	struct mus_signer_obj so;
	struct mus_group_obj go;
	struct mus_process_obj po = {.kind = "ADD-SIGNER", .ended_at = MUS_TIME_NEVER};
	struct mus_event_obj eo = {.kind = "row"};

	OK(mus_store_open(":memory:", &w.s, &et));
	for (unsigned i = 0; i < 3; i++) {
		fill_signer(&so, i == 0 ? "a" : i == 1 ? "b" : "spare");
		OK(mus_store_save_signer(w.s, &so, &et));
		*(i < 2 ? &w.signer[i] : &w.spare_signer) = so.id;
	}
	fill_group(&go, "main", w.signer, 2);
	OK(mus_store_save_group(w.s, &go, &et));
	w.group = go.id;
	fill_group(&go, "spare", w.signer, 1);
	OK(mus_store_save_group(w.s, &go, &et));
	w.spare_group = go.id;
	fill_zone(&w.z, "z.", w.group, w.signer, 2);
	OK(mus_store_save_zone(w.s, &w.z, &et));
	eo.zone_id = po.zone_id = w.zone = w.z.id;
	OK(mus_store_save_state(w.s, w.zone, "old", 3, &et));
	OK(mus_store_add_process(w.s, &po, &et));
	for (unsigned i = 0; i < 4; i++)
		OK(mus_store_add_event(w.s, &eo, &et));
}

static int
op_signer_new(void)
{
	struct mus_signer_obj o;
	int rc;

	fill_signer(&o, "new");
	rc = mus_store_save_signer(w.s, &o, &et);
	assert_true((rc == 0) == (o.id != 0));
	return rc;
}
static int
op_signer_change(void)
{
	struct mus_signer_obj o;

	fill_signer(&o, "a2");
	o.id = w.signer[0];
	return mus_store_save_signer(w.s, &o, &et);
}
static int
op_signer_delete(void)
{
	return mus_store_delete_signer(w.s, w.spare_signer, &et);
}
static int
op_group_new(void)
{
	struct mus_group_obj o;

	fill_group(&o, "new", w.signer, 2);
	return mus_store_save_group(w.s, &o, &et);
}
static int
op_group_change(void)
{
	struct mus_group_obj o;

	fill_group(&o, "main2", w.signer, 1);
	o.id = w.group;
	return mus_store_save_group(w.s, &o, &et);
}
static int
op_group_delete(void)
{
	return mus_store_delete_group(w.s, w.spare_group, &et);
}
static int
op_zone_new(void)
{
	fill_zone(&w.z, "new.", w.group, w.signer, 2);
	return mus_store_save_zone(w.s, &w.z, &et);
}
static int
op_zone_change(void)
{
	fill_zone(&w.z, "z2.", 0, w.signer, 1);
	w.z.id = w.zone;
	return mus_store_save_zone(w.s, &w.z, &et);
}
static int
op_zone_delete(void)
{
	return mus_store_delete_zone(w.s, w.zone, &et);
}
static int
op_zone_refused(void)
{
	int64_t bad[2] = {777, w.signer[0]};

	fill_zone(&w.z, "bad.", 0, bad, 2);
	return mus_store_save_zone(w.s, &w.z, &et);
}
static int
op_status(void)
{
	w.z.id = w.zone;
	strcpy(w.z.state, "INVALID");
	strcpy(w.z.row, "other");
	return mus_store_save_zone_status(w.s, &w.z, &et);
}
static int
op_state(void)
{
	return mus_store_save_state(w.s, w.zone, "new", 3, &et);
}
static int
op_shift(void)
{
	return mus_store_note_clocks(w.s, 5000, &(struct mus_clocks){.boot_ms = 1}, &et);
}
static int
op_event(void)
{
	struct mus_event_obj o = {.zone_id = w.zone, .kind = "row"};

	return mus_store_add_event(w.s, &o, &et);
}
static int
op_process_new(void)
{
	struct mus_process_obj o = {.zone_id = w.zone, .kind = "REMOVE-SIGNER"};

	return mus_store_add_process(w.s, &o, &et);
}
static struct mus_process_obj
running(const char *row)
{
	struct mus_process_obj o = {.zone_id = w.zone, .kind = "ADD-SIGNER"};

	strcpy(o.row, row);
	return o;
}

static int
op_process_step(void)
{
	struct mus_process_obj o = running("csync");

	return mus_store_step_process(w.s, &o, &et);
}
static int
op_process_end(void)
{
	struct mus_process_obj o = running("stop");

	strcpy(o.outcome, "done");
	o.ended_at.ms = 9;
	return mus_store_end_process(w.s, &o, &et);
}
static int
op_trim(void)
{
	return mus_store_trim_events(w.s, 2, &et);
}

static const struct {
	const char *name;
	int (*run)(void);
	int undisturbed;		/* result when nothing fails */
} ops[] = {
    {"signer new", op_signer_new, 0}, {"signer change", op_signer_change, 0},
    {"signer delete", op_signer_delete, 0}, {"group new", op_group_new, 0},
    {"group change", op_group_change, 0}, {"group delete", op_group_delete, 0},
    {"zone new", op_zone_new, 0}, {"zone change", op_zone_change, 0},
    {"zone delete", op_zone_delete, 0}, {"zone refused", op_zone_refused, MUS_ERR_NOTFOUND},
    {"status", op_status, 0}, {"state", op_state, 0}, {"shift", op_shift, 0}, {"event", op_event, 0},
    {"process new", op_process_new, 0}, {"process step", op_process_step, 0}, {"process end", op_process_end, 0},
    {"trim", op_trim, 0},
};
enum { OPS = sizeof ops / sizeof ops[0] };

static int
error_of(int sqlite)
{
	return sqlite == SQLITE_NOMEM ? MUS_ERR_NOMEM : MUS_ERR_STORE;
}

/* Alone: either it is saved whole, or nothing of it. */
static unsigned
fail_each_step_alone(unsigned op)
{
	unsigned n;

	for (n = 1;; n++) {
		uint64_t before = digest(w.s), after;
		bool has_failed;
		int rc;

		fail_in = n;
		rc = ops[op].run();
		has_failed = fail_in == 0;
		fail_in = 0;
		after = digest(w.s);
		assert_true(sqlite3_get_autocommit(w.s->db));
		if (!has_failed) {
			assert_int_equal(rc, ops[op].undisturbed);
			assert_true((before == after) == (rc != 0));
			return n - 1;
		}
		if (rc != error_of(fail_with) && rc != ops[op].undisturbed)
			fail_msg("%s, step %u: %d %s", ops[op].name, n, rc, et.s);
		assert_true(rc != 0 && et.s[0] != '\0');
		if (before != after)
			fail_msg("%s, step %u: half saved", ops[op].name, n);
	}
}

static void
each_step_fails_alone(void **state)
{
	static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_NOMEM};
	unsigned steps = 0;

	(void)state;
	for (unsigned op = 0; op < OPS; op++) {
		fail_with = codes[op % 3];
		world_make();
		steps += fail_each_step_alone(op);
		mus_store_close(w.s);
	}
	print_message("%u steps failed\n", steps);
	assert_true(steps > 60);
}

/* In a transaction: nothing of the whole turn stays, and nothing more is taken until it ends. */
static void
each_step_fails_in_a_transaction(void **state)
{
	(void)state;
	fail_with = SQLITE_IOERR_WRITE;
	for (unsigned op = 0; op < OPS; op++) {
		world_make();
		for (unsigned n = 1;; n++) {
			uint64_t before = digest(w.s);
			int rc;

			OK(mus_store_begin(w.s, &et));
			OK(op_event());
			fail_in = n;
			rc = ops[op].run();
			if (fail_in > 0) {		/* went through */
				fail_in = 0;
				assert_int_equal(rc, ops[op].undisturbed);
				OK(mus_store_commit(w.s, &et));
				assert_true(before != digest(w.s));
				break;
			}
			assert_true(rc == MUS_ERR_STORE || (rc != 0 && rc == ops[op].undisturbed));
			if (before != digest(w.s))
				fail_msg("%s, step %u: half saved", ops[op].name, n);
			for (unsigned k = 0; k < OPS; k++)
				ERR(ops[k].run(), MUS_ERR_STORE, "rolled back before");
			if (n % 2)
				ERR(mus_store_commit(w.s, &et), MUS_ERR_STORE, "rolled back before");
			else
				mus_store_rollback(w.s);
			assert_true(before == digest(w.s));
		}
		mus_store_close(w.s);
	}
}

static void
begin_and_commit_fail(void **state)
{
	uint64_t before;

	(void)state;
	fail_with = SQLITE_IOERR_FSYNC;
	world_make();
	before = digest(w.s);
	fail_in = 1;
	ERR(mus_store_begin(w.s, &et), MUS_ERR_STORE, "begin");
	OK(mus_store_begin(w.s, &et));
	assert_false(mus_store_wrote(w.s));
	OK(op_state());
	assert_true(mus_store_wrote(w.s));
	fail_in = 1;
	ERR(mus_store_commit(w.s, &et), MUS_ERR_STORE, "commit");
	assert_true(sqlite3_get_autocommit(w.s->db));
	assert_true(before == digest(w.s));
	OK(op_state());				/* the store goes on */
	OK(mus_store_begin(w.s, &et));
	fail_in = 1;
	assert_int_equal(op_state(), MUS_ERR_STORE);
	OK(mus_store_begin(w.s, &et));		/* the next turn begins without a word on the last */
	OK(op_event());
	fail_in = 1;
	mus_store_rollback(w.s);		/* a rollback that fails still rolls back */
	assert_true(sqlite3_get_autocommit(w.s->db));
	mus_store_close(w.s);
}

static int
never_signer(void *arg, const struct mus_signer_obj *o)
{
	(void)arg, (void)o;
	return 5;
}
static int
never_group(void *arg, const struct mus_group_obj *o)
{
	(void)arg, (void)o;
	return 5;
}
static int
never_zone(void *arg, const struct mus_zone_obj *o)
{
	(void)arg, (void)o;
	return 5;
}
static int
never_event(void *arg, const struct mus_event_obj *o)
{
	(void)arg, (void)o;
	return 5;
}
static int
never_process(void *arg, const struct mus_process_obj *o)
{
	(void)arg, (void)o;
	return 5;
}
static int
never_due(void *arg, int64_t id, struct mus_time at)
{
	(void)arg, (void)id, (void)at;
	return 5;
}
static int
never_id(void *arg, int64_t id)
{
	(void)arg, (void)id;
	return 5;
}

/* Reading: an error is an error and never an empty list. */
static int
read_something(unsigned i)
{
	struct mus_signer_obj so;
	struct mus_group_obj go;
	struct mus_buf out;
	uint64_t count;
	int rc;

	switch (i) {
	case 0:
		return mus_store_load_signer(w.s, "a", &so, &et);
	case 1:
		return mus_store_load_signer_id(w.s, w.signer[0], &so, &et);
	case 2:
		return mus_store_load_group(w.s, "main", &go, &et);
	case 3:
		return mus_store_load_group_id(w.s, w.group, &go, &et);
	case 4:
		return mus_store_load_zone(w.s, "z.", &w.z, &et);
	case 5:
		return mus_store_load_zone_id(w.s, w.zone, &w.z, &et);
	case 6:
		mus_buf_init(&out, 0);
		rc = mus_store_load_state(w.s, w.zone, &out, &age, &et);
		mus_buf_clear(&out);
		return rc;
	case 7:
		return mus_store_count_zones(w.s, NULL, &count);
	case 8:
		return mus_store_list_signers(w.s, NULL, 9, never_signer, NULL);
	case 9:
		return mus_store_list_groups(w.s, NULL, 9, never_group, NULL);
	case 10:
		return mus_store_list_zones(w.s, NULL, NULL, 9, never_zone, NULL);
	case 11:
		return mus_store_list_events(w.s, 0, 0, 9, never_event, NULL);
	case 12:
		return mus_store_list_processes(w.s, 0, false, 0, 9, never_process, NULL);
	case 13:
		return mus_store_each_due(w.s, never_due, NULL);
	case 14:
		return mus_store_each_zone_of_group(w.s, w.group, 0, 9, never_id, NULL);
	default:
		return -1000;
	}
}
static void
reads_fail(void **state)
{
	(void)state;
	fail_with = SQLITE_CORRUPT;
	world_make();
	for (unsigned i = 0; i < 15; i++)
		for (unsigned n = 1;; n++) {
			int rc;

			fail_in = n;
			rc = read_something(i);
			if (fail_in > 0) {
				fail_in = 0;
				assert_true(rc == 0 || rc == 5);
				break;
			}
			if (rc != MUS_ERR_STORE)
				fail_msg("read %u, step %u: %d", i, n, rc);
		}
	mus_store_close(w.s);
}

/* ---- files ---- */

static char folder[256], path[300];

static int
setup(void **state)
{
	(void)state;
	folder_make(folder);
	snprintf(path, sizeof path, "%s/music.db", folder);
	return 0;
}
static int
teardown(void **state)
{
	(void)state;
	fail_in = 0;
	folder_remove(folder);
	return 0;
}

static struct mus_store *
open_ok(void)
{
	struct mus_store *s = NULL;

	OK(mus_store_open(path, &s, &et));
	return s;
}
static void
expect_no_open(const char *at, int want, const char *words)
{
	struct mus_store *s = NULL;

	ERR(mus_store_open(at, &s, &et), want, words);
	assert_null(s);
}
static unsigned
mode_of(const char *suffix)
{
	char file[400];
	struct stat st;

	snprintf(file, sizeof file, "%s%s", path, suffix);
	assert_int_equal(stat(file, &st), 0);
	return st.st_mode & 0777;
}

static void
file_is_private(void **state)
{
	mode_t old = umask(0);
	struct mus_store *s = open_ok();

	(void)state;
	fill_zone(&w.z, "z.", 0, NULL, 0);
	OK(mus_store_save_zone(s, &w.z, &et));
	assert_int_equal(mode_of(""), 0600);
	assert_int_equal(mode_of("-wal"), 0600);
	assert_int_equal(mode_of("-shm"), 0600);
	assert_int_equal(mode_of(".lock"), 0600);
	mus_store_close(s);
	assert_int_equal(chmod(path, 0644), 0);
	s = open_ok();
	assert_int_equal(mode_of(""), 0600);
	OK(mus_store_load_zone(s, "z.", &w.z, &et));	/* and it is still there */
	mus_store_close(s);
	umask(old);
}

static void
bad_paths(void **state)
{
	char file[1000];

	(void)state;
	snprintf(file, sizeof file, "%s/none/music.db", folder);
	expect_no_open(file, MUS_ERR_NOTFOUND, "/none/music.db");
	expect_no_open(folder, MUS_ERR_STORE, folder);
	expect_no_open("", MUS_ERR_INVAL, "path");
	memset(file, 'x', sizeof file - 1);
	file[sizeof file - 1] = '\0';
	expect_no_open(file, MUS_ERR_INVAL, "path");
}

/* The end of a child: its exit status, or 128 + signal. */
static int
wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
one_process_at_a_time(void **state)
{
	static struct mus_store *s;	/* static: the child ends with it, which is no leak to valgrind */
	struct mus_store *second = NULL;
	char words[64];
	pid_t pid;

	(void)state;
	s = open_ok();
	snprintf(words, sizeof words, "in use by another process (pid %ld)", (long)getpid());
	expect_no_open(path, MUS_ERR_STORE, words);
	if ((pid = fork()) == 0)
		_exit(mus_store_open(path, &second, &et) == MUS_ERR_STORE && strstr(et.s, words) ? 0 : 1);
	assert_int_equal(wait_for(pid), 0);
	mus_store_close(s);
	s = open_ok();
	mus_store_close(s);
}

static void
run_on_file(const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

#define WITHOUT_LOST "DROP INDEX zone_signer_lost; ALTER TABLE zone_signer DROP COLUMN lost_ttl_s;" \
	"ALTER TABLE zone_signer DROP COLUMN lost_until_ms;"
#define WITHOUT_NOTE "ALTER TABLE clock DROP COLUMN wall_ms; ALTER TABLE clock DROP COLUMN boot_ms;" \
	"ALTER TABLE clock DROP COLUMN boot_id;"
#define WITH_SHARED "ALTER TABLE signer_ns ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE zone_ns ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0;"

static void
versions(void **state)
{
	struct mus_store *s = open_ok();
	struct mus_clocks clocks;
	struct mus_buf out;

	(void)state;
	mus_store_close(s);
	run_on_file("PRAGMA user_version = 99");
	expect_no_open(path, MUS_ERR_UNSUPPORTED, "schema version 99");
	/* from version 5: what two signers shared stands at both */
	run_on_file(WITHOUT_LOST WITHOUT_NOTE WITH_SHARED " PRAGMA user_version = 5;"
		    "INSERT INTO signer SELECT value, 'signer ' || value, 'manual', '', '', 0, 0, 0, 0, 2, 2, 2, 2, 2, 0, 0, 0"
		    " FROM json_each('[1,2]');"
		    "INSERT INTO signer_ns SELECT id, 0, 'ns.own.' || id || '.', '192.0.2.' || id, 0 FROM signer;"
		    "INSERT INTO signer_ns SELECT id, 1, 'ns.shared.', '192.0.2.3 2001:db8::3', 1 FROM signer;"
		    "INSERT INTO zone SELECT 6, 'y.', NULL, 0, 0, '', '', '', '', '', '', '', '', 0, 0, 0, 0, 0;"
		    "INSERT INTO zone_signer SELECT 6, id, id, '', 0, 0, 0, 0 FROM signer;"
		    "INSERT INTO zone_ns SELECT 6, id, 0, 'ns.vanity.', '192.0.2.4', 1 FROM signer");
	s = open_ok();
	OK(mus_store_load_zone(s, "y.", &w.z, &et));
	assert_int_equal(w.z.signer_count, 2);
	for (int i = 1; i <= 2; i++) {
		struct mus_signer_obj so;

		OK(mus_store_load_signer_id(s, i, &so, &et));
		assert_int_equal(so.ns_count, 2);
		assert_int_equal(so.ns[0].addr_count, 1);
		assert_string_equal(so.ns[1].name, "ns.shared.");
		assert_int_equal(so.ns[1].addr_count, 2);
		assert_string_equal(w.z.signer[i - 1].ns[0].name, "ns.vanity.");
		assert_int_equal(w.z.signer[i - 1].ns[0].addr_count, 1);
	}
	mus_store_close(s);
	/* from version 2: no state is behind, none is of a backup, and where the clocks were nobody knows */
	run_on_file(WITHOUT_LOST WITH_SHARED "DROP TABLE clock; ALTER TABLE zone_state DROP COLUMN shifted_ms; PRAGMA user_version = 2;"
		    "DROP TABLE sent; ALTER TABLE zone_state DROP COLUMN restores;"
		    "INSERT INTO zone SELECT 7, 'z.', NULL, 0, 0, '', '', '', '', '', '', '', '', 0, 0, 0, 0, 0;"
		    "INSERT INTO zone_state VALUES(7, x'41')");
	s = open_ok();
	mus_buf_init(&out, 0);
	OK(mus_store_load_state(s, 7, &out, &age, &et));
	mus_buf_clear(&out);
	assert_int_equal(age.behind_ms, 0);
	assert_false(age.is_restored);
	assert_null(mus_store_is_older(s));
	OK(mus_store_load_clocks(s, &clocks, &et));
	assert_int_equal(clocks.wall.ms, 0);
	assert_string_equal(clocks.boot_id, "");
	mus_store_close(s);
	run_on_file("PRAGMA application_id = 7");
	expect_no_open(path, MUS_ERR_STORE, "another program");
	/* a schema that is not what the statements expect */
	run_on_file("PRAGMA application_id = 1297437513; DROP TABLE event");
	expect_no_open(path, MUS_ERR_STORE, "no such table");
	unlink(path);
	run_on_file("CREATE TABLE recipes(x)");
	expect_no_open(path, MUS_ERR_STORE, "another program");
}

static void
overwrite(off_t at, const void *p, size_t len)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, len, at), len);
	close(fd);
}

static void
damaged_files(void **state)
{
	static const char zeros[4096];
	struct mus_store *s;
	struct stat st;

	(void)state;
	overwrite(0, "this is not a database, but it is long enough to be looked at as one, if one likes; "
	    "indeed a hundred bytes are needed", 110);
	expect_no_open(path, MUS_ERR_STORE, "not a database");
	unlink(path);
	s = open_ok();
	for (unsigned i = 0; i < 200; i++) {
		char name[32];

		snprintf(name, sizeof name, "zone%u.example.", i);
		fill_zone(&w.z, name, 0, NULL, 0);
		OK(mus_store_save_zone(s, &w.z, &et));
	}
	mus_store_close(s);
	assert_int_equal(stat(path, &st), 0);
	overwrite(st.st_size / 4096 / 2 * 4096, zeros, sizeof zeros);
	expect_no_open(path, MUS_ERR_STORE, "damaged");
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	expect_no_open(path, MUS_ERR_STORE, "damaged");
}

/* ---- disk full ---- */

/* In a child: is a good database on a full disk told from a damaged one? */
static int
open_when_full(void)
{
	struct rlimit none = {0, 0};
	struct mus_store *s = NULL;

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &none) < 0)
		return 1;
	if (mus_store_open(path, &s, &et) != MUS_ERR_STORE || s != NULL)
		return 2;
	return strstr(et.s, "damaged") ? 3 : strstr(et.s, "make room") ? 0 : 4;
}
static void
full_at_start(void **state)
{
	struct mus_store *s = open_ok();
	pid_t pid;

	(void)state;
	mus_store_close(s);
	if ((pid = fork()) == 0)
		_exit(open_when_full());
	assert_int_equal(wait_for(pid), 0);
}

/* In a child: a limit on file size stands for a full disk.  Returns the line that failed. */
#define EXPECT(e) do { if (!(e)) return __LINE__ & 0xff; } while (0)
static int
write_until_full(bool small_cache)
{
	enum { BLOB = 200000 };
	struct rlimit old, tight;
	struct mus_store *s = NULL;
	struct mus_buf out;
	char *blob = calloc(1, BLOB);
	int rc = 0;

	signal(SIGXFSZ, SIG_IGN);
	mus_buf_init(&out, 0);
	EXPECT(blob != NULL && mus_store_open(path, &s, &et) == 0);
	EXPECT(mus_store_load_zone(s, "z.", &w.z, &et) == 0);
	if (small_cache)		/* pages are written before the commit */
		EXPECT(sqlite3_exec(s->db, "PRAGMA cache_size = 10", NULL, NULL, NULL) == SQLITE_OK);
	EXPECT(getrlimit(RLIMIT_FSIZE, &old) == 0);
	tight = old;
	tight.rlim_cur = 300000;
	EXPECT(setrlimit(RLIMIT_FSIZE, &tight) == 0);

	EXPECT(mus_store_begin(s, &et) == 0);
	strcpy(w.z.state, "INVALID");
	EXPECT(mus_store_save_zone_status(s, &w.z, &et) == 0);
	for (unsigned i = 0; i < 20 && rc == 0; i++) {
		memset(blob, (int)i + 1, BLOB);
		fill_zone(&w.z, "tmp.", 0, NULL, 0);
		snprintf(w.z.name, sizeof w.z.name, "z%u.", i);
		if ((rc = mus_store_save_zone(s, &w.z, &et)) == 0)
			rc = mus_store_save_state(s, w.z.id, blob, BLOB, &et);
	}
	EXPECT((rc != 0) == small_cache);
	rc = mus_store_commit(s, &et);
	EXPECT(rc == MUS_ERR_STORE && et.s[0] != '\0');
	EXPECT(mus_store_load_zone(s, "z1.", &w.z, &et) == MUS_ERR_NOTFOUND);
	EXPECT(mus_store_load_zone(s, "z.", &w.z, &et) == 0 && strcmp(w.z.state, "VALID") == 0);
	EXPECT(mus_store_load_state(s, w.z.id, &out, &age, &et) == 0);
	EXPECT(out.len == 3 && memcmp(out.data, "old", 3) == 0);

	EXPECT(setrlimit(RLIMIT_FSIZE, &old) == 0);	/* somebody made room */
	EXPECT(mus_store_save_state(s, w.z.id, "new", 3, &et) == 0);
	mus_store_close(s);
	mus_buf_clear(&out);
	free(blob);
	return 0;
}

static void
disk_full(void **state)
{
	(void)state;
	for (int small_cache = 0; small_cache < 2; small_cache++) {
		struct mus_store *s = open_ok();
		struct mus_buf out;
		pid_t pid;
		int rc;

		mus_buf_init(&out, 0);
		fill_zone(&w.z, "z.", 0, NULL, 0);
		OK(mus_store_save_zone(s, &w.z, &et));
		OK(mus_store_save_state(s, w.z.id, "old", 3, &et));
		mus_store_close(s);
		if ((pid = fork()) == 0)
			_exit(write_until_full(small_cache));
		rc = wait_for(pid);
		if (rc != 0)
			fail_msg("small cache %d: line %d (mod 256)", small_cache, rc);
		s = open_ok();
		OK(mus_store_load_zone(s, "z.", &w.z, &et));
		OK(mus_store_load_state(s, w.z.id, &out, &age, &et));
		assert_memory_equal(out.data, "new", 3);
		OK(mus_store_delete_zone(s, w.z.id, &et));
		mus_store_close(s);
		mus_buf_clear(&out);
	}
}

/* ---- kill -9 ---- */

/* Counts up in two zones at once, and tells of each commit. */
static void
count_for_ever(int fd)
{
	struct mus_store *s = NULL;
	int64_t id[2];
	uint64_t n = 0;

	if (mus_store_open(path, &s, &et) < 0)
		_exit(1);
	for (unsigned i = 0; i < 2; i++) {
		struct mus_buf out;

		if (mus_store_load_zone(s, i ? "b." : "a.", &w.z, &et) < 0)
			_exit(2);
		id[i] = w.z.id;
		mus_buf_init(&out, 0);
		if (mus_store_load_state(s, w.z.id, &out, &age, &et) < 0)
			_exit(3);
		memcpy(&n, out.data, sizeof n);
	}
	for (;;) {
		n++;
		if (mus_store_begin(s, &et) < 0 || mus_store_save_state(s, id[0], &n, sizeof n, &et) < 0)
			_exit(4);
		if (n % 3 == 0)
			usleep(300);
		if (mus_store_save_state(s, id[1], &n, sizeof n, &et) < 0 || mus_store_commit(s, &et) < 0 ||
		    write(fd, &n, sizeof n) != sizeof n)
			_exit(5);
	}
}

static uint64_t
counter_of(struct mus_store *s, const char *zone)
{
	struct mus_buf out;
	uint64_t n;

	mus_buf_init(&out, 0);
	OK(mus_store_load_zone(s, zone, &w.z, &et));
	OK(mus_store_load_state(s, w.z.id, &out, &age, &et));
	assert_int_equal(out.len, sizeof n);
	memcpy(&n, out.data, sizeof n);
	mus_buf_clear(&out);
	return n;
}

static void
killed(void **state)
{
	uint64_t zero = 0, told, got, sum = 0;
	struct mus_store *s = open_ok();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		fill_zone(&w.z, i ? "b." : "a.", 0, NULL, 0);
		OK(mus_store_save_zone(s, &w.z, &et));
		OK(mus_store_save_state(s, w.z.id, &zero, sizeof zero, &et));
	}
	mus_store_close(s);
	for (unsigned round = 0; round < 8; round++) {
		int fd[2];
		pid_t pid;

		assert_int_equal(pipe(fd), 0);
		if ((pid = fork()) == 0) {
			close(fd[0]);
			count_for_ever(fd[1]);
		}
		close(fd[1]);
		told = 0;
		for (unsigned i = 0; i < 3 + round * 5; i++)	/* until it has come so far */
			if (read(fd[0], &told, sizeof told) != sizeof told)
				break;
		kill(pid, SIGKILL);
		assert_int_equal(wait_for(pid), 128 + SIGKILL);
		while (read(fd[0], &got, sizeof got) == sizeof got)
			told = got;
		close(fd[0]);
		s = open_ok();			/* the lock went with the process */
		got = counter_of(s, "a.");
		assert_true(got == counter_of(s, "b."));
		assert_true(got >= told && got <= told + 1);
		mus_store_close(s);
		sum = got;
	}
	print_message("%llu transactions, 8 kills\n", (unsigned long long)sum);
}

int
main(void)
{
#define F(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_step_fails_alone),
	    cmocka_unit_test(each_step_fails_in_a_transaction),
	    cmocka_unit_test(begin_and_commit_fail),
	    cmocka_unit_test(reads_fail),
	    F(file_is_private), F(bad_paths), F(one_process_at_a_time), F(versions), F(damaged_files), F(full_at_start),
	    F(disk_full), F(killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
