/*
 * Addresses of this machine.
 */
#ifndef MUS_IO_LOCAL_H
#define MUS_IO_LOCAL_H

#include "base/addr.h"

/* Can a socket of ours have this address, whatever its port?  Nothing is left open.  false only when the machine
 * says that it has no such address, or none of that family; what else hinders a listener (a port that is taken, a
 * right that lacks) shows at the start alone. */
bool mus_addr_is_local(const struct mus_addr *a);

#endif
