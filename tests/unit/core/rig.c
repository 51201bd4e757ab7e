#include "rig.h"

struct rig r;

struct mus_time
rig_time(int64_t s)
{
	return mus_time_add_s(r.t0, s);
}

static unsigned
server_of(unsigned origin)
{
	return origin == MUS_PARENT ? AT_PARENT : AT_A + origin;
}

static bool
is_of(unsigned origin, unsigned kind)
{
	return (origin == MUS_PARENT) == (kind >= MUS_RR_DS);
}

void
rig_look(const struct mus_look *l)
{
	mus_observe(&r.z.zone, &r.z.seen, l, &r.policy, r.now, mus_time_add_s(r.now, r.slow_s));
}

static struct mus_look
look_of(unsigned origin, enum mus_rr_kind kind, uint64_t set, uint64_t sig)
{
	struct mus_look l = {.server = (uint8_t)server_of(origin), .kind = kind, .set = set,
	    .content = set * 3 + 1, .ttl_s = r.ttl_s, .serve_ttl_s = r.ttl_s};

	assert_true(is_of(origin, kind));
	for (; sig; sig &= sig - 1) {
		unsigned k = (unsigned)__builtin_ctzll(sig);

		l.sig[l.sig_count++] = (struct mus_sig){.key = (uint8_t)k, .alg = r.z.zone.key[k].alg,
		    .tag = r.z.zone.key[k].tag, .from_s = mus_time_to_s(r.t0) - 3600,
		    .until_s = mus_time_to_s(r.t0) + r.until_s};
	}
	if (kind >= MUS_RR_DENY0 && kind <= MUS_RR_DENY2)
		l.flags = MUS_VER_PROVES;
	if (kind == MUS_RR_CDS || kind == MUS_RR_DS)
		l.dt[1] = set;
	if (kind == MUS_RR_ADDR || kind == MUS_RR_GLUE)
		l.content = 5;
	return l;
}

void
rig_put(unsigned origin, enum mus_rr_kind kind, uint64_t set, uint64_t sig)
{
	struct mus_look l = look_of(origin, kind, set, sig);

	rig_look(&l);
}

void
rig_absent(unsigned origin, enum mus_rr_kind kind)
{
	rig_absent_as(origin, kind, 0);
}

void
rig_absent_as(unsigned origin, enum mus_rr_kind kind, uint8_t flags)
{
	struct mus_look l = look_of(origin, kind, 0, 0);

	l.flags = MUS_VER_ABSENT | flags;
	rig_look(&l);
}

void
rig_fail(unsigned origin, enum mus_rr_kind kind, enum mus_cause cause)
{
	struct mus_look l = {.server = (uint8_t)server_of(origin), .kind = kind, .cause = cause};

	rig_look(&l);
}

void
rig_ds_dt(uint64_t sha256, uint64_t sha384)
{
	struct mus_look l = look_of(MUS_PARENT, MUS_RR_DS, sha256 | sha384, 0);

	l.dt[1] = sha256;
	l.dt[2] = sha384;
	l.content += sha384 << 20;
	rig_look(&l);
}

void
rig_ds(uint64_t keys)
{
	rig_ds_dt(keys, 0);
}

void
rig_data(unsigned s, uint64_t sig)
{
	static const enum mus_rr_kind kinds[] = {MUS_RR_NS, MUS_RR_SOA, MUS_RR_NAME, MUS_RR_DENY0};

	for (unsigned i = 0; i < 4; i++)
		rig_put(s, kinds[i], kinds[i] == MUS_RR_NS ? r.ns : 0, sig);
}

/* Answers again what it answered last, or that there is nothing. */
static void
again(unsigned origin, unsigned kind)
{
	const struct mus_ring *ring = mus_seen_ring_const(&r.z.seen, origin, (enum mus_rr_kind)kind);
	uint64_t bit = mus_bit(server_of(origin));
	struct mus_look l = {.server = (uint8_t)server_of(origin), .kind = (enum mus_rr_kind)kind};

	if (ring->asked_at.ms == r.now.ms)
		return;
	for (unsigned i = 0; i < ring->count; i++) {
		const struct mus_version *v = &ring->v[i];

		if (!(v->srv & bit))
			continue;
		l.content = v->content;
		l.set = v->set;
		l.aux = v->aux;
		memcpy(l.dt, v->dt, sizeof l.dt);
		l.ttl_s = v->ttl_s;
		l.serve_ttl_s = v->serve_ttl_s;
		l.stray = v->stray;
		l.flags = v->flags;
		l.sig_count = v->sig_count;
		memcpy(l.sig, v->sig, sizeof l.sig);
		rig_look(&l);
		return;
	}
	if (ring->fail & bit)
		rig_fail(origin, (enum mus_rr_kind)kind, ring->fail_cause);
	else
		rig_absent(origin, (enum mus_rr_kind)kind);
}

