#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "dns/dnskey.h"
#include "rig.h"
#include "sign.h"

static struct mus_rdata
rdata(uint16_t type, const char *text)
{
	struct mus_rdata rd = {0};
	struct mus_errtext et = {0};

	if (mus_rdata_parse(type, text, &arena, &rd, &et) != 0)
		fail_msg("%s", et.s);
	return rd;
}

/* Keys and digests that RFCs print. */
static const struct {
	const char *owner, *dnskey;
	uint16_t tag;
	const char *ds;			/* NULL: none printed */
} key_rows[] = {
	/* RFC 4034 5.4 and RFC 4509 2.3 */
	{"dskey.example.com.", "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/"
	    "2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJ"
	    "BjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==", 60485,
	    "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"},
	{"dskey.example.com.", "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/"
	    "2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJ"
	    "BjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==", 60485,
	    "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A"},
	/* RFC 6605 6 */
	{"example.net.", "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+"
	    "e+MAnLr+Wi9xMWyQLc8NAA==", 55648,
	    "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"},
	{"example.net.", "257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RC"
	    "OpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40", 10771,
	    "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d2884"
	    "05c3008a946df983d6"},
	/* RFC 8080 6 */
	{"example.com.", "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", 3613,
	    "3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b"},
	{"example.com.", "257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=", 35217,
	    "35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c"},
	{"example.com.", "257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYU"
	    "cJKm1MDpJtIA", 9713,
	    "9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7"},
	/* RFC 5702 6 */
	{"example.net.", "256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4"
	    "cAgtvd4Qs8PkxUdp6p/DlUmObdk=", 9033, NULL},
	{"example.net.", "256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnj"
	    "JQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDta"
	    "R7ZQBlZ3PFY12ZTSncorffcGmhOL", 3740, NULL},
};

static void
published_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(key_rows); i++) {
		struct mus_rdata k = rdata(MUS_TYPE_DNSKEY, key_rows[i].dnskey), d;
		struct mus_name owner = name(key_rows[i].owner);
		uint8_t made[MUS_DS_RDATA_MAX];
		struct mus_dnskey key;
		struct mus_ds ds;
		int len;

		assert_int_equal(mus_dnskey_tag(k), key_rows[i].tag);
		assert_true(mus_dnskey_read(k, &key));
		assert_int_equal(key.tag, key_rows[i].tag);
		assert_int_equal(key.protocol, 3);
		assert_int_equal(key.key_len, k.len - 4);
		if (!key_rows[i].ds)
			continue;
		d = rdata(MUS_TYPE_DS, key_rows[i].ds);
		assert_true(mus_ds_read(d, &ds));
		assert_true(mus_ds_matches(&owner, ds, k));
		len = mus_ds_make(&owner, k, ds.digest_type, made);
		assert_int_equal(len, d.len);
		assert_memory_equal(made, d.data, d.len);
		/* another owner, another digest, another tag, a digest cut short */
		owner = name("other.example.");
		assert_false(mus_ds_matches(&owner, ds, k));
		owner = name(key_rows[i].owner);
		ds.tag++;
		assert_false(mus_ds_matches(&owner, ds, k));
		ds.tag--;
		ds.alg++;
		assert_false(mus_ds_matches(&owner, ds, k));
		ds.alg--;
		ds.digest_len--;
		assert_false(mus_ds_matches(&owner, ds, k));
	}
}

