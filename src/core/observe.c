#include <string.h>

#include "core/cut.h"
#include "core/keys.h"
#include "core/reach.h"

/* ---- small views ---------------------------------------------------------------------------- */

uint64_t
mus_servers_of(const struct mus_zone *zone, unsigned origin)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < zone->server_count; i++)
		mask |= (uint64_t)(zone->server[i].origin == origin) << i;
	return mask;
}

uint64_t
mus_servers_of_set(const struct mus_zone *zone, uint8_t signers)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < zone->server_count; i++)
		if (zone->server[i].origin < MUS_SIGNERS_MAX &&
		    (signers >> zone->server[i].origin & 1))
			mask |= mus_bit(i);
	return mask;
}

uint64_t
mus_reach(const struct mus_zone *zone, const struct mus_seen *seen)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < zone->server_count; i++)
		mask |= (uint64_t)(zone->server[i].origin != MUS_PARENT &&
			    seen->server[i].cut.ms == MUS_TIME_NEVER.ms)
		    << i;
	return mask;
}

uint32_t
mus_ring_floor_s(const struct mus_ring *ring, enum mus_rr_kind kind,
    const struct mus_policy *policy, struct mus_time now)
{
	bool parent = kind == MUS_RR_DS || kind == MUS_RR_PNS;
	uint32_t floor_s = parent ? policy->parent_ttl_floor_s : policy->ttl_floor_s;

	/* Watched without a gap for as long as the floor: what it served is known. */
	if (floor_s == 0 || mus_clause_is_cut(MUS_CLAUSE_TTL_FLOOR) ||
	    (mus_time_is_set(ring->since) && mus_time_add_s(ring->since, floor_s).ms <= now.ms))
		return 0;
	return floor_s;
}

struct mus_time
mus_history_at(const struct mus_ring *ring, enum mus_rr_kind kind, const struct mus_policy *policy,
    struct mus_time now)
{
	uint32_t floor_s = mus_ring_floor_s(ring, kind, policy, now);
	uint32_t ttl_s = ring->ttl_max_s > floor_s ? ring->ttl_max_s : floor_s;

	if (!mus_time_is_set(ring->since))
		return MUS_TIME_NEVER;
	return mus_time_add_s(ring->since, (int64_t)ttl_s + policy->margin_s);
}

struct mus_time
mus_version_end(const struct mus_seen *seen, const struct mus_ring *ring,
    const struct mus_version *v, uint32_t floor_s, struct mus_time now, uint32_t margin_s)
{
	struct mus_time last = v->last;
	uint32_t ring_s = mus_clause_is_cut(MUS_CLAUSE_TTL_MAX) ? v->ttl_s : ring->ttl_max_s;
	uint32_t ttl_s = ring_s > floor_s ? ring_s : floor_s;
	int64_t until_s = INT64_MIN;

	for (uint64_t m = v->srv; m; m &= m - 1)
		last = mus_time_max(last, mus_time_min(now, seen->server[__builtin_ctzll(m)].cut));
	if (last.ms == MUS_TIME_ALWAYS.ms)
		return last;
	last = mus_time_add_s(last, ttl_s);
	/* A cache drops a signed RRset when its last signature ends (RFC 4035 5.3.3). */
	for (unsigned i = 0; i < v->sig_count; i++)
		if (v->sig[i].until_s > until_s)
			until_s = v->sig[i].until_s;
	if (v->sig_count > 0)
		last = mus_time_min(last, mus_time_from_s(until_s));
	return mus_time_add_s(last, margin_s);
}

static bool
has_version(const struct mus_ring *ring, uint64_t set)
{
	for (unsigned i = 0; i < ring->count; i++)
		if (ring->v[i].set == set)
			return true;
	return false;
}

