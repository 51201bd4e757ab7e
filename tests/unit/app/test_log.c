#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
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

#include "app/log.h"

static int fds[2];
static struct mus_time clock_now;

static struct mus_time
test_clock(void)
{
	return clock_now;
}

static int
set_up(void **state)
{
	(void)state;
	clock_now = (struct mus_time){1000};
	return pipe2(fds, O_NONBLOCK);
}

static int
tear_down(void **state)
{
	(void)state;
	mus_log_open(&(struct mus_log_opts){.program = "test"});
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void
open_log(int level, int format, int64_t repeat_ms)
{
	mus_log_open(&(struct mus_log_opts){.program = "demo", .conf = {level, format, repeat_ms},
	    .fd = fds[1], .clock = test_clock});
}

/* What was written since the last call. */
static const char *
written(void)
{
	static char text[3 * MUS_LOG_LINE_MAX];
	ssize_t n = read(fds[0], text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_form(void **state)
{
	struct mus_name zone;
	struct mus_addr addr;
	const char *none = NULL;

	(void)state;
	open_log(MUS_LOG_DEBUG, MUS_LOG_TEXT, 0);
	assert_int_equal(mus_name_parse("Example.ORG", &zone, NULL), 0);
	assert_true(mus_addr_parse("192.0.2.1@5353", 53, &addr));
	mus_log_notice(NULL, "starts");
	assert_string_equal(written(), "1970-01-01T00:00:01.000Z demo notice: starts\n");
	errno = ENOENT;			/* the caller's is left alone */
	mus_log_notice(NULL, "starts: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(
	    written(), "1970-01-01T00:00:01.000Z demo notice: starts: No such file or directory\n");
	mus_log_info(&zone, "has %d keys", 3);
	assert_string_equal(
	    written(), "1970-01-01T00:00:01.000Z demo info: example.org: has 3 keys\n");
	mus_log_error("peer", "no route", "cannot connect");
	assert_string_equal(
	    written(), "1970-01-01T00:00:01.000Z demo error: peer: cannot connect (no route)\n");
	mus_log_warning(&addr, NULL, "is slow");
	assert_string_equal(
	    written(), "1970-01-01T00:00:01.000Z demo warning: 192.0.2.1@5353: is slow\n");
	mus_log_kv(MUS_LOG_DEBUG, &zone, "why",
	    MUS_FIELDS(MUS_KV("from", "a"), MUS_KV("to", "b c"), MUS_KV("n", -5),
		MUS_KV("u", (uint64_t)UINT64_MAX), MUS_KV("yes", (bool)true), MUS_KV("zone", &zone),
		MUS_KV("at", clock_now), MUS_KV("none", none), MUS_KV("q", "a\"=\\")),
	    "moved");
	assert_string_equal(written(),
	    "1970-01-01T00:00:01.000Z demo debug: example.org: moved (why) from=a"
	    " to=\"b c\" n=-5 u=18446744073709551615 yes=true zone=example.org"
	    " at=1970-01-01T00:00:01.000Z none=- q=\"a\\\"=\\\\\"\n");
}

static int evaluated;

static int
evaluate(void)
{
	return ++evaluated;
}

static void
test_levels(void **state)
{
	int level;

	(void)state;
	for (level = MUS_LOG_ERROR; level <= MUS_LOG_DEBUG; level++) {
		int lines = 0;
		const char *p;

		open_log(level, MUS_LOG_TEXT, 0);
		mus_log_error(NULL, NULL, "e");
		mus_log_warning(NULL, NULL, "w");
		mus_log_notice(NULL, "n");
		mus_log_info(NULL, "i");
		mus_log_debug(NULL, "d");
		for (p = written(); *p; p++)
			lines += *p == '\n';
		assert_int_equal(lines, level + 1);
	}
	open_log(MUS_LOG_INFO, MUS_LOG_TEXT, 0);
	mus_log_debug(NULL, "%d", evaluate());
	assert_int_equal(evaluated, 0);
	mus_log_info(NULL, "%d", evaluate());
	assert_int_equal(evaluated, 1);
	(void)written();
}

/* Words from outside cannot forge a line or move the cursor. */
static void
test_clean(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{"plain", "plain"},
		{"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
		{"\x1b[31mred\x7f", "\\x1b[31mred\\x7f"},
		{"\xc3\xbc \xe2\x82\xac \xf0\x9f\x99\x82", "\xc3\xbc \xe2\x82\xac \xf0\x9f\x99\x82"},
		{"\xc2\x9b", "\\xc2\\x9b"},			/* C1: CSI */
		{"\xe2\x80\xae" "evil", "\\xe2\\x80\\xaeevil"},	/* right-to-left override */
		{"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},		/* isolate */
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},		/* line separator */
		{"\xff\xfe", "\\xff\\xfe"},
		{"\xc0\xaf", "\\xc0\\xaf"},			/* overlong */
		{"\xe0\x80\x80", "\\xe0\\x80\\x80"},
		{"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
		{"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},		/* surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},	/* beyond Unicode */
		{"cut \xe2\x82", "cut \\xe2\\x82"},
	};
	char out[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++)
		assert_string_equal(mus_log_clean(t[i].in, out, sizeof out), t[i].out);
	assert_string_equal(mus_log_clean("a\nbc", out, 4), "a");	/* no half escape */
	open_log(MUS_LOG_INFO, MUS_LOG_TEXT, 0);
	mus_log_kv(MUS_LOG_INFO, "z\n", "e\n", MUS_FIELDS(MUS_KV("k\n", "v\n")), "m%s", "\n");
	assert_string_equal(written(), "1970-01-01T00:00:01.000Z demo info: z\\x0a: m\\x0a (e\\x0a) k\\x0a=v\\x0a\n");
}

static void
test_journal(void **state)
{
	struct stat st;
	char stream[64];
	static const char *const want[] = {"<3>x\n", "<4>x\n", "<5>x\n", "<6>x\n", "<7>x\n"};
	int i;

	(void)state;
	assert_int_equal(fstat(fds[1], &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	open_log(MUS_LOG_DEBUG, MUS_LOG_TEXT, 0);
	for (i = 0; i < 5; i++) {
		mus_log_kv((enum mus_log_level)i, NULL, NULL, NULL, "x");
		assert_string_equal(written(), want[i]);
	}
	open_log(MUS_LOG_DEBUG, MUS_LOG_JSON, 0);
	mus_log_info(NULL, "x");
	assert_int_equal(strncmp(written(), "<6>{\"time\"", 10), 0);
	/* The journal is somebody else's stderr. */
	setenv("JOURNAL_STREAM", "1:1", 1);
	open_log(MUS_LOG_DEBUG, MUS_LOG_TEXT, 0);
	mus_log_info(NULL, "x");
	assert_int_equal(strncmp(written(), "1970-", 5), 0);
	unsetenv("JOURNAL_STREAM");
}

static void
test_json(void **state)
{
	json_error_t err;
	json_t *j;
	char longtext[3000];
	struct mus_name zone;
	const char *s;

	(void)state;
	open_log(MUS_LOG_DEBUG, MUS_LOG_JSON, 0);
	assert_int_equal(mus_name_parse("a\\.b.org", &zone, NULL), 0);
	mus_log_kv(MUS_LOG_INFO, &zone, "an \"error\"\n", MUS_FIELDS(MUS_KV("n", 7), MUS_KV("ok", (bool)false),
	    MUS_KV("t", "\xff\\"), MUS_KV("none", (const char *)NULL)), "moved");
	s = written();
	assert_string_equal(s, "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"info\",\"program\":\"demo\","
	    "\"zone\":\"a\\\\.b.org\",\"message\":\"moved\",\"error\":\"an \\\"error\\\"\\\\x0a\","
	    "\"n\":7,\"ok\":false,\"t\":\"\\\\xff\\\\\",\"none\":null}\n");
	/* However long its parts, a line is JSON and ends. */
	memset(longtext, '"', sizeof longtext - 1);
	longtext[sizeof longtext - 1] = '\0';
	mus_log_kv(MUS_LOG_INFO, longtext, longtext, MUS_FIELDS(MUS_KV("a", longtext), MUS_KV("b", longtext),
	    MUS_KV("c", longtext), MUS_KV("d", longtext), MUS_KV("e", longtext)), "%s", longtext);
	s = written();
	assert_true(strlen(s) <= MUS_LOG_LINE_MAX);
	assert_int_equal(s[strlen(s) - 1], '\n');
	if (!(j = json_loads(s, 0, &err)))
		fail_msg("%s: %s", err.text, s);
	assert_non_null(json_object_get(j, "error"));
	json_decref(j);
}

static void
test_long(void **state)
{
	char longtext[6000];
	const char *s;

	(void)state;
	memset(longtext, 'x', sizeof longtext - 1);
	longtext[sizeof longtext - 1] = '\0';
	open_log(MUS_LOG_DEBUG, MUS_LOG_TEXT, 0);
	mus_log_kv(MUS_LOG_INFO, longtext, longtext, MUS_FIELDS(MUS_KV("a", longtext), MUS_KV("b", longtext),
	    MUS_KV("c", longtext), MUS_KV("d", longtext), MUS_KV("e", longtext)), "%s", longtext);
	s = written();
	assert_true(strlen(s) <= MUS_LOG_LINE_MAX);
	assert_int_equal(s[strlen(s) - 1], '\n');
	assert_non_null(strstr(s, "x... (x"));
}

/* Equal lines are counted and told once, when their time is over. */
static void
test_repeat(void **state)
{
	uint64_t before;
	int i;

	(void)state;
	open_log(MUS_LOG_INFO, MUS_LOG_TEXT, 10000);
	before = mus_log_count(MUS_LOG_WARNING);
	for (i = 0; i < 5; i++)
		mus_log_warning("z", "down", "no answer");
	assert_string_equal(written(), "1970-01-01T00:00:01.000Z demo warning: z: no answer (down)\n");
	assert_int_equal(mus_log_count(MUS_LOG_WARNING) - before, 5);
	/* Another zone, another level: another line. */
	mus_log_warning("y", "down", "no answer");
	mus_log_error("z", "down", "no answer");
	assert_string_equal(written(),
	    "1970-01-01T00:00:01.000Z demo warning: y: no answer (down)\n"
	    "1970-01-01T00:00:01.000Z demo error: z: no answer (down)\n");
	clock_now.ms = 10999;
	mus_log_tick();
	assert_string_equal(written(), "");
	clock_now.ms = 11000;
	mus_log_tick();
	assert_string_equal(written(),
	    "1970-01-01T00:00:11.000Z demo warning: z: no answer (down) (repeated 4 times)\n");
	mus_log_tick();
	assert_string_equal(written(), "");
	/* Then it is a line again; flush tells what is left. */
	mus_log_warning("z", "down", "no answer");
	mus_log_warning("z", "down", "no answer");
	mus_log_flush();
	assert_string_equal(written(),
	    "1970-01-01T00:00:11.000Z demo warning: z: no answer (down)\n"
	    "1970-01-01T00:00:11.000Z demo warning: z: no answer (down) (repeated 1 times)\n");
	/* A clock set back does not keep lines for ever. */
	mus_log_warning("z", "down", "no answer");
	clock_now.ms = 5;
	mus_log_warning("z", "down", "no answer");
	assert_string_equal(written(),
	    "1970-01-01T00:00:11.000Z demo warning: z: no answer (down)\n"
	    "1970-01-01T00:00:00.005Z demo warning: z: no answer (down)\n");
}

static void
test_repeat_crowd(void **state)
{
	json_t *j;
	int i;

	(void)state;
	open_log(MUS_LOG_INFO, MUS_LOG_JSON, 10000);
	mus_log_info(NULL, "first");
	mus_log_info(NULL, "first");
	(void)written();
	clock_now.ms++;
	/* More different lines than places: the one longest not seen is told and forgotten. */
	for (i = 0; i < 31; i++)
		mus_log_info(NULL, "%d", i);
	assert_null(strstr(written(), "first"));
	mus_log_info(NULL, "last");
	j = json_loads(written(), JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "message")), "first");
	assert_int_equal(json_integer_value(json_object_get(j, "repeated")), 1);
	json_decref(j);
	/* "0" is the oldest of those left, but was just seen again. */
	clock_now.ms++;
	mus_log_info(NULL, "0");
	assert_string_equal(written(), "");
	mus_log_info(NULL, "one more");
	assert_null(strstr(written(), "repeated"));
	/* A new form (reload): what was counted is told first. */
	open_log(MUS_LOG_INFO, MUS_LOG_TEXT, 10000);
	assert_non_null(strstr(written(), "\"message\":\"0\",\"repeated\":1}\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clean, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_journal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_repeat, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_repeat_crowd, set_up, tear_down),
	};

	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("app/log", tests, NULL, NULL);
}
