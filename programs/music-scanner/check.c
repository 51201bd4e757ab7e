/*
 * One look: delegation from the parent's primary, addresses of its servers, what the first says,
 * then (when that is a request) what every address of every server says, then the judgement.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { ARENA_MAX = 16 << 20 };

static void begin(struct check *c, void (*next)(struct check *c));
static void one_done(struct check *c);
static void ask_soa(struct check *c);
static void judge(struct check *c);

/* ---- questions -------------------------------------------------------------------------------- */

/* Anything but an authoritative yes or no is a cause, so that it can never look like an empty set. */
static enum mus_cause
cause_of_answer(const struct ask *q, const struct mus_msg *m, size_t records)
{
	bool addr = q->kind == ASK_ADDR, referral = q->kind == ASK_PNS;

	if (m->tc && q->kind != ASK_FRESH_UDP)
		return MUS_CAUSE_TRUNCATED;
	switch (m->rcode) {
	case MUS_RCODE_NOERROR:
		break;
	case MUS_RCODE_NXDOMAIN:
		if (!addr)
			return MUS_CAUSE_NXDOMAIN;
		break;
	case MUS_RCODE_REFUSED:
		return MUS_CAUSE_REFUSED;
	case MUS_RCODE_SERVFAIL:
		return MUS_CAUSE_SERVFAIL;
	case MUS_RCODE_NOTAUTH:
		return MUS_CAUSE_NOTAUTH;
	default:
		return MUS_CAUSE_RCODE;
	}
	/* The parent refers to the child; if it answers for the child itself, it hides the delegation. */
	if (m->aa == referral)
		return MUS_CAUSE_NOTAUTH;
	if (!referral && records == 0 && m->rr_count[MUS_SEC_ANSWER] > 0)
		return MUS_CAUSE_MALFORM;
	return MUS_CAUSE_NONE;
}

static struct mus_rrset *
copy_section(const struct mus_dnsx_answer *a, enum mus_section sec, struct mus_arena *arena, size_t *n)
{
	struct mus_rrset *from = mus_msg_rrsets(a->msg, sec, a->arena, n);
	struct mus_rrset *to = mus_rrsets_copy(from, *n, arena);

	if (!to)
		*n = 0;
	return to;
}

static void
keep(struct ask *q, const struct mus_dnsx_answer *a)
{
	struct mus_arena *arena = &q->c->arena;
	struct mus_rrset set = {.count = 0};

	mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &q->qname, q->type, a->arena, &set);
	q->cause = cause_of_answer(q, a->msg, set.count);
	if (q->cause != MUS_CAUSE_NONE)
		return;
	q->truncated = a->msg->tc;
	q->nxdomain = a->msg->rcode == MUS_RCODE_NXDOMAIN;
	if (mus_rrset_copy(&q->set, &set, arena) < 0)
		q->cause = MUS_CAUSE_LOCAL;
	q->auth = copy_section(a, MUS_SEC_AUTHORITY, arena, &q->auth_count);
	if (q->kind == ASK_PNS)
		q->glue = copy_section(a, MUS_SEC_ADDITIONAL, arena, &q->glue_count);
	if (mus_arena_failed(arena) || mus_arena_failed(a->arena))
		q->cause = MUS_CAUSE_LOCAL;
}

static void
on_answer(void *arg, const struct mus_dnsx_answer *a)
{
	struct ask *q = arg;

	q->done = true;
	if (a->err != 0)
		q->cause = mus_cause_of_err(a->err);
	else
		keep(q, a);
	one_done(q->c);
}

int
scan_ask(struct check *c, struct ask *proto, enum mus_dnsx_via via)
{
	struct mus_dnsx_ask ask = {.server = proto->addr, .via = via,
	    .query = {.name = proto->qname, .type = proto->type, .dnssec = true}};
	struct ask *q = mus_arena_alloc(&c->arena, sizeof *q);
	int rc;

	if (!q)
		return MUS_ERR_NOMEM;
	*q = *proto;
	q->c = c;
	if (q->kind == ASK_PDS || q->kind == ASK_PNS)
		ask.key = c->s->key;
	*c->tail = q;
	c->tail = &q->next;
	rc = mus_dnsx_ask(c->s->dnsx, &ask, on_answer, q, NULL);
	if (rc < 0) {
		q->done = true;
		q->cause = MUS_CAUSE_LOCAL;
	} else {
		c->left++;
	}
	return rc;
}

