#include <stdlib.h>
#include <string.h>

#include "core/rows.h"
#include "model/codec.h"
#include "world_int.h"

enum { DAY_S = 86400 };

/* What its clock shows. */
static struct mus_time
clock_of(const struct world *w)
{
	return mus_time_add_ms(w->now, w->clock_ms);
}

void
world_set_clock(struct world *w, int64_t by_ms, bool is_noticed)
{
	w->clock_ms += by_ms;
	if (!is_noticed)
		w->slew_ms += by_ms;
	else if (by_ms > 0)
		mus_zonestate_shift(&w->state, by_ms);
	w->events[WORLD_EV_FAULT]++;
	world_tell(w, "controller: its clock is set by %lld s%s", (long long)by_ms / 1000,
	    is_noticed ? "" : ", and it does not notice");
}

static uint64_t
digest(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x9e3779b97f4a7c15u ^ h >> 29;
}

/* In-domain names whose addresses the rim asks for: those of the NS set wanted, and the joiner's. */
static uint64_t
address_scope(const struct world *w)
{
	const struct mus_want *want = &w->state.want;
	uint64_t scope = 0;

	for (unsigned n = 0; n < w->state.zone.ns_count; n++) {
		const struct mus_zns *ns = &w->state.zone.ns[n];
		bool joins = want->proc.kind == MUS_PROC_ADD && ns->owner == want->proc.signer;

		if (ns->in_domain && (joins || (want->nsg >> ns->owner & 1)))
			scope |= mus_bit(n);
	}
	return scope;
}

static void
look_at(struct world *w, unsigned server, enum mus_rr_kind kind)
{
	const struct world_server *v = &w->server[server];
	const struct world_set *s = &v->shown.rr[kind];
	struct mus_look l = {.server = (uint8_t)server, .kind = kind};
	int64_t week_s = mus_time_to_s(w->now) / (7 * DAY_S) * (7 * DAY_S);

	if (v->is_silent || v->is_unseen || world_happens(w, w->lose_look)) {
		l.cause = MUS_CAUSE_TIMEOUT;
	} else {
		l.ttl_s = l.serve_ttl_s = s->ttl_s;
		l.set = s->set;
		l.aux = s->aux;
		memcpy(l.dt, s->dt, sizeof l.dt);
		if (kind == MUS_RR_ADDR || kind == MUS_RR_GLUE)
			l.set = s->set & address_scope(w);
		if (kind == MUS_RR_CDNSKEY || kind == MUS_RR_KEY)
			memset(l.dt, 0, sizeof l.dt);
		l.flags = s->absent ? MUS_VER_ABSENT : 0;
		if (kind >= MUS_RR_DENY0 && kind <= MUS_RR_DENY2 && !w->signer[v->origin].denies_badly)
			l.flags |= MUS_VER_PROVES;
		l.content = digest(digest(digest(digest(l.set, l.aux), l.dt[0]), l.dt[1]), l.dt[2]);
		if (kind == MUS_RR_ADDR)
			l.dt[0] = s->set;
		for (uint64_t m = s->sig; m && l.sig_count < MUS_SIGS_MAX; m &= m - 1) {
			unsigned k = (unsigned)__builtin_ctzll(m);

			l.sig[l.sig_count++] = (struct mus_sig){.key = (uint8_t)k,
			    .alg = w->state.zone.key[k].alg, .tag = w->state.zone.key[k].tag,
			    .from_s = week_s - DAY_S, .until_s = week_s + 28 * DAY_S};
		}
	}
	mus_observe(&w->state.zone, &w->state.seen, &l, &w->policy, clock_of(w), clock_of(w));
}

static uint64_t
keys_in_data(const struct world_signer *g)
{
	uint64_t keys = 0;

	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		if (world_is_data(k))
			keys |= g->copy.rr[k].sig;
	return keys;
}

