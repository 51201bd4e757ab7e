#include <string.h>

#include "core/condition.h"
#include "core/judge.h"
#include "core/reach.h"
#include "core/sets.h"

struct jd {
	const struct mus_ctx *c;
	struct mus_verdict *out;
};

/* A rule's result gets worse, never better. */
static void
worsen(struct jd *j, enum mus_rule rule, enum mus_result r)
{
	if (r > j->out->rule[rule])
		j->out->rule[rule] = r;
}

/* Notes what does not hold. */
static void
note(struct jd *j, const struct mus_witness *w)
{
	worsen(j, w->rule, w->result);
	if (j->out->finding_count < MUS_FINDINGS_MAX)
		j->out->finding[j->out->finding_count++] = *w;
}

static struct mus_witness
find(enum mus_rule rule, enum mus_result r, unsigned origin, unsigned server, unsigned kind)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	w.rule = rule;
	w.result = r;
	w.origin = (uint8_t)origin;
	w.server = (uint8_t)server;
	w.kind = (uint8_t)kind;
	return w;
}

/* A condition of the rows, said as predicate ${as}; what fails is a warning when ${soft}. */
static void
as_rule(struct jd *j, enum mus_rule as, enum mus_rule condition, bool soft)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	if (mus_condition(j->c, condition, &w) == MUS_RES_HOLDS)
		return;
	/* Who could not be asked makes the predicate unknown, in its own name; a key that may not be imported
	 * keeps its cause. */
	if (w.rule == MUS_RULE_G8)
		worsen(j, as, w.result);
	else
		w.rule = as;
	if (soft && w.result == MUS_RES_FAILS)
		w.result = MUS_RES_WARN;
	note(j, &w);
}

/* ---- pairs: V1, V2, V3, V14 ----------------------------------------------------------------- */

/* The key of ${b} that ${a} lacks, which would make them fit; MUS_NOBODY: there is none, or it is not the matter. */
static unsigned
lacking(const struct mus_zone *zone, enum mus_rule rule, const struct mus_ent *a, const struct mus_ent *b)
{
	if (rule == MUS_RULE_V2)
		return mus_first(b->a & ~a->a);
	for (uint64_t m = rule == MUS_RULE_V1 ? b->a & b->b & ~a->a : 0; m; m &= m - 1)
		if (zone->key[__builtin_ctzll(m)].is_sep)
			return (unsigned)__builtin_ctzll(m);
	return MUS_NOBODY;
}

static void
pair(struct jd *j, enum mus_rule rule, const struct mus_ent *a, const struct mus_ent *b,
    uint16_t number)
{
	struct mus_witness w = find(rule, MUS_RES_FAILS, a->origin, a->server, a->kind);

	w.origin2 = b->origin;
	w.kind2 = b->kind;
	w.server2 = b->server;
	w.key = (uint8_t)lacking(j->c->zone, rule, a, b);
	if (w.server == MUS_NOBODY)
		w.server = b->server;
	w.number = number;
	w.seen_at = b->first;
	w.until = mus_time_min(a->end, b->end);
	/* A violation ends when the first of both is gone from all caches; what is still served stays. */
	if (a->server != MUS_NOBODY && b->server != MUS_NOBODY)
		w.until = MUS_TIME_NEVER;
	note(j, &w);
}

static void
judge_pairs(struct jd *j, struct mus_sets *s)
{
	const struct mus_ctx *c = j->c;
	uint64_t ds_keys;
	uint16_t number = 0;

	mus_sets_alive(c->zone, c->seen, c->facts, c->policy, c->now, s);
	ds_keys = mus_sets_ds_keys(s);
	if (s->full) {
		struct mus_witness w = find(
		    MUS_RULE_V1, MUS_RES_UNKNOWN, MUS_NOBODY, MUS_NOBODY, MUS_NOBODY);

		w.cause = MUS_CAUSE_OVERFLOW;
		note(j, &w);
		w.rule = MUS_RULE_V2;
		note(j, &w);
		return;
	}
	for (unsigned i = 0; i < s->d_count; i++)
		for (unsigned k = 0; k < s->k_count; k++) {
			enum mus_rule r =
			    mus_pair_dk(c->zone, s, &s->d[i], &s->k[k], &number);

			if (r != MUS_RULE_NONE)
				pair(j, r, &s->d[i], &s->k[k], number);
		}
	for (unsigned k = 0; k < s->k_count; k++)
		for (unsigned i = 0; i < s->x_count; i++) {
			enum mus_rule r =
			    mus_pair_kx(c->zone, s, &s->k[k], &s->x[i], ds_keys, &number);

			if (r != MUS_RULE_NONE)
				pair(j, r, &s->k[k], &s->x[i], number);
		}
}

