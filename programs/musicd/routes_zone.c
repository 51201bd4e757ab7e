/* Zones one by one: objects, views of what the engine knows, and what can be asked of it. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dns/name.h"
#include "routes_int.h"

struct zone_list {
	struct api_list l;
	struct mus_body_names names;
};

static int
list_zone(void *arg, const struct mus_zone_obj *o)
{
	struct zone_list *z = arg;
	struct mus_rep_zone rep;

	if (!api_list_room(&z->l))
		return 1;
	mus_body_of_zone(&z->l.item, o, &z->names, &rep);
	api_list_item(&z->l, &rep, o->name);
	return 0;
}

void
api_zones_list(struct api_call *c)
{
	struct mus_zone_filter f = {.match = mus_http_query(c->req, "match")};
	const char *group = mus_http_query(c->req, "group"), *after = mus_http_query(c->req, "after");
	struct api_names names;
	struct zone_list z = {.names = api_names_of(&names, c)};
	const struct mus_group_obj *g;
	unsigned limit;

	if (!api_limit(c, &limit) || !api_query_bool(c, "busy", &f.busy_only) ||
	    !api_query_state(c, "state", &f.state))
		return;
	if (group != NULL) {
		if ((g = api_group(c, group, "group")) == NULL)
			return;
		f.group_id = g->id;
	}
	api_list_begin(&z.l, c, limit);
	api_list_end(&z.l, mus_store_list_zones(c->store, &f, after, limit + 1, list_zone, &z));
}

static void
reply_zone(struct api_call *c, unsigned status, const struct mus_zone_obj *o, const char *location)
{
	struct api_names n;
	struct mus_body_names names = api_names_of(&n, c);
	struct mus_rep_zone rep;

	mus_body_of_zone(&c->arena, o, &names, &rep);
	api_reply_with(c, status, &rep, api_etag(c, o->id, o->changed_at, location));
}

static void
reply_zone_anew(struct api_call *c, const char *name)
{
	const struct mus_zone_obj *o = api_zone(c, name, NULL);

	if (o != NULL)
		reply_zone(c, 200, o, NULL);
}

/* --- a request over an object --- */

static int
take_name(struct api_call *c, const char *text, char *out, size_t cap)
{
	char canonical[MUS_NAME_TEXT_MAX];
	struct mus_name name;
	int rc;

	if ((rc = mus_name_parse(text, &name, &c->et)) < 0)
		return mus_err_wrap(&c->et, MUS_ERR_INVAL, "not a domain name");
	if (!mus_strcpy(out, cap, mus_name_text(&name, canonical)))
		return mus_errf(&c->et, MUS_ERR_INVAL, "the name is too long");
	return 0;
}

static int
take_ns(struct api_call *c, struct mus_ns_obj *ns, unsigned count, const char *where, char *field)
{
	int rc;

	for (unsigned i = 0; i < count; i++) {
		char given[sizeof ns[i].name];

		(void)mus_strcpy(given, sizeof given, ns[i].name);
		if ((rc = take_name(c, given, ns[i].name, sizeof ns[i].name)) < 0) {
			snprintf(field, 64, "%.44s/%u/name", where, i);
			return rc;
		}
	}
	return 0;
}

/* What stands for a signer in the zone; what the operator did not name (lost, excluded, staying)
 * stays as it was. */
static int
take_signer(struct api_call *c, const struct mus_req_zone_signer *r, const struct mus_zone_obj *before,
    struct mus_zone_obj *o, const char *where, char *field)
{
	struct mus_zone_signer_obj *zs = &o->signer[o->signer_count];
	struct mus_signer_obj s;
	char sub[64];
	int rc;

