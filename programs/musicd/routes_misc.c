/* History, processes and their tables, and the daemon itself. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "routes_int.h"

enum { PROCESS_NAMES_MAX = 128 };

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

static const char *
process_names(char out[static PROCESS_NAMES_MAX])
{
	size_t n = 0;

	for (unsigned k = MUS_PROC_NONE + 1; k < MUS_PROC_COUNT && n < PROCESS_NAMES_MAX; k++)
		n += (size_t)snprintf(out + n, PROCESS_NAMES_MAX - n, "%s%s", n > 0 ? ", " : "",
		    mus_proc_text((enum mus_proc_kind)k));
	return out;
}

/* The kind named in the path, as its table; NULL: the call has ended. */
static const struct mus_row *
table_of(struct api_call *c, const char **name, unsigned *count)
{
	char names[PROCESS_NAMES_MAX];

	for (unsigned k = MUS_PROC_NONE + 1; k < MUS_PROC_COUNT; k++) {
		*name = mus_proc_text((enum mus_proc_kind)k);
		if (strcasecmp(*name, c->param[0]) == 0)
			return mus_rows((enum mus_proc_kind)k, count);
	}
	mus_errf(&c->et, MUS_ERR_NOTFOUND, "there is no process \"%s\" (there are: %s)", c->param[0],
	    process_names(names));
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
	    .store_error = s.store_error.s, .restored_at = s.restored_at, .checks_addresses = s.checks_addresses,
	};
	api_reply(c, 200, &rep);
}

void
api_openapi_get(struct api_call *c)
{
	mus_buf_add(&c->out, c->api->openapi.data, c->api->openapi.len);
	api_reply_out(c, 200, c->route->content_type);
}