void
rig_settle(void)
{
	for (unsigned o = 0; o < MUS_ORIGINS; o++)
		for (unsigned k = 0; k < MUS_RR_COUNT; k++)
			if ((o < 2 || o == MUS_PARENT) && is_of(o, k))
				again(o, k);
	for (unsigned i = 0; i < 3; i++)
		mus_observe_server(&r.z.seen, i, MUS_YES, MUS_YES, true);
	mus_settle(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now);
}

void
rig_at_ms(int64_t ms)
{
	r.now = mus_time_add_ms(r.t0, ms);
}

void
rig_at(int64_t s)
{
	rig_at_ms(s * 1000);
}

const struct mus_verdict *
rig_judge(void)
{
	mus_judge(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &r.verdict);
	return &r.verdict;
}

enum mus_result
rig_guard(const struct mus_change *c)
{
	r.w = MUS_WITNESS_NONE;
	return mus_guard(&r.z.zone, &r.z.seen, &r.policy, r.now, c, &r.w);
}

const struct mus_plan *
rig_plan(void)
{
	mus_plan(&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &r.plan);
	return &r.plan;
}

enum mus_result
rig_condition(enum mus_rule rule)
{
	struct mus_facts facts;
	struct mus_desire desire;
	struct mus_ctx c = {&r.z.zone, &r.z.seen, &r.z.want, &r.policy, r.now, &facts, &desire};

	mus_facts(&r.z.zone, &r.z.seen, &r.policy, r.now, &facts);
	mus_desire(&c, &desire);
	r.w = MUS_WITNESS_NONE;
	return mus_condition(&c, rule, &r.w);
}

static void
add_key(unsigned k, unsigned owner, bool sep, uint8_t alg_idx)
{
	static const uint8_t algs[] = {13, 8};

	r.z.zone.key[k] = (struct mus_zkey){.alg = algs[alg_idx], .alg_idx = alg_idx,
	    .tag = (uint16_t)(1000 + k), .is_sep = sep, .is_zone = true, .owner = (uint8_t)owner,
	    .evidence = MUS_EV_DECLARED, .signs_data = sep ? MUS_NO : MUS_YES,
	    .gone_at = MUS_TIME_NEVER, .id = 1 + k};
}

void
rig_init(void)
{
	struct mus_zone *z = &r.z.zone;

	mus_zonestate_init(&r.z);
	r.t0 = (struct mus_time){1767225600000};
	r.now = r.t0;
	r.ns = r.delegated = 1 << NS_A | 1 << NS_B;
	r.ttl_s = 3600;
	r.slow_s = 0;
	r.until_s = 30 * 86400;
	r.policy = (struct mus_policy){.margin_s = 60, .fresh_s = 1000000, .gap_s = 100000000,
	    .refresh_s = 3600, .digests = 1 << 1};
	z->signer_count = 2;
	for (unsigned s = 0; s < 2; s++) {
		z->signer[s] = (struct mus_zsigner){.is_member = true, .has_driver = true,
		    .caps = {MUS_YES, MUS_YES, MUS_YES, MUS_YES, MUS_YES}};
		r.z.seen.copy[s] = (struct mus_copy){.known = true, .ttl_max_s = 3600, .content = 7,
		    .keys_in_data = s == A ? ZA : ZB, .at = r.t0, .unread_at = MUS_TIME_ALWAYS};
	}
	z->server_count = 3;
	z->server[AT_PARENT].origin = MUS_PARENT;
	z->server[AT_A] = (struct mus_server){A, NS_A};
	z->server[AT_B] = (struct mus_server){B, NS_B};
	z->ns_count = 2;
	z->ns[NS_A].owner = A;
	z->ns[NS_B].owner = B;
	z->alg_count = 1;
	z->alg[0] = 13;
	z->alg[1] = 8;
	add_key(ka, A, true, 0);
	add_key(za, A, false, 0);
	add_key(kb, B, true, 0);
	add_key(zb, B, false, 0);
	add_key(za2, A, false, 0);
	add_key(ka2, A, true, 0);
	add_key(kn, B, true, 1);
	add_key(zn, B, false, 1);
	z->key_count = KEY_COUNT;
	r.z.want.adopted = true;
	r.z.want.known = ~0ull;
	r.z.want.keyg = r.z.want.dsg = r.z.want.nsg = 3;
}

int
rig_setup(void **state)
{
	(void)state;
	rig_init();
	return 0;
}

void
rig_steady(void)
{
	rig_ds(KA | KB);
	rig_put(MUS_PARENT, MUS_RR_PNS, r.delegated, 0);
	rig_put(A, MUS_RR_KEY, KA | ZA | ZB, KA);
	rig_put(B, MUS_RR_KEY, KB | ZA | ZB, KB);
	rig_data(A, ZA);
	rig_data(B, ZB);
	for (unsigned s = 0; s < 2; s++) {
		rig_put(s, MUS_RR_CDS, KA | KB, s == A ? KA : KB);
		rig_put(s, MUS_RR_CDNSKEY, KA | KB, s == A ? KA : KB);
	}
	rig_settle();
}
