/*
 * A zone as the core sees it: who signs, which keys, which servers, which name-server names.
 * Plain data by index; names, rdata and addresses stand in the book (model/book.h) under the same
 * indexes.  An index, once given, keeps its meaning while anything alive refers to it.
 */
#ifndef MUS_MODEL_ZONE_H
#define MUS_MODEL_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

enum {
	MUS_SIGNERS_MAX = 8,		/* signers of one zone */
	MUS_PARENT = MUS_SIGNERS_MAX,	/* origin index of the parent */
	MUS_ORIGINS = MUS_SIGNERS_MAX + 1,
	MUS_NOBODY = 0xff,		/* in any index: none */
	MUS_SERVERS_MAX = 64,		/* public addresses, all origins: one bit each */
	MUS_KEYS_MAX = 64,		/* distinct DNSKEYs, all signers: one bit each */
	MUS_KEYS_PER_OWNER_MAX = 12,	/* so that nobody can exhaust the 64 */
	MUS_NSNAMES_MAX = 32,		/* distinct name-server names: one bit each */
	MUS_ALGS_MAX = 4,		/* distinct algorithms among the keys */
};

enum mus_tri { MUS_UNKNOWN = 0, MUS_NO = 1, MUS_YES = 2 };

/* What a signer lets us change; found by probe or by watching a change fail. */
struct mus_caps {
	enum mus_tri dnskey, cds, cdnskey, csync, ns;
};

struct mus_zsigner {
	bool is_member;			/* the operator wants it to sign this zone (group membership) */
	bool is_lost;			/* declared lost by the operator: takes no part any more */
	bool has_driver;		/* we can change it; false: the operator does it by hand */
	bool is_secondary;		/* signs nothing: it serves what one of the others signs, and nothing is changed at it */
	uint32_t declared_max_ttl_s;	/* largest TTL in its copy, as declared; 0: not declared */
	bool declared_content;		/* operator vouches that its content equals the others' */
	struct mus_caps caps;
};

/* How the owner of a key is known; later ones are stronger. */
enum mus_evidence { MUS_EV_NONE, MUS_EV_FIRST_SIGHT, MUS_EV_DECLARED, MUS_EV_SIGNATURE };

struct mus_zkey {
	uint8_t alg;
	uint8_t alg_idx;		/* 0..MUS_ALGS_MAX-1, index of the algorithm in this zone */
	uint16_t tag;
	bool is_sep, is_revoked, is_zone;	/* flags; is_zone: ZONE set and protocol 3 */
	uint8_t owner;			/* signer, or MUS_OWNER_UNKNOWN */
	enum mus_evidence evidence;
	bool signs_key;			/* seen to sign a DNSKEY RRset */
	enum mus_tri signs_data;	/* NO only by a whole transfer that shows none */
	bool is_unasked;		/* a SEP key in use that its owner's CDS named, and names no more: on its way out */
	struct mus_time gone_at;	/* since when its owner shows it nowhere; NEVER while shown */
	uint64_t id;			/* digest of the whole rdata: what makes it this key */
};
enum { MUS_OWNER_UNKNOWN = 0xff };

struct mus_zns {
	uint8_t owner;			/* signer whose copy it serves, or MUS_OWNER_UNKNOWN */
	bool in_domain;			/* at or below the apex: needs glue */
	bool is_former;			/* was of a signer that has left; has no owner now, and is not asked for addresses */
	bool is_dropped;		/* its owner names it no more; found anew like lacks, never stored */
};

struct mus_server {
	uint8_t origin;			/* signer index, MUS_PARENT, or MUS_NOBODY: the place is free */
	uint8_t ns;			/* name it belongs to; parent: its own numbering, unused */
	uint32_t also;			/* other names that lead here, or led here and are still listed somewhere */
};

/* Servers that should be asked and cannot: found anew whenever what is configured is taken in, never
 * stored.  One for each origin at most. */
enum { MUS_LACKS_MAX = MUS_ORIGINS + 1 };
struct mus_lack {
	uint8_t origin;			/* MUS_NOBODY: a signer that has no place itself */
	uint8_t ns;			/* name whose server it is, or MUS_NOBODY */
	uint8_t cause;			/* enum mus_cause; NONE: whether it serves ${origin}'s copy or ${other}'s, who has it too */
	uint8_t other;			/* with NONE: a signer */
};

struct mus_zone {
	uint8_t signer_count, ns_count, server_count, key_count, alg_count;
	struct mus_zsigner signer[MUS_SIGNERS_MAX];
	struct mus_zkey key[MUS_KEYS_MAX];
	struct mus_zns ns[MUS_NSNAMES_MAX];
	struct mus_server server[MUS_SERVERS_MAX];
	uint8_t alg[MUS_ALGS_MAX];	/* algorithm number by alg_idx */
	uint8_t lack_count;
	struct mus_lack lack[MUS_LACKS_MAX];
};

static inline uint64_t
mus_bit(unsigned i)
{
	return (uint64_t)1 << i;
}
/* The lowest of a mask; MUS_NOBODY: there is none. */
static inline uint8_t
mus_first(uint64_t mask)
{
	return mask ? (uint8_t)__builtin_ctzll(mask) : MUS_NOBODY;
}
/* All names of a signer's server. */
static inline uint64_t
mus_server_names(const struct mus_server *s)
{
	return s->also | (s->ns < MUS_NSNAMES_MAX ? mus_bit(s->ns) : 0);
}

#endif
