#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "io/sock_priv.h"
#include "io/xfrin.h"

enum {
	IN_CAP = 2 * (2 + MUS_MSG_MAX),	/* a whole message always fits behind a part of one */
	OUT_CAP = 2048,
	READ_ROUNDS = 4,
};

struct mus_xfrin {
	struct mus_loop *loop;
	struct mus_xfrin_opts o;
	mus_xfr_rr_fn *rr;
	mus_xfrin_done_fn *done;
	void *arg;
	uv_poll_t poll;
	bool has_poll;
	int fd;
	struct mus_timer *timer;	/* idle; or, without connection, the failure to tell */
	struct mus_timer *limit;	/* the end of the whole, or of a stretch at which the rate is looked at */
	int64_t end_ms, pace_end_ms;	/* monotonic; INT64_MAX: no bound */
	uint64_t pace_bytes;		/* when this stretch began */
	struct mus_tsig_ctx tsig;
	struct mus_xfr *xfr;
	bool up, feeding, cancelled;
	int err;			/* known at the start, told from the loop */
	struct mus_errtext words;
	uint64_t bytes;
	size_t out_len, out_off, in_len;
	uint8_t out[OUT_CAP];
	uint8_t in[IN_CAP];
};

/* ---- end ---- */

static void
release(struct mus_xfrin *x)
{
	mus_timer_free(x->timer);
	mus_timer_free(x->limit);
	mus_xfr_free(x->xfr);
	mus_tsig_ctx_clear(&x->tsig);
	free(x);
}

static void
on_closed(uv_handle_t *h)
{
	release(h->data);
}

static void
shut(struct mus_xfrin *x)
{
	if (x->timer)
		mus_timer_stop(x->timer);
	if (x->limit)
		mus_timer_stop(x->limit);
	if (x->has_poll)
		uv_close((uv_handle_t *)&x->poll, on_closed);
	if (x->fd >= 0)
		(void)close(x->fd);
	if (!x->has_poll)
		release(x);
}

static void
finish(struct mus_xfrin *x, int err)
{
	mus_xfrin_done_fn *done = x->done;
	struct mus_errtext words = x->words;
	uint64_t bytes = x->bytes;
	void *arg = x->arg;

	shut(x);
	done(arg, err, &words, bytes);
}

static void finish_words(struct mus_xfrin *x, int err, const char *fmt, ...) MUS_PRINTF(3, 4);

/* "192.0.2.1 tcp: zone transfer of example.org.: ..." */
static void
put_words(struct mus_xfrin *x, int err, const char *what)
{
	static const char said[] = "zone transfer: ";	/* the reader of the stream says it too */
	char addr[MUS_ADDR_TEXT_MAX], name[MUS_NAME_TEXT_MAX];

	if (strncmp(what, said, sizeof said - 1) == 0)
		what += sizeof said - 1;
	(void)mus_errf(&x->words, err, "%s tcp: zone transfer of %s: %s",
	    mus_addr_text(&x->o.server, 53, addr), mus_name_text(&x->o.zone, name), what);
}

static void
finish_words(struct mus_xfrin *x, int err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	put_words(x, err, what);
	finish(x, err);
}

static void
finish_errno(struct mus_xfrin *x, int eno)
{
	char text[128];

	finish_words(x, MUS_ERR_NET, "%s", uv_strerror_r(-eno, text, sizeof text));
}

static void
on_timeout(void *arg)
{
	struct mus_xfrin *x = arg;

	if (x->err)
		finish(x, x->err);
	else
		finish_words(x, MUS_ERR_TIMEOUT, "no %s in %u ms (%llu bytes so far)",
		    x->up ? "message" : "connection", x->o.idle_timeout_ms,
		    (unsigned long long)x->bytes);
}

/* ---- bounds ---- */

/* A whole number of the largest unit: "4 GiB". */
static const char *
size_text(uint64_t bytes, char out[static 32])
{
	static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB"};
	unsigned u = 0;

	for (; u < 3 && bytes > 0 && bytes % 1024 == 0; u++)
		bytes /= 1024;
	(void)snprintf(out, 32, "%llu %s", (unsigned long long)bytes, unit[u]);
	return out;
}

/* ${what} says the same each time: whoever tells failures tells it once. */
static void
finish_bound(struct mus_xfrin *x, int err, const char *key, const char *what)
{
	if (x->o.conf)
		finish_words(x, err, "%s; %s-%s sets the bound", what, x->o.conf, key);
	else
		finish_words(x, err, "%s", what);
}

