#include <getopt.h>
#include <stdint.h>
#include <string.h>

#include "app/opts.h"

enum {
	EXTRA_MAX = 32,
	EXIT_USAGE = 64,		/* of sysexits.h */
	/* Long options without a letter: */
	OPT_CHECK = 256,
	OPT_DUMP,
	OPT_MANUAL,
	OPT_EXTRA,			/* and those of the program from here on */
};

static const struct option common[] = {
	{"config", required_argument, NULL, 'c'},
	{"verbose", no_argument, NULL, 'v'},
	{"check", no_argument, NULL, OPT_CHECK},
	{"dump", optional_argument, NULL, OPT_DUMP},
	{"manual", optional_argument, NULL, OPT_MANUAL},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
};
enum { COMMON_COUNT = sizeof common / sizeof *common };

static FILE *
out_of(const struct mus_opts_spec *s)
{
	return s->out ? s->out : stdout;
}

static FILE *
err_of(const struct mus_opts_spec *s)
{
	return s->err ? s->err : stderr;
}

void
mus_opts_usage(const struct mus_opts_spec *s, FILE *out)
{
	const struct mus_opts_extra *e;

	fprintf(out,
	    "Usage: %s [options]\n"
	    "%s: %s\n"
	    "\n"
	    "  -c, --config FILE      configuration (default: %s)\n"
	    "      --check            read the configuration, tell what is wrong with it\n"
	    "      --dump[=help]      show it, defaults as comments; with help: and explain each key\n"
	    "      --manual[=markdown]  show what may stand in it, for the manual page\n",
	    s->program, s->program, s->summary, s->conf_file);
	for (e = s->extra; e && e->name; e++) {
		char left[64];

		snprintf(left, sizeof left, "--%s%s%s", e->name, e->arg ? " " : "", e->arg ? e->arg : "");
		fprintf(out, "      %-18s %s\n", left, e->help);
	}
	fprintf(out,
	    "  -v, --verbose          log one level more\n"
	    "  -V, --version          show the version\n"
	    "  -h, --help             show this\n");
}

static int
usage_error(const struct mus_opts_spec *s)
{
	fprintf(err_of(s), "Try: %s --help\n", s->program);
	return EXIT_USAGE;
}

/* --dump=WORD and the like: nothing, or one known word. */
static bool
take_word(const struct mus_opts_spec *s, const char *option, const char *word, bool *flag)
{
	if (!optarg)
		return true;
	*flag = strcmp(optarg, word) == 0;
	if (!*flag)
		fprintf(err_of(s), "%s: --%s takes \"%s\" or nothing, not \"%s\"\n", s->program, option, word,
		    optarg);
	return *flag;
}

/* All long options; answers how many are of the program. */
static int
make_table(const struct mus_opts_spec *s, struct option table[static COMMON_COUNT + EXTRA_MAX + 1])
{
	int n = 0;

	memcpy(table, common, sizeof common);
	for (; s->extra && s->extra[n].name; n++) {
		MUS_ASSERT(n < EXTRA_MAX);
		table[COMMON_COUNT + n] = (struct option){s->extra[n].name,
		    s->extra[n].arg ? required_argument : no_argument, NULL, OPT_EXTRA + n};
	}
	table[COMMON_COUNT + n] = (struct option){0};
	return n;
}

/* One option; MUS_OPTS_RUN: go on. */
static int
take(const struct mus_opts_spec *s, int c, struct mus_opts *o)
{
	switch (c) {
	case 'c':
		o->conf_file = optarg;
		return MUS_OPTS_RUN;
	case 'v':
		o->verbose++;
		return MUS_OPTS_RUN;
	case 'h':
		mus_opts_usage(s, out_of(s));
		return 0;
	case 'V':
		fprintf(out_of(s), "%s %s\n", s->program, MUS_VERSION);
		return 0;
	case OPT_CHECK:
		o->check = true;
		return MUS_OPTS_RUN;
	case OPT_DUMP:
		o->dump = true;
		return take_word(s, "dump", "help", &o->dump_help) ? MUS_OPTS_RUN : usage_error(s);
	case OPT_MANUAL:
		o->manual = true;
		return take_word(s, "manual", "markdown", &o->manual_markdown) ? MUS_OPTS_RUN
									       : usage_error(s);
	default:
		*s->extra[c - OPT_EXTRA].value = optarg ? optarg : "";
		return MUS_OPTS_RUN;
	}
}

