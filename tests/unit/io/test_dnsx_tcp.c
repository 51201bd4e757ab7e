/* Questions over TCP: connections that are kept, shared and broken; and signed questions. */
#include <stdlib.h>

#include "dnsx_rig.h"

/* ---- TCP ---- */

static void
pipelining(void **state)
{
	struct fake *f = fake_new(l, FAKE_TCP, out_of_order, NULL);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_TCP);
	struct got g[PIPE];
	unsigned i, total = 0;

	(void)state;
	memset(g, 0, sizeof g);
	for (i = 0; i < PIPE; i++) {
		g[i].total = &total;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g[i], NULL), 0);
	}
	until(l, &total, PIPE);
	for (i = 0; i < PIPE; i++)
		assert_int_equal(g[i].err, 0);
	assert_int_equal(f->conn_count, 1);
	/* The connection is kept for the next question, */
	f->fn = answers;
	assert_int_equal(ask_and_wait(&q).err, 0);
	assert_int_equal(f->conn_count, 1);
	assert_int_equal(x->conn_count, 1);
	/* and closed when idle for long. */
	options(&(struct mus_dnsx_opts){.tcp_idle_ms = 10});
	assert_int_equal(ask_and_wait(&q).err, 0);
	for (i = 0; i < 100 && f->conns_open > 0; i++)
		turn_for(l, 5);
	assert_int_equal(f->conns_open, 0);
	assert_int_equal(x->conn_count, 0);
	fake_free(f);
}

static void
one_and_close(struct fake_q *q, void *arg)
{
	(void)arg;
	fake_answer(q, 0, 1);
	fake_close(q->conn);
}

/* A server that takes one question per connection: all are answered, each asked once more at
 * most for each connection that was closed. */
static void
server_without_pipelining(void **state)
{
	struct fake *f = fake_new(l, FAKE_TCP, one_and_close, NULL);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_TCP);
	struct got g[20];
	unsigned i, total = 0;

	(void)state;
	memset(g, 0, sizeof g);
	for (i = 0; i < 20; i++) {
		g[i].total = &total;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g[i], NULL), 0);
	}
	until(l, &total, 20);
	for (i = 0; i < 20; i++)
		assert_int_equal(g[i].err, 0);
	assert_int_equal(f->conn_count, 20);
	fake_free(f);
}

static void
close_now(struct fake_q *q, void *arg)
{
	(void)arg;
	fake_close(q->conn);
}

/* The server closes a kept connection when the next question comes: a query is asked again on a
 * new one; what may be sent once is not. */
static unsigned served;
static void
one_then_close_once(struct fake_q *q, void *arg)
{
	(void)arg;
	if (++served == 2)
		fake_close(q->conn);
	else
		fake_answer(q, 0, 1);
}

static void
kept_connection_closed(void **state)
{
	struct fake *f = fake_new(l, FAKE_TCP, one_then_close_once, NULL);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_TCP);
	struct got g;

	(void)state;
	served = 0;
	assert_int_equal(ask_and_wait(&q).err, 0);
	assert_int_equal(ask_and_wait(&q).err, 0);
	assert_int_equal(f->tcp_count, 3);
	assert_int_equal(f->conn_count, 2);
	/* Once only: the server has it, so it is not asked again. */
	served = 0;
	options(&quick);		/* and what was learned of the server is forgotten */
	turn_for(l, 5);
	f->tcp_count = f->conn_count = 0;
	q.once = true;
	assert_int_equal(ask_and_wait(&q).err, 0);
	g = ask_and_wait(&q);
	assert_int_equal(f->conn_count, 1);
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "tcp: connection closed by the server"));
	assert_int_equal(f->tcp_count, 2);
	/* On a connection not heard from for a while it is not risked. */
	options(&quick);
	turn_for(l, 5);
	f->tcp_count = f->conn_count = 0;
	assert_int_equal(ask_and_wait(&q).err, 0);
	TAILQ_FIRST(&mus__dnsx_server_find(x, &f->addr)->conns)->alive_ms -= 1000;
	assert_int_equal(ask_and_wait(&q).err, 0);
	assert_int_equal(f->conn_count, 2);
	/* A fresh connection that gives nothing is not tried again. */
	q.once = false;
	f->fn = close_now;
	fake_close_all(f);
	turn_for(l, 5);
	f->tcp_count = 0;
	g = ask_and_wait(&q);
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_int_equal(f->tcp_count, 1);
	fake_free(f);
}

static void
closed_in_mid_message(void **state)
{
	struct fake *f = fake_new(l, FAKE_TCP, half_a_message, NULL);
	struct got g = ask_it(&f->addr, MUS_VIA_TCP);

	(void)state;
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "in mid-message"));
	fake_free(f);
}

struct drip {
	uv_timer_t *timer;
	struct fake *f;
	uint8_t out[512];
	size_t len, at;
	bool endless;
};

static void
on_drip(uv_timer_t *h)
{
	struct drip *d = h->data;

	if (d->at == d->len || !d->f->conns)
		return;
	fake_raw(d->f->conns, d->out + d->at, 1);
	d->at++;
	if (d->endless && d->at == d->len)
		d->at--;		/* more of the same: never complete */
}

static void
free_handle(uv_handle_t *h)
{
	free(h);
}

static void
drips(struct fake_q *q, void *arg)
{
	struct drip *d = arg;
	size_t len = fake_reply(q, 0, 1, d->out + 2);

	d->f = q->f;
	d->out[0] = d->endless ? 0xff : 0;
	d->out[1] = (uint8_t)len;
	d->len = len + 2;
	d->at = 0;
	d->timer = malloc(sizeof *d->timer);
	assert_non_null(d->timer);
	(void)uv_timer_init(mus_loop_uv(l), d->timer);
	d->timer->data = d;
	(void)uv_timer_start(d->timer, on_drip, 0, 2);
}

