/* Every call of the store against a database in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fill.h"

static struct mus_store *s;
static struct mus_errtext et;
static struct mus_state_age age;	/* of the state that was loaded last */
static struct mus_zone_obj za, zb, zc;		/* big */

#define OK(call) do { int rc_ = (call); if (rc_ != 0) fail_msg("%s: %d %s", #call, rc_, et.s); } while (0)
#define ERR(call, want, words) do { int rc_; et.s[0] = '\0'; rc_ = (call); \
	if (rc_ != (want) || strstr(et.s, words) == NULL) \
		fail_msg("%s: %d '%s'", #call, rc_, et.s); } while (0)
#define SAME(diff) assert_string_equal(diff, "")

static int
setup(void **state)
{
	(void)state;
	return mus_store_open(":memory:", &s, &et);
}
static int
teardown(void **state)
{
	(void)state;
	mus_store_close(s);
	s = NULL;
	return 0;
}

static int64_t
add_signer(const char *name)
{
	struct mus_signer_obj o;

	fill_signer(&o, name);
	OK(mus_store_save_signer(s, &o, &et));
	return o.id;
}
static int64_t
add_group(const char *name, const int64_t *ids, unsigned count)
{
	struct mus_group_obj o;

	fill_group(&o, name, ids, count);
	OK(mus_store_save_group(s, &o, &et));
	return o.id;
}
static int64_t
add_zone(const char *name, int64_t group_id)
{
	fill_zone(&za, name, group_id, NULL, 0);
	OK(mus_store_save_zone(s, &za, &et));
	return za.id;
}

/* Names of a list, "a b c ". */
static int
signer_name(void *arg, const struct mus_signer_obj *o)
{
	strcat(strcat(arg, o->name), " ");
	return 0;
}
static int
group_name(void *arg, const struct mus_group_obj *o)
{
	strcat(strcat(arg, o->name), " ");
	return 0;
}
static int
zone_name(void *arg, const struct mus_zone_obj *o)
{
	strcat(strcat(arg, o->name), " ");
	return 0;
}

static void
signers(void **state)
{
	struct mus_signer_obj a, b;
	char names[256] = "";

	(void)state;
	fill_signer(&a, "knot");
	OK(mus_store_save_signer(s, &a, &et));
	assert_true(a.id > 0);
	OK(mus_store_load_signer(s, "knot", &b, &et));
	SAME(diff_signer(&a, &b));
	OK(mus_store_load_signer_id(s, a.id, &b, &et));
	SAME(diff_signer(&a, &b));

	a.ns_count = 2;
	memset(&a.update, 0, sizeof a.update);		/* unset stays unset */
	a.caps.cds = MUS_YES;
	a.key_file[0] = '\0';
	strcpy(a.name, "knot2");
	OK(mus_store_save_signer(s, &a, &et));
	OK(mus_store_load_signer(s, "knot2", &b, &et));
	SAME(diff_signer(&a, &b));
	b = a;
	ERR(mus_store_load_signer(s, "knot", &b, &et), MUS_ERR_NOTFOUND, "no signer knot");
	SAME(diff_signer(&a, &b));			/* left as it was */
	ERR(mus_store_load_signer_id(s, 999, &b, &et), MUS_ERR_NOTFOUND, "999");

	fill_signer(&b, "knot2");
	ERR(mus_store_save_signer(s, &b, &et), MUS_ERR_EXISTS, "signer knot2");
	assert_int_equal(b.id, 0);
	fill_signer(&b, "bind");
	b.id = 12345;
	ERR(mus_store_save_signer(s, &b, &et), MUS_ERR_NOTFOUND, "bind");
	fill_signer(&b, "");
	ERR(mus_store_save_signer(s, &b, &et), MUS_ERR_INVAL, "signer");

	add_signer("bind");
	add_signer("nsd");
	OK(mus_store_list_signers(s, NULL, 10, signer_name, names));
	assert_string_equal(names, "bind knot2 nsd ");
	names[0] = '\0';
	OK(mus_store_list_signers(s, "bind", 1, signer_name, names));
	assert_string_equal(names, "knot2 ");
	names[0] = '\0';
	OK(mus_store_list_signers(s, "nsd", 1, signer_name, names));
	OK(mus_store_list_signers(s, "", 0, signer_name, names));
	assert_string_equal(names, "");

	OK(mus_store_delete_signer(s, a.id, &et));
	ERR(mus_store_delete_signer(s, a.id, &et), MUS_ERR_NOTFOUND, "signer");
	ERR(mus_store_load_signer(s, "knot2", &b, &et), MUS_ERR_NOTFOUND, "knot2");
}

static void
groups(void **state)
{
	int64_t ids[MUS_SIGNERS_MAX], dup[2];
	struct mus_group_obj a, b;
	char names[256] = "";

	(void)state;
	for (unsigned i = 0; i < MUS_SIGNERS_MAX; i++) {
		char name[8];

		snprintf(name, sizeof name, "s%u", i);
		ids[i] = add_signer(name);
	}
	fill_group(&a, "main", ids, MUS_SIGNERS_MAX);
	OK(mus_store_save_group(s, &a, &et));
	OK(mus_store_load_group(s, "main", &b, &et));
	SAME(diff_group(&a, &b));
	a.member_count = 2;
	a.member[0].leaving = true;
	OK(mus_store_save_group(s, &a, &et));
	OK(mus_store_load_group_id(s, a.id, &b, &et));
	SAME(diff_group(&a, &b));

	ERR(mus_store_load_group(s, "other", &b, &et), MUS_ERR_NOTFOUND, "other");
	ERR(mus_store_load_group_id(s, 99, &b, &et), MUS_ERR_NOTFOUND, "99");
	fill_group(&b, "main", ids, 1);
	ERR(mus_store_save_group(s, &b, &et), MUS_ERR_EXISTS, "main");
	dup[0] = dup[1] = ids[3];
	fill_group(&b, "second", dup, 2);
	ERR(mus_store_save_group(s, &b, &et), MUS_ERR_EXISTS, "member with id");
	assert_int_equal(b.id, 0);
	dup[0] = 4711;
	fill_group(&b, "second", dup, 2);
	ERR(mus_store_save_group(s, &b, &et), MUS_ERR_NOTFOUND, "4711");
	ERR(mus_store_load_group(s, "second", &b, &et), MUS_ERR_NOTFOUND, "second");	/* not half saved */

	/* nobody is deleted whom another needs */
	ERR(mus_store_delete_signer(s, ids[7], &et), MUS_ERR_CONFLICT, "in use by group main");
	OK(mus_store_delete_signer(s, ids[0], &et));
	add_group("alpha", &ids[7], 1);
	ERR(mus_store_delete_signer(s, ids[7], &et), MUS_ERR_CONFLICT, "group alpha and 1 more");
	OK(mus_store_list_groups(s, "", 9, group_name, names));
	assert_string_equal(names, "alpha main ");
	names[0] = '\0';
	OK(mus_store_list_groups(s, "alpha", 9, group_name, names));
	assert_string_equal(names, "main ");
	add_zone("a.example.", a.id);
	add_zone("b.example.", a.id);
	ERR(mus_store_delete_group(s, a.id, &et), MUS_ERR_CONFLICT, "zone a.example. and 1 more");
	OK(mus_store_load_zone(s, "b.example.", &za, &et));
	OK(mus_store_delete_zone(s, za.id, &et));
	OK(mus_store_load_zone(s, "a.example.", &za, &et));
	za.group_id = 0;
	OK(mus_store_save_zone(s, &za, &et));
	OK(mus_store_delete_group(s, a.id, &et));
	ERR(mus_store_delete_group(s, a.id, &et), MUS_ERR_NOTFOUND, "group");
}

static void
zones(void **state)
{
	int64_t ids[3] = {add_signer("a"), add_signer("b"), add_signer("c")}, group, bad = 777;

	(void)state;
	group = add_group("g", ids, 3);
	fill_zone(&za, "example.org.", group, ids, 3);
	OK(mus_store_save_zone(s, &za, &et));
	OK(mus_store_load_zone(s, "example.org.", &zb, &et));
	SAME(diff_zone(&za, &zb));
	OK(mus_store_load_zone_id(s, za.id, &zb, &et));
	SAME(diff_zone(&za, &zb));
	za.signer_count = 1;
	za.parent_addr_count = 0;
	za.group_id = 0;
	za.mode = MUS_MODE_AUTO;
	za.held = false;
	OK(mus_store_save_zone(s, &za, &et));
	OK(mus_store_load_zone(s, "example.org.", &zb, &et));
	SAME(diff_zone(&za, &zb));

	ERR(mus_store_load_zone(s, "nowhere.", &zb, &et), MUS_ERR_NOTFOUND, "nowhere.");
	SAME(diff_zone(&za, &zb));
	ERR(mus_store_load_zone_id(s, 99, &zb, &et), MUS_ERR_NOTFOUND, "99");
	fill_zone(&zb, "example.org.", 0, NULL, 0);
	ERR(mus_store_save_zone(s, &zb, &et), MUS_ERR_EXISTS, "zone example.org.");
	fill_zone(&zb, "b.org.", 4711, NULL, 0);
	ERR(mus_store_save_zone(s, &zb, &et), MUS_ERR_NOTFOUND, "zone b.org.");
	fill_zone(&zb, "b.org.", 0, &bad, 1);
	ERR(mus_store_save_zone(s, &zb, &et), MUS_ERR_NOTFOUND, "zone b.org.: signer with id 777");
	assert_int_equal(zb.id, 0);
	fill_zone(&zb, "b.org.", 0, NULL, 0);
	zb.id = 99;
	ERR(mus_store_save_zone(s, &zb, &et), MUS_ERR_NOTFOUND, "b.org.");
	ERR(mus_store_delete_zone(s, 99, &et), MUS_ERR_NOTFOUND, "99");

	/* a signer that is in no group may go; what zones had different for it goes too */
	OK(mus_store_delete_group(s, group, &et));
	OK(mus_store_delete_signer(s, za.signer[0].signer_id, &et));
	OK(mus_store_load_zone(s, "example.org.", &zb, &et));
	assert_int_equal(zb.signer_count, 0);
}

static void
longest_names(void **state)
{
	(void)state;
	fill_zone(&za, "x", 0, NULL, 0);
	memset(za.name, 'n', sizeof za.name - 1);
	memset(za.waiting, 'w', sizeof za.waiting - 1);
	memset(za.held_reason, 'h', sizeof za.held_reason - 1);
	memset(za.process, 'p', sizeof za.process - 1);
	OK(mus_store_save_zone(s, &za, &et));
	OK(mus_store_load_zone(s, za.name, &zb, &et));
	SAME(diff_zone(&za, &zb));
}

static void
status_and_state(void **state)
{
	struct mus_clocks clocks = {.wall = {7000}, .boot_ms = 4000, .boot_id = "f9a468bd-d65d-4e29-909c-113c2d9ae93e"}, noted;
	struct mus_buf out;
	int64_t id = add_zone("z.example.", 0);

	(void)state;
	mus_buf_init(&out, 0);
	OK(mus_store_load_zone_id(s, id, &za, &et));
	strcpy(za.state, "AT-RISK");
	strcpy(za.process, "");
	strcpy(za.row, "");
	strcpy(za.waiting, "");
	za.waiting_until = MUS_TIME_NEVER;
	za.next_check_at = (struct mus_time){5};
	za.checked_at = (struct mus_time){4};
	zb = za;
	strcpy(zb.sample, "changed");			/* not the engine's to change */
	OK(mus_store_save_zone_status(s, &zb, &et));
	OK(mus_store_load_zone_id(s, id, &zb, &et));
	SAME(diff_zone(&za, &zb));
	zb.id = 99;
	ERR(mus_store_save_zone_status(s, &zb, &et), MUS_ERR_NOTFOUND, "99");

	ERR(mus_store_load_state(s, id, &out, &age, &et), MUS_ERR_NOTFOUND, "state");
	OK(mus_store_save_state(s, id, "one\0two", 7, &et));
	OK(mus_store_save_state(s, id, "three\0", 6, &et));
	assert_true(mus_buf_add_str(&out, ">"));
	OK(mus_store_load_state(s, id, &out, &age, &et));
	assert_int_equal(out.len, 7);
	assert_memory_equal(out.data, ">three\0", 7);
	OK(mus_store_save_state(s, id, NULL, 0, &et));
	OK(mus_store_load_state(s, id, &out, &age, &et));
	assert_int_equal(out.len, 7);
	ERR(mus_store_save_state(s, 99, "x", 1, &et), MUS_ERR_NOTFOUND, "99");
	/* What was saved before the clock was set forward is behind; what is saved now is not. */
	assert_int_equal(age.behind_ms, 0);
	OK(mus_store_note_clocks(s, 5000, &clocks, &et));
	OK(mus_store_note_clocks(s, 100, &clocks, &et));
	OK(mus_store_note_clocks(s, 0, &clocks, &et));
	OK(mus_store_load_clocks(s, &noted, &et));
	assert_int_equal(noted.wall.ms, 7000);
	assert_int_equal(noted.boot_ms, 4000);
	assert_string_equal(noted.boot_id, clocks.boot_id);
	OK(mus_store_load_state(s, id, &out, &age, &et));
	assert_int_equal(age.behind_ms, 5100);
	OK(mus_store_save_state(s, id, "four", 4, &et));
	OK(mus_store_load_state(s, id, &out, &age, &et));
	assert_int_equal(age.behind_ms, 0);
	/* It is taken back with the rest. */
	OK(mus_store_begin(s, &et));
	clocks.boot_ms = 1;
	OK(mus_store_note_clocks(s, 7, &clocks, &et));
	mus_store_rollback(s);
	OK(mus_store_load_state(s, id, &out, &age, &et));
	assert_int_equal(age.behind_ms, 0);
	OK(mus_store_load_clocks(s, &noted, &et));
	assert_int_equal(noted.boot_ms, 4000);
	mus_buf_clear(&out);
}

static void
zone_lists(void **state)
{
	static const struct {
		const char *name, *state, *process;
		int group;
	} rows[] = {
	    {"a.org.", "VALID", "", 0},
	    {"b.org.", "INVALID", "ADD-SIGNER k", 0},
	    {"c.net.", "VALID", "ADD-SIGNER k", 1},
	    {"d.net.", "VALID", "", 1},
	    {"e.net.", "INVALID", "REMOVE-SIGNER k", 1},
	};
	static const struct {
		int group;		/* 0: any, else number + 1 */
		const char *state, *match;
		bool busy_only;
		const char *after;
		unsigned limit;
		const char *want;
		uint64_t count;
	} tests[] = {
	    {0, NULL, NULL, false, NULL, 99, "a.org. b.org. c.net. d.net. e.net. ", 5},
	    {0, NULL, NULL, false, "b.org.", 2, "c.net. d.net. ", 5},
	    {0, NULL, NULL, false, "b.zzz", 1, "c.net. ", 5},
	    {0, NULL, NULL, false, "e.net.", 9, "", 5},
	    {0, NULL, ".net", false, NULL, 9, "c.net. d.net. e.net. ", 3},
	    {0, NULL, "%", false, NULL, 9, "", 0},
	    {0, "VALID", NULL, false, NULL, 9, "a.org. c.net. d.net. ", 3},
	    {0, "VALID", NULL, false, "a.org.", 1, "c.net. ", 3},
	    {0, "valid", NULL, false, NULL, 9, "", 0},
	    {0, NULL, NULL, true, NULL, 9, "b.org. c.net. e.net. ", 3},
	    {0, "INVALID", NULL, true, NULL, 9, "b.org. e.net. ", 2},
	    {1, NULL, NULL, false, NULL, 9, "a.org. b.org. ", 2},
	    {2, NULL, NULL, false, "c.net.", 9, "d.net. e.net. ", 3},
	    {2, "VALID", NULL, false, NULL, 9, "c.net. d.net. ", 2},
	    {2, "VALID", "c", true, NULL, 9, "c.net. ", 1},
	};
	int64_t signer = add_signer("k"), group[2] = {add_group("g0", &signer, 1), add_group("g1", &signer, 1)};
	uint64_t count;

	(void)state;
	for (unsigned i = 5; i-- > 0;) {
		fill_zone(&za, rows[i].name, group[rows[i].group], NULL, 0);
		strcpy(za.state, rows[i].state);
		strcpy(za.process, rows[i].process);
		OK(mus_store_save_zone(s, &za, &et));
	}
	for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		struct mus_zone_filter f = {tests[i].group ? group[tests[i].group - 1] : 0, tests[i].state,
		    tests[i].match, tests[i].busy_only};
		char names[256] = "";

		print_message("row %u\n", i);
		OK(mus_store_list_zones(s, &f, tests[i].after, tests[i].limit, zone_name, names));
		assert_string_equal(names, tests[i].want);
		OK(mus_store_count_zones(s, &f, &count));
		assert_true(count == tests[i].count);
	}
	OK(mus_store_count_zones(s, NULL, &count));
	assert_true(count == 5);
}

