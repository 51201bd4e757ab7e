/*
 * What an operator asks: checked, stored and recorded in one transaction of its own, then woken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

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
static int
begin(struct mus_engine *e, struct mus_errtext *et)
{
	if (e->in_tx) {
		e->in_tx = false;
		if (e->tx_failed || mus_store_commit(e->o.store, et) < 0) {
			if (e->tx_failed)
				mus_store_rollback(e->o.store);
			e->tx_failed = true;
		} else {
			eng_committed(e);
		}
	}
	if (mus_store_begin(e->o.store, et) < 0)
		return MUS_ERR_STORE;
	return 0;
}

static int
note(struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind, const char *actor,
    struct mus_errtext *et, const char *fmt, ...) MUS_PRINTF(7, 8);

static int
note(struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind, const char *actor,
    struct mus_errtext *et, const char *fmt, ...)
{
	struct mus_event_obj o = {.zone_id = zone_id, .at = eng_now(e)};
	va_list ap;

	snprintf(o.zone, sizeof o.zone, "%s", zone);
	snprintf(o.kind, sizeof o.kind, "%s", kind);
	snprintf(o.actor, sizeof o.actor, "%s", actor);
	va_start(ap, fmt);
	vsnprintf(o.text, sizeof o.text, fmt, ap);
	va_end(ap);
	eng_say(e, LOG_NOTICE, zone, "%s (by %s)", o.text, actor);
	e->history_grows = true;
	return mus_store_add_event(e->o.store, &o, et);
}

/* Ends the operator's transaction: all of it, or nothing. */
static int
end(struct mus_engine *e, int rc, struct mus_errtext *et)
{
	if (rc < 0) {
		mus_store_rollback(e->o.store);
		return rc;
	}
	e->config++;
	rc = mus_store_commit(e->o.store, et);
	if (rc == 0) {
		eng_store_works(e);
		eng_committed(e);
	}
	return rc;
}

/* ---- checks --------------------------------------------------------------------------------------- */

/* Where a fault is, as the client wrote it: a JSON pointer. */
struct at {
	char *field;			/* MUS_CTL_FIELD_MAX, or NULL */
	struct mus_errtext *et;
};

static int refuse(const struct at *at, const char *field, const char *fmt, ...) MUS_PRINTF(3, 4);

static struct at
at_of(char *field, struct mus_errtext *et)
{
	if (field)
		field[0] = '\0';
	return (struct at){field, et};
}

static void
point(const struct at *at, const char *field)
{
	if (at->field)
		snprintf(at->field, MUS_CTL_FIELD_MAX, "%s", field);
}

static int
refuse(const struct at *at, const char *field, const char *fmt, ...)
{
	char words[sizeof at->et->s];
	va_list ap;

	point(at, field);
	va_start(ap, fmt);
	vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	return mus_errf(at->et, MUS_ERR_INVAL, "%s", words);
}

static int
check_label(const struct at *at, const char *field, const char *s)
{
	size_t len = strlen(s);

	if (len == 0)
		return refuse(at, field, "must not be empty");
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			(s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '_' || s[i] == '.'))
			return refuse(at, field,
			    "\"%s\" has a character that is not a letter, digit, '-', '_' or '.'", s);
	return 0;
}

static int
canonical(const struct at *at, const char *field, char *s, size_t cap)
{
	struct mus_name name;
	char text[MUS_NAME_TEXT_MAX];

	if (mus_name_parse(s, &name, at->et) < 0) {
		point(at, field);
		return MUS_ERR_INVAL;
	}
	mus_name_text(&name, text);
	if (strlen(text) >= cap)
		return refuse(at, field, "name too long");
	snprintf(s, cap, "%s", text);
	return 0;
}

/* ${where}: of the list. */
static int
check_ns(const struct at *at, const char *where, struct mus_ns_obj *ns, unsigned count)
{
	int rc;

	for (unsigned i = 0; i < count; i++) {
		char field[MUS_CTL_FIELD_MAX];

		snprintf(field, sizeof field, "%s/%u/name", where, i);
		if ((rc = canonical(at, field, ns[i].name, sizeof ns[i].name)) < 0)
			return rc;
		for (unsigned k = 0; k < i; k++)
			if (strcmp(ns[k].name, ns[i].name) == 0)
				return refuse(at, field, "%s stands twice", ns[i].name);
		if (ns[i].addr_count == 0) {
			snprintf(field, sizeof field, "%s/%u/addresses", where, i);
			return refuse(at, field, "%s has no address", ns[i].name);
		}
	}
	return 0;
}

