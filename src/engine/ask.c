/*
 * The questions of a turn: every public server of every signer and of the parent, RD=0, DO=1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

/* A name no zone should have; its denial is watched. */
static const char nx_label[] = "_music-no-such-name";

static const struct {
	enum eng_q q;
	uint16_t type;
	enum mus_rr_kind kind;
} apex_questions[] = {
    {ENG_Q_KEY, MUS_TYPE_DNSKEY, MUS_RR_KEY},
    {ENG_Q_CDS, MUS_TYPE_CDS, MUS_RR_CDS},
    {ENG_Q_CDNSKEY, MUS_TYPE_CDNSKEY, MUS_RR_CDNSKEY},
    {ENG_Q_CSYNC, MUS_TYPE_CSYNC, MUS_RR_CSYNC},
    {ENG_Q_NS, MUS_TYPE_NS, MUS_RR_NS},
    {ENG_Q_SOA, MUS_TYPE_SOA, MUS_RR_SOA},
};

/* ---- what is asked for ----------------------------------------------------------------------- */

static bool
has_in_domain(const struct mus_zonestate *st)
{
	for (unsigned n = 0; n < st->zone.ns_count; n++)
		if (st->zone.ns[n].in_domain)
			return true;
	return false;
}

/* The kinds that servers of this origin are asked for: one bit for each question. */
static uint32_t
kinds_of(const struct mus_zonestate *st, const struct mus_zone_obj *zobj, unsigned origin)
{
	uint32_t kinds = 1u << MUS_RR_DENY0;

	if (origin == MUS_PARENT)
		return 1u << MUS_RR_DS | 1u << MUS_RR_PNS;
	if (origin >= st->zone.signer_count || st->zone.signer[origin].is_lost)
		return 0;
	for (unsigned k = 0; k < sizeof apex_questions / sizeof apex_questions[0]; k++)
		kinds |= 1u << apex_questions[k].kind;
	if (zobj->sample[0])
		kinds |= 1u << MUS_RR_NAME;
	if (has_in_domain(st))
		kinds |= 1u << MUS_RR_ADDR;
	return kinds;
}

/* Those of them that nobody asked for between ${before} and now: what was asked for in the future was
 * so before the clock was set back, and says nothing of its age. */
static uint32_t
old_kinds(const struct mus_zonestate *st, unsigned origin, uint32_t kinds, struct mus_time before,
    struct mus_time now)
{
	uint32_t old = 0;

	for (; kinds; kinds &= kinds - 1) {
		unsigned kind = (unsigned)__builtin_ctz(kinds);
		const struct mus_ring *ring =
		    mus_seen_ring_const(&st->seen, origin, (enum mus_rr_kind)kind);

		if (!mus_time_is_set(ring->asked_at) || ring->asked_at.ms <= before.ms ||
		    ring->asked_at.ms > now.ms)
			old |= 1u << kind;
	}
	return old;
}

bool
eng_is_old(const struct mus_zonestate *st, const struct mus_zone_obj *zobj, struct mus_time before,
    struct mus_time now)
{
	for (unsigned i = 0; i < st->zone.server_count; i++) {
		unsigned origin = st->zone.server[i].origin;

		if (old_kinds(st, origin, kinds_of(st, zobj, origin), before, now))
			return true;
	}
	return false;
}

/* Kinds that come with the answer to another question. */
static uint32_t
with_answers(uint32_t focus)
{
	if (focus & (1u << MUS_RR_DENY1 | 1u << MUS_RR_DENY2))
		focus |= 1u << MUS_RR_DENY0;
	if (focus >> MUS_RR_GLUE & 1)
		focus |= 1u << MUS_RR_PNS;
	return focus;
}

/* ---- answers --------------------------------------------------------------------------------- */

static enum mus_cause
cause_of_answer(const struct mus_msg *m, enum eng_q q)
{
	if (m->tc)
		return MUS_CAUSE_TRUNCATED;
	switch (m->rcode) {
	case MUS_RCODE_NOERROR:
	case MUS_RCODE_NXDOMAIN:
		break;
	case MUS_RCODE_REFUSED:
		return MUS_CAUSE_REFUSED;
	case MUS_RCODE_SERVFAIL:
		return MUS_CAUSE_SERVFAIL;
	case MUS_RCODE_NOTAUTH:
		return MUS_CAUSE_NOTAUTH;
	default:
		return MUS_CAUSE_RCODE;
	}
	/* A referral is right at the parent, for the delegation, and for a sample that lies below another one, which
	 * take.c finds out. */
	if (!m->aa && q != ENG_Q_DS && q != ENG_Q_PNS && q != ENG_Q_NAME && q != ENG_Q_WHOSE)
		return MUS_CAUSE_NOTAUTH;
	return MUS_CAUSE_NONE;
}

