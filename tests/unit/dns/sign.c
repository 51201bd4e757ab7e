#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "sign.h"

struct sign_key {
	EVP_PKEY *pkey;
	uint8_t alg;
	uint8_t rdata[1024];
	uint16_t len;
};

static void
must(bool ok, const char *what)
{
	if (!ok) {
		printf("test signer: %s\n", what);
		abort();
	}
}

static EVP_PKEY *
generate(uint8_t alg)
{
	switch (alg) {
	case 13:
		return EVP_EC_gen("P-256");
	case 14:
		return EVP_EC_gen("P-384");
	case 15:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case 16:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	default:
		return EVP_RSA_gen(1024u);
	}
}

static size_t
public_part(const struct sign_key *k, uint8_t *out)
{
	size_t len = 0;

	if (k->alg == 15 || k->alg == 16) {
		len = 100;
		must(EVP_PKEY_get_raw_public_key(k->pkey, out, &len) == 1, "raw key");
	} else if (k->alg == 13 || k->alg == 14) {
		uint8_t point[200];

		must(EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
		    &len) == 1 && point[0] == 4, "point");
		memcpy(out, point + 1, --len);
	} else {
		BIGNUM *n = NULL, *e = NULL;

		must(EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		    EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1, "numbers");
		out[0] = (uint8_t)BN_num_bytes(e);
		len = 1 + (size_t)BN_bn2bin(e, out + 1);
		len += (size_t)BN_bn2bin(n, out + len);
		BN_free(n);
		BN_free(e);
	}
	return len;
}

struct sign_key *
sign_key_new(uint8_t alg, uint16_t flags)
{
	struct sign_key *k = calloc(1, sizeof *k);

	must(k != NULL, "memory");
	k->alg = alg;
	must((k->pkey = generate(alg)) != NULL, "key");
	k->rdata[0] = (uint8_t)(flags >> 8);
	k->rdata[1] = (uint8_t)flags;
	k->rdata[2] = 3;
	k->rdata[3] = alg;
	k->len = (uint16_t)(4 + public_part(k, k->rdata + 4));
	return k;
}

void
sign_key_free(struct sign_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

struct mus_rdata
sign_key_rdata(const struct sign_key *k)
{
	return (struct mus_rdata){k->rdata, k->len};
}

static unsigned
tag_of(const uint8_t *p, size_t len)
{
	unsigned long ac = 0;

	for (size_t i = 0; i < len; i++)
		ac += i % 2 ? p[i] : (unsigned long)p[i] * 256;
	return (ac + ac / 65536) % 65536;
}

static uint8_t *
be(uint8_t *p, uint32_t v, int bytes)
{
	while (bytes-- > 0)
		*p++ = (uint8_t)(v >> 8 * bytes);
	return p;
}

static const EVP_MD *
md_of(uint8_t alg)
{
	switch (alg) {
	case 5: case 7:
		return EVP_sha1();
	case 8: case 13:
		return EVP_sha256();
	case 10:
		return EVP_sha512();
	case 14:
		return EVP_sha384();
	default:
		return NULL;
	}
}

static size_t
der_to_plain(uint8_t alg, uint8_t *sig, size_t len)
{
	const uint8_t *p = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)len);
	int half = alg == 13 ? 32 : 48;

	must(s != NULL, "der");
	BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + half, half);
	ECDSA_SIG_free(s);
	return 2 * (size_t)half;
}

static size_t
sign_bytes(const struct sign_key *k, const uint8_t *data, size_t len, uint8_t *sig, size_t cap)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = cap;

	must(EVP_DigestSignInit(ctx, NULL, md_of(k->alg), NULL, k->pkey) == 1 &&
	    EVP_DigestSign(ctx, sig, &n, data, len) == 1, "sign");
	EVP_MD_CTX_free(ctx);
	return k->alg == 13 || k->alg == 14 ? der_to_plain(k->alg, sig, n) : n;
}

struct mus_rdata
sign_rrset(const struct sign_key *k, const struct mus_rrset *set, const struct mus_name *zone,
    const struct sign_how *how, struct mus_arena *a)
{
	uint8_t rd[1024], *data = malloc(200000), *p = rd, *d = data;
	unsigned labels = mus_name_labels(&set->owner) - (set->owner.wire[1] == '*' &&
	    set->owner.wire[0] == 1);
	size_t head;

	must(data != NULL, "memory");
	p = be(p, set->type, 2);
	*p++ = how->alg ? how->alg : k->alg;
	*p++ = how->use_labels ? how->labels : (uint8_t)labels;
	p = be(p, 3600, 4);
	p = be(p, how->use_times ? how->expiration : 2000000000, 4);
	p = be(p, how->use_times ? how->inception : 1700000000, 4);
	p = be(p, how->use_tag ? how->tag : tag_of(k->rdata, k->len), 2);
	memcpy(p, zone->wire, zone->len);
	p += zone->len;
	head = (size_t)(p - rd);
	memcpy(d, rd, head);
	d += head;
	for (size_t i = 0; i < set->count; i++) {
		memcpy(d, set->owner.wire, set->owner.len);
		d = be(d + set->owner.len, set->type, 2);
		d = be(d, 1, 2);
		d = be(d, 3600, 4);
		d = be(d, set->rd[i].len, 2);
		memcpy(d, set->rd[i].data, set->rd[i].len);
		d += set->rd[i].len;
	}
	p += sign_bytes(k, data, (size_t)(d - data), p, sizeof rd - head);
	free(data);
	return (struct mus_rdata){mus_arena_copy(a, rd, (size_t)(p - rd)), (uint16_t)(p - rd)};
}