/* What V1 and V2 speak of must be known: parent, and each reachable server. */
static void
judge_known(struct jd *j)
{
	static const enum mus_rr_kind must[] = {MUS_RR_KEY, MUS_RR_SOA, MUS_RR_NS, MUS_RR_DENY0};
	const struct mus_ctx *c = j->c;
	uint64_t reach = c->facts->reach;
	struct mus_witness w;

	if (!mus_is_known(&c->seen->parent[0], MUS_PARENT, MUS_RR_DS,
		c->facts->servers[MUS_PARENT], c->policy, c->now, &w)) {
		w.rule = MUS_RULE_V1;
		note(j, &w);
	}
	for (unsigned s = 0; s < c->zone->signer_count; s++)
		for (unsigned m = 0; m < sizeof must / sizeof must[0]; m++) {
			uint64_t servers = c->facts->servers[s] & reach;

			if (!servers || mus_is_known(&c->seen->signer[s][must[m]], s, must[m],
					    servers, c->policy, c->now, &w))
				continue;
			w.rule = must[m] == MUS_RR_KEY ? MUS_RULE_V1 : MUS_RULE_V2;
			note(j, &w);
		}
}

/* What each rule speaks of. */
static const struct {
	enum mus_rule rule;
	uint32_t kinds;
} subject[] = {
    {MUS_RULE_V1, 1u << MUS_RR_DS | 1u << MUS_RR_KEY},
    {MUS_RULE_V2, 1u << MUS_RR_KEY | 1u << MUS_RR_SOA | 1u << MUS_RR_NS | 1u << MUS_RR_DENY0},
    {MUS_RULE_V2C, 1u << MUS_RR_DS | 1u << MUS_RR_CDS},
    {MUS_RULE_V3, 1u << MUS_RR_DS | 1u << MUS_RR_KEY | 1u << MUS_RR_SOA},
    {MUS_RULE_V3S, 1u << MUS_RR_DS | 1u << MUS_RR_KEY | 1u << MUS_RR_SOA},
    {MUS_RULE_V4, 1u << MUS_RR_KEY | 1u << MUS_RR_SOA},
    {MUS_RULE_V5, 1u << MUS_RR_DS},
    {MUS_RULE_V6, 1u << MUS_RR_SOA},
    {MUS_RULE_V7, 1u << MUS_RR_KEY},
    {MUS_RULE_V8, 1u << MUS_RR_NS | 1u << MUS_RR_CDS},
    {MUS_RULE_V9, 1u << MUS_RR_PNS | 1u << MUS_RR_NS},
    {MUS_RULE_V10, 1u << MUS_RR_KEY | 1u << MUS_RR_NS},
    {MUS_RULE_V11, 1u << MUS_RR_KEY},
    {MUS_RULE_V12, 1u << MUS_RR_DENY0},
    {MUS_RULE_V13, 1u << MUS_RR_SOA},
    {MUS_RULE_V14, 1u << MUS_RR_DS | 1u << MUS_RR_KEY},
};

/* Has nobody ever shown one of these?  Of the signers only those count that resolvers are led to; all,
 * while it is not known who that is. */
static bool
is_unseen(const struct mus_ctx *c, uint32_t kinds)
{
	bool any = false;

	for (uint32_t m = kinds & (1u << MUS_RR_DS | 1u << MUS_RR_PNS); m; m &= m - 1)
		if (c->seen->parent[(unsigned)__builtin_ctz(m) - MUS_RR_DS].count == 0)
			return true;
	kinds &= (1u << MUS_RR_SIGNER_COUNT) - 1;
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		if (c->zone->signer[s].is_lost || (c->facts->reach && !(c->facts->servers[s] & c->facts->reach)))
			continue;
		any = true;
		for (uint32_t m = kinds; m; m &= m - 1)
			if (c->seen->signer[s][__builtin_ctz(m)].count == 0)
				return true;
	}
	return kinds && !any;
}

