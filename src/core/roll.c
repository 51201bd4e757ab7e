#include "base/err.h"
#include "core/condition.h"
#include "core/roll.h"
#include "core/rows.h"

static const char ready_row[] = "new-key-ready";	/* from here on the signer may rely on the new key */

/* One track as it is evaluated. */
struct track {
	const struct mus_ctx *c;
	const struct mus_roll *roll;
};

static enum mus_result
say(const struct track *t, struct mus_witness *w, enum mus_rule rule, enum mus_result r, unsigned at, uint64_t keys)
{
	*w = MUS_WITNESS_NONE;
	w->rule = rule;
	w->result = r;
	w->origin = (uint8_t)at;
	w->kind = MUS_RR_KEY;
	w->key = mus_first(keys);
	w->seen_at = t->roll->row_at;
	return r;
}

/* ---- conditions ----------------------------------------------------------------------------- */

/* Every server of ${s} shows all of ${keys}; without ${wanted}: none of them. */
static enum mus_result
shows(const struct track *t, enum mus_rule rule, unsigned s, uint64_t keys, bool wanted, struct mus_witness *w)
{
	const struct mus_ctx *c = t->c;
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_KEY];
	uint64_t servers = c->facts->servers[s];

	if (c->zone->signer[s].is_lost)
		return MUS_RES_HOLDS;
	if (!mus_is_known(ring, s, MUS_RR_KEY, servers, c->policy, c->now, w))
		return MUS_RES_UNKNOWN;
	for (unsigned m = mus_served(c->facts, s, MUS_RR_KEY); m; m &= m - 1) {
		const struct mus_version *v = &ring->v[__builtin_ctz(m)];
		uint64_t bad = wanted ? keys & ~v->set : keys & v->set;

		if (!(v->srv & servers) || !bad)
			continue;
		say(t, w, rule, MUS_RES_FAILS, s, bad);
		w->server = (uint8_t)__builtin_ctzll(v->srv & servers);
		w->surplus = !wanted;
		return MUS_RES_FAILS;
	}
	return MUS_RES_HOLDS;
}

static enum mus_result
all_show(const struct track *t, enum mus_rule rule, uint64_t keys, bool wanted, struct mus_witness *w)
{
	unsigned signers = t->c->want->keyg | 1u << t->roll->signer;
	enum mus_result r = MUS_RES_HOLDS;

	for (unsigned s = 0; s < t->c->zone->signer_count && r == MUS_RES_HOLDS; s++)
		if (signers >> s & 1)
			r = shows(t, rule, s, keys, wanted, w);
	return r;
}

/* The new keys sign every DNSKEY set that the signer shows. */
static enum mus_result
new_signs(const struct track *t, struct mus_witness *w)
{
	const struct mus_ctx *c = t->c;
	unsigned s = t->roll->signer;
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_KEY];

	if (!mus_is_known(ring, s, MUS_RR_KEY, c->facts->servers[s], c->policy, c->now, w))
		return MUS_RES_UNKNOWN;
	for (unsigned m = mus_served(c->facts, s, MUS_RR_KEY); m; m &= m - 1) {
		uint64_t signs = mus_sig_mask(&ring->v[__builtin_ctz(m)], c->now, c->policy->margin_s);

		if (t->roll->in & ~signs)
			return say(t, w, MUS_RULE_NEWSIGNS, MUS_RES_FAILS, s, t->roll->in & ~signs);
	}
	return MUS_RES_HOLDS;
}

static uint64_t
data_signers(const struct mus_ctx *c, uint64_t keys)
{
	for (uint64_t m = keys; m; m &= m - 1)
		if (c->zone->key[__builtin_ctzll(m)].signs_data != MUS_YES)
			keys &= ~(m & -m);
	return keys;
}

