/*
 * What is configured, taken into the state of a zone: the engine with a real store in memory.  What was
 * seen is made by hand; no turn runs.
 */
#include "core/observe.h"
#include "rig.h"

enum { SIGNERS = 13, DAY_S = 86400 };

static struct mus_signer_obj sig[SIGNERS];
static struct mus_group_obj group;
static struct mus_zone_obj zone;
static struct mus_policy policy;

/* ---- look-ups ---------------------------------------------------------------------------------- */

static struct {
	char name[MUS_NAME_TEXT_MAX];
	uint16_t port;
	mus_lookup_addrs_fn *fn;
	void *arg;
	unsigned count;
	int rc;				/* of the next */
} asked;

int __wrap_mus_lookup_addrs(struct mus_lookup *k, const struct mus_name *host, uint16_t port,
    mus_lookup_addrs_fn *fn, void *arg);
int __wrap_mus_lookup_parent(
    struct mus_lookup *k, const struct mus_name *name, mus_lookup_parent_fn *fn, void *arg);
int __wrap_mus_lookup(struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn,
    void *arg);

int
__wrap_mus_lookup_addrs(struct mus_lookup *k, const struct mus_name *host, uint16_t port,
    mus_lookup_addrs_fn *fn, void *arg)
{
	(void)k;
	if (asked.rc < 0)
		return asked.rc;
	mus_name_text(host, asked.name);
	asked.port = port;
	asked.fn = fn;
	asked.arg = arg;
	asked.count++;
	return 0;
}

int
__wrap_mus_lookup_parent(
    struct mus_lookup *k, const struct mus_name *name, mus_lookup_parent_fn *fn, void *arg)
{
	(void)k, (void)name, (void)fn, (void)arg;
	return MUS_ERR_FULL;
}

int
__wrap_mus_lookup(
    struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn, void *arg)
{
	(void)k, (void)name, (void)type, (void)fn, (void)arg;
	return MUS_ERR_FULL;
}

/* The look-up under way ends: these hosts of 192.0.2.0/24, and ${with}. */
static void
answer(const char *hosts, struct mus_lookup_addrs with)
{
	for (; *hosts; hosts++) {
		char text[32];

		snprintf(text, sizeof text, "192.0.2.%d", *hosts);
		assert_true(mus_addr_parse(text, asked.port, &with.addr[with.count++]));
	}
	assert_non_null(asked.fn);
	asked.fn(asked.arg, &with);
	asked.fn = NULL;
}

/* ---- the rig ----------------------------------------------------------------------------------- */

/* Signer ${i} with one name server, ns.s${i}.test. at 192.0.2.(i + 1). */
static void
add_signer(unsigned i)
{
	struct mus_signer_obj *s = &sig[i];
	char text[32];

	memset(s, 0, sizeof *s);
	snprintf(s->name, sizeof s->name, "s%u", i);
	snprintf(s->driver, sizeof s->driver, "manual");
	s->ns_count = s->ns[0].addr_count = 1;
	snprintf(s->ns[0].name, sizeof s->ns[0].name, "ns.s%u.test.", i);
	snprintf(text, sizeof text, "192.0.2.%u", i + 1);
	assert_true(mus_addr_parse(text, 53, &s->ns[0].addr[0]));
	OK(mus_ctl_put_signer(e, "test", s, NULL, &et));
}

static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();

	(void)state;
	policy = o.policy;
	rig_start(&o);
	for (unsigned i = 0; i < SIGNERS; i++)
		add_signer(i);
	memset(&group, 0, sizeof group);
	snprintf(group.name, sizeof group.name, "g");
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	memset(&zone, 0, sizeof zone);
	snprintf(zone.name, sizeof zone.name, "z.test.");
	zone.group_id = group.id;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	return 0;
}

/* The group has ${a} and ${b} (SIGNERS: nobody) from now on. */
static void
members(unsigned a, unsigned b)
{
	const unsigned who[] = {a, b};

	group.member_count = 0;
	for (unsigned i = 0; i < 2; i++)
		if (who[i] < SIGNERS && (i == 0 || who[i] != a))
			group.member[group.member_count++].signer_id = sig[who[i]].id;
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
}

/* What is configured, taken in; what it lacks is in the state, but for the parent that nobody finds here. */
static void
sync_zone(void)
{
	struct mus_zone *z = &st->zone;

	if (!eng_sync(e, &zone, st, &et))
		fail_msg("%s", et.s);
	for (unsigned i = 0; i < z->lack_count; i++)
		if (z->lack[i].origin == MUS_PARENT && z->lack[i].cause != MUS_CAUSE_NOROOM)
			z->lack[i--] = z->lack[--z->lack_count];
}

static void
sync_whole(void)
{
	sync_zone();
	assert_int_equal(st->zone.lack_count, 0);
}

static unsigned
place_of(unsigned i)
{
	int s = mus_book_find_signer(&st->book, &st->zone, sig[i].id);

	assert_true(s >= 0);
	return (unsigned)s;
}

/* What is stored of the zone is what is known of it. */
static void
restart(void)
{
	st->book.zone_id = zone.id;
	OK(eng_save_state(e, zone.id, st));
	mus_zonestate_clear(st);
	OK(eng_load_state(e, zone.id, st, &et));
}

static unsigned
new_key(unsigned i)
{
	uint8_t rdata[] = {1, 0, 3, 13, 0, 0, 0, (uint8_t)i};
	unsigned k = st->zone.key_count;

	for (unsigned f = 0; f < st->zone.key_count; f++)
		if (st->zone.key[f].id == 0)
			k = f;
	if (k == st->zone.key_count)
		st->zone.key_count++;
	st->zone.key[k] = (struct mus_zkey){.alg = 13, .tag = (uint16_t)i, .is_zone = true,
	    .owner = (uint8_t)place_of(i), .evidence = MUS_EV_SIGNATURE, .gone_at = MUS_TIME_NEVER, .id = 100 + i};
	st->book.key[k].rdata = malloc(sizeof rdata);
	memcpy(st->book.key[k].rdata, rdata, sizeof rdata);
	st->book.key[k].len = sizeof rdata;
	return k;
}

static void
show(unsigned origin, enum mus_rr_kind kind, uint64_t set)
{
	for (unsigned v = 0; v < st->zone.server_count; v++) {
		struct mus_look look = {.server = (uint8_t)v, .kind = kind, .content = set + 1, .set = set,
		    .ttl_s = DAY_S, .serve_ttl_s = DAY_S};

		if (st->zone.server[v].origin == origin)
			mus_observe(&st->zone, &st->seen, &look, &policy, eng_now(e), eng_now(e));
	}
}