static void
odd_keys_and_ds(void **state)
{
	struct mus_name owner = name("a.");
	uint8_t made[MUS_DS_RDATA_MAX];
	struct mus_dnskey k = {.tag = 77};
	struct mus_ds d = {.tag = 77};
	struct mus_rdata rd = rdata(MUS_TYPE_CDNSKEY, "0 3 0 AA==");

	(void)state;
	assert_true(mus_dnskey_read(rd, &k));
	assert_int_equal(k.alg, 0);
	k.tag = 77;
	rd.len = 4;
	assert_false(mus_dnskey_read(rd, &k));
	assert_int_equal(k.tag, 77);
	assert_int_equal(mus_ds_make(&owner, rd, 2, made), MUS_ERR_INVAL);
	rd = rdata(MUS_TYPE_CDS, "0 0 0 00");
	assert_true(mus_ds_read(rd, &d));
	assert_int_equal(d.digest_len, 1);
	d.tag = 77;
	rd.len = 4;
	assert_false(mus_ds_read(rd, &d));
	assert_int_equal(d.tag, 77);
	rd = rdata(MUS_TYPE_DNSKEY, key_rows[2].dnskey);
	assert_int_equal(mus_ds_make(&owner, rd, 3, made), MUS_ERR_UNSUPPORTED);
	assert_int_equal(mus_ds_make(&owner, rd, 0, made), MUS_ERR_UNSUPPORTED);
	assert_true(mus_digest_supported(1) && mus_digest_supported(2) && mus_digest_supported(4));
	assert_false(mus_digest_supported(0) || mus_digest_supported(3) || mus_digest_supported(5));
	/* algorithm 1 takes its tag from the modulus (RFC 4034 B.1) */
	rd = rdata(MUS_TYPE_DNSKEY, "256 3 1 AQMAAAABAgME");
	assert_int_equal(mus_dnskey_tag(rd), 0x0203);
}

static void
algorithms(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		assert_int_equal(mus_alg_supported((uint8_t)a), a == 5 || a == 7 || a == 8 || a == 10 ||
		    a == 13 || a == 14 || a == 15 || a == 16);
	assert_string_equal(mus_alg_text(13), "ECDSAP256SHA256");
	assert_string_equal(mus_alg_text(16), "ED448");
	assert_string_equal(mus_alg_text(4), "ALG4");
	assert_string_equal(mus_alg_text(99), "ALG99");
	assert_string_equal(mus_alg_text(255), "ALG255");
}

