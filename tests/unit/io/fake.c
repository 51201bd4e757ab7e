#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"

struct fake_conn {
	struct fake *f;
	struct fake_conn *next;
	uv_poll_t *poll;
	int fd;
	uint8_t *in;
	size_t len;
};

static void
on_closed(uv_handle_t *h)
{
	free(h);
}

static void
poll_close(uv_poll_t *p, int fd)
{
	if (p)
		uv_close((uv_handle_t *)p, on_closed);
	if (fd >= 0)
		(void)close(fd);
}

static uv_poll_t *
poll_new(struct mus_loop *l, int fd, uv_poll_cb cb, void *data)
{
	uv_poll_t *p = calloc(1, sizeof *p);

	assert_non_null(p);
	assert_int_equal(uv_poll_init(mus_loop_uv(l), p, fd), 0);
	p->data = data;
	assert_int_equal(uv_poll_start(p, UV_READABLE, cb), 0);
	return p;
}

static void
on_udp(uv_poll_t *h, int status, int events)
{
	struct fake *f = h->data;
	static struct fake_q q;
	ssize_t n;

	(void)status;
	(void)events;
	for (;;) {
		q.f = f;
		q.conn = NULL;
		q.from_len = sizeof q.from;
		n = recvfrom(f->udp_fd, q.wire, sizeof q.wire, MSG_DONTWAIT,
		    (struct sockaddr *)&q.from, &q.from_len);
		if (n < 0)
			return;
		q.len = (size_t)n;
		f->udp_count++;
		f->fn(&q, f->arg);
	}
}

static void
on_conn(uv_poll_t *h, int status, int events)
{
	struct fake_conn *c = h->data;
	struct fake *f = c->f;
	struct fake_q *q;
	size_t want;
	ssize_t n;

	(void)events;
	n = status < 0 ? 0 : recv(c->fd, c->in + c->len, 131072 - c->len, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fake_close(c);
		return;
	}
	c->len += (size_t)n;
	while (c->len >= 2 && c->len >= 2 + (want = (size_t)c->in[0] << 8 | c->in[1])) {
		q = calloc(1, sizeof *q);
		assert_non_null(q);
		q->f = f;
		q->conn = c;
		q->len = want;
		memcpy(q->wire, c->in + 2, want);
		memmove(c->in, c->in + 2 + want, c->len - 2 - want);
		c->len -= 2 + want;
		f->tcp_count++;
		f->fn(q, f->arg);
		free(q);
		for (c = f->conns; c && c->poll != h; c = c->next)
			;
		if (!c)
			return;		/* the handler has closed it */
	}
}

static void
on_accept(uv_poll_t *h, int status, int events)
{
	struct fake *f = h->data;
	struct fake_conn *c;
	int fd, on = 1;

	(void)status;
	(void)events;
	while ((fd = accept4(f->tcp_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		c = calloc(1, sizeof *c);
		assert_non_null(c);
		c->in = malloc(131072);
		assert_non_null(c->in);
		c->f = f;
		c->fd = fd;
		c->next = f->conns;
		f->conns = c;
		f->conn_count++;
		f->conns_open++;
		c->poll = poll_new(f->loop, fd, on_conn, c);
	}
}

static int
bound(int type, struct sockaddr_storage *sa, socklen_t len)
{
	int fd = socket(sa->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), size = 4 << 20;

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(fd, (struct sockaddr *)sa, len) < 0) {
		(void)close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)sa, &len), 0);
	return fd;
}

struct fake *
fake_new(struct mus_loop *l, int what, fake_fn *fn, void *arg)
{
	struct fake *f = calloc(1, sizeof *f);
	struct sockaddr_storage sa;
	struct sockaddr_in *s4 = (struct sockaddr_in *)&sa;
	struct sockaddr_in6 *s6 = (struct sockaddr_in6 *)&sa;
	socklen_t len = what & FAKE_IP6 ? sizeof *s6 : sizeof *s4;
	int tries;

	assert_non_null(f);
	f->loop = l;
	f->fn = fn;
	f->arg = arg;
	f->udp_fd = f->tcp_fd = -1;
	/* UDP and TCP on the same port: try until a port is free for both. */
	for (tries = 0; tries < 100; tries++) {
		memset(&sa, 0, sizeof sa);
		if (what & FAKE_IP6) {
			s6->sin6_family = AF_INET6;
			s6->sin6_addr = in6addr_loopback;
		} else {
			s4->sin_family = AF_INET;
			s4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		}
		f->tcp_fd = bound(SOCK_STREAM, &sa, len);
		f->udp_fd = bound(SOCK_DGRAM, &sa, len);
		if (f->udp_fd >= 0)
			break;
		(void)close(f->tcp_fd);
	}
	assert_true(f->udp_fd >= 0);
	if (what & FAKE_IP6) {
		f->addr.family = 6;
		f->addr.port = ntohs(s6->sin6_port);
		memcpy(f->addr.ip, &s6->sin6_addr, 16);
	} else {
		f->addr.family = 4;
		f->addr.port = ntohs(s4->sin_port);
		memcpy(f->addr.ip, &s4->sin_addr, 4);
	}
	if (what & FAKE_UDP) {
		f->udp_poll = poll_new(l, f->udp_fd, on_udp, f);
	} else {
		(void)close(f->udp_fd);
		f->udp_fd = -1;
	}
	if (what & FAKE_TCP) {
		assert_int_equal(listen(f->tcp_fd, 128), 0);
		f->tcp_poll = poll_new(l, f->tcp_fd, on_accept, f);
	}				/* else bound, not listening: refused */
	return f;
}

