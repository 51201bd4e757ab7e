#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/selfsigned.h"
#include "base/buf.h"
#include "base/text.h"
#include "io/file.h"

enum {
	DAYS_DEFAULT = 3653,
	DAY_S = 86400,
	PEM_MAX = 1 << 20,
	SERIAL_BYTES = 16,
	CN_MAX = 64,			/* ub-common-name of RFC 5280 */
};

/* The words of OpenSSL for what failed last. */
static int
crypto_failed(struct mus_errtext *et, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(e);

	ERR_clear_error();
	return mus_errf(et, MUS_ERR_INTERNAL, "%s: %s", what, reason ? reason : "OpenSSL failed");
}

/* ---- pins ---- */

const char *
mus_pin_text(const struct mus_pin *p, char out[static MUS_PIN_TEXT_MAX])
{
	memcpy(out, "sha256//", 8);
	mus_base64_encode(p->spki_sha256, sizeof p->spki_sha256, out + 8);
	return out;
}

static int
pin_of(const X509 *x, struct mus_pin *pin, struct mus_errtext *et)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der), ok;

	if (len <= 0)
		return crypto_failed(et, "encode the public key");
	ok = EVP_Digest(der, (size_t)len, pin->spki_sha256, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return ok == 1 ? 0 : crypto_failed(et, "hash the public key");
}

/* Reads the certificate (first in the file) or the key in ${path}. */
static int
load_pem(const char *path, X509 **x, EVP_PKEY **key, struct mus_errtext *et)
{
	struct mus_buf b;
	BIO *bio = NULL;
	int rc;

	mus_buf_init(&b, 0);
	if ((rc = mus_file_read(path, PEM_MAX, &b, et)) < 0)
		goto out;
	if (!(bio = BIO_new_mem_buf(b.data, (int)b.len))) {
		rc = mus_errf(et, MUS_ERR_NOMEM, "out of memory");
		goto out;
	}
	if (x)
		*x = PEM_read_bio_X509(bio, NULL, NULL, (void *)(uintptr_t) "");
	else
		*key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");
	if (x ? !*x : !*key) {
		ERR_clear_error();
		rc = mus_errf(et, MUS_ERR_INVAL, "%s: holds no %s in PEM", path,
		    x ? "certificate" : "private key without a passphrase");
	}
out:
	BIO_free(bio);
	if (b.data)
		explicit_bzero(b.data, b.len);
	mus_buf_clear(&b);
	return rc;
}

int
mus_pin_of_file(const char *cert_file, struct mus_pin *pin, struct mus_errtext *et)
{
	X509 *x = NULL;
	int rc;

	if ((rc = load_pem(cert_file, &x, NULL, et)) == 0)
		rc = pin_of(x, pin, et);
	X509_free(x);
	return rc;
}

/* ---- a certificate ---- */

static bool
add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	if (!(e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)))
		return false;
	ok = X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	return ok == 1;
}

static bool
push_name(GENERAL_NAMES *all, int type, const void *p, size_t len)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	if (!g || !s || !ASN1_STRING_set(s, p, (int)len)) {
		ASN1_STRING_free(s);
		GENERAL_NAME_free(g);
		return false;
	}
	GENERAL_NAME_set0_value(g, type, s);
	if (sk_GENERAL_NAME_push(all, g) <= 0) {
		GENERAL_NAME_free(g);
		return false;
	}
	return true;
}

/* Length without a final dot. */
static size_t
host_len(const char *name)
{
	size_t len = strlen(name);

	return len > 1 && name[len - 1] == '.' ? len - 1 : len;
}

static bool
add_alt_names(X509 *x, const struct mus_selfsigned_opts *o)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	bool ok = all != NULL;
	size_t i;

	for (i = 0; ok && o->names && o->names[i]; i++)
		ok = push_name(all, GEN_DNS, o->names[i], host_len(o->names[i]));
	for (i = 0; ok && i < o->addr_count; i++)
		ok = push_name(all, GEN_IPADD, o->addrs[i].ip, o->addrs[i].family == 4 ? 4 : 16);
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1;
	GENERAL_NAMES_free(all);
	return ok;
}

static bool
set_serial(X509 *x)
{
	uint8_t raw[SERIAL_BYTES];
	BIGNUM *bn;
	bool ok;

	if (RAND_bytes(raw, sizeof raw) != 1)
		return false;
	raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40);	/* positive, and of full length */
	bn = BN_bin2bn(raw, sizeof raw, NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

static bool
set_subject(X509 *x, const struct mus_selfsigned_opts *o)
{
	X509_NAME *name = X509_get_subject_name(x);
	const char *cn = o->names && o->names[0] ? o->names[0] : "music";
	size_t len = host_len(cn);

	if (len > CN_MAX)
		len = CN_MAX;
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)cn,
		   (int)len, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1;
}

