/*
 * Round trip of random states, and decoding of anything at all.  The seed is printed; another one
 * can be given in MUS_SEED.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/map.h"
#include "model/codec.h"

static uint64_t seed = 20260101;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}
static unsigned
below(unsigned n)
{
	return (unsigned)(rnd() >> 20) % n;
}
static bool
chance(unsigned percent)
{
	return below(100) < percent;
}

/* Now and then the ends of the range. */
static uint64_t
rnd_u64(void)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return rnd();
	default:
		return rnd() >> (20 + below(44));
	}
}
static struct mus_time
rnd_time(void)
{
	switch (below(8)) {
	case 0:
		return MUS_TIME_NEVER;
	case 1:
		return MUS_TIME_ALWAYS;
	case 2:
		return (struct mus_time){(int64_t)rnd()};
	case 3:
		return (struct mus_time){chance(50) ? INT64_MAX - 1 : INT64_MIN + 1};
	default:
		return (struct mus_time){1767225600000 + (int64_t)below(100000000)};
	}
}
static void
rnd_name(char *out, size_t cap)
{
	size_t len = chance(5) ? cap - 1 : below(20);

	for (size_t i = 0; i < len; i++)
		out[i] = (char)(1 + below(255));
	out[len] = '\0';
}
static struct mus_addr
rnd_addr(void)
{
	struct mus_addr a = {.family = (uint8_t)(below(3) * 2), .port = 53};

	a.family = a.family == 2 ? 6 : a.family;
	if (chance(30))
		a.port = (uint16_t)rnd();
	for (unsigned i = 0; i < (a.family == 4 ? 4u : a.family == 6 ? 16u : 0u); i++)
		a.ip[i] = (uint8_t)rnd();
	return a;
}

static void
rnd_version(const struct mus_zonestate *z, unsigned kind, struct mus_version *v)
{
	static const uint64_t few[] = {1, 2, 3, UINT64_MAX};
	bool is_ns = kind == MUS_RR_NS || kind == MUS_RR_PNS;

	*v = (struct mus_version){.content = chance(50) ? few[below(4)] : rnd_u64(), .set = rnd_u64(),
	    .srv = rnd_u64(), .aux = rnd_u64(), .ttl_s = (uint32_t)rnd_u64(),
	    .serve_ttl_s = (uint32_t)rnd_u64(), .stray = (uint8_t)rnd_u64(),
	    .flags = (uint8_t)rnd_u64(), .sig_count = (uint8_t)below(MUS_SIGS_MAX + 1),
	    .first = rnd_time(), .last = rnd_time()};
	if (is_ns)
		v->set &= UINT32_MAX;
	if (chance(50))
		v->serve_ttl_s = v->ttl_s;
	for (unsigned i = 0; i < MUS_DT_COUNT; i++)
		v->dt[i] = rnd_u64();
	for (unsigned i = 0; i < v->sig_count; i++) {
		struct mus_sig *s = &v->sig[i];

		*s = (struct mus_sig){.key = chance(80) ? (uint8_t)below(MUS_KEYS_MAX) : MUS_KEY_NONE,
		    .alg = (uint8_t)rnd(), .tag = (uint16_t)rnd(), .from_s = (int64_t)rnd_u64(),
		    .until_s = chance(50) ? 17 : (int64_t)rnd_u64()};
		if (s->key != MUS_KEY_NONE && chance(80)) {
			s->alg = z->zone.key[s->key].alg;
			s->tag = z->zone.key[s->key].tag;
		}
	}
}

static void
rnd_ring(const struct mus_zonestate *z, unsigned kind, struct mus_ring *r)
{
	if (chance(30))
		return;			/* never asked */
	r->count = (uint8_t)(chance(10) ? MUS_VERSIONS_MAX : below(4));
	r->overflow = chance(10);
	r->fail_cause = (enum mus_cause)below(MUS_CAUSE_COUNT);
	r->fail_server = (uint8_t)below(MUS_SERVERS_MAX);
	r->ttl_max_s = (uint32_t)rnd_u64();
	r->ok = rnd_u64();
	r->fail = rnd_u64();
	r->asked_at = rnd_time();
	r->since = rnd_time();
	r->overflow_until = rnd_time();
	r->fail_since = rnd_time();
	for (unsigned i = 0; i < r->count; i++)
		rnd_version(z, kind, &r->v[i]);
	if (r->count > 0 && chance(50))
		r->ttl_max_s = r->v[r->count - 1].ttl_s;
}

