/*
 * A parent's judgement (src/core/scan.h): one row a rule that fires, one that just does not, and
 * random delegations against what must hold whatever is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/scan.h"

#define BIT(i) ((uint64_t)1 << (i))

/* Keys: the KSK and ZSK of signers a and b.  DS records and names of a small zone. */
enum { KA, ZA, KB, ZB, KEYS };
enum { DA, DB, DA384, DA1, DX, RECS };		/* DX: an algorithm nobody knows, of no key */
enum { NSA, NSB, NSIN, NSNEW, NAMES };		/* NSIN, NSNEW lie in the zone */
enum { IPA, IPB, IPIN, IPIN6, IPNEW, IPS };

static struct mus_scan_in in;
static struct mus_scan_out out;

static struct mus_scan_set
have(uint64_t set, uint64_t sig)
{
	return (struct mus_scan_set){
	    .is_asked = true, .is_present = true, .set = set, .sig = sig, .inception_s = 1000};
}

static struct mus_scan_set
nodata(void)
{
	return (struct mus_scan_set){.is_asked = true, .is_proved = true, .inception_s = INT64_MIN};
}

static struct mus_scan_set
silent(void)
{
	return (struct mus_scan_set){.is_asked = true, .cause = MUS_CAUSE_TIMEOUT};
}

/* Two servers: 0 of signer a, 1 of signer b; DS and NS of both; nothing is asked for. */
static void
steady(void)
{
	memset(&in, 0, sizeof in);
	in.policy = (struct mus_scan_policy){.ns_min = 1, .ds_max = 4, .digest_types = BIT(2) | BIT(4)};
	in.key_count = KEYS;
	in.ds_count = RECS;
	in.name_count = NAMES;
	in.addr_count = IPS;
	in.server_count = 2;
	for (unsigned k = 0; k < KEYS; k++)
		in.key[k] = (struct mus_scan_key){.tag = (uint16_t)(100 + k), .alg = 13, .is_usable = true,
		    .ds = MUS_SCAN_NOBODY};
	in.key[KA].ds = DA;
	in.key[KB].ds = DB;
	for (unsigned r = 0; r < RECS; r++)
		in.rec[r] = (struct mus_scan_ds){.alg = 13, .digest_type = 2, .alg_supported = true,
		    .digest_supported = true, .keys = BIT(KA)};
	in.rec[DB].keys = BIT(KB);
	in.rec[DA384].digest_type = 4;
	in.rec[DA1].digest_type = 1;
	in.rec[DX] = (struct mus_scan_ds){.alg = 99, .digest_type = 2, .digest_supported = true};
	in.name[NSIN].in_zone = in.name[NSNEW].in_zone = true;
	in.name[NSIN].glue[MUS_SCAN_A] = BIT(IPIN);
	in.ds = BIT(DA) | BIT(DB);
	in.ns = BIT(NSA) | BIT(NSB);
	for (unsigned i = 0; i < 2; i++) {
		struct mus_scan_server *s = &in.server[i];
		uint64_t ksk = BIT(i ? KB : KA), zsk = BIT(i ? ZB : ZA);

		s->name = (uint8_t)(i ? NSB : NSA);
		s->addr = (uint8_t)(i ? IPB : IPA);
		s->key = have(ksk | BIT(ZA) | BIT(ZB), ksk);
		s->cds = have(in.ds, ksk);
		s->cdnskey = have(BIT(KA) | BIT(KB), ksk);
		s->csync = nodata();
		s->ns = have(in.ns, zsk);
		s->soa = s->soa2 = have(0, zsk);
		s->serial = s->serial2 = 10 + i;
	}
}

static void
cds(unsigned i, uint64_t ds, uint64_t keys)
{
	in.server[i].cds.set = ds;
	in.server[i].cdnskey.set = keys;
}

/* Signer b is to leave: both ask for DS of a alone.  The servers are those of a by then. */
static void
drop_b(void)
{
	steady();
	in.server[1].key = in.server[0].key;
	in.server[1].cds = in.server[0].cds;
	in.server[1].cdnskey = in.server[0].cdnskey;
	for (unsigned i = 0; i < 2; i++)
		cds(i, BIT(DA), BIT(KA));
}

static void
both_cds(void (*change)(struct mus_scan_server *s))
{
	for (unsigned i = 0; i < 2; i++)
		change(&in.server[i]);
}

static void
deleting(struct mus_scan_server *s)
{
	s->cds.set = s->cdnskey.set = 0;
	s->cds.deletes = s->cdnskey.deletes = 1;
}

static void
only_cdnskey(struct mus_scan_server *s)
{
	s->cds = nodata();
}

static void
only_cds(struct mus_scan_server *s)
{
	s->cdnskey = nodata();
}

static void
zsk_signs(struct mus_scan_server *s)
{
	s->cds.sig = s->cdnskey.sig = BIT(ZA);
}

static void
unsigned_cds(struct mus_scan_server *s)
{
	s->cds.sig = 0;
}

/* This address acted upon, signed by this key: CDS and CDNSKEY of second 1000, serials 10 and 5. */
static struct mus_scan_past *
past(unsigned addr, unsigned key)
{
	struct mus_scan_past *p = &in.past[in.past_count++];

	*p = (struct mus_scan_past){.addr = (uint8_t)addr, .key = (uint8_t)key,
	    .has = (1 << MUS_SCAN_MARKS) - 1, .mark = {1000, 1000, 10, 5}};
	return p;
}

/* Signer b stays too, and its server shows the same request signed by b's key. */
static void
by_b(int64_t inception_s)
{
	struct mus_scan_server *s = &in.server[1];

	s->key = have(BIT(KB) | BIT(ZA) | BIT(ZB), BIT(KB));
	s->cds.sig = s->cdnskey.sig = BIT(KB);
	s->cds.inception_s = s->cdnskey.inception_s = inception_s;
}

/* ---- rows --------------------------------------------------------------------------------------- */

struct row {
	const char *name;
	void (*make)(void);
	enum mus_scan_kind kind;
	enum mus_scan_rule rule;
	int server;			/* guilty; -1: nobody */
	uint64_t set;			/* CHANGE: the new DS, or NS */
};

