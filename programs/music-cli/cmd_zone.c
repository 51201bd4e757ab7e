/* zone ...: objects, and what can be asked of a zone. */
#include "cli.h"
#include "requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct cli_column cli_columns_zone[] = {{"ZONE", "name", CLI_S_TEXT},
    {"STATE", "state", CLI_S_STATE}, {"GROUP", "group", CLI_S_TEXT},
    {"MODE", "mode", CLI_S_TEXT, .extra = true},
    {"HELD", "held", CLI_S_YESNO, .bad = "yes"}, {"PROCESS", "process", CLI_S_TEXT},
    {"ROW", "row", CLI_S_TEXT, .extra = true}, {"WAITING FOR", "waiting", CLI_S_RULE, .wide = true},
    {"LEFT", "waiting_until", CLI_S_LEFT}, {NULL}};
static const struct cli_column zone_full[] = {{"zone", "name", CLI_S_TEXT},
    {"state", "state", CLI_S_STATE}, {"group", "group", CLI_S_TEXT}, {"mode", "mode", CLI_S_TEXT},
    {"held", "held", CLI_S_YESNO}, {"held because", "held_reason", CLI_S_TEXT},
    {"process", "process", CLI_S_TEXT}, {"row", "row", CLI_S_TEXT},
    {"waiting for", "waiting", CLI_S_TEXT}, {"until", "waiting_until", CLI_S_UNTIL},
    {"sample", "sample", CLI_S_TEXT}, {"parent", "parent", CLI_S_TEXT},
    {"parent addresses", "parent_addresses", CLI_S_LIST}, {"checked", "checked_at", CLI_S_TIME},
    {"next check", "next_check_at", CLI_S_UNTIL}, {"created", "created_at", CLI_S_TIME},
    {"changed", "changed_at", CLI_S_TIME}, {NULL}};
static const struct cli_column override_columns[] = {{"SIGNER", "signer", CLI_S_TEXT},
    {"NAME SERVERS", "name_servers", CLI_S_SERVERS, .wide = true},
    {"KEY FILE", "key_file", CLI_S_TEXT, .wide = true},
    {"MAX TTL", "max_ttl_s", CLI_S_DECLARED}, {"LOST", "lost", CLI_S_YESNO, .bad = "yes"},
    {"KEPT OUT", "excluded", CLI_S_YESNO}, {"KEPT IN", "staying", CLI_S_YESNO}, {NULL}};

enum { LINE_INDENT = 4 };		/* of what follows a broken line */

static void
print_zone(struct cli *c, const json_t *o)
{
	const json_t *signers = json_object_get(o, "signers");

	cli_print_object(c, o, zone_full);
	if (c->format == CLI_TEXT && json_array_size(signers) > 0) {
		putchar('\n');
		cli_print_table(c, signers, override_columns);
	}
}

/* Lines of words, each made safe by itself. */
static void
print_lines(const struct cli *c, const char *p)
{
	while (*p != '\0') {
		size_t n = strcspn(p, "\n");
		char line[1024];

		snprintf(line, sizeof line, "%.*s", (int)n, p);
		cli_fold(c, 0, LINE_INDENT, line);
		p += n + (p[n] == '\n');
	}
}

static void
print_consequence(struct cli *c, const json_t *o)
{
	static const struct cli_column columns[] = {{"zone", "zone", CLI_S_TEXT},
	    {"dry run", "dry_run", CLI_S_YESNO}, {"consequence", "consequence", CLI_S_TEXT}, {NULL}};

	if (c->format != CLI_TEXT)
		cli_print_object(c, o, columns);
	else
		print_lines(c, cli_str(o, "consequence"));
}

static int
send_and_show(struct cli *c, const char *method, struct request *r)
{
	struct cli_answer a = {.status = 0};
	int rc = cli_call(c, method, request_path(r), request_body(r), &a);

	if (rc == 0 && a.json != NULL)
		print_zone(c, a.json);
	cli_answer_clear(&a);
	request_clear(r);
	return rc;
}

