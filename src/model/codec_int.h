/*
 * Shared between the two directions.
 *
 * Layout: version (1 byte), fields, checksum (4 bytes: half of a SipHash with a fixed key; finds
 * damage, stops nobody who can write the database).  Most bytes of an idle zone are saved by "as
 * before": a time is a difference to the last one of its class, contents and masks that were written
 * already are referred to.  Both sides therefore keep the same history while they walk.
 *
 * What is checked when decoding: every count against its array, every index and mask against the
 * array it points into, every enum against its list, and that nothing is left over.  So a decoded
 * state can be walked without fear, whatever the bytes were.  Encoding asserts the same.
 */
#ifndef MUS_MODEL_CODEC_INT_H
#define MUS_MODEL_CODEC_INT_H

#include <string.h>

#include "base/map.h"
#include "model/codec.h"

enum { CODEC_VERSION = 6, CODEC_OLDEST = 3, SUM_LEN = 4, DICT = 64, LABEL_PORT = 53 };

/* Classes of times: those of one class are often equal or near each other. */
enum { T_ASKED, T_SINCE, T_FIRST, T_LAST, T_REACH, T_OTHER, T_COUNT };

struct hist {
	uint64_t time[T_COUNT];		/* milliseconds; unsigned, so differences may wrap */
	uint64_t from, until;		/* of the last signature */
	uint64_t srv, set, ok;
	uint32_t ttl;
	unsigned dict_count;
	uint64_t dict[DICT];		/* the last contents */
};

enum {					/* head of a version; signature count in bits 13..15 */
	V_CONTENT = 1 << 0,		/* content follows */
	V_CONTENT_REF = 1 << 1,		/* content as so many before; neither: 0 */
	V_SET = 1 << 2,			/* set follows */
	V_SET_PREV = 1 << 3,		/* as the last one; neither: 0 */
	V_DT = 1 << 4,
	V_AUX = 1 << 5,
	V_TTL_PREV = 1 << 6,
	V_SERVE_SAME = 1 << 7,		/* serve_ttl_s equals ttl_s */
	V_STRAY = 1 << 8,
	V_FLAGS = 1 << 9,
	V_SRV_PREV = 1 << 10,
	V_LAST = 1 << 11,		/* not ALWAYS */
	V_SIGS_LONG = 1 << 12,		/* signatures with algorithm and tag */
	V_SIG_SHIFT = 13,
};
enum {					/* head of a ring; count of versions in bits 4..7 */
	R_MORE = 1 << 0,		/* failures or overflow */
	R_TTL_SAME = 1 << 1,		/* ttl_max_s is that of the newest version */
	R_OK_PREV = 1 << 2,
	R_COUNT_SHIFT = 4,
};
enum { S_FROM_PREV = 1, S_UNTIL_PREV = 2, S_KEY_SHIFT = 2 };

/* Kinds whose set is a mask of name-server names. */
static inline bool
is_ns_set(unsigned kind)
{
	return kind == MUS_RR_NS || kind == MUS_RR_PNS;
}
static inline bool
mask_fits(uint64_t mask, unsigned bits)
{
	return bits >= 64 || mask >> bits == 0;
}
static inline bool
index_ok(uint8_t v, unsigned max, uint8_t nobody)
{
	return v < max || v == nobody;
}
static inline uint32_t
checksum(const uint8_t *p, size_t len)
{
	return (uint32_t)mus_siphash(p, len, 0x6d75736963, 0x7a6f6e65);
}
static inline uint64_t
zigzag(uint64_t v)
{
	return v << 1 ^ (uint64_t)((int64_t)v >> 63);
}
static inline uint64_t
unzigzag(uint64_t v)
{
	return v >> 1 ^ (~(v & 1) + 1);
}
/* Each side notes every content that is written out. */
static inline void
dict_add(struct hist *h, uint64_t content)
{
	h->dict[h->dict_count++ % DICT] = content;
}

#endif
