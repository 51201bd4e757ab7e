/*
 * Is a signer fit to join?
 */
#ifndef MUS_CORE_PREFLIGHT_H
#define MUS_CORE_PREFLIGHT_H

#include "core/condition.h"

/* All findings, worst first; at most ${cap}.  The worst result. */
enum mus_result mus_preflight(const struct mus_ctx *c, unsigned signer, struct mus_witness *out,
    unsigned cap, unsigned *count);

#endif
