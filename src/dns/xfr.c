#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dns/digest.h"
#include "dns/dnskey.h"
#include "dns/walk.h"
#include "dns/xfr.h"

enum {
	FLAG_QR = 0x8000, FLAG_TC = 0x0200,
	SOA_TAIL_BYTES = 20,
	TYPE_SIGNING_STATE = 65534,	/* BIND's private notes at the apex */
};

struct mus_xfr {
	struct mus_name zone;
	uint16_t id;
	struct mus_tsig_ctx *tsig;	/* borrowed; NULL: without */
	mus_xfr_rr_fn *fn;
	void *arg;
	struct mus_buf held;		/* length (4 bytes) and message, not yet covered by a TSIG */
	struct mus_buf soa;		/* rdata of the first record */
	enum { BEFORE, INSIDE, BEHIND } where;
	int failed;			/* the error that ended it */
	struct mus_rr rr;		/* lent to fn */
	uint8_t rdata[MUS_RDATA_MAX];
};

struct mus_xfr *
mus_xfr_new(const struct mus_name *zone, uint16_t id, struct mus_tsig_ctx *tsig,
    mus_xfr_rr_fn *fn, void *arg)
{
	struct mus_xfr *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->zone = *zone;
	x->id = id;
	x->tsig = tsig;
	x->fn = fn;
	x->arg = arg;
	mus_buf_init(&x->held, 0);	/* no limit needed: TSIG allows 99 messages */
	mus_buf_init(&x->soa, 0);
	return x;
}

void
mus_xfr_free(struct mus_xfr *x)
{
	if (!x)
		return;
	mus_buf_clear(&x->held);
	mus_buf_clear(&x->soa);
	free(x);
}

static int
malform(struct mus_errtext *et, const char *what)
{
	return mus_errf(et, MUS_ERR_MALFORM, "zone transfer: %s", what);
}

/* ---- records ---- */

/* The transfer begins and ends with the same SOA (RFC 5936 2.2). */
static int
take_soa(struct mus_xfr *x, const struct mus_rr *rr, struct mus_errtext *et)
{
	if (x->where == BEFORE) {
		if (!mus_buf_add(&x->soa, rr->rd.data, rr->rd.len))
			return MUS_ERR_NOMEM;
		x->where = INSIDE;
		return 0;
	}
	if (x->soa.len != rr->rd.len || memcmp(x->soa.data, rr->rd.data, rr->rd.len) != 0)
		return malform(et, "ends with another SOA than it began with");
	x->where = BEHIND;
	return 0;
}

static bool
is_meta(uint16_t type)
{
	return type == 0 || type == MUS_TYPE_OPT || (type >= 128 && type <= 255);
}

static int
take_rr(struct mus_xfr *x, const struct mus_walk *w, const struct mus_walk_rr *in,
    struct mus_errtext *et)
{
	struct mus_rr *rr = &x->rr;
	bool at_apex = mus_name_equal(&in->owner, &x->zone);
	long len = in->rd_len;
	int rc;

	if (x->where == BEHIND)
		return malform(et, "records behind the last SOA");
	if (in->rclass != MUS_CLASS_IN || is_meta(in->type))
		return malform(et, "a record that belongs in no zone");
	if (x->where == BEFORE && !(at_apex && in->type == MUS_TYPE_SOA))
		return malform(et, "does not begin with the SOA of the zone");
	/* Some servers send what was left over beside the zone; nobody may use it. */
	if (!mus_name_in(&in->owner, &x->zone))
		return 0;
	rr->rd.data = w->wire + in->rd_off;
	if (!mus__walk_is_plain(in)) {
		if ((len = mus__walk_rdata(w, in, x->rdata, sizeof x->rdata)) < 0)
			return malform(et, "rdata does not fit its type");
		rr->rd.data = x->rdata;
	}
	rr->rd.len = (uint16_t)len;
	rr->owner.len = in->owner.len;
	memcpy(rr->owner.wire, in->owner.wire, in->owner.len);
	rr->type = in->type;
	rr->rclass = in->rclass;
	rr->ttl_s = in->ttl_s;
	if (at_apex && in->type == MUS_TYPE_SOA && (rc = take_soa(x, rr, et)) < 0)
		return rc;
	return x->fn(x->arg, rr);
}

/* ---- messages ---- */

static int
check_header(const struct mus_xfr *x, const struct mus_walk *w, enum mus_tsig_result t,
    struct mus_errtext *et)
{
	char why[MUS_TSIG_REASON_MAX];
	unsigned rcode = w->flags & 15u;

