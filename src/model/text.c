/*
 * One sentence for each rule, from what the witness names.  A part that is not set is left out, so
 * the same code speaks of a single server, a whole signer, or a pair.
 *
 * Instants are written to the second: the sentence of a wait that goes on stays the same from turn to
 * turn, and whoever compares two of them sees that nothing is new.
 */
#include "model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DNS_PORT = 53, PARENT_SHOWN = 120 };

/* Appends to a text of MUS_TEXT_MAX; what does not fit ends in "...". */
struct tx {
	const struct mus_book *b;
	const struct mus_zone *z;
	char *out;
	size_t len;
	bool is_full;
};

static void say(struct tx *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void
say(struct tx *t, const char *fmt, ...)
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

static struct tx
text_of(const struct mus_book *b, const struct mus_zone *z, char *out)
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
		say(t, "%sparent", the);
	else if (strlen(name) <= PARENT_SHOWN)
		say(t, "%sparent %s", the, name);
	else
		say(t, "%sparent %.*s...", the, PARENT_SHOWN, name);
}

static void
origin(struct tx *t, unsigned o)
{
	if (o == MUS_PARENT)
		parent(t, "the ");
	else if (o >= MUS_SIGNERS_MAX)
		say(t, "-");
	else if (t->b->signer[o][0] == '\0')
		say(t, "signer %u", o);
	else
		say(t, "%s", t->b->signer[o]);
}

static bool
has_origin(unsigned o)
{
	return o <= MUS_PARENT;
}
static bool
has_server(const struct tx *t, unsigned i)
{
	return i < t->z->server_count && t->z->server[i].origin != MUS_NOBODY;
}

static void
address(struct tx *t, unsigned i)
{
	char text[MUS_ADDR_TEXT_MAX];

	say(t, "%s", mus_addr_text(&t->b->addr[i], DNS_PORT, text));
}

/* "10.53.3.1 (knot)" */
static void
server(struct tx *t, unsigned i)
{
	if (!has_server(t, i)) {
		say(t, "-");
		return;
	}
	address(t, i);
	say(t, " (");
	if (t->z->server[i].origin == MUS_PARENT)
		parent(t, "");
	else
		origin(t, t->z->server[i].origin);
	say(t, ")");
}

/* Who is spoken of: the server when it is known, else all of the origin. */
static void
who(struct tx *t, const struct mus_witness *w)
{
	if (has_server(t, w->server))
		server(t, w->server);
	else if (has_origin(w->origin))
		origin(t, w->origin);
	else
		say(t, "somebody");
}

static void
kind(struct tx *t, unsigned k)
{
	switch (k) {
	case MUS_RR_NAME:
		say(t, "the sample name");
		break;
	case MUS_RR_DENY0:
	case MUS_RR_DENY1:
	case MUS_RR_DENY2:
		say(t, "a negative answer");
		break;
	case MUS_RR_ADDR:
		say(t, "name-server addresses");
		break;
	default:
		say(t, "%s", k < MUS_RR_COUNT ? mus_rr_text((enum mus_rr_kind)k) : "the records");
	}
}

/* "DNSKEY of knot (10.53.3.1)"; the address only when the server is that origin's. */
static void
set_of(struct tx *t, unsigned k, unsigned o, unsigned srv)
{
	kind(t, k);
	if (!has_origin(o))
		return;
	say(t, " of ");
	origin(t, o);
	if (has_server(t, srv) && t->z->server[srv].origin == o) {
		say(t, " (");
		address(t, srv);
		say(t, ")");
	}
}
static void
subject(struct tx *t, const struct mus_witness *w)
{
	set_of(t, w->kind, w->origin, w->server);
}

static bool
has_key(const struct tx *t, unsigned k)
{
	return k < t->z->key_count;
}
/* "key 12345 of bind" */
static void
key(struct tx *t, unsigned k)
{
	unsigned owner;

	if (!has_key(t, k))
		return;
	owner = t->z->key[k].owner;
	say(t, "key %u", t->z->key[k].tag);
	if (owner < MUS_SIGNERS_MAX) {
		say(t, " of ");
		origin(t, owner);
	}
}

