/* A whole copy, read from a server that takes its time: what came of it, and as of when. */
#include "engine/control_int.h"
#include "rig.h"

static struct mus_zone_obj zone;
static struct eng_signer *signer;
static struct fake *server;
static struct fake_q *asked;		/* a copy of the question, to be answered later */
static struct eng_read r;
static unsigned questions, ends;
static int end_err;

static void
on_question(struct fake_q *q, void *arg)
{
	(void)arg;
	questions++;
	free(asked);
	asked = malloc(sizeof *asked);
	*asked = *q;
}

static void
on_end(struct eng_read *read, int err, const struct mus_errtext *words)
{
	assert_ptr_equal(read, &r);
	assert_null(read->xfr);
	end_err = err;
	et = *words;
	ends++;
}

static void
answer(void)
{
	rig_answer_copy(asked);
}

static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();
	struct mus_signer_obj s = {.name = "a", .driver = "manual"};

	(void)state;
	questions = ends = 0;
	rig_start(&o);
	server = fake_new(l, FAKE_TCP, on_question, NULL);
	s.update = server->addr;
	assert_int_equal(mus_ctl_put_signer(e, "test", &s, NULL, &et), 0);
	assert_non_null(signer = eng_signer_get(e, s.id, &et));
	memset(&zone, 0, sizeof zone);
	snprintf(zone.name, sizeof zone.name, "z.test.");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	eng_read_end(&r);
	free(asked);
	asked = NULL;
	fake_free(server);
	rig_stop();
	return 0;
}

/* What came while it streamed may not be in it: it is as old as its beginning. */
static void
test_as_of_its_beginning(void **state)
{
	struct mus_time began = eng_now(e);

	(void)state;
	assert_true(eng_can_read(signer));
	assert_int_equal(eng_read_start(&r, e, &zone, signer, on_end, &et), 0);
	until(l, &questions, 1);
	turn_for(l, 50);
	answer();
	until(l, &ends, 1);
	if (end_err)
		fail_msg("%s", et.s);
	assert_true(eng_now(e).ms >= began.ms + 50);
	eng_read_fill(&r, st, 1);
	assert_true(st->seen.copy[1].known);
	assert_int_equal(st->seen.copy[1].at.ms, began.ms);
	assert_int_equal(st->seen.copy[1].serial, 9);
	assert_int_equal(st->seen.copy[1].ttl_max_s, 3600);
	assert_false(st->seen.copy[0].known);
	/* The largest TTL that was ever there may still be in caches. */
	st->seen.copy[1].ttl_max_s = 7200;
	eng_read_fill(&r, st, 1);
	assert_int_equal(st->seen.copy[1].ttl_max_s, 7200);
}

static void
test_ended_while_under_way(void **state)
{
	(void)state;
	assert_int_equal(eng_read_start(&r, e, &zone, signer, on_end, &et), 0);
	until(l, &questions, 1);
	eng_read_end(&r);
	answer();
	turn_for(l, 50);
	assert_int_equal(ends, 0);
	eng_read_end(&r);		/* again: there is nothing to end */
}

/* What is told names the signer's address, and the key of the configuration. */
static void
test_bounded(void **state)
{
	(void)state;
	e->o.transfer_max_bytes = 64;
	assert_int_equal(eng_read_start(&r, e, &zone, signer, on_end, &et), 0);
	until(l, &questions, 1);
	answer();
	until(l, &ends, 1);
	assert_int_equal(end_err, MUS_ERR_TOOBIG);
	assert_non_null(strstr(et.s, "127.0.0.1@"));
	assert_non_null(strstr(et.s, "more than 64 bytes; dns.transfer-size sets the bound"));
}

/* Asks for a copy that is needed.  Was the signer asked? */
static bool
is_asked(struct eng_zone *z)
{
	unsigned before = questions;

	eng_copies(e, z, &zone, st, 1, 0);
	if (!z->busy->copying)
		return false;
	until(l, &questions, before + 1);
	z->tries->at[0] = mus_time_add_ms(z->tries->at[0], -7200000);	/* it took two hours */
	answer();
	while (z->busy->copying)
		turn_for(l, 1);
	return true;
}

