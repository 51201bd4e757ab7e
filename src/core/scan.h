/*
 * A parent's judgement over one delegation: what its servers ask for with CDS, CDNSKEY and CSYNC,
 * and whether that may be done (protocol.md 8 and 9; RFC 7344, 7477, 8078, 9975).
 *
 * Observations in, verdict out; no names, no rdata, no signatures: the rim has put every key, DS
 * record, name and address into a table (one bit each) and has verified every RRset with the DNSKEY
 * set of the very server that gave it.  All or nothing: a verdict is a whole set or no change.
 * Absence of a request is never a request, and an error is never absence.
 */
#ifndef MUS_CORE_SCAN_H
#define MUS_CORE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/seen.h"

enum {
	MUS_SCAN_SERVERS_MAX = 64,	/* addresses of the delegation's servers */
	MUS_SCAN_NAMES_MAX = 32,	/* name servers, at the parent and in the child's NS */
	MUS_SCAN_KEYS_MAX = 64,
	MUS_SCAN_DS_MAX = 64,
	MUS_SCAN_ADDRS_MAX = 64,
	MUS_SCAN_FRESH_MAX = 64,	/* addresses of name servers that would be new */
	MUS_SCAN_PAST_MAX = 512,	/* addresses and keys of what was acted upon before */
	MUS_SCAN_NOBODY = 0xff,
};
enum { MUS_SCAN_A, MUS_SCAN_AAAA, MUS_SCAN_FAMILIES };
enum {					/* types in a CSYNC bitmap */
	MUS_SCAN_BIT_NS = 1,
	MUS_SCAN_BIT_A = 2,
	MUS_SCAN_BIT_AAAA = 4,
	MUS_SCAN_BIT_OTHER = 8,		/* anything else */
};
enum { MUS_SCAN_IMMEDIATE = 1, MUS_SCAN_SOAMINIMUM = 2 };	/* CSYNC flags */

/* What is asked of a server, for words. */
#define MUS_SCAN_WHAT_MAP(X)                                                                       \
	X(NOTHING, "-")                                                                            \
	X(SOA, "SOA")                                                                              \
	X(DNSKEY, "DNSKEY")                                                                        \
	X(CDS, "CDS")                                                                              \
	X(CDNSKEY, "CDNSKEY")                                                                      \
	X(CSYNC, "CSYNC")                                                                          \
	X(NS, "NS")                                                                                \
	X(ADDR, "addresses")
enum mus_scan_what {
#define X(name, text) MUS_SCAN_##name,
	MUS_SCAN_WHAT_MAP(X)
#undef X
	    MUS_SCAN_WHAT_COUNT
};
const char *mus_scan_what_text(enum mus_scan_what w);

