#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "app/conf.h"
#include "app/log.h"

#include "temp.h"

/* A program of every type there is. */
static const char *const role_words[] = {"read", "operate", "admin", NULL};

struct demo_token {
	const char *name;
	int role;
	struct mus_conf_secret file;
	struct mus_conf_names zones;
};
struct demo {
	const char *title;
	struct {
		struct mus_conf_addrs listen;
		const char *cert;
		const char *state;
		struct {
			int64_t body_max_bytes, clients;
		} limits;
	} api;
	struct mus_addr source;
	struct mus_name zone;
	struct mus_conf_names zones;
	struct mus_conf_strings tags;
	struct mus_conf_secret password;
	int64_t retry_ms, interval_s, depth;
	bool strict;
	int role;
	MUS_CONF_LIST_OF(struct demo_token) tokens;
	struct mus_log_conf log;
};

static const struct mus_conf_row token_rows[] = {
	{MUS_CONF_STRING(struct demo_token, name, "name"), .required = true, .min = 1, .max = 32,
	    .help = "Name in the log."},
	{MUS_CONF_ENUM(struct demo_token, role, "role", role_words), .def = "read",
	    .help = "What it may do."},
	{MUS_CONF_SECRET(struct demo_token, file, "file"), .help = "File of the token."},
	{MUS_CONF_NAMES(struct demo_token, zones, "only.zones"), .def = "",
	    .help = "Only for these zones."},
	MUS_CONF_END,
};
static const struct mus_conf_row rows[] = {
	{MUS_CONF_STRING(struct demo, title, "title"), .help = ".title \\- shown."},
	{MUS_CONF_ADDRS(struct demo, api.listen, "api.listen"), .def = "127.0.0.1 ::1", .port = 8053,
	    .min = 1, .max = 3, .help = "Where the interface listens."},
	{MUS_CONF_FILE(struct demo, api.cert, "api.cert"), .help = "Certificate, PEM."},
	{MUS_CONF_PATH(struct demo, api.state, "api.state"), .def = "state.db",
	    .help = "Database."},
	{MUS_CONF_SIZE(struct demo, api.limits.body_max_bytes, "api.limits.body"), .def = "1M",
	    .min = 1024, .max = 1 << 30, .help = "Largest body."},
	{MUS_CONF_INT(struct demo, api.limits.clients, "api.limits.clients"), .def = "64", .min = 1,
	    .help = "Connections at a time."},
	{MUS_CONF_ADDR(struct demo, source, "source"), .port = 53, .help = "Local address."},
	{MUS_CONF_NAME(struct demo, zone, "zone"), .required = true, .help = "The zone."},
	{MUS_CONF_NAMES(struct demo, zones, "zones"), .help = "More zones."},
	{MUS_CONF_STRINGS(struct demo, tags, "tags"), .def = "a b", .max = 4, .help = "Tags."},
	{MUS_CONF_SECRET(struct demo, password, "password"), .help = "Of the database."},
	{MUS_CONF_SPAN_MS(struct demo, retry_ms, "retry"), .def = "1500ms", .min = 100, .max = 60000,
	    .when = MUS_CONF_AT_RELOAD, .help = "First try."},
	{MUS_CONF_SPAN_S(struct demo, interval_s, "interval"), .def = "1h30m", .min = 1, .max = 604800,
	    .when = MUS_CONF_AT_RELOAD, .help = "Between looks."},
	{MUS_CONF_INT(struct demo, depth, "depth"), .min = -5, .max = 5, .unit = "levels",
	    .help = "A number without default."},
	{MUS_CONF_BOOL(struct demo, strict, "strict"), .def = "true", .help = "Be strict."},
	{MUS_CONF_ENUM(struct demo, role, "role", role_words), .def = "operate",
	    .help = "Role of a | guest."},
	{MUS_CONF_SECTIONS(struct demo, tokens, "tokens", token_rows), .unique = "name", .max = 3,
	    .help = "Bearer tokens."},
	MUS_LOG_CONF_ROWS(struct demo, log, MUS_CONF_AT_RELOAD),
	MUS_CONF_END,
};

static int
check_demo(const struct mus_conf *c, const void *conf, struct mus_errtext *et)
{
	const struct demo *d = conf;
	size_t i;

	for (i = 0; i < d->tokens.count; i++) {
		if (d->tokens.items[i].role == 2 && !d->strict)
			return mus_conf_errf(c, &d->tokens.items[i].role, et,
			    "no admin unless strict");
	}
	return 0;
}
static const struct mus_conf_schema schema = {"demo", sizeof(struct demo), rows, check_demo};

static struct temp tmp;

static int
set_up(void **state)
{
	(void)state;
	if (temp_open(&tmp) < 0)
		return -1;
	temp_write(&tmp, "cert.pem", "PEM\n", 0644);
	temp_write(&tmp, "secret", "  hush hush \nsecond line\n", 0600);
	temp_write(&tmp, "open", "for all\n", 0644);
	temp_write(&tmp, "empty", "\n", 0600);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	temp_close(&tmp);
	return 0;
}

static int
parse(const char *text, struct mus_conf **out, struct mus_errtext *et)
{
	return mus_conf_parse(&schema, "f.yaml", tmp.dir, text, strlen(text), out, et);
}

