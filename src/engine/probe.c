/*
 * Probe: what does a signer let us do?  Tried for real on a zone the operator names, one record at
 * a time, and put back.  Each trial is safe by itself: its record means nothing to anybody (dns/trial.h),
 * CDS and CDNSKEY never stand without those of the signer's own keys, and NS is only told again what it
 * holds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/observe.h"
#include "core/rows.h"
#include "dns/trial.h"
#include "engine/int.h"

/* A signer that refused something is tried again after this many times retry_ms, and doubled up to that many. */
enum { AGAIN_MIN = 4, AGAIN_MAX = 128 };

enum trial { T_DNSKEY, T_CDS, T_CDNSKEY, T_CSYNC, T_NS, T_COUNT };
static const struct {
	const char *name;
	uint16_t type;
} trials[T_COUNT] = {{"dnskey", MUS_TYPE_DNSKEY}, {"cds", MUS_TYPE_CDS},
    {"cdnskey", MUS_TYPE_CDNSKEY}, {"csync", MUS_TYPE_CSYNC}, {"ns", MUS_TYPE_NS}};

struct eng_probe {
	LIST_ENTRY(eng_probe) link;
	struct mus_engine *e;
	int64_t signer_id, zone_id;	/* zone 0: not one of ours */
	struct eng_signer *sg;		/* held: its key is the target's */
	struct mus_drv_target target;
	const struct mus_driver *driver;
	struct mus_tsig_key *own_key;	/* of this zone alone; else the signer's */
	mus_ctl_probe_fn *done;		/* NULL: we try again by ourselves */
	void *arg;
	char actor[MUS_LABEL_MAX], zone[MUS_ZONETEXT_MAX], signer[MUS_LABEL_MAX];
	struct mus_arena arena;
	struct mus_rrset set[T_COUNT];	/* as it was */
	struct question {
		struct eng_probe *p;
		struct mus_dnsx_req *req;	/* NULL: not under way */
	} question[T_COUNT];
	unsigned left;
	struct mus_drv_job *sent;	/* with the driver; NULL: nothing is */
	int err;
	struct mus_errtext words;
	uint8_t alg;			/* one that the zone has */
	unsigned now;			/* trial at work */
	bool undoing;
	enum mus_tri before[T_COUNT], can[T_COUNT], undone[T_COUNT];
	struct mus_errtext detail[T_COUNT];
	struct mus_drv_change change;
};

static void next(struct eng_probe *p);

/* ---- the zone meanwhile ----------------------------------------------------------------------- */

/* Another one has come to its end: a look at everything tells whether anything of it is left. */
static void
zone_probed(struct mus_engine *e, int64_t zone_id)
{
	struct eng_zone *z = eng_zone_get(e, zone_id);

	if (!z || !z->busy)
		return;
	z->busy->probes--;
	z->busy->probe_end = eng_now(e);
	eng_wake(e, z, ENG_FOCUS_ALL, 0);
}

/* From now on nothing is changed in the zone. */
static int
zone_probe_begins(struct mus_engine *e, const struct mus_zone_obj *o, struct mus_errtext *et)
{
	struct eng_zone *z = eng_zone_get(e, o->id);
	struct eng_busy *b = z ? eng_busy(z) : NULL;

	if (!b)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	if (b->probes)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is being probed already", o->name);
	/* In the first row of a join nothing is changed yet. */
	if (o->process[0] && strcmp(o->row, mus_row_name(MUS_PROC_ADD, 0)) != 0)
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "%s: %s is running; probe when it has ended, or on another zone", o->name, o->process);
	eng_withdraw(z);
	b->probes++;
	b->probing = true;
	/* What the probe takes away by itself is not taken away twice. */
	b->clean_at = mus_time_add_ms(eng_now(e), e->o.retry_ms);
	b->clean_tries = 0;
	return 0;
}

static uint64_t
trials_seen(const struct eng_turn *t)
{
	uint64_t servers = 0;

	for (unsigned k = 0; k <= MUS_RR_CSYNC; k++)
		servers |= t->trials[k];
	return servers;
}