/* X(name, word, what is wrong): the rule that ended the judgement. */
#define MUS_SCAN_RULE_MAP(X)                                                                       \
	X(NONE, "none", "fulfilled")                                                               \
	X(ABSENT, "absent", "nothing is asked for")                                                \
	X(INSYNC, "in-sync", "the parent has it already")                                          \
	X(NODS, "no-ds", "no DS at the parent: bootstrapping is not done")                         \
	X(NOSERVER, "no-server", "the delegation has no server that can be asked")                 \
	X(TOOMANY, "too-many", "more servers, names, keys or records than are looked at")          \
	X(REACH, "reach", "a server cannot be asked")                                              \
	X(BOGUS, "bogus", "no signature leads from the DS of the parent to it")                    \
	X(MALFORMED, "malformed", "not of the form")                                               \
	X(CONSISTENCY, "consistency", "the servers do not agree")                                  \
	X(BOTH, "cds-cdnskey", "CDS and CDNSKEY denote different keys")                            \
	X(DELETE, "delete", "deletion of the DS set is not allowed here")                          \
	X(DIGEST, "digest-type", "a digest type that is not allowed here")                         \
	X(ALGORITHM, "algorithm", "an algorithm that is not allowed here")                         \
	X(MANYDS, "count", "more DS records than are allowed here")                                 \
	X(SIGNER, "signer", "not signed by a key that both DS and DNSKEY name")                    \
	X(FRESHNESS, "freshness", "older than what was acted upon before")                         \
	X(CONTINUITY, "continuity", "the new DS set would not validate the DNSKEY set")            \
	X(FLAGS, "csync-flags", "unknown CSYNC flag")                                              \
	X(TYPES, "csync-types", "CSYNC names a type that is not followed")                         \
	X(MOVING, "moving", "the zone changed while it was looked at")                             \
	X(APPROVAL, "approval", "not immediate: waits for approval by other means")                \
	X(SOAMINIMUM, "soaminimum", "the zone has not reached the serial in CSYNC")                \
	X(REPLAY, "replay", "a serial lower than when it was last acted upon")                     \
	X(NSEMPTY, "ns-empty", "an empty NS set is never taken over")                              \
	X(NSFEW, "ns-few", "fewer name servers than are demanded here")                            \
	X(NOADDR, "no-address", "a name server in the zone would have no address")                 \
	X(NEWNS, "new-ns", "a new name server has an unknown address, or none that is asked")      \
	X(NEWAA, "new-ns-lame", "a new name server does not answer for the zone")                  \
	X(NEWCHAIN, "new-ns-chain", "a new name server's DNSKEY set does not fit the DS set")
enum mus_scan_rule {
#define X(name, word, text) MUS_SCAN_RULE_##name,
	MUS_SCAN_RULE_MAP(X)
#undef X
	    MUS_SCAN_RULE_COUNT
};
const char *mus_scan_rule_word(enum mus_scan_rule r);
const char *mus_scan_rule_text(enum mus_scan_rule r);

/* An answer of one server.  A zeroed one was not asked for, which satisfies nothing. */
struct mus_scan_set {
	bool is_asked;
	enum mus_cause cause;		/* not NONE: no answer that counts */
	bool is_present;		/* false: an authoritative NODATA */
	bool is_proved;			/* NODATA with a denial that verifies */
	uint64_t set;			/* its records, by their table */
	uint64_t sig;			/* keys of this server's DNSKEY set whose signature over it
					 * verifies and is in its time */
	int64_t inception_s;		/* latest of those signatures */
	uint8_t deletes;		/* CDS, CDNSKEY: records that ask for deletion */
	uint8_t odd;			/* records that are not of the form */
};

struct mus_scan_key {
	uint16_t tag;
	uint8_t alg;
	bool is_usable;			/* zone key, protocol 3, not revoked, algorithm supported */
	uint8_t ds;			/* DS record that we would make of it, or NOBODY */
};
struct mus_scan_ds {
	uint16_t tag;
	uint8_t alg, digest_type;
	bool alg_supported, digest_supported;
	uint64_t keys;			/* of the table of keys, that it names */
};
struct mus_scan_name {
	bool in_zone;			/* at or below the child's apex */
	uint64_t glue[MUS_SCAN_FAMILIES];	/* addresses at the parent */
};

/* What tells old from new: inceptions in seconds, serials. */
enum mus_scan_mark {
	MUS_SCAN_MARK_CDS, MUS_SCAN_MARK_CDNSKEY,	/* inceptions */
	MUS_SCAN_MARK_SOA, MUS_SCAN_MARK_CSYNC,		/* serials */
	MUS_SCAN_MARKS
};
/* What one address showed, signed by one key, when it was last acted upon.  With the key, because signers date
 * and number each in its own way, and a secondary can be pointed from one to another. */
struct mus_scan_past {
	uint8_t addr;			/* NOBODY: of no server of today */
	uint8_t key;
	uint8_t has;			/* bit n: mark n is known */
	int64_t mark[MUS_SCAN_MARKS];
};

