/*
 * Answers into observations: keys are interned, signatures verified, records turned into masks.
 */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "dns/trial.h"
#include "engine/int.h"

struct tk {
	struct eng_turn *t;
	struct mus_zonestate *st;
	const struct mus_policy *policy;
	struct mus_name zone;
	struct mus_time at;		/* all answers have come by now */
	bool was_bogus;			/* DS, at the last look */
};

/* ---- keys ------------------------------------------------------------------------------------- */

static int
alg_index(struct mus_zone *z, uint8_t alg)
{
	for (unsigned a = 0; a < z->alg_count; a++)
		if (z->alg[a] == alg)
			return (int)a;
	if (z->alg_count == MUS_ALGS_MAX)
		return -1;
	z->alg[z->alg_count] = alg;
	return z->alg_count++;
}

static int
free_key(struct mus_zonestate *st)
{
	uint64_t used;

	for (unsigned k = 0; k < st->zone.key_count; k++)
		if (st->zone.key[k].id == 0)
			return (int)k;
	if (st->zone.key_count < MUS_KEYS_MAX)
		return st->zone.key_count++;
	/* Forget one that nothing alive refers to. */
	used = eng_keys_in_use(st);
	if (~used == 0)
		return -1;
	mus_zonestate_forget_key(st, (unsigned)__builtin_ctzll(~used));
	return __builtin_ctzll(~used);
}

/* true: it was not there. */
static bool
intern_key(struct tk *k, struct mus_rdata rd)
{
	struct mus_zonestate *st = k->st;
	uint64_t id = mus_digest64(rd.data, rd.len);
	int i = mus_book_find_key(&st->book, &st->zone, id, rd.data, rd.len), alg;
	struct mus_dnskey key;
	struct mus_zkey *z;

	if (i >= 0)
		return false;
	if (rd.len > MUS_BOOK_RDATA_MAX || !mus_dnskey_read(rd, &key) ||
	    (alg = alg_index(&st->zone, key.alg)) < 0 || (i = free_key(st)) < 0)
		return false;
	st->book.key[i].rdata = malloc(rd.len);
	if (!st->book.key[i].rdata)
		return false;
	memcpy(st->book.key[i].rdata, rd.data, rd.len);
	st->book.key[i].len = rd.len;
	z = &st->zone.key[i];
	*z = (struct mus_zkey){
	    .alg = key.alg,
	    .alg_idx = (uint8_t)alg,
	    .tag = key.tag,
	    .is_sep = (key.flags & MUS_DNSKEY_SEP) != 0,
	    .is_revoked = (key.flags & MUS_DNSKEY_REVOKE) != 0,
	    .is_zone = (key.flags & MUS_DNSKEY_ZONE) != 0 && key.protocol == 3,
	    .owner = MUS_OWNER_UNKNOWN,
	    .gone_at = MUS_TIME_NEVER,
	    .id = id ? id : 1,
	};
	return true;
}

/* What named a key that nobody had shown may name this one: it counts no more before it has been asked for again. */
static void
doubt_strays(struct mus_seen *seen)
{
	static const enum mus_rr_kind kinds[] = {MUS_RR_CDS, MUS_RR_CDNSKEY, MUS_RR_DS};

	for (unsigned o = 0; o < MUS_ORIGINS; o++)
		for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
			struct mus_ring *ring = (kinds[i] == MUS_RR_DS) == (o == MUS_PARENT)
			    ? mus_seen_ring(seen, o, kinds[i]) : NULL;

			for (unsigned v = 0; ring && v < ring->count; v++)
				if (ring->v[v].srv && ring->v[v].stray)
					ring->ok = 0;
		}
}

static void
intern_keys(struct tk *k)
{
	bool is_new = false;

	for (unsigned i = 0; i < k->t->ans_count; i++) {
		struct eng_answer *a = &k->t->ans[i];

		if (a->q != ENG_Q_KEY || a->cause != MUS_CAUSE_NONE)
			continue;
		for (size_t r = 0; r < a->set.count; r++)
			if (!mus_trial_is(MUS_TYPE_DNSKEY, a->set.rd[r]))
				is_new |= intern_key(k, a->set.rd[r]);	/* one without a place is a stray */
	}
	if (is_new)
		doubt_strays(&k->st->seen);
}

/* ---- signatures -------------------------------------------------------------------------------- */

