/*
 * Commands on their way: what an operator asks of a signer, and what a roll-over has come to.  An order is stored
 * with the state of its zone before it is run, and again when it has ended well: killed in between, it is run once
 * more, up to TRIES_MAX times.  Nothing is believed of it: the next look shows what the signer does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

enum {
	TRIES_MAX = 5,			/* then it is the operator's */
	PAUSE_DOUBLED = 8,		/* between them: schedule.retry, doubled up to so many times of it */
	SHOWN_MS = 3600000,		/* how a roll that no new key follows has ended is told so long */
	AT_ONCE = 4,
	WAITING_MAX = 1024,
};

struct eng_order {
	struct mus_engine *e;
	struct eng_zone *z;		/* NULL: no zone of ours any more */
	struct eng_order *next;		/* of the same zone */
	struct eng_order *after;	/* before the commit */
	LIST_ENTRY(eng_order) link;	/* of all */
	enum { ORDER_COMING, ORDER_GIVEN, ORDER_ENDED } state;
	char zone[MUS_ZONETEXT_MAX], signer[MUS_LABEL_MAX];
	int64_t zone_id, signer_id;
	enum mus_verb verb;
	enum mus_proc_kind kind;
	struct mus_time at;		/* when it was made, or has ended */
	struct mus_arena arena;		/* of cmd */
	struct mus_run_cmd cmd;
	bool well;
	int err, err_before;		/* why it, and the one whose place it took, could not be begun; 0: it was */
	char words[MUS_RUN_TEXT_MAX];	/* how it has ended */
};

/* ---- which one is due ----------------------------------------------------------------------- */

/* What the signer is waited for with in this roll-over, and may do; COUNT: nothing. */
static enum mus_verb
verb_of(const struct mus_witness *wait)
{
	return wait->result == MUS_RES_FAILS ? eng_hook_verb(wait->rule) : MUS_VERB_COUNT;
}

static struct eng_order *
find_order(const struct eng_zone *z, int64_t signer_id, enum mus_verb verb, enum mus_proc_kind kind)
{
	struct eng_order *o = z->busy ? z->busy->orders : NULL;

	while (o && (o->signer_id != signer_id || o->verb != verb || o->kind != kind))
		o = o->next;
	return o;
}

static unsigned
tries_of(const struct mus_roll *r)
{
	return r->told_row == r->row ? r->told_tries : 0;
}

static bool
is_told(const struct mus_roll *r)
{
	return tries_of(r) > 0 && r->told;
}

/* When the command is to be run (again); NEVER: not by itself. */
static struct mus_time
due_at(const struct mus_engine *e, const struct mus_roll *r)
{
	unsigned tries = tries_of(r);

	if (tries == 0)
		return MUS_TIME_ALWAYS;
	if (r->told || tries >= TRIES_MAX)
		return MUS_TIME_NEVER;
	return mus_time_add_ms(r->told_at,
	    mus_span_doubled_ms(e->o.retry_ms, tries - 1, PAUSE_DOUBLED * e->o.retry_ms));
}

/* The command of roll-over ${i} when one is to be run, at once or later; NULL: none is, or it is on its way. */
static const struct eng_hook *
hook_of(const struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan, unsigned i)
{
	const struct mus_roll *r = &plan->want.roll[i];
	enum mus_verb verb = verb_of(&plan->roll_wait[i]);
	const struct eng_order *o;

	if (r->kind == MUS_PROC_NONE || verb == MUS_VERB_COUNT || st->zone.signer[r->signer].is_lost)
		return NULL;
	o = find_order(z, st->book.signer_id[r->signer], verb, r->kind);
	if (o && o->state != ORDER_ENDED)
		return NULL;
	return eng_hook_find(e, st->book.signer[r->signer], verb, r->kind);
}

/* In a zone that is not well nobody is told to go on, nor in one that the operator has taken in hand. */
static bool
may_tell(const struct mus_engine *e, const struct mus_zonestate *st, const struct mus_policy *policy)
{
	enum mus_state_word word = mus_verdict_word(&st->seen, &e->verdict, &e->o.policy, eng_now(e));

	return !policy->held && !policy->manual && (word == MUS_STATE_VALID || word == MUS_STATE_SO_FAR);
}