struct mus_scan_server {
	uint8_t name, addr;
	struct mus_scan_set soa, soa2;	/* first and last question */
	uint32_t serial, serial2;
	struct mus_scan_set key, cds, cdnskey, csync, ns;
	uint32_t csync_serial;
	uint16_t csync_flags;
	uint8_t csync_types;		/* bits */
	struct mus_scan_set at[MUS_SCAN_NAMES_MAX][MUS_SCAN_FAMILIES];
};

/* One address of a name server that would be new to the delegation. */
struct mus_scan_fresh {
	uint8_t name;
	struct mus_scan_set udp, tcp;	/* SOA; present only with AA */
	struct mus_scan_set key;
};

struct mus_scan_policy {
	bool allow_delete;
	bool need_approval;		/* CSYNC is never acted upon by itself */
	uint8_t ns_min;			/* fewest names in a new NS set; 0 means 1 */
	uint8_t ds_max;			/* most records in a new DS set; 0: no bound */
	uint64_t digest_types;		/* bit n: type n may be in a new DS set */
};

struct mus_scan_in {
	struct mus_scan_policy policy;
	bool is_cut;			/* something did not fit into a table */
	uint64_t ds, ns;		/* delegation at the parent's primary */
	uint8_t key_count, ds_count, name_count, addr_count, server_count, fresh_count;
	struct mus_scan_key key[MUS_SCAN_KEYS_MAX];
	struct mus_scan_ds rec[MUS_SCAN_DS_MAX];
	struct mus_scan_name name[MUS_SCAN_NAMES_MAX];
	struct mus_scan_server server[MUS_SCAN_SERVERS_MAX];
	/* New name servers, as far as they were looked at: */
	uint64_t looked;		/* names whose look-up and questions have ended */
	uint64_t resolved;		/* of these: all addresses are known, and one at least was asked */
	struct mus_scan_fresh fresh[MUS_SCAN_FRESH_MAX];
	/* Acted upon before, by keys of the table; an address and a key occur together once. */
	uint16_t past_count;
	struct mus_scan_past past[MUS_SCAN_PAST_MAX];
};

enum mus_scan_kind {
	MUS_SCAN_QUIET,			/* nothing is to be done */
	MUS_SCAN_HOLD,			/* something is asked for, and a rule forbids it */
	MUS_SCAN_MORE,			/* observations are missing: ${ask} */
	MUS_SCAN_CHANGE,
};
const char *mus_scan_kind_text(enum mus_scan_kind k);

struct mus_scan_finding {
	enum mus_scan_kind kind;
	enum mus_scan_rule rule;
	enum mus_scan_what what;	/* which answer */
	enum mus_cause cause;		/* REACH: why */
	uint8_t server;			/* who; or NOBODY */
	uint8_t other;			/* CONSISTENCY: who says otherwise; or NOBODY */
	uint8_t item;			/* name, key or DS record it is about; or NOBODY */
};

struct mus_scan_out {
	struct mus_scan_finding ds;
	uint64_t new_ds;		/* CHANGE: the whole new set; 0: delete */
	struct mus_scan_finding csync;
	uint64_t new_ns;		/* CHANGE: the whole NS set */
	uint64_t new_glue[MUS_SCAN_NAMES_MAX][MUS_SCAN_FAMILIES];	/* of every name in the zone */
	uint64_t ask;			/* MORE, HOLD: names in new_ns to be looked at as new */
};

/* Reads only its arguments; cannot fail.  The answer to CSYNC is MORE until ${looked} has every name
 * in ${ask}. */
void mus_scan_judge(const struct mus_scan_in *in, struct mus_scan_out *out);

/* P1 of protocol.md 4.2: some DS record of ${ds} names a key that is in this DNSKEY set and signs it. */
bool mus_scan_path(const struct mus_scan_in *in, uint64_t ds, const struct mus_scan_set *key);

/* Does this reply, by itself, leave the DS set as it is (RFC 9975, early exit)?  Nothing is verified:
 * only for doing nothing. */
bool mus_scan_ds_is_quiet(const struct mus_scan_in *in, const struct mus_scan_set *cds,
    const struct mus_scan_set *cdnskey);

#endif