	snprintf(field, 64, "%s/signer", where);
	if ((rc = mus_store_load_signer(c->store, r->signer, &s, &c->et)) < 0)
		return rc != MUS_ERR_NOTFOUND ? rc
		    : mus_errf(&c->et, MUS_ERR_INVAL, "there is no signer \"%s\"", r->signer);
	memset(zs, 0, sizeof *zs);
	for (unsigned i = 0; i < before->signer_count; i++)
		if (before->signer[i].signer_id == s.id)
			*zs = before->signer[i];
	for (unsigned i = 0; i < o->signer_count; i++)
		if (o->signer[i].signer_id == s.id)
			return mus_errf(&c->et, MUS_ERR_INVAL, "\"%s\" stands here twice", r->signer);
	zs->signer_id = s.id;
	zs->max_ttl_s = (uint32_t)r->max_ttl_s;
	(void)mus_strcpy(zs->key_file, sizeof zs->key_file, r->key_file != NULL ? r->key_file : "");
	mus_body_to_ns(&r->name_servers, zs->ns, &zs->ns_count);
	snprintf(sub, sizeof sub, "%.40s/name_servers", where);
	if ((rc = take_ns(c, zs->ns, zs->ns_count, sub, field)) < 0)
		return rc;
	o->signer_count++;
	field[0] = '\0';
	return 0;
}

static int
take_signers(struct api_call *c, const struct mus_list *list, struct mus_zone_obj *o, char *field)
{
	const struct mus_req_zone_signer *r = list->item;
	struct mus_zone_obj *before = mus_arena_copy(&c->arena, o, sizeof *o);
	char where[32];
	int rc;

	if (before == NULL)
		return mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory");
	o->signer_count = 0;
	for (size_t i = 0; i < list->count; i++) {
		snprintf(where, sizeof where, "/signers/%zu", i);
		if ((rc = take_signer(c, &r[i], before, o, where, field)) < 0)
			return rc;
	}
	/* a mark of the operator's on a signer that is not named is not lost with the list */
	for (unsigned i = 0; i < before->signer_count; i++) {
		const struct mus_zone_signer_obj *zs = &before->signer[i];
		struct mus_zone_signer_obj *kept = &o->signer[o->signer_count];
		bool is_named = false;

		for (unsigned k = 0; k < o->signer_count; k++)
			is_named = is_named || o->signer[k].signer_id == zs->signer_id;
		if (is_named || !(zs->lost || zs->excluded || zs->staying) ||
		    o->signer_count == MUS_SIGNERS_MAX)
			continue;
		*kept = (struct mus_zone_signer_obj){.signer_id = zs->signer_id, .lost = zs->lost,
		    .lost_ttl_s = zs->lost_ttl_s, .lost_until = zs->lost_until,
		    .excluded = zs->excluded, .staying = zs->staying};
		o->signer_count++;
	}
	return 0;
}

int
api_zone_from(struct api_call *c, const struct mus_req_zone *r, struct mus_zone_obj *o,
    char field[static 64])
{
	struct mus_group_obj g;
	int rc;

	field[0] = '\0';
	if (mus_wire_given(r->given, MUS_REQ_ZONE_NAME) && o->id == 0 &&
	    (rc = take_name(c, r->name, o->name, sizeof o->name)) < 0) {
		(void)mus_strcpy(field, 64, "/name");
		return rc;
	}
	if (mus_wire_given(r->given, MUS_REQ_ZONE_GROUP)) {
		o->group_id = 0;
		if (r->group[0] != '\0') {
			(void)mus_strcpy(field, 64, "/group");
			if ((rc = mus_store_load_group(c->store, r->group, &g, &c->et)) < 0)
				return rc != MUS_ERR_NOTFOUND ? rc
				    : mus_errf(&c->et, MUS_ERR_INVAL, "there is no signer group \"%s\"",
					  r->group);
			o->group_id = g.id;
		}
	}
	if (mus_wire_given(r->given, MUS_REQ_ZONE_MODE))
		o->mode = strcmp(r->mode, "manual") == 0 ? MUS_MODE_MANUAL : MUS_MODE_AUTO;
	if (mus_wire_given(r->given, MUS_REQ_ZONE_SAMPLE))
		(void)mus_strcpy(o->sample, sizeof o->sample, r->sample);
	if (mus_wire_given(r->given, MUS_REQ_ZONE_PARENT)) {
		(void)mus_strcpy(field, 64, "/parent");
		if (r->parent[0] == '\0')
			o->parent[0] = '\0';
		else if ((rc = take_name(c, r->parent, o->parent, sizeof o->parent)) < 0)
			return rc;
	}
	if (mus_wire_given(r->given, MUS_REQ_ZONE_PARENT_ADDRESSES)) {
		const struct mus_addr *addr = r->parent_addresses.item;

		o->parent_addr_count = 0;
		for (size_t i = 0; i < r->parent_addresses.count; i++)
			o->parent_addr[o->parent_addr_count++] = addr[i];
	}
	field[0] = '\0';
	if (mus_wire_given(r->given, MUS_REQ_ZONE_SIGNERS) &&
	    (rc = take_signers(c, &r->signers, o, field)) < 0)
		return rc;
	return 0;
}

