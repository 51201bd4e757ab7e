/*
 * Signers that are lost for good: what the operator's word for it means, and what is left of the danger while
 * resolvers may still be led to them (OP-9).
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "core/observe.h"
#include "engine/control_int.h"

/* ---- what was seen of it -------------------------------------------------------------------- */

/* The zone, the signer in it, and how its servers showed in the latest round. */
struct loss {
	struct mus_engine *e;
	const struct mus_ctl_loss *ask;
	struct mus_zone_obj o;
	struct mus_signer_obj s;
	struct mus_group_obj g;
	const struct mus_zonestate *st;
	int at;				/* its place in the zone, or -1 */
	bool was_lost;			/* told before: what was seen then is no news */
	struct mus_time asked_at;	/* of the latest round; not set: there was none */
	uint64_t all, answer, silent;	/* servers; what is neither is not known */
};

/* An error is no answer, and what never left this machine is no silence. */
static void
look_back(struct loss *l)
{
	const struct mus_ring *ring = l->at >= 0 ? l->st->seen.signer[l->at] : NULL;

	l->asked_at = MUS_TIME_ALWAYS;
	l->all = l->answer = l->silent = 0;
	if (!ring)
		return;
	l->all = mus_servers_of(&l->st->zone, (unsigned)l->at);
	for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
		if (mus_time_is_set(ring[k].asked_at))
			l->asked_at = mus_time_max(l->asked_at, ring[k].asked_at);
	for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++) {
		if (ring[k].asked_at.ms != l->asked_at.ms)
			continue;
		l->answer |= ring[k].ok & l->all;
		if (ring[k].fail_cause != MUS_CAUSE_LOCAL)
			l->silent |= ring[k].fail & l->all;
	}
	l->silent &= ~l->answer;
}

static bool
is_fresh(const struct loss *l, struct mus_time asked_at)
{
	struct mus_policy policy;

	eng_policy_of(l->e, &l->o, NULL, &policy);
	eng_policy_idle(l->e, &policy);
	return mus_time_is_set(asked_at) && mus_time_add_s(asked_at, policy.fresh_s).ms >= eng_now(l->e).ms;
}

/* When nobody answers it may be our own line that is down. */
static bool
others_answer(const struct loss *l)
{
	const struct mus_ring *ds = mus_seen_ring_const(&l->st->seen, MUS_PARENT, MUS_RR_DS);
	bool any = ds->ok && is_fresh(l, ds->asked_at);

	for (unsigned s = 0; s < l->st->zone.signer_count; s++)
		for (unsigned k = 0; (int)s != l->at && k < MUS_RR_SIGNER_COUNT; k++) {
			const struct mus_ring *ring = &l->st->seen.signer[s][k];

			any |= ring->ok && is_fresh(l, ring->asked_at);
		}
	return any;
}

static const char *
age_of(const struct loss *l, char out[static MUS_SPAN_TEXT_MAX])
{
	int64_t ms = mus_time_is_set(l->asked_at) ? eng_now(l->e).ms - l->asked_at.ms : 0;

	return mus_span_text_s(ms > 0 ? ms / 1000 : 0, out);
}

/* "ns1.knot.net. (10.53.3.1)" */
static void
say_server(const struct mus_zonestate *st, unsigned i, struct mus_buf *out)
{
	unsigned ns = st->zone.server[i].ns;
	char addr[MUS_ADDR_TEXT_MAX];

	mus_addr_text(&st->book.addr[i], 53, addr);
	if (ns < st->zone.ns_count)
		mus_buf_printf(out, "%s (%s)", st->book.ns[ns], addr);
	else
		mus_buf_add_str(out, addr);
}

static void
say_servers(const struct loss *l, uint64_t servers, struct mus_buf *out)
{
	for (uint64_t m = servers; m; m &= m - 1) {
		say_server(l->st, (unsigned)__builtin_ctzll(m), out);
		mus_buf_add_str(out, m & (m - 1) ? ", " : "");
	}
}

