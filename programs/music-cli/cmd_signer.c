/* signer ..., signergroup ... */
#include "cli.h"
#include "requests.h"

#include <ctype.h>
#include <string.h>

const struct cli_column cli_columns_signer[] = {
    {"SIGNER", "name", CLI_S_TEXT}, {"DRIVER", "driver", CLI_S_TEXT},
    {"UPDATE", "update", CLI_S_TEXT}, {"KEY FILE", "key_file", CLI_S_TEXT, .wide = true},
    {"NAME SERVERS", "name_servers", CLI_S_SERVERS, .wide = true},
    {"PROBED", "capabilities.probed_at", CLI_S_AGO}, {"WAITING", "changes.waiting", CLI_S_NUMBER},
    {"SENT", "changes.sent", CLI_S_NUMBER},
    {"REFUSED", "changes.refused", CLI_S_NUMBER},
    {"PAUSED", "changes.paused_until", CLI_S_LEFT}, {NULL}};
static const struct cli_column signer_full[] = {
    {"signer", "name", CLI_S_TEXT}, {"driver", "driver", CLI_S_TEXT},
    {"update", "update", CLI_S_TEXT}, {"key file", "key_file", CLI_S_TEXT},
    {"name servers", "name_servers", CLI_S_SERVERS}, {"no transfer", "no_transfer", CLI_S_YESNO},
    {"max TTL", "max_ttl_s", CLI_S_DECLARED}, {"declared content", "declared_content", CLI_S_YESNO},
    {"update rate", "update_rate", CLI_S_NUMBER}, {"may change DNSKEY", "capabilities.dnskey", CLI_S_TEXT},
    {"may change CDS", "capabilities.cds", CLI_S_TEXT},
    {"may change CDNSKEY", "capabilities.cdnskey", CLI_S_TEXT},
    {"may change CSYNC", "capabilities.csync", CLI_S_TEXT},
    {"may change NS", "capabilities.ns", CLI_S_TEXT},
    {"probed", "capabilities.probed_at", CLI_S_TIME},
    {"changes waiting", "changes.waiting", CLI_S_NUMBER},
    {"changes unanswered", "changes.unanswered", CLI_S_NUMBER},
    {"changes sent", "changes.sent", CLI_S_NUMBER}, {"changes refused", "changes.refused", CLI_S_NUMBER},
    {"changes dropped", "changes.dropped", CLI_S_NUMBER},
    {"changes never answered", "changes.silent", CLI_S_NUMBER},
    {"paused until", "changes.paused_until", CLI_S_UNTIL},
    {"last failure", "changes.last_error", CLI_S_TEXT}, {"trouble", "trouble", CLI_S_TEXT},
    {"created", "created_at", CLI_S_TIME},
    {"changed", "changed_at", CLI_S_TIME}, {NULL}};
const struct cli_column cli_columns_group[] = {{"GROUP", "name", CLI_S_TEXT},
    {"SIGNERS", "signers", CLI_S_MEMBERS}, {"ZONES", "zones", CLI_S_NUMBER},
    {"BUSY", "busy", CLI_S_NUMBER}, {NULL}};
static const struct cli_column group_full[] = {{"group", "name", CLI_S_TEXT},
    {"signers", "signers", CLI_S_MEMBERS}, {"zones", "zones", CLI_S_NUMBER},
    {"busy", "busy", CLI_S_NUMBER}, {"created", "created_at", CLI_S_TIME},
    {"changed", "changed_at", CLI_S_TIME}, {NULL}};

/* What there is to tell to an operator about the object that was answered, below it. */
typedef void say_more(struct cli *c, const json_t *o);

/* Sends what ${r} holds; shows the answer by ${col}, and in text, what ${say} has to say of it. */
static int
send_and_say(struct cli *c, const char *method, struct request *r, const struct cli_column *col, say_more *say)
{
	struct cli_answer a = {.status = 0};
	int rc = cli_call(c, method, request_path(r), request_body(r), &a);

	if (rc == 0 && a.json != NULL) {
		cli_print_object(c, a.json, col);
		if (say != NULL && c->format == CLI_TEXT)
			say(c, a.json);
	}
	cli_answer_clear(&a);
	request_clear(r);
	return rc;
}

