#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "app/selfsigned.h"
#include "base/text.h"

#include "temp.h"

static struct temp tmp;
static char cert_file[320], key_file[320];
static const char *const names[] = {"api.example.org.", "localhost", NULL};
static struct mus_addr addrs[2];
static struct mus_selfsigned_opts opts;

static int
set_up(void **state)
{
	(void)state;
	if (temp_open(&tmp) < 0)
		return -1;
	strcpy(cert_file, temp_path(&tmp, "cert.pem"));
	strcpy(key_file, temp_path(&tmp, "key.pem"));
	mus_addr_parse("192.0.2.1", 0, &addrs[0]);
	mus_addr_parse("2001:db8::1", 0, &addrs[1]);
	opts = (struct mus_selfsigned_opts){.cert_file = cert_file, .key_file = key_file, .names = names,
	    .addrs = addrs, .addr_count = 2, .now = {INT64_C(1763000000000)}};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	temp_close(&tmp);
	return 0;
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static X509 *
read_cert(void)
{
	FILE *f = fopen(cert_file, "r");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	assert_non_null(x);
	return x;
}

/* As a start does. */
static int
ensure(const struct mus_selfsigned_opts *o, bool *made, struct mus_pin *pin, struct mus_errtext *et)
{
	bool found;
	int rc = mus_selfsigned_find(o, &found, pin, et);

	*made = false;
	if (rc < 0 || found)
		return rc;
	rc = mus_selfsigned_make(o, pin, et);
	*made = rc == 0;
	return rc;
}

static void
test_make(void **state)
{
	struct mus_pin pin = {{0}}, again = {{0}}, of_file = {{0}};
	struct mus_errtext et = {""};
	char text[MUS_PIN_TEXT_MAX], cn[100];
	bool made = false;
	EVP_PKEY *key;
	X509 *x;
	time_t at;
	int days, secs;

	(void)state;
	umask(0);			/* modes are ours, whatever the umask */
	if (ensure(&opts, &made, &pin, &et) < 0)
		fail_msg("%s", et.s);
	umask(077);
	assert_true(made);
	assert_int_equal(mode_of(key_file), 0600);
	assert_int_equal(mode_of(cert_file), 0644);
	x = read_cert();
	key = X509_get0_pubkey(x);
	assert_int_equal(EVP_PKEY_get_bits(key), 256);
	assert_int_equal(X509_verify(x, key), 1);
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof cn);
	assert_string_equal(cn, "api.example.org");
	assert_int_equal(X509_check_host(x, "api.example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "other.example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(x, "192.0.2.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "2001:db8::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "192.0.2.2", 0), 0);
	at = 1763000000;
	assert_true(X509_cmp_time(X509_get0_notBefore(x), &at) < 0);
	at += 10 * 365 * 86400;
	assert_true(X509_cmp_time(X509_get0_notAfter(x), &at) > 0);
	assert_int_equal(ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(x), X509_get0_notAfter(x)), 1);
	assert_int_equal(days, 3654);
	assert_true(X509_get_extension_flags(x) & EXFLAG_BCONS);
	assert_false(X509_get_extension_flags(x) & EXFLAG_CA);
	X509_free(x);
	/* The second start finds them. */
	assert_int_equal(ensure(&opts, &made, &again, &et), 0);
	assert_false(made);
	assert_memory_equal(&again, &pin, sizeof pin);
	assert_int_equal(mus_pin_of_file(cert_file, &of_file, &et), 0);
	assert_memory_equal(&of_file, &pin, sizeof pin);
	assert_int_equal(strlen(mus_pin_text(&pin, text)), 52);
	assert_int_equal(strncmp(text, "sha256//", 8), 0);
}

/* The pin is what TLSA 3 1 1 and curl mean: the hash of the whole SubjectPublicKeyInfo. */
static void
test_pin(void **state)
{
	static const char pem[] =
	    "-----BEGIN CERTIFICATE-----\n"
	    "MIIBdTCCARugAwIBAgIUTESTPEMPLACEHOLDER\n"
	    "-----END CERTIFICATE-----\n";
	struct mus_pin pin, want;
	struct mus_errtext et;
	unsigned char *der = NULL;
	bool made;
	X509 *x;
	int len;

	(void)state;
	assert_int_equal(ensure(&opts, &made, &pin, &et), 0);
	x = read_cert();
	len = i2d_PUBKEY(X509_get0_pubkey(x), &der);
	/* 91 bytes: SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 }, BIT STRING { 04 x y } } */
	assert_int_equal(len, 91);
	assert_int_equal(EVP_Digest(der, (size_t)len, want.spki_sha256, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(&pin, &want, sizeof pin);
	OPENSSL_free(der);
	X509_free(x);
	assert_int_equal(mus_pin_of_file(temp_write(&tmp, "bad.pem", pem, 0644), &pin, &et), MUS_ERR_INVAL);
	assert_non_null(strstr(et.s, "bad.pem: holds no certificate"));
	assert_int_equal(mus_pin_of_file(temp_path(&tmp, "none.pem"), &pin, &et), MUS_ERR_NOTFOUND);
}

/* A common name has 64 characters at most; the whole name stands among the others. */
static void
test_long_name(void **state)
{
	static const char name[] =
	    "a-rather-long-first-label-of-a-host.and-a-second-one-of-the-same-kind.example.org";
	const char *const one[] = {name, NULL};
	struct mus_errtext et = {""};
	struct mus_pin pin;
	char cn[100];
	bool made;
	X509 *x;

	(void)state;
	opts.names = one;
	if (ensure(&opts, &made, &pin, &et) < 0)
		fail_msg("%s", et.s);
	x = read_cert();
	assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof cn), 64);
	assert_memory_equal(cn, name, 64);
	assert_int_equal(X509_check_host(x, name, 0, 0, NULL), 1);
	X509_free(x);
}

