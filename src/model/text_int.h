/*
 * Shared by the texts of witnesses and of actions: the parts that sentences are made of.
 */
#ifndef MUS_MODEL_TEXT_INT_H
#define MUS_MODEL_TEXT_INT_H

#include "model/text.h"

/* Appends to a text of MUS_TEXT_MAX; what does not fit ends in "...". */
struct tx {
	const struct mus_book *b;
	const struct mus_zone *z;
	char *out;
	size_t len;
	bool is_full;
};

struct tx tx_of(const struct mus_book *b, const struct mus_zone *z, char *out);
void tx_say(struct tx *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Is this index set and does it name something? */
static inline bool
tx_has_origin(unsigned o)
{
	return o <= MUS_PARENT;
}
static inline bool
tx_has_server(const struct tx *t, unsigned i)
{
	return i < t->z->server_count && t->z->server[i].origin != MUS_NOBODY;
}
static inline bool
tx_has_key(const struct tx *t, unsigned k)
{
	return k < t->z->key_count;
}
static inline bool
tx_has_name(const struct tx *t, unsigned n)
{
	return n < t->z->ns_count && t->b->ns[n][0] != '\0';
}

void tx_origin(struct tx *t, unsigned o);		/* "knot", "the parent lab." */
void tx_server(struct tx *t, unsigned i);		/* "10.53.3.1 (knot)" */
void tx_kind(struct tx *t, unsigned k);			/* "DNSKEY", "a negative answer" */
void tx_key(struct tx *t, unsigned k);			/* "key 12345 of bind" */
/* "DNSKEY of knot (10.53.3.1)"; the address only when the server is that origin's. */
void tx_set_of(struct tx *t, unsigned k, unsigned o, unsigned srv);
void tx_subject(struct tx *t, const struct mus_witness *w);	/* the same of a witness */
/* Who is spoken of: the server when it is known, else all of the origin. */
void tx_who(struct tx *t, const struct mus_witness *w);
/* The key or name in which a set is not what it should be. */
void tx_differs_in(struct tx *t, const struct mus_witness *w);
/* Seconds only, rounded up: what may be cached is so at least until then. */
void tx_instant(struct tx *t, struct mus_time at);
void tx_until(struct tx *t, const char *before, struct mus_time at);
void tx_since(struct tx *t, struct mus_time at);	/* ", since ...", rounded down: it is over */

#endif
