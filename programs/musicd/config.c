#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "config.h"
#include "io/hints.h"
#include "model/object.h"
#include "wire/body.h"

#define T struct musicd_conf

#define X(id, word, what) word,
static const char *const verbs[] = {MUS_VERB_MAP(X) NULL};
#undef X
static const struct mus_conf_row hook_rows[] = {
    {MUS_CONF_STRING(struct musicd_hook, signer, "signer"), .required = true, .min = 1, .max = MUS_LABEL_MAX - 1,
	.when = MUS_CONF_AT_RELOAD,
	.help = "Who is told, by name."},
    {MUS_CONF_ENUM(struct musicd_hook, verb, "verb", verbs), .required = true,
	.when = MUS_CONF_AT_RELOAD,
	.help = "What it is told: to roll a key, that the new key may be used (go), that the old one may go "
	    "(withdraw)."},
    {MUS_CONF_STRINGS(struct musicd_hook, roles, "role"), .def = "zsk ksk csk", .min = 1, .max = 3,
	.when = MUS_CONF_AT_RELOAD,
	.help = "Roles of keys that the command is for; a KSK is told to roll and withdraw only."},
    {MUS_CONF_STRINGS(struct musicd_hook, command, "command"), .required = true, .min = 1, .max = 64,
	.may_repeat = true, .when = MUS_CONF_AT_RELOAD,
	.help = "Path of the program and its arguments, word by word, with {zone}, {signer}, {role}, {algorithm}, "
	    "{old-key-tag}, {new-key-tag}; no shell reads them."},
    {MUS_CONF_SPAN_MS(struct musicd_hook, timeout_ms, "timeout"), .def = "30s", .min = 1000, .max = 3600000,
	.when = MUS_CONF_AT_RELOAD,
	.help = "How long it may take; then it is ended."},
    MUS_CONF_END,
};

