#include <string.h>

#include "world_int.h"

enum { LOOK_S = 300, SLACK_S = 60 };	/* how often a signer looks whether it may go on; its margin */

static uint64_t
own_seps(const struct world *w, unsigned s)
{
	uint64_t seps = 0;

	for (uint64_t m = w->signer[s].own & ~w->signer[s].cds_not; m; m &= m - 1)
		if (w->state.zone.key[__builtin_ctzll(m)].is_sep)
			seps |= m & -m;
	return seps;
}

void
world_signer_insist(struct world *w, unsigned s)
{
	struct world_signer *g = &w->signer[s];
	struct world_set *rr = g->copy.rr;

	if (g->is_secondary) {
		g->copy = w->signer[g->source].copy;
		return;
	}
	rr[MUS_RR_KEY].set |= g->own;
	rr[MUS_RR_CDS].set = 0;
	for (unsigned t = 0; t < MUS_DT_COUNT; t++) {
		if (g->own_cds_dts >> t & 1)
			rr[MUS_RR_CDS].dt[t] |= own_seps(w, s);
		rr[MUS_RR_CDS].set |= rr[MUS_RR_CDS].dt[t];
	}
	if (g->own_cds_dts)
		rr[MUS_RR_CDNSKEY].set |= own_seps(w, s);
	rr[MUS_RR_CDS].absent = rr[MUS_RR_CDS].set == 0;
	rr[MUS_RR_CDNSKEY].absent = rr[MUS_RR_CDNSKEY].set == 0;
	rr[WORLD_HIDDEN].ttl_s = g->hidden_ttl_s;
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		if (rr[k].ttl_s > g->ttl_max_s)
			g->ttl_max_s = rr[k].ttl_s;
	if (rr[MUS_RR_KEY].ttl_s > g->key_ttl_max_s)
		g->key_ttl_max_s = rr[MUS_RR_KEY].ttl_s;
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		if (rr[k].absent)
			rr[k].sig = 0;
		else if (!mus_time_is_set(g->resign_at[k]))
			rr[k].sig = g->data_signers;
	rr[MUS_RR_KEY].sig = g->key_signers;
	rr[MUS_RR_CDS].sig = rr[MUS_RR_CDS].absent ? 0 : g->key_signers;
	rr[MUS_RR_CDNSKEY].sig = rr[MUS_RR_CDNSKEY].absent ? 0 : g->key_signers;
	rr[MUS_RR_NAME].aux = rr[MUS_RR_SOA].aux = g->data_content;
}

static void
tell_obeyed(struct world *w, unsigned s, enum mus_rr_kind kind)
{
	const struct world_set *rr = &w->signer[s].copy.rr[kind];
	char set[200];

	if (kind == MUS_RR_CSYNC)
		snprintf(set, sizeof set, "%s", rr->absent ? "none" : "there");
	else
		(kind == MUS_RR_NS ? world_names_text : world_keys_text)(w, rr->set, set, sizeof set);
	world_tell(w, "%c: is changed, %s is {%s}", 'A' + s, mus_rr_text(kind), set);
}

