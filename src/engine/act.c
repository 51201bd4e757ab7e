/*
 * Actions into changes for drivers: exact records, each with the TTL that signer serves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/sets.h"
#include "engine/int.h"

/* ---- records ------------------------------------------------------------------------------------ */

static bool
put(struct eng_job *j, uint16_t type, bool del, uint32_t ttl_s, const void *rdata, size_t len)
{
	struct mus_drv_rr *rr;

	if (j->change.count == MUS_DRV_RR_MAX)
		return false;
	rr = &j->change.rr[j->change.count];
	*rr = (struct mus_drv_rr){.type = type, .del = del, .ttl_s = ttl_s};
	rr->rd.data = mus_arena_copy(&j->arena, rdata, len);
	rr->rd.len = (uint16_t)len;
	if (!rr->rd.data)
		return false;
	j->change.count++;
	return true;
}

/* The TTL a signer serves for an RRset, or for its DNSKEY where it has none of it yet: a foreign
 * record with another TTL stops an inline-signed zone (signers.md B1). */
static uint32_t
served_ttl_s(const struct mus_zonestate *st, unsigned s, enum mus_rr_kind kind)
{
	const enum mus_rr_kind order[] = {kind, MUS_RR_KEY, MUS_RR_SOA};

	for (unsigned o = 0; o < 3; o++) {
		const struct mus_ring *ring = &st->seen.signer[s][order[o]];

		for (unsigned i = ring->count; i-- > 0;)
			if (ring->v[i].srv && !(ring->v[i].flags & MUS_VER_ABSENT))
				return ring->v[i].serve_ttl_s;
	}
	return 300;
}

static bool
put_keys(struct eng_job *j, const struct mus_zonestate *st, const struct mus_act *a, uint16_t type)
{
	uint32_t ttl_s = served_ttl_s(st, a->signer, a->rr);

	for (uint64_t m = a->add | a->del; m; m &= m - 1) {
		unsigned k = (unsigned)__builtin_ctzll(m);

		if (!put(j, type, (a->del >> k & 1) != 0, ttl_s, st->book.key[k].rdata,
			st->book.key[k].len))
			return false;
	}
	return true;
}

static bool
put_cds(struct eng_job *j, const struct mus_zonestate *st, const struct mus_act *a)
{
	uint32_t ttl_s = served_ttl_s(st, a->signer, MUS_RR_CDS);

	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		for (uint64_t m = a->add_dt[t] | a->del_dt[t]; m; m &= m - 1) {
			unsigned k = (unsigned)__builtin_ctzll(m);
			struct mus_rdata rd = {st->book.key[k].rdata, st->book.key[k].len};
			uint8_t ds[MUS_DS_RDATA_MAX];
			int len = mus_ds_make(&j->target.zone, rd, mus_dt_number[t], ds);

			if (len < 0 || !put(j, MUS_TYPE_CDS, (a->del_dt[t] >> k & 1) != 0, ttl_s, ds,
					   (size_t)len))
				return false;
		}
	return true;
}

static bool
put_ns(struct eng_job *j, const struct mus_zonestate *st, const struct mus_act *a)
{
	const struct mus_ring *ring = &st->seen.signer[a->signer][MUS_RR_NS];
	uint32_t ttl_s = served_ttl_s(st, a->signer, MUS_RR_NS);
	struct mus_name name;

	for (uint64_t m = a->add | a->del; m; m &= m - 1) {
		unsigned n = (unsigned)__builtin_ctzll(m);

		if (mus_name_parse(st->book.ns[n], &name, NULL) < 0 ||
		    !put(j, MUS_TYPE_NS, (a->del >> n & 1) != 0, ttl_s, name.wire, name.len))
			return false;
	}
	if (!a->del || ring->count == 0)
		return true;
	/* Deleted only from the set we know: what is seen now, when all servers agree. */
	for (unsigned i = 0, showing = 0; i < ring->count; i++) {
		if (!ring->v[i].srv)
			continue;
		if (showing++ || ring->v[i].stray) {
			j->change.ns_was_count = 0;
			return true;
		}
		j->change.ns_was = mus_arena_alloc(&j->arena, MUS_NSNAMES_MAX * sizeof(struct mus_rdata));
		if (!j->change.ns_was)
			return false;
		for (uint64_t m = ring->v[i].set; m; m &= m - 1) {
			struct mus_rdata *rd = &j->change.ns_was[j->change.ns_was_count];

			if (mus_name_parse(st->book.ns[__builtin_ctzll(m)], &name, NULL) < 0)
				return false;
			rd->data = mus_arena_copy(&j->arena, name.wire, name.len);
			rd->len = name.len;
			j->change.ns_was_count++;
		}
	}
	return true;
}