/* Samples prove use, only a whole copy proves the contrary (protocol.md 4.4); or the signer has withdrawn it. */
static enum mus_result
old_unused(const struct track *t, struct mus_witness *w)
{
	const struct mus_ctx *c = t->c;
	unsigned s = t->roll->signer;
	const struct mus_copy *copy = &c->seen->copy[s];
	uint64_t out = t->roll->out & c->facts->shown[s];
	uint64_t over_key, over_data, used = 0;

	if (!out)
		return MUS_RES_HOLDS;
	for (unsigned o = 0; o < c->zone->signer_count; o++)
		if (o == s || c->zone->signer[o].is_secondary) {
			mus_keys_signing(c->seen, o, &over_key, &over_data);
			used |= out & over_data;
		}
	if (used)
		return say(t, w, MUS_RULE_OLDUNUSED, MUS_RES_FAILS, s, used);
	if (!copy->known || copy->declared || copy->has_stray_sigs || copy->at.ms < t->roll->row_at.ms)
		return say(t, w, MUS_RULE_OLDUNUSED, MUS_RES_UNKNOWN, s, out);
	if (copy->keys_in_data & out)
		return say(t, w, MUS_RULE_OLDUNUSED, MUS_RES_FAILS, s, copy->keys_in_data & out);
	return MUS_RES_HOLDS;
}

static enum mus_result
wait_over(const struct track *t, enum mus_rule rule, const struct mus_clock *clock, struct mus_witness *w)
{
	struct mus_time end = mus_clock_end(clock, t->c->policy);

	if (end.ms <= t->c->now.ms)
		return MUS_RES_HOLDS;
	say(t, w, rule, MUS_RES_FAILS, rule == MUS_RULE_DSWAIT ? MUS_PARENT : t->roll->signer, t->roll->in);
	w->until = end;
	return MUS_RES_FAILS;
}

/* What was signed with the old key is in no cache; without a known largest TTL that cannot be told. */
static enum mus_result
data_gone(const struct track *t, struct mus_witness *w)
{
	if (t->c->facts->copy_ttl_s[t->roll->signer] == 0) {
		say(t, w, MUS_RULE_TTLMAX, MUS_RES_UNKNOWN, t->roll->signer, 0);
		w->kind = MUS_RR_COUNT;
		return MUS_RES_UNKNOWN;
	}
	return wait_over(t, MUS_RULE_DATAWAIT, &t->roll->data, w);
}

/* G2: in all sets that may be cached, those of servers too that nobody asks and resolvers are led to. */
static enum mus_result
everywhere(const struct track *t, struct mus_witness *w)
{
	const struct mus_ctx *c = t->c;
	enum mus_result r = all_show(t, MUS_RULE_NEWKEY, t->roll->in, true, w);

	if (r == MUS_RES_HOLDS && mus_leads_astray(c->zone, c->seen, c->facts, c->facts->reach, c->policy, c->now, w))
		return MUS_RES_FAILS;
	return r;
}

static enum mus_result
holds(const struct track *t, enum mus_rule rule, struct mus_witness *w)
{
	const struct mus_roll *r = t->roll;

	switch (rule) {
	case MUS_RULE_NEWKEY:
		return everywhere(t, w);
	case MUS_RULE_NEWSIGNS:
		return new_signs(t, w);
	case MUS_RULE_NEWUSED:
		return data_signers(t->c, r->in) ? MUS_RES_HOLDS
						 : say(t, w, rule, MUS_RES_FAILS, r->signer, r->in);
	case MUS_RULE_OLDUNUSED:
		return old_unused(t, w);
	case MUS_RULE_OLDGONE:
		return shows(t, rule, r->signer, r->out, false, w);
	case MUS_RULE_WITHDRAWN:
		return all_show(t, rule, r->out, false, w);
	case MUS_RULE_KEYWAIT:
		return wait_over(t, rule, &r->key, w);
	case MUS_RULE_DSWAIT:
		return wait_over(t, rule, &r->ds, w);
	case MUS_RULE_DATAWAIT:
		return data_gone(t, w);
	default:
		return mus_condition(t->c, rule, w);
	}
}

/* The first rule that does not hold; NONE: all do. */
static enum mus_rule
missing(const struct track *t, const enum mus_rule *rules, struct mus_witness *w)
{
	for (unsigned i = 0; rules[i] != MUS_RULE_NONE; i++)
		if (holds(t, rules[i], w) != MUS_RES_HOLDS)
			return rules[i];
	return MUS_RULE_NONE;
}

