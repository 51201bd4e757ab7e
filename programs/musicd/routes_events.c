/*
 * The event stream: lines of history as they happen, as server-sent events, to each client that
 * listens.  A client that does not read is cut off when more than a megabyte waits for it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "routes_int.h"

enum { CATCH_UP_MAX = 1000, CATCH_UP_PAGE = 200 };

struct api_stream {
	struct api_stream *next, *prev;
	struct mus_api *api;
	struct mus_http_stream *stream;
	char zone[MUS_ZONETEXT_MAX];	/* empty: all */
};

static void
unlink_stream(struct api_stream *s)
{
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		s->api->streams = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	s->api->stream_count--;
	if (s->api->stream_count == 0)
		mus_timer_stop(s->api->heartbeat);
}

/* The client has gone. */
static void
stream_closed(void *arg)
{
	struct api_stream *s = arg;

	unlink_stream(s);
	free(s);
}

static void
end_stream(struct api_stream *s)
{
	mus_http_stream_end(s->stream);		/* stream_closed does not come any more */
	unlink_stream(s);
	free(s);
}

static void
write_event(struct mus_buf *out, const struct mus_event_obj *o)
{
	struct mus_rep_event rep;
	struct mus_json j;

	mus_body_of_event(o, &rep);
	if (o->id > 0)
		mus_buf_printf(out, "id: %lld\n", (long long)o->id);
	mus_buf_printf(out, "event: %s\ndata: ", o->kind);
	mus_json_init(&j, out);
	mus_wire_encode(&j, &mus_schema_rep_event, &rep);
	mus_buf_add_str(out, "\n\n");
}

static void
send_or_end(struct api_stream *s, const struct mus_buf *b)
{
	if (b->failed || mus_http_stream_send(s->stream, b->data, b->len) < 0)
		end_stream(s);
}

void
api_event(void *arg, const struct mus_event_obj *o)
{
	struct mus_api *api = arg;
	struct api_stream *next;
	struct mus_buf b;

	if (api->streams == NULL)
		return;
	mus_buf_init(&b, 64 << 10);
	write_event(&b, o);
	for (struct api_stream *s = api->streams; s != NULL; s = next) {
		next = s->next;
		if (s->zone[0] == '\0' || strcmp(s->zone, o->zone) == 0)
			send_or_end(s, &b);
	}
	mus_buf_clear(&b);
}

void
api_streams_heartbeat(void *arg)
{
	static char beat[] = ": heartbeat\n\n";
	const struct mus_buf b = {.data = (uint8_t *)beat, .len = sizeof beat - 1};
	struct mus_api *api = arg;
	struct api_stream *next;

	for (struct api_stream *s = api->streams; s != NULL; s = next) {
		next = s->next;
		send_or_end(s, &b);
	}
	if (api->streams != NULL)
		mus_timer_start(api->heartbeat, api->o.heartbeat_ms);
}

void
api_streams_end(struct mus_api *api)
{
	while (api->streams != NULL)
		end_stream(api->streams);
}

/* What was missed since ${last_id}, at most CATCH_UP_MAX, oldest first. */
struct catch_up {
	struct mus_event_obj *page;	/* newest first, as the store lists them */
	size_t count;
	int64_t last_id;
};

static int
collect(void *arg, const struct mus_event_obj *o)
{
	struct catch_up *cu = arg;

	if (o->id <= cu->last_id || cu->count == CATCH_UP_MAX)
		return 1;
	cu->page[cu->count++] = *o;
	return 0;
}

static void
send_missed(struct api_call *c, struct mus_buf *out, int64_t zone_id, int64_t last_id)
{
	struct catch_up cu = {.last_id = last_id};

	/* no limit needed: CATCH_UP_MAX events of two kilobytes, for a moment */
	if ((cu.page = calloc(CATCH_UP_MAX, sizeof *cu.page)) == NULL)
		return;
	if (mus_store_list_events(c->store, zone_id, 0, CATCH_UP_MAX, collect, &cu) >= 0)
		while (cu.count > 0)
			write_event(out, &cu.page[--cu.count]);
	free(cu.page);
}

void
api_events(struct api_call *c)
{
	const char *zone = mus_http_query(c->req, "zone"), *last = mus_http_header(c->req, "Last-Event-ID");
	const struct mus_zone_obj *o = NULL;
	struct mus_api *api = c->api;
	struct api_stream *s;
	uint64_t last_id;

	if (zone != NULL && (o = api_zone(c, zone, "zone")) == NULL)
		return;
	if (api->stream_count >= api->o.streams_max) {
		mus_errf(&c->et, MUS_ERR_FULL, "%u event streams are open, no more are allowed",
		    api->stream_count);
		api_fail(c, MUS_ERR_FULL);
		return;
	}
	if ((s = calloc(1, sizeof *s)) == NULL) {
		api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
		return;
	}
	(void)mus_strcpy(s->zone, sizeof s->zone, o != NULL ? o->name : "");
	mus_buf_add_str(&c->out, "retry: 2000\n: musicd " MUS_VERSION "\n\n");
	if (last != NULL && mus_parse_u64(last, INT64_MAX, &last_id))
		send_missed(c, &c->out, o != NULL ? o->id : 0, (int64_t)last_id);
	if ((s->stream = mus_http_stream_start(c->req, "text/event-stream", stream_closed, s)) == NULL) {
		free(s);
		api_call_free(c);
		return;
	}
	s->api = api;
	s->next = api->streams;
	if (s->next != NULL)
		s->next->prev = s;
	api->streams = s;
	if (api->stream_count++ == 0)
		mus_timer_start(api->heartbeat, api->o.heartbeat_ms);
	send_or_end(s, &c->out);
	api_call_free(c);
}
