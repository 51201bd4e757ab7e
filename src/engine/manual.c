/*
 * A parent that does not follow CDS and CSYNC by itself, or a signer that cannot be changed from here: what must be
 * entered there by hand, exactly.  Nothing has to be confirmed: that it was done is seen at the servers.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "core/observe.h"
#include "core/sets.h"
#include "engine/int.h"

/* What the parent's servers show. */
struct shown {
	uint64_t all, any, dt[MUS_DT_COUNT];	/* at each; at some; at some by digest type */
	unsigned stray;			/* records of no known key or name: most that one shows; 255: many */
	uint64_t stray_aux;		/* of that one: MUS_AUX_STRAY | key tag of the first of them */
};

static struct shown
shown_by_parent(const struct mus_seen *seen, enum mus_rr_kind kind)
{
	const struct mus_ring *ring = mus_seen_ring_const(seen, MUS_PARENT, kind);
	struct shown s = {.all = ~0ull};

	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];

		if (!v->srv)
			continue;
		s.all &= v->set;
		s.any |= v->set;
		if (v->stray > s.stray) {
			s.stray = v->stray;
			s.stray_aux = v->aux;
		}
		for (unsigned t = 0; t < MUS_DT_COUNT; t++)
			s.dt[t] |= v->dt[t];
	}
	return s;
}

/* "add z.test. 3600 IN NS ns.test."; ${ttl_class} is "3600 IN ", or empty where they are not ours to say.  false: no
 * memory. */
static bool
say_rr(struct mus_buf *out, const char *verb, const char *owner, const char *ttl_class, uint16_t type,
    struct mus_rdata rd)
{
	char type_text[MUS_TYPE_TEXT_MAX];
	const char *text;
	struct mus_arena a;
	bool good;

	mus_arena_init(&a, 1 << 16);
	text = mus_rdata_text(type, rd, &a);
	good = text && mus_buf_printf(out, "%s %s %s%s %s\n", verb, owner, ttl_class,
	    mus_type_text(type, type_text), text);
	mus_arena_clear(&a);
	return good;
}

static void
say_ds(const struct mus_zonestate *st, const char *verb, uint64_t keys, unsigned t, struct mus_buf *out)
{
	struct mus_name zone;

	if (mus_name_parse(st->book.zone, &zone, NULL) < 0)
		return;
	for (; keys; keys &= keys - 1) {
		const struct mus_book_key *key = &st->book.key[__builtin_ctzll(keys)];
		uint8_t ds[MUS_DS_RDATA_MAX];
		int len = mus_ds_make(
		    &zone, (struct mus_rdata){key->rdata, key->len}, mus_dt_number[t], ds);

		if (len >= 0)
			(void)say_rr(out, verb, st->book.zone, "", MUS_TYPE_DS,
			    (struct mus_rdata){ds, (uint16_t)len});
	}
}

static void
say_ns(const struct mus_zonestate *st, const char *verb, unsigned ns, struct mus_buf *out)
{
	struct mus_name name;

	if (mus_name_parse(st->book.ns[ns], &name, NULL) == 0)
		(void)say_rr(out, verb, st->book.zone, "", MUS_TYPE_NS, (struct mus_rdata){name.wire, name.len});
}

/* Only the tag of the first is known, and a tag may be that of another key, too: so what stays is said. */
static void
say_stray_ds(const struct mus_zonestate *st, const struct mus_desire *desire, const struct shown *s,
    struct mus_buf *out)
{
	const char *between = "";

	mus_buf_printf(out, "remove %s DS that is of no signer's key: %u%s record%s", st->book.zone, s->stray,
	    s->stray == 255 ? " or more" : "", s->stray == 1 ? "" : "s");
	if (s->stray_aux & MUS_AUX_STRAY)
		mus_buf_printf(out, ", %skey tag %u", s->stray == 1 ? "" : "the first with ",
		    (unsigned)(s->stray_aux & 0xffff));
	mus_buf_printf(out, "; to stay: ");
	for (unsigned t = 0; t < MUS_DT_COUNT; t++) {
		uint64_t stay = desire->sep & (s->dt[t] | (desire->dts >> t & 1 ? ~0ull : 0));

		for (; stay; stay &= stay - 1, between = ", ") {
			const struct mus_zkey *key = &st->zone.key[__builtin_ctzll(stay)];

			mus_buf_printf(out, "%s%u %u %u", between, key->tag, key->alg, mus_dt_number[t]);
		}
	}
	mus_buf_printf(out, "\n");
}

/* Would the set do harm now?  Then it is told why, and no record: what was asked for by CDS or CSYNC was safe then. */
static bool
has_to_wait(const struct mus_zonestate *st, const struct mus_ctx *c, const struct mus_change *change, const char *what,
    struct mus_buf *out)
{
	char text[MUS_TEXT_MAX];
	struct mus_witness w = MUS_WITNESS_NONE;

