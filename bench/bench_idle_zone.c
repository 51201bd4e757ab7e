/*
 * What does an idle zone cost in memory?  100,000 zones in the store, each with its history, none
 * due: resident bytes of an engine that has them all in its schedule, over one that has none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"

enum { ZONES = 100000, LIMIT_BYTES = 1536 };

static long
resident_bytes(void)
{
	long pages = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld", &pages, &rss) != 2)	/* banned: two numbers of the kernel's */
		exit(1);
	fclose(f);
	return rss * sysconf(_SC_PAGESIZE);
}

static void
must(int rc, const struct mus_errtext *et)
{
	if (rc < 0) {
		fprintf(stderr, "bench idle-zone: %s\n", et->s);
		exit(1);
	}
}

static void
fill(struct mus_store *s)
{
	struct mus_errtext et = {""};
	struct mus_zone_obj *o = calloc(1, sizeof *o);
	struct mus_time now = mus_time_from_s(1800000000);
	char blob[1133];	/* an idle zone with two signers takes this (tests/unit/model) */

	memset(blob, 7, sizeof blob);
	must(mus_store_begin(s, &et), &et);
	for (unsigned i = 0; i < ZONES; i++) {
		memset(o, 0, sizeof *o);
		snprintf(o->name, sizeof o->name, "zone-%06u.example.", i);
		snprintf(o->state, sizeof o->state, "VALID");
		o->created_at = o->changed_at = o->checked_at = now;
		o->next_check_at = mus_time_add_s(now, 3600LL * 24 * 3650);
		o->waiting_until = MUS_TIME_NEVER;
		must(mus_store_save_zone(s, o, &et), &et);
		must(mus_store_save_state(s, o->id, blob, sizeof blob, &et), &et);
	}
	must(mus_store_commit(s, &et), &et);
	free(o);
}

static void
stop(void *loop)
{
	mus_loop_stop(loop);
}

/* An engine over the store, brought to rest once; resident bytes then. */
static long
with_engine(const char *path)
{
	struct mus_errtext et = {""};
	struct mus_loop *loop = mus_loop_new();
	struct mus_dnsx_opts xo = {0};
	struct mus_engine_opts o = {.loop = loop,
	    .policy = {.margin_s = 60, .fresh_s = 300, .gap_s = 10800, .digests = 2},
	    .idle_ms = 3600000, .poll_ms = 30000, .recheck_ms = 60000, .retry_ms = 120000, .copy_ms = 3600000};
	struct mus_engine *e = NULL;
	struct mus_timer *t = mus_timer_new(loop, stop, loop);
	long bytes;

	must(mus_store_open(path, &o.store, &et), &et);
	o.dnsx = mus_dnsx_new(loop, &xo);
	must(mus_engine_new(&o, &e, &et), &et);
	mus_timer_start(t, 100);
	mus_loop_run(loop);
	bytes = resident_bytes();
	mus_engine_free(e);
	mus_dnsx_free(o.dnsx);
	mus_store_close(o.store);
	mus_timer_free(t);
	mus_loop_free(loop);
	return bytes;
}

static void
remove_db(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
	char name[96];

	for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		snprintf(name, sizeof name, "%s%s", path, ends[i]);
		unlink(name);
	}
}

int
main(void)
{
	char dir[] = "/tmp/bench-idle-XXXXXX", full[64], empty[64];
	struct mus_errtext et = {""};
	struct mus_store *s = NULL;
	long none, all;
	double each;

	if (!mkdtemp(dir))
		return 1;
	snprintf(full, sizeof full, "%s/full.db", dir);
	snprintf(empty, sizeof empty, "%s/empty.db", dir);
	must(mus_store_open(full, &s, &et), &et);
	fill(s);
	mus_store_close(s);
	none = with_engine(empty);
	all = with_engine(full);
	remove_db(full);
	remove_db(empty);
	rmdir(dir);
	each = (double)(all - none) / ZONES;
	printf("bench idle-zone ours=%.0fB peer=limit theirs=%dB ratio=%.3f goal=<=1.0 %s\n", each,
	    LIMIT_BYTES, each / LIMIT_BYTES, each <= LIMIT_BYTES ? "pass" : "short");
	return 0;
}
