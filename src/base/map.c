#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

/*
 * Open addressing with linear probing; a removal shifts the following entries back, so there are no
 * tombstones.  At most three quarters full.
 */
struct entry {
	uint64_t hash;
	void *key;		/* NULL: free slot */
	size_t key_len;
	void *value;
};

struct mus_map {
	struct entry *slot;
	size_t cap;		/* a power of two */
	size_t count;
	uint64_t k0, k1;
};

enum { CAP_MIN = 16 };

static inline uint64_t
rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t
mus_siphash(const void *p, size_t len, uint64_t k0, uint64_t k1)
{
	uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
	    k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
	const uint8_t *b = p;
	size_t left = len;
	uint64_t m;

	for (;; b += 8, left -= 8) {
		size_t n = left < 8 ? left : 8;

		m = n < 8 ? (uint64_t)len << 56 : 0;
		for (size_t i = 0; i < n; i++)
			m |= (uint64_t)b[i] << (8 * i);
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
		if (n < 8)
			break;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct mus_map *
mus_map_new(uint64_t seed0, uint64_t seed1)
{
	struct mus_map *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	if ((m->slot = calloc(CAP_MIN, sizeof *m->slot)) == NULL) {
		free(m);
		return NULL;
	}
	m->cap = CAP_MIN;
	m->k0 = seed0;
	m->k1 = seed1;
	return m;
}

void
mus_map_free(struct mus_map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->cap; i++)
		free(m->slot[i].key);
	free(m->slot);
	free(m);
}

size_t
mus_map_count(const struct mus_map *m)
{
	return m->count;
}

/* The slot that holds the key, or the free one where it would go. */
static struct entry *
find(const struct mus_map *m, uint64_t hash, const void *key, size_t key_len)
{
	size_t mask = m->cap - 1, i = hash & mask;

	while (m->slot[i].key && !(m->slot[i].hash == hash && m->slot[i].key_len == key_len &&
	    (key_len == 0 || memcmp(m->slot[i].key, key, key_len) == 0)))
		i = (i + 1) & mask;
	return &m->slot[i];
}

void *
mus_map_get(const struct mus_map *m, const void *key, size_t key_len)
{
	struct entry *e = find(m, mus_siphash(key, key_len, m->k0, m->k1), key, key_len);

	return e->key ? e->value : NULL;
}

static bool
grow(struct mus_map *m)
{
	struct mus_map big = *m;

	big.cap = m->cap * 2;
	if ((big.slot = calloc(big.cap, sizeof *big.slot)) == NULL)
		return false;
	for (size_t i = 0; i < m->cap; i++) {
		const struct entry *e = &m->slot[i];

		if (e->key)
			*find(&big, e->hash, e->key, e->key_len) = *e;
	}
	free(m->slot);
	*m = big;
	return true;
}

int
mus_map_set(struct mus_map *m, const void *key, size_t key_len, void *value, void **old)
{
	uint64_t hash = mus_siphash(key, key_len, m->k0, m->k1);
	struct entry *e = find(m, hash, key, key_len);
	void *copy;

	if (e->key) {
		if (old)
			*old = e->value;
		e->value = value;
		return 0;
	}
	if ((copy = malloc(key_len ? key_len : 1)) == NULL)
		return MUS_ERR_NOMEM;
	if ((m->count + 1) * 4 > m->cap * 3) {
		if (!grow(m)) {
			free(copy);
			return MUS_ERR_NOMEM;
		}
		e = find(m, hash, key, key_len);
	}
	if (key_len > 0)
		memcpy(copy, key, key_len);
	*e = (struct entry){hash, copy, key_len, value};
	m->count++;
	if (old)
		*old = NULL;
	return 0;
}

void *
mus_map_remove(struct mus_map *m, const void *key, size_t key_len)
{
	struct entry *e = find(m, mus_siphash(key, key_len, m->k0, m->k1), key, key_len);
	size_t mask = m->cap - 1, hole, i;
	void *value;

	if (!e->key)
		return NULL;
	value = e->value;
	free(e->key);
	m->count--;
	hole = (size_t)(e - m->slot);
	for (i = (hole + 1) & mask; m->slot[i].key; i = (i + 1) & mask) {
		/* An entry may fill the hole when its home is not between hole and itself. */
		if (((i - m->slot[i].hash) & mask) >= ((i - hole) & mask)) {
			m->slot[hole] = m->slot[i];
			hole = i;
		}
	}
	m->slot[hole] = (struct entry){0};
	return value;
}

bool
mus_map_next(const struct mus_map *m, size_t *pos, const void **key, size_t *key_len, void **value)
{
	while (*pos < m->cap) {
		const struct entry *e = &m->slot[(*pos)++];

		if (!e->key)
			continue;
		if (key)
			*key = e->key;
		if (key_len)
			*key_len = e->key_len;
		if (value)
			*value = e->value;
		return true;
	}
	return false;
}