/* RFC 1982: the point within 2^31 seconds of now. */
static void
times(void **state)
{
	static const struct {
		uint32_t t;
		int64_t now, want;
	} rows[] = {
		{100, 50, 100}, {50, 100, 50}, {0, 0, 0},
		{5, 0xffffffff, 0x100000005}, {0xffffffff, 0x100000005, 0xffffffff},
		{0x7fffffff, 0, 0x7fffffff}, {0x80000001, 0, -0x7fffffff},
		{0, 0x180000000 - 1, 0x100000000 + 0x100000000 - 0x100000000},
		{1800000000, 1799999999, 1800000000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(mus_rrsig_time(rows[i].t, rows[i].now) == rows[i].want);
}

static void
rrsig_form(void **state)
{
	struct mus_rdata rd = rdata(MUS_TYPE_RRSIG,
	    "A 8 3 3600 20300101000000 20000101000000 9033 EXAMPLE.net. AQID");
	struct mus_rrsig s = {.tag = 77};
	struct mus_name net = name("example.net.");

	(void)state;
	assert_true(mus_rrsig_read(rd, &s));
	assert_int_equal(s.covered, MUS_TYPE_A);
	assert_int_equal(s.alg, 8);
	assert_int_equal(s.labels, 3);
	assert_int_equal(s.orig_ttl_s, 3600);
	assert_int_equal(s.expiration, 1893456000);
	assert_int_equal(s.inception, 946684800);
	assert_int_equal(s.tag, 9033);
	assert_true(mus_name_equal(&s.signer, &net));
	assert_int_equal(s.sig_len, 3);
	assert_memory_equal(s.sig, "\1\2\3", 3);
	s.tag = 77;
	for (uint16_t len = 0; len <= 18 + 13; len++) {
		rd.len = len;
		assert_false(mus_rrsig_read(rd, &s));
		assert_int_equal(s.tag, 77);
	}
}

/* ---- signatures that RFCs print ---- */

static const struct {
	size_t key;			/* row above */
	const char *owner;
	uint16_t type;
	const char *rd, *sig;
} sig_rows[] = {
	{2, "www.example.net.", MUS_TYPE_A, "192.0.2.1",
	    "A 13 3 3600 20100909100439 20100812100439 55648 example.net. "
	    "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw=="},
	{3, "www.example.net.", MUS_TYPE_A, "192.0.2.1",
	    "A 14 3 3600 20100909102025 20100812102025 10771 example.net. "
	    "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuz"
	    "WTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm"},
	{4, "example.com.", MUS_TYPE_MX, "10 mail.example.com.",
	    "MX 15 2 3600 1440021600 1438207200 3613 example.com. "
	    "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg=="},
	{5, "example.com.", MUS_TYPE_MX, "10 mail.example.com.",
	    "MX 15 2 3600 1440021600 1438207200 35217 example.com. "
	    "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg=="},
	{6, "example.com.", MUS_TYPE_MX, "10 mail.example.com.",
	    "MX 16 2 3600 1440021600 1438207200 9713 example.com. "
	    "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXf"
	    "t0+Gj7FSvOKxE/07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA"},
	{7, "www.example.net.", MUS_TYPE_A, "192.0.2.91",
	    "A 8 3 3600 20300101000000 20000101000000 9033 example.net. "
	    "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg=="},
	{8, "www.example.net.", MUS_TYPE_A, "192.0.2.91",
	    "A 10 3 3600 20300101000000 20000101000000 3740 example.net. "
	    "tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYg"
	    "ZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw="},
};

static void
published_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sig_rows); i++) {
		struct mus_rdata k = rdata(MUS_TYPE_DNSKEY, key_rows[sig_rows[i].key].dnskey);
		struct mus_rdata sig = rdata(MUS_TYPE_RRSIG, sig_rows[i].sig);
		struct mus_name zone = name(key_rows[sig_rows[i].key].owner);
		struct mus_rrset set = {.owner = name(sig_rows[i].owner), .type = sig_rows[i].type,
		    .rclass = 1, .ttl_s = 17};

		assert_int_equal(mus_rrset_add(&set, rdata(set.type, sig_rows[i].rd), &arena), 0);
		if (mus_rrsig_check(NULL, &set, sig, &zone, k) != MUS_SIG_GOOD)
			fail_msg("row %zu does not verify", i);
	}
}

/* ---- signatures of our own making ---- */

static struct mus_rrset
a_set(const char *owner, size_t count)
{
	struct mus_rrset s = {.owner = name(owner), .type = MUS_TYPE_A, .rclass = 1, .ttl_s = 5};

	for (size_t i = 0; i < count; i++) {
		uint8_t ip[4] = {192, 0, 2, (uint8_t)(200 - i)};

		assert_int_equal(mus_rrset_add(&s, (struct mus_rdata){ip, 4}, &arena), 0);
	}
	return s;
}

static const uint8_t algs[] = {5, 7, 8, 10, 13, 14, 15, 16};

