/* Signers and groups. */
#include <stdio.h>
#include <string.h>

#include "store/sql.h"

static enum mus_tri
get_tri(struct mus__q *q)
{
	int64_t v = mus__q_get_int(q);

	return v == MUS_YES ? MUS_YES : v == MUS_NO ? MUS_NO : MUS_UNKNOWN;
}

static void
bind_signer(struct mus__q *q, const struct mus_signer_obj *o, const char *update_addr)
{
	mus__q_text(q, o->name);
	mus__q_text(q, o->driver);
	mus__q_text(q, update_addr);
	mus__q_text(q, o->key_file);
	mus__q_int(q, o->no_transfer);
	mus__q_int(q, o->max_ttl_s);
	mus__q_int(q, o->declared_content);
	mus__q_int(q, o->update_rate);
	mus__q_int(q, o->caps.dnskey);
	mus__q_int(q, o->caps.cds);
	mus__q_int(q, o->caps.cdnskey);
	mus__q_int(q, o->caps.csync);
	mus__q_int(q, o->caps.ns);
	mus__q_time(q, o->caps_at);
	mus__q_time(q, o->created_at);
	mus__q_time(q, o->changed_at);
}

/* Inserts or updates the row itself; *id is the row's. */
static int
save_row(struct mus_store *s, struct mus__q *q, int64_t *id, const char *kind, const char *name,
    struct mus_errtext *et)
{
	int rc;

	if (*id != 0)
		mus__q_int(q, *id);
	if ((rc = mus__q_run(q, et, "%s %s", kind, name)) < 0)
		return rc;
	if (*id == 0)
		*id = sqlite3_last_insert_rowid(s->db);
	else if (sqlite3_changes(s->db) == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "%s %s (id %lld): no such %s", kind, name,
		    (long long)*id, kind);
	return 0;
}

static int
save_signer_parts(struct mus_store *s, const struct mus_signer_obj *o, int64_t *id,
    struct mus_errtext *et)
{
	char update_addr[MUS__ADDRS_TEXT_MAX];
	struct mus__q q = mus__q_of(s, *id == 0 ? MUS__STMT_SIGNER_INSERT : MUS__STMT_SIGNER_UPDATE);
	int rc;

	bind_signer(&q, o, mus__addrs_text(&o->update, 1, update_addr));
	if ((rc = save_row(s, &q, id, "signer", o->name, et)) < 0)
		return rc;
	q = mus__q_of(s, MUS__STMT_SIGNER_NS_DELETE);
	mus__q_int(&q, *id);
	if ((rc = mus__q_run(&q, et, "signer %s", o->name)) < 0)
		return rc;
	for (unsigned i = 0; i < o->ns_count; i++) {
		q = mus__q_of(s, MUS__STMT_SIGNER_NS_INSERT);
		mus__q_int(&q, *id);
		if ((rc = mus__ns_insert(&q, i, &o->ns[i], et)) < 0)
			return mus_err_wrap(et, rc, "signer %s", o->name);
	}
	return 0;
}

int
mus_store_save_signer(struct mus_store *s, struct mus_signer_obj *o, struct mus_errtext *et)
{
	int64_t id = o->id;
	int rc;

	MUS_ASSERT(o->ns_count <= MUS_OBJ_NS_MAX);
	if ((rc = mus__op_begin(s, et)) < 0)
		return rc;
	rc = mus__op_end(s, save_signer_parts(s, o, &id, et), et);
	if (rc == 0)
		o->id = id;
	return rc;
}

static void
get_signer(struct mus__q *q, struct mus_signer_obj *o)
{
	char addr[MUS__ADDRS_TEXT_MAX];

	memset(o, 0, sizeof *o);
	o->id = mus__q_get_int(q);
	mus__q_get_text(q, o->name, sizeof o->name);
	mus__q_get_text(q, o->driver, sizeof o->driver);
	mus__q_get_text(q, addr, sizeof addr);
	mus__addrs_parse(addr, &o->update, 1);
	mus__q_get_text(q, o->key_file, sizeof o->key_file);
	o->no_transfer = mus__q_get_bool(q);
	o->max_ttl_s = mus__q_get_u32(q);
	o->declared_content = mus__q_get_bool(q);
	o->update_rate = mus__q_get_u32(q);
	o->caps.dnskey = get_tri(q);
	o->caps.cds = get_tri(q);
	o->caps.cdnskey = get_tri(q);
	o->caps.csync = get_tri(q);
	o->caps.ns = get_tri(q);
	o->caps_at = mus__q_get_time(q);
	o->created_at = mus__q_get_time(q);
	o->changed_at = mus__q_get_time(q);
}

