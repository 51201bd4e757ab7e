/*
 * The server runs in the loop of the main thread; its clients (libcurl, or bare sockets that
 * misbehave) run in a thread of their own and stop the loop when they are done.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/text.h"
#include "io/http.h"
#include "io/loop.h"

enum { BODY_MAX = 1000, DEFERRED_MAX = 8 };

/* ---- the server: a few routes ---- */

static struct {
	struct mus_loop *loop;
	struct mus_httpd *httpd;
	uint16_t port;
	struct mus_timer *timer;
	unsigned asked;				/* calls of the handler */
	struct mus_http_req *deferred[DEFERRED_MAX];
	size_t deferred_count;
	struct mus_http_stream *stream;
	int ticks_left;				/* events the stream still gives */
	bool endless, end_stream;
	size_t counted;				/* bytes given by a counting stream */
	bool counting;
	int send_rc;
	unsigned closed;			/* streams whose client has gone */
	char failed[4000];			/* what the client thread found wrong */
} sv;

static void
on_closed(void *arg)
{
	assert_ptr_equal(arg, &sv);
	sv.closed++;
	sv.stream = NULL;
}

enum { COUNTED = 6000000 };

/* Byte n of a counting stream is n modulo 251, so what is lost, doubled or moved is seen. */
static void
count_on(void)
{
	uint8_t block[1021];
	size_t i, n = COUNTED - sv.counted < sizeof block ? COUNTED - sv.counted : sizeof block;

	do {
		for (i = 0; i < n; i++)
			block[i] = (uint8_t)((sv.counted + i) % 251);
		if ((sv.send_rc = mus_http_stream_send(sv.stream, block, n)) < 0)
			return;		/* full: again with the next tick */
		sv.counted += n;
		n = COUNTED - sv.counted < sizeof block ? COUNTED - sv.counted : sizeof block;
	} while (n > 0);
	mus_http_stream_end(sv.stream);
	sv.stream = NULL;
}

static void
on_tick(void *arg)
{
	char event[64];
	size_t i;

	(void)arg;
	for (i = 0; i < sv.deferred_count; i++)
		mus_http_reply(sv.deferred[i], 202, "text/plain", "later", 5, NULL);
	sv.deferred_count = 0;
	if (sv.stream && sv.counting) {
		count_on();
	} else if (sv.stream && sv.endless) {
		static const char block[4096];

		while (sv.stream && (sv.send_rc = mus_http_stream_send(sv.stream, block, sizeof block)) == 0)
			;
	} else if (sv.stream && sv.ticks_left > 0) {
		int n = snprintf(event, sizeof event, "data: %d\n\n", sv.ticks_left--);

		sv.send_rc = mus_http_stream_send(sv.stream, event, (size_t)n);
	} else if (sv.stream && sv.end_stream) {
		mus_http_stream_end(sv.stream);
		sv.stream = NULL;
	}
	if (sv.stream)
		mus_timer_start(sv.timer, 5);
}

static void
add_arg(void *arg, const char *key, const char *value)
{
	mus_buf_printf(arg, " [%s=%s]", key, value);
}

static void
echo(struct mus_http_req *r)
{
	static const char *const headers[] = {"X-One: 1", "X-Two:  two words", NULL};
	struct mus_buf b;
	size_t len;
	const uint8_t *body = mus_http_body(r, &len);
	const char *x = mus_http_header(r, "x-test");

	mus_buf_init(&b, 0);
	mus_buf_printf(&b, "%s %s", mus_http_method(r), mus_http_path(r));
	mus_http_each_query(r, add_arg, &b);
	mus_buf_printf(&b, " x=%s a=%s body=", x ? x : "-",
	    mus_http_query(r, "a") ? mus_http_query(r, "a") : "-");
	mus_buf_add(&b, body, len);
	mus_http_reply(r, 200, "text/plain", b.data, b.len, headers);
	mus_buf_clear(&b);
}

static void
show_client(struct mus_http_req *r)
{
	struct mus_addr peer = mus_http_peer(r);
	uint8_t spki[32];
	char text[MUS_ADDR_TEXT_MAX], hex[65] = "none", cn[20] = "", body[200];
	int n;

	if (mus_http_client_cert(r, spki, cn, sizeof cn))
		mus_hex_encode(spki, 32, hex);
	mus_addr_text(&peer, peer.port, text);
	n = snprintf(body, sizeof body, "%s %s %s", text, hex, cn);
	mus_http_reply(r, 200, "text/plain", body, (size_t)n, NULL);
}

static void
show_stats(struct mus_http_req *r)
{
	struct mus_http_stats s;
	char body[200];
	int n;

	mus_http_stats(r, &s);
	n = snprintf(body, sizeof body, "%u open, %llu 429, %llu 503, %llu gave, %llu slow", s.connections,
	    (unsigned long long)s.refused_net, (unsigned long long)s.refused_full,
	    (unsigned long long)s.gave_place, (unsigned long long)s.slow);
	mus_http_reply(r, 200, "text/plain", body, (size_t)n, NULL);
}

