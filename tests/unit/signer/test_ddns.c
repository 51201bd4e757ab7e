/*
 * Driver ddns against a fake signer on loopback that takes UPDATEs apart by itself: what is sent for a
 * change, byte for byte, and what each answer is taken for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../io/fake.h"
#include "signer/driver.h"

enum { RD_MAX = 1100, HAVE_MAX = 32, UPDATES_MAX = 4, RECS_MAX = 256 };
enum how { PLAIN, SILENT, CLOSES, OTHER_ID, SIGNED, BAD_MAC, TSIG_ERROR, TRUNCATED };

struct rec {				/* one line of an UPDATE */
	bool is_apex;
	uint16_t type, rclass, len;
	uint32_t ttl_s;
	uint8_t rd[RD_MAX];
};
struct update {
	struct rec pre[RECS_MAX], upd[RECS_MAX];
	size_t pre_count, upd_count;
	bool zone_ok;			/* one question: the zone, SOA, IN */
	bool extra;			/* something after the last record but a TSIG */
};

static struct mus_loop *l;
static struct mus_dnsx *x;
static struct fake *f;
static struct mus_name zone;
static struct mus_arena arena;
static struct mus_tsig_key *key, *other_key;

static struct {				/* the signer */
	enum how how, reads;		/* to an UPDATE, to a question */
	unsigned rcode, read_rcode, tsig_error;
	bool applies, keeps_csync, no_aa, someone_else;
	struct mus_tsig_key *key;
	struct rec have[HAVE_MAX];
	size_t have_count;
	struct update got[UPDATES_MAX];
	unsigned updates, questions;
	unsigned mute_from;		/* UPDATEs are not answered from this one on; 0: all are */
	enum mus_tsig_result tsig;	/* of the last request */
} s;

static struct mus_drv_job *job;		/* the one that was started last */
static struct {
	unsigned done;
	struct mus_drv_result r;
} res;

/* ---- the signer ---- */

static uint16_t
u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Length of a name at ${p}; *is_apex: it is the zone's, whole or by a pointer to the first name. */
static size_t
take_name(const uint8_t *p, bool *is_apex)
{
	size_t n = 0;

	if (p[0] == 0xc0) {
		*is_apex = p[1] == 12;
		return 2;
	}
	while (p[n] != 0 && p[n] < 0xc0)
		n += p[n] + 1u;
	*is_apex = p[n] == 0 && n + 1 == zone.len && memcmp(p, zone.wire, zone.len) == 0;
	return n + 1;
}

static size_t
take_rec(const uint8_t *p, struct rec *r)
{
	size_t n = take_name(p, &r->is_apex);

	r->type = u16(p + n);
	r->rclass = u16(p + n + 2);
	r->ttl_s = (uint32_t)u16(p + n + 4) << 16 | u16(p + n + 6);
	r->len = u16(p + n + 8);
	assert_in_range(r->len, 0, RD_MAX);
	memcpy(r->rd, p + n + 10, r->len);
	return n + 10 + r->len;
}

static void
take_update(const struct fake_q *q, struct update *u)
{
	const uint8_t *w = q->wire;
	size_t at = 12, ar = u16(w + 10);
	bool apex;
	struct rec tsig;

	u->pre_count = u16(w + 6);
	u->upd_count = u16(w + 8);
	assert_in_range(u->pre_count, 0, RECS_MAX);
	assert_in_range(u->upd_count, 0, RECS_MAX);
	at += take_name(w + at, &apex);
	u->zone_ok = apex && u16(w + 4) == 1 && u16(w + at) == MUS_TYPE_SOA && u16(w + at + 2) == MUS_CLASS_IN;
	at += 4;
	for (size_t i = 0; i < u->pre_count; i++)
		at += take_rec(w + at, &u->pre[i]);
	for (size_t i = 0; i < u->upd_count; i++)
		at += take_rec(w + at, &u->upd[i]);
	for (size_t i = 0; i < ar; i++) {
		at += take_rec(w + at, &tsig);
		u->extra |= tsig.type != MUS_TYPE_TSIG;
	}
	u->extra |= at != q->len || ar > 1;
}

static bool
same(const struct rec *a, const struct rec *b)
{
	return a->type == b->type && a->len == b->len && memcmp(a->rd, b->rd, a->len) == 0;
}

