#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dns/name.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct mus_name
name(const char *text)
{
	struct mus_name n = {0};

	assert_int_equal(mus_name_parse(text, &n, NULL), 0);
	return n;
}

static void
parse_and_text(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{".", "."},
		{"example", "example."},
		{"ExAmPle.ORG.", "example.org."},
		{"a\\.b.c.", "a\\.b.c."},
		{"a\\046b.c.", "a\\.b.c."},
		{"\\065.x", "a.x."},
		{"\\000\\255 x.", "\\000\\255\\032x."},
		{"*._dsync.parent.", "*._dsync.parent."},
		{"a\\\\b\\\"\\;\\(\\)\\@\\$.", "a\\\\b\\\"\\;\\(\\)\\@\\$."},
		{"a@b.", "a\\@b."},
	};
	char text[MUS_NAME_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_name n = name(rows[i].in), again;

		assert_string_equal(mus_name_text(&n, text), rows[i].out);
		again = name(text);
		assert_true(mus_name_equal(&n, &again));
	}
}

static void
parse_refuses(void **state)
{
	static const char *const rows[] = {
		"", "..", ".a", "a..b", "a..", "\\", "a\\", "a\\1", "a\\12", "a\\256", "a\\1x2",
		/* a label of 64 */
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_name n = {.len = 77};
		struct mus_errtext et = {0};

		assert_int_equal(mus_name_parse(rows[i], &n, &et), MUS_ERR_INVAL);
		assert_int_equal(n.len, 77);		/* as it was */
		assert_non_null(strstr(et.s, "domain name"));
	}
}

/* 255 bytes are a name, 256 are not: in text, on the wire, and by prepending. */
static void
length_limit(void **state)
{
	char text[300] = "";
	struct mus_name n = {0}, m;
	uint8_t wire[256];

	(void)state;
	/* 3 * 64 + 62 = 254, and the root label */
	for (int i = 0; i < 3; i++) {
		memset(text + strlen(text), 'x', 63);
		text[strlen(text)] = '.';
	}
	memset(text + strlen(text), 'y', 61);
	n = name(text);
	assert_int_equal(n.len, 255);
	assert_int_equal(mus_name_from_wire(n.wire, 255, &m), 0);
	assert_true(mus_name_equal(&n, &m));
	assert_int_equal(mus_name_from_wire(n.wire, 254, &m), MUS_ERR_MALFORM);
	text[strlen(text)] = 'y';
	assert_int_equal(mus_name_parse(text, &m, NULL), MUS_ERR_INVAL);

	memcpy(wire, n.wire, 192);
	wire[192] = 62;
	memset(wire + 193, 'y', 62);
	wire[255] = 0;
	assert_int_equal(mus_name_from_wire(wire, 256, &m), MUS_ERR_MALFORM);

	assert_int_equal(mus_name_prepend("z", &n, &m), MUS_ERR_INVAL);
	assert_true(mus_name_parent(&n, &m));
	assert_int_equal(m.len, 191);
	memset(text, 0, sizeof text);
	memset(text, 'z', 63);
	assert_int_equal(mus_name_prepend(text, &m, &n), 0);
	assert_int_equal(n.len, 255);
	text[63] = 'z';
	assert_int_equal(mus_name_prepend(text, &m, &n), MUS_ERR_INVAL);

	/* 127 labels of one byte */
	memset(wire, 0, sizeof wire);
	for (int i = 0; i < 127; i++) {
		wire[2 * i] = 1;
		wire[2 * i + 1] = 'a';
	}
	assert_int_equal(mus_name_from_wire(wire, 255, &m), 0);
	assert_int_equal(mus_name_labels(&m), 127);
}

static void
from_wire_refuses(void **state)
{
	static const struct {
		const char *wire;
		size_t len;
	} rows[] = {
		{"", 0}, {"\1", 1}, {"\1a", 2}, {"\2a\0", 3}, {"\xc0\x0c", 2}, {"\x40" "aaaa", 5},
		{"\1a\xc0\x00", 4}, {"\3abc", 4},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_name n = {.len = 77};

		assert_int_equal(mus_name_from_wire((const uint8_t *)rows[i].wire, rows[i].len, &n),
		    MUS_ERR_MALFORM);
		assert_int_equal(n.len, 77);
	}
}

/* The example of RFC 4034 6.1, each pair both ways round. */
static void
canonical_order(void **state)
{
	static const char *const rows[] = {
		"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.",
		"z.example.", "\\001.z.example.", "*.z.example.", "\\200.z.example.",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t j = 0; j < COUNT(rows); j++) {
			struct mus_name a = name(rows[i]), b = name(rows[j]);
			int c = mus_name_cmp(&a, &b);

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
		}
	}
}

static void
below(void **state)
{
	static const struct {
		const char *n, *apex;
		bool in;
	} rows[] = {
		{"example.", "example.", true}, {"a.example.", "example.", true},
		{"a.b.example.", "example.", true}, {"example.", ".", true}, {".", ".", true},
		{"example.", "a.example.", false}, {"xexample.", "example.", false},
		{"a.xexample.", "example.", false}, {".", "example.", false},
		/* the bytes match, but not at a label */
		{"a\\007example.", "example.", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_name n = name(rows[i].n), apex = name(rows[i].apex);

		assert_int_equal(mus_name_in(&n, &apex), rows[i].in);
	}
}

static void
up_and_down(void **state)
{
	struct mus_name n = name("a.b.example."), p, q = {.len = 77};

	(void)state;
	assert_int_equal(mus_name_labels(&n), 3);
	assert_true(mus_name_parent(&n, &p));
	q = name("b.example.");
	assert_true(mus_name_equal(&p, &q));
	assert_true(mus_name_parent(&p, &p));		/* in place */
	assert_true(mus_name_parent(&p, &p));
	assert_true(mus_name_is_root(&p));
	assert_int_equal(mus_name_labels(&p), 0);
	q.len = 77;
	assert_false(mus_name_parent(&p, &q));
	assert_int_equal(q.len, 77);

	p = name("parent.");
	assert_int_equal(mus_name_prepend("*._dsync", &p, &q), 0);
	n = name("*._dsync.parent.");
	assert_true(mus_name_equal(&n, &q));
	assert_int_equal(mus_name_prepend("", &p, &q), MUS_ERR_INVAL);
	assert_int_equal(mus_name_prepend("a..b", &p, &q), MUS_ERR_INVAL);
	assert_true(mus_name_equal(&n, &q));
	assert_int_equal(mus_name_prepend("A", &p, &p), 0);
	n = name("a.parent.");
	assert_true(mus_name_equal(&n, &p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_text),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(length_limit),
		cmocka_unit_test(from_wire_refuses),
		cmocka_unit_test(canonical_order),
		cmocka_unit_test(below),
		cmocka_unit_test(up_and_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
