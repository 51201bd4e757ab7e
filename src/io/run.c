#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include "base/arena.h"
#include "io/run.h"

enum {
	GRACE_MS = 2000,		/* between SIGTERM and SIGKILL */
	CHUNK = 4096,
	READ_ROUNDS = 16,		/* then the loop goes on; all that a pipe holds */
};

struct run {
	struct mus_runs *set;
	TAILQ_ENTRY(run) link;
	struct mus_arena arena;
	char **argv, **env;
	int64_t timeout_ms, began_ms;
	mus_run_fn *fn;
	void *arg;
	pid_t pid;			/* and its process group; 0: none */
	int out;			/* -1: not open */
	uv_poll_t on_out;
	bool has_poll;
	struct mus_timer *timer;
	bool late;
	bool has_ended;			/* so: */
	enum mus_run_end end;
	int code;
	size_t len;
	char output[2 * MUS_RUN_OUTPUT_MAX];
};
TAILQ_HEAD(run_list, run);

struct mus_runs {
	struct mus_loop *loop;
	uv_signal_t child;
	struct mus_timer *pump;		/* tells of those that have ended, and starts those that wait */
	struct run_list waiting, running;
	unsigned at_once, running_count, waiting_max, waiting_count;
};

/* ---- memory --------------------------------------------------------------------------------- */

static char **
copy_words(struct mus_arena *a, const char *const *words)
{
	size_t count = 0;
	char **out;

	while (words[count])
		count++;
	out = mus_arena_alloc(a, (count + 1) * sizeof *out);
	for (size_t i = 0; out && i < count; i++)
		if (!(out[i] = mus_arena_strdup(a, words[i])))
			return NULL;
	return out;
}

static void
run_free(struct run *r)
{
	if (r->out >= 0)
		close(r->out);
	mus_timer_free(r->timer);
	mus_arena_clear(&r->arena);
	free(r);
}

static void
on_poll_closed(uv_handle_t *h)
{
	run_free(h->data);
}

/* Frees it as soon as the loop lets go of its pipe. */
static void
dismiss(struct run *r)
{
	if (r->has_poll)
		uv_close((uv_handle_t *)&r->on_out, on_poll_closed);
	else
		run_free(r);
}

/* ---- output --------------------------------------------------------------------------------- */

static void
keep(struct run *r, const char *bytes, size_t len)
{
	if (r->len + len > sizeof r->output) {
		size_t rest = MUS_RUN_OUTPUT_MAX - len;

		memmove(r->output, r->output + r->len - rest, rest);
		r->len = rest;
	}
	memcpy(r->output + r->len, bytes, len);
	r->len += len;
}

