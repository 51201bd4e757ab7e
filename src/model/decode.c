#include <stdlib.h>

#include "model/codec_int.h"

struct dec {
	struct mus_rd r;
	const char *bad;		/* first thing found wrong; NULL: none yet */
	bool nomem;
	unsigned version;
	struct mus_zone *z;
	struct hist h;
};

/* Nothing more is worth reading. */
static bool
is_over(const struct dec *d)
{
	return d->bad != NULL || d->r.failed || d->nomem;
}
static bool
check(struct dec *d, bool ok, const char *what)
{
	if (!ok && d->bad == NULL)
		d->bad = what;
	return ok;
}

static uint8_t
get_count(struct dec *d, unsigned max, const char *what)
{
	uint8_t n = mus_rd_u8(&d->r);

	return check(d, n <= max, what) ? n : 0;
}
static uint8_t
get_index(struct dec *d, unsigned max, uint8_t nobody, const char *what)
{
	uint8_t n = mus_rd_u8(&d->r);

	return check(d, index_ok(n, max, nobody), what) ? n : 0;
}
static enum mus_tri
get_tri(struct dec *d, unsigned bits)
{
	bits &= 3;
	return check(d, bits <= MUS_YES, "yes/no out of range") ? (enum mus_tri)bits : MUS_UNKNOWN;
}
static uint32_t
get_u32(struct dec *d)
{
	uint64_t v = mus_rd_uvar(&d->r);

	return check(d, v <= UINT32_MAX, "number too large") ? (uint32_t)v : 0;
}
static uint64_t
get_set(struct dec *d, unsigned kind)
{
	uint64_t v = mus_rd_uvar(&d->r);

	return check(d, !is_ns_set(kind) || mask_fits(v, MUS_NSNAMES_MAX), "name out of range") ? v : 0;
}

static struct mus_time
get_time(struct dec *d, unsigned class)
{
	uint64_t v = mus_rd_uvar(&d->r);

	if (v == 0)
		return MUS_TIME_NEVER;
	if (v == 1)
		return MUS_TIME_ALWAYS;
	if (v == 2)
		d->h.time[class] = mus_rd_u64(&d->r);
	else
		d->h.time[class] += unzigzag(v - 3);
	return (struct mus_time){(int64_t)d->h.time[class]};
}

static void
get_str(struct dec *d, char *out, size_t cap)
{
	uint64_t len = mus_rd_uvar(&d->r);
	const uint8_t *p;

	if (!check(d, len < cap, "name too long") ||
	    (p = mus_rd_bytes(&d->r, (size_t)len)) == NULL)
		return;
	if (!check(d, memchr(p, 0, (size_t)len) == NULL, "NUL in a name"))
		return;
	memcpy(out, p, (size_t)len);
	out[len] = '\0';
}

static void
get_addr(struct dec *d, struct mus_addr *a)
{
	uint8_t head = mus_rd_u8(&d->r);
	unsigned family = head >> 1;
	size_t len = family == 4 ? 4 : family == 6 ? 16 : 0;
	const uint8_t *p;

	if (!check(d, family == 0 || len > 0, "address family"))
		return;
	a->family = (uint8_t)family;
	a->port = (head & 1) != 0 ? mus_rd_u16(&d->r) : LABEL_PORT;
	if (len > 0 && (p = mus_rd_bytes(&d->r, len)) != NULL)
		memcpy(a->ip, p, len);
}

static void
get_sigs(struct dec *d, struct mus_version *v, bool is_long)
{
	for (unsigned i = 0; i < v->sig_count; i++) {
		struct mus_sig *s = &v->sig[i];
		unsigned head = mus_rd_u8(&d->r);

		if (is_long) {
			s->key = get_index(d, MUS_KEYS_MAX, MUS_KEY_NONE, "key out of range");
			s->alg = mus_rd_u8(&d->r);
			s->tag = mus_rd_u16(&d->r);
		} else {
			s->key = (uint8_t)(head >> S_KEY_SHIFT);	/* 6 bits: within MUS_KEYS_MAX */
			s->alg = d->z->key[s->key].alg;
			s->tag = d->z->key[s->key].tag;
		}
		if ((head & S_FROM_PREV) == 0)
			d->h.from += unzigzag(mus_rd_uvar(&d->r));
		if ((head & S_UNTIL_PREV) == 0)
			d->h.until += unzigzag(mus_rd_uvar(&d->r));
		s->from_s = (int64_t)d->h.from;
		s->until_s = (int64_t)d->h.until;
	}
}

