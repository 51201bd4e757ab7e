#include <string.h>

#include "core/guard.h"
#include "core/reach.h"
#include "core/sets.h"

/* Servers of ${names} that are not in ${reach}. */
static uint64_t
servers_named(const struct mus_zone *zone, uint64_t names, uint64_t reach)
{
	uint64_t servers = 0;

	names &= mus_bit(zone->ns_count) - 1;
	for (unsigned i = 0; i < zone->server_count; i++)
		if (zone->server[i].origin != MUS_PARENT && (names & mus_server_names(&zone->server[i])))
			servers |= mus_bit(i);
	return servers & ~reach;
}

/* Names that somebody lists but their own signer: the parent, or another signer. */
static uint64_t
names_listed(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts)
{
	const struct mus_ring *ring = &seen->parent[MUS_RR_PNS - MUS_RR_DS];
	uint64_t listed = 0, own[MUS_SIGNERS_MAX] = {0};

	for (unsigned n = 0; n < zone->ns_count; n++)
		if (zone->ns[n].owner < zone->signer_count)
			own[zone->ns[n].owner] |= mus_bit(n);
	for (unsigned m = mus_served(facts, MUS_PARENT, MUS_RR_PNS); m; m &= m - 1)
		listed |= ring->v[__builtin_ctz(m)].set;
	for (unsigned s = 0; s < zone->signer_count; s++) {
		ring = &seen->signer[s][MUS_RR_NS];
		for (unsigned m = mus_served(facts, s, MUS_RR_NS); m; m &= m - 1)
			listed |= ring->v[__builtin_ctz(m)].set & ~own[s];
	}
	return listed;
}

/* Servers that would be in Reach: those that are, those of the entering names, and whoever these
 * lead to by the NS sets that they show. */
static uint64_t
reach_with(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    const struct mus_change *c, uint64_t *entering)
{
	uint64_t reach = facts->reach, names = c->ns_add, more, listed;

	*entering = 0;
	if (mus_clause_is_cut(MUS_CLAUSE_ENTERING))
		return reach;
	/* Who counts as reached for what was sent before, and is listed by nobody, enters each time that it is sent. */
	more = servers_named(zone, names, reach);
	if (c->ns_sent) {
		listed = names_listed(zone, seen, facts);
		more |= servers_named(zone, c->ns_sent & ~listed, servers_named(zone, listed, 0));
	}
	for (; more; more = servers_named(zone, names, reach | *entering)) {
		*entering |= more;
		for (unsigned s = 0; !mus_clause_is_cut(MUS_CLAUSE_LED_ON) && s < zone->signer_count; s++) {
			const struct mus_ring *ring = &seen->signer[s][MUS_RR_NS];

			for (unsigned m = mus_served(facts, s, MUS_RR_NS); m; m &= m - 1)
				if (ring->v[__builtin_ctz(m)].srv & *entering)
					names |= ring->v[__builtin_ctz(m)].set;
		}
	}
	return reach | *entering;
}

/* Everything the guard reads must be known: parent, and each server in the new Reach. */
static bool
all_known(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    uint64_t reach, const struct mus_policy *policy, struct mus_time now, struct mus_witness *w)
{
	static const enum mus_rr_kind must[] = {MUS_RR_KEY, MUS_RR_SOA, MUS_RR_NS, MUS_RR_DENY0};
	uint64_t parent = facts->servers[MUS_PARENT];

	if (mus_clause_is_cut(MUS_CLAUSE_KNOWN))
		return true;
	if (!mus_is_known(&seen->parent[0], MUS_PARENT, MUS_RR_DS, parent, policy, now, w) ||
	    !mus_is_known(&seen->parent[MUS_RR_PNS - MUS_RR_DS], MUS_PARENT, MUS_RR_PNS, parent,
		policy, now, w))
		return false;
	for (unsigned s = 0; s < zone->signer_count; s++) {
		uint64_t servers = facts->servers[s] & reach;

		if (!servers || zone->signer[s].is_lost)
			continue;
		for (unsigned m = 0; m < sizeof must / sizeof must[0]; m++)
			if (!mus_is_known(&seen->signer[s][must[m]], s, must[m], servers, policy,
				now, w))
				return false;
	}
	return true;
}