#define QUIET(rule) MUS_SCAN_QUIET, MUS_SCAN_RULE_##rule, -1, 0
#define HOLD(rule, server) MUS_SCAN_HOLD, MUS_SCAN_RULE_##rule, server, 0
#define CHANGE(set) MUS_SCAN_CHANGE, MUS_SCAN_RULE_NONE, -1, set
#define ROW(n) static void n(void)
ROW(nothing) { steady(); }
ROW(absent) { steady(); both_cds(only_cdnskey); both_cds(only_cds); }
ROW(absent_everywhere)
{
	absent();
	for (int i = 0; i < 2; i++)
		in.server[i].cds = in.server[i].cdnskey = nodata();
}
ROW(quiet_though_unsigned) { steady(); both_cds(unsigned_cds); }
ROW(follows) { drop_b(); }
ROW(no_ds) { drop_b(); in.ds = 0; }
ROW(no_server) { drop_b(); in.server_count = 0; }
ROW(cut) { drop_b(); in.is_cut = true; }
ROW(one_silent) { drop_b(); in.server[1].cds = silent(); }
ROW(one_never_asked) { drop_b(); in.server[1].cds = (struct mus_scan_set){0}; }
ROW(keys_refused)
{
	drop_b();
	in.server[1].key = (struct mus_scan_set){.is_asked = true, .cause = MUS_CAUSE_REFUSED};
}
ROW(cdnskey_servfail)
{
	drop_b();
	in.server[0].cdnskey = (struct mus_scan_set){.is_asked = true, .cause = MUS_CAUSE_SERVFAIL};
}
ROW(quiet_but_silent) { steady(); in.server[1].cds = silent(); }
ROW(one_absent) { drop_b(); in.server[1].cds = in.server[1].cdnskey = nodata(); }
ROW(one_status_quo) { drop_b(); cds(1, BIT(DA) | BIT(DB), BIT(KA) | BIT(KB)); }
ROW(one_other_key) { drop_b(); cds(1, BIT(DB), BIT(KB)); }
ROW(digests_differ) { drop_b(); in.server[1].cds.set = BIT(DA384); }
ROW(one_without_cdnskey) { drop_b(); in.server[1].cdnskey = nodata(); }
ROW(one_deletes) { drop_b(); in.policy.allow_delete = true; deleting(&in.server[1]); }
ROW(delete_and_nodata)
{
	drop_b();
	in.policy.allow_delete = true;
	deleting(&in.server[0]);
	in.server[1].cds = in.server[1].cdnskey = nodata();
}
ROW(bogus_keys) { drop_b(); in.server[1].key.sig = 0; }
ROW(keys_signed_by_zsk) { drop_b(); in.server[1].key.sig = BIT(ZA); }
ROW(keys_without_ds) { drop_b(); in.ds = BIT(DB); }
ROW(keys_revoked) { drop_b(); in.key[KA].is_usable = false; }
ROW(no_keys) { drop_b(); in.server[1].key = nodata(); }
ROW(cds_unsigned) { drop_b(); unsigned_cds(&in.server[1]); }
ROW(cdnskey_unsigned) { drop_b(); in.server[1].cdnskey.sig = 0; }
ROW(cds_signed_by_absent_key) { drop_b(); in.server[1].cds.sig = BIT(KB); }
ROW(cds_by_zsk) { drop_b(); both_cds(zsk_signs); }
ROW(cds_alone_by_zsk) { drop_b(); in.server[1].cds.sig = BIT(ZA); }
ROW(cdnskey_by_zsk) { drop_b(); in.server[1].cdnskey.sig = BIT(ZA); }
ROW(cds_not_cdnskey)
{
	drop_b();
	for (unsigned i = 0; i < 2; i++)
		cds(i, BIT(DA), BIT(KA) | BIT(KB));
}
ROW(cdnskey_not_cds)
{
	drop_b();
	for (unsigned i = 0; i < 2; i++)
		cds(i, BIT(DA) | BIT(DB) | BIT(DA384), BIT(KA));
}
ROW(unknown_digest_beside)
{
	drop_b();
	in.rec[DA384] = (struct mus_scan_ds){.alg = 13, .digest_type = 4, .alg_supported = true};
	for (unsigned i = 0; i < 2; i++)
		cds(i, BIT(DA) | BIT(DA384), BIT(KA));
}
ROW(cds_alone) { drop_b(); both_cds(only_cds); }
ROW(cdnskey_alone) { drop_b(); both_cds(only_cdnskey); }
ROW(cdnskey_without_digest) { cdnskey_alone(); in.key[KA].ds = MUS_SCAN_NOBODY; }
ROW(cdnskey_alone_quiet) { steady(); both_cds(only_cdnskey); }
ROW(delete_forbidden) { drop_b(); both_cds(deleting); }
ROW(delete_allowed) { drop_b(); in.policy.allow_delete = true; both_cds(deleting); }
ROW(delete_in_cds_only)
{
	delete_allowed();
	for (unsigned i = 0; i < 2; i++) {
		in.server[i].cdnskey.deletes = 0;
		in.server[i].cdnskey.set = BIT(KA);
	}
}
ROW(delete_by_zsk) { delete_allowed(); both_cds(zsk_signs); }
ROW(delete_mixed)
{
	delete_allowed();
	for (unsigned i = 0; i < 2; i++)
		in.server[i].cds.set = BIT(DA);
}
ROW(delete_twice)
{
	delete_allowed();
	for (unsigned i = 0; i < 2; i++)
		in.server[i].cds.deletes = 2;
}
ROW(delete_twice_in_cdnskey)
{
	delete_allowed();
	for (unsigned i = 0; i < 2; i++)
		in.server[i].cdnskey.deletes = 2;
}
ROW(delete_in_cds_alone) { delete_allowed(); both_cds(only_cds); }
ROW(odd_record) { drop_b(); in.server[1].cds.odd = 1; }
ROW(sha1) { drop_b(); for (unsigned i = 0; i < 2; i++) cds(i, BIT(DA) | BIT(DA1), BIT(KA)); }
ROW(sha1_allowed) { sha1(); in.policy.digest_types |= BIT(1); }
ROW(unknown_alg)
{
	drop_b();
	for (unsigned i = 0; i < 2; i++) {
		cds(i, BIT(DA) | BIT(DX), 0);
		only_cds(&in.server[i]);
	}
}
ROW(as_many)
{
	drop_b();
	in.policy.ds_max = 2;
	for (unsigned i = 0; i < 2; i++)
		cds(i, BIT(DA) | BIT(DA384), BIT(KA));
}
ROW(one_too_many) { as_many(); in.policy.ds_max = 1; }
ROW(no_limit) { as_many(); in.policy.ds_max = 0; }
ROW(digest_without_bit) { drop_b(); in.rec[DA].digest_type = 64; in.policy.digest_types = ~UINT64_C(0); }
ROW(fresh) { drop_b(); past(IPA, KA); past(IPB, KA); }
ROW(older) { fresh(); in.server[1].cds.inception_s = 999; }
ROW(older_cdnskey) { fresh(); in.server[0].cdnskey.inception_s = 999; }
/* A third DS record comes; server 1 is a secondary, pointed from a to b. */
ROW(repointed)
{
	steady();
	for (unsigned i = 0; i < 2; i++) {
		cds(i, BIT(DA) | BIT(DB) | BIT(DA384), BIT(KA) | BIT(KB));
		past(i ? IPB : IPA, KA);
	}
	by_b(1);
}
ROW(repointed_back) { repointed(); past(IPB, KB)->mark[MUS_SCAN_MARK_CDS] = 1; in.server[1].cdnskey.inception_s = 1000; }
ROW(repointed_back_older) { repointed_back(); in.server[1].cds.inception_s = 0; }
ROW(elsewhere)			/* b's key was acted upon at two other addresses, one of which is gone */
{
	repointed();
	past(IPIN, KB)->mark[MUS_SCAN_MARK_CDS] = 700;
	past(MUS_SCAN_NOBODY, KB)->mark[MUS_SCAN_MARK_CDNSKEY] = 800;
	in.server[1].cds.inception_s = 700;
	in.server[1].cdnskey.inception_s = 800;
}
ROW(elsewhere_older) { elsewhere(); in.server[1].cds.inception_s = 699; }
ROW(elsewhere_older_cdnskey) { elsewhere(); in.server[1].cdnskey.inception_s = 799; }
ROW(elsewhere_other_mark)
{
	elsewhere_older();
	in.past[2].has &= (uint8_t)~BIT(MUS_SCAN_MARK_CDS);
	in.past[3].has = 0;
	in.server[1].cdnskey.inception_s = 1000;
}
ROW(own_before_elsewhere) { elsewhere(); past(IPB, KB); }
ROW(two_signed) { drop_b(); past(IPA, KA); past(IPB, ZA); in.server[1].cds.sig |= BIT(ZA); in.server[0].cds.inception_s = 1000; }
ROW(two_signed_older) { two_signed(); in.server[1].cds.inception_s = 999; in.past[0].mark[MUS_SCAN_MARK_CDS] = 1; }
ROW(breaks_b) { steady(); for (unsigned i = 0; i < 2; i++) cds(i, BIT(DA), BIT(KA)); }
ROW(breaks_by_digest)
{
	drop_b();
	in.rec[DA].digest_supported = false;
	in.ds = BIT(DA384) | BIT(DB);
	both_cds(only_cds);
}
ROW(adds_b)
{
	steady();
	in.ds = BIT(DA);
	in.server[1].key = in.server[0].key;
	in.server[1].cds.sig = in.server[1].cdnskey.sig = BIT(KA);
}