/* An empty history proves nothing. */
static void
judge_unseen(struct jd *j)
{
	for (unsigned i = 0; i < sizeof subject / sizeof subject[0]; i++) {
		enum mus_result *r = &j->out->rule[subject[i].rule];

		if (*r < MUS_RES_UNKNOWN && is_unseen(j->c, subject[i].kinds))
			*r = MUS_RES_UNKNOWN;
	}
}

/* Nobody knows what a server shows that is not asked.  Whose servers that was told of. */
static uint16_t
judge_lacks(struct jd *j)
{
	const struct mus_ctx *c = j->c;
	uint16_t told = 0;

	for (unsigned i = 0; i < c->zone->lack_count; i++) {
		struct mus_witness w = mus_lack_witness(&c->zone->lack[i]);

		if (w.rule == MUS_RULE_V10) {
			note(j, &w);
			continue;
		}
		/* Who has no place yet serves nobody, nor does a joiner. */
		if (w.cause != MUS_CAUSE_UNASKED &&
		    (w.origin == MUS_NOBODY || (w.origin < MUS_SIGNERS_MAX && !(c->want->nsg >> w.origin & 1))))
			continue;
		w.rule = MUS_RULE_V6;
		note(j, &w);
		if (w.origin < MUS_SIGNERS_MAX)
			told |= (uint16_t)(1u << w.origin);
	}
	return told;
}

/* Resolvers are led to all that an NS set lists, or may list in a cache: of a name that is nobody's, or
 * leads to no server that is asked, nothing can be said. */
static void
judge_unasked(struct jd *j, uint16_t told)
{
	const struct mus_ctx *c = j->c;
	uint64_t unasked = mus_names_unasked(c->zone, told);

	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		enum mus_rr_kind kind = o == MUS_PARENT ? MUS_RR_PNS : MUS_RR_NS;
		const struct mus_ring *ring = mus_seen_ring_const(c->seen, o, kind);
		uint32_t floor_s = mus_ring_floor_s(ring, kind, c->policy, c->now);

		/* Who is declared lost is believed to list nobody (OP-9). */
		if (o < MUS_SIGNERS_MAX && (o >= c->zone->signer_count || c->zone->signer[o].is_lost))
			continue;
		/* The latest first: of what is listed still, no end is known. */
		for (unsigned i = ring->count; i-- > 0;) {
			const struct mus_version *v = &ring->v[i];
			struct mus_time end =
			    mus_version_end(c->seen, ring, v, floor_s, c->now, c->policy->margin_s);
			struct mus_witness w = find(MUS_RULE_V6, MUS_RES_UNKNOWN, o, mus_first(v->srv), kind);

			if (end.ms < c->now.ms || (!(v->set & unasked) && v->stray == 0))
				continue;
			w.cause = MUS_CAUSE_UNASKED;
			w.ns = mus_first(v->set & unasked);
			w.seen_at = v->first;
			w.until = v->srv ? MUS_TIME_NEVER : end;
			note(j, &w);
			break;
		}
	}
}

/* ---- one signer by itself ------------------------------------------------------------------- */

/* V3s: every algorithm in DNSKEY signs everything; every one in DS signs DNSKEY. */
static void
judge_strict(struct jd *j, const struct mus_sets *s)
{
	enum mus_result bad = j->c->policy->strict ? MUS_RES_FAILS : MUS_RES_WARN;

	if (s->alg_count < 2)
		return;
	for (unsigned a = 0; a < s->alg_count; a++) {
		for (unsigned k = 0; k < s->k_count; k++)
			for (unsigned i = 0; i < s->x_count; i++) {
				struct mus_witness w = find(MUS_RULE_V3S, bad, s->x[i].origin,
				    s->x[i].server, s->x[i].kind);

				if (!(s->k[k].a & s->alg[a]) || (s->x[i].a & s->alg[a]))
					continue;
				w.number = j->c->zone->alg[a];
				note(j, &w);
				return;
			}
		for (unsigned i = 0; i < s->d_count; i++)
			for (unsigned k = 0; k < s->k_count; k++) {
				struct mus_witness w = find(MUS_RULE_V3S, bad, s->k[k].origin,
				    s->k[k].server, s->k[k].kind);

				if (!(s->d[i].a & s->alg[a]) || (s->k[k].a & s->k[k].b & s->alg[a]))
					continue;
				w.number = j->c->zone->alg[a];
				note(j, &w);
				return;
			}
	}
}

