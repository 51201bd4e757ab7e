#include "history.h"

#include <string.h>

enum { DAY_S = 86400, LONG_S = 60 * DAY_S };

const char *
history_end_text(enum history_end e)
{
	static const char *const texts[] = {"good", "bogus", "insecure", "stuck", "more in caches than the oracle can hold"};

	return texts[e];
}

static struct mus_time
in(struct world *w, unsigned from_s, unsigned to_s)
{
	return mus_time_add_s(w->now, world_between(w, from_s, to_s));
}

/* Short and long ones alike often. */
static uint32_t
some_ttl(struct world *w, uint32_t max_s)
{
	static const uint32_t usual[] = {60, 300, 900, 3600, 7200, 86400};
	uint32_t ttl_s = usual[world_below(w, 6)];

	return ttl_s < max_s ? ttl_s : max_s;
}

/* ---- the world ------------------------------------------------------------------------------ */

static void
draw_signer(struct world *w, unsigned s)
{
	struct world_signer *g = &w->signer[s];

	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		if (k < MUS_RR_DS || k >= MUS_RR_COUNT)
			g->copy.rr[k].ttl_s = some_ttl(w, k == MUS_RR_KEY ? 7200 : DAY_S);
	g->hidden_ttl_s = some_ttl(w, DAY_S);
	if (world_below(w, 4) == 0)
		g->own_cds_dts = (uint8_t)(world_below(w, 2) ? 1 << 1 : 1 << 1 | 1 << 2);
	g->copy.rr[MUS_RR_CDS].ttl_s = 60;
	g->ttl_max_s = g->key_ttl_max_s = 0;
	g->resign_s = world_below(w, 2) ? world_below(w, 3600) : world_below(w, 2 * DAY_S);
	if (world_below(w, 10) == 0) {
		g->refuses_transfer = true;
		w->state.zone.signer[s].declared_max_ttl_s = DAY_S;
		w->state.zone.signer[s].declared_content = true;
	}
	if (world_below(w, 4) == 0)
		for (unsigned n = 0; n < w->state.zone.ns_count; n++)
			w->state.zone.ns[n].in_domain |= w->state.zone.ns[n].owner == s;
}

static void
draw_controller(struct world *w)
{
	w->poll_s = world_between(w, 30, 600);
	w->idle_s = world_between(w, 600, 5400);
	w->policy.margin_s = world_between(w, 1, 60);
	w->policy.gap_s = w->idle_s * 3;
	w->lose_look = world_below(w, 4) ? 0 : world_between(w, 1, 40);
	w->lose_command = world_below(w, 3) ? 0 : world_between(w, 1, 300);
	w->double_command = world_below(w, 3) ? 0 : world_between(w, 1, 200);
	/* Now and then nearly as long as a change in flight is reckoned with. */
	w->command_delay_s = world_below(w, 2)
	    ? 0
	    : world_between(w, 1, world_below(w, 4) ? 300 : w->policy.gap_s - 600);
	w->command_varies = world_below(w, 2);
	w->restart = world_below(w, 3) ? 0 : world_below(w, 10) ? 10 : 500;
	w->down_s = world_below(w, 4) ? w->idle_s : 3 * w->policy.gap_s;
	w->reverse_looks = world_below(w, 2);
}

static void
draw_parent(struct world *w)
{
	w->parent.ds_ttl_s = some_ttl(w, DAY_S);
	w->parent.copy.rr[MUS_RR_DS].ttl_s = w->parent.ds_ttl_s;
	w->parent.copy.rr[MUS_RR_PNS].ttl_s = some_ttl(w, DAY_S);
	w->parent.ds_ttl_low_s = world_below(w, 2) ? 0 : 300;
	w->parent.restores_late = world_below(w, 2);
	w->parent.scan_s = w->poll_s + world_below(w, 20000);
	w->parent.delay_s = world_below(w, 4000);
}

