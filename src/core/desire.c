#include <string.h>

#include "core/desire.h"

/* Keys that a signer's CDS names and that are its own: it publishes them itself and they cannot be
 * withdrawn, so the group has to live with them.  A key that it shows no more is none of these: we
 * put its CDS there, or nobody minds it. */
static uint64_t
own_cds(const struct mus_ctx *c, unsigned s, uint8_t *dts)
{
	const struct mus_ring *ring = &c->seen->signer[s][MUS_RR_CDS];
	uint64_t named = 0, own = c->facts->owned[s] & c->facts->shown[s];

	for (unsigned m = mus_served(c->facts, s, MUS_RR_CDS); m; m &= m - 1) {
		const struct mus_version *v = &ring->v[__builtin_ctz(m)];

		named |= v->set & own;
		*dts |= mus_digest_types(v, own);
	}
	/* A CDS for a key that is no SEP key is the signer's error (signers.md B3): not spread. */
	for (uint64_t m = named; m; m &= m - 1)
		if (!c->zone->key[__builtin_ctzll(m)].is_sep)
			named &= ~(m & -m);
	return named;
}

/* Foreign keys that may be withdrawn: their owner left the key group, or shows them no more and
 * everything it signed with them has left the caches (protocol.md 7.3 row 6). */
static uint64_t
keys_to_withdraw(const struct mus_ctx *c, unsigned s)
{
	const struct mus_zone *zone = c->zone;
	uint64_t del = 0;

	for (uint64_t m = c->facts->shown[s]; m; m &= m - 1) {
		unsigned k = (unsigned)__builtin_ctzll(m);
		const struct mus_zkey *key = &zone->key[k];
		uint32_t ttl_s;

		if (key->owner == s || key->owner >= zone->signer_count)
			continue;
		if (!(c->want->keyg >> key->owner & 1)) {
			/* Of one that is to join soon: somebody was early, no harm. */
			if (!zone->signer[key->owner].is_member)
				del |= mus_bit(k);
			continue;
		}
		ttl_s = c->facts->copy_ttl_s[key->owner];
		if (mus_time_is_set(key->gone_at) && ttl_s != 0 &&
		    mus_time_add_s(key->gone_at, (int64_t)ttl_s + c->policy->margin_s).ms <= c->now.ms)
			del |= mus_bit(k);
	}
	return del;
}

static void
desire_keys(const struct mus_ctx *c, struct mus_desire *d)
{
	uint8_t keyg = c->want->keyg;

	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		if (!(keyg >> s & 1))
			continue;
		for (unsigned r = 0; r < c->zone->signer_count; r++)
			if (r != s && (keyg >> r & 1))
				d->key[s] |= c->facts->spread[r];
		d->key_del[s] = keys_to_withdraw(c, s) & ~d->key[s];
	}
}

/* SEP keys and digest types of the DS set. */
static void
desire_ds(const struct mus_ctx *c, struct mus_desire *d)
{
	/* Not what its owner has put another in the place of (protocol.md 7.4, the variant with one change of DS). */
	for (unsigned s = 0; s < c->zone->signer_count; s++) {
		if (c->want->dsg >> s & 1)
			d->sep |= (c->facts->sep[s] & ~c->facts->unasked) | own_cds(c, s, &d->dts);
		else
			d->sep_del |= c->facts->owned[s];
	}
	d->sep_del &= ~d->sep;
}

/* Names in the delegation as it is. */
static uint64_t
delegated(const struct mus_ctx *c)
{
	const struct mus_ring *ring = &c->seen->parent[MUS_RR_PNS - MUS_RR_DS];
	uint64_t names = 0;

	for (unsigned m = mus_served(c->facts, MUS_PARENT, MUS_RR_PNS); m; m &= m - 1)
		names |= ring->v[__builtin_ctz(m)].set;
	return names;
}