static void
ask_server(struct check *c, enum ask_kind kind, unsigned who, uint16_t type, enum mus_dnsx_via via)
{
	struct ask q = {.kind = kind, .who = who, .qname = c->child->name, .type = type,
	    .addr = c->server[who].addr};

	/* What cannot be asked has its cause in the list of answers. */
	(void)(scan_ask(c, &q, via) < 0);
}

/* The newest one. */
struct ask *
scan_answer(struct check *c, enum ask_kind kind, unsigned who)
{
	struct ask *found = NULL;

	for (struct ask *q = c->asks; q; q = q->next)
		if (q->kind == kind && q->who == who)
			found = q;
	return found;
}

struct ask *
scan_last(struct check *c, enum ask_kind kind)
{
	return scan_answer(c, kind, 0);
}

/* A step: begin, ask, one_done (always the last call of a function: the check may be gone then). */
static void
begin(struct check *c, void (*next)(struct check *c))
{
	c->next = next;
	c->left = 1;
}

static void
one_done(struct check *c)
{
	MUS_ASSERT(c->left > 0);
	if (--c->left == 0)
		c->next(c);
}

void
scan_check_free(struct check *c)
{
	if (!c)
		return;
	mus_arena_clear(&c->arena);
	free(c);
}

void
scan_check_end(struct check *c, enum scan_outcome o, const char *fmt, ...)
{
	struct scanner *s = c->s;
	struct child *child = c->child;
	struct scan_verdict v = {.outcome = o, .since = mus_loop_now(s->loop)};
	bool silent = c->silent;
	va_list ap;

	scan_describe(c, &v);
	if (fmt) {
		size_t len = strlen(v.words);

		if (len > 0 && len + 2 < sizeof v.words) {
			memcpy(v.words + len, "; ", 3);
			len += 2;
		}
		va_start(ap, fmt);
		vsnprintf(v.words + len, sizeof v.words - len, fmt, ap);
		va_end(ap);
	}
	child->check = NULL;
	scan_check_free(c);
	scan_report_verdict(s, child, &v);
	scan_child_done(s, child, silent);
}

/* ---- the judgement ---------------------------------------------------------------------------- */

static bool
is_family_used(const struct scanner *s, const struct mus_addr *a)
{
	return s->conf->query.families == SCAN_BOTH ||
	    (s->conf->query.families == SCAN_IP4) == (a->family == 4);
}

static void
say_why(struct check *c, unsigned name, const char *words)
{
	c->why[name] = mus_arena_strdup(&c->arena, words);
}

/* false: it is not asked, nor was it asked before. */
static bool
add_fresh(struct check *c, unsigned name, const struct mus_addr *a)
{
	if (!is_family_used(c->s, a))
		return false;
	for (unsigned i = 0; i < c->server_count; i++)
		if (mus_addr_same_ip(&c->server[i].addr, a))
			return true;
	if (c->fresh_count == MUS_SCAN_FRESH_MAX)
		c->is_cut = true;
	else
		c->fresh[c->fresh_count++] = (struct server){name, *a};
	return true;
}

struct wait {
	struct check *c;
	unsigned name;
};

/* All addresses of a newcomer are known; ${any}: one at least can be asked. */
static void
resolve(struct check *c, unsigned name, bool any)
{
	if (any)
		c->resolved |= (uint64_t)1 << name;
	else if (c->s->conf->query.families == SCAN_BOTH)
		say_why(c, name, "has no address");
	else
		say_why(c, name, "has no address of the family that is asked (query.families)");
}

static void
on_fresh_host(void *arg, const struct mus_name *name, const struct scan_host *h)
{
	struct wait *w = arg;
	struct check *c = w->c;
	bool any = false;

	(void)name;
	for (size_t i = 0; i < h->count; i++)
		any |= add_fresh(c, w->name, &h->addr[i]);
	if (h->err != 0)
		say_why(c, w->name, h->words.s);
	else
		resolve(c, w->name, any);
	one_done(c);
}

