/*
 * The end of a turn: take in, settle, plan, judge, store; then what is to be done is queued until
 * the commit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

/* A leaver that is on no zone any more is no member: it has left the last one, or its join was taken
 * back before it took part, or this zone was the last of which nothing was known. */
static void
after_process(struct mus_engine *e, const struct mus_want *before, const struct mus_zonestate *st)
{
	if (st->want.proc.kind == MUS_PROC_NONE && st->want.adopted &&
	    (before->proc.kind != MUS_PROC_NONE || !before->adopted))
		eng_ctl_left(e, e->zobj.group_id, st);
}

static void
save_status(struct mus_engine *e, struct eng_zone *z)
{
	struct mus_errtext et;

	if (eng_begin(e) < 0)
		return;
	if (mus_store_save_zone_status(e->o.store, &e->zobj, &et) < 0)
		eng_store_failed(e, e->zobj.name, &et);
	else
		eng_keep_zone(e, z);
}

static void
status(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan, const struct mus_policy *policy, int64_t next_ms)
{
	struct mus_zone_obj *o = &e->zobj;
	const struct mus_proc *p = &plan->want.proc;
	enum mus_state_word word =
	    plan->want.adopted ? mus_verdict_word(&st->seen, &e->verdict, &e->o.policy, eng_now(e))
			       : MUS_STATE_UNKNOWN;

	if (o->state[0] && strcmp(o->state, mus_state_text(word)) != 0) {
		bool unknown = word == MUS_STATE_UNKNOWN;
		int level = word == MUS_STATE_INVALID	     ? LOG_ALERT
		    : word == MUS_STATE_AT_RISK || unknown ? LOG_WARNING
							     : LOG_NOTICE;
		char why[MUS_TEXT_MAX] = "";

		/* In a process much is still to come true while the zone is valid. */
		for (unsigned i = 0; (unknown || word >= MUS_STATE_AT_RISK) && i < e->verdict.finding_count; i++)
			if (e->verdict.finding[i].result == (unknown ? MUS_RES_UNKNOWN : MUS_RES_FAILS)) {
				mus_witness_text(&st->book, &st->zone, &e->verdict.finding[i], why);
				break;
			}
		eng_event(e, o->id, o->name, "state", "musicd", level, "%s -> %s%s%s", o->state,
		    mus_state_text(word), why[0] ? ": " : "", why);
	}
	snprintf(o->state, sizeof o->state, "%s", mus_state_text(word));
	o->process[0] = o->row[0] = o->waiting[0] = '\0';
	if (p->kind != MUS_PROC_NONE) {
		snprintf(o->process, sizeof o->process, "%s %.40s", mus_proc_text(p->kind),
		    st->book.signer[p->signer]);
		snprintf(o->row, sizeof o->row, "%s", mus_row_name(p->kind, p->row));
	}
	o->waiting_until = MUS_TIME_NEVER;
	if (plan->wait_count) {
		char text[MUS_TEXT_MAX];

		mus_witness_text(&st->book, &st->zone, &plan->wait[0], text);
		snprintf(o->waiting, sizeof o->waiting, "%s", text);
		o->waiting_until = plan->wait[0].until;
		if (z->busy && strcmp(z->busy->last_wait, text) != 0) {
			snprintf(z->busy->last_wait, sizeof z->busy->last_wait, "%s", text);
			z->busy->wait_since = eng_now(e);
			if (p->kind != MUS_PROC_NONE)
				eng_event(e, o->id, o->name, "waiting", "musicd", LOG_INFO, "%s", text);
		}
	}
	if (z->busy)
		z->busy->row_at = p->kind != MUS_PROC_NONE ? p->row_at : MUS_TIME_NEVER;
	eng_tell_manual(e, z, st, plan, policy);
	o->checked_at = eng_now(e);
	o->next_check_at = mus_time_add_ms(eng_now(e), next_ms);
	save_status(e, z);
}

void
eng_tell_unreadable(struct mus_engine *e, struct eng_zone *z, const struct mus_errtext *why)
{
	struct mus_zone_obj *o = &e->zobj;
	const char *word = mus_state_text(MUS_STATE_UNKNOWN);

	if (strcmp(o->waiting, why->s) == 0 && strcmp(o->state, word) == 0)
		return;
	eng_event(e, o->id, o->name, "state", "musicd", LOG_ERR, "%s -> %s: %s", o->state, word, why->s);
	snprintf(o->state, sizeof o->state, "%s", word);
	snprintf(o->waiting, sizeof o->waiting, "%s", why->s);
	o->waiting_until = MUS_TIME_NEVER;
	save_status(e, z);
}