/* A DNSKEY set that will be: what it replaces, and what is met on an entering server. */
static void
add_new_key(const struct mus_version *v, uint64_t base, unsigned o, const struct mus_change *c,
    uint64_t reach, uint64_t entering, const struct mus_policy *policy, struct mus_time now,
    struct mus_sets *s)
{
	uint64_t a = (base | c->key_add[o]) & ~c->key_del[o];
	struct mus_ent e = {.a = a, .origin = (uint8_t)o, .kind = MUS_RR_KEY, .is_new = true,
	    .server = (uint8_t)__builtin_ctzll(v->srv & reach), .first = v->first,
	    .end = MUS_TIME_ALWAYS, .b = mus_sig_mask(v, now, policy->margin_s)};

	if (v->srv & reach & ~entering) {
		e.replaces = true;
		e.old_a = base;
		e.old_b = e.b;
		if (a != base)
			mus_sets_add(s, 'k', &e);
	}
	if (v->srv & entering) {
		/* Met both before and after the change. */
		e.replaces = false;
		e.old_a = e.old_b = 0;
		mus_sets_add(s, 'k', &e);
		e.a = base;
		mus_sets_add(s, 'k', &e);
	}
}

/* A DNSKEY set with all changes that are on their way to the signer. */
static uint64_t
with_pending(const struct mus_seen *seen, unsigned o, uint64_t set)
{
	for (unsigned p = 0; !mus_clause_is_cut(MUS_CLAUSE_PENDING_KEY) && p < seen->pending_count; p++)
		if (seen->pending[p].signer == o && seen->pending[p].kind == MUS_RR_KEY)
			set = (set | seen->pending[p].add) & ~seen->pending[p].del;
	return set;
}

/* What entering servers show of a signer's data. */
static void
add_new_data(const struct mus_seen *seen, unsigned o, uint64_t entering,
    const struct mus_policy *policy, struct mus_time now, struct mus_sets *s)
{
	for (unsigned d = 0; d < MUS_DATA_KINDS; d++) {
		const struct mus_ring *ring = &seen->signer[o][mus_data_kind[d]];

		for (const struct mus_version *v = ring->v, *end = v + ring->count; v < end; v++)
			if ((v->srv & entering) && !(v->flags & MUS_VER_ABSENT))
				mus_sets_add(s, 'x',
				    &(struct mus_ent){.origin = (uint8_t)o,
					.kind = mus_data_kind[d],
					.first = v->first,
					.end = MUS_TIME_ALWAYS,
					.is_new = true,
					.server = (uint8_t)__builtin_ctzll(v->srv & entering),
					.a = mus_sig_mask(v, now, policy->margin_s)});
	}
}

/* New members: DNSKEY sets as they will be, what entering servers show, the new DS. */
static void
add_new(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    const struct mus_policy *policy, struct mus_time now, const struct mus_change *c,
    uint64_t reach, uint64_t entering, struct mus_sets *s)
{
	for (unsigned o = 0; o < zone->signer_count; o++) {
		const struct mus_ring *ring = &seen->signer[o][MUS_RR_KEY];

		for (unsigned m = mus_served(facts, o, MUS_RR_KEY); m; m &= m - 1) {
			const struct mus_version *v = &ring->v[__builtin_ctz(m)];
			uint64_t made;

			if (!(v->srv & reach) || mus_clause_is_cut(MUS_CLAUSE_NEW_KEY))
				continue;
			made = with_pending(seen, o, v->set);
			add_new_key(v, v->set, o, c, reach, entering, policy, now, s);
			if (made != v->set)
				add_new_key(v, made, o, c, reach, entering, policy, now, s);
		}
		if ((facts->servers[o] & entering) && !mus_clause_is_cut(MUS_CLAUSE_NEW_DATA))
			add_new_data(seen, o, entering, policy, now, s);
	}
	if (c->has_ds && !mus_clause_is_cut(MUS_CLAUSE_NEW_DS)) {
		struct mus_ent e = {.a = c->ds, .origin = MUS_PARENT, .kind = MUS_RR_DS,
		    .server = MUS_NOBODY, .first = MUS_TIME_NEVER, .end = MUS_TIME_ALWAYS,
		    .is_new = true, .is_void = c->ds == 0};

		memcpy(e.dt, c->ds_dt, sizeof e.dt);
		mus_sets_add(s, 'd', &e);
	}
}

