/*
 * Which servers resolvers can be led to, from what was seen and what is on its way (protocol.md 4.1).  A server is
 * led to as long as some NS set, of the parent or of a signer led to, that may be in a cache lists a name of it.
 */
#ifndef MUS_CORE_REACH_H
#define MUS_CORE_REACH_H

#include "core/observe.h"

/* Until when a server of the parent answers for the zone itself with the copy of ${signer} (one whose owner
 * nobody knows is the leaver's): to that copy resolvers come without any delegation.  NEVER: now, ${at} tells
 * where; ALWAYS: none did. */
struct mus_time mus_parent_serves_until(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_want *want, unsigned signer, uint64_t *at);
/* When the last version that lists ${ns} ends, the parent's included; ALWAYS: none does. */
struct mus_time mus_listed_until(const struct mus_zone *zone, const struct mus_seen *seen, unsigned ns,
    const struct mus_policy *policy, struct mus_time now);
/* Names that lead to no server that is asked, but for those of the signers ${but}. */
uint64_t mus_names_unasked(const struct mus_zone *zone, unsigned but);
/* Enters servers into Reach and cuts them off, by the round that was taken in (mus_settle calls it). */
void mus_reach_settle(const struct mus_zone *zone, struct mus_seen *seen, const struct mus_want *want,
    const struct mus_policy *policy, struct mus_time now);

#endif