/* --- create, get, change, delete --- */

void
api_zones_create(struct api_call *c)
{
	struct mus_zone_obj *o = api_alloc(c, sizeof *o);
	char field[64];
	int rc;

	if (o == NULL)
		return;
	o->waiting_until = o->next_check_at = o->checked_at = MUS_TIME_NEVER;
	if ((rc = api_zone_from(c, c->body, o, field)) < 0) {
		api_fail_put(c, rc, field);
		return;
	}
	if ((rc = mus_ctl_put_zone(c->engine, c->caller, o, field, &c->et)) < 0) {
		api_fail_put(c, rc, field);
		return;
	}
	reply_zone(c, 201, o, api_location(c, "zones", o->name));
}

void
api_zone_get(struct api_call *c)
{
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);

	if (o != NULL)
		reply_zone(c, 200, o, NULL);
}

/* The change of a zone was refused at ${field}, where the request says nothing: what is stored of a signer in the
 * zone has become bad, as a key file can.  That is no fault of the request, and is told as what stands in its way;
 * any other is at ${other}. */
static void
fail_stored(struct api_call *c, int rc, const struct mus_zone_obj *o, const char *field, const char *other)
{
	static const char list[] = "/signers/";
	struct mus_signer_obj s;
	struct mus_errtext et;
	unsigned i = MUS_SIGNERS_MAX;

	if (rc == MUS_ERR_INVAL && strncmp(field, list, sizeof list - 1) == 0)
		i = (unsigned)(field[sizeof list - 1] - '0');	/* there are fewer than ten */
	if (i < o->signer_count && mus_store_load_signer_id(c->store, o->signer[i].signer_id, &s, &et) == 0)
		api_fail(c, mus_err_wrap(&c->et, MUS_ERR_CONFLICT,
				"what is stored of signer %s in this zone cannot be used", s.name));
	else
		api_fail_put(c, rc, other);
}

void
api_zone_change(struct api_call *c)
{
	const struct mus_req_zone *r = c->body;
	struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	const char *name;
	char field[64];
	int rc;

	if (o == NULL || !api_if_match(c, o->id, o->changed_at))
		return;
	if (mus_wire_given(r->given, MUS_REQ_ZONE_NAME)) {
		if ((name = api_name(c, r->name, "/name")) == NULL)
			return;
		if (strcmp(name, o->name) != 0) {
			api_fail_at(c, mus_errf(&c->et, MUS_ERR_INVAL, "the name cannot change"), "/name");
			return;
		}
	}
	if ((rc = api_zone_from(c, r, o, field)) < 0)
		api_fail_put(c, rc, field);
	else if ((rc = mus_ctl_put_zone(c->engine, c->caller, o, field, &c->et)) == 0)
		reply_zone_anew(c, o->name);
	else if (mus_wire_given(r->given, MUS_REQ_ZONE_SIGNERS))
		api_fail_put(c, rc, field);
	else
		fail_stored(c, rc, o, field, field);
}

