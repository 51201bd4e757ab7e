/*
 * What the operator configured into a zone's state: signers, name servers, addresses.  Indexes stay
 * what they are; what is no longer configured loses its servers, never its history.  A name that nothing
 * refers to any more is forgotten, and its place taken again.
 */
#include <stdio.h>
#include <string.h>

#include "engine/int.h"

static bool
is_below(const char *name, const char *apex)
{
	size_t n = strlen(name), a = strlen(apex);

	if (strcmp(apex, ".") == 0)
		return true;
	return n >= a && strcmp(name + n - a, apex) == 0 && (n == a || name[n - a - 1] == '.');
}

int
eng_intern_ns(struct mus_zonestate *st, const char *name, unsigned owner)
{
	int i = mus_book_find_ns(&st->book, &st->zone, name);

	if (i >= 0) {
		if (owner != MUS_OWNER_UNKNOWN)
			st->zone.ns[i].owner = (uint8_t)owner;
		return i;
	}
	for (i = 0; i < st->zone.ns_count; i++)
		if (!st->book.ns[i][0])
			break;
	if (i == MUS_NSNAMES_MAX)
		return -1;
	if (i == st->zone.ns_count)
		st->zone.ns_count++;
	snprintf(st->book.ns[i], sizeof st->book.ns[i], "%s", name);
	st->zone.ns[i] = (struct mus_zns){
	    .owner = (uint8_t)owner, .in_domain = is_below(name, st->book.zone)};
	return i;
}

/* Names that anything seen, sent or served refers to. */
static uint64_t
names_in_use(const struct mus_zonestate *st)
{
	uint64_t used = 0;

	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		const struct mus_ring *r =
		    mus_seen_ring_const(&st->seen, o, o == MUS_PARENT ? MUS_RR_PNS : MUS_RR_NS);

		for (unsigned v = 0; v < r->count; v++)
			used |= r->v[v].set;
	}
	for (unsigned p = 0; p < st->seen.pending_count; p++)
		if (st->seen.pending[p].kind == MUS_RR_NS)
			used |= st->seen.pending[p].add | st->seen.pending[p].del;
	for (unsigned i = 0; i < st->zone.server_count; i++)
		if (st->zone.server[i].origin != MUS_NOBODY && st->zone.server[i].ns < st->zone.ns_count)
			used |= mus_bit(st->zone.server[i].ns);
	return used;
}

/* Their places are free for others.  ${named}: names of the signers ${configured}. */
static void
forget_names(struct mus_zonestate *st, uint64_t named, uint8_t configured)
{
	/* Of others that still take part, nobody says any more which they are. */
	uint8_t in = (st->want.keyg | st->want.dsg | st->want.nsg) & (uint8_t)~configured;
	uint64_t used = names_in_use(st) | named;

	for (unsigned n = 0; n < st->zone.ns_count; n++) {
		unsigned owner = st->zone.ns[n].owner;

		if (used >> n & 1 || (owner < st->zone.signer_count && (in >> owner & 1)))
			continue;
		st->book.ns[n][0] = '\0';
		st->zone.ns[n] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN};
	}
}

/* Takes a server out: what it showed stays in the caches from now on only. */
static void
drop_server(struct mus_zonestate *st, unsigned i, struct mus_time now)
{
	uint64_t bit = mus_bit(i);

	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		unsigned from = o == MUS_PARENT ? MUS_RR_DS : 0;
		unsigned to = o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT;

		for (unsigned k = from; k < to; k++) {
			struct mus_ring *ring = mus_seen_ring(&st->seen, o, (enum mus_rr_kind)k);

			ring->ok &= ~bit;
			ring->fail &= ~bit;
			for (unsigned v = 0; v < ring->count; v++)
				if (ring->v[v].srv & bit) {
					ring->v[v].srv &= ~bit;
					ring->v[v].last = mus_time_max(ring->v[v].last,
					    mus_time_min(now, st->seen.server[i].cut));
				}
		}
	}
	st->zone.server[i].origin = MUS_NOBODY;
	st->zone.server[i].ns = MUS_NOBODY;
	memset(&st->book.addr[i], 0, sizeof st->book.addr[i]);
	st->seen.server[i] = (struct mus_srvstate){.cut = MUS_TIME_ALWAYS};
}

