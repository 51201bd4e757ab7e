#include "core/preflight.h"
#include "core/sets.h"

struct pf {
	const struct mus_ctx *c;
	unsigned b;
	struct mus_witness *out;
	unsigned cap, count;
	enum mus_result worst;
	bool is_dark;			/* no server of it shows the zone: that is told, and not what follows */
};

/* Worst first, else in the order in which they are found; where there is too little room the least go. */
static void
note(struct pf *p, struct mus_witness w)
{
	unsigned i = p->count;

	if (w.result > p->worst)
		p->worst = w.result;
	if (p->count < p->cap)
		p->count++;
	for (; i > 0 && p->out[i - 1].result < w.result; i--)
		if (i < p->count)
			p->out[i] = p->out[i - 1];
	if (i < p->count)
		p->out[i] = w;
}

static struct mus_witness
found(enum mus_rule rule, enum mus_result r, unsigned origin, unsigned origin2)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	w.rule = rule;
	w.result = r;
	w.origin = (uint8_t)origin;
	w.origin2 = (uint8_t)origin2;
	return w;
}

static void
pf_serves(struct pf *p)
{
	const struct mus_ring *soa = &p->c->seen->signer[p->b][MUS_RR_SOA];
	uint64_t servers = p->c->facts->servers[p->b];
	struct mus_witness w;
	bool has_ns = false;

	for (unsigned n = 0; n < p->c->zone->ns_count; n++)
		has_ns |= p->c->zone->ns[n].owner == p->b;
	if (!has_ns || servers == 0)
		note(p, found(MUS_RULE_NSNAMES, MUS_RES_FAILS, p->b, MUS_NOBODY));
	if (servers == 0)
		return;
	p->is_dark = (soa->ok & servers) == 0;
	if (!mus_is_known(soa, p->b, MUS_RR_SOA, servers, p->c->policy, p->c->now, &w)) {
		w.rule = MUS_RULE_SERVES;
		note(p, w);
		return;
	}
	for (uint64_t m = servers; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);

		if (!p->c->seen->server[i].aa_ok) {
			w = found(MUS_RULE_SERVES, MUS_RES_FAILS, p->b, MUS_NOBODY);
			w.server = (uint8_t)i;
			note(p, w);
		}
		if (p->c->seen->server[i].tcp == MUS_NO || p->c->seen->server[i].udp == MUS_NO) {
			w = found(MUS_RULE_V6, MUS_RES_FAILS, p->b, MUS_NOBODY);
			w.server = (uint8_t)i;
			note(p, w);
		}
	}
	if (mus_signer_stands(p->c, p->b, false, &w) != MUS_RES_HOLDS)
		note(p, w);
}

/* Algorithms that sign at a signer. */
static uint8_t
algs_of(const struct mus_ctx *c, unsigned s)
{
	uint64_t keys = c->facts->owned[s] & c->facts->shown[s];
	uint8_t algs = 0;

	for (uint64_t m = keys; m; m &= m - 1)
		algs |= (uint8_t)(1u << c->zone->key[__builtin_ctzll(m)].alg_idx);
	return algs;
}

static void
pf_keys(struct pf *p)
{
	const struct mus_ctx *c = p->c;
	uint8_t mine = algs_of(c, p->b);
	struct mus_witness w;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		const struct mus_ring *mk = &c->seen->signer[p->b][MUS_RR_KEY];
		const struct mus_ring *sk = &c->seen->signer[s][MUS_RR_KEY];
		uint8_t theirs;

		if (s == p->b || !(c->want->keyg >> s & 1))
			continue;
		theirs = algs_of(c, s);
		if (mine && theirs && mine != theirs) {
			uint8_t diff = mine ^ theirs;

			w = found(MUS_RULE_ALGS, MUS_RES_FAILS, p->b, s);
			w.number = c->zone->alg[__builtin_ctz(diff)];
			note(p, w);
		}
		if (mk->count && sk->count &&
		    mk->v[mk->count - 1].serve_ttl_s != sk->v[sk->count - 1].serve_ttl_s)
			note(p, found(MUS_RULE_KEYTTL, MUS_RES_WARN, p->b, s));
	}
	if (mus_guard_import(c->zone, c->seen,
		c->facts->owned[p->b] & c->facts->shown[p->b], &w) != MUS_RES_HOLDS)
		note(p, w);
	if (mus_owners_known(c, p->b, &w) != MUS_RES_HOLDS)
		note(p, w);
}

