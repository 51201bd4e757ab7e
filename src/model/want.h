/*
 * The intention: the few facts that observation cannot give back.  Stored before anything is sent.
 * Every desired RRset is a function of it and of what was seen (core/desire.h).
 */
#ifndef MUS_MODEL_WANT_H
#define MUS_MODEL_WANT_H

#include "model/seen.h"

#define MUS_PROC_MAP(X)                                                                            \
	X(NONE, "none")                                                                            \
	X(ADD, "ADD-SIGNER")                                                                       \
	X(REMOVE, "REMOVE-SIGNER")                                                                 \
	X(ZSK, "ZSK-ROLLOVER")                                                                     \
	X(KSK, "KSK-ROLLOVER")                                                                     \
	X(CSK, "CSK-ROLLOVER")
enum mus_proc_kind {
#define X(name, text) MUS_PROC_##name,
	MUS_PROC_MAP(X)
#undef X
	    MUS_PROC_COUNT
};
const char *mus_proc_text(enum mus_proc_kind k);

/* What a signer can be told by a command.  X(id, word, what it tells the signer) */
#define MUS_VERB_MAP(X)                                                                            \
	X(ROLL, "roll", "begin to roll a key")                                                     \
	X(GO, "go", "use the new key: every signer shows it, and no cache has a set without it")   \
	X(WITHDRAW, "withdraw", "drop the old key: nothing in any cache needs it")
enum mus_verb {
#define X(id, word, what) MUS_VERB_##id,
	MUS_VERB_MAP(X)
#undef X
	    MUS_VERB_COUNT
};
const char *mus_verb_text(enum mus_verb v);

/* Roles of keys, as bits: which roll-overs a command is for. */
enum { MUS_KEY_ROLE_ZSK = 1, MUS_KEY_ROLE_KSK = 2, MUS_KEY_ROLE_CSK = 4 };
unsigned mus_key_role_bit(enum mus_proc_kind kind);		/* 0: no roll-over */
const char *mus_key_role_text(enum mus_proc_kind kind);	/* "zsk"; "": no roll-over */

/* A wait: since when the condition it counts from holds on every server. */
enum mus_clock_id { MUS_CLOCK_KEY, MUS_CLOCK_DS, MUS_CLOCK_NS, MUS_CLOCK_CUT, MUS_CLOCK_COUNT };
struct mus_clock {
	struct mus_time from;		/* NEVER: the condition does not hold */
	uint32_t ttl_s;			/* largest TTL that mattered when it was last looked at */
};

struct mus_proc {
	enum mus_proc_kind kind;
	uint8_t signer;			/* who joins or leaves */
	uint8_t row;			/* row of the table (core/rows.h) it has reached */
	struct mus_time started_at, row_at;
	struct mus_clock clock[MUS_CLOCK_COUNT];
};

/* A roll-over that a signer does on its own timetable, as it is followed (core/roll.h). */
struct mus_roll {
	enum mus_proc_kind kind;	/* ZSK, KSK or CSK; NONE: the place is free */
	uint8_t signer, row;
	bool early;			/* the signer used the new key before it could be everywhere */
	uint64_t in, out;		/* its keys that come, and that go */
	struct mus_time started_at, row_at;
	struct mus_clock key, ds, data;	/* the new key is shown by all; the parent names it; the old one is out of use */
	/* The engine's: that the signer was told by a command that it may go on. */
	uint8_t told_row;		/* in which row, and the next two are of it */
	uint8_t told_tries;		/* commands that were begun; 0: none */
	bool told;			/* one of them ended well */
	struct mus_time told_at;	/* when the last was begun; NEVER: none */
};
enum { MUS_ROLLS_MAX = 4 };
void mus_roll_clear(struct mus_roll *r);		/* makes the place free */

struct mus_want {
	bool adopted;			/* the first complete look has set the masks */
	uint8_t keyg;			/* signers that share their keys */
	uint8_t dsg;			/* signers whose SEP keys CDS and CDNSKEY name */
	uint8_t nsg;			/* signers whose name servers are in the NS RRset */
	uint8_t met;			/* signers that took part already when the zone was adopted */
	bool csync;			/* CSYNC is published ... */
	uint32_t csync_serial;		/* ... with this serial (OP-13) */
	struct mus_proc proc;
	uint64_t known;			/* keys that no roll-over brings in any more */
	struct mus_roll roll[MUS_ROLLS_MAX];
};

/* Signers that have entered anything, and have not left all of it. */
static inline uint8_t
mus_want_any(const struct mus_want *w)
{
	return w->keyg | w->dsg | w->nsg;
}
/* Likewise, and who comes or goes by the process, from its begin to its end. */
static inline uint8_t
mus_want_part(const struct mus_want *w)
{
	return mus_want_any(w) | (w->proc.kind != MUS_PROC_NONE ? (uint8_t)mus_bit(w->proc.signer) : 0);
}

#endif
