/*
 * UDP: a pool of sockets on random ports, not connected, so that one serves all servers.  Sockets
 * are replaced after a while; an old one lives on until nobody waits for it.  What the network
 * reports by ICMP comes through the error queue (IP_RECVERR), with the address it is about.
 */
#include <errno.h>
#include <time.h>			/* before errqueue.h, which needs it */
#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/dnsx_priv.h"

enum { ASKS_IN_A_ROW = 32, RECV_ROUNDS = 4, RCVBUF_BYTES = 1 << 20, ERRQUEUE_ROUNDS = 64 };

/* ---- sockets ---- */

static void on_sock(uv_poll_t *h, int status, int events);

static void
on_sock_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
sock_close(struct dnsx_sock *s)
{
	struct mus_dnsx *x = s->x;

	if (s->is_dirty)
		TAILQ_REMOVE(&x->dirty_socks, s, dirty_link);
	TAILQ_REMOVE(&x->socks, s, link);
	s->closed = true;
	uv_close((uv_handle_t *)&s->poll, on_sock_closed);
	(void)close(s->fd);
	s->fd = -1;
}

/* Out of the pool; closed when the last question has left it. */
static void
sock_retire(struct dnsx_sock *s)
{
	struct mus_dnsx *x = s->x;
	unsigned f = s->family == 6, i;

	if (x->cur[f] == s)
		x->cur[f] = NULL;
	for (i = 0; i < x->pool_size; i++) {
		if (x->pool[f][i] == s)
			x->pool[f][i] = NULL;
	}
	s->retired = true;
	if (s->users == 0)
		sock_close(s);
}

static int
fd_open(const struct mus_addr *source, uint8_t family)
{
	struct mus_addr any = {.family = family};
	struct sockaddr_storage sa;
	int on = 1, fd, size = RCVBUF_BYTES, omit;
	socklen_t len;

	if (source->family == family)
		any = *source;
	any.port = 0;
	len = mus__sockaddr_of(&any, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Best effort: without these we only wait longer, or lose more in a burst. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (family == 6) {
		omit = IPV6_PMTUDISC_OMIT;
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit, sizeof omit);
	} else {
		omit = IP_PMTUDISC_OMIT;	/* forged "too big" messages change nothing */
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
		(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
	}
	/* Port 0: the kernel draws one at random from its range. */
	if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
		int eno = errno;

		(void)close(fd);
		return -eno;
	}
	return fd;
}

static int
sock_open(struct mus_dnsx *x, uint8_t family, struct dnsx_sock **out)
{
	struct dnsx_sock *s;
	int fd, rc;

	if ((fd = fd_open(&x->source[family == 6], family)) < 0)
		return fd;
	if (!(s = calloc(1, sizeof *s))) {
		(void)close(fd);
		return -ENOMEM;
	}
	if ((rc = uv_poll_init(mus_loop_uv(x->loop), &s->poll, fd)) < 0) {
		(void)close(fd);
		free(s);
		return rc;
	}
	s->poll.data = s;
	s->x = x;
	s->fd = fd;
	s->family = family;
	s->opened_ms = dnsx_now(x);
	TAILQ_INIT(&s->out);
	TAILQ_INSERT_TAIL(&x->socks, s, link);
	(void)uv_poll_start(&s->poll, UV_READABLE, on_sock);
	if (x->sweep.idx == 0)
		mus__dnsx_timer_set(x, &x->sweep, s->opened_ms + DNSX_SWEEP_MS);
	*out = s;
	return 0;
}

/* A socket for one more question.  Questions of one moment share sockets by the dozen, so that
 * they leave in one system call; which socket is drawn at random. */
