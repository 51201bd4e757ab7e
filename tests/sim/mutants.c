#include "mutants.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "break.h"
#include "history.h"

enum { WORLDS = 84, HARMLESS_STEP = 3, BASES_MAX = 8, MUTANTS_MAX = 256, WORKERS_MAX = 64, PATIENCE_S = 25 * 86400 };

/* What removal does: harm (bogus, insecure or stuck), other plans without harm, or nothing at all. */
enum effect { EFFECT_NOTHING, EFFECT_PLANS, EFFECT_HARM };
static const char *const effect_names[] = {"nothing", "other plans", "harm"};

/* Where it is not harm, and why. */
static const struct {
	const char *name;
	enum effect effect;
	const char *why;
} exceptions[] = {
    {"ADD.1.post.V7", EFFECT_NOTHING, "covered by ADD.2.pre.V7"},
    {"ADD.2.pre.V7", EFFECT_NOTHING, "covered by ADD.1.post.V7"},
    {"ADD.5.pre.V7", EFFECT_NOTHING, "covered by DNSKEY-Wait: its clock runs while V7 holds"},
    {"ADD.1.post.V7,ADD.2.pre.V7,ADD.5.pre.V7", EFFECT_PLANS, "covered by DNSKEY-Wait"},
    {"ADD.2.pre.V10", EFFECT_NOTHING, "covered by ADD.1.pre.preflight, which asks it too"},
    {"guard,ADD.1.pre.preflight+ADD.2.pre.V10", EFFECT_PLANS, "keeps a delegation that nobody can judge as it is"},
    {"ADD.2.post.V2c", EFFECT_NOTHING, "holds in every valid state: who signs CDS signs DNSKEY"},
    {"ADD.3.post.parent-ds", EFFECT_PLANS, "covered by DS-Wait: its clock runs while it holds"},
    {"ADD.5.pre.parent-ds", EFFECT_NOTHING, "covered by DS-Wait, as ADD.3.post.parent-ds"},
    {"ADD.3.post.parent-ds,ADD.5.pre.parent-ds", EFFECT_PLANS, "covered by DS-Wait"},
    {"ADD.4.pre.DS-Wait", EFFECT_PLANS, "covered by ADD.5.pre.DS-Wait"},
    {"ADD.5.pre.DS-Wait", EFFECT_NOTHING, "covered by ADD.4.pre.DS-Wait"},
    {"ADD.4.pre.DNSKEY-Wait", EFFECT_PLANS, "covered by ADD.5.pre.DNSKEY-Wait"},
    {"ADD.5.pre.DNSKEY-Wait", EFFECT_NOTHING, "covered by ADD.4.pre.DNSKEY-Wait"},
    {"ADD.5.pre.V12", EFFECT_NOTHING, "covered by ADD.1.pre.preflight, which asks it too"},
    {"guard,ADD.1.pre.preflight+ADD.5.pre.V12", EFFECT_PLANS, "denials: the oracle does not judge them"},
    {"ADD.5.post.ns-set", EFFECT_PLANS, "liveness: CSYNC before NS"},
    {"ADD.6.post.csync", EFFECT_PLANS, "liveness"},
    {"ADD.6.post.ns-set", EFFECT_NOTHING, "covered by ADD.5.post.ns-set"},
    {"ADD.7.post.parent-ns", EFFECT_PLANS, "liveness: CSYNC goes before the parent has followed"},
    {"ADD.8.post.csync", EFFECT_PLANS, "liveness: the end is told too early"},
    {"REMOVE.1.pre.last-signer", EFFECT_PLANS, "covered: nothing takes away the last NS"},
    {"REMOVE.1.pre.V1", EFFECT_NOTHING, "covered by V12, which must know who stays too"},
    {"REMOVE.1.pre.V1,REMOVE.1.pre.V12", EFFECT_PLANS, "who stays must be known to stand"},
    {"REMOVE.1.pre.V10", EFFECT_PLANS, "keeps a delegation that nobody can judge as it is"},
    {"REMOVE.1.pre.V12", EFFECT_PLANS, "denials: the oracle does not judge them"},
    {"REMOVE.1.post.ns-set", EFFECT_PLANS, "covered by reach"},
    {"REMOVE.2.post.csync", EFFECT_PLANS, "liveness"},
    {"REMOVE.2.post.ns-set", EFFECT_NOTHING, "covered by REMOVE.1.post.ns-set"},
    {"REMOVE.3.post.parent-ns", EFFECT_PLANS, "covered by reach"},
    {"REMOVE.3.post.ns-set", EFFECT_NOTHING, "covered by REMOVE.1.post.ns-set"},
    {"REMOVE.1.post.ns-set,REMOVE.2.post.ns-set,REMOVE.3.post.ns-set,REMOVE.3.post.parent-ns", EFFECT_PLANS,
	"covered by reach"},
    {"REMOVE.4.post.csync", EFFECT_PLANS, "liveness"},
    {"REMOVE.5.pre.NS-Wait", EFFECT_PLANS, "covered by reach"},
    {"REMOVE.5.pre.reach", EFFECT_PLANS, "covered by REMOVE.6.pre.reach"},
    {"REMOVE.6.pre.reach", EFFECT_NOTHING, "covered by REMOVE.5.pre.reach"},
    {"REMOVE.6.pre.DATA-Wait", EFFECT_PLANS, "covered by REMOVE.7.pre.DATA-Wait"},
    {"REMOVE.7.pre.reach", EFFECT_NOTHING, "covered by REMOVE.6.pre.reach"},
    {"REMOVE.7.pre.DATA-Wait", EFFECT_NOTHING, "covered by REMOVE.6.pre.DATA-Wait"},
    {"REMOVE.8.pre.reach", EFFECT_NOTHING, "covered by REMOVE.6.pre.reach"},
    {"REMOVE.8.pre.DATA-Wait", EFFECT_NOTHING, "covered by REMOVE.6.pre.DATA-Wait"},
    {"REMOVE.5.pre.NS-Wait,REMOVE.5.pre.reach,REMOVE.6.pre.reach,REMOVE.7.pre.reach,REMOVE.8.pre.reach", EFFECT_HARM,
	"DATA-Wait covers it, for its clock runs from the end of reach; but not where a secondary has the leaver's copy"},
    {"REMOVE.8.post.G3", EFFECT_PLANS, "liveness: the end is told too early"},
    {"REMOVE.9.post.parent-ds", EFFECT_PLANS, "liveness: the end is told too early"},
    {"known", EFFECT_PLANS, "covered by posts, which ask who is known too"},
    {"first-ds", EFFECT_NOTHING, "no history here begins insecure (unit tests)"},
    {"V3", EFFECT_NOTHING, "one algorithm here (unit tests)"},
    {"astray", EFFECT_PLANS, "covered by V10 in the rows; it is for roll-overs and withdrawals (unit tests)"},
    {"new-alg", EFFECT_NOTHING, "one algorithm here (unit tests)"},
    {"import", EFFECT_PLANS, "protects the work of validators"},
};

