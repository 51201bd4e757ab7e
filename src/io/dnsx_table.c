#include <stdlib.h>
#include <sys/random.h>

#include "io/dnsx_priv.h"

uint16_t
mus__dnsx_random(struct mus_dnsx *x)
{
	if (x->rnd_left == 0) {
		ssize_t n = getrandom(x->rnd, sizeof x->rnd, 0);

		MUS_ASSERT(n >= 2);	/* never fails on a kernel that runs us; 256+ may be cut */
		x->rnd_left = (unsigned)n / 2;
	}
	return x->rnd[--x->rnd_left];
}

/* ---- the heap of timers: one timer of the loop for all ---- */

static void
heap_put(struct mus_dnsx *x, uint32_t i, struct dnsx_timer *t)
{
	x->heap[i] = t;
	t->idx = i + 1;
}

static void
heap_up(struct mus_dnsx *x, uint32_t i, struct dnsx_timer *t)
{
	while (i > 0 && t->at_ms < x->heap[(i - 1) / 2]->at_ms) {
		heap_put(x, i, x->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(x, i, t);
}

static void
heap_down(struct mus_dnsx *x, uint32_t i, struct dnsx_timer *t)
{
	uint32_t child;

	while ((child = 2 * i + 1) < x->heap_count) {
		if (child + 1 < x->heap_count && x->heap[child + 1]->at_ms < x->heap[child]->at_ms)
			child++;
		if (t->at_ms <= x->heap[child]->at_ms)
			break;
		heap_put(x, i, x->heap[child]);
		i = child;
	}
	heap_put(x, i, t);
}

void
mus__dnsx_timer_clear(struct mus_dnsx *x, struct dnsx_timer *t)
{
	uint32_t i = t->idx;
	struct dnsx_timer *last;

	if (i == 0)
		return;
	t->idx = 0;
	last = x->heap[--x->heap_count];
	if (last == t)
		return;
	i--;
	if (i > 0 && last->at_ms < x->heap[(i - 1) / 2]->at_ms)
		heap_up(x, i, last);
	else
		heap_down(x, i, last);
}

/* There is room: mus_dnsx_ask and the opening of sockets and connections reserve it. */
void
mus__dnsx_timer_set(struct mus_dnsx *x, struct dnsx_timer *t, int64_t at_ms)
{
	mus__dnsx_timer_clear(x, t);
	MUS_ASSERT(x->heap_count < x->heap_cap);
	t->at_ms = at_ms;
	heap_up(x, x->heap_count++, t);
}

/* The largest number of timers: each question under way, each server, each connection, and one. */
bool
mus__dnsx_timer_room(struct mus_dnsx *x)
{
	size_t want = x->inflight + mus_map_count(x->servers) + x->conns_max + 16, cap;
	struct dnsx_timer **p;

	if (want <= x->heap_cap)
		return true;
	cap = want < 512 ? 1024 : want * 2;
	if (!(p = realloc(x->heap, cap * sizeof(struct dnsx_timer *))))
		return false;
	x->heap = p;
	x->heap_cap = (uint32_t)cap;
	return true;
}

/* ---- the table of questions under way ---- */

static size_t
pending_slot(const struct mus_dnsx *x, uint64_t chan, uint16_t id)
{
	uint64_t h = (chan << 16 | id) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) & (x->pending_cap - 1);
}

struct mus_dnsx_req *
mus__dnsx_pending_get(struct mus_dnsx *x, uint64_t chan, uint16_t id)
{
	struct mus_dnsx_req *r = x->pending[pending_slot(x, chan, id)];

	while (r && (r->chan != chan || r->id != id))
		r = r->pending_next;
	return r;
}

/* Without memory the chains only grow longer. */
static void
pending_grow(struct mus_dnsx *x)
{
	size_t old_cap = x->pending_cap, i, slot;
	struct mus_dnsx_req **old = x->pending, **p, *r;

	if (x->pending_count < old_cap || !(p = calloc(old_cap * 2, sizeof(struct mus_dnsx_req *))))
		return;
	x->pending = p;
	x->pending_cap = old_cap * 2;
	for (i = 0; i < old_cap; i++) {
		while ((r = old[i])) {
			old[i] = r->pending_next;
			slot = pending_slot(x, r->chan, r->id);
			r->pending_next = p[slot];
			p[slot] = r;
		}
	}
	free(old);
}

bool
mus__dnsx_pending_add(struct mus_dnsx *x, struct mus_dnsx_req *r, uint64_t chan)
{
	size_t slot;
	uint16_t id;
	int tries;

	MUS_ASSERT(r->chan == 0);
	pending_grow(x);
	/* At most DNSX_WINDOW_MAX of 65536 ids are taken: a hundred misses do not happen. */
	for (tries = 0; tries < 100; tries++) {
		id = mus__dnsx_random(x);
		if (mus__dnsx_pending_get(x, chan, id))
			continue;
		r->chan = chan;
		r->id = id;
		r->wire[0] = (uint8_t)(id >> 8);
		r->wire[1] = (uint8_t)id;
		slot = pending_slot(x, chan, id);
		r->pending_next = x->pending[slot];
		x->pending[slot] = r;
		x->pending_count++;
		return true;
	}
	return false;
}

void
mus__dnsx_pending_remove(struct mus_dnsx *x, struct mus_dnsx_req *r)
{
	struct mus_dnsx_req **p;

	if (r->chan == 0)
		return;
	p = &x->pending[pending_slot(x, r->chan, r->id)];
	while (*p != r)
		p = &(*p)->pending_next;
	*p = r->pending_next;
	r->chan = 0;
	x->pending_count--;
}
