/*
 * Zones: into care and out of it, and what an operator says to a process that runs.
 */
#include <stdio.h>
#include <string.h>

#include "engine/control_int.h"

bool
eng_signs(struct mus_engine *e, int64_t signer_id)
{
	struct mus_errtext et;
	const struct eng_signer *sg = eng_signer_get(e, signer_id, &et);

	return !sg || !sg->driver || !sg->driver->is_secondary;
}

/* Would anybody sign the zone, as its group and its marks are? */
bool
eng_has_signer(struct mus_engine *e, const struct mus_zone_obj *o, const struct mus_group_obj *g)
{
	for (unsigned i = 0; i < g->member_count; i++) {
		bool in = !g->member[i].leaving;
		bool lost = false;

		for (unsigned k = 0; k < o->signer_count; k++)
			if (o->signer[k].signer_id == g->member[i].signer_id) {
				in = (in && !o->signer[k].excluded) || o->signer[k].staying;
				lost = o->signer[k].lost;
			}
		if (in && !lost && eng_signs(e, g->member[i].signer_id))
			return true;
	}
	return false;
}

/* A zone that signers sign keeps one of them, or gets another. */
static int
check_has_signer(struct mus_engine *e, const struct mus_zone_obj *o, const struct mus_zone_obj *before,
    struct mus_errtext *et)
{
	struct mus_zonestate *st = &e->view;
	struct mus_group_obj g = {.id = 0};
	int rc = 0;

	if (before->group_id == o->group_id)
		return 0;
	if (o->group_id && (rc = mus_store_load_group_id(e->o.store, o->group_id, &g, et)) < 0)
		return rc;
	if (eng_has_signer(e, o, &g) || (rc = eng_load_state(e, o->id, st, et)) < 0)
		return rc;
	if (!mus_want_any(&st->want))
		return 0;
	return mus_errf(et, MUS_ERR_CONFLICT,
	    "%s would have no signer: the last cannot leave. Put it into a group with a signer, or delete "
	    "it: then it is left as it stands", o->name);
}

/* What is too much: addresses of the parent, names of the zone's own, or the group's. */
static int
check_room(struct mus_engine *e, const struct eng_at *at, const struct mus_zone_obj *o)
{
	struct mus_zone_obj before;
	struct mus_group_obj g;
	bool is_moved = false;		/* then it is the new group that does not fit */
	int rc;

	if (!o->group_id)
		return 0;
	if ((rc = mus_store_load_group_id(e->o.store, o->group_id, &g, at->et)) < 0)
		return rc;
	if (o->id) {
		if ((rc = mus_store_load_zone_id(e->o.store, o->id, &before, at->et)) < 0)
			return rc;
		is_moved = before.group_id != o->group_id;
	}
	rc = eng_check_room(e, &g, NULL, o, at->et);
	if (rc == MUS_ERR_INVAL)
		eng_point(at, is_moved		 ? "/group"
			: o->parent_addr_count ? "/parent_addresses"
			: o->signer_count	 ? "/signers"
						 : "/group");
	if (rc == 0 && (rc = eng_check_owners(e, &g, NULL, o, at->et)) == MUS_ERR_INVAL)
		eng_point(at, o->signer_count && !is_moved ? "/signers" : "/group");
	return rc < 0 ? rc : eng_check_leavers(e, &g, NULL, o, at->et);
}

/* ${before}: the zone as it is stored; of a new one it is not touched. */
static int
check_put(struct mus_engine *e, struct mus_zone_obj *o, struct mus_zone_obj *before, char *field,
    struct mus_errtext *et)
{
	const struct eng_at at = eng_at_of(field, et);
	bool fresh = o->id == 0;
	int rc = eng_check_zone(e, &at, o);

	if (rc == 0)
		rc = check_room(e, &at, o);
	if (rc == 0 && !fresh && (rc = mus_store_load_zone_id(e->o.store, o->id, before, et)) == 0)
		rc = check_has_signer(e, o, before, et);
	return rc < 0 ? rc : eng_check_cut(e, &at, o, fresh ? NULL : before);
}

int
mus_ctl_check_zone(struct mus_engine *e, struct mus_zone_obj *o, char *field, struct mus_errtext *et)
{
	struct mus_zone_obj before;

	return check_put(e, o, &before, field, et);
}

int
mus_ctl_put_zone(struct mus_engine *e, const char *actor, struct mus_zone_obj *o, char *field,
    struct mus_errtext *et)
{
	bool fresh = o->id == 0;
	int64_t old_group = o->group_id;
	struct mus_zone_obj before;
	struct mus_buf said;
	struct eng_zone *z;
	int rc = check_put(e, o, &before, field, et);

