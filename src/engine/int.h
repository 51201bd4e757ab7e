/*
 * Inside of the engine, shared by its files only.
 */
#ifndef MUS_ENGINE_INT_H
#define MUS_ENGINE_INT_H

#include <sys/queue.h>

#include "base/map.h"
#include "dns/denial.h"
#include "dns/dnskey.h"
#include "engine/engine.h"
#include "engine/hook.h"
#include "engine/outbox.h"
#include "io/run.h"
#include "io/xfrin.h"
#include "model/codec.h"
#include "model/text.h"
#include "signer/driver.h"

enum {
	ENG_ACTIVE_DEFAULT = 128,
	ENG_ARENA_MAX = 4 << 20,	/* answers of one turn */
	ENG_SPARE_TURNS = 64,
	ENG_SPARE_BYTES = 16 << 10,	/* most of each that is kept */
	ENG_SENT_MAX = 64,		/* actions remembered per busy zone */
	ENG_LISTENERS_MAX = 256,
	ENG_LAST_ON_MAX = 64,		/* leavers, each of one group, whose zones are looked at from where they were found */
	ENG_COPIES_MAX = 5,		/* transfers from one signer at once: BIND allows 10 for all who ask */
	ENG_PEEK_MAX = 8,		/* servers that take turns at being peeked at */
	ENG_COMMIT_EVERY_MS = 100,	/* at most this often; at once when it is quiet */
};

struct eng_copy;
struct eng_search;
struct eng_kept;
struct eng_trial;
struct eng_probe;
struct eng_clean;
struct eng_order;

/* A signer as the engine uses it.  A change of it makes a new one; who has borrowed its key holds
 * the old one until it is done. */
struct eng_signer {
	unsigned refs;
	struct mus_signer_obj obj;
	const struct mus_driver *driver;
	struct mus_tsig_key *key;	/* NULL: none, or could not be read (key_error says) */
	struct mus_errtext key_error;
};

/* The parent side that many zones share. */
enum eng_parent_keys { ENG_PK_NONE, ENG_PK_SECURE, ENG_PK_INSECURE, ENG_PK_FAILED };
struct eng_parent {
	char zone[MUS_ZONETEXT_MAX];
	struct mus_name name;
	struct {
		struct mus_addr addr;
		struct mus_name ns;
		bool is_whole;		/* given when all addresses of the name server were */
	} server[MUS_LOOKUP_SERVERS_MAX];
	unsigned addr_count;
	enum mus_cause lacks;		/* not all of its servers are known, and why; NONE: they are */
	char lame[MUS_NAME_TEXT_MAX];	/* the name server whose addresses are not; empty: no room */
	struct mus_errtext lame_words;	/* what the look-up of a name server's addresses told; empty: all well */
	enum eng_parent_keys keys_state;
	struct mus_arena arena;		/* of keys */
	struct mus_rrset keys;		/* validated DNSKEY RRset of the parent */
	struct mus_errtext words;	/* why the last look-up gave no keys; empty: it gave them */
	struct mus_time keys_until;	/* they count until then */
	struct mus_time asked_at, next;	/* keys: looked up then, and to be looked up again then */
	struct mus_time addr_until;	/* addresses: to be looked up again then */
	struct mus_time searched_at;	/* and asked for anew then; ALWAYS: that has ended */
	struct mus_time told_at;	/* when it ended last, whatever came of it */
	struct mus_addr slowest;	/* who of them was the last to follow; no family: not known */
	bool asking;
	int64_t *waiting;		/* zones that wait for the keys; owned */
	unsigned waiting_count;
};

/* A name server whose addresses are looked up, for all zones. */
enum { ENG_HOST_ADDRS_MAX = 32 };
struct eng_host {
	struct mus_engine *e;
	char name[256];
	struct mus_name wire;
	struct {
		struct mus_addr addr;
		struct mus_time until;	/* in caches; NEVER: the last look-up gave it */
	} addr[ENG_HOST_ADDRS_MAX];
	unsigned count;
	enum mus_cause cause;		/* why the last look-up gave none; NONE: it gave them all */
	struct mus_errtext words;
	struct mus_time known_at;	/* first told; NEVER: not yet */
	struct mus_time asked_at, next;	/* looked up then, and to be looked up again then */
	uint32_t ttl_s;			/* largest ever */
	bool asking, is_full;
	int64_t *waiting;		/* zones that wait for the first answer; owned */
	unsigned waiting_count;
};

