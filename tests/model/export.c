/*
 * The tables of the processes as Promela: for each of them its rows by name, and what a row needs before its
 * action (PRE) and after it (POST), as the same rules that src/core/rows.c names.  music.pml says what the rules mean.
 */
#include <ctype.h>
#include <stdio.h>

#include "core/rows.h"

static const struct {
	enum mus_proc_kind kind;
	const char *name, *prefix;	/* roll-overs have clocks of their own: their rules are others' */
} procs[] = {{MUS_PROC_ADD, "ADD", "C"}, {MUS_PROC_REMOVE, "REMOVE", "C"}, {MUS_PROC_ZSK, "ZSK", "R"}};

static void
print_word(const char *text)
{
	for (; *text; text++)
		putchar(isalnum((unsigned char)*text) ? *text : '_');
}

static void
print_rules(const char *prefix, const enum mus_rule *rules)
{
	putchar('(');
	for (unsigned i = 0; i < MUS_ROW_RULES_MAX && rules[i] != MUS_RULE_NONE; i++) {
		printf("%s%s_", i ? " && " : "", prefix);
		print_word(mus_rule_text(rules[i]));
	}
	printf("%s)", rules[0] == MUS_RULE_NONE ? "true" : "");
}

static void
print_side(const char *side, unsigned p)
{
	unsigned count;
	const struct mus_row *rows = mus_rows(procs[p].kind, &count);

	printf("#define %s_%s(r) (", side, procs[p].name);
	for (unsigned i = 0; i < count; i++) {
		printf("%s((r) == %u && ", i ? " || \\\n\t" : "", i);
		print_rules(procs[p].prefix, side[1] == 'R' ? rows[i].pre : rows[i].post);
		putchar(')');
	}
	puts(")");
}

int
main(void)
{
	puts("/* Made from src/core/rows.c by tests/model/export.c. */");
	for (unsigned p = 0; p < sizeof procs / sizeof procs[0]; p++) {
		unsigned count;
		const struct mus_row *rows = mus_rows(procs[p].kind, &count);

		printf("#define ROWS_%s %u\n", procs[p].name, count);
		for (unsigned i = 0; i < count; i++) {
			printf("#define ROW_%s_", procs[p].name);
			print_word(rows[i].name);
			printf(" %u\n", i);
		}
		print_side("PRE", p);
		print_side("POST", p);
	}
	return 0;
}
