/*
 * Words for people: witnesses, actions, rows, with the names of the book.
 */
#ifndef MUS_MODEL_TEXT_H
#define MUS_MODEL_TEXT_H

#include "model/book.h"
#include "model/plan.h"

enum { MUS_TEXT_MAX = 480 };

/* "V2: DNSKEY of knot at 10.53.3.1 does not hold key 12345 of bind, which signs its data". */
const char *mus_witness_text(const struct mus_book *b, const struct mus_zone *z,
    const struct mus_witness *w, char out[static MUS_TEXT_MAX]);
/* "bind: add DNSKEY 12345 (knot), 23456 (knot)". */
const char *mus_act_text(const struct mus_book *b, const struct mus_zone *z, const struct mus_act *a,
    char out[static MUS_TEXT_MAX]);
/* "10.53.3.1 (knot)" or "10.53.1.1 (parent lab.)". */
const char *mus_server_text(const struct mus_book *b, const struct mus_zone *z, unsigned server,
    char out[static MUS_TEXT_MAX]);
/* "bind", "the parent lab.", "-". */
const char *mus_origin_text(const struct mus_book *b, const struct mus_zone *z, unsigned origin,
    char out[static MUS_TEXT_MAX]);

#endif
