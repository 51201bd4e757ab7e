#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/http_priv.h"
#include "io/sock_priv.h"

enum {
	BODY_MAX_DEFAULT = 1 << 20,
	BODY_READ_MAX_DEFAULT = 256 << 20,
	CONNECTIONS_MAX_DEFAULT = 512,
	PER_NET_SHARE = 4,
	IDLE_S_DEFAULT = 30,
	HEAD_S_DEFAULT = 20,
	BODY_S_DEFAULT = 300,
	SWEEP_MS = 1000,
	LISTEN_BACKLOG = 128,
};
/* TLS 1.2 and later. */
static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

/* ---- polls of libuv ---- */

static void
on_poll_closed(uv_handle_t *p)
{
	free(p);
}

void
mus__http_poll_free(uv_poll_t *p)
{
	if (!p)
		return;
	(void)uv_poll_stop(p);
	uv_close((uv_handle_t *)p, on_poll_closed);
}

uv_poll_t *
mus__http_poll_new(struct mus_loop *l, int fd, int events, uv_poll_cb fn, void *arg)
{
	uv_poll_t *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	if (uv_poll_init(mus_loop_uv(l), p, fd) < 0) {
		free(p);
		return NULL;
	}
	p->data = arg;
	if (uv_poll_start(p, events, fn) < 0) {
		mus__http_poll_free(p);
		return NULL;
	}
	return p;
}

/* ---- turns of the library ---- */

void
mus__http_kick(struct mus_httpd *h)
{
	if (h->running)
		h->kicked = true;
	else if (!h->stopping)
		mus_timer_start(h->timer, 0);
}

static void
turn(struct mus_httpd *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->running)
		return;
	h->running = true;
	h->kicked = false;
	(void)MHD_run(h->mhd);
	h->running = false;
	if (h->kicked)
		mus_timer_start(h->timer, 0);
	else if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		mus_timer_start(h->timer, ms > 60000 ? 60000 : (int64_t)ms);
	else
		mus_timer_stop(h->timer);
}

static void
on_timer(void *arg)
{
	turn(arg);
}

static void
on_ready(uv_poll_t *p, int status, int events)
{
	(void)status;
	(void)events;
	turn(p->data);
}

void
mus__http_resume(struct mus_http_req *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->conn);
	mus__http_kick(r->h);
}

void
mus__http_suspend(struct mus_http_req *r)
{
	MHD_suspend_connection(r->conn);
	r->suspended = true;
}

/* ---- connections ---- */

struct mus_addr
mus__http_addr(const struct sockaddr *sa)
{
	struct mus_addr a = {0};

	if (sa)
		(void)mus__sockaddr_read((const void *)sa, &a);
	return a;
}

static void
on_sweep(void *arg)
{
	struct mus_httpd *h = arg;

	mus_places_sweep(&h->places, mus_loop_mono_ms(h->loop));
	if (h->connections)
		mus_timer_start(h->sweep, SWEEP_MS);
}

/* A place for a connection that has just come; NULL: no memory, it is cut.  What the library tells of a
 * connection is good until it is asked for something else: version 1.0 has one place for all answers. */
static struct mus_place *
take_place(struct mus_httpd *h, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct mus_addr from = mus__http_addr(info ? info->client_addr : NULL);
	struct mus_place *p;
	int fd;

	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	MUS_ASSERT(info);
	fd = info->connect_fd;
	p = mus_place_enter(&h->places, &from, fd, mus_loop_mono_ms(h->loop));
	if (!p)
		(void)shutdown(fd, SHUT_RDWR);
	if (h->connections == 1)
		mus_timer_start(h->sweep, SWEEP_MS);
	return p;
}

/* With all places taken the library no longer listens, and begins again only in the turn after the
 * one in which a place became free.  Nothing but this asks for that turn. */
static void
on_connection(void *cls, struct MHD_Connection *conn, void **socket_cls,
    enum MHD_ConnectionNotificationCode what)
{
	struct mus_httpd *h = cls;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		h->connections++;
		*socket_cls = take_place(h, conn);
		return;
	}
	if (*socket_cls)
		mus_place_leave(&h->places, *socket_cls);
	if (h->connections-- >= h->connections_max)
		mus__http_kick(h);
}

/* ---- start and stop ---- */

/* The library's messages; the last one tells why it did not start. */
__attribute__((format(printf, 2, 0)))
static void
on_log(void *cls, const char *fmt, va_list ap)
{
	struct mus_httpd *h = cls;
	size_t len;

	vsnprintf(h->log, sizeof h->log, fmt, ap);
	for (len = strlen(h->log); len && (h->log[len - 1] == '\n' || h->log[len - 1] == ' '); len--)
		h->log[len - 1] = '\0';
}