static void
look_up(struct check *c, unsigned name, scan_host_fn *fn)
{
	struct wait *w = mus_arena_alloc(&c->arena, sizeof *w);
	struct scan_host none = {.count = 0};

	c->left++;
	if (!w) {
		c->is_cut = true;
		one_done(c);
		return;
	}
	*w = (struct wait){c, name};
	none.err = scan_host_get(c->s, &c->name[name], fn, w);
	if (none.err < 0) {
		(void)mus_errf(&none.words, none.err, "%s", mus_err_text(none.err));
		fn(w, &c->name[name], &none);
	}
}

/* Every address of every newcomer: by UDP, by TCP, and its keys. */
static void
ask_fresh(struct check *c)
{
	begin(c, judge);
	for (unsigned i = 0; i < c->fresh_count; i++) {
		struct ask q = {.who = i, .qname = c->child->name, .addr = c->fresh[i].addr};

		q.kind = ASK_FRESH_UDP;
		q.type = MUS_TYPE_SOA;
		(void)(scan_ask(c, &q, MUS_VIA_UDP) < 0);
		q.kind = ASK_FRESH_TCP;
		(void)(scan_ask(c, &q, MUS_VIA_TCP) < 0);
		q.kind = ASK_FRESH_KEY;
		q.type = MUS_TYPE_DNSKEY;
		(void)(scan_ask(c, &q, MUS_VIA_TCP) < 0);
	}
	one_done(c);
}

static void
look_up_fresh(struct check *c)
{
	uint64_t todo = c->out.ask & ~c->looked;

	begin(c, ask_fresh);
	for (unsigned n = 0; n < c->name_count; n++) {
		bool any = false;

		if (!(todo >> n & 1))
			continue;
		c->looked |= (uint64_t)1 << n;
		if (!c->in.name[n].in_zone) {
			look_up(c, n, on_fresh_host);
			continue;
		}
		for (unsigned a = 0; a < c->addr_count; a++)
			if ((c->out.new_glue[n][0] | c->out.new_glue[n][1]) >> a & 1)
				any |= add_fresh(c, n, &c->addr[a]);
		resolve(c, n, any);
	}
	one_done(c);
}

static void
judge(struct check *c)
{
	const struct mus_scan_out *out = &c->out;

	scan_take(c);
	mus_scan_judge(&c->in, &c->out);
	c->silent = out->ds.rule == MUS_SCAN_RULE_REACH || out->csync.rule == MUS_SCAN_RULE_REACH;
	if (c->silent)
		for (unsigned i = 0; i < c->server_count; i++)
			scan_host_forget(c->s, &c->name[c->server[i].name]);
	if (out->ds.kind == MUS_SCAN_CHANGE) {
		c->ns_change = false;
	} else if (out->csync.kind == MUS_SCAN_MORE) {
		look_up_fresh(c);
		return;
	} else if (out->csync.kind == MUS_SCAN_CHANGE) {
		c->ns_change = true;
	} else {
		bool held = out->ds.kind == MUS_SCAN_HOLD || out->csync.kind == MUS_SCAN_HOLD;

		scan_check_end(c, held ? SCAN_HELD : SCAN_UNCHANGED, NULL);
		return;
	}
	if (c->s->dry_run)
		scan_check_end(c, SCAN_WOULD, NULL);
	else
		scan_update(c);
}

/* ---- every server ----------------------------------------------------------------------------- */

/* A server that gave no answer to the first question is not asked the others. */
static bool
is_silent(struct check *c, unsigned who)
{
	const struct ask *q = scan_answer(c, ASK_SOA, who);

	return c->server[who].addr.family == 0 || !q || q->cause == MUS_CAUSE_TIMEOUT ||
	    q->cause == MUS_CAUSE_NET || q->cause == MUS_CAUSE_LOCAL;
}