void
api_zone_delete(struct api_call *c)
{
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	bool abandon = false;
	int rc;

	if (o == NULL || !api_query_bool(c, "abandon", &abandon) ||
	    !api_if_match(c, o->id, o->changed_at))
		return;
	if ((rc = mus_ctl_delete_zone(c->engine, c->caller, o->name, abandon, &c->et)) < 0)
		api_fail(c, rc);
	else
		api_reply_nothing(c);
}

/* The zone goes into the group, or would; what speaks against it is at ${field} of the body, if there is one. */
static void
put_group(struct api_call *c, struct mus_zone_obj *o, int64_t group_id, bool dry_run, const char *field)
{
	char where[MUS_CTL_FIELD_MAX];
	int rc;

	o->group_id = group_id;
	rc = dry_run ? mus_ctl_check_zone(c->engine, o, where, &c->et)
		     : mus_ctl_put_zone(c->engine, c->caller, o, where, &c->et);
	if (rc < 0)
		fail_stored(c, rc, o, where, field);
	else
		reply_zone_anew(c, o->name);
}

void
api_zone_set_group(struct api_call *c)
{
	const struct mus_req_zone_group *r = c->body;
	struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	const struct mus_group_obj *g;

	if (o != NULL && api_if_match(c, o->id, o->changed_at) &&
	    (g = api_group(c, r->group, "/group")) != NULL)
		put_group(c, o, g->id, r->dry_run, "/group");
}

void
api_zone_clear_group(struct api_call *c)
{
	struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);

	if (o != NULL && api_if_match(c, o->id, o->changed_at))
		put_group(c, o, 0, false, "");
}

/* --- views --- */

/* A row of a process in its table. */
static struct mus_body_row
row_of(enum mus_proc_kind kind, unsigned row)
{
	struct mus_body_row out = {mus_row_name(kind, row), 0};

	(void)mus_rows(kind, &out.count);
	return out;
}

/* A signer that cannot be loaded is nothing to tell here: then what its copy waits for stands without it. */
static enum mus_body_unread
unread_of(struct api_call *c, const char *signer)
{
	struct mus_errtext et;
	struct mus_signer_obj o;

	if (mus_store_load_signer(c->store, signer, &o, &et) < 0)
		return MUS_BODY_READ;
	return o.no_transfer ? MUS_BODY_NO_TRANSFER : o.update.family == 0 ? MUS_BODY_NO_ADDRESS : MUS_BODY_READ;
}

void
api_troubles(struct api_call *c, const struct mus_zonestate *st, uint8_t copies, const struct mus_ctl_trouble *from,
    struct mus_body_trouble out[static MUS_ORIGINS])
{
	for (unsigned s = 0; s < MUS_ORIGINS; s++) {
		out[s] = (struct mus_body_trouble){.copy_next = MUS_TIME_NEVER, .copy_since = MUS_TIME_NEVER};
		if (from != NULL)
			out[s] = (struct mus_body_trouble){.copy = from[s].copy, .change = from[s].change,
			    .lookup = from[s].lookup, .copy_next = from[s].copy_next,
			    .copy_since = from[s].copy_since, .copy_server = &from[s].copy_server,
			    .copy_began = from[s].copy_began, .copy_err = from[s].copy_err};
	}
	for (unsigned s = 0; st != NULL && s < st->zone.signer_count; s++)
		if ((copies >> s & 1) && !st->zone.signer[s].is_secondary)
			out[s].unread = unread_of(c, st->book.signer[s]);
}

static void
commands(const struct mus_zone_view *v, struct mus_body_view *out)
{
	static const char *const states[] = {[MUS_CTL_COMMAND_RUNNING] = "running", [MUS_CTL_COMMAND_DONE] = "done",
	    [MUS_CTL_COMMAND_FAILED] = "failed"};
	_Static_assert((int)MUS_CTL_COMMANDS_MAX <= (int)MUS_BODY_COMMANDS_MAX, "room for all");

	for (unsigned i = 0; i < v->command_count; i++) {
		const struct mus_ctl_command *c = &v->command[i];

		out->command[out->command_count++] = (struct mus_body_command){c->signer, mus_verb_text(c->verb),
		    mus_key_role_text(c->kind), states[c->state], c->words, c->tries, c->at, c->next};
	}
}

