/* Questions end once, whatever happens: cancelled, freed, lost, or in any order. */
#include <stdlib.h>

#include "dnsx_rig.h"

/* ---- cancel and free ---- */

static void
cancel_in_every_state(void **state)
{
	struct mus_dnsx_opts o = {.server_window = 1};
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, silent, NULL);
	struct fake *closed = fake_new(l, 0, silent, NULL);
	struct mus_dnsx_ask udp = question(&f->addr, MUS_VIA_UDP);
	struct mus_dnsx_ask tcp = question(&f->addr, MUS_VIA_TCP);
	struct mus_dnsx_ask bad = question(&closed->addr, MUS_VIA_TCP);
	struct mus_dnsx_req *a, *b;
	struct got g = {0};

	(void)state;
	options(&o);
	mus_dnsx_cancel(NULL);
	/* queued, about to be sent */
	assert_int_equal(mus_dnsx_ask(x, &udp, got, &g, &a), 0);
	assert_int_equal(mus_dnsx_ask(x, &udp, got, &g, &b), 0);
	assert_int_equal(a->state, REQ_UDP_SEND);
	assert_int_equal(b->state, REQ_QUEUED);
	mus_dnsx_cancel(b);
	mus_dnsx_cancel(a);
	turn_for(l, 2);
	assert_int_equal(f->udp_count, 0);
	/* on the way; the next in the queue takes its place */
	assert_int_equal(mus_dnsx_ask(x, &udp, got, &g, &a), 0);
	assert_int_equal(mus_dnsx_ask(x, &udp, got, &g, &b), 0);
	until(l, &f->udp_count, 1);
	assert_int_equal(a->state, REQ_UDP_WAIT);
	mus_dnsx_cancel(a);
	until(l, &f->udp_count, 2);
	mus_dnsx_cancel(b);
	/* waiting for a connection, connecting, connected */
	assert_int_equal(mus_dnsx_ask(x, &tcp, got, &g, &a), 0);
	assert_int_equal(a->state, REQ_TCP_QUEUED);
	mus_dnsx_cancel(a);
	turn_for(l, 2);
	assert_int_equal(f->conn_count, 0);
	assert_int_equal(mus_dnsx_ask(x, &tcp, got, &g, &a), 0);
	mus__dnsx_tcp_flush(x);
	assert_int_equal(a->state, REQ_TCP);
	assert_false(a->conn->up);
	mus_dnsx_cancel(a);
	turn_for(l, 2);
	assert_int_equal(f->tcp_count, 0);
	assert_int_equal(mus_dnsx_ask(x, &tcp, got, &g, &a), 0);
	until(l, &f->tcp_count, 1);
	assert_true(a->conn->up);
	mus_dnsx_cancel(a);
	/* failed, callback not yet run */
	assert_int_equal(mus_dnsx_ask(x, &bad, got, &g, &a), 0);
	mus__dnsx_fail(a, MUS_ERR_NET, "test");
	assert_int_equal(a->state, REQ_DONE);
	mus_dnsx_cancel(a);
	turn_for(l, 10);
	assert_int_equal(g.n, 0);
	assert_int_equal(x->inflight, 0);
	assert_int_equal(x->pending_count, 0);
	fake_free(f);
	fake_free(closed);
}

struct killer {
	unsigned n;
	struct mus_dnsx_req *mine, *others[20];
	unsigned other_count;
	bool free_all, ask_again;
	struct mus_dnsx_ask q;
};

static void
kills(void *arg, const struct mus_dnsx_answer *a)
{
	struct killer *k = arg;
	unsigned i;

	(void)a;
	if (k->n++ > 0)
		return;
	mus_dnsx_cancel(k->mine);	/* its own: nothing happens */
	if (k->free_all) {
		mus_dnsx_free(x);
		x = NULL;
		return;
	}
	for (i = 0; i < k->other_count; i++)
		mus_dnsx_cancel(k->others[i]);
	if (k->ask_again)
		assert_int_equal(mus_dnsx_ask(x, &k->q, kills, k, NULL), 0);
}

