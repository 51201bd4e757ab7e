#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "store/sql.h"

static void
bind_zone(struct mus__q *q, const struct mus_zone_obj *o, const char *parent_addrs)
{
	mus__q_text(q, o->name);
	mus__q_id(q, o->group_id);
	mus__q_int(q, o->mode);
	mus__q_int(q, o->held);
	mus__q_text(q, o->held_reason);
	mus__q_text(q, o->sample);
	mus__q_text(q, o->parent);
	mus__q_text(q, parent_addrs);
	mus__q_text(q, o->state);
	mus__q_text(q, o->process);
	mus__q_text(q, o->row);
	mus__q_text(q, o->waiting);
	mus__q_time(q, o->waiting_until);
	mus__q_time(q, o->next_check_at);
	mus__q_time(q, o->checked_at);
	mus__q_time(q, o->created_at);
	mus__q_time(q, o->changed_at);
}

static int
save_zone_signer(struct mus_store *s, int64_t zone_id, unsigned pos,
    const struct mus_zone_signer_obj *zs, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_SIGNER_INSERT);
	int rc;

	MUS_ASSERT(zs->ns_count <= MUS_OBJ_NS_MAX);
	mus__q_int(&q, zone_id);
	mus__q_int(&q, zs->signer_id);
	mus__q_int(&q, pos);
	mus__q_text(&q, zs->key_file);
	mus__q_int(&q, zs->max_ttl_s);
	mus__q_int(&q, zs->lost);
	mus__q_int(&q, zs->excluded);
	mus__q_int(&q, zs->staying);
	mus__q_int(&q, zs->lost_ttl_s);
	mus__q_time(&q, zs->lost_until);
	if ((rc = mus__q_run(&q, et, "signer with id %lld", (long long)zs->signer_id)) < 0)
		return rc;
	for (unsigned i = 0; i < zs->ns_count; i++) {
		q = mus__q_of(s, MUS__STMT_ZONE_NS_INSERT);
		mus__q_int(&q, zone_id);
		mus__q_int(&q, zs->signer_id);
		if ((rc = mus__ns_insert(&q, i, &zs->ns[i], et)) < 0)
			return rc;
	}
	return 0;
}

static int
save_zone_parts(struct mus_store *s, const struct mus_zone_obj *o, int64_t *id,
    struct mus_errtext *et)
{
	char parent_addrs[MUS__ADDRS_TEXT_MAX];
	struct mus__q q = mus__q_of(s, *id == 0 ? MUS__STMT_ZONE_INSERT : MUS__STMT_ZONE_UPDATE);
	int rc;

	bind_zone(&q, o, mus__addrs_text(o->parent_addr, o->parent_addr_count, parent_addrs));
	if (*id != 0)
		mus__q_int(&q, *id);
	if ((rc = mus__q_run(&q, et, "zone %s", o->name)) < 0)
		return rc;
	if (*id == 0) {
		*id = sqlite3_last_insert_rowid(s->db);
	} else {
		if (sqlite3_changes(s->db) == 0)
			return mus_errf(et, MUS_ERR_NOTFOUND, "zone %s (id %lld): no such zone", o->name,
			    (long long)*id);
		q = mus__q_of(s, MUS__STMT_ZONE_SIGNER_DELETE);
		mus__q_int(&q, *id);
		if ((rc = mus__q_run(&q, et, "zone %s", o->name)) < 0)
			return rc;
	}
	for (unsigned i = 0; i < o->signer_count; i++)
		if ((rc = save_zone_signer(s, *id, i, &o->signer[i], et)) < 0)
			return mus_err_wrap(et, rc, "zone %s", o->name);
	return 0;
}

int
mus_store_save_zone(struct mus_store *s, struct mus_zone_obj *o, struct mus_errtext *et)
{
	int64_t id = o->id;
	int rc;

	MUS_ASSERT(o->signer_count <= MUS_SIGNERS_MAX && o->parent_addr_count <= MUS_OBJ_PARENT_MAX);
	if ((rc = mus__op_begin(s, et)) < 0)
		return rc;
	rc = mus__op_end(s, save_zone_parts(s, o, &id, et), et);
	if (rc == 0)
		o->id = id;
	return rc;
}

