/* The table of drivers, and what the fake one in it says: tests of others rely on that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_driver.h"

static void
by_name(void **state)
{
	static const char *const names[] = {"ddns", "manual", "fake"},
				*const none[] = {"", "DDNS", "ddn", "ddnsx", "ddns ", "axfr", "fake\n"};
	char text[MUS_DRV_NAMES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct mus_driver *d = mus_driver_find(names[i]);

		assert_non_null(d);
		assert_string_equal(d->name, names[i]);
	}
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_null(mus_driver_find(none[i]));
	assert_string_equal(mus_driver_names(text), "ddns, manual, secondary, fake");
	assert_ptr_equal(mus_driver_find("ddns"), &mus_driver_ddns);
	assert_true(mus_driver_ddns.needs_update_addr);
	assert_non_null(mus_driver_ddns.apply);
	assert_non_null(mus_driver_ddns.cancel);
	/* nothing can be sent to a person, so nothing needs an address */
	assert_null(mus_driver_manual.apply);
	assert_false(mus_driver_manual.needs_update_addr);
}

static struct mus_drv_result got;
static unsigned done;

static void
on_result(void *arg, const struct mus_drv_result *r)
{
	(void)arg;
	got = *r;
	done++;
	mus_loop_stop(fake_driver.loop);
}

static void
says(void **state)
{
	static const struct {
		enum fake_says says;
		enum mus_drv_outcome want;
		bool silent;
	} rows[] = {
	    {FAKE_OK, MUS_DRV_SHOWN, false}, {FAKE_REFUSES, MUS_DRV_REFUSED, false},
	    {FAKE_TIMES_OUT, MUS_DRV_FAILED, true}, {FAKE_PARTIAL, MUS_DRV_NOT_SHOWN, false},
	    {FAKE_STALE, MUS_DRV_STALE, false},
	};
	const struct mus_driver *d = mus_driver_find("fake");
	struct mus_drv_change c = {.rr = {{MUS_TYPE_CDS, false, 60, {(const uint8_t *)"abc", 3}}}, .count = 1};
	struct mus_drv_target t = {.update = {.port = 53}};
	struct mus_drv_job *job;
	struct mus_loop *l = mus_loop_new();

	(void)state;
	fake_driver_start(l);
	assert_int_equal(mus_name_parse("a.test", &t.zone, NULL), 0);
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fake_driver.says = rows[i].says;
		done = 0;
		assert_int_equal(d->apply(&t, &c, on_result, NULL, &job), 0);
		assert_int_equal(done, 0);	/* never before it returns */
		mus_loop_run(l);
		assert_int_equal(done, 1);
		assert_int_equal(got.outcome, rows[i].want);
		assert_int_equal(got.silent, rows[i].silent);
		assert_string_equal(fake_driver.ask[i].zone, "a.test.");
		assert_memory_equal(fake_driver.ask[i].rr[0].rd.data, "abc", 3);
	}
	fake_driver.says = FAKE_OK;
	fake_driver.lacks = MUS_TYPE_CDS;
	assert_int_equal(d->apply(&t, &c, on_result, NULL, &job), 0);
	mus_loop_run(l);
	assert_int_equal(got.outcome, MUS_DRV_REFUSED);
	fake_driver.lacks = 0;
	fake_driver.says = FAKE_NO_ROOM;
	assert_int_equal(d->apply(&t, &c, on_result, NULL, &job), MUS_ERR_FULL);
	fake_driver_stop();
	mus_loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(by_name), cmocka_unit_test(says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
