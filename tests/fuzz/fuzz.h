/*
 * What every fuzz target needs.  A finding is a crash: a sanitizer's, or MUS_ASSERT here.
 */
#ifndef MUS_FUZZ_H
#define MUS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Inputs that got past the door of the parser; each target counts them.  Of a corpus at least one must, or
 * what lies behind the door is never reached: then its format has changed, and replay.c fails. */
__attribute__((weak)) unsigned fuzz_taken;

/* The input as text with an end; NULL: no memory, or a zero byte within.  Gives it (free). */
static inline char *
fuzz_text(const uint8_t *data, size_t len)
{
	char *s;

	if (memchr(data, 0, len) || (s = malloc(len + 1)) == NULL)
		return NULL;
	memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

/* The same in the caller's room, cut at the first zero byte. */
static inline const char *
fuzz_text_in(const uint8_t *data, size_t len, char *out, size_t cap)
{
	size_t n = len < cap - 1 ? len : cap - 1;

	if (n > 0)
		memcpy(out, data, n);
	out[n] = '\0';
	return out;
}

/* Takes a piece with its length in two bytes in front; false: no more. */
static inline bool
fuzz_piece(const uint8_t **data, size_t *len, const uint8_t **piece, size_t *piece_len)
{
	if (*len < 2)
		return false;
	*piece_len = (size_t)((*data)[0] << 8 | (*data)[1]);
	*data += 2;
	*len -= 2;
	if (*piece_len > *len)
		*piece_len = *len;
	*piece = *data;
	*data += *piece_len;
	*len -= *piece_len;
	return true;
}

#endif
