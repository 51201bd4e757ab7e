#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "dns/xfr.h"
#include "rig.h"

#define SOA "ns1.z. host.z. 7 1 2 3 300"

static struct mus_time now = {1800000000000};
enum { ID = 0x4242 };

struct rec {
	const char *owner, *type;
	uint32_t ttl_s;
	const char *text;
};

static const struct rec zone_recs[] = {
	{"z.", "SOA", 3600, SOA},
	{"z.", "NS", 3600, "ns1.z."},
	{"z.", "DNSKEY", 7200, "257 3 13 AAAA"},
	{"z.", "RRSIG", 7200, "DNSKEY 13 1 7200 20370101000000 20240101000000 1 z. AAAA"},
	{"z.", "RRSIG", 3600, "SOA 13 1 9000 20360101000000 20240101000000 2 z. AAAA"},
	{"ns1.z.", "A", 60, "192.0.2.1"},
	{"ns1.z.", "RRSIG", 60, "A 13 2 60 20350101000000 20240101000000 2 z. AAAA"},
	{"*.z.", "MX", 60, "10 mail.other."},
	{"d.z.", "NS", 60, "ns.d.z."},
	{"ns.d.z.", "A", 60, "192.0.2.9"},
	{"z.", "SOA", 3600, SOA},
};

static void
put(struct mus_buf *b, const struct rec *r)
{
	struct mus_name owner = name(r->owner);
	uint16_t type = mus_type_parse(r->type);
	struct mus_rdata rd = {0};
	struct mus_errtext et = {0};

	if (mus_rdata_parse(type, r->text, &arena, &rd, &et) != 0)
		fail_msg("%s", et.s);
	mus_buf_add(b, owner.wire, owner.len);
	mus_buf_add_u16(b, type);
	mus_buf_add_u16(b, 1);
	mus_buf_add_u32(b, r->ttl_s);
	mus_buf_add_u16(b, rd.len);
	mus_buf_add(b, rd.data, rd.len);
}

struct head {
	uint16_t id, flags;
	bool no_question;
	const char *qname;
	uint16_t qtype;
};
static const struct head plain = {ID, 0x8400, false, "z.", MUS_TYPE_AXFR};

static void
message(struct mus_buf *b, const struct head *h, const struct rec *r, size_t count)
{
	struct mus_name q = name(h->qname);

	mus_buf_reset(b);
	mus_buf_add_u16(b, h->id);
	mus_buf_add_u16(b, h->flags);
	mus_buf_add_u16(b, !h->no_question);
	mus_buf_add_u16(b, (uint16_t)count);
	mus_buf_add_u32(b, 0);
	if (!h->no_question) {
		mus_buf_add(b, q.wire, q.len);
		mus_buf_add_u16(b, h->qtype);
		mus_buf_add_u16(b, 1);
	}
	for (size_t i = 0; i < count; i++)
		put(b, &r[i]);
	assert_false(b->failed);
}

struct seen {
	size_t count;
	int stop_at, stop_with;
	uint64_t digest;
};

static int
see(void *arg, const struct mus_rr *rr)
{
	struct seen *s = arg;

	s->digest = s->digest * 31 + mus_digest64(rr->owner.wire, rr->owner.len) +
	    mus_digest64(rr->rd.data, rr->rd.len) + rr->type + rr->ttl_s;
	s->count++;
	return (int)s->count == s->stop_at ? s->stop_with : 0;
}

static struct mus_xfr *
xfr(struct seen *s, struct mus_tsig_ctx *tsig)
{
	struct mus_name zone = name("z.");
	struct mus_xfr *x = mus_xfr_new(&zone, ID, tsig, see, s);

	assert_non_null(x);
	memset(s, 0, sizeof *s);
	return x;
}