/* The name servers of its own that its copy lists, as it was last seen. */
static uint64_t
lists_itself(const struct loss *l)
{
	const struct mus_ring *ring = l->at >= 0 ? &l->st->seen.signer[l->at][MUS_RR_NS] : NULL;
	uint64_t own = 0;

	for (unsigned n = 0; ring && n < l->st->zone.ns_count; n++)
		if (l->st->zone.ns[n].owner == l->at)
			own |= mus_bit(n);
	return ring && ring->count ? ring->v[ring->count - 1].set & own : 0;
}

/* The largest TTL that is known of anything that may lead to it, or come from it. */
static uint32_t
largest_ttl_s(const struct loss *l)
{
	const struct mus_seen *seen = &l->st->seen;
	uint32_t ttl_s = l->s.max_ttl_s;

	for (unsigned k = 0; k < MUS_RR_PARENT_COUNT; k++)
		ttl_s = seen->parent[k].ttl_max_s > ttl_s ? seen->parent[k].ttl_max_s : ttl_s;
	for (unsigned s = 0; s < l->st->zone.signer_count; s++) {
		ttl_s = seen->copy[s].ttl_max_s > ttl_s ? seen->copy[s].ttl_max_s : ttl_s;
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
			ttl_s = seen->signer[s][k].ttl_max_s > ttl_s ? seen->signer[s][k].ttl_max_s : ttl_s;
	}
	for (unsigned i = 0; i < l->o.signer_count; i++)
		if (l->o.signer[i].signer_id == l->s.id && l->o.signer[i].max_ttl_s > ttl_s)
			ttl_s = l->o.signer[i].max_ttl_s;
	return ttl_s;
}

/* ---- may it be declared? -------------------------------------------------------------------- */

/* A signer that the zone has, or is to have: else it is a slip of the name. */
static int
check_takes_part(const struct loss *l, struct mus_errtext *et)
{
	if (eng_is_in(&l->g, l->s.id) || (l->at >= 0 && (mus_want_part(&l->st->want) >> l->at & 1)))
		return 0;
	return mus_errf(et, MUS_ERR_CONFLICT, "signer %s takes no part in zone %.200s: it is not in its group, "
	    "and nothing waits for it", l->s.name, l->o.name);
}

/* Resolvers that found the zone through a signer that answers stay with it, and fail when the others drop its keys. */
static int
check_is_silent(const struct loss *l, struct mus_errtext *et)
{
	char age[MUS_SPAN_TEXT_MAX];
	struct mus_buf servers;
	int rc = 0;

	if (l->ask->forced || l->was_lost || l->all == 0)
		return 0;
	if (!is_fresh(l, l->asked_at))
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s: nobody has looked at its servers lately, so whether it is silent is not known; "
		    "they are looked at now: ask again, or force it", l->s.name);
	mus_buf_init(&servers, 0);
	age_of(l, age);
	if (l->answer) {
		say_servers(l, l->answer, &servers);
		rc = mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s answers: %.200s, seen %s ago. Who answers is not lost: let it leave as it is, "
		    "or have its servers taken off the net; or force it", l->s.name, eng_said(&servers), age);
	} else if (l->all & ~l->silent) {
		say_servers(l, l->all & ~l->silent, &servers);
		rc = mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s: %.200s could not be asked %s ago, so whether it is silent is not known: "
		    "ask again, or force it", l->s.name, eng_said(&servers), age);
	} else if (!others_answer(l)) {
		rc = mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s is silent, and so is everybody else: the fault may be on this side; "
		    "ask again when others answer, or force it", l->s.name);
	}
	mus_buf_clear(&servers);
	return rc;
}

/* ---- what it means -------------------------------------------------------------------------- */

static void
say_seen(const struct loss *l, struct mus_buf *out)
{
	char age[MUS_SPAN_TEXT_MAX];
	uint64_t unknown = l->all & ~l->answer & ~l->silent;

	if (l->was_lost) {
		mus_buf_printf(out, "%s is declared lost already; nobody has asked it since.\n", l->s.name);
		return;
	}
	if (l->all == 0)
		mus_buf_printf(out, "No public server of %s is known here: whether it is silent, nobody has looked.\n",
		    l->s.name);
	age_of(l, age);
	for (unsigned i = 0; i < l->st->zone.server_count; i++) {
		if (!(l->all >> i & 1))
			continue;
		say_server(l->st, i, out);
		if (unknown >> i & 1)
			mus_buf_add_str(out, " has not been asked yet.\n");
		else
			mus_buf_printf(out, " %s, as of %s ago.\n",
			    l->answer >> i & 1 ? "ANSWERS" : "gives no answer with the zone", age);
	}
}

