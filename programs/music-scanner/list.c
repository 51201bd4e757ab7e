/*
 * Which children there are, and when each is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/msg.h"
#include "io/xfrin.h"
#include "scanner.h"

enum { CHILDREN_MAX = 4 << 20 };	/* those of the past too */

static void list_soon(struct scanner *s, int64_t after_ms);

/* ---- a heap by due time ------------------------------------------------------------------------- */

static void
put(struct scanner *s, uint32_t i, struct child *c)
{
	s->heap[i] = c;
	c->heap_idx = i;
}

static void
sift(struct scanner *s, uint32_t i)
{
	struct child *c = s->heap[i];

	for (; i > 0 && s->heap[(i - 1) / 2]->due_ms > c->due_ms; i = (i - 1) / 2)
		put(s, i, s->heap[(i - 1) / 2]);
	for (uint32_t k; (k = 2 * i + 1) < s->heap_count; i = k) {
		if (k + 1 < s->heap_count && s->heap[k + 1]->due_ms < s->heap[k]->due_ms)
			k++;
		if (s->heap[k]->due_ms >= c->due_ms)
			break;
		put(s, i, s->heap[k]);
	}
	put(s, i, c);
}

static void
heap_remove(struct scanner *s, struct child *c)
{
	uint32_t i = c->heap_idx;
	struct child *last;

	if (i == UINT32_MAX)
		return;
	c->heap_idx = UINT32_MAX;
	last = s->heap[--s->heap_count];
	if (last != c) {
		put(s, i, last);
		sift(s, i);
	}
}

static bool
heap_add(struct scanner *s, struct child *c)
{
	if (s->heap_count == s->heap_cap) {
		uint32_t cap = s->heap_cap ? s->heap_cap * 2 : 64;
		struct child **heap = realloc(s->heap, cap * sizeof(struct child *));

		if (!heap)
			return false;
		s->heap = heap;
		s->heap_cap = cap;
	}
	put(s, s->heap_count++, c);
	sift(s, c->heap_idx);
	return true;
}

/* ---- schedule ----------------------------------------------------------------------------------- */

static bool
is_all(const struct scanner *s)
{
	return s->conf->children.count == 0;
}

static void
stop_when_done(struct scanner *s)
{
	if (s->once && s->active == 0 && s->heap_count == 0 && (s->has_list || s->list_failed) &&
	    !s->listing)
		mus_loop_stop(s->loop);
}

static void
run(void *arg)
{
	struct scanner *s = arg;
	int64_t now_ms = mus_loop_mono_ms(s->loop);

	while (!s->stopping && s->heap_count > 0 && s->active < s->conf->parallel &&
	    s->heap[0]->due_ms <= now_ms) {
		struct child *c = s->heap[0];

		heap_remove(s, c);
		s->active++;
		scan_check_start(s, c);
	}
	if (s->heap_count > 0 && s->active < s->conf->parallel) {
		int64_t wait_ms = s->heap[0]->due_ms - now_ms;

		mus_timer_start(s->timer, wait_ms > 0 ? wait_ms : 0);
	}
	stop_when_done(s);
}

void
scan_child_wake(struct scanner *s, struct child *c, int64_t after_ms)
{
	heap_remove(s, c);
	c->due_ms = mus_loop_mono_ms(s->loop) + after_ms;
	if (heap_add(s, c) && c->heap_idx == 0)
		mus_timer_start(s->timer, after_ms);
}

static void
child_free(struct child *c)
{
	if (!c)
		return;
	scan_check_free(c->check);
	free(c->past);
	free(c);
}

void
scan_child_done(struct scanner *s, struct child *c, bool silent)
{
	int64_t every_ms = s->conf->interval_ms, retry_max_ms = s->conf->retry_max_ms, wait_ms;

	s->active--;
	c->check = NULL;
	c->looked = true;
	c->fails = silent ? c->fails + 1 : 0;
	wait_ms = mus_span_doubled_ms(every_ms, silent ? c->fails - 1 : 0,
	    retry_max_ms > every_ms ? retry_max_ms : every_ms);
	if (c->listed && !s->once)
		scan_child_wake(s, c, wait_ms);
	mus_timer_start(s->timer, 0);
}

