/*
 * Changes on their way to signers: the engine with a real store in memory and a fake driver.  Plans are
 * made by hand and turns do not run: the zones know no server, and the engine thinks it is busy.
 */
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include "dns/trial.h"
#include "engine/control_int.h"
#include "fake_driver.h"
#include "locked.h"
#include "rig.h"
#include "store/sql.h"

enum { ZONES = 200, ROOM = 100, PORT_A = 1001, PORT_B = 1002 };

static struct mus_signer_obj sig[2];
static struct mus_zone_obj zobj[ZONES];
static struct eng_zone *zone[ZONES];
static struct mus_plan plan;
static unsigned zones;
static char said[200000];		/* what the engine told its log */

static void
on_log(void *arg, int level, const char *name, const char *text)
{
	size_t n = strlen(said);

	(void)arg;
	(void)level;
	snprintf(said + n, sizeof said - n, "%s: %s\n", name, text);
}

static void
add_signer(unsigned i, const char *name, uint16_t port, uint32_t rate)
{
	memset(&sig[i], 0, sizeof sig[i]);
	snprintf(sig[i].name, sizeof sig[i].name, "%s", name);
	snprintf(sig[i].driver, sizeof sig[i].driver, "fake");
	assert_true(mus_addr_parse("192.0.2.1", port, &sig[i].update));
	sig[i].update_rate = rate;
	if (mus_ctl_put_signer(e, "test", &sig[i], NULL, &et) < 0)
		fail_msg("%s", et.s);
}

static void
add_zones(unsigned n)
{
	assert_int_equal(mus_store_begin(store, &et), 0);
	for (unsigned i = 0; i < n; i++) {
		struct mus_zone_obj *o = &zobj[zones];

		memset(o, 0, sizeof *o);
		snprintf(o->name, sizeof o->name, "z%u.test.", zones);
		assert_int_equal(mus_store_save_zone(store, o, &et), 0);
		assert_int_equal(eng_zone_add(e, o->id, mus_time_add_s(mus_loop_now(l), 3600)), 0);
		zone[zones++] = eng_zone_get(e, o->id);
	}
	assert_int_equal(mus_store_commit(store, &et), 0);
}

static int
setup(void **state)
{
	static const uint8_t rdata[] = {1, 0, 3, 13, 1, 2, 3, 4};
	struct mus_engine_opts o = rig_opts();

	(void)state;
	zones = 0;
	said[0] = '\0';
	o.poll_ms = 20;
	o.log = on_log;
	rig_start(&o);
	fake_driver_start(l);
	for (unsigned k = 0; k < 8; k++) {
		st->book.key[k].rdata = malloc(sizeof rdata);
		memcpy(st->book.key[k].rdata, rdata, sizeof rdata);
		st->book.key[k].rdata[7] = (uint8_t)k;
		st->book.key[k].len = sizeof rdata;
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_driver_stop();
	rig_stop();
	return 0;
}

/* A plan: keys of ${a} to be added at signer 0, of ${b} at signer 1. */
static void
wants(unsigned z, uint64_t a, uint64_t b)
{
	const uint64_t keys[2] = {a, b};

	memset(&plan, 0, sizeof plan);
	for (unsigned s = 0; s < 2; s++)
		if (keys[s])
			plan.act[plan.act_count++] = (struct mus_act){.kind = MUS_ACT_CHANGE, .signer = (uint8_t)s,
			    .rr = MUS_RR_KEY, .add = keys[s], .id = keys[s] << 8 | s << 4 | 1};
	snprintf(st->book.zone, sizeof st->book.zone, "%s", zobj[z].name);
	st->zone.signer_count = 2;
	for (unsigned s = 0; s < 2; s++) {
		st->book.signer_id[s] = sig[s].id;
		snprintf(st->book.signer[s], sizeof st->book.signer[s], "%s", sig[s].name);
	}
	st->seen.pending_count = 0;
	eng_act(e, zone[z], &zobj[z], st, &plan);
}

static struct mus_ctl_changes
changes(unsigned s)
{
	struct mus_ctl_changes c;

	mus_ctl_changes(e, sig[s].id, &c);
	return c;
}

static unsigned
asked_of(uint16_t port, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < fake_driver.count; i++)
		n += fake_driver.ask[i].update.port == port &&
		    (!name || strcmp(fake_driver.ask[i].zone, name) == 0);
	return n;
}

/* How often the history was told that something was withdrawn. */
static unsigned
withdrawn(void)
{
	unsigned n = 0;

	for (const char *at = said; (at = strstr(at, ": withdrawn before it was sent\n")); at++)
		n++;
	return n;
}

static void
stored_first(void **state)
{
	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_signer(1, "b", PORT_B, 0);
	add_zones(1);
	wants(0, 1, 2);
	assert_int_equal(st->seen.pending_count, 2);	/* in flight in what is stored */
	assert_int_equal(fake_driver.count, 0);
	until(l, &fake_driver.count, 2);
	until(l, &fake_driver.answers, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(fake_driver.ask[i].zone, "z0.test.");
		assert_int_equal(fake_driver.ask[i].count, 1);
		assert_int_equal(fake_driver.ask[i].rr[0].type, MUS_TYPE_DNSKEY);
		assert_false(fake_driver.ask[i].rr[0].del);
	}
	assert_int_equal(changes(0).sent, 1);
	assert_null(zone[0]->busy->jobs);
	assert_non_null(strstr(said, "z0.test.: a: add DNSKEY"));
}

/* What could not be stored is not sent, and can be planned again at once. */
static void
not_stored_not_sent(void **state)
{
	struct mus_ctl_stats stats;

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(1);
	wants(0, 1, 0);
	assert_true(e->in_tx);
	e->tx_failed = true;
	while (e->jobs)
		turn_for(l, 5);
	assert_int_equal(fake_driver.count, 0);
	assert_null(zone[0]->busy->jobs);
	/* nor when not even a transaction can be begun */
	turn_for(l, 100);
	is_locked = true;
	wants(0, 1, 0);
	assert_false(e->in_tx);
	assert_non_null(e->jobs);
	is_locked = false;
	wants(0, 2, 0);			/* the rest of this turn fails with it */
	assert_false(e->in_tx);
	mus_ctl_stats(e, &stats);
	assert_true(mus_time_is_set(stats.store_failing_since));
	assert_non_null(strstr(stats.store_error.s, "locked"));
	while (e->jobs)
		turn_for(l, 5);
	assert_int_equal(fake_driver.count, 0);
	/* the commit of nothing proves nothing */
	assert_int_equal(eng_begin(e), 0);
	while (e->in_tx)
		turn_for(l, 5);
	mus_ctl_stats(e, &stats);
	assert_true(mus_time_is_set(stats.store_failing_since));
	wants(0, 1, 0);
	until(l, &fake_driver.count, 1);
	mus_ctl_stats(e, &stats);
	assert_false(mus_time_is_set(stats.store_failing_since));
	assert_string_equal(stats.store_error.s, "");
	assert_non_null(strstr(said, ": the database takes changes again"));
}