static bool
has_name(const struct tx *t, unsigned n)
{
	return n < t->z->ns_count && t->b->ns[n][0] != '\0';
}

/* The key or name in which a set is not what it should be. */
static void
differs_in(struct tx *t, const struct mus_witness *w)
{
	if (has_key(t, w->key)) {
		say(t, ": ");
		key(t, w->key);
	} else if (has_name(t, w->ns)) {
		say(t, ": %s", t->b->ns[w->ns]);
	} else {
		return;
	}
	say(t, " is missing or should be gone");
}

/* Seconds only, rounded up: what may be cached is so at least until then. */
static void
instant(struct tx *t, struct mus_time at)
{
	char text[MUS_TIME_TEXT_MAX], *dot;
	int64_t s = mus_time_to_s(at);

	if (at.ms > s * 1000)
		s++;
	mus_time_text(mus_time_from_s(s), text);
	if ((dot = strchr(text, '.')) != NULL)
		memcpy(dot, "Z", 2);
	say(t, "%s", text);
}
static void
until(struct tx *t, const char *before, struct mus_time at)
{
	if (!mus_time_is_set(at))
		return;
	say(t, "%s", before);
	instant(t, at);
}

/* ---- sentences ---- */

/* No answer, or none that counts: who, why, and what was asked for. */
static void
unknown(struct tx *t, const struct mus_witness *w)
{
	unsigned cause = w->cause;

	if (!has_server(t, w->server) && cause != MUS_CAUSE_OVERFLOW) {
		if (cause == MUS_NOBODY && has_origin(w->origin))
			say(t, "no public server of ");
		who(t, w);
		say(t, cause == MUS_NOBODY ? " is known to ask for " : " has not been asked lately for ");
		kind(t, w->kind);
		return;
	}
	who(t, w);
	switch (cause) {
	case MUS_CAUSE_NONE:
		say(t, " has not been asked lately for ");
		break;
	case MUS_CAUSE_TIMEOUT:
		say(t, " gave no answer in time for ");
		break;
	case MUS_CAUSE_OVERFLOW:
		if (has_origin(w->origin) || has_server(t, w->server)) {
			say(t, " shows more versions of ");
			kind(t, w->kind);
			say(t, " than are kept");
		} else {
			say(t, " shows more versions than can be compared");
		}
		until(t, "; known again from ", w->until);
		return;
	default:
		if (cause < MUS_CAUSE_COUNT)
			say(t, " %s when asked for ", mus_cause_text((enum mus_cause)cause));
		else
			say(t, " gave no usable answer for ");
	}
	kind(t, w->kind);
}

/* V1, V2, V3, V14: the first of the pair does not lead to the second. */
static void
pair(struct tx *t, const struct mus_witness *w)
{
	bool has_second = w->kind2 < MUS_RR_COUNT || has_origin(w->origin2);

	if (w->rule == MUS_RULE_V3)
		say(t, "with algorithm %u alone, ", w->number);
	else if (w->rule == MUS_RULE_V14)
		say(t, "with DS of digest type %u alone, ", w->number);
	subject(t, w);
	if (has_key(t, w->key)) {
		say(t, " lacks ");
		key(t, w->key);
		say(t, ", which signs ");
		kind(t, has_second ? w->kind2 : MUS_RR_COUNT);
	} else if (has_second) {
		say(t, w->kind2 == MUS_RR_KEY ? " does not authenticate " : " does not verify ");
		set_of(t, w->kind2, w->origin2, w->server);
	} else if (w->rule == MUS_RULE_V1) {
		say(t, " is not signed by a key of its own that the DS set names");
	} else {
		say(t, " does not verify");
	}
	until(t, "; one of both may be cached until ", w->until);
}

static void
times(struct tx *t, const struct mus_witness *w)
{
	say(t, "the signature over ");
	subject(t, w);
	if (w->number != 0)
		say(t, " by key %u", w->number);
	until(t, " is valid until ", w->until);
	say(t, w->result == MUS_RES_WARN ? " and should have been made anew by now" :
	    mus_time_is_set(w->until) ? ": expired, not valid yet, or over before caches forget it" :
	    " does not hold for long enough");
}

