#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "model/codec.h"

enum { DAY_S = 86400 };
static const struct mus_time start_at = {1767225600000};	/* 2026-01-01 */

uint64_t
world_random(struct world *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed;
}

unsigned
world_below(struct world *w, unsigned n)
{
	return n ? (unsigned)(world_random(w) >> 20) % n : 0;
}

static bool
happens(struct world *w, unsigned per_mille)
{
	return per_mille && world_below(w, 1000) < per_mille;
}

uint64_t
world_names(const struct world *w, unsigned s)
{
	uint64_t names = 0;

	for (unsigned i = 0; i < w->server_count; i++)
		if (w->server[i].origin == s)
			names |= mus_bit(w->server[i].ns);
	return names;
}

/* ---- truth of a signer ---------------------------------------------------------------------- */

static uint64_t
own_seps(const struct world *w, unsigned s)
{
	uint64_t seps = 0;

	for (unsigned k = 0; k < w->key_count; k++)
		if ((w->signer[s].own >> k & 1) && w->state.zone.key[k].is_sep)
			seps |= mus_bit(k);
	return seps;
}

/* What it shows of its own accord, whatever was asked of it. */
static void
insist(struct world *w, unsigned s)
{
	struct world_signer *g = &w->signer[s];
	struct world_set *rr = g->copy.rr;

	rr[MUS_RR_KEY].set |= g->own;
	rr[MUS_RR_CDS].set = 0;
	for (unsigned t = 0; t < MUS_DT_COUNT; t++) {
		if (g->own_cds_dts >> t & 1)
			rr[MUS_RR_CDS].dt[t] |= own_seps(w, s);
		rr[MUS_RR_CDS].set |= rr[MUS_RR_CDS].dt[t];
	}
	if (g->own_cds_dts)
		rr[MUS_RR_CDNSKEY].set |= own_seps(w, s);
	rr[MUS_RR_CDS].absent = rr[MUS_RR_CDS].set == 0;
	rr[MUS_RR_CDNSKEY].absent = rr[MUS_RR_CDNSKEY].set == 0;
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		rr[k].sig = rr[k].absent ? 0 : g->data_signers;
	rr[MUS_RR_KEY].sig = g->key_signers;
	rr[MUS_RR_CDS].sig = rr[MUS_RR_CDS].absent ? 0 : g->key_signers;
	rr[MUS_RR_CDNSKEY].sig = rr[MUS_RR_CDNSKEY].absent ? 0 : g->key_signers;
	rr[MUS_RR_NAME].aux = rr[MUS_RR_SOA].aux = g->data_content;
	rr[WORLD_HIDDEN].ttl_s = g->hidden_ttl_s;
}

void
world_changed(struct world *w, unsigned origin)
{
	if (origin != MUS_PARENT)
		insist(w, origin);
	for (unsigned i = 0; i < w->server_count; i++) {
		struct world_server *v = &w->server[i];

		if (v->origin == origin)
			v->load_at = mus_time_min(v->load_at, mus_time_add_s(w->now, v->lag_s));
	}
}

static void
obey(struct world *w, const struct mus_act *a)
{
	struct world_signer *g = &w->signer[a->signer];
	struct world_set *s = &g->copy.rr[a->rr];

	if (g->drops >> a->rr & 1)
		return;
	switch (a->rr) {
	case MUS_RR_KEY:
	case MUS_RR_NS:
	case MUS_RR_CDNSKEY:
		s->set = (s->set | a->add) & ~a->del;
		break;
	case MUS_RR_CDS:
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			s->dt[t] = (s->dt[t] | a->add_dt[t]) & ~a->del_dt[t];
		break;
	case MUS_RR_CSYNC:
		if (a->add)
			s->aux = (uint64_t)a->csync_serial << 16 | 1;
		s->absent = !a->add;
		break;
	default:
		break;
	}
	world_changed(w, a->signer);
}

/* ---- truth of the parent -------------------------------------------------------------------- */

