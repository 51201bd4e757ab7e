#include <string.h>

#include "base/err.h"
#include "core/cut.h"
#include "core/difference.h"
#include "core/plan.h"
#include "core/preflight.h"
#include "core/process.h"
#include "core/roll.h"
#include "core/sets.h"

/* ---- small helpers -------------------------------------------------------------------------- */

static void
wait_for(struct mus_plan *plan, const struct mus_witness *w, struct mus_time now)
{
	if (plan->wait_count < MUS_PLAN_WAITS_MAX)
		plan->wait[plan->wait_count++] = *w;
	if (mus_time_is_set(w->until) && w->until.ms > now.ms)
		plan->wake_at = mus_time_min(plan->wake_at, w->until);
	else
		plan->poll = true;	/* something others must do, or an answer that is missing */
}

/* The operator's hand comes before everything else that is waited for. */
static void
wait_for_operator(struct mus_plan *plan, enum mus_rule rule)
{
	if (plan->wait_count == MUS_PLAN_WAITS_MAX)
		plan->wait_count--;
	memmove(&plan->wait[1], &plan->wait[0], plan->wait_count * sizeof plan->wait[0]);
	plan->wait_count++;
	plan->wait[0] = MUS_WITNESS_NONE;
	plan->wait[0].rule = rule;
	plan->wait[0].result = MUS_RES_FAILS;
}

