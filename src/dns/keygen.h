/*
 * Throw-away DNSKEYs: well-formed, of an algorithm of choice, with a private key that nobody keeps.
 * For trying what a signer lets through (probe) and for tests.
 */
#ifndef MUS_DNS_KEYGEN_H
#define MUS_DNS_KEYGEN_H

#include "dns/dnskey.h"

enum { MUS_KEYGEN_MAX = 4 + 300 };

/* DNSKEY rdata with ${flags}; its length, UNSUPPORTED for an algorithm we do not make, NOMEM. */
int mus_dnskey_throwaway(uint8_t alg, uint16_t flags, uint8_t out[static MUS_KEYGEN_MAX]) MUS_MUST_CHECK;

#endif
