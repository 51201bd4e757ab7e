#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/text.h"
#include "io/file.h"
#include "io/http.h"
#include "io/http_places.h"

/*
 * How the library is driven: it keeps an epoll set of its own, which our loop polls as one file;
 * MHD_run works off what is ready, and a timer stands for MHD_get_timeout.  MHD_run never runs
 * within itself: whatever happens in a callback of the library only asks for another turn (kick).
 *
 * A request is made when its line arrived (on_line) and ends with on_completed, whatever became of
 * it.  Between them on_access is called for the head, for each piece of the body and at its end;
 * when the answer is not there at the end the connection is suspended, and on_access comes again
 * after it was resumed.
 *
 * A suspended connection is not looked at by the library.  For a deferred reply that does no harm
 * (the reply finds nobody), a stream watches its socket for the client's end by itself.
 */

enum {
	BODY_MAX_DEFAULT = 1 << 20,
	BODY_SLACK = 64 << 10,		/* of a body too large, read before the connection is cut */
	CONNECTIONS_MAX_DEFAULT = 512,
	PER_NET_SHARE = 4,
	IDLE_S_DEFAULT = 30,
	HEAD_S_DEFAULT = 20,
	BODY_S_DEFAULT = 300,
	SWEEP_MS = 1000,
	QUERY_ARGS_MAX = 64,
	STREAM_WAITING_MAX = 1 << 20,	/* bytes for a client that is slow */
	PEM_MAX = 1 << 20,
	LISTEN_BACKLOG = 128,
	HEADER_NAME_MAX = 64,
};
/* TLS 1.2 and later. */
static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

struct query_arg {
	char *key, *value;
};

struct mus_http_req {
	struct mus_httpd *h;
	struct MHD_Connection *conn;
	struct mus_place *place;
	struct mus_http_req *prev, *next;
	char *method, *path, *args_text;	/* decoded; args_text holds all of args */
	struct query_arg args[QUERY_ARGS_MAX];
	size_t arg_count;
	struct mus_buf body;
	size_t over;			/* bytes of the body beyond its bound, thrown away */
	unsigned refuse;		/* status of an answer without asking the handler; 0: none */
	bool begun;			/* the head was seen */
	bool asked;			/* the handler was called */
	bool in_handler;
	bool deferred;
	bool suspended;
	bool failed;			/* no memory for an answer: cut the connection */
	unsigned status;
	struct MHD_Response *response;	/* waits to be queued */
	struct mus_http_stream *stream;
};

struct mus_http_stream {
	struct mus_http_req *r;
	struct mus_buf waiting;
	size_t sent;			/* of ${waiting} */
	bool ending;			/* no more will come */
	bool gone;			/* the client has gone */
	uv_poll_t *watch;		/* for the client's end while suspended; NULL: not now */
	mus_loop_fn *closed;
	void *arg;
};

struct mus_httpd {
	struct mus_loop *loop;
	struct MHD_Daemon *mhd;
	mus_http_fn *fn;
	void *arg;
	size_t body_max_bytes;
	mus_http_refusal_fn *refusal;
	const char *refusal_type;
	uint16_t port;
	uv_poll_t *poll;
	struct mus_timer *timer, *sweep;
	struct mus_places places;
	unsigned connections, connections_max;	/* of the library: also those that were cut */
	bool running;			/* within MHD_run */
	bool kicked;			/* meanwhile somebody asked for another turn */
	bool stopping;
	struct mus_http_req *reqs;
	char log[200];			/* what the library said last */
};

/* ---- polls of libuv ---- */

static void
on_poll_closed(uv_handle_t *p)
{
	free(p);
}

static void
poll_free(uv_poll_t *p)
{
	if (!p)
		return;
	(void)uv_poll_stop(p);
	uv_close((uv_handle_t *)p, on_poll_closed);
}

/* NULL: no memory, or no such file. */
static uv_poll_t *
poll_new(struct mus_loop *l, int fd, int events, uv_poll_cb fn, void *arg)
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
		poll_free(p);
		return NULL;
	}
	return p;
}

/* ---- turns of the library ---- */

/* Asks for a turn soon; from anywhere in the loop. */
static void
kick(struct mus_httpd *h)
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