static void
verify(struct tk *k, const struct mus_rrset *set, struct mus_look *look)
{
	struct mus_zonestate *st = k->st;
	int64_t now_s = mus_time_to_s(k->t->at);

	for (size_t i = 0; i < set->sig_count && look->sig_count < MUS_SIGS_MAX; i++) {
		struct mus_sig *out = &look->sig[look->sig_count];
		struct mus_rrsig sig;
		bool named = false;

		if (!mus_rrsig_read(set->sig[i], &sig)) {
			look->flags |= MUS_VER_BADSIG;
			continue;
		}
		*out = (struct mus_sig){.key = MUS_KEY_NONE, .alg = sig.alg, .tag = sig.tag,
		    .from_s = mus_rrsig_time(sig.inception, now_s),
		    .until_s = mus_rrsig_time(sig.expiration, now_s)};
		if (sig.orig_ttl_s <= INT32_MAX && sig.orig_ttl_s > look->ttl_s)	/* RFC 2181 8 */
			look->ttl_s = sig.orig_ttl_s;
		for (unsigned key = 0; key < st->zone.key_count; key++) {
			struct mus_rdata rd = {st->book.key[key].rdata, st->book.key[key].len};

			if (st->zone.key[key].id == 0 || st->zone.key[key].tag != sig.tag ||
			    st->zone.key[key].alg != sig.alg)
				continue;
			named = true;
			if (mus_rrsig_check(k->t->e->sigs, set, set->sig[i], &k->zone, rd) ==
			    MUS_SIG_GOOD) {
				out->key = (uint8_t)key;
				break;
			}
		}
		if (named && out->key == MUS_KEY_NONE)
			look->flags |= MUS_VER_BADSIG;
		look->sig_count++;
	}
}

/* ---- content ------------------------------------------------------------------------------------ */

static int
dt_index(uint8_t digest_type)
{
	return digest_type == MUS_DIGEST_SHA1	 ? 0
	    : digest_type == MUS_DIGEST_SHA256 ? 1
	    : digest_type == MUS_DIGEST_SHA384 ? 2
					       : -1;
}

static void
more_stray(struct mus_look *look)
{
	if (look->stray < 255)
		look->stray++;
}

/* A record that names a key which nobody shows: the first one is noted, so that it can be told. */
static void
stray_key(struct mus_look *look, uint16_t tag)
{
	more_stray(look);
	if (look->aux == 0)
		look->aux = MUS_AUX_STRAY | tag;
}

/* Keys named by DS or CDS records. */
static void
ds_masks(struct tk *k, const struct mus_rrset *set, struct mus_look *look)
{
	struct mus_zonestate *st = k->st;

	for (size_t i = 0; i < set->count; i++) {
		struct mus_ds ds;
		int dt;
		bool found = false;

		if (!mus_ds_read(set->rd[i], &ds)) {
			more_stray(look);
			continue;
		}
		if (ds.alg == 0) {
			look->flags |= MUS_VER_DELETE;
			continue;
		}
		dt = dt_index(ds.digest_type);
		for (unsigned key = 0; dt >= 0 && key < st->zone.key_count; key++) {
			struct mus_rdata rd = {st->book.key[key].rdata, st->book.key[key].len};

			if (st->zone.key[key].id == 0 || st->zone.key[key].tag != ds.tag ||
			    st->zone.key[key].alg != ds.alg ||
			    !mus_ds_matches(&k->zone, ds, rd))
				continue;
			look->set |= mus_bit(key);
			look->dt[dt] |= mus_bit(key);
			found = true;
		}
		if (!found)
			stray_key(look, ds.tag);
	}
}

static void
key_masks(struct tk *k, const struct mus_rrset *set, bool cdnskey, struct mus_look *look)
{
	for (size_t i = 0; i < set->count; i++) {
		struct mus_dnskey key;
		int idx;

		if (cdnskey && mus_dnskey_read(set->rd[i], &key) && key.alg == 0) {
			look->flags |= MUS_VER_DELETE;
			continue;
		}
		idx = mus_book_find_key(&k->st->book, &k->st->zone,
		    mus_digest64(set->rd[i].data, set->rd[i].len), set->rd[i].data, set->rd[i].len);
		if (idx >= 0)
			look->set |= mus_bit((unsigned)idx);
		else
			stray_key(look, mus_dnskey_tag(set->rd[i]));
	}
}

