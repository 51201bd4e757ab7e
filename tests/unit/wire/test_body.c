/* Every encoder: model objects in, the JSON that leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "wire/body_of.h"

static struct mus_arena arena;

static int
set_up(void **state)
{
	(void)state;
	mus_arena_init(&arena, 4 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mus_arena_clear(&arena);
	return 0;
}

static const char *
name_of(void *arg, int64_t id)
{
	(void)arg;
	return id == 1 ? "bind" : id == 2 ? "knot" : id == 7 ? "both" : "";
}

static const struct mus_body_names names = {name_of, name_of, NULL};

/* The text must be JSON and hold every field of the schema that is not left out. */
static json_t *
encode(const struct mus_schema *s, const void *obj)
{
	struct mus_buf b;
	struct mus_json j;
	json_error_t je;
	json_t *v;

	mus_buf_init(&b, 0);
	mus_json_init(&j, &b);
	mus_wire_encode(&j, s, obj);
	v = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, &je);
	if (v == NULL)
		fail_msg("%s: %s in %s", s->name, je.text, (char *)b.data);
	for (unsigned i = 0; i < s->field_count; i++)
		if ((s->field[i].flags & MUS_FIELD_OPTIONAL) == 0 &&
		    json_object_get(v, s->field[i].name) == NULL)
			fail_msg("%s lacks %s", s->name, s->field[i].name);
	mus_buf_clear(&b);
	return v;
}

static const char *
str(const json_t *v, const char *name)
{
	return json_string_value(json_object_get(v, name));
}

static void
every_reply_of_nothing_is_json(void **state)
{
	static const struct mus_schema *const all[] = {
		&mus_schema_rep_error, &mus_schema_rep_error_detail, &mus_schema_rep_signer,
		&mus_schema_rep_group, &mus_schema_rep_zone, &mus_schema_rep_zone_status,
		&mus_schema_rep_plan, &mus_schema_rep_explain, &mus_schema_rep_preflight,
		&mus_schema_rep_finding, &mus_schema_rep_event, &mus_schema_rep_process,
		&mus_schema_rep_process_table, &mus_schema_rep_outcome, &mus_schema_rep_bulk,
		&mus_schema_rep_migration, &mus_schema_rep_probe, &mus_schema_rep_ping,
		&mus_schema_rep_status,
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		void *zero = calloc(1, all[i]->size);

		json_decref(encode(all[i], zero));
		free(zero);
	}
}

/* Each row lies inside its struct, names are unique and every row explains itself. */
static void
check_schema(const struct mus_schema *s)
{
	assert_non_null(s->help);
	for (unsigned i = 0; i < s->field_count; i++) {
		assert_true(s->field[i].offset < s->size);
		assert_non_null(s->field[i].help);
		assert_true(s->field[i].type != MUS_F_WORD || s->field[i].words != NULL);
		assert_true((s->field[i].type == MUS_F_LIST || s->field[i].type == MUS_F_OBJECT) ==
		    (s->field[i].sub != NULL));
		for (unsigned k = 0; k < i; k++) {
			assert_string_not_equal(s->field[i].name, s->field[k].name);
			assert_int_not_equal(s->field[i].offset, s->field[k].offset);
		}
		if (s->field[i].sub != NULL)
			check_schema(s->field[i].sub);
	}
}

