#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/map.h"

/* The vectors of the paper: key 00..0f, message of the first n of 00 01 02 ... */
static void
siphash(void **state)
{
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
	};
	uint8_t m[16];

	(void)state;
	for (size_t i = 0; i < sizeof m; i++)
		m[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_true(mus_siphash(m, rows[i].len, 0x0706050403020100, 0x0f0e0d0c0b0a0908) ==
		    rows[i].want);
}

static void
basic(void **state)
{
	struct mus_map *m = mus_map_new(1, 2);
	int a, b;
	void *old = &b;

	(void)state;
	assert_non_null(m);
	assert_null(mus_map_get(m, "k", 1));
	assert_int_equal(mus_map_set(m, "k", 1, &a, &old), 0);
	assert_null(old);
	assert_ptr_equal(mus_map_get(m, "k", 1), &a);
	assert_null(mus_map_get(m, "k", 2));
	assert_null(mus_map_get(m, "", 0));
	assert_int_equal(mus_map_set(m, "k", 1, &b, &old), 0);
	assert_ptr_equal(old, &a);
	assert_int_equal(mus_map_count(m), 1);
	/* the empty key and one with a zero byte are keys like any other */
	assert_int_equal(mus_map_set(m, "", 0, &a, NULL), 0);
	assert_int_equal(mus_map_set(m, "\0", 1, &b, NULL), 0);
	assert_ptr_equal(mus_map_get(m, "", 0), &a);
	assert_ptr_equal(mus_map_get(m, "\0", 1), &b);
	assert_ptr_equal(mus_map_remove(m, "", 0), &a);
	assert_null(mus_map_remove(m, "", 0));
	assert_int_equal(mus_map_count(m), 2);
	mus_map_free(m);
	mus_map_free(NULL);
}

/* Thousands of random sets and removals against a plain array. */
static void
against_array(void **state)
{
	enum { KEYS = 700 };
	struct mus_map *m = mus_map_new(3, 4);
	static int value[KEYS];
	bool in[KEYS] = {false};
	uint64_t rnd = 88172645463325252;
	size_t count = 0;

	(void)state;
	assert_non_null(m);
	for (int step = 0; step < 60000; step++) {
		uint64_t key;
		void *got;

		rnd ^= rnd << 13;
		rnd ^= rnd >> 7;
		rnd ^= rnd << 17;
		key = rnd % KEYS;
		/* grows for a while, then shrinks, so that chains are torn up */
		if ((rnd >> 32) % 8 < (step / 10000 % 2 ? 2 : 6)) {
			assert_int_equal(mus_map_set(m, &key, sizeof key, &value[key], &got), 0);
			assert_ptr_equal(got, in[key] ? &value[key] : NULL);
			count += !in[key];
			in[key] = true;
		} else {
			got = mus_map_remove(m, &key, sizeof key);
			assert_ptr_equal(got, in[key] ? &value[key] : NULL);
			count -= in[key];
			in[key] = false;
		}
		assert_int_equal(mus_map_count(m), count);
		if (step % 500 != 0)
			continue;
		for (uint64_t k = 0; k < KEYS; k++)
			assert_ptr_equal(mus_map_get_u64(m, k), in[k] ? &value[k] : NULL);
	}
	mus_map_free(m);
}

static void
iterate(void **state)
{
	struct mus_map *m = mus_map_new(5, 6);
	static int value[100];
	int seen[100] = {0};
	size_t pos = 0, key_len = 0;
	const void *key = NULL;
	void *v = NULL;

	(void)state;
	assert_non_null(m);
	assert_false(mus_map_next(m, &pos, &key, &key_len, &v));
	for (uint64_t k = 0; k < 100; k++)
		assert_int_equal(mus_map_set(m, &k, sizeof k, &value[k], NULL), 0);
	for (pos = 0; mus_map_next(m, &pos, &key, &key_len, &v);) {
		uint64_t k;

		assert_int_equal(key_len, sizeof k);
		memcpy(&k, key, sizeof k);
		assert_ptr_equal(v, &value[k]);
		seen[k]++;
	}
	for (int k = 0; k < 100; k++)
		assert_int_equal(seen[k], 1);
	for (pos = 0; mus_map_next(m, &pos, NULL, NULL, NULL);)
		seen[0]++;
	assert_int_equal(seen[0], 101);
	mus_map_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash),
		cmocka_unit_test(basic),
		cmocka_unit_test(against_array),
		cmocka_unit_test(iterate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
