#include "core/condition.h"
#include "core/guard.h"
#include "core/reach.h"

static enum mus_result
say(struct mus_witness *w, enum mus_rule rule, enum mus_result r, unsigned origin, unsigned server,
    unsigned kind)
{
	if (w) {
		*w = MUS_WITNESS_NONE;
		w->rule = rule;
		w->result = r;
		w->origin = (uint8_t)origin;
		w->server = (uint8_t)server;
		w->kind = (uint8_t)kind;
	}
	return r;
}

/* What a version shows and should not: the other differences are missing. */
static bool
is_surplus(const struct mus_ctx *c, unsigned origin, enum mus_rr_kind kind, const struct mus_version *v,
    unsigned bit)
{
	uint64_t wanted = kind == MUS_RR_NS || kind == MUS_RR_PNS ? c->desire->ns
	    : kind == MUS_RR_KEY				  ? c->desire->key[origin]
								  : c->desire->sep;

	if (kind == MUS_RR_CSYNC)
		return !c->desire->csync;
	return bit < 64 && (v->set & ~wanted & mus_bit(bit));
}

/* Every server of ${origin} must show a version that ${ok} accepts. */
typedef bool version_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v,
    uint64_t *what);

static bool
some_show(const struct mus_ctx *c, unsigned origin, enum mus_rr_kind kind, version_ok *ok)
{
	const struct mus_ring *ring = mus_seen_ring_const(c->seen, origin, kind);

	for (unsigned m = mus_served(c->facts, origin, kind); m; m &= m - 1) {
		const struct mus_version *v = &ring->v[__builtin_ctz(m)];

		if ((v->srv & c->facts->servers[origin]) && ok(c, origin, v, &(uint64_t){0}))
			return true;
	}
	return false;
}

static void
count_csync(const struct mus_version *v, struct mus_witness *w)
{
	uint64_t record[MUS_CSYNC_MAX];
	unsigned n = mus_csync_of(v, record);

	w->number = n ? (uint16_t)(v->stray + 1) : 0;
	for (unsigned i = 0; i < n; i++)
		w->odd |= (record[i] & MUS_CSYNC_ODD) != 0;
}

static enum mus_result
all_show(const struct mus_ctx *c, enum mus_rule rule, unsigned origin, enum mus_rr_kind kind,
    version_ok *ok, struct mus_witness *w)
{
	const struct mus_ring *ring = mus_seen_ring_const(c->seen, origin, kind);
	uint64_t servers = c->facts->servers[origin];

	if (servers == 0)
		return say(w, rule, MUS_RES_UNKNOWN, origin, MUS_NOBODY, kind);
	if (!mus_is_known(ring, origin, kind, servers, c->policy, c->now, w))
		return MUS_RES_UNKNOWN;
	for (unsigned m = mus_served(c->facts, origin, kind); m; m &= m - 1) {
		const struct mus_version *v = &ring->v[__builtin_ctz(m)];
		uint64_t what = 0;

		if (!(v->srv & servers) || ok(c, origin, v, &what))
			continue;
		say(w, rule, MUS_RES_FAILS, origin, mus_first(v->srv & servers), kind);
		if (w) {
			w->seen_at = v->first;
			w->lags = some_show(c, origin, kind, ok);
			if (kind == MUS_RR_NS || kind == MUS_RR_PNS)
				w->ns = mus_first(what);
			else
				w->key = mus_first(what);
			w->surplus = is_surplus(c, origin, kind, v, mus_first(what));
			if (kind == MUS_RR_CSYNC)
				count_csync(v, w);
			if (!what && (v->aux & MUS_AUX_STRAY) && mus_rr_names_keys(kind)) {
				w->surplus = true;
				w->number = (uint16_t)v->aux;
			}
		}
		return MUS_RES_FAILS;
	}
	return MUS_RES_HOLDS;
}

static bool
keys_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	*what = c->desire->key[origin] & ~v->set;
	return *what == 0;
}

