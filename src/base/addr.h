/*
 * An IP address with a port, as plain data (no sockets here).
 */
#ifndef MUS_BASE_ADDR_H
#define MUS_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mus_addr {
	uint8_t family;		/* 4, 6; 0: unset */
	uint16_t port;		/* host order */
	uint8_t ip[16];		/* 4 or 16 bytes used, rest zero */
};
enum { MUS_ADDR_TEXT_MAX = 64 };

/* "192.0.2.1", "192.0.2.1@5353", "2001:db8::1@53"; without a port: ${default_port}. */
bool mus_addr_parse(const char *text, uint16_t default_port, struct mus_addr *out);
/* Why that refuses ${text}: static words that go on after "is". */
const char *mus_addr_why(const char *text);
/* "192.0.2.1" when the port is ${default_port}, else "192.0.2.1@5353".  Gives ${out}. */
const char *mus_addr_text(const struct mus_addr *a, uint16_t default_port,
    char out[static MUS_ADDR_TEXT_MAX]);
/* Why no server can have this address: static words that go on after "it"; NULL: one can. */
const char *mus_addr_no_host(const struct mus_addr *a);
bool mus_addr_equal(const struct mus_addr *a, const struct mus_addr *b);	/* with port */
bool mus_addr_same_ip(const struct mus_addr *a, const struct mus_addr *b);

#endif