static int
sock_pick(struct mus_dnsx *x, uint8_t family, struct dnsx_sock **out)
{
	unsigned f = family == 6, i = mus__dnsx_random(x) % x->pool_size, k;
	struct dnsx_sock *s = x->cur[f];
	int rc = -EMFILE;

	if (s && x->cur_left[f] > 0) {
		x->cur_left[f]--;
		*out = s;
		return 0;
	}
	s = x->pool[f][i];
	if (s && (s->asks >= DNSX_SOCK_ASKS || dnsx_now(x) - s->opened_ms >= DNSX_SOCK_AGE_MS)) {
		sock_retire(s);
		s = NULL;
	}
	if (!s && (rc = sock_open(x, family, &s)) == 0)
		x->pool[f][i] = s;
	for (k = 0; !s && k < x->pool_size; k++)
		s = x->pool[f][k];	/* no file or memory left: any that we have */
	if (!s)
		return rc;
	x->cur[f] = s;
	x->cur_left[f] = ASKS_IN_A_ROW - 1;
	*out = s;
	return 0;
}

bool
mus__dnsx_udp_sweep(struct mus_dnsx *x)
{
	struct dnsx_sock *s, *next;
	int64_t now = dnsx_now(x);

	for (s = TAILQ_FIRST(&x->socks); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->users == 0 && now - s->opened_ms >= DNSX_SOCK_AGE_MS)
			sock_retire(s);
	}
	return !TAILQ_EMPTY(&x->socks);
}

void
mus__dnsx_udp_close(struct mus_dnsx *x)
{
	struct dnsx_sock *s;

	while ((s = TAILQ_FIRST(&x->socks))) {
		MUS_ASSERT(s->users == 0);
		sock_retire(s);
	}
}

static void
sock_mark(struct dnsx_sock *s)
{
	if (!s->is_dirty && !s->wants_write) {
		s->is_dirty = true;
		TAILQ_INSERT_TAIL(&s->x->dirty_socks, s, dirty_link);
	}
}

/* ---- a question's way through ---- */

static void
sock_leave(struct mus_dnsx_req *r)
{
	struct dnsx_sock *s = r->sock;

	if (!s)
		return;
	if (r->state == REQ_UDP_SEND)
		TAILQ_REMOVE(&s->out, r, link);
	r->sock = NULL;
	if (--s->users == 0 && s->retired)
		sock_close(s);
}

void
mus__dnsx_udp_drop(struct mus_dnsx_req *r)
{
	mus__dnsx_pending_remove(r->x, r);
	sock_leave(r);
}

/* (Re)sends: queues ${r} for the end of the turn. */
static void
send_soon(struct mus_dnsx_req *r)
{
	struct mus_dnsx *x = r->x;
	int rc;

	if (r->sock && r->sock->retired) {
		sock_leave(r);		/* an answer to the first try would be lost: rare */
	}
	if (!r->sock) {
		if ((rc = sock_pick(x, r->server->addr.family, &r->sock)) < 0) {
			r->udp_errno = -rc;
			mus__dnsx_udp_over(r);
			return;
		}
		r->sock->users++;
		r->sock->asks++;
	}
	r->state = REQ_UDP_SEND;
	TAILQ_INSERT_TAIL(&r->sock->out, r, link);
	sock_mark(r->sock);
}

void
mus__dnsx_udp_start(struct mus_dnsx_req *r)
{
	r->state = REQ_UDP_WAIT;	/* and on no socket yet */
	if (!mus__dnsx_pending_add(r->x, r, r->server->chan)) {
		mus__dnsx_fail(r, MUS_ERR_FULL, "no message id is free");
		return;
	}
	send_soon(r);
}

void
mus__dnsx_udp_timeout(struct mus_dnsx_req *r)
{
	unsigned tries = r->x->o.udp_tries;

	r->udp_ms += (unsigned)(dnsx_now(r->x) - r->sent_ms);
	if (!r->once && r->tries < tries && !mus__dnsx_server_is_silent(r->server)) {
		r->x->stats.retries++;
		mus__dnsx_charge(r->server);
		send_soon(r);
	} else {
		mus__dnsx_udp_over(r);
	}
}

/* ---- receiving ---- */

