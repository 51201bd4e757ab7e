/*
 * One look at a child (programs/music-scanner/check.c): what becomes of name servers whose
 * addresses are not known, not all known, or not asked.  Every server says the same and is secure;
 * 192.0.2.99 and 2001:db8::99 are silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "check.h"

#define OK(x) assert_int_equal((x), 0)
#define PRIMARY "192.0.2.53"

enum { MANY = 40 };

int __wrap_mus_lookup_addrs(struct mus_lookup *k, const struct mus_name *host, uint16_t port,
    mus_lookup_addrs_fn *fn, void *arg);
int __wrap_mus_dnsx_ask(struct mus_dnsx *x, const struct mus_dnsx_ask *q, mus_dnsx_fn *fn, void *arg,
    struct mus_dnsx_req **cookie);
enum mus_sigcheck __wrap_mus_rrsig_check(struct mus_sigcache *cache, const struct mus_rrset *set,
    struct mus_rdata sig, const struct mus_name *zone, struct mus_rdata dnskey);
void __wrap_scan_child_done(struct scanner *s, struct child *c, bool silent);

/* What a look-up of a name ends with. */
struct found {
	const char *name, *addrs;	/* addresses, a space after each */
	int err, half_err;
	enum mus_lookup_security security;
	const char *words;
	int rc;				/* not 0: it could not even be begun */
};
static struct {
	struct found found[4];
	const char *glue;		/* the parent's A record for ns.c.ex. */
	const char *ns, *parent;	/* NS set, as its servers say and as the parent does */
	const char *inside;		/* addresses of new.c.ex., as the servers say */
	const char *csync;
	bool wants_ds;			/* CDS: another key too */
} world;

static struct lookup {
	const struct found *found;
	mus_lookup_addrs_fn *fn;
	void *arg;
} lookups[MANY];
static struct question {
	struct mus_dnsx_ask q;
	mus_dnsx_fn *fn;
	void *arg;
} questions[MANY * 8];
static size_t lookup_count, question_count;
static bool done, was_silent;

static struct mus_name
name(const char *text)
{
	struct mus_name n;

	OK(mus_name_parse(text, &n, NULL));
	return n;
}

static struct mus_addr
addr(const char *text)
{
	struct mus_addr a;

	assert_true(mus_addr_parse(text, 53, &a));
	return a;
}

/* ---- look-ups ----------------------------------------------------------------------------------- */

int
__wrap_mus_lookup_addrs(struct mus_lookup *k, const struct mus_name *host, uint16_t port,
    mus_lookup_addrs_fn *fn, void *arg)
{
	char text[MUS_NAME_TEXT_MAX];

	(void)k;
	assert_int_equal(port, 53);
	mus_name_text(host, text);
	for (size_t i = 0; i < 4 && world.found[i].name; i++)
		if (strcmp(world.found[i].name, text) == 0) {
			if (world.found[i].rc == 0)
				lookups[lookup_count++] = (struct lookup){&world.found[i], fn, arg};
			return world.found[i].rc;
		}
	fail_msg("nobody knows %s", text);
	return 0;
}

static void
end_lookup(struct lookup l)
{
	struct mus_lookup_addrs r = {.err = l.found->err, .half_err = l.found->half_err,
	    .security = l.found->security};
	char text[512], *save = NULL;

	strcpy(text, l.found->addrs ? l.found->addrs : "");
	for (char *a = strtok_r(text, " ", &save); a; a = strtok_r(NULL, " ", &save))
		r.addr[r.count++] = addr(a);
	strcpy(r.words.s, l.found->words ? l.found->words : "");
	l.fn(l.arg, &r);
}

/* ---- servers ------------------------------------------------------------------------------------ */

#define KEY "257 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="
#define OTHER "4711 13 2 0123456789012345678901234567890123456789012345678901234567890123"

static struct mus_rdata
rdata(uint16_t type, const char *text, struct mus_arena *a)
{
	struct mus_errtext et = {""};
	struct mus_rdata rd;

	if (mus_rdata_parse(type, text, a, &rd, &et) < 0)
		fail_msg("%s: %s", text, et.s);
	return rd;
}

