#include <string.h>

#include "conf.h"
#include "io/hints.h"

static const char *const families[] = {"both", "ipv4", "ipv6", NULL};

/* Names of digest types; SHA-1 and GOST are for nobody's new DS set. */
static const struct {
	const char *word;
	unsigned type;
} digests[] = {{"sha256", 2}, {"sha384", 4}};

static const struct mus_conf_row rows[] = {
	{MUS_CONF_NAME(struct scan_conf, parent.zone, "parent.zone"), .required = true,
	    .help = "The zone whose delegations are followed."},
	{MUS_CONF_ADDR(struct scan_conf, parent.primary, "parent.primary"), .required = true,
	    .port = 53, .help = "Its primary server: asked for the delegations, and sent the changes."},
	{MUS_CONF_FILE(struct scan_conf, parent.key, "parent.key"), .required = true,
	    .help = "TSIG key for questions, transfer and UPDATE, as tsig-keygen writes it; a file of a mode beyond "
		    "0640 is refused."},
	{MUS_CONF_SIZE(struct scan_conf, parent.transfer_size, "parent.transfer-size"), .def = "4G", .min = 65536,
	    .max = INT64_C(1) << 40, .when = MUS_CONF_AT_RELOAD,
	    .help = "Largest parent zone that is read; a transfer of more is given up."},
	{MUS_CONF_SPAN_MS(struct scan_conf, parent.transfer_ms, "parent.transfer-time"), .def = "1h", .min = 1000,
	    .max = 86400000, .when = MUS_CONF_AT_RELOAD,
	    .help = "How long the transfer of the parent zone may take."},
	{MUS_CONF_INT(struct scan_conf, parent.transfer_rate, "parent.transfer-rate"), .def = "1024", .min = 0,
	    .max = 1000000000, .unit = "bytes a second",
	    .when = MUS_CONF_AT_RELOAD,
	    .help = "A transfer that comes slower than this for a minute is given up; 0: never."},
	{MUS_CONF_INT(struct scan_conf, parent.transfer_children, "parent.transfer-children"), .def = "4000000",
	    .min = 1, .max = 4000000,
	    .when = MUS_CONF_AT_RELOAD,
	    .help = "Most delegations that are taken from a transfer; with more it is given up."},
	{MUS_CONF_NAMES(struct scan_conf, children, "children"),
	    .help = "Delegations to follow; none named: all, found by a transfer from the primary."},
	{MUS_CONF_SPAN_MS(struct scan_conf, interval_ms, "interval"), .def = "1h", .min = 100,
	    .max = 604800000, .when = MUS_CONF_AT_RELOAD, .help = "Between two looks at a child."},
	{MUS_CONF_SPAN_MS(struct scan_conf, retry_max_ms, "retry-max"), .def = "1d", .min = 100,
	    .max = 604800000,
	    .when = MUS_CONF_AT_RELOAD,
	    .help = "A child with a server that cannot be asked is tried after twice the time, up to this."},
	{MUS_CONF_INT(struct scan_conf, parallel, "parallel"), .def = "64", .min = 1, .max = 4096,
	    .when = MUS_CONF_AT_RELOAD, .help = "Children looked at at one time."},
	{MUS_CONF_BOOL(struct scan_conf, early_exit, "early-exit"), .def = "true",
	    .when = MUS_CONF_AT_RELOAD,
	    .help = "Ask one server only when it says that nothing is to change (RFC 9975)."},
	{MUS_CONF_FILE(struct scan_conf, resolver.root_hints, "resolver.root-hints"),
	    .help = "Root hints, when not those of the internet."},
	{MUS_CONF_FILE(struct scan_conf, resolver.trust_anchor, "resolver.trust-anchor"),
	    .help = "Trust anchor for looking up name servers, when not the system's."},
	{MUS_CONF_SPAN_S(struct scan_conf, resolver.keep_s, "resolver.keep"), .def = "1m", .min = 1,
	    .max = 86400, .help = "Time that addresses of name servers are kept."},
	{MUS_CONF_SPAN_MS(struct scan_conf, query.timeout_ms, "query.timeout"), .def = "1500ms",
	    .min = 50, .max = 60000, .help = "First wait for an answer by UDP; doubles."},
	{MUS_CONF_INT(struct scan_conf, query.tries, "query.tries"), .def = "3", .min = 1, .max = 10,
	    .help = "Tries by UDP."},
	{MUS_CONF_SPAN_MS(struct scan_conf, query.tcp_timeout_ms, "query.tcp-timeout"), .def = "5s",
	    .min = 50, .max = 60000, .help = "Wait for an answer by TCP, connecting included."},
	{MUS_CONF_ENUM(struct scan_conf, query.families, "query.families", families), .def = "both",
	    .help = "Addresses of servers that this machine can reach."},
	{MUS_CONF_STRINGS(struct scan_conf, policy.digests, "policy.digests"), .def = "sha256 sha384",
	    .min = 1, .max = 2, .when = MUS_CONF_AT_RELOAD,
	    .help = "Digest types allowed in a new DS set: sha256, sha384."},
	{MUS_CONF_BOOL(struct scan_conf, policy.allow_delete, "policy.delete"), .def = "false",
	    .when = MUS_CONF_AT_RELOAD,
	    .help = "Follow a request to delete the DS set (RFC 8078)."},
	{MUS_CONF_BOOL(struct scan_conf, policy.csync_approval, "policy.csync-approval"),
	    .def = "false", .when = MUS_CONF_AT_RELOAD,
	    .help = "Never act on CSYNC, only say what it asks for."},
	{MUS_CONF_INT(struct scan_conf, policy.ns_min, "policy.ns-min"), .def = "2", .min = 1,
	    .max = 13, .when = MUS_CONF_AT_RELOAD, .help = "Fewest name servers in a new NS set."},
	{MUS_CONF_INT(struct scan_conf, policy.ds_max, "policy.ds-max"), .def = "16", .min = 1,
	    .max = 64, .when = MUS_CONF_AT_RELOAD, .help = "Most records in a new DS set."},
	{MUS_CONF_SPAN_S(struct scan_conf, policy.ds_ttl_s, "policy.ds-ttl"), .def = "0", .max = 604800,
	    .when = MUS_CONF_AT_RELOAD, .help = "TTL of new DS records; 0: as the old ones."},
	{MUS_CONF_SPAN_S(struct scan_conf, policy.ns_ttl_s, "policy.ns-ttl"), .def = "0", .max = 604800,
	    .when = MUS_CONF_AT_RELOAD,
	    .help = "TTL of new NS and glue records; 0: as the old ones."},
	{MUS_CONF_PATH(struct scan_conf, state, "state"), .def = "/var/lib/music/scanner.state",
	    .help = "What was acted upon, so that nothing older is."},
	{MUS_CONF_PATH(struct scan_conf, report, "report"),
	    .help = "File with the last verdict on every child, as JSON."},
	MUS_LOG_CONF_ROWS(struct scan_conf, log, MUS_CONF_AT_RELOAD),
	MUS_CONF_END,
};

