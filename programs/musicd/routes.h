/*
 * The REST interface of musicd: one table of routes over the calls of engine/control.h.
 *
 * main.c makes the engine, then mus_api_new, then mus_httpd_new with mus_api_handle as its
 * callback.  At the end: mus_api_free (answers what is pending with 503 and ends the streams), then
 * mus_httpd_free, then the engine, which calls back every probe still running.
 */
#ifndef MUSICD_ROUTES_H
#define MUSICD_ROUTES_H

#include "app/token.h"
#include "base/buf.h"
#include "engine/control.h"
#include "io/http.h"

struct mus_api;

/* Who asks?  ${bearer}: the token given, NULL without one; ${r} for a client certificate.  0 and
 * name and role, or UNAUTH. */
typedef int mus_api_auth_fn(void *arg, const struct mus_http_req *r, const char *bearer,
    char name[static MUS_LABEL_MAX], enum mus_role *role);

struct mus_api_opts {
	struct mus_loop *loop;
	struct mus_engine *engine;
	mus_api_auth_fn *auth;
	void *auth_arg;
	bool metrics_open;		/* /metrics without a token */
	unsigned streams_max;		/* [64] event streams at a time; more: 503 */
	unsigned caller_streams_max;	/* [16] of one token; more: 429 */
	unsigned heartbeat_ms;		/* [15000] of event streams */
	unsigned bulk_step;		/* [16] zones a turn of a bulk request */
};

enum { MUS_API_BODY_MAX = 1 << 20, MUS_API_BULK_BODY_MAX = 8 << 20 };	/* httpd: the larger */

int mus_api_new(const struct mus_api_opts *o, struct mus_api **out, struct mus_errtext *et) MUS_MUST_CHECK;
void mus_api_free(struct mus_api *api);			/* NULL is fine */
/* The tokens were read again: ends the event streams whose token is not known any more, or may not look; other
 * requests are asked each time.  How many ended. */
unsigned mus_api_recheck(struct mus_api *api);
void mus_api_handle(void *api, struct mus_http_req *r);	/* a mus_http_fn */
/* For mus_httpd_opts: what the server refuses by itself has the error document too. */
#define MUS_API_REFUSALS .refusal = mus_api_refusal, .refusal_type = "application/json"
mus_http_refusal_fn mus_api_refusal;

/* The OpenAPI text, made from the tables; also for docs.  false: no memory. */
bool mus_api_openapi(struct mus_buf *out);

#endif