static bool
put_csync(struct eng_job *j, const struct mus_zonestate *st, const struct mus_act *a)
{
	uint16_t types[3] = {MUS_TYPE_A, MUS_TYPE_NS, MUS_TYPE_AAAA};
	unsigned from = 1, count = 1;
	uint32_t ttl_s = served_ttl_s(st, a->signer, MUS_RR_CSYNC);

	for (unsigned n = 0; n < st->zone.ns_count; n++)
		if (st->zone.ns[n].in_domain && st->zone.ns[n].owner < st->zone.signer_count &&
		    (st->want.nsg >> st->zone.ns[n].owner & 1)) {
			from = 0;
			count = 3;
		}
	for (unsigned i = 0; i < (unsigned)a->del_aux_count + (a->add ? 1 : 0); i++) {
		bool del = i < a->del_aux_count;
		uint64_t aux = del ? a->del_aux[i] : (uint64_t)a->csync_serial << 16 | 1;
		uint8_t rd[64] = {(uint8_t)(aux >> 40), (uint8_t)(aux >> 32), (uint8_t)(aux >> 24),
		    (uint8_t)(aux >> 16), (uint8_t)(aux >> 8), (uint8_t)aux};
		size_t len = mus_bitmap_encode(types + from, count, rd + 6, sizeof rd - 6);

		if (!put(j, MUS_TYPE_CSYNC, del, ttl_s, rd, len + 6))
			return false;
		/* Ours may carry the other bitmap, from before the names changed. */
		if (del) {
			len = mus_bitmap_encode(
			    types + (from ? 0 : 1), from ? 3 : 1, rd + 6, sizeof rd - 6);
			if (!put(j, MUS_TYPE_CSYNC, true, ttl_s, rd, len + 6))
				return false;
		}
	}
	return true;
}

static bool
put_act(struct eng_job *j, const struct mus_zonestate *st, const struct mus_act *a)
{
	switch (a->rr) {
	case MUS_RR_KEY:
		return put_keys(j, st, a, MUS_TYPE_DNSKEY);
	case MUS_RR_CDNSKEY:
		return put_keys(j, st, a, MUS_TYPE_CDNSKEY);
	case MUS_RR_CDS:
		return put_cds(j, st, a);
	case MUS_RR_NS:
		return put_ns(j, st, a);
	case MUS_RR_CSYNC:
		return put_csync(j, st, a);
	default:
		return true;
	}
}

/* ---- when --------------------------------------------------------------------------------------- */

/* Not again before its time: what was sent needs a while to be seen, and longer each time, up to eight times
 * as long: whoever has refused it may take it by then. */
bool
eng_may_send(struct mus_engine *e, struct eng_busy *b, uint64_t id)
{
	enum { SHIFT_MAX = 3 };
	struct mus_time now = eng_now(e);

	for (unsigned i = 0; i < b->sent_count; i++)
		if (b->sent[i].id == id) {
			unsigned shift = b->sent[i].tries > SHIFT_MAX ? SHIFT_MAX : b->sent[i].tries - 1u;

			return mus_time_add_ms(b->sent[i].at, e->o.retry_ms << shift).ms <= now.ms;
		}
	return true;
}

void
eng_sent_forget(struct eng_busy *b, uint64_t id)
{
	for (unsigned i = 0; i < b->sent_count; i++)
		if (b->sent[i].id == id) {
			b->sent[i] = b->sent[--b->sent_count];
			return;
		}
}

void
eng_sent_mark(struct mus_engine *e, struct eng_busy *b, uint64_t id)
{
	struct eng_sent *s = NULL;

	for (unsigned i = 0; i < b->sent_count; i++)
		if (b->sent[i].id == id)
			s = &b->sent[i];
	if (!s && b->sent_count < ENG_SENT_MAX)
		s = &b->sent[b->sent_count++];
	if (!s) {
		/* The oldest gives way: it may be sent once more than needed. */
		s = &b->sent[0];
		for (unsigned i = 1; i < b->sent_count; i++)
			if (b->sent[i].at.ms < s->at.ms)
				s = &b->sent[i];
		s->tries = 0;
	}
	if (s->id != id)
		s->tries = 0;
	s->id = id;
	s->at = eng_now(e);
	if (s->tries < 255)
		s->tries++;
}

static struct eng_job *
job_new(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    const struct mus_zonestate *st, unsigned s, struct mus_errtext *et)
{
	struct eng_signer *sg = eng_signer_get(e, st->book.signer_id[s], et);
	struct eng_box *box = sg ? eng_box_for(e, sg) : NULL;
	struct eng_job *j;

	if (!box || !sg->driver || !sg->driver->apply)
		return NULL;
	j = calloc(1, sizeof *j);
	if (!j)
		return NULL;
	mus_arena_init(&j->arena, 1 << 20);
	j->e = e;
	j->box = box;
	j->signer = eng_signer_hold(sg);
	j->zone_id = j->item.zone_id = zobj->id;
	j->signer_id = sg->obj.id;
	j->idx = (uint8_t)s;
	j->driver = sg->driver;
	j->made_at = eng_now(e);
	snprintf(j->zone, sizeof j->zone, "%s", zobj->name);
	j->target = (struct mus_drv_target){.dnsx = e->o.dnsx, .update = sg->obj.update};
	if (eng_key_for(zobj, sg, &j->own_key, &j->target.key, et) < 0 ||
	    mus_name_parse(zobj->name, &j->target.zone, et) < 0) {
		eng_job_free(j);
		return NULL;
	}
	j->z = z;
	j->zone_next = z->busy->jobs;
	z->busy->jobs = j;
	return j;
}

