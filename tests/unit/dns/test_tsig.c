#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <libknot/libknot.h>

#include "dns/tsig.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const algs[] = {
	"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512",
};
static const struct mus_time now = {1800000000500};

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(against_libknot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
