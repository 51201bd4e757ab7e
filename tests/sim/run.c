#include "run.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 16, WORKERS_MAX = 64 };

/* What a worker has done; shared with the one that started it. */
struct worker {
	struct run run;
	uint64_t seed;			/* at work on this one */
};
struct shared {
	_Atomic uint64_t next;
	struct worker worker[WORKERS_MAX];
};

static struct world w;

static struct run_sum *
sum_of(struct run *r, unsigned apart)
{
	for (unsigned c = 0; c < RUN_APART_COUNT; c++)
		if (apart >> c & 1)
			return &r->apart[c];
	return &r->all;
}

static void
note_seed(struct run *r, uint64_t seed, enum history_end end)
{
	unsigned i = r->seed_count;

	if (i == RUN_SEEDS_MAX && seed > r->seeds[i - 1].seed)
		return;
	if (i < RUN_SEEDS_MAX)
		r->seed_count++;
	else
		i--;
	for (; i > 0 && r->seeds[i - 1].seed > seed; i--)
		r->seeds[i] = r->seeds[i - 1];
	r->seeds[i].seed = seed;
	r->seeds[i].end = end;
}

static void
note_example(uint64_t *example, uint64_t seed)
{
	if (seed != 0 && (*example == 0 || seed < *example))
		*example = seed;
}

static void
one(uint64_t seed, const struct run_options *o, struct run *r)
{
	struct history h = {.resolvers = o->resolvers, .shape = o->shape};
	struct run_sum *sum;
	enum history_end end;

	history_begin(&w, &h, seed);
	end = history_run(&w, &h);
	sum = sum_of(r, w.apart);
	sum->count++;
	sum->bad[end]++;
	note_example(&sum->example[end], seed);
	r->histories++;
	for (unsigned e = 0; e < WORLD_EV_COUNT; e++) {
		r->kinds[e] += w.events[e];
		r->events += w.events[e];
	}
	r->secure += w.resolvers.secure;
	r->bogus += w.resolvers.bogus;
	r->insecure += w.resolvers.insecure;
	r->failed += w.resolvers.failed;
	if (sum == &r->all && end != HISTORY_GOOD)
		note_seed(r, seed, end);
	world_free(&w);
}

static uint64_t
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
work(struct shared *shared, struct worker *me, const struct run_options *o)
{
	uint64_t from, begun = cpu_ms();

	while ((from = atomic_fetch_add(&shared->next, BLOCK)) < o->histories)
		for (uint64_t i = from; i < from + BLOCK && i < o->histories; i++) {
			me->seed = o->seed + i;
			one(me->seed, o, &me->run);
		}
	me->run.cpu_ms = cpu_ms() - begun;
}

static void
add_sum(struct run_sum *to, const struct run_sum *from)
{
	to->count += from->count;
	for (unsigned e = 0; e < HISTORY_END_COUNT; e++) {
		to->bad[e] += from->bad[e];
		note_example(&to->example[e], from->example[e]);
	}
}

static void
add_run(struct run *to, const struct run *from)
{
	to->histories += from->histories;
	to->events += from->events;
	add_sum(&to->all, &from->all);
	for (unsigned c = 0; c < RUN_APART_COUNT; c++)
		add_sum(&to->apart[c], &from->apart[c]);
	for (unsigned e = 0; e < WORLD_EV_COUNT; e++)
		to->kinds[e] += from->kinds[e];
	to->secure += from->secure;
	to->bogus += from->bogus;
	to->insecure += from->insecure;
	to->failed += from->failed;
	to->cpu_ms += from->cpu_ms;
	for (unsigned i = 0; i < from->seed_count; i++)
		note_seed(to, from->seeds[i].seed, from->seeds[i].end);
}

bool
run_histories(const struct run_options *o, struct run *out)
{
	unsigned workers = o->workers < WORKERS_MAX ? o->workers : WORKERS_MAX;
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[WORKERS_MAX];
	bool good = true;

	if (shared == MAP_FAILED)
		abort();
	fflush(NULL);
	for (unsigned i = 0; i < workers; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			work(shared, &shared->worker[i], o);
			exit(0);
		}
		if (pid[i] < 0)
			abort();
	}
	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < workers; i++) {
		int status = -1;

		if (waitpid(pid[i], &status, 0) != pid[i] || status != 0) {
			fprintf(stderr, "sim: a worker died at seed %llu\n", (unsigned long long)shared->worker[i].seed);
			good = false;
		}
		add_run(out, &shared->worker[i].run);
	}
	munmap(shared, sizeof *shared);
	return good && out->histories == o->histories;
}

static void
tell_end(FILE *to, enum history_end end)
{
	fprintf(to, RUN_END "%s\n", history_end_text(end));
	if (w.oracle.first[0])
		fprintf(to, "  the oracle, at %s\n", w.oracle.first);
	if (w.resolvers.first[0])
		fprintf(to, "  a resolver, at %s\n", w.resolvers.first);
	if (end != HISTORY_STUCK)
		return;
	for (unsigned i = 0; i < w.plan.wait_count; i++) {
		const struct mus_witness *v = &w.plan.wait[i];

		fprintf(to, "  it waits for %s (%s) at %c, %s\n", mus_rule_text(v->rule), mus_rule_sentence(v->rule),
		    v->origin == MUS_PARENT ? 'P' : 'A' + v->origin,
		    v->kind < MUS_RR_COUNT ? mus_rr_text((enum mus_rr_kind)v->kind) : "-");
	}
	for (unsigned s = 0; s < w.signer_count; s++) {
		char keys[200], names[200];

		fprintf(to, "  %c shows DNSKEY {%s}, NS {%s}, roll-over %d step %u\n", 'A' + s,
		    world_keys_text(&w, w.signer[s].copy.rr[MUS_RR_KEY].set, keys, sizeof keys),
		    world_names_text(&w, w.signer[s].copy.rr[MUS_RR_NS].set, names, sizeof names),
		    w.signer[s].roll.kind, w.signer[s].roll.step);
	}
}

enum history_end
run_story(uint64_t seed, const struct run_options *o, FILE *to)
{
	struct history h = {.resolvers = o->resolvers, .shape = o->shape};
	enum history_end end;

	w.story = to;
	history_begin(&w, &h, seed);
	end = history_run(&w, &h);
	tell_end(to, end);
	w.story = NULL;
	world_free(&w);
	return end;
}
