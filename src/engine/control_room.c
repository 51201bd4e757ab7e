/*
 * Would the servers of a zone find room, and has each name and address one owner?  What can be known when
 * an operator asks; what look-ups and the parent's delegation add is found when the places are given out
 * (sync.c).
 */
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

/* Member ${i} as it is to be: ${changed}, or what is stored, in ${stored}. */
static int
get_member(struct mus_engine *e, const struct mus_group_obj *g, unsigned i,
    const struct mus_signer_obj *changed, struct mus_signer_obj *stored, const struct mus_signer_obj **out,
    struct mus_errtext *et)
{
	bool is_it = changed && changed->id == g->member[i].signer_id;

	*out = is_it ? changed : stored;
	return is_it ? 0 : mus_store_load_signer_id(e->o.store, g->member[i].signer_id, stored, et);
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
		int rc = get_member(e, g, i, changed, &stored, &s, et);

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

/* The same name, or the same address, at two signers, and not said by both to serve both. */
static int
check_pair(const struct mus_signer_obj *sa, const struct mus_ns_obj *a, const struct mus_signer_obj *sb,
    const struct mus_ns_obj *b, struct mus_errtext *et)
{
	char text[MUS_ADDR_TEXT_MAX];

	if (a->is_shared && b->is_shared)
		return 0;
	if (strcmp(a->name, b->name) == 0)
		return mus_errf(et, MUS_ERR_INVAL,
		    "%s is a name server of signer %s and of signer %s: it belongs to one, or is given as shared "
		    "to both", a->name, sa->name, sb->name);
	for (unsigned i = 0; i < a->addr_count; i++)
		for (unsigned k = 0; k < b->addr_count; k++)
			if (mus_addr_equal(&a->addr[i], &b->addr[k]))
				return mus_errf(et, MUS_ERR_INVAL,
				    "%s is an address of %s (signer %s) and of %s (signer %s): it serves one "
				    "signer's copy, or both name servers are given as shared",
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

		rc = get_member(e, g, i, changed, &a_stored, &a, et);
		for (unsigned k = i + 1; k < g->member_count && rc == 0; k++) {
			rc = get_member(e, g, k, changed, &b_stored, &b, et);
			if (rc == 0)
				rc = check_signers(zone ? zone : &any, a, b, et);
		}
	}
	return rc;
}