static const char full[] =
    "# all of it\n"
    "title: \"A: \\\"b\\\" \\\\ \\x07 \\u00fc \\u2028\"\n"
    "api:\n"
    "  listen: [192.0.2.1, \"2001:db8::1@443\"]\n"
    "  cert: cert.pem\n"
    "  state: /var/x.db\n"
    "  limits: {body: 64k}\n"
    "source: 192.0.2.9\n"
    "zone: Example.ORG\n"
    "zones:\n"
    "  - a.test\n"
    "  - b.test.\n"
    "tags: one\n"
    "password: secret\n"
    "retry: 250ms\n"
    "interval: 90\n"
    "depth: -5\n"
    "strict: on\n"
    "role: read\n"
    "tokens:\n"
    "- name: ops\n"
    "  role: admin\n"
    "  file: secret\n"
    "- {name: eyes}\n"
    "- only:\n"
    "    zones: c.test\n"
    "  name: third\n"
    "log:\n"
    "  level: debug\n";

static void
test_values(void **state)
{
	const struct demo *d;
	struct mus_conf *c = NULL;
	struct mus_errtext et = {""};
	char text[MUS_NAME_TEXT_MAX], path[300];

	(void)state;
	if (parse(full, &c, &et) < 0)
		fail_msg("%s", et.s);
	d = mus_conf_get(c);
	assert_string_equal(d->title, "A: \"b\" \\ \a \xc3\xbc \xe2\x80\xa8");
	assert_int_equal(d->api.listen.count, 2);
	assert_string_equal(mus_addr_text(&d->api.listen.items[0], 0, text), "192.0.2.1@8053");
	assert_string_equal(mus_addr_text(&d->api.listen.items[1], 0, text), "2001:db8::1@443");
	snprintf(path, sizeof path, "%s/cert.pem", tmp.dir);
	assert_string_equal(d->api.cert, path);
	assert_string_equal(d->api.state, "/var/x.db");
	assert_int_equal(d->api.limits.body_max_bytes, 65536);
	assert_int_equal(d->api.limits.clients, 64);	/* default beside a given one */
	assert_string_equal(mus_name_text(&d->zone, text), "example.org.");
	assert_int_equal(d->zones.count, 2);
	assert_string_equal(mus_name_text(&d->zones.items[1], text), "b.test.");
	assert_int_equal(d->tags.count, 1);
	assert_string_equal(d->tags.items[0], "one");
	assert_int_equal(d->password.value.len, 9);
	assert_memory_equal(d->password.value.bytes, "hush hush", 9);
	assert_int_equal(d->retry_ms, 250);
	assert_int_equal(d->interval_s, 90);
	assert_int_equal(d->depth, -5);
	assert_true(d->strict);
	assert_int_equal(d->role, 0);
	assert_int_equal(d->tokens.count, 3);
	assert_string_equal(d->tokens.items[0].name, "ops");
	assert_int_equal(d->tokens.items[0].role, 2);
	assert_memory_equal(d->tokens.items[0].file.value.bytes, "hush hush", 9);
	assert_int_equal(d->tokens.items[1].role, 0);
	assert_null(d->tokens.items[1].file.file);
	assert_int_equal(d->tokens.items[2].zones.count, 1);
	assert_int_equal(d->log.level, MUS_LOG_DEBUG);
	assert_int_equal(d->log.repeat_ms, 30000);
	assert_true(mus_conf_is_given(c, &d->depth));
	assert_false(mus_conf_is_given(c, &d->api.limits.clients));
	assert_int_equal(mus_conf_errf(c, &d->tokens.items[2].zones, &et, "no %d", 7), MUS_ERR_SYNTAX);
	assert_string_equal(et.s, "f.yaml:26:12: tokens[2].only.zones: no 7");
	mus_errf(&et, 0, "%s", "a file: is empty");
	assert_int_equal(mus_conf_wrap(c, &d->tokens.items[2].zones, &et, MUS_ERR_IO), MUS_ERR_IO);
	assert_string_equal(et.s, "f.yaml:26:12: tokens[2].only.zones: a file: is empty");
	mus_errf(&et, 0, "%s", "is full");
	assert_int_equal(mus_conf_wrap(c, &d->api.limits.clients, &et, MUS_ERR_FULL), MUS_ERR_FULL);
	assert_string_equal(et.s, "f.yaml: api.limits.clients: is full");
	mus_conf_free(c);
}

static void
test_defaults(void **state)
{
	const struct demo *d;
	struct mus_conf *c = NULL;
	struct mus_errtext et = {""};
	char path[300];

	(void)state;
	/* A section of which every line is a comment, an empty list; tabs that are no indentation. */
	if (parse("zone:\t.\napi:\n  # listen:\tx\ntokens: []\t\n", &c, &et) < 0)
		fail_msg("%s", et.s);
	d = mus_conf_get(c);
	assert_null(d->title);
	assert_int_equal(d->api.listen.count, 2);
	assert_int_equal(d->api.listen.items[1].family, 6);
	assert_int_equal(d->api.listen.items[1].port, 8053);
	snprintf(path, sizeof path, "%s/state.db", tmp.dir);
	assert_string_equal(d->api.state, path);
	assert_int_equal(d->interval_s, 5400);
	assert_int_equal(d->tags.count, 2);
	assert_int_equal(d->role, 1);
	assert_int_equal(d->source.family, 0);
	assert_int_equal(d->depth, 0);
	mus_conf_free(c);
}

