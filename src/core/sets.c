#include <string.h>

#include "core/cut.h"
#include "core/sets.h"

const uint8_t mus_dt_number[MUS_DT_COUNT] = {1, 2, 4};

const uint8_t mus_data_kind[MUS_DATA_KINDS] = {MUS_RR_SOA, MUS_RR_NS, MUS_RR_NAME, MUS_RR_DENY0,
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
	e->server = mus_first(v->srv);
}

struct mus_ent *
mus_sets_new(struct mus_sets *s, char which)
{
	return which == 'd' ? &s->d[s->d_count] : which == 'k' ? &s->k[s->k_count] : &s->x[s->x_count];
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
	if (e != &list[*count])
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

static struct mus_ent *
entry_of(struct mus_sets *s, char which, const struct mus_version *v, unsigned origin, enum mus_rr_kind kind,
    struct mus_time end)
{
	struct mus_ent *e = mus_sets_new(s, which);

	*e = (struct mus_ent){
	    .origin = (uint8_t)origin,
	    .kind = (uint8_t)kind,
	    .server = mus_first(v->srv),
	    .first = v->first,
	    .end = end,
	};
	return e;
}

/* A DS set as ${v} names it, a DS or CDS set. */
static void
add_ds_of(const struct mus_version *v, struct mus_time end, struct mus_sets *s)
{
	struct mus_ent *e = entry_of(s, 'd', v, MUS_PARENT, MUS_RR_DS, end);

	e->a = v->set;
	e->is_void = (v->flags & MUS_VER_ABSENT) != 0;
	memcpy(e->dt, v->dt, sizeof e->dt);
	mus_sets_add(s, 'd', e);
}

#if MUS_CUT_GUARDS == 4
/* What a cut clause leaves out: resolvers have it from before, and get it nowhere any more. */
static bool
is_old_and_cut(enum mus_clause clause, const struct mus_seen *seen, const struct mus_version *v)
{
	if (!mus_clause_is_cut(clause))
		return false;
	for (uint64_t m = v->srv; m; m &= m - 1)
		if (!mus_time_is_set(seen->server[__builtin_ctzll(m)].cut))
			return false;
	return true;
}
#else
#define is_old_and_cut(clause, seen, v) false
#endif

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

		if (is_old_and_cut(MUS_CLAUSE_OLD_DS, seen, v))
			continue;
		if (end.ms >= now.ms)
			add_ds_of(v, end, s);
	}
}

