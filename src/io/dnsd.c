#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "base/buf.h"
#include "io/dnsd.h"
#include "io/sock_priv.h"

enum {
	HEADER = 12,
	UDP_PLAIN_MAX = 512,		/* answer without EDNS */
	TURN_DATAGRAMS = 64,		/* then the loop does other work */
	TURN_READS = 4,
	OUT_MAX = 256 << 10,		/* answers a client has not taken: no more is read from it */
	ARENA_MAX = 16 << 20,
	PORT_TRIES = 50,		/* port 0: one that is free for UDP and TCP */
	ACCEPT_PAUSE_MS = 100,		/* no file left */
	BACKLOG = 128,
};

struct listener {
	TAILQ_ENTRY(listener) link;
	struct mus_dnsd *d;
	struct mus_addr addr;
	bool is_any;			/* bound to no address: answer from the one asked */
	int udp_fd, tcp_fd;
	uv_poll_t *udp, *tcp;
	struct mus_timer *pause;
};

struct client {
	TAILQ_ENTRY(client) link;
	struct mus_dnsd *d;
	struct mus_addr from, to;
	int fd;
	uv_poll_t *poll;		/* freed when closed */
	struct mus_timer *timer;
	struct mus_buf in, out;
	size_t out_off;
	bool eof;
};

struct mus_dnsd {
	struct mus_loop *loop;
	struct mus_dnsd_opts o;
	mus_dnsd_fn *fn;
	void *arg;
	TAILQ_HEAD(, listener) listeners;
	TAILQ_HEAD(, client) clients;
	unsigned client_count;
	unsigned depth;			/* in a callback of the loop */
	bool dead;			/* freed by the handler */
	struct mus_arena arena;
	uint8_t in[MUS_MSG_MAX];	/* one datagram or one read */
	uint8_t out[MUS_MSG_MAX];
};

static void destroy(struct mus_dnsd *d);

static void
leave(struct mus_dnsd *d)
{
	if (--d->depth == 0 && d->dead)
		destroy(d);
}

/* ---- handles ---- */

static void
on_poll_closed(uv_handle_t *h)
{
	free(h);
}

static void
poll_close(uv_poll_t **p, int *fd)
{
	if (*p)
		uv_close((uv_handle_t *)*p, on_poll_closed);
	if (*fd >= 0)
		(void)close(*fd);
	*p = NULL;
	*fd = -1;
}

static uv_poll_t *
poll_new(struct mus_dnsd *d, int fd, int events, uv_poll_cb cb, void *data)
{
	uv_poll_t *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	if (uv_poll_init(mus_loop_uv(d->loop), p, fd) < 0) {
		free(p);
		return NULL;
	}
	p->data = data;
	(void)uv_poll_start(p, events, cb);
	return p;
}

/* ---- one request ---- */

/* The answer's length in d->out; 0: none. */
static size_t
handle(struct mus_dnsd *d, const struct mus_addr *from, const struct mus_addr *to, bool tcp,
    const uint8_t *wire, size_t len)
{
	struct mus_dnsd_req r = {.from = *from, .to = *to, .tcp = tcp, .wire = wire, .wire_len = len};
	size_t cap = MUS_MSG_MAX, n;
	struct mus_msg msg;
	int rc;

	/* Answers are nothing for us, and answering them would make two servers talk for ever. */
	if (len < HEADER || (wire[2] & 0x80))
		return 0;
	mus_arena_reset(&d->arena);
	rc = mus_msg_parse(wire, len, &d->arena, &msg, NULL);
	if (rc == MUS_ERR_MALFORM) {
		rc = mus_reply_build(wire, len, MUS_RCODE_FORMERR, false, d->out,
		    tcp ? MUS_MSG_MAX : UDP_PLAIN_MAX);
		return rc > 0 ? (size_t)rc : 0;
	}
	if (rc < 0)
		return 0;
	if (!tcp)
		cap = msg.has_edns ? MUS_EDNS_UDP_BYTES : UDP_PLAIN_MAX;
	r.msg = &msg;
	n = d->fn(d->arg, &r, d->out, cap);
	MUS_ASSERT(n <= cap);
	return d->dead ? 0 : n;
}

/* ---- UDP ---- */

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* Where the datagram was sent to, from its control messages. */
static void
read_to(struct msghdr *m, struct mus_addr *to)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			memcpy(to->ip, CMSG_DATA(c) + offsetof(struct in_pktinfo, ipi_addr), 4);
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			memcpy(to->ip, CMSG_DATA(c) + offsetof(struct in6_pktinfo, ipi6_addr), 16);
	}
}