/* Signers whose whole copy this view says that it waits for. */
static uint8_t
copies_missed(const struct mus_zone_view *v)
{
	const struct mus_plan *p = v->plan;
	uint8_t signers =
	    v->verdict ? mus_body_copies_missed(v->verdict->finding, v->verdict->finding_count) : 0;

	return p != NULL ? signers | p->need_copy | mus_body_copies_missed(p->wait, p->wait_count) : signers;
}

static struct mus_body_view
body_view(struct api_call *c, const struct mus_zone_view *v)
{
	const struct mus_want *want = v->plan != NULL ? &v->plan->want : &v->state->want;
	struct mus_body_view out = {.state = v->state, .plan = v->plan, .verdict = v->verdict,
	    .row = row_of(want->proc.kind, want->proc.row), .now = v->now};

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		out.roll_row[i] = row_of(want->roll[i].kind, want->roll[i].row);
	api_troubles(c, v->state, copies_missed(v), v->trouble, out.trouble);
	out.announces = v->announces;
	out.manual = v->manual;
	out.manual_since = v->manual_since;
	out.store_error = v->store_error;
	memcpy(out.by_hand, v->by_hand, sizeof out.by_hand);
	commands(v, &out);
	if (v->forced != MUS_RULE_NONE) {
		out.forced = mus_rule_text(v->forced);
		out.forced_reason = v->forced_reason;
	}
	return out;
}

static struct mus_zone_obj *
view_of(struct api_call *c, struct mus_body_view *out)
{
	struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	struct mus_zone_view v;
	int rc;

	if (o == NULL)
		return NULL;
	if ((rc = mus_ctl_view(c->engine, o->name, &v, &c->et)) < 0) {
		api_fail(c, rc);
		return NULL;
	}
	*out = body_view(c, &v);
	return o;
}

void
api_zone_status(struct api_call *c)
{
	struct mus_body_view v;
	const struct mus_zone_obj *o = view_of(c, &v);
	struct mus_rep_zone_status rep;
	struct mus_body_names names;
	struct api_names n;

	if (o == NULL)
		return;
	names = api_names_of(&n, c);
	mus_body_of_status(&c->arena, o, &names, &v, &rep);
	api_reply(c, 200, &rep);
}

void
api_zone_plan(struct api_call *c)
{
	struct mus_body_view v;
	const struct mus_zone_obj *o = view_of(c, &v);
	struct mus_rep_plan rep;

	if (o == NULL)
		return;
	mus_body_of_plan(&c->arena, o, &v, &rep);
	api_reply(c, 200, &rep);
}

void
api_zone_explain(struct api_call *c)
{
	struct mus_body_view v;
	const struct mus_zone_obj *o = view_of(c, &v);
	struct mus_rep_explain rep;

	if (o == NULL)
		return;
	mus_body_of_explain(&c->arena, o, &v, &rep);
	api_reply(c, 200, &rep);
}

/* --- asking --- */

void
api_zone_hold(struct api_call *c)
{
	const struct mus_req_hold *r = c->body;
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	int rc;

	if (o == NULL)
		return;
	rc = mus_ctl_hold(c->engine, c->caller, o->name, r->reason != NULL ? r->reason : "", &c->et);
	if (rc < 0)
		api_fail(c, rc);
	else
		reply_zone_anew(c, o->name);
}

static void
ask(struct api_call *c,
    int (*call)(struct mus_engine *, const char *, const char *, struct mus_errtext *))
{
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	int rc;

	if (o == NULL)
		return;
	if ((rc = call(c->engine, c->caller, o->name, &c->et)) < 0)
		api_fail(c, rc);
	else
		reply_zone_anew(c, o->name);
}