/* What a callback of a list does to the store does not disturb the list. */
struct busy {
	unsigned depth, calls;
	char names[512];
};
static int
stop_at_second(void *arg, const struct mus_zone_obj *o)
{
	(void)o;
	return ++*(int *)arg == 2 ? 42 : 0;
}
static int
busy_callback(void *arg, const struct mus_zone_obj *o)
{
	struct busy *b = arg;
	struct mus_zone_obj *copy = malloc(sizeof *copy);

	assert_non_null(copy);
	b->calls++;
	strcat(strcat(b->names, o->name), " ");
	if (b->depth == 0) {
		b->depth++;
		OK(mus_store_list_zones(s, NULL, NULL, 2, busy_callback, b));	/* the same list again */
		b->depth--;
		OK(mus_store_load_zone_id(s, o->id, copy, &et));
		strcpy(copy->state, "INVALID");
		OK(mus_store_begin(s, &et));
		OK(mus_store_save_zone(s, copy, &et));
		OK(mus_store_commit(s, &et));
		if (strcmp(o->name, "b.") == 0) {			/* the next one goes */
			OK(mus_store_load_zone(s, "c.", copy, &et));
			OK(mus_store_delete_zone(s, copy->id, &et));
		}
	}
	free(copy);
	return 0;
}
static int
due_deletes(void *arg, int64_t zone_id, struct mus_time next_check_at)
{
	assert_true(next_check_at.ms == 1767225800000);
	++*(int *)arg;
	OK(mus_store_delete_zone(s, zone_id, &et));
	return 0;
}
static int
add_id(void *arg, int64_t zone_id)
{
	return *(int64_t *)arg += zone_id, 0;
}
static int
stop_due(void *arg, int64_t zone_id, struct mus_time at)
{
	(void)arg, (void)at;
	return zone_id == 3 ? 7 : 0;
}

