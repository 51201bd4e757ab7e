#include "store/sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct mus__q
mus__q_of(struct mus_store *s, enum mus__stmt id)
{
	return (struct mus__q){.s = s, .st = s->stmt[id], .rc = SQLITE_OK};
}

static void
bound(struct mus__q *q, int rc)
{
	if (q->rc == SQLITE_OK)
		q->rc = rc;
}
void
mus__q_int(struct mus__q *q, int64_t v)
{
	bound(q, sqlite3_bind_int64(q->st, ++q->at, v));
}
void
mus__q_id(struct mus__q *q, int64_t v)
{
	bound(q, v == 0 ? sqlite3_bind_null(q->st, ++q->at) : sqlite3_bind_int64(q->st, ++q->at, v));
}
void
mus__q_text(struct mus__q *q, const char *v)
{
	bound(q, sqlite3_bind_text(q->st, ++q->at, v, -1, SQLITE_STATIC));
}
void
mus__q_blob(struct mus__q *q, const void *p, size_t len)
{
	bound(q, sqlite3_bind_blob64(q->st, ++q->at, len > 0 ? p : "", len, SQLITE_STATIC));
}

int
mus__q_step(struct mus__q *q)
{
	int rc = q->rc != SQLITE_OK ? q->rc : sqlite3_step(q->st);

	q->at = 0;
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	q->rc = rc;
	return MUS_ERR_STORE;
}

int64_t
mus__q_get_int(struct mus__q *q)
{
	return sqlite3_column_int64(q->st, q->at++);
}
uint32_t
mus__q_get_u32(struct mus__q *q)
{
	int64_t v = mus__q_get_int(q);

	return v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}
bool
mus__q_get_bool(struct mus__q *q)
{
	return mus__q_get_int(q) != 0;
}
void
mus__q_get_text(struct mus__q *q, char *out, size_t cap)
{
	const char *text = (const char *)sqlite3_column_text(q->st, q->at++);

	mus_strcpy(out, cap, text != NULL ? text : "");
}

void
mus__q_end(struct mus__q *q)
{
	sqlite3_reset(q->st);
	sqlite3_clear_bindings(q->st);
}

/* The disk said no: what the transaction has done so far must not stay.  SQLite may have rolled it
 * back already, or not. */
static void
break_txn(struct mus_store *s, const struct mus_errtext *why)
{
	if (!sqlite3_get_autocommit(s->db)) {
		sqlite3_reset(s->stmt[MUS__STMT_ROLLBACK]);
		sqlite3_step(s->stmt[MUS__STMT_ROLLBACK]);
		sqlite3_reset(s->stmt[MUS__STMT_ROLLBACK]);
	}
	if (s->txn == MUS__TXN_OPEN) {
		s->txn = MUS__TXN_BROKEN;
		s->broken = *why;
	}
}

static int
vfail(struct mus__q *q, struct mus_errtext *et, const char *fmt, va_list ap)
{
	struct mus_store *s = q->s;
	struct mus_errtext what, text;
	/* an error of a binding is not known to the connection */
	const char *why = sqlite3_extended_errcode(s->db) == q->rc ? sqlite3_errmsg(s->db) :
	    sqlite3_errstr(q->rc);
	int err;

	vsnprintf(what.s, sizeof what.s, fmt, ap);
	switch (q->rc & 0xff) {
	case SQLITE_CONSTRAINT:
		if (q->rc == SQLITE_CONSTRAINT_UNIQUE || q->rc == SQLITE_CONSTRAINT_PRIMARYKEY)
			err = mus_errf(&text, MUS_ERR_EXISTS, "%s: exists already", what.s);
		else if (q->rc == SQLITE_CONSTRAINT_FOREIGNKEY)
			err = mus_errf(&text, MUS_ERR_NOTFOUND, "%s: refers to what does not exist", what.s);
		else
			err = mus_errf(&text, MUS_ERR_INVAL, "%s: %s", what.s, why);
		break;
	case SQLITE_NOMEM:
		err = mus_errf(&text, MUS_ERR_NOMEM, "%s: %s: out of memory", s->path, what.s);
		break;
	default:
		err = mus_errf(&text, MUS_ERR_STORE, "%s: %s: %s", s->path, what.s, why);
	}
	mus__q_end(q);
	if (err == MUS_ERR_STORE || err == MUS_ERR_NOMEM)
		break_txn(s, &text);
	if (et != NULL)
		*et = text;
	return err;
}

int
mus__q_fail(struct mus__q *q, struct mus_errtext *et, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = vfail(q, et, fmt, ap);
	va_end(ap);
	return err;
}

int
mus__q_run(struct mus__q *q, struct mus_errtext *et, const char *fmt, ...)
{
	va_list ap;
	int err = 0;

	if (mus__q_step(q) >= 0) {
		mus__q_end(q);
		return 0;
	}
	va_start(ap, fmt);
	err = vfail(q, et, fmt, ap);
	va_end(ap);
	return err;
}

