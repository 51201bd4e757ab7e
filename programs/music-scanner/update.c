/*
 * The change at the parent's primary: exact differences, under the condition that the delegation is
 * still what was judged, over TCP with TSIG; then a look whether it is there.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { UPD_MAX = 1024 };

#define BIT(i) ((uint64_t)1 << (i))

struct list {
	struct check *c;
	struct mus_upd_rr *rr;
	size_t count;
	bool failed;
};

static void
add(struct list *l, enum mus_upd_kind kind, const struct mus_name *owner, uint16_t type,
    uint32_t ttl_s, struct mus_rdata rd)
{
	if (l->count == UPD_MAX) {
		l->failed = true;
		return;
	}
	l->rr[l->count++] = (struct mus_upd_rr){
	    .kind = kind, .owner = *owner, .type = type, .ttl_s = ttl_s, .rd = rd};
}

static void
require_set(struct list *l, const struct mus_rrset *set)
{
	for (size_t i = 0; i < set->count; i++)
		add(l, MUS_UPD_PRE_RR, &l->c->child->name, set->type, 0, set->rd[i]);
}

/* Additions before deletions: an RRset that is renewed is never empty in between. */
static void
differ(struct list *l, const struct mus_name *owner, uint16_t type, uint32_t ttl_s, uint64_t was,
    uint64_t is, struct mus_rdata (*rdata)(struct check *c, unsigned i))
{
	for (unsigned i = 0; i < 64; i++)
		if (is & ~was & BIT(i))
			add(l, MUS_UPD_ADD, owner, type, ttl_s, rdata(l->c, i));
	for (unsigned i = 0; i < 64; i++)
		if (was & ~is & BIT(i))
			add(l, MUS_UPD_DEL_RR, owner, type, 0, rdata(l->c, i));
}

static struct mus_rdata
ns_rdata(struct check *c, unsigned i)
{
	return (struct mus_rdata){c->name[i].wire, c->name[i].len};
}

static struct mus_rdata
addr_rdata(struct check *c, unsigned i)
{
	return (struct mus_rdata){c->addr[i].ip, c->addr[i].family == 4 ? 4 : 16};
}

/* DS records at the parent that are not of the form are in no table: they go by their rdata. */
static void
compose_ds(struct list *l)
{
	struct check *c = l->c;
	uint32_t ttl_s = c->s->conf->policy.ds_ttl_s ? (uint32_t)c->s->conf->policy.ds_ttl_s : c->ds.ttl_s;

	for (unsigned i = 0; i < c->rec_count; i++)
		if ((c->out.new_ds & BIT(i)) && !mus_rrset_has(&c->ds, c->rec[i]))
			add(l, MUS_UPD_ADD, &c->child->name, MUS_TYPE_DS, ttl_s, c->rec[i]);
	for (size_t r = 0; r < c->ds.count; r++) {
		bool stays = false;

		for (unsigned i = 0; i < c->rec_count; i++)
			stays |= (c->out.new_ds & BIT(i)) && mus_rdata_cmp(c->rec[i], c->ds.rd[r]) == 0;
		if (!stays)
			add(l, MUS_UPD_DEL_RR, &c->child->name, MUS_TYPE_DS, 0, c->ds.rd[r]);
	}
}

static void
compose_ns(struct list *l)
{
	static const uint16_t type[MUS_SCAN_FAMILIES] = {MUS_TYPE_A, MUS_TYPE_AAAA};
	struct check *c = l->c;
	uint32_t ttl_s = c->s->conf->policy.ns_ttl_s ? (uint32_t)c->s->conf->policy.ns_ttl_s : c->ns.ttl_s;

	for (unsigned n = 0; n < c->name_count; n++) {
		for (unsigned f = 0; c->in.name[n].in_zone && f < MUS_SCAN_FAMILIES; f++) {
			uint64_t was = c->in.name[n].glue[f], is = c->out.new_glue[n][f];

			if (was == is)
				continue;
			for (unsigned i = 0; i < 64; i++)
				if (was & BIT(i))
					add(l, MUS_UPD_PRE_RR, &c->name[n], type[f], 0, addr_rdata(c, i));
			/* Glue that no referral showed may be there all the same: no condition then. */
			differ(l, &c->name[n], type[f], ttl_s, was, is, addr_rdata);
		}
	}
	differ(l, &c->child->name, MUS_TYPE_NS, ttl_s, c->in.ns, c->out.new_ns, ns_rdata);
}