/* Signer ${i} takes part, and its servers have been seen. */
static void
takes_part(unsigned i)
{
	unsigned s = place_of(i), k = new_key(i);

	st->want.adopted = true;
	st->want.keyg |= (uint8_t)(1u << s);
	st->want.dsg = st->want.nsg = st->want.keyg;
	for (unsigned v = 0; v < st->zone.server_count; v++)
		if (st->zone.server[v].origin == s)
			st->seen.server[v].cut = MUS_TIME_NEVER;
	show(s, MUS_RR_KEY, mus_bit(k));
	show(s, MUS_RR_NS, mus_bit((unsigned)mus_book_find_ns(&st->book, &st->zone, sig[i].ns[0].name)));
	show(s, MUS_RR_SOA, 0);
}

static void
is_out(unsigned i)
{
	st->want.keyg &= (uint8_t)~(1u << place_of(i));
	st->want.dsg = st->want.nsg = st->want.keyg;
}

/* So long ago that no cache holds what is not served any more. */
static void
long_after(void)
{
	mus_settle(&st->zone, &st->seen, &st->want, &policy, mus_time_add_s(eng_now(e), 2 * DAY_S));
}

/* Signers come and go over the years: none is kept out by those that were there before. */
static void
twelve_signers(void **state)
{
	(void)state;
	members(0, SIGNERS);
	sync_whole();
	takes_part(0);
	for (unsigned i = 1; i <= 12; i++) {
		unsigned s;

		members(i - 1, i);
		sync_whole();
		s = place_of(i);
		/* Nothing of who had the place before. */
		assert_string_equal(st->book.signer[s], sig[i].name);
		assert_int_equal(mus_keys_owned(&st->zone, s), 0);
		for (unsigned k = 0; k < MUS_RR_SIGNER_COUNT; k++) {
			assert_int_equal(st->seen.signer[s][k].count, 0);
			assert_int_equal(st->seen.signer[s][k].ttl_max_s, 0);
			assert_false(mus_time_is_set(st->seen.signer[s][k].since));
		}
		takes_part(i);
		restart();
		members(i, SIGNERS);
		is_out(i - 1);
		sync_whole();
		assert_int_equal(mus_servers_of(&st->zone, place_of(i - 1)), 0);
		restart();
		long_after();
		/* Who stays is served as before. */
		assert_int_equal(st->seen.signer[place_of(i)][MUS_RR_KEY].count, 1);
	}
	assert_int_equal(st->zone.signer_count, MUS_SIGNERS_MAX);
}

/* Eight places, of which s0 has one and seven were left long ago; s8 joins. */
static void
seven_left(void)
{
	for (unsigned i = 0; i < 8; i++) {
		members(0, i);
		sync_whole();
		takes_part(i);
		if (i == 0)
			continue;
		is_out(i);
		members(0, SIGNERS);
		sync_whole();
	}
	long_after();
	members(0, 8);
}

/* What holds a place: each alone, with all other seven held by a pending change. */
enum hold {
	NOTHING, INTENDED, IN_PROCESS, IN_FLIGHT, RING, OVERFLOWN, COPY, KEY_ELSEWHERE, DS_AT_PARENT,
	NAME_AT_PARENT, SIGNATURE, HOLDS
};

static void
hold_place(enum hold h, unsigned s)
{
	struct mus_ring *ring = &st->seen.signer[s][MUS_RR_CSYNC];
	struct mus_ring *ds = &st->seen.parent[0], *ns = &st->seen.parent[MUS_RR_PNS - MUS_RR_DS];
	struct mus_ring *other = &st->seen.signer[place_of(0)][MUS_RR_KEY];
	unsigned key = (unsigned)__builtin_ctzll(mus_keys_owned(&st->zone, s));

	switch (h) {
	case NOTHING:
	case HOLDS:
		break;
	case INTENDED:
		st->want.dsg |= (uint8_t)(1u << s);
		break;
	case IN_PROCESS:
		st->want.proc.kind = MUS_PROC_REMOVE;
		st->want.proc.signer = (uint8_t)s;
		break;
	case IN_FLIGHT:
		st->seen.pending[st->seen.pending_count++] =
		    (struct mus_pending){(uint8_t)s, MUS_RR_CDS, 0, 0, eng_now(e)};
		break;
	case RING:
		ring->v[ring->count++] = (struct mus_version){.first = eng_now(e), .last = eng_now(e)};
		break;
	case OVERFLOWN:
		ring->overflow = true;
		break;
	case COPY:
		st->seen.copy[s] = (struct mus_copy){.known = true, .ttl_max_s = 60, .at = eng_now(e)};
		break;
	case KEY_ELSEWHERE:
		other->v[0].set |= mus_bit(key);
		break;
	case DS_AT_PARENT:
		ds->v[0] = (struct mus_version){.set = mus_bit(key), .first = eng_now(e), .last = eng_now(e)};
		ds->count = 1;
		break;
	case NAME_AT_PARENT:
		ns->v[0] = (struct mus_version){.last = eng_now(e),
		    .set = mus_bit((unsigned)eng_intern_ns(st, "ns.old.test.", s))};
		ns->count = 1;
		break;
	case SIGNATURE:
		other->v[0].sig[0] = (struct mus_sig){.key = (uint8_t)key, .until_s = INT64_MAX / 2000};
		other->v[0].sig_count = 1;
		break;
	}
}

static void
what_holds_a_place(void **state)
{
	(void)state;
	for (enum hold h = NOTHING; h < HOLDS; h++) {
		mus_zonestate_clear(st);
		seven_left();
		for (unsigned s = 0; s < MUS_SIGNERS_MAX - 1; s++)
			hold_place(IN_FLIGHT, s);
		hold_place(h, MUS_SIGNERS_MAX - 1);
		sync_zone();
		if (st->zone.lack_count != (h != NOTHING))
			fail_msg("hold %d: the place was%s taken", (int)h, h == NOTHING ? " not" : "");
		assert_int_equal(mus_book_find_signer(&st->book, &st->zone, sig[8].id) < 0, h != NOTHING);
	}
}

/* A copy that was read long ago holds nothing, and who has been forgotten can come again. */
static void
comes_again(void **state)
{
	unsigned s;

	(void)state;
	seven_left();
	for (s = 0; s < MUS_SIGNERS_MAX; s++)
		st->seen.copy[s] = (struct mus_copy){.known = true, .ttl_max_s = 60,
		    .at = mus_time_add_s(eng_now(e), -100)};
	sync_whole();
	s = place_of(8);
	assert_int_not_equal(s, 0);
	assert_false(st->seen.copy[s].known);
	assert_int_equal(mus_book_find_signer(&st->book, &st->zone, sig[s].id), -1);
	takes_part(8);
	members(0, s);
	is_out(8);
	sync_whole();
	assert_string_equal(st->book.signer[place_of(s)], sig[s].name);
}