static void
the_tables_are_sound(void **state)
{
	static const struct mus_schema *const all[] = {
		&mus_schema_req_signer, &mus_schema_req_signer_change, &mus_schema_req_group,
		&mus_schema_req_zone, &mus_schema_req_zone_change, &mus_schema_req_zone_group,
		&mus_schema_req_hold, &mus_schema_req_abort, &mus_schema_req_force, &mus_schema_req_lost,
		&mus_schema_req_migrate, &mus_schema_req_migrate_many, &mus_schema_req_probe,
		&mus_schema_rep_error, &mus_schema_rep_signer, &mus_schema_rep_group, &mus_schema_rep_zone,
		&mus_schema_rep_zone_status, &mus_schema_rep_plan, &mus_schema_rep_explain,
		&mus_schema_rep_preflight, &mus_schema_rep_event, &mus_schema_rep_process,
		&mus_schema_rep_process_table, &mus_schema_rep_outcome, &mus_schema_rep_bulk,
		&mus_schema_rep_migration, &mus_schema_rep_probe, &mus_schema_rep_ping,
		&mus_schema_rep_status,
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		check_schema(all[i]);
}

static void
a_signer(void **state)
{
	static struct mus_signer_obj o = {.id = 1, .name = "bind", .driver = "ddns",
	    .key_file = "/etc/music/bind.key", .max_ttl_s = 60, .ns_count = 1,
	    .caps = {.dnskey = MUS_YES, .cds = MUS_NO}, .created_at = {1000}, .changed_at = {2000}};
	static const struct mus_rep_changes sent = {.waiting = 3, .sent = 40, .refused = 1, .dropped = 6,
	    .paused_until = {5000}, .last_error = "no answer"};
	struct mus_rep_signer rep;
	json_t *v, *ns, *caps, *changes;

	(void)state;
	o.caps_at = MUS_TIME_NEVER;
	assert_true(mus_addr_parse("10.53.2.1", 53, &o.update));
	snprintf(o.ns[0].name, sizeof o.ns[0].name, "ns1.bind.test.");
	assert_true(mus_addr_parse("2001:db8::1", 53, &o.ns[0].addr[0]));
	o.ns[0].addr_count = 1;
	mus_body_of_signer(&arena, &o, &sent, &rep);
	v = encode(&mus_schema_rep_signer, &rep);
	assert_string_equal(str(v, "name"), "bind");
	assert_string_equal(str(v, "update"), "10.53.2.1");
	assert_string_equal(str(v, "key_file"), "/etc/music/bind.key");
	assert_string_equal(str(v, "changed_at"), "1970-01-01T00:00:02.000Z");
	ns = json_array_get(json_object_get(v, "name_servers"), 0);
	assert_string_equal(str(ns, "name"), "ns1.bind.test.");
	assert_string_equal(json_string_value(json_array_get(json_object_get(ns, "addresses"), 0)),
	    "2001:db8::1");
	caps = json_object_get(v, "capabilities");
	assert_string_equal(str(caps, "dnskey"), "yes");
	assert_string_equal(str(caps, "cds"), "no");
	assert_string_equal(str(caps, "ns"), "unknown");
	assert_true(json_is_null(json_object_get(caps, "probed_at")));
	changes = json_object_get(v, "changes");
	assert_int_equal(json_integer_value(json_object_get(changes, "waiting")), 3);
	assert_int_equal(json_integer_value(json_object_get(changes, "sent")), 40);
	assert_int_equal(json_integer_value(json_object_get(changes, "dropped")), 6);
	assert_string_equal(str(changes, "paused_until"), "1970-01-01T00:00:05.000Z");
	assert_string_equal(str(changes, "last_error"), "no answer");
	json_decref(v);
}

static void
a_group(void **state)
{
	static const struct mus_group_obj o = {.id = 7, .name = "both",
	    .member = {{1, true}, {2, false}}, .member_count = 2};
	struct mus_rep_group rep;
	json_t *v, *m;

	(void)state;
	mus_body_of_group(&arena, &o, &names, &rep);
	rep.zones = 3;
	v = encode(&mus_schema_rep_group, &rep);
	assert_int_equal(json_integer_value(json_object_get(v, "zones")), 3);
	m = json_array_get(json_object_get(v, "signers"), 0);
	assert_string_equal(str(m, "name"), "bind");
	assert_true(json_is_true(json_object_get(m, "leaving")));
	m = json_array_get(json_object_get(v, "signers"), 1);
	assert_true(json_is_false(json_object_get(m, "leaving")));
	json_decref(v);
}

static void
a_zone(void **state)
{
	static struct mus_zone_obj o = {.id = 3, .name = "example.test.", .group_id = 7,
	    .mode = MUS_MODE_MANUAL, .held = true, .held_reason = "says \"no\"", .state = "VALID",
	    .process = "ADD-SIGNER knot", .row = "cds-added", .waiting = "until\tthen",
	    .signer_count = 1};
	struct mus_rep_zone rep;
	json_t *v, *zs;

	(void)state;
	o.signer[0].signer_id = 2;
	o.signer[0].lost = true;
	o.waiting_until = MUS_TIME_NEVER;
	mus_body_of_zone(&arena, &o, &names, &rep);
	v = encode(&mus_schema_rep_zone, &rep);
	assert_string_equal(str(v, "group"), "both");
	assert_string_equal(str(v, "mode"), "manual");
	assert_string_equal(str(v, "held_reason"), "says \"no\"");
	assert_string_equal(str(v, "waiting"), "until\tthen");
	assert_true(json_is_null(json_object_get(v, "waiting_until")));
	zs = json_array_get(json_object_get(v, "signers"), 0);
	assert_string_equal(str(zs, "signer"), "knot");
	assert_true(json_is_true(json_object_get(zs, "lost")));
	json_decref(v);
}

/* A zone of two signers in the middle of a join: knot shows its key and bind's, bind its own. */
static void
fill_state(struct mus_zonestate *z)
{
	struct mus_ring *ring;

	mus_zonestate_init(z);
	snprintf(z->book.zone, sizeof z->book.zone, "example.test.");
	snprintf(z->book.parent, sizeof z->book.parent, "test.");
	snprintf(z->book.signer[0], sizeof z->book.signer[0], "bind");
	snprintf(z->book.signer[1], sizeof z->book.signer[1], "knot");
	z->zone.signer_count = 2;
	z->zone.signer[0] = (struct mus_zsigner){.is_member = true, .has_driver = true};
	z->zone.signer[1] = (struct mus_zsigner){.is_member = true, .has_driver = true};
	z->zone.key_count = 2;
	z->zone.key[0] = (struct mus_zkey){.tag = 111, .owner = 0, .is_sep = true};
	z->zone.key[1] = (struct mus_zkey){.tag = 222, .owner = 1, .is_sep = true};
	z->zone.key[0].gone_at = z->zone.key[1].gone_at = MUS_TIME_NEVER;
	z->zone.ns_count = 1;
	z->zone.ns[0].owner = 0;
	snprintf(z->book.ns[0], sizeof z->book.ns[0], "ns1.bind.test.");
	z->zone.server_count = 2;
	z->zone.server[0].origin = 0;
	z->zone.server[1].origin = MUS_PARENT;
	z->seen.server[0].udp_ok = z->seen.server[0].aa_ok = true;
	ring = &z->seen.signer[0][MUS_RR_KEY];
	ring->count = 1;
	ring->v[0] = (struct mus_version){.set = 1, .srv = 1};
	ring = &z->seen.signer[1][MUS_RR_KEY];
	ring->count = 1;
	ring->v[0] = (struct mus_version){.set = 3, .srv = 1};
	ring = mus_seen_ring(&z->seen, MUS_PARENT, MUS_RR_DS);
	ring->count = 2;
	ring->v[0] = (struct mus_version){.set = 2, .srv = 0};	/* shown by nobody any more */
	ring->v[1] = (struct mus_version){.set = 1, .srv = 1};
	ring = mus_seen_ring(&z->seen, MUS_PARENT, MUS_RR_PNS);
	ring->count = 1;
	ring->v[0] = (struct mus_version){.set = 1, .srv = 1};
}

static void
views(void **state)
{
	static struct mus_zonestate z;
	static struct mus_plan plan;
	static struct mus_verdict verdict;
	/* One that was lost, of which the zone knows nothing else any more. */
	static const struct mus_zone_obj o = {.id = 3, .name = "example.test.", .state = "VALID", .group_id = 7,
	    .signer_count = 3, .signer = {{.signer_id = 99, .lost = true, .lost_until = {7500}},
		{.signer_id = 98, .lost = true, .lost_until = {5000}}, {.signer_id = 97, .max_ttl_s = 5}}};
	struct mus_body_view view = {.state = &z, .plan = &plan, .verdict = &verdict, .row = {"cds-added", 9},
	    .roll_row = {[2] = {"new-key-in-use", 7}}, .now = {5000}};
	struct mus_addr primary;
	struct mus_rep_zone_status status;
	struct mus_rep_plan p;
	struct mus_rep_explain e;
	json_t *v, *x;
	char text[300];

	(void)state;
	fill_state(&z);
	plan.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = 1, .row = 2};
	plan.want.roll[2] = (struct mus_roll){.kind = MUS_PROC_ZSK, .signer = 1, .row = 3, .in = 2, .out = 1,
	    .early = true, .started_at = {1000}, .row_at = {2000}};
	plan.roll_wait[2] = MUS_WITNESS_NONE;
	plan.roll_wait[2].rule = MUS_RULE_NEWUSED;
	plan.roll_wait[2].result = MUS_RES_FAILS;
	plan.roll_wait[2].origin = 1;
	plan.wake_at = MUS_TIME_NEVER;
	plan.need_copy = 2;
	plan.act_count = 1;
	plan.act[0] = (struct mus_act){.kind = MUS_ACT_CHANGE, .signer = 0, .rr = MUS_RR_KEY, .add = 2,
	    .why = MUS_RULE_V7, .id = 0xabc};
	plan.wait_count = 1;
	plan.wait[0] = MUS_WITNESS_NONE;
	plan.wait[0].rule = MUS_RULE_PARENTDS;
	plan.wait[0].result = MUS_RES_UNKNOWN;
	plan.wait[0].origin = MUS_PARENT;
	plan.wait[0].server = 1;
	plan.wait[0].kind = MUS_RR_DS;
	plan.wait[0].cause = MUS_CAUSE_TIMEOUT;
	plan.wait[0].key = 1;
	plan.wait[0].until = (struct mus_time){9000};
	verdict.rule[MUS_RULE_V7] = MUS_RES_FAILS;
	verdict.finding_count = 1;
	verdict.finding[0] = MUS_WITNESS_NONE;
	verdict.finding[0].rule = MUS_RULE_V7;
	verdict.finding[0].result = MUS_RES_FAILS;
	verdict.finding[0].origin = 0;
	verdict.finding[0].origin2 = 1;

	view.manual = "";
	view.manual_since = (struct mus_time){4000};
	mus_body_of_status(&arena, &o, &names, &view, &status);
	v = encode(&mus_schema_rep_zone_status, &status);
	assert_int_equal(json_array_size(json_object_get(v, "manual")), 0);
	assert_true(json_is_null(json_object_get(v, "manual_since")));
	x = json_object_get(v, "process");
	assert_string_equal(str(x, "kind"), "ADD-SIGNER");
	assert_string_equal(str(x, "signer"), "knot");
	assert_string_equal(str(x, "row"), "cds-added");
	assert_int_equal(json_integer_value(json_object_get(x, "row_number")), 3);
	assert_int_equal(json_integer_value(json_object_get(x, "row_count")), 9);
	x = json_object_get(v, "rollovers");
	assert_int_equal(json_array_size(x), 1);
	x = json_array_get(x, 0);
	assert_string_equal(str(x, "kind"), "ZSK-ROLLOVER");
	assert_string_equal(str(x, "signer"), "knot");
	assert_string_equal(str(x, "row"), "new-key-in-use");
	assert_int_equal(json_integer_value(json_object_get(x, "row_number")), 4);
	assert_int_equal(json_integer_value(json_object_get(x, "row_count")), 7);
	assert_true(json_is_true(json_object_get(x, "early")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(x, "new_keys"), 0)), "222");
	assert_string_equal(json_string_value(json_array_get(json_object_get(x, "old_keys"), 0)), "111");
	assert_string_equal(str(json_object_get(x, "waits_for"), "rule"), "new-key-used");
	x = json_array_get(json_object_get(v, "signers"), 0);
	assert_true(json_is_true(json_object_get(x, "in_keys")));
	assert_true(json_is_false(json_object_get(x, "secondary")));
	assert_true(json_is_true(json_object_get(x, "in_ds")));
	assert_true(json_is_true(json_object_get(x, "in_ns")));
	assert_int_equal(json_integer_value(json_object_get(x, "servers_reached")), 1);
	x = json_array_get(json_object_get(v, "signers"), 1);
	assert_true(json_is_false(json_object_get(x, "in_keys")));	/* bind does not show its key */
	assert_true(json_is_false(json_object_get(x, "in_ds")));
	assert_true(json_is_false(json_object_get(x, "in_ns")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(x, "key_tags"), 0)), "222");
	x = json_object_get(v, "signers");
	assert_int_equal(json_array_size(x), z.zone.signer_count + 2u);
	x = json_array_get(x, z.zone.signer_count);
	assert_string_equal(str(x, "name"), name_of(NULL, 99));
	assert_true(json_is_true(json_object_get(x, "lost")));
	assert_true(json_is_false(json_object_get(x, "member")));
	x = json_object_get(v, "warnings");		/* of 98 it is over */
	assert_int_equal(json_array_size(x), 1);
	snprintf(text, sizeof text, "%s was lost and has left: resolvers that found the zone through it may fail until "
	    "1970-01-01T00:00:08Z, and as long as it answers; it must be silent, and nobody asks it (counted apart)",
	    name_of(NULL, 99));
	assert_string_equal(json_string_value(json_array_get(x, 0)), text);
	assert_int_equal(json_integer_value(json_object_get(v, "parent_servers")), 1);
	assert_int_equal(json_integer_value(json_object_get(v, "parent_servers_reached")), 0);
	x = json_array_get(json_object_get(v, "waits"), 0);
	assert_string_equal(str(x, "rule"), "parent-ds");
	assert_string_equal(str(x, "signer"), "parent");
	assert_string_equal(str(x, "record"), "DS");
	assert_string_equal(str(x, "cause"), "no answer in time");
	assert_string_equal(str(x, "until"), "1970-01-01T00:00:09.000Z");
	assert_non_null(strstr(str(x, "hint"), "port 53"));
	assert_int_equal(json_integer_value(json_object_get(x, "key_tag")), 222);
	json_decref(v);

	mus_body_of_plan(&arena, &o, &view, &p);
	v = encode(&mus_schema_rep_plan, &p);
	x = json_array_get(json_object_get(v, "actions"), 0);
	assert_string_equal(str(x, "id"), "0000000000000abc");
	assert_string_equal(str(x, "signer"), "bind");
	assert_string_equal(str(x, "record"), "DNSKEY");
	assert_string_equal(str(x, "why"), "V7");
	assert_string_equal(json_string_value(json_array_get(json_object_get(v, "need_copy"), 0)), "knot");
	assert_true(json_is_null(json_object_get(v, "wake_at")));
	json_decref(v);

	mus_body_of_explain(&arena, &o, &view, &e);
	v = encode(&mus_schema_rep_explain, &e);
	assert_int_equal(json_array_size(json_object_get(v, "rules")), MUS_RULE_V14 - MUS_RULE_V1 + 1);
	x = json_array_get(json_object_get(v, "findings"), 0);
	assert_string_equal(str(x, "other_signer"), "knot");
	assert_true(json_is_null(json_object_get(x, "cause")));
	assert_true(json_is_null(json_object_get(x, "server")));
	json_decref(v);

	/* what is to be entered at the parent by hand */
	view.manual = "add a. DS 1\nremove a. NS b.\n";
	mus_body_of_explain(&arena, &o, &view, &e);
	v = encode(&mus_schema_rep_explain, &e);
	x = json_object_get(v, "manual");
	assert_int_equal(json_array_size(x), 2);
	assert_string_equal(json_string_value(json_array_get(x, 0)), "add a. DS 1");
	assert_string_equal(json_string_value(json_array_get(x, 1)), "remove a. NS b.");
	assert_string_equal(str(v, "manual_since"), "1970-01-01T00:00:04.000Z");
	json_decref(v);

	/* what was told when it was tried is the cause, where it is about that */
	assert_true(mus_addr_parse("192.0.2.9", 5353, &primary));
	verdict.finding_count = 5;
	for (unsigned i = 0; i < 5; i++)
		verdict.finding[i] = MUS_WITNESS_NONE;
	verdict.finding[0].rule = MUS_RULE_V13;
	verdict.finding[0].result = MUS_RES_UNKNOWN;
	verdict.finding[1].rule = MUS_RULE_V7;
	verdict.finding[1].result = MUS_RES_FAILS;
	verdict.finding[2].rule = MUS_RULE_V1;
	verdict.finding[2].result = MUS_RES_FAILS;
	verdict.finding[3].rule = verdict.finding[4].rule = MUS_RULE_V6;
	verdict.finding[3].result = verdict.finding[4].result = MUS_RES_UNKNOWN;
	verdict.finding[3].cause = MUS_CAUSE_NOLOOKUP;
	verdict.finding[4].cause = MUS_CAUSE_TIMEOUT;
	for (unsigned i = 0; i < 5; i++)
		verdict.finding[i].origin = 1;
	view.trouble[1] = (struct mus_body_trouble){.copy = "TSIG: BADKEY", .change = "REFUSED",
	    .lookup = "SERVFAIL", .copy_next = {7000}, .copy_since = {3000}, .copy_server = &primary,
	    .copy_err = MUS_ERR_BADSIG};
	mus_body_of_explain(&arena, &o, &view, &e);
	v = encode(&mus_schema_rep_explain, &e);
	x = json_object_get(v, "findings");
	assert_string_equal(str(json_array_get(x, 0), "signer"), "knot");
	assert_string_equal(str(json_array_get(x, 0), "server"), "192.0.2.9@5353");
	assert_string_equal(str(json_array_get(x, 0), "cause"), "TSIG: BADKEY");
	assert_string_equal(str(json_array_get(x, 0), "seen_at"), "1970-01-01T00:00:03.000Z");
	assert_non_null(strstr(str(json_array_get(x, 0), "hint"), "secret"));
	assert_string_equal(str(json_array_get(x, 0), "until"), "1970-01-01T00:00:07.000Z");
	assert_non_null(strstr(str(json_array_get(x, 0), "text"),
	    "has not been read; it is tried again at 1970-01-01T00:00:07Z"));
	assert_null(strstr(str(json_array_get(x, 0), "text"), "is being read"));
	assert_string_equal(str(json_array_get(x, 1), "cause"), "REFUSED");
	assert_true(json_is_null(json_object_get(json_array_get(x, 2), "cause")));
	assert_string_equal(str(json_array_get(x, 3), "cause"), "SERVFAIL");
	assert_string_equal(str(json_array_get(x, 4), "cause"), "no answer in time");
	json_decref(v);
	/* Only a signer with a driver can be probed. */
	for (int has_driver = 0; has_driver < 2; has_driver++) {
		struct mus_witness caps = MUS_WITNESS_NONE;
		struct mus_rep_finding f;

		caps.rule = MUS_RULE_CAPS;
		caps.result = MUS_RES_FAILS;
		caps.origin = 1;
		z.zone.signer[1].has_driver = has_driver;
		mus_body_of_finding(&arena, &z, &caps, &f);
		assert_int_equal(strstr(f.hint, "signer probe") != NULL, has_driver);
		assert_int_equal(strstr(f.hint, "by its own means") != NULL, !has_driver);
		/* Nor does it refuse anything: its records are where the plan lists them. */
		for (unsigned r = MUS_RULE_NONE; r < MUS_RULE_COUNT; r++) {
			caps.rule = (enum mus_rule)r;
			mus_body_of_finding(&arena, &z, &caps, &f);
			if (!has_driver)
				assert_null(strstr(f.hint, "signer probe"));
		}
		caps.rule = MUS_RULE_V7;
		mus_body_of_finding(&arena, &z, &caps, &f);
		assert_int_equal(strstr(f.hint, "\"zone plan example.test.\" lists the records") != NULL, !has_driver);
	}
	/* Nothing is changed at a secondary, nor is there anything to probe. */
	z.zone.signer[1].has_driver = false;
	z.zone.signer[1].is_secondary = true;
	for (unsigned r = MUS_RULE_NONE; r < MUS_RULE_COUNT; r++) {
		struct mus_witness w = MUS_WITNESS_NONE;
		struct mus_rep_finding f;

		w.rule = (enum mus_rule)r;
		w.result = MUS_RES_FAILS;
		w.origin = 1;
		mus_body_of_finding(&arena, &z, &w, &f);
		assert_null(strstr(f.hint, "signer probe"));
		assert_null(strstr(f.hint, "by its own means"));
		if (w.rule == MUS_RULE_V7)
			assert_non_null(strstr(f.hint, "the copy of the signer that it is pointed to"));
	}
	z.zone.signer[1].is_secondary = false;
	/* What is to be changed there by hand is told with it. */
	static struct mus_plan by_hand;
	struct mus_rep_plan rp;

	view.plan = &by_hand;
	by_hand.wait_count = by_hand.hand_count = 1;
	by_hand.wait[0] = MUS_WITNESS_NONE;
	by_hand.wait[0].rule = MUS_RULE_CAPS;
	by_hand.wait[0].result = MUS_RES_FAILS;
	by_hand.wait[0].origin = by_hand.act[0].signer = 1;
	by_hand.wait[0].kind = by_hand.act[0].rr = MUS_RR_CSYNC;
	by_hand.act[0].kind = MUS_ACT_CHANGE;
	by_hand.act[0].add = 1;
	by_hand.act[0].csync_serial = 77;
	z.zone.signer[1].has_driver = false;
	mus_body_of_plan(&arena, &o, &view, &rp);
	assert_int_equal(rp.actions.count, 0);
	assert_int_equal(rp.waits.count, 1);
	assert_non_null(strstr(((const struct mus_rep_finding *)rp.waits.item)->text, "there by hand (knot: add CSYNC"));
	assert_non_null(strstr(((const struct mus_rep_finding *)rp.waits.item)->text, "with serial 77)"));
	assert_int_equal(rp.by_hand.count, 0);
	/* And record by record. */
	view.by_hand[0] = "add a. 5 IN NS d.\n";	/* of another signer */
	mus_body_of_plan(&arena, &o, &view, &rp);
	assert_non_null(strstr(((const struct mus_rep_finding *)rp.waits.item)->text, "with serial 77)"));
	view.by_hand[0] = NULL;
	view.by_hand[1] = "add a. 5 IN NS b.\nadd a. 5 IN NS c.\nremove a. 5 IN CSYNC 1 3 NS\n";
	mus_body_of_plan(&arena, &o, &view, &rp);
	v = encode(&mus_schema_rep_plan, &rp);
	assert_int_equal(json_array_size(json_object_get(v, "by_hand")), 1);
	x = json_array_get(json_object_get(v, "by_hand"), 0);
	assert_string_equal(str(x, "signer"), "knot");
	assert_int_equal(json_array_size(json_object_get(x, "add")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(x, "add"), 1)), "a. 5 IN NS c.");
	assert_int_equal(json_array_size(json_object_get(x, "remove")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(x, "remove"), 0)), "a. 5 IN CSYNC 1 3 NS");
	json_decref(v);
	/* Then the wait does not tell them once more; where they are not told, it does. */
	assert_string_equal(((const struct mus_rep_finding *)rp.waits.item)->text,
	    "capability: knot cannot be changed from here: change CSYNC there by hand");
	struct mus_rep_zone_status rs;

	mus_body_of_status(&arena, &o, &names, &view, &rs);
	assert_non_null(strstr(((const struct mus_rep_finding *)rs.waits.item)->text, "with serial 77)"));
	view.by_hand[1] = NULL;
	/* While nothing can be stored nobody else is to blame. */
	by_hand.wait_count = 2;
	by_hand.wait[0] = by_hand.wait[1] = MUS_WITNESS_NONE;
	by_hand.wait[0].rule = MUS_RULE_STORE;
	by_hand.wait[0].result = MUS_RES_FAILS;
	by_hand.wait[1].rule = MUS_RULE_SERVES;
	by_hand.wait[1].result = MUS_RES_UNKNOWN;
	by_hand.wait[1].origin = 1;
	by_hand.wait[1].cause = MUS_CAUSE_NONE;
	mus_body_of_plan(&arena, &o, &view, &rp);
	assert_non_null(strstr(((const struct mus_rep_finding *)rp.waits.item)[1].hint, "in the next round"));
	view.store_error = "disk is full";
	mus_body_of_plan(&arena, &o, &view, &rp);
	assert_string_equal(((const struct mus_rep_finding *)rp.waits.item)->text,
	    "database: nothing can be stored, so that nothing that is seen counts and nothing is sent: disk is full");
	assert_non_null(strstr(((const struct mus_rep_finding *)rp.waits.item)[1].hint, "database takes changes"));
	view.store_error = NULL;
	/* What would be is no matter of what is. */
	by_hand.wait[0].rule = MUS_RULE_V1;
	mus_body_of_plan(&arena, &o, &view, &rp);
	assert_non_null(strstr(((const struct mus_rep_finding *)rp.waits.item)->hint, "the next step is not taken"));
	view.plan = NULL;
	/* Being read once more: the failure counts still; for the first time: nothing is wrong. */
	view.trouble[1].copy_began.ms = 5000;
	view.trouble[1].copy_next = MUS_TIME_NEVER;
	for (int first = 0; first < 2; first++) {
		if (first)
			view.trouble[1].copy = "";
		mus_body_of_explain(&arena, &o, &view, &e);
		v = encode(&mus_schema_rep_explain, &e);
		x = json_array_get(json_object_get(v, "findings"), 0);
		assert_non_null(strstr(str(x, "text"), "has not been read; it is being read from 192.0.2.9@5353 since "
		    "1970-01-01T00:00:05Z"));
		assert_string_equal(str(x, "server"), "192.0.2.9@5353");
		assert_string_equal(str(x, "seen_at"), first ? "1970-01-01T00:00:05.000Z" : "1970-01-01T00:00:03.000Z");
		assert_non_null(strstr(str(x, "hint"), first ? "nothing is to be done" : "secret"));
		assert_int_equal(json_is_null(json_object_get(x, "cause")), first);
		json_decref(v);
	}
	/* Never read: what is missing, and neither that it is being read nor what cannot be tried again. */
	view.plan = &by_hand;
	by_hand.need_copy = 2;
	view.trouble[1] = (struct mus_body_trouble){.copy_next = MUS_TIME_NEVER, .copy_since = MUS_TIME_NEVER};
	for (int why = MUS_BODY_READ; why <= MUS_BODY_NO_TRANSFER; why++) {
		view.trouble[1].unread = (enum mus_body_unread)why;
		mus_body_of_explain(&arena, &o, &view, &e);
		mus_body_of_plan(&arena, &o, &view, &rp);
		v = encode(&mus_schema_rep_explain, &e);
		x = json_array_get(json_object_get(v, "findings"), 0);
		assert_int_equal(rp.need_copy.count, why == MUS_BODY_READ);
		assert_int_equal(json_is_null(json_object_get(x, "cause")), why == MUS_BODY_READ);
		if (why == MUS_BODY_NO_ADDRESS)
			assert_string_equal(str(x, "cause"), "there is no address to read it from");
		if (why != MUS_BODY_READ)
			assert_non_null(strstr(str(x, "hint"), why == MUS_BODY_NO_ADDRESS ? "--update" : "--transfer"));
		json_decref(v);
	}
	/* The preflight leads to no other preflight. */
	struct mus_witness refused = MUS_WITNESS_NONE;
	const struct mus_rep_finding *found;

	refused.rule = MUS_RULE_PREFLIGHT;
	refused.result = MUS_RES_FAILS;
	refused.origin = 1;
	view.trouble[1].join = "group g is full";
	found = mus_body_of_findings(&arena, &z, &refused, 1, view.trouble).item;
	assert_string_equal(found->text, "preflight: group g is full");
	assert_null(strstr(found->hint, "zone preflight"));
	mus_zonestate_clear(&z);
}

