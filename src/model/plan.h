/*
 * What the core says: the next intention, what to do now, what it waits for, and the judgement of
 * the present state, all with witnesses.  Plain data; rendered to text by model/text.h.
 */
#ifndef MUS_MODEL_PLAN_H
#define MUS_MODEL_PLAN_H

#include "model/want.h"

/* Rules that can fail or be waited for.  X(id, short name for people and API, sentence) */
#define MUS_RULE_MAP(X)                                                                            \
	X(NONE, "none", "nothing is missing")                                                      \
	X(V1, "V1", "every DS set that may be cached authenticates every DNSKEY set")              \
	X(V2, "V2", "every DNSKEY set that may be cached verifies all data")                       \
	X(V2C, "V2c", "CDS and CDNSKEY are signed by a SEP key that the DS set names")             \
	X(V3, "V3", "V1 and V2 hold for each algorithm of the DS set alone")                       \
	X(V3S, "V3s", "every algorithm signs everything (RFC 4035 2.2)")                           \
	X(V4, "V4", "signatures are valid now and outlive the caches")                             \
	X(V5, "V5", "the delegation stays secure")                                                 \
	X(V6, "V6", "every reachable server answers for the zone over UDP and TCP")                \
	X(V7, "V7", "every signer publishes the keys that sign the others' data")                  \
	X(V8, "V8", "NS, CDS, CDNSKEY and CSYNC are equal on all signers")                         \
	X(V9, "V9", "delegation NS, glue and DS match the zone")                                   \
	X(V10, "V10", "every key and name server has a known owner")                               \
	X(V11, "V11", "no two keys share algorithm and key tag")                                   \
	X(V12, "V12", "every signer's negative answers prove denial")                              \
	X(V13, "V13", "the zone content is equal on all signers")                                  \
	X(V14, "V14", "the chain holds with each digest type alone")                               \
	X(G0, "G0", "a first DS needs every DNSKEY and all data signed")                           \
	X(G1, "G1", "a name server may enter: old DS and DNSKEY sets verify it, and it them")      \
	X(G2, "G2", "a key may sign: it is in every DNSKEY set that may be cached")                \
	X(G3, "G3", "a key may go: it is out of use and nothing cached needs it")                  \
	X(G4, "G4", "a DS may be added")                                                           \
	X(G5, "G5", "a DS or SEP key may go: the chain holds without it")                          \
	X(G6, "G6", "a server may stop: no resolver is led to it")                                 \
	X(G7, "G7", "a signer may stop signing with a key")                                        \
	X(G8, "G8", "a key may be imported: its tag and algorithm fit, the owner has not too many") \
	X(G9, "G9", "a name server's address may change")                                          \
	X(OBSERVE, "observe", "all servers that matter have been seen lately")                     \
	X(HISTORY, "history", "the record of the past is long enough")                             \
	X(SERVES, "serves", "the signer serves the zone")                                          \
	X(SIGNED, "signed", "the signer's copy is signed with its own keys")                       \
	X(ALGS, "algorithms", "all signers use the same algorithms")                               \
	X(TTLMAX, "max-ttl", "the largest TTL of the signer's copy is known")                      \
	X(CAPS, "capability", "the signer lets us change what the process needs")                  \
	X(NSNAMES, "name-servers", "the signer has name servers of its own for the zone")          \
	X(GLUEADDR, "addresses", "in-domain name servers have the same addresses on all signers")  \
	X(KEYTTL, "dnskey-ttl", "the DNSKEY TTL is equal on all signers")                          \
	X(DIGESTS, "cds-digests", "the CDS that signers publish have the same digest types")      \
	X(LASTONE, "last-signer", "at least one other signer remains")                             \
	X(IMPORT, "import", "each signer shows the others' keys")                                  \
	X(SIGNAL, "signal", "each signer shows CDS and CDNSKEY for all SEP keys")                  \
	X(PARENTDS, "parent-ds", "every parent server shows the DS set asked for")                 \
	X(DSWAIT, "DS-Wait", "old DS sets have left all caches")                                   \
	X(KEYWAIT, "DNSKEY-Wait", "old DNSKEY sets have left all caches")                          \
	X(NSSET, "ns-set", "each signer shows the NS set asked for")                               \
	X(CSYNCSET, "csync", "each signer shows the CSYNC asked for")                              \
	X(PARENTNS, "parent-ns", "every parent server shows the NS set and glue asked for")        \
	X(NSWAIT, "NS-Wait", "old NS sets have left all caches")                                   \
	X(REACH, "reach", "no resolver is led to the leaving signer any more")                     \
	X(DATAWAIT, "DATA-Wait", "old data of the signer have left all caches")                    \
	X(PREFLIGHT, "preflight", "the joining signer is fit")                                     \
	X(QUEUE, "queue", "the signer takes changes as they come")                                 \
	X(HELD, "held", "the operator holds the zone")                                             \
	X(MANUAL, "manual", "the operator takes each step by hand")                                \
	X(PARTIAL, "adopt", "the zone has been seen completely once")                              \
	X(PROBE, "probe", "nothing of a probe is left")                                            \
	X(SAMPLE, "sample", "the sample name has an address at every signer")                      \
	X(NEWKEY, "new-key", "every signer shows the new key")                                     \
	X(NEWSIGNS, "new-key-signs", "the new key signs the signer's DNSKEY set")                  \
	X(NEWUSED, "new-key-used", "the signer signs data with the new key")                       \
	X(OLDUNUSED, "old-key-unused", "nothing at the signer is signed with the old key")         \
	X(OLDGONE, "old-key-gone", "the signer shows the old key no more")                         \
	X(WITHDRAWN, "withdrawn", "no signer shows the old key")                                   \
	X(STORE, "database", "what is seen and decided is stored before anything is sent")
