/*
 * The form of rdata by type: one table says which names are canonicalised when a message is read,
 * and which bytes may be given to libknot for printing (it reads past the end of rdata that does
 * not fit its type).  For dns/ only.
 */
#ifndef MUS_DNS_FORM_H
#define MUS_DNS_FORM_H

#include "dns/rr.h"

/* The pieces of a type's rdata in order; 'n' is a name, for the others ask mus__form_piece.  NULL: a
 * type whose form we do not know. */
const char *mus__form_of(uint16_t type);
/* May its names be compressed on the wire (RFC 3597 4), and are they put in lower case
 * (RFC 4034 6.2 without NSEC, RFC 6840 5.1)? */
bool mus__form_is_canon(uint16_t type);
/* Bytes that a piece which is no name takes of ${left}; -1: it does not fit. */
long mus__form_piece(char piece, const uint8_t *p, size_t left);
/* Does uncompressed rdata have the form of its type?  false for unknown types. */
bool mus__form_fits(uint16_t type, struct mus_rdata rd);

#endif
