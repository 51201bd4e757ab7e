/* What was sent, counted in the database and beside it: a backup that is put back is told from what ran. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fill.h"
#include "store/sql.h"

static char folder[256], path[300], backup[300], sent[310];
static struct mus_store *s;
static struct mus_errtext et;

#define OK(call) do { if ((call) < 0) fail_msg("%s", et.s); } while (0)

static int
setup(void **state)
{
	(void)state;
	folder_make(folder);
	snprintf(path, sizeof path, "%s/music.db", folder);
	snprintf(backup, sizeof backup, "%s/backup.db", folder);
	snprintf(sent, sizeof sent, "%s-sent", path);
	OK(mus_store_open(path, &s, &et));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mus_store_close(s);
	folder_remove(folder);
	return 0;
}

static void
start_again(void)
{
	mus_store_close(s);
	s = NULL;
	OK(mus_store_open(path, &s, &et));
}

/* As musicd does: counted with what is stored, marked after the commit. */
static void
send(unsigned batches)
{
	for (; batches > 0; batches--) {
		OK(mus_store_begin(s, &et));
		OK(mus_store_count_sent(s, &et));
		OK(mus_store_count_sent(s, &et));	/* a second change of the same batch */
		OK(mus_store_commit(s, &et));
		OK(mus_store_mark_sent(s, &et));
	}
}

static void
note_restored(int64_t at)
{
	OK(mus_store_begin(s, &et));
	OK(mus_store_note_restored(s, (struct mus_time){at}, &et));
	OK(mus_store_commit(s, &et));
	OK(mus_store_mark_sent(s, &et));
}