static void
on_datagram(struct dnsx_sock *s, const uint8_t *wire, size_t len, bool cut,
    const struct sockaddr_storage *from)
{
	struct mus_dnsx *x = s->x;
	struct dnsx_server *server;
	struct mus_dnsx_req *r = NULL;
	struct mus_addr a;

	if (len >= DNSX_HEADER && mus__sockaddr_read(from, &a) &&
	    (server = mus__dnsx_server_find(x, &a)))
		r = mus__dnsx_pending_get(x, server->chan, (uint16_t)(wire[0] << 8 | wire[1]));
	if (!r || r->sock != s || r->tries == 0 || !mus__dnsx_matches(r, wire, len)) {
		x->stats.dropped_mismatch++;
		return;
	}
	if ((cut || (wire[2] & 2)) && r->via == MUS_VIA_AUTO && !r->once) {
		r->server->silent = 0;
		x->stats.tcp_fallbacks++;
		mus__dnsx_timer_clear(x, &r->timer);
		mus__dnsx_udp_drop(r);
		mus__dnsx_tcp_start(r);
		return;
	}
	mus__dnsx_answer(r, wire, len, MUS_VIA_UDP);
}

/* Reads the error queue: which of our questions could not be delivered? */
static bool
drain_errors(struct dnsx_sock *s)
{
	struct mus_dnsx *x = s->x;
	uint8_t data[64], control[512];
	struct sockaddr_storage to;
	struct iovec iov = {data, sizeof data};
	struct mus_addr a;
	int rounds;

	for (rounds = 0; rounds < ERRQUEUE_ROUNDS; rounds++) {
		struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &iov,
			.msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		const struct sock_extended_err *e = NULL;
		struct cmsghdr *c;
		struct dnsx_server *server;
		struct mus_dnsx_req *r;
		ssize_t n = recvmsg(s->fd, &m, MSG_ERRQUEUE);

		if (n < 0)
			break;
		for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
				e = (const struct sock_extended_err *)(const void *)CMSG_DATA(c);
		}
		if (!e || n < 2 || !mus__sockaddr_read(&to, &a) ||
		    (e->ee_origin != SO_EE_ORIGIN_ICMP && e->ee_origin != SO_EE_ORIGIN_ICMP6))
			continue;
		if (!(server = mus__dnsx_server_find(x, &a)) ||
		    !(r = mus__dnsx_pending_get(x, server->chan, (uint16_t)(data[0] << 8 | data[1]))) ||
		    r->sock != s || r->tries == 0)
			continue;
		r->udp_errno = (int)e->ee_errno;
		/* Port unreachable will not change within seconds.  The rest (host, net) may: the
		 * tries go on, and the words name it when they were in vain. */
		if (e->ee_errno == ECONNREFUSED)
			mus__dnsx_udp_over(r);
	}
	return rounds > 0;
}

static void
sock_read(struct dnsx_sock *s, int max_rounds)
{
	struct mus_dnsx *x = s->x;
	struct mmsghdr mm[DNSX_BATCH];
	struct iovec iov[DNSX_BATCH];
	struct sockaddr_storage from[DNSX_BATCH];
	int rounds, n, i;

	for (rounds = 0; rounds < max_rounds && !x->dead && !s->closed; rounds++) {
		for (i = 0; i < DNSX_BATCH; i++) {
			iov[i] = (struct iovec){x->udp_buf[i], DNSX_UDP_BUF};
			mm[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
				.msg_namelen = sizeof from[i], .msg_iov = &iov[i], .msg_iovlen = 1};
		}
		do {
			n = recvmmsg(s->fd, mm, DNSX_BATCH, MSG_DONTWAIT, NULL);
		} while (n < 0 && errno == EINTR);
		if (n < 0 && errno != EAGAIN && drain_errors(s))
			continue;
		if (n <= 0)
			return;
		for (i = 0; i < n && !x->dead && !s->closed; i++)
			on_datagram(s, x->udp_buf[i], mm[i].msg_len,
			    (mm[i].msg_hdr.msg_flags & MSG_TRUNC) != 0, &from[i]);
		if (n < DNSX_BATCH)
			return;
	}
}

static void
sock_watch(struct dnsx_sock *s)
{
	(void)uv_poll_start(&s->poll, UV_READABLE | (s->wants_write ? UV_WRITABLE : 0), on_sock);
}

