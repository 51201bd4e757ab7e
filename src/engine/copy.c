/*
 * Whole copies of the zones under care: when they are read, of whom, and how many at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

struct eng_copy {
	struct eng_read read;
	struct eng_copy *next;
	struct mus_engine *e;
	int64_t zone_id, signer_id;
	unsigned idx;			/* of the signer when it began */
};

/* NULL: no memory. */
static struct eng_tries *
tries_of(struct eng_zone *z)
{
	if (!z->tries)
		z->tries = calloc(1, sizeof *z->tries);
	return z->tries;
}

static void
copy_free(struct eng_copy *c)
{
	struct eng_copy **p = &c->e->copies;

	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	eng_read_end(&c->read);
	free(c);
}

void
eng_copy_failed(const struct mus_engine *e, struct mus_ctl_trouble *t, const struct mus_signer_obj *signer, int err,
    const char *why)
{
	if (t->copy[0] == '\0')
		t->copy_since = eng_now(e);
	t->copy_err = err;
	t->copy_server = signer->update;
	t->copy_next = MUS_TIME_NEVER;
	snprintf(t->copy, sizeof t->copy, "%s", why);
}

/* Once for each reason: it is tried again and again. */
static void
tell_failure(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st, unsigned s,
    const struct mus_signer_obj *signer, int err, const char *why)
{
	struct mus_ctl_trouble *t = z->busy ? &z->busy->trouble[s] : NULL;
	struct eng_tries *tries = tries_of(z);
	bool is_known = t && strncmp(t->copy, why, sizeof t->copy - 1) == 0;

	if (t)
		eng_copy_failed(e, t, signer, err, why);
	if (tries) {
		tries->at[s] = eng_now(e);	/* the pause begins now, however long it took */
		if (tries->fails[s] < UINT8_MAX)
			tries->fails[s]++;
	}
	if (is_known)
		return;
	eng_event(e, z->id, st->book.zone, "transfer", "musicd", LOG_WARNING,
	    "%s: its copy cannot be read: %s", st->book.signer[s], why);
}

/* ---- many at once ------------------------------------------------------------------------------- */

static unsigned
running(const struct mus_engine *e, int64_t signer_id)
{
	unsigned n = 0;

	for (const struct eng_copy *c = e->copies; c; c = c->next)
		n += c->signer_id == signer_id;
	return n;
}

static void
enqueue(struct mus_engine *e, struct eng_zone *z)
{
	if (z->busy->queued)
		return;
	z->busy->queued = true;
	z->busy->zone = z;
	TAILQ_INSERT_TAIL(&e->copy_queue, z->busy, queue_link);
}

void
eng_copies_unqueue(struct mus_engine *e, struct eng_busy *b)
{
	if (!b->queued)
		return;
	b->queued = false;
	TAILQ_REMOVE(&e->copy_queue, b, queue_link);
}

/* There is room for one more: the zone that waits longest plans anew, and asks for its copies. */
static void
wake_next(struct mus_engine *e)
{
	struct eng_busy *b = TAILQ_FIRST(&e->copy_queue);

	if (!b)
		return;
	eng_copies_unqueue(e, b);
	eng_wake(e, b->zone, 0, 0);
}