static void
ns_masks(struct tk *k, const struct mus_rrset *set, struct mus_look *look)
{
	char text[MUS_NAME_TEXT_MAX];

	for (size_t i = 0; i < set->count; i++) {
		struct mus_name name;
		int n = -1;

		if (mus_name_from_wire(set->rd[i].data, set->rd[i].len, &name) == 0)
			n = eng_intern_ns(k->st, mus_name_text(&name, text), MUS_OWNER_UNKNOWN);
		if (n >= 0)
			look->set |= mus_bit((unsigned)n);
		else
			more_stray(look);
	}
}

/* SOA: RNAME and MINIMUM alone say something about the zone; serials differ by nature. */
static void
soa_facts(const struct mus_rrset *set, struct mus_look *look)
{
	struct mus_name mname, rname;
	const uint8_t *p;
	size_t len;
	uint32_t minimum;

	if (set->count != 1) {
		look->cause = MUS_CAUSE_MALFORM;
		return;
	}
	p = set->rd[0].data;
	len = set->rd[0].len;
	if (mus_name_from_wire(p, len, &mname) < 0 ||
	    mus_name_from_wire(p + mname.len, len - mname.len, &rname) < 0 ||
	    len < (size_t)mname.len + rname.len + 20) {
		look->cause = MUS_CAUSE_MALFORM;
		return;
	}
	p += mname.len + rname.len + 16;
	minimum = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	look->aux = mus_digest64(rname.wire, rname.len) ^ minimum;
	look->content = look->aux;
	/* Negative answers live for min(TTL, MINIMUM), never longer than the SOA itself. */
}

/* MUS_CSYNC_ODD: what it says cannot all be told by a number. */
static uint64_t
csync_record(struct mus_rdata rd)
{
	static const struct {
		uint16_t type;
		uint64_t bit;
	} types[] = {{MUS_TYPE_A, MUS_CSYNC_A}, {MUS_TYPE_NS, MUS_CSYNC_NS}, {MUS_TYPE_AAAA, MUS_CSYNC_AAAA}};
	uint8_t same[ENG_CSYNC_MAX];
	uint64_t record = 0;
	size_t len;

	for (unsigned i = 0; i < 6; i++)
		record = record << 8 | rd.data[i];
	for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
		if (mus_bitmap_has(rd.data + 6, rd.len - 6u, types[i].type))
			record |= types[i].bit;
	len = eng_csync_make(record, same);
	return len == rd.len && memcmp(same, rd.data, len) == 0 ? record : record | MUS_CSYNC_ODD;
}

/* The records are in canonical order: the last have the highest serials, and ours is new. */
static void
csync_facts(const struct mus_rrset *set, struct mus_look *look)
{
	uint64_t *further = look->dt;

	for (size_t i = set->count; i-- > 0;) {
		if (set->rd[i].len < 6) {
			look->cause = MUS_CAUSE_MALFORM;
			return;
		}
		if (i + 1 == set->count)
			look->aux = csync_record(set->rd[i]);
		else if (further < look->dt + MUS_DT_COUNT)
			*further++ = csync_record(set->rd[i]);
	}
	look->stray = set->count > 255 ? 255 : (uint8_t)(set->count - 1);
}

/* ---- looks --------------------------------------------------------------------------------------- */

static struct mus_look
look_at(const struct eng_answer *a, enum mus_rr_kind kind)
{
	return (struct mus_look){.server = a->server, .kind = kind, .cause = a->cause};
}

static void
give(struct tk *k, const struct mus_look *look)
{
	mus_observe(&k->st->zone, &k->st->seen, look, k->policy, k->t->at, k->at);
}

/* An RRset that is not there: believed when the denial is complete and signed, or when the zone is
 * not signed at all; the denial's signatures are judged as data (V2, V12), not here. */