/* Others are asked less often the longer they take: a quarter of the time it took so far. */
int64_t
eng_poll_ms(const struct mus_engine *e, const struct eng_zone *z)
{
	int64_t poll = e->o.poll_ms, waited;

	if (!z->busy || !mus_time_is_set(z->busy->wait_since))
		return poll;
	waited = eng_now(e).ms - z->busy->wait_since.ms;
	return waited / 4 < poll ? poll : waited / 4 > 10 * poll ? 10 * poll : waited / 4;
}

/* Changes or copies are on their way: the zone is woken when they are there. */
static bool
is_served(const struct eng_zone *z)
{
	return z->busy && (z->busy->jobs || z->busy->copying || z->busy->queued);
}

/* Who does not answer is asked again soon, and less often the longer it has been silent.  INT64_MAX: all
 * answer. */
static int64_t
silent_look_ms(const struct mus_engine *e)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < e->verdict.finding_count; i++) {
		const struct mus_witness *w = &e->verdict.finding[i];
		int64_t after = (eng_now(e).ms - w->seen_at.ms) / 8;

		if (w->rule != MUS_RULE_V6 || !mus_time_is_set(w->seen_at))
			continue;
		if (after < e->o.recheck_ms)
			after = e->o.recheck_ms;
		if (after < next)
			next = after;
	}
	return next;
}

/* When to look again: at once after a step, soon while others must move, at the instant time alone
 * changes the answer, at the interval of idle zones else. */
static int64_t
next_look_ms(const struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan)
{
	int64_t next = e->o.idle_ms, until, silent = silent_look_ms(e),
		copies = eng_copies_due_ms(e, z, plan->need_copy), orders = eng_orders_due_ms(e, z, st);

	if (silent < next)
		next = silent;
	if (plan->poll || is_served(z))
		next = is_served(z) ? 10 * e->o.poll_ms : eng_poll_ms(e, z);
	if (mus_time_is_set(plan->wake_at)) {
		/* A version may be in a cache up to and with that instant. */
		until = plan->wake_at.ms - eng_now(e).ms + 1;
		if (until < next)
			next = until < 50 ? 50 : until;
	}
	if (orders < next)
		next = orders < 50 ? 50 : orders;
	if (!is_served(z) && copies < next)
		next = copies < 50 ? 50 : copies;
	/* A process that waits by the clock is still watched. */
	if (plan->want.proc.kind != MUS_PROC_NONE && next > 30 * e->o.poll_ms)
		next = 30 * e->o.poll_ms;
	return next;
}

/* The kinds of RRsets whose change would end this wait. */
static uint32_t
focus_of_wait(const struct mus_witness *w)
{
	/* Time alone ends it. */
	if (mus_time_is_set(w->until))
		return 0;
	switch (w->rule) {
	case MUS_RULE_V7:
	case MUS_RULE_IMPORT:
	case MUS_RULE_G3:
		return 1u << MUS_RR_KEY;
	case MUS_RULE_SIGNAL:
		return 1u << MUS_RR_CDS | 1u << MUS_RR_CDNSKEY;
	case MUS_RULE_PARENTDS:
		return 1u << MUS_RR_DS;
	case MUS_RULE_NSSET:
		return 1u << MUS_RR_NS;
	case MUS_RULE_CSYNCSET:
		return 1u << MUS_RR_CSYNC;
	case MUS_RULE_PARENTNS:
		return 1u << MUS_RR_PNS;
	case MUS_RULE_OBSERVE:
		return w->kind < MUS_RR_COUNT ? 1u << w->kind : ENG_FOCUS_ALL;
	case MUS_RULE_V13:
	case MUS_RULE_TTLMAX:
		/* A copy that is still to be read: the end of the transfer wakes the zone. */
		return w->result == MUS_RES_UNKNOWN ? 0 : ENG_FOCUS_ALL;
	case MUS_RULE_QUEUE:
	case MUS_RULE_HELD:
	case MUS_RULE_MANUAL:
	case MUS_RULE_STORE:
		return 0;
	default:
		return ENG_FOCUS_ALL;
	}
}

/* What the next look asks for in any case: what is waited for, and what is in flight. */
static uint32_t
focus_of(const struct mus_plan *plan, const struct mus_seen *seen)
{
	uint32_t focus = 0;

	if (!plan->poll && plan->want.proc.kind == MUS_PROC_NONE)
		return ENG_FOCUS_ALL;
	for (unsigned i = 0; i < plan->wait_count; i++)
		focus |= focus_of_wait(&plan->wait[i]);
	for (unsigned i = 0; i < seen->pending_count; i++)
		focus |= 1u << seen->pending[i].kind;
	/* While others may change DS at any time, each version that is served is to be seen. */
	return focus || plan->need_copy ? focus : 1u << MUS_RR_DS;
}

