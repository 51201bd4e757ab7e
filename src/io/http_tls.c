#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "io/file.h"
#include "io/http_priv.h"

enum { PEM_MAX = 1 << 20 };

void
mus__http_pem_clear(struct http_pem *p)
{
	if (p->key.data)
		explicit_bzero(p->key.data, p->key.len);
	mus_buf_clear(&p->cert);
	mus_buf_clear(&p->key);
	mus_buf_clear(&p->ca);
}

static bool
is_loopback(const struct mus_addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, one, 16) == 0;
}

/* The library says little about a wrong file; this says which and why. */
static int
check_pem(const struct http_pem *p, const struct mus_httpd_opts *o, struct mus_errtext *et)
{
	gnutls_datum_t cert = {p->cert.data, (unsigned)p->cert.len};
	gnutls_datum_t key = {p->key.data, (unsigned)p->key.len};
	gnutls_datum_t ca = {p->ca.data, (unsigned)p->ca.len};
	gnutls_certificate_credentials_t cred = NULL;
	int rc;

	if (gnutls_certificate_allocate_credentials(&cred) < 0)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	rc = cert.size ? gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM) : 0;
	if (rc < 0) {
		rc = mus_errf(et, MUS_ERR_INVAL, "%s with key %s: %s", o->cert_file, o->key_file,
		    gnutls_strerror(rc));
		goto out;
	}
	rc = p->ca.len ? gnutls_certificate_set_x509_trust_mem(cred, &ca, GNUTLS_X509_FMT_PEM) : 1;
	if (rc <= 0)
		rc = mus_errf(et, MUS_ERR_INVAL, "%s: %s", o->client_ca_file,
		    rc < 0 ? gnutls_strerror(rc) : "holds no certificate");
	else
		rc = 0;
out:
	gnutls_certificate_free_credentials(cred);
	return rc;
}

static int
read_pem(struct http_pem *p, const struct mus_httpd_opts *o, struct mus_errtext *et)
{
	int rc;

	if (o->cert_file && ((rc = mus_file_read(o->cert_file, PEM_MAX, &p->cert, et)) < 0 ||
				(rc = mus_file_read(o->key_file, PEM_MAX, &p->key, et)) < 0))
		return rc;
	if (o->client_ca_file && (rc = mus_file_read(o->client_ca_file, PEM_MAX, &p->ca, et)) < 0)
		return rc;
	return check_pem(p, o, et);
}

int
mus__http_load_pem(const struct mus_httpd_opts *o, struct http_pem *p, struct mus_errtext *et)
{
	if (!o->cert_file && !o->key_file && !o->client_ca_file) {
		if (is_loopback(&o->listen))
			return 0;
		return mus_errf(et, MUS_ERR_INVAL, "without a certificate only a loopback address may "
						   "be listened on");
	}
	if (!o->cert_file || !o->key_file)
		return mus_errf(et, MUS_ERR_INVAL, "TLS wants a certificate and a key");
	return read_pem(p, o, et);
}

int
mus_httpd_check(const struct mus_httpd_opts *o, struct mus_errtext *et)
{
	struct http_pem p = {0};
	int rc = read_pem(&p, o, et);

	mus__http_pem_clear(&p);
	return rc;
}

bool
mus_http_client_cert(const struct mus_http_req *r, uint8_t spki_sha256[static 32], char *cn,
    size_t cn_cap)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .size = 0};
	unsigned char oid[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_session_t session = info ? info->tls_session : NULL;
	const gnutls_datum_t *der;
	gnutls_x509_crt_t crt = NULL;
	unsigned count = 0, status = 1;
	size_t len = 32, cn_len = cn_cap;
	bool ok = false;

	purpose.data = oid;
	if (!session || !(der = gnutls_certificate_get_peers(session, &count)) || count == 0)
		return false;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status != 0)
		return false;
	if (gnutls_x509_crt_init(&crt) < 0)
		return false;
	if (gnutls_x509_crt_import(crt, &der[0], GNUTLS_X509_FMT_DER) < 0)
		goto out;
	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, spki_sha256, &len) < 0 || len != 32)
		goto out;
	if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, cn, &cn_len) < 0)
		cn[0] = '\0';		/* none, or longer than there is room */
	ok = true;
out:
	gnutls_x509_crt_deinit(crt);
	return ok;
}