/* An answer is about the server that was asked, wherever that stands when it comes: the parent may have
 * been found meanwhile and have its place. */
static void
places_change_in_a_turn(void **state)
{
	struct eng_answer ans[3] = {
	    {.q = ENG_Q_KEY, .server = 0, .cause = MUS_CAUSE_TIMEOUT},		/* stands elsewhere now */
	    {.q = ENG_Q_CDS, .server = 0, .cause = MUS_CAUSE_TIMEOUT},
	    {.q = ENG_Q_CDS, .server = 0, .cause = MUS_CAUSE_TIMEOUT},		/* is gone */
	};
	struct eng_turn t = {.e = e, .at = eng_now(e), .ans = ans, .ans_count = 3};
	struct mus_addr parent;

	(void)state;
	members(0, 1);
	sync_whole();
	for (unsigned i = 0; i < 3; i++) {
		ans[i].origin = (uint8_t)place_of(0);
		ans[i].addr = sig[i < 2 ? 0 : 5].ns[0].addr[0];
		ans[i].turn = &t;
	}
	assert_true(mus_addr_parse("192.0.2.200", 53, &parent));
	st->book.addr[2] = st->book.addr[0];
	st->zone.server[2] = st->zone.server[0];
	st->zone.server_count = 3;
	st->book.addr[0] = parent;
	st->zone.server[0] = (struct mus_server){.origin = MUS_PARENT, .ns = MUS_NOBODY};
	eng_take(&t, st, &policy);
	assert_int_equal(ans[0].server, 2);
	assert_int_equal(ans[2].server, MUS_NOBODY);
	for (unsigned kind = 0; kind < 2; kind++) {
		const struct mus_ring *ring =
		    &st->seen.signer[place_of(0)][kind == 0 ? MUS_RR_KEY : MUS_RR_CDS];

		assert_int_equal(ring->fail, 1 << 2);
		assert_int_equal(ring->fail_cause, MUS_CAUSE_TIMEOUT);
	}
	assert_int_equal(st->seen.parent[0].fail, 0);
}

/* ${count} addresses for signer ${i}, from 10.${i}.${from}.0 on, on as few names as it takes. */
static void
addresses(unsigned i, unsigned from, unsigned count)
{
	struct mus_signer_obj *s = &sig[i];
	char text[32];

	memset(s->ns, 0, sizeof s->ns);
	s->ns_count = (uint8_t)((count + MUS_OBJ_ADDR_MAX - 1) / MUS_OBJ_ADDR_MAX);
	for (unsigned a = 0; a < count; a++) {
		struct mus_ns_obj *n = &s->ns[a / MUS_OBJ_ADDR_MAX];

		snprintf(n->name, sizeof n->name, "ns%u.s%u.test.", a / MUS_OBJ_ADDR_MAX, i);
		snprintf(text, sizeof text, "10.%u.%u.%u", i, from, a);
		assert_true(mus_addr_parse(text, 53, &n->addr[n->addr_count++]));
	}
}

static void
put_addresses(unsigned i, unsigned from, unsigned count)
{
	addresses(i, from, count);
	OK(mus_ctl_put_signer(e, "test", &sig[i], NULL, &et));
}

static unsigned
servers_of(unsigned i)
{
	return (unsigned)__builtin_popcountll(mus_servers_of(&st->zone, place_of(i)));
}

static void
nobody_is_led_to(unsigned i)
{
	for (unsigned v = 0; v < st->zone.server_count; v++)
		if (st->zone.server[v].origin == place_of(i))
			st->seen.server[v].cut = MUS_TIME_ALWAYS;
}

static void
lacks_room(unsigned origin)
{
	assert_int_equal(st->zone.lack_count, 1);
	assert_int_equal(st->zone.lack[0].origin, origin);
	assert_int_equal(st->zone.lack[0].cause, MUS_CAUSE_NOROOM);
}

/* Who has places keeps them; who comes and does not fit is named; the parent goes first. */
static void
room_for_64(void **state)
{
	(void)state;
	snprintf(zone.parent, sizeof zone.parent, "test.");
	zone.parent_addr_count = 4;
	for (unsigned i = 0; i < 4; i++)
		assert_true(mus_addr_parse("192.0.2.100", (uint16_t)(53 + i), &zone.parent_addr[i]));
	put_addresses(0, 0, 30);
	put_addresses(1, 0, 30);
	members(0, 1);
	sync_whole();
	assert_int_equal(st->zone.server_count, MUS_SERVERS_MAX);
	takes_part(0);
	takes_part(1);
	put_addresses(1, 0, 31);
	sync_zone();
	lacks_room(place_of(1));
	assert_int_equal(servers_of(0), 30);
	assert_int_equal(servers_of(1), 30);
	assert_int_equal(mus_servers_of(&st->zone, MUS_PARENT), 15);
	assert_int_equal(st->seen.signer[place_of(1)][MUS_RR_KEY].count, 1);
	/* Who is lost is waited for by nobody. */
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[1].id, .lost = true};
	zone.signer_count = 1;
	sync_whole();
	zone.signer_count = 0;
	/* All of a signer's addresses become others: their places are free first, unless caches lead there still. */
	put_addresses(1, 1, 30);
	sync_zone();
	lacks_room(place_of(1));
	put_addresses(1, 0, 30);
	nobody_is_led_to(1);
	sync_whole();
	put_addresses(1, 1, 30);
	sync_whole();
	assert_int_equal(servers_of(1), 30);
	zone.parent_addr_count = 5;
	assert_true(mus_addr_parse("192.0.2.101", 53, &zone.parent_addr[4]));
	sync_zone();
	lacks_room(MUS_PARENT);
	/* It is not kept in mind: it holds as long as it is so. */
	restart();
	assert_int_equal(st->zone.lack_count, 0);
	sync_zone();
	lacks_room(MUS_PARENT);
	nobody_is_led_to(0);
	put_addresses(0, 0, 29);
	sync_whole();
}

static void
is_refused(int rc, const char *field, const char *where)
{
	assert_int_equal(rc, MUS_ERR_INVAL);
	assert_string_equal(field, where);
	assert_non_null(strstr(et.s, "a zone has room for 64"));
}

