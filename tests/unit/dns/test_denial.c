#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "dns/denial.h"
#include "dns/dnskey.h"
#include "dns/msg.h"
#include "rig.h"

/* ---- answers of a real server ---- */

static const struct {
	const char *zone, *qname, *qtype, *wire;
} answers[] = {
#include "fixtures/denial_answers.inc"
};

static const struct {
	const char *zone, *zsk;
} keys[] = {
	{"nsec.example.", "256 3 13 /LDkA2AdQDtmxzpPtRs5sZV/AsfggMNHjegVR7Xo/kvz4kjqnrztfjvYiLu1tIGHAA1g"
	    "6L9kPBY5KpujShhXNA=="},
	{"nsec3.example.", "256 3 13 LsL/6dw0Y9JliY74nmcb6ZDyjK8gKPKeezOMmhZXZ1MRoRggfQ3G0yAay2GrW/BXC3Jo"
	    "jA69ZXkxNapl0IkoPQ=="},
	{"optout.example.", "256 3 13 V7HO5Bbzed1ckR3kiw6ua1t3XZ6irtocmpT2oGTR8bXhgJQCQiGqjRNhF0vA6rwFL/ao"
	    "X0DdwGo31mOcTQqciw=="},
	{"salted.example.", "256 3 13 oE0IX3SNNBpjn327H+Bfc5xZupcYBcUv9bO2kBw0ZTiScLUK5cUkFCDLOBDQUjGgbbOk"
	    "vL3Ko8uHA1zE4IWOjw=="},
};

struct answer {
	struct mus_name zone, qname;
	uint16_t qtype;
	bool nxdomain;
	struct mus_rrset *sets;
	size_t count;
};

static struct answer
answer_of(size_t i)
{
	uint8_t wire[4096];
	long len = mus_base64_decode(answers[i].wire, strlen(answers[i].wire), wire, sizeof wire);
	struct answer a = {.zone = name(answers[i].zone), .qname = name(answers[i].qname),
	    .qtype = mus_type_parse(answers[i].qtype)};
	struct mus_msg m;

	assert_true(len > 0);
	assert_int_equal(mus_msg_parse(wire, (size_t)len, &arena, &m, NULL), 0);
	a.nxdomain = m.rcode == MUS_RCODE_NXDOMAIN;
	a.sets = mus_msg_rrsets(&m, MUS_SEC_AUTHORITY, &arena, &a.count);
	assert_true(a.count >= 2);
	return a;
}

static struct mus_rdata
zsk_of(const char *zone)
{
	struct mus_rdata rd = {0};

	for (size_t i = 0; i < COUNT(keys); i++) {
		if (strcmp(keys[i].zone, zone) == 0)
			assert_int_equal(mus_rdata_parse(MUS_TYPE_DNSKEY, keys[i].zsk, &arena, &rd, NULL), 0);
	}
	return rd;
}

static struct mus_denial
check(const struct answer *a, const struct mus_name *qname, uint16_t qtype, bool nxdomain)
{
	struct mus_denial d;

	mus_denial_check(a->sets, a->count, &a->zone, qname, qtype, nxdomain, &d);
	assert_true(d.proves == (d.why == NULL));
	return d;
}