static enum mus_result
fail(struct mus_witness *w, enum mus_rule rule, const struct mus_ent *a, const struct mus_ent *b,
    uint16_t number)
{
	const struct mus_ent *old = b->is_new && !a->is_new ? a : b;

	if (!w)
		return MUS_RES_FAILS;
	*w = MUS_WITNESS_NONE;
	w->rule = rule;
	w->result = MUS_RES_FAILS;
	w->origin = a->origin;
	w->kind = a->kind;
	w->origin2 = b->origin;
	w->kind2 = b->kind;
	w->server = old->server != MUS_NOBODY ? old->server
	    : a->server != MUS_NOBODY	      ? a->server
					      : b->server;
	w->number = number;
	w->seen_at = old->first;
	/* Two new members clash for good, and what is served lives on; what is served no more dies. */
	w->until = old->is_new || old->server != MUS_NOBODY ? MUS_TIME_NEVER : old->end;
	return MUS_RES_FAILS;
}

/* No worse than what it replaces: a repair must stay possible. */
static bool
was_bad_dk(const struct mus_zone *zone, const struct mus_sets *s, const struct mus_ent *d,
    const struct mus_ent *k)
{
	struct mus_ent old = *k;
	uint16_t number;

	old.a = k->old_a;
	old.b = k->old_b;
	return !d->is_new && k->replaces && mus_pair_dk(zone, s, d, &old, &number) != MUS_RULE_NONE;
}

static bool
was_bad_kx(const struct mus_zone *zone, const struct mus_sets *s, const struct mus_ent *k,
    const struct mus_ent *x, uint64_t ds_keys)
{
	struct mus_ent old = *k;
	uint16_t number;

	old.a = k->old_a;
	return !x->is_new && k->replaces &&
	    mus_pair_kx(zone, s, &old, x, ds_keys, &number) != MUS_RULE_NONE;
}

/* G0: a first DS makes everything bind that nobody minded before. */
static enum mus_result
check_first_ds(const struct mus_zone *zone, const struct mus_sets *s, enum mus_rule forced,
    struct mus_witness *w)
{
	uint64_t before = 0, ds_keys = mus_sets_ds_keys(s);
	uint16_t number = 0;

	for (unsigned i = 0; i < s->d_alive; i++)
		before |= s->d[i].a;
	if (before != 0 || ds_keys == 0 || forced == MUS_RULE_G0 || mus_clause_is_cut(MUS_CLAUSE_FIRST_DS))
		return MUS_RES_HOLDS;
	for (unsigned i = 0; i < s->k_alive; i++)
		for (unsigned j = 0; j < s->x_alive; j++)
			if (mus_pair_kx(zone, s, &s->k[i], &s->x[j], ds_keys, &number) != MUS_RULE_NONE)
				return fail(w, MUS_RULE_G0, &s->k[i], &s->x[j], number);
	return MUS_RES_HOLDS;
}

/* G4: the first DS of an algorithm makes it bind, for resolvers that know no other: everything that may be cached has
 * to be signed by it (V3).  One that is asked for only binds nobody yet. */
static enum mus_result
check_new_alg(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    const struct mus_sets *s, enum mus_rule forced, struct mus_witness *w)
{
	uint64_t before = 0, ds_keys;

	for (unsigned m = mus_served(facts, MUS_PARENT, MUS_RR_DS); m; m &= m - 1)
		before |= seen->parent[0].v[__builtin_ctz(m)].set;
	if (s->alg_count < 2 || forced == MUS_RULE_G4 || mus_clause_is_cut(MUS_CLAUSE_NEW_ALG))
		return MUS_RES_HOLDS;
	ds_keys = mus_sets_ds_keys(s);
	for (unsigned a = 0; a < s->alg_count; a++) {
		if (!(ds_keys & s->alg[a]) || (before & s->alg[a]))
			continue;
		for (unsigned i = 0; i < s->k_alive; i++)
			for (unsigned j = 0; j < s->x_alive; j++)
				if (!(s->k[i].a & s->x[j].a & s->alg[a]))
					return fail(w, MUS_RULE_G4, &s->k[i], &s->x[j], zone->alg[a]);
	}
	return MUS_RES_HOLDS;
}