/* What is true by being stored is told when it is stored, or never; what is wrong, at once. */
static void
told_when_stored(void **state)
{
	(void)state;
	eng_event(e, 0, "z.test.", "state", "musicd", LOG_NOTICE, "one -> two");
	assert_true(e->in_tx);
	assert_string_equal(said, "");
	eng_event(e, 0, "z.test.", "state", "musicd", LOG_ERR, "two -> three");
	assert_string_equal(said, "z.test.: two -> three\n");
	while (e->in_tx)
		turn_for(l, 5);
	assert_string_equal(said, "z.test.: two -> three\nz.test.: one -> two\n");
	said[0] = '\0';
	eng_event(e, 0, "z.test.", "state", "musicd", LOG_NOTICE, "not stored");
	e->tx_failed = true;
	eng_event(e, 0, "z.test.", "state", "musicd", LOG_NOTICE, "nor this");
	while (e->in_tx)
		turn_for(l, 5);
	assert_string_equal(said, "");
	/* an order stands or falls by itself */
	eng_event(e, 0, "z.test.", "state", "musicd", LOG_NOTICE, "before");
	OK(eng_ctl_begin(e, &et));
	assert_string_equal(said, "z.test.: before\n");
	OK(eng_ctl_note(e, 0, "z.test.", "hold", "admin", &et, "held"));
	assert_int_equal(eng_ctl_end(e, MUS_ERR_STORE, &et), MUS_ERR_STORE);
	assert_string_equal(said, "z.test.: before\n");
	OK(eng_ctl_begin(e, &et));
	OK(eng_ctl_note(e, 0, "z.test.", "hold", "admin", &et, "held"));
	OK(eng_ctl_end(e, 0, &et));
	assert_string_equal(said, "z.test.: before\nz.test.: held (by admin)\n");
	/* more than fit: at once */
	said[0] = '\0';
	for (unsigned i = 0; i <= ENG_LINES_MAX; i++)
		eng_event(e, 0, "z.test.", "state", "musicd", LOG_NOTICE, "%u", i);
	assert_string_equal(said, "z.test.: 512\n");
	while (e->in_tx)
		turn_for(l, 5);
	assert_string_equal(said + strlen(said) - 5, " 511\n");
}

/* What leaves is counted where it is stored, and beside the database before it is sent: where that cannot be
 * written, nothing is. */
static void
counted_before_it_is_sent(void **state)
{
	struct mus_ctl_stats stats;
	char text[32] = "";
	int file = fileno(tmpfile());

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_signer(1, "b", PORT_B, 0);
	add_zones(2);
	assert_true(file >= 0);
	store->sent_fd = open("/dev/full", O_RDWR);
	wants(0, 1, 2);
	wants(1, 1, 2);
	assert_int_equal(store->sent_in_txn, 1);	/* one batch, however many changes */
	assert_int_equal(store->sent, 0);
	while (e->jobs)
		turn_for(l, 5);
	assert_int_equal(store->sent, 1);
	assert_int_equal(fake_driver.count, 0);
	assert_null(zone[0]->busy->jobs);
	assert_non_null(strstr(said, "-sent: No space left on device; nothing is sent"));
	/* that the database takes something does not mend it */
	turn_for(l, 150);
	wants(0, 1, 0);
	while (e->jobs)
		turn_for(l, 5);
	mus_ctl_stats(e, &stats);
	assert_true(mus_time_is_set(stats.store_failing_since));
	assert_null(strstr(said, "takes changes again"));
	assert_int_equal(fake_driver.count, 0);
	close(store->sent_fd);
	store->sent_fd = file;
	turn_for(l, 150);
	wants(0, 1, 0);
	until(l, &fake_driver.count, 1);
	mus_ctl_stats(e, &stats);
	assert_false(mus_time_is_set(stats.store_failing_since));
	assert_int_equal(store->sent, 3);
	assert_int_equal(pread(file, text, sizeof text - 1, 0), 21);
	assert_int_equal(atoi(text), 3);
	/* A commit that sends nothing counts nothing. */
	until(l, &fake_driver.answers, 1);
	turn_for(l, 150);
	assert_int_equal(store->sent, 3);
}

static void
not_again_before_its_time(void **state)
{
	struct mus_group_obj group = {.name = "g", .member_count = 1};

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(1);
	e->o.retry_ms = 3600000;
	wants(0, 1, 0);
	until(l, &fake_driver.answers, 1);
	wants(0, 1, 0);
	assert_null(e->jobs);
	wants(0, 4, 0);			/* another one may go */
	until(l, &fake_driver.count, 2);
	turn_for(l, 100);
	assert_int_equal(fake_driver.count, 2);
	assert_int_equal(fake_driver.ask[1].rr[0].rd.data[7], 2);
	/* but when an operator has mended something, or says so */
	group.member[0].signer_id = sig[0].id;
	assert_int_equal(mus_ctl_put_group(e, "test", &group, NULL, &et), 0);
	zobj[0].group_id = group.id;
	assert_int_equal(mus_store_save_zone(store, &zobj[0], &et), 0);
	assert_int_equal(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et), 0);
	wants(0, 1, 0);
	until(l, &fake_driver.count, 3);
	until(l, &fake_driver.answers, 3);
	wants(0, 1, 0);
	assert_null(e->jobs);
	assert_int_equal(mus_ctl_check(e, "test", zobj[0].name, &et), 0);
	wants(0, 1, 0);
	until(l, &fake_driver.count, 4);
}