/* Below an answer: how the zone goes on by what is in force now, planned anew, and how to follow it.  The order itself
 * has been done: where this cannot be told, only the command is. */
static void
say_next(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	struct mus_errtext et;
	struct mus_time now;
	struct mus_buf path;
	const json_t *waits;
	char line[256];

	if (c->format != CLI_TEXT)
		return;
	mus_buf_init(&path, 0);
	if (cli_try(c, "GET", cli_path(&path, "/zones/%s/status", c->arg[0]), NULL, NULL, &a, &et) == 0 &&
	    a.status == 200) {
		waits = json_object_get(a.json, "waits");
		if (!cli_time(a.json, "now", &now))
			now = cli_now();
		cli_process_line(json_object_get(a.json, "process"), now, line, sizeof line);
		printf("\nnext     ");
		cli_print_safe(stdout, json_is_object(json_object_get(a.json, "process")) ? line
			: json_array_size(waits) > 0 ? "no process yet" : "nothing is to be done");
		putchar('\n');
		cli_print_waits_short(c, waits, now);
	}
	printf("follow it with \"zone watch %s\"\n", c->arg[0]);
	mus_buf_clear(&path);
	cli_answer_clear(&a);
}

/* An order is not followed yet when it is answered: what was waited for before it is no news. */
static int
order_and_show(struct cli *c, struct request *r)
{
	struct cli_column columns[sizeof zone_full / sizeof zone_full[0]];
	struct cli_answer a = {.status = 0};
	int rc = cli_call(c, "POST", request_path(r), request_body(r), &a);
	size_t n = 0;

	for (const struct cli_column *col = zone_full; col->head != NULL; col++)
		if (strncmp(col->path, "waiting", 7) != 0)
			columns[n++] = *col;
	columns[n] = (struct cli_column){NULL};
	if (rc == 0)
		cli_print_object(c, a.json, c->format == CLI_TEXT ? columns : zone_full);
	cli_answer_clear(&a);
	request_clear(r);
	return rc;
}

static int
zone_fields(struct cli *c, struct request *r)
{
	request_str(c, r, "group", "group");
	request_str(c, r, "mode", "mode");
	request_str(c, r, "sample", "sample");
	request_str(c, r, "parent", "parent");
	request_list(c, r, "parent_addresses", "parent-address");
	return request_zone_signers(c, r);
}

/* --- many zones --- */

static const struct cli_column bulk_columns[] = {{"ZONE", "name", CLI_S_TEXT},
    {"CREATED", "ok", CLI_S_YESNO, .bad = "no"}, {"FIELD", "error.field", CLI_S_TEXT},
    {"WHY NOT", "error.message", CLI_S_TEXT, .wide = true}, {NULL}};
static const struct cli_column refused_columns[] = {{"ZONE", "name", CLI_S_TEXT},
    {"GIVEN BY", "where", CLI_S_TEXT}, {"WHY NOT", "error.message", CLI_S_TEXT, .wide = true}, {NULL}};

struct bulk {
	struct mus_buf body;		/* one object a line */
	json_t *where;			/* for each, what named it: "ZONE", or "FILE:LINE" */
};

/* One line of the body: the zone ${name} with the fields of the options. */
static int
add_bulk_line(struct cli *c, struct bulk *b, const char *name, const char *where)
{
	struct request r;
	int rc;

	request_begin(c, &r, "/");
	mus_json_name(&r.json, "name");
	mus_json_str(&r.json, name);
	if ((rc = zone_fields(c, &r)) == 0) {
		mus_buf_add(&b->body, request_body(&r)->data, request_body(&r)->len);
		mus_buf_add_u8(&b->body, '\n');
		json_array_append_new(b->where, json_string(where));
	}
	request_clear(&r);
	return rc;
}

