#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "dns/tsig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const algs[] = {
	"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512",
};
static struct mus_time now = {1800000000500};

static struct mus_tsig_key *
key(const char *name, const char *alg, const char *secret)
{
	struct mus_tsig_key *k = NULL;
	struct mus_errtext et = {0};

	if (mus_tsig_key_new(name, alg, secret, &k, &et) != 0)
		fail_msg("%s", et.s);
	return k;
}

static size_t
query(uint8_t *out, size_t cap, uint16_t id)
{
	struct mus_query q = {.type = MUS_TYPE_SOA, .dnssec = true};
	int len;

	assert_int_equal(mus_name_parse("example.", &q.name, NULL), 0);
	len = mus_query_build(&q, id, out, cap);
	assert_true(len > 0);
	return (size_t)len;
}

static struct mus_time
later_s(int64_t s)
{
	return mus_time_add_s(now, s);
}

/* Request and one answer, for each algorithm, against ourselves. */
static void
round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(algs); i++) {
		struct mus_tsig_key *k = key("Key.Example", algs[i], "c2VjcmV0IHNlY3JldA==");
		struct mus_tsig_ctx client, server;
		uint8_t req[512], rep[512];
		bool covered = false;
		int req_len, rep_len;

		assert_string_equal(mus_tsig_key_alg(k), algs[i]);
		mus_tsig_ctx_init(&client, k);
		mus_tsig_ctx_init(&server, k);
		req_len = mus_tsig_sign(&client, req, query(req, sizeof req, 7), sizeof req, now);
		assert_true(req_len > 0);
		assert_int_equal(mus_tsig_check_request(&server, req, (size_t)req_len, later_s(300)),
		    MUS_TSIG_OK);
		rep_len = mus_reply_build(req, (size_t)req_len, 0, true, rep, sizeof rep);
		assert_true(rep_len > 0);
		rep_len = mus_tsig_sign(&server, rep, (size_t)rep_len, sizeof rep, now);
		assert_true(rep_len > 0);
		assert_int_equal(mus_tsig_check(&client, rep, (size_t)rep_len, false, now, &covered),
		    MUS_TSIG_OK);
		assert_true(covered);
		mus_tsig_ctx_clear(&client);
		mus_tsig_ctx_clear(&server);
		mus_tsig_key_free(k);
	}
}

/* libknot is the witness: it accepts what we sign, and we accept what it signs. */
static void
against_libknot(void **state)
{
	struct mus_time real = mus_time_from_s(time(NULL));	/* libknot reads the clock itself */

	(void)state;
	for (size_t i = 0; i < COUNT(algs); i++) {
		struct mus_tsig_key *k = key("key.example", algs[i], "c2VjcmV0IHNlY3JldA==");
		struct mus_tsig_ctx client;
		knot_tsig_key_t kk;
		uint8_t req[512], rep[512], mac[64];
		size_t mac_len = sizeof mac, rep_len;
		knot_pkt_t *p;
		bool covered = false;
		int len;

		assert_int_equal(knot_tsig_key_init(&kk, algs[i], "key.example", "c2VjcmV0IHNlY3JldA=="),
		    KNOT_EOK);
		mus_tsig_ctx_init(&client, k);
		len = mus_tsig_sign(&client, req, query(req, sizeof req, 7), sizeof req, real);
		assert_true(len > 0);
		rep_len = (size_t)mus_reply_build(req, (size_t)len, 0, true, rep, sizeof rep);

		p = knot_pkt_new(req, (uint16_t)len, NULL);
		assert_int_equal(knot_pkt_parse(p, 0), KNOT_EOK);
		assert_non_null(p->tsig_rr);
		assert_int_equal(knot_tsig_server_check(p->tsig_rr, p->wire, p->size, &kk), KNOT_EOK);
		assert_int_equal(knot_tsig_sign(rep, &rep_len, sizeof rep,
		    knot_tsig_rdata_mac(p->tsig_rr), knot_tsig_rdata_mac_length(p->tsig_rr), mac, &mac_len,
		    &kk, 0, 0), KNOT_EOK);
		knot_pkt_free(p);

		assert_int_equal(mus_tsig_check(&client, rep, rep_len, false, real, &covered), MUS_TSIG_OK);
		assert_true(covered);
		knot_tsig_key_deinit(&kk);
		mus_tsig_ctx_clear(&client);
		mus_tsig_key_free(k);
	}
}