/* What the signer lacks that zones will want of it, as soon as it is known. */
static void
say_lacks(struct cli *c, const json_t *o)
{
	const char *name = cli_str(o, "name"), *driver = cli_str(o, "driver");
	bool has_update = cli_str(o, "update")[0] != '\0';
	char line[600];

	if (strcmp(driver, "manual") == 0 && !has_update && !cli_true(o, "no_transfer") &&
	    !(cli_true(o, "declared_content") && cli_num(o, "max_ttl_s") > 0)) {
		snprintf(line, sizeof line, "there is no address to read whole copies from, and zones that it shares "
		    "wait for them for ever: give it with \"signer update %s --update ADDRESS\"; or, where it allows "
		    "no transfer, declare what a copy would show with \"signer update %s --no-transfer --max-ttl SPAN "
		    "--declared-content\"", name, name);
		putchar('\n');
		cli_fold(c, 0, 0, line);
	}
	if (strcmp(driver, "ddns") == 0 && cli_str(o, "key_file")[0] == '\0') {
		snprintf(line, sizeof line, "there is no key: changes are sent unsigned, and only a signer that trusts "
		    "addresses takes them; give one with \"signer update %s --key-file FILE\"", name);
		putchar('\n');
		cli_fold(c, 0, 0, line);
	}
}

static int
signer_fields(struct cli *c, struct request *r)
{
	int rc;

	request_str(c, r, "driver", "driver");
	request_str(c, r, "update", "update");
	request_str(c, r, "key_file", "key-file");
	if ((rc = request_span(c, r, "max_ttl_s", "max-ttl")) != 0 ||
	    (rc = request_number(c, r, "update_rate", "update-rate")) != 0 ||
	    (rc = request_choice(c, r, "no_transfer", "no-transfer", "transfer")) != 0 ||
	    (rc = request_choice(c, r, "declared_content", "declared-content", "compared-content")) != 0)
		return rc;
	return request_ns(c, r);
}

int
cmd_signer_add(struct cli *c)
{
	struct request r;
	int rc;

	request_begin(c, &r, "/signers");
	request_arg(c, &r, "name", 0);
	if ((rc = signer_fields(c, &r)) != 0) {
		request_clear(&r);
		return rc;
	}
	return send_and_say(c, "POST", &r, signer_full, say_lacks);
}

int
cmd_signer_update(struct cli *c)
{
	struct request r;
	int rc;

	request_begin(c, &r, "/signers/%s", c->arg[0]);
	if ((rc = signer_fields(c, &r)) != 0) {
		request_clear(&r);
		return rc;
	}
	return send_and_say(c, "PATCH", &r, signer_full, say_lacks);
}

int
cmd_signer_delete(struct cli *c)
{
	struct request r;
	int rc = cli_confirm(c);

	if (rc != 0)
		return rc;
	request_plain(c, &r, "/signers/%s", c->arg[0]);
	return send_and_say(c, "DELETE", &r, signer_full, NULL);
}

int
cmd_signer_list(struct cli *c)
{
	json_t *items = NULL;
	int rc = cli_list(c, "/signers", 0, &items);

	if (rc == 0)
		cli_print_list(c, items, cli_columns_signer);
	json_decref(items);
	return rc;
}

int
cmd_signer_show(struct cli *c)
{
	struct request r;

	request_plain(c, &r, "/signers/%s", c->arg[0]);
	return send_and_say(c, "GET", &r, signer_full, NULL);
}

static const struct cli_column fit_columns[] = {{"ZONE", "zone", CLI_S_TEXT},
    {"FIT", "fit", CLI_S_YESNO, .bad = "no"}, {"RULE", "rule", CLI_S_TEXT},
    {"WHY NOT", "text", CLI_S_TEXT, .wide = true}, {NULL}};

static void
add_fit_row(json_t *rows, const char *zone, bool fit, const json_t *finding)
{
	json_array_append_new(rows, json_pack("{s:s, s:b, s:s, s:s}", "zone", zone, "fit", (int)fit, "rule",
					cli_str(finding, "rule"), "text", cli_without_rule(finding)));
}