static void
get_zone(struct mus__q *q, struct mus_zone_obj *o)
{
	char addrs[MUS__ADDRS_TEXT_MAX];

	memset(o, 0, offsetof(struct mus_zone_obj, signer));
	o->id = mus__q_get_int(q);
	mus__q_get_text(q, o->name, sizeof o->name);
	o->group_id = mus__q_get_int(q);
	o->mode = mus__q_get_int(q) == MUS_MODE_AUTO ? MUS_MODE_AUTO : MUS_MODE_MANUAL;
	o->held = mus__q_get_bool(q);
	mus__q_get_text(q, o->held_reason, sizeof o->held_reason);
	mus__q_get_text(q, o->sample, sizeof o->sample);
	mus__q_get_text(q, o->parent, sizeof o->parent);
	mus__q_get_text(q, addrs, sizeof addrs);
	o->parent_addr_count = (uint8_t)mus__addrs_parse(addrs, o->parent_addr, MUS_OBJ_PARENT_MAX);
	mus__q_get_text(q, o->state, sizeof o->state);
	mus__q_get_text(q, o->process, sizeof o->process);
	mus__q_get_text(q, o->row, sizeof o->row);
	mus__q_get_text(q, o->waiting, sizeof o->waiting);
	o->waiting_until = mus__q_get_time(q);
	o->next_check_at = mus__q_get_time(q);
	o->checked_at = mus__q_get_time(q);
	o->created_at = mus__q_get_time(q);
	o->changed_at = mus__q_get_time(q);
}

/* What is different for single signers; 0 or as mus__q_fail. */
static int
load_zone_signers(struct mus_store *s, struct mus_zone_obj *o, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_SIGNERS);
	int rc;

	mus__q_int(&q, o->id);
	while ((rc = mus__q_step(&q)) > 0 && o->signer_count < MUS_SIGNERS_MAX) {
		struct mus_zone_signer_obj *zs = &o->signer[o->signer_count++];

		memset(zs, 0, sizeof *zs);
		zs->signer_id = mus__q_get_int(&q);
		mus__q_get_text(&q, zs->key_file, sizeof zs->key_file);
		zs->max_ttl_s = mus__q_get_u32(&q);
		zs->lost = mus__q_get_bool(&q);
		zs->excluded = mus__q_get_bool(&q);
		zs->staying = mus__q_get_bool(&q);
		zs->lost_ttl_s = mus__q_get_u32(&q);
		zs->lost_until = mus__q_get_time(&q);
	}
	if (rc < 0)
		return mus__q_fail(&q, et, "zone %s", o->name);
	mus__q_end(&q);
	for (unsigned i = 0; i < o->signer_count; i++) {
		q = mus__q_of(s, MUS__STMT_ZONE_NS);
		mus__q_int(&q, o->id);
		mus__q_int(&q, o->signer[i].signer_id);
		if (mus__ns_read(&q, o->signer[i].ns, &o->signer[i].ns_count) < 0)
			return mus__q_fail(&q, et, "zone %s", o->name);
	}
	return 0;
}

static int
load_zone(struct mus_store *s, struct mus__q q, const char *what, struct mus_zone_obj *o,
    struct mus_errtext *et)
{
	int rc;

	if ((rc = mus__q_step(&q)) < 0)
		return mus__q_fail(&q, et, "zone %s", what);
	if (rc > 0)
		get_zone(&q, o);
	mus__q_end(&q);
	if (rc == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "no zone %s", what);
	return load_zone_signers(s, o, et);
}

int
mus_store_load_zone(struct mus_store *s, const char *name, struct mus_zone_obj *o,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_BY_NAME);

	mus__q_text(&q, name);
	return load_zone(s, q, name, o, et);
}

int
mus_store_load_zone_id(struct mus_store *s, int64_t id, struct mus_zone_obj *o,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_BY_ID);
	char what[32];

	snprintf(what, sizeof what, "with id %lld", (long long)id);
	mus__q_int(&q, id);
	return load_zone(s, q, what, o, et);
}

int
mus_store_delete_zone(struct mus_store *s, int64_t id, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_DELETE);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_int(&q, id);
	if ((rc = mus__q_run(&q, et, "delete zone")) < 0)
		return rc;
	if (sqlite3_changes(s->db) == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "no zone with id %lld", (long long)id);
	return 0;
}

static int
save_status_parts(struct mus_store *s, const struct mus_zone_obj *o, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_STATUS);
	int rc;

	mus__q_text(&q, o->row);
	mus__q_text(&q, o->waiting);
	mus__q_time(&q, o->waiting_until);
	mus__q_time(&q, o->next_check_at);
	mus__q_time(&q, o->checked_at);
	mus__q_int(&q, o->id);
	if ((rc = mus__q_run(&q, et, "status of zone %s", o->name)) < 0)
		return rc;
	if (sqlite3_changes(s->db) == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "no zone with id %lld", (long long)o->id);
	q = mus__q_of(s, MUS__STMT_ZONE_STATUS_WORDS);
	mus__q_text(&q, o->state);
	mus__q_text(&q, o->process);
	mus__q_int(&q, o->id);
	return mus__q_run(&q, et, "status of zone %s", o->name);
}

