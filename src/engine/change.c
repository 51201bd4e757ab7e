/*
 * Actions into changes: exact records, each with the TTL that signer serves.  A driver sends them, or an operator
 * is told them (manual.c).
 */
#include "core/sets.h"
#include "engine/int.h"

/* Where they go. */
struct into {
	struct mus_drv_change *c;
	struct mus_arena *arena;	/* rdata */
	struct mus_name zone;
};

static bool
put(struct into *in, uint16_t type, bool del, uint32_t ttl_s, const void *rdata, size_t len)
{
	struct mus_drv_rr *rr;

	if (in->c->count == MUS_DRV_RR_MAX)
		return false;
	rr = &in->c->rr[in->c->count];
	*rr = (struct mus_drv_rr){.type = type, .del = del, .ttl_s = ttl_s};
	rr->rd.data = mus_arena_copy(in->arena, rdata, len);
	rr->rd.len = (uint16_t)len;
	if (!rr->rd.data)
		return false;
	in->c->count++;
	return true;
}

/* The TTL a signer serves for an RRset, or for its DNSKEY where it has none of it yet: a foreign
 * record with another TTL stops an inline-signed zone (signers.md B1). */
static uint32_t
served_ttl_s(const struct mus_zonestate *st, unsigned s, enum mus_rr_kind kind)
{
	const enum mus_rr_kind order[] = {kind, MUS_RR_KEY, MUS_RR_SOA};

	for (unsigned o = 0; o < 3; o++) {
		const struct mus_ring *ring = &st->seen.signer[s][order[o]];

		for (unsigned i = ring->count; i-- > 0;)
			if (ring->v[i].srv && !(ring->v[i].flags & MUS_VER_ABSENT))
				return ring->v[i].serve_ttl_s;
	}
	return 300;
}

static bool
put_keys(struct into *in, const struct mus_zonestate *st, const struct mus_act *a, uint16_t type)
{
	uint32_t ttl_s = served_ttl_s(st, a->signer, a->rr);

	for (uint64_t m = a->add | a->del; m; m &= m - 1) {
		unsigned k = (unsigned)__builtin_ctzll(m);

		if (!put(in, type, (a->del >> k & 1) != 0, ttl_s, st->book.key[k].rdata,
			st->book.key[k].len))
			return false;
	}
	return true;
}

static bool
put_cds(struct into *in, const struct mus_zonestate *st, const struct mus_act *a)
{
	uint32_t ttl_s = served_ttl_s(st, a->signer, MUS_RR_CDS);

	for (unsigned t = 0; t < MUS_DT_COUNT; t++)
		for (uint64_t m = a->add_dt[t] | a->del_dt[t]; m; m &= m - 1) {
			unsigned k = (unsigned)__builtin_ctzll(m);
			struct mus_rdata rd = {st->book.key[k].rdata, st->book.key[k].len};
			uint8_t ds[MUS_DS_RDATA_MAX];
			int len = mus_ds_make(&in->zone, rd, mus_dt_number[t], ds);

			if (len < 0 || !put(in, MUS_TYPE_CDS, (a->del_dt[t] >> k & 1) != 0, ttl_s, ds,
					   (size_t)len))
				return false;
		}
	return true;
}

