/*
 * Many histories, by several processes: the same sum whatever their number.
 */
#ifndef MUS_TESTS_SIM_RUN_H
#define MUS_TESTS_SIM_RUN_H

#include "history.h"

/* Classes of faults under which zero is not promised, by what has happened (WORLD_APART_*). */
enum { RUN_APART_COUNT = 4, RUN_SEEDS_MAX = 64 };

struct run_sum {
	uint64_t count, bad[HISTORY_END_COUNT];
	uint64_t example[HISTORY_END_COUNT];	/* smallest seed that ended so; 0: none */
};
struct run {
	uint64_t histories, events;
	struct run_sum all;		/* without those that stand apart */
	struct run_sum apart[RUN_APART_COUNT];	/* one that is of several classes counts in the first */
	uint64_t kinds[WORLD_EV_COUNT];
	uint64_t secure, bogus, insecure, failed;	/* answers of resolvers */
	uint64_t cpu_ms;
	unsigned seed_count;
	struct {
		uint64_t seed;
		enum history_end end;
	} seeds[RUN_SEEDS_MAX];		/* that failed, smallest first */
};
struct run_options {
	uint64_t histories, seed;
	unsigned workers, resolvers;
	void (*shape)(struct world *, const struct history *);
};

/* Runs seeds seed to seed + histories - 1.  false: a worker died; told on stderr with its seed. */
bool run_histories(const struct run_options *o, struct run *out);
/* Runs one and tells its story, with a summary at its end. */
#define RUN_END "  the end: "
enum history_end run_story(uint64_t seed, const struct run_options *o, FILE *to);

#endif