/* A digest of the fields that make an action this action. */
static uint64_t
act_id(const struct mus_act *a)
{
	const uint64_t parts[] = {a->kind, a->signer, a->rr, a->add, a->del, a->add_dt[0],
	    a->add_dt[1], a->add_dt[2], a->del_dt[0], a->del_dt[1], a->del_dt[2], a->del_aux[0],
	    a->del_aux[1], a->del_aux[2], a->del_aux[3], a->csync_serial};
	uint64_t h = 1469598103934665603u;

	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		h = (h ^ parts[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return h;
}

/* ---- one evaluation ------------------------------------------------------------------------- */

/* What mus_desire reads of an intention, packed: it is compared more often than it changes. */
struct goal {
	uint64_t masks, csync;
};

static struct goal
goal_of(const struct mus_want *w)
{
	return (struct goal){
	    .masks = (uint64_t)w->keyg | (uint64_t)w->dsg << 8 | (uint64_t)w->nsg << 16 |
		(uint64_t)w->proc.kind << 24 | (uint64_t)w->proc.signer << 32 | (uint64_t)(w->proc.row > 0) << 40,
	    .csync = (uint64_t)w->csync << 32 | w->csync_serial,
	};
}

static bool
is_same_goal(const struct goal *a, const struct goal *b)
{
	return a->masks == b->masks && a->csync == b->csync;
}

/* What is computed once for one call of mus_plan: facts, desired sets by intention (the present one and
 * the next), the alive members of the guard, and the last change that it found safe. */
struct eval {
	struct mus_ctx base;
	struct mus_facts facts;
	struct goal goal[2];
	struct mus_desire desire[2];
	bool has[2];
	unsigned latest;
	bool has_sets, has_safe, has_trial;
	struct mus_change safe;
	struct mus_sets sets;
	struct goal trial_goal;
	struct mus_plan trial;			/* actions of the next intention; nothing else of it */
};

static void
eval_init(struct eval *e, const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_policy *policy, struct mus_time now)
{
	e->base = (struct mus_ctx){
	    .zone = zone, .seen = seen, .policy = policy, .now = now, .facts = &e->facts};
	mus_facts(zone, seen, policy, now, &e->facts);
	e->has[0] = e->has[1] = e->has_sets = e->has_safe = e->has_trial = false;
	e->latest = 0;
}

/* Context for an intention.  Its desired sets are lent until two others have been asked for. */
static struct mus_ctx
context(struct eval *e, const struct mus_want *want)
{
	struct mus_ctx c = e->base;
	struct goal goal = goal_of(want);
	unsigned i = e->latest;

	c.want = want;
	if (!e->has[i] || !is_same_goal(&e->goal[i], &goal))
		i = 1 - i;
	if (!e->has[i] || !is_same_goal(&e->goal[i], &goal)) {
		e->goal[i] = goal;
		e->has[i] = true;
		mus_desire(&c, &e->desire[i]);
	}
	e->latest = i;
	c.desire = &e->desire[i];
	return c;
}

/* ---- the guard over actions ----------------------------------------------------------------- */

static void
change_add(const struct mus_ctx *c, const struct mus_act *a, struct mus_change *change)
{
	switch (a->rr) {
	case MUS_RR_KEY:
		change->key_add[a->signer] |= a->add;
		change->key_del[a->signer] |= a->del;
		break;
	case MUS_RR_CDS:
	case MUS_RR_CDNSKEY:
		change->has_ds = true;
		change->ds = c->desire->sep;
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			change->ds_dt[t] = c->desire->dts >> t & 1 ? c->desire->sep : 0;
		break;
	case MUS_RR_NS:
		change->ns_add |= a->add;
		change->ns_sent |= a->add;
		break;
	default:
		break;
	}
}

/* May this key come into the signer's set? */
static enum mus_result
guard_key(const struct mus_ctx *c, unsigned s, unsigned k, struct mus_witness *w)
{
	enum mus_result r = mus_guard_import(c->zone, c->seen, mus_bit(k), w);

	if (r == MUS_RES_HOLDS || w->rule == c->policy->forced)
		r = mus_guard_import_alg(c->zone, c->seen, c->facts, s, mus_bit(k), w);
	return r != MUS_RES_HOLDS && w->rule == c->policy->forced ? MUS_RES_HOLDS : r;
}

static enum mus_result
guard_imports(const struct mus_ctx *c, const struct mus_act *act, unsigned count, struct mus_witness *w)
{
	for (unsigned i = 0; i < count; i++)
		for (uint64_t m = act[i].rr == MUS_RR_KEY ? act[i].add : 0; m; m &= m - 1) {
			enum mus_result r = guard_key(c, act[i].signer, (unsigned)__builtin_ctzll(m), w);

			if (r != MUS_RES_HOLDS)
				return r;
		}
	return MUS_RES_HOLDS;
}

static enum mus_result
guard_acts(struct eval *e, const struct mus_ctx *c, const struct mus_act *act, unsigned count,
    struct mus_witness *w)
{
	/* Names that are intended but not yet seen count as made. */
	struct mus_change change;
	enum mus_result r;

	memset(&change, 0, sizeof change);
	change.ns_add = c->desire->ns;
	for (unsigned i = 0; i < count; i++)
		change_add(c, &act[i], &change);
	r = guard_imports(c, act, count, w);
	if (r != MUS_RES_HOLDS)
		return r;
	if (e->has_safe && memcmp(&e->safe, &change, sizeof change) == 0)
		return MUS_RES_HOLDS;
	r = mus_guard_in(
	    &e->sets, &e->has_sets, c->zone, c->seen, c->facts, c->policy, c->now, &change, w);
	if (r == MUS_RES_HOLDS) {
		e->safe = change;
		e->has_safe = true;
	}
	return r;
}

/* The row may have said it already. */
static bool
is_said(const struct mus_plan *plan, const struct mus_witness *w)
{
	for (unsigned i = 0; i < plan->wait_count; i++)
		if (plan->wait[i].rule == w->rule && plan->wait[i].key == w->key &&
		    plan->wait[i].origin2 == w->origin2)
			return true;
	return false;
}

/* A key that may not be imported does not keep the others of its owner out. */
static void
drop_imports(const struct mus_ctx *c, struct mus_act *a, struct mus_plan *p)
{
	struct mus_witness w;

	for (uint64_t m = a->rr == MUS_RR_KEY ? a->add : 0; m; m &= m - 1)
		if (guard_key(c, a->signer, (unsigned)__builtin_ctzll(m), &w) != MUS_RES_HOLDS) {
			a->add &= ~(m & -m);
			if (!is_said(p, &w))
				wait_for(p, &w, c->now);
		}
}

/* Keeps the actions that are safe together with those kept before; says why the others wait. */
static void
keep_safe(struct eval *e, const struct mus_ctx *c, struct mus_plan *p)
{
	struct mus_witness w;
	unsigned n = 0, count = p->act_count;

	if (count == 0 || guard_acts(e, c, p->act, count, &w) == MUS_RES_HOLDS)
		return;
	for (unsigned i = 0; i < count; i++) {
		p->act[n] = p->act[i];
		drop_imports(c, &p->act[n], p);
		if (p->act[n].rr == MUS_RR_KEY && !(p->act[n].add | p->act[n].del))
			continue;
		if (guard_acts(e, c, p->act, n + 1, &w) == MUS_RES_HOLDS)
			n++;
		else
			wait_for(p, &w, c->now);
	}
	p->act_count = (uint8_t)n;
}

static bool
is_by_hand(const struct mus_ctx *c, const struct mus_act *a)
{
	return !c->zone->signer[a->signer].has_driver;
}

/* Signers that nobody can change from here: the operator is told what to do.  Puts their acts behind the others. */
static void
set_undrivable_apart(const struct mus_ctx *c, struct mus_plan *plan)
{
	unsigned n = 0, count = plan->act_count;

	for (unsigned i = 0; i < count; i++) {
		if (is_by_hand(c, &plan->act[i]))
			continue;
		if (i > n) {	/* order is kept on both sides */
			struct mus_act a = plan->act[i];

			memmove(&plan->act[n + 1], &plan->act[n], (i - n) * sizeof a);
			plan->act[n] = a;
		}
		n++;
	}
	for (unsigned i = n; i < count; i++) {
		struct mus_witness w = MUS_WITNESS_NONE;

		w.rule = MUS_RULE_CAPS;
		w.result = MUS_RES_FAILS;
		w.origin = plan->act[i].signer;
		w.kind = (uint8_t)plan->act[i].rr;
		wait_for(plan, &w, c->now);
	}
	plan->act_count = (uint8_t)n;
	plan->hand_count = (uint8_t)(count - n);
}

/* ---- adoption ------------------------------------------------------------------------------- */

static uint64_t
parent_shows(const struct mus_ctx *c, enum mus_rr_kind kind)
{
	const struct mus_ring *ring = &c->seen->parent[kind - MUS_RR_DS];
	uint64_t set = 0;

	for (unsigned m = mus_served(c->facts, MUS_PARENT, kind); m; m &= m - 1)
		set |= ring->v[__builtin_ctz(m)].set;
	return set;
}

/* In every set that the parent shows. */
static uint64_t
all_of_parent(const struct mus_ctx *c, enum mus_rr_kind kind)
{
	const struct mus_ring *ring = &c->seen->parent[kind - MUS_RR_DS];
	unsigned served = mus_served(c->facts, MUS_PARENT, kind);
	uint64_t set = served ? ~0ull : 0;

	for (; served; served &= served - 1)
		set &= ring->v[__builtin_ctz(served)].set;
	return set;
}

/* What a signer that is led to shows is known, else it is waited for. */
static bool
is_seen(const struct mus_ctx *c, unsigned s, struct mus_plan *plan)
{
	static const enum mus_rr_kind must[] = {MUS_RR_KEY, MUS_RR_NS};
	struct mus_witness w;

	for (unsigned i = 0; i < sizeof must / sizeof must[0]; i++)
		if (!mus_is_known(&c->seen->signer[s][must[i]], s, must[i], c->facts->servers[s], c->policy, c->now,
			&w)) {
			wait_for(plan, &w, c->now);
			return false;
		}
	return true;
}

/* The first complete look tells who takes part already. */
static bool
adopt(const struct mus_ctx *c, struct mus_want *want, struct mus_plan *plan)
{
	uint64_t ds = parent_shows(c, MUS_RR_DS), ns = parent_shows(c, MUS_RR_PNS);
	uint64_t parent = c->facts->servers[MUS_PARENT];
	struct mus_witness w;

	if (!mus_is_known(&c->seen->parent[0], MUS_PARENT, MUS_RR_DS, parent, c->policy, c->now, &w) ||
	    !mus_is_known(&c->seen->parent[MUS_RR_PNS - MUS_RR_DS], MUS_PARENT, MUS_RR_PNS, parent,
		c->policy, c->now, &w)) {
		wait_for(plan, &w, c->now);
		return false;
	}
	want->keyg = want->dsg = want->nsg = 0;
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		uint8_t bit = (uint8_t)(1u << s);

		if (c->facts->owned[s] & ds)
			want->dsg |= bit;
		for (unsigned n = 0; n < c->zone->ns_count; n++)
			if (c->zone->ns[n].owner == s && (ns >> n & 1))
				want->nsg |= bit;
	}
	/* Who has no keys has all of them in the DS set. */
	want->dsg |= want->nsg & (uint8_t)~c->facts->signing;
	want->keyg = want->met = want->dsg | want->nsg;
	for (unsigned s = 0; s < c->zone->signer_count; s++)
		if ((want->nsg >> s & 1) && !is_seen(c, s, plan))
			return false;
	if (!(want->nsg & c->facts->signing)) {
		/* The delegation leads to nobody we know: tell it so, touch nothing. */
		w = MUS_WITNESS_NONE;
		w.rule = MUS_RULE_V10;
		w.result = MUS_RES_FAILS;
		w.origin = MUS_PARENT;
		w.kind = MUS_RR_PNS;
		wait_for(plan, &w, c->now);
		return false;
	}
	/* What is there has come before: nobody saw it roll. */
	for (unsigned s = 0; s < c->zone->signer_count; s++)
		want->known |= c->facts->owned[s];
	want->adopted = true;
	return true;
}

/* Who is to sign, takes no part yet by our book, and is led to by the delegation all the same takes part: nobody saw
 * how it came there, as at the first look.  What of it is not known is waited for. */
static bool
take_up(const struct mus_ctx *c, struct mus_want *want, struct mus_plan *plan)
{
	unsigned news = c->facts->members & ~c->facts->lost & ~mus_want_any(want);
	uint64_t ds, ns;

	if (!news)
		return true;
	ds = all_of_parent(c, MUS_RR_DS);
	ns = all_of_parent(c, MUS_RR_PNS);
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		uint8_t bit = (uint8_t)(1u << s);
		bool is_listed = false;

		for (unsigned n = 0; (news & bit) && n < c->zone->ns_count; n++)
			is_listed |= c->zone->ns[n].owner == s && (ns >> n & 1);
		if (!is_listed)
			continue;
		if (!is_seen(c, s, plan))
			return false;
		want->keyg |= bit;
		want->nsg |= bit;
		want->met |= bit;
		if ((c->facts->owned[s] & ds) || !(c->facts->signing & bit))
			want->dsg |= bit;
		want->known |= c->facts->owned[s];
	}
	return true;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The joiner is fit but for what is forced, else what is missing is said.  A list that is full may lack what is not
 * forced. */
static bool
is_fit(const struct mus_ctx *c, struct mus_plan *plan)
{
	struct mus_witness found[MUS_PLAN_WAITS_MAX];
	bool is_full, good = true;
	unsigned n;

	if (mus_preflight(c, c->want->proc.signer, found, MUS_PLAN_WAITS_MAX, &n) <= MUS_RES_WARN)
		return true;
	is_full = n == MUS_PLAN_WAITS_MAX && found[n - 1].result > MUS_RES_WARN;
	for (unsigned f = 0; f < n; f++)
		if (found[f].result > MUS_RES_WARN && (found[f].rule != c->policy->forced || is_full)) {
			wait_for(plan, &found[f], c->now);
			good = false;
		}
	return good;
}

/* All rules of a list hold, else what is missing is said. */
static bool
all_hold(const struct mus_ctx *c, const enum mus_rule *rules, struct mus_plan *plan)
{
	bool good = true;

	for (unsigned i = 0; rules[i] != MUS_RULE_NONE; i++) {
		struct mus_witness w = MUS_WITNESS_NONE;

		if (mus_rule_is_cut(&rules[i]))
			continue;
		if (rules[i] == MUS_RULE_PREFLIGHT) {
			good &= is_fit(c, plan);
			continue;
		}
		if (mus_condition(c, rules[i], &w) == MUS_RES_HOLDS ||
		    c->policy->forced == rules[i])
			continue;
		wait_for(plan, &w, c->now);
		good = false;
	}
	return good;
}

/* Would the intention after this row's action pass the guard, all its changes together? */
static bool
row_is_safe(struct eval *e, const struct mus_want *next, struct mus_plan *plan)
{
	struct mus_ctx after = context(e, next);
	struct mus_witness w;

	e->trial.act_count = 0;
	mus_differences(&after, &e->trial);
	e->trial_goal = goal_of(next);
	e->has_trial = true;
	if (guard_acts(e, &after, e->trial.act, e->trial.act_count, &w) == MUS_RES_HOLDS)
		return true;
	wait_for(plan, &w, after.now);
	return false;
}

/* The differences of an intention, as actions. */
static void
plan_acts(struct eval *e, const struct mus_ctx *c, struct mus_plan *plan)
{
	struct goal goal = goal_of(c->want);

	if (!e->has_trial || !is_same_goal(&e->trial_goal, &goal)) {
		mus_differences(c, plan);
		return;
	}
	plan->act_count = e->trial.act_count;
	memcpy(plan->act, e->trial.act, plan->act_count * sizeof plan->act[0]);
}

/* What rows read and change: all but the roll-overs, which are long. */
static void
copy_intent(struct mus_want *to, const struct mus_want *from)
{
	_Static_assert(offsetof(struct mus_want, roll) + sizeof from->roll == sizeof *from, "roll-overs last");
	memcpy(to, from, offsetof(struct mus_want, roll));
}

/* Nobody asks a signer that is declared lost, so no condition speaks of it: resolvers are led to it by no
 * further step.  What is published stays, until it joins anew or leaves. */
static bool
joiner_is_lost(const struct mus_ctx *c, const struct mus_proc *p, struct mus_plan *plan)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	if (p->kind != MUS_PROC_ADD || !c->zone->signer[p->signer].is_lost)
		return false;
	w.rule = MUS_RULE_SERVES;
	w.result = MUS_RES_FAILS;
	w.origin = p->signer;
	wait_for(plan, &w, c->now);
	return true;
}