/* The same records come out however the stream is cut. */
static void
split_anywhere(void **state)
{
	size_t n = COUNT(zone_recs);
	uint64_t digest = 0;
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	for (size_t step = 1; step <= n; step++) {
		struct seen s;
		struct mus_xfr *x = xfr(&s, NULL);
		struct head h = plain;

		for (size_t at = 0; at < n; at += step) {
			size_t take = n - at < step ? n - at : step;

			message(&b, &h, zone_recs + at, take);
			assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL),
			    at + take == n ? MUS_XFR_DONE : MUS_XFR_MORE);
			h.no_question = true;
		}
		assert_int_equal(s.count, n);
		assert_true(digest == 0 || digest == s.digest);
		digest = s.digest;
		/* nothing may follow */
		assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_ERR_MALFORM);
		assert_int_equal(s.count, n);
		mus_xfr_free(x);
	}
	mus_buf_clear(&b);
	mus_xfr_free(NULL);
}

/* One row per way to go wrong, at the first message and at the second. */
static void
refuses(void **state)
{
	static const struct rec other_soa[] = {{"z.", "SOA", 3600, "ns1.z. host.z. 8 1 2 3 300"}},
	    same_soa[] = {{"z.", "SOA", 3600, SOA}, {"ns1.z.", "A", 60, "192.0.2.1"}},
	    foreign_soa[] = {{"y.", "SOA", 3600, SOA}}, opt[] = {{"z.", "TYPE41", 0, "\\# 0"}},
	    any[] = {{"z.", "TYPE255", 0, "\\# 0"}}, data[] = {{"ns1.z.", "A", 60, "192.0.2.1"}},
	    soa_below[] = {{"a.z.", "SOA", 3600, SOA}};
	static const struct {
		const char *what;
		bool second;		/* after a good first message */
		struct head h;
		const struct rec *r;
		size_t count;
		int want;
	} rows[] = {
		{"id", false, {1, 0x8400, false, "z.", 252}, zone_recs, 2, MUS_ERR_MALFORM},
		{"id later", true, {1, 0x8400, true, "z.", 252}, data, 1, MUS_ERR_MALFORM},
		{"question", false, {ID, 0x0400, false, "z.", 252}, zone_recs, 2, MUS_ERR_MALFORM},
		{"opcode", false, {ID, 0xa400, false, "z.", 252}, zone_recs, 2, MUS_ERR_MALFORM},
		{"truncated", false, {ID, 0x8600, false, "z.", 252}, zone_recs, 2, MUS_ERR_MALFORM},
		{"refused", false, {ID, 0x8005, false, "z.", 252}, NULL, 0, MUS_ERR_REFUSED},
		{"servfail later", true, {ID, 0x8402, true, "z.", 252}, data, 1, MUS_ERR_REFUSED},
		{"other zone asked", false, {ID, 0x8400, false, "y.", 252}, zone_recs, 2, MUS_ERR_MALFORM},
		{"other type asked", false, {ID, 0x8400, false, "z.", 6}, zone_recs, 2, MUS_ERR_MALFORM},
		{"other question later", true, {ID, 0x8400, false, "y.", 252}, data, 1, MUS_ERR_MALFORM},
		{"no records", false, {ID, 0x8400, false, "z.", 252}, NULL, 0, MUS_ERR_MALFORM},
		{"no records later", true, {ID, 0x8400, true, "z.", 252}, NULL, 0, MUS_ERR_MALFORM},
		{"no SOA", false, {ID, 0x8400, false, "z.", 252}, zone_recs + 1, 2, MUS_ERR_MALFORM},
		{"foreign SOA", false, {ID, 0x8400, false, "z.", 252}, foreign_soa, 1, MUS_ERR_MALFORM},
		{"SOA below", false, {ID, 0x8400, false, "z.", 252}, soa_below, 1, MUS_ERR_MALFORM},
		{"other SOA", true, {ID, 0x8400, true, "z.", 252}, other_soa, 1, MUS_ERR_MALFORM},
		{"more behind", true, {ID, 0x8400, true, "z.", 252}, same_soa, 2, MUS_ERR_MALFORM},
		{"OPT", true, {ID, 0x8400, true, "z.", 252}, opt, 1, MUS_ERR_MALFORM},
		{"ANY", true, {ID, 0x8400, true, "z.", 252}, any, 1, MUS_ERR_MALFORM},
	};
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct seen s;
		struct mus_xfr *x = xfr(&s, NULL);
		struct mus_errtext et = {0};
		int rc;

		if (rows[i].second) {
			message(&b, &plain, zone_recs, 3);
			assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_XFR_MORE);
		}
		message(&b, &rows[i].h, rows[i].r, rows[i].count);
		if ((rc = mus_xfr_feed(x, b.data, b.len, now, &et)) != rows[i].want)
			fail_msg("%s: %d", rows[i].what, rc);
		assert_non_null(strstr(et.s, "zone transfer: "));
		/* it stays ended */
		message(&b, &plain, zone_recs, 1);
		assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), rows[i].want);
		mus_xfr_free(x);
	}
	mus_buf_clear(&b);
}

