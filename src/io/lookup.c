#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include <unbound.h>
#include <uv.h>

#include "dns/dnskey.h"
#include "io/hints.h"
#include "io/lookup.h"

enum {
	JOBS_MAX = 4096,
	ARENA_MAX = 16 << 20,
	OPTION_TEXT = 512,
};

/* Root anchors where distributions keep them; all are read-only for us. */
static const char *const anchor_files[] = {
	"/usr/share/dns/root.key",
	"/var/lib/unbound/root.key",
	"/etc/unbound/root.key",
	"/usr/share/dnssec-root/trusted-key.key",
	"/etc/trusted-key.key",
};

struct job {
	TAILQ_ENTRY(job) link;		/* in the order of their deadlines */
	struct mus_lookup *k;
	int async_id;
	int64_t deadline_ms;
	struct mus_name name;
	uint16_t type;
	mus_lookup_fn *fn;
	void *arg;
};

/* What is made of several jobs; freed with the whole when those never come back. */
struct group {
	TAILQ_ENTRY(group) link;
	struct mus_lookup *k;
};

struct mus_lookup {
	struct mus_loop *loop;
	struct ub_ctx *ctx;
	uv_poll_t *poll;		/* of the pipe on which the resolver's thread reports */
	struct mus_timer *timer;
	unsigned timeout_ms;
	bool no_ip4, no_ip6;
	TAILQ_HEAD(, job) jobs;
	unsigned job_count;
	TAILQ_HEAD(, group) groups;
	unsigned depth;
	bool dead;			/* freed by a callback */
	struct mus_arena arena;
};

static void destroy(struct mus_lookup *k);

static void
leave(struct mus_lookup *k)
{
	if (--k->depth == 0 && k->dead)
		destroy(k);
}

static void *
group_new(struct mus_lookup *k, size_t size)
{
	struct group *g = calloc(1, size);

	if (g) {
		g->k = k;
		TAILQ_INSERT_TAIL(&k->groups, g, link);
	}
	return g;
}

static void
group_free(struct group *g)
{
	TAILQ_REMOVE(&g->k->groups, g, link);
	free(g);
}

/* ---- one question ---- */

static void
name_words(struct mus_errtext *et, const struct mus_name *name, uint16_t type, const char *what)
{
	char n[MUS_NAME_TEXT_MAX], t[MUS_TYPE_TEXT_MAX];

	(void)mus_errf(et, 0, "look up %s %s: %s", mus_name_text(name, n), mus_type_text(type, t), what);
}

static void
job_free(struct job *j)
{
	TAILQ_REMOVE(&j->k->jobs, j, link);
	j->k->job_count--;
	free(j);
}

/* Reads what the resolver says into ${out}, whose arena is set. */
static void
read_result(const struct job *j, int ub_err, const struct ub_result *r,
    struct mus_lookup_result *out)
{
	struct mus_name owner = j->name;
	struct mus_msg msg;
	struct mus_errtext et;
	char what[320];

	if (ub_err != 0 || !r) {
		out->err = ub_err == UB_NOMEM ? MUS_ERR_NOMEM : MUS_ERR_NET;
		name_words(&out->words, &j->name, j->type, ub_strerror(ub_err));
		return;
	}
	/* A bogus answer has its data and an RCODE of NOERROR all the same: look here first. */
	if (r->bogus) {
		out->security = MUS_LOOKUP_BOGUS;
		(void)snprintf(what, sizeof what, "bogus: %s",
		    r->why_bogus ? r->why_bogus : "signatures do not verify");
		name_words(&out->words, &j->name, j->type, what);
		return;
	}
	out->security = r->secure ? MUS_LOOKUP_SECURE : MUS_LOOKUP_INSECURE;
	if (r->rcode != MUS_RCODE_NOERROR && r->rcode != MUS_RCODE_NXDOMAIN) {
		out->err = MUS_ERR_NET;
		(void)snprintf(what, sizeof what, "%s: no usable answer from its name servers",
		    mus_rcode_text((uint16_t)r->rcode));
		name_words(&out->words, &j->name, j->type, what);
		return;
	}
	out->nxdomain = r->nxdomain != 0;
	if (!r->havedata)
		return;
	if (r->canonname && mus_name_parse(r->canonname, &owner, &et) < 0)
		out->err = MUS_ERR_MALFORM;
	else
		out->err = mus_msg_parse(r->answer_packet, (size_t)r->answer_len, out->arena, &msg, &et);
	if (out->err < 0) {
		name_words(&out->words, &j->name, j->type, et.s);
	} else if (!mus_msg_rrset(&msg, MUS_SEC_ANSWER, &owner, j->type, out->arena, &out->set)) {
		out->err = mus_arena_failed(out->arena) ? MUS_ERR_NOMEM : MUS_ERR_MALFORM;
		name_words(&out->words, &j->name, j->type, "data is not where the answer says");
	}
}

