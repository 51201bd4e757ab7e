/*
 * What an operator can ask of the controller: the calls behind REST.  Each call checks, stores and
 * records in the history in one transaction, then wakes what it concerns.  From the loop only.
 *
 * ${actor}: who asks (token name), for the history.  Errors carry words; nothing is half applied.
 */
#ifndef MUS_ENGINE_CONTROL_H
#define MUS_ENGINE_CONTROL_H

#include "engine/hook.h"
#include "model/book.h"
#include "model/plan.h"
#include "store/store.h"

struct mus_engine;

struct mus_store *mus_ctl_store(struct mus_engine *e);	/* lends, for lists and loads */
struct mus_time mus_ctl_now(const struct mus_engine *e);

/* id 0: create (EXISTS), else update (NOTFOUND, CONFLICT).  Checks every field, that the driver
 * exists and the key file can be read; with INVAL ${field} (MUS_CTL_FIELD_MAX bytes, may be NULL)
 * points to the one at fault as the request has it: "/name_servers/0/name". */
enum { MUS_CTL_FIELD_MAX = 64 };
int mus_ctl_put_signer(struct mus_engine *e, const char *actor, struct mus_signer_obj *o, char *field, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_ctl_delete_signer(struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_ctl_put_group(struct mus_engine *e, const char *actor, struct mus_group_obj *o, char *field, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_ctl_delete_group(struct mus_engine *e, const char *actor, const char *name, struct mus_errtext *et) MUS_MUST_CHECK;
/* ADD-SIGNER or REMOVE-SIGNER for all zones of the group.  Joining a leaver unmarks it, and what an
 * abort or a loss has marked in single zones.  The last signer of the group, or of one of its zones, cannot
 * leave (CONFLICT).  When no zone is on the leaver any more, it is no member. */
int mus_ctl_group_join(struct mus_engine *e, const char *actor, const char *group, const char *signer, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_ctl_group_leave(struct mus_engine *e, const char *actor, const char *group, const char *signer, struct mus_errtext *et) MUS_MUST_CHECK;
/* Would a join be refused?  Nothing is changed.  As the join it looks at every zone of the group: once for all. */
int mus_ctl_check_join(struct mus_engine *e, const char *group, const char *signer, struct mus_errtext *et) MUS_MUST_CHECK;

/* CONFLICT too when a zone that has been taken over would have no signer in its new group. */
int mus_ctl_put_zone(struct mus_engine *e, const char *actor, struct mus_zone_obj *o, char *field, struct mus_errtext *et) MUS_MUST_CHECK;
/* Would that be refused, but for a name that is taken?  Nothing is changed; ${o} is put into canonical form. */
int mus_ctl_check_zone(struct mus_engine *e, struct mus_zone_obj *o, char *field, struct mus_errtext *et) MUS_MUST_CHECK;
/* CONFLICT while a process runs, unless ${abandon}: foreign records stay where they are. */
int mus_ctl_delete_zone(struct mus_engine *e, const char *actor, const char *name, bool abandon, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_ctl_hold(struct mus_engine *e, const char *actor, const char *zone, const char *reason, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_ctl_resume(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et) MUS_MUST_CHECK;
/* One step in manual mode: lets the next change of intention (or repair) happen once. */
int mus_ctl_step(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et) MUS_MUST_CHECK;
/* Look at the zone now. */
int mus_ctl_check(struct mus_engine *e, const char *actor, const char *zone, struct mus_errtext *et) MUS_MUST_CHECK;
/* Turns the running process round (a join becomes a leave and the reverse).  When a
 * join is taken back, so are the leaves in this zone that were to follow it.  ${out} gets what will
 * follow, in words; with ${dry_run} that is all. */
int mus_ctl_abort(struct mus_engine *e, const char *actor, const char *zone, bool dry_run, struct mus_buf *out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Lets the next step pass a rule that refuses it, once; it ends unused when a look at everything
 * shows that nothing waits for the rule any more.  ${reason} must not be empty; ${out} gets
 * what breaks, for whom and until when; with ${dry_run} that is all. */
int mus_ctl_force(struct mus_engine *e, const char *actor, const char *zone, enum mus_rule rule, const char *reason, bool dry_run, struct mus_buf *out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Nothing waits for the signer any more.  CONFLICT when it takes no part, or the zone would have no other; and unless
 * ${forced} when the latest round does not show that all its servers are silent.  Who is lost already stays so.  ${out}
 * gets what that means; with ${dry_run} that is all. */
struct mus_ctl_loss {
	const char *signer, *reason;
	bool forced, dry_run;
};
int mus_ctl_lost(struct mus_engine *e, const char *actor, const char *zone, const struct mus_ctl_loss *loss, struct mus_buf *out, struct mus_errtext *et) MUS_MUST_CHECK;

/* Why something failed last at one signer, or with the parent; empty: it did not. */
struct mus_ctl_trouble {
	char copy[256];			/* reading its whole copy */
	int copy_err;			/* then: enum mus_err */
	struct mus_addr copy_server;	/* who was asked for it */
	struct mus_time copy_began;	/* it is being read since then; 0: it is not */
	struct mus_time copy_since;	/* it has failed */
	struct mus_time copy_next;	/* when it is tried again; NEVER: it is being tried, or is not again */
	char change[160];		/* changing its records */
	char lookup[160];		/* finding its name servers' addresses; the parent, its keys */
};
/* Tells ${signer} to roll its key of the role of ${kind} (ZSK, KSK or CSK), by the command that is configured for it;
 * without one ${out} says what the operator is to do there.  CONFLICT: it would be unwise now, with the reason; INVAL:
 * it has no key in that role.  ${out} gets what will follow; with ${dry_run} that is all. */
int mus_ctl_roll(struct mus_engine *e, const char *actor, const char *zone, const char *signer, enum mus_proc_kind kind, bool dry_run, struct mus_buf *out, struct mus_errtext *et) MUS_MUST_CHECK;

/* A command by which a signer is told something, in one zone. */
struct mus_ctl_command {
	const char *signer;
	enum mus_verb verb;
	enum mus_proc_kind kind;	/* of the roll-over */
	enum { MUS_CTL_COMMAND_RUNNING, MUS_CTL_COMMAND_DONE, MUS_CTL_COMMAND_FAILED } state;
	unsigned tries;
	struct mus_time at;		/* when it was begun, or has ended */
	struct mus_time next;		/* when it is tried again; NEVER: not by itself */
	const char *words;		/* how it has ended; empty: not known since the start */
};
/* Those of the roll-overs, and what the operator has asked for at each signer in each role. */
enum { MUS_CTL_COMMANDS_MAX = MUS_ROLLS_MAX + 3 * MUS_SIGNERS_MAX };

/* The zone as it stands: last observations, a plan and a verdict made now.  Lent until the next
 * call into the engine. */
struct mus_zone_view {
	const struct mus_zonestate *state;
	const struct mus_plan *plan;
	const struct mus_verdict *verdict;
	const struct mus_ctl_trouble *trouble;	/* of each origin; NULL: none is known */
	struct mus_time now;
	enum mus_rule forced;			/* the operator's force, not used yet; NONE */
	const char *forced_reason;
	struct mus_time manual_since;		/* since when the parent has not followed; NEVER: it may still */
	const char *announces;			/* what the parent says it does (DSYNC); NULL: not known yet */
	const char *manual;			/* what it is waited for with, to be entered by hand: lines "add RECORD" */
	const struct mus_ctl_command *command;	/* what signers are told by command */
	unsigned command_count;
	const char *by_hand[MUS_SIGNERS_MAX];	/* likewise at each signer without a driver, now; NULL or empty: nothing */
	const char *store_error;		/* why nothing can be stored, which is the first wait then; NULL: it can */
};
int mus_ctl_view(struct mus_engine *e, const char *zone, struct mus_zone_view *out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Would ${signer}, member or not, be fit to join?  Everything is looked at and whole copies are
 * read; nothing is changed or stored.  ${done} comes once unless this fails (FULL: too many are
 * under way), and can come before this returns; ${fit} is lent for the call. */
struct mus_ctl_fit {
	const struct mus_zonestate *state;	/* as if the signer were a member */
	const struct mus_witness *finding;	/* worst first */
	unsigned count;
	const struct mus_ctl_trouble *trouble;	/* of each origin */
	const char *refused;			/* why its group could not take it, whatever the other zones: a finding of
						 * MUS_RULE_PREFLIGHT; or empty */
	struct mus_time now;
	const char *announces;			/* as in mus_zone_view */
};
typedef void mus_ctl_fit_fn(void *arg, int err, const struct mus_errtext *et, const struct mus_ctl_fit *fit);
int mus_ctl_preflight(struct mus_engine *e, const char *zone, const char *signer, mus_ctl_fit_fn *done, void *arg, struct mus_errtext *et) MUS_MUST_CHECK;

/* Tries on ${zone} what ${signer} lets us do, and puts everything back.  ${done} comes later, from
 * the loop; ${report} is a JSON text.  No ${done}: nobody asked; what was not answered counts as what was found before,
 * and the history tells why nothing could be tried. */
typedef void mus_ctl_probe_fn(void *arg, int err, const struct mus_errtext *et, const char *report);
int mus_ctl_probe(struct mus_engine *e, const char *actor, const char *signer, const char *zone, mus_ctl_probe_fn *done, void *arg, struct mus_errtext *et) MUS_MUST_CHECK;

/* The history has grown: what is new is in the store, up to mus_ctl_history_end; what is beyond that is
 * not on disk yet, and may never be.  At most 256 listeners. */
typedef void mus_ctl_event_fn(void *arg);
int64_t mus_ctl_history_end(const struct mus_engine *e);
int mus_ctl_listen(struct mus_engine *e, mus_ctl_event_fn *fn, void *arg) MUS_MUST_CHECK;
void mus_ctl_unlisten(struct mus_engine *e, mus_ctl_event_fn *fn, void *arg);

/* What goes to one signer: its queue of changes, and what became of those sent since the start. */
struct mus_ctl_changes {
	uint64_t waiting, unanswered;	/* now */
	uint64_t sent;
	uint64_t refused;		/* answered with a refusal */
	uint64_t dropped;		/* accepted, and not shown then */
	uint64_t silent;		/* without an answer */
	uint64_t full;			/* times a zone found no room in the queue */
	struct mus_time paused_until;	/* it does not answer: the next is tried then; NEVER: it does */
	struct mus_errtext last_error;	/* of the last that was refused, dropped or not answered; empty: none */
};
void mus_ctl_changes(const struct mus_engine *e, int64_t signer_id, struct mus_ctl_changes *out);
/* Why nothing can be signed for it with its key file, which is tried now unless it is known; empty: nothing is wrong.
 * Lent until the next call into the engine. */
const char *mus_ctl_signer_trouble(struct mus_engine *e, int64_t signer_id);

struct mus_ctl_stats {
	uint64_t zones, busy, due, in_flight;
	uint64_t questions, answers, timeouts, updates_sent, updates_failed, transfers;
	uint64_t commands, commands_failed;	/* that signers were told something by, as they have ended */
	uint64_t sigs_verified, sigs_cached, plans, rounds;
	struct mus_time store_failing_since;	/* nothing can be stored, so nothing is sent; NEVER: all is well */
	struct mus_errtext store_error;		/* why */
	struct mus_time restored_at;		/* the database was found to be a backup, last; NEVER: never */
	uint64_t state[6];		/* zones by enum mus_state_word, as of their last check */
	uint64_t manual_ds, manual_ns;	/* zones whose parent has to be told by hand */
	uint64_t lost_signer;		/* zones that resolvers may still look for at a signer that was lost */
	uint64_t row_s;			/* how long the process that stands longest has been in its row; 0: none runs */
	bool checks_addresses;		/* those that are given are compared with DNS */
};
void mus_ctl_stats(const struct mus_engine *e, struct mus_ctl_stats *out);

#endif