/* All servers of the delegation show the same; NULL: not. */
static const struct world_set *
agreed(const struct world *w, unsigned kind)
{
	const struct world_set *first = NULL;

	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_server *v = &w->server[i];
		const struct world_set *s = &v->shown.rr[kind];

		if (v->origin == MUS_PARENT || !(w->parent.copy.rr[MUS_RR_PNS].set >> v->ns & 1))
			continue;
		if (v->is_silent || s->absent)
			return NULL;
		if (first && (first->set != s->set || first->aux != s->aux ||
				 memcmp(first->dt, s->dt, sizeof s->dt) != 0))
			return NULL;
		first = s;
	}
	return first;
}

/* Every server's CDS is signed by a key that DS names, and its DNSKEY goes with the new set. */
static bool
is_continuous(const struct world *w, const struct world_set *cds)
{
	uint64_t ds = w->parent.copy.rr[MUS_RR_DS].set;

	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_set *rr = w->server[i].shown.rr;

		if (w->server[i].origin == MUS_PARENT ||
		    !(w->parent.copy.rr[MUS_RR_PNS].set >> w->server[i].ns & 1))
			continue;
		if (!(rr[MUS_RR_CDS].sig & rr[MUS_RR_KEY].set & ds) ||
		    !(cds->set & rr[MUS_RR_KEY].set & rr[MUS_RR_KEY].sig))
			return false;
	}
	return true;
}

static void
scan(struct world *w)
{
	struct world_parent *p = &w->parent;
	const struct world_set *cds = agreed(w, MUS_RR_CDS), *cdn = agreed(w, MUS_RR_CDNSKEY);
	const struct world_set *ns = agreed(w, MUS_RR_NS), *csync = agreed(w, MUS_RR_CSYNC);

	p->scan_at = mus_time_add_s(w->now, p->scan_s);
	if (p->is_frozen || mus_time_is_set(p->publish_at))
		return;
	p->next = p->copy;
	if (!p->ignores_cds && cds && cdn && cds->set == cdn->set && is_continuous(w, cds)) {
		p->next.rr[MUS_RR_DS].set = cds->set;
		memcpy(p->next.rr[MUS_RR_DS].dt, cds->dt, sizeof cds->dt);
	}
	if (!p->ignores_csync && ns && csync && ns->set)
		p->next.rr[MUS_RR_PNS].set = p->next.rr[MUS_RR_GLUE].set = ns->set;
	if (memcmp(&p->next, &p->copy, sizeof p->next) == 0)
		return;
	p->publish_at = mus_time_add_s(w->now, p->delay_s);
	/* Just before the next change, when nobody may look. */
	if (p->restores_late && p->copy.rr[MUS_RR_DS].ttl_s == p->ds_ttl_low_s) {
		p->restore_at = mus_time_add_s(p->publish_at, 5);
		p->publish_at = mus_time_add_s(p->publish_at, 25);
	}
}

static void
publish(struct world *w)
{
	struct world_parent *p = &w->parent;
	bool ds_changes = memcmp(&p->next.rr[MUS_RR_DS], &p->copy.rr[MUS_RR_DS],
			      sizeof p->next.rr[0]) != 0;

	p->copy = p->next;
	p->publish_at = MUS_TIME_NEVER;
	if (ds_changes && p->ds_ttl_low_s) {
		p->copy.rr[MUS_RR_DS].ttl_s = p->ds_ttl_low_s;
		p->restore_at = p->restores_late ? MUS_TIME_NEVER : mus_time_add_s(w->now, p->ds_ttl_s);
	}
	world_changed(w, MUS_PARENT);
}

/* ---- time ----------------------------------------------------------------------------------- */

static struct mus_time
next_event(const struct world *w)
{
	struct mus_time t = mus_time_min(w->parent.scan_at, w->parent.publish_at);

	t = mus_time_min(t, w->parent.restore_at);
	for (unsigned i = 0; i < w->server_count; i++)
		t = mus_time_min(t, w->server[i].load_at);
	for (unsigned i = 0; i < w->command_count; i++)
		t = mus_time_min(t, w->command[i].at);
	return t;
}

static bool
due(const struct world *w, struct mus_time t)
{
	return t.ms <= w->now.ms;
}

