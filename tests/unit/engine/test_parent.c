/*
 * The parent and its keys: the engine with the answers of look-ups, and the clock, in the hand of the test.
 */
#include "clocks.h"
#include "rig.h"

static struct mus_zone_obj zone[2];
static unsigned said;			/* how often it was told that there is no parent */
static unsigned other;			/* or another one */
static struct {
	mus_lookup_fn *fn;
	void *arg;
	unsigned count;
} keys;
static struct {
	mus_lookup_parent_fn *fn;
	void *arg;
	unsigned count;
} up;

int __wrap_mus_lookup(struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn,
    void *arg);
int __wrap_mus_lookup_parent(
    struct mus_lookup *k, const struct mus_name *name, mus_lookup_parent_fn *fn, void *arg);

int
__wrap_mus_lookup(
    struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn, void *arg)
{
	(void)k, (void)name;
	assert_int_equal(type, MUS_TYPE_DNSKEY);
	keys.fn = fn;
	keys.arg = arg;
	keys.count++;
	return 0;
}

int
__wrap_mus_lookup_parent(
    struct mus_lookup *k, const struct mus_name *name, mus_lookup_parent_fn *fn, void *arg)
{
	(void)k, (void)name;
	up.fn = fn;
	up.arg = arg;
	up.count++;
	return 0;
}

static void
on_log(void *arg, int level, const char *name, const char *text)
{
	(void)arg, (void)level, (void)name;
	other += strstr(text, "not the parent that was given") != NULL;
	said += strncmp(text, "the parent zone cannot be found", 31) == 0;
}

static int
setup(void **state)
{
	static char what_looks_up;
	struct mus_engine_opts o = rig_opts();

	(void)state;
	memset(&keys, 0, sizeof keys);
	memset(&up, 0, sizeof up);
	said = other = 0;
	wall_ms = 100000000;
	o.idle_ms = 1000000;
	o.lookup = (struct mus_lookup *)&what_looks_up;
	o.log = on_log;
	rig_start(&o);
	for (unsigned i = 0; i < 2; i++) {
		memset(&zone[i], 0, sizeof zone[i]);
		snprintf(zone[i].name, sizeof zone[i].name, "z%u.lab.", i);
		OK(mus_store_save_zone(store, &zone[i], &et));
		OK(eng_zone_add(e, zone[i].id, (struct mus_time){wall_ms + 1000000}));
	}
	return 0;
}

static void
parent_found(void)
{
	static struct mus_lookup_parent r = {.count = 1};

	OK(mus_name_parse("lab.", &r.zone, &et));
	assert_true(mus_addr_parse("192.0.2.1", 53, &r.server[0].addr));
	assert_non_null(up.fn);
	up.fn(up.arg, &r);
}

/* What the look-up tells of name server a and b: the last bytes of its addresses; ! after them: a half, or
 * nothing, was answered; NULL: it is not listed. */
static void
servers_found(const char *a, const char *b)
{
	static struct mus_lookup_parent r;
	const char *const told[] = {a, b};
	char text[32];

	memset(&r, 0, sizeof r);
	OK(mus_name_parse("lab.", &r.zone, &et));
	for (unsigned i = 0; i < 2; i++) {
		struct mus_name ns;
		const char *s = told[i];

		if (!s)
			continue;
		OK(mus_name_parse(i ? "b.lab." : "a.lab.", &ns, &et));
		for (; *s && *s != '!'; s++) {
			snprintf(text, sizeof text, "192.0.2.%c", *s);
			r.server[r.count].ns = ns;
			assert_true(mus_addr_parse(text, 53, &r.server[r.count++].addr));
		}
		if (*s != '!' && s != told[i])
			continue;
		r.lame[r.lame_count].ns = ns;
		r.lame[r.lame_count].err = *s == '!' ? MUS_ERR_NET : 0;
		mus_errf(&r.lame[r.lame_count++].words, 0, "%s of %c", *s == '!' ? "SERVFAIL" : "nothing", "ab"[i]);
	}
	if (r.count == 0) {
		r.err = MUS_ERR_NET;
		r.words = r.lame[0].words;
	}
	assert_non_null(up.fn);
	up.fn(up.arg, &r);
	up.fn = NULL;
}