/* Digest types of the CDS that a signer has for keys of its own. */
static uint8_t
types_of(const struct mus_ctx *c, unsigned s)
{
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_CDS];
	uint8_t types = 0;

	for (unsigned m = mus_served(c->facts, s, MUS_RR_CDS); m; m &= m - 1)
		types |= mus_digest_types(&ring->v[__builtin_ctz(m)], c->facts->owned[s]);
	return types;
}

/* Notes the first digest type that only one of the joiner and ${other} has; MUS_NOBODY: the policy. */
static bool
digests_differ(struct pf *p, unsigned other, uint8_t mine, uint8_t theirs)
{
	struct mus_witness w = found(MUS_RULE_DIGESTS, MUS_RES_WARN, p->b, other);
	unsigned t = mus_first(mine ^ theirs);

	/* The joiner has no other types than it has; who shows no CDS has none to differ in. */
	if (!theirs || t >= MUS_DT_COUNT)
		return false;
	w.kind = MUS_RR_CDS;
	w.number = mus_dt_number[t];
	w.surplus = mine >> t & 1;
	note(p, w);
	return true;
}

/* Who rolls a SEP key publishes CDS for it of the types that it has; the others' types are added a look later, and the
 * parent may have taken up the set before (V14).  One that differs says it all. */
static void
pf_digests(struct pf *p)
{
	const struct mus_ctx *c = p->c;
	uint8_t mine = types_of(c, p->b);

	if (!mine)
		return;
	for (unsigned s = 0; s < c->zone->signer_count; s++)
		if ((c->want->keyg >> s & 1) && digests_differ(p, s, mine, types_of(c, s)))
			return;
	(void)digests_differ(p, MUS_NOBODY, mine, c->policy->digests);
}

static void
pf_content(struct pf *p)
{
	const struct mus_ctx *c = p->c;
	const struct mus_copy *mine = &c->seen->copy[p->b];
	bool is_told = false;		/* that its own is not known: once, whoever it is compared with */

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		const struct mus_copy *copy = &c->seen->copy[s];

		if (s != p->b && !(c->want->keyg >> s & 1))
			continue;
		if (c->facts->copy_ttl_s[s] == 0 && !(s == p->b && p->is_dark))
			note(p, found(MUS_RULE_TTLMAX, MUS_RES_UNKNOWN, s, MUS_NOBODY));
		if (s == p->b || c->zone->signer[p->b].declared_content || c->zone->signer[s].declared_content ||
		    !(c->facts->signing >> p->b & c->facts->signing >> s & 1))
			continue;
		if (!mine->known && !p->is_dark) {
			if (!is_told)
				note(p, found(MUS_RULE_V13, MUS_RES_UNKNOWN, p->b, MUS_NOBODY));
			is_told = true;
		} else if (!copy->known)
			note(p, found(MUS_RULE_V13, MUS_RES_UNKNOWN, s, MUS_NOBODY));
		else if (mine->known && mine->content != copy->content)
			note(p, found(MUS_RULE_V13, MUS_RES_FAILS, p->b, s));
	}
}

static void
pf_sample(struct pf *p)
{
	struct mus_witness w;

	if (mus_sample_missing(p->c->seen, p->b, p->c->facts->servers[p->b], &w))
		note(p, w);
}

/* What is not known yet, mus_signer_stands has said.  A member answers so with or without the joiner. */
static void
pf_denial(struct pf *p)
{
	const struct mus_ctx *c = p->c;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_DENY0];
		uint64_t servers = c->facts->servers[s];

		if (s != p->b && !(c->want->nsg >> s & 1))
			continue;
		for (unsigned i = 0; i < ring->count; i++) {
			struct mus_witness w;

			if (!(ring->v[i].srv & servers) ||
			    mus_denial_of(&ring->v[i], s, servers, &w) == MUS_RES_HOLDS)
				continue;
			if (s != p->b)
				w.result = MUS_RES_WARN;
			note(p, w);
		}
	}
}