static void
take_output(struct run *r)
{
	char chunk[CHUNK];
	ssize_t n;

	for (unsigned i = 0; i < READ_ROUNDS; i++) {
		n = read(r->out, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		keep(r, chunk, (size_t)n);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		(void)uv_poll_stop(&r->on_out);
}

static void
last_line(const char *s, size_t len, char out[static MUS_RUN_LAST_MAX])
{
	size_t n = 0, begin;

	while (len > 0 && (unsigned char)s[len - 1] <= ' ')
		len--;
	for (begin = len; begin > 0 && s[begin - 1] != '\n'; begin--)
		;
	for (; begin < len && n + 1 < MUS_RUN_LAST_MAX; begin++)
		out[n++] = s[begin] >= ' ' && s[begin] <= '~' ? s[begin] : '?';
	out[n] = '\0';
}

/* ---- end ------------------------------------------------------------------------------------ */

/* Takes ${r} out of the set and tells; ${r} is gone afterwards. */
static void
tell(struct run *r)
{
	struct mus_runs *set = r->set;
	struct mus_run_result res = {.end = r->end, .code = r->code};
	size_t cut = r->len > MUS_RUN_OUTPUT_MAX ? r->len - MUS_RUN_OUTPUT_MAX : 0;

	TAILQ_REMOVE(&set->running, r, link);
	set->running_count--;
	res.took_ms = mus_loop_mono_ms(set->loop) - r->began_ms;
	res.output = r->output + cut;
	res.output_len = r->len - cut;
	last_line(res.output, res.output_len, res.last);
	r->fn(r->arg, &res);		/* may end the set */
	dismiss(r);
}

/* What is left of its group is killed while its number cannot be given to another yet: before it is reaped. */
static void
look_after(struct run *r)
{
	siginfo_t info = {.si_pid = 0};

	if (r->has_ended || waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return;
	(void)kill(-r->pid, SIGKILL);
	(void)waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG);
	take_output(r);
	(void)uv_poll_stop(&r->on_out);
	mus_timer_stop(r->timer);
	r->has_ended = true;
	r->end = r->late ? MUS_RUN_TIMED_OUT : info.si_code == CLD_EXITED ? MUS_RUN_EXITED : MUS_RUN_SIGNALLED;
	r->code = info.si_status;
	mus_timer_start(r->set->pump, 0);
}

/* One signal may stand for several. */
static void
on_child(uv_signal_t *h, int signum)
{
	struct mus_runs *set = h->data;
	struct run *r;

	(void)signum;
	TAILQ_FOREACH(r, &set->running, link)
		look_after(r);
}

static void
on_output(uv_poll_t *h, int status, int events)
{
	(void)status;
	(void)events;
	take_output(h->data);
}

static void
on_late(void *arg)
{
	struct run *r = arg;

	(void)kill(-r->pid, r->late ? SIGKILL : SIGTERM);
	if (!r->late)
		mus_timer_start(r->timer, GRACE_MS);
	r->late = true;
}

/* ---- start ---------------------------------------------------------------------------------- */

/* Its group is a session of its own, and signals are as a program expects them. */
static int
spawn_with(struct run *r, int out, posix_spawn_file_actions_t *fa, posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (rc || (rc = posix_spawnattr_setsigdefault(attr, &all)) || (rc = posix_spawnattr_setsigmask(attr, &none)) ||
	    (rc = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0)) ||
	    (rc = posix_spawn_file_actions_adddup2(fa, out, 1)) || (rc = posix_spawn_file_actions_adddup2(fa, 1, 2)) ||
	    (rc = posix_spawn_file_actions_addclosefrom_np(fa, 3)))
		return rc;
	return posix_spawn(&r->pid, r->argv[0], fa, attr, r->argv, r->env);
}

/* 0, or errno. */
static int
spawn(struct run *r, int out)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&fa);

	if (rc)
		return rc;
	if ((rc = posix_spawnattr_init(&attr)) == 0) {
		rc = spawn_with(r, out, &fa, &attr);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&fa);
	return rc;
}

/* 0, or errno, and then nothing runs. */
static int
begin(struct run *r)
{
	int pipe_fd[2], rc;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return errno;
	r->out = pipe_fd[0];
	rc = spawn(r, pipe_fd[1]);
	close(pipe_fd[1]);
	if (rc)
		return rc;
	/* A pipe that was just made can be watched: the loop has found room for the first. */
	MUS_ASSERT(uv_poll_init(mus_loop_uv(r->set->loop), &r->on_out, r->out) == 0);
	r->has_poll = true;
	r->on_out.data = r;
	(void)uv_poll_start(&r->on_out, UV_READABLE, on_output);
	mus_timer_start(r->timer, r->timeout_ms);
	return 0;
}

static struct run *
first_ended(const struct mus_runs *set)
{
	struct run *r;

	TAILQ_FOREACH(r, &set->running, link)
		if (r->has_ended)
			break;
	return r;
}

/* One at a time: who is told may end the set. */
static void
on_pump(void *arg)
{
	struct mus_runs *set = arg;
	struct run *r = first_ended(set);

	if (r) {
		mus_timer_start(set->pump, 0);
		tell(r);
		return;
	}
	if (!(r = TAILQ_FIRST(&set->waiting)) || set->running_count == set->at_once)
		return;
	mus_timer_start(set->pump, 0);
	TAILQ_REMOVE(&set->waiting, r, link);
	set->waiting_count--;
	TAILQ_INSERT_TAIL(&set->running, r, link);
	set->running_count++;
	r->began_ms = mus_loop_mono_ms(set->loop);
	if ((r->code = begin(r)) != 0) {
		r->has_ended = true;
		r->end = MUS_RUN_NOT_STARTED;
	}
}