/* Twice as long each time, and eight times as long at most. */
static void
how_long_it_waits(void **state)
{
	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(1);
	assert_non_null(eng_busy(zone[0]));
	for (unsigned i = 1; i < 10; i++) {
		struct eng_sent *s = &zone[0]->busy->sent[0];

		eng_sent_mark(e, zone[0]->busy, 5);
		assert_int_equal(s->tries, i);
		e->o.retry_ms = 1000;
		s->at = mus_time_add_ms(eng_now(e), -1000 * (1 << (i < 4 ? i - 1 : 3)) + 500);
		assert_false(eng_may_send(e, zone[0]->busy, 5));
		s->at = mus_time_add_ms(s->at, -500);
		assert_true(eng_may_send(e, zone[0]->busy, 5));
	}
}

/* What stands in the queue is what was planned last, in the place of the first. */
static void
the_last_plan_counts(void **state)
{
	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(MUS_OUTBOX_WINDOW + 3);
	fake_driver.says = FAKE_HOLDS;
	for (unsigned z = 0; z < zones; z++)
		wants(z, 1, 0);
	until(l, &fake_driver.count, MUS_OUTBOX_WINDOW);
	while (changes(0).waiting < 3)
		turn_for(l, 5);
	wants(MUS_OUTBOX_WINDOW, 2, 0);		/* the first that waits: another change, same place */
	wants(MUS_OUTBOX_WINDOW, 4, 0);		/* and another, before that one is stored */
	wants(MUS_OUTBOX_WINDOW + 1, 0, 0);	/* the second: nothing any more */
	while (e->jobs)
		turn_for(l, 5);
	assert_int_equal(changes(0).waiting, 2);
	for (unsigned i = 0; i < MUS_OUTBOX_WINDOW; i++)
		fake_driver_answer(i, FAKE_OK);
	until(l, &fake_driver.count, MUS_OUTBOX_WINDOW + 2);
	assert_string_equal(fake_driver.ask[MUS_OUTBOX_WINDOW].zone, zobj[MUS_OUTBOX_WINDOW].name);
	assert_int_equal(fake_driver.ask[MUS_OUTBOX_WINDOW].rr[0].rd.data[7], 2);
	assert_string_equal(fake_driver.ask[MUS_OUTBOX_WINDOW + 1].zone, zobj[MUS_OUTBOX_WINDOW + 2].name);
	turn_for(l, 100);
	assert_int_equal(fake_driver.count, MUS_OUTBOX_WINDOW + 2);
	assert_int_equal(withdrawn(), 3);
}

/* A proposal is shown, not sent; hold, and whatever else an operator says, stops what waits at once. */
static void
the_operator_counts_more(void **state)
{
	struct mus_zone_obj o;
	struct mus_group_obj group = {.name = "g", .member_count = 2};
	struct mus_buf told;

	(void)state;
	add_signer(0, "a", PORT_A, 5);
	add_signer(1, "b", PORT_B, 0);
	add_zones(4);
	group.member[0].signer_id = sig[0].id;
	group.member[1].signer_id = sig[1].id;
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	zobj[3].group_id = group.id;
	OK(mus_store_save_zone(store, &zobj[3], &et));
	wants(0, 1, 0);
	until(l, &fake_driver.answers, 1);
	/* nothing more goes in this test */
	mus_outbox_charge(&eng_box_get(e, sig[0].id, "a")->out, 100000, mus_loop_mono_ms(l));
	for (unsigned z = 1; z <= 3; z++)
		wants(z, 1, 0);
	while (changes(0).waiting < 3)
		turn_for(l, 5);
	assert_int_equal(mus_ctl_hold(e, "test", zobj[1].name, "lunch", &et), 0);
	assert_int_equal(changes(0).waiting, 2);
	mus_buf_init(&told, 0);
	assert_int_equal(mus_ctl_lost(e, "test", zobj[3].name, &(const struct mus_ctl_loss){"a", "burnt", true, false}, &told, &et), 0);
	mus_buf_clear(&told);
	assert_int_equal(changes(0).waiting, 1);
	plan.proposal = true;
	eng_act(e, zone[2], &zobj[2], st, &plan);
	assert_int_equal(changes(0).waiting, 0);
	wants(2, 1, 0);				/* not stored yet */
	assert_non_null(e->jobs);
	assert_int_equal(mus_ctl_hold(e, "test", zobj[2].name, "lunch", &et), 0);
	while (e->jobs)
		turn_for(l, 5);
	assert_int_equal(changes(0).waiting, 0);
	assert_int_equal(fake_driver.count, 1);
	assert_int_equal(withdrawn(), 4);
	/* who adds nothing wipes nothing */
	assert_int_equal(mus_ctl_hold(e, "other", zobj[2].name, "", &et), 0);
	assert_int_equal(mus_store_load_zone(e->o.store, zobj[2].name, &o, &et), 0);
	assert_string_equal(o.held_reason, "lunch");
	assert_int_equal(mus_ctl_resume(e, "other", zobj[2].name, &et), 0);
	assert_int_equal(mus_store_load_zone(e->o.store, zobj[2].name, &o, &et), 0);
	assert_string_equal(o.held_reason, "");
}

static void
the_rate_is_kept(void **state)
{
	enum { N = 25, RATE = 50 };

	(void)state;
	add_signer(0, "a", PORT_A, RATE);
	add_signer(1, "b", PORT_B, 0);
	add_zones(N);
	for (unsigned z = 0; z < N; z++)
		wants(z, 1, z < 5 ? 1 : 0);
	until(l, &fake_driver.count, N + 5);
	for (unsigned i = 0, first = 0, n = 0; i < fake_driver.count; i++) {
		const struct fake_ask *a = &fake_driver.ask[i];

		if (a->update.port != PORT_A)
			continue;
		if (n == 0)
			first = i;
		/* the n-th after the first not before its time; the clock has milliseconds */
		assert_in_range(a->mono_ms - fake_driver.ask[first].mono_ms + 1, n * 1000 / RATE, 600000);
		n++;
	}
	assert_int_equal(asked_of(PORT_B, NULL), 5);
}