/* ---- clocks --------------------------------------------------------------------------------- */

static void
run_clocks(const struct track *t, struct mus_roll *r)
{
	const struct mus_ctx *c = t->c;
	struct mus_witness w;
	enum mus_result key = r->kind == MUS_PROC_KSK ? MUS_RES_HOLDS : holds(t, MUS_RULE_NEWKEY, &w);
	enum mus_result ds = MUS_RES_FAILS;

	if (key == MUS_RES_HOLDS && r->kind != MUS_PROC_ZSK)
		key = holds(t, MUS_RULE_NEWSIGNS, &w);
	mus_clock_tick(&r->key, key, c->now, mus_clock_ttl_s(c, MUS_CLOCK_KEY));
	if (r->kind != MUS_PROC_ZSK && !(r->in & ~c->desire->sep))
		ds = holds(t, MUS_RULE_PARENTDS, &w);
	mus_clock_tick(&r->ds, ds, c->now, mus_clock_ttl_s(c, MUS_CLOCK_DS));
	if (r->kind != MUS_PROC_KSK && data_signers(c, r->in))
		mus_clock_tick(&r->data, holds(t, MUS_RULE_OLDUNUSED, &w), c->now, c->facts->copy_ttl_s[r->signer]);
}

/* ---- one track ------------------------------------------------------------------------------ */

/* Data signed with a key that old DNSKEY sets lack; or, of a KSK, nothing left that old DS sets name. */
static bool
is_early(const struct mus_ctx *c, const struct mus_roll *r)
{
	if (mus_row_reached(r->kind, r->row, ready_row))
		return false;
	if (r->kind != MUS_PROC_KSK)
		return data_signers(c, r->in) != 0;
	return r->out && !(r->out & c->facts->sep[r->signer]);
}

/* The signer took the new key back before it was in use, or takes part no more. */
static bool
is_off(const struct mus_ctx *c, const struct mus_roll *r)
{
	return !(c->want->keyg >> r->signer & 1) || !(r->in & c->facts->owned[r->signer] & c->facts->shown[r->signer]);
}

/* What it waits for; NONE: it has ended. */
static enum mus_rule
advance(const struct mus_ctx *c, struct mus_want *want, struct mus_roll *r, struct mus_witness *w)
{
	unsigned count;
	const struct mus_row *rows = mus_rows(r->kind, &count);
	struct track t = {c, r};
	enum mus_rule rule = MUS_RULE_NONE;

	*w = MUS_WITNESS_NONE;
	for (;;) {
		MUS_ASSERT(r->row < count);	/* each pass moves one row on, or ends */
		if ((rule = missing(&t, rows[r->row].post, w)) != MUS_RULE_NONE)
			break;
		if (r->row + 1u == count) {
			want->known = (want->known | r->in) & ~r->out;
			mus_roll_clear(r);
			break;
		}
		if ((rule = missing(&t, rows[r->row + 1].pre, w)) != MUS_RULE_NONE)
			break;
		r->row++;
		r->row_at = c->now;
	}
	return rule;
}

/* ---- new ones ------------------------------------------------------------------------------- */

/* The role of the signer's SEP keys. */
static enum mus_proc_kind
kind_of_sep(const struct mus_ctx *c, const struct mus_want *want, unsigned s)
{
	uint64_t seps = 0;

	for (uint64_t m = c->facts->owned[s] & want->known; m; m &= m - 1)
		if (c->zone->key[__builtin_ctzll(m)].is_sep)
			seps |= m & -m;
	return data_signers(c, seps) ? MUS_PROC_CSK : MUS_PROC_KSK;
}

static enum mus_proc_kind
kind_of(const struct mus_ctx *c, const struct mus_want *want, unsigned s, unsigned k)
{
	return c->zone->key[k].is_sep ? kind_of_sep(c, want, s) : MUS_PROC_ZSK;
}

