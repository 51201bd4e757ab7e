/* zone status, plan, explain, preflight, history: what the daemon knows of a zone, for people. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_column signer_columns[] = {{"SIGNER", "name", CLI_S_TEXT},
    {"MEMBER", "member", CLI_S_YESNO}, {"KEYS", "in_keys", CLI_S_KEYED},
    {"DS", "in_ds", CLI_S_KEYED}, {"NS", "in_ns", CLI_S_YESNO},
    {"KEY TAGS", "key_tags", CLI_S_LIST}, {"SERVERS", "servers", CLI_S_NUMBER},
    {"REACHED", "servers_reached", CLI_S_NUMBER}, {"LOST", "lost", CLI_S_YESNO, .bad = "yes"}, {NULL}};
static const struct cli_column finding_columns[] = {{"RULE", "rule", CLI_S_TEXT},
    {"RESULT", "result", CLI_S_RESULT}, {"SIGNER", "signer", CLI_S_TEXT},
    {"SERVER", "server", CLI_S_TEXT}, {"RECORD", "record", CLI_S_TEXT},
    {"UNTIL", "until", CLI_S_UNTIL}, {"TEXT", "text", CLI_S_TEXT, .wide = true}, {NULL}};
static const struct cli_column event_columns[] = {{"AT", "at", CLI_S_TIME},
    {"ACTOR", "actor", CLI_S_TEXT}, {"KIND", "kind", CLI_S_TEXT},
    {"WHAT", "text", CLI_S_TEXT, .wide = true}, {NULL}};
static const struct cli_column action_columns[] = {{"KIND", "kind", CLI_S_TEXT},
    {"SIGNER", "signer", CLI_S_TEXT}, {"RECORD", "record", CLI_S_TEXT}, {"WHY", "why", CLI_S_TEXT},
    {"WHAT", "text", CLI_S_TEXT, .wide = true}, {NULL}};

enum {
	PART_INDENT = 13,		/* behind "    hint     " */
	HEAD_INDENT = 9,		/* behind "process  " */
	WARN_INDENT = 6,		/* behind "WARN  " */
	RECORD_INDENT = 4,
	LINE_MAX_BYTES = 1536,
};

static int
fetch(struct cli *c, const char *fmt, struct cli_answer *a)
{
	struct mus_buf path;
	int rc;

	mus_buf_init(&path, 0);
	rc = cli_call(c, "GET", cli_path(&path, fmt, c->arg[0]), NULL, a);
	mus_buf_clear(&path);
	return rc;
}

static struct mus_time
now_of(const json_t *o)
{
	struct mus_time now;

	return cli_time(o, "now", &now) ? now : cli_now();
}

void
cli_process_line(const json_t *p, struct mus_time now, char *out, size_t cap)
{
	char span[MUS_SPAN_TEXT_MAX];
	struct mus_time at;

	if (!json_is_object(p)) {
		snprintf(out, cap, "none");
		return;
	}
	snprintf(out, cap, "%s %s, row %lld of %lld: %s%s%s", cli_str(p, "kind"), cli_str(p, "signer"),
	    (long long)cli_num(p, "row_number"), (long long)cli_num(p, "row_count"), cli_str(p, "row"),
	    cli_time(p, "row_at", &at) ? ", for " : "",
	    cli_time(p, "row_at", &at) ? mus_span_text_s(now.ms > at.ms ? (now.ms - at.ms) / 1000 : 0, span)
				       : "");
}

void
cli_rollover_line(const json_t *r, struct mus_time now, char *out, size_t cap)
{
	const json_t *in = json_object_get(r, "new_keys"), *wait = json_object_get(r, "waits_for");
	size_t n;

	cli_process_line(r, now, out, cap);
	n = strlen(out);
	for (size_t i = 0; i < json_array_size(in) && n < cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%s", i > 0 ? ", " : "; new key ",
		    json_string_value(json_array_get(in, i)));
	if (cli_true(r, "early") && n < cap)
		n += (size_t)snprintf(out + n, cap - n, "; used too early");
	if (json_is_object(wait) && n < cap)
		snprintf(out + n, cap - n, "; waits: %s", cli_str(wait, "text"));
}

