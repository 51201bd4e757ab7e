/*
 * Signatures by algorithm number, over OpenSSL, and the cache of verdicts and key handles behind
 * mus_rrsig_check.  For dns/ only.
 */
#ifndef MUS_DNS_VERIFY_H
#define MUS_DNS_VERIFY_H

#include "dns/dnskey.h"

/* Does ${sig} (as in DNS: RSA integer, r|s, EdDSA) over ${data} verify with the DNSKEY rdata?
 * ${cache} may be NULL; it keeps the key's handle. */
bool mus__verify(struct mus_sigcache *cache, struct mus_rdata dnskey, const uint8_t *data,
    size_t len, const uint8_t *sig, size_t sig_len);
/* ${id}: SHA-256 of everything the verdict depends on. */
bool mus__sigcache_get(struct mus_sigcache *c, const uint8_t id[static 32], bool *good);
void mus__sigcache_put(struct mus_sigcache *c, const uint8_t id[static 32], bool good);

#endif
