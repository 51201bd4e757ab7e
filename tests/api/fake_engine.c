/*
 * An engine that asks nobody: control.h over a real store and a clockwork that moves the process of
 * a zone one row a tick.  What a view shows follows from where the clockwork stands.
 *
 * Names do things: a zone whose name has "broken" shows findings and a server that does not answer;
 * with "twice" besides, what it waits for is a finding, too;
 * one with "dark" is never seen; one with "risky" has signatures that run out;
 * one with "deaf" is not all seen, and its servers do not answer; "stuck" waits for somebody for long, and
 * "patient" for time alone; to one with "locked" nobody lets us in; of one with "half" only the first signer is in; a signer "badsig" refuses changes;
 * "crowded" refuses hold with CONFLICT; a signer "slow" is probed for long, "dumb" cannot be probed, "liar" and
 * "gone" fail, "pdns" takes all.
 */
#include "fake_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/rows.h"

enum { ZONES_MAX = 16384, LISTENERS_MAX = 256, PROBE_MS = 50 };

struct fake_zone {
	int64_t id;
	int64_t in[MUS_SIGNERS_MAX];	/* signers in keys, DS and NS */
	unsigned in_count;
	enum mus_proc_kind kind;
	int64_t signer;			/* who joins or leaves */
	unsigned row;
	struct mus_time started_at, row_at;
	enum mus_rule forced;
};
struct mus_engine {
	struct mus_loop *loop;
	struct mus_store *store;
	struct mus_timer *tick;
	unsigned tick_ms;
	struct fake_zone *zone[ZONES_MAX];
	unsigned zone_count;
	struct {
		mus_ctl_event_fn *fn;
		void *arg;
	} listener[LISTENERS_MAX];
	unsigned listener_count;
	struct probe *probes;
	struct mus_zonestate state;	/* of the last view */
	struct mus_plan plan;
	struct mus_verdict verdict;
	uint64_t plans;
};

struct mus_store *
mus_ctl_store(struct mus_engine *e)
{
	return e->store;
}

struct mus_time
mus_ctl_now(const struct mus_engine *e)
{
	return mus_loop_now(e->loop);
}

static void
note(struct mus_engine *e, const struct mus_zone_obj *z, const char *kind, const char *actor,
    const char *text)
{
	struct mus_event_obj o = {.zone_id = z != NULL ? z->id : 0, .at = mus_ctl_now(e)};

	(void)mus_strcpy(o.zone, sizeof o.zone, z != NULL ? z->name : "");
	(void)mus_strcpy(o.kind, sizeof o.kind, kind);
	(void)mus_strcpy(o.text, sizeof o.text, text);
	(void)mus_strcpy(o.actor, sizeof o.actor, actor);
	(void)!mus_store_add_event(e->store, &o, NULL);
	for (unsigned i = 0; i < e->listener_count; i++)
		e->listener[i].fn(e->listener[i].arg);
}

int64_t
mus_ctl_history_end(const struct mus_engine *e)
{
	struct mus_errtext et;
	int64_t end = 0;

	(void)!mus_store_last_event(e->store, &end, &et);
	return end;
}

/* --- signers and groups --- */

static int
refuse(char *field, const char *where, struct mus_errtext *et, const char *words)
{
	if (field != NULL)
		(void)mus_strcpy(field, MUS_CTL_FIELD_MAX, where);
	return mus_errf(et, MUS_ERR_INVAL, "%s", words);
}

int
mus_ctl_put_signer(struct mus_engine *e, const char *actor, struct mus_signer_obj *o, char *field,
    struct mus_errtext *et)
{
	int rc;

	if (strcmp(o->driver, "ddns") != 0 && strcmp(o->driver, "manual") != 0)
		return refuse(field, "/driver", et, o->driver);
	if (o->id == 0)
		o->created_at = mus_ctl_now(e);
	o->changed_at = mus_ctl_now(e);
	if ((rc = mus_store_save_signer(e->store, o, et)) == 0)
		note(e, NULL, "operator", actor, "signer changed");
	return rc;
}

int
mus_ctl_delete_signer(
    struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et)
{
	struct mus_signer_obj o;
	int rc = mus_store_load_signer(e->store, name, &o, et);

	(void)actor;
	return rc < 0 ? rc : mus_store_delete_signer(e->store, o.id, et);
}

int
mus_ctl_put_group(struct mus_engine *e, const char *actor, struct mus_group_obj *o, char *field,
    struct mus_errtext *et)
{
	(void)actor;
	if (field != NULL)
		field[0] = '\0';
	if (o->id == 0)
		o->created_at = mus_ctl_now(e);
	o->changed_at = mus_ctl_now(e);
	return mus_store_save_group(e->store, o, et);
}

