/*
 * musicd: the controller.  Parses options, wires the parts, runs the loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/log.h"
#include "app/opts.h"
#include "app/privs.h"
#include "app/reload.h"
#include "app/sdnotify.h"
#include "app/token.h"
#include "base/text.h"
#include "config.h"
#include "engine/engine.h"
#include "io/dnsd.h"
#include "io/local.h"
#include "routes.h"
#include "tls.h"

struct daemon {
	const char *conf_path;
	int verbose;
	struct mus_conf *conf_file, *reloaded;	/* as at the start; as read last, NULL: not again */
	const struct musicd_conf *conf;		/* as at the start: much is borrowed from it */
	struct mus_loop *loop;
	struct mus_store *store;
	struct mus_dnsx *dnsx;
	struct mus_lookup *lookup;
	struct mus_engine *engine;
	struct mus_dnsd *dnsd;
	struct mus_tokens *tokens;
	struct mus_api *api;
	struct mus_httpd *httpd;
	struct mus_timer *tick;
	struct mus_sdnotify_watchdog *watchdog;
	struct musicd_tls tls;
};

/* ---- log ------------------------------------------------------------------------------------------- */

static void
on_log(void *arg, int level, const char *zone, const char *text)
{
	/* syslog(3) levels of the engine to ours. */
	static const enum mus_log_level map[] = {MUS_LOG_ERROR, MUS_LOG_ERROR, MUS_LOG_ERROR,
	    MUS_LOG_ERROR, MUS_LOG_WARNING, MUS_LOG_NOTICE, MUS_LOG_INFO, MUS_LOG_DEBUG};

	(void)arg;
	mus_log_kv(map[level & 7], zone[0] ? zone : (const char *)NULL, NULL, NULL, "%s", text);
}

/* ---- who asks -------------------------------------------------------------------------------------- */

static int
on_auth(void *arg, const struct mus_http_req *r, const char *bearer, char name[static MUS_LABEL_MAX],
    enum mus_role *role)
{
	struct daemon *d = arg;
	const struct mus_token *token = NULL;
	uint8_t spki[32];
	char cn[MUS_LABEL_MAX];

	if (bearer)
		token = mus_tokens_find(d->tokens, bearer);
	else if (mus_http_client_cert(r, spki, cn, sizeof cn))
		/* A certificate that our CA vouches for stands for the token of its name. */
		for (size_t i = 0; i < mus_tokens_count(d->tokens); i++)
			if (strcmp(mus_tokens_at(d->tokens, i)->name, cn) == 0)
				token = mus_tokens_at(d->tokens, i);
	if (!token)
		return MUS_ERR_UNAUTH;
	snprintf(name, MUS_LABEL_MAX, "%s", token->name);
	*role = token->role;
	return 0;
}

/* ---- NOTIFY ------------------------------------------------------------------------------------------ */

static size_t
on_dns(void *arg, const struct mus_dnsd_req *r, uint8_t *out, size_t cap)
{
	struct daemon *d = arg;
	char zone[MUS_NAME_TEXT_MAX];
	uint16_t rcode = MUS_RCODE_NOTIMP;
	bool aa = false;
	int len;

	if (r->msg->qr)
		return 0;
	if (r->msg->opcode == MUS_OPCODE_NOTIFY) {
		/* A hint and nothing more: we look for ourselves, whoever sent it. */
		aa = r->msg->qname.len > 0 &&
		    mus_engine_hint(d->engine, mus_name_text(&r->msg->qname, zone));
		rcode = aa ? MUS_RCODE_NOERROR : MUS_RCODE_NOTAUTH;
	} else if (r->msg->opcode == MUS_OPCODE_QUERY) {
		rcode = MUS_RCODE_REFUSED;
	}
	len = mus_reply_build(r->wire, r->wire_len, rcode, aa, out, cap);
	return len < 0 ? 0 : (size_t)len;
}

/* ---- life ------------------------------------------------------------------------------------------- */

static void
on_stop(void *arg)
{
	struct daemon *d = arg;

	mus_sdnotify_stopping();
	mus_log_notice((const char *)NULL, "stopping");
	mus_loop_stop(d->loop);
}

