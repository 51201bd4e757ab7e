/*
 * A peek: while a zone waits for its parent, one question to the server that has not followed yet
 * stands for a look.  The same answer as at the last look changes nothing, so nothing is loaded,
 * planned or stored; any other one brings on a look at once.  Thousands of zones may wait for days.
 */
#include "engine/int.h"

/* A TTL counts like a record: one that was served only once still bounds what caches hold. */
static uint64_t
sum_of_set(const struct mus_rrset *s)
{
	return mus_rrset_digest(s) + s->ttl_s * UINT64_C(0x9e3779b97f4a7c15);
}

/* What an answer says, whatever its order and signatures. */
static uint64_t
sum_of(const struct mus_rrset *answer, const struct mus_rrset *auth, size_t auth_count,
    const struct mus_rrset *glue, size_t glue_count)
{
	uint64_t sum = answer->count ? sum_of_set(answer) : 0;

	for (size_t i = 0; i < auth_count; i++)
		if (auth[i].type == MUS_TYPE_NS)
			sum += sum_of_set(&auth[i]);
	for (size_t i = 0; i < glue_count; i++)
		if (glue[i].type == MUS_TYPE_A || glue[i].type == MUS_TYPE_AAAA)
			sum += sum_of_set(&glue[i]);
	return sum;
}

static uint64_t
sum_of_msg(const struct eng_peek *p, const struct mus_dnsx_answer *a)
{
	struct mus_rrset answer = {.count = 0}, *auth, *glue = NULL;
	size_t auth_count, glue_count = 0;

	(void)mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &p->zone, p->type, a->arena, &answer);
	auth = mus_msg_rrsets(a->msg, MUS_SEC_AUTHORITY, a->arena, &auth_count);
	if (p->type == MUS_TYPE_NS)
		glue = mus_msg_rrsets(a->msg, MUS_SEC_ADDITIONAL, a->arena, &glue_count);
	return sum_of(&answer, auth, auth_count, glue, glue_count);
}

/* All that is not asked for meanwhile must stay fresh. */
static int64_t
peek_for_ms(const struct mus_engine *e)
{
	return 250 * (int64_t)e->o.policy.fresh_s;
}

static void
on_peek(void *arg, const struct mus_dnsx_answer *a)
{
	struct eng_zone *z = arg;
	struct eng_peek *p = &z->busy->peek;
	struct mus_engine *e = p->e;
	int64_t left_ms, poll_ms;
	bool same = a->err == 0 && !a->msg->tc && a->msg->rcode == MUS_RCODE_NOERROR &&
	    sum_of_msg(p, a) == p->sum && !mus_arena_failed(a->arena);

	p->req = NULL;
	e->stats.answers += a->err == 0;
	p->ready &= same;
	left_ms = p->until.ms - eng_now(e).ms;
	poll_ms = eng_poll_ms(e, z);
	eng_turn_over(e, z, !p->ready || left_ms < 0 ? 0 : left_ms < poll_ms ? left_ms : poll_ms);
}

bool
eng_peek(struct mus_engine *e, struct eng_zone *z)
{
	struct eng_peek *p = z->busy ? &z->busy->peek : NULL;
	struct mus_dnsx_ask ask;

	/* More than that is left only when the clock was set back. */
	if (!p || !p->ready || p->until.ms <= eng_now(e).ms ||
	    p->until.ms > mus_time_add_ms(eng_now(e), peek_for_ms(e)).ms)
		return false;
	ask = (struct mus_dnsx_ask){.server = p->server[p->next++ % p->server_count], .via = MUS_VIA_AUTO,
	    .query = {.name = p->zone, .type = p->type, .dnssec = true}};
	p->e = e;
	e->stats.questions++;
	return mus_dnsx_ask(e->o.dnsx, &ask, on_peek, z, &p->req) == 0;
}

static const struct mus_witness by_clock = {.rule = MUS_RULE_PARENTDS, .server = MUS_NOBODY};

