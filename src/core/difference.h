/*
 * Exact record differences between what is desired and what the signers show (protocol.md 6).  Pure.
 */
#ifndef MUS_CORE_DIFFERENCE_H
#define MUS_CORE_DIFFERENCE_H

#include "core/desire.h"

/* Adds to ${plan} what makes each signer show what ${c} desires; nothing where what is shown is not
 * known.  Not judged: the guard comes after. */
void mus_differences(const struct mus_ctx *c, struct mus_plan *plan);

#endif
