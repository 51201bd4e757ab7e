/* What has happened: events, processes. */
#include <string.h>

#include "store/sql.h"

int
mus_store_add_event(struct mus_store *s, const struct mus_event_obj *o, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_EVENT_INSERT);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_id(&q, o->zone_id);
	mus__q_time(&q, o->at);
	mus__q_text(&q, o->kind);
	mus__q_text(&q, o->text);
	mus__q_text(&q, o->actor);
	return mus__q_run(&q, et, "event of zone with id %lld", (long long)o->zone_id);
}

int
mus_store_add_group_event(struct mus_store *s, int64_t group_id, const struct mus_event_obj *o,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_EVENT_INSERT_GROUP);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_int(&q, group_id);
	mus__q_time(&q, o->at);
	mus__q_text(&q, o->kind);
	mus__q_text(&q, o->text);
	mus__q_text(&q, o->actor);
	return mus__q_run(&q, et, "event of the zones of the group with id %lld", (long long)group_id);
}

static int
load_event(struct mus_store *s, int64_t id, struct mus_event_obj *o)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_EVENT_BY_ID);
	int rc;

	mus__q_int(&q, id);
	if ((rc = mus__q_step(&q)) < 0)
		return mus__q_fail(&q, NULL, "event");
	if (rc > 0) {
		memset(o, 0, sizeof *o);
		o->id = mus__q_get_int(&q);
		o->zone_id = mus__q_get_int(&q);
		mus__q_get_text(&q, o->zone, sizeof o->zone);
		o->at = mus__q_get_time(&q);
		mus__q_get_text(&q, o->kind, sizeof o->kind);
		mus__q_get_text(&q, o->text, sizeof o->text);
		mus__q_get_text(&q, o->actor, sizeof o->actor);
	}
	mus__q_end(&q);
	return rc > 0 ? 0 : MUS_ERR_NOTFOUND;
}

/* The events that a statement names. */
static int
each_event(struct mus_store *s, struct mus__q *q, mus_store_event_fn *fn, void *arg)
{
	struct mus__ids ids = {0};
	struct mus_event_obj o;
	int rc = mus__ids_read(&ids, q);

	for (size_t i = 0; i < ids.count && rc == 0; i++) {
		rc = load_event(s, ids.v[i], &o);
		rc = rc == MUS_ERR_NOTFOUND ? 0 : rc < 0 ? rc : fn(arg, &o);
	}
	mus__ids_clear(&ids);
	return rc;
}

int
mus_store_events_after(struct mus_store *s, int64_t zone_id, int64_t after_id, int64_t upto_id,
    unsigned limit, mus_store_event_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, zone_id != 0 ? MUS__STMT_EVENT_AFTER_ZONE : MUS__STMT_EVENT_AFTER);

	mus__q_int(&q, after_id);
	mus__q_int(&q, upto_id);
	mus__q_int(&q, limit);
	if (zone_id != 0)
		mus__q_int(&q, zone_id);
	return each_event(s, &q, fn, arg);
}

int
mus_store_last_event(struct mus_store *s, int64_t *out, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_EVENT_LAST);
	int rc = mus__q_step(&q);

	if (rc < 0)
		return mus__q_fail(&q, et, "last event");
	*out = rc > 0 ? mus__q_get_int(&q) : 0;
	mus__q_end(&q);
	return 0;
}

int
mus_store_list_events(struct mus_store *s, int64_t zone_id, int64_t before_id, unsigned limit,
    mus_store_event_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, zone_id != 0 ? MUS__STMT_EVENT_LIST_ZONE : MUS__STMT_EVENT_LIST);

	mus__q_int(&q, before_id != 0 ? before_id : INT64_MAX);
	mus__q_int(&q, limit);
	if (zone_id != 0)
		mus__q_int(&q, zone_id);
	return each_event(s, &q, fn, arg);
}

static int
trim_parts(struct mus_store *s, const struct mus__ids *full, unsigned keep, struct mus_errtext *et)
{
	int rc = 0;

	for (size_t i = 0; i < full->count && rc == 0; i++) {
		struct mus__q q = mus__q_of(s, MUS__STMT_EVENT_TRIM);

		mus__q_int(&q, full->v[i]);
		mus__q_int(&q, keep);
		rc = mus__q_run(&q, et, "trim events");
	}
	return rc;
}