static void
job_end(struct job *j, struct mus_lookup_result *res)
{
	mus_lookup_fn *fn = j->fn;
	void *arg = j->arg;

	if (res->err || res->security == MUS_LOOKUP_BOGUS)
		memset(&res->set, 0, sizeof res->set);
	if (res->set.count == 0)
		res->set.owner = j->name;
	res->set.type = j->type;
	job_free(j);
	fn(arg, res);
}

static void
on_result(void *arg, int ub_err, struct ub_result *r)
{
	struct job *j = arg;
	struct mus_lookup *k = j->k;
	struct mus_lookup_result res = {.arena = &k->arena};

	if (!k->dead) {
		mus_arena_reset(&k->arena);
		read_result(j, ub_err, r, &res);
		job_end(j, &res);
	}				/* else its job is freed with the rest */
	ub_resolve_free(r);
}

static void
set_timer(struct mus_lookup *k)
{
	struct job *j = TAILQ_FIRST(&k->jobs);

	if (j)
		mus_timer_start(k->timer, j->deadline_ms - mus_loop_mono_ms(k->loop));
}

static void
on_timer(void *arg)
{
	struct mus_lookup *k = arg;
	struct mus_lookup_result res;
	struct job *j;
	char what[64];

	k->depth++;
	while (!k->dead && (j = TAILQ_FIRST(&k->jobs)) &&
	    j->deadline_ms <= mus_loop_mono_ms(k->loop)) {
		(void)ub_cancel(k->ctx, j->async_id);
		memset(&res, 0, sizeof res);
		res.err = MUS_ERR_TIMEOUT;
		res.security = MUS_LOOKUP_INSECURE;
		res.arena = &k->arena;
		mus_arena_reset(&k->arena);
		(void)snprintf(what, sizeof what, "no answer in %u s", k->timeout_ms / 1000);
		name_words(&res.words, &j->name, j->type, what);
		job_end(j, &res);
	}
	if (!k->dead)
		set_timer(k);
	leave(k);
}

static void
on_poll(uv_poll_t *h, int status, int events)
{
	struct mus_lookup *k = h->data;

	(void)events;
	k->depth++;
	(void)ub_process(k->ctx);	/* runs on_result for each that is ready */
	if (status < 0 && !k->dead)
		(void)uv_poll_start(h, UV_READABLE, on_poll);
	leave(k);
}

int
mus_lookup(struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn,
    void *arg)
{
	char text[MUS_NAME_TEXT_MAX];
	struct job *j;
	int rc;

	if (k->dead)
		return MUS_ERR_CANCELLED;
	if (name->len == 0)
		return MUS_ERR_INVAL;
	if (k->job_count >= JOBS_MAX)
		return MUS_ERR_FULL;
	if (!(j = calloc(1, sizeof *j)))
		return MUS_ERR_NOMEM;
	j->k = k;
	j->name = *name;
	j->type = type;
	j->fn = fn;
	j->arg = arg;
	j->deadline_ms = mus_loop_mono_ms(k->loop) + k->timeout_ms;
	rc = ub_resolve_async(k->ctx, mus_name_text(name, text), type, MUS_CLASS_IN, j, on_result,
	    &j->async_id);
	if (rc != 0) {
		free(j);
		return rc == UB_NOMEM ? MUS_ERR_NOMEM : MUS_ERR_INTERNAL;
	}
	TAILQ_INSERT_TAIL(&k->jobs, j, link);
	if (k->job_count++ == 0)
		set_timer(k);
	return 0;
}

/* ---- addresses of a host ---- */

struct addrs {
	struct group group;
	uint16_t port;
	unsigned pending;
	mus_lookup_addrs_fn *fn;
	void *arg;
	struct mus_lookup_addrs res;
};

/* The cache cuts TTLs short; what is signed is not. */
static uint32_t
ttl_of(const struct mus_rrset *set)
{
	uint32_t ttl_s = set->ttl_s;

	for (size_t i = 0; i < set->sig_count; i++) {
		struct mus_rrsig sig;

		if (mus_rrsig_read(set->sig[i], &sig) && sig.orig_ttl_s > ttl_s)
			ttl_s = sig.orig_ttl_s;
	}
	return ttl_s;
}

