#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "io/local.h"
#include "io/sock_priv.h"

socklen_t
mus__sockaddr_of(const struct mus_addr *a, struct sockaddr_storage *sa)
{
	memset(sa, 0, sizeof *sa);
	if (a->family == 6) {
		struct sockaddr_in6 *s6 = (struct sockaddr_in6 *)(void *)sa;

		s6->sin6_family = AF_INET6;
		s6->sin6_port = htons(a->port);
		memcpy(&s6->sin6_addr, a->ip, 16);
		return sizeof *s6;
	} else {
		struct sockaddr_in *s4 = (struct sockaddr_in *)(void *)sa;

		s4->sin_family = AF_INET;
		s4->sin_port = htons(a->port);
		memcpy(&s4->sin_addr, a->ip, 4);
		return sizeof *s4;
	}
}

bool
mus__sockaddr_read(const struct sockaddr_storage *sa, struct mus_addr *a)
{
	memset(a, 0, sizeof *a);
	if (sa->ss_family == AF_INET) {
		const struct sockaddr_in *s4 = (const struct sockaddr_in *)(const void *)sa;

		a->family = 4;
		a->port = ntohs(s4->sin_port);
		memcpy(a->ip, &s4->sin_addr, 4);
	} else if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *s6 = (const struct sockaddr_in6 *)(const void *)sa;

		a->family = 6;
		a->port = ntohs(s6->sin6_port);
		memcpy(a->ip, &s6->sin6_addr, 16);
	} else {
		return false;
	}
	return true;
}

bool
mus_addr_is_local(const struct mus_addr *a)
{
	struct mus_addr any_port = *a;
	struct sockaddr_storage sa;
	socklen_t len;
	bool is_local;
	int fd;

	any_port.port = 0;
	len = mus__sockaddr_of(&any_port, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno != EAFNOSUPPORT;
	is_local = bind(fd, (struct sockaddr *)&sa, len) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return is_local;
}
