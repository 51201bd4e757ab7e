/*
 * The parts of sentences, and the sentences of actions.
 *
 * Instants are written to the second: the sentence of a wait that goes on stays the same from turn to
 * turn, and whoever compares two of them sees that nothing is new.
 */
#include "model/text_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DNS_PORT = 53, PARENT_SHOWN = 120 };

void
tx_say(struct tx *t, const char *fmt, ...)
{
	size_t room = MUS_TEXT_MAX - t->len;
	va_list ap;
	int n;

	if (t->is_full)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->out + t->len, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < room) {
		t->len += (size_t)n;
		return;
	}
	t->is_full = true;
	memcpy(t->out + MUS_TEXT_MAX - 4, "...", 4);
}

struct tx
tx_of(const struct mus_book *b, const struct mus_zone *z, char *out)
{
	out[0] = '\0';
	return (struct tx){.b = b, .z = z, .out = out};
}

/* ---- parts ---- */

static void
parent(struct tx *t, const char *the)
{
	const char *name = t->b->parent;

	if (name[0] == '\0')
		tx_say(t, "%sparent", the);
	else if (strlen(name) <= PARENT_SHOWN)
		tx_say(t, "%sparent %s", the, name);
	else
		tx_say(t, "%sparent %.*s...", the, PARENT_SHOWN, name);
}

void
tx_origin(struct tx *t, unsigned o)
{
	if (o == MUS_PARENT)
		parent(t, "the ");
	else if (o >= MUS_SIGNERS_MAX)
		tx_say(t, "-");
	else if (t->b->signer[o][0] == '\0')
		tx_say(t, "signer %u", o);
	else
		tx_say(t, "%s", t->b->signer[o]);
}

static void
address(struct tx *t, unsigned i)
{
	char text[MUS_ADDR_TEXT_MAX];

	tx_say(t, "%s", mus_addr_text(&t->b->addr[i], DNS_PORT, text));
}

/* "10.53.3.1 (knot)" */
void
tx_server(struct tx *t, unsigned i)
{
	if (!tx_has_server(t, i)) {
		tx_say(t, "-");
		return;
	}
	address(t, i);
	tx_say(t, " (");
	if (t->z->server[i].origin == MUS_PARENT)
		parent(t, "");
	else
		tx_origin(t, t->z->server[i].origin);
	tx_say(t, ")");
}

/* Who is spoken of: the server when it is known, else all of the origin. */
void
tx_who(struct tx *t, const struct mus_witness *w)
{
	if (tx_has_server(t, w->server))
		tx_server(t, w->server);
	else if (tx_has_origin(w->origin))
		tx_origin(t, w->origin);
	else
		tx_say(t, "somebody");
}

void
tx_kind(struct tx *t, unsigned k)
{
	switch (k) {
	case MUS_RR_NAME:
		tx_say(t, "the sample name");
		break;
	case MUS_RR_DENY0:
	case MUS_RR_DENY1:
	case MUS_RR_DENY2:
		tx_say(t, "a negative answer");
		break;
	case MUS_RR_ADDR:
		tx_say(t, "name-server addresses");
		break;
	default:
		tx_say(t, "%s", k < MUS_RR_COUNT ? mus_rr_text((enum mus_rr_kind)k) : "the records");
	}
}

/* "DNSKEY of knot (10.53.3.1)"; the address only when the server is that origin's. */
void
tx_set_of(struct tx *t, unsigned k, unsigned o, unsigned srv)
{
	tx_kind(t, k);
	if (!tx_has_origin(o))
		return;
	tx_say(t, " of ");
	tx_origin(t, o);
	if (tx_has_server(t, srv) && t->z->server[srv].origin == o) {
		tx_say(t, " (");
		address(t, srv);
		tx_say(t, ")");
	}
}
void
tx_subject(struct tx *t, const struct mus_witness *w)
{
	tx_set_of(t, w->kind, w->origin, w->server);
}

/* "key 12345 of bind" */
void
tx_key(struct tx *t, unsigned k)
{
	unsigned owner;

	if (!tx_has_key(t, k))
		return;
	owner = t->z->key[k].owner;
	tx_say(t, "key %u", t->z->key[k].tag);
	if (owner < MUS_SIGNERS_MAX) {
		tx_say(t, " of ");
		tx_origin(t, owner);
	}
}

/* The key or name in which a set is not what it should be. */
void
tx_differs_in(struct tx *t, const struct mus_witness *w)
{
	if (tx_has_key(t, w->key)) {
		tx_say(t, ": ");
		tx_key(t, w->key);
	} else if (tx_has_name(t, w->ns)) {
		tx_say(t, ": %s", t->b->ns[w->ns]);
	} else if (w->surplus && mus_rr_names_keys(w->kind)) {
		tx_say(t, ": a record for key %u, which no signer shows,", w->number);
	} else {
		return;
	}
	tx_say(t, w->surplus ? " should be gone" : " is missing");
}

