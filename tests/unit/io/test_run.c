#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"
#include "io/run.h"

enum { FEW = 2, WAITING = 3 };

struct rig {
	struct mus_loop *l;
	struct mus_runs *set;
	unsigned told;			/* ends that were told */
	struct mus_run_result last;
	size_t len;
	char output[MUS_RUN_OUTPUT_MAX + 1];
	char text[MUS_RUN_TEXT_MAX];
};

static int
set_up(void **state)
{
	struct rig *r = calloc(1, sizeof *r);

	if (!r)
		return -1;
	r->l = mus_loop_new();
	r->set = mus_runs_new(r->l, FEW, WAITING);
	*state = r;
	return r->set ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct rig *r = *state;

	mus_runs_free(r->set);
	mus_loop_free(r->l);
	free(r);
	return 0;
}

static void
on_end(void *arg, const struct mus_run_result *res)
{
	struct rig *r = arg;

	r->last = *res;
	r->len = res->output_len;
	memcpy(r->output, res->output, res->output_len);
	r->output[res->output_len] = '\0';
	mus_run_text(res, r->text);
	r->told++;
}

static int
start(struct rig *r, const char *const *argv, int64_t timeout_ms)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", "MUSIC_ZONE=ex.lab.", NULL};
	struct mus_run_cmd cmd = {argv, env, timeout_ms};

	return mus_run_start(r->set, &cmd, on_end, r);
}

static int
shell(struct rig *r, const char *script, int64_t timeout_ms)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};

	return start(r, argv, timeout_ms);
}

static void
run(struct rig *r, const char *script)
{
	unsigned want = r->told + 1;

	assert_int_equal(shell(r, script, 60000), 0);
	until(r->l, &r->told, want);
}

/* ---- how it ends ---------------------------------------------------------------------------- */

static void
exit_status_and_output(void **state)
{
	struct rig *r = *state;

	run(r, "echo one; echo two >&2; echo; exit 3");
	assert_int_equal(r->last.end, MUS_RUN_EXITED);
	assert_int_equal(r->last.code, 3);
	assert_false(mus_run_is_well(&r->last));
	assert_string_equal(r->output, "one\ntwo\n\n");
	assert_string_equal(r->text, "exit status 3: two");
	run(r, "printf 'a\\033\\303b'");
	assert_true(mus_run_is_well(&r->last));
	assert_string_equal(r->text, "exit status 0: a??b");
	run(r, "exit 0");
	assert_string_equal(r->text, "exit status 0");
	run(r, "kill -9 $$");
	assert_int_equal(r->last.end, MUS_RUN_SIGNALLED);
	assert_string_equal(r->text, "ended by signal 9");
}

static void
missing_program(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = {"/nonexistent/rndc", "reload", NULL}, *const dir[] = {"/", NULL};
	const char *preload = getenv("LD_PRELOAD");

	/* valgrind forks where we share memory with the child: why it could not be started does not come back. */
	if (preload && strstr(preload, "vgpreload"))
		skip();
	assert_int_equal(start(r, argv, 1000), 0);
	assert_int_equal(r->told, 0);	/* from the loop only */
	until(r->l, &r->told, 1);
	assert_int_equal(r->last.end, MUS_RUN_NOT_STARTED);
	assert_int_equal(r->last.code, ENOENT);
	assert_string_equal(r->text, "cannot be started: No such file or directory");
	assert_int_equal(start(r, dir, 1000), 0);
	until(r->l, &r->told, 2);
	assert_int_equal(r->last.code, EACCES);
	run(r, "exit 0");		/* and its place is free again */
	assert_true(mus_run_is_well(&r->last));
}

static void
much_output_is_kept_at_its_end(void **state)
{
	struct rig *r = *state;

	run(r, "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i + 1)); done; exit 1");
	assert_int_equal(r->last.code, 1);
	assert_int_equal(r->len, MUS_RUN_OUTPUT_MAX);
	assert_string_equal(r->output + r->len - 6, "19999\n");
	assert_string_equal(r->last.last, "19999");
	run(r, "head -c 5000 /dev/zero | tr '\\0' x");	/* one line, longer than what is kept of one */
	assert_int_equal(strlen(r->last.last), MUS_RUN_LAST_MAX - 1);
}

/* ---- time ----------------------------------------------------------------------------------- */

/* It takes longer than it may; ${ms} is doubled until it has come to say that it begins. */
static void
run_late(struct rig *r, const char *script, int64_t ms)
{
	do {
		unsigned want = r->told + 1;

		assert_int_equal(shell(r, script, ms), 0);
		until(r->l, &r->told, want);
		ms *= 2;
	} while (r->len == 0 && ms < 60000);
}

static void
who_takes_too_long_is_ended(void **state)
{
	struct rig *r = *state;

	run_late(r, "trap 'echo ends; exit 0' TERM; echo begins; while :; do sleep 0.05; done", 300);
	assert_int_equal(r->last.end, MUS_RUN_TIMED_OUT);
	assert_false(mus_run_is_well(&r->last));
	assert_string_equal(r->last.last, "ends");
	assert_memory_equal(r->text, "ended by us after ", 18);
	run_late(r, "trap '' TERM; echo stays; while :; do sleep 0.05; done", 100);
	assert_int_equal(r->last.end, MUS_RUN_TIMED_OUT);
	assert_string_equal(r->last.last, "stays");
}