static void
handle(void *arg, struct mus_http_req *r)
{
	const char *path = mus_http_path(r);

	assert_ptr_equal(arg, &sv);
	sv.asked++;
	if (mus_http_query(r, "known") || strcmp(path, "/known") == 0)
		mus_http_known(r);
	if (strcmp(path, "/defer") == 0 || strcmp(path, "/never") == 0) {
		mus_http_defer(r);
		if (strcmp(path, "/never") == 0)
			return;
		assert_true(sv.deferred_count < DEFERRED_MAX);
		sv.deferred[sv.deferred_count++] = r;
		mus_timer_start(sv.timer, mus_http_query(r, "ms") ? atoi(mus_http_query(r, "ms")) : 10);
	} else if (strcmp(path, "/stream") == 0) {
		sv.stream = mus_http_stream_start(r, "text/event-stream", on_closed, &sv);
		assert_non_null(sv.stream);
		sv.ticks_left = 3;
		sv.endless = mus_http_query(r, "endless") != NULL;
		sv.end_stream = mus_http_query(r, "end") != NULL;
		sv.counting = mus_http_query(r, "count") != NULL;
		sv.counted = 0;
		if (mus_http_query(r, "now"))
			assert_int_equal(mus_http_stream_send(sv.stream, "now ", 4), 0);
		if (mus_http_query(r, "cut")) {
			mus_http_stream_cut(sv.stream);
			sv.stream = NULL;
		}
		mus_timer_start(sv.timer, 5);
	} else if (strcmp(path, "/stats") == 0) {
		show_stats(r);
	} else if (strcmp(path, "/client") == 0) {
		show_client(r);
	} else if (strcmp(path, "/empty") == 0) {
		mus_http_reply(r, 204, NULL, NULL, 0, NULL);
	} else if (strcmp(path, "/big") == 0) {
		size_t len = 5 << 20;
		char *big = malloc(len);

		memset(big, 'x', len);
		mus_http_reply(r, 200, "text/plain", big, len, NULL);
		free(big);
	} else {
		echo(r);
	}
}

/* ---- the client thread ---- */

/* In the client's thread, where cmocka's asserts do not work. */
#define CHECK(e, ...)                                                                              \
	do {                                                                                       \
		if (!(e)) {                                                                        \
			int n_ = snprintf(sv.failed, sizeof sv.failed, "line %d: %s: ", __LINE__, #e); \
			snprintf(sv.failed + n_, sizeof sv.failed - (size_t)n_, __VA_ARGS__);      \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* Waits in the client's thread for what the server's thread does; the check that follows fails after a minute. */
#define AWAIT(e)                                                                                   \
	do {                                                                                       \
		for (int i_ = 0; i_ < 60000 && !(e); i_++)                                         \
			usleep(1000);                                                              \
	} while (0)

static void
turn_over(void *arg)
{
	__atomic_store_n((bool *)arg, true, __ATOMIC_RELEASE);
}

/* What was sent until now has come to the server: its loop accepts in one turn, and reads in the next. */
static void
let_it_turn(void)
{
	for (unsigned i = 0; i < 3; i++) {
		bool is_over = false;

		AWAIT(mus_loop_post(sv.loop, turn_over, &is_over) == 0);
		while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
			usleep(100);
	}
}

static void
stop_loop(void *arg)
{
	mus_loop_stop(arg);
}

static void *
client_main(void *arg)
{
	void (**fn)(void) = arg;

	(*fn)();
	AWAIT(mus_loop_post(sv.loop, stop_loop, sv.loop) == 0);
	return NULL;
}

static void
run(const struct mus_httpd_opts *o, void (*client)(void))
{
	struct mus_httpd_opts opts = *o;
	struct mus_errtext et = {""};
	pthread_t thread;

	memset(&sv, 0, sizeof sv);
	if (!opts.body_max_bytes)
		opts.body_max_bytes = BODY_MAX;
	if (!opts.listen.family)
		opts.listen = (struct mus_addr){.family = 4, .ip = {127, 0, 0, 1}};
	assert_non_null(sv.loop = mus_loop_new());
	assert_non_null(sv.timer = mus_timer_new(sv.loop, on_tick, NULL));
	if (mus_httpd_new(sv.loop, &opts, handle, &sv, &sv.httpd, &et) < 0)
		fail_msg("%s", et.s);
	sv.port = mus_httpd_port(sv.httpd);
	assert_int_equal(pthread_create(&thread, NULL, client_main, &client), 0);
	mus_loop_run(sv.loop);
	assert_int_equal(pthread_join(thread, NULL), 0);
	mus_httpd_free(sv.httpd);
	mus_timer_free(sv.timer);
	mus_loop_free(sv.loop);
	if (sv.failed[0])
		fail_msg("%s", sv.failed);
}

/* What a client got. */
struct got {
	CURLcode rc;
	long status;
	char text[2000];
	size_t len;			/* of all, kept or not */
	size_t stop_at;			/* hang up after so many bytes; 0: at the end */
};

static size_t
on_data(char *p, size_t size, size_t count, void *arg)
{
	struct got *g = arg;
	size_t n = size * count, room = sizeof g->text - 1 - (g->len < sizeof g->text ? g->len : sizeof g->text - 1);

	memcpy(g->text + g->len * (room > 0), p, n < room ? n : room);
	g->len += n;
	return g->stop_at && g->len >= g->stop_at ? 0 : n;
}

static CURL *
curl_new(const char *scheme, const char *target, struct got *g)
{
	CURL *c = curl_easy_init();
	char url[3000];

	memset(g->text, 0, sizeof g->text);
	g->len = 0;
	snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, sv.port, target);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, g);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 20000L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	return c;
}

static void
curl_go(CURL *c, struct got *g)
{
	g->rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &g->status);
	curl_easy_cleanup(c);
}

/* ---- plain requests ---- */

/* What the server tells for the log. */
static char told[1000];

static void
on_told(const char *text)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof told - n, "%s\n", text);
}