static void
events_and_processes(void **state)
{
	static const struct mus_event_obj e = {.id = 4, .at = {1}, .kind = "row", .text = "a\nb",
	    .actor = "musicd"};
	static struct mus_process_obj p = {.id = 9, .zone = "a.", .kind = "ADD-SIGNER", .signer = "knot"};
	static const struct {
		const char *kind, *outcome;
		bool done, may_stop;
	} ends[] = {
		{"ADD-SIGNER", "done", true, false}, {"REMOVE-SIGNER", "done", true, true},
		{"REMOVE-SIGNER", "done: knot was lost, and must be silent for a.", true, false},
		{"REMOVE-SIGNER", "turned round", false, false}, {"REMOVE-SIGNER", "", false, false},
	};
	struct mus_rep_event er;
	struct mus_rep_process pr;
	json_t *v;

	(void)state;
	mus_body_of_event(&e, &er);
	v = encode(&mus_schema_rep_event, &er);
	assert_true(json_is_null(json_object_get(v, "zone")));
	assert_string_equal(str(v, "text"), "a\nb");
	json_decref(v);
	p.ended_at = MUS_TIME_NEVER;
	mus_body_of_process(&p, &pr);
	v = encode(&mus_schema_rep_process, &pr);
	assert_true(json_is_true(json_object_get(v, "running")));
	json_decref(v);
	p.ended_at = (struct mus_time){1};
	for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
		snprintf(p.kind, sizeof p.kind, "%s", ends[i].kind);
		snprintf(p.outcome, sizeof p.outcome, "%s", ends[i].outcome);
		mus_body_of_process(&p, &pr);
		assert_int_equal(pr.done, ends[i].done);
		assert_int_equal(pr.may_stop, ends[i].may_stop);
	}
}