/* ---- one exchange, taken apart ---- */

struct pair {
	struct mus_tsig_key *key;
	struct mus_tsig_ctx client, server;
	uint8_t req[512];
	size_t req_len;
};

static void
pair_init(struct pair *p, const char *alg)
{
	int len;

	p->key = key("key.example", alg, "c2VjcmV0IHNlY3JldA==");
	mus_tsig_ctx_init(&p->client, p->key);
	mus_tsig_ctx_init(&p->server, p->key);
	len = mus_tsig_sign(&p->client, p->req, query(p->req, sizeof p->req, 7), sizeof p->req, now);
	assert_true(len > 0);
	p->req_len = (size_t)len;
	assert_int_equal(mus_tsig_check_request(&p->server, p->req, p->req_len, now), MUS_TSIG_OK);
}

static void
pair_clear(struct pair *p)
{
	mus_tsig_ctx_clear(&p->client);
	mus_tsig_ctx_clear(&p->server);
	mus_tsig_key_free(p->key);
}

static size_t
reply(struct pair *p, uint16_t rcode, uint8_t *out, size_t cap)
{
	int len = mus_reply_build(p->req, p->req_len, rcode, true, out, cap);

	assert_true(len > 0);
	return (size_t)len;
}

static size_t
signed_reply(struct pair *p, uint8_t *out, size_t cap)
{
	int len = mus_tsig_sign(&p->server, out, reply(p, 0, out, cap), cap, now);

	assert_true(len > 0);
	return (size_t)len;
}

static enum mus_tsig_result
check(struct pair *p, const uint8_t *wire, size_t len, bool stream, bool *covered)
{
	return mus_tsig_check(&p->client, wire, len, stream, now, covered);
}

/* Any bit of the answer turned: refused, except in what the MAC does not cover, the header's id
 * (the original id is covered instead) and the way the letters of names are written. */
static void
tampered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(algs); i++) {
		struct pair p;
		uint8_t rep[512];
		size_t len;
		bool covered;

		pair_init(&p, algs[i]);
		len = signed_reply(&p, rep, sizeof rep);
		for (size_t at = 0; at < len; at++) {
			for (int bit = 0; bit < 8; bit++) {
				enum mus_tsig_result r;
				bool is_case = bit == 5 && at >= 12 + 13 &&
				    ((rep[at] | 32) >= 'a' && (rep[at] | 32) <= 'z');

				rep[at] ^= (uint8_t)(1 << bit);
				r = check(&p, rep, len, false, &covered);
				if (at < 2)
					assert_int_equal(r, MUS_TSIG_OK);
				else if (!is_case && r == MUS_TSIG_OK)
					fail_msg("%s: byte %zu bit %d is not covered", algs[i], at, bit);
				rep[at] ^= (uint8_t)(1 << bit);
				/* a refused answer leaves the context able to take the right one */
				mus_tsig_ctx_clear(&p.client);
				mus_tsig_ctx_init(&p.client, p.key);
				assert_true(mus_tsig_sign(&p.client, p.req, query(p.req, sizeof p.req, 7),
				    sizeof p.req, now) > 0);
			}
		}
		for (size_t cut = 0; cut < len; cut++) {
			assert_int_not_equal(check(&p, rep, cut, false, &covered), MUS_TSIG_OK);
			assert_false(covered);
		}
		assert_int_equal(check(&p, rep, len, false, &covered), MUS_TSIG_OK);
		pair_clear(&p);
	}
}

/* A forged answer that comes first does not spoil the true one. */
static void
forged_first(void **state)
{
	struct pair p, other;
	uint8_t rep[512], forged[512];
	size_t len, forged_len;
	bool covered;

	(void)state;
	pair_init(&p, "hmac-sha256");
	pair_init(&other, "hmac-sha256");
	/* the same key, another question */
	mus_tsig_ctx_clear(&other.client);
	mus_tsig_ctx_init(&other.client, other.key);
	other.req_len = (size_t)mus_tsig_sign(&other.client, other.req,
	    query(other.req, sizeof other.req, 8), sizeof other.req, now);
	assert_int_equal(mus_tsig_check_request(&other.server, other.req, other.req_len, now),
	    MUS_TSIG_OK);
	forged_len = signed_reply(&other, forged, sizeof forged);
	len = signed_reply(&p, rep, sizeof rep);
	assert_int_equal(check(&p, forged, forged_len, false, &covered), MUS_TSIG_BADSIG);
	assert_false(covered);
	assert_int_equal(check(&p, rep, len, false, &covered), MUS_TSIG_OK);
	pair_clear(&p);
	pair_clear(&other);
}