/* A line of a file: a name, or nothing, and perhaps a comment. */
static int
add_bulk_text(struct cli *c, struct bulk *b, char *line, size_t len, const char *where)
{
	char *name = line + strspn(line, " \t\r\n"), *rest;

	if (strlen(line) != len)
		return cli_fail(c, 65, "%s: a zero byte in the line", where);
	line[strcspn(line, "#")] = '\0';
	if (*name == '\0')
		return 0;
	rest = name + strcspn(name, " \t\r\n");
	if (*rest != '\0')
		*rest++ = '\0';
	rest += strspn(rest, " \t\r\n");
	rest[strcspn(rest, " \t\r\n")] = '\0';
	if (*rest != '\0')
		return cli_fail(c, 65, "%s: \"%s\" after the name: a line holds one name and nothing else",
		    where, rest);
	return add_bulk_line(c, b, name, where);
}

static int
add_bulk_file(struct cli *c, struct bulk *b, const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char *line = NULL, where[512];
	unsigned number = 0;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	if (f == NULL)
		return cli_fail(c, 66, "%s: %s", path, strerror(errno));
	while (rc == 0 && (n = getline(&line, &cap, f)) >= 0) {
		snprintf(where, sizeof where, "%s:%u", f == stdin ? "standard input" : path, ++number);
		rc = add_bulk_text(c, b, line, (size_t)n, where);
	}
	if (rc == 0 && ferror(f))
		rc = cli_fail(c, 74, "%s: %s", path, strerror(errno));
	free(line);
	if (f != stdin)
		fclose(f);
	return rc;
}

/* What was typed for the field of item ${i} ("/17/group"): an option, or else what named the zone. */
static json_t *
where_of(struct cli *c, const struct bulk *b, size_t i, const char *field)
{
	char typed[CLI_TYPED_MAX];
	const char *rest = field[0] == '/' ? strchr(field + 1, '/') : NULL;

	if (rest != NULL && strcmp(cli_typed(c, rest, typed), rest) != 0)
		return json_string(typed);
	return json_incref(json_array_get(b->where, i));
}

/* What did not come about; all of it on a terminal would hide that. */
static void
print_bulk(struct cli *c, const struct bulk *b, const json_t *o)
{
	const json_t *items = json_object_get(o, "items");
	json_t *bad = json_array(), *item;

	if (c->format == CLI_JSON) {
		cli_print_json(o);
	} else if (c->format == CLI_CSV) {
		cli_print_list(c, items, bulk_columns);
	} else {
		for (size_t i = 0; i < json_array_size(items); i++)
			if (!cli_true(item = json_array_get(items, i), "ok")) {
				json_object_set_new(item, "where", where_of(c, b, i, cli_str(item, "error.field")));
				json_array_append(bad, item);
			}
		printf("%lld created, %lld refused\n", (long long)cli_num(o, "created"),
		    (long long)cli_num(o, "refused"));
		if (json_array_size(bad) > 0)
			cli_print_list(c, bad, refused_columns);
	}
	json_decref(bad);
}

static int
add_many(struct cli *c)
{
	const char *file = cli_option(c, "file");
	struct bulk b = {.where = json_array()};
	struct cli_answer a = {.status = 0};
	int rc = 0;

	mus_buf_init(&b.body, 0);
	for (unsigned i = 0; rc == 0 && i < c->arg_count; i++)
		rc = add_bulk_line(c, &b, c->arg[i], c->command->args[0].name);
	if (rc == 0 && file != NULL)
		rc = add_bulk_file(c, &b, file);
	if (rc == 0 && b.body.len == 0)
		rc = cli_fail(c, EXIT_USAGE, "no zone is named");
	if (rc == 0)
		rc = cli_call_typed(c, "POST", "/zones:bulk", &b.body, "application/x-ndjson", &a);
	if (rc == 0) {
		print_bulk(c, &b, a.json);
		if (cli_num(a.json, "refused") > 0)
			rc = 65;
	}
	cli_answer_clear(&a);
	json_decref(b.where);
	mus_buf_clear(&b.body);
	return rc;
}