/* Names of signers that have left, which nobody may list any more; but what is in the delegation now is somebody's. */
static uint64_t
former_names(const struct mus_ctx *c)
{
	const struct mus_ring *ring = &c->seen->parent[MUS_RR_PNS - MUS_RR_DS];
	uint64_t names = 0;

	for (unsigned n = 0; n < c->zone->ns_count; n++)
		if (c->zone->ns[n].is_former)
			names |= mus_bit(n);
	if (!names ||
	    !mus_is_known(ring, MUS_PARENT, MUS_RR_PNS, c->facts->servers[MUS_PARENT], c->policy, c->now, NULL))
		return 0;
	return names & ~delegated(c);
}

static void
desire_ns(const struct mus_ctx *c, struct mus_desire *d)
{
	const struct mus_zone *zone = c->zone;
	unsigned goes = c->want->proc.kind == MUS_PROC_REMOVE ? c->want->proc.signer : MUS_NOBODY;

	d->ns_del = former_names(c);
	for (unsigned n = 0; n < zone->ns_count; n++) {
		const struct mus_zns *ns = &zone->ns[n];

		if (ns->owner >= zone->signer_count)
			continue;
		/* What a signer names no more, or one that is lost, is not put anywhere, nor back: nobody asks it. */
		if (c->want->nsg >> ns->owner & 1)
			d->ns |= ns->is_dropped || zone->signer[ns->owner].is_lost ? 0 : mus_bit(n);
		/* What the parent lists, it goes on listing until a leave has come so far: before that it stays. */
		else if (ns->owner == goes || !(delegated(c) >> n & 1))
			d->ns_del |= mus_bit(n);
	}
}

static bool
shows_none(const struct mus_ctx *c, unsigned s, enum mus_rr_kind kind)
{
	for (unsigned m = mus_served(c->facts, s, kind); m; m &= m - 1)
		if (!(c->seen->signer[s][kind].v[__builtin_ctz(m)].flags & MUS_VER_ABSENT))
			return false;
	return true;
}

/* A signer alone that has no CDS and CDNSKEY is left alone: nobody has begun anything.  Where there
 * is one, it is kept right for ever, for it would ask the parent for what was once. */
static bool
is_untouched(const struct mus_ctx *c)
{
	unsigned s;

	if (__builtin_popcount(c->want->dsg) != 1 ||
	    (c->want->proc.kind == MUS_PROC_REMOVE && c->want->proc.row > 0))
		return false;
	s = (unsigned)__builtin_ctz(c->want->dsg);
	return shows_none(c, s, MUS_RR_CDS) && shows_none(c, s, MUS_RR_CDNSKEY);
}

void
mus_desire(const struct mus_ctx *c, struct mus_desire *out)
{
	const struct mus_want *want = c->want;
	uint8_t lost = c->facts->lost, leaving = (uint8_t)~c->facts->members;

	/* In pieces that are a few stores each: of the whole at once gcc makes a string instruction, slow to begin. */
	memset(out->key, 0, sizeof out->key);
	memset(out->key_del, 0, sizeof out->key_del);
	out->sep = out->sep_del = out->ns = out->ns_del = 0;
	out->dts = c->policy->digests;
	out->csync = want->csync;
	desire_keys(c, out);
	desire_ds(c, out);
	desire_ns(c, out);
	out->csync_content = (uint64_t)want->csync_serial << 16 | 1; /* immediate, OP-13 */
	out->key_at = (uint8_t)(want->keyg & ~lost);
	out->ns_at = (uint8_t)(want->nsg & ~lost);
	/* Who leaves takes part (OP-9), also while another goes first.  Who joins keeps its own names until they enter
	 * everywhere, but lists nobody that is no signer: it would lead resolvers there as soon as it is reached. */
	out->ns_at |= (uint8_t)(want->keyg & ~lost & leaving);
	out->clean_at = (uint8_t)(want->keyg & ~lost & ~out->ns_at);
	/* Who is on the way out keeps its keys' CDS to itself: it is not asked about DS any more. */
	out->cds_at = (uint8_t)(want->keyg & want->dsg & ~lost);
	if (is_untouched(c))
		out->cds_at = 0;
}
