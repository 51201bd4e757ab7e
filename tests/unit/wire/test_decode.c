#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/body.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct mus_arena arena;

static int
set_up(void **state)
{
	(void)state;
	mus_arena_init(&arena, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mus_arena_clear(&arena);
	return 0;
}

static int
decode(const struct mus_schema *s, const char *text, void *out, struct mus_wire_error *we)
{
	return mus_wire_decode(s, text, strlen(text), &arena, out, we);
}

static void
a_signer_comes_through(void **state)
{
	static const char text[] =
	    "{\"name\":\"bind\",\"driver\":\"ddns\",\"update\":\"10.53.2.1@5353\","
	    "\"key_file\":\"/etc/k\",\"max_ttl_s\":3600,\"no_transfer\":true,"
	    "\"name_servers\":[{\"name\":\"ns1.bind.test\",\"addresses\":[\"10.53.2.1\",\"2001:db8::1\"]},"
	    "{\"name\":\"ns2.bind.test\"}]}";
	struct mus_req_signer r;
	struct mus_wire_error we;
	const struct mus_body_ns *ns;
	const struct mus_addr *addr;

	(void)state;
	assert_int_equal(decode(&mus_schema_req_signer, text, &r, &we), 0);
	assert_string_equal(r.name, "bind");
	assert_string_equal(r.driver, "ddns");
	assert_int_equal(r.update.port, 5353);
	assert_int_equal(r.max_ttl_s, 3600);
	assert_true(r.no_transfer);
	assert_false(r.declared_content);
	assert_int_equal(r.given, 1 << MUS_REQ_SIGNER_NAME | 1 << MUS_REQ_SIGNER_DRIVER |
		1 << MUS_REQ_SIGNER_UPDATE | 1 << MUS_REQ_SIGNER_KEY_FILE | 1 << MUS_REQ_SIGNER_MAX_TTL |
		1 << MUS_REQ_SIGNER_NO_TRANSFER | 1 << MUS_REQ_SIGNER_NAME_SERVERS);
	assert_int_equal(r.name_servers.count, 2);
	ns = r.name_servers.item;
	assert_string_equal(ns[0].name, "ns1.bind.test");
	assert_int_equal(ns[0].addresses.count, 2);
	addr = ns[0].addresses.item;
	assert_int_equal(addr[0].port, 53);
	assert_int_equal(addr[1].family, 6);
	assert_int_equal(ns[1].addresses.count, 0);
}

/* The bits callers use are the places of the rows, in both schemas of a kind. */
static void
bits_are_rows(void **state)
{
	static const struct {
		unsigned bit;
		const char *name;
	} signer[] = {{MUS_REQ_SIGNER_NAME, "name"}, {MUS_REQ_SIGNER_DRIVER, "driver"},
	    {MUS_REQ_SIGNER_UPDATE, "update"}, {MUS_REQ_SIGNER_KEY_FILE, "key_file"},
	    {MUS_REQ_SIGNER_NO_TRANSFER, "no_transfer"}, {MUS_REQ_SIGNER_MAX_TTL, "max_ttl_s"},
	    {MUS_REQ_SIGNER_DECLARED_CONTENT, "declared_content"},
	    {MUS_REQ_SIGNER_UPDATE_RATE, "update_rate"},
	    {MUS_REQ_SIGNER_NAME_SERVERS, "name_servers"}},
	  zone[] = {{MUS_REQ_ZONE_NAME, "name"}, {MUS_REQ_ZONE_GROUP, "group"},
	      {MUS_REQ_ZONE_MODE, "mode"}, {MUS_REQ_ZONE_SAMPLE, "sample"},
	      {MUS_REQ_ZONE_PARENT, "parent"}, {MUS_REQ_ZONE_PARENT_ADDRESSES, "parent_addresses"},
	      {MUS_REQ_ZONE_SIGNERS, "signers"}};

	(void)state;
	assert_int_equal(mus_schema_req_signer.field_count, COUNT(signer));
	assert_int_equal(mus_schema_req_zone.field_count, COUNT(zone));
	for (size_t i = 0; i < COUNT(signer); i++) {
		assert_string_equal(mus_schema_req_signer.field[signer[i].bit].name, signer[i].name);
		assert_string_equal(mus_schema_req_signer_change.field[signer[i].bit].name, signer[i].name);
	}
	for (size_t i = 0; i < COUNT(zone); i++) {
		assert_string_equal(mus_schema_req_zone.field[zone[i].bit].name, zone[i].name);
		assert_string_equal(mus_schema_req_zone_change.field[zone[i].bit].name, zone[i].name);
	}
}

static void
an_empty_body_is_an_object_without_fields(void **state)
{
	struct mus_req_abort r = {.dry_run = true};
	struct mus_req_force f;
	struct mus_wire_error we;

	(void)state;
	assert_int_equal(decode(&mus_schema_req_abort, "", &r, &we), 0);
	assert_false(r.dry_run);
	assert_int_equal(r.given, 0);
	assert_int_equal(decode(&mus_schema_req_force, "", &f, &we), MUS_ERR_INVAL);
}

/* Where a refused body points, and what it says. */
static void
refusals_name_the_field(void **state)
{
	static const struct {
		const struct mus_schema *schema;
		const char *text;
		int err;
		const char *field, *words;	/* words: a part of the message */
	} rows[] = {
#define SIGNER &mus_schema_req_signer
#define ZONE &mus_schema_req_zone
		{SIGNER, "[]", MUS_ERR_INVAL, "", "expected an object, got an array"},
		{SIGNER, "null", MUS_ERR_INVAL, "", "got null"},
		{SIGNER, "3", MUS_ERR_INVAL, "", "got an integer"},
		{SIGNER, "{}", MUS_ERR_INVAL, "/name", "is missing"},
		{SIGNER, "{\"name\":\"a\"}", MUS_ERR_INVAL, "/driver", "is missing"},
		{SIGNER, "{\"nam\":\"a\"}", MUS_ERR_INVAL, "/nam", "did you mean \"name\""},
		{SIGNER, "{\"~/\":1}", MUS_ERR_INVAL, "/~0~1", "unknown field"},
		{SIGNER, "{\"a\\nb\":1}", MUS_ERR_INVAL, "/a?b", "unknown field"},
		{SIGNER, "{\"name\":5}", MUS_ERR_INVAL, "/name", "expected a string, got an integer"},
		{SIGNER, "{\"name\":null}", MUS_ERR_INVAL, "/name", "got null"},
		{SIGNER, "{\"name\":\"\"}", MUS_ERR_INVAL, "/name", "must not be empty"},
		{SIGNER, "{\"name\":\"A\"}", MUS_ERR_INVAL, "/name", "must be letters"},
		{SIGNER, "{\"name\":\"-a\"}", MUS_ERR_INVAL, "/name", "must be letters"},
		{SIGNER, "{\"name\":\"a\\u0007\"}", MUS_ERR_INVAL, "/name", "control"},
		{SIGNER, "{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
		    MUS_ERR_INVAL, "/name", "too long"},
		{SIGNER, "{\"no_transfer\":1}", MUS_ERR_INVAL, "/no_transfer", "true or false"},
		{SIGNER, "{\"max_ttl_s\":\"1\"}", MUS_ERR_INVAL, "/max_ttl_s", "expected an integer"},
		{SIGNER, "{\"max_ttl_s\":1.5}", MUS_ERR_INVAL, "/max_ttl_s", "fraction"},
		{SIGNER, "{\"max_ttl_s\":-1}", MUS_ERR_INVAL, "/max_ttl_s", "between 0 and 2147483647"},
		{SIGNER, "{\"max_ttl_s\":2147483648}", MUS_ERR_INVAL, "/max_ttl_s", "between"},
		{SIGNER, "{\"update\":\"bind.example\"}", MUS_ERR_INVAL, "/update", "not an IP address"},
		{SIGNER, "{\"update\":\"192.0.2.1@70000\"}", MUS_ERR_INVAL, "/update", "port is out of range"},
		{SIGNER, "{\"update\":[]}", MUS_ERR_INVAL, "/update", "IP address"},
		{SIGNER, "{\"key_file\":\"relative\"}", MUS_ERR_INVAL, "/key_file", "absolute"},
		{SIGNER, "{\"name_servers\":{}}", MUS_ERR_INVAL, "/name_servers", "expected an array"},
		{SIGNER, "{\"name_servers\":[3]}", MUS_ERR_INVAL, "/name_servers/0", "expected an object"},
		{SIGNER, "{\"name_servers\":[{\"name\":\"a\"},{\"name\":\"b\",\"adresses\":[]}]}",
		    MUS_ERR_INVAL, "/name_servers/1/adresses", "did you mean \"addresses\""},
		{SIGNER, "{\"name_servers\":[{\"addresses\":[\"::1\"]}]}", MUS_ERR_INVAL,
		    "/name_servers/0/name", "is missing"},
		{SIGNER, "{\"name_servers\":[{\"name\":\"a\",\"addresses\":[\"::1\",\"x\"]}]}",
		    MUS_ERR_INVAL, "/name_servers/0/addresses/1", "not an IP address"},
		{SIGNER, "{\"name_servers\":[{\"name\":\"a\",\"addresses\":[\"::1\",\"::2\",\"0:0::1@53\"]}]}",
		    MUS_ERR_INVAL, "/name_servers/0/addresses/2", "stands twice"},
		{SIGNER, "{\"name_servers\":[{},{},{},{},{},{},{},{},{}]}", MUS_ERR_INVAL, "/name_servers",
		    "too many: 9, at most 8"},
		{ZONE, "{\"name\":\"a b\"}", MUS_ERR_INVAL, "/name", "not a domain name"},
		{ZONE, "{\"name\":\"a\",\"mode\":\"fast\"}", MUS_ERR_INVAL, "/mode",
		    "must be auto or manual, and not \"fast\""},
		{ZONE, "{\"name\":\"a\",\"mode\":\"f\\u001b\\n\"}", MUS_ERR_INVAL, "/mode", "and not \"f??\""},
		{ZONE, "{\"name\":\"a\",\"mode\":1}", MUS_ERR_INVAL, "/mode", "expected a string"},
		/* broken JSON: where */
		{SIGNER, "{", MUS_ERR_SYNTAX, "", "line 1"},
		{SIGNER, "{\"name\":\"a\",\n\"name\":\"b\"}", MUS_ERR_SYNTAX, "", "line 2"},
		{SIGNER, "{\"name\":\"a\"} x", MUS_ERR_SYNTAX, "", "end of file"},
		{SIGNER, "{'name':1}", MUS_ERR_SYNTAX, "", "line 1"},
		{SIGNER, "{\"name\":\"\\ud800\"}", MUS_ERR_SYNTAX, "", "line 1"},
		{SIGNER, "{\"name\":\"\\u0000\"}", MUS_ERR_SYNTAX, "", "line 1"},
		{SIGNER, "{\"name\":\"\xff\"}", MUS_ERR_SYNTAX, "", "decode byte 0xff"},
		{SIGNER, "{\"max_ttl_s\":99999999999999999999}", MUS_ERR_SYNTAX, "", "line 1"},
		{SIGNER, "NaN", MUS_ERR_SYNTAX, "", "line 1"},
#undef SIGNER
#undef ZONE
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		union {
			struct mus_req_signer signer;
			struct mus_req_zone zone;
		} out;
		struct mus_wire_error we;
		int rc = decode(rows[i].schema, rows[i].text, &out, &we);

		if (rc != rows[i].err || strcmp(we.field, rows[i].field) != 0 ||
		    strstr(we.text.s, rows[i].words) == NULL)
			fail_msg("%s: %s at \"%s\": %s", rows[i].text, mus_err_name(rc), we.field, we.text.s);
		assert_true((we.position >= 0) == (rc == MUS_ERR_SYNTAX));
		assert_true((we.line > 0) == (rc == MUS_ERR_SYNTAX));
	}
}

static void
the_position_of_broken_json_is_told(void **state)
{
	struct mus_req_zone r;
	struct mus_wire_error we;

	(void)state;
	assert_int_equal(
	    decode(&mus_schema_req_zone, "{\"name\":\n  oops}", &r, &we), MUS_ERR_SYNTAX);
	assert_int_equal(we.line, 2);
	assert_int_equal(we.column, 6);
	assert_int_equal(we.position, 15);
}

static void
deep_nesting_is_refused(void **state)
{
	static char text[100001];
	struct mus_req_zone r;
	struct mus_wire_error we;

	(void)state;
	memset(text, '[', sizeof text - 1);
	assert_int_equal(decode(&mus_schema_req_zone, text, &r, &we), MUS_ERR_SYNTAX);
	memset(text, '{', sizeof text - 1);
	assert_int_equal(decode(&mus_schema_req_zone, text, &r, &we), MUS_ERR_SYNTAX);
}

static void
a_small_arena_is_no_crash(void **state)
{
	static const char text[] = "{\"name\":\"zone.example\",\"group\":\"g\"}";
	struct mus_req_zone r;
	struct mus_wire_error we;
	struct mus_arena small;

	(void)state;
	mus_arena_init(&small, 8);
	assert_int_equal(mus_wire_decode(&mus_schema_req_zone, text, sizeof text - 1, &small, &r, &we),
	    MUS_ERR_NOMEM);
	mus_arena_clear(&small);
}

/* Every cut of a good body and every changed byte is taken or refused, never more. */
static void
damaged_bodies_are_survived(void **state)
{
	static const char good[] =
	    "{\"name\":\"a.example\",\"mode\":\"auto\",\"parent_addresses\":[\"::1\"],"
	    "\"signers\":[{\"signer\":\"bind\",\"name_servers\":[{\"name\":\"n.a\"}]}]}";
	char text[sizeof good];
	struct mus_req_zone r;
	struct mus_wire_error we;

	(void)state;
	for (size_t len = 0; len < sizeof good; len++)
		(void)!mus_wire_decode(&mus_schema_req_zone, good, len, &arena, &r, &we);
	for (size_t i = 0; i < sizeof good - 1; i++) {
		for (unsigned v = 0; v < 256; v++) {
			memcpy(text, good, sizeof good);
			text[i] = (char)v;
			mus_arena_reset(&arena);
			(void)!mus_wire_decode(&mus_schema_req_zone, text, sizeof good - 1, &arena, &r, &we);
		}
	}
}

static void
many_objects_in_one_body(void **state)
{
	static const struct {
		const char *text;
		bool lines;
		int err;
		size_t count;
		int line;
	} rows[] = {
		{"[]", false, 0, 0, 0},
		{"[{\"name\":\"a\"},{\"name\":\"b\"}]", false, 0, 2, 0},
		{"{\"name\":\"a\"}", false, MUS_ERR_INVAL, 0, 0},
		{"", false, MUS_ERR_SYNTAX, 0, 1},
		{"[{},{},{},{}]", false, MUS_ERR_TOOBIG, 0, 0},
		{"", true, 0, 0, 0},
		{"{\"name\":\"a\"}\n\n{\"name\":\"b\"}\r\n", true, 0, 2, 0},
		{"{\"name\":\"a\"}\n{\"name\":\"b\"}\n{", true, MUS_ERR_SYNTAX, 0, 3},
		{"1\n2\n3\n4\n", true, MUS_ERR_TOOBIG, 0, 0},
		{"{} {}\n", true, MUS_ERR_SYNTAX, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_wire_items *it = NULL;
		struct mus_wire_error we;
		int rc = mus_wire_items_open(rows[i].text, strlen(rows[i].text), rows[i].lines, 3, &it, &we);

		assert_int_equal(rc, rows[i].err);
		assert_int_equal(we.line, rows[i].line);
		if (rc < 0)
			continue;
		assert_int_equal(mus_wire_items_count(it), rows[i].count);
		mus_wire_items_close(it);
	}
}

static void
one_bad_object_of_many_is_refused_alone(void **state)
{
	static const char text[] = "[{\"name\":\"a\"},{\"group\":\"g\"},{\"name\":\"c\",\"mode\":\"x\"}]";
	struct mus_wire_items *it = NULL;
	struct mus_wire_error we;
	struct mus_req_zone r;

	(void)state;
	assert_int_equal(mus_wire_items_open(text, sizeof text - 1, false, 10, &it, &we), 0);
	assert_int_equal(mus_wire_items_get(it, 0, &mus_schema_req_zone, &arena, &r, &we), 0);
	assert_string_equal(r.name, "a");
	assert_int_equal(mus_wire_items_get(it, 1, &mus_schema_req_zone, &arena, &r, &we), MUS_ERR_INVAL);
	assert_string_equal(we.field, "/1/name");
	assert_int_equal(mus_wire_items_get(it, 2, &mus_schema_req_zone, &arena, &r, &we), MUS_ERR_INVAL);
	assert_string_equal(we.field, "/2/mode");
	mus_wire_items_close(it);
	mus_wire_items_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signer_comes_through),
		cmocka_unit_test(bits_are_rows),
		cmocka_unit_test(an_empty_body_is_an_object_without_fields),
		cmocka_unit_test(refusals_name_the_field),
		cmocka_unit_test(the_position_of_broken_json_is_told),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(a_small_arena_is_no_crash),
		cmocka_unit_test(damaged_bodies_are_survived),
		cmocka_unit_test(many_objects_in_one_body),
		cmocka_unit_test(one_bad_object_of_many_is_refused_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
