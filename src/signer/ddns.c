/*
 * Driver "ddns": DNS UPDATE (RFC 2136) over TCP with TSIG, then a look at the same server to see
 * whether it shows what it accepted (signers answer NOERROR to changes they drop).
 *
 * PowerDNS 4.7 accepts the deletion of a CSYNC by exact rdata and keeps it; only the deletion of the
 * RRset helps (docs/signers-verified.md).  So where a CSYNC stays that should have gone, and the
 * server shows nothing in that RRset but what this change is about, the RRset is deleted if it still
 * is what was shown, and what is to be there is added again in the same message.
 */
#include <stdlib.h>
#include <string.h>

#include "signer/driver.h"

enum { TYPES_MAX = 5, CSYNC_MAX = 4 };

struct question {			/* to the signer; of an UPDATE it is the first */
	struct mus_drv_job *j;
	struct mus_dnsx_req *req;	/* NULL: not under way */
};
struct mus_drv_job {
	struct mus_drv_target target;
	struct mus_arena arena;		/* copies of rdata */
	struct mus_drv_rr rr[MUS_DRV_RR_MAX];
	size_t count;
	uint16_t type[TYPES_MAX];	/* types to read back */
	unsigned type_count, left;
	struct question question[TYPES_MAX];
	struct mus_rdata stays[CSYNC_MAX];	/* shown CSYNC, when one of it should have gone */
	unsigned stays_count;
	bool swept;
	struct mus_drv_result result;
	mus_drv_fn *fn;
	void *arg;
};

static void
ddns_cancel(struct mus_drv_job *j)
{
	for (unsigned i = 0; i < TYPES_MAX; i++)
		mus_dnsx_cancel(j->question[i].req);
	mus_arena_clear(&j->arena);
	free(j);
}

static void
finish(struct mus_drv_job *j)
{
	mus_drv_fn *fn = j->fn;
	void *arg = j->arg;
	struct mus_drv_result result = j->result;

	ddns_cancel(j);			/* nothing is under way any more */
	fn(arg, &result);
}

static int
put_question(struct mus_drv_job *j, unsigned i, struct mus_dnsx_ask *ask, mus_dnsx_fn *fn)
{
	struct question *q = &j->question[i];

	ask->server = j->target.update;
	ask->via = MUS_VIA_TCP;
	ask->key = j->target.key;
	q->j = j;
	return mus_dnsx_ask(j->target.dnsx, ask, fn, q, &q->req);
}

/* The job whose question was answered. */
static struct mus_drv_job *
job_of(struct question *q)
{
	q->req = NULL;
	return q->j;
}

/* The first record of its type that the answer does not show as asked; NULL: all is as asked. */
static const struct mus_drv_rr *
not_as_asked(const struct mus_drv_job *j, uint16_t type, const struct mus_rrset *set)
{
	for (size_t i = 0; i < j->count; i++)
		if (j->rr[i].type == type && mus_rrset_has(set, j->rr[i].rd) == j->rr[i].del)
			return &j->rr[i];
	return NULL;
}

/* Keeps what is shown, when a CSYNC stays that should have gone and none is there that the change does
 * not name. */
static void
note_csync(struct mus_drv_job *j, const struct mus_rrset *set)
{
	bool stays = false;

	j->stays_count = 0;
	if (set->count > CSYNC_MAX)
		return;
	for (size_t i = 0; i < set->count; i++) {
		const struct mus_drv_rr *named = NULL;

		for (size_t k = 0; k < j->count && !named; k++)
			if (j->rr[k].type == MUS_TYPE_CSYNC &&
			    mus_rdata_cmp(j->rr[k].rd, set->rd[i]) == 0)
				named = &j->rr[k];
		if (!named)
			return;
		stays |= named->del;
	}
	for (size_t i = 0; stays && i < set->count; i++) {
		void *copy = mus_arena_copy(&j->arena, set->rd[i].data, set->rd[i].len);

		if (copy)
			j->stays[j->stays_count++] = (struct mus_rdata){copy, set->rd[i].len};
	}
}

static void read_back(struct mus_drv_job *j);

static void
on_swept(void *arg, const struct mus_dnsx_answer *a)
{
	struct mus_drv_job *j = job_of(arg);

	/* A refusal changes nothing: the words about what is not shown stand. */
	if (a->err != 0 || a->msg->rcode != MUS_RCODE_NOERROR) {
		finish(j);
		return;
	}
	j->result.outcome = MUS_DRV_SHOWN;
	read_back(j);
}

