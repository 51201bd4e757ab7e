#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "io/dnsx_priv.h"
#include "io/dnsx.h"

enum {
	QUERY_MAX = 512,		/* a question with EDNS fits: 12 + 259 + 11 */
	PENDING_MIN = 1024,
	ARENA_MAX = 32 << 20,		/* a 64 KiB answer and its RRsets are far below */
};

#define HEAP_OF(t, type) ((type *)(void *)((char *)(t) - offsetof(type, timer)))

/* ---- the loop's timer ---- */

/* Sets the loop's timer for the next thing to do; it may come too early, never too late. */
static void
arm(struct mus_dnsx *x, bool more)
{
	int64_t now = dnsx_now(x), at = INT64_MAX;

	if (x->dead)
		return;
	if (more || x->done_count > 0)
		at = now;
	else if (x->heap_count > 0)
		at = x->heap[0]->at_ms;
	if (at < x->armed_at_ms) {
		x->armed_at_ms = at;
		mus_timer_start(x->timer, at > now ? at - now : 0);
	}
}

/* ---- life of a question ---- */

/* Takes ${r} out of wherever it is; it keeps its server. */
static void
req_detach(struct mus_dnsx_req *r)
{
	struct mus_dnsx *x = r->x;

	mus__dnsx_timer_clear(x, &r->timer);
	switch ((enum dnsx_state)r->state) {
	case REQ_QUEUED:
		TAILQ_REMOVE(&r->server->waiting, r, link);
		x->stats.queued_now--;
		break;
	case REQ_UDP_SEND:
	case REQ_UDP_WAIT:
		mus__dnsx_udp_drop(r);
		break;
	case REQ_TCP_QUEUED:
	case REQ_TCP:
		mus__dnsx_tcp_drop(r);
		break;
	case REQ_DONE:
		TAILQ_REMOVE(&x->done, r, link);
		x->done_count--;
		break;
	case REQ_CALLBACK:
		break;
	}
	r->state = REQ_CALLBACK;	/* in no list */
}

/* Its place in the windows goes to the next. */
static void
req_stop(struct mus_dnsx_req *r)
{
	struct mus_dnsx *x = r->x;
	struct dnsx_server *s;

	if (!r->started)
		return;
	r->started = false;
	r->server->inflight--;
	x->inflight--;
	mus__dnsx_server_kick(r->server);
	if (x->is_unblocking)
		return;
	x->is_unblocking = true;
	while (x->inflight < DNSX_INFLIGHT_MAX && (s = TAILQ_FIRST(&x->blocked))) {
		TAILQ_REMOVE(&x->blocked, s, link);
		s->is_blocked = false;
		mus__dnsx_server_kick(s);
	}
	x->is_unblocking = false;
}

static void
req_free(struct mus_dnsx_req *r)
{
	struct dnsx_server *s = r->server;

	if (r->sig) {
		mus_tsig_ctx_clear(&r->sig->ctx);
		free(r->sig->wire);
		free(r->sig);
	}
	free(r->words);
	s->refs--;
	mus__dnsx_server_rest(s);
	free(r);
}

static void
callback(struct mus_dnsx_req *r, struct mus_dnsx_answer *a)
{
	struct mus_dnsx *x = r->x;

	a->server = r->server->addr;
	a->at = mus_loop_now(x->loop);
	r->fn(r->arg, a);
	req_free(r);
}

void
mus__dnsx_fail(struct mus_dnsx_req *r, int err, const char *fmt, ...)
{
	struct mus_dnsx *x = r->x;
	va_list ap;

	req_detach(r);
	r->err = err;
	if ((r->words = malloc(sizeof *r->words))) {
		va_start(ap, fmt);
		(void)vsnprintf(r->words->s, sizeof r->words->s, fmt, ap);
		va_end(ap);
	}
	if (err == MUS_ERR_TIMEOUT)
		x->stats.timeouts++;
	if (err == MUS_ERR_TIMEOUT || err == MUS_ERR_NET)
		r->server->silent++;
	r->state = REQ_DONE;
	TAILQ_INSERT_TAIL(&x->done, r, link);
	x->done_count++;
	req_stop(r);
	arm(x, false);
}

