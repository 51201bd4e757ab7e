/*
 * What each RRset should be: a function of the intention and of what was seen; and the conditions
 * that rows and preflight name, each with a witness when it does not hold.
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
	uint64_t ns_del;			/* names of known owners that must not be in it */
	uint8_t key_at, cds_at, ns_at;		/* signers whose DNSKEY; CDS, CDNSKEY; NS, CSYNC we keep */
	uint8_t clean_at;			/* signers that join: NS lists none that do not take part */
	bool csync;
	uint64_t csync_content;			/* aux of the CSYNC wanted: serial << 16 | flags */
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
/* Evaluates a rule that rows name (IMPORT, SIGNAL, PARENTDS, waits, ...).  ${w} gets the witness
 * when it does not hold. */
enum mus_result mus_condition(const struct mus_ctx *c, enum mus_rule rule, struct mus_witness *w);
/* Instant a wait ends by itself given its clock; NEVER: its condition does not hold yet. */
struct mus_time mus_clock_end(const struct mus_clock *clock, const struct mus_policy *policy);
/* Largest TTL that a clock must outlive, from what was ever seen. */
uint32_t mus_clock_ttl_s(const struct mus_ctx *c, enum mus_clock_id id);

/* Fit to join?  All findings, worst first; at most ${cap}.  The worst result. */
enum mus_result mus_preflight(const struct mus_ctx *c, unsigned signer, struct mus_witness *out,
    unsigned cap, unsigned *count);

#endif