/* One is down: it is tried now and then, the other's changes go on; then it answers, and all goes. */
static void
one_is_down(void **state)
{
	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_signer(1, "b", PORT_B, 0);
	add_zones(40);
	fake_driver.silent_port = PORT_A;
	for (unsigned z = 0; z < zones; z++)
		wants(z, 1, 1);
	while (asked_of(PORT_B, NULL) < 40 || changes(0).silent < MUS_OUTBOX_WINDOW)
		turn_for(l, 5);
	assert_int_equal(changes(1).silent, 0);
	assert_false(mus_time_is_set(changes(1).paused_until));
	while (changes(0).silent < MUS_OUTBOX_WINDOW + 4)
		turn_for(l, 5);
	assert_int_equal(asked_of(PORT_A, NULL), changes(0).sent);
	/* 20, 40, 80, 160 ms: each try by itself, and not before */
	for (unsigned i = 0, n = 0; i < fake_driver.count; i++) {
		static int64_t at;
		const struct fake_ask *a = &fake_driver.ask[i];

		if (a->update.port != PORT_A)
			continue;
		if (n >= MUS_OUTBOX_WINDOW)
			assert_in_range(a->mono_ms - at + 1, 20 << (n - MUS_OUTBOX_WINDOW), 600000);
		at = a->mono_ms;
		n++;
	}
	assert_true(mus_time_is_set(changes(0).paused_until));
	assert_string_equal(changes(0).last_error.s, "no answer in 5 s");
	assert_non_null(strstr(said, ": a does not answer changes: no answer in 5 s"));
	assert_null(strstr(strstr(said, "a does not answer changes") + 1, "a does not answer changes"));
	/* the zone says so, first of all */
	wants(0, 1, 0);
	assert_int_equal(plan.wait_count, 1);
	assert_int_equal(plan.wait[0].rule, MUS_RULE_QUEUE);
	assert_int_equal(plan.wait[0].origin, 0);
	assert_true(mus_time_is_set(plan.wait[0].until));
	fake_driver.silent_port = 0;
	while (changes(0).waiting > 0)
		turn_for(l, 5);
	assert_non_null(strstr(said, ": a answers changes again"));
	assert_false(mus_time_is_set(changes(0).paused_until));
	/* silence was no try of the change: it goes again without a wait */
	e->o.retry_ms = 3600000;
	for (unsigned i = 0; i < fake_driver.count; i++)
		if (fake_driver.ask[i].says == FAKE_TIMES_OUT && strcmp(fake_driver.ask[i].zone, "z3.test.") == 0) {
			unsigned before = asked_of(PORT_A, "z3.test.");

			wants(3, 1, 0);
			while (asked_of(PORT_A, "z3.test.") == before)
				turn_for(l, 5);
			return;
		}
	fail_msg("z3.test. was never tried in vain");
}

/* A change of the signer by the operator: what was composed for how it was does not go. */
static void
the_signer_is_changed(void **state)
{
	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(MUS_OUTBOX_WINDOW + 2);
	fake_driver.silent_port = PORT_A;
	for (unsigned z = 0; z < zones; z++)
		wants(z, 1, 0);
	while (!mus_time_is_set(changes(0).paused_until))
		turn_for(l, 5);
	assert_true(changes(0).waiting > 0);
	sig[0].update.port = PORT_B;
	assert_int_equal(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et), 0);
	assert_int_equal(changes(0).waiting, 0);
	assert_false(mus_time_is_set(changes(0).paused_until));
	assert_int_equal(eng_box_get(e, sig[0].id, "a")->out.silent, 0);
	wants(zones - 1, 1, 0);
	while (asked_of(PORT_B, NULL) == 0)
		turn_for(l, 5);
	assert_int_equal(asked_of(PORT_A, zobj[zones - 1].name), 0);
}

/* No room: said in the zone, nothing of it in flight, tried again when there is room. */
static void
a_full_queue(void **state)
{
	char text[MUS_TEXT_MAX];

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	eng_box_get(e, sig[0].id, "a")->out.waiting_max = ROOM;
	add_zones(MUS_OUTBOX_WINDOW + ROOM + 1);
	fake_driver.says = FAKE_HOLDS;
	for (unsigned z = 0; z < MUS_OUTBOX_WINDOW; z++)
		wants(z, 1, 0);
	until(l, &fake_driver.count, MUS_OUTBOX_WINDOW);
	for (unsigned z = MUS_OUTBOX_WINDOW; z < zones - 1; z++)
		wants(z, 1, 0);
	wants(zones - 1, 1, 0);
	assert_int_equal(st->seen.pending_count, 0);
	while (e->jobs)
		turn_for(l, 5);
	assert_int_equal(changes(0).waiting, ROOM);
	wants(zones - 1, 1, 0);
	assert_int_equal(st->seen.pending_count, 0);
	assert_int_equal(changes(0).full, 2);
	assert_int_equal(plan.wait_count, 1);
	mus_witness_text(&st->book, &st->zone, &plan.wait[0], text);
	assert_string_equal(text, "queue: 100 changes wait for a already: there is no room for one more");
	wants(zones - 2, 1, 0);			/* who has a place keeps it, and is not told so */
	assert_int_equal(plan.wait_count, 0);
	while (e->jobs)
		turn_for(l, 5);
	fake_driver_answer(0, FAKE_OK);
	until(l, &fake_driver.count, MUS_OUTBOX_WINDOW + 1);
	wants(zones - 1, 1, 0);
	assert_int_equal(plan.wait_count, 0);
	assert_int_equal(st->seen.pending_count, 1);
	while (e->jobs)
		turn_for(l, 5);
	assert_int_equal(changes(0).waiting, ROOM);
}

/* A zone that is given out of care takes nothing with it and leaves nothing behind. */
static void
a_zone_goes(void **state)
{
	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(MUS_OUTBOX_WINDOW + 1);
	fake_driver.says = FAKE_HOLDS;
	for (unsigned z = 0; z < zones; z++)
		wants(z, 1, 0);
	until(l, &fake_driver.count, MUS_OUTBOX_WINDOW);
	while (changes(0).waiting == 0)
		turn_for(l, 5);
	assert_int_equal(mus_ctl_delete_zone(e, "test", zobj[0].name, true, &et), 0);
	assert_int_equal(mus_ctl_delete_zone(e, "test", zobj[zones - 1].name, true, &et), 0);
	assert_int_equal(changes(0).waiting, 0);
	fake_driver_answer(0, FAKE_REFUSES);
	fake_driver_answer(1, FAKE_OK);
	turn_for(l, 100);
	assert_int_equal(fake_driver.count, MUS_OUTBOX_WINDOW);
	assert_int_equal(changes(0).unanswered, MUS_OUTBOX_WINDOW - 2);
}