/* ---- what was acted upon, on disk before anything is sent --------------------------------------- */

/* The one of this address and key; a new one at the end, or NULL when there is no room. */
static struct scan_past *
past_of(struct scan_past *past, size_t *n, const struct scan_past *like)
{
	struct scan_past *known = scan_past_find(past, *n, &like->addr, like->key);

	if (known)
		return known;
	if (*n == MUS_SCAN_PAST_MAX)
		return NULL;
	past[*n] = (struct scan_past){.addr = like->addr, .key = like->key};
	return &past[(*n)++];
}

/* What each key has signed at this server. */
static void
remember_server(struct check *c, unsigned i, struct scan_past *past, size_t *n)
{
	const struct mus_scan_server *s = &c->in.server[i];
	const struct { const struct mus_scan_set *set; int64_t value; bool now; } mark[MUS_SCAN_MARKS] = {
	    [MUS_SCAN_MARK_CDS] = {&s->cds, s->cds.inception_s, !c->ns_change},
	    [MUS_SCAN_MARK_CDNSKEY] = {&s->cdnskey, s->cdnskey.inception_s, !c->ns_change},
	    [MUS_SCAN_MARK_SOA] = {&s->soa, s->serial, c->ns_change},
	    [MUS_SCAN_MARK_CSYNC] = {&s->csync, s->csync_serial, c->ns_change},
	};

	for (unsigned k = 0; k < c->key_count; k++) {
		struct scan_past like = {.addr = c->server[i].addr,
		    .key = mus_digest64(c->key[k].data, c->key[k].len)};

		for (unsigned m = 0; m < MUS_SCAN_MARKS; m++) {
			struct scan_past *p;

			if (!mark[m].now || !mark[m].set->is_present || !(mark[m].set->sig & BIT(k)) ||
			    !(p = past_of(past, n, &like)))
				continue;
			p->has |= (uint8_t)BIT(m);
			p->mark[m] = mark[m].value;
		}
	}
}

static void
remember(struct check *c)
{
	struct child *child = c->child;
	struct scan_past *past = calloc(MUS_SCAN_PAST_MAX, sizeof *past), *less;
	size_t n = 0;

	if (!past)
		return;
	/* What is new first; of the rest what there is room for. */
	for (unsigned i = 0; i < c->server_count; i++)
		remember_server(c, i, past, &n);
	for (size_t k = 0; k < child->past_count; k++) {
		const struct scan_past *was = &child->past[k];
		struct scan_past *p = past_of(past, &n, was);

		for (unsigned m = 0; p && m < MUS_SCAN_MARKS; m++)
			if (!(p->has >> m & 1))
				p->mark[m] = was->mark[m];
		if (p)
			p->has |= was->has;
	}
	less = realloc(past, (n + !n) * sizeof *past);
	free(child->past);
	child->past = less ? less : past;
	child->past_count = n;
	child->acted_count = 0;
	for (unsigned i = 0; i < c->rec_count; i++)
		if ((c->ns_change ? c->in.ds : c->out.new_ds) & BIT(i))
			child->acted[child->acted_count++] = mus_digest64(c->rec[i].data, c->rec[i].len);
}

/* ---- steps -------------------------------------------------------------------------------------- */

static bool
is_shown_ds(struct check *c, const struct ask *q)
{
	size_t n = 0;

	for (unsigned i = 0; i < c->rec_count; i++) {
		if (!(c->out.new_ds & BIT(i)))
			continue;
		n++;
		if (!mus_rrset_has(&q->set, c->rec[i]))
			return false;
	}
	return n == q->set.count;
}

/* Glue that we did not know of may still stand beside; the next look finds and removes it. */
static bool
is_shown_glue(struct check *c, const struct ask *q, unsigned name)
{
	uint64_t want = c->out.new_glue[name][MUS_SCAN_A] | c->out.new_glue[name][MUS_SCAN_AAAA], shown = 0;

	for (size_t i = 0; i < q->glue_count; i++)
		for (size_t r = 0; mus_name_equal(&q->glue[i].owner, &c->name[name]) && r < q->glue[i].count; r++) {
			struct mus_addr a = scan_rdata_addr(q->glue[i].type, q->glue[i].rd[r]);

			for (unsigned k = 0; a.family && k < c->addr_count; k++)
				if (mus_addr_same_ip(&a, &c->addr[k]))
					shown |= BIT(k);
		}
	return (want & ~shown) == 0;
}