static void
on_addr(void *arg, const struct mus_lookup_result *r)
{
	struct addrs *g = arg;
	struct mus_lookup_addrs res;
	mus_lookup_addrs_fn *fn;
	size_t i, len = r->set.type == MUS_TYPE_AAAA ? 16 : 4;
	struct mus_addr a;

	if (r->err) {
		g->res.half_err = r->err;
		g->res.words = r->words;
	} else if (r->security > g->res.security) {
		g->res.security = r->security;
		if (r->security == MUS_LOOKUP_BOGUS)
			g->res.words = r->words;
	}
	if (r->set.count > 0 && ttl_of(&r->set) > g->res.ttl_s)
		g->res.ttl_s = ttl_of(&r->set);
	for (i = 0; i < r->set.count; i++) {
		if (r->set.rd[i].len != len)
			continue;
		if (g->res.count == MUS_LOOKUP_ADDRS_MAX) {
			g->res.half_err = mus_errf(&g->res.words, MUS_ERR_FULL, "more than %d addresses",
			    MUS_LOOKUP_ADDRS_MAX);
			break;
		}
		memset(&a, 0, sizeof a);
		a.family = len == 16 ? 6 : 4;
		a.port = g->port;
		memcpy(a.ip, r->set.rd[i].data, len);
		g->res.addr[g->res.count++] = a;
	}
	if (--g->pending > 0)
		return;
	/* No answer about one family matters only when the other has nothing. */
	if (g->res.count == 0)
		g->res.err = g->res.half_err;
	res = g->res;
	fn = g->fn;
	arg = g->arg;
	group_free(&g->group);
	fn(arg, &res);
}

int
mus_lookup_addrs(struct mus_lookup *k, const struct mus_name *host, uint16_t port,
    mus_lookup_addrs_fn *fn, void *arg)
{
	struct addrs *g;
	int rc = 0;

	if (k->dead)
		return MUS_ERR_CANCELLED;
	if (k->job_count + 2 > JOBS_MAX)
		return MUS_ERR_FULL;
	if (!(g = group_new(k, sizeof *g)))
		return MUS_ERR_NOMEM;
	g->port = port;
	g->fn = fn;
	g->arg = arg;
	/* One of two that could not be asked is as one that was not answered. */
	if (!k->no_ip4) {
		if ((rc = mus_lookup(k, host, MUS_TYPE_A, on_addr, g)) == 0)
			g->pending++;
		else
			g->res.half_err = mus_errf(&g->res.words, rc, "%s", mus_err_text(rc));
	}
	if (!k->no_ip6) {
		if ((rc = mus_lookup(k, host, MUS_TYPE_AAAA, on_addr, g)) == 0)
			g->pending++;
		else
			g->res.half_err = mus_errf(&g->res.words, rc, "%s", mus_err_text(rc));
	}
	if (g->pending == 0) {
		group_free(&g->group);
		return rc;
	}
	return 0;
}

/* ---- the zone above a zone ---- */

struct parent;
struct parent_ns {
	struct parent *p;
	struct mus_name name;
	struct mus_addr addr[MUS_LOOKUP_ADDRS_MAX];
	size_t count;
};
struct parent {
	struct group group;
	unsigned pending;
	mus_lookup_parent_fn *fn;
	void *arg;
	struct mus_lookup_parent res;
	size_t ns_count;
	struct parent_ns ns[MUS_LOOKUP_SERVERS_MAX];
};

static void
parent_end(struct parent *p)
{
	/* ${p} is large: hand it out where it is and free it afterwards, unless the whole has
	 * been freed meanwhile. */
	struct mus_lookup *k = p->group.k;

	TAILQ_REMOVE(&k->groups, &p->group, link);
	p->fn(p->arg, &p->res);
	free(p);
}