static void
have(uint16_t type, const void *rd, size_t len)
{
	struct rec *r = &s.have[s.have_count++];

	*r = (struct rec){.type = type, .len = (uint16_t)len};
	memcpy(r->rd, rd, len);
}

static void
drop(size_t i)
{
	s.have[i] = s.have[--s.have_count];
}

/* RFC 2136 3.2: the RRsets that prerequisites name are exactly those. */
static bool
prerequisites_hold(const struct update *u)
{
	for (size_t i = 0; i < u->pre_count; i++) {
		bool found = false;

		for (size_t k = 0; k < s.have_count; k++)
			found |= same(&s.have[k], &u->pre[i]);
		if (!found)
			return false;
	}
	for (size_t k = 0; u->pre_count && k < s.have_count; k++) {
		bool named = false, of_type = false;

		for (size_t i = 0; i < u->pre_count; i++) {
			of_type |= s.have[k].type == u->pre[i].type;
			named |= same(&s.have[k], &u->pre[i]);
		}
		if (of_type && !named)
			return false;
	}
	return true;
}

static void
apply(const struct update *u)
{
	for (size_t i = 0; i < u->upd_count; i++) {
		const struct rec *r = &u->upd[i];
		bool found = false;

		for (size_t k = s.have_count; k-- > 0;) {
			if (r->rclass == MUS_CLASS_ANY && s.have[k].type == r->type)
				drop(k);
			else if (same(&s.have[k], r) && r->rclass == MUS_CLASS_NONE &&
			    !(s.keeps_csync && r->type == MUS_TYPE_CSYNC))
				drop(k);
			else
				found |= same(&s.have[k], r);
		}
		if (r->rclass == MUS_CLASS_IN && !found)
			have(r->type, r->rd, r->len);
	}
}

/* The records of the type that is asked for. */
static size_t
add_records(const struct fake_q *q, uint8_t *out, size_t len)
{
	uint16_t type = u16(out + len - 4), count = 0;

	(void)q;
	for (size_t i = 0; i < s.have_count; i++) {
		const struct rec *r = &s.have[i];
		const uint8_t head[] = {0xc0, 12, (uint8_t)(r->type >> 8), (uint8_t)r->type, 0, 1, 0, 0, 0, 60,
		    (uint8_t)(r->len >> 8), (uint8_t)r->len};

		if (r->type != type)
			continue;
		memcpy(out + len, head, sizeof head);
		memcpy(out + len + sizeof head, r->rd, r->len);
		len += sizeof head + r->len;
		count++;
	}
	out[6] = (uint8_t)(count >> 8);
	out[7] = (uint8_t)count;
	return len;
}

/* A TSIG with an error and no MAC (RFC 8945 5.3.2). */
static size_t
add_tsig_error(uint8_t *out, size_t len)
{
	const struct mus_name *k = mus_tsig_key_name(s.key);
	struct mus_name alg;
	struct mus_buf b;

	assert_int_equal(mus_name_parse("hmac-sha256", &alg, NULL), 0);
	mus_buf_init(&b, 0);
	mus_buf_add(&b, k->wire, k->len);
	mus_buf_add_u16(&b, MUS_TYPE_TSIG);
	mus_buf_add_u16(&b, MUS_CLASS_ANY);
	mus_buf_add_u32(&b, 0);
	mus_buf_add_u16(&b, (uint16_t)(alg.len + 16 + (s.tsig_error == 18 ? 6 : 0)));
	mus_buf_add(&b, alg.wire, alg.len);
	mus_buf_add_u16(&b, 0);
	mus_buf_add_u32(&b, (uint32_t)(mus_loop_now(l).ms / 1000));
	mus_buf_add_u16(&b, 300);
	mus_buf_add_u16(&b, 0);
	mus_buf_add_u16(&b, u16(out));
	mus_buf_add_u16(&b, (uint16_t)s.tsig_error);
	mus_buf_add_u16(&b, s.tsig_error == 18 ? 6 : 0);
	for (unsigned i = 0; s.tsig_error == 18 && i < 6; i++)
		mus_buf_add_u8(&b, 0);
	assert_false(b.failed);
	memcpy(out + len, b.data, b.len);
	len += b.len;
	mus_buf_clear(&b);
	out[11]++;
	return len;
}

