/*
 * Inside the REST interface: the route table's row, a request on its way, and the few ways to end
 * it.  A handler ends its call exactly once: api_reply*, api_fail*, or it keeps it for later.
 */
#ifndef MUSICD_ROUTES_INT_H
#define MUSICD_ROUTES_INT_H

#include "core/rows.h"
#include "routes.h"
#include "wire/body.h"
#include "wire/body_of.h"

enum { API_LIMIT_DEFAULT = 100, API_LIMIT_MAX = 1000, API_PARAMS_MAX = 2, API_QUERIES_MAX = 6 };

struct api_call;
typedef void api_handler(struct api_call *c);

enum api_reply_kind { API_OBJECT, API_LIST, API_NOTHING, API_TEXT, API_STREAM };
enum api_query_type { API_Q_TEXT, API_Q_UINT, API_Q_BOOL };
struct api_query {
	const char *name;		/* NULL ends the list */
	enum api_query_type type;
	const char *help;
};
struct api_route {
	const char *method, *path;	/* "/zones/{zone}/plan", below /api/v1 */
	enum mus_role role;
	api_handler *handler;
	const struct mus_schema *request;	/* NULL: no body */
	const struct mus_schema *reply;		/* of one item for API_LIST; NULL with TEXT, NOTHING */
	enum api_reply_kind kind;
	unsigned status;		/* when all is well */
	const struct api_query *query;	/* NULL: none */
	bool is_bulk;			/* the body is many requests: JSON array or NDJSON */
	const char *content_type;	/* of TEXT and STREAM */
	const char *summary;
};
extern const struct api_route api_routes[];
extern const unsigned api_route_count;

struct api_stream;
struct api_job;				/* a bulk request or a probe on its way */

struct mus_api {
	struct mus_api_opts o;
	struct mus_time started_at;
	uint64_t requests;
	struct mus_buf openapi;
	struct api_stream *streams;	/* list */
	unsigned stream_count;
	uint64_t streams_refused_caller, streams_refused_full;
	struct mus_timer *heartbeat, *feeder;	/* of streams; the second while one is behind */
	struct api_job *jobs;		/* list */
};

/* One request; freed by whatever ends it. */
struct api_call {
	struct mus_api *api;
	struct mus_engine *engine;
	struct mus_store *store;
	struct mus_http_req *req;
	const struct api_route *route;
	char caller[MUS_LABEL_MAX];
	enum mus_role role;
	char *param[API_PARAMS_MAX];	/* of the path, in order */
	const void *body;		/* decoded request, a struct of route->request */
	struct mus_arena arena;
	struct mus_buf out;
	struct mus_errtext et;
};

/* --- ending a call: all free it --- */
void api_reply(struct api_call *c, unsigned status, const void *obj);	/* by route->reply */
void api_reply_with(struct api_call *c, unsigned status, const void *obj, const char *const *headers);
void api_reply_out(struct api_call *c, unsigned status, const char *content_type);	/* c->out */
void api_reply_nothing(struct api_call *c);				/* 204 */
void api_fail(struct api_call *c, int err);				/* words: c->et */
void api_fail_at(struct api_call *c, int err, const char *field);	/* "/group", "limit" */
void api_fail_put(struct api_call *c, int err, const char *field);	/* as a mus_ctl_put_* said */
void api_fail_status(struct api_call *c, unsigned status, const char *code, const char *field,
    const char *const *headers);
/* Too many of something: 429 (of the caller's) or 503, with Retry-After. */
void api_fail_full(struct api_call *c, unsigned status);
void api_fail_wire(struct api_call *c, int err, const struct mus_wire_error *we);
void api_call_free(struct api_call *c);