static void
absent(struct tk *k, const struct eng_answer *a, struct mus_look *look)
{
	struct mus_denial d;
	uint32_t neg_ttl_s = 0;
	bool is_signed = false;

	for (size_t i = 0; i < a->auth_count; i++) {
		is_signed |= a->auth[i].sig_count > 0 || a->auth[i].type == MUS_TYPE_NSEC ||
		    a->auth[i].type == MUS_TYPE_NSEC3;
		if (a->auth[i].type == MUS_TYPE_SOA)
			neg_ttl_s = a->auth[i].ttl_s;
	}
	look->flags |= MUS_VER_ABSENT;
	look->ttl_s = look->serve_ttl_s = neg_ttl_s;
	if (!is_signed)
		return;
	mus_denial_check(a->auth, a->auth_count, &k->zone, &a->qname, a->type, a->nxdomain, &d);
	if (!d.proves)
		look->cause = MUS_CAUSE_UNPROVED;
}

/* What a probe tries is nobody's: the set counts as if its records were not there, but for the
 * signatures, which are over all of it. */
static void
take_content(struct tk *k, const struct mus_rrset *set, enum mus_rr_kind kind, struct mus_look *look)
{
	look->ttl_s = look->serve_ttl_s = set->ttl_s;
	if (set->count == 0) {
		look->flags |= MUS_VER_ABSENT;
		return;
	}
	look->content = mus_rrset_digest(set);
	switch (kind) {
	case MUS_RR_KEY:
		key_masks(k, set, false, look);
		break;
	case MUS_RR_CDNSKEY:
		key_masks(k, set, true, look);
		break;
	case MUS_RR_CDS:
		ds_masks(k, set, look);
		break;
	case MUS_RR_NS:
		ns_masks(k, set, look);
		break;
	case MUS_RR_SOA:
		soa_facts(set, look);
		break;
	case MUS_RR_CSYNC:
		csync_facts(set, look);
		break;
	default:
		break;
	}
}

static void
take_set(struct tk *k, const struct eng_answer *a, enum mus_rr_kind kind)
{
	struct mus_look look = look_at(a, kind);
	struct mus_rrset own;

	if (a->cause == MUS_CAUSE_NONE && a->nxdomain && kind != MUS_RR_NAME)
		look.cause = MUS_CAUSE_NXDOMAIN;
	if (look.cause == MUS_CAUSE_NONE && a->set.count == 0) {
		if (kind == MUS_RR_SOA || kind == MUS_RR_NS)
			look.cause = MUS_CAUSE_NXDOMAIN;	/* no apex here */
		else
			absent(k, a, &look);
	} else if (look.cause == MUS_CAUSE_NONE) {
		if (mus_trial_without(&a->set, &k->t->arena, &own) < 0) {
			look.cause = MUS_CAUSE_LOCAL;
		} else {
			take_content(k, &own, kind, &look);
			if (own.count > 0)
				verify(k, &a->set, &look);
			if (own.count != a->set.count)
				k->t->trials[kind] |= mus_bit(a->server);
		}
	}
	give(k, &look);
}

/* ---- the sample ------------------------------------------------------------------------------- */

/* A delegation at ${owner} makes the name one of another zone. */
static bool
is_cut_at(const struct tk *k, const struct eng_answer *a, const struct mus_name *owner)
{
	return mus_name_in(&a->qname, owner) && mus_name_in(owner, &k->zone) && !mus_name_equal(owner, &k->zone);
}

/* A referral, or an answer out of a zone below ours that the server has too: its SOA or NS beside the answer, or its
 * signatures, tell. */
static bool
is_below_cut(const struct tk *k, const struct eng_answer *a)
{
	struct mus_rrsig sig;

	for (size_t i = 0; i < a->auth_count; i++)
		if ((a->auth[i].type == MUS_TYPE_NS || a->auth[i].type == MUS_TYPE_SOA) &&
		    is_cut_at(k, a, &a->auth[i].owner))
			return true;
	for (size_t i = 0; i < a->set.sig_count; i++)
		if (mus_rrsig_read(a->set.sig[i], &sig) && is_cut_at(k, a, &sig.signer))
			return true;
	return a->set.count && a->set.type == MUS_TYPE_SOA && is_cut_at(k, a, &a->set.owner);
}

/* The answer that says whose the sample of ${a} is; NULL: nobody needed to ask. */
static struct eng_answer *
whose(const struct tk *k, const struct eng_answer *a)
{
	for (unsigned i = 0; i < k->t->ans_count; i++)
		if (k->t->ans[i].q == ENG_Q_WHOSE && k->t->ans[i].server == a->server)
			return &k->t->ans[i];
	return NULL;
}

