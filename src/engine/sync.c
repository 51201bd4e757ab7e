/*
 * What the operator configured into a zone's state: signers, name servers, addresses.  Indexes stay
 * what they are; what is no longer configured loses its servers, never its history.  What nothing refers
 * to any more is forgotten: a name at once, but for some of signers that have left; a signer when its place is needed.
 */
#include <stdio.h>
#include <string.h>

#include "core/reach.h"
#include "engine/int.h"

/* One sync under way. */
struct syncing {
	struct mus_engine *e;
	const struct mus_zone_obj *zobj;
	struct mus_zonestate *st;
	struct mus_group_obj group;	/* no member: the zone is in none */
	int64_t joiner;			/* taken as a member; 0: none */
	uint8_t configured;		/* signers of the group, and the joiner */
	uint64_t keep, named, given;	/* servers and names that are configured; servers by their addresses */
	uint64_t looked_up;		/* of those names, the ones without addresses */
	uint32_t names[MUS_SERVERS_MAX];	/* of those, which lead to each server */
	bool adds;			/* what has no place gets one; else it is passed over */
	struct mus_errtext *et;
};

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
		if (owner != MUS_OWNER_UNKNOWN) {
			st->zone.ns[i].owner = (uint8_t)owner;
			st->zone.ns[i].in_domain = is_below(name, st->book.zone);
			st->zone.ns[i].is_former = false;
		}
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

/* Names that anything seen or sent refers to. */
static uint64_t
names_listed(const struct mus_zonestate *st)
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
	return used;
}

/* Names that anything seen, sent or served refers to. */
static uint64_t
names_in_use(const struct mus_zonestate *st)
{
	uint64_t used = names_listed(st);

	for (unsigned i = 0; i < st->zone.server_count; i++)
		if (st->zone.server[i].origin != MUS_NOBODY)
			used |= mus_server_names(&st->zone.server[i]);
	return used;
}

/* Keys of a ring: in its sets, and of its signatures. */
static uint64_t
keys_of_ring(const struct mus_ring *ring, bool has_keys)
{
	uint64_t used = 0;

	for (unsigned v = 0; v < ring->count; v++) {
		if (has_keys)
			used |= ring->v[v].set;
		for (unsigned g = 0; g < ring->v[v].sig_count; g++)
			if (ring->v[v].sig[g].key != MUS_KEY_NONE)
				used |= mus_bit(ring->v[v].sig[g].key);
	}
	return used;
}

uint64_t
eng_keys_in_use(const struct mus_zonestate *st)
{
	uint64_t used = 0;

	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		unsigned from = o == MUS_PARENT ? MUS_RR_DS : 0;
		unsigned to = o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT;

		for (unsigned k = from; k < to; k++)
			used |= keys_of_ring(mus_seen_ring_const(&st->seen, o, (enum mus_rr_kind)k),
			    k != MUS_RR_NS && k != MUS_RR_PNS);
	}
	for (unsigned p = 0; p < st->seen.pending_count; p++)
		if (st->seen.pending[p].kind != MUS_RR_NS)
			used |= st->seen.pending[p].add | st->seen.pending[p].del;
	return used;
}

/* May any of it still be in a cache? */
static bool
is_remembered(const struct mus_zonestate *st, unsigned s, uint32_t margin_s, struct mus_time now)
{
	const struct mus_copy *copy = &st->seen.copy[s];

	for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
		if (st->seen.signer[s][k].count || st->seen.signer[s][k].overflow)
			return true;
	return copy->known &&
	    mus_time_add_s(copy->at, (int64_t)copy->ttl_max_s + margin_s).ms >= now.ms;
}

/* Signers that anything intended, sent, served or seen refers to. */
static uint8_t
signers_in_use(const struct mus_zonestate *st, uint32_t margin_s, struct mus_time now)
{
	unsigned used = mus_want_part(&st->want);
	uint64_t keys = eng_keys_in_use(st), names = names_in_use(st);

	for (unsigned p = 0; p < st->seen.pending_count; p++)
		used |= 1u << st->seen.pending[p].signer;
	for (unsigned s = 0; s < st->zone.signer_count; s++)
		if (mus_servers_of(&st->zone, s) || is_remembered(st, s, margin_s, now))
			used |= 1u << s;
	for (unsigned k = 0; k < st->zone.key_count; k++)
		if (st->zone.key[k].id != 0 && st->zone.key[k].owner < MUS_SIGNERS_MAX && (keys >> k & 1))
			used |= 1u << st->zone.key[k].owner;
	for (unsigned n = 0; n < st->zone.ns_count; n++)
		if (st->zone.ns[n].owner < MUS_SIGNERS_MAX && (names >> n & 1))
			used |= 1u << st->zone.ns[n].owner;
	return (uint8_t)used;
}