/* A word that the hint for it must have: what to do about this, and about nothing else. */
struct word {
	int of;
	const char *says;
};
static const struct word rule_words[] = {{MUS_RULE_NONE, "nothing to do"}, {MUS_RULE_V1, "compare DS and DNSKEY"},
    {MUS_RULE_V2, "compare DS and DNSKEY"}, {MUS_RULE_V2C, "a key that the DS set names"},
    {MUS_RULE_V3, "compare DS and DNSKEY"}, {MUS_RULE_V3S, "compare DS and DNSKEY"}, {MUS_RULE_V4, "its clock"},
    {MUS_RULE_V5, "delegation in the parent zone"}, {MUS_RULE_V6, "over UDP and TCP"}, {MUS_RULE_V7, "others' keys"},
    {MUS_RULE_V8, "different sets"}, {MUS_RULE_V9, "parent has not followed"}, {MUS_RULE_V10, "(zone update --signer-ns)"},
    {MUS_RULE_V11, "make a new key"}, {MUS_RULE_V12, "NSEC3 settings"}, {MUS_RULE_V13, "same content"},
    {MUS_RULE_V14, "compare DS and DNSKEY"}, {MUS_RULE_G0, "left the caches"}, {MUS_RULE_G1, "left the caches"},
    {MUS_RULE_G2, "left the caches"}, {MUS_RULE_G3, "left the caches"}, {MUS_RULE_G4, "left the caches"},
    {MUS_RULE_G5, "left the caches"}, {MUS_RULE_G6, "left the caches"}, {MUS_RULE_G7, "left the caches"},
    {MUS_RULE_G8, "left the caches"}, {MUS_RULE_G9, "left the caches"}, {MUS_RULE_OBSERVE, "all servers answer"},
    {MUS_RULE_HISTORY, "watched for long enough"}, {MUS_RULE_SERVES, "has the zone"},
    {MUS_RULE_SIGNED, "keys of its own"}, {MUS_RULE_ALGS, "same algorithms"}, {MUS_RULE_TTLMAX, "--max-ttl"},
    {MUS_RULE_CAPS, "accept these records"}, {MUS_RULE_NSNAMES, "its name servers"},
    {MUS_RULE_GLUEADDR, "same address records"}, {MUS_RULE_KEYTTL, "same DNSKEY TTL"},
    {MUS_RULE_DIGESTS, "same digest types"},
    {MUS_RULE_PREFLIGHT, "zone preflight"}, {MUS_RULE_LASTONE, "join another signer"},
    {MUS_RULE_IMPORT, "zone history"}, {MUS_RULE_SIGNAL, "zone history"}, {MUS_RULE_NSSET, "zone history"},
    {MUS_RULE_CSYNCSET, "zone history"}, {MUS_RULE_PARENTDS, "follow CDS"}, {MUS_RULE_PARENTNS, "follow CSYNC"},
    {MUS_RULE_DSWAIT, "time given"}, {MUS_RULE_KEYWAIT, "time given"}, {MUS_RULE_NSWAIT, "time given"},
    {MUS_RULE_REACH, "leads there"}, {MUS_RULE_DATAWAIT, "time given"}, {MUS_RULE_QUEUE, "signer show"},
    {MUS_RULE_HELD, "zone resume"}, {MUS_RULE_PROBE, "probe wrote"}, {MUS_RULE_MANUAL, "zone step"},
    {MUS_RULE_PARTIAL, "for the first time"}, {MUS_RULE_SAMPLE, "spelling of the sample"},
    {MUS_RULE_NEWKEY, "signer probe"}, {MUS_RULE_WITHDRAWN, "signer probe"}, {MUS_RULE_NEWSIGNS, "own timetable"},
    {MUS_RULE_NEWUSED, "own timetable"}, {MUS_RULE_OLDUNUSED, "own timetable"}, {MUS_RULE_OLDGONE, "own timetable"},
    {MUS_RULE_STORE, "make room"}};