/* What stands at the sample, or leads away from there: its address, else the DNAME above it, of whose alias nothing is
 * signed (RFC 6672 5.3.1), else the alias. */
static bool
sample_set(const struct eng_answer *ans, const struct mus_dnsx_answer *a, struct mus_rrset *set)
{
	size_t n;
	const struct mus_rrset *list;

	if (mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &ans->qname, MUS_TYPE_A, a->arena, set))
		return true;
	list = mus_msg_rrsets(a->msg, MUS_SEC_ANSWER, a->arena, &n);
	for (size_t i = 0; i < n; i++)
		if (list[i].type == MUS_TYPE_DNAME && mus_name_in(&ans->qname, &list[i].owner) &&
		    !mus_name_equal(&ans->qname, &list[i].owner)) {
			*set = list[i];
			return true;
		}
	return mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &ans->qname, MUS_TYPE_CNAME, a->arena, set);
}

/* Keeps what later steps need; the answer itself is lent only for this call. */
static void
keep(struct eng_answer *ans, const struct mus_dnsx_answer *a)
{
	struct mus_arena *arena = &ans->turn->arena;
	struct mus_rrset set = {.count = 0}, *list;
	bool is_there = ans->q == ENG_Q_NAME
	    ? sample_set(ans, a, &set)
	    : mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &ans->qname, ans->type, a->arena, &set);
	size_t n;

	ans->aa = a->msg->aa;
	ans->rcode = a->msg->rcode;
	ans->nxdomain = a->msg->rcode == MUS_RCODE_NXDOMAIN;
	if (is_there && mus_rrset_copy(&ans->set, &set, arena) < 0)
		ans->cause = MUS_CAUSE_LOCAL;
	list = mus_msg_rrsets(a->msg, MUS_SEC_AUTHORITY, a->arena, &n);
	ans->auth = mus_rrsets_copy(list, n, arena);
	ans->auth_count = ans->auth ? n : 0;
	if (ans->q == ENG_Q_PNS) {
		list = mus_msg_rrsets(a->msg, MUS_SEC_ADDITIONAL, a->arena, &n);
		ans->glue = mus_rrsets_copy(list, n, arena);
		ans->glue_count = ans->glue ? n : 0;
	}
	if (mus_arena_failed(arena) || mus_arena_failed(a->arena))
		ans->cause = MUS_CAUSE_LOCAL;
}

static struct eng_answer *
add(struct eng_turn *t, enum eng_q q, unsigned server, const struct mus_name *name, uint16_t type)
{
	struct eng_answer *ans = &t->ans[t->ans_count];

	MUS_ASSERT(t->ans_count < t->ans_max);
	t->ans_count++;
	*ans = (struct eng_answer){
	    .turn = t, .q = q, .server = (uint8_t)server, .type = type, .qname = *name};
	return ans;
}

static void on_answer(void *arg, const struct mus_dnsx_answer *a);

static void
send_one(struct eng_turn *t, struct eng_answer *ans)
{
	struct mus_dnsx_ask ask = {.server = ans->addr,
	    .via = ans->q == ENG_Q_TCP ? MUS_VIA_TCP : MUS_VIA_AUTO,
	    .query = {.name = ans->qname, .type = ans->type, .dnssec = true}};

	t->e->stats.questions++;
	if (mus_dnsx_ask(t->e->o.dnsx, &ask, on_answer, ans, &ans->req) == 0) {
		t->left++;
	} else {
		ans->done = true;
		ans->cause = MUS_CAUSE_LOCAL;
	}
}

/* Data without a signature: of the zone, or of an unsigned one below it that the server has too? */
static void
ask_whose(struct eng_turn *t, const struct eng_answer *sample)
{
	struct eng_answer *ans = add(t, ENG_Q_WHOSE, sample->server, &sample->qname, MUS_TYPE_SOA);

	ans->addr = sample->addr;
	ans->origin = sample->origin;
	send_one(t, ans);
}

