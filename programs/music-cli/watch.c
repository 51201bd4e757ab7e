/*
 * Follows one zone: on a terminal the picture is drawn again in place, elsewhere there is a line for
 * each change.  The zone's events tell when to look; what is shown is always its status, and between
 * two looks only the time left is counted down.  Without the stream of events it is looked at every
 * second.  Done is what the zone shows, not what a process says of itself: all members sign,
 * share keys and are named by the DS set, and nobody else does any more.
 */
#include "cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_GAP_MS = 100,		/* between two looks, however many events come */
	BLIND_MS = 1000,		/* between looks without the stream, and until it is tried again */
	REFUSED_MS = 10000,		/* the stream was refused: then again */
	ERRORS_MAX = 60,		/* looks without an answer, one after the other */
	WAITS_SHOWN = 4,		/* of the picture; how many more there are is told */
	DRAW_INDENT = 9,		/* of what follows a broken line: below what is waited for */
	LINE_MAX_BYTES = 1536,
};

struct look {
	json_t *status, *zone, *group, *processes;	/* what follows the first: only when no process runs */
	struct mus_time at;		/* by our clock */
	bool failed;			/* no answer this time: told */
};

struct watch {
	struct cli *c;
	const struct cli_watch *o;
	bool in_place, was_busy;
	struct mus_buf events;		/* path of the stream */
	struct cli_feed *feed;		/* NULL: none now */
	bool was_open;			/* the stream, when it was last looked after */
	char last_id[CLI_EVENT_ID_MAX];
	struct look look;		/* the last one that succeeded */
	int64_t looked_ms, tried_ms, look_at_ms, feed_at_ms, drawn_ms;	/* monotonic; the first: of look */
	char shown[1024];		/* the last line, without its time left */
	unsigned drawn_lines;		/* of the terminal, and how wide and high it was */
	unsigned width, height;
	unsigned errors;
	int last_exit;
};

static void
look_clear(struct look *l)
{
	json_decref(l->status);
	json_decref(l->zone);
	json_decref(l->group);
	json_decref(l->processes);
	*l = (struct look){NULL};
}

static int
get(struct watch *w, const char *fmt, const char *name, json_t **out, struct mus_errtext *et)
{
	struct cli_answer a = {.status = 0};
	struct mus_buf path;
	int rc;

	mus_buf_init(&path, 0);
	rc = cli_try(w->c, "GET", cli_path(&path, fmt, name), NULL, NULL, &a, et);
	if (rc == 0 && a.status != 200) {
		rc = -1;
		w->last_exit = cli_exit_of(&a);
		mus_errf(et, 0, "%s",
		    cli_str(a.json, "error.message")[0] != '\0' ? cli_str(a.json, "error.message") : "refused");
		if (a.status < 500)
			rc = -2;			/* asking again does not help */
	} else if (rc < 0) {
		w->last_exit = mus_err_exit(rc);
		rc = rc == MUS_ERR_BADSIG || rc == MUS_ERR_INVAL ? -2 : -1;
	} else {
		*out = json_incref(a.json);
	}
	cli_answer_clear(&a);
	mus_buf_clear(&path);
	return rc;
}

/* 0; -1: no answer, try again; -2: give up.  Both with words. */
static int
take_look(struct watch *w, struct look *l, struct mus_errtext *et)
{
	const char *group;
	int rc;

	*l = (struct look){.at = cli_now()};
	if ((rc = get(w, "/zones/%s/status", w->o->zone, &l->status, et)) < 0)
		return rc;
	group = cli_str(l->status, "group");
	if (!w->o->until_done || json_is_object(json_object_get(l->status, "process")))
		return 0;
	if ((rc = get(w, "/zones/%s", w->o->zone, &l->zone, et)) < 0 ||
	    (rc = get(w, "/processes?limit=100&zone=%s", w->o->zone, &l->processes, et)) < 0)
		return rc;
	if (group[0] != '\0')
		rc = get(w, "/groups/%s", group, &l->group, et);
	return rc;
}

static const json_t *
find_named(const json_t *list, const char *member, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(cli_str(json_array_get(list, i), member), name) == 0)
			return json_array_get(list, i);
	return NULL;
}

