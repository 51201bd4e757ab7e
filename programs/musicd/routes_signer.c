/* Signers and signer groups. */
#include <string.h>

#include "base/text.h"
#include "routes_int.h"

/* What goes to the signer; its last error is copied into the arena. */
static const struct mus_rep_changes *
changes_of(struct api_call *c, struct mus_arena *a, int64_t id)
{
	struct mus_rep_changes *rep = mus_arena_alloc(a, sizeof *rep);
	struct mus_ctl_changes now;
	const char *error;

	mus_ctl_changes(c->engine, id, &now);
	error = mus_arena_printf(a, "%s", now.last_error.s);
	if (rep != NULL && error != NULL)
		*rep = (struct mus_rep_changes){.waiting = now.waiting, .unanswered = now.unanswered,
		    .sent = now.sent, .refused = now.refused, .dropped = now.dropped,
		    .silent = now.silent, .full = now.full,
		    .paused_until = now.paused_until, .last_error = error};
	return error != NULL ? rep : NULL;
}

static void
fill_signer(struct api_call *c, struct mus_arena *a, const struct mus_signer_obj *o, struct mus_rep_signer *rep)
{
	const char *trouble = mus_arena_strdup(a, mus_ctl_signer_trouble(c->engine, o->id));

	mus_body_of_signer(a, o, changes_of(c, a, o->id), rep);
	if (trouble != NULL)
		rep->trouble = trouble;
}

static int
list_signer(void *arg, const struct mus_signer_obj *o)
{
	struct api_list *l = arg;
	struct mus_rep_signer rep;

	if (!api_list_room(l))
		return 1;
	fill_signer(l->call, &l->item, o, &rep);
	api_list_item(l, &rep, o->name);
	return 0;
}

void
api_signers_list(struct api_call *c)
{
	const char *after = mus_http_query(c->req, "after");
	struct api_list l;
	unsigned limit;

	if (!api_limit(c, &limit))
		return;
	api_list_begin(&l, c, limit);
	api_list_end(&l, mus_store_list_signers(c->store, after, limit + 1, list_signer, &l));
}

static void
reply_signer(struct api_call *c, unsigned status, const struct mus_signer_obj *o, const char *location)
{
	struct mus_rep_signer rep;

	fill_signer(c, &c->arena, o, &rep);
	api_reply_with(c, status, &rep, api_etag(c, o->id, o->changed_at, location));
}

/* Name servers' names in canonical form; false: the call has ended. */
static bool
canonical_ns(struct api_call *c, struct mus_ns_obj *ns, unsigned count, const char *where)
{
	for (unsigned i = 0; i < count; i++) {
		const char *field = mus_arena_printf(&c->arena, "%s/%u/name", where, i);
		const char *name = field != NULL ? api_name(c, ns[i].name, field) : NULL;

		if (name == NULL)
			return false;
		if (!mus_strcpy(ns[i].name, sizeof ns[i].name, name)) {
			api_fail_at(c, mus_errf(&c->et, MUS_ERR_INVAL, "the name is too long"), field);
			return false;
		}
	}
	return true;
}

void
api_signers_create(struct api_call *c)
{
	const struct mus_req_signer *r = c->body;
	struct mus_signer_obj *o = api_alloc(c, sizeof *o);
	char field[MUS_CTL_FIELD_MAX];
	int rc;

	if (o == NULL)
		return;
	o->caps_at = MUS_TIME_NEVER;
	mus_body_to_signer(r, o);
	if (!canonical_ns(c, o->ns, o->ns_count, "/name_servers"))
		return;
	if ((rc = mus_ctl_put_signer(c->engine, c->caller, o, field, &c->et)) < 0) {
		api_fail_put(c, rc, field);
		return;
	}
	reply_signer(c, 201, o, api_location(c, "signers", o->name));
}

void
api_signer_get(struct api_call *c)
{
	const struct mus_signer_obj *o = api_signer(c, c->param[0], NULL);

	if (o != NULL)
		reply_signer(c, 200, o, NULL);
}

/* A name given again must be the one it has. */
static bool
same_name(struct api_call *c, bool is_given, const char *given, const char *has)
{
	if (!is_given || strcmp(given, has) == 0)
		return true;
	api_fail_at(c, mus_errf(&c->et, MUS_ERR_INVAL, "the name cannot change"), "/name");
	return false;
}

void
api_signer_change(struct api_call *c)
{
	const struct mus_req_signer *r = c->body;
	struct mus_signer_obj *o = api_signer(c, c->param[0], NULL);
	char field[MUS_CTL_FIELD_MAX];
	int rc;

	if (o == NULL || !api_if_match(c, o->id, o->changed_at) ||
	    !same_name(c, mus_wire_given(r->given, MUS_REQ_SIGNER_NAME), r->name, o->name))
		return;
	mus_body_to_signer(r, o);
	if (!canonical_ns(c, o->ns, o->ns_count, "/name_servers"))
		return;
	if ((rc = mus_ctl_put_signer(c->engine, c->caller, o, field, &c->et)) < 0) {
		if (strcmp(field, "/key_file") == 0 && !mus_wire_given(r->given, MUS_REQ_SIGNER_KEY_FILE))
			(void)mus_err_wrap(&c->et, MUS_ERR_INVAL,
			    "is not given, and what is stored of signer %s cannot be used", o->name);
		api_fail_put(c, rc, field);
		return;
	}
	reply_signer(c, 200, o, NULL);
}

