/*
 * Record types, rdata and RRsets.  Rdata is always uncompressed, and in canonical form where
 * RFC 4034 6.2 (as updated by RFC 6840 5.1) lower-cases names.  Lists live in an arena.
 */
#ifndef MUS_DNS_RR_H
#define MUS_DNS_RR_H

#include "base/arena.h"
#include "dns/name.h"

enum {
	MUS_TYPE_A = 1, MUS_TYPE_NS = 2, MUS_TYPE_CNAME = 5, MUS_TYPE_SOA = 6, MUS_TYPE_PTR = 12,
	MUS_TYPE_MX = 15, MUS_TYPE_TXT = 16, MUS_TYPE_AAAA = 28, MUS_TYPE_DNAME = 39,
	MUS_TYPE_OPT = 41, MUS_TYPE_DS = 43, MUS_TYPE_RRSIG = 46, MUS_TYPE_NSEC = 47,
	MUS_TYPE_DNSKEY = 48, MUS_TYPE_NSEC3 = 50, MUS_TYPE_NSEC3PARAM = 51, MUS_TYPE_CDS = 59,
	MUS_TYPE_CDNSKEY = 60, MUS_TYPE_CSYNC = 62, MUS_TYPE_ZONEMD = 63, MUS_TYPE_DSYNC = 66,
	MUS_TYPE_TSIG = 250, MUS_TYPE_IXFR = 251, MUS_TYPE_AXFR = 252, MUS_TYPE_ANY = 255,
	MUS_CLASS_IN = 1, MUS_CLASS_NONE = 254, MUS_CLASS_ANY = 255,
	MUS_RDATA_MAX = 65535, MUS_TYPE_TEXT_MAX = 16,
};

struct mus_rdata {
	const uint8_t *data;
	uint16_t len;
};

struct mus_rr {
	struct mus_name owner;
	uint16_t type, rclass;
	uint32_t ttl_s;
	struct mus_rdata rd;
};

/* An RRset with the signatures that came beside it. */
struct mus_rrset {
	struct mus_name owner;
	uint16_t type, rclass;
	uint32_t ttl_s;			/* largest TTL seen in its records */
	struct mus_rdata *rd;		/* canonical order, no duplicates */
	size_t count;
	struct mus_rdata *sig;		/* RRSIG rdata that cover ${type} */
	size_t sig_count;
	uint32_t sig_ttl_s;		/* largest TTL among the RRSIG records; 0 without */
};

/* "CDS" or "TYPE65290"; gives ${out}. */
const char *mus_type_text(uint16_t type, char out[static MUS_TYPE_TEXT_MAX]);
/* 0: unknown mnemonic. */
uint16_t mus_type_parse(const char *text);

/* One record's rdata from presentation form (names absolute or relative to the root). */
int mus_rdata_parse(uint16_t type, const char *text, struct mus_arena *a, struct mus_rdata *out,
    struct mus_errtext *et) MUS_MUST_CHECK;
/* Presentation form in ${a}; generic (RFC 3597) where the type is unknown.  NULL: no memory. */
const char *mus_rdata_text(uint16_t type, struct mus_rdata rd, struct mus_arena *a);
int mus_rdata_cmp(struct mus_rdata a, struct mus_rdata b);	/* canonical order */

/* Adds a copy of ${rd} in its place; duplicates are dropped.  NOMEM. */
int mus_rrset_add(struct mus_rrset *s, struct mus_rdata rd, struct mus_arena *a) MUS_MUST_CHECK;
int mus_rrset_add_sig(struct mus_rrset *s, struct mus_rdata rd, struct mus_arena *a) MUS_MUST_CHECK;
/* All of ${from} in ${a}.  NOMEM. */
int mus_rrset_copy(struct mus_rrset *to, const struct mus_rrset *from, struct mus_arena *a) MUS_MUST_CHECK;
/* The same for ${count} of them; NULL: no memory, never for none. */
struct mus_rrset *mus_rrsets_copy(const struct mus_rrset *from, size_t count, struct mus_arena *a);
bool mus_rrset_has(const struct mus_rrset *s, struct mus_rdata rd);
bool mus_rrset_equal(const struct mus_rrset *a, const struct mus_rrset *b);	/* records only */
/* 64 bits of SHA-256 over owner, type and records (no TTL, no signatures). */
uint64_t mus_rrset_digest(const struct mus_rrset *s);
/* 64 bits of SHA-256 over any bytes. */
uint64_t mus_digest64(const void *p, size_t len);

/* Type bitmap as in NSEC, NSEC3 and CSYNC (RFC 4034 4.1.2). */
bool mus_bitmap_has(const uint8_t *map, size_t len, uint16_t type);
size_t mus_bitmap_encode(const uint16_t *types, size_t count, uint8_t *out, size_t cap); /* 0: no room */

#endif