static void
times(void **state)
{
	static const struct {
		int64_t off_s;
		enum mus_tsig_result want;
		const char *why;
	} rows[] = {
		{0, MUS_TSIG_OK, "signature is good"},
		{300, MUS_TSIG_OK, "signature is good"},
		{-300, MUS_TSIG_OK, "signature is good"},
		{301, MUS_TSIG_BADTIME,
		    "time of the signature is too far from our clock: its clock is 301 s behind ours"},
		{-301, MUS_TSIG_BADTIME,
		    "time of the signature is too far from our clock: its clock is 301 s ahead of ours"},
		{1000000, MUS_TSIG_BADTIME,
		    "time of the signature is too far from our clock: its clock is 1000000 s behind ours"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char why[MUS_TSIG_REASON_MAX];
		struct pair p;
		uint8_t rep[512];
		size_t len;
		bool covered;

		pair_init(&p, "hmac-sha256");
		len = signed_reply(&p, rep, sizeof rep);
		assert_int_equal(mus_tsig_check(&p.client, rep, len, false, later_s(rows[i].off_s),
		    &covered), rows[i].want);
		assert_int_equal(covered, rows[i].want == MUS_TSIG_OK);
		assert_string_equal(
		    mus_tsig_reason(rows[i].want, p.client.ahead_s, MUS_RCODE_NOERROR, why), rows[i].why);
		assert_int_equal(mus_tsig_check_request(&p.server, p.req, p.req_len,
		    later_s(rows[i].off_s)), rows[i].want);
		pair_clear(&p);
	}
}

/* ---- a TSIG record written by hand ---- */

struct by_hand {
	const char *key, *alg;
	uint16_t mac_len, error, other_len;
};

static size_t
append(uint8_t *wire, size_t len, const struct by_hand *h)
{
	struct mus_name k, a;
	struct mus_buf b;

	assert_int_equal(mus_name_parse(h->key, &k, NULL), 0);
	assert_int_equal(mus_name_parse(h->alg, &a, NULL), 0);
	mus_buf_init(&b, 0);
	mus_buf_add(&b, k.wire, k.len);
	mus_buf_add_u16(&b, MUS_TYPE_TSIG);
	mus_buf_add_u16(&b, MUS_CLASS_ANY);
	mus_buf_add_u32(&b, 0);
	mus_buf_add_u16(&b, (uint16_t)(a.len + 16 + h->mac_len + h->other_len));
	mus_buf_add(&b, a.wire, a.len);
	mus_buf_add_u16(&b, 0);
	mus_buf_add_u32(&b, 1800000000);
	mus_buf_add_u16(&b, 300);
	mus_buf_add_u16(&b, h->mac_len);
	for (uint16_t i = 0; i < h->mac_len; i++)
		mus_buf_add_u8(&b, 0x55);
	mus_buf_add_u16(&b, 7);
	mus_buf_add_u16(&b, h->error);
	mus_buf_add_u16(&b, h->other_len);
	for (uint16_t i = 0; i < h->other_len; i++)
		mus_buf_add_u8(&b, 0);
	assert_false(b.failed);
	memcpy(wire + len, b.data, b.len);
	len += b.len;
	mus_buf_clear(&b);
	wire[11]++;
	return len;
}

/* Answers with an error in the TSIG and no MAC (RFC 8945 5.3.2), and forms that are wrong. */
static void
error_answers(void **state)
{
	static const struct {
		struct by_hand h;
		enum mus_tsig_result want;
	} rows[] = {
		{{"key.example", "hmac-sha256", 0, 17, 0}, MUS_TSIG_PEER_BADKEY},
		{{"key.example", "hmac-sha256", 0, 16, 0}, MUS_TSIG_PEER_BADSIG},
		{{"key.example", "hmac-sha256", 0, 18, 6}, MUS_TSIG_PEER_BADTIME},
		{{"key.example", "hmac-sha256", 0, 22, 0}, MUS_TSIG_BADTRUNC},
		{{"key.example", "hmac-sha256", 0, 99, 0}, MUS_TSIG_BADSIG},
		/* an algorithm that the server does not know comes back as it was or as another */
		{{"other", "hmac-md5.sig-alg.reg.int", 0, 17, 0}, MUS_TSIG_PEER_BADKEY},
		/* no error and no MAC is nothing at all */
		{{"key.example", "hmac-sha256", 0, 0, 0}, MUS_TSIG_BADTRUNC},
		{{"key.example", "hmac-sha256", 9, 0, 0}, MUS_TSIG_BADTRUNC},
		{{"key.example", "hmac-sha256", 15, 0, 0}, MUS_TSIG_BADTRUNC},
		{{"key.example", "hmac-sha256", 16, 0, 0}, MUS_TSIG_BADSIG},
		{{"key.example", "hmac-sha256", 32, 0, 0}, MUS_TSIG_BADSIG},
		{{"key.example", "hmac-sha256", 33, 0, 0}, MUS_TSIG_BADSIG},
		{{"key.example", "hmac-sha256", 64, 0, 0}, MUS_TSIG_BADSIG},
		{{"key.example", "hmac-sha256", 200, 0, 0}, MUS_TSIG_BADSIG},
		{{"key.example", "hmac-sha512", 64, 0, 0}, MUS_TSIG_BADSIG},
		{{"key.other", "hmac-sha256", 32, 0, 0}, MUS_TSIG_BADSIG},
		/* an error with a MAC that does not verify is not believed */
		{{"key.example", "hmac-sha256", 32, 17, 0}, MUS_TSIG_BADSIG},
		{{"key.example", "hmac-sha256", 32, 18, 6}, MUS_TSIG_BADSIG},
	};
	struct pair p;

	(void)state;
	pair_init(&p, "hmac-sha256");
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t rep[1024];
		bool covered;
		size_t len = append(rep, reply(&p, MUS_RCODE_NOTAUTH, rep, sizeof rep), &rows[i].h);
		enum mus_tsig_result r = check(&p, rep, len, false, &covered);

		if (r != rows[i].want)
			fail_msg("row %zu: %s", i, mus_tsig_result_text(r));
		assert_false(covered);
		assert_true(strlen(mus_tsig_result_text(r)) > 10);
	}
	/* as a request, it is answered with what is wrong with it */
	{
		uint8_t req[512];
		size_t len = append(req, query(req, sizeof req, 7), &rows[11].h);

		assert_int_equal(mus_tsig_check_request(&p.server, req, query(req, sizeof req, 7), now),
		    MUS_TSIG_UNSIGNED);
		len = append(req, query(req, sizeof req, 7), &rows[10].h);
		assert_int_equal(mus_tsig_check_request(&p.server, req, len, now), MUS_TSIG_BADSIG);
		len = append(req, query(req, sizeof req, 7), &rows[15].h);
		assert_int_equal(mus_tsig_check_request(&p.server, req, len, now), MUS_TSIG_PEER_BADKEY);
		len = append(req, query(req, sizeof req, 7), &rows[14].h);
		assert_int_equal(mus_tsig_check_request(&p.server, req, len, now), MUS_TSIG_PEER_BADKEY);
		assert_int_equal(mus_tsig_check_request(&p.server, req, 5, now), MUS_TSIG_BADSIG);
	}
	pair_clear(&p);
}