static int
check_key_file(const struct at *at, const char *field, const char *path)
{
	struct mus_tsig_key *key = NULL;

	if (!path[0])
		return 0;
	if (mus_tsig_key_load(path, &key, at->et) < 0) {
		point(at, field);
		return MUS_ERR_INVAL;
	}
	mus_tsig_key_free(key);
	return 0;
}

static int
check_signer(const struct at *at, struct mus_signer_obj *o)
{
	const struct mus_driver *d = mus_driver_find(o->driver);
	char names[MUS_DRV_NAMES_MAX];
	int rc;

	if ((rc = check_label(at, "/name", o->name)) < 0)
		return rc;
	if (!d)
		return refuse(at, "/driver", "no driver \"%s\" (there are: %s)", o->driver,
		    mus_driver_names(names));
	if (d->needs_update_addr && o->update.family == 0)
		return refuse(
		    at, "/update", "driver %s needs the address that takes UPDATEs", d->name);
	if ((rc = check_key_file(at, "/key_file", o->key_file)) < 0)
		return rc;
	return check_ns(at, "/name_servers", o->ns, o->ns_count);
}

/* ---- waking ---------------------------------------------------------------------------------------- */

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
	if (z)
		eng_wake(w->e, z, 0, (int64_t)(w->count++) * 2);
	w->last = id;
	return 0;
}

static void
wake_group(struct mus_engine *e, int64_t group_id)
{
	struct wake w = {.e = e};
	unsigned before;

	do {
		before = w.count;
		if (mus_store_each_zone_of_group(e->o.store, group_id, w.last, 1000, wake_one, &w) < 0)
			break;
	} while (w.count != before);
}

struct find_signer {
	struct mus_engine *e;
	int64_t signer_id;
	char group[MUS_LABEL_MAX];
	bool wake;
};

static int
group_with(void *arg, const struct mus_group_obj *o)
{
	struct find_signer *f = arg;

	for (unsigned i = 0; i < o->member_count; i++)
		if (o->member[i].signer_id == f->signer_id) {
			snprintf(f->group, sizeof f->group, "%s", o->name);
			if (f->wake)
				wake_group(f->e, o->id);
		}
	return 0;
}

/* ---- signers ---------------------------------------------------------------------------------------- */

int
mus_ctl_put_signer(struct mus_engine *e, const char *actor, struct mus_signer_obj *o, char *field,
    struct mus_errtext *et)
{
	struct find_signer f = {.e = e, .wake = true};
	const struct at at = at_of(field, et);
	bool fresh = o->id == 0;
	int rc = check_signer(&at, o);

	if (rc < 0 || (rc = begin(e, et)) < 0)
		return rc;
	o->changed_at = eng_now(e);
	if (fresh) {
		o->created_at = o->changed_at;
		o->caps_at = MUS_TIME_NEVER;
	}
	rc = mus_store_save_signer(e->o.store, o, et);
	if (rc == 0)
		rc = note(e, 0, "", "operator", actor, et, "signer %s %s", o->name,
		    fresh ? "added" : "changed");
	rc = end(e, rc, et);
	if (rc < 0)
		return rc;
	eng_signer_forget(e, o->id);
	eng_box_changed(e, o->id);
	f.signer_id = o->id;
	if (!fresh)
		return mus_store_list_groups(e->o.store, NULL, 1u << 20, group_with, &f) < 0
		    ? MUS_ERR_STORE
		    : 0;
	return 0;
}

int
mus_ctl_delete_signer(
    struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et)
{
	struct mus_signer_obj o;
	int rc = mus_store_load_signer(e->o.store, name, &o, et);

	if (rc < 0 || (rc = begin(e, et)) < 0)
		return rc;
	rc = mus_store_delete_signer(e->o.store, o.id, et);
	if (rc == 0)
		rc = note(e, 0, "", "operator", actor, et, "signer %s deleted", name);
	rc = end(e, rc, et);
	if (rc == 0) {
		eng_signer_forget(e, o.id);
		eng_box_changed(e, o.id);
	}
	return rc;
}

/* ---- groups ------------------------------------------------------------------------------------------ */

int
mus_ctl_put_group(struct mus_engine *e, const char *actor, struct mus_group_obj *o, char *field,
    struct mus_errtext *et)
{
	const struct at at = at_of(field, et);
	bool fresh = o->id == 0;
	int rc = check_label(&at, "/name", o->name);