static void
answer(struct fake_q *q, enum how how, struct mus_tsig_ctx *ctx, uint8_t *out, size_t len, size_t cap)
{
	int n;

	switch (how) {
	case SILENT:
		return;
	case CLOSES:
		fake_close(q->conn);
		return;
	case OTHER_ID:
		out[0] ^= 0xff;
		break;
	case TRUNCATED:
		out[2] |= 2;
		break;
	case TSIG_ERROR:
		len = add_tsig_error(out, len);
		break;
	case SIGNED:
	case BAD_MAC:
		n = mus_tsig_sign(ctx, out, len, cap, mus_loop_now(l));
		assert_true(n > 0);
		len = (size_t)n;
		if (how == BAD_MAC)
			out[len - 10] ^= 1;	/* before original id, error and other length */
		break;
	case PLAIN:
		break;
	}
	fake_send(q, out, len);
}

static void
on_message(struct fake_q *q, void *arg)
{
	static uint8_t out[65535];
	struct mus_tsig_ctx ctx;
	unsigned rcode = s.rcode;
	size_t len;

	(void)arg;
	mus_tsig_ctx_init(&ctx, s.key);
	if (s.key)
		s.tsig = mus_tsig_check_request(&ctx, q->wire, q->len, mus_loop_now(l));
	if ((q->wire[2] >> 3 & 15) == MUS_OPCODE_UPDATE) {
		struct update *u = &s.got[s.updates++];

		assert_in_range(s.updates, 1, UPDATES_MAX);
		take_update(q, u);
		if (s.someone_else && s.updates == 2)
			have(MUS_TYPE_CSYNC, "\0\0\0\7\0\0\0\1\x20", 9);
		if (rcode == MUS_RCODE_NOERROR && !prerequisites_hold(u))
			rcode = MUS_RCODE_NXRRSET;
		if (rcode == MUS_RCODE_NOERROR && s.applies)
			apply(u);
		len = fake_reply(q, rcode, 0, out);
		answer(q, s.mute_from && s.updates >= s.mute_from ? SILENT : s.how, &ctx, out, len, sizeof out);
	} else {
		s.questions++;
		len = fake_reply(q, s.read_rcode, 0, out);
		if (s.read_rcode == 0 && s.reads != TRUNCATED)
			len = add_records(q, out, len);
		if (s.no_aa)
			out[2] &= (uint8_t)~4;
		answer(q, s.key && s.reads == PLAIN ? SIGNED : s.reads, &ctx, out, len, sizeof out);
	}
	mus_tsig_ctx_clear(&ctx);
}

/* ---- what we send ---- */

static struct mus_drv_change change;

static void
ask(uint16_t type, bool del, const char *rd, size_t len)
{
	change.rr[change.count++] = (struct mus_drv_rr){.type = type, .del = del, .ttl_s = del ? 0 : 77,
	    .rd = {(const uint8_t *)rd, (uint16_t)len}};
}

static void
on_result(void *arg, const struct mus_drv_result *r)
{
	(void)arg;
	res.done++;
	res.r = *r;
}

static int
start(struct mus_tsig_key *k)
{
	const struct mus_drv_target t = {.dnsx = x, .zone = zone, .update = f->addr, .key = k};

	res.done = 0;
	return mus_driver_ddns.apply(&t, &change, on_result, NULL, &job);
}

static void
run(struct mus_tsig_key *k)
{
	assert_int_equal(start(k), 0);
	until(l, &res.done, 1);
}