int
mus_ctl_delete_group(
    struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et)
{
	struct mus_group_obj o;
	int rc = mus_store_load_group(e->store, name, &o, et);

	(void)actor;
	return rc < 0 ? rc : mus_store_delete_group(e->store, o.id, et);
}

static int
load_pair(struct mus_engine *e, const char *group, const char *signer, struct mus_group_obj *g,
    struct mus_signer_obj *s, unsigned *at, struct mus_errtext *et)
{
	int rc;

	if ((rc = mus_store_load_group(e->store, group, g, et)) < 0 ||
	    (rc = mus_store_load_signer(e->store, signer, s, et)) < 0)
		return rc;
	for (*at = 0; *at < g->member_count && g->member[*at].signer_id != s->id; ++*at)
		;
	return 0;
}

int
mus_ctl_check_join(struct mus_engine *e, const char *group, const char *signer, struct mus_errtext *et)
{
	struct mus_group_obj g;
	struct mus_signer_obj s;
	unsigned at;
	int rc = load_pair(e, group, signer, &g, &s, &at, et);

	if (rc < 0)
		return rc;
	if (at < g.member_count && !g.member[at].leaving)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is a member already", signer);
	return at == MUS_SIGNERS_MAX ? mus_errf(et, MUS_ERR_CONFLICT, "the group is full") : 0;
}

int
mus_ctl_group_join(struct mus_engine *e, const char *actor, const char *group, const char *signer,
    struct mus_errtext *et)
{
	struct mus_group_obj g;
	struct mus_signer_obj s;
	unsigned at;
	int rc = mus_ctl_check_join(e, group, signer, et);

	if (rc < 0 || (rc = load_pair(e, group, signer, &g, &s, &at, et)) < 0)
		return rc;
	g.member[at].signer_id = s.id;
	g.member[at].leaving = false;
	if (at == g.member_count)
		g.member_count++;
	g.changed_at = mus_ctl_now(e);
	if ((rc = mus_store_save_group(e->store, &g, et)) == 0)
		note(e, NULL, "operator", actor, "a signer joins");
	return rc;
}

int
mus_ctl_group_leave(struct mus_engine *e, const char *actor, const char *group, const char *signer,
    struct mus_errtext *et)
{
	struct mus_zone_filter f = {0};
	struct mus_group_obj g;
	struct mus_signer_obj s;
	unsigned at, staying = 0;
	uint64_t zones = 0;
	int rc = load_pair(e, group, signer, &g, &s, &at, et);

	if (rc < 0)
		return rc;
	if (at == g.member_count)
		return mus_errf(et, MUS_ERR_NOTFOUND, "%s is no member", signer);
	for (unsigned i = 0; i < g.member_count; i++)
		staying += !g.member[i].leaving;
	f.group_id = g.id;
	if ((rc = mus_store_count_zones(e->store, &f, &zones)) < 0)
		return rc;
	if (zones > 0 && staying == 1)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is the last signer of the group", signer);
	if (zones > 0)
		g.member[at].leaving = true;
	else
		g.member[at] = g.member[--g.member_count];
	g.changed_at = mus_ctl_now(e);
	if ((rc = mus_store_save_group(e->store, &g, et)) == 0)
		note(e, NULL, "operator", actor, "a signer leaves");
	return rc;
}

/* --- zones --- */

static struct fake_zone *
zone_of(struct mus_engine *e, int64_t id)
{
	for (unsigned i = 0; i < e->zone_count; i++)
		if (e->zone[i]->id == id)
			return e->zone[i];
	return NULL;
}

int
mus_ctl_check_zone(struct mus_engine *e, struct mus_zone_obj *o, char *field, struct mus_errtext *et)
{
	struct mus_group_obj g;

	if (strcmp(o->name, ".") == 0)
		return refuse(field, "/name", et, "the root has no parent to follow");
	if (mus_store_load_group_id(e->store, o->group_id, &g, NULL) == 0 && strcmp(g.name, "crowded") == 0)
		return refuse(field, "/group", et, "two signers have this name server");
	if (strcmp(o->sample, "crowded") == 0)
		return refuse(field, "/signers", et, "two signers have this name server");
	return 0;
}

int
mus_ctl_put_zone(struct mus_engine *e, const char *actor, struct mus_zone_obj *o, char *field,
    struct mus_errtext *et)
{
	bool fresh = o->id == 0;
	struct mus_group_obj g;
	struct fake_zone *z;
	int rc = mus_ctl_check_zone(e, o, field, et);