int
cmd_zone_add(struct cli *c)
{
	struct request r;
	int rc;

	if (c->arg_count != 1 || cli_flag(c, "file"))
		return add_many(c);
	request_begin(c, &r, "/zones");
	request_arg(c, &r, "name", 0);
	if ((rc = zone_fields(c, &r)) != 0) {
		request_clear(&r);
		return rc;
	}
	return send_and_show(c, "POST", &r);
}

int
cmd_zone_delete(struct cli *c)
{
	struct request r;
	int rc = cli_confirm(c);

	if (rc != 0)
		return rc;
	request_plain(c, &r, "/zones/%s", c->arg[0]);
	cli_query(&r.path, "abandon", cli_flag(c, "abandon") ? "true" : NULL);
	return send_and_show(c, "DELETE", &r);
}

int
cmd_zone_list(struct cli *c)
{
	json_t *items = NULL;
	struct mus_buf path;
	uint64_t max;
	int rc;

	if ((rc = cli_limit(c, 0, &max)) != 0)
		return rc;
	mus_buf_init(&path, 0);
	cli_path(&path, "/zones");
	cli_query(&path, "group", cli_option(c, "group"));
	cli_query(&path, "state", cli_option(c, "state"));
	cli_query(&path, "match", cli_option(c, "match"));
	cli_query(&path, "busy", cli_flag(c, "busy") ? "true" : NULL);
	if ((rc = cli_list(c, (const char *)path.data, max, &items)) == 0)
		cli_print_list(c, items, cli_columns_zone);
	json_decref(items);
	mus_buf_clear(&path);
	return rc;
}

int
cmd_zone_show(struct cli *c)
{
	struct request r;

	request_plain(c, &r, "/zones/%s", c->arg[0]);
	return send_and_show(c, "GET", &r);
}

/* --- into another group --- */

/* What is known of ${name}, in ${a}; with ${is_order} the order that follows says it when there is none. */
static int
look_up(struct cli *c, const char *fmt, const char *name, bool is_order, struct cli_answer *a)
{
	struct mus_errtext et = {""};
	struct mus_buf path;
	int rc;

	mus_buf_init(&path, 0);
	rc = cli_try(c, "GET", cli_path(&path, fmt, name), NULL, NULL, a, &et);
	mus_buf_clear(&path);
	if (rc < 0)
		return cli_fail(c, mus_err_exit(rc), "%s%s", et.s, cli_advice(c, rc, 0));
	if (a->status == 200 || (is_order && a->status == 404))
		return 0;
	return cli_fail(c, cli_exit_of(a), "%s", cli_str(a->json, "error.message"));
}

static bool
stays_in(const json_t *group, const char *signer)
{
	const json_t *members = json_object_get(group, "signers");

	for (size_t i = 0; i < json_array_size(members); i++)
		if (strcmp(cli_str(json_array_get(members, i), "name"), signer) == 0)
			return !cli_true(json_array_get(members, i), "leaving");
	return false;
}

static void
say_who_leaves(const json_t *status, const json_t *group, struct mus_buf *words)
{
	const json_t *signers = json_object_get(status, "signers");

	for (size_t i = 0; i < json_array_size(signers); i++) {
		const json_t *s = json_array_get(signers, i);

		if (cli_true(s, "member") && !stays_in(group, cli_str(s, "name")))
			mus_buf_printf(words,
			    "%s does not sign the zones of group %s: it leaves %s (REMOVE-SIGNER) when those that do "
			    "have joined.\n",
			    cli_str(s, "name"), cli_str(group, "name"), cli_str(status, "name"));
	}
}

/* The zone as it stands, and the group that it would go into. */
struct move {
	struct cli_answer status, group;
};