static bool
is_shown_ns(struct check *c, const struct ask *q)
{
	const struct mus_rrset *ns = NULL;
	size_t n = 0;

	for (size_t i = 0; i < q->auth_count; i++)
		if (q->auth[i].type == MUS_TYPE_NS && mus_name_equal(&q->auth[i].owner, &c->child->name))
			ns = &q->auth[i];
	for (unsigned k = 0; ns && k < c->name_count; k++) {
		if (!(c->out.new_ns & BIT(k)))
			continue;
		n++;
		if (!mus_rrset_has(ns, ns_rdata(c, k)) ||
		    (c->in.name[k].in_zone && !is_shown_glue(c, q, k)))
			return false;
	}
	return ns && n == ns->count;
}

static void
on_read_back(struct check *c)
{
	struct ask *q = scan_last(c, c->ns_change ? ASK_PNS : ASK_PDS);
	/* The last DS record gone, the answer is NODATA. */
	bool shown = q && q->cause == MUS_CAUSE_NONE &&
	    (c->ns_change ? is_shown_ns(c, q) : is_shown_ds(c, q));

	if (!shown) {
		scan_check_end(c, SCAN_FAILED, "the primary accepted the UPDATE and does not show it");
		return;
	}
	c->child->changes++;
	scan_check_end(c, SCAN_CHANGED, NULL);
}

static void
on_updated(void *arg, const struct mus_dnsx_answer *a)
{
	struct check *c = arg;
	struct ask q = {.kind = c->ns_change ? ASK_PNS : ASK_PDS, .qname = c->child->name,
	    .type = c->ns_change ? MUS_TYPE_NS : MUS_TYPE_DS, .addr = c->s->conf->parent.primary};

	if (a->err != 0) {
		scan_check_end(c, SCAN_FAILED, "UPDATE: %s", a->words.s);
		return;
	}
	switch (a->msg->rcode) {
	case MUS_RCODE_NOERROR:
		break;
	case MUS_RCODE_NXRRSET:
	case MUS_RCODE_YXRRSET:
		scan_check_end(c, SCAN_FAILED, "the delegation has changed meanwhile (%s)",
		    mus_rcode_text(a->msg->rcode));
		return;
	default:
		scan_check_end(c, SCAN_FAILED, "UPDATE refused: %s", mus_rcode_text(a->msg->rcode));
		return;
	}
	c->left = 0;
	c->next = on_read_back;
	if (scan_ask(c, &q, MUS_VIA_TCP) < 0)
		on_read_back(c);
}

void
scan_update(struct check *c)
{
	struct mus_dnsx_ask ask = {.server = c->s->conf->parent.primary, .via = MUS_VIA_TCP, .once = true,
	    .key = c->s->key};
	struct list l = {.c = c, .rr = calloc(UPD_MAX, sizeof(struct mus_upd_rr))};
	uint8_t *wire = malloc(MUS_MSG_MAX);
	struct mus_errtext et = {"out of memory"};
	int rc = MUS_ERR_NOMEM;

	if (!l.rr || !wire)
		goto out;
	require_set(&l, &c->ds);
	require_set(&l, &c->ns);
	if (c->ns_change)
		compose_ns(&l);
	else
		compose_ds(&l);
	if (l.failed) {
		rc = mus_errf(&et, MUS_ERR_TOOBIG, "too many records for one UPDATE");
		goto out;
	}
	rc = mus_update_build(&c->s->conf->parent.zone, l.rr, l.count, 0, wire, MUS_MSG_MAX);
	if (rc < 0) {
		mus_errf(&et, rc, "the UPDATE cannot be made: %s", mus_err_text(rc));
		goto out;
	}
	ask.wire = wire;
	ask.wire_len = (size_t)rc;
	remember(c);
	if ((rc = scan_state_save(c->s, &et)) < 0)
		goto out;
	rc = mus_dnsx_ask(c->s->dnsx, &ask, on_updated, c, NULL);
	if (rc < 0)
		mus_errf(&et, rc, "UPDATE: %s", mus_err_text(rc));
out:
	free(l.rr);
	free(wire);
	if (rc < 0)
		scan_check_end(c, SCAN_FAILED, "%s", et.s);
}