/* It may come back with the content of one that joins later, who had it from before. */
static bool
is_to_remember(const struct mus_zonestate *st, unsigned n, uint8_t configured)
{
	const struct mus_zns *ns = &st->zone.ns[n];

	return ns->is_former ||
	    (ns->owner < st->zone.signer_count && !(configured >> ns->owner & 1));
}

/* Names that nothing refers to any more: those of signers that have left stay known as such, but in no more than
 * half of all places; the places of the others are free.  ${named}: names of the signers ${configured}. */
static void
forget_names(struct mus_zonestate *st, uint64_t named, uint8_t configured)
{
	/* Of others that still take part, nobody says any more which they are. */
	uint8_t in = mus_want_any(&st->want) & (uint8_t)~configured;
	uint64_t used = names_in_use(st) | named;
	unsigned taken;

	for (unsigned n = 0; n < st->zone.ns_count; n++)
		if (st->zone.ns[n].owner < st->zone.signer_count && (in >> st->zone.ns[n].owner & 1))
			used |= mus_bit(n);
	taken = (unsigned)__builtin_popcountll(used);
	for (unsigned n = 0; n < st->zone.ns_count; n++) {
		if (used >> n & 1)
			continue;
		if (is_to_remember(st, n, configured) && taken < MUS_NSNAMES_MAX / 2) {
			/* Nobody needs its addresses. */
			st->zone.ns[n] = (struct mus_zns){.owner = MUS_OWNER_UNKNOWN, .is_former = true};
			taken++;
			continue;
		}
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
	st->zone.server[i] = (struct mus_server){.origin = MUS_NOBODY, .ns = MUS_NOBODY};
	memset(&st->book.addr[i], 0, sizeof st->book.addr[i]);
	st->seen.server[i] = (struct mus_srvstate){.cut = MUS_TIME_ALWAYS};
}

/* Its place; -1: there is none. */
static int
add_server(struct mus_zonestate *st, unsigned origin, unsigned ns, const struct mus_addr *addr)
{
	int i;

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

/* A place for the signer, which may be that of one that is out of everything; -1: there is none. */
static int
signer_index(struct syncing *y, int64_t id)
{
	struct mus_zonestate *st = y->st;
	int i = mus_book_find_signer(&st->book, &st->zone, id);

	if (i >= 0)
		return i;
	i = st->zone.signer_count;
	if (i < MUS_SIGNERS_MAX) {
		st->zone.signer_count++;
	} else {
		uint8_t used = y->configured |
		    signers_in_use(st, y->e->o.policy.margin_s, eng_now(y->e));

		if (used == (1u << MUS_SIGNERS_MAX) - 1)
			return -1;
		i = __builtin_ctz(~(unsigned)used);
		mus_zonestate_forget_signer(st, (unsigned)i);
	}
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

/* Servers that cannot be asked: the zone holds, and says why. */
static void
lack(struct syncing *y, unsigned origin, unsigned ns, enum mus_cause cause)
{
	struct mus_zone *z = &y->st->zone;

	if (origin < MUS_SIGNERS_MAX && z->signer[origin].is_lost)
		return;
	for (unsigned i = 0; i < z->lack_count; i++)
		if (z->lack[i].origin == origin)
			return;
	z->lack[z->lack_count++] = (struct mus_lack){(uint8_t)origin, (uint8_t)ns, (uint8_t)cause};
}

/* The bit of the server, if it has a place.  It keeps the names it had: caches may lead there by them. */
static uint64_t
sync_server(struct syncing *y, unsigned origin, unsigned ns, const struct mus_addr *addr)
{
	struct mus_zonestate *st = y->st;
	int i = mus_book_find_server(&st->book, &st->zone, origin, addr);

	if (i < 0 && y->adds)
		i = add_server(st, origin, ns, addr);
	if (i < 0) {
		if (y->adds)
			lack(y, origin, MUS_NOBODY, MUS_CAUSE_NOROOM);
		return 0;
	}
	st->zone.server[i].also = (uint32_t)mus_server_names(&st->zone.server[i]);
	st->zone.server[i].ns = (uint8_t)ns;
	if (ns < MUS_NSNAMES_MAX)
		y->names[i] |= (uint32_t)mus_bit(ns);
	y->keep |= mus_bit((unsigned)i);
	return mus_bit((unsigned)i);
}

/* A name that is not configured any more leads where it led as long as it is listed anywhere. */
static void
settle_names(struct syncing *y)
{
	struct mus_zonestate *st = y->st;
	uint64_t listed = names_listed(st);

	for (unsigned i = 0; i < st->zone.server_count; i++) {
		struct mus_server *s = &st->zone.server[i];
		uint64_t own = s->ns < MUS_NSNAMES_MAX ? mus_bit(s->ns) : 0;

		s->also = (uint32_t)(((s->also & listed) | y->names[i]) & ~own);
	}
}

/* Servers of a name that was given without addresses: those that the look-up gives or gave, as long as
 * caches may lead there.  What is known from before the start counts until a look-up tells. */
static void
sync_looked_up(struct syncing *y, unsigned s, unsigned n, const char *name)
{
	struct mus_zone *z = &y->st->zone;
	struct eng_host *h = eng_host_get(y->e, name, y->zobj->id);
	uint64_t all = 0;

	y->looked_up |= n < MUS_NSNAMES_MAX ? mus_bit(n) : 0;
	for (unsigned a = 0; h && a < h->count; a++)
		all |= sync_server(y, s, n, &h->addr[a].addr);
	if (!h || eng_host_keeps(h))
		for (unsigned i = 0; i < z->server_count; i++)
			if (z->server[i].origin == s && n != MUS_NOBODY &&
			    (mus_server_names(&z->server[i]) >> n & 1))
				all |= mus_bit(i);
	y->keep |= all;
	if (!y->adds)
		return;
	if (h && h->is_full)
		lack(y, s, MUS_NOBODY, MUS_CAUSE_NOROOM);
	else if (h ? all == 0 && h->cause != MUS_CAUSE_NONE : all == 0)
		lack(y, s, n, h ? h->cause : MUS_CAUSE_NOLOOKUP);
}

/* Name server ${n}, or an address of it, of signer ${s} is ${other}'s too: whose copy it serves, nobody can tell
 * (protocol.md 7.2, V10).  Of what is configured now, only a database of before knows such. */
static void
is_anothers(struct syncing *y, unsigned s, unsigned n, unsigned other)
{
	struct mus_zone *z = &y->st->zone;
	unsigned before = z->lack_count;

	lack(y, s, n, MUS_CAUSE_NONE);
	if (z->lack_count > before)
		z->lack[before].other = (uint8_t)other;
}

/* The place of a name, which is the first one's that has it; MUS_NOBODY: there is none, and as long as it is so,
 * the name is a stray wherever it is listed. */
static unsigned
sync_name(struct syncing *y, unsigned s, const char *name)
{
	struct mus_zonestate *st = y->st;
	int n = mus_book_find_ns(&st->book, &st->zone, name);

	if (n >= 0 && (y->named >> n & 1) && st->zone.ns[n].owner != s) {
		is_anothers(y, s, (unsigned)n, st->zone.ns[n].owner);
		return (unsigned)n;
	}
	n = eng_intern_ns(st, name, s);
	if (n < 0)
		return MUS_NOBODY;
	y->named |= mus_bit((unsigned)n);
	return (unsigned)n;
}

static void
sync_given(struct syncing *y, unsigned s, unsigned n, const struct mus_addr *addr)
{
	struct mus_zonestate *st = y->st;

	for (uint64_t m = y->given; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);

		if (st->zone.server[i].origin != s && mus_addr_equal(&st->book.addr[i], addr))
			is_anothers(y, s, n, st->zone.server[i].origin);
	}
	y->given |= sync_server(y, s, n, addr);
}

/* Are resolvers led by a name that was given with addresses where nobody asks?  DNS tells it of a name outside the
 * zone; of one inside, what the signers and the parent show (find_unasked_addresses).  That it has no address
 * leads nobody anywhere; nor do addresses that were given and DNS lacks. */
static void
check_given(struct syncing *y, unsigned s, const char *name)
{
	int n = mus_book_find_ns(&y->st->book, &y->st->zone, name);
	unsigned ns = n < 0 ? MUS_NOBODY : (unsigned)n;
	struct eng_host *h;

	if (!eng_checks_addresses(y->e) || is_below(name, y->st->book.zone))
		return;
	h = eng_host_get(y->e, name, y->zobj->id);
	if (h && eng_host_elsewhere(h, y->st, s))
		lack(y, s, ns, MUS_CAUSE_ADDRESS);
	else if (h && h->is_full)
		lack(y, s, MUS_NOBODY, MUS_CAUSE_NOROOM);
	else if (!h || !mus_time_is_set(h->known_at))
		lack(y, s, ns, h ? h->cause : MUS_CAUSE_NOLOOKUP);
}

static void
sync_servers(struct syncing *y, unsigned s, const struct mus_signer_obj *signer)
{
	const struct mus_ns_obj *ns;
	unsigned ns_count = eng_ns_of(y->zobj, signer, &ns);

	for (unsigned i = 0; i < ns_count; i++) {
		unsigned n = sync_name(y, s, ns[i].name);

		for (unsigned a = 0; a < ns[i].addr_count; a++)
			sync_given(y, s, n, &ns[i].addr[a]);
		if (ns[i].addr_count == 0)
			sync_looked_up(y, s, n, ns[i].name);
	}
	/* An address may be given to another of its names. */
	for (unsigned i = 0; y->adds && i < ns_count; i++)
		if (ns[i].addr_count > 0)
			check_given(y, s, ns[i].name);
}

static bool
sync_signer(struct syncing *y, int64_t id, bool is_member)
{
	const struct mus_zone_signer_obj *ov = override_of(y->zobj, id);
	struct eng_signer *sg = eng_signer_get(y->e, id, y->et);
	struct mus_zonestate *st = y->st;
	struct mus_zsigner *z;
	int s;

	if (!sg)
		return false;
	s = signer_index(y, id);
	if (s < 0) {
		lack(y, MUS_NOBODY, MUS_NOBODY, MUS_CAUSE_NOPLACE);
		return true;
	}
	y->configured |= (uint8_t)(1u << s);
	z = &st->zone.signer[s];
	snprintf(st->book.signer[s], sizeof st->book.signer[s], "%s", sg->obj.name);
	z->is_member = (is_member && !(ov && ov->excluded)) || (ov && ov->staying) || id == y->joiner;
	z->is_lost = ov && ov->lost;
	z->has_driver = sg->driver && sg->driver->apply;
	z->is_secondary = sg->driver && sg->driver->is_secondary;
	z->declared_max_ttl_s = ov && ov->max_ttl_s ? ov->max_ttl_s : sg->obj.max_ttl_s;
	z->declared_content = sg->obj.declared_content;
	z->caps = sg->obj.caps;
	sync_servers(y, (unsigned)s, &sg->obj);
	return true;
}

/* Those that are given, if any are, may not be all. */
static void
sync_parent_unknown(struct syncing *y)
{
	y->keep |= mus_servers_of(&y->st->zone, MUS_PARENT);
	if (y->adds && (y->zobj->parent_addr_count || !mus_servers_of(&y->st->zone, MUS_PARENT)))
		lack(y, MUS_PARENT, MUS_NOBODY, eng_parent_lacks(y->e, y->zobj->name));
}

/* As long as the addresses of one of its name servers are not known, none that was asked before goes:
 * it may be its, and the resolvers of others may be led to it. */
static void
sync_parent_found(struct syncing *y, const struct eng_parent *parent)
{
	struct mus_zonestate *st = y->st;

	for (unsigned i = 0; i < parent->addr_count; i++)
		sync_server(y, MUS_PARENT, MUS_NOBODY, &parent->server[i].addr);
	if (parent->addr_count == 0) {
		sync_parent_unknown(y);
		return;
	}
	/* What DNS has no address for, while glue leads there, can be given. */
	if (parent->lacks == MUS_CAUSE_NONE || (parent->lacks == MUS_CAUSE_NOADDR && y->zobj->parent_addr_count))
		return;
	y->keep |= mus_servers_of(&st->zone, MUS_PARENT);
	snprintf(st->book.parent_ns, sizeof st->book.parent_ns, "%.255s", parent->lame);
	if (y->adds)
		lack(y, MUS_PARENT, MUS_NOBODY, parent->lacks);
}

static void
sync_parent(struct syncing *y)
{
	struct mus_zonestate *st = y->st;
	struct eng_parent *parent = eng_parent_of(y->e, y->zobj, y->zobj->id, y->et);

	if (!parent) {
		sync_parent_unknown(y);
		return;
	}
	snprintf(st->book.parent, sizeof st->book.parent, "%s", parent->zone);
	for (unsigned i = 0; i < y->zobj->parent_addr_count; i++)
		sync_server(y, MUS_PARENT, MUS_NOBODY, &y->zobj->parent_addr[i]);
	if (eng_parent_is_searched(y->e, y->zobj))
		sync_parent_found(y, parent);
}

/* A name that is asked for no longer: what its last look showed stays in the caches from now on only. */
static void
forget_sample(struct mus_zonestate *st, struct mus_time now)
{
	for (unsigned s = 0; s < st->zone.signer_count; s++) {
		struct mus_ring *ring = mus_seen_ring(&st->seen, s, MUS_RR_NAME);

		ring->ok = ring->fail = 0;
		for (unsigned v = 0; v < ring->count; v++)
			if (ring->v[v].srv) {
				ring->v[v].srv = 0;
				ring->v[v].last = mus_time_max(ring->v[v].last, now);
			}
	}
}

/* Who of those that are in the state already is configured. */
static void
find_configured(struct syncing *y)
{
	int s = mus_book_find_signer(&y->st->book, &y->st->zone, y->joiner);

	if (s >= 0)
		y->configured |= (uint8_t)(1u << s);
	for (unsigned i = 0; i < y->group.member_count; i++) {
		s = mus_book_find_signer(&y->st->book, &y->st->zone, y->group.member[i].signer_id);
		if (s >= 0)
			y->configured |= (uint8_t)(1u << s);
	}
}

/* Signers of before that are in nothing any more: members no longer, servers dropped. */
static void
drop_departed(struct syncing *y)
{
	struct mus_zonestate *st = y->st;
	uint8_t in = mus_want_part(&st->want);
	uint64_t servers = 0;

	for (unsigned s = 0; s < st->zone.signer_count; s++) {
		if (y->configured >> s & 1)
			continue;
		st->zone.signer[s].is_member = false;
		if (in >> s & 1)
			y->keep |= mus_servers_of(&st->zone, s);
		else
			servers |= mus_servers_of(&st->zone, s);
	}
	for (; servers; servers &= servers - 1)
		drop_server(st, (unsigned)__builtin_ctzll(servers), eng_now(y->e));
}

/* Names that a signer gave up, and that an NS set or the delegation lists all the same, or may in a cache:
 * resolvers are led to a server that nobody asks (protocol.md 4.4).  The operator takes them out.
 *
 * It is no help that the address the name had is still asked, by another name: that it leads there was the
 * operator's word, who says so no more.  As long as the name is listed, or an NS set with it is in a cache,
 * its address may be looked up anew, and lead anywhere. */
static void
find_dropped(struct syncing *y)
{
	struct mus_zonestate *st = y->st;
	uint64_t coming = 0;

	for (unsigned p = 0; p < st->seen.pending_count; p++)
		if (st->seen.pending[p].kind == MUS_RR_NS)
			coming |= st->seen.pending[p].add;
	for (unsigned n = 0; n < st->zone.ns_count; n++) {
		struct mus_zns *ns = &st->zone.ns[n];
		struct mus_time now = eng_now(y->e);

		ns->is_dropped = !(y->named >> n & 1) && ns->owner < st->zone.signer_count &&
		    (y->configured >> ns->owner & 1) && !st->zone.signer[ns->owner].is_lost;
		if (ns->is_dropped && ((coming >> n & 1) ||
			mus_listed_until(&st->zone, &st->seen, n, &y->e->o.policy, now).ms >= now.ms))
			lack(y, ns->owner, n, MUS_CAUSE_UNASKED);
	}
}

/* Names that addresses of ${origin} lead to a server that nobody asks; or did as long ago as caches remember. */
static uint64_t
names_led_elsewhere(const struct syncing *y, unsigned origin, enum mus_rr_kind kind)
{
	const struct mus_seen *seen = &y->st->seen;
	const struct mus_policy *policy = &y->e->o.policy;
	const struct mus_ring *ring = mus_seen_ring_const(seen, origin, kind);
	struct mus_time now = eng_now(y->e);
	uint32_t floor_s = mus_ring_floor_s(ring, kind, policy, now);
	uint64_t names = 0;

	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];

		if (v->srv || mus_version_end(seen, ring, v, floor_s, now, policy->margin_s).ms >= now.ms)
			names |= v->dt[1];
	}
	return names & y->named;
}