static int
load_signer(struct mus_store *s, struct mus__q q, const char *what, struct mus_signer_obj *o,
    struct mus_errtext *et)
{
	int rc;

	if ((rc = mus__q_step(&q)) < 0)
		return mus__q_fail(&q, et, "signer %s", what);
	if (rc > 0)
		get_signer(&q, o);
	mus__q_end(&q);
	if (rc == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "no signer %s", what);
	q = mus__q_of(s, MUS__STMT_SIGNER_NS);
	mus__q_int(&q, o->id);
	if (mus__ns_read(&q, o->ns, &o->ns_count) < 0)
		return mus__q_fail(&q, et, "signer %s", what);
	return 0;
}

int
mus_store_load_signer(struct mus_store *s, const char *name, struct mus_signer_obj *o,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_SIGNER_BY_NAME);

	mus__q_text(&q, name);
	return load_signer(s, q, name, o, et);
}

int
mus_store_load_signer_id(struct mus_store *s, int64_t id, struct mus_signer_obj *o,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_SIGNER_BY_ID);
	char what[32];

	snprintf(what, sizeof what, "with id %lld", (long long)id);
	mus__q_int(&q, id);
	return load_signer(s, q, what, o, et);
}

/* Who still uses the object ${id}; CONFLICT names the first of them. */
static int
check_unused(struct mus_store *s, enum mus__stmt stmt, int64_t id, const char *user_kind,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, stmt);
	char name[MUS_ZONETEXT_MAX];
	int64_t count;
	int rc;

	mus__q_int(&q, id);
	if ((rc = mus__q_step(&q)) < 0)
		return mus__q_fail(&q, et, "who uses id %lld", (long long)id);
	if (rc > 0) {
		mus__q_get_text(&q, name, sizeof name);
		count = mus__q_get_int(&q);
		rc = count > 1 ?
		    mus_errf(et, MUS_ERR_CONFLICT, "in use by %s %.300s and %lld more", user_kind, name,
			(long long)count - 1) :
		    mus_errf(et, MUS_ERR_CONFLICT, "in use by %s %.300s", user_kind, name);
	}
	mus__q_end(&q);
	return rc;
}

static int
delete_unused(struct mus_store *s, enum mus__stmt users, enum mus__stmt stmt, int64_t id,
    const char *kind, const char *user_kind, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, stmt);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0 || (rc = check_unused(s, users, id, user_kind, et)) < 0)
		return rc;
	mus__q_int(&q, id);
	if ((rc = mus__q_run(&q, et, "delete %s", kind)) < 0)
		return rc;
	if (sqlite3_changes(s->db) == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "no %s with id %lld", kind, (long long)id);
	return 0;
}

int
mus_store_delete_signer(struct mus_store *s, int64_t id, struct mus_errtext *et)
{
	return delete_unused(s, MUS__STMT_SIGNER_USERS, MUS__STMT_SIGNER_DELETE, id, "signer", "group", et);
}

int
mus_store_list_signers(struct mus_store *s, const char *after, unsigned limit,
    mus_store_signer_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_SIGNER_LIST);
	struct mus__ids ids = {0};
	struct mus_signer_obj o;
	int rc;

	mus__q_text(&q, after != NULL ? after : "");
	mus__q_int(&q, limit);
	rc = mus__ids_read(&ids, &q);
	for (size_t i = 0; i < ids.count && rc == 0; i++) {
		rc = mus_store_load_signer_id(s, ids.v[i], &o, NULL);
		rc = rc == MUS_ERR_NOTFOUND ? 0 : rc < 0 ? rc : fn(arg, &o);	/* gone since: passed over */
	}
	mus__ids_clear(&ids);
	return rc;
}

/* ---- groups ---- */

