#include <string.h>

#include "core/condition.h"
#include "core/process.h"
#include "core/rows.h"

static void
start(struct mus_want *want, enum mus_proc_kind kind, unsigned signer, struct mus_time now)
{
	want->proc = (struct mus_proc){
	    .kind = kind, .signer = (uint8_t)signer, .row = 0, .started_at = now, .row_at = now};
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		want->proc.clock[i].from = MUS_TIME_NEVER;
}

void
mus_proc_end(struct mus_want *want)
{
	start(want, MUS_PROC_NONE, 0, MUS_TIME_NEVER);
}

/* A member that does not take part wholly yet, and is not lost; MUS_NOBODY: none.  Secondaries come last: whom they
 * are pointed to has to be in. */
static unsigned
joiner(const struct mus_ctx *c, uint8_t full)
{
	unsigned found = c->facts->members & ~c->facts->lost & ~full;

	return mus_first(found & c->facts->signing ? found & c->facts->signing : found);
}

/* Who takes part and is to go; MUS_NOBODY: none.  Secondaries first: they show the copy of one that is in. */
static unsigned
leaver(const struct mus_ctx *c, uint8_t any)
{
	unsigned found = any & ~c->facts->members;

	return mus_first(found & ~c->facts->signing ? found & ~(unsigned)c->facts->signing : found);
}

static bool
signs(const struct mus_ctx *c, unsigned s)
{
	return c->facts->signing >> s & 1;
}

/* A leaver that is declared lost; MUS_NOBODY: none, or nobody would be left to answer. */
static unsigned
lost_leaver(const struct mus_ctx *c, uint8_t full, uint8_t any)
{
	bool others = full & c->facts->signing & ~c->facts->lost;

	return others ? mus_first(any & c->facts->lost & ~c->facts->members) : MUS_NOBODY;
}

static bool
is_alone(const struct mus_ctx *c, const struct mus_want *want)
{
	return !(want->nsg & c->facts->signing & ~(1u << want->proc.signer));
}

/* At its first row, with all its waits. */
static void
begin_again(struct mus_want *want, struct mus_time now)
{
	struct mus_time started_at = want->proc.started_at;

	start(want, want->proc.kind, want->proc.signer, now);
	want->proc.started_at = started_at;
}

void
mus_proc_choose(const struct mus_ctx *c, struct mus_want *want)
{
	struct mus_proc *p = &want->proc;
	uint8_t full = want->keyg & want->dsg & want->nsg, any = mus_want_any(want);
	unsigned next = joiner(c, full), gone = lost_leaver(c, full, any), goes = leaver(c, any);

	if (p->kind != MUS_PROC_NONE && !mus_has_row(p->kind, p->row))
		begin_again(want, c->now);
	if (p->kind == MUS_PROC_ADD && !c->zone->signer[p->signer].is_member) {
		/* Who never took part has nothing to take back. */
		if (any >> p->signer & 1)
			start(want, MUS_PROC_REMOVE, p->signer, c->now);
		else
			mus_proc_end(want);
	} else if (p->kind == MUS_PROC_REMOVE && c->zone->signer[p->signer].is_member) {
		start(want, MUS_PROC_ADD, p->signer, c->now);
	} else if (p->kind == MUS_PROC_ADD && gone < MUS_NOBODY) {
		mus_proc_end(want);
	} else if (p->kind == MUS_PROC_REMOVE && p->row == 0 && gone < MUS_NOBODY && gone != p->signer) {
		/* Another's leave that has done nothing yet: it waits for all that stay to be seen (V1). */
		mus_proc_end(want);
	} else if (p->kind == MUS_PROC_ADD && !signs(c, p->signer) && !(want->nsg >> p->signer & 1) &&
	    next < MUS_NOBODY && signs(c, next)) {
		/* It may be pointed to the one that joins beside it. */
		mus_proc_end(want);
	} else if (p->kind == MUS_PROC_REMOVE && signs(c, p->signer) && (want->dsg >> p->signer & 1) &&
	    !signs(c, goes)) {
		/* One that leaves too (as the leaver itself does, so that there is one) may show the leaver's copy:
		 * nobody would point it to another. */
		mus_proc_end(want);
	} else if (p->kind == MUS_PROC_REMOVE && p->row == 0 && is_alone(c, want) && next < MUS_NOBODY) {
		/* The last cannot leave before another has joined. */
		mus_proc_end(want);
	}
	if (p->kind != MUS_PROC_NONE)
		return;
	if (gone < MUS_NOBODY) {
		start(want, MUS_PROC_REMOVE, gone, c->now);
		return;
	}
	if (next < MUS_NOBODY) {
		start(want, MUS_PROC_ADD, next, c->now);
		return;
	}
	if (goes < MUS_NOBODY)
		start(want, MUS_PROC_REMOVE, goes, c->now);
}

static void
tick(const struct mus_ctx *c, struct mus_want *want, enum mus_clock_id id, enum mus_result r,
    struct mus_time from)
{
	mus_clock_tick(&want->proc.clock[id], r, from, mus_clock_ttl_s(c, id));
}

/* Whom nobody was seen to lead to, and who took part before the zone was watched, may have been led to
 * until then: by NS sets that nobody saw, in caches until the record of NS is complete. */
static struct mus_time
cut_unseen(const struct mus_ctx *c, const struct mus_want *want)
{
	uint8_t in = mus_want_part(want);
	struct mus_time at = mus_history_at(
	    mus_seen_ring_const(c->seen, MUS_PARENT, MUS_RR_PNS), MUS_RR_PNS, c->policy, c->now);

	for (unsigned s = 0; s < c->zone->signer_count; s++)
		if ((in >> s & 1) && !c->zone->signer[s].is_lost)
			at = mus_time_max(at,
			    mus_history_at(&c->seen->signer[s][MUS_RR_NS], MUS_RR_NS, c->policy, c->now));
	return at;
}

