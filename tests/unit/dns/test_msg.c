#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "dns/msg.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct mus_name
name(const char *text)
{
	struct mus_name n = {0};

	assert_int_equal(mus_name_parse(text, &n, NULL), 0);
	return n;
}

/* Bytes of hex with blanks in it. */
static size_t
bytes(const char *hex, uint8_t *out, size_t cap)
{
	char tight[4096];
	size_t n = 0;
	long len;

	for (; *hex != '\0'; hex++) {
		assert_true(n + 1 < sizeof tight);
		if (*hex != ' ')
			tight[n++] = *hex;
	}
	tight[n] = '\0';
	len = mus_hex_decode(tight, out, cap);
	assert_true(len >= 0);
	return (size_t)len;
}

static void
assert_bytes(const uint8_t *got, size_t len, const char *hex)
{
	uint8_t want[2048];
	char text[4097];
	size_t want_len = bytes(hex, want, sizeof want);

	assert_true(len < 2048);
	mus_hex_encode(got, len, text);
	if (len != want_len || memcmp(got, want, len) != 0)
		fail_msg("got %s, want %s", text, hex);
}

static int
parse(const char *hex, struct mus_arena *a, struct mus_msg *m, struct mus_errtext *et)
{
	uint8_t wire[2048];

	return mus_msg_parse(wire, bytes(hex, wire, sizeof wire), a, m, et);
}

/* protocol.md 24 */
static void
build_notify(void **state)
{
	struct mus_query q = {.name = name("child.example."), .type = MUS_TYPE_CDS,
	    .opcode = MUS_OPCODE_NOTIFY};
	uint8_t out[512];
	int len = mus_query_build(&q, 0x1234, out, sizeof out);

	(void)state;
	assert_true(len > 0);
	assert_bytes(out, (size_t)len, "1234 2400 0001 0000 0000 0000 056368696c64 076578616d706c65 00"
	    "003b 0001");
	for (int cap = 0; cap < len; cap++)
		assert_int_equal(mus_query_build(&q, 1, out, (size_t)cap), MUS_ERR_TOOBIG);
}

static void
build_query(void **state)
{
	struct mus_query q = {.name = name("a."), .type = MUS_TYPE_DNSKEY, .dnssec = true, .cd = true};
	uint8_t out[512];
	int len = mus_query_build(&q, 0xffff, out, sizeof out);

	(void)state;
	assert_bytes(out, (size_t)len, "ffff 0010 0001 0000 0000 0001 0161 00 0030 0001"
	    "00 0029 04d0 00008000 0000");
	q.dnssec = q.cd = false;
	q.rd = true;
	len = mus_query_build(&q, 1, out, sizeof out);
	assert_bytes(out, (size_t)len, "0001 0100 0001 0000 0000 0001 0161 00 0030 0001"
	    "00 0029 04d0 00000000 0000");
}

static struct mus_rdata
rd_hex(const char *hex, uint8_t *store, size_t cap)
{
	return (struct mus_rdata){store, (uint16_t)bytes(hex, store, cap)};
}

