/*
 * Whose keys are whose, and what they do, from what is seen (protocol.md 3); and the facts that one
 * evaluation computes once.  Pure: no clock.
 */
#ifndef MUS_CORE_KEYS_H
#define MUS_CORE_KEYS_H

#include "core/observe.h"

/* Keys of ${signer} as far as known, unrevoked; what it shows on any of its servers; its SEP keys
 * that sign its DNSKEY set; which of its keys must be in the other signers' sets (V7). */
uint64_t mus_keys_owned(const struct mus_zone *zone, unsigned signer);
uint64_t mus_keys_shown(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer);
uint64_t mus_keys_sep_active(const struct mus_zone *zone, const struct mus_seen *seen,
    unsigned signer, const struct mus_policy *policy, struct mus_time now);
uint64_t mus_keys_to_spread(const struct mus_zone *zone, const struct mus_seen *seen,
    unsigned signer, const struct mus_policy *policy);

/* Keys by which something verifies that the signer shows: over DNSKEY, and over the data that are asked for. */
void mus_keys_signing(const struct mus_seen *seen, unsigned signer, uint64_t *over_key, uint64_t *over_data);

/* The answers of the functions above that one evaluation asks for again and again, computed once.  They
 * are of one (zone, seen, policy, now) and are never kept longer. */
struct mus_facts {
	uint64_t servers[MUS_ORIGINS];
	uint64_t reach;
	/* Versions that some server shows, by their place in the ring: of what we write at signers, and of
	 * all kinds of the parent. */
	uint16_t served[MUS_SIGNERS_MAX][MUS_RR_NS + 1], parent_served[MUS_RR_PARENT_COUNT];
	uint64_t owned[MUS_SIGNERS_MAX], shown[MUS_SIGNERS_MAX], sep[MUS_SIGNERS_MAX],
	    spread[MUS_SIGNERS_MAX];		/* mus_keys_..., of signers that there are */
	uint8_t signing, members, lost;		/* signers that are no secondaries; wanted; declared lost */
	uint64_t unasked;			/* SEP keys that their owners have put others in the place of */
	uint32_t copy_ttl_s[MUS_SIGNERS_MAX];
};
void mus_facts(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_policy *policy, struct mus_time now, struct mus_facts *out);
static inline unsigned
mus_served(const struct mus_facts *f, unsigned origin, enum mus_rr_kind kind)
{
	return kind >= MUS_RR_DS ? f->parent_served[kind - MUS_RR_DS] : f->served[origin][kind];
}

/* Owners, roles and times of keys from what is seen now. */
void mus_learn_keys(struct mus_zone *zone, const struct mus_seen *seen, const struct mus_policy *policy,
    struct mus_time now);

#endif
