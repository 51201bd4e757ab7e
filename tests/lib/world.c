#include "world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "world_int.h"

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

unsigned
world_between(struct world *w, unsigned from, unsigned to)
{
	return from + world_below(w, to - from + 1);
}

bool
world_happens(struct world *w, unsigned per_mille)
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

/* Its own servers do, and those of secondaries that are pointed to it. */
static bool
shows_copy_of(const struct world *w, unsigned who, unsigned origin)
{
	return who == origin ||
	    (who < w->signer_count && w->signer[who].is_secondary && w->signer[who].source == origin);
}

uint32_t
world_lag_s(const struct world *w, unsigned origin)
{
	uint32_t lag_s = 0;

	for (unsigned i = 0; i < w->server_count; i++)
		if (shows_copy_of(w, w->server[i].origin, origin) && w->server[i].lag_s > lag_s)
			lag_s = w->server[i].lag_s;
	return lag_s;
}

bool
world_is_data(unsigned kind)
{
	return kind == MUS_RR_SOA || kind == MUS_RR_NS || kind == MUS_RR_NAME || kind == MUS_RR_CSYNC ||
	    kind == WORLD_HIDDEN || kind == WORLD_HIDDEN2 || (kind >= MUS_RR_DENY0 && kind <= MUS_RR_DENY2);
}

/* ---- telling -------------------------------------------------------------------------------- */

static void
add_text(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s%s", len ? " " : "", text);
}

const char *
world_keys_text(const struct world *w, uint64_t keys, char *out, size_t size)
{
	out[0] = '\0';
	for (uint64_t m = keys; m; m &= m - 1) {
		unsigned k = (unsigned)__builtin_ctzll(m);
		char one[16];

		snprintf(one, sizeof one, "%c.%s%u", 'A' + w->key_owner[k], w->state.zone.key[k].is_sep ? "sep" : "zsk", k);
		add_text(out, size, one);
	}
	return out;
}

const char *
world_server_text(const struct world *w, unsigned server, char *out, size_t size)
{
	unsigned n = 1;

	for (unsigned i = 0; i < server; i++)
		n += w->server[i].origin == w->server[server].origin;
	snprintf(out, size, "%c%u", w->server[server].origin == MUS_PARENT ? 'P' : 'A' + (char)w->server[server].origin,
	    n);
	return out;
}

const char *
world_names_text(const struct world *w, uint64_t names, char *out, size_t size)
{
	out[0] = '\0';
	for (unsigned i = 0; i < w->server_count; i++) {
		char one[8];

		if (w->server[i].origin != MUS_PARENT && (names >> w->server[i].ns & 1))
			add_text(out, size, world_server_text(w, i, one, sizeof one));
	}
	return out;
}

const char *
world_time_text(const struct world *w, int64_t at_ms, char *out, size_t size)
{
	long long s = (at_ms - w->begun.ms) / 1000;

	snprintf(out, size, "d%lld %02lld:%02lld:%02lld", s / DAY_S, s / 3600 % 24, s / 60 % 60, s % 60);
	return out;
}

void
world_tell(struct world *w, const char *format, ...)
{
	char at[24];
	va_list ap;

	if (!w->story)
		return;
	fprintf(w->story, "  %s  ", world_time_text(w, w->now.ms, at, sizeof at));
	va_start(ap, format);
	vfprintf(w->story, format, ap);
	va_end(ap);
	fputc('\n', w->story);
}

/* ---- what fails ----------------------------------------------------------------------------- */

void
world_silence(struct world *w, unsigned server, bool to_us_only, uint32_t for_s)
{
	struct world_server *v = &w->server[server];
	char name[8];

	oracle_pass(&w->oracle, w, w->now.ms);
	v->is_silent = !to_us_only;
	v->is_unseen = true;
	v->fault_ends = mus_time_add_s(w->now, for_s);
	w->events[WORLD_EV_FAULT]++;
	world_tell(w, "%s answers %s for %u s", world_server_text(w, server, name, sizeof name),
	    to_us_only ? "everybody but us" : "nobody", for_s);
}

void
world_go_back(struct world *w, unsigned server, uint32_t for_s)
{
	struct world_server *v = &w->server[server];
	char name[8];

	oracle_pass(&w->oracle, w, w->now.ms);
	v->shown = v->older;
	v->load_at = mus_time_add_s(w->now, for_s);
	w->apart |= WORLD_APART_OLD;
	w->events[WORLD_EV_FAULT]++;
	world_tell(w, "%s has old data for %u s", world_server_text(w, server, name, sizeof name), for_s);
	oracle_pass(&w->oracle, w, w->now.ms);
	oracle_judge(&w->oracle, w);
}

