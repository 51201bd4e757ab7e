/*
 * What the history, the log and the table of processes say of an intention that has changed: the zone's
 * process, and the roll-overs beside it.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "core/condition.h"
#include "engine/int.h"

/* A process or a roll-over, as both are told.  kind NONE: there is none. */
struct track {
	enum mus_proc_kind kind;
	unsigned signer, row;
	struct mus_time started_at;
};

static struct track
track_of(const struct mus_proc *p)
{
	return (struct track){p->kind, p->signer, p->row, p->started_at};
}

static struct track
track_of_roll(const struct mus_roll *r)
{
	return (struct track){r->kind, r->signer, r->row, r->started_at};
}

static bool
is_same(const struct track *a, const struct track *b)
{
	return a->kind == b->kind && a->signer == b->signer;
}

/* Nobody has asked it, and it may answer: that it may be switched off is not all. */
static bool
is_lost_leaver(const struct mus_zonestate *st, const struct track *t)
{
	return t->kind == MUS_PROC_REMOVE && st->zone.signer[t->signer].is_lost;
}

/* ---- history and log ------------------------------------------------------------------------ */

/* Whose process has ended, how, and what the operator may do now. */
static void
tell_end(struct mus_engine *e, const struct mus_zonestate *st, const struct track *ended, const char *outcome)
{
	const char *zone = st->book.zone, *signer = st->book.signer[ended->signer];
	const char *kind = mus_proc_text(ended->kind);
	bool done = strcmp(outcome, "done") == 0;
	char span[MUS_SPAN_TEXT_MAX];

	mus_span_text_s((eng_now(e).ms - ended->started_at.ms) / 1000, span);
	if (!done)
		eng_event(e, st->book.zone_id, zone, "process", "musicd", LOG_NOTICE, "%s %s is %s after %s", kind,
		    signer, outcome, span);
	else if (is_lost_leaver(st, ended))
		eng_event(e, st->book.zone_id, zone, "process", "musicd", LOG_WARNING,
		    "%s %s is complete after %s: %s was lost, and must be silent for %s: resolvers that found the zone "
		    "through it may fail as long as it answers", kind, signer, span, signer, zone);
	else if (ended->kind == MUS_PROC_REMOVE)
		eng_event(e, st->book.zone_id, zone, "process", "musicd", LOG_NOTICE,
		    "%s %s is complete after %s: %s may be switched off for %s", kind, signer, span, signer, zone);
	else
		eng_event(e, st->book.zone_id, zone, "process", "musicd", LOG_NOTICE,
		    "%s %s is complete after %s", kind, signer, span);
}

static void
tell(struct mus_engine *e, const struct mus_zonestate *st, const struct track *a, const struct track *b,
    const char *outcome)
{
	const char *kind = mus_proc_text(b->kind), *zone = st->book.zone;
	const char *signer = b->kind != MUS_PROC_NONE ? st->book.signer[b->signer] : "";
	int64_t id = st->book.zone_id;
	bool other = !is_same(a, b);

	if (a->kind != MUS_PROC_NONE && other)
		tell_end(e, st, a, outcome);
	if (b->kind == MUS_PROC_NONE)
		return;
	if (other)
		eng_event(e, id, zone, "process", "musicd", LOG_NOTICE, "%s %s begins", kind, signer);
	else if (b->row != a->row)
		eng_event(e, id, zone, "row", "musicd", LOG_NOTICE, "%s %s: %s", kind, signer,
		    mus_row_name(b->kind, b->row));
}

/* ---- the table of processes ----------------------------------------------------------------- */

static struct mus_process_obj
entry_of(const struct mus_zonestate *st, const struct track *t)
{
	struct mus_process_obj o = {
	    .zone_id = st->book.zone_id, .started_at = t->started_at, .ended_at = MUS_TIME_NEVER};

	snprintf(o.kind, sizeof o.kind, "%s", mus_proc_text(t->kind));
	snprintf(o.signer, sizeof o.signer, "%s", st->book.signer[t->signer]);
	snprintf(o.row, sizeof o.row, "%s", mus_row_name(t->kind, t->row));
	return o;
}

static int
store_end(struct mus_engine *e, const struct mus_zonestate *st, const struct track *t, const char *outcome,
    struct mus_errtext *et)
{
	struct mus_process_obj o = entry_of(st, t);