	if (rc < 0 || (rc = begin(e, et)) < 0)
		return rc;
	o->changed_at = eng_now(e);
	if (fresh)
		o->created_at = o->changed_at;
	rc = mus_store_save_group(e->o.store, o, et);
	if (rc == 0)
		rc = note(e, 0, "", "operator", actor, et, "signer group %s %s", o->name,
		    fresh ? "added" : "changed");
	rc = end(e, rc, et);
	if (rc == 0 && !fresh)
		wake_group(e, o->id);
	return rc;
}

int
mus_ctl_delete_group(
    struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et)
{
	struct mus_group_obj o;
	int rc = mus_store_load_group(e->o.store, name, &o, et);

	if (rc < 0 || (rc = begin(e, et)) < 0)
		return rc;
	rc = mus_store_delete_group(e->o.store, o.id, et);
	if (rc == 0)
		rc = note(e, 0, "", "operator", actor, et, "signer group %s deleted", name);
	return end(e, rc, et);
}

static int
load_pair(struct mus_engine *e, const char *group, const char *signer, struct mus_group_obj *g,
    struct mus_signer_obj *s, unsigned *at, struct mus_errtext *et)
{
	int rc = mus_store_load_group(e->o.store, group, g, et);

	if (rc < 0)
		return mus_err_wrap(et, rc, "signer group %s", group);
	rc = mus_store_load_signer(e->o.store, signer, s, et);
	if (rc < 0)
		return mus_err_wrap(et, rc, "signer %s", signer);
	for (*at = 0; *at < g->member_count; (*at)++)
		if (g->member[*at].signer_id == s->id)
			break;
	return 0;
}

/* Would anybody sign the zone, as its group and its marks are? */
static bool
has_signer(const struct mus_zone_obj *o, const struct mus_group_obj *g)
{
	for (unsigned i = 0; i < g->member_count; i++) {
		bool in = !g->member[i].leaving;
		bool lost = false;

		for (unsigned k = 0; k < o->signer_count; k++)
			if (o->signer[k].signer_id == g->member[i].signer_id) {
				in = (in && !o->signer[k].excluded) || o->signer[k].staying;
				lost = o->signer[k].lost;
			}
		if (in && !lost)
			return true;
	}
	return false;
}

/* Zones where an operator has marked signers: each by itself. */
struct marked {
	struct mus_engine *e;
	const struct mus_group_obj *g;	/* as it is to be */
	int64_t signer_id;
	struct mus_zone_obj o;
	unsigned count;			/* marks of this signer that a join or leave takes away */
	bool save;
	char alone[MUS_ZONETEXT_MAX];	/* a zone that nobody would sign */
};

static int
look_at_marked(void *arg, int64_t id)
{
	struct marked *m = arg;
	bool joins = false, changed = false;
	int rc = mus_store_load_zone_id(m->e->o.store, id, &m->o, NULL);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < m->g->member_count; i++)
		if (m->g->member[i].signer_id == m->signer_id)
			joins = !m->g->member[i].leaving;
	for (unsigned i = 0; i < m->o.signer_count; i++) {
		struct mus_zone_signer_obj *ov = &m->o.signer[i];

		if (ov->signer_id != m->signer_id || !(joins ? ov->excluded || ov->lost : ov->staying))
			continue;
		if (joins)
			ov->excluded = ov->lost = false;
		else
			ov->staying = false;
		changed = true;
		m->count++;
	}
	if (!joins && !has_signer(&m->o, m->g))
		snprintf(m->alone, sizeof m->alone, "%s", m->o.name);
	return changed && m->save ? mus_store_save_zone(m->e->o.store, &m->o, NULL) : 0;
}

/* Stores the group with a signer that joins or leaves; its marks of before no longer hold. */
static int
save_member(struct mus_engine *e, const char *actor, struct mus_group_obj *g, struct marked *m,
    const char *signer, const char *verb, struct mus_errtext *et)
{
	int rc = begin(e, et);

	if (rc < 0)
		return rc;
	g->changed_at = eng_now(e);
	m->save = true;
	rc = mus_store_save_group(e->o.store, g, et);
	if (rc == 0 && mus_store_each_marked_zone(e->o.store, g->id, look_at_marked, m) < 0)
		rc = mus_errf(et, MUS_ERR_STORE, "database error");
	if (rc == 0)
		rc = note(e, 0, "", "operator", actor, et, "signer %s %s group %s", signer, verb, g->name);
	rc = end(e, rc, et);
	if (rc == 0)
		wake_group(e, g->id);
	return rc;
}

int
mus_ctl_group_join(struct mus_engine *e, const char *actor, const char *group, const char *signer,
    struct mus_errtext *et)
{
	struct mus_group_obj g;
	struct mus_signer_obj s;
	struct marked m = {.e = e, .g = &g};
	unsigned at = 0;
	int rc = load_pair(e, group, signer, &g, &s, &at, et);