/* --- helpers: on failure they end the call and say false --- */
/* The query parameter ?limit= (1 to 1000) or the default. */
bool api_limit(struct api_call *c, unsigned *out);
bool api_query_u64(struct api_call *c, const char *name, uint64_t *out);	/* absent: untouched */
bool api_query_bool(struct api_call *c, const char *name, bool *out);
/* The state of a zone as it is stored, also written small and as in /metrics: at_risk, so_far. */
bool api_query_state(struct api_call *c, const char *name, const char **out);
/* Canonical form of a domain name, in the arena; ${field} NULL: a name in the path (404). */
const char *api_name(struct api_call *c, const char *text, const char *field);
/* Objects named in the path (${field} NULL: 404) or in the body (422); in the arena. */
struct mus_signer_obj *api_signer(struct api_call *c, const char *name, const char *field);
struct mus_group_obj *api_group(struct api_call *c, const char *name, const char *field);
struct mus_zone_obj *api_zone(struct api_call *c, const char *name, const char *field);
/* If-Match against the object's tag: 412 when it does not match. */
bool api_if_match(struct api_call *c, int64_t id, struct mus_time changed_at);
const char *const *api_etag(struct api_call *c, int64_t id, struct mus_time changed_at,
    const char *location);	/* header lines; location may be NULL */
/* Memory or nothing: ends the call with 503. */
void *api_alloc(struct api_call *c, size_t len);
char *api_location(struct api_call *c, const char *collection, const char *name);

/* Names behind ids, kept for the length of the call. */
struct api_names {
	struct api_call *call;
	struct api_name_entry *groups, *signers;
};
struct mus_body_names api_names_of(struct api_names *n, struct api_call *c);

/* What the engine says of troubles, as the bodies take it; lent as ${from} is.  ${copies}: signers whose whole copy is
 * waited for, of whom the store is asked whether anybody reads it. */
void api_troubles(struct api_call *c, const struct mus_zonestate *st, uint8_t copies, const struct mus_ctl_trouble *from,
    struct mus_body_trouble out[static MUS_ORIGINS]);

/* --- lists: items are written as the store hands them out --- */
struct api_list {
	struct api_call *call;
	struct mus_json json;
	struct mus_arena item;		/* reset for each item */
	unsigned limit, count;
	bool more;
	char next[MUS_ZONETEXT_MAX];
};
void api_list_begin(struct api_list *l, struct api_call *c, unsigned limit);
/* Is there room?  false: there is more than was asked for; stop. */
bool api_list_room(struct api_list *l);
void api_list_item(struct api_list *l, const void *obj, const char *key);
void api_list_end(struct api_list *l, int rc);		/* rc of the store call, > 0: stopped by us */

/* Who asks, as of now?  false: nobody we know. */
bool api_who(struct mus_api *api, const struct mus_http_req *r, char name[static MUS_LABEL_MAX], enum mus_role *role);

/* --- events --- */
void api_feed(void *api);			/* a mus_ctl_event_fn */
void api_streams_heartbeat(void *api);
void api_streams_end(struct mus_api *api);
void api_jobs_end(struct mus_api *api);

/* --- handlers --- */
api_handler api_signers_list, api_signers_create, api_signer_get, api_signer_change,
    api_signer_delete, api_signer_probe;
api_handler api_groups_list, api_groups_create, api_group_get, api_group_delete, api_group_join, api_group_may_join,
    api_group_leave;
api_handler api_zones_list, api_zones_create, api_zones_bulk, api_zones_migrate, api_zone_get,
    api_zone_change, api_zone_delete, api_zone_set_group, api_zone_clear_group, api_zone_status,
    api_zone_plan, api_zone_explain, api_zone_preflight, api_zone_history, api_zone_hold,
    api_zone_resume, api_zone_step, api_zone_check, api_zone_abort, api_zone_roll, api_zone_force, api_zone_lost,
    api_zone_migrate;
api_handler api_history, api_processes, api_tables, api_table_mermaid, api_table_dot, api_events,
    api_status, api_ping, api_openapi_get, api_metrics;

/* Fills ${o} from a decoded request; 0, or INVAL with words in c->et and ${field}. */
int api_zone_from(struct api_call *c, const struct mus_req_zone *r, struct mus_zone_obj *o,
    char field[static 64]);

#endif
