#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/text.h"
#include "fake.h"
#include "io/file.h"
#include "io/lookup.h"

/*
 * A fake server that holds "all" of the name space and is the stub for the root.  signed.test is
 * signed with an Ed25519 key that the resolver trusts; forged.test has a trust anchor and no
 * signatures; everything else is insecure.  The names of name servers lie outside the zones they
 * serve: once the resolver knows an address it would ask there, where nobody is.
 */
static const struct {
	const char *owner;
	uint16_t type;
	const char *rdata;
} records[] = {
	{".", MUS_TYPE_NS, "ns.root-servers.test."},
	{"ns.root-servers.test.", MUS_TYPE_A, "127.0.0.1"},
	{"www.plain.test.", MUS_TYPE_A, "192.0.2.1"},
	{"www.plain.test.", MUS_TYPE_A, "192.0.2.2"},
	{"half.other.test.", MUS_TYPE_A, "192.0.2.4"},
	{"www.plain.test.", MUS_TYPE_AAAA, "2001:db8::1"},
	{"alias.plain.test.", MUS_TYPE_CNAME, "www.plain.test."},
	{"txt.plain.test.", MUS_TYPE_TXT, "no address"},
	{"www.signed.test.", MUS_TYPE_A, "192.0.2.9"},
	{"broken.signed.test.", MUS_TYPE_A, "192.0.2.10"},
	{"www.forged.test.", MUS_TYPE_A, "192.0.2.66"},
	{"parent.test.", MUS_TYPE_NS, "ns1.hosts.test."},
	{"parent.test.", MUS_TYPE_NS, "ns2.hosts.test."},
	{"parent.test.", MUS_TYPE_NS, "failing.other.test."},
	{"parent.test.", MUS_TYPE_NS, "half.other.test."},
	{"parent.test.", MUS_TYPE_NS, "mute.hosts.test."},
	{"ns1.hosts.test.", MUS_TYPE_A, "192.0.2.53"},
	{"ns2.hosts.test.", MUS_TYPE_A, "192.0.2.54"},
	{"ns2.hosts.test.", MUS_TYPE_AAAA, "2001:db8::54"},
	{"x.deep.parent.test.", MUS_TYPE_A, "192.0.2.3"},
	{"alias.parent.test.", MUS_TYPE_CNAME, "plain.test."},
	{"plain.test.", MUS_TYPE_NS, "mute.hosts.test."},
	{"mute.hosts.test.", MUS_TYPE_TXT, "no address"},
	{"signed.test.", MUS_TYPE_DNSKEY, NULL},
};
enum { RECORDS = sizeof records / sizeof *records };

static struct mus_loop *l;
static struct fake *f;
static struct mus_lookup *k;
static char dir[64], anchors[128], stub[96];
static EVP_PKEY *key;
static uint8_t dnskey[4 + 32] = {1, 1, 3, 15};
static unsigned tag;
static bool mute;

static struct mus_name
name_of(const char *text)
{
	struct mus_name n;

	assert_int_equal(mus_name_parse(text, &n, NULL), 0);
	return n;
}

static void
add_rr(struct mus_buf *b, const struct mus_name *owner, uint16_t type, uint32_t ttl,
    const void *rd, size_t len)
{
	assert_true(mus_buf_add(b, owner->wire, owner->len));
	(void)mus_buf_add_u16(b, type);
	(void)mus_buf_add_u16(b, MUS_CLASS_IN);
	(void)mus_buf_add_u32(b, ttl);
	(void)mus_buf_add_u16(b, (uint16_t)len);
	assert_true(mus_buf_add(b, rd, len));
}