static void
rnd_tables(struct mus_zonestate *z)
{
	z->book.zone_id = (int64_t)rnd_u64();
	rnd_name(z->book.zone, sizeof z->book.zone);
	rnd_name(z->book.parent, sizeof z->book.parent);
	z->zone.alg_count = (uint8_t)below(MUS_ALGS_MAX + 1);
	for (unsigned i = 0; i < z->zone.alg_count; i++)
		z->zone.alg[i] = (uint8_t)rnd();
	z->zone.signer_count = (uint8_t)below(MUS_SIGNERS_MAX + 1);
	for (unsigned i = 0; i < z->zone.signer_count; i++) {
		struct mus_zsigner *s = &z->zone.signer[i];
		struct mus_copy *c = &z->seen.copy[i];

		*s = (struct mus_zsigner){chance(50), chance(50), chance(50), chance(50), (uint32_t)rnd_u64(), chance(50),
		    {(enum mus_tri)below(3), (enum mus_tri)below(3), (enum mus_tri)below(3),
			(enum mus_tri)below(3), (enum mus_tri)below(3)}};
		z->book.signer_id[i] = (int64_t)rnd_u64();
		rnd_name(z->book.signer[i], sizeof z->book.signer[i]);
		if (chance(60))
			*c = (struct mus_copy){chance(50), chance(50), (uint32_t)rnd_u64(),
			    (uint32_t)rnd_u64(), rnd_u64(), rnd_u64(), chance(50), rnd_time(),
			    chance(50) ? rnd_time() : MUS_TIME_ALWAYS};
	}
	z->zone.key_count = (uint8_t)below(MUS_KEYS_MAX + 1);
	for (unsigned i = 0; i < z->zone.key_count; i++) {
		struct mus_zkey *k = &z->zone.key[i];
		size_t len = chance(3) ? MUS_BOOK_RDATA_MAX : below(80);

		if (chance(10))
			continue;	/* an index that is free */
		*k = (struct mus_zkey){(uint8_t)rnd(), (uint8_t)below(MUS_ALGS_MAX), (uint16_t)rnd(),
		    chance(50), chance(50), chance(50),
		    chance(80) ? (uint8_t)below(MUS_SIGNERS_MAX) : MUS_OWNER_UNKNOWN,
		    (enum mus_evidence)below(4), chance(50), (enum mus_tri)below(3), chance(20), rnd_time(), rnd_u64()};
		z->book.key[i].len = (uint16_t)len;
		assert_non_null(z->book.key[i].rdata = malloc(len ? len : 1));
		for (size_t j = 0; j < len; j++)
			z->book.key[i].rdata[j] = (uint8_t)rnd();
	}
	z->zone.ns_count = (uint8_t)below(MUS_NSNAMES_MAX + 1);
	for (unsigned i = 0; i < z->zone.ns_count; i++) {
		z->zone.ns[i] = (struct mus_zns){chance(80) ? (uint8_t)below(MUS_SIGNERS_MAX) : MUS_OWNER_UNKNOWN,
		    chance(50), chance(50)};
		rnd_name(z->book.ns[i], sizeof z->book.ns[i]);
	}
	z->zone.server_count = (uint8_t)below(MUS_SERVERS_MAX + 1);
	for (unsigned i = 0; i < z->zone.server_count; i++) {
		z->zone.server[i].origin = chance(80) ? (uint8_t)below(MUS_ORIGINS) : MUS_NOBODY;
		z->zone.server[i].ns = z->zone.server[i].origin >= MUS_PARENT ? (uint8_t)rnd() :
		    (uint8_t)below(MUS_NSNAMES_MAX);
		z->zone.server[i].also = chance(50) ? 0 : (uint32_t)rnd();
		z->book.addr[i] = rnd_addr();
		z->seen.server[i] = (struct mus_srvstate){rnd_time(), rnd_time(), chance(50), chance(50),
		    chance(50), (enum mus_tri)below(3), (enum mus_tri)below(3)};
	}
}