/* By an address in the zone or by glue (protocol.md 4.4, G9): the operator gives the address, or takes it out. */
static void
find_unasked_addresses(struct syncing *y)
{
	const struct mus_zone *z = &y->st->zone;

	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		uint64_t names = 0;

		if (o == MUS_PARENT)
			names = names_led_elsewhere(y, o, MUS_RR_GLUE);
		else if (o < z->signer_count && !z->signer[o].is_lost)
			names = names_led_elsewhere(y, o, MUS_RR_ADDR);
		for (; names; names &= names - 1) {
			unsigned n = mus_first(names);

			lack(y, z->ns[n].owner, n, MUS_CAUSE_ADDRESS);
		}
	}
}

/* A server whose address is not given any more, while its name is: caches lead there as long as they remember the
 * address, and it is asked until then.  Of addresses nobody knows the TTL but inside the zone: policy.ttl-floor. */
static bool
is_still_led_to(struct syncing *y, unsigned i)
{
	struct mus_zonestate *st = y->st;
	struct mus_server *s = &st->zone.server[i];
	struct mus_srvstate *state = &st->seen.server[i];
	uint64_t names = mus_server_names(s), given = names & y->named & ~y->looked_up;
	uint32_t ttl_s = y->e->o.policy.ttl_floor_s;

	if (s->origin >= MUS_SIGNERS_MAX || !(y->configured >> s->origin & 1) || st->zone.signer[s->origin].is_lost ||
	    state->cut.ms != MUS_TIME_NEVER.ms)
		return false;
	if (!names)
		return state->led_until.ms >= eng_now(y->e).ms;
	if (!given)
		return false;
	if (st->seen.signer[s->origin][MUS_RR_ADDR].ttl_max_s > ttl_s)
		ttl_s = st->seen.signer[s->origin][MUS_RR_ADDR].ttl_max_s;
	if (st->seen.parent[MUS_RR_GLUE - MUS_RR_DS].ttl_max_s > ttl_s)
		ttl_s = st->seen.parent[MUS_RR_GLUE - MUS_RR_DS].ttl_max_s;
	s->ns = MUS_NOBODY;
	s->also = 0;
	state->led_until = mus_time_add_s(eng_now(y->e), (int64_t)ttl_s + y->e->o.policy.margin_s);
	return true;
}

