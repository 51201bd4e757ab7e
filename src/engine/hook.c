/*
 * Which command tells a signer what (engine/hook.h), and its words for one key of one zone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows.h"
#include "engine/int.h"

/* ---- placeholders --------------------------------------------------------------------------- */

enum {
	NUMBER_TEXT_MAX = 4,
	TAGS_TEXT_MAX = MUS_KEYS_MAX * 6,
};

/* X(id, name in a command, name in the environment, bytes that its text needs at most) */
#define FACT_MAP(X)                                                            \
	X(ZONE, "{zone}", "MUSIC_ZONE", MUS_ZONETEXT_MAX)                      \
	X(SIGNER, "{signer}", "MUSIC_SIGNER", MUS_LABEL_MAX)                   \
	X(ROLE, "{role}", "MUSIC_ROLE", sizeof "zsk")                          \
	X(ALGORITHM, "{algorithm}", "MUSIC_ALGORITHM", NUMBER_TEXT_MAX)        \
	X(OLD_TAG, "{old-key-tag}", "MUSIC_OLD_KEY_TAG", TAGS_TEXT_MAX)        \
	X(NEW_TAG, "{new-key-tag}", "MUSIC_NEW_KEY_TAG", TAGS_TEXT_MAX)
enum fact {
#define X(id, name, env, max) FACT_##id,
	FACT_MAP(X)
#undef X
	    FACT_COUNT
};
static const struct {
	const char *name, *env;
	size_t max;
} facts[] = {
#define X(id, name, env, max) {name, env, max},
    FACT_MAP(X)
#undef X
};

/* The length of what looks like a placeholder at ${s}; 0: nothing does. */
static size_t
placeholder_len(const char *s)
{
	size_t n = 1;

	if (s[0] != '{')
		return 0;
	while ((s[n] >= 'a' && s[n] <= 'z') || s[n] == '-' || s[n] == '_')
		n++;
	return n > 1 && s[n] == '}' ? n + 1 : 0;
}

static enum fact
fact_at(const char *s, size_t len)
{
	for (unsigned i = 0; i < FACT_COUNT; i++)
		if (strlen(facts[i].name) == len && strncmp(facts[i].name, s, len) == 0)
			return (enum fact)i;
	return FACT_COUNT;
}

int
mus_hook_check_word(enum mus_verb verb, const char *word, struct mus_errtext *et)
{
	size_t len;

	for (const char *s = word; *s; s += len ? len : 1) {
		enum fact f;

		if (!(len = placeholder_len(s)))
			continue;
		f = fact_at(s, len);
		if (f == FACT_COUNT)
			return mus_errf(et, MUS_ERR_INVAL, "no placeholder %.*s (there are: {zone}, {signer}, {role}, "
			    "{algorithm}, {old-key-tag}, {new-key-tag})", (int)(len < 40 ? len : 40), s);
		if (f == FACT_NEW_TAG && verb == MUS_VERB_ROLL)
			return mus_errf(et, MUS_ERR_INVAL, "{new-key-tag}: who is told to roll has no new key yet");
	}
	return 0;
}