/* What a question of a turn is about. */
enum eng_q {
	ENG_Q_KEY, ENG_Q_CDS, ENG_Q_CDNSKEY, ENG_Q_CSYNC, ENG_Q_NS, ENG_Q_SOA, ENG_Q_NAME, ENG_Q_DENY,
	ENG_Q_WHOSE,			/* SOA at the sample, when its data have no signature: of which zone are they? */
	ENG_Q_ADDR, ENG_Q_TCP, ENG_Q_DS, ENG_Q_PNS, ENG_Q_COUNT,
};
struct eng_answer {
	struct eng_turn *turn;
	enum eng_q q;
	uint8_t server, origin;		/* its place, and whose it is */
	uint8_t ns;			/* ADDR: which name */
	struct mus_addr addr;		/* who was asked: indexes may change meanwhile */
	uint16_t type;
	struct mus_name qname;
	struct mus_dnsx_req *req;	/* NULL: not under way */
	bool done, udp_silent, aa;
	enum mus_cause cause;
	struct mus_rrset set;		/* the answer; count 0: none */
	struct mus_rrset *auth;		/* RRsets of the authority section (denial, referral) */
	size_t auth_count;
	struct mus_rrset *glue;		/* addresses in the additional section of a referral */
	size_t glue_count;
	bool nxdomain;
	uint16_t rcode;
};

struct eng_sent {
	uint64_t id;
	struct mus_time at;
	uint8_t tries;
};

/* One zone's turn. */
struct eng_turn {
	struct mus_engine *e;
	struct eng_turn *next;		/* when spare */
	struct eng_zone *z;
	struct eng_trial *trial;	/* of a preflight: then there is no z */
	struct mus_arena arena;
	struct eng_answer *ans;
	unsigned ans_count, ans_max, left;
	struct mus_time at;
	uint32_t focus;			/* kinds asked for, whenever they were asked last */
	struct mus_time before;		/* and every kind that was not asked since then */
	struct eng_parent *parent;
	uint64_t trials[MUS_RR_CSYNC + 1];	/* by kind: servers that show what a probe has written */
};

/* What goes to one signer, of all zones. */
struct eng_box {
	int64_t signer_id;
	char name[MUS_LABEL_MAX];
	struct mus_outbox out;
	unsigned coming;		/* waiting for the commit, then in the queue */
	struct mus_time probed_at;	/* by ourselves, when last; 0: not yet */
	unsigned probes;		/* in a row that found that it refuses something */
	struct mus_ctl_changes stats;	/* what counts; the rest is filled in when asked */
};

/* An act waiting for the commit, then in the signer's queue, then for its driver. */
struct eng_job {
	struct mus_engine *e;
	struct eng_job *next;		/* before the commit */
	struct eng_job *zone_next;	/* of the same zone */
	enum { ENG_JOB_COMING, ENG_JOB_WAITING, ENG_JOB_SENT } state;
	struct mus_outbox_item item;
	struct eng_box *box;
	struct eng_zone *z;		/* NULL: no zone of ours any more */
	bool withdrawn;			/* not to be sent after all */
	struct mus_time made_at;
	int64_t zone_id, signer_id;
	uint8_t idx;			/* of the signer when it was made */
	char zone[MUS_ZONETEXT_MAX];
	char words[MUS_TEXT_MAX];
	struct mus_arena arena;
	struct mus_drv_target target;
	struct eng_signer *signer;	/* held: its key is the target's */
	struct mus_tsig_key *own_key;	/* per-zone key, freed with the job */
	struct mus_drv_change change;
	const struct mus_driver *driver;
	struct mus_drv_job *sent;	/* with its driver; NULL: it is not there */
	uint64_t id[8];			/* for the books: actions in this change */
	const char *text[8];		/* what the history was told of each */
	unsigned id_count;
};

/* A command of the operator's, as it is configured (hook.c). */
struct eng_hook {
	const char *signer;
	enum mus_verb verb;
	unsigned roles;
	const char **word;		/* with placeholders */
	size_t word_count;
	int64_t timeout_ms;
};
/* What one is run about. */
struct eng_hook_for {
	uint8_t signer;
	enum mus_proc_kind kind;
	uint64_t in, out;		/* keys that come, and that go */
};

/* One question that stands for a look (peek.c). */
struct eng_peek {
	bool ready;
	uint16_t type;
	uint8_t server_count, next;
	struct mus_addr server[ENG_PEEK_MAX];
	struct mus_name zone;
	uint64_t sum;			/* what each of them answered at the last look */
	struct mus_time until;		/* then a look is due in any case */
	struct mus_engine *e;
	struct mus_dnsx_req *req;	/* NULL: not under way */
};