/* What is in use in the role that a new key comes for. */
static uint64_t
in_use(const struct mus_ctx *c, const struct mus_want *want, unsigned s, enum mus_proc_kind kind)
{
	uint64_t keys = c->facts->owned[s] & c->facts->shown[s] & want->known;

	if (kind == MUS_PROC_ZSK) {
		for (uint64_t m = keys; m; m &= m - 1)
			if (c->zone->key[__builtin_ctzll(m)].is_sep)
				keys &= ~(m & -m);
		return data_signers(c, keys);
	}
	return keys & c->facts->sep[s];
}

/* The track that a new key of ${s} belongs to: one of its kind that waits for its first rows, or a free place. */
static struct mus_roll *
place(struct mus_want *want, unsigned s, enum mus_proc_kind kind)
{
	struct mus_roll *free_place = NULL;

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		struct mus_roll *r = &want->roll[i];

		if (r->kind == kind && r->signer == s && r->row == 0)
			return r;
		if (r->kind == MUS_PROC_NONE && !free_place)
			free_place = r;
	}
	return free_place;
}

static uint64_t
in_tracks(const struct mus_want *want)
{
	uint64_t keys = 0;

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		keys |= want->roll[i].in;
	return keys;
}

static void
begin(const struct mus_ctx *c, struct mus_want *want, unsigned s, unsigned k)
{
	enum mus_proc_kind kind = kind_of(c, want, s, k);
	struct mus_roll *r = place(want, s, kind);

	if (!r)
		return;		/* looked at again when a place is free */
	if (r->kind == MUS_PROC_NONE) {
		mus_roll_clear(r);
		r->kind = kind;
		r->signer = (uint8_t)s;
		r->started_at = r->row_at = c->now;
	}
	r->in |= mus_bit(k);
	r->out |= in_use(c, want, s, kind);
}

static void
find_new(const struct mus_ctx *c, struct mus_want *want)
{
	uint64_t all = 0;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		uint64_t keys = c->facts->owned[s];

		all |= keys;
		/* Who comes in brings its keys along: none of them rolls. */
		if (!(want->keyg >> s & 1))
			want->known |= keys;
		for (uint64_t m = keys & c->facts->shown[s] & ~want->known & ~in_tracks(want); m; m &= m - 1)
			begin(c, want, s, (unsigned)__builtin_ctzll(m));
	}
	want->known &= all;
}

/* Who must act for that: a look at the short interval pays only when it is the group or the parent. */
static bool
is_others_turn(enum mus_rule rule)
{
	return rule == MUS_RULE_NEWKEY || rule == MUS_RULE_SIGNAL || rule == MUS_RULE_PARENTDS ||
	    rule == MUS_RULE_WITHDRAWN;
}

static void
tell(const struct mus_ctx *c, const struct mus_roll *r, enum mus_rule rule, const struct mus_witness *w,
    struct mus_plan *plan)
{
	const struct mus_copy *copy = &c->seen->copy[r->signer];

	/* What has an end has not come to it, else it would not be waited for. */
	plan->wake_at = mus_time_min(plan->wake_at, w->until);
	plan->poll |= is_others_turn(rule);
	if (w->rule == MUS_RULE_OLDUNUSED && w->result == MUS_RES_UNKNOWN &&
	    (!copy->known || copy->at.ms < r->row_at.ms))
		plan->need_copy |= (uint8_t)(1u << r->signer);
}

void
mus_rolls(const struct mus_ctx *c, struct mus_want *want, struct mus_plan *plan)
{
	find_new(c, want);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		struct mus_roll *r = &want->roll[i];
		struct track t = {c, r};

		if (r->kind == MUS_PROC_NONE)
			continue;
		if (is_off(c, r) || !mus_has_row(r->kind, r->row)) {
			mus_roll_clear(r);
			continue;
		}
		run_clocks(&t, r);
		r->early |= is_early(c, r);
		tell(c, r, advance(c, want, r, &plan->roll_wait[i]), &plan->roll_wait[i], plan);
	}
}

/* ---- for who makes a signer roll ------------------------------------------------------------ */

uint64_t
mus_roll_keys(const struct mus_ctx *c, unsigned s, enum mus_proc_kind kind)
{
	if (kind != MUS_PROC_ZSK && kind != kind_of_sep(c, c->want, s))
		return 0;
	return in_use(c, c->want, s, kind);
}