/* Each answer proves what it says, and every set in it verifies with the zone's key. */
static void
real_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct answer a = answer_of(i);
		struct mus_denial d = check(&a, &a.qname, a.qtype, a.nxdomain);

		for (size_t s = 0; s < a.count; s++) {
			assert_int_equal(a.sets[s].sig_count, 1);
			assert_int_equal(mus_rrsig_check(NULL, &a.sets[s], a.sets[s].sig[0], &a.zone,
			    zsk_of(answers[i].zone)), MUS_SIG_GOOD);
		}
		/* The wildcard *.star is an empty non-terminal.  named sends the NSEC of sub.*.star, which
		 * covers the name but leaves open whether *.star has records: no proof in our eyes. */
		if (strcmp(answers[i].qname, "r.q.star.nsec.example.") == 0) {
			assert_false(d.proves);
			continue;
		}
		if (!d.proves)
			fail_msg("%s %s: %s", answers[i].qname, answers[i].qtype, d.why);
		assert_int_equal(d.kind, strcmp(answers[i].zone, "nsec.example.") == 0 ? MUS_DENIAL_NSEC :
		    MUS_DENIAL_NSEC3);
		if (strcmp(answers[i].zone, "salted.example.") == 0) {
			assert_int_equal(d.n3_iterations, 5);
			assert_int_equal(d.n3_salt_len, 4);
			assert_int_equal(d.n3_alg, 1);
		} else
			assert_int_equal(d.n3_iterations + d.n3_salt_len, 0);
		assert_int_equal(d.opt_out, strcmp(answers[i].zone, "optout.example.") == 0 &&
		    (a.nxdomain || a.qtype == MUS_TYPE_DS));
		/* the other claim is never proved by it */
		assert_false(check(&a, &a.qname, a.qtype, !a.nxdomain).proves);
	}
}

/* params: equal within a zone, different between kinds and parameters, and opt-out is none. */
static void
parameters(void **state)
{
	uint64_t seen[COUNT(keys)] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct answer a = answer_of(i);
		uint64_t params = check(&a, &a.qname, a.qtype, a.nxdomain).params;

		for (size_t z = 0; z < COUNT(keys); z++) {
			if (strcmp(keys[z].zone, answers[i].zone) != 0)
				continue;
			assert_true(params != 0 && (seen[z] == 0 || seen[z] == params));
			seen[z] = params;
		}
	}
	assert_true(seen[0] != seen[1] && seen[1] == seen[2] && seen[2] != seen[3] &&
	    seen[0] != seen[3]);
}

/* Take any denial record out: what is left proves nothing. */
static void
nothing_spare(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct answer a = answer_of(i), cut;

		for (size_t s = 0; s < a.count; s++) {
			if (a.sets[s].type == MUS_TYPE_SOA)
				continue;
			cut = a;
			cut.sets = mus_arena_copy(&arena, a.sets, a.count * sizeof *a.sets);
			memmove(cut.sets + s, cut.sets + s + 1, (a.count - s - 1) * sizeof *a.sets);
			cut.count--;
			if (check(&cut, &a.qname, a.qtype, a.nxdomain).proves)
				fail_msg("%s %s: proved without set %zu", answers[i].qname, answers[i].qtype, s);
		}
	}
}