static void
judge_times(struct jd *j)
{
	const struct mus_ctx *c = j->c;
	int64_t now_s = mus_time_to_s(c->now);

	for (unsigned s = 0; s < c->zone->signer_count; s++)
		for (unsigned kind = 0; kind < MUS_RR_SIGNER_COUNT; kind++) {
			const struct mus_ring *ring = &c->seen->signer[s][kind];
			bool said = false;

			for (unsigned i = 0; i < ring->count && !said; i++)
				for (unsigned g = 0; ring->v[i].srv && g < ring->v[i].sig_count; g++) {
					const struct mus_sig *sig = &ring->v[i].sig[g];
					int64_t spare = sig->until_s - now_s - ring->v[i].ttl_s -
					    c->policy->margin_s;
					struct mus_witness w;

					if (spare >= c->policy->refresh_s && sig->from_s <= now_s)
						continue;
					w = find(MUS_RULE_V4,
					    sig->until_s <= now_s ||
						    sig->from_s > now_s + c->policy->margin_s ||
						    spare < 0
						? MUS_RES_FAILS
						: MUS_RES_WARN,
					    s, mus_first(ring->v[i].srv), kind);
					w.number = sig->tag;
					w.until = mus_time_from_s(sig->until_s);
					note(j, &w);
					said = true;
					break;
				}
		}
}

/* A DS set that was asked for and has not come saves no resolver: only sets that were seen count. */
static void
judge_delegation(struct jd *j)
{
	const struct mus_ctx *c = j->c;
	const struct mus_ring *ring = &c->seen->parent[0];
	uint32_t floor_s = mus_ring_floor_s(ring, MUS_RR_DS, c->policy, c->now);
	unsigned server = MUS_NOBODY;
	bool none = false, some = false;

	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];

		if (mus_version_end(c->seen, ring, v, floor_s, c->now, c->policy->margin_s).ms < c->now.ms)
			continue;
		if (v->flags & MUS_VER_ABSENT) {
			none = true;
			server = mus_first(v->srv);
		} else {
			some = true;
		}
	}
	if (none) {
		struct mus_witness w = find(
		    MUS_RULE_V5, some ? MUS_RES_WARN : MUS_RES_FAILS, MUS_PARENT, server, MUS_RR_DS);

		note(j, &w);
	}
}

static void
judge_service(struct jd *j)
{
	const struct mus_ctx *c = j->c;

	for (uint64_t m = c->facts->reach; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);
		const struct mus_srvstate *st = &c->seen->server[i];
		unsigned s = c->zone->server[i].origin;
		struct mus_witness w = find(MUS_RULE_V6, MUS_RES_WARN, s, i, MUS_RR_SOA);
		const struct mus_ring *soa = &c->seen->signer[s][MUS_RR_SOA];

		if (soa->fail >> i & 1) {
			w.cause = (uint8_t)soa->fail_cause;
			w.seen_at = soa->fail_since;
			/* A wrong answer is worse than none. */
			if (soa->fail_cause != MUS_CAUSE_TIMEOUT && soa->fail_cause != MUS_CAUSE_NET &&
			    soa->fail_cause != MUS_CAUSE_LOCAL)
				w.result = MUS_RES_FAILS;
			note(j, &w);
		} else if (st->udp == MUS_NO || st->tcp == MUS_NO) {
			w.cause = MUS_CAUSE_TIMEOUT;
			w.number = st->udp == MUS_NO ? 17 : 6;	/* IP protocol that is silent */
			note(j, &w);
		} else if (st->udp == MUS_UNKNOWN || st->tcp == MUS_UNKNOWN) {
			w.result = MUS_RES_UNKNOWN;
			note(j, &w);
		}
	}
}

static void
judge_tags(struct jd *j)
{
	const struct mus_zone *z = j->c->zone;
	uint64_t shown = 0;

	for (unsigned s = 0; s < z->signer_count; s++)
		shown |= j->c->facts->shown[s];
	for (unsigned a = 0; a < z->key_count; a++)
		for (unsigned b = a + 1; b < z->key_count; b++) {
			struct mus_witness w;

			if (!(shown >> a & shown >> b & 1) || z->key[a].alg != z->key[b].alg ||
			    z->key[a].tag != z->key[b].tag)
				continue;
			w = find(MUS_RULE_V11, MUS_RES_WARN, z->key[a].owner, MUS_NOBODY, MUS_RR_KEY);
			w.origin2 = z->key[b].owner;
			w.key = (uint8_t)b;
			w.number = z->key[b].tag;
			note(j, &w);
		}
}