static const struct row ds_rows[] = {
    {"status quo", nothing, QUIET(INSYNC)},
    {"CDS and CDNSKEY absent", absent_everywhere, QUIET(ABSENT)},
    {"status quo needs no signature", quiet_though_unsigned, QUIET(INSYNC)},
    {"one signer goes", follows, CHANGE(BIT(DA))},
    {"one signer comes", adds_b, CHANGE(BIT(DA) | BIT(DB))},
    {"no DS at the parent", no_ds, HOLD(NODS, -1)},
    {"no server", no_server, HOLD(NOSERVER, -1)},
    {"tables too small", cut, HOLD(TOOMANY, -1)},
    {"a time-out is not absence", one_silent, HOLD(REACH, 1)},
    {"not asked is not absence", one_never_asked, HOLD(REACH, 1)},
    {"DNSKEY refused", keys_refused, HOLD(REACH, 1)},
    {"CDNSKEY SERVFAIL", cdnskey_servfail, HOLD(REACH, 0)},
    {"nothing asked, one silent", quiet_but_silent, HOLD(REACH, 1)},
    {"one has none", one_absent, HOLD(CONSISTENCY, 0)},
    {"one has the status quo", one_status_quo, HOLD(CONSISTENCY, 0)},
    {"one names another key", one_other_key, HOLD(CONSISTENCY, 0)},
    {"digest types differ", digests_differ, HOLD(CONSISTENCY, 0)},
    {"one has no CDNSKEY", one_without_cdnskey, HOLD(CONSISTENCY, 0)},
    {"one deletes", one_deletes, HOLD(CONSISTENCY, 0)},
    {"one deletes, one has none", delete_and_nodata, HOLD(CONSISTENCY, 0)},
    {"DNSKEY not signed", bogus_keys, HOLD(BOGUS, 1)},
    {"DNSKEY signed by a key without DS", keys_signed_by_zsk, HOLD(BOGUS, 1)},
    {"DS names no key there", keys_without_ds, HOLD(BOGUS, 0)},
    {"the key is revoked", keys_revoked, HOLD(BOGUS, 0)},
    {"no DNSKEY set", no_keys, HOLD(BOGUS, 1)},
    {"CDS not signed", cds_unsigned, HOLD(BOGUS, 1)},
    {"CDNSKEY not signed", cdnskey_unsigned, HOLD(BOGUS, 1)},
    {"CDS signed by a key of another server", cds_signed_by_absent_key, HOLD(BOGUS, 1)},
    {"CDS signed by the ZSK only", cds_by_zsk, HOLD(SIGNER, 0)},
    {"one CDS signed by the ZSK only", cds_alone_by_zsk, HOLD(SIGNER, 1)},
    {"CDNSKEY signed by the ZSK only", cdnskey_by_zsk, HOLD(SIGNER, 1)},
    {"CDNSKEY has more", cds_not_cdnskey, HOLD(BOTH, 0)},
    {"CDS has more", cdnskey_not_cds, HOLD(BOTH, 0)},
    {"an unknown digest needs no CDNSKEY", unknown_digest_beside, CHANGE(BIT(DA) | BIT(DA384))},
    {"CDS alone", cds_alone, CHANGE(BIT(DA))},
    {"CDNSKEY alone", cdnskey_alone, CHANGE(BIT(DA))},
    {"CDNSKEY of which no DS is made", cdnskey_without_digest, HOLD(ALGORITHM, 0)},
    {"CDNSKEY alone, status quo", cdnskey_alone_quiet, QUIET(INSYNC)},
    {"delete, forbidden", delete_forbidden, HOLD(DELETE, 0)},
    {"delete, allowed", delete_allowed, CHANGE(0)},
    {"delete in CDS, a key in CDNSKEY", delete_in_cds_only, HOLD(BOTH, 0)},
    {"delete signed by the ZSK", delete_by_zsk, HOLD(SIGNER, 0)},
    {"delete beside a key", delete_mixed, HOLD(MALFORMED, 0)},
    {"two delete records", delete_twice, HOLD(MALFORMED, 0)},
    {"two delete records in CDNSKEY", delete_twice_in_cdnskey, HOLD(MALFORMED, 0)},
    {"delete, no CDNSKEY", delete_in_cds_alone, CHANGE(0)},
    {"a record not of the form", odd_record, HOLD(MALFORMED, 1)},
    {"SHA-1", sha1, HOLD(DIGEST, 0)},
    {"SHA-1 where it is allowed", sha1_allowed, CHANGE(BIT(DA) | BIT(DA1))},
    {"unknown algorithm", unknown_alg, HOLD(ALGORITHM, 0)},
    {"as many as allowed", as_many, CHANGE(BIT(DA) | BIT(DA384))},
    {"one more than allowed", one_too_many, HOLD(MANYDS, 0)},
    {"as many as one likes", no_limit, CHANGE(BIT(DA) | BIT(DA384))},
    {"a digest type that no policy can name", digest_without_bit, HOLD(DIGEST, 0)},
    {"equal inception is not older", fresh, CHANGE(BIT(DA))},
    {"CDS one second older", older, HOLD(FRESHNESS, 1)},
    {"CDNSKEY one second older", older_cdnskey, HOLD(FRESHNESS, 0)},
    {"older, of a key never seen", repointed, CHANGE(BIT(DA) | BIT(DB) | BIT(DA384))},
    {"as old as its own of this key", repointed_back, CHANGE(BIT(DA) | BIT(DB) | BIT(DA384))},
    {"older than its own of this key", repointed_back_older, HOLD(FRESHNESS, 1)},
    {"as old as the oldest of its key", elsewhere, CHANGE(BIT(DA) | BIT(DB) | BIT(DA384))},
    {"CDS older than all of its key", elsewhere_older, HOLD(FRESHNESS, 1)},
    {"CDNSKEY older than all of its key", elsewhere_older_cdnskey, HOLD(FRESHNESS, 1)},
    {"its key signed other things only", elsewhere_other_mark, CHANGE(BIT(DA) | BIT(DB) | BIT(DA384))},
    {"its own counts before others'", own_before_elsewhere, HOLD(FRESHNESS, 1)},
    {"two keys signed, neither older", two_signed, CHANGE(BIT(DA))},
    {"older by one of two keys", two_signed_older, HOLD(FRESHNESS, 1)},
    {"would break the other signer", breaks_b, HOLD(CONTINUITY, 1)},
    {"the one path has a digest we cannot check", breaks_by_digest, HOLD(CONTINUITY, 0)},
};

