#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
add(void **state)
{
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	assert_true(mus_buf_add_str(&b, "ab"));
	assert_true(mus_buf_add_u8(&b, 1));
	assert_true(mus_buf_add_u16(&b, 0x0203));
	assert_true(mus_buf_add_u32(&b, 0x04050607));
	assert_true(mus_buf_add_u64(&b, 0x08090a0b0c0d0e0f));
	assert_true(mus_buf_add(&b, NULL, 0));
	assert_true(mus_buf_printf(&b, "%d%s", 42, "z"));
	assert_int_equal(b.len, 20);
	assert_memory_equal(b.data, "ab\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf" "42z", 21);
	mus_buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal((char *)b.data, "");
	mus_buf_clear(&b);
	assert_null(b.data);
	mus_buf_clear(&b);
}

/* Terminated at every length, across each growth. */
static void
grow(void **state)
{
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	for (size_t i = 0; i < 5000; i++) {
		assert_true(mus_buf_add_u8(&b, (uint8_t)('a' + i % 26)));
		assert_int_equal(b.len, i + 1);
		assert_int_equal(b.data[b.len], '\0');
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	mus_buf_clear(&b);
}

/* A failed append leaves the content, and nothing more is taken: a hole would be worse. */
static void
bound(void **state)
{
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 4);
	assert_true(mus_buf_add_str(&b, "abc"));
	assert_false(mus_buf_add_str(&b, "de"));
	assert_true(b.failed);
	assert_string_equal((char *)b.data, "abc");
	assert_false(mus_buf_add_str(&b, "d"));
	assert_false(mus_buf_printf(&b, "d"));
	assert_string_equal((char *)b.data, "abc");
	mus_buf_reset(&b);
	assert_true(mus_buf_add_str(&b, "abcd"));	/* exactly the bound */
	assert_false(mus_buf_printf(&b, "%d", 1));
	assert_string_equal((char *)b.data, "abcd");
	mus_buf_clear(&b);
	assert_false(b.failed);
	assert_int_equal(b.max_bytes, 4);
	assert_false(mus_buf_add(&b, "", SIZE_MAX));
	mus_buf_clear(&b);
}

static void
take(void **state)
{
	struct mus_buf b;
	uint8_t *p;
	size_t len = 77;

	(void)state;
	mus_buf_init(&b, 100);
	p = mus_buf_take(&b, &len);
	assert_null(p);
	assert_int_equal(len, 0);
	assert_true(mus_buf_add_str(&b, "abc"));
	p = mus_buf_take(&b, &len);
	assert_int_equal(len, 3);
	assert_string_equal((char *)p, "abc");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max_bytes, 100);
	assert_true(mus_buf_add_str(&b, "d"));
	free(p);
	free(mus_buf_take(&b, NULL));
}

static void
reader(void **state)
{
	const uint8_t bytes[] = {1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 'x', 'y'};
	struct mus_rd r = mus_rd_of(bytes, sizeof bytes);

	(void)state;
	assert_int_equal(mus_rd_u8(&r), 1);
	assert_int_equal(mus_rd_u16(&r), 2);
	assert_int_equal(mus_rd_u32(&r), 3);
	assert_true(mus_rd_u64(&r) == 4);
	assert_memory_equal(mus_rd_bytes(&r, 2), "xy", 2);
	assert_true(r.p == r.end);
	assert_non_null(mus_rd_bytes(&r, 0));
	assert_false(r.failed);
	assert_null(mus_rd_bytes(&r, 1));
	assert_true(r.failed);
	/* once failed, always failed */
	r.p = bytes;
	assert_int_equal(mus_rd_u8(&r), 0);
	assert_null(mus_rd_bytes(&r, 0));

	for (size_t len = 0; len < 8; len++) {
		r = mus_rd_of(bytes, len);
		(void)mus_rd_u64(&r);
		assert_true(r.failed);
		assert_true(r.p == bytes);	/* nothing taken of a number that is cut */
	}
	r = mus_rd_of(bytes, 1);
	assert_null(mus_rd_bytes(&r, SIZE_MAX));
}

static void
leb128(void **state)
{
	static const uint64_t u[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
	static const int64_t s[] = {0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"", 0}, {"\x80", 1}, {"\x80\x00", 2}, {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}, {"\x81\x80\x00", 3},
	};
	struct mus_buf b;
	struct mus_rd r;

	(void)state;
	mus_buf_init(&b, 0);
	for (size_t i = 0; i < COUNT(u); i++)
		assert_true(mus_buf_add_uvar(&b, u[i]));
	for (size_t i = 0; i < COUNT(s); i++)
		assert_true(mus_buf_add_svar(&b, s[i]));
	assert_memory_equal(b.data, "\0\1\x7f\x80\1\xff\x7f\x80\x80\1", 10);
	r = mus_rd_of(b.data, b.len);
	for (size_t i = 0; i < COUNT(u); i++)
		assert_true(mus_rd_uvar(&r) == u[i]);
	for (size_t i = 0; i < COUNT(s); i++)
		assert_true(mus_rd_svar(&r) == s[i]);
	assert_false(r.failed);
	assert_true(r.p == r.end);
	/* zig-zag: small numbers of either sign are one byte */
	mus_buf_reset(&b);
	assert_true(mus_buf_add_svar(&b, -1) && mus_buf_add_svar(&b, 1) && mus_buf_add_svar(&b, -64));
	assert_memory_equal(b.data, "\1\2\x7f", 4);
	mus_buf_clear(&b);
	/* one value, one spelling */
	for (size_t i = 0; i < COUNT(bad); i++) {
		r = mus_rd_of(bad[i].bytes, bad[i].len);
		assert_true(mus_rd_uvar(&r) == 0);
		assert_true(r.failed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add),
		cmocka_unit_test(grow),
		cmocka_unit_test(bound),
		cmocka_unit_test(take),
		cmocka_unit_test(reader),
		cmocka_unit_test(leb128),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