/* What is to happen. */
static void
draw_script(struct world *w, struct history *h)
{
	h->orders = world_between(w, 1, 4);
	h->rolls = world_below(w, 2) ? 0 : world_between(w, 1, 3);
	h->order_at = h->ttls_at = w->now;
	h->roll_at = h->rolls ? in(w, 60, 200000) : MUS_TIME_NEVER;
	h->resume_at = h->lost_at = h->point_at = h->ends_at = MUS_TIME_NEVER;
	h->fails_servers = world_below(w, 3) == 0;
	h->fails_signers = world_below(w, 4) == 0;
	h->sets_clock = world_below(w, 6) == 0;
	h->goes_back = world_below(w, 30) == 0;
	h->rolls_early = world_below(w, 30) == 0;
	h->leaver = world_below(w, 40) == 0 ? (int)world_below(w, w->signer_count) : -1;
	h->fault_at = h->fails_servers || h->fails_signers || h->sets_clock || h->goes_back ? in(w, 60, 40000)
											    : MUS_TIME_NEVER;
}

/* Where SEP keys are rolled, all CDS have the same digest types: a signer's own CDS for its new key has those that
 * this signer knows, and the parent may follow before we have added the others' (V14). */
static void
level_digests(struct world *w)
{
	uint8_t dts = 0;

	for (unsigned s = 0; s < w->signer_count; s++)
		if (dts == 0)
			dts = w->signer[s].own_cds_dts;
	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->signer[s].own_cds_dts)
			w->signer[s].own_cds_dts = dts;
}

/* Before the story begins, all servers have loaded this, and caches know nothing else. */
static void
settle(struct world *w)
{
	world_changed(w, MUS_PARENT);
	for (unsigned s = 0; s < w->signer_count; s++)
		world_changed(w, s);
	for (unsigned i = 0; i < w->server_count; i++)
		w->server[i].load_at = w->now;
	world_advance(w, w->now);
	for (unsigned i = 0; i < w->server_count; i++)
		w->server[i].older = w->server[i].shown;
	oracle_init(&w->oracle, w->now.ms);
}

static void script(struct world *w);

static void
tell_world(struct world *w, const struct history *h)
{
	char text[200];

	world_tell(w, "seed %llu: polls every %u s, at least every %u s, margin %u s; %u per mille of looks and %u of "
	    "commands lost, %u doubled, delay %s%u s; %u deaths per mille", (unsigned long long)h->seed, w->poll_s,
	    w->idle_s, w->policy.margin_s, w->lose_look, w->lose_command, w->double_command,
	    w->command_varies ? "up to " : "", w->command_delay_s, w->restart);
	world_tell(w, "parent: TTL of DS %u s (%u s after a change%s), of NS %u s, scans every %u s, publishes after %u s",
	    w->parent.ds_ttl_s, w->parent.ds_ttl_low_s ? w->parent.ds_ttl_low_s : w->parent.ds_ttl_s,
	    w->parent.restores_late ? ", restored late" : "", w->parent.copy.rr[MUS_RR_PNS].ttl_s, w->parent.scan_s,
	    w->parent.delay_s);
	for (unsigned s = 0; s < w->signer_count; s++)
		world_tell(w, "%c: %s%s, keys {%s}, TTL of DNSKEY %u s, NS %u s, data %u s and %u s, lag %u s, signs anew "
		    "within %u s%s%s", 'A' + s, w->state.zone.signer[s].is_member ? "member" : "no member",
		    w->signer[s].is_secondary ? ", secondary" : "",
		    world_keys_text(w, w->signer[s].own, text, sizeof text), w->signer[s].copy.rr[MUS_RR_KEY].ttl_s,
		    w->signer[s].copy.rr[MUS_RR_NS].ttl_s, w->signer[s].hidden_ttl_s,
		    w->signer[s].copy.rr[WORLD_HIDDEN2].ttl_s, world_lag_s(w, s), w->signer[s].resign_s,
		    w->signer[s].own_cds_dts ? ", CDS of its own" : "",
		    w->signer[s].refuses_transfer ? ", refuses transfers" : "");
}

