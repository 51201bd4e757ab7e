#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "dns/form.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct mus_rdata
rd_hex(const char *hex)
{
	static uint8_t out[300];
	long len = mus_hex_decode(hex, out, sizeof out);

	assert_true(len >= 0);
	return (struct mus_rdata){out, (uint16_t)len};
}

/* Forms that fit, as shortly as the type allows, and the nearest that do not. */
static void
fits(void **state)
{
	static const struct {
		uint16_t type;
		const char *good[4], *bad[6];
	} rows[] = {
		{1, {"c0000201"}, {"c00002", "c000020100", ""}},
		{2, {"00", "016100"}, {"", "0161", "0000", "c00c"}},
		{6, {"0000" "0000000100000001000000010000000100000001"},
		    {"0000" "00000001000000010000000100000001000000", "00",
		    "0000" "000000010000000100000001000000010000000100"}},
		{13, {"0000", "01610162"}, {"00", "0161", "01610262"}},
		{15, {"000a00"}, {"000a", "000a0000"}},
		{16, {"00", "0161", "016100"}, {"", "02", "0261", "016102"}},
		{28, {"00000000000000000000000000000000"}, {"000000000000000000000000000000"}},
		{33, {"00010002000300"}, {"000100020003"}},
		{35, {"00010002" "000000" "00"}, {"00010002" "0000", "00010002" "000001" "00"}},
		{43, {"0001080100"}, {"00010801"}},
		{46, {"00010d010000003c77359400650000000001" "00" "01"},
		    {"00010d010000003c77359400650000000001" "00", "00010d010000003c7735940065000000"}},
		{47, {"00", "00000140", "00000140010140"},
		    {"", "000001", "00000100ff", "0000214000", "00010140000140", "00000140000140"}},
		{48, {"0101030800"}, {"01010308"}},
		{50, {"0100000000" "0100", "01000000" "01aa" "0100" "000140"},
		    {"0100000000" "00", "01000000" "02aa", "0100000000" "0100" "00"}},
		{51, {"0100000000"}, {"01000000", "0100000001", "010000000000"}},
		{62, {"000000420003", "000000420003000160"}, {"0000004200", "0000004200030001"}},
		{63, {"00000007010100"}, {"000000070101"}},
		{64, {"000000", "000100" "000300021517", "000100" "0000000200" "03" "00010003026832"},
		    {"0001", "000100" "0003000115", "000100" "00030001", "000100" "00040003010203",
		    "000100" "00030002151700030002" "1517", "000100" "0001000302" "6833" "03"}},
		{256, {"0001000161"}, {"00010001"}},
		{257, {"000161", "00016162"}, {"0000", "000261"}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = 0; k < COUNT(rows[i].good) && rows[i].good[k]; k++) {
			if (!mus__form_fits(rows[i].type, rd_hex(rows[i].good[k])))
				fail_msg("type %d refused %s", rows[i].type, rows[i].good[k]);
		}
		for (size_t k = 0; k < COUNT(rows[i].bad) && rows[i].bad[k]; k++) {
			if (mus__form_fits(rows[i].type, rd_hex(rows[i].bad[k])))
				fail_msg("type %d took %s", rows[i].type, rows[i].bad[k]);
		}
	}
	assert_false(mus__form_fits(65290, rd_hex("00")));
	assert_false(mus__form_fits(0, rd_hex("")));
}

/* RFC 4034 6.2 as RFC 6840 5.1 leaves it, and RFC 3597 4. */
static void
canonical_types(void **state)
{
	static const uint16_t types[] = {2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 17, 18, 21, 24, 26, 30, 33,
	    35, 36, 39, 46};
	size_t next = 0;

	(void)state;
	for (unsigned t = 0; t < 65536; t++) {
		bool want = next < COUNT(types) && types[next] == t;

		next += want;
		assert_int_equal(mus__form_is_canon((uint16_t)t), want);
		/* what is canonicalised has a form, with a name in it */
		if (want)
			assert_non_null(strchr(mus__form_of((uint16_t)t), 'n'));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits),
		cmocka_unit_test(canonical_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