static void
run_done(struct mus_dnsx *x)
{
	struct mus_dnsx_answer a;
	struct mus_dnsx_req *r;
	size_t left = x->done_count;	/* what fails meanwhile waits for the next turn */

	while (!x->dead && left-- > 0 && (r = TAILQ_FIRST(&x->done))) {
		TAILQ_REMOVE(&x->done, r, link);
		x->done_count--;
		r->state = REQ_CALLBACK;
		memset(&a, 0, sizeof a);
		a.err = r->err;
		if (r->words)
			a.words = *r->words;
		else
			(void)mus_errf(&a.words, r->err, "%s", mus_err_text(r->err));
		a.arena = &x->arena;
		a.via = r->udp_failed && r->via == MUS_VIA_AUTO ? MUS_VIA_TCP : (enum mus_dnsx_via)r->via;
		mus_arena_reset(&x->arena);
		callback(r, &a);
	}
}

bool
mus__dnsx_matches(const struct mus_dnsx_req *r, const uint8_t *wire, size_t len)
{
	const uint8_t *q = r->wire + DNSX_HEADER, *p = wire + DNSX_HEADER;
	unsigned opcode, rcode, i, name_len = r->question_len - 4u;

	if (len < DNSX_HEADER || !(wire[2] & 0x80) || ((wire[2] ^ r->wire[2]) & 0x78))
		return false;
	if (wire[4] == 0 && wire[5] == 0) {
		/* Errors and answers to UPDATE and NOTIFY may come without the question; data or
		 * a denial may not. */
		opcode = (wire[2] >> 3) & 15;
		rcode = wire[3] & 15;
		return opcode != MUS_OPCODE_QUERY ||
		    (rcode != MUS_RCODE_NOERROR && rcode != MUS_RCODE_NXDOMAIN);
	}
	if (wire[4] != 0 || wire[5] != 1 || len < (size_t)DNSX_HEADER + r->question_len)
		return false;
	for (i = 0; i < name_len; i++) {
		uint8_t a = q[i], b = p[i];

		/* Length bytes are below 64: no letter. */
		if (a >= 'A' && a <= 'Z')
			a = (uint8_t)(a | 32);
		if (b >= 'A' && b <= 'Z')
			b = (uint8_t)(b | 32);
		if (a != b)
			return false;
	}
	return memcmp(q + name_len, p + name_len, 4) == 0;
}

void
mus__dnsx_answer(struct mus_dnsx_req *r, const uint8_t *wire, size_t len, enum mus_dnsx_via via)
{
	struct mus_dnsx *x = r->x;
	struct mus_dnsx_answer a = {.via = via, .arena = &x->arena};
	struct mus_msg msg;
	struct mus_errtext et;
	char addr[MUS_ADDR_TEXT_MAX], why[MUS_TSIG_REASON_MAX];
	const char *transport = via == MUS_VIA_TCP ? "tcp" : "udp";
	int64_t rtt = dnsx_now(x) - r->sent_ms;
	bool covered = false;

	req_detach(r);
	r->server->silent = 0;
	x->stats.answered++;
	req_stop(r);

	a.rtt_ms = rtt > 0 ? (unsigned)rtt : 0;
	a.udp_silent = via == MUS_VIA_TCP && r->udp_failed;
	mus_arena_reset(&x->arena);
	a.err = mus_msg_parse(wire, len, &x->arena, &msg, &et);
	(void)mus_addr_text(&r->server->addr, 53, addr);
	if (a.err < 0) {
		(void)mus_errf(&a.words, a.err, "%s %s: %s", addr, transport, et.s);
	} else {
		a.msg = &msg;
		if (r->key) {
			a.tsig = mus_tsig_check(&r->sig->ctx, wire, len, false,
			    mus_loop_now(x->loop), &covered);
			a.ahead_s = r->sig->ctx.ahead_s;
			if (a.tsig != MUS_TSIG_OK)
				a.err = mus_errf(&a.words, MUS_ERR_BADSIG, "%s %s: %s (RCODE %s)", addr,
				    transport, mus_tsig_reason(a.tsig, a.ahead_s, msg.rcode, why),
				    mus_rcode_text(msg.rcode));
		}
	}
	callback(r, &a);
}

void
mus__dnsx_udp_words(const struct mus_dnsx_req *r, struct mus_errtext *et)
{
	char addr[MUS_ADDR_TEXT_MAX], text[128];

	(void)mus_addr_text(&r->server->addr, 53, addr);
	if (r->udp_errno)
		(void)mus_errf(et, 0, "%s udp: %s", addr,
		    uv_strerror_r(-r->udp_errno, text, sizeof text));
	else
		(void)mus_errf(et, 0, "%s udp: no answer in %u %s, %u ms", addr, r->tries,
		    r->tries == 1 ? "try" : "tries", r->udp_ms);
}

