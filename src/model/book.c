#include "model/book.h"

#include <stdlib.h>
#include <string.h>

/* A zonestate is some 250 KB, nearly all of it empty places for versions.  It is reused for zone
 * after zone, so only what says "nothing here" is written: the heads of the rings, and the small
 * tables whole.  What a count does not cover keeps old bytes. */
static void
ring_init(struct mus_ring *r)
{
	r->count = 0;
	r->overflow = false;
	r->fail_cause = MUS_CAUSE_NONE;
	r->fail_server = 0;
	r->ttl_max_s = 0;
	r->ok = 0;
	r->fail = 0;
	r->asked_at = MUS_TIME_ALWAYS;
	r->since = MUS_TIME_NEVER;
	r->overflow_until = MUS_TIME_ALWAYS;
	r->fail_since = MUS_TIME_NEVER;
}

static void
signer_init(struct mus_seen *s, unsigned signer)
{
	for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
		ring_init(&s->signer[signer][k]);
	s->copy[signer] = (struct mus_copy){.at = MUS_TIME_ALWAYS, .unread_at = MUS_TIME_ALWAYS};
}

static void
seen_init(struct mus_seen *s)
{
	for (unsigned i = 0; i < MUS_SIGNERS_MAX; i++)
		signer_init(s, i);
	for (unsigned k = 0; k < MUS_RR_PARENT_COUNT; k++)
		ring_init(&s->parent[k]);
	for (unsigned i = 0; i < MUS_SERVERS_MAX; i++)
		s->server[i] = (struct mus_srvstate){
		    .led_until = MUS_TIME_NEVER, .cut = MUS_TIME_ALWAYS};
	s->pending_count = 0;
}

static const struct mus_zkey no_key = {.owner = MUS_OWNER_UNKNOWN, .gone_at = MUS_TIME_NEVER};

static void
zone_init(struct mus_zone *z)
{
	memset(z, 0, sizeof *z);
	for (unsigned i = 0; i < MUS_KEYS_MAX; i++)
		z->key[i] = no_key;
	for (unsigned i = 0; i < MUS_NSNAMES_MAX; i++)
		z->ns[i].owner = MUS_OWNER_UNKNOWN;
}

void
mus_roll_clear(struct mus_roll *r)
{
	*r = (struct mus_roll){.kind = MUS_PROC_NONE, .started_at = MUS_TIME_NEVER, .row_at = MUS_TIME_NEVER,
	    .key = {MUS_TIME_NEVER, 0}, .ds = {MUS_TIME_NEVER, 0}, .data = {MUS_TIME_NEVER, 0},
	    .told_at = MUS_TIME_NEVER};
}

static void
want_init(struct mus_want *w)
{
	memset(w, 0, sizeof *w);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		mus_roll_clear(&w->roll[i]);
	w->proc.started_at = w->proc.row_at = MUS_TIME_NEVER;
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		w->proc.clock[i].from = MUS_TIME_NEVER;
}

static void
book_init(struct mus_book *b)
{
	b->zone_id = 0;
	b->zone[0] = b->parent[0] = '\0';
	for (unsigned i = 0; i < MUS_SIGNERS_MAX; i++) {
		b->signer_id[i] = 0;
		b->signer[i][0] = '\0';
	}
	for (unsigned i = 0; i < MUS_NSNAMES_MAX; i++)
		b->ns[i][0] = '\0';
	memset(b->addr, 0, sizeof b->addr);
	memset(b->key, 0, sizeof b->key);
}

void *
mus_zonestate_room(size_t bytes)
{
	const size_t line = _Alignof(struct mus_zonestate);
	size_t len = (bytes + line - 1) / line * line;
	void *room = aligned_alloc(line, len);

	return room ? memset(room, 0, len) : NULL;
}

void
mus_zonestate_init(struct mus_zonestate *z)
{
	book_init(&z->book);
	zone_init(&z->zone);
	seen_init(&z->seen);
	want_init(&z->want);
}

void
mus_zonestate_clear(struct mus_zonestate *z)
{
	for (unsigned i = 0; i < MUS_KEYS_MAX; i++)
		free(z->book.key[i].rdata);
	mus_zonestate_init(z);
}

static void
shift(struct mus_time *t, int64_t ms)
{
	*t = mus_time_add_ms(*t, ms);
}

static void
ring_shift(struct mus_ring *r, int64_t ms)
{
	shift(&r->since, ms);
	shift(&r->overflow_until, ms);
	for (unsigned i = 0; i < r->count; i++) {
		shift(&r->v[i].first, ms);
		shift(&r->v[i].last, ms);
	}
}

void
mus_zonestate_shift(struct mus_zonestate *z, int64_t ms)
{
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++) {
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
			ring_shift(&z->seen.signer[s][k], ms);
		shift(&z->seen.copy[s].at, ms);
		shift(&z->seen.copy[s].unread_at, ms);
	}
	for (unsigned k = 0; k < MUS_RR_PARENT_COUNT; k++)
		ring_shift(&z->seen.parent[k], ms);
	for (unsigned i = 0; i < MUS_SERVERS_MAX; i++) {
		shift(&z->seen.server[i].led_until, ms);
		shift(&z->seen.server[i].cut, ms);
	}
	for (unsigned i = 0; i < z->seen.pending_count; i++)
		shift(&z->seen.pending[i].sent_at, ms);
	for (unsigned k = 0; k < MUS_KEYS_MAX; k++)
		shift(&z->zone.key[k].gone_at, ms);
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		shift(&z->want.proc.clock[i].from, ms);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		shift(&z->want.roll[i].key.from, ms);
		shift(&z->want.roll[i].ds.from, ms);
		shift(&z->want.roll[i].data.from, ms);
	}
}