static void
say_danger(const struct loss *l, struct mus_buf *out)
{
	char span[MUS_SPAN_TEXT_MAX];
	uint64_t listed = lists_itself(l);

	if (listed) {
		mus_buf_add_str(out, "Its copy lists itself:");
		for (uint64_t m = listed; m; m &= m - 1)
			mus_buf_printf(out, " %s", l->st->book.ns[__builtin_ctzll(m)]);
		mus_buf_add_str(out, ". ");
	}
	mus_buf_printf(out,
	    "Should a server of it answer, resolvers that found the zone through it stay with it, and fail as "
	    "soon as its DNSKEYs are withdrawn at the others; nothing here prevents that, and no rule sees it. "
	    "It must be silent.\nFrom now on nothing waits for it, and nobody asks it: the zone carries a WARN "
	    "until it has left and %s more, the largest TTL known, are over.\n",
	    mus_span_text_s(largest_ttl_s(l), span));
}

/* How it goes on: it leaves when it is told to, unless it has been. */
static void
say_next(const struct loss *l, const struct mus_zone_signer_obj *ov, struct mus_buf *out)
{
	bool leaves = !eng_is_in(&l->g, l->s.id);

	for (unsigned i = 0; i < l->g.member_count; i++)
		leaves |= l->g.member[i].signer_id == l->s.id && l->g.member[i].leaving;
	if (leaves && !ov->staying)
		mus_buf_add_str(out, "It is leaving already, and goes on leaving without an answer of its own.\n");
	else
		mus_buf_printf(out, "It is still in NS and DS, until it leaves: \"signer leave %s --group %s\"\n",
		    l->s.name, l->g.name);
}

/* ---- the operator's word -------------------------------------------------------------------- */

static int
begin_loss(struct loss *l, const char *zone, struct mus_errtext *et)
{
	struct mus_zone_view view;
	int rc;

	if ((rc = eng_ctl_zone(l->e, zone, &l->o, et)) < 0 ||
	    (rc = mus_store_load_signer(l->e->o.store, l->ask->signer, &l->s, et)) < 0 ||
	    (l->o.group_id && (rc = mus_store_load_group_id(l->e->o.store, l->o.group_id, &l->g, et)) < 0))
		return rc;
	if (!l->ask->reason[0])
		return mus_errf(et, MUS_ERR_INVAL, "a reason must be given");
	if ((rc = mus_ctl_view(l->e, l->o.name, &view, et)) < 0)
		return rc;
	l->st = view.state;
	l->at = mus_book_find_signer(&l->st->book, &l->st->zone, l->s.id);
	look_back(l);
	return check_takes_part(l, et);
}

static int
note_loss(const struct loss *l, const char *actor, struct mus_errtext *et)
{
	struct mus_engine *e = l->e;
	const char *how = !l->was_lost && l->answer ? " by force, while it answers" : l->ask->forced ? " by force" : "";
	int rc = eng_ctl_note(e, l->o.id, l->o.name, "operator", actor, et, "signer %s declared lost%s: %.200s",
	    l->s.name, how, l->ask->reason);

	if (rc < 0 || l->was_lost)
		return rc;
	return eng_ctl_note(e, l->o.id, l->o.name, "alarm", "musicd", et,
	    "WARN: resolvers that found the zone through %s, which is declared lost, may fail as long as it "
	    "answers: it must be silent", l->s.name);
}

static int
store_loss(struct loss *l, const char *actor, struct mus_errtext *et)
{
	int rc = eng_ctl_begin(l->e, et);

	if (rc < 0)
		return rc;
	rc = mus_store_save_zone(l->e->o.store, &l->o, et);
	if (rc == 0)
		rc = note_loss(l, actor, et);
	rc = eng_ctl_end(l->e, rc, et);
	if (rc == 0)
		eng_plan_anew(l->e, &l->o);
	return rc;
}

