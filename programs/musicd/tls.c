#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/log.h"
#include "app/selfsigned.h"
#include "base/text.h"
#include "config.h"
#include "io/http.h"
#include "io/local.h"
#include "tls.h"

enum { ADDRS_MAX = 128 };

static struct mus_time
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct mus_time){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000};
}

void
musicd_tls_files(const struct mus_conf *conf, struct musicd_tls *t)
{
	const struct musicd_conf *c = mus_conf_get(conf);

	t->is_ours = c->api_cert == NULL;
	if (t->is_ours) {
		snprintf(t->cert, sizeof t->cert, "%s.cert.pem", c->store_file);
		snprintf(t->key, sizeof t->key, "%s.key.pem", c->store_file);
	} else {
		snprintf(t->cert, sizeof t->cert, "%s", c->api_cert);
		snprintf(t->key, sizeof t->key, "%s", c->api_key);
	}
}

static bool
is_loopback(const struct mus_addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, one, 16) == 0;
}

/* Where clients reach what listens on ${listen}: of 0.0.0.0 and ::, everything that the machine has. */
static size_t
reached_at(const struct mus_addr *listen, struct mus_addr out[static ADDRS_MAX])
{
	static const uint8_t any[16];

	if (memcmp(listen->ip, any, sizeof any) == 0)
		return mus_addr_all_local(out, ADDRS_MAX);
	out[0] = *listen;
	return 1;
}

int
musicd_tls_make(const struct mus_conf *conf, struct musicd_tls *t, struct mus_errtext *et)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	char hosts[MUS_HOST_NAMES_MAX][MUS_HOST_NAME_MAX], text[MUS_PIN_TEXT_MAX];
	const char *names[MUS_HOST_NAMES_MAX + 2] = {"localhost"};
	struct mus_addr addrs[ADDRS_MAX];
	struct mus_selfsigned_opts o = {.cert_file = t->cert, .key_file = t->key, .names = names, .addrs = addrs,
	    .now = now()};
	struct mus_pin pin;
	bool is_there;
	int rc;

	if (!t->is_ours)
		return 0;
	if ((rc = mus_selfsigned_find(&o, &is_there, &pin, et)) < 0)
		return mus_conf_wrap(conf, &c->api_cert, et, rc);
	if (!is_there) {
		o.addr_count = reached_at(&c->api_listen, addrs);
		/* Nobody elsewhere reaches the loopback by name. */
		for (size_t i = 0, n = is_loopback(&c->api_listen) ? 0 : mus_host_names(hosts); i < n; i++)
			names[i + 1] = hosts[i];
		if ((rc = mus_selfsigned_make(&o, &pin, et)) < 0)
			return mus_conf_wrap(conf, &c->api_cert, et, rc);
		t->is_new = true;
	}
	mus_log_notice((const char *)NULL, "%s certificate %s, pin %s", is_there ? "own" : "made", t->cert,
	    mus_pin_text(&pin, text));
	return 0;
}

void
musicd_tls_take_back(const struct musicd_tls *t)
{
	if (!t->is_new)
		return;
	(void)unlink(t->cert);
	(void)unlink(t->key);
}

int
musicd_tls_check(const struct mus_conf *conf, const struct musicd_tls *t, struct mus_errtext *et)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct mus_selfsigned_opts o = {.cert_file = t->cert, .key_file = t->key};
	struct mus_httpd_opts own = {.cert_file = t->cert, .key_file = t->key},
			      others = {.client_ca_file = c->api_client_ca};
	bool is_there = true;
	struct mus_pin pin;
	struct stat st;
	int rc = 0;

	if (t->is_ours)
		rc = mus_selfsigned_find(&o, &is_there, &pin, et);
	if (rc == 0 && is_there)
		rc = mus_httpd_check(&own, et);
	if (rc < 0)
		return mus_conf_wrap(conf, &c->api_cert, et, rc);
	if (is_there && stat(t->key, &st) == 0 && (rc = mus_check_secret_mode(t->key, st.st_mode, et)) < 0)
		return mus_conf_wrap(conf, &c->api_key, et, rc);
	rc = mus_httpd_check(&others, et);
	return rc < 0 ? mus_conf_wrap(conf, &c->api_client_ca, et, rc) : 0;
}

static void
warn_of_addrs(const struct mus_conf *conf, const struct musicd_tls *t, mus_opts_warn_fn *warn, void *arg)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct mus_addr addrs[ADDRS_MAX], first;
	char at[MUS_ADDR_TEXT_MAX], more[32] = "";
	struct mus_errtext et;
	size_t lacks = 0;

	if (mus_cert_lacks(t->cert, addrs, reached_at(&c->api_listen, addrs), &first, &lacks, &et) < 0 || lacks == 0)
		return;
	first.port = 0;
	if (lacks > 1)
		snprintf(more, sizeof more, " (and %zu more)", lacks - 1);
	(void)mus_conf_errf(conf, &c->api_listen, &et,
	    "%s, made at the first start, does not name %s%s: clients refuse it there; stop musicd, remove it and %s, "
	    "start again and give clients the new one, or set api.certificate and api.key",
	    t->cert, mus_addr_text(&first, 0, at), more, strrchr(t->key, '/') ? strrchr(t->key, '/') + 1 : t->key);
	warn(arg, &et);
}

void
musicd_tls_warn(const struct mus_conf *conf, const struct musicd_tls *t, mus_opts_warn_fn *warn, void *arg)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct mus_errtext et;

	if (mus_cert_check_time(t->cert, now(), &et) == MUS_ERR_CONFLICT) {
		(void)mus_conf_wrap(conf, &c->api_cert, &et, MUS_ERR_CONFLICT);
		warn(arg, &et);
	}
	if (t->is_ours)
		warn_of_addrs(conf, t, warn, arg);
}