static bool
put_ns(struct into *in, const struct mus_zonestate *st, const struct mus_act *a)
{
	const struct mus_ring *ring = &st->seen.signer[a->signer][MUS_RR_NS];
	uint32_t ttl_s = served_ttl_s(st, a->signer, MUS_RR_NS);
	struct mus_name name;

	for (uint64_t m = a->add | a->del; m; m &= m - 1) {
		unsigned n = (unsigned)__builtin_ctzll(m);

		if (mus_name_parse(st->book.ns[n], &name, NULL) < 0 ||
		    !put(in, MUS_TYPE_NS, (a->del >> n & 1) != 0, ttl_s, name.wire, name.len))
			return false;
	}
	if (!a->del || ring->count == 0)
		return true;
	/* Deleted only from the set we know: what is seen now, when all servers agree. */
	for (unsigned i = 0, showing = 0; i < ring->count; i++) {
		if (!ring->v[i].srv)
			continue;
		if (showing++ || ring->v[i].stray) {
			in->c->ns_was_count = 0;
			return true;
		}
		in->c->ns_was = mus_arena_alloc(in->arena, MUS_NSNAMES_MAX * sizeof(struct mus_rdata));
		if (!in->c->ns_was)
			return false;
		for (uint64_t m = ring->v[i].set; m; m &= m - 1) {
			struct mus_rdata *rd = &in->c->ns_was[in->c->ns_was_count];

			if (mus_name_parse(st->book.ns[__builtin_ctzll(m)], &name, NULL) < 0)
				return false;
			rd->data = mus_arena_copy(in->arena, name.wire, name.len);
			rd->len = name.len;
			in->c->ns_was_count++;
		}
	}
	return true;
}

size_t
eng_csync_make(uint64_t record, uint8_t out[static ENG_CSYNC_MAX])
{
	uint16_t types[3];
	size_t n = 0;

	for (unsigned i = 0; i < 6; i++)
		out[i] = (uint8_t)(record >> (40 - 8 * i));
	if (record & MUS_CSYNC_A)
		types[n++] = MUS_TYPE_A;
	if (record & MUS_CSYNC_NS)
		types[n++] = MUS_TYPE_NS;
	if (record & MUS_CSYNC_AAAA)
		types[n++] = MUS_TYPE_AAAA;
	return 6 + mus_bitmap_encode(types, n, out + 6, ENG_CSYNC_MAX - 6);
}

/* Ours: NS, and addresses when a name server lies in the zone (RFC 7477 2.1.1.2.1). */
static uint64_t
our_csync(const struct mus_zonestate *st, const struct mus_act *a)
{
	uint64_t record = (uint64_t)a->csync_serial << 16 | 1 | MUS_CSYNC_NS;

	for (unsigned n = 0; n < st->zone.ns_count; n++)
		if (st->zone.ns[n].in_domain && st->zone.ns[n].owner < st->zone.signer_count &&
		    (st->want.nsg >> st->zone.ns[n].owner & 1))
			record |= MUS_CSYNC_A | MUS_CSYNC_AAAA;
	return record;
}

static bool
put_csync(struct into *in, const struct mus_zonestate *st, const struct mus_act *a)
{
	uint32_t ttl_s = served_ttl_s(st, a->signer, MUS_RR_CSYNC);
	uint8_t rd[ENG_CSYNC_MAX];

	for (unsigned i = 0; i < a->del_aux_count; i++)
		if (!put(in, MUS_TYPE_CSYNC, true, ttl_s, rd, eng_csync_make(a->del_aux[i], rd)))
			return false;
	return !a->add || put(in, MUS_TYPE_CSYNC, false, ttl_s, rd, eng_csync_make(our_csync(st, a), rd));
}

static bool
put_act(struct into *in, const struct mus_zonestate *st, const struct mus_act *a)
{
	switch (a->rr) {
	case MUS_RR_KEY:
		return put_keys(in, st, a, MUS_TYPE_DNSKEY);
	case MUS_RR_CDNSKEY:
		return put_keys(in, st, a, MUS_TYPE_CDNSKEY);
	case MUS_RR_CDS:
		return put_cds(in, st, a);
	case MUS_RR_NS:
		return put_ns(in, st, a);
	case MUS_RR_CSYNC:
		return put_csync(in, st, a);
	default:
		return true;
	}
}

bool
eng_change_add(struct mus_drv_change *c, struct mus_arena *arena, const struct mus_zonestate *st,
    const struct mus_act *a)
{
	struct into in = {.c = c, .arena = arena};
	size_t had = c->count;

	if (mus_name_parse(st->book.zone, &in.zone, NULL) == 0 && put_act(&in, st, a))
		return true;
	c->count = had;
	return false;
}