static void
client_table(void)
{
	static char big[BODY_MAX + 2], fits[BODY_MAX + 1], huge[3 << 20];
	static const struct {
		const char *method, *target, *body;
		bool chunked;
		long status;
		const char *text;
	} t[] = {
		{"GET", "/", NULL, false, 200, "GET / x=- a=- body="},
		{"DELETE", "/zones/x", NULL, false, 200, "DELETE /zones/x x=- a=- body="},
		{"GET", "/a%20b%2Fc%C3%bc", NULL, false, 200, "GET /a b/c\xc3\xbc x=- a=- body="},
		{"GET", "/a+b?a=1+2&b=%26%3D&c&=d&&a=3", NULL, false, 200,
		    "GET /a+b [a=1 2] [b=&=] [c=] [=d] [a=3] x=- a=1 2 body="},
		{"GET", "/../x//y/", NULL, false, 200, "GET /../x//y/ x=- a=- body="},
		{"POST", "/x", "hello", false, 200, "POST /x x=- a=- body=hello"},
		{"PUT", "/x", "", false, 200, "PUT /x x=- a=- body="},
		{"PATCH", "/x", "hello", true, 200, "PATCH /x x=- a=- body=hello"},
		{"POST", "/empty", "x", false, 204, ""},
		{"GET", "/bad%zz", NULL, false, 400, "the request is malformed\n"},
		{"GET", "/bad%2", NULL, false, 400, "the request is malformed\n"},
		{"GET", "/bad%00x", NULL, false, 400, "the request is malformed\n"},
		{"GET", "/bad%0ax", NULL, false, 400, "the request is malformed\n"},
		{"GET", "/x?a=%00", NULL, false, 400, "the request is malformed\n"},
		{"GET", "/x?%g=1", NULL, false, 400, "the request is malformed\n"},
		{"POST", "/bad%zz", "hello", false, 400, "the request is malformed\n"},
		{"POST", "/x", fits, false, 200, NULL},
		{"POST", "/x", fits, true, 200, NULL},
		{"POST", "/x", big, false, 413, "the body is too large\n"},
		{"POST", "/x", big, true, 413, "the body is too large\n"},
		{"POST", "/x", huge, false, 413, "the body is too large\n"},
		{"POST", "/x", huge, true, 413, "the body is too large\n"},
	};
	unsigned asked = 0;
	size_t i;

	memset(big, 'b', sizeof big - 1);
	memset(fits, 'b', sizeof fits - 1);
	memset(huge, 'b', sizeof huge - 1);
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		struct got g = {0};
		CURL *c = curl_new("http", t[i].target, &g);
		struct curl_slist *h = t[i].chunked ? curl_slist_append(NULL, "Transfer-Encoding: chunked") : NULL;

		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, t[i].method);
		if (t[i].body)
			curl_easy_setopt(c, CURLOPT_POSTFIELDS, t[i].body);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
		curl_go(c, &g);
		curl_slist_free_all(h);
		CHECK(g.rc == CURLE_OK, "%s: %s", t[i].target, curl_easy_strerror(g.rc));
		CHECK(g.status == t[i].status, "%s: %ld", t[i].target, g.status);
		CHECK(!t[i].text || strcmp(g.text, t[i].text) == 0, "%s: %s", t[i].target, g.text);
		asked += t[i].status < 300;
		CHECK(sv.asked == asked, "%s: the handler was asked %u times", t[i].target, sv.asked);
	}
}

static void
test_table(void **state)
{
	static const char line[] = "API: 127.0.0.1 sends a body that is too large: 413\n";

	(void)state;
	told[0] = '\0';
	run(&(struct mus_httpd_opts){.tell = on_told}, client_table);
	for (const char *p = told; *p; p += sizeof line - 1)	/* four of them, each told once */
		assert_memory_equal(p, line, sizeof line - 1);
	assert_int_equal(strlen(told), 4 * (sizeof line - 1));
}

static size_t
on_header(char *p, size_t size, size_t count, void *arg)
{
	char *all = arg;

	strncat(all, p, size * count < 300 ? size * count : 300);
	return size * count;
}

static void
client_headers(void)
{
	struct got g = {0};
	char headers[2000] = "", query[900] = "/x?";
	CURL *c = curl_new("http", "/x", &g);
	struct curl_slist *h = curl_slist_append(NULL, "X-Test: me");
	int i;

	curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, (void *)headers);
	curl_go(c, &g);
	curl_slist_free_all(h);
	CHECK(strcmp(g.text, "GET /x x=me a=- body=") == 0, "%s", g.text);
	CHECK(strstr(headers, "X-One: 1\r\n"), "%s", headers);
	CHECK(strstr(headers, "X-Two: two words\r\n"), "%s", headers);
	CHECK(strstr(headers, "Content-Type: text/plain\r\n"), "%s", headers);
	c = curl_new("http", "/client", &g);
	curl_go(c, &g);
	CHECK(strcmp(g.text, "127.0.0.1 none ") == 0, "%s", g.text);
	/* 64 arguments, then one more. */
	for (i = 0; i < 64; i++)
		strcat(query, "k=v&");
	c = curl_new("http", query, &g);
	curl_go(c, &g);
	CHECK(g.status == 200, "%ld", g.status);
	strcat(query, "k=v");
	c = curl_new("http", query, &g);
	curl_go(c, &g);
	CHECK(g.status == 400, "%ld", g.status);
	c = curl_new("http", "/big", &g);
	curl_go(c, &g);
	CHECK(g.rc == CURLE_OK && g.len == 5 << 20, "%zu", g.len);
}

static void
test_headers(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){0}, client_headers);
}