/* What was planned from an old look does not go; the zone looks again. */
static void
an_old_plan(void **state)
{
	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(MUS_OUTBOX_WINDOW + 1);
	fake_driver.says = FAKE_HOLDS;
	for (unsigned z = 0; z < zones; z++)
		wants(z, 1, 0);
	until(l, &fake_driver.count, MUS_OUTBOX_WINDOW);
	while (changes(0).waiting == 0)
		turn_for(l, 5);
	for (struct eng_job *j = zone[zones - 1]->busy->jobs; j; j = j->zone_next)
		j->made_at = mus_time_add_s(j->made_at, -31);
	fake_driver_answer(0, FAKE_OK);
	assert_int_equal(changes(0).waiting, 0);
	turn_for(l, 50);
	assert_int_equal(fake_driver.count, MUS_OUTBOX_WINDOW);
	assert_true(zone[zones - 1]->due_ms <= mus_loop_now(l).ms);
}

static int
find_kind(void *arg, const struct mus_event_obj *o)
{
	assert_string_equal(o->kind, (const char *)arg);
	return 0;
}

/* Each answer in the history, and the zone is woken for each. */
static void
answers_are_told(void **state)
{
	static const struct {
		enum fake_says says;
		const char *words;
		const char *kind;	/* in the history */
		unsigned refused, dropped, failed;
	} rows[] = {
	    {FAKE_REFUSES, "a: UPDATE refused: REFUSED (a: add DNSKEY", "refused", 1, 0, 1},
	    {FAKE_PARTIAL, "a: dropped: accepted and not shown (a: add DNSKEY", "dropped", 0, 1, 1},
	    {FAKE_STALE, "a: the zone has changed meanwhile", "stale", 0, 0, 0},
	    {FAKE_NO_ROOM, "a: not sent: ", "failed", 0, 0, 1},
	};

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(sizeof rows / sizeof rows[0]);
	for (unsigned i = 0; i < zones; i++) {
		uint64_t refused = changes(0).refused, dropped = changes(0).dropped, failed = e->stats.updates_failed;

		said[0] = '\0';
		fake_driver.says = rows[i].says;
		wants(i, 1, 0);
		while (!zone[i]->busy->jobs || e->jobs || changes(0).unanswered) {
			turn_for(l, 5);
			if (!e->jobs && !zone[i]->busy->jobs && !e->in_tx)
				break;
		}
		if (!strstr(said, rows[i].words))
			fail_msg("\"%s\" is not in:\n%s", rows[i].words, said);
		assert_int_equal(changes(0).refused - refused, rows[i].refused);
		assert_int_equal(changes(0).dropped - dropped, rows[i].dropped);
		OK(mus_store_list_events(store, zobj[i].id, 0, 1, find_kind, (void *)(uintptr_t)rows[i].kind));
		assert_int_equal(e->stats.updates_failed - failed, rows[i].failed);
		assert_false(mus_time_is_set(changes(0).paused_until));
		assert_true(zone[i]->due_ms <= mus_loop_now(l).ms + e->o.poll_ms);
	}
}

/* ---- what a signer lets us change ---- */

static bool is_deaf;

static void
serves(struct fake_q *q, void *arg)
{
	static const uint8_t key[] = {1, 0, 3, 13, 9, 9, 9, 9}, ns[] = {1, 'n', 0}, cds[36] = {0, 1, 13, 2};
	static const struct {
		uint16_t type;
		const uint8_t *rd;
		uint8_t len;
	} has[] = {{MUS_TYPE_DNSKEY, key, 8}, {MUS_TYPE_CDNSKEY, key, 8}, {MUS_TYPE_CDS, cds, 36}, {MUS_TYPE_NS, ns, 3}};
	uint8_t out[512];
	size_t len = fake_reply(q, 0, 0, out);

	(void)arg;
	if (is_deaf)
		return;
	for (unsigned i = 0; i < sizeof has / sizeof has[0]; i++) {
		const uint8_t head[] = {0xc0, 12, 0, (uint8_t)has[i].type, 0, 1, 0, 0, 0, 60, 0, has[i].len};

		if (out[len - 3] != has[i].type)
			continue;
		memcpy(out + len, head, sizeof head);
		memcpy(out + len + sizeof head, has[i].rd, has[i].len);
		len += sizeof head + has[i].len;
		out[7] = 1;
		break;
	}
	fake_send(q, out, len);
}

static unsigned probed;
static char report[4096];

static void
on_probe(void *arg, int err, const struct mus_errtext *words, const char *text)
{
	(void)arg;
	if (err)
		fail_msg("probe: %s", words->s);
	snprintf(report, sizeof report, "%s", text);
	probed++;
}

static void
a_type_is_refused(void **state)
{
	struct fake *f = fake_new(l, FAKE_TCP, serves, NULL);

	(void)state;
	probed = 0;
	add_signer(0, "a", f->addr.port, 0);
	sig[0].update = f->addr;
	assert_int_equal(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et), 0);
	fake_driver.lacks = MUS_TYPE_CDS;
	assert_int_equal(mus_ctl_probe(e, "test", "a", "some.test", on_probe, NULL, &et), 0);
	until(l, &probed, 1);
	assert_non_null(strstr(report, "\"dnskey\":{\"change\":\"yes\",\"undo\":\"yes\""));
	assert_non_null(strstr(report, "\"cds\":{\"change\":\"no\""));
	assert_non_null(strstr(report, "UPDATE refused: REFUSED"));
	assert_int_equal(mus_store_load_signer(store, "a", &sig[0], &et), 0);
	assert_int_equal(sig[0].caps.dnskey, MUS_YES);
	assert_int_equal(sig[0].caps.cds, MUS_NO);
	assert_int_equal(sig[0].caps.cdnskey, MUS_YES);
	assert_int_equal(sig[0].caps.ns, MUS_YES);
	/* what was added was taken away again, record by record */
	for (unsigned i = 0; i < fake_driver.count; i++) {
		const struct fake_ask *a = &fake_driver.ask[i];
		bool undone = a->says == FAKE_REFUSES || a->rr[0].type == MUS_TYPE_NS || a->rr[0].del;

		for (unsigned k = i + 1; k < fake_driver.count; k++)
			undone |= fake_driver.ask[k].rr[0].del &&
			    mus_rdata_cmp(fake_driver.ask[k].rr[0].rd, a->rr[0].rd) == 0;
		assert_true(undone);
	}
	/* and one that does not answer is not one that lets us do nothing */
	fake_driver.says = FAKE_TIMES_OUT;
	assert_int_equal(mus_ctl_probe(e, "test", "a", "some.test", on_probe, NULL, &et), 0);
	until(l, &probed, 2);
	assert_int_equal(mus_store_load_signer(store, "a", &sig[0], &et), 0);
	assert_int_equal(sig[0].caps.dnskey, MUS_UNKNOWN);
	fake_free(f);
}

