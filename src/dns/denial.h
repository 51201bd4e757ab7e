/*
 * Authenticated denial (RFC 4035 5.4, RFC 5155 8): does the authority section of an answer prove
 * that a name or type does not exist?  Shape only; the signatures of the NSEC and NSEC3 RRsets are
 * checked by the caller, each RRset by itself.
 */
#ifndef MUS_DNS_DENIAL_H
#define MUS_DNS_DENIAL_H

#include "dns/rr.h"

enum mus_denial_kind { MUS_DENIAL_NONE, MUS_DENIAL_NSEC, MUS_DENIAL_NSEC3 };
struct mus_denial {
	enum mus_denial_kind kind;
	bool proves;			/* complete proof of NODATA / NXDOMAIN */
	bool opt_out;			/* NSEC3 with opt-out covers the name: proves insecurity only */
	uint8_t n3_alg;			/* NSEC3 parameters; all NSEC3 of the answer must agree */
	uint16_t n3_iterations;
	uint8_t n3_salt_len;
	uint64_t params;		/* digest of kind and parameters, to compare signers */
	const char *why;		/* static words when it does not prove */
};
/* ${sets}: the RRsets of the authority section (mus_msg_rrsets).  ${nxdomain}: RCODE was NXDOMAIN. */
void mus_denial_check(const struct mus_rrset *sets, size_t count, const struct mus_name *zone,
    const struct mus_name *qname, uint16_t qtype, bool nxdomain, struct mus_denial *out);

#endif