void
mus__dnsx_udp_over(struct mus_dnsx_req *r)
{
	struct mus_errtext et;

	r->udp_failed = true;
	if (r->via == MUS_VIA_AUTO && !r->once && !mus__dnsx_server_is_silent(r->server)) {
		mus__dnsx_timer_clear(r->x, &r->timer);
		mus__dnsx_udp_drop(r);
		r->x->stats.tcp_fallbacks++;
		mus__dnsx_tcp_start(r);
		return;
	}
	mus__dnsx_udp_words(r, &et);
	mus__dnsx_fail(r, r->udp_errno ? MUS_ERR_NET : MUS_ERR_TIMEOUT, "%s%s", et.s,
	    mus__dnsx_server_is_silent(r->server) ? " (silent for long: asked once)" : "");
}

int
mus__dnsx_wire(struct mus_dnsx_req *r, bool fresh, const uint8_t **wire, size_t *len)
{
	struct dnsx_sig *g;
	size_t cap = r->wire_len + DNSX_TSIG_ROOM;
	int n;

	if (!r->key) {
		*wire = r->wire;
		*len = r->wire_len;
		return 0;
	}
	if (!r->sig) {
		if (!(g = calloc(1, sizeof *g)))
			return MUS_ERR_NOMEM;
		if (!(g->wire = malloc(cap))) {
			free(g);
			return MUS_ERR_NOMEM;
		}
		r->sig = g;
		mus_tsig_ctx_init(&g->ctx, r->key);
	}
	g = r->sig;
	if (fresh || g->len == 0) {
		mus_tsig_ctx_clear(&g->ctx);
		mus_tsig_ctx_init(&g->ctx, r->key);
		memcpy(g->wire, r->wire, r->wire_len);
		n = mus_tsig_sign(&g->ctx, g->wire, r->wire_len, cap < MUS_MSG_MAX ? cap : MUS_MSG_MAX,
		    mus_loop_now(r->x->loop));
		if (n < 0)
			return n;
		g->len = (size_t)n;
	}
	*wire = g->wire;
	*len = g->len;
	return 0;
}

/* ---- the loop's side ---- */

static void destroy(struct mus_dnsx *x);

void
mus__dnsx_enter(struct mus_dnsx *x)
{
	x->depth++;
}

void
mus__dnsx_leave(struct mus_dnsx *x)
{
	if (x->depth == 1)
		run_done(x);
	if (--x->depth > 0)
		return;
	if (x->dead)
		destroy(x);
	else
		arm(x, false);
}

static void
sweep(struct mus_dnsx *x)
{
	int64_t now = dnsx_now(x);
	struct dnsx_server *s;
	bool more;

	while ((s = TAILQ_FIRST(&x->idle)) && now - s->idle_since_ms >= DNSX_SERVER_IDLE_MS)
		mus__dnsx_server_free(s);
	more = mus__dnsx_udp_sweep(x);
	if (more || !TAILQ_EMPTY(&x->idle))
		mus__dnsx_timer_set(x, &x->sweep, now + DNSX_SWEEP_MS);
}

static void
fire(struct mus_dnsx *x, struct dnsx_timer *t)
{
	struct mus_dnsx_req *r;

	switch (t->kind) {
	case TIMER_REQ:
		r = HEAP_OF(t, struct mus_dnsx_req);
		if (r->state == REQ_TCP)
			mus__dnsx_tcp_timeout(r);
		else
			mus__dnsx_udp_timeout(r);
		break;
	case TIMER_CONN:
		mus__dnsx_conn_idle(HEAP_OF(t, struct dnsx_conn));
		break;
	case TIMER_SERVER:
		mus__dnsx_server_kick(HEAP_OF(t, struct dnsx_server));
		break;
	case TIMER_SWEEP:
		sweep(x);
		break;
	}
}

static void
on_timer(void *arg)
{
	struct mus_dnsx *x = arg;
	struct dnsx_timer *t;
	int64_t now = dnsx_now(x);

	x->armed_at_ms = INT64_MAX;
	mus__dnsx_enter(x);
	/* When the process was held up, answers may lie in the sockets already: a time-out is one
	 * only when there is nothing to read. */
	if (x->heap_count > 0 && now - x->heap[0]->at_ms > DNSX_LATE_MS)
		mus__dnsx_udp_poll(x);
	while (!x->dead && x->heap_count > 0 && (t = x->heap[0])->at_ms <= now) {
		mus__dnsx_timer_clear(x, t);
		fire(x, t);
	}
	mus__dnsx_leave(x);
}

