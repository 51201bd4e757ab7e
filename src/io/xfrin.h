/*
 * Incoming AXFR over TCP, streamed: records go to a callback as they arrive and are authenticated.
 * One connection per transfer; bounded in bytes and time.
 */
#ifndef MUS_IO_XFRIN_H
#define MUS_IO_XFRIN_H

#include "base/addr.h"
#include "dns/xfr.h"
#include "io/loop.h"

struct mus_xfrin;
struct mus_xfrin_opts {
	struct mus_addr server;
	struct mus_name zone;
	const struct mus_tsig_key *key;	/* NULL: unsigned; must live until done */
	unsigned idle_timeout_ms;	/* [10000] */
	uint64_t max_bytes;		/* [0: no bound] TOOBIG beyond */
	int64_t max_ms;			/* [0: no bound] for the whole; TIMEOUT beyond */
	uint64_t min_rate;		/* [0: none] bytes a second; TIMEOUT when fewer come during pace_ms */
	unsigned pace_ms;		/* [60000] */
	/* "dns.transfer" when dns.transfer-size, -time and -rate of a configuration set these three: the
	 * words of a failure name the key.  Lives until done; NULL: they name none. */
	const char *conf;
};
/* ${err} 0: complete and authenticated. */
typedef void mus_xfrin_done_fn(void *arg, int err, const struct mus_errtext *words, uint64_t bytes);

/* done always comes, from the loop, unless this fails or mus_xfrin_cancel was called. */
int mus_xfrin_start(struct mus_loop *l, const struct mus_xfrin_opts *o, mus_xfr_rr_fn *rr,
    mus_xfrin_done_fn *done, void *arg, struct mus_xfrin **cookie) MUS_MUST_CHECK;
void mus_xfrin_cancel(struct mus_xfrin *x);

#endif