/* Only what is above a zone can be its parent. */
static void
parent_given(void **state)
{
	static const struct {
		const char *parent;
		bool ok;
	} t[] = {{"test", true}, {"TEST.", true}, {".", true}, {"z.test.", false}, {"a.z.test.", false},
	    {"net.", false}, {"example.net.", false}, {"z.test.test.", false}, {"est.", false}, {"", true}};
	char field[MUS_CTL_FIELD_MAX];

	(void)state;
	for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct mus_zone_obj o = zone, anew = {.group_id = group.id};

		snprintf(o.parent, sizeof o.parent, "%s", t[i].parent);
		snprintf(anew.name, sizeof anew.name, "z.test");
		if (t[i].ok) {
			OK(mus_ctl_put_zone(e, "test", &o, field, &et));
			continue;
		}
		snprintf(anew.parent, sizeof anew.parent, "%s", t[i].parent);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(mus_ctl_put_zone(e, "test", k ? &o : &anew, field, &et), MUS_ERR_INVAL);
			assert_string_equal(field, "/parent");
			assert_non_null(strstr(et.s, "is not above z.test."));
		}
	}
}

/* What can be known before is refused, and nothing of it is stored. */
static void
too_many_are_refused(void **state)
{
	char field[MUS_CTL_FIELD_MAX];
	struct mus_signer_obj s;

	(void)state;
	put_addresses(0, 0, 32);
	put_addresses(1, 0, 31);
	put_addresses(2, 0, 1);
	members(0, 1);
	addresses(1, 0, 32);
	is_refused(mus_ctl_put_signer(e, "test", &sig[1], field, &et), field, "/name_servers");
	OK(mus_store_load_signer(store, "s1", &s, &et));
	assert_int_equal(s.ns[3].addr_count, 7);
	/* One under two names is one; a name to be looked up counts as one. */
	sig[1].ns[3].addr[7] = sig[1].ns[0].addr[0];
	OK(mus_ctl_put_signer(e, "test", &sig[1], field, &et));
	sig[1].ns[3].addr_count = 0;
	e->o.lookup = (struct mus_lookup *)&s;
	OK(mus_ctl_put_signer(e, "test", &sig[1], field, &et));
	sig[1].ns[3].addr_count = 7;
	sig[1].ns_count = 5;
	snprintf(sig[1].ns[4].name, sizeof sig[1].ns[4].name, "ns4.s1.test.");
	is_refused(mus_ctl_put_signer(e, "test", &sig[1], field, &et), field, "/name_servers");
	e->o.lookup = NULL;
	put_addresses(1, 0, 31);
	assert_int_equal(mus_ctl_group_join(e, "test", "g", "s2", &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "would have 64 addresses"));
	group.member[group.member_count++].signer_id = sig[2].id;
	is_refused(mus_ctl_put_group(e, "test", &group, field, &et), field, "/signers");
	members(0, 1);
	snprintf(zone.parent, sizeof zone.parent, "test.");
	zone.parent_addr_count = 1;
	assert_true(mus_addr_parse("192.0.2.100", 53, &zone.parent_addr[0]));
	OK(mus_ctl_put_zone(e, "test", &zone, field, &et));
	zone.parent_addr_count = 2;
	assert_true(mus_addr_parse("192.0.2.101", 53, &zone.parent_addr[1]));
	is_refused(mus_ctl_put_zone(e, "test", &zone, field, &et), field, "/parent_addresses");
	zone.parent_addr_count = 0;
	zone.signer_count = 1;
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[2].id};
	OK(mus_ctl_put_zone(e, "test", &zone, field, &et));
	zone.signer[0].signer_id = sig[1].id;
	memcpy(zone.signer[0].ns, sig[0].ns, sizeof sig[0].ns);
	zone.signer[0].ns_count = sig[0].ns_count;
	is_refused(mus_ctl_put_zone(e, "test", &zone, field, &et), field, "/signers");
}

static void
is_anothers(int rc, const char *field, const char *where, const char *words)
{
	assert_int_equal(rc, MUS_ERR_INVAL);
	assert_string_equal(field, where);
	if (!strstr(et.s, words))
		fail_msg("%s", et.s);
}

/* A name and an address belong to one signer of a group: nobody could tell whose. */
static void
one_owner(void **state)
{
	static const char name[] = "ns.s0.test. is a name server of signer s0 and of signer s1";
	static const char addr[] = "192.0.2.1 is an address of ns.s0.test. (signer s0) and of ns2.s1.test. (signer s1)";
	char field[MUS_CTL_FIELD_MAX];

	(void)state;
	members(0, 1);
	sig[1].ns[1] = sig[1].ns[0];
	sig[1].ns_count = 2;
	sig[1].ns[1].addr[0].ip[3] = 77;
	snprintf(sig[1].ns[1].name, sizeof sig[1].ns[1].name, "NS.s0.test");
	is_anothers(mus_ctl_put_signer(e, "test", &sig[1], field, &et), field, "/name_servers", name);
	/* The address under a name of its own; the port tells servers apart. */
	sig[1].ns[1] = sig[0].ns[0];
	sig[1].ns_count = 2;
	snprintf(sig[1].ns[1].name, sizeof sig[1].ns[1].name, "ns2.s1.test.");
	is_anothers(mus_ctl_put_signer(e, "test", &sig[1], field, &et), field, "/name_servers", addr);
	sig[1].ns[1].addr[0].port = 5353;
	OK(mus_ctl_put_signer(e, "test", &sig[1], field, &et));
	/* Who is in another group, or in none, may have it: it is refused where both meet. */
	sig[2].ns[0] = sig[0].ns[0];
	OK(mus_ctl_put_signer(e, "test", &sig[2], field, &et));
	assert_int_equal(mus_ctl_group_join(e, "test", "g", "s2", &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "ns.s0.test. is a name server of signer s0 and of signer s2"));
	group.member[group.member_count++].signer_id = sig[2].id;
	is_anothers(mus_ctl_put_group(e, "test", &group, field, &et), field, "/signers", "signer s2");
	/* What a zone has of its own counts instead of what the signer has. */
	zone.signer_count = 1;
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[1].id, .ns_count = 1};
	zone.signer[0].ns[0] = sig[0].ns[0];
	is_anothers(mus_ctl_put_zone(e, "test", &zone, field, &et), field, "/signers", name);
}

static const struct mus_zns *
ns_of(const char *name)
{
	int n = mus_book_find_ns(&st->book, &st->zone, name);

	return n < 0 ? NULL : &st->zone.ns[n];
}

/* The one lack of the zone, in words. */
static const char *
lacks_one(void)
{
	static char text[MUS_TEXT_MAX];
	struct mus_witness w;

	sync_zone();
	assert_int_equal(st->zone.lack_count, 1);
	w = mus_lack_witness(&st->zone.lack[0]);
	assert_true(mus_lack_matters(&st->zone.lack[0], &st->want));
	return mus_witness_text(&st->book, &st->zone, &w, text);
}

