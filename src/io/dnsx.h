/*
 * DNS exchange: ask one server, by address, and get its answer or the cause why there is none.
 * Shared by controller, scanner and monitor; made for many questions in flight.
 *
 * - UDP with EDNS (1232), TCP on truncation; or TCP only.  Id and source port random, answers
 *   matched on id, question, address and port; anything else is dropped and counted.
 * - Retries over UDP with doubled time-out, then (policy) once over TCP.
 * - Per-server window (questions in flight) and rate; what exceeds them waits in a bounded queue
 *   (FULL is reported to the caller when the queue is full: the question was not asked).
 * - TSIG on request.  TCP connections to one server are kept for a while and pipelined.
 * - An error is a cause with words, never an empty answer.
 */
#ifndef MUS_IO_DNSX_H
#define MUS_IO_DNSX_H

#include "base/addr.h"
#include "dns/tsig.h"
#include "io/loop.h"

struct mus_dnsx;
struct mus_dnsx_req;			/* cookie of a question under way */

struct mus_dnsx_opts {			/* zero: the default in brackets */
	unsigned udp_timeout_ms;	/* [1500] first try; doubles */
	unsigned udp_tries;		/* [3] */
	unsigned tcp_timeout_ms;	/* [5000] connect + answer */
	unsigned tcp_idle_ms;		/* [2000] a kept connection */
	unsigned server_window;		/* [64] in flight per server */
	unsigned server_qps;		/* [0: no limit] per server */
	unsigned queue_max;		/* [65536] waiting questions, all servers */
	const struct mus_addr *source4, *source6;	/* local addresses; NULL: any */
};
struct mus_dnsx *mus_dnsx_new(struct mus_loop *l, const struct mus_dnsx_opts *o);
/* Cancels everything; no callback runs afterwards.  Who keeps memory only by a question's ${arg} cancels it before. */
void mus_dnsx_free(struct mus_dnsx *x);

enum mus_dnsx_via { MUS_VIA_AUTO, MUS_VIA_UDP, MUS_VIA_TCP };
struct mus_dnsx_ask {
	struct mus_addr server;
	enum mus_dnsx_via via;		/* UDP: no fall-back to TCP, a TC answer is given as it is */
	struct mus_query query;		/* used when ${wire} is NULL */
	const uint8_t *wire;		/* a whole message (UPDATE); its id is replaced; copied */
	size_t wire_len;
	const struct mus_tsig_key *key;	/* NULL: unsigned.  Must live until the callback */
	bool once;			/* send once only: UPDATE over TCP is never repeated by itself */
};

struct mus_dnsx_answer {		/* lent until the callback returns */
	int err;			/* 0: a well-formed answer to this question arrived.
					 * TIMEOUT, NET, MALFORM, BADSIG, CANCELLED, FULL, ... */
	struct mus_errtext words;	/* for err != 0: what happened, with address and transport */
	const struct mus_msg *msg;	/* NULL when err != 0 (for BADSIG: what came, unauthenticated) */
	struct mus_arena *arena;	/* of msg; use it for RRsets taken from msg */
	enum mus_dnsx_via via;		/* transport that gave the answer */
	bool udp_silent;		/* UDP gave no answer and TCP did (V6) */
	enum mus_tsig_result tsig;	/* with a key; an unsigned error RCODE gives UNSIGNED */
	int64_t ahead_s;		/* the server's clock less ours, when tsig is about that */
	struct mus_addr server;
	struct mus_time at;		/* when it arrived */
	unsigned rtt_ms;
};
typedef void mus_dnsx_fn(void *arg, const struct mus_dnsx_answer *a);

/* The callback always comes, from the loop and never before this returns, unless this returns an
 * error (FULL, NOMEM) or the request is cancelled.  ${cookie} may be NULL. */
int mus_dnsx_ask(struct mus_dnsx *x, const struct mus_dnsx_ask *q, mus_dnsx_fn *fn, void *arg,
    struct mus_dnsx_req **cookie) MUS_MUST_CHECK;
void mus_dnsx_cancel(struct mus_dnsx_req *r);	/* no callback afterwards */

struct mus_dnsx_stats {
	uint64_t asked, answered, timeouts, retries, tcp_fallbacks, dropped_mismatch, queued_now;
};
struct mus_dnsx_stats mus_dnsx_stats(const struct mus_dnsx *x);

#endif