static void
delegation(struct tx *t, const struct mus_witness *w)
{
	if (w->result == MUS_RES_WARN) {
		say(t, "some caches may still hold that ");
		who(t, w);
		say(t, " has no DS");
	} else {
		who(t, w);
		say(t, " has no DS: the zone is insecure");
	}
}

static void
service(struct tx *t, const struct mus_witness *w)
{
	if (w->number == 17 || w->number == 6) {
		who(t, w);
		say(t, " does not answer over %s", w->number == 17 ? "UDP" : "TCP");
	} else if (w->cause < MUS_CAUSE_COUNT) {
		unknown(t, w);
	} else {
		who(t, w);
		say(t, w->result == MUS_RES_UNKNOWN ? " has not been asked over both UDP and TCP yet" :
		    " does not answer over both UDP and TCP");
	}
}

/* IMPORT, V7: keys of others that a set lacks. */
static void
lacks_key(struct tx *t, const struct mus_witness *w)
{
	subject(t, w);
	say(t, " lacks ");
	if (has_key(t, w->key))
		key(t, w->key);
	else
		say(t, "keys of other signers");
}

static void
not_asked_for(struct tx *t, const struct mus_witness *w)
{
	subject(t, w);
	say(t, " is not the set asked for");
	differs_in(t, w);
}

static void
parent_shows(struct tx *t, const struct mus_witness *w)
{
	who(t, w);
	say(t, " does not show the ");
	kind(t, w->kind);
	say(t, w->kind == MUS_RR_GLUE ? " that the zone has" : " asked for yet");
	differs_in(t, w);
}

static void
ownership(struct tx *t, const struct mus_witness *w)
{
	if (has_key(t, w->key)) {
		key(t, w->key);
		say(t, " in DNSKEY of ");
		who(t, w);
		say(t, " has no known owner");
	} else if (has_name(t, w->ns) && has_origin(w->origin2)) {
		say(t, "name server %s is configured for ", t->b->ns[w->ns]);
		origin(t, w->origin);
		say(t, " and for ");
		origin(t, w->origin2);
		say(t, ", and not as a shared one");
	} else if (has_name(t, w->ns)) {
		say(t, "name server %s in NS of ", t->b->ns[w->ns]);
		who(t, w);
		say(t, " has no known owner");
	} else if (w->origin == MUS_PARENT) {
		say(t, "the delegation at ");
		who(t, w);
		say(t, " leads to no name server of a known signer");
	} else {
		subject(t, w);
		say(t, " holds what nobody has declared");
	}
}

static void
tag_clash(struct tx *t, const struct mus_witness *w)
{
	unsigned other = w->origin2;

	/* the witness names the key of one of the two owners */
	if (has_key(t, w->key) && t->z->key[w->key].owner == other)
		other = w->origin;
	if (has_key(t, w->key))
		key(t, w->key);
	else
		say(t, "a key");
	if (has_origin(w->origin2)) {
		say(t, " and a key of ");
		origin(t, other);
	} else {
		say(t, " and another key");
	}
	say(t, " share algorithm and key tag");
}

static void
denial(struct tx *t, const struct mus_witness *w)
{
	if (w->number != 0) {
		say(t, "NSEC3 of ");
		who(t, w);
		say(t, " has %u iterations; there should be 0", w->number);
	} else {
		say(t, "negative answers of ");
		who(t, w);
		say(t, " do not prove that a name does not exist");
	}
}

/* Two origins that should be alike in something. */
static void
both(struct tx *t, const struct mus_witness *w)
{
	origin(t, w->origin);
	if (has_origin(w->origin2)) {
		say(t, " and ");
		origin(t, w->origin2);
	} else {
		say(t, " and the other signers");
	}
}

static void
content(struct tx *t, const struct mus_witness *w)
{
	if (w->result == MUS_RES_UNKNOWN) {
		say(t, "the content of ");
		origin(t, w->origin);
		say(t, " is not known: its whole copy has not been read");
	} else {
		both(t, w);
		say(t, " do not serve the same content");
	}
}

