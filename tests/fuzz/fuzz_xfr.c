/* Transfers: the input is a row of messages, each with its length in front; the first byte says
 * whether a TSIG is asked for. */
#include "dns/xfr.h"
#include "fuzz.h"

enum { ID = 0x4242 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mus_tsig_key *key;
	const uint8_t *wire;
	struct mus_name zone;
	struct mus_tsig_ctx ctx;
	struct mus_xfrsum sum;
	struct mus_errtext et;
	struct mus_xfr *x;
	bool ended = false;
	size_t len;

	if (size < 1)
		return 0;
	if (!key)
		MUS_ASSERT(mus_tsig_key_new("k.", "hmac-sha256", "AAAA", &key, NULL) == 0);
	MUS_ASSERT(mus_name_parse("z.", &zone, NULL) == 0);
	mus_tsig_ctx_init(&ctx, key);
	mus_xfrsum_init(&sum, &zone, 1800000000);
	x = mus_xfr_new(&zone, ID, data[0] & 1 ? &ctx : NULL, mus_xfrsum_rr, &sum);
	MUS_ASSERT(x);
	/* a stream whose first message passed */
	ctx.first_seen = (data[0] & 2) != 0;
	data++;
	size--;
	while (fuzz_piece(&data, &size, &wire, &len)) {
		int rc = mus_xfr_feed(x, wire, len, mus_time_from_s(1800000000), &et);

		fuzz_taken += rc >= 0;
		/* once over, over */
		MUS_ASSERT(!ended || rc < 0);
		ended = ended || rc != MUS_XFR_MORE;
	}
	mus_xfr_free(x);
	mus_tsig_ctx_clear(&ctx);
	return 0;
}
