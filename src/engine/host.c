/*
 * Addresses of name servers, looked up with validation: to ask those that were given none, and to compare
 * what the others were given with where resolvers are led.  Shared by all zones, and looked up again
 * before each use that is not soon after the last.  An address that is given no more stays until no cache
 * can hold it; one name whose answers alternate so has them all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

enum { AGAIN_S = 60, RETRY_S = 10 };

/* How long a cache may hold an address.  The look-up has a cache itself, and shows short TTLs. */
static struct mus_time
kept_until(const struct eng_host *h, struct mus_time from)
{
	const struct mus_policy *p = &h->e->o.policy;
	uint32_t ttl_s = h->ttl_s > p->ttl_floor_s ? h->ttl_s : p->ttl_floor_s;

	return mus_time_add_s(from, (int64_t)ttl_s + AGAIN_S + p->margin_s);
}

bool
eng_host_keeps(const struct eng_host *h)
{
	return !mus_time_is_set(h->known_at) || kept_until(h, h->known_at).ms >= eng_now(h->e).ms;
}

static void
drop_dead(struct eng_host *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->count; i++)
		if (h->addr[i].until.ms >= eng_now(h->e).ms)
			h->addr[n++] = h->addr[i];
	h->is_full &= n == h->count;
	h->count = n;
}

/* ---- an answer ------------------------------------------------------------------------------- */

/* true: it was not there before. */
static bool
take_addr(struct eng_host *h, const struct mus_addr *addr)
{
	for (unsigned i = 0; i < h->count; i++)
		if (mus_addr_equal(&h->addr[i].addr, addr)) {
			h->addr[i].until = MUS_TIME_NEVER;
			return false;
		}
	if (h->count == ENG_HOST_ADDRS_MAX) {
		h->is_full = true;
		return false;
	}
	h->addr[h->count].addr = *addr;
	h->addr[h->count++].until = MUS_TIME_NEVER;
	return true;
}

static void
take_addrs(struct eng_host *h, const struct mus_lookup_addrs *r)
{
	struct mus_time until;
	bool is_new = false;

	if (r->ttl_s > h->ttl_s)
		h->ttl_s = r->ttl_s;
	until = kept_until(h, eng_now(h->e));
	h->is_full = false;
	for (unsigned i = 0; i < h->count; i++)
		h->addr[i].until = mus_time_min(h->addr[i].until, until);
	for (size_t i = 0; i < r->count; i++)
		is_new |= take_addr(h, &r->addr[i]);
	if (is_new && mus_time_is_set(h->known_at))
		eng_say(h->e, LOG_NOTICE, "", "name server %s has another address", h->name);
	if (!mus_time_is_set(h->known_at))
		h->known_at = eng_now(h->e);
}

/* A half of the answer is none: what is missing may be where resolvers go. */
static enum mus_cause
cause_of(const struct mus_lookup_addrs *r)
{
	if (r->err || r->half_err || r->security == MUS_LOOKUP_BOGUS)
		return MUS_CAUSE_NOLOOKUP;
	return r->count == 0 ? MUS_CAUSE_NOADDR : MUS_CAUSE_NONE;
}

static void
wake_waiting(struct eng_host *h)
{
	for (unsigned i = 0; i < h->waiting_count; i++) {
		struct eng_zone *z = eng_zone_get(h->e, h->waiting[i]);

		if (z)
			eng_wake(h->e, z, ENG_FOCUS_ALL, 0);
	}
	h->waiting_count = 0;
	eng_trials_resume(h->e);
}

static void
on_addrs(void *arg, const struct mus_lookup_addrs *r)
{
	struct eng_host *h = arg;
	enum mus_cause cause = cause_of(r);

	h->asking = false;
	if (cause != MUS_CAUSE_NOLOOKUP)
		take_addrs(h, r);
	h->words = cause == MUS_CAUSE_NOLOOKUP ? r->words : (struct mus_errtext){""};
	if (cause != MUS_CAUSE_NONE && h->cause != cause)
		eng_say(h->e, LOG_WARNING, "", "name server %s: %s %s", h->name, mus_cause_text(cause),
		    h->words.s);
	h->cause = cause;
	h->next = mus_time_add_s(eng_now(h->e), cause == MUS_CAUSE_NONE ? AGAIN_S : RETRY_S);
	wake_waiting(h);
}

/* ---- a question ------------------------------------------------------------------------------- */

static struct eng_host *
host_new(struct mus_engine *e, const char *name)
{
	struct eng_host *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->e = e;
	snprintf(h->name, sizeof h->name, "%s", name);
	h->cause = MUS_CAUSE_LOOKING;
	h->known_at = MUS_TIME_NEVER;
	h->next = MUS_TIME_ALWAYS;
	if (mus_name_parse(name, &h->wire, NULL) < 0 ||
	    mus_map_set(e->host_by_name, name, strlen(name), h, NULL) < 0) {
		free(h);
		return NULL;
	}
	return h;
}