/* ---- CSYNC -------------------------------------------------------------------------------------- */

static void
csync(uint8_t types, uint16_t flags)
{
	for (unsigned i = 0; i < 2; i++) {
		struct mus_scan_server *s = &in.server[i];

		s->csync = have(0, BIT(i ? ZB : ZA));
		s->csync_types = types;
		s->csync_flags = flags;
		s->csync_serial = 5;
		for (unsigned n = 0; n < NAMES; n++)
			for (unsigned f = 0; f < MUS_SCAN_FAMILIES; f++)
				s->at[n][f] = nodata();
	}
}

static void
ns(uint64_t set)
{
	for (unsigned i = 0; i < 2; i++)
		in.server[i].ns.set = set;
}

static void
addrs(unsigned name, unsigned family, uint64_t set)
{
	for (unsigned i = 0; i < 2; i++)
		in.server[i].at[name][family] = have(set, BIT(i ? ZB : ZA));
}

/* The newcomer at NSNEW was looked at and is good. */
static void
good_fresh(void)
{
	in.looked = in.resolved = BIT(NSNEW);
	in.fresh_count = 1;
	in.fresh[0] = (struct mus_scan_fresh){.name = NSNEW, .udp = have(0, 0), .tcp = have(0, 0),
	    .key = have(BIT(KB) | BIT(ZA) | BIT(ZB), BIT(KB))};
}