/* The signature of one record (all signed RRsets here have one). */
static void
add_sig(struct mus_buf *b, const struct mus_name *owner, uint16_t type, const void *rd, size_t len,
    bool broken)
{
	struct mus_name zone = name_of("signed.test.");
	struct mus_buf sig, data;
	uint8_t mac[64];
	size_t mac_len = sizeof mac;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	mus_buf_init(&sig, 0);
	mus_buf_init(&data, 0);
	(void)mus_buf_add_u16(&sig, type);
	(void)mus_buf_add_u8(&sig, 15);
	(void)mus_buf_add_u8(&sig, (uint8_t)mus_name_labels(owner));
	(void)mus_buf_add_u32(&sig, 600);	/* what it had when it was signed */
	(void)mus_buf_add_u32(&sig, (uint32_t)(time(NULL) + 86400));
	(void)mus_buf_add_u32(&sig, (uint32_t)(time(NULL) - 86400));
	(void)mus_buf_add_u16(&sig, (uint16_t)tag);
	(void)mus_buf_add(&sig, zone.wire, zone.len);
	(void)mus_buf_add(&data, sig.data, sig.len);
	add_rr(&data, owner, type, 600, rd, len);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, mac, &mac_len, data.data, data.len), 1);
	mac[0] ^= broken;
	assert_true(mus_buf_add(&sig, mac, mac_len));
	add_rr(b, owner, MUS_TYPE_RRSIG, 60, sig.data, sig.len);
	EVP_MD_CTX_free(ctx);
	mus_buf_clear(&sig);
	mus_buf_clear(&data);
}

static void
serves(struct fake_q *q, void *arg)
{
	static const char soa[] = ". hostmaster. 1 3600 3600 3600 60";
	struct mus_arena a;
	struct mus_msg m;
	struct mus_buf b;
	struct mus_name owner, zone = name_of("signed.test."), root = name_of(".");
	struct mus_rdata rd;
	uint8_t head[512];
	bool exists = false, sign, failing;
	unsigned count = 0, auth = 0, i;
	size_t len;

	(void)arg;
	if (mute)
		return;
	mus_arena_init(&a, 0);
	mus_buf_init(&b, 0);
	assert_int_equal(mus_msg_parse(q->wire, q->len, &a, &m, NULL), 0);
	owner = name_of("failing.other.test.");
	failing = mus_name_equal(&m.qname, &owner);
	owner = name_of("half.other.test.");
	failing |= mus_name_equal(&m.qname, &owner) && m.qtype == MUS_TYPE_AAAA;
	sign = mus_name_in(&m.qname, &zone);
	len = fake_reply(q, 0, 0, head);
	(void)mus_buf_add(&b, head, len);
	for (i = 0; i < RECORDS && !failing; i++) {
		owner = name_of(records[i].owner);
		exists = exists || mus_name_in(&owner, &m.qname);
		if (!mus_name_equal(&owner, &m.qname) ||
		    (records[i].type != m.qtype && records[i].type != MUS_TYPE_CNAME))
			continue;
		rd = (struct mus_rdata){dnskey, sizeof dnskey};
		if (records[i].rdata)
			assert_int_equal(mus_rdata_parse(records[i].type, records[i].rdata, &a, &rd,
			    NULL), 0);
		add_rr(&b, &owner, records[i].type, 60, rd.data, rd.len);
		count++;
		if (sign) {
			add_sig(&b, &owner, records[i].type, rd.data, rd.len,
			    strncmp(records[i].owner, "broken", 6) == 0);
			count++;
		}
	}
	if (count == 0) {
		assert_int_equal(mus_rdata_parse(MUS_TYPE_SOA, soa, &a, &rd, NULL), 0);
		add_rr(&b, &root, MUS_TYPE_SOA, 60, rd.data, rd.len);
		auth = 1;
	}
	b.data[3] = failing ? MUS_RCODE_SERVFAIL : count == 0 && !exists ? MUS_RCODE_NXDOMAIN : 0;
	b.data[7] = (uint8_t)count;
	b.data[9] = (uint8_t)auth;
	fake_send(q, b.data, b.len);
	mus_buf_clear(&b);
	mus_arena_clear(&a);
}

static int
make_anchors(void)
{
	char text[512], b64[64];
	size_t len = 32, i;
	uint32_t ac = 0;

	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!key || EVP_PKEY_get_raw_public_key(key, dnskey + 4, &len) != 1)
		return -1;
	for (i = 0; i < sizeof dnskey; i++)
		ac += i & 1 ? dnskey[i] : (uint32_t)dnskey[i] << 8;
	tag = (ac + (ac >> 16)) & 0xffff;
	mus_base64_encode(dnskey + 4, 32, b64);
	(void)snprintf(text, sizeof text, "signed.test. IN DNSKEY 257 3 15 %s\n"
	    "forged.test. IN DNSKEY 257 3 15 %s\n", b64, b64);
	(void)strcpy(dir, "/tmp/mus-test-lookup-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(anchors, sizeof anchors, "%s/anchors", dir);
	return mus_file_write(anchors, text, strlen(text), 0600, NULL);
}

