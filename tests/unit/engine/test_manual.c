/*
 * What somebody is told to enter at a parent that follows nothing: exactly the records, and nothing that would
 * take away what has to stay.  The zone is that of the rule tests; the clock is theirs, too.
 */
#include "../core/rig.h"
#include "core/rows.h"
#include "engine/int.h"

static struct mus_engine *e;
static struct mus_buf out;

struct mus_time __wrap_mus_loop_now(const struct mus_loop *loop);

struct mus_time
__wrap_mus_loop_now(const struct mus_loop *loop)
{
	(void)loop;
	return r.now;
}

static int
setup(void **state)
{
	(void)state;
	rig_init();
	rig_steady();
	snprintf(r.z.book.zone, sizeof r.z.book.zone, "z.test.");
	snprintf(r.z.book.ns[NS_A], sizeof r.z.book.ns[NS_A], "ns.z.test.");
	snprintf(r.z.book.ns[NS_B], sizeof r.z.book.ns[NS_B], "ns.b.test.");
	r.z.zone.ns[NS_A].in_domain = true;
	for (unsigned i = 0; i < 3; i++)
		assert_true(mus_addr_parse(i == AT_A ? "192.0.2.1" : "2001:db8::9", 53, &r.z.book.addr[i]));
	for (unsigned k = 0; k < KEY_COUNT; k++) {
		r.z.book.key[k].rdata = calloc(1, 68);
		memcpy(r.z.book.key[k].rdata, "\x01\x01\x03\x0d", 4);
		r.z.book.key[k].rdata[67] = (uint8_t)k;
		r.z.book.key[k].len = 68;
	}
	e = mus_zonestate_room(sizeof *e);
	e->o.parent_patience_s = 10;
	mus_buf_init(&out, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mus_buf_clear(&out);
	free(e);
	mus_zonestate_clear(&r.z);
	return 0;
}

static void
later(int64_t s)
{
	rig_at_ms(r.now.ms - r.t0.ms + s * 1000);
}

/* Nothing leads to b, nor is anything that it said in a cache. */
static void
b_is_cut(void)
{
	r.ns = r.z.want.nsg = 1 << NS_A;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A, 0);
	rig_data(A, ZA);
	rig_data(B, ZB);
	for (unsigned i = 0; i < 3; i++) {
		later(86400);
		rig_settle();
	}
}

/* The process stands where it waits for this set of the parent; ${leaver} leaves.  Is it said after ${s} s? */
static bool
needs_manual(const struct mus_witness *wait, unsigned leaver, int64_t s)
{
	struct mus_plan plan = {.want = r.z.want, .wait_count = 1, .wait = {*wait}};
	struct mus_proc *p = &plan.want.proc;
	const struct mus_row *rows = mus_rows(MUS_PROC_REMOVE, &(unsigned){0});

	p->kind = MUS_PROC_REMOVE;
	p->signer = (uint8_t)leaver;
	p->row_at = r.now;
	while (rows[p->row].post[0] != wait->rule)
		p->row++;
	plan.want.nsg = plan.want.dsg = (uint8_t)(3 & ~(1u << leaver));
	later(s);
	return mus_time_is_set(eng_manual(e, &r.z, &plan, &r.policy, &out));
}

static const char *
lines(void)
{
	assert_true(mus_buf_add_u8(&out, 0));
	return (const char *)out.data;
}

static const char *
told(enum mus_rule rule, unsigned leaver, int64_t s)
{
	assert_true(needs_manual(&(struct mus_witness){.rule = rule, .result = MUS_RES_FAILS}, leaver, s));
	return lines();
}

static void
patience(void **state)
{
	(void)state;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A | 1 << NS_B, 0);
	assert_false(needs_manual(&(struct mus_witness){.rule = MUS_RULE_PARENTNS, .result = MUS_RES_FAILS}, B, 9));
	assert_string_equal(lines(), "add ns.z.test. A 192.0.2.1\nremove z.test. NS ns.b.test.\n");
}