static void
take_sample(struct tk *k, struct eng_answer *a)
{
	struct eng_answer *of = whose(k, a);
	bool is_cut = is_below_cut(k, a) || (of && is_below_cut(k, of));
	struct mus_look look;

	/* Who refers to nothing below the zone has not got the zone. */
	if (a->cause == MUS_CAUSE_NONE && !a->aa && !is_cut)
		a->cause = MUS_CAUSE_NOTAUTH;
	if (of && of->cause == MUS_CAUSE_NONE && !of->aa && !is_cut)
		of->cause = MUS_CAUSE_NOTAUTH;
	if (a->cause == MUS_CAUSE_NONE && of && !is_cut)
		a->cause = of->cause;
	if (a->cause != MUS_CAUSE_NONE || !is_cut) {
		take_set(k, a, MUS_RR_NAME);
		return;
	}
	look = look_at(a, MUS_RR_NAME);
	look.flags = MUS_VER_ABSENT | MUS_VER_CUT;
	give(k, &look);
}

/* Each NSEC or NSEC3 RRset of the denial by itself; the first carries what the proof is worth. */
static void
take_denial(struct tk *k, const struct eng_answer *a)
{
	unsigned n = 0;
	struct mus_denial d = {.kind = MUS_DENIAL_NONE};
	bool positive = a->set.count > 0;

	if (a->cause == MUS_CAUSE_NONE)
		mus_denial_check(
		    a->auth, a->auth_count, &k->zone, &a->qname, a->type, a->nxdomain, &d);
	for (size_t i = 0; a->cause == MUS_CAUSE_NONE && i < a->auth_count && n < 3; i++) {
		const struct mus_rrset *set = &a->auth[i];
		struct mus_look look = look_at(a, (enum mus_rr_kind)(MUS_RR_DENY0 + n));

		if (set->type != MUS_TYPE_NSEC && set->type != MUS_TYPE_NSEC3)
			continue;
		/* Bitmaps change with every type that comes and goes: who signs is what counts. */
		look.content = mus_digest64(set->owner.wire, set->owner.len);
		look.ttl_s = look.serve_ttl_s = set->ttl_s;
		look.aux = d.n3_iterations;
		/* A wildcard answers: there is nothing to deny, what is there counts all the same. */
		look.flags = d.proves || positive ? MUS_VER_PROVES : 0;
		verify(k, set, &look);
		give(k, &look);
		n++;
	}
	for (; n < 3; n++) {
		struct mus_look look = look_at(a, (enum mus_rr_kind)(MUS_RR_DENY0 + n));

		look.flags = MUS_VER_ABSENT;
		if (n == 0 && positive)
			look.flags |= MUS_VER_PROVES;
		give(k, &look);
	}
}

/* ---- the parent ------------------------------------------------------------------------------- */

static bool
parent_verifies(struct tk *k, const struct mus_rrset *set)
{
	struct eng_parent *p = k->t->parent;
	int64_t now_s = mus_time_to_s(k->t->at);

	for (size_t i = 0; i < set->sig_count; i++) {
		struct mus_rrsig sig;

		if (!mus_rrsig_read(set->sig[i], &sig) ||
		    mus_rrsig_time(sig.expiration, now_s) < now_s ||
		    mus_rrsig_time(sig.inception, now_s) > now_s + k->policy->margin_s)
			continue;
		for (size_t key = 0; key < p->keys.count; key++)
			if (mus_rrsig_check(k->t->e->sigs, set, set->sig[i], &p->name,
				p->keys.rd[key]) == MUS_SIG_GOOD)
				return true;
	}
	return false;
}

/* The parent may have other keys by now.  What was found bogus stays so while they are asked for. */
static enum mus_cause
unverified(struct tk *k)
{
	enum mus_cause cause = eng_parent_doubt(k->t->e, k->t->parent, k->st->book.zone_id);

	return k->was_bogus ? MUS_CAUSE_BOGUS : cause;
}