/* Two TSIGs, or one that is not the last record. */
static void
misplaced(void **state)
{
	static const struct by_hand h = {"key.example", "hmac-sha256", 32, 0, 0};
	struct pair p;
	uint8_t rep[1024], extra[] = {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
	size_t len;
	bool covered;

	(void)state;
	pair_init(&p, "hmac-sha256");
	len = append(rep, signed_reply(&p, rep, sizeof rep), &h);
	assert_int_equal(check(&p, rep, len, false, &covered), MUS_TSIG_BADSIG);
	mus_tsig_check_request(&p.server, p.req, p.req_len, now);
	len = signed_reply(&p, rep, sizeof rep);
	memcpy(rep + len, extra, sizeof extra);
	rep[11]++;
	assert_int_equal(check(&p, rep, len + sizeof extra, false, &covered), MUS_TSIG_BADSIG);
	rep[11]--;
	assert_int_equal(check(&p, rep, len + 1, false, &covered), MUS_TSIG_BADSIG);
	assert_int_equal(check(&p, rep, len, false, &covered), MUS_TSIG_OK);
	pair_clear(&p);
}

static void
room(void **state)
{
	struct pair p;
	uint8_t wire[512];
	size_t len;

	(void)state;
	pair_init(&p, "hmac-sha256");
	len = query(wire, sizeof wire, 7);
	for (size_t cap = 0; cap < p.req_len; cap++)
		assert_int_equal(mus_tsig_sign(&p.client, wire, len, cap, now), MUS_ERR_TOOBIG);
	assert_int_equal(mus_tsig_sign(&p.client, wire, len, p.req_len, now), p.req_len);
	assert_int_equal(mus_tsig_sign(&p.client, wire, 11, sizeof wire, now), MUS_ERR_INVAL);
	pair_clear(&p);
}

/* ---- streams ---- */

/*
 * Which messages of a stream are signed ('s') or not ('u'), and what each gives: '+' covered,
 * '.' good so far, '!' refused.
 */
static void
streams(void **state)
{
	static const struct {
		const char *sent, *want;
	} rows[] = {
		{"s", "+"}, {"sss", "+++"}, {"sus", "+.+"}, {"suuuus", "+....+"}, {"susus", "+.+.+"},
		{"u", "!"}, {"us", "!+"}, {"suu", "+.."},
	};
	struct mus_time before = now;

	(void)state;
	now = mus_time_from_s(time(NULL));	/* libknot reads the clock itself */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_buf pending;
		struct pair p;

		mus_buf_init(&pending, 0);
		pair_init(&p, "hmac-sha384");
		for (size_t m = 0; rows[i].sent[m] != '\0'; m++) {
			enum mus_tsig_result r;
			uint8_t rep[512];
			size_t len = reply(&p, 0, rep, sizeof rep);
			bool covered;

			rep[3] = (uint8_t)(rep[3] | 0x20 * (m & 1));	/* messages that differ */
			if (rows[i].sent[m] == 's' && pending.len == 0)
				len = (size_t)mus_tsig_sign(&p.server, rep, len, sizeof rep, now);
			else if (rows[i].sent[m] == 's' && rows[i].sent[0] == 's') {
				/* our signer signs each message: libknot's signs over a gap */
				knot_tsig_key_t kk;
				size_t mac_len = sizeof p.server.mac;

				assert_int_equal(knot_tsig_key_init(&kk, "hmac-sha384", "key.example",
				    "c2VjcmV0IHNlY3JldA=="), KNOT_EOK);
				mus_buf_add(&pending, rep, len);
				assert_int_equal(knot_tsig_sign_next(rep, &len, sizeof rep, p.server.mac,
				    p.server.mac_len, p.server.mac, &mac_len, &kk, pending.data, pending.len),
				    KNOT_EOK);
				knot_tsig_key_deinit(&kk);
				mus_buf_reset(&pending);
			} else if (rows[i].sent[m] == 's')
				len = (size_t)mus_tsig_sign(&p.server, rep, len, sizeof rep, now);
			else
				mus_buf_add(&pending, rep, len);
			r = check(&p, rep, len, true, &covered);
			if (rows[i].want[m] == '!')
				assert_int_equal(r, MUS_TSIG_UNSIGNED);
			else if (r != MUS_TSIG_OK)
				fail_msg("%s, message %zu: %s", rows[i].sent, m, mus_tsig_result_text(r));
			assert_int_equal(covered, rows[i].want[m] == '+');
			/* not a stream: never without */
			if (rows[i].sent[m] == 'u')
				assert_int_equal(mus_tsig_check(&p.client, rep, len, false, now, &covered),
				    MUS_TSIG_UNSIGNED);
		}
		pair_clear(&p);
		mus_buf_clear(&pending);
	}
	now = before;
}