static uint64_t
get_content(struct dec *d, unsigned head)
{
	struct hist *h = &d->h;
	uint64_t v;
	unsigned ref;

	if (head & V_CONTENT) {
		v = mus_rd_u64(&d->r);
		dict_add(h, v);
		return v;
	}
	if ((head & V_CONTENT_REF) == 0)
		return 0;
	ref = mus_rd_u8(&d->r);
	if (!check(d, ref > 0 && ref <= DICT && ref <= h->dict_count, "content not written before"))
		return 0;
	return h->dict[(h->dict_count - ref) % DICT];
}

static void
get_version(struct dec *d, unsigned kind, struct mus_version *v)
{
	struct mus_rd *r = &d->r;
	unsigned head = mus_rd_u16(r);
	unsigned sig_count = head >> V_SIG_SHIFT;

	memset(v, 0, sizeof *v);
	if (!check(d, sig_count <= MUS_SIGS_MAX, "too many signatures"))
		return;
	v->sig_count = (uint8_t)sig_count;
	v->content = get_content(d, head);
	if (head & V_SET)
		v->set = get_set(d, kind);
	else if (head & V_SET_PREV)
		v->set = d->h.set;
	check(d, !is_ns_set(kind) || mask_fits(v->set, MUS_NSNAMES_MAX), "name out of range");
	if (head & V_DT)
		for (unsigned i = 0; i < MUS_DT_COUNT; i++)
			v->dt[i] = mus_rd_uvar(r);
	if ((head & V_AUX) && kind == MUS_RR_SOA)
		v->aux = mus_rd_u64(r);
	else if (head & V_AUX)
		v->aux = mus_rd_uvar(r);
	v->ttl_s = (head & V_TTL_PREV) ? d->h.ttl : get_u32(d);
	v->serve_ttl_s = (head & V_SERVE_SAME) ? v->ttl_s : get_u32(d);
	if (head & V_STRAY)
		v->stray = mus_rd_u8(r);
	if (head & V_FLAGS)
		v->flags = mus_rd_u8(r);
	v->srv = (head & V_SRV_PREV) ? d->h.srv : mus_rd_uvar(r);
	v->first = get_time(d, T_FIRST);
	v->last = (head & V_LAST) ? get_time(d, T_LAST) : MUS_TIME_ALWAYS;
	get_sigs(d, v, (head & V_SIGS_LONG) != 0);
	if (v->set != 0)
		d->h.set = v->set;
	d->h.ttl = v->ttl_s;
	d->h.srv = v->srv;
}

static void
get_ring(struct dec *d, unsigned kind, struct mus_ring *ring)
{
	unsigned head = mus_rd_u8(&d->r);
	unsigned count = head >> R_COUNT_SHIFT;

	if (!check(d, count <= MUS_VERSIONS_MAX, "too many versions"))
		return;
	if (head & R_MORE) {
		unsigned more = mus_rd_u8(&d->r);

		ring->overflow = more & 1;
		if (check(d, more >> 1 < MUS_CAUSE_COUNT, "cause out of range"))
			ring->fail_cause = (enum mus_cause)(more >> 1);
		ring->fail_server = mus_rd_u8(&d->r);
		ring->fail = mus_rd_uvar(&d->r);
		ring->overflow_until = get_time(d, T_OTHER);
		ring->fail_since = get_time(d, T_OTHER);
	}
	if ((head & R_TTL_SAME) == 0)
		ring->ttl_max_s = get_u32(d);
	d->h.ok = ring->ok = (head & R_OK_PREV) ? d->h.ok : mus_rd_uvar(&d->r);
	ring->asked_at = get_time(d, T_ASKED);
	ring->since = get_time(d, T_SINCE);
	for (unsigned i = 0; i < count && !is_over(d); i++) {
		get_version(d, kind, &ring->v[i]);
		ring->count++;
	}
	if (head & R_TTL_SAME) {
		if (check(d, count > 0, "largest TTL of nothing") && ring->count > 0)
			ring->ttl_max_s = ring->v[ring->count - 1].ttl_s;
	}
}

