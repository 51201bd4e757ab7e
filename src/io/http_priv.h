/*
 * Inside of the HTTP server.  http.c: the library in our loop, its connections, start and stop;
 * http_req.c: a request from its line to its answer; http_stream.c: event streams; http_tls.c:
 * certificates; http_places.c: who may have a connection.
 */
#ifndef MUS_IO_HTTP_PRIV_H
#define MUS_IO_HTTP_PRIV_H

#include <microhttpd.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/buf.h"
#include "io/http.h"
#include "io/http_places.h"

/*
 * How the library is driven: it keeps an epoll set of its own, which our loop polls as one file;
 * MHD_run works off what is ready, and a timer stands for MHD_get_timeout.  MHD_run never runs
 * within itself: whatever happens in a callback of the library only asks for another turn (kick).
 *
 * A request is made when its line arrived (on_line) and ends with on_completed, whatever became of
 * it.  Between them on_access is called for the head, for each piece of the body and at its end;
 * when the answer is not there at the end the connection is suspended, and on_access comes again
 * after it was resumed.
 *
 * A suspended connection is not looked at by the library.  For a deferred reply that does no harm
 * (the reply finds nobody), a stream watches its socket for the client's end by itself.
 */

enum { HTTP_QUERY_ARGS_MAX = 64 };

struct http_query_arg {
	char *key, *value;
};

struct mus_http_req {
	struct mus_httpd *h;
	struct MHD_Connection *conn;
	struct mus_place *place;
	struct mus_http_req *prev, *next;
	char *method, *path, *args_text;	/* decoded; args_text holds all of args */
	struct http_query_arg args[HTTP_QUERY_ARGS_MAX];
	size_t arg_count;
	struct mus_buf body;
	size_t over;			/* bytes of the body beyond its bound, thrown away */
	unsigned refuse;		/* status of an answer without asking the handler; 0: none */
	bool begun;			/* the head was seen */
	bool asked;			/* the handler was called */
	bool in_handler;
	bool deferred;
	bool suspended;
	bool failed;			/* no memory for an answer: cut the connection */
	unsigned status;
	struct MHD_Response *response;	/* waits to be queued */
	struct mus_http_stream *stream;
};

struct mus_http_stream {
	struct mus_http_req *r;
	struct mus_buf waiting;
	size_t sent;			/* of ${waiting} */
	bool ending;			/* no more will come */
	bool gone;			/* the client has gone */
	uv_poll_t *watch;		/* for the client's end while suspended; NULL: not now */
	mus_loop_fn *closed;
	void *arg;
};

struct mus_httpd {
	struct mus_loop *loop;
	struct MHD_Daemon *mhd;
	mus_http_fn *fn;
	void *arg;
	size_t body_max_bytes, body_read_max_bytes;
	mus_http_refusal_fn *refusal;
	const char *refusal_type;
	mus_http_tell_fn *tell;
	uint16_t port;
	uv_poll_t *poll;
	struct mus_timer *timer, *sweep;
	struct mus_places places;
	unsigned connections, connections_max;	/* of the library: also those that were cut */
	bool running;			/* within MHD_run */
	bool kicked;			/* meanwhile somebody asked for another turn */
	bool stopping;
	struct mus_http_req *reqs;
	char log[200];			/* what the library said last */
};

/* Certificate, key and authorities as text; empty: none. */
struct http_pem {
	struct mus_buf cert, key, ca;
};

/* ---- http.c ---- */
/* NULL: no memory, or no such file. */
uv_poll_t *mus__http_poll_new(struct mus_loop *l, int fd, int events, uv_poll_cb fn, void *arg);
void mus__http_poll_free(uv_poll_t *p);		/* NULL is fine */
/* Asks for a turn of the library soon; from anywhere in the loop. */
void mus__http_kick(struct mus_httpd *h);
void mus__http_suspend(struct mus_http_req *r);
void mus__http_resume(struct mus_http_req *r);	/* when it is suspended */
struct mus_addr mus__http_addr(const struct sockaddr *sa);	/* family 0: none, NULL */

/* ---- http_req.c: what the library calls ---- */
void *mus__http_on_line(void *cls, const char *target, struct MHD_Connection *conn);
enum MHD_Result mus__http_on_access(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *data, size_t *data_len, void **req_cls);
void mus__http_on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
    enum MHD_RequestTerminationCode why);
/* Has ${response} (NULL: no memory) sent with the next turn. */
void mus__http_answer(struct mus_http_req *r, unsigned status, struct MHD_Response *response);

/* ---- http_stream.c ---- */
void mus__http_stop_watch(struct mus_http_stream *s);
void mus__http_stream_free(struct mus_http_stream *s);	/* tells who wanted to know */

/* ---- http_tls.c ---- */
/* Reads and checks the files of ${o}; without any only a loopback address is right. */
int mus__http_load_pem(const struct mus_httpd_opts *o, struct http_pem *p, struct mus_errtext *et);
void mus__http_pem_clear(struct http_pem *p);

#endif
