/*
 * Schedule, transaction of the turn, history, life of the engine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

struct mus_time
eng_now(const struct mus_engine *e)
{
	return mus_loop_now(e->o.loop);
}

/* ---- words ---------------------------------------------------------------------------------- */

void
eng_say(struct mus_engine *e, int level, const char *zone, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	if (!e->o.log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	e->o.log(e->o.log_arg, level, zone, text);
}

void
eng_event_of(const struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind,
    const char *actor, struct mus_event_obj *o, const char *fmt, va_list ap)
{
	*o = (struct mus_event_obj){.zone_id = zone_id, .at = eng_now(e)};
	snprintf(o->zone, sizeof o->zone, "%s", zone);
	snprintf(o->kind, sizeof o->kind, "%s", kind);
	snprintf(o->actor, sizeof o->actor, "%s", actor);
	vsnprintf(o->text, sizeof o->text, fmt, ap);
}

void
eng_say_stored(struct mus_engine *e, int level, const char *zone, const char *text)
{
	size_t zone_len = strlen(zone) + 1, text_len = strlen(text) + 1;
	struct eng_line *line = NULL;

	if (e->line_count < ENG_LINES_MAX)
		line = malloc(sizeof *line + zone_len + text_len);
	if (!line) {
		eng_say(e, level, zone, "%s", text);
		return;
	}
	line->level = level;
	line->text = line->zone + zone_len;
	memcpy(line->zone, zone, zone_len);
	memcpy(line->text, text, text_len);
	STAILQ_INSERT_TAIL(&e->lines, line, link);
	e->line_count++;
}

void
eng_lines_end(struct mus_engine *e, bool stored)
{
	struct eng_line *line;

	while ((line = STAILQ_FIRST(&e->lines))) {
		STAILQ_REMOVE_HEAD(&e->lines, link);
		if (stored)
			eng_say(e, line->level, line->zone, "%s", line->text);
		free(line);
	}
	e->line_count = 0;
}

void
eng_event(struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind,
    const char *actor, int level, const char *fmt, ...)
{
	struct mus_event_obj o;
	struct mus_errtext et;
	va_list ap;

	va_start(ap, fmt);
	eng_event_of(e, zone_id, zone, kind, actor, &o, fmt, ap);
	va_end(ap);
	if (eng_begin(e) == 0 && mus_store_add_event(e->o.store, &o, &et) < 0)
		eng_store_failed(e, zone, &et);
	e->history_grows = true;
	if (level <= LOG_WARNING)
		eng_say(e, level, zone, "%s", o.text);
	else if (e->in_tx && !e->tx_failed)
		eng_say_stored(e, level, zone, o.text);
}

void
eng_committed(struct mus_engine *e)
{
	struct mus_errtext et;

	eng_lines_end(e, true);
	if (!e->history_grows || mus_store_last_event(e->o.store, &e->history_end, &et) < 0)
		return;			/* told with the next one */
	e->history_grows = false;
	for (unsigned i = 0; i < e->listener_count; i++)
		e->listener[i].fn(e->listener[i].arg);
}

int64_t
mus_ctl_history_end(const struct mus_engine *e)
{
	return e->history_end;
}

/* ---- schedule: a heap by due time ------------------------------------------------------------- */

static void
heap_put(struct mus_engine *e, uint32_t i, struct eng_zone *z)
{
	e->heap[i] = z;
	z->heap_idx = i;
}

static void
heap_up(struct mus_engine *e, uint32_t i)
{
	struct eng_zone *z = e->heap[i];

	while (i > 0 && e->heap[(i - 1) / 2]->due_ms > z->due_ms) {
		heap_put(e, i, e->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(e, i, z);
}

static void
heap_down(struct mus_engine *e, uint32_t i)
{
	struct eng_zone *z = e->heap[i];

	for (;;) {
		uint32_t c = 2 * i + 1;

		if (c >= e->heap_count)
			break;
		if (c + 1 < e->heap_count && e->heap[c + 1]->due_ms < e->heap[c]->due_ms)
			c++;
		if (e->heap[c]->due_ms >= z->due_ms)
			break;
		heap_put(e, i, e->heap[c]);
		i = c;
	}
	heap_put(e, i, z);
}

static void
heap_remove(struct mus_engine *e, struct eng_zone *z)
{
	uint32_t i = z->heap_idx;

	if (i == UINT32_MAX)
		return;
	z->heap_idx = UINT32_MAX;
	e->heap_count--;
	if (i == e->heap_count)
		return;
	heap_put(e, i, e->heap[e->heap_count]);
	heap_up(e, i);
	heap_down(e, e->heap[i]->heap_idx);
}

static int
heap_add(struct mus_engine *e, struct eng_zone *z)
{
	if (e->heap_count == e->heap_cap) {
		uint32_t cap = e->heap_cap ? e->heap_cap * 2 : 256;
		struct eng_zone **h = realloc(e->heap, cap * sizeof *h);

		if (!h)
			return MUS_ERR_NOMEM;
		e->heap = h;
		e->heap_cap = cap;
	}
	e->heap_count++;
	heap_put(e, e->heap_count - 1, z);
	heap_up(e, e->heap_count - 1);
	return 0;
}

static void
arm(struct mus_engine *e)
{
	int64_t wait;

	if (e->stopping || e->heap_count == 0 || e->active >= e->o.active_max) {
		mus_timer_stop(e->timer);
		return;
	}
	wait = e->heap[0]->due_ms - eng_now(e).ms;
	mus_timer_start(e->timer, wait < 0 ? 0 : wait > 3600000 ? 3600000 : wait);
}

static void
on_due(void *arg)
{
	struct mus_engine *e = arg;

	eng_follow_clock(e);
	while (!e->stopping && e->heap_count > 0 && e->active < e->o.active_max &&
	    e->heap[0]->due_ms <= eng_now(e).ms) {
		struct eng_zone *z = e->heap[0];

		heap_remove(e, z);
		z->in_turn = true;
		z->again = false;
		e->active++;
		if (!eng_peek(e, z))
			eng_turn_start(e, z);
	}
	arm(e);
}

struct eng_zone *
eng_zone_get(struct mus_engine *e, int64_t id)
{
	return mus_map_get(e->zone_by_id, &id, sizeof id);
}

int
eng_zone_add(struct mus_engine *e, int64_t id, struct mus_time due)
{
	struct eng_zone *z = calloc(1, sizeof *z);
	/* By the clock as far as it was followed: set while nobody ran, it has yet to move what is due. */
	int64_t now_ms = e->wall_ms + mus_loop_boot_ms(e->o.loop);
	int rc = MUS_ERR_NOMEM;

	if (!z)
		return rc;
	z->id = id;
	z->due_ms = mus_time_is_set(due) ? due.ms : now_ms;
	/* Nothing waits for longer than that: our clock was ahead when this was stored. */
	if (z->due_ms > now_ms + e->o.idle_ms)
		z->due_ms = now_ms + z->due_ms % e->o.idle_ms;
	z->heap_idx = UINT32_MAX;
	z->focus = ENG_FOCUS_ALL;
	rc = mus_map_set(e->zone_by_id, &id, sizeof id, z, NULL);
	if (rc == 0 && (rc = heap_add(e, z)) < 0)
		mus_map_remove(e->zone_by_id, &id, sizeof id);
	if (rc < 0)
		free(z);
	else
		arm(e);
	return rc;
}

static void
zone_free(struct mus_engine *e, struct eng_zone *z)
{
	eng_turn_free(z->turn);
	for (struct eng_job *j = z->busy ? z->busy->jobs : NULL; j; j = j->zone_next)
		j->z = NULL;		/* under way: what comes back is about no zone of ours */
	eng_orders_drop(z);
	if (z->busy) {
		eng_copies_unqueue(e, z->busy);
		mus_dnsx_cancel(z->busy->peek.req);
	}
	free(z->busy);
	free(z->tries);
	eng_kept_free(z);
	free(z);
}

void
eng_zone_drop(struct mus_engine *e, int64_t id)
{
	struct eng_zone *z = mus_map_remove(e->zone_by_id, &id, sizeof id);

	if (!z)
		return;
	heap_remove(e, z);
	eng_withdraw(z);
	if (!z->in_turn) {
		zone_free(e, z);
		return;
	}
	z->deleted = true;
	z->next_deleted = e->deleted;
	e->deleted = z;
}

/* Its turn is over, and nobody knows it any more. */
static void
bury(struct mus_engine *e, struct eng_zone *z)
{
	struct eng_zone **p = &e->deleted;

	while (*p != z)
		p = &(*p)->next_deleted;
	*p = z->next_deleted;
	zone_free(e, z);
}

static void
schedule(struct mus_engine *e, struct eng_zone *z, int64_t after_ms)
{
	int64_t due = eng_now(e).ms + after_ms;

	if (z->in_turn) {
		z->again = true;	/* looked at again as soon as this turn is over */
		return;
	}
	if (z->heap_idx != UINT32_MAX) {
		if (z->due_ms <= due)
			return;
		heap_remove(e, z);
	}
	z->due_ms = due;
	if (heap_add(e, z) < 0)
		eng_say(e, LOG_CRIT, "", "out of memory: a zone fell out of the schedule");
	arm(e);
}

void
eng_wake(struct mus_engine *e, struct eng_zone *z, uint32_t focus, int64_t after_ms)
{
	z->focus |= focus;
	if (z->busy)
		z->busy->peek.ready = false;
	schedule(e, z, after_ms);
}

struct eng_busy *
eng_busy(struct eng_zone *z)
{
	if (!z->busy && (z->busy = calloc(1, sizeof *z->busy)) != NULL)
		z->busy->wake_at = MUS_TIME_NEVER;
	return z->busy;
}

void
eng_turn_over(struct mus_engine *e, struct eng_zone *z, int64_t after_ms)
{
	bool again = z->again;

	z->in_turn = z->again = false;
	e->active--;
	if (!z->busy)
		eng_kept_free(z);
	if (z->deleted)
		bury(e, z);
	else
		schedule(e, z, again ? 0 : after_ms);
	arm(e);
}

/* ---- one transaction per turn of the loop ----------------------------------------------------- */

void
eng_store_failed(struct mus_engine *e, const char *zone, const struct mus_errtext *et)
{
	eng_say(e, LOG_ERR, zone, "database: %s; nothing is sent", et->s);
	e->tx_failed = true;
	e->stats.store_error = *et;
	if (!mus_time_is_set(e->stats.store_failing_since))
		e->stats.store_failing_since = eng_now(e);
}

int
eng_store_commit(struct mus_engine *e, struct mus_errtext *et)
{
	bool wrote = mus_store_wrote(e->o.store);
	int rc = mus_store_commit(e->o.store, et);

	/* To have written nothing says nothing about the disk; and the file beside the database must take
	 * changes too. */
	if (rc < 0 || !wrote || !mus_time_is_set(e->stats.store_failing_since))
		return rc;
	if (mus_store_mark_sent(e->o.store, &e->stats.store_error) < 0)
		return 0;
	e->stats.store_failing_since = MUS_TIME_NEVER;
	e->stats.store_error.s[0] = '\0';
	eng_say(e, LOG_NOTICE, "", "the database takes changes again");
	return 0;
}

int
eng_begin(struct mus_engine *e)
{
	struct mus_errtext et;

	/* What has failed fails as a whole, up to the end of the turn of the loop. */
	if (e->tx_failed)
		return MUS_ERR_STORE;
	if (e->in_tx)
		return 0;
	if (mus_store_begin(e->o.store, &et) < 0) {
		eng_store_failed(e, "", &et);
		return MUS_ERR_STORE;
	}
	e->in_tx = true;
	return 0;
}

static void
commit(struct mus_engine *e)
{
	struct mus_errtext et;

	if (!e->in_tx)
		return;
	if (eng_note_is_old(e) && mus_store_wrote(e->o.store))
		eng_note_clocks(e, 0);
	e->in_tx = false;
	if (e->tx_failed || eng_store_commit(e, &et) < 0) {
		eng_lines_end(e, false);
		eng_shifted(e, false);
		eng_forget_kept(e);	/* it may be gone */
		if (e->tx_failed)
			mus_store_rollback(e->o.store);
		else
			eng_store_failed(e, "", &et);
		return;
	}
	eng_shifted(e, true);
	eng_committed(e);
}

/* Commit, then send: nothing leaves before it is on disk (design.md rule 5). */
static void
at_turn_end(void *arg)
{
	struct mus_engine *e = arg;

	int64_t early_ms = e->commit_at.ms - eng_now(e).ms;

	/* More than that: the clock was set back. */
	if (e->in_tx && early_ms > 0 && early_ms <= ENG_COMMIT_EVERY_MS) {
		mus_timer_start(e->commit_timer, early_ms);
		return;
	}
	if (e->in_tx)
		e->commit_at = mus_time_add_ms(eng_now(e), ENG_COMMIT_EVERY_MS);
	commit(e);
	eng_send_jobs(e);
	eng_orders_start(e);
	e->tx_failed = false;
}

/* The turn of the loop that this starts ends with the commit. */
static void
on_commit_due(void *arg)
{
	(void)arg;
}

void
eng_policy_of(const struct mus_engine *e, const struct mus_zone_obj *z, const struct eng_zone *ez,
    struct mus_policy *out)
{
	*out = e->o.policy;
	out->manual = z->mode == MUS_MODE_MANUAL;
	out->held = z->held;
	out->step = ez && ez->busy && ez->busy->step;
	out->probed = ez && ez->busy && ez->busy->probing;
	out->forced = ez && ez->busy ? ez->busy->forced : MUS_RULE_NONE;
	if (out->forced != MUS_RULE_NONE)
		out->step = true;
}

void
eng_policy_idle(const struct mus_engine *e, struct mus_policy *policy)
{
	if (policy->fresh_s < e->o.idle_ms / 500)
		policy->fresh_s = (uint32_t)(e->o.idle_ms / 500);
}

/* ---- signers ---------------------------------------------------------------------------------- */

struct eng_signer *
eng_signer_hold(struct eng_signer *s)
{
	s->refs++;
	return s;
}

void
eng_signer_release(struct eng_signer *s)
{
	if (!s || --s->refs > 0)
		return;
	mus_tsig_key_free(s->key);
	free(s);
}

static void
load_key(struct mus_engine *e, struct eng_signer *s)
{
	struct mus_errtext before = s->key_error;

	if (mus_tsig_key_load(s->obj.key_file, &s->key, &s->key_error) < 0 &&
	    strcmp(before.s, s->key_error.s) != 0)
		eng_say(e, LOG_ERR, "", "signer %s: %s", s->obj.name, s->key_error.s);
}

struct eng_signer *
eng_signer_get(struct mus_engine *e, int64_t id, struct mus_errtext *et)
{
	struct eng_signer *s = mus_map_get(e->signer_by_id, &id, sizeof id);

	if (s) {
		if (s->obj.key_file[0] && !s->key)
			load_key(e, s);		/* mended by now? */
		return s;
	}
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->refs = 1;
	if (mus_store_load_signer_id(e->o.store, id, &s->obj, et) < 0)
		goto fail;
	s->driver = mus_driver_find(s->obj.driver);
	if (s->obj.key_file[0])
		load_key(e, s);
	if (mus_map_set(e->signer_by_id, &id, sizeof id, s, NULL) < 0)
		goto fail;
	return s;
fail:
	eng_signer_release(s);
	return NULL;
}

void
eng_signer_forget(struct mus_engine *e, int64_t id)
{
	eng_signer_release(mus_map_remove(e->signer_by_id, &id, sizeof id));
}

/* ---- life -------------------------------------------------------------------------------------- */

static int
on_each_due(void *arg, int64_t id, struct mus_time due)
{
	return eng_zone_add(arg, id, due);
}

static void
on_box_due(void *arg)
{
	eng_boxes_pump(arg);
}

/* The database is a backup: nothing that it says of the past counts on, which is noted before anything else. */
static int
begin_anew(struct mus_engine *e, struct mus_errtext *et)
{
	const char *why = mus_store_is_older(e->o.store);
	struct mus_event_obj o = {.at = eng_now(e), .kind = "restored", .actor = "musicd"};
	int rc = why ? mus_store_begin(e->o.store, et) : 0;

	if (why && rc == 0) {
		snprintf(o.text, sizeof o.text, "the database is a restored backup (%s): what was seen and sent "
		    "since is not known, and all waits of all zones begin anew", why);
		if ((rc = mus_store_note_restored(e->o.store, o.at, et)) == 0)
			rc = mus_store_add_event(e->o.store, &o, et);
		if (rc == 0)
			rc = mus_store_commit(e->o.store, et);
		else
			mus_store_rollback(e->o.store);
		if (rc == 0)
			eng_say(e, LOG_ALERT, "", "%s", o.text);
	}
	e->stats.restored_at = mus_store_restored_at(e->o.store);
	return rc < 0 ? rc : mus_store_mark_sent(e->o.store, et);
}

/* Whatever else is stored: as an engine begins, for the next one after a step that comes soon; and as it ends. */
static void
follow_and_note(struct mus_engine *e)
{
	eng_follow_clock(e);
	eng_note_clocks(e, 0);
	commit(e);
}

int
mus_engine_new(const struct mus_engine_opts *o, struct mus_engine **out, struct mus_errtext *et)
{
	struct mus_engine *e = mus_zonestate_room(sizeof *e);
	int rc = MUS_ERR_NOMEM;

	if (!e)
		return mus_errf(et, rc, "out of memory");
	e->o = *o;
	if (e->o.active_max == 0)
		e->o.active_max = ENG_ACTIVE_DEFAULT;
	if (e->o.dns_port == 0)
		e->o.dns_port = 53;
	e->jobs_tail = &e->jobs;
	e->stats.store_failing_since = MUS_TIME_NEVER;
	TAILQ_INIT(&e->copy_queue);
	STAILQ_INIT(&e->lines);
	mus_zonestate_init(&e->scratch);
	mus_zonestate_init(&e->view);
	mus_buf_init(&e->blob, 0);
	mus_buf_init(&e->manual, 0);
	mus_buf_init(&e->view_manual, 0);
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		mus_buf_init(&e->view_hand[s], 0);
	e->zone_by_id = mus_map_new(1, 2);
	e->signer_by_id = mus_map_new(3, 4);
	e->parent_by_name = mus_map_new((uint64_t)eng_now(e).ms, 5);
	e->host_by_name = mus_map_new((uint64_t)eng_now(e).ms, 6);
	e->dsync_by_zone = mus_map_new((uint64_t)eng_now(e).ms, 7);
	e->box_by_id = mus_map_new(6, 7);
	e->box_timer = mus_timer_new(o->loop, on_box_due, e);
	e->sigs = mus_sigcache_new(1u << 18);
	e->timer = mus_timer_new(o->loop, on_due, e);
	e->commit_timer = mus_timer_new(o->loop, on_commit_due, e);
	if (!e->zone_by_id || !e->signer_by_id || !e->parent_by_name || !e->host_by_name ||
	    !e->dsync_by_zone || eng_orders_init(e) < 0 || !e->sigs || !e->timer || !e->commit_timer ||
	    !e->box_by_id || !e->box_timer)
		goto fail;
	rc = mus_loop_at_turn_end(o->loop, at_turn_end, e);
	if (rc == 0 && (rc = begin_anew(e, et)) < 0) {
		mus_engine_free(e);
		return rc;
	}
	if (rc == 0)
		rc = mus_store_last_event(o->store, &e->history_end, et);
	if (rc == 0)
		rc = eng_recall_clocks(e, et);
	if (rc == 0)
		rc = mus_store_each_due(o->store, on_each_due, e);
	if (rc < 0)
		goto fail;
	e->notes_clocks = true;
	follow_and_note(e);
	arm(e);
	*out = e;
	return 0;
fail:
	mus_errf(et, rc, "engine: %s", mus_err_text(rc));
	mus_engine_free(e);
	return rc;
}

void
mus_engine_free(struct mus_engine *e)
{
	size_t pos = 0;
	void *v;

	if (!e)
		return;
	/* What will not be sent by this run is no action of it. */
	for (pos = 0; e->zone_by_id && mus_map_next(e->zone_by_id, &pos, NULL, NULL, &v);)
		eng_withdraw(v);
	e->stopping = true;
	if (e->notes_clocks)
		follow_and_note(e);
	mus_loop_off_turn_end(e->o.loop, at_turn_end, e);
	mus_timer_free(e->timer);
	mus_timer_free(e->commit_timer);
	mus_timer_free(e->box_timer);
	eng_lines_end(e, false);
	eng_copies_cancel(e);
	eng_trials_free(e);
	eng_probes_free(e);
	while (e->deleted)
		bury(e, e->deleted);
	for (pos = 0; e->zone_by_id && mus_map_next(e->zone_by_id, &pos, NULL, NULL, &v);)
		zone_free(e, v);
	eng_orders_end(e);
	eng_turns_free(e);
	eng_boxes_free(e);
	for (pos = 0; e->signer_by_id && mus_map_next(e->signer_by_id, &pos, NULL, NULL, &v);)
		eng_signer_release(v);
	eng_parents_free(e);
	eng_hosts_free(e);
	eng_dsyncs_free(e);
	mus_map_free(e->zone_by_id);
	mus_map_free(e->signer_by_id);
	mus_sigcache_free(e->sigs);
	mus_zonestate_clear(&e->scratch);
	mus_zonestate_clear(&e->view);
	mus_buf_clear(&e->blob);
	mus_buf_clear(&e->manual);
	mus_buf_clear(&e->view_manual);
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		mus_buf_clear(&e->view_hand[s]);
	free(e->heap);
	free(e);
}

bool
mus_engine_hint(struct mus_engine *e, const char *zone)
{
	struct mus_errtext et;
	struct eng_zone *z;

	if (mus_store_load_zone(e->o.store, zone, &e->zobj, &et) < 0)
		return false;
	z = eng_zone_get(e, e->zobj.id);
	if (z)
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	return z != NULL;
}