static bool
keys_gone_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	*what = c->desire->key_del[origin] & v->set;
	return *what == 0;
}

static bool
cds_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	(void)origin;
	*what = v->set ^ c->desire->sep;
	if (*what || v->stray || (v->flags & MUS_VER_DELETE))
		return false;
	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		if (c->desire->dts >> t & 1) {
			*what = c->desire->sep & ~v->dt[t];
			if (*what)
				return false;
		}
	return true;
}

static bool
cdnskey_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	(void)origin;
	*what = v->set ^ c->desire->sep;
	return *what == 0 && v->stray == 0 && !(v->flags & MUS_VER_DELETE);
}

static bool
ds_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	(void)origin;
	*what = v->set ^ c->desire->sep;
	return *what == 0 && v->stray == 0;
}

static bool
ns_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	(void)origin;
	/* Names of owners outside the group's signers may stay. */
	*what = (c->desire->ns & ~v->set) | (c->desire->ns_del & v->set);
	return *what == 0;
}

static bool
csync_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	uint64_t record[MUS_CSYNC_MAX];
	unsigned n = mus_csync_of(v, record);

	(void)origin;
	*what = 0;
	if (c->desire->csync)
		return n == 1 && mus_csync_ask(record[0]) == c->desire->csync_content;
	/* Somebody else's CSYNC is not ours to remove. */
	for (unsigned i = 0; i < n; i++)
		if (mus_csync_is_ours(c, record[i]))
			return false;
	return true;
}

static enum mus_result
each_signer(const struct mus_ctx *c, enum mus_rule rule, uint8_t signers, enum mus_rr_kind kind,
    version_ok *ok, struct mus_witness *w)
{
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		enum mus_result r;

		if (!(signers >> s & 1))
			continue;
		r = all_show(c, rule, s, kind, ok, w);
		if (r != MUS_RES_HOLDS)
			return r;
	}
	return MUS_RES_HOLDS;
}

/* A key that is missing because it may not be imported is its owner's doing: G8 says whose, and why. */
static void
blame_owner(const struct mus_ctx *c, struct mus_witness *w)
{
	struct mus_witness why;

	if (mus_guard_import_alg(c->zone, c->seen, c->facts, w->origin, mus_bit(w->key), &why) ==
	    MUS_RES_FAILS)
		*w = why;
}

/* V7: what the sets lack, and SEP keys that may sign data and are not spread yet. */
static enum mus_result
keys_synced(const struct mus_ctx *c, struct mus_witness *w)
{
	enum mus_result r = each_signer(c, MUS_RULE_V7, c->desire->key_at, MUS_RR_KEY, keys_ok, w);

	if (r == MUS_RES_FAILS && w)
		blame_owner(c, w);
	for (unsigned s = 0; s < c->zone->signer_count && r == MUS_RES_HOLDS; s++) {
		uint64_t held = c->facts->owned[s] & c->facts->shown[s] & ~c->facts->spread[s];

		if (!(c->desire->key_at >> s & 1) || !(c->desire->key_at & ~(1u << s)))
			continue;
		for (; held; held &= held - 1) {
			unsigned k = (unsigned)__builtin_ctzll(held);

			if (c->zone->key[k].signs_data != MUS_UNKNOWN)
				continue;
			r = say(w, MUS_RULE_V7, MUS_RES_UNKNOWN, s, MUS_NOBODY, MUS_NOBODY);
			if (w)
				w->key = (uint8_t)k;
			break;
		}
	}
	return r;
}

/* Each CDS and CDNSKEY of the current delegation is signed by a SEP key of that server's own set
 * that the DS set names, else the parent refuses it (RFC 7344 4.1). */
