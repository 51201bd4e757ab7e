/*
 * The command line every daemon has, and what follows from it before the daemon begins:
 *
 *	-c, --config FILE	-v, --verbose (once: info -> debug)
 *	--check			reads the configuration and what it names, says "FILE: ok" or what is wrong;
 *				warnings change neither that nor the status
 *	--dump[=help]		shows it, defaults as comments; with the help of each key
 *	--manual[=markdown]	the configuration's part of the manual (for the build)
 *	-V, --version		-h, --help
 *
 * A daemon's main begins with:
 *
 *	static const struct mus_opts_spec spec = {.program = "music-combiner",
 *	    .summary = "zone transfer engine", .conf_file = "/etc/music/combiner.yaml",
 *	    .schema = &combiner_schema};
 *	struct mus_opts opts;
 *	struct mus_conf *conf = NULL;
 *	int status = mus_opts_begin(&spec, argc, argv, &opts, &conf);
 *
 *	if (status != MUS_OPTS_RUN)
 *		return status;
 */
#ifndef MUS_APP_OPTS_H
#define MUS_APP_OPTS_H

#include <stdbool.h>
#include <stdio.h>

#include "app/conf.h"

/* An option of one program; long form only. */
struct mus_opts_extra {
	const char *name;		/* "now"; NULL: end of the table */
	const char *arg;		/* "TIME": what it takes; NULL: nothing */
	const char *help;
	const char **value;		/* set to the argument, or to "" */
};
typedef void mus_opts_warn_fn(void *arg, const struct mus_errtext *et);
struct mus_opts_spec {
	const char *program;
	const char *summary;		/* a few words */
	const char *conf_file;		/* without -c */
	const struct mus_conf_schema *schema;
	const struct mus_opts_extra *extra;	/* NULL: none */
	/* NULL, or what --check does besides: reads the files that the configuration names, as the start
	 * does, and makes nothing.  Its words name the place (mus_conf_wrap).  What would end the start here, and
	 * may be right on the machine that the file is for, it tells to ${warn}. */
	int (*check)(const struct mus_conf *conf, mus_opts_warn_fn *warn, void *arg, struct mus_errtext *et);
	FILE *out, *err;		/* NULL: stdout, stderr (for tests) */
};
struct mus_opts {
	const char *conf_file;
	bool check, dump, dump_help, manual, manual_markdown;
	int verbose;			/* how often -v was given */
};

enum { MUS_OPTS_RUN = -1 };		/* else: the status to exit with */
/* Reads the command line only; help and version are printed here.  64: a usage error. */
int mus_opts_parse(const struct mus_opts_spec *s, int argc, char **argv, struct mus_opts *o);
/* That, loads the configuration, and does what --check, --dump and --manual want.  On
 * MUS_OPTS_RUN gives *conf; an error was printed and its exit code is answered. */
int mus_opts_begin(const struct mus_opts_spec *s, int argc, char **argv, struct mus_opts *o,
    struct mus_conf **conf);
void mus_opts_usage(const struct mus_opts_spec *s, FILE *out);

#endif
