#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"
#include "io/dnsx_priv.h"

/* Short times, so that what waits for a time-out does not take long. */
static const struct mus_dnsx_opts quick = {
	.udp_timeout_ms = 20, .tcp_timeout_ms = 300, .tcp_idle_ms = 1000,
};

/* Long ones, where a time-out would change what is counted: a slow machine answers late, too. */
static const struct mus_dnsx_opts patient = {
	.udp_timeout_ms = 10000, .tcp_timeout_ms = 10000, .tcp_idle_ms = 10000,
};

static struct mus_loop *l;
static struct mus_dnsx *x;
static struct mus_name www;

struct got {				/* what the callback of one question saw */
	unsigned n;
	int err;
	char words[480];
	enum mus_dnsx_via via;
	bool udp_silent, has_msg, tc;
	enum mus_tsig_result tsig;
	struct mus_addr server;
	uint16_t rcode, id;
	size_t answers;
	unsigned rtt_ms;
	int64_t at_ms;
	unsigned *total;		/* counted up too, when set */
};

static void
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

static int
set_up(void **state)
{
	(void)state;
	if (mus_name_parse("www.example.org", &www, NULL) < 0)
		return -1;
	l = mus_loop_new();
	x = l ? mus_dnsx_new(l, &quick) : NULL;
	return x ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	mus_dnsx_free(x);
	x = NULL;
	mus_loop_free(l);
	return 0;
}

static void
options(const struct mus_dnsx_opts *o)
{
	mus_dnsx_free(x);
	x = mus_dnsx_new(l, o);
	assert_non_null(x);
}

static struct mus_dnsx_ask
question(const struct mus_addr *server, enum mus_dnsx_via via)
{
	return (struct mus_dnsx_ask){.server = *server, .via = via,
		.query = {.name = www, .type = MUS_TYPE_A, .dnssec = true}};
}

static struct got
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

static struct got
ask_it(const struct mus_addr *server, enum mus_dnsx_via via)
{
	struct mus_dnsx_ask q = question(server, via);

	return ask_and_wait(&q);
}

/* ---- servers ---- */

static void
answers(struct fake_q *q, void *arg)
{
	(void)arg;
	fake_answer(q, 0, 2);
}

static void
silent(struct fake_q *q, void *arg)
{
	(void)q;
	(void)arg;
}

static void
silent_on_udp(struct fake_q *q, void *arg)
{
	(void)arg;
	if (q->conn)
		fake_answer(q, 0, 1);
}

/* Does not answer the first *arg questions. */
static void
slow_to_start(struct fake_q *q, void *arg)
{
	unsigned *left = arg;

	if (*left > 0)
		(*left)--;
	else
		fake_answer(q, 0, 1);
}

/* ---- UDP ---- */

static void
answer_comes_back(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP, answers, NULL);
	int64_t before = mus_loop_now(l).ms;
	struct got g;

	(void)state;
	options(&patient);
	g = ask_it(&f->addr, MUS_VIA_AUTO);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.answers, 2);
	assert_int_equal(g.via, MUS_VIA_UDP);
	assert_false(g.udp_silent);
	assert_true(mus_addr_equal(&g.server, &f->addr));
	assert_true(g.at_ms >= before && g.at_ms < before + 20000);
	assert_int_equal(f->udp_count, 1);
	assert_int_equal(mus_dnsx_stats(x).asked, 1);
	assert_int_equal(mus_dnsx_stats(x).answered, 1);
	assert_int_equal(mus_dnsx_stats(x).retries, 0);
	fake_free(f);
}

static void
answer_over_ip6(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP | FAKE_IP6, answers, NULL);
	struct got g = ask_it(&f->addr, MUS_VIA_UDP);

	(void)state;
	assert_int_equal(g.err, 0);
	g = ask_it(&f->addr, MUS_VIA_TCP);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.via, MUS_VIA_TCP);
	assert_int_equal(g.server.family, 6);
	fake_free(f);
}

static void
lost_question_is_repeated(void **state)
{
	unsigned lose = 2;
	struct fake *f = fake_new(l, FAKE_UDP, slow_to_start, &lose);
	struct got g = ask_it(&f->addr, MUS_VIA_UDP);

	(void)state;
	assert_int_equal(g.err, 0);
	assert_int_equal(f->udp_count, 3);
	assert_int_equal(mus_dnsx_stats(x).retries, 2);
	fake_free(f);
}

