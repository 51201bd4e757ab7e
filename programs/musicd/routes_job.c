/*
 * What takes more than a moment, or many zones: bulk creation (some zones a turn of the loop, so
 * that nothing else waits), migration of groups, probes and preflights that answer later.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "routes_int.h"

/* A request that is answered later.  Bulk: call and timer; probe and preflight: call until the answer or
 * the end of the API, after which the engine's callback only frees the job. */
struct api_job {
	struct api_job *next, *prev;
	struct mus_api *api;		/* NULL: the API is gone */
	struct api_call *call;
	struct mus_timer *timer;	/* bulk */
	struct mus_wire_items *items;	/* bulk */
	size_t idx;
	uint64_t created, refused;
	struct mus_buf results;		/* bulk: the items as JSON, without brackets */
	const char *signer, *zone;	/* the others; in the call's arena */
	bool is_member;			/* preflight */
};

static struct api_job *
new_job(struct api_call *c)
{
	struct api_job *job = calloc(1, sizeof *job);

	if (job == NULL) {
		api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
		return NULL;
	}
	job->api = c->api;
	job->call = c;
	mus_buf_init(&job->results, 32 << 20);
	job->next = c->api->jobs;
	if (job->next != NULL)
		job->next->prev = job;
	c->api->jobs = job;
	return job;
}

static void
unlink_job(struct api_job *job)
{
	if (job->prev != NULL)
		job->prev->next = job->next;
	else
		job->api->jobs = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	job->next = job->prev = NULL;
}

static void
free_job(struct api_job *job)
{
	mus_timer_free(job->timer);
	mus_wire_items_close(job->items);
	mus_buf_clear(&job->results);
	free(job);
}

void
api_jobs_end(struct mus_api *api)
{
	struct api_job *job;

	while ((job = api->jobs) != NULL) {
		bool is_engines = job->items == NULL;

		unlink_job(job);
		mus_errf(&job->call->et, MUS_ERR_CANCELLED, "the daemon stops");
		api_fail(job->call, MUS_ERR_CANCELLED);
		job->call = NULL;
		job->api = NULL;
		if (!is_engines)
			free_job(job);
	}
}

/* --- bulk --- */

static void
add_result(struct api_job *job, const struct mus_rep_bulk_item *item)
{
	struct mus_json j;

	if (job->results.len > 0)
		mus_buf_add_u8(&job->results, ',');
	mus_json_init(&j, &job->results);
	for (unsigned i = 0; i < mus_schema_rep_bulk.field_count; i++)
		if (mus_schema_rep_bulk.field[i].sub != NULL)
			mus_wire_encode(&j, mus_schema_rep_bulk.field[i].sub, item);
}

