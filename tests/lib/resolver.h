/*
 * The second witness: validating resolvers that ask at random, cache DS, NS, DNSKEY and data by TTL, and
 * take what they have or get.  Some find their servers by the parent's NS set, some by the zone's own, some
 * ask a forwarder that caches and does not validate.  Any may come with an empty cache.  What they do changes
 * nothing in the world.
 */
#ifndef MUS_TESTS_RESOLVER_H
#define MUS_TESTS_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "truth.h"

struct world;

enum { RESOLVERS_MAX = 12, FORWARDERS_MAX = 2 };
enum resolver_style { RESOLVER_PARENT, RESOLVER_CHILD, RESOLVER_BEHIND };

struct resolver_entry {
	struct world_set set;
	int64_t until_ms;		/* INT64_MIN: none */
	uint8_t server;			/* where it came from */
};
struct resolver_cache {
	struct resolver_entry ds, ns, rr[WORLD_RR_COUNT];
};
struct resolver {
	enum resolver_style style;
	unsigned forwarder;
	struct resolver_cache cache;
};
struct resolvers {
	unsigned count;			/* 0: nobody asks */
	uint64_t seed;			/* of their own: the world goes on alike without them */
	uint32_t pause_s;		/* from one question to the next, on average */
	int64_t next_ms;
	struct resolver r[RESOLVERS_MAX];
	struct resolver forwarder[FORWARDERS_MAX];
	uint64_t secure, bogus, insecure, failed;
	char first[800];		/* the first answer that was bogus or insecure, in words */
};

void resolvers_init(struct resolvers *r, unsigned count, uint64_t seed, uint32_t pause_s, int64_t now_ms);
/* The next question is asked, at its time, of the world as it is. */
void resolvers_ask(struct world *w);

#endif
