/* When the whole copies of a zone under care are read again that could not be read. */
#include "rig.h"

static struct mus_signer_obj sig;
static struct mus_group_obj group;
static struct mus_zone_obj zone;
static struct eng_zone *z;
static struct fake *server;
static unsigned questions, rcode;

static void
on_question(struct fake_q *q, void *arg)
{
	(void)arg;
	questions++;
	if (rcode == MUS_RCODE_NOERROR)
		rig_answer_copy(q);
	else
		fake_answer(q, rcode, 0);
}

/* Group g with signer a, which refuses transfers; zone z.test in it, which a signs. */
static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();

	(void)state;
	questions = 0;
	rcode = MUS_RCODE_REFUSED;
	o.retry_ms = 60000;
	o.idle_ms = 3600000;
	rig_start(&o);
	server = fake_new(l, FAKE_TCP, on_question, NULL);
	sig = (struct mus_signer_obj){.name = "a", .driver = "manual", .update = server->addr};
	sig.ns[0] = (struct mus_ns_obj){.name = "ns.a.test.", .addr_count = 1};
	assert_true(mus_addr_parse("192.0.2.1", 53, &sig.ns[0].addr[0]));
	sig.ns_count = 1;
	OK(mus_ctl_put_signer(e, "test", &sig, NULL, &et));
	group = (struct mus_group_obj){.name = "g", .member_count = 1};
	group.member[0].signer_id = sig.id;
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	zone = (struct mus_zone_obj){.name = "z.test.", .group_id = group.id};
	snprintf(zone.parent, sizeof zone.parent, "test.");
	assert_true(mus_addr_parse("192.0.2.2", 53, &zone.parent_addr[0]));
	zone.parent_addr_count = 1;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	z = eng_zone_get(e, zone.id);
	st->book.zone_id = zone.id;
	if (!eng_sync(e, &zone, st, &et))
		fail_msg("%s", et.s);
	st->want.adopted = true;
	st->want.keyg = st->want.dsg = st->want.nsg = 1;
	OK(eng_save_state(e, zone.id, st));
	return 0;
}

static int
teardown(void **state)
{
	fake_free(server);
	return rig_teardown(state);
}

/* A turn to which nothing has answered ends. */
static void
turn(void)
{
	struct eng_turn *t = eng_turn_new(e);

	assert_non_null(t);
	t->z = z;
	t->at = eng_now(e);
	z->in_turn = true;
	e->active++;
	eng_turn_done(t);
}

/* A turn that reads the copy, and its failure. */
static void
turn_that_reads(unsigned nth)
{
	turn();
	until(l, &questions, nth);
	while (z->busy->copying)
		turn_for(l, 5);
	assert_non_null(strstr(z->busy->trouble[0].copy, mus_rcode_text((uint16_t)rcode)));
}

/* Not again before its time; but at once when an operator has mended something, or says so. */
static void
again_when_mended(void **state)
{
	(void)state;
	turn_that_reads(1);
	turn();
	assert_int_equal(z->busy->copying, 0);
	OK(mus_ctl_check(e, "test", "z.test", &et));
	turn_that_reads(2);
	turn();
	assert_int_equal(z->busy->copying, 0);
	OK(mus_ctl_put_signer(e, "test", &sig, NULL, &et));
	turn_that_reads(3);
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	turn_that_reads(4);
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	turn_that_reads(5);
	turn();
	assert_int_equal(z->busy->copying, 0);
}

