/*
 * Signers and their groups: an operator changes them, and zones follow.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "engine/control_int.h"

/* ---- signers ---------------------------------------------------------------------------------------- */

struct with_signer {
	struct mus_engine *e;
	const struct mus_signer_obj *signer;
	struct mus_errtext *et;
	int rc;
};

/* Which member it is; their number: none. */
static unsigned
place_of(const struct mus_group_obj *g, int64_t signer_id)
{
	unsigned i = 0;

	while (i < g->member_count && g->member[i].signer_id != signer_id)
		i++;
	return i;
}

bool
eng_is_in(const struct mus_group_obj *g, int64_t signer_id)
{
	return place_of(g, signer_id) < g->member_count;
}

static int
wake_with(void *arg, const struct mus_group_obj *o)
{
	const struct with_signer *w = arg;

	if (eng_is_in(o, w->signer->id))
		eng_wake_group(w->e, o->id);
	return 0;
}

int
eng_wake_with(struct mus_engine *e, const struct mus_signer_obj *signer)
{
	struct with_signer with = {.e = e, .signer = signer};

	return mus_store_list_groups(e->o.store, NULL, 1u << 20, wake_with, &with) < 0 ? MUS_ERR_STORE : 0;
}

static int
room_with(void *arg, const struct mus_group_obj *o)
{
	struct with_signer *w = arg;

	if (eng_is_in(o, w->signer->id))
		w->rc = eng_check_group(w->e, o, w->signer, w->et);
	return w->rc < 0;
}

/* A zone whose group has the signer no more, while the zone may have it still. */
static int
meets_with(void *arg, int64_t id)
{
	struct with_signer *w = arg;
	struct mus_store *store = w->e->o.store;
	struct mus_zone_obj zone;
	struct mus_group_obj g;

	w->rc = mus_store_load_zone_id(store, id, &zone, w->et);
	if (w->rc < 0 || !zone.group_id)
		return w->rc < 0;
	w->rc = mus_store_load_group_id(store, zone.group_id, &g, w->et);
	if (w->rc == 0)
		w->rc = eng_check_leavers(w->e, &g, w->signer, &zone, w->et);
	return w->rc < 0;
}

/* A signer that changes, in all its groups and in the zones that it is leaving. */
static int
check_changed(struct with_signer *w)
{
	struct mus_store *store = w->e->o.store;

	if (mus_store_list_groups(store, NULL, 1u << 20, room_with, w) < 0 ||
	    (w->rc == 0 && mus_store_each_departing(store, w->signer->id, meets_with, w) < 0))
		return mus_errf(w->et, MUS_ERR_STORE, "database error");
	return w->rc;
}

/* Keys are known as its own, or as none of its own, in every zone that it was ever on. */
static int
check_kind(const struct mus_signer_obj *before, const struct mus_signer_obj *o, struct mus_errtext *et)
{
	const struct mus_driver *was = mus_driver_find(before->driver), *is = mus_driver_find(o->driver);

	if (!was || !is || was->is_secondary == is->is_secondary)
		return 0;
	return mus_errf(et, MUS_ERR_CONFLICT,
	    "signer %s: driver %s cannot become %s: who signs and who does not are two; add another signer", o->name,
	    before->driver, o->driver);
}

int
mus_ctl_put_signer(struct mus_engine *e, const char *actor, struct mus_signer_obj *o, char *field,
    struct mus_errtext *et)
{
	struct with_signer with = {.e = e, .signer = o, .et = et};
	const struct eng_at at = eng_at_of(field, et);
	struct mus_signer_obj before;
	bool fresh = o->id == 0;
	struct mus_buf said;
	enum mus_tri can;
	int rc = eng_check_signer(e, &at, o);