/* A zone in the schedule; the busy part exists only while something is going on. */
struct eng_busy {
	struct eng_peek peek;
	struct eng_sent sent[ENG_SENT_MAX];
	unsigned sent_count;
	uint8_t copying;			/* signers whose copy is being read */
	struct mus_ctl_trouble trouble[MUS_SIGNERS_MAX];	/* of each signer */
	bool queued;				/* waits until another zone's copy has been read */
	TAILQ_ENTRY(eng_busy) queue_link;
	struct eng_zone *zone;			/* of queued */
	struct eng_job *jobs;			/* changes in queues and under way */
	struct eng_order *orders;		/* commands on their way, and how the last ones have ended */
	bool tell_again;			/* commands that have failed may be tried again at once */
	bool recheck;				/* something is to be done: what is not recent is asked first */
	struct mus_time wake_at;		/* then, most likely, something will be to be done: likewise */
	char last_wait[MUS_TEXT_MAX];		/* what the history was told last */
	struct mus_time wait_since;		/* since when it is waited for */
	struct mus_time told_manual;		/* of which wait for the parent the history tells; NEVER: none */
	enum mus_rule manual;			/* what of the parent must be told by hand; NONE: nothing */
	struct mus_time row_at;			/* since when the process is in its row; NEVER or 0: none runs */
	bool step;				/* operator's step, once: until what it allows has been sent */
	enum mus_rule forced;			/* operator's force, likewise */
	bool spent;				/* one of them has let the zone pass to ${allowed}, and not beyond */
	struct {
		enum mus_proc_kind kind;
		uint8_t signer, row;
	} allowed;				/* where the step was given, or what has been passed */
	char forced_reason[MUS_REASON_MAX];
	unsigned probes;			/* under way, or taking away what was left */
	bool probing;				/* until no server shows anything of it */
	struct mus_time probe_end;
	struct mus_time clean_at;		/* what is left is taken away then, not before */
	uint8_t clean_tries;
};

/* When the copies of a zone were tried last.  Not in the busy part: a zone that is idle again is not to be made to
 * read them more often by whoever wakes it. */
struct eng_tries {
	struct mus_time at[MUS_SIGNERS_MAX];	/* when one was last started, or could not be read; 0: it may be at any time */
	uint8_t fails[MUS_SIGNERS_MAX];		/* in a row */
};

struct eng_zone {
	int64_t id;
	union {
		int64_t due_ms;		/* wall clock */
		struct eng_zone *next_deleted;
	};
	uint32_t heap_idx;		/* in the schedule; UINT32_MAX: not in it */
	uint32_t focus;			/* kinds the next look asks for in any case */
	bool in_turn, again, deleted;
	struct eng_turn *turn;		/* NULL: none under way */
	struct eng_kept *kept;		/* NULL: to be read (kept.c) */
	struct eng_busy *busy;
	struct eng_tries *tries;	/* NULL: no copy was tried for long */
};

/* A line for the log of what is not stored yet. */
enum { ENG_LINES_MAX = 512 };
struct eng_line {
	STAILQ_ENTRY(eng_line) link;
	int level;
	char *text;			/* behind the zone */
	char zone[];
};

struct mus_engine {
	struct mus_engine_opts o;
	struct mus_map *zone_by_id;	/* int64 -> struct eng_zone */
	struct mus_map *signer_by_id;	/* int64 -> struct eng_signer */
	struct mus_map *parent_by_name;	/* text -> struct eng_parent */
	struct mus_map *host_by_name;	/* text -> struct eng_host */
	struct mus_map *dsync_by_zone;	/* text -> struct eng_dsync */
	struct eng_zone *deleted;	/* those whose turn is not over yet */
	struct eng_zone **heap;
	uint32_t heap_count, heap_cap;
	unsigned active;
	struct mus_timer *timer;
	struct mus_sigcache *sigs;
	struct eng_turn *spare_turns;	/* with what memory their answers took */
	unsigned spare_turn_count;
	/* The zone at which a signer that leaves a group was found last.  Who is in nothing any more is asked about
	 * no more either, and gives its place away first. */
	struct eng_last_on {
		int64_t group_id, signer_id, zone_id;
		uint64_t used;			/* when, of last_on_used; 0: the place is free */
	} last_on[ENG_LAST_ON_MAX];
	uint64_t last_on_used;
	bool in_tx, tx_failed;
	int64_t wall_ms, boot_ms;	/* wall clock less time since boot, and that, when last looked at */
	int64_t noted_ms;		/* boot_ms that the database has */
	bool notes_clocks;		/* not before what it has was read, and followed */
	int64_t shifting_ms;		/* in the transaction at work: what the zones were moved by */
	struct mus_time commit_at;	/* not before: many turns share one transaction when there are many */
	struct mus_timer *commit_timer;
	struct eng_job *jobs, **jobs_tail;	/* to be queued after the commit */
	struct eng_hook *hook;		/* in hook_arena */
	size_t hook_count;
	struct mus_arena hook_arena;
	struct eng_order *orders;	/* to be run after the commit */
	LIST_HEAD(, eng_order) all_orders;
	struct mus_runs *runs;
	struct mus_map *box_by_id;	/* int64 of a signer -> struct eng_box */
	struct mus_timer *box_timer;	/* the next change that only waits for time */
	struct eng_search *searches;		/* look-ups under way */
	struct eng_copy *copies;		/* transfers under way */
	TAILQ_HEAD(, eng_busy) copy_queue;	/* zones whose turn to read copies has not come */
	struct eng_trial *trials;		/* preflights under way */
	LIST_HEAD(, eng_probe) probes;		/* under way */
	LIST_HEAD(, eng_clean) cleans;		/* likewise: taking away what a probe has left */
	struct mus_zonestate scratch;	/* of the turn at work */
	struct mus_zonestate view;	/* of mus_ctl_view */
	struct mus_plan plan, view_plan;
	struct mus_ctl_trouble view_trouble[MUS_ORIGINS];
	struct mus_ctl_command view_command[MUS_CTL_COMMANDS_MAX];
	struct mus_buf manual, view_manual, view_hand[MUS_SIGNERS_MAX];
	struct mus_verdict verdict, view_verdict;
	struct mus_zone_obj zobj;	/* of the turn at work */
	uint64_t kept_from;		/* what is kept of a zone counts from here on (kept.c) */
	struct mus_group_obj group;	/* the one that was loaded last; id 0: none is kept */
	struct mus_buf blob;
	struct {
		mus_ctl_event_fn *fn;
		void *arg;
	} listener[ENG_LISTENERS_MAX];
	unsigned listener_count;
	bool history_grows;		/* in the transaction at work */
	STAILQ_HEAD(, eng_line) lines;	/* for the log, once that is stored */
	unsigned line_count;
	int64_t history_end;		/* id of the last event on disk */
	struct mus_ctl_stats stats;
	bool stopping;
};

