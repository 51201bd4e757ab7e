/* Parses words by the tables and calls the command. */
#include "cli.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/conf.h"
#include "base/text.h"

enum { NAMES_TEXT_MAX = 512, CHOICES_TEXT_MAX = CLI_WORDS_TEXT_MAX + 4 };

const char *
cli_option(const struct cli *c, const char *name)
{
	const char *value = NULL;

	for (unsigned i = 0; i < c->given_count; i++)
		if (strcmp(c->given[i].name, name) == 0)
			value = c->given[i].value != NULL ? c->given[i].value : "";
	return value;
}

bool
cli_flag(const struct cli *c, const char *name)
{
	return cli_option(c, name) != NULL;
}

int
cli_limit(struct cli *c, uint64_t def, uint64_t *max)
{
	const char *limit = cli_option(c, "limit");

	*max = def;
	if (limit != NULL && !mus_parse_u64(limit, INT32_MAX, max))
		return cli_fail(c, EXIT_USAGE, "--limit: \"%s\" is no number", limit);
	return 0;
}

const char *
cli_option_next(const struct cli *c, const char *name, unsigned *pos)
{
	while (*pos < c->given_count) {
		unsigned i = (*pos)++;

		if (strcmp(c->given[i].name, name) == 0)
			return c->given[i].value;
	}
	return NULL;
}

int
cli_fail(const struct cli *c, int exit_code, const char *fmt, ...)
{
	struct mus_buf b;
	va_list ap;
	char text[1024];

	(void)c;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	mus_buf_init(&b, 0);
	fflush(stdout);
	fputs("music-cli: ", stderr);
	cli_print_safe(stderr, text);
	fputc('\n', stderr);
	mus_buf_clear(&b);
	return exit_code;
}

int
cli_confirm(struct cli *c)
{
	const struct cli_command *cmd = c->command;
	char line[16];

	if (cli_flag(c, "yes"))
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_fail(c, EXIT_USAGE, "\"%s %s\" asks first, and this is no terminal: --yes does it unasked",
		    cmd->noun, cmd->verb);
	fprintf(stderr, "%s %s ", cmd->noun, cmd->verb);
	cli_print_safe(stderr, c->arg[0]);
	fprintf(stderr, ": %s [y/N] ", cmd->asks);
	fflush(stderr);
	if (fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
		return 0;
	return cli_fail(c, EXIT_UNFIT, "nothing is done");
}

struct mus_time
cli_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct mus_time){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000};
}

/* --- parsing --- */

static const struct cli_word *
find_word(const struct cli_word *list, const char *name, size_t len, char letter)
{
	for (; list != NULL && list->name != NULL; list++) {
		if (letter != '\0' && list->letter == letter)
			return list;
		if (letter == '\0' && strlen(list->name) == len && strncmp(list->name, name, len) == 0)
			return list;
	}
	return NULL;
}

static const char *
nearest_option(const struct cli_command *cmd, const char *name)
{
	const char *names[64];
	size_t n = 0;

	for (const struct cli_word *w = cli_globals; w->name != NULL; w++)
		names[n++] = w->name;
	for (const struct cli_word *w = cmd != NULL ? cmd->options : NULL; w != NULL && w->name != NULL; w++)
		names[n++] = w->name;
	return mus_text_nearest(name, names, n);
}

const char *
cli_words_text(const struct cli_word *w, char out[static CLI_WORDS_TEXT_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; w->words[i] != NULL && n < CLI_WORDS_TEXT_MAX; i++)
		n += (size_t)snprintf(out + n, CLI_WORDS_TEXT_MAX - n, "%s%s",
		    i == 0			    ? ""
			: w->words[i + 1] != NULL   ? ", "
						    : " or ",
		    w->words[i]);
	return out;
}

/* " (read, operate or admin)"; "": any will do. */
static const char *
choices(const struct cli_word *w, char out[static CHOICES_TEXT_MAX])
{
	char text[CLI_WORDS_TEXT_MAX];

	out[0] = '\0';
	if (w->words != NULL)
		snprintf(out, CHOICES_TEXT_MAX, " (%s)", cli_words_text(w, text));
	return out;
}

/* Is the value of an option, or of an argument, one of its words?  0, or an exit code. */
static int
check_choice(const struct cli *c, const struct cli_word *w, const char *dashes, const char *value)
{
	char text[CLI_WORDS_TEXT_MAX];

	if (w->kind != CLI_K_WORDS)
		return 0;
	for (const char *const *p = w->words; *p != NULL; p++)
		if (strcmp(*p, value) == 0)
			return 0;
	return cli_fail(c, EXIT_USAGE, "%s%s must be %s, and not \"%s\"", dashes, w->name,
	    cli_words_text(w, text), value);
}

/* An option that names an object, by a variable that was not set. */
static bool
is_empty_name(const struct cli_word *w, const char *value)
{
	return value[0] == '\0' && (w->kind == CLI_K_ZONE || w->kind == CLI_K_SIGNER || w->kind == CLI_K_GROUP);
}

