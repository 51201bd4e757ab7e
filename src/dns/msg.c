#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/walk.h"

enum {
	FLAG_QR = 0x8000, FLAG_AA = 0x0400, FLAG_TC = 0x0200, FLAG_RD = 0x0100, FLAG_RA = 0x0080,
	FLAG_AD = 0x0020, FLAG_CD = 0x0010,
	EDNS_DO = 0x8000,
};

const char *
mus_rcode_text(uint16_t rcode)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN",
		"YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI", "RCODE12", "RCODE13",
		"RCODE14", "RCODE15", "BADVERS", "BADKEY", "BADTIME", "BADMODE", "BADNAME",
		"BADALG", "BADTRUNC", "BADCOOKIE",
	};
	/* Unassigned and private ones are for a log line only: one buffer a thread will do. */
	static _Thread_local char other[12];

	if (rcode < sizeof names / sizeof names[0])
		return names[rcode];
	(void)snprintf(other, sizeof other, "RCODE%u", rcode);
	return other;
}

/* ---- parsing ---- */

static int
malform(struct mus_errtext *et, const char *what)
{
	return mus_errf(et, MUS_ERR_MALFORM, "malformed message: %s", what);
}

static void
read_header(const struct mus_walk *w, struct mus_msg *m)
{
	*m = (struct mus_msg){
		.id = w->id,
		.opcode = (uint8_t)(w->flags >> 11 & 15),
		.rcode = w->flags & 15,
		.qr = w->flags & FLAG_QR, .aa = w->flags & FLAG_AA, .tc = w->flags & FLAG_TC,
		.rd = w->flags & FLAG_RD, .ra = w->flags & FLAG_RA, .ad = w->flags & FLAG_AD,
		.cd = w->flags & FLAG_CD,
	};
}

/* OPT (RFC 6891 6.1): at most one, in the additional section, owned by the root. */
static bool
take_opt(struct mus_msg *m, enum mus_section sec, const struct mus_walk_rr *rr)
{
	if (sec != MUS_SEC_ADDITIONAL || m->has_edns || !mus_name_is_root(&rr->owner))
		return false;
	m->has_edns = true;
	m->rcode = (uint16_t)(m->rcode | rr->ttl_s >> 24 << 4);
	m->do_bit = rr->ttl_s & EDNS_DO;
	return true;
}

/* Copies rdata in canonical form to the arena.  Nearly all fit the stack; a larger buffer there
 * would cost more than the parsing, since release builds clear it. */
static int
copy_rdata(const struct mus_walk *w, const struct mus_walk_rr *rr, struct mus_arena *a,
    struct mus_rdata *out)
{
	const uint8_t *src = w->wire + rr->rd_off;
	size_t cap = rr->rd_len + (size_t)MUS__RDATA_GROWTH;
	uint8_t small[1024], *big = NULL;
	long len = rr->rd_len;

	if (!mus__walk_is_plain(rr)) {
		if (cap > sizeof small && (big = mus_arena_alloc(a, cap)) == NULL)
			return MUS_ERR_NOMEM;
		src = big ? big : small;
		if ((len = mus__walk_rdata(w, rr, big ? big : small, cap)) < 0)
			return MUS_ERR_MALFORM;
	}
	out->len = (uint16_t)len;
	out->data = big ? big : mus_arena_copy(a, src, (size_t)len);
	return out->data ? 0 : MUS_ERR_NOMEM;
}

static int
take_rr(const struct mus_walk *w, const struct mus_walk_rr *rr, struct mus_arena *a,
    struct mus_rr *out, struct mus_errtext *et)
{
	int rc;

	if ((rc = copy_rdata(w, rr, a, &out->rd)) < 0)
		return rc == MUS_ERR_MALFORM ? malform(et, "rdata does not fit its type") : rc;
	out->owner.len = rr->owner.len;
	memcpy(out->owner.wire, rr->owner.wire, rr->owner.len);
	out->type = rr->type;
	out->rclass = rr->rclass;
	out->ttl_s = rr->ttl_s;
	return 0;
}

static int
parse_section(struct mus_walk *w, enum mus_section sec, struct mus_arena *a, struct mus_msg *m,
    struct mus_errtext *et)
{
	uint16_t count = w->count[sec + 1];
	struct mus_walk_rr rr;
	int rc;