static void
open_log(const struct daemon *d, const struct musicd_conf *c)
{
	struct mus_log_opts log = {.program = "musicd", .conf = c->log};

	mus_log_conf_louder(&log.conf, d->verbose);
	mus_log_open(&log);
}

static void
warn_in_log(void *arg, const struct mus_errtext *et)
{
	(void)arg;
	mus_log_warning((const char *)NULL, NULL, "%s", et->s);
}

static int
load_tokens(struct daemon *d, const struct mus_conf *conf, struct mus_errtext *et)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct mus_tokens *fresh = mus_tokens_new();
	int rc = fresh ? mus_tokens_load(fresh, c->api_tokens, et)
		       : mus_errf(et, MUS_ERR_NOMEM, "out of memory");

	if (rc < 0) {
		mus_tokens_free(fresh);
		return mus_conf_wrap(conf, &c->api_tokens, et, rc);
	}
	mus_tokens_free(d->tokens);
	d->tokens = fresh;
	return 0;
}

static void
warn_of_no_tokens(const struct daemon *d, const struct mus_conf *conf, mus_opts_warn_fn *warn, void *arg)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct mus_errtext et;

	if (mus_tokens_count(d->tokens) > 0)
		return;
	(void)mus_conf_errf(conf, &c->api_tokens, &et,
	    "%s has no token, so nobody can log in: music-cli token new makes one", c->api_tokens);
	warn(arg, &et);
}

/* Into the engine.  Signers come and go while we run: one that a command names and that is not there is only told. */
static int
set_hooks(struct daemon *d, const struct mus_conf *conf, struct mus_errtext *et)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct mus_hook *hooks = calloc(c->hooks.count + 1, sizeof *hooks);
	int rc = hooks ? 0 : MUS_ERR_NOMEM;

	for (size_t i = 0; hooks && i < c->hooks.count; i++) {
		const struct musicd_hook *h = &c->hooks.items[i];
		struct mus_signer_obj s;
		struct mus_errtext why;

		hooks[i] = musicd_hook(h);
		if (mus_store_load_signer(d->store, h->signer, &s, &why) == MUS_ERR_NOTFOUND) {
			(void)mus_conf_errf(conf, &h->signer, &why, "there is no signer \"%s\" yet", h->signer);
			mus_log_warning((const char *)NULL, NULL, "%s", why.s);
		}
	}
	if (rc == 0)
		rc = mus_engine_set_hooks(d->engine, hooks, c->hooks.count);
	free(hooks);
	return rc < 0 ? mus_errf(et, rc, "commands: %s", mus_err_text(rc)) : 0;
}

static void
on_reload(void *arg)
{
	struct daemon *d = arg;
	const struct mus_conf *conf;
	struct mus_errtext et;
	unsigned ended;

	mus_sdnotify_reloading();
	mus_reload(&musicd_schema, d->conf_path, d->conf_file, &d->reloaded);
	conf = d->reloaded ? d->reloaded : d->conf_file;
	open_log(d, mus_conf_get(conf));
	if (set_hooks(d, conf, &et) < 0)
		mus_log_error((const char *)NULL, et.s, "reload: commands stay as they were");
	if (load_tokens(d, conf, &et) < 0)
		mus_log_error((const char *)NULL, et.s, "reload: tokens stay as they were");
	else
		mus_log_notice((const char *)NULL, "tokens read again");
	warn_of_no_tokens(d, conf, warn_in_log, NULL);
	musicd_tls_warn(d->conf_file, &d->tls, warn_in_log, NULL);
	if ((ended = mus_api_recheck(d->api)) > 0)
		mus_log_notice((const char *)NULL, "%u event streams ended: their tokens are no longer known", ended);
	mus_sdnotify_ready();
}

static void
on_tick(void *arg)
{
	struct daemon *d = arg;

	mus_log_tick();
	mus_timer_start(d->tick, 1000);
}

/* The resolver of the configuration. */
static int
open_lookup(const struct mus_conf *conf, struct mus_loop *l, struct mus_lookup **out,
    struct mus_errtext *et)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct mus_lookup_opts k = {
	    .root_hints_file = c->root_hints, .trust_anchor_file = c->trust_anchor};
	int rc = mus_lookup_new(l, &k, out, et);

	/* The hints are good, or the configuration would not have been taken. */
	return rc < 0 && rc != MUS_ERR_NOMEM ? mus_conf_wrap(conf, &c->trust_anchor, et, rc) : rc;
}

