/*
 * Observation into history (protocol.md 3): versions, how long each may still be in caches, and
 * which servers resolvers can be led to.  The only writer of struct mus_seen.  Pure: no clock.
 */
#ifndef MUS_CORE_OBSERVE_H
#define MUS_CORE_OBSERVE_H

#include "model/plan.h"

/* One answer about one RRset at one server. */
struct mus_look {
	uint8_t server;
	enum mus_rr_kind kind;
	enum mus_cause cause;		/* NONE: there is an answer that counts; else why not */
	uint64_t content, set, dt[MUS_DT_COUNT], aux;
	uint32_t ttl_s, serve_ttl_s;
	uint8_t stray, flags, sig_count;
	struct mus_sig sig[MUS_SIGS_MAX];
};

/* Takes in what a round that asked at ${at} found.  The order of looks in a round does not matter.
 * A failed look changes no version: it only makes the server unknown for that RRset. */
void mus_observe(const struct mus_zone *zone, struct mus_seen *seen, const struct mus_look *look,
    const struct mus_policy *policy, struct mus_time at);
/* Server-wide facts of a round: transports and authority. */
void mus_observe_server(struct mus_seen *seen, unsigned server, enum mus_tri udp, enum mus_tri tcp,
    bool aa);
/* After each round, and whenever time alone may have changed something: who is in Reach now, which
 * pending changes are settled, which keys are gone.  protocol.md 4.1. */
void mus_settle(struct mus_zone *zone, struct mus_seen *seen, const struct mus_want *want,
    const struct mus_policy *policy, struct mus_time now);
/* Notes a change that is about to be sent.  false: too many are pending, do not send. */
bool mus_pending_add(struct mus_seen *seen, const struct mus_act *act, struct mus_time now);

/* Last instant at which ${v} may still be in some cache, margin included; ALWAYS: never was. */
struct mus_time mus_version_end(const struct mus_seen *seen, const struct mus_ring *ring,
    const struct mus_version *v, uint32_t floor_s, struct mus_time now, uint32_t margin_s);
/* Floor below which no TTL of this RRset is believed yet (parent DS and NS). */
uint32_t mus_ring_floor_s(const struct mus_ring *ring, enum mus_rr_kind kind,
    const struct mus_policy *policy, struct mus_time now);
/* A set that all reachable servers asked the parent to take up (CDS; NS with CSYNC), that was withdrawn
 * and that the parent has not shown since: it may still come to it, for it acts with a delay.  Until
 * when; in the past or ALWAYS: it does not.  ${v} is a version of ${signer}'s ring ${kind}. */
struct mus_time mus_asked_until(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer,
    enum mus_rr_kind kind, const struct mus_version *v, const struct mus_policy *policy,
    struct mus_time now);
/* From when on the ring's history is complete; in the past: it is. */
struct mus_time mus_history_at(const struct mus_ring *ring, enum mus_rr_kind kind,
    const struct mus_policy *policy, struct mus_time now);

/* Servers of an origin; of a mask of signers. */
uint64_t mus_servers_of(const struct mus_zone *zone, unsigned origin);
uint64_t mus_servers_of_set(const struct mus_zone *zone, uint8_t signers);
/* Servers resolvers can be led to now. */
uint64_t mus_reach(const struct mus_zone *zone, const struct mus_seen *seen);
/* All of ${servers} answered for this RRset in the latest round and the round is fresh.  Else
 * ${w} names one that did not and why (w may be NULL). */
bool mus_is_known(const struct mus_ring *ring, unsigned origin, enum mus_rr_kind kind,
    uint64_t servers, const struct mus_policy *policy, struct mus_time now, struct mus_witness *w);
/* Verified signers of a version that count at ${now}. */
uint64_t mus_sig_mask(const struct mus_version *v, struct mus_time now, uint32_t margin_s);

/* Keys of ${signer} as far as known, unrevoked; what it shows on any of its servers; its SEP keys
 * that sign its DNSKEY set; which of its keys must be in the other signers' sets (V7). */
uint64_t mus_keys_owned(const struct mus_zone *zone, unsigned signer);
uint64_t mus_keys_shown(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer);
uint64_t mus_keys_sep_active(const struct mus_zone *zone, const struct mus_seen *seen,
    unsigned signer, const struct mus_policy *policy, struct mus_time now);
uint64_t mus_keys_to_spread(const struct mus_zone *zone, const struct mus_seen *seen,
    unsigned signer, const struct mus_policy *policy);
/* Largest TTL of anything in the signer's copy; 0: not known. */
uint32_t mus_copy_ttl_max_s(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer);
/* Owners, roles and times of keys from what is seen now. */
void mus_learn_keys(struct mus_zone *zone, const struct mus_seen *seen, const struct mus_policy *policy,
    struct mus_time now);

#endif
