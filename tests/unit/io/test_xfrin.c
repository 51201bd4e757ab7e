#include <stdio.h>
#include <stdlib.h>

#include "fake.h"
#include "io/xfrin.h"

/*
 * A server that sends a zone of RECORDS addresses between two SOAs, in messages of some records
 * each, the stream cut into pieces of any size.
 */
enum { RECORDS = 300 };

enum end { END_WHOLE, END_CLOSED, END_STALLED, END_REFUSED, END_DRIPS, END_NEVER };
static struct plan {
	struct mus_tsig_key *key;
	bool bad_mac, sign_all;
	unsigned per_message;
	enum end end;
	size_t piece;			/* bytes per write */
	uint8_t *out;
	size_t len, at, loop_at;	/* END_NEVER: from there it is sent again and again */
	uint64_t every_ms;		/* [1] END_NEVER: between pieces, from the second time on */
	uv_timer_t *timer;
	struct fake *f;
} plan;

static struct mus_loop *l;
static struct fake *f;
static struct mus_name zone;

static const uint8_t soa_rdata[] = {0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};

static size_t
put_rr(uint8_t *p, uint16_t type, const void *rd, size_t len)
{
	const uint8_t head[] = {0xc0, 12, (uint8_t)(type >> 8), (uint8_t)type, 0, 1, 0, 0, 0, 60,
		(uint8_t)(len >> 8), (uint8_t)len};

	memcpy(p, head, sizeof head);
	memcpy(p + sizeof head, rd, len);
	return sizeof head + len;
}

/* Appends one message with records [from, from + count); 0 and RECORDS + 1 are the SOAs. */
static void
put_message(struct fake_q *q, struct mus_tsig_ctx *ctx, unsigned from, unsigned count)
{
	uint8_t msg[4096], a[4];
	size_t len = fake_reply(q, 0, 0, msg);
	unsigned i;
	int n;

	msg[7] = (uint8_t)count;
	for (i = from; i < from + count; i++) {
		a[0] = 10;
		a[1] = 0;
		a[2] = (uint8_t)(i >> 8);
		a[3] = (uint8_t)i;
		if (i == 0 || i == RECORDS + 1)
			len += put_rr(msg + len, MUS_TYPE_SOA, soa_rdata, sizeof soa_rdata);
		else
			len += put_rr(msg + len, MUS_TYPE_A, a, 4);
	}
	if (plan.key && (from == 0 || plan.sign_all)) {
		n = mus_tsig_sign(ctx, msg, len, sizeof msg, mus_loop_now(l));
		assert_true(n > 0);
		len = (size_t)n;
		if (plan.bad_mac)
			msg[30] ^= 1;
	}
	plan.out = realloc(plan.out, plan.len + 2 + len);
	assert_non_null(plan.out);
	plan.out[plan.len] = (uint8_t)(len >> 8);
	plan.out[plan.len + 1] = (uint8_t)len;
	memcpy(plan.out + plan.len + 2, msg, len);
	plan.len += 2 + len;
}

static void
free_handle(uv_handle_t *h)
{
	free(h);
}

static void
stop_sending(void)
{
	if (plan.timer)
		uv_close((uv_handle_t *)plan.timer, free_handle);
	plan.timer = NULL;
	free(plan.out);
	plan.out = NULL;
	plan.len = plan.at = 0;
}

static void
on_send(uv_timer_t *h)
{
	size_t n, k;

	(void)h;
	for (k = 0; k < (plan.end == END_DRIPS ? 1 : 64); k++) {
		n = plan.len - plan.at < plan.piece ? plan.len - plan.at : plan.piece;
		if (n == 0 || !plan.f->conns)
			break;
		fake_raw(plan.f->conns, plan.out + plan.at, n);
		plan.at += n;
		if (plan.end == END_NEVER && plan.at == plan.len) {
			plan.at = plan.loop_at;
			uv_timer_set_repeat(plan.timer, plan.every_ms);
		}
		if (uv_timer_get_repeat(plan.timer) > 1)
			break;
	}
	if (plan.at < plan.len && plan.f->conns)
		return;
	if (plan.end == END_CLOSED)
		fake_close_all(plan.f);
	(void)uv_timer_stop(plan.timer);
}

static void
sends_zone(struct fake_q *q, void *arg)
{
	struct mus_tsig_ctx ctx;
	unsigned i, count, total = RECORDS + 2 - (plan.end == END_NEVER);

	(void)arg;
	plan.f = q->f;
	if (plan.end == END_REFUSED) {
		fake_answer(q, MUS_RCODE_REFUSED, 0);
		return;
	}
	mus_tsig_ctx_init(&ctx, plan.key);
	if (plan.key)
		assert_int_equal(mus_tsig_check_request(&ctx, q->wire, q->len, mus_loop_now(l)),
		    MUS_TSIG_OK);
	for (i = 0; i < total; i += count) {
		count = total - i < plan.per_message ? total - i : plan.per_message;
		put_message(q, &ctx, i, count);
		if (i == 0)
			plan.loop_at = plan.len;
	}
	mus_tsig_ctx_clear(&ctx);
	if (plan.end == END_CLOSED || plan.end == END_STALLED)
		plan.len /= 2;
	plan.timer = malloc(sizeof *plan.timer);
	assert_non_null(plan.timer);
	(void)uv_timer_init(mus_loop_uv(l), plan.timer);
	(void)uv_timer_start(plan.timer, on_send, 0, 1);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof plan);
	plan.piece = 1;
	plan.every_ms = 1;
	plan.per_message = 7;
	l = mus_loop_new();
	f = fake_new(l, FAKE_TCP, sends_zone, NULL);
	return mus_name_parse("example.org", &zone, NULL);
}