void
history_begin(struct world *w, struct history *h, uint64_t seed)
{
	uint64_t mixed = seed * 0x9e3779b97f4a7c15u | 1;
	unsigned signers = 2 + (unsigned)(mixed >> 60) % 2, members = 1 + (unsigned)(mixed >> 50) % signers;
	FILE *told = w->story;

	if (h->signers) {
		signers = h->signers;
		members = h->members;
	}
	world_init_csk(w, signers, members, 1 + (unsigned)(mixed >> 40) % 2, mixed >> 30 & mixed >> 20 & 7);
	h->seed = seed;
	w->seed = mixed;
	for (unsigned i = 0; i < 20; i++)
		world_random(w);
	for (unsigned s = 0; s < signers; s++)
		draw_signer(w, s);
	for (unsigned i = 0; i < w->server_count; i++)
		w->server[i].lag_s = world_below(w, 3) ? 0 : world_between(w, 1, 4000);
	draw_controller(w);
	draw_parent(w);
	draw_script(w, h);
	if (h->rolls)
		level_digests(w);
	if (signers > 2 && !h->signers && (mixed >> 10 & 3) == 0)
		world_secondary(w, signers - 1, 0);
	if (h->shape)
		h->shape(w, h);
	settle(w);
	resolvers_init(&w->resolvers, h->resolvers, mixed ^ 0x5bd1e995, world_between(w, 30, 900), w->now.ms);
	w->story = told;
	w->script = script;
	w->script_data = h;
	w->script_at = w->now;
	tell_world(w, h);
}

/* ---- what people do ------------------------------------------------------------------------- */

static void
tell_members(struct world *w)
{
	char who[16] = "";

	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->state.zone.signer[s].is_member)
			snprintf(who + strlen(who), sizeof who - strlen(who), " %c", 'A' + s);
	world_tell(w, "operator: wants these to sign:%s", who);
}

/* Takes part wholly: whoever is led to it finds what is good everywhere. */
static bool
is_full(const struct world *w, unsigned s)
{
	const struct mus_want *want = &w->state.want;

	return w->state.zone.signer[s].is_member && !w->signer[s].is_secondary &&
	    (want->keyg & want->dsg & want->nsg) >> s & 1;
}

/* Is a secondary pointed to one that is no member, or none any more? */
static bool
is_misled(const struct world *w)
{
	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->signer[s].is_secondary && !w->state.zone.signer[w->signer[s].source].is_member)
			return true;
	return false;
}

/* Points secondaries away from who leaves, as soon as there is somebody else. */
static void
point(struct world *w, struct history *h)
{
	for (unsigned s = 0; s < w->signer_count; s++)
		for (unsigned to = 0; to < w->signer_count; to++)
			if (w->signer[s].is_secondary && !w->state.zone.signer[w->signer[s].source].is_member && is_full(w, to))
				world_point(w, s, to);
	h->point_at = is_misled(w) ? mus_time_add_s(w->now, 3600) : MUS_TIME_NEVER;
}

/* He changes his mind some times; one member always stays. */
static void
change_members(struct world *w, struct history *h)
{
	unsigned keep = world_below(w, w->signer_count);

	while ((h->leaver >= 0 && keep == (unsigned)h->leaver) || w->signer[keep].is_secondary)
		keep = (keep + 1) % w->signer_count;
	for (unsigned s = 0; s < w->signer_count; s++)
		if (!w->state.zone.signer[s].is_lost)
			world_member(w, s, s == keep || (world_below(w, 2) && !w->signer[s].is_rogue));
	w->events[WORLD_EV_OPERATOR]++;
	tell_members(w);
	if (is_misled(w))
		h->point_at = in(w, 60, world_below(w, 2) ? 7200 : 400000);
}

/* The owner changes the TTLs of a signer's sets, for a migration that should be quicker, and back; but not so
 * soon that nobody could have seen them: of such a TTL only the policy's floor could know. */
static void
change_ttls(struct world *w, struct history *h)
{
	unsigned s = world_below(w, w->signer_count);

	if (h->ttls_at.ms > w->now.ms)
		return;
	h->ttls_at = mus_time_add_s(w->now, 5 * w->policy.gap_s);
	for (unsigned k = 0; k < MUS_RR_DS; k++)
		if (k != MUS_RR_CDS && world_below(w, 2))
			w->signer[s].copy.rr[k].ttl_s = some_ttl(w, k == MUS_RR_KEY ? 7200 : DAY_S);
	w->events[WORLD_EV_OPERATOR]++;
	world_tell(w, "operator: changes TTLs at %c: DNSKEY %u s, NS %u s", 'A' + s,
	    w->signer[s].copy.rr[MUS_RR_KEY].ttl_s, w->signer[s].copy.rr[MUS_RR_NS].ttl_s);
	world_changed(w, s);
}

