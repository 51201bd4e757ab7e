/*
 * One sentence for each rule, from what the witness names.  A part that is not set is left out, so
 * the same code speaks of a single server, a whole signer, or a pair.
 */
#include "model/text_int.h"

/* "ns1.knot.net. (knot)" */
static void
lacking_name(struct tx *t, const struct mus_witness *w)
{
	bool is_parents = w->origin == MUS_PARENT && t->b->parent_ns[0];

	tx_say(t, "%s (", is_parents ? t->b->parent_ns : tx_has_name(t, w->ns) ? t->b->ns[w->ns] : "a name server");
	tx_origin(t, w->origin);
	tx_say(t, ")");
}

/* The parent zone; or its keys, when a server of it has been asked. */
static void
lacking_parent(struct tx *t, const struct mus_witness *w)
{
	bool looking = w->cause == MUS_CAUSE_LOOKING;

	if (!tx_has_server(t, w->server)) {
		tx_say(t, "the parent zone %s", looking ? "is being looked for" : "cannot be found");
		return;
	}
	tx_say(t, "the keys of ");
	tx_origin(t, w->origin);
	tx_say(t, looking ? " are being looked up" : " cannot be looked up");
}

/* A name that a signer gave up; or what a set lists, seen there by kind. */
static void
unasked(struct tx *t, const struct mus_witness *w)
{
	const char *name = tx_has_name(t, w->ns) ? t->b->ns[w->ns] : "a name server";

	if (w->kind >= MUS_RR_COUNT) {
		tx_say(t, "%s is listed, but is no name server of ", name);
		tx_origin(t, w->origin);
		tx_say(t, " any more: nobody asks it");
		return;
	}
	tx_subject(t, w);
	tx_say(t, mus_time_is_set(w->until) ? " listed %s" : " lists %s", name);
	tx_until(t, ", which caches may hold until ", w->until);
	tx_say(t, ": nobody asks it what it serves");
}

/* Servers that are not asked at all. */
static void
lacking(struct tx *t, const struct mus_witness *w)
{
	switch (w->cause) {
	case MUS_CAUSE_NOROOM:
		tx_say(t, "not all addresses of ");
		tx_origin(t, w->origin);
		tx_say(t, " are asked: a zone has room for %d, those of all signers and of the parent",
		    MUS_SERVERS_MAX);
		break;
	case MUS_CAUSE_NOPLACE:
		tx_say(t,
		    "a signer of the group has no place: %d are on the zone, or may still be in caches",
		    MUS_SIGNERS_MAX);
		break;
	case MUS_CAUSE_LOOKING:
		tx_say(t, "the addresses of ");
		lacking_name(t, w);
		tx_say(t, " are being looked up");
		break;
	case MUS_CAUSE_NOLOOKUP:
		tx_say(t, "the addresses of ");
		lacking_name(t, w);
		tx_say(t, " cannot be looked up");
		break;
	case MUS_CAUSE_NOADDR:
		lacking_name(t, w);
		tx_say(t, " has no address");
		break;
	case MUS_CAUSE_UNASKED:
		unasked(t, w);
		break;
	case MUS_CAUSE_ADDRESS:
		lacking_name(t, w);
		tx_say(t, " has, in %s, an address that was not given here: nobody asks what is served there",
		    tx_has_name(t, w->ns) && t->z->ns[w->ns].in_domain ? "the zone or as glue" : "DNS");
		break;
	default:
		break;
	}
}

/* A delegation makes it a name of another zone, whose data say nothing of this one. */
static void
sample(struct tx *t, const struct mus_witness *w)
{
	tx_who(t, w);
	if (w->kind2 == MUS_RR_PNS)
		tx_say(t, " has a delegation at or above the sample name");
	else
		tx_say(t, " has no address (A), and no alias, at the sample name");
	if (t->b->sample[0])
		tx_say(t, " \"%s\"", t->b->sample);
	if (w->kind2 == MUS_RR_PNS)
		tx_say(t, ", which is a name of another zone");
	tx_say(t, ": no data of the zone but the apex are watched there");
}

