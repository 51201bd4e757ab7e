/*
 * struct mus_zonestate <-> bytes, for the store.  Compact: only what is used, varints, times as
 * differences to a base; an idle zone with two signers should take about a kilobyte.
 * A version number leads; decoding refuses what it does not know and never trusts a count.
 */
#ifndef MUS_MODEL_CODEC_H
#define MUS_MODEL_CODEC_H

#include "base/err.h"
#include "model/book.h"

bool mus_zonestate_encode(const struct mus_zonestate *z, struct mus_buf *out);	/* false: no memory */
/* ${z} must be initialised; on error it is as after init.  MALFORM, UNSUPPORTED, NOMEM. */
int mus_zonestate_decode(struct mus_zonestate *z, const void *p, size_t len,
    struct mus_errtext *et) MUS_MUST_CHECK;

#endif