int
mus_store_save_zone_status(struct mus_store *s, const struct mus_zone_obj *o,
    struct mus_errtext *et)
{
	int rc;

	/* In a transaction no savepoint is needed: the second statement fails only where all is rolled
	 * back anyway. */
	if (s->txn == MUS__TXN_OPEN)
		return save_status_parts(s, o, et);
	if ((rc = mus__op_begin(s, et)) < 0)
		return rc;
	return mus__op_end(s, save_status_parts(s, o, et), et);
}

int
mus_store_save_state(struct mus_store *s, int64_t zone_id, const void *blob, size_t len,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_STATE_SAVE);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_int(&q, zone_id);
	mus__q_blob(&q, blob, len);
	return mus__q_run(&q, et, "state of zone with id %lld", (long long)zone_id);
}

int
mus_store_load_state(struct mus_store *s, int64_t zone_id, struct mus_buf *out, struct mus_state_age *age,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_STATE_LOAD);
	int rc;

	mus__q_int(&q, zone_id);
	if ((rc = mus__q_step(&q)) < 0)
		return mus__q_fail(&q, et, "state of zone with id %lld", (long long)zone_id);
	if (rc == 0)
		rc = mus_errf(et, MUS_ERR_NOTFOUND, "no state of zone with id %lld", (long long)zone_id);
	else if (!mus_buf_add(out, sqlite3_column_blob(q.st, 0), (size_t)sqlite3_column_bytes(q.st, 0)))
		rc = mus_errf(et, MUS_ERR_NOMEM, "state of zone with id %lld: out of memory",
		    (long long)zone_id);
	else
		rc = 0;
	if (rc == 0)
		*age = (struct mus_state_age){sqlite3_column_int64(q.st, 1), sqlite3_column_int(q.st, 2) != 0};
	mus__q_end(&q);
	return rc;
}

int
mus_store_note_clocks(struct mus_store *s, int64_t shift_ms, const struct mus_clocks *now, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_CLOCKS_NOTE);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	mus__q_int(&q, shift_ms);
	mus__q_time(&q, now->wall);
	mus__q_int(&q, now->boot_ms);
	mus__q_text(&q, now->boot_id);
	return mus__q_run(&q, et, "note of the clocks");
}

int
mus_store_load_clocks(struct mus_store *s, struct mus_clocks *out, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_CLOCKS_LOAD);

	if (mus__q_step(&q) <= 0)
		return mus__q_fail(&q, et, "note of the clocks");
	out->wall = mus__q_get_time(&q);
	out->boot_ms = mus__q_get_int(&q);
	mus__q_get_text(&q, out->boot_id, sizeof out->boot_id);
	mus__q_end(&q);
	return 0;
}

/* ---- lists ---- */

/* The index that leaves least to look at leads; the rest of the filter is tried row by row. */
static struct mus__q
filtered(struct mus_store *s, const struct mus_zone_filter *f, enum mus__stmt any,
    const char *after, int64_t limit)
{
	static const struct mus_zone_filter all = {0};
	struct mus__q q;

	_Static_assert(MUS__STMT_ZONE_LIST_BUSY - MUS__STMT_ZONE_LIST == 3 &&
	    MUS__STMT_ZONE_COUNT_BUSY - MUS__STMT_ZONE_COUNT == 3, "any, group, state, busy");
	if (f == NULL)
		f = &all;
	q = mus__q_of(s, any + (f->busy_only ? 3 : f->state != NULL ? 2 : f->group_id != 0 ? 1 : 0));
	mus__q_text(&q, after != NULL ? after : "");
	mus__q_int(&q, limit);
	mus__q_int(&q, f->group_id);
	mus__q_text(&q, f->state);
	mus__q_text(&q, f->match);
	mus__q_int(&q, f->busy_only);
	return q;
}

int
mus_store_list_zones(struct mus_store *s, const struct mus_zone_filter *f, const char *after,
    unsigned limit, mus_store_zone_fn *fn, void *arg)
{
	struct mus__q q = filtered(s, f, MUS__STMT_ZONE_LIST, after, limit);
	struct mus_zone_obj *o = NULL;
	struct mus__ids ids = {0};
	int rc = mus__ids_read(&ids, &q);

	if (rc == 0 && ids.count > 0 && (o = malloc(sizeof *o)) == NULL)
		rc = MUS_ERR_NOMEM;
	for (size_t i = 0; i < ids.count && rc == 0; i++) {
		rc = mus_store_load_zone_id(s, ids.v[i], o, NULL);
		rc = rc == MUS_ERR_NOTFOUND ? 0 : rc < 0 ? rc : fn(arg, o);
	}
	free(o);
	mus__ids_clear(&ids);
	return rc;
}

