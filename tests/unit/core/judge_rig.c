#include "judge_rig.h"
#include "core/judge.h"

void
expect(enum mus_rule rule, enum mus_result want)
{
	enum mus_result got = rig_judge()->rule[rule];

	if (got != want)
		for (unsigned i = 0; i < r.verdict.finding_count; i++)
			print_message("%s %d origin %u/%u server %u kind %u/%u\n",
			    mus_rule_text(r.verdict.finding[i].rule), r.verdict.finding[i].result,
			    r.verdict.finding[i].origin, r.verdict.finding[i].origin2,
			    r.verdict.finding[i].server, r.verdict.finding[i].kind,
			    r.verdict.finding[i].kind2);
	assert_int_equal(got, want);
}

void
fails(enum mus_rule rule)
{
	expect(rule, MUS_RES_FAILS);
}

void
holds(enum mus_rule rule)
{
	expect(rule, MUS_RES_HOLDS);
}

enum mus_state_word
word(void)
{
	return mus_verdict_word(&r.z.seen, rig_judge(), &r.policy, r.now);
}