static void
lists_bear_callbacks(void **state)
{
	struct busy b = {0};
	struct mus_zone_filter invalid = {.state = "INVALID"};
	int64_t signer = add_signer("k"), group = add_group("g", &signer, 1), sum = 0;
	uint64_t count;
	int n = 0;

	(void)state;
	add_zone("a.", 0);
	add_zone("b.", 0);
	add_zone("c.", 0);
	add_zone("d.", 0);
	OK(mus_store_list_zones(s, NULL, NULL, 99, busy_callback, &b));
	assert_string_equal(b.names, "a. a. b. b. a. b. d. a. b. ");
	OK(mus_store_count_zones(s, &invalid, &count));
	assert_true(count == 3);
	assert_int_equal(mus_store_list_zones(s, NULL, NULL, 99, stop_at_second, &n), 42);
	assert_int_equal(n, 2);

	assert_int_equal(mus_store_each_due(s, stop_due, NULL), 0);
	for (unsigned i = 0; i < 1100; i++) {		/* more than are read at a time */
		char name[16];

		snprintf(name, sizeof name, "z%u.", i);
		add_zone(name, i % 2 ? group : 0);
	}
	OK(mus_store_load_zone(s, "z1.", &za, &et));
	OK(mus_store_load_zone(s, "z3.", &zb, &et));
	OK(mus_store_each_zone_of_group(s, group, 0, 2, add_id, &sum));
	assert_true(sum == za.id + zb.id);
	sum = 0;
	OK(mus_store_each_zone_of_group(s, group, za.id, 1, add_id, &sum));
	assert_true(sum == zb.id);
	/* a zone with a mark, one that only has something of its own, one of no group */
	OK(mus_store_load_zone(s, "z0.", &zc, &et));
	za.signer_count = zb.signer_count = zc.signer_count = 1;
	za.signer[0] = (struct mus_zone_signer_obj){.signer_id = signer, .staying = true};
	zb.signer[0] = (struct mus_zone_signer_obj){.signer_id = signer, .max_ttl_s = 60};
	zc.signer[0] = (struct mus_zone_signer_obj){.signer_id = signer, .lost = true, .lost_until = {9000}};
	OK(mus_store_save_zone(s, &za, &et));
	OK(mus_store_save_zone(s, &zb, &et));
	OK(mus_store_save_zone(s, &zc, &et));
	sum = 0;
	OK(mus_store_each_marked_zone(s, group, add_id, &sum));
	assert_true(sum == za.id);
	/* one is lost, and is counted as long as that may hurt */
	OK(mus_store_count_lost(s, (struct mus_time){8999}, &count));
	assert_int_equal(count, 1);
	OK(mus_store_count_lost(s, (struct mus_time){9000}, &count));
	assert_int_equal(count, 0);
	/* a zone with a name server of its own, one that a signer is leaving, one of no group */
	sum = 0;
	OK(mus_store_each_zone_apart(s, group, add_id, &sum));
	assert_true(sum == 0);
	za.signer[0].ns_count = zc.signer[0].ns_count = 1;
	snprintf(za.signer[0].ns[0].name, sizeof za.signer[0].ns[0].name, "ns.za.");
	snprintf(zc.signer[0].ns[0].name, sizeof zc.signer[0].ns[0].name, "ns.zc.");
	OK(mus_store_save_zone(s, &za, &et));
	OK(mus_store_save_zone(s, &zc, &et));
	OK(mus_store_each_zone_apart(s, group, add_id, &sum));
	assert_true(sum == za.id);
	sum = 0;
	OK(mus_store_zone_departs(s, group, zb.id, &et));
	OK(mus_store_each_zone_apart(s, group, add_id, &sum));
	assert_true(sum == za.id + zb.id);
	n = 0;
	OK(mus_store_each_due(s, due_deletes, &n));
	assert_int_equal(n, 1103);
	OK(mus_store_count_zones(s, NULL, &count));
	assert_true(count == 0);
}