struct child *
scan_child_get(struct scanner *s, const struct mus_name *name, bool make)
{
	struct child *c = mus_map_get(s->by_name, name->wire, name->len);

	if (c || !make || mus_map_count(s->by_name) >= CHILDREN_MAX)
		return c;
	c = calloc(1, sizeof *c);
	if (!c || mus_map_set(s->by_name, name->wire, name->len, c, NULL) < 0) {
		free(c);
		return NULL;
	}
	c->name = *name;
	c->heap_idx = UINT32_MAX;
	return c;
}

static bool
list_child(struct scanner *s, const struct mus_name *name)
{
	struct child *c = scan_child_get(s, name, true);

	if (!c)
		return false;
	if (!c->listed && !c->check && c->heap_idx == UINT32_MAX)
		scan_child_wake(s, c, 0);
	c->listed = true;
	return true;
}

/* ---- all delegations, by transfer --------------------------------------------------------------- */

/* A transfer under way. */
struct listing {
	struct scanner *s;
	struct mus_xfrin *xfrin;
	struct mus_map *found;		/* owners of NS */
	bool too_many;
};

static void
listing_free(struct listing *l)
{
	if (!l)
		return;
	mus_xfrin_cancel(l->xfrin);
	mus_map_free(l->found);
	free(l);
}

static int
on_rr(void *arg, const struct mus_rr *rr)
{
	struct listing *l = arg;

	if (rr->type != MUS_TYPE_NS || mus_name_equal(&rr->owner, &l->s->conf->parent.zone) ||
	    mus_map_get(l->found, rr->owner.wire, rr->owner.len))
		return 0;
	if (mus_map_count(l->found) >= (uint64_t)l->s->conf->parent.transfer_children) {
		l->too_many = true;
		return MUS_ERR_TOOBIG;
	}
	return mus_map_set(l->found, rr->owner.wire, rr->owner.len, l, NULL);
}

/* Children that have no delegation any more are looked at no more; what is known of them stays. */
static void
unlist(struct scanner *s, struct mus_map *found)
{
	size_t pos = 0, len;
	const void *key;
	void *v;

	while (mus_map_next(s->by_name, &pos, &key, &len, &v)) {
		struct child *c = v;

		if (mus_map_get(found, key, len))
			continue;
		if (c->listed)
			scan_report_changed(s);
		c->listed = false;
		heap_remove(s, c);
	}
}

/* What was found is what there is now. */
static void
take_list(struct scanner *s, struct mus_map *found)
{
	size_t pos = 0, len;
	const void *key;
	unsigned lost = 0;
	void *v;

	while (mus_map_next(found, &pos, &key, &len, &v)) {
		struct mus_name n;

		lost += mus_name_from_wire(key, len, &n) < 0 || !list_child(s, &n);
	}
	unlist(s, found);
	if (lost > 0)
		mus_log_error(&s->conf->parent.zone, NULL, "%u delegations are not followed: out of memory, "
		    "or more than %d were seen since the start", lost, CHILDREN_MAX);
}

static void
on_transferred(void *arg, int err, const struct mus_errtext *words, uint64_t bytes)
{
	struct listing *l = arg;
	struct scanner *s = l->s;
	struct mus_errtext et = *words;

	(void)bytes;
	l->xfrin = NULL;
	s->transfer = NULL;
	s->listing = false;
	s->has_list = err == 0;
	if (err == 0) {
		take_list(s, l->found);
	} else {
		if (l->too_many)
			(void)mus_errf(&et, err, "more than %lld delegations; parent.transfer-children sets the bound",
			    (long long)s->conf->parent.transfer_children);
		mus_log_warning(&s->conf->parent.zone, et.s, "cannot be transferred");
		s->list_failed = true;
	}
	listing_free(l);
	list_soon(s, s->conf->interval_ms);
	stop_when_done(s);
}