int
mus_opts_parse(const struct mus_opts_spec *s, int argc, char **argv, struct mus_opts *o)
{
	struct option table[COMMON_COUNT + EXTRA_MAX + 1];
	int c, status;

	*o = (struct mus_opts){.conf_file = s->conf_file};
	make_table(s, table);
	optind = 0;			/* glibc: begin anew, also after an earlier call */
	opterr = 0;			/* our words, to our file */
	while ((c = getopt_long(argc, argv, "+:c:vhV", table, NULL)) != -1) {
		const char *what = argv[optind - 1];

		if (c == ':' || c == '?') {
			if (optopt > 0 && optopt < 256)
				fprintf(err_of(s), "%s: -%c: %s\n", s->program, optopt,
				    c == ':' ? "wants an argument" : "unknown option");
			else
				fprintf(err_of(s), "%s: %s: %s\n", s->program, what,
				    c == ':' ? "wants an argument" : "unknown option, or one that takes no argument");
			return usage_error(s);
		}
		if ((status = take(s, c, o)) != MUS_OPTS_RUN)
			return status;
	}
	if (optind < argc) {
		fprintf(err_of(s), "%s: unexpected argument \"%s\"\n", s->program, argv[optind]);
		return usage_error(s);
	}
	return MUS_OPTS_RUN;
}

/* Prints a text that was built; 0, or the exit code of what failed. */
static int
print(const struct mus_opts_spec *s, struct mus_buf *b)
{
	int rc = 0;

	if (b->failed)
		rc = MUS_ERR_NOMEM;
	else if (b->len && (fwrite(b->data, 1, b->len, out_of(s)) != b->len || fflush(out_of(s)) != 0))
		rc = MUS_ERR_IO;
	if (rc < 0)
		fprintf(err_of(s), "%s: %s\n", s->program, mus_err_text(rc));
	mus_buf_clear(b);
	return mus_err_exit(rc);
}

static void
warn(void *arg, const struct mus_errtext *et)
{
	const struct mus_opts_spec *s = arg;

	fprintf(err_of(s), "%s: warning: %s\n", s->program, et->s);
}

int
mus_opts_begin(const struct mus_opts_spec *s, int argc, char **argv, struct mus_opts *o,
    struct mus_conf **conf)
{
	struct mus_errtext et = {""};
	struct mus_buf b;
	int rc = mus_opts_parse(s, argc, argv, o);

	if (rc != MUS_OPTS_RUN)
		return rc;
	mus_buf_init(&b, 0);
	if (o->manual) {
		mus_conf_manual(s->schema,
		    o->manual_markdown ? MUS_CONF_MANUAL_MARKDOWN : MUS_CONF_MANUAL_MDOC, &b);
		return print(s, &b);
	}
	if ((rc = mus_conf_load(s->schema, o->conf_file, conf, &et)) < 0) {
		fprintf(err_of(s), "%s: %s\n", s->program, et.s);
		return mus_err_exit(rc);
	}
	if (!o->check && !o->dump)
		return MUS_OPTS_RUN;
	if (o->check && s->check && (rc = s->check(*conf, warn, (void *)(uintptr_t)s, &et)) < 0)
		fprintf(err_of(s), "%s: %s\n", s->program, et.s);
	else if (o->dump)
		mus_conf_dump(*conf, o->dump_help ? MUS_CONF_DUMP_HELP : 0, &b);
	else
		mus_buf_printf(&b, "%s: ok\n", o->conf_file);
	rc = rc < 0 ? mus_err_exit(rc) : print(s, &b);
	mus_conf_free(*conf);
	*conf = NULL;
	return rc;
}