void
world_signer_obey(struct world *w, const struct mus_act *a)
{
	struct world_signer *g = &w->signer[a->signer];
	struct world_set *s = &g->copy.rr[a->rr], before = *s;

	w->events[WORLD_EV_COMMAND]++;
	if ((g->drops >> a->rr & 1) || g->is_rogue) {
		return;
	}
	switch (a->rr) {
	case MUS_RR_KEY:
	case MUS_RR_NS:
	case MUS_RR_CDNSKEY:
		s->set = (s->set | a->add) & ~a->del;
		break;
	case MUS_RR_CDS:
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			s->dt[t] = (s->dt[t] | a->add_dt[t]) & ~a->del_dt[t];
		break;
	case MUS_RR_CSYNC:
		if (a->add)
			s->aux = (uint64_t)a->csync_serial << 16 | 1;
		s->absent = !a->add;
		break;
	default:
		break;
	}
	g->resign_at[a->rr] = MUS_TIME_NEVER;	/* what changes is signed at once */
	world_changed(w, a->signer);
	if (w->story && memcmp(&before, s, sizeof before) != 0)
		tell_obeyed(w, a->signer, a->rr);
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* Withdraws what it published of its own accord. */
static void
withdraw_cds(struct world_signer *g, unsigned key)
{
	g->cds_not |= mus_bit(key);
	for (unsigned t = 0; g->own_cds_dts && t < MUS_DT_COUNT; t++)
		g->copy.rr[MUS_RR_CDS].dt[t] &= ~mus_bit(key);
	if (g->own_cds_dts)
		g->copy.rr[MUS_RR_CDNSKEY].set &= ~mus_bit(key);
}

void
world_drop_key(struct world *w, unsigned s, unsigned key)
{
	struct world_signer *g = &w->signer[s];

	g->own &= ~mus_bit(key);
	g->key_signers &= ~mus_bit(key);
	g->data_signers &= ~mus_bit(key);
	g->copy.rr[MUS_RR_KEY].set &= ~mus_bit(key);
	world_changed(w, s);
}

/* Signs new data with ${keys}; what is signed already, it signs anew by and by. */
static void
sign_with(struct world *w, unsigned s, uint64_t keys)
{
	struct world_signer *g = &w->signer[s];

	g->data_signers = keys;
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		if (world_is_data(k) && !g->copy.rr[k].absent && k != MUS_RR_SOA)
			g->resign_at[k] = mus_time_add_s(w->now, world_below(w, g->resign_s + 1));
	world_changed(w, s);
}

/* ---- those that sign nothing ---------------------------------------------------------------- */

static void
forget_keys(struct world_copy *copy, uint64_t keys)
{
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++) {
		if (k == MUS_RR_KEY || k == MUS_RR_CDNSKEY || k == MUS_RR_CDS || k == MUS_RR_DS)
			copy->rr[k].set &= ~keys;
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			copy->rr[k].dt[t] &= ~keys;
	}
}

void
world_point(struct world *w, unsigned s, unsigned source)
{
	w->signer[s].source = source;
	world_changed(w, s);
	world_tell(w, "operator: points %c to %c", 'A' + s, 'A' + source);
}

void
world_secondary(struct world *w, unsigned s, unsigned source)
{
	struct world_signer *g = &w->signer[s];

	for (unsigned i = 0; i < w->signer_count; i++)
		forget_keys(&w->signer[i].copy, g->own);
	forget_keys(&w->parent.copy, g->own);
	g->own = g->key_signers = g->data_signers = 0;
	g->own_cds_dts = 0;
	g->refuses_transfer = g->is_secondary = true;
	g->source = source;
	w->state.zone.signer[s] = (struct mus_zsigner){.is_member = w->state.zone.signer[s].is_member, .is_secondary = true};
	world_changed(w, s);
}

/* ---- roll-overs on its own timetable -------------------------------------------------------- */

/* The largest DNSKEY TTL that the group ever had. */
static uint32_t
key_ttl_s(const struct world *w)
{
	uint32_t ttl_s = 0;

	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->signer[s].key_ttl_max_s > ttl_s)
			ttl_s = w->signer[s].key_ttl_max_s;
	return ttl_s;
}

/* Resolvers may be led there. */
static bool
is_reached(const struct world *w, unsigned server)
{
	return w->oracle.led_until_ms[server] >= w->now.ms;
}

/* Now, or soon: it shares keys with the group. */
static bool
is_with_us(const struct world *w, unsigned server)
{
	unsigned s = w->server[server].origin;

	return is_reached(w, server) || (w->state.want.keyg >> s & 1) || w->state.zone.signer[s].is_member;
}