/* Are the keys known of all who take part?  Else a DS that fits none may be that of such a key. */
static bool
knows_keys(const struct pf *p)
{
	const struct mus_ctx *c = p->c;

	for (unsigned s = 0; s < c->zone->signer_count; s++)
		if ((s == p->b || (c->want->keyg >> s & 1)) &&
		    !mus_is_known(&c->seen->signer[s][MUS_RR_KEY], s, MUS_RR_KEY, c->facts->servers[s], c->policy,
			c->now, NULL))
			return false;
	return true;
}

static void
pf_parent(struct pf *p)
{
	const struct mus_ctx *c = p->c;
	uint64_t servers = c->facts->servers[MUS_PARENT];
	struct mus_witness w;

	if (!mus_is_known(&c->seen->parent[0], MUS_PARENT, MUS_RR_DS, servers, c->policy, c->now, &w))
		note(p, w);
	if (!mus_is_known(&c->seen->parent[MUS_RR_PNS - MUS_RR_DS], MUS_PARENT, MUS_RR_PNS, servers,
		c->policy, c->now, &w))
		note(p, w);
	/* A chain that is broken before we touch it is not ours to hide (F23). */
	for (unsigned s = 0; s < c->zone->signer_count; s++)
		if (s != p->b && (c->want->nsg >> s & 1) &&
		    mus_signer_stands(c, s, true, &w) != MUS_RES_HOLDS)
			note(p, w);
	for (unsigned i = 0; i < c->seen->parent[0].count; i++) {
		const struct mus_version *v = &c->seen->parent[0].v[i];

		/* Nothing to keep valid: going secure is a process of its own. */
		if (v->srv && (v->flags & MUS_VER_ABSENT)) {
			w = found(MUS_RULE_V5, MUS_RES_FAILS, MUS_PARENT, MUS_NOBODY);
			w.kind = MUS_RR_DS;
			w.server = (uint8_t)__builtin_ctzll(v->srv);
			note(p, w);
		}
		if (v->srv && v->stray && knows_keys(p)) {
			w = found(MUS_RULE_V9, MUS_RES_WARN, MUS_PARENT, MUS_NOBODY);
			w.kind = MUS_RR_DS;
			w.surplus = (v->aux & MUS_AUX_STRAY) != 0;
			w.number = (uint16_t)(v->aux & 0xffff);
			w.server = (uint8_t)__builtin_ctzll(v->srv);
			note(p, w);
		}
	}
}

static void
pf_caps(struct pf *p)
{
	const struct mus_zsigner *s = &p->c->zone->signer[p->b];
	const struct {
		enum mus_tri can;
		enum mus_rr_kind kind;
	} caps[] = {{s->caps.dnskey, MUS_RR_KEY}, {s->caps.cds, MUS_RR_CDS},
	    {s->caps.cdnskey, MUS_RR_CDNSKEY}, {s->caps.csync, MUS_RR_CSYNC},
	    {s->caps.ns, MUS_RR_NS}};

	bool is_tried = true;

	if (s->is_secondary)
		return;
	for (unsigned i = 0; i < sizeof caps / sizeof caps[0]; i++)
		if (caps[i].can == MUS_NO) {
			struct mus_witness w = found(MUS_RULE_CAPS, MUS_RES_FAILS, p->b, MUS_NOBODY);

			w.kind = (uint8_t)caps[i].kind;
			note(p, w);
		} else {
			is_tried &= caps[i].can == MUS_YES;
		}
	if (!s->has_driver || !is_tried)
		note(p, found(MUS_RULE_CAPS, MUS_RES_WARN, p->b, MUS_NOBODY));
}