/* One address of each name server, then a second of each, and so on, as far as there is room. */
static void
parent_collect(struct parent *p)
{
	char name[MUS_NAME_TEXT_MAX];
	size_t round, i;

	for (round = 0; round < MUS_LOOKUP_ADDRS_MAX; round++) {
		for (i = 0; i < p->ns_count; i++) {
			if (round >= p->ns[i].count)
				continue;
			if (p->res.count == MUS_LOOKUP_SERVERS_MAX) {
				p->res.is_full = true;
				continue;
			}
			p->res.server[p->res.count].ns = p->ns[i].name;
			p->res.server[p->res.count++].addr = p->ns[i].addr[round];
		}
	}
	for (i = 0; p->res.count == 0 && p->res.err == 0 && i < p->res.lame_count; i++) {
		p->res.err = p->res.lame[i].err;
		p->res.words = p->res.lame[i].words;
	}
	if (p->res.count == 0 && p->res.err == 0)
		p->res.err = mus_errf(&p->res.words, MUS_ERR_NOTFOUND,
		    "no name server of %s has an address", mus_name_text(&p->res.zone, name));
	parent_end(p);
}

/* ${err} 0: it has no address. */
static void
parent_lame(struct parent *p, const struct mus_name *ns, int err, const struct mus_errtext *why)
{
	p->res.lame[p->res.lame_count].ns = *ns;
	p->res.lame[p->res.lame_count].words = *why;
	p->res.lame[p->res.lame_count++].err = err;
}

static void
on_parent_addrs(void *arg, const struct mus_lookup_addrs *r)
{
	struct parent_ns *n = arg;
	struct parent *p = n->p;
	char name[MUS_NAME_TEXT_MAX];
	struct mus_errtext why = r->words;
	int err = r->half_err ? r->half_err : r->err;

	if (r->security == MUS_LOOKUP_BOGUS)
		err = MUS_ERR_BADSIG;
	else if (r->security > p->res.security)
		p->res.security = r->security;
	memcpy(n->addr, r->addr, sizeof n->addr);
	n->count = r->count;
	if (!err && r->count == 0)
		mus_errf(&why, 0, "%s has neither A nor AAAA", mus_name_text(&n->name, name));
	if (err || r->count == 0)
		parent_lame(p, &n->name, err, &why);
	if (--p->pending == 0)
		parent_collect(p);
}

static void
on_parent_ns(void *arg, const struct mus_lookup_result *r)
{
	struct parent *p = arg;
	struct mus_lookup *k = p->group.k;
	char name[MUS_NAME_TEXT_MAX];
	size_t i;
	int rc;

	if (r->security > p->res.security)
		p->res.security = r->security;
	if (r->err || r->security == MUS_LOOKUP_BOGUS) {
		p->res.err = r->err;
		p->res.words = r->words;
		parent_end(p);
		return;
	}
	if (r->set.count == 0 || !mus_name_equal(&r->set.owner, &p->res.zone)) {
		/* Not a zone of its own (or an alias of one): one label up. */
		if (!mus_name_parent(&p->res.zone, &p->res.zone))
			rc = mus_errf(&p->res.words, MUS_ERR_NOTFOUND, "the root has no name servers");
		else if ((rc = mus_lookup(k, &p->res.zone, MUS_TYPE_NS, on_parent_ns, p)) < 0)
			(void)mus_errf(&p->res.words, rc, "look up %s NS: %s",
			    mus_name_text(&p->res.zone, name), mus_err_text(rc));
		if (rc < 0) {
			p->res.err = rc;
			parent_end(p);
		}
		return;
	}
	for (i = 0; i < r->set.count; i++) {
		struct parent_ns *n = &p->ns[p->ns_count];
		struct mus_errtext why;

		if (p->ns_count == MUS_LOOKUP_SERVERS_MAX ||
		    mus_name_from_wire(r->set.rd[i].data, r->set.rd[i].len, &n->name) < 0) {
			p->res.is_full = true;
			break;
		}
		n->p = p;
		p->ns_count++;
		rc = mus_lookup_addrs(k, &n->name, 53, on_parent_addrs, n);
		if (rc == 0) {
			p->pending++;
		} else {
			mus_errf(&why, rc, "look up %s: %s", mus_name_text(&n->name, name), mus_err_text(rc));
			parent_lame(p, &n->name, rc, &why);
		}
	}
	if (p->pending == 0)
		parent_collect(p);
}

int
mus_lookup_parent(struct mus_lookup *k, const struct mus_name *zone, mus_lookup_parent_fn *fn,
    void *arg)
{
	struct parent *p;
	int rc;

	if (k->dead)
		return MUS_ERR_CANCELLED;
	if (zone->len == 0 || mus_name_is_root(zone))
		return MUS_ERR_INVAL;	/* nothing is above it */
	if (!(p = group_new(k, sizeof *p)))
		return MUS_ERR_NOMEM;
	p->fn = fn;
	p->arg = arg;
	(void)mus_name_parent(zone, &p->res.zone);
	if ((rc = mus_lookup(k, &p->res.zone, MUS_TYPE_NS, on_parent_ns, p)) < 0)
		group_free(&p->group);
	return rc;
}