static int
save_group_parts(struct mus_store *s, const struct mus_group_obj *o, int64_t *id,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, *id == 0 ? MUS__STMT_GROUP_INSERT : MUS__STMT_GROUP_UPDATE);
	int rc;

	mus__q_text(&q, o->name);
	mus__q_time(&q, o->created_at);
	mus__q_time(&q, o->changed_at);
	if ((rc = save_row(s, &q, id, "group", o->name, et)) < 0)
		return rc;
	q = mus__q_of(s, MUS__STMT_MEMBER_DELETE);
	mus__q_int(&q, *id);
	if ((rc = mus__q_run(&q, et, "group %s", o->name)) < 0)
		return rc;
	for (unsigned i = 0; i < o->member_count; i++) {
		q = mus__q_of(s, MUS__STMT_MEMBER_INSERT);
		mus__q_int(&q, *id);
		mus__q_int(&q, i);
		mus__q_int(&q, o->member[i].signer_id);
		mus__q_int(&q, o->member[i].leaving);
		if ((rc = mus__q_run(&q, et, "group %s, member with id %lld", o->name,
		     (long long)o->member[i].signer_id)) < 0)
			return rc;
	}
	return 0;
}

int
mus_store_save_group(struct mus_store *s, struct mus_group_obj *o, struct mus_errtext *et)
{
	int64_t id = o->id;
	int rc;

	MUS_ASSERT(o->member_count <= MUS_SIGNERS_MAX);
	if ((rc = mus__op_begin(s, et)) < 0)
		return rc;
	rc = mus__op_end(s, save_group_parts(s, o, &id, et), et);
	if (rc == 0)
		o->id = id;
	return rc;
}

static int
load_group(struct mus_store *s, struct mus__q q, const char *what, struct mus_group_obj *o,
    struct mus_errtext *et)
{
	int rc;

	if ((rc = mus__q_step(&q)) < 0)
		return mus__q_fail(&q, et, "group %s", what);
	if (rc > 0) {
		memset(o, 0, sizeof *o);
		o->id = mus__q_get_int(&q);
		mus__q_get_text(&q, o->name, sizeof o->name);
		o->created_at = mus__q_get_time(&q);
		o->changed_at = mus__q_get_time(&q);
	}
	mus__q_end(&q);
	if (rc == 0)
		return mus_errf(et, MUS_ERR_NOTFOUND, "no group %s", what);
	q = mus__q_of(s, MUS__STMT_MEMBERS);
	mus__q_int(&q, o->id);
	while ((rc = mus__q_step(&q)) > 0 && o->member_count < MUS_SIGNERS_MAX) {
		o->member[o->member_count].signer_id = mus__q_get_int(&q);
		o->member[o->member_count++].leaving = mus__q_get_bool(&q);
	}
	if (rc < 0)
		return mus__q_fail(&q, et, "group %s", what);
	mus__q_end(&q);
	return 0;
}

int
mus_store_load_group(struct mus_store *s, const char *name, struct mus_group_obj *o,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_GROUP_BY_NAME);

	mus__q_text(&q, name);
	return load_group(s, q, name, o, et);
}

int
mus_store_load_group_id(struct mus_store *s, int64_t id, struct mus_group_obj *o,
    struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_GROUP_BY_ID);
	char what[32];

	snprintf(what, sizeof what, "with id %lld", (long long)id);
	mus__q_int(&q, id);
	return load_group(s, q, what, o, et);
}

int
mus_store_delete_group(struct mus_store *s, int64_t id, struct mus_errtext *et)
{
	return delete_unused(s, MUS__STMT_GROUP_USERS, MUS__STMT_GROUP_DELETE, id, "group", "zone", et);
}

int
mus_store_list_groups(struct mus_store *s, const char *after, unsigned limit,
    mus_store_group_fn *fn, void *arg)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_GROUP_LIST);
	struct mus__ids ids = {0};
	struct mus_group_obj o;
	int rc;

	mus__q_text(&q, after != NULL ? after : "");
	mus__q_int(&q, limit);
	rc = mus__ids_read(&ids, &q);
	for (size_t i = 0; i < ids.count && rc == 0; i++) {
		rc = mus_store_load_group_id(s, ids.v[i], &o, NULL);
		rc = rc == MUS_ERR_NOTFOUND ? 0 : rc < 0 ? rc : fn(arg, &o);
	}
	mus__ids_clear(&ids);
	return rc;
}
