/*
 * Properties of plans along random histories (tests/lib/history.h): planning changes nothing and gives the same
 * again, the order of looks in a round does not matter, nor do the names of signers, and nobody is led to a signer
 * that is declared lost.  Whether the histories go well is the simulator's to judge (tests/sim).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "model/codec.h"
#include "history.h"

static struct world w;
static unsigned long impure, other_order, other_names, to_lost;
static uint64_t story;			/* digest of all states of a history */
static bool backwards, loses_joiners;

/* ---- properties of each plan ---------------------------------------------------------------- */

static bool
is_same_want(const struct mus_want *a, const struct mus_want *b)
{
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		if (a->proc.clock[i].from.ms != b->proc.clock[i].from.ms ||
		    a->proc.clock[i].ttl_s != b->proc.clock[i].ttl_s)
			return false;
	return a->adopted == b->adopted && a->keyg == b->keyg && a->dsg == b->dsg && a->nsg == b->nsg &&
	    a->met == b->met && a->csync == b->csync && a->csync_serial == b->csync_serial &&
	    a->proc.kind == b->proc.kind && a->proc.signer == b->proc.signer &&
	    a->proc.row == b->proc.row && a->proc.started_at.ms == b->proc.started_at.ms &&
	    a->proc.row_at.ms == b->proc.row_at.ms;
}

static bool
is_same_wait(const struct mus_witness *a, const struct mus_witness *b)
{
	return a->rule == b->rule && a->result == b->result && a->origin == b->origin &&
	    a->origin2 == b->origin2 && a->server == b->server && a->kind == b->kind &&
	    a->kind2 == b->kind2 && a->key == b->key && a->ns == b->ns && a->cause == b->cause &&
	    a->number == b->number && a->seen_at.ms == b->seen_at.ms && a->until.ms == b->until.ms;
}

static bool
is_same_plan(const struct mus_plan *a, const struct mus_plan *b)
{
	if (a->act_count != b->act_count || a->wait_count != b->wait_count)
		return false;
	for (unsigned i = 0; i < a->act_count; i++)
		if (a->act[i].id != b->act[i].id || a->act[i].why != b->act[i].why)
			return false;
	for (unsigned i = 0; i < a->wait_count; i++)
		if (!is_same_wait(&a->wait[i], &b->wait[i]))
			return false;
	return is_same_want(&a->want, &b->want) && a->wake_at.ms == b->wake_at.ms && a->poll == b->poll &&
	    a->advanced == b->advanced && a->proposal == b->proposal &&
	    a->need_copy == b->need_copy;
}

/* Planning changes nothing, and planning again gives the same. */
static void
check_pure(struct world *x)
{
	static struct mus_zonestate before;
	static struct mus_plan one, two;

	memcpy(&before, &x->state, sizeof before);
	memset(&one, 0x55, sizeof one);
	memset(&two, 0xaa, sizeof two);
	mus_plan(&x->state.zone, &x->state.seen, &x->state.want, &x->policy, x->now, &one);
	mus_plan(&x->state.zone, &x->state.seen, &x->state.want, &x->policy, x->now, &two);
	if (memcmp(&before, &x->state, sizeof before) != 0 || !is_same_plan(&one, &two))
		impure++;
}

static uint8_t
renamed_mask(uint8_t mask, const uint8_t *to)
{
	uint8_t out = 0;

	for (unsigned s = 0; s < w.signer_count; s++)
		if (mask >> s & 1)
			out |= (uint8_t)(1u << to[s]);
	return out;
}

static uint8_t
renamed(uint8_t signer, const uint8_t *to)
{
	return signer < w.signer_count ? to[signer] : signer;
}

/* The same state with the signers' indexes exchanged; keys, names and servers keep theirs. */
static void
rename_signers(const struct mus_zonestate *from, const uint8_t *to, struct mus_zonestate *out)
{
	memcpy(out, from, sizeof *out);
	for (unsigned s = 0; s < w.signer_count; s++) {
		out->zone.signer[to[s]] = from->zone.signer[s];
		out->seen.copy[to[s]] = from->seen.copy[s];
		memcpy(out->seen.signer[to[s]], from->seen.signer[s], sizeof out->seen.signer[0]);
	}
	for (unsigned k = 0; k < w.key_count; k++)
		out->zone.key[k].owner = renamed(from->zone.key[k].owner, to);
	for (unsigned n = 0; n < from->zone.ns_count; n++)
		out->zone.ns[n].owner = renamed(from->zone.ns[n].owner, to);
	for (unsigned i = 0; i < from->zone.server_count; i++)
		out->zone.server[i].origin = renamed(from->zone.server[i].origin, to);
	for (unsigned p = 0; p < from->seen.pending_count; p++)
		out->seen.pending[p].signer = renamed(from->seen.pending[p].signer, to);
	out->want.keyg = renamed_mask(from->want.keyg, to);
	out->want.dsg = renamed_mask(from->want.dsg, to);
	out->want.nsg = renamed_mask(from->want.nsg, to);
	out->want.met = renamed_mask(from->want.met, to);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (from->want.roll[i].kind != MUS_PROC_NONE)
			out->want.roll[i].signer = renamed(from->want.roll[i].signer, to);
	if (from->want.proc.kind != MUS_PROC_NONE)
		out->want.proc.signer = to[from->want.proc.signer];
}

/* Candidates for a process: which comes first is a matter of their order alone. */
static unsigned
candidates(const struct mus_zonestate *z)
{
	uint8_t full = z->want.keyg & z->want.dsg & z->want.nsg;
	unsigned count = 0;

	for (unsigned s = 0; s < w.signer_count; s++)
		count += z->zone.signer[s].is_member != (full >> s & 1);
	return count;
}