/* The plan of a zone that waits in the first row of a join for nothing but what a probe found. */
static void
kept_out(unsigned z)
{
	struct mus_witness w = MUS_WITNESS_NONE;

	e->zobj = zobj[z];
	memset(&e->plan, 0, sizeof e->plan);
	e->plan.wake_at = MUS_TIME_NEVER;
	e->plan.want.proc = (struct mus_proc){.kind = MUS_PROC_ADD, .signer = 0, .row = 0};
	w.rule = MUS_RULE_CAPS;
	w.result = MUS_RES_FAILS;
	w.origin = 0;
	e->plan.wait[e->plan.wait_count++] = w;
}

/* When the joiner is tried again, as the zone is told; NEVER: not by itself. */
static struct mus_time
tried_again_at(unsigned z, const struct mus_policy *policy)
{
	eng_probe_waits(e, zone[z], st, policy, &e->plan);
	assert_int_equal(e->plan.wake_at.ms, e->plan.wait[0].until.ms);
	return e->plan.wait[0].until;
}

/* As if all that was tried had been that long ago. */
static void
back_by(int64_t ms)
{
	struct eng_signer *sg = eng_signer_get(e, sig[0].id, &et);
	struct eng_box *box = eng_box_for(e, sg);

	sg->obj.caps_at = mus_time_add_ms(sg->obj.caps_at, -ms);
	box->probed_at = mus_time_add_ms(box->probed_at, -ms);
}

static void
tries_again(unsigned z)
{
	const struct mus_policy policy = {.held = false};

	kept_out(z);
	eng_probe_again(e, zone[z], st, &policy);
	assert_false(LIST_EMPTY(&e->probes));
	while (!LIST_EMPTY(&e->probes))
		turn_for(l, 5);
	OK(mus_store_load_signer(store, "a", &sig[0], &et));
}

/* A joiner with a server of ${f}, found not to take CSYNC; two zones of its group that wait in the first row. */
static void
a_joiner_is_kept_out(struct fake *f)
{
	struct mus_group_obj g = {.name = "g", .member_count = 1};

	is_deaf = false;
	e->o.retry_ms = 60000;
	e->o.idle_ms = 24 * 3600000;	/* a zone is looked at when it is woken */
	add_signer(0, "a", f->addr.port, 0);
	add_signer(1, "b", PORT_B, 0);
	sig[0].update = f->addr;
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	add_zones(2);
	g.member[0].signer_id = sig[0].id;
	OK(mus_ctl_put_group(e, "test", &g, NULL, &et));
	for (unsigned z = 0; z < zones; z++) {
		zobj[z].group_id = g.id;
		snprintf(zobj[z].process, sizeof zobj[z].process, "ADD-SIGNER a");
		snprintf(zobj[z].row, sizeof zobj[z].row, "signers-unsynced");
		OK(mus_store_save_zone(store, &zobj[z], &et));
		OK(mus_store_save_zone_status(store, &zobj[z], &et));
	}
	wants(0, 0, 0);
	probed = 0;
	fake_driver.lacks = MUS_TYPE_CSYNC;
	OK(mus_ctl_probe(e, "test", "a", "some.test", on_probe, NULL, &et));
	until(l, &probed, 1);
	OK(mus_store_load_signer(store, "a", &sig[0], &et));
	assert_int_equal(sig[0].caps.csync, MUS_NO);
}

/* By the first zone whose turn it is, after pauses that double; whoever waits is told when. */
static void
a_refusal_is_tried_again(void **state)
{
	const struct mus_policy policy = {.held = false};
	struct fake *f = fake_new(l, FAKE_TCP, serves, NULL);
	struct eng_box *box;

	(void)state;
	a_joiner_is_kept_out(f);
	box = eng_box_for(e, eng_signer_get(e, sig[0].id, &et));
	kept_out(0);
	assert_int_equal(tried_again_at(0, &policy).ms, sig[0].caps_at.ms + 240000);
	eng_probe_again(e, zone[0], st, &policy);
	assert_true(LIST_EMPTY(&e->probes));
	back_by(240000);
	kept_out(0);
	eng_probe_again(e, zone[0], st, &policy);
	assert_false(LIST_EMPTY(&e->probes));
	assert_true(zone[0]->busy->probing);
	/* once for all zones of the signer */
	kept_out(1);
	assert_in_range(tried_again_at(1, &policy).ms, box->probed_at.ms + 480000, eng_now(e).ms + 480000);
	back_by(480000);
	eng_probe_again(e, zone[1], st, &policy);
	assert_false(zone[1]->busy && zone[1]->busy->probing);
	while (!LIST_EMPTY(&e->probes))
		turn_for(l, 5);
	OK(mus_store_load_signer(store, "a", &sig[0], &et));
	assert_int_equal(sig[0].caps.csync, MUS_NO);
	kept_out(1);
	assert_int_equal(tried_again_at(1, &policy).ms, sig[0].caps_at.ms + 480000);
	box->probes = 30;
	kept_out(1);
	assert_int_equal(tried_again_at(1, &policy).ms, sig[0].caps_at.ms + 128 * 60000);
	/* an operator's change of the signer ends the pauses */
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	assert_int_equal(box->probes, 0);
	assert_int_equal(box->probed_at.ms, 0);
	fake_free(f);
}

