/*
 * The table of routes, and the way of a request through it: who asks, which route, may they, is the
 * body what the route takes.
 */
#include "routes_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/metrics.h"
#include "base/text.h"

#define PREFIX "/api/v1"
#define R(m, p, r, h, req, rep, k, s, ...)                                                         \
	{                                                                                          \
		.method = m, .path = p, .role = MUS_ROLE_##r, .handler = h, .request = req,         \
		.reply = rep, .kind = API_##k, .status = s, __VA_ARGS__                            \
	}
#define REQ(x) (&mus_schema_req_##x)
#define REP(x) (&mus_schema_rep_##x)

static const struct api_query q_page[] = {
    {"limit", API_Q_UINT, "items at most, 1 to 1000; 100 when not given"},
    {"after", API_Q_TEXT, "the \"next\" of the page before"}, {NULL}};
static const struct api_query q_zones[] = {
    {"limit", API_Q_UINT, "items at most, 1 to 1000; 100 when not given"},
    {"after", API_Q_TEXT, "the \"next\" of the page before"},
    {"state", API_Q_TEXT, "only zones in this state: UNKNOWN, VALID, VALID-SO-FAR, AT-RISK, INVALID, INSECURE"},
    {"group", API_Q_TEXT, "only zones of this signer group"},
    {"match", API_Q_TEXT, "only zones with this in their name"},
    {"busy", API_Q_BOOL, "true: only zones with a running process"}, {NULL}};
static const struct api_query q_processes[] = {
    {"limit", API_Q_UINT, "items at most, 1 to 1000; 100 when not given"},
    {"after", API_Q_UINT, "the \"next\" of the page before"},
    {"zone", API_Q_TEXT, "only of this zone"},
    {"running", API_Q_BOOL, "true: only those that run"}, {NULL}};
static const struct api_query q_history[] = {
    {"limit", API_Q_UINT, "items at most, 1 to 1000; 100 when not given"},
    {"after", API_Q_UINT, "the \"next\" of the page before"}, {NULL}};
static const struct api_query q_abandon[] = {
    {"abandon", API_Q_BOOL, "true: even while a process runs; records stay where they are"}, {NULL}};
static const struct api_query q_preflight[] = {
    {"signer", API_Q_TEXT, "who would join; needed"}, {NULL}};
static const struct api_query q_events[] = {
    {"zone", API_Q_TEXT, "only events of this zone"},
    {"after", API_Q_UINT, "begin after the event with this id; now when not given"}, {NULL}};

/* Longer paths of one collection stand before the shorter ones: the name of a zone may hold a
 * slash, so {zone} takes all that is left. */
