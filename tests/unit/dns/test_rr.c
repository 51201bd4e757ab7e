#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "dns/rr.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *
hex_of(struct mus_rdata rd)
{
	static char hex[2048];

	assert_true(rd.len < 1024);
	mus_hex_encode(rd.data, rd.len, hex);
	return hex;
}

static void
types(void **state)
{
	static const struct {
		const char *text;
		uint16_t type;
	} rows[] = {
		{"A", 1}, {"NS", 2}, {"SOA", 6}, {"RRSIG", 46}, {"DNSKEY", 48}, {"CDS", 59},
		{"CDNSKEY", 60}, {"CSYNC", 62}, {"ZONEMD", 63}, {"DSYNC", 66}, {"AXFR", 252},
		{"TYPE65290", 65290}, {"TYPE65535", 65535},
	};
	static const char *const bad[] = {"", "X", "TYPE", "TYPE65536", "TYPE1x", "TYPE-1", "CDS "};
	char text[MUS_TYPE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(mus_type_text(rows[i].type, text), rows[i].text);
		assert_int_equal(mus_type_parse(rows[i].text), rows[i].type);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(mus_type_parse(bad[i]), 0);
	assert_int_equal(mus_type_parse("dsync"), 66);
	assert_int_equal(mus_type_parse("cds"), 59);
	assert_int_equal(mus_type_parse("TYPE66"), 66);
}

/* protocol.md 24, and the types that the suite handles. */
static void
rdata_text(void **state)
{
	static const struct {
		uint16_t type;
		const char *in, *hex, *out;	/* out NULL: as in */
	} rows[] = {
		{MUS_TYPE_CSYNC, "66 3 A NS AAAA", "000000420003000460000008", NULL},
		{MUS_TYPE_CDS, "0 0 0 00", "0000000000", NULL},
		{MUS_TYPE_CDNSKEY, "0 3 0 AA==", "0000030000", NULL},
		{MUS_TYPE_DSYNC, "\\# 30 003b0114ef0b6364732d7363616e6e6572076578616d706c65036e657400",
		    "003b0114ef0b6364732d7363616e6e6572076578616d706c65036e657400", NULL},
		{65285, "\\# 30 010468617265056167656e740468617265076578616d706c650003666f78",
		    "010468617265056167656e740468617265076578616d706c650003666f78", NULL},
		{256, "10 10 \"dns://ns.fox.example:5399/\"",
		    "000a000a646e733a2f2f6e732e666f782e6578616d706c653a353339392f", NULL},
		{64, "1 . port=5399 ipv4hint=192.0.2.53",
		    "0001000003000215170004" "0004c0000235", NULL},
		{MUS_TYPE_A, "192.0.2.1", "c0000201", NULL},
		{MUS_TYPE_NS, "NS1.Example.", "036e7331076578616d706c6500", "ns1.example."},
		{MUS_TYPE_NS, "ns1.example", "036e7331076578616d706c6500", "ns1.example."},
		{MUS_TYPE_MX, "10 Mail.", "000a046d61696c00", "10 mail."},
		{MUS_TYPE_TXT, "\"a b\" \"c;d\"", "0361206203633b64", NULL},
		{MUS_TYPE_SOA, "A. B. 1 2 3 4 5",
		    "0161000162000000000100000002000000030000000400000005", "a. b. 1 2 3 4 5"},
		/* RFC 6840 5.1: the next name of NSEC keeps its case */
		{MUS_TYPE_NSEC, "Host.Example. A MX RRSIG NSEC TYPE1234",
		    "04486f7374074578616d706c6500" "0006400100000003"
		    "041b000000000000000000000000000000000000000000000000000020", NULL},
		{65290, "\\# 0", "", NULL},
	};
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_rdata rd = {0};
		struct mus_errtext et = {0};
		const char *out = rows[i].out ? rows[i].out : rows[i].in;

		if (mus_rdata_parse(rows[i].type, rows[i].in, &a, &rd, &et) != 0)
			fail_msg("%s: %s", rows[i].in, et.s);
		assert_string_equal(hex_of(rd), rows[i].hex);
		assert_string_equal(mus_rdata_text(rows[i].type, rd, &a), out);
	}
	mus_arena_clear(&a);
}

