/*
 * Addresses and names of this machine.
 */
#ifndef MUS_IO_LOCAL_H
#define MUS_IO_LOCAL_H

#include "base/addr.h"

/* Can a socket of ours have this address, whatever its port?  Nothing is left open.  false only when the machine
 * says that it has no such address, or none of that family; what else hinders a listener (a port that is taken, a
 * right that lacks) shows at the start alone. */
bool mus_addr_is_local(const struct mus_addr *a);
/* The addresses of all interfaces, each once and without a port, at most ${cap}; gives their number.  Link-local ones
 * are left out: a URL of another machine cannot name them. */
size_t mus_addr_all_local(struct mus_addr *out, size_t cap);

enum { MUS_HOST_NAME_MAX = 256, MUS_HOST_NAMES_MAX = 2 };
/* The names by which this machine knows itself: its own, and that with the domain, which the resolver is asked for
 * (and waited for); gives their number.  What is no host name is left out. */
size_t mus_host_names(char out[static MUS_HOST_NAMES_MAX][MUS_HOST_NAME_MAX]);

#endif