static int
set_up_all(void **state)
{
	(void)state;
	return make_anchors();
}

static int
tear_down_all(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	(void)unlink(anchors);
	return rmdir(dir);
}

static void
start(unsigned timeout_s)
{
	const char *stubs[] = {stub, NULL};
	struct mus_lookup_opts o = {.trust_anchor_file = anchors, .stubs = stubs,
		.timeout_s = timeout_s};
	struct mus_errtext et;
	int rc;

	(void)snprintf(stub, sizeof stub, ". 127.0.0.1@%u", f->addr.port);
	if ((rc = mus_lookup_new(l, &o, &k, &et)) < 0)
		fail_msg("%d: %s", rc, et.s);
}

static int
set_up(void **state)
{
	(void)state;
	mute = false;
	l = mus_loop_new();
	f = fake_new(l, FAKE_UDP | FAKE_TCP, serves, NULL);
	start(0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mus_lookup_free(k);
	k = NULL;
	fake_free(f);
	mus_loop_free(l);
	return 0;
}

struct got {
	unsigned n;
	int err;
	char words[480];
	enum mus_lookup_security security;
	bool nxdomain;
	size_t count, sig_count;
	struct mus_name owner;
	uint8_t first[16];
};

static void
got(void *arg, const struct mus_lookup_result *r)
{
	struct got *g = arg;

	g->n++;
	g->err = r->err;
	(void)snprintf(g->words, sizeof g->words, "%s", r->words.s);
	g->security = r->security;
	g->nxdomain = r->nxdomain;
	g->count = r->set.count;
	g->sig_count = r->set.sig_count;
	g->owner = r->set.owner;
	if (r->set.count > 0)
		memcpy(g->first, r->set.rd[0].data, r->set.rd[0].len < 16 ? r->set.rd[0].len : 16);
}

static struct got
find(const char *name, uint16_t type)
{
	struct mus_name n = name_of(name);
	struct got g = {0};

	assert_int_equal(mus_lookup(k, &n, type, got, &g), 0);
	assert_int_equal(g.n, 0);
	until(l, &g.n, 1);
	return g;
}

static void
single_questions(void **state)
{
	struct mus_name n;
	struct got g = find("www.plain.test.", MUS_TYPE_A);

	(void)state;
	assert_int_equal(g.err, 0);
	assert_int_equal(g.security, MUS_LOOKUP_INSECURE);
	assert_int_equal(g.count, 2);
	assert_int_equal(g.first[3], 1);
	g = find("alias.plain.test.", MUS_TYPE_A);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.count, 2);
	n = name_of("www.plain.test.");
	assert_true(mus_name_equal(&g.owner, &n));
	g = find("txt.plain.test.", MUS_TYPE_A);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.count, 0);
	assert_false(g.nxdomain);
	g = find("none.plain.test.", MUS_TYPE_A);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.count, 0);
	assert_true(g.nxdomain);
	g = find("failing.other.test.", MUS_TYPE_A);
	assert_int_equal(g.err, MUS_ERR_NET);
	assert_non_null(strstr(g.words, "look up failing.other.test. A"));
}

static void
secure_and_bogus(void **state)
{
	struct got g = find("www.signed.test.", MUS_TYPE_A);

	(void)state;
	assert_int_equal(g.err, 0);
	assert_int_equal(g.security, MUS_LOOKUP_SECURE);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.sig_count, 1);
	/* Bogus: never with data. */
	g = find("broken.signed.test.", MUS_TYPE_A);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.security, MUS_LOOKUP_BOGUS);
	assert_int_equal(g.count, 0);
	assert_non_null(strstr(g.words, "bogus"));
	g = find("www.forged.test.", MUS_TYPE_A);
	assert_int_equal(g.security, MUS_LOOKUP_BOGUS);
	assert_int_equal(g.count, 0);
	/* A denial without proof in a signed zone is bogus as well. */
	g = find("none.signed.test.", MUS_TYPE_A);
	assert_int_equal(g.security, MUS_LOOKUP_BOGUS);
	assert_false(g.nxdomain);
}

static struct mus_lookup_addrs addrs;
static unsigned addrs_n;

static void
got_addrs(void *arg, const struct mus_lookup_addrs *r)
{
	(void)arg;
	addrs = *r;
	addrs_n++;
}