static int
open_dns(struct daemon *d, struct mus_errtext *et)
{
	const struct musicd_conf *c = d->conf;
	struct mus_dnsx_opts x = {
	    .udp_timeout_ms = (unsigned)c->udp_timeout_ms,
	    .tcp_timeout_ms = (unsigned)c->tcp_timeout_ms,
	    .server_window = (unsigned)c->server_window,
	    .server_qps = (unsigned)c->server_qps,
	    .source4 = c->source4.family ? &c->source4 : NULL,
	    .source6 = c->source6.family ? &c->source6 : NULL,
	};

	d->dnsx = mus_dnsx_new(d->loop, &x);
	if (!d->dnsx)
		return mus_errf(et, MUS_ERR_NOMEM, "DNS exchange: out of memory");
	return open_lookup(d->conf_file, d->loop, &d->lookup, et);
}

static int
open_engine(struct daemon *d, struct mus_errtext *et)
{
	const struct musicd_conf *c = d->conf;
	struct mus_engine_opts o = {
	    .loop = d->loop,
	    .store = d->store,
	    .dnsx = d->dnsx,
	    .lookup = d->lookup,
	    .parent_patience_s = (uint32_t)c->parent_patience_s,
	    .policy = {.margin_s = (uint32_t)c->margin_s,
		.parent_ttl_floor_s = (uint32_t)c->parent_ttl_floor_s,
		.ttl_floor_s = (uint32_t)c->ttl_floor_s,
		.fresh_s = (uint32_t)c->fresh_s,
		.gap_s = (uint32_t)c->gap_s,
		.refresh_s = (uint32_t)c->refresh_s,
		.digests = musicd_digests(c),
		.strict = c->strict,
		.spread_sep = c->spread_sep,
		.csync_keep = c->csync_keep},
	    .idle_ms = c->idle_ms,
	    .poll_ms = c->poll_ms,
	    .recheck_ms = c->recheck_ms,
	    .retry_ms = c->retry_ms,
	    .copy_ms = c->copy_ms,
	    .transfer_max_bytes = (uint64_t)c->transfer_size,
	    .transfer_max_ms = c->transfer_ms,
	    .transfer_min_rate = (uint64_t)c->transfer_rate,
	    .active_max = (unsigned)c->active_max,
	    .parent_insecure_ok = c->parent_insecure_ok,
	    .addresses_unchecked = !c->check_addresses,
	    .dns_port = (uint16_t)c->dns_port,
	    .history_keep = (unsigned)c->history_keep,
	    .log = on_log,
	};
	struct mus_dnsd_opts n = {.tcp_clients_max = 64};
	int rc = mus_engine_new(&o, &d->engine, et);

	if (rc < 0)
		return rc;
	if (!c->check_addresses)
		mus_log_warning((const char *)NULL, NULL,
		    "resolver.check-addresses is no: one wrong or missing address of a name server can make zones "
		    "bogus that are shown as VALID");
	if ((rc = set_hooks(d, d->conf_file, et)) < 0)
		return rc;
	d->dnsd = mus_dnsd_new(d->loop, &n, on_dns, d);
	if (!d->dnsd)
		return mus_errf(et, MUS_ERR_NOMEM, "NOTIFY listener: out of memory");
	for (size_t i = 0; i < c->notify_listen.count; i++)
		if ((rc = mus_dnsd_listen(d->dnsd, &c->notify_listen.items[i], et)) < 0)
			return mus_conf_wrap(d->conf_file, &c->notify_listen, et, rc);
	return 0;
}

static void
on_http_tells(const char *text)
{
	mus_log_notice((const char *)NULL, "%s", text);
}