static int
mark_lost(struct loss *l, struct mus_zone_signer_obj *ov, struct mus_errtext *et)
{
	bool was_signed = eng_has_signer(l->e, &l->o, &l->g);

	l->was_lost = ov->lost;
	if (!ov->lost || ov->lost_until.ms != MUS_TIME_NEVER.ms) {
		ov->lost_ttl_s = largest_ttl_s(l);
		ov->lost_until = MUS_TIME_NEVER;
	}
	ov->lost = true;
	if (was_signed && !eng_has_signer(l->e, &l->o, &l->g))
		return mus_errf(et, MUS_ERR_CONFLICT,
		    "signer %s is the last of zone %.200s, which would have none: join another first", l->s.name,
		    l->o.name);
	return 0;
}

int
mus_ctl_lost(struct mus_engine *e, const char *actor, const char *zone, const struct mus_ctl_loss *loss,
    struct mus_buf *out, struct mus_errtext *et)
{
	struct loss l = {.e = e, .ask = loss, .g = {.id = 0}};
	struct mus_zone_signer_obj *ov;
	int rc = begin_loss(&l, zone, et);

	if (rc < 0)
		return rc;
	if (!(ov = eng_override_for(&l.o, l.s.id)))
		return mus_errf(et, MUS_ERR_FULL, "%s: too many signers", l.o.name);
	if ((rc = mark_lost(&l, ov, et)) < 0)
		return rc;
	if ((rc = check_is_silent(&l, et)) < 0) {
		eng_plan_anew(e, &l.o);		/* looked at again, for who asks again */
		return rc;
	}
	say_seen(&l, out);
	say_danger(&l, out);
	say_next(&l, ov, out);
	return loss->dry_run ? 0 : store_loss(&l, actor, et);
}

/* ---- afterwards ----------------------------------------------------------------------------- */

/* Is it out of the zone, for good as far as is wanted? */
static bool
has_left(const struct mus_zonestate *st, int64_t signer_id)
{
	int i = mus_book_find_signer(&st->book, &st->zone, signer_id);

	return st->want.adopted && (i < 0 || !((mus_want_part(&st->want) >> i & 1) || st->zone.signer[i].is_member));
}

static const char *
name_of(struct mus_engine *e, int64_t signer_id, struct mus_signer_obj *s)
{
	struct mus_errtext et;

	return mus_store_load_signer_id(e->o.store, signer_id, s, &et) < 0 ? "?" : s->name;
}

/* Until when what led to it may be cached, as of now; who takes part, again too, has no such end yet. */
static struct mus_time
next_until(const struct mus_engine *e, const struct mus_zone_signer_obj *ov, bool left)
{
	struct mus_time now = eng_now(e);

	if (!left)
		return MUS_TIME_NEVER;
	if (ov->lost_until.ms == MUS_TIME_NEVER.ms)
		return mus_time_add_s(now, (int64_t)ov->lost_ttl_s + e->o.policy.margin_s);
	return ov->lost_until.ms <= now.ms ? MUS_TIME_ALWAYS : ov->lost_until;
}

void
eng_lost_turn(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st)
{
	struct mus_zone_obj *o = &e->zobj;
	struct mus_signer_obj s;
	struct mus_errtext et;
	bool changed = false;

	for (unsigned i = 0; i < o->signer_count; i++) {
		struct mus_zone_signer_obj *ov = &o->signer[i];
		struct mus_time until = next_until(e, ov, has_left(st, ov->signer_id));

		if (!ov->lost || until.ms == ov->lost_until.ms)
			continue;
		ov->lost_until = until;
		changed = true;
		if (until.ms == MUS_TIME_ALWAYS.ms)
			eng_event(e, o->id, o->name, "signer", "musicd", LOG_NOTICE,
			    "what led to %s, which was lost, is in no cache any more; who asks it still has it "
			    "from itself", name_of(e, ov->signer_id, &s));
	}
	if (!changed || eng_begin(e) < 0)
		return;
	if (mus_store_save_zone(e->o.store, o, &et) < 0)
		eng_store_failed(e, o->name, &et);
	else
		eng_keep_zone(e, z);
}