	if (rc < 0)
		return rc;
	m.signer_id = s.id;
	if (mus_store_each_marked_zone(e->o.store, g.id, look_at_marked, &m) < 0)
		return mus_errf(et, MUS_ERR_STORE, "database error");
	if (at < g.member_count && !g.member[at].leaving && m.count == 0)
		return mus_errf(
		    et, MUS_ERR_CONFLICT, "signer %s is a member of group %s already", signer, group);
	if (at == MUS_SIGNERS_MAX)
		return mus_errf(
		    et, MUS_ERR_CONFLICT, "group %s has %d signers, more it cannot hold", group, at);
	g.member[at].signer_id = s.id;
	g.member[at].leaving = false;
	if (at == g.member_count)
		g.member_count++;
	return save_member(e, actor, &g, &m, signer, "joins", et);
}

static int
has_zone(void *arg, int64_t id)
{
	(void)id;
	*(bool *)arg = true;
	return 1;
}

/* Does any zone of a group still have the signer in its intention? */
struct still {
	struct mus_engine *e;
	const struct mus_zonestate *at_work;	/* newer than what is stored of its zone; or NULL */
	int64_t signer_id, last;
	unsigned count;
	bool yes;
};

/* A zone that could not be looked at yet may be signed by all that it was told of. */
static int
still_there(void *arg, int64_t id)
{
	struct still *s = arg;
	const struct mus_zonestate *st = s->at_work;
	struct mus_errtext et;
	int i;

	s->count++;
	s->last = id;
	if (!st || st->book.zone_id != id) {
		st = &s->e->view;
		if (eng_load_state(s->e, id, &s->e->view, &et) < 0)
			return s->yes = true;
	}
	i = mus_book_find_signer(&st->book, &st->zone, s->signer_id);
	s->yes = !st->want.adopted ||
	    (i >= 0 && (((st->want.keyg | st->want.dsg | st->want.nsg) >> i & 1) ||
			  (st->want.proc.kind != MUS_PROC_NONE && st->want.proc.signer == i)));
	return s->yes;
}

/* What cannot be read counts as yes. */
static bool
is_on_a_zone(
    struct mus_engine *e, int64_t group_id, int64_t signer_id, const struct mus_zonestate *at_work)
{
	struct still s = {.e = e, .at_work = at_work, .signer_id = signer_id};
	unsigned before;

	do {
		before = s.count;
		if (mus_store_each_zone_of_group(e->o.store, group_id, s.last, 1000, still_there, &s) < 0)
			return true;
	} while (s.count != before && !s.yes);
	return s.yes;
}

int
mus_ctl_group_leave(struct mus_engine *e, const char *actor, const char *group, const char *signer,
    struct mus_errtext *et)
{
	struct mus_group_obj g;
	struct mus_signer_obj s;
	struct marked m = {.e = e, .g = &g};
	bool zones = false, was_leaving, is_on;
	unsigned at = 0, staying = 0;
	int rc = load_pair(e, group, signer, &g, &s, &at, et);

	if (rc < 0)
		return rc;
	if (at == g.member_count)
		return mus_errf(
		    et, MUS_ERR_NOTFOUND, "signer %s is not a member of group %s", signer, group);
	m.signer_id = s.id;
	was_leaving = g.member[at].leaving;
	g.member[at].leaving = true;
	for (unsigned i = 0; i < g.member_count; i++)
		staying += !g.member[i].leaving;
	if (mus_store_each_zone_of_group(e->o.store, g.id, 0, 1, has_zone, &zones) < 0 ||
	    mus_store_each_marked_zone(e->o.store, g.id, look_at_marked, &m) < 0)
		return mus_errf(et, MUS_ERR_STORE, "database error");
	is_on = is_on_a_zone(e, g.id, s.id, NULL);
	if (was_leaving && m.count == 0 && is_on)
		return mus_errf(
		    et, MUS_ERR_CONFLICT, "signer %s is leaving group %s already", signer, group);
	if (zones && staying == 0)
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s is the last of group %s; its zones would have none: join another first",
		    signer, group);
	if (m.alone[0])
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s is the last of zone %.200s, where the others are lost or kept out: join another first",
		    signer, m.alone);
	if (!is_on)
		g.member[at] = g.member[--g.member_count];
	return save_member(e, actor, &g, &m, signer, "leaves", et);
}

