#include <string.h>

#include "base/err.h"
#include "core/scan.h"

#define BIT(i) ((uint64_t)1 << (i))

const char *
mus_scan_what_text(enum mus_scan_what w)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    MUS_SCAN_WHAT_MAP(X)
#undef X
	};

	return w < MUS_SCAN_WHAT_COUNT ? texts[w] : "?";
}

const char *
mus_scan_rule_word(enum mus_scan_rule r)
{
	static const char *const words[] = {
#define X(name, word, text) word,
	    MUS_SCAN_RULE_MAP(X)
#undef X
	};

	return r < MUS_SCAN_RULE_COUNT ? words[r] : "?";
}

const char *
mus_scan_rule_text(enum mus_scan_rule r)
{
	static const char *const texts[] = {
#define X(name, word, text) text,
	    MUS_SCAN_RULE_MAP(X)
#undef X
	};

	return r < MUS_SCAN_RULE_COUNT ? texts[r] : "?";
}

const char *
mus_scan_kind_text(enum mus_scan_kind k)
{
	switch (k) {
	case MUS_SCAN_QUIET:
		return "unchanged";
	case MUS_SCAN_HOLD:
		return "held";
	case MUS_SCAN_MORE:
		return "asking";
	case MUS_SCAN_CHANGE:
		return "change";
	}
	return "?";
}

/* ---- findings ----------------------------------------------------------------------------------- */

static void
quiet(struct mus_scan_finding *f, enum mus_scan_rule rule)
{
	*f = (struct mus_scan_finding){.kind = MUS_SCAN_QUIET, .rule = rule,
	    .server = MUS_SCAN_NOBODY, .other = MUS_SCAN_NOBODY, .item = MUS_SCAN_NOBODY};
}

/* Always false, so that a rule can end with it. */
static bool
hold(struct mus_scan_finding *f, enum mus_scan_rule rule, enum mus_scan_what what, unsigned server)
{
	*f = (struct mus_scan_finding){.kind = MUS_SCAN_HOLD, .rule = rule, .what = what,
	    .server = (uint8_t)server, .other = MUS_SCAN_NOBODY, .item = MUS_SCAN_NOBODY};
	return false;
}

static bool
hold_item(struct mus_scan_finding *f, enum mus_scan_rule rule, enum mus_scan_what what,
    unsigned server, unsigned item)
{
	hold(f, rule, what, server);
	f->item = (uint8_t)item;
	return false;
}

static bool
hold_two(struct mus_scan_finding *f, enum mus_scan_what what, unsigned server, unsigned other)
{
	hold(f, MUS_SCAN_RULE_CONSISTENCY, what, server);
	f->other = (uint8_t)other;
	return false;
}

static bool
is_answered(const struct mus_scan_set *s)
{
	return s->is_asked && s->cause == MUS_CAUSE_NONE;
}

/* An error is never absence: who gave none of the answers ends the run. */
static bool
need(struct mus_scan_finding *f, const struct mus_scan_set *s, enum mus_scan_what what, unsigned server)
{
	if (is_answered(s))
		return true;
	hold(f, MUS_SCAN_RULE_REACH, what, server);
	f->cause = s->cause;
	return false;
}

/* ---- the chain DS -> DNSKEY of that server -> RRset -------------------------------------------- */

/* Keys of this DNSKEY set that ${ds} names with an algorithm and digest that we can check. */
static uint64_t
named_keys(const struct mus_scan_in *in, uint64_t ds, const struct mus_scan_set *key)
{
	uint64_t named = 0, usable = 0;

	for (unsigned i = 0; i < in->ds_count; i++)
		if ((ds & BIT(i)) && in->rec[i].alg_supported && in->rec[i].digest_supported)
			named |= in->rec[i].keys;
	for (unsigned i = 0; i < in->key_count; i++)
		if (in->key[i].is_usable)
			usable |= BIT(i);
	return named & usable & key->set;
}

bool
mus_scan_path(const struct mus_scan_in *in, uint64_t ds, const struct mus_scan_set *key)
{
	return is_answered(key) && key->is_present && (named_keys(in, ds, key) & key->sig) != 0;
}