/* The CSYNC RRset is deleted, and what is to be there is added again. */
static int
sweep_csync(struct mus_drv_job *j)
{
	struct mus_upd_rr upd[2 * CSYNC_MAX + 1];
	uint8_t wire[1024];
	struct mus_dnsx_ask ask = {.once = true, .wire = wire};
	size_t n = 0;
	int len;

	for (unsigned i = 0; i < j->stays_count; i++)
		upd[n++] = (struct mus_upd_rr){.kind = MUS_UPD_PRE_RR, .owner = j->target.zone,
		    .type = MUS_TYPE_CSYNC, .rd = j->stays[i]};
	upd[n++] = (struct mus_upd_rr){.kind = MUS_UPD_DEL_CSYNC, .owner = j->target.zone,
	    .type = MUS_TYPE_CSYNC};
	for (size_t i = 0; i < j->count && n < sizeof upd / sizeof upd[0]; i++)
		if (j->rr[i].type == MUS_TYPE_CSYNC && !j->rr[i].del)
			upd[n++] = (struct mus_upd_rr){.kind = MUS_UPD_ADD,
			    .owner = j->target.zone, .type = MUS_TYPE_CSYNC,
			    .ttl_s = j->rr[i].ttl_s, .rd = j->rr[i].rd};
	len = mus_update_build(&j->target.zone, upd, n, 0, wire, sizeof wire);
	if (len < 0)
		return len;
	ask.wire_len = (size_t)len;
	j->result.messages++;
	return put_question(j, 0, &ask, on_swept);
}

/* All has been read back. */
static void
have_read(struct mus_drv_job *j)
{
	if (j->stays_count > 0 && !j->swept) {
		j->swept = true;
		if (sweep_csync(j) == 0)
			return;
	}
	finish(j);
}

/* Why an answer shows nothing of the zone's content; NULL: it does. */
static const char *
unread(const struct mus_dnsx_answer *a)
{
	if (a->err != 0)
		return a->words.s;
	if (a->msg->rcode != MUS_RCODE_NOERROR)
		return mus_rcode_text(a->msg->rcode);
	if (a->msg->tc)
		return "a truncated answer";
	return a->msg->aa ? NULL : "an answer that is not authoritative";
}

static void
on_read(void *arg, const struct mus_dnsx_answer *a)
{
	struct mus_drv_job *j = job_of(arg);
	const struct mus_drv_rr *rr;
	struct mus_rrset set;
	char type[MUS_TYPE_TEXT_MAX];
	const char *why = unread(a);

	j->left--;
	if (why) {
		/* Accepted, but we cannot see: the engine will look. */
		if (j->result.outcome == MUS_DRV_SHOWN) {
			j->result.outcome = MUS_DRV_NOT_SHOWN;
			mus_errf(&j->result.words, 0,
			    "the UPDATE was accepted (NOERROR), but could not be read back: %s", why);
		}
	} else {
		memset(&set, 0, sizeof set);
		mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &j->target.zone, a->msg->qtype, a->arena, &set);
		if (a->msg->qtype == MUS_TYPE_CSYNC)
			note_csync(j, &set);
		rr = not_as_asked(j, a->msg->qtype, &set);
		if (rr && j->result.outcome == MUS_DRV_SHOWN) {
			j->result.outcome = MUS_DRV_NOT_SHOWN;
			j->result.type = a->msg->qtype;
			mus_errf(&j->result.words, 0,
			    "the UPDATE was accepted (NOERROR), but %s %s it",
			    mus_type_text(a->msg->qtype, type), rr->del ? "still shows" : "does not show");
		}
	}
	if (j->left == 0)
		have_read(j);
}

static void
read_back(struct mus_drv_job *j)
{
	/* One more than asked, so that an early callback cannot finish the job under our feet. */
	j->left = 1;
	for (unsigned i = 0; i < j->type_count; i++) {
		struct mus_dnsx_ask ask = {.query = {.name = j->target.zone, .type = j->type[i]}};

		if (put_question(j, i, &ask, on_read) == 0)
			j->left++;
		else if (j->result.outcome == MUS_DRV_SHOWN)
			j->result.outcome = MUS_DRV_NOT_SHOWN;
	}
	if (--j->left == 0)
		have_read(j);
}