/* A listening socket, -1 with words. */
static int
open_socket(const struct mus_addr *at, uint16_t *port, struct mus_errtext *et)
{
	struct sockaddr_storage ss;
	socklen_t len = mus__sockaddr_of(at, &ss);
	char text[MUS_ADDR_TEXT_MAX];
	int one = 1, fd;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    (at->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) ||
	    bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) < 0) {
		mus_errf(et, MUS_ERR_IO, "listen on %s: %s", mus_addr_text(at, 0, text), strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = mus__http_addr((struct sockaddr *)&ss).port;
	return fd;
}

/* Starts the library on ${fd}, which it closes when it stops. */
static struct MHD_Daemon *
start(struct mus_httpd *h, const struct mus_httpd_opts *o, const struct http_pem *p, int fd)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[5], *t = tls;

	if (o->listen.family == 6)
		flags |= MHD_USE_IPv6;
	if (p->cert.len) {
		flags |= MHD_USE_TLS;
		*t++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, p->cert.data};
		*t++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, p->key.data};
		*t++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities};
	}
	if (p->ca.len)
		*t++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, p->ca.data};
	*t = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	return MHD_start_daemon(flags, 0, NULL, NULL, mus__http_on_access, h,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, h,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, h->connections_max,
	    MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s ? o->idle_timeout_s : IDLE_S_DEFAULT,
	    MHD_OPTION_URI_LOG_CALLBACK, mus__http_on_line, h,
	    MHD_OPTION_NOTIFY_COMPLETED, mus__http_on_completed, h,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_ARRAY, tls,
	    MHD_OPTION_END);
}

static int
attach(struct mus_httpd *h)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);

	if (!info || !(h->timer = mus_timer_new(h->loop, on_timer, h)) ||
	    !(h->sweep = mus_timer_new(h->loop, on_sweep, h)) ||
	    !(h->poll = mus__http_poll_new(h->loop, info->epoll_fd, UV_READABLE, on_ready, h)))
		return MUS_ERR_NOMEM;
	return 0;
}

static void
set_limits(struct mus_httpd *h, const struct mus_httpd_opts *o)
{
	struct mus_places *ps = &h->places;

	ps->max = o->connections_max ? o->connections_max : CONNECTIONS_MAX_DEFAULT;
	ps->net_max = o->per_net_max ? o->per_net_max : (ps->max + PER_NET_SHARE - 1) / PER_NET_SHARE;
	ps->head_ms = 1000 * (int64_t)(o->head_timeout_s ? o->head_timeout_s : HEAD_S_DEFAULT);
	ps->body_ms = 1000 * (int64_t)(o->body_timeout_s ? o->body_timeout_s : BODY_S_DEFAULT);
	h->connections_max = ps->max + MUS_PLACES_SPARE;
}

int
mus_httpd_new(struct mus_loop *l, const struct mus_httpd_opts *o, mus_http_fn *fn, void *arg,
    struct mus_httpd **out, struct mus_errtext *et)
{
	struct mus_httpd *h = calloc(1, sizeof *h);
	struct http_pem pem = {0};
	int rc = MUS_ERR_IO, fd = -1;

	if (!h)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	h->loop = l;
	h->fn = fn;
	h->arg = arg;
	set_limits(h, o);
	h->refusal = o->refusal;
	h->refusal_type = o->refusal_type;
	h->tell = o->tell;
	h->body_max_bytes = o->body_max_bytes ? o->body_max_bytes : BODY_MAX_DEFAULT;
	h->body_read_max_bytes = o->body_read_max_bytes ? o->body_read_max_bytes : BODY_READ_MAX_DEFAULT;
	if ((rc = mus__http_load_pem(o, &pem, et)) < 0)
		goto out;
	if ((fd = open_socket(&o->listen, &h->port, et)) < 0) {
		rc = MUS_ERR_IO;
		goto out;
	}
	if (!(h->mhd = start(h, o, &pem, fd))) {
		rc = mus_errf(et, MUS_ERR_IO, "cannot start the HTTP server: %s", h->log);
		if (fcntl(fd, F_GETFD) >= 0)	/* versions differ in whether they close it */
			close(fd);
		goto out;
	}
	if ((rc = attach(h)) < 0) {
		mus_errf(et, rc, "out of memory");
		goto out;
	}
	*out = h;
	h = NULL;			/* given to the caller */
out:
	mus__http_pem_clear(&pem);
	mus_httpd_free(h);
	return rc;
}

void
mus_httpd_free(struct mus_httpd *h)
{
	struct mus_http_req *r;

	if (!h)
		return;
	MUS_ASSERT(!h->running);
	h->stopping = true;
	mus__http_poll_free(h->poll);
	mus_timer_free(h->timer);
	mus_timer_free(h->sweep);
	/* The library stops only when nobody is suspended.  Requests end with on_completed. */
	for (r = h->reqs; r; r = r->next) {
		if (r->stream) {
			mus__http_stop_watch(r->stream);
			r->stream->gone = true;
		}
		if (!r->stream && !r->response && r->suspended)
			r->failed = true;
		mus__http_resume(r);
	}
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	MUS_ASSERT(!h->reqs);
	free(h);
}

uint16_t
mus_httpd_port(const struct mus_httpd *h)
{
	return h->port;
}
