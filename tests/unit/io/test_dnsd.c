#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"
#include "io/dnsd.h"
#include "io/dnsx.h"

static struct mus_loop *l;
static struct mus_dnsd *d;
static struct mus_dnsx *x;
static struct mus_name zone;
static struct mus_addr at, asked;
static unsigned handled;
static bool handled_tcp;
static struct mus_dnsd *free_in_handler;

/* Answers every well-formed request NOERROR, as for a NOTIFY. */
static size_t
handler(void *arg, const struct mus_dnsd_req *r, uint8_t *out, size_t cap)
{
	int n;

	(void)arg;
	handled++;
	handled_tcp = r->tcp;
	asked = r->to;
	assert_int_not_equal(r->from.port, 0);
	assert_true(cap == 512 || cap == MUS_EDNS_UDP_BYTES || cap == MUS_MSG_MAX);
	if (free_in_handler) {
		mus_dnsd_free(free_in_handler);
		d = free_in_handler = NULL;
	}
	n = mus_reply_build(r->wire, r->wire_len, MUS_RCODE_NOERROR, true, out, cap);
	return n > 0 ? (size_t)n : 0;
}

static void
listen_on(const char *ip, const struct mus_dnsd_opts *o)
{
	struct mus_errtext et;
	struct mus_addr a;

	mus_dnsd_free(d);
	d = mus_dnsd_new(l, o, handler, NULL);
	assert_non_null(d);
	assert_true(mus_addr_parse(ip, 0, &a));
	assert_int_equal(mus_dnsd_listen(d, &a, &et), 0);
	at = mus_dnsd_addr(d, 0);
	assert_int_not_equal(at.port, 0);
}