/* Who does not answer has not taken back what it said; what is mended is seen, and all who wait for it are woken. */
static void
a_refusal_ends(void **state)
{
	struct fake *f = fake_new(l, FAKE_TCP, serves, NULL);

	(void)state;
	a_joiner_is_kept_out(f);
	back_by(240000);
	is_deaf = true;
	tries_again(1);
	assert_int_equal(sig[0].caps.csync, MUS_NO);
	assert_non_null(strstr(said, "signer a could not be probed on z1.test.: "));
	is_deaf = false;
	back_by(480000);
	fake_driver.says = FAKE_TIMES_OUT;
	fake_driver.lacks = 0;
	tries_again(1);
	assert_int_equal(sig[0].caps.csync, MUS_NO);
	assert_int_equal(sig[0].caps.dnskey, MUS_YES);
	assert_true(zone[0]->due_ms > eng_now(e).ms + 1000000);
	back_by(960000);
	fake_driver.says = FAKE_OK;
	tries_again(1);
	assert_int_equal(sig[0].caps.csync, MUS_YES);
	assert_int_equal(eng_box_for(e, eng_signer_get(e, sig[0].id, &et))->probes, 0);
	assert_true(zone[0]->due_ms <= eng_now(e).ms);
	fake_free(f);
}

/* Nothing is written where the operator has the word, in another row, or where more is missing. */
static void
a_refusal_that_stays(void **state)
{
	static const struct {
		struct mus_policy policy;
		struct mus_proc proc;
		struct mus_witness also;
		unsigned acts;
		bool again;
	} rows[] = {
	    {.proc = {.kind = MUS_PROC_ADD}, .again = true},
	    {.proc = {.kind = MUS_PROC_ADD}, .policy.manual = true, .policy.step = true, .again = true},
	    {.proc = {.kind = MUS_PROC_ADD}, .also = {.rule = MUS_RULE_CAPS, .kind = MUS_RR_NS}, .again = true},
	    {.proc = {.kind = MUS_PROC_ADD}, .policy.manual = true},
	    {.proc = {.kind = MUS_PROC_ADD}, .policy.held = true},
	    {.proc = {.kind = MUS_PROC_ADD}, .policy.probed = true},
	    {.proc = {.kind = MUS_PROC_ADD, .row = 1}},
	    {.proc = {.kind = MUS_PROC_REMOVE}},
	    {.proc = {.kind = MUS_PROC_NONE}},
	    {.proc = {.kind = MUS_PROC_ADD, .signer = 1}},
	    {.proc = {.kind = MUS_PROC_ADD}, .also = {.rule = MUS_RULE_V13}},
	    {.proc = {.kind = MUS_PROC_ADD}, .acts = 1},
	};
	struct fake *f = fake_new(l, FAKE_TCP, serves, NULL);

	(void)state;
	a_joiner_is_kept_out(f);
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		back_by(24 * 3600000);
		kept_out(0);
		e->plan.want.proc = rows[i].proc;
		e->plan.act_count = (uint8_t)rows[i].acts;
		if (rows[i].also.rule != MUS_RULE_NONE)
			e->plan.wait[e->plan.wait_count++] = rows[i].also;
		eng_probe_waits(e, zone[0], st, &rows[i].policy, &e->plan);
		eng_probe_again(e, zone[0], st, &rows[i].policy);
		if (mus_time_is_set(e->plan.wait[0].until) != rows[i].again ||
		    LIST_EMPTY(&e->probes) == rows[i].again)
			fail_msg("row %u", i);
		while (!LIST_EMPTY(&e->probes))
			turn_for(l, 5);
	}
	/* nor while a change is on its way */
	back_by(24 * 3600000);
	fake_driver.says = FAKE_HOLDS;
	wants(0, 1, 0);
	kept_out(0);
	assert_false(mus_time_is_set(tried_again_at(0, &rows[0].policy)));
	eng_probe_again(e, zone[0], st, &rows[0].policy);
	assert_true(LIST_EMPTY(&e->probes));
	fake_free(f);
}

/* ---- history ---- */

static unsigned told;
static int64_t seen_id[64];
static unsigned seen;

static int
on_event(void *arg, const struct mus_event_obj *o)
{
	(void)arg;
	seen_id[seen++] = o->id;
	return 0;
}

static void
on_grown(void *arg)
{
	static int64_t last;

	if (told++ == 0)
		last = *(int64_t *)arg;
	assert_true(mus_ctl_history_end(e) > last);
	assert_int_equal(mus_store_events_after(store, 0, last, mus_ctl_history_end(e), 64, on_event, NULL), 0);
	last = mus_ctl_history_end(e);
}

/* Told when it is on disk, each once; what is rolled back never was. */
static void
history_is_told_after_the_commit(void **state)
{
	int64_t end;

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(1);
	turn_for(l, 100);
	told = seen = 0;
	end = mus_ctl_history_end(e);
	assert_true(end > 0);
	assert_int_equal(mus_ctl_listen(e, on_grown, &end), 0);
	eng_event(e, zobj[0].id, zobj[0].name, "row", "musicd", 6, "one");
	eng_event(e, zobj[0].id, zobj[0].name, "row", "musicd", 6, "two");
	assert_int_equal(told, 0);
	assert_int_equal(mus_ctl_history_end(e), end);
	until(l, &told, 1);
	assert_int_equal(seen, 2);
	eng_event(e, zobj[0].id, zobj[0].name, "row", "musicd", 6, "never");
	e->tx_failed = true;
	while (e->in_tx)
		turn_for(l, 5);
	assert_int_equal(told, 1);
	eng_event(e, zobj[0].id, zobj[0].name, "row", "musicd", 6, "three");
	/* an operator's change does not wait, and takes with it what was gathered */
	assert_int_equal(mus_ctl_hold(e, "test", zobj[0].name, "lunch", &et), 0);
	assert_int_equal(told, 3);
	assert_int_equal(seen, 4);
	for (unsigned i = 0; i < seen; i++)
		assert_int_equal(seen_id[i], end + 1 + i);
	mus_ctl_unlisten(e, on_grown, &end);
}

static void
on_probed(void *arg, int err, const struct mus_errtext *words, const char *what)
{
	(void)words;
	(void)what;
	assert_true(err < 0);		/* nobody answers */
	(*(unsigned *)arg)++;
}

