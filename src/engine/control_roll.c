/*
 * An operator has a signer roll a key: may it, and who tells it?
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/roll.h"
#include "engine/control_int.h"

enum { SEEN_BY_MS = 60000 };	/* the new key of a signer that was told to roll should be seen by then */

/* "ZSK": for words. */
static const char *
role_of(enum mus_proc_kind kind, char out[static 4])
{
	const char *text = mus_key_role_text(kind);

	for (unsigned i = 0; i < 4; i++)
		out[i] = (char)toupper((unsigned char)text[i]);
	return out;
}

/* ---- is it wise? ---------------------------------------------------------------------------- */

static int
check_zone(const struct mus_zone_obj *o, const struct mus_zone_view *v, struct mus_errtext *et)
{
	const struct mus_proc *p = &v->plan->want.proc;
	char text[MUS_TEXT_MAX];

	if (o->held)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s is held: resume it first", o->name);
	if (!v->plan->want.adopted)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s has not been seen completely yet", o->name);
	if (p->kind != MUS_PROC_NONE)
		return mus_errf(et, MUS_ERR_CONFLICT, "%s: %s %s is running; roll when it has ended", o->name,
		    mus_proc_text(p->kind), v->state->book.signer[p->signer]);
	if (strcmp(o->state, mus_state_text(MUS_STATE_VALID)) == 0 ||
	    strcmp(o->state, mus_state_text(MUS_STATE_SO_FAR)) == 0)
		return 0;
	text[0] = '\0';
	if (v->verdict->finding_count)
		mus_witness_text(&v->state->book, &v->state->zone, &v->verdict->finding[0], text);
	return mus_errf(et, MUS_ERR_CONFLICT, "%s is %s: roll when it is well again%s%s", o->name, o->state,
	    text[0] ? ": " : "", text);
}

static int
check_signer(const struct mus_zone_obj *o, const struct mus_zone_view *v, int s, const char *name,
    struct mus_errtext *et)
{
	if (s < 0 || !(v->plan->want.keyg >> s & 1))
		return mus_errf(et, MUS_ERR_CONFLICT, "signer %s does not sign zone %.200s", name, o->name);
	if (v->state->zone.signer[s].is_lost)
		return mus_errf(et, MUS_ERR_CONFLICT, "signer %s is lost in zone %.200s", name, o->name);
	return 0;
}

/* Does it roll such a key already, or was it told to, and is there room for one more? */
static int
check_rolls(const struct mus_zone_view *v, const char *signer, unsigned s, enum mus_proc_kind kind,
    struct mus_errtext *et)
{
	unsigned open = 0;
	char role[4];

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		const struct mus_roll *r = &v->plan->want.roll[i];

		open += r->kind != MUS_PROC_NONE;
		if (r->kind == kind && r->signer == s)
			return mus_errf(et, MUS_ERR_CONFLICT, "signer %s rolls its %s already (%s)", signer,
			    role_of(kind, role), mus_row_name(r->kind, r->row));
	}
	for (unsigned i = 0; i < v->command_count; i++) {
		const struct mus_ctl_command *c = &v->command[i];

		if (c->verb == MUS_VERB_ROLL && c->kind == kind && strcmp(c->signer, signer) == 0 &&
		    (c->state == MUS_CTL_COMMAND_RUNNING ||
			(c->state == MUS_CTL_COMMAND_DONE && c->at.ms + SEEN_BY_MS > v->now.ms)))
			return mus_errf(et, MUS_ERR_CONFLICT, "signer %s has just been told to roll its %s: the new "
			    "key is to be seen first", signer, role_of(kind, role));
	}
	if (open == MUS_ROLLS_MAX)
		return mus_errf(et, MUS_ERR_CONFLICT, "%u roll-overs of the zone are followed, more cannot be: "
		    "roll when one has ended", open);
	return 0;
}

/* G8: keys beyond the bound are not imported, and the roll-over would wait for ever. */
static int
check_keys(const struct mus_zone_view *v, const char *signer, unsigned s, struct mus_errtext *et)
{
	unsigned own = 0, all = v->state->zone.key_count;

	for (unsigned k = 0; k < all; k++)
		own += v->state->zone.key[k].owner == s && !mus_time_is_set(v->state->zone.key[k].gone_at);
	if (own >= MUS_KEYS_PER_OWNER_MAX)
		return mus_errf(et, MUS_ERR_CONFLICT, "signer %s has %u keys in the zone, and more than %u are not "
		    "imported (G8): let it drop some first", signer, own, MUS_KEYS_PER_OWNER_MAX);
	return 0;
}

