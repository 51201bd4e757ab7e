/*
 * Addresses of name servers, shared by all children, kept for resolver.keep.
 */
#include <stdlib.h>
#include <string.h>

#include "scanner.h"

enum { HOSTS_MAX = 65536, RETRY_MS = 1000 };

struct waiter {
	struct waiter *next;
	scan_host_fn *fn;
	void *arg;
};
struct host {
	struct scanner *s;
	struct mus_name name;
	struct scan_host h;
	int64_t until_ms;		/* monotonic; known until then */
	bool asking;
	struct waiter *waiters;
};

int
scan_hosts_open(struct scanner *s)
{
	s->hosts = mus_map_new((uint64_t)mus_loop_mono_ms(s->loop), (uintptr_t)s);
	return s->hosts ? 0 : MUS_ERR_NOMEM;
}

static void
host_free(struct host *h)
{
	while (h->waiters) {
		struct waiter *w = h->waiters;

		h->waiters = w->next;
		free(w);
	}
	free(h);
}

void
scan_hosts_close(struct scanner *s)
{
	size_t pos = 0, len;
	const void *key;
	void *v;

	if (!s->hosts)
		return;
	while (mus_map_next(s->hosts, &pos, &key, &len, &v))
		host_free(v);
	mus_map_free(s->hosts);
	s->hosts = NULL;
}

/* Room for another: what is out of date goes. */
static bool
make_room(struct scanner *s)
{
	int64_t now_ms = mus_loop_mono_ms(s->loop);
	struct host *old[64];
	size_t pos = 0, len, n = 0;
	const void *key;
	void *v;

	if (mus_map_count(s->hosts) < HOSTS_MAX)
		return true;
	while (n < 64 && mus_map_next(s->hosts, &pos, &key, &len, &v)) {
		struct host *h = v;

		if (!h->asking && h->until_ms <= now_ms)
			old[n++] = h;
	}
	for (size_t i = 0; i < n; i++) {
		mus_map_remove(s->hosts, old[i]->name.wire, old[i]->name.len);
		host_free(old[i]);
	}
	return n > 0;
}

/* A half of the answer is none: a server that nobody asks might say otherwise. */
static int
err_of(const struct mus_lookup_addrs *r)
{
	if (r->err != 0 || r->half_err != 0)
		return r->err != 0 ? r->err : r->half_err;
	return r->security == MUS_LOOKUP_BOGUS ? MUS_ERR_BADSIG : 0;
}

static void
on_addrs(void *arg, const struct mus_lookup_addrs *r)
{
	struct host *h = arg;
	struct waiter *w = h->waiters;
	struct scan_host lent;

	h->asking = false;
	h->waiters = NULL;
	h->h = (struct scan_host){.err = err_of(r), .words = r->words, .count = r->count};
	memcpy(h->h.addr, r->addr, sizeof h->h.addr);
	h->until_ms = mus_loop_mono_ms(h->s->loop) +
	    (h->h.err ? RETRY_MS : h->s->conf->resolver.keep_s * 1000);
	lent = h->h;
	while (w) {
		struct waiter *next = w->next;

		w->fn(w->arg, &h->name, &lent);
		free(w);
		w = next;
	}
}

int
scan_host_get(struct scanner *s, const struct mus_name *name, scan_host_fn *fn, void *arg)
{
	struct host *h = mus_map_get(s->hosts, name->wire, name->len);
	struct waiter *w;
	int rc;

	if (h && !h->asking && h->until_ms > mus_loop_mono_ms(s->loop)) {
		struct scan_host lent = h->h;

		fn(arg, name, &lent);
		return 0;
	}
	if (!h) {
		if (!make_room(s))
			return MUS_ERR_FULL;
		h = calloc(1, sizeof *h);
		if (!h || mus_map_set(s->hosts, name->wire, name->len, h, NULL) < 0) {
			free(h);
			return MUS_ERR_NOMEM;
		}
		h->s = s;
		h->name = *name;
	}
	if (!h->asking) {
		if ((rc = mus_lookup_addrs(s->lookup, name, 53, on_addrs, h)) < 0)
			return rc;
		h->asking = true;
	}
	w = calloc(1, sizeof *w);
	if (!w)
		return MUS_ERR_NOMEM;
	*w = (struct waiter){.next = h->waiters, .fn = fn, .arg = arg};
	h->waiters = w;
	return 0;
}

void
scan_host_forget(struct scanner *s, const struct mus_name *name)
{
	struct host *h = mus_map_get(s->hosts, name->wire, name->len);

	if (h && !h->asking)
		h->until_ms = 0;
}
