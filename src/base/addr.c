#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"

bool
mus_addr_parse(const char *text, uint16_t default_port, struct mus_addr *out)
{
	char host[MUS_ADDR_TEXT_MAX];
	struct mus_addr a = {.port = default_port};
	const char *at = strchr(text, '@');
	size_t len = at ? (size_t)(at - text) : strlen(text);

	if (len == 0 || len >= sizeof host)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (at) {
		unsigned port = 0;
		const char *p = at + 1;

		if (*p == '\0' || strlen(p) > 5)
			return false;
		for (; *p; p++) {
			if (*p < '0' || *p > '9')
				return false;
			port = port * 10 + (unsigned)(*p - '0');
		}
		if (port == 0 || port > 65535)
			return false;
		a.port = (uint16_t)port;
	}
	if (inet_pton(AF_INET, host, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, host, a.ip) == 1)
		a.family = 6;
	else
		return false;
	*out = a;
	return true;
}

const char *
mus_addr_text(const struct mus_addr *a, uint16_t default_port, char out[static MUS_ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];

	if (a->family == 0 || !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, ip, sizeof ip))
		snprintf(out, MUS_ADDR_TEXT_MAX, "-");
	else if (a->port == default_port)
		snprintf(out, MUS_ADDR_TEXT_MAX, "%s", ip);
	else
		snprintf(out, MUS_ADDR_TEXT_MAX, "%s@%u", ip, (unsigned)a->port);
	return out;
}

bool
mus_addr_same_ip(const struct mus_addr *a, const struct mus_addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool
mus_addr_equal(const struct mus_addr *a, const struct mus_addr *b)
{
	return mus_addr_same_ip(a, b) && a->port == b->port;
}