/* Past what refuses it today. */
static void
save_as_before(unsigned i)
{
	OK(mus_store_save_signer(store, &sig[i], &et));
	eng_signer_forget(e, sig[i].id);
}

/* A database from when a name server could be shared: the zones hold, with both signers, until one of them, each by
 * itself, gives it up, however many have it. */
static void
two_owners(void **state)
{
	struct mus_ns_obj own[3];

	(void)state;
	members(0, 1);
	group.member[group.member_count++].signer_id = sig[2].id;
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	for (unsigned s = 1; s < 3; s++) {
		own[s] = sig[s].ns[0];
		sig[s].ns[0] = sig[0].ns[0];
		save_as_before(s);
	}
	sync_zone();
	assert_int_equal(st->zone.lack_count, 2);
	assert_int_equal(ns_of("ns.s0.test.")->owner, place_of(0));
	sig[2].ns[0] = own[2];
	OK(mus_ctl_put_signer(e, "test", &sig[2], NULL, &et));
	assert_string_equal(lacks_one(), "V10: name server ns.s0.test. is configured for s1 and for s0: it belongs to one");
	sig[1].ns[0].addr[0] = own[1].addr[0];
	save_as_before(1);
	assert_string_equal(lacks_one(), "V10: name server ns.s0.test. is configured for s1 and for s0: it belongs to one");
	/* The address alone, by another name. */
	sig[1].ns[0] = own[1];
	sig[1].ns[0].addr[0] = sig[0].ns[0].addr[0];
	save_as_before(1);
	assert_string_equal(
	    lacks_one(), "V10: an address of name server ns.s1.test. is configured for s1 and for s0: it belongs to one");
	sig[1].ns[0] = own[1];
	OK(mus_ctl_put_signer(e, "test", &sig[1], NULL, &et));
	sync_zone();
	assert_int_equal(st->zone.lack_count, 0);
}

/* Signer 0 has a name server without addresses. */
static struct eng_host *
without_addresses(void)
{
	static char what_looks_up;

	memset(&asked, 0, sizeof asked);
	e->o.lookup = (struct mus_lookup *)&what_looks_up;
	e->o.dns_port = 53;
	e->o.policy.ttl_floor_s = 10;
	sig[0].ns[0].addr_count = 0;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	members(0, SIGNERS);
	sync_zone();
	return mus_map_get(e->host_by_name, "ns.s0.test.", strlen("ns.s0.test."));
}

static void
lacks_name(enum mus_cause cause)
{
	assert_int_equal(st->zone.lack_count, 1);
	assert_int_equal(st->zone.lack[0].origin, place_of(0));
	assert_string_equal(st->book.ns[st->zone.lack[0].ns], "ns.s0.test.");
	assert_string_equal(mus_cause_text(st->zone.lack[0].cause), mus_cause_text(cause));
}

/* Last numbers of the addresses that signer 0 is asked at. */
static const char *
asked_at(void)
{
	static char text[100];
	bool at[256] = {false};

	text[0] = '\0';
	for (unsigned i = 0; i < st->zone.server_count; i++)
		if (st->zone.server[i].origin == place_of(0))
			at[st->book.addr[i].ip[3]] = true;
	for (unsigned i = 0; i < 256; i++)
		if (at[i])
			snprintf(text + strlen(text), sizeof text - strlen(text), "%u ", i);
	return text;
}

/* It is time to look it up again, and this is the answer. */
static void
again(struct eng_host *h, const char *hosts, struct mus_lookup_addrs with)
{
	h->next = MUS_TIME_ALWAYS;
	sync_zone();
	answer(hosts, with);
	sync_zone();
}

/* Without a resolver addresses must be given. */
static void
addresses_must_be_given(void **state)
{
	char field[MUS_CTL_FIELD_MAX];

	(void)state;
	sig[0].ns[0].addr_count = 0;
	assert_int_equal(mus_ctl_put_signer(e, "test", &sig[0], field, &et), MUS_ERR_INVAL);
	assert_string_equal(field, "/name_servers/0/addresses");
}

static void
looked_up(void **state)
{
	struct eng_host *h = without_addresses();
	struct eng_zone *z = eng_zone_get(e, zone.id);

	(void)state;
	assert_string_equal(asked.name, "ns.s0.test.");
	lacks_name(MUS_CAUSE_LOOKING);
	sync_zone();
	assert_int_equal(asked.count, 1);
	z->due_ms = eng_now(e).ms + 1000000;
	answer("\7\11", (struct mus_lookup_addrs){.ttl_s = 300});
	assert_true(z->due_ms <= eng_now(e).ms);
	sync_whole();
	assert_string_equal(asked_at(), "7 9 ");
	assert_int_equal(asked.count, 1);
	/* Addresses of a name are shared by all zones, and change: the old one as long as caches hold it. */
	again(h, "\11\13", (struct mus_lookup_addrs){.ttl_s = 20});
	assert_int_equal(asked.count, 2);
	assert_string_equal(asked_at(), "7 9 11 ");
	assert_in_range(h->addr[0].until.ms - eng_now(e).ms, 300000, 400000);
	again(h, "\7", (struct mus_lookup_addrs){.ttl_s = 20});
	assert_string_equal(asked_at(), "7 9 11 ");
	assert_false(mus_time_is_set(h->addr[0].until));
	h->addr[1].until = mus_time_add_s(eng_now(e), -1);
	h->known_at = mus_time_add_s(eng_now(e), -1000);
	sync_whole();
	assert_string_equal(asked_at(), "7 11 ");
	/* The floor holds for what is served with less. */
	h->ttl_s = 0;
	again(h, "\11", (struct mus_lookup_addrs){.ttl_s = 1});
	assert_in_range(h->addr[0].until.ms - eng_now(e).ms, 70000, 80000);
}

