/*
 * The conditions that rows name, each with a witness when it does not hold; and the clocks of waits.
 */
#ifndef MUS_CORE_CONDITION_H
#define MUS_CORE_CONDITION_H

#include "core/desire.h"

/* Evaluates a rule that rows name (IMPORT, SIGNAL, PARENTDS, waits, ...).  ${w} gets the witness
 * when it does not hold. */
enum mus_result mus_condition(const struct mus_ctx *c, enum mus_rule rule, struct mus_witness *w);
/* A clock runs from the first look at which its condition held everywhere.  A look that cannot tell leaves it alone;
 * one that shows the contrary stops it. */
void mus_clock_tick(struct mus_clock *clock, enum mus_result r, struct mus_time from, uint32_t ttl_s);
/* Instant a wait ends by itself given its clock; NEVER: its condition does not hold yet. */
struct mus_time mus_clock_end(const struct mus_clock *clock, const struct mus_policy *policy);
/* Largest TTL that a clock must outlive, from what was ever seen. */
uint32_t mus_clock_ttl_s(const struct mus_ctx *c, enum mus_clock_id id);
/* Was the leaver's whole copy read before its last server was cut off?  Then it must be read again. */
bool mus_leaver_copy_is_old(const struct mus_ctx *c);

/* Does a signer stand on its own: its DNSKEY set signed by a key of its own (which the DS set names, with
 * ${needs_ds}), its data verified by that set? */
enum mus_result mus_signer_stands(const struct mus_ctx *c, unsigned s, bool needs_ds,
    struct mus_witness *w);

/* V10 for what a process is about to touch.  Of ${joiner}, what is taken out of its NS once it takes part is no matter;
 * MUS_NOBODY: of nobody. */
enum mus_result mus_owners_known(const struct mus_ctx *c, unsigned joiner, struct mus_witness *w);

/* V12 of one version of a signer's denials, as ${servers} show it: FAILS when it proves nothing, or has so many
 * NSEC3 iterations that validators do not count it (RFC 9276 3.2); WARN when it has any (3.1).  ${w} is filled
 * in any case. */
enum mus_result mus_denial_of(const struct mus_version *v, unsigned signer, uint64_t servers,
    struct mus_witness *w);

#endif