static void
ask_soa2(struct check *c)
{
	begin(c, judge);
	for (unsigned i = 0; i < c->server_count; i++)
		if (!is_silent(c, i))
			ask_server(c, ASK_SOA2, i, MUS_TYPE_SOA, MUS_VIA_TCP);
	one_done(c);
}

static void
ask_addrs(struct check *c, uint8_t types)
{
	static const uint16_t type[] = {MUS_TYPE_A, MUS_TYPE_AAAA};
	static const uint8_t bit[] = {MUS_SCAN_BIT_A, MUS_SCAN_BIT_AAAA};

	for (unsigned i = 0; i < c->server_count; i++) {
		if (is_silent(c, i))
			continue;
		for (unsigned n = 0; n < c->name_count; n++)
			for (unsigned f = 0; c->in.name[n].in_zone && f < MUS_SCAN_FAMILIES; f++) {
				struct ask q = {.kind = ASK_ADDR, .who = i, .item = n, .family = f,
				    .qname = c->name[n], .type = type[f],
				    .addr = c->server[i].addr};

				if (types & bit[f])
					(void)(scan_ask(c, &q, MUS_VIA_TCP) < 0);
			}
	}
}

/* CSYNC: the data it speaks of, then SOA again. */
static void
sets_done(struct check *c)
{
	uint8_t types = 0;
	bool present = false;

	scan_take(c);
	for (unsigned i = 0; i < c->server_count; i++) {
		present |= c->in.server[i].csync.is_present;
		types |= c->in.server[i].csync_types;
	}
	if (!present) {
		judge(c);
		return;
	}
	begin(c, ask_soa2);
	ask_addrs(c, types);
	one_done(c);
}

static void
ask_sets(struct check *c)
{
	begin(c, sets_done);
	for (unsigned i = 0; i < c->server_count; i++) {
		if (is_silent(c, i))
			continue;
		ask_server(c, ASK_KEY, i, MUS_TYPE_DNSKEY, MUS_VIA_TCP);
		ask_server(c, ASK_CDS, i, MUS_TYPE_CDS, MUS_VIA_TCP);
		ask_server(c, ASK_CDNSKEY, i, MUS_TYPE_CDNSKEY, MUS_VIA_TCP);
		ask_server(c, ASK_CSYNC, i, MUS_TYPE_CSYNC, MUS_VIA_TCP);
		ask_server(c, ASK_NS, i, MUS_TYPE_NS, MUS_VIA_TCP);
	}
	one_done(c);
}

static void
ask_soa(struct check *c)
{
	begin(c, ask_sets);
	for (unsigned i = 0; i < c->server_count; i++)
		if (c->server[i].addr.family)
			ask_server(c, ASK_SOA, i, MUS_TYPE_SOA, MUS_VIA_TCP);
	one_done(c);
}

/* ---- early exit (RFC 9975): one reply that confirms the status quo is enough ------------------- */

static unsigned
first_server(const struct check *c)
{
	unsigned i = 0;

	while (i < c->server_count && c->server[i].addr.family == 0)
		i++;
	return i;
}

static void
exit_quiet(struct check *c, enum mus_scan_rule ds, enum mus_scan_rule csync)
{
	c->out.ds = c->out.csync = (struct mus_scan_finding){.kind = MUS_SCAN_QUIET,
	    .server = MUS_SCAN_NOBODY, .other = MUS_SCAN_NOBODY, .item = MUS_SCAN_NOBODY};
	c->out.ds.rule = ds;
	c->out.csync.rule = csync;
	scan_check_end(c, SCAN_UNCHANGED, NULL);
}

static enum mus_scan_rule
quiet_rule(const struct mus_scan_set *a, const struct mus_scan_set *b)
{
	return a->is_present || b->is_present ? MUS_SCAN_RULE_INSYNC : MUS_SCAN_RULE_ABSENT;
}

