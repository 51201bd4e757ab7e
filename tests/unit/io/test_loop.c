#include <pthread.h>
#include <signal.h>

#include "fake.h"

static void
count(void *arg)
{
	(*(unsigned *)arg)++;
}

/* ---- timers ---- */

struct order {
	struct mus_loop *l;
	struct mus_timer *t;
	unsigned n;
	char seen[8];
};

static void
note(struct order *o, char c)
{
	if (o->n < sizeof o->seen)
		o->seen[o->n] = c;
	o->n++;
}

static void
note_a(void *arg)
{
	note(arg, 'a');
}

static void
note_b(void *arg)
{
	note(arg, 'b');
}

static void
timers_fire_in_order_and_once(void **state)
{
	struct mus_loop *l = mus_loop_new();
	struct order o = {.l = l};
	struct mus_timer *a = mus_timer_new(l, note_a, &o), *b = mus_timer_new(l, note_b, &o);
	struct mus_timer *never = mus_timer_new(l, note_b, &o), *gone = mus_timer_new(l, note_b, &o);

	(void)state;
	mus_timer_start(a, 10);
	mus_timer_start(b, 1);
	mus_timer_start(never, 1);
	mus_timer_stop(never);
	mus_timer_start(gone, 1);
	mus_timer_free(gone);
	until(l, &o.n, 2);
	turn_for(l, 20);
	assert_int_equal(o.n, 2);
	assert_memory_equal(o.seen, "ba", 2);
	mus_timer_free(a);
	mus_timer_free(b);
	mus_timer_free(never);
	mus_timer_free(NULL);
	mus_loop_free(l);
}

static void
again_at_once(void *arg)
{
	struct order *o = arg;

	o->n++;
	mus_timer_start(o->t, 0);
}

/* A timer that restarts itself with 0 must not keep the loop from its other work. */
static void
timer_of_zero_lets_the_loop_turn(void **state)
{
	struct mus_loop *l = mus_loop_new();
	struct order o = {.l = l};
	unsigned posted = 0;

	(void)state;
	o.t = mus_timer_new(l, again_at_once, &o);
	mus_timer_start(o.t, 0);
	until(l, &o.n, 3);
	assert_int_equal(mus_loop_post(l, count, &posted), 0);
	until(l, &posted, 1);
	mus_timer_free(o.t);
	mus_loop_free(l);
}

static void
free_self(void *arg)
{
	struct order *o = arg;

	o->n++;
	mus_timer_free(o->t);
}

static void
timer_may_free_itself(void **state)
{
	struct mus_loop *l = mus_loop_new();
	struct order o = {.l = l};

	(void)state;
	o.t = mus_timer_new(l, free_self, &o);
	mus_timer_start(o.t, 0);
	until(l, &o.n, 1);
	mus_loop_free(l);
}

/* ---- end of turn ---- */

struct turn {
	struct mus_loop *l;
	unsigned work, committed, hook2_after, posted;
	bool post_from_hook;
};

static void
work(void *arg)
{
	((struct turn *)arg)->work++;
}

static void
commit(void *arg)
{
	struct turn *t = arg;

	t->committed = t->work;
	if (t->post_from_hook) {
		t->post_from_hook = false;
		assert_int_equal(mus_loop_post(t->l, count, &t->posted), 0);
	}
}

static void
second_hook(void *arg)
{
	struct turn *t = arg;

	t->hook2_after = t->committed;
}

