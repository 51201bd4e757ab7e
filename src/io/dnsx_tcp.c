/*
 * TCP: kept connections with questions one behind the other (RFC 7766), answers in any order.
 * Questions wait in their server's list until the end of the turn, where connections are found or
 * opened and everything is written.
 *
 * A connection that the server closes with questions on it: those are asked again on a new one as
 * long as each connection gives at least one answer, and once more when the connection was a kept
 * one; never a question that may be sent only once, unless no byte of it had left.  A connection
 * on which a question timed out while nothing else came takes no more of them.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/dnsx_priv.h"

enum {
	READ_ROUNDS = 4,
	FRESH_MS = 500,			/* a kept connection heard from this lately is surely open */
	SINGLE_MS = 250,		/* closed so soon after an answer: takes no second question */
	OUT_MAX = 1 << 20,		/* bytes waiting; more questions go elsewhere or wait */
};

/* ---- who needs a connection ---- */

void
mus__dnsx_tcp_forget(struct dnsx_server *s)
{
	if (s->conn_list == CONN_WAKE)
		TAILQ_REMOVE(&s->x->conn_wake, s, conn_link);
	else if (s->conn_list == CONN_BLOCKED)
		TAILQ_REMOVE(&s->x->conn_blocked, s, conn_link);
	s->conn_list = CONN_CALM;
}

static void
wake(struct dnsx_server *s)
{
	if (s->conn_list == CONN_WAKE || TAILQ_EMPTY(&s->tcp_waiting) || s->x->dead)
		return;
	mus__dnsx_tcp_forget(s);
	s->conn_list = CONN_WAKE;
	TAILQ_INSERT_TAIL(&s->x->conn_wake, s, conn_link);
}

/* ---- connections ---- */

static void on_conn(uv_poll_t *h, int status, int events);

static void
conn_watch(struct dnsx_conn *c)
{
	(void)uv_poll_start(&c->poll, UV_READABLE | (!c->up || c->wants_write ? UV_WRITABLE : 0),
	    on_conn);
}

static void
on_conn_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
conn_unidle(struct dnsx_conn *c)
{
	if (c->is_idle) {
		c->is_idle = false;
		TAILQ_REMOVE(&c->x->idle_conns, c, idle_link);
		mus__dnsx_timer_clear(c->x, &c->timer);
	}
}

/* Closes; the questions on it are the caller's to move. */
static void
conn_shut(struct dnsx_conn *c)
{
	struct mus_dnsx *x = c->x;
	struct dnsx_server *s = c->server;

	MUS_ASSERT(!c->closed);
	c->closed = true;
	conn_unidle(c);
	if (c->is_dirty)
		TAILQ_REMOVE(&x->dirty_conns, c, dirty_link);
	c->is_dirty = false;
	TAILQ_REMOVE(&s->conns, c, link);
	s->conn_count--;
	x->conn_count--;
	uv_close((uv_handle_t *)&c->poll, on_conn_closed);
	(void)close(c->fd);
	c->fd = -1;
	mus_buf_clear(&c->out);
	mus_buf_clear(&c->in);
	wake(s);
	if ((s = TAILQ_FIRST(&x->conn_blocked)))
		wake(s);
}

void
mus__dnsx_conn_close(struct dnsx_conn *c)
{
	struct dnsx_server *s = c->server;

	MUS_ASSERT(c->req_count == 0);
	conn_shut(c);
	mus__dnsx_server_rest(s);
}

void
mus__dnsx_conn_idle(struct dnsx_conn *c)
{
	mus__dnsx_conn_close(c);
}