static int
move_open(struct cli *c, bool is_order, struct move *m)
{
	int rc;

	*m = (struct move){.status = {.status = 0}};
	if ((rc = look_up(c, "/zones/%s/status", c->arg[0], is_order, &m->status)) == 0)
		rc = look_up(c, "/groups/%s", cli_option(c, "group"), is_order, &m->group);
	return rc;
}

static void
move_clear(struct move *m)
{
	cli_answer_clear(&m->status);
	cli_answer_clear(&m->group);
}

/* Lines about each signer that leaves the zone when it goes into --group; none: none does. */
static int
leavers_of_move(struct cli *c, struct mus_buf *words)
{
	struct move m;
	int rc = move_open(c, true, &m);

	if (rc == 0 && m.status.status == 200 && m.group.status == 200)
		say_who_leaves(m.status.json, m.group.json, words);
	move_clear(&m);
	return rc;
}

static bool
takes_part(const json_t *status, const char *signer)
{
	const json_t *signers = json_object_get(status, "signers");

	for (size_t i = 0; i < json_array_size(signers); i++) {
		const json_t *s = json_array_get(signers, i);

		if (strcmp(cli_str(s, "name"), signer) == 0)
			return cli_true(s, "member") || cli_true(s, "in_keys") || cli_true(s, "in_ds") ||
			       cli_true(s, "in_ns");
	}
	return false;
}

/* Is ${signer} fit to join ${zone}?  A line, and one for each reason why not; a warning is none. */
static int
say_fit(struct cli *c, const char *zone, const char *signer, struct mus_buf *words, bool *all_fit)
{
	struct cli_answer a = {.status = 0};
	int rc = cli_preflight(c, zone, signer, &a);
	const json_t *list = json_object_get(a.json, "findings");
	bool fit = cli_true(a.json, "fit");

	if (rc == 0)
		mus_buf_printf(words, "%s is %sfit to join %s\n", signer, fit ? "" : "not ", cli_str(a.json, "zone"));
	for (size_t i = 0; rc == 0 && !fit && i < json_array_size(list); i++)
		if (strcmp(cli_str(json_array_get(list, i), "result"), "warning") != 0)
			mus_buf_printf(words, "  %s\n", cli_str(json_array_get(list, i), "text"));
	*all_fit = *all_fit && fit;
	cli_answer_clear(&a);
	return rc;
}

/* Lines about who leaves and who joins. */
static int
say_move(struct cli *c, struct mus_buf *words, bool *all_fit)
{
	struct move m;
	int rc = move_open(c, false, &m);
	const json_t *members = json_object_get(m.group.json, "signers");

	if (rc == 0)
		say_who_leaves(m.status.json, m.group.json, words);
	if (words->len == 0)
		mus_buf_add_str(words, "no signer leaves it\n");
	for (size_t i = 0; rc == 0 && i < json_array_size(members); i++) {
		const char *name = cli_str(json_array_get(members, i), "name");

		if (stays_in(m.group.json, name) && !takes_part(m.status.json, name))
			rc = say_fit(c, c->arg[0], name, words, all_fit);
	}
	move_clear(&m);
	return rc;
}

/* What the move itself refuses, in its words. */
static int
may_move(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	struct request r;
	int rc;

	request_begin(c, &r, "/zones/%s/group", c->arg[0]);
	request_str(c, &r, "group", "group");
	request_true(&r, "dry_run", true);
	rc = cli_call(c, "PUT", request_path(&r), request_body(&r), &a);
	cli_answer_clear(&a);
	request_clear(&r);
	return rc;
}

static int
dry_move(struct cli *c)
{
	bool all_fit = true;
	struct mus_buf words;
	json_t *outcome;
	int rc;

	mus_buf_init(&words, 0);
	if ((rc = may_move(c)) == 0 && (rc = say_move(c, &words, &all_fit)) == 0) {
		outcome = json_pack("{s:s, s:b, s:s}", "zone", c->arg[0], "dry_run", 1, "consequence",
		    (const char *)words.data);
		print_consequence(c, outcome);
		json_decref(outcome);
	}
	mus_buf_clear(&words);
	return rc != 0 ? rc : all_fit ? 0 : EXIT_UNFIT;
}