static enum mus_result
signal_signed(const struct mus_ctx *c, struct mus_witness *w)
{
	static const enum mus_rr_kind kinds[] = {MUS_RR_CDS, MUS_RR_CDNSKEY};
	const struct mus_ring *ds = &c->seen->parent[0];
	uint64_t named = 0, reach = c->facts->reach;

	for (unsigned i = 0; i < ds->count; i++)
		if (ds->v[i].srv)
			named |= ds->v[i].set;
	if (named == 0)
		return MUS_RES_HOLDS;
	for (unsigned s = 0; s < c->zone->signer_count; s++)
		for (unsigned k = 0; k < 2; k++) {
			const struct mus_ring *ring = &c->seen->signer[s][kinds[k]];

			for (unsigned m = mus_served(c->facts, s, kinds[k]); m; m &= m - 1) {
				const struct mus_version *v = &ring->v[__builtin_ctz(m)];

				if (!(v->srv & reach) || (v->flags & MUS_VER_ABSENT))
					continue;
				if (mus_sig_mask(v, c->now, c->policy->margin_s) & named)
					continue;
				say(w, MUS_RULE_V2C, MUS_RES_FAILS, s,
				    mus_first(v->srv & reach), kinds[k]);
				return MUS_RES_FAILS;
			}
		}
	return MUS_RES_HOLDS;
}

static enum mus_result
signal(const struct mus_ctx *c, struct mus_witness *w)
{
	enum mus_result r;

	if (c->desire->sep == 0)
		return say(w, MUS_RULE_SIGNAL, MUS_RES_UNKNOWN, MUS_NOBODY, MUS_NOBODY, MUS_RR_CDS);
	r = each_signer(c, MUS_RULE_SIGNAL, c->desire->cds_at, MUS_RR_CDS, cds_ok, w);
	if (r == MUS_RES_HOLDS)
		r = each_signer(
		    c, MUS_RULE_SIGNAL, c->desire->cds_at, MUS_RR_CDNSKEY, cdnskey_ok, w);
	return r;
}

static bool
glue_ok(const struct mus_ctx *c, unsigned origin, const struct mus_version *v, uint64_t *what)
{
	(void)origin;
	*what = 0;
	/* Addresses as the signers serve them. */
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_ADDR];

		if (!(c->desire->ns_at >> s & 1))
			continue;
		for (unsigned i = 0; i < ring->count; i++)
			if (ring->v[i].srv && ring->v[i].content != v->content)
				return false;
	}
	return true;
}

static bool
has_in_domain(const struct mus_ctx *c)
{
	for (unsigned n = 0; n < c->zone->ns_count; n++)
		if ((c->desire->ns >> n & 1) && c->zone->ns[n].in_domain)
			return true;
	return false;
}

static enum mus_result
parent_ns(const struct mus_ctx *c, struct mus_witness *w)
{
	enum mus_result r = all_show(c, MUS_RULE_PARENTNS, MUS_PARENT, MUS_RR_PNS, ns_ok, w);

	if (r == MUS_RES_HOLDS && has_in_domain(c))
		r = all_show(c, MUS_RULE_PARENTNS, MUS_PARENT, MUS_RR_GLUE, glue_ok, w);
	return r;
}

uint32_t
mus_clock_ttl_s(const struct mus_ctx *c, enum mus_clock_id id)
{
	const struct mus_seen *seen = c->seen;
	uint32_t ttl_s = 0;
	unsigned b = c->want->proc.signer;

#define UP(x)                                                                                      \
	do {                                                                                       \
		uint32_t t_ = (x);                                                                 \
		if (t_ > ttl_s)                                                                    \
			ttl_s = t_;                                                                \
	} while (0)
	switch (id) {
	case MUS_CLOCK_DS:
		UP(seen->parent[0].ttl_max_s);
		UP(mus_ring_floor_s(&seen->parent[0], MUS_RR_DS, c->policy, c->now));
		break;
	case MUS_CLOCK_KEY:
		for (unsigned s = 0; s < c->zone->signer_count; s++)
			UP(seen->signer[s][MUS_RR_KEY].ttl_max_s);
		break;
	case MUS_CLOCK_NS:
		UP(seen->parent[MUS_RR_PNS - MUS_RR_DS].ttl_max_s);
		UP(mus_ring_floor_s(
		    &seen->parent[MUS_RR_PNS - MUS_RR_DS], MUS_RR_PNS, c->policy, c->now));
		for (unsigned s = 0; s < c->zone->signer_count; s++)
			UP(seen->signer[s][MUS_RR_NS].ttl_max_s);
		break;
	case MUS_CLOCK_CUT:
		UP(seen->signer[b][MUS_RR_KEY].ttl_max_s);
		UP(c->facts->copy_ttl_s[b]);
		break;
	case MUS_CLOCK_COUNT:
		break;
	}
#undef UP
	return ttl_s;
}