static const struct mus_conf_row rows[] = {
    {MUS_CONF_ADDR(T, api_listen, "api.listen"), .port = 8053, .def = "127.0.0.1@8053",
	.help = "Address and port of the REST interface (HTTPS)."},
    {MUS_CONF_PATH(T, api_cert, "api.certificate"),
	.help = "Certificate (PEM); made at first start beside the database when not given."},
    {MUS_CONF_PATH(T, api_key, "api.key"), .help = "Its private key (PEM)."},
    {MUS_CONF_FILE(T, api_client_ca, "api.client-ca"),
	.help = "Client certificates of this CA (PEM) are asked for; the common name is the token name."},
    {MUS_CONF_FILE(T, api_tokens, "api.tokens"), .required = true,
	.when = MUS_CONF_AT_RELOAD,
	.help = "File of bearer tokens: a line each of name, role and SHA-256 of the token."},
    {MUS_CONF_BOOL(T, api_metrics_open, "api.metrics-open"), .def = "no",
	.help = "Give /metrics without a token."},
    {MUS_CONF_PATH(T, store_file, "store.file"), .def = "/var/lib/music/musicd.db",
	.help = "Database (SQLite); created when it is not there."},
    {MUS_CONF_ADDRS(T, notify_listen, "dns.notify-listen"), .port = 53, .max = 16,
	.help = "Addresses that take NOTIFY from signers; none when not given."},
    {MUS_CONF_ADDR(T, source4, "dns.source-v4"), .port = 0,
	.help = "Local IPv4 address that questions leave from."},
    {MUS_CONF_ADDR(T, source6, "dns.source-v6"), .port = 0,
	.help = "Local IPv6 address that questions leave from."},
    {MUS_CONF_SPAN_MS(T, udp_timeout_ms, "dns.udp-timeout"), .def = "1500ms", .min = 50, .max = 30000,
	.help = "How long the first try over UDP waits; doubled for each further try."},
    {MUS_CONF_SPAN_MS(T, tcp_timeout_ms, "dns.tcp-timeout"), .def = "5s", .min = 100, .max = 60000,
	.help = "How long a TCP exchange may take."},
    {MUS_CONF_INT(T, server_qps, "dns.server-rate"), .def = "200", .min = 0, .max = 1000000,
	.unit = "questions a second", .help = "Most that one server is asked; 0: no limit."},
    {MUS_CONF_INT(T, server_window, "dns.server-window"), .def = "64", .min = 1, .max = 4096,
	.unit = "questions", .help = "Most that one server has to answer at once."},
    {MUS_CONF_SIZE(T, transfer_size, "dns.transfer-size"), .def = "4G", .min = 65536, .max = INT64_C(1) << 40,
	.help = "Largest whole copy that is read from a signer; a larger one is given up."},
    {MUS_CONF_SPAN_MS(T, transfer_ms, "dns.transfer-time"), .def = "1h", .min = 1000, .max = 86400000,
	.help = "How long reading a whole copy from a signer may take."},
    {MUS_CONF_INT(T, transfer_rate, "dns.transfer-rate"), .def = "1024", .min = 0, .max = 1000000000,
	.unit = "bytes a second", .help = "A copy that comes slower than this for a minute is given up; 0: never."},
    {MUS_CONF_INT(T, dns_port, "dns.port"), .def = "53", .min = 1, .max = 65535,
	.help = "Port of public name servers (other than 53 in tests only)."},
    {MUS_CONF_FILE(T, root_hints, "resolver.root-hints"),
	.help = "Root hints for finding parents; the built-in ones when not given."},
    {MUS_CONF_FILE(T, trust_anchor, "resolver.trust-anchor"),
	.help = "DNSSEC trust anchor; the system's root anchor when not given."},
    {MUS_CONF_BOOL(T, parent_insecure_ok, "resolver.parent-may-be-unsigned"), .def = "no",
	.help = "Believe DS answers of a parent that cannot be validated."},
    {MUS_CONF_BOOL(T, check_addresses, "resolver.check-addresses"), .def = "yes",
	.help = "Compare the addresses that are given of name servers and of parents with those that DNS has, and "
	    "hold what does not fit. With no, ONE WRONG OR MISSING ADDRESS CAN MAKE ZONES BOGUS THAT ARE SHOWN AS "
	    "VALID: only where the controller cannot look up anything."},
    {MUS_CONF_SPAN_S(T, margin_s, "policy.margin"), .def = "60s", .min = 1, .max = 86400,
	.help = "Added to every wait: clock differences and slack."},
    {MUS_CONF_SPAN_S(T, parent_ttl_floor_s, "policy.parent-ttl-floor"), .def = "1d", .min = 0,
	.max = 604800,
	.help = "TTL that DS and delegation NS are believed to have had before we watched."},
    {MUS_CONF_SPAN_S(T, ttl_floor_s, "policy.ttl-floor"), .def = "1d", .min = 0, .max = 604800,
	.help = "TTL that RRsets of signers are believed to have had before we watched."},
    {MUS_CONF_SPAN_S(T, parent_patience_s, "policy.parent-patience"), .def = "2d", .min = 1, .max = 7776000,
	.help = "A parent that has not followed for so long is to be told by hand."},
    {MUS_CONF_SPAN_S(T, fresh_s, "policy.fresh"), .def = "5m", .min = 1, .max = 86400,
	.help = "An observation older than this decides nothing."},
    {MUS_CONF_SPAN_S(T, gap_s, "policy.gap"), .def = "3h", .min = 1, .max = 604800,
	.help = "A longer gap between looks breaks the history; waits begin anew. More than schedule.idle."},
    {MUS_CONF_SPAN_S(T, refresh_s, "policy.refresh"), .def = "1d", .min = 0, .max = 2592000,
	.help = "Warn of signatures that outlive the caches by less than this."},
    {MUS_CONF_STRINGS(T, digests, "policy.digests"), .def = "sha256", .min = 1, .max = 2,
	.help = "Digest types of CDS that are published at least: sha256, sha384."},
    {MUS_CONF_BOOL(T, strict, "policy.strict"), .def = "no",
	.help = "Treat V3s (RFC 4035 2.2, every algorithm signs everything) as an error."},
    {MUS_CONF_BOOL(T, spread_sep, "policy.spread-sep"), .def = "no",
	.help = "Import KSKs too, for parents that ask for CDS through a validating cache."},
    {MUS_CONF_BOOL(T, csync_keep, "policy.csync-keep"), .def = "no",
	.help = "Leave CSYNC published when the parent has followed."},
    {MUS_CONF_SPAN_MS(T, idle_ms, "schedule.idle"), .def = "1h", .min = 100, .max = 86400000,
	.help = "How often a zone without a process is looked at."},
    {MUS_CONF_SPAN_MS(T, poll_ms, "schedule.poll"), .def = "30s", .min = 50, .max = 3600000,
	.help = "How often a zone that waits for others is looked at."},
    {MUS_CONF_SPAN_MS(T, recheck_ms, "schedule.recheck"), .def = "1m", .min = 50, .max = 3600000,
	.help = "What was seen longer ago than this is asked again before anything is done. "
	    "At most half of policy.fresh."},
    {MUS_CONF_SPAN_MS(T, retry_ms, "schedule.retry"), .def = "2m", .min = 100, .max = 86400000,
	.help = "When a change that is not seen is sent again; doubled each time, up to eight times as long."},
    {MUS_CONF_SPAN_MS(T, copy_ms, "schedule.copy"), .def = "1h", .min = 1000, .max = 604800000,
	.help = "How often at most a signer's whole copy of a zone is read during a process."},
    {MUS_CONF_INT(T, active_max, "schedule.active"), .def = "128", .min = 1, .max = 100000,
	.unit = "zones", .help = "Most zones that are looked at at once."},
    {MUS_CONF_INT(T, history_keep, "schedule.history"), .def = "1000", .min = 10, .max = 1000000,
	.unit = "lines", .help = "History kept of each zone."},
    {MUS_CONF_SECTIONS(T, hooks, "hooks", hook_rows), .when = MUS_CONF_AT_RELOAD,
	.help = "Commands that tell signers to roll keys, and when they may go on."},
    MUS_LOG_CONF_ROWS(T, log, MUS_CONF_AT_RELOAD),
    MUS_CONF_END,
};

