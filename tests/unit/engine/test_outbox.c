/* The queue of one signer: order, fairness, window, rate, silence.  The clock is a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/outbox.h"

enum { START = 1000000, MIN = 1000, MAX = 16000 };

static struct mus_outbox box;
static struct mus_outbox_item item[4096];
static unsigned made;
static int64_t now;

static int
setup(void **state)
{
	(void)state;
	memset(item, 0, sizeof item);
	made = 0;
	now = START;
	mus_outbox_init(&box, MIN, MAX);
	return 0;
}

static struct mus_outbox_item *
put(int64_t zone)
{
	struct mus_outbox_item *it = &item[made++];

	it->zone_id = zone;
	mus_outbox_put(&box, it);
	return it;
}

/* Sends what may go now; its zone, or 0. */
static int64_t
go(void)
{
	struct mus_outbox_item *it = mus_outbox_next(&box, now);

	if (!it)
		return 0;
	mus_outbox_sent(&box, it, now);
	return it->zone_id;
}

static struct mus_outbox_item *
under_way(int64_t zone)
{
	struct mus_outbox_item *it;

	TAILQ_FOREACH(it, &box.sent, link)
		if (it->zone_id == zone)
			return it;
	fail_msg("nothing of zone %d is under way", (int)zone);
	return NULL;
}

static void
done(int64_t zone, enum mus_outbox_end how)
{
	mus_outbox_done(&box, under_way(zone), how, now);
}

static void
first_come_first_served(void **state)
{
	(void)state;
	assert_int_equal(mus_outbox_due_ms(&box, now), -1);
	for (int64_t z = 1; z <= 3; z++)
		put(z);
	assert_int_equal(mus_outbox_due_ms(&box, now), 0);
	assert_int_equal(go(), 1);
	assert_int_equal(go(), 2);
	assert_int_equal(go(), 3);
	assert_int_equal(go(), 0);
	assert_int_equal(mus_outbox_due_ms(&box, now), -1);
	assert_int_equal(box.waiting_count, 0);
	assert_int_equal(box.sent_count, 3);
}

/* The next change of a zone goes when the one before is answered, and others overtake it. */
static void
order_in_a_zone(void **state)
{
	(void)state;
	put(1);
	assert_int_equal(go(), 1);
	put(1);
	put(2);
	assert_int_equal(go(), 2);
	assert_int_equal(go(), 0);
	done(2, MUS_OUTBOX_ANSWERED);
	assert_int_equal(go(), 0);
	done(1, MUS_OUTBOX_ANSWERED);
	assert_int_equal(go(), 1);
}