/* Conditions that cover each other, removed together; or on top of what covers them. */
static const struct {
	const char *base, *names;
} together[] = {
    {"", "guard,waits"},
    {"guard", "ADD.1.post.V7,ADD.2.pre.V7,ADD.5.pre.V7"},
    {"guard", "ADD.1.post.V7,ADD.2.pre.V7,ADD.5.pre.V7,ADD.4.pre.DNSKEY-Wait,ADD.5.pre.DNSKEY-Wait"},
    {"guard,ADD.1.pre.preflight", "ADD.2.pre.V10"},
    {"guard,ADD.1.pre.preflight", "ADD.5.pre.V12"},
    {"guard", "ADD.3.post.parent-ds,ADD.5.pre.parent-ds"},
    {"guard", "ADD.4.pre.DS-Wait,ADD.5.pre.DS-Wait"},
    {"guard", "ADD.4.pre.DNSKEY-Wait,ADD.5.pre.DNSKEY-Wait"},
    {"guard", "REMOVE.1.pre.V1,REMOVE.1.pre.V12"},
    {"guard", "REMOVE.1.post.ns-set,REMOVE.2.post.ns-set,REMOVE.3.post.ns-set,REMOVE.3.post.parent-ns"},
    {"guard", "REMOVE.5.pre.NS-Wait,REMOVE.5.pre.reach,REMOVE.6.pre.reach,REMOVE.7.pre.reach,REMOVE.8.pre.reach"},
    {"guard", "REMOVE.6.pre.DATA-Wait,REMOVE.7.pre.DATA-Wait,REMOVE.8.pre.DATA-Wait"},
};