/* What is in each zone: no answer may prove more than the truth, whatever one asks of it. */
static void
never_too_much(void **state)
{
	enum truth { HERE, NODATA, NXDOMAIN, CUT };
	static const struct {
		const char *name, *type;
		enum truth truth;
	} questions[] = {
		{"", "SOA", HERE}, {"", "NS", HERE}, {"", "AAAA", NODATA}, {"ns1.", "A", HERE},
		{"ns1.", "AAAA", NODATA}, {"www.", "A", HERE}, {"www.", "TXT", HERE}, {"www.", "MX", NODATA},
		{"nope.", "A", NXDOMAIN}, {"a.b.nope.", "A", NXDOMAIN}, {"ent.deep.", "A", NODATA},
		{"deep.", "A", NODATA}, {"x.ent.deep.", "A", HERE}, {"y.ent.deep.", "A", NXDOMAIN},
		{"wild.", "A", NODATA}, {"*.wild.", "A", HERE}, {"x.wild.", "A", HERE},
		{"x.wild.", "AAAA", NODATA}, {"x.y.wild.", "MX", HERE}, {"x.y.wild.", "TXT", NODATA},
		{"nope.www.", "A", NXDOMAIN}, {"secure.", "DS", HERE}, {"secure.", "A", CUT},
		{"x.secure.", "A", CUT}, {"ns.secure.", "A", CUT}, {"insecure.", "DS", NODATA},
		{"insecure.", "A", CUT}, {"x.insecure.", "A", CUT}, {"ainsecure.", "DS", NODATA},
		{"x.ainsecure.", "A", CUT}, {"alias.", "A", HERE}, {"alias.", "CNAME", HERE},
		{"alias.", "TXT", HERE}, {"x.dn.", "A", HERE}, {"dn.", "DNAME", HERE}, {"dn.", "A", NODATA},
		{"star.", "A", NODATA}, {"*.star.", "A", NODATA}, {"q.star.", "A", NODATA},
		{"r.q.star.", "A", NODATA}, {"sub.*.star.", "A", HERE}, {"zz.", "A", HERE},
		{"zzz.", "A", NXDOMAIN}, {"a.", "A", NXDOMAIN}, {"zz.", "MX", NODATA},
	};
	size_t proofs = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct answer a = answer_of(i);

		for (size_t q = 0; q < COUNT(questions); q++) {
			char text[MUS_NAME_TEXT_MAX];
			struct mus_name n;
			struct mus_denial d;

			(void)snprintf(text, sizeof text, "%s%s", questions[q].name, answers[i].zone);
			n = name(text);
			for (int nx = 0; nx < 2; nx++) {
				d = check(&a, &n, mus_type_parse(questions[q].type), nx);
				proofs += d.proves;
				/* an opt-out span may hide delegations: that is what the flag says */
				if (d.proves && questions[q].truth != (nx ? NXDOMAIN : NODATA) &&
				    !(d.opt_out && questions[q].truth == CUT))
					fail_msg("answer %s %s proves %s %s nx=%d", answers[i].qname,
					    answers[i].qtype, text, questions[q].type, nx);
			}
		}
	}
	assert_true(proofs > 2 * COUNT(answers));
}

/* ---- cases made by hand ---- */

struct line {
	const char *owner, *text;
};

static bool
proves(uint16_t type, const struct line *lines, size_t count, const char *qname, const char *qtype,
    bool nx)
{
	struct mus_rrset sets[20] = {0};
	struct mus_name zone = name("z."), q = name(qname);
	struct mus_denial d;

	assert_true(count <= COUNT(sets));
	for (size_t i = 0; i < count; i++) {
		struct mus_rdata rd;
		struct mus_errtext et = {0};

		if (mus_rdata_parse(type, lines[i].text, &arena, &rd, &et) != 0)
			fail_msg("%s", et.s);
		sets[i].owner = name(lines[i].owner);
		sets[i].type = type;
		assert_int_equal(mus_rrset_add(&sets[i], rd, &arena), 0);
	}
	mus_denial_check(sets, count, &zone, &q, mus_type_parse(qtype), nx, &d);
	return d.proves;
}

#define NSEC(q, t, nx, ...) proves(MUS_TYPE_NSEC, (const struct line[]){__VA_ARGS__}, \
    COUNT(((const struct line[]){__VA_ARGS__})), q, t, nx)

