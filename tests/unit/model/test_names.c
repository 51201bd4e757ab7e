/* Every value of every enum has words of its own where people tell them apart by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "model/plan.h"

static void
rules_have_different_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MUS_RULE_COUNT; i++) {
		assert_true(strlen(mus_rule_text((enum mus_rule)i)) > 0);
		assert_true(strlen(mus_rule_sentence((enum mus_rule)i)) > 8);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(mus_rule_text((enum mus_rule)i), mus_rule_text((enum mus_rule)k));
	}
	assert_string_equal(mus_rule_text(MUS_RULE_V2), "V2");
	assert_string_equal(mus_rule_text(MUS_RULE_PARENTDS), "parent-ds");
}

/* A question without an answer: what is our own fault is not held against the server. */
static void
causes_of_errors(void **state)
{
	static const struct {
		int err;
		enum mus_cause cause;
	} t[] = {{MUS_ERR_TIMEOUT, MUS_CAUSE_TIMEOUT}, {MUS_ERR_FULL, MUS_CAUSE_LOCAL},
	    {MUS_ERR_NOMEM, MUS_CAUSE_LOCAL}, {MUS_ERR_CANCELLED, MUS_CAUSE_LOCAL},
	    {MUS_ERR_MALFORM, MUS_CAUSE_MALFORM}, {MUS_ERR_BADSIG, MUS_CAUSE_TSIG},
	    {MUS_ERR_NET, MUS_CAUSE_NET}, {MUS_ERR_IO, MUS_CAUSE_NET}};

	(void)state;
	for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++)
		assert_int_equal(mus_cause_of_err(t[i].err), t[i].cause);
}

static void
other_lists(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MUS_RR_COUNT; i++)
		assert_true(strlen(mus_rr_text((enum mus_rr_kind)i)) > 0);
	assert_string_equal(mus_rr_text(MUS_RR_KEY), "DNSKEY");
	assert_string_equal(mus_rr_text(MUS_RR_GLUE), "glue");
	for (unsigned i = 0; i < MUS_CAUSE_COUNT; i++)
		assert_true(strlen(mus_cause_text((enum mus_cause)i)) > 0);
	assert_string_equal(mus_cause_text(MUS_CAUSE_TIMEOUT), "no answer in time");
	assert_string_equal(mus_proc_text(MUS_PROC_ADD), "ADD-SIGNER");
	assert_string_equal(mus_proc_text(MUS_PROC_REMOVE), "REMOVE-SIGNER");
	assert_string_equal(mus_state_text(MUS_STATE_UNKNOWN), "UNKNOWN");
	assert_string_equal(mus_state_text(MUS_STATE_VALID), "VALID");
	assert_string_equal(mus_state_text(MUS_STATE_SO_FAR), "VALID-SO-FAR");
	assert_string_equal(mus_state_text(MUS_STATE_AT_RISK), "AT-RISK");
	assert_string_equal(mus_state_text(MUS_STATE_INVALID), "INVALID");
	assert_string_equal(mus_state_text(MUS_STATE_INSECURE), "INSECURE");
}

/* A value from outside the list (old database, foreign bytes) must not be read past the table. */
static void
out_of_range(void **state)
{
	(void)state;
	assert_non_null(mus_rr_text((enum mus_rr_kind)MUS_NOBODY));
	assert_non_null(mus_cause_text((enum mus_cause)MUS_NOBODY));
	assert_non_null(mus_proc_text((enum mus_proc_kind)MUS_NOBODY));
	assert_non_null(mus_rule_text((enum mus_rule)MUS_NOBODY));
	assert_string_equal(mus_rule_sentence((enum mus_rule)MUS_NOBODY), "");
	assert_string_equal(mus_state_text((enum mus_state_word)77), "UNKNOWN");
}

static void
witness_none_names_nobody(void **state)
{
	const struct mus_witness *w = &MUS_WITNESS_NONE;

	(void)state;
	assert_int_equal(w->rule, MUS_RULE_NONE);
	assert_int_equal(w->result, MUS_RES_HOLDS);
	assert_int_equal(w->origin & w->origin2 & w->server & w->kind & w->kind2 & w->key & w->ns & w->cause,
	    MUS_NOBODY);
	assert_true(w->seen_at.ms == MUS_TIME_NEVER.ms && w->until.ms == MUS_TIME_NEVER.ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules_have_different_names),
	    cmocka_unit_test(causes_of_errors),
	    cmocka_unit_test(other_lists),
	    cmocka_unit_test(out_of_range),
	    cmocka_unit_test(witness_none_names_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