static void
get_rings(struct dec *d, struct mus_ring *ring, unsigned first_kind, unsigned count)
{
	uint64_t used = mus_rd_uvar(&d->r);

	if (!check(d, mask_fits(used, count), "unknown record kind"))
		return;
	for (unsigned k = 0; k < count && !is_over(d); k++)
		if (used & mus_bit(k))
			get_ring(d, first_kind + k, &ring[k]);
}

static void
get_copy(struct dec *d, struct mus_copy *c)
{
	unsigned head = mus_rd_u8(&d->r);

	if (!check(d, head < 32 && (head & 1 || head == 0), "copy") || head == 0)
		return;
	c->known = head >> 1 & 1;
	c->declared = head >> 2 & 1;
	c->has_stray_sigs = head >> 3 & 1;
	c->serial = get_u32(d);
	c->ttl_max_s = get_u32(d);
	c->content = mus_rd_u64(&d->r);
	c->keys_in_data = mus_rd_uvar(&d->r);
	c->at = get_time(d, T_OTHER);
	c->unread_at = head >> 4 & 1 ? get_time(d, T_OTHER) : MUS_TIME_ALWAYS;	/* version 3 never has it */
}

static void
get_signer(struct dec *d, struct mus_zonestate *z, unsigned i)
{
	struct mus_zsigner *s = &z->zone.signer[i];
	unsigned head = mus_rd_u16(&d->r);

	s->is_member = head & 1;
	s->is_lost = head >> 1 & 1;
	s->has_driver = head >> 2 & 1;
	s->declared_content = head >> 3 & 1;
	s->caps = (struct mus_caps){.dnskey = get_tri(d, head >> 4), .cds = get_tri(d, head >> 6),
	    .cdnskey = get_tri(d, head >> 8), .csync = get_tri(d, head >> 10),
	    .ns = get_tri(d, head >> 12)};
	s->is_secondary = head >> 14 & 1;
	s->declared_max_ttl_s = get_u32(d);
	z->book.signer_id[i] = mus_rd_svar(&d->r);
	get_str(d, z->book.signer[i], sizeof z->book.signer[i]);
	get_copy(d, &z->seen.copy[i]);
}

static void
get_key(struct dec *d, struct mus_book_key *bk, struct mus_zkey *k)
{
	struct mus_rd *r = &d->r;
	unsigned head = mus_rd_u8(r), head2;
	uint64_t len;
	const uint8_t *p;

	if (head == 0)
		return;
	if (!check(d, (head & 1) != 0 && head < 128, "key"))
		return;
	head2 = mus_rd_u8(r);
	k->is_sep = head >> 1 & 1;
	k->is_revoked = head >> 2 & 1;
	k->is_zone = head >> 3 & 1;
	k->signs_key = head >> 4 & 1;
	k->is_unasked = head >> 6 & 1;
	k->evidence = (enum mus_evidence)(head2 & 3);
	k->signs_data = get_tri(d, head2 >> 2);
	k->alg_idx = head2 >> 4 & 3;
	k->alg = mus_rd_u8(r);
	k->tag = mus_rd_u16(r);
	k->owner = get_index(d, MUS_SIGNERS_MAX, MUS_OWNER_UNKNOWN, "owner out of range");
	k->id = mus_rd_u64(r);
	if (head >> 5 & 1)
		k->gone_at = get_time(d, T_OTHER);
	len = mus_rd_uvar(r);
	if (!check(d, len <= MUS_BOOK_RDATA_MAX, "key too long") ||
	    (p = mus_rd_bytes(r, (size_t)len)) == NULL)
		return;
	if ((bk->rdata = malloc(len > 0 ? (size_t)len : 1)) == NULL) {
		d->nomem = true;
		return;
	}
	memcpy(bk->rdata, p, (size_t)len);
	bk->len = (uint16_t)len;
}

static void
get_server(struct dec *d, struct mus_zonestate *z, unsigned i)
{
	struct mus_server *s = &z->zone.server[i];
	struct mus_srvstate *st = &z->seen.server[i];
	unsigned head;

	s->origin = get_index(d, MUS_PARENT + 1, MUS_NOBODY, "origin out of range");
	s->ns = mus_rd_u8(&d->r);
	if (s->origin < MUS_PARENT && !check(d, index_ok(s->ns, MUS_NSNAMES_MAX, 0xff), "name out of range"))
		s->ns = 0xff;
	s->also = get_u32(d);
	get_addr(d, &z->book.addr[i]);
	head = mus_rd_u8(&d->r);
	st->udp_ok = head & 1;
	st->tcp_ok = head >> 1 & 1;
	st->aa_ok = head >> 2 & 1;
	st->udp = get_tri(d, head >> 3);
	st->tcp = get_tri(d, head >> 5);
	st->led_until = get_time(d, T_REACH);
	st->cut = get_time(d, T_OTHER);
}