static uint64_t
usable_keys(const struct mus_scan_in *in, const struct mus_scan_set *key)
{
	uint64_t usable = 0;

	for (unsigned i = 0; i < in->key_count; i++)
		if (in->key[i].is_usable && (key->set & BIT(i)))
			usable |= BIT(i);
	return usable;
}

/* Is an RRset of this server secure?  Its DNSKEY set has a path from the current DS set: that is looked at before. */
static bool
is_secure(const struct mus_scan_in *in, const struct mus_scan_server *s, const struct mus_scan_set *set)
{
	MUS_ASSERT(mus_scan_path(in, in->ds, &s->key));
	return (set->sig & usable_keys(in, &s->key)) != 0;
}

/* ---- the past ----------------------------------------------------------------------------------- */

/* RFC 1982 for 32 bits; what is just opposite counts as lower. */
static bool
is_lower(uint32_t a, uint32_t b)
{
	return a != b && (uint32_t)(b - a) <= UINT32_C(0x80000000);
}

static bool
is_older(enum mus_scan_mark mark, int64_t a, int64_t b)
{
	if (mark == MUS_SCAN_MARK_SOA || mark == MUS_SCAN_MARK_CSYNC)
		return is_lower((uint32_t)a, (uint32_t)b);
	return a < b;
}

/* Is it older than what was acted upon with this key?  At the same address the last of it counts.  Where the
 * key was not seen yet (a secondary was pointed to another signer) it must be older than all of it, at
 * whatever address: an old set is no newer for coming from elsewhere.  A key never seen: no comparison. */
static bool
is_past_of_key(const struct mus_scan_in *in, const struct mus_scan_server *s, unsigned key,
    enum mus_scan_mark mark, int64_t value)
{
	bool seen = false, older = true;

	for (unsigned i = 0; i < in->past_count; i++) {
		const struct mus_scan_past *p = &in->past[i];

		if (p->key != key || !(p->has >> mark & 1))
			continue;
		if (p->addr == s->addr)
			return is_older(mark, value, p->mark[mark]);
		seen = true;
		older = older && is_older(mark, value, p->mark[mark]);
	}
	return seen && older;
}

/* One of the keys that signed is enough: no honest signer goes back in time. */
static bool
is_past(const struct mus_scan_in *in, const struct mus_scan_server *s, uint64_t keys,
    enum mus_scan_mark mark, int64_t value)
{
	for (unsigned k = 0; k < in->key_count; k++)
		if ((keys & BIT(k)) && is_past_of_key(in, s, k, mark, value))
			return true;
	return false;
}

/* ---- CDS and CDNSKEY ---------------------------------------------------------------------------- */

/* The DS set that a CDNSKEY set stands for; NOBODY in ${odd}: a key of which no DS can be made. */
static uint64_t
made_of(const struct mus_scan_in *in, uint64_t keys, uint8_t *odd)
{
	uint64_t ds = 0;

	*odd = MUS_SCAN_NOBODY;
	for (unsigned i = 0; i < in->key_count; i++) {
		if (!(keys & BIT(i)))
			continue;
		if (in->key[i].ds < in->ds_count)
			ds |= BIT(in->key[i].ds);
		else
			*odd = (uint8_t)i;
	}
	return ds;
}

/* Do the CDNSKEY records, by themselves, denote just the keys that the DS records at the parent do,
 * whatever the digests? */
static bool
denote_same(const struct mus_scan_in *in, uint64_t keys, uint64_t ds)
{
	uint64_t named = 0;

	for (unsigned i = 0; i < in->ds_count; i++) {
		if (!(ds & BIT(i)))
			continue;
		if (in->rec[i].digest_supported && !(in->rec[i].keys & keys))
			return false;
		named |= in->rec[i].keys;
	}
	return (keys & ~named) == 0;
}

