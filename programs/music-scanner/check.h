/*
 * One look at a child: the questions, their answers, and the tables of what occurs in them.
 */
#ifndef SCANNER_CHECK_H
#define SCANNER_CHECK_H

#include "scanner.h"

enum ask_kind {
	ASK_PDS, ASK_PNS,			/* the parent's primary */
	ASK_SOA, ASK_SOA2, ASK_KEY, ASK_CDS, ASK_CDNSKEY, ASK_CSYNC, ASK_NS, ASK_ADDR,
	ASK_FRESH_UDP, ASK_FRESH_TCP, ASK_FRESH_KEY,
	ASK_KIND_COUNT,
};

struct ask {
	struct ask *next;		/* in the order of asking */
	struct check *c;
	enum ask_kind kind;
	unsigned who;			/* index of the server, or of the fresh address */
	unsigned item, family;		/* ADDR: which name */
	struct mus_name qname;
	uint16_t type;
	struct mus_addr addr;
	bool done, nxdomain, truncated;
	enum mus_cause cause;
	struct mus_rrset set;		/* count 0: none */
	struct mus_rrset *auth, *glue;
	size_t auth_count, glue_count;
};

struct server {
	unsigned name;
	struct mus_addr addr;
};

struct check {
	struct scanner *s;
	struct child *child;
	struct mus_arena arena;
	struct ask *asks, **tail;
	unsigned left;
	void (*next)(struct check *c);
	bool silent;			/* somebody could not be asked */
	/* Delegation at the parent */
	struct mus_rrset ds, ns;
	struct mus_rrset *glue;
	size_t glue_count;
	/* Tables */
	struct mus_name name[MUS_SCAN_NAMES_MAX];
	unsigned name_count;
	struct mus_rdata key[MUS_SCAN_KEYS_MAX], rec[MUS_SCAN_DS_MAX];
	unsigned key_count, rec_count;
	struct mus_addr addr[MUS_SCAN_ADDRS_MAX];
	unsigned addr_count;
	struct server server[MUS_SCAN_SERVERS_MAX], fresh[MUS_SCAN_FRESH_MAX];
	unsigned server_count, fresh_count;
	uint64_t led;			/* names of the delegation that lead somewhere */
	uint64_t looked, resolved;	/* new names */
	const char *why[MUS_SCAN_NAMES_MAX];	/* what keeps us from asking a name server at all its
					 * addresses; NULL: nothing, or it is proved to have none */
	bool is_cut;
	struct mus_scan_in in;
	struct mus_scan_out out;
	/* update.c */
	bool ns_change;			/* else DS */
};

/* take.c: indexes of the tables, MUS_SCAN_NOBODY when one is full (is_cut is set). */
unsigned scan_take_name(struct check *c, const struct mus_name *n);
unsigned scan_take_addr(struct check *c, const struct mus_addr *a);
/* All answers so far into c->in. */
void scan_take(struct check *c);
/* The same for one server only, unverified: CDS, CDNSKEY of ${who}. */
void scan_take_quick(struct check *c, struct mus_scan_set *cds, struct mus_scan_set *cdnskey,
    struct mus_scan_set *csync, uint8_t *types);
struct mus_addr scan_rdata_addr(uint16_t type, struct mus_rdata rd);

/* check.c */
int scan_ask(struct check *c, struct ask *proto, enum mus_dnsx_via via) MUS_MUST_CHECK;
void scan_check_end(struct check *c, enum scan_outcome o, const char *fmt, ...) MUS_PRINTF(3, 4);
struct ask *scan_answer(struct check *c, enum ask_kind kind, unsigned who);
struct ask *scan_last(struct check *c, enum ask_kind kind);

/* update.c: makes the change that c->out wants, looks at it, and ends the check. */
void scan_update(struct check *c);

/* report.c: words for the findings of c->out. */
void scan_describe(struct check *c, struct scan_verdict *v);

#endif