static void
on_answer(void *arg, const struct mus_dnsx_answer *a)
{
	struct eng_answer *ans = arg;
	struct eng_turn *t = ans->turn;

	ans->req = NULL;
	ans->done = true;
	ans->udp_silent = a->udp_silent;
	if (a->err != 0) {
		ans->cause = mus_cause_of_err(a->err);
		if (a->err == MUS_ERR_TIMEOUT)
			t->e->stats.timeouts++;
	} else {
		t->e->stats.answers++;
		ans->cause = cause_of_answer(a->msg, ans->q);
		if (ans->cause == MUS_CAUSE_NONE)
			keep(ans, a);
		if (ans->q == ENG_Q_NAME && ans->cause == MUS_CAUSE_NONE && ans->set.count && !ans->set.sig_count)
			ask_whose(t, ans);
	}
	if (--t->left == 0)
		eng_turn_done(t);
}

/* ---- questions -------------------------------------------------------------------------------- */

static void
signer_server(struct eng_turn *t, const struct mus_zonestate *st, unsigned i,
    const struct mus_name *zone, const struct mus_zone_obj *zobj, uint32_t kinds)
{
	struct mus_name name, label;

	for (unsigned k = 0; k < sizeof apex_questions / sizeof apex_questions[0]; k++)
		if (kinds >> apex_questions[k].kind & 1)
			add(t, apex_questions[k].q, i, zone, apex_questions[k].type);
	if ((kinds >> MUS_RR_DENY0 & 1) && mus_name_prepend(nx_label, zone, &name) == 0)
		add(t, ENG_Q_DENY, i, &name, MUS_TYPE_A);
	if (kinds >> MUS_RR_NAME & 1) {
		char text[256 + MUS_ZONETEXT_MAX + 2];

		snprintf(text, sizeof text, "%s.%s", zobj->sample, zobj->name);
		if (mus_name_parse(text, &label, NULL) == 0)
			add(t, ENG_Q_NAME, i, &label, MUS_TYPE_A);
	}
	for (unsigned n = 0; (kinds >> MUS_RR_ADDR & 1) && n < st->zone.ns_count; n++) {
		if (!st->zone.ns[n].in_domain || mus_name_parse(st->book.ns[n], &label, NULL) < 0)
			continue;
		add(t, ENG_Q_ADDR, i, &label, MUS_TYPE_A)->ns = (uint8_t)n;
		add(t, ENG_Q_ADDR, i, &label, MUS_TYPE_AAAA)->ns = (uint8_t)n;
	}
	/* A transport is tried while it is not known, and at every idle look. */
	if ((kinds >> MUS_RR_SOA & 1) &&
	    (st->seen.server[i].tcp != MUS_YES || st->want.proc.kind == MUS_PROC_NONE))
		add(t, ENG_Q_TCP, i, zone, MUS_TYPE_SOA);
}

/* What this server is asked for in this turn. */
static uint32_t
kinds_asked(const struct eng_turn *t, const struct mus_zonestate *st, const struct mus_zone_obj *zobj, unsigned i)
{
	unsigned origin = st->zone.server[i].origin;
	uint32_t kinds = kinds_of(st, zobj, origin);

	return kinds & (with_answers(t->focus) | old_kinds(st, origin, kinds, t->before, t->at));
}

/* Most questions that they can be. */
static unsigned
questions_max(const struct mus_zonestate *st, uint32_t kinds)
{
	unsigned n = (unsigned)__builtin_popcount(kinds) + (kinds >> MUS_RR_SOA & 1) + (kinds >> MUS_RR_NAME & 1);

	for (unsigned i = 0; (kinds >> MUS_RR_ADDR & 1) && i < st->zone.ns_count; i++)
		n += st->zone.ns[i].in_domain ? 2 : 0;
	return n;
}

static bool
compose(struct eng_turn *t, const struct mus_zonestate *st, const struct mus_zone_obj *zobj)
{
	uint32_t kinds[MUS_SERVERS_MAX];
	struct mus_name zone;

	for (unsigned i = 0; i < st->zone.server_count; i++) {
		kinds[i] = kinds_asked(t, st, zobj, i);
		t->ans_max += questions_max(st, kinds[i]);
	}
	if ((t->ans = mus_arena_alloc(&t->arena, t->ans_max * sizeof *t->ans)) == NULL)
		return false;
	if (mus_name_parse(zobj->name, &zone, NULL) < 0)
		return true;
	for (unsigned i = 0; i < st->zone.server_count; i++)
		if (st->zone.server[i].origin != MUS_PARENT) {
			signer_server(t, st, i, &zone, zobj, kinds[i]);
		} else {
			if (kinds[i] >> MUS_RR_DS & 1)
				add(t, ENG_Q_DS, i, &zone, MUS_TYPE_DS);
			if (kinds[i] >> MUS_RR_PNS & 1)
				add(t, ENG_Q_PNS, i, &zone, MUS_TYPE_NS);
		}
	return true;
}