/* A CDS set that every signer in Reach shows may be the DS set at any moment. */
static void
add_ds_asked(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_facts *facts, struct mus_sets *s)
{
	uint64_t reach = facts->reach, showing = 0;
	const struct mus_version *asked = NULL;

	for (unsigned o = 0; !mus_clause_is_cut(MUS_CLAUSE_ASKED) && o < zone->signer_count; o++) {
		const struct mus_ring *ring = &seen->signer[o][MUS_RR_CDS];

		for (unsigned m = mus_served(facts, o, MUS_RR_CDS); m; m &= m - 1) {
			const struct mus_version *v = &ring->v[__builtin_ctz(m)];

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
		struct mus_ent *e = entry_of(s, 'd', asked, MUS_PARENT, MUS_RR_DS, MUS_TIME_NEVER);

		e->a = asked->set;
		e->server = MUS_NOBODY;
		memcpy(e->dt, asked->dt, sizeof e->dt);
		mus_sets_add(s, 'd', e);
	}
}

/* One that was asked for and withdrawn before the parent followed may still come. */
static void
add_ds_withdrawn(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_policy *policy, struct mus_time now, struct mus_sets *s)
{
	for (unsigned o = 0; !mus_clause_is_cut(MUS_CLAUSE_WITHDRAWN) && o < zone->signer_count; o++) {
		const struct mus_ring *ring = &seen->signer[o][MUS_RR_CDS];

		for (unsigned i = 0; i < ring->count; i++) {
			struct mus_time end = mus_asked_until(
			    zone, seen, o, MUS_RR_CDS, &ring->v[i], policy, now);

			if (end.ms >= now.ms)
				add_ds_of(&ring->v[i], end, s);
		}
	}
}

/* CDS changes in flight: the parent may see them before we do, even if they are replaced by then. */
static void
add_ds_pending(const struct mus_seen *seen, const struct mus_facts *facts,
    const struct mus_policy *policy, struct mus_sets *s)
{
	for (unsigned p = 0; !mus_clause_is_cut(MUS_CLAUSE_PENDING_CDS) && p < seen->pending_count; p++) {
		const struct mus_pending *c = &seen->pending[p];
		const struct mus_ring *ring = &seen->signer[c->signer][MUS_RR_CDS];

		if (c->kind != MUS_RR_CDS || !(facts->servers[c->signer] & facts->reach))
			continue;
		for (unsigned m = mus_served(facts, c->signer, MUS_RR_CDS); m; m &= m - 1) {
			const struct mus_version *v = &ring->v[__builtin_ctz(m)];
			struct mus_ent *e;
			uint64_t a = (v->set | c->add) & ~c->del;

			if (a == v->set || a == 0)
				continue;
			e = entry_of(s, 'd', v, MUS_PARENT, MUS_RR_DS, MUS_TIME_NEVER);
			e->a = a;
			e->server = MUS_NOBODY;
			for (unsigned t = 0; t < MUS_DT_COUNT; t++)
				if (v->dt[t] || (policy->digests >> t & 1))
					e->dt[t] = (v->dt[t] | c->add) & ~c->del;
			mus_sets_add(s, 'd', e);
		}
	}
}

static void
add_key(struct mus_sets *s, const struct mus_version *v, unsigned o, uint64_t a, uint64_t b, struct mus_time end)
{
	struct mus_ent *e = entry_of(s, 'k', v, o, MUS_RR_KEY, end);

	e->a = a;
	e->b = b;
	mus_sets_add(s, 'k', e);
}

/* A DNSKEY set that is served, as it is once a change in flight is made. */
static void
add_keys_pending(const struct mus_seen *seen, const struct mus_version *v, unsigned o, uint64_t b,
    struct mus_time end, struct mus_sets *s)
{
	for (unsigned p = 0; !mus_clause_is_cut(MUS_CLAUSE_PENDING_KEY) && p < seen->pending_count; p++) {
		const struct mus_pending *c = &seen->pending[p];
		uint64_t a = (v->set | c->add) & ~c->del;

		if (c->signer == o && c->kind == MUS_RR_KEY && a != v->set)
			add_key(s, v, o, a, b, end);
	}
}

/* The member of ${list} that says this; NULL: none does. */
static struct mus_ent *
find_like(struct mus_ent *list, unsigned count, uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i].a == a && list[i].b == b)
			return &list[i];
	return NULL;
}

static void
add_keys(const struct mus_seen *seen, unsigned o, const struct mus_policy *policy,
    struct mus_time now, struct mus_sets *s)
{
	const struct mus_ring *ring = &seen->signer[o][MUS_RR_KEY];
	int64_t now_s = mus_time_to_s(now), latest_s = now_s + policy->margin_s;
	unsigned from = s->k_count;

	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];
		struct mus_time end = mus_version_end(seen, ring, v, 0, now, policy->margin_s);
		uint64_t b = mus_sig_mask_s(v, now_s, latest_s);
		struct mus_ent *like;

		if (end.ms < now.ms || is_old_and_cut(MUS_CLAUSE_OLD_KEY, seen, v))
			continue;
		like = find_like(&s->k[from], s->k_count - from, v->set, b);
		if (like)
			outlive(like, v, end);
		else
			add_key(s, v, o, v->set, b, end);
		if (v->srv)
			add_keys_pending(seen, v, o, b, end, s);
	}
}

/* Most versions of a signer's data say the same: those are one member, ${last}.  What is watched stands
 * for the whole copy: something that nobody sampled was signed alike, and may have the copy's largest
 * TTL. */