/* A zone that a signer leaves by it is moved when somebody says yes. */
static int
confirm_move(struct cli *c)
{
	struct mus_buf words;
	int rc;

	if (cli_flag(c, "yes"))
		return 0;
	mus_buf_init(&words, 0);
	/* what would be refused is not asked about */
	if ((rc = leavers_of_move(c, &words)) == 0 && words.len > 0 && (rc = may_move(c)) == 0) {
		if (c->format == CLI_TEXT)
			print_lines(c, (const char *)words.data);
		fflush(stdout);
		rc = cli_confirm(c);
	}
	mus_buf_clear(&words);
	return rc;
}

int
cmd_zone_join(struct cli *c)
{
	struct request r;
	int rc;

	if (cli_flag(c, "dry-run"))
		return dry_move(c);
	if ((rc = confirm_move(c)) != 0)
		return rc;
	request_begin(c, &r, "/zones/%s/group", c->arg[0]);
	request_str(c, &r, "group", "group");
	if ((rc = send_and_show(c, "PUT", &r)) == 0)
		say_next(c);
	return rc;
}

/* --group, by the way, moves no zone that a signer leaves by it. */
static int
check_update(struct cli *c)
{
	struct mus_buf words;
	int rc;

	if (cli_option(c, "group") == NULL)
		return 0;
	mus_buf_init(&words, 0);
	if ((rc = leavers_of_move(c, &words)) == 0 && words.len > 0)
		rc = cli_fail(c, EXIT_USAGE, "--group: a signer would leave the zone; \"zone join %s --group %s\" says "
		    "which, and asks", c->arg[0], cli_option(c, "group"));
	mus_buf_clear(&words);
	return rc;
}

static void
say_mode(const struct cli *c)
{
	if (c->format != CLI_TEXT)
		return;
	if (strcmp(cli_option(c, "mode"), "manual") == 0)
		printf("\nmanual mode is in force: each step waits for \"zone step %s\"; \"zone plan %s\" shows it\n",
		    c->arg[0], c->arg[0]);
	else
		printf("\nautomatic mode is in force: each step is taken as soon as it is safe\n");
}

int
cmd_zone_update(struct cli *c)
{
	struct request r;
	int rc = check_update(c);

	if (rc != 0)
		return rc;
	request_begin(c, &r, "/zones/%s", c->arg[0]);
	if ((rc = zone_fields(c, &r)) != 0) {
		request_clear(&r);
		return rc;
	}
	request_kept(c, "signers");
	if ((rc = send_and_show(c, "PATCH", &r)) == 0 && cli_option(c, "mode") != NULL) {
		say_mode(c);
		say_next(c);
	}
	return rc;
}

int
cmd_zone_leave(struct cli *c)
{
	struct request r;
	int rc;

	request_plain(c, &r, "/zones/%s/group", c->arg[0]);
	if ((rc = send_and_show(c, "DELETE", &r)) == 0)
		say_next(c);
	return rc;
}

/* --- asking --- */

int
cmd_zone_hold(struct cli *c)
{
	struct request r;

	request_begin(c, &r, "/zones/%s/hold", c->arg[0]);
	request_str(c, &r, "reason", "reason");
	return order_and_show(c, &r);
}

int
cmd_zone_resume(struct cli *c)
{
	struct request r;

	request_plain(c, &r, "/zones/%s/resume", c->arg[0]);
	return order_and_show(c, &r);
}

int
cmd_zone_step(struct cli *c)
{
	struct request r;
	int rc;

	request_plain(c, &r, "/zones/%s/step", c->arg[0]);
	if ((rc = order_and_show(c, &r)) == 0)
		say_next(c);
	return rc;
}

