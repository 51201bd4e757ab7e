/* show, status, ping, events: the daemon as a whole. */
#include "cli.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"

int
cmd_show(struct cli *c)
{
	static const struct {
		const char *path, *title;
		const struct cli_column *columns;
	} parts[] = {
	    {"/signers", "signers", cli_columns_signer},
	    {"/groups", "groups", cli_columns_group},
	    {"/zones", "zones", cli_columns_zone},
	};
	json_t *all = json_object(), *items;
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof parts[0]; i++) {
		if ((rc = cli_list(c, parts[i].path, 0, &items)) != 0)
			break;
		json_object_set_new(all, parts[i].title, items);
		count += json_array_size(items);
	}
	for (size_t i = 0; rc == 0 && c->format != CLI_JSON && i < sizeof parts / sizeof parts[0]; i++) {
		if (c->format == CLI_TEXT && count == 0)
			break;
		if (c->format == CLI_TEXT)
			printf("%s%s%s%s\n", i > 0 ? "\n" : "", cli_color(c, "head"), parts[i].title, cli_plain(c));
		cli_print_list(c, json_object_get(all, parts[i].title), parts[i].columns);
	}
	if (rc == 0 && c->format == CLI_TEXT && count == 0)
		puts("there is nothing yet; begin with \"signer add\" (see \"music-cli help signer add\")");
	if (rc == 0 && c->format == CLI_JSON)
		cli_print_json(all);
	json_decref(all);
	return rc;
}

int
cmd_status(struct cli *c)
{
	static const struct cli_column columns[] = {{"program", "program", CLI_S_TEXT},
	    {"version", "version", CLI_S_TEXT}, {"you are", "caller", CLI_S_TEXT},
	    {"your role", "role", CLI_S_TEXT}, {"running since", "started_at", CLI_S_TIME},
	    {"zones", "zones", CLI_S_NUMBER}, {"with a process", "busy", CLI_S_NUMBER},
	    {"due", "due", CLI_S_NUMBER}, {"being looked at", "in_flight", CLI_S_NUMBER},
	    {"VALID", "valid", CLI_S_NUMBER}, {"VALID-SO-FAR", "so_far", CLI_S_NUMBER},
	    {"AT-RISK", "at_risk", CLI_S_NUMBER}, {"INVALID", "invalid", CLI_S_NUMBER},
	    {"INSECURE", "insecure", CLI_S_NUMBER}, {"UNKNOWN", "unknown", CLI_S_NUMBER},
	    {"questions", "questions", CLI_S_NUMBER}, {"answers", "answers", CLI_S_NUMBER},
	    {"timeouts", "timeouts", CLI_S_NUMBER}, {"changes sent", "updates_sent", CLI_S_NUMBER},
	    {"changes failed", "updates_failed", CLI_S_NUMBER}, {"transfers", "transfers", CLI_S_NUMBER},
	    {"plans", "plans", CLI_S_NUMBER}, {"rounds", "rounds", CLI_S_NUMBER},
	    {"requests", "requests", CLI_S_NUMBER}, {"event streams", "streams", CLI_S_NUMBER},
	    {"database down", "store_failing_since", CLI_S_TIME}, {"database error", "store_error", CLI_S_TEXT},
	    {"backup restored", "restored_at", CLI_S_TIME},
	    {"check addresses", "checks_addresses", CLI_S_YESNO, .bad = "no"},
	    {NULL}};
	struct cli_answer a = {.status = 0};
	int rc = cli_call(c, "GET", "/status", NULL, &a);

	if (rc == 0)
		cli_print_object(c, a.json, columns);
	cli_answer_clear(&a);
	return rc;
}

int
cmd_ping(struct cli *c)
{
	static const struct cli_column columns[] = {{"program", "program", CLI_S_TEXT},
	    {"version", "version", CLI_S_TEXT}, {"now", "now", CLI_S_TIME}, {NULL}};
	struct mus_time start = cli_now();
	struct cli_answer a = {.status = 0};
	int rc = cli_call(c, "GET", "/ping", NULL, &a);

	if (rc == 0 && c->format != CLI_TEXT)
		cli_print_object(c, a.json, columns);
	else if (rc == 0)
		printf("%s %s answers, %lld ms\n", cli_str(a.json, "program"), cli_str(a.json, "version"),
		    (long long)(cli_now().ms - start.ms));
	cli_answer_clear(&a);
	return rc;
}

/* --- events --- */

struct listener {
	struct cli *c;
	uint64_t count, max;		/* max 0: no end */
	char last_id[CLI_EVENT_ID_MAX];
};

static int
on_event(void *arg, const char *data, size_t len)
{
	struct listener *l = arg;
	json_t *o = json_loadb(data, len, 0, NULL);
	char at[CLI_CLOCK_MAX] = "-";
	struct mus_time t;

	if (l->c->format == CLI_JSON) {
		fwrite(data, 1, len, stdout);
		putchar('\n');
	} else {
		if (cli_time(o, "at", &t))
			cli_clock(t, false, "%FT%TZ", at);
		printf("%s  ", at);
		cli_print_safe(stdout, cli_str(o, "zone")[0] != '\0' ? cli_str(o, "zone") : "-");
		printf("  %s  ", cli_str(o, "kind"));
		cli_print_safe(stdout, cli_str(o, "text"));
		if (cli_str(o, "actor")[0] != '\0')
			printf("  (%s)", cli_str(o, "actor"));
		putchar('\n');
	}
	fflush(stdout);
	json_decref(o);
	return ++l->count == l->max || ferror(stdout);
}

int
cmd_events(struct cli *c)
{
	const char *count = cli_option(c, "count"), *since = cli_option(c, "since");
	struct listener l = {.c = c};
	struct mus_errtext et = {""};
	struct mus_buf path;
	unsigned missed = 0;
	bool was_open;
	uint64_t id;
	int rc;

	if (count != NULL && (!mus_parse_u64(count, INT64_MAX, &l.max) || l.max == 0))
		return cli_fail(c, EXIT_USAGE, "--count: \"%s\" is no number", count);
	if (since != NULL && !mus_parse_u64(since, INT64_MAX, &id))
		return cli_fail(c, EXIT_USAGE, "--since: \"%s\" is no number", since);
	snprintf(l.last_id, sizeof l.last_id, "%s", since != NULL ? since : "");
	mus_buf_init(&path, 0);
	cli_path(&path, "/events");
	cli_query(&path, "zone", cli_option(c, "zone"));
	/* a stream that worked once is taken up again where it broke; that nobody answers is told once */
	do {
		rc = cli_stream(c, (const char *)path.data, l.last_id, &was_open, on_event, &l, &et);
		if (rc == 0 || l.last_id[0] == '\0' || (rc != MUS_ERR_NET && rc != MUS_ERR_TIMEOUT))
			break;
		missed = was_open ? 0 : missed + 1;
		if (missed == 1)
			cli_fail(c, 0, "%s", et.s);
		sleep(2);
	} while (missed < 30);
	mus_buf_clear(&path);
	return rc == 0 ? 0 : cli_fail(c, mus_err_exit(rc), "%s", et.s);
}