/* A server of the parent that lags is no matter of the registrar. */
static void
a_laggard_needs_nothing_entered(void **state)
{
	(void)state;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A | 1 << NS_B, 0);
	assert_false(needs_manual(&(struct mus_witness){.rule = MUS_RULE_PARENTNS, .result = MUS_RES_FAILS, .lags = true}, B, 10));
	assert_string_equal(lines(), "");
}

static void
glue_goes_with_its_name(void **state)
{
	(void)state;
	rig_put(MUS_PARENT, MUS_RR_PNS, 1 << NS_A | 1 << NS_B, 0);
	assert_string_equal(told(MUS_RULE_PARENTNS, A, 10),
	    "remove z.test. NS ns.z.test.\nremove ns.z.test. A 192.0.2.1\n");
	/* the name of another zone has no glue here; that of who stays keeps its own */
	assert_string_equal(told(MUS_RULE_PARENTNS, B, 10),
	    "add ns.z.test. A 192.0.2.1\nremove z.test. NS ns.b.test.\n");
}

static void
stray_ds(void **state)
{
	struct mus_look l = {.server = AT_PARENT, .kind = MUS_RR_DS, .set = KA, .content = 99, .dt = {0, KA, 0},
	    .ttl_s = 60, .serve_ttl_s = 60, .stray = 1, .aux = MUS_AUX_STRAY | 4711};

	(void)state;
	b_is_cut();
	rig_look(&l);
	assert_string_equal(told(MUS_RULE_PARENTDS, B, 10),
	    "remove z.test. DS that is of no signer's key: 1 record, key tag 4711; to stay: 1000 13 2\n");
	l.content++;
	l.stray = 2;
	l.dt[2] = KA;			/* by SHA-384 too: it may stay */
	rig_look(&l);
	assert_string_equal(told(MUS_RULE_PARENTDS, B, 10),
	    "remove z.test. DS that is of no signer's key: 2 records, the first with key tag 4711; to stay: "
	    "1000 13 2, 1000 13 4\n");
	l.content++;
	l.stray = 255;
	l.aux = 0;
	l.set = KA | KB;
	l.dt[2] = 0;
	l.dt[1] = KA | KB;
	rig_look(&l);
	assert_non_null(strstr(told(MUS_RULE_PARENTDS, B, 10), "remove z.test. DS 1040 13 2 "));	/* that of B, exactly */
	assert_non_null(strstr((const char *)out.data,
	    "\nremove z.test. DS that is of no signer's key: 255 or more records; to stay: 1000 13 2\n"));
}

/* b's server is still asked, or would be when nothing vouches for its keys. */
static void
what_would_break_waits(void **state)
{
	struct mus_witness ds = {.rule = MUS_RULE_PARENTDS, .result = MUS_RES_FAILS};
	struct mus_witness ns = {.rule = MUS_RULE_PARENTNS, .result = MUS_RES_FAILS};

	(void)state;
	assert_false(needs_manual(&ds, B, 10));
	assert_non_null(strstr(lines(), "wait: no DS of z.test. is to be entered now: "));
	assert_null(strstr(lines(), "remove"));
	b_is_cut();
	assert_non_null(strstr(told(MUS_RULE_PARENTDS, B, 10), "remove z.test. DS 1040 13 2 "));
	assert_non_null(strstr(told(MUS_RULE_PARENTNS, A, 10), "add z.test. NS ns.b.test.\n"));
	rig_ds(KA);
	assert_false(needs_manual(&ns, A, 10));
	assert_non_null(strstr(lines(), "wait: no NS of z.test. is to be entered now: "));
	assert_null(strstr(lines(), "add"));
	/* a server that was not asked may show anything */
	rig_fail(A, MUS_RR_KEY, MUS_CAUSE_TIMEOUT);
	assert_false(needs_manual(&ds, B, 10));
	assert_non_null(strstr(lines(), "wait: no DS of z.test. is to be entered now: "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(patience, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_laggard_needs_nothing_entered, setup, teardown),
	    cmocka_unit_test_setup_teardown(glue_goes_with_its_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(stray_ds, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_would_break_waits, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