/* The answer to the first try is as good as that to the second. */
static struct fake_q *kept;

static void
answers_first_on_second(struct fake_q *q, void *arg)
{
	unsigned *n = arg;

	if (++*n == 1) {
		kept = malloc(sizeof *kept);
		assert_non_null(kept);
		*kept = *q;
	} else if (*n == 2) {
		fake_answer(kept, 0, 1);
		free(kept);
	}
}

static void
late_answer_counts(void **state)
{
	unsigned n = 0;
	struct fake *f = fake_new(l, FAKE_UDP, answers_first_on_second, &n);
	struct got g = ask_it(&f->addr, MUS_VIA_UDP);

	(void)state;
	assert_int_equal(g.err, 0);
	assert_int_equal(f->udp_count, 2);
	fake_free(f);
}

static void
silence_is_an_error_with_words(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, silent, NULL);
	struct got g = ask_it(&f->addr, MUS_VIA_UDP);
	char want[128], addr[MUS_ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_false(g.has_msg);
	(void)snprintf(want, sizeof want, "%s udp: no answer in 3 tries",
	    mus_addr_text(&f->addr, 53, addr));
	assert_non_null(strstr(g.words, want));
	assert_int_equal(f->udp_count, 3);
	assert_int_equal(f->tcp_count, 0);
	/* AUTO: TCP is tried as well, and the words tell of both. */
	g = ask_it(&f->addr, MUS_VIA_AUTO);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_non_null(strstr(g.words, want));
	assert_non_null(strstr(g.words, "; tcp: no answer in 300 ms"));
	assert_int_equal(f->tcp_count, 1);
	assert_int_equal(mus_dnsx_stats(x).timeouts, 2);
	fake_free(f);
}

static void
udp_silent_is_told(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, silent_on_udp, NULL);
	struct got g = ask_it(&f->addr, MUS_VIA_AUTO);

	(void)state;
	assert_int_equal(g.err, 0);
	assert_int_equal(g.via, MUS_VIA_TCP);
	assert_true(g.udp_silent);
	assert_int_equal(mus_dnsx_stats(x).tcp_fallbacks, 1);
	fake_free(f);
}

/* A server known to be silent costs one try per question, but is tried in full now and then. */
static void
silent_server_is_asked_less(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP, silent, NULL);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_UDP);
	struct got g[DNSX_SILENT], one;
	unsigned i, total = 0;

	(void)state;
	memset(g, 0, sizeof g);
	for (i = 0; i < DNSX_SILENT + 1; i++) {
		g[i % DNSX_SILENT].total = &total;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g[i % DNSX_SILENT], NULL), 0);
	}
	until(l, &total, DNSX_SILENT + 1);
	f->udp_count = 0;
	one = ask_and_wait(&q);
	assert_int_equal(one.err, MUS_ERR_TIMEOUT);
	assert_non_null(strstr(one.words, "silent for long"));
	assert_int_equal(f->udp_count, 1);
	/* An answer makes it an ordinary server again. */
	f->fn = answers;
	one = ask_and_wait(&q);
	assert_int_equal(one.err, 0);
	f->fn = silent;
	f->udp_count = 0;
	one = ask_and_wait(&q);
	assert_int_equal(f->udp_count, 3);
	fake_free(f);
}

static void
truncated_goes_to_tcp(struct fake_q *q, void *arg)
{
	uint8_t out[2048];
	size_t len = fake_reply(q, 0, q->conn ? 5 : 0, out);

	(void)arg;
	if (!q->conn)
		out[2] |= 2;
	fake_send(q, out, len);
}

static void
truncation(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, truncated_goes_to_tcp, NULL);
	struct got g = ask_it(&f->addr, MUS_VIA_AUTO);

	(void)state;
	assert_int_equal(g.err, 0);
	assert_int_equal(g.via, MUS_VIA_TCP);
	assert_int_equal(g.answers, 5);
	assert_false(g.udp_silent);
	assert_int_equal(f->udp_count, 1);
	/* UDP only: the truncated answer is given. */
	g = ask_it(&f->addr, MUS_VIA_UDP);
	assert_int_equal(g.err, 0);
	assert_true(g.tc);
	assert_int_equal(g.answers, 0);
	fake_free(f);
}

