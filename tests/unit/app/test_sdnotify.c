#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/sdnotify.h"

#include "temp.h"

static struct temp tmp;
static int fd;

static int
set_up(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	(void)state;
	if (temp_open(&tmp) < 0)
		return -1;
	snprintf(un.sun_path, sizeof un.sun_path, "%.90s/sock", tmp.dir);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	setenv("NOTIFY_SOCKET", un.sun_path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return bind(fd, (struct sockaddr *)&un, sizeof un);
}

static int
tear_down(void **state)
{
	(void)state;
	close(fd);
	temp_close(&tmp);
	return 0;
}

/* The next datagram; empty: none. */
static const char *
told(void)
{
	static char text[1000];
	ssize_t n = recv(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_words(void **state)
{
	unsigned long long usec;

	(void)state;
	assert_true(mus_sdnotify_is_on());
	mus_sdnotify_ready();
	assert_string_equal(told(), "READY=1");
	mus_sdnotify_stopping();
	assert_string_equal(told(), "STOPPING=1");
	mus_sdnotify_reloading();
	assert_int_equal(sscanf(told(), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	assert_true(usec > 0);
	mus_sdnotify_status("%d zones\nREADY=1\x1b", 7);
	assert_string_equal(told(), "STATUS=7 zones READY=1 ");
	assert_string_equal(told(), "");
}

static void
test_nobody(void **state)
{
	static const char too_long[] =
	    "/12345678901234567890123456789012345678901234567890123456789012345678901234567890"
	    "12345678901234567890123456789";
	const char *const bad[] = {"", "relative", "/none/such/socket", too_long};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		assert_int_equal(mus_sdnotify_is_on(), i == 2);
		mus_sdnotify_ready();
	}
	unsetenv("NOTIFY_SOCKET");
	assert_false(mus_sdnotify_is_on());
	mus_sdnotify_ready();
	assert_string_equal(told(), "");
}

static void
test_abstract(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char name[40];
	int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), keep = fd, n;

	(void)state;
	n = snprintf(name, sizeof name, "@mus-test-%d", (int)getpid());
	memcpy(un.sun_path + 1, name + 1, (size_t)n - 1);
	assert_int_equal(bind(other, (struct sockaddr *)&un,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
	fd = other;
	mus_sdnotify_ready();
	assert_string_equal(told(), "READY=1");
	fd = keep;
	close(other);
}

static void
test_watchdog_ms(void **state)
{
	char self[20];
	const struct {
		const char *usec, *pid;
		int64_t ms;
	} t[] = {
		{NULL, NULL, 0},
		{"30000000", NULL, 30000},
		{"30000000", self, 30000},
		{"30000000", "1", 0},		/* another process */
		{"30000000", "x", 0},
		{"x", NULL, 0},
		{"0", NULL, 0},
		{"1", NULL, 1},
	};
	size_t i;

	(void)state;
	snprintf(self, sizeof self, "%d", (int)getpid());
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		t[i].usec ? setenv("WATCHDOG_USEC", t[i].usec, 1) : unsetenv("WATCHDOG_USEC");
		t[i].pid ? setenv("WATCHDOG_PID", t[i].pid, 1) : unsetenv("WATCHDOG_PID");
		assert_int_equal(mus_sdnotify_watchdog_ms(), t[i].ms);
	}
}

static struct {
	struct mus_loop *loop;
	struct mus_timer *timer;
	int turns, signs;
} wd;

/* Counts the signs as they come, for the socket holds only a few. */
static void
count_signs(void *arg)
{
	(void)arg;
	while (strcmp(told(), "WATCHDOG=1") == 0)
		wd.signs++;
	if (++wd.turns == 50)
		mus_loop_stop(wd.loop);
	else
		mus_timer_start(wd.timer, 2);
}

static void
test_watchdog(void **state)
{
	struct mus_loop *l = mus_loop_new();
	struct mus_sdnotify_watchdog *w;
	struct mus_timer *t = mus_timer_new(l, count_signs, NULL);
	int64_t began;

	(void)state;
	assert_int_equal(mus_sdnotify_watchdog_start(l, &w), 0);
	assert_null(w);
	setenv("WATCHDOG_USEC", "20000", 1);
	assert_int_equal(mus_sdnotify_watchdog_start(l, &w), 0);
	assert_non_null(w);
	wd.loop = l;
	wd.timer = t;
	began = mus_loop_mono_ms(l);
	count_signs(NULL);
	mus_loop_run(l);
	/* At once, then each 10 ms, or later on a machine that is busy. */
	assert_in_range(wd.signs, 2, 2 + (mus_loop_mono_ms(l) - began) / 10);
	mus_sdnotify_watchdog_stop(w);
	mus_sdnotify_watchdog_stop(NULL);
	mus_timer_free(t);
	mus_loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_abstract, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_watchdog_ms, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_watchdog, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("app/sdnotify", tests, NULL, NULL);
}