static void
rnd_state(struct mus_zonestate *z)
{
	struct mus_want *w = &z->want;

	rnd_tables(z);
	for (unsigned i = 0; i < z->zone.signer_count; i++)
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
			rnd_ring(z, k, &z->seen.signer[i][k]);
	for (unsigned k = 0; k < MUS_RR_PARENT_COUNT; k++)
		rnd_ring(z, MUS_RR_DS + k, &z->seen.parent[k]);
	z->seen.pending_count = (uint8_t)below(MUS_PENDING_MAX + 1);
	for (unsigned i = 0; i < z->seen.pending_count; i++)
		z->seen.pending[i] = (struct mus_pending){(uint8_t)below(MUS_SIGNERS_MAX),
		    (enum mus_rr_kind)below(MUS_RR_COUNT), rnd_u64() & UINT32_MAX, rnd_u64() & UINT32_MAX,
		    rnd_time()};
	w->adopted = chance(50);
	w->csync = chance(50);
	w->keyg = (uint8_t)rnd();
	w->dsg = (uint8_t)rnd();
	w->nsg = (uint8_t)rnd();
	w->met = (uint8_t)rnd();
	w->csync_serial = (uint32_t)rnd_u64();
	w->known = rnd_u64();
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (chance(30))
			w->roll[i] = (struct mus_roll){(enum mus_proc_kind)(1 + below(MUS_PROC_COUNT - 1)),
			    (uint8_t)below(MUS_SIGNERS_MAX), (uint8_t)rnd(), chance(50), rnd_u64(), rnd_u64(),
			    rnd_time(), rnd_time(), {rnd_time(), 1}, {rnd_time(), 2}, {rnd_time(), (uint32_t)rnd_u64()},
			    (uint8_t)rnd(), (uint8_t)below(128), chance(50), rnd_time()};
	if (chance(50)) {
		w->proc.kind = (enum mus_proc_kind)below(MUS_PROC_COUNT);
		w->proc.signer = (uint8_t)below(MUS_SIGNERS_MAX);
		w->proc.row = (uint8_t)rnd();
		w->proc.started_at = rnd_time();
		w->proc.row_at = rnd_time();
		for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
			w->proc.clock[i] = (struct mus_clock){rnd_time(), (uint32_t)rnd_u64()};
	}
}

/* ---- comparison, field by field: padding and what no count covers are not compared ---- */

#define SAME(field) assert_true(a->field == b->field)
#define SAME_TIME(field) assert_true(a->field.ms == b->field.ms)