/* ---- what must be dropped ---- */

static int other_fd = -1;

static void
forges_first(struct fake_q *q, void *arg)
{
	uint8_t out[512], bad[512];
	size_t len = fake_reply(q, 0, 1, out);

	(void)arg;
#define FORGED(change) (memcpy(bad, out, len), (change), fake_send(q, bad, len))
	FORGED(bad[0] ^= 1);			/* id */
	FORGED(bad[13] ^= 1);			/* name */
	FORGED(bad[len - 16 - 3] ^= 1);		/* type */
	FORGED(bad[len - 16 - 1] ^= 3);		/* class */
	FORGED(bad[2] &= 0x7f);			/* a question */
	FORGED(bad[2] |= 0x28);			/* UPDATE */
	FORGED(bad[5] = 0);			/* data without a question */
	FORGED(bad[5] = 2);			/* two questions */
#undef FORGED
	fake_send(q, out, 5);			/* no header */
	/* Everything right, from another port. */
	assert_int_equal(sendto(other_fd, out, len, 0, (struct sockaddr *)&q->from, q->from_len),
	    (ssize_t)len);
	fake_answer(q, 0, 3);
}

static void
forgeries_are_dropped(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP, forges_first, NULL);
	struct got g;

	(void)state;
	other_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g = ask_it(&f->addr, MUS_VIA_UDP);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.answers, 3);
	assert_int_equal(mus_dnsx_stats(x).dropped_mismatch, 10);
	(void)close(other_fd);
	fake_free(f);
}

/* The right answer, but to the port of another question of ours. */
static void
answers_beside(struct fake_q *q, void *arg)
{
	unsigned *n = arg;
	struct fake_q beside;

	if ((*n)++ == 0) {
		kept = malloc(sizeof *kept);
		assert_non_null(kept);
		*kept = *q;
		return;
	}
	beside = *kept;
	beside.from = q->from;
	fake_answer(&beside, 0, 1);
	fake_answer(q, 0, 1);
}

static void
answer_to_another_port_is_dropped(void **state)
{
	struct mus_dnsx_opts o = {.udp_timeout_ms = 5000};
	unsigned n = 0, i;
	struct fake *f = fake_new(l, FAKE_UDP, answers_beside, &n);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_UDP);
	struct got first = {0}, g[20];

	(void)state;
	options(&o);
	memset(g, 0, sizeof g);
	assert_int_equal(mus_dnsx_ask(x, &q, got, &first, NULL), 0);
	until(l, &n, 1);
	for (i = 0; i < 20; i++) {	/* one may draw the same port: then it is answered */
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g[i], NULL), 0);
		until(l, &g[i].n, 1);
		if (mus_dnsx_stats(x).dropped_mismatch > 0)
			break;
		assert_int_equal(first.n, 1);
		first.n = 0;
		free(kept);
		n = 0;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &first, NULL), 0);
		until(l, &n, 1);
	}
	assert_true(i < 20);
	assert_int_equal(first.n, 0);
	free(kept);
	fake_free(f);
}

static void
upper_case(struct fake_q *q, void *arg)
{
	uint8_t out[512];
	size_t len = fake_reply(q, 0, 1, out), i;

	(void)arg;
	for (i = 12; i < 12 + 17; i++) {
		if (out[i] >= 'a' && out[i] <= 'z')
			out[i] = (uint8_t)(out[i] - 32);
	}
	fake_send(q, out, len);
}

static void
short_formerr(struct fake_q *q, void *arg)
{
	uint8_t out[512];

	(void)arg;
	(void)fake_reply(q, 1, 0, out);
	out[5] = 0;
	fake_send(q, out, 12);
}

static void
broken(struct fake_q *q, void *arg)
{
	uint8_t out[512];
	size_t len = fake_reply(q, 0, 1, out);

	(void)arg;
	out[7] = 9;
	fake_send(q, out, len);
}