static void
send(struct eng_turn *t, const struct mus_zonestate *st)
{
	/* One more than asked, so that the turn cannot end while questions are still being sent. */
	t->left = 1;
	for (unsigned i = 0, count = t->ans_count; i < count; i++) {
		struct eng_answer *ans = &t->ans[i];

		ans->addr = st->book.addr[ans->server];
		ans->origin = st->zone.server[ans->server].origin;
		send_one(t, ans);
	}
	if (--t->left == 0)
		eng_turn_done(t);
}

struct eng_turn *
eng_turn_new(struct mus_engine *e)
{
	struct eng_turn *t = e->spare_turns;

	if (t) {
		e->spare_turns = t->next;
		e->spare_turn_count--;
		*t = (struct eng_turn){.e = e, .arena = t->arena};
	} else if ((t = calloc(1, sizeof *t)) != NULL) {
		t->e = e;
		mus_arena_init(&t->arena, ENG_ARENA_MAX);
	}
	return t;
}

void
eng_turn_free(struct eng_turn *t)
{
	struct mus_engine *e;

	if (!t)
		return;
	for (unsigned i = 0; i < t->ans_count; i++)
		mus_dnsx_cancel(t->ans[i].req);
	e = t->e;
	if (e->spare_turn_count < ENG_SPARE_TURNS && t->arena.used_bytes <= ENG_SPARE_BYTES) {
		mus_arena_reset(&t->arena);
		t->next = e->spare_turns;
		e->spare_turns = t;
		e->spare_turn_count++;
		return;
	}
	mus_arena_clear(&t->arena);
	free(t);
}

void
eng_turns_free(struct mus_engine *e)
{
	while (e->spare_turns) {
		struct eng_turn *t = e->spare_turns;

		e->spare_turns = t->next;
		mus_arena_clear(&t->arena);
		free(t);
	}
}

bool
eng_turn_ask(struct eng_turn *t, const struct mus_zonestate *st, const struct mus_zone_obj *zobj)
{
	if (!compose(t, st, zobj))
		return false;
	send(t, st);
	return true;
}

static bool
is_to_act(const struct eng_zone *z, struct mus_time now)
{
	const struct eng_busy *b = z->busy;

	return b && (b->recheck || (mus_time_is_set(b->wake_at) && b->wake_at.ms < now.ms));
}

void
eng_turn_start(struct mus_engine *e, struct eng_zone *z)
{
	struct mus_zonestate *st = &e->scratch;
	struct mus_errtext et = {""};
	struct eng_turn *t = eng_turn_new(e);
	int rc;

	if (!t)
		goto later;
	t->z = z;
	t->at = eng_now(e);
	/* What is not asked for grows old, and nothing must. */
	t->focus = z->focus;
	t->before = mus_time_add_ms(
	    t->at, is_to_act(z, t->at) ? -e->o.recheck_ms : -500 * (int64_t)e->o.policy.fresh_s);
	/* What is read within a transaction needs no locks of its own; without one it is read all the same. */
	(void)eng_begin(e);
	if ((rc = eng_load_zone(e, z, &et)) == 0 && (rc = eng_load_state(e, z->id, st, &et)) == MUS_ERR_CONFLICT) {
		eng_tell_unreadable(e, z, &et);
		goto later;
	}
	if (rc < 0 || !eng_sync(e, &e->zobj, st, &et)) {
		eng_say(e, LOG_ERR, e->zobj.name, "cannot be looked at: %s", et.s);
		goto later;
	}
	if (eng_parent_is_awaited(e, &e->zobj, z->id) || eng_hosts_are_awaited(e, st))
		goto later;
	z->focus = 0;
	if (z->busy)
		z->busy->recheck = false;
	z->turn = t;
	e->stats.rounds++;
	if (eng_turn_ask(t, st, &e->zobj))
		return;
	z->turn = NULL;
later:
	eng_turn_free(t);
	eng_turn_over(e, z, e->o.poll_ms * 5);
}
