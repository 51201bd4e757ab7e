/*
 * Changes on their way: one outbox for each signer, filled after the commit, emptied as the signer's
 * rate and its answers allow.  All of it is in memory only: what is queued is in flight on disk
 * already, and a new start plans it again from what it sees.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

static struct eng_job *
job_of(struct mus_outbox_item *it)
{
	return (struct eng_job *)((char *)it - offsetof(struct eng_job, item));
}

void
eng_job_free(struct eng_job *j)
{
	if (j->z)
		for (struct eng_job **p = &j->z->busy->jobs; *p; p = &(*p)->zone_next)
			if (*p == j) {
				*p = j->zone_next;
				break;
			}
	if (j->sent)
		j->driver->cancel(j->sent);
	mus_arena_clear(&j->arena);
	mus_tsig_key_free(j->own_key);
	eng_signer_release(j->signer);
	free(j);
}

struct eng_box *
eng_box_get(struct mus_engine *e, int64_t signer_id, const char *name)
{
	struct eng_box *box = mus_map_get(e->box_by_id, &signer_id, sizeof signer_id);

	if (!box) {
		box = calloc(1, sizeof *box);
		if (!box)
			return NULL;
		box->signer_id = signer_id;
		box->stats.paused_until = MUS_TIME_NEVER;
		mus_outbox_init(&box->out, e->o.poll_ms, e->o.poll_ms * 16);
		if (mus_map_set(e->box_by_id, &signer_id, sizeof signer_id, box, NULL) < 0) {
			free(box);
			return NULL;
		}
	}
	snprintf(box->name, sizeof box->name, "%s", name);
	return box;
}

struct eng_box *
eng_box_for(struct mus_engine *e, const struct eng_signer *sg)
{
	struct eng_box *box = eng_box_get(e, sg->obj.id, sg->obj.name);

	if (box)
		box->out.rate = sg->obj.update_rate;
	return box;
}

bool
eng_has_act(const struct eng_job *j, uint64_t id)
{
	for (unsigned i = 0; j && i < j->id_count; i++)
		if (j->id[i] == id)
			return true;
	return false;
}

void
eng_tell_withdrawn(const struct eng_job *j, const struct eng_job *next)
{
	/* A zone that was deleted has no history any more. */
	if (!eng_zone_get(j->e, j->zone_id))
		return;
	for (unsigned i = 0; i < j->id_count; i++)
		if (!eng_has_act(next, j->id[i]))
			eng_event(j->e, j->zone_id, j->zone, "withdrawn", "musicd", LOG_INFO,
			    "%s: withdrawn before it was sent", j->text[i]);
}

void
eng_withdraw(struct eng_zone *z)
{
	struct eng_job *next;

	for (struct eng_job *j = z->busy ? z->busy->jobs : NULL; j; j = next) {
		next = j->zone_next;
		if (j->withdrawn || j->state == ENG_JOB_SENT)
			continue;
		eng_tell_withdrawn(j, NULL);
		if (j->state == ENG_JOB_WAITING) {
			mus_outbox_withdraw(&j->box->out, &j->item);
			eng_job_free(j);
		} else {
			j->withdrawn = true;
		}
	}
}

void
eng_box_changed(struct mus_engine *e, int64_t signer_id)
{
	struct eng_box *box = mus_map_get(e->box_by_id, &signer_id, sizeof signer_id);
	struct mus_outbox_item *it;

	if (!box)
		return;
	/* Composed for how it was: its zones are woken, and plan anew. */
	while ((it = TAILQ_FIRST(&box->out.waiting))) {
		mus_outbox_withdraw(&box->out, it);
		eng_tell_withdrawn(job_of(it), NULL);
		eng_job_free(job_of(it));
	}
	mus_outbox_try_again(&box->out);
	box->probes = 0;
	box->probed_at = (struct mus_time){0};
	box->stats.paused_until = MUS_TIME_NEVER;
}