	if (mus_guard(c->zone, c->seen, c->policy, c->now, change, &w) == MUS_RES_HOLDS)
		return false;
	mus_buf_printf(out, "wait: no %s of %s is to be entered now: %s\n", what, st->book.zone,
	    mus_witness_text(&st->book, &st->zone, &w, text));
	return true;
}

/* The set that stands there when all has been entered. */
static struct mus_change
ds_entered(const struct mus_desire *desire, const struct shown *s)
{
	struct mus_change change = {.has_ds = true, .ds = desire->sep, .ns_add = desire->ns};

	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		change.ds_dt[t] = desire->sep & (s->dt[t] | (desire->dts >> t & 1 ? ~0ull : 0));
	return change;
}

static bool
ds_by_hand(const struct mus_zonestate *st, const struct mus_ctx *c, struct mus_buf *out)
{
	const struct mus_desire *desire = c->desire;
	struct shown s = shown_by_parent(&st->seen, MUS_RR_DS);
	const struct mus_change change = ds_entered(desire, &s);

	if (has_to_wait(st, c, &change, "DS", out))
		return false;
	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		if (desire->dts >> t & 1)
			say_ds(st, "add", desire->sep & ~s.all, t, out);
	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		say_ds(st, "remove", s.dt[t] & ~desire->sep, t, out);
	if (s.stray)
		say_stray_ds(st, desire, &s, out);
	return true;
}

/* The addresses of a name below the apex, which stand in the parent beside it. */
static void
glue_by_hand(const struct mus_zonestate *st, const char *verb, unsigned ns, struct mus_buf *out)
{
	for (unsigned i = 0; i < st->zone.server_count; i++) {
		const struct mus_addr *a = &st->book.addr[i];

		if (st->zone.server[i].origin == st->zone.ns[ns].owner &&
		    (mus_server_names(&st->zone.server[i]) >> ns & 1))
			(void)say_rr(out, verb, st->book.ns[ns], "", a->family == 4 ? MUS_TYPE_A : MUS_TYPE_AAAA,
			    (struct mus_rdata){a->ip, a->family == 4 ? 4 : 16});
	}
}

static bool
ns_by_hand(const struct mus_zonestate *st, const struct mus_ctx *c, struct mus_buf *out)
{
	const struct mus_desire *desire = c->desire;
	struct shown s = shown_by_parent(&st->seen, MUS_RR_PNS);
	const struct mus_change change = {.ns_add = desire->ns, .ns_sent = desire->ns & ~s.all};

	/* What only goes, or gets addresses, leads nobody anywhere new. */
	if (change.ns_sent && has_to_wait(st, c, &change, "NS", out))
		return false;
	for (unsigned n = 0; n < st->zone.ns_count; n++) {
		if (!(desire->ns >> n & 1))
			continue;
		if (!(s.all >> n & 1))
			say_ns(st, "add", n, out);
		if (st->zone.ns[n].in_domain)
			glue_by_hand(st, "add", n, out);
	}
	for (unsigned n = 0; n < st->zone.ns_count; n++) {
		if (!(desire->ns_del & s.any & mus_bit(n)))
			continue;
		say_ns(st, "remove", n, out);
		if (st->zone.ns[n].in_domain)
			glue_by_hand(st, "remove", n, out);
	}
	return true;
}

/* ---- at a signer ---------------------------------------------------------------------------------- */

/* What is not on disk yet may become another when it is: a serial, names that have come meanwhile. */
static bool
is_stored(const struct mus_want *want, const struct mus_want *stored)
{
	return want->keyg == stored->keyg && want->dsg == stored->dsg && want->nsg == stored->nsg &&
	    want->csync == stored->csync && want->csync_serial == stored->csync_serial &&
	    want->proc.kind == stored->proc.kind && want->proc.signer == stored->proc.signer &&
	    want->proc.row == stored->proc.row;
}

/* In the order of a driver: an RRset that is renewed is never empty in between. */
static bool
say_change(const struct mus_zonestate *st, const struct mus_drv_change *c, struct mus_buf *out)
{
	char ttl_class[24];

	for (int del = 0; del < 2; del++)
		for (size_t i = 0; i < c->count; i++) {
			const struct mus_drv_rr *rr = &c->rr[i];

			snprintf(ttl_class, sizeof ttl_class, "%u IN ", rr->ttl_s);
			if (rr->del == (del == 1) && !say_rr(out, del ? "remove" : "add", st->book.zone, ttl_class,
							 rr->type, rr->rd))
				return false;
		}
	return true;
}