enum mus_rule {
#define X(name, text, sentence) MUS_RULE_##name,
	MUS_RULE_MAP(X)
#undef X
	    MUS_RULE_COUNT
};
const char *mus_rule_text(enum mus_rule r);		/* "V2" */
const char *mus_rule_sentence(enum mus_rule r);
bool mus_rule_can_pass(enum mus_rule r);		/* may an operator force it? */

enum mus_result {
	MUS_RES_HOLDS,
	MUS_RES_WARN,			/* does not hold, and nothing breaks by that */
	MUS_RES_UNKNOWN,		/* cannot be told: satisfies nothing */
	MUS_RES_FAILS,
};

/* Who and what makes a rule fail, or what is waited for.  Unset parts are MUS_NOBODY. */
struct mus_witness {
	enum mus_rule rule;
	enum mus_result result;
	uint8_t origin, origin2;	/* signer or MUS_PARENT; origin2: the other side of a pair */
	uint8_t server;			/* server index */
	uint8_t server2;		/* that of the other side of a pair; MUS_NOBODY: only caches have it */
	uint8_t kind, kind2;		/* enum mus_rr_kind */
	uint8_t key;			/* key index */
	uint8_t ns;			/* name index */
	bool surplus;			/* key, ns, CSYNC: is shown and should be gone; else it is missing */
	bool lags;			/* another server of the origin shows what is asked for */
	uint8_t cause;			/* enum mus_cause, for UNKNOWN */
	uint16_t number;		/* rule's own: algorithm, digest type, key tag; CSYNC: how many there are */
	bool odd;			/* CSYNC: one lists types that are not known here */
	struct mus_time seen_at;	/* when the version in question was first seen, or since when there has
					 * been no answer; NEVER: none */
	struct mus_time until;		/* when it ends by itself; NEVER: it does not */
};
extern const struct mus_witness MUS_WITNESS_NONE;

enum mus_act_kind {
	MUS_ACT_CHANGE,			/* add and delete records of one RRset at one signer */
	MUS_ACT_TRANSFER,		/* read the signer's whole copy */
};
struct mus_act {
	enum mus_act_kind kind;
	enum mus_rr_kind rr;		/* KEY, CDS, CDNSKEY, CSYNC, NS */
	enum mus_rule why;		/* the row's post-condition it serves */
	uint32_t csync_serial;
	uint64_t add, del;		/* KEY, CDNSKEY: keys; NS: names; CSYNC: bit 0, the one record */
	uint64_t add_dt[MUS_DT_COUNT], del_dt[MUS_DT_COUNT];	/* CDS: keys per digest type */
	uint64_t del_aux[MUS_CSYNC_MAX];	/* CSYNC: the very records that go */
	uint64_t id;			/* equal when the same action is planned again */
	uint8_t signer;
	uint8_t del_aux_count;
};

enum { MUS_PLAN_ACTS_MAX = 64, MUS_PLAN_WAITS_MAX = 12, MUS_FINDINGS_MAX = 40 };

/* RFC 9276 3.2 lets validators take answers with more NSEC3 iterations than a limit for insecure, or fail them;
 * 50 is the lowest that is in use (BIND, Unbound, Knot Resolver). */
enum { MUS_N3_ITERATIONS_MAX = 50 };

struct mus_verdict {
	enum mus_result rule[MUS_RULE_COUNT];	/* V1..V14 filled */
	struct mus_witness finding[MUS_FINDINGS_MAX];	/* everything that does not hold */
	uint8_t finding_count;
};
enum mus_state_word {			/* the zone in one word */
	MUS_STATE_UNKNOWN, MUS_STATE_VALID, MUS_STATE_SO_FAR, MUS_STATE_AT_RISK, MUS_STATE_INVALID,
	MUS_STATE_INSECURE,
};
const char *mus_state_text(enum mus_state_word s);

struct mus_plan {
	struct mus_want want;		/* the next intention: store it before anything is sent */
	struct mus_act act[MUS_PLAN_ACTS_MAX];
	uint8_t act_count;
	uint8_t hand_count;		/* so many more stand behind: an operator's, at signers without a driver */
	struct mus_witness wait[MUS_PLAN_WAITS_MAX];	/* most telling first */
	uint8_t wait_count;
	struct mus_time wake_at;	/* earliest instant at which this answer can change by time alone */
	bool poll;			/* waits for others: look again at the short interval */
	bool advanced;			/* the process takes a step in this plan */
	bool proposal;			/* manual mode: acts show what a step would do; none is to be sent */
	uint8_t need_copy;		/* signers whose whole copy should be read (again) */
	struct mus_witness roll_wait[MUS_ROLLS_MAX];	/* what each roll-over of ${want} waits for */
};

struct mus_policy {
	uint32_t margin_s;		/* epsilon: clock skew and slack */
	uint32_t parent_ttl_floor_s;	/* for DS and delegation NS until watched for that long */
	uint32_t ttl_floor_s;		/* likewise for what signers serve */
	uint32_t fresh_s;		/* observations older than this decide nothing */
	uint32_t gap_s;			/* a longer gap between rounds breaks the history */
	uint32_t refresh_s;		/* V4: warn when a signature has less than this beyond the TTL */
	uint8_t digests;		/* bit per digest type index: published at least */
	bool strict;			/* V3s is an error */
	bool spread_sep;		/* import KSKs too */
	bool csync_keep;		/* leave CSYNC when the parent has followed */
	bool manual, held;
	bool probed;			/* a probe runs, or what it wrote is still shown */
	bool step;			/* one step is allowed now */
	enum mus_rule forced;		/* guard the operator has forced past for this step; NONE */
};

#endif
