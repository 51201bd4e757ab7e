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

enum { CLOCK_WARN_MS = 2000, ZONES_SHOWN = 20, CERT_WARN_S = 14 * 86400, STILL_MS = 300 * 1000 };

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

static void
check_database(struct doctor *d, const json_t *status)
{
	if (cli_str(status, "store_failing_since")[0] != '\0')
		note(d, "database", "FAIL", "nothing can be stored, so nothing is sent, since %s: %s",
		    cli_str(status, "store_failing_since"), cli_str(status, "store_error"));
	else
		note(d, "database", "ok", "it takes changes");
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
	check_database(d, a.json);
	if (strcmp(cli_str(a.json, "version"), MUS_VERSION) != 0)
		note(d, "version", "warning", "the daemon is %s, this program %s", cli_str(a.json, "version"),
		    MUS_VERSION);
	else
		note(d, "version", "ok", "both %s", MUS_VERSION);
	if (cli_true(a.json, "checks_addresses"))
		note(d, "addresses", "ok", "what is given of name servers is compared with DNS");
	else
		note(d, "addresses", "warning",
		    "what is given of name servers is compared with nothing (resolver.check-addresses: no): one wrong "
		    "or missing address can make zones bogus that are shown as VALID");
out:
	cli_answer_clear(&a);
	return rc;
}

/* What is worst first: a hold hides nothing of it.  NULL: the zone is well. */
static const char *
complaint_of(const json_t *zone)
{
	const char *state = cli_str(zone, "state");

	if (strcmp(state, "INVALID") == 0)
		return "is INVALID: resolvers may fail";
	if (strcmp(state, "AT-RISK") == 0)
		return "is AT-RISK: a signature does not hold, or will not outlive the caches";
	if (strcmp(state, "UNKNOWN") == 0)
		return "is UNKNOWN: not all of it can be seen";
	if (strcmp(state, "INSECURE") == 0)
		return "is INSECURE: the delegation has no usable DS set";
	return cli_true(zone, "held") ? "is held" : NULL;
}

static void
check_zone(struct doctor *d, const json_t *zone, const char *complaint)
{
	const char *name = cli_str(zone, "name");
	bool is_invalid = strcmp(cli_str(zone, "state"), "INVALID") == 0;
	bool is_held = cli_true(zone, "held") && strcmp(complaint, "is held") != 0;

	note(d, "zone", is_invalid ? "FAIL" : "warning", "%s %s%s; see \"zone explain %s\"", name, complaint,
	    is_held ? "; and it is held" : "", name);
}

/* Is it somebody's fault?  What time alone ends is not; what somebody does not answer is at once, the rest
 * when it has stood for long. */
static bool
is_stuck(const json_t *status, const json_t *wait)
{
	struct mus_time now, since, until;

	if (cli_str(wait, "signer")[0] == '\0')
		return false;
	if (cli_str(wait, "cause")[0] != '\0')
		return true;
	if (cli_time(wait, "until", &until) || !cli_time(status, "now", &now))
		return false;
	if (!cli_time(status, "process.row_at", &since) && !cli_time(wait, "seen_at", &since))
		return false;
	return now.ms - since.ms >= STILL_MS;
}

static void
check_reach(struct doctor *d, const json_t *status)
{
	const json_t *signers = json_object_get(status, "signers");

	for (size_t i = 0; i < json_array_size(signers); i++) {
		const json_t *s = json_array_get(signers, i);
		int64_t all = cli_num(s, "servers"), reached = cli_num(s, "servers_reached");

		if (!cli_true(s, "lost") && reached < all)
			note(d, "servers", "warning", "%s: %lld of its %lld servers for %s reached", cli_str(s, "name"),
			    (long long)reached, (long long)all, cli_str(status, "name"));
	}
}

/* What a zone that is not at rest waits for, and from whom. */
static int
check_waits(struct doctor *d, const char *zone)
{
	struct cli_answer a = {.status = 0};
	struct mus_errtext et = {""};
	struct mus_buf path;
	char back[CLI_CAME_BACK_MAX];
	const json_t *waits;
	int rc;

	mus_buf_init(&path, 0);
	rc = cli_try(d->c, "GET", cli_path(&path, "/zones/%s/status", zone), NULL, NULL, &a, &et);
	mus_buf_clear(&path);
	if (rc < 0)
		rc = cli_fail(d->c, mus_err_exit(rc), "%s", et.s);
	else if (a.status != 200)	/* what is stored of it cannot be read, say */
		note(d, "zone", "FAIL", "%s: %s", zone, cli_str(a.json, "error.message"));
	waits = json_object_get(a.json, "waits");
	for (size_t i = 0; rc == 0 && i < json_array_size(waits); i++) {
		const json_t *w = json_array_get(waits, i);

		if (!is_stuck(a.json, w))
			continue;
		note(d, "wait", "warning", "%s stands still: %s%s; see \"zone explain %s\"", zone, cli_str(w, "text"),
		    cli_came_back(w, back), zone);
		break;
	}
	if (rc == 0 && cli_str(a.json, "checked_at")[0] != '\0')
		check_reach(d, a.json);
	cli_answer_clear(&a);
	return rc;
}