void
mus_clock_tick(struct mus_clock *clock, enum mus_result r, struct mus_time from, uint32_t ttl_s)
{
	if (r == MUS_RES_HOLDS) {
		if (!mus_time_is_set(clock->from))
			clock->from = from;
		if (ttl_s > clock->ttl_s)
			clock->ttl_s = ttl_s;
	} else if (r == MUS_RES_FAILS) {
		clock->from = MUS_TIME_NEVER;
	}
}

struct mus_time
mus_clock_end(const struct mus_clock *clock, const struct mus_policy *policy)
{
	if (!mus_time_is_set(clock->from))
		return MUS_TIME_NEVER;
	return mus_time_add_s(clock->from, (int64_t)clock->ttl_s + policy->margin_s);
}

static enum mus_result
wait_over(const struct mus_ctx *c, enum mus_rule rule, enum mus_clock_id id, unsigned origin,
    unsigned kind, struct mus_witness *w)
{
	struct mus_time end = mus_clock_end(&c->want->proc.clock[id], c->policy);

	if (end.ms <= c->now.ms || mus_waits_are_cut())
		return MUS_RES_HOLDS;
	say(w, rule, MUS_RES_FAILS, origin, MUS_NOBODY, kind);
	if (w)
		w->until = end;
	return MUS_RES_FAILS;
}

/* Nor is anybody led to a secondary that still has its copy: there it is refreshed by nobody any more. */
static enum mus_result
is_served_by_none(const struct mus_ctx *c, unsigned b, struct mus_witness *w)
{
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		/* Nobody asks who is lost: what it showed last is no news. */
		unsigned counts = ~(c->facts->signing | c->facts->lost) >> s & 1;
		unsigned served = counts ? mus_served(c->facts, s, MUS_RR_KEY) : 0;

		for (; served; served &= served - 1) {
			const struct mus_version *v = &c->seen->signer[s][MUS_RR_KEY].v[__builtin_ctz(served)];
			uint64_t at = v->srv & c->facts->reach;

			if (at && (mus_sig_mask(v, c->now, 0) & c->facts->owned[b]))
				return say(w, MUS_RULE_REACH, MUS_RES_FAILS, b, mus_first(at), MUS_RR_KEY);
		}
	}
	return MUS_RES_HOLDS;
}

static enum mus_result
out_of_reach(const struct mus_ctx *c, struct mus_witness *w)
{
	unsigned b = c->want->proc.signer;
	uint64_t still = c->facts->servers[b] & c->facts->reach, at_parent;

	if (mus_waits_are_cut())
		return MUS_RES_HOLDS;
	(void)mus_parent_serves_until(c->zone, c->seen, c->want, b, &at_parent);
	if (at_parent)
		return say(w, MUS_RULE_REACH, MUS_RES_FAILS, b, mus_first(at_parent), MUS_RR_PNS);
	if (!still)
		return is_served_by_none(c, b, w);
	return say(w, MUS_RULE_REACH, MUS_RES_FAILS, b, mus_first(still), MUS_RR_NS);
}

