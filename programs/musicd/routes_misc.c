/* History, processes and their tables, and the daemon itself. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "routes_int.h"

/* --- history and processes: newest first, paged by id --- */

static int
list_event(void *arg, const struct mus_event_obj *o)
{
	struct api_list *l = arg;
	struct mus_rep_event rep;
	char key[24];

	if (!api_list_room(l))
		return 1;
	mus_body_of_event(o, &rep);
	snprintf(key, sizeof key, "%lld", (long long)o->id);
	api_list_item(l, &rep, key);
	return 0;
}

static void
list_history(struct api_call *c, int64_t zone_id)
{
	uint64_t before = 0;
	struct api_list l;
	unsigned limit;

	if (!api_limit(c, &limit) || !api_query_u64(c, "after", &before))
		return;
	api_list_begin(&l, c, limit);
	api_list_end(&l,
	    mus_store_list_events(c->store, zone_id, (int64_t)before, limit + 1, list_event, &l));
}

void
api_history(struct api_call *c)
{
	list_history(c, 0);
}

void
api_zone_history(struct api_call *c)
{
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);

	if (o != NULL)
		list_history(c, o->id);
}

static int
list_process(void *arg, const struct mus_process_obj *o)
{
	struct api_list *l = arg;
	struct mus_rep_process rep;
	char key[24];

	if (!api_list_room(l))
		return 1;
	mus_body_of_process(o, &rep);
	snprintf(key, sizeof key, "%lld", (long long)o->id);
	api_list_item(l, &rep, key);
	return 0;
}

void
api_processes(struct api_call *c)
{
	const char *zone = mus_http_query(c->req, "zone");
	const struct mus_zone_obj *o = NULL;
	bool running = false;
	uint64_t before = 0;
	struct api_list l;
	unsigned limit;

	if (!api_limit(c, &limit) || !api_query_u64(c, "after", &before) ||
	    !api_query_bool(c, "running", &running) ||
	    (zone != NULL && (o = api_zone(c, zone, "zone")) == NULL))
		return;
	api_list_begin(&l, c, limit);
	api_list_end(&l, mus_store_list_processes(c->store, o != NULL ? o->id : 0, running,
			     (int64_t)before, limit + 1, list_process, &l));
}

/* --- the processes as tables --- */

static struct mus_list
rules_of(struct mus_arena *a, const enum mus_rule *rule)
{
	struct mus_rep_rule *out = mus_arena_alloc(a, MUS_ROW_RULES_MAX * sizeof *out);
	size_t count = 0;

	for (; out != NULL && count < MUS_ROW_RULES_MAX && rule[count] != MUS_RULE_NONE; count++)
		out[count] = (struct mus_rep_rule){
		    mus_rule_text(rule[count]), mus_rule_sentence(rule[count]), NULL};
	return (struct mus_list){out, count};
}

void
api_tables(struct api_call *c)
{
	struct api_list l;

	api_list_begin(&l, c, MUS_PROC_COUNT);
	for (unsigned k = MUS_PROC_NONE + 1; k < MUS_PROC_COUNT; k++) {
		unsigned count;
		const struct mus_row *row = mus_rows((enum mus_proc_kind)k, &count);
		struct mus_rep_row *rep = mus_arena_alloc(&l.item, (count + 1) * sizeof *rep);
		struct mus_rep_process_table table = {mus_proc_text((enum mus_proc_kind)k), {rep, count}};

		for (unsigned i = 0; rep != NULL && i < count; i++) {
			bool guarded = row[i].guard != MUS_RULE_NONE;

			rep[i] = (struct mus_rep_row){.number = i + 1, .name = row[i].name,
			    .action = row[i].action, .pre = rules_of(&l.item, row[i].pre),
			    .post = rules_of(&l.item, row[i].post),
			    .guard = guarded ? mus_rule_text(row[i].guard) : NULL,
			    .guard_sentence = guarded ? mus_rule_sentence(row[i].guard) : NULL};
		}
		api_list_item(&l, &table, table.kind);
	}
	api_list_end(&l, 0);
}

static void
add_rules(struct mus_buf *out, const char *label, const enum mus_rule *rule, const char *newline)
{
	if (rule[0] == MUS_RULE_NONE)
		return;
	mus_buf_printf(out, "%s%s", newline, label);
	for (unsigned i = 0; i < MUS_ROW_RULES_MAX && rule[i] != MUS_RULE_NONE; i++)
		mus_buf_printf(out, "%s %s", i > 0 ? "," : "", mus_rule_text(rule[i]));
}

/* The kind named in the path, as its table; NULL: the call has ended. */
static const struct mus_row *
table_of(struct api_call *c, const char **name, unsigned *count)
{
	for (unsigned k = MUS_PROC_NONE + 1; k < MUS_PROC_COUNT; k++) {
		*name = mus_proc_text((enum mus_proc_kind)k);
		if (strcasecmp(*name, c->param[0]) == 0)
			return mus_rows((enum mus_proc_kind)k, count);
	}
	mus_errf(&c->et, MUS_ERR_NOTFOUND, "there is no process \"%s\"", c->param[0]);
	api_fail(c, MUS_ERR_NOTFOUND);
	return NULL;
}

