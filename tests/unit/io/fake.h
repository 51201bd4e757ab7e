/*
 * A fake name server on 127.0.0.1 or ::1, UDP and TCP on one free port, driven by the loop of the
 * test; and the waiting for conditions that tests do instead of sleeping.
 */
#ifndef TEST_IO_FAKE_H
#define TEST_IO_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <uv.h>

#include "base/addr.h"
#include "dns/msg.h"
#include "io/loop.h"

struct fake;
struct fake_conn;
struct fake_q {				/* a message that came */
	struct fake *f;
	struct fake_conn *conn;		/* NULL: UDP */
	struct sockaddr_storage from;
	socklen_t from_len;
	size_t len;
	uint8_t wire[65536];
};
typedef void fake_fn(struct fake_q *q, void *arg);

struct fake {
	struct mus_loop *loop;
	struct mus_addr addr;
	fake_fn *fn;
	void *arg;
	unsigned udp_count, tcp_count, conn_count, conns_open;
	int udp_fd, tcp_fd;
	uv_poll_t *udp_poll, *tcp_poll;
	struct fake_conn *conns;
};
enum { FAKE_UDP = 1, FAKE_TCP = 2, FAKE_IP6 = 4 };
struct fake *fake_new(struct mus_loop *l, int what, fake_fn *fn, void *arg);
void fake_free(struct fake *f);

/* ${q}'s question with QR, an RCODE, and ${count} A records; gives the length. */
size_t fake_reply(const struct fake_q *q, unsigned rcode, unsigned count, uint8_t *out);
void fake_send(struct fake_q *q, const uint8_t *wire, size_t len);	/* framed on TCP */
void fake_answer(struct fake_q *q, unsigned rcode, unsigned count);	/* the two together */
void fake_raw(struct fake_conn *c, const void *p, size_t len);
void fake_close(struct fake_conn *c);
void fake_close_all(struct fake *f);

/* Runs the loop until *${have} >= ${want}; fails the test after a minute. */
void until(struct mus_loop *l, const unsigned *have, unsigned want);
/* Runs the loop for some time: for what must not happen. */
void turn_for(struct mus_loop *l, unsigned ms);

#endif