/* No answer, and half of one, is not that there is no address. */
static void
not_looked_up(void **state)
{
	static const struct mus_lookup_addrs bad[] = {
	    {.err = MUS_ERR_NET, .half_err = MUS_ERR_NET, .words = {"SERVFAIL there"}},
	    {.half_err = MUS_ERR_TIMEOUT, .words = {"SERVFAIL there"}},
	    {.security = MUS_LOOKUP_BOGUS, .words = {"SERVFAIL there"}}};
	struct eng_host *h = without_addresses();
	struct mus_zone_view view;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		again(h, "\7", bad[i]);
		lacks_name(MUS_CAUSE_NOLOOKUP);
		assert_string_equal(asked_at(), "");
		OK(mus_ctl_view(e, zone.name, &view, &et));
		assert_string_equal(view.trouble[place_of(0)].lookup, "SERVFAIL there");
	}
	again(h, "", (struct mus_lookup_addrs){.err = 0});
	lacks_name(MUS_CAUSE_NOADDR);
	/* Nor does it take away what is known. */
	again(h, "\7\11", (struct mus_lookup_addrs){.err = 0});
	assert_int_equal(st->zone.lack_count, 0);
	for (unsigned i = 0; i < 3; i++) {
		again(h, "\7", bad[i]);
		assert_int_equal(st->zone.lack_count, 0);
		assert_string_equal(asked_at(), "7 9 ");
		assert_false(mus_time_is_set(h->addr[1].until));
	}
	again(h, "", (struct mus_lookup_addrs){.err = 0});
	assert_string_equal(asked_at(), "7 9 ");
	h->addr[0].until = h->addr[1].until = h->known_at = mus_time_add_s(eng_now(e), -1000);
	sync_zone();
	lacks_name(MUS_CAUSE_NOADDR);
	assert_string_equal(asked_at(), "");
	/* A question that cannot even be put. */
	h->next = MUS_TIME_ALWAYS;
	asked.rc = MUS_ERR_FULL;
	sync_zone();
	lacks_name(MUS_CAUSE_NOLOOKUP);
}

/* What was known before a restart counts until a look-up tells, and then as long as caches may. */
static void
known_before(void **state)
{
	struct eng_host *h = without_addresses();

	(void)state;
	again(h, "\7", (struct mus_lookup_addrs){.err = 0});
	restart();
	eng_hosts_free(e);
	e->host_by_name = mus_map_new(1, 2);
	sync_whole();
	assert_string_equal(asked_at(), "7 ");
	answer("\11", (struct mus_lookup_addrs){.err = 0});
	sync_whole();
	assert_string_equal(asked_at(), "7 9 ");
	h = mus_map_get(e->host_by_name, "ns.s0.test.", strlen("ns.s0.test."));
	h->known_at = mus_time_add_s(eng_now(e), -1000);
	sync_whole();
	assert_string_equal(asked_at(), "9 ");
}

/* Signer 0 is given at 192.0.2.1, and DNS can be asked about it. */
static struct eng_host *
with_address(void)
{
	static char what_looks_up;

	memset(&asked, 0, sizeof asked);
	e->o.lookup = (struct mus_lookup *)&what_looks_up;
	e->o.dns_port = 53;
	members(0, SIGNERS);
	sync_zone();
	return mus_map_get(e->host_by_name, "ns.s0.test.", strlen("ns.s0.test."));
}

/* What is given of a name outside the zone is compared with what DNS has, or had as long as caches hold it. */
static void
compared_with_dns(void **state)
{
	struct eng_host *h = with_address();
	struct mus_zone_view view;

	(void)state;
	assert_string_equal(asked.name, "ns.s0.test.");
	lacks_name(MUS_CAUSE_LOOKING);
	assert_string_equal(asked_at(), "1 ");
	answer("\1", (struct mus_lookup_addrs){.ttl_s = 300});
	sync_whole();
	again(h, "\1\7", (struct mus_lookup_addrs){.ttl_s = 300});
	lacks_name(MUS_CAUSE_ADDRESS);
	assert_string_equal(asked_at(), "1 ");
	OK(mus_ctl_view(e, zone.name, &view, &et));
	assert_string_equal(view.trouble[place_of(0)].lookup, "DNS has the address 192.0.2.7, or had it and caches may hold it");
	again(h, "\1", (struct mus_lookup_addrs){.ttl_s = 300});
	lacks_name(MUS_CAUSE_ADDRESS);
	h->addr[1].until = mus_time_add_s(eng_now(e), -1);
	sync_whole();
	/* That it cannot be looked up now takes nothing away. */
	again(h, "", (struct mus_lookup_addrs){.err = MUS_ERR_NET});
	assert_int_equal(st->zone.lack_count, 0);
	again(h, "", (struct mus_lookup_addrs){.err = 0});
	assert_int_equal(st->zone.lack_count, 0);
	/* An address of another of its names will do, whatever the port; one that DNS lacks is no matter. */
	sig[0].ns[1] = sig[0].ns[0];
	snprintf(sig[0].ns[1].name, sizeof sig[0].ns[1].name, "ns.z.test.");
	assert_true(mus_addr_parse("192.0.2.7", 5353, &sig[0].ns[1].addr[0]));
	sig[0].ns_count = 2;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	again(h, "\7", (struct mus_lookup_addrs){.err = 0});
	assert_int_equal(st->zone.lack_count, 0);
	/* Of a name in the zone the zone tells. */
	assert_null(mus_map_get(e->host_by_name, "ns.z.test.", strlen("ns.z.test.")));
	h->is_full = true;
	sync_zone();
	assert_int_equal(st->zone.lack[0].cause, MUS_CAUSE_NOROOM);
}

/* What DNS has now must be given; what it had is asked as long as caches lead there. */
static void
moved_in_dns(void **state)
{
	struct eng_host *h = with_address();

	(void)state;
	e->o.policy.ttl_floor_s = 1000;
	answer("\1", (struct mus_lookup_addrs){.ttl_s = 300});
	sync_whole();
	takes_part(0);
	assert_true(mus_addr_parse("192.0.2.5", 53, &sig[0].ns[0].addr[0]));
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	sync_zone();
	assert_string_equal(asked_at(), "1 5 ");
	lacks_name(MUS_CAUSE_ADDRESS);
	again(h, "\5", (struct mus_lookup_addrs){.ttl_s = 300});
	assert_int_equal(st->zone.lack_count, 0);
	assert_string_equal(asked_at(), "1 5 ");
}

/* As long as it was never known, nothing is believed; that there is none is known. */
static void
never_known(void **state)
{
	struct eng_host *h = with_address();

	(void)state;
	assert_true(eng_hosts_are_awaited(e, st));
	h->asked_at = mus_time_add_s(eng_now(e), -6);
	assert_false(eng_hosts_are_awaited(e, st));
	answer("", (struct mus_lookup_addrs){.err = MUS_ERR_NET, .half_err = MUS_ERR_NET, .words = {"SERVFAIL there"}});
	sync_zone();
	lacks_name(MUS_CAUSE_NOLOOKUP);
	assert_false(eng_hosts_are_awaited(e, st));
	again(h, "", (struct mus_lookup_addrs){.err = 0});
	assert_int_equal(st->zone.lack_count, 0);
	/* Not compared at all, and then not asked for either. */
	again(h, "\7", (struct mus_lookup_addrs){.err = 0});
	lacks_name(MUS_CAUSE_ADDRESS);
	h->next = MUS_TIME_ALWAYS;
	e->o.addresses_unchecked = true;
	asked.count = 0;
	sync_whole();
	assert_int_equal(asked.count, 0);
	e->o.addresses_unchecked = false;
	sync_zone();
	assert_int_equal(asked.count, 1);
}