/* Tags with commas between. */
static const char *
tags_text(const struct mus_zonestate *st, uint64_t keys, char out[static TAGS_TEXT_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (; keys; keys &= keys - 1)
		n += (size_t)snprintf(out + n, TAGS_TEXT_MAX - n, "%s%u", n ? "," : "",
		    st->zone.key[__builtin_ctzll(keys)].tag);
	return out;
}

/* ${word} with the facts in the place of their names, to ${out} when that is not NULL.  Gives its length. */
static size_t
fill(const char *word, const char *const value[static FACT_COUNT], char *out)
{
	size_t n = 0, len;

	for (const char *s = word; *s; s += len) {
		enum fact f = (len = placeholder_len(s)) ? fact_at(s, len) : FACT_COUNT;
		const char *from = f == FACT_COUNT ? s : value[f];
		size_t count;

		if (f == FACT_COUNT)
			len = 1 + strcspn(s + 1, "{");
		count = f == FACT_COUNT ? len : strlen(from);
		if (out)
			memcpy(out + n, from, count);
		n += count;
	}
	return n;
}

/* NULL: no memory. */
static const char *
filled(struct mus_arena *a, const char *word, const char *const value[static FACT_COUNT])
{
	char *out = mus_arena_alloc(a, fill(word, value, NULL) + 1);	/* zeroed */

	if (out)
		(void)fill(word, value, out);
	return out;
}

/* What programs need of ours, and the facts. */
static const char *const *
environment(struct mus_arena *a, enum mus_verb verb, const char *const value[static FACT_COUNT])
{
	static const char *const ours[] = {"PATH", "HOME", "LANG"};
	const char **env = mus_arena_alloc(a, (FACT_COUNT + 5) * sizeof *env);
	size_t n = 0;

	for (unsigned i = 0; env && i < sizeof ours / sizeof *ours; i++)
		if (getenv(ours[i]))
			env[n++] = mus_arena_printf(a, "%s=%s", ours[i], getenv(ours[i]));
	for (unsigned i = 0; env && i < FACT_COUNT; i++)
		env[n++] = mus_arena_printf(a, "%s=%s", facts[i].env, value[i]);
	if (env)
		env[n] = mus_arena_printf(a, "MUSIC_VERB=%s", mus_verb_text(verb));
	return env;
}

/* Both, of ${count} words; false: no memory, or more than ${a} takes. */
static bool
command(struct mus_arena *a, const char *const *word, size_t count, enum mus_verb verb,
    const char *const value[static FACT_COUNT], struct mus_run_cmd *out)
{
	const char **argv = mus_arena_alloc(a, (count + 1) * sizeof *argv);

	for (size_t i = 0; !mus_arena_failed(a) && i < count; i++)
		argv[i] = filled(a, word[i], value);
	if (mus_arena_failed(a))
		return false;
	*out = (struct mus_run_cmd){.argv = argv, .env = environment(a, verb, value)};
	return !mus_arena_failed(a);
}

bool
eng_hook_fill(const struct eng_hook *h, const struct mus_zonestate *st, const struct eng_hook_for *f,
    struct mus_arena *a, struct mus_run_cmd *out)
{
	uint64_t any = f->in ? f->in : f->out;
	char algorithm[NUMBER_TEXT_MAX] = "", old[TAGS_TEXT_MAX], new[TAGS_TEXT_MAX];
	const char *const value[FACT_COUNT] = {[FACT_ZONE] = st->book.zone,
	    [FACT_SIGNER] = st->book.signer[f->signer], [FACT_ROLE] = mus_key_role_text(f->kind),
	    [FACT_OLD_TAG] = tags_text(st, f->out, old), [FACT_NEW_TAG] = tags_text(st, f->in, new),
	    [FACT_ALGORITHM] = algorithm};

	if (any)
		snprintf(algorithm, sizeof algorithm, "%u", st->zone.key[__builtin_ctzll(any)].alg);
	mus_arena_init(a, MUS_RUN_WORDS_MAX);
	if (!command(a, h->word, h->word_count, h->verb, value, out))
		return false;
	out->timeout_ms = h->timeout_ms;
	return true;
}

int
mus_hook_check_size(const struct mus_hook *h, struct mus_errtext *et)
{
	char longest[MUS_ZONETEXT_MAX];
	const char *value[FACT_COUNT];
	struct mus_run_cmd cmd;
	struct mus_arena a;
	bool fits;

	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	for (unsigned i = 0; i < FACT_COUNT; i++)
		value[i] = longest + sizeof longest - facts[i].max;
	mus_arena_init(&a, MUS_RUN_WORDS_MAX);
	fits = command(&a, h->words, h->word_count, h->verb, value, &cmd);
	mus_arena_clear(&a);
	if (fits)
		return 0;
	return mus_errf(et, MUS_ERR_INVAL, "too long: all its words, with the longest that may stand in the place of "
	    "its placeholders, and its environment are to fit in %u KiB; put what it does into a file and run that",
	    MUS_RUN_WORDS_MAX >> 10);
}

/* ---- when each is told ---------------------------------------------------------------------- */

/* NONE: when the operator says so. */
static enum mus_rule
rule_of(enum mus_verb verb)
{
	return verb == MUS_VERB_GO ? MUS_RULE_NEWUSED : verb == MUS_VERB_WITHDRAW ? MUS_RULE_OLDGONE : MUS_RULE_NONE;
}

enum mus_verb
eng_hook_verb(enum mus_rule rule)
{
	enum mus_verb verb = MUS_VERB_GO;

	while (verb != MUS_VERB_COUNT && rule_of(verb) != rule)
		verb++;
	return verb;
}

bool
mus_hook_is_told(enum mus_verb verb, enum mus_proc_kind kind)
{
	unsigned count;
	const struct mus_row *row = mus_rows(kind, &count);
	bool is_told = verb == MUS_VERB_ROLL;

	for (unsigned i = 0; i < count && !is_told; i++)
		for (unsigned k = 0; k < MUS_ROW_RULES_MAX && row[i].post[k] != MUS_RULE_NONE; k++)
			is_told |= row[i].post[k] == rule_of(verb);
	return is_told;
}

/* ---- the list ------------------------------------------------------------------------------- */

int
mus_engine_set_hooks(struct mus_engine *e, const struct mus_hook *hooks, size_t count)
{
	struct mus_arena a;
	struct eng_hook *list;

	mus_arena_init(&a, 0);
	list = mus_arena_alloc(&a, (count + 1) * sizeof *list);
	for (size_t i = 0; list && i < count; i++) {
		struct eng_hook *h = &list[i];

		h->signer = mus_arena_strdup(&a, hooks[i].signer);
		h->verb = hooks[i].verb;
		h->roles = hooks[i].roles;
		h->timeout_ms = hooks[i].timeout_ms;
		h->word = mus_arena_alloc(&a, hooks[i].word_count * sizeof *h->word);
		for (; h->word && h->word_count < hooks[i].word_count; h->word_count++)
			h->word[h->word_count] = mus_arena_strdup(&a, hooks[i].words[h->word_count]);
	}
	if (mus_arena_failed(&a)) {
		mus_arena_clear(&a);
		return MUS_ERR_NOMEM;
	}
	mus_arena_clear(&e->hook_arena);
	e->hook_arena = a;
	e->hook = list;
	e->hook_count = count;
	return 0;
}

const struct eng_hook *
eng_hook_find(const struct mus_engine *e, const char *signer, enum mus_verb verb, enum mus_proc_kind kind)
{
	for (size_t i = 0; i < e->hook_count; i++)
		if (e->hook[i].verb == verb && e->hook[i].roles & mus_key_role_bit(kind) &&
		    strcmp(e->hook[i].signer, signer) == 0)
			return &e->hook[i];
	return NULL;
}