/* ---- time ----------------------------------------------------------------------------------- */

void
world_changed(struct world *w, unsigned origin)
{
	if (origin != MUS_PARENT)
		world_signer_insist(w, origin);
	for (unsigned i = 0; i < w->server_count; i++) {
		struct world_server *v = &w->server[i];

		if (v->origin == origin)
			v->load_at = mus_time_min(v->load_at, mus_time_add_s(w->now, v->lag_s));
	}
	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->signer[s].is_secondary && w->signer[s].source == origin)
			world_changed(w, s);
}

static struct mus_time
next_event(const struct world *w)
{
	struct mus_time t = mus_time_min(w->parent.scan_at, w->parent.publish_at);

	t = mus_time_min(t, w->parent.restore_at);
	t = mus_time_min(t, w->script_at);
	for (unsigned i = 0; i < w->server_count; i++)
		t = mus_time_min(t, mus_time_min(w->server[i].load_at, w->server[i].fault_ends));
	for (unsigned i = 0; i < w->command_count; i++)
		t = mus_time_min(t, w->command[i].at);
	for (unsigned s = 0; s < w->signer_count; s++)
		t = mus_time_min(t, world_signer_due(&w->signer[s]));
	return t;
}

static void
arrive(struct world *w)
{
	for (unsigned i = 0; i < w->command_count;)
		if (world_is_due(w, w->command[i].at)) {
			struct mus_act a = w->command[i].act;

			w->command_count--;
			memmove(&w->command[i], &w->command[i + 1],
			    (w->command_count - i) * sizeof w->command[0]);
			world_signer_obey(w, &a);
		} else {
			i++;
		}
}

static void
load(struct world *w, struct world_server *v)
{
	v->load_at = MUS_TIME_NEVER;
	v->older = v->shown;
	v->shown = v->origin == MUS_PARENT ? w->parent.copy : w->signer[v->origin].copy;
	w->events[WORLD_EV_LOAD]++;
}

/* Servers show something new, or answer again. */
static bool
show(struct world *w)
{
	bool changes = false;

	for (unsigned i = 0; i < w->server_count; i++) {
		struct world_server *v = &w->server[i];

		if (!world_is_due(w, v->load_at) && !world_is_due(w, v->fault_ends))
			continue;
		/* What was true up to here was handed out up to here. */
		if (!changes)
			oracle_pass(&w->oracle, w, w->now.ms);
		changes = true;
		if (world_is_due(w, v->load_at))
			load(w, v);
		if (world_is_due(w, v->fault_ends)) {
			v->is_silent = v->is_unseen = false;
			v->fault_ends = MUS_TIME_NEVER;
		}
	}
	return changes;
}

static void
happen(struct world *w)
{
	arrive(w);
	for (unsigned s = 0; s < w->signer_count; s++)
		world_signer_act(w, s);
	if (world_is_due(w, w->parent.restore_at))
		world_parent_restore(w);
	if (world_is_due(w, w->parent.publish_at))
		world_parent_publish(w);
	if (world_is_due(w, w->parent.scan_at))
		world_parent_scan(w);
	if (world_is_due(w, w->script_at))
		w->script(w);
	if (show(w)) {
		oracle_pass(&w->oracle, w, w->now.ms);
		oracle_judge(&w->oracle, w);
	}
}

/* Questions change nothing. */
static void
ask_until(struct world *w, struct mus_time until)
{
	while (w->resolvers.next_ms < until.ms) {
		w->now.ms = w->resolvers.next_ms;
		resolvers_ask(w);
	}
}

void
world_advance(struct world *w, struct mus_time until)
{
	for (;;) {
		struct mus_time t = mus_time_min(next_event(w), until);

		ask_until(w, t);
		w->now = t;
		happen(w);
		if (t.ms >= until.ms && next_event(w).ms > until.ms)
			break;
	}
	/* What is true by hand from here on was not before. */
	oracle_pass(&w->oracle, w, w->now.ms);
	oracle_judge(&w->oracle, w);
	if (!w->told_wrong && (w->oracle.first[0] || w->resolvers.first[0])) {
		w->told_wrong = true;
		world_tell(w, WORLD_WRONG);
	}
}

/* ---- the goal ------------------------------------------------------------------------------- */

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