static void
first_ns_done(struct check *c)
{
	struct ask *ns = scan_answer(c, ASK_NS, first_server(c));
	struct mus_scan_set cds, cdnskey, csync;
	bool in_zone = false;
	uint8_t types;

	scan_take_quick(c, &cds, &cdnskey, &csync, &types);
	for (size_t i = 0; i < c->name_count; i++)
		in_zone |= mus_name_in(&c->name[i], &c->child->name);
	if (ns && ns->cause == MUS_CAUSE_NONE && mus_rrset_equal(&ns->set, &c->ns) &&
	    (types & ~(MUS_SCAN_BIT_NS | MUS_SCAN_BIT_A | MUS_SCAN_BIT_AAAA)) == 0 &&
	    (!in_zone || !(types & (MUS_SCAN_BIT_A | MUS_SCAN_BIT_AAAA))))
		exit_quiet(c, quiet_rule(&cds, &cdnskey), MUS_SCAN_RULE_INSYNC);
	else
		ask_soa(c);
}

static void
first_done(struct check *c)
{
	unsigned who = first_server(c);
	struct mus_scan_set cds, cdnskey, csync;
	uint8_t types;

	scan_take_quick(c, &cds, &cdnskey, &csync, &types);
	if (cds.is_asked && cds.cause == MUS_CAUSE_NONE && !cds.is_present && !cdnskey.is_asked) {
		begin(c, first_done);
		ask_server(c, ASK_CDNSKEY, who, MUS_TYPE_CDNSKEY, MUS_VIA_AUTO);
		one_done(c);
	} else if (csync.cause != MUS_CAUSE_NONE || !mus_scan_ds_is_quiet(&c->in, &cds, &cdnskey)) {
		ask_soa(c);
	} else if (csync.is_present) {
		begin(c, first_ns_done);
		ask_server(c, ASK_NS, who, MUS_TYPE_NS, MUS_VIA_AUTO);
		one_done(c);
	} else {
		exit_quiet(c, quiet_rule(&cds, &cdnskey), MUS_SCAN_RULE_ABSENT);
	}
}

/* ---- the delegation ----------------------------------------------------------------------------- */

static int
by_name_and_addr(const void *a, const void *b)
{
	const struct server *x = a, *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->addr.family != y->addr.family)
		return x->addr.family < y->addr.family ? -1 : 1;
	return memcmp(x->addr.ip, y->addr.ip, sizeof x->addr.ip);
}

/* A server that two names lead to is asked once. */
static void
add_server(struct check *c, unsigned name, const struct mus_addr *a)
{
	c->led |= (uint64_t)1 << name;
	for (unsigned i = 0; i < c->server_count; i++)
		if (a->family && mus_addr_same_ip(&c->server[i].addr, a))
			return;
	if (c->server_count == MUS_SCAN_SERVERS_MAX)
		c->is_cut = true;
	else
		c->server[c->server_count++] = (struct server){name, *a};
}

static const struct mus_addr nowhere;

static void
on_host(void *arg, const struct mus_name *name, const struct scan_host *h)
{
	struct wait *w = arg;
	struct check *c = w->c;

	(void)name;
	for (size_t i = 0; i < h->count; i++)
		if (is_family_used(c->s, &h->addr[i]))
			add_server(c, w->name, &h->addr[i]);
	/* Of the addresses that could not be learnt each may be a server, which cannot be asked. */
	if (h->err != 0) {
		say_why(c, w->name, h->words.s);
		add_server(c, w->name, &nowhere);
	}
	one_done(c);
}

static void
hosts_done(struct check *c)
{
	/* Neither can one that has no address. */
	for (unsigned n = 0; n < c->ns.count; n++)
		if (!(c->led >> n & 1))
			add_server(c, n, &nowhere);
	qsort(c->server, c->server_count, sizeof c->server[0], by_name_and_addr);
	if (c->is_cut || first_server(c) == c->server_count) {
		judge(c);
		return;
	}
	if (!c->s->conf->early_exit || c->s->full) {
		ask_soa(c);
		return;
	}
	begin(c, first_done);
	ask_server(c, ASK_CDS, first_server(c), MUS_TYPE_CDS, MUS_VIA_AUTO);
	ask_server(c, ASK_CSYNC, first_server(c), MUS_TYPE_CSYNC, MUS_VIA_AUTO);
	one_done(c);
}