/* What the zone has on its way to a signer and not sent yet, taken out of the queue; NULL: nothing. */
static struct eng_job *
take_unsent(struct eng_zone *z, int64_t signer_id)
{
	for (struct eng_job *j = z->busy->jobs; j; j = j->zone_next) {
		if (j->signer_id != signer_id || j->withdrawn || j->state == ENG_JOB_SENT)
			continue;
		if (j->state == ENG_JOB_WAITING)
			mus_outbox_withdraw(&j->box->out, &j->item);
		j->withdrawn = true;
		return j;
	}
	return NULL;
}

/* All actions for one signer that fit, and are due, into a job; NULL: none. */
static struct eng_job *
compose(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, const struct mus_plan *plan, unsigned s, const struct eng_job *old)
{
	struct mus_errtext et = {""};
	struct eng_job *j = NULL;
	char text[MUS_TEXT_MAX];

	for (unsigned i = 0; i < plan->act_count; i++) {
		const struct mus_act *a = &plan->act[i];
		size_t had;

		if (a->kind != MUS_ACT_CHANGE || a->signer != s || !eng_may_send(e, z->busy, a->id))
			continue;
		if (!j && !(j = job_new(e, z, zobj, st, s, &et))) {
			eng_event(e, zobj->id, zobj->name, "alarm", "musicd", LOG_ERR,
			    "%s cannot be changed: %s", st->book.signer[s], et.s);
			snprintf(z->busy->trouble[s].change, sizeof z->busy->trouble[s].change, "%s", et.s);
			eng_sent_mark(e, z->busy, a->id);
			return NULL;
		}
		had = j->change.count;
		if (j->id_count == sizeof j->id / sizeof j->id[0] ||
		    !mus_pending_add(&st->seen, a, eng_now(e)) || !put_act(j, st, a)) {
			j->change.count = had;	/* did not fit: next turn */
			continue;
		}
		mus_act_text(&st->book, &st->zone, a, text);
		j->text[j->id_count] = mus_arena_copy(&j->arena, text, strlen(text) + 1);
		if (!j->text[j->id_count]) {
			j->change.count = had;
			continue;
		}
		j->id[j->id_count++] = a->id;
		if (!eng_has_act(old, a->id))
			eng_event(e, zobj->id, zobj->name, "action", "musicd", LOG_INFO, "%s", text);
		if (!j->words[0])
			snprintf(j->words, sizeof j->words, "%s", text);
	}
	if (j && j->change.count == 0) {
		eng_job_free(j);
		return NULL;
	}
	return j;
}

/* All actions of one signer in one UPDATE, in the place of what waited there; NULL: nothing is to be sent. */
static struct eng_job *
act_signer(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, const struct mus_plan *plan, unsigned s, const struct eng_job *old)
{
	struct eng_box *box = eng_box_get(e, st->book.signer_id[s], st->book.signer[s]);
	struct mus_errtext et;
	struct eng_job *j;

	if (!box)
		return NULL;
	if (!old && box->out.waiting_count + box->coming >= box->out.waiting_max) {
		box->stats.full++;
		return NULL;
	}
	j = compose(e, z, zobj, st, plan, s, old);
	if (!j)
		return NULL;
	if (eng_begin(e) == 0 && mus_store_count_sent(e->o.store, &et) < 0)
		eng_store_failed(e, zobj->name, &et);
	j->item.place = old ? old->item.place : 0;
	box->coming++;
	*e->jobs_tail = j;
	e->jobs_tail = &j->next;
	return j;
}

void
eng_act(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, struct mus_plan *plan)
{
	struct eng_job *old[MUS_SIGNERS_MAX] = {NULL};
	uint32_t signers = eng_signers_to_change(plan);

	eng_queue_waits(e, z, st, plan);
	if (signers ? !eng_busy(z) : !z->busy)
		return;
	/* What is sent is always what the last look asks for: nothing older stays in a queue. */
	for (unsigned s = 0; s < st->zone.signer_count; s++)
		old[s] = take_unsent(z, st->book.signer_id[s]);
	eng_withdraw(z);
	for (unsigned s = 0; s < st->zone.signer_count; s++) {
		struct eng_job *j = signers >> s & 1 ? act_signer(e, z, zobj, st, plan, s, old[s]) : NULL;

		if (old[s])
			eng_tell_withdrawn(old[s], j);
		if (old[s] && old[s]->state == ENG_JOB_WAITING)
			eng_job_free(old[s]);	/* what is still coming is freed after the commit */
	}
}
