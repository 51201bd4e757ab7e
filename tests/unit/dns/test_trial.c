/* Records of a probe: known by themselves, and nothing to anybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dns/dnskey.h"
#include "dns/trial.h"

static const uint16_t types[] = {MUS_TYPE_DNSKEY, MUS_TYPE_CDS, MUS_TYPE_CDNSKEY, MUS_TYPE_CSYNC};
enum { TYPES = sizeof types / sizeof types[0] };

static void
test_known_by_itself(void **state)
{
	uint8_t rd[MUS_TRIAL_MAX];

	(void)state;
	for (unsigned t = 0; t < TYPES; t++)
		for (unsigned alg = 8; alg <= 15; alg += 7) {
			size_t len = mus_trial_make(types[t], (uint8_t)alg, rd);

			assert_true(len > 0);
			assert_true(mus_trial_is(types[t], (struct mus_rdata){rd, (uint16_t)len}));
			assert_false(mus_trial_is(types[t], (struct mus_rdata){rd, (uint16_t)(len - 1)}));
			rd[len - 1] ^= 1;
			assert_false(mus_trial_is(types[t], (struct mus_rdata){rd, (uint16_t)len}));
		}
	assert_int_equal(mus_trial_make(MUS_TYPE_NS, 13, rd), 0);
	assert_false(mus_trial_is(MUS_TYPE_NS, (struct mus_rdata){rd, 0}));
}

static void
test_means_nothing_to_others(void **state)
{
	uint8_t rd[MUS_TRIAL_MAX];
	struct mus_dnskey key;
	struct mus_ds ds;
	uint16_t len;

	(void)state;
	len = (uint16_t)mus_trial_make(MUS_TYPE_DNSKEY, 8, rd);
	assert_true(mus_dnskey_read((struct mus_rdata){rd, len}, &key));
	assert_int_equal(key.flags, 0);
	assert_int_equal(key.alg, 13);
	len = (uint16_t)mus_trial_make(MUS_TYPE_CDNSKEY, 8, rd);
	assert_true(mus_dnskey_read((struct mus_rdata){rd, len}, &key));
	assert_int_equal(key.flags, 0);
	assert_int_equal(key.alg, 8);
	/* Flags and algorithm 0 would be the request to delete all DS (RFC 8078 4). */
	len = (uint16_t)mus_trial_make(MUS_TYPE_CDS, 8, rd);
	assert_true(mus_ds_read((struct mus_rdata){rd, len}, &ds));
	assert_int_equal(ds.alg, 8);
	assert_false(mus_digest_supported(ds.digest_type));
	/* Not immediate, and no bitmap. */
	assert_int_equal(mus_trial_make(MUS_TYPE_CSYNC, 8, rd), 6);
	assert_int_equal(rd[5] & 1, 0);
}

static void
test_set_without(void **state)
{
	uint8_t rd[MUS_TRIAL_MAX];
	static const uint8_t own[] = {1, 1, 3, 13, 1, 2, 3, 4};
	struct mus_arena a;
	struct mus_rrset set = {.type = MUS_TYPE_DNSKEY, .rclass = MUS_CLASS_IN, .ttl_s = 7}, out;
	uint16_t len = (uint16_t)mus_trial_make(MUS_TYPE_DNSKEY, 13, rd);

	(void)state;
	mus_arena_init(&a, 1 << 16);
	assert_int_equal(mus_rrset_add(&set, (struct mus_rdata){own, sizeof own}, &a), 0);
	assert_int_equal(mus_trial_without(&set, &a, &out), 0);
	assert_ptr_equal(out.rd, set.rd);
	assert_int_equal(mus_rrset_add(&set, (struct mus_rdata){rd, len}, &a), 0);
	assert_int_equal(mus_trial_without(&set, &a, &out), 0);
	assert_int_equal(set.count, 2);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.ttl_s, 7);
	assert_memory_equal(out.rd[0].data, own, sizeof own);
	mus_arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_by_itself),
	    cmocka_unit_test(test_means_nothing_to_others), cmocka_unit_test(test_set_without)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
