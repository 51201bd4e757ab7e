/*
 * Preflight: would a signer be fit to join?  A whole look at the zone as if it were a member
 * already, and a whole copy of every signer's zone, taken into a state of its own that is thrown
 * away: neither the zone nor the signer need know of each other, and nothing is changed or stored.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/observe.h"
#include "core/preflight.h"
#include "engine/int.h"

enum { TRIALS_MAX = 8 };		/* at once: each asks every server and reads whole copies */

struct reading {			/* a whole copy on its way */
	struct eng_read read;
	struct eng_trial *trial;
	unsigned idx;			/* of the signer */
};

struct eng_trial {
	struct eng_trial *next;
	struct mus_engine *e;
	struct mus_zone_obj zobj;
	struct mus_zonestate st;
	struct eng_turn *turn;		/* NULL: the answers are in */
	struct mus_signer_obj joiner;
	bool looks_up;			/* addresses come first; nothing is asked yet */
	unsigned idx;			/* of the signer in question */
	bool was_lost;			/* until it joins */
	struct mus_errtext refused;	/* why its group could not take it */
	struct mus_witness finding[MUS_FINDINGS_MAX];
	unsigned count;
	struct reading copy[MUS_SIGNERS_MAX];
	struct mus_ctl_trouble trouble[MUS_ORIGINS];
	unsigned reading;		/* copies under way, and one while they are started */
	mus_ctl_fit_fn *done;
	void *arg;
};

static void
trial_free(struct eng_trial *t)
{
	struct eng_trial **p = &t->e->trials;

	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		eng_read_end(&t->copy[s].read);
	eng_turn_free(t->turn);
	mus_zonestate_clear(&t->st);
	free(t);
}

static void
finish(struct eng_trial *t)
{
	struct mus_engine *e = t->e;
	struct mus_zonestate *st = &t->st;
	struct mus_ctl_fit fit = {.state = st,
	    .finding = t->finding, .trouble = t->trouble, .refused = t->refused.s, .now = eng_now(e)};
	struct mus_policy policy;
	struct mus_facts facts;
	struct mus_desire desire;
	struct mus_ctx c = {&st->zone, &st->seen, &st->want, &policy, fit.now, &facts, &desire};
	unsigned n = 0;

	eng_host_troubles(e, st, t->trouble);
	eng_parent_trouble(e, st, &t->trouble[MUS_PARENT]);
	eng_policy_of(e, &t->zobj, NULL, &policy);
	mus_settle(&st->zone, &st->seen, &st->want, &policy, fit.now);
	mus_facts(&st->zone, &st->seen, &policy, fit.now, &facts);
	mus_desire(&c, &desire);
	mus_preflight(&c, t->idx, t->finding + t->count, MUS_FINDINGS_MAX - t->count, &n);
	fit.count = t->count + n;
	if (t->was_lost && fit.count < MUS_FINDINGS_MAX) {
		struct mus_witness *w = &t->finding[fit.count++];

		*w = MUS_WITNESS_NONE;
		w->rule = MUS_RULE_SERVES;
		w->result = MUS_RES_WARN;
		w->origin = (uint8_t)t->idx;
	}
	fit.announces = eng_dsync_of(e, t->zobj.name, st->book.parent);
	t->done(t->arg, 0, NULL, &fit);
	trial_free(t);
}

/* ---- whole copies ------------------------------------------------------------------------------- */

/* A copy that cannot be read stays as it was known before; the core says what that means. */
static void
on_copy(struct eng_read *read, int err, const struct mus_errtext *words)
{
	struct reading *r = (struct reading *)read;	/* it stands first */
	struct eng_trial *t = r->trial;

	if (err == 0)
		eng_read_fill(read, &t->st, r->idx);
	else
		eng_copy_failed(t->e, &t->trouble[r->idx], &read->signer->obj, err, words->s);
	eng_read_end(read);
	if (--t->reading == 0)
		finish(t);
}

static void
read_copy(struct eng_trial *t, unsigned s)
{
	struct reading *r = &t->copy[s];
	struct mus_errtext et = {""};
	struct eng_signer *sg = eng_signer_get(t->e, t->st.book.signer_id[s], &et);
	int rc;

	if (!sg || !eng_can_read(sg))
		return;
	r->trial = t;
	r->idx = s;
	if ((rc = eng_read_start(&r->read, t->e, &t->zobj, sg, on_copy, &et)) == 0)
		t->reading++;
	else
		eng_copy_failed(t->e, &t->trouble[s], &sg->obj, rc, et.s);
}

/* ---- the look ------------------------------------------------------------------------------------- */

void
eng_trial_looked(struct eng_trial *t)
{
	struct mus_engine *e = t->e;
	struct mus_errtext et;
	struct mus_policy policy;

	eng_policy_of(e, &t->zobj, NULL, &policy);
	t->turn->parent = eng_parent_of(e, &t->zobj, t->zobj.id, &et);
	eng_take(t->turn, &t->st, &policy);
	eng_turn_free(t->turn);
	t->turn = NULL;
	/* One more than are read, so that it cannot end while copies are still being asked for. */
	t->reading = 1;
	for (unsigned s = 0; s < t->st.zone.signer_count; s++)
		if (s == t->idx || (t->st.want.keyg >> s & 1))
			read_copy(t, s);
	if (--t->reading == 0)
		finish(t);
}