void
fake_close(struct fake_conn *c)
{
	struct fake_conn **p = &c->f->conns;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->f->conns_open--;
	poll_close(c->poll, c->fd);
	free(c->in);
	free(c);
}

void
fake_close_all(struct fake *f)
{
	while (f->conns)
		fake_close(f->conns);
}

void
fake_free(struct fake *f)
{
	fake_close_all(f);
	poll_close(f->udp_poll, f->udp_fd);
	poll_close(f->tcp_poll, f->tcp_fd);
	free(f);
}

size_t
fake_reply(const struct fake_q *q, unsigned rcode, unsigned count, uint8_t *out)
{
	static const uint8_t rr[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2};
	size_t at = 12;
	unsigned i;

	while (q->wire[at] != 0)
		at += q->wire[at] + 1u;
	at += 5;
	memcpy(out, q->wire, at);
	out[2] = (uint8_t)(0x84 | (out[2] & 0x79));
	out[3] = (uint8_t)rcode;
	memset(out + 6, 0, 6);
	out[7] = (uint8_t)count;
	for (i = 0; i < count; i++) {
		memcpy(out + at, rr, sizeof rr);
		out[at + sizeof rr] = (uint8_t)(i + 1);
		at += sizeof rr + 1;
	}
	return at;
}

void
fake_raw(struct fake_conn *c, const void *p, size_t len)
{
	ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return;			/* the other side has closed: as on a real network */
	assert_int_equal(n, (ssize_t)len);
}

void
fake_send(struct fake_q *q, const uint8_t *wire, size_t len)
{
	uint8_t framed[65537];

	if (!q->conn) {
		assert_int_equal(sendto(q->f->udp_fd, wire, len, 0, (struct sockaddr *)&q->from,
		    q->from_len), (ssize_t)len);
		return;
	}
	framed[0] = (uint8_t)(len >> 8);
	framed[1] = (uint8_t)len;
	memcpy(framed + 2, wire, len);
	fake_raw(q->conn, framed, 2 + len);
}

void
fake_answer(struct fake_q *q, unsigned rcode, unsigned count)
{
	uint8_t out[65536];

	fake_send(q, out, fake_reply(q, rcode, count, out));
}

/* ---- waiting ---- */

struct wait {
	struct mus_loop *loop;
	const unsigned *have;
	unsigned want;
	bool timed_out;
	uv_timer_t tick;		/* looks often: the loop may sleep after what it waits for */
	uv_timer_t timer;
};

static void
on_tick(uv_timer_t *h)
{
	struct wait *w = h->data;

	if (w->have && *w->have >= w->want)
		mus_loop_stop(w->loop);
}

static void
on_limit(uv_timer_t *h)
{
	struct wait *w = h->data;

	w->timed_out = true;
	mus_loop_stop(w->loop);
}

static void
on_wait_closed(uv_handle_t *h)
{
	(*(unsigned *)h->data)++;
}

static bool
wait_run(struct mus_loop *l, const unsigned *have, unsigned want, unsigned ms)
{
	struct wait w = {.loop = l, .have = have, .want = want};
	uv_loop_t *uv = mus_loop_uv(l);
	unsigned closed = 0;

	(void)uv_timer_init(uv, &w.tick);
	(void)uv_timer_init(uv, &w.timer);
	w.tick.data = w.timer.data = &w;
	uv_update_time(uv);
	(void)uv_timer_start(&w.tick, on_tick, 1, 1);
	(void)uv_timer_start(&w.timer, on_limit, ms, 0);
	while (!w.timed_out && !(have && *have >= want))
		mus_loop_run(l);
	w.tick.data = w.timer.data = &closed;
	uv_close((uv_handle_t *)&w.tick, on_wait_closed);
	uv_close((uv_handle_t *)&w.timer, on_wait_closed);
	while (closed < 2)
		(void)uv_run(uv, UV_RUN_NOWAIT);
	return !have || *have >= want;
}

void
until(struct mus_loop *l, const unsigned *have, unsigned want)
{
	if (!wait_run(l, have, want, 60000))
		fail_msg("have %u of %u after a minute", *have, want);
}

void
turn_for(struct mus_loop *l, unsigned ms)
{
	(void)wait_run(l, NULL, 0, ms);
}