const char *
cli_without_rule(const json_t *w)
{
	const char *text = cli_str(w, "text"), *rule = cli_str(w, "rule");
	size_t n = strlen(rule);

	return strncmp(text, rule, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2 : text;
}

const char *
cli_came_back(const json_t *w, char out[static CLI_CAME_BACK_MAX])
{
	const char *cause = cli_str(w, "cause");

	out[0] = '\0';
	if (strstr(cli_str(w, "text"), cause) == NULL)
		snprintf(out, CLI_CAME_BACK_MAX, "; %s", cause);
	return out;
}

/* "  DS-Wait  old DS sets have left all caches; what came back  (12s left)" */
void
cli_print_waits_short(struct cli *c, const json_t *list, struct mus_time now)
{
	char left[48], back[CLI_CAME_BACK_MAX];
	struct mus_buf line;

	mus_buf_init(&line, 0);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *w = json_array_get(list, i);
		const char *rule = cli_str(w, "rule");
		bool ends = *cli_left(w, "until", now, left) != '\0';

		printf("  %s%s%s  ", cli_color(c, "head"), rule, cli_plain(c));
		mus_buf_reset(&line);
		mus_buf_printf(&line, "%s%s%s%s%s", cli_without_rule(w), cli_came_back(w, back),
		    ends ? "  (" : "", left, ends ? ")" : "");
		cli_fold(c, strlen(rule) + 4, strlen(rule) + 4, line.failed ? "" : (const char *)line.data);
	}
	mus_buf_clear(&line);
}

static void
print_part(const struct cli *c, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	printf("    %-8s ", label);
	cli_fold(c, PART_INDENT, PART_INDENT, text);
}

/* An instant as the sentences have it; "" when it is not set. */
static const char *
instant(const json_t *o, const char *path, bool is_end, char out[static CLI_CLOCK_MAX])
{
	struct mus_time t;

	return cli_time(o, path, &t) ? cli_clock(t, is_end, "%FT%TZ", out) : "";
}

/* The finding of ${list} that tells the same as ${w}, perhaps by another rule; NULL: none. */
static const json_t *
find_same(const json_t *list, const json_t *w)
{
	static const char *const parts[] = {"signer", "other_signer", "server", "record", "cause", "seen_at",
	    "until", "hint"};
	const size_t count = sizeof parts / sizeof *parts;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		size_t same = 0;

		while (same < count && strcmp(cli_str(f, parts[same]), cli_str(w, parts[same])) == 0)
			same++;
		if (same == count && strcmp(cli_without_rule(f), cli_without_rule(w)) == 0)
			return f;
	}
	return NULL;
}

/* Rule, server, record, instant and hint of each; but what ${above} has told is not told again. */
static void
print_findings(struct cli *c, const json_t *list, const json_t *above, struct mus_time now)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *w = json_array_get(list, i), *same = find_same(above, w);
		const char *result = cli_str(w, "result"), *rule = cli_str(w, "rule");
		char left[48], until[96] = "", at[CLI_CLOCK_MAX];

		printf("  %s%s%s  %s%s%s  ", cli_color(c, "head"), rule, cli_plain(c), cli_color(c, result), result,
		    cli_plain(c));
		cli_fold(c, strlen(rule) + strlen(result) + 6, PART_INDENT, cli_str(w, "sentence"));
		if (same != NULL) {
			printf("    %-8s what %s above says\n", "is", cli_str(same, "rule"));
			continue;
		}
		print_part(c, "is", cli_without_rule(w));
		print_part(c, "signer", cli_str(w, "signer"));
		print_part(c, "other", cli_str(w, "other_signer"));
		print_part(c, "server", cli_str(w, "server"));
		print_part(c, "record", cli_str(w, "record"));
		print_part(c, "cause", cli_str(w, "cause"));
		print_part(c, "seen", instant(w, "seen_at", false, at));
		if (instant(w, "until", true, at)[0] != '\0')
			snprintf(until, sizeof until, "%s (%s)", at, cli_left(w, "until", now, left));
		print_part(c, "until", until);
		print_part(c, "hint", cli_str(w, "hint"));
	}
}

static void
print_rollovers(struct cli *c, const json_t *o)
{
	const json_t *list = json_object_get(o, "rollovers");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		char line[512];

		cli_rollover_line(r, now_of(o), line, sizeof line);
		printf("%srolls%s    ", cli_color(c, cli_true(r, "early") ? "bad" : "head"), cli_plain(c));
		cli_fold(c, HEAD_INDENT, HEAD_INDENT, line);
	}
}

