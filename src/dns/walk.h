/*
 * Walking over a message on the wire: names with compression, records, canonical rdata.  Shared by
 * the files of dns/ only; everything outside includes msg.h, tsig.h or xfr.h.
 *
 * We read messages ourselves rather than through libknot: the reader is a quarter of the work per
 * record, allocates nothing, and a transfer needs one record at a time.  Whatever the bytes are,
 * nothing outside them is read and each step moves forward.
 */
#ifndef MUS_DNS_WALK_H
#define MUS_DNS_WALK_H

#include "dns/msg.h"

enum {
	MUS__HEADER_BYTES = 12,
	MUS__RR_BYTES_MIN = 11,		/* root owner, no rdata */
	MUS__RDATA_GROWTH = 2 * MUS_NAME_MAX,	/* no type has more than two names */
	MUS__SEC_QUESTION = 0,		/* places in ${count}; the others follow in order */
};

struct mus_walk {
	const uint8_t *wire;
	size_t len, off;
	uint16_t id, flags;
	uint16_t count[4];
};

struct mus_walk_rr {
	size_t start;			/* where the record begins */
	struct mus_name owner;		/* lower case */
	uint16_t type, rclass;
	uint32_t ttl_s;
	size_t rd_off;
	uint16_t rd_len;		/* on the wire, perhaps compressed */
};

/* Reads the header; false: too short. */
bool mus__walk_init(struct mus_walk *w, const uint8_t *wire, size_t len);
/* The name at *off, which moves behind it. */
bool mus__walk_name(const struct mus_walk *w, size_t *off, struct mus_name *out);
bool mus__walk_question(struct mus_walk *w, struct mus_name *qname, uint16_t *qtype,
    uint16_t *qclass);
/* The next record's head; moves behind the record. */
bool mus__walk_rr(struct mus_walk *w, struct mus_walk_rr *rr);
/* Is the rdata canonical as it stands on the wire, for it has no names that change? */
bool mus__walk_is_plain(const struct mus_walk_rr *rr);
/* Rdata, uncompressed and with names in lower case; length, or -1 when it does not fit its type or
 * ${cap}, for which rd_len + MUS__RDATA_GROWTH always suffices. */
long mus__walk_rdata(const struct mus_walk *w, const struct mus_walk_rr *rr, uint8_t *out,
    size_t cap);

#endif
