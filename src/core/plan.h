/*
 * The plan: from what was seen and what is intended to what is done now (design.md 4.2).
 * Reads only its arguments, cannot fail, gives the same answer when called again.
 */
#ifndef MUS_CORE_PLAN_H
#define MUS_CORE_PLAN_H

#include "core/judge.h"
#include "core/rows.h"

void mus_plan(const struct mus_zone *zone, const struct mus_seen *seen, const struct mus_want *want,
    const struct mus_policy *policy, struct mus_time now, struct mus_plan *plan);

#endif
