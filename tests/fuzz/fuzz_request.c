/*
 * HTTP requests as bytes of a connection, through the server and the routes, to an engine that asks
 * nobody (tests/api).  What one input has changed is gone before the next.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "../api/fake_engine.h"
#include "base/text.h"
#include "fuzz.h"
#include "routes.h"

enum { QUIET_TURNS = 8, TICK_MS = 3600000 };

static struct mus_loop *loop;
static struct world {
	struct mus_store *store;
	struct mus_engine *engine;
	struct mus_api *api;
	struct mus_httpd *httpd;
	bool is_up, is_dirty;		/* dirty: somebody may have changed something */
} w;

/* The token is the role. */
static int
auth(void *arg, const struct mus_http_req *r, const char *bearer, char name[static MUS_LABEL_MAX],
    enum mus_role *role)
{
	(void)arg;
	if (!bearer || !mus_role_parse(bearer, role))
		return MUS_ERR_UNAUTH;
	(void)mus_strcpy(name, MUS_LABEL_MAX, bearer);
	w.is_dirty |= strcmp(mus_http_method(r), "GET") != 0;
	return 0;
}

static void
fill(struct world *v)
{
	struct mus_signer_obj s = {.name = "a", .driver = "ddns"}, t = {.name = "b", .driver = "ddns"};
	struct mus_group_obj g = {.name = "g", .member_count = 1};
	struct mus_zone_obj z = {.name = "z.", .mode = MUS_MODE_MANUAL};

	MUS_ASSERT(mus_ctl_put_signer(v->engine, "x", &s, NULL, NULL) == 0);
	MUS_ASSERT(mus_ctl_put_signer(v->engine, "x", &t, NULL, NULL) == 0);
	g.member[0].signer_id = s.id;
	MUS_ASSERT(mus_ctl_put_group(v->engine, "x", &g, NULL, NULL) == 0);
	z.group_id = g.id;
	MUS_ASSERT(mus_ctl_put_zone(v->engine, "x", &z, NULL, NULL) == 0);
}

static void
raise_world(void)
{
	struct mus_httpd_opts http = {.body_max_bytes = 1 << 16};
	struct mus_api_opts o = {.loop = loop, .auth = auth, .streams_max = 2, .heartbeat_ms = 5};

	MUS_ASSERT(mus_store_open(":memory:", &w.store, NULL) == 0);
	MUS_ASSERT((w.engine = fake_engine_new(loop, w.store, TICK_MS)) != NULL);
	o.engine = w.engine;
	fill(&w);
	MUS_ASSERT(mus_addr_parse("127.0.0.1", 0, &http.listen));
	MUS_ASSERT(mus_api_new(&o, &w.api, NULL) == 0);
	MUS_ASSERT(mus_httpd_new(loop, &http, mus_api_handle, w.api, &w.httpd, NULL) == 0);
	w.is_up = true;
}

static void
raze_world(void)
{
	mus_api_free(w.api);
	mus_httpd_free(w.httpd);
	fake_engine_free(w.engine);
	mus_store_close(w.store);
	w = (struct world){0};
}

/* ---- the client ---- */

struct client {
	int fd;
	const uint8_t *data;
	size_t size;
	char got[64];			/* how the first answer begins */
	size_t got_len;
	bool is_over;			/* closed by the server */
};

static bool
write_some(struct client *c)
{
	ssize_t n;

	if (c->size == 0)
		return false;
	n = send(c->fd, c->data, c->size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return false;
	c->data += n;
	c->size -= (size_t)n;
	if (c->size == 0)
		shutdown(c->fd, SHUT_WR);
	return true;
}

static bool
read_some(struct client *c)
{
	char buf[4096];
	ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);

	c->is_over = n == 0 || (n < 0 && errno != EAGAIN);
	for (ssize_t i = 0; i < n && c->got_len < sizeof c->got - 1; i++)
		c->got[c->got_len++] = buf[i];
	return n > 0;
}

/* Turns of the loop, until nothing has moved for some; time does not count here. */
static void
talk(struct client *c)
{
	static uint16_t from_host;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(mus_httpd_port(w.httpd)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK | ++from_host)};
	uv_loop_t *uv = mus_loop_uv(loop);

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUS_ASSERT(c->fd >= 0);
	/* Hundreds in a second, each of which waits for a minute when it is over: one address has not so many ports. */
	MUS_ASSERT(bind(c->fd, (struct sockaddr *)&from, sizeof from) == 0);
	MUS_ASSERT(connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0);
	for (unsigned still = 0; still < QUIET_TURNS && !c->is_over; still++) {
		bool moved = write_some(c);

		uv_run(uv, UV_RUN_NOWAIT);
		if (read_some(c) || moved)
			still = 0;
	}
	close(c->fd);
	for (unsigned i = 0; i < QUIET_TURNS; i++)
		uv_run(uv, UV_RUN_NOWAIT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client c = {.data = data, .size = size};

	if (!loop)
		MUS_ASSERT((loop = mus_loop_new()) != NULL);
	if (!w.is_up)
		raise_world();
	talk(&c);
	/* 4xx is the client's fault, 503 means later; 500 would be ours */
	MUS_ASSERT(c.got_len < 12 || strncmp(c.got, "HTTP/1.1 500", 12) != 0);
	fuzz_taken += strncmp(c.got, "HTTP/1.1 2", 10) == 0;
	if (w.is_dirty)
		raze_world();
	return 0;
}