/* What a leaver put into its zone after the last copy was read, and before its last server was cut off,
 * may have a larger TTL than that copy shows.  Of a lost signer nothing more can be read. */
bool
mus_leaver_copy_is_old(const struct mus_ctx *c)
{
	unsigned b = c->want->proc.signer;
	const struct mus_copy *copy = &c->seen->copy[b];
	struct mus_time cut = c->want->proc.clock[MUS_CLOCK_CUT].from;

	return c->want->proc.kind == MUS_PROC_REMOVE && mus_time_is_set(cut) && copy->known &&
	    !copy->declared && c->zone->signer[b].declared_max_ttl_s == 0 &&
	    !c->zone->signer[b].is_lost && cut.ms <= c->now.ms && copy->at.ms < cut.ms;
}

/* The leaver's copy: nothing of it may be in a cache any more. */
static enum mus_result
data_gone(const struct mus_ctx *c, struct mus_witness *w)
{
	unsigned b = c->want->proc.signer;

	/* Without a known largest TTL there is nothing to wait for that would be enough. */
	if ((c->facts->copy_ttl_s[b] == 0 &&
		mus_time_is_set(c->want->proc.clock[MUS_CLOCK_CUT].from)) ||
	    mus_leaver_copy_is_old(c))
		return say(w, MUS_RULE_TTLMAX, MUS_RES_UNKNOWN, b, MUS_NOBODY, MUS_NOBODY);
	return wait_over(c, MUS_RULE_DATAWAIT, MUS_CLOCK_CUT, b, MUS_NOBODY, w);
}

static enum mus_result
remaining(const struct mus_ctx *c, struct mus_witness *w)
{
	uint8_t rest = (uint8_t)(c->want->nsg & c->facts->signing & ~(1u << c->want->proc.signer));

	if (rest == 0 || c->desire->ns == 0)
		return say(w, MUS_RULE_LASTONE, MUS_RES_FAILS, c->want->proc.signer, MUS_NOBODY,
		    MUS_NOBODY);
	return MUS_RES_HOLDS;
}

/* Keys of which one has to vouch for what ${s} serves: its own, or those of all who sign when it is a secondary. */
static uint64_t
vouching(const struct mus_ctx *c, unsigned s)
{
	uint64_t keys = 0;

	if (c->facts->signing >> s & 1)
		return c->facts->owned[s];
	for (unsigned o = 0; o < c->zone->signer_count; o++)
		keys |= c->facts->owned[o];
	return keys;
}

/* Does every signer that stays stand on its own: its own SEP key in the DS set, its data verified? */
enum mus_result
mus_signer_stands(const struct mus_ctx *c, unsigned s, bool needs_ds, struct mus_witness *w)
{
	static const enum mus_rr_kind must[] = {MUS_RR_SOA, MUS_RR_KEY, MUS_RR_NS, MUS_RR_DENY0};
	const struct mus_ring *key = &c->seen->signer[s][MUS_RR_KEY];
	const struct mus_ring *soa = &c->seen->signer[s][MUS_RR_SOA];
	uint64_t servers = c->facts->servers[s], ds = 0, own = vouching(c, s);

	if (servers == 0)
		return say(w, MUS_RULE_NSNAMES, MUS_RES_FAILS, s, MUS_NOBODY, MUS_NOBODY);
	for (unsigned i = 0; i < sizeof must / sizeof must[0]; i++)
		if (!mus_is_known(&c->seen->signer[s][must[i]], s, must[i], servers, c->policy,
			c->now, w))
			return MUS_RES_UNKNOWN;
	for (unsigned i = 0; i < c->seen->parent[0].count; i++)
		if (c->seen->parent[0].v[i].srv)
			ds |= c->seen->parent[0].v[i].set;
	for (unsigned i = 0; i < key->count; i++) {
		const struct mus_version *v = &key->v[i];
		uint64_t good = v->set & own & mus_sig_mask(v, c->now, c->policy->margin_s);

		if (!v->srv)
			continue;
		if ((v->flags & MUS_VER_ABSENT) || !good)
			return say(w, MUS_RULE_SIGNED, MUS_RES_FAILS, s, mus_first(v->srv),
			    MUS_RR_KEY);
		if (needs_ds && ds && !(good & ds))
			return say(w, MUS_RULE_V1, MUS_RES_FAILS, s, mus_first(v->srv), MUS_RR_KEY);
		for (unsigned j = 0; j < soa->count; j++)
			if (soa->v[j].srv &&
			    !(mus_sig_mask(&soa->v[j], c->now, c->policy->margin_s) & v->set))
				return say(w, MUS_RULE_SIGNED, MUS_RES_FAILS, s,
				    mus_first(soa->v[j].srv), MUS_RR_SOA);
	}
	return MUS_RES_HOLDS;
}

