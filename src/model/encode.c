#include "model/codec_int.h"

struct enc {
	struct mus_buf *b;
	const struct mus_zone *z;
	struct hist h;
};

/* NEVER 0, ALWAYS 1, 2: eight bytes follow, else the difference plus 3. */
static void
put_time(struct enc *e, unsigned class, struct mus_time t)
{
	uint64_t d;

	if (!mus_time_is_set(t)) {
		mus_buf_add_u8(e->b, t.ms == INT64_MIN);
		return;
	}
	d = zigzag((uint64_t)t.ms - e->h.time[class]);
	if (d <= UINT64_MAX - 3) {
		mus_buf_add_uvar(e->b, d + 3);
	} else {
		mus_buf_add_u8(e->b, 2);
		mus_buf_add_u64(e->b, (uint64_t)t.ms);
	}
	e->h.time[class] = (uint64_t)t.ms;
}

static void
put_str(struct enc *e, const char *s, size_t cap)
{
	size_t len = strnlen(s, cap);

	MUS_ASSERT(len < cap);
	mus_buf_add_uvar(e->b, len);
	mus_buf_add(e->b, s, len);
}

static void
put_addr(struct enc *e, const struct mus_addr *a)
{
	MUS_ASSERT(a->family == 0 || a->family == 4 || a->family == 6);
	mus_buf_add_u8(e->b, (uint8_t)(a->family << 1 | (a->port != LABEL_PORT)));
	if (a->port != LABEL_PORT)
		mus_buf_add_u16(e->b, a->port);
	mus_buf_add(e->b, a->ip, a->family == 0 ? 0 : a->family == 4 ? 4 : 16);
}

static void
put_sigs(struct enc *e, const struct mus_version *v, bool is_long)
{
	for (unsigned i = 0; i < v->sig_count; i++) {
		const struct mus_sig *s = &v->sig[i];
		unsigned head = 0;

		MUS_ASSERT(index_ok(s->key, MUS_KEYS_MAX, MUS_KEY_NONE));
		if ((uint64_t)s->from_s == e->h.from)
			head |= S_FROM_PREV;
		if ((uint64_t)s->until_s == e->h.until)
			head |= S_UNTIL_PREV;
		if (is_long) {
			mus_buf_add_u8(e->b, (uint8_t)head);
			mus_buf_add_u8(e->b, s->key);
			mus_buf_add_u8(e->b, s->alg);
			mus_buf_add_u16(e->b, s->tag);
		} else {
			mus_buf_add_u8(e->b, (uint8_t)(head | (unsigned)s->key << S_KEY_SHIFT));
		}
		if ((head & S_FROM_PREV) == 0)
			mus_buf_add_uvar(e->b, zigzag((uint64_t)s->from_s - e->h.from));
		if ((head & S_UNTIL_PREV) == 0)
			mus_buf_add_uvar(e->b, zigzag((uint64_t)s->until_s - e->h.until));
		e->h.from = (uint64_t)s->from_s;
		e->h.until = (uint64_t)s->until_s;
	}
}

static bool
sigs_need_long(const struct enc *e, const struct mus_version *v)
{
	for (unsigned i = 0; i < v->sig_count; i++) {
		const struct mus_sig *s = &v->sig[i];

		if (s->key >= MUS_KEYS_MAX || s->alg != e->z->key[s->key].alg ||
		    s->tag != e->z->key[s->key].tag)
			return true;
	}
	return false;
}

/* How many contents ago ${content} was written; 0: not lately. */
static unsigned
dict_find(const struct hist *h, uint64_t content)
{
	unsigned n = h->dict_count < DICT ? h->dict_count : DICT;

	for (unsigned i = 1; i <= n; i++)
		if (h->dict[(h->dict_count - i) % DICT] == content)
			return i;
	return 0;
}