static int
set_up(void **state)
{
	(void)state;
	handled = 0;
	l = mus_loop_new();
	x = l ? mus_dnsx_new(l, NULL) : NULL;
	if (!x || mus_name_parse("example.org", &zone, NULL) < 0)
		return -1;
	listen_on("127.0.0.1", NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mus_dnsx_free(x);
	mus_dnsd_free(d);
	d = NULL;
	mus_loop_free(l);
	return 0;
}

struct got {
	unsigned n;
	int err;
	uint16_t rcode;
	bool aa;
};

static void
on_answer(void *arg, const struct mus_dnsx_answer *a)
{
	struct got *g = arg;

	g->n++;
	g->err = a->err;
	if (a->msg) {
		g->rcode = a->msg->rcode;
		g->aa = a->msg->aa;
	}
}

static struct got
notify(const struct mus_addr *to, enum mus_dnsx_via via)
{
	struct mus_dnsx_ask q = {.server = *to, .via = via,
		.query = {.name = zone, .type = MUS_TYPE_SOA, .opcode = MUS_OPCODE_NOTIFY}};
	struct got g = {0};

	assert_int_equal(mus_dnsx_ask(x, &q, on_answer, &g, NULL), 0);
	until(l, &g.n, 1);
	return g;
}

static void
requests_are_answered(void **state)
{
	static const char *const ips[] = {"127.0.0.1", "::1", "0.0.0.0", "::"};
	struct mus_addr to;
	struct got g;
	size_t i;
	int tcp;

	(void)state;
	for (i = 0; i < 4; i++) {
		listen_on(ips[i], NULL);
		to = at;
		/* Bound to any address: the answer comes from the one that was asked. */
		if (i == 2)
			assert_true(mus_addr_parse("127.0.0.3", at.port, &to));
		if (i == 3)
			assert_true(mus_addr_parse("::1", at.port, &to));
		for (tcp = 0; tcp < 2; tcp++) {
			g = notify(&to, tcp ? MUS_VIA_TCP : MUS_VIA_UDP);
			assert_int_equal(g.err, 0);
			assert_int_equal(g.rcode, 0);
			assert_true(g.aa);
			assert_int_equal(handled_tcp, tcp);
			assert_true(mus_addr_equal(&asked, &to));
		}
	}
}

static void
port_taken_is_told(void **state)
{
	struct mus_errtext et;

	(void)state;
	assert_int_equal(mus_dnsd_listen(d, &at, &et), MUS_ERR_NET);
	assert_non_null(strstr(et.s, "listen on 127.0.0.1@"));
	assert_non_null(strstr(et.s, "address already in use"));
	assert_int_equal(mus_dnsd_addr(d, 1).family, 0);
}

/* ---- plain sockets as clients ---- */

static int
client(int type)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(at.port)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

/* Turns the loop until ${fd} has something to read; the bytes read, 0 at its end. */
static ssize_t
wait_read(int fd, void *buf, size_t cap)
{
	ssize_t n = -1;
	int i;

	for (i = 0; i < 2000; i++) {
		n = recv(fd, buf, cap, MSG_DONTWAIT);
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
		turn_for(l, 1);
	}
	return n;
}

static size_t
soa_question(uint8_t out[static 500])
{
	struct mus_query q = {.name = zone, .type = MUS_TYPE_SOA};
	int n = mus_query_build(&q, 0x1234, out, 500);

	assert_true(n > 0);
	return (size_t)n;
}

static void
malformed_never_reaches_the_handler(void **state)
{
	uint8_t q[512], buf[512];
	size_t len = soa_question(q);
	int fd = client(SOCK_DGRAM);

	(void)state;
	q[7] = 3;			/* three answers that are not there */
	assert_int_equal(send(fd, q, len, 0), (ssize_t)len);
	assert_true(wait_read(fd, buf, sizeof buf) >= 12);
	assert_int_equal(buf[3] & 15, MUS_RCODE_FORMERR);
	assert_int_equal(buf[0], 0x12);
	assert_true(buf[2] & 0x80);
	/* Answers, and less than a header, get nothing. */
	q[7] = 0;
	q[2] |= 0x80;
	assert_int_equal(send(fd, q, len, 0), (ssize_t)len);
	assert_int_equal(send(fd, q, 11, 0), 11);
	assert_int_equal(send(fd, q, 0, 0), 0);
	turn_for(l, 20);
	assert_int_equal(recv(fd, buf, sizeof buf, MSG_DONTWAIT), -1);
	assert_int_equal(handled, 0);
	(void)close(fd);
}

/* A request in single bytes, and several in one write. */
static void
tcp_framing(void **state)
{
	uint8_t q[512], many[5 * 514], buf[4096];
	size_t len = soa_question(q + 2), i, have = 0;
	int fd = client(SOCK_STREAM);
	ssize_t n;

	(void)state;
	q[0] = 0;
	q[1] = (uint8_t)len;
	for (i = 0; i < len + 2; i++) {
		assert_int_equal(send(fd, q + i, 1, 0), 1);
		turn_for(l, 1);
		assert_int_equal(handled, i == len + 1);
	}
	assert_true(wait_read(fd, buf, sizeof buf) > 14);
	for (i = 0; i < 5; i++)
		memcpy(many + i * (len + 2), q, len + 2);
	assert_int_equal(send(fd, many, 5 * (len + 2), 0), (ssize_t)(5 * (len + 2)));
	until(l, &handled, 6);
	turn_for(l, 2);
	while ((n = recv(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0)
		have += (size_t)n;
	assert_int_equal(have % 5, 0);
	assert_true(have >= 5 * 14);
	/* It closes its side: so do we. */
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(wait_read(fd, buf, sizeof buf), 0);
	(void)close(fd);
}

static void
idle_and_too_many_clients(void **state)
{
	struct mus_dnsd_opts o = {.tcp_clients_max = 3, .tcp_idle_ms = 400};
	uint8_t buf[512];
	int fd[4], i;

	(void)state;
	listen_on("127.0.0.1", &o);
	for (i = 0; i < 4; i++) {
		fd[i] = client(SOCK_STREAM);
		turn_for(l, 2);
	}
	assert_int_equal(wait_read(fd[3], buf, sizeof buf), 0);
	for (i = 0; i < 3; i++)		/* the others are there still */
		assert_int_equal(recv(fd[i], buf, sizeof buf, MSG_DONTWAIT), -1);
	/* Half a message does not keep a connection. */
	assert_int_equal(send(fd[0], "\0\50abc", 5, 0), 5);
	for (i = 0; i < 3; i++)
		assert_int_equal(wait_read(fd[i], buf, sizeof buf), 0);
	for (i = 0; i < 4; i++)
		(void)close(fd[i]);
	fd[0] = client(SOCK_STREAM);
	assert_int_equal(notify(&at, MUS_VIA_TCP).err, 0);
	(void)close(fd[0]);
}

/* A client that asks and asks and takes no answers: its memory is bounded, others are served. */
static void
client_that_never_reads(void **state)
{
	uint8_t q[512], burst[64 * 64];
	size_t len = soa_question(q + 2), size, i;
	unsigned last = 1;
	int fd = client(SOCK_STREAM), small = 4096;
	ssize_t n;

	(void)state;
	q[0] = 0;
	q[1] = (uint8_t)len;
	size = len + 2;
	assert_true(size <= 64);
	for (i = 0; i < 64; i++)
		memcpy(burst + i * size, q, size);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	/* Until the listener takes no more for some turns. */
	for (i = 0; i < 5 && last < 2000000; i++) {
		last = handled;
		do {
			n = send(fd, burst, 64 * size, MSG_DONTWAIT);
		} while (n > 0);
		turn_for(l, 2);
		if (handled != last)
			i = 0;
	}
	assert_true(handled > 1000);
	assert_true(handled < 2000000);
	assert_int_equal(notify(&at, MUS_VIA_TCP).err, 0);
	(void)close(fd);
	turn_for(l, 2);
}

static uint32_t
next_random(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

static void
random_bytes_do_no_harm(void **state)
{
	uint8_t buf[2048], q[512];
	uint32_t seed = 20240117;
	size_t q_len = soa_question(q), len, i;
	int udp = client(SOCK_DGRAM), tcp = -1, n;

	(void)state;
	for (n = 0; n < 4000; n++) {
		len = next_random(&seed) % (n % 4 ? 80 : sizeof buf);
		for (i = 0; i < len; i++)
			buf[i] = (uint8_t)next_random(&seed);
		if (n % 2) {		/* a question with a few wrong bytes */
			memcpy(buf, q, q_len < len ? q_len : len);
			for (i = 0; i < 3 && len > 0; i++)
				buf[next_random(&seed) % len] = (uint8_t)next_random(&seed);
		}
		if (len > 2)
			buf[2] &= 0x7f;	/* else most are dropped as answers */
		(void)send(udp, buf, len, MSG_DONTWAIT);
		if (tcp < 0)
			tcp = client(SOCK_STREAM);
		if (n % 3 == 0 && len > 2) {
			buf[0] = 0;	/* short frames: more messages */
			buf[1] &= 63;
		}
		if (send(tcp, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 || n % 50 == 49) {
			(void)close(tcp);
			tcp = -1;
		}
		if (n % 10 == 9)
			turn_for(l, 1);
		while (recv(udp, buf, sizeof buf, MSG_DONTWAIT) > 0)
			;
	}
	if (tcp >= 0)
		(void)close(tcp);
	(void)close(udp);
	assert_int_equal(notify(&at, MUS_VIA_UDP).err, 0);
	assert_int_equal(notify(&at, MUS_VIA_TCP).err, 0);
}

static void
handler_may_free_the_listener(void **state)
{
	uint8_t q[512], buf[64];
	size_t len;
	int fd, tcp;

	(void)state;
	for (tcp = 0; tcp < 2; tcp++) {
		listen_on("127.0.0.1", NULL);
		handled = 0;
		len = soa_question(q + 2);
		q[0] = 0;
		q[1] = (uint8_t)len;
		fd = client(tcp ? SOCK_STREAM : SOCK_DGRAM);
		free_in_handler = d;
		assert_true(send(fd, tcp ? q : q + 2, tcp ? len + 2 : len, 0) > 0);
		until(l, &handled, 1);
		turn_for(l, 2);
		assert_null(d);
		assert_true(wait_read(fd, buf, sizeof buf) <= 0);
		(void)close(fd);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(requests_are_answered),
		T(port_taken_is_told),
		T(malformed_never_reaches_the_handler),
		T(tcp_framing),
		T(idle_and_too_many_clients),
		T(client_that_never_reads),
		T(random_bytes_do_no_harm),
		T(handler_may_free_the_listener),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