bool
world_is_at_goal(const struct world *w)
{
	uint64_t seps = 0, names = 0, keys = 0;

	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->state.zone.signer[s].is_member) {
			seps |= w->signer[s].key_signers;
			names |= world_names(w, s);
			keys |= w->signer[s].data_signers;
			if (w->signer[s].roll.kind != WORLD_ROLL_NONE)
				return false;
		}
	for (unsigned s = 0; s < w->signer_count; s++)
		if (w->state.zone.signer[s].is_member && (keys & ~w->signer[s].copy.rr[MUS_RR_KEY].set))
			return false;
	return w->parent.copy.rr[MUS_RR_DS].set == seps && w->parent.copy.rr[MUS_RR_PNS].set == names;
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
	w->key_owner[k] = (uint8_t)s;
	w->signer[s].own |= mus_bit(k);
	world_changed(w, s);
	return k;
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

	w->server[i] = (struct world_server){.origin = origin, .ns = ns, .load_at = MUS_TIME_NEVER,
	    .fault_ends = MUS_TIME_NEVER};
	z->server[i] = (struct mus_server){(uint8_t)origin, (uint8_t)ns};
	z->server_count = (uint8_t)w->server_count;
	w->state.book.addr[i] = (struct mus_addr){.family = 4, .port = 53, .ip = {192, 0, 2, (uint8_t)i}};
	if (origin == MUS_PARENT)
		return;
	z->ns[ns] = (struct mus_zns){.owner = (uint8_t)origin};
	z->ns_count = (uint8_t)(ns + 1);
}

static void
init_signer(struct world *w, unsigned s, bool csk)
{
	static const uint8_t kinds[] = {MUS_RR_KEY, MUS_RR_CDS, MUS_RR_CDNSKEY, MUS_RR_CSYNC, MUS_RR_NS,
	    MUS_RR_SOA, MUS_RR_NAME, MUS_RR_DENY0, MUS_RR_DENY1, MUS_RR_DENY2, MUS_RR_ADDR,
	    WORLD_HIDDEN, WORLD_HIDDEN2};
	struct world_signer *g = &w->signer[s];

	for (unsigned i = 0; i < sizeof kinds; i++)
		g->copy.rr[kinds[i]].ttl_s = 3600;
	g->copy.rr[MUS_RR_CSYNC].absent = true;
	g->copy.rr[MUS_RR_DENY2].absent = true;
	g->hidden_ttl_s = 7200;
	g->data_content = 77;
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		g->resign_at[k] = MUS_TIME_NEVER;
	w->state.zone.signer[s] = (struct mus_zsigner){.has_driver = true};
	world_keys(w, s, csk);
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
	world_init_csk(w, signers, members, servers, 0);
}

void
world_init_csk(struct world *w, unsigned signers, unsigned members, unsigned servers, uint64_t csk)
{
	unsigned ns = 0;

	mus_zonestate_init(&w->state);
	memset(&w->signer, 0, sizeof w->signer);
	memset(&w->parent, 0, sizeof w->parent);
	memset(&w->plan, 0, sizeof w->plan);
	w->seed = 20260101;
	w->now = w->begun = start_at;
	w->signer_count = signers;
	w->server_count = w->key_count = w->command_count = 0;
	memset(w->key_alg, 0, sizeof w->key_alg);
	w->lose_look = w->lose_command = w->double_command = w->command_delay_s = 0;
	w->prompt = 0;
	w->reverse_looks = w->command_varies = false;
	w->restart = w->down_s = w->apart = 0;
	w->clock_ms = w->slew_ms = 0;
	w->down_until = w->now;
	w->script_at = MUS_TIME_NEVER;
	w->on_round = w->script = NULL;
	w->script_data = NULL;
	memset(w->events, 0, sizeof w->events);
	w->told_wrong = false;
	w->told_acts = 0;
	w->told_wait = MUS_RULE_NONE;
	w->poll_s = 60;
	w->idle_s = 3600;
	w->rounds = w->sent = w->plans = 0;
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
		init_signer(w, s, csk >> s & 1);
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
	resolvers_init(&w->resolvers, 0, 0, 0, w->now.ms);
	happen(w);
	oracle_init(&w->oracle, w->now.ms);
	for (unsigned i = 0; i < w->server_count; i++)
		w->server[i].older = w->server[i].shown;
}

void
world_free(struct world *w)
{
	mus_zonestate_clear(&w->state);
}