static void
hold(struct world *w, struct history *h)
{
	w->policy.held = true;
	h->resume_at = in(w, 600, 50000);
	w->events[WORLD_EV_OPERATOR]++;
	world_tell(w, "operator: holds the zone");
}

static void
resume(struct world *w, struct history *h)
{
	w->policy.held = false;
	h->resume_at = MUS_TIME_NEVER;
	w->events[WORLD_EV_OPERATOR]++;
	world_tell(w, "operator: lets the zone go on");
}

static bool
others_are_full(const struct world *w, unsigned s)
{
	uint8_t full = w->state.want.keyg & w->state.want.dsg & w->state.want.nsg;

	for (unsigned o = 0; o < w->signer_count; o++)
		if (o != s && !w->signer[o].is_secondary && (full >> o & 1))
			return true;
	return false;
}

/* The leaver takes no change any more and lists itself for ever: first it is to leave, and then it is
 * declared lost, and the parent told not to mind it (OP-9). */
static void
lose(struct world *w, struct history *h)
{
	unsigned s = (unsigned)h->leaver;

	if (w->signer[s].is_secondary || (!w->signer[s].is_rogue && !others_are_full(w, s))) {
		h->leaver = -1;		/* it is the only one: nobody can save the zone */
		h->lost_at = MUS_TIME_NEVER;
	} else if (!w->signer[s].is_rogue) {
		w->signer[s].is_rogue = true;
		world_member(w, s, false);
		h->lost_at = in(w, DAY_S, 3 * DAY_S);
		world_tell(w, "%c: takes no change any more, and is to leave", 'A' + s);
		tell_members(w);
	} else {
		w->state.zone.signer[s].is_lost = true;
		w->parent.passes_over |= (uint8_t)(1u << s);
		w->apart |= WORLD_APART_LOST;
		h->lost_at = MUS_TIME_NEVER;
		world_tell(w, "operator: declares %c lost, and the parent does not ask it any more", 'A' + s);
	}
	w->events[WORLD_EV_OPERATOR]++;
}

static void
give_order(struct world *w, struct history *h)
{
	change_members(w, h);
	if (world_below(w, 2))
		change_ttls(w, h);
	if (world_below(w, 8) == 0 && !w->policy.held)
		hold(w, h);
	if (h->leaver >= 0 && !w->signer[h->leaver].is_rogue)
		h->lost_at = in(w, 60, 100000);
	h->orders--;
	h->order_at = in(w, 60, world_below(w, 2) ? 7200 : 400000);
}

/* ---- what signers do, and what fails -------------------------------------------------------- */

/* poll + import + largest DNSKEY TTL + margin, and something for questions and changes that are lost. */
static uint32_t
long_lead_s(const struct world *w)
{
	return 3 * w->idle_s + 2 * w->command_delay_s + 2 * 4000 + 7200 + w->policy.margin_s + 40 * w->poll_s;
}

static void
begin_roll(struct world *w, struct history *h)
{
	unsigned s = world_below(w, w->signer_count);
	bool sep = world_below(w, 2), asks = !h->rolls_early && world_below(w, 3) != 0;
	uint32_t lead_s = asks || h->rolls_early ? world_between(w, 60, 7200) : long_lead_s(w);

	h->roll_at = --h->rolls ? in(w, 60, 200000) : MUS_TIME_NEVER;
	/* Where nobody publishes CDS, a person brings the new DS to the parent: not modelled. */
	if (w->signer[s].is_rogue || (sep && w->signer[s].copy.rr[MUS_RR_CDS].absent))
		return;
	if (world_roll(w, s, sep, lead_s, asks, world_below(w, 2)))
		w->signer[s].roll.asks_reached = world_below(w, 10) == 0;
}

static void
set_clock(struct world *w)
{
	int64_t most_ms = (int64_t)w->policy.margin_s * 500;
	/* Unnoticed: what it shows is never wrong by more than half the margin. */
	int64_t slew_ms = (int64_t)world_below(w, (unsigned)(2 * most_ms + 1)) - most_ms;

	if (world_below(w, 2))
		world_set_clock(w, slew_ms - w->slew_ms, false);
	else
		world_set_clock(w, ((int64_t)world_below(w, 40000) - 20000) * 1000, true);
}

