#include "core/cut.h"
#include "core/reach.h"

/* ${ns} is in an NS set that was sent to a signer that resolvers are led to, and is not seen there yet:
 * it may be there at any moment, also when it is not intended any more. */
static bool
is_on_its_way(const struct mus_zone *zone, const struct mus_seen *seen, unsigned ns)
{
	for (unsigned i = 0; !mus_clause_is_cut(MUS_CLAUSE_REACH_PENDING) && i < seen->pending_count; i++) {
		const struct mus_pending *p = &seen->pending[i];

		if (p->kind == MUS_RR_NS && (p->add & mus_bit(ns)) && p->signer < zone->signer_count &&
		    !zone->signer[p->signer].is_lost &&
		    (mus_servers_of(zone, p->signer) & mus_reach(zone, seen)))
			return true;
	}
	return false;
}

struct mus_time
mus_listed_until(const struct mus_zone *zone, const struct mus_seen *seen, unsigned ns,
    const struct mus_policy *policy, struct mus_time now)
{
	struct mus_time end = MUS_TIME_ALWAYS;

	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		enum mus_rr_kind kind = o == MUS_PARENT ? MUS_RR_PNS : MUS_RR_NS;
		const struct mus_ring *ring = mus_seen_ring_const(seen, o, kind);
		uint32_t floor_s = mus_ring_floor_s(ring, kind, policy, now);

		/* Who is declared lost is believed to list nobody (OP-9). */
		if (o < MUS_SIGNERS_MAX && mus_clause_is_cut(MUS_CLAUSE_REACH_CHILD))
			continue;
		if (o < MUS_SIGNERS_MAX && (o >= zone->signer_count || zone->signer[o].is_lost))
			continue;
		for (unsigned i = 0; i < ring->count; i++) {
			const struct mus_version *v = &ring->v[i];

			if (!(v->set & mus_bit(ns)))
				continue;
			end = mus_time_max(
			    end, mus_version_end(seen, ring, v, floor_s, now, policy->margin_s));
			if (o != MUS_PARENT && !v->srv && !mus_clause_is_cut(MUS_CLAUSE_REACH_ASKED))
				end = mus_time_max(
				    end, mus_asked_until(zone, seen, o, kind, v, policy, now));
		}
	}
	return end;
}

uint64_t
mus_names_unasked(const struct mus_zone *zone, unsigned but)
{
	uint64_t asked = 0, unasked = 0;

	for (unsigned i = 0; i < zone->server_count; i++)
		if (zone->server[i].origin < zone->signer_count)
			asked |= mus_server_names(&zone->server[i]);
	for (unsigned n = 0; n < zone->ns_count; n++) {
		unsigned owner = zone->ns[n].owner;

		if (owner >= zone->signer_count || !((asked >> n & 1) || (but >> owner & 1)))
			unasked |= mus_bit(n);
	}
	return unasked;
}

/* By the keys that sign its NS set. */
static bool
is_copy_of(const struct mus_zone *zone, const struct mus_version *v, unsigned signer, bool or_unknown)
{
	for (unsigned i = 0; i < v->sig_count; i++) {
		unsigned owner = v->sig[i].key < zone->key_count ? zone->key[v->sig[i].key].owner : MUS_NOBODY;

		if (owner == signer)
			return true;
		or_unknown &= owner >= zone->signer_count;
	}
	return or_unknown;
}

struct mus_time
mus_parent_serves_until(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_want *want,
    unsigned signer, uint64_t *at)
{
	const struct mus_ring *ring = &seen->parent[MUS_RR_PNS - MUS_RR_DS];
	bool leaves = want->proc.kind == MUS_PROC_REMOVE && want->proc.signer == signer;
	struct mus_time end = MUS_TIME_ALWAYS;

	*at = 0;
	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];

		if (!(v->flags & MUS_VER_CHILD) || !is_copy_of(zone, v, signer, leaves))
			continue;
		*at |= v->srv;
		end = mus_time_max(end, v->srv ? MUS_TIME_NEVER : v->last);
	}
	return end;
}

/* What the server stopped to show in the very round that shows it in Reach may have been handed out
 * before: nobody knows when between two rounds resolvers came to it. */
static void
enter(const struct mus_zone *zone, struct mus_seen *seen, unsigned server, struct mus_time now)
{
	for (unsigned kind = 0; kind < MUS_RR_SIGNER_COUNT; kind++) {
		struct mus_ring *ring = &seen->signer[zone->server[server].origin][kind];

		for (unsigned i = 0; i < ring->count; i++)
			if (ring->v[i].srv == 0 && ring->v[i].last.ms == MUS_TIME_ALWAYS.ms)
				ring->v[i].last = now;
	}
	seen->server[server].cut = MUS_TIME_NEVER;
}

/* Names that are meant to be in the NS sets: on their way there, or there. */
static bool
is_intended(const struct mus_zone *zone, const struct mus_want *want, unsigned ns)
{
	return want->adopted && zone->ns[ns].owner < zone->signer_count &&
	    (want->nsg >> zone->ns[ns].owner & 1);
}

/* Until when any of ${names} leads on; ${until}: by what was seen, each. */
static struct mus_time
led_by(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_want *want,
    uint64_t names, const struct mus_time *until)
{
	struct mus_time end = MUS_TIME_ALWAYS;

	for (; names; names &= names - 1) {
		unsigned n = (unsigned)__builtin_ctzll(names);

		if (is_intended(zone, want, n) || is_on_its_way(zone, seen, n))
			return MUS_TIME_NEVER;
		end = mus_time_max(end, until[n]);
	}
	return end;
}

void
mus_reach_settle(const struct mus_zone *zone, struct mus_seen *seen, const struct mus_want *want,
    const struct mus_policy *policy, struct mus_time now)
{
	struct mus_time at_parent[MUS_SIGNERS_MAX];
	uint64_t all = mus_bit(zone->ns_count) - 1, servers;
	bool changed = true;

	for (unsigned i = 0; i < zone->server_count; i++)
		if (zone->server[i].origin == MUS_PARENT)
			seen->server[i].cut = MUS_TIME_NEVER;	/* always asked */
	/* A server that enters may show an NS set that leads to others: at most one pass per server. */
	for (unsigned s = 0; s < zone->signer_count; s++)
		at_parent[s] = mus_parent_serves_until(zone, seen, want, s, &servers);
	for (unsigned pass = 0; changed && pass <= zone->server_count; pass++) {
		struct mus_time until[MUS_NSNAMES_MAX];

		changed = false;
		for (unsigned n = 0; n < zone->ns_count; n++)
			until[n] = mus_listed_until(zone, seen, n, policy, now);
		for (unsigned i = 0; i < zone->server_count; i++) {
			struct mus_srvstate *s = &seen->server[i];
			uint64_t names = mus_server_names(&zone->server[i]) & all;
			struct mus_time end;

			if (zone->server[i].origin == MUS_PARENT || !names)
				continue;
			end = mus_time_max(led_by(zone, seen, want, names, until),
			    at_parent[zone->server[i].origin]);
			if (end.ms >= now.ms && s->cut.ms != MUS_TIME_NEVER.ms) {
				enter(zone, seen, i, now);
				changed = true;
			} else if (end.ms < now.ms && s->cut.ms == MUS_TIME_NEVER.ms) {
				/* The version that led there longest may be forgotten by now. */
				s->cut = mus_time_min(now, mus_time_max(end, s->led_until));
				changed = true;
			}
			if (s->cut.ms == MUS_TIME_NEVER.ms)
				s->led_until = end;
		}
	}
}
