/* Rdata from text, and its text again: nothing but one record may come out of it. */
#include "dns/rr.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mus_errtext et;
	struct mus_rdata rd;
	struct mus_arena a;
	char text[3000];
	uint16_t type;

	if (size < 2)
		return 0;
	mus_arena_init(&a, 0);
	type = (uint16_t)(data[0] << 8 | data[1]);
	if (mus_rdata_parse(type, fuzz_text_in(data + 2, size - 2, text, sizeof text), &a, &rd, &et) == 0) {
		fuzz_taken++;
		MUS_ASSERT(mus_rdata_text(type, rd, &a) != NULL);
	}
	/* the same bytes as wire form, and as a bitmap */
	rd = (struct mus_rdata){data + 2, (uint16_t)(size - 2 < 65535 ? size - 2 : 65535)};
	MUS_ASSERT(mus_rdata_text(type, rd, &a) != NULL);
	(void)mus_bitmap_has(rd.data, rd.len, type);
	mus_arena_clear(&a);
	return 0;
}