	if (rc < 0)
		return rc;
	o->changed_at = mus_ctl_now(e);
	if (fresh) {
		o->created_at = o->checked_at = o->changed_at;
		o->next_check_at = mus_time_add_s(o->changed_at, 60);
		(void)mus_strcpy(o->state, sizeof o->state,
		    strstr(o->name, "broken") != NULL ? "INVALID"
		: strstr(o->name, "risky") != NULL	? "AT-RISK"
		: strstr(o->name, "dark") != NULL || strstr(o->name, "deaf") != NULL ? "UNKNOWN"
							: "VALID");
		if (strstr(o->name, "stuck") != NULL || strstr(o->name, "patient") != NULL)
			(void)mus_strcpy(o->waiting, sizeof o->waiting, "DS-Wait: old DS sets have left all caches");
		if (strstr(o->name, "uncopied") != NULL)
			(void)mus_strcpy(o->waiting, sizeof o->waiting, "V13: signers serve the same content");
	}
	if ((rc = mus_store_save_zone(e->store, o, et)) < 0)
		return rc;
	if (fresh && e->zone_count < ZONES_MAX && (z = calloc(1, sizeof *z)) != NULL) {
		z->id = o->id;
		e->zone[e->zone_count++] = z;
	}
	z = zone_of(e, o->id);
	if (z != NULL && z->in_count == 0 && mus_store_load_group_id(e->store, o->group_id, &g, NULL) == 0)
		for (unsigned i = 0; i < g.member_count; i++)
			if (!g.member[i].leaving && (z->in_count == 0 || strstr(o->name, "half") == NULL))
				z->in[z->in_count++] = g.member[i].signer_id;
	if (e->zone_count < 100)
		note(e, o, "operator", actor, fresh ? "zone added" : "zone changed");
	return 0;
}

int
mus_ctl_delete_zone(struct mus_engine *e, const char *actor, const char *name, bool abandon,
    struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, name, &o, et);

	(void)actor;
	if (rc < 0)
		return rc;
	if (o.process[0] != '\0' && !abandon)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is running", o.process);
	for (unsigned i = 0; i < e->zone_count; i++)
		if (e->zone[i]->id == o.id) {
			free(e->zone[i]);
			e->zone[i] = e->zone[--e->zone_count];
			break;
		}
	return mus_store_delete_zone(e->store, o.id, et);
}

static int
set_held(struct mus_engine *e, const char *actor, const char *zone, bool held, const char *reason,
    struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, zone, &o, et);

	if (rc < 0)
		return rc;
	if (strstr(zone, "crowded") != NULL)
		return mus_errf(et, MUS_ERR_CONFLICT, "too much is going on");
	o.held = held;
	if (reason[0] != '\0' || !held)
		(void)mus_strcpy(o.held_reason, sizeof o.held_reason, reason);
	o.changed_at = mus_ctl_now(e);
	if ((rc = mus_store_save_zone(e->store, &o, et)) == 0)
		note(e, &o, "operator", actor, held ? "held" : "resumed");
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

int
mus_ctl_step(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, zone, &o, et);

	if (rc == 0 && o.mode != MUS_MODE_MANUAL)
		rc = mus_errf(et, MUS_ERR_CONFLICT, "it steps by itself");
	if (rc == 0)
		note(e, &o, "operator", actor, "step");
	return rc;
}

int
mus_ctl_check(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, zone, &o, et);

	if (rc == 0)
		note(e, &o, "operator", actor, "check");
	return rc;
}

/* Kept out of the zone, or else in it. */
static void
mark(struct mus_zone_obj *o, int64_t signer, bool excluded)
{
	unsigned i = 0;

	while (i < o->signer_count && o->signer[i].signer_id != signer)
		i++;
	if (i == MUS_SIGNERS_MAX)
		return;
	if (i == o->signer_count)
		o->signer[o->signer_count++] = (struct mus_zone_signer_obj){.signer_id = signer};
	o->signer[i].excluded = excluded;
	o->signer[i].staying = !excluded;
}

int
mus_ctl_roll(struct mus_engine *e, const char *actor, const char *zone, const char *signer, enum mus_proc_kind kind,
    bool dry_run, struct mus_buf *out, struct mus_errtext *et)
{
	struct fake_zone *z;
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, zone, &o, et);

	(void)actor;
	(void)dry_run;
	if (rc < 0)
		return rc;
	if ((z = zone_of(e, o.id)) != NULL && z->kind != MUS_PROC_NONE)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is running; roll when it has ended", mus_proc_text(z->kind));
	if (kind == MUS_PROC_CSK)
		return mus_errf(et, MUS_ERR_INVAL, "signer %s has no CSK in use", signer);
	mus_buf_printf(out, "%s is told to roll its %s\n", signer, mus_key_role_text(kind));
	return 0;
}

