/*
 * A small DNS listener (UDP and TCP on given addresses) for what a daemon receives: NOTIFY now,
 * UPDATE later.  One socket per local address, so that answers leave from the address asked.
 */
#ifndef MUS_IO_DNSD_H
#define MUS_IO_DNSD_H

#include "base/addr.h"
#include "dns/msg.h"
#include "io/loop.h"

struct mus_dnsd;
struct mus_dnsd_req {			/* lent until the handler returns */
	struct mus_addr from, to;
	bool tcp;
	const uint8_t *wire;
	size_t wire_len;
	const struct mus_msg *msg;	/* parsed; malformed packets never reach the handler */
};
/* Writes the answer to ${out} and returns its length; 0: no answer. */
typedef size_t mus_dnsd_fn(void *arg, const struct mus_dnsd_req *r, uint8_t *out, size_t cap);

struct mus_dnsd_opts {
	unsigned tcp_clients_max;	/* [256] further connections are closed at once */
	unsigned tcp_idle_ms;		/* [10000] */
};
struct mus_dnsd *mus_dnsd_new(struct mus_loop *l, const struct mus_dnsd_opts *o, mus_dnsd_fn *fn,
    void *arg);
/* Port 0: one that is free for UDP and TCP. */
int mus_dnsd_listen(struct mus_dnsd *d, const struct mus_addr *at, struct mus_errtext *et) MUS_MUST_CHECK;
/* Where the ${idx}th listener is bound, with its port; family 0: there is none. */
struct mus_addr mus_dnsd_addr(const struct mus_dnsd *d, size_t idx);
void mus_dnsd_free(struct mus_dnsd *d);

#endif