static void
put_version(struct enc *e, unsigned kind, const struct mus_version *v)
{
	struct mus_buf *b = e->b;
	unsigned head, ref = 0;

	MUS_ASSERT(v->sig_count <= MUS_SIGS_MAX);
	MUS_ASSERT(!is_ns_set(kind) || mask_fits(v->set, MUS_NSNAMES_MAX));
	head = (unsigned)v->sig_count << V_SIG_SHIFT;
	if (v->content != 0)
		head |= (ref = dict_find(&e->h, v->content)) != 0 ? V_CONTENT_REF : V_CONTENT;
	if (v->set != 0)
		head |= v->set == e->h.set ? V_SET_PREV : V_SET;
	if ((v->dt[0] | v->dt[1] | v->dt[2]) != 0)
		head |= V_DT;
	if (v->aux != 0)
		head |= V_AUX;
	if (v->ttl_s == e->h.ttl)
		head |= V_TTL_PREV;
	if (v->serve_ttl_s == v->ttl_s)
		head |= V_SERVE_SAME;
	if (v->stray != 0)
		head |= V_STRAY;
	if (v->flags != 0)
		head |= V_FLAGS;
	if (v->srv == e->h.srv)
		head |= V_SRV_PREV;
	if (v->last.ms != INT64_MIN)
		head |= V_LAST;
	if (sigs_need_long(e, v))
		head |= V_SIGS_LONG;

	mus_buf_add_u16(b, (uint16_t)head);
	if (head & V_CONTENT) {
		mus_buf_add_u64(b, v->content);
		dict_add(&e->h, v->content);
	} else if (head & V_CONTENT_REF) {
		mus_buf_add_u8(b, (uint8_t)ref);
	}
	if (head & V_SET)
		mus_buf_add_uvar(b, v->set);
	if (head & V_DT)
		for (unsigned i = 0; i < MUS_DT_COUNT; i++)
			mus_buf_add_uvar(b, v->dt[i]);
	if ((head & V_AUX) && kind == MUS_RR_SOA)
		mus_buf_add_u64(b, v->aux);	/* a digest: no use in making it shorter */
	else if (head & V_AUX)
		mus_buf_add_uvar(b, v->aux);
	if ((head & V_TTL_PREV) == 0)
		mus_buf_add_uvar(b, v->ttl_s);
	if ((head & V_SERVE_SAME) == 0)
		mus_buf_add_uvar(b, v->serve_ttl_s);
	if (head & V_STRAY)
		mus_buf_add_u8(b, v->stray);
	if (head & V_FLAGS)
		mus_buf_add_u8(b, v->flags);
	if ((head & V_SRV_PREV) == 0)
		mus_buf_add_uvar(b, v->srv);
	put_time(e, T_FIRST, v->first);
	if (head & V_LAST)
		put_time(e, T_LAST, v->last);
	put_sigs(e, v, (head & V_SIGS_LONG) != 0);
	if (v->set != 0)
		e->h.set = v->set;
	e->h.ttl = v->ttl_s;
	e->h.srv = v->srv;
}

static bool
ring_is_used(const struct mus_ring *r)
{
	return r->count > 0 || r->overflow || r->fail_cause != MUS_CAUSE_NONE || r->fail_server != 0 ||
	    r->ttl_max_s != 0 || r->ok != 0 || r->fail != 0 || r->asked_at.ms != INT64_MIN ||
	    r->since.ms != INT64_MAX || r->overflow_until.ms != INT64_MIN ||
	    r->fail_since.ms != INT64_MAX;
}

static void
put_ring(struct enc *e, unsigned kind, const struct mus_ring *r)
{
	struct mus_buf *b = e->b;
	unsigned head;

	MUS_ASSERT(r->count <= MUS_VERSIONS_MAX && (unsigned)r->fail_cause < MUS_CAUSE_COUNT);
	head = (unsigned)r->count << R_COUNT_SHIFT;
	if (r->overflow || r->overflow_until.ms != INT64_MIN || r->fail != 0 ||
	    r->fail_cause != MUS_CAUSE_NONE || r->fail_server != 0 || r->fail_since.ms != INT64_MAX)
		head |= R_MORE;
	if (r->count > 0 && r->v[r->count - 1].ttl_s == r->ttl_max_s)
		head |= R_TTL_SAME;
	if (r->ok == e->h.ok)
		head |= R_OK_PREV;

	mus_buf_add_u8(b, (uint8_t)head);
	if (head & R_MORE) {
		mus_buf_add_u8(b, (uint8_t)((unsigned)r->fail_cause << 1 | r->overflow));
		mus_buf_add_u8(b, r->fail_server);
		mus_buf_add_uvar(b, r->fail);
		put_time(e, T_OTHER, r->overflow_until);
		put_time(e, T_OTHER, r->fail_since);
	}
	if ((head & R_TTL_SAME) == 0)
		mus_buf_add_uvar(b, r->ttl_max_s);
	if ((head & R_OK_PREV) == 0)
		mus_buf_add_uvar(b, r->ok);
	put_time(e, T_ASKED, r->asked_at);
	put_time(e, T_SINCE, r->since);
	for (unsigned i = 0; i < r->count; i++)
		put_version(e, kind, &r->v[i]);
	e->h.ok = r->ok;
}

