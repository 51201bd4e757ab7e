/*
 * What each RRset should be: a function of the intention and of what was seen; and the context in
 * which that, conditions, preflight and judgement are evaluated.
 */
#ifndef MUS_CORE_DESIRE_H
#define MUS_CORE_DESIRE_H

#include "core/guard.h"

struct mus_desire {
	uint64_t key[MUS_SIGNERS_MAX];		/* foreign keys each signer must show */
	uint64_t key_del[MUS_SIGNERS_MAX];	/* foreign keys it must not show (any more) */
	uint64_t sep;				/* SEP keys that CDS, CDNSKEY and DS must name */
	uint64_t sep_del;			/* keys that CDS and CDNSKEY must not name */
	uint8_t dts;				/* digest types of CDS, bit per index */
	uint64_t ns;				/* names of the NS set */
	uint64_t ns_del;			/* names of signers that take no part, or have left: must not be in it */
	uint8_t key_at, cds_at, ns_at;		/* signers whose DNSKEY; CDS, CDNSKEY; NS, CSYNC we keep */
	uint8_t clean_at;			/* signers that join: NS lists none that do not take part */
	bool csync;
	uint64_t csync_content;			/* serial and flags of the CSYNC wanted (mus_csync_ask) */
};

/* Context of one evaluation; everything const. */
struct mus_ctx {
	const struct mus_zone *zone;
	const struct mus_seen *seen;
	const struct mus_want *want;
	const struct mus_policy *policy;
	struct mus_time now;
	const struct mus_facts *facts;		/* mus_facts of the same zone, seen, policy and now */
	const struct mus_desire *desire;	/* mus_desire of all these */
};
/* ${c} needs no desire yet. */
void mus_desire(const struct mus_ctx *c, struct mus_desire *out);
/* A CSYNC record that was put there by us, as its serial tells. */
static inline bool
mus_csync_is_ours(const struct mus_ctx *c, uint64_t record)
{
	return c->want->csync_serial != 0 && mus_csync_serial(record) == c->want->csync_serial;
}

#endif