/* One row a class of error, with the whole message: file, line, column, key, words. */
static void
test_errors(void **state)
{
	static const struct {
		const char *name, *yaml, *words;
	} t[] = {
		{"unknown key, one is near", "zone: a\nintervall: 1s\n",
		    "f.yaml:2:1: intervall: unknown key; did you mean \"interval\"?"},
		{"unknown key in a section", "zone: a\napi:\n  lisen: ::1\n",
		    "f.yaml:3:3: api.lisen: unknown key; did you mean \"listen\"?"},
		{"unknown key in an item", "zone: a\ntokens:\n  - name: x\n    rolle: read\n",
		    "f.yaml:4:5: tokens[0].rolle: unknown key; did you mean \"role\"?"},
		{"key of another section", "zone: a\nclients: 5\n",
		    "f.yaml:2:1: clients: unknown key here; did you mean \"api.limits.clients\"?"},
		{"unknown key, none is near", "zone: a\nlog:\n  xyzzyxyzzy: 5\n",
		    "f.yaml:3:3: log.xyzzyxyzzy: unknown key; valid here: level, format, repeat"},
		{"dots for sections", "zone: a\napi.cert: cert.pem\n",
		    "f.yaml:2:1: api.cert: unknown key; write a section \"api:\" and the rest below it"},
		{"wrong type: number", "zone: a\ndepth: three\n",
		    "f.yaml:2:8: depth: \"three\" is no whole number"},
		{"wrong type: fraction", "zone: a\ndepth: 1.5\n",
		    "f.yaml:2:8: depth: \"1.5\" is no whole number"},
		{"wrong type: boolean", "zone: a\nstrict: maybe\n",
		    "f.yaml:2:9: strict: \"maybe\" is neither true nor false"},
		{"wrong type: span", "zone: a\nretry: 5 parsecs\n",
		    "f.yaml:2:8: retry: \"5 parsecs\" is no time span (500ms, 10s, 5m, 1h30m, 2d, 1w)"},
		{"wrong type: half a second", "zone: a\ninterval: 500ms\n",
		    "f.yaml:2:11: interval: \"500ms\" is not in whole seconds"},
		{"wrong type: size", "zone: a\napi: {limits: {body: 5MB}}\n",
		    "f.yaml:2:22: api.limits.body: \"5MB\" is no size (4096, 64k, 16M, 1G)"},
		{"wrong type: size overflows", "zone: a\napi: {limits: {body: 9007199254740992G}}\n",
		    "f.yaml:2:22: api.limits.body: \"9007199254740992G\" is no size (4096, 64k, 16M, 1G)"},
		{"wrong type: address", "zone: a\nsource: localhost\n",
		    "f.yaml:2:9: source: \"localhost\" is not an IP address "
		    "(192.0.2.1, 192.0.2.1@5353, 2001:db8::1@53)"},
		{"port beyond the last", "zone: a\nsource: 192.0.2.1@65536\n",
		    "f.yaml:2:9: source: \"192.0.2.1@65536\" is an address whose port is out of range (1 to 65535)"},
		{"port zero", "zone: a\nsource: \"::1@0\"\n",
		    "f.yaml:2:9: source: \"::1@0\" is an address whose port is out of range (1 to 65535)"},
		{"port behind what is no address", "zone: a\nsource: host@65536\n",
		    "f.yaml:2:9: source: \"host@65536\" is not an IP address "
		    "(192.0.2.1, 192.0.2.1@5353, 2001:db8::1@53)"},
		{"wrong type: address in a list",
		    "zone: a\napi:\n  listen:\n    - ::1\n    - 192.0.2.300\n",
		    "f.yaml:5:7: api.listen[1]: \"192.0.2.300\" is not an IP address "
		    "(192.0.2.1, 192.0.2.1@5353, 2001:db8::1@53)"},
		{"wrong type: word", "zone: a\nrole: opperate\n",
		    "f.yaml:2:7: role: \"opperate\" is none of read, operate, admin; did you mean \"operate\"?"},
		{"wrong type: list for a value", "zone: a\ndepth: [1]\n",
		    "f.yaml:2:8: depth: wants a value, not a list"},
		{"wrong type: section for a value", "zone: a\ndepth:\n  x: 1\n",
		    "f.yaml:3:3: depth: wants a value, not a section"},
		{"wrong type: nothing for a value", "zone: a\ndepth:\nstrict: no\n",
		    "f.yaml:2:7: depth: wants a value, not nothing"},
		{"wrong type: section for a list", "zone: a\ntags: {a: b}\n",
		    "f.yaml:2:7: tags: wants a list, not a section"},
		{"wrong type: list in a list", "zone: a\ntags: [[a]]\n",
		    "f.yaml:2:8: tags[0]: wants a value, not a list"},
		{"wrong type: value for a section", "zone: a\napi: yes\n",
		    "f.yaml:2:6: api: wants a section, not a single value"},
		{"wrong type: section for sections", "zone: a\ntokens:\n  name: x\n",
		    "f.yaml:3:3: tokens: wants a list of sections (lines that begin with \"- \"), not a section"},
		{"wrong type: value for an item", "zone: a\ntokens: [x]\n",
		    "f.yaml:2:10: tokens[0]: wants a section, not a single value"},
		{"wrong type: the file", "- zone\n",
		    "f.yaml:1:1: wants keys with values, not a list"},
		{"too small", "zone: a\nretry: 99ms\n",
		    "f.yaml:2:8: retry: \"99ms\": it must be from 100ms to 1m"},
		{"too large", "zone: a\ninterval: 604801\n",
		    "f.yaml:2:11: interval: \"604801\": it must be from 1s to 7d"},
		{"below the only bound", "zone: a\napi: {limits: {clients: 0}}\n",
		    "f.yaml:2:25: api.limits.clients: \"0\": it must be at least 1"},
		{"too long", "zone: a\ntokens: [{name: 123456789012345678901234567890123}]\n",
		    "f.yaml:2:17: tokens[0].name: \"123456789012345678901234567890123\": "
		    "its length must be from 1 to 32"},
		{"too many", "zone: a\ntags: [a, b, c, d, e]\n",
		    "f.yaml:2:7: tags: has 5 entries and wants from 0 to 4"},
		{"too few", "zone: a\napi: {listen: []}\n",
		    "f.yaml:2:15: api.listen: has 0 entries and wants from 1 to 3"},
		{"too many sections", "zone: a\ntokens: [{name: a}, {name: b}, {name: c}, {name: d}]\n",
		    "f.yaml:2:9: tokens: has 4 entries and wants from 0 to 3"},
		{"duplicate key", "zone: a\nstrict: no\nzone: b\n",
		    "f.yaml:3:1: zone: duplicate key; first in line 1"},
		{"duplicate section", "zone: a\napi: {}\nlog: {}\napi: {}\n",
		    "f.yaml:4:1: api: duplicate key; first in line 2"},
		{"duplicate name", "zone: a\ntokens:\n- name: x\n- role: read\n  name: \"x\"\n",
		    "f.yaml:5:9: tokens[1]: name \"x\" was given already in line 3"},
		{"a text twice", "zone: a\ntags: [b, a,\n  \"a\"]\n",
		    "f.yaml:3:3: tags[2]: \"a\" was given already in line 2"},
		{"an address twice", "zone: a\napi:\n  listen: [\"::1\", 127.0.0.1, 0:0:0:0:0:0:0:1@8053]\n",
		    "f.yaml:3:30: api.listen[2]: \"0:0:0:0:0:0:0:1@8053\" was given already in line 3"},
		{"a name twice", "zone: a\nzones: [x.test, X.test.]\n",
		    "f.yaml:2:17: zones[1]: \"X.test.\" was given already in line 2"},
		{"missing mandatory key", "strict: no\n",
		    "f.yaml:1:1: zone: mandatory key is missing (The zone.)"},
		{"missing mandatory key, empty file", "",
		    "f.yaml:1:1: zone: mandatory key is missing (The zone.)"},
		{"missing mandatory key in an item", "zone: a\ntokens:\n- name: x\n- role: read\n",
		    "f.yaml:4:3: tokens[1].name: mandatory key is missing (Name in the log.)"},
		{"too deep", "zone: a\ntags: [[[[[[[[x]]]]]]]]\n",
		    "f.yaml:2:14: tags: nested deeper than 8 levels"},
		{"too deep below an unknown key", "a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n",
		    "f.yaml:1:32: a.b.c.d.e.f.g.h: nested deeper than 8 levels"},
		{"a tab", "zone: a\napi:\n\tlisten: ::1\n",
		    "f.yaml:3:1: a tab in the indentation: use spaces"},
		{"a tab after blanks", "zone: a\napi:\n  \tlisten: ::1\n",
		    "f.yaml:3:3: a tab in the indentation: use spaces"},
		{"a tab in an item", "zone: a\ntokens:\n- name: x\n\t  role: read\n",
		    "f.yaml:4:1: a tab in the indentation: use spaces"},
		{"a tab on a line of its own", "zone: a\n \t\n", "f.yaml:2:2: a tab in the indentation: use spaces"},
		{"two documents", "zone: a\n---\nzone: b\n", "f.yaml:2:1: a second document in the file"},
		{"two documents, one is empty", "zone: a\n---\n", "f.yaml:2:1: a second document in the file"},
		{"an anchor", "zone: &x a\n", "f.yaml:1:7: zone: anchors are not supported"},
		{"an alias", "zone: a\nzones: *x\n", "f.yaml:2:8: zones: aliases are not supported"},
		{"a tag", "zone: a\ndepth: !!str 5\n", "f.yaml:2:8: depth: tags are not supported"},
		{"a key that is a list", "[a]: 5\n", "f.yaml:1:1: a key must be a word"},
		{"a zero byte", "zone: a\ntitle: \"a\\0b\"\n", "f.yaml:2:8: title: a zero byte in a value"},
		{"no YAML", "zone: a\napi: {listen: 10.0.0.1\n",
		    "f.yaml:3:1: api: did not find expected ',' or '}', while parsing a flow mapping"},
		{"no UTF-8", "zone: a\ntitle: \"\xff\"\n",
		    "f.yaml:2:9: invalid leading UTF-8 octet"},
		{"no domain name", "zone: a..b\n", "f.yaml:1:7: zone: \"a..b\" is no domain name: *"},
		{"missing file", "zone: a\napi: {cert: none.pem}\n",
		    "f.yaml:2:13: api.cert: cannot read DIR/none.pem: No such file or directory"},
		{"a folder for a file", "zone: a\napi: {cert: .}\n",
		    "f.yaml:2:13: api.cert: cannot read DIR/.: is a directory"},
		{"empty file name", "zone: a\napi: {state: \"\"}\n",
		    "f.yaml:2:14: api.state: an empty file name"},
		{"missing secret", "zone: a\npassword: none\n",
		    "f.yaml:2:11: password: cannot use the secret in DIR/none: No such file or directory"},
		{"empty secret", "zone: a\npassword: empty\n",
		    "f.yaml:2:11: password: cannot use the secret in DIR/empty: is empty"},
		{"secret for everybody", "zone: a\npassword: open\n",
		    "f.yaml:2:11: password: cannot use the secret in DIR/open: "
		    "holds a secret and everybody may use it (mode 0644); chmod u-x,g-wx,o= mends it"},
		{"rule of the program", "zone: a\nstrict: no\ntokens:\n- name: x\n  role: admin\n",
		    "f.yaml:5:9: tokens[0].role: no admin unless strict"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		struct mus_conf *c = NULL;
		struct mus_errtext et = {""};
		char want[512];
		const char *dir = strstr(t[i].words, "DIR");
		size_t len;

		if (parse(t[i].yaml, &c, &et) !=
		    (strstr(t[i].words, "No such file") ? MUS_ERR_NOTFOUND : MUS_ERR_SYNTAX))
			fail_msg("%s: no error, or another; %s", t[i].name, et.s);
		assert_null(c);
		if (dir)
			snprintf(want, sizeof want, "%.*s%s%s", (int)(dir - t[i].words), t[i].words,
			    tmp.dir, dir + 3);
		else
			snprintf(want, sizeof want, "%s", t[i].words);
		len = strlen(want);
		if (want[len - 1] == '*' ? strncmp(want, et.s, len - 1) != 0 : strcmp(want, et.s) != 0)
			fail_msg("%s\n  want %s\n  have %s", t[i].name, want, et.s);
	}
}

static char *
dump(const struct mus_conf *c, unsigned flags)
{
	struct mus_buf b;
	size_t len;

	mus_buf_init(&b, 0);
	mus_conf_dump(c, flags, &b);
	assert_false(b.failed);
	return (char *)mus_buf_take(&b, &len);
}

static void
note_diff(void *arg, const struct mus_conf_row *row)
{
	char *text = arg;

	strcat(text, row->path);
	strcat(text, row->when == MUS_CONF_AT_RELOAD ? "! " : " ");
}

/* A dump, put anywhere, parses to the same dump. */
static void
check_dump(const char *yaml, unsigned flags)
{
	struct mus_conf *c = NULL, *again = NULL;
	struct mus_errtext et = {""};
	char *one, *two, diff[400] = "";

	if (parse(yaml, &c, &et) < 0)
		fail_msg("%s", et.s);
	one = dump(c, flags);
	if (mus_conf_parse(&schema, "dump", "/", one, strlen(one), &again, &et) < 0)
		fail_msg("%s\nin\n%s", et.s, one);
	two = dump(again, flags);
	mus_conf_diff(c, again, note_diff, diff);
	assert_string_equal(diff, "");
	assert_string_equal(one, two);
	free(one);
	free(two);
	mus_conf_free(c);
	mus_conf_free(again);
}

static void
test_dump(void **state)
{
	static const char *const yaml[] = {
		full,
		"zone: a\napi: {state: /x}\n",
		"zone: a\napi: {state: /x}\ntokens: [{name: a, only: {zones: [x, y]}}, {name: '- b: c'}]\n",
		"zone: a\napi: {state: /x}\ntags: []\ntitle: ''\ndepth: 0\ninterval: 1h30m\n",
		"zone: a\\032b.c\napi: {state: /x, limits: {body: 1G}}\ntags: ['#', ' x ', 'null', \"\\t\"]\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof yaml / sizeof *yaml; i++) {
		check_dump(yaml[i], 0);
		check_dump(yaml[i], MUS_CONF_DUMP_HELP);
	}
}

static void
test_dump_text(void **state)
{
	static const char want[] = "# title:\n"
				   "api:\n"
				   "  # listen:\n"
				   "    # - 127.0.0.1@8053\n"
				   "    # - \"::1@8053\"\n"
				   "  # cert:\n"
				   "  state: /x\n"
				   "  # limits:\n"
				   "    # body: 1M\n"
				   "    # clients: 64\n"
				   "# source:\n"
				   "zone: a.\n"
				   "# zones: []\n"
				   "# tags:\n"
				   "  # - a\n"
				   "  # - b\n"
				   "# password:\n"
				   "# retry: 1500ms\n"
				   "# interval: 1h30m\n"
				   "# depth:\n"
				   "# strict: true\n"
				   "# role: operate\n"
				   "tokens:\n"
				   "  - name: x\n"
				   "    role: admin\n"
				   "    # file:\n"
				   "    # only:\n"
				   "      # zones: []\n"
				   "# log:\n"
				   "  # level: info\n"
				   "  # format: text\n"
				   "  # repeat: 30s\n";
	struct mus_conf *c = NULL;
	struct mus_errtext et = {""};
	char *text;

	(void)state;
	/* What equals the default is a comment, also when it was given. */
	if (parse("strict: yes\nzone: a\napi: {state: /x}\ntokens: [{role: admin, name: x}]\n", &c, &et) < 0)
		fail_msg("%s", et.s);
	text = dump(c, 0);
	assert_string_equal(text, want);
	free(text);
	mus_conf_free(c);
}

/* No secret in a dump. */
static void
test_dump_secret(void **state)
{
	struct mus_conf *c = NULL;
	struct mus_errtext et = {""};
	char *text;

	(void)state;
	assert_int_equal(parse(full, &c, &et), 0);
	text = dump(c, MUS_CONF_DUMP_HELP);
	assert_null(strstr(text, "hush"));
	assert_non_null(strstr(text, "/secret\n"));
	free(text);
	mus_conf_free(c);
}

static void
test_load(void **state)
{
	const struct demo *d;
	struct mus_conf *c = NULL;
	struct mus_errtext et = {""};
	char path[400], cert[400];

	(void)state;
	snprintf(path, sizeof path, "%s", temp_write(&tmp, "demo.yaml", "zone: a\napi: {cert: cert.pem}\n", 0644));
	assert_int_equal(mus_conf_load(&schema, path, &c, &et), 0);
	d = mus_conf_get(c);
	snprintf(cert, sizeof cert, "%s/cert.pem", tmp.dir);
	assert_string_equal(d->api.cert, cert);
	mus_conf_free(c);
	c = NULL;
	assert_int_equal(mus_conf_load(&schema, temp_path(&tmp, "none.yaml"), &c, &et),
	    MUS_ERR_NOTFOUND);
	assert_non_null(strstr(et.s, "none.yaml: No such file"));
	assert_int_equal(mus_conf_load(&schema, tmp.dir, &c, &et), MUS_ERR_IO);
	assert_null(c);
	mus_conf_free(NULL);
}

static const struct mus_conf_row take_rows[] = {
	{MUS_CONF_STRING(struct demo, title, "title"), .help = "Stays."},
	{MUS_CONF_STRINGS(struct demo, tags, "tags"), .when = MUS_CONF_AT_RELOAD, .help = "A list."},
	{MUS_CONF_ADDR(struct demo, source, "source"), .when = MUS_CONF_AT_RELOAD, .help = "An address."},
	{MUS_CONF_INT(struct demo, depth, "depth"), .when = MUS_CONF_AT_RELOAD, .help = "A number."},
	{MUS_CONF_BOOL(struct demo, strict, "strict"), .help = "Stays."},
	{MUS_CONF_SECTIONS(struct demo, tokens, "tokens", token_rows), .when = MUS_CONF_AT_RELOAD, .help = "Sections."},
	MUS_CONF_END,
};
static const struct mus_conf_schema take_schema = {"demo", sizeof(struct demo), take_rows, NULL};

/* What may change at a reload, and nothing else. */
static void
test_take(void **state)
{
	static const char one[] = "title: one\ntags: [a]\ndepth: 1\nstrict: yes\n";
	static const char two[] = "title: two\ntags: [b, c]\nsource: 192.0.2.1@5\ndepth: 2\nstrict: no\ntokens: [{name: x}]\n";
	struct mus_conf *a = NULL, *b = NULL;
	struct mus_errtext et;
	struct demo d;

	(void)state;
	assert_int_equal(mus_conf_parse(&take_schema, "one", "/", one, strlen(one), &a, &et), 0);
	assert_int_equal(mus_conf_parse(&take_schema, "two", "/", two, strlen(two), &b, &et), 0);
	d = *(const struct demo *)mus_conf_get(a);
	mus_conf_take(&take_schema, &d, mus_conf_get(b));
	assert_string_equal(d.title, "one");
	assert_true(d.strict);
	assert_int_equal(d.depth, 2);
	assert_int_equal(d.source.port, 5);
	assert_int_equal(d.tags.count, 2);
	assert_string_equal(d.tags.items[1], "c");
	assert_int_equal(d.tokens.count, 1);
	assert_string_equal(d.tokens.items[0].name, "x");
	mus_conf_take(&take_schema, &d, mus_conf_get(a));
	assert_int_equal(d.tags.count, 1);
	assert_int_equal(d.tokens.count, 0);
	mus_conf_free(a);
	mus_conf_free(b);
}

static void
test_diff(void **state)
{
	struct mus_conf *a = NULL, *b = NULL;
	struct mus_errtext et;
	char text[200] = "";

	(void)state;
	assert_int_equal(parse("zone: a\npassword: secret\ntokens: [{name: x}]\ninterval: 1h\n", &a, &et), 0);
	temp_write(&tmp, "secret", "changed\n", 0600);
	assert_int_equal(parse("zone: a.\npassword: secret\ntokens: [{name: x, role: admin}]\n"
			       "retry: 1s\ninterval: 60m\n",
			     &b, &et),
	    0);
	mus_conf_diff(a, b, note_diff, text);
	assert_string_equal(text, "password retry! tokens ");
	text[0] = '\0';
	mus_conf_diff(a, a, note_diff, text);
	assert_string_equal(text, "");
	mus_conf_free(a);
	mus_conf_free(b);
	temp_write(&tmp, "secret", "  hush hush \nsecond line\n", 0600);
}

static void
test_manual(void **state)
{
	static const struct {
		enum mus_conf_manual form;
		const char *has;
	} t[] = {
		{MUS_CONF_MANUAL_MDOC, ".It Ic api.listen : Ar addresses\n"
				       "Where the interface listens. From 1 to 3. "
				       "Default: 127.0.0.1 ::1. Takes effect at restart.\n"},
		{MUS_CONF_MANUAL_MDOC, ".Bl -tag -width Ds\n.It Ic title : Ar text\n\\&.title \\e\\- "},
		{MUS_CONF_MANUAL_MDOC, "reload.\n.El\n"},
		{MUS_CONF_MANUAL_MDOC, "Bearer tokens. From 0 to 3. No two with the same name. "},
		{MUS_CONF_MANUAL_MARKDOWN, "| key | type | meaning |\n|---|---|---|\n| `title` | text | "},
		{MUS_CONF_MANUAL_MDOC, ".It Ic tokens[].name : Ar text\n"
				       "Name in the log. From 1 to 32. Mandatory."},
		{MUS_CONF_MANUAL_MDOC, ".It Ic depth : Ar number\n"
				       "A number without default. From \\-5 to 5 levels."},
		{MUS_CONF_MANUAL_MARKDOWN, "| `tokens[].only.zones` | names | Only for these zones."},
		{MUS_CONF_MANUAL_MARKDOWN, "| `retry` | span | First try. From 100ms to 1m. "
					   "Default: 1500ms. Takes effect at reload. |\n"},
		{MUS_CONF_MANUAL_MARKDOWN, "| `role` | word | Role of a \\| guest. One of read, operate, admin."},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		struct mus_buf b;

		mus_buf_init(&b, 0);
		mus_conf_manual(&schema, t[i].form, &b);
		if (!strstr((const char *)b.data, t[i].has))
			fail_msg("no %s in\n%s", t[i].has, (const char *)b.data);
		mus_buf_clear(&b);
	}
}

/* A mistake in a table is found by the program's own unit test. */
static void
test_schema(void **state)
{
	static const char *const none[] = {NULL};
	static const struct mus_conf_row item[] = {
		{MUS_CONF_STRING(struct demo, title, "a"), .help = "A."},
		MUS_CONF_END,
	};
	static const struct mus_conf_row bad_item[] = {
		{MUS_CONF_STRING(struct demo, title, "x"), .help = "X."},
		{MUS_CONF_INT(struct demo, depth, "y"), .def = "z", .help = "Y."},
		MUS_CONF_END,
	};
	static const struct {
		struct mus_conf_row rows[4];
		const char *words;
	} t[] = {
		{{{MUS_CONF_INT(struct demo, depth, "a"), .def = "x", .help = "A."}},
		    "a: its default: \"x\" is no whole number"},
		{{{MUS_CONF_INT(struct demo, depth, "a"), .def = "5", .max = 4, .help = "A."}},
		    "a: its default: \"5\": it must be from 0 to 4"},
		{{{MUS_CONF_INT(struct demo, depth, "a"), .help = "no sentence"}},
		    "a: its help is no sentence"},
		{{{MUS_CONF_INT(struct demo, depth, "a"), .def = "1", .required = true, .help = "A."}},
		    "a: mandatory and with a default"},
		{{{MUS_CONF_INT(struct demo, depth, "a"), .min = 5, .max = 4, .help = "A."}},
		    "a: its bounds are reversed"},
		{{{MUS_CONF_INT(struct demo, depth, "a"), .help = "A."},
		     {MUS_CONF_INT(struct demo, depth, "a"), .help = "A."}},
		    "a: twice, or a key and a section"},
		{{{MUS_CONF_INT(struct demo, depth, "a.b"), .help = "A."},
		     {MUS_CONF_INT(struct demo, depth, "a"), .help = "A."}},
		    "a: twice, or a key and a section"},
		{{{MUS_CONF_INT(struct demo, depth, "a.b"), .help = "A."},
		     {MUS_CONF_INT(struct demo, depth, "ab"), .help = "A."},
		     {MUS_CONF_INT(struct demo, depth, "a.c"), .help = "A."}},
		    "a.c: the rows of its section do not stand together"},
		{{{MUS_CONF_ENUM(struct demo, role, "a", none), .help = "A."}}, "a: no words"},
		{{{MUS_CONF_SECTIONS(struct demo, tokens, "a", item), .unique = "b", .help = "A."}},
		    "a: no key b"},
		{{{MUS_CONF_SECTIONS(struct demo, tokens, "a", bad_item), .help = "A."}},
		    "a: y: its default: \"z\" is no whole number"},
		{{{MUS_CONF_INT(struct demo, depth, "a.b.c.d.e.f.g.h.i"), .help = "A."}},
		    "a.b.c.d.e.f.g.h.i: nested too deep"},
	};
	struct mus_errtext et = {""};
	size_t i;

	(void)state;
	if (mus_conf_check_schema(&schema, &et) < 0)
		fail_msg("%s", et.s);
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		const struct mus_conf_schema s = {"bad", sizeof(struct demo), t[i].rows, NULL};

		assert_int_equal(mus_conf_check_schema(&s, &et), MUS_ERR_INTERNAL);
		assert_string_equal(et.s, t[i].words);
	}
}