/* clock.c: before anything is decided by the clock: was it set? */
void eng_follow_clock(struct mus_engine *e);
/* How the transaction ended in which the zones may have followed the clock. */
void eng_shifted(struct mus_engine *e, bool kept);
/* The clocks as far as they were followed, and no further, into the transaction: what was shifted by then stands in the
 * same row, so a note may be as old as it likes, and of nothing that comes after it is anything lost or counted twice.
 * false: it could not be noted, and nothing is sent in this turn of the loop. */
bool eng_note_clocks(struct mus_engine *e, int64_t shift_ms);
bool eng_note_is_old(const struct mus_engine *e);	/* so that a transaction that writes takes another with it */
/* The first look at the clocks begins where they were noted last. */
int eng_recall_clocks(struct mus_engine *e, struct mus_errtext *et) MUS_MUST_CHECK;

/* engine.c */
struct mus_time eng_now(const struct mus_engine *e);
struct eng_zone *eng_zone_get(struct mus_engine *e, int64_t id);
int eng_zone_add(struct mus_engine *e, int64_t id, struct mus_time due);
void eng_zone_drop(struct mus_engine *e, int64_t id);
enum { ENG_FOCUS_ALL = 0x7fffffff };
/* Looks at the kinds in ${focus} again after ${after_ms} at the latest, and at all that is old. */
void eng_wake(struct mus_engine *e, struct eng_zone *z, uint32_t focus, int64_t after_ms);
struct eng_busy *eng_busy(struct eng_zone *z);
/* A turn has ended: back into the schedule. */
void eng_turn_over(struct mus_engine *e, struct eng_zone *z, int64_t after_ms);
/* What cannot be written is told, and stands in the state of the daemon until the commit of something works. */
void eng_store_failed(struct mus_engine *e, const char *zone, const struct mus_errtext *et);
int eng_store_commit(struct mus_engine *e, struct mus_errtext *et) MUS_MUST_CHECK;
int eng_begin(struct mus_engine *e);		/* opens the transaction of this turn of the loop */
/* After a commit: tells who listens that the history has grown, if it has. */
void eng_committed(struct mus_engine *e);
void eng_say(struct mus_engine *e, int level, const char *zone, const char *fmt, ...) MUS_PRINTF(4, 5);
/* One line of history into ${o}; then it is stored. */
void eng_event_of(const struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind,
    const char *actor, struct mus_event_obj *o, const char *fmt, va_list ap) MUS_PRINTF(7, 0);
/* One line of history, told to listeners and the log; within the transaction.  The log is told after the commit, or
 * never: what was rolled back was not done, and is done again.  A warning or worse is what was seen, and is said at once. */
void eng_event(struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind,
    const char *actor, int level, const char *fmt, ...) MUS_PRINTF(7, 8);