static int
open_api(struct daemon *d, struct mus_errtext *et)
{
	const struct musicd_conf *c = d->conf;
	struct mus_api_opts a = {.loop = d->loop, .engine = d->engine, .auth = on_auth, .auth_arg = d,
	    .metrics_open = c->api_metrics_open};
	struct mus_httpd_opts h = {.listen = c->api_listen, .cert_file = d->tls.cert, .key_file = d->tls.key,
	    .client_ca_file = c->api_client_ca, .body_max_bytes = MUS_API_BULK_BODY_MAX,
	    MUS_API_REFUSALS, .tell = on_http_tells};
	int rc = load_tokens(d, d->conf_file, et);

	if (rc < 0 || (rc = musicd_tls_make(d->conf_file, &d->tls, et)) < 0 ||
	    (rc = musicd_tls_check(d->conf_file, &d->tls, et)) < 0 || (rc = mus_api_new(&a, &d->api, et)) < 0)
		return rc;
	warn_of_no_tokens(d, d->conf_file, warn_in_log, NULL);
	musicd_tls_warn(d->conf_file, &d->tls, warn_in_log, NULL);
	rc = mus_httpd_new(d->loop, &h, mus_api_handle, d->api, &d->httpd, et);
	if (rc < 0) {
		musicd_tls_take_back(&d->tls);
		return mus_conf_wrap(d->conf_file, &c->api_listen, et, rc);
	}
	return 0;
}

static int
open_all(struct daemon *d, struct mus_errtext *et)
{
	int rc;

	d->loop = mus_loop_new();
	if (!d->loop)
		return mus_errf(et, MUS_ERR_NOMEM, "event loop: out of memory");
	/* Before anybody can know that we run: a signal that comes while we start waits for the loop. */
	if ((rc = mus_loop_on_signal(d->loop, SIGTERM, on_stop, d)) < 0 ||
	    (rc = mus_loop_on_signal(d->loop, SIGINT, on_stop, d)) < 0 ||
	    (rc = mus_loop_on_signal(d->loop, SIGHUP, on_reload, d)) < 0)
		return mus_errf(et, MUS_ERR_NOMEM, "signals");
	if ((rc = mus_store_open(d->conf->store_file, &d->store, et)) < 0)
		return mus_conf_wrap(d->conf_file, &d->conf->store_file, et, rc);
	if ((rc = open_dns(d, et)) < 0 || (rc = open_engine(d, et)) < 0 || (rc = open_api(d, et)) < 0)
		return rc;
	d->tick = mus_timer_new(d->loop, on_tick, d);
	if (!d->tick)
		return mus_errf(et, MUS_ERR_NOMEM, "timer: out of memory");
	mus_timer_start(d->tick, 1000);
	return mus_sdnotify_watchdog_start(d->loop, &d->watchdog);
}

/* ---- --check: what the start reads, read as it does ---------------------------------------------------- */

/* The database may not be there yet, but there must be a place for it. */
static int
check_store(const struct musicd_conf *c, struct mus_errtext *et)
{
	struct stat st;
	char folder[1024];
	char *slash;

	if (!mus_strcpy(folder, sizeof folder, c->store_file))
		return mus_errf(et, MUS_ERR_INVAL, "path too long");
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	else
		mus_strcpy(folder, sizeof folder, ".");
	if (access(folder, W_OK | X_OK) < 0)
		return mus_errf(et, errno == ENOENT || errno == ENOTDIR ? MUS_ERR_NOTFOUND : MUS_ERR_STORE,
		    "folder %s: %s", folder, strerror(errno));
	if (stat(c->store_file, &st) == 0 && S_ISDIR(st.st_mode))
		return mus_errf(et, MUS_ERR_STORE, "%s: %s", c->store_file, strerror(EISDIR));
	if (access(c->store_file, R_OK | W_OK) < 0 && errno != ENOENT)
		return mus_errf(et, MUS_ERR_STORE, "%s: %s", c->store_file, strerror(errno));
	return mus_store_check(c->store_file, et);
}

static int
check_resolver(const struct mus_conf *conf, struct mus_errtext *et)
{
	struct mus_loop *l = mus_loop_new();
	struct mus_lookup *k = NULL;
	int rc = l ? open_lookup(conf, l, &k, et) : mus_errf(et, MUS_ERR_NOMEM, "event loop: out of memory");

	mus_lookup_free(k);
	mus_loop_free(l);
	return rc;
}

