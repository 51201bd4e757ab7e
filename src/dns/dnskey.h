/*
 * DNSKEY, DS and RRSIG arithmetic and checks (RFC 4034, 4509, 6605, 8080, 8624).
 * Signatures are checked with OpenSSL; a small cache remembers verdicts by content, because an
 * observer sees the same RRset again and again.
 */
#ifndef MUS_DNS_DNSKEY_H
#define MUS_DNS_DNSKEY_H

#include "dns/rr.h"

enum {
	MUS_DNSKEY_ZONE = 0x0100, MUS_DNSKEY_REVOKE = 0x0080, MUS_DNSKEY_SEP = 0x0001,
	MUS_DIGEST_SHA1 = 1, MUS_DIGEST_SHA256 = 2, MUS_DIGEST_SHA384 = 4,
	MUS_DS_RDATA_MAX = 4 + 48,
};

struct mus_dnskey {			/* lends from the rdata it was read from */
	uint16_t flags;
	uint8_t protocol, alg;
	const uint8_t *key;
	size_t key_len;
	uint16_t tag;			/* RFC 4034 appendix B */
};
struct mus_ds {
	uint16_t tag;
	uint8_t alg, digest_type;
	const uint8_t *digest;
	size_t digest_len;
};
struct mus_rrsig {
	uint16_t covered;
	uint8_t alg, labels;
	uint32_t orig_ttl_s;
	uint32_t expiration, inception;	/* serial arithmetic, RFC 4034 3.1.5 */
	uint16_t tag;
	struct mus_name signer;
	const uint8_t *sig;
	size_t sig_len;
};

/* false: not of the form; nothing is written then. */
bool mus_dnskey_read(struct mus_rdata rd, struct mus_dnskey *out);
bool mus_ds_read(struct mus_rdata rd, struct mus_ds *out);
bool mus_rrsig_read(struct mus_rdata rd, struct mus_rrsig *out);
uint16_t mus_dnskey_tag(struct mus_rdata rd);

/* DS (or CDS) rdata of ${dnskey} at ${owner}: writes tag, algorithm, type, digest; length, or
 * UNSUPPORTED for an unknown digest type. */
int mus_ds_make(const struct mus_name *owner, struct mus_rdata dnskey, uint8_t digest_type,
    uint8_t out[static MUS_DS_RDATA_MAX]);
bool mus_ds_matches(const struct mus_name *owner, struct mus_ds ds, struct mus_rdata dnskey);
bool mus_digest_supported(uint8_t digest_type);
bool mus_alg_supported(uint8_t alg);	/* 5, 7, 8, 10, 13, 14, 15, 16 */
const char *mus_alg_text(uint8_t alg);	/* "ECDSAP256SHA256" or "ALG99" (static) */

/* RRSIG time as a point near ${now_s} (RFC 1982 arithmetic). */
int64_t mus_rrsig_time(uint32_t t, int64_t now_s);

struct mus_sigcache;
/* Cache of at most ${max} verdicts (32 bytes each, plus key handles; 8 at least); NULL: no memory.
 * Has a lock of its own, so several threads may share it. */
struct mus_sigcache *mus_sigcache_new(size_t max);
void mus_sigcache_free(struct mus_sigcache *c);
struct mus_sigcache_stats {
	uint64_t verified, hits;
};
struct mus_sigcache_stats mus_sigcache_stats(const struct mus_sigcache *c);

enum mus_sigcheck {
	MUS_SIG_GOOD,		/* verifies, time not looked at */
	MUS_SIG_BAD,		/* does not verify */
	MUS_SIG_OTHERKEY,	/* algorithm or tag are not this key's */
	MUS_SIG_UNSUPPORTED,	/* algorithm not supported */
};
/* Does ${sig} over ${set} verify with ${dnskey}?  Checks signer name, labels (wildcards), covered
 * type, zone flag and protocol; not the times.  ${cache} may be NULL.  RFC 4035 5.3. */
enum mus_sigcheck mus_rrsig_check(struct mus_sigcache *cache, const struct mus_rrset *set,
    struct mus_rdata sig, const struct mus_name *zone, struct mus_rdata dnskey);

#endif