/* ${waits}: does any zone wait for something? */
static int
check_zones(struct doctor *d, bool *waits)
{
	json_t *items = NULL;
	size_t count = 0, asked = 0;
	unsigned before = d->bad;
	int rc = cli_list(d->c, "/zones", 0, &items);

	for (size_t i = 0; rc == 0 && i < json_array_size(items); i++) {
		const json_t *zone = json_array_get(items, i);
		const char *complaint = complaint_of(zone);
		bool is_waiting = cli_str(zone, "waiting")[0] != '\0';

		*waits = *waits || is_waiting;
		if (complaint != NULL && ++count <= ZONES_SHOWN)
			check_zone(d, zone, complaint);
		if ((complaint != NULL || is_waiting) && ++asked <= ZONES_SHOWN)
			rc = check_waits(d, cli_str(zone, "name"));
	}
	if (count > ZONES_SHOWN)
		note(d, "zones", "warning", "%zu more need attention", count - ZONES_SHOWN);
	else if (rc == 0 && d->bad == before)
		note(d, "zones", "ok", "none of %zu needs attention", json_array_size(items));
	json_decref(items);
	return rc;
}

/* Changes that failed are old news once no zone waits for anything. */
static void
check_signer(struct doctor *d, const json_t *s, bool zones_wait)
{
	const char *name = cli_str(s, "name"), *last = cli_str(s, "changes.last_error");
	long long sent = cli_num(s, "changes.sent"), refused = cli_num(s, "changes.refused"),
		  dropped = cli_num(s, "changes.dropped"),
		  silent = cli_num(s, "changes.silent"), waiting = cli_num(s, "changes.waiting");
	struct mus_time until;

	if (cli_str(s, "trouble")[0] != '\0')
		note(d, "signer", "FAIL", "%s: nothing can be sent to it: %s", name, cli_str(s, "trouble"));
	if (cli_time(s, "changes.paused_until", &until))
		note(d, "signer", "warning", "%s does not answer, and %lld change%s wait%s; last failure: %s", name,
		    waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "", last);
	else if (refused + dropped + silent > 0 && (zones_wait || waiting > 0))
		note(d, "signer", "warning", "%s: of %lld changes since the daemon started %lld were refused, %lld "
					     "dropped and %lld not answered; last failure: %s; see "
					     "\"signer probe %s --zone ZONE\"",
		    name, sent, refused, dropped, silent, last, name);
}

static int
check_signers(struct doctor *d, bool zones_wait)
{
	json_t *items = NULL;
	unsigned before = d->bad;
	int rc = cli_list(d->c, "/signers", 0, &items);

	for (size_t i = 0; rc == 0 && i < json_array_size(items); i++)
		check_signer(d, json_array_get(items, i), zones_wait);
	if (rc == 0 && d->bad == before)
		note(d, "signers", "ok", "none of %zu refuses or drops changes, or is silent", json_array_size(items));
	json_decref(items);
	return rc;
}

int
cmd_doctor(struct cli *c)
{
	static const struct cli_column columns[] = {{"CHECK", "check", CLI_S_TEXT},
	    {"RESULT", "result", CLI_S_RESULT}, {"WHAT", "text", CLI_S_TEXT, .wide = true}, {NULL}};
	struct doctor d = {.c = c, .checks = json_array()};
	bool waits = false;
	int rc;

	if ((rc = cli_settings_load(c)) != 0) {	/* has told file, line and key */
		note(&d, "configuration", "FAIL", "see the line above");
	} else {
		note(&d, "configuration", "ok", "%s", c->set.file != NULL ? c->set.file : "none; defaults hold");
		check_token(&d);
		if ((rc = check_daemon(&d)) == 0 && (rc = check_zones(&d, &waits)) == 0)
			rc = check_signers(&d, waits);
	}
	cli_print_list(c, d.checks, columns);
	json_decref(d.checks);
	return rc != 0 ? rc : d.bad > 0 ? EXIT_UNFIT : 0;
}