static void
put_rings(struct enc *e, const struct mus_ring *ring, unsigned first_kind, unsigned count)
{
	uint64_t used = 0;

	for (unsigned k = 0; k < count; k++)
		if (ring_is_used(&ring[k]))
			used |= mus_bit(k);
	mus_buf_add_uvar(e->b, used);
	for (unsigned k = 0; k < count; k++)
		if (used & mus_bit(k))
			put_ring(e, first_kind + k, &ring[k]);
}

static void
put_copy(struct enc *e, const struct mus_copy *c)
{
	struct mus_buf *b = e->b;
	bool is_set = c->known || c->declared || c->has_stray_sigs || c->serial != 0 ||
	    c->ttl_max_s != 0 || c->content != 0 || c->keys_in_data != 0 || c->at.ms != INT64_MIN;

	mus_buf_add_u8(b, (uint8_t)(is_set | c->known << 1 | c->declared << 2 | c->has_stray_sigs << 3 |
	    (is_set && c->unread_at.ms != INT64_MIN) << 4));
	if (!is_set)
		return;
	mus_buf_add_uvar(b, c->serial);
	mus_buf_add_uvar(b, c->ttl_max_s);
	mus_buf_add_u64(b, c->content);
	mus_buf_add_uvar(b, c->keys_in_data);
	put_time(e, T_OTHER, c->at);
	if (c->unread_at.ms != INT64_MIN)
		put_time(e, T_OTHER, c->unread_at);
}

static void
put_signer(struct enc *e, const struct mus_zonestate *z, unsigned i)
{
	const struct mus_zsigner *s = &z->zone.signer[i];
	const struct mus_caps *c = &s->caps;
	unsigned head = s->is_member | (unsigned)s->is_lost << 1 | (unsigned)s->has_driver << 2 |
	    (unsigned)s->declared_content << 3;

	MUS_ASSERT(c->dnskey <= MUS_YES && c->cds <= MUS_YES && c->cdnskey <= MUS_YES &&
	    c->csync <= MUS_YES && c->ns <= MUS_YES);
	head |= (unsigned)c->dnskey << 4 | (unsigned)c->cds << 6 | (unsigned)c->cdnskey << 8 |
	    (unsigned)c->csync << 10 | (unsigned)c->ns << 12 | (unsigned)s->is_secondary << 14;
	mus_buf_add_u16(e->b, (uint16_t)head);
	mus_buf_add_uvar(e->b, s->declared_max_ttl_s);
	mus_buf_add_svar(e->b, z->book.signer_id[i]);
	put_str(e, z->book.signer[i], sizeof z->book.signer[i]);
	put_copy(e, &z->seen.copy[i]);
}

static void
put_key(struct enc *e, const struct mus_book_key *bk, const struct mus_zkey *k)
{
	struct mus_buf *b = e->b;
	bool is_gone = k->gone_at.ms != INT64_MAX;

	if (bk->rdata == NULL) {
		mus_buf_add_u8(b, 0);
		return;
	}
	MUS_ASSERT(k->alg_idx < MUS_ALGS_MAX && k->signs_data <= MUS_YES &&
	    (unsigned)k->evidence <= MUS_EV_SIGNATURE && bk->len <= MUS_BOOK_RDATA_MAX &&
	    index_ok(k->owner, MUS_SIGNERS_MAX, MUS_OWNER_UNKNOWN));
	mus_buf_add_u8(b, (uint8_t)(1 | k->is_sep << 1 | k->is_revoked << 2 | k->is_zone << 3 |
	    k->signs_key << 4 | is_gone << 5 | k->is_unasked << 6));
	mus_buf_add_u8(b, (uint8_t)((unsigned)k->evidence | (unsigned)k->signs_data << 2 |
	    (unsigned)k->alg_idx << 4));
	mus_buf_add_u8(b, k->alg);
	mus_buf_add_u16(b, k->tag);
	mus_buf_add_u8(b, k->owner);
	mus_buf_add_u64(b, k->id);
	if (is_gone)
		put_time(e, T_OTHER, k->gone_at);
	mus_buf_add_uvar(b, bk->len);
	mus_buf_add(b, bk->rdata, bk->len);
}