static void
nsec_by_hand(void **state)
{
	(void)state;
	/* a zone of one name */
	assert_true(NSEC("x.z.", "A", true, {"z.", "z. NS SOA RRSIG NSEC DNSKEY"}));
	assert_true(NSEC("z.", "A", false, {"z.", "z. NS SOA RRSIG NSEC DNSKEY"}));
	assert_false(NSEC("z.", "NS", false, {"z.", "z. NS SOA RRSIG NSEC DNSKEY"}));
	/* from another zone, or for a name outside */
	assert_false(NSEC("x.z.", "A", true, {"y.", "y. NS SOA RRSIG NSEC"}));
	assert_false(NSEC("x.z.", "A", true, {"a.z.", "y. A RRSIG NSEC"}));
	assert_false(NSEC("x.y.", "A", true, {"z.", "z. NS SOA RRSIG NSEC"}));
	/* upper case in the next name (kept by RFC 6840 5.1) counts as lower case */
	assert_true(NSEC("b.z.", "A", true, {"a.z.", "C.Z. A RRSIG NSEC"}, {"z.", "a.z. NS SOA"}));
	/* the bounds themselves are not covered */
	assert_false(NSEC("a.z.", "MX", true, {"a.z.", "c.z. A"}, {"z.", "a.z. NS SOA"}));
	assert_false(NSEC("c.z.", "MX", true, {"a.z.", "c.z. A"}, {"z.", "a.z. NS SOA"}));
	assert_false(NSEC("c.z.", "MX", false, {"a.z.", "c.z. A"}, {"z.", "a.z. NS SOA"}));
	/* wildcard not denied, and denied as a non-existing one */
	assert_false(NSEC("b.z.", "A", true, {"a.z.", "c.z. A"}));
	assert_false(NSEC("b.z.", "A", true, {"a.z.", "c.z. A"}, {"*.z.", "a.z. A"}));
	/* closest encloser from the owner: b.a.z lies below a.z, so *.a.z is the wildcard to deny */
	assert_true(NSEC("b.a.z.", "A", true, {"a.z.", "c.z. A"}));
	assert_false(NSEC("b.a.z.", "A", true, {"*.a.z.", "c.z. A"}));
	/* ... and from the next name: y.x.z shares x.z with b.x.z, which is therefore there */
	assert_true(NSEC("a.x.z.", "A", true, {"w.z.", "b.x.z. A"}));
	assert_false(NSEC("x.z.", "A", true, {"w.z.", "b.x.z. A"}, {"z.", "w.z. NS SOA"}));
	assert_true(NSEC("x.z.", "A", false, {"w.z.", "b.x.z. A"}));
	/* below a delegation or a DNAME (RFC 6840 4.1) */
	assert_false(NSEC("b.a.z.", "A", true, {"a.z.", "c.z. NS RRSIG NSEC"}));
	assert_false(NSEC("b.a.z.", "A", true, {"a.z.", "c.z. DNAME RRSIG NSEC"}));
	assert_true(NSEC("bb.z.", "A", true, {"a.z.", "c.z. NS RRSIG NSEC"}, {"z.", "a.z. NS SOA"}));
	/* at a delegation: DS only; at a child's apex: anything but DS */
	assert_false(NSEC("a.z.", "A", false, {"a.z.", "c.z. NS RRSIG NSEC"}));
	assert_true(NSEC("a.z.", "DS", false, {"a.z.", "c.z. NS RRSIG NSEC"}));
	assert_false(NSEC("a.z.", "DS", false, {"a.z.", "c.z. NS DS RRSIG NSEC"}));
	assert_false(NSEC("a.z.", "DS", false, {"a.z.", "c.a.z. NS SOA RRSIG NSEC"}));
	/* a CNAME is an answer to everything but itself */
	assert_false(NSEC("a.z.", "A", false, {"a.z.", "c.z. CNAME RRSIG NSEC"}));
	/* made on the spot: just before and just after (RFC 4470), and compact (RFC 9824) */
	assert_true(NSEC("b.z.", "A", true, {"a\\255.z.", "b\\000.z. RRSIG NSEC"},
	    {"\\041.z.", "\\043.z. RRSIG NSEC"}));
	assert_true(NSEC("b.z.", "A", false, {"b.z.", "\\000.b.z. RRSIG NSEC TYPE128"}));
	assert_true(NSEC("b.z.", "A", true, {"b.z.", "\\000.b.z. RRSIG NSEC TYPE128"}));
	assert_false(NSEC("b.z.", "A", true, {"b.z.", "\\000.b.z. RRSIG NSEC"}));
	/* wildcard that is an empty non-terminal */
	assert_true(NSEC("b.z.", "A", false, {"a.z.", "c.z. A"}, {"z.", "x.*.z. NS SOA"}));
	assert_false(NSEC("b.z.", "A", true, {"a.z.", "c.z. A"}, {"z.", "x.*.z. NS SOA"}));
}

