#include <string.h>

#include "core/keys.h"

/* Versions that some server shows, by their place. */
static unsigned
served_of(const struct mus_ring *ring)
{
	unsigned served = 0;

	for (unsigned i = 0; i < ring->count; i++)
		if (ring->v[i].srv)
			served |= 1u << i;
	return served;
}

uint64_t
mus_keys_owned(const struct mus_zone *zone, unsigned signer)
{
	uint64_t mask = 0;

	for (unsigned k = 0; k < zone->key_count; k++)
		if (zone->key[k].id != 0 && zone->key[k].owner == signer && !zone->key[k].is_revoked)
			mask |= mus_bit(k);
	return mask;
}

static uint64_t
shown_in(const struct mus_ring *ring, unsigned served)
{
	uint64_t mask = 0;

	for (unsigned m = served; m; m &= m - 1)
		mask |= ring->v[__builtin_ctz(m)].set;
	return mask;
}

uint64_t
mus_keys_shown(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer)
{
	const struct mus_ring *ring = &seen->signer[signer][MUS_RR_KEY];

	(void)zone;
	return shown_in(ring, served_of(ring));
}

static uint64_t
sep_active_in(const struct mus_zone *zone, const struct mus_ring *ring, unsigned served,
    unsigned signer, const struct mus_policy *policy, struct mus_time now)
{
	uint64_t mask = 0;

	for (unsigned m = served; m; m &= m - 1) {
		const struct mus_version *v = &ring->v[__builtin_ctz(m)];

		mask |= v->set & mus_sig_mask(v, now, policy->margin_s);
	}
	for (unsigned k = 0; k < zone->key_count; k++)
		if (!zone->key[k].is_sep || zone->key[k].owner != signer)
			mask &= ~mus_bit(k);
	return mask;
}

uint64_t
mus_keys_sep_active(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer,
    const struct mus_policy *policy, struct mus_time now)
{
	const struct mus_ring *ring = &seen->signer[signer][MUS_RR_KEY];

	return sep_active_in(zone, ring, served_of(ring), signer, policy, now);
}

/* Is one of these keys a SEP key that signs data? */
static bool
has_csk(const struct mus_zone *zone, uint64_t keys)
{
	for (; keys; keys &= keys - 1) {
		const struct mus_zkey *key = &zone->key[__builtin_ctzll(keys)];

		if (key->is_sep && key->signs_data == MUS_YES)
			return true;
	}
	return false;
}

/* Of the keys that ${signer} has and shows, those that the others must show too. */
static uint64_t
spread_of(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer, uint64_t keys,
    const struct mus_policy *policy)
{
	/* A SEP key of unknown role counts as a CSK, but the first copy is waited for where there is one to
	 * come: it will tell, and until then V7 is unknown. */
	bool waits = !seen->copy[signer].known && zone->signer[signer].declared_max_ttl_s == 0;

	/* Who signs data with SEP keys will sign data with the next one too: that it signs none yet is what
	 * publishing it before its use means (V7). */
	if (policy->spread_sep || has_csk(zone, keys))
		return keys;
	for (unsigned k = 0; k < zone->key_count; k++)
		if (zone->key[k].is_sep &&
		    (zone->key[k].signs_data == MUS_NO ||
			(zone->key[k].signs_data == MUS_UNKNOWN && waits)))
			keys &= ~mus_bit(k);
	return keys;
}

uint64_t
mus_keys_to_spread(const struct mus_zone *zone, const struct mus_seen *seen, unsigned signer,
    const struct mus_policy *policy)
{
	return spread_of(zone, seen, signer,
	    mus_keys_owned(zone, signer) & mus_keys_shown(zone, seen, signer), policy);
}

