/*
 * Actions into jobs for drivers: which of them may go now, and in whose place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/observe.h"
#include "engine/int.h"

/* ---- when --------------------------------------------------------------------------------------- */

/* Not again before its time: what was sent needs a while to be seen, and longer each time, up to eight times
 * as long: whoever has refused it may take it by then. */
bool
eng_may_send(struct mus_engine *e, struct eng_busy *b, uint64_t id)
{
	struct mus_time now = eng_now(e);
	int64_t pause_ms;

	for (unsigned i = 0; i < b->sent_count; i++)
		if (b->sent[i].id == id) {
			pause_ms = mus_span_doubled_ms(e->o.retry_ms, b->sent[i].tries - 1u, e->o.retry_ms * 8);
			/* The clock was set back: it is not to wait that much longer. */
			b->sent[i].at = mus_time_min(b->sent[i].at, now);
			return mus_time_add_ms(b->sent[i].at, pause_ms).ms <= now.ms;
		}
	return true;
}

void
eng_sent_forget(struct eng_busy *b, uint64_t id)
{
	for (unsigned i = 0; i < b->sent_count; i++)
		if (b->sent[i].id == id) {
			b->sent[i] = b->sent[--b->sent_count];
			return;
		}
}

void
eng_sent_mark(struct mus_engine *e, struct eng_busy *b, uint64_t id)
{
	struct eng_sent *s = NULL;

	for (unsigned i = 0; i < b->sent_count; i++)
		if (b->sent[i].id == id)
			s = &b->sent[i];
	if (!s && b->sent_count < ENG_SENT_MAX)
		s = &b->sent[b->sent_count++];
	if (!s) {
		/* The oldest gives way: it may be sent once more than needed. */
		s = &b->sent[0];
		for (unsigned i = 1; i < b->sent_count; i++)
			if (b->sent[i].at.ms < s->at.ms)
				s = &b->sent[i];
		s->tries = 0;
	}
	if (s->id != id)
		s->tries = 0;
	s->id = id;
	s->at = eng_now(e);
	if (s->tries < 255)
		s->tries++;
}

static struct eng_job *
job_new(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    const struct mus_zonestate *st, unsigned s, struct mus_errtext *et)
{
	struct eng_signer *sg = eng_signer_get(e, st->book.signer_id[s], et);
	struct eng_box *box = sg ? eng_box_for(e, sg) : NULL;
	struct eng_job *j;

	if (!box || !sg->driver || !sg->driver->apply)
		return NULL;
	j = calloc(1, sizeof *j);
	if (!j)
		return NULL;
	mus_arena_init(&j->arena, 1 << 20);
	j->e = e;
	j->box = box;
	j->signer = eng_signer_hold(sg);
	j->zone_id = j->item.zone_id = zobj->id;
	j->signer_id = sg->obj.id;
	j->idx = (uint8_t)s;
	j->driver = sg->driver;
	j->made_at = eng_now(e);
	snprintf(j->zone, sizeof j->zone, "%s", zobj->name);
	j->target = (struct mus_drv_target){.dnsx = e->o.dnsx, .update = sg->obj.update};
	if (eng_key_for(zobj, sg, &j->own_key, &j->target.key, et) < 0 ||
	    mus_name_parse(zobj->name, &j->target.zone, et) < 0) {
		eng_job_free(j);
		return NULL;
	}
	j->z = z;
	j->zone_next = z->busy->jobs;
	z->busy->jobs = j;
	return j;
}

/* What the zone has on its way to a signer and not sent yet, taken out of the queue; NULL: nothing. */
static struct eng_job *
take_unsent(struct eng_zone *z, int64_t signer_id)
{
	for (struct eng_job *j = z->busy->jobs; j; j = j->zone_next) {
		if (j->signer_id != signer_id || j->withdrawn || j->state == ENG_JOB_SENT)
			continue;
		if (j->state == ENG_JOB_WAITING)
			mus_outbox_withdraw(&j->box->out, &j->item);
		j->withdrawn = true;
		return j;
	}
	return NULL;
}

