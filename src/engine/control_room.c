/*
 * Would the servers of a zone find room, and has each name and address one owner?  What can be known when
 * an operator asks; what look-ups and the parent's delegation add is found when the places are given out
 * (sync.c).
 */
#include <stdio.h>
#include <string.h>

#include "engine/control_int.h"

/* Addresses a signer is asked at; a name that is to be looked up has one at least. */
static unsigned
count_addresses(const struct mus_ns_obj *ns, unsigned ns_count)
{
	unsigned count = 0;

	for (unsigned i = 0; i < ns_count; i++) {
		count += ns[i].addr_count == 0;
		for (unsigned a = 0; a < ns[i].addr_count; a++) {
			bool twice = false;

			for (unsigned k = 0; k < i && !twice; k++)
				for (unsigned b = 0; b < ns[k].addr_count && !twice; b++)
					twice = mus_addr_equal(&ns[k].addr[b], &ns[i].addr[a]);
			count += !twice;
		}
	}
	return count;
}

/* Signer ${id} as it is to be: ${changed}, or what is stored, in ${stored}. */
static int
get_signer(struct mus_engine *e, int64_t id, const struct mus_signer_obj *changed, struct mus_signer_obj *stored,
    const struct mus_signer_obj **out, struct mus_errtext *et)
{
	bool is_it = changed && changed->id == id;

	*out = is_it ? changed : stored;
	return is_it ? 0 : mus_store_load_signer_id(e->o.store, id, stored, et);
}

int
eng_check_room(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et)
{
	static const struct mus_zone_obj any = {.name = ""};
	const struct mus_zone_obj *z = zone ? zone : &any;
	unsigned parent = z->parent_addr_count ? z->parent_addr_count : 1, count = parent;

	for (unsigned i = 0; i < g->member_count; i++) {
		struct mus_signer_obj stored;
		const struct mus_signer_obj *s;
		const struct mus_ns_obj *ns;
		unsigned ns_count;
		int rc = get_signer(e, g->member[i].signer_id, changed, &stored, &s, et);

		if (rc < 0)
			return rc;
		ns_count = eng_ns_of(z, s, &ns);
		count += count_addresses(ns, ns_count);
	}
	if (count <= MUS_SERVERS_MAX)
		return 0;
	return mus_errf(et, MUS_ERR_INVAL,
	    "the name servers of group %s would have %u addresses: a zone has room for %d, and its parent "
	    "needs %u", g->name, count - parent, MUS_SERVERS_MAX, parent);
}

/* The same name, or the same address, at two signers. */
static int
check_pair(const struct mus_signer_obj *sa, const struct mus_ns_obj *a, const struct mus_signer_obj *sb,
    const struct mus_ns_obj *b, struct mus_errtext *et)
{
	char text[MUS_ADDR_TEXT_MAX];

	if (strcmp(a->name, b->name) == 0)
		return mus_errf(et, MUS_ERR_INVAL,
		    "%s is a name server of signer %s and of signer %s: it belongs to one; a server that "
		    "serves the copies of several signers is a signer of its own with driver secondary",
		    a->name, sa->name, sb->name);
	for (unsigned i = 0; i < a->addr_count; i++)
		for (unsigned k = 0; k < b->addr_count; k++)
			if (mus_addr_equal(&a->addr[i], &b->addr[k]))
				return mus_errf(et, MUS_ERR_INVAL,
				    "%s is an address of %s (signer %s) and of %s (signer %s): it belongs to one; a "
				    "server that serves the copies of several signers is a signer of its own with "
				    "driver secondary",
				    mus_addr_text(&a->addr[i], 53, text), a->name, sa->name, b->name,
				    sb->name);
	return 0;
}

static int
check_signers(const struct mus_zone_obj *z, const struct mus_signer_obj *a, const struct mus_signer_obj *b,
    struct mus_errtext *et)
{
	const struct mus_ns_obj *an, *bn;
	unsigned ac = eng_ns_of(z, a, &an), bc = eng_ns_of(z, b, &bn);
	int rc = 0;

	for (unsigned i = 0; i < ac && rc == 0; i++)
		for (unsigned k = 0; k < bc && rc == 0; k++)
			rc = check_pair(a, &an[i], b, &bn[k], et);
	return rc;
}

int
eng_check_owners(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et)
{
	static const struct mus_zone_obj any = {.name = ""};
	int rc = 0;

	for (unsigned i = 0; i < g->member_count && rc == 0; i++) {
		struct mus_signer_obj a_stored, b_stored;
		const struct mus_signer_obj *a, *b;

		rc = get_signer(e, g->member[i].signer_id, changed, &a_stored, &a, et);
		for (unsigned k = i + 1; k < g->member_count && rc == 0; k++) {
			rc = get_signer(e, g->member[k].signer_id, changed, &b_stored, &b, et);
			/* What others have already is not for this change to put right. */
			if (rc == 0 && (!changed || a == changed || b == changed))
				rc = check_signers(zone ? zone : &any, a, b, et);
		}
	}
	return rc;
}