static void
client_ipv6(void)
{
	struct got g = {0};
	CURL *c = curl_new("http", "/", &g);
	char url[64];

	snprintf(url, sizeof url, "http://[::1]:%u/client", sv.port);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_go(c, &g);
	CHECK(strcmp(g.text, "::1 none ") == 0, "%s", g.text);
}

static void
test_ipv6(void **state)
{
	struct mus_addr at = {.family = 6, .ip = {[15] = 1}};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool has_ipv6 = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof in6) == 0;

	(void)state;
	close(fd);
	if (!has_ipv6)
		skip();
	run(&(struct mus_httpd_opts){.listen = at}, client_ipv6);
}

/* Many requests on few connections: keep-alive works. */
static void
client_keepalive(void)
{
	struct got g = {0};
	CURL *c = curl_new("http", "/", &g);
	long connects = 0, n;
	int i;

	for (i = 0; i < 200; i++) {
		g.len = 0;
		g.rc = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_NUM_CONNECTS, &n);
		connects += n;
		if (g.rc != CURLE_OK)
			break;
	}
	curl_easy_cleanup(c);
	CHECK(g.rc == CURLE_OK, "%s", curl_easy_strerror(g.rc));
	CHECK(connects == 1, "%ld", connects);
}

static void
test_keepalive(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){0}, client_keepalive);
}

/* ---- deferred replies ---- */

static void
client_defer(void)
{
	struct got g[4] = {0};
	CURLM *m = curl_multi_init();
	CURL *c[4];
	int i, left = 1;

	for (i = 0; i < 4; i++) {
		c[i] = curl_new("http", i == 3 ? "/x" : "/defer?ms=50", &g[i]);
		curl_multi_add_handle(m, c[i]);
	}
	while (left) {
		curl_multi_perform(m, &left);
		if (left)
			curl_multi_poll(m, NULL, 0, 1000, NULL);
	}
	for (i = 0; i < 4; i++) {
		curl_easy_getinfo(c[i], CURLINFO_RESPONSE_CODE, &g[i].status);
		curl_multi_remove_handle(m, c[i]);
		curl_easy_cleanup(c[i]);
	}
	curl_multi_cleanup(m);
	for (i = 0; i < 3; i++)
		CHECK(g[i].status == 202 && strcmp(g[i].text, "later") == 0, "%ld %s", g[i].status, g[i].text);
	CHECK(g[3].status == 200, "%ld", g[3].status);
}

static void
test_defer(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){0}, client_defer);
}

/* ---- streams ---- */

static void
wait_closed(unsigned n)
{
	AWAIT(*(volatile unsigned *)&sv.closed >= n);
	CHECK(sv.closed == n, "%u closed", sv.closed);
}

static void
client_stream(void)
{
	struct got g = {0};
	CURL *c = curl_new("http", "/stream?end=1&now", &g);

	/* The server ends it: no word of the client having gone. */
	curl_go(c, &g);
	CHECK(g.rc == CURLE_OK, "%s", curl_easy_strerror(g.rc));
	CHECK(strcmp(g.text, "now data: 3\n\ndata: 2\n\ndata: 1\n\n") == 0, "%s", g.text);
	CHECK(sv.closed == 0, "%u", sv.closed);
	/* The server cuts it: what waits is not sent. */
	c = curl_new("http", "/stream?now&cut", &g);
	curl_go(c, &g);
	CHECK(g.rc == CURLE_OK && g.status == 200 && g.len == 0 && sv.closed == 0, "%s", g.text);
	/* The client hangs up while the server has nothing to say. */
	g.stop_at = 27;
	c = curl_new("http", "/stream", &g);
	curl_go(c, &g);
	CHECK(g.rc == CURLE_WRITE_ERROR, "%s", curl_easy_strerror(g.rc));
	wait_closed(1);
	/* ... while it is sending all the time. */
	g.stop_at = 100000;
	c = curl_new("http", "/stream?endless", &g);
	curl_go(c, &g);
	wait_closed(2);
	/* No body is wanted. */
	g.stop_at = 0;
	c = curl_new("http", "/stream", &g);
	curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	curl_go(c, &g);
	CHECK(g.status == 200 && g.len == 0, "%ld", g.status);
	wait_closed(3);
}

static void
test_stream(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){0}, client_stream);
}

struct counted {
	size_t len, wrong, calls;
};

static size_t
on_counted(char *p, size_t size, size_t count, void *arg)
{
	struct counted *c = arg;
	size_t i;

	for (i = 0; i < size * count; i++, c->len++)
		c->wrong += (uint8_t)p[i] != c->len % 251;
	if (c->calls++ % 64 == 0)
		usleep(2000);		/* slower than the server */
	return size * count;
}

static void
client_counted(void)
{
	struct counted n = {0};
	struct got g = {0};
	CURL *c = curl_new("http", "/stream?count", &g);

	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_counted);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &n);
	curl_go(c, &g);
	CHECK(g.rc == CURLE_OK, "%s", curl_easy_strerror(g.rc));
	CHECK(n.len == COUNTED && n.wrong == 0, "%zu bytes, %zu wrong", n.len, n.wrong);
}

/* A client that is slower than the server gets every byte once and in order. */
static void
test_counted(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){0}, client_counted);
}

/* ---- clients that misbehave ---- */