static void
same_version(const struct mus_version *a, const struct mus_version *b)
{
	SAME(content);
	SAME(set);
	SAME(srv);
	SAME(aux);
	SAME(ttl_s);
	SAME(serve_ttl_s);
	SAME(stray);
	SAME(flags);
	SAME(sig_count);
	SAME_TIME(first);
	SAME_TIME(last);
	for (unsigned i = 0; i < MUS_DT_COUNT; i++)
		SAME(dt[i]);
	for (unsigned i = 0; i < a->sig_count; i++) {
		SAME(sig[i].key);
		SAME(sig[i].alg);
		SAME(sig[i].tag);
		SAME(sig[i].from_s);
		SAME(sig[i].until_s);
	}
}
static void
same_ring(const struct mus_ring *a, const struct mus_ring *b)
{
	SAME(count);
	SAME(overflow);
	SAME(fail_cause);
	SAME(fail_server);
	SAME(ttl_max_s);
	SAME(ok);
	SAME(fail);
	SAME_TIME(asked_at);
	SAME_TIME(since);
	SAME_TIME(overflow_until);
	SAME_TIME(fail_since);
	for (unsigned i = 0; i < a->count; i++)
		same_version(&a->v[i], &b->v[i]);
}
static void
same_tables(const struct mus_zonestate *a, const struct mus_zonestate *b)
{
	SAME(book.zone_id);
	assert_string_equal(a->book.zone, b->book.zone);
	assert_string_equal(a->book.parent, b->book.parent);
	SAME(zone.signer_count);
	SAME(zone.ns_count);
	SAME(zone.server_count);
	SAME(zone.key_count);
	SAME(zone.alg_count);
	assert_memory_equal(a->zone.alg, b->zone.alg, sizeof a->zone.alg);
	for (unsigned i = 0; i < MUS_SIGNERS_MAX; i++) {
		SAME(zone.signer[i].is_member);
		SAME(zone.signer[i].is_lost);
		SAME(zone.signer[i].has_driver);
		SAME(zone.signer[i].declared_max_ttl_s);
		SAME(zone.signer[i].declared_content);
		SAME(zone.signer[i].caps.dnskey);
		SAME(zone.signer[i].caps.cds);
		SAME(zone.signer[i].caps.cdnskey);
		SAME(zone.signer[i].caps.csync);
		SAME(zone.signer[i].caps.ns);
		SAME(book.signer_id[i]);
		assert_string_equal(a->book.signer[i], b->book.signer[i]);
		SAME(seen.copy[i].known);
		SAME(seen.copy[i].declared);
		SAME(seen.copy[i].serial);
		SAME(seen.copy[i].ttl_max_s);
		SAME(seen.copy[i].content);
		SAME(seen.copy[i].keys_in_data);
		SAME(seen.copy[i].has_stray_sigs);
		SAME_TIME(seen.copy[i].at);
		SAME_TIME(seen.copy[i].unread_at);
	}
	for (unsigned i = 0; i < MUS_KEYS_MAX; i++) {
		assert_int_equal(a->book.key[i].rdata == NULL, b->book.key[i].rdata == NULL);
		if (a->book.key[i].rdata == NULL)
			continue;
		SAME(book.key[i].len);
		if (a->book.key[i].len > 0)
			assert_memory_equal(a->book.key[i].rdata, b->book.key[i].rdata, a->book.key[i].len);
		SAME(zone.key[i].alg);
		SAME(zone.key[i].alg_idx);
		SAME(zone.key[i].tag);
		SAME(zone.key[i].is_sep);
		SAME(zone.key[i].is_revoked);
		SAME(zone.key[i].is_zone);
		SAME(zone.key[i].owner);
		SAME(zone.key[i].evidence);
		SAME(zone.key[i].signs_key);
		SAME(zone.key[i].is_unasked);
		SAME(zone.key[i].signs_data);
		SAME_TIME(zone.key[i].gone_at);
		SAME(zone.key[i].id);
	}
	for (unsigned i = 0; i < MUS_NSNAMES_MAX; i++) {
		assert_string_equal(a->book.ns[i], b->book.ns[i]);
		SAME(zone.ns[i].owner);
		SAME(zone.ns[i].in_domain);
		SAME(zone.ns[i].is_former);
	}
	for (unsigned i = 0; i < MUS_SERVERS_MAX; i++) {
		SAME(zone.server[i].origin);
		SAME(zone.server[i].ns);
		SAME(zone.server[i].also);
		assert_true(mus_addr_equal(&a->book.addr[i], &b->book.addr[i]));
		SAME_TIME(seen.server[i].led_until);
		SAME_TIME(seen.server[i].cut);
		SAME(seen.server[i].udp_ok);
		SAME(seen.server[i].tcp_ok);
		SAME(seen.server[i].aa_ok);
		SAME(seen.server[i].udp);
		SAME(seen.server[i].tcp);
	}
}
static void
same_state(const struct mus_zonestate *a, const struct mus_zonestate *b)
{
	same_tables(a, b);
	for (unsigned i = 0; i < MUS_SIGNERS_MAX; i++)
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
			same_ring(&a->seen.signer[i][k], &b->seen.signer[i][k]);
	for (unsigned k = 0; k < MUS_RR_PARENT_COUNT; k++)
		same_ring(&a->seen.parent[k], &b->seen.parent[k]);
	SAME(seen.pending_count);
	for (unsigned i = 0; i < a->seen.pending_count; i++) {
		SAME(seen.pending[i].signer);
		SAME(seen.pending[i].kind);
		SAME(seen.pending[i].add);
		SAME(seen.pending[i].del);
		SAME_TIME(seen.pending[i].sent_at);
	}
	SAME(want.adopted);
	SAME(want.csync);
	SAME(want.keyg);
	SAME(want.dsg);
	SAME(want.nsg);
	SAME(want.met);
	SAME(want.csync_serial);
	SAME(want.known);
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		SAME(want.roll[i].kind);
		SAME(want.roll[i].signer);
		SAME(want.roll[i].row);
		SAME(want.roll[i].early);
		SAME(want.roll[i].in);
		SAME(want.roll[i].out);
		SAME_TIME(want.roll[i].started_at);
		SAME_TIME(want.roll[i].row_at);
		SAME_TIME(want.roll[i].key.from);
		SAME_TIME(want.roll[i].ds.from);
		SAME_TIME(want.roll[i].data.from);
		SAME(want.roll[i].key.ttl_s);
		SAME(want.roll[i].ds.ttl_s);
		SAME(want.roll[i].data.ttl_s);
		SAME(want.roll[i].told_row);
		SAME(want.roll[i].told_tries);
		SAME(want.roll[i].told);
		SAME_TIME(want.roll[i].told_at);
	}
	SAME(want.proc.kind);
	SAME(want.proc.signer);
	SAME(want.proc.row);
	SAME_TIME(want.proc.started_at);
	SAME_TIME(want.proc.row_at);
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++) {
		SAME_TIME(want.proc.clock[i].from);
		SAME(want.proc.clock[i].ttl_s);
	}
}

