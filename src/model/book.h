/*
 * The names behind a zone's indexes: signer names, server addresses, name-server names, key rdata.
 * Grows as things are learnt; an index once given stays while anything refers to it.
 */
#ifndef MUS_MODEL_BOOK_H
#define MUS_MODEL_BOOK_H

#include "base/addr.h"
#include "base/buf.h"
#include "model/object.h"
#include "model/want.h"

enum { MUS_BOOK_RDATA_MAX = 1600 };	/* a DNSKEY longer than this (RSA-8192 is 1100) is not taken */

struct mus_book_key {
	uint8_t *rdata;			/* owned; NULL: index unused */
	uint16_t len;
};
struct mus_book {
	int64_t zone_id;
	char zone[MUS_ZONETEXT_MAX];		/* canonical text, final dot */
	char parent[MUS_ZONETEXT_MAX];		/* empty: not found yet */
	char parent_ns[256];			/* name server of it that is lacking; found anew like lacks, never stored */
	char sample[256];			/* as configured; never stored here */
	int64_t signer_id[MUS_SIGNERS_MAX];
	char signer[MUS_SIGNERS_MAX][MUS_LABEL_MAX];
	char ns[MUS_NSNAMES_MAX][256];		/* canonical text, final dot */
	struct mus_addr addr[MUS_SERVERS_MAX];
	struct mus_book_key key[MUS_KEYS_MAX];
};

/* Everything the engine keeps of one zone between turns. */
struct mus_zonestate {
	struct mus_book book;
	struct mus_zone zone;
	struct mus_seen seen;
	struct mus_want want;
};

/* Zeroed memory of ${bytes} for something that has a zone state in it, which stands at cache lines; malloc's
 * does not.  free() gives it back.  NULL: there is none. */
void *mus_zonestate_room(size_t bytes);
void mus_zonestate_init(struct mus_zonestate *z);	/* as never seen */
void mus_zonestate_clear(struct mus_zonestate *z);	/* frees key rdata; as init */

/* The place of this key, or signer with all that was seen at it, is free, as if never taken; for what
 * nothing refers to any more.  The keys of a signer that is forgotten go with it. */
void mus_zonestate_forget_key(struct mus_zonestate *z, unsigned key);
void mus_zonestate_forget_signer(struct mus_zonestate *z, unsigned signer);

/* The clock was set forward by ${ms} and no time has passed: what was noted comes to lie as long ago as it
 * was before, and waits last as long as they would have.  When servers were asked last stays: should time
 * have passed after all, what was seen is old, and the history has a hole. */
void mus_zonestate_shift(struct mus_zonestate *z, int64_t ms);

/* What was sent and seen up to ${at} is not known: the database is an older copy.  Histories begin with the next
 * look, which must ask for everything, as after the longest gap; what has ended may have begun again and ended
 * just now, what is in flight may have been sent just now, and a process begins again at its first row, with all
 * its waits.  What takes part is counted as if it had been led to before it was watched. */
void mus_zonestate_break(struct mus_zonestate *z, struct mus_time at);

/* Index of the key with this rdata, or -1. ${id}: digest of the rdata (mus_zkey.id). */
int mus_book_find_key(const struct mus_book *b, const struct mus_zone *z, uint64_t id,
    const uint8_t *rdata, size_t len);
int mus_book_find_ns(const struct mus_book *b, const struct mus_zone *z, const char *name);
int mus_book_find_signer(const struct mus_book *b, const struct mus_zone *z, int64_t signer_id);
/* Server of ${origin} with this address, or -1. */
int mus_book_find_server(const struct mus_book *b, const struct mus_zone *z, unsigned origin,
    const struct mus_addr *addr);

#endif