void
eng_ctl_left(struct mus_engine *e, int64_t group_id, const struct mus_zonestate *at_work)
{
	struct mus_group_obj g;
	struct mus_errtext et;
	unsigned before;

	if (group_id == 0 || mus_store_load_group_id(e->o.store, group_id, &g, &et) < 0)
		return;
	before = g.member_count;
	for (unsigned i = 0; i < g.member_count;) {
		if (g.member[i].leaving && !is_on_a_zone(e, group_id, g.member[i].signer_id, at_work))
			g.member[i] = g.member[--g.member_count];
		else
			i++;
	}
	if (g.member_count == before || eng_begin(e) < 0)
		return;
	/* The last zone has let it go: a member no longer, so that no group stays locked. */
	g.changed_at = eng_now(e);
	if (mus_store_save_group(e->o.store, &g, &et) < 0)
		e->tx_failed = true;
	eng_event(e, 0, "", "group", "musicd", LOG_NOTICE, "a signer has left group %s on all its zones",
	    g.name);
}

/* ---- zones -------------------------------------------------------------------------------------------- */

static int
check_sample(const struct at *at, const struct mus_zone_obj *o)
{
	char text[256 + MUS_ZONETEXT_MAX + 2];
	struct mus_name name;

	if (!o->sample[0])
		return 0;
	if (o->sample[strlen(o->sample) - 1] == '.')
		return refuse(at, "/sample", "\"%s\" must be relative to the zone", o->sample);
	snprintf(text, sizeof text, "%s.%.300s", o->sample, o->name);
	if (mus_name_parse(text, &name, at->et) < 0) {
		point(at, "/sample");
		return MUS_ERR_INVAL;
	}
	return 0;
}

static int
check_zone(const struct at *at, struct mus_zone_obj *o)
{
	int rc = canonical(at, "/name", o->name, sizeof o->name);

	if (rc < 0)
		return rc;
	if (strcmp(o->name, ".") == 0)
		return refuse(at, "/name", "the root has no parent to follow");
	if (o->parent[0] && (rc = canonical(at, "/parent", o->parent, sizeof o->parent)) < 0)
		return rc;
	if (o->parent_addr_count && !o->parent[0])
		return refuse(at, "/parent", "must be given with parent_addresses");
	if ((rc = check_sample(at, o)) < 0)
		return rc;
	for (unsigned i = 0; i < o->signer_count; i++) {
		char field[MUS_CTL_FIELD_MAX];

		snprintf(field, sizeof field, "/signers/%u/key_file", i);
		if ((rc = check_key_file(at, field, o->signer[i].key_file)) < 0)
			return rc;
		snprintf(field, sizeof field, "/signers/%u/name_servers", i);
		if ((rc = check_ns(at, field, o->signer[i].ns, o->signer[i].ns_count)) < 0)
			return rc;
	}
	return 0;
}

/* A zone that signers sign keeps one of them, or gets another.  *old_group: the one it is in. */
static int
check_has_signer(
    struct mus_engine *e, const struct mus_zone_obj *o, int64_t *old_group, struct mus_errtext *et)
{
	struct mus_zonestate *st = &e->view;
	struct mus_zone_obj before;
	struct mus_group_obj g = {.id = 0};
	int rc = mus_store_load_zone_id(e->o.store, o->id, &before, et);

	if (rc < 0)
		return rc;
	*old_group = before.group_id;
	if (before.group_id == o->group_id)
		return 0;
	if (o->group_id && (rc = mus_store_load_group_id(e->o.store, o->group_id, &g, et)) < 0)
		return rc;
	if (has_signer(o, &g) || (rc = eng_load_state(e, o->id, st, et)) < 0)
		return rc;
	if (!(st->want.keyg | st->want.dsg | st->want.nsg))
		return 0;
	return mus_errf(et, MUS_ERR_CONFLICT,
	    "%s would have no signer: the last cannot leave. Put it into a group with a signer, or delete "
	    "it: then it is left as it stands", o->name);
}

int
mus_ctl_put_zone(struct mus_engine *e, const char *actor, struct mus_zone_obj *o, char *field,
    struct mus_errtext *et)
{
	const struct at at = at_of(field, et);
	bool fresh = o->id == 0;
	int64_t old_group = o->group_id;
	struct eng_zone *z;
	int rc = check_zone(&at, o);