/* Does anything fail that is tried again at its time? */
static bool
has_trouble(const struct eng_busy *b)
{
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		if (b->trouble[s].copy[0])
			return true;
	return false;
}

static void
forget_busy(struct eng_zone *z, const struct mus_plan *plan)
{
	struct eng_busy *b = z->busy;

	if (b && !has_trouble(b) && !b->jobs && !b->orders && !b->copying && !b->queued && !b->probes && !b->probing &&
	    !b->step && !b->recheck && b->forced == MUS_RULE_NONE && plan->want.proc.kind == MUS_PROC_NONE &&
	    !plan->poll) {
		free(b);
		z->busy = NULL;
	}
}

/* A force is for what stands in the way now.  When the zone no longer waits for that rule, as a look
 * at everything shows, it ends unused: it must not pass something else later. */
static void
end_unused_force(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st,
    struct mus_policy *policy)
{
	struct mus_policy without = *policy;

	without.forced = MUS_RULE_NONE;
	without.step = z->busy->step;
	mus_plan(&st->zone, &st->seen, &st->want, &without, eng_now(e), &e->plan);
	for (unsigned i = 0; i < e->plan.wait_count; i++)
		if (e->plan.wait[i].rule == policy->forced || e->plan.wait[i].result == MUS_RES_UNKNOWN)
			return;
	eng_event(e, st->book.zone_id, st->book.zone, "forced", "musicd", LOG_NOTICE,
	    "the force past %s has ended unused: that rule holds nothing any more%s%s (%s)",
	    mus_rule_text(policy->forced), e->plan.wait_count ? "; it waits for " : "",
	    e->plan.wait_count ? mus_rule_text(e->plan.wait[0].rule) : "",
	    z->busy->forced_reason);
	z->busy->forced = MUS_RULE_NONE;
	*policy = without;
}

/* A step or a force allows what was planned when it came, until that is sent: a queue may hold it back, and
 * looks come in between.  It allows nothing else, nor what comes after. */
static bool
is_elsewhere(const struct eng_busy *b, const struct mus_proc *p)
{
	return p->kind != b->allowed.kind || p->signer != b->allowed.signer || p->row != b->allowed.row;
}

void
eng_allow_at(struct eng_busy *b, const struct mus_proc *p)
{
	b->allowed.kind = p->kind;
	b->allowed.signer = p->signer;
	b->allowed.row = p->row;
}

static void
end_permission(struct eng_busy *b)
{
	b->step = b->spent = false;
	b->forced = MUS_RULE_NONE;
}

static void
use_permission(struct mus_engine *e, const struct mus_zonestate *st, struct eng_busy *b)
{
	const struct mus_proc *p = &e->plan.want.proc;

	if (b->spent || !(b->step || b->forced != MUS_RULE_NONE))
		return;
	if (b->forced != MUS_RULE_NONE)
		eng_event(e, st->book.zone_id, st->book.zone, "forced", "musicd", LOG_NOTICE,
		    "passed rule %s by force: %s", mus_rule_text(b->forced), b->forced_reason);
	b->spent = true;
	eng_allow_at(b, p);
}

/* The operator allowed what was shown; when the plan is for something else by now, that is to be shown first. */
static void
end_step_elsewhere(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st,
    struct mus_policy *policy)
{
	struct mus_policy without = *policy;

	if (!z->busy || !z->busy->step || z->busy->spent)
		return;
	without.step = false;
	mus_plan(&st->zone, &st->seen, &st->want, &without, eng_now(e), &e->plan);
	if (!is_elsewhere(z->busy, &e->plan.want.proc))
		return;
	eng_event(e, st->book.zone_id, st->book.zone, "operator", "musicd", LOG_NOTICE,
	    "the step has ended unused: the zone is no longer where it was allowed");
	z->busy->step = false;
	policy->step = policy->forced != MUS_RULE_NONE;
}

/* Is what the plan does to be judged by what was seen lately?  Taking our CSYNC away can do no harm, nor
 * can the end of a process: whatever is fresh enough for the core will do. */