/* Pairs with a new member; the new ones stand after the alive ones. */
static enum mus_result
check_pairs(const struct mus_zone *zone, const struct mus_sets *s, enum mus_rule forced,
    struct mus_witness *w)
{
	uint64_t ds_keys = mus_sets_ds_keys(s);
	enum mus_rule rule;
	uint16_t number = 0;

	for (unsigned i = 0; i < s->d_count; i++)
		for (unsigned j = i < s->d_alive ? s->k_alive : 0; j < s->k_count; j++) {
			rule = mus_pair_dk(zone, s, &s->d[i], &s->k[j], &number);
			if (rule != MUS_RULE_NONE && rule != forced &&
			    !was_bad_dk(zone, s, &s->d[i], &s->k[j]))
				return fail(w, rule, &s->d[i], &s->k[j], number);
		}
	for (unsigned i = 0; i < s->k_count; i++)
		for (unsigned j = i < s->k_alive ? s->x_alive : 0; j < s->x_count; j++) {
			rule = mus_pair_kx(zone, s, &s->k[i], &s->x[j], ds_keys, &number);
			if (rule != MUS_RULE_NONE && rule != forced &&
			    !was_bad_kx(zone, s, &s->k[i], &s->x[j], ds_keys))
				return fail(w, rule, &s->k[i], &s->x[j], number);
		}
	return MUS_RES_HOLDS;
}

/* A server of the parent shows a DS of a key that nobody has shown. */
static bool
shows_stray(const struct mus_seen *seen, const struct mus_facts *facts)
{
	bool found = false;

	for (unsigned m = mus_served(facts, MUS_PARENT, MUS_RR_DS); m; m &= m - 1)
		found |= seen->parent[0].v[__builtin_ctz(m)].stray != 0;
	return found;
}

static enum mus_result
too_young(struct mus_witness *w, unsigned origin, enum mus_rr_kind kind, struct mus_time until)
{
	if (w) {
		*w = MUS_WITNESS_NONE;
		w->rule = MUS_RULE_HISTORY;
		w->result = MUS_RES_UNKNOWN;
		w->origin = (uint8_t)origin;
		w->kind = (uint8_t)kind;
		w->until = until;
	}
	return MUS_RES_UNKNOWN;
}

/* When the histories of DNSKEY (and data) at reachable servers are complete; who is last. */
static struct mus_time
history_of_reach(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_facts *facts, uint64_t reach, bool data, const struct mus_policy *policy,
    struct mus_time now, unsigned *origin, enum mus_rr_kind *kind)
{
	static const enum mus_rr_kind kinds[] = {MUS_RR_KEY, MUS_RR_SOA, MUS_RR_NS, MUS_RR_DENY0};
	struct mus_time until = MUS_TIME_ALWAYS;

	for (unsigned s = 0; s < zone->signer_count; s++) {
		if (!(facts->servers[s] & reach) || zone->signer[s].is_lost)
			continue;
		for (unsigned k = data ? 1 : 0; k < (data ? 4u : 1u); k++) {
			const struct mus_ring *ring = &seen->signer[s][kinds[k]];
			struct mus_time t = mus_history_at(ring, kinds[k], policy, now);

			/* What nobody sampled may live as long as the copy's largest TTL. */
			if (data)
				t = mus_time_max(t,
				    mus_time_add_s(ring->since,
					(int64_t)facts->copy_ttl_s[s] + policy->margin_s));

			if (t.ms > until.ms) {
				until = t;
				*origin = s;
				*kind = kinds[k];
			}
		}
	}
	return until;
}

/* Where the past is not known completely, only a change that takes nothing away is safe: whatever
 * the unknown version was, it fares no worse with the new member than with what that replaces. */