/* A CSYNC stood beside the NS set ${v} for some time. */
static bool
had_csync(const struct mus_ring *csync, const struct mus_version *v)
{
	for (unsigned i = 0; i < csync->count; i++) {
		const struct mus_version *c = &csync->v[i];

		if (!(c->flags & MUS_VER_ABSENT) && c->first.ms <= v->last.ms &&
		    (c->srv || c->last.ms >= v->first.ms))
			return true;
	}
	return false;
}

/* Was ${o} in the delegation all the while ${v} was shown, and a round longer?  Then a parent that asks
 * all its servers has asked ${o} too, though it may have left since. */
static bool
was_delegated(const struct mus_zone *zone, const struct mus_seen *seen, unsigned o,
    const struct mus_version *v)
{
	const struct mus_ring *ring = &seen->parent[MUS_RR_PNS - MUS_RR_DS];
	uint64_t names = 0;
	bool all_the_while = false;

	for (unsigned n = 0; n < zone->ns_count; n++)
		if (zone->ns[n].owner == o)
			names |= mus_bit(n);
	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *p = &ring->v[i];

		if (p->first.ms > v->last.ms || (!p->srv && p->last.ms < v->first.ms))
			continue;
		if (!(p->set & names))
			return false;
		all_the_while |= p->first.ms <= v->first.ms && (p->srv || p->last.ms > v->last.ms);
	}
	return all_the_while;
}

struct mus_time
mus_asked_until(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer,
    enum mus_rr_kind kind, const struct mus_version *v, const struct mus_policy *policy,
    struct mus_time now)
{
	const struct mus_ring *parent = &seen->parent[kind == MUS_RR_CDS ? 0 : MUS_RR_PNS - MUS_RR_DS];
	uint64_t reach;

	if (v->srv || (v->flags & (MUS_VER_ABSENT | MUS_VER_DELETE)) || v->last.ms == MUS_TIME_ALWAYS.ms)
		return MUS_TIME_ALWAYS;
	if (kind == MUS_RR_NS && !had_csync(&seen->signer[signer][MUS_RR_CSYNC], v))
		return MUS_TIME_ALWAYS;
	/* It shows the set, or did so when the next was asked for already: then it has followed.  Had it
	 * left the set before that, it would be to come back to it. */
	for (unsigned i = 0; i < parent->count; i++)
		if (parent->v[i].set == v->set &&
		    (parent->v[i].srv || parent->v[i].last.ms >= v->last.ms))
			return MUS_TIME_ALWAYS;
	/* A parent follows only what all servers of the delegation show alike (RFC 9975). */
	reach = mus_reach(zone, seen);
	for (unsigned o = 0; o < zone->signer_count; o++)
		if (((mus_servers_of(zone, o) & reach) || was_delegated(zone, seen, o, v)) &&
		    !has_version(&seen->signer[o][kind], v->set))
			return MUS_TIME_ALWAYS;
	return mus_version_end(seen, &seen->signer[signer][kind], v, policy->parent_ttl_floor_s, now,
	    policy->margin_s);
}

void
mus_say_unknown(const struct mus_ring *ring, unsigned origin, enum mus_rr_kind kind,
    uint64_t servers, const struct mus_policy *policy, struct mus_time now, struct mus_witness *w)
{
	bool full = mus_ring_is_full(ring, now);
	uint64_t missing = mus_ring_is_stale(ring, policy, now) ? servers : servers & ~ring->ok;

	*w = MUS_WITNESS_NONE;
	w->rule = MUS_RULE_OBSERVE;
	w->result = MUS_RES_UNKNOWN;
	w->origin = (uint8_t)origin;
	w->kind = (uint8_t)kind;
	w->cause = full ? MUS_CAUSE_OVERFLOW : MUS_CAUSE_NONE;
	if (full)
		w->until = ring->overflow_until;
	if (missing)
		w->server = (uint8_t)__builtin_ctzll(missing);
	if (missing & ring->fail) {
		bool named = ring->fail_server < 64 && (missing >> ring->fail_server & 1);

		w->server = named ? ring->fail_server : (uint8_t)__builtin_ctzll(missing & ring->fail);
		w->cause = (uint8_t)ring->fail_cause;
		w->seen_at = ring->fail_since;
	}
}

