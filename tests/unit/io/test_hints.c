/* Which files are root hints, and what is said of those that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/hints.h"

static char path[64];
static struct mus_errtext et;

static int
set_up(void **state)
{
	int fd;

	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/mus-test-hints-XXXXXX");
	if ((fd = mkstemp(path)) < 0)
		return -1;
	return close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static int
check(const void *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	et.s[0] = '\0';
	return mus_hints_check(path, &et);
}

static void
assert_taken(const char *text)
{
	if (check(text, strlen(text)) != 0)
		fail_msg("\"%s\": %s", text, et.s);
}

static void
assert_refused(const char *text, size_t len, const char *why)
{
	assert_int_equal(check(text, len), MUS_ERR_SYNTAX);
	assert_int_equal(strncmp(et.s, path, strlen(path)), 0);
	if (strstr(et.s, why) == NULL)
		fail_msg("\"%s\": %s", text, et.s);
}

static void
hints(void **state)
{
	(void)state;
	/* as InterNIC gives them out, and as dig prints them */
	assert_taken(";  last update: 2024\r\n.    3600000      NS    A.ROOT-SERVERS.NET.\r\n"
		     "A.ROOT-SERVERS.NET.      3600000      A     198.41.0.4\r\n");
	assert_taken("; <<>> DiG\n;; ANSWER SECTION:\n.\t\t\t5\tIN\tNS\tns.root.\n\nns.root. 5 IN AAAA ::1");
	assert_taken("$TTL 1d\n@ in ns ns.root. ; the only one\n\tIN NS other.root.\nns.root. 1D IN a 127.0.0.1\n");
	/* the resolver passes over what it needs not */
	assert_taken(". 5 NS ns.root.\nns.root. 5 A 127.0.0.1\nns.root. 5 TXT \"x\"\n");
	assert_taken(" NS ns.root.\nns.root. A 127.0.0.1");
}

#define ONE_MORE(line) ". 5 NS ns.root.\nns.root. 5 A 127.0.0.1\n" line, sizeof ". 5 NS ns.root.\nns.root. 5 A 127.0.0.1\n" line - 1

static void
no_hints(void **state)
{
	static const char ns[] = "NS record of the root", address[] = "is an address";
	static const char *const no_ns[] = {"", "garbage\n", "; . NS ns.root.\nns.root. A 127.0.0.1\n",
	    "com. NS ns.root.\n NS ns2.root.\nns.root. A 127.0.0.1\n", ". NS\nns.root. A 127.0.0.1\n", ". 5 IN\n. IN\n.\n",
	    ". NS a..b\nns.root. A 127.0.0.1\n"};
	static const char *const no_address[] = {". NS ns.root.\n", ". NS ns.root.\n;ns.root. A 127.0.0.1\n",
	    ". NS ns.root.\nns.root. A ::1\nns.root. A\nns.root. AAAA 127.0.0.1\n", ". NS ns.root.\nns.root. TXT 127.0.0.1\n"};
	static const char binary[] = "\x7f" "ELF\0\n\0. NS\0\n\xff\xfe";

	(void)state;
	for (size_t i = 0; i < sizeof no_ns / sizeof no_ns[0]; i++)
		assert_refused(no_ns[i], strlen(no_ns[i]), ns);
	for (size_t i = 0; i < sizeof no_address / sizeof no_address[0]; i++)
		assert_refused(no_address[i], strlen(no_address[i]), address);
	assert_refused(binary, sizeof binary, ns);
	assert_refused(ONE_MORE("garbage line\n"), "the resolver cannot begin with it");
	assert_refused(ONE_MORE("ns.root. 5 FOO x\n"), "the resolver cannot begin with it");
	assert_int_equal(mus_hints_check("/none/hints", &et), MUS_ERR_NOTFOUND);
	assert_non_null(strstr(et.s, "/none/hints"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hints, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_hints, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