int
cmd_zone_check(struct cli *c)
{
	struct request r;

	request_plain(c, &r, "/zones/%s/check", c->arg[0]);
	return order_and_show(c, &r);
}

/* abort, force and lost: first what follows, then the question, then the deed. */
static int
with_consequence(struct cli *c, const char *verb, bool dry_run, bool show)
{
	struct cli_answer a = {.status = 0};
	struct request r;
	int rc;

	if (strcmp(verb, "abort") == 0)
		request_begin(c, &r, "/zones/%s/abort", c->arg[0]);
	else if (strcmp(verb, "lost") == 0)
		request_begin(c, &r, "/zones/%s/lost", c->arg[0]);
	else
		request_begin(c, &r, "/zones/%s/force", c->arg[0]);
	request_str(c, &r, "rule", "rule");
	request_str(c, &r, "signer", "signer");
	request_str(c, &r, "reason", "reason");
	request_true(&r, "force", cli_flag(c, "force"));
	request_true(&r, "dry_run", dry_run);
	rc = cli_call(c, "POST", request_path(&r), request_body(&r), &a);
	if (rc == 0 && show)
		print_consequence(c, a.json);
	cli_answer_clear(&a);
	request_clear(&r);
	return rc;
}

static int
ask_then_do(struct cli *c, const char *verb)
{
	bool is_asked = !cli_flag(c, "yes");
	int rc = 0;

	if (cli_flag(c, "dry-run"))
		return with_consequence(c, verb, true, true);
	if (is_asked && (rc = with_consequence(c, verb, true, c->format == CLI_TEXT)) != 0)
		return rc;
	fflush(stdout);
	if ((rc = cli_confirm(c)) != 0)
		return rc;
	return with_consequence(c, verb, false, !is_asked || c->format != CLI_TEXT);
}

int
cmd_zone_abort(struct cli *c)
{
	return ask_then_do(c, "abort");
}

int
cmd_zone_roll(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	struct request r;
	int rc;

	request_begin(c, &r, "/zones/%s/roll", c->arg[0]);
	request_arg(c, &r, "signer", 1);
	request_str(c, &r, "role", "role");
	request_true(&r, "dry_run", cli_flag(c, "dry-run"));
	rc = cli_call(c, "POST", request_path(&r), request_body(&r), &a);
	if (rc == 0)
		print_consequence(c, a.json);
	cli_answer_clear(&a);
	request_clear(&r);
	return rc;
}

int
cmd_zone_force(struct cli *c)
{
	return ask_then_do(c, "force");
}

int
cmd_zone_lost(struct cli *c)
{
	return ask_then_do(c, "lost");
}

/* --- migration --- */

static const struct cli_column migration_columns[] = {{"group", "group", CLI_S_TEXT},
    {"from", "from", CLI_S_TEXT}, {"to", "to", CLI_S_TEXT}, {"zones", "zones", CLI_S_NUMBER},
    {"dry run", "dry_run", CLI_S_YESNO}, {"plan", "text", CLI_S_TEXT}, {NULL}};

static int
span_option(struct cli *c, const char *name, int64_t def, int64_t *out)
{
	const char *v = cli_option(c, name);

	*out = def;
	if (v != NULL && (!mus_span_parse_ms(v, out) || *out < 0))
		return cli_fail(c, EXIT_USAGE, "--%s: \"%s\" is no span (500ms, 10s, 5m)", name, v);
	return 0;
}

/* How to follow: from the options of watch and migrate. */
static int
watch_options(struct cli *c, const char *zone, struct cli_watch *w)
{
	int rc;

	*w = (struct cli_watch){.zone = zone, .until_done = true, .plain = cli_flag(c, "plain"),
	    .since = cli_now()};
	if ((rc = span_option(c, "timeout", 0, &w->timeout_ms)) != 0 ||
	    (rc = span_option(c, "interval", 10000, &w->interval_ms)) != 0)
		return rc;
	if (w->interval_ms < 100)
		w->interval_ms = 100;
	return 0;
}

