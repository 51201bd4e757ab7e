/*
 * For the files of io/ only: plain addresses into socket addresses and back.
 */
#ifndef MUS_IO_SOCK_PRIV_H
#define MUS_IO_SOCK_PRIV_H

#include <sys/socket.h>

#include "base/addr.h"

socklen_t mus__sockaddr_of(const struct mus_addr *a, struct sockaddr_storage *sa);
bool mus__sockaddr_read(const struct sockaddr_storage *sa, struct mus_addr *a);	/* false: not IP */

#endif