static void
parent_fails(const char *why)
{
	static struct mus_lookup_parent r = {.err = MUS_ERR_NET};

	mus_errf(&r.words, 0, "%s", why);
	up.fn(up.arg, &r);
}

static void
give_keys(uint32_t ttl_s)
{
	static uint8_t rdata[] = {1, 0, 3, 13, 0, 0, 0, 1};
	struct mus_lookup_result r = {.security = MUS_LOOKUP_SECURE};
	struct mus_arena a;

	mus_arena_init(&a, 1 << 16);
	r.set.ttl_s = ttl_s;
	assert_int_equal(mus_rrset_add(&r.set, (struct mus_rdata){rdata, sizeof rdata}, &a), 0);
	keys.fn(keys.arg, &r);
	mus_arena_clear(&a);
}

static void
no_keys(void)
{
	struct mus_lookup_result r = {.err = MUS_ERR_NET, .words = {"SERVFAIL there"}};

	keys.fn(keys.arg, &r);
}

static struct eng_parent *
parent(unsigned i)
{
	return eng_parent_of(e, &zone[i], zone[i].id, &et);
}

static bool
is_awaited(unsigned i)
{
	return eng_parent_is_awaited(e, &zone[i], zone[i].id);
}

static struct eng_parent *
with_keys(uint32_t ttl_s)
{
	assert_null(parent(0));
	parent_found();
	give_keys(ttl_s);
	assert_non_null(parent(0));
	return parent(0);
}

static bool
good_after(const struct eng_parent *p, int64_t s)
{
	return eng_parent_has_keys(p, (struct mus_time){wall_ms + s * 1000});
}

/* Keys count as long as their TTL says, within bounds. */
static void
kept_for_their_ttl(void **state)
{
	static const struct {
		uint32_t ttl_s, kept_s;
	} t[] = {{0, 5}, {30, 30}, {86400, 600}, {UINT32_MAX, 600}};
	struct eng_parent *p = with_keys(t[0].ttl_s);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned asked = keys.count;

		if (i > 0)
			give_keys(t[i].ttl_s);
		assert_true(good_after(p, t[i].kept_s - 1));
		assert_false(good_after(p, t[i].kept_s));
		/* They are asked for before they end. */
		wall_ms += t[i].kept_s * 1000 - 1000;
		assert_ptr_equal(parent(1), p);
		assert_ptr_equal(parent(0), p);
		assert_int_equal(keys.count, asked + 1);
		p->told_at.ms = wall_ms;	/* of its servers; here it is about keys */
		assert_false(is_awaited(0));
	}
}

/* No answer takes no key away. */
static void
refresh_fails(void **state)
{
	struct eng_parent *p = with_keys(30);

	(void)state;
	wall_ms += 25000;
	(void)parent(0);
	no_keys();
	assert_true(good_after(p, 4));
	assert_false(good_after(p, 5));
	wall_ms += 10000;
	(void)parent(0);
	assert_int_equal(keys.count, 3);
	no_keys();
	assert_int_equal(p->keys_state, ENG_PK_FAILED);
	assert_int_equal(eng_parent_doubt(e, p, zone[0].id), MUS_CAUSE_NOLOOKUP);
}

/* An answer that does not verify is bogus only when the keys are new; all children share the question. */
static void
in_doubt(void **state)
{
	struct eng_parent *p = with_keys(600);

	(void)state;
	assert_int_equal(eng_parent_doubt(e, p, zone[0].id), MUS_CAUSE_BOGUS);
	wall_ms += 20000;
	assert_int_equal(eng_parent_doubt(e, p, zone[0].id), MUS_CAUSE_LOOKING);
	assert_int_equal(eng_parent_doubt(e, p, zone[1].id), MUS_CAUSE_LOOKING);
	assert_int_equal(keys.count, 2);
	give_keys(600);
	for (unsigned i = 0; i < 2; i++)
		assert_true(eng_zone_get(e, zone[i].id)->due_ms <= wall_ms);
	assert_int_equal(eng_parent_doubt(e, p, zone[0].id), MUS_CAUSE_BOGUS);
	assert_int_equal(keys.count, 2);
}

