/* What the store gives back: a broken row is refused, and a good one is written as it was read. */
#include "base/buf.h"
#include "fuzz.h"
#include "model/codec_int.h"

/* As it would be with a checksum that fits, or nearly all inputs end there. */
static int
decode(struct mus_zonestate *z, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	struct mus_errtext et;
	uint32_t sum;
	int rc;

	MUS_ASSERT(copy);
	if (mus_zonestate_decode(z, data, len, &et) < 0)
		MUS_ASSERT(et.s[0] != '\0');
	memcpy(copy, data, len);
	if (len > SUM_LEN) {
		sum = checksum(copy, len - SUM_LEN);
		for (unsigned i = 0; i < SUM_LEN; i++)
			copy[len - SUM_LEN + i] = (uint8_t)(sum >> 8 * (SUM_LEN - 1 - i));
	}
	rc = mus_zonestate_decode(z, copy, len, &et);
	free(copy);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct mus_zonestate z, again;
	struct mus_buf one, two;
	struct mus_errtext et;

	mus_zonestate_init(&z);
	mus_zonestate_init(&again);
	mus_buf_init(&one, 0);
	mus_buf_init(&two, 0);
	if (decode(&z, data, len) == 0) {
		fuzz_taken++;
		if (!mus_zonestate_encode(&z, &one))
			abort();
		MUS_ASSERT(mus_zonestate_decode(&again, one.data, one.len, &et) == 0);
		if (!mus_zonestate_encode(&again, &two))
			abort();
		MUS_ASSERT(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	}
	mus_buf_clear(&one);
	mus_buf_clear(&two);
	mus_zonestate_clear(&z);
	mus_zonestate_clear(&again);
	return 0;
}
