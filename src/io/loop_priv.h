/*
 * For the files of io/ only: work done after the turn-end hooks and right before the loop sleeps
 * (batched sending), so that what a hook asks for still leaves in the same turn.  A flusher runs
 * no callback of a user.
 */
#ifndef MUS_IO_LOOP_PRIV_H
#define MUS_IO_LOOP_PRIV_H

#include "io/loop.h"

struct mus__flusher {
	mus_loop_fn *fn;
	void *arg;
	struct mus__flusher *next;
};
/* ${f} is the caller's and stays until removed. */
void mus__loop_add_flusher(struct mus_loop *l, struct mus__flusher *f);
void mus__loop_remove_flusher(struct mus_loop *l, struct mus__flusher *f);

#endif