/* Whole copies, where they are needed and given. */
static void
transfer(struct world *w)
{
	for (unsigned s = 0; s < w->signer_count; s++) {
		const struct world_signer *g = &w->signer[s];
		struct mus_copy *c = &w->state.seen.copy[s];

		if (!(w->plan.need_copy >> s & 1) || g->refuses_transfer)
			continue;
		*c = (struct mus_copy){.known = true, .content = g->data_content,
		    .keys_in_data = keys_in_data(g), .at = clock_of(w), .unread_at = MUS_TIME_ALWAYS};
		for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
			if (g->copy.rr[k].ttl_s > c->ttl_max_s && (k < MUS_RR_DS || k >= MUS_RR_COUNT))
				c->ttl_max_s = g->copy.rr[k].ttl_s;
	}
}

void
world_observe(struct world *w)
{
	for (unsigned n = 0; n < w->server_count; n++) {
		unsigned i = w->reverse_looks ? w->server_count - 1 - n : n;
		bool is_parent = w->server[i].origin == MUS_PARENT;
		unsigned from = is_parent ? MUS_RR_DS : 0;
		unsigned count = is_parent ? MUS_RR_PARENT_COUNT : MUS_RR_SIGNER_COUNT;
		bool answers = !w->server[i].is_silent && !w->server[i].is_unseen;

		/* Nobody asks who is lost. */
		if (!is_parent && w->state.zone.signer[w->server[i].origin].is_lost)
			continue;
		for (unsigned k = 0; k < count; k++)
			look_at(w, i,
			    (enum mus_rr_kind)(from + (w->reverse_looks ? count - 1 - k : k)));
		mus_observe_server(&w->state.seen, i, answers ? MUS_YES : MUS_NO,
		    answers ? MUS_YES : MUS_NO, answers);
	}
	transfer(w);
	mus_settle(&w->state.zone, &w->state.seen, &w->state.want, &w->policy, clock_of(w));
}

/* ---- a round -------------------------------------------------------------------------------- */

/* What is on disk. */
static void
store(const struct world *w, struct mus_buf *b)
{
	mus_buf_init(b, 1 << 20);
	if (!mus_zonestate_encode(&w->state, b))
		abort();
}

/* Comes back with what is on disk, after a while. */
static void
come_back(struct world *w, struct mus_buf *b, const char *when)
{
	struct mus_errtext et;
	uint32_t down_s = world_below(w, 4) ? 0 : world_below(w, w->down_s + 1);

	if (mus_zonestate_decode(&w->state, b->data, b->len, &et) < 0)
		abort();
	mus_buf_clear(b);
	w->down_until = mus_time_add_s(w->now, down_s);
	w->events[WORLD_EV_FAULT]++;
	world_tell(w, "controller: dies %s, and is back after %u s", when, down_s);
}

static void
note_plan(struct world *w)
{
	const struct mus_want *v = &w->plan.want;
	uint64_t h = w->plans;

	h = digest(h, v->keyg | v->dsg << 8 | v->nsg << 16 | (unsigned)v->csync << 24);
	h = digest(h, v->proc.kind | v->proc.row << 8 | (unsigned)w->plan.proposal << 16);
	for (unsigned i = 0; i < w->plan.act_count; i++)
		h = digest(h, w->plan.act[i].id);
	w->plans = digest(h, (uint64_t)w->now.ms);
}

static void
tell_act(struct world *w, const struct mus_act *a)
{
	char add[200], del[200];

	if (a->rr == MUS_RR_CSYNC) {
		world_tell(w, "controller: sends %c: %s CSYNC", 'A' + a->signer, a->add ? "a" : "no");
		return;
	}
	(a->rr == MUS_RR_NS ? world_names_text : world_keys_text)(w, a->add, add, sizeof add);
	(a->rr == MUS_RR_NS ? world_names_text : world_keys_text)(w, a->del, del, sizeof del);
	world_tell(w, "controller: sends %c: %s%s%s%s%s%s%s", 'A' + a->signer, mus_rr_text(a->rr), a->add ? " + {" : "",
	    add, a->add ? "}" : "", a->del ? " - {" : "", del, a->del ? "}" : "");
}

