/*
 * What every fuzz target needs.  A finding is a crash: a sanitizer's, or MUS_ASSERT here.
 */
#ifndef MUS_FUZZ_H
#define MUS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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

#endif