/* A count is stored only once its item is read, so the tables are whole at every moment. */
static void
get_zone(struct dec *d, struct mus_zonestate *z)
{
	struct mus_zone *zone = &z->zone;
	struct mus_rd *r = &d->r;
	const uint8_t *p;
	unsigned n;

	z->book.zone_id = mus_rd_svar(r);
	get_str(d, z->book.zone, sizeof z->book.zone);
	get_str(d, z->book.parent, sizeof z->book.parent);
	n = get_count(d, MUS_ALGS_MAX, "too many algorithms");
	if ((p = mus_rd_bytes(r, n)) != NULL) {
		memcpy(zone->alg, p, n);
		zone->alg_count = (uint8_t)n;
	}
	n = get_count(d, MUS_SIGNERS_MAX, "too many signers");
	for (; zone->signer_count < n && !is_over(d); zone->signer_count++)
		get_signer(d, z, zone->signer_count);
	n = get_count(d, MUS_KEYS_MAX, "too many keys");
	for (; zone->key_count < n && !is_over(d); zone->key_count++)
		get_key(d, &z->book.key[zone->key_count], &zone->key[zone->key_count]);
	n = get_count(d, MUS_NSNAMES_MAX, "too many names");
	for (; zone->ns_count < n && !is_over(d); zone->ns_count++) {
		struct mus_zns *ns = &zone->ns[zone->ns_count];
		unsigned head;

		ns->owner = get_index(d, MUS_SIGNERS_MAX, MUS_OWNER_UNKNOWN, "owner out of range");
		head = mus_rd_u8(r);
		ns->in_domain = head >> 1 & 1;
		ns->is_former = head >> 2 & 1;
		get_str(d, z->book.ns[zone->ns_count], sizeof z->book.ns[0]);
	}
	n = get_count(d, MUS_SERVERS_MAX, "too many servers");
	for (; zone->server_count < n && !is_over(d); zone->server_count++)
		get_server(d, z, zone->server_count);
}

static void
get_pending(struct dec *d, struct mus_seen *s)
{
	unsigned n = get_count(d, MUS_PENDING_MAX, "too many pending changes");

	for (; s->pending_count < n && !is_over(d); s->pending_count++) {
		struct mus_pending *p = &s->pending[s->pending_count];
		uint8_t kind;

		p->signer = mus_rd_u8(&d->r);
		kind = mus_rd_u8(&d->r);
		if (!check(d, p->signer < MUS_SIGNERS_MAX && kind < MUS_RR_COUNT, "pending change"))
			return;
		p->kind = (enum mus_rr_kind)kind;
		p->add = get_set(d, kind);
		p->del = get_set(d, kind);
		p->sent_at = get_time(d, T_OTHER);
	}
}

static void
get_rolls(struct dec *d, struct mus_want *w)
{
	unsigned taken = mus_rd_u8(&d->r);

	if (!check(d, taken < 1u << MUS_ROLLS_MAX, "roll-overs"))
		return;
	for (unsigned i = 0; i < MUS_ROLLS_MAX && !is_over(d); i++) {
		struct mus_roll *r = &w->roll[i];
		unsigned head;

		if (!(taken >> i & 1))
			continue;
		head = mus_rd_u8(&d->r);
		if (!check(d, (head & 0x7f) > MUS_PROC_NONE && (head & 0x7f) < MUS_PROC_COUNT, "unknown roll-over"))
			return;
		r->kind = (enum mus_proc_kind)(head & 0x7f);
		r->early = head >> 7;
		r->signer = get_index(d, MUS_SIGNERS_MAX, MUS_NOBODY, "signer out of range");
		r->row = mus_rd_u8(&d->r);
		r->in = mus_rd_uvar(&d->r);
		r->out = mus_rd_uvar(&d->r);
		r->started_at = get_time(d, T_OTHER);
		r->row_at = get_time(d, T_OTHER);
		r->key.from = get_time(d, T_OTHER);
		r->key.ttl_s = get_u32(d);
		r->ds.from = get_time(d, T_OTHER);
		r->ds.ttl_s = get_u32(d);
		r->data.from = get_time(d, T_OTHER);
		r->data.ttl_s = get_u32(d);
		if (d->version >= 6) {		/* before that nobody was told */
			r->told_row = mus_rd_u8(&d->r);
			head = mus_rd_u8(&d->r);
			r->told_tries = head & 0x7f;
			r->told = head >> 7;
			r->told_at = get_time(d, T_OTHER);
		}
		check(d, r->signer < MUS_SIGNERS_MAX, "signer out of range");
	}
}

