/*
 * Inside of the DNS exchange.  dnsx.c: life of a question, time-outs, verdicts; dnsx_server.c: its
 * server, with window and rate; dnsx_table.c: timers, questions under way; dnsx_udp.c: the pool of
 * sockets; dnsx_tcp.c: kept connections.
 *
 * The way of a question: QUEUED (server's window, rate or the whole exchange is full) -> UDP_SEND
 * -> UDP_WAIT -> [TCP_QUEUED ->] TCP -> callback, or, from each of them, DONE (failed; the
 * callback comes from the loop).  The transports never run a user's callback for a failure: they
 * call mus__dnsx_fail, and the words wait in the list of the done.
 */
#ifndef MUS_IO_DNSX_PRIV_H
#define MUS_IO_DNSX_PRIV_H

#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <uv.h>

#include "base/map.h"
#include "io/dnsx.h"
#include "io/loop_priv.h"
#include "io/sock_priv.h"

enum {
	DNSX_INFLIGHT_MAX = 65536,	/* questions under way, all servers; more wait in queues */
	DNSX_SOCKS_MAX = 64,		/* UDP sockets per family; fewer when files are few */
	DNSX_SOCK_ASKS = 4096,		/* a socket is replaced after so many questions */
	DNSX_SOCK_AGE_MS = 10000,	/* or at this age */
	DNSX_BATCH = 64,		/* messages per system call */
	DNSX_UDP_BUF = 2048,		/* > EDNS size: what is longer counts as truncated */
	DNSX_TURN_SENDS = 1024,		/* sent per turn, then the loop reads */
	DNSX_CONNS_PER_SERVER = 4,
	DNSX_SWEEP_MS = 5000,
	DNSX_SERVER_IDLE_MS = 60000,	/* what we know of a server is forgotten after this */
	DNSX_IDLE_SERVERS_MAX = 8192,
	DNSX_SILENT = 16,		/* questions in vain after which a server counts as silent */
	DNSX_LATE_MS = 20,		/* a timer this late: look at the sockets first */
	DNSX_HEADER = 12,
	DNSX_WINDOW_MAX = 16384,	/* ids are 16 bits: keep them sparse */
	DNSX_UDP_WIRE_MAX = MUS_EDNS_UDP_BYTES,	/* longer questions go over TCP by themselves */
	DNSX_TSIG_ROOM = 512,		/* key name, algorithm, MAC and the rest */
};

enum dnsx_timer_kind { TIMER_REQ, TIMER_CONN, TIMER_SERVER, TIMER_SWEEP };
struct dnsx_timer {			/* node of the one heap */
	int64_t at_ms;
	uint32_t idx;			/* place in the heap plus 1; 0: not set */
	enum dnsx_timer_kind kind;
};

enum dnsx_state {
	REQ_QUEUED,			/* in server->waiting */
	REQ_UDP_SEND,			/* in sock->out */
	REQ_UDP_WAIT,
	REQ_TCP_QUEUED,			/* in server->tcp_waiting: no connection free */
	REQ_TCP,			/* in conn->reqs */
	REQ_DONE,			/* in x->done, with its error */
	REQ_CALLBACK,			/* the user's callback runs */
};

TAILQ_HEAD(dnsx_reqs, mus_dnsx_req);
TAILQ_HEAD(dnsx_socks, dnsx_sock);
TAILQ_HEAD(dnsx_conns, dnsx_conn);
TAILQ_HEAD(dnsx_servers, dnsx_server);

struct dnsx_sig {			/* of a question with a key */
	struct mus_tsig_ctx ctx;
	uint8_t *wire;			/* signed; sent again as it is, so that late answers fit */
	size_t len;
};

struct mus_dnsx_req {
	TAILQ_ENTRY(mus_dnsx_req) link;
	struct mus_dnsx *x;
	struct dnsx_server *server;
	struct dnsx_sock *sock;		/* UDP_SEND, UDP_WAIT */
	struct dnsx_conn *conn;		/* TCP */
	struct dnsx_timer timer;
	struct mus_dnsx_req *pending_next;
	uint64_t chan;			/* with id: key of the pending table; 0: not in it */
	uint16_t id;
	uint8_t state;			/* enum dnsx_state */
	uint8_t via;			/* enum mus_dnsx_via, as asked */
	bool once, started, udp_failed, tcp_retried;
	unsigned tries;			/* sent over UDP */
	unsigned udp_ms;		/* waited over UDP in vain */
	int udp_errno;			/* what ICMP or the kernel said */
	int64_t sent_ms;
	uint64_t tcp_at;		/* where its bytes begin in the connection's stream */
	unsigned tcp_answers;		/* answers the connection had given before */
	mus_dnsx_fn *fn;
	void *arg;
	const struct mus_tsig_key *key;
	struct dnsx_sig *sig;
	int err;			/* DONE */
	struct mus_errtext *words;	/* DONE; NULL: no memory for them */
	uint16_t question_len;		/* bytes after the header that an answer repeats */
	uint32_t wire_len;
	uint8_t wire[];			/* unsigned; the id is written when it is sent */
};