/* It is looked then, not in an hour, and the zone says when that is. */
static void
its_time_is_told(void **state)
{
	struct mus_zone_view view;
	struct mus_time began = eng_now(e), since;

	(void)state;
	turn_that_reads(1);
	since = mus_time_add_s(z->busy->trouble[0].copy_since, -100);
	z->busy->trouble[0].copy_since = since;
	turn();
	assert_non_null(z->busy);
	OK(mus_store_load_zone(store, "z.test.", &zone, &et));
	assert_in_range(zone.next_check_at.ms, began.ms + 4 * 60000, eng_now(e).ms + 4 * 60000);
	OK(mus_ctl_view(e, "z.test", &view, &et));
	assert_in_range(view.trouble[0].copy_next.ms, began.ms + 4 * 60000, eng_now(e).ms + 4 * 60000);
	assert_int_equal(view.trouble[0].copy_since.ms, since.ms);
	assert_int_equal(view.trouble[0].copy_err, MUS_ERR_REFUSED);
	assert_true(mus_addr_equal(&view.trouble[0].copy_server, &server->addr));
	/* another reason is told at once; since when it fails stays */
	rcode = MUS_RCODE_SERVFAIL;
	OK(mus_ctl_check(e, "test", "z.test", &et));
	assert_int_equal(view.trouble[0].copy_began.ms, 0);
	turn();
	OK(mus_ctl_view(e, "z.test", &view, &et));
	assert_false(mus_time_is_set(view.trouble[0].copy_next));	/* just now */
	assert_in_range(view.trouble[0].copy_began.ms, began.ms, eng_now(e).ms);
	assert_int_equal(view.trouble[1].copy_began.ms, 0);
	assert_true(mus_addr_equal(&view.trouble[0].copy_server, &server->addr));
	turn_that_reads(2);
	assert_int_equal(z->busy->trouble[0].copy_since.ms, since.ms);
}

/* What is known of the copy of a is gone, or is there: the zone needs it, or does not. */
static void
know(bool known)
{
	OK(eng_load_state(e, zone.id, st, &et));
	st->seen.copy[0].known = known;
	OK(eng_save_state(e, zone.id, st));
}

/* A zone that is idle again forgets what it was busy with, not when it read its copies: whoever wakes it
 * all the time does not make it read them all the time. */
static void
not_again_when_idle(void **state)
{
	(void)state;
	rcode = MUS_RCODE_NOERROR;
	turn();
	until(l, &questions, 1);
	while (z->busy->copying)
		turn_for(l, 5);
	OK(eng_load_state(e, zone.id, st, &et));
	assert_true(st->seen.copy[0].known);
	turn();
	assert_null(z->busy);
	know(false);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(mus_engine_hint(e, "z.test."));
		turn();
		assert_null(z->busy);
	}
	turn_for(l, 50);
	assert_int_equal(questions, 1);
	z->tries->at[0] = mus_time_add_ms(z->tries->at[0], -60000);
	turn();
	until(l, &questions, 2);
	while (z->busy->copying)
		turn_for(l, 5);
	turn();
	assert_non_null(z->tries);
	/* nor does it keep that for ever */
	z->tries->at[0] = mus_time_add_ms(z->tries->at[0], -480000);
	turn();
	assert_null(z->tries);
}

/* What was tried in what is the future now counts from now on: the pause is no longer than it was. */
static void
the_clock_was_set_back(void **state)
{
	struct mus_time began;

	(void)state;
	turn_that_reads(1);
	z->tries->at[0] = mus_time_add_s(eng_now(e), 1800);
	began = eng_now(e);
	turn();
	OK(mus_store_load_zone(store, "z.test.", &zone, &et));
	assert_in_range(zone.next_check_at.ms, began.ms + 4 * 60000, eng_now(e).ms + 4 * 60000);
	z->tries->at[0] = mus_time_add_ms(z->tries->at[0], -4 * 60000);
	turn_that_reads(2);
	/* nor is it kept for longer */
	know(true);
	z->tries->at[0] = mus_time_add_s(eng_now(e), 1800);
	turn();
	assert_non_null(z->tries);
	z->tries->at[0] = mus_time_add_ms(z->tries->at[0], -480000);
	turn();
	assert_null(z->tries);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(again_when_mended, setup, teardown),
	    cmocka_unit_test_setup_teardown(its_time_is_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(not_again_when_idle, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_clock_was_set_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