static enum mus_result
rest_stands(const struct mus_ctx *c, struct mus_witness *w)
{
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		enum mus_result r;

		if (s == c->want->proc.signer || !(c->want->nsg >> s & 1))
			continue;
		r = mus_signer_stands(c, s, true, w);
		if (r != MUS_RES_HOLDS)
			return r;
	}
	return MUS_RES_HOLDS;
}

/* A name server that is listed and belongs to nobody we know: nobody asks it what it serves. */
static enum mus_result
names_known(const struct mus_ctx *c, unsigned origin, enum mus_rr_kind kind, uint64_t but, struct mus_witness *w)
{
	const struct mus_ring *ns = mus_seen_ring_const(c->seen, origin, kind);
	uint64_t nobodys = 0;

	for (unsigned n = 0; n < c->zone->ns_count; n++)
		if (c->zone->ns[n].owner >= c->zone->signer_count)
			nobodys |= mus_bit(n);
	for (unsigned i = 0; i < ns->count; i++) {
		uint64_t unknown = ns->v[i].set & nobodys & ~but;

		if (!ns->v[i].srv || (!unknown && ns->v[i].stray == 0))
			continue;
		say(w, MUS_RULE_V10, MUS_RES_FAILS, origin, mus_first(ns->v[i].srv), kind);
		if (w)
			w->ns = mus_first(unknown);
		return MUS_RES_FAILS;
	}
	return MUS_RES_HOLDS;
}

enum mus_result
mus_owners_known(const struct mus_ctx *c, unsigned joiner, struct mus_witness *w)
{
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		for (uint64_t m = c->facts->shown[s]; m; m &= m - 1) {
			unsigned k = (unsigned)__builtin_ctzll(m);

			if (c->zone->key[k].owner < c->zone->signer_count)
				continue;
			say(w, MUS_RULE_V10, MUS_RES_FAILS, s, MUS_NOBODY, MUS_RR_KEY);
			if (w) {
				w->key = (uint8_t)k;
				w->number = c->zone->key[k].tag;
			}
			return MUS_RES_FAILS;
		}
		if (names_known(c, s, MUS_RR_NS, s == joiner ? c->desire->ns_del : 0, w) != MUS_RES_HOLDS)
			return MUS_RES_FAILS;
	}
	return names_known(c, MUS_PARENT, MUS_RR_PNS, 0, w);
}

enum mus_result
mus_denial_of(const struct mus_version *v, unsigned signer, uint64_t servers, struct mus_witness *w)
{
	bool many = v->aux > MUS_N3_ITERATIONS_MAX, proves = v->flags & MUS_VER_PROVES;
	enum mus_result r = many || !proves ? MUS_RES_FAILS : v->aux > 0 ? MUS_RES_WARN : MUS_RES_HOLDS;

	say(w, MUS_RULE_V12, r, signer, mus_first(v->srv & servers), MUS_RR_DENY0);
	if (w && (many || proves))
		w->number = (uint16_t)v->aux;
	return r;
}