/* ---- life of an order ----------------------------------------------------------------------- */

static void
order_free(struct eng_order *o)
{
	LIST_REMOVE(o, link);
	mus_arena_clear(&o->arena);
	free(o);
}

static void
take_out(struct eng_order *o)
{
	struct eng_order **p = &o->z->busy->orders;

	while (*p != o)
		p = &(*p)->next;
	*p = o->next;
}

/* Whom it tells what. */
static void
set_facts(struct eng_order *o, struct mus_engine *e, struct eng_zone *z, enum mus_verb verb,
    const struct mus_zonestate *st, const struct eng_hook_for *f)
{
	o->e = e;
	o->z = z;
	o->zone_id = z->id;
	o->signer_id = st->book.signer_id[f->signer];
	o->verb = verb;
	o->kind = f->kind;
	o->at = eng_now(e);
	snprintf(o->zone, sizeof o->zone, "%s", st->book.zone);
	snprintf(o->signer, sizeof o->signer, "%s", st->book.signer[f->signer]);
}

/* Into the list of its zone, in the place of an older one; run after the commit.  NOMEM. */
static int
order_new(struct mus_engine *e, struct eng_zone *z, const struct eng_hook *h, const struct mus_zonestate *st,
    const struct eng_hook_for *f)
{
	struct eng_busy *b = eng_busy(z);
	struct eng_order *old, *o = b ? calloc(1, sizeof *o) : NULL;

	if (!o)
		return MUS_ERR_NOMEM;
	LIST_INSERT_HEAD(&e->all_orders, o, link);
	if (!eng_hook_fill(h, st, f, &o->arena, &o->cmd)) {
		order_free(o);
		return MUS_ERR_NOMEM;
	}
	set_facts(o, e, z, h->verb, st, f);
	if ((old = find_order(z, o->signer_id, o->verb, o->kind))) {
		o->err_before = old->err;
		take_out(old);
		order_free(old);
	}
	o->next = b->orders;
	b->orders = o;
	o->after = e->orders;
	e->orders = o;
	return 0;
}

/* Into what is stored: it has ended well, or was not begun. */
static void
store_end(struct eng_order *o, bool begun)
{
	struct mus_engine *e = o->e;
	struct mus_zonestate *st = &e->scratch;
	struct mus_errtext et;

	if (o->verb == MUS_VERB_ROLL || eng_load_state(e, o->zone_id, st, &et) < 0)
		return;
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		struct mus_roll *r = &st->want.roll[i];

		if (r->kind != o->kind || st->book.signer_id[r->signer] != o->signer_id || tries_of(r) == 0)
			continue;
		if (begun)
			r->told = o->well;
		else
			r->told_tries--;
		(void)eng_save_state(e, o->zone_id, st);
	}
}

/* How often the roll-over was told, as is stored; 0 for what an operator has asked for. */
static unsigned
stored_tries(struct eng_order *o)
{
	struct mus_zonestate *st = &o->e->scratch;
	struct mus_errtext et;

	if (o->verb == MUS_VERB_ROLL || eng_load_state(o->e, o->zone_id, st, &et) < 0)
		return 0;
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (st->want.roll[i].kind == o->kind && st->book.signer_id[st->want.roll[i].signer] == o->signer_id)
			return tries_of(&st->want.roll[i]);
	return 0;
}

/* ${tries}: how often the roll-over was told, this time too. */
static void
tell_end(const struct eng_order *o, unsigned tries)
{
	struct mus_engine *e = o->e;
	const char *verb = mus_verb_text(o->verb), *role = mus_key_role_text(o->kind);
	int level = o->well ? LOG_NOTICE : LOG_WARNING;

	eng_event(e, o->zone_id, o->zone, "command", "musicd", level, "%s %s %s: %s", o->signer, verb, role, o->words);
	if (!o->well && tries >= TRIES_MAX)
		eng_event(e, o->zone_id, o->zone, "alarm", "musicd", LOG_ALERT,
		    "%s cannot be told to %s its %s: the command has failed %u times; do it there, or mend the "
		    "command and have the zone checked: then it is tried again", o->signer, verb, role, tries);
}

