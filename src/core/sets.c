#include <string.h>

#include "core/sets.h"

const uint8_t mus_dt_number[MUS_DT_COUNT] = {1, 2, 4};

/* RRsets that stand for the zone's data: every one is signed by what signs the zone.  CDS and
 * CDNSKEY are not among them (V2c). */
static const enum mus_rr_kind data_kinds[] = {MUS_RR_SOA, MUS_RR_NS, MUS_RR_NAME, MUS_RR_DENY0,
    MUS_RR_DENY1, MUS_RR_DENY2, MUS_RR_CSYNC};

static bool
is_same(const struct mus_ent *a, const struct mus_ent *b, bool is_ds)
{
	return a->a == b->a && a->b == b->b && a->origin == b->origin && a->is_void == b->is_void &&
	    a->is_new == b->is_new && a->replaces == b->replaces && a->old_a == b->old_a &&
	    a->old_b == b->old_b && (!is_ds || memcmp(a->dt, b->dt, sizeof a->dt) == 0);
}

/* The one that lives longest is the witness. */
static void
outlive(struct mus_ent *e, const struct mus_version *v, struct mus_time end)
{
	if (e->end.ms >= end.ms)
		return;
	e->end = end;
	e->first = v->first;
	e->server = v->srv ? (uint8_t)__builtin_ctzll(v->srv) : MUS_NOBODY;
}

struct mus_ent *
mus_sets_add(struct mus_sets *s, char which, const struct mus_ent *e)
{
	struct mus_ent *list = which == 'd' ? s->d : which == 'k' ? s->k : s->x;
	uint16_t *count = which == 'd' ? &s->d_count : which == 'k' ? &s->k_count : &s->x_count;
	unsigned max = which == 'd' ? MUS_SETS_D_MAX
	    : which == 'k'	    ? MUS_SETS_K_MAX
				    : MUS_SETS_X_MAX;

	for (unsigned i = *count; i-- > 0;)
		if (is_same(&list[i], e, which == 'd')) {
			if (list[i].end.ms < e->end.ms) {
				list[i].end = e->end;
				list[i].first = e->first;
				list[i].server = e->server;
			}
			return &list[i];
		}
	if (*count == max) {
		s->full = true;
		return NULL;
	}
	list[*count] = *e;
	return &list[(*count)++];
}

void
mus_sets_drop_new(struct mus_sets *s)
{
	s->d_count = s->d_alive;
	s->k_count = s->k_alive;
	s->x_count = s->x_alive;
	s->full = s->full_alive;
}

static struct mus_ent
entry_of(const struct mus_version *v, unsigned origin, enum mus_rr_kind kind, struct mus_time end)
{
	struct mus_ent e = {
	    .origin = (uint8_t)origin,
	    .kind = (uint8_t)kind,
	    .server = v->srv ? (uint8_t)__builtin_ctzll(v->srv) : MUS_NOBODY,
	    .first = v->first,
	    .end = end,
	};

	return e;
}

static void
add_ds(const struct mus_seen *seen, const struct mus_policy *policy, struct mus_time now,
    struct mus_sets *s)
{
	const struct mus_ring *ring = &seen->parent[0];
	uint32_t floor_s = mus_ring_floor_s(ring, MUS_RR_DS, policy, now);

	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];
		struct mus_time end =
		    mus_version_end(seen, ring, v, floor_s, now, policy->margin_s);
		struct mus_ent e = entry_of(v, MUS_PARENT, MUS_RR_DS, end);

		if (end.ms < now.ms)
			continue;
		e.a = v->set;
		e.is_void = (v->flags & MUS_VER_ABSENT) != 0;
		memcpy(e.dt, v->dt, sizeof e.dt);
		mus_sets_add(s, 'd', &e);
	}
}

/* A CDS set that every signer in Reach shows may be the DS set at any moment. */
static void
add_ds_asked(const struct mus_zone *zone, const struct mus_seen *seen, struct mus_sets *s)
{
	uint64_t reach = mus_reach(zone, seen), showing = 0;
	const struct mus_version *asked = NULL;

	for (unsigned o = 0; o < zone->signer_count; o++) {
		const struct mus_ring *ring = &seen->signer[o][MUS_RR_CDS];

		for (unsigned i = 0; i < ring->count; i++) {
			const struct mus_version *v = &ring->v[i];

			if (!(v->srv & reach) || (v->flags & (MUS_VER_ABSENT | MUS_VER_DELETE)))
				continue;
			/* Servers that differ: the parent aborts (RFC 9975). */
			if (asked && asked->set != v->set)
				return;
			asked = v;
			showing |= v->srv & reach;
		}
	}
	if (asked && asked->stray == 0 && showing == reach) {
		struct mus_ent e = entry_of(asked, MUS_PARENT, MUS_RR_DS, MUS_TIME_NEVER);

		e.a = asked->set;
		e.server = MUS_NOBODY;
		memcpy(e.dt, asked->dt, sizeof e.dt);
		mus_sets_add(s, 'd', &e);
	}
}