/* Servers of it, or of those that take part, that cannot be asked, or are not its alone. */
static void
lacks(struct eng_trial *t)
{
	const struct mus_zone *zone = &t->st.zone;

	for (unsigned i = 0; i < zone->lack_count && t->count < MUS_FINDINGS_MAX; i++) {
		if (zone->lack[i].origin != t->idx && !mus_lack_matters(&zone->lack[i], &t->st.want))
			continue;
		/* Nobody waits for a parent here: that it is not known is an answer. */
		t->looks_up |= zone->lack[i].cause == MUS_CAUSE_LOOKING && zone->lack[i].origin != MUS_PARENT;
		t->finding[t->count++] = mus_lack_witness(&zone->lack[i]);
	}
}

/* Its marks of before do not outlive a join: it is looked at as if they were gone. */
static void
take_marks_away(struct eng_trial *t)
{
	for (unsigned i = 0; i < t->zobj.signer_count; i++) {
		struct mus_zone_signer_obj *ov = &t->zobj.signer[i];

		if (ov->signer_id != t->joiner.id)
			continue;
		t->was_lost = ov->lost;
		ov->lost = ov->excluded = false;
	}
}

/* What the join itself would refuse of the group and this zone.  Its other zones are looked at once, by the join and
 * its dry run, and not for the preflight of each.  A member has nothing to join. */
static void
is_refused(struct eng_trial *t)
{
	struct mus_witness *w = &t->finding[t->count];
	struct mus_group_obj g;
	struct mus_errtext et;

	if (!t->zobj.group_id || t->count == MUS_FINDINGS_MAX ||
	    mus_store_load_group_id(t->e->o.store, t->zobj.group_id, &g, &et) < 0)
		return;
	for (unsigned i = 0; i < g.member_count; i++)
		if (g.member[i].signer_id == t->joiner.id && !g.member[i].leaving)
			return;
	if (eng_check_place(t->e, &g, t->joiner.id, &t->zobj, &t->refused) == 0)
		return;
	*w = MUS_WITNESS_NONE;
	w->rule = MUS_RULE_PREFLIGHT;
	w->result = MUS_RES_FAILS;
	w->origin = (uint8_t)t->idx;
	t->count++;
}

static int
prepare(struct eng_trial *t, struct mus_errtext *et)
{
	const struct mus_signer_obj *joiner = &t->joiner;
	struct mus_zonestate *st = &t->st;
	int rc = eng_load_state(t->e, t->zobj.id, st, et), idx;

	t->count = 0;
	t->looks_up = false;
	if (rc < 0)
		return rc;
	if (!eng_sync_with(t->e, &t->zobj, st, joiner->id, et))
		return MUS_ERR_CONFLICT;
	idx = mus_book_find_signer(&st->book, &st->zone, joiner->id);
	if (idx < 0)
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "%.200s has no place for %s: %d signers are on it, or may still be in caches",
		    t->zobj.name, joiner->name, MUS_SIGNERS_MAX);
	t->idx = (unsigned)idx;
	lacks(t);
	(void)eng_dsync_of(t->e, t->zobj.name, st->book.parent);	/* known by the time the copies are read */
	is_refused(t);
	return 0;
}

/* Asks, unless addresses are still to be found out; ends in eng_trial_looked. */
static int
start(struct eng_trial *t, struct mus_errtext *et)
{
	int rc = prepare(t, et);

	t->turn->at = eng_now(t->e);
	if (rc == 0 && !t->looks_up && !eng_turn_ask(t->turn, &t->st, &t->zobj))
		rc = mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	return rc;
}

void
eng_trials_resume(struct mus_engine *e)
{
	struct mus_errtext et = {""};
	struct eng_trial *t, *next;
	int rc;

	for (t = e->trials; t; t = next) {
		next = t->next;
		if (!t->looks_up || (rc = start(t, &et)) == 0)
			continue;
		t->done(t->arg, rc, &et, NULL);
		trial_free(t);
	}
}

int
mus_ctl_preflight(struct mus_engine *e, const char *zone, const char *signer, mus_ctl_fit_fn *done,
    void *arg, struct mus_errtext *et)
{
	struct mus_signer_obj joiner;
	struct eng_trial *t;
	unsigned trials = 0;
	int rc = mus_store_load_signer(e->o.store, signer, &joiner, et);

	if (rc < 0)
		return rc;
	for (t = e->trials; t; t = t->next)
		trials++;
	if (trials >= TRIALS_MAX)
		return mus_errf(et, MUS_ERR_FULL, "%u preflights are under way; try again", trials);
	if (!(t = mus_zonestate_room(sizeof *t)) || !(t->turn = eng_turn_new(e))) {
		free(t);
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	}
	t->e = e;
	t->joiner = joiner;
	t->next = e->trials;
	e->trials = t;
	mus_zonestate_init(&t->st);
	t->done = done;
	t->arg = arg;
	t->turn->trial = t;
	t->turn->focus = UINT32_MAX;	/* every kind */
	if ((rc = mus_store_load_zone(e->o.store, zone, &t->zobj, et)) == 0) {
		take_marks_away(t);
		rc = start(t, et);
	}
	if (rc < 0)
		trial_free(t);
	return rc;
}

void
eng_trials_free(struct mus_engine *e)
{
	const struct mus_errtext stops = {"the daemon stops"};

	while (e->trials) {
		e->trials->done(e->trials->arg, MUS_ERR_CANCELLED, &stops, NULL);
		trial_free(e->trials);
	}
}