ROW(c_drop) { steady(); csync(MUS_SCAN_BIT_NS, 1); ns(BIT(NSA)); }
ROW(c_none) { steady(); ns(BIT(NSA)); }
ROW(c_insync) { steady(); csync(MUS_SCAN_BIT_NS, 1); }
ROW(c_one_absent) { c_drop(); in.server[1].csync = nodata(); }
ROW(c_silent) { c_drop(); in.server[1].csync = silent(); }
ROW(c_no_ds) { c_drop(); in.ds = 0; }
ROW(c_unsigned) { c_drop(); in.server[1].csync.sig = 0; }
ROW(c_no_chain) { c_drop(); in.server[0].key.sig = 0; }
ROW(c_two) { c_drop(); in.server[1].csync.odd = 1; }
ROW(c_bitmaps) { c_drop(); in.server[1].csync_types |= MUS_SCAN_BIT_A; }
ROW(c_immediate_differs) { c_drop(); in.server[1].csync_flags = 0; }
ROW(c_soamin_differs) { c_drop(); in.server[1].csync_flags |= MUS_SCAN_SOAMINIMUM; }
ROW(c_flag) { c_drop(); in.server[1].csync_flags |= 4; }
ROW(c_type)
{
	c_drop();
	for (int i = 0; i < 2; i++)
		in.server[i].csync_types |= MUS_SCAN_BIT_OTHER;
}
ROW(c_approval) { c_drop(); csync(MUS_SCAN_BIT_NS, 0); }
ROW(c_approval_policy) { c_drop(); in.policy.need_approval = true; }
ROW(c_moving) { c_drop(); in.server[1].serial2++; }
ROW(c_no_soa2) { c_drop(); in.server[1].soa2 = silent(); }
ROW(c_soa_unsigned) { c_drop(); in.server[1].soa.sig = 0; }
ROW(c_soa_absent) { c_drop(); in.server[1].soa = nodata(); }
ROW(c_soamin) { c_drop(); in.server[0].csync_flags |= 2; in.server[0].csync_serial = 10; }
ROW(c_soamin_short) { c_soamin(); in.server[0].csync_serial = 11; }
ROW(c_soamin_wraps)
{
	c_soamin();
	in.server[0].csync_serial = 3;
	in.server[0].serial = in.server[0].serial2 = UINT32_MAX;
}
ROW(c_past) { c_drop(); past(IPA, ZA); past(IPB, ZB)->mark[MUS_SCAN_MARK_SOA] = 11; }
ROW(c_replay_soa) { c_past(); in.past[1].mark[MUS_SCAN_MARK_SOA] = 12; }
ROW(c_replay_csync) { c_past(); in.past[0].mark[MUS_SCAN_MARK_CSYNC] = 6; }
ROW(c_replay_wraps)
{
	c_past();
	in.past[0].mark[MUS_SCAN_MARK_CSYNC] = UINT32_MAX;
	in.past[1].mark[MUS_SCAN_MARK_SOA] = UINT32_MAX;
}
ROW(c_repointed) { c_replay_soa(); in.past[1].key = ZA; in.past[1].mark[MUS_SCAN_MARK_CSYNC] = 6; }
ROW(c_repointed_replay) { c_repointed(); past(MUS_SCAN_NOBODY, ZB)->mark[MUS_SCAN_MARK_SOA] = 12; }
ROW(c_ns_differ) { c_drop(); in.server[1].ns.set = BIT(NSB); }
ROW(c_ns_empty) { c_drop(); in.server[1].ns = nodata(); }
ROW(c_ns_silent) { c_drop(); in.server[1].ns = silent(); }
ROW(c_ns_unsigned) { c_drop(); in.server[1].ns.sig = 0; }
ROW(c_ns_root)
{
	c_drop();
	for (int i = 0; i < 2; i++) {
		in.server[i].ns.set = 0;
		in.server[i].ns.odd = 1;
	}
}
ROW(c_few) { c_drop(); in.policy.ns_min = 2; }
ROW(c_no_least) { c_drop(); in.policy.ns_min = 0; }
ROW(c_enough) { steady(); in.policy.ns_min = 2; in.ns |= BIT(NSIN); csync(MUS_SCAN_BIT_NS, 1); }
ROW(c_new)
{
	steady();
	csync(MUS_SCAN_BIT_NS | MUS_SCAN_BIT_A, 1);
	ns(in.ns | BIT(NSNEW));
	addrs(NSNEW, MUS_SCAN_A, BIT(IPNEW));
}
ROW(c_new_good) { c_new(); good_fresh(); }
ROW(c_new_known_addr) { c_new(); addrs(NSNEW, MUS_SCAN_A, BIT(IPB)); }
ROW(c_new_unknown_addr) { c_new_known_addr(); in.server[1].addr = MUS_SCAN_NOBODY; }
ROW(c_new_udp) { c_new_good(); in.fresh[0].udp = silent(); }
ROW(c_new_tcp) { c_new_good(); in.fresh[0].tcp = silent(); }
ROW(c_new_lame) { c_new_good(); in.fresh[0].udp.cause = MUS_CAUSE_NOTAUTH; }
ROW(c_new_empty_udp) { c_new_good(); in.fresh[0].udp = nodata(); }
ROW(c_new_empty) { c_new_good(); in.fresh[0].tcp.is_present = false; }
ROW(c_new_chain)
{
	c_new_good();
	in.ds = BIT(DA);
	in.server[1].key = in.server[0].key;
	in.server[1].csync.sig = BIT(ZA);
}
ROW(c_new_nokeys) { c_new_good(); in.fresh[0].key = silent(); }
ROW(c_new_unresolved) { c_new_good(); in.resolved = 0; }
ROW(c_new_noaddr)
{
	c_new();
	for (int i = 0; i < 2; i++)
		in.server[i].at[NSNEW][MUS_SCAN_A] = nodata();
}
ROW(c_new_nobits)
{
	c_new();
	for (int i = 0; i < 2; i++)
		in.server[i].csync_types = MUS_SCAN_BIT_NS;
}
ROW(c_addr_differ) { c_new_good(); in.server[1].at[NSNEW][MUS_SCAN_A].set = BIT(IPIN); }
ROW(c_addr_unsigned) { c_new_good(); in.server[1].at[NSNEW][MUS_SCAN_A].sig = 0; }
ROW(c_addr_silent) { c_new_good(); in.server[0].at[NSNEW][MUS_SCAN_A] = silent(); }
ROW(c_addr_unproved)
{
	c_new_good();
	for (int i = 0; i < 2; i++) {
		in.server[i].csync_types |= MUS_SCAN_BIT_AAAA;
		in.server[i].at[NSNEW][MUS_SCAN_AAAA].is_proved = false;
	}
}
ROW(c_glue_moves)
{
	steady();
	in.ns |= BIT(NSIN);
	csync(MUS_SCAN_BIT_A, 1);
	addrs(NSIN, MUS_SCAN_A, BIT(IPNEW));
}
ROW(c_glue_moved) { c_glue_moves(); good_fresh(); in.looked = in.resolved = BIT(NSIN); in.fresh[0].name = NSIN; }
ROW(c_glue_gone) { steady(); in.ns |= BIT(NSIN); csync(MUS_SCAN_BIT_A, 1); }
ROW(c_glue_stays) { steady(); in.ns |= BIT(NSIN); csync(MUS_SCAN_BIT_AAAA, 1); }
ROW(c_glue_leaves) { steady(); in.ns |= BIT(NSIN); csync(MUS_SCAN_BIT_NS | MUS_SCAN_BIT_A, 1); }
ROW(c_glue_leaves_address) { c_glue_leaves(); addrs(NSIN, MUS_SCAN_A, BIT(IPIN)); }
ROW(c_other_bad)
{
	c_new_good();
	in.fresh_count = 2;
	in.fresh[1] = (struct mus_scan_fresh){.name = NSA};
}