/* NONE: there is no such role. */
static enum mus_proc_kind
role_kind(const char *word)
{
	for (enum mus_proc_kind k = MUS_PROC_NONE; k < MUS_PROC_COUNT; k++)
		if (mus_key_role_bit(k) && strcmp(mus_key_role_text(k), word) == 0)
			return k;
	return MUS_PROC_NONE;
}

/* Bit per role. */
static unsigned
hook_roles(const struct musicd_hook *h)
{
	unsigned bits = 0;

	for (size_t i = 0; i < h->roles.count; i++)
		bits |= mus_key_role_bit(role_kind(h->roles.items[i]));
	return bits;
}

struct mus_hook
musicd_hook(const struct musicd_hook *h)
{
	return (struct mus_hook){h->signer, (enum mus_verb)h->verb, hook_roles(h), h->command.items,
	    h->command.count, h->timeout_ms};
}

/* A role that is written there is meant to be told; of those that stand for all, each where it is. */
static int
check_roles(const struct mus_conf *mc, const struct musicd_hook *h, struct mus_errtext *et)
{
	for (size_t i = 0; i < h->roles.count; i++) {
		const char *role = h->roles.items[i];
		enum mus_proc_kind kind = role_kind(role);

		if (kind == MUS_PROC_NONE)
			return mus_conf_errf(mc, &h->roles, et, "no role \"%s\" (there are: zsk, ksk, csk)", role);
		if (mus_conf_is_given(mc, &h->roles) && !mus_hook_is_told((enum mus_verb)h->verb, kind))
			return mus_conf_errf(mc, &h->roles, et,
			    "no roll-over of a %s waits for \"%s\": the command would never be run", role,
			    mus_verb_text((enum mus_verb)h->verb));
	}
	return 0;
}