/* Before the loop sleeps: everything asked in this turn leaves, in batches. */
static void
flush(void *arg)
{
	struct mus_dnsx *x = arg;
	size_t left = 0;

	if (!TAILQ_EMPTY(&x->dirty_socks) || !TAILQ_EMPTY(&x->dirty_conns) ||
	    !TAILQ_EMPTY(&x->conn_wake)) {
		uv_update_time(mus_loop_uv(x->loop));	/* time-outs count from the sending */
		mus__dnsx_tcp_flush(x);
		left = mus__dnsx_udp_flush(x);
		mus__dnsx_tcp_flush(x);	/* for what UDP could not send */
	}
	x->cur_left[0] = x->cur_left[1] = 0;
	arm(x, left > 0 || !TAILQ_EMPTY(&x->dirty_conns) || !TAILQ_EMPTY(&x->conn_wake));
}

/* ---- for users ---- */

struct mus_dnsx *
mus_dnsx_new(struct mus_loop *l, const struct mus_dnsx_opts *o)
{
	struct mus_dnsx *x = calloc(1, sizeof *x);
	struct rlimit lim;
	rlim_t files = 1024;
	uint64_t seed[2];

	if (!x)
		return NULL;
	x->loop = l;
	if (o)
		x->o = *o;
#define DEFAULT(f, v) x->o.f = x->o.f ? x->o.f : (v)
	DEFAULT(udp_timeout_ms, 1500);
	DEFAULT(udp_tries, 3);
	DEFAULT(tcp_timeout_ms, 5000);
	DEFAULT(tcp_idle_ms, 2000);
	DEFAULT(server_window, 64);
	DEFAULT(queue_max, 65536);
#undef DEFAULT
	if (x->o.server_window > DNSX_WINDOW_MAX)
		x->o.server_window = DNSX_WINDOW_MAX;
	if (x->o.source4)
		x->source[0] = *x->o.source4;
	if (x->o.source6)
		x->source[1] = *x->o.source6;
	x->o.source4 = x->o.source6 = NULL;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0)
		files = lim.rlim_cur;
	x->pool_size = files < 1024 ? 8 : DNSX_SOCKS_MAX;
	x->conns_max = files < 64 ? 16 : files > 16384 ? 4096 : (unsigned)files / 4;
	TAILQ_INIT(&x->idle);
	TAILQ_INIT(&x->blocked);
	TAILQ_INIT(&x->conn_wake);
	TAILQ_INIT(&x->conn_blocked);
	TAILQ_INIT(&x->done);
	TAILQ_INIT(&x->socks);
	TAILQ_INIT(&x->dirty_socks);
	TAILQ_INIT(&x->dirty_conns);
	TAILQ_INIT(&x->idle_conns);
	mus_arena_init(&x->arena, ARENA_MAX);
	x->armed_at_ms = INT64_MAX;
	x->next_chan = 1;
	x->sweep.kind = TIMER_SWEEP;
	x->flusher = (struct mus__flusher){.fn = flush, .arg = x};
	MUS_ASSERT(getrandom(seed, sizeof seed, 0) == sizeof seed);
	x->pending_cap = PENDING_MIN;
	x->pending = calloc(x->pending_cap, sizeof(struct mus_dnsx_req *));
	x->servers = mus_map_new(seed[0], seed[1]);
	x->udp_buf = malloc(sizeof *x->udp_buf * DNSX_BATCH);
	x->tcp_buf = malloc(DNSX_TCP_BUF);
	x->timer = mus_timer_new(l, on_timer, x);
	if (!x->pending || !x->servers || !x->udp_buf || !x->tcp_buf || !x->timer ||
	    !mus__dnsx_timer_room(x)) {
		destroy(x);
		return NULL;
	}
	mus__loop_add_flusher(l, &x->flusher);
	return x;
}

static void
destroy(struct mus_dnsx *x)
{
	while (!TAILQ_EMPTY(&x->idle))
		mus__dnsx_server_free(TAILQ_FIRST(&x->idle));
	if (x->servers)
		MUS_ASSERT(mus_map_count(x->servers) == 0);
	mus_map_free(x->servers);
	mus_timer_free(x->timer);
	mus_arena_clear(&x->arena);
	free(x->heap);
	free(x->pending);
	free(x->udp_buf);
	free(x->tcp_buf);
	free(x);
}