struct mutant {
	char name[200];			/* what is removed */
	const char *base;		/* ... while this is off anyway */
	bool harmless;			/* with all the rest in place */
	enum effect expected, found;
	const char *why;
	enum history_end end;		/* how it harmed, ... */
	unsigned world;			/* ... first in this one */
	unsigned tried;
};
struct shared {
	_Atomic unsigned next;
	unsigned count;
	struct mutant m[MUTANTS_MAX];
};

static struct world w;

/* ---- worlds that provoke -------------------------------------------------------------------- */

/* What is wrong in them; it is mended after some days. */
enum trouble {
	CALM,				/* nothing: signers join and leave, one kind of RRset lives long */
	MINDS,				/* people change their minds, the parent and changes are slow */
	UNSIGNED,			/* who joins has not signed its zone */
	DENIAL,				/* who joins, or stays, denies badly */
	UNSEEN,				/* nobody but us can see who stays */
	NOBODY,				/* everybody is to leave */
	OWNERLESS,			/* the delegation lists a name server of nobody */
	STRANGER,			/* who joins lists one that is no signer, and takes no change of NS */
	YOUNG,				/* the DS set was changed just before anybody looked */
	LOWERED,			/* and its TTL lowered with that */
	DIGESTS,			/* one digest type is there for some keys only */
	CLASH,				/* two keys have one tag */
	OWN_CDS,			/* the parent hears of both, and CDS speaks of one; it is slow */
	BACK_CDS,			/* who leaves is wanted again when CDS without it is on its way ... */
	BACK_KEYS,			/* ... or DNSKEY */
	OFF_NS,				/* who joins is wanted no more when NS with it is on its way ... */
	OFF_PARENT,			/* ... or taken up by the parent */
	ROLL,				/* a signer rolls, and the parent cannot be seen */
	TROUBLE_COUNT,
};
enum { BEFORE_S = 300, MEND_S = 6 * 86400 };

/* One kind of RRset lives long, the others short; nothing fails; servers lag. */
static void
shape(struct world *x, const struct history *h)
{
	unsigned profile = h->seed % 4;

	for (unsigned s = 0; s < x->signer_count; s++) {
		struct world_signer *g = &x->signer[s];

		for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
			if (k < MUS_RR_DS || k >= MUS_RR_COUNT)
				g->copy.rr[k].ttl_s = profile == 3 && k >= MUS_RR_SOA ? 40000 : 60;
		g->copy.rr[MUS_RR_KEY].ttl_s = profile == 1 ? 20000 : 60;
		g->copy.rr[MUS_RR_NS].ttl_s = profile == 2 ? 20000 : 60;
		g->hidden_ttl_s = profile == 3 ? 80000 : 60;
		g->refuses_transfer = false;
		x->state.zone.signer[s].declared_max_ttl_s = 0;
	}
	x->parent.ds_ttl_s = x->parent.copy.rr[MUS_RR_DS].ttl_s = profile == 0 ? 40000 : 60;
	x->parent.copy.rr[MUS_RR_PNS].ttl_s = profile == 2 && h->seed % 8 == 2 ? 60000 : 60;
	x->parent.ds_ttl_low_s = profile == 0 && h->seed % 8 == 0 ? 300 : 0;
	x->parent.scan_s = profile == 1 ? 60 : 900;
	x->parent.delay_s = profile == 1 ? 0 : 300;
	x->policy.parent_ttl_floor_s = 60;
	x->lose_look = x->lose_command = x->double_command = x->command_delay_s = x->restart = 0;
	x->poll_s = 60;
	x->idle_s = 1800;
	x->policy.gap_s = 3 * x->idle_s;
}

static void
shape_minds(struct world *x, const struct history *h)
{
	shape(x, h);
	x->parent.scan_s = 1200;
	x->parent.delay_s = 4000;
	x->policy.parent_ttl_floor_s = 7200;
	x->command_delay_s = h->seed % 2 ? 1500 : 0;
}

static void
shape_ownerless(struct world *x, const struct history *h)
{
	struct mus_zone *z = &x->state.zone;
	unsigned n = z->ns_count++;

	shape(x, h);
	z->ns[n] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN};
	for (unsigned s = 0; s < h->members; s++)
		x->signer[s].copy.rr[MUS_RR_NS].set |= mus_bit(n);
	x->parent.copy.rr[MUS_RR_PNS].set |= mus_bit(n);
}

static void
shape_stranger(struct world *x, const struct history *h)
{
	shape(x, h);
	x->signer[1].copy.rr[MUS_RR_NS].set |= world_names(x, 2);
	x->signer[1].drops = 1u << MUS_RR_NS;
}