static void
on_done(struct eng_read *r, int err, const struct mus_errtext *words)
{
	struct eng_copy *c = (struct eng_copy *)r;	/* it stands first */
	struct mus_engine *e = c->e;
	struct eng_zone *z = eng_zone_get(e, c->zone_id);
	struct mus_zonestate *st = &e->scratch;
	struct mus_errtext et = {""};
	int s;

	e->stats.transfers++;
	if (!z)
		goto out;
	if (z->busy)
		z->busy->copying &= (uint8_t)~(1u << c->idx);
	if (eng_load_state(e, c->zone_id, st, &et) < 0) {
		eng_say(e, LOG_ERR, "", "copy: %s", et.s);
		goto out;
	}
	s = mus_book_find_signer(&st->book, &st->zone, c->signer_id);
	if (s < 0)
		goto out;
	if (err != 0) {
		tell_failure(e, z, st, (unsigned)s, &r->signer->obj, err, words->s);
		eng_signer_forget(e, c->signer_id);	/* the key file may be another by now */
	} else {
		if (z->busy)
			z->busy->trouble[s].copy[0] = '\0';
		if (z->tries)
			z->tries->fails[s] = 0;
		eng_read_fill(r, st, (unsigned)s);
		eng_save_state(e, c->zone_id, st);
	}
	/* One plan when all copies of this zone are there. */
	if (!(z->busy && (z->busy->copying || z->busy->queued)))
		eng_wake(e, z, 0, err ? e->o.poll_ms : 0);
out:
	copy_free(c);
	wake_next(e);
}

static int64_t
longest_pause_ms(const struct mus_engine *e)
{
	return e->o.retry_ms * 8 > e->o.copy_ms ? e->o.retry_ms * 8 : e->o.copy_ms;
}

/* Four times schedule.retry after a failure, doubled by each further one, up to eight times, or to schedule.copy
 * when that is longer: a copy that is given up at its bounds has cost as much as one that was read. */
static int64_t
pause_ms(const struct mus_engine *e, unsigned fails)
{
	return mus_span_doubled_ms(e->o.retry_ms * 2, fails, longest_pause_ms(e));
}

/* When it was tried last.  Was the clock set back since, that was now: else the pause would last that much longer. */
static struct mus_time
tried_at(const struct mus_engine *e, struct eng_tries *t, unsigned s)
{
	t->at[s] = mus_time_min(t->at[s], eng_now(e));
	return t->at[s];
}

/* Not before this instant.  What only drifts is read seldom; what a decision waits for, soon, unless it just
 * failed. */
static struct mus_time
next_try(const struct mus_engine *e, const struct eng_zone *z, unsigned s, bool needed)
{
	struct eng_tries *t = z->tries;

	if (!t || t->at[s].ms == 0)
		return eng_now(e);
	return mus_time_add_ms(tried_at(e, t, s),
	    !needed ? e->o.copy_ms : t->fails[s] ? pause_ms(e, t->fails[s]) : e->o.retry_ms);
}

void
eng_copies_settle(const struct mus_engine *e, struct eng_zone *z, uint8_t needed)
{
	struct eng_tries *t = z->tries;
	bool any = false;

	for (unsigned s = 0; t && s < MUS_SIGNERS_MAX; s++) {
		if (!(needed >> s & 1) && mus_time_add_ms(tried_at(e, t, s), longest_pause_ms(e)).ms <= eng_now(e).ms) {
			t->at[s].ms = 0;
			t->fails[s] = 0;
		}
		any |= t->at[s].ms != 0;
	}
	if (any)
		return;
	free(t);
	z->tries = NULL;
}

static void
start(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    const struct mus_zonestate *st, unsigned s, bool needed)
{
	struct mus_errtext et = {""};
	struct eng_signer *sg = eng_signer_get(e, st->book.signer_id[s], &et);
	struct eng_busy *b = eng_busy(z);
	struct eng_tries *tries;
	struct eng_copy *c;
	int rc;

	if (!sg || !b || !eng_can_read(sg) || (b->copying >> s & 1) || next_try(e, z, s, needed).ms > eng_now(e).ms)
		return;
	if (running(e, sg->obj.id) >= ENG_COPIES_MAX) {
		enqueue(e, z);
		return;
	}
	if (!(tries = tries_of(z)) || !(c = calloc(1, sizeof *c)))
		return;
	tries->at[s] = eng_now(e);
	c->e = e;
	c->zone_id = zobj->id;
	c->signer_id = sg->obj.id;
	c->idx = s;
	if ((rc = eng_read_start(&c->read, e, zobj, sg, on_done, &et)) < 0) {
		tell_failure(e, z, st, s, &sg->obj, rc, et.s);
		free(c);
		return;
	}
	c->next = e->copies;
	e->copies = c;
	b->copying |= (uint8_t)(1u << s);
}

