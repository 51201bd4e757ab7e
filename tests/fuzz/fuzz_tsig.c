/* TSIG: whatever comes is not good, unless we signed it; and what we sign is good. */
#include "dns/tsig.h"
#include "fuzz.h"

static void
sign_and_check(const struct mus_tsig_key *key, const uint8_t *data, size_t size,
    struct mus_time now)
{
	static uint8_t wire[MUS_MSG_MAX];
	struct mus_tsig_ctx c;
	enum mus_tsig_result r;
	struct mus_arena a;
	struct mus_msg m;
	int n;

	if (size < 12 || size > 60000)
		return;
	mus_arena_init(&a, 0);
	mus_tsig_ctx_init(&c, key);
	memcpy(wire, data, size);
	n = mus_tsig_sign(&c, wire, size, sizeof wire, now);
	if (n > 0 && mus_msg_parse(data, size, &a, &m, NULL) == 0 && !m.has_tsig) {
		MUS_ASSERT(mus_msg_parse(wire, (size_t)n, &a, &m, NULL) == 0 && m.has_tsig);
		mus_tsig_ctx_clear(&c);
		mus_tsig_ctx_init(&c, key);
		r = mus_tsig_check_request(&c, wire, (size_t)n, now);
		MUS_ASSERT(m.qr || r == MUS_TSIG_OK);
	}
	mus_tsig_ctx_clear(&c);
	mus_arena_clear(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mus_tsig_key *key;
	const struct mus_time now = {1800000000000};
	struct mus_tsig_ctx c, s;
	const uint8_t *wire;
	bool stream, covered;
	size_t len;

	if (size < 1)
		return 0;
	if (!key)
		MUS_ASSERT(mus_tsig_key_new("k.", "hmac-sha256", "AAAA", &key, NULL) == 0);
	sign_and_check(key, data, size, now);
	mus_tsig_ctx_init(&c, key);
	mus_tsig_ctx_init(&s, key);
	stream = data[0] & 1;
	c.first_seen = (data[0] & 2) != 0;
	data++;
	size--;
	while (fuzz_piece(&data, &size, &wire, &len)) {
		enum mus_tsig_result r = mus_tsig_check(&c, wire, len, stream, now, &covered);

		fuzz_taken += r != MUS_TSIG_UNSIGNED;
		MUS_ASSERT(!covered && (stream || r != MUS_TSIG_OK));
		MUS_ASSERT(mus_tsig_check_request(&s, wire, len, now) != MUS_TSIG_OK);
	}
	mus_tsig_ctx_clear(&c);
	mus_tsig_ctx_clear(&s);
	return 0;
}