static void
happen(struct world *w)
{
	for (unsigned i = 0; i < w->command_count;)
		if (due(w, w->command[i].at)) {
			struct mus_act a = w->command[i].act;

			w->command_count--;
			memmove(&w->command[i], &w->command[i + 1],
			    (w->command_count - i) * sizeof w->command[0]);
			obey(w, &a);
		} else {
			i++;
		}
	if (due(w, w->parent.restore_at)) {
		w->parent.restore_at = MUS_TIME_NEVER;
		w->parent.copy.rr[MUS_RR_DS].ttl_s = w->parent.ds_ttl_s;
		w->parent.next.rr[MUS_RR_DS].ttl_s = w->parent.ds_ttl_s;
		world_changed(w, MUS_PARENT);
	}
	if (due(w, w->parent.publish_at))
		publish(w);
	if (due(w, w->parent.scan_at))
		scan(w);
	for (unsigned i = 0; i < w->server_count; i++) {
		struct world_server *v = &w->server[i];

		if (!due(w, v->load_at))
			continue;
		v->load_at = MUS_TIME_NEVER;
		v->shown = v->origin == MUS_PARENT ? w->parent.copy : w->signer[v->origin].copy;
	}
}

void
world_advance(struct world *w, struct mus_time until)
{
	for (;;) {
		struct mus_time t = mus_time_min(next_event(w), until);

		/* What was true up to here was handed out up to here. */
		oracle_pass(&w->oracle, w, t.ms);
		w->now = t;
		happen(w);
		oracle_pass(&w->oracle, w, t.ms);
		oracle_judge(&w->oracle, w);
		if (t.ms >= until.ms && next_event(w).ms > until.ms)
			return;
	}
}

/* ---- the controller ------------------------------------------------------------------------- */

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

	if (v->is_silent || v->is_unseen || happens(w, w->lose_look)) {
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
		if (kind >= MUS_RR_DENY0 && kind <= MUS_RR_DENY2)
			l.flags |= MUS_VER_PROVES;
		l.content = digest(digest(digest(digest(l.set, l.aux), l.dt[0]), l.dt[1]), l.dt[2]);
		for (uint64_t m = s->sig; m && l.sig_count < MUS_SIGS_MAX; m &= m - 1) {
			unsigned k = (unsigned)__builtin_ctzll(m);

			l.sig[l.sig_count++] = (struct mus_sig){.key = (uint8_t)k,
			    .alg = w->state.zone.key[k].alg, .tag = w->state.zone.key[k].tag,
			    .from_s = week_s - DAY_S, .until_s = week_s + 28 * DAY_S};
		}
	}
	mus_observe(&w->state.zone, &w->state.seen, &l, &w->policy, w->now, w->now);
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
		    .keys_in_data = g->data_signers, .at = w->now, .unread_at = MUS_TIME_ALWAYS};
		for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
			if (g->copy.rr[k].ttl_s > c->ttl_max_s && k < MUS_RR_DS)
				c->ttl_max_s = g->copy.rr[k].ttl_s;
		if (g->hidden_ttl_s > c->ttl_max_s)
			c->ttl_max_s = g->hidden_ttl_s;
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

		for (unsigned k = 0; k < count; k++)
			look_at(w, i,
			    (enum mus_rr_kind)(from + (w->reverse_looks ? count - 1 - k : k)));
		mus_observe_server(&w->state.seen, i, answers ? MUS_YES : MUS_NO,
		    answers ? MUS_YES : MUS_NO, answers);
	}
	transfer(w);
	mus_settle(&w->state.zone, &w->state.seen, &w->state.want, &w->policy, w->now);
}

/* Dies and comes back with what is on disk. */
static void
restart(struct world *w)
{
	struct mus_errtext et;
	struct mus_buf b;

	mus_buf_init(&b, 1 << 20);
	if (!mus_zonestate_encode(&w->state, &b) ||
	    mus_zonestate_decode(&w->state, b.data, b.len, &et) < 0)
		abort();
	mus_buf_clear(&b);
}