static void
hooks_run_at_the_end_of_the_turn(void **state)
{
	struct mus_loop *l = mus_loop_new();
	struct turn t = {.l = l};
	unsigned i, dummy = 0;

	(void)state;
	assert_int_equal(mus_loop_at_turn_end(l, commit, &t), 0);
	assert_int_equal(mus_loop_at_turn_end(l, second_hook, &t), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(mus_loop_post(l, work, &t), 0);
	until(l, &t.committed, 5);
	until(l, &t.hook2_after, 5);
	/* The turn in which the loop was stopped has an end as well. */
	assert_int_equal(mus_loop_post(l, work, &t), 0);
	assert_int_equal(mus_loop_post(l, (mus_loop_fn *)mus_loop_stop, l), 0);
	mus_loop_run(l);
	assert_int_equal(t.committed, 6);
	/* What a hook posts does not wait for somebody to wake the loop. */
	t.post_from_hook = true;
	until(l, &t.posted, 1);
	for (i = 0; i < 6; i++)
		assert_int_equal(mus_loop_at_turn_end(l, count, &dummy), 0);
	assert_int_equal(mus_loop_at_turn_end(l, count, &dummy), MUS_ERR_FULL);
	/* One goes; those before and after it stay. */
	mus_loop_off_turn_end(l, commit, &t);
	dummy = t.hook2_after = 0;
	assert_int_equal(mus_loop_post(l, work, &t), 0);
	until(l, &dummy, 6);
	assert_int_equal(t.committed, 6);
	mus_loop_off_turn_end(l, count, &dummy);
	assert_int_equal(mus_loop_at_turn_end(l, commit, &t), 0);
	until(l, &t.committed, 7);
	mus_loop_free(l);
}

/* ---- clock ---- */

struct clocks {
	int64_t boot_first, boot_second;
	struct mus_loop *l;
	struct mus_time first, second;
	unsigned done;
};

static void
read_clock_twice(void *arg)
{
	struct clocks *c = arg;
	uint64_t end = uv_hrtime() + 5000000;

	c->boot_first = mus_loop_boot_ms(c->l);
	c->first = mus_loop_now(c->l);
	while (uv_hrtime() < end)
		;
	c->second = mus_loop_now(c->l);
	c->boot_second = mus_loop_boot_ms(c->l);
	c->done = 1;
}

static void
clock_stands_within_a_turn(void **state)
{
	struct mus_loop *l = mus_loop_new();
	struct clocks c = {.l = l};

	(void)state;
	assert_int_equal(mus_loop_post(l, read_clock_twice, &c), 0);
	until(l, &c.done, 1);
	assert_int_equal(c.first.ms, c.second.ms);
	assert_int_equal(c.boot_first, c.boot_second);
	assert_true(mus_loop_now(l).ms > c.first.ms);	/* the wall clock may be slewed meanwhile */
	assert_true(mus_loop_boot_ms(l) > c.boot_first);
	assert_true(c.first.ms > (int64_t)1600000000 * 1000);
	/* as uuid_unparse(3) writes it, without the end of the line */
	assert_int_equal(strlen(mus_loop_boot_id(l)), 36);
	assert_int_equal(strspn(mus_loop_boot_id(l), "0123456789abcdef-"), 36);
	mus_loop_free(l);
}

/* ---- posts and signals ---- */

enum { POSTERS = 4, POSTS = 2000 };
struct poster {
	struct mus_loop *l;
	unsigned *n;
};

static void *
post_many(void *arg)
{
	struct poster *p = arg;
	int i;

	for (i = 0; i < POSTS; i++) {
		while (mus_loop_post(p->l, count, p->n) == MUS_ERR_FULL)
			;
	}
	return NULL;
}

static void
posts_from_threads_arrive(void **state)
{
	struct mus_loop *l = mus_loop_new();
	unsigned n = 0, i;
	struct poster p = {l, &n};
	pthread_t th[POSTERS];

	(void)state;
	for (i = 0; i < POSTERS; i++)
		assert_int_equal(pthread_create(&th[i], NULL, post_many, &p), 0);
	until(l, &n, POSTERS * POSTS);
	for (i = 0; i < POSTERS; i++)
		(void)pthread_join(th[i], NULL);
	turn_for(l, 1);
	assert_int_equal(n, POSTERS * POSTS);
	mus_loop_free(l);
}

static void
posts_have_a_bound(void **state)
{
	struct mus_loop *l = mus_loop_new();
	unsigned n = 0, i;

	(void)state;
	for (i = 0; i < 65536; i++)
		assert_int_equal(mus_loop_post(l, count, &n), 0);
	assert_int_equal(mus_loop_post(l, count, &n), MUS_ERR_FULL);
	until(l, &n, 65536);
	mus_loop_free(l);
}

static void
signal_calls(void **state)
{
	struct mus_loop *l = mus_loop_new();
	unsigned n = 0;

	(void)state;
	assert_int_equal(mus_loop_on_signal(l, SIGHUP, count, &n), 0);
	assert_int_equal(mus_loop_on_signal(l, 9999, count, &n), MUS_ERR_INVAL);
	assert_int_equal(raise(SIGHUP), 0);
	until(l, &n, 1);
	assert_int_equal(raise(SIGPIPE), 0);	/* ignored */
	mus_loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_and_once),
		cmocka_unit_test(timer_of_zero_lets_the_loop_turn),
		cmocka_unit_test(timer_may_free_itself),
		cmocka_unit_test(hooks_run_at_the_end_of_the_turn),
		cmocka_unit_test(clock_stands_within_a_turn),
		cmocka_unit_test(posts_from_threads_arrive),
		cmocka_unit_test(posts_have_a_bound),
		cmocka_unit_test(signal_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
