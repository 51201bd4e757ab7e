/*
 * Root hints: where a resolver begins.  It reads them itself, but only says of a wrong file that nothing can be
 * looked up.
 */
#ifndef MUS_IO_HINTS_H
#define MUS_IO_HINTS_H

#include "base/err.h"

/* Does ${path} name a server of the root, and has it an address?  NOTFOUND, DENIED, IO, TOOBIG (more than 4 MiB);
 * SYNTAX: there is no such record, or a line is none at all.  Words begin with the path. */
int mus_hints_check(const char *path, struct mus_errtext *et) MUS_MUST_CHECK;

#endif