/* No answer, or none that counts: who, why, and what was asked for. */
static void
unknown(struct tx *t, const struct mus_witness *w)
{
	unsigned cause = w->cause;

	if ((cause == MUS_CAUSE_LOOKING || cause == MUS_CAUSE_NOLOOKUP) && w->origin == MUS_PARENT &&
	    (!t->b->parent_ns[0] || tx_has_server(t, w->server))) {
		lacking_parent(t, w);
		return;
	}
	if (cause >= MUS_CAUSE_NOROOM && cause < MUS_CAUSE_COUNT) {
		lacking(t, w);
		return;
	}
	if (!tx_has_server(t, w->server) && cause != MUS_CAUSE_OVERFLOW) {
		if (cause == MUS_NOBODY && tx_has_origin(w->origin))
			tx_say(t, "no public server of ");
		tx_who(t, w);
		tx_say(t, cause == MUS_NOBODY ? " is known to ask for " : " has not been asked lately for ");
		tx_kind(t, w->kind);
		return;
	}
	tx_who(t, w);
	switch (cause) {
	case MUS_CAUSE_NONE:
		tx_say(t, " has not been asked lately for ");
		break;
	case MUS_CAUSE_TIMEOUT:
		tx_say(t, " gave no answer in time for ");
		break;
	case MUS_CAUSE_OVERFLOW:
		if (tx_has_origin(w->origin) || tx_has_server(t, w->server)) {
			tx_say(t, " shows more versions of ");
			tx_kind(t, w->kind);
			tx_say(t, " than are kept");
		} else {
			tx_say(t, " shows more versions than can be compared");
		}
		tx_until(t, "; known again from ", w->until);
		return;
	default:
		if (cause < MUS_CAUSE_COUNT)
			tx_say(t, " %s when asked for ", mus_cause_text((enum mus_cause)cause));
		else
			tx_say(t, " gave no usable answer for ");
	}
	tx_kind(t, w->kind);
	tx_since(t, w->seen_at);
}

/* V1, V2, V3, V14: the first of the pair does not lead to the second. */
static void
pair(struct tx *t, const struct mus_witness *w)
{
	bool has_second = w->kind2 < MUS_RR_COUNT || tx_has_origin(w->origin2);
	unsigned server2 = tx_has_server(t, w->server2) ? w->server2 : w->server;

	if (w->rule == MUS_RULE_V3)
		tx_say(t, "with algorithm %u alone, ", w->number);
	else if (w->rule == MUS_RULE_V14)
		tx_say(t, "with DS of digest type %u alone, ", w->number);
	tx_subject(t, w);
	if (tx_has_key(t, w->key)) {
		tx_say(t, " lacks ");
		tx_key(t, w->key);
		tx_say(t, ", which signs ");
		if (has_second)
			tx_set_of(t, w->kind2, w->origin2, server2);
		else
			tx_kind(t, MUS_RR_COUNT);
	} else if (has_second) {
		tx_say(t, w->kind2 == MUS_RR_KEY ? " does not authenticate " : " does not verify ");
		tx_set_of(t, w->kind2, w->origin2, server2);
	} else if (w->rule == MUS_RULE_V1) {
		tx_say(t, " is not signed by a key of its own that the DS set names");
	} else {
		tx_say(t, " does not verify");
	}
	tx_until(t, "; one of both may be cached until ", w->until);
}

static void
times(struct tx *t, const struct mus_witness *w)
{
	tx_say(t, "the signature over ");
	tx_subject(t, w);
	if (w->number != 0)
		tx_say(t, " by key %u", w->number);
	tx_until(t, " is valid until ", w->until);
	tx_say(t, w->result == MUS_RES_WARN ? " and should have been made anew by now" :
	    mus_time_is_set(w->until) ? ": expired, not valid yet, or over before caches forget it" :
	    " does not hold for long enough");
}

static void
delegation(struct tx *t, const struct mus_witness *w)
{
	if (w->result == MUS_RES_WARN) {
		tx_say(t, "some caches may still hold that ");
		tx_who(t, w);
		tx_say(t, " has no DS");
	} else {
		tx_who(t, w);
		tx_say(t, " has no DS: the zone is insecure");
	}
}