static void
resume(struct mus_http_req *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->conn);
	kick(r->h);
}

/* Its place does something else now. */
static void
does(struct mus_http_req *r, enum mus_place_does what)
{
	mus_place_does(r->place, what, mus_loop_mono_ms(r->h->loop));
}

static void
suspend(struct mus_http_req *r)
{
	MHD_suspend_connection(r->conn);
	r->suspended = true;
}

/* ---- the request line ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes ${s} in place; false: a broken escape, or a zero byte. */
static bool
decode(char *s, bool plus_is_blank)
{
	char *out = s;

	for (; *s; s++) {
		int c = (unsigned char)*s;

		if (c == '%') {
			int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);

			if (low < 0)
				return false;
			c = high << 4 | low;
			if (c == 0)
				return false;
			s += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

static bool
has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

/* "a=1&b": cuts ${r}->args_text into args.  false: broken, or too many. */
static bool
parse_query(struct mus_http_req *r)
{
	char *p = r->args_text, *next;

	for (; p; p = next) {
		char *value;

		if ((next = strchr(p, '&')))
			*next++ = '\0';
		if (*p == '\0')
			continue;
		if (r->arg_count == QUERY_ARGS_MAX)
			return false;
		if ((value = strchr(p, '=')))
			*value++ = '\0';
		else
			value = p + strlen(p);
		if (!decode(p, true) || !decode(value, true))
			return false;
		r->args[r->arg_count++] = (struct query_arg){p, value};
	}
	return true;
}

/* Path and query out of the target; false: no memory. */
static bool
parse_target(struct mus_http_req *r, const char *target)
{
	const char *mark = strchr(target, '?');

	r->path = mark ? strndup(target, (size_t)(mark - target)) : strdup(target);
	if (!r->path || (mark && !(r->args_text = strdup(mark + 1))))
		return false;
	if (r->path[0] != '/' || !decode(r->path, false) || has_control(r->path) || !parse_query(r))
		r->refuse = 400;
	return true;
}

static void
req_free(struct mus_http_req *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		r->h->reqs = r->next;
	if (r->next)
		r->next->prev = r->prev;
	if (r->response)
		MHD_destroy_response(r->response);
	mus_buf_clear(&r->body);
	free(r->method);
	free(r->path);
	free(r->args_text);
	free(r);
}

static struct mus_place *
place_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The library's name for it is "URI log callback": the first it tells of a request, with the
 * target as it came. */
static void *
on_line(void *cls, const char *target, struct MHD_Connection *conn)
{
	struct mus_httpd *h = cls;
	struct mus_place *place = place_of(conn);
	struct mus_http_req *r = place && !place->shut ? calloc(1, sizeof *r) : NULL;

	if (!r)
		return NULL;
	r->h = h;
	r->conn = conn;
	r->place = place;
	r->next = h->reqs;
	if (r->next)
		r->next->prev = r;
	h->reqs = r;
	mus_buf_init(&r->body, h->body_max_bytes);
	if (!parse_target(r, target)) {
		req_free(r);
		return NULL;
	}
	return r;
}

/* ---- answers ---- */

/* Adds a "Name: value" line. */
static bool
add_header(struct MHD_Response *response, const char *line)
{
	char name[HEADER_NAME_MAX];
	const char *colon = strchr(line, ':');

	MUS_ASSERT(colon && (size_t)(colon - line) < sizeof name);
	memcpy(name, line, (size_t)(colon - line));
	name[colon - line] = '\0';
	for (colon++; *colon == ' '; colon++)
		;
	return MHD_add_response_header(response, name, colon) == MHD_YES;
}

/* Has ${response} (NULL: no memory) sent with the next turn. */
static void
answer(struct mus_http_req *r, unsigned status, struct MHD_Response *response)
{
	if (r->h->stopping) {		/* nobody is there any more */
		if (response)
			MHD_destroy_response(response);
		return;
	}
	MUS_ASSERT(!r->response && !r->status);	/* one reply a request */
	MUS_ASSERT(r->in_handler || r->suspended || !r->asked);
	r->status = status;
	r->response = response;
	r->failed = !response;
	if (!r->in_handler)
		resume(r);
}

void
mus_http_reply(struct mus_http_req *r, unsigned status, const char *content_type, const void *body,
    size_t len, const char *const *headers)
{
	/* The library copies the body and does not write to it. */
	union {
		const void *c;
		void *m;
	} p = {.c = len ? body : ""};
	struct MHD_Response *response = MHD_create_response_from_buffer(len, p.m, MHD_RESPMEM_MUST_COPY);
	bool ok = response != NULL;

	if (ok && content_type)
		ok = MHD_add_response_header(response, "Content-Type", content_type) == MHD_YES;
	for (; ok && headers && *headers; headers++)
		ok = add_header(response, *headers);
	if (!ok && response) {
		MHD_destroy_response(response);
		response = NULL;
	}
	answer(r, status, response);
}

void
mus_http_defer(struct mus_http_req *r)
{
	MUS_ASSERT(r->in_handler);
	r->deferred = true;
}

/* Answers what the handler is not asked about. */
static void
refuse(struct mus_http_req *r, unsigned status)
{
	static const char *const later[] = {"Retry-After: 5", "Connection: close", NULL};
	const char *const *headers = status == 429 || status == 503 ? later : later + 1;
	const char *words = status == 413 ? "the body is too large"
	    : status == 429		  ? "too many connections from your network"
	    : status == 503		  ? "too many connections"
					  : "the request is malformed";
	const char *type = "text/plain; charset=utf-8";
	struct mus_buf body;

	mus_buf_init(&body, 0);
	if (r->h->refusal) {
		r->h->refusal(status, words, &body);
		type = r->h->refusal_type;
	} else {
		mus_buf_printf(&body, "%s\n", words);
	}
	if (body.failed)
		answer(r, 503, NULL);
	else
		mus_http_reply(r, status, type, body.data, body.len, headers);
	mus_buf_clear(&body);
}

static enum MHD_Result
send_answer(struct mus_http_req *r)
{
	enum MHD_Result rc;

	if (r->failed)
		return MHD_NO;
	does(r, r->stream ? MUS_PLACE_HELD : MUS_PLACE_ANSWER);
	rc = MHD_queue_response(r->conn, r->status, r->response);
	MHD_destroy_response(r->response);	/* the library holds a count of its own */
	r->response = NULL;
	return rc;
}

/* ---- a request from head to end ---- */

static enum MHD_Result
on_head(struct mus_http_req *r, const char *method)
{
	const char *length;
	unsigned refusal;
	uint64_t n;

	r->begun = true;
	does(r, MUS_PLACE_BODY);
	if (!(r->method = strdup(method)))
		return MHD_NO;
	if ((refusal = mus_place_refusal(&r->h->places, r->place)) != 0)
		r->refuse = refusal;
	length = MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, "Content-Length");
	if (!r->refuse && length && (!mus_parse_u64(length, UINT64_MAX, &n) || n > r->h->body_max_bytes))
		r->refuse = 413;
	if (!r->refuse)
		return MHD_YES;
	refuse(r, r->refuse);
	return send_answer(r);
}

static enum MHD_Result
on_body(struct mus_http_req *r, const char *data, size_t len)
{
	/* No answer can be given before the body has ended: what is too much is read for a while
	 * and thrown away. */
	if (r->over || !mus_buf_add(&r->body, data, len)) {
		r->refuse = 413;
		r->over += len;
	}
	return r->over > r->h->body_max_bytes + BODY_SLACK ? MHD_NO : MHD_YES;
}

static void
ask_handler(struct mus_http_req *r)
{
	r->asked = true;
	r->in_handler = true;
	does(r, MUS_PLACE_HELD);
	r->h->fn(r->h->arg, r);
	r->in_handler = false;
	MUS_ASSERT(r->response || r->failed || r->deferred);
}

static enum MHD_Result
on_access(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **req_cls)
{
	struct mus_http_req *r = *req_cls;

	(void)cls;
	(void)conn;
	(void)url;
	(void)version;
	if (!r)
		return MHD_NO;
	if (!r->begun)
		return on_head(r, method);
	if (*data_len) {
		size_t len = *data_len;

		*data_len = 0;
		return on_body(r, data, len);
	}
	if (r->refuse && !r->status)
		refuse(r, r->refuse);
	else if (!r->asked)
		ask_handler(r);
	if (r->response || r->failed)
		return send_answer(r);
	suspend(r);
	return MHD_YES;
}

/* ---- streams ---- */

static void
stop_watch(struct mus_http_stream *s)
{
	poll_free(s->watch);
	s->watch = NULL;
}

static void
on_client_end(uv_poll_t *p, int status, int events)
{
	struct mus_http_stream *s = p->data;

	(void)status;
	(void)events;
	stop_watch(s);
	s->gone = true;
	resume(s->r);
}

/* The library wants up to ${max} more bytes of a stream. */
static ssize_t
on_read(void *cls, uint64_t pos, char *out, size_t max)
{
	struct mus_http_stream *s = cls;
	size_t n = s->waiting.len - s->sent;

	(void)pos;
	if (s->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && s->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		const union MHD_ConnectionInfo *info =
		    MHD_get_connection_info(s->r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);

		if (info)
			s->watch = poll_new(s->r->h->loop, info->connect_fd, UV_DISCONNECT, on_client_end, s);
		if (!s->watch)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		suspend(s->r);
		return 0;
	}
	if (n > max)
		n = max;
	memcpy(out, s->waiting.data + s->sent, n);
	s->sent += n;
	if (s->sent == s->waiting.len) {
		mus_buf_reset(&s->waiting);
		s->sent = 0;
	}
	return (ssize_t)n;
}

struct mus_http_stream *
mus_http_stream_start(struct mus_http_req *r, const char *content_type, mus_loop_fn *closed,
    void *arg)
{
	struct mus_http_stream *s = calloc(1, sizeof *s);
	struct MHD_Response *response = NULL;

	if (s)
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, on_read, s, NULL);
	if (!response || MHD_add_response_header(response, "Content-Type", content_type) != MHD_YES ||
	    MHD_add_response_header(response, "Cache-Control", "no-store") != MHD_YES) {
		if (response)
			MHD_destroy_response(response);
		free(s);
		answer(r, 503, NULL);
		return NULL;
	}
	s->r = r;
	s->closed = closed;
	s->arg = arg;
	mus_buf_init(&s->waiting, 0);
	r->stream = s;
	answer(r, 200, response);
	return s;
}