/* ${field}: where it stands in the configuration. */
static void
check_addr(const struct mus_conf *conf, const void *field, const struct mus_addr *a, mus_opts_warn_fn *warn,
    void *arg)
{
	struct mus_errtext et;
	char text[MUS_ADDR_TEXT_MAX];

	if (!a->family || mus_addr_is_local(a))
		return;
	(void)mus_conf_errf(conf, field, &et, "%s is no address of this machine", mus_addr_text(a, 0, text));
	warn(arg, &et);
}

/* The file may be for another machine. */
static void
check_addrs(const struct mus_conf *conf, mus_opts_warn_fn *warn, void *arg)
{
	const struct musicd_conf *c = mus_conf_get(conf);

	check_addr(conf, &c->api_listen, &c->api_listen, warn, arg);
	for (size_t i = 0; i < c->notify_listen.count; i++)
		check_addr(conf, &c->notify_listen, &c->notify_listen.items[i], warn, arg);
	check_addr(conf, &c->source4, &c->source4, warn, arg);
	check_addr(conf, &c->source6, &c->source6, warn, arg);
}

static int
check_all(const struct mus_conf *conf, mus_opts_warn_fn *warn, void *arg, struct mus_errtext *et)
{
	const struct musicd_conf *c = mus_conf_get(conf);
	struct daemon d = {.tick = NULL};
	int rc = load_tokens(&d, conf, et);

	if (rc == 0)
		warn_of_no_tokens(&d, conf, warn, arg);
	mus_tokens_free(d.tokens);
	musicd_tls_files(conf, &d.tls);
	if (rc < 0 || (rc = musicd_tls_check(conf, &d.tls, et)) < 0)
		return rc;
	if ((rc = check_store(c, et)) < 0)
		return mus_conf_wrap(conf, &c->store_file, et, rc);
	check_addrs(conf, warn, arg);
	musicd_tls_warn(conf, &d.tls, warn, arg);
	return check_resolver(conf, et);
}

/* Who asks ends before what he asks with; but look-ups cannot be cancelled: no more of them call back first. */
static void
close_all(struct daemon *d)
{
	mus_api_free(d->api);
	mus_httpd_free(d->httpd);
	mus_sdnotify_watchdog_stop(d->watchdog);
	mus_timer_free(d->tick);
	mus_dnsd_free(d->dnsd);
	mus_lookup_free(d->lookup);
	mus_engine_free(d->engine);
	mus_dnsx_free(d->dnsx);
	mus_store_close(d->store);
	mus_tokens_free(d->tokens);
	mus_loop_free(d->loop);
	mus_conf_free(d->reloaded);
	mus_conf_free(d->conf_file);
}

int
main(int argc, char **argv)
{
	static const struct mus_opts_spec spec = {.program = "musicd",
	    .summary = "multi-signer controller for DNSSEC",
	    .conf_file = "/etc/music/musicd.yaml",
	    .schema = &musicd_schema,
	    .check = check_all};
	struct daemon d = {.tick = NULL};
	struct mus_privs_opts privs = {.files_min = 4096};
	struct mus_errtext et = {""};
	char at[MUS_ADDR_TEXT_MAX];
	struct mus_opts opts;
	int rc = mus_opts_begin(&spec, argc, argv, &opts, &d.conf_file);

	if (rc != MUS_OPTS_RUN)
		return rc;
	d.conf = mus_conf_get(d.conf_file);
	signal(SIGXFSZ, SIG_IGN);	/* a file at its limit is an error of that write, like a full disk */
	d.conf_path = opts.conf_file;
	musicd_tls_files(d.conf_file, &d.tls);
	d.verbose = opts.verbose;
	open_log(&d, d.conf);
	rc = mus_privs_apply(&privs, &et);
	if (rc == 0)
		rc = open_all(&d, &et);
	if (rc < 0) {
		mus_log_error((const char *)NULL, et.s, "cannot start");
	} else {
		mus_log_notice((const char *)NULL, "musicd %s is ready and listens at %s",
		    MUS_VERSION, mus_addr_text(&d.conf->api_listen, 0, at));
		mus_sdnotify_ready();
		mus_loop_run(d.loop);
	}
	close_all(&d);
	mus_log_flush();
	return rc < 0 ? mus_err_exit(rc) : 0;
}
