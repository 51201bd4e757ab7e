/*
 * The lists of what caches may hold: what is one member and what are two, and when a list is full.
 */
#include "rig.h"
#include "core/sets.h"

static struct mus_sets s;

static struct mus_ent
some(void)
{
	return (struct mus_ent){.a = 1, .b = 2, .dt = {3, 4, 5}, .old_a = 6, .old_b = 7, .origin = A,
	    .kind = MUS_RR_KEY, .server = AT_A, .first = rig_time(1), .end = rig_time(10)};
}

/* ${e} beside some(): so many members then. */
static void
beside(char which, struct mus_ent e, unsigned want)
{
	struct mus_ent first = some();

	s.d_count = s.k_count = s.x_count = 0;
	assert_non_null(mus_sets_add(&s, which, &first));
	assert_non_null(mus_sets_add(&s, which, &e));
	assert_int_equal(which == 'd' ? s.d_count : which == 'k' ? s.k_count : s.x_count, want);
}

/* some(), with one thing in it that is different. */
static struct mus_ent
other(unsigned what)
{
	struct mus_ent e = some();

	switch (what) {
	case 0:
		e.a = 9;
		break;
	case 1:
		e.b = 9;
		break;
	case 2:
		e.origin = B;
		break;
	case 3:
		e.is_void = true;
		break;
	case 4:
		e.is_new = true;
		break;
	case 5:
		e.replaces = true;
		break;
	case 6:
		e.old_a = 9;
		break;
	case 7:
		e.old_b = 9;
		break;
	default:
		e.dt[what - 8] = 9;
	}
	return e;
}

/* One that differs in anything that a predicate reads must not be lost. */
static void
test_what_is_one(void **state)
{
	(void)state;
	for (const char *w = "dkx"; *w; w++) {
		struct mus_ent e = some();

		beside(*w, e, 1);
		e.kind = MUS_RR_SOA;
		e.server = AT_B;
		e.first = e.end = rig_time(5);
		beside(*w, e, 1);
		for (unsigned v = 0; v < 8 + MUS_DT_COUNT; v++)
			beside(*w, other(v), v >= 8 && *w != 'd' ? 1 : 2);
	}
}

/* Of two that say the same the one that ends last stays, with its times and its server. */
static void
test_longest(void **state)
{
	struct mus_ent e = some();

	(void)state;
	e.end = rig_time(20);
	e.first = rig_time(2);
	e.server = AT_B;
	beside('k', e, 1);
	assert_int_equal(s.k[0].end.ms, rig_time(20).ms);
	assert_int_equal(s.k[0].first.ms, rig_time(2).ms);
	assert_int_equal(s.k[0].server, AT_B);
	e.end = rig_time(9);
	beside('k', e, 1);
	assert_int_equal(s.k[0].end.ms, rig_time(10).ms);
	assert_int_equal(s.k[0].server, AT_A);
}

static void
test_full(void **state)
{
	static const struct {
		char which;
		unsigned max;
	} lists[] = {{'d', MUS_SETS_D_MAX}, {'k', MUS_SETS_K_MAX}, {'x', MUS_SETS_X_MAX}};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct mus_ent e = some();

		memset(&s, 0, sizeof s);
		for (e.a = 0; e.a < lists[i].max; e.a++)
			assert_non_null(mus_sets_add(&s, lists[i].which, &e));
		assert_false(s.full);
		assert_null(mus_sets_add(&s, lists[i].which, &e));
		assert_true(s.full);
		/* What is there already has its place. */
		e.a = 3;
		assert_non_null(mus_sets_add(&s, lists[i].which, &e));
		mus_sets_drop_new(&s);
		assert_false(s.full);
		assert_int_equal(s.d_count | s.k_count | s.x_count, 0);
	}
}

/* More data than there is room for, as signers show them: told, also when what a change adds is forgotten again. */
static void
test_full_of_data(void **state)
{
	static const enum mus_rr_kind kinds[] = {MUS_RR_SOA, MUS_RR_NS};
	struct mus_facts facts;

	(void)state;
	r.z.zone.signer_count = MUS_SIGNERS_MAX;
	for (unsigned o = 0; o < MUS_SIGNERS_MAX; o++)
		for (unsigned i = 0; i < 2 * MUS_VERSIONS_MAX; i++) {
			struct mus_ring *ring = &r.z.seen.signer[o][kinds[i / MUS_VERSIONS_MAX]];
			struct mus_version *v = &ring->v[ring->count++];

			v->last = r.now;
			v->ttl_s = ring->ttl_max_s = 60;
			for (unsigned k = 0; k < 5; k++)
				if ((i + 1) >> k & 1)
					v->sig[v->sig_count++] = (struct mus_sig){.key = (uint8_t)k, .until_s = INT64_MAX / 2000};
		}
	mus_facts(&r.z.zone, &r.z.seen, &r.policy, r.now, &facts);
	mus_sets_alive(&r.z.zone, &r.z.seen, &facts, &r.policy, r.now, &s);
	assert_int_equal(s.x_count, MUS_SETS_X_MAX);
	assert_true(s.full);
	mus_sets_drop_new(&s);
	assert_true(s.full);
}

static int
init(void **state)
{
	(void)state;
	rig_init();
	memset(&s, 0, sizeof s);
	return 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, init)
	const struct CMUnitTest tests[] = {
	    T(test_what_is_one),
	    T(test_longest),
	    T(test_full),
	    T(test_full_of_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
