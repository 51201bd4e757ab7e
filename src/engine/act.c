/*
 * Actions into changes for drivers: exact records, each with the TTL that signer serves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/sets.h"
#include "engine/int.h"

static void
job_free(struct eng_job *j)
{
	mus_arena_clear(&j->arena);
	mus_tsig_key_free(j->own_key);
	eng_signer_release(j->signer);
	free(j);
}

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

/* Not again before its time: what was sent needs a while to be seen, and longer each time. */
static bool
may_send(struct mus_engine *e, struct eng_busy *b, uint64_t id)
{
	struct mus_time now = eng_now(e);

	for (unsigned i = 0; i < b->sent_count; i++)
		if (b->sent[i].id == id) {
			unsigned shift = b->sent[i].tries > 6 ? 6 : b->sent[i].tries - 1u;

			return mus_time_add_ms(b->sent[i].at, e->o.retry_ms << shift).ms <= now.ms;
		}
	return true;
}

static void
mark_sent(struct mus_engine *e, struct eng_busy *b, uint64_t id)
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
job_new(struct mus_engine *e, const struct mus_zone_obj *zobj, const struct mus_zonestate *st,
    unsigned s, struct mus_errtext *et)
{
	struct eng_signer *sg = eng_signer_get(e, st->book.signer_id[s], et);
	struct eng_job *j;
	const char *own = NULL;

	if (!sg || !sg->driver || !sg->driver->apply)
		return NULL;
	j = calloc(1, sizeof *j);
	if (!j)
		return NULL;
	mus_arena_init(&j->arena, 1 << 20);
	j->e = e;
	j->signer = eng_signer_hold(sg);
	j->zone_id = zobj->id;
	j->signer_id = sg->obj.id;
	j->driver = sg->driver;
	snprintf(j->zone, sizeof j->zone, "%s", zobj->name);
	j->target = (struct mus_drv_target){
	    .dnsx = e->o.dnsx, .update = sg->obj.update, .key = sg->key};
	for (unsigned i = 0; i < zobj->signer_count; i++)
		if (zobj->signer[i].signer_id == sg->obj.id && zobj->signer[i].key_file[0])
			own = zobj->signer[i].key_file;
	if (own) {
		if (mus_tsig_key_load(own, &j->own_key, et) < 0)
			goto fail;
		j->target.key = j->own_key;
	} else if (sg->obj.key_file[0] && !sg->key) {
		*et = sg->key_error;
		goto fail;
	}
	if (mus_name_parse(zobj->name, &j->target.zone, et) < 0)
		goto fail;
	return j;
fail:
	job_free(j);
	return NULL;
}

/* All actions of one signer in one UPDATE. */
static void
act_signer(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, const struct mus_plan *plan, unsigned s)
{
	struct mus_errtext et = {""};
	struct eng_busy *b = eng_busy(z);
	struct eng_job *j = NULL;
	char text[MUS_TEXT_MAX];

	if (!b)
		return;
	for (unsigned i = 0; i < plan->act_count; i++) {
		const struct mus_act *a = &plan->act[i];
		size_t had;

		if (a->kind != MUS_ACT_CHANGE || a->signer != s || !may_send(e, b, a->id))
			continue;
		if (!j && !(j = job_new(e, zobj, st, s, &et))) {
			eng_event(e, zobj->id, zobj->name, "alarm", "musicd", LOG_ERR,
			    "%s cannot be changed: %s", st->book.signer[s], et.s);
			mark_sent(e, b, a->id);
			return;
		}
		had = j->change.count;
		if (j->sent_count == sizeof j->sent / sizeof j->sent[0] ||
		    !mus_pending_add(&st->seen, a, eng_now(e)) || !put_act(j, st, a)) {
			j->change.count = had;	/* did not fit: next turn */
			continue;
		}
		j->sent[j->sent_count++] = (struct eng_sent){.id = a->id, .at = eng_now(e)};
		mark_sent(e, b, a->id);
		mus_act_text(&st->book, &st->zone, a, text);
		eng_event(e, zobj->id, zobj->name, "action", "musicd", LOG_INFO, "%s", text);
		if (!j->words[0])
			snprintf(j->words, sizeof j->words, "%s", text);
	}
	if (!j)
		return;
	if (j->change.count == 0) {
		job_free(j);
		return;
	}
	b->jobs++;
	*e->jobs_tail = j;
	e->jobs_tail = &j->next;
}

void
eng_act(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, const struct mus_plan *plan)
{
	for (unsigned s = 0; s < st->zone.signer_count; s++)
		act_signer(e, z, zobj, st, plan, s);
}

/* ---- sending -------------------------------------------------------------------------------------- */

static void
on_result(void *arg, const struct mus_drv_result *r)
{
	struct eng_job *j = arg;
	struct mus_engine *e = j->e;
	struct eng_zone *z = eng_zone_get(e, j->zone_id);
	const char *who = j->signer->obj.name;

	if (z && z->busy && z->busy->jobs)
		z->busy->jobs--;
	switch (r->outcome) {
	case MUS_DRV_SHOWN:
		break;
	case MUS_DRV_NOT_SHOWN:
	case MUS_DRV_REFUSED:
	case MUS_DRV_FAILED:
		e->stats.updates_failed++;
		eng_event(e, j->zone_id, j->zone, "refused", "musicd", LOG_WARNING, "%s: %s (%s)", who,
		    r->words.s, j->words);
		break;
	case MUS_DRV_STALE:
		eng_event(e, j->zone_id, j->zone, "stale", "musicd", LOG_INFO, "%s: %s", who, r->words.s);
		break;
	}
	/* When all changes of this plan are answered: one look at what was changed, not one for each. */
	if (z && !(z->busy && z->busy->jobs))
		eng_wake(e, z, 0, r->outcome == MUS_DRV_SHOWN ? 0 : e->o.poll_ms);
	if (r->outcome == MUS_DRV_REFUSED && r->rcode == MUS_RCODE_NOTAUTH)
		eng_signer_forget(e, j->signer_id);	/* the key file may be another by now */
	job_free(j);
}

void
eng_send_jobs(struct mus_engine *e)
{
	struct eng_job *j = e->jobs, *next;

	e->jobs = NULL;
	e->jobs_tail = &e->jobs;
	for (; j; j = next) {
		struct mus_drv_result failed = {.outcome = MUS_DRV_FAILED};
		int rc = MUS_ERR_STORE;

		next = j->next;
		/* What is not on disk is not sent; the next turn plans it again. */
		if (!e->tx_failed && !e->stopping) {
			e->stats.updates_sent++;
			rc = j->driver->apply(&j->target, &j->change, on_result, j);
		}
		if (rc == 0)
			continue;
		mus_errf(&failed.words, rc, "not sent: %s", mus_err_text(rc));
		if (rc == MUS_ERR_STORE) {
			struct eng_zone *z = eng_zone_get(e, j->zone_id);

			if (z && z->busy && z->busy->jobs)
				z->busy->jobs--;
			job_free(j);
		} else {
			on_result(j, &failed);
		}
	}
}