void
api_table_mermaid(struct api_call *c)
{
	struct mus_buf *out = &c->out;
	const char *name;
	unsigned count;
	const struct mus_row *row = table_of(c, &name, &count);

	if (row == NULL)
		return;
	mus_buf_printf(out, "%%%% %s, from the table that drives it\nflowchart TD\n\ts0([start])\n", name);
	for (unsigned i = 0; i < count; i++) {
		mus_buf_printf(out, "\ts%u[\"<b>%s</b>", i + 1, row[i].name);
		add_rules(out, "then:", row[i].post, "<br/>");
		mus_buf_printf(out, "\"]\n\ts%u -->|\"%s", i,
		    row[i].action != NULL ? row[i].action : "wait");
		add_rules(out, "needs:", row[i].pre, "<br/>");
		if (row[i].guard != MUS_RULE_NONE)
			mus_buf_printf(out, "<br/>guard: %s", mus_rule_text(row[i].guard));
		mus_buf_printf(out, "\"| s%u\n", i + 1);
	}
	mus_buf_printf(out, "\ts%u --> s%u([done])\n", count, count + 1);
	api_reply_out(c, 200, c->route->content_type);
}

void
api_table_dot(struct api_call *c)
{
	struct mus_buf *out = &c->out;
	const char *name;
	unsigned count;
	const struct mus_row *row = table_of(c, &name, &count);

	if (row == NULL)
		return;
	mus_buf_printf(out, "// %s, from the table that drives it\ndigraph \"%s\" {\n\tnode [shape=box];\n"
			    "\ts0 [label=\"start\", shape=ellipse];\n", name, name);
	for (unsigned i = 0; i < count; i++) {
		mus_buf_printf(out, "\ts%u [label=\"%s", i + 1, row[i].name);
		add_rules(out, "then:", row[i].post, "\\n");
		mus_buf_printf(out, "\"];\n\ts%u -> s%u [label=\"%s", i, i + 1,
		    row[i].action != NULL ? row[i].action : "wait");
		add_rules(out, "needs:", row[i].pre, "\\n");
		if (row[i].guard != MUS_RULE_NONE)
			mus_buf_printf(out, "\\nguard: %s", mus_rule_text(row[i].guard));
		mus_buf_add_str(out, "\"];\n");
	}
	mus_buf_printf(out, "\ts%u [label=\"done\", shape=ellipse];\n\ts%u -> s%u;\n}\n", count + 1, count,
	    count + 1);
	api_reply_out(c, 200, c->route->content_type);
}

/* --- the daemon --- */

void
api_ping(struct api_call *c)
{
	const struct mus_rep_ping rep = {"musicd", MUS_VERSION, mus_ctl_now(c->engine)};

	api_reply(c, 200, &rep);
}

void
api_status(struct api_call *c)
{
	struct mus_ctl_stats s = {0};
	struct mus_rep_status rep;

	mus_ctl_stats(c->engine, &s);
	rep = (struct mus_rep_status){
	    .program = "musicd", .version = MUS_VERSION, .caller = c->caller,
	    .role = mus_role_text(c->role), .now = mus_ctl_now(c->engine),
	    .started_at = c->api->started_at, .zones = s.zones, .busy = s.busy, .due = s.due,
	    .in_flight = s.in_flight, .unknown = s.state[MUS_STATE_UNKNOWN],
	    .valid = s.state[MUS_STATE_VALID], .so_far = s.state[MUS_STATE_SO_FAR],
	    .at_risk = s.state[MUS_STATE_AT_RISK], .invalid = s.state[MUS_STATE_INVALID],
	    .insecure = s.state[MUS_STATE_INSECURE], .questions = s.questions, .answers = s.answers,
	    .timeouts = s.timeouts, .updates_sent = s.updates_sent, .updates_failed = s.updates_failed,
	    .transfers = s.transfers, .sigs_verified = s.sigs_verified, .sigs_cached = s.sigs_cached,
	    .plans = s.plans, .rounds = s.rounds, .requests = c->api->requests,
	    .streams = c->api->stream_count, .store_failing_since = s.store_failing_since,
	    .store_error = s.store_error.s,
	};
	api_reply(c, 200, &rep);
}

void
api_openapi_get(struct api_call *c)
{
	mus_buf_add(&c->out, c->api->openapi.data, c->api->openapi.len);
	api_reply_out(c, 200, c->route->content_type);
}

static void
metric(struct mus_buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	mus_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
	    (unsigned long long)v);
}

/* One line a signer; a name has no character that must be escaped. */
struct signer_lines {
	struct api_call *call;
	uint64_t (*value)(const struct mus_ctl_changes *now);
	const char *metric;
};

