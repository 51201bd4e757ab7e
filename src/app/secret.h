/*
 * A secret has a type of its own: it is wiped when cleared, no printing function takes it (a struct
 * fits no printf format, and MUS_KV of log.h has no row for it), and a dump shows its file's name.
 */
#ifndef MUS_APP_SECRET_H
#define MUS_APP_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mus_secret {
	uint8_t *bytes;		/* NULL: none.  A NUL that does not count follows */
	size_t len;
};
enum { MUS_SECRET_MAX = 64 * 1024 };

/* Copies ${len} bytes; what ${s} held before is wiped.  NOMEM. */
int mus_secret_set(struct mus_secret *s, const void *p, size_t len) MUS_MUST_CHECK;
/* The first line of a file without white space at its ends.  NOTFOUND, IO, TOOBIG, INVAL (empty,
 * or of a mode beyond 0640). */
int mus_secret_load(const char *path, struct mus_secret *s, struct mus_errtext *et) MUS_MUST_CHECK;
void mus_secret_clear(struct mus_secret *s);	/* wipes and frees */

#endif
