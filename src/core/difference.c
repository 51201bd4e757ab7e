#include <string.h>

#include "core/difference.h"

/* ---- what a signer shows -------------------------------------------------------------------- */

/* In all servers' versions, in any. */
struct shown {
	uint64_t all, any;
};

static bool
is_known(const struct mus_ctx *c, unsigned s, enum mus_rr_kind kind)
{
	return mus_is_known(
	    &c->seen->signer[s][kind], s, kind, c->facts->servers[s], c->policy, c->now, NULL);
}

/* false: not known now, and nothing follows from it. */
static bool
shown_at(const struct mus_ctx *c, unsigned s, enum mus_rr_kind kind, struct shown *out)
{
	const struct mus_ring *ring = &c->seen->signer[s][kind];
	uint64_t all = ~0ull, any = 0;

	if (!is_known(c, s, kind))
		return false;
	for (unsigned m = mus_served(c->facts, s, kind); m; m &= m - 1) {
		uint64_t set = ring->v[__builtin_ctz(m)].set;

		all &= set;
		any |= set;
	}
	*out = (struct shown){.all = all, .any = any};
	return true;
}

/* The same of the keys that CDS names by one digest type; known, for CDS is. */
static struct shown
digests_at(const struct mus_ctx *c, unsigned s, unsigned type)
{
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_CDS];
	struct shown sh = {.all = ~0ull};

	for (unsigned m = mus_served(c->facts, s, MUS_RR_CDS); m; m &= m - 1) {
		uint64_t named = ring->v[__builtin_ctz(m)].dt[type];

		sh.all &= named;
		sh.any |= named;
	}
	return sh;
}

/* ---- actions from the difference ------------------------------------------------------------ */

/* DNSKEY, CDS, CDNSKEY, NS and CSYNC at each signer: they fit. */
_Static_assert(5 * MUS_SIGNERS_MAX <= MUS_PLAN_ACTS_MAX, "room for all actions");

/* The next action, still without contents. */
static struct mus_act *
new_act(struct mus_plan *plan, unsigned s, enum mus_rr_kind rr, enum mus_rule why)
{
	struct mus_act *a = &plan->act[plan->act_count++];

	memset(a, 0, sizeof *a);
	a->kind = MUS_ACT_CHANGE;
	a->signer = (uint8_t)s;
	a->rr = rr;
	a->why = why;
	return a;
}

static void
change(struct mus_plan *plan, unsigned s, enum mus_rr_kind rr, enum mus_rule why, uint64_t add, uint64_t del)
{
	struct mus_act *a;

	if (!(add | del))
		return;
	a = new_act(plan, s, rr, why);
	a->add = add;
	a->del = del;
}

static void
act_keys(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	struct shown sh;

	if (shown_at(c, s, MUS_RR_KEY, &sh))
		change(plan, s, MUS_RR_KEY, MUS_RULE_V7, c->desire->key[s] & ~sh.all, c->desire->key_del[s] & sh.any);
}

/* Keys that CDS and CDNSKEY may lose: what the signer publishes for its own cannot be withdrawn.  But what it has put
 * another key in the place of is there by us, when it was asked for too late. */
static uint64_t
withdrawable(const struct mus_ctx *c, unsigned s)
{
	return ~(c->facts->owned[s] & c->facts->shown[s]) | c->facts->unasked;
}

static void
act_cds(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	uint64_t add[MUS_DT_COUNT], del[MUS_DT_COUNT], added = 0, deleted = 0;
	struct mus_act *a;

	if (!is_known(c, s, MUS_RR_CDS))
		return;
	for (unsigned t = 0; t < MUS_DT_COUNT; t++) {
		uint64_t want = c->desire->dts >> t & 1 ? c->desire->sep : 0;
		struct shown cds = digests_at(c, s, t);

		added |= add[t] = want & ~cds.all;
		deleted |= del[t] = cds.any & ~want & withdrawable(c, s);
	}
	if (!(added | deleted))
		return;
	a = new_act(plan, s, MUS_RR_CDS, MUS_RULE_SIGNAL);
	a->add = added;
	a->del = deleted;
	memcpy(a->add_dt, add, sizeof add);
	memcpy(a->del_dt, del, sizeof del);
}

