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

/* Takes in what a round found: it asked at ${asked}, and had its answers by ${at}.  What was seen is as
 * old as the question; what is not shown any more may have been handed out until the answer came.  The
 * order of looks in a round does not matter.  A failed look changes no version: it only makes the server
 * unknown for that RRset. */
void mus_observe(const struct mus_zone *zone, struct mus_seen *seen, const struct mus_look *look,
    const struct mus_policy *policy, struct mus_time asked, struct mus_time at);
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

/* Digest types in which this version of a set of CDS or DS names any of ${keys}. */
static inline uint8_t
mus_digest_types(const struct mus_version *v, uint64_t keys)
{
	uint8_t types = 0;

	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		types |= (uint8_t)(((v->dt[t] & keys) != 0) << t);
	return types;
}

/* Servers of an origin; of a mask of signers. */
uint64_t mus_servers_of(const struct mus_zone *zone, unsigned origin);
uint64_t mus_servers_of_set(const struct mus_zone *zone, uint8_t signers);
/* Servers resolvers can be led to now. */
uint64_t mus_reach(const struct mus_zone *zone, const struct mus_seen *seen);
/* The latest round is too old to decide by; a version that may be alive had to go. */
static inline bool
mus_ring_is_stale(const struct mus_ring *ring, const struct mus_policy *policy, struct mus_time now)
{
	return !mus_time_is_set(ring->asked_at) ||
	    mus_time_add_s(ring->asked_at, policy->fresh_s).ms < now.ms;
}
static inline bool
mus_ring_is_full(const struct mus_ring *ring, struct mus_time now)
{
	return ring->overflow && now.ms < ring->overflow_until.ms;
}
/* Of a ring that is not known: ${w} names a server that did not answer, and why. */
void mus_say_unknown(const struct mus_ring *ring, unsigned origin, enum mus_rr_kind kind,
    uint64_t servers, const struct mus_policy *policy, struct mus_time now, struct mus_witness *w);
/* Of a server that cannot be asked, or is two signers'. */
struct mus_witness mus_lack_witness(const struct mus_lack *lack);
/* Does the intention depend on what that server shows? */
bool mus_lack_matters(const struct mus_lack *lack, const struct mus_want *want);
/* All of ${servers} answered for this RRset in the latest round and the round is fresh.  Else
 * ${w} names one that did not and why (w may be NULL). */
static inline bool
mus_is_known(const struct mus_ring *ring, unsigned origin, enum mus_rr_kind kind, uint64_t servers,
    const struct mus_policy *policy, struct mus_time now, struct mus_witness *w)
{
	if (servers != 0 && (servers & ~ring->ok) == 0 && !mus_ring_is_stale(ring, policy, now) &&
	    !mus_ring_is_full(ring, now))
		return true;
	if (w)
		mus_say_unknown(ring, origin, kind, servers, policy, now, w);
	return false;
}
/* One of ${servers} of the signer shows no data of the zone at the sample name: ${w} then says which, and why. */
bool mus_sample_missing(const struct mus_seen *seen, unsigned signer, uint64_t servers, struct mus_witness *w);
/* Signed by the keys that sign the zone's data, not by those of the DNSKEY set or the parent. */
static inline bool
mus_is_data_kind(unsigned kind)
{
	return kind == MUS_RR_SOA || kind == MUS_RR_NS || kind == MUS_RR_NAME ||
	    kind == MUS_RR_CSYNC || (kind >= MUS_RR_DENY0 && kind <= MUS_RR_DENY2);
}
/* Verified signers of a version that count: not expired at ${now_s}, begun by ${latest_s}. */
static inline uint64_t
mus_sig_mask_s(const struct mus_version *v, int64_t now_s, int64_t latest_s)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < v->sig_count; i++)
		if (v->sig[i].key != MUS_KEY_NONE && v->sig[i].until_s >= now_s &&
		    v->sig[i].from_s <= latest_s)
			mask |= mus_bit(v->sig[i].key);
	return mask;
}
/* The same at ${now}, with a margin for clocks. */
static inline uint64_t
mus_sig_mask(const struct mus_version *v, struct mus_time now, uint32_t margin_s)
{
	int64_t now_s = mus_time_to_s(now);

	return mus_sig_mask_s(v, now_s, now_s + margin_s);
}

/* Largest TTL of anything in the signer's copy; 0: not known. */
uint32_t mus_copy_ttl_max_s(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer,
    const struct mus_policy *policy, struct mus_time now);

#endif