/* A message cut at each byte: an error, and never a read behind the end (ASan looks). */
static void
cut_anywhere(void **state)
{
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	message(&b, &plain, zone_recs, COUNT(zone_recs));
	for (size_t len = 0; len < b.len; len++) {
		struct seen s;
		struct mus_xfr *x = xfr(&s, NULL);
		uint8_t *tight = mus_arena_copy(&arena, b.data, len);

		assert_int_equal(mus_xfr_feed(x, tight, len, now, NULL), MUS_ERR_MALFORM);
		mus_xfr_free(x);
	}
	mus_buf_clear(&b);
}

static void
callers_stop(void **state)
{
	struct seen s;
	struct mus_xfr *x = xfr(&s, NULL);
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	s.stop_at = 3;
	s.stop_with = MUS_ERR_TOOBIG;
	message(&b, &plain, zone_recs, COUNT(zone_recs));
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_ERR_TOOBIG);
	assert_int_equal(s.count, 3);
	mus_xfr_free(x);
	mus_buf_clear(&b);
}

/* What some servers send beside the zone is not handed out. */
static void
out_of_zone(void **state)
{
	static const struct rec recs[] = {
		{"z.", "SOA", 3600, SOA}, {"ns.y.", "A", 60, "192.0.2.1"}, {"z.", "SOA", 3600, SOA},
	};
	struct seen s;
	struct mus_xfr *x = xfr(&s, NULL);
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	message(&b, &plain, recs, COUNT(recs));
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_XFR_DONE);
	assert_int_equal(s.count, 2);
	mus_xfr_free(x);
	mus_buf_clear(&b);
}

/* ---- with TSIG ---- */

struct pair {
	struct mus_tsig_key *key;
	struct mus_tsig_ctx client, server;
};

/* A signed question went over, the server took it. */
static void
pair_init(struct pair *p)
{
	struct mus_query q = {.name = name("z."), .type = MUS_TYPE_AXFR};
	uint8_t wire[512];
	int len;

	assert_int_equal(mus_tsig_key_new("k.", "hmac-sha256", "c2VjcmV0IHNlY3JldA==", &p->key, NULL),
	    0);
	mus_tsig_ctx_init(&p->client, p->key);
	mus_tsig_ctx_init(&p->server, p->key);
	len = mus_query_build(&q, ID, wire, sizeof wire);
	len = mus_tsig_sign(&p->client, wire, (size_t)len, sizeof wire, now);
	assert_true(len > 0);
	assert_int_equal(mus_tsig_check_request(&p->server, wire, (size_t)len, now), MUS_TSIG_OK);
}

static void
pair_clear(struct pair *p)
{
	mus_tsig_ctx_clear(&p->client);
	mus_tsig_ctx_clear(&p->server);
	mus_tsig_key_free(p->key);
}

static void
sign(struct pair *p, struct mus_buf *b)
{
	uint8_t wire[4096];
	int len;

	memcpy(wire, b->data, b->len);
	len = mus_tsig_sign(&p->server, wire, b->len, sizeof wire, now);
	assert_true(len > 0);
	mus_buf_reset(b);
	assert_true(mus_buf_add(b, wire, (size_t)len));
}

static void
tsig_every_message(void **state)
{
	struct pair p;
	struct seen s;
	struct mus_xfr *x;
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	pair_init(&p);
	x = xfr(&s, &p.client);
	for (size_t i = 0; i < COUNT(zone_recs); i++) {
		message(&b, &plain, zone_recs + i, 1);
		sign(&p, &b);
		assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL),
		    i + 1 == COUNT(zone_recs) ? MUS_XFR_DONE : MUS_XFR_MORE);
		assert_int_equal(s.count, i + 1);
	}
	mus_xfr_free(x);
	pair_clear(&p);
	mus_buf_clear(&b);
}

