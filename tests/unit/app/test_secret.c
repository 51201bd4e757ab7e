#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "app/secret.h"

#include "temp.h"

static struct temp tmp;

static int
set_up(void **state)
{
	(void)state;
	return temp_open(&tmp);
}

static int
tear_down(void **state)
{
	(void)state;
	temp_close(&tmp);
	return 0;
}

static void
test_load(void **state)
{
	static char big[MUS_SECRET_MAX + 2];
	static const struct {
		const char *text;
		mode_t mode;
		int err;
		const char *value;
	} t[] = {
		{"abc", 0600, 0, "abc"},
		{" abc \r\n", 0640, 0, "abc"},
		{"\n\n one two \n three", 0400, 0, "one two"},
		{"", 0600, MUS_ERR_INVAL, NULL},
		{" \n\t\n", 0600, MUS_ERR_INVAL, NULL},
		{"abc", 0604, MUS_ERR_INVAL, NULL},
		{"abc", 0602, MUS_ERR_INVAL, NULL},
		{"abc", 0660, MUS_ERR_INVAL, NULL},
		{"abc", 0650, MUS_ERR_INVAL, NULL},
		{"abc", 0740, MUS_ERR_INVAL, NULL},
		{big, 0600, MUS_ERR_TOOBIG, NULL},
	};
	struct mus_secret s = {0};
	struct mus_errtext et;
	size_t i;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		const char *path = temp_write(&tmp, "s", t[i].text, t[i].mode);

		assert_int_equal(mus_secret_load(path, &s, &et), t[i].err);
		if (t[i].err) {
			assert_non_null(strstr(et.s, path));
			assert_null(s.bytes);
		} else {
			assert_string_equal(s.bytes, t[i].value);
			assert_int_equal(s.len, strlen(t[i].value));
		}
		mus_secret_clear(&s);
		unlink(path);
	}
	assert_int_equal(mus_secret_load(temp_path(&tmp, "none"), &s, &et), MUS_ERR_NOTFOUND);
	assert_int_equal(mus_secret_load(tmp.dir, &s, &et), MUS_ERR_INVAL);
}

static void
test_set(void **state)
{
	struct mus_secret s = {0};

	(void)state;
	assert_int_equal(mus_secret_set(&s, "one", 3), 0);
	assert_int_equal(mus_secret_set(&s, "other", 5), 0);
	assert_string_equal(s.bytes, "other");
	/* From itself. */
	assert_int_equal(mus_secret_set(&s, s.bytes + 1, 3), 0);
	assert_string_equal(s.bytes, "the");
	mus_secret_clear(&s);
	assert_null(s.bytes);
	mus_secret_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests_name("app/secret", tests, set_up, tear_down);
}