/* G0 to G9: what may not be done now, because of whom, and until when. */
static void
guard(struct tx *t, const struct mus_witness *w, const char *what)
{
	say(t, "%s", what);
	if (has_key(t, w->key)) {
		say(t, ": ");
		key(t, w->key);
	} else if (has_name(t, w->ns)) {
		say(t, ": %s", t->b->ns[w->ns]);
	}
	if (has_server(t, w->server) || has_origin(w->origin)) {
		say(t, "; because of ");
		if (w->kind < MUS_RR_COUNT)
			subject(t, w);
		else
			who(t, w);
	}
	until(t, ", until ", w->until);
}

static void
key_goes(struct tx *t, const struct mus_witness *w)
{
	if (!has_key(t, w->key) || w->kind != MUS_RR_KEY) {
		guard(t, w, "a key may not go yet");
		return;
	}
	subject(t, w);
	say(t, " still holds ");
	key(t, w->key);
}

static void
key_import(struct tx *t, const struct mus_witness *w)
{
	say(t, "a key may not be imported");
	if (has_key(t, w->key)) {
		say(t, ": ");
		key(t, w->key);
	}
	if (has_origin(w->origin)) {
		say(t, "; ");
		origin(t, w->origin);
		say(t, " shows more than the %u keys one signer may have, or others' tags",
		    (unsigned)MUS_KEYS_PER_OWNER_MAX);
	}
}

static void
history(struct tx *t, const struct mus_witness *w)
{
	subject(t, w);
	say(t, mus_time_is_set(w->until) ? " has not been watched for long enough; it has on " :
	    " has not been watched without a gap yet");
	if (mus_time_is_set(w->until))
		instant(t, w->until);
}

static void
capability(struct tx *t, const struct mus_witness *w)
{
	origin(t, w->origin);
	if (w->origin < MUS_SIGNERS_MAX && !t->z->signer[w->origin].has_driver)
		say(t, " cannot be changed from here: change ");
	else
		say(t, " does not let us change its records: change ");
	if (w->kind < MUS_RR_COUNT)
		kind(t, w->kind);
	else
		say(t, "what is asked for");
	say(t, " there by hand");
}

/* Waits for caches: how long, or what the wait itself waits for. */
static void
in_caches(struct tx *t, const struct mus_witness *w, const char *begins)
{
	say(t, " may be in caches");
	if (mus_time_is_set(w->until))
		until(t, " until ", w->until);
	else
		say(t, "; the wait begins when %s", begins);
}
static void
old_in_caches(struct tx *t, const struct mus_witness *w, const char *what)
{
	say(t, "old %s sets", what);
	in_caches(t, w, "every server shows the new one");
}

/* The number is that of the places; none: it is silent. */
static void
queue(struct tx *t, const struct mus_witness *w)
{
	if (w->number != 0) {
		say(t, "%u changes wait for ", w->number);
		origin(t, w->origin);
		say(t, " already: there is no room for one more");
	} else {
		origin(t, w->origin);
		say(t, " does not answer changes");
		until(t, "; the next is tried at ", w->until);
	}
}

static void
rest_of_rules(struct tx *t, const struct mus_witness *w)
{
	switch (w->rule) {
	case MUS_RULE_G3:
		key_goes(t, w);
		break;
	case MUS_RULE_G8:
		key_import(t, w);
		break;
	case MUS_RULE_G0:
		guard(t, w, "a first DS may not be added yet");
		break;
	case MUS_RULE_G1:
		guard(t, w, "a name server may not enter yet");
		break;
	case MUS_RULE_G2:
		guard(t, w, "a key may not sign yet");
		break;
	case MUS_RULE_G4:
		guard(t, w, "a DS may not be added yet");
		break;
	case MUS_RULE_G5:
		guard(t, w, "a DS or SEP key may not go yet");
		break;
	case MUS_RULE_G6:
		guard(t, w, "a server may not stop yet");
		break;
	case MUS_RULE_G7:
		guard(t, w, "a signer may not stop signing with a key yet");
		break;
	case MUS_RULE_G9:
		guard(t, w, "a name server's address may not change yet");
		break;
	case MUS_RULE_QUEUE:
		queue(t, w);
		break;
	case MUS_RULE_HELD:
		say(t, "the operator holds the zone: nothing is changed");
		break;
	case MUS_RULE_MANUAL:
		say(t, "the next step waits for the operator (manual mode)");
		break;
	case MUS_RULE_PARTIAL:
		say(t, "the zone has not been seen completely yet: nothing is changed before");
		break;
	default:		/* NONE, and whatever comes to be without a sentence of its own */
		say(t, "%s", mus_rule_sentence(w->rule));
		if (w->rule != MUS_RULE_NONE && (has_server(t, w->server) || has_origin(w->origin))) {
			say(t, ": not yet so at ");
			who(t, w);
		}
		until(t, ", until ", w->until);
	}
}