static void
free_all(struct mus_outbox_items *items)
{
	struct mus_outbox_item *it;

	while ((it = TAILQ_FIRST(items))) {
		TAILQ_REMOVE(items, it, link);
		eng_job_free(job_of(it));
	}
}

void
eng_boxes_free(struct mus_engine *e)
{
	size_t pos = 0;
	struct eng_job *j;
	void *v;

	while ((j = e->jobs)) {
		e->jobs = j->next;
		eng_job_free(j);
	}
	while (e->box_by_id && mus_map_next(e->box_by_id, &pos, NULL, NULL, &v)) {
		struct eng_box *box = v;

		free_all(&box->out.waiting);
		free_all(&box->out.sent);
		free(box);
	}
	mus_map_free(e->box_by_id);
}

/* ---- sending ------------------------------------------------------------------------------------ */

/* The signer is silent now, or was until now: told once each. */
static void
tell_silence(struct mus_engine *e, struct eng_box *box, unsigned before, const char *words)
{
	const struct mus_outbox *o = &box->out;

	if (o->silent == before)
		return;
	box->stats.paused_until = o->silent
	    ? mus_time_add_ms(eng_now(e), o->until_ms - mus_loop_mono_ms(e->o.loop))
	    : MUS_TIME_NEVER;
	if (o->silent && !before)
		eng_event(e, 0, "", "signer", "musicd", LOG_WARNING,
		    "%s does not answer changes: %s; they wait, and one is tried now and then", box->name,
		    words);
	else if (!o->silent && before)
		eng_event(e, 0, "", "signer", "musicd", LOG_NOTICE,
		    "%s answers changes again; %u wait", box->name, o->waiting_count);
}

/* It was read back, and is not there.  Where that could not be read, nobody knows. */
static bool
is_dropped(const struct mus_drv_result *r)
{
	return r->outcome == MUS_DRV_NOT_SHOWN && r->type != 0;
}

/* Into the history, with a word for each counter. */
static void
tell_failure(struct mus_engine *e, const struct eng_job *j, const struct mus_drv_result *r)
{
	const char *name = j->box->name, *said = r->words.s;

	if (r->outcome == MUS_DRV_REFUSED)
		eng_event(e, j->zone_id, j->zone, "refused", "musicd", LOG_WARNING, "%s: %s (%s)", name, said,
		    j->words);
	else if (is_dropped(r))
		eng_event(e, j->zone_id, j->zone, "dropped", "musicd", LOG_WARNING, "%s: dropped: %s (%s)", name,
		    said, j->words);
	else if (r->silent)
		eng_event(e, j->zone_id, j->zone, "silent", "musicd", LOG_WARNING, "%s: %s (%s)", name, said,
		    j->words);
	else
		eng_event(e, j->zone_id, j->zone, "failed", "musicd", LOG_WARNING, "%s: %s (%s)", name, said,
		    j->words);
}

static void
count(struct mus_engine *e, struct eng_box *box, const struct mus_drv_result *r)
{
	switch (r->outcome) {
	case MUS_DRV_SHOWN:
	case MUS_DRV_STALE:
		return;
	case MUS_DRV_REFUSED:
		box->stats.refused++;
		break;
	case MUS_DRV_NOT_SHOWN:
		box->stats.dropped += is_dropped(r);
		box->stats.silent += r->silent;
		break;
	case MUS_DRV_FAILED:
		box->stats.silent += r->silent;
		break;
	}
	e->stats.updates_failed++;
	box->stats.last_error = r->words;
}