/* Every algorithm: good as signed; bad with any bit of signature or data turned. */
static void
own_signatures(void **state)
{
	struct mus_name zone = name("example.");

	(void)state;
	for (size_t i = 0; i < COUNT(algs); i++) {
		struct sign_key *k = sign_key_new(algs[i], 256);
		struct mus_rrset set = a_set("www.example.", 3);
		struct mus_rdata sig = sign_rrset(k, &set, &zone, &(struct sign_how){0}, &arena);
		struct mus_rdata dnskey = sign_key_rdata(k);
		uint8_t *raw = mus_arena_copy(&arena, sig.data, sig.len);
		uint8_t ip[4] = {1, 2, 3, 4};

		assert_int_equal(mus_rrsig_check(NULL, &set, sig, &zone, dnskey), MUS_SIG_GOOD);
		for (uint16_t at = 0; at < sig.len; at++) {
			struct mus_rdata bad = {raw, sig.len};
			enum mus_sigcheck r;

			raw[at] ^= 1;
			r = mus_rrsig_check(NULL, &set, bad, &zone, dnskey);
			/* algorithm and tag say "not this key" */
			if (at == 2 || at == 16 || at == 17)
				assert_int_equal(r, MUS_SIG_OTHERKEY);
			else
				assert_int_equal(r, MUS_SIG_BAD);
			raw[at] ^= 1;
		}
		for (uint16_t len = 0; len < sig.len; len++)
			assert_int_equal(mus_rrsig_check(NULL, &set, (struct mus_rdata){raw, len}, &zone,
			    dnskey), MUS_SIG_BAD);
		assert_int_equal(mus_rrset_add(&set, (struct mus_rdata){ip, 4}, &arena), 0);
		assert_int_equal(mus_rrsig_check(NULL, &set, sig, &zone, dnskey), MUS_SIG_BAD);
		sign_key_free(k);
	}
}

/* RFC 4035 5.3.1: what must fit before the signature counts. */
static void
conditions(void **state)
{
	struct mus_name zone = name("example."), other = name("other."), below = name("b.example.");
	struct sign_key *k = sign_key_new(13, 256), *not_zone = sign_key_new(13, 0),
	    *k2 = sign_key_new(13, 257);
	struct mus_rrset set = a_set("www.example.", 2), out = a_set("www.other.", 2), empty;
	struct mus_rdata sig = sign_rrset(k, &set, &zone, &(struct sign_how){0}, &arena), s2;
	struct mus_rdata kr = sign_key_rdata(k);
	uint8_t *raw = mus_arena_copy(&arena, kr.data, kr.len);

	(void)state;
	assert_int_equal(mus_rrsig_check(NULL, &set, sig, &zone, kr), MUS_SIG_GOOD);
	/* the TTL it is served with does not matter, the original one is signed */
	set.ttl_s = 1;
	assert_int_equal(mus_rrsig_check(NULL, &set, sig, &zone, kr), MUS_SIG_GOOD);
	assert_int_equal(mus_rrsig_check(NULL, &set, sig, &other, kr), MUS_SIG_BAD);
	assert_int_equal(mus_rrsig_check(NULL, &set, sig, &zone, sign_key_rdata(k2)), MUS_SIG_OTHERKEY);
	/* signer above or beside the zone we mean; owner outside it */
	s2 = sign_rrset(k, &set, &below, &(struct sign_how){0}, &arena);
	assert_int_equal(mus_rrsig_check(NULL, &set, s2, &zone, kr), MUS_SIG_BAD);
	assert_int_equal(mus_rrsig_check(NULL, &set, s2, &below, kr), MUS_SIG_BAD);
	s2 = sign_rrset(k, &out, &zone, &(struct sign_how){0}, &arena);
	assert_int_equal(mus_rrsig_check(NULL, &out, s2, &zone, kr), MUS_SIG_BAD);
	/* type covered */
	set.type = MUS_TYPE_TXT;
	assert_int_equal(mus_rrsig_check(NULL, &set, sig, &zone, kr), MUS_SIG_BAD);
	set.type = MUS_TYPE_A;
	empty = set;
	empty.count = 0;
	assert_int_equal(mus_rrsig_check(NULL, &empty, sig, &zone, kr), MUS_SIG_BAD);
	/* no zone key; another protocol number */
	s2 = sign_rrset(not_zone, &set, &zone, &(struct sign_how){0}, &arena);
	assert_int_equal(mus_rrsig_check(NULL, &set, s2, &zone, sign_key_rdata(not_zone)), MUS_SIG_BAD);
	raw[2] = 4;
	s2 = sign_rrset(k, &set, &zone, &(struct sign_how){.use_tag = true,
	    .tag = mus_dnskey_tag((struct mus_rdata){raw, kr.len})}, &arena);
	assert_int_equal(mus_rrsig_check(NULL, &set, s2, &zone, (struct mus_rdata){raw, kr.len}),
	    MUS_SIG_BAD);
	/* an algorithm we do not know */
	raw[2] = 3;
	raw[3] = 17;
	s2 = sign_rrset(k, &set, &zone, &(struct sign_how){.alg = 17, .use_tag = true,
	    .tag = mus_dnskey_tag((struct mus_rdata){raw, kr.len})}, &arena);
	assert_int_equal(mus_rrsig_check(NULL, &set, s2, &zone, (struct mus_rdata){raw, kr.len}),
	    MUS_SIG_UNSUPPORTED);
	sign_key_free(k);
	sign_key_free(k2);
	sign_key_free(not_zone);
}