/* "knot go zsk: failed: exit status 1; tried again (20s left)" */
void
cli_command_line(const json_t *o, struct mus_time now, char *out, size_t cap)
{
	const char *state = cli_str(o, "state"), *text = cli_str(o, "text");
	char left[48] = "";
	bool again = *cli_left(o, "next_at", now, left) != '\0';

	snprintf(out, cap, "%s %s %s: %s%s%s%s%s%s", cli_str(o, "signer"), cli_str(o, "verb"), cli_str(o, "role"),
	    state, text[0] != '\0' ? ": " : "", text, again ? "; tried again (" : "", left, again ? ")" : "");
}

static void
print_commands(struct cli *c, const json_t *o)
{
	const json_t *list = json_object_get(o, "commands");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *k = json_array_get(list, i);
		bool failed = strcmp(cli_str(k, "state"), "failed") == 0;
		char line[600];

		cli_command_line(k, now_of(o), line, sizeof line);
		printf("%scommand%s  ", cli_color(c, failed ? "bad" : "head"), cli_plain(c));
		cli_fold(c, HEAD_INDENT, HEAD_INDENT, line);
	}
}

static void
print_head(struct cli *c, const json_t *o, const char *name)
{
	const char *state = cli_str(o, "state");
	char line[LINE_MAX_BYTES];

	printf("%s%s%s  %s%s%s", cli_color(c, "head"), name, cli_plain(c), cli_color(c, state),
	    state[0] != '\0' ? state : "not looked at yet", cli_plain(c));
	if (cli_str(o, "group")[0] != '\0')
		printf("  group %s", cli_str(o, "group"));
	if (strcmp(cli_str(o, "mode"), "manual") == 0)
		printf("  manual");
	putchar('\n');
	cli_process_line(json_object_get(o, "process"), now_of(o), line, sizeof line);
	printf("process  ");
	cli_fold(c, HEAD_INDENT, HEAD_INDENT, line);
	print_rollovers(c, o);
	print_commands(c, o);
	if (cli_str(o, "forced")[0] != '\0') {
		snprintf(line, sizeof line, "the next step may pass %s, once: %s", cli_str(o, "forced"),
		    cli_str(o, "forced_reason"));
		printf("%sforced%s   ", cli_color(c, "warning"), cli_plain(c));
		cli_fold(c, HEAD_INDENT, HEAD_INDENT, line);
	}
}

static void
print_announces(const struct cli *c, const json_t *o, const char *head)
{
	if (cli_str(o, "parent_announces")[0] == '\0')
		return;
	fputs(head, stdout);
	cli_fold(c, strlen(head), HEAD_INDENT, cli_str(o, "parent_announces"));
}

/* What somebody has to enter at the registrar. */
static void
print_manual(struct cli *c, const json_t *o)
{
	const json_t *manual = json_object_get(o, "manual");
	const char *first = json_string_value(json_array_get(manual, 0));
	char since[CLI_CLOCK_MAX], line[256];
	bool ds;

	if (first == NULL)
		return;
	ds = strstr(first, " DS ") != NULL;
	putchar('\n');
	if (strncmp(first, "wait: ", 6) == 0) {
		printf("the parent has to follow %s, and must not yet:\n", ds ? "CDS" : "CSYNC");
	} else if (instant(o, "manual_since", false, since)[0] != '\0') {
		printf("%sneeds manual %s%s", cli_color(c, "warning"), ds ? "DS" : "NS", cli_plain(c));
		snprintf(line, sizeof line, ": the parent has not followed since %s. To be entered there by hand, "
		    "as it stands; musicd sees it at the parent's servers, and nothing has to be confirmed:", since);
		cli_fold(c, strlen("needs manual DS"), 0, line);
	} else {
		snprintf(line, sizeof line, "the parent has to follow %s. Where it does not, to be entered there by "
		    "hand, as it stands; musicd sees it at the parent's servers, and nothing has to be confirmed:",
		    ds ? "CDS" : "CSYNC");
		cli_fold(c, 0, 0, line);
	}
	for (size_t i = 0; i < json_array_size(manual); i++) {
		fputs("  ", stdout);
		cli_fold(c, 2, RECORD_INDENT, json_string_value(json_array_get(manual, i)));
	}
}

