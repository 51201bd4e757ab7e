/*
 * How long the store takes with many zones, on the disk of $TMPDIR.  Prints figures; fails only when
 * something is far from what a controller needs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/store/fill.h"
#include "store/sql.h"

enum { ZONES = 100000, BATCH = 5000, STATE_LEN = 1150, PAGE = 100 };

static struct mus_store *s;
static struct mus_errtext et;
static struct mus_zone_obj z;
static unsigned failures;

static void
must(int rc, const char *what)
{
	if (rc < 0) {
		fprintf(stderr, "%s: %d %s\n", what, rc, et.s);
		exit(1);
	}
}
static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}
static void
report(const char *what, double ms, double limit_ms)
{
	printf("%-58s %9.3f ms%s\n", what, ms, ms > limit_ms ? "  TOO SLOW" : "");
	failures += ms > limit_ms;
}

static void
zone_name(unsigned i, char out[32])
{
	snprintf(out, 32, "z%06u.example.", (unsigned)((uint64_t)i * 48271 % ZONES));
}

static void
fill(int64_t group)
{
	for (unsigned i = 0; i < ZONES; i++) {
		char name[32];

		if (i % 1000 == 0)
			must(mus_store_begin(s, &et), "begin");
		zone_name(i, name);
		fill_zone(&z, name, group, NULL, 0);
		z.parent_addr_count = 0;
		strcpy(z.state, i % 1000 == 0 ? "INVALID" : "VALID");
		strcpy(z.process, i % 500 == 0 ? "ADD-SIGNER knot" : "");
		must(mus_store_save_zone(s, &z, &et), "save zone");
		if (i % 1000 == 999)
			must(mus_store_commit(s, &et), "commit");
	}
}

static double
batch(unsigned seed, bool words, unsigned stride)
{
	uint8_t blob[STATE_LEN];
	double t0 = now_ms();

	must(mus_store_begin(s, &et), "begin");
	for (unsigned i = 0; i < BATCH; i++) {
		z.id = 1 + (int64_t)(((uint64_t)i * stride + seed * 104729u) % ZONES);
		memset(blob, (int)(i + seed), sizeof blob);
		z.checked_at.ms = z.next_check_at.ms = (int64_t)i + seed;
		if (words)
			strcpy(z.state, i % 2 ? "AT-RISK" : "UNKNOWN");
		must(mus_store_save_zone_status(s, &z, &et), "status");
		must(mus_store_save_state(s, z.id, blob, sizeof blob, &et), "state");
	}
	must(mus_store_commit(s, &et), "commit");
	return now_ms() - t0;
}

static unsigned page_count;
static int
nothing(void *arg, const struct mus_zone_obj *o)
{
	snprintf(arg, 32, "%.31s", o->name);
	page_count++;
	return 0;
}
static int
count_due(void *arg, int64_t id, struct mus_time at)
{
	(void)id, (void)at;
	++*(unsigned *)arg;
	return 0;
}

static void
pages(const char *what, const struct mus_zone_filter *f, double limit_ms)
{
	double worst = 0, sum = 0;
	char after[32] = "";

	for (unsigned i = 0; i < 200; i++) {
		double t0 = now_ms(), t;

		page_count = 0;
		must(mus_store_list_zones(s, f, after, PAGE, nothing, after), "list");
		t = now_ms() - t0;
		if (page_count < PAGE)
			after[0] = '\0';	/* the end: from the start again */
		sum += t;
		worst = t > worst ? t : worst;
	}
	printf("%-58s %9.3f ms, worst %.3f\n", what, sum / 200, worst);
	failures += sum / 200 > limit_ms;
}

static void
count(const char *what, const struct mus_zone_filter *f)
{
	double t0 = now_ms();
	uint64_t n = 0;

	must(mus_store_count_zones(s, f, &n), "count");
	printf("%-58s %9.3f ms (%llu)\n", what, now_ms() - t0, (unsigned long long)n);
}

static void
events(void)
{
	struct mus_event_obj e = {.kind = "row", .text = "ADD-SIGNER knot: reached ds-propagated", .actor = "musicd"};
	double t0 = now_ms();

	must(mus_store_begin(s, &et), "begin");
	for (unsigned i = 0; i < 200000; i++) {
		e.zone_id = i % 4 ? 1 + (int64_t)i % ZONES : 1 + (int64_t)i % 100;
		must(mus_store_add_event(s, &e, &et), "event");
	}
	must(mus_store_commit(s, &et), "commit");
	report("200,000 events", now_ms() - t0, 20000);
	t0 = now_ms();
	must(mus_store_trim_events(s, 200, &et), "trim");
	report("trim them to 200 a zone (100 zones have 500)", now_ms() - t0, 5000);
}

int
main(void)
{
	char folder[256], path[300], end[32] = "";
	struct mus_zone_filter f = {0}, busy = {.busy_only = true}, invalid = {.state = "INVALID"},
	    match = {.match = "z0999"}, valid = {.state = "VALID"};
	struct mus_signer_obj so;
	struct mus_group_obj go;
	unsigned due = 0;
	double t0;

	folder_make(folder);
	snprintf(path, sizeof path, "%s/speed.db", folder);
	must(mus_store_open(path, &s, &et), "open");
	fill_signer(&so, "knot");
	must(mus_store_save_signer(s, &so, &et), "signer");
	fill_group(&go, "main", &so.id, 1);
	must(mus_store_save_group(s, &go, &et), "group");
	t0 = now_ms();
	fill(go.id);
	report("100,000 new zones, 1,000 a transaction", now_ms() - t0, 60000);
	for (unsigned i = 0; i < 20; i++)
		batch(i, false, 7919);
	report("5,000 x status + state, one transaction, neighbours", batch(91, false, 1), 200);
	report("5,000 once more, other neighbours", batch(92, false, 1), 200);
	report("5,000 far from each other (8,000 pages are written)", batch(93, false, 7919), 400);
	report("the same, every state word changes", batch(94, true, 7919), 600);
	for (unsigned i = 0; i < 20; i++)	/* lists below are of zones in every state */
		batch(i, false, 7919);
	t0 = now_ms();
	for (unsigned i = 0; i < 100; i++) {
		z.id = 1 + i;
		must(mus_store_begin(s, &et), "begin");
		must(mus_store_save_zone_status(s, &z, &et), "status");
		must(mus_store_save_state(s, z.id, "x", 1, &et), "state");
		must(mus_store_commit(s, &et), "commit");
	}
	report("one zone, one transaction", (now_ms() - t0) / 100, 20);
	pages("page of 100 zones", NULL, 1);
	f.group_id = go.id;
	pages("page of 100 of a group", &f, 1);
	pages("page of 100 in a common state", &valid, 1);
	pages("page of 100 in a rare state", &invalid, 1);
	pages("page of 100 with a process", &busy, 1);
	t0 = now_ms();
	must(mus_store_list_zones(s, &match, "", PAGE, nothing, end), "match");
	report("page by part of the name (looks at all)", now_ms() - t0, 500);
	count("count all", NULL);
	count("count one state", &valid);
	count("count by part of the name", &match);
	t0 = now_ms();
	must(mus_store_each_due(s, count_due, &due), "due");
	report("each_due over 100,000", now_ms() - t0, 1000);
	events();
	mus_store_close(s);
	t0 = now_ms();
	must(mus_store_open(path, &s, &et), "open");
	report("open with integrity check", now_ms() - t0, 10000);
	mus_store_close(s);
	folder_remove(folder);
	return due != ZONES || failures > 0;
}
