/* Who is peeked at: of the parent's servers, the one that was last to follow. */
#include "rig.h"

enum { SERVERS = 3 };

static struct eng_zone *z;
static struct eng_turn *t;
static struct eng_parent parent;
static struct mus_plan plan;
static uint8_t ds[SERVERS][24];
static struct mus_rdata rd[SERVERS];

static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();
	struct mus_zone_obj zone = {.name = "z.test."};

	(void)state;
	rig_start(&o);
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	z = eng_zone_get(e, zone.id);
	assert_non_null(eng_busy(z));
	assert_non_null(t = eng_turn_new(e));
	t->z = z;
	t->at = eng_now(e);
	memset(&parent, 0, sizeof parent);
	t->parent = &parent;
	t->ans = mus_arena_alloc(&t->arena, SERVERS * sizeof *t->ans);
	st->zone.server_count = SERVERS;
	for (unsigned i = 0; i < SERVERS; i++) {
		struct eng_answer *a = &t->ans[t->ans_count++];
		char text[32];

		snprintf(text, sizeof text, "192.0.2.%u", i + 1);
		assert_true(mus_addr_parse(text, 53, &a->addr));
		a->q = ENG_Q_DS;
		a->server = (uint8_t)i;
		a->type = MUS_TYPE_DS;
		assert_int_equal(mus_name_parse("z.test.", &a->qname, NULL), 0);
		rd[i] = (struct mus_rdata){ds[i], sizeof ds[i]};
		a->set = (struct mus_rrset){.type = MUS_TYPE_DS, .rclass = MUS_CLASS_IN, .ttl_s = 60, .rd = &rd[i],
		    .count = 1, .owner = a->qname};
	}
	plan = (struct mus_plan){.poll = true, .wait_count = 1, .wake_at = MUS_TIME_NEVER};
	plan.wait[0] = (struct mus_witness){.rule = MUS_RULE_PARENTDS, .result = MUS_RES_FAILS, .until = MUS_TIME_NEVER};
	return 0;
}

static int
teardown(void **state)
{
	eng_turn_free(t);
	return rig_teardown(state);
}

/* The DS of each server: old ('o') or new ('n'); then the last byte of the address peeked at next. */
static unsigned
peeked(const char *shown)
{
	const struct eng_peek *p = &z->busy->peek;

	for (unsigned i = 0; i < SERVERS; i++)
		memset(ds[i], shown[i], sizeof ds[i]);
	for (plan.wait[0].server = 0; shown[plan.wait[0].server] == 'n'; )
		plan.wait[0].server++;
	eng_peek_from(t, st, &plan);
	if (!p->ready)
		return 0;
	assert_int_equal(p->server_count, 1);
	return p->server[0].ip[3];
}

static void
the_slowest_is_peeked_at(void **state)
{
	(void)state;
	assert_int_equal(peeked("ooo"), 1);		/* nothing is known: the first */
	assert_int_equal(peeked("nno"), 3);
	assert_int_equal(peeked("ooo"), 3);		/* the next time: who was slow */
	assert_int_equal(peeked("noo"), 3);
	assert_int_equal(peeked("non"), 2);
	assert_int_equal(peeked("ooo"), 2);
}

/* Who is slow has followed, others have not: whoever is waited for is peeked at. */
static void
only_who_is_behind(void **state)
{
	(void)state;
	assert_int_equal(peeked("noo"), 2);
	assert_int_equal(peeked("onn"), 1);
	assert_int_equal(peeked("ooo"), 1);
	t->ans[0].cause = MUS_CAUSE_TIMEOUT;
	assert_int_equal(peeked("noo"), 2);
	t->parent = NULL;				/* it is not known any more */
	assert_int_equal(peeked("noo"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_slowest_is_peeked_at, setup, teardown),
	    cmocka_unit_test_setup_teardown(only_who_is_behind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