/* Prerequisites first whatever their order; owners below the zone end in a pointer. */
static void
build_update(void **state)
{
	struct mus_name zone = name("parent.");
	uint8_t a1[4], a2[4], out[512];
	const struct mus_upd_rr rr[] = {
		{.kind = MUS_UPD_ADD, .owner = zone, .type = 1, .ttl_s = 3600,
		    .rd = rd_hex("c0000201", a1, 4)},
		{.kind = MUS_UPD_DEL_RR, .owner = name("child.parent."), .type = 1, .ttl_s = 99,
		    .rd = rd_hex("c0000202", a2, 4)},
		{.kind = MUS_UPD_PRE_EXISTS, .owner = zone, .type = 48},
		{.kind = MUS_UPD_PRE_ABSENT, .owner = name("other."), .type = 59, .rd = {a1, 4}},
		{.kind = MUS_UPD_PRE_RR, .owner = zone, .type = 1, .ttl_s = 7, .rd = {a1, 4}},
	};
	struct mus_arena a;
	struct mus_msg m;
	int len = mus_update_build(&zone, rr, COUNT(rr), 0x4321, out, sizeof out);

	(void)state;
	assert_bytes(out, (size_t)len, "4321 2800 0001 0003 0002 0000 06706172656e74 00 0006 0001"
	    "c00c 0030 00ff 00000000 0000"
	    "056f74686572 00 003b 00fe 00000000 0000"
	    "c00c 0001 0001 00000000 0004 c0000201"
	    "c00c 0001 0001 00000e10 0004 c0000201"
	    "056368696c64 c00c 0001 00fe 00000000 0004 c0000202");
	mus_arena_init(&a, 0);
	assert_int_equal(mus_msg_parse(out, (size_t)len, &a, &m, NULL), 0);
	assert_int_equal(m.opcode, MUS_OPCODE_UPDATE);
	assert_true(mus_name_equal(&m.qname, &zone));
	assert_int_equal(m.rr_count[MUS_SEC_ANSWER], 3);
	assert_int_equal(m.rr_count[MUS_SEC_AUTHORITY], 2);
	assert_int_equal(m.rr[MUS_SEC_ANSWER][0].rd.len, 0);
	assert_true(mus_name_equal(&m.rr[MUS_SEC_AUTHORITY][1].owner, &rr[1].owner));
	mus_arena_clear(&a);
	for (int cap = 0; cap < len; cap++)
		assert_int_equal(mus_update_build(&zone, rr, COUNT(rr), 1, out, (size_t)cap),
		    MUS_ERR_TOOBIG);
}

/* The only RRset that can be deleted as a whole is CSYNC, whatever type is asked for. */
static void
build_update_csync(void **state)
{
	struct mus_name zone = name("parent.");
	struct mus_upd_rr rr = {.kind = MUS_UPD_DEL_CSYNC, .owner = zone, .type = 2, .ttl_s = 9};
	uint8_t out[64];
	int len = mus_update_build(&zone, &rr, 1, 1, out, sizeof out);

	(void)state;
	assert_bytes(out, (size_t)len, "0001 2800 0001 0000 0001 0000 06706172656e74 00 0006 0001"
	    "c00c 003e 00ff 00000000 0000");
}

static void
build_update_root(void **state)
{
	struct mus_name root = name(".");
	struct mus_upd_rr rr = {.kind = MUS_UPD_PRE_EXISTS, .owner = name("a."), .type = 2};
	uint8_t out[512];
	int len = mus_update_build(&root, &rr, 1, 1, out, sizeof out);

	(void)state;
	assert_bytes(out, (size_t)len, "0001 2800 0001 0001 0000 0000 00 0006 0001"
	    "0161 00 0002 00ff 00000000 0000");
}

static void
reply(void **state)
{
	uint8_t req[64], out[64];
	size_t len = bytes("1234 2500 0001 0000 0000 0001 0141 00 003b 0001 00 0029 04d0 00000000 0000",
	    req, sizeof req);
	int n = mus_reply_build(req, len, MUS_RCODE_REFUSED, true, out, sizeof out);

	(void)state;
	assert_bytes(out, (size_t)n, "1234 a505 0001 0000 0000 0000 0141 00 003b 0001");
	for (int cap = 0; cap < n; cap++)
		assert_int_equal(mus_reply_build(req, len, 0, true, out, (size_t)cap), MUS_ERR_TOOBIG);
	/* a question that cannot be read is left out */
	n = mus_reply_build(req, 15, MUS_RCODE_FORMERR, false, out, sizeof out);
	assert_bytes(out, (size_t)n, "1234 a101 0000 0000 0000 0000");
	assert_int_equal(mus_reply_build(req, 11, 0, true, out, sizeof out), MUS_ERR_MALFORM);
}