static void
service(struct tx *t, const struct mus_witness *w)
{
	if (w->number == 17 || w->number == 6) {
		tx_who(t, w);
		tx_say(t, " does not answer over %s", w->number == 17 ? "UDP" : "TCP");
	} else if (w->cause < MUS_CAUSE_COUNT) {
		unknown(t, w);
	} else {
		tx_who(t, w);
		tx_say(t, w->result == MUS_RES_UNKNOWN ? " has not been asked over both UDP and TCP yet" :
		    " does not answer over both UDP and TCP");
	}
}

/* IMPORT, V7: keys of others that a set lacks. */
static void
lacks_key(struct tx *t, const struct mus_witness *w)
{
	if (w->result == MUS_RES_UNKNOWN && tx_has_key(t, w->key)) {
		tx_say(t, "it is not known yet whether ");
		tx_key(t, w->key);
		tx_say(t, " signs data: the whole copy of ");
		tx_origin(t, w->origin);
		tx_say(t, " must be read");
		return;
	}
	tx_subject(t, w);
	tx_say(t, " lacks ");
	if (tx_has_key(t, w->key))
		tx_key(t, w->key);
	else
		tx_say(t, "keys of other signers");
}

/* RFC 7477 2: there must be no more than one CSYNC. */
static void
csync_not_asked_for(struct tx *t, const struct mus_witness *w)
{
	tx_say(t, w->surplus && w->number > 1 ? ": ours should be gone" : w->surplus ? " should be gone" :
	    " is not the set asked for");
	if (w->number == 2)
		tx_say(t, ": there are two CSYNC records, and one is allowed");
	else if (w->number > 2)
		tx_say(t, ": there are %u CSYNC records, and one is allowed", w->number);
	if (w->odd)
		tx_say(t, "; one lists other types than NS, A and AAAA: it has to be taken away by hand");
}

static void
not_asked_for(struct tx *t, const struct mus_witness *w)
{
	tx_subject(t, w);
	if (w->kind == MUS_RR_CSYNC) {
		csync_not_asked_for(t, w);
		return;
	}
	tx_say(t, " is not the set asked for");
	tx_differs_in(t, w);
}

static void
parent_shows(struct tx *t, const struct mus_witness *w)
{
	tx_who(t, w);
	tx_say(t, " does not show the ");
	tx_kind(t, w->kind);
	tx_say(t, w->kind == MUS_RR_GLUE ? " that the zone has" : " asked for yet");
	tx_differs_in(t, w);
}

static void
ownership(struct tx *t, const struct mus_witness *w)
{
	if (tx_has_key(t, w->key) && t->z->key[w->key].owner == w->origin) {
		tx_say(t, "DNSKEY %u of ", w->number);
		tx_who(t, w);
		tx_say(t, " is not known whose: nothing that was seen is signed with it");
	} else if (tx_has_key(t, w->key)) {
		tx_key(t, w->key);
		tx_say(t, " in DNSKEY of ");
		tx_who(t, w);
		tx_say(t, " has no known owner");
	} else if (tx_has_name(t, w->ns) && tx_has_origin(w->origin2)) {
		tx_say(t, "%sname server %s is configured for ",
		    t->z->ns[w->ns].owner == w->origin ? "an address of " : "", t->b->ns[w->ns]);
		tx_origin(t, w->origin);
		tx_say(t, " and for ");
		tx_origin(t, w->origin2);
		tx_say(t, ": it belongs to one");
	} else if (tx_has_name(t, w->ns)) {
		tx_say(t, "name server %s in NS of ", t->b->ns[w->ns]);
		tx_who(t, w);
		tx_say(t, t->z->ns[w->ns].is_former ? " is of a signer that has left" : " has no known owner");
	} else if (w->origin == MUS_PARENT) {
		tx_say(t, "the delegation at ");
		tx_who(t, w);
		tx_say(t, " leads to no name server of a known signer");
	} else {
		tx_subject(t, w);
		tx_say(t, " holds what nobody has declared");
	}
}

