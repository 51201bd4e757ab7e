/*
 * The places of an HTTP server: one for each connection.  There are so many in all and so many for
 * one network (an IPv4 address, a /64 of IPv6).  When they are taken, whoever is the longest without
 * a use for his place gives it to a newcomer: first one who has not said who he is, then one who is
 * silent.  Only when nobody can give a place the newcomer is one too many; he is told so.
 *
 * Who gives its place has its socket shut; the library then sees the end and closes it.
 */
#ifndef MUS_IO_HTTP_PLACES_H
#define MUS_IO_HTTP_PLACES_H

#include "base/addr.h"
#include "io/http.h"

enum {
	MUS_PLACES_OVER = 16,	/* newcomers one too many that wait for their refusal */
	MUS_PLACES_SPARE = 64,	/* with those that are shut and not closed yet */
};

enum mus_place_does {
	MUS_PLACE_HEAD,		/* nothing has come, or not a whole head */
	MUS_PLACE_BODY,
	MUS_PLACE_HELD,		/* the handler has it: a deferred reply, a stream */
	MUS_PLACE_ANSWER,	/* is being sent */
};

struct mus_place {
	struct mus_place *prev, *next;
	struct mus_addr net;
	int fd;
	enum mus_place_does does;
	int64_t since_ms;	/* it does so */
	bool known;		/* has said who it is */
	bool over;		/* came as one too many */
	bool shut;		/* holds no place any more */
};

struct mus_places {
	unsigned max, net_max;
	int64_t head_ms, body_ms;	/* time for a whole head, for a whole body */
	struct mus_place *first, *last;	/* in the order they came */
	struct mus_http_stats stats;
};

/* NULL: no memory; the caller shuts ${fd}.  ${fd} stays the caller's. */
struct mus_place *mus_place_enter(struct mus_places *ps, const struct mus_addr *from, int fd,
    int64_t now_ms);
void mus_place_leave(struct mus_places *ps, struct mus_place *p);	/* frees ${p} */
void mus_place_does(struct mus_place *p, enum mus_place_does does, int64_t now_ms);
/* Status to refuse its request with: 429 its network has too many, 503 all have; 0: go on. */
unsigned mus_place_refusal(struct mus_places *ps, struct mus_place *p);
/* Shuts who has not sent a whole head or body in its time. */
void mus_places_sweep(struct mus_places *ps, int64_t now_ms);

#endif