/* What takes over a place gets it, wherever in the queue that is. */
static void
places(void **state)
{
	static const int64_t want[] = {1, 2, 3, 4};
	struct mus_outbox_item *old[4], *fresh;

	(void)state;
	for (int i = 0; i < 4; i++)
		old[i] = put(i + 1);
	for (int i = 3; i >= 0; i--) {
		mus_outbox_withdraw(&box, old[i]);
		fresh = &item[100 + i];
		fresh->zone_id = old[i]->zone_id;
		fresh->place = old[i]->place;
		mus_outbox_put(&box, fresh);
	}
	mus_outbox_withdraw(&box, &item[100]);
	mus_outbox_put(&box, &item[100]);
	assert_int_equal(box.waiting_count, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(go(), want[i]);
}

static void
room(void **state)
{
	(void)state;
	assert_int_equal(box.waiting_max, MUS_OUTBOX_MAX);
	box.waiting_max = 100;
	for (int64_t z = 1; z < 100; z++)
		put(z);
	assert_true(mus_outbox_has_room(&box));
	put(100);
	assert_false(mus_outbox_has_room(&box));
	assert_int_equal(go(), 1);
	assert_true(mus_outbox_has_room(&box));
}

static void
window(void **state)
{
	(void)state;
	for (int64_t z = 1; z <= MUS_OUTBOX_WINDOW + 2; z++)
		put(z);
	for (int64_t z = 1; z <= MUS_OUTBOX_WINDOW; z++)
		assert_int_equal(go(), z);
	assert_int_equal(go(), 0);
	assert_int_equal(mus_outbox_due_ms(&box, now), -1);
	done(7, MUS_OUTBOX_ANSWERED);
	assert_int_equal(go(), MUS_OUTBOX_WINDOW + 1);
	assert_int_equal(go(), 0);
	done(9, MUS_OUTBOX_UNSENT);
	assert_int_equal(go(), MUS_OUTBOX_WINDOW + 2);
}

/* Answers at once: how many go in ${ms}, and never more than ${most} in any one second. */
static unsigned
count(int64_t ms, unsigned most)
{
	static int64_t at[70000];
	unsigned n = 0, from = 0;
	int64_t zone;

	for (int64_t end = now + ms; now < end; now++)
		while ((zone = go())) {
			struct mus_outbox_item *it = under_way(zone);

			done(zone, MUS_OUTBOX_ANSWERED);
			it->place = 0;
			mus_outbox_put(&box, it);
			assert_in_range(n, 0, sizeof at / sizeof at[0] - 1);
			at[n++] = now;
			while (at[from] <= now - 1000)
				from++;
			assert_in_range(n - from, 0, most);
		}
	return n;
}

static void
rate(void **state)
{
	static const struct {
		uint32_t rate;
		unsigned ms, low, high, most;	/* sent in ms; most in a second */
	} rows[] = {
	    {1, 10000, 10, 10, 1},
	    {3, 9000, 26, 27, 3},
	    {5, 10000, 49, 50, 5},
	    {50, 10000, 499, 500, 50},
	    {1000, 3000, 2999, 3020, 1020},	/* a clock of milliseconds: twenty of them in advance */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		setup(NULL);
		box.rate = rows[i].rate;
		for (int64_t z = 1; z <= 100; z++)
			put(z);
		assert_in_range(count(rows[i].ms, rows[i].most), rows[i].low, rows[i].high);
	}
}

/* A rest does not save up: after an hour it is still one at a time. */
static void
rate_after_a_rest(void **state)
{
	(void)state;
	box.rate = 5;
	put(1);
	assert_int_equal(go(), 1);
	now += 3600000;
	put(2);
	put(3);
	assert_int_equal(go(), 2);
	assert_int_equal(go(), 0);
	assert_int_equal(mus_outbox_due_ms(&box, now), 200);
	now += 199;
	assert_int_equal(go(), 0);
	assert_int_equal(mus_outbox_due_ms(&box, now), 1);
	now += 1;
	assert_int_equal(go(), 3);
}

/* What goes past the queue counts: two messages more are two turns more. */
static void
charged(void **state)
{
	(void)state;
	box.rate = 5;
	put(1);
	put(2);
	assert_int_equal(go(), 1);
	mus_outbox_charge(&box, 2, now);
	assert_int_equal(mus_outbox_due_ms(&box, now), 600);
	now += 600;
	assert_int_equal(go(), 2);
	setup(NULL);
	put(1);
	mus_outbox_charge(&box, 1000000, now);
	assert_int_equal(go(), 1);	/* no limit, nothing to charge */
}

static void
silence(void **state)
{
	static const int64_t pause[] = {1000, 2000, 4000, 8000, 16000, 16000, 16000};

	(void)state;
	for (int64_t z = 1; z <= 10; z++)
		put(z);
	for (unsigned i = 0; i < sizeof pause / sizeof pause[0]; i++) {
		int64_t zone = go();

		assert_int_equal(zone, i + 1);
		if (i > 0)
			assert_int_equal(go(), 0);	/* one at a time */
		now += 5000;
		done(zone, MUS_OUTBOX_SILENT);
		assert_int_equal(mus_outbox_due_ms(&box, now), pause[i]);
		now += pause[i] - 1;
		assert_int_equal(go(), 0);
		now++;
	}
	assert_int_equal(go(), 8);
	done(8, MUS_OUTBOX_ANSWERED);
	assert_int_equal(go(), 9);		/* and all is as before */
	assert_int_equal(go(), 10);
}

/* Many that were under way when it went down are one silence. */
static void
silence_of_many(void **state)
{
	(void)state;
	for (int64_t z = 1; z <= 20; z++)
		put(z);
	for (int64_t z = 1; z <= 16; z++)
		assert_int_equal(go(), z);
	now += 5000;
	for (int64_t z = 1; z <= 16; z++)
		done(z, MUS_OUTBOX_SILENT);
	assert_int_equal(box.silent, 1);
	assert_int_equal(mus_outbox_due_ms(&box, now), MIN);
	now += MIN;
	assert_int_equal(go(), 17);
	now += 5000;
	done(17, MUS_OUTBOX_SILENT);
	assert_int_equal(mus_outbox_due_ms(&box, now), 2 * MIN);
}

/* An operator's change of the signer, and what we could not send, are no news of its silence. */
static void
silence_forgotten(void **state)
{
	(void)state;
	put(1);
	put(2);
	put(3);
	assert_int_equal(go(), 1);
	done(1, MUS_OUTBOX_SILENT);
	assert_int_equal(go(), 0);
	mus_outbox_try_again(&box);
	assert_int_equal(go(), 2);
	done(2, MUS_OUTBOX_SILENT);
	assert_int_equal(mus_outbox_due_ms(&box, now), MIN);
	now += MIN;
	assert_int_equal(go(), 3);
	done(3, MUS_OUTBOX_UNSENT);
	assert_int_equal(box.silent, 1);
}

/* The later of two ends counts. */
static void
silence_and_rate(void **state)
{
	(void)state;
	box.rate = 5;
	put(1);
	put(2);
	assert_int_equal(go(), 1);
	done(1, MUS_OUTBOX_SILENT);
	assert_int_equal(mus_outbox_due_ms(&box, now), MIN);
	mus_outbox_charge(&box, 9, now);
	assert_int_equal(mus_outbox_due_ms(&box, now), 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(first_come_first_served, setup),
	    cmocka_unit_test_setup(order_in_a_zone, setup),
	    cmocka_unit_test_setup(places, setup),
	    cmocka_unit_test_setup(room, setup),
	    cmocka_unit_test_setup(window, setup),
	    cmocka_unit_test_setup(rate, setup),
	    cmocka_unit_test_setup(rate_after_a_rest, setup),
	    cmocka_unit_test_setup(charged, setup),
	    cmocka_unit_test_setup(silence, setup),
	    cmocka_unit_test_setup(silence_of_many, setup),
	    cmocka_unit_test_setup(silence_forgotten, setup),
	    cmocka_unit_test_setup(silence_and_rate, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
