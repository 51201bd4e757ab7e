/* Names: text and wire, there and back, and the order; and spans as people write them. */
#include "base/time.h"
#include "dns/name.h"
#include "fuzz.h"

static void
back_and_forth(const struct mus_name *n)
{
	char text[MUS_NAME_TEXT_MAX], again[MUS_NAME_TEXT_MAX];
	struct mus_name m, up = *n;
	unsigned labels = mus_name_labels(n);

	fuzz_taken++;
	MUS_ASSERT(mus_name_parse(mus_name_text(n, text), &m, NULL) == 0);
	MUS_ASSERT(mus_name_equal(n, &m));
	MUS_ASSERT(strcmp(text, mus_name_text(&m, again)) == 0);
	MUS_ASSERT(mus_name_from_wire(n->wire, n->len, &m) == 0 && mus_name_equal(n, &m));
	while (mus_name_parent(&up, &up)) {
		MUS_ASSERT(mus_name_in(n, &up) && !mus_name_in(&up, n));
		MUS_ASSERT(mus_name_cmp(n, &up) > 0 && mus_name_cmp(&up, n) < 0);
		labels--;
	}
	MUS_ASSERT(labels == 0 && mus_name_is_root(&up));
	if (mus_name_prepend("x\\.y", n, &m) == 0)
		MUS_ASSERT(mus_name_in(&m, n) && mus_name_labels(&m) == mus_name_labels(n) + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mus_name a, b;
	char text[2000];
	int64_t ms;
	bool has_a = mus_name_from_wire(data, size, &a) == 0, has_b;
	size_t skip = has_a ? a.len : 0;

	if (has_a)
		back_and_forth(&a);
	(void)fuzz_text_in(data + skip, size - skip, text, sizeof text);
	if (mus_span_parse_ms(text, &ms))
		MUS_ASSERT(ms >= 0);
	has_b = mus_name_parse(text, &b, NULL) == 0;
	if (has_b)
		back_and_forth(&b);
	if (has_a && has_b) {
		int c = mus_name_cmp(&a, &b), d = mus_name_cmp(&b, &a);

		MUS_ASSERT((c < 0) == (d > 0) && (c == 0) == (d == 0));
		MUS_ASSERT((c == 0) == mus_name_equal(&a, &b));
	}
	return 0;
}