/* The zone, or all of the group. */
static int
say_fit_of_all(struct cli *c, const char *group, struct mus_buf *words, bool *all_fit)
{
	const char *to = cli_option(c, "to");
	json_t *zones = NULL;
	struct mus_buf path;
	int rc;

	if (group == NULL)
		return say_fit(c, c->arg[0], to, words, all_fit);
	mus_buf_init(&path, 0);
	cli_path(&path, "/zones");
	cli_query(&path, "group", group);
	rc = cli_list(c, (const char *)path.data, 0, &zones);
	for (size_t i = 0; rc == 0 && i < json_array_size(zones); i++)
		rc = say_fit(c, cli_str(json_array_get(zones, i), "name"), to, words, all_fit);
	json_decref(zones);
	mus_buf_clear(&path);
	return rc;
}

/* What would begin, and whether who joins is fit for it. */
static void
print_migration(struct cli *c, const char *group, const json_t *answer, const char *fitness)
{
	const json_t *items = json_object_get(answer, "items");

	if (c->format != CLI_TEXT)
		cli_print_json(answer);
	else if (group == NULL)
		printf("%s\n", cli_str(answer, "text"));
	for (size_t i = 0; c->format == CLI_TEXT && group != NULL && i < json_array_size(items); i++)
		cli_print_object(c, json_array_get(items, i), migration_columns);
	if (c->format == CLI_TEXT)
		print_lines(c, fitness);
}

int
cmd_zone_migrate(struct cli *c)
{
	const char *group = cli_option(c, "group");
	bool dry_run = cli_flag(c, "dry-run"), all_fit = true;
	struct cli_answer a = {.status = 0};
	struct cli_watch watch;
	struct mus_buf fitness;
	struct request r;
	int rc;

	if ((group != NULL) == (c->arg_count > 0))
		return cli_fail(c, EXIT_USAGE, "name either a zone or --group");
	if (group != NULL && cli_flag(c, "watch"))
		return cli_fail(c, EXIT_USAGE, "--watch follows one zone; see \"zone list --group\"");
	if ((rc = watch_options(c, c->arg_count > 0 ? c->arg[0] : "", &watch)) != 0)
		return rc;
	if (group != NULL)
		request_begin(c, &r, "/zones:migrate");
	else
		request_begin(c, &r, "/zones/%s/migrate", c->arg[0]);
	request_str(c, &r, "from", "from");
	request_str(c, &r, "to", "to");
	request_str(c, &r, "group", "group");
	request_true(&r, "dry_run", dry_run);
	rc = cli_call(c, "POST", request_path(&r), request_body(&r), &a);
	request_clear(&r);
	mus_buf_init(&fitness, 0);
	if (rc == 0 && dry_run && (rc = say_fit_of_all(c, group, &fitness, &all_fit)) == 0) {
		json_object_set_new(a.json, "fit", json_boolean(all_fit));
		json_object_set_new(a.json, "fitness",
		    json_stringn(fitness.len > 0 ? (const char *)fitness.data : "", fitness.len));
	}
	if (rc == 0)
		print_migration(c, group, a.json, fitness.len > 0 ? (const char *)fitness.data : "");
	mus_buf_clear(&fitness);
	cli_answer_clear(&a);
	if (rc == 0 && cli_flag(c, "watch") && !dry_run) {
		fflush(stdout);
		rc = cli_watch(c, &watch);
	}
	return rc != 0 ? rc : all_fit ? 0 : EXIT_UNFIT;
}

int
cmd_zone_watch(struct cli *c)
{
	struct cli_watch w;
	int rc = watch_options(c, c->arg[0], &w);

	w.until_done = cli_flag(c, "until-done") || cli_flag(c, "timeout");
	return rc != 0 ? rc : cli_watch(c, &w);
}