/* Within the transaction: said after the commit, dropped when that fails; what there is no room for is said at once. */
void eng_say_stored(struct mus_engine *e, int level, const char *zone, const char *text);
/* The transaction has ended. */
void eng_lines_end(struct mus_engine *e, bool stored);
struct eng_signer *eng_signer_get(struct mus_engine *e, int64_t id, struct mus_errtext *et);
void eng_signer_forget(struct mus_engine *e, int64_t id);
struct eng_signer *eng_signer_hold(struct eng_signer *s);
void eng_signer_release(struct eng_signer *s);
void eng_policy_of(const struct mus_engine *e, const struct mus_zone_obj *z, const struct eng_zone *ez,
    struct mus_policy *out);
/* For what is shown, not done: an idle zone was looked at some time ago, and that is what there is to show. */
void eng_policy_idle(const struct mus_engine *e, struct mus_policy *policy);

/* kept.c: what stands in the database may be another by now: all is read again. */
void eng_forget_kept(struct mus_engine *e);
/* The group of a zone that has one; lent until the next call.  NULL: ${et} says why. */
const struct mus_group_obj *eng_group_of(struct mus_engine *e, const struct mus_zone_obj *zobj,
    struct mus_errtext *et);
/* The object of a zone into e->zobj; what has become of it since, after it was stored. */
int eng_load_zone(struct mus_engine *e, struct eng_zone *z, struct mus_errtext *et);
void eng_keep_zone(struct mus_engine *e, struct eng_zone *z);
/* What is stored of a zone, as it is by the clock of now; not in an operator's transaction.  CONFLICT: it cannot be
 * read, and what there is to do. */
int eng_load_state(struct mus_engine *e, int64_t id, struct mus_zonestate *st, struct mus_errtext *et);
int eng_save_state(struct mus_engine *e, int64_t id, const struct mus_zonestate *st);
void eng_kept_free(struct eng_zone *z);

/* sync.c: what is configured into the state; true when something changed. */
bool eng_sync(struct mus_engine *e, const struct mus_zone_obj *zobj, struct mus_zonestate *st,
    struct mus_errtext *et);
/* Likewise, as if ${joiner} were a member. */
bool eng_sync_with(struct mus_engine *e, const struct mus_zone_obj *zobj, struct mus_zonestate *st,
    int64_t joiner, struct mus_errtext *et);
/* The name servers a signer has for this zone: count, *ns lent by the arguments. */
unsigned eng_ns_of(const struct mus_zone_obj *zobj, const struct mus_signer_obj *signer,
    const struct mus_ns_obj **ns);
/* The TSIG key for this zone at this signer: *key, NULL without one; one of the zone's own is in
 * *own too, and the caller's to free.  < 0: its file cannot be read, ${et} says why. */
int eng_key_for(const struct mus_zone_obj *zobj, const struct eng_signer *sg,
    struct mus_tsig_key **own, const struct mus_tsig_key **key, struct mus_errtext *et);
/* Index of the name, new or known; -1: the table is full.  Places become free in eng_sync only: indexes
 * hold until then. */
int eng_intern_ns(struct mus_zonestate *st, const char *name, unsigned owner);

/* Keys that anything seen or sent refers to: their indexes are taken. */
uint64_t eng_keys_in_use(const struct mus_zonestate *st);

/* parent.c: the parent of a zone, looked up and kept; NULL: not known yet, ${et} says why.  The zone is
 * woken when the look-up that this starts has ended. */
struct eng_parent *eng_parent_of(struct mus_engine *e, const struct mus_zone_obj *zobj, int64_t zone_id,
    struct mus_errtext *et);
/* Are the parent's servers to be found?  Those that are given are asked beside them: one may be missing. */
bool eng_parent_is_searched(const struct mus_engine *e, const struct mus_zone_obj *zobj);
/* Does a look at the zone wait for its parent, for the parent's keys, or for its servers when what is known of them
 * is old?  Then the zone is woken when they are there; not for long, and not again for what could not be had. */
bool eng_parent_is_awaited(struct mus_engine *e, const struct mus_zone_obj *zobj, int64_t zone_id);
/* Are there validated keys that count at ${at}? */
bool eng_parent_has_keys(const struct eng_parent *p, struct mus_time at);
/* An answer does not verify with the keys at hand.  LOOKING: new ones are asked for, and the zone is woken
 * when they are there; NOLOOKUP: they cannot be had; BOGUS: the keys are new, the answer is not good. */
