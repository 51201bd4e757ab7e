/*
 * Commands by which signers are told what no DNS UPDATE can tell them: to roll a key, to use a new one, to drop an
 * old one.  Which command does that at which signer stands in the configuration of the program, and nowhere else:
 * who may use the API cannot say what is run.
 */
#ifndef MUS_ENGINE_HOOK_H
#define MUS_ENGINE_HOOK_H

#include "base/err.h"
#include "model/want.h"

struct mus_engine;

struct mus_hook {
	const char *signer;		/* by name; there need not be one yet */
	enum mus_verb verb;
	unsigned roles;
	const char *const *words;	/* program and arguments, with placeholders */
	size_t word_count;
	int64_t timeout_ms;
};
/* Are all placeholders of ${word} known, and there for this verb?  INVAL with words: no. */
int mus_hook_check_word(enum mus_verb verb, const char *word, struct mus_errtext *et) MUS_MUST_CHECK;
/* Does a roll-over of this kind come to where this is told? */
bool mus_hook_is_told(enum mus_verb verb, enum mus_proc_kind kind);
/* May all that ${h} is run with, whatever it is about, be given to a program?  INVAL with words: it is too long. */
int mus_hook_check_size(const struct mus_hook *h, struct mus_errtext *et) MUS_MUST_CHECK;
/* These in the place of all there were; copied.  What runs goes on.  NOMEM: nothing has changed. */
int mus_engine_set_hooks(struct mus_engine *e, const struct mus_hook *hooks, size_t count) MUS_MUST_CHECK;

#endif