static void
tag_clash(struct tx *t, const struct mus_witness *w)
{
	unsigned other = w->origin2;

	/* the witness names the key of one of the two owners */
	if (tx_has_key(t, w->key) && t->z->key[w->key].owner == other)
		other = w->origin;
	if (tx_has_key(t, w->key))
		tx_key(t, w->key);
	else
		tx_say(t, "a key");
	if (tx_has_origin(w->origin2)) {
		tx_say(t, " and a key of ");
		tx_origin(t, other);
	} else {
		tx_say(t, " and another key");
	}
	tx_say(t, " share algorithm and key tag");
}

static void
denial(struct tx *t, const struct mus_witness *w)
{
	if (w->number != 0) {
		tx_say(t, "NSEC3 of ");
		tx_who(t, w);
		tx_say(t, " has %u iterations", w->number);
		tx_say(t, w->number > MUS_N3_ITERATIONS_MAX
			? ", and validators take above %u for insecure (RFC 9276): set them to 0"
			: "; there should be 0 (RFC 9276)", MUS_N3_ITERATIONS_MAX);
	} else {
		tx_say(t, "negative answers of ");
		tx_who(t, w);
		tx_say(t, " do not prove that a name does not exist");
	}
}

/* Two origins that should be alike in something. */
static void
both(struct tx *t, const struct mus_witness *w)
{
	tx_origin(t, w->origin);
	if (tx_has_origin(w->origin2)) {
		tx_say(t, " and ");
		tx_origin(t, w->origin2);
	} else {
		tx_say(t, " and the other signers");
	}
}

static void
content(struct tx *t, const struct mus_witness *w)
{
	if (w->result == MUS_RES_UNKNOWN) {
		tx_say(t, "the content of ");
		tx_origin(t, w->origin);
		tx_say(t, " is not known: its whole copy has not been read");
	} else {
		both(t, w);
		tx_say(t, " do not serve the same content");
	}
}

/* G0 to G9: what may not be done now, because of whom, and until when. */
static void
guard(struct tx *t, const struct mus_witness *w, const char *what)
{
	tx_say(t, "%s", what);
	if (tx_has_key(t, w->key)) {
		tx_say(t, ": ");
		tx_key(t, w->key);
	} else if (tx_has_name(t, w->ns)) {
		tx_say(t, ": %s", t->b->ns[w->ns]);
	}
	if (tx_has_server(t, w->server) || tx_has_origin(w->origin)) {
		tx_say(t, "; because of ");
		if (w->kind < MUS_RR_COUNT)
			tx_subject(t, w);
		else
			tx_who(t, w);
	}
	tx_until(t, ", until ", w->until);
}

static void
key_goes(struct tx *t, const struct mus_witness *w)
{
	if (!tx_has_key(t, w->key) || w->kind != MUS_RR_KEY) {
		guard(t, w, "a key may not go yet");
		return;
	}
	tx_subject(t, w);
	tx_say(t, " still holds ");
	tx_key(t, w->key);
}

static void
key_import(struct tx *t, const struct mus_witness *w)
{
	tx_say(t, "a key may not be imported");
	if (tx_has_key(t, w->key)) {
		tx_say(t, ": ");
		tx_key(t, w->key);
	}
	if (tx_has_origin(w->origin2)) {
		tx_say(t, " has algorithm %u, which ", w->number);
		tx_origin(t, w->origin2);
		tx_say(t, " does not sign with");
	} else if (tx_has_origin(w->origin)) {
		tx_say(t, "; ");
		tx_origin(t, w->origin);
		tx_say(t, " shows more than the %u keys one signer may have, or others' tags",
		    (unsigned)MUS_KEYS_PER_OWNER_MAX);
	}
}

static void
history(struct tx *t, const struct mus_witness *w)
{
	tx_subject(t, w);
	tx_say(t, mus_time_is_set(w->until) ? " has not been watched for long enough; it has on " :
	    " has not been watched without a gap yet");
	if (mus_time_is_set(w->until))
		tx_instant(t, w->until);
}

