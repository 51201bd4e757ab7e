#include "core/difference.h"

/* ---- what a signer shows -------------------------------------------------------------------- */

/* In all servers' versions, in any; per digest type for CDS. */
struct shown {
	uint64_t all, any, dt_all[MUS_DT_COUNT], dt_any[MUS_DT_COUNT];
	bool known;
};

static struct shown
shown_at(const struct mus_ctx *c, unsigned s, enum mus_rr_kind kind)
{
	const struct mus_ring *ring = &c->seen->signer[s][kind];
	struct shown r = {.all = ~0ull, .dt_all = {~0ull, ~0ull, ~0ull}};

	r.known = mus_is_known(ring, s, kind, c->facts->servers[s], c->policy, c->now, NULL);
	for (unsigned m = mus_served(c->facts, s, kind); m; m &= m - 1) {
		const struct mus_version *v = &ring->v[__builtin_ctz(m)];

		r.all &= v->set;
		r.any |= v->set;
		for (unsigned t = 0; t < MUS_DT_COUNT; t++) {
			r.dt_all[t] &= v->dt[t];
			r.dt_any[t] |= v->dt[t];
		}
	}
	if (!r.known)
		r.all = 0;
	return r;
}

/* ---- actions from the difference ------------------------------------------------------------ */

/* DNSKEY, CDS, CDNSKEY, NS and CSYNC at each signer: they fit. */
_Static_assert(5 * MUS_SIGNERS_MAX <= MUS_PLAN_ACTS_MAX, "room for all actions");

static void
add_act(struct mus_plan *plan, const struct mus_act *a)
{
	plan->act[plan->act_count++] = *a;
}

static void
act_keys(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	struct shown sh = shown_at(c, s, MUS_RR_KEY);
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = (uint8_t)s, .rr = MUS_RR_KEY,
	    .why = MUS_RULE_V7};

	if (!sh.known)
		return;
	a.add = c->desire->key[s] & ~sh.all;
	a.del = c->desire->key_del[s] & sh.any;
	if (a.add | a.del)
		add_act(plan, &a);
}

static void
act_cds(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	struct shown cds = shown_at(c, s, MUS_RR_CDS), cdn = shown_at(c, s, MUS_RR_CDNSKEY);
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = (uint8_t)s, .rr = MUS_RR_CDS,
	    .why = MUS_RULE_SIGNAL};
	/* What it has put another key in the place of is there by us, when it was asked for too late. */
	uint64_t foreign = ~(c->facts->owned[s] & c->facts->shown[s]) | c->facts->unasked;
	bool any = false;

	for (unsigned t = 0; cds.known && t < MUS_DT_COUNT; t++) {
		uint64_t want = c->desire->dts >> t & 1 ? c->desire->sep : 0;

		a.add_dt[t] = want & ~cds.dt_all[t];
		/* What the signer publishes for its own keys cannot be withdrawn. */
		a.del_dt[t] = cds.dt_any[t] & ~want & foreign;
		any |= (a.add_dt[t] | a.del_dt[t]) != 0;
		a.add |= a.add_dt[t];
		a.del |= a.del_dt[t];
	}
	if (any)
		add_act(plan, &a);
	if (!cdn.known)
		return;
	a = (struct mus_act){.kind = MUS_ACT_CHANGE, .signer = (uint8_t)s, .rr = MUS_RR_CDNSKEY,
	    .why = MUS_RULE_SIGNAL};
	a.add = c->desire->sep & ~cdn.all;
	a.del = cdn.any & ~c->desire->sep & foreign;
	if (a.add | a.del)
		add_act(plan, &a);
}

static void
act_ns(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	struct shown sh = shown_at(c, s, MUS_RR_NS);
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = (uint8_t)s, .rr = MUS_RR_NS,
	    .why = MUS_RULE_NSSET};

	/* Nothing is taken away unless something stays. */
	if (!sh.known || c->desire->ns == 0)
		return;
	a.add = c->desire->ns & ~sh.all;
	a.del = c->desire->ns_del & sh.any;
	if (a.add | a.del)
		add_act(plan, &a);
}

/* Names of signers that take no part, at one that joins; its own stay. */
static void
act_strangers(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	struct shown sh = shown_at(c, s, MUS_RR_NS);
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = (uint8_t)s, .rr = MUS_RR_NS,
	    .why = MUS_RULE_NSSET};

	a.del = c->desire->ns_del & sh.any;
	for (unsigned n = 0; n < c->zone->ns_count; n++)
		if (c->zone->ns[n].owner == s)
			a.del &= ~mus_bit(n);
	if (sh.known && a.del)
		add_act(plan, &a);
}

static void
add_record(struct mus_act *a, uint64_t record)
{
	for (unsigned i = 0; i < a->del_aux_count; i++)
		if (a->del_aux[i] == record)
			return;
	if (a->del_aux_count < MUS_CSYNC_MAX)
		a->del_aux[a->del_aux_count++] = record;
}

/* What a version lacks, and which of its records go: all but one that is ours when a CSYNC is asked for (RFC 7477 2:
 * there must be no more than one), ours when none is.  false: one that goes cannot be named. */
static bool
differ_csync(const struct mus_ctx *c, const struct mus_version *v, struct mus_act *a)
{
	uint64_t record[MUS_CSYNC_MAX];
	unsigned n = mus_csync_of(v, record);
	bool has = false;

	for (unsigned i = 0; i < n; i++) {
		if (c->desire->csync && !has && mus_csync_ask(record[i]) == c->desire->csync_content) {
			has = true;
			continue;
		}
		if (!c->desire->csync && !mus_csync_is_ours(c, record[i]))
			continue;
		if (record[i] & MUS_CSYNC_ODD)
			return false;
		add_record(a, record[i]);
	}
	if (c->desire->csync && !has)
		a->add = 1;
	return true;
}

static void
act_csync(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_CSYNC];
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = (uint8_t)s, .rr = MUS_RR_CSYNC,
	    .why = MUS_RULE_CSYNCSET, .csync_serial = c->want->csync_serial};

	if (!mus_is_known(ring, s, MUS_RR_CSYNC, c->facts->servers[s], c->policy, c->now, NULL))
		return;
	for (unsigned m = mus_served(c->facts, s, MUS_RR_CSYNC); m; m &= m - 1)
		if (!differ_csync(c, &ring->v[__builtin_ctz(m)], &a))
			return;		/* ours is not put beside it: an operator has to take it away */
	a.del = a.del_aux_count ? 1 : 0;
	if (a.add | a.del)
		add_act(plan, &a);
}

void
mus_differences(const struct mus_ctx *c, struct mus_plan *plan)
{
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		if (c->desire->key_at >> s & 1)
			act_keys(c, s, plan);
		if (c->desire->cds_at >> s & 1)
			act_cds(c, s, plan);
		if (c->desire->ns_at >> s & 1) {
			act_ns(c, s, plan);
			act_csync(c, s, plan);
		}
		if (c->desire->clean_at >> s & 1)
			act_strangers(c, s, plan);
	}
}