static struct mus_rdata
ds_of_key(struct mus_arena *a)
{
	struct mus_name child = name("c.ex.");
	uint8_t ds[MUS_DS_RDATA_MAX];
	int len = mus_ds_make(&child, rdata(MUS_TYPE_DNSKEY, KEY, a), MUS_DIGEST_SHA256, ds);

	assert_true(len > 0);
	return (struct mus_rdata){mus_arena_copy(a, ds, (size_t)len), (uint16_t)len};
}

static void
say_rdata(struct mus_msg *m, enum mus_section sec, const char *owner, uint16_t type,
    struct mus_rdata rd, struct mus_arena *a)
{
	if (!m->rr[sec])
		m->rr[sec] = mus_arena_alloc(a, MANY * sizeof m->rr[sec][0]);
	assert_true(m->rr_count[sec] < MANY);
	m->rr[sec][m->rr_count[sec]++] = (struct mus_rr){name(owner), type, MUS_CLASS_IN, 60, rd};
}

/* A record for each word of ${texts}, or one when ${type} has words of its own. */
static void
say(struct mus_msg *m, enum mus_section sec, const char *owner, uint16_t type, const char *texts,
    struct mus_arena *a)
{
	bool is_list = type == MUS_TYPE_NS || type == MUS_TYPE_A || type == MUS_TYPE_AAAA;
	char copy[512], *save = NULL;

	strcpy(copy, texts);
	for (char *t = is_list ? strtok_r(copy, " ", &save) : copy; t; t = is_list ? strtok_r(NULL, " ", &save) : NULL)
		if (type == MUS_TYPE_NS || !is_list || (strchr(t, ':') != NULL) == (type == MUS_TYPE_AAAA))
			say_rdata(m, sec, owner, type, rdata(type, t, a), a);
}

/* The signature over what was said, by the only key. */
static void
sign(struct mus_msg *m, const char *owner, uint16_t type, struct mus_arena *a)
{
	char type_text[MUS_TYPE_TEXT_MAX], text[256];

	snprintf(text, sizeof text, "%s 13 2 60 20350101000000 20200101000000 %u c.ex. AAAA",
	    mus_type_text(type, type_text), mus_dnskey_tag(rdata(MUS_TYPE_DNSKEY, KEY, a)));
	say_rdata(m, MUS_SEC_ANSWER, owner, MUS_TYPE_RRSIG, rdata(MUS_TYPE_RRSIG, text, a), a);
}

enum mus_sigcheck
__wrap_mus_rrsig_check(struct mus_sigcache *cache, const struct mus_rrset *set, struct mus_rdata sig,
    const struct mus_name *zone, struct mus_rdata dnskey)
{
	(void)cache, (void)set, (void)sig, (void)zone, (void)dnskey;
	return MUS_SIG_GOOD;
}

static void
parent_says(struct mus_msg *m, uint16_t type, struct mus_arena *a)
{
	m->aa = type == MUS_TYPE_DS;
	if (type == MUS_TYPE_DS) {
		say_rdata(m, MUS_SEC_ANSWER, "c.ex.", type, ds_of_key(a), a);
		return;
	}
	say(m, MUS_SEC_AUTHORITY, "c.ex.", MUS_TYPE_NS, world.parent, a);
	if (world.glue)
		say(m, MUS_SEC_ADDITIONAL, "ns.c.ex.", MUS_TYPE_A, world.glue, a);
}