/* V12 at every server of a signer, whether resolvers are led to it yet or not. */
static enum mus_result
denies(const struct mus_ctx *c, unsigned s, struct mus_witness *w)
{
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_DENY0];
	uint64_t servers = c->facts->servers[s];

	if (servers == 0)
		return say(w, MUS_RULE_V12, MUS_RES_UNKNOWN, s, MUS_NOBODY, MUS_RR_DENY0);
	if (!mus_is_known(ring, s, MUS_RR_DENY0, servers, c->policy, c->now, w))
		return MUS_RES_UNKNOWN;
	for (unsigned i = 0; i < ring->count; i++)
		if ((ring->v[i].srv & servers) && mus_denial_of(&ring->v[i], s, servers, w) == MUS_RES_FAILS)
			return MUS_RES_FAILS;
	return MUS_RES_HOLDS;
}

/* V12 of those whom a process brings in, or leaves alone. */
static enum mus_result
remaining_deny(const struct mus_ctx *c, struct mus_witness *w)
{
	unsigned bit = 1u << c->want->proc.signer;
	unsigned signers = c->want->proc.kind == MUS_PROC_ADD ? bit : c->want->nsg & ~bit;
	enum mus_result r = MUS_RES_HOLDS;

	for (unsigned s = 0; s < c->zone->signer_count && r == MUS_RES_HOLDS; s++)
		if (signers >> s & 1)
			r = denies(c, s, w);
	return r;
}

enum mus_result
mus_condition(const struct mus_ctx *c, enum mus_rule rule, struct mus_witness *w)
{
	const struct mus_proc *p = &c->want->proc;

	switch (rule) {
	case MUS_RULE_IMPORT:
		return each_signer(c, rule, c->desire->key_at, MUS_RR_KEY, keys_ok, w);
	case MUS_RULE_V7:
		return keys_synced(c, w);
	case MUS_RULE_G3:
		return each_signer(c, rule, c->desire->key_at, MUS_RR_KEY, keys_gone_ok, w);
	case MUS_RULE_SIGNAL:
		return signal(c, w);
	case MUS_RULE_V2C:
		return signal_signed(c, w);
	case MUS_RULE_PARENTDS:
		return all_show(c, rule, MUS_PARENT, MUS_RR_DS, ds_ok, w);
	case MUS_RULE_NSSET:
		return each_signer(c, rule, c->desire->ns_at, MUS_RR_NS, ns_ok, w);
	case MUS_RULE_CSYNCSET:
		return each_signer(c, rule, c->desire->ns_at, MUS_RR_CSYNC, csync_ok, w);
	case MUS_RULE_PARENTNS:
		return parent_ns(c, w);
	case MUS_RULE_DSWAIT:
		return wait_over(c, rule, MUS_CLOCK_DS, MUS_PARENT, MUS_RR_DS, w);
	case MUS_RULE_KEYWAIT:
		return wait_over(c, rule, MUS_CLOCK_KEY, p->signer, MUS_RR_KEY, w);
	case MUS_RULE_NSWAIT:
		return wait_over(c, rule, MUS_CLOCK_NS, MUS_PARENT, MUS_RR_PNS, w);
	case MUS_RULE_REACH:
		return out_of_reach(c, w);
	case MUS_RULE_DATAWAIT:
		return data_gone(c, w);
	case MUS_RULE_LASTONE:
		return remaining(c, w);
	case MUS_RULE_V1:
		return rest_stands(c, w);
	case MUS_RULE_V10:
		return mus_owners_known(c, MUS_NOBODY, w);
	case MUS_RULE_V12:
		return remaining_deny(c, w);
	case MUS_RULE_NONE:
		return MUS_RES_HOLDS;
	default:
		/* No row names any other rule; an unknown condition satisfies nothing. */
		return say(w, rule, MUS_RES_UNKNOWN, MUS_NOBODY, MUS_NOBODY, MUS_NOBODY);
	}
}