static struct mus_ent *
add_data_of(const struct mus_seen *seen, const struct mus_facts *facts, unsigned o,
    enum mus_rr_kind kind, const struct mus_policy *policy, struct mus_time now,
    struct mus_ent *last, struct mus_sets *s)
{
	static const struct mus_ent none = {.a = ~0ull, .end = {INT64_MIN}};	/* like nothing there is */
	const struct mus_ring *ring = &seen->signer[o][kind];
	const struct mus_ent *like = last ? last : &none;
	uint32_t ttl_s = mus_clause_is_cut(MUS_CLAUSE_COPY_TTL) ? 0 : facts->copy_ttl_s[o];
	int64_t span_s = (int64_t)(ring->ttl_max_s > ttl_s ? ring->ttl_max_s : ttl_s) + policy->margin_s;
	int64_t now_s = mus_time_to_s(now), latest_s = now_s + policy->margin_s;
	struct mus_time by = mus_time_add_s(like->end, -span_s);

	/* The newest first: what was shown before ends before it, mostly. */
	for (const struct mus_version *v = ring->v + ring->count; v-- > ring->v;) {
		struct mus_time end;
		uint64_t a;

		/* What does not exist is vouched for by the denial, which is data itself. */
		if (v->flags & MUS_VER_ABSENT)
			continue;
		a = mus_sig_mask_s(v, now_s, latest_s);
		/* Withdrawn by then, it does not outlive that member. */
		if (a == like->a && !v->srv && v->last.ms <= by.ms)
			continue;
		end = mus_version_end(seen, ring, v, ttl_s, now, policy->margin_s);
		if (end.ms < now.ms || is_old_and_cut(MUS_CLAUSE_OLD_DATA, seen, v))
			continue;
		if (a == like->a) {
			outlive(last, v, end);
		} else {
			struct mus_ent *e = entry_of(s, 'x', v, o, kind, end);

			e->a = a;
			last = mus_sets_add(s, 'x', e);
			like = last ? last : &none;
		}
		by = mus_time_add_s(like->end, -span_s);
	}
	return last;
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
    const struct mus_facts *facts, const struct mus_policy *policy, struct mus_time now,
    struct mus_sets *s)
{
	s->d_count = s->k_count = s->x_count = 0;
	s->full = false;
	group_algs(zone, s);
	add_ds(seen, policy, now, s);
	add_ds_asked(zone, seen, facts, s);
	add_ds_withdrawn(zone, seen, policy, now, s);
	add_ds_pending(seen, facts, policy, s);
	for (unsigned o = 0; o < zone->signer_count; o++) {
		struct mus_ent *last = NULL;

		add_keys(seen, o, policy, now, s);
		for (unsigned d = 0; d < MUS_DATA_KINDS; d++)
			last = add_data_of(seen, facts, o, (enum mus_rr_kind)mus_data_kind[d],
			    policy, now, last, s);
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
		return mus_clause_is_cut(MUS_CLAUSE_V1) ? MUS_RULE_NONE : MUS_RULE_V1;
	for (unsigned a = 0; a < s->alg_count; a++) {
		uint64_t named = d->a & s->alg[a];

		if (!named)
			continue;
		if (!(named & keys) && !mus_clause_is_cut(MUS_CLAUSE_V3)) {
			*number = zone->alg[a];
			return MUS_RULE_V3;
		}
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			if ((d->dt[t] & named) && !(d->dt[t] & named & keys) && !mus_clause_is_cut(MUS_CLAUSE_V14)) {
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
	if (ds_keys == 0 || mus_clause_is_cut(MUS_CLAUSE_V2))
		return MUS_RULE_NONE;
	if ((k->a & x->a) == 0)
		return MUS_RULE_V2;
	if (s->alg_count < 2)
		return MUS_RULE_NONE;
	for (unsigned a = 0; a < s->alg_count; a++)
		if ((ds_keys & s->alg[a]) && !(k->a & x->a & s->alg[a]) && !mus_clause_is_cut(MUS_CLAUSE_V3)) {
			*number = zone->alg[a];
			return MUS_RULE_V3;
		}
	return MUS_RULE_NONE;
}
