/* Questions over UDP, what is dropped, what bounds them, and what is refused at once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dnsx_rig.h"

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
		T(update_is_sent_once),
		T(wrong_arguments),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