static const struct row csync_rows[] = {
    {"none", c_none, QUIET(ABSENT)},
    {"the parent has it already", c_insync, QUIET(INSYNC)},
    {"a name goes", c_drop, CHANGE(BIT(NSA))},
    {"one has none", c_one_absent, HOLD(CONSISTENCY, 0)},
    {"a time-out is not absence", c_silent, HOLD(REACH, 1)},
    {"no DS", c_no_ds, HOLD(NODS, -1)},
    {"not signed", c_unsigned, HOLD(BOGUS, 1)},
    {"no chain", c_no_chain, HOLD(BOGUS, 0)},
    {"two CSYNC records", c_two, HOLD(MALFORMED, 1)},
    {"bitmaps differ", c_bitmaps, HOLD(CONSISTENCY, 0)},
    {"immediate differs", c_immediate_differs, HOLD(CONSISTENCY, 0)},
    {"soaminimum may differ", c_soamin_differs, CHANGE(BIT(NSA))},
    {"unknown flag", c_flag, HOLD(FLAGS, 1)},
    {"unknown type", c_type, HOLD(TYPES, 0)},
    {"not immediate", c_approval, HOLD(APPROVAL, 0)},
    {"approval by policy", c_approval_policy, HOLD(APPROVAL, 0)},
    {"the serial moves", c_moving, HOLD(MOVING, 1)},
    {"no last SOA", c_no_soa2, HOLD(REACH, 1)},
    {"SOA not signed", c_soa_unsigned, HOLD(BOGUS, 1)},
    {"no SOA", c_soa_absent, HOLD(BOGUS, 1)},
    {"soaminimum reached", c_soamin, CHANGE(BIT(NSA))},
    {"soaminimum one short", c_soamin_short, HOLD(SOAMINIMUM, 0)},
    {"soaminimum, serials wrap", c_soamin_wraps, HOLD(SOAMINIMUM, 0)},
    {"the same serials again", c_past, CHANGE(BIT(NSA))},
    {"SOA serial went back", c_replay_soa, HOLD(REPLAY, 1)},
    {"CSYNC serial went back", c_replay_csync, HOLD(REPLAY, 0)},
    {"serials have wrapped", c_replay_wraps, CHANGE(BIT(NSA))},
    {"lower serials, of another key", c_repointed, CHANGE(BIT(NSA))},
    {"a serial lower than all of its key", c_repointed_replay, HOLD(REPLAY, 1)},
    {"NS differ", c_ns_differ, HOLD(CONSISTENCY, 0)},
    {"NS empty", c_ns_empty, HOLD(NSEMPTY, 1)},
    {"NS silent", c_ns_silent, HOLD(REACH, 1)},
    {"NS not signed", c_ns_unsigned, HOLD(BOGUS, 1)},
    {"NS is the root", c_ns_root, HOLD(MALFORMED, 0)},
    {"too few names", c_few, HOLD(NSFEW, 0)},
    {"one name when no least number is set", c_no_least, CHANGE(BIT(NSA))},
    {"just enough names", c_enough, CHANGE(BIT(NSA) | BIT(NSB))},
    {"a newcomer is looked at first", c_new, MUS_SCAN_MORE, MUS_SCAN_RULE_NONE, -1, 0},
    {"a good newcomer", c_new_good, CHANGE(BIT(NSA) | BIT(NSB) | BIT(NSNEW))},
    {"a new name of a known server", c_new_known_addr, CHANGE(BIT(NSA) | BIT(NSB) | BIT(NSNEW))},
    {"a new name of a server whose address has no place", c_new_unknown_addr, MUS_SCAN_MORE, MUS_SCAN_RULE_NONE, -1, 0},
    {"newcomer silent by UDP", c_new_udp, HOLD(NEWAA, -1)},
    {"newcomer silent by TCP", c_new_tcp, HOLD(NEWAA, -1)},
    {"newcomer lame", c_new_lame, HOLD(NEWAA, -1)},
    {"newcomer without SOA by UDP", c_new_empty_udp, HOLD(NEWAA, -1)},
    {"newcomer without SOA", c_new_empty, HOLD(NEWAA, -1)},
    {"newcomer's keys without DS", c_new_chain, HOLD(NEWCHAIN, -1)},
    {"newcomer without keys", c_new_nokeys, HOLD(NEWCHAIN, -1)},
    {"newcomer without address", c_new_unresolved, HOLD(NEWNS, -1)},
    {"no glue for it", c_new_noaddr, HOLD(NOADDR, -1)},
    {"glue not asked for", c_new_nobits, HOLD(NOADDR, -1)},
    {"addresses differ", c_addr_differ, HOLD(CONSISTENCY, 0)},
    {"address not signed", c_addr_unsigned, HOLD(BOGUS, 1)},
    {"address silent", c_addr_silent, HOLD(REACH, 0)},
    {"no address, not proved", c_addr_unproved, HOLD(BOGUS, 0)},
    {"glue moves: looked at first", c_glue_moves, MUS_SCAN_MORE, MUS_SCAN_RULE_NONE, -1, 0},
    {"glue moves", c_glue_moved, CHANGE(BIT(NSA) | BIT(NSB) | BIT(NSIN))},
    {"all glue would go", c_glue_gone, HOLD(NOADDR, -1)},
    {"a type whose bit is clear stays", c_glue_stays, QUIET(INSYNC)},
    {"nobody else is a newcomer", c_other_bad, CHANGE(BIT(NSA) | BIT(NSB) | BIT(NSNEW))},
    {"glue leaves though the zone still has it", c_glue_leaves_address, CHANGE(BIT(NSA) | BIT(NSB))},
    {"glue leaves with its name", c_glue_leaves, CHANGE(BIT(NSA) | BIT(NSB))},
};