const struct api_route api_routes[] = {
    R("GET", "/ping", READ, api_ping, NULL, REP(ping), OBJECT, 200,
	.summary = "Is the daemon there?"),
    R("GET", "/status", READ, api_status, NULL, REP(status), OBJECT, 200,
	.summary = "The daemon in numbers, and who you are to it."),
    R("GET", "/openapi.json", READ, api_openapi_get, NULL, NULL, TEXT, 200,
	.content_type = "application/json", .summary = "This description."),

    R("GET", "/signers", READ, api_signers_list, NULL, REP(signer), LIST, 200, .query = q_page,
	.summary = "All signers, by name."),
    R("POST", "/signers", ADMIN, api_signers_create, REQ(signer), REP(signer), OBJECT, 201,
	.summary = "Create a signer."),
    R("POST", "/signers/{signer}/probe", OPERATE, api_signer_probe, REQ(probe), REP(probe), OBJECT,
	200, .summary = "Try on a zone what the signer lets us change; everything is put back."),
    R("GET", "/signers/{signer}", READ, api_signer_get, NULL, REP(signer), OBJECT, 200,
	.summary = "One signer."),
    R("PATCH", "/signers/{signer}", ADMIN, api_signer_change, REQ(signer_change), REP(signer),
	OBJECT, 200, .summary = "Change a signer; what is not given stays."),
    R("DELETE", "/signers/{signer}", ADMIN, api_signer_delete, NULL, NULL, NOTHING, 204,
	.summary = "Delete a signer that is in no group."),

    R("GET", "/groups", READ, api_groups_list, NULL, REP(group), LIST, 200, .query = q_page,
	.summary = "All signer groups, by name."),
    R("POST", "/groups", ADMIN, api_groups_create, REQ(group), REP(group), OBJECT, 201,
	.summary = "Create a signer group."),
    R("GET", "/groups/{group}/signers/{signer}", READ, api_group_may_join, NULL, REP(group), OBJECT, 200,
	.summary = "Would a join be refused? As PUT, but nothing is changed."),
    R("PUT", "/groups/{group}/signers/{signer}", OPERATE, api_group_join, REQ(nothing), REP(group),
	OBJECT, 200, .summary = "Join a signer to all zones of the group (ADD-SIGNER)."),
    R("DELETE", "/groups/{group}/signers/{signer}", OPERATE, api_group_leave, NULL, REP(group),
	OBJECT, 200, .summary = "Remove a signer from all zones of the group (REMOVE-SIGNER)."),
    R("GET", "/groups/{group}", READ, api_group_get, NULL, REP(group), OBJECT, 200,
	.summary = "One signer group."),
    R("DELETE", "/groups/{group}", ADMIN, api_group_delete, NULL, NULL, NOTHING, 204,
	.summary = "Delete a signer group without zones."),

    R("GET", "/zones", READ, api_zones_list, NULL, REP(zone), LIST, 200, .query = q_zones,
	.summary = "All zones, by name."),
    R("POST", "/zones", OPERATE, api_zones_create, REQ(zone), REP(zone), OBJECT, 201,
	.summary = "Put a zone under the care of the controller."),
    R("POST", "/zones:bulk", OPERATE, api_zones_bulk, REQ(zone), REP(bulk), OBJECT, 200,
	.is_bulk = true,
	.summary = "Create up to 10000 zones: a JSON array, or one object a line "
		   "(application/x-ndjson). Each is created whole or not at all."),
    R("POST", "/zones:migrate", OPERATE, api_zones_migrate, REQ(migrate_many), REP(migration), LIST,
	200, .summary = "Move whole signer groups of zones from one signer to another."),
    R("PUT", "/zones/{zone}/group", OPERATE, api_zone_set_group, REQ(zone_group), REP(zone), OBJECT,
	200, .summary = "Put the zone into a signer group."),
    R("DELETE", "/zones/{zone}/group", OPERATE, api_zone_clear_group, NULL, REP(zone), OBJECT, 200,
	.summary = "Take the zone out of its signer group."),
    R("GET", "/zones/{zone}/status", READ, api_zone_status, NULL, REP(zone_status), OBJECT, 200,
	.summary = "The zone as it stands now: signers, process, waits."),
    R("GET", "/zones/{zone}/plan", READ, api_zone_plan, NULL, REP(plan), OBJECT, 200,
	.summary = "What the controller would do now."),
    R("GET", "/zones/{zone}/explain", READ, api_zone_explain, NULL, REP(explain), OBJECT, 200,
	.summary = "Why the zone is in its state, and why nothing more happens now."),
    R("GET", "/zones/{zone}/preflight", READ, api_zone_preflight, NULL, REP(preflight), OBJECT, 200,
	.query = q_preflight, .summary = "Would a signer, member or not, be fit to join?"),
    R("GET", "/zones/{zone}/history", READ, api_zone_history, NULL, REP(event), LIST, 200,
	.query = q_history, .summary = "What happened to the zone, newest first."),
    R("POST", "/zones/{zone}/hold", OPERATE, api_zone_hold, REQ(hold), REP(zone), OBJECT, 200,
	.summary = "Stop the zone where it is."),
    R("POST", "/zones/{zone}/resume", OPERATE, api_zone_resume, REQ(nothing), REP(zone), OBJECT,
	200, .summary = "Let a held zone go on."),
    R("POST", "/zones/{zone}/step", OPERATE, api_zone_step, REQ(nothing), REP(zone), OBJECT, 200,
	.summary = "Take one step in manual mode."),
    R("POST", "/zones/{zone}/check", OPERATE, api_zone_check, REQ(nothing), REP(zone), OBJECT, 200,
	.summary = "Look at the zone now."),
    R("POST", "/zones/{zone}/abort", OPERATE, api_zone_abort, REQ(abort), REP(outcome), OBJECT, 200,
	.summary = "Turn the running process round."),
    R("POST", "/zones/{zone}/roll", OPERATE, api_zone_roll, REQ(roll), REP(outcome), OBJECT, 200,
	.summary = "Have a signer roll a key."),
    R("POST", "/zones/{zone}/force", ADMIN, api_zone_force, REQ(force), REP(outcome), OBJECT, 200,
	.summary = "Let the next step pass a rule that refuses it, once."),
    R("POST", "/zones/{zone}/lost", ADMIN, api_zone_lost, REQ(lost), REP(outcome), OBJECT, 200,
	.summary = "Declare a signer of the zone lost."),
    R("POST", "/zones/{zone}/migrate", OPERATE, api_zone_migrate, REQ(migrate), REP(migration),
	OBJECT, 200, .summary = "Move the zone from one signer to another."),
    R("GET", "/zones/{zone}", READ, api_zone_get, NULL, REP(zone), OBJECT, 200,
	.summary = "One zone."),
    R("PATCH", "/zones/{zone}", OPERATE, api_zone_change, REQ(zone_change), REP(zone), OBJECT, 200,
	.summary = "Change a zone; what is not given stays."),
    R("DELETE", "/zones/{zone}", OPERATE, api_zone_delete, NULL, NULL, NOTHING, 204,
	.query = q_abandon, .summary = "Give a zone out of care; its records stay as they are."),

    R("GET", "/history", READ, api_history, NULL, REP(event), LIST, 200, .query = q_history,
	.summary = "What happened to all zones, newest first."),
    R("GET", "/processes", READ, api_processes, NULL, REP(process), LIST, 200,
	.query = q_processes, .summary = "Processes, newest first."),
    R("GET", "/process-tables", READ, api_tables, NULL, REP(process_table), LIST, 200,
	.summary = "The processes as the tables that drive them."),
    R("GET", "/process-tables/{kind}.mmd", READ, api_table_mermaid, NULL, NULL, TEXT, 200,
	.content_type = "text/vnd.mermaid", .summary = "The graph of a process, for Mermaid."),
    R("GET", "/process-tables/{kind}.dot", READ, api_table_dot, NULL, NULL, TEXT, 200,
	.content_type = "text/vnd.graphviz", .summary = "The graph of a process, for Graphviz."),
    R("GET", "/events", READ, api_events, NULL, REP(event), STREAM, 200, .query = q_events,
	.content_type = "text/event-stream",
	.summary = "Events as they happen (server-sent events), after those that came since "
		   "Last-Event-ID."),
};
const unsigned api_route_count = sizeof api_routes / sizeof api_routes[0];