/* Connects from 127.0.0.${host}, sends ${text}; answers the socket. */
static int
raw_from(uint8_t host, const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(sv.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u | host)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
	    connect(fd, (struct sockaddr *)&in, sizeof in) < 0 ||
	    send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
raw(const char *text)
{
	return raw_from(1, text);
}

/* Closes with a reset. */
static void
reset(int fd)
{
	struct linger l = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	close(fd);
}

static bool
is_alive(void)
{
	struct got g = {0};

	curl_go(curl_new("http", "/", &g), &g);
	return g.rc == CURLE_OK && g.status == 200;
}

static void
client_vanish(void)
{
	static const char *const texts[] = {
		"",
		"GET",
		"GET / HTTP/1.1\r\nHost: x\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
		"GET /defer HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /stream?endless HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /defer HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02",
		"GARBAGE\r\n\r\n",
		"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
	};
	size_t i, j;

	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		for (j = 0; j < 4; j++) {
			int fd = raw(texts[i]);

			CHECK(fd >= 0, "%s", strerror(errno));
			if (j >= 2)
				let_it_turn();	/* the server has begun */
			if (j % 2)
				reset(fd);
			else
				close(fd);
			CHECK(is_alive(), "after %s", texts[i]);
		}
	}
	/* All streams were noticed: two texts, and those whose request came whole. */
	AWAIT(!*(void *volatile *)&sv.stream);
	CHECK(!sv.stream, "a stream is left");
}

static void
test_vanish(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){0}, client_vanish);
}

/* Who does not read fills a bound, not the memory. */
static void
client_slow(void)
{
	int fd = raw("GET /stream?endless HTTP/1.1\r\nHost: x\r\n\r\n");

	AWAIT(*(volatile int *)&sv.send_rc == MUS_ERR_FULL);
	close(fd);
	CHECK(sv.send_rc == MUS_ERR_FULL, "%d", sv.send_rc);
	wait_closed(1);
}

static void
test_slow(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){0}, client_slow);
}

/* Reads what comes until the end; false: not within ${ms}. */
static bool
read_end(int fd, char *text, size_t cap, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && poll(&p, 1, ms) == 1) {
		n = read(fd, text + len, cap - 1 - len);
		if (n > 0)
			len += (size_t)n;
	}
	text[len] = '\0';
	return n <= 0;
}

/* A body without end is cut. */
static void
client_endless(void)
{
	char piece[102];
	int a = raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), i;

	memset(piece, 'x', sizeof piece);
	memcpy(piece, "60\r\n", 4);
	memcpy(piece + 100, "\r\n", 2);
	for (i = 0; i < 500000; i++) {
		if (send(a, piece, sizeof piece, MSG_NOSIGNAL) < 0)
			break;
	}
	CHECK(i < 500000, "a body of %d pieces was read", i);
	close(a);
}

static void
test_endless(void **state)
{
	(void)state;
	told[0] = '\0';
	run(&(struct mus_httpd_opts){.body_read_max_bytes = 1 << 20, .tell = on_told}, client_endless);
	assert_string_equal(told, "API: 127.0.0.1 sends a body that is too large: it has no end, the connection is cut\n");
}

/* ---- places ---- */

#define KNOWN_STREAM "GET /stream?known HTTP/1.1\r\nHost: x\r\n\r\n"

/* Reads until ${until} has come; false: the end, or not within 10 s. */
static bool
read_until(int fd, const char *until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char text[3000] = "";
	size_t len = 0;

	while (!strstr(text, until)) {
		ssize_t n = poll(&p, 1, 10000) == 1 ? read(fd, text + len, sizeof text - 1 - len) : 0;

		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
	}
	return true;
}

static bool
is_open(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Waits until the other side has closed. */
static bool
is_cut(int fd)
{
	char text[3000];

	return read_end(fd, text, sizeof text, 10000);
}

/* Asks from 127.0.0.${host} on a connection of its own; the answer with its head. */
static void
ask_from(uint8_t host, const char *target, char *text, size_t cap)
{
	char request[200];
	int fd;

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target);
	fd = raw_from(host, request);
	if (!read_end(fd, text, cap, 10000))
		text[0] = '\0';
	close(fd);
}

/* Who came first and has not said who he is, then who is known and silent; a stream never. */
static void
client_places(void)
{
	int stream, silent, a, b;
	char text[3000];

	stream = raw(KNOWN_STREAM);
	CHECK(read_until(stream, "data: 1"), "no stream");
	silent = raw("GET /known HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK(read_until(silent, "body="), "no answer");
	a = raw("GET /");
	let_it_turn();
	b = raw("");
	let_it_turn();
	CHECK(is_open(stream) && is_open(silent) && is_open(a) && is_open(b), "one was cut early");
	ask_from(1, "/", text, sizeof text);		/* a fifth, four have places */
	CHECK(strstr(text, "200 OK"), "%s", text);
	CHECK(is_cut(a), "the first stays");
	CHECK(is_open(stream) && is_open(silent) && is_open(b), "another one was cut");
	a = raw(KNOWN_STREAM);
	CHECK(read_until(a, "data: 1"), "no stream");
	ask_from(1, "/", text, sizeof text);
	CHECK(strstr(text, "200 OK") && is_cut(b), "%s", text);
	b = raw(KNOWN_STREAM);
	CHECK(read_until(b, "data: 1"), "no stream");
	CHECK(is_open(silent), "a known client was cut early");
	ask_from(1, "/stats", text, sizeof text);
	CHECK(strstr(text, "\r\n4 open, 0 429, 0 503, 3 gave, 0 slow"), "%s", text);
	CHECK(is_cut(silent) && is_open(stream) && is_open(a) && is_open(b), "who is silent stays");
	close(stream);
	close(silent);
	close(a);
	close(b);
}

static void
test_places(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.connections_max = 4, .per_net_max = 4}, client_places);
}

