/*
 * The event stream: lines of history, as server-sent events, to each client that listens.
 *
 * A stream is a place in the history: what is on disk after it is read from the store and sent, whether
 * it has just happened or was missed.  So nothing is sent that is not stored, and a client that comes
 * back with the id it saw last misses nothing and gets nothing twice.  A client that reads slowly is
 * waited for; one that takes nothing for three heartbeats is cut off.
 */
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "base/text.h"
#include "routes_int.h"

enum {
	PAGE = 200,			/* events read at once */
	ENOUGH = 256 << 10,		/* bytes that may wait for a client before it gets more */
	AGAIN_MS = 20,			/* when more is tried */
};

struct api_stream {
	struct api_stream *next, *prev;
	struct mus_api *api;
	struct mus_http_stream *stream;
	const struct mus_http_req *req;	/* which it came from; lives as long */
	enum mus_role role;		/* which it takes */
	char caller[MUS_LABEL_MAX];	/* whose it is */
	int64_t zone_id;		/* 0: all */
	int64_t last_id;		/* everything up to this was sent, or is not wanted */
	size_t left_at_beat;		/* bytes that waited at the last heartbeat */
	unsigned stuck;			/* heartbeats in which nothing was taken */
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
	if (s->api->stream_count == 0) {
		mus_timer_stop(s->api->heartbeat);
		mus_timer_stop(s->api->feeder);
	}
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

/* The client is not waited for any longer.  The log counts equal lines (log.repeat): one for each address,
 * token and reason, however often the client comes back. */
static void
give_up(struct api_stream *s, const char *why)
{
	const struct mus_addr peer = mus_http_peer(s->req);
	char text[MUS_ADDR_TEXT_MAX];

	mus_log_warning(mus_addr_text(&peer, peer.port, text), NULL, "the event stream of token %s is cut off: %s",
	    s->caller, why);
	end_stream(s);
}

static void
cannot_send(struct api_stream *s, int err)
{
	if (err == MUS_ERR_NET)		/* it has gone by itself */
		end_stream(s);
	else
		give_up(s, err == MUS_ERR_FULL ? "more waits for it than may" : "out of memory");
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

/* false: it has ended, and is gone. */
static bool
send_or_end(struct api_stream *s, const struct mus_buf *b)
{
	int rc = b->failed ? MUS_ERR_NOMEM : mus_http_stream_send(s->stream, b->data, b->len);

	if (rc < 0)
		cannot_send(s, rc);
	return rc >= 0;
}

struct page {
	struct mus_buf *out;
	int64_t last_id;
	unsigned count;
};

static int
on_page(void *arg, const struct mus_event_obj *o)
{
	struct page *p = arg;

	write_event(p->out, o);
	p->last_id = o->id;
	p->count++;
	return 0;
}

/* Sends what is new to a stream, as much as it takes.  false: it has ended, and is gone. */
static bool
feed(struct api_stream *s)
{
	struct mus_engine *e = s->api->o.engine;
	int64_t end = mus_ctl_history_end(e);

	while (s->last_id < end) {
		struct mus_buf b;
		struct page p = {.out = &b};
		int rc;

		if (mus_http_stream_waiting(s->stream) > ENOUGH) {
			mus_timer_start(s->api->feeder, AGAIN_MS);
			return true;
		}
		mus_buf_init(&b, 0);
		if (mus_store_events_after(
			mus_ctl_store(e), s->zone_id, s->last_id, end, PAGE, on_page, &p) < 0) {
			mus_buf_clear(&b);
			return true;		/* tried again with the next event or heartbeat */
		}
		rc = b.failed ? MUS_ERR_NOMEM : b.len == 0 ? 0 : mus_http_stream_send(s->stream, b.data, b.len);
		mus_buf_clear(&b);
		if (rc < 0) {
			cannot_send(s, rc);
			return false;
		}
		s->last_id = p.count == PAGE ? p.last_id : end;
	}
	return true;
}

/* The history has grown, or a slow client may have taken something. */
void
api_feed(void *arg)
{
	struct mus_api *api = arg;
	struct api_stream *next;

	for (struct api_stream *s = api->streams; s != NULL; s = next) {
		next = s->next;
		(void)feed(s);
	}
}

/* Has it taken nothing for two heartbeats? */
static bool
is_stuck(struct api_stream *s)
{
	size_t waiting = mus_http_stream_waiting(s->stream);

	s->stuck = waiting > 0 && waiting >= s->left_at_beat ? s->stuck + 1 : 0;
	s->left_at_beat = waiting;
	return s->stuck > 2;
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
		if (is_stuck(s))
			give_up(s, "it has taken nothing for three heartbeats");
		else if (feed(s))
			(void)send_or_end(s, &b);
	}
	if (api->streams != NULL)
		mus_timer_start(api->heartbeat, api->o.heartbeat_ms);
}

unsigned
mus_api_recheck(struct mus_api *api)
{
	struct api_stream *next;
	unsigned ended = 0;

	for (struct api_stream *s = api->streams; s != NULL; s = next) {
		enum mus_role role = MUS_ROLE_NONE;

		next = s->next;
		if (api_who(api, s->req, s->caller, &role) && role >= s->role)
			continue;
		mus_http_stream_cut(s->stream);		/* nothing more, not even what waits */
		unlink_stream(s);
		free(s);
		ended++;
	}
	return ended;
}

void
api_streams_end(struct mus_api *api)
{
	while (api->streams != NULL)
		end_stream(api->streams);
}

/* Where the client wants to begin: after what it saw last (a client that comes back says so in the
 * header, and asks for the same path again), else now.  false: the call has ended. */
static bool
begin_after(struct api_call *c, int64_t *out)
{
	const char *last = mus_http_header(c->req, "Last-Event-ID");
	int64_t end = mus_ctl_history_end(c->engine);
	uint64_t id = (uint64_t)end;

	if (last != NULL && last[0] != '\0') {
		if (!mus_parse_u64(last, INT64_MAX, &id)) {
			mus_errf(&c->et, MUS_ERR_INVAL, "Last-Event-ID: \"%.40s\" is no id of an event", last);
			api_fail(c, MUS_ERR_INVAL);
			return false;
		}
	} else if (!api_query_u64(c, "after", &id)) {
		return false;
	}
	/* an id of the future: of another database, or of one that was restored */
	*out = id < (uint64_t)end ? (int64_t)id : end;
	return true;
}

/* Is there room for one more, in all and for this caller?  false: the call has ended. */
static bool
has_room(struct api_call *c)
{
	struct mus_api *api = c->api;
	unsigned own = 0;

	for (const struct api_stream *s = api->streams; s != NULL; s = s->next)
		own += strcmp(s->caller, c->caller) == 0;
	if (own >= api->o.caller_streams_max) {
		api->streams_refused_caller++;
		mus_errf(&c->et, MUS_ERR_FULL, "%u event streams are open with this token, no more are allowed",
		    own);
		api_fail_full(c, 429);
		return false;
	}
	if (api->stream_count >= api->o.streams_max) {
		api->streams_refused_full++;
		mus_errf(&c->et, MUS_ERR_FULL, "%u event streams are open, no more are allowed",
		    api->stream_count);
		api_fail_full(c, 503);
		return false;
	}
	return true;
}

void
api_events(struct api_call *c)
{
	const char *zone = mus_http_query(c->req, "zone");
	const struct mus_zone_obj *o = NULL;
	struct mus_api *api = c->api;
	struct api_stream *s;
	int64_t after;

	if (!begin_after(c, &after) || (zone != NULL && (o = api_zone(c, zone, "zone")) == NULL) ||
	    !has_room(c))
		return;
	if ((s = calloc(1, sizeof *s)) == NULL) {
		api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
		return;
	}
	(void)mus_strcpy(s->caller, sizeof s->caller, c->caller);
	s->zone_id = o != NULL ? o->id : 0;
	s->last_id = after;
	s->req = c->req;
	s->role = c->route->role;
	/* the id alone is no event, but what a client comes back with when none came */
	mus_buf_printf(&c->out, "retry: 2000\nid: %lld\n: musicd " MUS_VERSION "\n\n", (long long)after);
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
	if (send_or_end(s, &c->out))
		(void)feed(s);
	api_call_free(c);
}