static void
test_errors(void **state)
{
	struct mus_pin pin;
	struct mus_errtext et;
	struct mus_selfsigned_opts other = opts;
	char other_cert[320], other_key[320];
	bool made;

	(void)state;
	/* Nobody it could be for. */
	other.names = NULL;
	other.addr_count = 0;
	assert_int_equal(ensure(&other, &made, &pin, &et), MUS_ERR_INVAL);
	/* No such folder: and nothing is left behind. */
	other = opts;
	other.cert_file = "/none/such/cert.pem";
	assert_int_equal(ensure(&other, &made, &pin, &et), MUS_ERR_IO);
	assert_false(made);
	assert_int_equal(mode_of(key_file), 0);
	/* One without the other. */
	assert_int_equal(ensure(&opts, &made, &pin, &et), 0);
	unlink(cert_file);
	assert_int_equal(ensure(&opts, &made, &pin, &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "key.pem is there and "));
	unlink(key_file);
	/* Two that do not belong together. */
	strcpy(other_cert, temp_path(&tmp, "other.pem"));
	strcpy(other_key, temp_path(&tmp, "other-key.pem"));
	assert_int_equal(ensure(&opts, &made, &pin, &et), 0);
	other = opts;
	other.cert_file = other_cert;
	other.key_file = other_key;
	assert_int_equal(ensure(&other, &made, &pin, &et), 0);
	other.key_file = key_file;
	assert_int_equal(ensure(&other, &made, &pin, &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "is not the key of"));
	/* No PEM. */
	temp_write(&tmp, "key.pem", "junk\n", 0600);
	assert_int_equal(ensure(&opts, &made, &pin, &et), MUS_ERR_INVAL);
	assert_non_null(strstr(et.s, "key.pem: holds no private key"));
}

/* From a day before it is made on, for ten years; its end is no longer in it. */
static void
test_time(void **state)
{
	static const struct {
		int64_t s;
		const char *words;
	} t[] = {
		{1763000000 - 86401, "cert.pem: is not valid before 2025-11-12T02:13:20Z"},
		{1763000000 - 86400, NULL},
		{1763000000 + INT64_C(3653) * 86400 - 1, NULL},
		{1763000000 + INT64_C(3653) * 86400, "cert.pem: has expired at 2035-11-14T02:13:20Z"},
	};
	struct mus_errtext et;
	struct mus_pin pin;

	(void)state;
	assert_int_equal(mus_cert_check_time(cert_file, opts.now, &et), MUS_ERR_NOTFOUND);
	assert_int_equal(mus_selfsigned_make(&opts, &pin, &et), 0);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		int rc = mus_cert_check_time(cert_file, mus_time_from_s(t[i].s), &et);

		assert_int_equal(rc, t[i].words ? MUS_ERR_CONFLICT : 0);
		if (t[i].words)
			assert_non_null(strstr(et.s, t[i].words));
	}
}

static void
test_lacks(void **state)
{
	struct mus_addr asked[4], first = {.family = 0};
	struct mus_errtext et;
	struct mus_pin pin;
	size_t lacks = 7;

	(void)state;
	assert_int_equal(mus_cert_lacks(cert_file, addrs, 2, &first, &lacks, &et), MUS_ERR_NOTFOUND);
	assert_int_equal(mus_selfsigned_make(&opts, &pin, &et), 0);
	assert_int_equal(mus_cert_lacks(cert_file, addrs, 2, &first, &lacks, &et), 0);
	assert_int_equal(lacks, 0);
	asked[0] = addrs[0];
	mus_addr_parse("192.0.2.2@53", 0, &asked[1]);
	mus_addr_parse("2001:db8::2", 0, &asked[2]);
	asked[3] = addrs[1];
	assert_int_equal(mus_cert_lacks(cert_file, asked, 4, &first, &lacks, &et), 0);
	assert_int_equal(lacks, 2);
	assert_true(mus_addr_equal(&first, &asked[1]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lacks, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("app/selfsigned", tests, NULL, NULL);
}