static int
tear_down(void **state)
{
	(void)state;
	stop_sending();
	fake_free(f);
	mus_tsig_key_free(plan.key);
	mus_loop_free(l);
	return 0;
}

struct got {
	unsigned rrs, done, order_errors;
	int err, refuse_at_err;
	char words[480];
	uint64_t bytes;
	unsigned stop_at;		/* record at which the callback stops or cancels */
	bool cancel;
	struct mus_xfrin *x;
};

static int
on_rr(void *arg, const struct mus_rr *rr)
{
	struct got *g = arg;
	unsigned i = g->rrs++;

	if (i == 0 || i == RECORDS + 1)
		g->order_errors += rr->type != MUS_TYPE_SOA;
	else
		g->order_errors += rr->type != MUS_TYPE_A || rr->rd.len != 4 ||
		    (unsigned)(rr->rd.data[2] << 8 | rr->rd.data[3]) != i;
	if (g->stop_at && g->rrs == g->stop_at) {
		if (!g->cancel)
			return MUS_ERR_CONFLICT;
		mus_xfrin_cancel(g->x);
	}
	return 0;
}

static void
on_done(void *arg, int err, const struct mus_errtext *words, uint64_t bytes)
{
	struct got *g = arg;

	g->done++;
	g->err = err;
	g->bytes = bytes;
	(void)snprintf(g->words, sizeof g->words, "%s", words->s);
}

static struct mus_xfrin_opts
opts(void)
{
	return (struct mus_xfrin_opts){.server = f->addr, .zone = zone, .key = plan.key,
		.idle_timeout_ms = 2000};
}

static struct got
transfer(struct mus_xfrin_opts o)
{
	struct got g = {0};

	assert_int_equal(mus_xfrin_start(l, &o, on_rr, on_done, &g, NULL), 0);
	assert_int_equal(g.done, 0);
	until(l, &g.done, 1);
	turn_for(l, 2);
	assert_int_equal(g.done, 1);
	return g;
}

static void
pieces_of_any_size(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 17, 1000, 100000};
	struct got g;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		plan.piece = pieces[i];
		g = transfer(opts());
		len = plan.len;
		assert_string_equal(g.words, "");
		assert_int_equal(g.err, 0);
		assert_int_equal(g.rrs, RECORDS + 2);
		assert_int_equal(g.order_errors, 0);
		assert_int_equal(g.bytes, len);
		stop_sending();
	}
	turn_for(l, 2);
	assert_int_equal(f->conns_open, 0);
}

/* The time-out is for one message, not for the whole. */
static void
slow_but_steady(void **state)
{
	struct mus_xfrin_opts o = opts();
	struct got g;
	int64_t before = mus_loop_mono_ms(l);

	(void)state;
	plan.end = END_DRIPS;
	plan.piece = 10;
	o.idle_timeout_ms = 200;
	g = transfer(o);
	assert_int_equal(g.err, 0);
	assert_true(mus_loop_mono_ms(l) - before > 400);
}

static void
ends_that_are_errors(void **state)
{
	struct mus_xfrin_opts o = opts();
	struct got g;

	(void)state;
	plan.piece = 100;
	plan.end = END_CLOSED;
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "before the end"));
	assert_true(g.rrs > 10 && g.rrs < RECORDS);
	stop_sending();
	plan.end = END_STALLED;
	o.idle_timeout_ms = 50;
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_non_null(strstr(g.words, "zone transfer of example.org."));
	stop_sending();
	/* Bytes come, but no message gets complete in time: given up. */
	plan.end = END_DRIPS;
	plan.piece = 1;
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	stop_sending();
	plan.end = END_REFUSED;
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_REFUSED);
	assert_non_null(strstr(g.words, "REFUSED"));
	stop_sending();
	plan.end = END_WHOLE;
	plan.piece = 1000;
	o.max_bytes = 2000;
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_TOOBIG);
	assert_true(g.rrs < RECORDS);
	stop_sending();
	fake_free(f);
	f = fake_new(l, 0, sends_zone, NULL);
	g = transfer(opts());
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "connection refused"));
}