int
mus_ctl_abort(struct mus_engine *e, const char *actor, const char *zone, bool dry_run,
    struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, zone, &o, et);
	struct mus_signer_obj s = {.name = ""};
	struct mus_process_obj p;
	struct mus_group_obj g;
	struct fake_zone *z;

	if (rc < 0)
		return rc;
	if ((z = zone_of(e, o.id)) == NULL || z->kind == MUS_PROC_NONE)
		return mus_errf(et, MUS_ERR_CONFLICT, "no process is running");
	mus_buf_add_str(out, "the process is turned round\n");
	if (dry_run)
		return 0;
	/* the clockwork forgets it; the signer is kept out of, or in, the zone, and who was to leave afterwards in it */
	mark(&o, z->signer, z->kind == MUS_PROC_ADD);
	if (z->kind == MUS_PROC_ADD && mus_store_load_group_id(e->store, o.group_id, &g, NULL) == 0)
		for (unsigned i = 0; i < g.member_count; i++)
			if (g.member[i].leaving)
				mark(&o, g.member[i].signer_id, false);
	p = (struct mus_process_obj){.zone_id = o.id, .ended_at = mus_ctl_now(e)};
	snprintf(p.outcome, sizeof p.outcome, "aborted by %.40s", actor);
	(void)mus_strcpy(p.kind, sizeof p.kind, mus_proc_text(z->kind));
	(void)mus_strcpy(p.row, sizeof p.row, o.row);
	if (mus_store_load_signer_id(e->store, z->signer, &s, NULL) == 0)
		(void)mus_strcpy(p.signer, sizeof p.signer, s.name);
	(void)!mus_store_end_process(e->store, &p, NULL);
	z->kind = MUS_PROC_NONE;
	o.process[0] = o.row[0] = '\0';
	return mus_store_save_zone(e->store, &o, et);
}

int
mus_ctl_force(struct mus_engine *e, const char *actor, const char *zone, enum mus_rule rule,
    const char *reason, bool dry_run, struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, zone, &o, et);

	if (rc < 0)
		return rc;
	mus_buf_printf(out, "resolvers that hold an old DS set may fail: %s\n", mus_rule_sentence(rule));
	if (!dry_run) {
		note(e, &o, "operator", actor, reason);
		if (zone_of(e, o.id) != NULL)
			zone_of(e, o.id)->forced = rule;
	}
	return 0;
}

int
mus_ctl_lost(struct mus_engine *e, const char *actor, const char *zone, const struct mus_ctl_loss *loss,
    struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_signer_obj s;
	struct mus_zone_obj o;
	int rc;

	if ((rc = mus_store_load_zone(e->store, zone, &o, et)) < 0 ||
	    (rc = mus_store_load_signer(e->store, loss->signer, &s, et)) < 0)
		return rc;
	if (strcmp(o.name, "answers.test.") == 0 && !loss->forced)
		return mus_errf(et, MUS_ERR_CONFLICT, "signer %s answers", s.name);
	mus_buf_printf(out, "%s must be silent\n", s.name);
	if (loss->dry_run)
		return 0;
	o.signer[o.signer_count++] = (struct mus_zone_signer_obj){.signer_id = s.id, .lost = true,
	    .lost_ttl_s = 60, .lost_until = MUS_TIME_NEVER};
	note(e, &o, "operator", actor, loss->reason);
	return mus_store_save_zone(e->store, &o, et);
}

/* --- views --- */

static int
add_signer(struct mus_engine *e, int64_t id, bool is_member)
{
	struct mus_zonestate *st = &e->state;
	unsigned i = st->zone.signer_count, k = st->zone.key_count;
	struct mus_signer_obj s;

	if (i == MUS_SIGNERS_MAX - 1 || mus_store_load_signer_id(e->store, id, &s, NULL) < 0)
		return -1;
	st->zone.signer_count++;
	st->book.signer_id[i] = id;
	(void)mus_strcpy(st->book.signer[i], sizeof st->book.signer[i], s.name);
	st->zone.signer[i] = (struct mus_zsigner){.is_member = is_member, .has_driver = true};
	st->zone.key_count++;
	st->zone.key[k] = (struct mus_zkey){.tag = (uint16_t)(1000 + id), .owner = (uint8_t)i,
	    .alg = 13, .is_sep = true, .is_zone = true, .gone_at = MUS_TIME_NEVER, .id = (uint64_t)id};
	st->zone.ns[i].owner = (uint8_t)i;
	snprintf(st->book.ns[i], sizeof st->book.ns[i], "ns1.%s.test.", s.name);
	st->zone.ns_count++;
	st->zone.server[i].origin = (uint8_t)i;
	(void)mus_addr_parse("192.0.2.1", 53, &st->book.addr[i]);
	st->book.addr[i].ip[3] = (uint8_t)(i + 1);
	st->zone.server_count++;
	st->seen.server[i].udp_ok = st->seen.server[i].aa_ok = true;
	return (int)i;
}

static void
show(struct mus_ring *r, uint64_t set)
{
	r->count = 1;
	r->v[0] = (struct mus_version){.set = set, .srv = 1, .ttl_s = 60};
}

