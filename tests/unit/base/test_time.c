#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/time.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
points(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"}, {1795322100123, "2026-11-22T04:35:00.123Z"},
		{-1, "1969-12-31T23:59:59.999Z"}, {-1000, "1969-12-31T23:59:59.000Z"},
		{INT64_MAX, "never"}, {INT64_MIN, "-"}, {951782400000, "2000-02-29T00:00:00.000Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
	};
	char out[MUS_TIME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(mus_time_text((struct mus_time){rows[i].ms}, out), rows[i].text);
	/* beyond what a calendar can say: some text, within its room */
	assert_true(strlen(mus_time_text((struct mus_time){INT64_MAX - 1}, out)) < MUS_TIME_TEXT_MAX);
	assert_true(strlen(mus_time_text((struct mus_time){INT64_MIN + 1}, out)) < MUS_TIME_TEXT_MAX);
}

/* One instant is one text: an end is not over before, what was is not told as later. */
static void
seconds(void **state)
{
	static const struct {
		int64_t ms;
		const char *end, *begin;
	} rows[] = {
		{1000, "1970-01-01T00:00:01Z", "1970-01-01T00:00:01Z"}, {1001, "1970-01-01T00:00:02Z", "1970-01-01T00:00:01Z"},
		{1999, "1970-01-01T00:00:02Z", "1970-01-01T00:00:01Z"}, {2000, "1970-01-01T00:00:02Z", "1970-01-01T00:00:02Z"},
		{59999, "1970-01-01T00:01:00Z", "1970-01-01T00:00:59Z"}, {-1, "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z"},
		{INT64_MAX, "never", "never"}, {INT64_MIN, "-", "-"},
	};
	char out[MUS_TIME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(mus_time_text_s((struct mus_time){rows[i].ms}, true, out), rows[i].end);
		assert_string_equal(mus_time_text_s((struct mus_time){rows[i].ms}, false, out), rows[i].begin);
	}
}

static void
arithmetic(void **state)
{
	struct mus_time t = mus_time_from_s(10), never = MUS_TIME_NEVER, always = MUS_TIME_ALWAYS;

	(void)state;
	assert_true(t.ms == 10000 && mus_time_to_s(t) == 10);
	assert_true(mus_time_to_s((struct mus_time){-1}) == -1);
	assert_true(mus_time_to_s((struct mus_time){-1000}) == -1);
	assert_true(mus_time_to_s((struct mus_time){-1001}) == -2);
	assert_true(mus_time_to_s((struct mus_time){10999}) == 10);
	assert_true(mus_time_add_s(t, -3).ms == 7000 && mus_time_add_ms(t, 1).ms == 10001);
	assert_true(mus_time_add_s(never, 5).ms == INT64_MAX);
	assert_true(mus_time_add_s(always, -5).ms == INT64_MIN);
	/* too far is for ever, not the other end of time */
	assert_true(mus_time_add_ms(t, INT64_MAX).ms == INT64_MAX);
	assert_true(mus_time_add_ms((struct mus_time){-10}, INT64_MIN).ms == INT64_MIN);
	assert_true(mus_time_add_s(t, INT64_MAX / 10).ms == INT64_MAX);
	assert_true(mus_time_add_s((struct mus_time){-10}, INT64_MIN / 10).ms == INT64_MIN);
	assert_true(mus_time_to_s(always) == INT64_MIN / 1000 - 1);
	assert_false(mus_time_is_set(never) || mus_time_is_set(always));
	assert_true(mus_time_is_set(t));
	assert_true(mus_time_before(always, t) && mus_time_before(t, never));
	assert_false(mus_time_before(t, t));
	assert_true(mus_time_max(t, never).ms == INT64_MAX && mus_time_min(t, always).ms == INT64_MIN);
}

static void
spans(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} rows[] = {
		{0, "0s"}, {90, "1m30s"}, {59, "59s"}, {60, "1m"}, {3600, "1h"}, {3661, "1h1m1s"},
		{86400, "1d"}, {604800, "7d"}, {-90, "-1m30s"}, {172860, "2d1m"},
		{INT64_MAX, "106751991167300d15h30m7s"}, {INT64_MIN, "-106751991167300d15h30m8s"},
	};
	char out[MUS_SPAN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(mus_span_text_s(rows[i].s, out), rows[i].text);
}

static void
parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"10", 10000}, {"0", 0}, {"10s", 10000}, {"5m", 300000}, {"1h", 3600000},
		{"2d", 172800000}, {"1w", 604800000}, {"1h30m", 5400000}, {"1500ms", 1500},
		{"1w2d3h4m5s6ms", 788645006}, {"90s", 90000}, {"1s1ms", 1001},
		{"9223372036854775807ms", INT64_MAX},
	};
	static const char *const bad[] = {
		"", "s", "-1", "+1", "1x", "1 s", " 1", "1s ", "1h30", "30m1h", "1h1h", "1mm", "1S", "1.5h",
		"9223372036854775808ms", "9223372036854775807", "99999999999999999999", "1ms1s",
		"15250284452471w1w",
	};
	char text[MUS_SPAN_TEXT_MAX];
	int64_t ms = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (mus_span_parse_ms(bad[i], &ms))
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_int_equal(ms, 77);
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(mus_span_parse_ms(rows[i].text, &ms));
		assert_true(ms == rows[i].ms);
	}
	/* what is printed is read again */
	for (int64_t s = 0; s < 1000000; s += 997) {
		assert_true(mus_span_parse_ms(mus_span_text_s(s, text), &ms));
		assert_true(ms == s * 1000);
	}
}

static void
pauses(void **state)
{
	static const struct {
		int64_t ms;
		unsigned times;
		int64_t max_ms, gives;
	} rows[] = {
		{100, 0, 800, 100}, {100, 1, 800, 200}, {100, 3, 800, 800}, {100, 4, 800, 800}, {100, 255, 800, 800},
		{100, 3, 799, 799}, {100, 3, 801, 800}, {100, 2, 799, 400}, {100, 0, 99, 99}, {100, 0, 100, 100},
		{3, 1, 5, 5}, {3, 1, 6, 6}, {3, 1, 7, 6}, {0, 7, 800, 0}, {0, UINT32_MAX, 800, 0}, {5, 9, 0, 0},
		{1, 62, INT64_MAX, INT64_MAX / 2 + 1}, {2, 62, INT64_MAX, INT64_MAX}, {3, UINT32_MAX, 800, 800},
		{INT64_MAX, 1, INT64_MAX, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (mus_span_doubled_ms(rows[i].ms, rows[i].times, rows[i].max_ms) != rows[i].gives)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points),
		cmocka_unit_test(seconds),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(spans),
		cmocka_unit_test(parse),
		cmocka_unit_test(pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