	if (strcmp(outcome, "done") == 0)
		snprintf(o.row, sizeof o.row, "stop");
	if (strcmp(outcome, "done") == 0 && is_lost_leaver(st, t))
		snprintf(o.outcome, sizeof o.outcome, "done: %s was lost, and must be silent for %s", o.signer,
		    st->book.zone);
	else
		snprintf(o.outcome, sizeof o.outcome, "%s", outcome);
	o.ended_at = eng_now(e);
	return mus_store_end_process(e->o.store, &o, et);
}

static void
store(struct mus_engine *e, const struct mus_zonestate *st, const struct track *a, const struct track *b,
    const char *outcome)
{
	bool other = !is_same(a, b), over = b->kind == MUS_PROC_NONE;
	struct mus_process_obj o;
	struct mus_errtext et;
	int rc = 0;

	if ((!other && a->row == b->row) || (a->kind == MUS_PROC_NONE && over) || eng_begin(e) < 0)
		return;
	if (!over)
		o = entry_of(st, b);
	if (other && a->kind != MUS_PROC_NONE)
		rc = store_end(e, st, a, outcome, &et);
	else if (!other)
		rc = mus_store_step_process(e->o.store, &o, &et);
	/* One that nobody entered needs no end, and is entered when it goes on. */
	if ((rc == 0 && other && !over) || (rc == MUS_ERR_NOTFOUND && !over))
		rc = mus_store_add_process(e->o.store, &o, &et);
	if (rc < 0 && rc != MUS_ERR_NOTFOUND)
		eng_store_failed(e, st->book.zone, &et);
}

/* ---- roll-overs ----------------------------------------------------------------------------- */

/* Of the zone's process: one that makes room for another's begins anew after that; a join that ends before all has
 * been done was taken back, and nothing has moved. */
static const char *
outcome_of_process(const struct mus_proc *p, const struct mus_want *after)
{
	if (after->proc.kind != MUS_PROC_NONE)
		return after->proc.signer == p->signer ? "turned round" : "put off";
	if (p->kind == MUS_PROC_ADD && !((after->keyg & after->dsg & after->nsg) >> p->signer & 1))
		return "taken back";
	return "done";
}

static const char *
outcome_of(const struct mus_roll *r, const struct mus_want *after)
{
	if (r->kind == MUS_PROC_NONE || (r->in & ~after->known) == 0)
		return "done";
	return after->keyg >> r->signer & 1 ? "taken back" : "no longer followed";
}

/* Nothing from here can undo it: who reads this asks the signer for a longer lead (docs/signers). */
static void
tell_early(struct mus_engine *e, const struct mus_zonestate *st, const struct mus_roll *r,
    const struct mus_policy *policy)
{
	const struct mus_clock *clock = r->kind == MUS_PROC_KSK ? &r->ds : &r->key;
	struct mus_time until = mus_clock_end(clock, policy);
	unsigned key = (unsigned)__builtin_ctzll(r->in | 1ull << 63);
	const char *what = r->kind == MUS_PROC_KSK ? "DS" : "DNSKEY", *rest = ", and the others do not show it yet";
	char at[MUS_TIME_TEXT_MAX] = "";

	if (mus_time_is_set(until)) {
		rest = " until ";
		mus_time_text_s(until, true, at);
	}
	eng_event(e, st->book.zone_id, st->book.zone, "alarm", "musicd", LOG_ALERT,
	    "%s relies on its key %u too early: resolvers that hold older %s sets may fail%s%s",
	    st->book.signer[r->signer], st->zone.key[key].tag, what, rest, at);
}

void
eng_processes(struct mus_engine *e, const struct mus_zonestate *st, const struct mus_want *before,
    const struct mus_policy *policy)
{
	const struct mus_want *after = &st->want;
	struct track a = track_of(&before->proc), b = track_of(&after->proc);
	const char *outcome = outcome_of_process(&before->proc, after);

	if (!before->adopted && after->adopted)
		eng_event(e, st->book.zone_id, st->book.zone, "adopted", "musicd", LOG_NOTICE,
		    "first complete look: %d signer(s) in the delegation", __builtin_popcount(after->nsg));
	tell(e, st, &a, &b, outcome);
	store(e, st, &a, &b, outcome);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		const struct mus_roll *r = &after->roll[i];

		a = track_of_roll(&before->roll[i]);
		b = track_of_roll(r);
		outcome = outcome_of(&before->roll[i], after);
		tell(e, st, &a, &b, outcome);
		store(e, st, &a, &b, outcome);
		if (r->early && !(before->roll[i].early && is_same(&a, &b)))
			tell_early(e, st, r, policy);
	}
}
