/*
 * Which process a zone is in, and what its rows do to the intention (protocol.md 7, design.md 4.2).  Changes
 * nothing but ${want}; conditions and guards of rows are asked by core/plan.c.  ${c} is the context of ${want}, or
 * of the intention that ${want} was copied from.
 */
#ifndef MUS_CORE_PROCESS_H
#define MUS_CORE_PROCESS_H

#include "core/desire.h"

/* Begins, turns round or ends the process: one at a time, joins before leaves.  But who is lost goes first: it takes
 * no key of the joiner's any more, and the joiner's data fail with its DNSKEY set until that has left the caches,
 * which takes its names out of NS.  What is published for the joiner stays meanwhile. */
void mus_proc_choose(const struct mus_ctx *c, struct mus_want *want);
/* Starts and stops the clocks of the process by what holds now. */
void mus_proc_clocks(const struct mus_ctx *c, struct mus_want *want);
/* The action of the row that the process has come to. */
void mus_proc_act(const struct mus_ctx *c, struct mus_want *want);
/* A parent acts with a delay: it may come to an NS set that was asked for earlier after the row that asks it for
 * another has found nothing to ask, after the one that waits for it, even after the process.  Then it is asked again,
 * and told when it is done. */
void mus_proc_mend(const struct mus_ctx *c, struct mus_want *want);
/* The last row is done: no process. */
void mus_proc_end(struct mus_want *want);

#endif