enum mus_cause eng_parent_doubt(struct mus_engine *e, struct eng_parent *p, int64_t zone_id);
/* Was it asked so shortly ago that a look may wait for the answer? */
bool eng_is_just_asked(const struct mus_engine *e, struct mus_time at);
/* Why a zone has no parent: LOOKING or NOLOOKUP (and for one with another parent than the one given). */
enum mus_cause eng_parent_lacks(const struct mus_engine *e, const char *zone);
/* Why its parent, the parent's servers or its keys could not be looked up, in words. */
void eng_parent_trouble(const struct mus_engine *e, const struct mus_zonestate *st, struct mus_ctl_trouble *out);
void eng_parents_free(struct mus_engine *e);

/* host.c: addresses of a name server, looked up and refreshed; ${zone_id} is woken when the first are
 * there.  NULL: no memory, or nothing to look up with.  Lent until the next call. */
struct eng_host *eng_host_get(struct mus_engine *e, const char *name, int64_t zone_id);
/* May an address that no look-up of ours has given be in a cache yet, from before we began? */
bool eng_host_keeps(const struct eng_host *h);
/* Are addresses that are given compared with what DNS has? */
bool eng_checks_addresses(const struct mus_engine *e);
/* An address that DNS has for the name, or had and caches may hold, at which no server of signer ${s} is asked;
 * NULL: there is none. */
const struct mus_addr *eng_host_elsewhere(const struct eng_host *h, const struct mus_zonestate *st, unsigned s);
/* Does a look at the zone wait for the first answer about a name server?  Then it is woken when that is there;
 * not for long. */
bool eng_hosts_are_awaited(const struct mus_engine *e, const struct mus_zonestate *st);
/* Why look-ups failed that the zone lacks, into ${trouble} of each signer. */
void eng_host_troubles(struct mus_engine *e, const struct mus_zonestate *st, struct mus_ctl_trouble *trouble);
void eng_hosts_free(struct mus_engine *e);

/* dsync.c: what the parent announces, in words; NULL: not known yet, it is being looked up. */
const char *eng_dsync_of(struct mus_engine *e, const char *zone, const char *parent);
void eng_dsyncs_free(struct mus_engine *e);

/* manual.c: what is to be changed by hand at signer ${s}, which has no driver: "add RECORD", "remove RECORD", a line
 * each, RECORD as in a zone file; what a driver would be given.  Nothing unless it may be done at once, as far
 * as ${st}, with the intention that is stored, tells.  At most MUS_DRV_RR_MAX lines: what is left comes when those
 * are seen.  false: no memory. */
bool eng_by_hand(const struct mus_zonestate *st, const struct mus_plan *plan, unsigned s, struct mus_buf *out);
/* What is to be entered at the parent by hand where it does not follow by itself, a line each, as soon as the parent
 * is waited for; and, when it has not followed for policy.parent-patience, since when.  NEVER: it may still. */
struct mus_time eng_manual(const struct mus_engine *e, const struct mus_zonestate *st,
    const struct mus_plan *plan, const struct mus_policy *policy, struct mus_buf *out);
/* Says so in the status and, once, in the history. */
void eng_tell_manual(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan, const struct mus_policy *policy);

/* ask.c: the questions of a turn. */
void eng_turn_start(struct mus_engine *e, struct eng_zone *z);
/* Is there an RRset to be watched that was not asked for between ${before} and ${now}? */
bool eng_is_old(const struct mus_zonestate *st, const struct mus_zone_obj *zobj, struct mus_time before,
    struct mus_time now);
/* Asks everything ${t} is to know; what comes back ends in eng_turn_done.  false: no memory. */
bool eng_turn_ask(struct eng_turn *t, const struct mus_zonestate *st, const struct mus_zone_obj *zobj);
/* A turn without questions, NULL: no memory; what is freed is kept for another, up to some. */
struct eng_turn *eng_turn_new(struct mus_engine *e);
void eng_turn_free(struct eng_turn *t);
void eng_turns_free(struct mus_engine *e);	/* those that are kept */
/* take.c: answers into looks into the state. */
void eng_take(struct eng_turn *t, struct mus_zonestate *st, const struct mus_policy *policy);
/* turn.c: what is stored of e->zobj, the zone ${z}, cannot be read: its status says why, its history once. */
/* History, log and table of processes after a plan: what differs from ${before}. */
void eng_processes(struct mus_engine *e, const struct mus_zonestate *st, const struct mus_want *before,
    const struct mus_policy *policy);