/* Nobody can give a place: told so, and let in when one has gone. */
static void
client_refused(void)
{
	int own[2], other, i;
	char text[3000];

	for (i = 0; i < 2; i++) {
		own[i] = raw(KNOWN_STREAM);
		CHECK(read_until(own[i], "data: 1"), "no stream");
	}
	ask_from(1, "/", text, sizeof text);
	CHECK(strncmp(text, "HTTP/1.1 429 ", 13) == 0 && strstr(text, "\r\nRetry-After: 5\r\n") &&
	    strstr(text, "\r\nConnection: close\r\n") && strstr(text, "from your network"), "%s", text);
	ask_from(2, "/", text, sizeof text);
	CHECK(strstr(text, "200 OK"), "%s", text);
	other = raw_from(2, KNOWN_STREAM);
	CHECK(read_until(other, "data: 1"), "no stream");
	ask_from(3, "/", text, sizeof text);
	CHECK(strncmp(text, "HTTP/1.1 503 ", 13) == 0 && strstr(text, "\r\nRetry-After: 5\r\n") &&
	    strstr(text, "too many connections\n"), "%s", text);
	close(own[0]);
	wait_closed(1);
	ask_from(1, "/stats", text, sizeof text);
	CHECK(strstr(text, "\r\n3 open, 1 429, 1 503, 0 gave, 0 slow"), "%s", text);
	close(own[1]);
	close(other);
}

static void
test_refused(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.connections_max = 3, .per_net_max = 2}, client_refused);
}

enum { FLOOD = 400 };

/* Many more than there are places, who come at once and say nothing, or half of something. */
static void
client_flood(void)
{
	static int fd[FLOOD];
	char text[3000];
	int i;

	for (i = 0; i < FLOOD; i++)
		CHECK((fd[i] = raw(i % 2 ? "" : "GET / HTTP/1.1\r\n")) >= 0, "%s", strerror(errno));
	CHECK(is_alive(), "no answer in a flood");
	ask_from(1, "/stats", text, sizeof text);
	CHECK(strstr(text, " open, 0 429, 0 503, 39"), "%s", text);
	for (i = 0; i < FLOOD - 8; i++)
		CHECK(is_cut(fd[i]), "%d stays", i);
	for (i = 0; i < FLOOD; i++)
		close(fd[i]);
}

static void
test_flood(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.connections_max = 8, .per_net_max = 8}, client_flood);
}

/* Until there is something to read, or its end; not longer than ${ms}: then it is time for the next byte. */
static void
wait_for_end(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)poll(&p, 1, ms);
}

/* A byte now and then keeps no connection alive, neither in a head nor in a body; requests do. */
static void
client_slow_request(void)
{
	static const char *const begin[] = {"GET / HTTP/1.1\r\nX: ",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"};
	char text[3000];
	int good = raw(""), fd[2], cut = 0, i, k;
	time_t began = time(NULL);

	for (k = 0; k < 2; k++)
		fd[k] = raw(begin[k]);
	for (i = 0; i < 600 && cut != 3; i++) {
		for (k = 0; k < 2; k++) {
			if (cut & 1 << k || send(fd[k], "x", 1, MSG_NOSIGNAL) == 1)
				continue;
			cut |= 1 << k;
			CHECK(k == 0 || time(NULL) - began >= 3, "a body has the time of a head");
		}
		CHECK(send(good, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL) == 27 &&
		    read_until(good, "body="), "a good client was cut");
		wait_for_end(fd[cut & 1], 100);
	}
	CHECK(cut == 3, "%d were cut", cut);
	ask_from(1, "/stats", text, sizeof text);
	CHECK(strstr(text, "0 gave, 2 slow"), "%s", text);
	for (k = 0; k < 2; k++)
		close(fd[k]);
	close(good);
}

static void
test_slow_request(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.head_timeout_s = 1, .body_timeout_s = 4}, client_slow_request);
}

/* Without a byte a connection ends, whatever else there is time for. */
static void
client_silent(void)
{
	int fd = raw("GET /");

	CHECK(is_cut(fd), "a silent client stays");
	close(fd);
}

static void
test_silent(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.idle_timeout_s = 1}, client_silent);
}

/* The server stops while some wait for it. */
static int waiting[12];

static void
client_leave(void)
{
	static const char *const texts[] = {
		"GET /never HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
		"GET",
	};
	int i;

	for (i = 0; i < 12; i++)
		CHECK((waiting[i] = raw(texts[i % 4])) >= 0, "%s", strerror(errno));
	AWAIT(*(volatile unsigned *)&sv.asked >= 6);
	CHECK(sv.asked == 6, "%u", sv.asked);
}

static void
test_leave(void **state)
{
	int i;

	(void)state;
	run(&(struct mus_httpd_opts){0}, client_leave);
	assert_int_equal(sv.closed, 3);
	for (i = 0; i < 12; i++)
		close(waiting[i]);
}

/* ---- TLS ---- */

static char dir[128];

static const char *
file(const char *name)
{
	static char path[4][200];
	static unsigned i;
	char *p = path[i++ % 4];

	snprintf(p, 200, "%s/%s", dir, name);
	return p;
}

static EVP_PKEY *ca_key;
static X509 *ca;
static uint8_t client_spki[32];

