/*
 * For tests only: a core without guard and waits (MUS_CUT_GUARDS 1), so that a judge can be seen to object; and
 * one from which the simulator takes parts away while it runs (4), so that each part is seen to matter.  In any
 * other build nothing of this is left: what can be cut is never cut, as the compiler sees.
 */
#ifndef MUS_CORE_CUT_H
#define MUS_CORE_CUT_H

#include <stdbool.h>

#include "model/plan.h"

#ifndef MUS_CUT_GUARDS
#define MUS_CUT_GUARDS 0
#endif

/* What the guard is made of.  X(id, name, what it does) */
#define MUS_CLAUSE_MAP(X)                                                                                  \
	X(KNOWN, "known", "nothing is safe while a server that matters is unknown")                        \
	X(OLD_DS, "old-ds", "DS sets that only caches have")                                               \
	X(OLD_KEY, "old-key", "DNSKEY sets that only caches have")                                         \
	X(OLD_DATA, "old-data", "data that only caches have")                                              \
	X(ASKED, "asked", "the DS set that CDS asks for")                                                  \
	X(WITHDRAWN, "withdrawn", "a DS set that was asked for, and withdrawn before the parent followed") \
	X(PENDING_CDS, "pending-cds", "CDS changes on their way")                                          \
	X(PENDING_KEY, "pending-key", "DNSKEY changes on their way")                                       \
	X(ENTERING, "entering", "servers that enter")                                                      \
	X(LED_ON, "led-on", "servers that entering ones lead to")                                          \
	X(NEW_DS, "new-ds", "the new DS set")                                                              \
	X(NEW_KEY, "new-key", "new DNSKEY sets")                                                           \
	X(NEW_DATA, "new-data", "data of servers that enter")                                              \
	X(FIRST_DS, "first-ds", "G0: a first DS needs everything signed")                                  \
	X(NEW_ALG, "new-alg", "G4: the first DS of an algorithm needs everything signed by it")            \
	X(ASTRAY, "astray", "servers that resolvers are led to and nobody asks")                           \
	X(HISTORY, "history", "what was before anybody looked")                                            \
	X(V1, "V1", "DS and DNSKEY")                                                                       \
	X(V2, "V2", "DNSKEY and data")                                                                     \
	X(V3, "V3", "each algorithm alone")                                                                \
	X(V14, "V14", "each digest type alone")                                                            \
	X(IMPORT, "import", "keys that clash are not imported (V11, G8)")                                  \
	X(COPY_TTL, "copy-ttl", "data that nobody samples live as long as the copy's largest TTL")         \
	X(TTL_MAX, "ttl-max", "a version lives as long as the largest TTL ever seen for its RRset")        \
	X(TTL_FLOOR, "ttl-floor", "and at least for the floor, until it was watched for that long")        \
	X(REACH_CHILD, "reach-child", "NS sets of the zone lead to servers, not the delegation alone")     \
	X(REACH_PENDING, "reach-pending", "names on their way into an NS set lead to servers")             \
	X(REACH_ASKED, "reach-asked", "an NS set that was asked for may still become the delegation")
enum mus_clause {
#define X(id, name, what) MUS_CLAUSE_##id,
	MUS_CLAUSE_MAP(X)
#undef X
	    MUS_CLAUSE_COUNT
};

#if MUS_CUT_GUARDS == 4
enum { MUS_CUT_RULES_MAX = 8 };
struct mus_cut {
	bool guard, waits;		/* the whole of them */
	uint64_t clauses;		/* bit per enum mus_clause */
	const enum mus_rule *rule[MUS_CUT_RULES_MAX];	/* places in tables (core/rows.h) that ask for nothing */
};
extern struct mus_cut mus_cut;		/* the test's own */

static inline bool
mus_guard_is_cut(void)
{
	return mus_cut.guard;
}
static inline bool
mus_waits_are_cut(void)
{
	return mus_cut.waits;
}
static inline bool
mus_clause_is_cut(enum mus_clause c)
{
	return mus_cut.clauses >> c & 1;
}
static inline bool
mus_rule_is_cut(const enum mus_rule *rule)
{
	for (unsigned i = 0; i < MUS_CUT_RULES_MAX; i++)
		if (mus_cut.rule[i] == rule)
			return true;
	return false;
}
#else	/* constants, so that no branch of them is left at any level of optimisation */
#define mus_guard_is_cut() (MUS_CUT_GUARDS == 1)
#define mus_waits_are_cut() (MUS_CUT_GUARDS == 1)
#define mus_clause_is_cut(clause) false
#define mus_rule_is_cut(rule) false
#endif

#endif