void
mus_dnsx_free(struct mus_dnsx *x)
{
	const void *key;
	size_t key_len, pos;
	void *value;
	struct dnsx_server *s;
	struct mus_dnsx_req *r, *next;
	size_t slot;

	if (!x)
		return;
	MUS_ASSERT(!x->dead);
	mus__loop_remove_flusher(x->loop, &x->flusher);
	x->dead = true;			/* nothing is started any more */
	/* The one whose callback runs is in no list; callback() frees it. */
	while ((r = TAILQ_FIRST(&x->done)))
		mus_dnsx_cancel(r);
	for (slot = 0; slot < x->pending_cap; slot++) {
		for (r = x->pending[slot]; r; r = next) {
			next = r->pending_next;
			mus_dnsx_cancel(r);
		}
	}
	for (pos = 0; mus_map_next(x->servers, &pos, &key, &key_len, &value);) {
		s = value;
		s->refs++;		/* stays where it is while the map is walked */
		while ((r = TAILQ_FIRST(&s->waiting)))
			mus_dnsx_cancel(r);
		while ((r = TAILQ_FIRST(&s->tcp_waiting)))
			mus_dnsx_cancel(r);
		while (!TAILQ_EMPTY(&s->conns))
			mus__dnsx_conn_close(TAILQ_FIRST(&s->conns));
		s->refs--;
		mus__dnsx_server_rest(s);
	}
	mus__dnsx_udp_close(x);
	if (x->depth == 0)
		destroy(x);
}

/* The part of a question that its answer repeats; 0: not a message with one question. */
static uint16_t
question_len(const uint8_t *wire, size_t len)
{
	size_t at = DNSX_HEADER;

	if (len < DNSX_HEADER || len > MUS_MSG_MAX || (wire[2] & 0x80) || wire[4] != 0 ||
	    wire[5] != 1)
		return 0;
	while (at < len && wire[at] != 0) {
		if (wire[at] > 63)
			return 0;
		at += wire[at] + 1u;
	}
	at += 1 + 4;
	if (at > len || at - DNSX_HEADER > MUS_NAME_MAX + 4)
		return 0;
	return (uint16_t)(at - DNSX_HEADER);
}

int
mus_dnsx_ask(struct mus_dnsx *x, const struct mus_dnsx_ask *q, mus_dnsx_fn *fn, void *arg,
    struct mus_dnsx_req **cookie)
{
	uint8_t buf[QUERY_MAX];
	const uint8_t *wire = q->wire;
	size_t len = q->wire_len;
	struct mus_dnsx_req *r;
	struct dnsx_server *s;
	uint16_t qlen;
	int n;

	if (x->dead)
		return MUS_ERR_CANCELLED;
	if ((q->server.family != 4 && q->server.family != 6) || q->server.port == 0)
		return MUS_ERR_INVAL;
	if (!wire) {
		if ((n = mus_query_build(&q->query, 0, buf, sizeof buf)) < 0)
			return n;
		wire = buf;
		len = (size_t)n;
	}
	if ((qlen = question_len(wire, len)) == 0)
		return MUS_ERR_INVAL;
	if (!mus__dnsx_timer_room(x))
		return MUS_ERR_NOMEM;
	if (!(s = mus__dnsx_server_get(x, &q->server)))
		return MUS_ERR_NOMEM;
	s->refs++;
	if (s->is_idle) {
		s->is_idle = false;
		TAILQ_REMOVE(&x->idle, s, link);
		x->idle_count--;
	}
	n = 0;
	if (x->stats.queued_now >= x->o.queue_max &&
	    (!TAILQ_EMPTY(&s->waiting) || !mus__dnsx_server_is_open(s)))
		n = MUS_ERR_FULL;
	else if (!(r = calloc(1, sizeof *r + len)))
		n = MUS_ERR_NOMEM;
	if (n < 0) {
		s->refs--;
		mus__dnsx_server_rest(s);
		return n;
	}
	r->x = x;
	r->server = s;
	r->timer.kind = TIMER_REQ;
	r->via = (uint8_t)q->via;
	r->once = q->once;
	r->fn = fn;
	r->arg = arg;
	r->key = q->key;
	r->question_len = qlen;
	r->wire_len = (uint32_t)len;
	memcpy(r->wire, wire, len);
	r->state = REQ_QUEUED;
	TAILQ_INSERT_TAIL(&s->waiting, r, link);
	x->stats.asked++;
	x->stats.queued_now++;
	mus__dnsx_server_kick(s);
	/* Sending waits for the end of the turn; a timer that was set now must be seen. */
	if (x->depth == 0)
		arm(x, false);
	if (cookie)
		*cookie = r;
	return 0;
}

void
mus_dnsx_cancel(struct mus_dnsx_req *r)
{
	if (!r || r->state == REQ_CALLBACK)
		return;
	req_detach(r);
	req_stop(r);
	req_free(r);
}

struct mus_dnsx_stats
mus_dnsx_stats(const struct mus_dnsx *x)
{
	return x->stats;
}