/* Is it the parent alone that is waited for, beside the clock?  Then the first such wait.  By the
 * clock alone: any server of the parent, whose DS is watched meanwhile. */
static const struct mus_witness *
parent_wait(const struct mus_plan *plan, struct mus_time now)
{
	const struct mus_witness *found = plan->wait_count ? &by_clock : NULL;

	for (unsigned i = 0; i < plan->wait_count; i++) {
		const struct mus_witness *w = &plan->wait[i];

		if (mus_time_is_set(w->until) && w->until.ms > now.ms)
			continue;
		/* What time has ended is to be judged anew, by a look. */
		if (mus_time_is_set(w->until) || w->result != MUS_RES_FAILS ||
		    (w->rule != MUS_RULE_PARENTDS && w->rule != MUS_RULE_PARENTNS))
			return NULL;
		if (found == &by_clock)
			found = w;
	}
	return found;
}

static uint64_t
sum_of_answer(const struct eng_answer *a)
{
	return sum_of(&a->set, a->auth, a->auth_count, a->glue, a->glue_count);
}

/* Of the servers of the parent that say the same as this one, which is waited for: the one that was last
 * to follow before.  When it has followed, most likely all have, and one look is enough. */
static uint8_t
slowest(const struct eng_turn *t, enum eng_q q, uint8_t server)
{
	const struct eng_answer *found = NULL;
	bool ahead = false;
	uint64_t old;

	for (unsigned i = 0; i < t->ans_count && !found; i++)
		if (t->ans[i].q == q && t->ans[i].server == server && t->ans[i].cause == MUS_CAUSE_NONE)
			found = &t->ans[i];
	if (!found || !t->parent)
		return server;
	old = sum_of_answer(found);
	for (unsigned i = 0; i < t->ans_count; i++) {
		const struct eng_answer *a = &t->ans[i];

		if (a->q != q || a->cause != MUS_CAUSE_NONE)
			continue;
		if (sum_of_answer(a) != old)
			ahead = true;
		else if (mus_addr_equal(&a->addr, &t->parent->slowest))
			found = a;
	}
	if (ahead)
		t->parent->slowest = found->addr;
	return found->server;
}

/* The servers that may be peeked at, when all of them said the same. */
static bool
fill(struct eng_peek *p, const struct eng_turn *t, enum eng_q q, uint8_t server)
{
	for (unsigned i = 0; i < t->ans_count; i++) {
		const struct eng_answer *a = &t->ans[i];
		uint64_t sum;

		if (a->q != q || (server != MUS_NOBODY && a->server != server))
			continue;
		sum = sum_of_answer(a);
		if (a->cause != MUS_CAUSE_NONE || a->nxdomain || (p->server_count && sum != p->sum))
			return false;
		p->sum = sum;
		p->zone = a->qname;
		p->type = a->type;
		if (p->server_count < ENG_PEEK_MAX)
			p->server[p->server_count++] = a->addr;
	}
	return p->server_count > 0;
}

void
eng_peek_from(struct eng_turn *t, const struct mus_zonestate *st, const struct mus_plan *plan)
{
	const struct mus_witness *w = parent_wait(plan, eng_now(t->e));
	struct mus_engine *e = t->e;
	struct eng_busy *b = t->z->busy;
	enum eng_q q;

	if (!b)
		return;
	b->peek = (struct eng_peek){.ready = false};
	if (!plan->poll || !w || (w != &by_clock && w->server >= st->zone.server_count) || plan->act_count ||
	    plan->advanced || plan->need_copy || st->seen.pending_count || b->jobs || b->copying ||
	    b->step || b->forced != MUS_RULE_NONE)
		return;
	q = w->rule == MUS_RULE_PARENTDS ? ENG_Q_DS : ENG_Q_PNS;
	b->peek.ready = fill(&b->peek, t, q, w == &by_clock ? MUS_NOBODY : slowest(t, q, w->server));
	b->peek.until = mus_time_min(
	    plan->wake_at, mus_time_add_ms(t->at, peek_for_ms(e)));
}
