/*
 * Files: whole reads with a bound, whole writes that are there completely or not at all.
 */
#ifndef MUS_IO_FILE_H
#define MUS_IO_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the file's bytes to ${out}; TOOBIG beyond ${max}, NOTFOUND, IO. */
int mus_file_read(const char *path, size_t max, struct mus_buf *out, struct mus_errtext *et) MUS_MUST_CHECK;
/* The same; a file of a mode beyond 0640 is INVAL. */
int mus_file_read_secret(const char *path, size_t max, struct mus_buf *out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Writes beside it, flushes, renames.  ${mode} as for open(2). */
int mus_file_write(const char *path, const void *data, size_t len, unsigned mode,
    struct mus_errtext *et) MUS_MUST_CHECK;

#endif