static void
compare(const struct row *r, const struct mus_scan_finding *f, uint64_t set)
{
	int server = f->server == MUS_SCAN_NOBODY ? -1 : f->server;

	if (f->kind != r->kind || f->rule != r->rule || server != r->server ||
	    (r->kind == MUS_SCAN_CHANGE && set != r->set))
		fail_msg("%s: %s by %s at server %d, set %llx; not %s by %s at %d, %llx", r->name,
		    mus_scan_kind_text(f->kind), mus_scan_rule_word(f->rule), server,
		    (unsigned long long)set, mus_scan_kind_text(r->kind), mus_scan_rule_word(r->rule),
		    r->server, (unsigned long long)r->set);
}

static void
judge(void)
{
	struct mus_scan_in before = in;
	struct mus_scan_out again;

	mus_scan_judge(&in, &out);
	mus_scan_judge(&in, &again);
	assert_memory_equal(&in, &before, sizeof in);
	assert_memory_equal(&out, &again, sizeof out);
}

static void
test_ds_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ds_rows / sizeof ds_rows[0]; i++) {
		ds_rows[i].make();
		judge();
		compare(&ds_rows[i], &out.ds, out.new_ds);
	}
}

static void
test_csync_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof csync_rows / sizeof csync_rows[0]; i++) {
		csync_rows[i].make();
		judge();
		compare(&csync_rows[i], &out.csync, out.new_ns);
	}
}

/* Each rule has a row above in which it is the one that ends the judgement. */
static void
test_every_rule_fires(void **state)
{
	bool fired[MUS_SCAN_RULE_COUNT] = {false};

	(void)state;
	for (size_t i = 0; i < sizeof ds_rows / sizeof ds_rows[0]; i++)
		fired[ds_rows[i].rule] = true;
	for (size_t i = 0; i < sizeof csync_rows / sizeof csync_rows[0]; i++)
		fired[csync_rows[i].rule] = true;
	for (unsigned r = 0; r < MUS_SCAN_RULE_COUNT; r++)
		if (!fired[r])
			fail_msg("no row for %s", mus_scan_rule_word((enum mus_scan_rule)r));
}

/* Reports name every value, and no two alike; what is none of them is "?". */
static void
test_words(void **state)
{
	static const char *const kinds[] = {"unchanged", "held", "asking", "change"};

	(void)state;
	for (unsigned r = 0; r <= MUS_SCAN_RULE_COUNT; r++) {
		const char *word = mus_scan_rule_word((enum mus_scan_rule)r);

		assert_int_equal(strcmp(word, "?") == 0, r == MUS_SCAN_RULE_COUNT);
		assert_int_equal(strcmp(mus_scan_rule_text((enum mus_scan_rule)r), "?") == 0,
		    r == MUS_SCAN_RULE_COUNT);
		for (unsigned o = 0; o < r; o++)
			assert_string_not_equal(word, mus_scan_rule_word((enum mus_scan_rule)o));
	}
	for (unsigned w = 0; w <= MUS_SCAN_WHAT_COUNT; w++)
		assert_int_equal(strcmp(mus_scan_what_text((enum mus_scan_what)w), "?") == 0,
		    w == MUS_SCAN_WHAT_COUNT);
	for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
		assert_string_equal(mus_scan_kind_text((enum mus_scan_kind)k), kinds[k]);
	assert_string_equal(mus_scan_kind_text((enum mus_scan_kind)(MUS_SCAN_CHANGE + 1)), "?");
}

static void
test_glue_sets(void **state)
{
	(void)state;
	c_new_good();
	judge();
	assert_int_equal(out.new_glue[NSNEW][MUS_SCAN_A], BIT(IPNEW));
	assert_int_equal(out.ask, BIT(NSNEW));
	c_glue_leaves_address();
	judge();
	assert_int_equal(out.new_glue[NSIN][MUS_SCAN_A], 0);
	c_glue_moved();
	judge();
	assert_int_equal(out.new_glue[NSIN][MUS_SCAN_A], BIT(IPNEW));
}

/* Early exit: one unverified reply is enough to do nothing, an error is not. */
static void
test_early_exit(void **state)
{
	struct mus_scan_set same, other, none = nodata(), error = silent(), never = {0};
	struct mus_scan_set keys, other_keys;

	(void)state;
	steady();
	same = have(in.ds, 0);
	other = have(BIT(DA), 0);
	keys = have(BIT(KA) | BIT(KB), 0);
	other_keys = have(BIT(KA), 0);
	assert_true(mus_scan_ds_is_quiet(&in, &same, &never));
	assert_true(mus_scan_ds_is_quiet(&in, &none, &none));
	assert_true(mus_scan_ds_is_quiet(&in, &none, &keys));
	assert_false(mus_scan_ds_is_quiet(&in, &other, &keys));
	assert_false(mus_scan_ds_is_quiet(&in, &none, &other_keys));
	assert_false(mus_scan_ds_is_quiet(&in, &none, &never));
	assert_false(mus_scan_ds_is_quiet(&in, &none, &error));
	assert_false(mus_scan_ds_is_quiet(&in, &error, &keys));
	assert_false(mus_scan_ds_is_quiet(&in, &never, &never));
	same.odd = 1;
	assert_false(mus_scan_ds_is_quiet(&in, &same, &keys));
	same.odd = 0;
	same.deletes = 1;
	assert_false(mus_scan_ds_is_quiet(&in, &same, &keys));
	keys.deletes = 1;
	assert_false(mus_scan_ds_is_quiet(&in, &none, &keys));
}