static int
add_server(struct mus_zonestate *st, unsigned origin, unsigned ns, const struct mus_addr *addr)
{
	int i = mus_book_find_server(&st->book, &st->zone, origin, addr);

	if (i >= 0) {
		st->zone.server[i].ns = (uint8_t)ns;
		return i;
	}
	for (i = 0; i < st->zone.server_count; i++)
		if (st->zone.server[i].origin == MUS_NOBODY)
			break;
	if (i == MUS_SERVERS_MAX)
		return -1;
	if (i == st->zone.server_count)
		st->zone.server_count++;
	st->zone.server[i] = (struct mus_server){.origin = (uint8_t)origin, .ns = (uint8_t)ns};
	st->book.addr[i] = *addr;
	st->seen.server[i] = (struct mus_srvstate){
	    .cut = origin == MUS_PARENT ? MUS_TIME_NEVER : MUS_TIME_ALWAYS};
	return i;
}

static int
signer_index(struct mus_zonestate *st, int64_t id)
{
	int i = mus_book_find_signer(&st->book, &st->zone, id);

	if (i >= 0)
		return i;
	/* A place whose signer is out of everything may be taken again. */
	for (i = 0; i < st->zone.signer_count; i++)
		if (st->book.signer_id[i] == 0)
			break;
	if (i == MUS_SIGNERS_MAX)
		return -1;
	if (i == st->zone.signer_count)
		st->zone.signer_count++;
	st->book.signer_id[i] = id;
	st->zone.signer[i] = (struct mus_zsigner){.is_member = false};
	return i;
}

static const struct mus_zone_signer_obj *
override_of(const struct mus_zone_obj *zobj, int64_t signer_id)
{
	for (unsigned i = 0; i < zobj->signer_count; i++)
		if (zobj->signer[i].signer_id == signer_id)
			return &zobj->signer[i];
	return NULL;
}

unsigned
eng_ns_of(const struct mus_zone_obj *zobj, const struct mus_signer_obj *signer,
    const struct mus_ns_obj **ns)
{
	const struct mus_zone_signer_obj *ov = override_of(zobj, signer->id);

	*ns = ov && ov->ns_count ? ov->ns : signer->ns;
	return ov && ov->ns_count ? ov->ns_count : signer->ns_count;
}

int
eng_key_for(const struct mus_zone_obj *zobj, const struct eng_signer *sg, struct mus_tsig_key **own,
    const struct mus_tsig_key **key, struct mus_errtext *et)
{
	const struct mus_zone_signer_obj *ov = override_of(zobj, sg->obj.id);
	int rc;

	*own = NULL;
	*key = sg->key;
	if (ov && ov->key_file[0]) {
		rc = mus_tsig_key_load(ov->key_file, own, et);
		*key = *own;
		return rc;
	}
	if (sg->obj.key_file[0] && !sg->key) {
		*et = sg->key_error;
		return MUS_ERR_CONFLICT;
	}
	return 0;
}