/* A callback cancels the questions whose answers lie in the same batch or stream, or frees all. */
static void
cancel_and_free_in_callbacks(void **state)
{
	static const enum mus_dnsx_via vias[] = {MUS_VIA_UDP, MUS_VIA_TCP, MUS_VIA_AUTO};
	struct killer k;
	struct fake *f;
	unsigned i, way, free_all, want;

	(void)state;
	for (free_all = 0; free_all < 2; free_all++) {
		for (way = 0; way < 4; way++) {
			/* the last way: all fail */
			f = fake_new(l, way < 3 ? FAKE_UDP | FAKE_TCP : 0, out_of_order, NULL);
			memset(&k, 0, sizeof k);
			k.q = question(&f->addr, vias[way % 3]);
			k.free_all = free_all;
			k.ask_again = true;
			k.other_count = PIPE - 1;
			for (i = 0; i < PIPE - 1; i++)
				assert_int_equal(mus_dnsx_ask(x, &k.q, kills, &k, &k.others[i]), 0);
			assert_int_equal(mus_dnsx_ask(x, &k.q, kills, &k, &k.mine), 0);
			if (way == 3) {
				/* The first to fail is others[0]. */
				k.mine = k.others[0];
				k.others[0] = NULL;
				mus_dnsx_cancel(NULL);
			}
			until(l, &k.n, 1);
			f->fn = answers;
			want = free_all ? 1 : way < 3 ? 2 : 2 + 1;
			if (!free_all && way < 3)
				until(l, &k.n, want);
			turn_for(l, 30);
			if (free_all || way < 3)
				assert_int_equal(k.n, want);
			release(0, false);
			fake_free(f);
			options(&quick);
		}
	}
}

static void
free_with_everything_under_way(void **state)
{
	struct mus_dnsx_opts o = {.server_window = 3, .server_qps = 50};
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, silent, NULL);
	struct fake *g4 = fake_new(l, 0, silent, NULL);
	struct got g = {0};
	struct mus_dnsx_ask q;
	unsigned i, turn;

	(void)state;
	for (turn = 0; turn < 3; turn++) {
		options(&o);
		for (i = 0; i < 30; i++) {
			q = question(i % 2 ? &f->addr : &g4->addr, i % 3 ? MUS_VIA_TCP : MUS_VIA_AUTO);
			assert_int_equal(mus_dnsx_ask(x, &q, got, &g, NULL), 0);
		}
		if (turn > 0)
			turn_for(l, turn * 3);
		g.n = 0;
		mus_dnsx_free(x);
		x = NULL;
		turn_for(l, 3);
		assert_int_equal(g.n, 0);
	}
	fake_free(f);
	fake_free(g4);
}

/* ---- anything, in any order ---- */

enum { CHAOS = 4000, CHAOS_SERVERS = 6 };
static struct mus_tsig_key *key;
static uint32_t dice;

static uint32_t
roll(uint32_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 17;
	dice ^= dice << 5;
	return dice % sides;
}

static void
misbehaves(struct fake_q *q, void *arg)
{
	uint8_t out[512];
	size_t len = fake_reply(q, 0, 1, out);

	(void)arg;
	switch (roll(12)) {
	case 0:
		break;			/* silence */
	case 1:
		out[2] |= 2;		/* truncated, on TCP too */
		fake_send(q, out, len);
		break;
	case 2:
		if (q->conn)
			fake_close(q->conn);
		break;
	case 3:
		if (q->conn)
			half_a_message(q, NULL);
		break;
	case 4:
		out[0] ^= 0x55;		/* wrong, then right */
		fake_send(q, out, len);
		fake_answer(q, 0, 1);
		break;
	case 5:
		fake_answer(q, 0, 1);	/* twice */
		fake_answer(q, 0, 1);
		break;
	case 6:
		out[7] = 200;		/* malformed */
		fake_send(q, out, len);
		break;
	case 7:
		if (q->conn)
			fake_raw(q->conn, "\0\2ab", 4);
		break;
	default:
		fake_answer(q, 0, 1);
	}
}

static struct chaos {
	struct mus_dnsx_req *cookie;
	bool live;
	unsigned calls;
} chaos[CHAOS];
static unsigned chaos_asked, chaos_over;	/* over: called back or cancelled */
static struct mus_addr chaos_addr[CHAOS_SERVERS];