/* The parent first: without it nothing is known. */
static bool
sync_all(struct syncing *y)
{
	y->given = 0;
	sync_parent(y);
	for (unsigned i = 0; i < y->group.member_count; i++)
		if (!sync_signer(y, y->group.member[i].signer_id, !y->group.member[i].leaving))
			return false;
	return !y->joiner || sync_signer(y, y->joiner, true);
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
	struct syncing y = {.e = e, .zobj = zobj, .st = st, .joiner = joiner, .et = et};
	const struct mus_group_obj *group;

	st->zone.lack_count = 0;
	st->book.parent_ns[0] = '\0';
	st->book.zone_id = zobj->id;
	snprintf(st->book.zone, sizeof st->book.zone, "%s", zobj->name);
	group = zobj->group_id ? eng_group_of(e, zobj, et) : NULL;
	if (group)
		y.group = *group;
	else if (zobj->group_id)
		return false;
	find_configured(&y);
	drop_departed(&y);
	/* Before others come, who may need the places: first what has one, then what is to get one. */
	if (!sync_all(&y))
		return false;
	for (unsigned i = 0; i < st->zone.server_count; i++)
		if (!(y.keep >> i & 1) && st->zone.server[i].origin != MUS_NOBODY && !is_still_led_to(&y, i))
			drop_server(st, i, eng_now(e));
	y.adds = true;
	if (!sync_all(&y))
		return false;
	find_dropped(&y);
	find_unasked_addresses(&y);
	snprintf(st->book.sample, sizeof st->book.sample, "%s", zobj->sample);
	if (!zobj->sample[0])
		forget_sample(st, eng_now(e));
	settle_names(&y);
	forget_names(st, y.named, y.configured);
	return true;
}