/* RFC 4034 3.1.3, 4035 5.3.2: expanded from *.example. */
static void
wildcards(void **state)
{
	static const struct {
		const char *owner;		/* as answered */
		const char *signed_as;
		uint8_t labels;
		bool good;
	} rows[] = {
		{"a.example.", "*.example.", 1, true},
		{"a.b.example.", "*.example.", 1, true},
		{"*.example.", "*.example.", 1, true},
		{"*.example.", "*.example.", 2, false},
		{"a.example.", "a.example.", 1, false},
		{"a.example.", "a.example.", 3, false},
		{"a.example.", "*.", 0, false},
		{"a.b.example.", "*.b.example.", 2, true},
		{"a.c.example.", "*.b.example.", 2, false},
		{"a.*.example.", "a.*.example.", 3, true},
		{"a.*.example.", "*.example.", 1, true},
		{"example.", "example.", 1, true},
		{"b.*.example.", "*.*.example.", 2, true},
	};
	struct mus_name zone = name("example.");
	struct sign_key *k = sign_key_new(15, 257);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_rrset signed_set = a_set(rows[i].signed_as, 2), set = a_set(rows[i].owner, 2);
		struct mus_rdata sig = sign_rrset(k, &signed_set, &zone,
		    &(struct sign_how){.use_labels = true, .labels = rows[i].labels}, &arena);

		if ((mus_rrsig_check(NULL, &set, sig, &zone, sign_key_rdata(k)) == MUS_SIG_GOOD) !=
		    rows[i].good)
			fail_msg("%s signed as %s with labels %d", rows[i].owner, rows[i].signed_as,
			    rows[i].labels);
	}
	sign_key_free(k);
}

/* Keys that are none: refused, not crashed upon. */
static void
broken_keys(void **state)
{
	static const char *const rows[] = {
		"256 3 8 AA==", "256 3 8 AAAA", "256 3 8 AAABAw==", "256 3 8 /w==", "256 3 8 AQM=",
		"256 3 8 AwEAAQ==", "256 3 13 AAAA", "256 3 14 AAAA", "256 3 15 AAAA", "256 3 16 AAAA",
		/* a point that is not on the curve */
		("256 3 13 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAA=="),
	};
	struct mus_name zone = name("example.");
	struct mus_rrset set = a_set("www.example.", 1);
	struct mus_sigcache *c = mus_sigcache_new(8);
	struct sign_key *k = sign_key_new(13, 256);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mus_rdata kr = rdata(MUS_TYPE_DNSKEY, rows[i]);
		struct mus_rdata sig = sign_rrset(k, &set, &zone, &(struct sign_how){.alg = kr.data[3],
		    .use_tag = true, .tag = mus_dnskey_tag(kr)}, &arena);

		assert_int_equal(mus_rrsig_check(NULL, &set, sig, &zone, kr), MUS_SIG_BAD);
		assert_int_equal(mus_rrsig_check(c, &set, sig, &zone, kr), MUS_SIG_BAD);
	}
	mus_sigcache_free(c);
	sign_key_free(k);
}