static void
child_says(struct mus_msg *m, const char *owner, uint16_t type, struct mus_arena *a)
{
	m->aa = true;
	if (type == MUS_TYPE_SOA)
		say(m, MUS_SEC_ANSWER, owner, type, "ns.c.ex. h.c.ex. 7 1 1 1 1", a);
	else if (type == MUS_TYPE_DNSKEY)
		say(m, MUS_SEC_ANSWER, owner, type, KEY, a);
	else if (type == MUS_TYPE_NS)
		say(m, MUS_SEC_ANSWER, owner, type, world.ns, a);
	else if (type == MUS_TYPE_CSYNC && world.csync)
		say(m, MUS_SEC_ANSWER, owner, type, world.csync, a);
	else if ((type == MUS_TYPE_A || type == MUS_TYPE_AAAA) && strcmp(owner, "new.c.ex.") == 0)
		say(m, MUS_SEC_ANSWER, owner, type, world.inside, a);
	else if ((type == MUS_TYPE_A || type == MUS_TYPE_AAAA) && strcmp(owner, "ns.c.ex.") == 0)
		say(m, MUS_SEC_ANSWER, owner, type, "192.0.2.1", a);
	else if (type == MUS_TYPE_CDS && world.wants_ds) {
		say_rdata(m, MUS_SEC_ANSWER, owner, type, ds_of_key(a), a);
		say(m, MUS_SEC_ANSWER, owner, type, OTHER, a);
	}
	if (m->rr_count[MUS_SEC_ANSWER] > 0)
		sign(m, owner, type, a);
}

int
__wrap_mus_dnsx_ask(struct mus_dnsx *x, const struct mus_dnsx_ask *q, mus_dnsx_fn *fn, void *arg,
    struct mus_dnsx_req **cookie)
{
	(void)x;
	assert_null(cookie);
	assert_true(question_count < MANY * 8);
	questions[question_count++] = (struct question){*q, fn, arg};
	return 0;
}

static void
end_question(struct question q)
{
	char owner[MUS_NAME_TEXT_MAX], at[MUS_ADDR_TEXT_MAX];
	struct mus_arena arena;
	struct mus_msg m = {.qr = true};
	struct mus_dnsx_answer ans = {.msg = &m, .arena = &arena};

	mus_arena_init(&arena, 1 << 20);
	mus_name_text(&q.q.query.name, owner);
	mus_addr_text(&q.q.server, 53, at);
	if (strcmp(at, PRIMARY) == 0)
		parent_says(&m, q.q.query.type, &arena);
	else if (strstr(at, ".99") || strstr(at, "::99"))
		ans = (struct mus_dnsx_answer){.err = MUS_ERR_TIMEOUT, .arena = &arena};
	else
		child_says(&m, owner, q.q.query.type, &arena);
	q.fn(q.arg, &ans);
	mus_arena_clear(&arena);
}

/* ---- a look ------------------------------------------------------------------------------------- */

void
__wrap_scan_child_done(struct scanner *s, struct child *c, bool silent)
{
	(void)s, (void)c;
	done = true;
	was_silent = silent;
}

static struct scan_verdict
look(int families)
{
	const char *digests[] = {"sha256"};
	struct scan_conf conf = {.parent.primary = addr(PRIMARY), .resolver.keep_s = 60,
	    .policy.digests = {digests, 1},
	    .query.families = families, .policy.ns_min = 1};
	struct scanner s = {.conf = &conf, .loop = mus_loop_new(), .dry_run = true, .full = true};
	struct child child = {.name = name("c.ex.")};

	assert_non_null(s.loop);
	OK(scan_hosts_open(&s));
	lookup_count = question_count = 0;
	done = was_silent = false;
	scan_check_start(&s, &child);
	for (size_t l = 0, q = 0; l < lookup_count || q < question_count;)
		if (l < lookup_count)
			end_lookup(lookups[l++]);
		else
			end_question(questions[q++]);
	assert_true(done);
	scan_hosts_close(&s);
	mus_loop_free(s.loop);
	return child.verdict;
}

struct row {
	const char *what;
	int families;
	struct found found;		/* the name server that it is about */
	enum mus_scan_rule rule;	/* NONE: the change would be made */
	const char *says;
	const char *glue, *inside;
};
#define SERVFAIL .half_err = MUS_ERR_NET, .words = "look up it AAAA: SERVFAIL"

