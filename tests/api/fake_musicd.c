/*
 * The REST interface over a fake engine, for tests: fake_musicd STORE TICK_MS HEARTBEAT_MS [CERT KEY]
 *
 * Prints the port it listens on at 127.0.0.1 and runs until its standard input ends.  Tokens are
 * "read-token", "operate-token" and "admin-token".
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "fake_engine.h"
#include "routes.h"

#include "base/text.h"

static int
auth(void *arg, const struct mus_http_req *r, const char *bearer, char name[static MUS_LABEL_MAX],
    enum mus_role *role)
{
	static const struct {
		const char *token, *name;
		enum mus_role role;
	} known[] = {{"read-token", "reader", MUS_ROLE_READ}, {"operate-token", "operator", MUS_ROLE_OPERATE},
	    {"admin-token", "boss", MUS_ROLE_ADMIN}, {"void-token", "nobody", MUS_ROLE_NONE}};

	(void)arg;
	(void)r;
	for (size_t i = 0; bearer != NULL && i < sizeof known / sizeof known[0]; i++)
		if (strcmp(bearer, known[i].token) == 0) {
			(void)mus_strcpy(name, MUS_LABEL_MAX, known[i].name);
			*role = known[i].role;
			return 0;
		}
	return MUS_ERR_UNAUTH;
}

static void
on_stdin(uv_poll_t *p, int status, int events)
{
	(void)status;
	(void)events;
	uv_poll_stop(p);
	mus_loop_stop(p->data);
}

static int
die(const char *what, const struct mus_errtext *et)
{
	fprintf(stderr, "fake_musicd: %s: %s\n", what, et->s);
	return 1;
}

int
main(int argc, char **argv)
{
	const char *own_streams = getenv("FAKE_CALLER_STREAMS");
	struct mus_httpd_opts http = {.body_max_bytes = MUS_API_BULK_BODY_MAX + 65536, MUS_API_REFUSALS};
	struct mus_api_opts opts = {.auth = auth, .metrics_open = getenv("FAKE_METRICS_OPEN") != NULL,
	    .streams_max = 3, .bulk_step = 16};
	struct mus_errtext et = {""};
	struct mus_store *store = NULL;
	struct mus_httpd *httpd = NULL;
	struct mus_api *api = NULL;
	struct mus_engine *engine;
	struct mus_loop *loop;
	uv_poll_t poll;

	if (argc != 4 && argc != 6)
		return 64;
	loop = mus_loop_new();
	if (mus_store_open(argv[1], &store, &et) < 0)
		return die("store", &et);
	engine = fake_engine_new(loop, store, (unsigned)strtoul(argv[2], NULL, 10));
	opts.loop = loop;
	opts.engine = engine;
	opts.caller_streams_max = own_streams != NULL ? (unsigned)strtoul(own_streams, NULL, 10) : 0;
	opts.heartbeat_ms = (unsigned)strtoul(argv[3], NULL, 10);
	if (argc == 6) {
		http.cert_file = argv[4];
		http.key_file = argv[5];
	}
	(void)mus_addr_parse("127.0.0.1", 0, &http.listen);
	if (mus_api_new(&opts, &api, &et) < 0)
		return die("api", &et);
	if (mus_httpd_new(loop, &http, mus_api_handle, api, &httpd, &et) < 0)
		return die("httpd", &et);
	printf("%u\n", mus_httpd_port(httpd));
	fflush(stdout);
	uv_poll_init(mus_loop_uv(loop), &poll, 0);
	poll.data = loop;
	uv_poll_start(&poll, UV_READABLE | UV_DISCONNECT, on_stdin);
	mus_loop_run(loop);
	mus_api_free(api);
	mus_httpd_free(httpd);
	fake_engine_free(engine);
	uv_close((uv_handle_t *)&poll, NULL);
	mus_loop_free(loop);
	mus_store_close(store);
	return 0;
}