static void
rdata_refuses(void **state)
{
	static const struct {
		uint16_t type;
		const char *text;
	} rows[] = {
		{MUS_TYPE_A, ""}, {MUS_TYPE_A, "192.0.2"}, {MUS_TYPE_A, "192.0.2.1 x"},
		{MUS_TYPE_A, "192.0.2.1\n. 0 IN A 192.0.2.2"},
		{MUS_TYPE_A, "192.0.2.1\n$INCLUDE other"}, {MUS_TYPE_A, "\n$INCLUDE other"},
		{MUS_TYPE_NS, "a..b"}, {MUS_TYPE_TXT, "\"open"}, {65290, "free words"},
		{65290, "\\# 3 0102"}, {65290, "\\# 1 0102"},
		{MUS_TYPE_MX, "10 ( mail."}, {MUS_TYPE_SOA, "a. b. 1 2 3 4"},
	};
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_rdata rd = {NULL, 77};
		struct mus_errtext et = {0};

		assert_int_equal(mus_rdata_parse(rows[i].type, rows[i].text, &a, &rd, &et),
		    MUS_ERR_INVAL);
		assert_int_equal(rd.len, 77);
		assert_non_null(strstr(et.s, "record \""));
	}
	mus_arena_clear(&a);
}

/* Rdata that does not fit its type is shown in generic form, never refused. */
static void
broken_rdata_text(void **state)
{
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 0);
	assert_string_equal(mus_rdata_text(MUS_TYPE_A, (struct mus_rdata){(const uint8_t *)"\1\2", 2},
	    &a), "\\# 2 0102");
	assert_string_equal(mus_rdata_text(MUS_TYPE_NS, (struct mus_rdata){(const uint8_t *)"\3ab", 3},
	    &a), "\\# 3 036162");
	assert_string_equal(mus_rdata_text(MUS_TYPE_NS, (struct mus_rdata){NULL, 0}, &a), "\\# 0");
	mus_arena_clear(&a);
}

static struct mus_rdata
rd_of(const char *s)
{
	return (struct mus_rdata){(const uint8_t *)s, (uint16_t)strlen(s)};
}

static void
sets(void **state)
{
	struct mus_rrset s = {.type = MUS_TYPE_TXT}, copy, other = {.type = MUS_TYPE_TXT};
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 0);
	assert_int_equal(mus_name_parse("x.", &s.owner, NULL), 0);
	other.owner = s.owner;
	assert_int_equal(mus_rrset_add(&s, rd_of("b"), &a), 0);
	copy = s;
	assert_int_equal(mus_rrset_add(&s, rd_of("a"), &a), 0);
	assert_int_equal(mus_rrset_add(&s, rd_of("ab"), &a), 0);
	assert_int_equal(mus_rrset_add(&s, rd_of("b"), &a), 0);
	assert_int_equal(s.count, 3);
	assert_memory_equal(s.rd[0].data, "a", 1);
	assert_memory_equal(s.rd[1].data, "ab", 2);
	assert_memory_equal(s.rd[2].data, "b", 1);
	/* a copy of the struct keeps its own list */
	assert_int_equal(mus_rrset_add(&copy, rd_of("c"), &a), 0);
	assert_int_equal(copy.count, 2);
	assert_false(mus_rrset_has(&s, rd_of("c")));
	assert_true(mus_rrset_has(&s, rd_of("ab")));
	assert_false(mus_rrset_has(&s, rd_of("abc")));

	assert_int_equal(mus_rrset_add(&other, rd_of("ab"), &a), 0);
	assert_int_equal(mus_rrset_add(&other, rd_of("b"), &a), 0);
	assert_false(mus_rrset_equal(&s, &other));
	assert_true(mus_rrset_digest(&s) != mus_rrset_digest(&other));
	assert_int_equal(mus_rrset_add(&other, rd_of("a"), &a), 0);
	assert_int_equal(mus_rrset_add_sig(&other, rd_of("sig"), &a), 0);
	other.ttl_s = 77;
	assert_true(mus_rrset_equal(&s, &other));
	assert_true(mus_rrset_digest(&s) == mus_rrset_digest(&other));
	other.type = MUS_TYPE_A;
	assert_false(mus_rrset_equal(&s, &other));
	assert_true(mus_rrset_digest(&s) != mus_rrset_digest(&other));
	mus_arena_clear(&a);
	/* SHA-256 of "abc" begins with ba7816bf8f01cfea */
	assert_true(mus_digest64("abc", 3) == 0xba7816bf8f01cfea);
}