/* Is the signer fit to join ${zone}?  One row of the table, or one for each reason why not; a warning is none. */
static int
check_zone(struct cli *c, const char *signer, const char *zone, json_t *rows, bool *fit)
{
	struct cli_answer a = {.status = 0};
	int rc = cli_preflight(c, zone, signer, &a);

	if (rc == 0) {
		const json_t *list = json_object_get(a.json, "findings");

		if ((*fit = cli_true(a.json, "fit")))
			add_fit_row(rows, zone, true, NULL);
		for (size_t i = 0; !*fit && i < json_array_size(list); i++) {
			const json_t *found = json_array_get(list, i);

			if (strcmp(cli_str(found, "result"), "warning") != 0)
				add_fit_row(rows, zone, false, found);
		}
	}
	cli_answer_clear(&a);
	return rc;
}

/* All zones of the group; what was found is shown when it is asked for or speaks against a join. */
static int
check_group(struct cli *c, const char *signer, const char *group)
{
	json_t *zones = NULL, *rows = json_array();
	bool all_fit = true, fit = true;
	struct mus_buf path;
	int rc;

	mus_buf_init(&path, 0);
	cli_path(&path, "/zones");
	cli_query(&path, "group", group);
	rc = cli_list(c, (const char *)path.data, 0, &zones);
	for (size_t i = 0; rc == 0 && i < json_array_size(zones); i++) {
		rc = check_zone(c, signer, cli_str(json_array_get(zones, i), "name"), rows, &fit);
		all_fit = all_fit && fit;
	}
	if (rc == 0 && (cli_flag(c, "dry-run") || !all_fit))
		cli_print_list(c, rows, fit_columns);
	json_decref(rows);
	json_decref(zones);
	mus_buf_clear(&path);
	return rc != 0 ? rc : all_fit ? 0 : EXIT_UNFIT;
}

/* What begins now, where, and how to follow it. */
static void
say_begins(struct cli *c, const json_t *group, const char *process)
{
	const char *name = cli_str(group, "name");
	long long count = cli_num(group, "zones");
	struct cli_answer a = {.status = 0};
	struct mus_errtext et;
	struct mus_buf path;

	if (count == 0) {
		printf("\nthe group has no zones yet: \"zone add ZONE --group %s\"\n", name);
		return;
	}
	mus_buf_init(&path, 0);
	cli_path(&path, "/zones");
	cli_query(&path, "limit", "1");
	cli_query(&path, "group", name);
	if (cli_try(c, "GET", (const char *)path.data, NULL, NULL, &a, &et) < 0)
		cli_answer_clear(&a);	/* the order has been done: then only the name of a zone is not told */
	printf("\n%s %s begins in the %lld zone%s of the group, in each as soon as it is safe there\n"
	       "follow one with \"zone watch ", process, c->arg[0], count, count == 1 ? "" : "s");
	cli_print_safe(stdout, json_array_size(json_object_get(a.json, "items")) == 0 ? "ZONE"
		: cli_str(json_array_get(json_object_get(a.json, "items"), 0), "name"));
	printf("\", all with \"zone list --group %s\"\n", name);
	cli_answer_clear(&a);
	mus_buf_clear(&path);
}

static void
say_joins(struct cli *c, const json_t *group)
{
	say_begins(c, group, "ADD-SIGNER");
}

static void
say_leaves(struct cli *c, const json_t *group)
{
	say_begins(c, group, "REMOVE-SIGNER");
}

static void
request_member(struct cli *c, struct request *r)
{
	request_plain(c, r, "/groups/%s/signers/%s", cli_option(c, "group"), c->arg[0]);
}

/* What the join itself refuses, in its words. */
static int
may_join(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	struct request r;
	int rc;

	request_member(c, &r);
	rc = cli_call(c, "GET", request_path(&r), NULL, &a);
	cli_answer_clear(&a);
	request_clear(&r);
	return rc;
}

int
cmd_signer_join(struct cli *c)
{
	bool dry = cli_flag(c, "dry-run");
	struct request r;
	int rc;

	if (dry || cli_flag(c, "preflight")) {
		if ((rc = may_join(c)) != 0 ||
		    (rc = check_group(c, c->arg[0], cli_option(c, "group"))) != 0 || dry)
			return rc;
	}
	request_member(c, &r);
	return send_and_say(c, "PUT", &r, group_full, say_joins);
}