static enum mus_result
check_history(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_facts *facts, const struct mus_sets *s, uint64_t reach,
    const struct mus_policy *policy, struct mus_time now, struct mus_witness *w)
{
	unsigned ko = 0, xo = 0;
	enum mus_rr_kind kk = MUS_RR_KEY, xk = MUS_RR_SOA;
	struct mus_time d_until = mus_history_at(&seen->parent[0], MUS_RR_DS, policy, now);
	struct mus_time k_until =
	    history_of_reach(zone, seen, facts, reach, false, policy, now, &ko, &kk);
	struct mus_time x_until =
	    history_of_reach(zone, seen, facts, reach, true, policy, now, &xo, &xk);

	for (unsigned i = s->k_alive; i < s->k_count; i++) {
		const struct mus_ent *k = &s->k[i];

		if (d_until.ms > now.ms &&
		    (!k->replaces || (k->old_a & k->old_b & ~(k->a & k->b)) != 0))
			return too_young(w, MUS_PARENT, MUS_RR_DS, d_until);
		if (x_until.ms > now.ms && (!k->replaces || (k->old_a & ~k->a) != 0))
			return too_young(w, xo, xk, x_until);
	}
	if (k_until.ms <= now.ms)
		return MUS_RES_HOLDS;
	if (s->x_count > s->x_alive)
		return too_young(w, ko, kk, k_until);
	for (unsigned i = s->d_alive; i < s->d_count; i++) {
		bool adds = false, has_stray = shows_stray(seen, facts);

		/* A DS of a key that nobody has shown goes with any set that we ask for. */
		for (unsigned j = 0; j < s->d_alive && !adds && !has_stray; j++) {
			adds = (s->d[j].a & ~s->d[i].a) == 0 && s->d[j].a != 0;
			for (unsigned t = 0; t < MUS_DT_COUNT; t++)
				adds &= (s->d[j].dt[t] & ~s->d[i].dt[t]) == 0;
		}
		if (!adds)
			return too_young(w, ko, kk, k_until);
	}
	return MUS_RES_HOLDS;
}

bool
mus_leads_astray(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    uint64_t reach, const struct mus_policy *policy, struct mus_time now, struct mus_witness *w)
{
	uint64_t unasked = mus_names_unasked(zone, facts->lost);
	uint32_t left_s = policy->ttl_floor_s;

	/* Names are strays only where there is no place for one more. */
	if (!unasked && zone->ns_count < MUS_NSNAMES_MAX)
		return false;
	/* What was got there at the last instant lives on: as long as anything does that is known. */
	for (unsigned s = 0; s < zone->signer_count; s++)
		if (facts->copy_ttl_s[s] > left_s)
			left_s = facts->copy_ttl_s[s];
	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		enum mus_rr_kind kind = o == MUS_PARENT ? MUS_RR_PNS : MUS_RR_NS;
		const struct mus_ring *ring = mus_seen_ring_const(seen, o, kind);
		uint32_t floor_s = mus_ring_floor_s(ring, kind, policy, now);

		if (o < MUS_SIGNERS_MAX && (o >= zone->signer_count || zone->signer[o].is_lost))
			continue;
		for (unsigned i = 0; i < ring->count; i++) {
			const struct mus_version *v = &ring->v[i];

			if (!(v->set & unasked) && v->stray == 0)
				continue;
			if (!(v->srv & reach) &&
			    mus_time_add_s(
				mus_version_end(seen, ring, v, floor_s, now, policy->margin_s),
				left_s)
				    .ms < now.ms)
				continue;
			*w = MUS_WITNESS_NONE;
			w->rule = MUS_RULE_V10;
			w->result = MUS_RES_FAILS;
			w->origin = (uint8_t)o;
			w->server = mus_first(v->srv);
			w->kind = (uint8_t)kind;
			w->ns = mus_first(v->set & unasked);
			return true;
		}
	}
	return false;
}

/* Something that a server of the parent shows now; of a key that nobody has shown, too: it may be that of the
 * server which nobody asks, and the set that we ask for has none of it. */
static bool
drops_ds(const struct mus_seen *seen, const struct mus_facts *facts, const struct mus_ent *d)
{
	bool drops = shows_stray(seen, facts);

	for (unsigned m = mus_served(facts, MUS_PARENT, MUS_RR_DS); m; m &= m - 1) {
		const struct mus_version *v = &seen->parent[0].v[__builtin_ctz(m)];

		drops |= (v->set & ~d->a) != 0;
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			drops |= (v->dt[t] & ~d->dt[t]) != 0;
	}
	return drops;
}

