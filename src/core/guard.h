/*
 * The guard (protocol.md 4.4): is this change safe now, whatever a resolver may still hold?
 */
#ifndef MUS_CORE_GUARD_H
#define MUS_CORE_GUARD_H

#include "core/cut.h"
#include "core/keys.h"

/* A change, or all changes of a plan together. */
struct mus_change {
	uint64_t key_add[MUS_SIGNERS_MAX], key_del[MUS_SIGNERS_MAX];	/* to DNSKEY sets */
	bool has_ds;			/* the parent may come to this DS set */
	uint64_t ds, ds_dt[MUS_DT_COUNT];
	uint64_t ns_add;		/* names that enter an NS set, now or by what was sent before */
	uint64_t ns_sent;		/* of these, those that are sent now */
};

/* HOLDS: safe.  FAILS or UNKNOWN: not; ${w} names the rule, the versions and when it ends. */
enum mus_result mus_guard(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_policy *policy, struct mus_time now, const struct mus_change *change,
    struct mus_witness *w);

/* The same with the facts and the alive members kept between calls: zone, seen, policy and now must be
 * the same each time.  ${ready}: false before the first call. */
struct mus_sets;
enum mus_result mus_guard_in(struct mus_sets *sets, bool *ready, const struct mus_zone *zone,
    const struct mus_seen *seen, const struct mus_facts *facts, const struct mus_policy *policy,
    struct mus_time now, const struct mus_change *change, struct mus_witness *w);

/* Some NS set that resolvers come by (${reach}), or had in a cache so lately that something of it may live, leads to a
 * server that nobody asks: ${w} says which. */
bool mus_leads_astray(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    uint64_t reach, const struct mus_policy *policy, struct mus_time now, struct mus_witness *w);
/* Imports into the DNSKEY set of ${signer}: a set that lists an algorithm by which nothing is signed there
 * is refused by strict resolvers (RFC 4035 2.2; G8).  ${w} names the owner of the key as origin, for it
 * brought the algorithm, and the one that would import as origin2. */
enum mus_result mus_guard_import_alg(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_facts *facts, unsigned signer, uint64_t keys, struct mus_witness *w);
/* Imports anywhere: tag and algorithm clash, too many keys (V11, G8). */
enum mus_result mus_guard_import(const struct mus_zone *zone, const struct mus_seen *seen, uint64_t keys,
    struct mus_witness *w);

#endif