bool
eng_is_probed(struct eng_turn *t)
{
	struct eng_busy *b = t->z->busy;
	bool seen = trials_seen(t) != 0;

	if (!seen && !(b && b->probing))
		return false;
	if (!(b = eng_busy(t->z)))
		return true;
	if (!b->probing) {
		/* Left by a run before this one, or by somebody else's. */
		b->probing = true;
		b->clean_at = t->at;
		b->clean_tries = 0;
	}
	/* Only a look at everything that began after the end shows that nothing is left. */
	if (!seen && !b->probes && t->focus == ENG_FOCUS_ALL && b->probe_end.ms < t->at.ms)
		b->probing = false;
	if (b->probing)
		t->z->focus = ENG_FOCUS_ALL;
	return b->probing;
}

struct eng_clean {
	LIST_ENTRY(eng_clean) link;
	struct mus_engine *e;
	int64_t zone_id;
	struct eng_signer *sg;		/* held: its key is the target's */
	struct mus_tsig_key *own_key;
	struct mus_drv_target target;
	struct mus_drv_change change;
	struct mus_drv_job *sent;	/* NULL: not with the driver */
	uint8_t rd[(MUS_RR_CSYNC + 1) * MUS_ALGS_MAX][MUS_TRIAL_MAX];
};

static void
clean_free(struct eng_clean *c)
{
	LIST_REMOVE(c, link);
	if (c->sent)
		c->sg->driver->cancel(c->sent);
	eng_signer_release(c->sg);
	mus_tsig_key_free(c->own_key);
	free(c);
}

/* What came of it the next look shows. */
static void
on_cleaned(void *arg, const struct mus_drv_result *r)
{
	struct eng_clean *c = arg;
	struct eng_box *box = eng_box_for(c->e, c->sg);

	c->sent = NULL;
	if (box)
		mus_outbox_charge(&box->out, r->messages, mus_loop_mono_ms(c->e->o.loop));
	zone_probed(c->e, c->zone_id);
	clean_free(c);
}

/* The records of the kinds that ${servers} show, for every algorithm that the zone has. */
static void
clean_compose(struct eng_clean *c, const struct eng_turn *t, const struct mus_zone *zone, uint64_t servers)
{
	static const uint16_t types[] = {MUS_TYPE_DNSKEY, MUS_TYPE_CDS, MUS_TYPE_CDNSKEY, MUS_TYPE_CSYNC};

	for (unsigned k = 0; k <= MUS_RR_CSYNC; k++)
		for (unsigned a = 0; (t->trials[k] & servers) && a < zone->alg_count; a++) {
			bool has_alg = k == MUS_RR_CDS || k == MUS_RR_CDNSKEY;
			uint8_t *rd = c->rd[c->change.count];
			size_t len = mus_trial_make(types[k], zone->alg[a], rd);

			c->change.rr[c->change.count++] = (struct mus_drv_rr){
			    .type = types[k], .del = true, .rd = {rd, (uint16_t)len}};
			if (!has_alg)
				break;
		}
}

static void
clean_signer(struct eng_turn *t, const struct mus_zonestate *st, unsigned s)
{
	struct mus_engine *e = t->e;
	struct mus_errtext et = {""};
	struct eng_signer *sg = eng_signer_get(e, st->book.signer_id[s], &et);
	struct eng_clean *c = sg && sg->driver && sg->driver->apply ? calloc(1, sizeof *c) : NULL;

	if (!c)
		return;
	LIST_INSERT_HEAD(&e->cleans, c, link);
	c->e = e;
	c->zone_id = t->z->id;
	c->sg = eng_signer_hold(sg);
	c->target = (struct mus_drv_target){.dnsx = e->o.dnsx, .update = sg->obj.update};
	clean_compose(c, t, &st->zone, mus_servers_of(&st->zone, s));
	if (c->change.count == 0 || eng_key_for(&e->zobj, sg, &c->own_key, &c->target.key, &et) < 0 ||
	    mus_name_parse(e->zobj.name, &c->target.zone, &et) < 0 ||
	    sg->driver->apply(&c->target, &c->change, on_cleaned, c, &c->sent) < 0) {
		clean_free(c);
		return;
	}
	t->z->busy->probes++;
	eng_event(e, e->zobj.id, e->zobj.name, "probe", "musicd", LOG_NOTICE,
	    "%s: what a probe has left is taken away", sg->obj.name);
}

