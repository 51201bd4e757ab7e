#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"

/* Every size: aligned, zeroed even in reused memory, and apart from its neighbours. */
static void
alloc(void **state)
{
	unsigned char *p[300];
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 0);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 300; i++) {
			size_t len = i * 37 % 5000;

			p[i] = mus_arena_alloc(&a, len);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			for (size_t j = 0; j < len; j++)
				assert_int_equal(p[i][j], 0);
			memset(p[i], (int)(i % 255 + 1), len);
		}
		for (size_t i = 0; i < 300; i++) {
			for (size_t j = 0; j < i * 37 % 5000; j++)
				assert_int_equal(p[i][j], i % 255 + 1);
		}
		assert_false(mus_arena_failed(&a));
		if (round == 0)
			mus_arena_reset(&a);
		else
			mus_arena_clear(&a);
		assert_int_equal(a.used_bytes, 0);
	}
	assert_null(a.head);
	mus_arena_clear(&a);		/* twice does no harm */
}

/* What reset keeps is enough to do the same small job again without a new block. */
static void
reset_keeps_one_block(void **state)
{
	struct mus_arena a;
	void *first;

	(void)state;
	mus_arena_init(&a, 0);
	first = mus_arena_alloc(&a, 100);
	mus_arena_reset(&a);
	assert_ptr_equal(mus_arena_alloc(&a, 100), first);
	mus_arena_reset(&a);
	mus_arena_reset(&a);
	mus_arena_clear(&a);
	mus_arena_reset(&a);
	assert_null(a.head);
}

/* The bound holds to the byte (of 16), failure is remembered until clear or reset. */
static void
bound(void **state)
{
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 160);
	assert_non_null(mus_arena_alloc(&a, 1));
	assert_non_null(mus_arena_alloc(&a, 128));
	assert_int_equal(a.used_bytes, 144);
	assert_null(mus_arena_alloc(&a, 17));
	assert_true(mus_arena_failed(&a));
	assert_non_null(mus_arena_alloc(&a, 16));	/* what fits is still given */
	assert_true(mus_arena_failed(&a));
	assert_null(mus_arena_alloc(&a, 0));
	mus_arena_reset(&a);
	assert_false(mus_arena_failed(&a));
	assert_null(mus_arena_alloc(&a, 161));
	mus_arena_clear(&a);
	assert_false(mus_arena_failed(&a));
	assert_null(mus_arena_alloc(&a, SIZE_MAX));
	assert_null(mus_arena_alloc(&a, SIZE_MAX - 14));
	mus_arena_clear(&a);
	mus_arena_init(&a, 0);
	assert_null(mus_arena_alloc(&a, SIZE_MAX));
	assert_null(mus_arena_copy(&a, "", SIZE_MAX));
	assert_true(mus_arena_failed(&a));
	mus_arena_clear(&a);
}

static void
copies(void **state)
{
	char long_text[1000];
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 0);
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	assert_memory_equal(mus_arena_copy(&a, "abc", 3), "abc", 3);
	assert_non_null(mus_arena_copy(&a, NULL, 0));
	assert_string_equal(mus_arena_strdup(&a, ""), "");
	assert_string_equal(mus_arena_strdup(&a, long_text), long_text);
	assert_string_equal(mus_arena_printf(&a, "%d-%s", 7, "y"), "7-y");
	/* around the size of the short way */
	for (int len = 250; len < 260; len++)
		assert_int_equal(strlen(mus_arena_printf(&a, "%.*s", len, long_text)), len);
	assert_string_equal(mus_arena_printf(&a, "%s", long_text), long_text);
	mus_arena_clear(&a);

	mus_arena_init(&a, 512);
	assert_null(mus_arena_printf(&a, "%s", long_text));
	assert_true(mus_arena_failed(&a));
	assert_null(mus_arena_strdup(&a, long_text));
	mus_arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc),
		cmocka_unit_test(reset_keeps_one_block),
		cmocka_unit_test(bound),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