struct mus_witness
mus_lack_witness(const struct mus_lack *lack)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	w.rule = MUS_RULE_OBSERVE;
	w.result = MUS_RES_UNKNOWN;
	w.origin = lack->origin;
	w.ns = lack->ns;
	w.cause = lack->cause;
	if (lack->cause == MUS_CAUSE_NONE) {
		w.rule = MUS_RULE_V10;
		w.result = MUS_RES_FAILS;
		w.origin2 = lack->other;
	}
	return w;
}

bool
mus_lack_matters(const struct mus_lack *lack, const struct mus_want *want)
{
	/* Resolvers are led to what is listed, whoever takes part. */
	return lack->cause == MUS_CAUSE_UNASKED || lack->cause == MUS_CAUSE_NONE || lack->origin >= MUS_SIGNERS_MAX ||
	    !want->adopted || (mus_want_part(want) >> lack->origin & 1);
}

/* ---- taking in answers ---------------------------------------------------------------------- */

/* Of the zone's data only the signers matter: SOA, sample and denials change with the zone, and would
 * fill a ring with versions that say the same. */
static uint64_t
content_of(const struct mus_look *l)
{
	bool is_data = l->kind == MUS_RR_SOA || l->kind == MUS_RR_NAME ||
	    (l->kind >= MUS_RR_DENY0 && l->kind <= MUS_RR_DENY2);

	return is_data ? 0 : l->content;
}

/* V4: valid now, and for as long as a cache that gets it now may keep it. */
static bool
is_in_time(const struct mus_sig *sig, uint32_t ttl_s, const struct mus_policy *policy, struct mus_time at)
{
	int64_t at_s = mus_time_to_s(at);

	return sig->from_s <= at_s + policy->margin_s &&
	    sig->until_s >= at_s + (int64_t)ttl_s + policy->margin_s;
}

/* Same records and the same verified signers; signature times and TTL may differ, but what is out of
 * time is another version than what is not: a server that lags must not hide behind its neighbours. */
static bool
is_same(const struct mus_version *v, const struct mus_look *l, const struct mus_policy *policy,
    struct mus_time at)
{
	if (v->content != content_of(l) || v->set != l->set || v->flags != l->flags ||
	    v->stray != l->stray || v->sig_count != l->sig_count ||
	    memcmp(v->dt, l->dt, sizeof v->dt) != 0 || v->aux != l->aux)
		return false;
	for (unsigned i = 0; i < l->sig_count; i++) {
		bool found = false;

		for (unsigned j = 0; j < v->sig_count && !found; j++)
			found = v->sig[j].alg == l->sig[i].alg && v->sig[j].tag == l->sig[i].tag &&
			    /* A signature by a key that was not known then is judged again now. */
			    (v->sig[j].key == l->sig[i].key || v->sig[j].key == MUS_KEY_NONE) &&
			    is_in_time(&v->sig[j], l->ttl_s, policy, at) ==
				is_in_time(&l->sig[i], l->ttl_s, policy, at);
		if (!found)
			return false;
	}
	return true;
}

/* Records that named nothing known when they were seen, and do now: it is the same RRset that is understood better, and
 * no other one that resolvers may have instead. */
static void
understand(struct mus_version *v, const struct mus_look *l)
{
	if (v->content != content_of(l) || v->flags != l->flags || v->stray <= l->stray)
		return;
	v->set = l->set;
	memcpy(v->dt, l->dt, sizeof v->dt);
	v->aux = l->aux;
	v->stray = l->stray;
}