int
mus_run_start(struct mus_runs *set, const struct mus_run_cmd *cmd, mus_run_fn *fn, void *arg)
{
	struct run *r;

	if (set->waiting_count == set->waiting_max)
		return MUS_ERR_FULL;
	if (!(r = calloc(1, sizeof *r)))
		return MUS_ERR_NOMEM;
	r->set = set;
	r->fn = fn;
	r->arg = arg;
	r->timeout_ms = cmd->timeout_ms;
	r->out = -1;
	mus_arena_init(&r->arena, MUS_RUN_WORDS_MAX);
	if (!(r->timer = mus_timer_new(set->loop, on_late, r)) || !(r->argv = copy_words(&r->arena, cmd->argv)) ||
	    !(r->env = copy_words(&r->arena, cmd->env))) {
		run_free(r);
		return MUS_ERR_NOMEM;
	}
	TAILQ_INSERT_TAIL(&set->waiting, r, link);
	set->waiting_count++;
	mus_timer_start(set->pump, 0);
	return 0;
}

/* ---- the set -------------------------------------------------------------------------------- */

struct mus_runs *
mus_runs_new(struct mus_loop *l, unsigned at_once, unsigned waiting_max)
{
	struct mus_runs *set = calloc(1, sizeof *set);

	if (!set)
		return NULL;
	set->loop = l;
	set->at_once = at_once;
	set->waiting_max = waiting_max;
	TAILQ_INIT(&set->waiting);
	TAILQ_INIT(&set->running);
	if (!(set->pump = mus_timer_new(l, on_pump, set)) || uv_signal_init(mus_loop_uv(l), &set->child) < 0) {
		mus_timer_free(set->pump);
		free(set);
		return NULL;
	}
	set->child.data = set;
	(void)uv_signal_start(&set->child, on_child, SIGCHLD);
	return set;
}

static void
on_set_closed(uv_handle_t *h)
{
	free(h->data);
}

void
mus_runs_free(struct mus_runs *set)
{
	struct run *r;

	if (!set)
		return;
	while ((r = TAILQ_FIRST(&set->waiting))) {
		TAILQ_REMOVE(&set->waiting, r, link);
		run_free(r);
	}
	while ((r = TAILQ_FIRST(&set->running))) {
		TAILQ_REMOVE(&set->running, r, link);
		if (!r->has_ended) {
			(void)kill(-r->pid, SIGKILL);
			(void)waitid(P_PID, (id_t)r->pid, &(siginfo_t){.si_pid = 0}, WEXITED | WNOHANG);
		}
		dismiss(r);
	}
	mus_timer_free(set->pump);
	uv_close((uv_handle_t *)&set->child, on_set_closed);
}

/* ---- words ---------------------------------------------------------------------------------- */

bool
mus_run_is_well(const struct mus_run_result *r)
{
	return r->end == MUS_RUN_EXITED && r->code == 0;
}

const char *
mus_run_text(const struct mus_run_result *r, char out[static MUS_RUN_TEXT_MAX])
{
	char span[MUS_SPAN_TEXT_MAX], what[120];

	switch (r->end) {
	case MUS_RUN_EXITED:
		snprintf(what, sizeof what, "exit status %d", r->code);
		break;
	case MUS_RUN_SIGNALLED:
		snprintf(what, sizeof what, "ended by signal %d", r->code);
		break;
	case MUS_RUN_TIMED_OUT:
		snprintf(what, sizeof what, "ended by us after %s", mus_span_text_s(r->took_ms / 1000, span));
		break;
	case MUS_RUN_NOT_STARTED:
		snprintf(what, sizeof what, "cannot be started: %s", strerrordesc_np(r->code));
		break;
	}
	snprintf(out, MUS_RUN_TEXT_MAX, "%s%s%s", what, r->last[0] ? ": " : "", r->last);
	return out;
}