/* An answer with compression, mixed case, EDNS with extended RCODE, DO, and flags. */
static void
parse_answer(void **state)
{
	struct mus_arena a;
	struct mus_msg m;
	struct mus_errtext et = {0};
	struct mus_name ns = name("ns1.example."), ex = name("example.");

	(void)state;
	mus_arena_init(&a, 0);
	assert_int_equal(parse("abcd 87b1 0001 0001 0001 0002"
	    "074578414d504c65 00 0002 0001"			/* ExAMPLe NS */
	    "c00c 0002 0001 00000e10 0006 034e5331 c00c"	/* NS1.<ptr> */
	    "c00c 0006 0001 00000e10 0018 c00c c00c 00000001 00000002 00000003 00000004 00000005"
	    "c025 0001 0001 00000e10 0004 c0000201"
	    "00 0029 04d0 01008000 0000", &a, &m, &et), 0);
	assert_int_equal(m.id, 0xabcd);
	assert_int_equal(m.rcode, 17);
	assert_true(m.qr && m.aa && m.tc && m.rd && m.ra && m.ad && m.cd && m.do_bit && m.has_edns);
	assert_false(m.has_tsig);
	assert_true(mus_name_equal(&m.qname, &ex));
	assert_int_equal(m.qtype, MUS_TYPE_NS);
	assert_int_equal(m.qclass, MUS_CLASS_IN);
	assert_int_equal(m.rr_count[0], 1);
	assert_int_equal(m.rr_count[1], 1);
	assert_int_equal(m.rr_count[2], 1);
	assert_bytes(m.rr[0][0].rd.data, m.rr[0][0].rd.len, "036e7331 076578616d706c65 00");
	assert_bytes(m.rr[1][0].rd.data, m.rr[1][0].rd.len, "076578616d706c65 00 076578616d706c65 00"
	    "00000001 00000002 00000003 00000004 00000005");
	assert_true(mus_name_equal(&m.rr[2][0].owner, &ns));
	assert_int_equal(m.rr[2][0].ttl_s, 3600);
	mus_arena_clear(&a);
}

static void
parse_refuses(void **state)
{
#define HEAD "0001 8000 0001 "
#define Q " 0161 00 0001 0001"
	static const char *const rows[] = {
		"", "0001 8000 0000 0000 0000 00",
		HEAD "0000 0000 0000 0161 00 0001 00",			/* question cut */
		"0001 8000 0002 0000 0000 0000" Q Q,			/* two questions */
		HEAD "0000 0000 0000" Q "00",				/* trailing byte */
		HEAD "0001 0000 0000" Q,				/* record missing */
		HEAD "ffff 0000 0000" Q " 00 0001 0001 00000000 0000",	/* count too large */
		HEAD "0001 0000 0000" Q " c00c 0001 0001 00000000 0005 01020304", /* rdata cut */
		HEAD "0001 0000 0000" Q " c013 0001 0001 00000000 0000", /* pointer to itself */
		HEAD "0001 0000 0000" Q " c014 0001 0001 00000000 0000", /* pointer forward */
		HEAD "0001 0000 0000" Q " c000 0001 0001 00000000 0000", /* pointer into the header */
		HEAD "0001 0000 0000" Q " 40 0001 0001 00000000 0000",	/* label type 01 */
		HEAD "0001 0000 0000" Q " 016200 0001 0001 00000000 00",	/* head cut */
		HEAD "0001 0000 0000" Q " 00 0002 0001 00000000 0000",	/* NS without data */
		HEAD "0001 0000 0000" Q " 00 0002 0001 00000000 0003 016200 00", /* and trailing */
		HEAD "0001 0000 0000" Q " 00 0002 0001 00000000 0002 0162 00",	/* name leaves rdata */
		HEAD "0001 0000 0000" Q " 00 0002 0001 00000000 0004 016200 00", /* name too short */
		HEAD "0001 0000 0000" Q " 00 0006 0001 00000000 0015 00 00 00000001 00000001 00000001"
		    " 00000001 000000",					/* SOA of 19 bytes */
		HEAD "0001 0000 0000" Q " 00 002e 0001 00000000 0011 0001 08 00 00000000 00000000"
		    " 00000000 00",					/* RRSIG of 17 bytes */
		HEAD "0001 0000 0000" Q " 00 0029 04d0 00000000 0000",	/* OPT in the answer */
		HEAD "0000 0000 0001" Q " 0161 00 0029 04d0 00000000 0000", /* OPT with owner */
		HEAD "0000 0000 0002" Q " 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000",
		HEAD "0000 0000 0002" Q " 00 00fa 00ff 00000000 0000 00 0029 04d0 00000000 0000",
		HEAD "0001 0000 0000" Q " 00 00fa 00ff 00000000 0000",	/* TSIG in the answer */
	};
	struct mus_arena a;

	(void)state;
	mus_arena_init(&a, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_msg m = {.id = 77};
		struct mus_errtext et = {0};

		if (parse(rows[i], &a, &m, &et) != MUS_ERR_MALFORM)
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(m.id, 77);
		assert_non_null(strstr(et.s, "malformed message: "));
	}
	mus_arena_clear(&a);
}

