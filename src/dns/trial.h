/*
 * Trial records: what a probe writes at a signer to learn what it may change, and takes away again.
 * Each is known as one by itself, whoever wrote it and whenever, and means nothing to anybody else:
 * DNSKEY and CDNSKEY are no zone keys (RFC 4034 2.1.1: used for no signature; 5.2: no DS may refer to
 * them), CDS has a digest type that nobody knows (RFC 4035 5.2: ignored), CSYNC lists no type and is
 * not immediate (RFC 7477 2.1.1: nothing to copy, nothing to be done).
 */
#ifndef MUS_DNS_TRIAL_H
#define MUS_DNS_TRIAL_H

#include "dns/rr.h"

enum { MUS_TRIAL_MAX = 4 + 64 };

/* The trial record of ${type} as rdata: its length; 0: the type has none.  ${alg}: of CDS and CDNSKEY,
 * an algorithm that the zone has (BIND refuses others). */
size_t mus_trial_make(uint16_t type, uint8_t alg, uint8_t out[static MUS_TRIAL_MAX]);
bool mus_trial_is(uint16_t type, struct mus_rdata rd);
/* ${set} without trial records, lent: records in ${a}, the rest shared.  NOMEM. */
int mus_trial_without(const struct mus_rrset *set, struct mus_arena *a, struct mus_rrset *out) MUS_MUST_CHECK;

#endif