/* Takes as many steps as conditions and guard allow; says what the next one waits for. */
static void
advance(struct eval *e, struct mus_want *want, struct mus_plan *plan)
{
	unsigned count;
	const struct mus_row *rows = mus_rows(want->proc.kind, &count);

	for (;;) {
		struct mus_ctx c = context(e, want);
		MUS_UNINIT struct mus_want next;

		MUS_ASSERT(want->proc.row < count);	/* each pass moves one row on, or ends */
		if (!all_hold(&c, rows[want->proc.row].post, plan))
			return;
		if (want->proc.row + 1u == count) {
			if (want->proc.kind == MUS_PROC_REMOVE)
				want->met &= (uint8_t)~(1u << want->proc.signer);
			mus_proc_end(want);
			plan->advanced = true;
			return;
		}
		if (!all_hold(&c, rows[want->proc.row + 1].pre, plan))
			return;
		copy_intent(&next, want);
		next.proc.row++;
		next.proc.row_at = c.now;
		mus_proc_act(&c, &next);
		if (!row_is_safe(e, &next, plan))
			return;
		/* One step at a time by hand: waiting rows and their waits pass by themselves. */
		if (c.policy->manual && plan->advanced && rows[next.proc.row].action)
			return;
		copy_intent(want, &next);
		plan->advanced |= rows[next.proc.row].action != NULL;
		/* Nothing ticks otherwise as long as the goal is the same. */
		if (rows[want->proc.row].action) {
			c = context(e, want);
			mus_proc_clocks(&c, want);
		}
	}
}