bool
mus_scan_ds_is_quiet(const struct mus_scan_in *in, const struct mus_scan_set *cds,
    const struct mus_scan_set *cdnskey)
{
	if (is_answered(cds) && cds->is_present)
		return cds->deletes == 0 && cds->odd == 0 && cds->set == in->ds;
	if (!is_answered(cds) || !is_answered(cdnskey))
		return false;
	if (!cdnskey->is_present)
		return true;
	return cdnskey->deletes == 0 && cdnskey->odd == 0 && denote_same(in, cdnskey->set, in->ds);
}

/* RFC 8078 4: a delete request is exactly one record; anything beside it is to be ignored. */
static bool
is_well_formed(const struct mus_scan_set *s)
{
	return s->odd == 0 && (s->deletes == 0 || (s->deletes == 1 && s->set == 0));
}

static bool
ds_replies(const struct mus_scan_in *in, struct mus_scan_finding *f)
{
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];

		if (!need(f, &s->key, MUS_SCAN_DNSKEY, i) || !need(f, &s->cds, MUS_SCAN_CDS, i) ||
		    !need(f, &s->cdnskey, MUS_SCAN_CDNSKEY, i))
			return false;
	}
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];

		if (!mus_scan_path(in, in->ds, &s->key))
			return hold(f, MUS_SCAN_RULE_BOGUS, MUS_SCAN_DNSKEY, i);
		if (s->cds.is_present && !is_secure(in, s, &s->cds))
			return hold(f, MUS_SCAN_RULE_BOGUS, MUS_SCAN_CDS, i);
		if (s->cdnskey.is_present && !is_secure(in, s, &s->cdnskey))
			return hold(f, MUS_SCAN_RULE_BOGUS, MUS_SCAN_CDNSKEY, i);
	}
	for (unsigned i = 0; i < in->server_count; i++) {
		if (!is_well_formed(&in->server[i].cds))
			return hold(f, MUS_SCAN_RULE_MALFORMED, MUS_SCAN_CDS, i);
		if (!is_well_formed(&in->server[i].cdnskey))
			return hold(f, MUS_SCAN_RULE_MALFORMED, MUS_SCAN_CDNSKEY, i);
	}
	return true;
}

static bool
same(const struct mus_scan_set *a, const struct mus_scan_set *b)
{
	return a->is_present == b->is_present && a->set == b->set && a->deletes == b->deletes;
}

/* RFC 9975: one server that says otherwise is enough to do nothing; NODATA is a reply. */
static bool
ds_consistency(const struct mus_scan_in *in, struct mus_scan_finding *f)
{
	const struct mus_scan_server *a = &in->server[0];

	for (unsigned i = 1; i < in->server_count; i++) {
		const struct mus_scan_server *b = &in->server[i];

		if (!same(&a->cds, &b->cds))
			return hold_two(f, MUS_SCAN_CDS, 0, i);
		if (!same(&a->cdnskey, &b->cdnskey))
			return hold_two(f, MUS_SCAN_CDNSKEY, 0, i);
	}
	if (!a->cds.is_present || !a->cdnskey.is_present)
		return true;
	/* The same keys in both, on every server by what was found above. */
	if ((a->cds.deletes != 0) != (a->cdnskey.deletes != 0) ||
	    !denote_same(in, a->cdnskey.set, a->cds.set))
		return hold(f, MUS_SCAN_RULE_BOTH, MUS_SCAN_CDNSKEY, 0);
	return true;
}

/* Local policy rejects the whole request, never a part of it. */
static bool
ds_policy(const struct mus_scan_in *in, struct mus_scan_finding *f, uint64_t ds)
{
	const struct mus_scan_policy *p = &in->policy;

	if (p->ds_max && (unsigned)__builtin_popcountll(ds) > p->ds_max)
		return hold(f, MUS_SCAN_RULE_MANYDS, MUS_SCAN_CDS, 0);
	for (unsigned i = 0; i < in->ds_count; i++) {
		if (!(ds & BIT(i)))
			continue;
		if (in->rec[i].digest_type > 63 || !(p->digest_types & BIT(in->rec[i].digest_type)))
			return hold_item(f, MUS_SCAN_RULE_DIGEST, MUS_SCAN_CDS, 0, i);
		if (!in->rec[i].alg_supported)
			return hold_item(f, MUS_SCAN_RULE_ALGORITHM, MUS_SCAN_CDS, 0, i);
	}
	return true;
}