void
api_zone_resume(struct api_call *c)
{
	ask(c, mus_ctl_resume);
}

void
api_zone_step(struct api_call *c)
{
	ask(c, mus_ctl_step);
}

void
api_zone_check(struct api_call *c)
{
	ask(c, mus_ctl_check);
}

static void
reply_outcome(struct api_call *c, const struct mus_zone_obj *o, bool dry_run, int rc,
    struct mus_buf *words, const char *field)
{
	struct mus_rep_outcome rep = {.zone = o->name, .dry_run = dry_run,
	    .consequence = words->len > 0 ? (const char *)words->data : ""};

	if (rc < 0)
		api_fail_at(c, rc, rc == MUS_ERR_INVAL ? field : NULL);
	else
		api_reply(c, 200, &rep);
	mus_buf_clear(words);
}

void
api_zone_abort(struct api_call *c)
{
	const struct mus_req_abort *r = c->body;
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	struct mus_buf words;
	int rc;

	if (o == NULL)
		return;
	mus_buf_init(&words, 64 << 10);
	rc = mus_ctl_abort(c->engine, c->caller, o->name, r->dry_run, &words, &c->et);
	reply_outcome(c, o, r->dry_run, rc, &words, NULL);
}

static enum mus_proc_kind
kind_of_role(const char *role)
{
	for (enum mus_proc_kind k = MUS_PROC_NONE; k < MUS_PROC_COUNT; k++)
		if (mus_key_role_bit(k) && strcmp(mus_key_role_text(k), role) == 0)
			return k;
	return MUS_PROC_NONE;
}

void
api_zone_roll(struct api_call *c)
{
	const struct mus_req_roll *r = c->body;
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	const struct mus_signer_obj *s;
	struct mus_buf words;
	int rc;

	if (o == NULL || (s = api_signer(c, r->signer, "/signer")) == NULL)
		return;
	mus_buf_init(&words, 64 << 10);
	rc = mus_ctl_roll(c->engine, c->caller, o->name, s->name, kind_of_role(r->role), r->dry_run, &words, &c->et);
	reply_outcome(c, o, r->dry_run, rc, &words, "/role");
}

void
api_zone_force(struct api_call *c)
{
	const struct mus_req_force *r = c->body;
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	const char *known[MUS_RULE_COUNT], *near;
	unsigned rule = MUS_RULE_NONE;
	struct mus_buf words;
	int rc;

	if (o == NULL)
		return;
	for (unsigned i = 0; i < MUS_RULE_COUNT; i++) {
		known[i] = mus_rule_text((enum mus_rule)i);
		if (strcasecmp(known[i], r->rule) == 0)
			rule = i;
	}
	if (rule == MUS_RULE_NONE) {
		near = mus_text_nearest(r->rule, known + 1, MUS_RULE_COUNT - 1);
		rc = mus_errf(&c->et, MUS_ERR_INVAL, "there is no rule of this name%s%s",
		    near != NULL ? "; did you mean " : "", near != NULL ? near : "");
		api_fail_at(c, rc, "/rule");
		return;
	}
	mus_buf_init(&words, 64 << 10);
	rc = mus_ctl_force(c->engine, c->caller, o->name, (enum mus_rule)rule, r->reason, r->dry_run,
	    &words, &c->et);
	reply_outcome(c, o, r->dry_run, rc, &words, "/rule");
}

void
api_zone_lost(struct api_call *c)
{
	const struct mus_req_lost *r = c->body;
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	const struct mus_signer_obj *s;
	struct mus_buf words;
	int rc;

	if (o == NULL || (s = api_signer(c, r->signer, "/signer")) == NULL)
		return;
	mus_buf_init(&words, 64 << 10);
	rc = mus_ctl_lost(c->engine, c->caller, o->name,
	    &(const struct mus_ctl_loss){s->name, r->reason, r->force, r->dry_run}, &words, &c->et);
	reply_outcome(c, o, r->dry_run, rc, &words, NULL);
}