/* A look waits for what was never asked, and not for long. */
static void
awaited(void **state)
{
	(void)state;
	assert_true(is_awaited(0));
	parent_found();
	assert_true(is_awaited(0));
	assert_true(is_awaited(1));
	wall_ms += 6000;
	assert_false(is_awaited(0));
	give_keys(30);
	assert_false(is_awaited(0));
	assert_true(eng_zone_get(e, zone[1].id)->due_ms <= wall_ms);
	/* Those that have ended are waited for too. */
	wall_ms += 60000;
	assert_true(is_awaited(0));
	no_keys();
	assert_false(is_awaited(0));
}

/* Why there is no parent is told once, and shown as long as it is so. */
static void
not_found(void **state)
{
	struct mus_zone_view v;

	(void)state;
	assert_true(is_awaited(0));
	for (unsigned i = 0; i < 5; i++) {
		parent_fails("look up lab. NS: SERVFAIL");
		assert_int_equal(up.count, i + 1);
		assert_null(parent(0));
		assert_int_equal(up.count, i + 1);
		wall_ms += 11000;
		assert_null(parent(0));
		assert_false(is_awaited(0));
	}
	assert_int_equal(said, 1);
	assert_int_equal(eng_parent_lacks(e, zone[0].name), MUS_CAUSE_NOLOOKUP);
	mus_zonestate_init(&e->scratch);
	e->scratch.book.zone_id = zone[0].id;
	OK(eng_save_state(e, zone[0].id, &e->scratch));
	OK(mus_ctl_view(e, zone[0].name, &v, &et));
	assert_string_equal(v.trouble[MUS_PARENT].lookup, "look up lab. NS: SERVFAIL");
	assert_int_equal(v.state->zone.lack[0].cause, MUS_CAUSE_NOLOOKUP);
	parent_fails("look up . NS: timed out");
	assert_int_equal(said, 2);
	wall_ms += 11000;
	assert_null(parent(0));
	parent_found();
	assert_non_null(parent(0));
}

static void
sync_zone(void)
{
	assert_true(eng_sync(e, &zone[0], &e->scratch, &et));
}

/* The last bytes of the addresses of the parent that are asked, and what is lacking. */
static void
asks(const char *want, enum mus_cause cause, const char *lame, const char *words)
{
	struct mus_zonestate *have = &e->scratch;
	struct mus_ctl_trouble trouble = {.lookup = ""};
	char got[16] = "";

	sync_zone();
	for (char c = '1'; c <= '9'; c++) {
		char text[32];
		struct mus_addr addr;

		snprintf(text, sizeof text, "192.0.2.%c", c);
		assert_true(mus_addr_parse(text, e->o.dns_port, &addr));
		if (mus_book_find_server(&have->book, &have->zone, MUS_PARENT, &addr) >= 0)
			snprintf(got + strlen(got), sizeof got - strlen(got), "%c", c);
	}
	assert_string_equal(got, want);
	assert_int_equal(have->zone.lack_count, cause == MUS_CAUSE_NONE ? 0 : 1);
	if (cause != MUS_CAUSE_NONE) {
		assert_int_equal(have->zone.lack[0].origin, MUS_PARENT);
		assert_int_equal(have->zone.lack[0].cause, cause);
	}
	assert_string_equal(have->book.parent_ns, lame);
	eng_parent_trouble(e, have, &trouble);
	assert_string_equal(trouble.lookup, words);
}

/* After ${s} the look-up is made anew, and tells this. */
static void
again(int64_t s, const char *a, const char *b)
{
	unsigned count = up.count;

	wall_ms += s * 1000 - 1;
	sync_zone();
	assert_int_equal(up.count, count);
	wall_ms += 2;
	sync_zone();
	assert_int_equal(up.count, count + 1);
	servers_found(a, b);
}