static void
find_addrs(const char *host)
{
	struct mus_name n = name_of(host);

	addrs_n = 0;
	assert_int_equal(mus_lookup_addrs(k, &n, 5353, got_addrs, NULL), 0);
	until(l, &addrs_n, 1);
}

static void
addresses(void **state)
{
	unsigned six = 0, i;

	(void)state;
	find_addrs("alias.plain.test.");
	assert_int_equal(addrs.err, 0);
	assert_int_equal(addrs.count, 3);
	assert_int_equal(addrs.security, MUS_LOOKUP_INSECURE);
	for (i = 0; i < 3; i++) {
		six += addrs.addr[i].family == 6;
		assert_int_equal(addrs.addr[i].port, 5353);
	}
	assert_int_equal(six, 1);
	find_addrs("txt.plain.test.");
	assert_int_equal(addrs.err, 0);
	assert_int_equal(addrs.count, 0);
	assert_int_equal(addrs.half_err, 0);
	assert_int_equal(addrs.ttl_s, 0);
	find_addrs("failing.other.test.");
	assert_int_equal(addrs.err, MUS_ERR_NET);
	find_addrs("half.other.test.");		/* A, and no answer for AAAA */
	assert_int_equal(addrs.err, 0);
	assert_int_equal(addrs.count, 1);
	assert_int_equal(addrs.half_err, MUS_ERR_NET);
	assert_int_equal(addrs.ttl_s, 60);
	find_addrs("www.signed.test.");	/* A is secure, the denial of AAAA is without proof */
	assert_int_equal(addrs.security, MUS_LOOKUP_BOGUS);
	assert_int_equal(addrs.ttl_s, 600);
}

static struct mus_lookup_parent parent;
static unsigned parent_n;

static void
got_parent(void *arg, const struct mus_lookup_parent *r)
{
	(void)arg;
	parent = *r;
	parent_n++;
}

static void
find_parent(const char *zone)
{
	struct mus_name n = name_of(zone);

	/* A cache of its own: the name servers that were found here answer to nobody. */
	mus_lookup_free(k);
	start(0);
	parent_n = 0;
	assert_int_equal(mus_lookup_parent(k, &n, got_parent, NULL), 0);
	until(l, &parent_n, 1);
}

static void
parents(void **state)
{
	static const char *const children[] = {"child.parent.test.", "child.deep.parent.test.",
		"no.such.names.parent.test.", "x.alias.parent.test."};
	static const struct {
		const char *name;
		int err;
	} lame[] = {{"failing.other.test.", MUS_ERR_NET}, {"half.other.test.", MUS_ERR_NET},
	    {"mute.hosts.test.", 0}};
	struct mus_name want = name_of("parent.test."), n;
	size_t i, j, at;
	unsigned ns2;

	(void)state;
	for (i = 0; i < 4; i++) {
		find_parent(children[i]);
		assert_int_equal(parent.err, 0);
		assert_true(mus_name_equal(&parent.zone, &want));
		assert_int_equal(parent.security, MUS_LOOKUP_INSECURE);
		assert_int_equal(parent.count, 4);	/* the half of one with them */
		n = name_of("ns2.hosts.test.");
		for (j = 0, ns2 = 0; j < 4; j++) {
			assert_int_equal(parent.server[j].addr.port, 53);
			ns2 += mus_name_equal(&parent.server[j].ns, &n);
		}
		assert_int_equal(ns2, 2);
		/* Who has no address, or is not told of, is named. */
		assert_int_equal(parent.lame_count, 3);
		for (j = 0; j < 3; j++) {
			n = name_of(lame[j].name);
			for (at = 0; at < 3 && !mus_name_equal(&parent.lame[at].ns, &n);)
				at++;
			assert_in_range(at, 0, 2);
			assert_int_equal(parent.lame[at].err, lame[j].err);
			assert_non_null(strstr(parent.lame[at].words.s, lame[j].name));
		}
	}
	find_parent("parent.test.");	/* up to the root */
	assert_int_equal(parent.err, 0);
	assert_true(mus_name_is_root(&parent.zone));
	assert_int_equal(parent.count, 1);
	find_parent("x.plain.test.");	/* its name server has no address */
	assert_int_equal(parent.err, MUS_ERR_NOTFOUND);
	find_parent("x.signed.test.");
	assert_int_equal(parent.err, 0);
	assert_int_equal(parent.security, MUS_LOOKUP_BOGUS);
	assert_int_equal(parent.count, 0);
	n = name_of(".");
	assert_int_equal(mus_lookup_parent(k, &n, got_parent, NULL), MUS_ERR_INVAL);
}