static bool
needs_recent(const struct mus_plan *plan)
{
	bool harmless = plan->act_count > 0 || plan->want.proc.kind == MUS_PROC_NONE;

	if (plan->proposal || !(plan->advanced || plan->act_count))
		return false;
	for (unsigned i = 0; i < plan->act_count; i++)
		harmless &= plan->act[i].rr == MUS_RR_CSYNC && plan->act[i].add == 0;
	return !harmless;
}

/* false: nothing was decided, for something is to be done, and not all was looked at lately. */
static bool
decide(struct mus_engine *e, struct eng_zone *z, struct mus_zonestate *st, struct mus_policy *policy,
    struct mus_time recent)
{
	struct mus_time now = eng_now(e);
	struct mus_want before = st->want;

	mus_settle(&st->zone, &st->seen, &st->want, policy, now);
	if (policy->forced != MUS_RULE_NONE && !z->busy->spent && !eng_is_old(st, &e->zobj, recent, now))
		end_unused_force(e, z, st, policy);
	end_step_elsewhere(e, z, st, policy);
	mus_plan(&st->zone, &st->seen, &st->want, policy, now, &e->plan);
	e->stats.plans++;
	if (z->busy && z->busy->spent && is_elsewhere(z->busy, &e->plan.want.proc)) {
		end_permission(z->busy);
		policy->step = false;
		policy->forced = MUS_RULE_NONE;
		mus_plan(&st->zone, &st->seen, &st->want, policy, now, &e->plan);
	}
	if (needs_recent(&e->plan) && eng_is_old(st, &e->zobj, recent, now))
		return false;
	if (!e->plan.proposal && (e->plan.advanced || e->plan.act_count) && z->busy)
		use_permission(e, st, z->busy);
	st->want = e->plan.want;
	mus_judge(&st->zone, &st->seen, &st->want, policy, now, &e->verdict);
	eng_processes(e, st, &before, policy);
	eng_lost_turn(e, z, st);
	after_process(e, &before, st);
	return true;
}

void
eng_turn_done(struct eng_turn *t)
{
	struct mus_engine *e = t->e;
	struct eng_zone *z = t->z;
	struct mus_zonestate *st = &e->scratch;
	struct mus_errtext et = {""};
	struct mus_policy policy;
	int64_t next_ms = e->o.poll_ms * 5;
	bool again;

	if (t->trial) {
		eng_trial_looked(t->trial);
		return;
	}
	z->turn = NULL;
	if (z->deleted)
		goto over;
	(void)eng_begin(e);		/* as in eng_turn_start */
	if (eng_load_zone(e, z, &et) < 0 || eng_load_state(e, z->id, st, &et) < 0 ||
	    !eng_sync(e, &e->zobj, st, &et)) {
		eng_say(e, LOG_ERR, e->zobj.name, "cannot be judged: %s", et.s);
		goto over;
	}
	t->parent = eng_parent_of(e, &e->zobj, z->id, &et);
	eng_policy_of(e, &e->zobj, z, &policy);
	eng_take(t, st, &policy);
	policy.probed = eng_is_probed(t);
	if (!decide(e, z, st, &policy, mus_time_add_ms(t->at, -e->o.recheck_ms)) && eng_busy(z)) {
		eng_save_state(e, z->id, st);
		z->busy->recheck = true;
		next_ms = 0;
		goto over;
	}
	if (e->plan.poll || e->plan.want.proc.kind != MUS_PROC_NONE)
		eng_busy(z);
	eng_act(e, z, &e->zobj, st, &e->plan);
	if (z->busy && z->busy->spent && eng_signers_to_change(&e->plan) == 0)
		end_permission(z->busy);
	eng_probe_waits(e, z, st, &policy, &e->plan);
	eng_copies(e, z, &e->zobj, st, e->plan.need_copy, eng_copies_stale(t, st));
	again = eng_orders_turn(e, z, st, &policy, mus_time_add_ms(t->at, -e->o.recheck_ms));
	next_ms = again ? 0 : next_look_ms(e, z, st, &e->plan);
	status(e, z, st, &e->plan, &policy, next_ms);
	if (eng_save_state(e, z->id, st) < 0)
		next_ms = e->o.poll_ms * 5;
	z->focus |= focus_of(&e->plan, &st->seen);
	if (z->busy)
		z->busy->wake_at = e->plan.wake_at;
	eng_peek_from(t, st, &e->plan);
	eng_probe_clean(t, st);
	eng_probe_again(e, z, st, &policy);
	eng_copies_settle(e, z, e->plan.need_copy);
	forget_busy(z, &e->plan);
over:
	eng_turn_free(t);
	eng_turn_over(e, z, next_ms);
}