static void
get_want(struct dec *d, struct mus_want *w)
{
	struct mus_proc *p = &w->proc;
	struct mus_rd *r = &d->r;
	unsigned head = mus_rd_u8(r);
	uint8_t kind;

	w->adopted = head & 1;
	w->csync = head >> 1 & 1;
	w->keyg = mus_rd_u8(r);
	w->dsg = mus_rd_u8(r);
	w->nsg = mus_rd_u8(r);
	w->met = mus_rd_u8(r);
	w->csync_serial = get_u32(d);
	w->known = ~0ull;		/* before version 5 nobody asked */
	if (d->version >= 5) {
		w->known = mus_rd_uvar(r);
		get_rolls(d, w);
	}
	if (!check(d, head < 8, "intention") || (head >> 2 & 1) == 0)
		return;
	kind = mus_rd_u8(r);
	if (check(d, kind < MUS_PROC_COUNT, "unknown process"))
		p->kind = (enum mus_proc_kind)kind;
	p->signer = get_index(d, MUS_SIGNERS_MAX, 0xff, "signer out of range");
	p->row = mus_rd_u8(r);
	p->started_at = get_time(d, T_OTHER);
	p->row_at = get_time(d, T_OTHER);
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++) {
		p->clock[i].from = get_time(d, T_OTHER);
		p->clock[i].ttl_s = get_u32(d);
	}
}

static int
get_all(struct dec *d, struct mus_zonestate *z, struct mus_errtext *et)
{
	get_zone(d, z);
	for (unsigned i = 0; i < z->zone.signer_count && !is_over(d); i++)
		get_rings(d, z->seen.signer[i], 0, MUS_RR_SIGNER_COUNT);
	if (!is_over(d))
		get_rings(d, z->seen.parent, MUS_RR_DS, MUS_RR_PARENT_COUNT);
	if (!is_over(d))
		get_pending(d, &z->seen);
	if (!is_over(d))
		get_want(d, &z->want);
	if (d->nomem)
		return mus_errf(et, MUS_ERR_NOMEM, "zone state: out of memory");
	if (d->bad != NULL)
		return mus_errf(et, MUS_ERR_MALFORM, "zone state: %s", d->bad);
	if (d->r.failed)
		return mus_errf(et, MUS_ERR_MALFORM, "zone state: ends too early");
	if (d->r.p != d->r.end)
		return mus_errf(et, MUS_ERR_MALFORM, "zone state: %zu bytes too many",
		    (size_t)(d->r.end - d->r.p));
	return 0;
}

int
mus_zonestate_decode(struct mus_zonestate *z, const void *p, size_t len, struct mus_errtext *et)
{
	const uint8_t *bytes = p;
	struct dec d = {.z = &z->zone};
	struct mus_rd tail;
	int rc;

	mus_zonestate_clear(z);
	if (len < 1 + SUM_LEN)
		return mus_errf(et, MUS_ERR_MALFORM, "zone state: ends too early");
	if (bytes[0] < CODEC_OLDEST || bytes[0] > CODEC_VERSION)
		return mus_errf(et, MUS_ERR_UNSUPPORTED,
		    "zone state: version %u, this program knows %u", bytes[0], CODEC_VERSION);
	tail = mus_rd_of(bytes + len - SUM_LEN, SUM_LEN);
	if (mus_rd_u32(&tail) != checksum(bytes, len - SUM_LEN))
		return mus_errf(et, MUS_ERR_MALFORM, "zone state: damaged (checksum differs)");
	d.version = bytes[0];
	d.r = mus_rd_of(bytes + 1, len - 1 - SUM_LEN);
	if ((rc = get_all(&d, z, et)) < 0)
		mus_zonestate_clear(z);
	return rc;
}