static void
add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	assert_non_null(e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* A key and a certificate in files; ${signer} NULL: signed by itself. */
static X509 *
make(const char *name, const char *cn, const char *usage, X509 *signer, EVP_PKEY *signer_key,
    EVP_PKEY **key_out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	char path[64];
	FILE *f;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1 + rand() % 100000); /* of a test */
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(signer ? signer : x));
	X509_set_pubkey(x, key);
	if (!usage)
		add_ext(x, NID_basic_constraints, "critical,CA:TRUE");
	else
		add_ext(x, NID_ext_key_usage, usage);
	add_ext(x, NID_subject_alt_name, "IP:127.0.0.1");
	assert_true(X509_sign(x, signer_key ? signer_key : key, EVP_sha256()) > 0);
	snprintf(path, sizeof path, "%s.crt", name);
	assert_non_null(f = fopen(file(path), "w"));
	PEM_write_X509(f, x);
	fclose(f);
	snprintf(path, sizeof path, "%s.key", name);
	assert_non_null(f = fopen(file(path), "w"));
	PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	if (strcmp(name, "client") == 0) {
		unsigned char *der = NULL;
		int len = i2d_PUBKEY(key, &der);

		SHA256(der, (size_t)len, client_spki);
		OPENSSL_free(der);
	}
	if (key_out)
		*key_out = key;
	else
		EVP_PKEY_free(key);
	return x;
}

static int
make_files(void **state)
{
	const char *base = getenv("TMPDIR");
	X509 *other;
	EVP_PKEY *other_key;
	FILE *f;

	(void)state;
	snprintf(dir, sizeof dir, "%.80s/mus-test-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	ca = make("ca", "test ca", NULL, NULL, NULL, &ca_key);
	other = make("other", "other ca", NULL, NULL, NULL, &other_key);
	X509_free(make("server", "server", "serverAuth", ca, ca_key, NULL));
	X509_free(make("client", "ops@example", "clientAuth", ca, ca_key, NULL));
	X509_free(make("stranger", "stranger", "clientAuth", other, other_key, NULL));
	X509_free(make("misused", "misused", "serverAuth", ca, ca_key, NULL));
	X509_free(make("longname", "a name longer than there is room", "clientAuth", ca, ca_key, NULL));
	X509_free(other);
	EVP_PKEY_free(other_key);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	if (!(f = fopen(file("junk"), "w")))
		return -1;
	fputs("no PEM\n", f);
	fclose(f);
	return 0;
}

static int
remove_files(void **state)
{
	static const char *const names[] = {"ca", "other", "server", "client", "stranger", "misused", "longname"};
	size_t i;
	char name[64];

	(void)state;
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(name, sizeof name, "%s.crt", names[i]);
		unlink(file(name));
		snprintf(name, sizeof name, "%s.key", names[i]);
		unlink(file(name));
	}
	unlink(file("junk"));
	return rmdir(dir);
}