static int
event_text(void *arg, const struct mus_event_obj *o)
{
	strcat(strcat(strcat(strcat(arg, o->zone), ":"), o->text), " ");
	return 0;
}
static int
event_last(void *arg, const struct mus_event_obj *o)
{
	*(struct mus_event_obj *)arg = *o;
	return 0;
}

static void
events(void **state)
{
	struct mus_event_obj e = {.kind = "operator", .actor = "alice", .at = {1767225600123}}, got;
	int64_t za_id = add_zone("a.", 0), zb_id = add_zone("b.", 0), last;
	char text[1024] = "";

	(void)state;
	OK(mus_store_last_event(s, &last, &et));
	assert_int_equal(last, 0);
	for (unsigned i = 0; i < 9; i++) {
		e.zone_id = i % 3 == 0 ? za_id : i % 3 == 1 ? zb_id : 0;
		snprintf(e.text, sizeof e.text, "%u", i);
		OK(mus_store_add_event(s, &e, &et));
	}
	OK(mus_store_list_events(s, 0, 0, 99, event_text, text));
	assert_string_equal(text, ":8 b.:7 a.:6 :5 b.:4 a.:3 :2 b.:1 a.:0 ");
	OK(mus_store_list_events(s, zb_id, 0, 1, event_last, &got));
	assert_int_equal(got.zone_id, zb_id);
	assert_true(got.at.ms == e.at.ms && got.id > 0);
	assert_string_equal(got.kind, "operator");
	assert_string_equal(got.actor, "alice");
	text[0] = '\0';
	OK(mus_store_list_events(s, zb_id, got.id, 9, event_text, text));
	assert_string_equal(text, "b.:4 b.:1 ");
	text[0] = '\0';
	OK(mus_store_list_events(s, 0, got.id, 2, event_text, text));
	assert_string_equal(text, "a.:6 :5 ");
	/* and forward, from one id to another */
	OK(mus_store_last_event(s, &last, &et));
	assert_int_equal(last, got.id + 1);
	text[0] = '\0';
	OK(mus_store_events_after(s, 0, got.id - 3, last, 3, event_text, text));
	assert_string_equal(text, ":5 a.:6 b.:7 ");
	text[0] = '\0';
	OK(mus_store_events_after(s, zb_id, 0, got.id - 1, 9, event_text, text));
	assert_string_equal(text, "b.:1 b.:4 ");
	text[0] = '\0';
	OK(mus_store_events_after(s, 0, last, INT64_MAX, 9, event_text, text));
	assert_string_equal(text, "");
	e.zone_id = 99;
	ERR(mus_store_add_event(s, &e, &et), MUS_ERR_NOTFOUND, "99");
	OK(mus_store_last_event(s, &last, &et));
	assert_int_equal(last, got.id + 1);		/* what was refused has no id */

	OK(mus_store_trim_events(s, 3, &et));		/* nobody has more */
	text[0] = '\0';
	OK(mus_store_list_events(s, 0, 0, 99, event_text, text));
	assert_string_equal(text, ":8 b.:7 a.:6 :5 b.:4 a.:3 :2 b.:1 a.:0 ");
	OK(mus_store_trim_events(s, 2, &et));
	text[0] = '\0';
	OK(mus_store_list_events(s, 0, 0, 99, event_text, text));
	assert_string_equal(text, ":8 b.:7 a.:6 :5 b.:4 a.:3 ");
	OK(mus_store_delete_zone(s, za_id, &et));
	text[0] = '\0';
	OK(mus_store_list_events(s, 0, 0, 99, event_text, text));
	assert_string_equal(text, ":8 b.:7 :5 b.:4 ");
	OK(mus_store_trim_events(s, 0, &et));
	text[0] = '\0';
	OK(mus_store_list_events(s, 0, 0, 99, event_text, text));
	assert_string_equal(text, "");
	e.zone_id = 0;
	OK(mus_store_add_event(s, &e, &et));		/* an id is never given twice */
	OK(mus_store_list_events(s, 0, 0, 1, event_last, &got));
	assert_int_equal(got.id, 10);
}