void
world_round(struct world *w)
{
	world_observe(w);
	if (happens(w, w->restart))
		restart(w);
	if (w->on_round)
		w->on_round(w);
	mus_plan(&w->state.zone, &w->state.seen, &w->state.want, &w->policy, w->now, &w->plan);
	w->rounds++;
	w->state.want = w->plan.want;
	for (unsigned i = 0; i < w->plan.act_count && !w->plan.proposal; i++) {
		if (!mus_pending_add(&w->state.seen, &w->plan.act[i], w->now))
			continue;
		w->sent++;
		if (happens(w, w->lose_command) || w->command_count == WORLD_COMMANDS_MAX)
			continue;
		w->command[w->command_count++] = (struct world_command){
		    mus_time_add_s(w->now, w->command_delay_s), w->plan.act[i]};
	}
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
		next = mus_time_min(w->plan.wake_at, mus_time_add_s(w->now, w->idle_s));
		if (w->plan.poll)
			next = mus_time_min(next, mus_time_add_s(w->now, w->poll_s));
		world_advance(w, mus_time_max(next, mus_time_add_ms(w->now, 1000)));
	}
}

bool
world_is_settled(const struct world *w)
{
	uint8_t members = 0;

	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->state.zone.signer[s].is_member)
			members |= (uint8_t)(1u << s);
	return w->state.want.adopted && w->state.want.proc.kind == MUS_PROC_NONE &&
	    w->plan.act_count == 0 && w->state.want.keyg == members &&
	    w->state.want.dsg == members && w->state.want.nsg == members;
}

void
world_member(struct world *w, unsigned s, bool is_member)
{
	w->state.zone.signer[s].is_member = is_member;
}

/* ---- making one ----------------------------------------------------------------------------- */

unsigned
world_add_key(struct world *w, unsigned s, bool sep)
{
	struct mus_zonestate *z = &w->state;
	unsigned k = w->key_count++;
	uint8_t *rdata = malloc(4);

	if (!rdata)
		abort();
	memset(rdata, (int)k, 4);
	z->book.key[k] = (struct mus_book_key){rdata, 4};
	z->zone.key[k] = (struct mus_zkey){.alg = 13, .tag = (uint16_t)(1000 + k), .is_sep = sep,
	    .is_zone = true, .owner = MUS_OWNER_UNKNOWN, .gone_at = MUS_TIME_NEVER, .id = 1 + k};
	z->zone.key_count = (uint8_t)w->key_count;
	w->signer[s].own |= mus_bit(k);
	world_changed(w, s);
	return k;
}

void
world_drop_key(struct world *w, unsigned s, unsigned key)
{
	struct world_signer *g = &w->signer[s];

	g->own &= ~mus_bit(key);
	g->key_signers &= ~mus_bit(key);
	g->data_signers &= ~mus_bit(key);
	g->copy.rr[MUS_RR_KEY].set &= ~mus_bit(key);
	world_changed(w, s);
}

void
world_keys(struct world *w, unsigned s, bool csk)
{
	struct world_signer *g = &w->signer[s];

	g->key_signers = mus_bit(world_add_key(w, s, true));
	g->data_signers = csk ? g->key_signers : mus_bit(world_add_key(w, s, false));
	world_changed(w, s);
}

static void
add_server(struct world *w, unsigned origin, unsigned ns)
{
	unsigned i = w->server_count++;
	struct mus_zone *z = &w->state.zone;

	w->server[i] = (struct world_server){.origin = origin, .ns = ns, .load_at = MUS_TIME_NEVER};
	z->server[i] = (struct mus_server){(uint8_t)origin, (uint8_t)ns};
	z->server_count = (uint8_t)w->server_count;
	w->state.book.addr[i] = (struct mus_addr){.family = 4, .port = 53, .ip = {192, 0, 2, (uint8_t)i}};
	if (origin == MUS_PARENT)
		return;
	z->ns[ns] = (struct mus_zns){.owner = (uint8_t)origin};
	z->ns_count = (uint8_t)(ns + 1);
}

