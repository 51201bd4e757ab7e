#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "io/local.h"
#include "io/sock_priv.h"

static bool
is_link_local(const struct mus_addr *a)
{
	if (a->family == 4)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool
has(const struct mus_addr *v, size_t count, const struct mus_addr *a)
{
	for (size_t i = 0; i < count; i++)
		if (mus_addr_same_ip(&v[i], a))
			return true;
	return false;
}

size_t
mus_addr_all_local(struct mus_addr *out, size_t cap)
{
	struct ifaddrs *all = NULL;
	size_t count = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (const struct ifaddrs *i = all; i && count < cap; i = i->ifa_next) {
		struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
		struct mus_addr a;

		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
			memcpy(&sa, i->ifa_addr, sizeof(struct sockaddr_in));
		else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
			memcpy(&sa, i->ifa_addr, sizeof(struct sockaddr_in6));
		if (!mus__sockaddr_read(&sa, &a) || is_link_local(&a) || has(out, count, &a))
			continue;
		a.port = 0;
		out[count++] = a;
	}
	freeifaddrs(all);
	return count;
}

static bool
is_host_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && s[0] != '.' &&
	    strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

size_t
mus_host_names(char out[static MUS_HOST_NAMES_MAX][MUS_HOST_NAME_MAX])
{
	const struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
	struct addrinfo *got = NULL;

	if (gethostname(out[0], MUS_HOST_NAME_MAX) < 0)
		return 0;
	out[0][MUS_HOST_NAME_MAX - 1] = '\0';
	if (!is_host_name(out[0]))
		return 0;
	if (getaddrinfo(out[0], NULL, &hints, &got) != 0)
		return 1;
	/* Of an /etc/hosts that knows the name as a second one of the loopback, the first is no name of the machine. */
	const bool is_other = got->ai_canonname && is_host_name(got->ai_canonname) &&
	    strcasecmp(got->ai_canonname, "localhost") != 0 && strcasecmp(got->ai_canonname, out[0]) != 0 &&
	    mus_strcpy(out[1], MUS_HOST_NAME_MAX, got->ai_canonname);
	freeaddrinfo(got);
	return is_other ? 2 : 1;
}