/* All actions for one signer that fit, and are due, into a job; NULL: none. */
static struct eng_job *
compose(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, const struct mus_plan *plan, unsigned s, const struct eng_job *old)
{
	struct mus_errtext et = {""};
	struct eng_job *j = NULL;
	char text[MUS_TEXT_MAX];

	for (unsigned i = 0; i < plan->act_count; i++) {
		const struct mus_act *a = &plan->act[i];
		size_t had;

		if (a->kind != MUS_ACT_CHANGE || a->signer != s || !eng_may_send(e, z->busy, a->id))
			continue;
		if (!j && !(j = job_new(e, z, zobj, st, s, &et))) {
			eng_event(e, zobj->id, zobj->name, "alarm", "musicd", LOG_ERR,
			    "%s cannot be changed: %s", st->book.signer[s], et.s);
			snprintf(z->busy->trouble[s].change, sizeof z->busy->trouble[s].change, "%s", et.s);
			eng_sent_mark(e, z->busy, a->id);
			return NULL;
		}
		had = j->change.count;
		if (j->id_count == sizeof j->id / sizeof j->id[0] ||
		    !mus_pending_add(&st->seen, a, eng_now(e)) ||
		    !eng_change_add(&j->change, &j->arena, st, a))
			continue;	/* did not fit: next turn */
		mus_act_text(&st->book, &st->zone, a, text);
		j->text[j->id_count] = mus_arena_copy(&j->arena, text, strlen(text) + 1);
		if (!j->text[j->id_count]) {
			j->change.count = had;
			continue;
		}
		j->id[j->id_count++] = a->id;
		if (!eng_has_act(old, a->id))
			eng_event(e, zobj->id, zobj->name, "action", "musicd", LOG_INFO, "%s", text);
		if (!j->words[0])
			snprintf(j->words, sizeof j->words, "%s", text);
	}
	if (j && j->change.count == 0) {
		eng_job_free(j);
		return NULL;
	}
	return j;
}

/* All actions of one signer in one UPDATE, in the place of what waited there; NULL: nothing is to be sent. */
static struct eng_job *
act_signer(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, const struct mus_plan *plan, unsigned s, const struct eng_job *old)
{
	struct eng_box *box = eng_box_get(e, st->book.signer_id[s], st->book.signer[s]);
	struct mus_errtext et;
	struct eng_job *j;

	if (!box)
		return NULL;
	if (!old && box->out.waiting_count + box->coming >= box->out.waiting_max) {
		box->stats.full++;
		return NULL;
	}
	j = compose(e, z, zobj, st, plan, s, old);
	if (!j)
		return NULL;
	if (eng_begin(e) == 0 && mus_store_count_sent(e->o.store, &et) < 0)
		eng_store_failed(e, zobj->name, &et);
	j->item.place = old ? old->item.place : 0;
	box->coming++;
	*e->jobs_tail = j;
	e->jobs_tail = &j->next;
	return j;
}

void
eng_act(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, struct mus_plan *plan)
{
	struct eng_job *old[MUS_SIGNERS_MAX] = {NULL};
	uint32_t signers = eng_signers_to_change(plan);

	eng_queue_waits(e, z, st, plan);
	if (signers ? !eng_busy(z) : !z->busy)
		return;
	/* What is sent is always what the last look asks for: nothing older stays in a queue. */
	for (unsigned s = 0; s < st->zone.signer_count; s++)
		old[s] = take_unsent(z, st->book.signer_id[s]);
	eng_withdraw(z);
	for (unsigned s = 0; s < st->zone.signer_count; s++) {
		struct eng_job *j = signers >> s & 1 ? act_signer(e, z, zobj, st, plan, s, old[s]) : NULL;

		if (old[s])
			eng_tell_withdrawn(old[s], j);
		if (old[s] && old[s]->state == ENG_JOB_WAITING)
			eng_job_free(old[s]);	/* what is still coming is freed after the commit */
	}
}