static X509 *
make_cert(const struct mus_selfsigned_opts *o, EVP_PKEY *key)
{
	int64_t now_s = mus_time_to_s(o->now), days = o->days ? o->days : DAYS_DEFAULT;
	X509 *x = X509_new();

	/* A day of the past, for clients whose clock is behind. */
	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && set_subject(x, o) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now_s - DAY_S)) &&
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now_s + days * DAY_S)) &&
	    X509_set_pubkey(x, key) && add_alt_names(x, o) &&
	    add_ext(x, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_ext(x, NID_key_usage, "critical,digitalSignature") &&
	    add_ext(x, NID_ext_key_usage, "serverAuth,clientAuth") &&
	    add_ext(x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

/* ---- files ---- */

static int
write_bio(const char *path, BIO *bio, unsigned mode, struct mus_errtext *et)
{
	char *p;
	long len = BIO_get_mem_data(bio, &p);

	return mus_file_write(path, p, (size_t)len, mode, et);
}

static int
write_pair(const struct mus_selfsigned_opts *o, struct mus_pin *pin, struct mus_errtext *et)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *key_bio = BIO_new(BIO_s_secmem()), *cert_bio = BIO_new(BIO_s_mem());
	X509 *x = key ? make_cert(o, key) : NULL;
	int rc;

	if (!x || !key_bio || !cert_bio ||
	    !PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) ||
	    !PEM_write_bio_X509(cert_bio, x)) {
		rc = crypto_failed(et, "make a certificate");
		goto out;
	}
	/* The key first: dying between the two leaves one file, which the next start tells. */
	if ((rc = pin_of(x, pin, et)) < 0 || (rc = write_bio(o->key_file, key_bio, 0600, et)) < 0)
		goto out;
	if ((rc = write_bio(o->cert_file, cert_bio, 0644, et)) < 0)
		(void)unlink(o->key_file);
out:
	BIO_free(key_bio);
	BIO_free(cert_bio);
	X509_free(x);
	EVP_PKEY_free(key);
	return rc;
}

static int
check(const struct mus_selfsigned_opts *o, struct mus_pin *pin, struct mus_errtext *et)
{
	X509 *x = NULL;
	EVP_PKEY *key = NULL;
	int rc;

	if ((rc = load_pem(o->cert_file, &x, NULL, et)) < 0 ||
	    (rc = load_pem(o->key_file, NULL, &key, et)) < 0)
		goto out;
	if (X509_check_private_key(x, key) != 1) {
		ERR_clear_error();
		rc = mus_errf(et, MUS_ERR_CONFLICT, "%s is not the key of %s", o->key_file, o->cert_file);
		goto out;
	}
	rc = pin_of(x, pin, et);
out:
	X509_free(x);
	EVP_PKEY_free(key);
	return rc;
}

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

int
mus_selfsigned_find(const struct mus_selfsigned_opts *o, bool *found, struct mus_pin *pin, struct mus_errtext *et)
{
	bool cert = is_there(o->cert_file), key = is_there(o->key_file);

	*found = cert && key;
	if (cert && key)
		return check(o, pin, et);
	if (cert || key)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is there and %s is not: give both or remove it",
		    cert ? o->cert_file : o->key_file, cert ? o->key_file : o->cert_file);
	return 0;
}

int
mus_selfsigned_make(const struct mus_selfsigned_opts *o, struct mus_pin *pin, struct mus_errtext *et)
{
	if (!(o->names && o->names[0]) && o->addr_count == 0)
		return mus_errf(et, MUS_ERR_INVAL, "a certificate wants a name or an address");
	return write_pair(o, pin, et) < 0 ? mus_err_wrap(et, MUS_ERR_IO, "make %s", o->cert_file) : 0;
}

/* ---- what clients will say of it ---- */

static const char *
asn1_text(const ASN1_TIME *t, char out[static MUS_TIME_TEXT_MAX])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return "an unknown time";
	return mus_time_text_s(mus_time_from_s((int64_t)timegm(&tm)), false, out);
}

int
mus_cert_check_time(const char *cert_file, struct mus_time now, struct mus_errtext *et)
{
	char text[MUS_TIME_TEXT_MAX];
	time_t at = (time_t)mus_time_to_s(now);
	X509 *x = NULL;
	int rc;

	if ((rc = load_pem(cert_file, &x, NULL, et)) < 0)
		return rc;
	if (X509_cmp_time(X509_get0_notAfter(x), &at) <= 0)
		rc = mus_errf(et, MUS_ERR_CONFLICT, "%s: has expired at %s", cert_file,
		    asn1_text(X509_get0_notAfter(x), text));
	else if (X509_cmp_time(X509_get0_notBefore(x), &at) > 0)
		rc = mus_errf(et, MUS_ERR_CONFLICT, "%s: is not valid before %s", cert_file,
		    asn1_text(X509_get0_notBefore(x), text));
	X509_free(x);
	return rc;
}

int
mus_cert_lacks(const char *cert_file, const struct mus_addr *addrs, size_t count, struct mus_addr *first,
    size_t *lacks, struct mus_errtext *et)
{
	X509 *x = NULL;
	int rc;

	*lacks = 0;
	if ((rc = load_pem(cert_file, &x, NULL, et)) < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (X509_check_ip(x, addrs[i].ip, addrs[i].family == 4 ? 4 : 16, 0) == 1)
			continue;
		if ((*lacks)++ == 0)
			*first = addrs[i];
	}
	X509_free(x);
	return 0;
}