static void
shape_lowered(struct world *x, const struct history *h)
{
	shape(x, h);
	x->parent.ds_ttl_s = x->parent.copy.rr[MUS_RR_DS].ttl_s = 86400;
	x->parent.ds_ttl_low_s = 300;
	x->policy.parent_ttl_floor_s = 86400;
}

static void
shape_clash(struct world *x, const struct history *h)
{
	shape(x, h);
	for (unsigned k = 0; k < x->key_count; k++)
		if (!x->state.zone.key[k].is_sep)
			x->state.zone.key[k].tag = 4711;
}

static void
shape_short(struct world *x, const struct history *h)
{
	shape(x, h);
	for (unsigned s = 0; s < x->signer_count; s++) {
		for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
			x->signer[s].copy.rr[k].ttl_s = 60;
		x->signer[s].hidden_ttl_s = 60;
		x->signer[s].own_cds_dts = 0;
	}
	for (unsigned k = MUS_RR_DS; k < MUS_RR_COUNT; k++)
		x->parent.copy.rr[k].ttl_s = 60;
	x->parent.ds_ttl_s = 60;
	x->parent.ds_ttl_low_s = 0;
}

static void
shape_slow_parent(struct world *x, const struct history *h)
{
	shape_short(x, h);
	x->parent.scan_s = 60;
	x->parent.delay_s = 4000;
	x->policy.parent_ttl_floor_s = 7200;
	for (unsigned i = 0; i < x->server_count; i++)
		x->server[i].lag_s = 0;
}

static void
shape_own_cds(struct world *x, const struct history *h)
{
	shape_slow_parent(x, h);
	x->signer[0].own_cds_dts = 1 << 1;
	x->command_delay_s = 1500;
	x->prompt = (uint16_t)~(1u << MUS_RR_CDS | 1u << MUS_RR_CDNSKEY);
}

static void
shape_slow_changes(struct world *x, const struct history *h)
{
	shape_short(x, h);
	x->command_delay_s = 1500;
	x->parent.scan_s = 60;
	x->parent.delay_s = 0;
	x->policy.parent_ttl_floor_s = 7200;
}

/* Only DNSKEY is slow, and the parent looks once a day. */
static void
shape_slow_keys(struct world *x, const struct history *h)
{
	shape_slow_changes(x, h);
	x->prompt = (uint16_t)~(1u << MUS_RR_KEY);
	x->parent.scan_s = 86400;
	x->policy.parent_ttl_floor_s = 60;
}

/* Only NS is slow. */
static void
shape_slow_names(struct world *x, const struct history *h)
{
	shape_slow_changes(x, h);
	x->prompt = (uint16_t)~(1u << MUS_RR_NS);
}

/* The operator changes his mind when the controller has come to this row. */
static unsigned turn_row;

static void
turn(struct world *x)
{
	const struct history *h = x->script_data;
	const struct mus_proc *p = &x->state.want.proc;

	if (p->kind == (h->members == 2 ? MUS_PROC_REMOVE : MUS_PROC_ADD) && p->row == turn_row) {
		world_member(x, 1, h->members == 2);
		x->on_round = NULL;
	}
}

/* The parent has heard of both already, by hand; the second is in no NS set. */
static void
name_both(uint64_t dt1, uint64_t dt2)
{
	struct world_set *ds = &w.parent.copy.rr[MUS_RR_DS];

	world_advance(&w, mus_time_add_s(w.now, BEFORE_S));
	ds->set = dt1 | dt2;
	ds->dt[1] = dt1;
	ds->dt[2] = dt2;
	if (w.parent.ds_ttl_low_s)
		ds->ttl_s = w.parent.ds_ttl_low_s;
	world_changed(&w, MUS_PARENT);
	for (unsigned i = 0; i < w.server_count; i++)
		if (w.server[i].origin == MUS_PARENT)
			w.server[i].load_at = mus_time_add_s(w.now, 1);
	world_advance(&w, mus_time_add_s(w.now, 2));
}

/* The parent is told of the second by hand, and it is to join, when the first was watched for long. */
static void
name_late(struct world *x)
{
	struct world_set *ds = &x->parent.copy.rr[MUS_RR_DS];

	if (x->now.ms < mus_time_add_s(x->begun, 4 * 3600).ms)
		return;
	x->on_round = NULL;
	world_member(x, 1, true);
	ds->set = ds->dt[1] = x->signer[0].key_signers | x->signer[1].key_signers;
	world_changed(x, MUS_PARENT);
}