/* RFC 7344 4.1: signed by a key that is in the DS set and in the DNSKEY set. */
static bool
ds_signer(const struct mus_scan_in *in, struct mus_scan_finding *f, unsigned i)
{
	const struct mus_scan_server *s = &in->server[i];
	uint64_t named = named_keys(in, in->ds, &s->key);

	if (s->cds.is_present && !(s->cds.sig & named))
		return hold(f, MUS_SCAN_RULE_SIGNER, MUS_SCAN_CDS, i);
	if (s->cdnskey.is_present && !(s->cdnskey.sig & named))
		return hold(f, MUS_SCAN_RULE_SIGNER, MUS_SCAN_CDNSKEY, i);
	return true;
}

/* RFC 7344 6.2: signers date their signatures each in its own way, so only what the same key signed is compared. */
static bool
ds_freshness(const struct mus_scan_in *in, struct mus_scan_finding *f, unsigned i)
{
	const struct mus_scan_server *s = &in->server[i];

	if (s->cds.is_present && is_past(in, s, s->cds.sig, MUS_SCAN_MARK_CDS, s->cds.inception_s))
		return hold(f, MUS_SCAN_RULE_FRESHNESS, MUS_SCAN_CDS, i);
	if (s->cdnskey.is_present &&
	    is_past(in, s, s->cdnskey.sig, MUS_SCAN_MARK_CDNSKEY, s->cdnskey.inception_s))
		return hold(f, MUS_SCAN_RULE_FRESHNESS, MUS_SCAN_CDNSKEY, i);
	return true;
}

static bool
ds_judge(const struct mus_scan_in *in, struct mus_scan_finding *f, uint64_t *new_ds)
{
	const struct mus_scan_server *a = &in->server[0];
	uint8_t odd = MUS_SCAN_NOBODY;
	bool deletes;
	uint64_t ds;

	if (!ds_replies(in, f) || !ds_consistency(in, f))
		return false;
	deletes = a->cds.deletes || a->cdnskey.deletes;
	ds = a->cds.is_present ? a->cds.set : made_of(in, a->cdnskey.set, &odd);
	if (deletes) {
		if (!in->policy.allow_delete)
			return hold(f, MUS_SCAN_RULE_DELETE, MUS_SCAN_CDS, 0);
		ds = 0;
	} else if (odd != MUS_SCAN_NOBODY) {
		return hold_item(f, MUS_SCAN_RULE_ALGORITHM, MUS_SCAN_CDNSKEY, 0, odd);
	} else if (!ds_policy(in, f, ds)) {
		return false;
	}
	for (unsigned i = 0; i < in->server_count; i++)
		if (!ds_signer(in, f, i) || !ds_freshness(in, f, i))
			return false;
	/* Continuity: one working path for every DNSKEY set that is served (RFC 6840 5.11). */
	for (unsigned i = 0; !deletes && i < in->server_count; i++)
		if (!mus_scan_path(in, ds, &in->server[i].key))
			return hold(f, MUS_SCAN_RULE_CONTINUITY, MUS_SCAN_DNSKEY, i);
	*new_ds = ds;
	return true;
}

static void
judge_ds(const struct mus_scan_in *in, struct mus_scan_out *out)
{
	bool asked = false, present = false;

	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];
		bool heard = (is_answered(&s->cds) && s->cds.is_present) ||
		    (is_answered(&s->cdnskey) && s->cdnskey.is_present);

		present |= heard;
		asked |= heard && !mus_scan_ds_is_quiet(in, &s->cds, &s->cdnskey);
	}
	if (!asked) {
		/* Nobody asks for a change; but that somebody could not be heard is worth a word. */
		quiet(&out->ds, present ? MUS_SCAN_RULE_INSYNC : MUS_SCAN_RULE_ABSENT);
		for (unsigned i = 0; i < in->server_count; i++)
			if (!need(&out->ds, &in->server[i].cds, MUS_SCAN_CDS, i))
				return;
		return;
	}
	if (!ds_judge(in, &out->ds, &out->new_ds))
		return;
	quiet(&out->ds, MUS_SCAN_RULE_NONE);
	out->ds.kind = MUS_SCAN_CHANGE;
}