/* When the last of the leaver's servers was cut off. */
static struct mus_time
cut_of(const struct mus_ctx *c, const struct mus_want *want, uint64_t servers)
{
	struct mus_time cut = MUS_TIME_ALWAYS;
	bool unseen = false;

	for (uint64_t m = servers; m; m &= m - 1) {
		struct mus_time at = c->seen->server[__builtin_ctzll(m)].cut;

		unseen |= at.ms == MUS_TIME_ALWAYS.ms;
		cut = mus_time_max(cut, at);
	}
	if (cut.ms == MUS_TIME_ALWAYS.ms)
		cut = c->now;
	if (unseen && (want->met >> want->proc.signer & 1))
		cut = mus_time_max(cut, cut_unseen(c, want));
	return cut;
}

void
mus_proc_clocks(const struct mus_ctx *c, struct mus_want *want)
{
	enum mus_result ns;
	uint64_t servers;

	if (want->proc.kind == MUS_PROC_NONE)
		return;
	tick(c, want, MUS_CLOCK_KEY, mus_condition(c, MUS_RULE_V7, NULL), c->now);
	tick(c, want, MUS_CLOCK_DS, mus_condition(c, MUS_RULE_PARENTDS, NULL), c->now);
	ns = mus_condition(c, MUS_RULE_NSSET, NULL);
	if (ns == MUS_RES_HOLDS)
		ns = mus_condition(c, MUS_RULE_PARENTNS, NULL);
	tick(c, want, MUS_CLOCK_NS, ns, c->now);
	if (want->proc.kind != MUS_PROC_REMOVE)
		return;
	servers = c->facts->servers[want->proc.signer];
	if (servers & c->facts->reach) {
		want->proc.clock[MUS_CLOCK_CUT].from = MUS_TIME_NEVER;
		return;
	}
	tick(c, want, MUS_CLOCK_CUT, MUS_RES_HOLDS, cut_of(c, want, servers));
}

/* CSYNC is asked for, with a serial that no parent has seen yet (OP-13).  In a process it comes from
 * the begin of that, so that what a plan shows to an operator is what will be sent. */
static void
ask_by_csync(struct mus_want *want, struct mus_time now)
{
	struct mus_time at = want->proc.kind == MUS_PROC_NONE ? now : want->proc.started_at;
	uint32_t at_s = (uint32_t)mus_time_to_s(at);

	want->csync = true;
	want->csync_serial = at_s > want->csync_serial ? at_s : want->csync_serial + 1;
}

/* Is the process at or behind this row, or is there none? */
static bool
is_past(const struct mus_proc *p, const char *add_row, const char *remove_row)
{
	return p->kind == MUS_PROC_NONE ||
	    mus_row_reached(p->kind, p->row, p->kind == MUS_PROC_ADD ? add_row : remove_row);
}

void
mus_proc_mend(const struct mus_ctx *c, struct mus_want *want)
{
	const struct mus_proc *p = &want->proc;
	bool is_done = is_past(p, "stop", "csync-removed");
	enum mus_result ns, parent = MUS_RES_UNKNOWN;

	/* Who never asked the parent for anything does not begin without an order. */
	if (want->csync_serial == 0 || !is_past(p, "csync-added", "csync-added"))
		return;
	ns = mus_condition(c, MUS_RULE_NSSET, NULL);
	if (ns == MUS_RES_HOLDS)
		parent = mus_condition(c, MUS_RULE_PARENTNS, NULL);
	if (!want->csync && (parent == MUS_RES_FAILS || (is_done && ns == MUS_RES_FAILS)))
		ask_by_csync(want, c->now);
	else if (want->csync && is_done && parent == MUS_RES_HOLDS && !c->policy->csync_keep)
		want->csync = false;
}

static void
set_bit(uint8_t *mask, uint8_t bit, bool on, struct mus_clock *clock)
{
	uint8_t now = on ? *mask | bit : (uint8_t)(*mask & ~bit);

	/* What the clock waits for is another thing from here on. */
	if (now != *mask)
		clock->from = MUS_TIME_NEVER;
	*mask = now;
}

void
mus_proc_act(const struct mus_ctx *c, struct mus_want *want)
{
	struct mus_proc *p = &want->proc;
	uint8_t bit = (uint8_t)(1u << p->signer);
	bool joins = p->kind == MUS_PROC_ADD;
	const char *name;
	unsigned count;

	name = mus_rows(p->kind, &count)[p->row].name;
	if (strcmp(name, "dnskeys-synced") == 0) {
		set_bit(&want->keyg, bit, joins, &p->clock[MUS_CLOCK_KEY]);
	} else if (strcmp(name, "cds-added") == 0) {
		set_bit(&want->dsg, bit, joins, &p->clock[MUS_CLOCK_DS]);
	} else if (strcmp(name, "nses-synced") == 0) {
		set_bit(&want->nsg, bit, joins, &p->clock[MUS_CLOCK_NS]);
	} else if (strcmp(name, "csync-added") == 0) {
		if (mus_condition(c, MUS_RULE_PARENTNS, NULL) != MUS_RES_HOLDS)
			ask_by_csync(want, c->now);
	} else if (strcmp(name, "csync-removed") == 0 || strcmp(name, "stop") == 0) {
		if (!c->policy->csync_keep)
			want->csync = false;
	}
}
