#include <stdio.h>
#include <stdlib.h>

#include "dnsx_rig.h"

const struct mus_dnsx_opts quick = {
	.udp_timeout_ms = 20, .tcp_timeout_ms = 300, .tcp_idle_ms = 1000,
};

const struct mus_dnsx_opts patient = {
	.udp_timeout_ms = 10000, .tcp_timeout_ms = 10000, .tcp_idle_ms = 10000,
};

struct mus_loop *l;
struct mus_dnsx *x;
struct mus_name www;

void
got(void *arg, const struct mus_dnsx_answer *a)
{
	struct got *g = arg;

	g->n++;
	g->err = a->err;
	(void)snprintf(g->words, sizeof g->words, "%s", a->err ? a->words.s : "");
	g->via = a->via;
	g->udp_silent = a->udp_silent;
	g->tsig = a->tsig;
	g->server = a->server;
	g->rtt_ms = a->rtt_ms;
	g->at_ms = a->at.ms;
	g->has_msg = a->msg != NULL;
	if (a->msg) {
		g->rcode = a->msg->rcode;
		g->id = a->msg->id;
		g->tc = a->msg->tc;
		g->answers = a->msg->rr_count[MUS_SEC_ANSWER];
	}
	if (g->total)
		(*g->total)++;
}

int
set_up(void **state)
{
	(void)state;
	if (mus_name_parse("www.example.org", &www, NULL) < 0)
		return -1;
	l = mus_loop_new();
	x = l ? mus_dnsx_new(l, &quick) : NULL;
	return x ? 0 : -1;
}

int
tear_down(void **state)
{
	(void)state;
	mus_dnsx_free(x);
	x = NULL;
	mus_loop_free(l);
	return 0;
}

void
options(const struct mus_dnsx_opts *o)
{
	mus_dnsx_free(x);
	x = mus_dnsx_new(l, o);
	assert_non_null(x);
}

struct mus_dnsx_ask
question(const struct mus_addr *server, enum mus_dnsx_via via)
{
	return (struct mus_dnsx_ask){.server = *server, .via = via,
		.query = {.name = www, .type = MUS_TYPE_A, .dnssec = true}};
}

struct got
ask_and_wait(const struct mus_dnsx_ask *q)
{
	struct got g = {0};

	assert_int_equal(mus_dnsx_ask(x, q, got, &g, NULL), 0);
	assert_int_equal(g.n, 0);	/* never before the call returns */
	until(l, &g.n, 1);
	turn_for(l, 2);
	assert_int_equal(g.n, 1);
	return g;
}

struct got
ask_it(const struct mus_addr *server, enum mus_dnsx_via via)
{
	struct mus_dnsx_ask q = question(server, via);

	return ask_and_wait(&q);
}

/* ---- servers ---- */

void
answers(struct fake_q *q, void *arg)
{
	(void)arg;
	fake_answer(q, 0, 2);
}

void
silent(struct fake_q *q, void *arg)
{
	(void)q;
	(void)arg;
}

void
silent_on_udp(struct fake_q *q, void *arg)
{
	(void)arg;
	if (q->conn)
		fake_answer(q, 0, 1);
}

void
slow_to_start(struct fake_q *q, void *arg)
{
	unsigned *left = arg;

	if (*left > 0)
		(*left)--;
	else
		fake_answer(q, 0, 1);
}

struct fake_q *held[HELD_MAX];
unsigned held_count, held_max;

void
holds(struct fake_q *q, void *arg)
{
	(void)arg;
	assert_true(held_count < HELD_MAX);
	held[held_count] = malloc(sizeof *q);
	assert_non_null(held[held_count]);
	*held[held_count++] = *q;
	if (held_count > held_max)
		held_max = held_count;
}

void
release(unsigned keep, bool answer)
{
	while (held_count > keep) {
		held_count--;
		if (answer)
			fake_answer(held[held_count], 0, 1);
		free(held[held_count]);
	}
}

void
out_of_order(struct fake_q *q, void *arg)
{
	holds(q, arg);
	if (held_count == PIPE)
		release(0, true);
}

void
half_a_message(struct fake_q *q, void *arg)
{
	uint8_t out[512];
	size_t len = fake_reply(q, 0, 1, out + 2);

	(void)arg;
	out[0] = 0;
	out[1] = (uint8_t)len;
	fake_raw(q->conn, out, len - 3);
	fake_close(q->conn);
}

struct mus_tsig_key *
key_of(const char *name, const char *secret)
{
	struct mus_tsig_key *k = NULL;

	assert_int_equal(mus_tsig_key_new(name, "hmac-sha256", secret, &k, NULL), 0);
	return k;
}