/* What is served there is not known: as where the past is not known, only what takes nothing away is safe, and
 * nothing new may be met with it. */
static enum mus_result
check_astray(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    const struct mus_sets *s, uint64_t reach, const struct mus_policy *policy, struct mus_time now,
    struct mus_witness *w)
{
	struct mus_witness found;
	bool harms = s->x_count > s->x_alive;

	for (unsigned i = s->k_alive; i < s->k_count; i++)
		harms |= !s->k[i].replaces || (s->k[i].old_a & ~s->k[i].a);
	for (unsigned i = s->d_alive; i < s->d_count; i++)
		harms |= drops_ds(seen, facts, &s->d[i]);
	if (!harms || policy->forced == MUS_RULE_V10 || mus_clause_is_cut(MUS_CLAUSE_ASTRAY) ||
	    !mus_leads_astray(zone, seen, facts, reach, policy, now, &found))
		return MUS_RES_HOLDS;
	if (w)
		*w = found;
	return MUS_RES_FAILS;
}

static bool
is_empty(const struct mus_change *c)
{
	uint64_t any = c->has_ds;

	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		any |= c->key_add[s] | c->key_del[s];
	return any == 0;
}

enum mus_result
mus_guard_in(struct mus_sets *sets, bool *ready, const struct mus_zone *zone,
    const struct mus_seen *seen, const struct mus_facts *facts, const struct mus_policy *policy,
    struct mus_time now, const struct mus_change *change, struct mus_witness *w)
{
	uint64_t entering, reach = reach_with(zone, seen, facts, change, &entering);
	enum mus_result r;

	if (mus_guard_is_cut())
		return MUS_RES_HOLDS;
	if (!all_known(zone, seen, facts, reach, policy, now, w) && policy->forced != MUS_RULE_OBSERVE)
		return MUS_RES_UNKNOWN;
	if (entering == 0 && is_empty(change))
		return MUS_RES_HOLDS;	/* nothing new */
	if (!*ready)
		mus_sets_alive(zone, seen, facts, policy, now, sets);
	*ready = true;
	mus_sets_drop_new(sets);
	add_new(zone, seen, facts, policy, now, change, reach, entering, sets);
	if (sets->full) {
		if (w) {
			*w = MUS_WITNESS_NONE;
			w->rule = MUS_RULE_OBSERVE;
			w->result = MUS_RES_UNKNOWN;
			w->cause = MUS_CAUSE_OVERFLOW;
		}
		return MUS_RES_UNKNOWN;
	}
	r = check_pairs(zone, sets, policy->forced, w);
	if (r == MUS_RES_HOLDS)
		r = check_first_ds(zone, sets, policy->forced, w);
	if (r == MUS_RES_HOLDS)
		r = check_new_alg(zone, seen, facts, sets, policy->forced, w);
	if (r == MUS_RES_HOLDS)
		r = check_astray(zone, seen, facts, sets, reach, policy, now, w);
	if (r != MUS_RES_HOLDS || policy->forced == MUS_RULE_HISTORY || mus_clause_is_cut(MUS_CLAUSE_HISTORY))
		return r;
	return check_history(zone, seen, facts, sets, reach, policy, now, w);
}

enum mus_result
mus_guard(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_policy *policy,
    struct mus_time now, const struct mus_change *change, struct mus_witness *w)
{
	MUS_UNINIT struct mus_sets sets;
	struct mus_facts facts;
	bool ready = false;

	mus_facts(zone, seen, policy, now, &facts);
	return mus_guard_in(&sets, &ready, zone, seen, &facts, policy, now, change, w);
}

/* Keys in some DNSKEY set that is kept, or on their way into one; the others are but remembered. */
static uint64_t
keys_about(const struct mus_zone *zone, const struct mus_seen *seen)
{
	uint64_t mask = 0;

	for (unsigned s = 0; s < zone->signer_count; s++)
		for (unsigned i = 0; i < seen->signer[s][MUS_RR_KEY].count; i++)
			mask |= seen->signer[s][MUS_RR_KEY].v[i].set;
	for (unsigned p = 0; p < seen->pending_count; p++)
		if (seen->pending[p].kind == MUS_RR_KEY)
			mask |= seen->pending[p].add;
	return mask;
}