int
mus__check_usable(struct mus_store *s, struct mus_errtext *et)
{
	if (s->txn == MUS__TXN_BROKEN)
		return mus_errf(et, MUS_ERR_STORE, "the transaction was rolled back before: %s", s->broken.s);
	return 0;
}

int
mus__op_begin(struct mus_store *s, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, s->txn == MUS__TXN_NONE ? MUS__STMT_BEGIN : MUS__STMT_SAVEPOINT);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	return mus__q_run(&q, et, "begin");
}

int
mus__op_end(struct mus_store *s, int rc, struct mus_errtext *et)
{
	bool is_alone = s->txn == MUS__TXN_NONE;
	struct mus__q q;

	if (s->txn == MUS__TXN_BROKEN)
		return rc < 0 ? rc : mus__check_usable(s, et);
	if (rc < 0) {
		if (is_alone) {
			if (!sqlite3_get_autocommit(s->db)) {
				q = mus__q_of(s, MUS__STMT_ROLLBACK);
				(void)mus__q_run(&q, NULL, "rollback");
			}
			return rc;
		}
		q = mus__q_of(s, MUS__STMT_ROLLBACK_TO);
		if (mus__q_run(&q, NULL, "undo") < 0)
			return rc;		/* the whole transaction is gone now */
	}
	q = mus__q_of(s, is_alone ? MUS__STMT_COMMIT : MUS__STMT_RELEASE);
	if (rc < 0)
		(void)mus__q_run(&q, NULL, "undo");
	else
		rc = mus__q_run(&q, et, "commit");
	return rc;
}

int
mus__ids_read(struct mus__ids *ids, struct mus__q *q)
{
	int rc;

	while ((rc = mus__q_step(q)) > 0) {
		if (ids->count == ids->cap) {
			size_t cap = ids->cap ? ids->cap * 2 : 64;
			int64_t *v = realloc(ids->v, cap * sizeof *v);

			if (v == NULL) {
				mus__q_end(q);
				return MUS_ERR_NOMEM;
			}
			ids->v = v;
			ids->cap = cap;
		}
		ids->v[ids->count++] = mus__q_get_int(q);
	}
	if (rc < 0)
		return mus__q_fail(q, NULL, "list");
	mus__q_end(q);
	return 0;
}

void
mus__ids_clear(struct mus__ids *ids)
{
	free(ids->v);
	*ids = (struct mus__ids){0};
}

/* The port is always written, so that what is read back does not depend on a default. */
const char *
mus__addrs_text(const struct mus_addr *a, unsigned count, char out[static MUS__ADDRS_TEXT_MAX])
{
	char one[MUS_ADDR_TEXT_MAX];
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		size_t n;

		if (a[i].family == 0)
			continue;
		n = strlen(mus_addr_text(&a[i], 0, one));
		if (len + n + 2 > MUS__ADDRS_TEXT_MAX)
			break;
		if (len > 0)
			out[len++] = ' ';
		memcpy(out + len, one, n + 1);
		len += n;
	}
	return out;
}

unsigned
mus__addrs_parse(const char *text, struct mus_addr *out, unsigned cap)
{
	char one[MUS_ADDR_TEXT_MAX];
	unsigned count = 0;

	while (*text != '\0' && count < cap) {
		size_t n = strcspn(text, " ");

		if (n < sizeof one) {
			memcpy(one, text, n);
			one[n] = '\0';
			if (mus_addr_parse(one, 0, &out[count]))
				count++;
		}
		text += n + (text[n] == ' ');
	}
	return count;
}

int
mus__ns_read(struct mus__q *q, struct mus_ns_obj *ns, uint8_t *count)
{
	char addrs[MUS__ADDRS_TEXT_MAX];
	int rc;

	while ((rc = mus__q_step(q)) > 0 && *count < MUS_OBJ_NS_MAX) {
		struct mus_ns_obj *n = &ns[(*count)++];

		mus__q_get_text(q, n->name, sizeof n->name);
		mus__q_get_text(q, addrs, sizeof addrs);
		n->addr_count = (uint8_t)mus__addrs_parse(addrs, n->addr, MUS_OBJ_ADDR_MAX);
	}
	if (rc < 0)
		return MUS_ERR_STORE;
	mus__q_end(q);
	return 0;
}

int
mus__ns_insert(struct mus__q *q, unsigned pos, const struct mus_ns_obj *ns, struct mus_errtext *et)
{
	char addrs[MUS__ADDRS_TEXT_MAX];

	MUS_ASSERT(ns->addr_count <= MUS_OBJ_ADDR_MAX);
	mus__q_int(q, pos);
	mus__q_text(q, ns->name);
	mus__q_text(q, mus__addrs_text(ns->addr, ns->addr_count, addrs));
	return mus__q_run(q, et, "name server %s", ns->name);
}