/* All of it, and nothing lent from the other arena. */
static void
copies(void **state)
{
	struct mus_rrset s = {.type = MUS_TYPE_TXT, .rclass = 1, .ttl_s = 77, .sig_ttl_s = 78}, to, *list;
	struct mus_arena a, b, none;
	uint64_t digest;

	(void)state;
	mus_arena_init(&a, 0);
	mus_arena_init(&b, 0);
	mus_arena_init(&none, 1);
	assert_int_equal(mus_name_parse("x.", &s.owner, NULL), 0);
	assert_int_equal(mus_rrset_add(&s, rd_of("a"), &a), 0);
	assert_int_equal(mus_rrset_add(&s, rd_of("b"), &a), 0);
	assert_int_equal(mus_rrset_add_sig(&s, rd_of("sig"), &a), 0);
	digest = mus_rrset_digest(&s);
	assert_int_equal(mus_rrset_copy(&to, &s, &none), MUS_ERR_NOMEM);
	assert_null(mus_rrsets_copy(&s, 1, &none));
	assert_int_equal(mus_rrset_copy(&to, &s, &b), 0);
	assert_non_null(list = mus_rrsets_copy(&s, 1, &b));
	assert_non_null(mus_rrsets_copy(NULL, 0, &b));
	mus_arena_clear(&a);
	for (unsigned i = 0; i < 2; i++) {
		const struct mus_rrset *c = i ? &list[0] : &to;

		assert_true(mus_rrset_digest(c) == digest);
		assert_true(c->count == 2 && c->rclass == 1 && c->ttl_s == 77 && c->sig_ttl_s == 78);
		assert_int_equal(c->sig_count, 1);
		assert_memory_equal(c->sig[0].data, "sig", 3);
	}
	mus_arena_clear(&b);
	mus_arena_clear(&none);
}

static void
bitmaps(void **state)
{
	static const uint16_t types_[] = {1234, 1, 15, 46, 47, 1, 65535};
	uint8_t map[128];
	size_t len = mus_bitmap_encode(types_, COUNT(types_), map, sizeof map);

	(void)state;
	assert_int_equal(len, 8 + 29 + 34);
	for (unsigned t = 0; t <= 65535; t++) {
		bool want = t == 1 || t == 15 || t == 46 || t == 47 || t == 1234 || t == 65535;

		assert_int_equal(mus_bitmap_has(map, len, (uint16_t)t), want);
	}
	/* cut anywhere: what is gone is not there, and nothing is read behind the end */
	for (size_t cut = 0; cut < len; cut++)
		assert_false(mus_bitmap_has(map, cut, 65535));
	assert_int_equal(mus_bitmap_encode(types_, COUNT(types_), map, len - 1), 0);
	assert_int_equal(mus_bitmap_encode(types_, COUNT(types_), map, len), len);
	assert_false(mus_bitmap_has((const uint8_t *)"\0\0", 2, 1));
	assert_false(mus_bitmap_has((const uint8_t *)"\0\41\x40", 3, 1));
	/* RFC 4034 4.3 */
	assert_true(mus_bitmap_has((const uint8_t *)"\0\6\x40\1\0\0\0\3", 8, MUS_TYPE_MX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(rdata_text),
		cmocka_unit_test(rdata_refuses),
		cmocka_unit_test(broken_rdata_text),
		cmocka_unit_test(sets),
		cmocka_unit_test(copies),
		cmocka_unit_test(bitmaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