/* Whole copies that decisions need: largest TTL, which keys sign data, content. */
static uint8_t
copies_needed(const struct mus_ctx *c)
{
	uint8_t need = 0, part = c->want->keyg;

	if (c->want->proc.kind != MUS_PROC_NONE)
		part |= (uint8_t)(1u << c->want->proc.signer);
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		if ((!(part >> s & 1) && !c->zone->signer[s].is_member) || c->zone->signer[s].is_secondary)
			continue;
		if (!c->seen->copy[s].known)
			need |= (uint8_t)(1u << s);
		for (unsigned k = 0; k < c->zone->key_count; k++)
			if (c->zone->key[k].id != 0 && c->zone->key[k].owner == s &&
			    c->zone->key[k].is_sep && c->zone->key[k].signs_data == MUS_UNKNOWN &&
			    (c->facts->shown[s] >> k & 1))
				need |= (uint8_t)(1u << s);
	}
	if (mus_leaver_copy_is_old(c))
		need |= (uint8_t)(1u << c->want->proc.signer);
	return need;
}

/* A parent takes up what CDS asked for with a delay, maybe after the mind was changed: a DS set that
 * lives shorter than the idle interval would never be seen.  So until the joiner is exposed, and while
 * the leaver's DS goes, the parent is watched closely. */
