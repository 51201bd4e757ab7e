/*
 * HTTPS server on libmicrohttpd, driven by our loop (no thread of its own), and the few things a
 * REST daemon needs: bodies with a bound, deferred replies, event streams.
 */
#ifndef MUS_IO_HTTP_H
#define MUS_IO_HTTP_H

#include "base/addr.h"
#include "base/buf.h"
#include "io/loop.h"

struct mus_httpd;
struct mus_http_req;			/* lives until the reply has been given */
struct mus_http_stream;

/* Writes the body of an answer that is given without asking the handler. */
typedef void mus_http_refusal_fn(unsigned status, const char *words, struct mus_buf *out);
/* A line for the log. */
typedef void mus_http_tell_fn(const char *text);

struct mus_httpd_opts {
	struct mus_addr listen;
	const char *cert_file, *key_file;	/* PEM; both NULL: plain HTTP (loopback only, else INVAL) */
	const char *client_ca_file;		/* NULL: no client certificates asked for */
	size_t body_max_bytes;			/* [1 MiB] larger: 413 */
	/* [256 MiB] So much of a body too large whose length was not told is read and thrown away: the answer
	 * can only follow its end.  The connection is cut then. */
	size_t body_read_max_bytes;
	unsigned connections_max;		/* [512] */
	unsigned per_net_max;			/* [a quarter of these] of one IPv4 address, one IPv6 /64 */
	unsigned idle_timeout_s;		/* [30] without a byte in either direction */
	unsigned head_timeout_s;		/* [20] for a whole head, from the beginning or the last answer */
	unsigned body_timeout_s;		/* [300] for a whole body */
	/* Requests that are no good (400), too large (413) or find no place (429: their network has
	 * too many, 503) never reach the handler; what the library refuses before there is a request
	 * (431, a broken first line) has a body of its own. */
	mus_http_refusal_fn *refusal;		/* [the words as plain text] */
	const char *refusal_type;		/* content type of what it writes */
	mus_http_tell_fn *tell;			/* [nobody] is told of bodies too large */
};
/* Called once per request when the body is complete.  Must reply, defer, or start a stream. */
typedef void mus_http_fn(void *arg, struct mus_http_req *r);

int mus_httpd_new(struct mus_loop *l, const struct mus_httpd_opts *o, mus_http_fn *fn, void *arg,
    struct mus_httpd **out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Are its files such that it could start?  Opens nothing; without cert_file only the CA is read. */
int mus_httpd_check(const struct mus_httpd_opts *o, struct mus_errtext *et) MUS_MUST_CHECK;
void mus_httpd_free(struct mus_httpd *h);
uint16_t mus_httpd_port(const struct mus_httpd *h);	/* for listen port 0 in tests */

const char *mus_http_method(const struct mus_http_req *r);
const char *mus_http_path(const struct mus_http_req *r);		/* decoded, without query */
const char *mus_http_query(const struct mus_http_req *r, const char *key);	/* NULL: not given */
/* Calls ${fn} for each query argument (to refuse unknown ones). */
void mus_http_each_query(const struct mus_http_req *r, void (*fn)(void *arg, const char *key, const char *value), void *arg);
const char *mus_http_header(const struct mus_http_req *r, const char *name);
const uint8_t *mus_http_body(const struct mus_http_req *r, size_t *len);
struct mus_addr mus_http_peer(const struct mus_http_req *r);
/* SHA-256 of the client certificate's SubjectPublicKeyInfo and its subject common name, when one
 * was presented and verified against client_ca_file; false without. */
bool mus_http_client_cert(const struct mus_http_req *r, uint8_t spki_sha256[static 32], char *cn,
    size_t cn_cap);

/* The client has said who it is.  When all places are taken, connections whose client has not give
 * theirs to a newcomer, then silent ones; a request of a known client is never cut for another's. */
void mus_http_known(struct mus_http_req *r);
struct mus_http_stats {
	unsigned connections;			/* open */
	uint64_t refused_net, refused_full;	/* requests: 429, 503 */
	uint64_t gave_place;			/* connections cut for a newcomer */
	uint64_t slow;				/* connections cut for a head or a body that did not come */
};
void mus_http_stats(const struct mus_http_req *r, struct mus_http_stats *out);	/* of its server */

/* Gives the reply; ${headers}: NULL-terminated "Name: value" lines, may be NULL.  ${r} is gone. */
void mus_http_reply(struct mus_http_req *r, unsigned status, const char *content_type,
    const void *body, size_t len, const char *const *headers);
/* Keeps ${r} for a reply later, from the loop. */
void mus_http_defer(struct mus_http_req *r);
/* Starts a stream (text/event-stream): takes ${r}.  ${closed} runs when the client has gone;
 * the stream is freed after it. */
struct mus_http_stream *mus_http_stream_start(struct mus_http_req *r, const char *content_type,
    mus_loop_fn *closed, void *arg);
/* FULL when more than 1 MiB waits for a slow client: the caller closes it. */
int mus_http_stream_send(struct mus_http_stream *s, const void *data, size_t len) MUS_MUST_CHECK;
size_t mus_http_stream_waiting(const struct mus_http_stream *s);	/* bytes not taken yet */
void mus_http_stream_end(struct mus_http_stream *s);
void mus_http_stream_cut(struct mus_http_stream *s);	/* the same, but what waits is not sent */

#endif