/* One that was asked for and withdrawn before the parent followed may still come. */
static void
add_ds_withdrawn(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_policy *policy, struct mus_time now, struct mus_sets *s)
{
	for (unsigned o = 0; o < zone->signer_count; o++) {
		const struct mus_ring *ring = &seen->signer[o][MUS_RR_CDS];

		for (unsigned i = 0; i < ring->count; i++) {
			const struct mus_version *v = &ring->v[i];
			struct mus_ent e;

			if (v->srv)
				continue;
			e = entry_of(v, MUS_PARENT, MUS_RR_DS,
			    mus_asked_until(zone, seen, o, MUS_RR_CDS, v, policy, now));
			if (e.end.ms < now.ms)
				continue;
			e.a = v->set;
			memcpy(e.dt, v->dt, sizeof e.dt);
			mus_sets_add(s, 'd', &e);
		}
	}
}

/* CDS changes in flight: the parent may see them before we do, even if they are replaced by then. */
static void
add_ds_pending(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_policy *policy, struct mus_sets *s)
{
	for (unsigned p = 0; p < seen->pending_count; p++) {
		const struct mus_pending *c = &seen->pending[p];
		const struct mus_ring *ring = &seen->signer[c->signer][MUS_RR_CDS];

		if (c->kind != MUS_RR_CDS || !(mus_servers_of(zone, c->signer) & mus_reach(zone, seen)))
			continue;
		for (unsigned i = 0; i < ring->count; i++) {
			const struct mus_version *v = &ring->v[i];
			struct mus_ent e = entry_of(v, MUS_PARENT, MUS_RR_DS, MUS_TIME_NEVER);

			e.a = (v->set | c->add) & ~c->del;
			if (!v->srv || e.a == v->set || e.a == 0)
				continue;
			e.server = MUS_NOBODY;
			for (unsigned t = 0; t < MUS_DT_COUNT; t++)
				if (v->dt[t] || (policy->digests >> t & 1))
					e.dt[t] = (v->dt[t] | c->add) & ~c->del;
			mus_sets_add(s, 'd', &e);
		}
	}
}

static void
add_keys(const struct mus_zone *zone, const struct mus_seen *seen, unsigned o,
    const struct mus_policy *policy, struct mus_time now, struct mus_sets *s)
{
	const struct mus_ring *ring = &seen->signer[o][MUS_RR_KEY];

	(void)zone;
	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];
		struct mus_time end = mus_version_end(seen, ring, v, 0, now, policy->margin_s);
		struct mus_ent e = entry_of(v, o, MUS_RR_KEY, end);

		if (end.ms < now.ms)
			continue;
		e.a = v->set;
		e.b = mus_sig_mask(v, now, policy->margin_s);
		e.is_void = (v->flags & MUS_VER_ABSENT) != 0;
		mus_sets_add(s, 'k', &e);
		if (!v->srv)
			continue;
		for (unsigned p = 0; p < seen->pending_count; p++) {
			const struct mus_pending *c = &seen->pending[p];
			uint64_t a = (e.a | c->add) & ~c->del;

			if (c->signer != o || c->kind != MUS_RR_KEY || a == v->set)
				continue;
			/* In flight: as made, too. */
			struct mus_ent made = e;

			made.a = a;
			mus_sets_add(s, 'k', &made);
		}
	}
}

/* Most versions of a signer's data say the same: those are one member.  What is watched stands for the
 * whole copy: something that nobody sampled was signed alike, and may have the copy's largest TTL. */
static void
add_data(const struct mus_zone *zone, const struct mus_seen *seen, unsigned o, const struct mus_policy *policy,
    struct mus_time now, struct mus_sets *s)
{
	struct mus_ent *last = NULL;
	uint32_t ttl_s = mus_copy_ttl_max_s(zone, seen, o);

