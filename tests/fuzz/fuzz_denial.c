/* Denials: a message whose question is the name denied; each zone above it in turn. */
#include "dns/denial.h"
#include "dns/msg.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mus_rrset *sets;
	struct mus_arena a;
	struct mus_msg m;
	size_t count;

	mus_arena_init(&a, 0);
	if (mus_msg_parse(data, size, &a, &m, NULL) == 0 && m.qname.len > 0) {
		struct mus_name zone = m.qname;
		unsigned zones = 0;

		sets = mus_msg_rrsets(&m, MUS_SEC_AUTHORITY, &a, &count);
		do {
			struct mus_denial nx, nodata;

			mus_denial_check(sets, count, &zone, &m.qname, m.qtype, true, &nx);
			mus_denial_check(sets, count, &zone, &m.qname, m.qtype, false, &nodata);
			MUS_ASSERT(nx.proves == (nx.why == NULL));
			MUS_ASSERT(nodata.proves == (nodata.why == NULL));
			MUS_ASSERT(!nx.proves || nx.kind != MUS_DENIAL_NONE);
			MUS_ASSERT(nx.params == nodata.params);
			fuzz_taken += nx.proves || nodata.proves;
		} while (++zones < 5 && mus_name_parent(&zone, &zone));
	}
	mus_arena_clear(&a);
	return 0;
}