static void
init_signer(struct world *w, unsigned s)
{
	static const uint8_t kinds[] = {MUS_RR_KEY, MUS_RR_CDS, MUS_RR_CDNSKEY, MUS_RR_CSYNC, MUS_RR_NS,
	    MUS_RR_SOA, MUS_RR_NAME, MUS_RR_DENY0, MUS_RR_DENY1, MUS_RR_DENY2, MUS_RR_ADDR,
	    WORLD_HIDDEN};
	struct world_signer *g = &w->signer[s];

	for (unsigned i = 0; i < sizeof kinds; i++)
		g->copy.rr[kinds[i]].ttl_s = 3600;
	g->copy.rr[MUS_RR_CSYNC].absent = true;
	g->copy.rr[MUS_RR_DENY2].absent = true;
	g->hidden_ttl_s = 7200;
	g->data_content = 77;
	w->state.zone.signer[s] = (struct mus_zsigner){.has_driver = true};
	world_keys(w, s, false);
}

static struct mus_policy
init_policy(void)
{
	return (struct mus_policy){.margin_s = 60, .parent_ttl_floor_s = DAY_S, .fresh_s = 300,
	    .gap_s = 4 * 3600, .refresh_s = 3600, .digests = 1 << 1};
}

/* The parent and the members as they stand after a join long ago; the others by themselves. */
static void
init_sets(struct world *w, unsigned members)
{
	struct world_set *p = w->parent.copy.rr;
	uint64_t keys = 0, names = 0;

	for (unsigned s = 0; s < members; s++) {
		keys |= w->signer[s].data_signers;
		names |= world_names(w, s);
		p[MUS_RR_DS].set |= w->signer[s].key_signers;
	}
	p[MUS_RR_DS].dt[1] = p[MUS_RR_DS].set;
	p[MUS_RR_DS].ttl_s = w->parent.ds_ttl_s;
	p[MUS_RR_PNS].set = p[MUS_RR_GLUE].set = names;
	p[MUS_RR_PNS].ttl_s = p[MUS_RR_GLUE].ttl_s = DAY_S;
	for (unsigned s = 0; s < w->signer_count; s++) {
		struct world_set *rr = w->signer[s].copy.rr;

		rr[MUS_RR_NS].set = s < members ? names : world_names(w, s);
		rr[MUS_RR_ADDR].set = ~0ull;
		if (s < members && members > 1) {
			rr[MUS_RR_KEY].set |= keys;
			rr[MUS_RR_CDS].dt[1] = rr[MUS_RR_CDNSKEY].set = p[MUS_RR_DS].set;
		}
	}
}

void
world_init(struct world *w, unsigned signers, unsigned members, unsigned servers)
{
	unsigned ns = 0;

	mus_zonestate_init(&w->state);
	memset(&w->signer, 0, sizeof w->signer);
	memset(&w->parent, 0, sizeof w->parent);
	memset(&w->plan, 0, sizeof w->plan);
	w->seed = 20260101;
	w->now = start_at;
	w->signer_count = signers;
	w->server_count = w->key_count = w->command_count = 0;
	memset(w->key_alg, 0, sizeof w->key_alg);
	w->lose_look = w->lose_command = w->command_delay_s = 0;
	w->reverse_looks = false;
	w->restart = 0;
	w->on_round = NULL;
	w->poll_s = 60;
	w->idle_s = 3600;
	w->rounds = w->sent = 0;
	w->policy = init_policy();
	w->state.zone.signer_count = (uint8_t)signers;
	w->state.zone.alg_count = 1;
	w->state.zone.alg[0] = 13;
	for (unsigned i = 0; i < servers; i++)
		add_server(w, MUS_PARENT, 0);
	for (unsigned s = 0; s < signers; s++)
		for (unsigned i = 0; i < servers; i++)
			add_server(w, s, ns++);
	for (unsigned s = 0; s < signers; s++) {
		init_signer(w, s);
		world_member(w, s, s < members);
	}
	w->parent.ds_ttl_s = DAY_S;
	w->parent.scan_s = 600;
	w->parent.delay_s = 300;
	w->parent.publish_at = w->parent.restore_at = MUS_TIME_NEVER;
	w->parent.scan_at = mus_time_add_s(w->now, 600);
	init_sets(w, members);
	for (unsigned s = 0; s < signers; s++)
		world_changed(w, s);
	world_changed(w, MUS_PARENT);
	oracle_init(&w->oracle, w->now.ms);
	happen(w);
}

void
world_free(struct world *w)
{
	mus_zonestate_clear(&w->state);
}