/* Does the operator want ${name} to sign this zone? */
static bool
is_wanted(const struct look *l, const char *name)
{
	const json_t *m = find_named(json_object_get(l->group, "signers"), "name", name);
	const json_t *o = find_named(json_object_get(l->zone, "signers"), "signer", name);

	if (cli_true(o, "lost"))
		return false;
	if (m == NULL)
		return cli_true(o, "staying");
	if (cli_true(m, "leaving"))
		return cli_true(o, "staying");
	return !cli_true(o, "excluded");
}

static bool
is_done(const struct look *l)
{
	const json_t *signers = json_object_get(l->status, "signers");
	const json_t *members = json_object_get(l->group, "signers");
	const char *state = cli_str(l->status, "state");
	size_t wanted = 0;

	if (json_is_object(json_object_get(l->status, "process")) || state[0] == '\0' ||
	    strcmp(state, "UNKNOWN") == 0)
		return false;
	for (size_t i = 0; i < json_array_size(members); i++) {
		const char *name = cli_str(json_array_get(members, i), "name");

		if (!is_wanted(l, name))
			continue;
		wanted++;
		if (find_named(signers, "name", name) == NULL)
			return false;
	}
	for (size_t i = 0; i < json_array_size(signers); i++) {
		const json_t *s = json_array_get(signers, i);
		bool wants = is_wanted(l, cli_str(s, "name"));

		if (cli_true(s, "lost"))
			continue;
		if (wants && wanted > 1 && !cli_true(s, "secondary") &&
		    !(cli_true(s, "in_keys") && cli_true(s, "in_ds")))
			return false;
		if (wants && wanted > 1 && cli_num(s, "servers") > 0 && !cli_true(s, "in_ns"))
			return false;
		if (!wants && (cli_true(s, "in_ds") || cli_true(s, "in_ns")))
			return false;
	}
	return true;
}

/* Was ${stamp} of an object before ${t}, or is there none? */
static bool
is_before(const json_t *o, const char *stamp, struct mus_time t)
{
	struct mus_time at;

	return !cli_time(o, stamp, &at) || at.ms < t.ms;
}

/* Has the zone been looked at since it and its group were last changed?  Before that a process may be about to
 * begin. */
static bool
is_settled(const struct look *l)
{
	struct mus_time checked, next;

	if (!cli_time(l->status, "checked_at", &checked))
		return false;
	next = mus_time_add_ms(checked, 1);
	return is_before(l->zone, "changed_at", next) && is_before(l->group, "changed_at", next);
}

/* A process of this zone that ended since we watch, other than by being done; NULL: none. */
static const json_t *
find_failed(const struct watch *w)
{
	const json_t *items = json_object_get(w->look.processes, "items");
	struct mus_time since = w->o->since, now;

	if (cli_time(w->look.status, "now", &now))	/* by the daemon's clock */
		since = mus_time_add_ms(now, since.ms - w->look.at.ms);
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *p = json_array_get(items, i);

		if (!is_before(p, "ended_at", since) && !cli_true(p, "done"))
			return p;
	}
	return NULL;
}

/* --- showing --- */

static int64_t
mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The daemon's clock, which goes on between looks. */
static struct mus_time
now_of(const struct watch *w)
{
	struct mus_time now;

	if (!cli_time(w->look.status, "now", &now))
		return cli_now();
	return mus_time_add_ms(now, mono_ms() - w->looked_ms);
}

static void
print_clock(struct mus_time t)
{
	char text[CLI_CLOCK_MAX];

	printf("%s ", cli_clock(t, false, "%TZ", text));
}

/* Commands that have failed: of them a line tells, for somebody may have to do something. */
static size_t
add_failed(const json_t *status, char *line, size_t n, size_t cap)
{
	const json_t *list = json_object_get(status, "commands");

	for (size_t i = 0; i < json_array_size(list) && n < cap; i++) {
		const json_t *k = json_array_get(list, i);

		if (strcmp(cli_str(k, "state"), "failed") == 0)
			n += (size_t)snprintf(line + n, cap - n, "  command failed: %s %s %s: %s", cli_str(k, "signer"),
			    cli_str(k, "verb"), cli_str(k, "role"), cli_str(k, "text"));
	}
	return n;
}