uint64_t
scan_conf_digests(const struct scan_conf *c)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < c->policy.digests.count; i++)
		for (unsigned d = 0; d < sizeof digests / sizeof digests[0]; d++)
			if (strcmp(c->policy.digests.items[i], digests[d].word) == 0)
				bits |= (uint64_t)1 << digests[d].type;
	return bits;
}

static int
check(const struct mus_conf *c, const void *conf, struct mus_errtext *et)
{
	const struct scan_conf *s = conf;
	int rc;

	if (s->resolver.root_hints && (rc = mus_hints_check(s->resolver.root_hints, et)) < 0)
		return mus_conf_wrap(c, &s->resolver.root_hints, et, rc);
	for (size_t i = 0; i < s->policy.digests.count; i++)
		if (strcmp(s->policy.digests.items[i], "sha256") != 0 &&
		    strcmp(s->policy.digests.items[i], "sha384") != 0)
			return mus_conf_errf(c, &s->policy.digests, et,
			    "\"%s\" is none of sha256, sha384", s->policy.digests.items[i]);
	for (size_t i = 0; i < s->children.count; i++)
		if (!mus_name_in(&s->children.items[i], &s->parent.zone) ||
		    mus_name_equal(&s->children.items[i], &s->parent.zone)) {
			char text[MUS_NAME_TEXT_MAX];

			return mus_conf_errf(c, &s->children, et, "%s is not below the parent zone",
			    mus_name_text(&s->children.items[i], text));
		}
	return 0;
}

const struct mus_conf_schema scan_schema = {"music-scanner", sizeof(struct scan_conf), rows, check};
