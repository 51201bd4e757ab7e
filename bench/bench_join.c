/*
 * What does it cost to join a signer to a group of 5,000 zones, each with its history in the store?  The
 * join itself and its dry run are one piece of work, for which everything else waits: at most 200 ms.
 * What musicd does itself for the preflight of one zone must not depend on how many zones are in the group:
 * its cost there, beside that in a group of one.  Nobody is asked: the signers have no servers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/control.h"
#include "engine/engine.h"

enum { ZONES = 5000, LOOKS = 1000, LIMIT_MS = 200 };

static struct mus_errtext et;
static struct mus_store *store;
static struct mus_engine *e;
static struct mus_loop *loop;

static double
now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
must(int rc)
{
	if (rc < 0) {
		fprintf(stderr, "bench join: %s\n", et.s);
		exit(1);
	}
}

/* What is stored of a zone that two signers sign. */
static size_t
read_state(char *out, size_t cap)
{
	FILE *f = fopen(BENCH_STATE, "rb");
	size_t len = f ? fread(out, 1, cap, f) : 0;

	if (len == 0 || len == cap || fclose(f) != 0) {
		perror(BENCH_STATE);
		exit(1);
	}
	return len;
}

static int64_t
add_group(const char *name, int64_t member)
{
	struct mus_group_obj g = {.member_count = 1, .member[0] = {.signer_id = member}};

	snprintf(g.name, sizeof g.name, "%s", name);
	must(mus_store_save_group(store, &g, &et));
	return g.id;
}

static void
add_zone(const char *name, int64_t group_id, const char *state, size_t len)
{
	static struct mus_zone_obj o;
	struct mus_time now = mus_time_from_s(1800000000);

	o = (struct mus_zone_obj){.group_id = group_id, .created_at = now, .changed_at = now, .checked_at = now,
	    .next_check_at = mus_time_add_s(now, 3600LL * 24 * 3650), .waiting_until = MUS_TIME_NEVER};
	snprintf(o.name, sizeof o.name, "%s", name);
	snprintf(o.state, sizeof o.state, "VALID");
	must(mus_store_save_zone(store, &o, &et));
	must(mus_store_save_state(store, o.id, state, len, &et));
}

static void
fill(void)
{
	struct mus_signer_obj a = {.name = "a", .driver = "manual", .no_transfer = true}, b = a;
	char state[8192], name[32];
	size_t len = read_state(state, sizeof state);
	int64_t all;

	must(mus_store_begin(store, &et));
	snprintf(b.name, sizeof b.name, "b");
	must(mus_store_save_signer(store, &a, &et));
	must(mus_store_save_signer(store, &b, &et));
	add_zone("alone.example.", add_group("one", a.id), state, len);
	all = add_group("all", a.id);
	for (unsigned i = 0; i < ZONES; i++) {
		snprintf(name, sizeof name, "z%04u.example.", i);
		add_zone(name, all, state, len);
	}
	must(mus_store_commit(store, &et));
}

static void
on_fit(void *arg, int err, const struct mus_errtext *words, const struct mus_ctl_fit *fit)
{
	(void)arg;
	if (err < 0)
		et = *words;
	must(err);
	if (fit->count > 0)
		mus_loop_stop(loop);
}

/* Milliseconds of CPU for a preflight, for it waits for answers that do not come; ${is_one}: of the zone that is
 * alone in its group, or else each of another zone. */
static double
preflight_ms(bool is_one)
{
	double began = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	char name[32] = "alone.example.";

	for (unsigned i = 0; i < LOOKS; i++) {
		if (!is_one)
			snprintf(name, sizeof name, "z%04u.example.", i * (ZONES / LOOKS));
		must(mus_ctl_preflight(e, name, "b", on_fit, NULL, &et));
		mus_loop_run(loop);
	}
	return (now_ms(CLOCK_PROCESS_CPUTIME_ID) - began) / LOOKS;
}

static void
told(const char *what, double ours, const char *peer, double theirs, double goal)
{
	double ratio = ours / theirs;

	printf("bench %s ours=%.3fms peer=%s theirs=%.3fms ratio=%.3f goal=<=%.1f %s\n", what, ours, peer, theirs,
	    ratio, goal, ratio <= goal ? "pass" : "short");
}

static void
measure(void)
{
	double one, all, dry, join, began;

	preflight_ms(true);		/* the first finds nothing in any cache */
	one = preflight_ms(true);
	all = preflight_ms(false);
	began = now_ms(CLOCK_MONOTONIC);
	must(mus_ctl_check_join(e, "all", "b", &et));
	dry = now_ms(CLOCK_MONOTONIC) - began;
	began = now_ms(CLOCK_MONOTONIC);
	must(mus_ctl_group_join(e, "bench", "all", "b", &et));
	join = now_ms(CLOCK_MONOTONIC) - began;
	told("join-5000-preflight", all, "group-of-one", one, 2);
	told("join-5000-dry-run", dry, "limit", LIMIT_MS, 1);
	told("join-5000", join, "limit", LIMIT_MS, 1);
}

static void
remove_db(const char *dir)
{
	static const char *const files[] = {"db", "db-wal", "db-shm", "db-sent", "db.lock"};
	char path[64];

	for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

int
main(void)
{
	char dir[] = "/tmp/bench-join-XXXXXX", path[64];
	struct mus_engine_opts o = {.policy = {.margin_s = 60, .fresh_s = 300, .gap_s = 10800, .digests = 2},
	    .idle_ms = 3600000, .poll_ms = 30000, .recheck_ms = 60000, .retry_ms = 120000, .copy_ms = 3600000};

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof path, "%s/db", dir);
	must(mus_store_open(path, &store, &et));
	fill();
	o.store = store;
	o.loop = loop = mus_loop_new();
	o.dnsx = mus_dnsx_new(loop, &(struct mus_dnsx_opts){.udp_timeout_ms = 1, .udp_tries = 1, .tcp_timeout_ms = 1});
	must(mus_engine_new(&o, &e, &et));
	measure();
	mus_engine_free(e);
	mus_dnsx_free(o.dnsx);
	mus_store_close(store);
	mus_loop_free(loop);
	remove_db(dir);
	return 0;
}