	if (w->id != x->id)
		return malform(et, "message id is not the question's");
	if ((w->flags & FLAG_QR) == 0 || (w->flags >> 11 & 15) != MUS_OPCODE_QUERY)
		return malform(et, "message is no answer");
	if (rcode == MUS_RCODE_NOTAUTH && t == MUS_TSIG_UNSIGNED)
		return mus_errf(et, MUS_ERR_REFUSED, "zone transfer: server answered NOTAUTH: %s",
		    mus_tsig_reason(t, 0, rcode, why));
	if (rcode != MUS_RCODE_NOERROR)
		return mus_errf(et, MUS_ERR_REFUSED, "zone transfer: server answered %s",
		    mus_rcode_text((uint16_t)rcode));
	if (w->flags & FLAG_TC)
		return malform(et, "truncated answer");
	if (w->count[MUS__SEC_QUESTION] > 1)
		return malform(et, "more than one question");
	return 0;
}

static int
check_question(const struct mus_xfr *x, struct mus_walk *w, struct mus_errtext *et)
{
	uint16_t qtype, qclass;
	struct mus_name qname;

	/* RFC 5936 2.2.1: the first message has one, later ones may. */
	if (w->count[MUS__SEC_QUESTION] == 0)
		return 0;
	if (!mus__walk_question(w, &qname, &qtype, &qclass) || qtype != MUS_TYPE_AXFR ||
	    qclass != MUS_CLASS_IN || !mus_name_equal(&qname, &x->zone))
		return malform(et, "answers another question");
	return 0;
}

/* Hands out the answer section; the other sections carry nothing of the zone. */
static int
take_message(struct mus_xfr *x, const uint8_t *wire, size_t len, struct mus_errtext *et)
{
	struct mus_walk_rr rr;
	struct mus_walk w;
	int rc;

	if (!mus__walk_init(&w, wire, len))
		return malform(et, "message shorter than a header");
	if ((rc = check_question(x, &w, et)) < 0)
		return rc;
	/* Else a server could keep us busy for ever with nothing. */
	if (w.count[1] == 0)
		return malform(et, "message without records");
	for (uint16_t i = 0; i < w.count[1]; i++) {
		if (!mus__walk_rr(&w, &rr))
			return malform(et, "bad record");
		if ((rc = take_rr(x, &w, &rr, et)) < 0)
			return rc;
	}
	return 0;
}

static int
hold(struct mus_xfr *x, const uint8_t *wire, size_t len)
{
	if (!mus_buf_add_u32(&x->held, (uint32_t)len) || !mus_buf_add(&x->held, wire, len))
		return MUS_ERR_NOMEM;
	return MUS_XFR_MORE;
}

static int
take_held(struct mus_xfr *x, struct mus_errtext *et)
{
	struct mus_rd r = mus_rd_of(x->held.data, x->held.len);
	int rc = 0;

	while (rc >= 0 && r.p < r.end) {
		size_t len = mus_rd_u32(&r);
		const uint8_t *wire = mus_rd_bytes(&r, len);

		rc = take_message(x, wire, len, et);
	}
	mus_buf_reset(&x->held);
	return rc;
}

static int
feed(struct mus_xfr *x, const uint8_t *wire, size_t len, struct mus_time now,
    struct mus_errtext *et)
{
	char why[MUS_TSIG_REASON_MAX];
	enum mus_tsig_result t = MUS_TSIG_OK;
	struct mus_walk w;
	bool covered = true;
	unsigned rcode;
	int rc;

	if (!mus__walk_init(&w, wire, len))
		return malform(et, "message shorter than a header");
	rcode = w.flags & 15u;
	if (x->where == BEHIND)
		return malform(et, "messages behind the last SOA");
	if (x->tsig) {
		t = mus_tsig_check(x->tsig, wire, len, true, now, &covered);
		/* A refusal without signature is told as what it is: nothing is taken from it. */
		if (t == MUS_TSIG_UNSIGNED && rcode != MUS_RCODE_NOERROR)
			covered = false;
		else if (t != MUS_TSIG_OK)
			return mus_errf(et, MUS_ERR_BADSIG, "zone transfer: TSIG: %s",
			    mus_tsig_reason(t, x->tsig->ahead_s, rcode, why));
	}
	if ((rc = check_header(x, &w, t, et)) < 0)
		return rc;
	if (!covered)
		return hold(x, wire, len);
	if ((rc = take_held(x, et)) < 0 || (rc = take_message(x, wire, len, et)) < 0)
		return rc;
	return x->where == BEHIND ? MUS_XFR_DONE : MUS_XFR_MORE;
}

int
mus_xfr_feed(struct mus_xfr *x, const uint8_t *wire, size_t len, struct mus_time now,
    struct mus_errtext *et)
{
	int rc;

	if (x->failed)
		return mus_errf(et, x->failed, "zone transfer: ended before");
	if ((rc = feed(x, wire, len, now, et)) < 0)
		x->failed = rc;
	return rc;
}

/* ---- the sum ---- */