/* Up to ${at}, when it had an end at all. */
static void
end_at(struct mus_time *t, struct mus_time at)
{
	if (mus_time_is_set(*t))
		*t = mus_time_max(*t, at);
}

static void
ring_break(struct mus_ring *r, struct mus_time at)
{
	r->ok = r->fail = 0;
	r->fail_cause = MUS_CAUSE_NONE;
	r->fail_server = 0;
	r->asked_at = MUS_TIME_ALWAYS;
	r->since = r->fail_since = MUS_TIME_NEVER;
	for (unsigned i = 0; i < r->count; i++)
		end_at(&r->v[i].last, at);
}

void
mus_zonestate_break(struct mus_zonestate *z, struct mus_time at)
{
	struct mus_want *w = &z->want;

	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
			ring_break(&z->seen.signer[s][k], at);
	for (unsigned k = 0; k < MUS_RR_PARENT_COUNT; k++)
		ring_break(&z->seen.parent[k], at);
	for (unsigned i = 0; i < MUS_SERVERS_MAX; i++)
		end_at(&z->seen.server[i].cut, at);
	for (unsigned i = 0; i < z->seen.pending_count; i++)
		end_at(&z->seen.pending[i].sent_at, at);
	for (unsigned k = 0; k < MUS_KEYS_MAX; k++)
		end_at(&z->zone.key[k].gone_at, at);
	if (w->adopted)
		w->met |= mus_want_any(w);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		w->roll[i].row = 0;
		w->roll[i].told_tries = 0;
		w->roll[i].told = false;
		w->roll[i].key.from = w->roll[i].ds.from = w->roll[i].data.from = MUS_TIME_NEVER;
		end_at(&w->roll[i].started_at, at);
		end_at(&w->roll[i].row_at, at);
	}
	if (w->proc.kind == MUS_PROC_NONE)
		return;
	w->met |= (uint8_t)(1u << w->proc.signer);
	w->proc.row = 0;
	/* CSYNC is asked for by a serial of this time: that of the copy may have been used. */
	w->proc.started_at = w->proc.row_at = at;
	w->csync = false;
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		w->proc.clock[i].from = MUS_TIME_NEVER;
}

void
mus_zonestate_forget_key(struct mus_zonestate *z, unsigned key)
{
	free(z->book.key[key].rdata);
	z->book.key[key] = (struct mus_book_key){NULL, 0};
	z->zone.key[key] = no_key;
	/* Who has the bit next was not in these. */
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		z->seen.copy[s].keys_in_data &= ~mus_bit(key);
	z->want.known &= ~mus_bit(key);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		z->want.roll[i].in &= ~mus_bit(key);
		z->want.roll[i].out &= ~mus_bit(key);
	}
}

void
mus_zonestate_forget_signer(struct mus_zonestate *z, unsigned signer)
{
	for (unsigned k = 0; k < z->zone.key_count; k++)
		if (z->zone.key[k].id != 0 && z->zone.key[k].owner == signer)
			mus_zonestate_forget_key(z, k);
	for (unsigned n = 0; n < z->zone.ns_count; n++)
		if (z->zone.ns[n].owner == signer)
			z->zone.ns[n].owner = MUS_OWNER_UNKNOWN;
	z->book.signer_id[signer] = 0;
	z->book.signer[signer][0] = '\0';
	z->zone.signer[signer] = (struct mus_zsigner){.is_member = false};
	signer_init(&z->seen, signer);
}

int
mus_book_find_key(const struct mus_book *b, const struct mus_zone *z, uint64_t id,
    const uint8_t *rdata, size_t len)
{
	for (unsigned i = 0; i < z->key_count; i++)
		if (z->key[i].id == id && b->key[i].rdata != NULL && b->key[i].len == len &&
		    memcmp(b->key[i].rdata, rdata, len) == 0)
			return (int)i;
	return -1;
}

int
mus_book_find_ns(const struct mus_book *b, const struct mus_zone *z, const char *name)
{
	if (name[0] == '\0')		/* an index not in use has no name */
		return -1;
	for (unsigned i = 0; i < z->ns_count; i++)
		if (strcmp(b->ns[i], name) == 0)
			return (int)i;
	return -1;
}

int
mus_book_find_signer(const struct mus_book *b, const struct mus_zone *z, int64_t signer_id)
{
	if (signer_id == 0)
		return -1;
	for (unsigned i = 0; i < z->signer_count; i++)
		if (b->signer_id[i] == signer_id)
			return (int)i;
	return -1;
}

int
mus_book_find_server(const struct mus_book *b, const struct mus_zone *z, unsigned origin,
    const struct mus_addr *addr)
{
	if (addr->family == 0)
		return -1;
	for (unsigned i = 0; i < z->server_count; i++)
		if (z->server[i].origin == origin && mus_addr_equal(&b->addr[i], addr))
			return (int)i;
	return -1;
}