/* ---- what it gets and what it leaves ---------------------------------------------------------- */

static void
nothing_of_ours_is_open_there(void **state)
{
	struct rig *r = *state;
	int fd = open("/dev/zero", O_RDONLY), high = fcntl(fd, F_DUPFD, 100);	/* without O_CLOEXEC, on purpose */

	assert_true(fd > 2 && high >= 100);
	run(r, "ls -l /proc/self/fd | grep -c /dev/zero; cat; env | sort | grep -v ^_ | grep -v ^PWD");
	assert_string_equal(r->output, "0\nMUSIC_ZONE=ex.lab.\nPATH=/usr/bin:/bin\n");
	/* Signals as a program expects them: our loop ignores SIGPIPE. */
	run(r, "grep ^SigBlk /proc/self/status | cut -f 2");
	assert_string_equal(r->output, "0000000000000000\n");
	run(r, "grep ^SigIgn /proc/self/status | cut -f 2");
	assert_int_equal(strtoull(r->output, NULL, 16) & 1ull << (SIGPIPE - 1), 0);
	close(fd);
	close(high);
}

/* Does the process there was once still run?  Its death is a matter of time. */
static void
dies(pid_t pid)
{
	char path[64], line[64] = "";

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	for (unsigned i = 0; i < 600; i++) {
		FILE *f = fopen(path, "r");

		if (!f)
			return;
		if (!fgets(line, sizeof line, f) || strstr(line, ") Z ")) {
			fclose(f);
			return;
		}
		fclose(f);
		usleep(100000);
	}
	fail_msg("%d still runs: %s", (int)pid, line);
}

static void
what_it_left_running_is_killed(void **state)
{
	struct rig *r = *state;
	pid_t left;

	/* It holds the output open: nobody waits for that. */
	run(r, "sleep 600 & echo $!; exit 4");
	assert_int_equal(r->last.end, MUS_RUN_EXITED);
	assert_int_equal(r->last.code, 4);
	left = (pid_t)strtol(r->output, NULL, 10);
	assert_true(left > 1);
	dies(left);
	/* And with one that takes too long goes what it has started. */
	run_late(r, "sleep 600 & echo $!; wait", 300);
	assert_int_equal(r->last.end, MUS_RUN_TIMED_OUT);
	dies((pid_t)strtol(r->output, NULL, 10));
}

/* ---- many ----------------------------------------------------------------------------------- */

static void
many_wait_for_their_turn(void **state)
{
	struct rig *r = *state;
	char dir[] = "/tmp/mus-test-run-XXXXXX", script[400];

	assert_non_null(mkdtemp(dir));
	/* Each says how many there were with it. */
	snprintf(script, sizeof script, "cd %s; : >$$; sleep 0.2; ls | wc -l; rm $$", dir);
	for (unsigned i = 0; i < WAITING; i++)
		assert_int_equal(shell(r, script, 60000), 0);
	assert_int_equal(shell(r, script, 60000), MUS_ERR_FULL);
	for (unsigned want = 1; want <= WAITING; want++) {
		until(r->l, &r->told, want);
		assert_true(mus_run_is_well(&r->last));
		assert_in_range(strtol(r->output, NULL, 10), 1, FEW);
	}
	assert_int_equal(rmdir(dir), 0);
	for (unsigned i = 0; i < WAITING; i++)		/* there is room again */
		assert_int_equal(shell(r, "exit 0", 60000), 0);
	until(r->l, &r->told, 2 * WAITING);
}

static void
the_end_of_the_set_ends_all(void **state)
{
	struct rig *r = *state;
	char line[32] = "", script[64];
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	snprintf(script, sizeof script, "echo $$ >/proc/%d/fd/%d; exec sleep 600", (int)getpid(), fd[1]);
	assert_int_equal(shell(r, script, 60000), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	for (unsigned i = 0; i < 600 && read(fd[0], line, sizeof line - 1) <= 0; i++)
		turn_for(r->l, 100);
	pid = (pid_t)strtol(line, NULL, 10);
	assert_true(pid > 1);
	for (unsigned i = 0; i < WAITING; i++)
		assert_int_equal(shell(r, "sleep 600", 60000), 0);
	mus_runs_free(r->set);
	r->set = NULL;
	dies(pid);
	turn_for(r->l, 10);
	assert_int_equal(r->told, 0);
	close(fd[0]);
	close(fd[1]);
}

static void
end_set(void *arg, const struct mus_run_result *res)
{
	struct rig *r = arg;

	(void)res;
	mus_runs_free(r->set);
	r->set = NULL;
	r->told++;
}

static void
who_is_told_may_end_the_set(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = {"/bin/sh", "-c", "exit 0", NULL}, *const env[] = {NULL};
	struct mus_run_cmd cmd = {argv, env, 60000};

	assert_int_equal(mus_run_start(r->set, &cmd, end_set, r), 0);
	assert_int_equal(shell(r, "sleep 600", 60000), 0);
	until(r->l, &r->told, 1);
	assert_null(r->set);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(exit_status_and_output),
	    T(missing_program),
	    T(much_output_is_kept_at_its_end),
	    T(who_takes_too_long_is_ended),
	    T(nothing_of_ours_is_open_there),
	    T(what_it_left_running_is_killed),
	    T(many_wait_for_their_turn),
	    T(the_end_of_the_set_ends_all),
	    T(who_is_told_may_end_the_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