static void
mark_lost(struct mus_engine *e, const struct mus_zone_obj *o)
{
	for (unsigned i = 0; i < e->state.zone.signer_count; i++)
		for (unsigned k = 0; k < o->signer_count; k++)
			if (o->signer[k].signer_id == e->state.book.signer_id[i])
				e->state.zone.signer[i].is_lost = o->signer[k].lost;
}

static void
fill_rings(struct mus_engine *e, const struct fake_zone *z, int joiner)
{
	struct mus_zonestate *st = &e->state;
	unsigned n = st->zone.signer_count;
	uint64_t all = mus_bit(n) - 1, others = joiner >= 0 ? all & ~mus_bit((unsigned)joiner) : all;
	bool adding = z->kind == MUS_PROC_ADD;

	for (unsigned i = 0; i < n; i++)
		show(&st->seen.signer[i][MUS_RR_KEY],
		    joiner >= 0 && adding && z->row < 1 ? ((int)i == joiner ? mus_bit(i) : others) : all);
	show(mus_seen_ring(&st->seen, MUS_PARENT, MUS_RR_DS),
	    joiner >= 0 && adding && z->row < 3 ? others : all);
	show(mus_seen_ring(&st->seen, MUS_PARENT, MUS_RR_PNS),
	    joiner >= 0 && (adding ? z->row < 7 : z->row > 3) ? others : all);
}

/* ${until} NEVER: no instant is known. */
static void
add_wait(struct mus_engine *e, enum mus_rule rule, enum mus_result result, struct mus_time until)
{
	struct mus_witness *w = &e->plan.wait[e->plan.wait_count++];

	*w = MUS_WITNESS_NONE;
	w->rule = rule;
	w->result = result;
	w->origin = MUS_PARENT;
	w->kind = MUS_RR_DS;
	w->cause = MUS_NOBODY;
	w->seen_at = mus_time_add_s(mus_ctl_now(e), -5);
	w->until = until;
}

int
mus_ctl_view(
    struct mus_engine *e, const char *zone, struct mus_zone_view *out, struct mus_errtext *et)
{
	struct fake_zone none = {0}, *z;
	struct mus_zone_obj o;
	int rc = mus_store_load_zone(e->store, zone, &o, et), joiner = -1;