/* ---- CSYNC -------------------------------------------------------------------------------------- */

/* An RRset that must be there and secure. */
static bool
need_secure(const struct mus_scan_in *in, struct mus_scan_finding *f, unsigned i,
    const struct mus_scan_set *set, enum mus_scan_what what)
{
	if (!need(f, set, what, i))
		return false;
	if (!set->is_present || !is_secure(in, &in->server[i], set))
		return hold(f, MUS_SCAN_RULE_BOGUS, what, i);
	return true;
}

static bool
csync_replies(const struct mus_scan_in *in, struct mus_scan_finding *f)
{
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];

		if (!need(f, &s->key, MUS_SCAN_DNSKEY, i) || !need(f, &s->csync, MUS_SCAN_CSYNC, i))
			return false;
	}
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];

		if (!mus_scan_path(in, in->ds, &s->key))
			return hold(f, MUS_SCAN_RULE_BOGUS, MUS_SCAN_DNSKEY, i);
		if (s->csync.is_present && !is_secure(in, s, &s->csync))
			return hold(f, MUS_SCAN_RULE_BOGUS, MUS_SCAN_CSYNC, i);
	}
	/* A single record: several are ignored, all of them (RFC 7477 2). */
	for (unsigned i = 0; i < in->server_count; i++)
		if (in->server[i].csync.odd)
			return hold(f, MUS_SCAN_RULE_MALFORMED, MUS_SCAN_CSYNC, i);
	return true;
}

static bool
csync_flags(const struct mus_scan_in *in, struct mus_scan_finding *f)
{
	const struct mus_scan_server *a = &in->server[0];

	for (unsigned i = 1; i < in->server_count; i++) {
		const struct mus_scan_server *b = &in->server[i];

		if (a->csync.is_present != b->csync.is_present || a->csync_types != b->csync_types ||
		    ((a->csync_flags ^ b->csync_flags) & MUS_SCAN_IMMEDIATE))
			return hold_two(f, MUS_SCAN_CSYNC, 0, i);
	}
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];

		if (s->csync_flags & ~(MUS_SCAN_IMMEDIATE | MUS_SCAN_SOAMINIMUM))
			return hold(f, MUS_SCAN_RULE_FLAGS, MUS_SCAN_CSYNC, i);
		if (s->csync_types & MUS_SCAN_BIT_OTHER)
			return hold(f, MUS_SCAN_RULE_TYPES, MUS_SCAN_CSYNC, i);
	}
	return true;
}

static bool
csync_serials(const struct mus_scan_in *in, struct mus_scan_finding *f)
{
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];

		if (!need_secure(in, f, i, &s->soa, MUS_SCAN_SOA) ||
		    !need_secure(in, f, i, &s->soa2, MUS_SCAN_SOA))
			return false;
		if (s->serial != s->serial2)
			return hold(f, MUS_SCAN_RULE_MOVING, MUS_SCAN_SOA, i);
	}
	if (!(in->server[0].csync_flags & MUS_SCAN_IMMEDIATE) || in->policy.need_approval)
		return hold(f, MUS_SCAN_RULE_APPROVAL, MUS_SCAN_CSYNC, 0);
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];

		if ((s->csync_flags & MUS_SCAN_SOAMINIMUM) && is_lower(s->serial, s->csync_serial))
			return hold(f, MUS_SCAN_RULE_SOAMINIMUM, MUS_SCAN_SOA, i);
		if (is_past(in, s, s->soa.sig, MUS_SCAN_MARK_SOA, s->serial))
			return hold(f, MUS_SCAN_RULE_REPLAY, MUS_SCAN_SOA, i);
		if (is_past(in, s, s->csync.sig, MUS_SCAN_MARK_CSYNC, s->csync_serial))
			return hold(f, MUS_SCAN_RULE_REPLAY, MUS_SCAN_CSYNC, i);
	}
	return true;
}

