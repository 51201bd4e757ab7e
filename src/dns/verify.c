#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/map.h"
#include "dns/digest.h"
#include "dns/verify.h"

enum {
	RSA_BYTES_MAX = 512,		/* RFC 3110: 4096 bits */
	RSA_BYTES_MIN = 64,
	RSA_EXPONENT_BYTES_MAX = 8,	/* larger ones only serve to burn our time */
	EC_BYTES_MAX = 48,
};

/* How an algorithm number is checked (RFC 8624). */
struct method {
	enum { KIND_NONE, KIND_RSA, KIND_EC, KIND_ED } kind;
	enum mus__md md;
	const char *group;		/* OpenSSL's name of curve or key type */
	size_t half;			/* bytes of a coordinate, or of an EdDSA key */
};

static struct method
method_of(uint8_t alg)
{
	switch (alg) {
	case 5: case 7:
		return (struct method){KIND_RSA, MUS__SHA1, NULL, 0};
	case 8:
		return (struct method){KIND_RSA, MUS__SHA256, NULL, 0};
	case 10:
		return (struct method){KIND_RSA, MUS__SHA512, NULL, 0};
	case 13:
		return (struct method){KIND_EC, MUS__SHA256, "P-256", 32};
	case 14:
		return (struct method){KIND_EC, MUS__SHA384, "P-384", 48};
	case 15:
		return (struct method){KIND_ED, MUS__MD_COUNT, "ED25519", 32};
	case 16:
		return (struct method){KIND_ED, MUS__MD_COUNT, "ED448", 57};
	default:
		return (struct method){KIND_NONE, MUS__MD_COUNT, NULL, 0};
	}
}

/* ---- keys ---- */