static void
on_end(void *arg, const struct mus_run_result *r)
{
	struct eng_order *o = arg;
	struct mus_engine *e = o->e;

	o->state = ORDER_ENDED;
	o->well = mus_run_is_well(r);
	o->at = eng_now(e);
	e->stats.commands++;
	e->stats.commands_failed += !o->well;
	(void)mus_run_text(r, o->words);
	if (!o->z) {
		order_free(o);
		return;
	}
	if (eng_begin(e) == 0)
		store_end(o, true);
	tell_end(o, stored_tries(o));
	eng_wake(e, o->z, ENG_FOCUS_ALL, 0);
}

/* ---- from the turn and the loop --------------------------------------------------------------- */

/* Is ${o}, a roll that has ended, old news?  A process that has begun since says that the operator went on without. */
static bool
is_roll_over(const struct eng_order *o, const struct mus_proc *p, struct mus_time now)
{
	return o->at.ms < now.ms - SHOWN_MS || (p->kind != MUS_PROC_NONE && p->started_at.ms >= o->at.ms);
}

/* An order that has ended is shown until what it was about goes on: a roll until the roll-over is seen, a process
 * begins, or an hour is over. */
static void
drop_ended(const struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st, const struct mus_plan *plan)
{
	struct eng_order *o, *next;

	for (o = z->busy ? z->busy->orders : NULL; o; o = next) {
		bool is_over = o->verb != MUS_VERB_ROLL || is_roll_over(o, &plan->want.proc, eng_now(e));

		next = o->next;
		for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
			const struct mus_roll *r = &plan->want.roll[i];

			if (r->kind == o->kind && st->book.signer_id[r->signer] == o->signer_id)
				is_over = o->verb == MUS_VERB_ROLL || verb_of(&plan->roll_wait[i]) != o->verb;
		}
		if (o->state != ORDER_ENDED || !is_over)
			continue;
		take_out(o);
		order_free(o);
	}
}

/* A try, as if it had run and failed: it is told, and tried again after the pause. */
static void
tell_not_made(struct mus_engine *e, struct eng_zone *z, enum mus_verb verb, const struct mus_zonestate *st,
    const struct eng_hook_for *f, int err, unsigned tries)
{
	struct eng_order o = {.state = ORDER_ENDED};

	set_facts(&o, e, z, verb, st, f);
	snprintf(o.words, sizeof o.words, "not begun: %s", mus_err_text(err));
	tell_end(&o, tries);
}

bool
eng_orders_turn(struct mus_engine *e, struct eng_zone *z, struct mus_zonestate *st, const struct mus_policy *policy,
    struct mus_time recent)
{
	drop_ended(e, z, st, &e->plan);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		struct mus_roll *r = &st->want.roll[i];
		const struct eng_hook *h = hook_of(e, z, st, &e->plan, i);
		const struct eng_hook_for f = {r->signer, r->kind, r->in, r->out};
		int rc;

		if (z->busy && z->busy->tell_again && tries_of(r) > 0 && !r->told)
			r->told_tries = 0;
		if (!h || due_at(e, r).ms > eng_now(e).ms || !may_tell(e, st, policy))
			continue;
		if (eng_is_old(st, &e->zobj, recent, eng_now(e)) && eng_busy(z))
			return z->busy->recheck = true;
		rc = order_new(e, z, h, st, &f);
		r->told_tries = (uint8_t)(tries_of(r) + 1);
		r->told_row = r->row;
		r->told = false;
		r->told_at = eng_now(e);
		if (rc < 0)
			tell_not_made(e, z, h->verb, st, &f, rc, r->told_tries);
	}
	if (z->busy)
		z->busy->tell_again = false;
	return false;
}

int64_t
eng_orders_due_ms(const struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st)
{
	int64_t next = INT64_MAX, now = eng_now(e).ms;

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		struct mus_time due = due_at(e, &st->want.roll[i]);

		if (due.ms > now && mus_time_is_set(due) && hook_of(e, z, st, &e->plan, i) && due.ms - now < next)
			next = due.ms - now;
	}
	return next;
}