int
mus_store_count_zones(struct mus_store *s, const struct mus_zone_filter *f, uint64_t *out)
{
	struct mus__q q = filtered(s, f, MUS__STMT_ZONE_COUNT, NULL, -1);

	if (mus__q_step(&q) <= 0)
		return mus__q_fail(&q, NULL, "count zones");
	*out = (uint64_t)mus__q_get_int(&q);
	mus__q_end(&q);
	return 0;
}

int
mus_store_count_lost(struct mus_store *s, struct mus_time now, uint64_t *out)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONES_LOST);

	mus__q_time(&q, now);
	if (mus__q_step(&q) <= 0)
		return mus__q_fail(&q, NULL, "count zones");
	*out = (uint64_t)mus__q_get_int(&q);
	mus__q_end(&q);
	return 0;
}

/* A few at a time, so that the callback may use the store and memory stays small. */
int
mus_store_each_due(struct mus_store *s, mus_store_due_fn *fn, void *arg)
{
	enum { CHUNK = 512 };
	struct {
		int64_t id;
		struct mus_time at;
	} row[CHUNK];
	int64_t after = INT64_MIN;
	unsigned count;
	int rc = 0;

	do {
		struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_DUE);

		mus__q_int(&q, after);
		mus__q_int(&q, CHUNK);
		for (count = 0; count < CHUNK && (rc = mus__q_step(&q)) > 0; count++) {
			row[count].id = mus__q_get_int(&q);
			row[count].at = mus__q_get_time(&q);
		}
		if (rc < 0)
			return mus__q_fail(&q, NULL, "zones");
		mus__q_end(&q);
		for (unsigned i = 0; i < count; i++) {
			if ((rc = fn(arg, row[i].id, row[i].at)) != 0)
				return rc;
			after = row[i].id;
		}
	} while (count == CHUNK);
	return 0;
}

/* Calls ${fn} for each id; nothing is being read any more then, so it may save. */
static int
each_id(struct mus__q *q, mus_store_id_fn *fn, void *arg)
{
	struct mus__ids ids = {0};
	int rc = mus__ids_read(&ids, q);

	for (size_t i = 0; i < ids.count && rc == 0; i++)
		rc = fn(arg, ids.v[i]);
	mus__ids_clear(&ids);
	return rc;
}

int
mus_store_each_zone_of_group(struct mus_store *s, int64_t group_id, int64_t after_id,
    unsigned limit, mus_store_id_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_IDS_OF_GROUP);

	mus__q_int(&q, group_id);
	mus__q_int(&q, after_id);
	mus__q_int(&q, limit);
	return each_id(&q, fn, arg);
}

int
mus_store_each_marked_zone(struct mus_store *s, int64_t group_id, mus_store_id_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_IDS_MARKED);

	mus__q_int(&q, group_id);
	return each_id(&q, fn, arg);
}

int
mus_store_each_zone_apart(struct mus_store *s, int64_t group_id, mus_store_id_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ZONE_IDS_APART);

	mus__q_int(&q, group_id);
	return each_id(&q, fn, arg);
}

/* ---- signers that zones may still have ---- */

static int
run_pair(struct mus_store *s, enum mus__stmt stmt, int64_t a, int64_t b, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, stmt);
	int rc = mus__check_usable(s, et);

	if (rc < 0)
		return rc;
	mus__q_int(&q, a);
	mus__q_int(&q, b);
	return mus__q_run(&q, et, "departing signers");
}

int
mus_store_zone_departs(struct mus_store *s, int64_t group_id, int64_t zone_id, struct mus_errtext *et)
{
	return run_pair(s, MUS__STMT_DEPART_ZONE, group_id, zone_id, et);
}

int
mus_store_signer_departs(struct mus_store *s, int64_t group_id, int64_t signer_id, struct mus_errtext *et)
{
	return run_pair(s, MUS__STMT_DEPART_SIGNER, group_id, signer_id, et);
}

int
mus_store_each_departing(struct mus_store *s, int64_t signer_id, mus_store_id_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_DEPARTING);

	mus__q_int(&q, signer_id);
	return each_id(&q, fn, arg);
}

int
mus_store_departed(struct mus_store *s, int64_t signer_id, int64_t zone_id, struct mus_errtext *et)
{
	return run_pair(s, MUS__STMT_DEPARTED, signer_id, zone_id, et);
}
