/*
 * The database of a controller: SQLite in WAL mode.  All SQL is in one table of statements,
 * prepared at open; numbered migrations; one load and one save per model type.
 *
 * The engine opens one transaction per turn (begin), saves what the turn decided, commits, and only
 * then sends.  Between begin and commit nothing waits for the network.  Reads outside a transaction
 * see the last commit.  One thread.
 *
 * Errors: NOTFOUND, EXISTS, CONFLICT (referenced by others; words name by whom), STORE (disk full,
 * I/O, corruption; the transaction is rolled back and the caller must not send anything).
 */
#ifndef MUS_STORE_STORE_H
#define MUS_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/object.h"

struct mus_store;

/* Creates the file (0600) and runs migrations; refuses a file of a newer version. ":memory:" works. */
int mus_store_open(const char *path, struct mus_store **out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Could it be opened, as far as the head of the file tells?  Nothing is written; one that is not there can be. */
int mus_store_check(const char *path, struct mus_errtext *et) MUS_MUST_CHECK;
void mus_store_close(struct mus_store *s);
int mus_store_begin(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_commit(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;
void mus_store_rollback(struct mus_store *s);
/* Whether the open transaction has changed a row; the commit of one that has not touches no file. */
bool mus_store_wrote(const struct mus_store *s);

/* Saves insert when id is 0 (and set it) and update otherwise. */
int mus_store_save_signer(struct mus_store *s, struct mus_signer_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_load_signer(struct mus_store *s, const char *name, struct mus_signer_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_load_signer_id(struct mus_store *s, int64_t id, struct mus_signer_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
/* CONFLICT while a group has it. */
int mus_store_delete_signer(struct mus_store *s, int64_t id, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_save_group(struct mus_store *s, struct mus_group_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_load_group(struct mus_store *s, const char *name, struct mus_group_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_load_group_id(struct mus_store *s, int64_t id, struct mus_group_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
/* CONFLICT while a zone is in it. */
int mus_store_delete_group(struct mus_store *s, int64_t id, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_save_zone(struct mus_store *s, struct mus_zone_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_load_zone(struct mus_store *s, const char *name, struct mus_zone_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_load_zone_id(struct mus_store *s, int64_t id, struct mus_zone_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
/* With its state, history and processes. */
int mus_store_delete_zone(struct mus_store *s, int64_t id, struct mus_errtext *et) MUS_MUST_CHECK;

/* Only the columns the engine writes each turn (state words, next_check_at, checked_at). */
int mus_store_save_zone_status(struct mus_store *s, const struct mus_zone_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
/* What was seen, intended and learnt, as one encoded blob (model/codec.h), opaque here. */
int mus_store_save_state(struct mus_store *s, int64_t zone_id, const void *blob, size_t len, struct mus_errtext *et) MUS_MUST_CHECK;
/* What has come over all states since one was saved. */
struct mus_state_age {
	int64_t behind_ms;		/* they have been shifted by so much */
	bool is_restored;		/* the database was found to be a backup: what came after it is not known */
};
/* Appends to ${out}; NOTFOUND when none was saved yet. */
int mus_store_load_state(struct mus_store *s, int64_t zone_id, struct mus_buf *out, struct mus_state_age *age,
    struct mus_errtext *et) MUS_MUST_CHECK;
/* The wall clock and the one that nobody sets, at the same time: what all states that are saved go by. */
struct mus_clocks {
	struct mus_time wall;
	int64_t boot_ms;		/* since boot */
	char boot_id[40];		/* of which boot; empty: nobody knows */
};
/* The clocks are at ${now}, and the wall's was set forward by ${shift_ms}, or 0: each state that was saved before is so
 * much more behind.  One row. */
int mus_store_note_clocks(struct mus_store *s, int64_t shift_ms, const struct mus_clocks *now, struct mus_errtext *et) MUS_MUST_CHECK;
/* As they were noted last; wall 1970 and no boot: never. */
int mus_store_load_clocks(struct mus_store *s, struct mus_clocks *out, struct mus_errtext *et) MUS_MUST_CHECK;

/*
 * A backup that is restored looks like the database that ran, and what was sent since is not in it.  So each
 * batch of changes that leaves is counted twice: here, and in the file "<path>-sent", which no backup of the
 * database has.  A database that is behind that file, or has sent something and has none (another machine), is
 * a backup; one that is ahead is not: the batch was committed and not sent, or the machine lost what it had not
 * written to its disk yet.
 */
/* Within a transaction that stores changes to be sent: it counts as one more.  Once is enough. */
int mus_store_count_sent(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;
/* After its commit and before anything is sent: the file has the number too.  Writes when it has not; an error:
 * nothing may be sent. */
int mus_store_mark_sent(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;
/* Why the database that was opened is taken for a backup; NULL: it is not, or has been told so. */
const char *mus_store_is_older(const struct mus_store *s);
/* Within a transaction: all states that were saved before are of a backup, which was found ${at} that time.
 * mus_store_mark_sent follows the commit; then the next start finds nothing. */
int mus_store_note_restored(struct mus_store *s, struct mus_time at, struct mus_errtext *et) MUS_MUST_CHECK;
/* When that was last; NEVER: never. */
struct mus_time mus_store_restored_at(const struct mus_store *s);

/* Lists by key: items whose name > ${after} (NULL or "": from the start), in order, at most
 * ${limit}; ${fn} returning nonzero ends the list with that value. Objects are lent to ${fn}. */
typedef int mus_store_signer_fn(void *arg, const struct mus_signer_obj *o);
typedef int mus_store_group_fn(void *arg, const struct mus_group_obj *o);
typedef int mus_store_zone_fn(void *arg, const struct mus_zone_obj *o);
typedef int mus_store_event_fn(void *arg, const struct mus_event_obj *o);
typedef int mus_store_process_fn(void *arg, const struct mus_process_obj *o);
int mus_store_list_signers(struct mus_store *s, const char *after, unsigned limit, mus_store_signer_fn *fn, void *arg) MUS_MUST_CHECK;
int mus_store_list_groups(struct mus_store *s, const char *after, unsigned limit, mus_store_group_fn *fn, void *arg) MUS_MUST_CHECK;
struct mus_zone_filter {
	int64_t group_id;		/* 0: any */
	const char *state;		/* NULL: any */
	const char *match;		/* part of the name; NULL: any */
	bool busy_only;			/* a process runs */
};
int mus_store_list_zones(struct mus_store *s, const struct mus_zone_filter *f, const char *after, unsigned limit, mus_store_zone_fn *fn, void *arg) MUS_MUST_CHECK;
int mus_store_count_zones(struct mus_store *s, const struct mus_zone_filter *f, uint64_t *out) MUS_MUST_CHECK;
/* (id, next check) of every zone, for the scheduler at start: small rows only. */
typedef int mus_store_due_fn(void *arg, int64_t zone_id, struct mus_time next_check_at);
int mus_store_each_due(struct mus_store *s, mus_store_due_fn *fn, void *arg) MUS_MUST_CHECK;
typedef int mus_store_id_fn(void *arg, int64_t zone_id);
/* Signers that their zones may still have when the group has them no more: all members of ${group_id} when
 * ${zone_id} goes out of it, or ${signer_id} when it goes out of the group of those zones.  Kept until the
 * engine has found, when it must know, that the zone has let the signer go. */
int mus_store_zone_departs(struct mus_store *s, int64_t group_id, int64_t zone_id, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_signer_departs(struct mus_store *s, int64_t group_id, int64_t signer_id, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_each_departing(struct mus_store *s, int64_t signer_id, mus_store_id_fn *fn, void *arg) MUS_MUST_CHECK;
int mus_store_departed(struct mus_store *s, int64_t signer_id, int64_t zone_id, struct mus_errtext *et) MUS_MUST_CHECK;
/* ids of the zones of a group, in pages: id > ${after_id}. */
int mus_store_each_zone_of_group(struct mus_store *s, int64_t group_id, int64_t after_id, unsigned limit, mus_store_id_fn *fn, void *arg) MUS_MUST_CHECK;
/* Those of them where the operator has marked a signer: lost, excluded or staying. */
int mus_store_each_marked_zone(struct mus_store *s, int64_t group_id, mus_store_id_fn *fn, void *arg) MUS_MUST_CHECK;
/* Those where other servers count than the group's: the zone has name servers of its own, or may still have a
 * signer that its group has no more. */
int mus_store_each_zone_apart(struct mus_store *s, int64_t group_id, mus_store_id_fn *fn, void *arg) MUS_MUST_CHECK;
/* Zones with a signer that was lost, while what led to it may be cached, as of ${now}. */
int mus_store_count_lost(struct mus_store *s, struct mus_time now, uint64_t *out) MUS_MUST_CHECK;

int mus_store_add_event(struct mus_store *s, const struct mus_event_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
/* The same for each zone of a group; ${o} names none. */
int mus_store_add_group_event(struct mus_store *s, int64_t group_id, const struct mus_event_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
/* Newest first when ${before_id} is 0 or the events before it; zone_id 0: all. */
int mus_store_list_events(struct mus_store *s, int64_t zone_id, int64_t before_id, unsigned limit, mus_store_event_fn *fn, void *arg) MUS_MUST_CHECK;
/* Oldest first: those after ${after_id}, up to ${upto_id}. */
int mus_store_events_after(struct mus_store *s, int64_t zone_id, int64_t after_id, int64_t upto_id, unsigned limit, mus_store_event_fn *fn, void *arg) MUS_MUST_CHECK;
/* The largest id that was ever given, also when the event is gone. */
int mus_store_last_event(struct mus_store *s, int64_t *out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Keeps the newest ${keep} events of each zone. */
int mus_store_trim_events(struct mus_store *s, unsigned keep, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_add_process(struct mus_store *s, struct mus_process_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
/* The running process of that zone, kind and signer is at another row; or has ended, there, then and so.
 * NOTFOUND: none runs. */
int mus_store_step_process(struct mus_store *s, const struct mus_process_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_end_process(struct mus_store *s, const struct mus_process_obj *o, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_store_list_processes(struct mus_store *s, int64_t zone_id, bool running_only, int64_t before_id, unsigned limit, mus_store_process_fn *fn, void *arg) MUS_MUST_CHECK;

#endif