void
eng_probe_clean(struct eng_turn *t, const struct mus_zonestate *st)
{
	struct eng_busy *b = t->z->busy;
	uint64_t seen = trials_seen(t);
	struct mus_time now = eng_now(t->e);

	if (!seen || !b || b->probes || b->clean_at.ms > now.ms)
		return;
	b->clean_at = mus_time_add_ms(now,
	    mus_span_doubled_ms(t->e->o.retry_ms, b->clean_tries, t->e->o.retry_ms * 64));
	if (b->clean_tries < UINT8_MAX)
		b->clean_tries++;
	for (unsigned s = 0; s < st->zone.signer_count; s++)
		if (seen & mus_servers_of(&st->zone, s))
			clean_signer(t, st, s);
}

/* ---- the report ------------------------------------------------------------------------------- */

static const char *
tri_text(enum mus_tri t)
{
	return t == MUS_YES ? "yes" : t == MUS_NO ? "no" : "unknown";
}

/* Words inside JSON: quotes and control characters do not occur in ours, but others' may. */
static void
json_text(struct mus_buf *b, const char *s)
{
	mus_buf_add_str(b, "\"");
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			mus_buf_printf(b, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			mus_buf_printf(b, "\\u%04x", *s);
		else
			mus_buf_printf(b, "%c", *s);
	mus_buf_add_str(b, "\"");
}

static void
probe_free(struct eng_probe *p)
{
	LIST_REMOVE(p, link);
	for (unsigned t = 0; t < T_COUNT; t++)
		mus_dnsx_cancel(p->question[t].req);
	if (p->sent)
		p->driver->cancel(p->sent);
	eng_signer_release(p->sg);
	mus_tsig_key_free(p->own_key);
	mus_arena_clear(&p->arena);
	free(p);
}

/* Who refuses nothing any more is tried soon when it begins to; and zones may wait for that. */
static void
found(const struct eng_probe *p)
{
	struct eng_box *box = eng_box_for(p->e, p->sg);
	bool refused = false;

	for (unsigned i = 0; i < T_COUNT; i++) {
		if (p->can[i] == MUS_NO)
			return;
		refused |= p->before[i] == MUS_NO;
	}
	if (box)
		box->probes = 0;
	if (refused)
		(void)eng_wake_with(p->e, &p->sg->obj);	/* else they look later by themselves */
}

static void
finish(struct eng_probe *p)
{
	struct mus_signer_obj o;
	struct mus_errtext et;
	struct mus_buf b;
	char at[MUS_TIME_TEXT_MAX];

	mus_buf_init(&b, 1 << 16);
	mus_buf_printf(&b, "{\"signer\":\"%s\",\"zone\":\"%s\",\"at\":\"%s\",\"capabilities\":{",
	    p->signer, p->zone, mus_time_text(eng_now(p->e), at));
	for (unsigned i = 0; i < T_COUNT; i++) {
		mus_buf_printf(&b, "%s\"%s\":{\"change\":\"%s\",\"undo\":\"%s\",\"ttl\":%u,\"detail\":",
		    i ? "," : "", trials[i].name, tri_text(p->can[i]), tri_text(p->undone[i]),
		    (unsigned)p->set[i].ttl_s);
		json_text(&b, p->detail[i].s);
		mus_buf_add_str(&b, "}");
	}
	mus_buf_add_str(&b, "}}");
	if (p->err == 0 && mus_store_load_signer_id(p->e->o.store, p->signer_id, &o, &et) == 0) {
		o.caps = (struct mus_caps){p->can[T_DNSKEY], p->can[T_CDS], p->can[T_CDNSKEY],
		    p->can[T_CSYNC], p->can[T_NS]};
		o.caps_at = eng_now(p->e);
		found(p);
		if (eng_begin(p->e) == 0 && mus_store_save_signer(p->e->o.store, &o, &et) < 0)
			p->e->tx_failed = true;
		eng_event(p->e, 0, "", "probe", p->actor, LOG_NOTICE,
		    "signer %s probed on %s: DNSKEY %s, CDS %s, CDNSKEY %s, CSYNC %s, NS %s", p->signer,
		    p->zone, tri_text(p->can[0]), tri_text(p->can[1]), tri_text(p->can[2]),
		    tri_text(p->can[3]), tri_text(p->can[4]));
		eng_signer_forget(p->e, p->signer_id);
	}
	if (p->err && !p->done)
		eng_event(p->e, 0, "", "probe", p->actor, LOG_NOTICE, "signer %s could not be probed on %s: %s",
		    p->signer, p->zone, p->words.s);
	if (p->zone_id)
		zone_probed(p->e, p->zone_id);
	if (p->done)
		p->done(p->arg, p->err, &p->words, b.failed ? "{}" : (const char *)b.data);
	mus_buf_clear(&b);
	probe_free(p);
}

/* It did not answer: an operator sees that, and decides; else what was found before stays. */
static enum mus_tri
not_tried(const struct eng_probe *p)
{
	return p->done ? MUS_UNKNOWN : p->before[p->now];
}

static void
on_change(void *arg, const struct mus_drv_result *r)
{
	struct eng_probe *p = arg;
	bool good = r->outcome == MUS_DRV_SHOWN;
	struct eng_box *box = eng_box_for(p->e, p->sg);

	p->sent = NULL;
	/* An operator's trial does not queue, but the others wait a little longer for it. */
	if (box)
		mus_outbox_charge(&box->out, r->messages, mus_loop_mono_ms(p->e->o.loop));
	if (p->undoing) {
		p->undone[p->now] = good ? MUS_YES : MUS_NO;
		if (!good)
			mus_errf(&p->detail[p->now], 0, "could not be put back: %s", r->words.s);
		p->undoing = false;
		p->now++;
		next(p);
		return;
	}
	p->can[p->now] = good				 ? MUS_YES
	    : r->outcome == MUS_DRV_FAILED		 ? not_tried(p)
							 : MUS_NO;
	if (!good)
		p->detail[p->now] = r->words;
	/* What was refused needs no undoing; what may have been taken does. */
	if (r->outcome == MUS_DRV_REFUSED || p->now == T_NS) {
		p->undone[p->now] = MUS_YES;
		p->now++;
		next(p);
		return;
	}
	p->undoing = true;
	for (size_t i = 0; i < p->change.count; i++)
		p->change.rr[i].del = true;
	if (p->driver->apply(&p->target, &p->change, on_change, p, &p->sent) < 0) {
		p->undone[p->now] = MUS_NO;
		p->undoing = false;
		p->now++;
		next(p);
	}
}

static void
put(struct eng_probe *p, uint16_t type, const void *rd, size_t len)
{
	uint32_t ttl_s = p->set[p->now].count ? p->set[p->now].ttl_s : p->set[T_DNSKEY].ttl_s;

	p->change.rr[p->change.count++] = (struct mus_drv_rr){.type = type, .ttl_s = ttl_s,
	    .rd = {mus_arena_copy(&p->arena, rd, len), (uint16_t)len}};
}

/* Composes the trial; false: there is nothing to try it with. */
static bool
compose(struct eng_probe *p)
{
	uint16_t type = trials[p->now].type;
	uint8_t rd[MUS_TRIAL_MAX];

	p->change.count = 0;
	switch ((enum trial)p->now) {
	case T_CDS:
	case T_CDNSKEY:
		/* Alone it would be a set that names none of the signer's own keys. */
		if (p->set[p->now].count == 0) {
			mus_errf(&p->detail[p->now], 0,
			    "not tried: the signer shows no %s of its own yet", trials[p->now].name);
			return false;
		}
		break;
	case T_CSYNC:
		if (p->set[T_CSYNC].count) {
			mus_errf(&p->detail[p->now], 0, "not tried: there is a CSYNC already");
			return false;
		}
		break;
	case T_NS:
		if (p->set[T_NS].count == 0)
			return false;
		put(p, MUS_TYPE_NS, p->set[T_NS].rd[0].data, p->set[T_NS].rd[0].len);
		return true;
	case T_DNSKEY:
	case T_COUNT:
		break;
	}
	put(p, type, rd, mus_trial_make(type, p->alg, rd));
	return true;
}

static void
next(struct eng_probe *p)
{
	for (; p->now < T_COUNT; p->now++) {
		if (!compose(p))
			continue;
		if (p->driver->apply(&p->target, &p->change, on_change, p, &p->sent) == 0)
			return;
		mus_errf(&p->detail[p->now], 0, "not tried: could not be sent");
	}
	finish(p);
}

static void
on_read(void *arg, const struct mus_dnsx_answer *a)
{
	struct question *q = arg;
	struct eng_probe *p = q->p;
	struct mus_rrset set = {.count = 0};

	q->req = NULL;
	if (a->err != 0 && p->err == 0) {
		p->err = a->err;
		p->words = a->words;
	} else if (a->err == 0 && (a->msg->rcode != MUS_RCODE_NOERROR || !a->msg->aa) && p->err == 0) {
		p->err = mus_errf(&p->words, MUS_ERR_REFUSED, "%s: the signer answered %s%s", p->zone,
		    mus_rcode_text(a->msg->rcode), a->msg->aa ? "" : ", not authoritative");
	} else if (a->err == 0) {
		for (unsigned t = 0; t < T_COUNT; t++) {
			if (trials[t].type != a->msg->qtype ||
			    !mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &p->target.zone, trials[t].type,
				a->arena, &set))
				continue;
			p->set[t].ttl_s = set.ttl_s;
			/* What an earlier probe has left is no reason not to try. */
			for (size_t i = 0; i < set.count; i++)
				if (!mus_trial_is(trials[t].type, set.rd[i]) &&
				    mus_rrset_add(&p->set[t], set.rd[i], &p->arena) < 0)
					p->err = MUS_ERR_NOMEM;
		}
	}
	if (--p->left > 0)
		return;
	if (p->err == 0 && p->set[T_DNSKEY].count == 0)
		p->err = mus_errf(&p->words, MUS_ERR_CONFLICT, "%s is not signed at %s", p->zone, p->signer);
	if (p->err == 0)
		p->alg = p->set[T_DNSKEY].rd[0].data[3];
	if (p->err)
		finish(p);
	else
		next(p);
}