/* Drops what was sent, when that is most of the buffer. */
static void
pack(struct mus_http_stream *s)
{
	if (s->sent < s->waiting.len / 2)
		return;
	memmove(s->waiting.data, s->waiting.data + s->sent, s->waiting.len - s->sent);
	s->waiting.len -= s->sent;
	s->sent = 0;
}

/* There is something to do for the reader. */
static void
wake_reader(struct mus_http_stream *s)
{
	if (!s->watch)			/* not asked yet, or still sending */
		return;
	stop_watch(s);
	resume(s->r);
}

int
mus_http_stream_send(struct mus_http_stream *s, const void *data, size_t len)
{
	if (s->gone || s->ending)
		return MUS_ERR_NET;
	if (s->waiting.len - s->sent + len > STREAM_WAITING_MAX)
		return MUS_ERR_FULL;
	if (s->sent)
		pack(s);
	if (!mus_buf_add(&s->waiting, data, len))
		return MUS_ERR_NOMEM;
	wake_reader(s);
	return 0;
}

size_t
mus_http_stream_waiting(const struct mus_http_stream *s)
{
	return s->waiting.len - s->sent;
}

void
mus_http_stream_end(struct mus_http_stream *s)
{
	s->ending = true;
	s->closed = NULL;
	wake_reader(s);
}

