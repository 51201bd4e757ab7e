#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>

#include "dns/keygen.h"

static EVP_PKEY *
generate(uint8_t alg)
{
	switch (alg) {
	case 5:
	case 7:
	case 8:
	case 10:
		return EVP_RSA_gen(2048);
	case 13:
		return EVP_EC_gen("P-256");
	case 14:
		return EVP_EC_gen("P-384");
	case 15:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case 16:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	default:
		return NULL;
	}
}

/* RFC 3110: exponent length, exponent, modulus. */
static size_t
put_rsa(EVP_PKEY *key, uint8_t *out)
{
	BIGNUM *e = NULL, *n = NULL;
	size_t len = 0;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n)) {
		int e_len = BN_bn2bin(e, out + 1);

		out[0] = (uint8_t)e_len;
		len = 1 + (size_t)e_len + (size_t)BN_bn2bin(n, out + 1 + e_len);
	}
	BN_free(e);
	BN_free(n);
	return len;
}

/* RFC 6605: the point without its leading 4; RFC 8080: the key as it is. */
static size_t
put_curve(EVP_PKEY *key, uint8_t alg, uint8_t *out)
{
	uint8_t raw[200];
	size_t len = sizeof raw;

	if (alg == 15 || alg == 16) {
		if (!EVP_PKEY_get_raw_public_key(key, raw, &len))
			return 0;
		memcpy(out, raw, len);
		return len;
	}
	if (!EVP_PKEY_get_octet_string_param(
		key, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof raw, &len) ||
	    len < 2 || raw[0] != 4)
		return 0;
	memcpy(out, raw + 1, len - 1);
	return len - 1;
}

int
mus_dnskey_throwaway(uint8_t alg, uint16_t flags, uint8_t out[static MUS_KEYGEN_MAX])
{
	EVP_PKEY *key;
	size_t len;

	if (!mus_alg_supported(alg))
		return MUS_ERR_UNSUPPORTED;
	key = generate(alg);
	if (!key)
		return MUS_ERR_NOMEM;
	out[0] = (uint8_t)(flags >> 8);
	out[1] = (uint8_t)flags;
	out[2] = 3;
	out[3] = alg;
	len = alg >= 13 ? put_curve(key, alg, out + 4) : put_rsa(key, out + 4);
	EVP_PKEY_free(key);
	return len ? (int)(len + 4) : MUS_ERR_INTERNAL;
}
