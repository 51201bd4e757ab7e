/*
 * Layout: version (1 byte), fields, checksum (4 bytes: half of a SipHash with a fixed key; finds
 * damage, stops nobody who can write the database).  Most bytes of an idle zone are saved by "as
 * before": a time is a difference to the last one of its class, contents and masks that were written
 * already are referred to.  Both sides therefore keep the same history while they walk.
 *
 * What is checked when decoding: every count against its array, every index and mask against the
 * array it points into, every enum against its list, and that nothing is left over.  So a decoded
 * state can be walked without fear, whatever the bytes were.  Encoding asserts the same.
 */
#include "model/codec.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

enum { CODEC_VERSION = 1, SUM_LEN = 4, DICT = 64, LABEL_PORT = 53 };

/* Classes of times: those of one class are often equal or near each other. */
enum { T_ASKED, T_SINCE, T_FIRST, T_LAST, T_REACH, T_OTHER, T_COUNT };

struct hist {
	uint64_t time[T_COUNT];		/* milliseconds; unsigned, so differences may wrap */
	uint64_t from, until;		/* of the last signature */
	uint64_t srv, set, ok;
	uint32_t ttl;
	unsigned dict_count;
	uint64_t dict[DICT];		/* the last contents */
};

enum {					/* head of a version; signature count in bits 13..15 */
	V_CONTENT = 1 << 0,		/* content follows */
	V_CONTENT_REF = 1 << 1,		/* content as so many before; neither: 0 */
	V_SET = 1 << 2,			/* set follows */
	V_SET_PREV = 1 << 3,		/* as the last one; neither: 0 */
	V_DT = 1 << 4,
	V_AUX = 1 << 5,
	V_TTL_PREV = 1 << 6,
	V_SERVE_SAME = 1 << 7,		/* serve_ttl_s equals ttl_s */
	V_STRAY = 1 << 8,
	V_FLAGS = 1 << 9,
	V_SRV_PREV = 1 << 10,
	V_LAST = 1 << 11,		/* not ALWAYS */
	V_SIGS_LONG = 1 << 12,		/* signatures with algorithm and tag */
	V_SIG_SHIFT = 13,
};
enum {					/* head of a ring; count of versions in bits 4..7 */
	R_MORE = 1 << 0,		/* failures or overflow */
	R_TTL_SAME = 1 << 1,		/* ttl_max_s is that of the newest version */
	R_OK_PREV = 1 << 2,
	R_COUNT_SHIFT = 4,
};
enum { S_FROM_PREV = 1, S_UNTIL_PREV = 2, S_KEY_SHIFT = 2 };

/* Kinds whose set is a mask of name-server names. */
static bool
is_ns_set(unsigned kind)
{
	return kind == MUS_RR_NS || kind == MUS_RR_PNS;
}
static bool
mask_fits(uint64_t mask, unsigned bits)
{
	return bits >= 64 || mask >> bits == 0;
}
static bool
index_ok(uint8_t v, unsigned max, uint8_t nobody)
{
	return v < max || v == nobody;
}
static uint32_t
checksum(const uint8_t *p, size_t len)
{
	return (uint32_t)mus_siphash(p, len, 0x6d75736963, 0x7a6f6e65);
}
static uint64_t
zigzag(uint64_t v)
{
	return v << 1 ^ (uint64_t)((int64_t)v >> 63);
}
static uint64_t
unzigzag(uint64_t v)
{
	return v >> 1 ^ (~(v & 1) + 1);
}

/* ---- encoding ---- */

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
dict_add(struct hist *h, uint64_t content)
{
	h->dict[h->dict_count++ % DICT] = content;
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

	mus_buf_add_u8(b, (uint8_t)(is_set | c->known << 1 | c->declared << 2 |
	    c->has_stray_sigs << 3));
	if (!is_set)
		return;
	mus_buf_add_uvar(b, c->serial);
	mus_buf_add_uvar(b, c->ttl_max_s);
	mus_buf_add_u64(b, c->content);
	mus_buf_add_uvar(b, c->keys_in_data);
	put_time(e, T_OTHER, c->at);
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
	    (unsigned)c->csync << 10 | (unsigned)c->ns << 12;
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
	    k->signs_key << 4 | is_gone << 5));
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
	mus_buf_add_u8(b, zone->key_overflow);
	mus_buf_add_u8(b, zone->key_table_full);
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
		mus_buf_add_u8(b, (uint8_t)(zone->ns[i].is_shared | zone->ns[i].in_domain << 1));
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
	mus_buf_add_uvar(b, w->csync_serial);
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

/* ---- decoding ---- */

struct dec {
	struct mus_rd r;
	const char *bad;		/* first thing found wrong; NULL: none yet */
	bool nomem;
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

	if (!check(d, head < 16 && (head & 1 || head == 0), "copy") || head == 0)
		return;
	c->known = head >> 1 & 1;
	c->declared = head >> 2 & 1;
	c->has_stray_sigs = head >> 3 & 1;
	c->serial = get_u32(d);
	c->ttl_max_s = get_u32(d);
	c->content = mus_rd_u64(&d->r);
	c->keys_in_data = mus_rd_uvar(&d->r);
	c->at = get_time(d, T_OTHER);
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
	if (!check(d, (head & 1) != 0 && head < 64, "key"))
		return;
	head2 = mus_rd_u8(r);
	k->is_sep = head >> 1 & 1;
	k->is_revoked = head >> 2 & 1;
	k->is_zone = head >> 3 & 1;
	k->signs_key = head >> 4 & 1;
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
	zone->key_overflow = mus_rd_u8(r);
	zone->key_table_full = mus_rd_u8(r) & 1;
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
		ns->is_shared = head & 1;
		ns->in_domain = head >> 1 & 1;
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
	w->csync_serial = get_u32(d);
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
	if (bytes[0] != CODEC_VERSION)
		return mus_errf(et, MUS_ERR_UNSUPPORTED,
		    "zone state: version %u, this program knows %u", bytes[0], CODEC_VERSION);
	tail = mus_rd_of(bytes + len - SUM_LEN, SUM_LEN);
	if (mus_rd_u32(&tail) != checksum(bytes, len - SUM_LEN))
		return mus_errf(et, MUS_ERR_MALFORM, "zone state: damaged (checksum differs)");
	d.r = mus_rd_of(bytes + 1, len - 1 - SUM_LEN);
	if ((rc = get_all(&d, z, et)) < 0)
		mus_zonestate_clear(z);
	return rc;
}