/* What signer 0 gives up and somebody still lists: resolvers are led to what nobody asks. */
static void
listed_and_dropped(void **state)
{
	struct mus_ns_obj second = {.name = "ns2.s0.test.", .addr_count = 1};
	struct mus_ring *pns = mus_seen_ring(&st->seen, MUS_PARENT, MUS_RR_PNS);
	unsigned n;

	(void)state;
	assert_true(mus_addr_parse("192.0.2.201", 53, &second.addr[0]));
	sig[0].ns[sig[0].ns_count++] = second;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	members(0, 1);
	sync_whole();
	takes_part(0);
	n = (unsigned)mus_book_find_ns(&st->book, &st->zone, second.name);
	show(place_of(0), MUS_RR_NS, mus_bit(n) | 1);
	sig[0].ns_count = 1;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	for (unsigned i = 0; i < 2; i++) {
		sync_zone();
		assert_int_equal(st->zone.lack_count, 1);
		assert_int_equal(st->zone.lack[0].origin, place_of(0));
		assert_int_equal(st->zone.lack[0].ns, n);
		assert_string_equal(
		    mus_cause_text((enum mus_cause)st->zone.lack[0].cause), mus_cause_text(MUS_CAUSE_UNASKED));
		assert_true(st->zone.ns[n].is_dropped);
		restart();
	}
	/* Not of who is lost; and no more when it is a name server again. */
	zone.signer_count = 1;
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[0].id, .lost = true};
	sync_whole();
	zone.signer_count = 0;
	sig[0].ns_count = 2;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	sync_whole();
	assert_false(st->zone.ns[n].is_dropped);
	/* Listed no more by anybody, in no cache: forgotten; until then it is dropped. */
	sig[0].ns_count = 1;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	show(place_of(0), MUS_RR_NS, 1);
	sync_zone();
	assert_int_equal(st->zone.lack_count, 1);
	for (unsigned v = 0; v < st->seen.signer[place_of(0)][MUS_RR_NS].count; v++)
		st->seen.signer[place_of(0)][MUS_RR_NS].v[v].last = mus_time_add_s(eng_now(e), -2 * DAY_S);
	sync_whole();
	assert_true(st->zone.ns[n].is_dropped);
	/* The delegation alone leads there too; so does what is on its way. */
	pns->count = 1;
	pns->v[0] = (struct mus_version){.set = mus_bit(n), .srv = 1, .last = MUS_TIME_ALWAYS};
	st->seen.server[0].cut = MUS_TIME_NEVER;
	sync_zone();
	assert_int_equal(st->zone.lack_count, 1);
	pns->count = 0;
	st->seen.pending_count = 1;
	st->seen.pending[0] = (struct mus_pending){
	    .signer = (uint8_t)place_of(0), .kind = MUS_RR_NS, .add = mus_bit(n), .sent_at = eng_now(e)};
	sync_zone();
	assert_int_equal(st->zone.lack_count, 1);
}

/* Names of the server of signer 0 with this address. */
static uint64_t
names_at(const struct mus_addr *addr)
{
	int i = mus_book_find_server(&st->book, &st->zone, place_of(0), addr);

	assert_true(i >= 0);
	return mus_server_names(&st->zone.server[i]);
}

static uint64_t
bit_of(const char *name)
{
	int n = mus_book_find_ns(&st->book, &st->zone, name);

	assert_true(n >= 0);
	return mus_bit((unsigned)n);
}

/* The server of signer 0 is at this address of 192.0.2.0/24 from now on; the place of the one before, or -1. */
static int
moves_to(unsigned host)
{
	struct mus_addr was = sig[0].ns[0].addr[0];
	char text[32];

	snprintf(text, sizeof text, "192.0.2.%u", host);
	assert_true(mus_addr_parse(text, 53, &sig[0].ns[0].addr[0]));
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	sync_whole();
	return mus_book_find_server(&st->book, &st->zone, place_of(0), &was);
}

/* G9: an address that is given no more is asked as long as a cache may lead there. */
static void
address_given_no_more(void **state)
{
	int old;

	(void)state;
	e->o.policy.ttl_floor_s = 100;
	members(0, SIGNERS);
	sync_whole();
	assert_int_equal(moves_to(70), -1);		/* nobody was led there */
	takes_part(0);
	st->seen.signer[place_of(0)][MUS_RR_ADDR].ttl_max_s = 300;
	assert_true((old = moves_to(71)) >= 0);
	assert_int_equal(mus_server_names(&st->zone.server[old]), 0);
	assert_int_equal(st->seen.server[old].led_until.ms,
	    mus_time_add_s(eng_now(e), 300 + policy.margin_s).ms);
	sync_whole();
	assert_int_equal(servers_of(0), 2);
	/* given again: as ever */
	(void)moves_to(70);
	assert_int_equal(names_at(&sig[0].ns[0].addr[0]), bit_of("ns.s0.test."));
	old = moves_to(72);
	st->seen.server[old].led_until = mus_time_add_s(eng_now(e), -1);
	sync_whole();
	assert_int_equal(servers_of(0), 1);
	/* Who is declared lost is asked for nothing. */
	st->seen
	    .server[mus_book_find_server(&st->book, &st->zone, place_of(0), &sig[0].ns[0].addr[0])]
	    .cut = MUS_TIME_NEVER;
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[0].id, .lost = true};
	zone.signer_count = 1;
	sync_whole();
	assert_int_equal(moves_to(73), -1);
}

/* An address in the zone, or glue, that nobody asks. */
static void
address_that_nobody_asks(void **state)
{
	struct mus_ring *ring;

	(void)state;
	members(0, SIGNERS);
	sync_whole();
	takes_part(0);
	for (unsigned i = 0; i < 2; i++) {
		ring = i ? &st->seen.parent[MUS_RR_GLUE - MUS_RR_DS] : &st->seen.signer[place_of(0)][MUS_RR_ADDR];
		ring->v[0] = (struct mus_version){.srv = 1, .last = MUS_TIME_ALWAYS, .first = eng_now(e)};
		ring->v[0].dt[1] = bit_of("ns.s0.test.");
		ring->count = 1;
		ring->ttl_max_s = 60;
		sync_zone();
		assert_int_equal(st->zone.lack_count, 1);
		assert_int_equal(st->zone.lack[0].cause, MUS_CAUSE_ADDRESS);
		assert_int_equal(st->zone.lack[0].origin, place_of(0));
		assert_int_equal(mus_bit(st->zone.lack[0].ns), bit_of("ns.s0.test."));
		/* no longer shown: as long as caches hold it */
		ring->v[0].srv = 0;
		ring->v[0].last = eng_now(e);
		sync_zone();
		assert_int_equal(st->zone.lack_count, 1);
		ring->v[0].last = mus_time_add_s(eng_now(e), -2 * DAY_S);
		sync_whole();
		ring->count = 0;
	}
	ring = &st->seen.signer[place_of(0)][MUS_RR_ADDR];
	ring->v[0] = (struct mus_version){.srv = 1, .last = MUS_TIME_ALWAYS};
	ring->v[0].dt[1] = bit_of("ns.s0.test.");
	ring->count = 1;
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[0].id, .lost = true};
	zone.signer_count = 1;
	sync_whole();
}

