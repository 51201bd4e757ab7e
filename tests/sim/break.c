#include "break.h"

#include <stdio.h>
#include <string.h>

struct mus_cut mus_cut;

/* "ADD-SIGNER" is ADD. */
static int
short_len(enum mus_proc_kind kind)
{
	return (int)strcspn(mus_proc_text(kind), "-");
}

void
break_name(enum mus_proc_kind kind, unsigned row, bool is_post, unsigned rule, char *out, size_t size)
{
	unsigned count;
	const struct mus_row *r = &mus_rows(kind, &count)[row];

	snprintf(out, size, "%.*s.%u.%s.%s", short_len(kind), mus_proc_text(kind), row, is_post ? "post" : "pre",
	    mus_rule_text(is_post ? r->post[rule] : r->pre[rule]));
}

static const enum mus_rule *
find_rule(const char *name)
{
	for (enum mus_proc_kind kind = 0; kind < MUS_PROC_COUNT; kind++) {
		unsigned count;
		const struct mus_row *rows = mus_rows(kind, &count);

		for (unsigned i = 0; i < count * 2 * MUS_ROW_RULES_MAX; i++) {
			unsigned row = i / (2 * MUS_ROW_RULES_MAX), rule = i % MUS_ROW_RULES_MAX;
			bool is_post = i / MUS_ROW_RULES_MAX % 2;
			const enum mus_rule *r = is_post ? &rows[row].post[rule] : &rows[row].pre[rule];
			char text[64];

			break_name(kind, row, is_post, rule, text, sizeof text);
			if (*r != MUS_RULE_NONE && strcmp(text, name) == 0)
				return r;
		}
	}
	return NULL;
}

static bool
parse_one(const char *name, struct mus_cut *cut)
{
	static const char *const clauses[] = {
#define X(id, name, what) name,
	    MUS_CLAUSE_MAP(X)
#undef X
	};
	const enum mus_rule *rule;

	if (strcmp(name, "guard") == 0)
		return cut->guard = true;
	if (strcmp(name, "waits") == 0)
		return cut->waits = true;
	for (unsigned c = 0; c < MUS_CLAUSE_COUNT; c++)
		if (strcmp(name, clauses[c]) == 0) {
			cut->clauses |= mus_bit(c);
			return true;
		}
	rule = find_rule(name);
	for (unsigned i = 0; rule && i < MUS_CUT_RULES_MAX; i++)
		if (!cut->rule[i]) {
			cut->rule[i] = rule;
			return true;
		}
	return false;
}

bool
break_parse(const char *names, struct mus_cut *cut, const char **what)
{
	*cut = (struct mus_cut){0};
	for (const char *p = names; *p;) {
		int len = (int)strcspn(p, ",");
		char one[64];

		snprintf(one, sizeof one, "%.*s", len, p);
		*what = p;
		if (!parse_one(one, cut))
			return false;
		p += len + (p[len] == ',');
	}
	return true;
}
