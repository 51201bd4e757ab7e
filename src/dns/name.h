/*
 * Domain names: canonical wire form (lower case, uncompressed, RFC 4034 6.2), by value.
 * A zeroed struct is not a name; the root is len 1.
 */
#ifndef MUS_DNS_NAME_H
#define MUS_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { MUS_NAME_MAX = 255, MUS_NAME_TEXT_MAX = 1024 };

struct mus_name {
	uint8_t len;			/* bytes of wire, root label included; 0: unset */
	uint8_t wire[MUS_NAME_MAX];
};

/* Presentation form with or without the final dot, RFC 1035 escapes.  Errors: INVAL, with words. */
int mus_name_parse(const char *text, struct mus_name *out, struct mus_errtext *et) MUS_MUST_CHECK;
/* From uncompressed wire of at most ${max} bytes; MALFORM when it is no name. Lower-cases. */
int mus_name_from_wire(const uint8_t *wire, size_t max, struct mus_name *out) MUS_MUST_CHECK;
/* With the final dot, escapes where needed.  Gives ${out}. */
const char *mus_name_text(const struct mus_name *n, char out[static MUS_NAME_TEXT_MAX]);
bool mus_name_equal(const struct mus_name *a, const struct mus_name *b);
/* Canonical order, RFC 4034 6.1. */
int mus_name_cmp(const struct mus_name *a, const struct mus_name *b);
/* ${n} equals ${apex} or lies below it. */
bool mus_name_in(const struct mus_name *n, const struct mus_name *apex);
unsigned mus_name_labels(const struct mus_name *n);	/* root: 0 */
bool mus_name_is_root(const struct mus_name *n);
/* Cuts the leftmost label; false at the root. */
bool mus_name_parent(const struct mus_name *n, struct mus_name *out);
/* ${label} in front of ${n}; INVAL when too long. */
int mus_name_prepend(const char *label, const struct mus_name *n, struct mus_name *out) MUS_MUST_CHECK;

#endif
