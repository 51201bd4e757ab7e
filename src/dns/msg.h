/*
 * Messages: build questions, UPDATEs (RFC 2136) and NOTIFYs; parse answers.  Hides libknot.
 */
#ifndef MUS_DNS_MSG_H
#define MUS_DNS_MSG_H

#include "dns/rr.h"

enum {
	MUS_OPCODE_QUERY = 0, MUS_OPCODE_NOTIFY = 4, MUS_OPCODE_UPDATE = 5,
	MUS_RCODE_NOERROR = 0, MUS_RCODE_FORMERR = 1, MUS_RCODE_SERVFAIL = 2,
	MUS_RCODE_NXDOMAIN = 3, MUS_RCODE_NOTIMP = 4, MUS_RCODE_REFUSED = 5,
	MUS_RCODE_YXDOMAIN = 6, MUS_RCODE_YXRRSET = 7, MUS_RCODE_NXRRSET = 8,
	MUS_RCODE_NOTAUTH = 9, MUS_RCODE_NOTZONE = 10,
	MUS_MSG_MAX = 65535, MUS_EDNS_UDP_BYTES = 1232,
};
const char *mus_rcode_text(uint16_t rcode);	/* "NXRRSET" or "RCODE23" (static) */

enum mus_section { MUS_SEC_ANSWER, MUS_SEC_AUTHORITY, MUS_SEC_ADDITIONAL, MUS_SEC_COUNT };

struct mus_msg {			/* parsed; all lists in the arena given to the parser */
	uint16_t id;
	uint8_t opcode;
	uint16_t rcode;			/* with the EDNS bits */
	bool qr, aa, tc, rd, ra, ad, cd, do_bit, has_edns;
	struct mus_name qname;		/* len 0: no question */
	uint16_t qtype, qclass;
	struct mus_rr *rr[MUS_SEC_COUNT];
	size_t rr_count[MUS_SEC_COUNT];	/* OPT and TSIG are not among them */
	bool has_tsig;
};

/* MALFORM or NOMEM.  ${wire} is borrowed; nothing of it is kept. */
int mus_msg_parse(const uint8_t *wire, size_t len, struct mus_arena *a, struct mus_msg *out,
    struct mus_errtext *et) MUS_MUST_CHECK;
/* The RRset (owner, type) of a section with its RRSIGs; false: none there.  NOMEM shows in ${a}. */
bool mus_msg_rrset(const struct mus_msg *m, enum mus_section sec, const struct mus_name *owner,
    uint16_t type, struct mus_arena *a, struct mus_rrset *out);
/* All RRsets of a section except RRSIG (denial RRsets, referrals); NULL with *count 0: none. */
struct mus_rrset *mus_msg_rrsets(const struct mus_msg *m, enum mus_section sec,
    struct mus_arena *a, size_t *count);

struct mus_query {
	struct mus_name name;
	uint16_t type;
	bool rd, cd, dnssec;		/* dnssec: EDNS with DO */
	uint8_t opcode;			/* QUERY or NOTIFY (NOTIFY: AA set, no EDNS unless dnssec) */
};
/* Writes a question with ${id}; length or a negative error. */
int mus_query_build(const struct mus_query *q, uint16_t id, uint8_t *out, size_t cap) MUS_MUST_CHECK;

/* ---- UPDATE ---- */
enum mus_upd_kind {
	MUS_UPD_PRE_EXISTS,	/* RRset exists (value independent) */
	MUS_UPD_PRE_ABSENT,	/* RRset does not exist */
	MUS_UPD_PRE_RR,		/* RRset holds exactly the PRE_RR records given */
	MUS_UPD_ADD,		/* add a record */
	MUS_UPD_DEL_RR,		/* delete one record, by exact rdata */
	MUS_UPD_DEL_CSYNC,	/* delete the CSYNC RRset, whatever ${type} says */
};
struct mus_upd_rr {
	enum mus_upd_kind kind;
	struct mus_name owner;
	uint16_t type;
	uint32_t ttl_s;			/* ADD only */
	struct mus_rdata rd;		/* PRE_RR, ADD, DEL_RR */
};
/* Prerequisites are written before updates whatever their order in ${rr}.  There is no way to
 * delete a whole RRset or name (protocol.md 21), with one exception: CSYNC, whose RRset is one record
 * by RFC 7477 2.1, so that nothing foreign goes with it; PowerDNS 4.7 knows no other way.  Length, or
 * TOOBIG. */
int mus_update_build(const struct mus_name *zone, const struct mus_upd_rr *rr, size_t count,
    uint16_t id, uint8_t *out, size_t cap) MUS_MUST_CHECK;
/* Answer to a NOTIFY or refusal of anything else: header and question of the request. */
int mus_reply_build(const uint8_t *req, size_t req_len, uint16_t rcode, bool aa, uint8_t *out,
    size_t cap) MUS_MUST_CHECK;

#endif