/* Unsigned messages are held until a signature covers them; the closing SOA too. */
static void
tsig_gap(void **state)
{
	struct pair p;
	struct seen s;
	struct mus_xfr *x;
	struct mus_buf b;

	(void)state;
	mus_buf_init(&b, 0);
	pair_init(&p);
	x = xfr(&s, &p.client);
	message(&b, &plain, zone_recs, 2);
	sign(&p, &b);
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_XFR_MORE);
	assert_int_equal(s.count, 2);
	message(&b, &plain, zone_recs + 2, 3);
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_XFR_MORE);
	message(&b, &plain, zone_recs + 5, COUNT(zone_recs) - 5);
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_XFR_MORE);
	assert_int_equal(s.count, 2);		/* not one more, and not done */
	mus_xfr_free(x);
	pair_clear(&p);
	mus_buf_clear(&b);
}

/* Signs as the next message of the stream, over what was sent unsigned before it: our signer leaves
 * no gaps, so libknot does it, which reads the clock itself. */
static void
sign_over(struct pair *p, struct mus_buf *pending, struct mus_buf *b)
{
	uint8_t wire[4096];
	size_t len = b->len, mac_len = sizeof p->server.mac;
	knot_tsig_key_t kk;

	mus_buf_add(pending, b->data, b->len);
	memcpy(wire, b->data, b->len);
	assert_int_equal(knot_tsig_key_init(&kk, "hmac-sha256", "k.", "c2VjcmV0IHNlY3JldA=="), KNOT_EOK);
	assert_int_equal(knot_tsig_sign_next(wire, &len, sizeof wire, p->server.mac, p->server.mac_len,
	    p->server.mac, &mac_len, &kk, pending->data, pending->len), KNOT_EOK);
	knot_tsig_key_deinit(&kk);
	mus_buf_reset(pending);
	mus_buf_reset(b);
	assert_true(mus_buf_add(b, wire, len));
}

/* The signature after a gap lets all of it through, in order; a message changed in the gap none. */
static void
tsig_gap_covered(void **state)
{
	struct mus_time before = now;

	(void)state;
	now = mus_time_from_s(time(NULL));
	for (int spoilt = 0; spoilt < 2; spoilt++) {
		struct mus_buf b, pending;
		struct pair p;
		struct seen s, whole;
		struct mus_xfr *x, *y;

		mus_buf_init(&b, 0);
		mus_buf_init(&pending, 0);
		y = xfr(&whole, NULL);
		message(&b, &plain, zone_recs, COUNT(zone_recs));
		assert_int_equal(mus_xfr_feed(y, b.data, b.len, now, NULL), MUS_XFR_DONE);
		mus_xfr_free(y);

		pair_init(&p);
		x = xfr(&s, &p.client);
		message(&b, &plain, zone_recs, 2);
		sign(&p, &b);
		assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_XFR_MORE);
		for (size_t at = 2; at < 8; at += 3) {
			message(&b, &plain, zone_recs + at, 3);
			mus_buf_add(&pending, b.data, b.len);
			b.data[b.len - 1] ^= (uint8_t)(spoilt && at == 5);
			assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL), MUS_XFR_MORE);
			assert_int_equal(s.count, 2);
		}
		message(&b, &plain, zone_recs + 8, COUNT(zone_recs) - 8);
		sign_over(&p, &pending, &b);
		assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, NULL),
		    spoilt ? (int)MUS_ERR_BADSIG : (int)MUS_XFR_DONE);
		assert_int_equal(s.count, spoilt ? 2 : COUNT(zone_recs));
		assert_true(spoilt || s.digest == whole.digest);
		mus_xfr_free(x);
		pair_clear(&p);
		mus_buf_clear(&b);
		mus_buf_clear(&pending);
	}
	now = before;
}