	if (count == 0)
		return 0;
	/* Before memory is taken for a count that the message cannot hold. */
	if (count > (w->len - w->off) / MUS__RR_BYTES_MIN)
		return malform(et, "fewer records than the header says");
	if ((m->rr[sec] = mus_arena_alloc(a, count * sizeof *m->rr[sec])) == NULL)
		return MUS_ERR_NOMEM;
	for (uint16_t i = 0; i < count; i++) {
		if (!mus__walk_rr(w, &rr))
			return malform(et, "bad record");
		if (rr.type == MUS_TYPE_OPT) {
			if (!take_opt(m, sec, &rr))
				return malform(et, "misplaced OPT");
		} else if (rr.type == MUS_TYPE_TSIG) {
			/* RFC 8945 5.1: the last record, nowhere else. */
			if (sec != MUS_SEC_ADDITIONAL || i + 1 != count)
				return malform(et, "misplaced TSIG");
			m->has_tsig = true;
		} else if ((rc = take_rr(w, &rr, a, &m->rr[sec][m->rr_count[sec]], et)) < 0)
			return rc;
		else
			m->rr_count[sec]++;
	}
	return 0;
}

int
mus_msg_parse(const uint8_t *wire, size_t len, struct mus_arena *a, struct mus_msg *out,
    struct mus_errtext *et)
{
	struct mus_msg m;
	struct mus_walk w;
	int rc;

	if (!mus__walk_init(&w, wire, len))
		return malform(et, "shorter than a header");
	read_header(&w, &m);
	if (w.count[MUS__SEC_QUESTION] > 1)
		return malform(et, "more than one question");
	if (w.count[MUS__SEC_QUESTION] == 1 &&
	    !mus__walk_question(&w, &m.qname, &m.qtype, &m.qclass))
		return malform(et, "bad question");
	for (int sec = 0; sec < MUS_SEC_COUNT; sec++) {
		if ((rc = parse_section(&w, (enum mus_section)sec, a, &m, et)) < 0)
			return rc;
	}
	if (w.off != w.len)
		return malform(et, "bytes behind the last record");
	*out = m;
	return 0;
}

/* ---- RRsets of a section ---- */

/* A record with what decides its place: the RRset it belongs to, then record or signature. */
struct place {
	const struct mus_rr *rr;
	uint16_t type;		/* of the RRset: what an RRSIG covers */
	bool is_sig;
};

static bool
place_of(const struct mus_rr *rr, struct place *out)
{
	*out = (struct place){.rr = rr, .type = rr->type};
	if (rr->type != MUS_TYPE_RRSIG)
		return true;
	if (rr->rd.len < 2)
		return false;
	out->is_sig = true;
	out->type = (uint16_t)(rr->rd.data[0] << 8 | rr->rd.data[1]);
	return true;
}

static int
cmp_set(const struct place *x, const struct place *y)
{
	int c = mus_name_cmp(&x->rr->owner, &y->rr->owner);

	if (c == 0)
		c = (int)x->type - (int)y->type;
	if (c == 0)
		c = (int)x->rr->rclass - (int)y->rr->rclass;
	return c;
}

static int
cmp_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = cmp_set(x, y);

	if (c == 0)
		c = (int)x->is_sig - (int)y->is_sig;
	return c != 0 ? c : mus_rdata_cmp(x->rr->rd, y->rr->rd);
}

/* Sorted places of one RRset into ${out}; the bytes are copied, so that they live as long as
 * ${a}.  False: signatures only, or no memory. */
static bool
make_set(const struct place *p, size_t count, struct mus_arena *a, struct mus_rrset *out)
{
	size_t bytes = 0;
	struct mus_rdata *list;
	uint8_t *data;

	if (p[0].is_sig)
		return false;
	for (size_t i = 0; i < count; i++)
		bytes += p[i].rr->rd.len;
	list = mus_arena_alloc(a, count * sizeof *list);
	data = mus_arena_alloc(a, bytes);
	if (!list || !data)
		return false;
	*out = (struct mus_rrset){.owner = p[0].rr->owner, .type = p[0].type,
	    .rclass = p[0].rr->rclass, .rd = list};
	for (size_t i = 0; i < count; i++) {
		const struct mus_rr *rr = p[i].rr;
		uint32_t *ttl_s = p[i].is_sig ? &out->sig_ttl_s : &out->ttl_s;

		/* RFC 2181 8: the top bit set means zero. */
		if (rr->ttl_s <= INT32_MAX && rr->ttl_s > *ttl_s)
			*ttl_s = rr->ttl_s;
		if (i > 0 && p[i - 1].is_sig == p[i].is_sig &&
		    mus_rdata_cmp(p[i - 1].rr->rd, rr->rd) == 0)
			continue;
		if (rr->rd.len > 0)
			memcpy(data, rr->rd.data, rr->rd.len);
		if (p[i].is_sig && !out->sig)
			out->sig = list + out->count;
		if (p[i].is_sig)
			out->sig[out->sig_count++] = (struct mus_rdata){data, rr->rd.len};
		else
			list[out->count++] = (struct mus_rdata){data, rr->rd.len};
		data += rr->rd.len;
	}
	return true;
}

