#include "wire/body_of.h"

#include <string.h>

#include "base/text.h"
#include "model/text.h"

static const char *
tri_word(enum mus_tri t)
{
	switch (t) {
	case MUS_YES:
		return "yes";
	case MUS_NO:
		return "no";
	case MUS_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *
mus_body_result_word(enum mus_result r)
{
	switch (r) {
	case MUS_RES_HOLDS:
		return "holds";
	case MUS_RES_WARN:
		return "warning";
	case MUS_RES_UNKNOWN:
		return "unknown";
	case MUS_RES_FAILS:
		return "fails";
	}
	return "unknown";
}

static const char *
mode_word(enum mus_zone_mode m)
{
	return m == MUS_MODE_MANUAL ? "manual" : "auto";
}

static struct mus_list
list_of_ns(struct mus_arena *a, const struct mus_ns_obj *ns, unsigned count)
{
	struct mus_body_ns *out;

	if (count == 0 || (out = mus_arena_alloc(a, count * sizeof *out)) == NULL)
		return (struct mus_list){NULL, 0};
	for (unsigned i = 0; i < count; i++)
		out[i] = (struct mus_body_ns){.name = ns[i].name,
		    .addresses = {ns[i].addr, ns[i].addr_count}};
	return (struct mus_list){out, count};
}

void
mus_body_of_signer(struct mus_arena *a, const struct mus_signer_obj *o,
    const struct mus_rep_changes *changes, struct mus_rep_signer *out)
{
	struct mus_rep_caps *caps = mus_arena_alloc(a, sizeof *caps);

	if (caps != NULL)
		*caps = (struct mus_rep_caps){tri_word(o->caps.dnskey), tri_word(o->caps.cds),
		    tri_word(o->caps.cdnskey), tri_word(o->caps.csync), tri_word(o->caps.ns), o->caps_at};
	*out = (struct mus_rep_signer){
	    .name = o->name, .driver = o->driver, .update = o->update, .key_file = o->key_file,
	    .no_transfer = o->no_transfer, .max_ttl_s = o->max_ttl_s,
	    .declared_content = o->declared_content, .update_rate = o->update_rate,
	    .name_servers = list_of_ns(a, o->ns, o->ns_count), .caps = caps, .changes = changes, .trouble = "",
	    .created_at = o->created_at, .changed_at = o->changed_at,
	};
}

void
mus_body_of_group(struct mus_arena *a, const struct mus_group_obj *o,
    const struct mus_body_names *names, struct mus_rep_group *out)
{
	struct mus_rep_member *m = mus_arena_alloc(a, MUS_SIGNERS_MAX * sizeof *m);
	size_t count = m != NULL ? o->member_count : 0;

	for (size_t i = 0; i < count; i++)
		m[i] = (struct mus_rep_member){
		    names->signer(names->arg, o->member[i].signer_id), o->member[i].leaving};
	*out = (struct mus_rep_group){.name = o->name, .signers = {m, count},
	    .created_at = o->created_at, .changed_at = o->changed_at};
}

void
mus_body_of_zone(struct mus_arena *a, const struct mus_zone_obj *o,
    const struct mus_body_names *names, struct mus_rep_zone *out)
{
	struct mus_rep_zone_signer *zs = NULL;
	size_t count = o->signer_count;

	if (count > 0 && (zs = mus_arena_alloc(a, count * sizeof *zs)) == NULL)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct mus_zone_signer_obj *s = &o->signer[i];

		zs[i] = (struct mus_rep_zone_signer){
		    .signer = names->signer(names->arg, s->signer_id), .key_file = s->key_file,
		    .max_ttl_s = s->max_ttl_s, .name_servers = list_of_ns(a, s->ns, s->ns_count),
		    .lost = s->lost, .excluded = s->excluded, .staying = s->staying};
	}
	*out = (struct mus_rep_zone){
	    .name = o->name, .group = names->group(names->arg, o->group_id),
	    .mode = mode_word(o->mode), .state = o->state, .process = o->process, .row = o->row,
	    .waiting = o->waiting, .waiting_until = o->waiting_until, .held = o->held,
	    .held_reason = o->held_reason, .sample = o->sample, .parent = o->parent,
	    .parent_addresses = {o->parent_addr, o->parent_addr_count}, .signers = {zs, count},
	    .next_check_at = o->next_check_at, .checked_at = o->checked_at,
	    .created_at = o->created_at, .changed_at = o->changed_at,
	};
}

void
mus_body_of_event(const struct mus_event_obj *o, struct mus_rep_event *out)
{
	*out = (struct mus_rep_event){.id = (uint64_t)o->id, .zone = o->zone[0] != '\0' ? o->zone : NULL,
	    .at = o->at, .kind = o->kind, .text = o->text, .actor = o->actor};
}

void
mus_body_of_process(const struct mus_process_obj *o, struct mus_rep_process *out)
{
	bool done = strcmp(o->outcome, "done") == 0;

	*out = (struct mus_rep_process){.id = (uint64_t)o->id, .zone = o->zone, .kind = o->kind,
	    .signer = o->signer, .row = o->row, .outcome = o->outcome,
	    .running = !mus_time_is_set(o->ended_at), .started_at = o->started_at,
	    .ended_at = o->ended_at,
	    /* Of one that was lost what it must be is stored behind the word. */
	    .done = done || strncmp(o->outcome, "done: ", 6) == 0,
	    .may_stop = done && strcmp(o->kind, mus_proc_text(MUS_PROC_REMOVE)) == 0};
}

static const char *
origin_name(const struct mus_zonestate *z, unsigned origin)
{
	if (origin < z->zone.signer_count)
		return z->book.signer[origin];
	return origin == MUS_PARENT ? "parent" : NULL;
}

static const char *
record_name(unsigned kind)
{
	return kind < MUS_RR_COUNT ? mus_rr_text((enum mus_rr_kind)kind) : NULL;
}

static const char *
keep_text(struct mus_arena *a, const char *s)
{
	const char *kept = mus_arena_strdup(a, s);

	return kept != NULL ? kept : "";
}

/* Does a change at its origin put ${w} right? */
static bool
needs_change(const struct mus_witness *w)
{
	switch (w->rule) {
	case MUS_RULE_CAPS:
		return true;
	case MUS_RULE_IMPORT:
	case MUS_RULE_SIGNAL:
	case MUS_RULE_NSSET:
	case MUS_RULE_CSYNCSET:
	case MUS_RULE_V7:
	case MUS_RULE_V8:
	case MUS_RULE_G3:
	case MUS_RULE_NEWKEY:
	case MUS_RULE_WITHDRAWN:
		return w->result == MUS_RES_FAILS || w->result == MUS_RES_WARN;
	default:
		return false;
	}
}

/* A signer that is changed by hand has nothing to probe, and refuses nothing; a secondary is not changed at all. */
static const char *
hint_of(struct mus_arena *a, const struct mus_zonestate *z, const struct mus_witness *w)
{
	if (!needs_change(w) || w->origin >= z->zone.signer_count || z->zone.signer[w->origin].has_driver)
		return mus_body_hint(w);
	if (z->zone.signer[w->origin].is_secondary)
		return keep_text(a, mus_arena_printf(a,
		    "nothing is changed at %s: it serves the copy of the signer that it is pointed to; when "
		    "this lasts, look whether that is a signer that stays, and whether its zone transfers come",
		    z->book.signer[w->origin]));
	return keep_text(a, mus_arena_printf(a, "when it is their turn \"zone plan %s\" lists the records: change them "
						"at %s by its own means; the zone goes on when its servers show them",
	    z->book.zone, z->book.signer[w->origin]));
}

void
mus_body_of_finding(struct mus_arena *a, const struct mus_zonestate *z, const struct mus_witness *w,
    struct mus_rep_finding *out)
{
	char text[MUS_TEXT_MAX];

	*out = (struct mus_rep_finding){
	    .rule = mus_rule_text(w->rule), .sentence = mus_rule_sentence(w->rule),
	    .result = mus_body_result_word(w->result),
	    .text = keep_text(a, mus_witness_text(&z->book, &z->zone, w, text)),
	    .signer = origin_name(z, w->origin), .other_signer = origin_name(z, w->origin2),
	    .record = record_name(w->kind), .seen_at = w->seen_at, .until = w->until,
	    .hint = hint_of(a, z, w),
	};
	if (w->server < z->zone.server_count)
		out->server = keep_text(a, mus_server_text(&z->book, &z->zone, w->server, text));
	if (w->key < z->zone.key_count)
		out->key_tag = z->zone.key[w->key].tag;
	else if (w->surplus && mus_rr_names_keys(w->kind))
		out->key_tag = w->number;	/* of a record that names no key we know */
	if (w->result == MUS_RES_UNKNOWN && w->cause < MUS_CAUSE_COUNT)
		out->cause = mus_cause_text((enum mus_cause)w->cause);
}

/* A copy that is being read is no trouble: from whom, and since when. */
static void
add_copy_reading(struct mus_arena *a, struct mus_rep_finding *out, const struct mus_body_trouble *t)
{
	char at[MUS_TIME_TEXT_MAX], server[MUS_ADDR_TEXT_MAX];

	if (t->copy_began.ms == 0)
		return;
	out->server = keep_text(a, mus_addr_text(t->copy_server, 53, server));
	out->text = keep_text(a, mus_arena_printf(a, "%s; it is being read from %s since %s", out->text, out->server,
	    mus_time_text_s(t->copy_began, false, at)));
	if (t->copy != NULL && t->copy[0] != '\0')
		return;				/* it has failed before: that counts until it is there */
	out->hint = "nothing is to be done: the zone goes on as soon as the copy is there";
	out->seen_at = t->copy_began;
}

/* Nobody reads it, so that waiting does not help. */
static void
add_copy_unread(struct mus_rep_finding *out, enum mus_rule rule, enum mus_body_unread why)
{
	if (why == MUS_BODY_READ)
		return;
	out->cause = why == MUS_BODY_NO_ADDRESS ? "there is no address to read it from"
						: "the signer is said to allow no transfer";
	out->hint = mus_body_unread_hint(why, rule);
}

/* Why a copy could not be read, by whom and since when, and when it is tried again. */
static void
add_copy_trouble(struct mus_arena *a, struct mus_rep_finding *out, const struct mus_body_trouble *t)
{
	char at[MUS_TIME_TEXT_MAX], server[MUS_ADDR_TEXT_MAX];

	if (t->copy == NULL || t->copy[0] == '\0')
		return;
	out->cause = t->copy;
	out->hint = mus_body_copy_hint(t->copy_err);
	out->seen_at = t->copy_since;
	if (t->copy_server != NULL)
		out->server = keep_text(a, mus_addr_text(t->copy_server, 53, server));
	if (!mus_time_is_set(t->copy_next))
		return;
	out->until = t->copy_next;
	out->text = keep_text(a, mus_arena_printf(a, "%s; it is tried again at %s", out->text,
	    mus_time_text_s(t->copy_next, true, at)));
}

static void
add_refused_join(struct mus_arena *a, struct mus_rep_finding *out, const char *why)
{
	out->text = keep_text(a, mus_arena_printf(a, "%s: %s", out->rule, why));
	out->hint = "a join would be refused: put that right first";
}

static bool
misses_copy(const struct mus_witness *w)
{
	return w->result == MUS_RES_UNKNOWN && (w->rule == MUS_RULE_TTLMAX || w->rule == MUS_RULE_V13);
}

uint8_t
mus_body_copies_missed(const struct mus_witness *w, unsigned count)
{
	uint8_t signers = 0;

	for (unsigned i = 0; i < count; i++)
		if (misses_copy(&w[i]) && w[i].origin < MUS_SIGNERS_MAX)
			signers |= (uint8_t)(1u << w[i].origin);
	return signers;
}

/* What was told when it was tried: it says more than that something is not there. */
static void
add_trouble(struct mus_arena *a, struct mus_rep_finding *out, const struct mus_witness *w,
    const struct mus_body_trouble *t)
{
	const char *words = NULL;

	switch (w->rule) {
	case MUS_RULE_TTLMAX:
	case MUS_RULE_V13:
		if (misses_copy(w)) {
			add_copy_trouble(a, out, t);
			add_copy_reading(a, out, t);
			add_copy_unread(out, w->rule, t->unread);
		}
		break;
	case MUS_RULE_PREFLIGHT:
		if (t->join != NULL)	/* this is the preflight: it is no place to lead to */
			add_refused_join(a, out, t->join);
		break;
	case MUS_RULE_IMPORT:
	case MUS_RULE_SIGNAL:
	case MUS_RULE_NSSET:
	case MUS_RULE_CSYNCSET:
	case MUS_RULE_V7:
	case MUS_RULE_V8:
	case MUS_RULE_G3:
		words = w->result == MUS_RES_FAILS || w->result == MUS_RES_WARN ? t->change : NULL;
		break;
	default:
		break;
	}
	if (w->cause == MUS_CAUSE_NOLOOKUP || w->cause == MUS_CAUSE_NOADDR || w->cause == MUS_CAUSE_ADDRESS)
		words = t->lookup;
	if (words != NULL && words[0] != '\0')
		out->cause = words;
}

static void
fill_findings(struct mus_arena *a, const struct mus_zonestate *z, const struct mus_witness *w, unsigned count,
    const struct mus_body_trouble *trouble, struct mus_rep_finding *out)
{
	for (unsigned i = 0; i < count; i++) {
		mus_body_of_finding(a, z, &w[i], &out[i]);
		if (w[i].origin < MUS_ORIGINS)
			add_trouble(a, &out[i], &w[i], &trouble[w[i].origin]);
	}
}

struct mus_list
mus_body_of_findings(struct mus_arena *a, const struct mus_zonestate *z, const struct mus_witness *w,
    unsigned count, const struct mus_body_trouble *trouble)
{
	struct mus_rep_finding *out;

	if (count == 0 || (out = mus_arena_alloc(a, count * sizeof *out)) == NULL)
		return (struct mus_list){NULL, 0};
	fill_findings(a, z, w, count, trouble, out);
	return (struct mus_list){out, count};
}

static const struct mus_rep_process_state *
process_state(struct mus_arena *a, const struct mus_body_view *v)
{
	const struct mus_proc *p = v->plan != NULL ? &v->plan->want.proc : &v->state->want.proc;
	struct mus_rep_process_state *out;
	const char *signer = origin_name(v->state, p->signer);

	if (p->kind == MUS_PROC_NONE || (out = mus_arena_alloc(a, sizeof *out)) == NULL)
		return NULL;
	*out = (struct mus_rep_process_state){.kind = mus_proc_text(p->kind),
	    .signer = signer != NULL ? signer : "", .row = v->row.name != NULL ? v->row.name : "",
	    .row_number = (uint64_t)p->row + 1, .row_count = v->row.count,
	    .started_at = p->started_at, .row_at = p->row_at};
	return out;
}

/* What is to be changed by hand: "... cannot be changed from here: change DNSKEY there by hand (knot: add ...)". */
static void
add_by_hand(struct mus_arena *a, const struct mus_body_view *v, const struct mus_witness *w,
    struct mus_rep_finding *out)
{
	const struct mus_plan *p = v->plan;
	char text[MUS_TEXT_MAX];

	for (unsigned i = p->act_count; w->rule == MUS_RULE_CAPS && i < p->act_count + p->hand_count; i++)
		if (p->act[i].signer == w->origin && p->act[i].rr == w->kind)
			out->text = keep_text(a, mus_arena_printf(a, "%s (%s)", out->text,
			    mus_act_text(&v->state->book, &v->state->zone, &p->act[i], text)));
}

/* While nothing can be stored, no answer counts, and who "has not been asked lately" is not to blame. */
static void
add_store(struct mus_arena *a, const struct mus_body_view *v, const struct mus_witness *w, unsigned count,
    struct mus_rep_finding *out)
{
	for (unsigned i = 0; v->store_error != NULL && i < count; i++)
		if (w[i].rule == MUS_RULE_STORE)
			out[i].text = keep_text(a, mus_arena_printf(a, "%s: %s", out[i].text, v->store_error));
		else if (w[i].result == MUS_RES_UNKNOWN && w[i].cause == MUS_CAUSE_NONE)
			out[i].hint = "nothing to do here: answers count again when the database takes changes";
}

/* ${is_plan}: where it tells the records at a signer, its waits do not. */
static struct mus_list
waits_of(struct mus_arena *a, const struct mus_body_view *v, bool is_plan)
{
	const struct mus_plan *p = v->plan;
	struct mus_rep_finding *out;

	if (p == NULL || p->wait_count == 0 || (out = mus_arena_alloc(a, p->wait_count * sizeof *out)) == NULL)
		return (struct mus_list){NULL, 0};
	fill_findings(a, v->state, p->wait, p->wait_count, v->trouble, out);
	for (unsigned i = 0; i < p->wait_count; i++) {
		const char *hint = mus_body_wait_hint(&p->wait[i]);

		if (hint != NULL)
			out[i].hint = hint;
		if (!is_plan || p->wait[i].origin >= MUS_SIGNERS_MAX || v->by_hand[p->wait[i].origin] == NULL)
			add_by_hand(a, v, &p->wait[i], &out[i]);
	}
	add_store(a, v, p->wait, p->wait_count, out);
	return (struct mus_list){out, p->wait_count};
}

/* Those of ${lines}, each ended, that begin with ${head}: what follows it. */
static struct mus_list
lines_of(struct mus_arena *a, const char *lines, const char *head)
{
	const char **line, *end;
	size_t count = 0, len = strlen(head);

	for (const char *q = lines; (q = strchr(q, '\n')) != NULL; q++)
		count++;
	if (count == 0 || (line = mus_arena_alloc(a, count * sizeof *line)) == NULL)
		return (struct mus_list){NULL, 0};
	count = 0;
	for (const char *p = lines; (end = strchr(p, '\n')) != NULL; p = end + 1)
		if (strncmp(p, head, len) == 0)
			line[count++] =
			    keep_text(a, mus_arena_printf(a, "%.*s", (int)(end - p - (ptrdiff_t)len), p + len));
	return (struct mus_list){line, count};
}

/* The lines of what is to be done at the parent. */
static struct mus_list
manual_of(struct mus_arena *a, const struct mus_body_view *v)
{
	return lines_of(a, v->manual != NULL ? v->manual : "", "");
}

/* And at signers without a driver. */
static struct mus_list
by_hand_of(struct mus_arena *a, const struct mus_body_view *v)
{
	struct mus_rep_by_hand *out = mus_arena_alloc(a, MUS_SIGNERS_MAX * sizeof *out);
	size_t count = 0;

	for (unsigned s = 0; out != NULL && s < v->state->zone.signer_count; s++)
		if (v->by_hand[s] != NULL)
			out[count++] = (struct mus_rep_by_hand){.signer = v->state->book.signer[s],
			    .add = lines_of(a, v->by_hand[s], "add "), .remove = lines_of(a, v->by_hand[s], "remove ")};
	return (struct mus_list){out, count};
}

static struct mus_time
wake_of(const struct mus_body_view *v)
{
	return v->plan != NULL ? v->plan->wake_at : MUS_TIME_NEVER;
}

/* Every version that some server shows now has one of ${mask}; false when none is shown. */
static bool
shown_everywhere(const struct mus_ring *ring, uint64_t mask)
{
	bool any = false;

	for (unsigned i = 0; i < ring->count; i++) {
		if (ring->v[i].srv == 0)
			continue;
		if ((ring->v[i].set & mask) == 0)
			return false;
		any = true;
	}
	return any;
}

static struct mus_list
tags_of(struct mus_arena *a, const struct mus_zonestate *z, uint64_t keys)
{
	const char **tags = mus_arena_alloc(a, MUS_KEYS_MAX * sizeof *tags);
	struct mus_list out = {tags, 0};

	for (unsigned k = 0; tags != NULL && k < z->zone.key_count; k++)
		if (keys >> k & 1)
			tags[out.count++] = mus_arena_printf(a, "%u", z->zone.key[k].tag);
	return out;
}

static void
signer_state(struct mus_arena *a, const struct mus_zonestate *z, unsigned s,
    struct mus_rep_signer_state *out)
{
	const struct mus_zsigner *zs = &z->zone.signer[s];
	uint64_t keys = 0, names = 0;
	bool in_keys = true;

	*out = (struct mus_rep_signer_state){.name = z->book.signer[s], .member = zs->is_member,
	    .lost = zs->is_lost, .driver = zs->has_driver, .secondary = zs->is_secondary};
	for (unsigned k = 0; k < z->zone.key_count; k++) {
		if (z->zone.key[k].owner != s || mus_time_is_set(z->zone.key[k].gone_at))
			continue;
		keys |= mus_bit(k);
	}
	out->key_tags = tags_of(a, z, keys);
	out->keys = out->key_tags.count;
	for (unsigned n = 0; n < z->zone.ns_count; n++)
		if (z->zone.ns[n].owner == s)
			names |= mus_bit(n);
	for (unsigned o = 0; o < z->zone.signer_count; o++) {
		const struct mus_zsigner *other = &z->zone.signer[o];

		if (o == s || (other->is_member && !other->is_lost))
			in_keys = in_keys && shown_everywhere(&z->seen.signer[o][MUS_RR_KEY], keys);
	}
	out->in_keys = in_keys;
	out->in_ds = shown_everywhere(mus_seen_ring_const(&z->seen, MUS_PARENT, MUS_RR_DS), keys);
	out->in_ns = shown_everywhere(mus_seen_ring_const(&z->seen, MUS_PARENT, MUS_RR_PNS), names);
}

static struct mus_list
rollovers_of(struct mus_arena *a, const struct mus_body_view *v)
{
	const struct mus_roll *roll = v->plan != NULL ? v->plan->want.roll : v->state->want.roll;
	struct mus_rep_rollover *out = mus_arena_alloc(a, MUS_ROLLS_MAX * sizeof *out);
	size_t count = 0;

	for (unsigned i = 0; out != NULL && i < MUS_ROLLS_MAX; i++) {
		const struct mus_roll *r = &roll[i];
		const char *signer = origin_name(v->state, r->signer);
		struct mus_rep_finding *wait = NULL;

		if (r->kind == MUS_PROC_NONE)
			continue;
		if (v->plan != NULL && v->plan->roll_wait[i].rule != MUS_RULE_NONE &&
		    (wait = mus_arena_alloc(a, sizeof *wait)) != NULL)
			mus_body_of_finding(a, v->state, &v->plan->roll_wait[i], wait);
		out[count++] = (struct mus_rep_rollover){.kind = mus_proc_text(r->kind),
		    .signer = signer != NULL ? signer : "",
		    .row = v->roll_row[i].name != NULL ? v->roll_row[i].name : "", .row_number = (uint64_t)r->row + 1,
		    .row_count = v->roll_row[i].count, .new_keys = tags_of(a, v->state, r->in),
		    .old_keys = tags_of(a, v->state, r->out), .early = r->early, .waits_for = wait,
		    .started_at = r->started_at, .row_at = r->row_at};
	}
	return (struct mus_list){out, count};
}

static struct mus_list
commands_of(struct mus_arena *a, const struct mus_body_view *v)
{
	struct mus_rep_command *out = mus_arena_alloc(a, v->command_count * sizeof *out);
	size_t count = 0;

	for (; out != NULL && count < v->command_count; count++) {
		const struct mus_body_command *c = &v->command[count];

		out[count] = (struct mus_rep_command){.signer = c->signer, .verb = c->verb, .role = c->role,
		    .state = c->state, .text = c->text, .tries = c->tries, .at = c->at, .next_at = c->next};
	}
	return (struct mus_list){out, count};
}

static void
count_servers(const struct mus_zonestate *z, unsigned origin, uint64_t *all, uint64_t *reached)
{
	for (unsigned i = 0; i < z->zone.server_count; i++) {
		if (z->zone.server[i].origin != origin)
			continue;
		++*all;
		if (z->seen.server[i].udp_ok && z->seen.server[i].aa_ok)
			++*reached;
	}
}

/* Signers with a mark that the zone knows nothing else of: one that was lost, and has left since.  How many. */
static size_t
lost_elsewhere(const struct mus_zone_obj *o, const struct mus_zonestate *z, const struct mus_body_names *names,
    struct mus_rep_signer_state *out)
{
	size_t count = 0;

	for (unsigned i = 0; i < o->signer_count; i++)
		if (o->signer[i].lost && mus_book_find_signer(&z->book, &z->zone, o->signer[i].signer_id) < 0)
			out[count++] = (struct mus_rep_signer_state){
			    .name = names->signer(names->arg, o->signer[i].signer_id), .lost = true};
	return count;
}

/* A line for each signer that is lost, as long as resolvers may be led to it: no rule sees them, for nobody asks it
 * any more (OP-9). */
static struct mus_list
warnings_of(struct mus_arena *a, const struct mus_zone_obj *o, const struct mus_body_names *names, struct mus_time now)
{
	const char **out = mus_arena_alloc(a, MUS_SIGNERS_MAX * sizeof *out);
	char until[MUS_TIME_TEXT_MAX];
	size_t count = 0;

	for (unsigned i = 0; out != NULL && i < o->signer_count; i++) {
		const struct mus_zone_signer_obj *s = &o->signer[i];
		const char *name = names->signer(names->arg, s->signer_id);

		if (!s->lost || s->lost_until.ms <= now.ms)
			continue;
		if (mus_time_is_set(s->lost_until))
			out[count++] = mus_arena_printf(a,
			    "%s was lost and has left: resolvers that found the zone through it may fail until %s, and "
			    "as long as it answers; it must be silent, and nobody asks it (counted apart)",
			    name, mus_time_text_s(s->lost_until, true, until));
		else
			out[count++] = mus_arena_printf(a,
			    "%s is declared lost: resolvers that found the zone through it may fail as long as it "
			    "answers; it must be silent, and nobody asks it (counted apart)", name);
		count -= out[count - 1] == NULL;
	}
	return (struct mus_list){out, count};
}

void
mus_body_of_status(struct mus_arena *a, const struct mus_zone_obj *o, const struct mus_body_names *names,
    const struct mus_body_view *v, struct mus_rep_zone_status *out)
{
	const struct mus_zonestate *z = v->state;
	struct mus_rep_signer_state *s = mus_arena_alloc(a, 2 * MUS_SIGNERS_MAX * sizeof *s);
	size_t count = s != NULL ? z->zone.signer_count : 0;

	*out = (struct mus_rep_zone_status){
	    .name = o->name, .group = names->group(names->arg, o->group_id), .mode = mode_word(o->mode),
	    .state = o->state, .parent = z->book.parent, .parent_announces = v->announces, .held = o->held,
	    .held_reason = o->held_reason,
	    .forced = v->forced, .forced_reason = v->forced_reason,
	    .process = process_state(a, v), .rollovers = rollovers_of(a, v), .commands = commands_of(a, v),
	    .waits = waits_of(a, v, false), .warnings = warnings_of(a, o, names, v->now),
	    .findings = v->verdict != NULL ? v->verdict->finding_count : 0, .wake_at = wake_of(v),
	    .manual = manual_of(a, v),
	    .manual_since = v->manual != NULL && v->manual[0] != '\0' ? v->manual_since : MUS_TIME_NEVER,
	    .next_check_at = o->next_check_at, .checked_at = o->checked_at, .now = v->now,
	};
	for (unsigned i = 0; i < count; i++) {
		signer_state(a, z, i, &s[i]);
		count_servers(z, i, &s[i].servers, &s[i].servers_reached);
	}
	if (s != NULL)
		count += lost_elsewhere(o, z, names, s + count);
	out->signers = (struct mus_list){s, count};
	count_servers(z, MUS_PARENT, &out->parent_servers, &out->parent_servers_reached);
}

static const char *
act_kind_word(enum mus_act_kind k)
{
	switch (k) {
	case MUS_ACT_CHANGE:
		return "change";
	case MUS_ACT_TRANSFER:
		return "transfer";
	}
	return "?";
}

static void
action_of(struct mus_arena *a, const struct mus_zonestate *z, const struct mus_act *act,
    struct mus_rep_action *out)
{
	char text[MUS_TEXT_MAX];
	const char *id = mus_arena_printf(a, "%016llx", (unsigned long long)act->id);

	*out = (struct mus_rep_action){
	    .id = id != NULL ? id : "", .kind = act_kind_word(act->kind),
	    .signer = origin_name(z, act->signer),
	    .record = act->kind == MUS_ACT_CHANGE ? record_name(act->rr) : NULL,
	    .why = mus_rule_text(act->why),
	    .text = keep_text(a, mus_act_text(&z->book, &z->zone, act, text)),
	};
}

void
mus_body_of_plan(struct mus_arena *a, const struct mus_zone_obj *o, const struct mus_body_view *v,
    struct mus_rep_plan *out)
{
	const struct mus_plan *p = v->plan;
	const struct mus_zonestate *z = v->state;
	size_t acts = p != NULL ? p->act_count : 0, need = 0;
	struct mus_rep_action *act = acts > 0 ? mus_arena_alloc(a, acts * sizeof *act) : NULL;
	const char **copy = mus_arena_alloc(a, MUS_SIGNERS_MAX * sizeof *copy);

	if (act == NULL)
		acts = 0;
	for (size_t i = 0; i < acts; i++)
		action_of(a, z, &p->act[i], &act[i]);
	for (unsigned s = 0; p != NULL && copy != NULL && s < z->zone.signer_count; s++)
		if ((p->need_copy >> s & 1) != 0 && v->trouble[s].unread == MUS_BODY_READ)
			copy[need++] = z->book.signer[s];
	*out = (struct mus_rep_plan){
	    .zone = o->name, .state = o->state, .process = process_state(a, v),
	    .actions = {act, acts}, .by_hand = by_hand_of(a, v), .waits = waits_of(a, v, true),
	    .need_copy = {copy, need}, .wake_at = wake_of(v), .now = v->now,
	};
}

void
mus_body_of_explain(struct mus_arena *a, const struct mus_zone_obj *o, const struct mus_body_view *v,
    struct mus_rep_explain *out)
{
	const struct mus_verdict *d = v->verdict;
	struct mus_rep_rule *rules = mus_arena_alloc(a, MUS_RULE_COUNT * sizeof *rules);
	struct mus_rep_finding *finding;
	size_t count = 0;

	for (unsigned r = MUS_RULE_V1; d != NULL && rules != NULL && r <= MUS_RULE_V14; r++)
		rules[count++] = (struct mus_rep_rule){mus_rule_text((enum mus_rule)r),
		    mus_rule_sentence((enum mus_rule)r), mus_body_result_word(d->rule[r])};
	*out = (struct mus_rep_explain){
	    .zone = o->name, .state = o->state, .process = process_state(a, v),
	    .forced = v->forced, .forced_reason = v->forced_reason,
	    .rules = {rules, count}, .waits = waits_of(a, v, false), .wake_at = wake_of(v), .now = v->now,
	    .manual = manual_of(a, v),
	    .manual_since = v->manual != NULL && v->manual[0] != '\0' ? v->manual_since : MUS_TIME_NEVER,
	};
	if (d == NULL || (finding = mus_arena_alloc(a, (d->finding_count + 1) * sizeof *finding)) == NULL)
		return;
	fill_findings(a, v->state, d->finding, d->finding_count, v->trouble, finding);
	add_store(a, v, d->finding, d->finding_count, finding);
	out->findings = (struct mus_list){finding, d->finding_count};
}

void
mus_body_to_ns(const struct mus_list *list, struct mus_ns_obj *ns, uint8_t *count)
{
	const struct mus_body_ns *in = list->item;

	*count = 0;
	for (size_t i = 0; i < list->count && i < MUS_OBJ_NS_MAX; i++) {
		const struct mus_addr *addr = in[i].addresses.item;
		struct mus_ns_obj *out = &ns[i];

		memset(out, 0, sizeof *out);
		(void)mus_strcpy(out->name, sizeof out->name, in[i].name);
		for (size_t k = 0; k < in[i].addresses.count && k < MUS_OBJ_ADDR_MAX; k++)
			out->addr[out->addr_count++] = addr[k];
		++*count;
	}
}

void
mus_body_to_signer(const struct mus_req_signer *r, struct mus_signer_obj *o)
{
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_NAME))
		(void)mus_strcpy(o->name, sizeof o->name, r->name);
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_DRIVER))
		(void)mus_strcpy(o->driver, sizeof o->driver, r->driver);
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_UPDATE))
		o->update = r->update;
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_KEY_FILE))
		(void)mus_strcpy(o->key_file, sizeof o->key_file, r->key_file);
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_NO_TRANSFER))
		o->no_transfer = r->no_transfer;
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_MAX_TTL))
		o->max_ttl_s = (uint32_t)r->max_ttl_s;
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_DECLARED_CONTENT))
		o->declared_content = r->declared_content;
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_UPDATE_RATE))
		o->update_rate = (uint32_t)r->update_rate;
	if (mus_wire_given(r->given, MUS_REQ_SIGNER_NAME_SERVERS))
		mus_body_to_ns(&r->name_servers, o->ns, &o->ns_count);
}
