/*
 * A signer for tests: keys of every algorithm and RRSIGs, written apart from src/dns so that the two
 * do not share a mistake.  Failure fails the test.
 */
#ifndef TESTS_DNS_SIGN_H
#define TESTS_DNS_SIGN_H

#include "dns/rr.h"

struct sign_key;
struct sign_key *sign_key_new(uint8_t alg, uint16_t flags);
void sign_key_free(struct sign_key *k);
struct mus_rdata sign_key_rdata(const struct sign_key *k);

/* What differs from the honest signature; zeroed: nothing. */
struct sign_how {
	bool use_labels, use_tag, use_times;
	uint8_t labels, alg;
	uint16_t tag;
	uint32_t inception, expiration;
};
struct mus_rdata sign_rrset(const struct sign_key *k, const struct mus_rrset *set,
    const struct mus_name *zone, const struct sign_how *how, struct mus_arena *a);

#endif