/* The end of a job that was given to its driver. */
static void
finish(struct eng_job *j, const struct mus_drv_result *r)
{
	struct mus_engine *e = j->e;
	struct eng_box *box = j->box;
	struct eng_zone *z = j->z;
	int64_t mono = mus_loop_mono_ms(e->o.loop);
	unsigned before = box->out.silent;

	j->sent = NULL;
	if (r->messages > 1)
		mus_outbox_charge(&box->out, r->messages - 1, mono);
	mus_outbox_done(&box->out, &j->item,
	    r->silent		? MUS_OUTBOX_SILENT
		: r->messages	? MUS_OUTBOX_ANSWERED
				: MUS_OUTBOX_UNSENT,
	    mono);
	count(e, box, r);
	tell_silence(e, box, before, r->words.s);
	if (r->outcome == MUS_DRV_STALE)
		eng_event(e, j->zone_id, j->zone, "stale", "musicd", LOG_INFO, "%s: %s", box->name,
		    r->words.s);
	else if (r->outcome != MUS_DRV_SHOWN)
		tell_failure(e, j, r);
	if (z && r->outcome != MUS_DRV_STALE)
		snprintf(z->busy->trouble[j->idx].change, sizeof z->busy->trouble[j->idx].change, "%s",
		    r->outcome == MUS_DRV_SHOWN ? "" : r->words.s);
	/* Silence is the signer's, not the change's: its queue waits, and the change stands in it. */
	for (unsigned i = 0; r->silent && z && i < j->id_count; i++)
		eng_sent_forget(z->busy, j->id[i]);
	if (r->outcome == MUS_DRV_REFUSED && r->rcode == MUS_RCODE_NOTAUTH)
		eng_signer_forget(e, j->signer_id);	/* the key file may be another by now */
	eng_job_free(j);
	if (!z)
		return;
	/* When all is answered: one look at what was changed, not one for each. */
	if (!z->busy->jobs)
		eng_wake(e, z, 0, r->outcome == MUS_DRV_SHOWN ? 0 : e->o.poll_ms);
}

static void
on_result(void *arg, const struct mus_drv_result *r)
{
	struct eng_job *j = arg;
	struct mus_engine *e = j->e;

	finish(j, r);
	eng_boxes_pump(e);
}

static void
send(struct eng_job *j)
{
	struct mus_engine *e = j->e;
	struct mus_drv_result failed = {.outcome = MUS_DRV_FAILED};
	int rc;

	j->state = ENG_JOB_SENT;
	mus_outbox_sent(&j->box->out, &j->item, mus_loop_mono_ms(e->o.loop));
	for (unsigned i = 0; i < j->id_count; i++)
		eng_sent_mark(e, j->z->busy, j->id[i]);
	e->stats.updates_sent++;
	j->box->stats.sent++;
	rc = j->driver->apply(&j->target, &j->change, on_result, j, &j->sent);
	if (rc == 0)
		return;
	mus_errf(&failed.words, rc, "not sent: %s", mus_err_text(rc));
	finish(j, &failed);
}

/* What nobody has looked at since is not sent: the zone looks, and plans again. */
static bool
is_old(const struct eng_job *j)
{
	return mus_time_add_s(j->made_at, j->e->o.policy.fresh_s).ms < eng_now(j->e).ms;
}

static void
pump(struct mus_engine *e, struct eng_box *box)
{
	struct mus_outbox_item *it;

	while ((it = mus_outbox_next(&box->out, mus_loop_mono_ms(e->o.loop)))) {
		struct eng_job *j = job_of(it);

		if (is_old(j)) {
			mus_outbox_withdraw(&box->out, it);
			eng_tell_withdrawn(j, NULL);
			eng_wake(e, j->z, ENG_FOCUS_ALL, 0);
			eng_job_free(j);
		} else {
			send(j);
		}
	}
}

void
eng_boxes_pump(struct mus_engine *e)
{
	int64_t first = -1;
	size_t pos = 0;
	void *v;

	if (e->stopping)
		return;
	while (mus_map_next(e->box_by_id, &pos, NULL, NULL, &v)) {
		struct eng_box *box = v;
		int64_t due;

		pump(e, box);
		due = mus_outbox_due_ms(&box->out, mus_loop_mono_ms(e->o.loop));
		if (due >= 0 && (first < 0 || due < first))
			first = due;
	}
	if (first >= 0)
		mus_timer_start(e->box_timer, first);
	else
		mus_timer_stop(e->box_timer);
}