static const struct api_route metrics_route = R("GET", "/metrics", READ, api_metrics, NULL, NULL,
    TEXT, 200, .content_type = MUS_METRICS_CONTENT_TYPE, .summary = "Prometheus metrics.");

/* Does ${path} fit ${pattern}?  Parameters are copied into the arena. */
static bool
match(struct api_call *c, const char *pattern, const char *path)
{
	unsigned count = 0;

	while (*pattern != '\0') {
		const char *tail, *end;

		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		tail = strchr(pattern, '}') + 1;
		if (strchr(tail, '{') != NULL) {	/* another follows: up to the next slash */
			if ((end = strchr(path, '/')) == NULL)
				return false;
		} else {				/* what follows is fixed: it ends the path */
			if (strlen(path) <= strlen(tail))
				return false;
			end = path + strlen(path) - strlen(tail);
			if (strcmp(end, tail) != 0)
				return false;
			if (strncmp(pattern, "{zone}", 6) != 0 && memchr(path, '/', (size_t)(end - path)) != NULL)
				return false;
		}
		if (end == path || count == API_PARAMS_MAX)
			return false;
		if ((c->param[count] = mus_arena_copy(&c->arena, path, (size_t)(end - path) + 1)) == NULL)
			return false;
		c->param[count++][end - path] = '\0';
		pattern = tail;
		path = end;
	}
	return *path == '\0';
}

/* The row of this method and path.  NULL: none; then ${allow} lists the methods of the path, and is
 * empty when there is no such path. */