/* A server that sends records as fast as it can, and never the last SOA. */
static void
endless_flood(void **state)
{
	struct mus_xfrin_opts o = opts();
	struct got g;

	(void)state;
	plan.end = END_NEVER;
	plan.piece = 4000;
	plan.per_message = 100;
	o.max_bytes = 3 << 20;
	o.conf = "dns.transfer";
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_TOOBIG);
	assert_non_null(strstr(g.words, "more than 3 MiB; dns.transfer-size sets the bound"));
	assert_non_null(strstr(g.words, "127.0.0.1@"));
	assert_true(g.bytes > o.max_bytes && g.bytes < o.max_bytes + (1 << 20));
	stop_sending();
	/* Nor when it is fast enough, and there is no bound of bytes. */
	o.max_bytes = 0;
	o.max_ms = 300;
	o.min_rate = 1;
	o.pace_ms = 50;
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_non_null(strstr(g.words, "no end after"));
	assert_non_null(strstr(g.words, "; dns.transfer-time sets the bound"));
	assert_true(g.bytes > 0);
}

/* A record now and then: each in time for the idle timer, and none the last. */
static void
endless_drip(void **state)
{
	struct mus_xfrin_opts o = opts();
	struct got g;

	(void)state;
	plan.end = END_NEVER;
	plan.every_ms = 20;
	plan.per_message = 1;
	plan.piece = 12 + 17 + 16;	/* a message or so */
	/* All records come at once, then one each time: that it was fast does not count for ever. */
	o.min_rate = 8000;
	o.pace_ms = 200;
	o.conf = "dns.transfer";
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_non_null(strstr(g.words, "fewer than 8000 bytes a second; dns.transfer-rate sets the bound"));
	assert_in_range(g.rrs, 1, RECORDS + 40);
	stop_sending();
	/* Without a floor the whole has an end all the same. */
	o.min_rate = 0;
	o.max_ms = 300;
	o.conf = NULL;
	g = transfer(o);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_non_null(strstr(g.words, "no end after"));
	assert_null(strstr(g.words, "sets the bound"));
}

static void
signed_transfers(void **state)
{
	struct got g;

	(void)state;
	assert_int_equal(mus_tsig_key_new("key.example", "hmac-sha256", "c2VjcmV0c2VjcmV0c2VjcmV0",
	    &plan.key, NULL), 0);
	plan.piece = 500;
	plan.sign_all = true;
	g = transfer(opts());
	assert_string_equal(g.words, "");
	assert_int_equal(g.err, 0);
	assert_int_equal(g.rrs, RECORDS + 2);
	assert_int_equal(g.order_errors, 0);
	stop_sending();
	/* Only the first is signed, and more than a hundred follow: nothing of them is used. */
	plan.sign_all = false;
	plan.per_message = 2;
	g = transfer(opts());
	assert_int_equal(g.err, MUS_ERR_BADSIG);
	assert_int_equal(g.rrs, 2);
	stop_sending();
	plan.bad_mac = true;
	g = transfer(opts());
	assert_int_equal(g.err, MUS_ERR_BADSIG);
	assert_int_equal(g.rrs, 0);
}

static void
callback_stops_it(void **state)
{
	struct mus_xfrin_opts o = opts();
	struct got g = {.stop_at = 20};

	(void)state;
	plan.piece = 1000;
	assert_int_equal(mus_xfrin_start(l, &o, on_rr, on_done, &g, &g.x), 0);
	until(l, &g.done, 1);
	assert_int_equal(g.err, MUS_ERR_CONFLICT);
	assert_int_equal(g.rrs, 20);
}

static void
cancel_in_every_state(void **state)
{
	struct mus_xfrin_opts o = opts();
	struct got g = {.stop_at = 20, .cancel = true};

	(void)state;
	plan.piece = 1000;
	mus_xfrin_cancel(NULL);
	/* from the callback: not one record more, no done */
	assert_int_equal(mus_xfrin_start(l, &o, on_rr, on_done, &g, &g.x), 0);
	until(l, &g.rrs, 20);
	turn_for(l, 5);
	assert_int_equal(g.rrs, 20);
	assert_int_equal(g.done, 0);
	stop_sending();
	/* before it is connected */
	assert_int_equal(mus_xfrin_start(l, &o, on_rr, on_done, &g, &g.x), 0);
	mus_xfrin_cancel(g.x);
	turn_for(l, 5);
	/* in the middle */
	plan.end = END_STALLED;
	g = (struct got){0};
	assert_int_equal(mus_xfrin_start(l, &o, on_rr, on_done, &g, &g.x), 0);
	until(l, &g.rrs, 30);
	mus_xfrin_cancel(g.x);
	turn_for(l, 5);
	assert_int_equal(g.done, 0);
	assert_int_equal(f->conns_open, 0);
	o.zone.len = 0;
	assert_int_equal(mus_xfrin_start(l, &o, on_rr, on_done, &g, NULL), MUS_ERR_INVAL);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(pieces_of_any_size),
		T(slow_but_steady),
		T(ends_that_are_errors),
		T(endless_flood),
		T(endless_drip),
		T(signed_transfers),
		T(callback_stops_it),
		T(cancel_in_every_state),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