static bool
sync_signer(struct mus_engine *e, const struct mus_zone_obj *zobj, struct mus_zonestate *st,
    int64_t id, bool leaving, uint64_t *keep, uint64_t *named, struct mus_errtext *et)
{
	const struct mus_zone_signer_obj *ov = override_of(zobj, id);
	struct eng_signer *sg = eng_signer_get(e, id, et);
	const struct mus_ns_obj *ns;
	struct mus_zsigner *z;
	unsigned ns_count;
	int s;

	if (!sg)
		return false;
	s = signer_index(st, id);
	if (s < 0) {
		mus_errf(et, MUS_ERR_FULL, "more than %d signers", MUS_SIGNERS_MAX);
		return false;
	}
	z = &st->zone.signer[s];
	snprintf(st->book.signer[s], sizeof st->book.signer[s], "%s", sg->obj.name);
	z->is_member = !leaving;
	if (ov && ov->excluded)
		z->is_member = false;
	if (ov && ov->staying)
		z->is_member = true;
	z->is_lost = ov && ov->lost;
	z->has_driver = sg->driver && sg->driver->apply;
	z->declared_max_ttl_s = ov && ov->max_ttl_s ? ov->max_ttl_s : sg->obj.max_ttl_s;
	z->declared_content = sg->obj.declared_content;
	z->caps = sg->obj.caps;
	ns_count = eng_ns_of(zobj, &sg->obj, &ns);
	for (unsigned i = 0; i < ns_count; i++) {
		int n = eng_intern_ns(st, ns[i].name, (unsigned)s);

		/* No place: as long as it is so, the name is a stray wherever it is listed. */
		if (n >= 0) {
			st->zone.ns[n].is_shared = ns[i].is_shared;
			*named |= mus_bit((unsigned)n);
		}
		for (unsigned a = 0; a < ns[i].addr_count; a++) {
			int srv = add_server(
			    st, (unsigned)s, n < 0 ? MUS_NOBODY : (unsigned)n, &ns[i].addr[a]);

			if (srv < 0) {
				mus_errf(et, MUS_ERR_FULL, "more than %d addresses", MUS_SERVERS_MAX);
				return false;
			}
			*keep |= mus_bit((unsigned)srv);
		}
	}
	return true;
}

bool
eng_sync(struct mus_engine *e, const struct mus_zone_obj *zobj, struct mus_zonestate *st,
    struct mus_errtext *et)
{
	return eng_sync_with(e, zobj, st, 0, et);
}

bool
eng_sync_with(struct mus_engine *e, const struct mus_zone_obj *zobj, struct mus_zonestate *st,
    int64_t joiner, struct mus_errtext *et)
{
	struct mus_group_obj group;
	struct eng_parent *parent;
	uint64_t keep = 0, named = 0;
	uint8_t configured = 0;
	int rc;

	st->book.zone_id = zobj->id;
	snprintf(st->book.zone, sizeof st->book.zone, "%s", zobj->name);
	if (zobj->group_id) {
		rc = mus_store_load_group_id(e->o.store, zobj->group_id, &group, et);
		if (rc < 0)
			return false;
		for (unsigned i = 0; i < group.member_count; i++) {
			if (!sync_signer(e, zobj, st, group.member[i].signer_id,
				group.member[i].leaving, &keep, &named, et))
				return false;
			configured |= (uint8_t)(1u << mus_book_find_signer(
			    &st->book, &st->zone, group.member[i].signer_id));
		}
	}
	if (joiner) {
		if (!sync_signer(e, zobj, st, joiner, false, &keep, &named, et))
			return false;
		rc = mus_book_find_signer(&st->book, &st->zone, joiner);
		st->zone.signer[rc].is_member = true;
		configured |= (uint8_t)(1u << rc);
	}
	/* Signers of before that are in nothing any more: members no longer, servers dropped. */
	for (unsigned s = 0; s < st->zone.signer_count; s++) {
		uint8_t in = st->want.keyg | st->want.dsg | st->want.nsg;

		if (configured >> s & 1)
			continue;
		st->zone.signer[s].is_member = false;
		if (in >> s & 1 ||
		    (st->want.proc.kind != MUS_PROC_NONE && st->want.proc.signer == s))
			keep |= mus_servers_of(&st->zone, s);
	}
	parent = eng_parent_of(e, zobj, zobj->id, et);
	if (parent) {
		snprintf(st->book.parent, sizeof st->book.parent, "%s", parent->zone);
		for (unsigned i = 0; i < parent->addr_count; i++) {
			int srv = add_server(st, MUS_PARENT, MUS_NOBODY, &parent->addr[i]);

			if (srv >= 0)
				keep |= mus_bit((unsigned)srv);
		}
	} else {
		keep |= mus_servers_of(&st->zone, MUS_PARENT);
	}
	for (unsigned i = 0; i < st->zone.server_count; i++)
		if (!(keep >> i & 1) && st->zone.server[i].origin != MUS_NOBODY)
			drop_server(st, i, eng_now(e));
	forget_names(st, named, configured);
	return true;
}