/* ---- tests ---- */

static struct mus_zonestate *a, *b, *fresh;

static struct mus_zonestate *
state_new(void)
{
	struct mus_zonestate *z = malloc(sizeof *z);

	assert_non_null(z);
	memset(z, 0xa5, sizeof *z);
	mus_zonestate_init(z);
	return z;
}
static int
setup(void **state)
{
	(void)state;
	if (getenv("MUS_SEED"))
		seed = strtoull(getenv("MUS_SEED"), NULL, 0);
	print_message("seed %llu\n", (unsigned long long)seed);
	a = state_new();
	b = state_new();
	fresh = state_new();
	return 0;
}
static int
teardown(void **state)
{
	(void)state;
	mus_zonestate_clear(a);
	mus_zonestate_clear(b);
	free(a);
	free(b);
	free(fresh);
	return 0;
}

static void
fresh_state(void **state)
{
	struct mus_buf out;

	(void)state;
	mus_buf_init(&out, 0);
	assert_true(mus_zonestate_encode(fresh, &out));
	assert_true(out.len < 40);
	assert_int_equal(mus_zonestate_decode(b, out.data, out.len, NULL), 0);
	same_state(fresh, b);
	mus_buf_clear(&out);
}

/* The scratch is reused without being cleared in between, as the engine does. */
static void
random_states(void **state)
{
	struct mus_errtext et = {""};
	struct mus_buf out;

	(void)state;
	mus_buf_init(&out, 0);
	for (unsigned i = 0; i < 200; i++) {
		mus_zonestate_clear(a);
		rnd_state(a);
		mus_buf_reset(&out);
		assert_true(mus_buf_add(&out, "xy", 2));	/* encode appends */
		assert_true(mus_zonestate_encode(a, &out));
		assert_memory_equal(out.data, "xy", 2);
		if (mus_zonestate_decode(b, out.data + 2, out.len - 2, &et) < 0)
			fail_msg("round %u: %s", i, et.s);
		same_state(a, b);
	}
	mus_buf_clear(&out);
}

static void
no_memory_is_told(void **state)
{
	struct mus_buf out;

	(void)state;
	mus_zonestate_clear(a);
	rnd_state(a);
	mus_buf_init(&out, 100);
	assert_false(mus_zonestate_encode(a, &out));
	mus_buf_clear(&out);
}

