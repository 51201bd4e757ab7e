/*
 * Programs run beside the loop: what an operator has configured to be run.  No shell; standard input is empty,
 * nothing else that is open here is open there, and each is a process group of its own.  It has ended when its
 * first process has: what it has left running in its group is killed then.  One that takes too long is asked to
 * end (SIGTERM), and killed a little later.  Nothing here waits; a program that fails is a result, not an error.
 */
#ifndef MUS_IO_RUN_H
#define MUS_IO_RUN_H

#include "io/loop.h"

enum {
	MUS_RUN_OUTPUT_MAX = 4096,	/* bytes kept: the last ones */
	MUS_RUN_LAST_MAX = 200,
	MUS_RUN_TEXT_MAX = 320,
	MUS_RUN_WORDS_MAX = 64 << 10,	/* bytes of argv and env of one, in an arena */
};

enum mus_run_end {
	MUS_RUN_EXITED,			/* code: exit status */
	MUS_RUN_SIGNALLED,		/* code: signal */
	MUS_RUN_TIMED_OUT,		/* asked to end, or killed, by us */
	MUS_RUN_NOT_STARTED,		/* code: errno */
};
struct mus_run_result {
	enum mus_run_end end;
	int code;
	int64_t took_ms;
	const char *output;		/* standard output and error as they came; lent for the call */
	size_t output_len;
	char last[MUS_RUN_LAST_MAX];	/* its last line that is not empty, printable */
};
typedef void mus_run_fn(void *arg, const struct mus_run_result *r);

struct mus_runs;
/* At most ${at_once} run at a time, and ${waiting_max} wait for their turn.  NULL: no memory. */
struct mus_runs *mus_runs_new(struct mus_loop *l, unsigned at_once, unsigned waiting_max);
/* Kills what runs; nothing calls back any more. */
void mus_runs_free(struct mus_runs *set);

struct mus_run_cmd {
	const char *const *argv;	/* ends with NULL; the first is a path.  Copied, as env is */
	const char *const *env;		/* NAME=VALUE, ends with NULL: the whole environment */
	int64_t timeout_ms;
};
/* ${fn} comes once, from the loop, unless this fails (FULL, NOMEM) or the set ends before. */
int mus_run_start(struct mus_runs *set, const struct mus_run_cmd *cmd, mus_run_fn *fn, void *arg) MUS_MUST_CHECK;

bool mus_run_is_well(const struct mus_run_result *r);	/* exit status 0 */
/* "exit status 1: zone not found", "no end within ...": for people; ${out} is given back. */
const char *mus_run_text(const struct mus_run_result *r, char out[static MUS_RUN_TEXT_MAX]);

#endif
