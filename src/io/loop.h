/*
 * The event loop of a daemon: libuv behind a few calls.  The clock is read once per turn
 * (mus_loop_now); callbacks are short.  Nothing here is thread-safe except mus_loop_post.
 */
#ifndef MUS_IO_LOOP_H
#define MUS_IO_LOOP_H

#include "base/err.h"
#include "base/time.h"

struct uv_loop_s;
struct mus_loop;
struct mus_timer;
typedef void mus_loop_fn(void *arg);

struct mus_loop *mus_loop_new(void);			/* NULL: no memory */
/* Everything opened on the loop must be closed before; runs the pending close callbacks. */
void mus_loop_free(struct mus_loop *l);
void mus_loop_run(struct mus_loop *l);			/* until mus_loop_stop */
void mus_loop_stop(struct mus_loop *l);
struct mus_time mus_loop_now(const struct mus_loop *l);	/* wall clock, of this turn */
int64_t mus_loop_mono_ms(const struct mus_loop *l);	/* monotonic, for time-outs */
int64_t mus_loop_boot_ms(const struct mus_loop *l);	/* since boot, sleep included; read with mus_loop_now */
/* Of which boot that is, as the kernel names it; empty: it cannot be read. */
const char *mus_loop_boot_id(const struct mus_loop *l);
struct uv_loop_s *mus_loop_uv(struct mus_loop *l);

/* Timers run on the monotonic clock.  A timer fires once per start. */
struct mus_timer *mus_timer_new(struct mus_loop *l, mus_loop_fn *fn, void *arg);
void mus_timer_start(struct mus_timer *t, int64_t after_ms);	/* restarts when running */
void mus_timer_stop(struct mus_timer *t);
void mus_timer_free(struct mus_timer *t);		/* NULL is fine; never fires afterwards */

/* Runs ${fn} at the end of every turn, before the loop sleeps: where work is committed in one
 * go and then sent.  At most 8 hooks, in the order of registration. */
int mus_loop_at_turn_end(struct mus_loop *l, mus_loop_fn *fn, void *arg) MUS_MUST_CHECK;
void mus_loop_off_turn_end(struct mus_loop *l, mus_loop_fn *fn, void *arg);	/* not from a hook */
/* From any thread: run ${fn} in the loop.  FULL when 65536 wait. */
int mus_loop_post(struct mus_loop *l, mus_loop_fn *fn, void *arg) MUS_MUST_CHECK;
/* ${fn} on a signal (SIGTERM, SIGINT, SIGHUP); SIGPIPE is ignored by mus_loop_new. */
int mus_loop_on_signal(struct mus_loop *l, int signum, mus_loop_fn *fn, void *arg) MUS_MUST_CHECK;

#endif
