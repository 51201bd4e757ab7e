/*
 * sim: whole worlds on a virtual clock, the production core at the wheel (docs/simulator.md).
 *
 *   sim [--histories N] [--seed S] [--workers N]
 *   sim --replay SEED
 *
 * sim_cut is the same over a core from which parts can be taken out:
 *
 *   sim_cut --break PART[,PART...] ...
 *   sim_cut --mutants
 *   sim_cut --break PART[,PART...] --world N	a world of the mutants' table
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#ifdef SIM_CUTS
#include "break.h"
#include "mutants.h"
#endif

enum { STORIES = 3, STORY_LINES = 60 };

static const char *const apart_names[RUN_APART_COUNT] = {
    "a signer used a key before all had it", "a server went back to old data", "a leaver was declared lost",
    "a signer used a key before one that joins had it"};

/* The last lines of a story before ${until}. */
static const char *
last_lines(const char *text, const char *until)
{
	unsigned lines = 0;

	for (const char *p = until; p > text; p--)
		if (p[-1] == '\n' && lines++ == STORY_LINES)
			return p;
	return text;
}

/* What happened up to what went wrong, and what that was; the whole is there by --replay. */
static void
tell_failure(uint64_t seed, enum history_end end, const struct run_options *o)
{
	char *text = NULL, *wrong, *summary;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		abort();
	run_story(seed, o, f);
	fclose(f);
	summary = strstr(text, RUN_END);
	wrong = strstr(text, WORLD_WRONG);
	wrong = wrong ? strchr(wrong, '\n') + 1 : summary;
	printf("sim: seed %" PRIu64 " is %s; the whole story: make sim REPLAY=%" PRIu64 "\n", seed,
	    history_end_text(end), seed);
	printf("%.*s%s", (int)(wrong - last_lines(text, wrong)), last_lines(text, wrong), summary);
	free(text);
}

static void
tell_sum(const struct run *r, double s)
{
	static const char *const names[WORLD_EV_COUNT] = {"loads", "commands", "scans", "publications", "re-signings",
	    "rounds", "orders", "signers' acts", "faults", "questions"};

	printf("sim: events:");
	for (unsigned e = 0; e < WORLD_EV_COUNT; e++)
		printf("%s %" PRIu64 " %s", e ? "," : "", r->kinds[e], names[e]);
	printf("\nsim: answers: %" PRIu64 " secure, %" PRIu64 " bogus, %" PRIu64 " insecure, %" PRIu64 " failed\n", r->secure,
	    r->bogus, r->insecure, r->failed);
	for (unsigned c = 0; c < RUN_APART_COUNT; c++) {
		const struct run_sum *a = &r->apart[c];

		printf("sim: apart, for nobody can promise zero: %s: %" PRIu64 " histories", apart_names[c], a->count);
		for (enum history_end e = HISTORY_BOGUS; e <= HISTORY_STUCK; e++) {
			printf(", %" PRIu64 " %s", a->bad[e], history_end_text(e));
			if (a->example[e])
				printf(" (as seed %" PRIu64 ")", a->example[e]);
		}
		printf("\n");
	}
	printf("sim: %.1f s, %.0f events/s per core, %.0f events per history\n", s,
	    r->cpu_ms ? (double)r->events * 1000 / (double)r->cpu_ms : 0,
	    r->histories ? (double)r->events / (double)r->histories : 0);
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
run(const struct run_options *o)
{
	static struct run r;
	double begun = now_s();
	bool good = run_histories(o, &r);

	for (unsigned i = 0; i < r.seed_count && i < STORIES; i++)
		tell_failure(r.seeds[i].seed, r.seeds[i].end, o);
	for (unsigned i = STORIES; i < r.seed_count; i++)
		printf("sim: seed %" PRIu64 " is %s\n", r.seeds[i].seed, history_end_text(r.seeds[i].end));
	tell_sum(&r, now_s() - begun);
	printf("sim: %" PRIu64 " histories, %" PRIu64 " events, %" PRIu64 " bogus, %" PRIu64 " insecure, %" PRIu64 " stuck\n",
	    r.histories, r.events, r.all.bad[HISTORY_BOGUS], r.all.bad[HISTORY_INSECURE], r.all.bad[HISTORY_STUCK]);
	return good && r.seed_count == 0 ? 0 : 1;
}

#ifdef SIM_CUTS
static bool
cut(const char *names)
{
	const char *what = "";

	if (break_parse(names, &mus_cut, &what))
		return true;
	fprintf(stderr, "sim: there is nothing to cut by the name %s\n", what);
	return false;
}
#else
static bool
cut(const char *names)
{
	fprintf(stderr, "sim: this is the production core, nothing can be cut out of it (%s)\n", names);
	return false;
}

static int
mutants_run(unsigned workers)
{
	(void)workers;
	return cut("--mutants") ? 0 : 2;
}

static enum history_end
mutants_story(unsigned world, FILE *to)
{
	(void)world;
	(void)to;
	(void)cut("--world");
	return HISTORY_END_COUNT;
}
#endif

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"histories", 1, NULL, 'n'}, {"seed", 1, NULL, 's'},
	    {"workers", 1, NULL, 'j'}, {"resolvers", 1, NULL, 'q'}, {"replay", 1, NULL, 'r'},
	    {"break", 1, NULL, 'b'}, {"mutants", 0, NULL, 'm'}, {"world", 1, NULL, 'w'}, {0}};
	struct run_options o = {.histories = 1000, .seed = 1, .resolvers = RESOLVERS_MAX,
	    .workers = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
	const char *replay = NULL, *mutant = NULL;
	bool mutants = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'n': o.histories = strtoull(optarg, NULL, 10); break;
		case 's': o.seed = strtoull(optarg, NULL, 10); break;
		case 'j': o.workers = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'q': o.resolvers = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': replay = optarg; break;
		case 'm': mutants = true; break;
		case 'w': mutant = optarg; break;
		case 'b':
			if (!cut(optarg))
				return 2;
			break;
		default: return 2;
		}
	if (o.workers == 0 || o.resolvers > RESOLVERS_MAX)
		return 2;
	if (mutant)
		return mutants_story((unsigned)strtoul(mutant, NULL, 10), stdout) == HISTORY_GOOD ? 0 : 1;
	if (mutants)
		return mutants_run(o.workers);
	if (replay)
		return run_story(strtoull(replay, NULL, 10), &o, stdout) == HISTORY_GOOD ? 0 : 1;
	return run(&o);
}