static int
conn_open(struct dnsx_server *s, struct dnsx_conn **out)
{
	struct mus_dnsx *x = s->x;
	const struct mus_addr *source = &x->source[s->addr.family == 6];
	struct sockaddr_storage sa;
	struct mus_addr from;
	struct dnsx_conn *c;
	int fd, on = 1, rc;

	fd = socket(s->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (source->family == s->addr.family) {
		from = *source;
		from.port = 0;
		if (bind(fd, (struct sockaddr *)&sa, mus__sockaddr_of(&from, &sa)) < 0) {
			rc = -errno;
			(void)close(fd);
			return rc;
		}
	}
	do {
		rc = connect(fd, (struct sockaddr *)&s->sa, s->sa_len);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno != EINPROGRESS) {
		rc = -errno;
		(void)close(fd);
		return rc;
	}
	if (!(c = calloc(1, sizeof *c))) {
		(void)close(fd);
		return -ENOMEM;
	}
	if ((rc = uv_poll_init(mus_loop_uv(x->loop), &c->poll, fd)) < 0) {
		(void)close(fd);
		free(c);
		return rc;
	}
	c->poll.data = c;
	c->x = x;
	c->server = s;
	c->fd = fd;
	c->chan = x->next_chan++;
	c->timer.kind = TIMER_CONN;
	TAILQ_INIT(&c->reqs);
	mus_buf_init(&c->out, 0);
	mus_buf_init(&c->in, 2 + MUS_MSG_MAX);
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	s->conn_count++;
	x->conn_count++;
	conn_watch(c);
	*out = c;
	return 0;
}

static void
conn_mark(struct dnsx_conn *c)
{
	if (c->up && !c->is_dirty && !c->wants_write) {
		c->is_dirty = true;
		TAILQ_INSERT_TAIL(&c->x->dirty_conns, c, dirty_link);
	}
}

/* A question has left it: is it of use still? */
static void
conn_rest(struct dnsx_conn *c)
{
	struct mus_dnsx *x = c->x;
	struct dnsx_server *s;

	if (c->closed)
		return;
	wake(c->server);
	if (c->req_count > 0)
		return;
	if (!c->up || c->stuck || c->server->tcp_single) {
		conn_shut(c);		/* the question that left still holds the server */
		return;
	}
	c->is_idle = true;
	TAILQ_INSERT_TAIL(&x->idle_conns, c, idle_link);
	mus__dnsx_timer_set(x, &c->timer, dnsx_now(x) + x->o.tcp_idle_ms);
	if ((s = TAILQ_FIRST(&x->conn_blocked)))
		wake(s);		/* may close this one to open its own */
}

/* ---- a question's way through ---- */

static void
tcp_fail(struct mus_dnsx_req *r, int err, const char *what)
{
	struct mus_errtext et;
	char addr[MUS_ADDR_TEXT_MAX];

	if (r->udp_failed)
		mus__dnsx_udp_words(r, &et);
	mus__dnsx_fail(r, err, "%s%s tcp: %s", r->udp_failed ? et.s : "", r->udp_failed ? ";" :
	    mus_addr_text(&r->server->addr, 53, addr), what);
}

void
mus__dnsx_tcp_start(struct mus_dnsx_req *r)
{
	r->state = REQ_TCP_QUEUED;
	TAILQ_INSERT_TAIL(&r->server->tcp_waiting, r, link);
	wake(r->server);
}

void
mus__dnsx_tcp_drop(struct mus_dnsx_req *r)
{
	struct dnsx_conn *c = r->conn;

	if (r->state == REQ_TCP_QUEUED) {
		TAILQ_REMOVE(&r->server->tcp_waiting, r, link);
		return;
	}
	mus__dnsx_pending_remove(r->x, r);
	TAILQ_REMOVE(&c->reqs, r, link);
	c->req_count--;
	r->conn = NULL;
	conn_rest(c);
}

void
mus__dnsx_tcp_timeout(struct mus_dnsx_req *r)
{
	struct dnsx_conn *c = r->conn;
	char what[64];

	/* Silent since then: dead, or the server is; the others on it have timers of their own. */
	if (c->last_rx_ms < r->sent_ms)
		c->stuck = true;
	(void)snprintf(what, sizeof what, "no %s in %u ms", c->up ? "answer" : "connection",
	    r->x->o.tcp_timeout_ms);
	tcp_fail(r, MUS_ERR_TIMEOUT, what);
}

/* Writes ${r} into the stream of ${c}. */
static void
conn_put(struct dnsx_conn *c, struct mus_dnsx_req *r)
{
	struct mus_dnsx *x = c->x;
	const uint8_t *wire = NULL;
	size_t len = 0, before = c->out.len;
	int rc = 0;

	conn_unidle(c);
	r->state = REQ_TCP;
	r->conn = c;
	r->tcp_at = c->queued_bytes;
	r->tcp_answers = c->answers;
	TAILQ_INSERT_TAIL(&c->reqs, r, link);
	c->req_count++;
	if (!mus__dnsx_pending_add(x, r, c->chan))
		rc = MUS_ERR_FULL;
	else
		rc = mus__dnsx_wire(r, true, &wire, &len);
	if (rc == 0 && (!mus_buf_add_u16(&c->out, (uint16_t)len) ||
	    !mus_buf_add(&c->out, wire, len))) {
		rc = MUS_ERR_NOMEM;
		c->out.len = before;
		c->out.failed = false;
	}
	if (rc < 0) {
		tcp_fail(r, rc, mus_err_text(rc));
		return;
	}
	c->queued_bytes += 2 + len;
	r->sent_ms = dnsx_now(x);
	mus__dnsx_timer_set(x, &r->timer, r->sent_ms + x->o.tcp_timeout_ms);
	conn_mark(c);
}

static bool
conn_takes(const struct dnsx_conn *c, const struct mus_dnsx_req *r)
{
	const struct mus_dnsx *x = c->x;

	if (c->stuck || c->out.len > OUT_MAX ||
	    c->req_count >= (c->server->tcp_single ? 1 : x->o.server_window))
		return false;
	/* What may be sent only once must not meet a connection that is just being closed. */
	return !r->once || !c->up || dnsx_now(x) - c->alive_ms <= FRESH_MS;
}

/* Finds or opens a connection for ${r}; 0 with *out NULL: it must wait. */
static int
conn_for(struct dnsx_server *s, const struct mus_dnsx_req *r, struct dnsx_conn **out)
{
	struct mus_dnsx *x = s->x;
	struct dnsx_conn *c;

	*out = NULL;
	TAILQ_FOREACH(c, &s->conns, link) {
		if (conn_takes(c, r)) {
			*out = c;
			return 0;
		}
	}
	if (s->conn_count >= DNSX_CONNS_PER_SERVER) {
		TAILQ_FOREACH(c, &s->conns, link) {
			if (c->is_idle)
				break;
		}
		if (!c)
			return 0;
		conn_shut(c);
	} else if (x->conn_count >= x->conns_max) {
		if (!(c = TAILQ_FIRST(&x->idle_conns))) {
			mus__dnsx_tcp_forget(s);
			s->conn_list = CONN_BLOCKED;
			TAILQ_INSERT_TAIL(&x->conn_blocked, s, conn_link);
			return 0;
		}
		mus__dnsx_conn_close(c);
	}
	return conn_open(s, out);
}

static void
serve(struct dnsx_server *s)
{
	struct mus_dnsx_req *r;
	struct dnsx_conn *c;
	char text[128];
	int rc;

	while ((r = TAILQ_FIRST(&s->tcp_waiting))) {
		if ((rc = conn_for(s, r, &c)) < 0) {
			tcp_fail(r, rc == -ENOMEM ? MUS_ERR_NOMEM : MUS_ERR_NET,
			    uv_strerror_r(rc, text, sizeof text));
			continue;
		}
		if (!c)
			break;
		TAILQ_REMOVE(&s->tcp_waiting, r, link);
		conn_put(c, r);
	}
}

/* ---- events ---- */

/* The connection is gone.  ${err}: for the questions that are not asked again. */
static void
conn_lost(struct dnsx_conn *c, int err, const char *why)
{
	struct mus_dnsx *x = c->x;
	struct dnsx_server *s = c->server;
	struct mus_dnsx_req *r;
	bool was_up = c->up, has_left, again;
	char what[256];

	(void)snprintf(what, sizeof what, "%s%s", why, c->in.len > 0 ? " in mid-message" : "");
	s->refs++;
	if (c->answers > 0 && c->req_count > 0 && dnsx_now(x) - c->last_rx_ms < SINGLE_MS)
		s->tcp_single = true;
	conn_shut(c);
	while ((r = TAILQ_FIRST(&c->reqs))) {
		has_left = c->sent_bytes > r->tcp_at;
		again = false;
		if (was_up && !(r->once && has_left)) {
			if (c->answers > r->tcp_answers) {
				again = true;
			} else if (!r->tcp_retried && (!has_left || r->tcp_answers > 0)) {
				again = true;
				r->tcp_retried = true;
			}
		}
		if (again) {
			x->stats.retries++;
			mus__dnsx_timer_clear(x, &r->timer);
			mus__dnsx_tcp_drop(r);
			mus__dnsx_tcp_start(r);
		} else {
			tcp_fail(r, err, what);
		}
	}
	s->refs--;
	mus__dnsx_server_rest(s);
}

static void
conn_lost_errno(struct dnsx_conn *c, int eno)
{
	char text[128];

	conn_lost(c, MUS_ERR_NET, uv_strerror_r(-eno, text, sizeof text));
}

static void
conn_write(struct dnsx_conn *c)
{
	ssize_t n;

	while (c->out_off < c->out.len) {
		n = send(c->fd, c->out.data + c->out_off, c->out.len - c->out_off, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			if (!c->wants_write) {
				c->wants_write = true;
				conn_watch(c);
			}
			return;
		}
		if (n < 0) {
			conn_lost_errno(c, errno);
			return;
		}
		c->out_off += (size_t)n;
		c->sent_bytes += (uint64_t)n;
	}
	c->out_off = 0;
	if (c->out.cap > 16384)
		mus_buf_clear(&c->out);
	else
		mus_buf_reset(&c->out);
	if (c->wants_write) {
		c->wants_write = false;
		conn_watch(c);
	}
}

/* One message; the connection may be closed afterwards, and the exchange dead. */
static void
conn_message(struct dnsx_conn *c, const uint8_t *wire, size_t len)
{
	struct mus_dnsx *x = c->x;
	struct mus_dnsx_req *r;

	if (len < DNSX_HEADER) {
		conn_lost(c, MUS_ERR_MALFORM, "message shorter than a header");
		return;
	}
	r = mus__dnsx_pending_get(x, c->chan, (uint16_t)(wire[0] << 8 | wire[1]));
	if (!r || !mus__dnsx_matches(r, wire, len)) {
		x->stats.dropped_mismatch++;	/* or the answer to one that was cancelled */
		return;
	}
	c->answers++;
	c->last_rx_ms = c->alive_ms = dnsx_now(x);
	mus__dnsx_answer(r, wire, len, MUS_VIA_TCP);
}

static void
conn_feed(struct dnsx_conn *c, const uint8_t *p, size_t len)
{
	struct mus_dnsx *x = c->x;
	size_t want, n;

	while (len > 0 && !c->closed && !x->dead) {
		if (c->in.len == 0 && len >= 2 && len - 2 >= (want = (size_t)p[0] << 8 | p[1])) {
			conn_message(c, p + 2, want);	/* the common case: no copy */
			p += 2 + want;
			len -= 2 + want;
			continue;
		}
		want = c->in.len < 2 ? 2 : 2u + ((size_t)c->in.data[0] << 8 | c->in.data[1]);
		n = want - c->in.len < len ? want - c->in.len : len;
		if (!mus_buf_add(&c->in, p, n)) {
			conn_lost(c, MUS_ERR_NOMEM, mus_err_text(MUS_ERR_NOMEM));
			return;
		}
		p += n;
		len -= n;
		if (c->in.len >= 2 &&
		    c->in.len == 2u + ((size_t)c->in.data[0] << 8 | c->in.data[1])) {
			struct mus_buf whole = c->in;	/* c may be closed below */

			mus_buf_init(&c->in, 2 + MUS_MSG_MAX);
			conn_message(c, whole.data + 2, whole.len - 2);
			mus_buf_clear(&whole);
		}
	}
}

static void
conn_read(struct dnsx_conn *c)
{
	struct mus_dnsx *x = c->x;
	int rounds;
	ssize_t n;

	for (rounds = 0; rounds < READ_ROUNDS && !c->closed && !x->dead; rounds++) {
		n = recv(c->fd, x->tcp_buf, DNSX_TCP_BUF, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			conn_lost_errno(c, errno);
			return;
		}
		if (n == 0) {
			conn_lost(c, MUS_ERR_NET, "connection closed by the server");
			return;
		}
		conn_feed(c, x->tcp_buf, (size_t)n);
		if (n < DNSX_TCP_BUF)
			return;
	}
}

static void
on_conn(uv_poll_t *h, int status, int events)
{
	struct dnsx_conn *c = h->data;
	struct mus_dnsx *x = c->x;
	socklen_t len = sizeof(int);
	int eno = 0;

	mus__dnsx_enter(x);
	if (!c->up) {
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &eno, &len);
		if (eno != 0 || status < 0) {
			conn_lost_errno(c, eno ? eno : -status);
		} else if (events & UV_WRITABLE) {
			c->up = true;
			c->alive_ms = dnsx_now(x);
			conn_watch(c);
		}
	}
	if (c->up && !c->closed)
		conn_read(c);
	if (status < 0 && !x->dead && !c->closed)
		conn_lost(c, MUS_ERR_NET, "connection closed by the server");
	if (c->up && !x->dead && !c->closed && c->out_off < c->out.len && !c->is_dirty)
		conn_write(c);
	mus__dnsx_leave(x);
}

void
mus__dnsx_tcp_flush(struct mus_dnsx *x)
{
	struct dnsx_server *s;
	struct dnsx_conn *c;

	while ((s = TAILQ_FIRST(&x->conn_wake))) {
		s->refs++;		/* stays while it is served */
		mus__dnsx_tcp_forget(s);
		serve(s);
		s->refs--;
		mus__dnsx_server_rest(s);
	}
	while ((c = TAILQ_FIRST(&x->dirty_conns))) {
		TAILQ_REMOVE(&x->dirty_conns, c, dirty_link);
		c->is_dirty = false;
		conn_write(c);
	}
}
