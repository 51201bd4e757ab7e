/* What tests over an arena and names share; after the headers of cmocka. */
#ifndef TESTS_DNS_RIG_H
#define TESTS_DNS_RIG_H

#include "base/arena.h"
#include "dns/name.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct mus_arena arena;

static inline int
arena_new(void **state)
{
	(void)state;
	mus_arena_init(&arena, 0);
	return 0;
}

static inline int
arena_done(void **state)
{
	(void)state;
	mus_arena_clear(&arena);
	return 0;
}

static inline struct mus_name
name(const char *text)
{
	struct mus_name n = {0};

	assert_int_equal(mus_name_parse(text, &n, NULL), 0);
	return n;
}

#endif