static void
act_cdnskey(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	struct shown sh;

	if (shown_at(c, s, MUS_RR_CDNSKEY, &sh))
		change(plan, s, MUS_RR_CDNSKEY, MUS_RULE_SIGNAL, c->desire->sep & ~sh.all,
		    sh.any & ~c->desire->sep & withdrawable(c, s));
}

static void
act_ns(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	struct shown sh;

	/* Nothing is taken away unless something stays. */
	if (c->desire->ns != 0 && shown_at(c, s, MUS_RR_NS, &sh))
		change(plan, s, MUS_RR_NS, MUS_RULE_NSSET, c->desire->ns & ~sh.all, c->desire->ns_del & sh.any);
}

/* Names of signers that take no part, at one that joins; its own stay.  Where nothing would, the names of those that
 * take part come first, for no signer gives up its last NS (RFC 2136 3.4.2.4). */
static void
act_strangers(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	uint64_t own = 0, add = 0, del;
	struct shown sh;

	if (!shown_at(c, s, MUS_RR_NS, &sh))
		return;
	for (unsigned n = 0; n < c->zone->ns_count; n++)
		if (c->zone->ns[n].owner == s)
			own |= mus_bit(n);
	del = c->desire->ns_del & sh.any & ~own;
	if (del && !(sh.all & ~del))
		add = c->desire->ns;
	change(plan, s, MUS_RR_NS, MUS_RULE_NSSET, add, del);
}

/* Records of CSYNC that go. */
struct csync_del {
	uint64_t record[MUS_CSYNC_MAX];
	unsigned count;
};

static void
add_record(struct csync_del *del, uint64_t record)
{
	for (unsigned i = 0; i < del->count; i++)
		if (del->record[i] == record)
			return;
	if (del->count < MUS_CSYNC_MAX)
		del->record[del->count++] = record;
}

/* What a version lacks, and which of its records go: all but one that is ours when a CSYNC is asked for (RFC 7477 2:
 * there must be no more than one), ours when none is.  false: one that goes cannot be named. */
static bool
differ_csync(const struct mus_ctx *c, const struct mus_version *v, struct csync_del *del, bool *add)
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
		add_record(del, record[i]);
	}
	*add |= c->desire->csync && !has;
	return true;
}

static void
act_csync(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_CSYNC];
	struct csync_del del = {.count = 0};
	struct mus_act *a;
	bool add = false;

	if (!is_known(c, s, MUS_RR_CSYNC))
		return;
	for (unsigned m = mus_served(c->facts, s, MUS_RR_CSYNC); m; m &= m - 1)
		if (!differ_csync(c, &ring->v[__builtin_ctz(m)], &del, &add))
			return;		/* ours is not put beside it: an operator has to take it away */
	if (!add && del.count == 0)
		return;
	a = new_act(plan, s, MUS_RR_CSYNC, MUS_RULE_CSYNCSET);
	a->add = add;
	a->del = del.count > 0;
	a->csync_serial = c->want->csync_serial;
	a->del_aux_count = (uint8_t)del.count;
	memcpy(a->del_aux, del.record, del.count * sizeof del.record[0]);
}

void
mus_differences(const struct mus_ctx *c, struct mus_plan *plan)
{
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		/* What it lacks comes with the next transfer. */
		if (c->zone->signer[s].is_secondary)
			continue;
		if (c->desire->key_at >> s & 1)
			act_keys(c, s, plan);
		if (c->desire->cds_at >> s & 1) {
			act_cds(c, s, plan);
			act_cdnskey(c, s, plan);
		}
		if (c->desire->ns_at >> s & 1) {
			act_ns(c, s, plan);
			act_csync(c, s, plan);
		}
		if (c->desire->clean_at >> s & 1)
			act_strangers(c, s, plan);
	}
}