int
mus_store_trim_events(struct mus_store *s, unsigned keep, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_EVENT_FULL);
	struct mus__ids full = {0};
	int rc;

	if ((rc = mus__op_begin(s, et)) < 0)
		return rc;
	mus__q_int(&q, keep);
	if ((rc = mus__ids_read(&full, &q)) < 0)
		mus_errf(et, rc, "trim events: %s", mus_err_text(rc));
	else
		rc = trim_parts(s, &full, keep, et);
	mus__ids_clear(&full);
	return mus__op_end(s, rc, et);
}

int
mus_store_add_process(struct mus_store *s, struct mus_process_obj *o, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_PROCESS_ADD);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_int(&q, o->zone_id);
	mus__q_text(&q, o->kind);
	mus__q_text(&q, o->signer);
	mus__q_text(&q, o->row);
	mus__q_time(&q, o->started_at);
	mus__q_time(&q, o->ended_at);
	mus__q_text(&q, o->outcome);
	if ((rc = mus__q_run(&q, et, "process of zone with id %lld", (long long)o->zone_id)) < 0)
		return rc;
	o->id = sqlite3_last_insert_rowid(s->db);
	return 0;
}

/* Runs the statement for the running process of ${o}. */
static int
change_running(struct mus__q *q, const struct mus_process_obj *o, struct mus_errtext *et)
{
	sqlite3 *db = q->s->db;
	int rc;

	mus__q_int(q, o->zone_id);
	mus__q_text(q, o->kind);
	mus__q_text(q, o->signer);
	if ((rc = mus__q_run(q, et, "process of zone with id %lld", (long long)o->zone_id)) < 0)
		return rc;
	if (sqlite3_changes(db) == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "no %s of %s runs for the zone with id %lld", o->kind, o->signer,
		    (long long)o->zone_id);
	return 0;
}

int
mus_store_step_process(struct mus_store *s, const struct mus_process_obj *o, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_PROCESS_STEP);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_text(&q, o->row);
	return change_running(&q, o, et);
}

int
mus_store_end_process(struct mus_store *s, const struct mus_process_obj *o, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_PROCESS_END);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_text(&q, o->row);
	mus__q_text(&q, o->outcome);
	mus__q_time(&q, o->ended_at);
	return change_running(&q, o, et);
}

static int
load_process(struct mus_store *s, int64_t id, struct mus_process_obj *o)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_PROCESS_BY_ID);
	int rc;

	mus__q_int(&q, id);
	if ((rc = mus__q_step(&q)) < 0)
		return mus__q_fail(&q, NULL, "process");
	if (rc > 0) {
		memset(o, 0, sizeof *o);
		o->id = mus__q_get_int(&q);
		o->zone_id = mus__q_get_int(&q);
		mus__q_get_text(&q, o->zone, sizeof o->zone);
		mus__q_get_text(&q, o->kind, sizeof o->kind);
		mus__q_get_text(&q, o->signer, sizeof o->signer);
		mus__q_get_text(&q, o->row, sizeof o->row);
		o->started_at = mus__q_get_time(&q);
		o->ended_at = mus__q_get_time(&q);
		mus__q_get_text(&q, o->outcome, sizeof o->outcome);
	}
	mus__q_end(&q);
	return rc > 0 ? 0 : MUS_ERR_NOTFOUND;
}

int
mus_store_list_processes(struct mus_store *s, int64_t zone_id, bool running_only, int64_t before_id,
    unsigned limit, mus_store_process_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, zone_id != 0 ? MUS__STMT_PROCESS_LIST_ZONE :
	    running_only ? MUS__STMT_PROCESS_LIST_RUNNING : MUS__STMT_PROCESS_LIST);
	struct mus__ids ids = {0};
	struct mus_process_obj o;
	int rc;

	mus__q_int(&q, before_id != 0 ? before_id : INT64_MAX);
	mus__q_int(&q, limit);
	if (zone_id != 0) {
		mus__q_int(&q, zone_id);
		mus__q_int(&q, running_only);
	}
	rc = mus__ids_read(&ids, &q);
	for (size_t i = 0; i < ids.count && rc == 0; i++) {
		rc = load_process(s, ids.v[i], &o);
		rc = rc == MUS_ERR_NOTFOUND ? 0 : rc < 0 ? rc : fn(arg, &o);
	}
	mus__ids_clear(&ids);
	return rc;
}
