/*
 * What was observed of a zone: versions of RRsets per origin, with their times and signatures.
 * protocol.md 3.  Written by core/observe.h only; everything else reads.
 */
#ifndef MUS_MODEL_SEEN_H
#define MUS_MODEL_SEEN_H

#include "model/zone.h"

/* The RRsets that are watched.  DENYn: the NSEC or NSEC3 RRsets of one negative answer, each by
 * itself, in canonical order.  ADDR: addresses of in-domain name servers as the child serves them;
 * GLUE: the same at the parent. */
#define MUS_RR_MAP(X)                                                                              \
	X(KEY, "DNSKEY")                                                                           \
	X(CDS, "CDS")                                                                              \
	X(CDNSKEY, "CDNSKEY")                                                                      \
	X(CSYNC, "CSYNC")                                                                          \
	X(NS, "NS")                                                                                \
	X(SOA, "SOA")                                                                              \
	X(NAME, "sample")                                                                          \
	X(DENY0, "denial")                                                                         \
	X(DENY1, "denial")                                                                         \
	X(DENY2, "denial")                                                                         \
	X(ADDR, "address")                                                                         \
	X(DS, "DS")                                                                                \
	X(PNS, "delegation NS")                                                                    \
	X(GLUE, "glue")
enum mus_rr_kind {
#define X(name, text) MUS_RR_##name,
	MUS_RR_MAP(X)
#undef X
	    MUS_RR_COUNT
};
enum {
	MUS_RR_SIGNER_COUNT = MUS_RR_DS,			/* kinds a signer has */
	MUS_RR_PARENT_COUNT = MUS_RR_COUNT - MUS_RR_DS,		/* kinds a parent has */
	MUS_VERSIONS_MAX = 12,
	MUS_SIGS_MAX = 6,
	MUS_DT_COUNT = 3,		/* digest types: SHA-1, SHA-256, SHA-384 */
};
const char *mus_rr_text(enum mus_rr_kind k);
/* Its records name keys that are elsewhere. */
static inline bool
mus_rr_names_keys(unsigned kind)
{
	return kind == MUS_RR_CDS || kind == MUS_RR_CDNSKEY || kind == MUS_RR_DS;
}

/* Why there is no answer, or none that counts. */
#define MUS_CAUSE_MAP(X)                                                                           \
	X(NONE, "not asked yet")                                                                   \
	X(TIMEOUT, "no answer in time")                                                            \
	X(NET, "cannot be reached")                                                                \
	X(REFUSED, "answered REFUSED")                                                             \
	X(SERVFAIL, "answered SERVFAIL")                                                           \
	X(NXDOMAIN, "says the zone does not exist")                                                \
	X(NOTAUTH, "is not authoritative for the zone")                                            \
	X(RCODE, "answered with an error")                                                         \
	X(MALFORM, "sent a malformed answer")                                                      \
	X(TRUNCATED, "truncates over TCP too")                                                     \
	X(BOGUS, "sent an answer whose signatures do not verify")                                  \
	X(UNPROVED, "sent a denial that proves nothing")                                           \
	X(TSIG, "TSIG failed")                                                                     \
	X(OVERFLOW, "shows more versions than are kept")                                           \
	X(LOCAL, "was not asked: our queue is full")                                               \
	X(NOROOM, "has more addresses than there is room for")                                     \
	X(NOPLACE, "is one signer too many")                                                       \
	X(LOOKING, "is being looked up")                                                           \
	X(NOLOOKUP, "cannot be looked up")                                                         \
	X(NOADDR, "has no address")                                                                \
	X(UNASKED, "is listed, and nobody asks it")                                                \
	X(ADDRESS, "has an address that nobody asks")
enum mus_cause {
#define X(name, text) MUS_CAUSE_##name,
	MUS_CAUSE_MAP(X)
#undef X
	    MUS_CAUSE_COUNT
};
const char *mus_cause_text(enum mus_cause c);
enum mus_cause mus_cause_of_err(int err);	/* of a question that got no answer */

struct mus_sig {
	uint8_t key;			/* index, or MUS_KEY_NONE: key not known (yet), or does not verify */
	uint8_t alg;
	uint16_t tag;
	int64_t from_s, until_s;	/* inception and expiration */
};
enum { MUS_KEY_NONE = 0xff };
enum { MUS_AUX_STRAY = 1 << 16 };

enum {					/* mus_version.flags */
	MUS_VER_ABSENT = 1,		/* NODATA, proved by a good denial or by a server that signs nothing */
	MUS_VER_DELETE = 2,		/* CDS/CDNSKEY: the delete request of RFC 8078 */
	MUS_VER_PROVES = 4,		/* DENYn: the denial it belongs to is complete */
	MUS_VER_BADSIG = 8,		/* a signature by a known key does not verify */
	MUS_VER_CHILD = 16,		/* delegation: the server answers for the zone itself, and the NS set is
					 * the zone's own, signed by whose copy it has */
	MUS_VER_CUT = 32,		/* sample, beside ABSENT: it lies in a zone of its own, at or below a delegation */
};

