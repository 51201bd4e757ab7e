#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#include "io/loop_priv.h"
#include "io/loop.h"

enum { HOOKS_MAX = 8, POSTS_MAX = 65536, CLOSE_TURNS_MAX = 1000 };

struct call {
	mus_loop_fn *fn;
	void *arg;
};

struct sig {
	uv_signal_t uv;
	struct call call;
	struct sig *next;
};

struct mus_loop {
	uv_loop_t uv;
	uv_prepare_t prepare;		/* runs right before the loop sleeps */
	uv_async_t async;		/* wakes the loop for posts */
	struct mus_loop *self;		/* to note the clock through a const pointer */
	struct mus_time now;		/* wall clock of this turn */
	bool now_is_read;
	int64_t boot_ms;
	char boot_id[40];
	bool in_timer;			/* a timer callback is running */
	struct call hook[HOOKS_MAX];
	size_t hook_count;
	struct mus__flusher *flushers;	/* in the order of registration */
	struct sig *sigs;

	pthread_mutex_t lock;		/* of the three below: other threads post */
	struct call *posts;
	size_t post_count, post_cap;
};

struct mus_timer {
	uv_timer_t uv;
	struct mus_loop *loop;
	struct call call;
};

static void
end_turn(struct mus_loop *l)
{
	size_t i;
	struct mus__flusher *f;

	for (i = 0; i < l->hook_count; i++)
		l->hook[i].fn(l->hook[i].arg);
	for (f = l->flushers; f; f = f->next)
		f->fn(f->arg);
	l->now_is_read = false;		/* what comes next is a new turn */
}

static void
on_prepare(uv_prepare_t *h)
{
	end_turn(h->data);
}

static void
on_posts(uv_async_t *h)
{
	struct mus_loop *l = h->data;
	struct call *posts;
	size_t count, i;

	/* What these post in turn waits for the next turn. */
	pthread_mutex_lock(&l->lock);
	posts = l->posts;
	count = l->post_count;
	l->posts = NULL;
	l->post_count = l->post_cap = 0;
	pthread_mutex_unlock(&l->lock);
	for (i = 0; i < count; i++)
		posts[i].fn(posts[i].arg);
	free(posts);
}

static void
read_boot_id(struct mus_loop *l)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f)
		return;
	if (!fgets(l->boot_id, sizeof l->boot_id, f))
		l->boot_id[0] = '\0';
	l->boot_id[strcspn(l->boot_id, "\n")] = '\0';
	fclose(f);
}

struct mus_loop *
mus_loop_new(void)
{
	struct mus_loop *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	if (uv_loop_init(&l->uv) < 0) {
		free(l);
		return NULL;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	l->self = l;
	read_boot_id(l);
	l->uv.data = l;
	pthread_mutex_init(&l->lock, NULL);
	if (uv_async_init(&l->uv, &l->async, on_posts) < 0) {
		(void)uv_loop_close(&l->uv);
		pthread_mutex_destroy(&l->lock);
		free(l);
		return NULL;
	}
	l->async.data = l;
	(void)uv_prepare_init(&l->uv, &l->prepare);
	l->prepare.data = l;
	(void)uv_prepare_start(&l->prepare, on_prepare);
	return l;
}

static void
on_sig_closed(uv_handle_t *h)
{
	free(h->data);
}

void
mus_loop_free(struct mus_loop *l)
{
	struct sig *s, *next;
	int i, rc = UV_EBUSY;

	if (!l)
		return;
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->async, NULL);
	for (s = l->sigs; s; s = next) {
		next = s->next;
		uv_close((uv_handle_t *)&s->uv, on_sig_closed);
	}
	for (i = 0; i < CLOSE_TURNS_MAX && rc == UV_EBUSY; i++) {
		(void)uv_run(&l->uv, UV_RUN_NOWAIT);
		rc = uv_loop_close(&l->uv);
	}
	if (rc < 0)
		uv_print_all_handles(&l->uv, stderr);
	MUS_ASSERT(rc == 0);		/* somebody left a handle open */
	pthread_mutex_destroy(&l->lock);
	free(l->posts);
	free(l);
}

void
mus_loop_run(struct mus_loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
	/* The callbacks after which the loop was stopped were a turn too. */
	end_turn(l);
}

void
mus_loop_stop(struct mus_loop *l)
{
	uv_stop(&l->uv);
}

