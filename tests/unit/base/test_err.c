#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"

static void
list(void **state)
{
	(void)state;
	assert_string_equal(mus_err_name(0), "OK");
	assert_int_equal(mus_err_http(0), 200);
	assert_int_equal(mus_err_exit(0), 0);
	assert_string_equal(mus_err_name(MUS_ERR_TIMEOUT), "TIMEOUT");
	assert_string_equal(mus_err_text(MUS_ERR_TIMEOUT), "no answer in time");
	assert_int_equal(mus_err_http(MUS_ERR_TIMEOUT), 504);
	assert_int_equal(mus_err_exit(MUS_ERR_TIMEOUT), 75);
	assert_true(mus_err_can_retry(MUS_ERR_TIMEOUT));
	assert_false(mus_err_can_retry(MUS_ERR_INVAL));
	/* every error: negative, named, an HTTP status of an error, an exit code that is not 0 */
	for (int e = 1; e < (int)MUS_ERR__COUNT; e++) {
		assert_non_null(mus_err_name(-e));
		assert_true(strlen(mus_err_text(-e)) > 0);
		assert_in_range(mus_err_http(-e), 400, 599);
		assert_in_range(mus_err_exit(-e), 64, 78);
	}
	assert_string_equal(mus_err_name(1), "INTERNAL");
	assert_string_equal(mus_err_name(-(int)MUS_ERR__COUNT), "INTERNAL");
	assert_string_equal(mus_err_name(-1000000), "INTERNAL");
}

static void
words(void **state)
{
	struct mus_errtext et = {0};
	char big[1000];

	(void)state;
	assert_int_equal(mus_errf(NULL, MUS_ERR_IO, "%s", "x"), MUS_ERR_IO);
	assert_int_equal(mus_err_wrap(NULL, MUS_ERR_IO, "%s", "x"), MUS_ERR_IO);
	assert_int_equal(mus_errf(&et, MUS_ERR_SYNTAX, "%s:%d", "f", 3), MUS_ERR_SYNTAX);
	assert_string_equal(et.s, "f:3");
	assert_int_equal(mus_err_wrap(&et, MUS_ERR_SYNTAX, "load %s", "z."), MUS_ERR_SYNTAX);
	assert_string_equal(et.s, "load z.: f:3");
	/* nobody below said anything */
	et.s[0] = '\0';
	assert_int_equal(mus_err_wrap(&et, MUS_ERR_NOMEM, "load"), MUS_ERR_NOMEM);
	assert_string_equal(et.s, "load: out of memory");

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(mus_errf(&et, MUS_ERR_IO, "%s", big), MUS_ERR_IO);
	assert_int_equal(strlen(et.s), sizeof et.s - 1);
	assert_int_equal(mus_err_wrap(&et, MUS_ERR_IO, "head"), MUS_ERR_IO);
	assert_int_equal(strlen(et.s), sizeof et.s - 1);
	assert_memory_equal(et.s, "head: xxx", 9);
	assert_int_equal(mus_err_wrap(&et, MUS_ERR_IO, "%s", big), MUS_ERR_IO);
	assert_int_equal(strlen(et.s), sizeof et.s - 1);
}

/* Ends the program with the expression, in a child, because it is meant to. */
static void
assertion(void **state)
{
	int fd[2], status;
	char text[300] = "";
	pid_t child;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	MUS_ASSERT(child = 1);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fd[1], 2);
		MUS_ASSERT(1 + 1 == 3);
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], text, sizeof text - 1);
	assert_true(n > 0);
	assert_non_null(strstr(text, "1 + 1 == 3"));
	close(fd[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list),
		cmocka_unit_test(words),
		cmocka_unit_test(assertion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