static void
transfer(struct scanner *s)
{
	struct mus_xfrin_opts o = {.server = s->conf->parent.primary, .zone = s->conf->parent.zone,
	    .key = s->key,
	    .max_bytes = (uint64_t)s->conf->parent.transfer_size,
	    .max_ms = s->conf->parent.transfer_ms,
	    .min_rate = (uint64_t)s->conf->parent.transfer_rate,
	    .conf = "parent.transfer"};
	struct listing *l = calloc(1, sizeof *l);

	if (!l || !(l->found = mus_map_new((uintptr_t)l, (uint64_t)mus_loop_mono_ms(s->loop))))
		goto fail;
	l->s = s;
	if (mus_xfrin_start(s->loop, &o, on_rr, on_transferred, l, &l->xfrin) < 0)
		goto fail;
	s->transfer = l;
	s->listing = true;
	return;
fail:
	listing_free(l);
	s->list_failed = true;
	s->has_list = false;
	list_soon(s, s->conf->interval_ms);
	stop_when_done(s);
}

static void
on_serial(void *arg, const struct mus_dnsx_answer *a)
{
	struct scanner *s = arg;
	struct mus_rrset soa = {.count = 0};
	uint32_t serial;

	s->listing = false;
	if (a->err != 0 || a->msg->rcode != MUS_RCODE_NOERROR || !a->msg->aa ||
	    !mus_msg_rrset(a->msg, MUS_SEC_ANSWER, &s->conf->parent.zone, MUS_TYPE_SOA, a->arena, &soa) ||
	    soa.rd[0].len < 22) {
		mus_log_warning(&s->conf->parent.zone, a->err ? a->words.s : NULL,
		    "the primary does not answer for the parent zone");
		s->list_failed = true;
		list_soon(s, s->conf->interval_ms);
		stop_when_done(s);
		return;
	}
	memcpy(&serial, soa.rd[0].data + soa.rd[0].len - 20, sizeof serial);
	if (s->has_list && serial == s->serial) {
		list_soon(s, s->conf->interval_ms);
		return;
	}
	s->serial = serial;		/* any byte order: only compared with itself */
	transfer(s);
}

static void
ask_serial(void *arg)
{
	struct scanner *s = arg;
	struct mus_dnsx_ask ask = {.server = s->conf->parent.primary, .via = MUS_VIA_AUTO,
	    .key = s->key, .query = {.name = s->conf->parent.zone, .type = MUS_TYPE_SOA}};

	if (s->stopping || s->listing)
		return;
	if (mus_dnsx_ask(s->dnsx, &ask, on_serial, s, NULL) < 0)
		list_soon(s, s->conf->interval_ms);
	else
		s->listing = true;
}

static void
list_soon(struct scanner *s, int64_t after_ms)
{
	if (!s->stopping && !(s->once && (s->has_list || s->list_failed)))
		mus_timer_start(s->list_timer, after_ms);
}

int
scan_list_open(struct scanner *s, struct mus_errtext *et)
{
	s->timer = mus_timer_new(s->loop, run, s);
	s->list_timer = mus_timer_new(s->loop, ask_serial, s);
	if (!s->timer || !s->list_timer)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	if (is_all(s)) {
		mus_timer_start(s->list_timer, 0);
		return 0;
	}
	s->has_list = true;
	for (size_t i = 0; i < s->conf->children.count; i++)
		if (!list_child(s, &s->conf->children.items[i]))
			return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	return 0;
}

void
scan_list_close(struct scanner *s)
{
	size_t pos = 0, len;
	const void *key;
	void *v;

	listing_free(s->transfer);
	s->transfer = NULL;
	if (s->by_name)
		while (mus_map_next(s->by_name, &pos, &key, &len, &v))
			child_free(v);
	mus_map_free(s->by_name);
	s->by_name = NULL;
	free(s->heap);
	s->heap = NULL;
	mus_timer_free(s->timer);
	mus_timer_free(s->list_timer);
}
