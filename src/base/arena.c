#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { BLOCK_BYTES = 4096, BLOCK_BYTES_MAX = 256 * 1024, ALIGN = 16 };

struct mus_arena_block {
	struct mus_arena_block *next;
	size_t cap, used;		/* of bytes[] */
	_Alignas(ALIGN) unsigned char bytes[];
};

void
mus_arena_init(struct mus_arena *a, size_t max_bytes)
{
	*a = (struct mus_arena){.max_bytes = max_bytes};
}

static void
free_blocks(struct mus_arena_block *b)
{
	while (b) {
		struct mus_arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void
mus_arena_clear(struct mus_arena *a)
{
	free_blocks(a->head);
	a->head = NULL;
	a->used_bytes = 0;
	a->failed = false;
}

void
mus_arena_reset(struct mus_arena *a)
{
	if (a->head) {
		/* The newest block is the largest ordinary one: it fits the next job best. */
		free_blocks(a->head->next);
		a->head->next = NULL;
		a->head->used = 0;
	}
	a->used_bytes = 0;
	a->failed = false;
}

/* A block with room for ${len}; sizes double, so that a big job costs few mallocs. */
static struct mus_arena_block *
add_block(struct mus_arena *a, size_t len)
{
	struct mus_arena_block *b;
	size_t cap = a->head ? a->head->cap * 2 : BLOCK_BYTES - sizeof *b;

	if (cap > BLOCK_BYTES_MAX)
		cap = BLOCK_BYTES_MAX;
	if (cap < len)
		cap = len;
	if ((b = malloc(sizeof *b + cap)) == NULL)
		return NULL;
	b->cap = cap;
	b->used = 0;
	b->next = a->head;
	a->head = b;
	return b;
}

void *
mus_arena_alloc(struct mus_arena *a, size_t len)
{
	struct mus_arena_block *b = a->head;
	size_t need;
	void *p;

	if (len > SIZE_MAX / 4)
		goto fail;
	need = (len + ALIGN - 1) / ALIGN * ALIGN;
	if (need == 0)
		need = ALIGN;		/* every call gives an address of its own */
	if (a->max_bytes != 0 && (need > a->max_bytes || a->used_bytes > a->max_bytes - need))
		goto fail;
	if ((!b || b->cap - b->used < need) && (b = add_block(a, need)) == NULL)
		goto fail;
	p = b->bytes + b->used;
	b->used += need;
	a->used_bytes += need;
	return memset(p, 0, need);
fail:
	a->failed = true;
	return NULL;
}

void *
mus_arena_copy(struct mus_arena *a, const void *src, size_t len)
{
	void *p = mus_arena_alloc(a, len);

	if (p && len > 0)
		memcpy(p, src, len);
	return p;
}

char *
mus_arena_strdup(struct mus_arena *a, const char *s)
{
	return mus_arena_copy(a, s, strlen(s) + 1);
}

char *
mus_arena_printf(struct mus_arena *a, const char *fmt, ...)
{
	char small[256], *p = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0)
		a->failed = true;
	else if ((size_t)n < sizeof small)
		p = mus_arena_copy(a, small, (size_t)n + 1);
	else if ((p = mus_arena_alloc(a, (size_t)n + 1)) != NULL) {
		va_start(ap, fmt);
		(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	return p;
}