static void
no_memory(void **state)
{
	struct mus_arena a;
	struct mus_msg m;

	(void)state;
	mus_arena_init(&a, 100);
	assert_int_equal(parse(HEAD "0001 0000 0000" Q " 00 0001 0001 00000000 0004 01020304", &a, &m,
	    NULL), MUS_ERR_NOMEM);
	assert_true(mus_arena_failed(&a));
	mus_arena_clear(&a);
}

/* A message with one record whose owner is so many labels of 63 bytes and one of ${last}. */
static int
parse_owner(unsigned full, uint8_t last, uint8_t first_label, struct mus_arena *a, struct mus_msg *m)
{
	uint8_t wire[512];
	size_t n = bytes(HEAD "0001 0000 0000" Q, wire, sizeof wire);

	for (unsigned i = 0; i < full; i++) {
		wire[n] = i == 0 ? first_label : 63;
		memset(wire + n + 1, 'X', first_label);
		n += 1u + wire[n];
	}
	wire[n] = last;
	memset(wire + n + 1, 'y', last);
	n += last + 1u;
	n += bytes("00 0001 0001 00000000 0000", wire + n, sizeof wire - n);
	return mus_msg_parse(wire, n, a, m, NULL);
}

/* Labels of 63 and names of 255 bytes are taken, one more is not. */
static void
owner_limits(void **state)
{
	struct mus_arena a;
	struct mus_msg m;

	(void)state;
	mus_arena_init(&a, 0);
	assert_int_equal(parse_owner(3, 61, 63, &a, &m), 0);
	assert_int_equal(m.rr[0][0].owner.len, 255);
	assert_int_equal(m.rr[0][0].owner.wire[1], 'x');
	assert_int_equal(parse_owner(3, 62, 63, &a, &m), MUS_ERR_MALFORM);
	assert_int_equal(parse_owner(1, 1, 63, &a, &m), 0);
	assert_int_equal(parse_owner(1, 1, 64, &a, &m), MUS_ERR_MALFORM);
	assert_int_equal(parse_owner(1, 1, 0x80, &a, &m), MUS_ERR_MALFORM);
	mus_arena_clear(&a);
}

/* Rdata that grows past the small buffer, up to what 16 bits of length can say. */
static void
large_rdata(void **state)
{
	static uint8_t wire[65535];
	struct mus_arena a;
	struct mus_msg m;

	(void)state;
	mus_arena_init(&a, 0);
	for (size_t sig_len = 1; sig_len < 65535 - 60; sig_len += sig_len < 600 ? 1 : 9973) {
		size_t n = bytes(HEAD "0001 0000 0000" Q " c00c 002e 0001 00000063 0000"
		    " 0001 08 01 00000001 00000002 00000003 0004 c00c", wire, sizeof wire);
		size_t rd_len = 18 + 2 + sig_len;

		wire[n - 22] = (uint8_t)(rd_len >> 8);
		wire[n - 21] = (uint8_t)rd_len;
		memset(wire + n, 0x77, sig_len);
		assert_int_equal(mus_msg_parse(wire, n + sig_len, &a, &m, NULL), 0);
		assert_int_equal(m.rr[0][0].rd.len, rd_len + 1);
		assert_int_equal(m.rr[0][0].rd.data[20], 0);
		assert_int_equal(m.rr[0][0].rd.data[rd_len], 0x77);
		mus_arena_reset(&a);
	}
	mus_arena_clear(&a);
}