/* 99 unsigned messages between two signed ones are taken, the hundredth is not. */
static void
gap_of_99(void **state)
{
	struct pair p;
	uint8_t rep[512];
	size_t len;
	bool covered;

	(void)state;
	pair_init(&p, "hmac-sha256");
	len = signed_reply(&p, rep, sizeof rep);
	assert_int_equal(check(&p, rep, len, true, &covered), MUS_TSIG_OK);
	len = reply(&p, 0, rep, sizeof rep);
	for (int i = 0; i < 99; i++) {
		assert_int_equal(check(&p, rep, len, true, &covered), MUS_TSIG_OK);
		assert_false(covered);
	}
	assert_int_equal(check(&p, rep, len, true, &covered), MUS_TSIG_UNSIGNED);
	pair_clear(&p);
}

/* Messages that change place, vanish or come twice are noticed; so is time that goes back. */
static void
stream_order(void **state)
{
	struct pair p;
	uint8_t m[3][512];
	size_t len[3];
	bool covered;

	(void)state;
	for (int fault = 0; fault < 5; fault++) {
		pair_init(&p, "hmac-sha256");
		for (int i = 0; i < 3; i++) {
			struct mus_time at = fault == 4 && i == 1 ? later_s(-5) : now;
			int n;

			len[i] = reply(&p, 0, m[i], sizeof m[i]);
			n = mus_tsig_sign(&p.server, m[i], len[i], sizeof m[i], at);
			assert_true(n > 0);
			len[i] = (size_t)n;
		}
		if (fault == 0)			/* the first is missing */
			assert_int_equal(check(&p, m[1], len[1], true, &covered), MUS_TSIG_BADSIG);
		assert_int_equal(check(&p, m[0], len[0], true, &covered), MUS_TSIG_OK);
		if (fault == 1)			/* one left out */
			assert_int_equal(check(&p, m[2], len[2], true, &covered), MUS_TSIG_BADSIG);
		if (fault == 2)			/* one twice */
			assert_int_equal(check(&p, m[0], len[0], true, &covered), MUS_TSIG_BADSIG);
		if (fault == 3) {		/* an unsigned one slipped in */
			uint8_t x[512];

			assert_int_equal(check(&p, x, reply(&p, 0, x, sizeof x), true, &covered),
			    MUS_TSIG_OK);
			assert_int_equal(check(&p, m[1], len[1], true, &covered), MUS_TSIG_BADSIG);
		}
		if (fault == 4)
			assert_int_equal(check(&p, m[1], len[1], true, &covered), MUS_TSIG_BADTIME);
		pair_clear(&p);
	}
}