/* When it has been looked at, the parent cannot be seen any more, and a signer rolls. */
static void
roll_blind(struct world *x)
{
	struct world_signer *g = &x->signer[0];

	if (x->rounds < 3)
		return;
	x->on_round = NULL;
	world_silence(x, 0, true, 2 * 86400);
	world_roll(x, 0, g->data_signers == g->key_signers, 600, true, false);
}

static void
set_signing(unsigned s, bool on)
{
	static uint64_t key_signers, data_signers;

	if (!on) {
		key_signers = w.signer[s].key_signers;
		data_signers = w.signer[s].data_signers;
	}
	w.signer[s].key_signers = on ? key_signers : 0;
	w.signer[s].data_signers = on ? data_signers : 0;
	world_changed(&w, s);
	for (unsigned i = 0; i < w.server_count; i++)
		if (w.server[i].origin == s)
			w.server[i].load_at = w.now;
}

/* Time to put right what was wrong. */
static void
mend(struct world *x)
{
	struct history *h = x->script_data;
	unsigned last = x->state.zone.ns_count - 1;

	for (unsigned s = 0; s < x->signer_count; s++) {
		x->signer[s].drops = 0;
		x->signer[s].denies_badly = false;
		if (x->signer[s].key_signers == 0)
			set_signing(s, true);
		if (x->state.zone.ns[last].owner == MUS_OWNER_UNKNOWN)
			x->signer[s].copy.rr[MUS_RR_NS].set &= ~mus_bit(last);
		world_changed(x, s);
	}
	if (x->state.zone.ns[last].owner == MUS_OWNER_UNKNOWN)
		x->parent.copy.rr[MUS_RR_PNS].set &= ~mus_bit(last);
	world_changed(x, MUS_PARENT);
	for (unsigned k = 0; k < x->key_count; k++)
		x->state.zone.key[k].tag = (uint16_t)(1000 + k);
	for (unsigned i = 0; i < x->server_count; i++)
		x->server[i].is_unseen = false;
	if (!x->state.zone.signer[0].is_member && !x->state.zone.signer[1].is_member)
		world_member(x, 1, true);
	h->ends_at = x->script_at = MUS_TIME_NEVER;
}

/* How many worlds of each; who are members at first (one_or_two: in every other world two), and who is wanted then. */
enum { ONLY_A = 1, ONLY_B = 2, BOTH = 3 };
static const struct {
	const char *name;
	unsigned worlds;
	void (*shape)(struct world *, const struct history *);
	unsigned signers, members;	/* 0: drawn, and people want this and that */
	bool one_or_two;
	uint8_t wanted_of_one, wanted_of_two;
	void (*on_round)(struct world *);
	unsigned row;			/* for turn() */
} troubles[TROUBLE_COUNT] = {
    [CALM] = {"calm", 24, shape},
    [MINDS] = {"minds", 24, shape_minds},
    [UNSIGNED] = {"unsigned", 2, shape, 2, 1, false, BOTH},
    [DENIAL] = {"denial", 2, shape, 2, 1, true, BOTH, ONLY_B},
    [UNSEEN] = {"unseen", 1, shape, 2, 2, false, 0, ONLY_B},
    [NOBODY] = {"nobody", 1, shape, 2, 2, false, 0, 0},
    [OWNERLESS] = {"ownerless", 2, shape_ownerless, 2, 1, true, BOTH, ONLY_A},
    [STRANGER] = {"stranger", 2, shape_stranger, 3, 1, false, BOTH},
    [YOUNG] = {"young", 4, shape, 2, 1, false, BOTH},
    [LOWERED] = {"lowered", 4, shape_lowered, 2, 1, false, BOTH},
    [DIGESTS] = {"digests", 4, shape, 2, 1, false, BOTH},
    [CLASH] = {"clash", 2, shape_clash, 2, 1, false, BOTH},
    [OWN_CDS] = {"own-cds", 2, shape_own_cds, 2, 1, false, ONLY_A, 0, name_late},
    [BACK_CDS] = {"back-cds", 2, shape_slow_changes, 2, 2, false, 0, ONLY_A, turn, 7},
    [BACK_KEYS] = {"back-keys", 2, shape_slow_keys, 2, 2, false, 0, ONLY_A, turn, 8},
    [OFF_NS] = {"off-ns", 2, shape_slow_names, 2, 1, false, BOTH, 0, turn, 5},
    [OFF_PARENT] = {"off-parent", 2, shape_slow_parent, 2, 1, false, BOTH, 0, turn, 7},
    [ROLL] = {"roll", 2, shape, 2, 2, false, 0, BOTH, roll_blind},
};