static void
stream_free(struct mus_http_stream *s)
{
	mus_loop_fn *closed = s->closed;

	stop_watch(s);
	s->gone = true;
	s->closed = NULL;
	if (closed)
		closed(s->arg);
	mus_buf_clear(&s->waiting);
	free(s);
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
    enum MHD_RequestTerminationCode why)
{
	struct mus_http_req *r = *req_cls;

	(void)cls;
	(void)conn;
	(void)why;
	*req_cls = NULL;
	if (!r)
		return;
	if (r->stream)
		stream_free(r->stream);
	does(r, MUS_PLACE_HEAD);
	req_free(r);
}

/* ---- connections ---- */

static struct mus_addr
addr_of(const struct sockaddr *sa)
{
	struct mus_addr a = {0};

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		a.family = 4;
		a.port = ntohs(in->sin_port);
		memcpy(a.ip, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		a.family = 6;
		a.port = ntohs(in6->sin6_port);
		memcpy(a.ip, &in6->sin6_addr, 16);
	}
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

/* A place for a connection that has just come; NULL: no memory, it is cut. */
static struct mus_place *
take_place(struct mus_httpd *h, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *client =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *sock =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct mus_addr from = client ? addr_of(client->client_addr) : (struct mus_addr){0};
	struct mus_place *p;

	MUS_ASSERT(sock);
	p = mus_place_enter(&h->places, &from, sock->connect_fd, mus_loop_mono_ms(h->loop));
	if (!p)
		(void)shutdown(sock->connect_fd, SHUT_RDWR);
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
		kick(h);
}

/* ---- what a handler asks ---- */

const char *
mus_http_method(const struct mus_http_req *r)
{
	return r->method;
}

const char *
mus_http_path(const struct mus_http_req *r)
{
	return r->path;
}

const char *
mus_http_query(const struct mus_http_req *r, const char *key)
{
	size_t i;

	for (i = 0; i < r->arg_count; i++) {
		if (strcmp(r->args[i].key, key) == 0)
			return r->args[i].value;
	}
	return NULL;
}

void
mus_http_each_query(const struct mus_http_req *r,
    void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	size_t i;

	for (i = 0; i < r->arg_count; i++)
		fn(arg, r->args[i].key, r->args[i].value);
}

const char *
mus_http_header(const struct mus_http_req *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const uint8_t *
mus_http_body(const struct mus_http_req *r, size_t *len)
{
	*len = r->body.len;
	return r->body.len ? r->body.data : (const uint8_t *)"";
}

struct mus_addr
mus_http_peer(const struct mus_http_req *r)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info && info->client_addr ? addr_of(info->client_addr) : (struct mus_addr){0};
}

bool
mus_http_client_cert(const struct mus_http_req *r, uint8_t spki_sha256[static 32], char *cn,
    size_t cn_cap)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .size = 0};
	unsigned char oid[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_session_t session = info ? info->tls_session : NULL;
	const gnutls_datum_t *der;
	gnutls_x509_crt_t crt = NULL;
	unsigned count = 0, status = 1;
	size_t len = 32, cn_len = cn_cap;
	bool ok = false;

	purpose.data = oid;
	if (!session || !(der = gnutls_certificate_get_peers(session, &count)) || count == 0)
		return false;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status != 0)
		return false;
	if (gnutls_x509_crt_init(&crt) < 0)
		return false;
	if (gnutls_x509_crt_import(crt, &der[0], GNUTLS_X509_FMT_DER) < 0)
		goto out;
	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, spki_sha256, &len) < 0 || len != 32)
		goto out;
	if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, cn, &cn_len) < 0)
		cn[0] = '\0';		/* none, or longer than there is room */
	ok = true;