static void
client_tls(void)
{
	char hex[65], ours[200];
	static const char *const none = "127.0.0.1 none ";
	const struct {
		const char *cert, *text;
	} t[] = {
		{NULL, none},
		{"client", ours},
		{"stranger", none},		/* another authority */
		{"misused", none},		/* not for clients */
	};
	struct got g = {0};
	CURL *c;
	size_t i;

	mus_hex_encode(client_spki, 32, hex);
	snprintf(ours, sizeof ours, "127.0.0.1 %s ops@example", hex);
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		char name[64];

		c = curl_new("https", "/client", &g);
		curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
		if (t[i].cert) {
			snprintf(name, sizeof name, "%s.crt", t[i].cert);
			curl_easy_setopt(c, CURLOPT_SSLCERT, file(name));
			snprintf(name, sizeof name, "%s.key", t[i].cert);
			curl_easy_setopt(c, CURLOPT_SSLKEY, file(name));
		}
		curl_go(c, &g);
		CHECK(g.rc == CURLE_OK, "%s: %s", t[i].cert, curl_easy_strerror(g.rc));
		CHECK(strcmp(g.text, t[i].text) == 0, "%s: %s", t[i].cert, g.text);
	}
	/* A name that does not fit is none. */
	c = curl_new("https", "/client", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_easy_setopt(c, CURLOPT_SSLCERT, file("longname.crt"));
	curl_easy_setopt(c, CURLOPT_SSLKEY, file("longname.key"));
	curl_go(c, &g);
	CHECK(strncmp(g.text, "127.0.0.1 ", 10) == 0 && g.text[strlen(g.text) - 1] == ' ' && g.len == 75,
	    "%s", g.text);
	/* The server's certificate is the one given. */
	c = curl_new("https", "/client", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("other.crt"));
	curl_go(c, &g);
	CHECK(g.rc == CURLE_PEER_FAILED_VERIFICATION, "%s", curl_easy_strerror(g.rc));
	/* No TLS 1.1. */
	c = curl_new("https", "/client", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_easy_setopt(c, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1);
	curl_go(c, &g);
	CHECK(g.rc == CURLE_SSL_CONNECT_ERROR, "%s", curl_easy_strerror(g.rc));
	/* Streams, deferred replies and large bodies over TLS. */
	c = curl_new("https", "/stream?end", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_go(c, &g);
	CHECK(g.rc == CURLE_OK && strcmp(g.text, "data: 3\n\ndata: 2\n\ndata: 1\n\n") == 0, "%s", g.text);
	g.stop_at = 10;
	c = curl_new("https", "/stream", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_go(c, &g);
	wait_closed(1);
	g.stop_at = 0;
	c = curl_new("https", "/defer", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_go(c, &g);
	CHECK(g.status == 202, "%ld", g.status);
	c = curl_new("https", "/big", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_go(c, &g);
	CHECK(g.len == 5 << 20, "%zu", g.len);
	/* A plain client, a half handshake. */
	close(raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
	close(raw("\x16\x03\x01\x02"));
	reset(raw("\x16\x03\x01\x02"));
	c = curl_new("https", "/", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_go(c, &g);
	CHECK(g.status == 200, "%ld", g.status);
}

static void
test_tls(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.cert_file = file("server.crt"), .key_file = file("server.key"),
		.client_ca_file = file("ca.crt")},
	    client_tls);
}

static void
client_tls_no_ca(void)
{
	struct got g = {0};
	CURL *c = curl_new("https", "/client", &g);

	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_easy_setopt(c, CURLOPT_SSLCERT, file("client.crt"));
	curl_easy_setopt(c, CURLOPT_SSLKEY, file("client.key"));
	curl_go(c, &g);
	CHECK(strcmp(g.text, "127.0.0.1 none ") == 0, "%s", g.text);
}

/* Without an authority nobody's certificate counts. */
static void
test_tls_no_ca(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.cert_file = file("server.crt"), .key_file = file("server.key")},
	    client_tls_no_ca);
}

/* Many begin to shake hands and say no more. */
static void
client_tls_flood(void)
{
	static int fd[FLOOD];
	struct got g = {0};
	CURL *c;
	int i;

	for (i = 0; i < FLOOD; i++)
		CHECK((fd[i] = raw("\x16\x03\x01\x02")) >= 0, "%s", strerror(errno));
	c = curl_new("https", "/", &g);
	curl_easy_setopt(c, CURLOPT_CAINFO, file("ca.crt"));
	curl_go(c, &g);
	CHECK(g.status == 200, "%ld", g.status);
	for (i = 0; i < FLOOD; i++)		/* the last ones after their time */
		CHECK(is_cut(fd[i]), "%d stays", i);
	for (i = 0; i < FLOOD; i++)
		close(fd[i]);
}

static void
test_tls_flood(void **state)
{
	(void)state;
	run(&(struct mus_httpd_opts){.cert_file = file("server.crt"), .key_file = file("server.key"),
		.connections_max = 8, .per_net_max = 8, .head_timeout_s = 1},
	    client_tls_flood);
}

/* ---- what does not start ---- */

static void
test_errors(void **state)
{
	const struct {
		const char *cert, *key, *ca;
		struct mus_addr at;
		int err;
		const char *words;
	} t[] = {
		{NULL, NULL, NULL, {.family = 4, .ip = {192, 0, 2, 1}}, MUS_ERR_INVAL, "loopback"},
		{NULL, NULL, NULL, {.family = 4}, MUS_ERR_INVAL, "loopback"},
		{NULL, NULL, NULL, {.family = 6}, MUS_ERR_INVAL, "loopback"},
		{"server.crt", NULL, NULL, {.family = 4}, MUS_ERR_INVAL, "a certificate and a key"},
		{NULL, "server.key", NULL, {.family = 4}, MUS_ERR_INVAL, "a certificate and a key"},
		{NULL, NULL, "ca.crt", {.family = 4, .ip = {127, 0, 0, 1}}, MUS_ERR_INVAL, "a certificate and a key"},
		{"none", "server.key", NULL, {.family = 4}, MUS_ERR_NOTFOUND, "none"},
		{"server.crt", "none", NULL, {.family = 4}, MUS_ERR_NOTFOUND, "none"},
		{"server.crt", "client.key", NULL, {.family = 4}, MUS_ERR_INVAL, "client.key"},
		{"junk", "server.key", NULL, {.family = 4}, MUS_ERR_INVAL, "junk"},
		{"server.crt", "junk", NULL, {.family = 4}, MUS_ERR_INVAL, "junk"},
		{"server.crt", "server.key", "junk", {.family = 4}, MUS_ERR_INVAL, "junk"},
		{"server.crt", "server.key", NULL, {.family = 4, .ip = {192, 0, 2, 1}}, MUS_ERR_IO, "192.0.2.1"},
		{"server.crt", "server.key", NULL, {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 1}},
		    MUS_ERR_IO, "2001:db8::1"},
	};
	struct mus_loop *l = mus_loop_new();
	struct mus_httpd *h = NULL, *second = NULL;
	struct mus_errtext et;
	struct mus_httpd_opts o = {.listen = {.family = 4, .ip = {127, 0, 0, 1}}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		struct mus_httpd_opts bad = {.listen = t[i].at};

		bad.cert_file = t[i].cert ? file(t[i].cert) : NULL;
		bad.key_file = t[i].key ? file(t[i].key) : NULL;
		bad.client_ca_file = t[i].ca ? file(t[i].ca) : NULL;
		assert_int_equal(mus_httpd_new(l, &bad, handle, &sv, &h, &et), t[i].err);
		if (!strstr(et.s, t[i].words))
			fail_msg("%zu: %s", i, et.s);
		assert_null(h);
	}
	/* The port is taken. */
	assert_int_equal(mus_httpd_new(l, &o, handle, &sv, &h, &et), 0);
	o.listen.port = mus_httpd_port(h);
	assert_int_equal(mus_httpd_new(l, &o, handle, &sv, &second, &et), MUS_ERR_IO);
	assert_non_null(strstr(et.s, "in use"));
	assert_null(second);
	mus_httpd_free(h);
	mus_httpd_free(NULL);
	/* ... and free again. */
	assert_int_equal(mus_httpd_new(l, &o, handle, &sv, &h, &et), 0);
	mus_httpd_free(h);
	mus_loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_defer),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_vanish),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_slow_request),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_no_ca),
		cmocka_unit_test(test_tls_flood),
		cmocka_unit_test(test_errors),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests_name("io/http", tests, make_files, remove_files);
}
