#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/http_priv.h"

enum { HEADER_NAME_MAX = 64 };

/* Its place does something else now. */
static void
does(struct mus_http_req *r, enum mus_place_does what)
{
	mus_place_does(r->place, what, mus_loop_mono_ms(r->h->loop));
}

/* ---- the request line ---- */

/* Decodes ${s} in place; false: a broken escape, or a zero byte. */
static bool
decode(char *s, bool plus_is_blank)
{
	char *out = s;

	for (; *s; s++) {
		int c = (unsigned char)*s;

		if (c == '%') {
			int high = mus_hex_digit(s[1]), low = high < 0 ? -1 : mus_hex_digit(s[2]);

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
		if (r->arg_count == HTTP_QUERY_ARGS_MAX)
			return false;
		if ((value = strchr(p, '=')))
			*value++ = '\0';
		else
			value = p + strlen(p);
		if (!decode(p, true) || !decode(value, true))
			return false;
		r->args[r->arg_count++] = (struct http_query_arg){p, value};
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
void *
mus__http_on_line(void *cls, const char *target, struct MHD_Connection *conn)
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

void
mus__http_answer(struct mus_http_req *r, unsigned status, struct MHD_Response *response)
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
		mus__http_resume(r);
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
	mus__http_answer(r, status, response);
}

void
mus_http_defer(struct mus_http_req *r)
{
	MUS_ASSERT(r->in_handler);
	r->deferred = true;
}

static void
tell_too_large(struct mus_http_req *r, const char *what)
{
	struct mus_addr from = mus_http_peer(r);
	char text[MUS_ADDR_TEXT_MAX + 80], addr[MUS_ADDR_TEXT_MAX];

	if (!r->h->tell)
		return;
	/* Without the port, which is another each time: the log counts lines that are equal. */
	snprintf(text, sizeof text, "API: %s sends a body that is too large: %s",
	    from.family ? mus_addr_text(&from, from.port, addr) : "somebody", what);
	r->h->tell(text);
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

	if (status == 413)
		tell_too_large(r, "413");
	mus_buf_init(&body, 0);
	if (r->h->refusal) {
		r->h->refusal(status, words, &body);
		type = r->h->refusal_type;
	} else {
		mus_buf_printf(&body, "%s\n", words);
	}
	if (body.failed)
		mus__http_answer(r, 503, NULL);
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
	/* The library takes no answer before the body has ended: what is too much is read for a while, as long as
	 * the place has time for a body, and thrown away. */
	if (r->over || !mus_buf_add(&r->body, data, len)) {
		r->refuse = 413;
		r->over += len;
	}
	if (r->over <= r->h->body_read_max_bytes)
		return MHD_YES;
	tell_too_large(r, "it has no end, the connection is cut");
	return MHD_NO;
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

enum MHD_Result
mus__http_on_access(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
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
	mus__http_suspend(r);
	return MHD_YES;
}

void
mus__http_on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
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
		mus__http_stream_free(r->stream);
	does(r, MUS_PLACE_HEAD);
	req_free(r);
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

	return mus__http_addr(info ? info->client_addr : NULL);
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