/* One option at words[*i]; takes its value.  An exit code, or 0. */
static int
take_option(struct cli *c, const struct cli_command *cmd, char **words, int count, int *i)
{
	const char *text = words[*i], *value = NULL, *name = text + 2;
	char letter = text[1] != '-' ? text[1] : '\0', shown[64], may[CHOICES_TEXT_MAX];
	size_t len = strcspn(name, "=");
	const struct cli_word *w;
	int rc;

	w = find_word(cli_globals, name, len, letter);
	if (w == NULL && cmd != NULL)
		w = find_word(cmd->options, name, len, letter);
	snprintf(shown, sizeof shown, "%.*s", (int)len, name);
	if (w == NULL) {
		const char *near = letter == '\0' ? nearest_option(cmd, shown) : NULL;

		return cli_fail(c, EXIT_USAGE, "unknown option %s%s%s%s", text,
		    near != NULL ? "; did you mean --" : "", near != NULL ? near : "",
		    near != NULL ? "?" : "");
	}
	if (letter != '\0') {
		if (text[2] != '\0')
			value = text + 2;
	} else if (name[len] == '=') {
		value = name + len + 1;
	}
	if (w->value == NULL && value != NULL)
		return cli_fail(c, EXIT_USAGE, "--%s takes no value", w->name);
	if (w->value != NULL && value == NULL) {
		if (*i + 1 >= count)
			return cli_fail(c, EXIT_USAGE, "--%s needs %s%s", w->name, w->value, choices(w, may));
		value = words[++*i];
	}
	if (w->value != NULL && is_empty_name(w, value))
		return cli_fail(c, EXIT_USAGE, "--%s is empty: %s", w->name, w->help);
	if ((rc = check_choice(c, w, "--", value)) != 0)
		return rc;
	if ((w->flags & CLI_MANY) == 0 && cli_option(c, w->name) != NULL)
		return cli_fail(c, EXIT_USAGE, "--%s stands twice", w->name);
	if (c->given_count == CLI_GIVEN_MAX)
		return cli_fail(c, EXIT_USAGE, "more than %d options", CLI_GIVEN_MAX);
	c->given[c->given_count].name = w->name;
	c->given[c->given_count++].value = value;
	return 0;
}

static bool
is_noun(const char *noun)
{
	for (unsigned i = 0; i < cli_command_count; i++)
		if (strcmp(cli_commands[i].noun, noun) == 0)
			return true;
	return false;
}

static bool
has_verbs(const char *noun)
{
	for (unsigned i = 0; i < cli_command_count; i++)
		if (strcmp(cli_commands[i].noun, noun) == 0 && cli_commands[i].verb != NULL)
			return true;
	return false;
}

/* "a, b, c": each once; equal ones stand side by side. */
static const char *
names_text(const char *const *names, unsigned count, char out[static NAMES_TEXT_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < count && n < NAMES_TEXT_MAX; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			n += (size_t)snprintf(out + n, NAMES_TEXT_MAX - n, "%s%s", i > 0 ? ", " : "", names[i]);
	return out;
}

int
cli_unknown(const struct cli *c, const char *noun, const char *verb)
{
	const char *known[96] = {NULL}, *near;
	char text[NAMES_TEXT_MAX];
	bool is_verb = verb != NULL && has_verbs(noun);
	unsigned n = 0;

	for (unsigned i = 0; i < cli_command_count && n < sizeof known / sizeof known[0]; i++)
		if (!cli_commands[i].is_hidden && (!is_verb || strcmp(cli_commands[i].noun, noun) == 0))
			known[n++] = is_verb ? cli_commands[i].verb : cli_commands[i].noun;
	near = mus_text_nearest(is_verb ? verb : noun, known, n);
	if (near != NULL)
		return cli_fail(c, EXIT_USAGE, "unknown command \"%s%s%s\"; did you mean \"%s%s%s\"?", noun,
		    is_verb ? " " : "", is_verb ? verb : "", is_verb ? noun : "", is_verb ? " " : "", near);
	return cli_fail(c, EXIT_USAGE, "unknown command \"%s%s%s\"; there %s: %s", noun, is_verb ? " " : "",
	    is_verb ? verb : "", n == 1 ? "is" : "are", names_text(known, n, text));
}

/* The command that the first words name; *used: how many words. NULL: told. */
static const struct cli_command *
find_command(struct cli *c, const char *const *word, unsigned count, unsigned *used, int *rc)
{
	*rc = EXIT_USAGE;
	for (unsigned i = 0; i < cli_command_count; i++) {
		const struct cli_command *cmd = &cli_commands[i];

		if (count == 0 || strcmp(cmd->noun, word[0]) != 0)
			continue;
		if (cmd->verb == NULL) {
			*used = 1;
			return cmd;
		}
		if (count > 1 && strcmp(cmd->verb, word[1]) == 0) {
			*used = 2;
			return cmd;
		}
	}
	if (count == 1 && has_verbs(word[0]))
		cli_fail(c, 0, "%s what? See \"music-cli help %s\"", word[0], word[0]);
	else if (count > 0)
		cli_unknown(c, word[0], count > 1 ? word[1] : NULL);
	return NULL;
}

/* The words that are no options, and the command they begin with; options follow in a second pass,
 * when it is known which there are.  A word after an option that takes a value is that value. */
static int
parse(struct cli *c, int argc, char **argv)
{
	const char *head[2];
	unsigned head_count = 0, used = 0;
	bool options_end = false;
	int rc;

	for (int i = 1; i < argc && head_count < 2; i++) {
		const struct cli_word *w;

		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (head_count == 1 && !is_noun(head[0]))
				break;
			head[head_count++] = argv[i];
			continue;
		}
		w = find_word(cli_globals, argv[i] + 2, strlen(argv[i] + (argv[i][1] != '\0' ? 2 : 1)),
		    argv[i][1] != '-' ? argv[i][1] : '\0');
		if (w != NULL && w->value != NULL && (argv[i][1] == '-' || argv[i][2] == '\0'))
			i++;
	}
	if (head_count > 0 || argc > 1) {
		bool is_asking = false;

		for (int i = 1; i < argc; i++)
			is_asking = is_asking || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
			    strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0;
		if (is_asking && (head_count == 0 || (head_count == 1 && has_verbs(head[0]))))
			c->command = NULL;
		else if ((c->command = find_command(c, head, head_count, &used, &rc)) == NULL && !is_asking)
			return rc;
	}
	if ((c->arg = calloc((size_t)argc, sizeof *c->arg)) == NULL)
		return cli_fail(c, 71, "out of memory");
	for (int i = 1; i < argc; i++) {
		bool is_option = !options_end && argv[i][0] == '-' && argv[i][1] != '\0' &&
		    !(c->command != NULL && c->command->run == cmd_complete);

		if (is_option && strcmp(argv[i], "--") == 0) {
			options_end = true;
		} else if (is_option) {
			if ((rc = take_option(c, c->command, argv, argc, &i)) != 0)
				return rc;
		} else if (used > 0) {
			used--;
		} else {
			c->arg[c->arg_count++] = argv[i];
		}
	}
	return 0;
}