static const struct api_route *
find_route(struct api_call *c, const char *method, const char *path, char *allow, size_t cap)
{
	const char *pattern = NULL;
	size_t used;

	allow[0] = '\0';
	for (unsigned i = 0; i < api_route_count; i++) {
		const struct api_route *r = &api_routes[i];

		if (pattern != NULL ? strcmp(pattern, r->path) != 0 : !match(c, r->path, path))
			continue;
		pattern = r->path;
		if (strcmp(method, r->method) == 0)
			return r;
		used = strlen(allow);
		snprintf(allow + used, cap - used, "%s%s%s", used > 0 ? ", " : "", r->method,
		    strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
	}
	return NULL;
}

static const char *
bearer_of(const struct mus_http_req *r)
{
	const char *h = mus_http_header(r, "Authorization");

	if (h == NULL || strncasecmp(h, "Bearer ", 7) != 0)
		return NULL;
	for (h += 7; *h == ' '; h++)
		;
	return *h != '\0' ? h : NULL;
}

bool
api_who(struct mus_api *api, const struct mus_http_req *r, char name[static MUS_LABEL_MAX], enum mus_role *role)
{
	return api->o.auth(api->o.auth_arg, r, bearer_of(r), name, role) == 0 && *role != MUS_ROLE_NONE;
}

static bool
authenticate(struct api_call *c)
{
	static const char *const none[] = {"WWW-Authenticate: Bearer realm=\"musicd\"", NULL};
	static const char *const bad[] = {
	    "WWW-Authenticate: Bearer realm=\"musicd\", error=\"invalid_token\"", NULL};
	const char *bearer = bearer_of(c->req);

	if (api_who(c->api, c->req, c->caller, &c->role)) {
		mus_http_known(c->req);
		return true;
	}
	mus_errf(&c->et, MUS_ERR_UNAUTH, "%s",
	    bearer != NULL ? "this token is not known" : "a token is needed (Authorization: Bearer ...)");
	api_fail_status(c, 401, "unauth", NULL, bearer != NULL ? bad : none);
	return false;
}

struct query_check {
	const struct api_route *route;
	const char *unknown, *twice;
	unsigned given;			/* bit per parameter of the route */
};

static void
check_query(void *arg, const char *key, const char *value)
{
	struct query_check *q = arg;

	(void)value;
	for (unsigned i = 0; q->route->query != NULL && q->route->query[i].name != NULL; i++) {
		if (strcmp(q->route->query[i].name, key) != 0)
			continue;
		if ((q->given >> i & 1) != 0)
			q->twice = q->route->query[i].name;
		q->given |= 1U << i;
		return;
	}
	q->unknown = key;
}

static bool
has_good_query(struct api_call *c)
{
	struct query_check q = {.route = c->route};
	const char *known[API_QUERIES_MAX], *near;
	unsigned count = 0;

	mus_http_each_query(c->req, check_query, &q);
	if (q.unknown == NULL && q.twice == NULL)
		return true;
	if (q.unknown == NULL) {
		mus_errf(&c->et, MUS_ERR_SYNTAX, "is given twice");
		api_fail_status(c, 400, "query", q.twice, NULL);
		return false;
	}
	for (const struct api_query *p = c->route->query; p != NULL && p->name != NULL; p++)
		known[count++] = p->name;
	near = count > 0 ? mus_text_nearest(q.unknown, known, count) : NULL;
	if (near != NULL)
		mus_errf(&c->et, MUS_ERR_SYNTAX, "unknown query parameter; did you mean \"%s\"?", near);
	else
		mus_errf(&c->et, MUS_ERR_SYNTAX, "unknown query parameter");
	api_fail_status(c, 400, "query", q.unknown, NULL);
	return false;
}

static bool
is_type(const char *header, const char *type)
{
	size_t n = strlen(type);

	return header != NULL && strncasecmp(header, type, n) == 0 &&
	    (header[n] == '\0' || header[n] == ';' || header[n] == ' ');
}

/* Body and content type against the route; decodes. */
static bool
take_body(struct api_call *c)
{
	const char *type = mus_http_header(c->req, "Content-Type");
	size_t len, max = c->route->is_bulk ? MUS_API_BULK_BODY_MAX : MUS_API_BODY_MAX;
	const uint8_t *body = mus_http_body(c->req, &len);
	struct mus_wire_error we;
	void *req;
	int rc;

	if (len > max) {
		api_fail_at(c, mus_errf(&c->et, MUS_ERR_TOOBIG, "the body has more than %zu bytes", max),
		    NULL);
		return false;
	}
	if (c->route->request == NULL) {
		if (len == 0)
			return true;
		mus_errf(&c->et, MUS_ERR_SYNTAX, "%s takes no body here", c->route->method);
		api_fail_status(c, 400, "syntax", NULL, NULL);
		return false;
	}
	if (len > 0 && !is_type(type, "application/json") &&
	    !(c->route->is_bulk && is_type(type, "application/x-ndjson"))) {
		mus_errf(&c->et, MUS_ERR_INVAL, "the content type must be application/json%s",
		    c->route->is_bulk ? " or application/x-ndjson" : "");
		api_fail_status(c, 415, "mediatype", NULL, NULL);
		return false;
	}
	if (c->route->is_bulk)
		return true;
	if ((req = api_alloc(c, c->route->request->size)) == NULL)
		return false;
	if ((rc = mus_wire_decode(c->route->request, body, len, &c->arena, req, &we)) < 0) {
		api_fail_wire(c, rc, &we);
		return false;
	}
	c->body = req;
	return true;
}

static void
run(struct api_call *c)
{
	if (c->role < c->route->role) {
		mus_errf(&c->et, MUS_ERR_DENIED, "this needs the role %s; your token \"%s\" has %s",
		    mus_role_text(c->route->role), c->caller, mus_role_text(c->role));
		api_fail(c, MUS_ERR_DENIED);
		return;
	}
	if (!has_good_query(c) || !take_body(c))
		return;
	c->route->handler(c);
}

static void
dispatch(struct api_call *c)
{
	const char *path = mus_http_path(c->req), *method = mus_http_method(c->req);
	char allow[96] = "Allow: ";
	const char *const headers[] = {allow, NULL};
	bool in_api = strncmp(path, PREFIX "/", strlen(PREFIX) + 1) == 0;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	if (strcmp(path, "/metrics") == 0 && strcmp(method, "GET") == 0 && c->api->o.metrics_open) {
		c->route = &metrics_route;
		c->role = MUS_ROLE_READ;
		run(c);
		return;
	}
	if (!authenticate(c))
		return;
	if (in_api) {
		c->route = find_route(c, method, path + strlen(PREFIX), allow + 7, sizeof allow - 7);
	} else if (strcmp(path, "/metrics") == 0) {
		c->route = strcmp(method, "GET") == 0 ? &metrics_route : NULL;
		(void)mus_strcpy(allow + 7, sizeof allow - 7, "GET, HEAD");
	}
	if (c->route != NULL) {
		run(c);
	} else if (allow[7] != '\0') {
		mus_errf(&c->et, MUS_ERR_INVAL, "%s is not possible here", method);
		api_fail_status(c, 405, "method", NULL, headers);
	} else {
		mus_errf(&c->et, MUS_ERR_NOTFOUND, "there is no such path; see " PREFIX "/openapi.json");
		api_fail(c, MUS_ERR_NOTFOUND);
	}
}

void
mus_api_handle(void *arg, struct mus_http_req *r)
{
	static const char busy[] = "{\"error\":{\"code\":\"nomem\",\"message\":\"out of memory\",\"retry\":true}}\n";
	struct mus_api *api = arg;
	struct api_call *c = calloc(1, sizeof *c);

	api->requests++;
	if (c == NULL) {
		mus_http_reply(r, 503, "application/json", busy, sizeof busy - 1, NULL);
		return;
	}
	*c = (struct api_call){.api = api, .engine = api->o.engine, .req = r,
	    .store = mus_ctl_store(api->o.engine)};
	mus_arena_init(&c->arena, 64 << 20);
	mus_buf_init(&c->out, 64 << 20);
	dispatch(c);
}

int
mus_api_new(const struct mus_api_opts *o, struct mus_api **out, struct mus_errtext *et)
{
	struct mus_api *api = calloc(1, sizeof *api);
	int rc = MUS_ERR_NOMEM;

	if (api == NULL)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	api->o = *o;
	if (api->o.streams_max == 0)
		api->o.streams_max = 64;
	if (api->o.caller_streams_max == 0)
		api->o.caller_streams_max = 16;
	if (api->o.heartbeat_ms == 0)
		api->o.heartbeat_ms = 15000;
	if (api->o.bulk_step == 0)
		api->o.bulk_step = 16;
	api->started_at = mus_ctl_now(o->engine);
	mus_buf_init(&api->openapi, 0);
	api->heartbeat = mus_timer_new(o->loop, api_streams_heartbeat, api);
	api->feeder = mus_timer_new(o->loop, api_feed, api);
	if (!mus_api_openapi(&api->openapi) || api->heartbeat == NULL || api->feeder == NULL) {
		mus_errf(et, rc, "out of memory");
		goto fail;
	}
	if ((rc = mus_ctl_listen(o->engine, api_feed, api)) < 0) {
		mus_errf(et, rc, "cannot listen to the engine's events: %s", mus_err_text(rc));
		goto fail;
	}
	*out = api;
	return 0;
fail:
	mus_timer_free(api->heartbeat);
	mus_timer_free(api->feeder);
	mus_buf_clear(&api->openapi);
	free(api);
	return rc;
}

void
mus_api_free(struct mus_api *api)
{
	if (api == NULL)
		return;
	mus_ctl_unlisten(api->o.engine, api_feed, api);
	api_jobs_end(api);
	api_streams_end(api);
	mus_timer_free(api->heartbeat);
	mus_timer_free(api->feeder);
	mus_buf_clear(&api->openapi);
	free(api);
}
