/*
 * Hash map from byte strings (or 64-bit numbers) to pointers.  Keys are copied, values are the
 * caller's.  Seeded SipHash-2-4, so outside keys cannot be chosen to collide.
 */
#ifndef MUS_BASE_MAP_H
#define MUS_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mus_map;

struct mus_map *mus_map_new(uint64_t seed0, uint64_t seed1);	/* NULL: no memory */
void mus_map_free(struct mus_map *m);				/* values stay the caller's */
size_t mus_map_count(const struct mus_map *m);
void *mus_map_get(const struct mus_map *m, const void *key, size_t key_len);
/* 0, or MUS_ERR_NOMEM; an old value is replaced and given in ${old} (may be NULL). */
int mus_map_set(struct mus_map *m, const void *key, size_t key_len, void *value, void **old);
void *mus_map_remove(struct mus_map *m, const void *key, size_t key_len);	/* gives the value */
static inline void *
mus_map_get_u64(const struct mus_map *m, uint64_t key)
{
	return mus_map_get(m, &key, sizeof key);
}
/* Iterates in no order; *pos starts at 0; false at the end.  The map must not change meanwhile. */
bool mus_map_next(const struct mus_map *m, size_t *pos, const void **key, size_t *key_len,
    void **value);

uint64_t mus_siphash(const void *p, size_t len, uint64_t k0, uint64_t k1);

#endif
