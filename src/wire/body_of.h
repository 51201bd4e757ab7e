/*
 * Model types -> reply structs, request structs -> model types.  Everything made is lent by the
 * arena or by the arguments; out of memory shows in mus_arena_failed.
 */
#ifndef MUS_WIRE_BODY_OF_H
#define MUS_WIRE_BODY_OF_H

#include "model/book.h"
#include "model/object.h"
#include "model/plan.h"
#include "wire/body.h"

/* Names behind ids; "" for 0 and for what is gone.  What is returned must live as long as the reply. */
struct mus_body_names {
	const char *(*group)(void *arg, int64_t id);
	const char *(*signer)(void *arg, int64_t id);
	void *arg;
};
/* Where the running process stands in its table (core/rows.h); count 0: no process. */
struct mus_body_row {
	const char *name;
	unsigned count;
};
/* Why it failed last at a signer to read its copy, to change its records, and to look its name servers
 * up; or the parent and its keys.  NULL or empty: it did not. */
struct mus_body_trouble {
	const char *copy, *change, *lookup;
	struct mus_time copy_next;	/* when the copy is tried again; NEVER: not known */
	struct mus_time copy_since;	/* it could not be read */
	const struct mus_addr *copy_server;	/* who was asked for it */
	struct mus_time copy_began;	/* it is being read since then; 0: it is not */
	int copy_err;			/* enum mus_err */
	enum mus_body_unread {		/* why it is never read */
		MUS_BODY_READ,		/* it is */
		MUS_BODY_NO_ADDRESS,	/* there is none to read it from */
		MUS_BODY_NO_TRANSFER,	/* the operator says that the signer allows none */
	} unread;
	const char *join;		/* why it cannot join; NULL: it can, or has */
};
/* A command about a zone, as the engine tells of it. */
struct mus_body_command {
	const char *signer, *verb, *role, *state, *text;
	unsigned tries;
	struct mus_time at, next;
};
enum { MUS_BODY_COMMANDS_MAX = 32 };
/* A zone as the engine shows it. */
struct mus_body_view {
	const struct mus_zonestate *state;
	const struct mus_plan *plan;		/* may be NULL */
	const struct mus_verdict *verdict;	/* may be NULL */
	struct mus_body_row row;
	struct mus_body_row roll_row[MUS_ROLLS_MAX];	/* of each roll-over */
	struct mus_time now;
	struct mus_body_trouble trouble[MUS_ORIGINS];
	const char *forced, *forced_reason;	/* NULL: no force is armed */
	const char *announces;			/* of the parent; NULL: not known */
	const char *manual;			/* lines, each ended; NULL: none */
	struct mus_time manual_since;
	struct mus_body_command command[MUS_BODY_COMMANDS_MAX];
	unsigned command_count;
	const char *by_hand[MUS_SIGNERS_MAX];	/* likewise: at each signer; NULL: nothing */
	const char *store_error;		/* why nothing can be stored; NULL: it can */
};

void mus_body_of_signer(struct mus_arena *a, const struct mus_signer_obj *o,
    const struct mus_rep_changes *changes, struct mus_rep_signer *out);	/* lends ${changes} */
void mus_body_of_group(struct mus_arena *a, const struct mus_group_obj *o,
    const struct mus_body_names *names, struct mus_rep_group *out);	/* zones, busy: the caller */
void mus_body_of_zone(struct mus_arena *a, const struct mus_zone_obj *o,
    const struct mus_body_names *names, struct mus_rep_zone *out);
void mus_body_of_event(const struct mus_event_obj *o, struct mus_rep_event *out);
void mus_body_of_process(const struct mus_process_obj *o, struct mus_rep_process *out);
void mus_body_of_finding(struct mus_arena *a, const struct mus_zonestate *z,
    const struct mus_witness *w, struct mus_rep_finding *out);
struct mus_list mus_body_of_findings(struct mus_arena *a, const struct mus_zonestate *z,
    const struct mus_witness *w, unsigned count, const struct mus_body_trouble *trouble);
void mus_body_of_status(struct mus_arena *a, const struct mus_zone_obj *o,
    const struct mus_body_names *names, const struct mus_body_view *v, struct mus_rep_zone_status *out);
void mus_body_of_plan(struct mus_arena *a, const struct mus_zone_obj *o,
    const struct mus_body_view *v, struct mus_rep_plan *out);
void mus_body_of_explain(struct mus_arena *a, const struct mus_zone_obj *o,
    const struct mus_body_view *v, struct mus_rep_explain *out);
const char *mus_body_result_word(enum mus_result r);

/* Signers of whom something is not known before their whole copy is read. */
uint8_t mus_body_copies_missed(const struct mus_witness *w, unsigned count);

/* What to do about it, for people; never NULL. */
const char *mus_body_hint(const struct mus_witness *w);
/* The same about what a plan waits for, where that is another matter than a finding; NULL: it is not. */
const char *mus_body_wait_hint(const struct mus_witness *w);
/* The same about a whole copy that could not be read, by enum mus_err. */
const char *mus_body_copy_hint(int err);
/* And about one that is never read: ${rule} is V13, or TTLMAX; never for MUS_BODY_READ. */
const char *mus_body_unread_hint(enum mus_body_unread why, enum mus_rule rule);

/* Writes what was given over ${o}.  Names must be canonical already. */
void mus_body_to_signer(const struct mus_req_signer *r, struct mus_signer_obj *o);
void mus_body_to_ns(const struct mus_list *list, struct mus_ns_obj *ns, uint8_t *count);

#endif
