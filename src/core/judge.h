/*
 * The judgement of the present state: predicates V1..V14 and V2c (protocol.md 4.3) with witnesses.
 */
#ifndef MUS_CORE_JUDGE_H
#define MUS_CORE_JUDGE_H

#include "core/desire.h"

void mus_judge(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_want *want, const struct mus_policy *policy, struct mus_time now,
    struct mus_verdict *out);
enum mus_state_word mus_verdict_word(const struct mus_seen *seen, const struct mus_verdict *v,
    const struct mus_policy *policy, struct mus_time now);

#endif