void
mus_xfrsum_init(struct mus_xfrsum *s, const struct mus_name *zone, int64_t now_s)
{
	*s = (struct mus_xfrsum){.zone = *zone, .now_s = now_s,
	    .sig_expire_min_s = INT64_MAX, .sig_expire_max_s = INT64_MIN};
}

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
raise_ttl(struct mus_xfrsum *s, uint32_t ttl_s)
{
	/* RFC 2181 8: the top bit set means zero. */
	if (ttl_s <= INT32_MAX && ttl_s > s->ttl_max_s)
		s->ttl_max_s = ttl_s;
}

static void
sum_soa(struct mus_xfrsum *s, const struct mus_rr *rr)
{
	const uint8_t *tail = rr->rd.data + rr->rd.len - SOA_TAIL_BYTES;
	uint32_t minimum_s = get_u32(tail + 16);

	s->serial = get_u32(tail);
	/* RFC 2308 5: negative answers live for the lesser of the two. */
	raise_ttl(s, minimum_s < rr->ttl_s ? minimum_s : rr->ttl_s);
}

static bool
is_key_set(uint16_t type)
{
	return type == MUS_TYPE_DNSKEY || type == MUS_TYPE_CDS || type == MUS_TYPE_CDNSKEY;
}

static struct mus_xfrsum_key *
sum_key(struct mus_xfrsum *s, const struct mus_rrsig *sig)
{
	struct mus_xfrsum_key *k;

	for (size_t i = 0; i < s->key_count; i++) {
		if (s->key[i].tag == sig->tag && s->key[i].alg == sig->alg)
			return &s->key[i];
	}
	if (s->key_count == MUS_XFRSUM_SIGNERS_MAX) {
		s->key_overflow = true;
		return NULL;
	}
	k = &s->key[s->key_count++];
	*k = (struct mus_xfrsum_key){.tag = sig->tag, .alg = sig->alg};
	return k;
}

static void
sum_rrsig(struct mus_xfrsum *s, const struct mus_rr *rr)
{
	struct mus_xfrsum_key *k;
	struct mus_rrsig sig;
	int64_t expire_s;

	/* Signatures of another zone lie hidden below a delegation. */
	if (!mus_rrsig_read(rr->rd, &sig) || !mus_name_equal(&sig.signer, &s->zone))
		return;
	raise_ttl(s, sig.orig_ttl_s);
	expire_s = mus_rrsig_time(sig.expiration, s->now_s);
	if (expire_s < s->sig_expire_min_s)
		s->sig_expire_min_s = expire_s;
	if (expire_s > s->sig_expire_max_s)
		s->sig_expire_max_s = expire_s;
	if ((k = sum_key(s, &sig)) == NULL)
		return;
	if (is_key_set(sig.covered))
		k->key_rrsigs++;
	else
		k->data_rrsigs++;
}

/* Is the record the same on all signers (V13)? */
static bool
is_content(const struct mus_xfrsum *s, const struct mus_rr *rr)
{
	switch (rr->type) {
	case MUS_TYPE_SOA: case MUS_TYPE_RRSIG: case MUS_TYPE_NSEC: case MUS_TYPE_NSEC3:
	case MUS_TYPE_NSEC3PARAM: case MUS_TYPE_DNSKEY:
		return false;
	case MUS_TYPE_NS: case MUS_TYPE_CDS: case MUS_TYPE_CDNSKEY: case MUS_TYPE_CSYNC:
	case MUS_TYPE_ZONEMD: case TYPE_SIGNING_STATE:
		return !mus_name_equal(&rr->owner, &s->zone);
	default:
		return true;
	}
}

/* A sum does not ask for an order; unlike XOR it sees a record that comes twice. */
static void
sum_content(struct mus_xfrsum *s, const struct mus_rr *rr)
{
	uint8_t md[MUS__MD_BYTES_MAX];
	struct mus__digest d;

	mus__digest_begin(&d, MUS__SHA256);
	mus__digest_add(&d, rr->owner.wire, rr->owner.len);
	mus__digest_add_u16(&d, rr->type);
	mus__digest_add(&d, rr->rd.data, rr->rd.len);
	if (mus__digest_end(&d, md) != MUS__SHA256_BYTES)
		return;
	for (int i = 0; i < 4; i++)
		s->content[i] += (uint64_t)get_u32(md + 8 * i) << 32 | get_u32(md + 8 * i + 4);
}

int
mus_xfrsum_rr(void *xfrsum, const struct mus_rr *rr)
{
	struct mus_xfrsum *s = xfrsum;
	bool is_soa = rr->type == MUS_TYPE_SOA && mus_name_equal(&rr->owner, &s->zone);

	/* The SOA comes twice and is counted once. */
	if (is_soa && s->rr_count > 0)
		return 0;
	s->rr_count++;
	raise_ttl(s, rr->ttl_s);
	if (is_soa && rr->rd.len >= SOA_TAIL_BYTES)
		sum_soa(s, rr);
	if (rr->type == MUS_TYPE_RRSIG)
		sum_rrsig(s, rr);
	if (is_content(s, rr))
		sum_content(s, rr);
	return 0;
}
