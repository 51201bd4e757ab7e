/*
 * Random histories: worlds of all kinds in which signers join and leave, roll their keys and change their
 * TTLs, while servers lag and fail, looks and commands are lost, the parent is slow or lowers TTLs, and the
 * controller dies.  Everything follows from the seed.
 */
#ifndef MUS_TESTS_HISTORY_H
#define MUS_TESTS_HISTORY_H

#include "world.h"

/* What may happen, as drawn. */
struct history {
	uint64_t seed;
	struct mus_time ends_at;	/* faults and changes of mind end */
	struct mus_time order_at, fault_at, roll_at, resume_at, lost_at, point_at;	/* the next of each; NEVER: none */
	struct mus_time ttls_at;	/* TTLs are not changed again before */
	unsigned orders, rolls;		/* still to come */
	bool fails_servers, fails_signers, sets_clock, goes_back, rolls_early;
	int leaver;			/* goes rogue and is declared lost; -1: nobody */
	/* set by the caller before history_begin */
	unsigned resolvers;		/* how many; 0: none */
	unsigned signers, members;	/* so many; 0: drawn */
	uint32_t patience_s;		/* after the last fault the goal is reached in so long; 0: 60 days */
	void (*shape)(struct world *, const struct history *);	/* changes the world as drawn, before it begins; or NULL */
};

enum history_end { HISTORY_GOOD, HISTORY_BOGUS, HISTORY_INSECURE, HISTORY_STUCK, HISTORY_OVERFLOW, HISTORY_END_COUNT };
const char *history_end_text(enum history_end e);

/* Draws the world of a seed; ${h} must live as long as it.  Ends with world_free(). */
void history_begin(struct world *w, struct history *h, uint64_t seed);
/* Lets it go on to its end: all that was to happen has happened, nothing fails any more, and the goal is
 * reached or was not in 60 days. */
enum history_end history_run(struct world *w, struct history *h);

#endif