/* ---- set-up ---- */

struct setup {
	struct ub_ctx *ctx;
	struct mus_errtext *et;
	int rc;				/* the first error */
};

static void
option(struct setup *s, const char *name, const char *value)
{
	char text[OPTION_TEXT];
	int rc;

	if (s->rc < 0)
		return;
	/* The value is not changed; the interface merely lacks a const. */
	(void)snprintf(text, sizeof text, "%s", value);
	if (strlen(value) >= sizeof text)
		s->rc = mus_errf(s->et, MUS_ERR_INVAL, "%s %s: too long", name, value);
	else if ((rc = ub_ctx_set_option(s->ctx, name, text)) != 0)
		s->rc = mus_errf(s->et, MUS_ERR_INVAL, "resolver option %s %s: %s", name, value,
		    ub_strerror(rc));
}

static void
option_number(struct setup *s, const char *name, unsigned value)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%u", value);
	option(s, name, text);
}

/* Without one the resolver would take everything for insecure, and say nothing. */
static bool
has_record(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[1024];
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f))
		found = line[strspn(line, " \t\r\n")] != '\0' && line[strspn(line, " \t")] != ';';
	if (f)
		fclose(f);
	return found;
}

static void
anchor(struct setup *s, const char *path)
{
	size_t i;
	int rc;

	if (s->rc < 0)
		return;
	for (i = 0; !path && i < sizeof anchor_files / sizeof *anchor_files; i++) {
		if (access(anchor_files[i], R_OK) == 0)
			path = anchor_files[i];
	}
	if (!path)
		s->rc = mus_errf(s->et, MUS_ERR_NOTFOUND,
		    "no trust anchor of the root on this system: install the package dns-root-data, or name a "
		    "file in resolver.trust-anchor");
	else if (access(path, R_OK) < 0)
		s->rc = mus_errf(s->et, MUS_ERR_NOTFOUND, "trust anchor %s: cannot be read", path);
	else if (!has_record(path))
		s->rc = mus_errf(s->et, MUS_ERR_SYNTAX, "trust anchor %s: holds no record", path);
	else if ((rc = ub_ctx_add_ta_file(s->ctx, path)) != 0)
		s->rc = mus_errf(s->et, MUS_ERR_SYNTAX, "trust anchor %s: %s", path, ub_strerror(rc));
}

static void
stub(struct setup *s, const char *text)
{
	char zone[MUS_NAME_TEXT_MAX];
	const char *space = strchr(text, ' ');
	int rc;

	if (s->rc < 0)
		return;
	if (!space || (size_t)(space - text) >= sizeof zone) {
		s->rc = mus_errf(s->et, MUS_ERR_INVAL, "stub \"%s\": want \"zone address\"", text);
		return;
	}
	memcpy(zone, text, (size_t)(space - text));
	zone[space - text] = '\0';
	if ((rc = ub_ctx_set_stub(s->ctx, zone, space + 1, 0)) != 0)
		s->rc = mus_errf(s->et, MUS_ERR_INVAL, "stub \"%s\": %s", text, ub_strerror(rc));
}