/* Not in a process, not twice; what waits is withdrawn, and nothing is changed until a look at everything
 * that began after the end shows nothing of it. */
static void
a_probe_keeps_the_zone_still(void **state)
{
	struct eng_turn t = {.e = e, .z = NULL, .focus = ENG_FOCUS_ALL};
	struct mus_policy policy;
	unsigned ended = 0;

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_zones(2);
	t.z = zone[0];
	t.at = eng_now(e);
	assert_false(eng_is_probed(&t));
	snprintf(zobj[1].process, sizeof zobj[1].process, "ADD-SIGNER a");
	snprintf(zobj[1].row, sizeof zobj[1].row, "dnskeys-synced");
	assert_int_equal(mus_store_save_zone_status(store, &zobj[1], &et), 0);
	assert_int_equal(mus_ctl_probe(e, "test", "a", zobj[1].name, on_probed, &ended, &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "ADD-SIGNER a is running"));
	assert_false(zone[1]->busy->probing);
	wants(0, 1, 0);
	assert_int_equal(mus_ctl_probe(e, "test", "a", zobj[0].name, on_probed, &ended, &et), 0);
	assert_int_equal(mus_ctl_probe(e, "test", "a", zobj[0].name, on_probed, &ended, &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "being probed already"));
	eng_policy_of(e, &zobj[0], zone[0], &policy);
	assert_true(policy.probed);
	t.at = mus_time_add_s(eng_now(e), 60);
	assert_true(eng_is_probed(&t));
	until(l, &ended, 1);
	assert_int_equal(withdrawn(), 1);
	assert_int_equal(zone[0]->busy->probes, 0);
	t.focus = 1u << MUS_RR_KEY;
	assert_true(eng_is_probed(&t));
	t.focus = ENG_FOCUS_ALL;
	t.at = zone[0]->busy->probe_end;
	assert_true(eng_is_probed(&t));
	t.at.ms++;
	t.trials[MUS_RR_CDS] = 1;
	assert_true(eng_is_probed(&t));
	t.trials[MUS_RR_CDS] = 0;
	assert_false(eng_is_probed(&t));
	assert_int_equal(fake_driver.count, 0);
}

/* Seen without a probe of ours: taken away, exactly and once, until another look. */
static void
what_a_probe_left(void **state)
{
	struct eng_turn t = {.e = e, .z = NULL, .focus = ENG_FOCUS_ALL};

	(void)state;
	add_signer(0, "a", PORT_A, 0);
	add_signer(1, "b", PORT_B, 0);
	add_zones(1);
	wants(0, 0, 0);
	e->zobj = zobj[0];
	st->zone.server_count = 2;
	st->zone.server[0].origin = 0;
	st->zone.server[1].origin = 1;
	st->zone.alg_count = 1;
	st->zone.alg[0] = 8;
	t.z = zone[0];
	t.at = eng_now(e);
	t.trials[MUS_RR_KEY] = t.trials[MUS_RR_CDS] = 2;
	assert_true(eng_is_probed(&t));
	eng_probe_clean(&t, st);
	eng_probe_clean(&t, st);
	until(l, &fake_driver.answers, 1);
	assert_int_equal(fake_driver.count, 1);
	assert_int_equal(fake_driver.ask[0].update.port, PORT_B);
	assert_int_equal(fake_driver.ask[0].count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_true(fake_driver.ask[0].rr[i].del &&
		    mus_trial_is(fake_driver.ask[0].rr[i].type, fake_driver.ask[0].rr[i].rd));
	assert_int_equal(fake_driver.ask[0].rr[1].type, MUS_TYPE_CDS);
	assert_int_equal(fake_driver.ask[0].rr[1].rd.data[2], 8);
	assert_int_equal(zone[0]->busy->probes, 0);
	while (e->in_tx)
		turn_for(l, 5);
	assert_non_null(strstr(said, "z0.test.: b: what a probe has left is taken away"));
}

/* What was sent in what is the future now may go again as soon as if it had been sent now. */
static void
the_clock_was_set_back(void **state)
{
	struct eng_busy *b;
	struct mus_time at;

	(void)state;
	add_zones(1);
	b = eng_busy(zone[0]);
	eng_sent_mark(e, b, 7);
	b->sent[0].at = mus_time_add_s(eng_now(e), 3600);
	assert_false(eng_may_send(e, b, 7));
	at = b->sent[0].at;
	assert_in_range(at.ms, 1, eng_now(e).ms);
	b->sent[0].at = mus_time_add_ms(at, -e->o.retry_ms);
	assert_true(eng_may_send(e, b, 7));
}

static void
an_unknown_driver(void **state)
{
	struct mus_signer_obj o = {.name = "c", .driver = "carrier-pigeon"};

	(void)state;
	assert_int_equal(mus_ctl_put_signer(e, "test", &o, NULL, &et), MUS_ERR_INVAL);
	assert_string_equal(et.s, "no driver \"carrier-pigeon\" (there are: ddns, manual, secondary, fake)");
	snprintf(o.driver, sizeof o.driver, "fake");
	assert_int_equal(mus_ctl_put_signer(e, "test", &o, NULL, &et), MUS_ERR_INVAL);
	assert_string_equal(et.s, "driver fake needs the address that takes UPDATEs");
	snprintf(o.driver, sizeof o.driver, "manual");
	assert_int_equal(mus_ctl_put_signer(e, "test", &o, NULL, &et), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(stored_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(not_stored_not_sent, setup, teardown),
	    cmocka_unit_test_setup_teardown(told_when_stored, setup, teardown),
	    cmocka_unit_test_setup_teardown(counted_before_it_is_sent, setup, teardown),
	    cmocka_unit_test_setup_teardown(not_again_before_its_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(how_long_it_waits, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_last_plan_counts, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_operator_counts_more, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_rate_is_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_is_down, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_signer_is_changed, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_full_queue, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_zone_goes, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_old_plan, setup, teardown),
	    cmocka_unit_test_setup_teardown(answers_are_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_type_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_refusal_is_tried_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_refusal_ends, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_refusal_that_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(history_is_told_after_the_commit, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_probe_keeps_the_zone_still, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_a_probe_left, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_unknown_driver, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_clock_was_set_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