struct dnsx_server {
	TAILQ_ENTRY(dnsx_server) link;	/* in x->idle or x->blocked */
	TAILQ_ENTRY(dnsx_server) conn_link;	/* in x->conn_wake or x->conn_blocked */
	struct mus_dnsx *x;
	struct mus_addr addr;
	struct sockaddr_storage sa;
	socklen_t sa_len;
	uint64_t chan;			/* unique number, for the pending table */
	unsigned refs;			/* questions that name it */
	unsigned inflight;
	struct dnsx_reqs waiting;
	struct dnsx_reqs tcp_waiting;
	struct dnsx_conns conns;
	unsigned conn_count;
	bool is_idle, is_blocked;
	bool is_kicking;		/* server_kick runs */
	enum { CONN_CALM, CONN_WAKE, CONN_BLOCKED } conn_list;	/* which list conn_link is in */
	bool tcp_single;		/* closes after an answer: one question per connection */
	unsigned silent;		/* questions in vain since its last answer */
	int64_t idle_since_ms;
	int64_t credit, credit_at_ms;	/* thousandths of a question, for qps */
	struct dnsx_timer timer;	/* credit is there again */
};

struct dnsx_sock {
	TAILQ_ENTRY(dnsx_sock) link;	/* in x->socks */
	TAILQ_ENTRY(dnsx_sock) dirty_link;
	struct mus_dnsx *x;
	uv_poll_t poll;
	int fd;
	uint8_t family;
	bool retired, closed, is_dirty, wants_write;
	unsigned users;			/* questions that hold it */
	unsigned asks;			/* questions it was given */
	int64_t opened_ms;
	struct dnsx_reqs out;
};

struct dnsx_conn {
	TAILQ_ENTRY(dnsx_conn) link;	/* in server->conns */
	TAILQ_ENTRY(dnsx_conn) dirty_link;
	TAILQ_ENTRY(dnsx_conn) idle_link;
	struct mus_dnsx *x;
	struct dnsx_server *server;
	uv_poll_t poll;
	int fd;
	uint64_t chan;
	bool up, closed, stuck, is_dirty, is_idle, wants_write;
	struct dnsx_reqs reqs;
	unsigned req_count;
	unsigned answers;
	int64_t last_rx_ms;		/* last whole answer; 0: none */
	int64_t alive_ms;		/* last answer, or when it was connected */
	struct dnsx_timer timer;	/* idle */
	struct mus_buf out;
	size_t out_off;			/* of out, already sent */
	uint64_t queued_bytes, sent_bytes;	/* of the stream */
	struct mus_buf in;		/* a message that is not complete */
};

struct mus_dnsx {
	struct mus_loop *loop;
	struct mus_dnsx_opts o;
	struct mus_addr source[2];	/* 0: IPv4, 1: IPv6; family 0: any */
	struct mus__flusher flusher;
	struct mus_timer *timer;
	int64_t armed_at_ms;		/* INT64_MAX: not armed */
	unsigned depth;			/* a callback of the loop is in here */
	bool is_unblocking;
	bool dead;			/* freed by a user's callback: leave at once */
	uint64_t next_chan;
	uint16_t rnd[512];
	unsigned rnd_left;
	struct mus_dnsx_stats stats;

	struct dnsx_timer **heap;
	uint32_t heap_count, heap_cap;
	struct dnsx_timer sweep;

	struct mus_dnsx_req **pending;
	size_t pending_count, pending_cap;	/* cap: a power of two */

	struct mus_map *servers;
	struct dnsx_server *last_server;	/* of the last datagram */
	struct dnsx_servers idle, blocked;
	struct dnsx_servers conn_wake;	/* have questions for connections; served at turn end */
	struct dnsx_servers conn_blocked;	/* so too, but there are too many connections */
	unsigned idle_count;
	unsigned inflight;

	struct dnsx_reqs done;
	size_t done_count;

	struct dnsx_socks socks, dirty_socks;	/* all; those with something to send */
	struct dnsx_sock *pool[2][DNSX_SOCKS_MAX];
	unsigned pool_size;
	struct dnsx_sock *cur[2];	/* of the questions of this moment */
	unsigned cur_left[2];

	struct dnsx_conns dirty_conns, idle_conns;
	unsigned conn_count, conns_max;

	struct mus_arena arena;
	uint8_t (*udp_buf)[DNSX_UDP_BUF];	/* DNSX_BATCH of them */
	uint8_t *tcp_buf;		/* one read */
};
enum { DNSX_TCP_BUF = 2 + MUS_MSG_MAX };