static EVP_PKEY *
key_from_params(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* RFC 3110: length of the exponent in one byte, or in three when the first is 0; exponent; modulus. */
static EVP_PKEY *
rsa_key(const uint8_t *p, size_t len)
{
	size_t head = len > 0 && p[0] != 0 ? 1 : 3, e_len, n_len;
	OSSL_PARAM_BLD *bld = NULL;
	BIGNUM *e = NULL, *n = NULL;
	EVP_PKEY *key = NULL;

	if (len <= head)
		return NULL;
	e_len = head == 1 ? p[0] : (size_t)(p[1] << 8 | p[2]);
	if (e_len == 0 || e_len > RSA_EXPONENT_BYTES_MAX || len - head <= e_len)
		return NULL;
	n_len = len - head - e_len;
	if (n_len < RSA_BYTES_MIN || n_len > RSA_BYTES_MAX)
		return NULL;
	e = BN_bin2bn(p + head, (int)e_len, NULL);
	n = BN_bin2bn(p + head + e_len, (int)n_len, NULL);
	bld = OSSL_PARAM_BLD_new();
	if (e && n && bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_from_params("RSA", bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(e);
	BN_free(n);
	return key;
}

/* RFC 6605: the point as x|y, without the byte that says "uncompressed".  ${spare}: a handle of the
 * curve to be made into this key, which costs a twentieth of a new one; it is used up. */
static EVP_PKEY *
ec_key(const struct method *m, EVP_PKEY *spare, const uint8_t *p, size_t len)
{
	uint8_t point[1 + 2 * EC_BYTES_MAX] = {0x04};
	OSSL_PARAM_BLD *bld = NULL;
	EVP_PKEY *key = NULL;

	if (len == 2 * m->half) {
		memcpy(point + 1, p, len);
		if (spare && EVP_PKEY_set1_encoded_public_key(spare, point, len + 1) == 1)
			return spare;
		bld = OSSL_PARAM_BLD_new();
	}
	EVP_PKEY_free(spare);
	if (bld && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, m->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, len + 1) == 1)
		key = key_from_params("EC", bld);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

static EVP_PKEY *
key_of(struct mus_rdata dnskey, const struct method *m, EVP_PKEY *spare)
{
	struct mus_dnskey k = {.key_len = 0};
	bool is_key = mus_dnskey_read(dnskey, &k);

	if (m->kind == KIND_EC)
		return ec_key(m, spare, k.key, k.key_len);
	if (!is_key)
		return NULL;
	switch (m->kind) {
	case KIND_RSA:
		return rsa_key(k.key, k.key_len);
	case KIND_EC:
	case KIND_ED:
		return k.key_len != m->half ? NULL :
		    EVP_PKEY_new_raw_public_key_ex(NULL, m->group, NULL, k.key, k.key_len);
	case KIND_NONE:
		break;
	}
	return NULL;
}

/* ---- the cache ---- */

/*
 * Verdicts stand in rows of eight, the most recently used first; the last falls out.  A verdict is
 * 31 bytes of the content's SHA-256 and one byte.  Beside them lies one key handle for each curve,
 * lent to who verifies.  A lock guards both, so a cache may serve several threads.
 */
enum { ROW = 8, VERDICT_NONE = 0, VERDICT_GOOD = 1, VERDICT_BAD = 2 };

struct verdict {
	uint8_t id[31];
	uint8_t verdict;
};

struct mus_sigcache {
	pthread_mutex_t lock;
	struct verdict *row;
	size_t row_count;		/* a power of two */
	EVP_PKEY *p256, *p384;		/* NULL: lent */
	struct mus_sigcache_stats stats;
};

struct mus_sigcache *
mus_sigcache_new(size_t max)
{
	struct mus_sigcache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->row_count = 1;
	while (c->row_count * 2 * ROW <= max)
		c->row_count *= 2;
	c->row = calloc(c->row_count * ROW, sizeof *c->row);
	if (!c->row || pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c->row);
		free(c);
		return NULL;
	}
	return c;
}

void
mus_sigcache_free(struct mus_sigcache *c)
{
	if (!c)
		return;
	EVP_PKEY_free(c->p256);
	EVP_PKEY_free(c->p384);
	pthread_mutex_destroy(&c->lock);
	free(c->row);
	free(c);
}

struct mus_sigcache_stats
mus_sigcache_stats(const struct mus_sigcache *c)
{
	return (struct mus_sigcache_stats){
		.verified = __atomic_load_n(&c->stats.verified, __ATOMIC_RELAXED),
		.hits = __atomic_load_n(&c->stats.hits, __ATOMIC_RELAXED),
	};
}

static struct verdict *
row_of(struct mus_sigcache *c, const uint8_t *id)
{
	size_t h = 0;

	for (int i = 0; i < 8; i++)
		h = h << 8 | id[i];
	return c->row + (h & (c->row_count - 1)) * ROW;
}

/* ${v} to the front; what stood before ${at} moves back by one. */
static void
to_front(struct verdict *row, size_t at, struct verdict v)
{
	memmove(row + 1, row, at * sizeof *row);
	row[0] = v;
}

bool
mus__sigcache_get(struct mus_sigcache *c, const uint8_t id[static 32], bool *good)
{
	struct verdict *row;
	bool found = false;

	pthread_mutex_lock(&c->lock);
	row = row_of(c, id);
	for (size_t i = 0; i < ROW && !found; i++) {
		struct verdict v = row[i];

		if (v.verdict == VERDICT_NONE || memcmp(v.id, id, sizeof v.id) != 0)
			continue;
		*good = v.verdict == VERDICT_GOOD;
		to_front(row, i, v);
		__atomic_fetch_add(&c->stats.hits, 1, __ATOMIC_RELAXED);
		found = true;
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

void
mus__sigcache_put(struct mus_sigcache *c, const uint8_t id[static 32], bool good)
{
	struct verdict v = {.verdict = good ? VERDICT_GOOD : VERDICT_BAD};

	memcpy(v.id, id, sizeof v.id);
	pthread_mutex_lock(&c->lock);
	to_front(row_of(c, id), ROW - 1, v);
	__atomic_fetch_add(&c->stats.verified, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&c->lock);
}

/* The cache's handle of this curve is another one now; the one before is the caller's. */
static EVP_PKEY *
swap_handle(struct mus_sigcache *c, const struct method *m, EVP_PKEY *key)
{
	EVP_PKEY **place, *before;

	if (!c || m->kind != KIND_EC)
		return key;
	place = m->half == 32 ? &c->p256 : &c->p384;
	pthread_mutex_lock(&c->lock);
	before = *place;
	*place = key;
	pthread_mutex_unlock(&c->lock);
	return before;
}

/* ---- signatures ---- */

/* r|s to the DER form that OpenSSL wants; the caller frees.  NULL: not of the form. */
static uint8_t *
der_of(const struct method *m, const uint8_t *sig, size_t len, size_t *der_len)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *r = NULL, *t = NULL;
	uint8_t *der = NULL;
	int n = -1;

	if (len == 2 * m->half) {
		r = BN_bin2bn(sig, (int)m->half, NULL);
		t = BN_bin2bn(sig + m->half, (int)m->half, NULL);
	}
	if (s && r && t && ECDSA_SIG_set0(s, r, t) == 1) {
		r = t = NULL;			/* the signature's now */
		n = i2d_ECDSA_SIG(s, &der);
	}
	BN_free(r);
	BN_free(t);
	ECDSA_SIG_free(s);
	*der_len = n > 0 ? (size_t)n : 0;
	return n > 0 ? der : NULL;
}

bool
mus__verify(struct mus_sigcache *cache, struct mus_rdata dnskey, const uint8_t *data, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	struct method m = method_of(dnskey.len > 3 ? dnskey.data[3] : 0);
	const EVP_MD *md = m.md == MUS__MD_COUNT ? NULL : mus__md_of(m.md);
	EVP_PKEY *key = key_of(dnskey, &m, swap_handle(cache, &m, NULL));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	bool good = false;

	if (!key || !ctx)
		goto out;
	if (m.kind == KIND_EC) {
		if ((der = der_of(&m, sig, sig_len, &sig_len)) == NULL)
			goto out;
		sig = der;
	}
	good = EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1;
out:
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key ? swap_handle(cache, &m, key) : NULL);
	return good;
}