	if (rc < 0)
		return rc;
	if ((z = zone_of(e, o.id)) == NULL)
		z = &none;
	mus_zonestate_clear(&e->state);
	mus_zonestate_init(&e->state);
	memset(&e->plan, 0, sizeof e->plan);
	memset(&e->verdict, 0, sizeof e->verdict);
	e->plans++;
	(void)mus_strcpy(e->state.book.zone, sizeof e->state.book.zone, o.name);
	(void)mus_strcpy(e->state.book.parent, sizeof e->state.book.parent, "test.");
	for (unsigned i = 0; i < z->in_count; i++)
		add_signer(e, z->in[i], z->kind != MUS_PROC_REMOVE || z->in[i] != z->signer);
	for (unsigned i = 0; z->kind == MUS_PROC_REMOVE && i < e->state.zone.signer_count; i++)
		if (e->state.book.signer_id[i] == z->signer)
			joiner = (int)i;
	if (z->kind == MUS_PROC_ADD)
		joiner = add_signer(e, z->signer, true);
	mark_lost(e, &o);
	fill_rings(e, z, joiner);
	e->state.zone.server[e->state.zone.server_count++].origin = MUS_PARENT;
	e->plan.wake_at = MUS_TIME_NEVER;
	if (z->kind != MUS_PROC_NONE) {
		e->plan.want.proc = (struct mus_proc){.kind = z->kind,
		    .signer = (uint8_t)(joiner >= 0 ? joiner : 0), .row = (uint8_t)z->row,
		    .started_at = z->started_at, .row_at = z->row_at};
		add_wait(e, MUS_RULE_DSWAIT, MUS_RES_FAILS, mus_time_add_s(z->row_at, 30));
		e->plan.act[0] = (struct mus_act){.kind = MUS_ACT_CHANGE, .signer = 0, .rr = MUS_RR_KEY,
		    .add = 1, .why = MUS_RULE_V7, .id = 0x1234};
		e->plan.act_count = 1;
	}
	if (strstr(zone, "broken") != NULL) {
		add_wait(e, MUS_RULE_V6, MUS_RES_UNKNOWN, MUS_TIME_NEVER);
		e->plan.wait[e->plan.wait_count - 1].cause = MUS_CAUSE_TIMEOUT;
		e->plan.wait[e->plan.wait_count - 1].server = 0;
		e->verdict.rule[MUS_RULE_V1] = MUS_RES_FAILS;
		e->verdict.finding[0] = e->plan.wait[e->plan.wait_count - 1];
		e->verdict.finding[0].rule = MUS_RULE_V1;
		e->verdict.finding[0].result = MUS_RES_FAILS;
		e->verdict.finding_count = 1;
		if (strstr(zone, "twice") != NULL) {
			e->verdict.finding[1] = e->plan.wait[e->plan.wait_count - 1];
			e->verdict.finding[1].rule = MUS_RULE_V8;
			e->verdict.finding_count = 2;
		}
	}
	*out = (struct mus_zone_view){&e->state, &e->plan, &e->verdict, NULL, mus_ctl_now(e),
	    z->forced, "as asked"};
	if (strstr(zone, "stuck") != NULL || strstr(zone, "patient") != NULL) {
		add_wait(e, MUS_RULE_DSWAIT, MUS_RES_FAILS,
		    strstr(zone, "stuck") != NULL ? MUS_TIME_NEVER : mus_time_add_s(mus_ctl_now(e), 30));
		e->plan.wait[e->plan.wait_count - 1].seen_at = mus_time_add_s(mus_ctl_now(e), -3600);
	}
	if (strstr(zone, "locked") != NULL) {
		static struct mus_ctl_trouble trouble[MUS_ORIGINS] = {
		    [MUS_PARENT] = {.change = "UPDATE refused: NOTAUTH (BADKEY)"}};

		add_wait(e, MUS_RULE_V7, MUS_RES_FAILS, MUS_TIME_NEVER);
		e->plan.wait[e->plan.wait_count - 1].kind = MUS_RR_KEY;
		out->trouble = trouble;
	}
	if (strstr(zone, "uncopied") != NULL) {
		add_wait(e, MUS_RULE_V13, MUS_RES_UNKNOWN, MUS_TIME_NEVER);
		e->plan.wait[e->plan.wait_count - 1].origin = 0;
		e->plan.need_copy = 1;
	}
	for (unsigned i = 0; strstr(zone, "waits") != NULL && i < 7; i++)
		add_wait(e, MUS_RULE_DSWAIT, MUS_RES_FAILS, mus_time_add_s(mus_ctl_now(e), 3000));
	for (unsigned i = 0; strstr(zone, "deaf") != NULL && i < e->state.zone.server_count; i++)
		e->state.seen.server[i].udp_ok = e->state.seen.server[i].aa_ok = false;
	if (strstr(zone, "typed") != NULL)
		out->by_hand[0] = "add typed.test. 60 IN NS ns.x.test.\nremove typed.test. 60 IN NS ns.y.test.\n";
	return 0;
}

int
mus_ctl_preflight(struct mus_engine *e, const char *zone, const char *signer, mus_ctl_fit_fn *done,
    void *arg, struct mus_errtext *et)
{
	struct mus_witness w[] = {MUS_WITNESS_NONE, MUS_WITNESS_NONE, MUS_WITNESS_NONE};
	struct mus_ctl_fit fit = {.finding = w, .count = strcmp(signer, "dumb") == 0 ? 3 : 0};
	struct mus_zone_view view;
	int rc = mus_ctl_view(e, zone, &view, et);

	if (rc < 0)
		return rc;
	if (strcmp(signer, "crowd") == 0)
		return mus_errf(et, MUS_ERR_FULL, "8 preflights are under way; try again");
	w[0].rule = MUS_RULE_CAPS;
	w[0].result = MUS_RES_FAILS;
	w[1].rule = MUS_RULE_SERVES;
	w[1].result = MUS_RES_UNKNOWN;
	w[2].rule = MUS_RULE_KEYTTL;
	w[2].result = MUS_RES_WARN;
	for (unsigned i = 0; i < 3; i++)
		w[i].origin = 0;
	fit.state = view.state;
	fit.now = view.now;
	done(arg, 0, NULL, &fit);
	return 0;
}

/* --- probes --- */

struct probe {
	struct probe *next;
	struct mus_engine *e;
	struct mus_timer *timer;
	mus_ctl_probe_fn *done;
	void *arg;
	int err;			/* how it ends */
	bool takes_all;
};

static void
end_probe(struct probe *p, int err, const char *words)
{
	struct mus_errtext et;
	struct probe **at = &p->e->probes;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	mus_errf(&et, err, "%s", words);
	p->done(p->arg, err, err < 0 ? &et : NULL,
	    err < 0 ? NULL :
	    p->takes_all ?
	    "{\"capabilities\":{\"dnskey\":{\"change\":\"yes\",\"undo\":\"yes\",\"ttl\":5,\"detail\":\"\"}}}" :
	    "{\"signer\":\"bind\",\"zone\":\"one.test.\",\"at\":\"2026-01-01T00:00:00.000Z\",\"capabilities\":{"
	    "\"dnskey\":{\"change\":\"yes\",\"undo\":\"yes\",\"ttl\":5,\"detail\":\"\"},"
	    "\"cds\":{\"change\":\"no\",\"undo\":\"yes\",\"ttl\":5,\"detail\":\"UPDATE refused: REFUSED\"},"
	    "\"csync\":{\"change\":\"unknown\",\"undo\":\"no\",\"ttl\":5,\"detail\":\"no answer in time\"}}}");
	mus_timer_free(p->timer);
	free(p);
}