/* What a parent server says of DS counts only with the parent's signature. */
static enum mus_cause
ds_trust(struct tk *k, const struct eng_answer *a)
{
	struct eng_parent *p = k->t->parent;
	struct mus_denial d;

	if (!p)
		return eng_parent_lacks(k->t->e, k->st->book.zone);
	if (!eng_parent_has_keys(p, k->t->at))
		return k->t->e->o.parent_insecure_ok ? MUS_CAUSE_NONE
		    : p->words.s[0]		     ? MUS_CAUSE_NOLOOKUP
						     : MUS_CAUSE_LOOKING;
	if (a->set.count > 0)
		return parent_verifies(k, &a->set) ? MUS_CAUSE_NONE : unverified(k);
	mus_denial_check(a->auth, a->auth_count, &p->name, &a->qname, a->type, a->nxdomain, &d);
	if (!d.proves && !d.opt_out)
		return MUS_CAUSE_UNPROVED;
	for (size_t i = 0; i < a->auth_count; i++)
		if ((a->auth[i].type == MUS_TYPE_NSEC || a->auth[i].type == MUS_TYPE_NSEC3) &&
		    !parent_verifies(k, &a->auth[i]))
			return unverified(k);
	return MUS_CAUSE_NONE;
}

static void
take_ds(struct tk *k, const struct eng_answer *a)
{
	struct mus_look look = look_at(a, MUS_RR_DS);

	if (look.cause == MUS_CAUSE_NONE && !a->aa)
		look.cause = MUS_CAUSE_NOTAUTH;
	if (look.cause == MUS_CAUSE_NONE)
		look.cause = ds_trust(k, a);
	if (look.cause == MUS_CAUSE_NONE) {
		if (a->set.count == 0) {
			look.flags = MUS_VER_ABSENT;
			for (size_t i = 0; i < a->auth_count; i++)
				if (a->auth[i].type == MUS_TYPE_SOA)
					look.ttl_s = look.serve_ttl_s = a->auth[i].ttl_s;
		} else {
			look.content = mus_rrset_digest(&a->set);
			look.ttl_s = look.serve_ttl_s = a->set.ttl_s;
			ds_masks(k, &a->set, &look);
		}
	}
	give(k, &look);
}

/* Addresses, whatever the order they came in. */
struct addr_sum {
	uint64_t sum;
	uint32_t ttl_s;
	bool any;
};

static void
sum_addr(struct addr_sum *s, const struct mus_rrset *set)
{
	struct mus_rrset one = *set;

	if (set->type != MUS_TYPE_A && set->type != MUS_TYPE_AAAA)
		return;
	one.rclass = MUS_CLASS_IN;
	s->sum += mus_rrset_digest(&one);
	s->any = true;
	if (set->ttl_s > s->ttl_s)
		s->ttl_s = set->ttl_s;
}

/* Does the name ${n} have an address here that is none of the servers of its owner which are asked?  Resolvers are
 * led there too. */
static bool
leads_elsewhere(const struct tk *k, unsigned n, const struct mus_rrset *set)
{
	const struct mus_zone *z = &k->st->zone;
	size_t len = set->type == MUS_TYPE_A ? 4 : 16;

	if (z->ns[n].owner >= z->signer_count || (set->type != MUS_TYPE_A && set->type != MUS_TYPE_AAAA))
		return false;
	for (size_t r = 0; r < set->count; r++) {
		struct mus_addr addr = {.family = len == 4 ? 4 : 6};
		bool asked = set->rd[r].len != len;	/* no address at all: that is not ours to tell */

		if (!asked)
			memcpy(addr.ip, set->rd[r].data, len);
		for (unsigned i = 0; i < z->server_count && !asked; i++)
			asked = z->server[i].origin == z->ns[n].owner && mus_addr_same_ip(&k->st->book.addr[i], &addr);
		if (!asked)
			return true;
	}
	return false;
}

/* The name of this glue, if it leads elsewhere. */
static uint64_t
glue_elsewhere(const struct tk *k, const struct mus_rrset *glue)
{
	char text[MUS_NAME_TEXT_MAX];
	int n = mus_book_find_ns(&k->st->book, &k->st->zone, mus_name_text(&glue->owner, text));

	return n >= 0 && leads_elsewhere(k, (unsigned)n, glue) ? mus_bit((unsigned)n) : 0;
}