static void
dripping_answers(void **state)
{
	struct drip d = {0};
	struct fake *f = fake_new(l, FAKE_TCP, drips, &d);
	struct got g = ask_it(&f->addr, MUS_VIA_TCP);

	(void)state;
	assert_int_equal(g.err, 0);	/* byte by byte, but in time */
	uv_close((uv_handle_t *)d.timer, free_handle);
	fake_close_all(f);
	turn_for(l, 5);
	d.endless = true;
	g = ask_it(&f->addr, MUS_VIA_TCP);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	uv_close((uv_handle_t *)d.timer, free_handle);
	turn_for(l, 5);
	assert_int_equal(x->conn_count, 0);	/* and the connection is not kept */
	fake_free(f);
}

static void
runt(struct fake_q *q, void *arg)
{
	(void)arg;
	fake_raw(q->conn, "\0\3abc", 5);
}

static void
tcp_rubbish(void **state)
{
	struct fake *f = fake_new(l, FAKE_TCP, runt, NULL);
	struct got g = ask_it(&f->addr, MUS_VIA_TCP);

	(void)state;
	assert_int_equal(g.err, MUS_ERR_MALFORM);
	f->fn = silent;
	g = ask_it(&f->addr, MUS_VIA_TCP);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	fake_free(f);
}

/* More servers than connections allowed: some wait, all are answered. */
static void
connections_are_bounded(void **state)
{
	struct fake *f[20];
	struct got g[20];
	struct mus_dnsx_ask q;
	unsigned i, total = 0, open;
	int64_t before = mus_loop_mono_ms(l);

	(void)state;
	x->conns_max = 3;
	memset(g, 0, sizeof g);
	for (i = 0; i < 20; i++) {
		f[i] = fake_new(l, FAKE_TCP, answers, NULL);
		q = question(&f[i]->addr, MUS_VIA_TCP);
		g[i].total = &total;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g[i], NULL), 0);
	}
	until(l, &total, 20);
	turn_for(l, 5);
	for (i = 0, open = 0; i < 20; i++) {
		assert_int_equal(g[i].err, 0);
		open += f[i]->conns_open;
		fake_free(f[i]);
	}
	assert_true(open <= 3);
	/* An idle connection makes room at once. */
	assert_true(mus_loop_mono_ms(l) - before < quick.tcp_idle_ms);
}

/* ---- TSIG ---- */

static struct mus_tsig_key *key;

enum sign { SIGN_GOOD, SIGN_NOT, SIGN_NOT_TAKEN, SIGN_BAD };
static void
signs(struct fake_q *q, void *arg)
{
	static const unsigned rcode[] = {
	    [SIGN_NOT] = MUS_RCODE_REFUSED, [SIGN_NOT_TAKEN] = MUS_RCODE_NOTAUTH, [SIGN_BAD] = 0};
	enum sign how = *(enum sign *)arg;
	struct mus_tsig_ctx ctx;
	uint8_t out[1024];
	size_t len;
	int n;

	mus_tsig_ctx_init(&ctx, key);
	assert_int_equal(mus_tsig_check_request(&ctx, q->wire, q->len, mus_loop_now(l)), MUS_TSIG_OK);
	len = fake_reply(q, rcode[how], 1, out);
	if (rcode[how] == 0) {
		n = mus_tsig_sign(&ctx, out, len, sizeof out, mus_loop_now(l));
		assert_true(n > 0);
		len = (size_t)n;
	}
	if (how == SIGN_BAD)
		out[3] ^= 1;
	fake_send(q, out, len);
	mus_tsig_ctx_clear(&ctx);
}

static void
tsig(void **state)
{
	enum sign how = SIGN_GOOD;
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, signs, &how);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_UDP);
	struct got g;
	int tcp;

	(void)state;
	key = key_of("key.example", "c2VjcmV0c2VjcmV0c2VjcmV0");
	q.key = key;
	for (tcp = 0; tcp < 2; tcp++) {
		q.via = tcp ? MUS_VIA_TCP : MUS_VIA_UDP;
		how = SIGN_GOOD;
		g = ask_and_wait(&q);
		assert_int_equal(g.err, 0);
		assert_int_equal(g.tsig, MUS_TSIG_OK);
		assert_int_equal(g.answers, 1);
		how = SIGN_BAD;
		g = ask_and_wait(&q);
		assert_int_equal(g.err, MUS_ERR_BADSIG);
		assert_int_equal(g.tsig, MUS_TSIG_BADSIG);
		how = SIGN_NOT;
		g = ask_and_wait(&q);
		assert_int_equal(g.err, MUS_ERR_BADSIG);
		assert_int_equal(g.tsig, MUS_TSIG_UNSIGNED);
		assert_true(g.has_msg);
		assert_int_equal(g.rcode, MUS_RCODE_REFUSED);
		assert_non_null(strstr(g.words, "answer is not signed (RCODE REFUSED)"));
		how = SIGN_NOT_TAKEN;
		g = ask_and_wait(&q);
		assert_int_equal(g.err, MUS_ERR_BADSIG);
		assert_non_null(strstr(g.words, "does not know the key"));
		assert_non_null(strstr(g.words, "RCODE NOTAUTH"));
	}
	mus_tsig_key_free(key);
	fake_free(f);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(pipelining),
		T(server_without_pipelining),
		T(kept_connection_closed),
		T(closed_in_mid_message),
		T(dripping_answers),
		T(tcp_rubbish),
		T(connections_are_bounded),
		T(tsig),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