static bool
ds_may_change(const struct mus_want *want)
{
	uint8_t bit = (uint8_t)(1u << want->proc.signer);

	switch (want->proc.kind) {
	case MUS_PROC_ADD:
		return !(want->nsg & bit);
	case MUS_PROC_REMOVE:
		return !(want->dsg & bit);
	default:
		break;
	}
	return false;
}

/* Servers that nobody can ask may show anything: no condition holds before they can be. */
static bool
waits_for_servers(const struct mus_ctx *c, const struct mus_want *want, struct mus_plan *plan)
{
	bool waits = false;

	for (unsigned i = 0; i < c->zone->lack_count; i++) {
		struct mus_witness w = mus_lack_witness(&c->zone->lack[i]);

		if (c->policy->forced == w.rule || !mus_lack_matters(&c->zone->lack[i], want))
			continue;
		wait_for(plan, &w, c->now);
		waits = true;
	}
	if (waits && c->policy->held)
		wait_for_operator(plan, MUS_RULE_HELD);
	return waits;
}

/* Is the process at work, or does another one begin now that it has ended? */
static bool
goes_on(const struct mus_ctx *c, const struct mus_want *want)
{
	MUS_UNINIT struct mus_want next;

	copy_intent(&next, want);
	mus_proc_choose(c, &next);
	return next.proc.kind != MUS_PROC_NONE;
}