/* A key that is a signer's own only because no other one shows it: nothing that was seen is signed with
 * it, and no copy has told that nothing is. */
static void
judge_guesses(struct jd *j)
{
	const struct mus_zone *z = j->c->zone;

	for (unsigned s = 0; s < z->signer_count; s++)
		for (uint64_t m = j->c->facts->owned[s] & j->c->facts->shown[s]; m; m &= m - 1) {
			const struct mus_zkey *key = &z->key[__builtin_ctzll(m)];
			struct mus_witness w = find(MUS_RULE_V10, MUS_RES_WARN, s, MUS_NOBODY, MUS_RR_KEY);

			if (key->evidence != MUS_EV_FIRST_SIGHT || key->signs_key ||
			    key->signs_data != MUS_UNKNOWN)
				continue;
			w.key = (uint8_t)__builtin_ctzll(m);
			w.number = key->tag;
			note(j, &w);
		}
}

static void
judge_denial(struct jd *j)
{
	const struct mus_ctx *c = j->c;
	uint64_t reach = c->facts->reach;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_DENY0];

		for (unsigned i = 0; i < ring->count; i++) {
			struct mus_witness w;

			if ((ring->v[i].srv & reach) &&
			    mus_denial_of(&ring->v[i], s, reach, &w) != MUS_RES_HOLDS)
				note(j, &w);
		}
	}
}

static void
judge_content(struct jd *j)
{
	const struct mus_ctx *c = j->c;
	unsigned first = MUS_NOBODY;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		const struct mus_copy *copy = &c->seen->copy[s];
		struct mus_witness w = find(MUS_RULE_V13, MUS_RES_WARN, s, MUS_NOBODY, MUS_NOBODY);

		if (!(c->want->nsg & c->facts->signing & 1u << s) || c->zone->signer[s].declared_content)
			continue;
		if (!copy->known || copy->declared) {
			w.result = MUS_RES_UNKNOWN;
			note(j, &w);
		} else if (first == MUS_NOBODY) {
			first = s;
		} else if (copy->content != c->seen->copy[first].content) {
			w.origin2 = (uint8_t)first;
			note(j, &w);
		}
	}
}

/* A name that is not there, has no address, or is one of another zone says nothing of how data are signed. */
static void
judge_sample(struct jd *j)
{
	const struct mus_ctx *c = j->c;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		struct mus_witness w;

		if (mus_sample_missing(c->seen, s, c->facts->servers[s], &w))
			note(j, &w);
	}
}

/* A signer's CDS are its own matter as long as it is alone; not a record that names a key it has not. */
static void
judge_stray_signal(struct jd *j)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	if (mus_condition(j->c, MUS_RULE_SIGNAL, &w) != MUS_RES_FAILS || !w.surplus || w.key != MUS_NOBODY)
		return;
	w.rule = MUS_RULE_V8;
	w.result = MUS_RES_WARN;
	note(j, &w);
}

/* Processes let names stay in the delegation that are not theirs to remove; but what no signer lists there
 * should not be there. */
static void
judge_delegated(struct jd *j)
{
	const struct mus_ctx *c = j->c;
	const struct mus_ring *ring = &c->seen->parent[MUS_RR_PNS - MUS_RR_DS];
	uint64_t apex = 0;
	bool has_stray = false;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		const struct mus_ring *ns = &c->seen->signer[s][MUS_RR_NS];

		for (unsigned i = 0; (c->desire->ns_at >> s & 1) && i < ns->count; i++)
			if (ns->v[i].srv) {
				apex |= ns->v[i].set;
				has_stray |= ns->v[i].stray > 0;
			}
	}
	for (unsigned i = 0; apex && i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];
		/* Those that are to leave, the condition of the rows has told of. */
		uint64_t more = v->set & ~apex & ~c->desire->ns_del;
		struct mus_witness w =
		    find(MUS_RULE_V9, MUS_RES_WARN, MUS_PARENT, mus_first(v->srv), MUS_RR_PNS);

		if (!v->srv || (!more && (v->stray == 0 || has_stray)))
			continue;
		w.ns = mus_first(more);
		w.surplus = true;
		w.seen_at = v->first;
		note(j, &w);
	}
}

