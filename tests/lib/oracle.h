/*
 * The judge: everything that some cache may hold, from what is true.  Each RRset that a server which
 * resolvers can be led to hands out stays in caches for its TTL; every DS set must go with every
 * DNSKEY set, and every DNSKEY set with all data, in whatever mix, and there must be a DS set.  Shares
 * nothing with the core.
 */
#ifndef MUS_TESTS_ORACLE_H
#define MUS_TESTS_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

struct world;

enum { ORACLE_CACHED_MAX = 256, ORACLE_SERVERS_MAX = 64 };
enum oracle_what { ORACLE_DS, ORACLE_KEY, ORACLE_DATA, ORACLE_NAMES, ORACLE_WHAT_COUNT };

struct oracle_rrset {
	uint64_t set, sig;
	int64_t until_ms;		/* last instant in some cache */
	uint8_t origin, kind;
	bool absent, is_new;		/* not judged yet */
	uint8_t server;			/* that handed it out last, ... */
	int64_t given_ms;		/* ... then */
	uint64_t dt[3];
};
struct oracle_list {
	unsigned count;
	struct oracle_rrset e[ORACLE_CACHED_MAX];
};
struct oracle {
	int64_t at_ms;
	struct oracle_list list[ORACLE_WHAT_COUNT];
	int64_t led_until_ms[ORACLE_SERVERS_MAX];	/* resolvers may be led there until */
	bool overflow;
	uint64_t checks, violations;	/* violations: bogus */
	uint64_t insecure;		/* no DS set in some cache or at the parent, though nobody asked for that */
	bool may_be_insecure;		/* somebody did */
	char first[800];		/* the first violation, in words */
};

/* Nothing was ever cached before ${at_ms}. */
void oracle_init(struct oracle *o, int64_t at_ms);
/* Truth was as it is now from the last call until ${to_ms}. */
void oracle_pass(struct oracle *o, const struct world *w, int64_t to_ms);
/* Judges this instant: every pair with a member that came since the last judgement. */
void oracle_judge(struct oracle *o, const struct world *w);

#endif