	if (rc < 0 || (!fresh && (rc = check_has_signer(e, o, &old_group, et)) < 0))
		return rc;
	if ((rc = begin(e, et)) < 0)
		return rc;
	o->changed_at = eng_now(e);
	if (fresh) {
		o->created_at = o->changed_at;
		o->next_check_at = o->changed_at;
		o->checked_at = o->waiting_until = MUS_TIME_NEVER;
		snprintf(o->state, sizeof o->state, "%s", mus_state_text(MUS_STATE_UNKNOWN));
	}
	rc = mus_store_save_zone(e->o.store, o, et);
	if (rc == 0)
		rc = note(e, o->id, o->name, "operator", actor, et, "zone %s %s", o->name,
		    fresh ? "added" : "changed");
	rc = end(e, rc, et);
	if (rc < 0)
		return rc;
	if (old_group != o->group_id)
		eng_ctl_left(e, old_group, NULL);
	z = eng_zone_get(e, o->id);
	if (z)
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	else
		rc = eng_zone_add(e, o->id, eng_now(e));
	return rc;
}

static int
load_zone(struct mus_engine *e, const char *zone, struct mus_zone_obj *o, struct mus_errtext *et)
{
	const struct at at = {NULL, et};
	char name[MUS_ZONETEXT_MAX];
	int rc;

	snprintf(name, sizeof name, "%s", zone);
	rc = canonical(&at, "", name, sizeof name);
	if (rc == 0)
		rc = mus_store_load_zone(e->o.store, name, o, et);
	return rc;
}

int
mus_ctl_delete_zone(struct mus_engine *e, const char *actor, const char *name, bool abandon,
    struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = load_zone(e, name, &o, et);

	if (rc < 0)
		return rc;
	if (o.process[0] && !abandon)
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "%s: %s is running; abort it first, or abandon the zone as it stands", o.name,
		    o.process);
	if ((rc = begin(e, et)) < 0)
		return rc;
	rc = mus_store_delete_zone(e->o.store, o.id, et);
	if (rc == 0)
		rc = note(e, 0, o.name, "operator", actor, et, "zone %s deleted%s", o.name,
		    abandon ? "; what was published for it stays where it is" : "");
	rc = end(e, rc, et);
	if (rc == 0) {
		eng_zone_drop(e, o.id);
		eng_ctl_left(e, o.group_id, NULL);
	}
	return rc;
}

static int
set_held(struct mus_engine *e, const char *actor, const char *zone, bool held, const char *reason,
    struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = load_zone(e, zone, &o, et);
	struct eng_zone *z;

	if (rc < 0 || (rc = begin(e, et)) < 0)
		return rc;
	o.held = held;
	snprintf(o.held_reason, sizeof o.held_reason, "%s", reason);
	o.changed_at = eng_now(e);
	rc = mus_store_save_zone(e->o.store, &o, et);
	if (rc == 0)
		rc = note(e, o.id, o.name, "operator", actor, et, "%s%s%s",
		    held ? "held" : "resumed", reason[0] ? ": " : "", reason);
	rc = end(e, rc, et);
	if (rc == 0 && (z = eng_zone_get(e, o.id))) {
		eng_withdraw(z);
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	}
	return rc;
}

int
mus_ctl_hold(struct mus_engine *e, const char *actor, const char *zone, const char *reason,
    struct mus_errtext *et)
{
	return set_held(e, actor, zone, true, reason, et);
}

int
mus_ctl_resume(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	return set_held(e, actor, zone, false, "", et);
}

/* A note in the history, then a look; what was planned before the operator spoke is planned anew. */
static int
noted_wake(struct mus_engine *e, const struct mus_zone_obj *o, const char *actor, const char *text,
    struct mus_errtext *et)
{
	struct eng_zone *z = eng_zone_get(e, o->id);
	int rc = begin(e, et);

	if (rc == 0)
		rc = end(e, note(e, o->id, o->name, "operator", actor, et, "%s", text), et);
	if (rc == 0 && z) {
		eng_withdraw(z);
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	}
	return rc;
}

int
mus_ctl_step(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct eng_zone *z;
	int rc = load_zone(e, zone, &o, et);

	if (rc < 0)
		return rc;
	if (o.mode != MUS_MODE_MANUAL)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is in automatic mode: it steps by itself", o.name);
	z = eng_zone_get(e, o.id);
	if (!z || !eng_busy(z))
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	rc = noted_wake(e, &o, actor, "one step allowed", et);
	if (rc == 0)
		z->busy->step = true;
	return rc;
}

int
mus_ctl_check(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct eng_zone *z;
	int rc = load_zone(e, zone, &o, et);

	(void)actor;
	if (rc == 0 && (z = eng_zone_get(e, o.id)))
		eng_wake(e, z, ENG_FOCUS_ALL, 0);
	return rc;
}