/* Who is lost goes on being served to resolvers until it leaves. */
static void
print_lost(const struct cli *c, const json_t *o)
{
	const json_t *signers = json_object_get(o, "signers");
	char line[512];

	for (size_t i = 0; i < json_array_size(signers); i++) {
		const json_t *s = json_array_get(signers, i);

		if (!cli_true(s, "lost") || !cli_true(s, "member"))
			continue;
		snprintf(line, sizeof line, "%s is lost and has yet to leave: \"signer leave %s --group %s\"",
		    cli_str(s, "name"), cli_str(s, "name"),
		    cli_str(o, "group")[0] != '\0' ? cli_str(o, "group") : "GROUP");
		putchar('\n');
		cli_fold(c, 0, 0, line);
	}
}

/* What no rule sees, and nobody can tell the end of. */
static void
print_warnings(const struct cli *c, const json_t *o)
{
	const json_t *warnings = json_object_get(o, "warnings");

	for (size_t i = 0; i < json_array_size(warnings); i++) {
		fputs("\nWARN  ", stdout);
		cli_fold(c, WARN_INDENT, WARN_INDENT, json_string_value(json_array_get(warnings, i)));
	}
}

/* Is the zone known to be well without ${signer}?  Who is listed again may serve what nobody has seen. */
static bool
is_well_without(const json_t *o, const char *signer)
{
	const json_t *signers = json_object_get(o, "signers");
	const char *state = cli_str(o, "state");

	for (size_t i = 0; i < json_array_size(signers); i++) {
		const json_t *s = json_array_get(signers, i);

		if (strcmp(cli_str(s, "name"), signer) == 0 && cli_true(s, "in_ns"))
			return false;
	}
	return strcmp(state, "VALID") == 0 || strcmp(state, "VALID-SO-FAR") == 0;
}

/* Who left last, as long as no process has begun since: that one may be not in the list yet. */
static void
print_has_left(const struct cli *c, const json_t *o, const json_t *last)
{
	char line[LINE_MAX_BYTES];

	if (cli_true(last, "may_stop") && !json_is_object(json_object_get(o, "process")) &&
	    is_well_without(o, cli_str(last, "signer"))) {
		snprintf(line, sizeof line, "%s has left, and may be switched off for %s", cli_str(last, "signer"),
		    cli_str(o, "name"));
		putchar('\n');
		cli_fold(c, 0, 0, line);
	}
}

static void
print_status(struct cli *c, const json_t *o, const json_t *last)
{
	struct mus_time now = now_of(o), t;
	const json_t *waits = json_object_get(o, "waits");
	char span[MUS_SPAN_TEXT_MAX];

	print_head(c, o, cli_str(o, "name"));
	if (cli_true(o, "held")) {
		printf("%sheld%s     ", cli_color(c, "held"), cli_plain(c));
		cli_fold(c, HEAD_INDENT, HEAD_INDENT, cli_str(o, "held_reason"));
	}
	printf("parent   %s, %lld of %lld servers reached\n",
	    cli_str(o, "parent")[0] != '\0' ? cli_str(o, "parent") : "not found yet",
	    (long long)cli_num(o, "parent_servers_reached"), (long long)cli_num(o, "parent_servers"));
	print_announces(c, o, "         announces ");
	if (cli_time(o, "checked_at", &t))
		printf("checked  %s ago", mus_span_text_s(now.ms > t.ms ? (now.ms - t.ms) / 1000 : 0, span));
	else
		printf("checked  never");
	if (cli_time(o, "next_check_at", &t))
		printf(", next %s%s", now.ms < t.ms ? "in " : "",
		    now.ms < t.ms ? mus_span_text_s((t.ms - now.ms + 999) / 1000, span) : "now");
	printf("\n\n");
	cli_print_table(c, json_object_get(o, "signers"), signer_columns);
	if (json_array_size(waits) > 0) {
		printf("\nwaiting for\n");
		cli_print_waits_short(c, waits, now);
	}
	print_warnings(c, o);
	print_lost(c, o);
	print_has_left(c, o, last);
	print_manual(c, o);
	if (cli_num(o, "findings") > 0)
		printf("\n%lld finding%s; see \"zone explain %s\"\n", (long long)cli_num(o, "findings"),
		    cli_num(o, "findings") == 1 ? "" : "s", cli_str(o, "name"));
}