static void
drop(struct world *w)
{
	static const uint8_t kinds[] = {MUS_RR_KEY, MUS_RR_CDS, MUS_RR_CDNSKEY, MUS_RR_CSYNC, MUS_RR_NS};
	unsigned s = world_below(w, w->signer_count), kind = kinds[world_below(w, sizeof kinds)];

	w->signer[s].drops ^= (uint16_t)(1u << kind);
	w->events[WORLD_EV_FAULT]++;
	world_tell(w, "%c: %s changes of %s", 'A' + s, w->signer[s].drops >> kind & 1 ? "forgets" : "takes again",
	    mus_rr_text((enum mus_rr_kind)kind));
}

static void
fail(struct world *w, struct history *h)
{
	unsigned server = world_below(w, w->server_count);

	h->fault_at = in(w, 60, 60000);
	if (h->goes_back && world_below(w, 2))
		world_go_back(w, server, world_between(w, 60, 40000));
	else if (h->fails_servers)
		world_silence(w, server, world_below(w, 2), world_between(w, 60, world_below(w, 4) ? 3600 : 40000));
	if (h->fails_signers)
		drop(w);
	if (h->sets_clock)
		set_clock(w);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void
mend(struct world *w, struct history *h)
{
	h->fault_at = h->order_at = MUS_TIME_NEVER;
	if (mus_time_is_set(h->resume_at))
		resume(w, h);
	for (unsigned s = 0; s < w->signer_count; s++)
		w->signer[s].drops = 0;
	w->lose_look = w->lose_command = w->double_command = w->restart = 0;
	for (unsigned i = 0; i < w->server_count; i++)
		if (mus_time_is_set(w->server[i].fault_ends))
			w->server[i].fault_ends = w->now;
	world_tell(w, "nothing fails any more, and nobody changes his mind");
}

static bool
is_now(const struct world *w, struct mus_time t)
{
	return t.ms <= w->now.ms;
}

static void
script(struct world *w)
{
	struct history *h = w->script_data;

	if (is_now(w, h->resume_at))
		resume(w, h);
	if (is_now(w, h->order_at) && h->orders == 0) {
		h->order_at = MUS_TIME_NEVER;
		h->ends_at = w->now;
	} else if (is_now(w, h->order_at)) {
		give_order(w, h);
	}
	if (is_now(w, h->lost_at))
		lose(w, h);
	if (is_now(w, h->point_at))
		point(w, h);
	if (is_now(w, h->roll_at))
		begin_roll(w, h);
	if (is_now(w, h->fault_at))
		fail(w, h);
	/* Who is rogue and not lost yet is no end. */
	if (is_now(w, h->ends_at) && !mus_time_is_set(h->lost_at)) {
		mend(w, h);
		h->ends_at = MUS_TIME_NEVER;
	}
	w->script_at = mus_time_max(h->ends_at, mus_time_add_s(w->now, 60));
	w->script_at = mus_time_min(w->script_at, mus_time_min(h->order_at, h->resume_at));
	w->script_at = mus_time_min(w->script_at, mus_time_min(h->fault_at, h->roll_at));
	w->script_at = mus_time_min(w->script_at, mus_time_min(h->lost_at, h->point_at));
}

static bool
is_over(const struct world *w)
{
	const struct history *h = w->script_data;

	return !mus_time_is_set(h->order_at) && !mus_time_is_set(h->ends_at);
}

static bool
is_done(const struct world *w)
{
	return world_is_settled(w) && world_is_at_goal(w);
}

static bool
never(const struct world *w)
{
	(void)w;
	return false;
}

enum history_end
history_run(struct world *w, struct history *h)
{
	uint32_t patience_s = h->patience_s ? h->patience_s : LONG_S;
	bool done;

	world_run(w, is_over, 10 * LONG_S);
	done = world_run(w, is_done, patience_s);
	/* What was asked for on the way may still come. */
	if (done)
		world_run(w, never, DAY_S);
	done = done && world_run(w, is_done, patience_s);
	if (w->oracle.violations || w->resolvers.bogus)
		return HISTORY_BOGUS;
	if (w->oracle.insecure || w->resolvers.insecure)
		return HISTORY_INSECURE;
	if (w->oracle.overflow)
		return HISTORY_OVERFLOW;
	return done ? HISTORY_GOOD : HISTORY_STUCK;
}