#define N3(q, t, nx, ...) proves(MUS_TYPE_NSEC3, (const struct line[]){__VA_ARGS__}, \
    COUNT(((const struct line[]){__VA_ARGS__})), q, t, nx)
/* Hash of "z." without salt and iterations. */
#define APEX "s4nsfbqlv7g61inco06qt7sdighk0773"

static void
nsec3_by_hand(void **state)
{
	/* One record whose span is the whole circle covers every hash but its own. */
	static const char whole[] = "00000000000000000000000000000000.z.";

	(void)state;
	/* covers next closer and wildcard, but nobody is the encloser */
	assert_false(N3("x.z.", "A", true,
	    {whole, "1 0 0 - 00000000000000000000000000000000 NS SOA"}));
	/* the apex's record alone is the encloser, and covers the rest */
	assert_true(N3("x.z.", "A", true, {APEX ".z.", "1 0 0 - " APEX " NS SOA"}));
	assert_true(N3("z.", "A", false, {APEX ".z.", "1 0 0 - " APEX " NS SOA"}));
	assert_false(N3("z.", "NS", false, {APEX ".z.", "1 0 0 - " APEX " NS SOA"}));
	/* of another zone, unknown flags, unknown hash, too many iterations */
	assert_false(N3("x.z.", "A", true, {APEX ".y.", "1 0 0 - " APEX " NS SOA"}));
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "1 2 0 - " APEX " NS SOA"}));
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "2 0 0 - " APEX " NS SOA"}));
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "1 0 501 - " APEX " NS SOA"}));
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "1 0 65535 - " APEX " NS SOA"}));
	/* parameters that differ */
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "1 0 0 - " APEX " NS SOA"},
	    {whole, "1 0 1 - " APEX " A"}));
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "1 0 0 - " APEX " NS SOA"},
	    {whole, "1 0 0 aa " APEX " A"}));
	/* encloser that is a DNAME or a delegation */
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "1 0 0 - " APEX " NS"}));
	assert_false(N3("x.z.", "A", true, {APEX ".z.", "1 0 0 - " APEX " NS SOA DNAME"}));
	/* an owner that is no hash */
	assert_false(N3("x.z.", "A", true, {"short.z.", "1 0 0 - " APEX " NS SOA"}));
	assert_false(N3("x.z.", "A", true,
	    {"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww.z.", "1 0 0 - " APEX " NS SOA"}));
	/* opt-out: DS is denied, other types need the wildcard */
	assert_true(N3("x.z.", "DS", false, {APEX ".z.", "1 1 0 - " APEX " NS SOA"}));
	assert_false(N3("x.z.", "DS", false, {APEX ".z.", "1 0 0 - " APEX " NS SOA"}));
	assert_false(N3("x.z.", "A", false, {APEX ".z.", "1 1 0 - " APEX " NS SOA"}));
}

static void
bounds(void **state)
{
	struct line lines[18];
	struct mus_rrset soa = {.type = MUS_TYPE_SOA};
	struct mus_name zone = name("z.");
	struct mus_denial d;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		lines[i] = (struct line){"z.", "z. NS SOA"};
	assert_true(proves(MUS_TYPE_NSEC, lines, 16, "x.z.", "A", true));
	assert_false(proves(MUS_TYPE_NSEC, lines, 17, "x.z.", "A", true));
	mus_denial_check(NULL, 0, &zone, &zone, 1, false, &d);
	assert_int_equal(d.kind, MUS_DENIAL_NONE);
	assert_false(d.proves);
	soa.owner = zone;
	mus_denial_check(&soa, 1, &zone, &zone, 1, false, &d);
	assert_int_equal(d.kind, MUS_DENIAL_NONE);
	assert_non_null(d.why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_answers),
		cmocka_unit_test(parameters),
		cmocka_unit_test(nothing_spare),
		cmocka_unit_test(never_too_much),
		cmocka_unit_test(nsec_by_hand),
		cmocka_unit_test(nsec3_by_hand),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, arena_new, arena_done);
}