/* V4 at the joiner. */
static void
pf_times(struct pf *p)
{
	const struct mus_ctx *c = p->c;
	int64_t now_s = mus_time_to_s(c->now);

	for (unsigned kind = 0; kind < MUS_RR_SIGNER_COUNT; kind++) {
		const struct mus_ring *ring = &c->seen->signer[p->b][kind];

		for (unsigned i = 0; i < ring->count; i++)
			for (unsigned j = 0; ring->v[i].srv && j < ring->v[i].sig_count; j++) {
				const struct mus_sig *g = &ring->v[i].sig[j];
				int64_t spare = g->until_s - now_s - ring->v[i].ttl_s;
				struct mus_witness w = found(MUS_RULE_V4,
				    spare < 0 ? MUS_RES_FAILS : MUS_RES_WARN, p->b, MUS_NOBODY);

				if (spare >= c->policy->refresh_s)
					continue;
				w.kind = (uint8_t)kind;
				w.server = (uint8_t)__builtin_ctzll(ring->v[i].srv);
				w.until = mus_time_from_s(g->until_s);
				w.number = g->tag;
				note(p, w);
				kind = MUS_RR_SIGNER_COUNT;
				i = ring->count;
				break;
			}
	}
}

/* In-domain names that are in the NS sets when ${b} has joined: a signer refuses an NS without address there. */
static uint64_t
names_in_domain(const struct pf *p)
{
	uint64_t names = 0;

	for (unsigned n = 0; n < p->c->zone->ns_count; n++) {
		const struct mus_zns *ns = &p->c->zone->ns[n];

		if (ns->in_domain && !ns->is_dropped &&
		    (ns->owner == p->b || (ns->owner < MUS_SIGNERS_MAX && (p->c->want->nsg >> ns->owner & 1))))
			names |= mus_bit(n);
	}
	return names;
}

/* What the signer shows now lacks the address of a name. */
static bool
lacks_address(struct pf *p, unsigned s, uint64_t names)
{
	const struct mus_ring *ring = &p->c->seen->signer[s][MUS_RR_ADDR];

	for (unsigned i = 0; i < ring->count; i++) {
		uint64_t missing = names & ~ring->v[i].dt[0];
		struct mus_witness w = found(MUS_RULE_GLUEADDR, MUS_RES_FAILS, s, MUS_NOBODY);

		if (!ring->v[i].srv || !missing)
			continue;
		w.kind = MUS_RR_ADDR;
		w.server = (uint8_t)__builtin_ctzll(ring->v[i].srv);
		w.ns = (uint8_t)__builtin_ctzll(missing);
		note(p, w);
		return true;
	}
	return false;
}

/* Does a version that the one shows now differ from one that the other shows? */
static bool
addresses_differ(const struct mus_ring *a, const struct mus_ring *b)
{
	for (unsigned i = 0; i < a->count; i++)
		for (unsigned j = 0; j < b->count; j++)
			if (a->v[i].srv && b->v[j].srv && a->v[i].aux != b->v[j].aux)
				return true;
	return false;
}

/* Addresses of in-domain name servers are there, and alike everywhere. */
static void
pf_addresses(struct pf *p)
{
	const struct mus_ctx *c = p->c;
	uint64_t names = names_in_domain(p);
	bool lacks = lacks_address(p, p->b, names);

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		struct mus_witness w = found(MUS_RULE_GLUEADDR, MUS_RES_FAILS, p->b, s);

		/* What is lost is neither asked nor changed. */
		if (s == p->b || !(c->want->keyg >> s & 1) || c->zone->signer[s].is_lost ||
		    lacks_address(p, s, names) || lacks)
			continue;
		w.kind = MUS_RR_ADDR;
		if (addresses_differ(&c->seen->signer[s][MUS_RR_ADDR], &c->seen->signer[p->b][MUS_RR_ADDR]))
			note(p, w);
	}
}

enum mus_result
mus_preflight(const struct mus_ctx *c, unsigned signer, struct mus_witness *out, unsigned cap,
    unsigned *count)
{
	struct pf p = {.c = c, .b = signer, .out = out, .cap = cap};

	pf_serves(&p);
	pf_keys(&p);
	pf_digests(&p);
	pf_content(&p);
	pf_sample(&p);
	pf_denial(&p);
	pf_parent(&p);
	pf_caps(&p);
	pf_times(&p);
	pf_addresses(&p);
	*count = p.count;
	return p.worst;
}