static void
rename_to(const char *name)
{
	sig[0].ns_count = 1;
	snprintf(sig[0].ns[0].name, sizeof sig[0].ns[0].name, "%s", name);
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	sync_zone();
}

/* One address under two names, renamed: the old names lead there while they are listed. */
static void
names_of_an_address(void **state)
{
	struct mus_addr *addr = &sig[0].ns[0].addr[0];
	uint64_t listed;

	(void)state;
	sig[0].ns[1] = sig[0].ns[0];
	snprintf(sig[0].ns[1].name, sizeof sig[0].ns[1].name, "nsx.s0.test.");
	sig[0].ns_count = 2;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	members(0, SIGNERS);
	sync_whole();
	assert_int_equal(names_at(addr), bit_of("ns.s0.test.") | bit_of("nsx.s0.test."));
	takes_part(0);
	show(place_of(0), MUS_RR_NS, bit_of("ns.s0.test.") | bit_of("nsx.s0.test."));
	listed = names_at(addr);
	rename_to("ren.s0.test.");
	restart();
	sync_zone();
	assert_int_equal(names_at(addr), listed | bit_of("ren.s0.test."));
	/* One that was never listed is forgotten at once. */
	rename_to("new.s0.test.");
	assert_int_equal(names_at(addr), listed | bit_of("new.s0.test."));
	/* Listed nowhere any more. */
	st->want.keyg = st->want.dsg = st->want.nsg = 0;
	show(place_of(0), MUS_RR_NS, bit_of("new.s0.test."));
	long_after();
	sync_whole();
	assert_int_equal(names_at(addr), bit_of("new.s0.test."));
}

/* Signer 0 has left, and nothing of it is in any cache. */
static void
has_left(void)
{
	members(0, 1);
	sync_whole();
	takes_part(0);
	takes_part(1);
	members(1, SIGNERS);
	is_out(0);
	sync_whole();
	long_after();
}

/* The name of one that has left stays known as such, until it is somebody's again. */
static void
name_of_one_that_left(void **state)
{
	const char *name = "ns.z.test.";

	(void)state;
	snprintf(sig[0].ns[0].name, sizeof sig[0].ns[0].name, "%s", name);
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	has_left();
	assert_true(ns_of(name)->in_domain);
	assert_int_equal(ns_of(name)->owner, place_of(0));
	for (unsigned i = 0; i < 3; i++) {
		sync_whole();
		restart();
		assert_int_equal(ns_of(name)->owner, MUS_OWNER_UNKNOWN);
		assert_true(ns_of(name)->is_former);
		assert_false(ns_of(name)->in_domain);
		assert_int_equal(eng_intern_ns(st, name, MUS_OWNER_UNKNOWN), ns_of(name) - st->zone.ns);
	}
	members(0, 1);
	sync_whole();
	assert_int_equal(ns_of(name)->owner, place_of(0));
	assert_false(ns_of(name)->is_former);
	assert_true(ns_of(name)->in_domain);
}

/* Not one that nobody vouches for; and not where places are few. */
static void
names_not_remembered(void **state)
{
	(void)state;
	has_left();
	(void)eng_intern_ns(st, "stray.test.", MUS_OWNER_UNKNOWN);
	sync_whole();
	assert_null(ns_of("stray.test."));
	for (unsigned i = 0; i < MUS_NSNAMES_MAX; i++) {
		char name[32];

		snprintf(name, sizeof name, "ns%u.old.test.", i);
		if (!ns_of(name) && eng_intern_ns(st, name, MUS_OWNER_UNKNOWN) >= 0)
			st->zone.ns[mus_book_find_ns(&st->book, &st->zone, name)].is_former = true;
	}
	assert_int_equal(eng_intern_ns(st, "one.more.test.", MUS_OWNER_UNKNOWN), -1);
	sync_whole();
	for (unsigned i = 0; i < MUS_NSNAMES_MAX / 2; i++) {
		char name[32];

		snprintf(name, sizeof name, "ns%u.new.test.", i);
		assert_true(eng_intern_ns(st, name, MUS_OWNER_UNKNOWN) >= 0);
	}
	assert_non_null(ns_of("ns0.old.test."));
	assert_int_equal(eng_intern_ns(st, "one.more.test.", MUS_OWNER_UNKNOWN), -1);
}

/* A sample that is watched no longer is missing nowhere. */
static void
sample_taken_away(void **state)
{
	struct mus_look look = {.kind = MUS_RR_NAME, .flags = MUS_VER_ABSENT, .ttl_s = DAY_S, .serve_ttl_s = DAY_S};
	struct mus_witness w;
	uint64_t servers;

	(void)state;
	snprintf(zone.sample, sizeof zone.sample, "www");
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	members(0, SIGNERS);
	sync_whole();
	servers = mus_servers_of(&st->zone, place_of(0));
	look.server = (uint8_t)__builtin_ctzll(servers);
	mus_observe(&st->zone, &st->seen, &look, &policy, eng_now(e), eng_now(e));
	sync_whole();
	assert_true(mus_sample_missing(&st->seen, place_of(0), servers, &w));
	assert_int_equal(w.server, look.server);
	assert_string_equal(st->book.sample, "www");
	zone.sample[0] = '\0';
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	sync_whole();
	assert_false(mus_sample_missing(&st->seen, place_of(0), servers, &w));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(twelve_signers, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_holds_a_place, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(comes_again, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(places_change_in_a_turn, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(room_for_64, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(parent_given, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(too_many_are_refused, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(one_owner, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(two_owners, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(addresses_must_be_given, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(looked_up, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(not_looked_up, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(known_before, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(compared_with_dns, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(moved_in_dns, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(never_known, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(names_of_an_address, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(address_given_no_more, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(address_that_nobody_asks, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(listed_and_dropped, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(name_of_one_that_left, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(names_not_remembered, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(sample_taken_away, setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