static void
on_update(void *arg, const struct mus_dnsx_answer *a)
{
	char why[MUS_TSIG_REASON_MAX];
	struct mus_drv_job *j = job_of(arg);

	if (a->err != 0 && !a->msg) {
		j->result.outcome = MUS_DRV_FAILED;
		j->result.words = a->words;
		j->result.silent = a->err == MUS_ERR_TIMEOUT || a->err == MUS_ERR_NET;
		finish(j);
		return;
	}
	j->result.rcode = a->msg->rcode;
	if (a->err != 0 && a->msg->rcode == MUS_RCODE_NOERROR) {
		/* NOERROR that cannot be trusted. */
		j->result.outcome = MUS_DRV_FAILED;
		j->result.words = a->words;
		finish(j);
		return;
	}
	switch (a->msg->rcode) {
	case MUS_RCODE_NOERROR:
		j->result.outcome = MUS_DRV_SHOWN;
		read_back(j);
		return;
	case MUS_RCODE_NXRRSET:
	case MUS_RCODE_YXRRSET:
	case MUS_RCODE_NXDOMAIN:
	case MUS_RCODE_YXDOMAIN:
		j->result.outcome = MUS_DRV_STALE;
		mus_errf(&j->result.words, 0, "the zone has changed meanwhile (%s)",
		    mus_rcode_text(a->msg->rcode));
		break;
	default:
		j->result.outcome = MUS_DRV_REFUSED;
		if (j->target.key && a->tsig != MUS_TSIG_OK &&
		    (a->tsig != MUS_TSIG_UNSIGNED || a->msg->rcode == MUS_RCODE_NOTAUTH))
			mus_errf(&j->result.words, 0, "UPDATE refused: %s (%s)", mus_rcode_text(a->msg->rcode),
			    mus_tsig_reason(a->tsig, a->ahead_s, a->msg->rcode, why));
		else
			mus_errf(&j->result.words, 0, "UPDATE refused: %s",
			    mus_rcode_text(a->msg->rcode));
		break;
	}
	finish(j);
}

static void
note_type(struct mus_drv_job *j, uint16_t type)
{
	for (unsigned i = 0; i < j->type_count; i++)
		if (j->type[i] == type)
			return;
	j->type[j->type_count++] = type;
}

/* Additions before deletions: an RRset that is renewed is never empty in between (RFC 2136 7.13). */
static size_t
fill(struct mus_drv_job *j, const struct mus_drv_change *c, struct mus_upd_rr *upd)
{
	size_t n = 0;
	bool deletes_ns = false;

	for (size_t i = 0; i < c->count; i++)
		deletes_ns |= c->rr[i].type == MUS_TYPE_NS && c->rr[i].del;
	for (size_t i = 0; deletes_ns && i < c->ns_was_count; i++)
		upd[n++] = (struct mus_upd_rr){.kind = MUS_UPD_PRE_RR,
		    .owner = j->target.zone, .type = MUS_TYPE_NS, .rd = c->ns_was[i]};
	for (int del = 0; del < 2; del++)
		for (size_t i = 0; i < j->count; i++)
			if (j->rr[i].del == (del == 1))
				upd[n++] = (struct mus_upd_rr){
				    .kind = del ? MUS_UPD_DEL_RR : MUS_UPD_ADD,
				    .owner = j->target.zone,
				    .type = j->rr[i].type,
				    .ttl_s = del ? 0 : j->rr[i].ttl_s,
				    .rd = j->rr[i].rd};
	return n;
}

static int
ddns_apply(const struct mus_drv_target *t, const struct mus_drv_change *change, mus_drv_fn *fn,
    void *arg, struct mus_drv_job **job)
{
	struct mus_drv_job *j = calloc(1, sizeof *j);
	struct mus_upd_rr *upd = calloc(MUS_DRV_RR_MAX + change->ns_was_count + 1, sizeof *upd);
	uint8_t *wire = malloc(MUS_MSG_MAX);
	int rc = MUS_ERR_NOMEM;
	struct mus_dnsx_ask ask = {.once = true, .wire = wire};

	if (!j || !upd || !wire)
		goto out;
	mus_arena_init(&j->arena, 1 << 20);
	j->target = *t;
	j->fn = fn;
	j->arg = arg;
	for (size_t i = 0; i < change->count; i++) {
		MUS_ASSERT(mus_drv_is_managed(change->rr[i].type));
		j->rr[i] = change->rr[i];
		j->rr[i].rd.data =
		    mus_arena_copy(&j->arena, change->rr[i].rd.data, change->rr[i].rd.len);
		note_type(j, change->rr[i].type);
	}
	j->count = change->count;
	j->result.messages = 1;
	if (mus_arena_failed(&j->arena))
		goto out;
	rc = mus_update_build(&t->zone, upd, fill(j, change, upd), 0, wire, MUS_MSG_MAX);
	if (rc < 0)
		goto out;
	ask.wire_len = (size_t)rc;
	rc = put_question(j, 0, &ask, on_update);
	if (rc == 0) {
		*job = j;
		j = NULL;
	}
out:
	if (j)
		mus_arena_clear(&j->arena);
	free(j);
	free(upd);
	free(wire);
	return rc;
}

const struct mus_driver mus_driver_ddns = {
    .name = "ddns", .needs_update_addr = true, .apply = ddns_apply, .cancel = ddns_cancel};