static void
take_delegation(struct tk *k, const struct eng_answer *a)
{
	struct mus_look look = look_at(a, MUS_RR_PNS);
	const struct mus_rrset *ns = a->set.count ? &a->set : NULL;
	struct addr_sum glue = {0};
	struct mus_look g = look_at(a, MUS_RR_GLUE);

	for (size_t i = 0; !ns && i < a->auth_count; i++)
		if (a->auth[i].type == MUS_TYPE_NS && mus_name_equal(&a->auth[i].owner, &k->zone))
			ns = &a->auth[i];
	if (look.cause == MUS_CAUSE_NONE && (a->nxdomain || !ns))
		look.cause = MUS_CAUSE_NXDOMAIN;
	if (look.cause == MUS_CAUSE_NONE) {
		look.content = mus_rrset_digest(ns);
		look.ttl_s = look.serve_ttl_s = ns->ttl_s;
		ns_masks(k, ns, &look);
		if (ns == &a->set && a->aa) {
			look.flags |= MUS_VER_CHILD;
			verify(k, ns, &look);
		}
	}
	give(k, &look);
	g.cause = look.cause;
	for (size_t i = 0; i < a->glue_count; i++)
		if (mus_name_in(&a->glue[i].owner, &k->zone)) {
			sum_addr(&glue, &a->glue[i]);
			g.dt[1] |= glue_elsewhere(k, &a->glue[i]);
		}
	g.content = glue.sum;
	g.ttl_s = g.serve_ttl_s = glue.ttl_s;
	g.flags = glue.any ? 0 : MUS_VER_ABSENT;
	give(k, &g);
}

/* Names of all that are to sign, or do: the same for every server, whatever its own NS set lists. */
static uint64_t
names_of_all(const struct mus_zonestate *st)
{
	unsigned in = mus_want_any(&st->want);
	uint64_t names = 0;

	for (unsigned s = 0; s < st->zone.signer_count; s++)
		in |= (unsigned)st->zone.signer[s].is_member << s;
	for (unsigned n = 0; n < st->zone.ns_count; n++)
		if (st->zone.ns[n].owner < st->zone.signer_count && (in >> st->zone.ns[n].owner & 1))
			names |= mus_bit(n);
	return names;
}

/* Addresses of the in-domain names: of those that the server's own NS set lists, as the parent should
 * have them; and of all that may come to be listed, to be compared with the other signers'. */
static void
take_addrs(struct tk *k, unsigned server)
{
	struct mus_look look = {.server = (uint8_t)server, .kind = MUS_RR_ADDR};
	struct addr_sum sum = {0}, all = {0};
	uint64_t listed = 0, of_all = names_of_all(k->st);
	bool asked = false;
	const struct mus_ring *ns =
	    &k->st->seen.signer[k->st->zone.server[server].origin][MUS_RR_NS];

	for (unsigned v = 0; v < ns->count; v++)
		if (ns->v[v].srv >> server & 1)
			listed |= ns->v[v].set;
	for (unsigned i = 0; i < k->t->ans_count; i++) {
		const struct eng_answer *a = &k->t->ans[i];
		struct mus_name name;

		if (a->q != ENG_Q_ADDR || a->server != server)
			continue;
		/* Another name may have the place by now. */
		if (a->ns >= k->st->zone.ns_count ||
		    mus_name_parse(k->st->book.ns[a->ns], &name, NULL) < 0 ||
		    !mus_name_equal(&name, &a->qname))
			continue;
		asked = true;
		if (a->cause != MUS_CAUSE_NONE) {
			look.cause = a->cause;
			continue;
		}
		if (a->set.count && (listed >> a->ns & 1))
			sum_addr(&sum, &a->set);
		if (a->set.count && (of_all >> a->ns & 1)) {
			all.any = false;
			sum_addr(&all, &a->set);
			look.dt[0] |= all.any ? mus_bit(a->ns) : 0;
			look.dt[1] |= leads_elsewhere(k, a->ns, &a->set) ? mus_bit(a->ns) : 0;
		}
	}
	if (!asked)
		return;
	look.content = sum.sum;
	look.aux = all.sum;
	look.ttl_s = look.serve_ttl_s = sum.ttl_s;
	look.flags = sum.any ? 0 : MUS_VER_ABSENT;
	give(k, &look);
}

/* ---- transports ------------------------------------------------------------------------------- */

/* A look at a part of it says too little about the server as such. */
static bool
asked_all(const struct eng_turn *t, unsigned server)
{
	for (unsigned i = 0; i < t->ans_count; i++)
		if (t->ans[i].server == server &&
		    (t->ans[i].q == ENG_Q_SOA || t->ans[i].q == ENG_Q_DS))
			return true;
	return false;
}

