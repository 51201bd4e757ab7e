#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"

static bool
parse_port(const char *p, uint16_t *out)
{
	unsigned port = 0;

	if (*p == '\0' || strlen(p) > 5)
		return false;
	for (; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		port = port * 10 + (unsigned)(*p - '0');
	}
	*out = (uint16_t)port;
	return port >= 1 && port <= 65535;
}

static bool
parse_ip(const char *text, size_t len, struct mus_addr *a)
{
	char host[MUS_ADDR_TEXT_MAX];

	if (len == 0 || len >= sizeof host)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, a->ip) == 1)
		a->family = 4;
	else if (inet_pton(AF_INET6, host, a->ip) == 1)
		a->family = 6;
	return a->family != 0;
}

bool
mus_addr_parse(const char *text, uint16_t default_port, struct mus_addr *out)
{
	struct mus_addr a = {.port = default_port};
	size_t len = strcspn(text, "@");

	if (!parse_ip(text, len, &a) || (text[len] == '@' && !parse_port(text + len + 1, &a.port)))
		return false;
	*out = a;
	return true;
}

const char *
mus_addr_why(const char *text)
{
	struct mus_addr a = {.family = 0};
	size_t len = strcspn(text, "@");

	return text[len] == '@' && parse_ip(text, len, &a)
	    ? "an address whose port is out of range (1 to 65535)"
	    : "not an IP address (192.0.2.1, 192.0.2.1@5353, 2001:db8::1@53)";
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

const char *
mus_addr_no_host(const struct mus_addr *a)
{
	static const uint8_t none[16], all[4] = {255, 255, 255, 255}, mapped[12] = {[10] = 255, [11] = 255};
	size_t len = a->family == 4 ? 4 : 16;

	if (memcmp(a->ip, none, len) == 0)
		return "stands for no address at all";
	if (a->family == 4 && memcmp(a->ip, all, len) == 0)
		return "is the broadcast address";
	if (a->family == 4 ? a->ip[0] >> 4 == 0xe : a->ip[0] == 0xff)
		return "is a multicast address";
	/* RFC 4291 2.5.5.2: the same server under another name. */
	if (a->family == 6 && memcmp(a->ip, mapped, sizeof mapped) == 0)
		return "is an IPv4 address written as IPv6";
	return NULL;
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