static void
tsig_refuses(void **state)
{
	struct pair p;
	struct seen s;
	struct mus_xfr *x;
	struct mus_buf b;
	struct mus_errtext et = {0};
	struct head refused = plain;

	(void)state;
	mus_buf_init(&b, 0);
	pair_init(&p);
	/* first message unsigned */
	x = xfr(&s, &p.client);
	message(&b, &plain, zone_recs, COUNT(zone_recs));
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, &et), MUS_ERR_BADSIG);
	assert_non_null(strstr(et.s, "not signed"));
	assert_int_equal(s.count, 0);
	mus_xfr_free(x);
	/* a refusal without signature is a refusal */
	x = xfr(&s, &p.client);
	refused.flags = 0x8005;
	message(&b, &refused, NULL, 0);
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, &et), MUS_ERR_REFUSED);
	assert_non_null(strstr(et.s, "REFUSED"));
	assert_null(strstr(et.s, "key"));
	mus_xfr_free(x);
	/* NOTAUTH without signature is about the key, too */
	x = xfr(&s, &p.client);
	refused.flags = 0x8009;
	message(&b, &refused, NULL, 0);
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, &et), MUS_ERR_REFUSED);
	assert_non_null(strstr(et.s, "NOTAUTH: answer is not signed: it does not know the key"));
	mus_xfr_free(x);
	/* tampered record */
	x = xfr(&s, &p.client);
	message(&b, &plain, zone_recs, 2);
	sign(&p, &b);
	b.data[40] ^= 1;
	assert_int_equal(mus_xfr_feed(x, b.data, b.len, now, &et), MUS_ERR_BADSIG);
	assert_int_equal(s.count, 0);
	mus_xfr_free(x);
	pair_clear(&p);
	mus_buf_clear(&b);
}

/* ---- the sum ---- */

static void
sum_of(struct mus_xfrsum *s, const struct rec *r, size_t count)
{
	struct mus_name zone = name("z.");

	mus_xfrsum_init(s, &zone, 1800000000);
	for (size_t i = 0; i < count; i++) {
		struct mus_rr rr = {.owner = name(r[i].owner), .type = mus_type_parse(r[i].type),
		    .rclass = 1, .ttl_s = r[i].ttl_s};

		assert_int_equal(mus_rdata_parse(rr.type, r[i].text, &arena, &rr.rd, NULL), 0);
		assert_int_equal(mus_xfrsum_rr(s, &rr), 0);
	}
}

static void
sum(void **state)
{
	struct mus_xfrsum s;

	(void)state;
	sum_of(&s, zone_recs, COUNT(zone_recs));
	assert_int_equal(s.serial, 7);
	assert_int_equal(s.rr_count, COUNT(zone_recs) - 1);
	assert_int_equal(s.ttl_max_s, 9000);		/* the original TTL of an RRSIG */
	assert_int_equal(s.key_count, 2);
	assert_int_equal(s.key[0].tag, 1);
	assert_int_equal(s.key[0].alg, 13);
	assert_int_equal(s.key[0].key_rrsigs, 1);
	assert_int_equal(s.key[0].data_rrsigs, 0);
	assert_int_equal(s.key[1].key_rrsigs, 0);
	assert_int_equal(s.key[1].data_rrsigs, 2);
	assert_int_equal(s.sig_expire_min_s, 2051222400);	/* 2035 */
	assert_int_equal(s.sig_expire_max_s, 2114380800);	/* 2037 */
	assert_false(s.key_overflow);
}