static void
probe_timer(void *arg)
{
	struct probe *p = arg;

	end_probe(p, p->err, p->err != 0 ? mus_err_text(p->err) : "");
}

int
mus_ctl_probe(struct mus_engine *e, const char *actor, const char *signer, const char *zone,
    mus_ctl_probe_fn *done, void *arg, struct mus_errtext *et)
{
	struct probe *p;

	(void)actor;
	(void)zone;
	if (strcmp(signer, "dumb") == 0)
		return mus_errf(et, MUS_ERR_UNSUPPORTED, "driver manual cannot be probed");
	if ((p = calloc(1, sizeof *p)) == NULL)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	*p = (struct probe){e->probes, e, mus_timer_new(e->loop, probe_timer, p), done, arg,
	    strcmp(signer, "liar") == 0	? MUS_ERR_BADSIG
		: strcmp(signer, "gone") == 0	? MUS_ERR_NET
						: 0,
	    strcmp(signer, "pdns") == 0};
	e->probes = p;
	mus_timer_start(p->timer, strcmp(signer, "slow") == 0 ? 3600000 : PROBE_MS);
	return 0;
}

/* --- events and numbers --- */

/* As if "slow" were down and one change waited for it, and "badsig" had another key than we. */
void
mus_ctl_changes(const struct mus_engine *e, int64_t signer_id, struct mus_ctl_changes *out)
{
	struct mus_signer_obj o;
	struct mus_errtext et;

	*out = (struct mus_ctl_changes){.paused_until = MUS_TIME_NEVER};
	if (mus_store_load_signer_id(e->store, signer_id, &o, &et) < 0)
		return;
	if (strcmp(o.name, "badsig") == 0) {
		out->sent = 3;
		out->refused = 2;
		mus_errf(&out->last_error, 0, "BADSIG");
	}
	if (strcmp(o.name, "slow") != 0)
		return;
	out->waiting = out->silent = 1;
	out->dropped = 2;
	out->sent = 3;
	out->paused_until = mus_time_add_s(mus_ctl_now(e), 60);
	mus_errf(&out->last_error, 0, "no \"answer\" in 5 s");
}

/* As if the key file of "keyless" had been moved away. */
const char *
mus_ctl_signer_trouble(struct mus_engine *e, int64_t signer_id)
{
	struct mus_signer_obj o;
	struct mus_errtext et;

	if (mus_store_load_signer_id(e->store, signer_id, &o, &et) < 0 || strcmp(o.name, "keyless") != 0)
		return "";
	return "/etc/k.key: No such file or directory";
}

int
mus_ctl_listen(struct mus_engine *e, mus_ctl_event_fn *fn, void *arg)
{
	if (e->listener_count == LISTENERS_MAX)
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
	struct mus_errtext et;
	struct mus_zone_obj o;

	*out = (struct mus_ctl_stats){.zones = e->zone_count, .plans = e->plans, .questions = 7, .checks_addresses = true};
	out->store_failing_since = MUS_TIME_NEVER;
	if (mus_store_load_zone(e->store, "nodisk.test.", &o, &et) == 0) {
		out->store_failing_since = mus_ctl_now(e);
		mus_errf(&out->store_error, 0, "musicd.db: commit: database or disk is full");
	}
	out->restored_at = MUS_TIME_NEVER;
	out->state[MUS_STATE_VALID] = e->zone_count;
}

/* --- the clockwork --- */

