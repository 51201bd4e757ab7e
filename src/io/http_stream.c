#include <stdlib.h>
#include <string.h>

#include "io/http_priv.h"

enum { STREAM_WAITING_MAX = 1 << 20 };	/* bytes for a client that is slow */

void
mus__http_stop_watch(struct mus_http_stream *s)
{
	mus__http_poll_free(s->watch);
	s->watch = NULL;
}

static void
on_client_end(uv_poll_t *p, int status, int events)
{
	struct mus_http_stream *s = p->data;

	(void)status;
	(void)events;
	mus__http_stop_watch(s);
	s->gone = true;
	mus__http_resume(s->r);
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
			s->watch = mus__http_poll_new(s->r->h->loop, info->connect_fd, UV_DISCONNECT, on_client_end, s);
		if (!s->watch)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		mus__http_suspend(s->r);
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
		mus__http_answer(r, 503, NULL);
		return NULL;
	}
	s->r = r;
	s->closed = closed;
	s->arg = arg;
	mus_buf_init(&s->waiting, 0);
	r->stream = s;
	mus__http_answer(r, 200, response);
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
	mus__http_stop_watch(s);
	mus__http_resume(s->r);
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

void
mus_http_stream_cut(struct mus_http_stream *s)
{
	mus_buf_reset(&s->waiting);
	s->sent = 0;
	mus_http_stream_end(s);
}

void
mus__http_stream_free(struct mus_http_stream *s)
{
	mus_loop_fn *closed = s->closed;

	mus__http_stop_watch(s);
	s->gone = true;
	s->closed = NULL;
	if (closed)
		closed(s->arg);
	mus_buf_clear(&s->waiting);
	free(s);
}