static void
take_glue(struct check *c, unsigned name)
{
	for (size_t i = 0; i < c->glue_count; i++) {
		const struct mus_rrset *set = &c->glue[i];

		if (!mus_name_equal(&set->owner, &c->name[name]) ||
		    (set->type != MUS_TYPE_A && set->type != MUS_TYPE_AAAA))
			continue;
		for (size_t r = 0; r < set->count; r++) {
			struct mus_addr a = scan_rdata_addr(set->type, set->rd[r]);

			if (a.family && is_family_used(c->s, &a))
				add_server(c, name, &a);
		}
	}
}

/* Addresses: glue from the parent, and what a validated look-up finds. */
static void
find_hosts(struct check *c)
{
	begin(c, hosts_done);
	for (size_t i = 0; i < c->ns.count && !c->is_cut; i++) {
		struct mus_name n;

		if (mus_name_from_wire(c->ns.rd[i].data, c->ns.rd[i].len, &n) < 0 ||
		    scan_take_name(c, &n) == MUS_SCAN_NOBODY)
			c->is_cut = true;
	}
	for (unsigned n = 0; n < c->name_count && !c->is_cut; n++) {
		if (mus_name_in(&c->name[n], &c->child->name))
			take_glue(c, n);
		look_up(c, n, on_host);
	}
	one_done(c);
}

/* A DS set of which nothing is ours was put there by other means: what we knew is of the past, as
 * after a zone was given up and delegated anew. */
static void
forget_the_past(struct check *c)
{
	struct child *child = c->child;

	if (child->acted_count == 0 || c->ds.count == 0)
		return;
	for (size_t i = 0; i < c->ds.count; i++)
		for (size_t k = 0; k < child->acted_count; k++)
			if (mus_digest64(c->ds.rd[i].data, c->ds.rd[i].len) == child->acted[k])
				return;
	child->acted_count = child->past_count = 0;
}

static void
parent_done(struct check *c)
{
	struct ask *ds = scan_last(c, ASK_PDS), *ns = scan_last(c, ASK_PNS), *bad = NULL;

	if (!ds || ds->cause != MUS_CAUSE_NONE)
		bad = ds;
	else if (!ns || ns->cause != MUS_CAUSE_NONE)
		bad = ns;
	if (!ds || !ns || bad) {
		char type[MUS_TYPE_TEXT_MAX];

		c->silent = true;
		if (!bad)
			scan_check_end(c, SCAN_FAILED, "out of memory");
		else if (bad->cause == MUS_CAUSE_NXDOMAIN)
			scan_check_end(c, SCAN_HELD, "the parent has no delegation of this name");
		else
			scan_check_end(c, SCAN_FAILED, "the parent's primary %s (asked for %s)",
			    mus_cause_text(bad->cause), mus_type_text(bad->type, type));
		return;
	}
	c->ds = ds->set;
	for (size_t i = 0; i < ns->auth_count; i++)
		if (ns->auth[i].type == MUS_TYPE_NS &&
		    mus_name_equal(&ns->auth[i].owner, &c->child->name))
			c->ns = ns->auth[i];
	c->glue = ns->glue;
	c->glue_count = ns->glue_count;
	forget_the_past(c);
	if (c->ns.count == 0)
		scan_check_end(c, SCAN_HELD, "the parent has no delegation of this name");
	else if (c->ds.count == 0)
		judge(c);
	else
		find_hosts(c);
}

void
scan_check_start(struct scanner *s, struct child *child)
{
	struct check *c = calloc(1, sizeof *c);
	struct ask q = {.qname = child->name, .addr = s->conf->parent.primary};

	if (!c) {
		scan_child_done(s, child, true);
		return;
	}
	c->s = s;
	c->child = child;
	c->tail = &c->asks;
	mus_arena_init(&c->arena, ARENA_MAX);
	child->check = c;
	begin(c, parent_done);
	q.kind = ASK_PDS;
	q.type = MUS_TYPE_DS;
	(void)(scan_ask(c, &q, MUS_VIA_AUTO) < 0);
	q.kind = ASK_PNS;
	q.type = MUS_TYPE_NS;
	(void)(scan_ask(c, &q, MUS_VIA_AUTO) < 0);
	one_done(c);
}