static struct mus_zone_signer_obj *
override_for(struct mus_zone_obj *o, int64_t signer_id)
{
	for (unsigned i = 0; i < o->signer_count; i++)
		if (o->signer[i].signer_id == signer_id)
			return &o->signer[i];
	if (o->signer_count == MUS_SIGNERS_MAX)
		return NULL;
	o->signer[o->signer_count] = (struct mus_zone_signer_obj){.signer_id = signer_id};
	return &o->signer[o->signer_count++];
}

/* Who was to leave once the join is over stays after all: else the end of a migration would follow its
 * abort, up to a zone that nobody signs. */
static int
keep_leavers(struct mus_engine *e, struct mus_zone_obj *o, const struct mus_zonestate *st,
    struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_group_obj g;
	int rc;

	if (!o->group_id)
		return 0;
	if ((rc = mus_store_load_group_id(e->o.store, o->group_id, &g, et)) < 0)
		return rc;
	for (unsigned i = 0; i < g.member_count; i++) {
		int s = mus_book_find_signer(&st->book, &st->zone, g.member[i].signer_id);
		struct mus_zone_signer_obj *ov;

		if (!g.member[i].leaving || s < 0 || s == st->want.proc.signer ||
		    !((st->want.keyg | st->want.dsg | st->want.nsg) >> s & 1))
			continue;
		if (!(ov = override_for(o, g.member[i].signer_id)))
			return mus_errf(et, MUS_ERR_FULL, "%s: too many signers", o->name);
		ov->staying = true;
		mus_buf_printf(out, "%s was to leave afterwards: it stays in this zone until it leaves again.\n",
		    st->book.signer[s]);
	}
	return 0;
}

int
mus_ctl_abort(struct mus_engine *e, const char *actor, const char *zone, bool dry_run,
    struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct mus_zonestate *st = &e->view;
	struct mus_zone_signer_obj *ov;
	const struct mus_proc *p;
	int rc = load_zone(e, zone, &o, et);

	if (rc < 0 || (rc = eng_load_state(e, o.id, st, et)) < 0)
		return rc;
	p = &st->want.proc;
	if (p->kind == MUS_PROC_NONE)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s: no process is running", o.name);
	mus_buf_printf(out,
	    p->kind == MUS_PROC_ADD
		? "ADD-SIGNER %s is turned round into REMOVE-SIGNER %s. What was published for it is "
		  "withdrawn in the safe order, with all waits; the zone stays valid. It is kept out of "
		  "this zone until it joins again.\n"
		: "REMOVE-SIGNER %s is turned round into ADD-SIGNER %s. It is taken in again in the "
		  "safe order, with all waits; the zone stays valid. It stays in this zone until it "
		  "leaves again.\n",
	    st->book.signer[p->signer], st->book.signer[p->signer]);
	if (p->kind == MUS_PROC_ADD && (rc = keep_leavers(e, &o, st, out, et)) < 0)
		return rc;
	if (dry_run)
		return 0;
	ov = override_for(&o, st->book.signer_id[p->signer]);
	if (!ov)
		return mus_errf(et, MUS_ERR_FULL, "%s: too many signers", o.name);
	ov->excluded = p->kind == MUS_PROC_ADD;
	ov->staying = p->kind == MUS_PROC_REMOVE;
	if ((rc = begin(e, et)) < 0)
		return rc;
	rc = end(e, mus_store_save_zone(e->o.store, &o, et), et);
	if (rc == 0)
		rc = noted_wake(e, &o, actor, "process aborted", et);
	return rc;
}

static enum mus_rule
forceable(enum mus_rule rule, struct mus_errtext *et)
{
	/* What must never be passed: there is nothing left to force. */
	if (rule == MUS_RULE_NONE || rule == MUS_RULE_LASTONE || rule == MUS_RULE_HELD ||
	    rule == MUS_RULE_MANUAL || rule == MUS_RULE_QUEUE || rule >= MUS_RULE_COUNT) {
		mus_errf(et, MUS_ERR_INVAL, "%s cannot be forced",
		    rule < MUS_RULE_COUNT ? mus_rule_text(rule) : "?");
		return MUS_RULE_NONE;
	}
	return rule;
}