void
eng_send_jobs(struct mus_engine *e)
{
	struct eng_job *j = e->jobs, *next;
	struct mus_errtext et;

	if (!j)
		return;
	if (!e->tx_failed && !e->stopping && mus_store_mark_sent(e->o.store, &et) < 0)
		eng_store_failed(e, "", &et);
	e->jobs = NULL;
	e->jobs_tail = &e->jobs;
	for (; j; j = next) {
		next = j->next;
		j->box->coming--;
		/* What is not on disk is not sent; the next turn plans it again. */
		if (e->tx_failed || e->stopping || j->withdrawn) {
			eng_job_free(j);
			continue;
		}
		j->state = ENG_JOB_WAITING;
		mus_outbox_put(&j->box->out, &j->item);
	}
	eng_boxes_pump(e);
}

/* ---- saying ------------------------------------------------------------------------------------- */

static bool
has_job_at(const struct eng_zone *z, const struct eng_box *box)
{
	for (const struct eng_job *j = z->busy ? z->busy->jobs : NULL; j; j = j->zone_next)
		if (j->box == box && !j->withdrawn)
			return true;
	return false;
}

uint32_t
eng_signers_to_change(const struct mus_plan *plan)
{
	uint32_t signers = 0;

	for (unsigned i = 0; i < plan->act_count && !plan->proposal; i++)
		if (plan->act[i].kind == MUS_ACT_CHANGE)
			signers |= 1u << plan->act[i].signer;
	return signers;
}

void
eng_wait_first(struct mus_plan *plan, struct mus_witness w)
{
	if (plan->wait_count == MUS_PLAN_WAITS_MAX)
		plan->wait_count--;
	memmove(plan->wait + 1, plan->wait, plan->wait_count * sizeof plan->wait[0]);
	plan->wait[0] = w;
	plan->wait_count++;
}

void
eng_queue_waits(struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    struct mus_plan *plan)
{
	uint32_t signers = eng_signers_to_change(plan);

	for (unsigned s = 0; s < st->zone.signer_count; s++) {
		const struct eng_box *box =
		    mus_map_get(e->box_by_id, &st->book.signer_id[s], sizeof st->book.signer_id[s]);
		struct mus_witness w = MUS_WITNESS_NONE;

		if (!(signers >> s & 1) || !box)
			continue;
		w.rule = MUS_RULE_QUEUE;
		w.result = MUS_RES_FAILS;
		w.origin = (uint8_t)s;
		if (box->out.silent) {
			w.cause = MUS_CAUSE_TIMEOUT;
			w.until = box->stats.paused_until;
		} else if (!mus_outbox_has_room(&box->out) && !has_job_at(z, box)) {
			w.number = (uint16_t)box->out.waiting_max;
		} else {
			continue;
		}
		eng_wait_first(plan, w);
	}
}

const char *
mus_ctl_signer_trouble(struct mus_engine *e, int64_t signer_id)
{
	struct mus_errtext et;
	const struct eng_signer *s = eng_signer_get(e, signer_id, &et);

	return s && s->obj.key_file[0] && !s->key ? s->key_error.s : "";
}

void
mus_ctl_changes(const struct mus_engine *e, int64_t signer_id, struct mus_ctl_changes *out)
{
	const struct eng_box *box = mus_map_get(e->box_by_id, &signer_id, sizeof signer_id);

	*out = (struct mus_ctl_changes){.paused_until = MUS_TIME_NEVER};
	if (!box)
		return;
	*out = box->stats;
	out->waiting = box->out.waiting_count;
	out->unanswered = box->out.sent_count;
}
