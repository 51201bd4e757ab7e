/*
 * What a parent announces: the engine, with the answers of look-ups in the hand of the test.
 */
#include "rig.h"

static struct {
	char name[MUS_NAME_TEXT_MAX];
	uint16_t type;
	mus_lookup_fn *fn;
	void *arg;
	unsigned count;
} asked;

int __wrap_mus_lookup(struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn,
    void *arg);

int
__wrap_mus_lookup(
    struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn, void *arg)
{
	(void)k;
	mus_name_text(name, asked.name);
	asked.type = type;
	asked.fn = fn;
	asked.arg = arg;
	asked.count++;
	return 0;
}

static int
setup(void **state)
{
	static char what_looks_up;
	struct mus_engine_opts o = rig_opts();

	(void)state;
	memset(&asked, 0, sizeof asked);
	o.lookup = (struct mus_lookup *)&what_looks_up;
	rig_start(&o);
	return 0;
}

/* The look-up of ${name} ends with these records, as RFC 3597 writes them without their length. */
static void
answer(const char *name, const char *const *hex, unsigned count, struct mus_lookup_result r)
{
	struct mus_arena a;

	assert_string_equal(asked.name, name);
	assert_int_equal(asked.type, MUS_TYPE_DSYNC);
	mus_arena_init(&a, 1 << 16);
	for (unsigned i = 0; i < count; i++) {
		struct mus_rdata rd;
		char text[256];

		snprintf(text, sizeof text, "\\# %zu %s", strlen(hex[i]) / 2, hex[i]);
		assert_int_equal(mus_rdata_parse(MUS_TYPE_DSYNC, text, &a, &rd, &et), 0);
		assert_int_equal(mus_rrset_add(&r.set, rd, &a), 0);
	}
	asked.fn(asked.arg, &r);
	mus_arena_clear(&a);
}

static const char *
says(void)
{
	return eng_dsync_of(e, "a.b.example.", "example.");
}

/* The vectors of protocol.md 24; unsigned is told. */
static void
announced(void **state)
{
	static const char *const notify[] = {"003b0114ef0b6364732d7363616e6e6572076578616d706c65036e657400",
	    "003e030001" "00"};
	static const char *const update[] = {"00ff0214b60464646e7306706172656e7400"};

	(void)state;
	assert_null(says());
	assert_null(says());
	assert_int_equal(asked.count, 1);
	answer("a.b._dsync.example.", notify, 2, (struct mus_lookup_result){.security = MUS_LOOKUP_SECURE});
	assert_string_equal(says(), "CDS NOTIFY to cds-scanner.example.net. port 5359, CSYNC SCANNER");
	assert_int_equal(asked.count, 1);
	/* another parent: everything anew */
	assert_null(eng_dsync_of(e, "a.b.example.", "b.example."));
	answer("a._dsync.b.example.", update, 1, (struct mus_lookup_result){.security = MUS_LOOKUP_INSECURE});
	assert_string_equal(eng_dsync_of(e, "a.b.example.", "b.example."),
	    "ANY UPDATE to ddns.parent. port 5302 (not signed)");
	assert_null(eng_dsync_of(e, "a.", "."));
	assert_string_equal(asked.name, "a._dsync.");
}

/* Nothing for the child: the parent's own; nothing there either is an answer, and none is not. */
static void
nothing(void **state)
{
	static const char *const useless[] = {"003b000001" "00", "003b010000" "00", "003b01", "003b01000103"};

	(void)state;
	assert_null(says());
	answer("a.b._dsync.example.", NULL, 0, (struct mus_lookup_result){.nxdomain = true});
	assert_null(says());
	answer("_dsync.example.", NULL, 0, (struct mus_lookup_result){.nxdomain = true});
	assert_string_equal(says(), "nothing (no DSYNC)");
	assert_int_equal(asked.count, 2);
	assert_null(eng_dsync_of(e, "c.example.", "example."));
	answer("c._dsync.example.", useless, 4, (struct mus_lookup_result){.security = MUS_LOOKUP_SECURE});
	assert_string_equal(eng_dsync_of(e, "c.example.", "example."),
	    "nothing that can be used (DSYNC without port or scheme)");
	assert_null(eng_dsync_of(e, "d.example.", "example."));
	answer("d._dsync.example.", NULL, 0,
	    (struct mus_lookup_result){.err = MUS_ERR_NET, .words = {"SERVFAIL there"}});
	assert_string_equal(eng_dsync_of(e, "d.example.", "example."), "not known: SERVFAIL there");
	assert_null(eng_dsync_of(e, "f.example.", "example."));
	answer("f._dsync.example.", NULL, 0,
	    (struct mus_lookup_result){.security = MUS_LOOKUP_BOGUS, .words = {"bogus there"}});
	assert_string_equal(eng_dsync_of(e, "f.example.", "example."), "not known: bogus there");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(announced, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(nothing, setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