static uint64_t
keys_of(const struct mus_engine *e, const struct mus_zone_view *v, unsigned s, enum mus_proc_kind kind)
{
	const struct mus_zonestate *st = v->state;
	struct mus_facts facts;
	struct mus_ctx c = {.zone = &st->zone, .seen = &st->seen, .want = &v->plan->want, .policy = &e->o.policy,
	    .now = v->now, .facts = &facts};

	mus_facts(&st->zone, &st->seen, &e->o.policy, v->now, &facts);
	return mus_roll_keys(&c, s, kind);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void
say_by_hand(const struct mus_zonestate *st, const struct eng_hook_for *f, struct mus_buf *out)
{
	const char *role = f->kind == MUS_PROC_ZSK ? "zsk" : "ksk", *zone = st->book.zone;
	unsigned tag = st->zone.key[__builtin_ctzll(f->out)].tag;

	mus_buf_printf(out, "No command is configured that tells %s to roll (hooks of musicd.yaml): do it there.\n"
	    "  BIND: rndc dnssec -rollover -key %u %s\n"
	    "  Knot DNS: knotc zone-key-rollover %s %s\n"
	    "  PowerDNS: pdnsutil add-zone-key %s %s %s published ALGORITHM\n"
	    "The roll-over is followed as soon as the new key is seen.\n",
	    st->book.signer[f->signer], tag, zone, zone, role, zone, role,
	    f->kind == MUS_PROC_KSK ? "active" : "inactive");
}

static int
not_begun(const struct mus_zonestate *st, const struct eng_hook_for *f, int err, struct mus_errtext *et)
{
	char role[4];

	return mus_errf(et, err, "the command that tells %s to roll its %s cannot be begun: %s",
	    st->book.signer[f->signer], role_of(f->kind, role), mus_err_text(err));
}

static int
say_command(const struct mus_zonestate *st, const struct eng_hook *h, const struct eng_hook_for *f,
    struct mus_buf *out, struct mus_errtext *et)
{
	struct mus_run_cmd cmd;
	struct mus_arena a;
	bool ok = eng_hook_fill(h, st, f, &a, &cmd);

	if (ok) {
		mus_buf_printf(out, "%s is told by:", st->book.signer[f->signer]);
		for (unsigned i = 0; cmd.argv[i]; i++)
			mus_buf_printf(out, " %s", cmd.argv[i]);
		mus_buf_printf(out, "\nHow that ends stands in the history and in the status of the zone; the "
		    "roll-over is followed as soon as the new key is seen.\n");
	}
	mus_arena_clear(&a);
	return ok ? 0 : not_begun(st, f, MUS_ERR_NOMEM, et);
}

/* ---- the order ------------------------------------------------------------------------------ */

static int
order(struct mus_engine *e, const char *actor, const struct mus_zone_obj *o, const struct mus_zonestate *st,
    const struct eng_hook_for *f, struct mus_errtext *et)
{
	struct eng_zone *z = eng_zone_get(e, o->id);
	char role[4];
	int rc = z ? eng_ctl_begin(e, et) : mus_errf(et, MUS_ERR_NOMEM, "out of memory");

	if (rc < 0)
		return rc;
	if ((rc = eng_order_roll(e, z, st, f)) < 0)
		return eng_ctl_end(e, not_begun(st, f, rc, et), et);
	rc = eng_ctl_end(e, eng_ctl_note(e, o->id, o->name, "operator", actor, et, "%s is to roll its %s",
	    st->book.signer[f->signer], role_of(f->kind, role)), et);
	if (rc < 0)
		eng_order_undo(e);
	return rc;
}

int
mus_ctl_roll(struct mus_engine *e, const char *actor, const char *zone, const char *signer, enum mus_proc_kind kind,
    bool dry_run, struct mus_buf *out, struct mus_errtext *et)
{
	struct eng_hook_for f = {.kind = kind};
	struct mus_zone_view v;
	struct mus_zone_obj o;
	const struct eng_hook *h;
	char role[4];
	int rc, s = -1;

	if ((rc = eng_ctl_zone(e, zone, &o, et)) < 0 || (rc = mus_ctl_view(e, o.name, &v, et)) < 0)
		return rc;
	for (unsigned i = 0; i < v.state->zone.signer_count; i++)
		if (strcmp(v.state->book.signer[i], signer) == 0)
			s = (int)i;
	if ((rc = check_signer(&o, &v, s, signer, et)) < 0 || (rc = check_zone(&o, &v, et)) < 0 ||
	    (rc = check_rolls(&v, signer, (unsigned)s, kind, et)) < 0 ||
	    (rc = check_keys(&v, signer, (unsigned)s, et)) < 0)
		return rc;
	f.signer = (uint8_t)s;
	if (!(f.out = keys_of(e, &v, f.signer, kind)))
		return mus_errf(et, MUS_ERR_INVAL, "signer %s has no %s in use in zone %.200s", signer,
		    role_of(kind, role), o.name);
	if (!(h = eng_hook_find(e, signer, MUS_VERB_ROLL, kind))) {
		say_by_hand(v.state, &f, out);
		return 0;
	}
	if ((rc = say_command(v.state, h, &f, out, et)) < 0 || dry_run)
		return rc;
	return order(e, actor, &o, v.state, &f, et);
}