bool
mus_msg_rrset(const struct mus_msg *m, enum mus_section sec, const struct mus_name *owner,
    uint16_t type, struct mus_arena *a, struct mus_rrset *out)
{
	struct place *p, q;
	size_t count = 0, matching = 0;

	for (size_t i = 0; i < m->rr_count[sec]; i++)
		matching += mus_name_equal(&m->rr[sec][i].owner, owner);
	if (matching == 0 || (p = mus_arena_alloc(a, matching * sizeof *p)) == NULL)
		return false;
	for (size_t i = 0; i < m->rr_count[sec]; i++) {
		const struct mus_rr *rr = &m->rr[sec][i];

		if (mus_name_equal(&rr->owner, owner) && place_of(rr, &q) && q.type == type &&
		    rr->rclass == MUS_CLASS_IN)
			p[count++] = q;
	}
	if (count == 0)
		return false;
	qsort(p, count, sizeof *p, cmp_place);
	return make_set(p, count, a, out);
}

struct mus_rrset *
mus_msg_rrsets(const struct mus_msg *m, enum mus_section sec, struct mus_arena *a, size_t *count)
{
	struct mus_rrset *sets = NULL;
	size_t n = 0, set_count = 0, out = 0, next;
	struct place *p;

	*count = 0;
	if (m->rr_count[sec] == 0 ||
	    (p = mus_arena_alloc(a, m->rr_count[sec] * sizeof *p)) == NULL)
		return NULL;
	for (size_t i = 0; i < m->rr_count[sec]; i++)
		n += place_of(&m->rr[sec][i], &p[n]);
	if (n == 0)
		return NULL;
	/* Sorting first keeps the cost at n log n for a section of thousands of records. */
	qsort(p, n, sizeof *p, cmp_place);
	for (size_t i = 0; i < n; i++)
		set_count += !p[i].is_sig && (i == 0 || cmp_set(&p[i - 1], &p[i]) != 0);
	if (set_count == 0 || (sets = mus_arena_alloc(a, set_count * sizeof *sets)) == NULL)
		return NULL;
	for (size_t i = 0; i < n; i = next) {
		for (next = i + 1; next < n && cmp_set(&p[i], &p[next]) == 0; next++)
			;
		if (make_set(p + i, next - i, a, &sets[out]))
			out++;
	}
	if (mus_arena_failed(a))
		return NULL;
	*count = out;
	return sets;
}

/* ---- building ---- */

/* Bytes into the caller's room; what does not fit sets ${full} and is not written. */
struct out {
	uint8_t *p;
	size_t len, cap;
	bool full;
};

static void
put(struct out *o, const void *src, size_t len)
{
	if (o->full || o->cap - o->len < len) {
		o->full = true;
		return;
	}
	if (len > 0)
		memcpy(o->p + o->len, src, len);
	o->len += len;
}

static void
put_u16(struct out *o, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(o, b, sizeof b);
}

static void
put_u32(struct out *o, uint32_t v)
{
	put_u16(o, (uint16_t)(v >> 16));
	put_u16(o, (uint16_t)v);
}

static struct out
out_of(uint8_t *p, size_t cap)
{
	return (struct out){.p = p, .cap = cap < MUS_MSG_MAX ? cap : MUS_MSG_MAX};
}

static void
put_header(struct out *o, uint16_t id, unsigned opcode, unsigned flags, unsigned additional)
{
	put_u16(o, id);
	put_u16(o, (uint16_t)(opcode << 11 | flags));
	put_u16(o, 1);
	put_u32(o, 0);
	put_u16(o, (uint16_t)additional);
}

static int
out_end(const struct out *o)
{
	return o->full ? MUS_ERR_TOOBIG : (int)o->len;
}

int
mus_query_build(const struct mus_query *q, uint16_t id, uint8_t *out, size_t cap)
{
	struct out o = out_of(out, cap);
	unsigned flags = (q->rd ? FLAG_RD : 0u) | (q->cd ? FLAG_CD : 0u);
	/* RFC 1996 wants a bare NOTIFY; a question always offers EDNS for its size. */
	bool edns = q->dnssec || q->opcode == MUS_OPCODE_QUERY;

	if (q->opcode == MUS_OPCODE_NOTIFY)
		flags |= FLAG_AA;
	put_header(&o, id, q->opcode, flags, edns);
	put(&o, q->name.wire, q->name.len);
	put_u16(&o, q->type);
	put_u16(&o, MUS_CLASS_IN);
	if (edns) {
		put(&o, "", 1);
		put_u16(&o, MUS_TYPE_OPT);
		put_u16(&o, MUS_EDNS_UDP_BYTES);
		put_u32(&o, q->dnssec ? EDNS_DO : 0);
		put_u16(&o, 0);
	}
	return out_end(&o);
}