static bool
csync_ns(const struct mus_scan_in *in, struct mus_scan_finding *f, uint64_t *ns)
{
	unsigned least = in->policy.ns_min ? in->policy.ns_min : 1;

	*ns = in->ns;
	if (!(in->server[0].csync_types & MUS_SCAN_BIT_NS))
		return true;
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_set *set = &in->server[i].ns;

		if (!need(f, set, MUS_SCAN_NS, i))
			return false;
		if (!set->is_present || (set->set == 0 && set->odd == 0))
			return hold(f, MUS_SCAN_RULE_NSEMPTY, MUS_SCAN_NS, i);
		if (!need_secure(in, f, i, set, MUS_SCAN_NS))
			return false;
		if (set->odd)
			return hold(f, MUS_SCAN_RULE_MALFORMED, MUS_SCAN_NS, i);
		if (!same(&in->server[0].ns, set))
			return hold_two(f, MUS_SCAN_NS, 0, i);
	}
	*ns = in->server[0].ns.set;
	if ((unsigned)__builtin_popcountll(*ns) < least)
		return hold(f, MUS_SCAN_RULE_NSFEW, MUS_SCAN_NS, 0);
	return true;
}

/* The addresses that all servers give a name. */
static bool
csync_addr(const struct mus_scan_in *in, struct mus_scan_finding *f, unsigned name, unsigned family,
    uint64_t *addrs)
{
	for (unsigned i = 0; i < in->server_count; i++) {
		const struct mus_scan_server *s = &in->server[i];
		const struct mus_scan_set *set = &s->at[name][family];
		bool good;

		if (!need(f, set, MUS_SCAN_ADDR, i)) {
			f->item = (uint8_t)name;
			return false;
		}
		good = set->is_present ? is_secure(in, s, set) : set->is_proved;
		if (!good || set->odd)
			return hold_item(f, set->odd ? MUS_SCAN_RULE_MALFORMED : MUS_SCAN_RULE_BOGUS,
			    MUS_SCAN_ADDR, i, name);
		if (!same(&in->server[0].at[name][family], set)) {
			hold_two(f, MUS_SCAN_ADDR, 0, i);
			f->item = (uint8_t)name;
			return false;
		}
	}
	*addrs = in->server[0].at[name][family].set;
	return true;
}

/* RFC 7477 3.2.2, 4.3: glue of names in the zone, by type; a type whose bit is clear stays. */
static bool
csync_glue(const struct mus_scan_in *in, struct mus_scan_finding *f, struct mus_scan_out *out)
{
	static const uint8_t bit[MUS_SCAN_FAMILIES] = {MUS_SCAN_BIT_A, MUS_SCAN_BIT_AAAA};

	for (unsigned n = 0; n < in->name_count; n++) {
		bool listed = (out->new_ns & BIT(n)) != 0;

		if (!in->name[n].in_zone)
			continue;
		for (unsigned fam = 0; fam < MUS_SCAN_FAMILIES; fam++) {
			out->new_glue[n][fam] = in->name[n].glue[fam];
			if (!(in->server[0].csync_types & bit[fam]))
				continue;
			/* Glue of a name that leaves goes with it. */
			if (!listed)
				out->new_glue[n][fam] = 0;
			else if (!csync_addr(in, f, n, fam, &out->new_glue[n][fam]))
				return false;
		}
		if (listed && !(out->new_glue[n][MUS_SCAN_A] | out->new_glue[n][MUS_SCAN_AAAA]))
			return hold_item(f, MUS_SCAN_RULE_NOADDR, MUS_SCAN_ADDR, MUS_SCAN_NOBODY, n);
	}
	return true;
}

/* Names of the new set with an address that no server looked at above has. */
static uint64_t
newcomers(const struct mus_scan_in *in, const struct mus_scan_out *out)
{
	uint64_t known = 0, ask = 0;

	for (unsigned i = 0; i < in->server_count; i++)
		if (in->server[i].addr < MUS_SCAN_ADDRS_MAX)
			known |= BIT(in->server[i].addr);
	for (unsigned n = 0; n < in->name_count; n++) {
		if (!(out->new_ns & BIT(n)))
			continue;
		if (in->name[n].in_zone
			? ((out->new_glue[n][MUS_SCAN_A] | out->new_glue[n][MUS_SCAN_AAAA]) & ~known) != 0
			: !(in->ns & BIT(n)))
			ask |= BIT(n);
	}
	return ask;
}