static void
rules_of_processes(struct tx *t, const struct mus_witness *w)
{
	switch (w->rule) {
	case MUS_RULE_SERVES:
		who(t, w);
		say(t, " is not authoritative for the zone");
		break;
	case MUS_RULE_SIGNED:
		subject(t, w);
		say(t, w->kind == MUS_RR_KEY ? " is missing, or not signed by a key of its own" :
		    " is not signed by a key of that signer's DNSKEY set");
		break;
	case MUS_RULE_ALGS:
		both(t, w);
		say(t, " do not use the same algorithms");
		if (w->number != 0)
			say(t, ": only one of them has %u", w->number);
		break;
	case MUS_RULE_TTLMAX:
		say(t, "the largest TTL of ");
		origin(t, w->origin);
		say(t, " is not known: its whole copy must be read, or the TTL declared");
		break;
	case MUS_RULE_CAPS:
		capability(t, w);
		break;
	case MUS_RULE_NSNAMES:
		origin(t, w->origin);
		say(t, " has no name server of its own for the zone");
		break;
	case MUS_RULE_GLUEADDR:
		both(t, w);
		say(t, " have different addresses for in-domain name servers");
		break;
	case MUS_RULE_KEYTTL:
		both(t, w);
		say(t, " have different DNSKEY TTLs");
		break;
	case MUS_RULE_LASTONE:
		origin(t, w->origin);
		say(t, " cannot leave: no other signer remains");
		break;
	case MUS_RULE_IMPORT:
		lacks_key(t, w);
		break;
	case MUS_RULE_SIGNAL:
	case MUS_RULE_NSSET:
	case MUS_RULE_CSYNCSET:
		not_asked_for(t, w);
		break;
	case MUS_RULE_PARENTDS:
	case MUS_RULE_PARENTNS:
		parent_shows(t, w);
		break;
	case MUS_RULE_DSWAIT:
		old_in_caches(t, w, "DS");
		break;
	case MUS_RULE_KEYWAIT:
		old_in_caches(t, w, "DNSKEY");
		break;
	case MUS_RULE_NSWAIT:
		old_in_caches(t, w, "NS");
		break;
	case MUS_RULE_DATAWAIT:
		say(t, "data of ");
		origin(t, w->origin);
		in_caches(t, w, "no resolver is led to it any more");
		break;
	case MUS_RULE_REACH:
		say(t, "resolvers may still be led to ");
		who(t, w);
		until(t, " until ", w->until);
		break;
	default:
		rest_of_rules(t, w);
	}
}

