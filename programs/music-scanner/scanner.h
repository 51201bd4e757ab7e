/*
 * Shared between the files of music-scanner.
 *
 * main.c: options and wiring.  list.c: which children there are and when they are looked at.
 * check.c: one look, step by step.  take.c: its answers into what src/core/scan.h judges.
 * hosts.c: addresses of name servers.  update.c: the change at the parent.  state.c: what was acted
 * upon.  report.c: verdicts for people and programs.
 */
#ifndef SCANNER_H
#define SCANNER_H

#include "base/map.h"
#include "conf.h"
#include "core/scan.h"
#include "dns/dnskey.h"
#include "io/dnsx.h"
#include "io/lookup.h"

enum { SCAN_ACTED_MAX = 64, SCAN_WORDS_MAX = 700 };

/* What one address showed, signed by one key, when it was last acted upon. */
struct scan_past {
	struct mus_addr addr;
	uint64_t key;			/* digest of the DNSKEY record */
	uint8_t has;			/* as in struct mus_scan_past */
	int64_t mark[MUS_SCAN_MARKS];
};

enum scan_outcome {
	SCAN_NEW,		/* not looked at yet */
	SCAN_UNCHANGED,
	SCAN_HELD,
	SCAN_WOULD,		/* dry run: would change */
	SCAN_CHANGED,
	SCAN_FAILED,		/* the change was not made, or the parent cannot be asked */
	SCAN_OUTCOME_COUNT
};
struct scan_verdict {
	enum scan_outcome outcome;
	struct mus_scan_finding ds, csync;
	char server[2][MUS_NAME_TEXT_MAX / 4 + MUS_ADDR_TEXT_MAX];	/* of ds, of csync */
	char words[SCAN_WORDS_MAX];
	struct mus_time since;
};

struct check;
struct listing;
struct child {
	struct mus_name name;
	int64_t due_ms;			/* monotonic */
	uint32_t heap_idx;		/* UINT32_MAX: not in the schedule */
	bool listed;			/* in the newest list of delegations */
	bool looked;			/* once at least */
	unsigned fails;			/* looks in a row that found somebody silent */
	unsigned changes;		/* made */
	struct check *check;		/* under way */
	struct scan_verdict verdict;
	struct scan_past *past;
	size_t past_count;
	uint64_t acted[SCAN_ACTED_MAX];	/* digests of the DS records we put there */
	size_t acted_count;
};

struct scanner {
	struct scan_conf *conf;		/* as at the start, but for what a reload may change */
	const char *conf_path;
	struct mus_conf *conf_file, *reloaded;	/* as at the start; as read last, NULL: not again */
	int verbose;
	struct mus_loop *loop;
	struct mus_dnsx *dnsx;
	struct mus_lookup *lookup;
	struct mus_tsig_key *key;
	struct mus_sigcache *sigs;
	struct mus_timer *tick;		/* of the log */
	bool once, dry_run, json;
	bool full;			/* ask every server, whatever the first says */
	/* list.c */
	struct mus_map *by_name;	/* struct child */
	struct child **heap;
	uint32_t heap_count, heap_cap;
	unsigned active;
	struct mus_timer *timer, *list_timer;
	uint32_t serial;		/* of the list of delegations */
	bool has_list, listing, stopping;
	struct listing *transfer;	/* under way */
	bool list_failed;
	/* hosts.c */
	struct mus_map *hosts;
	/* report.c */
	struct mus_timer *report_timer;
	bool report_due;
};

/* list.c */
int scan_list_open(struct scanner *s, struct mus_errtext *et) MUS_MUST_CHECK;
void scan_list_close(struct scanner *s);
struct child *scan_child_get(struct scanner *s, const struct mus_name *name, bool make);
void scan_child_wake(struct scanner *s, struct child *c, int64_t after_ms);
/* A look has ended; its verdict is in the child. */
void scan_child_done(struct scanner *s, struct child *c, bool silent);
const char *scan_outcome_text(enum scan_outcome o);

/* hosts.c: addresses of a name server, by validated look-up, kept for a while. */
struct scan_host {
	int err;			/* not all addresses could be learnt, words say why: here are the others */
	struct mus_errtext words;
	struct mus_addr addr[MUS_LOOKUP_ADDRS_MAX];
	size_t count;
};
typedef void scan_host_fn(void *arg, const struct mus_name *name, const struct scan_host *h);
int scan_hosts_open(struct scanner *s);
void scan_hosts_close(struct scanner *s);
/* The callback may come before this returns, and always comes unless this fails. */
int scan_host_get(struct scanner *s, const struct mus_name *name, scan_host_fn *fn, void *arg) MUS_MUST_CHECK;
/* Forget a name whose addresses did not answer. */
void scan_host_forget(struct scanner *s, const struct mus_name *name);

/* check.c */
void scan_check_start(struct scanner *s, struct child *c);
void scan_check_free(struct check *c);

/* state.c */
/* The one of this address and key among ${count}; NULL: there is none. */
struct scan_past *scan_past_find(struct scan_past *past, size_t count, const struct mus_addr *addr, uint64_t key);
int scan_state_load(struct scanner *s, struct mus_errtext *et) MUS_MUST_CHECK;
int scan_state_save(struct scanner *s, struct mus_errtext *et) MUS_MUST_CHECK;

/* report.c */
int scan_report_open(struct scanner *s);
void scan_report_close(struct scanner *s);
/* The file is to be written anew, soon. */
void scan_report_changed(struct scanner *s);
void scan_report_verdict(struct scanner *s, struct child *c, const struct scan_verdict *v);

#endif