void
mus_facts(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_policy *policy,
    struct mus_time now, struct mus_facts *out)
{
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < zone->server_count; i++)
		if (zone->server[i].origin < MUS_ORIGINS)
			out->servers[zone->server[i].origin] |= mus_bit(i);
	out->reach = mus_reach(zone, seen);
	for (unsigned k = 0; k < zone->key_count; k++)
		if (zone->key[k].is_unasked)
			out->unasked |= mus_bit(k);
	for (unsigned k = 0; k < MUS_RR_PARENT_COUNT; k++)
		out->parent_served[k] = (uint16_t)served_of(&seen->parent[k]);
	for (unsigned s = 0; s < zone->signer_count; s++) {
		const struct mus_ring *ring = seen->signer[s];

		for (unsigned k = 0; k <= MUS_RR_NS; k++)
			out->served[s][k] = (uint16_t)served_of(&ring[k]);
		out->signing |= (uint8_t)(!zone->signer[s].is_secondary << s);
		out->members |= (uint8_t)(zone->signer[s].is_member << s);
		out->lost |= (uint8_t)(zone->signer[s].is_lost << s);
		out->owned[s] = mus_keys_owned(zone, s);
		out->shown[s] = shown_in(&ring[MUS_RR_KEY], out->served[s][MUS_RR_KEY]);
		out->sep[s] = sep_active_in(
		    zone, &ring[MUS_RR_KEY], out->served[s][MUS_RR_KEY], s, policy, now);
		out->spread[s] = spread_of(zone, seen, s, out->owned[s] & out->shown[s], policy);
		out->copy_ttl_s[s] = mus_copy_ttl_max_s(zone, seen, s, policy, now);
	}
}

void
mus_keys_signing(const struct mus_seen *seen, unsigned signer, uint64_t *over_key, uint64_t *over_data)
{
	*over_key = *over_data = 0;
	for (unsigned kind = 0; kind < MUS_RR_SIGNER_COUNT; kind++) {
		const struct mus_ring *ring = &seen->signer[signer][kind];

		for (unsigned i = 0; i < ring->count; i++)
			for (unsigned j = 0; j < ring->v[i].sig_count; j++) {
				uint8_t key = ring->v[i].sig[j].key;

				if (key == MUS_KEY_NONE || ring->v[i].srv == 0)
					continue;
				if (kind == MUS_RR_KEY)
					*over_key |= mus_bit(key);
				else if (mus_is_data_kind(kind))
					*over_data |= mus_bit(key);
			}
	}
}

/* A key that one signer alone has ever shown is that signer's, if nothing stronger is known. */
static void
learn_owner(struct mus_zone *zone, const struct mus_seen *seen, unsigned k, const uint64_t *shown)
{
	struct mus_zkey *key = &zone->key[k];
	unsigned count = 0, who = 0;

	if (key->evidence >= MUS_EV_FIRST_SIGHT)
		return;
	/* As long as one signer has not been seen, the key may be that one's. */
	for (unsigned s = 0; s < zone->signer_count; s++) {
		uint64_t servers = mus_servers_of(zone, s);

		if (!zone->signer[s].is_lost && !zone->signer[s].is_secondary &&
		    (seen->signer[s][MUS_RR_KEY].ok & servers) != servers)
			return;
	}
	for (unsigned s = 0; s < zone->signer_count; s++)
		if (!zone->signer[s].is_secondary && (shown[s] & mus_bit(k))) {
			count++;
			who = s;
		}
	if (count != 1)
		return;
	/* Not when we ourselves may have put it there. */
	for (unsigned p = 0; p < seen->pending_count; p++)
		if (seen->pending[p].kind == MUS_RR_KEY && (seen->pending[p].add & mus_bit(k)))
			return;
	key->owner = (uint8_t)who;
	key->evidence = MUS_EV_FIRST_SIGHT;
}

/* Only a whole copy proves that a key signs no data (protocol.md 4.4), and only one that was taken when
 * the key was there: an older one cannot tell what a new key is for. */