out:
	gnutls_x509_crt_deinit(crt);
	return ok;
}

void
mus_http_known(struct mus_http_req *r)
{
	r->place->known = true;
}

void
mus_http_stats(const struct mus_http_req *r, struct mus_http_stats *out)
{
	*out = r->h->places.stats;
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

static bool
is_loopback(const struct mus_addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, one, 16) == 0;
}

/* A listening socket, -1 with words. */
static int
open_socket(const struct mus_addr *at, uint16_t *port, struct mus_errtext *et)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in *in = (void *)&ss;
	struct sockaddr_in6 *in6 = (void *)&ss;
	socklen_t len = at->family == 4 ? sizeof *in : sizeof *in6;
	char text[MUS_ADDR_TEXT_MAX];
	int one = 1, fd;

	if (at->family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(at->port);
		memcpy(&in->sin_addr, at->ip, 4);
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(at->port);
		memcpy(&in6->sin6_addr, at->ip, 16);
	}
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
	*port = addr_of((struct sockaddr *)&ss).port;
	return fd;
}

/* Certificate, key and authorities as text; empty: none. */
struct pem {
	struct mus_buf cert, key, ca;
};

static void
pem_clear(struct pem *p)
{
	if (p->key.data)
		explicit_bzero(p->key.data, p->key.len);
	mus_buf_clear(&p->cert);
	mus_buf_clear(&p->key);
	mus_buf_clear(&p->ca);
}

