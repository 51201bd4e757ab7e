/* Names from text and from wire, and spans: what is taken comes back the same after being written. */
#include "base/time.h"
#include "dns/name.h"
#include "fuzz.h"

static void
from_text(const char *s)
{
	char text[MUS_NAME_TEXT_MAX];
	struct mus_name n, again;
	struct mus_errtext et;
	int64_t ms;

	if (mus_name_parse(s, &n, &et) == 0) {
		MUS_ASSERT(n.len > 0 && mus_name_from_wire(n.wire, n.len, &again) == 0);
		MUS_ASSERT(mus_name_equal(&n, &again));
		MUS_ASSERT(mus_name_parse(mus_name_text(&n, text), &again, &et) == 0);
		MUS_ASSERT(mus_name_equal(&n, &again) && mus_name_cmp(&n, &again) == 0);
		while (mus_name_parent(&again, &again))
			MUS_ASSERT(mus_name_in(&n, &again));
		MUS_ASSERT(mus_name_is_root(&again));
	}
	if (mus_span_parse_ms(s, &ms))
		MUS_ASSERT(ms >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[MUS_NAME_TEXT_MAX], *s = fuzz_text(data, len);
	struct mus_name n, again;
	struct mus_errtext et;

	if (s)
		from_text(s);
	free(s);
	if (mus_name_from_wire(data, len, &n) == 0) {
		MUS_ASSERT(n.len <= len);
		MUS_ASSERT(mus_name_parse(mus_name_text(&n, text), &again, &et) == 0);
		MUS_ASSERT(mus_name_equal(&n, &again));
	}
	return 0;
}