/* The process of a zone that began last, or nothing; an exit code, or 0. */
static int
fetch_last(struct cli *c, const char *zone, json_t **last)
{
	struct mus_buf path;
	json_t *items = NULL;
	int rc;

	mus_buf_init(&path, 0);
	cli_path(&path, "/processes");
	cli_query(&path, "zone", zone);
	rc = cli_list(c, (const char *)path.data, 1, &items);
	*last = json_incref(json_array_get(items, 0));
	json_decref(items);
	mus_buf_clear(&path);
	return rc;
}

int
cmd_zone_status(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	int rc = fetch(c, "/zones/%s/status", &a);
	json_t *last = NULL;

	if (rc == 0 && c->format == CLI_TEXT && (rc = fetch_last(c, cli_str(a.json, "name"), &last)) != 0)
		goto out;

	if (rc == 0 && c->format == CLI_JSON)
		cli_print_json(a.json);
	else if (rc == 0 && c->format == CLI_CSV)
		cli_print_list(c, json_object_get(a.json, "signers"), signer_columns);
	else if (rc == 0)
		print_status(c, a.json, last);
out:
	json_decref(last);
	cli_answer_clear(&a);
	return rc;
}

static void
print_records(const struct cli *c, const char *signer, const char *verb, const json_t *records)
{
	char line[LINE_MAX_BYTES];

	for (size_t i = 0; i < json_array_size(records); i++) {
		snprintf(line, sizeof line, "at %s %s: %s", signer, verb,
		    json_string_value(json_array_get(records, i)));
		cli_fold(c, 0, RECORD_INDENT, line);
	}
}

/* One a line, whole, to be copied. */
static void
print_by_hand(struct cli *c, const json_t *by_hand)
{
	if (json_array_size(by_hand) > 0)
		printf("\n%sto do by hand%s; musicd sees it at the servers, and nothing has to be confirmed\n",
		    cli_color(c, "warning"), cli_plain(c));
	for (size_t i = 0; i < json_array_size(by_hand); i++) {
		const json_t *at = json_array_get(by_hand, i);

		print_records(c, cli_str(at, "signer"), "add", json_object_get(at, "add"));
		print_records(c, cli_str(at, "signer"), "remove", json_object_get(at, "remove"));
	}
}

/* The records of one verb as lines of the CSV: "by-hand-add", the signer, the type, and the record as it stands. */
static void
add_hand_rows(json_t *rows, const char *signer, const char *kind, const json_t *records)
{
	for (size_t i = 0; i < json_array_size(records); i++) {
		const char *record = json_string_value(json_array_get(records, i)), *type = record;

		for (unsigned word = 0; word < 3; word++) {	/* past owner, TTL and class */
			type += strcspn(type, " ");
			type += strspn(type, " ");
		}
		json_array_append_new(rows,
		    json_pack("{s:s, s:s, s:s#, s:s, s:s}", "kind", kind, "signer", signer, "record", type,
			(int)strcspn(type, " "), "why", "capability", "text", record));
	}
}

/* CSV: what is done now, and what somebody has to do. */
static void
print_plan_csv(struct cli *c, const json_t *acts, const json_t *by_hand)
{
	json_t *rows = json_array();

	json_array_extend(rows, (json_t *)(uintptr_t)acts);
	for (size_t i = 0; i < json_array_size(by_hand); i++) {
		const json_t *at = json_array_get(by_hand, i);

		add_hand_rows(rows, cli_str(at, "signer"), "by-hand-add", json_object_get(at, "add"));
		add_hand_rows(rows, cli_str(at, "signer"), "by-hand-remove", json_object_get(at, "remove"));
	}
	cli_print_list(c, rows, action_columns);
	json_decref(rows);
}

int
cmd_zone_plan(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	int rc = fetch(c, "/zones/%s/plan", &a);
	const json_t *acts = json_object_get(a.json, "actions"), *waits = json_object_get(a.json, "waits"),
		     *copies = json_object_get(a.json, "need_copy"), *by_hand = json_object_get(a.json, "by_hand");

	if (rc == 0 && c->format == CLI_JSON) {
		cli_print_json(a.json);
	} else if (rc == 0 && c->format == CLI_CSV) {
		print_plan_csv(c, acts, by_hand);
	} else if (rc == 0) {
		print_head(c, a.json, cli_str(a.json, "zone"));
		for (size_t i = 0; i < json_array_size(copies); i++)
			printf("read first: the whole copy of %s\n", json_string_value(json_array_get(copies, i)));
		if (json_array_size(acts) > 0) {
			printf("\nto do now\n");
			cli_print_list(c, acts, action_columns);
		} else if (json_array_size(by_hand) == 0) {
			printf("\nnothing to do now\n");
		}
		print_by_hand(c, by_hand);
		if (json_array_size(waits) > 0) {
			printf("\nwaiting for\n");
			cli_print_waits_short(c, waits, now_of(a.json));
		}
	}
	cli_answer_clear(&a);
	return rc;
}

