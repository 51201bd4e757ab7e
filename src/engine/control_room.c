/*
 * Would the servers of a zone find room?  What can be known when an operator asks; what look-ups and the
 * parent's delegation add is found when the places are given out (sync.c).
 */
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

int
eng_check_room(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et)
{
	static const struct mus_zone_obj any = {.name = ""};
	const struct mus_zone_obj *z = zone ? zone : &any;
	unsigned parent = z->parent_addr_count ? z->parent_addr_count : 1, count = parent;

	for (unsigned i = 0; i < g->member_count; i++) {
		struct mus_signer_obj stored;
		const struct mus_signer_obj *s = changed;
		const struct mus_ns_obj *ns;
		unsigned ns_count;
		int rc;

		if (!s || s->id != g->member[i].signer_id) {
			s = &stored;
			rc = mus_store_load_signer_id(e->o.store, g->member[i].signer_id, &stored, et);
			if (rc < 0)
				return rc;
		}
		ns_count = eng_ns_of(z, s, &ns);
		count += count_addresses(ns, ns_count);
	}
	if (count <= MUS_SERVERS_MAX)
		return 0;
	return mus_errf(et, MUS_ERR_INVAL,
	    "the name servers of group %s would have %u addresses: a zone has room for %d, and its parent "
	    "needs %u", g->name, count - parent, MUS_SERVERS_MAX, parent);
}