/* A name server that the parent lists does not vanish because its addresses could not be looked up. */
static void
lame_server(void **state)
{
	(void)state;
	mus_zonestate_init(&e->scratch);
	sync_zone();
	/* Never known: nothing may go on, whatever it is. */
	servers_found("12", "!");
	give_keys(600);
	asks("12", MUS_CAUSE_NOLOOKUP, "b.lab.", "SERVFAIL of b");
	again(10, "12", "3!");
	asks("123", MUS_CAUSE_NOLOOKUP, "b.lab.", "SERVFAIL of b");
	again(10, "12", "");
	asks("123", MUS_CAUSE_NOADDR, "b.lab.", "nothing of b");
	again(10, "!", "");	/* of a all is known, from before */
	asks("123", MUS_CAUSE_NOADDR, "b.lab.", "nothing of b");
	/* Both are known. */
	again(10, "12", "34");
	asks("1234", MUS_CAUSE_NONE, "", "");
	/* What is known stays as long as it is listed, and does not grow less. */
	again(60, "12", "!");
	asks("1234", MUS_CAUSE_NONE, "", "");
	again(10, "12", "5!");
	asks("12345", MUS_CAUSE_NONE, "", "");
	again(10, "2!", "!");
	asks("1234", MUS_CAUSE_NONE, "", "");
	/* That it has none is a fault of the parent's zone: glue may lead there. */
	again(10, "12", "");
	asks("1234", MUS_CAUSE_NOADDR, "b.lab.", "nothing of b");
	/* It has others; it is listed no more. */
	again(10, "12", "6");
	asks("126", MUS_CAUSE_NONE, "", "");
	again(60, "12", NULL);
	asks("12", MUS_CAUSE_NONE, "", "");
}

/* More servers than there is room for are not passed over. */
static void
too_many(void **state)
{
	static struct mus_lookup_parent r = {.count = 1, .is_full = true};

	(void)state;
	mus_zonestate_init(&e->scratch);
	sync_zone();
	OK(mus_name_parse("lab.", &r.zone, &et));
	assert_true(mus_addr_parse("192.0.2.1", 53, &r.server[0].addr));
	up.fn(up.arg, &r);
	give_keys(600);
	asks("1", MUS_CAUSE_NOROOM, "", "");
}

static void
give_address(void)
{
	zone[0].parent_addr_count = 1;
	assert_true(mus_addr_parse("192.0.2.9", e->o.dns_port, &zone[0].parent_addr[0]));
}

/* A parent that is given without addresses is looked up as any; another one is an error with a reason. */
static void
given(void **state)
{
	struct mus_ctl_trouble trouble = {.lookup = ""};

	(void)state;
	snprintf(zone[0].name, sizeof zone[0].name, "z0.mid.lab.");
	snprintf(zone[0].parent, sizeof zone[0].parent, "mid.lab.");
	for (unsigned i = 0; i < 3; i++) {
		mus_zonestate_init(&e->scratch);
		sync_zone();
		assert_int_equal(up.count, i + 1);
		assert_int_equal(e->scratch.zone.lack[0].cause, i ? MUS_CAUSE_NOLOOKUP : MUS_CAUSE_LOOKING);
		parent_found();
		assert_null(parent(0));
		assert_int_equal(eng_parent_lacks(e, zone[0].name), MUS_CAUSE_NOLOOKUP);
		sync_zone();
		assert_int_equal(e->scratch.zone.lack[0].cause, MUS_CAUSE_NOLOOKUP);
		eng_parent_trouble(e, &e->scratch, &trouble);
		assert_non_null(strstr(trouble.lookup, "the zone above is lab., not the parent that was given"));
		wall_ms += 601000;
	}
	assert_int_equal(other, 1);
	snprintf(zone[0].parent, sizeof zone[0].parent, "lab.");
	assert_non_null(parent(0));
	assert_int_equal(eng_parent_lacks(e, zone[0].name), MUS_CAUSE_LOOKING);
	/* Addresses that are given are for that zone alone. */
	mus_zonestate_init(&e->scratch);
	give_address();
	asks("19", MUS_CAUSE_NONE, "", "");
	mus_zonestate_init(&e->scratch);
	zone[0].parent_addr_count = 0;
	asks("1", MUS_CAUSE_NONE, "", "");
	/* With addresses it is an error all the same. */
	give_address();
	snprintf(zone[0].parent, sizeof zone[0].parent, "mid.lab.");
	assert_null(parent(0));
	sync_zone();
	assert_int_equal(e->scratch.zone.lack[0].cause, MUS_CAUSE_NOLOOKUP);
}