static const struct word cause_words[] = {{MUS_CAUSE_NONE, "zone check"}, {MUS_CAUSE_TIMEOUT, "port 53"},
    {MUS_CAUSE_NET, "the route"}, {MUS_CAUSE_REFUSED, "allows questions"}, {MUS_CAUSE_SERVFAIL, "cannot serve it"},
    {MUS_CAUSE_NXDOMAIN, "does not have the zone"}, {MUS_CAUSE_NOTAUTH, "no authoritative server"},
    {MUS_CAUSE_RCODE, "log of that server"}, {MUS_CAUSE_MALFORM, "no DNS server"},
    {MUS_CAUSE_TRUNCATED, "TCP settings"}, {MUS_CAUSE_BOGUS, "valid signatures"}, {MUS_CAUSE_UNPROVED, "not proved"},
    {MUS_CAUSE_TSIG, "secret"}, {MUS_CAUSE_OVERFLOW, "faster than caches"}, {MUS_CAUSE_LOCAL, "rate limits"},
    {MUS_CAUSE_NOROOM, "fewer addresses"}, {MUS_CAUSE_NOPLACE, "let one leave"}, {MUS_CAUSE_LOOKING, "answer is there"},
    {MUS_CAUSE_NOLOOKUP, "dig NAME"}, {MUS_CAUSE_NOADDR, "spelling of the name server"},
    {MUS_CAUSE_UNASKED, "by hand"}, {MUS_CAUSE_ADDRESS, "give all of them"}};