static void
too_large(struct mus_xfrin *x)
{
	char what[64], size[32];

	(void)snprintf(what, sizeof what, "more than %s", size_text(x->o.max_bytes, size));
	finish_bound(x, MUS_ERR_TOOBIG, "size", what);
}

static void
too_long(struct mus_xfrin *x)
{
	char what[64], span[MUS_SPAN_TEXT_MAX];

	(void)snprintf(what, sizeof what, "no end after %s", mus_span_text_s(x->o.max_ms / 1000, span));
	finish_bound(x, MUS_ERR_TIMEOUT, "time", what);
}

static void
too_slow(struct mus_xfrin *x)
{
	char what[64];

	(void)snprintf(what, sizeof what, "fewer than %llu bytes a second", (unsigned long long)x->o.min_rate);
	finish_bound(x, MUS_ERR_TIMEOUT, "rate", what);
}

static void
set_limit(struct mus_xfrin *x)
{
	int64_t next = x->end_ms < x->pace_end_ms ? x->end_ms : x->pace_end_ms;

	if (next != INT64_MAX)
		mus_timer_start(x->limit, next - mus_loop_mono_ms(x->loop));
}

static void
on_limit(void *arg)
{
	struct mus_xfrin *x = arg;
	int64_t now_ms = mus_loop_mono_ms(x->loop);

	if (now_ms >= x->end_ms) {
		too_long(x);
		return;
	}
	if (now_ms >= x->pace_end_ms) {
		if ((x->bytes - x->pace_bytes) * 1000 < x->o.min_rate * x->o.pace_ms) {
			too_slow(x);
			return;
		}
		x->pace_bytes = x->bytes;
		x->pace_end_ms = now_ms + x->o.pace_ms;
	}
	set_limit(x);
}

static void
begin_limits(struct mus_xfrin *x)
{
	int64_t now_ms = mus_loop_mono_ms(x->loop);

	x->end_ms = x->o.max_ms > 0 ? now_ms + x->o.max_ms : INT64_MAX;
	x->pace_end_ms = x->o.min_rate > 0 ? now_ms + x->o.pace_ms : INT64_MAX;
	set_limit(x);
}

/* ---- reading and writing ---- */

/* Nothing is handed out any more once the user has said so, not even the rest of a message. */
static int
on_rr(void *arg, const struct mus_rr *rr)
{
	struct mus_xfrin *x = arg;
	int rc = x->rr(x->arg, rr);

	return x->cancelled ? MUS_ERR_CANCELLED : rc;
}

/* Feeds the whole messages that are there; false: ${x} is gone. */
static bool
feed(struct mus_xfrin *x)
{
	size_t at = 0, len;
	struct mus_errtext et;
	int rc = MUS_XFR_MORE;

	while (x->in_len - at >= 2 &&
	    x->in_len - at - 2 >= (len = (size_t)x->in[at] << 8 | x->in[at + 1])) {
		mus_timer_start(x->timer, x->o.idle_timeout_ms);
		x->feeding = true;
		et.s[0] = '\0';
		rc = mus_xfr_feed(x->xfr, x->in + at + 2, len, mus_loop_now(x->loop), &et);
		x->feeding = false;
		if (x->cancelled) {
			shut(x);
			return false;
		}
		if (rc < 0) {
			finish_words(x, rc, "%s", et.s[0] ? et.s : mus_err_text(rc));
			return false;
		}
		if (rc == MUS_XFR_DONE) {
			x->words.s[0] = '\0';
			finish(x, 0);
			return false;
		}
		at += 2 + len;
	}
	memmove(x->in, x->in + at, x->in_len - at);
	x->in_len -= at;
	return true;
}

/* false: ${x} is gone. */
static bool
read_some(struct mus_xfrin *x)
{
	int rounds;
	ssize_t n;

	for (rounds = 0; rounds < READ_ROUNDS; rounds++) {
		n = recv(x->fd, x->in + x->in_len, IN_CAP - x->in_len, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			finish_errno(x, errno);
			return false;
		}
		if (n == 0) {
			finish_words(x, MUS_ERR_NET,
			    "connection closed by the server before the end (%llu bytes so far)",
			    (unsigned long long)x->bytes);
			return false;
		}
		x->in_len += (size_t)n;
		x->bytes += (uint64_t)n;
		if (x->o.max_bytes > 0 && x->bytes > x->o.max_bytes) {
			too_large(x);
			return false;
		}
		if (!feed(x))
			return false;
	}
	return true;
}

