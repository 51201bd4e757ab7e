/*
 * music-scanner: a parent follows the CDS, CDNSKEY and CSYNC of its children.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/opts.h"
#include "app/reload.h"
#include "app/sdnotify.h"
#include "scanner.h"

enum { SIGCACHE = 1 << 16, EXIT_USAGE = 64, TICK_MS = 1000 };

static const char *once, *dry_run, *output;
static const struct mus_opts_extra extra[] = {
	{"once", NULL, "look at every child once, then end: 0 when nothing is held or failed, else 1", &once},
	{"dry-run", NULL, "say what would be changed, change nothing", &dry_run},
	{"output", "FORMAT", "json: each verdict as a line of JSON on standard output (also -o)", &output},
	{NULL, NULL, NULL, NULL},
};
static const struct mus_opts_spec spec = {.program = "music-scanner",
    .summary = "follows CDS, CDNSKEY and CSYNC of children; CHILD... names some of them",
    .conf_file = "/etc/music/scanner.yaml", .schema = &scan_schema, .extra = extra};

/* The first argument that is neither an option nor the value of one; -o becomes --output. */
static int
split_children(int argc, char **argv)
{
	static char long_output[] = "--output";
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i;
		if (strcmp(argv[i], "-o") == 0)
			argv[i] = long_output;
		if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0 ||
		    strcmp(argv[i], "--output") == 0)
			i++;
	}
	return i < argc ? i : argc;
}

static int
take_children(struct scan_conf *conf, int count, char **names, struct mus_arena *a)
{
	struct mus_errtext et = {""};

	if (count > 0 && strcmp(names[0], "--") == 0) {
		names++;
		count--;
	}
	if (count == 0)
		return 0;
	conf->children.items = mus_arena_alloc(a, (size_t)count * sizeof *conf->children.items);
	conf->children.count = 0;
	for (int i = 0; conf->children.items && i < count; i++) {
		struct mus_name *n = &conf->children.items[conf->children.count++];
		int rc = mus_name_parse(names[i], n, &et);

		if (rc == 0 && (!mus_name_in(n, &conf->parent.zone) || mus_name_equal(n, &conf->parent.zone)))
			rc = mus_errf(&et, MUS_ERR_INVAL, "not below the parent zone");
		if (rc < 0) {
			fprintf(stderr, "music-scanner: %s: %s\n", names[i], et.s);
			return EXIT_USAGE;
		}
	}
	return 0;
}

static void
on_stop(void *arg)
{
	struct scanner *s = arg;

	mus_log_notice(NULL, "stops");
	s->stopping = true;
	mus_loop_stop(s->loop);
}

static void
open_log(struct scanner *s)
{
	mus_log_conf_louder(&s->conf->log, s->verbose);
	mus_log_open(&(struct mus_log_opts){.program = "music-scanner", .conf = s->conf->log});
}

/* Looks that are under way go on with what is new. */
static void
on_reload(void *arg)
{
	struct scanner *s = arg;

	mus_sdnotify_reloading();
	mus_reload(&scan_schema, s->conf_path, s->conf_file, &s->reloaded);
	mus_conf_take(&scan_schema, s->conf, mus_conf_get(s->reloaded ? s->reloaded : s->conf_file));
	open_log(s);
	mus_log_notice(NULL, "goes on with %s", s->conf_path);
	mus_sdnotify_ready();
}

static void
on_tick(void *arg)
{
	struct scanner *s = arg;

	mus_log_tick();
	mus_timer_start(s->tick, TICK_MS);
}