static void
capability(struct tx *t, const struct mus_witness *w)
{
	bool has_driver = w->origin >= MUS_SIGNERS_MAX || t->z->signer[w->origin].has_driver;

	tx_origin(t, w->origin);
	if (has_driver && w->result == MUS_RES_WARN) {
		tx_say(t, " was not probed: whether it takes our changes shows in the middle of the process only, "
			  "unless \"signer probe\" tries it before");
		return;
	}
	if (!has_driver)
		tx_say(t, " cannot be changed from here: change ");
	else
		tx_say(t, " does not let us change its records: change ");
	if (w->kind < MUS_RR_COUNT)
		tx_kind(t, w->kind);
	else
		tx_say(t, "what is asked for");
	tx_say(t, " there by hand");
	tx_until(t, "; it is tried again at ", w->until);
}

/* Waits for caches: how long, or what the wait itself waits for. */
static void
in_caches(struct tx *t, const struct mus_witness *w, const char *begins)
{
	tx_say(t, " may be in caches");
	if (mus_time_is_set(w->until))
		tx_until(t, " until ", w->until);
	else
		tx_say(t, "; the wait begins when %s", begins);
}
static void
old_in_caches(struct tx *t, const struct mus_witness *w, const char *what)
{
	tx_say(t, "old %s sets", what);
	in_caches(t, w, "every server shows the new one");
}

/* The number is that of the places; none: it is silent. */
static void
queue(struct tx *t, const struct mus_witness *w)
{
	if (w->number != 0) {
		tx_say(t, "%u changes wait for ", w->number);
		tx_origin(t, w->origin);
		tx_say(t, " already: there is no room for one more");
	} else {
		tx_origin(t, w->origin);
		tx_say(t, " does not answer changes");
		tx_until(t, "; the next is tried at ", w->until);
	}
}

/* Roll-overs: who shows or does not show a key, or does not sign with it. */
static void
rolls(struct tx *t, const struct mus_witness *w)
{
	bool is_old = w->rule == MUS_RULE_OLDUNUSED;

	tx_who(t, w);
	switch (w->rule) {
	case MUS_RULE_NEWKEY:
		tx_say(t, " does not show the new ");
		break;
	case MUS_RULE_NEWSIGNS:
		tx_say(t, " does not sign its DNSKEY set with ");
		break;
	case MUS_RULE_NEWUSED:
		tx_say(t, " does not sign with ");
		break;
	case MUS_RULE_OLDUNUSED:
		tx_say(t, w->result == MUS_RES_UNKNOWN ? ": its whole copy must tell whether anything is signed with " :
		    " still shows signatures by ");
		break;
	default:
		tx_say(t, " still shows ");
	}
	tx_key(t, w->key);
	if (!is_old && w->rule != MUS_RULE_OLDGONE && w->rule != MUS_RULE_WITHDRAWN)
		tx_say(t, " yet");
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
	case MUS_RULE_NEWKEY:
	case MUS_RULE_NEWSIGNS:
	case MUS_RULE_NEWUSED:
	case MUS_RULE_OLDUNUSED:
	case MUS_RULE_OLDGONE:
	case MUS_RULE_WITHDRAWN:
		rolls(t, w);
		break;
	case MUS_RULE_HELD:
		tx_say(t, "the operator holds the zone: nothing is changed");
		break;
	case MUS_RULE_PROBE:
		tx_say(t, "the zone is being probed: nothing is changed until what the probe wrote is gone");
		break;
	case MUS_RULE_MANUAL:
		tx_say(t, "the next step waits for the operator (manual mode)");
		break;
	case MUS_RULE_STORE:
		tx_say(t, "nothing can be stored, so that nothing that is seen counts and nothing is sent");
		break;
	case MUS_RULE_PARTIAL:
		tx_say(t, "the zone has not been seen completely yet: nothing is changed before");
		break;
	default:		/* NONE, and whatever comes to be without a sentence of its own */
		tx_say(t, "%s", mus_rule_sentence(w->rule));
		if (w->rule != MUS_RULE_NONE && (tx_has_server(t, w->server) || tx_has_origin(w->origin))) {
			tx_say(t, ": not yet so at ");
			tx_who(t, w);
		}
		tx_until(t, ", until ", w->until);
	}
}