static void
put_server(struct enc *e, const struct mus_zonestate *z, unsigned i)
{
	const struct mus_server *s = &z->zone.server[i];
	const struct mus_srvstate *st = &z->seen.server[i];

	MUS_ASSERT(index_ok(s->origin, MUS_PARENT + 1, MUS_NOBODY) && st->udp <= MUS_YES && st->tcp <= MUS_YES);
	MUS_ASSERT(s->origin >= MUS_PARENT || index_ok(s->ns, MUS_NSNAMES_MAX, 0xff));
	mus_buf_add_u8(e->b, s->origin);
	mus_buf_add_u8(e->b, s->ns);
	mus_buf_add_uvar(e->b, s->also);
	put_addr(e, &z->book.addr[i]);
	mus_buf_add_u8(e->b, (uint8_t)(st->udp_ok | st->tcp_ok << 1 | st->aa_ok << 2 |
	    (unsigned)st->udp << 3 | (unsigned)st->tcp << 5));
	put_time(e, T_REACH, st->led_until);
	put_time(e, T_OTHER, st->cut);
}

static void
put_zone(struct enc *e, const struct mus_zonestate *z)
{
	const struct mus_zone *zone = &z->zone;
	struct mus_buf *b = e->b;

	MUS_ASSERT(zone->signer_count <= MUS_SIGNERS_MAX && zone->ns_count <= MUS_NSNAMES_MAX &&
	    zone->server_count <= MUS_SERVERS_MAX && zone->key_count <= MUS_KEYS_MAX &&
	    zone->alg_count <= MUS_ALGS_MAX);
	mus_buf_add_svar(b, z->book.zone_id);
	put_str(e, z->book.zone, sizeof z->book.zone);
	put_str(e, z->book.parent, sizeof z->book.parent);
	mus_buf_add_u8(b, zone->alg_count);
	mus_buf_add(b, zone->alg, zone->alg_count);
	mus_buf_add_u8(b, zone->signer_count);
	for (unsigned i = 0; i < zone->signer_count; i++)
		put_signer(e, z, i);
	mus_buf_add_u8(b, zone->key_count);
	for (unsigned i = 0; i < zone->key_count; i++)
		put_key(e, &z->book.key[i], &zone->key[i]);
	mus_buf_add_u8(b, zone->ns_count);
	for (unsigned i = 0; i < zone->ns_count; i++) {
		MUS_ASSERT(index_ok(zone->ns[i].owner, MUS_SIGNERS_MAX, MUS_OWNER_UNKNOWN));
		mus_buf_add_u8(b, zone->ns[i].owner);
		/* bit 0 had a meaning once: it is not read */
		mus_buf_add_u8(b, (uint8_t)(zone->ns[i].in_domain << 1 | zone->ns[i].is_former << 2));
		put_str(e, z->book.ns[i], sizeof z->book.ns[i]);
	}
	mus_buf_add_u8(b, zone->server_count);
	for (unsigned i = 0; i < zone->server_count; i++)
		put_server(e, z, i);
}

static void
put_pending(struct enc *e, const struct mus_seen *s)
{
	MUS_ASSERT(s->pending_count <= MUS_PENDING_MAX);
	mus_buf_add_u8(e->b, s->pending_count);
	for (unsigned i = 0; i < s->pending_count; i++) {
		const struct mus_pending *p = &s->pending[i];

		MUS_ASSERT(p->signer < MUS_SIGNERS_MAX && (unsigned)p->kind < MUS_RR_COUNT);
		MUS_ASSERT(!is_ns_set(p->kind) || mask_fits(p->add | p->del, MUS_NSNAMES_MAX));
		mus_buf_add_u8(e->b, p->signer);
		mus_buf_add_u8(e->b, (uint8_t)p->kind);
		mus_buf_add_uvar(e->b, p->add);
		mus_buf_add_uvar(e->b, p->del);
		put_time(e, T_OTHER, p->sent_at);
	}
}