	if (rc == 0 && !fresh && (rc = check_changed(&with)) == MUS_ERR_INVAL)
		eng_point(&at, "/name_servers");
	if (rc == 0 && !fresh)
		rc = mus_store_load_signer_id(e->o.store, o->id, &before, et);
	if (rc == 0 && !fresh)
		rc = check_kind(&before, o, et);
	if (rc < 0 || (rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	o->changed_at = eng_now(e);
	if (fresh)
		o->created_at = o->changed_at;
	/* What a probe found was for how the signer was; a secondary is not changed. */
	can = mus_driver_find(o->driver)->is_secondary ? MUS_NO : MUS_UNKNOWN;
	o->caps = (struct mus_caps){can, can, can, can, can};
	o->caps_at = MUS_TIME_NEVER;
	rc = mus_store_save_signer(e->o.store, o, et);
	mus_buf_init(&said, 0);
	if (!fresh)
		eng_say_signer(&before, o, &said);
	if (rc == 0)
		rc = eng_ctl_note(e, 0, "", "operator", actor, et, "signer %s %s%s", o->name,
		    fresh ? "added" : "changed", fresh ? "" : eng_said(&said));
	mus_buf_clear(&said);
	rc = eng_ctl_end(e, rc, et);
	if (rc < 0)
		return rc;
	eng_signer_forget(e, o->id);
	eng_box_changed(e, o->id);
	return fresh ? 0 : eng_wake_with(e, o);
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
	s->yes = !st->want.adopted || (i >= 0 && (mus_want_part(&st->want) >> i & 1));
	return s->yes;
}

/* A zone that went out of a group of the signer's, or whose group it went out of. */
static int
let_go(void *arg, int64_t id)
{
	struct still *s = arg;
	struct mus_errtext et;

	return still_there(s, id) ? 1 : mus_store_departed(s->e->o.store, s->signer_id, id, &et);
}

/* No zone needs it to the end of its leaving: its servers are asked, and changed with its key. */
static int
check_let_go(struct mus_engine *e, int64_t signer_id, struct mus_errtext *et)
{
	struct still s = {.e = e, .signer_id = signer_id};
	struct mus_zone_obj o;
	int rc = mus_store_each_departing(e->o.store, signer_id, let_go, &s);

	if (rc < 0)
		return mus_errf(et, MUS_ERR_STORE, "database error");
	if (!s.yes || (rc = mus_store_load_zone_id(e->o.store, s.last, &o, et)) < 0)
		return rc;
	return mus_errf(et, MUS_ERR_CONFLICT,
	    "in use by zone %.300s, which has another group now and has not let it go yet", o.name);
}

int
mus_ctl_delete_signer(
    struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et)
{
	struct mus_signer_obj o;
	int rc = mus_store_load_signer(e->o.store, name, &o, et);

	if (rc < 0 || (rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	if ((rc = check_let_go(e, o.id, et)) < 0 || (rc = mus_store_delete_signer(e->o.store, o.id, et)) < 0)
		rc = mus_err_wrap(et, rc, "signer %s", name);
	else
		rc = eng_ctl_note(e, 0, "", "operator", actor, et, "signer %s deleted", name);
	rc = eng_ctl_end(e, rc, et);
	if (rc == 0) {
		eng_signer_forget(e, o.id);
		eng_box_changed(e, o.id);
	}
	return rc;
}

/* ---- groups ------------------------------------------------------------------------------------------ */

/* Members that are to be none any more: zones may have them still. */
static int
note_departing(struct mus_engine *e, const struct mus_group_obj *o, struct mus_errtext *et)
{
	struct mus_group_obj before = {.id = 0};
	int rc = mus_store_load_group_id(e->o.store, o->id, &before, et);

	for (unsigned i = 0; i < before.member_count && rc == 0; i++)
		if (!eng_is_in(o, before.member[i].signer_id))
			rc = mus_store_signer_departs(e->o.store, o->id, before.member[i].signer_id, et);
	return rc;
}

int
mus_ctl_put_group(struct mus_engine *e, const char *actor, struct mus_group_obj *o, char *field,
    struct mus_errtext *et)
{
	const struct eng_at at = eng_at_of(field, et);
	bool fresh = o->id == 0;
	int rc = eng_check_label(&at, "/name", o->name);

	if (rc < 0 || (rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	o->changed_at = eng_now(e);
	if (fresh)
		o->created_at = o->changed_at;
	else
		rc = note_departing(e, o, et);	/* first: they are among those that are looked at */
	if (rc == 0 && (rc = eng_check_group(e, o, NULL, et)) == MUS_ERR_INVAL)
		eng_point(&at, "/signers");
	if (rc == 0)
		rc = mus_store_save_group(e->o.store, o, et);
	if (rc == 0)
		rc = eng_ctl_note(e, 0, "", "operator", actor, et, "signer group %s %s", o->name,
		    fresh ? "added" : "changed");
	rc = eng_ctl_end(e, rc, et);
	if (rc == 0 && !fresh)
		eng_wake_group(e, o->id);
	return rc;
}

int
mus_ctl_delete_group(
    struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et)
{
	struct mus_group_obj o;
	int rc = mus_store_load_group(e->o.store, name, &o, et);

	if (rc < 0 || (rc = eng_ctl_begin(e, et)) < 0)
		return rc;
	if ((rc = mus_store_delete_group(e->o.store, o.id, et)) < 0)
		rc = mus_err_wrap(et, rc, "signer group %s", name);
	else
		rc = eng_ctl_note(e, 0, "", "operator", actor, et, "signer group %s deleted", name);
	return eng_ctl_end(e, rc, et);
}

static int
load_pair(struct mus_engine *e, const char *group, const char *signer, struct mus_group_obj *g,
    struct mus_signer_obj *s, unsigned *at, struct mus_errtext *et)
{
	int rc = mus_store_load_group(e->o.store, group, g, et);

	if (rc < 0)
		return rc;
	rc = mus_store_load_signer(e->o.store, signer, s, et);
	if (rc < 0)
		return rc;
	*at = place_of(g, s->id);
	return 0;
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
	if (!joins && !eng_has_signer(m->e, &m->o, m->g))
		snprintf(m->alone, sizeof m->alone, "%s", m->o.name);
	return changed && m->save ? mus_store_save_zone(m->e->o.store, &m->o, NULL) : 0;
}

/* In the history of each zone of the group: one statement, whatever their number. */
static int
note_in_zones(struct mus_engine *e, const char *actor, const struct mus_group_obj *g, const char *signer,
    const char *verb, struct mus_errtext *et)
{
	struct mus_event_obj o = {.at = eng_now(e), .kind = "operator"};

	snprintf(o.actor, sizeof o.actor, "%s", actor);
	snprintf(o.text, sizeof o.text, "signer %s %s group %s", signer, verb, g->name);
	return mus_store_add_group_event(e->o.store, g->id, &o, et);
}

/* Stores the group with a signer that joins or leaves; its marks of before no longer hold. */
static int
save_member(struct mus_engine *e, const char *actor, struct mus_group_obj *g, struct marked *m,
    const char *signer, const char *verb, struct mus_errtext *et)
{
	int rc = eng_ctl_begin(e, et);

	if (rc < 0)
		return rc;
	g->changed_at = eng_now(e);
	m->save = true;
	rc = mus_store_save_group(e->o.store, g, et);
	if (rc == 0 && mus_store_each_marked_zone(e->o.store, g->id, look_at_marked, m) < 0)
		rc = mus_errf(et, MUS_ERR_STORE, "database error");
	if (rc == 0)
		rc = eng_ctl_note(e, 0, "", "operator", actor, et, "signer %s %s group %s", signer, verb, g->name);
	if (rc == 0)
		rc = note_in_zones(e, actor, g, signer, verb, et);
	rc = eng_ctl_end(e, rc, et);
	if (rc == 0)
		eng_wake_group(e, g->id);
	return rc;
}

/* A zone that cannot be followed, for nothing can be read of it: no signer joins or leaves it, nor its group. */
struct unread {
	struct mus_engine *e;
	int64_t last;
	unsigned count;
	struct mus_errtext *et;
};

static int
can_read(void *arg, int64_t id)
{
	struct unread *u = arg;
	struct mus_zone_obj o;
	int rc = eng_load_state(u->e, id, &u->e->view, u->et);

	u->count++;
	u->last = id;
	if (rc != MUS_ERR_CONFLICT)
		return 0;
	return mus_store_load_zone_id(u->e->o.store, id, &o, NULL) < 0
	    ? rc
	    : mus_err_wrap(u->et, rc, "zone %.200s", o.name);
}

static int
check_readable(struct mus_engine *e, int64_t group_id, struct mus_errtext *et)
{
	struct unread u = {.e = e, .et = et};
	unsigned before;
	int rc;

	do {
		before = u.count;
		rc = mus_store_each_zone_of_group(e->o.store, group_id, u.last, 1000, can_read, &u);
	} while (rc == 0 && u.count != before);
	return rc;
}

/* A member that stays, from now on; member ${at} is it already, or there is none yet. */
static int
add_member(struct mus_group_obj *g, unsigned at, int64_t signer_id, struct mus_errtext *et)
{
	if (at == MUS_SIGNERS_MAX)
		return mus_errf(
		    et, MUS_ERR_CONFLICT, "group %s has %d signers, more it cannot hold", g->name, at);
	g->member[at].signer_id = signer_id;
	g->member[at].leaving = false;
	if (at == g->member_count)
		g->member_count++;
	return 0;
}

int
eng_check_place(struct mus_engine *e, const struct mus_group_obj *g, int64_t signer_id,
    const struct mus_zone_obj *zone, struct mus_errtext *et)
{
	struct mus_group_obj with = *g;
	int rc = add_member(&with, place_of(g, signer_id), signer_id, et);

	if (rc == 0)
		rc = eng_check_members(e, &with, NULL, et);
	if (rc == 0)
		rc = eng_check_on_zone(e, &with, NULL, zone, et);
	return rc == MUS_ERR_INVAL ? MUS_ERR_CONFLICT : rc;
}

/* The group as it is with the signer, in ${g}, and the marks that go, in ${m}; or why that cannot be. */
static int
prepare_join(struct mus_engine *e, const char *group, const char *signer, struct mus_group_obj *g, struct marked *m,
    struct mus_errtext *et)
{
	struct mus_signer_obj s;
	unsigned at = 0;
	int rc = load_pair(e, group, signer, g, &s, &at, et);

	if (rc < 0)
		return rc;
	*m = (struct marked){.e = e, .g = g, .signer_id = s.id};
	if (mus_store_each_marked_zone(e->o.store, g->id, look_at_marked, m) < 0)
		return mus_errf(et, MUS_ERR_STORE, "database error");
	if (at < g->member_count && !g->member[at].leaving && m->count == 0)
		return mus_errf(
		    et, MUS_ERR_CONFLICT, "signer %s is a member of group %s already", signer, group);
	if ((rc = check_readable(e, g->id, et)) < 0)
		return rc;
	if ((rc = add_member(g, at, s.id, et)) == 0 && (rc = eng_check_group(e, g, NULL, et)) == MUS_ERR_INVAL)
		return MUS_ERR_CONFLICT;
	return rc;
}

int
mus_ctl_check_join(struct mus_engine *e, const char *group, const char *signer, struct mus_errtext *et)
{
	struct mus_group_obj g;
	struct marked m;

	return prepare_join(e, group, signer, &g, &m, et);
}

int
mus_ctl_group_join(struct mus_engine *e, const char *actor, const char *group, const char *signer,
    struct mus_errtext *et)
{
	struct mus_group_obj g;
	struct marked m;
	int rc = prepare_join(e, group, signer, &g, &m, et);

	return rc < 0 ? rc : save_member(e, actor, &g, &m, signer, "joins", et);
}

static int
has_zone(void *arg, int64_t id)
{
	(void)id;
	*(bool *)arg = true;
	return 1;
}

/* Zones of the group with ids above ${s}->last.  What cannot be read counts as yes. */
static bool
is_on_a_zone(struct still *s, int64_t group_id)
{
	unsigned before;

	do {
		before = s->count;
		if (mus_store_each_zone_of_group(s->e->o.store, group_id, s->last, 1000, still_there, s) < 0)
			return true;
	} while (s->count != before && !s->yes);
	return s->yes;
}

/* What is remembered of the two; new in the place that was not asked for longest. */
static struct eng_last_on *
last_on_of(struct mus_engine *e, int64_t group_id, int64_t signer_id)
{
	struct eng_last_on *on = &e->last_on[0];

	for (unsigned i = 0; i < ENG_LAST_ON_MAX; i++) {
		struct eng_last_on *o = &e->last_on[i];

		if (o->group_id == group_id && o->signer_id == signer_id) {
			on = o;
			break;
		}
		if (o->used < on->used)
			on = o;
	}
	if (on->group_id != group_id || on->signer_id != signer_id)
		*on = (struct eng_last_on){.group_id = group_id, .signer_id = signer_id};
	on->used = ++e->last_on_used;
	return on;
}

/* Each zone that ends a leave asks this.  Those before the one at which the leaver was found last had let it go
 * then: they are looked at again when nothing else is left, not each time. */
static bool
has_left_all(struct mus_engine *e, int64_t group_id, int64_t signer_id, const struct mus_zonestate *at_work)
{
	struct eng_last_on *on = last_on_of(e, group_id, signer_id);
	bool is_known = on->zone_id != 0;
	struct still s = {.e = e, .at_work = at_work, .signer_id = signer_id, .last = is_known ? on->zone_id - 1 : 0};

	if (!is_on_a_zone(&s, group_id) && is_known) {
		s.last = 0;
		is_on_a_zone(&s, group_id);
	}
	on->zone_id = s.last;
	return !s.yes;
}

int
mus_ctl_group_leave(struct mus_engine *e, const char *actor, const char *group, const char *signer,
    struct mus_errtext *et)
{
	struct mus_group_obj g;
	struct mus_signer_obj s;
	struct marked m = {.e = e, .g = &g};
	struct still at_all = {.e = e};
	bool zones = false, was_leaving, is_on;
	unsigned at = 0, staying = 0;
	int rc = load_pair(e, group, signer, &g, &s, &at, et);

	if (rc < 0)
		return rc;
	if (at == g.member_count)
		return mus_errf(
		    et, MUS_ERR_NOTFOUND, "signer %s is not a member of group %s", signer, group);
	if ((rc = check_readable(e, g.id, et)) < 0)
		return rc;
	m.signer_id = s.id;
	was_leaving = g.member[at].leaving;
	g.member[at].leaving = true;
	for (unsigned i = 0; i < g.member_count; i++)
		staying += !g.member[i].leaving && eng_signs(e, g.member[i].signer_id);
	if (mus_store_each_zone_of_group(e->o.store, g.id, 0, 1, has_zone, &zones) < 0 ||
	    mus_store_each_marked_zone(e->o.store, g.id, look_at_marked, &m) < 0)
		return mus_errf(et, MUS_ERR_STORE, "database error");
	at_all.signer_id = s.id;
	is_on = is_on_a_zone(&at_all, g.id);
	if (was_leaving && m.count == 0 && is_on)
		return mus_errf(
		    et, MUS_ERR_CONFLICT, "signer %s is leaving group %s already", signer, group);
	if (zones && staying == 0 && eng_signs(e, s.id))
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
	int64_t left[MUS_SIGNERS_MAX];
	unsigned left_count = 0;
	struct mus_signer_obj s;
	struct mus_errtext et;

	if (group_id == 0 || mus_store_load_group_id(e->o.store, group_id, &g, &et) < 0)
		return;
	for (unsigned i = 0; i < g.member_count;) {
		if (!g.member[i].leaving || !has_left_all(e, group_id, g.member[i].signer_id, at_work)) {
			i++;
			continue;
		}
		left[left_count++] = g.member[i].signer_id;
		g.member[i] = g.member[--g.member_count];
	}
	if (left_count == 0 || eng_begin(e) < 0)
		return;
	/* The last zone has let it go: a member no longer, so that no group stays locked. */
	g.changed_at = eng_now(e);
	eng_forget_kept(e);
	if (mus_store_save_group(e->o.store, &g, &et) < 0)
		e->tx_failed = true;
	for (unsigned i = 0; i < left_count; i++)
		if (mus_store_load_signer_id(e->o.store, left[i], &s, &et) == 0)
			eng_event(e, 0, "", "group", "musicd", LOG_NOTICE,
			    "%s has left group %s on all its zones", s.name, g.name);
}