/* An argument that is empty is a variable that was not set. */
static bool
has_empty(const struct cli *c, const struct cli_word *w, unsigned at)
{
	unsigned end = (w->flags & CLI_MANY) != 0 ? c->arg_count : at + 1;

	for (unsigned i = at; i < end && i < c->arg_count; i++)
		if (c->arg[i][0] == '\0' && !c->command->is_hidden)
			return true;
	return false;
}

/* Are all needed words there, none empty, and not too many? */
static int
check_words(struct cli *c)
{
	const struct cli_command *cmd = c->command;
	char may[CHOICES_TEXT_MAX];
	unsigned n = 0;
	int rc;

	for (const struct cli_word *w = cmd->args; w != NULL && w->name != NULL; w++) {
		if (n >= c->arg_count && (w->flags & CLI_NEEDED) != 0)
			return cli_fail(c, EXIT_USAGE, "%s is missing: %s%s", w->name, w->help, choices(w, may));
		if (has_empty(c, w, n))
			return cli_fail(c, EXIT_USAGE, "%s is empty: %s", w->name, w->help);
		if (n < c->arg_count && (rc = check_choice(c, w, "", c->arg[n])) != 0)
			return rc;
		n = (w->flags & CLI_MANY) != 0 ? CLI_ARGS_MAX : n + 1;
	}
	if (c->arg_count > n)
		return cli_fail(c, EXIT_USAGE, "one word too many: \"%s\"", c->arg[n]);
	for (const struct cli_word *w = cmd->options; w != NULL && w->name != NULL; w++)
		if ((w->flags & CLI_NEEDED) != 0 && cli_option(c, w->name) == NULL)
			return cli_fail(c, EXIT_USAGE, "--%s %s is missing: %s%s", w->name,
			    w->value != NULL ? w->value : "", w->help, choices(w, may));
	return 0;
}

static int
run(struct cli *c)
{
	const char *format = cli_option(c, "output");
	int rc;

	if (cli_flag(c, "version") && c->command == NULL)
		return cmd_version(c);
	if (cli_flag(c, "help") || c->command == NULL)
		return cmd_help(c);
	c->is_wide = format != NULL && strcmp(format, "wide") == 0;
	if (format != NULL)
		c->format = strcmp(format, "json") == 0 ? CLI_JSON
		    : strcmp(format, "csv") == 0	? CLI_CSV
							: CLI_TEXT;
	if ((rc = check_words(c)) != 0)
		return rc;
	if (!c->command->is_local && (rc = cli_settings_load(c)) != 0)
		return rc;
	return c->command->run(c);
}

int
main(int argc, char **argv)
{
	struct cli c = {.program = "music-cli"};
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	int rc;

	setlocale(LC_CTYPE, "");
	c.is_terminal = isatty(STDOUT_FILENO) != 0;
	c.has_color = c.is_terminal && (no_color == NULL || no_color[0] == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
	if ((rc = parse(&c, argc, argv)) == 0)
		rc = run(&c);
	if ((fflush(stdout) != 0 || ferror(stdout)) && rc == 0)
		rc = 74;
	cli_client_free(c.client);
	mus_conf_free(c.set.conf);
	free(c.arg);
	return rc;
}