static bool
copy_tells(const struct mus_seen *seen, unsigned signer, unsigned k)
{
	const struct mus_ring *ring = &seen->signer[signer][MUS_RR_KEY];
	const struct mus_copy *copy = &seen->copy[signer];

	if (copy->has_stray_sigs)
		return false;
	for (unsigned i = 0; i < ring->count; i++)
		if ((ring->v[i].set & mus_bit(k)) && ring->v[i].first.ms <= copy->at.ms)
			return true;
	return false;
}

/* Signers that roll by themselves put the new key into CDS in the place of the old one, which signs on until the
 * DS has changed (BIND, Knot).  The group never takes a key's CDS away at its owner, so that is the owner's will;
 * asked for again it would be dropped there without a word. */
static void
learn_unasked(struct mus_zone *zone, const struct mus_seen *seen, unsigned s, const struct mus_policy *policy,
    struct mus_time now)
{
	const struct mus_ring *ring = &seen->signer[s][MUS_RR_CDS];
	uint64_t servers = mus_servers_of(zone, s), active = mus_keys_sep_active(zone, seen, s, policy, now);
	uint64_t named = shown_in(ring, served_of(ring)), before = 0;

	for (unsigned i = 0; i < ring->count; i++)
		if (!ring->v[i].srv)
			before |= ring->v[i].set;
	if (!mus_is_known(ring, s, MUS_RR_CDS, servers, policy, now, NULL))
		return;
	for (unsigned k = 0; k < zone->key_count; k++) {
		struct mus_zkey *key = &zone->key[k];

		if (key->owner != s)
			continue;
		if (!(active >> k & 1) || (named >> k & 1))
			key->is_unasked = false;
		else if ((before >> k & 1) && (named & active))
			key->is_unasked = true;
	}
}

void
mus_learn_keys(struct mus_zone *zone, const struct mus_seen *seen, const struct mus_policy *policy,
    struct mus_time now)
{
	uint64_t over_key[MUS_SIGNERS_MAX], over_data[MUS_SIGNERS_MAX], shown[MUS_SIGNERS_MAX];

	for (unsigned s = 0; s < zone->signer_count; s++) {
		mus_keys_signing(seen, s, &over_key[s], &over_data[s]);
		shown[s] = mus_keys_shown(zone, seen, s);
	}
	for (unsigned k = 0; k < zone->key_count; k++) {
		struct mus_zkey *key = &zone->key[k];
		uint64_t bit = mus_bit(k);

		if (key->id == 0)
			continue;
		for (unsigned s = 0; s < zone->signer_count; s++) {
			/* A secondary shows what others have signed. */
			if (zone->signer[s].is_secondary || !((over_key[s] | over_data[s]) & bit))
				continue;
			/* Who signs with it has the private key; but a server may be given as two signers'. */
			if (key->evidence == MUS_EV_SIGNATURE && key->owner < zone->signer_count && key->owner != s &&
			    ((over_key[key->owner] | over_data[key->owner]) & bit))
				continue;
			key->owner = (uint8_t)s;
			key->evidence = MUS_EV_SIGNATURE;
			key->signs_key |= (over_key[s] & bit) != 0;
			if (over_data[s] & bit)
				key->signs_data = MUS_YES;
		}
		learn_owner(zone, seen, k, shown);
		if (key->owner >= zone->signer_count)
			continue;
		if (seen->copy[key->owner].known && !seen->copy[key->owner].declared) {
			if (seen->copy[key->owner].keys_in_data & bit)
				key->signs_data = MUS_YES;
			else if (!(over_data[key->owner] & bit) && copy_tells(seen, key->owner, k))
				key->signs_data = MUS_NO;
		}
		if (shown[key->owner] & bit)
			key->gone_at = MUS_TIME_NEVER;
		else if (!mus_time_is_set(key->gone_at) &&
		    mus_time_is_set(seen->signer[key->owner][MUS_RR_KEY].asked_at))
			key->gone_at = now;
	}
	for (unsigned s = 0; s < zone->signer_count; s++)
		learn_unasked(zone, seen, s, policy, now);
}