/* One line, when something else than the time left has changed. */
static void
show_line(struct watch *w)
{
	const struct look *l = &w->look;
	const json_t *p = json_object_get(l->status, "process"), *wait;
	char line[1024], left[48], back[CLI_CAME_BACK_MAX];
	size_t n;

	wait = json_array_get(json_object_get(l->status, "waits"), 0);
	n = (size_t)snprintf(line, sizeof line, "%s  %s", cli_str(l->status, "name"),
	    cli_str(l->status, "state")[0] != '\0' ? cli_str(l->status, "state") : "not looked at yet");
	if (json_is_object(p) && n < sizeof line)
		n += (size_t)snprintf(line + n, sizeof line - n, "  %s %s  %lld/%lld %s", cli_str(p, "kind"),
		    cli_str(p, "signer"), (long long)cli_num(p, "row_number"),
		    (long long)cli_num(p, "row_count"), cli_str(p, "row"));
	if (cli_true(l->status, "held") && n < sizeof line)
		n += (size_t)snprintf(line + n, sizeof line - n, "  held: %s", cli_str(l->status, "held_reason"));
	n = add_failed(l->status, line, n, sizeof line);
	if (wait != NULL && n < sizeof line)
		snprintf(line + n, sizeof line - n, "  waits: %s%s", cli_str(wait, "text"), cli_came_back(wait, back));
	if (strcmp(line, w->shown) == 0)
		return;
	snprintf(w->shown, sizeof w->shown, "%s", line);
	print_clock(now_of(w));
	cli_print_safe(stdout, line);
	if (*cli_left(wait, "until", now_of(w), left) != '\0')
		printf(" (%s)", left);
	putchar('\n');
	fflush(stdout);
}

/* A line of the picture, broken where the terminal ends, each cleared to its end so that nothing old stays.  The
 * cursor cannot go back to what has left the terminal above: what does not fit is not shown. */
static void
draw(struct watch *w, const char *text)
{
	size_t indent = 0, len, next, room = w->width > DRAW_INDENT ? w->width - DRAW_INDENT : 1;
	char line[LINE_MAX_BYTES];

	for (; *text != '\0' && (w->height == 0 || w->drawn_lines + 1 < w->height); text += next) {
		len = cli_break(text, indent > 0 ? room : w->width, &next);
		snprintf(line, sizeof line, "%*s%.*s", (int)indent, "", (int)len, text);
		cli_print_safe(stdout, line);
		fputs("\033[K\n", stdout);
		w->drawn_lines++;
		indent = w->width > DRAW_INDENT ? DRAW_INDENT : 0;
	}
}

/* Where the next picture begins: over the last one, or below what another width has broken anew. */
static void
go_back(struct watch *w)
{
	unsigned height = 0, width = cli_terminal_width(w->c, &height);

	if (w->drawn_lines > 0 && width == w->width && height == w->height)
		printf("\033[%uA", w->drawn_lines);
	w->width = width;
	w->height = height;
	w->drawn_lines = 0;
}

static const char *
keyed(const json_t *signer, const char *path)
{
	if (cli_true(signer, "secondary"))
		return "none";
	return cli_true(signer, path) ? "yes" : "no";
}

