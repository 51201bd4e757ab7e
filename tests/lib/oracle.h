/*
 * The judge: everything that some cache may hold, from what is true.  Each RRset that a server which
 * resolvers can be led to hands out stays in caches for its TTL; every DS set must go with every
 * DNSKEY set, and every DNSKEY set with all data, in whatever mix.  Shares nothing with the core.
 */
#ifndef MUS_TESTS_ORACLE_H
#define MUS_TESTS_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

struct world;

enum { ORACLE_CACHED_MAX = 512, ORACLE_SERVERS_MAX = 64 };

struct oracle_rrset {
	char what;			/* 'd' DS, 'k' DNSKEY, 'x' data, 'n' NS names */
	unsigned origin, kind;
	bool absent;
	uint64_t set, sig, dt[3];
	int64_t until_ms;		/* last instant in some cache */
};
struct oracle {
	int64_t at_ms;
	unsigned count;
	struct oracle_rrset cached[ORACLE_CACHED_MAX];
	int64_t led_until_ms[ORACLE_SERVERS_MAX];	/* resolvers may be led there until */
	bool overflow;
	uint64_t checks, violations;
	char first[200];		/* the first violation, in words */
};

/* Nothing was ever cached before ${at_ms}. */
void oracle_init(struct oracle *o, int64_t at_ms);
/* Truth was as it is now from the last call until ${to_ms}. */
void oracle_pass(struct oracle *o, const struct world *w, int64_t to_ms);
/* Judges this instant. */
void oracle_judge(struct oracle *o, const struct world *w);

#endif