static void
compare(const struct row *r, const struct scan_verdict *v, const struct mus_scan_finding *f)
{
	bool would = r->rule == MUS_SCAN_RULE_NONE;

	if (v->outcome != (would ? SCAN_WOULD : SCAN_HELD) || f->rule != r->rule ||
	    (r->says && !strstr(v->words, r->says)))
		fail_msg("%s: not by %s (%s): %s: %s", r->what, mus_scan_rule_word(r->rule),
		    r->says ? r->says : "", scan_outcome_text(v->outcome), v->words);
	assert_int_equal(was_silent, r->rule == MUS_SCAN_RULE_REACH);
}

/* The delegation names ns.host. alone, or ns.c.ex. where there is glue; its DS set is to have another record. */
static void
servers_of_the_delegation(void **state)
{
	static const struct row rows[] = {
	    {"both families", SCAN_BOTH, {.addrs = "192.0.2.1 2001:db8::1"}, MUS_SCAN_RULE_NONE, "+4711/13/2"},
	    {"one family, the other proved empty", SCAN_BOTH, {.addrs = "192.0.2.1"}, MUS_SCAN_RULE_NONE, NULL},
	    {"one family, the other failed", SCAN_BOTH, {.addrs = "192.0.2.1", SERVFAIL}, MUS_SCAN_RULE_REACH,
		"held: ns.host. (address not known), DNSKEY: a server cannot be asked: look up it AAAA: SERVFAIL [reach]"},
	    {"one family, the other bogus", SCAN_BOTH, {.addrs = "192.0.2.1", .security = MUS_LOOKUP_BOGUS, .words = "look up it A: bogus"},
		MUS_SCAN_RULE_REACH, "ns.host. (address not known), DNSKEY: a server cannot be asked: look up it A: bogus [reach]"},
	    {"one family, the other silent", SCAN_BOTH, {.addrs = "2001:db8::1", .half_err = MUS_ERR_TIMEOUT, .words = "no answer in 10 s"},
		MUS_SCAN_RULE_REACH, ": no answer in 10 s [reach]"},
	    {"more than there is room for", SCAN_BOTH, {.addrs = "192.0.2.1 192.0.2.2", .half_err = MUS_ERR_FULL, .words = "more than 16 addresses"},
		MUS_SCAN_RULE_REACH, ": more than 16 addresses [reach]"},
	    {"neither family", SCAN_BOTH, {.err = MUS_ERR_NET, SERVFAIL}, MUS_SCAN_RULE_REACH, "ns.host. (address not known), CDS: "},
	    {"no question", SCAN_BOTH, {.rc = MUS_ERR_FULL}, MUS_SCAN_RULE_REACH, "ns.host. (address not known), CDS: "},
	    {"proved to have none", SCAN_BOTH, {.addrs = ""}, MUS_SCAN_RULE_REACH, "ns.host. (no address), CDS: a server cannot be asked: has no address [reach]"},
	    {"none of the family", SCAN_IP4, {.addrs = "2001:db8::1"}, MUS_SCAN_RULE_REACH, "ns.host. (no address), CDS: "},
	    {"glue, and the zone has no other", SCAN_BOTH, {.addrs = "192.0.2.1"}, MUS_SCAN_RULE_NONE, NULL, .glue = "192.0.2.1"},
	    {"glue, and the zone has another", SCAN_BOTH, {.addrs = "192.0.2.1 2001:db8::99"}, MUS_SCAN_RULE_REACH,
		"ns.c.ex. 2001:db8::99, DNSKEY: a server cannot be asked: no answer in time [reach]", .glue = "192.0.2.1"},
	    {"glue alone", SCAN_BOTH, {.err = MUS_ERR_NET, SERVFAIL}, MUS_SCAN_RULE_REACH, "ns.c.ex. (address not known), DNSKEY: ", .glue = "192.0.2.1"},
	    {"glue and a half", SCAN_BOTH, {.addrs = "192.0.2.1", SERVFAIL}, MUS_SCAN_RULE_REACH, "ns.c.ex. (address not known), DNSKEY: ", .glue = "192.0.2.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct scan_verdict v;

		memset(&world, 0, sizeof world);
		world.ns = world.parent = r->glue ? "ns.c.ex." : "ns.host.";
		world.glue = r->glue;
		world.found[0] = r->found;
		world.found[0].name = world.ns;
		world.wants_ds = true;
		v = look(r->families);
		compare(r, &v, &v.ds);
	}
}

/* CSYNC brings in new.host., or new.c.ex. when the zone has its addresses. */
static void
newcomers(void **state)
{
	static const struct row rows[] = {
	    {"both families", SCAN_BOTH, {.addrs = "192.0.2.2 2001:db8::2"}, MUS_SCAN_RULE_NONE, "+new.host."},
	    {"a server of the delegation", SCAN_BOTH, {.addrs = "192.0.2.1"}, MUS_SCAN_RULE_NONE, NULL},
	    {"silent behind one", SCAN_BOTH, {.addrs = "192.0.2.2 2001:db8::99"}, MUS_SCAN_RULE_NEWAA, "(new.host.)"},
	    {"one family, the other failed", SCAN_BOTH, {.addrs = "192.0.2.2", SERVFAIL}, MUS_SCAN_RULE_NEWNS,
		"none that is asked (new.host.): look up it AAAA: SERVFAIL [new-ns]"},
	    {"a server of the delegation, the other failed", SCAN_BOTH, {.addrs = "192.0.2.1", SERVFAIL}, MUS_SCAN_RULE_NEWNS, "SERVFAIL [new-ns]"},
	    {"one family, the other bogus", SCAN_BOTH, {.addrs = "192.0.2.2", .security = MUS_LOOKUP_BOGUS, .words = "look up it A: bogus"},
		MUS_SCAN_RULE_NEWNS, "(new.host.): look up it A: bogus [new-ns]"},
	    {"no question", SCAN_BOTH, {.rc = MUS_ERR_FULL}, MUS_SCAN_RULE_NEWNS, "(new.host.): "},
	    {"proved to have none", SCAN_BOTH, {.addrs = ""}, MUS_SCAN_RULE_NEWNS, "(new.host.): has no address [new-ns]"},
	    {"none of the family", SCAN_IP4, {.addrs = "2001:db8::2"}, MUS_SCAN_RULE_NEWNS, "(new.host.): has no address of the family that is asked"},
	    {"the other family is not asked", SCAN_IP4, {.addrs = "192.0.2.2 2001:db8::99"}, MUS_SCAN_RULE_NONE, NULL},
	    {"in the zone", SCAN_BOTH, {.addrs = NULL}, MUS_SCAN_RULE_NONE, "+new.c.ex.", .inside = "192.0.2.2 2001:db8::2"},
	    {"in the zone, silent behind one", SCAN_BOTH, {.addrs = NULL}, MUS_SCAN_RULE_NEWAA, "(new.c.ex.)", .inside = "192.0.2.2 2001:db8::99"},
	    {"in the zone, none of the family", SCAN_IP4, {.addrs = NULL}, MUS_SCAN_RULE_NEWNS,
		"(new.c.ex.): has no address of the family that is asked (query.families) [new-ns]", .inside = "2001:db8::99"},
	    {"in the zone, the other family is not asked", SCAN_IP4, {.addrs = NULL}, MUS_SCAN_RULE_NONE, NULL, .inside = "192.0.2.2 2001:db8::99"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *r = &rows[i];
		struct scan_verdict v;

		memset(&world, 0, sizeof world);
		world.parent = "ns.host.";
		world.ns = r->inside ? "ns.host. new.c.ex." : "ns.host. new.host.";
		world.inside = r->inside;
		/* Only types that are there: a denial would have to be proved. */
		world.csync = !r->inside ? "7 1 NS" : !strchr(r->inside, '.') ? "7 1 NS AAAA" : "7 1 NS A AAAA";
		world.found[0] = (struct found){.name = "ns.host.", .addrs = "192.0.2.1"};
		world.found[1] = r->found;
		world.found[1].name = "new.host.";
		v = look(r->families);
		compare(r, &v, &v.csync);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(servers_of_the_delegation),
	    cmocka_unit_test(newcomers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
