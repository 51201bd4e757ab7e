/* Names of everything that is an enum in the model, made from the lists beside the enums. */
#include "base/err.h"
#include "model/plan.h"

const char *
mus_rr_text(enum mus_rr_kind k)
{
	static const char *const text[] = {
#define X(name, words) [MUS_RR_##name] = words,
	    MUS_RR_MAP(X)
#undef X
	};

	return (unsigned)k < MUS_RR_COUNT ? text[k] : "record";
}

const char *
mus_cause_text(enum mus_cause c)
{
	static const char *const text[] = {
#define X(name, words) [MUS_CAUSE_##name] = words,
	    MUS_CAUSE_MAP(X)
#undef X
	};

	return (unsigned)c < MUS_CAUSE_COUNT ? text[c] : "gave no usable answer";
}

enum mus_cause
mus_cause_of_err(int err)
{
	switch (err) {
	case MUS_ERR_TIMEOUT:
		return MUS_CAUSE_TIMEOUT;
	case MUS_ERR_FULL:
	case MUS_ERR_NOMEM:
	case MUS_ERR_CANCELLED:
		return MUS_CAUSE_LOCAL;
	case MUS_ERR_MALFORM:
		return MUS_CAUSE_MALFORM;
	case MUS_ERR_BADSIG:
		return MUS_CAUSE_TSIG;
	default:
		return MUS_CAUSE_NET;
	}
}

const char *
mus_proc_text(enum mus_proc_kind k)
{
	static const char *const text[] = {
#define X(name, words) [MUS_PROC_##name] = words,
	    MUS_PROC_MAP(X)
#undef X
	};

	return (unsigned)k < MUS_PROC_COUNT ? text[k] : "unknown process";
}

const char *
mus_verb_text(enum mus_verb v)
{
	static const char *const text[] = {
#define X(id, word, what) word,
	    MUS_VERB_MAP(X)
#undef X
	};

	return v < MUS_VERB_COUNT ? text[v] : "";
}

unsigned
mus_key_role_bit(enum mus_proc_kind kind)
{
	return kind == MUS_PROC_ZSK ? MUS_KEY_ROLE_ZSK
	    : kind == MUS_PROC_KSK  ? MUS_KEY_ROLE_KSK
	    : kind == MUS_PROC_CSK  ? MUS_KEY_ROLE_CSK
				    : 0;
}

const char *
mus_key_role_text(enum mus_proc_kind kind)
{
	return kind == MUS_PROC_ZSK ? "zsk" : kind == MUS_PROC_KSK ? "ksk" : kind == MUS_PROC_CSK ? "csk" : "";
}

const char *
mus_rule_text(enum mus_rule r)
{
	static const char *const text[] = {
#define X(name, words, sentence) [MUS_RULE_##name] = words,
	    MUS_RULE_MAP(X)
#undef X
	};

	return (unsigned)r < MUS_RULE_COUNT ? text[r] : "unknown rule";
}

/* Not what is left when there is nothing to force. */
bool
mus_rule_can_pass(enum mus_rule r)
{
	return r > MUS_RULE_NONE && r < MUS_RULE_COUNT && r != MUS_RULE_LASTONE && r != MUS_RULE_HELD &&
	    r != MUS_RULE_MANUAL && r != MUS_RULE_QUEUE && r != MUS_RULE_PROBE && r != MUS_RULE_STORE;
}

const char *
mus_rule_sentence(enum mus_rule r)
{
	static const char *const text[] = {
#define X(name, words, sentence) [MUS_RULE_##name] = sentence,
	    MUS_RULE_MAP(X)
#undef X
	};

	return (unsigned)r < MUS_RULE_COUNT ? text[r] : "";
}

const char *
mus_state_text(enum mus_state_word s)
{
	switch (s) {
	case MUS_STATE_UNKNOWN:
		return "UNKNOWN";
	case MUS_STATE_VALID:
		return "VALID";
	case MUS_STATE_SO_FAR:
		return "VALID-SO-FAR";
	case MUS_STATE_AT_RISK:
		return "AT-RISK";
	case MUS_STATE_INVALID:
		return "INVALID";
	case MUS_STATE_INSECURE:
		return "INSECURE";
	}
	return "UNKNOWN";
}

const struct mus_witness MUS_WITNESS_NONE = {
	.rule = MUS_RULE_NONE,
	.result = MUS_RES_HOLDS,
	.origin = MUS_NOBODY,
	.origin2 = MUS_NOBODY,
	.server = MUS_NOBODY,
	.server2 = MUS_NOBODY,
	.kind = MUS_NOBODY,
	.kind2 = MUS_NOBODY,
	.key = MUS_NOBODY,
	.ns = MUS_NOBODY,
	.cause = MUS_NOBODY,
	.number = 0,
	.seen_at = {INT64_MAX},
	.until = {INT64_MAX},
};