static void chaos_got(void *arg, const struct mus_dnsx_answer *a);

static void
chaos_ask(void)
{
	struct chaos *c = &chaos[chaos_asked];
	struct mus_dnsx_ask q;

	if (chaos_asked == CHAOS)
		return;
	q = question(&chaos_addr[roll(CHAOS_SERVERS)], (enum mus_dnsx_via)roll(3));
	q.once = roll(4) == 0;
	q.key = roll(8) == 0 ? key : NULL;
	assert_int_equal(mus_dnsx_ask(x, &q, chaos_got, c, &c->cookie), 0);
	c->live = true;
	chaos_asked++;
}

static void
chaos_got(void *arg, const struct mus_dnsx_answer *a)
{
	struct chaos *c = arg, *other = &chaos[roll(chaos_asked)];

	assert_true(c->live);
	assert_true(a->err == 0 || a->words.s[0] != '\0');
	c->live = false;
	c->calls++;
	chaos_over++;
	if (roll(6) == 0 && other->live) {
		mus_dnsx_cancel(other->cookie);
		other->live = false;
		chaos_over++;
	}
	chaos_ask();
	if (roll(20) == 0)
		chaos_ask();
}

/* Whatever servers do and whoever cancels: each question ends once, and nothing stays behind. */
static void
every_question_ends_once(void **state)
{
	struct mus_dnsx_opts o = {.udp_timeout_ms = 3, .tcp_timeout_ms = 15, .server_window = 20,
		.udp_tries = 2, .tcp_idle_ms = 5};
	struct fake *f[CHAOS_SERVERS];
	unsigned i;

	(void)state;
	dice = 88172645;
	memset(chaos, 0, sizeof chaos);
	chaos_asked = chaos_over = 0;
	key = key_of("key.example", "c2VjcmV0c2VjcmV0c2VjcmV0");
	options(&o);
	for (i = 0; i < CHAOS_SERVERS; i++) {
		f[i] = fake_new(l, i == 0 ? 0 : i == 1 ? FAKE_UDP : FAKE_UDP | FAKE_TCP, misbehaves,
		    NULL);
		chaos_addr[i] = f[i]->addr;
	}
	x->conns_max = 8;
	for (i = 0; i < 300; i++)
		chaos_ask();
	until(l, &chaos_over, CHAOS);
	turn_for(l, 20);
	assert_int_equal(chaos_over, CHAOS);
	for (i = 0; i < CHAOS; i++)
		assert_true(!chaos[i].live && chaos[i].calls <= 1);
	assert_int_equal(x->inflight, 0);
	assert_int_equal(x->pending_count, 0);
	assert_int_equal(mus_dnsx_stats(x).queued_now, 0);
	assert_int_equal(mus_dnsx_stats(x).asked, CHAOS);
	for (i = 0; i < 20 && x->conn_count > 0; i++)
		turn_for(l, 5);
	assert_int_equal(x->conn_count, 0);
	for (i = 0; i < CHAOS_SERVERS; i++)
		fake_free(f[i]);
	mus_tsig_key_free(key);
}

/* ---- memory ---- */

static void
servers_are_forgotten(void **state)
{
	struct fake *f = fake_new(l, 0, silent, NULL);
	struct mus_dnsx_ask q;
	struct got g = {0};
	unsigned i, total = 0;

	(void)state;
	g.total = &total;
	for (i = 0; i < DNSX_IDLE_SERVERS_MAX + 500; i++) {
		struct mus_addr a = f->addr;

		a.ip[2] = (uint8_t)(i >> 8);
		a.ip[3] = (uint8_t)i;
		q = question(&a, MUS_VIA_UDP);
		q.once = true;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g, NULL), 0);
		if (i % 500 == 499)
			until(l, &total, i + 1);
	}
	until(l, &total, i);
	assert_true(mus_map_count(x->servers) <= DNSX_IDLE_SERVERS_MAX);
	assert_true(mus_map_count(x->servers) > DNSX_IDLE_SERVERS_MAX / 2);
	fake_free(f);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(cancel_in_every_state),
		T(cancel_and_free_in_callbacks),
		T(free_with_everything_under_way),
		T(every_question_ends_once),
		T(servers_are_forgotten),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
