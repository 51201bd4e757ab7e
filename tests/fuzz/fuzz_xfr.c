/* A transfer of "x.": two bytes of length, a message, and so on, as on TCP. */
#include "dns/xfr.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mus_xfrsum sum;
	struct mus_errtext et;
	struct mus_name zone;
	struct mus_xfr *x;

	if (mus_name_parse("x.", &zone, &et) < 0)
		abort();
	mus_xfrsum_init(&sum, &zone, 1700000000);
	/* The number of the question is the first message's, or nothing would be looked at. */
	if (len < 4 || (x = mus_xfr_new(&zone, (uint16_t)(data[2] << 8 | data[3]), NULL,
	    mus_xfrsum_rr, &sum)) == NULL)
		return 0;
	while (len >= 2) {
		size_t n = (size_t)data[0] << 8 | data[1];

		if (n > len - 2)
			n = len - 2;
		if (mus_xfr_feed(x, data + 2, n, mus_time_from_s(1700000000), &et) != MUS_XFR_MORE)
			break;
		data += n + 2;
		len -= n + 2;
	}
	mus_xfr_free(x);
	return 0;
}