struct mus_version {			/* what every decision reads comes first: one cache line */
	/* At lines of its own: else every version begins in the middle of one, and a ring takes a half more of them. */
	_Alignas(64) uint64_t set;	/* KEY: keys present; CDS, CDNSKEY, DS: keys named; NS, PNS: names */
	uint64_t srv;			/* servers that show it now */
	struct mus_time last;		/* latest instant some server that stopped showing it may still
					 * have handed it out (not later than that server's cut) */
	uint32_t ttl_s;			/* largest TTL it came with, RRSIG original TTLs included */
	uint8_t stray;			/* records that name nothing we know (key, name server); CSYNC: those
					 * beside the first; 255: many */
	uint8_t flags;
	uint8_t sig_count;
	struct mus_sig sig[MUS_SIGS_MAX];
	uint64_t content;		/* digest of the records; SOA: without the serial */
	struct mus_time first;		/* first seen */
	uint64_t aux;			/* SOA: digest of RNAME and MINIMUM; CSYNC: a record, as mus_csync_of;
					 * ADDR: digest of the addresses of all signers' names;
					 * DNSKEY, DS, CDS, CDNSKEY: MUS_AUX_STRAY | key tag of the first stray */
	uint32_t serve_ttl_s;		/* TTL of the records as last served */
	uint64_t dt[MUS_DT_COUNT];	/* CDS, DS: keys named per digest type; CSYNC: further records; ADDR: first
					 * all signers' names that have an address, then, as of GLUE, those
					 * that have one at which nobody is asked */
};

/* A CSYNC record in a number: types << 48 | serial << 16 | flags.  RFC 7477 allows one of them; of more, as many
 * are kept as a version has room for. */
enum { MUS_CSYNC_MAX = 1 + MUS_DT_COUNT };
#define MUS_CSYNC_A (1ull << 48)
#define MUS_CSYNC_NS (1ull << 49)
#define MUS_CSYNC_AAAA (1ull << 50)
#define MUS_CSYNC_ODD (1ull << 51)	/* another type too: the record cannot be written from this */
static inline uint64_t
mus_csync_ask(uint64_t record)		/* serial and flags */
{
	return record & (MUS_CSYNC_A - 1);
}
static inline uint32_t
mus_csync_serial(uint64_t record)
{
	return (uint32_t)(record >> 16);
}
/* The CSYNC records of a version; how many. */
static inline unsigned
mus_csync_of(const struct mus_version *v, uint64_t record[static MUS_CSYNC_MAX])
{
	unsigned n = 0;

	if (v->flags & MUS_VER_ABSENT)
		return 0;
	record[n++] = v->aux;
	for (; n <= v->stray && n < MUS_CSYNC_MAX; n++)
		record[n] = v->dt[n - 1];
	return n;
}

struct mus_ring {
	uint8_t count;
	bool overflow;			/* an alive version had to go: unknown until it must be dead */
	enum mus_cause fail_cause;	/* of the latest failed question */
	uint8_t fail_server;
	uint32_t ttl_max_s;		/* largest TTL ever seen here */
	uint64_t ok, fail;		/* servers by their latest answer */
	struct mus_time asked_at;	/* when the latest round asked */
	struct mus_time since;		/* watched without a gap from here on; NEVER: not yet */
	struct mus_time overflow_until;
	struct mus_time fail_since;	/* since when some server has not answered; NEVER: all do */
	struct mus_version v[MUS_VERSIONS_MAX];	/* oldest first */
};

struct mus_srvstate {
	struct mus_time led_until;	/* in Reach: until when, by what was seen last; NEVER: open */
	struct mus_time cut;		/* NEVER: in Reach; ALWAYS: never was; else when it left */
	bool udp_ok, tcp_ok, aa_ok;	/* by the latest answers; V6 */
	enum mus_tri udp, tcp;
};

/* What whole transfers of a signer's copy showed. */
struct mus_copy {
	bool known, declared;		/* declared: ttl_max_s is the operator's word, the rest unknown */
	uint32_t serial;
	uint32_t ttl_max_s;		/* largest ever, negative TTL included */
	uint64_t content;		/* digest of the content that must be alike (V13) */
	uint64_t keys_in_data;		/* keys with RRSIGs over data, in the latest transfer */
	bool has_stray_sigs;		/* RRSIGs over data by keys that are not in the table */
	struct mus_time at;		/* when it was taken */
	struct mus_time unread_at;	/* when a server last showed a serial of which no copy was read; ALWAYS: never */
};

/* Changes sent and not yet seen: count as made and as not made. */
enum { MUS_PENDING_MAX = 24 };
struct mus_pending {
	uint8_t signer;
	enum mus_rr_kind kind;
	uint64_t add, del;		/* keys or names */
	struct mus_time sent_at;
};

struct mus_seen {
	struct mus_ring signer[MUS_SIGNERS_MAX][MUS_RR_SIGNER_COUNT];
	struct mus_ring parent[MUS_RR_PARENT_COUNT];
	struct mus_srvstate server[MUS_SERVERS_MAX];
	struct mus_copy copy[MUS_SIGNERS_MAX];
	uint8_t pending_count;
	struct mus_pending pending[MUS_PENDING_MAX];
};

/* Kinds from DS on are the parent's; ${origin} says which signer for the others. */
static inline struct mus_ring *
mus_seen_ring(struct mus_seen *seen, unsigned origin, enum mus_rr_kind kind)
{
	return kind >= MUS_RR_DS ? &seen->parent[kind - MUS_RR_DS] : &seen->signer[origin][kind];
}
static inline const struct mus_ring *
mus_seen_ring_const(const struct mus_seen *seen, unsigned origin, enum mus_rr_kind kind)
{
	return kind >= MUS_RR_DS ? &seen->parent[kind - MUS_RR_DS] : &seen->signer[origin][kind];
}

#endif
