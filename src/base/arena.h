/*
 * Arena: one region per request, answer or step, freed whole.  Not thread-safe.
 * Allocation failure: mus_arena_alloc returns NULL, and the arena remembers it (mus_arena_failed),
 * so that a builder may check once at its end.
 */
#ifndef MUS_BASE_ARENA_H
#define MUS_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct mus_arena_block;
struct mus_arena {
	struct mus_arena_block *head;	/* newest block first */
	size_t used_bytes;		/* handed out since init or the last clear */
	size_t max_bytes;		/* bound; 0: no bound */
	bool failed;
};

void mus_arena_init(struct mus_arena *a, size_t max_bytes);
void mus_arena_clear(struct mus_arena *a);			/* frees everything; usable again */
void mus_arena_reset(struct mus_arena *a);			/* as clear, but keeps one block */
void *mus_arena_alloc(struct mus_arena *a, size_t len);		/* 16-byte aligned, zeroed */
void *mus_arena_copy(struct mus_arena *a, const void *src, size_t len);
char *mus_arena_strdup(struct mus_arena *a, const char *s);
char *mus_arena_printf(struct mus_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline bool
mus_arena_failed(const struct mus_arena *a)
{
	return a->failed;
}

#endif
