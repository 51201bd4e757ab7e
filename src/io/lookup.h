/*
 * Validated look-up (libunbound): what must be found by ordinary resolution from the root, with
 * DNSSEC, such as the parent zone of a zone and the addresses of name servers.  Not for judging a
 * zone: that is done by asking its servers one by one (dnsx).
 */
#ifndef MUS_IO_LOOKUP_H
#define MUS_IO_LOOKUP_H

#include "base/addr.h"
#include "dns/msg.h"
#include "io/loop.h"

struct mus_lookup;
struct mus_lookup_opts {
	const char *root_hints_file;	/* NULL: built in */
	const char *trust_anchor_file;	/* NULL: the root anchor the system has (error if none) */
	unsigned cache_max_ttl_s;	/* [60] answers older than this are asked again */
	bool ipv4_only, ipv6_only;
	const char *const *stubs;	/* "zone address[@port]" to ask for a zone, in place of what is
					 * delegated; ended by NULL; NULL: none */
	unsigned timeout_s;		/* [30] per question: then TIMEOUT */
};
int mus_lookup_new(struct mus_loop *l, const struct mus_lookup_opts *o, struct mus_lookup **out,
    struct mus_errtext *et) MUS_MUST_CHECK;
void mus_lookup_free(struct mus_lookup *k);

enum mus_lookup_security { MUS_LOOKUP_SECURE, MUS_LOOKUP_INSECURE, MUS_LOOKUP_BOGUS };
struct mus_lookup_result {		/* lent until the callback returns */
	int err;			/* TIMEOUT, NET, ...: no answer at all; words say why */
	struct mus_errtext words;	/* why BOGUS, too */
	enum mus_lookup_security security;	/* BOGUS: no data is given */
	bool nxdomain;			/* name does not exist */
	struct mus_rrset set;		/* count 0: NODATA or NXDOMAIN, proved when SECURE */
	struct mus_arena *arena;
};
typedef void mus_lookup_fn(void *arg, const struct mus_lookup_result *r);
/* Follows CNAMEs: set.owner is where the data is.  The callback comes from the loop, never before
 * this returns, unless this fails (FULL: 4096 wait) or the whole is freed. */
int mus_lookup(struct mus_lookup *k, const struct mus_name *name, uint16_t type, mus_lookup_fn *fn,
    void *arg) MUS_MUST_CHECK;

enum { MUS_LOOKUP_ADDRS_MAX = 16 };
/* Addresses of a host (A and AAAA): ${count} 0 with err 0 means proved to have none.  ${half_err}: one
 * of the two was not answered, or there are more than 16, and what is given may be a part. */
struct mus_lookup_addrs {
	int err, half_err;
	struct mus_errtext words;
	uint32_t ttl_s;			/* largest: as signed, else as given, cache_max_ttl_s at most */
	enum mus_lookup_security security;	/* the weaker of both */
	struct mus_addr addr[MUS_LOOKUP_ADDRS_MAX];
	size_t count;
};
typedef void mus_lookup_addrs_fn(void *arg, const struct mus_lookup_addrs *r);
int mus_lookup_addrs(struct mus_lookup *k, const struct mus_name *host, uint16_t port,
    mus_lookup_addrs_fn *fn, void *arg) MUS_MUST_CHECK;

/* The zone above ${zone}, its name servers and their addresses: walks up from the parent label
 * until a name has an NS RRset of its own. */
enum { MUS_LOOKUP_SERVERS_MAX = 64 };
struct mus_lookup_parent {
	int err;
	struct mus_errtext words;
	enum mus_lookup_security security;	/* the weakest of all that counts; BOGUS: the NS set */
	struct mus_name zone;
	struct {
		struct mus_name ns;
		struct mus_addr addr;
	} server[MUS_LOOKUP_SERVERS_MAX];
	size_t count;
	bool is_full;			/* there are more */
	/* Name servers of the NS set whose addresses are not known, or not all (a half is no answer).
	 * ${err} 0: it is proved to have none. */
	struct {
		struct mus_name ns;
		int err;
		struct mus_errtext words;
	} lame[MUS_LOOKUP_SERVERS_MAX];
	size_t lame_count;
};
typedef void mus_lookup_parent_fn(void *arg, const struct mus_lookup_parent *r);
int mus_lookup_parent(struct mus_lookup *k, const struct mus_name *zone, mus_lookup_parent_fn *fn,
    void *arg) MUS_MUST_CHECK;

#endif
