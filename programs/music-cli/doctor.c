/*
 * doctor: everything that commonly stands between an operator and a zone that is well, looked at one
 * after the other, each with what to do.  Exits 0 when all is well, 1 when something needs attention,
 * with the error's own code when the daemon cannot be asked at all.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { CLOCK_WARN_MS = 2000, ZONES_SHOWN = 20, CERT_WARN_S = 14 * 86400 };

struct doctor {
	struct cli *c;
	json_t *checks;			/* array of {check, result, text} */
	unsigned bad;
};

static void note(struct doctor *d, const char *check, const char *result, const char *fmt, ...)
    MUS_PRINTF(4, 5);

static void
note(struct doctor *d, const char *check, const char *result, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (strcmp(result, "ok") != 0)
		d->bad++;
	json_array_append_new(d->checks,
	    json_pack("{s:s, s:s, s:s+}", "check", check, "result", result, "text", text, ""));
}

static void
check_token(struct doctor *d)
{
	const char *path = d->c->set.token_file;
	struct stat st;

	if (path == NULL)
		note(d, "token", "FAIL", "no token: put its file into MUSIC_TOKEN_FILE, --token-file or the "
					 "configuration");
	else if (stat(path, &st) != 0)
		note(d, "token", "FAIL", "%s (from %s) cannot be read", path, d->c->set.token_from);
	else if ((st.st_mode & 077) != 0)
		note(d, "token", "warning", "%s can be read by others: chmod 600", path);
	else
		note(d, "token", "ok", "%s", path);
}

static void
check_certificate(struct doctor *d)
{
	const char *text = cli_certificate_until(d->c);
	struct tm tm = {0};
	time_t end;

	if (strptime(text, "%b %d %H:%M:%S %Y", &tm) == NULL && strptime(text, " %b %d %H:%M:%S %Y", &tm) == NULL) {
		note(d, "certificate", "ok", "checked%s", d->c->set.pin != NULL ? ", and its key pinned" : "");
		return;
	}
	end = timegm(&tm);
	if (end - time(NULL) < CERT_WARN_S)
		note(d, "certificate", "warning", "checked, but it ends soon: %s", text);
	else
		note(d, "certificate", "ok", "checked%s; ends%s%s",
		    d->c->set.pin != NULL ? ", and its key pinned" : "", text[0] == ' ' ? "" : " ", text);
}

/* Asks /status; 0, or the exit code when nothing more can be asked. */
static int
check_daemon(struct doctor *d)
{
	struct mus_errtext et = {""};
	struct cli_answer a = {.status = 0};
	struct mus_time before = cli_now(), now;
	int rc = cli_try(d->c, "GET", "/status", NULL, NULL, &a, &et);
	int64_t ahead;

	if (rc < 0) {
		bool tls = rc == MUS_ERR_BADSIG;

		note(d, tls ? "certificate" : "server", "FAIL", "%s%s", et.s, cli_advice(d->c, rc, 0));
		rc = mus_err_exit(rc);
		goto out;
	}
	note(d, "server", "ok", "%s (from %s) answers in %lld ms", d->c->set.server,
	    d->c->set.server_from, (long long)(cli_now().ms - before.ms));
	check_certificate(d);
	if (a.status != 200) {
		note(d, "access", "FAIL", "%s%s", cli_str(a.json, "error.message")[0] != '\0'
			? cli_str(a.json, "error.message") : "the daemon refuses us", cli_advice(d->c, 0, a.status));
		rc = cli_exit_of(&a);
		goto out;
	}
	note(d, "access", "ok", "the daemon knows us as \"%s\" with the role %s",
	    cli_str(a.json, "caller"), cli_str(a.json, "role"));
	if (cli_time(a.json, "now", &now)) {
		ahead = now.ms - (before.ms + cli_now().ms) / 2;
		if (llabs(ahead) > CLOCK_WARN_MS)
			note(d, "clock", "warning", "the daemon's clock is %lld ms %s ours; signatures and waits "
						    "need right clocks on both sides",
			    llabs(ahead), ahead > 0 ? "ahead of" : "behind");
		else
			note(d, "clock", "ok", "%lld ms apart", llabs(ahead));
	}
	if (strcmp(cli_str(a.json, "version"), MUS_VERSION) != 0)
		note(d, "version", "warning", "the daemon is %s, this program %s", cli_str(a.json, "version"),
		    MUS_VERSION);
	else
		note(d, "version", "ok", "both %s", MUS_VERSION);
out:
	cli_answer_clear(&a);
	return rc;
}

static const char *
complaint_of(const json_t *zone)
{
	const char *state = cli_str(zone, "state");

	if (cli_true(zone, "held"))
		return "is held";
	if (strcmp(state, "INVALID") == 0)
		return "is INVALID: resolvers may fail";
	if (strcmp(state, "INSECURE") == 0)
		return "is INSECURE: the delegation has no usable DS set";
	if (strcmp(state, "AT-RISK") == 0)
		return "is AT-RISK: a signature does not hold, or will not outlive the caches";
	if (strcmp(state, "UNKNOWN") == 0)
		return "is UNKNOWN: not all of it can be seen";
	return NULL;
}

static void
check_zones(struct doctor *d)
{
	json_t *items = NULL;
	size_t count = 0;
	int rc = cli_list(d->c, "/zones", 0, &items);

	if (rc != 0)
		return;
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *zone = json_array_get(items, i);
		const char *complaint = complaint_of(zone), *name = cli_str(zone, "name");

		if (complaint == NULL)
			continue;
		if (++count <= ZONES_SHOWN)
			note(d, "zone", "warning", "%s %s; see \"zone explain %s\"", name, complaint, name);
	}
	if (count == 0)
		note(d, "zones", "ok", "none of %zu needs attention", json_array_size(items));
	else if (count > ZONES_SHOWN)
		note(d, "zones", "warning", "%zu more need attention", count - ZONES_SHOWN);
	json_decref(items);
}

int
cmd_doctor(struct cli *c)
{
	static const struct cli_column columns[] = {{"CHECK", "check", CLI_S_TEXT},
	    {"RESULT", "result", CLI_S_RESULT}, {"WHAT", "text", CLI_S_TEXT, .wide = true}, {NULL}};
	struct doctor d = {.c = c, .checks = json_array()};
	int rc;

	if ((rc = cli_settings_load(c)) != 0) {	/* has told file, line and key */
		note(&d, "configuration", "FAIL", "see the line above");
	} else {
		note(&d, "configuration", "ok", "%s", c->set.file != NULL ? c->set.file : "none; defaults hold");
		check_token(&d);
		if ((rc = check_daemon(&d)) == 0)
			check_zones(&d);
	}
	cli_print_list(c, d.checks, columns);
	json_decref(d.checks);
	return rc != 0 ? rc : d.bad > 0 ? EXIT_UNFIT : 0;
}