/* RRSIGs go to the set they cover; order, duplicates, TTLs; foreign owners and classes stay out. */
static void
sets(void **state)
{
	struct mus_arena a, b;
	struct mus_msg m;
	struct mus_rrset s = {0}, *all;
	struct mus_name owner = name("a."), other = name("b.");
	size_t count;

	(void)state;
	mus_arena_init(&a, 0);
	mus_arena_init(&b, 0);
	assert_int_equal(parse(HEAD "0008 0000 0000" Q
	    " c00c 002e 0001 00000063 0014 0001 08 01 00000001 00000002 00000003 0004 00 ff"
	    " c00c 0001 0001 00000005 0004 05000000"
	    " c00c 0001 0001 00000007 0004 01000000"
	    " c00c 0001 0001 80000000 0004 05000000"	/* counts as 0 (RFC 2181 8) */
	    " c00c 0001 0003 00000006 0004 06000000"
	    " c00c 002e 0001 00000009 0014 0010 08 01 00000001 00000002 00000003 0004 00 ff"
	    " 016200 0001 0001 00000001 0004 09000000"
	    " c00c 0010 0001 7fffffff 0002 0141", &a, &m, NULL), 0);
	assert_true(mus_msg_rrset(&m, MUS_SEC_ANSWER, &owner, MUS_TYPE_A, &b, &s));
	all = mus_msg_rrsets(&m, MUS_SEC_ANSWER, &b, &count);
	mus_arena_clear(&a);		/* the set lives in its own arena */
	assert_int_equal(s.count, 2);
	assert_memory_equal(s.rd[0].data, "\1\0\0\0", 4);
	assert_memory_equal(s.rd[1].data, "\5\0\0\0", 4);
	assert_int_equal(s.ttl_s, 7);
	assert_int_equal(s.rclass, 1);
	assert_int_equal(s.sig_count, 1);
	assert_int_equal(s.sig[0].len, 20);
	assert_int_equal(s.sig_ttl_s, 99);

	assert_int_equal(count, 4);
	assert_true(mus_rrset_equal(&all[0], &s));
	assert_int_equal(all[0].sig_count, 1);
	assert_int_equal(all[1].rclass, 3);
	assert_int_equal(all[2].type, MUS_TYPE_TXT);
	assert_int_equal(all[2].ttl_s, INT32_MAX);
	assert_int_equal(all[2].sig_count, 1);
	assert_int_equal(all[2].sig_ttl_s, 9);
	assert_true(mus_name_equal(&all[3].owner, &other));
	mus_arena_clear(&b);

	assert_int_equal(parse(HEAD "0001 0000 0000" Q
	    " c00c 002e 0001 00000063 0014 0001 08 01 00000001 00000002 00000003 0004 00 ff", &a, &m,
	    NULL), 0);
	assert_false(mus_msg_rrset(&m, MUS_SEC_ANSWER, &owner, MUS_TYPE_A, &a, &s));
	assert_null(mus_msg_rrsets(&m, MUS_SEC_ANSWER, &a, &count));
	assert_int_equal(count, 0);
	/* an UPDATE that deletes signatures names no type that they cover */
	assert_int_equal(parse("0001 2800 0001 0000 0001 0000 0161 00 0006 0001"
	    " c00c 002e 00ff 00000000 0000", &a, &m, NULL), 0);
	assert_null(mus_msg_rrsets(&m, MUS_SEC_AUTHORITY, &a, &count));
	assert_int_equal(count, 0);
	mus_arena_clear(&a);
}

static void
rcodes(void **state)
{
	(void)state;
	assert_string_equal(mus_rcode_text(0), "NOERROR");
	assert_string_equal(mus_rcode_text(MUS_RCODE_NXRRSET), "NXRRSET");
	assert_string_equal(mus_rcode_text(16), "BADVERS");
	assert_string_equal(mus_rcode_text(23), "BADCOOKIE");
	assert_string_equal(mus_rcode_text(24), "RCODE24");
	assert_string_equal(mus_rcode_text(4095), "RCODE4095");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_notify),
		cmocka_unit_test(build_query),
		cmocka_unit_test(build_update),
		cmocka_unit_test(build_update_root),
		cmocka_unit_test(build_update_csync),
		cmocka_unit_test(reply),
		cmocka_unit_test(parse_answer),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(owner_limits),
		cmocka_unit_test(large_rdata),
		cmocka_unit_test(sets),
		cmocka_unit_test(rcodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
