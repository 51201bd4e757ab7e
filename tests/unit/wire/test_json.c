#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "wire/json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
strings_are_escaped(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", "\"\""},
		{"plain", "\"plain\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\n\r\t\x01\x1f\x7f", "\"\\n\\r\\t\\u0001\\u001f\\u007f\""},
		{"</script>", "\"</script>\""},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
		{"\xff", "\"\xef\xbf\xbd\""},
		{"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},			/* not the shortest form */
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},	/* a surrogate */
		{"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},			/* cut off */
		{"x\xffy", "\"x\xef\xbf\xbdy\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_buf b;
		struct mus_json j;

		mus_buf_init(&b, 0);
		mus_json_init(&j, &b);
		mus_json_str(&j, rows[i].in);
		assert_string_equal((char *)b.data, rows[i].out);
		mus_buf_clear(&b);
	}
}

/* Every byte alone and every pair of bytes give a text that a strict reader takes. */
static void
whatever_comes_is_json(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 65536; v++) {
		const char in[2] = {(char)(v >> 8), (char)v};
		struct mus_buf b;
		struct mus_json j;
		json_t *back;

		mus_buf_init(&b, 0);
		mus_json_init(&j, &b);
		mus_json_str_len(&j, in, sizeof in);
		back = json_loadb((char *)b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(back);
		json_decref(back);
		mus_buf_clear(&b);
	}
}

static void
commas_stand_where_they_belong(void **state)
{
	struct mus_buf b;
	struct mus_json j;

	(void)state;
	mus_buf_init(&b, 0);
	mus_json_init(&j, &b);
	mus_json_object(&j);
	mus_json_name(&j, "a");
	mus_json_array(&j);
	mus_json_int(&j, INT64_MIN);
	mus_json_uint(&j, UINT64_MAX);
	mus_json_object(&j);
	mus_json_object_end(&j);
	mus_json_array(&j);
	mus_json_array_end(&j);
	mus_json_array_end(&j);
	mus_json_name(&j, "b\"");
	mus_json_bool(&j, true);
	mus_json_name(&j, "c");
	mus_json_null(&j);
	mus_json_name(&j, "d");
	mus_json_time(&j, mus_time_from_s(0));
	mus_json_name(&j, "e");
	mus_json_time(&j, MUS_TIME_NEVER);
	mus_json_name(&j, "f");
	mus_json_str(&j, NULL);
	mus_json_name(&j, "g");
	mus_json_raw(&j, "[1]", 3);
	mus_json_object_end(&j);
	assert_string_equal((char *)b.data,
	    "{\"a\":[-9223372036854775808,18446744073709551615,{},[]],\"b\\\"\":true,\"c\":null,"
	    "\"d\":\"1970-01-01T00:00:00.000Z\",\"e\":null,\"f\":null,\"g\":[1]}");
	mus_buf_clear(&b);
}

static void
a_full_buffer_is_remembered(void **state)
{
	struct mus_buf b;
	struct mus_json j;

	(void)state;
	mus_buf_init(&b, 16);
	mus_json_init(&j, &b);
	mus_json_array(&j);
	for (unsigned i = 0; i < 100; i++)
		mus_json_str(&j, "0123456789");
	mus_json_array_end(&j);
	assert_true(b.failed);
	assert_true(b.len <= 16);
	mus_buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(whatever_comes_is_json),
		cmocka_unit_test(commas_stand_where_they_belong),
		cmocka_unit_test(a_full_buffer_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
