#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
numbers(void **state)
{
	static const char *const bad[] = {
		"", "-", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616", "--1", "1.0",
	};
	uint64_t u = 77;
	int64_t i = 77;

	(void)state;
	assert_true(mus_parse_u64("0", 0, &u) && u == 0);
	assert_true(mus_parse_u64("007", 7, &u) && u == 7);
	assert_true(mus_parse_u64("18446744073709551615", UINT64_MAX, &u) && u == UINT64_MAX);
	u = 77;
	assert_false(mus_parse_u64("8", 7, &u));
	assert_false(mus_parse_u64("-1", UINT64_MAX, &u));
	for (size_t k = 0; k < COUNT(bad); k++) {
		assert_false(mus_parse_u64(bad[k], UINT64_MAX, &u));
		assert_false(mus_parse_i64(bad[k], INT64_MIN, INT64_MAX, &i));
	}
	assert_int_equal(u, 77);
	assert_int_equal(i, 77);
	assert_true(mus_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &i) && i == INT64_MIN);
	assert_true(mus_parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &i) && i == INT64_MAX);
	assert_true(mus_parse_i64("-0", -1, 1, &i) && i == 0);
	assert_false(mus_parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &i));
	assert_false(mus_parse_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &i));
	assert_false(mus_parse_i64("-2", -1, 1, &i));
	assert_false(mus_parse_i64("2", -1, 1, &i));
}

static void
copy(void **state)
{
	char out[4] = "zzz";

	(void)state;
	assert_true(mus_strcpy(out, sizeof out, "abc"));
	assert_string_equal(out, "abc");
	assert_false(mus_strcpy(out, sizeof out, "abcd"));
	assert_string_equal(out, "abc");
	assert_false(mus_strcpy(out, 1, "a"));
	assert_string_equal(out, "");
	assert_true(mus_strcpy(out, 1, ""));
	out[0] = 'q';
	assert_false(mus_strcpy(out, 0, ""));
	assert_int_equal(out[0], 'q');
}

static void
hex(void **state)
{
	static const char *const bad[] = {"0", "0g", "g0", "012", " 01", "0x01"};
	char text[11];
	uint8_t out[5];

	(void)state;
	mus_hex_encode((const uint8_t *)"\x00\x7f\xff\xab\x10", 5, text);
	assert_string_equal(text, "007fffab10");
	assert_int_equal(mus_hex_decode("007FffaB10", out, 5), 5);
	assert_memory_equal(out, "\x00\x7f\xff\xab\x10", 5);
	assert_int_equal(mus_hex_decode("007FffaB10", out, 4), -1);
	assert_int_equal(mus_hex_decode("", out, 0), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(mus_hex_decode(bad[i], out, 5), -1);
}

/* RFC 4648 10 */
static void
base64(void **state)
{
	static const struct {
		const char *plain, *text;
	} rows[] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xff\xef\xbe", "/+++"},
	};
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zm8=Z", "Zm9v=", "Zm9v====",
		"Zh==", "Zm9=", "Zm9-", "Zm.v", "Zg=x", "Z=g=",
	};
	char text[64];
	uint8_t out[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = strlen(rows[i].plain), text_len = strlen(rows[i].text);

		mus_base64_encode((const uint8_t *)rows[i].plain, len, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(mus_base64_decode(text, text_len, out, len), len);
		assert_memory_equal(out, rows[i].plain, len);
		if (len > 0)
			assert_int_equal(mus_base64_decode(text, text_len, out, len - 1), -1);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (mus_base64_decode(bad[i], strlen(bad[i]), out, sizeof out) != -1)
			fail_msg("%s", bad[i]);
	}
	assert_int_equal(mus_base64_decode(" Zm\n9v\tYg\r= = ", 14, out, 64), 4);
	assert_memory_equal(out, "foob", 4);
	/* every length and byte there and back */
	for (size_t len = 0; len < 40; len++) {
		uint8_t in[40];

		for (size_t i = 0; i < len; i++)
			in[i] = (uint8_t)(i * 89 + len * 31);
		mus_base64_encode(in, len, text);
		assert_int_equal(mus_base64_decode(text, strlen(text), out, sizeof out), len);
		assert_memory_equal(in, out, len);
	}
}

static void
secret(void **state)
{
	(void)state;
	assert_true(mus_equal_secret("abc", "abc", 3));
	assert_true(mus_equal_secret("abc", "abd", 2));
	assert_false(mus_equal_secret("abc", "abd", 3));
	assert_false(mus_equal_secret("xbc", "abc", 3));
	assert_true(mus_equal_secret(NULL, NULL, 0));
}

static void
nearest(void **state)
{
	static const char *const words[] = {"listen", "zone", "signer", "signergroup", "tls", "log", "state"};
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"listn", "listen"}, {"lisetn", "listen"}, {"zones", "zone"}, {"signr", "signer"},
		{"signer", "signer"}, {"signergruop", "signergroup"}, {"sinergrup", "signergroup"},
		{"tsl", "tls"}, {"xyz", NULL}, {"", NULL}, {"a", NULL}, {"completely", NULL}, {"on", NULL},
		/* of a short word little may be wrong */
		{"foo", NULL}, {"lag", "log"}, {"lgo", "log"}, {"gol", NULL}, {"zoo", NULL}, {"zoen", "zone"}, {"tzaet", NULL},
		{"sttae", "state"}, {"stats", "state"}, {"tsate", "state"}, {"sttes", NULL}, {"isgnre", "signer"},
	};
	char big[200];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = mus_text_nearest(rows[i].in, words, COUNT(words));

		if ((got == NULL) != (rows[i].want == NULL) || (got && strcmp(got, rows[i].want) != 0))
			fail_msg("%s: %s", rows[i].in, got ? got : "none");
	}
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_null(mus_text_nearest(big, words, COUNT(words)));
	assert_null(mus_text_nearest("zone", NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(copy),
		cmocka_unit_test(hex),
		cmocka_unit_test(base64),
		cmocka_unit_test(secret),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
