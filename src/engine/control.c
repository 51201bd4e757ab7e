/*
 * What an operator asks: checked, stored and recorded in one transaction of its own, then woken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/control_int.h"

struct mus_store *
mus_ctl_store(struct mus_engine *e)
{
	return e->o.store;
}

struct mus_time
mus_ctl_now(const struct mus_engine *e)
{
	return eng_now(e);
}

/* What the engine has gathered in this turn of the loop goes first, so that an operator's change
 * stands or falls alone. */
int
eng_ctl_begin(struct mus_engine *e, struct mus_errtext *et)
{
	if (e->in_tx) {
		e->in_tx = false;
		if (e->tx_failed || mus_store_commit(e->o.store, et) < 0) {
			eng_lines_end(e, false);
			eng_shifted(e, false);
			if (e->tx_failed)
				mus_store_rollback(e->o.store);
			e->tx_failed = true;
			eng_forget_kept(e);
		} else {
			eng_shifted(e, true);
			eng_committed(e);
		}
	}
	if (mus_store_begin(e->o.store, et) < 0)
		return MUS_ERR_STORE;
	return 0;
}

int
eng_ctl_note(struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind, const char *actor,
    struct mus_errtext *et, const char *fmt, ...)
{
	struct mus_event_obj o;
	char text[sizeof o.text + MUS_LABEL_MAX + 8];
	va_list ap;

	va_start(ap, fmt);
	eng_event_of(e, zone_id, zone, kind, actor, &o, fmt, ap);
	va_end(ap);
	snprintf(text, sizeof text, "%s (by %s)", o.text, actor);
	eng_say_stored(e, LOG_NOTICE, zone, text);
	e->history_grows = true;
	return mus_store_add_event(e->o.store, &o, et);
}

/* Ends the operator's transaction: all of it, or nothing. */
int
eng_ctl_end(struct mus_engine *e, int rc, struct mus_errtext *et)
{
	eng_forget_kept(e);
	if (rc < 0) {
		eng_lines_end(e, false);
		mus_store_rollback(e->o.store);
		return rc;
	}
	rc = eng_store_commit(e, et);
	if (rc == 0)
		eng_committed(e);
	else
		eng_lines_end(e, false);
	return rc;
}

int
eng_ctl_zone(struct mus_engine *e, const char *zone, struct mus_zone_obj *o, struct mus_errtext *et)
{
	const struct eng_at at = {NULL, et};
	char name[MUS_ZONETEXT_MAX];
	int rc;

	snprintf(name, sizeof name, "%s", zone);
	rc = eng_canonical(&at, "", name, sizeof name);
	if (rc == 0)
		rc = mus_store_load_zone(e->o.store, name, o, et);
	return rc;
}

void
eng_forget_tries(struct eng_zone *z)
{
	if (z->busy)
		z->busy->sent_count = 0;
	free(z->tries);
	z->tries = NULL;
}

struct wake {
	struct mus_engine *e;
	unsigned count;
	int64_t last;
};

static int
wake_one(void *arg, int64_t id)
{
	struct wake *w = arg;
	struct eng_zone *z = eng_zone_get(w->e, id);

	/* Spread: a thousand zones are not asked about in one burst. */
	if (z) {
		eng_forget_tries(z);	/* who has refused may be mended now */
		eng_wake(w->e, z, 0, (int64_t)(w->count++) * 2);
	}
	w->last = id;
	return 0;
}

void
eng_wake_group(struct mus_engine *e, int64_t group_id)
{
	struct wake w = {.e = e};
	unsigned before;

	do {
		before = w.count;
		if (mus_store_each_zone_of_group(e->o.store, group_id, w.last, 1000, wake_one, &w) < 0)
			break;
	} while (w.count != before);
}

/* ---- looking ------------------------------------------------------------------------------------------ */

/* Without the database nothing goes on, whatever else is missing. */
static const char *
store_waits(const struct mus_engine *e, struct mus_plan *plan)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	if (!mus_time_is_set(e->stats.store_failing_since))
		return NULL;
	w.rule = MUS_RULE_STORE;
	w.result = MUS_RES_FAILS;
	w.seen_at = e->stats.store_failing_since;
	eng_wait_first(plan, w);
	return e->stats.store_error.s;
}