static void
refresh(struct mus_version *v, const struct mus_look *l)
{
	for (unsigned i = 0; i < l->sig_count; i++)
		for (unsigned j = 0; j < v->sig_count; j++) {
			struct mus_sig *s = &v->sig[j];

			if (s->alg != l->sig[i].alg || s->tag != l->sig[i].tag ||
			    (s->key != l->sig[i].key && s->key != MUS_KEY_NONE))
				continue;
			s->key = l->sig[i].key;
			if (l->sig[i].until_s > s->until_s)
				*s = l->sig[i];
			break;
		}
	if (l->ttl_s > v->ttl_s)
		v->ttl_s = l->ttl_s;
	v->serve_ttl_s = l->serve_ttl_s;
}

/* A secondary may serve a copy of anyone, and an old one: the largest of all, and never less than what may have been
 * served before anybody looked, unless somebody says what that was. */
static uint32_t
source_ttl_max_s(const struct mus_zone *zone, const struct mus_seen *seen, uint32_t floor_s,
    const struct mus_policy *policy, struct mus_time now)
{
	uint32_t max_s = 0;

	for (unsigned s = 0; s < zone->signer_count; s++) {
		uint32_t ttl_s = zone->signer[s].is_secondary ? 0 : mus_copy_ttl_max_s(zone, seen, s, policy, now);

		if (ttl_s > max_s)
			max_s = ttl_s;
	}
	return max_s != 0 && floor_s > max_s ? floor_s : max_s;
}

uint32_t
mus_copy_ttl_max_s(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer,
    const struct mus_policy *policy, struct mus_time now)
{
	uint32_t ttl_s = zone->signer[signer].declared_max_ttl_s;
	bool is_declared = ttl_s != 0;

	if (zone->signer[signer].is_secondary) {
		uint32_t source_s = source_ttl_max_s(zone, seen, is_declared ? 0 : policy->ttl_floor_s, policy, now);

		if (source_s > ttl_s)
			ttl_s = source_s;
	}
	if (seen->copy[signer].known && seen->copy[signer].ttl_max_s > ttl_s)
		ttl_s = seen->copy[signer].ttl_max_s;
	if (ttl_s == 0)
		return 0;
	/* Never below what questions alone have shown. */
	for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
		if (seen->signer[signer][k].ttl_max_s > ttl_s)
			ttl_s = seen->signer[signer][k].ttl_max_s;
	/* Between two copies, or at a server that lags, it may have served anything. */
	if (!is_declared && policy->ttl_floor_s > ttl_s &&
	    mus_time_add_s(seen->copy[signer].unread_at, policy->ttl_floor_s).ms > now.ms)
		ttl_s = policy->ttl_floor_s;
	return ttl_s;
}

static uint32_t
led_s(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_ring *ring,
    const struct mus_policy *policy, struct mus_time now)
{
	uint32_t left_s = policy->ttl_floor_s;

	for (unsigned s = 0; s < zone->signer_count; s++) {
		uint32_t ttl_s = mus_copy_ttl_max_s(zone, seen, s, policy, now);

		if (ttl_s > left_s)
			left_s = ttl_s;
	}
	return ring->ttl_max_s + left_s;
}

/* How long a version is kept at least: data as long as anything of the signer's copy may live; what a
 * parent was asked for, and whether it followed, as long as that may take (mus_asked_until). */
static uint32_t
keep_s(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_ring *ring,
    unsigned origin, enum mus_rr_kind kind, const struct mus_policy *policy, struct mus_time now)
{
	uint32_t floor_s = mus_ring_floor_s(ring, kind, policy, now), least_s = 0;

	if (origin != MUS_PARENT && mus_is_data_kind(kind))
		least_s = mus_copy_ttl_max_s(zone, seen, origin, policy, now);
	/* Whom an NS set led to is remembered as long as what was got there may live (mus_leads_astray). */
	if (kind == MUS_RR_NS || kind == MUS_RR_PNS)
		least_s = led_s(zone, seen, ring, policy, now);
	if ((kind == MUS_RR_CDS || kind == MUS_RR_CSYNC || kind == MUS_RR_NS || kind == MUS_RR_DS ||
		kind == MUS_RR_PNS) &&
	    policy->parent_ttl_floor_s > least_s)
		least_s = policy->parent_ttl_floor_s;
	return floor_s > least_s ? floor_s : least_s;
}