/* The zone is to look again when the answer is there.  Without memory it does so by itself, later. */
static void
wait_for_answer(struct eng_host *h, int64_t zone_id)
{
	int64_t *more;

	for (unsigned i = 0; i < h->waiting_count; i++)
		if (h->waiting[i] == zone_id)
			return;
	more = realloc(h->waiting, (h->waiting_count + 1) * sizeof *more);
	if (!more)
		return;
	h->waiting = more;
	h->waiting[h->waiting_count++] = zone_id;
}

struct eng_host *
eng_host_get(struct mus_engine *e, const char *name, int64_t zone_id)
{
	struct eng_host *h;

	if (!e->o.lookup)
		return NULL;
	h = mus_map_get(e->host_by_name, name, strlen(name));
	if (!h && !(h = host_new(e, name)))
		return NULL;
	drop_dead(h);
	if (!h->asking && h->next.ms <= eng_now(e).ms) {
		int rc = mus_lookup_addrs(e->o.lookup, &h->wire, e->o.dns_port, on_addrs, h);

		h->asking = rc == 0;
		h->asked_at = eng_now(e);
		if (rc < 0) {
			h->cause = MUS_CAUSE_NOLOOKUP;
			mus_errf(&h->words, rc, "%s", mus_err_text(rc));
			h->next = mus_time_add_s(eng_now(e), RETRY_S);
		}
	}
	if (h->asking && h->cause != MUS_CAUSE_NONE)
		wait_for_answer(h, zone_id);
	return h;
}

bool
eng_checks_addresses(const struct mus_engine *e)
{
	return e->o.lookup && !e->o.addresses_unchecked;
}

/* Resolvers go there, whatever port the address was given with.  What DNS has now must be one that is given: what is
 * asked because it was given once (then it has no name) is on its way out. */
static bool
is_asked(const struct eng_host *h, unsigned a, const struct mus_zonestate *st, unsigned s)
{
	bool is_now = !mus_time_is_set(h->addr[a].until);

	for (unsigned i = 0; i < st->zone.server_count; i++)
		if (st->zone.server[i].origin == s && mus_addr_same_ip(&st->book.addr[i], &h->addr[a].addr) &&
		    (!is_now || mus_server_names(&st->zone.server[i])))
			return true;
	return false;
}

const struct mus_addr *
eng_host_elsewhere(const struct eng_host *h, const struct mus_zonestate *st, unsigned s)
{
	for (unsigned a = 0; a < h->count; a++)
		if (!is_asked(h, a, st, s))
			return &h->addr[a].addr;
	return NULL;
}

/* The name server that the lack is about; NULL: it is not looked up. */
static const struct eng_host *
host_of(const struct mus_engine *e, const struct mus_zonestate *st, const struct mus_lack *l)
{
	if (l->origin >= MUS_SIGNERS_MAX || l->ns >= st->zone.ns_count)
		return NULL;
	return mus_map_get(e->host_by_name, st->book.ns[l->ns], strlen(st->book.ns[l->ns]));
}

bool
eng_hosts_are_awaited(const struct mus_engine *e, const struct mus_zonestate *st)
{
	for (unsigned i = 0; i < st->zone.lack_count; i++) {
		const struct mus_lack *l = &st->zone.lack[i];
		const struct eng_host *h = l->cause == MUS_CAUSE_LOOKING ? host_of(e, st, l) : NULL;

		if (h && h->asking && eng_is_just_asked(e, h->asked_at))
			return true;
	}
	return false;
}

void
eng_host_troubles(struct mus_engine *e, const struct mus_zonestate *st, struct mus_ctl_trouble *trouble)
{
	for (unsigned i = 0; i < st->zone.lack_count; i++) {
		const struct mus_lack *l = &st->zone.lack[i];
		const struct eng_host *h = host_of(e, st, l);
		const struct mus_addr *at = NULL;
		char text[MUS_ADDR_TEXT_MAX];

		if (h && l->cause == MUS_CAUSE_ADDRESS)
			at = eng_host_elsewhere(h, st, l->origin);
		if (at)
			snprintf(trouble[l->origin].lookup, sizeof trouble[l->origin].lookup,
			    "DNS has the address %s, or had it and caches may hold it",
			    mus_addr_text(at, e->o.dns_port, text));
		else if (h && l->cause == MUS_CAUSE_NOLOOKUP)
			snprintf(trouble[l->origin].lookup, sizeof trouble[l->origin].lookup, "%s", h->words.s);
	}
}

void
eng_hosts_free(struct mus_engine *e)
{
	size_t pos = 0, len;
	const void *key;
	void *v;

	if (!e->host_by_name)
		return;
	while (mus_map_next(e->host_by_name, &pos, &key, &len, &v)) {
		free(((struct eng_host *)v)
			 ->waiting); /* the look-up is closed: it calls back no more */
		free(v);
	}
	mus_map_free(e->host_by_name);
	e->host_by_name = NULL;
}