/* ---- the plan ------------------------------------------------------------------------------- */

static void
plan_init(struct mus_plan *plan, const struct mus_want *want)
{
	plan->want = *want;
	plan->act_count = plan->hand_count = 0;
	plan->poll = plan->advanced = plan->proposal = false;
	plan->wait_count = 0;
	plan->wake_at = MUS_TIME_NEVER;
	plan->need_copy = 0;
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		plan->roll_wait[i] = MUS_WITNESS_NONE;
}

void
mus_plan(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_want *want,
    const struct mus_policy *policy, struct mus_time now, struct mus_plan *plan)
{
	MUS_UNINIT struct eval e;
	struct mus_ctx c;
	MUS_UNINIT struct mus_want next;

	eval_init(&e, zone, seen, policy, now);
	plan_init(plan, want);
	c = context(&e, &plan->want);
	if (!want->adopted) {
		next = *want;
		if (waits_for_servers(&c, want, plan) || !adopt(&c, &next, plan)) {
			plan->poll = true;
			plan->need_copy = copies_needed(&c);
			return;
		}
		plan->want = next;
	}
	if (!take_up(&c, &plan->want, plan)) {
		(void)waits_for_servers(&c, &plan->want, plan);
		plan->poll = true;
		return;
	}
	mus_proc_choose(&c, &plan->want);
	if (waits_for_servers(&c, &plan->want, plan))
		return;
	c = context(&e, &plan->want);
	mus_proc_clocks(&c, &plan->want);
	plan->need_copy = copies_needed(&c);
	mus_rolls(&c, &plan->want, plan);
	copy_intent(&next, &plan->want);
	mus_proc_mend(&c, &next);
	if (next.proc.kind != MUS_PROC_NONE && !joiner_is_lost(&c, &next.proc, plan))
		advance(&e, &next, plan);
	if (policy->held || policy->probed) {
		plan->advanced = false;
		plan->poll |= policy->probed;
		wait_for_operator(plan, policy->held ? MUS_RULE_HELD : MUS_RULE_PROBE);
		return;
	}
	c = context(&e, &next);
	plan_acts(&e, &c, plan);
	keep_safe(&e, &c, plan);
	set_undrivable_apart(&c, plan);
	for (unsigned i = 0; i < plan->act_count; i++)
		plan->act[i].id = act_id(&plan->act[i]);
	if (policy->manual && !policy->step &&
	    (plan->act_count || (plan->advanced && next.proc.kind != MUS_PROC_NONE))) {
		/* Shown, not done; clocks go on. */
		plan->proposal = true;
		wait_for_operator(plan, MUS_RULE_MANUAL);
		return;
	}
	copy_intent(&plan->want, &next);
	plan->poll |= plan->act_count > 0 || seen->pending_count > 0 || ds_may_change(&plan->want) ||
	    (plan->advanced && goes_on(&c, &plan->want));
}