/* Whole or not at all: Ctrl-C leaves the cursor below it. */
static void
show_picture(struct watch *w)
{
	const struct look *l = &w->look;
	const json_t *signers = json_object_get(l->status, "signers"),
		     *waits = json_object_get(l->status, "waits"),
		     *commands = json_object_get(l->status, "commands");
	struct mus_time now = now_of(w);
	char line[LINE_MAX_BYTES], left[48], process[256], clock[CLI_CLOCK_MAX], back[CLI_CAME_BACK_MAX];
	size_t count = json_array_size(waits);
	sigset_t interrupt, before;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &before);
	w->drawn_ms = mono_ms();
	go_back(w);
	snprintf(line, sizeof line, "%s %s  %s%s%s", cli_clock(now, false, "%TZ", clock),
	    cli_str(l->status, "name"), cli_str(l->status, "state"),
	    cli_true(l->status, "held") ? "  held: " : "", cli_str(l->status, "held_reason"));
	draw(w, line);
	cli_process_line(json_object_get(l->status, "process"), now, process, sizeof process);
	snprintf(line, sizeof line, "process  %s", process);
	draw(w, line);
	for (size_t i = 0; i < json_array_size(commands); i++) {
		cli_command_line(json_array_get(commands, i), now, process, sizeof process);
		snprintf(line, sizeof line, "command  %s", process);
		draw(w, line);
	}
	for (size_t i = 0; i < json_array_size(signers); i++) {
		const json_t *s = json_array_get(signers, i);

		snprintf(line, sizeof line, "  %-16s keys %-4s  DS %-4s  NS %-3s  servers %lld/%lld",
		    cli_str(s, "name"), keyed(s, "in_keys"), keyed(s, "in_ds"),
		    cli_true(s, "in_ns") ? "yes" : "no",
		    (long long)cli_num(s, "servers_reached"), (long long)cli_num(s, "servers"));
		draw(w, line);
	}
	for (size_t i = 0; i < count && i < WAITS_SHOWN; i++) {
		const json_t *x = json_array_get(waits, i);

		cli_left(x, "until", now, left);
		snprintf(line, sizeof line, "  waits: %s%s%s%s", cli_str(x, "text"), cli_came_back(x, back),
		    left[0] != '\0' ? "  " : "", left);
		draw(w, line);
	}
	if (count > WAITS_SHOWN) {
		snprintf(line, sizeof line, "  and %zu more", count - WAITS_SHOWN);
		draw(w, line);
	}
	fputs("\033[J", stdout);
	fflush(stdout);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* The end, in words: in JSON an object, as all that is printed, and the last one.  Returns ${code}. */
static int end(const struct watch *w, int code, const char *outcome, const char *fmt, ...) MUS_PRINTF(4, 5);

static int
end(const struct watch *w, int code, const char *outcome, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	json_t *o;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (w->c->format == CLI_JSON) {
		/* what was typed may be no UTF-8 */
		o = json_pack("{s:s, s:o}", "outcome", outcome, "text", json_string_nocheck(text));
		cli_print_json(o);
		json_decref(o);
	} else if (code == 0) {
		printf("%s\n", text);
	}
	return code == 0 ? 0 : cli_fail(w->c, code, "%s", text);
}

/* What a look means for us; an exit code, or -1: go on. */
static int
judge(struct watch *w)
{
	const struct look *l = &w->look;
	const json_t *failed;
	bool is_busy = json_is_object(json_object_get(l->status, "process")), is_over;

	if (!w->o->until_done)
		return -1;
	w->was_busy = w->was_busy || is_busy;
	if (cli_true(l->status, "held"))
		return end(w, 75, "held", "%s is held: %s", w->o->zone, cli_str(l->status, "held_reason"));
	is_over = is_done(l);
	if (is_over && (failed = find_failed(w)) != NULL)
		return end(w, EXIT_UNFIT, "ended", "%s %s: %s", cli_str(failed, "kind"), cli_str(failed, "signer"),
		    cli_str(failed, "outcome"));
	if (!is_busy && (is_over || is_settled(l)) && strcmp(cli_str(l->status, "state"), "INVALID") == 0)
		return end(w, EXIT_INVALID, "INVALID", "%s is INVALID, and nothing runs that would change it: see "
		    "\"zone explain %s\"", w->o->zone, w->o->zone);
	if (!is_over)
		return -1;
	return end(w, 0, "done", "%s", w->was_busy ? "done" : "done: nothing is under way");
}

/* --- following --- */

static void
show(struct watch *w)
{
	if (w->c->format == CLI_JSON) {
		cli_print_json(w->look.status);
		fflush(stdout);
	} else if (w->in_place) {
		show_picture(w);
	} else {
		show_line(w);
	}
}