	if (rc < 0 || (rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	if (!fresh)
		old_group = before.group_id;
	o->changed_at = eng_now(e);
	if (fresh) {
		o->created_at = o->changed_at;
		o->next_check_at = o->changed_at;
		o->checked_at = o->waiting_until = MUS_TIME_NEVER;
		snprintf(o->state, sizeof o->state, "%s", mus_state_text(MUS_STATE_UNKNOWN));
	}
	rc = mus_store_save_zone(e->o.store, o, et);
	if (rc == 0 && old_group != o->group_id)
		rc = mus_store_zone_departs(e->o.store, old_group, o->id, et);
	mus_buf_init(&said, 0);
	if (rc == 0 && !fresh)
		rc = eng_say_zone(e, &before, o, &said, et);
	if (rc == 0)
		rc = eng_ctl_note(e, o->id, o->name, "operator", actor, et, "zone %s %s%s", o->name,
		    fresh ? "added" : "changed", fresh ? "" : eng_said(&said));
	mus_buf_clear(&said);
	rc = eng_ctl_end(e, rc, et);
	if (rc < 0)
		return rc;
	if (old_group != o->group_id)
		eng_ctl_left(e, old_group, NULL);
	z = eng_zone_get(e, o->id);
	if (z) {
		eng_forget_tries(z);	/* a key of its own may be mended */
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	} else {
		rc = eng_zone_add(e, o->id, eng_now(e));
	}
	return rc;
}

int
mus_ctl_delete_zone(struct mus_engine *e, const char *actor, const char *name, bool abandon,
    struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = eng_ctl_zone(e, name, &o, et);

	if (rc < 0)
		return rc;
	/* What cannot be read cannot be aborted. */
	if (o.process[0] && !abandon && eng_load_state(e, o.id, &e->view, et) != MUS_ERR_CONFLICT)
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "%s: %s is running: let it end, or give the zone up as it stands (zone delete --abandon)", o.name,
		    o.process);
	if ((rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	rc = mus_store_delete_zone(e->o.store, o.id, et);
	if (rc == 0)
		rc = eng_ctl_note(e, 0, o.name, "operator", actor, et, "zone %s deleted%s", o.name,
		    abandon ? "; what was published for it stays where it is" : "");
	rc = eng_ctl_end(e, rc, et);
	if (rc == 0) {
		eng_zone_drop(e, o.id);
		eng_ctl_left(e, o.group_id, NULL);
	}
	return rc;
}

static int
set_held(struct mus_engine *e, const char *actor, const char *zone, bool held, const char *reason,
    struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = eng_ctl_zone(e, zone, &o, et);
	struct eng_zone *z;

	if (rc == 0 && !held && !o.held)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s: is not held", o.name);
	if (rc < 0 || (rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	o.held = held;
	/* Who holds what is held and says nothing has nothing to add. */
	if (reason[0] || !held)
		snprintf(o.held_reason, sizeof o.held_reason, "%s", reason);
	o.changed_at = eng_now(e);
	rc = mus_store_save_zone(e->o.store, &o, et);
	if (rc == 0)
		rc = eng_ctl_note(e, o.id, o.name, "operator", actor, et, "%s%s%s",
		    held ? "held" : "resumed", reason[0] ? ": " : "", reason);
	rc = eng_ctl_end(e, rc, et);
	if (rc == 0 && (z = eng_zone_get(e, o.id))) {
		eng_withdraw(z);
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	}
	return rc;
}

int
mus_ctl_hold(struct mus_engine *e, const char *actor, const char *zone, const char *reason,
    struct mus_errtext *et)
{
	return set_held(e, actor, zone, true, reason, et);
}

int
mus_ctl_resume(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	return set_held(e, actor, zone, false, "", et);
}

void
eng_plan_anew(struct mus_engine *e, const struct mus_zone_obj *o)
{
	struct eng_zone *z = eng_zone_get(e, o->id);

	if (z) {
		eng_withdraw(z);
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	}
}

/* A note in the history, then a look. */
static int
noted_wake(struct mus_engine *e, const struct mus_zone_obj *o, const char *actor, const char *text,
    struct mus_errtext *et)
{
	int rc = eng_ctl_begin(e, et);

	if (rc == 0)
		rc = eng_ctl_end(e, eng_ctl_note(e, o->id, o->name, "operator", actor, et, "%s", text), et);
	if (rc == 0)
		eng_plan_anew(e, o);
	return rc;
}

/* Only what was proposed can be allowed: a step that is given for nothing would take the next thing that comes. */
static int
check_proposal(struct mus_engine *e, const struct mus_zone_obj *o, const struct mus_zone_view *view,
    struct mus_errtext *et)
{
	const struct eng_zone *z = eng_zone_get(e, o->id);
	const struct mus_plan *plan = view->plan;
	char text[MUS_TEXT_MAX];

	if (z && z->busy && z->busy->step)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s: a step is allowed already, and under way", o->name);
	if (plan->proposal)
		return 0;
	if (plan->wait_count == 0)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s: there is no step to take: nothing is to be done", o->name);
	mus_witness_text(&view->state->book, &view->state->zone, &plan->wait[0], text);
	return mus_errf(et, MUS_ERR_CONFLICT, "%s: there is no step to take now: it waits: %s", o->name, text);
}

int
mus_ctl_step(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	struct mus_zone_view view;
	struct mus_zone_obj o;
	struct eng_zone *z;
	int rc = eng_ctl_zone(e, zone, &o, et);

	if (rc < 0)
		return rc;
	if (o.mode != MUS_MODE_MANUAL)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is in automatic mode: it steps by itself", o.name);
	if ((rc = mus_ctl_view(e, o.name, &view, et)) < 0 || (rc = check_proposal(e, &o, &view, et)) < 0)
		return rc;
	z = eng_zone_get(e, o.id);
	if (!z || !eng_busy(z))
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	rc = noted_wake(e, &o, actor, "one step allowed", et);
	if (rc == 0) {
		z->busy->step = true;
		z->busy->spent = false;
		eng_allow_at(z->busy, &view.plan->want.proc);
	}
	return rc;
}

int
mus_ctl_check(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct eng_zone *z;
	int rc = eng_ctl_zone(e, zone, &o, et);

	(void)actor;
	if (rc < 0 || (rc = eng_load_state(e, o.id, &e->view, et)) < 0 || (z = eng_zone_get(e, o.id)) == NULL)
		return rc;
	eng_forget_tries(z);	/* and what was not seen is sent again, what could not be read is read */
	if (eng_busy(z))
		z->busy->tell_again = true;
	eng_wake(e, z, ENG_FOCUS_ALL, 0);
	return 0;
}

struct mus_zone_signer_obj *
eng_override_for(struct mus_zone_obj *o, int64_t signer_id)
{
	for (unsigned i = 0; i < o->signer_count; i++)
		if (o->signer[i].signer_id == signer_id)
			return &o->signer[i];
	if (o->signer_count == MUS_SIGNERS_MAX)
		return NULL;
	o->signer[o->signer_count] = (struct mus_zone_signer_obj){.signer_id = signer_id};
	return &o->signer[o->signer_count++];
}

/* Who was to leave once the join is over stays after all: else the end of a migration would follow its
 * abort, up to a zone that nobody signs. */
static int
keep_leavers(const struct mus_group_obj *g, struct mus_zone_obj *o, const struct mus_zonestate *st,
    struct mus_buf *out, struct mus_errtext *et)
{
	for (unsigned i = 0; i < g->member_count; i++) {
		int s = mus_book_find_signer(&st->book, &st->zone, g->member[i].signer_id);
		struct mus_zone_signer_obj *ov;

		if (!g->member[i].leaving || s < 0 || s == st->want.proc.signer ||
		    !(mus_want_any(&st->want) >> s & 1))
			continue;
		if (!(ov = eng_override_for(o, g->member[i].signer_id)))
			return mus_errf(et, MUS_ERR_FULL, "%s: too many signers", o->name);
		ov->staying = true;
		mus_buf_printf(out, "%s was to leave afterwards: it stays in this zone until it leaves again.\n",
		    st->book.signer[s]);
	}
	return 0;
}

/* An abort is about one zone: what the group still says, and the commands that take it back. */
static int
say_group(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_zonestate *st,
    struct mus_buf *out, struct mus_errtext *et)
{
	int64_t turned = st->book.signer_id[st->want.proc.signer];
	struct mus_signer_obj s;
	bool has_joiner = false;
	int rc;

	for (unsigned i = 0; i < g->member_count; i++) {
		if (!g->member[i].leaving) {
			has_joiner |= g->member[i].signer_id == turned;
			continue;
		}
		if ((rc = mus_store_load_signer_id(e->o.store, g->member[i].signer_id, &s, et)) < 0)
			return rc;
		mus_buf_printf(out, "Group %s still has %s marked as leaving, for its other zones and new ones: "
		    "\"signer join %s --group %s\" takes that back.\n", g->name, s.name, s.name, g->name);
	}
	if (has_joiner && st->want.proc.kind == MUS_PROC_ADD)
		mus_buf_printf(out, "Group %s still has %s as a member, for its other zones and new ones: "
		    "\"signer leave %s --group %s\" takes that back.\n", g->name,
		    st->book.signer[st->want.proc.signer], st->book.signer[st->want.proc.signer], g->name);
	return 0;
}

/* Nobody else signs the zone, nor is to: turned round, the join would be a leave that cannot end. */
static bool
is_only_one(const struct mus_zonestate *st)
{
	return !(mus_want_any(&st->want) & ~(1u << st->want.proc.signer));
}

int
mus_ctl_abort(struct mus_engine *e, const char *actor, const char *zone, bool dry_run,
    struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct mus_zonestate *st = &e->view;
	struct mus_zone_signer_obj *ov;
	struct mus_group_obj g = {.id = 0};
	const struct mus_proc *p;
	int rc = eng_ctl_zone(e, zone, &o, et);

	if (rc < 0 || (rc = eng_load_state(e, o.id, st, et)) < 0 ||
	    (o.group_id && (rc = mus_store_load_group_id(e->o.store, o.group_id, &g, et)) < 0))
		return rc;
	p = &st->want.proc;
	if (p->kind == MUS_PROC_NONE)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s: no process is running", o.name);
	if (p->kind == MUS_PROC_ADD && is_only_one(st))
		return mus_errf(et, MUS_ERR_CONFLICT, "%s: %s is the only signer of the zone: its join cannot be "
		    "turned round. Let it end: it may leave when another has joined; or give the zone up as it stands "
		    "(zone delete --abandon)", o.name, st->book.signer[p->signer]);
	mus_buf_printf(out,
	    p->kind == MUS_PROC_ADD
		? "ADD-SIGNER %s is turned round into REMOVE-SIGNER %s. What was published for it is "
		  "withdrawn in the safe order, with all waits; the zone stays valid. It is kept out of "
		  "this zone until it joins again.\n"
		: "REMOVE-SIGNER %s is turned round into ADD-SIGNER %s. It is taken in again in the "
		  "safe order, with all waits; the zone stays valid. It stays in this zone until it "
		  "leaves again.\n",
	    st->book.signer[p->signer], st->book.signer[p->signer]);
	if (p->kind == MUS_PROC_ADD && (rc = keep_leavers(&g, &o, st, out, et)) < 0)
		return rc;
	if ((rc = say_group(e, &g, st, out, et)) < 0)
		return rc;
	if (dry_run)
		return 0;
	ov = eng_override_for(&o, st->book.signer_id[p->signer]);
	if (!ov)
		return mus_errf(et, MUS_ERR_FULL, "%s: too many signers", o.name);
	ov->excluded = p->kind == MUS_PROC_ADD;
	ov->staying = p->kind == MUS_PROC_REMOVE;
	if ((rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	rc = eng_ctl_end(e, mus_store_save_zone(e->o.store, &o, et), et);
	if (rc == 0)
		rc = noted_wake(e, &o, actor, "process aborted", et);
	return rc;
}

/* In e->plan, what there would be to do past ${forced}, and past nothing else: whatever force is armed now. */
static void
plan_past(struct mus_engine *e, const struct mus_zone_obj *o, const struct mus_zone_view *view, enum mus_rule forced)
{
	const struct mus_zonestate *st = view->state;
	struct eng_zone *z = eng_zone_get(e, o->id);
	struct mus_policy policy;

	eng_policy_of(e, o, z, &policy);
	policy.forced = forced;
	policy.step = forced != MUS_RULE_NONE || (z && z->busy && z->busy->step);	/* a force is a step, too */
	mus_plan(&st->zone, &st->seen, &st->want, &policy, view->now, &e->plan);
}

/* What may happen when ${rule} is passed; false: the plan does not wait for it. */
static bool
say_what_fails(const struct mus_plan *plan, const struct mus_zone_view *view, enum mus_rule rule, struct mus_buf *out)
{
	char text[MUS_TEXT_MAX], when[MUS_TIME_TEXT_MAX];
	bool found = false;

	for (unsigned i = 0; i < plan->wait_count; i++) {
		const struct mus_witness *w = &plan->wait[i];

		if (w->rule != rule)
			continue;
		found = true;
		mus_buf_printf(out, "%s\n", mus_witness_text(&view->state->book, &view->state->zone, w, text));
		if (mus_time_is_set(w->until))
			mus_buf_printf(out, "  Resolvers that hold the old version may fail until %s.\n",
			    mus_time_text_s(w->until, true, when));
		else
			mus_buf_add_str(out, "  This does not end by itself: the damage stays until it is mended.\n");
	}
	return found;
}

/* What the force does not pass, and what therefore goes on holding the step: beside the rule, and the guard behind it.
 * What the plan waits for when it has taken the step comes after it; rows that do nothing are none. */
static void
say_what_holds(struct mus_engine *e, const struct mus_zone_obj *o, const struct mus_zone_view *view,
    enum mus_rule forced, struct mus_buf *out)
{
	const struct mus_zonestate *st = view->state;
	bool goes_on, is_held = false;
	char text[MUS_TEXT_MAX];

	plan_past(e, o, view, forced);
	goes_on = e->plan.advanced;
	for (unsigned i = 0; i < e->plan.wait_count; i++) {
		enum mus_rule rule = e->plan.wait[i].rule;

		if (rule == forced || (goes_on && rule != MUS_RULE_HELD && rule != MUS_RULE_PROBE))
			continue;
		is_held = true;
		mus_buf_printf(out, "The step then waits for %s; the force does not pass that.\n",
		    mus_witness_text(&st->book, &st->zone, &e->plan.wait[i], text));
	}
	mus_buf_add_str(out, is_held ? "One step passes one rule: what holds it besides must end by itself, and a "
				       "second force replaces this one.\n"
				     : "Nothing else holds the step now.\n");
}

/* In the history, what the operator said, and that it takes the place of what was said before and not used. */
static int
note_force(struct mus_engine *e, const struct mus_zone_obj *o, const struct eng_busy *b, const char *actor,
    enum mus_rule rule, const char *reason, struct mus_errtext *et)
{
	int rc = eng_ctl_begin(e, et);

	if (rc < 0)
		return rc;
	if (b->forced != MUS_RULE_NONE && !b->spent)
		rc = eng_ctl_note(e, o->id, o->name, "forced", actor, et,
		    "the force past %s has ended unused: it is replaced by one past %s (%s)", mus_rule_text(b->forced),
		    mus_rule_text(rule), b->forced_reason);
	if (rc == 0)
		rc = eng_ctl_note(e, o->id, o->name, "operator", actor, et, "force past %s: %.200s",
		    mus_rule_text(rule), reason);
	return eng_ctl_end(e, rc, et);
}

int
mus_ctl_force(struct mus_engine *e, const char *actor, const char *zone, enum mus_rule rule,
    const char *reason, bool dry_run, struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_zone_view view;
	struct mus_zone_obj o;
	struct eng_zone *z;
	bool found;
	int rc;

	if (!mus_rule_can_pass(rule))
		return mus_errf(et, MUS_ERR_INVAL, "%s cannot be forced",
		    rule < MUS_RULE_COUNT ? mus_rule_text(rule) : "?");
	if (!reason[0])
		return mus_errf(et, MUS_ERR_INVAL, "a reason must be given");
	if ((rc = eng_ctl_zone(e, zone, &o, et)) < 0 || (rc = mus_ctl_view(e, o.name, &view, et)) < 0)
		return rc;
	plan_past(e, &o, &view, MUS_RULE_NONE);
	found = say_what_fails(&e->plan, &view, rule, out);
	z = eng_zone_get(e, o.id);
	if (!found && z && z->busy && z->busy->forced != MUS_RULE_NONE && !z->busy->spent) {
		/* What the zone says it waits for is what the force of before does not pass. */
		plan_past(e, &o, &view, z->busy->forced);
		found = say_what_fails(&e->plan, &view, rule, out);
	}
	if (!found)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s does not wait for %s now", o.name,
		    mus_rule_text(rule));
	say_what_holds(e, &o, &view, rule, out);
	if (dry_run)
		return 0;
	if (!z || !eng_busy(z))
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	if ((rc = note_force(e, &o, z->busy, actor, rule, reason, et)) == 0) {
		z->busy->forced = rule;
		z->busy->spent = false;
		snprintf(z->busy->forced_reason, sizeof z->busy->forced_reason, "%s", reason);
		eng_plan_anew(e, &o);
	}
	return rc;
}