bool
eng_by_hand(const struct mus_zonestate *st, const struct mus_plan *plan, unsigned s, struct mus_buf *out)
{
	MUS_UNINIT struct mus_drv_change c;
	struct mus_arena arena;
	bool good;

	mus_buf_reset(out);
	if (plan->proposal || !is_stored(&plan->want, &st->want))
		return true;
	mus_arena_init(&arena, 1 << 20);
	c.count = c.ns_was_count = 0;
	for (unsigned i = plan->act_count; i < plan->act_count + plan->hand_count; i++)
		if (plan->act[i].signer == s)
			(void)eng_change_add(&c, &arena, st, &plan->act[i]);	/* does not fit: next time */
	good = !mus_arena_failed(&arena) && say_change(st, &c, out);
	mus_arena_clear(&arena);
	return good;
}

/* ---- at the parent -------------------------------------------------------------------------------- */

/* Not when one of its servers lags: then the parent has followed, and nothing is to be entered. */
static bool
is_for_parent(const struct mus_witness *w, enum mus_rule rule)
{
	return w->rule == rule && w->result == MUS_RES_FAILS && !w->lags;
}

/* Does the row that the process, or a roll-over, stands in wait for the parent alone, for which of its sets, and
 * since when? */
static enum mus_rule
waits_for_parent(const struct mus_plan *plan, struct mus_time *since)
{
	const struct mus_proc *p = &plan->want.proc;
	unsigned count;
	const struct mus_row *rows = mus_rows(p->kind, &count);
	enum mus_rule rule = p->row < count ? rows[p->row].post[0] : MUS_RULE_NONE;

	*since = p->row_at;
	if (rule == MUS_RULE_PARENTDS || rule == MUS_RULE_PARENTNS)
		for (unsigned i = 0; i < plan->wait_count; i++)
			if (is_for_parent(&plan->wait[i], rule))
				return rule;
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (is_for_parent(&plan->roll_wait[i], MUS_RULE_PARENTDS)) {
			*since = plan->want.roll[i].row_at;
			return MUS_RULE_PARENTDS;
		}
	return MUS_RULE_NONE;
}

struct mus_time
eng_manual(const struct mus_engine *e, const struct mus_zonestate *st, const struct mus_plan *plan,
    const struct mus_policy *policy, struct mus_buf *out)
{
	struct mus_time now = eng_now(e), since;
	enum mus_rule rule = waits_for_parent(plan, &since);
	struct mus_facts facts;
	struct mus_desire desire;
	struct mus_policy idle = *policy;
	struct mus_ctx c = {&st->zone, &st->seen, &plan->want, &idle, now, &facts, &desire};
	bool is_safe;

	mus_buf_reset(out);
	if (rule == MUS_RULE_NONE)
		return MUS_TIME_NEVER;
	eng_policy_idle(e, &idle);
	mus_facts(&st->zone, &st->seen, &idle, now, &facts);
	mus_desire(&c, &desire);
	is_safe = rule == MUS_RULE_PARENTDS ? ds_by_hand(st, &c, out) : ns_by_hand(st, &c, out);
	if (!is_safe || out->len == 0 || e->o.parent_patience_s == 0 ||
	    mus_time_add_s(since, e->o.parent_patience_s).ms > now.ms)
		return MUS_TIME_NEVER;
	return since;
}

/* Lines into one, as far as it goes. */
static void
one_line(const struct mus_buf *lines, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < lines->len && n + 3 < cap; i++)
		if (lines->data[i] != '\n') {
			out[n++] = (char)lines->data[i];
		} else {
			out[n++] = ';';
			out[n++] = ' ';
		}
	out[n] = '\0';
}

void
eng_tell_manual(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan, const struct mus_policy *policy)
{
	struct mus_zone_obj *o = &e->zobj;
	struct mus_time since = eng_manual(e, st, plan, policy, &e->manual);
	struct mus_time row_at;
	enum mus_rule rule = waits_for_parent(plan, &row_at);
	const char *what = rule == MUS_RULE_PARENTDS ? "DS" : "NS";
	char was[sizeof o->waiting], span[MUS_SPAN_TEXT_MAX], line[900];

	if (z->busy)
		z->busy->manual = mus_time_is_set(since) ? rule : MUS_RULE_NONE;
	if (!mus_time_is_set(since) || !z->busy) {
		if (z->busy)
			z->busy->told_manual = MUS_TIME_NEVER;
		return;
	}
	snprintf(was, sizeof was, "%s", o->waiting);
	snprintf(o->waiting, sizeof o->waiting, "needs manual %s: %s", what, was);
	if (z->busy->told_manual.ms == since.ms)
		return;
	z->busy->told_manual = since;
	mus_span_text_s((eng_now(e).ms - since.ms) / 1000, span);
	one_line(&e->manual, line, sizeof line);
	eng_event(e, o->id, o->name, "manual", "musicd", LOG_WARNING,
	    "needs manual %s: the parent has not followed for %s; to be entered there by hand: %s",
	    what, span, line);
}