/* The order of the servers is nobody's merit: verdict and new set are the same. */
static void
test_symmetry(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ds_rows / sizeof ds_rows[0]; i++) {
		struct mus_scan_server s;

		ds_rows[i].make();
		s = in.server[0];
		in.server[0] = in.server[1];
		in.server[1] = s;
		judge();
		assert_int_equal(out.ds.kind, ds_rows[i].kind);
		assert_int_equal(out.ds.rule, ds_rows[i].rule);
		if (out.ds.kind == MUS_SCAN_CHANGE)
			assert_int_equal(out.new_ds, ds_rows[i].set);
	}
	for (size_t i = 0; i < sizeof csync_rows / sizeof csync_rows[0]; i++) {
		struct mus_scan_server s;

		csync_rows[i].make();
		s = in.server[0];
		in.server[0] = in.server[1];
		in.server[1] = s;
		judge();
		assert_int_equal(out.csync.kind, csync_rows[i].kind);
		assert_int_equal(out.csync.rule, csync_rows[i].rule);
	}
}

/* ---- random delegations ------------------------------------------------------------------------- */

static uint64_t seed;

static uint64_t
rnd(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % below;
}

static void
random_set(struct mus_scan_set *s, unsigned bits)
{
	switch (rnd(8)) {
	case 0:
		*s = nodata();
		break;
	case 1:
		*s = silent();
		break;
	case 2:
		s->sig = rnd(BIT(KEYS));
		break;
	case 3:
		s->set = rnd(BIT(bits));
		break;
	case 4:
		s->deletes = (uint8_t)rnd(3);
		break;
	case 5:
		s->odd = (uint8_t)rnd(2);
		break;
	default:
		s->inception_s = (int64_t)rnd(2000);
	}
}

/* Starts from a good request and spoils some of it; where it does so everywhere alike it is a good
 * request of another kind. */
static void
random_world(void)
{
	unsigned spoil = (unsigned)rnd(4);

	if (rnd(2))
		drop_b();
	else
		c_new_good();
	if (rnd(2)) {
		uint64_t ds = rnd(BIT(RECS)), keys = rnd(BIT(KEYS));

		for (unsigned i = 0; i < 2; i++)
			cds(i, ds, keys);
		if (rnd(2))
			both_cds(rnd(2) ? only_cds : only_cdnskey);
	}
	if (rnd(3) == 0)
		ns(rnd(BIT(NAMES)));
	if (rnd(4) == 0)
		both_cds(deleting);
	if (rnd(4) == 0)
		in.ds = rnd(BIT(RECS));
	in.policy.allow_delete = rnd(4) == 0;
	while (spoil--) {
		struct mus_scan_server *s = &in.server[rnd(2)];

		switch (rnd(9)) {
		case 0:
			random_set(&s->cds, RECS);
			break;
		case 1:
			random_set(&s->cdnskey, KEYS);
			break;
		case 2:
			random_set(&s->key, KEYS);
			break;
		case 3:
			random_set(&s->ns, NAMES);
			break;
		case 4:
			random_set(&s->at[NSNEW][rnd(2)], IPS);
			break;
		case 5:
			random_set(&s->csync, 1);
			break;
		case 6:
			in.key[rnd(KEYS)].is_usable = rnd(2);
			break;
		case 7:
			in.rec[rnd(RECS)].digest_supported = rnd(2);
			break;
		default:
			random_set(&in.fresh[0].key, KEYS);
		}
	}
}

/* An oracle of its own: does a validator with this DS set accept this DNSKEY set? */
static bool
validates(uint64_t ds, const struct mus_scan_set *key)
{
	if (!key->is_asked || key->cause != MUS_CAUSE_NONE || !key->is_present)
		return false;
	for (unsigned r = 0; r < RECS; r++)
		for (unsigned k = 0; k < KEYS; k++)
			if ((ds >> r & 1) && (in.rec[r].keys >> k & 1) && in.rec[r].alg_supported &&
			    in.rec[r].digest_supported && in.key[k].is_usable && (key->set >> k & 1) &&
			    (key->sig >> k & 1))
				return true;
	return false;
}

static void
test_random(void **state)
{
	unsigned changes[2] = {0, 0};

	(void)state;
	for (unsigned n = 0; n < 300000; n++) {
		bool deletes = true, speaks = true;

		seed = n;
		random_world();
		mus_scan_judge(&in, &out);
		for (unsigned i = 0; i < 2; i++) {
			const struct mus_scan_server *s = &in.server[i];

			deletes &= s->cds.deletes == 1 || s->cdnskey.deletes == 1;
			speaks &= s->cds.is_present || s->cdnskey.is_present;
		}
		if (out.ds.kind == MUS_SCAN_CHANGE) {
			changes[0]++;
			if (!speaks)
				fail_msg("seed %u: absence changed the DS set", n);
			if (out.new_ds == 0 && !(deletes && in.policy.allow_delete))
				fail_msg("seed %u: DS deleted", n);
			for (unsigned i = 0; out.new_ds && i < 2; i++)
				if (!validates(out.new_ds, &in.server[i].key) ||
				    !validates(in.ds, &in.server[i].key))
					fail_msg("seed %u: server %u does not validate", n, i);
		}
		if (out.csync.kind == MUS_SCAN_CHANGE) {
			changes[1]++;
			if (out.new_ns == 0)
				fail_msg("seed %u: no name left", n);
			for (unsigned k = 0; k < NAMES; k++)
				if ((out.new_ns >> k & 1) && in.name[k].in_zone &&
				    !(out.new_glue[k][0] | out.new_glue[k][1]))
					fail_msg("seed %u: name %u without address", n, k);
			for (unsigned i = 0; i < in.fresh_count; i++)
				if ((out.new_ns >> in.fresh[i].name & 1) &&
				    (out.ask >> in.fresh[i].name & 1) &&
				    !validates(in.ds, &in.fresh[i].key))
					fail_msg("seed %u: the newcomer does not validate", n);
		}
	}
	/* It says yes often enough to be a test. */
	print_message("random: %u DS changes, %u NS changes in 300000\n", changes[0], changes[1]);
	assert_true(changes[0] > 3000 && changes[1] > 3000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ds_rules),
	    cmocka_unit_test(test_csync_rules),
	    cmocka_unit_test(test_every_rule_fires),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_glue_sets),
	    cmocka_unit_test(test_early_exit),
	    cmocka_unit_test(test_symmetry),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