/* ---- keys ---- */

static void
bad_keys(void **state)
{
	static const struct {
		const char *name, *alg, *secret, *words;
	} rows[] = {
		{"", "hmac-sha256", "AAAA", "key name: domain name"},
		{"a..b", "hmac-sha256", "AAAA", "key name: domain name"},
		{"k", "hmac-md5", "AAAA", "algorithm \"hmac-md5\""},
		{"k", "hmac-md5.sig-alg.reg.int", "AAAA", "algorithm"},
		{"k", "", "AAAA", "algorithm"}, {"k", "sha256", "AAAA", "algorithm"},
		{"k", "hmac-sha256", "", "empty"}, {"k", "hmac-sha256", "*HUSH*", "not base64"},
		{"k", "hmac-sha256", "AAA", "not base64"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_tsig_key *k = NULL;
		struct mus_errtext et = {0};

		assert_int_equal(mus_tsig_key_new(rows[i].name, rows[i].alg, rows[i].secret, &k, &et),
		    MUS_ERR_INVAL);
		assert_null(k);
		if (!strstr(et.s, rows[i].words))
			fail_msg("%s", et.s);
		assert_null(strstr(et.s, "HUSH"));
	}
	mus_tsig_key_free(NULL);
}

static int
load(const char *text, struct mus_tsig_key **k, struct mus_errtext *et)
{
	char path[] = "tsig-key-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = mus_tsig_key_load(path, k, et);
	unlink(path);
	return rc;
}

static void
key_files(void **state)
{
	static const char *const good[] = {
		"key \"key.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n",
		"key key.example. { secret c2VjcmV0; algorithm \"HMAC-SHA256\"; };",
		"# a\n// b\n/* c\n d */ key \"Key.Example\"{algorithm hmac-sha256.;secret \"c2VjcmV0\";}",
		"hmac-sha256:key.example:c2VjcmV0", "hmac-sha256:key.example.:c2VjcmV0\n",
		"\n# comment\nhmac-sha256:KEY.example:c2VjcmV0\n# more\n",
	};
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "no key in the file"}, {"# only\n", "no key in the file"}, {"key", "name of the key"},
		{"key {", "name of the key"}, {"key \"a\"", "\"{\" missing"}, {"key \"a", "name of the key"},
		{"key a { algorithm hmac-sha256; };", "secret missing"},
		{"key a { secret \"AAAA\"; };", "algorithm missing"},
		{"key a { algorithm hmac-sha256 secret \"AAAA\"; };", "\";\" missing"},
		{"key a { algorithm hmac-sha256; algorithm hmac-sha1; secret \"AAAA\"; };", "twice"},
		{"key a {\n algorithm hmac-sha256;\n colour red;\n};", ":3: only"},
		{"key a { algorithm hmac-sha256; secret \"AAAA\"; ", "expected"},
		{"key a { algorithm hmac-sha256; secret ; };", "secret: no value"},
		{"key a { algorithm hmac-sha256; secret \"AAAA\"; }; key b { };", "more than one key"},
		{"hmac-sha256:a:AAAA\nhmac-sha256:b:AAAA\n", "more than one key"},
		{"a:AAAA", "expected key"}, {"hmac-md5:a:AAAA", "algorithm \"hmac-md5\""},
		{"key a { algorithm hmac-sha256; secret \"A*HUSH\"; };", "not base64"},
		{"/* open", "no key in the file"},
	};
	struct mus_tsig_key *k = NULL;
	struct mus_errtext et = {0};
	struct mus_name want;
	char *big;

	(void)state;
	assert_int_equal(mus_name_parse("key.example", &want, NULL), 0);
	for (size_t i = 0; i < COUNT(good); i++) {
		if (load(good[i], &k, &et) != 0)
			fail_msg("%s: %s", good[i], et.s);
		assert_true(mus_name_equal(mus_tsig_key_name(k), &want));
		assert_string_equal(mus_tsig_key_alg(k), "hmac-sha256");
		mus_tsig_key_free(k);
		k = NULL;
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		int rc = load(bad[i].text, &k, &et);

		if (rc != MUS_ERR_SYNTAX && rc != MUS_ERR_INVAL)
			fail_msg("%s: %d", bad[i].text, rc);
		assert_null(k);
		if (!strstr(et.s, bad[i].words) || !strstr(et.s, "tsig-key-"))
			fail_msg("%s: %s", bad[i].text, et.s);
		assert_null(strstr(et.s, "HUSH"));
	}
	for (unsigned mode = 0; mode < 8; mode++) {	/* its group may read it, others nothing */
		static const char path[] = "tsig-mode";
		int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600), rc;

		assert_true(fd >= 0 && write(fd, good[3], strlen(good[3])) > 0 && fchmod(fd, 0640 | mode) == 0);
		close(fd);
		rc = mus_tsig_key_load(path, &k, &et);
		unlink(path);
		assert_int_equal(rc, mode == 0 ? 0 : MUS_ERR_INVAL);
		if (mode == 0)
			mus_tsig_key_free(k);
		else if (!strstr(et.s, "key file: tsig-mode: ") || !strstr(et.s, "mode 064"))
			fail_msg("%o: %s", mode, et.s);
		k = NULL;
	}
	assert_int_equal(mus_tsig_key_load("does/not/exist", &k, &et), MUS_ERR_NOTFOUND);
	assert_non_null(strstr(et.s, "does/not/exist"));
	big = malloc(20001);
	assert_non_null(big);
	memset(big, 'a', 20000);
	big[20000] = '\0';
	assert_int_equal(load(big, &k, &et), MUS_ERR_SYNTAX);
	big[10000] = '\0';
	assert_int_equal(load(big, &k, &et), MUS_ERR_SYNTAX);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(against_libknot),
		cmocka_unit_test(tampered),
		cmocka_unit_test(forged_first),
		cmocka_unit_test(times),
		cmocka_unit_test(error_answers),
		cmocka_unit_test(misplaced),
		cmocka_unit_test(room),
		cmocka_unit_test(streams),
		cmocka_unit_test(gap_of_99),
		cmocka_unit_test(stream_order),
		cmocka_unit_test(bad_keys),
		cmocka_unit_test(key_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