int
mus_ctl_probe(struct mus_engine *e, const char *actor, const char *signer, const char *zone,
    mus_ctl_probe_fn *done, void *arg, struct mus_errtext *et)
{
	struct mus_zone_obj zobj;
	struct mus_signer_obj o;
	struct eng_signer *sg;
	struct eng_probe *p;
	int rc = mus_store_load_signer(e->o.store, signer, &o, et);

	if (rc < 0)
		return rc;
	sg = eng_signer_get(e, o.id, et);
	if (!sg)
		return MUS_ERR_STORE;
	if (!sg->driver || !sg->driver->apply)
		return mus_errf(et, MUS_ERR_CONFLICT, "signer %s: driver %s changes nothing", signer, o.driver);
	p = calloc(1, sizeof *p);
	if (!p)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	mus_arena_init(&p->arena, 1 << 20);
	LIST_INSERT_HEAD(&e->probes, p, link);
	p->e = e;
	p->sg = eng_signer_hold(sg);
	p->signer_id = o.id;
	p->driver = sg->driver;
	p->done = done;
	p->arg = arg;
	p->before[T_DNSKEY] = o.caps.dnskey;
	p->before[T_CDS] = o.caps.cds;
	p->before[T_CDNSKEY] = o.caps.cdnskey;
	p->before[T_CSYNC] = o.caps.csync;
	p->before[T_NS] = o.caps.ns;
	snprintf(p->actor, sizeof p->actor, "%s", actor);
	snprintf(p->signer, sizeof p->signer, "%s", signer);
	p->target = (struct mus_drv_target){.dnsx = e->o.dnsx, .update = o.update};
	rc = mus_name_parse(zone, &p->target.zone, et);
	if (rc < 0)
		goto fail;
	mus_name_text(&p->target.zone, p->zone);
	/* A zone under care may have a TSIG key of its own at this signer. */
	rc = mus_store_load_zone(e->o.store, p->zone, &zobj, et);
	if (rc == MUS_ERR_NOTFOUND)
		zobj.signer_count = 0;
	else if (rc < 0 || (rc = zone_probe_begins(e, &zobj, et)) < 0)
		goto fail;
	else
		p->zone_id = zobj.id;
	if ((rc = eng_key_for(&zobj, sg, &p->own_key, &p->target.key, et)) < 0)
		goto fail;
	for (unsigned t = 0; t < T_COUNT; t++) {
		struct mus_dnsx_ask ask = {.server = o.update, .via = MUS_VIA_TCP,
		    .query = {.name = p->target.zone, .type = trials[t].type},
		    .key = p->target.key};

		p->set[t] = (struct mus_rrset){.owner = p->target.zone, .type = trials[t].type,
		    .rclass = MUS_CLASS_IN};
		p->question[t].p = p;
		if (mus_dnsx_ask(e->o.dnsx, &ask, on_read, &p->question[t], &p->question[t].req) == 0)
			p->left++;
	}
	if (p->left == T_COUNT)
		return 0;
	if (p->left > 0) {
		/* Those under way will come back and end it. */
		p->err = mus_errf(&p->words, MUS_ERR_FULL, "the question queue is full");
		return 0;
	}
	rc = mus_errf(et, MUS_ERR_FULL, "the question queue is full");
fail:
	if (p->zone_id)
		zone_probed(e, p->zone_id);
	probe_free(p);
	return rc;
}

