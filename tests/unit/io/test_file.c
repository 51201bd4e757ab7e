#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/file.h"

static char dir[64], path[128], path2[128], sub[128];

static int
set_up(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/mus-test-file-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof path, "%s/a", dir);
	(void)snprintf(path2, sizeof path2, "%s/none/a", dir);
	(void)snprintf(sub, sizeof sub, "%s/sub", dir);
	return mkdir(sub, 0700);
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)rmdir(sub);
	return rmdir(dir);		/* fails when a temporary file was left */
}

static void
what_was_written_is_read(void **state)
{
	struct mus_buf b;
	struct mus_errtext et;
	struct stat st;
	char *big = malloc(100000);
	size_t i;

	(void)state;
	assert_non_null(big);
	for (i = 0; i < 100000; i++)
		big[i] = (char)(i * 7);
	mus_buf_init(&b, 0);
	assert_int_equal(mus_file_write(path, "old", 3, 0644, &et), 0);
	assert_int_equal(mus_file_write(path, big, 100000, 0640, &et), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true(mus_buf_add_str(&b, "x"));
	assert_int_equal(mus_file_read(path, 100000, &b, &et), 0);
	assert_int_equal(b.len, 100001);
	assert_memory_equal(b.data + 1, big, 100000);
	/* One byte more than allowed: the buffer is as it was before. */
	mus_buf_reset(&b);
	assert_true(mus_buf_add_str(&b, "keep"));
	assert_int_equal(mus_file_read(path, 99999, &b, &et), MUS_ERR_TOOBIG);
	assert_int_equal(b.len, 4);
	assert_string_equal((char *)b.data, "keep");
	assert_non_null(strstr(et.s, path));
	mus_buf_clear(&b);
	free(big);
}

static void
errors_name_the_file(void **state)
{
	struct mus_buf b;
	struct mus_errtext et;

	(void)state;
	mus_buf_init(&b, 0);
	assert_int_equal(mus_file_read(path2, 10, &b, &et), MUS_ERR_NOTFOUND);
	assert_non_null(strstr(et.s, path2));
	assert_int_equal(mus_file_read(dir, 10, &b, &et), MUS_ERR_IO);
	assert_int_equal(mus_file_write(path2, "x", 1, 0600, &et), MUS_ERR_NOTFOUND);
	assert_non_null(strstr(et.s, path2));
	/* A folder cannot be replaced: the error leaves no temporary file (see tear_down). */
	assert_true(mus_file_write(sub, "x", 1, 0600, &et) < 0);
	mus_buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(errors_name_the_file),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
