#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/http_places.h"

/* The address without its port, of IPv6 the upper half: who has one address there has them all. */
static struct mus_addr
net_of(const struct mus_addr *a)
{
	struct mus_addr net = {.family = a->family};

	memcpy(net.ip, a->ip, a->family == 6 ? 8 : 4);
	return net;
}

static void
shut(struct mus_places *ps, struct mus_place *p)
{
	(void)shutdown(p->fd, SHUT_RDWR);
	p->shut = true;
	ps->stats.connections--;
}

/* All places, or those of one network. */
static bool
is_in(const struct mus_place *p, const struct mus_addr *net)
{
	return !p->shut && (!net || mus_addr_equal(&p->net, net));
}

static unsigned
taken(const struct mus_places *ps, const struct mus_addr *net)
{
	const struct mus_place *p;
	unsigned n = 0;

	if (!net)
		return ps->stats.connections;
	for (p = ps->first; p; p = p->next)
		n += is_in(p, net);
	return n;
}

/* The known keep their place while a request is under way; who has not said who he is does not keep
 * one by asking again and again. */
static bool
can_give(const struct mus_place *p)
{
	return p->known ? p->does == MUS_PLACE_HEAD : p->does != MUS_PLACE_HELD;
}

/* Of those who have not said who they are the first that came, else the longest silent one.  ${over}:
 * among those who came as one too many and wait for their refusal, and not among the others. */
static struct mus_place *
find_giver(const struct mus_places *ps, const struct mus_place *newcomer, const struct mus_addr *net,
    bool over)
{
	struct mus_place *p, *best = NULL;

	for (p = ps->first; p; p = p->next) {
		if (p == newcomer || p->over != over || !is_in(p, net) || !can_give(p))
			continue;
		if (!p->known)
			return p;	/* they stand in the order they came */
		if (!best || p->since_ms < best->since_ms)
			best = p;
	}
	return best;
}

/* One place for ${p} among those of ${net}, or of all (NULL). */
static void
make_room(struct mus_places *ps, struct mus_place *p, const struct mus_addr *net, unsigned max)
{
	unsigned n = taken(ps, net);
	struct mus_place *giver;

	if (n <= max)
		return;
	if ((giver = find_giver(ps, p, net, false))) {
		ps->stats.gave_place++;
		shut(ps, giver);
		return;
	}
	p->over = true;
	if (n > max + MUS_PLACES_OVER && (giver = find_giver(ps, p, net, true)))
		shut(ps, giver);
}

struct mus_place *
mus_place_enter(struct mus_places *ps, const struct mus_addr *from, int fd, int64_t now_ms)
{
	struct mus_place *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->net = net_of(from);
	p->fd = fd;
	p->since_ms = now_ms;
	p->prev = ps->last;
	if (ps->last)
		ps->last->next = p;
	else
		ps->first = p;
	ps->last = p;
	ps->stats.connections++;
	make_room(ps, p, &p->net, ps->net_max);
	make_room(ps, p, NULL, ps->max);
	return p;
}

void
mus_place_leave(struct mus_places *ps, struct mus_place *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		ps->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		ps->last = p->prev;
	if (!p->shut)
		ps->stats.connections--;
	free(p);
}

void
mus_place_does(struct mus_place *p, enum mus_place_does does, int64_t now_ms)
{
	p->does = does;
	p->since_ms = now_ms;
}

unsigned
mus_place_refusal(struct mus_places *ps, struct mus_place *p)
{
	if (p->over && taken(ps, &p->net) > ps->net_max) {
		ps->stats.refused_net++;
		return 429;
	}
	if (p->over && taken(ps, NULL) > ps->max) {
		ps->stats.refused_full++;
		return 503;
	}
	p->over = false;		/* somebody has gone meanwhile */
	return 0;
}

void
mus_places_sweep(struct mus_places *ps, int64_t now_ms)
{
	struct mus_place *p;

	for (p = ps->first; p; p = p->next) {
		int64_t may = p->does == MUS_PLACE_HEAD ? ps->head_ms
		    : p->does == MUS_PLACE_BODY		? ps->body_ms
							: INT64_MAX;

		if (!p->shut && now_ms - p->since_ms > may) {
			ps->stats.slow++;
			shut(ps, p);
		}
	}
}