static void
odd_answers(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, upper_case, NULL);
	struct got g = ask_it(&f->addr, MUS_VIA_AUTO);

	(void)state;
	assert_int_equal(g.err, 0);
	f->fn = short_formerr;		/* just an answer */
	g = ask_it(&f->addr, MUS_VIA_AUTO);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.rcode, MUS_RCODE_FORMERR);
	f->fn = broken;
	g = ask_it(&f->addr, MUS_VIA_AUTO);
	assert_int_equal(g.err, MUS_ERR_MALFORM);
	assert_false(g.has_msg);
	assert_true(strlen(g.words) > 20);
	g = ask_it(&f->addr, MUS_VIA_TCP);
	assert_int_equal(g.err, MUS_ERR_MALFORM);
	fake_free(f);
}

static void
ports_and_ids_are_random(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP, answers, NULL);
	uint16_t id[64], last = 0;
	unsigned i, steps = 0, socks = 0;
	struct dnsx_sock *s;

	(void)state;
	for (i = 0; i < 64; i++) {
		id[i] = ask_it(&f->addr, MUS_VIA_UDP).id;
		steps += id[i] == (uint16_t)(last + 1);
		last = id[i];
	}
	TAILQ_FOREACH(s, &x->socks, link)
		socks++;
	assert_true(socks >= 4);	/* 8 or 64 to draw from */
	assert_true(steps < 3);
	fake_free(f);
}

/* ---- refused ---- */

static void
refused_is_told_at_once(void **state)
{
	struct fake *f = fake_new(l, 0, answers, NULL);
	int64_t before;
	struct got g;

	(void)state;
	options(NULL);			/* ordinary times: 1.5 s for a try */
	before = mus_loop_mono_ms(l);
	g = ask_it(&f->addr, MUS_VIA_UDP);
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "udp: connection refused"));
	g = ask_it(&f->addr, MUS_VIA_TCP);
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "tcp: connection refused"));
	assert_null(strstr(g.words, "udp"));
	g = ask_it(&f->addr, MUS_VIA_AUTO);
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "udp: connection refused; tcp: connection refused"));
	assert_true(mus_loop_mono_ms(l) - before < 1000);
	fake_free(f);
}

/* One dead server among others on the same sockets: only its questions fail. */
static void
refused_hits_only_its_own(void **state)
{
	struct fake *dead = fake_new(l, 0, answers, NULL), *ok = fake_new(l, FAKE_UDP, answers, NULL);
	struct mus_dnsx_ask qd = question(&dead->addr, MUS_VIA_UDP);
	struct mus_dnsx_ask qo = question(&ok->addr, MUS_VIA_UDP);
	struct got g[200];
	unsigned i, total = 0;

	(void)state;
	memset(g, 0, sizeof g);
	for (i = 0; i < 200; i++) {
		g[i].total = &total;
		assert_int_equal(mus_dnsx_ask(x, i % 2 ? &qd : &qo, got, &g[i], NULL), 0);
	}
	until(l, &total, 200);
	for (i = 0; i < 200; i++)
		assert_int_equal(g[i].err != 0, i % 2);
	fake_free(dead);
	fake_free(ok);
}

/* ---- bounds ---- */

static struct fake_q *held[256];
static unsigned held_count, held_max;

static void
holds(struct fake_q *q, void *arg)
{
	(void)arg;
	assert_true(held_count < 256);
	held[held_count] = malloc(sizeof *q);
	assert_non_null(held[held_count]);
	*held[held_count++] = *q;
	if (held_count > held_max)
		held_max = held_count;
}

static void
release(unsigned keep, bool answer)
{
	while (held_count > keep) {
		held_count--;
		if (answer)
			fake_answer(held[held_count], 0, 1);
		free(held[held_count]);
	}
}