/* The library says little about a wrong file; this says which and why. */
static int
check_pem(const struct pem *p, const struct mus_httpd_opts *o, struct mus_errtext *et)
{
	gnutls_datum_t cert = {p->cert.data, (unsigned)p->cert.len};
	gnutls_datum_t key = {p->key.data, (unsigned)p->key.len};
	gnutls_datum_t ca = {p->ca.data, (unsigned)p->ca.len};
	gnutls_certificate_credentials_t cred = NULL;
	int rc;

	if (gnutls_certificate_allocate_credentials(&cred) < 0)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	rc = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (rc < 0) {
		rc = mus_errf(et, MUS_ERR_INVAL, "%s with key %s: %s", o->cert_file, o->key_file,
		    gnutls_strerror(rc));
		goto out;
	}
	rc = p->ca.len ? gnutls_certificate_set_x509_trust_mem(cred, &ca, GNUTLS_X509_FMT_PEM) : 1;
	if (rc <= 0)
		rc = mus_errf(et, MUS_ERR_INVAL, "%s: %s", o->client_ca_file,
		    rc < 0 ? gnutls_strerror(rc) : "holds no certificate");
	else
		rc = 0;
out:
	gnutls_certificate_free_credentials(cred);
	return rc;
}

static int
load_pem(const struct mus_httpd_opts *o, struct pem *p, struct mus_errtext *et)
{
	int rc;

	if (!o->cert_file && !o->key_file && !o->client_ca_file) {
		if (is_loopback(&o->listen))
			return 0;
		return mus_errf(et, MUS_ERR_INVAL, "without a certificate only a loopback address may "
						   "be listened on");
	}
	if (!o->cert_file || !o->key_file)
		return mus_errf(et, MUS_ERR_INVAL, "TLS wants a certificate and a key");
	if ((rc = mus_file_read(o->cert_file, PEM_MAX, &p->cert, et)) < 0 ||
	    (rc = mus_file_read(o->key_file, PEM_MAX, &p->key, et)) < 0)
		return rc;
	if (o->client_ca_file && (rc = mus_file_read(o->client_ca_file, PEM_MAX, &p->ca, et)) < 0)
		return rc;
	return check_pem(p, o, et);
}

/* Starts the library on ${fd}, which it closes when it stops. */
static struct MHD_Daemon *
start(struct mus_httpd *h, const struct mus_httpd_opts *o, const struct pem *p, int fd)
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
	return MHD_start_daemon(flags, 0, NULL, NULL, on_access, h,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, h,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, h->connections_max,
	    MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s ? o->idle_timeout_s : IDLE_S_DEFAULT,
	    MHD_OPTION_URI_LOG_CALLBACK, on_line, h,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
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
	    !(h->poll = poll_new(h->loop, info->epoll_fd, UV_READABLE, on_ready, h)))
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
	struct pem pem = {0};
	int rc = MUS_ERR_IO, fd = -1;

	if (!h)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	h->loop = l;
	h->fn = fn;
	h->arg = arg;
	set_limits(h, o);
	h->refusal = o->refusal;
	h->refusal_type = o->refusal_type;
	h->body_max_bytes = o->body_max_bytes ? o->body_max_bytes : BODY_MAX_DEFAULT;
	if ((rc = load_pem(o, &pem, et)) < 0)
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
	pem_clear(&pem);
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
	poll_free(h->poll);
	mus_timer_free(h->timer);
	mus_timer_free(h->sweep);
	/* The library stops only when nobody is suspended.  Requests end with on_completed. */
	for (r = h->reqs; r; r = r->next) {
		if (r->stream) {
			stop_watch(r->stream);
			r->stream->gone = true;
		}
		if (!r->stream && !r->response && r->suspended)
			r->failed = true;
		resume(r);
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