/* V13: what differs between signers by design does not count, everything else does. */
static void
sum_content(void **state)
{
	static const struct rec base[] = {
		{"z.", "SOA", 3600, SOA}, {"a.z.", "A", 60, "192.0.2.1"}, {"b.z.", "TXT", 60, "x"},
		{"d.z.", "NS", 60, "ns.d.z."}, {"d.z.", "DS", 60, "1 13 2 00"},
	};
	static const struct {
		struct rec r;
		bool counts;
	} extra[] = {
		{{"z.", "NS", 60, "ns1.z."}, false}, {{"z.", "DNSKEY", 60, "257 3 13 AAAA"}, false},
		{{"z.", "CDS", 60, "0 0 0 00"}, false}, {{"z.", "CDNSKEY", 60, "0 3 0 AA=="}, false},
		{{"z.", "CSYNC", 60, "66 3 A"}, false},
		{{"z.", "ZONEMD", 60, "7 1 1 00000000000000000000000000000000000000000000000000000000000000"
		    "0000000000000000000000000000000000"}, false},
		{{"z.", "TYPE65534", 0, "\\# 1 00"}, false}, {{"z.", "NSEC3PARAM", 0, "1 0 0 -"}, false},
		{{"a.z.", "NSEC", 60, "b.z. A"}, false},
		{{"a.z.", "RRSIG", 60, "A 13 2 60 20350101000000 20240101000000 2 z. AAAA"}, false},
		{{"c.z.", "NS", 60, "ns1.z."}, true}, {{"d.z.", "DS", 60, "2 13 2 00"}, true},
		{{"z.", "A", 60, "192.0.2.1"}, true}, {{"z.", "MX", 60, "1 a."}, true},
		{{"c.z.", "CDS", 60, "0 0 0 00"}, true}, {{"c.z.", "TYPE65534", 0, "\\# 1 00"}, true},
		{{"a.z.", "A", 60, "192.0.2.1"}, true},	/* the same record once more */
	};
	struct mus_xfrsum s, t;
	struct rec r[COUNT(base) + 1];

	(void)state;
	sum_of(&s, base, COUNT(base));
	for (size_t i = 0; i < COUNT(extra); i++) {
		memcpy(r, base, sizeof base);
		r[COUNT(base)] = extra[i].r;
		sum_of(&t, r, COUNT(r));
		if ((memcmp(s.content, t.content, sizeof s.content) != 0) != extra[i].counts)
			fail_msg("%s %s", extra[i].r.owner, extra[i].r.type);
	}
	/* one record: the first eight bytes of SHA-256 over owner, type and rdata */
	sum_of(&t, base + 1, 1);
	assert_true(t.content[0] == mus_digest64("\1a\1z\0\0\1\300\0\2\1", 11));
	/* order and TTL do not matter */
	for (size_t i = 0; i < COUNT(base); i++) {
		r[i] = base[COUNT(base) - 1 - i];
		r[i].ttl_s = 17;
	}
	sum_of(&t, r, COUNT(base));
	assert_memory_equal(s.content, t.content, sizeof s.content);
}

static void
sum_many_keys(void **state)
{
	struct mus_name zone = name("z.");
	struct mus_xfrsum s;
	struct mus_rr rr = {.owner = zone, .type = MUS_TYPE_RRSIG, .rclass = 1};

	(void)state;
	mus_xfrsum_init(&s, &zone, 1800000000);
	for (unsigned tag = 0; tag < 70; tag++) {
		char text[100];

		(void)snprintf(text, sizeof text,
		    "A 13 1 60 20350101000000 20240101000000 %u z. AAAA", tag);
		assert_int_equal(mus_rdata_parse(MUS_TYPE_RRSIG, text, &arena, &rr.rd, NULL), 0);
		assert_int_equal(mus_xfrsum_rr(&s, &rr), 0);
		assert_int_equal(s.key_overflow, tag >= MUS_XFRSUM_SIGNERS_MAX);
	}
	assert_int_equal(s.key_count, MUS_XFRSUM_SIGNERS_MAX);
	/* another zone's signature, and a TTL with the top bit, do not count */
	mus_xfrsum_init(&s, &zone, 1800000000);
	assert_int_equal(mus_rdata_parse(MUS_TYPE_RRSIG,
	    "A 13 1 60 20350101000000 20240101000000 1 y. AAAA", &arena, &rr.rd, NULL), 0);
	rr.ttl_s = 0x80000001;
	assert_int_equal(mus_xfrsum_rr(&s, &rr), 0);
	assert_int_equal(s.key_count, 0);
	assert_int_equal(s.ttl_max_s, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_anywhere),
		cmocka_unit_test(refuses),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(callers_stop),
		cmocka_unit_test(out_of_zone),
		cmocka_unit_test(tsig_every_message),
		cmocka_unit_test(tsig_gap),
		cmocka_unit_test(tsig_gap_covered),
		cmocka_unit_test(tsig_refuses),
		cmocka_unit_test(sum),
		cmocka_unit_test(sum_content),
		cmocka_unit_test(sum_many_keys),
	};

	return cmocka_run_group_tests(tests, arena_new, arena_done);
}