void
api_signer_delete(struct api_call *c)
{
	const struct mus_signer_obj *o = api_signer(c, c->param[0], NULL);
	int rc;

	if (o == NULL || !api_if_match(c, o->id, o->changed_at))
		return;
	if ((rc = mus_ctl_delete_signer(c->engine, c->caller, o->name, &c->et)) < 0)
		api_fail(c, rc);
	else
		api_reply_nothing(c);
}

static void
fill_group(struct api_call *c, struct mus_arena *a, const struct mus_group_obj *o,
    const struct mus_body_names *names, struct mus_rep_group *out)
{
	struct mus_zone_filter f = {.group_id = o->id};

	mus_body_of_group(a, o, names, out);
	if (mus_store_count_zones(c->store, &f, &out->zones) < 0)
		out->zones = 0;
	f.busy_only = true;
	if (mus_store_count_zones(c->store, &f, &out->busy) < 0)
		out->busy = 0;
}

struct group_list {
	struct api_list l;
	struct mus_body_names names;
};

static int
list_group(void *arg, const struct mus_group_obj *o)
{
	struct group_list *g = arg;
	struct mus_rep_group rep;

	if (!api_list_room(&g->l))
		return 1;
	fill_group(g->l.call, &g->l.item, o, &g->names, &rep);
	api_list_item(&g->l, &rep, o->name);
	return 0;
}

void
api_groups_list(struct api_call *c)
{
	const char *after = mus_http_query(c->req, "after");
	struct api_names names;
	struct group_list g = {.names = api_names_of(&names, c)};
	unsigned limit;

	if (!api_limit(c, &limit))
		return;
	api_list_begin(&g.l, c, limit);
	api_list_end(&g.l, mus_store_list_groups(c->store, after, limit + 1, list_group, &g));
}

static void
reply_group(struct api_call *c, unsigned status, const struct mus_group_obj *o, const char *location)
{
	struct api_names n;
	struct mus_body_names names = api_names_of(&n, c);
	struct mus_rep_group rep;

	fill_group(c, &c->arena, o, &names, &rep);
	api_reply_with(c, status, &rep, api_etag(c, o->id, o->changed_at, location));
}

void
api_groups_create(struct api_call *c)
{
	const struct mus_req_group *r = c->body;
	const char *const *signer = r->signers.item;
	struct mus_group_obj *o = api_alloc(c, sizeof *o);
	char field[MUS_CTL_FIELD_MAX];
	int rc;

	if (o == NULL)
		return;
	(void)mus_strcpy(o->name, sizeof o->name, r->name);
	for (size_t i = 0; i < r->signers.count; i++) {
		const char *at = mus_arena_printf(&c->arena, "/signers/%zu", i);
		const struct mus_signer_obj *s = api_signer(c, signer[i], at);

		if (s == NULL)
			return;
		for (unsigned k = 0; k < o->member_count; k++) {
			if (o->member[k].signer_id != s->id)
				continue;
			mus_errf(&c->et, MUS_ERR_INVAL, "\"%s\" stands here twice", s->name);
			api_fail_at(c, MUS_ERR_INVAL, at);
			return;
		}
		o->member[o->member_count++].signer_id = s->id;
	}
	if ((rc = mus_ctl_put_group(c->engine, c->caller, o, field, &c->et)) < 0)
		api_fail_put(c, rc, field);
	else
		reply_group(c, 201, o, api_location(c, "groups", o->name));
}

void
api_group_get(struct api_call *c)
{
	const struct mus_group_obj *o = api_group(c, c->param[0], NULL);

	if (o != NULL)
		reply_group(c, 200, o, NULL);
}

void
api_group_delete(struct api_call *c)
{
	const struct mus_group_obj *o = api_group(c, c->param[0], NULL);
	int rc;

	if (o == NULL || !api_if_match(c, o->id, o->changed_at))
		return;
	if ((rc = mus_ctl_delete_group(c->engine, c->caller, o->name, &c->et)) < 0)
		api_fail(c, rc);
	else
		api_reply_nothing(c);
}

static void
change_member(struct api_call *c,
    int (*change)(struct mus_engine *, const char *, const char *, const char *, struct mus_errtext *))
{
	const struct mus_group_obj *o = api_group(c, c->param[0], NULL);
	const struct mus_signer_obj *s;
	int rc;

	if (o == NULL || (s = api_signer(c, c->param[1], NULL)) == NULL)
		return;
	if ((rc = change(c->engine, c->caller, o->name, s->name, &c->et)) < 0) {
		api_fail(c, rc);
		return;
	}
	if ((o = api_group(c, o->name, NULL)) != NULL)
		reply_group(c, 200, o, NULL);
}

static int
check_join(struct mus_engine *e, const char *actor, const char *group, const char *signer, struct mus_errtext *et)
{
	(void)actor;
	return mus_ctl_check_join(e, group, signer, et);
}

void
api_group_may_join(struct api_call *c)
{
	change_member(c, check_join);
}

void
api_group_join(struct api_call *c)
{
	change_member(c, mus_ctl_group_join);
}

void
api_group_leave(struct api_call *c)
{
	change_member(c, mus_ctl_group_leave);
}