static void
window_and_queue_hold(void **state)
{
	struct mus_dnsx_opts o = {.server_window = 4, .queue_max = 6, .udp_timeout_ms = 5000};
	struct fake *f = fake_new(l, FAKE_UDP, holds, NULL);
	struct fake *other = fake_new(l, FAKE_UDP, answers, NULL);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_UDP), q2;
	struct mus_dnsx_req *cookie[10];
	struct got g[11];
	unsigned i, total = 0;

	(void)state;
	options(&o);
	held_max = 0;
	memset(g, 0, sizeof g);
	for (i = 0; i < 11; i++) {
		g[i].total = &total;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g[i], i < 10 ? &cookie[i] : NULL),
		    i < 10 ? 0 : MUS_ERR_FULL);
	}
	assert_int_equal(mus_dnsx_stats(x).queued_now, 6);
	/* A server with room is not touched by the full queue of another. */
	q2 = question(&other->addr, MUS_VIA_UDP);
	assert_int_equal(ask_and_wait(&q2).err, 0);
	until(l, &held_count, 4);
	turn_for(l, 10);
	assert_int_equal(held_count, 4);
	/* One cancelled in the queue leaves room there, one in flight in the window. */
	mus_dnsx_cancel(cookie[9]);
	assert_int_equal(mus_dnsx_ask(x, &q, got, &g[9], NULL), 0);
	mus_dnsx_cancel(cookie[0]);
	free(held[0]);			/* its server's side of it */
	held[0] = held[3];
	held_count = 3;
	until(l, &held_count, 4);
	while (total < 9) {
		release(0, true);
		turn_for(l, 1);
	}
	assert_int_equal(held_max, 4);
	assert_int_equal(g[0].n, 0);
	assert_int_equal(g[10].n, 0);
	release(0, false);
	fake_free(f);
	fake_free(other);
}

static void
rate_holds(void **state)
{
	struct mus_dnsx_opts o = {.server_qps = 200};
	struct fake *f = fake_new(l, FAKE_UDP, answers, NULL);
	struct mus_dnsx_ask q = question(&f->addr, MUS_VIA_UDP);
	struct got g[50];
	unsigned i, total = 0;
	int64_t before;

	(void)state;
	options(&o);
	memset(g, 0, sizeof g);
	uv_update_time(mus_loop_uv(l));
	before = mus_loop_mono_ms(l);
	for (i = 0; i < 50; i++) {
		g[i].total = &total;
		assert_int_equal(mus_dnsx_ask(x, &q, got, &g[i], NULL), 0);
	}
	until(l, &total, 50);
	/* 50 at 200 a second, the first 10 (50 ms worth) at once: 200 ms. */
	assert_true(mus_loop_mono_ms(l) - before >= 190);
	assert_true(mus_loop_mono_ms(l) - before < 2000);
	fake_free(f);
}

enum { MANY = 10000, MANY_SERVERS = 4 };
static void
ten_thousand_at_once(void **state)
{
	struct mus_dnsx_opts o = {.server_window = MANY / MANY_SERVERS, .udp_timeout_ms = 1000};
	struct fake *f[MANY_SERVERS];
	struct got *g = calloc(MANY, sizeof *g);
	struct mus_dnsx_ask q[MANY_SERVERS];
	unsigned i, total = 0, errors = 0;

	(void)state;
	assert_non_null(g);
	options(&o);
	for (i = 0; i < MANY_SERVERS; i++) {
		f[i] = fake_new(l, FAKE_UDP, answers, NULL);
		q[i] = question(&f[i]->addr, MUS_VIA_UDP);
	}
	for (i = 0; i < MANY; i++) {
		g[i].total = &total;
		assert_int_equal(mus_dnsx_ask(x, &q[i % MANY_SERVERS], got, &g[i], NULL), 0);
	}
	assert_int_equal(mus_dnsx_stats(x).queued_now, 0);
	assert_int_equal(x->inflight, MANY);
	until(l, &total, MANY);
	for (i = 0; i < MANY; i++)
		errors += g[i].err != 0 || g[i].n != 1 ||
		    g[i].server.port != f[i % MANY_SERVERS]->addr.port;
	assert_int_equal(errors, 0);
	assert_int_equal(x->inflight, 0);
	assert_int_equal(x->pending_count, 0);
	for (i = 0; i < MANY_SERVERS; i++)
		fake_free(f[i]);
	free(g);
}

/* ---- TCP ---- */

enum { PIPE = 8 };
static void
out_of_order(struct fake_q *q, void *arg)
{
	holds(q, arg);
	if (held_count == PIPE)
		release(0, true);	/* the last first */
}

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