/* One join or one leave, with one thing wrong. */
static void
begin_trouble(enum trouble t, struct history *h)
{
	uint64_t seps[2] = {w.signer[0].key_signers, w.signer[1].key_signers};
	uint8_t wanted = h->members == 2 ? troubles[t].wanted_of_two : troubles[t].wanted_of_one;

	h->order_at = MUS_TIME_NEVER;
	h->ends_at = w.script_at = mus_time_add_s(w.now, MEND_S);
	w.script = mend;
	w.on_round = troubles[t].on_round;
	turn_row = troubles[t].row;
	world_member(&w, 0, wanted & ONLY_A);
	world_member(&w, 1, wanted & ONLY_B);
	w.signer[1].denies_badly = t == DENIAL;
	if (t == UNSIGNED)
		set_signing(1, false);
	for (unsigned i = 0; i < w.server_count; i++)
		w.server[i].is_unseen = t == UNSEEN && w.server[i].origin == 1;
	if (t == YOUNG || t == LOWERED)
		name_both(seps[0] | seps[1], 0);
	else if (t == DIGESTS)
		name_both(seps[0] | seps[1], seps[0]);
}

static void
begin(enum trouble t, struct history *h)
{
	h->shape = troubles[t].shape;
	h->patience_s = PATIENCE_S;
	h->signers = troubles[t].signers;
	h->members = troubles[t].one_or_two ? 1 + h->seed % 2 : troubles[t].members;
	history_begin(&w, h, h->seed);
	h->orders = t == MINDS ? 4 : 3;
	h->rolls = 0;
	h->roll_at = h->fault_at = MUS_TIME_NEVER;
	h->fails_servers = h->fails_signers = h->sets_clock = h->goes_back = h->rolls_early = false;
	h->leaver = -1;
	if (h->signers)
		begin_trouble(t, h);
}

/* ---- one mutant ----------------------------------------------------------------------------- */

static enum trouble
trouble_of(unsigned world)
{
	unsigned t = 0;

	for (; world >= troubles[t].worlds; t++)
		world -= troubles[t].worlds;
	return (enum trouble)t;
}

static enum history_end
live(unsigned world)
{
	struct history h = {.seed = world};

	begin(trouble_of(world), &h);
	return history_run(&w, &h);
}

static enum history_end
try(const char *names, unsigned world, uint64_t *plans)
{
	enum history_end end;
	const char *what;

	if (!break_parse(names, &mus_cut, &what))
		abort();
	end = live(world);
	*plans = w.plans;
	world_free(&w);
	return end;
}

enum history_end
mutants_story(unsigned world, FILE *to)
{
	enum history_end end;

	if (world >= WORLDS)
		return HISTORY_END_COUNT;
	w.story = to;
	end = live(world);
	fprintf(to, "  the end: %s\n", history_end_text(end));
	if (w.oracle.first[0])
		fprintf(to, "  the oracle, at %s\n", w.oracle.first);
	w.story = NULL;
	world_free(&w);
	return end;
}

/* How the same goes without the mutation; kept, for all mutants ask it. */
static enum history_end
try_base(const char *base, unsigned world, uint64_t *plans)
{
	static struct {
		const char *base;
		bool known[WORLDS];
		enum history_end end[WORLDS];
		uint64_t plans[WORLDS];
	} kept[BASES_MAX];
	unsigned b = 0;

	while (kept[b].base && strcmp(kept[b].base, base) != 0)
		b++;
	kept[b].base = base;
	if (!kept[b].known[world]) {
		kept[b].end[world] = try(base, world, &kept[b].plans[world]);
		kept[b].known[world] = true;
	}
	*plans = kept[b].plans[world];
	return kept[b].end[world];
}