static void
take_service(struct tk *k, unsigned server)
{
	enum mus_tri udp = MUS_UNKNOWN, tcp = MUS_UNKNOWN;
	bool aa = true, any = false;

	if (!asked_all(k->t, server))
		return;
	for (unsigned i = 0; i < k->t->ans_count; i++) {
		const struct eng_answer *a = &k->t->ans[i];
		bool silent = a->cause == MUS_CAUSE_TIMEOUT || a->cause == MUS_CAUSE_NET;

		if (a->server != server)
			continue;
		if (a->q == ENG_Q_TCP) {
			if (a->cause != MUS_CAUSE_LOCAL)
				tcp = silent ? MUS_NO : MUS_YES;
		} else if (a->cause != MUS_CAUSE_LOCAL) {
			if (!silent && !a->udp_silent)
				udp = MUS_YES;
			else if (udp == MUS_UNKNOWN)
				udp = MUS_NO;
			any |= !silent;
			aa &= silent || a->cause != MUS_CAUSE_NOTAUTH;
		}
	}
	mus_observe_server(&k->st->seen, server, udp, tcp, aa && any);
}

/* What is served between two copies, or by a server that lags behind the one they are read from, nobody knows. */
static void
take_serial(const struct tk *k, const struct eng_answer *a)
{
	unsigned s = eng_unread_at(k->st, a);

	if (s != MUS_NOBODY)
		k->st->seen.copy[s].unread_at = k->at;
}

static void
take_one(struct tk *k, struct eng_answer *a)
{
	switch (a->q) {
	case ENG_Q_KEY:
		take_set(k, a, MUS_RR_KEY);
		break;
	case ENG_Q_CDS:
		take_set(k, a, MUS_RR_CDS);
		break;
	case ENG_Q_CDNSKEY:
		take_set(k, a, MUS_RR_CDNSKEY);
		break;
	case ENG_Q_CSYNC:
		take_set(k, a, MUS_RR_CSYNC);
		break;
	case ENG_Q_NS:
		take_set(k, a, MUS_RR_NS);
		break;
	case ENG_Q_SOA:
		take_set(k, a, MUS_RR_SOA);
		take_serial(k, a);
		break;
	case ENG_Q_NAME:
		take_sample(k, a);
		break;
	case ENG_Q_DENY:
		take_denial(k, a);
		break;
	case ENG_Q_DS:
		take_ds(k, a);
		break;
	case ENG_Q_PNS:
		take_delegation(k, a);
		break;
	case ENG_Q_WHOSE:
	case ENG_Q_ADDR:
	case ENG_Q_TCP:
	case ENG_Q_COUNT:
		break;
	}
}

/* A server may have another place by now, or none: then its answers say nothing, not even that it is
 * silent. */
static void
find_servers(struct eng_turn *t, const struct mus_zonestate *st)
{
	for (unsigned i = 0; i < t->ans_count; i++) {
		struct eng_answer *a = &t->ans[i];
		int server = mus_book_find_server(&st->book, &st->zone, a->origin, &a->addr);

		if (server < 0)
			a->cause = MUS_CAUSE_LOCAL;
		a->server = server < 0 ? MUS_NOBODY : (uint8_t)server;
	}
}

void
eng_take(struct eng_turn *t, struct mus_zonestate *st, const struct mus_policy *policy)
{
	struct tk k = {.t = t, .st = st, .policy = policy, .at = eng_now(t->e)};
	struct mus_errtext et;
	uint64_t seen = 0;

	if (mus_name_parse(st->book.zone, &k.zone, &et) < 0) {
		eng_say(t->e, LOG_ERR, st->book.zone, "%s", et.s);
		return;
	}
	k.was_bogus = st->seen.parent[0].fail && st->seen.parent[0].fail_cause == MUS_CAUSE_BOGUS;
	find_servers(t, st);
	intern_keys(&k);
	for (unsigned i = 0; i < t->ans_count; i++)
		if (t->ans[i].server != MUS_NOBODY) {
			take_one(&k, &t->ans[i]);
			seen |= mus_bit(t->ans[i].server);
		}
	for (; seen; seen &= seen - 1) {
		unsigned server = (unsigned)__builtin_ctzll(seen);

		take_service(&k, server);
		if (st->zone.server[server].origin != MUS_PARENT)
			take_addrs(&k, server);
	}
}