/* Something has happened: look, but not again and again in one burst. */
static void
look_soon(struct watch *w)
{
	if (w->look_at_ms > w->tried_ms + LOOK_GAP_MS)
		w->look_at_ms = w->tried_ms + LOOK_GAP_MS;
}

static int
on_event(void *arg, const char *data, size_t len)
{
	(void)data;
	(void)len;
	look_soon(arg);
	return 0;
}

/* An exit code, or -1: go on. */
static int
look(struct watch *w)
{
	struct mus_errtext et = {""};
	int64_t blind_ms = w->o->interval_ms < BLIND_MS ? w->o->interval_ms : BLIND_MS;
	struct look l;
	int looked = take_look(w, &l, &et), rc = -1;

	w->tried_ms = mono_ms();
	w->look_at_ms = w->tried_ms + (w->was_open ? w->o->interval_ms : blind_ms);
	if (looked == 0) {
		look_clear(&w->look);
		w->look = l;
		w->looked_ms = w->tried_ms;
		w->errors = 0;
		show(w);
		return judge(w);
	}
	look_clear(&l);
	/* the daemon may be starting again; once is told, for ever is an error */
	if (looked == -2 || w->errors == 0)
		rc = cli_fail(w->c, -1, "%s", et.s);
	if (looked == -2 || ++w->errors > ERRORS_MAX)
		rc = w->last_exit;
	w->drawn_lines = 0;
	return rc;
}

static void
lose_feed(struct watch *w, int err)
{
	cli_feed_close(w->feed);
	w->feed = NULL;
	w->was_open = false;
	w->feed_at_ms = mono_ms() + (err == MUS_ERR_NET || err == MUS_ERR_TIMEOUT ? BLIND_MS : REFUSED_MS);
	if (w->look_at_ms > w->tried_ms + BLIND_MS)
		w->look_at_ms = w->tried_ms + BLIND_MS;
}

/* Waits for events, but not beyond ${until_ms}, and not longer than a second: the time left is counted. */
static void
wait_for_events(struct watch *w, int64_t until_ms)
{
	struct mus_errtext et;
	int64_t now = mono_ms(), left = until_ms < w->look_at_ms ? until_ms - now : w->look_at_ms - now;
	int rc = 0;

	left = left < 1 ? 1 : left > 1000 ? 1000 : left;
	if (w->feed == NULL && now >= w->feed_at_ms)
		rc = cli_feed_open(w->c, (const char *)w->events.data, w->last_id, on_event, w, &w->feed, &et);
	if (rc == 0 && w->feed != NULL)
		rc = cli_feed_step(w->feed, (int)left, &et);
	else
		usleep((useconds_t)left * 1000);
	if (rc < 0) {
		lose_feed(w, rc);
	} else if (w->feed != NULL && !w->was_open && cli_feed_is_open(w->feed)) {
		w->was_open = true;	/* what happened between the last look and now is seen */
		look_soon(w);
	}
}

static int
follow(struct watch *w)
{
	int64_t end_ms = w->o->timeout_ms > 0 ? mono_ms() + w->o->timeout_ms : INT64_MAX;
	int rc = -1;

	while (rc < 0) {
		if (mono_ms() >= w->look_at_ms)
			rc = look(w);
		else if (w->in_place && w->drawn_lines > 0 && mono_ms() - w->drawn_ms >= 1000)
			show_picture(w);
		if (rc < 0 && mono_ms() >= end_ms)
			rc = end(w, 75, "timeout", "%s is not done after the time given", w->o->zone);
		if (rc < 0)
			wait_for_events(w, end_ms);
	}
	return rc;
}

int
cli_watch(struct cli *c, const struct cli_watch *o)
{
	struct watch w = {.c = c, .o = o};
	int rc;

	w.in_place = c->is_terminal && !o->plain && c->format == CLI_TEXT;
	mus_buf_init(&w.events, 0);
	cli_path(&w.events, "/events");
	cli_query(&w.events, "zone", o->zone);
	rc = follow(&w);
	cli_feed_close(w.feed);
	look_clear(&w.look);
	mus_buf_clear(&w.events);
	return rc;
}