/* RFC 9975: no name server enters that would break the delegation. */
static bool
csync_safety(const struct mus_scan_in *in, struct mus_scan_finding *f, uint64_t ask)
{
	for (unsigned n = 0; n < in->name_count; n++)
		if (ask & ~in->resolved & BIT(n))
			return hold_item(f, MUS_SCAN_RULE_NEWNS, MUS_SCAN_NS, MUS_SCAN_NOBODY, n);
	for (unsigned i = 0; i < in->fresh_count; i++) {
		const struct mus_scan_fresh *s = &in->fresh[i];
		const struct mus_scan_set *bad = NULL;

		if (!(ask & BIT(s->name)))
			continue;
		if (!is_answered(&s->udp) || !s->udp.is_present)
			bad = &s->udp;
		else if (!is_answered(&s->tcp) || !s->tcp.is_present)
			bad = &s->tcp;
		if (bad) {
			hold_item(f, MUS_SCAN_RULE_NEWAA, MUS_SCAN_SOA, MUS_SCAN_NOBODY, s->name);
			f->cause = bad->cause;
			return false;
		}
		if (!mus_scan_path(in, in->ds, &s->key))
			return hold_item(f, MUS_SCAN_RULE_NEWCHAIN, MUS_SCAN_DNSKEY, MUS_SCAN_NOBODY,
			    s->name);
	}
	return true;
}

static bool
is_same_delegation(const struct mus_scan_in *in, const struct mus_scan_out *out)
{
	if (out->new_ns != in->ns)
		return false;
	for (unsigned n = 0; n < in->name_count; n++)
		for (unsigned fam = 0; in->name[n].in_zone && fam < MUS_SCAN_FAMILIES; fam++)
			if (out->new_glue[n][fam] != in->name[n].glue[fam])
				return false;
	return true;
}

static void
judge_csync(const struct mus_scan_in *in, struct mus_scan_out *out)
{
	struct mus_scan_finding *f = &out->csync;
	bool present = false;

	for (unsigned i = 0; i < in->server_count; i++)
		present |= is_answered(&in->server[i].csync) && in->server[i].csync.is_present;
	quiet(f, MUS_SCAN_RULE_ABSENT);
	if (!present || !csync_replies(in, f) || !csync_flags(in, f) || !csync_serials(in, f) ||
	    !csync_ns(in, f, &out->new_ns) || !csync_glue(in, f, out))
		return;
	if (is_same_delegation(in, out)) {
		quiet(f, MUS_SCAN_RULE_INSYNC);
		return;
	}
	out->ask = newcomers(in, out);
	if (out->ask & ~in->looked) {
		quiet(f, MUS_SCAN_RULE_NONE);
		f->kind = MUS_SCAN_MORE;
		return;
	}
	if (!csync_safety(in, f, out->ask))
		return;
	quiet(f, MUS_SCAN_RULE_NONE);
	f->kind = MUS_SCAN_CHANGE;
}

void
mus_scan_judge(const struct mus_scan_in *in, struct mus_scan_out *out)
{
	enum mus_scan_rule none = MUS_SCAN_RULE_NONE;

	memset(out, 0, sizeof *out);
	if (in->is_cut)
		none = MUS_SCAN_RULE_TOOMANY;
	else if (in->ds == 0)
		none = MUS_SCAN_RULE_NODS;
	else if (in->server_count == 0)
		none = MUS_SCAN_RULE_NOSERVER;
	if (none != MUS_SCAN_RULE_NONE) {
		hold(&out->ds, none, MUS_SCAN_NOTHING, MUS_SCAN_NOBODY);
		hold(&out->csync, none, MUS_SCAN_NOTHING, MUS_SCAN_NOBODY);
		return;
	}
	judge_ds(in, out);
	judge_csync(in, out);
}