static int
add_signer_line(void *arg, const struct mus_signer_obj *o)
{
	struct signer_lines *l = arg;
	struct mus_ctl_changes now;

	mus_ctl_changes(l->call->engine, o->id, &now);
	mus_buf_printf(&l->call->out, "%s{signer=\"%s\"} %llu\n", l->metric, o->name,
	    (unsigned long long)l->value(&now));
	return 0;
}

static uint64_t
changes_waiting(const struct mus_ctl_changes *now)
{
	return now->waiting;
}

static uint64_t
changes_sent(const struct mus_ctl_changes *now)
{
	return now->sent;
}

static uint64_t
changes_refused(const struct mus_ctl_changes *now)
{
	return now->refused;
}

static uint64_t
changes_silent(const struct mus_ctl_changes *now)
{
	return now->silent;
}

static uint64_t
is_paused(const struct mus_ctl_changes *now)
{
	return mus_time_is_set(now->paused_until);
}

static void
signer_metrics(struct api_call *c)
{
	static const struct {
		const char *name, *type, *help;
		uint64_t (*value)(const struct mus_ctl_changes *now);
	} all[] = {
	    {"musicd_signer_changes_waiting", "gauge", "Changes in the queue of a signer.", changes_waiting},
	    {"musicd_signer_changes_sent_total", "counter", "Changes sent to a signer.", changes_sent},
	    {"musicd_signer_changes_refused_total", "counter", "Of these, refused.", changes_refused},
	    {"musicd_signer_changes_silent_total", "counter", "Of these, never answered.", changes_silent},
	    {"musicd_signer_paused", "gauge", "The signer does not answer changes: 1.", is_paused},
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct signer_lines l = {c, all[i].value, all[i].name};

		mus_buf_printf(&c->out, "# HELP %s %s\n# TYPE %s %s\n", all[i].name, all[i].help,
		    all[i].name, all[i].type);
		if (mus_store_list_signers(c->store, NULL, 1000, add_signer_line, &l) < 0)
			c->out.failed = true;
	}
}

void
api_metrics(struct api_call *c)
{
	static const char *const state[] = {
	    "unknown", "valid", "so_far", "at_risk", "invalid", "insecure"};
	struct mus_buf *out = &c->out;
	struct mus_ctl_stats s = {0};

	_Static_assert(MUS_STATE_INSECURE == 5, "a word for every state");
	mus_ctl_stats(c->engine, &s);
	mus_buf_add_str(out, "# HELP musicd_info The program and its version.\n"
			     "# TYPE musicd_info gauge\nmusicd_info{version=\"" MUS_VERSION "\"} 1\n"
			     "# HELP musicd_zones_state Zones by state, as of their last look.\n"
			     "# TYPE musicd_zones_state gauge\n");
	for (unsigned i = 0; i < 6; i++)
		mus_buf_printf(out, "musicd_zones_state{state=\"%s\"} %llu\n", state[i],
		    (unsigned long long)s.state[i]);
	metric(out, "musicd_start_time_seconds", "gauge", "When the daemon started.",
	    (uint64_t)mus_time_to_s(c->api->started_at));
	metric(out, "musicd_zones", "gauge", "Zones under care.", s.zones);
	metric(out, "musicd_zones_busy", "gauge", "Zones with a running process.", s.busy);
	metric(out, "musicd_zones_due", "gauge", "Zones due to be looked at.", s.due);
	metric(out, "musicd_zones_in_flight", "gauge", "Zones being looked at.", s.in_flight);
	metric(out, "musicd_questions_total", "counter", "DNS questions sent.", s.questions);
	metric(out, "musicd_answers_total", "counter", "DNS answers received.", s.answers);
	metric(out, "musicd_timeouts_total", "counter", "DNS questions without an answer.", s.timeouts);
	metric(out, "musicd_updates_sent_total", "counter", "Changes sent to signers.", s.updates_sent);
	metric(out, "musicd_updates_failed_total", "counter", "Changes refused or lost.",
	    s.updates_failed);
	metric(out, "musicd_transfers_total", "counter", "Whole zone copies read.", s.transfers);
	metric(out, "musicd_signatures_verified_total", "counter", "Signatures verified.",
	    s.sigs_verified);
	metric(out, "musicd_signatures_cached_total", "counter", "Signatures known from the cache.",
	    s.sigs_cached);
	metric(out, "musicd_plans_total", "counter", "Plans made.", s.plans);
	metric(out, "musicd_rounds_total", "counter", "Looks at zones.", s.rounds);
	metric(out, "musicd_api_requests_total", "counter", "REST requests.", c->api->requests);
	metric(out, "musicd_store_failing", "gauge", "The database takes no changes: 1.",
	    mus_time_is_set(s.store_failing_since));
	metric(out, "musicd_api_streams", "gauge", "Event streams open.", c->api->stream_count);
	signer_metrics(c);
	api_reply_out(c, 200, c->route->content_type);
}
