/*
 * RRsets as they truly are: what signers have and servers show, what the oracle judges and resolvers cache.
 */
#ifndef MUS_TESTS_TRUTH_H
#define MUS_TESTS_TRUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/seen.h"

enum {
	WORLD_HIDDEN = MUS_RR_COUNT,	/* data that nobody samples: only resolvers meet them */
	WORLD_HIDDEN2,
	WORLD_RR_COUNT,
};

struct world_set {
	bool absent;
	uint64_t set, dt[MUS_DT_COUNT], aux;
	uint64_t sig;			/* keys that sign it */
	uint32_t ttl_s;
};
struct world_copy {
	struct world_set rr[WORLD_RR_COUNT];
};

#endif
