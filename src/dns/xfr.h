/*
 * Streaming AXFR reader (RFC 5936): bytes in, records out, nothing kept.  No sockets: io/ feeds it
 * message by message.  Records are handed out only when the TSIG that covers them was checked.
 */
#ifndef MUS_DNS_XFR_H
#define MUS_DNS_XFR_H

#include "dns/tsig.h"

struct mus_xfr;
enum mus_xfr_state { MUS_XFR_MORE, MUS_XFR_DONE };

/* Called per record in the order of the transfer (both SOAs included); lends the record.
 * A negative return ends the transfer with that error. */
typedef int mus_xfr_rr_fn(void *arg, const struct mus_rr *rr);

struct mus_xfr *mus_xfr_new(const struct mus_name *zone, uint16_t id, struct mus_tsig_ctx *tsig,
    mus_xfr_rr_fn *fn, void *arg);	/* tsig may be NULL; borrowed */
void mus_xfr_free(struct mus_xfr *x);
/* One message.  MORE or DONE, or a negative error with words (REFUSED with the RCODE, MALFORM,
 * BADSIG, TOOBIG, whatever fn returned). */
int mus_xfr_feed(struct mus_xfr *x, const uint8_t *wire, size_t len, struct mus_time now,
    struct mus_errtext *et) MUS_MUST_CHECK;

/* What the controller wants to know of a signed zone, counted while it streams by. */
enum { MUS_XFRSUM_SIGNERS_MAX = 64 };
struct mus_xfrsum_key {
	uint16_t tag;
	uint8_t alg;
	uint64_t data_rrsigs;		/* RRSIGs over anything but DNSKEY, CDS and CDNSKEY */
	uint64_t key_rrsigs;		/* RRSIGs over those three */
};
struct mus_xfrsum {
	struct mus_name zone;
	uint32_t serial;
	uint32_t ttl_max_s;		/* largest TTL of any record, RRSIG original TTLs and the
					 * negative TTL included */
	uint64_t rr_count;		/* the SOA once */
	uint64_t content[4];		/* order-independent digest of all records except SOA, DNSSEC
					 * types, and the coordinated apex sets (NS, DNSKEY, CDS,
					 * CDNSKEY, CSYNC, ZONEMD): equal on all signers (V13) */
	struct mus_xfrsum_key key[MUS_XFRSUM_SIGNERS_MAX];
	size_t key_count;
	bool key_overflow;
	int64_t sig_expire_min_s, sig_expire_max_s;	/* over all RRSIGs, near ${now}; INT64_MAX and
							 * INT64_MIN without any */
	int64_t now_s;
};
void mus_xfrsum_init(struct mus_xfrsum *s, const struct mus_name *zone, int64_t now_s);
int mus_xfrsum_rr(void *xfrsum, const struct mus_rr *rr);	/* a mus_xfr_rr_fn */

#endif