static const struct word copy_words[] = {{MUS_ERR_BADSIG, "secret"}, {MUS_ERR_TIMEOUT, "--update"},
    {MUS_ERR_NET, "--update"}, {MUS_ERR_REFUSED, "AXFR"}, {MUS_ERR_MALFORM, "to the end"},
    {MUS_ERR_NOMEM, "no room"}, {MUS_ERR_NOTFOUND, "key file"}, {MUS_ERR_DENIED, "key file"}};

static void
has(const char *hint, const char *word)
{
	if (strstr(hint, word) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", hint, word);
}

/* Every rule has the hint that fits it; and where an answer is missing, the one that fits its cause. */
static void
hints(void **state)
{
	const unsigned rules = sizeof rule_words / sizeof rule_words[0];
	const unsigned causes = sizeof cause_words / sizeof cause_words[0];

	(void)state;
	assert_int_equal(rules, MUS_RULE_COUNT);
	assert_int_equal(causes, MUS_CAUSE_COUNT);
	for (unsigned r = 0; r < rules; r++) {
		struct mus_witness w = MUS_WITNESS_NONE;

		w.rule = (enum mus_rule)rule_words[r].of;
		w.result = MUS_RES_FAILS;
		has(mus_body_hint(&w), rule_words[r].says);
		w.result = MUS_RES_UNKNOWN;
		for (unsigned c = 0; c < causes && w.rule != MUS_RULE_V13; c++) {
			w.cause = (uint8_t)cause_words[c].of;
			has(mus_body_hint(&w), cause_words[c].says);
		}
		w.cause = MUS_NOBODY;
		has(mus_body_hint(&w), w.rule == MUS_RULE_V13 ? "while the copy is being read" : rule_words[r].says);
	}
	for (unsigned r = 0; r < rules; r++) {		/* of these a plan waits for what the guard says, and not for a repair */
		enum mus_rule rule = (enum mus_rule)rule_words[r].of;
		bool is_pair = rule == MUS_RULE_V1 || rule == MUS_RULE_V2 || rule == MUS_RULE_V3 || rule == MUS_RULE_V14;
		struct mus_witness w = {.rule = rule, .result = MUS_RES_FAILS, .until = MUS_TIME_NEVER};

		assert_int_equal(mus_body_wait_hint(&w) != NULL, is_pair);
		if (is_pair)
			has(mus_body_wait_hint(&w), "\"zone abort\"");
		w.until = (struct mus_time){9000};
		if (is_pair)
			has(mus_body_wait_hint(&w), "nothing to do");
		w.result = MUS_RES_UNKNOWN;
		assert_null(mus_body_wait_hint(&w));
	}
	has(mus_body_hint(&(struct mus_witness){.rule = MUS_RULE_REACH, .result = MUS_RES_FAILS, .kind = MUS_RR_KEY}),
	    "point that provider to a signer that stays");
	has(mus_body_hint(&(struct mus_witness){.rule = MUS_RULE_V12, .result = MUS_RES_FAILS, .number = 51}),
	    "iterations to 0 (RFC 9276)");
	has(mus_body_hint(&(struct mus_witness){.rule = MUS_RULE_SERVES, .result = MUS_RES_FAILS, .origin = 1,
		.server = MUS_NOBODY}), "take the join back");
	has(mus_body_hint(&(struct mus_witness){.rule = MUS_RULE_SERVES, .result = MUS_RES_FAILS, .origin = 1}),
	    "has the zone");
	for (unsigned r = 0; r < 2; r++) {		/* one server of the parent is behind: that is no matter of the registrar */
		struct mus_witness w = MUS_WITNESS_NONE;

		w.rule = r ? MUS_RULE_PARENTNS : MUS_RULE_PARENTDS;
		w.result = MUS_RES_FAILS;
		w.lags = true;
		has(mus_body_hint(&w), "nothing is to be entered");
	}
	for (int why = MUS_BODY_NO_ADDRESS; why <= MUS_BODY_NO_TRANSFER; why++) {
		has(mus_body_unread_hint((enum mus_body_unread)why, MUS_RULE_V13), "signer update --declared-content");
		has(mus_body_unread_hint((enum mus_body_unread)why, MUS_RULE_TTLMAX), "signer update --max-ttl");
	}
	for (unsigned i = 0; i < sizeof copy_words / sizeof copy_words[0]; i++) {
		has(mus_body_copy_hint(copy_words[i].of), copy_words[i].says);
		assert_null(strstr(mus_body_copy_hint(copy_words[i].of), "same content"));
	}
}

static void
what_is_not_given_stays(void **state)
{
	static struct mus_signer_obj o = {.name = "bind", .driver = "ddns", .max_ttl_s = 60,
	    .no_transfer = true, .ns_count = 2};
	static const char text[] = "{\"max_ttl_s\":0,\"name_servers\":[]}";
	struct mus_req_signer r;
	struct mus_wire_error we;

	(void)state;
	assert_int_equal(
	    mus_wire_decode(&mus_schema_req_signer_change, text, sizeof text - 1, &arena, &r, &we), 0);
	mus_body_to_signer(&r, &o);
	assert_string_equal(o.driver, "ddns");
	assert_true(o.no_transfer);
	assert_int_equal(o.max_ttl_s, 0);
	assert_int_equal(o.ns_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reply_of_nothing_is_json),
		cmocka_unit_test(the_tables_are_sound),
		cmocka_unit_test(a_signer),
		cmocka_unit_test(a_group),
		cmocka_unit_test(a_zone),
		cmocka_unit_test(views),
		cmocka_unit_test(events_and_processes),
		cmocka_unit_test(hints),
		cmocka_unit_test(what_is_not_given_stays),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
