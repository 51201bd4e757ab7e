#include <stdlib.h>
#include <string.h>

#include "io/dnsx_priv.h"

enum { SERVER_KEY = 19 };

static void
server_key(const struct mus_addr *a, uint8_t key[static SERVER_KEY])
{
	key[0] = a->family;
	memcpy(key + 1, &a->port, 2);
	memcpy(key + 3, a->ip, 16);
}

struct dnsx_server *
mus__dnsx_server_find(struct mus_dnsx *x, const struct mus_addr *a)
{
	uint8_t key[SERVER_KEY];
	struct dnsx_server *s = x->last_server;

	if (s && mus_addr_equal(&s->addr, a))
		return s;
	server_key(a, key);
	if ((s = mus_map_get(x->servers, key, sizeof key)))
		x->last_server = s;
	return s;
}

void
mus__dnsx_server_free(struct dnsx_server *s)
{
	struct mus_dnsx *x = s->x;
	uint8_t key[SERVER_KEY];

	MUS_ASSERT(s->refs == 0 && s->conn_count == 0);
	mus__dnsx_timer_clear(x, &s->timer);
	if (s->is_idle) {
		TAILQ_REMOVE(&x->idle, s, link);
		x->idle_count--;
	}
	if (s->is_blocked)
		TAILQ_REMOVE(&x->blocked, s, link);
	mus__dnsx_tcp_forget(s);
	if (x->last_server == s)
		x->last_server = NULL;
	server_key(&s->addr, key);
	(void)mus_map_remove(x->servers, key, sizeof key);
	free(s);
}

struct dnsx_server *
mus__dnsx_server_get(struct mus_dnsx *x, const struct mus_addr *a)
{
	uint8_t key[SERVER_KEY];
	struct dnsx_server *s = mus__dnsx_server_find(x, a);

	if (s)
		return s;
	if (!(s = calloc(1, sizeof *s)))
		return NULL;
	s->x = x;
	s->addr.family = a->family;
	s->addr.port = a->port;
	memcpy(s->addr.ip, a->ip, a->family == 6 ? 16 : 4);
	s->sa_len = mus__sockaddr_of(&s->addr, &s->sa);
	s->chan = x->next_chan++;
	s->timer.kind = TIMER_SERVER;
	s->credit = INT64_MAX;		/* full: cut at the first look */
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->tcp_waiting);
	TAILQ_INIT(&s->conns);
	server_key(&s->addr, key);
	if (mus_map_set(x->servers, key, sizeof key, s, NULL) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

void
mus__dnsx_server_rest(struct dnsx_server *s)
{
	struct mus_dnsx *x = s->x;

	if (s->refs > 0 || s->conn_count > 0 || s->is_idle)
		return;
	mus__dnsx_timer_clear(x, &s->timer);
	if (s->is_blocked) {
		TAILQ_REMOVE(&x->blocked, s, link);
		s->is_blocked = false;
	}
	s->is_idle = true;
	s->idle_since_ms = dnsx_now(x);
	TAILQ_INSERT_TAIL(&x->idle, s, link);
	x->idle_count++;
	if (x->dead)
		return;			/* somebody walks over the servers */
	if (x->idle_count > DNSX_IDLE_SERVERS_MAX)
		mus__dnsx_server_free(TAILQ_FIRST(&x->idle));
	if (x->sweep.idx == 0)
		mus__dnsx_timer_set(x, &x->sweep, s->idle_since_ms + DNSX_SWEEP_MS);
}

/* A server that answered nothing for long gets one short try per question, so that thousands of
 * questions to it do not each wait for all tries and TCP; every eighth is asked in full, so that
 * one which comes back (over TCP only, perhaps) is noticed. */
bool
mus__dnsx_server_is_silent(const struct dnsx_server *s)
{
	return s->silent >= DNSX_SILENT && s->silent % 8 != 0;
}

/* Refills the credit.  A burst of 50 ms worth of questions, at least one, is allowed. */
static void
credit_refill(struct dnsx_server *s)
{
	int64_t qps = s->x->o.server_qps, now = dnsx_now(s->x), max = qps * 50, span;

	if (max < 1000)
		max = 1000;
	span = now - s->credit_at_ms;
	s->credit_at_ms = now;
	if (s->credit >= max || span > 3600000)
		s->credit = max;
	else if ((s->credit += span * qps) > max)
		s->credit = max;
}

void
mus__dnsx_charge(struct dnsx_server *s)
{
	if (s->x->o.server_qps == 0)
		return;
	credit_refill(s);
	s->credit -= 1000;
}

bool
mus__dnsx_server_is_open(struct dnsx_server *s)
{
	struct mus_dnsx *x = s->x;

	if (s->inflight >= x->o.server_window)
		return false;		/* woken when one is finished */
	if (x->inflight >= DNSX_INFLIGHT_MAX) {
		if (!s->is_blocked) {
			s->is_blocked = true;
			TAILQ_INSERT_TAIL(&x->blocked, s, link);
		}
		return false;
	}
	if (x->o.server_qps > 0) {
		credit_refill(s);
		if (s->credit < 1000) {
			if (s->timer.idx == 0)
				mus__dnsx_timer_set(x, &s->timer, s->credit_at_ms +
				    (1000 - s->credit + x->o.server_qps - 1) / x->o.server_qps);
			return false;
		}
	}
	return true;
}

static void
req_start(struct mus_dnsx_req *r)
{
	struct mus_dnsx *x = r->x;

	r->started = true;
	r->server->inflight++;
	x->inflight++;
	if (x->o.server_qps > 0)
		r->server->credit -= 1000;
	if (r->via == MUS_VIA_TCP ||
	    (r->via == MUS_VIA_AUTO && r->wire_len + (r->key ? DNSX_TSIG_ROOM : 0) > DNSX_UDP_WIRE_MAX))
		mus__dnsx_tcp_start(r);
	else
		mus__dnsx_udp_start(r);
}

void
mus__dnsx_server_kick(struct dnsx_server *s)
{
	struct mus_dnsx *x = s->x;
	struct mus_dnsx_req *r;

	/* One that fails at its start comes here again: the loop below goes on with the next. */
	if (x->dead || s->is_kicking)
		return;
	s->is_kicking = true;
	while ((r = TAILQ_FIRST(&s->waiting)) && mus__dnsx_timer_room(x) && mus__dnsx_server_is_open(s)) {
		TAILQ_REMOVE(&s->waiting, r, link);
		x->stats.queued_now--;
		req_start(r);
	}
	s->is_kicking = false;
}
