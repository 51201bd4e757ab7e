#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "app/opts.h"

#include "temp.h"

struct demo {
	int64_t depth;
};
static const struct mus_conf_row rows[] = {
	{MUS_CONF_INT(struct demo, depth, "depth"), .def = "5", .help = "How deep."},
	MUS_CONF_END,
};
static const struct mus_conf_schema schema = {"demo", sizeof(struct demo), rows, NULL};

static const char *now, *flag;
static const struct mus_opts_extra extra[] = {
	{"now", "TIME", "pretend it is TIME", &now},
	{"flag", NULL, "be special", &flag},
	{NULL, NULL, NULL, NULL},
};

static struct temp tmp;
static char out[4000], err[4000], good[320], bad[320];

static int
set_up(void **state)
{
	(void)state;
	if (temp_open(&tmp) < 0)
		return -1;
	strcpy(good, temp_write(&tmp, "good.yaml", "depth: 7\n", 0644));
	strcpy(bad, temp_write(&tmp, "bad.yaml", "dept: 7\n", 0644));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	temp_close(&tmp);
	return 0;
}

/* Splits a command line at blanks; @ stands for the good file, ! for the bad one. */
static int
begin(const char *line, struct mus_opts *o, struct mus_conf **conf)
{
	static char words[16][320];
	char *argv[17], copy[400], *save = NULL, *p;
	FILE *fo = fmemopen(out, sizeof out, "w"), *fe = fmemopen(err, sizeof err, "w");
	const struct mus_opts_spec spec = {.program = "demo", .summary = "shows", .conf_file = good,
	    .schema = &schema, .extra = extra, .out = fo, .err = fe};
	int argc = 0, rc;

	now = flag = NULL;
	memset(out, 0, sizeof out);
	memset(err, 0, sizeof err);
	snprintf(copy, sizeof copy, "demo %s", line);
	for (p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		const char *text = strcmp(p, "@") == 0 ? good : strcmp(p, "!") == 0 ? bad : p;

		snprintf(words[argc], sizeof words[argc], "%s", text);
		argv[argc] = words[argc];
		argc++;
	}
	argv[argc] = NULL;
	rc = mus_opts_begin(&spec, argc, argv, o, conf);
	fclose(fo);
	fclose(fe);
	return rc;
}

static void
test_run(void **state)
{
	struct mus_conf *conf = NULL;
	struct mus_opts o;

	(void)state;
	assert_int_equal(begin("", &o, &conf), MUS_OPTS_RUN);
	assert_int_equal(((const struct demo *)mus_conf_get(conf))->depth, 7);
	assert_int_equal(o.verbose, 0);
	assert_null(now);
	mus_conf_free(conf);
	assert_int_equal(begin("-vv --verbose -c @ --now 12:00 --flag", &o, &conf), MUS_OPTS_RUN);
	assert_int_equal(o.verbose, 3);
	assert_string_equal(now, "12:00");
	assert_string_equal(flag, "");
	assert_string_equal(out, "");
	mus_conf_free(conf);
}

static void
test_table(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *out, *err;		/* found in it; NULL: empty */
	} t[] = {
		{"--help", 0, "Usage: demo [options]\ndemo: shows\n", NULL},
		{"-h", 0, "      --now TIME         pretend it is TIME\n", NULL},
		{"--help", 0, "      --flag             be special\n", NULL},
		{"--version", 0, "demo " MUS_VERSION "\n", NULL},
		{"-V", 0, "demo " MUS_VERSION "\n", NULL},
		{"--check", 0, "good.yaml: ok\n", NULL},
		{"--check -c !", 65, NULL, "bad.yaml:1:1: dept: unknown key; did you mean \"depth\"?\n"},
		{"--config !", 65, NULL, "demo: /"},
		{"-c /none/such", 66, NULL, "demo: /none/such: No such file or directory\n"},
		{"--dump", 0, "depth: 7\n", NULL},
		{"--dump=help", 0, "# How deep.\ndepth: 7\n", NULL},
		{"--dump -c !", 65, NULL, "unknown key"},
		{"--dump=all", 64, NULL, "--dump takes \"help\" or nothing, not \"all\"\n"},
		{"--manual", 0, ".It Ic depth : Ar number\n", NULL},
		{"--manual=markdown -c !", 0, "| `depth` | number |", NULL},
		{"--manual=html", 64, NULL, "--manual takes \"markdown\""},
		{"--bogus", 64, NULL, "demo: --bogus: unknown option"},
		{"-x", 64, NULL, "demo: -x: unknown option\nTry: demo --help\n"},
		{"-c", 64, NULL, "demo: -c: wants an argument\n"},
		{"--config", 64, NULL, "wants an argument\n"},
		{"--now", 64, NULL, "demo: --now: wants an argument\n"},
		{"--check=1", 64, NULL, "demo: --check=1: unknown option, or one that takes no argument\n"},
		{"-- word", 64, NULL, "unexpected argument \"word\"\n"},
		{"word", 64, NULL, "unexpected argument \"word\"\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		struct mus_conf *conf = NULL;
		struct mus_opts o;
		int status = begin(t[i].line, &o, &conf);

		if (status != t[i].status)
			fail_msg("%s: status %d\n%s%s", t[i].line, status, out, err);
		assert_null(conf);
		if (t[i].out ? !strstr(out, t[i].out) : *out != '\0')
			fail_msg("%s: out: %s", t[i].line, out);
		if (t[i].err ? !strstr(err, t[i].err) : *err != '\0')
			fail_msg("%s: err: %s", t[i].line, err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("app/opts", tests, set_up, tear_down);
}