static bool
all_show_key(const struct world *w, unsigned key, bool (*counts)(const struct world *, unsigned))
{
	for (unsigned i = 0; i < w->server_count; i++)
		if (w->server[i].origin != MUS_PARENT && counts(w, i) &&
		    !(w->server[i].shown.rr[MUS_RR_KEY].set >> key & 1))
			return false;
	return true;
}

/* By each digest type that the DS set has: some validators mind the strongest alone. */
static bool
names_key(const struct world_set *ds, unsigned key)
{
	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		if (ds->dt[t] && !(ds->dt[t] >> key & 1))
			return false;
	return ds->set >> key & 1;
}

static bool
parent_has_ds(const struct world *w, unsigned key)
{
	for (unsigned i = 0; i < w->server_count; i++)
		if (w->server[i].origin == MUS_PARENT && !names_key(&w->server[i].shown.rr[MUS_RR_DS], key))
			return false;
	return true;
}

static void
mark(struct world *w, bool holds, struct mus_time *since)
{
	if (!holds)
		*since = MUS_TIME_NEVER;
	else if (!mus_time_is_set(*since))
		*since = w->now;
}

static bool
is_past(const struct world *w, struct mus_time since, uint32_t s)
{
	return mus_time_is_set(since) && world_is_due(w, mus_time_add_s(since, s));
}

/* May it sign with the new key?  Who does not ask for leave goes by the clock alone. */
static bool
may_use(struct world *w, unsigned s)
{
	struct world_roll *r = &w->signer[s].roll;
	bool is_spread = is_past(w, r->spread_at, key_ttl_s(w) + SLACK_S);
	bool is_there = is_past(w, r->reached_at, key_ttl_s(w) + SLACK_S);

	if (!is_past(w, r->published_at, r->lead_s) || (r->asks && !(r->asks_reached ? is_there : is_spread)))
		return false;
	if (!is_there) {
		w->apart |= WORLD_APART_EARLY;
		world_tell(w, "%c: uses its new key before every set that may be cached has it", 'A' + s);
	} else if (!is_spread) {
		w->apart |= WORLD_APART_JOINER;
		world_tell(w, "%c: uses its new key before one that joins has it", 'A' + s);
	}
	return true;
}

static void
use_key(struct world *w, unsigned s)
{
	struct world_signer *g = &w->signer[s];
	struct world_roll *r = &g->roll;

	sign_with(w, s, (g->data_signers & ~mus_bit(r->old)) | mus_bit(r->fresh));
	r->step = 3;
	r->used_at = w->now;
	world_tell(w, "%c: signs with %s", 'A' + s, world_keys_text(w, mus_bit(r->fresh), (char[32]){0}, 32));
}

static void
end_roll(struct world *w, unsigned s)
{
	struct world_signer *g = &w->signer[s];
	char old[32];

	world_tell(w, "%c: withdraws %s", 'A' + s, world_keys_text(w, mus_bit(g->roll.old), old, sizeof old));
	withdraw_cds(g, g->roll.old);
	g->roll.kind = WORLD_ROLL_NONE;
	g->roll.at = MUS_TIME_NEVER;
	world_drop_key(w, s, g->roll.old);
}

/* Steps: 1 the new key is published; 2 (SEP keys) its DS is waited for; 3 nothing of the old key may be
 * needed in a while. */
