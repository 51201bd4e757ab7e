/* process ... */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct cli_column process_columns[] = {{"ID", "id", CLI_S_NUMBER},
    {"ZONE", "zone", CLI_S_TEXT}, {"PROCESS", "kind", CLI_S_TEXT}, {"SIGNER", "signer", CLI_S_TEXT},
    {"ROW", "row", CLI_S_TEXT}, {"STARTED", "started_at", CLI_S_TIME},
    {"ENDED", "ended_at", CLI_S_TIME}, {"OUTCOME", "outcome", CLI_S_RESULT, .wide = true}, {NULL}};

/* What the end of a leave means to whoever runs the leaver. */
static void
add_may_stop(json_t *items)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *p = json_array_get(items, i);
		const char *signer = cli_str(p, "signer"), *zone = cli_str(p, "zone");

		if (cli_true(p, "may_stop"))
			json_object_set_new(p, "outcome",
			    json_sprintf("done: %s may be switched off for %s", signer, zone));
	}
}

int
cmd_process_list(struct cli *c)
{
	json_t *items = NULL;
	uint64_t max;
	struct mus_buf path;
	int rc;

	if ((rc = cli_limit(c, 100, &max)) != 0)
		return rc;
	mus_buf_init(&path, 0);
	cli_path(&path, "/processes");
	cli_query(&path, "zone", cli_option(c, "zone"));
	cli_query(&path, "running", cli_flag(c, "running") ? "true" : NULL);
	rc = cli_list(c, (const char *)path.data, max, &items);
	if (rc == 0 && c->format == CLI_TEXT)
		add_may_stop(items);
	if (rc == 0)
		cli_print_list(c, items, process_columns);
	json_decref(items);
	mus_buf_clear(&path);
	return rc;
}

/* "V7,V10" of a list of rules. */
static json_t *
rule_names(const json_t *rules)
{
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(rules); i++)
		json_array_append_new(out, json_string(cli_str(json_array_get(rules, i), "rule")));
	return out;
}

/* As the daemon tells it of a graph. */
static int
fail_unknown(const struct cli *c, const json_t *tables)
{
	struct mus_buf names;
	int rc;

	mus_buf_init(&names, 0);
	for (size_t i = 0; i < json_array_size(tables); i++)
		mus_buf_printf(&names, "%s%s", i > 0 ? ", " : "", cli_str(json_array_get(tables, i), "kind"));
	rc = cli_fail(c, 66, "there is no process \"%s\" (there are: %s)", c->arg[0],
	    names.failed || names.len == 0 ? "" : (const char *)names.data);
	mus_buf_clear(&names);
	return rc;
}

int
cmd_process_show(struct cli *c)
{
	static const struct cli_column columns[] = {{"ROW", "number", CLI_S_NUMBER},
	    {"STATE REACHED", "name", CLI_S_TEXT}, {"NEEDS", "needs", CLI_S_LIST},
	    {"THEN HOLDS", "holds", CLI_S_LIST}, {"GUARD", "guard", CLI_S_TEXT},
	    {"WHAT IS DONE", "action", CLI_S_TEXT, .wide = true}, {NULL}};
	const json_t *table = NULL, *rows;
	json_t *items = NULL, *shown;
	struct cli_answer a = {.status = 0};
	int rc = cli_call(c, "GET", "/process-tables", NULL, &a);

	items = json_object_get(a.json, "items");
	for (size_t i = 0; rc == 0 && i < json_array_size(items); i++)
		if (strcasecmp(cli_str(json_array_get(items, i), "kind"), c->arg[0]) == 0)
			table = json_array_get(items, i);
	if (rc == 0 && table == NULL)
		rc = fail_unknown(c, items);
	if (rc == 0 && c->format == CLI_JSON) {
		cli_print_json(table);
	} else if (rc == 0) {
		rows = json_object_get(table, "rows");
		shown = json_array();
		for (size_t i = 0; i < json_array_size(rows); i++) {
			json_t *row = json_copy(json_array_get(rows, i));

			json_object_set_new(row, "needs", rule_names(json_object_get(row, "pre")));
			json_object_set_new(row, "holds", rule_names(json_object_get(row, "post")));
			json_array_append_new(shown, row);
		}
		cli_print_list(c, shown, columns);
		json_decref(shown);
	}
	cli_answer_clear(&a);
	return rc;
}

int
cmd_process_graph(struct cli *c)
{
	const char *format = cli_option(c, "format") != NULL ? cli_option(c, "format") : "mermaid";
	struct cli_answer a = {.status = 0};
	struct mus_buf path;
	json_t *graph;
	int rc;

	mus_buf_init(&path, 0);
	if (strcmp(format, "dot") == 0)
		cli_path(&path, "/process-tables/%s.dot", c->arg[0]);
	else
		cli_path(&path, "/process-tables/%s.mmd", c->arg[0]);
	rc = cli_call(c, "GET", (const char *)path.data, NULL, &a);
	if (rc == 0 && c->format == CLI_JSON) {
		graph = json_pack("{s:s, s:s%}", "format", format, "graph", (const char *)a.text.data, a.text.len);
		cli_print_json(graph);
		json_decref(graph);
	} else if (rc == 0) {
		fwrite(a.text.data, 1, a.text.len, stdout);
	}
	cli_answer_clear(&a);
	mus_buf_clear(&path);
	return rc;
}