struct mus_time
mus_loop_now(const struct mus_loop *l)
{
	struct mus_loop *w = l->self;
	struct timespec ts;

	if (!w->now_is_read) {
		(void)clock_gettime(CLOCK_REALTIME, &ts);
		w->now.ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
		(void)clock_gettime(CLOCK_BOOTTIME, &ts);
		w->boot_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
		w->now_is_read = true;
	}
	return w->now;
}

int64_t
mus_loop_boot_ms(const struct mus_loop *l)
{
	(void)mus_loop_now(l);
	return l->self->boot_ms;
}

const char *
mus_loop_boot_id(const struct mus_loop *l)
{
	return l->boot_id;
}

int64_t
mus_loop_mono_ms(const struct mus_loop *l)
{
	return (int64_t)uv_now(&l->uv);
}

struct uv_loop_s *
mus_loop_uv(struct mus_loop *l)
{
	return &l->uv;
}

/* ---- timers ---- */

struct mus_timer *
mus_timer_new(struct mus_loop *l, mus_loop_fn *fn, void *arg)
{
	struct mus_timer *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->loop = l;
	t->call = (struct call){fn, arg};
	(void)uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	return t;
}

static void
on_timer(uv_timer_t *h)
{
	struct mus_timer *t = h->data;
	struct mus_loop *l = t->loop;

	l->in_timer = true;
	t->call.fn(t->call.arg);	/* may free the timer */
	l->in_timer = false;
}

void
mus_timer_start(struct mus_timer *t, int64_t after_ms)
{
	/* libuv runs due timers until none is due: one that starts itself again with 0 in its own
	 * callback would never let the loop go on. */
	if (after_ms <= 0)
		after_ms = t->loop->in_timer ? 1 : 0;
	(void)uv_timer_start(&t->uv, on_timer, (uint64_t)after_ms, 0);
}

void
mus_timer_stop(struct mus_timer *t)
{
	(void)uv_timer_stop(&t->uv);
}

static void
on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

void
mus_timer_free(struct mus_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, on_timer_closed);
}

/* ---- end of turn, posts, signals ---- */

int
mus_loop_at_turn_end(struct mus_loop *l, mus_loop_fn *fn, void *arg)
{
	if (l->hook_count == HOOKS_MAX)
		return MUS_ERR_FULL;
	l->hook[l->hook_count++] = (struct call){fn, arg};
	return 0;
}

void
mus_loop_off_turn_end(struct mus_loop *l, mus_loop_fn *fn, void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < l->hook_count; i++)
		if (l->hook[i].fn != fn || l->hook[i].arg != arg)
			l->hook[n++] = l->hook[i];
	l->hook_count = n;
}

void
mus__loop_add_flusher(struct mus_loop *l, struct mus__flusher *f)
{
	struct mus__flusher **p = &l->flushers;

	while (*p)
		p = &(*p)->next;
	f->next = NULL;
	*p = f;
}

void
mus__loop_remove_flusher(struct mus_loop *l, struct mus__flusher *f)
{
	struct mus__flusher **p = &l->flushers;

	while (*p && *p != f)
		p = &(*p)->next;
	if (*p)
		*p = f->next;
}

int
mus_loop_post(struct mus_loop *l, mus_loop_fn *fn, void *arg)
{
	struct call *p;
	size_t cap;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	if (l->post_count == POSTS_MAX) {
		rc = MUS_ERR_FULL;
	} else if (l->post_count == l->post_cap) {
		cap = l->post_cap ? l->post_cap * 2 : 64;
		p = realloc(l->posts, cap * sizeof *p);
		if (p) {
			l->posts = p;
			l->post_cap = cap;
		} else {
			rc = MUS_ERR_NOMEM;
		}
	}
	if (rc == 0)
		l->posts[l->post_count++] = (struct call){fn, arg};
	pthread_mutex_unlock(&l->lock);
	if (rc == 0)
		(void)uv_async_send(&l->async);
	return rc;
}

static void
on_signal(uv_signal_t *h, int signum)
{
	struct sig *s = h->data;

	(void)signum;
	s->call.fn(s->call.arg);
}

int
mus_loop_on_signal(struct mus_loop *l, int signum, mus_loop_fn *fn, void *arg)
{
	struct sig *s = calloc(1, sizeof *s);

	if (!s)
		return MUS_ERR_NOMEM;
	if (uv_signal_init(&l->uv, &s->uv) < 0) {
		free(s);
		return MUS_ERR_NOMEM;
	}
	s->uv.data = s;
	s->call = (struct call){fn, arg};
	s->next = l->sigs;
	l->sigs = s;			/* closed with the loop, started or not */
	return uv_signal_start(&s->uv, on_signal, signum) < 0 ? MUS_ERR_INVAL : 0;
}