/* What is new in this plan. */
static void
tell_plan(struct world *w, const struct mus_want *before)
{
	const struct mus_want *v = &w->plan.want;
	enum mus_rule waits = w->plan.wait_count ? w->plan.wait[0].rule : MUS_RULE_NONE;
	uint64_t acts = 0;
	unsigned count;
	const struct mus_row *rows = mus_rows(v->proc.kind, &count);

	if (!w->story)
		return;
	if (v->proc.kind == MUS_PROC_NONE && before->proc.kind != MUS_PROC_NONE)
		world_tell(w, "controller: the process is at its end");
	else if (v->proc.kind != before->proc.kind || v->proc.row != before->proc.row ||
	    v->proc.signer != before->proc.signer)
		world_tell(w, "controller: %s of %c, row %u %s", mus_proc_text(v->proc.kind), 'A' + v->proc.signer,
		    v->proc.row, count ? rows[v->proc.row].name : "");
	for (unsigned i = 0; i < w->plan.act_count && !w->plan.proposal; i++)
		acts = digest(acts, w->plan.act[i].id);
	if (acts != w->told_acts)
		for (unsigned i = 0; i < w->plan.act_count && !w->plan.proposal; i++)
			tell_act(w, &w->plan.act[i]);
	if (waits != w->told_wait && waits != MUS_RULE_NONE)
		world_tell(w, "controller: waits for %s: %s", mus_rule_text(waits), mus_rule_sentence(waits));
	w->told_acts = acts;
	w->told_wait = waits;
}

static void
put_on_way(struct world *w, const struct mus_act *a, uint32_t delay_s)
{
	if (w->command_count == WORLD_COMMANDS_MAX)
		return;		/* lost */
	w->command[w->command_count++] = (struct world_command){mus_time_add_s(w->now, delay_s), *a};
}

static void
send(struct world *w, const struct mus_act *a)
{
	uint32_t delay_s = w->command_varies ? world_below(w, w->command_delay_s + 1) : w->command_delay_s;

	w->sent++;
	if (w->prompt >> a->rr & 1)
		delay_s = 0;
	if (world_happens(w, w->lose_command))
		return;
	put_on_way(w, a, delay_s);
	if (world_happens(w, w->double_command))
		put_on_way(w, a, delay_s + world_below(w, 60));
}

/* Stores what is intended and what is on its way; what does not fit there is not sent. */
static uint64_t
commit(struct world *w)
{
	uint64_t sent = 0;

	w->state.want = w->plan.want;
	for (unsigned i = 0; i < w->plan.act_count && !w->plan.proposal; i++)
		if (mus_pending_add(&w->state.seen, &w->plan.act[i], clock_of(w)))
			sent |= mus_bit(i);
	return sent;
}

_Static_assert(MUS_PLAN_ACTS_MAX <= 64, "a bit for each action");

void
world_round(struct world *w)
{
	bool dies = world_happens(w, w->restart);
	unsigned when = dies ? world_below(w, 3) : 3;
	struct mus_want before = w->state.want;
	struct mus_buf disk;
	uint64_t to_send;

	if (when == 0)
		store(w, &disk);
	world_observe(w);
	if (w->on_round)
		w->on_round(w);
	mus_plan(&w->state.zone, &w->state.seen, &w->state.want, &w->policy, clock_of(w), &w->plan);
	w->rounds++;
	w->events[WORLD_EV_ROUND]++;
	note_plan(w);
	if (when == 0) {
		come_back(w, &disk, "before it stores anything");
		return;
	}
	tell_plan(w, &before);
	to_send = commit(w);
	if (dies)
		store(w, &disk);
	for (uint64_t m = when == 1 ? 0 : to_send; m; m &= m - 1) {
		if (when == 2 && world_below(w, 4) == 0)
			break;
		send(w, &w->plan.act[__builtin_ctzll(m)]);
	}
	if (dies)
		come_back(w, &disk, when == 1 ? "before it sends anything" : "while it sends");
}

bool
world_run(struct world *w, bool (*done)(const struct world *), uint32_t limit_s)
{
	struct mus_time limit = mus_time_add_s(w->now, limit_s), next;

	for (;;) {
		world_round(w);
		if (done(w))
			return true;
		if (w->now.ms >= limit.ms)
			return false;
		next = mus_time_min(mus_time_add_ms(w->plan.wake_at, -w->clock_ms), mus_time_add_s(w->now, w->idle_s));
		if (w->plan.poll)
			next = mus_time_min(next, mus_time_add_s(w->now, w->poll_s));
		next = mus_time_max(next, w->down_until);
		world_advance(w, mus_time_max(next, mus_time_add_ms(w->now, 1000)));
	}
}
