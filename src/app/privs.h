/*
 * Rights of a process: what a daemon gives up, and what it needs to have.  Call before threads are
 * started.
 */
#ifndef MUS_APP_PRIVS_H
#define MUS_APP_PRIVS_H

#include <stdint.h>

#include "base/err.h"

struct mus_privs_opts {
	const char *user;		/* name or number; NULL or empty: stay who we are */
	const char *group;		/* NULL or empty: the user's */
	uint64_t files_min;		/* open files wanted; 0: as many as we may */
	bool core_dumps;		/* allowed: for debugging only, secrets are in memory */
};
/* umask 027; no new rights by exec; no core dumps and no ptrace by others (prctl); as many open files as the hard limit
 * gives; then setgid and setuid, for good.  Checks that the rights cannot come back.
 * NOTFOUND: no such user; DENIED: we may not; FULL: fewer files than files_min. */
int mus_privs_apply(const struct mus_privs_opts *o, struct mus_errtext *et) MUS_MUST_CHECK;

#endif