/* Mandatory keys in sections, a unique key that is not the first, a secret by default, more keys
 * than a message has room for. */
struct other {
	int64_t n;
	struct mus_conf_secret secret;
	MUS_CONF_LIST_OF(struct demo_token) list;
};

static void
test_other_schema(void **state)
{
	static const struct mus_conf_row item[] = {
		{MUS_CONF_ENUM(struct demo_token, role, "role", role_words), .help = "Role."},
		{MUS_CONF_STRING(struct demo_token, name, "name"), .required = true, .help = "Name."},
		MUS_CONF_END,
	};
	static const struct mus_conf_row other_rows[] = {
		{MUS_CONF_INT(struct other, n, "a.b.must"), .required = true, .help = "N."},
		{MUS_CONF_SECRET(struct other, secret, "secret"), .def = "secret", .help = "S."},
		{MUS_CONF_SECTIONS(struct other, list, "list", item), .unique = "name", .help = "L."},
#define LONG(x) {MUS_CONF_INT(struct other, n, "a_rather_long_key_of_which_there_are_many_" x), .help = "N."}
		LONG("1"), LONG("2"), LONG("3"), LONG("4"), LONG("5"), LONG("6"), LONG("7"), LONG("8"),
		MUS_CONF_END,
	};
	static const struct mus_conf_schema s = {"other", sizeof(struct other), other_rows, NULL};
	static const struct {
		const char *yaml, *words;
	} t[] = {
		{"", "o:1:1: a.b.must: mandatory key is missing (N.)"},
		{"\nsecret: secret\n", "o:2:1: a.b.must: mandatory key is missing (N.)"},
		{"\na:\n  # nothing\n", "o:2:3: a.b.must: mandatory key is missing (N.)"},
		{"a:\n  b: {}\n", "o:2:6: a.b.must: mandatory key is missing (N.)"},
		{"a: {b: {must: 1}}\nlist: [{name: x, role: read}, {name: y}, {role: read, name: x}]\n",
		    "o:2:61: list[2]: name \"x\" was given already in line 2"},
		{"xyzzyxyzzyxyzzy: 1\n",
		    "o:1:1: xyzzyxyzzyxyzzy: unknown key; valid here: a, secret, list, "
		    "a_rather_long_key_of_which_there_are_many_1, a_rather_long_key_of_which_there_are_many_2, "
		    "a_rather_long_key_of_which_there_are_many_3, a_rather_long_key_of_which_there_are_many_4, "
		    "a_rather_long_key_of_which_there_are_many_5, a_rather_long_key_of_which_there_are_many_6, ..."},
	};
	struct mus_conf *c = NULL, *again = NULL;
	struct mus_errtext et = {""};
	const struct other *o;
	const char *yaml = "a: {b: {must: 1}}\nlist: [{name: x}, {role: read, name: y}]\n";
	char *text;
	size_t i;

	(void)state;
	if (mus_conf_check_schema(&s, &et) < 0)
		fail_msg("%s", et.s);
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(mus_conf_parse(&s, "o", tmp.dir, t[i].yaml, strlen(t[i].yaml), &c, &et),
		    MUS_ERR_SYNTAX);
		assert_string_equal(et.s, t[i].words);
	}
	if (mus_conf_parse(&s, "o", tmp.dir, yaml, strlen(yaml), &c, &et) < 0)
		fail_msg("%s", et.s);
	o = mus_conf_get(c);
	assert_memory_equal(o->secret.value.bytes, "hush hush", 9);
	text = dump(c, 0);
	assert_non_null(strstr(text, "\n# secret: "));	/* the default, though its path is now absolute */
	assert_non_null(strstr(text, "\nlist:\n  -\n    # role:\n    name: x\n  - role: read\n    name: y\n"));
	if (mus_conf_parse(&s, "o", tmp.dir, text, strlen(text), &again, &et) < 0)
		fail_msg("%s", et.s);
	free(text);
	mus_conf_free(c);
	mus_conf_free(again);
}

/* Twenty thousand sections: time and depth do not grow with their square. */
static void
test_large(void **state)
{
	static const struct mus_conf_row many_rows[] = {
		{MUS_CONF_SECTIONS(struct demo, tokens, "tokens", token_rows), .unique = "name",
		    .help = "Many."},
		MUS_CONF_END,
	};
	const struct mus_conf_schema s = {"many", sizeof(struct demo), many_rows, NULL};
	struct mus_conf *c = NULL;
	struct mus_errtext et = {""};
	struct mus_buf b;
	unsigned i;
	char *text;

	(void)state;
	mus_buf_init(&b, 0);
	mus_buf_add_str(&b, "tokens:\n");
	for (i = 0; i < 20000; i++)
		mus_buf_printf(&b, "  - name: t%u\n    role: admin\n", i);
	if (mus_conf_parse(&s, "many", "/", b.data, b.len, &c, &et) < 0)
		fail_msg("%s", et.s);
	text = dump(c, 0);
	assert_non_null(strstr(text, "- name: t19999\n"));
	free(text);
	mus_conf_free(c);
	mus_buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_dump_text),
		cmocka_unit_test(test_dump_secret),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_other_schema),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("app/conf", tests, set_up, tear_down);
}