static void
sentence(struct tx *t, const struct mus_witness *w)
{
	/* These have words of their own for what is not known. */
	bool is_own = w->rule == MUS_RULE_V6 || w->rule == MUS_RULE_V13 || w->rule == MUS_RULE_TTLMAX ||
	    w->rule == MUS_RULE_HISTORY;

	if (w->rule == MUS_RULE_OBSERVE || (w->result == MUS_RES_UNKNOWN && !is_own &&
	    (w->kind < MUS_RR_COUNT || w->cause < MUS_CAUSE_COUNT))) {
		if (w->rule == MUS_RULE_SIGNAL && !has_origin(w->origin))
			say(t, "no SEP key is known that CDS and CDNSKEY could name");
		else
			unknown(t, w);
		return;
	}
	switch (w->rule) {
	case MUS_RULE_V1:
	case MUS_RULE_V2:
	case MUS_RULE_V3:
	case MUS_RULE_V14:
		pair(t, w);
		break;
	case MUS_RULE_V2C:
		subject(t, w);
		say(t, " is not signed by a SEP key that the DS set names");
		break;
	case MUS_RULE_V3S:
		subject(t, w);
		say(t, " is not signed with algorithm %u", w->number);
		break;
	case MUS_RULE_V4:
		times(t, w);
		break;
	case MUS_RULE_V5:
		delegation(t, w);
		break;
	case MUS_RULE_V6:
		service(t, w);
		break;
	case MUS_RULE_V7:
		lacks_key(t, w);
		break;
	case MUS_RULE_V8:
		not_asked_for(t, w);
		break;
	case MUS_RULE_V9:
		parent_shows(t, w);
		break;
	case MUS_RULE_V10:
		ownership(t, w);
		break;
	case MUS_RULE_V11:
		tag_clash(t, w);
		break;
	case MUS_RULE_V12:
		denial(t, w);
		break;
	case MUS_RULE_V13:
		content(t, w);
		break;
	case MUS_RULE_HISTORY:
		history(t, w);
		break;
	default:
		rules_of_processes(t, w);
	}
}

const char *
mus_witness_text(const struct mus_book *b, const struct mus_zone *z, const struct mus_witness *w,
    char out[static MUS_TEXT_MAX])
{
	struct tx t = text_of(b, z, out);

	say(&t, "%s: ", mus_rule_text(w->rule));
	sentence(&t, w);
	return out;
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
		if (!has_key(t, k)) {
			say(t, "%s?", before);
		} else {
			say(t, "%s%u", before, t->z->key[k].tag);
			if (t->z->key[k].owner < MUS_SIGNERS_MAX) {
				say(t, " (");
				origin(t, t->z->key[k].owner);
				say(t, ")");
			}
		}
		for (unsigned d = 0; dt != NULL && d < MUS_DT_COUNT; d++)
			if (dt[d] & mus_bit(k)) {
				say(t, "%s%s", plus, digest_text[d]);
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
			say(t, "%s%s", before, has_name(t, n) ? t->b->ns[n] : "?");
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
	say(t, "%s%s %s", t->out[t->len - 1] == ':' ? " " : "; ", verb, mus_rr_text(rr));
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
	origin(t, a->signer);
	say(t, ":");
	half(t, "add", a->rr, a->add, a->add_dt);
	if (a->rr == MUS_RR_CSYNC && a->add != 0)
		say(t, " with serial %u", a->csync_serial);
	half(t, "delete", a->rr, a->del, a->del_dt);
	for (unsigned i = 0; i < a->del_aux_count && i < 2; i++)
		say(t, "%sdelete %s with serial %llu and flags %u", t->out[t->len - 1] == ':' ? " " : "; ",
		    mus_rr_text(a->rr), (unsigned long long)(a->del_aux[i] >> 16),
		    (unsigned)(a->del_aux[i] & 0xffff));
	if (t->out[t->len - 1] == ':')
		say(t, " leave %s as it is", mus_rr_text(a->rr));
}

const char *
mus_act_text(const struct mus_book *b, const struct mus_zone *z, const struct mus_act *a,
    char out[static MUS_TEXT_MAX])
{
	struct tx t = text_of(b, z, out);

	switch (a->kind) {
	case MUS_ACT_CHANGE:
		change(&t, a);
		break;
	case MUS_ACT_NOTIFY_PARENT:
		origin(&t, MUS_PARENT);
		say(&t, ": tell it that %s has changed", mus_rr_text(a->rr));
		break;
	case MUS_ACT_TRANSFER:
		origin(&t, a->signer);
		say(&t, ": read the whole copy");
		break;
	}
	return out;
}

const char *
mus_server_text(const struct mus_book *b, const struct mus_zone *z, unsigned i,
    char out[static MUS_TEXT_MAX])
{
	struct tx t = text_of(b, z, out);

	server(&t, i);
	return out;
}

const char *
mus_origin_text(const struct mus_book *b, const struct mus_zone *z, unsigned o,
    char out[static MUS_TEXT_MAX])
{
	struct tx t = text_of(b, z, out);

	origin(&t, o);
	return out;
}