static void
rules_of_processes(struct tx *t, const struct mus_witness *w)
{
	switch (w->rule) {
	case MUS_RULE_SERVES:
		tx_who(t, w);
		tx_say(t, tx_has_server(t, w->server) ? " is not authoritative for the zone" :
		    " is declared lost in this zone, until it joins");
		break;
	case MUS_RULE_SIGNED:
		tx_subject(t, w);
		tx_say(t, w->kind == MUS_RR_KEY ? " is missing, or not signed by a key of its own" :
		    " is not signed by a key of that signer's DNSKEY set");
		break;
	case MUS_RULE_ALGS:
		both(t, w);
		tx_say(t, " do not use the same algorithms");
		if (w->number != 0)
			tx_say(t, ": only one of them has %u", w->number);
		break;
	case MUS_RULE_TTLMAX:
		tx_say(t, "the largest TTL of ");
		tx_origin(t, w->origin);
		tx_say(t, " is not known: its whole copy must be read, or the TTL declared");
		break;
	case MUS_RULE_CAPS:
		capability(t, w);
		break;
	case MUS_RULE_NSNAMES:
		tx_origin(t, w->origin);
		tx_say(t, " has no name server of its own for the zone");
		break;
	case MUS_RULE_SAMPLE:
		sample(t, w);
		break;
	case MUS_RULE_GLUEADDR:
		if (tx_has_name(t, w->ns)) {
			tx_who(t, w);
			tx_say(t, " has no address record of the in-domain name server %s", t->b->ns[w->ns]);
			break;
		}
		both(t, w);
		tx_say(t, " have different addresses for in-domain name servers");
		break;
	case MUS_RULE_KEYTTL:
		both(t, w);
		tx_say(t, " have different DNSKEY TTLs");
		break;
	case MUS_RULE_DIGESTS:
		tx_origin(t, w->origin);
		tx_say(t, " publishes %sCDS of digest type %u, which ", w->surplus ? "" : "no ", w->number);
		if (tx_has_origin(w->origin2))
			tx_origin(t, w->origin2);
		else
			tx_say(t, "musicd");
		tx_say(t, w->surplus ? " does not" : " does");
		break;
	case MUS_RULE_LASTONE:
		tx_origin(t, w->origin);
		tx_say(t, " cannot leave: no other signer remains");
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
		tx_say(t, "data of ");
		tx_origin(t, w->origin);
		in_caches(t, w, "no resolver is led to it any more");
		break;
	case MUS_RULE_REACH:
		if (w->kind == MUS_RR_PNS) {
			tx_who(t, w);
			tx_say(t, " answers for the zone itself, with the copy of ");
			tx_origin(t, w->origin);
			tx_say(t, ": the zone has to be taken off that server");
			break;
		}
		if (w->kind == MUS_RR_KEY) {
			tx_who(t, w);
			tx_say(t, " still serves the copy of ");
			tx_origin(t, w->origin);
			tx_say(t, ": it has to be pointed to a signer that stays");
			break;
		}
		tx_say(t, "resolvers may still be led to ");
		tx_who(t, w);
		tx_until(t, " until ", w->until);
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
	    w->rule == MUS_RULE_HISTORY || w->rule == MUS_RULE_OLDUNUSED;

	if (w->rule == MUS_RULE_OBSERVE || (w->result == MUS_RES_UNKNOWN && !is_own &&
	    (w->kind < MUS_RR_COUNT || w->cause < MUS_CAUSE_COUNT))) {
		if (w->rule == MUS_RULE_SIGNAL && !tx_has_origin(w->origin))
			tx_say(t, "no SEP key is known that CDS and CDNSKEY could name");
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
		tx_subject(t, w);
		tx_say(t, " is not signed by a SEP key that the DS set names");
		break;
	case MUS_RULE_V3S:
		tx_subject(t, w);
		tx_say(t, " is not signed with algorithm %u", w->number);
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
	struct tx t = tx_of(b, z, out);

	tx_say(&t, "%s: ", mus_rule_text(w->rule));
	sentence(&t, w);
	return out;
}