int
cmd_signer_leave(struct cli *c)
{
	struct request r;

	request_member(c, &r);
	return send_and_say(c, "DELETE", &r, group_full, say_leaves);
}

static const struct cli_column probe_columns[] = {{"RECORD", "record", CLI_S_TEXT},
    {"MAY CHANGE", "change", CLI_S_RESULT}, {"PUT BACK", "undo", CLI_S_RESULT},
    {"WHAT WAS SEEN", "detail", CLI_S_TEXT, .wide = true}, {NULL}};

/* A row for each type that was tried. */
static json_t *
probe_rows(const json_t *report)
{
	json_t *rows = json_array(), *caps = json_object_get(report, "capabilities");

	for (void *it = json_object_iter(caps); it != NULL; it = json_object_iter_next(caps, it)) {
		const json_t *v = json_object_iter_value(it);
		const char *change = cli_str(v, "change"), *detail = cli_str(v, "detail");
		char record[32];
		size_t n = 0;

		for (const char *p = json_object_iter_key(it); *p != '\0' && n + 1 < sizeof record; p++)
			record[n++] = (char)toupper((unsigned char)*p);
		record[n] = '\0';
		if (detail[0] == '\0')
			detail = strcmp(change, "yes") == 0 ? "taken, and shown" : "";
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "record", record, "change", change,
						"undo", cli_str(v, "undo"), "detail", detail));
	}
	return rows;
}

/* May all be changed that was tried? */
static bool
is_capable(const json_t *report)
{
	json_t *caps = json_object_get(report, "capabilities");

	for (void *it = json_object_iter(caps); it != NULL; it = json_object_iter_next(caps, it))
		if (strcmp(cli_str(json_object_iter_value(it), "change"), "yes") != 0)
			return false;
	return json_object_size(caps) > 0;
}

int
cmd_signer_probe(struct cli *c)
{
	struct cli_answer a = {.status = 0};
	bool capable = false;
	struct request r;
	char about[512];
	int rc;

	snprintf(about, sizeof about, "signer %s, zone %s: ", c->arg[0], cli_option(c, "zone"));
	request_begin(c, &r, "/signers/%s/probe", c->arg[0]);
	request_str(c, &r, "zone", "zone");
	if ((rc = cli_call_about(c, "POST", request_path(&r), request_body(&r), about, &a)) == 0)
		capable = is_capable(json_object_get(a.json, "report"));
	if (rc == 0 && c->format == CLI_JSON) {
		cli_print_json(a.json);
	} else if (rc == 0) {
		json_t *rows = probe_rows(json_object_get(a.json, "report"));

		if (c->format == CLI_TEXT)
			printf("%s on %s\n\n", cli_str(a.json, "signer"), cli_str(a.json, "zone"));
		cli_print_list(c, rows, probe_columns);
		json_decref(rows);
	}
	cli_answer_clear(&a);
	request_clear(&r);
	return rc != 0 ? rc : capable ? 0 : EXIT_UNFIT;
}

int
cmd_group_add(struct cli *c)
{
	struct request r;

	request_begin(c, &r, "/groups");
	request_arg(c, &r, "name", 0);
	request_list(c, &r, "signers", "signer");
	return send_and_say(c, "POST", &r, group_full, NULL);
}

int
cmd_group_delete(struct cli *c)
{
	struct request r;
	int rc = cli_confirm(c);

	if (rc != 0)
		return rc;
	request_plain(c, &r, "/groups/%s", c->arg[0]);
	return send_and_say(c, "DELETE", &r, group_full, NULL);
}

int
cmd_group_list(struct cli *c)
{
	json_t *items = NULL;
	int rc = cli_list(c, "/groups", 0, &items);

	if (rc == 0)
		cli_print_list(c, items, cli_columns_group);
	json_decref(items);
	return rc;
}

int
cmd_group_show(struct cli *c)
{
	struct request r;

	request_plain(c, &r, "/groups/%s", c->arg[0]);
	return send_and_say(c, "GET", &r, group_full, NULL);
}