static void
time_out(void **state)
{
	struct got g;

	(void)state;
	mus_lookup_free(k);
	start(1);
	mute = true;
	g = find("www.plain.test.", MUS_TYPE_A);
	assert_int_equal(g.err, MUS_ERR_TIMEOUT);
	assert_non_null(strstr(g.words, "no answer in 1 s"));
	/* Freed with questions of all kinds under way. */
	mus_lookup_free(k);
	start(0);
	addrs_n = parent_n = 0;
	assert_int_equal(mus_lookup(k, &g.owner, MUS_TYPE_A, got, &g), 0);
	assert_int_equal(mus_lookup_addrs(k, &g.owner, 53, got_addrs, NULL), 0);
	assert_int_equal(mus_lookup_parent(k, &g.owner, got_parent, NULL), 0);
	turn_for(l, 20);
	mus_lookup_free(k);
	k = NULL;
	turn_for(l, 5);
	assert_int_equal(addrs_n + parent_n, 0);
}

static unsigned freed;
static void
frees(void *arg, const struct mus_lookup_result *r)
{
	(void)arg;
	(void)r;
	freed++;
	mus_lookup_free(k);
	k = NULL;
}

static void
free_in_a_callback(void **state)
{
	struct mus_name n = name_of("www.plain.test.");
	int i;

	(void)state;
	freed = 0;
	for (i = 0; i < 10; i++)
		assert_int_equal(mus_lookup(k, &n, MUS_TYPE_A, frees, NULL), 0);
	until(l, &freed, 1);
	turn_for(l, 5);
	assert_int_equal(freed, 1);
}

static void
many_at_once_and_a_bound(void **state)
{
	struct got *g = calloc(4096, sizeof *g);
	struct mus_name n = name_of("www.plain.test."), child;
	char label[16];
	unsigned i, done = 0;

	(void)state;
	assert_non_null(g);
	for (i = 0; i < 4096; i++) {
		(void)snprintf(label, sizeof label, "n%u", i % 200);
		assert_int_equal(mus_name_prepend(label, &n, &child), 0);
		assert_int_equal(mus_lookup(k, &child, MUS_TYPE_A, got, &g[i]), 0);
	}
	assert_int_equal(mus_lookup(k, &n, MUS_TYPE_A, got, NULL), MUS_ERR_FULL);
	for (i = 0; i < 4096; i++) {
		until(l, &g[i].n, 1);
		done += g[i].err == 0 && g[i].nxdomain;
	}
	assert_int_equal(done, 4096);
	free(g);
}

static void
wrong_options(void **state)
{
	const char *bad_stub[] = {"nospace", NULL};
	struct mus_lookup_opts o = {.trust_anchor_file = "/none/anchor"};
	struct mus_lookup *other = NULL;
	struct mus_errtext et;

	(void)state;
	assert_int_equal(mus_lookup_new(l, &o, &other, &et), MUS_ERR_NOTFOUND);
	assert_non_null(strstr(et.s, "/none/anchor"));
	o = (struct mus_lookup_opts){.trust_anchor_file = anchors, .root_hints_file = "/none/hints"};
	assert_int_equal(mus_lookup_new(l, &o, &other, &et), MUS_ERR_NOTFOUND);
	assert_non_null(strstr(et.s, "/none/hints"));
	o = (struct mus_lookup_opts){.trust_anchor_file = anchors, .stubs = bad_stub};
	assert_int_equal(mus_lookup_new(l, &o, &other, &et), MUS_ERR_INVAL);
	o = (struct mus_lookup_opts){.trust_anchor_file = anchors, .ipv4_only = true, .ipv6_only = true};
	assert_int_equal(mus_lookup_new(l, &o, &other, &et), MUS_ERR_INVAL);
	assert_null(other);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(single_questions),
		T(secure_and_bogus),
		T(addresses),
		T(parents),
		T(time_out),
		T(free_in_a_callback),
		T(many_at_once_and_a_bound),
		T(wrong_options),
	};
#undef T
	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