/* ---- what was found does not outlive its cause -------------------------------------------------- */

/* The joiner that nothing but a finding of a probe keeps out; NULL: there is none, or the operator has the word. */
static struct eng_signer *
kept_out(struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_policy *policy, const struct mus_plan *plan)
{
	const struct mus_proc *p = &plan->want.proc;
	struct mus_errtext et;
	struct eng_signer *sg;

	if (p->kind != MUS_PROC_ADD || p->row != 0 || policy->held || policy->probed ||
	    (policy->manual && !policy->step) || plan->wait_count == 0 || plan->act_count > 0 ||
	    (z && z->busy && z->busy->jobs))
		return NULL;
	for (unsigned i = 0; i < plan->wait_count; i++)
		if (plan->wait[i].rule != MUS_RULE_CAPS || plan->wait[i].origin != p->signer)
			return NULL;
	sg = eng_signer_get(e, st->book.signer_id[p->signer], &et);
	return sg && sg->driver && sg->driver->apply ? sg : NULL;
}

/* After every probe, whoever asked for it, a pause; it doubles with those of our own. */
static struct mus_time
due_again(const struct mus_engine *e, const struct eng_signer *sg, const struct eng_box *box)
{
	struct mus_time now = eng_now(e), last = box->probed_at;
	const struct eng_probe *p;

	LIST_FOREACH(p, &e->probes, link)
		if (p->signer_id == sg->obj.id)
			last = now;
	if (mus_time_is_set(sg->obj.caps_at))
		last = mus_time_max(last, sg->obj.caps_at);
	/* The clock was set back: it is not to wait that much longer. */
	last = mus_time_min(last, now);
	last = mus_time_add_ms(last,
	    mus_span_doubled_ms(e->o.retry_ms * AGAIN_MIN, box->probes, e->o.retry_ms * AGAIN_MAX));
	return mus_time_max(last, now);
}