static void
send_from(struct listener *t, const struct mus_addr *to, struct sockaddr_storage *sa,
    socklen_t sa_len, size_t len)
{
	struct iovec iov = {t->d->out, len};
	union control control;
	struct msghdr m = {.msg_name = sa, .msg_namelen = sa_len, .msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (t->is_any) {
		memset(&control, 0, sizeof control);
		m.msg_control = &control;
		m.msg_controllen = to->family == 6 ? CMSG_SPACE(sizeof(struct in6_pktinfo)) :
		    CMSG_SPACE(sizeof(struct in_pktinfo));
		c = CMSG_FIRSTHDR(&m);
		if (to->family == 6) {
			struct in6_pktinfo p = {0};

			memcpy(&p.ipi6_addr, to->ip, 16);
			c->cmsg_level = IPPROTO_IPV6;
			c->cmsg_type = IPV6_PKTINFO;
			c->cmsg_len = CMSG_LEN(sizeof p);
			memcpy(CMSG_DATA(c), &p, sizeof p);
		} else {
			struct in_pktinfo p = {0};

			memcpy(&p.ipi_spec_dst, to->ip, 4);
			c->cmsg_level = IPPROTO_IP;
			c->cmsg_type = IP_PKTINFO;
			c->cmsg_len = CMSG_LEN(sizeof p);
			memcpy(CMSG_DATA(c), &p, sizeof p);
		}
	}
	/* When it cannot be sent it is lost; the other side asks again. */
	(void)sendmsg(t->udp_fd, &m, MSG_DONTWAIT);
}

static void
on_datagrams(uv_poll_t *h, int status, int events)
{
	struct listener *t = h->data;
	struct mus_dnsd *d = t->d;
	int i;

	(void)events;
	d->depth++;
	for (i = 0; i < TURN_DATAGRAMS && !d->dead; i++) {
		struct sockaddr_storage sa;
		struct iovec iov = {d->in, sizeof d->in};
		union control control;
		struct msghdr m = {.msg_name = &sa, .msg_namelen = sizeof sa, .msg_iov = &iov,
			.msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
		struct mus_addr from, to = t->addr;
		ssize_t n = recvmsg(t->udp_fd, &m, MSG_DONTWAIT);
		size_t len;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (t->is_any)
			read_to(&m, &to);
		if (!mus__sockaddr_read(&sa, &from) || from.port == 0)
			continue;
		len = handle(d, &from, &to, false, d->in, (size_t)n);
		if (len > 0)
			send_from(t, &to, &sa, m.msg_namelen, len);
	}
	if (status < 0 && !d->dead)
		(void)uv_poll_start(h, UV_READABLE, on_datagrams);
	leave(d);
}

/* ---- TCP ---- */

static void on_client(uv_poll_t *h, int status, int events);

static void
client_close(struct client *c)
{
	struct mus_dnsd *d = c->d;

	TAILQ_REMOVE(&d->clients, c, link);
	d->client_count--;
	poll_close(&c->poll, &c->fd);
	mus_timer_free(c->timer);
	mus_buf_clear(&c->in);
	mus_buf_clear(&c->out);
	free(c);
}

static void
on_client_idle(void *arg)
{
	client_close(arg);
}

static size_t
client_waits(const struct client *c)
{
	return c->out.len - c->out_off;
}

/* false: closed. */
static bool
client_write(struct client *c)
{
	ssize_t n;

	while (client_waits(c) > 0) {
		n = send(c->fd, c->out.data + c->out_off, client_waits(c), MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			client_close(c);
			return false;
		}
		c->out_off += (size_t)n;
	}
	c->out_off = 0;
	mus_buf_reset(&c->out);
	return true;
}

/* Answers the whole messages in c->in, as long as the client takes the answers.  false: closed,
 * or the listener was freed. */
static bool
client_serve(struct client *c)
{
	struct mus_dnsd *d = c->d;
	size_t at = 0, len, n;

	while (c->in.len - at >= 2 && client_waits(c) < OUT_MAX &&
	    c->in.len - at - 2 >= (len = (size_t)c->in.data[at] << 8 | c->in.data[at + 1])) {
		n = handle(d, &c->from, &c->to, true, c->in.data + at + 2, len);
		if (d->dead)
			return false;
		at += 2 + len;
		if (n > 0 && (!mus_buf_add_u16(&c->out, (uint16_t)n) ||
		    !mus_buf_add(&c->out, d->out, n))) {
			client_close(c);
			return false;
		}
		mus_timer_start(c->timer, d->o.tcp_idle_ms);
		if (client_waits(c) >= OUT_MAX && !client_write(c))
			return false;
	}
	if (at > 0) {
		memmove(c->in.data, c->in.data + at, c->in.len - at);
		c->in.len -= at;
	}
	if (c->in.len == 0)
		mus_buf_clear(&c->in);	/* an idle client holds no memory */
	return client_write(c);
}

/* false: closed, or the listener was freed. */
static bool
client_read(struct client *c)
{
	struct mus_dnsd *d = c->d;
	ssize_t n;
	int i;

	for (i = 0; i < TURN_READS && !c->eof && client_waits(c) < OUT_MAX; i++) {
		/* What is there and one more read: never more than two messages. */
		n = recv(c->fd, d->in, sizeof d->in, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 || (n > 0 && !mus_buf_add(&c->in, d->in, (size_t)n))) {
			client_close(c);
			return false;
		}
		if (n == 0)
			c->eof = true;
		else if (!client_serve(c))
			return false;
	}
	return true;
}

static void
on_client(uv_poll_t *h, int status, int events)
{
	struct client *c = h->data;
	struct mus_dnsd *d = c->d;

	(void)events;
	d->depth++;
	if (!client_write(c))
		goto out;
	/* Requests that waited for room first, then new ones. */
	if (c->in.len > 0 && !client_serve(c))
		goto out;
	if (!client_read(c))
		goto out;
	if (status < 0 || (c->eof && client_waits(c) == 0)) {
		client_close(c);
		goto out;
	}
	(void)uv_poll_start(h, (c->eof || client_waits(c) >= OUT_MAX ? 0 : UV_READABLE) |
	    (client_waits(c) > 0 ? UV_WRITABLE : 0), on_client);
out:
	leave(d);
}

static void
client_new(struct listener *t, int fd, const struct sockaddr_storage *sa)
{
	struct mus_dnsd *d = t->d;
	struct sockaddr_storage local;
	socklen_t len = sizeof local;
	struct client *c;
	int on = 1;

	if (d->client_count >= d->o.tcp_clients_max || !(c = calloc(1, sizeof *c))) {
		(void)close(fd);
		return;
	}
	c->d = d;
	c->fd = fd;
	c->to = t->addr;
	(void)mus__sockaddr_read(sa, &c->from);
	if (t->is_any && getsockname(fd, (struct sockaddr *)&local, &len) == 0)
		(void)mus__sockaddr_read(&local, &c->to);
	mus_buf_init(&c->in, 0);	/* bounded by client_read */
	mus_buf_init(&c->out, 0);	/* by OUT_MAX and one answer */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->timer = mus_timer_new(d->loop, on_client_idle, c);
	c->poll = poll_new(d, fd, UV_READABLE, on_client, c);
	TAILQ_INSERT_TAIL(&d->clients, c, link);
	d->client_count++;
	if (!c->timer || !c->poll)
		client_close(c);
	else
		mus_timer_start(c->timer, d->o.tcp_idle_ms);
}

static void on_connections(uv_poll_t *h, int status, int events);

static void
on_pause_over(void *arg)
{
	struct listener *t = arg;

	(void)uv_poll_start(t->tcp, UV_READABLE, on_connections);
}

static void
on_connections(uv_poll_t *h, int status, int events)
{
	struct listener *t = h->data;
	struct sockaddr_storage sa;
	socklen_t len;
	int i, fd;

	(void)events;
	for (i = 0; i < TURN_DATAGRAMS; i++) {
		len = sizeof sa;
		fd = accept4(t->tcp_fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			client_new(t, fd, &sa);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* It stays readable: do not ask again at once, for ever. */
			(void)uv_poll_stop(h);
			mus_timer_start(t->pause, ACCEPT_PAUSE_MS);
			return;
		} else if (errno == EAGAIN) {
			break;
		}
	}
	if (status < 0)
		(void)uv_poll_start(h, UV_READABLE, on_connections);
}

/* ---- set-up ---- */

struct mus_dnsd *
mus_dnsd_new(struct mus_loop *l, const struct mus_dnsd_opts *o, mus_dnsd_fn *fn, void *arg)
{
	struct mus_dnsd *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->loop = l;
	if (o)
		d->o = *o;
	if (d->o.tcp_clients_max == 0)
		d->o.tcp_clients_max = 256;
	if (d->o.tcp_idle_ms == 0)
		d->o.tcp_idle_ms = 10000;
	d->fn = fn;
	d->arg = arg;
	TAILQ_INIT(&d->listeners);
	TAILQ_INIT(&d->clients);
	mus_arena_init(&d->arena, ARENA_MAX);
	return d;
}

static int
bound(int type, const struct mus_addr *at, uint16_t *port)
{
	struct mus_addr a = *at;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd, on = 1, eno;

	a.port = *port;
	len = mus__sockaddr_of(&a, &sa);
	fd = socket(sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (a.family == 6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	else if (a.family == 6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) < 0) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0) {
		eno = errno;
		(void)close(fd);
		return -eno;
	}
	(void)mus__sockaddr_read(&sa, &a);
	*port = a.port;
	return fd;
}

static void
listener_free(struct listener *t)
{
	poll_close(&t->udp, &t->udp_fd);
	poll_close(&t->tcp, &t->tcp_fd);
	mus_timer_free(t->pause);
	free(t);
}

int
mus_dnsd_listen(struct mus_dnsd *d, const struct mus_addr *at, struct mus_errtext *et)
{
	static const uint8_t any[16];
	char addr[MUS_ADDR_TEXT_MAX], text[128];
	struct listener *t;
	uint16_t port = at->port;
	int tries;

	if (at->family != 4 && at->family != 6)
		return mus_errf(et, MUS_ERR_INVAL, "no address to listen on");
	if (!(t = calloc(1, sizeof *t)))
		return MUS_ERR_NOMEM;
	t->d = d;
	t->addr = *at;
	t->is_any = memcmp(at->ip, any, at->family == 6 ? 16 : 4) == 0;
	t->udp_fd = -1;
	for (tries = 0; tries < (at->port == 0 ? PORT_TRIES : 1); tries++) {
		port = at->port;
		t->tcp_fd = bound(SOCK_STREAM, at, &port);
		if (t->tcp_fd >= 0)
			t->udp_fd = bound(SOCK_DGRAM, at, &port);
		if (t->udp_fd >= 0)
			break;
		if (t->tcp_fd >= 0) {
			(void)close(t->tcp_fd);
			t->tcp_fd = t->udp_fd;	/* the error */
		}
	}
	t->addr.port = port;
	if (t->udp_fd < 0) {
		(void)mus_errf(et, MUS_ERR_NET, "listen on %s: %s", mus_addr_text(at, 53, addr),
		    uv_strerror_r(t->tcp_fd, text, sizeof text));
		t->udp_fd = t->tcp_fd = -1;
		listener_free(t);
		return MUS_ERR_NET;
	}
	t->udp = poll_new(d, t->udp_fd, UV_READABLE, on_datagrams, t);
	t->tcp = poll_new(d, t->tcp_fd, UV_READABLE, on_connections, t);
	t->pause = mus_timer_new(d->loop, on_pause_over, t);
	if (!t->udp || !t->tcp || !t->pause) {
		listener_free(t);
		return mus_errf(et, MUS_ERR_NOMEM, "listen on %s: %s", mus_addr_text(at, 53, addr),
		    mus_err_text(MUS_ERR_NOMEM));
	}
	TAILQ_INSERT_TAIL(&d->listeners, t, link);
	return 0;
}

struct mus_addr
mus_dnsd_addr(const struct mus_dnsd *d, size_t idx)
{
	struct mus_addr none = {0};
	const struct listener *t;

	TAILQ_FOREACH(t, &d->listeners, link) {
		if (idx-- == 0)
			return t->addr;
	}
	return none;
}

static void
destroy(struct mus_dnsd *d)
{
	struct listener *t;
	struct client *c;

	while ((c = TAILQ_FIRST(&d->clients)))
		client_close(c);
	while ((t = TAILQ_FIRST(&d->listeners))) {
		TAILQ_REMOVE(&d->listeners, t, link);
		listener_free(t);
	}
	mus_arena_clear(&d->arena);
	free(d);
}

void
mus_dnsd_free(struct mus_dnsd *d)
{
	if (!d)
		return;
	d->dead = true;			/* by the handler: its caller ends it */
	if (d->depth == 0)
		destroy(d);
}
