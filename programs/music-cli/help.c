/* help, version, the manual page and shell completion, all from the tables of grammar.c. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "model/plan.h"

enum { COMMAND_WIDTH = 24, OPTION_WIDTH = 38, USAGE_INDENT = 4, HELP_MAX_BYTES = 320 };

int
cmd_version(struct cli *c)
{
	printf("%s " MUS_VERSION "\n", c->program);
	return 0;
}

static const char asks[] = "Asks before it does it; without a terminal it does nothing unless --yes is given.";

static const char *
verb_of(const struct cli_command *cmd)
{
	return cmd->verb != NULL ? cmd->verb : "";
}

/* What may stand there, after its help. */
static const char *
choices(const struct cli_word *w, char out[static CLI_WORDS_TEXT_MAX + 3])
{
	char text[CLI_WORDS_TEXT_MAX];

	out[0] = '\0';
	if (w->kind == CLI_K_WORDS)
		snprintf(out, CLI_WORDS_TEXT_MAX + 3, ": %s", cli_words_text(w, text));
	return out;
}

/* "  LEFT         what it is": what follows a broken line stands below the latter. */
static void
print_pair(const struct cli *c, const char *left, unsigned width, const char *help)
{
	int used = printf("  %-*s ", (int)width, left);

	cli_fold(c, used > 0 ? (size_t)used : 0, width + 3, help);
}

static void
print_option(const struct cli *c, const struct cli_word *w)
{
	char left[64], may[CLI_WORDS_TEXT_MAX + 3], help[HELP_MAX_BYTES];

	snprintf(left, sizeof left, "%s%c%s--%s%s%s", w->letter != '\0' ? "-" : "",
	    w->letter != '\0' ? w->letter : ' ', w->letter != '\0' ? ", " : "   ", w->name,
	    w->value != NULL ? " " : "", w->value != NULL ? w->value : "");
	snprintf(help, sizeof help, "%s%s%s%s", w->help, choices(w, may),
	    (w->flags & CLI_MANY) != 0 ? "; may be repeated" : "", (w->flags & CLI_NEEDED) != 0 ? " (needed)" : "");
	print_pair(c, left, OPTION_WIDTH, help);
}

static void
print_usage_line(const struct cli *c, const struct cli_command *cmd)
{
	struct mus_buf b;

	mus_buf_init(&b, 0);
	mus_buf_printf(&b, "music-cli %s%s%s", cmd->noun, cmd->verb != NULL ? " " : "", verb_of(cmd));
	for (const struct cli_word *w = cmd->args; w != NULL && w->name != NULL; w++)
		mus_buf_printf(&b, (w->flags & CLI_NEEDED) != 0 ? " %s%s" : " [%s%s]", w->name,
		    (w->flags & CLI_MANY) != 0 ? "..." : "");
	for (const struct cli_word *w = cmd->options; w != NULL && w->name != NULL; w++)
		if ((w->flags & CLI_NEEDED) != 0)
			mus_buf_printf(&b, " --%s %s", w->name, w->value);
	if (cmd->options != NULL)
		mus_buf_add_str(&b, " [OPTION...]");
	cli_fold(c, 0, USAGE_INDENT, b.failed ? "" : (const char *)b.data);
	mus_buf_clear(&b);
}

static void
print_command(const struct cli *c, const struct cli_command *cmd)
{
	char may[CLI_WORDS_TEXT_MAX + 3], help[HELP_MAX_BYTES];

	print_usage_line(c, cmd);
	snprintf(help, sizeof help, "%s%s", cmd->help, cmd->more != NULL ? "." : "");
	putchar('\n');
	cli_fold(c, 0, 0, help);
	if (cmd->more != NULL)
		cli_fold(c, 0, 0, cmd->more);
	if (cmd->asks != NULL)
		cli_fold(c, 0, 0, asks);
	for (const struct cli_word *w = cmd->args; w != NULL && w->name != NULL; w++) {
		if (w == cmd->args)
			putchar('\n');
		snprintf(help, sizeof help, "%s%s", w->help, choices(w, may));
		print_pair(c, w->name, OPTION_WIDTH, help);
	}
	for (const struct cli_word *w = cmd->options; w != NULL && w->name != NULL; w++) {
		if (w == cmd->options)
			putchar('\n');
		print_option(c, w);
	}
}

static void
print_all(const struct cli *c, const char *noun)
{
	char left[40];

	if (noun == NULL)
		printf("music-cli [OPTION...] COMMAND\n\n");
	for (unsigned i = 0; i < cli_command_count; i++) {
		const struct cli_command *cmd = &cli_commands[i];

		if (cmd->is_hidden || (noun != NULL && strcmp(cmd->noun, noun) != 0))
			continue;
		snprintf(left, sizeof left, "%s %s", cmd->noun, verb_of(cmd));
		print_pair(c, left, COMMAND_WIDTH, cmd->help);
	}
	printf("\noptions of all commands\n");
	for (const struct cli_word *w = cli_globals; w->name != NULL; w++)
		print_option(c, w);
	printf("\n\"music-cli help COMMAND\" says more.\n");
}