static int
check_command(const struct mus_conf *mc, const struct musicd_hook *h, struct mus_errtext *et)
{
	const struct mus_hook hook = musicd_hook(h);
	const char *program = h->command.items[0];
	struct mus_errtext why;
	struct stat st;

	for (size_t i = 0; i < h->command.count; i++)
		if (mus_hook_check_word(hook.verb, h->command.items[i], &why) < 0)
			return mus_conf_errf(mc, &h->command, et, "%s", why.s);
	if (mus_hook_check_size(&hook, &why) < 0)
		return mus_conf_errf(mc, &h->command, et, "%s", why.s);
	if (program[0] != '/')
		return mus_conf_errf(mc, &h->command, et, "\"%s\" is no path that begins with /", program);
	if (access(program, X_OK) < 0 || stat(program, &st) < 0)
		return mus_conf_errf(mc, &h->command, et, "cannot run %s: %s", program, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return mus_conf_errf(mc, &h->command, et, "cannot run %s: is no regular file", program);
	return 0;
}

/* One of ${hooks}, the first ${before} of which are good. */
static int
check_hook(const struct mus_conf *mc, const struct musicd_hook *hooks, size_t before, struct mus_errtext *et)
{
	const struct musicd_hook *h = &hooks[before];
	const char *why = mus_check_label(h->signer);
	int rc;

	if (why)
		return mus_conf_errf(mc, &h->signer, et, "\"%s\" is no name of a signer: %s", h->signer, why);
	if ((rc = check_roles(mc, h, et)) < 0 || (rc = check_command(mc, h, et)) < 0)
		return rc;
	for (size_t i = 0; i < before; i++)
		if (strcmp(hooks[i].signer, h->signer) == 0 && hooks[i].verb == h->verb &&
		    hook_roles(&hooks[i]) & hook_roles(h))
			return mus_conf_errf(mc, &h->verb, et, "signer %s has a command for %s above already",
			    h->signer, mus_verb_text((enum mus_verb)h->verb));
	return 0;
}

static int
check(const struct mus_conf *mc, const void *conf, struct mus_errtext *et)
{
	const struct musicd_conf *c = conf;
	char span[MUS_SPAN_TEXT_MAX];
	int rc;

	if (c->root_hints && (rc = mus_hints_check(c->root_hints, et)) < 0)
		return mus_conf_wrap(mc, &c->root_hints, et, rc);
	if ((c->api_cert == NULL) != (c->api_key == NULL))
		return mus_conf_errf(mc, c->api_cert ? &c->api_cert : &c->api_key, et,
		    "certificate and key go together");
	if (c->gap_s * 1000 <= c->idle_ms && mus_conf_is_given(mc, &c->gap_s))
		return mus_conf_errf(mc, &c->gap_s, et,
		    "must be longer than schedule.idle, else every look breaks the history");
	if (c->gap_s * 1000 <= c->idle_ms)
		return mus_conf_errf(mc, &c->idle_ms, et,
		    "must be shorter than policy.gap (%s), else every look breaks the history",
		    mus_span_text_s(c->gap_s, span));
	if (c->recheck_ms > c->fresh_s * 500 && mus_conf_is_given(mc, &c->recheck_ms))
		return mus_conf_errf(mc, &c->recheck_ms, et,
		    "must be at most half of policy.fresh, else it says nothing");
	if (c->recheck_ms > c->fresh_s * 500)
		return mus_conf_errf(mc, &c->fresh_s, et,
		    "must be at least twice schedule.recheck (%s), else that says nothing",
		    mus_span_text_s(c->recheck_ms / 1000, span));
	if (c->source4.family == 6)
		return mus_conf_errf(mc, &c->source4, et, "is not an IPv4 address");
	if (c->source6.family == 4)
		return mus_conf_errf(mc, &c->source6, et, "is not an IPv6 address");
	if (c->source4.port || c->source6.port)
		return mus_conf_errf(mc, c->source4.port ? &c->source4 : &c->source6, et,
		    "takes no port: each question has one of its own");
	for (size_t i = 0; i < c->digests.count; i++)
		if (strcmp(c->digests.items[i], "sha256") != 0 &&
		    strcmp(c->digests.items[i], "sha384") != 0)
			return mus_conf_errf(mc, &c->digests, et,
			    "no digest type \"%s\" (there are: sha256, sha384)", c->digests.items[i]);
	for (size_t i = 0; i < c->hooks.count; i++)
		if ((rc = check_hook(mc, c->hooks.items, i, et)) < 0)
			return rc;
	return 0;
}

const struct mus_conf_schema musicd_schema = {"musicd", sizeof(struct musicd_conf), rows, check};

uint8_t
musicd_digests(const struct musicd_conf *c)
{
	uint8_t bits = 0;

	for (size_t i = 0; i < c->digests.count; i++)
		bits |= strcmp(c->digests.items[i], "sha384") == 0 ? 4 : 2;
	return bits;
}