/* -1: nobody can tell. */
static long long
number_in_file(void)
{
	char text[64] = "";
	int fd = open(sent, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n == 21 ? strtoll(text, NULL, 10) : -1;
}

/* What SQLite's own means of copying give: of a backup by sqlite3, and of a restore. */
static void
copy(const char *from, const char *to)
{
	sqlite3 *a = NULL, *b = NULL;
	sqlite3_backup *copying;

	assert_int_equal(sqlite3_open(from, &a), SQLITE_OK);
	assert_int_equal(sqlite3_open(to, &b), SQLITE_OK);
	copying = sqlite3_backup_init(b, "main", a, "main");
	assert_non_null(copying);
	assert_int_equal(sqlite3_backup_step(copying, -1), SQLITE_DONE);
	assert_int_equal(sqlite3_backup_finish(copying), SQLITE_OK);
	sqlite3_close(a);
	sqlite3_close(b);
}

static void
put_back(void)
{
	mus_store_close(s);
	s = NULL;
	copy(backup, path);
	OK(mus_store_open(path, &s, &et));
}

static void
counted(void **state)
{
	struct stat st;

	(void)state;
	assert_null(mus_store_is_older(s));
	OK(mus_store_mark_sent(s, &et));
	assert_int_equal(number_in_file(), 0);
	send(3);
	assert_int_equal(s->sent, 3);
	assert_int_equal(number_in_file(), 3);
	assert_int_equal(stat(sent, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* What is taken back is not counted. */
	OK(mus_store_begin(s, &et));
	OK(mus_store_count_sent(s, &et));
	mus_store_rollback(s);
	OK(mus_store_mark_sent(s, &et));
	assert_int_equal(number_in_file(), 3);
	start_again();
	assert_null(mus_store_is_older(s));
	assert_int_equal(s->sent, 3);
	send(1);
	assert_int_equal(number_in_file(), 4);
}

/* Committed and killed before it was sent; a machine that lost what it had not written: no backup. */
static void
the_file_is_behind(void **state)
{
	(void)state;
	send(2);
	OK(mus_store_begin(s, &et));
	OK(mus_store_count_sent(s, &et));
	OK(mus_store_commit(s, &et));
	start_again();
	assert_null(mus_store_is_older(s));
	assert_int_equal(number_in_file(), 2);
	OK(mus_store_mark_sent(s, &et));	/* and it follows */
	assert_int_equal(number_in_file(), 3);
}

static void
a_backup_is_put_back(void **state)
{
	struct mus_state_age age;
	struct mus_zone_obj z;
	struct mus_buf out;

	(void)state;
	fill_zone(&z, "z.", 0, NULL, 0);
	OK(mus_store_save_zone(s, &z, &et));
	OK(mus_store_save_state(s, z.id, "x", 1, &et));
	mus_buf_init(&out, 0);
	send(2);
	copy(path, backup);
	/* nothing was sent since: as if nobody had run */
	put_back();
	assert_null(mus_store_is_older(s));
	send(1);
	for (unsigned i = 1; i <= 3; i++) {
		put_back();
		assert_non_null(mus_store_is_older(s));
		assert_non_null(strstr(mus_store_is_older(s), "sent since it was copied"));
		OK(mus_store_load_state(s, z.id, &out, &age, &et));
		assert_false(age.is_restored);
		/* as long as it is not noted it is found again */
		start_again();
		assert_non_null(mus_store_is_older(s));
		assert_true(mus_store_restored_at(s).ms == MUS_TIME_NEVER.ms);
		/* nor is it noted when that is taken back */
		OK(mus_store_begin(s, &et));
		OK(mus_store_note_restored(s, (struct mus_time){1}, &et));
		mus_store_rollback(s);
		assert_non_null(mus_store_is_older(s));
		note_restored(1000 + i);
		assert_null(mus_store_is_older(s));
		assert_int_equal(number_in_file(), 3 + i);
		start_again();
		assert_null(mus_store_is_older(s));
		assert_int_equal(mus_store_restored_at(s).ms, 1000 + i);
		OK(mus_store_load_state(s, z.id, &out, &age, &et));
		assert_true(age.is_restored);
		OK(mus_store_save_state(s, z.id, "y", 1, &et));
		OK(mus_store_load_state(s, z.id, &out, &age, &et));
		assert_false(age.is_restored);
	}
	mus_buf_clear(&out);
}

/* Another machine; or somebody has written into it. */
static void
the_file_is_not_there(void **state)
{
	static const char *const texts[] = {NULL, "", "7\n", "not a number at all.\n", "-0000000000000000007\n",
	    "00000000000000000009X"};

	(void)state;
	send(1);
	for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		mus_store_close(s);
		s = NULL;
		assert_int_equal(unlink(sent), 0);
		if (texts[i]) {
			int fd = open(sent, O_WRONLY | O_CREAT, 0600);

			assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
			close(fd);
		}
		OK(mus_store_open(path, &s, &et));
		assert_non_null(mus_store_is_older(s));
		assert_non_null(strstr(mus_store_is_older(s), "is not there"));
		note_restored(5);
		assert_int_equal(number_in_file(), 2 + i);
		start_again();
		assert_null(mus_store_is_older(s));
	}
}

static void
it_cannot_be_written(void **state)
{
	int fd = s->sent_fd;

	(void)state;
	send(1);
	s->sent_fd = open("/dev/full", O_RDWR);
	OK(mus_store_begin(s, &et));
	OK(mus_store_count_sent(s, &et));
	OK(mus_store_commit(s, &et));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mus_store_mark_sent(s, &et), MUS_ERR_STORE);
		assert_non_null(strstr(et.s, "music.db-sent: No space left"));
	}
	close(s->sent_fd);
	s->sent_fd = fd;
	OK(mus_store_mark_sent(s, &et));
	assert_int_equal(number_in_file(), 2);
	/* nor opened */
	mus_store_close(s);
	s = NULL;
	assert_int_equal(unlink(sent), 0);
	assert_int_equal(symlink("/dev/null", sent), 0);
	assert_int_equal(mus_store_open(path, &s, &et), MUS_ERR_STORE);
	assert_non_null(strstr(et.s, "music.db-sent: "));
	assert_null(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(counted),
	    T(the_file_is_behind),
	    T(a_backup_is_put_back),
	    T(the_file_is_not_there),
	    T(it_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