/* --- the manual page --- */

/* Text in a macro line or a paragraph: nothing of it is taken for a request. */
static void
mdoc(const char *s)
{
	const char *start = s;

	for (; *s != '\0'; s++) {
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else if (*s == '"')
			fputs("\\(dq", stdout);
		else if (s[0] == ' ' && s[1] >= 'A' && s[1] <= 'Z' && s != start && s[-1] == '.')
			putchar('\n');		/* a sentence begins a line */
		else
			putchar(*s);
	}
}

static void
mdoc_words(const struct cli_command *cmd)
{
	for (const struct cli_word *w = cmd->args; w != NULL && w->name != NULL; w++) {
		printf((w->flags & CLI_NEEDED) != 0 ? " Ar %s" : " Op Ar %s", w->name);
		if ((w->flags & CLI_MANY) != 0)
			printf(" ...");
	}
}

static void
mdoc_option(const struct cli_word *w)
{
	char may[CLI_WORDS_TEXT_MAX + 3];

	printf(".It ");
	if (w->letter != '\0')
		printf("Fl %c , ", w->letter);
	printf("Fl \\-%s", w->name);
	if (w->value != NULL) {
		printf(" Ar ");
		mdoc(w->value);
	}
	putchar('\n');
	mdoc(w->help);
	mdoc(choices(w, may));
	printf("%s.\n", (w->flags & CLI_NEEDED) != 0 ? " (needed)"
		: (w->flags & CLI_MANY) != 0		 ? "; may be repeated"
							 : "");
}

static void
mdoc_command(const struct cli_command *cmd)
{
	printf(".It Cm %s%s%s", cmd->noun, cmd->verb != NULL ? " " : "", verb_of(cmd));
	mdoc_words(cmd);
	putchar('\n');
	mdoc(cmd->help);
	printf("%s\n", cmd->help[strlen(cmd->help) - 1] == '?' ? "" : ".");
	if (cmd->more != NULL) {
		mdoc(cmd->more);
		putchar('\n');
	}
	if (cmd->asks != NULL) {
		mdoc(asks);
		putchar('\n');
	}
	if (cmd->options == NULL)
		return;
	printf(".Bl -tag -width 4n -compact\n");
	for (const struct cli_word *w = cmd->options; w->name != NULL; w++)
		mdoc_option(w);
	printf(".El\n");
}

static int
print_mdoc(void)
{
	printf(".\\\" Made by \"music-cli help --mdoc\" from the tables of the program; do not edit.\n"
	       ".Dd November 22, 2026\n.Dt MUSIC-CLI 1\n.Os\n.Sh NAME\n.Nm music-cli\n"
	       ".Nd operate the controller of a multi-signer DNSSEC suite\n.Sh SYNOPSIS\n"
	       ".Nm\n.Op Ar option ...\n.Ar command\n.Op Ar word ...\n.Sh DESCRIPTION\n.Nm\n"
	       "speaks to\n.Xr musicd 8\nover its REST interface: it manages signers, signer groups and "
	       "zones,\nand shows what the controller does, what it waits for, and why.\n.Pp\n"
	       "The options of all commands:\n.Bl -tag -width 4n\n");
	for (const struct cli_word *w = cli_globals; w->name != NULL; w++)
		mdoc_option(w);
	printf(".El\n.Pp\nThe certificate of the daemon is always checked: against the certificates of the\n"
	       "system, or against those of\n.Fl \\-cacert .\nA pin is checked besides.\n"
	       "The token is read from a file and never taken from the command line.\n"
	       "Where the daemon asks for client certificates (api.client\\-ca of\n.Xr musicd.yaml 5 ) ,\n"
	       ".Fl \\-cert\nand\n.Fl \\-key\nshow one; it stands for the token that has its common name.\n"
	       ".Sh COMMANDS\n.Bl -tag -width 4n\n");
	for (unsigned i = 0; i < cli_command_count; i++)
		if (!cli_commands[i].is_hidden)
			mdoc_command(&cli_commands[i]);
	printf(".El\n.Sh ENVIRONMENT\n.Bl -tag -width 4n\n"
	       ".It Ev MUSIC_SERVER , MUSIC_CACERT , MUSIC_PIN , MUSIC_TOKEN_FILE , MUSIC_CERT , MUSIC_KEY\n"
	       "As the options of these names, which come first.\n"
	       ".It Ev MUSIC_CLI_CONFIG\nThe configuration file.\n"
	       ".It Ev NO_COLOR\nNo colours, also on a terminal.\n.El\n"
	       ".Sh FILES\n.Bl -tag -width 4n\n.It Pa ~/.config/music/cli.yaml\n"
	       "Defaults of the options, as YAML with the keys\n.Cm server , cacert , pin , cert , key\nand\n"
	       ".Cm token\\-file .\n.El\n"
	       ".Sh EXIT STATUS\n.Bl -tag -width 4n -compact\n.It 0\ndone\n"
	       ".It 1\nnot fit (zone preflight, signer join, signer probe), something needs attention (doctor), "
	       "a process ended otherwise than\ndone (zone watch), or the answer to a question was no\n"
	       ".It 2\nno process runs and the zone is INVALID (zone watch)\n"
	       ".It 64\nwrong words on the command line\n.It 65\na value was refused\n"
	       ".It 66\nthere is no such object\n.It 69\nthe daemon cannot be reached\n"
	       ".It 73\nthe object exists already\n.It 74\ninput or output failed\n"
	       ".It 75\nin conflict with the present state, held, the time is over, or somebody whom the daemon asked "
	       "did\nnot answer or refused (signer probe): try again later\n"
	       ".It 76\nthe certificate does not fit, or what answers is no musicd\n"
	       ".It 77\nthe token is not known or its role is too low\n"
	       ".It 78\nthe configuration is wrong\n.El\n"
	       ".Sh EXAMPLES\nMove a zone from one signer to another and follow it:\n"
	       ".Dl $ music\\-cli zone migrate example.org \\-\\-from bind \\-\\-to knot \\-\\-watch\n"
	       "Why does nothing happen?\n.Dl $ music\\-cli zone explain example.org\n"
	       "All zones that are not well, for a program:\n"
	       ".Dl $ music\\-cli zone list \\-\\-state INVALID \\-o json\n"
	       ".Sh SEE ALSO\n.Xr musicd 8\n");
	return 0;
}