/* Name server ${b} of signer ${sb} against what signer ${s} of the state serves the zone by. */
static int
check_served(const struct mus_zonestate *st, unsigned s, const struct mus_signer_obj *sa,
    const struct mus_signer_obj *sb, const struct mus_ns_obj *b, struct mus_errtext *et)
{
	const struct mus_zone *z = &st->zone;
	int rc = 0;

	for (unsigned n = 0; n < z->ns_count && rc == 0; n++) {
		uint64_t servers = mus_servers_of(z, s);
		struct mus_ns_obj a = {.addr_count = 0};

		snprintf(a.name, sizeof a.name, "%s", st->book.ns[n]);
		if (z->ns[n].owner == s)
			rc = check_pair(sa, &a, sb, b, et);
		for (a.addr_count = 1; servers && rc == 0; servers &= servers - 1) {
			unsigned i = (unsigned)__builtin_ctzll(servers);

			a.addr[0] = st->book.addr[i];
			if (mus_server_names(&z->server[i]) >> n & 1)
				rc = check_pair(sa, &a, sb, b, et);
		}
	}
	return rc;
}

/* Signer ${s} of the state, ${leaver}, in the group no more, against one that is: by what it served the zone when
 * it was there, and by what is stored of it, which may be newer. */
static int
check_leaver(const struct mus_zonestate *st, unsigned s, const struct mus_signer_obj *leaver,
    const struct mus_zone_obj *zone, const struct mus_signer_obj *member, struct mus_errtext *et)
{
	const struct mus_ns_obj *ns;
	unsigned count = eng_ns_of(zone, member, &ns);
	int rc = check_signers(zone, leaver, member, et);

	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = check_served(st, s, leaver, member, &ns[i], et);
	return rc != MUS_ERR_INVAL ? rc : mus_err_wrap(et, MUS_ERR_CONFLICT,
	    "zone %.200s still has signer %s, which its group has not, so signer %s has to wait", zone->name,
	    leaver->name, member->name);
}

int
eng_check_leavers(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et)
{
	struct mus_zonestate *st = &e->view;
	int rc = zone->id ? eng_load_state(e, zone->id, st, et) : 0;
	unsigned in = zone->id && rc == 0 ? mus_want_part(&st->want) : 0;

	if (rc < 0)
		return mus_err_wrap(et, rc, "zone %.200s", zone->name);
	for (unsigned s = 0; in >> s && rc == 0; s++) {
		struct mus_signer_obj l_stored, m_stored;
		const struct mus_signer_obj *leaver, *member;

		if (!(in >> s & 1) || eng_is_in(g, st->book.signer_id[s]))
			continue;
		rc = get_signer(e, st->book.signer_id[s], changed, &l_stored, &leaver, et);
		for (unsigned i = 0; i < g->member_count && rc == 0; i++) {
			rc = get_signer(e, g->member[i].signer_id, changed, &m_stored, &member, et);
			if (rc == 0)
				rc = check_leaver(st, s, leaver, zone, member, et);
		}
	}
	return rc;
}

int
eng_check_members(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    struct mus_errtext *et)
{
	int rc = eng_check_room(e, g, changed, NULL, et);

	return rc < 0 ? rc : eng_check_owners(e, g, changed, NULL, et);
}

/* Of a group with a signer that joins or changes: zones with servers apart from the group's. */
struct on_zones {
	struct mus_engine *e;
	const struct mus_group_obj *g;
	const struct mus_signer_obj *changed;
	struct mus_errtext *et;
	int rc;
};

int
eng_check_on_zone(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et)
{
	int rc = eng_check_room(e, g, changed, zone, et);

	if (rc == 0)
		rc = eng_check_owners(e, g, changed, zone, et);
	if (rc < 0)
		return mus_err_wrap(et, rc, "zone %.200s", zone->name);
	return eng_check_leavers(e, g, changed, zone, et);
}

static int
check_apart(void *arg, int64_t id)
{
	struct on_zones *on = arg;
	struct mus_zone_obj zone;

	if ((on->rc = mus_store_load_zone_id(on->e->o.store, id, &zone, on->et)) == 0)
		on->rc = eng_check_on_zone(on->e, on->g, on->changed, &zone, on->et);
	return on->rc < 0;
}

int
eng_check_group(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    struct mus_errtext *et)
{
	struct on_zones on = {.e = e, .g = g, .changed = changed, .et = et};
	int rc = eng_check_members(e, g, changed, et);

	if (rc < 0 || !g->id)
		return rc;
	if (mus_store_each_zone_apart(e->o.store, g->id, check_apart, &on) < 0)
		return mus_errf(et, MUS_ERR_STORE, "database error");
	return on.rc;
}