/* Other names for the signers: the same plan under those names. */
static void
check_names(struct world *x)
{
	static struct mus_zonestate other;
	static struct mus_plan one, two;
	uint8_t to[MUS_SIGNERS_MAX];
	unsigned by = 1 + world_below(x, x->signer_count - 1);

	if (candidates(&x->state) > 1)
		return;
	for (unsigned s = 0; s < x->signer_count; s++)
		to[s] = (uint8_t)((s + by) % x->signer_count);
	rename_signers(&x->state, to, &other);
	mus_plan(&x->state.zone, &x->state.seen, &x->state.want, &x->policy, x->now, &one);
	mus_plan(&other.zone, &other.seen, &other.want, &x->policy, x->now, &two);
	if (renamed_mask(one.want.keyg, to) != two.want.keyg ||
	    renamed_mask(one.want.dsg, to) != two.want.dsg ||
	    renamed_mask(one.want.nsg, to) != two.want.nsg ||
	    renamed_mask(one.want.met, to) != two.want.met || one.want.csync != two.want.csync ||
	    one.want.proc.kind != two.want.proc.kind || one.want.proc.row != two.want.proc.row ||
	    one.act_count != two.act_count || one.poll != two.poll ||
	    one.wait_count != two.wait_count || renamed_mask(one.need_copy, to) != two.need_copy)
		other_names++;
	for (unsigned i = 0; i < one.act_count; i++) {
		bool found = false;

		for (unsigned j = 0; j < two.act_count; j++)
			found |= two.act[j].signer == to[one.act[i].signer] && two.act[j].rr == one.act[i].rr &&
			    two.act[j].add == one.act[i].add && two.act[j].del == one.act[i].del;
		if (!found)
			other_names++;
	}
}

static void
tell_story(struct world *x)
{
	struct mus_buf b;

	mus_buf_init(&b, 1 << 20);
	if (!mus_zonestate_encode(&x->state, &b))
		abort();
	story = mus_siphash(b.data, b.len, story, (uint64_t)x->now.ms);
	mus_buf_clear(&b);
}

static void
set_lost(struct world *x, unsigned s, bool is_lost)
{
	x->state.zone.signer[s].is_lost = is_lost;
	for (unsigned i = 0; i < x->server_count; i++)
		if (x->server[i].origin == s)
			x->server[i].is_silent = is_lost;
}

/* The servers of a joiner that nobody is led to yet die, and it is declared lost. */
static void
lose_joiner(struct world *x)
{
	const struct mus_proc *p = &x->state.want.proc;

	if (p->kind == MUS_PROC_ADD && !(x->state.want.nsg >> p->signer & 1) &&
	    !(x->parent.copy.rr[MUS_RR_PNS].set & world_names(x, p->signer)))
		set_lost(x, p->signer, true);
}

/* Who is to sign again has joined anew, which ends it. */
static void
find_lost(struct world *x)
{
	for (unsigned s = 0; s < x->signer_count; s++)
		if (x->state.zone.signer[s].is_lost && x->state.zone.signer[s].is_member)
			set_lost(x, s, false);
}

/* Nobody is led to a signer that is declared lost. */
static void
check_lost(struct world *x)
{
	static struct mus_plan plan;
	uint64_t lost = 0;

	for (unsigned s = 0; s < x->signer_count; s++)
		if (x->state.zone.signer[s].is_lost)
			lost |= world_names(x, s);
	if (!lost)
		return;
	mus_plan(&x->state.zone, &x->state.seen, &x->state.want, &x->policy, x->now, &plan);
	for (unsigned i = 0; i < plan.act_count; i++)
		to_lost += plan.act[i].rr == MUS_RR_NS && (plan.act[i].add & lost);
}

static void
check_round(struct world *x)
{
	check_lost(x);
	if (loses_joiners && x->rounds % 90 == 20)
		lose_joiner(x);
	if (loses_joiners && x->rounds % 90 == 70)
		find_lost(x);
	if (x->rounds % 50 == 7)
		check_pure(x);
	if (x->rounds % 50 == 13)
		check_names(x);
}

static unsigned long
number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

/* The parent has one TTL, not two: of two servers with two TTLs the one told is the last.  The same holds of signers,
 * whose TTLs nobody changes (check_order). */
static void
one_ttl(struct world *x, const struct history *h)
{
	(void)h;
	x->lose_look = 0;
	x->parent.ds_ttl_low_s = 0;
	x->reverse_looks = backwards;
}

/* The same history, looked at in the opposite order in each round: the same states all along. */
static void
check_order(uint64_t seed)
{
	uint64_t first = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct history h = {.shape = one_ttl};

		backwards = i;
		history_begin(&w, &h, seed);
		h.ttls_at = MUS_TIME_NEVER;
		w.on_round = tell_story;
		story = 0;
		history_run(&w, &h);
		world_free(&w);
		if (i == 0)
			first = story;
		else if (first != story)
			other_order++;
	}
}

int
main(void)
{
	unsigned long count = number("MUS_HISTORIES", 60), seed = number("MUS_SEED", 1);
	unsigned long long rounds = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned long i = 0; i < count; i++) {
		struct history h = {0};

		history_begin(&w, &h, seed + i);
		loses_joiners = (seed + i) % 3 == 0;
		w.on_round = check_round;
		history_run(&w, &h);
		rounds += w.rounds;
		world_free(&w);
	}
	for (unsigned long i = 0; i < 1 + count / 20; i++)
		check_order(seed + i);
	printf("%lu histories from seed %lu, %llu rounds: %lu plans impure, %lu histories depend on the order of looks, "
	       "%lu plans on names, %lu lead to a lost signer\n", count, seed, rounds, impure, other_order, other_names,
	    to_lost);
	return impure || other_order || other_names || to_lost;
}