/* Two signers with a server each, two parent servers, one or two versions per ring, six keys. */
static void
idle_zone(struct mus_zonestate *z)
{
	const struct mus_time now = {1767225600000};
	static const char *const names[] = {"bind", "knot"};

	mus_zonestate_clear(z);
	z->book.zone_id = 4711;
	strcpy(z->book.zone, "example.lab.");
	strcpy(z->book.parent, "lab.");
	z->zone.signer_count = 2;
	z->zone.ns_count = 2;
	z->zone.server_count = 4;
	z->zone.key_count = 6;
	z->zone.alg_count = 1;
	z->zone.alg[0] = 13;
	for (unsigned i = 0; i < 2; i++) {
		strcpy(z->book.signer[i], names[i]);
		z->book.signer_id[i] = i + 1;
		z->zone.signer[i] = (struct mus_zsigner){.is_member = true, .has_driver = true,
		    .caps = {MUS_YES, MUS_YES, MUS_YES, MUS_YES, MUS_YES}};
		z->seen.copy[i] = (struct mus_copy){.known = true, .serial = 2026010100, .ttl_max_s = 86400,
		    .content = 0x1234567812345678, .keys_in_data = 2u << (3 * i), .at = now, .unread_at = now};
		snprintf(z->book.ns[i], sizeof z->book.ns[i], "ns1.%s.lab.", names[i]);
		z->zone.ns[i].owner = (uint8_t)i;
	}
	for (unsigned i = 0; i < 4; i++) {
		z->zone.server[i] = (struct mus_server){i < 2 ? (uint8_t)i : MUS_PARENT, (uint8_t)(i & 1)};
		z->book.addr[i] = (struct mus_addr){4, 53, {10, 53, (uint8_t)(3 + i), 1}};
		z->seen.server[i] = (struct mus_srvstate){now, MUS_TIME_NEVER, true, true, true, MUS_YES, MUS_YES};
	}
	for (unsigned i = 0; i < 6; i++) {
		z->zone.key[i] = (struct mus_zkey){.alg = 13, .tag = (uint16_t)(11000 + 777 * i),
		    .is_sep = i % 3 == 0, .is_zone = true, .owner = (uint8_t)(i / 3), .evidence = MUS_EV_SIGNATURE,
		    .signs_key = i % 3 == 0, .signs_data = MUS_YES, .gone_at = MUS_TIME_NEVER, .id = rnd()};
		z->book.key[i] = (struct mus_book_key){malloc(68), 68};
		assert_non_null(z->book.key[i].rdata);
		for (unsigned j = 0; j < 68; j++)
			z->book.key[i].rdata[j] = (uint8_t)rnd();
	}
	for (unsigned k = 0; k < MUS_RR_COUNT; k++) {
		uint64_t common = rnd();
		bool absent = k == MUS_RR_CSYNC || k == MUS_RR_ADDR || k == MUS_RR_GLUE;
		bool own = k == MUS_RR_SOA || k == MUS_RR_DENY0 || k == MUS_RR_DENY1 || k == MUS_RR_DENY2;

		for (unsigned o = k < MUS_RR_DS ? 0 : MUS_PARENT; o < (k < MUS_RR_DS ? 2u : MUS_ORIGINS); o++) {
			struct mus_ring *r = mus_seen_ring(&z->seen, o, (enum mus_rr_kind)k);

			r->count = !absent && (k == MUS_RR_SOA || k == MUS_RR_DS) ? 2 : 1;
			r->ttl_max_s = 3600;
			r->ok = o == MUS_PARENT ? 12 : mus_bit(o);
			r->asked_at = (struct mus_time){now.ms + 100000 + o * 7};
			r->since = now;
			for (unsigned i = 0; i < r->count; i++) {
				struct mus_version *v = &r->v[i];

				memset(v, 0, sizeof *v);
				v->flags = absent ? MUS_VER_ABSENT : 0;
				v->content = absent ? 0 : own ? rnd() : common + i;
				v->set = absent || own || k == MUS_RR_NAME ? 0 :
				    k == MUS_RR_NS || k == MUS_RR_PNS ? 3 : k == MUS_RR_KEY ? 63 : 9;
				v->dt[1] = k == MUS_RR_CDS || k == MUS_RR_DS ? 9 : 0;
				v->srv = i + 1u == r->count ? r->ok : 0;
				v->aux = k == MUS_RR_SOA ? rnd() : 0;
				v->ttl_s = v->serve_ttl_s = 3600;
				v->first = (struct mus_time){now.ms + i * 50000 + o};
				v->last = i + 1u == r->count ? MUS_TIME_ALWAYS : r->asked_at;
				v->sig_count = !absent && k != MUS_RR_PNS && k != MUS_RR_GLUE;
				if (o == MUS_PARENT)
					v->sig[0] = (struct mus_sig){MUS_KEY_NONE, 13, 999, 1767200000, 1768400000};
				else
					v->sig[0] = (struct mus_sig){(uint8_t)(3 * o + (k > 2)), 13,
					    z->zone.key[3 * o + (k > 2)].tag, 1767200000, 1768400000};
			}
		}
	}
	z->want.adopted = true;
	z->want.keyg = z->want.dsg = z->want.nsg = 3;
	z->want.known = 0x3f;
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
idle_zone_is_small(void **state)
{
	enum { ROUNDS = 2000 };
	struct mus_buf out;
	double t0, t1, t2, t3;

	(void)state;
	mus_buf_init(&out, 0);
	idle_zone(a);
	assert_true(mus_zonestate_encode(a, &out));
	t0 = now_us();
	for (unsigned i = 0; i < ROUNDS; i++) {
		mus_buf_reset(&out);
		assert_true(mus_zonestate_encode(a, &out));
	}
	t1 = now_us();
	for (unsigned i = 0; i < ROUNDS; i++)
		assert_int_equal(mus_zonestate_decode(b, out.data, out.len, NULL), 0);
	t2 = now_us();
	for (unsigned i = 0; i < ROUNDS; i++)
		mus_zonestate_clear(fresh);
	t3 = now_us();
	same_state(a, b);
	print_message("idle zone %zu bytes, encode %.2f us, decode %.2f us, clear %.2f us\n", out.len,
	    (t1 - t0) / (int)ROUNDS, (t2 - t1) / (int)ROUNDS, (t3 - t2) / (int)ROUNDS);
	assert_true(out.len < 1400);
	mus_buf_clear(&out);
}

static void
set_checksum(uint8_t *p, size_t len)
{
	uint32_t sum = (uint32_t)mus_siphash(p, len - 4, 0x6d75736963, 0x7a6f6e65);

	for (unsigned i = 0; i < 4; i++)
		p[len - 4 + i] = (uint8_t)(sum >> (24 - 8 * i));
}

/* After an error the state is as after init. */
static void
expect_refused(const uint8_t *p, size_t len, int want)
{
	struct mus_errtext et = {""};
	int rc = mus_zonestate_decode(b, p, len, &et);

	assert_int_equal(rc, want);
	assert_true(et.s[0] != '\0');
	same_state(fresh, b);
}

static void
refusals(void **state)
{
	struct mus_buf out;

	(void)state;
	mus_buf_init(&out, 0);
	idle_zone(a);
	assert_true(mus_zonestate_encode(a, &out));
	expect_refused(out.data, 0, MUS_ERR_MALFORM);
	expect_refused(out.data, 4, MUS_ERR_MALFORM);
	out.data[out.len / 2] ^= 1;
	expect_refused(out.data, out.len, MUS_ERR_MALFORM);		/* checksum */
	out.data[out.len / 2] ^= 1;
	assert_int_equal(mus_zonestate_decode(b, out.data, out.len, NULL), 0);
	out.data[0]++;
	set_checksum(out.data, out.len);
	expect_refused(out.data, out.len, MUS_ERR_UNSUPPORTED);
	out.data[0]--;
	assert_true(mus_buf_add(&out, "z", 1));			/* something left over */
	set_checksum(out.data, out.len);
	expect_refused(out.data, out.len, MUS_ERR_MALFORM);
	mus_buf_clear(&out);
}

/* Version 5 knew nothing of signers that are told to go on. */
static void
version_before_commands(void **state)
{
	struct mus_roll *r;
	struct mus_buf out;

	(void)state;
	mus_buf_init(&out, 0);
	idle_zone(a);
	r = &a->want.roll[1];
	*r = (struct mus_roll){.kind = MUS_PROC_KSK, .in = 1, .started_at = {5}, .row_at = {6}, .key = {{7}, 8},
	    .ds = {{9}, 10}, .data = {MUS_TIME_NEVER, 11}, .told_at = MUS_TIME_NEVER};
	assert_true(mus_zonestate_encode(a, &out));
	out.len -= 3;			/* the row, how often, when: as the time before */
	out.data[0] = 5;
	set_checksum(out.data, out.len);
	assert_int_equal(mus_zonestate_decode(b, out.data, out.len, NULL), 0);
	same_state(a, b);
	mus_buf_clear(&out);
}

/* Version 4 knew nothing of roll-overs, 3 nothing of copies that were not read; what is older is refused. */
static void
older_version(void **state)
{
	struct mus_buf out;

	(void)state;
	mus_buf_init(&out, 0);
	idle_zone(a);
	a->seen.copy[0].unread_at = a->seen.copy[1].unread_at = MUS_TIME_ALWAYS;
	assert_true(mus_zonestate_encode(a, &out));
	/* Keys that are known, and no roll-over: the last bytes of an idle zone. */
	assert_int_equal(out.data[out.len - 6], 0x3f);
	out.len -= 2;
	for (uint8_t version = 4; version >= 3; version--) {
		out.data[0] = version;
		set_checksum(out.data, out.len);
		assert_int_equal(mus_zonestate_decode(b, out.data, out.len, NULL), 0);
		assert_true(b->want.known == ~0ull);
		b->want.known = a->want.known;
		same_state(a, b);
	}
	out.data[0] = 2;
	set_checksum(out.data, out.len);
	expect_refused(out.data, out.len, MUS_ERR_UNSUPPORTED);
	mus_buf_clear(&out);
}

/* A walk over everything, as a careless reader would: ASan finds what points outside. */
static void
walk(const struct mus_zonestate *z)
{
	volatile uint64_t sum = 0;

	for (unsigned i = 0; i < z->zone.server_count; i++) {
		if (z->zone.server[i].origin >= MUS_PARENT)
			continue;
		sum += z->zone.signer[z->zone.server[i].origin].is_member;
		if (z->zone.server[i].ns != MUS_NOBODY)
			sum += z->zone.ns[z->zone.server[i].ns].owner;
	}
	for (unsigned i = 0; i < z->zone.key_count; i++)
		if (z->zone.key[i].owner != MUS_OWNER_UNKNOWN)
			sum += z->zone.signer[z->zone.key[i].owner].is_member + z->zone.alg[z->zone.key[i].alg_idx];
	for (unsigned o = 0; o < z->zone.signer_count; o++)
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++)
			for (unsigned i = 0; i < z->seen.signer[o][k].count; i++) {
				const struct mus_version *v = &z->seen.signer[o][k].v[i];

				for (unsigned j = 0; j < v->sig_count; j++)
					if (v->sig[j].key != MUS_KEY_NONE)
						sum += z->zone.key[v->sig[j].key].tag;
				if (k == MUS_RR_NS)
					assert_true(v->set >> MUS_NSNAMES_MAX == 0);
			}
	for (unsigned i = 0; i < z->seen.pending_count; i++)
		sum += z->zone.signer[z->seen.pending[i].signer].is_member;
	(void)sum;
}