static struct mus_tsig_key *
key_of(const char *name, const char *secret)
{
	struct mus_tsig_key *k = NULL;

	assert_int_equal(mus_tsig_key_new(name, "hmac-sha256", secret, &k, NULL), 0);
	return k;
}

enum sign { SIGN_GOOD, SIGN_NOT, SIGN_BAD };
static void
signs(struct fake_q *q, void *arg)
{
	enum sign how = *(enum sign *)arg;
	struct mus_tsig_ctx ctx;
	uint8_t out[1024];
	size_t len;
	int n;

	mus_tsig_ctx_init(&ctx, key);
	assert_int_equal(mus_tsig_check_request(&ctx, q->wire, q->len, mus_loop_now(l)), MUS_TSIG_OK);
	len = fake_reply(q, how == SIGN_NOT ? MUS_RCODE_REFUSED : 0, 1, out);
	if (how != SIGN_NOT) {
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
		assert_non_null(strstr(g.words, "REFUSED"));
	}
	mus_tsig_key_free(key);
	fake_free(f);
}

/* ---- messages made by others, once ---- */

static void
update_is_sent_once(void **state)
{
	struct fake *f = fake_new(l, FAKE_UDP | FAKE_TCP, silent, NULL);
	uint8_t wire[512], rdata[4] = {192, 0, 2, 1};
	struct mus_upd_rr rr = {.kind = MUS_UPD_ADD, .owner = www, .type = MUS_TYPE_A, .ttl_s = 60,
		.rd = {rdata, 4}};
	struct mus_dnsx_ask q = {.server = f->addr, .via = MUS_VIA_TCP, .wire = wire, .once = true};
	struct got g;
	int n = mus_update_build(&www, &rr, 1, 0, wire, sizeof wire);

	(void)state;
	assert_true(n > 0);
	q.wire_len = (size_t)n;
	g = ask_and_wait(&q);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_int_equal(f->tcp_count, 1);
	q.via = MUS_VIA_AUTO;
	g = ask_and_wait(&q);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_int_equal(f->udp_count, 1);
	assert_int_equal(f->tcp_count, 1);
	f->fn = answers;
	q.via = MUS_VIA_TCP;
	g = ask_and_wait(&q);
	assert_int_equal(g.err, 0);
	f->fn = short_formerr;
	g = ask_and_wait(&q);
	assert_int_equal(g.rcode, MUS_RCODE_FORMERR);
	fake_free(f);
}

static void
wrong_arguments(void **state)
{
	struct mus_addr none = {0}, some = {.family = 4, .port = 53, .ip = {127, 0, 0, 1}};
	struct mus_dnsx_ask q = question(&none, MUS_VIA_UDP);
	uint8_t wire[40] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63};

	(void)state;
	assert_int_equal(mus_dnsx_ask(x, &q, got, NULL, NULL), MUS_ERR_INVAL);
	q.server = some;
	q.wire = wire;
	q.wire_len = sizeof wire;
	assert_int_equal(mus_dnsx_ask(x, &q, got, NULL, NULL), MUS_ERR_INVAL);
	assert_int_equal(mus_dnsx_stats(x).asked, 0);
}

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
		T(answer_comes_back),
		T(answer_over_ip6),
		T(lost_question_is_repeated),
		T(late_answer_counts),
		T(silence_is_an_error_with_words),
		T(udp_silent_is_told),
		T(silent_server_is_asked_less),
		T(truncation),
		T(forgeries_are_dropped),
		T(answer_to_another_port_is_dropped),
		T(odd_answers),
		T(ports_and_ids_are_random),
		T(refused_is_told_at_once),
		T(refused_hits_only_its_own),
		T(window_and_queue_hold),
		T(rate_holds),
		T(ten_thousand_at_once),
		T(pipelining),
		T(server_without_pipelining),
		T(kept_connection_closed),
		T(closed_in_mid_message),
		T(dripping_answers),
		T(tcp_rubbish),
		T(connections_are_bounded),
		T(tsig),
		T(update_is_sent_once),
		T(wrong_arguments),
		T(cancel_in_every_state),
		T(cancel_and_free_in_callbacks),
		T(free_with_everything_under_way),
		T(every_question_ends_once),
		T(servers_are_forgotten),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