/* One handle of a curve serves one key after the other: none is judged by another one's. */
static void
keys_take_turns(void **state)
{
	static const uint8_t turns[] = {13, 14, 13, 15, 14, 13};
	struct mus_name zone = name("example.");
	struct mus_sigcache *c = mus_sigcache_new(64);
	struct sign_key *k[COUNT(turns)];
	struct mus_rrset set = a_set("www.example.", 1);

	(void)state;
	for (size_t i = 0; i < COUNT(turns); i++)
		k[i] = sign_key_new(turns[i], 256);
	for (size_t i = 0; i < COUNT(turns); i++)
		for (size_t by = 0; by < COUNT(turns); by++) {
			struct mus_rdata kr = sign_key_rdata(k[i]);
			/* says that it is by k[i] */
			struct mus_rdata sig = sign_rrset(k[by], &set, &zone,
			    &(struct sign_how){.alg = turns[i], .use_tag = true, .tag = mus_dnskey_tag(kr)}, &arena);

			assert_int_equal(mus_rrsig_check(c, &set, sig, &zone, kr),
			    by == i ? MUS_SIG_GOOD : MUS_SIG_BAD);
		}
	for (size_t i = 0; i < COUNT(turns); i++)
		sign_key_free(k[i]);
	mus_sigcache_free(c);
}

static void
cache(void **state)
{
	struct mus_name zone = name("example.");
	struct sign_key *k = sign_key_new(13, 256);
	struct mus_sigcache *c = mus_sigcache_new(64);
	struct mus_rrset set[200], changed = a_set("www.example.", 3);
	struct mus_rdata sig[200], kr = sign_key_rdata(k);
	struct mus_sigcache_stats s;

	(void)state;
	assert_non_null(c);
	for (size_t i = 0; i < COUNT(set); i++) {
		char owner[32];

		(void)snprintf(owner, sizeof owner, "n%zu.example.", i);
		set[i] = a_set(owner, 2);
		sig[i] = sign_rrset(k, &set[i], &zone, &(struct sign_how){0}, &arena);
	}
	for (int round = 0; round < 3; round++) {
		assert_int_equal(mus_rrsig_check(c, &set[0], sig[0], &zone, kr), MUS_SIG_GOOD);
		/* a bad one is remembered as bad, and beside the good one */
		assert_int_equal(mus_rrsig_check(c, &set[0], sig[1], &zone, kr), MUS_SIG_BAD);
		assert_int_equal(mus_rrsig_check(c, &changed, sig[0], &zone, kr), MUS_SIG_BAD);
	}
	s = mus_sigcache_stats(c);
	assert_int_equal(s.verified, 3);
	assert_int_equal(s.hits, 6);
	/* a warm cache does not open a side door: the zone is checked before it is asked */
	{
		struct mus_name other = name("www.example.");

		assert_int_equal(mus_rrsig_check(c, &set[0], sig[0], &other, kr), MUS_SIG_BAD);
	}
	/* more than it holds: still right, and its memory is what it was */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT(set); i++)
			assert_int_equal(mus_rrsig_check(c, &set[i], sig[i], &zone, kr), MUS_SIG_GOOD);
	}
	s = mus_sigcache_stats(c);
	assert_true(s.verified > COUNT(set));
	mus_sigcache_free(c);
	mus_sigcache_free(NULL);
	sign_key_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_keys),
		cmocka_unit_test(odd_keys_and_ds),
		cmocka_unit_test(algorithms),
		cmocka_unit_test(times),
		cmocka_unit_test(rrsig_form),
		cmocka_unit_test(published_signatures),
		cmocka_unit_test(own_signatures),
		cmocka_unit_test(conditions),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(broken_keys),
		cmocka_unit_test(keys_take_turns),
		cmocka_unit_test(cache),
	};

	return cmocka_run_group_tests(tests, arena_new, arena_done);
}