/* ${ago_ms} after the last ended. */
static bool
is_asked_after(struct eng_zone *z, int64_t ago_ms)
{
	z->tries->at[0] = mus_time_add_ms(eng_now(e), -ago_ms);
	return is_asked(z);
}

static void
test_pauses_grow(void **state)
{
	static const int64_t pause_s[] = {400, 800, 1600, 3200, 3600, 3600};
	struct eng_zone *z;

	(void)state;
	e->o.retry_ms = 100000;
	e->o.copy_ms = 3600000;
	e->o.transfer_max_bytes = 64;
	OK(mus_store_begin(store, &et));
	OK(mus_store_save_zone(store, &zone, &et));
	OK(mus_store_commit(store, &et));
	assert_int_equal(eng_zone_add(e, zone.id, mus_time_add_s(mus_loop_now(l), 3600)), 0);
	z = eng_zone_get(e, zone.id);
	st->zone.signer_count = 1;
	st->book.signer_id[0] = signer->obj.id;
	snprintf(st->book.signer[0], sizeof st->book.signer[0], "a");
	OK(eng_save_state(e, zone.id, st));
	assert_true(is_asked(z));
	for (size_t i = 0; i < sizeof pause_s / sizeof *pause_s; i++) {
		assert_non_null(strstr(z->busy->trouble[0].copy, "dns.transfer-size"));
		/* from the end on: not when it was begun long ago */
		assert_true(eng_now(e).ms - z->tries->at[0].ms < 60000);
		assert_false(is_asked_after(z, pause_s[i] * 1000 - 60000));
		assert_true(is_asked_after(z, pause_s[i] * 1000));
	}
	/* That nobody asks for it for a while does not end the pause; that it is over does. */
	z->tries->at[0] = mus_time_add_ms(eng_now(e), -3500000);
	eng_copies(e, z, &zone, st, 0, 0);
	eng_copies_settle(e, z, 0);
	assert_false(is_asked(z));
	z->tries->at[0] = mus_time_add_ms(eng_now(e), -3700000);
	eng_copies_settle(e, z, 1);
	assert_int_equal(z->tries->fails[0], 7);
	eng_copies_settle(e, z, 0);
	assert_null(z->tries);
	assert_true(is_asked(z));
	/* Mended: at once. */
	eng_forget_tries(z);
	e->o.transfer_max_bytes = 0;
	assert_true(is_asked(z));
	assert_string_equal(z->busy->trouble[0].copy, "");
	assert_int_equal(z->tries->fails[0], 0);
	assert_false(is_asked_after(z, 40000));
	assert_true(is_asked_after(z, 100000));
}

/* A key that cannot be read: said at once, and nobody is asked. */
static void
test_no_key(void **state)
{
	(void)state;
	zone.signer_count = 1;
	zone.signer[0].signer_id = signer->obj.id;
	snprintf(zone.signer[0].key_file, sizeof zone.signer[0].key_file, "/nonexistent/key");
	assert_true(eng_read_start(&r, e, &zone, signer, on_end, &et) < 0);
	assert_non_null(strstr(et.s, "/nonexistent/key"));
	turn_for(l, 50);
	assert_int_equal(questions, 0);
	assert_int_equal(ends, 0);
}

static void
test_who_can_be_read(void **state)
{
	(void)state;
	signer->obj.no_transfer = true;
	assert_false(eng_can_read(signer));
	signer->obj.no_transfer = false;
	signer->obj.update.family = 0;
	assert_false(eng_can_read(signer));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_of_its_beginning, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended_while_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pauses_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_can_be_read, setup, teardown),
	};

	return cmocka_run_group_tests_name("engine/read", tests, NULL, NULL);
}