static const char *
lower_name(int err, char out[static 32])
{
	(void)mus_strcpy(out, 32, mus_err_name(err));
	for (char *p = out; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

/* One zone: created, or the reason why not.  Its memory is its own, so that ten thousand of them
 * do not add up; the call's is lent to what reports errors. */
static void
create_one(struct api_job *job)
{
	struct api_call *c = job->call;
	struct mus_arena whole = c->arena;
	struct mus_rep_error_detail d = {.code = NULL};
	struct mus_rep_bulk_item item = {.name = ""};
	struct mus_wire_error we;
	struct mus_req_zone req = {.name = NULL};
	struct mus_zone_obj *o;
	char field[64] = "", code[32];
	int rc;

	mus_arena_init(&c->arena, 4 << 20);
	c->et.s[0] = '\0';
	rc = mus_wire_items_get(job->items, job->idx, &mus_schema_req_zone, &c->arena, &req, &we);
	if (rc < 0) {
		(void)mus_strcpy(c->et.s, sizeof c->et.s, we.text.s);
		d.field = we.field;
	} else if ((o = mus_arena_alloc(&c->arena, sizeof *o)) == NULL) {
		rc = MUS_ERR_NOMEM;
	} else {
		o->waiting_until = o->next_check_at = o->checked_at = MUS_TIME_NEVER;
		rc = api_zone_from(c, &req, o, field);
		if (rc == 0)
			rc = mus_ctl_put_zone(c->engine, c->caller, o, field, &c->et);
		if (rc == MUS_ERR_INVAL && field[0] != '\0')
			d.field = mus_arena_printf(&c->arena, "/%zu%s", job->idx, field);
	}
	if (req.name != NULL)
		item.name = req.name;
	if (rc < 0) {
		d.code = lower_name(rc, code);
		d.message = c->et.s[0] != '\0' ? c->et.s : mus_err_text(rc);
		d.retry = mus_err_can_retry(rc);
		item.error = &d;
		job->refused++;
	} else {
		item.ok = true;
		job->created++;
	}
	add_result(job, &item);
	mus_arena_clear(&c->arena);
	c->arena = whole;
}

static void
finish_bulk(struct api_job *job)
{
	struct api_call *c = job->call;
	struct mus_json j;

	mus_json_init(&j, &c->out);
	mus_json_object(&j);
	mus_json_name(&j, "created");
	mus_json_uint(&j, job->created);
	mus_json_name(&j, "refused");
	mus_json_uint(&j, job->refused);
	mus_json_name(&j, "items");
	mus_json_array(&j);
	if (job->results.len > 0)
		mus_json_raw(&j, (const char *)job->results.data, job->results.len);
	mus_json_array_end(&j);
	mus_json_object_end(&j);
	mus_buf_add_u8(&c->out, '\n');
	if (job->results.failed)
		c->out.failed = true;
	unlink_job(job);
	free_job(job);
	api_reply_out(c, 200, "application/json");
}

static void
run_bulk(void *arg)
{
	struct api_job *job = arg;
	size_t count = mus_wire_items_count(job->items);

	for (unsigned n = 0; n < job->api->o.bulk_step && job->idx < count; n++, job->idx++)
		create_one(job);
	if (job->idx < count)
		mus_timer_start(job->timer, 0);
	else
		finish_bulk(job);
}

void
api_zones_bulk(struct api_call *c)
{
	const char *type = mus_http_header(c->req, "Content-Type");
	bool is_ndjson = type != NULL && strncasecmp(type, "application/x-ndjson", 20) == 0;
	struct mus_wire_items *items = NULL;
	struct mus_wire_error we;
	struct api_job *job;
	const uint8_t *body;
	size_t len;
	int rc;

	body = mus_http_body(c->req, &len);
	if ((rc = mus_wire_items_open(body, len, is_ndjson, MUS_BULK_MAX, &items, &we)) < 0) {
		api_fail_wire(c, rc, &we);
		return;
	}
	if ((job = new_job(c)) == NULL) {
		mus_wire_items_close(items);
		return;
	}
	job->items = items;
	if ((job->timer = mus_timer_new(c->api->o.loop, run_bulk, job)) == NULL) {
		unlink_job(job);
		free_job(job);
		api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
		return;
	}
	mus_http_defer(c->req);
	mus_timer_start(job->timer, 0);
}

/* --- migration --- */

/* Checks and, unless ${dry_run}, marks: ${to} joins, then ${from} leaves; the engine adds first and
 * removes afterwards.  false: the call has ended. */
static bool
migrate_group(struct api_call *c, const struct mus_group_obj *g, const char *from, const char *to,
    bool dry_run, struct mus_rep_migration *out)
{
	const struct mus_signer_obj *a, *b;
	struct mus_zone_filter f = {.group_id = g->id};
	bool has_a = false, has_b = false, a_leaves = false, joined;
	int rc = 0;

	if ((a = api_signer(c, from, "/from")) == NULL || (b = api_signer(c, to, "/to")) == NULL)
		return false;
	if (a->id == b->id) {
		api_fail_at(c, mus_errf(&c->et, MUS_ERR_INVAL, "it is the signer to leave"), "/to");
		return false;
	}
	for (unsigned i = 0; i < g->member_count; i++) {
		if (g->member[i].signer_id == a->id) {
			has_a = true;
			a_leaves = g->member[i].leaving;
		}
		if (g->member[i].signer_id == b->id)
			has_b = !g->member[i].leaving;
	}
	if (!has_a) {
		rc = mus_errf(&c->et, MUS_ERR_CONFLICT, "\"%s\" does not sign the zones of the group \"%s\"",
		    a->name, g->name);
		api_fail_at(c, rc, "/from");
		return false;
	}
	*out = (struct mus_rep_migration){.group = mus_arena_strdup(&c->arena, g->name), .from = a->name,
	    .to = b->name, .dry_run = dry_run};
	if ((rc = mus_store_count_zones(c->store, &f, &out->zones)) < 0) {
		api_fail(c, rc);
		return false;
	}
	out->text = mus_arena_printf(&c->arena, "%s %s %llu zone%s of group %s; then %s leaves %s",
	    b->name, has_b ? "signs" : "joins", (unsigned long long)out->zones,
	    out->zones == 1 ? "" : "s", g->name, a->name, out->zones == 1 ? "it" : "them");
	if (dry_run)
		return true;
	/* A member already, or leaving already, in all its zones: then there is nothing to do.  Where an
	 * abort has marked them in a zone, there is. */
	rc = mus_ctl_group_join(c->engine, c->caller, g->name, b->name, &c->et);
	if (rc < 0 && !(has_b && rc == MUS_ERR_CONFLICT)) {
		api_fail(c, rc);
		return false;
	}
	joined = rc == 0;
	rc = mus_ctl_group_leave(c->engine, c->caller, g->name, a->name, &c->et);
	if (rc < 0 && !(a_leaves && rc == MUS_ERR_CONFLICT)) {
		/* nothing half done: the join is taken back; if that fails too, the group says so */
		if (joined &&
		    (has_b || mus_ctl_group_leave(c->engine, c->caller, g->name, b->name, NULL) < 0))
			mus_err_wrap(&c->et, rc, "\"%s\" has joined, but", b->name);
		api_fail(c, rc);
		return false;
	}
	return true;
}

void
api_zone_migrate(struct api_call *c)
{
	const struct mus_req_migrate *r = c->body;
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	struct mus_group_obj *g;
	struct mus_rep_migration rep;
	struct mus_zone_filter f;
	uint64_t zones = 0;
	int rc;

	if (o == NULL || (g = api_alloc(c, sizeof *g)) == NULL)
		return;
	if (o->group_id == 0) {
		api_fail(c, mus_errf(&c->et, MUS_ERR_CONFLICT, "the zone is in no signer group"));
		return;
	}
	f = (struct mus_zone_filter){.group_id = o->group_id};
	if ((rc = mus_store_load_group_id(c->store, o->group_id, g, &c->et)) < 0 ||
	    (rc = mus_store_count_zones(c->store, &f, &zones)) < 0) {
		api_fail(c, rc);
		return;
	}
	if (zones > 1) {
		rc = mus_errf(&c->et, MUS_ERR_CONFLICT,
		    "the group \"%s\" has %llu zones, and signers join and leave whole groups: migrate the "
		    "group (music-cli zone migrate --group %s, or POST zones:migrate), or put this zone into a "
		    "group of its own first",
		    g->name, (unsigned long long)zones, g->name);
		api_fail(c, rc);
		return;
	}
	if (migrate_group(c, g, r->from, r->to, r->dry_run, &rep))
		api_reply(c, 200, &rep);
}

/* Groups of the zones named, each with how many of its zones were named. */
struct group_count {
	struct group_count *next;
	int64_t id;
	uint64_t named;
};

/* false: the call has ended. */
static bool
count_groups(struct api_call *c, const struct mus_list *zones, struct group_count **out)
{
	const char *const *zone = zones->item;
	struct mus_map *seen = mus_map_new(0, 0);
	struct group_count *g;
	bool ok = false;
	int rc;

	*out = NULL;
	if (seen == NULL) {
		api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
		return false;
	}
	for (size_t i = 0; i < zones->count; i++) {
		struct mus_zone_obj o;
		char field[40];
		const char *name;

		snprintf(field, sizeof field, "/zones/%zu", i);
		if ((name = api_name(c, zone[i], field)) == NULL)
			goto out;
		if ((rc = mus_store_load_zone(c->store, name, &o, &c->et)) < 0) {
			if (rc == MUS_ERR_NOTFOUND)
				rc = mus_errf(&c->et, MUS_ERR_INVAL, "there is no zone \"%s\"", name);
			api_fail_at(c, rc, field);
			goto out;
		}
		if (o.group_id == 0) {
			rc = mus_errf(&c->et, MUS_ERR_CONFLICT, "\"%s\" is in no signer group", name);
			api_fail_at(c, rc, field);
			goto out;
		}
		if (mus_map_get_u64(seen, (uint64_t)o.id) != NULL)
			continue;
		for (g = *out; g != NULL && g->id != o.group_id; g = g->next)
			;
		if (g == NULL) {
			if ((g = api_alloc(c, sizeof *g)) == NULL)
				goto out;
			*g = (struct group_count){*out, o.group_id, 0};
			*out = g;
		}
		g->named++;
		if (mus_map_set(seen, &(uint64_t){(uint64_t)o.id}, sizeof(uint64_t), g, NULL) < 0) {
			api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
			goto out;
		}
	}
	ok = true;
out:
	mus_map_free(seen);
	return ok;
}

/* Every group is whole?  false: the call has ended. */
static bool
check_whole(struct api_call *c, const struct group_count *groups)
{
	for (const struct group_count *g = groups; g != NULL; g = g->next) {
		struct mus_zone_filter f = {.group_id = g->id};
		struct mus_group_obj o;
		uint64_t has = 0;
		int rc;

		if ((rc = mus_store_count_zones(c->store, &f, &has)) < 0 ||
		    (rc = mus_store_load_group_id(c->store, g->id, &o, &c->et)) < 0) {
			api_fail(c, rc);
			return false;
		}
		if (has == g->named)
			continue;
		rc = mus_errf(&c->et, MUS_ERR_CONFLICT,
		    "the group \"%s\" has %llu zones, and %llu are named: signers join and leave whole groups",
		    o.name, (unsigned long long)has, (unsigned long long)g->named);
		api_fail_at(c, rc, "/zones");
		return false;
	}
	return true;
}

void
api_zones_migrate(struct api_call *c)
{
	const struct mus_req_migrate_many *r = c->body;
	struct group_count *groups = NULL;
	struct mus_group_obj *g;
	struct mus_rep_migration rep;
	struct mus_buf items;
	struct mus_json j;
	int rc;

	if ((r->group != NULL) == (r->zones.count > 0)) {
		rc = mus_errf(&c->et, MUS_ERR_INVAL, "give either \"group\" or \"zones\"");
		api_fail_at(c, rc, r->group != NULL ? "/zones" : "/group");
		return;
	}
	if (r->group != NULL) {
		struct group_count *one;

		if ((g = api_group(c, r->group, "/group")) == NULL ||
		    (one = api_alloc(c, sizeof *one)) == NULL)
			return;
		one->id = g->id;
		groups = one;
	} else if (!count_groups(c, &r->zones, &groups) || !check_whole(c, groups)) {
		return;
	}
	mus_buf_init(&items, 8 << 20);
	/* first everything is checked, then everything is done */
	for (unsigned pass = 0; pass < (r->dry_run ? 1U : 2U); pass++) {
		mus_buf_reset(&items);
		for (const struct group_count *p = groups; p != NULL; p = p->next) {
			if ((g = api_alloc(c, sizeof *g)) == NULL)
				goto out;
			if ((rc = mus_store_load_group_id(c->store, p->id, g, &c->et)) < 0) {
				api_fail(c, rc);
				goto out;
			}
			if (!migrate_group(c, g, r->from, r->to, pass == 0, &rep))
				goto out;
			mus_json_init(&j, &items);
			if (p != groups)
				mus_buf_add_u8(&items, ',');
			mus_wire_encode(&j, &mus_schema_rep_migration, &rep);
		}
	}
	mus_json_init(&j, &c->out);
	mus_json_object(&j);
	mus_json_name(&j, "items");
	mus_json_array(&j);
	if (items.len > 0)
		mus_json_raw(&j, (const char *)items.data, items.len);
	mus_json_array_end(&j);
	mus_json_name(&j, "next");
	mus_json_null(&j);
	mus_json_object_end(&j);
	mus_buf_add_u8(&c->out, '\n');
	c->out.failed = c->out.failed || items.failed;
	api_reply_out(c, 200, "application/json");
out:
	mus_buf_clear(&items);
}

/* --- probe, preflight: the engine answers later --- */

/* Takes the call out of the job, which is freed; NULL: the API has gone meanwhile, or an error was
 * the answer. */
static struct api_call *
end_job(struct api_job *job, int err, const struct mus_errtext *et)
{
	struct api_call *c = job->call;

	if (c != NULL)
		unlink_job(job);
	free_job(job);
	if (c != NULL && err < 0) {
		if (et != NULL)
			c->et = *et;
		api_fail(c, err);
		return NULL;
	}
	return c;
}

static void
probe_done(void *arg, int err, const struct mus_errtext *et, const char *report)
{
	struct api_job *job = arg;
	struct mus_rep_probe rep = {.signer = job->signer, .zone = job->zone};
	struct api_call *c = end_job(job, err, et);

	if (c == NULL)
		return;
	if (report != NULL)
		rep.report = (struct mus_raw){report, strlen(report)};
	api_reply(c, 200, &rep);
}

static void
preflight_done(void *arg, int err, const struct mus_errtext *et, const struct mus_ctl_fit *fit)
{
	struct api_job *job = arg;
	struct mus_rep_preflight rep = {.zone = job->zone, .signer = job->signer, .member = job->is_member,
	    .fit = true};
	struct mus_body_trouble trouble[MUS_ORIGINS];
	struct api_call *c = end_job(job, err, et);

	if (c == NULL)
		return;
	api_troubles(c, fit->state, mus_body_copies_missed(fit->finding, fit->count), fit->trouble, trouble);
	for (unsigned i = 0; i < fit->count; i++)
		if (fit->finding[i].rule == MUS_RULE_PREFLIGHT && fit->finding[i].origin < MUS_ORIGINS)
			trouble[fit->finding[i].origin].join = fit->refused;
	rep.findings = mus_body_of_findings(&c->arena, fit->state, fit->finding, fit->count, trouble);
	rep.now = fit->now;
	rep.parent_announces = fit->announces;
	for (unsigned i = 0; i < fit->count; i++)
		if (fit->finding[i].result == MUS_RES_FAILS || fit->finding[i].result == MUS_RES_UNKNOWN)
			rep.fit = false;
	api_reply(c, 200, &rep);
}

/* 1, 0, or an error. */
static int
is_member(struct api_call *c, const struct mus_zone_obj *o, const struct mus_signer_obj *s)
{
	struct mus_group_obj g;
	int rc;

	if (o->group_id == 0)
		return 0;
	if ((rc = mus_store_load_group_id(c->store, o->group_id, &g, &c->et)) < 0)
		return rc;
	for (unsigned i = 0; i < g.member_count; i++)
		if (g.member[i].signer_id == s->id)
			return !g.member[i].leaving;
	return 0;
}

/* A probe on the zone, or a preflight of who is a member or not. */
static void
start_job(struct api_call *c, const struct mus_signer_obj *s, const char *zone, bool probe, bool member)
{
	struct api_job *job = new_job(c);
	int rc;

	if (job == NULL)
		return;
	job->signer = s->name;
	job->zone = zone;
	job->is_member = member;
	mus_http_defer(c->req);
	rc = probe ? mus_ctl_probe(c->engine, c->caller, s->name, zone, probe_done, job, &c->et)
		   : mus_ctl_preflight(c->engine, zone, s->name, preflight_done, job, &c->et);
	if (rc < 0)
		end_job(job, rc, NULL);
}

void
api_signer_probe(struct api_call *c)
{
	const struct mus_req_probe *r = c->body;
	const struct mus_signer_obj *s = api_signer(c, c->param[0], NULL);
	const char *zone;

	/* It need not be under care. */
	if (s != NULL && (zone = api_name(c, r->zone, "/zone")) != NULL)
		start_job(c, s, zone, true, false);
}

void
api_zone_preflight(struct api_call *c)
{
	const char *name = mus_http_query(c->req, "signer");
	const struct mus_zone_obj *o = api_zone(c, c->param[0], NULL);
	const struct mus_signer_obj *s;
	int rc;

	if (o == NULL)
		return;
	if (name == NULL || name[0] == '\0') {
		mus_errf(&c->et, MUS_ERR_SYNTAX, "say which signer would join: ?signer=NAME");
		api_fail_status(c, 400, "query", "signer", NULL);
		return;
	}
	if ((s = api_signer(c, name, "signer")) == NULL)
		return;
	if ((rc = is_member(c, o, s)) < 0)
		api_fail(c, rc);
	else
		start_job(c, s, o->name, false, rc == 1);
}