/* e->zobj, the zone ${z}: since when who was lost has left, and that what led to it is in no cache any more. */
void eng_lost_turn(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st);
void eng_tell_unreadable(struct mus_engine *e, struct eng_zone *z, const struct mus_errtext *why);
/* What follows when the answers are in. */
void eng_turn_done(struct eng_turn *t);
/* How long a zone that waits for others is left alone. */
int64_t eng_poll_ms(const struct mus_engine *e, const struct eng_zone *z);
/* peek.c: asks one question in place of a look; false: a look is due.  Ends in eng_turn_over. */
bool eng_peek(struct mus_engine *e, struct eng_zone *z);
/* After a look: may peeks follow, and at whom? */
void eng_peek_from(struct eng_turn *t, const struct mus_zonestate *st, const struct mus_plan *plan);
/* change.c: the rdata of a CSYNC record (mus_csync_of) that is not odd; its length. */
enum { ENG_CSYNC_MAX = 16 };
size_t eng_csync_make(uint64_t record, uint8_t out[static ENG_CSYNC_MAX]);
/* The records of ${a} to those of ${c}, with rdata in ${arena}; false: they do not fit, none is added. */
bool eng_change_add(struct mus_drv_change *c, struct mus_arena *arena, const struct mus_zonestate *st,
    const struct mus_act *a);
/* act.c: the acts of a plan into the signers' queues, in the place of what the zone had there.  A
 * queue that holds the zone up stands first among the waits of ${plan} then. */
void eng_act(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    struct mus_zonestate *st, struct mus_plan *plan);
/* An action was sent: not again before its time.  Or it may be sent again at any time. */
void eng_sent_mark(struct mus_engine *e, struct eng_busy *b, uint64_t id);
bool eng_may_send(struct mus_engine *e, struct eng_busy *b, uint64_t id);
void eng_sent_forget(struct eng_busy *b, uint64_t id);

/* probe.c: is the zone being probed, by what ${t} has seen and what runs? */
bool eng_is_probed(struct eng_turn *t);
/* Takes away what a probe has left that did not come to its end. */
void eng_probe_clean(struct eng_turn *t, const struct mus_zonestate *st);
/* Is what ${plan} waits for nothing but that a probe found the joiner to refuse something, in a first row that may
 * be left?  When the joiner is tried again, into those waits. */
void eng_probe_waits(struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_policy *policy, struct mus_plan *plan);
/* The same for e->plan of the zone whose status is stored: tries again when it is time. */
void eng_probe_again(struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_policy *policy);
void eng_probes_free(struct mus_engine *e);	/* tells who waits for them */

/* turn.c: the operator's step is for this place. */
void eng_allow_at(struct eng_busy *b, const struct mus_proc *p);

/* queue.c: what is on its way to each signer.  After the commit: into the queues, and out of them
 * what may go. */
void eng_send_jobs(struct mus_engine *e);
/* What the zone has in queues is not sent any more, and the history says so. */
void eng_withdraw(struct eng_zone *z);
/* Tells what was in ${j}, and is in ${next} no more; NULL: in nothing. */
void eng_tell_withdrawn(const struct eng_job *j, const struct eng_job *next);
bool eng_has_act(const struct eng_job *j, uint64_t id);
struct eng_box *eng_box_get(struct mus_engine *e, int64_t signer_id, const char *name);	/* NULL: no memory */
struct eng_box *eng_box_for(struct mus_engine *e, const struct eng_signer *sg);	/* the same, with its rate of now */
void eng_box_changed(struct mus_engine *e, int64_t signer_id);	/* the operator changed the signer */
void eng_boxes_pump(struct mus_engine *e);
void eng_boxes_free(struct mus_engine *e);
void eng_job_free(struct eng_job *j);
/* Signers at which the plan changes something, one bit each; 0 for a proposal. */
uint32_t eng_signers_to_change(const struct mus_plan *plan);
/* What goes before all that the core waits for. */
void eng_wait_first(struct mus_plan *plan, struct mus_witness w);
/* Says in ${plan} which queues hold the zone up. */
void eng_queue_waits(struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    struct mus_plan *plan);
/* hook.c: the command that tells ${signer} this; NULL: none is configured.  Lent until they are set anew. */
const struct eng_hook *eng_hook_find(const struct mus_engine *e, const char *signer, enum mus_verb verb,
    enum mus_proc_kind kind);
/* What a signer is told when a roll-over waits for this; COUNT: nothing. */
enum mus_verb eng_hook_verb(enum mus_rule rule);
/* Its words and environment for ${f}, in ${a}, which is made here and cleared by the caller; false: no memory. */
bool eng_hook_fill(const struct eng_hook *h, const struct mus_zonestate *st, const struct eng_hook_for *f,
    struct mus_arena *a, struct mus_run_cmd *out);

/* order.c: what the roll-overs of ${st} have come to, as e->plan and e->verdict say, is told to their signers after the
 * commit, and is noted in ${st}.  true: nothing was, for that must be seen again first; what was seen before
 * ${recent} does not count. */
bool eng_orders_turn(struct mus_engine *e, struct eng_zone *z, struct mus_zonestate *st,
    const struct mus_policy *policy, struct mus_time recent);