int
mus_ctl_force(struct mus_engine *e, const char *actor, const char *zone, enum mus_rule rule,
    const char *reason, bool dry_run, struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_zone_view view;
	struct mus_zone_obj o;
	struct eng_zone *z;
	char text[MUS_TEXT_MAX], when[MUS_TIME_TEXT_MAX];
	bool found = false;
	int rc;

	if (forceable(rule, et) == MUS_RULE_NONE)
		return MUS_ERR_INVAL;
	if (!reason[0])
		return mus_errf(et, MUS_ERR_INVAL, "a reason must be given");
	if ((rc = load_zone(e, zone, &o, et)) < 0 || (rc = mus_ctl_view(e, o.name, &view, et)) < 0)
		return rc;
	for (unsigned i = 0; i < view.plan->wait_count; i++) {
		const struct mus_witness *w = &view.plan->wait[i];

		if (w->rule != rule)
			continue;
		found = true;
		mus_buf_printf(out, "%s\n", mus_witness_text(&view.state->book, &view.state->zone, w, text));
		if (mus_time_is_set(w->until))
			mus_buf_printf(out, "  Resolvers that hold the old version may fail until %s.\n",
			    mus_time_text(w->until, when));
		else
			mus_buf_printf(out, "  This does not end by itself: the damage stays until it is "
					    "mended.\n");
	}
	if (!found)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s does not wait for %s now", o.name,
		    mus_rule_text(rule));
	if (dry_run)
		return 0;
	z = eng_zone_get(e, o.id);
	if (!z || !eng_busy(z))
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	snprintf(text, sizeof text, "force past %s: %.200s", mus_rule_text(rule), reason);
	rc = noted_wake(e, &o, actor, text, et);
	if (rc == 0) {
		z->busy->forced = rule;
		snprintf(z->busy->forced_reason, sizeof z->busy->forced_reason, "%s", reason);
	}
	return rc;
}

int
mus_ctl_lost(struct mus_engine *e, const char *actor, const char *zone, const char *signer,
    const char *reason, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct mus_signer_obj s;
	struct mus_group_obj g = {.id = 0};
	struct mus_zone_signer_obj *ov;
	char text[400];
	bool was_signed;
	int rc = load_zone(e, zone, &o, et);

	if (rc < 0 || (rc = mus_store_load_signer(e->o.store, signer, &s, et)) < 0 ||
	    (o.group_id && (rc = mus_store_load_group_id(e->o.store, o.group_id, &g, et)) < 0))
		return rc;
	if (!reason[0])
		return mus_errf(et, MUS_ERR_INVAL, "a reason must be given");
	ov = override_for(&o, s.id);
	if (!ov)
		return mus_errf(et, MUS_ERR_FULL, "%s: too many signers", o.name);
	was_signed = has_signer(&o, &g);
	ov->lost = true;
	if (was_signed && !has_signer(&o, &g))
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s is the last of zone %.200s, which would have none: join another first", s.name,
		    o.name);
	if ((rc = begin(e, et)) < 0)
		return rc;
	rc = end(e, mus_store_save_zone(e->o.store, &o, et), et);
	snprintf(text, sizeof text, "signer %s declared lost: %.200s", signer, reason);
	if (rc == 0)
		rc = noted_wake(e, &o, actor, text, et);
	return rc;
}

/* ---- looking ------------------------------------------------------------------------------------------ */

int
mus_ctl_view(struct mus_engine *e, const char *zone, struct mus_zone_view *out, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	struct mus_zonestate *st = &e->view;
	struct mus_policy policy;
	struct eng_zone *z;
	int rc = load_zone(e, zone, &o, et);

	if (rc < 0 || (rc = eng_load_state(e, o.id, st, et)) < 0)
		return rc;
	if (!eng_sync(e, &o, st, et))
		return MUS_ERR_STORE;
	z = eng_zone_get(e, o.id);
	eng_policy_of(e, &o, z, &policy);
	/* An idle zone was looked at some time ago: that is what there is to show. */
	if (policy.fresh_s < e->o.idle_ms / 500)
		policy.fresh_s = (uint32_t)(e->o.idle_ms / 500);
	mus_settle(&st->zone, &st->seen, &st->want, &policy, eng_now(e));
	mus_plan(&st->zone, &st->seen, &st->want, &policy, eng_now(e), &e->view_plan);
	if (z)
		eng_queue_waits(e, z, st, &e->view_plan);
	mus_judge(&st->zone, &st->seen, &st->want, &policy, eng_now(e), &e->view_verdict);
	*out = (struct mus_zone_view){st, &e->view_plan, &e->view_verdict,
	    z && z->busy ? z->busy->trouble : NULL, eng_now(e), policy.forced,
	    z && z->busy ? z->busy->forced_reason : ""};
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
	f.state = NULL;
	f.busy_only = true;
	if (mus_store_count_zones(e->o.store, &f, &out->busy) < 0)
		out->busy = 0;
}