static void
save_process(struct mus_engine *e, struct fake_zone *z, struct mus_zone_obj *o, const char *outcome)
{
	struct mus_process_obj p = {.zone_id = z->id, .started_at = z->started_at, .ended_at = MUS_TIME_NEVER};
	struct mus_signer_obj s = {.name = ""};
	unsigned count;
	const struct mus_row *rows = mus_rows(z->kind, &count);

	(void)!mus_store_load_signer_id(e->store, z->signer, &s, NULL);
	(void)mus_strcpy(p.kind, sizeof p.kind, mus_proc_text(z->kind));
	(void)mus_strcpy(p.signer, sizeof p.signer, s.name);
	(void)mus_strcpy(p.row, sizeof p.row, rows[z->row < count ? z->row : count - 1].name);
	(void)mus_strcpy(p.outcome, sizeof p.outcome, outcome);
	if (outcome[0] != '\0') {
		p.ended_at = mus_ctl_now(e);
		(void)!mus_store_end_process(e->store, &p, NULL);
	} else if (mus_store_step_process(e->store, &p, NULL) < 0) {
		(void)!mus_store_add_process(e->store, &p, NULL);
	}
	snprintf(o->process, sizeof o->process, "%.20s %.40s", outcome[0] != '\0' ? "" : p.kind, s.name);
	if (outcome[0] != '\0')
		o->process[0] = '\0';
	(void)mus_strcpy(o->row, sizeof o->row, outcome[0] != '\0' ? "" : p.row);
	(void)mus_strcpy(o->waiting, sizeof o->waiting,
	    outcome[0] != '\0' ? "" : "DS-Wait: old DS sets have left all caches");
	o->waiting_until = outcome[0] != '\0' ? MUS_TIME_NEVER : mus_time_add_s(mus_ctl_now(e), 30);
	(void)!mus_store_save_zone(e->store, o, NULL);
	note(e, o, "row", "musicd", p.row);
}

static bool
is_marked(const struct mus_zone_obj *o, int64_t signer, bool excluded)
{
	for (unsigned i = 0; i < o->signer_count; i++)
		if (o->signer[i].signer_id == signer)
			return excluded ? o->signer[i].excluded : o->signer[i].staying;
	return false;
}

/* Is there somebody to take in or to let go? */
static void
start_process(struct mus_engine *e, struct fake_zone *z, struct mus_zone_obj *o)
{
	struct mus_group_obj g;

	if (mus_store_load_group_id(e->store, o->group_id, &g, NULL) < 0)
		return;
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < g.member_count; i++) {
			bool is_in = false;

			for (unsigned k = 0; k < z->in_count; k++)
				is_in = is_in || z->in[k] == g.member[i].signer_id;
			if (is_in != g.member[i].leaving || (pass == 0) == is_in ||
			    is_marked(o, g.member[i].signer_id, !is_in))
				continue;
			z->kind = is_in ? MUS_PROC_REMOVE : MUS_PROC_ADD;
			z->signer = g.member[i].signer_id;
			z->row = 0;
			z->started_at = z->row_at = mus_ctl_now(e);
			save_process(e, z, o, "");
			return;
		}
	}
}

static void
end_process(struct mus_engine *e, struct fake_zone *z, struct mus_zone_obj *o)
{
	struct mus_group_obj g;

	save_process(e, z, o, "done");
	if (z->kind == MUS_PROC_ADD && z->in_count < MUS_SIGNERS_MAX) {
		z->in[z->in_count++] = z->signer;
	} else {
		for (unsigned i = 0; i < z->in_count; i++)
			if (z->in[i] == z->signer)
				z->in[i--] = z->in[--z->in_count];
		if (mus_store_load_group_id(e->store, o->group_id, &g, NULL) == 0) {
			for (unsigned i = 0; i < g.member_count; i++)
				if (g.member[i].signer_id == z->signer && g.member[i].leaving)
					g.member[i--] = g.member[--g.member_count];
			(void)!mus_store_save_group(e->store, &g, NULL);
		}
	}
	z->kind = MUS_PROC_NONE;
}

static void
tick(void *arg)
{
	struct mus_engine *e = arg;
	struct mus_zone_obj o;
	unsigned count;

	for (unsigned i = 0; i < e->zone_count && i < 100; i++) {
		struct fake_zone *z = e->zone[i];

		if (mus_store_load_zone_id(e->store, z->id, &o, NULL) < 0 || o.held ||
		    o.mode == MUS_MODE_MANUAL)
			continue;
		if (z->kind == MUS_PROC_NONE) {
			start_process(e, z, &o);
			continue;
		}
		mus_rows(z->kind, &count);
		z->row++;
		z->row_at = mus_ctl_now(e);
		if (z->row < count)
			save_process(e, z, &o, "");
		else
			end_process(e, z, &o);
	}
	mus_timer_start(e->tick, e->tick_ms);
}

struct mus_engine *
fake_engine_new(struct mus_loop *loop, struct mus_store *store, unsigned tick_ms)
{
	struct mus_engine *e = mus_zonestate_room(sizeof *e);

	if (e == NULL)
		return NULL;
	e->loop = loop;
	e->store = store;
	e->tick_ms = tick_ms;
	mus_zonestate_init(&e->state);
	e->tick = mus_timer_new(loop, tick, e);
	mus_timer_start(e->tick, tick_ms);
	return e;
}

void
fake_engine_free(struct mus_engine *e)
{
	while (e->probes != NULL)
		end_probe(e->probes, MUS_ERR_CANCELLED, "the daemon stops");
	mus_timer_free(e->tick);
	mus_zonestate_clear(&e->state);
	for (unsigned i = 0; i < e->zone_count; i++)
		free(e->zone[i]);
	free(e);
}