static void
examine(struct mutant *m)
{
	char names[220];

	snprintf(names, sizeof names, "%s%s%s", m->base, m->base[0] ? "," : "", m->name);
	for (unsigned world = 0; world < WORLDS && m->found != EFFECT_HARM;
	    world += m->harmless ? HARMLESS_STEP : 1) {
		uint64_t plans, base_plans;
		enum history_end end;

		if (try_base(m->base, world, &base_plans) != HISTORY_GOOD)
			continue;
		m->tried++;
		end = try(names, world, &plans);
		if (end != HISTORY_GOOD && !(m->harmless && end == HISTORY_STUCK)) {
			m->found = EFFECT_HARM;
			m->end = end;
			m->world = world;
		} else if (plans != base_plans) {
			m->found = EFFECT_PLANS;
		}
	}
}

/* ---- the table ------------------------------------------------------------------------------ */

static void
add(struct shared *s, const char *name, const char *base, bool harmless)
{
	struct mutant *m = &s->m[s->count++];
	char with_base[256];

	*m = (struct mutant){.base = base, .harmless = harmless, .expected = EFFECT_HARM, .why = ""};
	snprintf(m->name, sizeof m->name, "%s", name);
	snprintf(with_base, sizeof with_base, "%s+%s", base, name);
	for (unsigned i = 0; i < sizeof exceptions / sizeof exceptions[0] && !harmless; i++)
		if (strcmp(exceptions[i].name, name) == 0 || strcmp(exceptions[i].name, with_base) == 0) {
			m->expected = exceptions[i].effect;
			m->why = exceptions[i].why;
		}
}

static void
add_rows(struct shared *s, const char *base, bool harmless)
{
	/* The rows of roll-overs change nothing: they tell how far a signer is. */
	for (enum mus_proc_kind kind = 0; kind <= MUS_PROC_REMOVE; kind++) {
		unsigned count;
		const struct mus_row *rows = mus_rows(kind, &count);

		for (unsigned i = 0; i < count * 2 * MUS_ROW_RULES_MAX; i++) {
			unsigned row = i / (2 * MUS_ROW_RULES_MAX), rule = i % MUS_ROW_RULES_MAX;
			bool is_post = i / MUS_ROW_RULES_MAX % 2;
			char name[64];

			if ((is_post ? rows[row].post : rows[row].pre)[rule] == MUS_RULE_NONE)
				continue;
			break_name(kind, row, is_post, rule, name, sizeof name);
			add(s, name, base, harmless);
		}
	}
}

static void
list(struct shared *s)
{
	static const char *const clauses[] = {
#define X(id, name, what) name,
	    MUS_CLAUSE_MAP(X)
#undef X
	};

	add_rows(s, "guard", false);
	for (unsigned i = 0; i < sizeof together / sizeof together[0]; i++)
		add(s, together[i].names, together[i].base, false);
	for (unsigned c = 0; c < MUS_CLAUSE_COUNT; c++)
		add(s, clauses[c], "waits", false);
	add_rows(s, "", true);
}

static bool
is_expected(const struct mutant *m)
{
	if (m->harmless)
		return m->found != EFFECT_HARM && m->tried > WORLDS / HARMLESS_STEP / 2;
	return m->found == m->expected && m->tried > 0;
}

static void
tell(const struct mutant *m)
{
	char found[64];

	snprintf(found, sizeof found, "%s", effect_names[m->found]);
	if (m->found == EFFECT_HARM)
		snprintf(found, sizeof found, "%s (%s, %u)", history_end_text(m->end),
		    troubles[trouble_of(m->world)].name, m->world);
	printf("%-6s %-26s %-30s %-12s %-22s %s\n", is_expected(m) ? "ok" : "NOT OK", m->base[0] ? m->base : "-", m->name,
	    m->harmless ? "no harm" : effect_names[m->expected], found, m->why);
}

int
mutants_run(unsigned workers)
{
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned bad = 0;

	if (s == MAP_FAILED)
		abort();
	list(s);
	fflush(NULL);
	for (unsigned i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			abort();
		if (pid == 0) {
			for (unsigned m; (m = atomic_fetch_add(&s->next, 1)) < s->count;)
				examine(&s->m[m]);
			exit(0);
		}
	}
	for (unsigned i = 0; i < workers; i++) {
		int status;

		if (wait(&status) < 0 || status != 0)
			bad++;
	}
	printf("%-6s %-26s %-30s %-12s %-22s %s\n", "", "off", "removed", "expected", "found", "why");
	for (unsigned m = 0; m < s->count; m++) {
		tell(&s->m[m]);
		bad += !is_expected(&s->m[m]);
	}
	printf("mutants: %u, %u not as expected\n", s->count, bad);
	return bad ? 1 : 0;
}