static void
configure(struct setup *s, const struct mus_lookup_opts *o)
{
	unsigned ttl = o->cache_max_ttl_s ? o->cache_max_ttl_s : 60, range = 512;
	struct rlimit lim;
	size_t i;
	int rc;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0)
		range = lim.rlim_cur < 512 ? 64 : lim.rlim_cur > 16384 ? 4096 : (unsigned)lim.rlim_cur / 4;
	(void)ub_ctx_debugout(s->ctx, NULL);
	option(s, "module-config:", "validator iterator");
	option(s, "do-not-query-localhost:", "no");
	option(s, "unblock-lan-zones:", "yes");
	option(s, "trust-anchor-signaling:", "no");
	option(s, "val-log-level:", "2");	/* or why_bogus stays empty; nothing is logged */
	option_number(s, "edns-buffer-size:", MUS_EDNS_UDP_BYTES);
	option_number(s, "cache-max-ttl:", ttl);
	option_number(s, "cache-max-negative-ttl:", ttl);
	option_number(s, "val-bogus-ttl:", ttl < 10 ? ttl : 10);
	option_number(s, "infra-host-ttl:", ttl);
	option_number(s, "outgoing-range:", range);
	option_number(s, "num-queries-per-thread:", range);
	if (o->ipv4_only)
		option(s, "do-ip6:", "no");
	if (o->ipv6_only)
		option(s, "do-ip4:", "no");
	if (o->root_hints_file) {
		if (s->rc == 0 && (rc = mus_hints_check(o->root_hints_file, s->et)) < 0)
			s->rc = mus_err_wrap(s->et, rc, "root hints");
		option(s, "root-hints:", o->root_hints_file);
	}
	anchor(s, o->trust_anchor_file);
	for (i = 0; o->stubs && o->stubs[i]; i++)
		stub(s, o->stubs[i]);
	if (s->rc < 0)
		return;
	/* Last come the built-in empty zones that are real in laboratories: removing them fixes the
	 * configuration. */
	if ((rc = ub_ctx_async(s->ctx, 1)) != 0 ||
	    (rc = ub_ctx_zone_remove(s->ctx, "test.")) != 0 ||
	    (rc = ub_ctx_zone_remove(s->ctx, "home.arpa.")) != 0)
		s->rc = mus_errf(s->et, MUS_ERR_INVAL, "start the resolver: %s (root hints %s, "
		    "trust anchor %s)", ub_strerror(rc), o->root_hints_file ? o->root_hints_file : "built in",
		    o->trust_anchor_file ? o->trust_anchor_file : "of the system");
}

int
mus_lookup_new(struct mus_loop *l, const struct mus_lookup_opts *o, struct mus_lookup **out,
    struct mus_errtext *et)
{
	struct mus_lookup_opts none = {0};
	struct mus_lookup *k = calloc(1, sizeof *k);
	struct setup s = {.et = et};

	if (!k)
		return mus_errf(et, MUS_ERR_NOMEM, "start the resolver: %s", mus_err_text(MUS_ERR_NOMEM));
	if (!o)
		o = &none;
	k->loop = l;
	k->timeout_ms = (o->timeout_s ? o->timeout_s : 30) * 1000;
	k->no_ip4 = o->ipv6_only;
	k->no_ip6 = o->ipv4_only;
	TAILQ_INIT(&k->jobs);
	TAILQ_INIT(&k->groups);
	mus_arena_init(&k->arena, ARENA_MAX);
	k->ctx = s.ctx = ub_ctx_create();
	k->timer = mus_timer_new(l, on_timer, k);
	if (!k->ctx || !k->timer)
		s.rc = mus_errf(et, MUS_ERR_NOMEM, "start the resolver: %s", mus_err_text(MUS_ERR_NOMEM));
	else if (o->ipv4_only && o->ipv6_only)
		s.rc = mus_errf(et, MUS_ERR_INVAL, "IPv4 only and IPv6 only exclude each other");
	else
		configure(&s, o);
	if (s.rc == 0 && (k->poll = calloc(1, sizeof *k->poll)) &&
	    uv_poll_init(mus_loop_uv(l), k->poll, ub_fd(k->ctx)) < 0) {
		free(k->poll);
		k->poll = NULL;
	}
	if (s.rc == 0 && !k->poll)
		s.rc = mus_errf(et, MUS_ERR_NOMEM, "watch the resolver: %s", mus_err_text(MUS_ERR_NOMEM));
	if (s.rc < 0) {
		destroy(k);
		return s.rc;
	}
	k->poll->data = k;
	(void)uv_poll_start(k->poll, UV_READABLE, on_poll);
	*out = k;
	return 0;
}

static void
on_poll_closed(uv_handle_t *h)
{
	free(h);
}

static void
destroy(struct mus_lookup *k)
{
	struct group *g;

	if (k->poll)
		uv_close((uv_handle_t *)k->poll, on_poll_closed);
	if (k->ctx)
		ub_ctx_delete(k->ctx);	/* ends its thread; on_result comes no more */
	while (!TAILQ_EMPTY(&k->jobs))
		job_free(TAILQ_FIRST(&k->jobs));
	while ((g = TAILQ_FIRST(&k->groups)))
		group_free(g);
	mus_timer_free(k->timer);
	mus_arena_clear(&k->arena);
	free(k);
}

void
mus_lookup_free(struct mus_lookup *k)
{
	if (!k)
		return;
	k->dead = true;
	if (k->depth == 0)
		destroy(k);
}