/* A decoded state can be encoded again (no assert fires): nothing out of range came through. */
static bool
try_hostile(const uint8_t *p, size_t len, struct mus_buf *again)
{
	uint8_t *copy = malloc(len);		/* exact size: ASan sees the first byte beyond */
	bool ok;

	assert_non_null(copy);
	memcpy(copy, p, len);
	set_checksum(copy, len);
	ok = mus_zonestate_decode(b, copy, len, NULL) == 0;
	free(copy);
	if (ok) {
		walk(b);
		mus_buf_reset(again);
		assert_true(mus_zonestate_encode(b, again));
	}
	return ok;
}

static void
hostile_bytes(void **state)
{
	struct mus_buf out, again;
	unsigned accepted = 0;

	(void)state;
	mus_buf_init(&out, 0);
	mus_buf_init(&again, 0);
	for (unsigned round = 0; round < 4; round++) {
		mus_zonestate_clear(a);
		if (round == 0)
			idle_zone(a);
		else
			rnd_state(a);
		mus_buf_reset(&out);
		assert_true(mus_zonestate_encode(a, &out));
		/* every truncation of the small one, some of the others */
		for (size_t len = 5; len < out.len; len += round == 0 ? 1 : 1 + below(200))
			assert_false(try_hostile(out.data, len, &again));
		for (unsigned i = 0; i < 1000; i++) {
			uint8_t saved[4];
			size_t at[4];
			unsigned n = 1 + below(4);

			for (unsigned k = 0; k < n; k++) {
				at[k] = 1 + (size_t)(rnd() >> 8) % (out.len < 4000 ? out.len - 1 : 4000);
				saved[k] = out.data[at[k]];
				out.data[at[k]] = chance(30) ? 0xff : (uint8_t)(saved[k] ^ mus_bit(below(8)));
			}
			accepted += try_hostile(out.data, out.len, &again);
			while (n-- > 0)
				out.data[at[n]] = saved[n];
		}
	}
	for (unsigned i = 0; i < 1000; i++) {		/* noise */
		uint8_t noise[200];

		for (unsigned k = 0; k < sizeof noise; k++)
			noise[k] = chance(50) ? (uint8_t)below(16) : (uint8_t)rnd();
		noise[0] = 1;
		accepted += try_hostile(noise, 5 + below(190), &again);
	}
	print_message("%u changed encodings still made sense\n", accepted);
	mus_buf_clear(&out);
	mus_buf_clear(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fresh_state),
	    cmocka_unit_test(random_states),
	    cmocka_unit_test(no_memory_is_told),
	    cmocka_unit_test(idle_zone_is_small),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(older_version),
	    cmocka_unit_test(version_before_commands),
	    cmocka_unit_test(hostile_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