static void
go_on(struct world *w, unsigned s)
{
	struct world_signer *g = &w->signer[s];
	struct world_roll *r = &g->roll;
	bool sep = r->kind != WORLD_ROLL_ZSK;

	oracle_pass(&w->oracle, w, w->now.ms);
	r->at = mus_time_add_s(w->now, LOOK_S);
	mark(w, all_show_key(w, r->fresh, is_reached), &r->reached_at);
	mark(w, all_show_key(w, r->fresh, is_with_us), &r->spread_at);
	mark(w, parent_has_ds(w, r->fresh), &r->ds_at);
	/* Its own old DNSKEY set must be gone before CDS or the parent speak of the new key alone. */
	if (r->step == 1 && sep &&
	    is_past(w, r->published_at, r->lead_s + world_lag_s(w, s) + g->key_ttl_max_s + SLACK_S)) {
		g->cds_not &= ~mus_bit(r->fresh);
		if (r->swaps_cds)
			withdraw_cds(g, r->old);
		world_changed(w, s);
		r->step = 2;
	} else if (r->step == 1 && !sep && may_use(w, s)) {
		use_key(w, s);
	} else if (r->step == 2 && is_past(w, r->ds_at, w->parent.ds_ttl_s + SLACK_S)) {
		if (r->kind == WORLD_ROLL_KSK)
			end_roll(w, s);
		else if (may_use(w, s))
			use_key(w, s);
	} else if (r->step == 3 && is_past(w, r->used_at, g->resign_s + world_lag_s(w, s) + g->ttl_max_s + SLACK_S) &&
	    (!sep || is_past(w, r->ds_at, w->parent.ds_ttl_s + SLACK_S))) {
		end_roll(w, s);
	}
}

/* The key that this roll-over replaces; -1: none. */
static int
key_to_roll(const struct world *w, unsigned s, bool sep)
{
	uint64_t keys = sep ? w->signer[s].key_signers : w->signer[s].data_signers & ~w->signer[s].key_signers;

	return keys ? __builtin_ctzll(keys) : -1;
}

bool
world_roll(struct world *w, unsigned s, bool sep, uint32_t lead_s, bool asks, bool swaps_cds)
{
	static const char *const names[] = {"", "ZSK", "KSK", "CSK"};
	struct world_signer *g = &w->signer[s];
	struct world_roll *r = &g->roll;
	int old = key_to_roll(w, s, sep);
	char fresh[32];

	if (r->kind != WORLD_ROLL_NONE || old < 0 || w->key_count == MUS_KEYS_MAX)
		return false;
	*r = (struct world_roll){.step = 1, .old = (unsigned)old, .lead_s = lead_s, .asks = asks,
	    .swaps_cds = swaps_cds, .published_at = w->now, .reached_at = MUS_TIME_NEVER, .spread_at = MUS_TIME_NEVER, .ds_at = MUS_TIME_NEVER,
	    .at = mus_time_add_s(w->now, LOOK_S)};
	r->kind = !sep ? WORLD_ROLL_ZSK : (g->data_signers >> old & 1) ? WORLD_ROLL_CSK : WORLD_ROLL_KSK;
	r->fresh = w->key_count;
	g->cds_not |= mus_bit(r->fresh);
	if (sep)
		g->key_signers |= mus_bit(r->fresh);
	world_add_key(w, s, sep);
	w->events[WORLD_EV_SIGNER]++;
	world_tell(w, "%c: begins a roll-over: publishes %s %s, lead %us%s", 'A' + s, names[r->kind],
	    world_keys_text(w, mus_bit(r->fresh), fresh, sizeof fresh), lead_s,
	    asks ? ", and asks before it uses it" : "");
	return true;
}

/* ---- what is due ---------------------------------------------------------------------------- */

struct mus_time
world_signer_due(const struct world_signer *g)
{
	struct mus_time t = g->roll.kind == WORLD_ROLL_NONE ? MUS_TIME_NEVER : g->roll.at;

	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		t = mus_time_min(t, g->resign_at[k]);
	return t;
}

void
world_signer_act(struct world *w, unsigned s)
{
	struct world_signer *g = &w->signer[s];
	bool changed = false;

	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		if (world_is_due(w, g->resign_at[k])) {
			g->resign_at[k] = MUS_TIME_NEVER;
			w->events[WORLD_EV_RESIGN]++;
			changed = true;
		}
	if (changed)
		world_changed(w, s);
	if (g->roll.kind != WORLD_ROLL_NONE && world_is_due(w, g->roll.at)) {
		w->events[WORLD_EV_SIGNER]++;
		go_on(w, s);
	}
}