/* The zone name stands behind the header: names below it end in a pointer there. */
static void
put_owner(struct out *o, const struct mus_name *owner, const struct mus_name *zone)
{
	if (!mus_name_is_root(zone) && mus_name_in(owner, zone)) {
		put(o, owner->wire, (size_t)(owner->len - zone->len));
		put_u16(o, 0xc000 | MUS__HEADER_BYTES);
	} else
		put(o, owner->wire, owner->len);
}

/* One line of RFC 2136 2.4 and 2.5 (protocol.md 14.1). */
static void
put_update(struct out *o, const struct mus_upd_rr *u, const struct mus_name *zone)
{
	static const struct {
		uint16_t rclass;
		bool has_data;
	} how[] = {
		[MUS_UPD_PRE_EXISTS] = {MUS_CLASS_ANY, false},
		[MUS_UPD_PRE_ABSENT] = {MUS_CLASS_NONE, false},
		[MUS_UPD_PRE_RR] = {MUS_CLASS_IN, true},
		[MUS_UPD_ADD] = {MUS_CLASS_IN, true},
		[MUS_UPD_DEL_RR] = {MUS_CLASS_NONE, true},
		[MUS_UPD_DEL_CSYNC] = {MUS_CLASS_ANY, false},
	};
	uint16_t len = how[u->kind].has_data ? u->rd.len : 0;

	put_owner(o, &u->owner, zone);
	/* Of no other type can a whole RRset go, whatever the caller says. */
	put_u16(o, u->kind == MUS_UPD_DEL_CSYNC ? MUS_TYPE_CSYNC : u->type);
	put_u16(o, how[u->kind].rclass);
	put_u32(o, u->kind == MUS_UPD_ADD ? u->ttl_s : 0);
	put_u16(o, len);
	put(o, u->rd.data, len);
}

static bool
is_prerequisite(enum mus_upd_kind k)
{
	return k == MUS_UPD_PRE_EXISTS || k == MUS_UPD_PRE_ABSENT || k == MUS_UPD_PRE_RR;
}

int
mus_update_build(const struct mus_name *zone, const struct mus_upd_rr *rr, size_t count,
    uint16_t id, uint8_t *out, size_t cap)
{
	struct out o = out_of(out, cap);
	size_t written[2] = {0, 0};		/* updates, prerequisites */

	put_header(&o, id, MUS_OPCODE_UPDATE, 0, 0);
	put(&o, zone->wire, zone->len);
	put_u16(&o, MUS_TYPE_SOA);
	put_u16(&o, MUS_CLASS_IN);
	for (int pre = 1; pre >= 0; pre--) {
		for (size_t i = 0; i < count && !o.full; i++) {
			if (is_prerequisite(rr[i].kind) != (pre == 1))
				continue;
			put_update(&o, &rr[i], zone);
			written[pre]++;
		}
	}
	/* More than 65535 of either cannot have fitted. */
	if (!o.full) {
		o.p[6] = (uint8_t)(written[1] >> 8);
		o.p[7] = (uint8_t)written[1];
		o.p[8] = (uint8_t)(written[0] >> 8);
		o.p[9] = (uint8_t)written[0];
	}
	return out_end(&o);
}

int
mus_reply_build(const uint8_t *req, size_t req_len, uint16_t rcode, bool aa, uint8_t *out,
    size_t cap)
{
	struct out o = out_of(out, cap);
	struct mus_name qname;
	uint16_t qtype, qclass;
	struct mus_walk w;
	bool question;

	if (!mus__walk_init(&w, req, req_len))
		return MUS_ERR_MALFORM;
	question = w.count[MUS__SEC_QUESTION] > 0 &&
	    mus__walk_question(&w, &qname, &qtype, &qclass);
	put_header(&o, w.id, w.flags >> 11 & 15u,
	    FLAG_QR | (aa ? FLAG_AA : 0u) | (w.flags & FLAG_RD) | (rcode & 15u), 0);
	/* The question goes back byte for byte, its spelling included. */
	if (question)
		put(&o, req + MUS__HEADER_BYTES, w.off - MUS__HEADER_BYTES);
	else if (!o.full)
		memset(o.p + 4, 0, 2);
	return out_end(&o);
}