static int
process_text(void *arg, const struct mus_process_obj *o)
{
	strcat(strcat(strcat(strcat(arg, o->zone), ":"), o->row), " ");
	return 0;
}
static int
process_last(void *arg, const struct mus_process_obj *o)
{
	*(struct mus_process_obj *)arg = *o;
	return 0;
}

static void
processes(void **state)
{
	int64_t za_id = add_zone("a.", 0), zb_id = add_zone("b.", 0);
	struct mus_process_obj p[4], got;
	struct mus_process_obj none = {.zone_id = za_id, .kind = "ADD-SIGNER", .signer = "knot", .row = "r9"};
	char text[1024] = "";

	(void)state;
	ERR(mus_store_step_process(s, &none, &et), MUS_ERR_NOTFOUND, "no ADD-SIGNER of knot runs");
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2) {
			strcpy(p[0].outcome, "aborted: no longer wanted");
			p[0].ended_at.ms = 2000;
			OK(mus_store_end_process(s, &p[0], &et));
		}
		p[i] = (struct mus_process_obj){.zone_id = i % 2 ? zb_id : za_id, .kind = "ADD-SIGNER",
		    .signer = "knot", .started_at = {1000 + i}, .ended_at = MUS_TIME_NEVER};
		snprintf(p[i].row, sizeof p[i].row, "r%u", i);
		OK(mus_store_add_process(s, &p[i], &et));
		assert_true(p[i].id > 0);
	}
	strcpy(p[2].row, "s2");
	OK(mus_store_step_process(s, &p[2], &et));
	/* Another kind, another signer: not that one. */
	strcpy(none.kind, "ZSK-ROLLOVER");
	ERR(mus_store_step_process(s, &none, &et), MUS_ERR_NOTFOUND, "no ZSK-ROLLOVER of knot runs");
	none = p[2];
	strcpy(none.signer, "bind");
	ERR(mus_store_step_process(s, &none, &et), MUS_ERR_NOTFOUND, "no ADD-SIGNER of bind runs");
	OK(mus_store_list_processes(s, 0, false, 0, 99, process_text, text));
	assert_string_equal(text, "b.:r3 a.:s2 b.:r1 a.:r0 ");
	text[0] = '\0';
	OK(mus_store_list_processes(s, 0, true, p[3].id, 99, process_text, text));
	assert_string_equal(text, "a.:s2 b.:r1 ");
	text[0] = '\0';
	OK(mus_store_list_processes(s, za_id, true, 0, 99, process_text, text));
	assert_string_equal(text, "a.:s2 ");
	text[0] = '\0';
	OK(mus_store_list_processes(s, za_id, false, 0, 1, process_text, text));
	assert_string_equal(text, "a.:s2 ");
	OK(mus_store_list_processes(s, za_id, false, p[2].id, 9, process_last, &got));
	assert_true(got.id == p[0].id && got.zone_id == za_id && got.started_at.ms == 1000 &&
	    got.ended_at.ms == 2000);
	assert_string_equal(got.kind, "ADD-SIGNER");
	assert_string_equal(got.signer, "knot");
	assert_string_equal(got.outcome, "aborted: no longer wanted");
	got.zone_id = 99;
	ERR(mus_store_add_process(s, &got, &et), MUS_ERR_NOTFOUND, "99");
	ERR(mus_store_end_process(s, &got, &et), MUS_ERR_NOTFOUND, "zone with id 99");
	OK(mus_store_delete_zone(s, zb_id, &et));
	text[0] = '\0';
	OK(mus_store_list_processes(s, 0, false, 0, 99, process_text, text));
	assert_string_equal(text, "a.:s2 a.:r0 ");
}

static void
transactions(void **state)
{
	int64_t id = add_zone("a.", 0), bad = 777;

	(void)state;
	OK(mus_store_begin(s, &et));
	add_zone("b.", 0);
	mus_store_rollback(s);
	ERR(mus_store_load_zone(s, "b.", &zb, &et), MUS_ERR_NOTFOUND, "b.");

	/* a refused object leaves the rest of the transaction as it is */
	OK(mus_store_begin(s, &et));
	OK(mus_store_save_state(s, id, "new", 3, &et));
	fill_zone(&zb, "c.", 0, &bad, 1);
	ERR(mus_store_save_zone(s, &zb, &et), MUS_ERR_NOTFOUND, "777");
	add_zone("d.", 0);
	OK(mus_store_commit(s, &et));
	OK(mus_store_load_zone(s, "d.", &zb, &et));
	ERR(mus_store_load_zone(s, "c.", &zb, &et), MUS_ERR_NOTFOUND, "c.");
	mus_store_rollback(s);				/* nothing open: nothing happens */
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(signers), T(groups), T(zones), T(longest_names), T(status_and_state), T(zone_lists),
	    T(lists_bear_callbacks), T(events), T(processes), T(transactions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