/* What may be cached is so at least until then. */
void
tx_instant(struct tx *t, struct mus_time at)
{
	char text[MUS_TIME_TEXT_MAX];

	tx_say(t, "%s", mus_time_text_s(at, true, text));
}

void
tx_until(struct tx *t, const char *before, struct mus_time at)
{
	if (!mus_time_is_set(at))
		return;
	tx_say(t, "%s", before);
	tx_instant(t, at);
}

void
tx_since(struct tx *t, struct mus_time at)
{
	char text[MUS_TIME_TEXT_MAX];

	if (mus_time_is_set(at))
		tx_say(t, ", since %s", mus_time_text_s(at, false, text));
}

/* ---- actions ---- */

static const char *const digest_text[MUS_DT_COUNT] = {"SHA-1", "SHA-256", "SHA-384"};

static void
keys(struct tx *t, uint64_t set, const uint64_t *dt)
{
	const char *before = " ";

	for (unsigned k = 0; k < MUS_KEYS_MAX; k++) {
		const char *plus = " ";

		if ((set & mus_bit(k)) == 0)
			continue;
		if (!tx_has_key(t, k)) {
			tx_say(t, "%s?", before);
		} else {
			tx_say(t, "%s%u", before, t->z->key[k].tag);
			if (t->z->key[k].owner < MUS_SIGNERS_MAX) {
				tx_say(t, " (");
				tx_origin(t, t->z->key[k].owner);
				tx_say(t, ")");
			}
		}
		for (unsigned d = 0; dt != NULL && d < MUS_DT_COUNT; d++)
			if (dt[d] & mus_bit(k)) {
				tx_say(t, "%s%s", plus, digest_text[d]);
				plus = "+";
			}
		before = ", ";
	}
}

static void
names(struct tx *t, uint64_t set)
{
	const char *before = " ";

	for (unsigned n = 0; n < MUS_NSNAMES_MAX; n++)
		if (set & mus_bit(n)) {
			tx_say(t, "%s%s", before, tx_has_name(t, n) ? t->b->ns[n] : "?");
			before = ", ";
		}
}

/* One side of a change: "add DNSKEY 12345 (knot)". */
static void
half(struct tx *t, const char *verb, enum mus_rr_kind rr, uint64_t set, const uint64_t *dt)
{
	uint64_t named = rr == MUS_RR_CDS ? dt[0] | dt[1] | dt[2] : set;

	if (named == 0)
		return;
	tx_say(t, "%s%s %s", t->out[t->len - 1] == ':' ? " " : "; ", verb, mus_rr_text(rr));
	if (rr == MUS_RR_NS)
		names(t, named);
	else if (rr == MUS_RR_CDS)
		keys(t, named, dt);
	else if (rr != MUS_RR_CSYNC)
		keys(t, named, NULL);
}

static void
change(struct tx *t, const struct mus_act *a)
{
	tx_origin(t, a->signer);
	tx_say(t, ":");
	half(t, "add", a->rr, a->add, a->add_dt);
	if (a->rr == MUS_RR_CSYNC && a->add != 0)
		tx_say(t, " with serial %u", a->csync_serial);
	/* CSYNC records that go are named one by one below. */
	if (a->rr != MUS_RR_CSYNC || a->del_aux_count == 0)
		half(t, "delete", a->rr, a->del, a->del_dt);
	for (unsigned i = 0; i < a->del_aux_count && i < MUS_CSYNC_MAX; i++)
		tx_say(t, "%sdelete %s with serial %u and flags %u", t->out[t->len - 1] == ':' ? " " : "; ",
		    mus_rr_text(a->rr), mus_csync_serial(a->del_aux[i]), (unsigned)(a->del_aux[i] & 0xffff));
	if (t->out[t->len - 1] == ':')
		tx_say(t, " leave %s as it is", mus_rr_text(a->rr));
}

const char *
mus_act_text(const struct mus_book *b, const struct mus_zone *z, const struct mus_act *a,
    char out[static MUS_TEXT_MAX])
{
	struct tx t = tx_of(b, z, out);

	switch (a->kind) {
	case MUS_ACT_CHANGE:
		change(&t, a);
		break;
	case MUS_ACT_TRANSFER:
		tx_origin(&t, a->signer);
		tx_say(&t, ": read the whole copy");
		break;
	}
	return out;
}

const char *
mus_server_text(const struct mus_book *b, const struct mus_zone *z, unsigned i,
    char out[static MUS_TEXT_MAX])
{
	struct tx t = tx_of(b, z, out);

	tx_server(&t, i);
	return out;
}

const char *
mus_origin_text(const struct mus_book *b, const struct mus_zone *z, unsigned o,
    char out[static MUS_TEXT_MAX])
{
	struct tx t = tx_of(b, z, out);

	tx_origin(&t, o);
	return out;
}