/* Room for one more: what must be dead goes first; else the one that dies first, and the ring is
 * unknown until then. */
static void
make_room(const struct mus_seen *seen, struct mus_ring *ring, uint32_t floor_s,
    const struct mus_policy *policy, struct mus_time at)
{
	unsigned victim = 0;
	struct mus_time end = MUS_TIME_NEVER;

	for (unsigned i = 0; i < ring->count; i++) {
		struct mus_time e =
		    mus_version_end(seen, ring, &ring->v[i], floor_s, at, policy->margin_s);

		if (e.ms < end.ms) {
			end = e;
			victim = i;
		}
	}
	if (end.ms >= at.ms) {
		ring->overflow = true;
		ring->overflow_until = mus_time_max(ring->overflow_until, end);
	}
	memmove(&ring->v[victim], &ring->v[victim + 1],
	    (ring->count - victim - 1) * sizeof ring->v[0]);
	ring->count--;
}

/* Versions that can be in no cache any more and that no server shows are forgotten. */
static void
drop_dead(const struct mus_seen *seen, struct mus_ring *ring, uint32_t floor_s,
    const struct mus_policy *policy, struct mus_time now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ring->count; i++) {
		if (ring->v[i].srv == 0 &&
		    mus_version_end(seen, ring, &ring->v[i], floor_s, now, policy->margin_s).ms <
			now.ms)
			continue;
		if (n != i)
			ring->v[n] = ring->v[i];
		n++;
	}
	ring->count = (uint8_t)n;
	if (ring->overflow && now.ms >= ring->overflow_until.ms)
		ring->overflow = false;
}

/* History runs from the first round in which every server answered, and starts anew when one was
 * silent for longer than a gap may be: it may have shown anything meanwhile. */
static void
keep_history(struct mus_ring *ring, uint64_t servers, const struct mus_policy *policy, struct mus_time now)
{
	if (mus_time_is_set(ring->fail_since) &&
	    mus_time_add_s(ring->fail_since, policy->gap_s).ms < ring->asked_at.ms)
		ring->since = MUS_TIME_NEVER;
	if (servers == 0 || (ring->ok & servers) != servers)
		return;
	ring->fail_since = MUS_TIME_NEVER;
	if (!mus_time_is_set(ring->since))
		ring->since = now;
}

/* Oldest first; those of one round in an order of their own, so that the order of looks says nothing. */
static struct mus_version *
place_for(struct mus_ring *ring, const struct mus_look *l, struct mus_time at)
{
	unsigned i = ring->count++;

	for (; i > 0 && ring->v[i - 1].first.ms == at.ms; i--) {
		const struct mus_version *v = &ring->v[i - 1];

		if (v->content < content_of(l) || (v->content == content_of(l) && v->set <= l->set))
			break;
		ring->v[i] = ring->v[i - 1];
	}
	return &ring->v[i];
}

static struct mus_version *
find_or_add(const struct mus_zone *zone, const struct mus_seen *seen, struct mus_ring *ring,
    const struct mus_look *look, const struct mus_policy *policy, struct mus_time at)
{
	struct mus_version *v;

	for (unsigned i = 0; i < ring->count; i++)
		understand(&ring->v[i], look);
	for (unsigned i = 0; i < ring->count; i++)
		if (is_same(&ring->v[i], look, policy, at)) {
			refresh(&ring->v[i], look);
			return &ring->v[i];
		}
	if (ring->count == MUS_VERSIONS_MAX)
		make_room(seen, ring,
		    keep_s(zone, seen, ring, zone->server[look->server].origin, look->kind, policy, at),
		    policy, at);
	v = place_for(ring, look, at);
	*v = (struct mus_version){
	    .content = content_of(look),
	    .set = look->set,
	    .aux = look->aux,
	    .ttl_s = look->ttl_s,
	    .serve_ttl_s = look->serve_ttl_s,
	    .stray = look->stray,
	    .flags = look->flags,
	    .sig_count = look->sig_count,
	    .first = at,
	    .last = MUS_TIME_ALWAYS,
	};
	memcpy(v->dt, look->dt, sizeof v->dt);
	memcpy(v->sig, look->sig, sizeof v->sig);
	return v;
}