int
mus_ctl_view(struct mus_engine *e, const char *zone, struct mus_zone_view *out, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct mus_zonestate *st = &e->view;
	struct mus_policy policy;
	const char *store_error;
	struct mus_time since;
	struct eng_zone *z;
	int rc = eng_ctl_zone(e, zone, &o, et);

	if (rc < 0 || (rc = eng_load_state(e, o.id, st, et)) < 0)
		return rc;
	if (!eng_sync(e, &o, st, et))
		return MUS_ERR_STORE;
	z = eng_zone_get(e, o.id);
	eng_policy_of(e, &o, z, &policy);
	eng_policy_idle(e, &policy);
	mus_settle(&st->zone, &st->seen, &st->want, &policy, eng_now(e));
	mus_plan(&st->zone, &st->seen, &st->want, &policy, eng_now(e), &e->view_plan);
	if (z)
		eng_queue_waits(e, z, st, &e->view_plan);
	eng_probe_waits(e, z, st, &policy, &e->view_plan);
	store_error = store_waits(e, &e->view_plan);
	mus_judge(&st->zone, &st->seen, &st->want, &policy, eng_now(e), &e->view_verdict);
	memset(e->view_trouble, 0, sizeof e->view_trouble);
	if (z && z->busy) {
		memcpy(e->view_trouble, z->busy->trouble, sizeof z->busy->trouble);
		eng_copy_troubles(e, z, e->view_plan.need_copy, e->view_trouble);
	}
	eng_host_troubles(e, st, e->view_trouble);
	eng_parent_trouble(e, st, &e->view_trouble[MUS_PARENT]);
	since = eng_manual(e, st, &e->view_plan, &policy, &e->view_manual);
	if (!mus_buf_add_u8(&e->view_manual, 0))
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	for (unsigned s = 0; s < st->zone.signer_count; s++)
		if (!eng_by_hand(st, &e->view_plan, s, &e->view_hand[s]))
			return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	*out = (struct mus_zone_view){st, &e->view_plan, &e->view_verdict, e->view_trouble, eng_now(e), policy.forced,
	    z && z->busy ? z->busy->forced_reason : "", since,
	    eng_dsync_of(e, o.name, st->book.parent), (const char *)e->view_manual.data, e->view_command,
	    eng_commands(e, z, st, &e->view_plan, e->view_command), {NULL}, store_error};
	for (unsigned s = 0; s < st->zone.signer_count; s++)
		out->by_hand[s] = e->view_hand[s].len ? (const char *)e->view_hand[s].data : NULL;
	return 0;
}

/* ---- listeners, figures --------------------------------------------------------------------------------- */

int
mus_ctl_listen(struct mus_engine *e, mus_ctl_event_fn *fn, void *arg)
{
	if (e->listener_count == ENG_LISTENERS_MAX)
		return MUS_ERR_FULL;
	e->listener[e->listener_count].fn = fn;
	e->listener[e->listener_count++].arg = arg;
	return 0;
}

void
mus_ctl_unlisten(struct mus_engine *e, mus_ctl_event_fn *fn, void *arg)
{
	for (unsigned i = 0; i < e->listener_count; i++)
		if (e->listener[i].fn == fn && e->listener[i].arg == arg) {
			e->listener[i] = e->listener[--e->listener_count];
			return;
		}
}

/* What stands and waits for people; of a zone that was not looked at since the start nothing is known. */
static void
count_standing(const struct mus_engine *e, struct mus_ctl_stats *out)
{
	struct mus_time now = eng_now(e);
	const void *key;
	size_t pos = 0, len;
	void *value;

	while (mus_map_next(e->zone_by_id, &pos, &key, &len, &value)) {
		const struct eng_busy *b = ((const struct eng_zone *)value)->busy;

		if (!b)
			continue;
		out->manual_ds += b->manual == MUS_RULE_PARENTDS;
		out->manual_ns += b->manual == MUS_RULE_PARENTNS;
		if (b->row_at.ms > 0 && b->row_at.ms < now.ms && (uint64_t)(now.ms - b->row_at.ms) / 1000 > out->row_s)
			out->row_s = (uint64_t)(now.ms - b->row_at.ms) / 1000;
	}
}

void
mus_ctl_stats(const struct mus_engine *e, struct mus_ctl_stats *out)
{
	struct mus_sigcache_stats sigs = mus_sigcache_stats(e->sigs);
	struct mus_zone_filter f = {.busy_only = false};

	*out = e->stats;
	out->zones = mus_map_count(e->zone_by_id);
	out->in_flight = e->active;
	out->due = e->heap_count && e->heap[0]->due_ms <= eng_now(e).ms;
	out->sigs_verified = sigs.verified;
	out->sigs_cached = sigs.hits;
	for (unsigned i = 0; i < sizeof out->state / sizeof out->state[0]; i++) {
		f.state = mus_state_text((enum mus_state_word)i);
		if (mus_store_count_zones(e->o.store, &f, &out->state[i]) < 0)
			out->state[i] = 0;
	}
	out->checks_addresses = eng_checks_addresses(e);
	count_standing(e, out);
	if (mus_store_count_lost(e->o.store, eng_now(e), &out->lost_signer) < 0)
		out->lost_signer = 0;
	f.state = NULL;
	f.busy_only = true;
	if (mus_store_count_zones(e->o.store, &f, &out->busy) < 0)
		out->busy = 0;
}