int
cmd_help(struct cli *c)
{
	const char *noun = NULL, *verb = NULL;
	unsigned found = 0;

	if (c->command != NULL && c->command->run != cmd_help) {
		print_command(c, c->command);
		return 0;
	}
	if (cli_flag(c, "mdoc"))
		return print_mdoc();
	if (c->arg_count > 0)
		noun = c->arg[0];
	if (c->arg_count > 1)
		verb = c->arg[1];
	for (unsigned i = 0; noun != NULL && i < cli_command_count; i++) {
		const struct cli_command *cmd = &cli_commands[i];

		if (strcmp(cmd->noun, noun) != 0)
			continue;
		found++;
		if (cmd->verb == NULL || (verb != NULL && strcmp(cmd->verb, verb) == 0)) {
			print_command(c, cmd);
			return 0;
		}
	}
	if (noun != NULL && (found == 0 || verb != NULL))
		return cli_unknown(c, noun, verb);
	print_all(c, noun);
	return 0;
}

/* --- completion --- */

/* The shells ask the program: it has the tables, and the daemon has the names. */
int
cmd_completion(struct cli *c)
{
	if (strcmp(c->arg[0], "bash") == 0)
		printf("# music-cli completion for bash: source this file\n"
		       "_music_cli() {\n"
		       "\tlocal IFS=$'\\n'\n"
		       "\tCOMPREPLY=($(music-cli __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
		       "\tif [ \"${COMPREPLY[0]}\" = ':files' ]; then\n"
		       "\t\tCOMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
		       "\tfi\n"
		       "}\n"
		       "complete -F _music_cli music-cli\n");
	else
		printf("#compdef music-cli\n"
		       "# music-cli completion for zsh: source this file, or put it into $fpath\n"
		       "_music_cli() {\n"
		       "\tlocal -a found\n"
		       "\tfound=(\"${(@f)$(music-cli __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
		       "\tif [[ \"${found[1]}\" == ':files' ]]; then _files; else compadd -a found; fi\n"
		       "}\n"
		       "if [ \"$funcstack[1]\" = _music_cli ]; then _music_cli\n"
		       "else compdef _music_cli music-cli; fi\n");
	return 0;
}

static void
offer(const char *candidate, const char *prefix)
{
	if (strncmp(candidate, prefix, strlen(prefix)) == 0)
		puts(candidate);
}

/* Names of objects, from the daemon; silence when it cannot be asked. */
static void
offer_names(struct cli *c, const char *path, const char *prefix)
{
	struct mus_errtext et;
	struct cli_answer a = {.status = 0};
	const json_t *items;

	if (c->set.server == NULL && cli_settings_load(c) != 0)
		return;
	if (cli_try(c, "GET", path, NULL, NULL, &a, &et) == 0) {
		items = json_object_get(a.json, "items");
		for (size_t i = 0; i < json_array_size(items); i++)
			offer(cli_str(json_array_get(items, i), "name"), prefix);
	}
	cli_answer_clear(&a);
}