static bool
proc_is_set(const struct mus_proc *p)
{
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		if (p->clock[i].from.ms != INT64_MAX || p->clock[i].ttl_s != 0)
			return true;
	return p->kind != MUS_PROC_NONE || p->signer != 0 || p->row != 0 ||
	    p->started_at.ms != INT64_MAX || p->row_at.ms != INT64_MAX;
}

/* Which places are taken, then each. */
static void
put_rolls(struct enc *e, const struct mus_want *w)
{
	uint8_t taken = 0;

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (w->roll[i].kind != MUS_PROC_NONE)
			taken |= (uint8_t)(1u << i);
	mus_buf_add_u8(e->b, taken);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		const struct mus_roll *r = &w->roll[i];

		if (!(taken >> i & 1))
			continue;
		MUS_ASSERT((unsigned)r->kind < MUS_PROC_COUNT && r->signer < MUS_SIGNERS_MAX);
		mus_buf_add_u8(e->b, (uint8_t)((unsigned)r->kind | (unsigned)r->early << 7));
		mus_buf_add_u8(e->b, r->signer);
		mus_buf_add_u8(e->b, r->row);
		mus_buf_add_uvar(e->b, r->in);
		mus_buf_add_uvar(e->b, r->out);
		put_time(e, T_OTHER, r->started_at);
		put_time(e, T_OTHER, r->row_at);
		put_time(e, T_OTHER, r->key.from);
		mus_buf_add_uvar(e->b, r->key.ttl_s);
		put_time(e, T_OTHER, r->ds.from);
		mus_buf_add_uvar(e->b, r->ds.ttl_s);
		put_time(e, T_OTHER, r->data.from);
		mus_buf_add_uvar(e->b, r->data.ttl_s);
		mus_buf_add_u8(e->b, r->told_row);
		MUS_ASSERT(r->told_tries < 0x80);
		mus_buf_add_u8(e->b, (uint8_t)(r->told_tries | r->told << 7));
		put_time(e, T_OTHER, r->told_at);
	}
}

static void
put_want(struct enc *e, const struct mus_want *w)
{
	const struct mus_proc *p = &w->proc;
	struct mus_buf *b = e->b;
	bool is_set = proc_is_set(p);

	MUS_ASSERT((unsigned)p->kind < MUS_PROC_COUNT);
	mus_buf_add_u8(b, (uint8_t)(w->adopted | w->csync << 1 | is_set << 2));
	mus_buf_add_u8(b, w->keyg);
	mus_buf_add_u8(b, w->dsg);
	mus_buf_add_u8(b, w->nsg);
	mus_buf_add_u8(b, w->met);
	mus_buf_add_uvar(b, w->csync_serial);
	mus_buf_add_uvar(b, w->known);
	put_rolls(e, w);
	if (!is_set)
		return;
	/* the process outlives its signer's place only by mistake; NOBODY is let through */
	MUS_ASSERT(index_ok(p->signer, MUS_SIGNERS_MAX, 0xff));
	mus_buf_add_u8(b, (uint8_t)p->kind);
	mus_buf_add_u8(b, p->signer);
	mus_buf_add_u8(b, p->row);
	put_time(e, T_OTHER, p->started_at);
	put_time(e, T_OTHER, p->row_at);
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++) {
		put_time(e, T_OTHER, p->clock[i].from);
		mus_buf_add_uvar(b, p->clock[i].ttl_s);
	}
}

bool
mus_zonestate_encode(const struct mus_zonestate *z, struct mus_buf *out)
{
	struct enc e = {.b = out, .z = &z->zone};
	size_t start = out->len;

	mus_buf_add_u8(out, CODEC_VERSION);
	put_zone(&e, z);
	for (unsigned i = 0; i < z->zone.signer_count; i++)
		put_rings(&e, z->seen.signer[i], 0, MUS_RR_SIGNER_COUNT);
	put_rings(&e, z->seen.parent, MUS_RR_DS, MUS_RR_PARENT_COUNT);
	put_pending(&e, &z->seen);
	put_want(&e, &z->want);
	if (out->failed)
		return false;
	return mus_buf_add_u32(out, checksum(out->data + start, out->len - start));
}