/* Our clock was ahead and is right again: what was noted was before now, whatever it says, and the
 * record of the past begins anew. */
static void
set_back(struct mus_ring *ring, struct mus_time at)
{
	ring->since = MUS_TIME_NEVER;
	if (mus_time_is_set(ring->fail_since))
		ring->fail_since = mus_time_min(ring->fail_since, at);
	for (unsigned i = 0; i < ring->count; i++) {
		ring->v[i].first = mus_time_min(ring->v[i].first, at);
		ring->v[i].last = mus_time_min(ring->v[i].last, at);
	}
}

void
mus_observe(const struct mus_zone *zone, struct mus_seen *seen, const struct mus_look *look,
    const struct mus_policy *policy, struct mus_time asked, struct mus_time at)
{
	unsigned origin = zone->server[look->server].origin;
	struct mus_ring *ring = mus_seen_ring(seen, origin, look->kind);
	uint64_t bit = mus_bit(look->server);
	struct mus_version *v;

	if (!mus_time_is_set(ring->asked_at) || ring->asked_at.ms != asked.ms) {
		bool gap = !mus_time_is_set(ring->asked_at) ||
		    mus_time_add_s(ring->asked_at, policy->gap_s).ms < asked.ms;

		if (gap)
			ring->since = MUS_TIME_NEVER;
		if (mus_time_is_set(ring->asked_at) && ring->asked_at.ms > asked.ms)
			set_back(ring, at);
		ring->asked_at = asked;
		ring->fail_cause = MUS_CAUSE_NONE;
		ring->fail_server = 0;
	}
	if (look->cause != MUS_CAUSE_NONE) {
		ring->ok &= ~bit;
		ring->fail |= bit;
		/* The first one of the round is named, whatever the order. */
		if (ring->fail_cause == MUS_CAUSE_NONE || look->server <= ring->fail_server) {
			ring->fail_cause = look->cause;
			ring->fail_server = look->server;
		}
		if (!mus_time_is_set(ring->fail_since))
			ring->fail_since = asked;
		return;
	}
	ring->ok |= bit;
	ring->fail &= ~bit;
	if (look->ttl_s > ring->ttl_max_s)
		ring->ttl_max_s = look->ttl_s;

	for (unsigned i = 0; i < ring->count; i++) {
		v = &ring->v[i];
		if ((v->srv & bit) && !is_same(v, look, policy, at)) {
			v->srv &= ~bit;
			v->last = mus_time_max(v->last,
			    mus_time_min(at, origin == MUS_PARENT ? MUS_TIME_NEVER
								  : seen->server[look->server].cut));
		}
	}
	v = find_or_add(zone, seen, ring, look, policy, at);
	v->srv |= bit;
}

void
mus_observe_server(struct mus_seen *seen, unsigned server, enum mus_tri udp, enum mus_tri tcp,
    bool aa)
{
	struct mus_srvstate *s = &seen->server[server];

	if (udp != MUS_UNKNOWN)
		s->udp = udp;
	if (tcp != MUS_UNKNOWN)
		s->tcp = tcp;
	s->udp_ok = s->udp == MUS_YES;
	s->tcp_ok = s->tcp == MUS_YES;
	s->aa_ok = aa;
}

/* ---- pending changes ------------------------------------------------------------------------ */

