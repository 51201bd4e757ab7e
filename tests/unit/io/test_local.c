#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "io/local.h"

/* Each is one that a socket can have, once, without a port; the loopback is among them, link-local ones are not. */
static void
test_addrs(void **state)
{
	struct mus_addr v[256], loopback;
	size_t count = mus_addr_all_local(v, 256), loopbacks = 0;

	(void)state;
	assert_true(mus_addr_parse("127.0.0.1", 0, &loopback));
	assert_in_range(count, 1, 256);
	for (size_t i = 0; i < count; i++) {
		assert_true(mus_addr_is_local(&v[i]));
		assert_int_equal(v[i].port, 0);
		assert_false(v[i].family == 6 && v[i].ip[0] == 0xfe);
		loopbacks += mus_addr_same_ip(&v[i], &loopback);
		for (size_t j = 0; j < i; j++)
			assert_false(mus_addr_same_ip(&v[i], &v[j]));
	}
	assert_int_equal(loopbacks, 1);
	assert_int_equal(mus_addr_all_local(v, 0), 0);
	assert_int_equal(mus_addr_all_local(v, 1), 1);
}

static void
test_names(void **state)
{
	char names[MUS_HOST_NAMES_MAX][MUS_HOST_NAME_MAX];
	size_t count = mus_host_names(names);

	(void)state;
	assert_in_range(count, 0, MUS_HOST_NAMES_MAX);
	for (size_t i = 0; i < count; i++) {
		assert_in_range(strlen(names[i]), 1, MUS_HOST_NAME_MAX - 1);
		assert_null(strpbrk(names[i], " :/_"));
	}
	assert_true(count < 2 || strcmp(names[0], names[1]) != 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addrs),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("io/local", tests, NULL, NULL);
}