void
eng_probe_waits(struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_policy *policy, struct mus_plan *plan)
{
	struct eng_signer *sg = kept_out(e, z, st, policy, plan);
	struct eng_box *box = sg ? eng_box_for(e, sg) : NULL;

	if (!box)
		return;
	for (unsigned i = 0; i < plan->wait_count; i++)
		plan->wait[i].until = due_again(e, sg, box);
	plan->wake_at = mus_time_min(plan->wake_at, plan->wait[0].until);
}

void
eng_probe_again(struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_policy *policy)
{
	struct eng_signer *sg = kept_out(e, z, st, policy, &e->plan);
	struct eng_box *box = sg ? eng_box_for(e, sg) : NULL;
	struct mus_errtext et;

	if (!box || due_again(e, sg, box).ms > eng_now(e).ms)
		return;
	box->probed_at = eng_now(e);
	box->probes++;
	if (mus_ctl_probe(e, "musicd", sg->obj.name, e->zobj.name, NULL, NULL, &et) < 0)
		eng_event(e, 0, "", "probe", "musicd", LOG_NOTICE, "signer %s could not be probed on %s: %s",
		    box->name, e->zobj.name, et.s);
}

void
eng_probes_free(struct mus_engine *e)
{
	const struct mus_errtext stops = {"the daemon stops"};
	struct eng_probe *p;

	while ((p = LIST_FIRST(&e->probes))) {
		if (p->done)
			p->done(p->arg, MUS_ERR_CANCELLED, &stops, NULL);
		probe_free(p);
	}
	while (!LIST_EMPTY(&e->cleans))
		clean_free(LIST_FIRST(&e->cleans));
}
