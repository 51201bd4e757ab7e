/*
 * The verdict on the zone of the rig, looked at by one rule.
 */
#ifndef TEST_CORE_JUDGE_RIG_H
#define TEST_CORE_JUDGE_RIG_H

#include "rig.h"

void expect(enum mus_rule rule, enum mus_result want);	/* says the findings when it is another */
void fails(enum mus_rule rule);
void holds(enum mus_rule rule);
enum mus_state_word word(void);

#endif