static inline int64_t
dnsx_now(const struct mus_dnsx *x)
{
	return mus_loop_mono_ms(x->loop);
}

/* ---- dnsx.c ---- */
void mus__dnsx_enter(struct mus_dnsx *x);
void mus__dnsx_leave(struct mus_dnsx *x);	/* runs what is done; may free ${x} */
/* The message to send for ${r}, signed when it has a key; negative: error. */
int mus__dnsx_wire(struct mus_dnsx_req *r, bool fresh, const uint8_t **wire, size_t *len);
/* Is ${wire} an answer to the question of ${r}? (id and sender were looked at) */
bool mus__dnsx_matches(const struct mus_dnsx_req *r, const uint8_t *wire, size_t len);
/* An answer: runs the user's callback; ${r} is gone (and ${x} may be dead). */
void mus__dnsx_answer(struct mus_dnsx_req *r, const uint8_t *wire, size_t len,
    enum mus_dnsx_via via);
/* No answer: the callback comes later; ${r} has left its transport. */
void mus__dnsx_fail(struct mus_dnsx_req *r, int err, const char *fmt, ...) MUS_PRINTF(3, 4);
/* UDP is over for ${r}: TCP when its policy allows, else it fails. */
void mus__dnsx_udp_over(struct mus_dnsx_req *r);
/* "192.0.2.1 udp: no answer in 3 tries" */
void mus__dnsx_udp_words(const struct mus_dnsx_req *r, struct mus_errtext *et);

/* ---- dnsx_table.c ---- */
uint16_t mus__dnsx_random(struct mus_dnsx *x);
/* The heap of timers: one timer of the loop for all.  Room is made before a timer may be needed
 * (false: no memory), so that setting one never fails. */
bool mus__dnsx_timer_room(struct mus_dnsx *x);
void mus__dnsx_timer_set(struct mus_dnsx *x, struct dnsx_timer *t, int64_t at_ms);
void mus__dnsx_timer_clear(struct mus_dnsx *x, struct dnsx_timer *t);
/* Gives ${r} an id that is free on ${chan} and enters it; false: none is free or no memory. */
bool mus__dnsx_pending_add(struct mus_dnsx *x, struct mus_dnsx_req *r, uint64_t chan);
void mus__dnsx_pending_remove(struct mus_dnsx *x, struct mus_dnsx_req *r);
struct mus_dnsx_req *mus__dnsx_pending_get(struct mus_dnsx *x, uint64_t chan, uint16_t id);

/* ---- dnsx_server.c ---- */
struct dnsx_server *mus__dnsx_server_find(struct mus_dnsx *x, const struct mus_addr *a);
struct dnsx_server *mus__dnsx_server_get(struct mus_dnsx *x, const struct mus_addr *a);	/* made when new; NULL: no memory */
void mus__dnsx_server_free(struct dnsx_server *s);
void mus__dnsx_server_rest(struct dnsx_server *s);	/* nothing left to do: goes to the idle */
bool mus__dnsx_server_is_silent(const struct dnsx_server *s);
/* May the server get one more question now?  If not, it is noted who wakes it. */
bool mus__dnsx_server_is_open(struct dnsx_server *s);
/* Starts what waits, as far as window, rate and the whole allow. */
void mus__dnsx_server_kick(struct dnsx_server *s);
void mus__dnsx_charge(struct dnsx_server *s);	/* a repetition counts for qps too */

/* ---- dnsx_udp.c ---- */
void mus__dnsx_udp_start(struct mus_dnsx_req *r);
void mus__dnsx_udp_timeout(struct mus_dnsx_req *r);
void mus__dnsx_udp_drop(struct mus_dnsx_req *r);	/* ${r} leaves UDP */
size_t mus__dnsx_udp_flush(struct mus_dnsx *x);		/* how many could not be sent this turn */
void mus__dnsx_udp_poll(struct mus_dnsx *x);		/* reads what is there */
bool mus__dnsx_udp_sweep(struct mus_dnsx *x);		/* true: sockets are left */
void mus__dnsx_udp_close(struct mus_dnsx *x);

/* ---- dnsx_tcp.c ---- */
void mus__dnsx_tcp_start(struct mus_dnsx_req *r);
void mus__dnsx_tcp_timeout(struct mus_dnsx_req *r);
void mus__dnsx_tcp_drop(struct mus_dnsx_req *r);	/* ${r} leaves TCP */
void mus__dnsx_tcp_flush(struct mus_dnsx *x);
void mus__dnsx_tcp_forget(struct dnsx_server *s);	/* ${s} leaves the lists of connections */
void mus__dnsx_conn_idle(struct dnsx_conn *c);		/* its idle timer fired */
void mus__dnsx_conn_close(struct dnsx_conn *c);		/* no questions on it */

#endif