static bool
write_some(struct mus_xfrin *x)
{
	ssize_t n;

	while (x->out_off < x->out_len) {
		n = send(x->fd, x->out + x->out_off, x->out_len - x->out_off, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			finish_errno(x, errno);
			return false;
		}
		x->out_off += (size_t)n;
	}
	return true;
}

static void
on_poll(uv_poll_t *h, int status, int events)
{
	struct mus_xfrin *x = h->data;
	socklen_t len = sizeof(int);
	int eno = 0;

	if (!x->up) {
		(void)getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &eno, &len);
		if (eno != 0 || status < 0) {
			finish_errno(x, eno ? eno : -status);
			return;
		}
		if (!(events & UV_WRITABLE))
			return;
		x->up = true;
		mus_timer_start(x->timer, x->o.idle_timeout_ms);
	}
	if (!write_some(x) || !read_some(x))
		return;
	if (status < 0) {
		finish_words(x, MUS_ERR_NET, "connection closed by the server");
		return;
	}
	(void)uv_poll_start(&x->poll, UV_READABLE | (x->out_off < x->out_len ? UV_WRITABLE : 0),
	    on_poll);
}

/* ---- start ---- */

/* 0 or a negative errno. */
static int
connect_to(struct mus_xfrin *x)
{
	struct sockaddr_storage sa;
	socklen_t len = mus__sockaddr_of(&x->o.server, &sa);
	int on = 1, rc;

	x->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd < 0)
		return -errno;
	(void)setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	do {
		rc = connect(x->fd, (struct sockaddr *)&sa, len);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno != EINPROGRESS)
		return -errno;
	if ((rc = uv_poll_init(mus_loop_uv(x->loop), &x->poll, x->fd)) < 0)
		return rc;
	x->has_poll = true;
	x->poll.data = x;
	return uv_poll_start(&x->poll, UV_READABLE | UV_WRITABLE, on_poll);
}

int
mus_xfrin_start(struct mus_loop *l, const struct mus_xfrin_opts *o, mus_xfr_rr_fn *rr,
    mus_xfrin_done_fn *done, void *arg, struct mus_xfrin **cookie)
{
	struct mus_query q = {.name = o->zone, .type = MUS_TYPE_AXFR};
	struct mus_xfrin *x;
	char text[128];
	uint16_t id;
	int n, rc = MUS_ERR_NOMEM;

	if ((o->server.family != 4 && o->server.family != 6) || o->zone.len == 0)
		return MUS_ERR_INVAL;
	if (!(x = malloc(sizeof *x)))
		return MUS_ERR_NOMEM;
	memset(x, 0, offsetof(struct mus_xfrin, out));
	x->loop = l;
	x->o = *o;
	if (x->o.idle_timeout_ms == 0)
		x->o.idle_timeout_ms = 10000;
	if (x->o.pace_ms == 0)
		x->o.pace_ms = 60000;
	x->rr = rr;
	x->done = done;
	x->arg = arg;
	x->fd = -1;
	mus_tsig_ctx_init(&x->tsig, o->key);
	MUS_ASSERT(getrandom(&id, sizeof id, 0) == sizeof id);
	x->timer = mus_timer_new(l, on_timeout, x);
	x->limit = mus_timer_new(l, on_limit, x);
	x->xfr = mus_xfr_new(&o->zone, id, o->key ? &x->tsig : NULL, on_rr, x);
	if (!x->timer || !x->limit || !x->xfr)
		goto fail;
	n = mus_query_build(&q, id, x->out + 2, OUT_CAP - 2);
	if (n >= 0 && o->key)
		n = mus_tsig_sign(&x->tsig, x->out + 2, (size_t)n, OUT_CAP - 2, mus_loop_now(l));
	if ((rc = n) < 0)
		goto fail;
	x->out[0] = (uint8_t)(n >> 8);
	x->out[1] = (uint8_t)n;
	x->out_len = 2 + (size_t)n;
	if ((rc = connect_to(x)) < 0) {
		x->err = MUS_ERR_NET;
		put_words(x, x->err, uv_strerror_r(rc, text, sizeof text));
	}
	mus_timer_start(x->timer, x->err ? 0 : x->o.idle_timeout_ms);
	if (!x->err)
		begin_limits(x);
	if (cookie)
		*cookie = x;
	return 0;
fail:
	release(x);
	return rc;
}

void
mus_xfrin_cancel(struct mus_xfrin *x)
{
	if (!x)
		return;
	if (x->feeding)
		x->cancelled = true;	/* feed() closes */
	else
		shut(x);
}