static int
setup(void **state)
{
	const struct mus_dnsx_opts o = {.tcp_timeout_ms = 200, .tcp_idle_ms = 50};

	(void)state;
	memset(&s, 0, sizeof s);
	memset(&change, 0, sizeof change);
	s.applies = true;
	l = mus_loop_new();
	x = mus_dnsx_new(l, &o);
	f = fake_new(l, FAKE_TCP, on_message, NULL);
	mus_arena_init(&arena, 1 << 20);
	assert_int_equal(mus_tsig_key_new("ctl.a", "hmac-sha256", "c2VjcmV0IG51bWJlciBvbmUsIGxvbmcgZW5vdWdo", &key, NULL), 0);
	assert_int_equal(mus_tsig_key_new("ctl.b", "hmac-sha256", "c2VjcmV0IG51bWJlciB0d28sIGxvbmcgZW5vdWdo", &other_key, NULL), 0);
	return mus_name_parse("shop.example", &zone, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	mus_dnsx_free(x);
	fake_free(f);
	mus_loop_free(l);
	mus_tsig_key_free(key);
	mus_tsig_key_free(other_key);
	mus_arena_clear(&arena);
	return 0;
}

/* ---- composition ---- */

/* Whatever else: one zone, only the apex, only the five types, no class but these, additions first. */
static void
check_form(const struct update *u, bool may_sweep)
{
	bool deleting = false;

	assert_true(u->zone_ok);
	assert_false(u->extra);
	for (size_t i = 0; i < u->pre_count; i++) {
		assert_true(u->pre[i].is_apex);
		assert_int_equal(u->pre[i].rclass, MUS_CLASS_IN);
		assert_int_equal(u->pre[i].ttl_s, 0);
		assert_true(u->pre[i].type == MUS_TYPE_NS || (may_sweep && u->pre[i].type == MUS_TYPE_CSYNC));
	}
	for (size_t i = 0; i < u->upd_count; i++) {
		const struct rec *r = &u->upd[i];

		assert_true(r->is_apex);
		assert_true(r->type == MUS_TYPE_DNSKEY || r->type == MUS_TYPE_CDS || r->type == MUS_TYPE_CDNSKEY ||
		    r->type == MUS_TYPE_CSYNC || r->type == MUS_TYPE_NS);
		if (may_sweep && r->rclass == MUS_CLASS_ANY) {
			assert_int_equal(r->type, MUS_TYPE_CSYNC);
			assert_int_equal(r->len, 0);
			continue;
		}
		assert_true(r->len > 0);
		assert_true(r->rclass == MUS_CLASS_IN || r->rclass == MUS_CLASS_NONE);
		assert_false(deleting && r->rclass == MUS_CLASS_IN);
		deleting |= r->rclass == MUS_CLASS_NONE;
		if (r->rclass == MUS_CLASS_NONE)
			assert_int_equal(r->ttl_s, 0);
	}
}

static void
exact_records(void **state)
{
	static const struct {
		uint16_t type, rclass;
		uint32_t ttl_s;
		const char *rd;
	} want[] = {
	    {MUS_TYPE_DNSKEY, MUS_CLASS_IN, 77, "key1"}, {MUS_TYPE_CDS, MUS_CLASS_IN, 77, "cds1"},
	    {MUS_TYPE_CSYNC, MUS_CLASS_IN, 77, "sync"}, {MUS_TYPE_DNSKEY, MUS_CLASS_NONE, 0, "key0"},
	    {MUS_TYPE_CDNSKEY, MUS_CLASS_NONE, 0, "cdk0"}, {MUS_TYPE_CDS, MUS_CLASS_NONE, 0, "cds0"},
	};

	(void)state;
	ask(MUS_TYPE_DNSKEY, true, "key0", 4);
	ask(MUS_TYPE_DNSKEY, false, "key1", 4);
	ask(MUS_TYPE_CDNSKEY, true, "cdk0", 4);
	ask(MUS_TYPE_CDS, false, "cds1", 4);
	ask(MUS_TYPE_CDS, true, "cds0", 4);
	ask(MUS_TYPE_CSYNC, false, "sync", 4);
	run(NULL);
	assert_int_equal(s.updates, 1);
	check_form(&s.got[0], false);
	assert_int_equal(s.got[0].pre_count, 0);
	assert_int_equal(s.got[0].upd_count, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct rec *r = &s.got[0].upd[i];

		assert_int_equal(r->type, want[i].type);
		assert_int_equal(r->rclass, want[i].rclass);
		assert_int_equal(r->ttl_s, want[i].ttl_s);
		assert_int_equal(r->len, 4);
		assert_memory_equal(r->rd, want[i].rd, 4);
	}
	assert_int_equal(res.r.outcome, MUS_DRV_SHOWN);
	assert_int_equal(res.r.messages, 1);
	assert_int_equal(s.questions, 4);	/* one a type */
}

/* A deletion from NS happens only if the set is still the one that was seen. */
static void
ns_prerequisites(void **state)
{
	static struct mus_rdata was[] = {{(const uint8_t *)"\2n1\0", 4}, {(const uint8_t *)"\2n2\0", 4}};

	(void)state;
	have(MUS_TYPE_NS, "\2n1\0", 4);
	have(MUS_TYPE_NS, "\2n2\0", 4);
	change.ns_was = was;
	change.ns_was_count = 2;
	ask(MUS_TYPE_NS, false, "\2n3\0", 4);
	run(NULL);				/* nothing is deleted: nothing is asked */
	assert_int_equal(s.got[0].pre_count, 0);
	ask(MUS_TYPE_NS, true, "\2n1\0", 4);
	run(NULL);
	check_form(&s.got[1], false);
	assert_int_equal(s.got[1].pre_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(s.got[1].pre[i].rd, was[i].data, 4);
	assert_int_equal(res.r.outcome, MUS_DRV_STALE);	/* n3 is there by now */
	assert_int_equal(s.have_count, 3);
	s.have_count = 2;
	run(NULL);
	assert_int_equal(res.r.outcome, MUS_DRV_SHOWN);
	assert_int_equal(s.have_count, 2);
}

static unsigned
rnd(unsigned below)
{
	static uint64_t seed = 20261122;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

/* Any change: what is asked is what is sent, no more, no less. */
static void
any_change(void **state)
{
	static const uint16_t types[] = {
	    MUS_TYPE_DNSKEY, MUS_TYPE_CDS, MUS_TYPE_CDNSKEY, MUS_TYPE_CSYNC, MUS_TYPE_NS};
	static char rd[MUS_DRV_RR_MAX][40];

	(void)state;
	s.applies = false;
	for (unsigned turn = 0; turn < 150; turn++) {
		const struct update *u = &s.got[0];
		size_t matched = 0;

		memset(&change, 0, sizeof change);
		memset(s.got, 0, sizeof s.got);
		s.updates = 0;
		for (unsigned i = 0, n = 1 + rnd(MUS_DRV_RR_MAX); i < n; i++) {
			size_t len = 4 + rnd(36);

			for (size_t k = 0; k < len; k++)
				rd[i][k] = (char)rnd(256);
			ask(types[rnd(5)], rnd(2) == 0, rd[i], len);
			change.rr[i].ttl_s = rnd(100000);
		}
		run(NULL);
		assert_int_equal(s.updates, 1);
		check_form(u, false);
		assert_int_equal(u->pre_count, 0);
		assert_int_equal(u->upd_count, change.count);
		for (size_t i = 0; i < change.count; i++)
			for (size_t k = 0; k < u->upd_count; k++) {
				const struct mus_drv_rr *a = &change.rr[i];
				const struct rec *b = &u->upd[k];

				if (a->type == b->type && a->rd.len == b->len &&
				    memcmp(a->rd.data, b->rd, b->len) == 0 &&
				    b->rclass == (a->del ? MUS_CLASS_NONE : MUS_CLASS_IN) &&
				    b->ttl_s == (a->del ? 0 : a->ttl_s)) {
					matched++;
					break;
				}
			}
		assert_int_equal(matched, change.count);
	}
}

/* What does not fit into one message is said, and nothing of it is sent. */
static void
size_limits(void **state)
{
	static char big[MUS_DRV_RR_MAX][RD_MAX];

	(void)state;
	s.applies = false;
	for (unsigned i = 0; i < MUS_DRV_RR_MAX; i++) {
		memset(big[i], (int)i, sizeof big[i]);
		ask(MUS_TYPE_DNSKEY, i % 2, big[i], 660);
	}
	run(NULL);				/* 96 keys of 4096 bits and more */
	assert_int_equal(s.got[0].upd_count, MUS_DRV_RR_MAX);
	check_form(&s.got[0], false);
	for (unsigned i = 0; i < MUS_DRV_RR_MAX; i++)
		change.rr[i].rd.len = 700;
	assert_int_equal(start(NULL), MUS_ERR_TOOBIG);
	turn_for(l, 50);
	assert_int_equal(res.done, 0);
	assert_int_equal(s.updates, 1);
}

/* A type that is not managed is a bug of ours: the program ends before anything is sent. */
static void
no_other_type(void **state)
{
	static const uint16_t types[] = {MUS_TYPE_A, MUS_TYPE_SOA, MUS_TYPE_DS, MUS_TYPE_TXT, MUS_TYPE_RRSIG,
	    MUS_TYPE_NSEC3PARAM, MUS_TYPE_ANY, 0};

	(void)state;
	for (unsigned t = 0; t <= 65535; t++)
		assert_int_equal(mus_drv_is_managed((uint16_t)t), t == 2 || t == 48 || t == 59 || t == 60 || t == 62);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		int status;
		pid_t pid;

		memset(&change, 0, sizeof change);
		ask(types[i], false, "data", 4);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			(void)close(STDERR_FILENO);
			signal(SIGABRT, SIG_DFL);
			(void)!start(NULL);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

/* ---- CSYNC that stays (PowerDNS) ---- */

static const char ours[] = "\0\0\0\1\0\0\0\1\x20", ours2[] = "\0\0\0\2\0\0\0\1\x20",
		  foreign[] = "\0\0\0\7\0\0\0\1\x20";

static void
csync_that_stays(void **state)
{
	const struct update *u = &s.got[1];

	(void)state;
	s.keeps_csync = true;
	have(MUS_TYPE_CSYNC, ours, 9);
	have(MUS_TYPE_DNSKEY, "key0", 4);
	ask(MUS_TYPE_CSYNC, true, ours, 9);
	ask(MUS_TYPE_CSYNC, false, ours2, 9);
	ask(MUS_TYPE_DNSKEY, true, "key0", 4);
	run(NULL);
	assert_int_equal(s.updates, 2);
	check_form(&s.got[0], false);
	check_form(u, true);
	/* as it was shown, both of them; the RRset; and again what is to be there; nothing else */
	assert_int_equal(u->pre_count, 2);
	assert_int_equal(u->pre[0].type, MUS_TYPE_CSYNC);
	assert_int_equal(u->pre[1].type, MUS_TYPE_CSYNC);
	assert_int_equal(u->upd_count, 2);
	assert_int_equal(u->upd[0].rclass, MUS_CLASS_ANY);
	assert_int_equal(u->upd[1].rclass, MUS_CLASS_IN);
	assert_int_equal(u->upd[1].ttl_s, 77);
	assert_memory_equal(u->upd[1].rd, ours2, 9);
	assert_int_equal(res.r.outcome, MUS_DRV_SHOWN);
	assert_int_equal(res.r.messages, 2);
	assert_int_equal(s.have_count, 1);
}

/* Nobody else's CSYNC goes with it: neither one that is shown, nor one that comes meanwhile. */
static void
csync_of_someone_else(void **state)
{
	(void)state;
	s.keeps_csync = true;
	have(MUS_TYPE_CSYNC, ours, 9);
	have(MUS_TYPE_CSYNC, foreign, 9);
	ask(MUS_TYPE_CSYNC, true, ours, 9);
	run(NULL);
	assert_int_equal(s.updates, 1);
	assert_int_equal(res.r.outcome, MUS_DRV_NOT_SHOWN);
	assert_int_equal(res.r.type, MUS_TYPE_CSYNC);
	assert_int_equal(s.have_count, 2);

	s.have_count = 1;
	s.updates = 0;
	s.someone_else = true;
	run(NULL);
	assert_int_equal(s.updates, 2);
	assert_int_equal(res.r.outcome, MUS_DRV_NOT_SHOWN);
	assert_int_equal(s.have_count, 2);
}

/* Once, and not for what could not be read. */
static void
csync_once(void **state)
{
	(void)state;
	s.applies = false;
	have(MUS_TYPE_CSYNC, ours, 9);
	ask(MUS_TYPE_CSYNC, true, ours, 9);
	run(NULL);
	assert_int_equal(s.updates, 2);
	assert_int_equal(res.r.outcome, MUS_DRV_NOT_SHOWN);
	s.updates = 0;
	s.reads = SILENT;
	run(NULL);
	assert_int_equal(s.updates, 1);
	assert_int_equal(res.r.outcome, MUS_DRV_NOT_SHOWN);
}

/* ---- answers ---- */

static const struct {
	const char *what;
	enum how how;
	unsigned rcode, tsig_error;
	bool with_key, lost;		/* lost: accepted, and not done */
	enum mus_drv_outcome want;
	bool silent;
	const char *words;
} answers[] = {
    {"taken", PLAIN, 0, .want = MUS_DRV_SHOWN, .words = ""},
    {"dropped", PLAIN, 0, .lost = true, .want = MUS_DRV_NOT_SHOWN, .words = "(NOERROR), but DNSKEY does not show"},
    {"FORMERR", PLAIN, 1, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: FORMERR"},
    {"SERVFAIL", PLAIN, 2, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: SERVFAIL"},
    {"NXDOMAIN", PLAIN, 3, .want = MUS_DRV_STALE, .words = "changed meanwhile (NXDOMAIN)"},
    {"NOTIMP", PLAIN, 4, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: NOTIMP"},
    {"REFUSED", PLAIN, 5, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: REFUSED"},
    {"YXDOMAIN", PLAIN, 6, .want = MUS_DRV_STALE, .words = "changed meanwhile (YXDOMAIN)"},
    {"YXRRSET", PLAIN, 7, .want = MUS_DRV_STALE, .words = "changed meanwhile (YXRRSET)"},
    {"NXRRSET", PLAIN, 8, .want = MUS_DRV_STALE, .words = "changed meanwhile (NXRRSET)"},
    {"NOTAUTH", PLAIN, 9, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: NOTAUTH"},
    {"NOTZONE", PLAIN, 10, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: NOTZONE"},
    {"what nobody knows", PLAIN, 15, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: RCODE15"},
    {"truncated, taken", TRUNCATED, 0, .want = MUS_DRV_SHOWN, .words = ""},
    {"truncated, dropped", TRUNCATED, 0, .lost = true, .want = MUS_DRV_NOT_SHOWN, .words = "does not show"},
    {"silent", SILENT, 0, .want = MUS_DRV_FAILED, .silent = true, .words = "no answer"},
    {"another id", OTHER_ID, 0, .want = MUS_DRV_FAILED, .silent = true, .words = "no answer"},
    {"hangs up", CLOSES, 0, .want = MUS_DRV_FAILED, .silent = true, .words = ""},
    {"signed", SIGNED, 0, .with_key = true, .want = MUS_DRV_SHOWN, .words = ""},
    {"signed refusal", SIGNED, 5, .with_key = true, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: REFUSED"},
    {"NOERROR unsigned", PLAIN, 0, .with_key = true, .want = MUS_DRV_FAILED, .words = ""},
    {"refusal unsigned", PLAIN, 5, .with_key = true, .want = MUS_DRV_REFUSED, .words = "UPDATE refused: REFUSED"},
    {"NOTAUTH unsigned", PLAIN, 9, .with_key = true, .want = MUS_DRV_REFUSED,
	.words = "NOTAUTH (answer is not signed: it does not know the key"},
    {"wrong MAC", BAD_MAC, 0, .with_key = true, .want = MUS_DRV_FAILED, .words = ""},
    {"BADSIG", TSIG_ERROR, 9, 16, .with_key = true, .want = MUS_DRV_REFUSED, .words = "another secret"},
    {"BADKEY", TSIG_ERROR, 9, 17, .with_key = true, .want = MUS_DRV_REFUSED, .words = "(BADKEY)"},
    {"BADTIME", TSIG_ERROR, 9, 18, .with_key = true, .want = MUS_DRV_REFUSED, .words = "clock"},
};

static void
every_answer(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		memset(&s, 0, sizeof s);
		memset(&change, 0, sizeof change);
		s.how = answers[i].how;
		s.rcode = answers[i].rcode;
		s.tsig_error = answers[i].tsig_error;
		s.applies = !answers[i].lost;
		s.key = answers[i].with_key ? key : NULL;
		ask(MUS_TYPE_DNSKEY, false, "key1", 4);
		run(s.key);
		if (res.r.outcome != answers[i].want || res.r.silent != answers[i].silent ||
		    !strstr(res.r.words.s, answers[i].words) || s.updates != 1 ||
		    (s.key && s.tsig != MUS_TSIG_OK) ||
		    (answers[i].want == MUS_DRV_REFUSED && res.r.rcode != answers[i].rcode)) {
			print_message("%s: outcome %d, silent %d, rcode %u, %u UPDATEs, \"%s\"\n", answers[i].what,
			    res.r.outcome, res.r.silent, res.r.rcode, s.updates, res.r.words.s);
			failed++;
		}
		assert_int_equal(res.done, 1);
	}
	assert_int_equal(failed, 0);
}

static void
nobody_there(void **state)
{
	struct mus_addr nobody = f->addr;
	struct mus_drv_target t = {.dnsx = x, .zone = zone};

	(void)state;
	fake_free(f);
	f = fake_new(l, FAKE_TCP, on_message, NULL);
	assert_true(nobody.port != f->addr.port);
	t.update = nobody;
	ask(MUS_TYPE_DNSKEY, false, "key1", 4);
	assert_int_equal(mus_driver_ddns.apply(&t, &change, on_result, NULL, &job), 0);
	until(l, &res.done, 1);
	assert_int_equal(res.r.outcome, MUS_DRV_FAILED);
	assert_true(res.r.silent);
	assert_int_equal(s.updates, 0);
}

/* A deletion that cannot be read back is not shown: what is missing in an error is no proof. */
static void
no_proof_by_error(void **state)
{
	static const struct {
		enum how reads;
		unsigned rcode;
		bool no_aa;
		const char *words;
	} rows[] = {
	    {PLAIN, 2, false, "SERVFAIL"}, {PLAIN, 5, false, "REFUSED"}, {PLAIN, 9, false, "NOTAUTH"},
	    {PLAIN, 3, false, "NXDOMAIN"}, {TRUNCATED, 0, false, "truncated"},
	    {PLAIN, 0, true, "not authoritative"}, {SILENT, 0, false, "no answer"},
	    {OTHER_ID, 0, false, "no answer"}, {CLOSES, 0, false, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memset(&s, 0, sizeof s);
		memset(&change, 0, sizeof change);
		s.applies = true;
		s.reads = rows[i].reads;
		s.read_rcode = rows[i].rcode;
		s.no_aa = rows[i].no_aa;
		have(MUS_TYPE_CDS, "cds0", 4);
		ask(MUS_TYPE_CDS, true, "cds0", 4);
		run(NULL);
		assert_int_equal(s.have_count, 0);
		if (res.r.outcome != MUS_DRV_NOT_SHOWN || !strstr(res.r.words.s, rows[i].words))
			fail_msg("row %d: outcome %d, \"%s\"", (int)i, res.r.outcome, res.r.words.s);
	}
}

/* Each zone is signed with the key it is given: a's does not open b's. */
static void
key_per_zone(void **state)
{
	(void)state;
	ask(MUS_TYPE_DNSKEY, false, "key1", 4);
	s.key = other_key;
	s.how = SIGNED;
	run(other_key);
	assert_int_equal(s.tsig, MUS_TSIG_OK);
	assert_int_equal(res.r.outcome, MUS_DRV_SHOWN);
	s.how = TSIG_ERROR;
	s.rcode = MUS_RCODE_NOTAUTH;
	s.tsig_error = 17;
	run(key);
	assert_int_equal(s.tsig, MUS_TSIG_PEER_BADKEY);
	assert_int_equal(res.r.outcome, MUS_DRV_REFUSED);
}

/* Nobody is told, and nothing is left behind: neither of an UPDATE, nor of what it is read back by. */
static void
cancelled(void **state)
{
	(void)state;
	s.mute_from = 1;
	ask(MUS_TYPE_DNSKEY, false, "key1", 4);
	ask(MUS_TYPE_CDS, false, "cds1", 4);
	assert_int_equal(start(NULL), 0);
	until(l, &s.updates, 1);
	mus_driver_ddns.cancel(job);

	s.mute_from = 0;
	s.reads = SILENT;
	assert_int_equal(start(NULL), 0);
	until(l, &s.questions, 2);
	mus_driver_ddns.cancel(job);

	/* The UPDATE that sweeps a CSYNC; and one that was not even sent. */
	s.reads = PLAIN;
	s.keeps_csync = true;
	s.updates = 0;
	s.mute_from = 2;
	change.count = 0;
	have(MUS_TYPE_CSYNC, ours, 9);
	ask(MUS_TYPE_CSYNC, true, ours, 9);
	assert_int_equal(start(NULL), 0);
	until(l, &s.updates, 2);
	mus_driver_ddns.cancel(job);
	assert_int_equal(start(NULL), 0);
	mus_driver_ddns.cancel(job);
	turn_for(l, 300);		/* longer than a time-out */
	assert_int_equal(res.done, 0);
	assert_int_equal(s.updates, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(exact_records, setup, teardown),
	    cmocka_unit_test_setup_teardown(ns_prerequisites, setup, teardown),
	    cmocka_unit_test_setup_teardown(any_change, setup, teardown),
	    cmocka_unit_test_setup_teardown(size_limits, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_other_type, setup, teardown),
	    cmocka_unit_test_setup_teardown(csync_that_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(csync_of_someone_else, setup, teardown),
	    cmocka_unit_test_setup_teardown(csync_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(every_answer, setup, teardown),
	    cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_proof_by_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(key_per_zone, setup, teardown),
	    cmocka_unit_test_setup_teardown(cancelled, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