static void
on_sock(uv_poll_t *h, int status, int events)
{
	struct dnsx_sock *s = h->data;
	struct mus_dnsx *x = s->x;

	mus__dnsx_enter(x);
	if (status < 0)
		(void)drain_errors(s);	/* libuv has stopped watching */
	if (s->wants_write && !s->closed && (status < 0 || (events & UV_WRITABLE))) {
		s->wants_write = false;
		if (!TAILQ_EMPTY(&s->out))
			sock_mark(s);
		status = -1;
	}
	if (!s->closed)
		sock_read(s, RECV_ROUNDS);
	if (status < 0 && !x->dead && !s->closed)
		sock_watch(s);
	mus__dnsx_leave(x);
}

void
mus__dnsx_udp_poll(struct mus_dnsx *x)
{
	struct dnsx_sock *s, *next;

	/* A callback may close sockets, the one being read too: then the rest waits its turn. */
	for (s = TAILQ_FIRST(&x->socks); s && !x->dead; s = next) {
		if (s->users > 0)
			sock_read(s, 1 << 10);
		next = s->closed ? NULL : TAILQ_NEXT(s, link);
	}
}

/* ---- sending ---- */

/* What is sent (or lost on the way out, which is the same) waits for its answer. */
static void
sent(struct mus_dnsx_req *r)
{
	struct mus_dnsx *x = r->x;
	unsigned shift = r->tries < 6 ? r->tries : 6;

	TAILQ_REMOVE(&r->sock->out, r, link);
	r->state = REQ_UDP_WAIT;
	r->tries++;
	r->sent_ms = dnsx_now(x);
	mus__dnsx_timer_set(x, &r->timer, r->sent_ms + ((int64_t)x->o.udp_timeout_ms << shift));
}

static bool
sock_send(struct dnsx_sock *s, size_t *budget)
{
	struct mmsghdr mm[DNSX_BATCH];
	struct iovec iov[DNSX_BATCH];
	struct mus_dnsx_req *r, *next;
	const uint8_t *wire;
	size_t len;
	int count = 0, n, i, rc;

	for (r = TAILQ_FIRST(&s->out); r && count < DNSX_BATCH && (size_t)count < *budget; r = next) {
		next = TAILQ_NEXT(r, link);
		if ((rc = mus__dnsx_wire(r, r->tries == 0, &wire, &len)) < 0) {
			mus__dnsx_fail(r, rc, "sign the question: %s", mus_err_text(rc));
			continue;
		}
		iov[count] = (struct iovec){(void *)(uintptr_t)wire, len};
		mm[count].msg_hdr = (struct msghdr){.msg_name = &r->server->sa,
			.msg_namelen = r->server->sa_len, .msg_iov = &iov[count], .msg_iovlen = 1};
		count++;
	}
	if (count == 0)
		return false;
	do {
		n = sendmmsg(s->fd, mm, (unsigned)count, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		s->wants_write = true;
		sock_watch(s);
		return false;
	}
	if (n < 0 && errno != ENOBUFS && errno != ENOMEM) {
		int eno = errno;

		/* Either an ICMP message about an earlier question (then there is something in
		 * the error queue, and we send again) or this one cannot be sent. */
		if (!drain_errors(s) && (r = TAILQ_FIRST(&s->out))) {
			r->udp_errno = eno;
			r->tries++;
			mus__dnsx_udp_over(r);
		}
		return !s->closed;
	}
	if (n < 0)
		n = 1;			/* the queue of the interface is full: as if lost */
	for (i = 0; i < n; i++)
		sent(TAILQ_FIRST(&s->out));
	*budget -= (size_t)n;
	return true;
}

size_t
mus__dnsx_udp_flush(struct mus_dnsx *x)
{
	size_t budget = DNSX_TURN_SENDS;
	struct dnsx_sock *s;

	while (budget > 0 && (s = TAILQ_FIRST(&x->dirty_socks))) {
		while (budget > 0 && !s->closed && !TAILQ_EMPTY(&s->out)) {
			if (!sock_send(s, &budget))
				break;
		}
		if (!s->closed && (budget > 0 || TAILQ_EMPTY(&s->out))) {
			s->is_dirty = false;
			TAILQ_REMOVE(&x->dirty_socks, s, dirty_link);
		}
	}
	return TAILQ_EMPTY(&x->dirty_socks) ? 0 : 1;
}