void
eng_orders_start(struct mus_engine *e)
{
	struct eng_order *o = e->orders, *next;

	e->orders = NULL;
	for (; o; o = next) {
		next = o->after;
		o->after = NULL;
		/* What is not on disk is not done; the operator's own is, by a transaction of its own. */
		if (!o->z || (e->tx_failed && o->verb != MUS_VERB_ROLL) || e->stopping) {
			if (o->z)
				take_out(o);
			order_free(o);
			continue;
		}
		o->state = ORDER_GIVEN;
		if ((o->err = mus_run_start(e->runs, &o->cmd, on_end, o)) == 0)
			continue;
		o->state = ORDER_ENDED;
		snprintf(o->words, sizeof o->words, "not begun: %s", mus_err_text(o->err));
		if (eng_begin(e) == 0)
			store_end(o, false);
		/* That is no try, so each look tries again: it is told once.  An operator hears of each order. */
		if (o->verb == MUS_VERB_ROLL || o->err != o->err_before)
			tell_end(o, stored_tries(o));
	}
}

void
eng_orders_drop(struct eng_zone *z)
{
	struct eng_order *o, *next;

	for (o = z->busy ? z->busy->orders : NULL; o; o = next) {
		next = o->next;
		o->z = NULL;
		if (o->state == ORDER_ENDED)
			order_free(o);
	}
	if (z->busy)
		z->busy->orders = NULL;
}

/* ---- for the operator ----------------------------------------------------------------------- */

int
eng_order_roll(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st, const struct eng_hook_for *f)
{
	const struct eng_hook *h = eng_hook_find(e, st->book.signer[f->signer], MUS_VERB_ROLL, f->kind);

	return h ? order_new(e, z, h, st, f) : MUS_ERR_NOTFOUND;
}

void
eng_order_undo(struct mus_engine *e)
{
	struct eng_order *o = e->orders;

	e->orders = o->after;
	take_out(o);
	order_free(o);
}

/* Of roll-over ${i}; false: there is no command about it, now. */
static bool
command_of_roll(const struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan, unsigned i, struct mus_ctl_command *out)
{
	const struct mus_roll *r = &plan->want.roll[i];
	enum mus_verb verb = verb_of(&plan->roll_wait[i]);
	const struct eng_order *o;

	if (r->kind == MUS_PROC_NONE || verb == MUS_VERB_COUNT || tries_of(r) == 0)
		return false;
	*out = (struct mus_ctl_command){.signer = st->book.signer[r->signer], .verb = verb, .kind = r->kind,
	    .state = is_told(r) ? MUS_CTL_COMMAND_DONE : MUS_CTL_COMMAND_FAILED, .tries = tries_of(r),
	    .at = r->told_at, .next = due_at(e, r), .words = ""};
	o = z ? find_order(z, st->book.signer_id[r->signer], verb, r->kind) : NULL;
	if (o && o->state != ORDER_ENDED)
		out->state = MUS_CTL_COMMAND_RUNNING;
	else if (o)
		out->words = o->words;
	return true;
}

unsigned
eng_commands(const struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan, struct mus_ctl_command out[static MUS_CTL_COMMANDS_MAX])
{
	const struct eng_order *o = z && z->busy ? z->busy->orders : NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		n += command_of_roll(e, z, st, plan, i, &out[n]);
	for (; o && n < MUS_CTL_COMMANDS_MAX; o = o->next)
		if (o->verb == MUS_VERB_ROLL)
			out[n++] = (struct mus_ctl_command){.signer = o->signer, .verb = o->verb, .kind = o->kind,
			    .state = o->state != ORDER_ENDED ? MUS_CTL_COMMAND_RUNNING
				: o->well		     ? MUS_CTL_COMMAND_DONE
							     : MUS_CTL_COMMAND_FAILED,
			    .tries = 1, .at = o->at, .next = MUS_TIME_NEVER, .words = o->words};
	return n;
}

int
eng_orders_init(struct mus_engine *e)
{
	LIST_INIT(&e->all_orders);
	mus_arena_init(&e->hook_arena, 0);
	e->runs = mus_runs_new(e->o.loop, AT_ONCE, WAITING_MAX);
	return e->runs ? 0 : MUS_ERR_NOMEM;
}

void
eng_orders_end(struct mus_engine *e)
{
	struct eng_order *o;

	mus_runs_free(e->runs);
	while ((o = LIST_FIRST(&e->all_orders)))
		order_free(o);
	mus_arena_clear(&e->hook_arena);
}