/* Algorithms by which every server of ${signer} signs its data, with keys that it shows; as far as was
 * seen, expired or not: what is signed too late is another fault. */
static uint8_t
algs_signed(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_facts *facts,
    unsigned signer, bool *seen_any)
{
	const struct mus_ring *soa = &seen->signer[signer][MUS_RR_SOA];
	uint8_t algs = 0xff;

	*seen_any = false;
	for (unsigned i = 0; i < soa->count; i++) {
		const struct mus_version *v = &soa->v[i];
		uint8_t of_v = 0;

		for (unsigned g = 0; g < v->sig_count; g++)
			if (v->sig[g].key < zone->key_count && (facts->shown[signer] >> v->sig[g].key & 1))
				of_v |= (uint8_t)(1u << zone->key[v->sig[g].key].alg_idx);
		if (v->srv) {
			algs &= of_v;
			*seen_any = true;
		}
	}
	return algs;
}

/* Some cache may hold a DS set: only then a resolver minds what a DNSKEY set lists. */
static bool
has_ds(const struct mus_seen *seen)
{
	const struct mus_ring *ds = &seen->parent[0];

	for (unsigned i = 0; i < ds->count; i++)
		if (!(ds->v[i].flags & MUS_VER_ABSENT))
			return true;
	return false;
}

enum mus_result
mus_guard_import_alg(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_facts *facts, unsigned signer, uint64_t keys, struct mus_witness *w)
{
	bool binds = keys && has_ds(seen), known = true;
	uint8_t algs = binds ? algs_signed(zone, seen, facts, signer, &known) : 0xff;

	for (uint64_t m = keys; m; m &= m - 1) {
		unsigned k = (unsigned)__builtin_ctzll(m);

		if (known && (algs >> zone->key[k].alg_idx & 1))
			continue;
		if (w && !known) {
			*w = MUS_WITNESS_NONE;
			w->rule = MUS_RULE_OBSERVE;
			w->result = MUS_RES_UNKNOWN;
			w->origin = (uint8_t)signer;
			w->kind = MUS_RR_SOA;
		} else if (w) {
			*w = MUS_WITNESS_NONE;
			w->rule = MUS_RULE_G8;
			w->result = MUS_RES_FAILS;
			w->origin = zone->key[k].owner;
			w->origin2 = (uint8_t)signer;
			w->key = (uint8_t)k;
			w->number = zone->key[k].alg;
		}
		return known ? MUS_RES_FAILS : MUS_RES_UNKNOWN;
	}
	return MUS_RES_HOLDS;
}

/* Does a signer show more keys of its own than one may have at the others? */
static bool
has_too_many(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer)
{
	uint64_t keys = mus_keys_owned(zone, signer) & mus_keys_shown(zone, seen, signer);

	return __builtin_popcountll(keys) > MUS_KEYS_PER_OWNER_MAX;
}

enum mus_result
mus_guard_import(const struct mus_zone *zone, const struct mus_seen *seen, uint64_t keys,
    struct mus_witness *w)
{
	uint64_t about = keys ? keys_about(zone, seen) | keys : 0;

	for (uint64_t m = mus_clause_is_cut(MUS_CLAUSE_IMPORT) ? 0 : keys; m; m &= m - 1) {
		unsigned k = (unsigned)__builtin_ctzll(m);
		const struct mus_zkey *key = &zone->key[k];
		enum mus_rule rule = MUS_RULE_NONE;

		for (unsigned i = 0; i < zone->key_count; i++)
			if (i != k && (about >> i & 1) && zone->key[i].id != 0 && zone->key[i].alg == key->alg &&
			    zone->key[i].tag == key->tag)
				rule = MUS_RULE_V11;
		if (key->owner < zone->signer_count && has_too_many(zone, seen, key->owner))
			rule = MUS_RULE_G8;
		if (rule == MUS_RULE_NONE)
			continue;
		if (w) {
			*w = MUS_WITNESS_NONE;
			w->rule = rule;
			w->result = MUS_RES_FAILS;
			w->origin = key->owner;
			w->key = (uint8_t)k;
			w->number = key->tag;
		}
		return MUS_RES_FAILS;
	}
	return MUS_RES_HOLDS;
}