bool
mus_pending_add(struct mus_seen *seen, const struct mus_act *act, struct mus_time now)
{
	/* The guard reads DNSKEY sets in flight, and CDS sets, which the parent may see between two of
	 * our looks; Reach counts NS names in flight, which the intention may have given up meanwhile. */
	if (act->rr != MUS_RR_KEY && act->rr != MUS_RR_CDS && act->rr != MUS_RR_NS)
		return true;
	for (unsigned i = 0; i < seen->pending_count; i++) {
		struct mus_pending *p = &seen->pending[i];

		if (p->signer == act->signer && p->kind == act->rr && p->add == act->add &&
		    p->del == act->del) {
			p->sent_at = now;
			return true;
		}
	}
	if (seen->pending_count == MUS_PENDING_MAX)
		return false;
	seen->pending[seen->pending_count++] =
	    (struct mus_pending){act->signer, act->rr, act->add, act->del, now};
	return true;
}

/* Settled: every public server of the signer shows the change; or it was sent so long ago that it
 * would show if it had been taken: it was lost, and the difference is planned anew if still wanted.
 * Without this end a change that was sent, lost, and then not wanted any more would count as made for
 * ever. */
static bool
is_settled(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_pending *p,
    const struct mus_policy *policy, struct mus_time now)
{
	const struct mus_ring *ring = &seen->signer[p->signer][p->kind];
	uint64_t servers = mus_servers_of(zone, p->signer);
	uint32_t horizon_s = policy->gap_s;

	if (ring->asked_at.ms <= p->sent_at.ms ||
	    !mus_is_known(ring, p->signer, p->kind, servers, policy, now, NULL))
		return false;
	if (p->kind == MUS_RR_CDS && policy->parent_ttl_floor_s > horizon_s)
		horizon_s = policy->parent_ttl_floor_s;	/* as mus_asked_until */
	if (mus_time_add_s(p->sent_at, horizon_s).ms < now.ms)
		return true;
	for (unsigned i = 0; i < ring->count; i++)
		if (ring->v[i].srv &&
		    ((ring->v[i].set & p->add) != p->add || (ring->v[i].set & p->del) != 0))
			return false;
	return true;
}

void
mus_settle(struct mus_zone *zone, struct mus_seen *seen, const struct mus_want *want,
    const struct mus_policy *policy, struct mus_time now)
{
	unsigned n = 0;

	mus_reach_settle(zone, seen, want, policy, now);
	mus_learn_keys(zone, seen, policy, now);
	for (unsigned i = 0; i < seen->pending_count; i++)
		if (!is_settled(zone, seen, &seen->pending[i], policy, now))
			seen->pending[n++] = seen->pending[i];
	seen->pending_count = (uint8_t)n;
	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		unsigned from = o == MUS_PARENT ? MUS_RR_DS : 0;
		unsigned to = o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT;

		if (o != MUS_PARENT && o >= zone->signer_count)
			continue;
		for (unsigned kind = from; kind < to; kind++) {
			enum mus_rr_kind k = (enum mus_rr_kind)kind;
			struct mus_ring *ring = mus_seen_ring(seen, o, k);

			keep_history(ring, mus_servers_of(zone, o), policy, now);
			drop_dead(seen, ring, keep_s(zone, seen, ring, o, k, policy, now), policy, now);
		}
	}
}

bool
mus_sample_missing(const struct mus_seen *seen, unsigned signer, uint64_t servers, struct mus_witness *w)
{
	const struct mus_ring *ring = &seen->signer[signer][MUS_RR_NAME];

	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];

		if (!(v->flags & MUS_VER_ABSENT) || !(v->srv & servers))
			continue;
		*w = MUS_WITNESS_NONE;
		w->rule = MUS_RULE_SAMPLE;
		w->result = MUS_RES_WARN;
		w->origin = (uint8_t)signer;
		w->server = (uint8_t)__builtin_ctzll(v->srv & servers);
		w->kind = MUS_RR_NAME;
		if (v->flags & MUS_VER_CUT)
			w->kind2 = MUS_RR_PNS;
		return true;
	}
	return false;
}