/* What the sets should be is not known before it is known who takes part: nobody is told to mend them.  But who
 * cannot be asked for the delegation is told of. */
static void
judge_unadopted(struct jd *j)
{
	const struct mus_ctx *c = j->c;
	struct mus_witness w;

	j->out->rule[MUS_RULE_V8] = j->out->rule[MUS_RULE_V9] = MUS_RES_UNKNOWN;
	if (mus_is_known(&c->seen->parent[MUS_RR_PNS - MUS_RR_DS], MUS_PARENT, MUS_RR_PNS,
		c->facts->servers[MUS_PARENT], c->policy, c->now, &w))
		return;
	w.rule = MUS_RULE_V9;
	note(j, &w);
}

/* V8: coordinated sets; V9: parent against zone. */
static void
judge_equal(struct jd *j)
{
	const struct mus_ctx *c = j->c;

	if (!c->want->adopted) {
		judge_unadopted(j);
		return;
	}
	as_rule(j, MUS_RULE_V8, MUS_RULE_NSSET, true);
	as_rule(j, MUS_RULE_V8, MUS_RULE_CSYNCSET, true);
	if (__builtin_popcount(c->want->keyg) > 1)
		as_rule(j, MUS_RULE_V8, MUS_RULE_SIGNAL, true);
	else
		judge_stray_signal(j);
	as_rule(j, MUS_RULE_V9, MUS_RULE_PARENTNS, true);
	as_rule(j, MUS_RULE_V9, MUS_RULE_PARENTDS, true);
	judge_delegated(j);
}

void
mus_judge(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_want *want,
    const struct mus_policy *policy, struct mus_time now, struct mus_verdict *out)
{
	struct mus_facts facts;
	struct mus_desire desire;
	struct mus_ctx c = {zone, seen, want, policy, now, &facts, &desire};
	struct jd j = {&c, out};
	struct mus_sets s;

	memset(out->rule, 0, sizeof out->rule);
	out->finding_count = 0;
	mus_facts(zone, seen, policy, now, &facts);
	mus_desire(&c, &desire);
	judge_known(&j);
	judge_unseen(&j);
	judge_unasked(&j, judge_lacks(&j));
	judge_pairs(&j, &s);
	judge_delegation(&j);
	judge_strict(&j, &s);
	judge_times(&j);
	judge_service(&j);
	as_rule(&j, MUS_RULE_V2C, MUS_RULE_V2C, false);
	as_rule(&j, MUS_RULE_V7, MUS_RULE_V7, false);
	judge_equal(&j);
	as_rule(&j, MUS_RULE_V10, MUS_RULE_V10, true);
	judge_guesses(&j);
	judge_tags(&j);
	judge_denial(&j);
	judge_content(&j);
	judge_sample(&j);
}

enum mus_state_word
mus_verdict_word(const struct mus_seen *seen, const struct mus_verdict *v,
    const struct mus_policy *policy, struct mus_time now)
{
	static const enum mus_rule hard[] = {MUS_RULE_V1, MUS_RULE_V2, MUS_RULE_V3, MUS_RULE_V14,
	    MUS_RULE_V6, MUS_RULE_V12};
	enum mus_result worst = MUS_RES_HOLDS;
	struct mus_time complete = mus_history_at(&seen->parent[0], MUS_RR_DS, policy, now);

	if (v->rule[MUS_RULE_V5] == MUS_RES_FAILS)
		return MUS_STATE_INSECURE;
	for (unsigned i = 0; i < sizeof hard / sizeof hard[0]; i++) {
		enum mus_result r = v->rule[hard[i]];

		/* A silent server of several is a warning (V6), not an unknown zone. */
		if (r != MUS_RES_WARN && r > worst)
			worst = r;
	}
	if (worst == MUS_RES_FAILS)
		return MUS_STATE_INVALID;
	if (v->rule[MUS_RULE_V4] == MUS_RES_FAILS)
		return MUS_STATE_AT_RISK;
	if (worst == MUS_RES_UNKNOWN)
		return MUS_STATE_UNKNOWN;
	return complete.ms > now.ms ? MUS_STATE_SO_FAR : MUS_STATE_VALID;
}