void
eng_copies(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    const struct mus_zonestate *st, uint8_t needed, uint8_t stale)
{
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		if ((needed | stale) >> s & 1)
			start(e, z, zobj, st, s, needed >> s & 1);
		else if (z->busy && !st->seen.copy[s].known)	/* nobody asks for it any more */
			z->busy->trouble[s].copy[0] = '\0';
}

int64_t
eng_copies_due_ms(const struct mus_engine *e, const struct eng_zone *z, uint8_t needed)
{
	int64_t due = INT64_MAX, left;

	for (unsigned s = 0; z->tries && s < MUS_SIGNERS_MAX; s++)
		if ((needed >> s & 1) && z->tries->fails[s] &&
		    (left = next_try(e, z, s, true).ms - eng_now(e).ms) < due)
			due = left;
	return due;
}

void
eng_copy_troubles(const struct mus_engine *e, const struct eng_zone *z, uint8_t needed,
    struct mus_ctl_trouble *trouble)
{
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		if (trouble[s].copy[0] && !(z->busy->copying >> s & 1))
			trouble[s].copy_next = next_try(e, z, s, needed >> s & 1);
	for (const struct eng_copy *c = e->copies; c; c = c->next)
		if (c->zone_id == z->id) {
			trouble[c->idx].copy_began = c->read.began;
			trouble[c->idx].copy_server = c->read.signer->obj.update;
		}
}

static uint32_t
serial_of(const struct mus_rrset *soa)
{
	struct mus_name name;
	const uint8_t *p = soa->rd[0].data;
	size_t len = soa->rd[0].len, at = 0;

	for (int i = 0; i < 2; i++) {
		if (mus_name_from_wire(p + at, len - at, &name) < 0)
			return 0;
		at += name.len;
	}
	if (len < at + 4)
		return 0;
	return (uint32_t)p[at] << 24 | (uint32_t)p[at + 1] << 16 | (uint32_t)p[at + 2] << 8 | p[at + 3];
}

unsigned
eng_unread_at(const struct mus_zonestate *st, const struct eng_answer *a)
{
	const struct mus_copy *copy;
	unsigned s;

	if (a->q != ENG_Q_SOA || a->cause != MUS_CAUSE_NONE || a->set.count != 1 ||
	    a->server >= st->zone.server_count)
		return MUS_NOBODY;
	s = st->zone.server[a->server].origin;
	if (s >= st->zone.signer_count)
		return MUS_NOBODY;
	copy = &st->seen.copy[s];
	return copy->known && !copy->declared && copy->serial != serial_of(&a->set) ? s : MUS_NOBODY;
}

uint8_t
eng_copies_stale(const struct eng_turn *t, const struct mus_zonestate *st)
{
	uint8_t stale = 0;
	/* An idle zone is read anew once in a while only: signers re-sign all the time. */
	bool waits = st->want.proc.kind != MUS_PROC_NONE;
	int64_t age_ms;

	/* Only a copy tells when nothing is signed with an old key any more. */
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		waits |= t->e->plan.roll_wait[i].rule == MUS_RULE_OLDUNUSED;
	age_ms = waits ? t->e->o.copy_ms : 24 * t->e->o.copy_ms;

	for (unsigned i = 0; i < t->ans_count; i++) {
		unsigned s = eng_unread_at(st, &t->ans[i]);

		if (s != MUS_NOBODY && mus_time_add_ms(st->seen.copy[s].at, age_ms).ms <= t->at.ms)
			stale |= (uint8_t)(1u << s);
	}
	return stale;
}

void
eng_copies_cancel(struct mus_engine *e)
{
	while (e->copies)
		copy_free(e->copies);
}