	for (unsigned d = 0; d < sizeof data_kinds / sizeof data_kinds[0]; d++) {
		const struct mus_ring *ring = &seen->signer[o][data_kinds[d]];
		uint32_t longest_s = ring->ttl_max_s > ttl_s ? ring->ttl_max_s : ttl_s;

		/* The newest first: what was shown before ends before it, mostly. */
		for (unsigned i = ring->count; i-- > 0;) {
			const struct mus_version *v = &ring->v[i];
			struct mus_time end;
			struct mus_ent e;
			uint64_t a;

			/* What does not exist is vouched for by the denial, which is data itself. */
			if (v->flags & MUS_VER_ABSENT)
				continue;
			a = mus_sig_mask(v, now, policy->margin_s);
			if (last && last->a == a && last->is_void == (v->sig_count == 0) && !v->srv &&
			    mus_time_add_s(v->last, (int64_t)longest_s + policy->margin_s).ms <= last->end.ms)
				continue;
			end = mus_version_end(seen, ring, v, ttl_s, now, policy->margin_s);
			if (end.ms < now.ms)
				continue;
			if (last && last->a == a && last->is_void == (v->sig_count == 0)) {
				outlive(last, v, end);
				continue;
			}
			e = entry_of(v, o, data_kinds[d], end);
			e.a = a;
			e.is_void = v->sig_count == 0;
			last = mus_sets_add(s, 'x', &e);
		}
	}
}

static void
group_algs(const struct mus_zone *zone, struct mus_sets *s)
{
	memset(s->alg, 0, sizeof s->alg);
	s->alg_count = zone->alg_count;
	for (unsigned k = 0; k < zone->key_count; k++)
		if (zone->key[k].id != 0)
			s->alg[zone->key[k].alg_idx] |= mus_bit(k);
}

void
mus_sets_alive(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_policy *policy, struct mus_time now, struct mus_sets *s)
{
	s->d_count = s->k_count = s->x_count = 0;
	s->full = false;
	group_algs(zone, s);
	add_ds(seen, policy, now, s);
	add_ds_asked(zone, seen, s);
	add_ds_withdrawn(zone, seen, policy, now, s);
	add_ds_pending(zone, seen, policy, s);
	for (unsigned o = 0; o < zone->signer_count; o++) {
		add_keys(zone, seen, o, policy, now, s);
		add_data(zone, seen, o, policy, now, s);
	}
	s->d_alive = s->d_count;
	s->k_alive = s->k_count;
	s->x_alive = s->x_count;
	s->full_alive = s->full;
}

uint64_t
mus_sets_ds_keys(const struct mus_sets *s)
{
	uint64_t keys = 0;

	for (unsigned i = 0; i < s->d_count; i++)
		keys |= s->d[i].a;
	return keys;
}

/* Keys of ${k} that may start a chain: ZONE set, not revoked, signing the set. */
static uint64_t
chain_keys(const struct mus_zone *zone, const struct mus_ent *k)
{
	uint64_t keys = k->a & k->b;

	for (uint64_t m = keys; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);

		if (!zone->key[i].is_zone || zone->key[i].is_revoked)
			keys &= ~mus_bit(i);
	}
	return keys;
}

enum mus_rule
mus_pair_dk(const struct mus_zone *zone, const struct mus_sets *s, const struct mus_ent *d,
    const struct mus_ent *k, uint16_t *number)
{
	uint64_t keys;

	if (d->is_void)
		return MUS_RULE_NONE;
	keys = chain_keys(zone, k);
	if ((d->a & keys) == 0)
		return MUS_RULE_V1;
	for (unsigned a = 0; a < s->alg_count; a++) {
		uint64_t named = d->a & s->alg[a];

		if (!named)
			continue;
		if (!(named & keys)) {
			*number = zone->alg[a];
			return MUS_RULE_V3;
		}
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			if ((d->dt[t] & named) && !(d->dt[t] & named & keys)) {
				*number = mus_dt_number[t];
				return MUS_RULE_V14;
			}
	}
	return MUS_RULE_NONE;
}

enum mus_rule
mus_pair_kx(const struct mus_zone *zone, const struct mus_sets *s, const struct mus_ent *k,
    const struct mus_ent *x, uint64_t ds_keys, uint16_t *number)
{
	if (ds_keys == 0)
		return MUS_RULE_NONE;
	if ((k->a & x->a) == 0)
		return MUS_RULE_V2;
	if (s->alg_count < 2)
		return MUS_RULE_NONE;
	for (unsigned a = 0; a < s->alg_count; a++)
		if ((ds_keys & s->alg[a]) && !(k->a & x->a & s->alg[a])) {
			*number = zone->alg[a];
			return MUS_RULE_V3;
		}
	return MUS_RULE_NONE;
}
