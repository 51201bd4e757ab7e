/* Places of an HTTP server, with sockets that nobody reads: who is shut, and who is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/http_places.h"

enum { HOSTS = 40 };

static struct mus_places ps;
static struct mus_place *place[HOSTS];
static int here[HOSTS], there[HOSTS];

static void
enter(int i, const char *from, int64_t now_ms)
{
	struct mus_addr a;
	int fd[2];

	assert_true(mus_addr_parse(from, (uint16_t)(1000 + i), &a));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	here[i] = fd[0];
	there[i] = fd[1];
	assert_non_null(place[i] = mus_place_enter(&ps, &a, here[i], now_ms));
}

/* Has the other side seen the end? */
static bool
is_shut(int i)
{
	char c;
	ssize_t n = recv(there[i], &c, 1, MSG_DONTWAIT);

	assert_true(n == 0 || errno == EAGAIN);
	assert_int_equal(place[i]->shut, n == 0);
	return n == 0;
}

static void
leave(int i)
{
	mus_place_leave(&ps, place[i]);
	place[i] = NULL;
	close(here[i]);
	close(there[i]);
}

static int
clear(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < HOSTS; i++)
		if (place[i])
			leave(i);
	assert_null(ps.first);
	assert_null(ps.last);
	assert_int_equal(ps.stats.connections, 0);
	return 0;
}

static void
begin(unsigned max, unsigned net_max)
{
	ps = (struct mus_places){.max = max, .net_max = net_max, .head_ms = 100, .body_ms = 1000};
}

/* Of IPv4 an address, of IPv6 a /64. */
static void
test_nets(void **state)
{
	static const struct {
		const char *one, *other;
		bool same;
	} t[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"::1", "0.0.0.1", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		begin(9, 1);
		enter(0, t[i].one, 0);
		enter(1, t[i].other, 0);
		assert_int_equal(is_shut(0), t[i].same);
		assert_false(is_shut(1));
		clear(NULL);
	}
}

static void
test_who_gives(void **state)
{
	int i;

	(void)state;
	begin(5, 9);
	for (i = 0; i < 5; i++)
		enter(i, "192.0.2.1", i);
	place[0]->known = place[1]->known = place[3]->known = true;
	mus_place_does(place[1], MUS_PLACE_ANSWER, 5);	/* known, at work */
	mus_place_does(place[0], MUS_PLACE_HEAD, 9);	/* known, silent since later than the other */
	mus_place_does(place[2], MUS_PLACE_ANSWER, 10);	/* unknown, however busy */
	mus_place_does(place[4], MUS_PLACE_HELD, 11);	/* unknown, and the handler has it */
	enter(5, "192.0.2.5", 12);
	assert_true(is_shut(2));
	place[5]->known = true;
	enter(6, "192.0.2.6", 13);
	assert_true(is_shut(3));
	place[6]->known = true;
	enter(7, "192.0.2.7", 14);
	assert_true(is_shut(0));
	assert_false(is_shut(1) || is_shut(4) || is_shut(5) || is_shut(6) || is_shut(7));
	assert_int_equal(ps.stats.gave_place, 3);
	assert_int_equal(ps.stats.connections, 5);
}

/* Some wait for their refusal; beyond that the first of them is cut. */
static void
test_refusal(void **state)
{
	int i;

	(void)state;
	begin(2, 1);
	for (i = 0; i < 2; i++) {
		enter(i, i ? "192.0.2.1" : "192.0.2.0", 0);
		place[i]->known = true;
		mus_place_does(place[i], MUS_PLACE_HELD, 0);
		assert_int_equal(mus_place_refusal(&ps, place[i]), 0);
	}
	enter(2, "192.0.2.1", 1);
	assert_int_equal(mus_place_refusal(&ps, place[2]), 429);
	leave(2);
	for (i = 2; i < 2 + MUS_PLACES_OVER; i++) {
		char from[] = "192.0.2.9x";

		from[sizeof from - 2] = (char)('0' + i % 10);
		from[sizeof from - 3] = (char)('1' + i / 10);
		enter(i, from, i);
		assert_int_equal(mus_place_refusal(&ps, place[i]), 503);
	}
	assert_false(is_shut(2));
	enter(i, "192.0.2.77", i);
	assert_true(is_shut(2));
	assert_int_equal(ps.stats.refused_net, 1);
	assert_int_equal(ps.stats.refused_full, MUS_PLACES_OVER);
	for (; i > 3; i--)
		leave(i);
	leave(0);
	assert_int_equal(mus_place_refusal(&ps, place[3]), 0);	/* there is room meanwhile */
	assert_false(place[3]->over);
}

static void
test_sweep(void **state)
{
	static const struct {
		enum mus_place_does does;
		int64_t end_ms;		/* -1: never */
	} t[] = {
		{MUS_PLACE_HEAD, 101}, {MUS_PLACE_BODY, 1001}, {MUS_PLACE_HELD, -1}, {MUS_PLACE_ANSWER, -1}};
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		begin(9, 9);
		enter(0, "192.0.2.1", 0);
		mus_place_does(place[0], t[i].does, 50);
		mus_places_sweep(&ps, 50 + (t[i].end_ms > 0 ? t[i].end_ms - 1 : 1000000));
		assert_false(is_shut(0));
		if (t[i].end_ms > 0) {
			mus_places_sweep(&ps, 50 + t[i].end_ms);
			assert_true(is_shut(0));
			mus_places_sweep(&ps, 1000000);
			assert_int_equal(ps.stats.slow, 1);
		}
		clear(NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_nets, clear),
		cmocka_unit_test_teardown(test_who_gives, clear),
		cmocka_unit_test_teardown(test_refusal, clear),
		cmocka_unit_test_teardown(test_sweep, clear),
	};

	return cmocka_run_group_tests_name("io/http_places", tests, NULL, NULL);
}
