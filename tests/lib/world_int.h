/* What the parts of the world use of each other. */
#ifndef MUS_TESTS_WORLD_INT_H
#define MUS_TESTS_WORLD_INT_H

#include "world.h"

/* Earliest instant at which the signer does something by itself. */
struct mus_time world_signer_due(const struct world_signer *g);
/* The signer does what is due. */
void world_signer_act(struct world *w, unsigned s);
/* What it shows of its own accord, whatever was asked of it. */
void world_signer_insist(struct world *w, unsigned s);
/* A change arrives. */
void world_signer_obey(struct world *w, const struct mus_act *a);
/* The parent looks at CDS and CSYNC; publishes what it has decided; restores the TTL. */
void world_parent_scan(struct world *w);
void world_parent_publish(struct world *w);
void world_parent_restore(struct world *w);

static inline bool
world_is_due(const struct world *w, struct mus_time t)
{
	return t.ms <= w->now.ms;
}

#endif
