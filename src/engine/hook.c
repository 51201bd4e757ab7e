/*
 * Which command tells a signer what (engine/hook.h), and its words for one key of one zone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/int.h"

/* ---- placeholders --------------------------------------------------------------------------- */

/* X(id, name in a command, name in the environment) */
#define FACT_MAP(X)                                          \
	X(ZONE, "{zone}", "MUSIC_ZONE")                      \
	X(SIGNER, "{signer}", "MUSIC_SIGNER")                \
	X(ROLE, "{role}", "MUSIC_ROLE")                      \
	X(ALGORITHM, "{algorithm}", "MUSIC_ALGORITHM")       \
	X(OLD_TAG, "{old-key-tag}", "MUSIC_OLD_KEY_TAG")     \
	X(NEW_TAG, "{new-key-tag}", "MUSIC_NEW_KEY_TAG")
enum fact {
#define X(id, name, env) FACT_##id,
	FACT_MAP(X)
#undef X
	    FACT_COUNT
};
static const struct {
	const char *name, *env;
} facts[] = {
#define X(id, name, env) {name, env},
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
tags_text(struct mus_arena *a, const struct mus_zonestate *st, uint64_t keys)
{
	const char *text = "";

	for (; keys && text; keys &= keys - 1)
		text = mus_arena_printf(a, "%s%s%u", text, *text ? "," : "", st->zone.key[__builtin_ctzll(keys)].tag);
	return text;
}

/* ${word} with the facts in the place of their names; NULL: no memory. */
static char *
filled(struct mus_arena *a, const char *word, const char *const value[static FACT_COUNT])
{
	char *out = mus_arena_strdup(a, "");
	size_t len;

	for (const char *s = word; *s && out; s += len) {
		enum fact f = (len = placeholder_len(s)) ? fact_at(s, len) : FACT_COUNT;

		if (f != FACT_COUNT) {
			out = mus_arena_printf(a, "%s%s", out, value[f]);
			continue;
		}
		len = 1 + strcspn(s + 1, "{");
		out = mus_arena_printf(a, "%s%.*s", out, (int)len, s);
	}
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

bool
eng_hook_fill(const struct eng_hook *h, const struct mus_zonestate *st, const struct eng_hook_for *f,
    struct mus_arena *a, struct mus_run_cmd *out)
{
	uint64_t any = f->in ? f->in : f->out;
	const char *value[FACT_COUNT] = {[FACT_ZONE] = st->book.zone, [FACT_SIGNER] = st->book.signer[f->signer],
	    [FACT_ROLE] = mus_key_role_text(f->kind), [FACT_OLD_TAG] = tags_text(a, st, f->out),
	    [FACT_NEW_TAG] = tags_text(a, st, f->in),
	    [FACT_ALGORITHM] = any ? mus_arena_printf(a, "%u", st->zone.key[__builtin_ctzll(any)].alg) : ""};
	const char **argv = mus_arena_alloc(a, (h->word_count + 1) * sizeof *argv);

	for (size_t i = 0; argv && !mus_arena_failed(a) && i < h->word_count; i++)
		argv[i] = filled(a, h->word[i], value);
	if (mus_arena_failed(a))
		return false;
	*out = (struct mus_run_cmd){argv, environment(a, h->verb, value), h->timeout_ms};
	return !mus_arena_failed(a);
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