/* In how long a command that has failed is tried again; INT64_MAX: none is. */
int64_t eng_orders_due_ms(const struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st);
/* The operator's, in his transaction: it is run after that.  NOTFOUND when no command is configured, NOMEM. */
int eng_order_roll(struct mus_engine *e, struct eng_zone *z, const struct mus_zonestate *st,
    const struct eng_hook_for *f) MUS_MUST_CHECK;
void eng_order_undo(struct mus_engine *e);	/* the last one, whose transaction has failed */
void eng_orders_start(struct mus_engine *e);	/* after the commit */
void eng_orders_drop(struct eng_zone *z);	/* it is no zone of ours any more */
/* What of commands there is to tell about a zone; ${z} may be NULL.  Lends what ${st} and ${z} have. */
unsigned eng_commands(const struct mus_engine *e, const struct eng_zone *z, const struct mus_zonestate *st,
    const struct mus_plan *plan, struct mus_ctl_command out[static MUS_CTL_COMMANDS_MAX]);
int eng_orders_init(struct mus_engine *e) MUS_MUST_CHECK;
void eng_orders_end(struct mus_engine *e);	/* kills what runs */

/* copy.c */
void eng_copies(struct mus_engine *e, struct eng_zone *z, const struct mus_zone_obj *zobj,
    const struct mus_zonestate *st, uint8_t needed, uint8_t stale);
/* Signers whose copy has another serial than the one that was read, and is old enough. */
/* In how long one is tried again that failed and is needed; INT64_MAX: none is. */
int64_t eng_copies_due_ms(const struct mus_engine *e, const struct eng_zone *z, uint8_t needed);
/* When those that failed are tried again, and which are being read, into what is known of them. */
void eng_copy_troubles(const struct mus_engine *e, const struct eng_zone *z, uint8_t needed,
    struct mus_ctl_trouble *trouble);
/* Reading one of ${signer} has failed. */
void eng_copy_failed(const struct mus_engine *e, struct mus_ctl_trouble *t, const struct mus_signer_obj *signer,
    int err, const char *why);
/* Forgets when copies were tried, where no pause can be running any more and nobody waits for one. */
void eng_copies_settle(const struct mus_engine *e, struct eng_zone *z, uint8_t needed);
/* The signer at whose server ${a} shows a serial of which no copy was read; MUS_NOBODY: it shows none such. */
unsigned eng_unread_at(const struct mus_zonestate *st, const struct eng_answer *a);
uint8_t eng_copies_stale(const struct eng_turn *t, const struct mus_zonestate *st);
void eng_copies_cancel(struct mus_engine *e);
void eng_copies_unqueue(struct mus_engine *e, struct eng_busy *b);
/* read.c: one whole copy of a signer, read now.  Whoever wants it has this in a struct of his own. */
struct eng_read;
typedef void eng_read_fn(struct eng_read *r, int err, const struct mus_errtext *words);
struct eng_read {
	struct mus_time began;
	struct eng_signer *signer;	/* held: its key may be in use */
	struct mus_tsig_key *own_key;
	struct mus_xfrsum sum;
	struct mus_xfrin *xfr;		/* NULL: not under way */
	eng_read_fn *done;
};
bool eng_can_read(const struct eng_signer *sg);	/* are transfers allowed, and is it known where from? */
/* ${done} always comes, from the loop, unless this fails (then ${r} has ended, and ${et} says why) or
 * eng_read_end was called. */
int eng_read_start(struct eng_read *r, struct mus_engine *e, const struct mus_zone_obj *zobj,
    struct eng_signer *sg, eng_read_fn *done, struct mus_errtext *et);
/* What the copy of signer ${s} came to, as of when it began to be read. */
void eng_read_fill(const struct eng_read *r, struct mus_zonestate *st, unsigned s);
void eng_read_end(struct eng_read *r);	/* also one under way, or one that was never started */
/* preflight.c */
void eng_trial_looked(struct eng_trial *t);
/* A look-up has ended: preflights that waited for it go on. */
void eng_trials_resume(struct mus_engine *e);
void eng_trials_free(struct mus_engine *e);

/* control_group.c: leavers that are on no zone of the group any more are members no longer.  ${at_work}: the
 * state of a zone that is newer than what is stored of it, or NULL. */
void eng_ctl_left(struct mus_engine *e, int64_t group_id, const struct mus_zonestate *at_work);
/* Looks at once at the zones of all groups that the signer is in. */
int eng_wake_with(struct mus_engine *e, const struct mus_signer_obj *signer);
/* Could the group take the signer, as far as it and ${zone} of its zones go?  CONFLICT with words: it could not. */
int eng_check_place(struct mus_engine *e, const struct mus_group_obj *g, int64_t signer_id, const struct mus_zone_obj *zone, struct mus_errtext *et);

#endif