/* What is given may be a part: what is found is asked too, and as long as nothing is, the zone holds. */
static void
given_and_found(void **state)
{
	(void)state;
	mus_zonestate_init(&e->scratch);
	snprintf(zone[0].parent, sizeof zone[0].parent, "lab.");
	give_address();
	asks("9", MUS_CAUSE_LOOKING, "", "");
	assert_true(is_awaited(0));
	assert_int_equal(up.count, 1);
	wall_ms += 6000;
	give_keys(600);
	assert_false(is_awaited(0));
	parent_fails("look up lab. NS: SERVFAIL");
	asks("9", MUS_CAUSE_NOLOOKUP, "", "look up lab. NS: SERVFAIL");
	wall_ms += 11000;
	sync_zone();
	assert_int_equal(up.count, 2);
	assert_false(is_awaited(0));
	servers_found("12", "!");
	asks("129", MUS_CAUSE_NOLOOKUP, "b.lab.", "SERVFAIL of b");
	/* By glue alone one may be reached that DNS has no address for: it can be given. */
	again(10, "12", "");
	asks("129", MUS_CAUSE_NONE, "", "");
	again(10, "12", "34");
	asks("12349", MUS_CAUSE_NONE, "", "");
	/* Believed as it was given. */
	e->o.addresses_unchecked = true;
	asks("9", MUS_CAUSE_NONE, "", "");
	wall_ms += 100000;
	asks("9", MUS_CAUSE_NONE, "", "");
	assert_int_equal(up.count, 4);
}

/* What nobody looked up for long is not believed; who looks often does not wait, nor does who has just failed. */
static void
old_servers(void **state)
{
	(void)with_keys(600);
	(void)state;
	wall_ms += 61000;
	assert_false(is_awaited(0));
	assert_int_equal(up.count, 2);
	parent_found();
	for (unsigned i = 0; i < 2; i++) {
		wall_ms += 121000;
		assert_true(is_awaited(0));
		assert_true(is_awaited(1));
		assert_int_equal(up.count, 3 + i);
		for (unsigned n = 0; n < 2; n++)
			eng_zone_get(e, zone[n].id)->due_ms = wall_ms + 1000000;
		if (i == 0)
			parent_found();
		else
			parent_fails("look up lab. NS: SERVFAIL");
		for (unsigned n = 0; n < 2; n++) {
			assert_true(eng_zone_get(e, zone[n].id)->due_ms <= wall_ms);
			assert_false(is_awaited(n));
		}
	}
	wall_ms += 11000;
	assert_false(is_awaited(0));
	assert_int_equal(up.count, 5);
}

static struct mus_timer *tick;

static void
on_tick(void *arg)
{
	const struct eng_zone *z = arg;

	if (e->stats.rounds > 0 && !z->in_turn)
		mus_loop_stop(l);
	else
		mus_timer_start(tick, 10);
}

/* What nobody answers is no answer. */
static void
answers_are_counted(void **state)
{
	struct eng_zone *z = eng_zone_get(e, zone[0].id);

	(void)state;
	snprintf(zone[0].parent, sizeof zone[0].parent, "lab.");
	assert_true(mus_addr_parse("127.0.0.1", 1, &zone[0].parent_addr[0]));
	zone[0].parent_addr_count = 1;
	e->o.addresses_unchecked = true;
	OK(mus_store_save_zone(store, &zone[0], &et));
	assert_non_null(parent(0));
	give_keys(600);
	e->active = 0;
	eng_wake(e, z, ENG_FOCUS_ALL, 0);
	tick = mus_timer_new(l, on_tick, z);
	mus_timer_start(tick, 10);
	mus_loop_run(l);
	mus_timer_free(tick);
	assert_int_equal(e->stats.questions, 2);
	assert_int_equal(e->stats.answers, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(kept_for_their_ttl),
	    T(refresh_fails),
	    T(in_doubt),
	    T(awaited),
	    T(not_found),
	    T(lame_server),
	    T(too_many),
	    T(given),
	    T(given_and_found),
	    T(old_servers),
	    T(answers_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