static int
open_all(struct scanner *s, struct mus_errtext *et)
{
	const struct scan_conf *c = s->conf;
	struct mus_dnsx_opts xo = {.udp_timeout_ms = (unsigned)c->query.timeout_ms,
	    .udp_tries = (unsigned)c->query.tries, .tcp_timeout_ms = (unsigned)c->query.tcp_timeout_ms};
	struct mus_lookup_opts lo = {.root_hints_file = c->resolver.root_hints,
	    .trust_anchor_file = c->resolver.trust_anchor,
	    .cache_max_ttl_s = (unsigned)c->resolver.keep_s,
	    .ipv4_only = c->query.families == SCAN_IP4, .ipv6_only = c->query.families == SCAN_IP6,
	    .timeout_s = 10};
	int rc;

	if ((rc = mus_tsig_key_load(c->parent.key, &s->key, et)) < 0)
		return rc;
	s->loop = mus_loop_new();
	s->by_name = mus_map_new((uintptr_t)s, (uint64_t)getpid());
	s->sigs = mus_sigcache_new(SIGCACHE);
	if (!s->loop || !s->by_name || !s->sigs || !(s->dnsx = mus_dnsx_new(s->loop, &xo)) ||
	    !(s->tick = mus_timer_new(s->loop, on_tick, s)) || scan_hosts_open(s) < 0 ||
	    scan_report_open(s) < 0)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	mus_timer_start(s->tick, TICK_MS);
	if ((rc = mus_lookup_new(s->loop, &lo, &s->lookup, et)) < 0 || (rc = scan_state_load(s, et)) < 0)
		return rc;
	if ((rc = mus_loop_on_signal(s->loop, SIGTERM, on_stop, s)) < 0 ||
	    (rc = mus_loop_on_signal(s->loop, SIGINT, on_stop, s)) < 0)
		return rc;
	/* One look is over soon; who hangs up ends it. */
	if (!s->once && (rc = mus_loop_on_signal(s->loop, SIGHUP, on_reload, s)) < 0)
		return rc;
	return scan_list_open(s, et);
}

static void
close_all(struct scanner *s)
{
	if (!s->loop) {
		mus_tsig_key_free(s->key);
		return;
	}
	s->stopping = true;
	scan_report_close(s);
	mus_timer_free(s->tick);
	mus_lookup_free(s->lookup);
	mus_dnsx_free(s->dnsx);
	scan_list_close(s);
	scan_hosts_close(s);
	mus_sigcache_free(s->sigs);
	mus_loop_free(s->loop);
	mus_tsig_key_free(s->key);
}

/* Was anything held or failed? */
static int
status_of(const struct scanner *s)
{
	size_t pos = 0, len;
	const void *key;
	void *v;

	while (mus_map_next(s->by_name, &pos, &key, &len, &v)) {
		const struct child *c = v;

		if (c->looked && (c->verdict.outcome == SCAN_HELD || c->verdict.outcome == SCAN_FAILED))
			return 1;
	}
	return s->list_failed ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct mus_opts opts;
	struct mus_conf *conf = NULL;
	struct mus_errtext et = {""};
	struct mus_arena arena;
	int split = split_children(argc, argv), status, rc;
	struct scanner s = {.once = false};
	struct scan_conf c;

	status = mus_opts_begin(&spec, split, argv, &opts, &conf);
	if (status != MUS_OPTS_RUN)
		return status;
	mus_arena_init(&arena, 0);
	c = *(const struct scan_conf *)mus_conf_get(conf);
	s.conf = &c;
	s.conf_file = conf;
	s.once = once != NULL;
	s.dry_run = dry_run != NULL;
	if (output && strcmp(output, "json") != 0) {
		fprintf(stderr, "music-scanner: -o takes \"json\", not \"%s\"\n", output);
		status = EXIT_USAGE;
		goto out;
	}
	s.json = output != NULL;
	s.full = split < argc;
	if ((status = take_children(&c, argc - split, argv + split, &arena)) != 0)
		goto out;
	s.conf_path = opts.conf_file;
	s.verbose = opts.verbose;
	open_log(&s);
	if ((rc = open_all(&s, &et)) < 0) {
		fprintf(stderr, "music-scanner: %s\n", et.s[0] ? et.s : mus_err_text(rc));
		status = mus_err_exit(rc);
	} else {
		char zone[MUS_NAME_TEXT_MAX];

		mus_log_notice(NULL, "follows the delegations of %s%s", mus_name_text(&c.parent.zone, zone),
		    s.dry_run ? " (dry run)" : "");
		mus_sdnotify_ready();
		mus_loop_run(s.loop);
		mus_sdnotify_stopping();
		status = s.once ? status_of(&s) : 0;
	}
	close_all(&s);
	mus_log_flush();
out:
	mus_conf_free(s.reloaded);
	mus_conf_free(conf);
	mus_arena_clear(&arena);
	return status;
}