int
cmd_zone_explain(struct cli *c)
{
	static const struct cli_column rule_columns[] = {{"RULE", "rule", CLI_S_TEXT},
	    {"RESULT", "result", CLI_S_RESULT}, {"SAYS", "sentence", CLI_S_TEXT, .wide = true}, {NULL}};
	struct cli_answer a = {.status = 0};
	int rc = fetch(c, "/zones/%s/explain", &a);
	const json_t *findings = json_object_get(a.json, "findings"),
		     *waits = json_object_get(a.json, "waits");

	if (rc == 0 && c->format == CLI_JSON) {
		cli_print_json(a.json);
	} else if (rc == 0 && c->format == CLI_CSV) {
		json_t *all = json_array();

		json_array_extend(all, (json_t *)(uintptr_t)findings);
		json_array_extend(all, (json_t *)(uintptr_t)waits);
		cli_print_list(c, all, finding_columns);
		json_decref(all);
	} else if (rc == 0) {
		print_head(c, a.json, cli_str(a.json, "zone"));
		putchar('\n');
		cli_print_table(c, json_object_get(a.json, "rules"), rule_columns);
		if (json_array_size(findings) > 0)
			printf("\nwhat does not hold\n");
		print_findings(c, findings, NULL, now_of(a.json));
		if (json_array_size(waits) > 0)
			printf("\nwhat it waits for\n");
		print_findings(c, waits, findings, now_of(a.json));
		print_manual(c, a.json);
	}
	cli_answer_clear(&a);
	return rc;
}

int
cli_preflight(struct cli *c, const char *zone, const char *signer, struct cli_answer *a)
{
	struct mus_buf path;
	int rc;

	mus_buf_init(&path, 0);
	cli_path(&path, "/zones/%s/preflight", zone);
	cli_query(&path, "signer", signer);
	rc = cli_call(c, "GET", (const char *)path.data, NULL, a);
	mus_buf_clear(&path);
	return rc;
}

int
cmd_zone_preflight(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	int rc = cli_preflight(c, c->arg[0], cli_option(c, "signer"), &a);
	const json_t *findings = json_object_get(a.json, "findings");
	bool fit = cli_true(a.json, "fit");

	if (rc == 0 && c->format == CLI_JSON) {
		cli_print_json(a.json);
	} else if (rc == 0 && c->format == CLI_CSV) {
		cli_print_list(c, findings, finding_columns);
	} else if (rc == 0) {
		printf("%s is %s%s%sfit%s to join %s\n", cli_str(a.json, "signer"),
		    cli_true(a.json, "member") ? "a member already; it would be " : "",
		    cli_color(c, fit ? "yes" : "no"), fit ? "" : "not ", cli_plain(c), cli_str(a.json, "zone"));
		print_announces(c, a.json, "the parent announces ");
		print_findings(c, findings, NULL, now_of(a.json));
	}
	cli_answer_clear(&a);
	return rc != 0 ? rc : fit ? 0 : EXIT_UNFIT;
}

int
cmd_zone_history(struct cli *c)
{
	json_t *items = NULL, *turned;
	uint64_t max;
	struct mus_buf path;
	int rc;

	if ((rc = cli_limit(c, 100, &max)) != 0)
		return rc;
	mus_buf_init(&path, 0);
	rc = cli_list(c, cli_path(&path, "/zones/%s/history", c->arg[0]), max, &items);
	if (rc == 0) {
		/* people read downwards: newest last */
		turned = json_array();
		for (size_t i = json_array_size(items); i > 0; i--)
			json_array_append(turned, json_array_get(items, i - 1));
		cli_print_list(c, turned, event_columns);
		json_decref(turned);
	}
	json_decref(items);
	mus_buf_clear(&path);
	return rc;
}