static void
offer_kind(struct cli *c, const struct cli_word *w, const char *prefix)
{
	struct mus_buf path;

	switch (w->kind) {
	case CLI_K_SIGNER:
		offer_names(c, "/signers?limit=1000", prefix);
		break;
	case CLI_K_GROUP:
		offer_names(c, "/groups?limit=1000", prefix);
		break;
	case CLI_K_ZONE:
		mus_buf_init(&path, 0);
		cli_path(&path, "/zones");
		cli_query(&path, "limit", "1000");
		cli_query(&path, "match", prefix[0] != '\0' ? prefix : NULL);
		offer_names(c, (const char *)path.data, prefix);
		mus_buf_clear(&path);
		break;
	case CLI_K_PROCESS:
		for (unsigned k = MUS_PROC_NONE + 1; k < MUS_PROC_COUNT; k++)
			offer(mus_proc_text((enum mus_proc_kind)k), prefix);
		break;
	case CLI_K_WORDS:
	case CLI_K_OFFERED:
		for (const char *const *p = w->words; *p != NULL; p++)
			offer(*p, prefix);
		break;
	case CLI_K_RULE:
		for (unsigned r = 0; r < MUS_RULE_COUNT; r++)
			if (mus_rule_can_pass(r))
				offer(mus_rule_text(r), prefix);
		break;
	case CLI_K_FILE:
		puts(":files");
		break;
	case CLI_K_TEXT:
		break;
	}
}

static const struct cli_word *
find_option(const struct cli_word *list, const char *text)
{
	for (; list != NULL && list->name != NULL; list++)
		if ((text[1] == '-' && strcmp(list->name, text + 2) == 0) ||
		    (text[1] != '-' && text[1] == list->letter && text[1] != '\0'))
			return list;
	return NULL;
}

static void
offer_options(const struct cli_word *list, const char *prefix)
{
	char text[64];

	for (; list != NULL && list->name != NULL; list++) {
		snprintf(text, sizeof text, "--%s", list->name);
		offer(text, prefix);
	}
}

static const struct cli_command *
command_of(const char *const *word, unsigned count)
{
	for (unsigned i = 0; i < cli_command_count; i++) {
		const struct cli_command *cmd = &cli_commands[i];

		if (count > 0 && strcmp(cmd->noun, word[0]) == 0 &&
		    (cmd->verb == NULL || (count > 1 && strcmp(cmd->verb, word[1]) == 0)))
			return cmd;
	}
	return NULL;
}

static void
offer_command_words(const char *const *word, unsigned count, const char *prefix)
{
	const char *last = "";

	for (unsigned i = 0; i < cli_command_count; i++) {
		const struct cli_command *cmd = &cli_commands[i];

		if (cmd->is_hidden)
			continue;
		if (count == 0 && strcmp(cmd->noun, last) != 0)
			offer(last = cmd->noun, prefix);
		else if (count == 1 && strcmp(cmd->noun, word[0]) == 0 && cmd->verb != NULL)
			offer(cmd->verb, prefix);
	}
}

int
cmd_complete(struct cli *c)
{
	const char *prefix = c->arg_count > 0 ? c->arg[c->arg_count - 1] : "";
	const char *word[64] = {NULL};
	const struct cli_word *pending = NULL, *w;
	const struct cli_command *cmd;
	unsigned count = 0, skip;

	/* plain words before the last one; an option that takes a value swallows the next */
	for (unsigned i = 0; i + 1 < c->arg_count && count < 64; i++) {
		const char *text = c->arg[i];

		if (pending != NULL) {
			pending = NULL;
		} else if (text[0] == '-' && text[1] != '\0') {
			cmd = command_of(word, count);
			w = find_option(cli_globals, text);
			if (w == NULL && cmd != NULL)
				w = find_option(cmd->options, text);
			if (w != NULL && w->value != NULL)
				pending = w;
		} else {
			word[count++] = text;
		}
	}
	if (pending != NULL) {
		offer_kind(c, pending, prefix);
		return 0;
	}
	if (count > 0 && strcmp(word[0], "help") == 0 && prefix[0] != '-') {
		offer_command_words(word + 1, count - 1, prefix);
		return 0;
	}
	cmd = command_of(word, count);
	if (prefix[0] == '-') {
		if (cmd != NULL)
			offer_options(cmd->options, prefix);
		offer_options(cli_globals, prefix);
	} else if (cmd == NULL) {
		offer_command_words(word, count, prefix);
	} else {
		skip = count - (cmd->verb != NULL ? 2 : 1);
		for (w = cmd->args; w != NULL && w->name != NULL && skip > 0 && (w->flags & CLI_MANY) == 0; w++)
			skip--;
		if (w != NULL && w->name != NULL)
			offer_kind(c, w, prefix);
	}
	return 0;
}
