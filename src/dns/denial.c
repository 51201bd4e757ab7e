#include <string.h>

#include "dns/denial.h"
#include "dns/digest.h"

enum {
	RECORDS_MAX = 16,		/* an honest answer has at most three */
	HASH_BYTES = MUS__SHA1_BYTES,
	HASH_TEXT = 32,			/* in base32hex */
	ITERATIONS_MAX = 500,		/* RFC 9276 wants 0; more than this only costs us time */
	N3_ALG_SHA1 = 1,
	N3_OPT_OUT = 1,
	TYPE_NXNAME = 128,		/* RFC 9824 */
};

/* One NSEC or NSEC3 record. */
struct record {
	const struct mus_name *owner;
	struct mus_name next;			/* NSEC */
	uint8_t hash[HASH_BYTES], next_hash[HASH_BYTES];	/* NSEC3 */
	bool opt_out;
	const uint8_t *map;
	size_t map_len;
};

/* The question, and what the authority section brought. */
struct proof {
	const struct mus_name *zone, *qname;
	uint16_t qtype;
	struct record nsec[RECORDS_MAX], n3[RECORDS_MAX];
	size_t nsec_count, n3_count;
	const uint8_t *salt;
	struct mus_denial *out;
};

static bool
has(const struct record *r, uint16_t type)
{
	return mus_bitmap_has(r->map, r->map_len, type);
}

/* A delegation seen from above: says nothing about names or (but for DS) types below. */
static bool
is_cut(const struct record *r)
{
	return has(r, MUS_TYPE_NS) && !has(r, MUS_TYPE_SOA);
}

/*
 * The record stands at the name asked for (or its wildcard): is the type absent?  An NSEC of the
 * parent speaks of DS only, one of the child's apex of anything but DS (RFC 4035 5.4, 6840 4.1).
 */
static bool
lacks_type(const struct record *r, const struct proof *p)
{
	if (has(r, p->qtype) || has(r, MUS_TYPE_CNAME))
		return false;
	if (p->qtype == MUS_TYPE_DS)
		return !has(r, MUS_TYPE_SOA) || mus_name_is_root(p->qname);
	return !is_cut(r);
}

/* The part of ${n} of so many labels. */
static struct mus_name
ancestor(const struct mus_name *n, unsigned labels)
{
	struct mus_name a = *n;

	for (unsigned have = mus_name_labels(n); have > labels; have--)
		(void)mus_name_parent(&a, &a);
	return a;
}

static unsigned
common_labels(const struct mus_name *a, const struct mus_name *b)
{
	unsigned n = mus_name_labels(a), m = mus_name_labels(b);

	for (n = n < m ? n : m; n > 0; n--) {
		struct mus_name x = ancestor(a, n), y = ancestor(b, n);

		if (mus_name_equal(&x, &y))
			break;
	}
	return n;
}

/* ---- NSEC (RFC 4035 5.4) ---- */

static bool
nsec_read(struct mus_rdata rd, const struct mus_name *owner, const struct mus_name *zone,
    struct record *out)
{
	*out = (struct record){.owner = owner};
	if (mus_name_from_wire(rd.data, rd.len, &out->next) < 0 || !mus_name_in(owner, zone) ||
	    !mus_name_in(&out->next, zone))
		return false;
	out->map = rd.data + out->next.len;
	out->map_len = (size_t)rd.len - out->next.len;
	return true;
}

static const struct record *
nsec_at(const struct proof *p, const struct mus_name *n)
{
	for (size_t i = 0; i < p->nsec_count; i++) {
		if (mus_name_equal(p->nsec[i].owner, n))
			return &p->nsec[i];
	}
	return NULL;
}

static bool
nsec_covers(const struct record *r, const struct mus_name *n)
{
	/* The last of the chain leads back to the apex. */
	bool is_last = mus_name_cmp(&r->next, r->owner) <= 0;

	if (mus_name_cmp(r->owner, n) >= 0 || (!is_last && mus_name_cmp(n, &r->next) >= 0))
		return false;
	/* RFC 6840 4.1: below a delegation or a DNAME the name belongs to somebody else. */
	return !(mus_name_in(n, r->owner) && (is_cut(r) || has(r, MUS_TYPE_DNAME)));
}

static const struct record *
nsec_over(const struct proof *p, const struct mus_name *n)
{
	for (size_t i = 0; i < p->nsec_count; i++) {
		if (nsec_covers(&p->nsec[i], n))
			return &p->nsec[i];
	}
	return NULL;
}

/* Covered, and yet there: something stands below it. */
static bool
is_empty_nonterminal(const struct record *over, const struct mus_name *n)
{
	return mus_name_in(&over->next, n) && !mus_name_equal(&over->next, n);
}

/* The wildcard at the closest encloser, which the record that covers the name reveals: the longest
 * part that its owner or its next name shares. */
static bool
nsec_wildcard(const struct proof *p, const struct record *over, struct mus_name *out)
{
	unsigned a = common_labels(p->qname, over->owner), b = common_labels(p->qname, &over->next);
	struct mus_name encloser = ancestor(p->qname, a > b ? a : b);

	return mus_name_prepend("*", &encloser, out) == 0;
}

static const char *
nsec_nxdomain(const struct proof *p)
{
	const struct record *at = nsec_at(p, p->qname), *over, *wild_over;
	struct mus_name wild;

	/* RFC 9824: the name is there in the chain, and says of itself that it does not exist. */
	if (at)
		return has(at, TYPE_NXNAME) ? NULL : "an NSEC stands at the name";
	if ((over = nsec_over(p, p->qname)) == NULL)
		return "no NSEC covers the name";
	if (is_empty_nonterminal(over, p->qname))
		return "the name is an empty non-terminal";
	if (!nsec_wildcard(p, over, &wild))
		return NULL;		/* no wildcard has room in front of the encloser */
	if ((wild_over = nsec_over(p, &wild)) == NULL)
		return "no NSEC covers the wildcard";
	return is_empty_nonterminal(wild_over, &wild) ? "the wildcard exists" : NULL;
}

static const char *
nsec_nodata(const struct proof *p)
{
	const struct record *at = nsec_at(p, p->qname), *over;
	struct mus_name wild;

	if (at)
		return lacks_type(at, p) ? NULL : "the NSEC at the name does not deny the type";
	if ((over = nsec_over(p, p->qname)) == NULL)
		return "no NSEC at the name or over it";
	if (is_empty_nonterminal(over, p->qname))
		return NULL;
	if (!nsec_wildcard(p, over, &wild))
		return "the name does not exist";
	if ((at = nsec_at(p, &wild)) != NULL)
		return lacks_type(at, p) ? NULL : "the NSEC at the wildcard does not deny the type";
	if ((over = nsec_over(p, &wild)) != NULL && is_empty_nonterminal(over, &wild))
		return NULL;
	return "no NSEC at the wildcard";
}

/* ---- NSEC3 (RFC 5155 8) ---- */

/* The hash that is the first label of an owner; false: it is none. */
static bool
hash_of_label(const struct mus_name *owner, uint8_t out[static HASH_BYTES])
{
	uint64_t bits = 0;
	size_t n = 0;

	if (owner->wire[0] != HASH_TEXT)
		return false;
	for (size_t i = 0; i < HASH_TEXT; i++) {
		uint8_t c = owner->wire[1 + i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'v')))
			return false;
		bits = bits << 5 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
		if (i % 8 != 7)
			continue;
		for (int shift = 32; shift >= 0; shift -= 8)
			out[n++] = (uint8_t)(bits >> shift);
	}
	return true;
}

/* What the fixed part says; the parameters go to ${out} at the first record and must agree with it
 * afterwards. */
static bool
n3_params(struct proof *p, const uint8_t *rd, bool is_first)
{
	uint16_t iterations = (uint16_t)(rd[2] << 8 | rd[3]);
	struct mus_denial *o = p->out;

	if (is_first) {
		o->n3_alg = rd[0];
		o->n3_iterations = iterations;
		o->n3_salt_len = rd[4];
		p->salt = rd + 5;
		return true;
	}
	return o->n3_alg == rd[0] && o->n3_iterations == iterations && o->n3_salt_len == rd[4] &&
	    memcmp(p->salt, rd + 5, rd[4]) == 0;
}

/* NULL, or what is wrong with the record; *use says whether it is to be kept. */
static const char *
n3_read(struct proof *p, struct mus_rdata rd, const struct mus_name *owner, bool is_first,
    struct record *out, bool *use)
{
	size_t salt_len = rd.len >= 5 ? rd.data[4] : 0, at = 5 + salt_len;
	struct mus_name parent;

	*use = false;
	if (rd.len < at + 1 || rd.len < at + 1 + rd.data[at])
		return "malformed NSEC3";
	if (!n3_params(p, rd.data, is_first))
		return "NSEC3 records with different parameters";
	if (p->out->n3_alg != N3_ALG_SHA1)
		return "unknown NSEC3 hash";
	if (p->out->n3_iterations > ITERATIONS_MAX)
		return "too many NSEC3 iterations";
	if (rd.data[at] != HASH_BYTES || !hash_of_label(owner, out->hash))
		return "malformed NSEC3";
	/* RFC 5155 8.2: unknown flags, ignore; and it must be of this zone. */
	if ((rd.data[1] & ~N3_OPT_OUT) != 0 || !mus_name_parent(owner, &parent) ||
	    !mus_name_equal(&parent, p->zone))
		return NULL;
	out->owner = owner;
	out->opt_out = rd.data[1] & N3_OPT_OUT;
	memcpy(out->next_hash, rd.data + at + 1, HASH_BYTES);
	out->map = rd.data + at + 1 + HASH_BYTES;
	out->map_len = rd.len - (at + 1 + HASH_BYTES);
	*use = true;
	return NULL;
}

/* RFC 5155 5. */
static void
n3_hash(const struct proof *p, const struct mus_name *n, uint8_t out[static HASH_BYTES])
{
	uint8_t md[MUS__MD_BYTES_MAX] = {0};
	const void *in = n->wire;
	size_t len = n->len;

	for (unsigned i = 0; i <= p->out->n3_iterations; i++) {
		struct mus__digest d;

		mus__digest_begin(&d, MUS__SHA1);
		mus__digest_add(&d, in, len);
		mus__digest_add(&d, p->salt, p->out->n3_salt_len);
		len = mus__digest_end(&d, md);
		in = md;
	}
	memcpy(out, md, HASH_BYTES);
}

static const struct record *
n3_at(const struct proof *p, const uint8_t *hash)
{
	for (size_t i = 0; i < p->n3_count; i++) {
		if (memcmp(p->n3[i].hash, hash, HASH_BYTES) == 0)
			return &p->n3[i];
	}
	return NULL;
}

static const struct record *
n3_over(const struct proof *p, const uint8_t *hash)
{
	for (size_t i = 0; i < p->n3_count; i++) {
		const struct record *r = &p->n3[i];
		bool after = memcmp(r->hash, hash, HASH_BYTES) < 0;
		bool before = memcmp(hash, r->next_hash, HASH_BYTES) < 0;
		bool is_last = memcmp(r->next_hash, r->hash, HASH_BYTES) <= 0;

		if (memcmp(r->hash, hash, HASH_BYTES) == 0)
			continue;
		if (is_last ? after || before : after && before)
			return r;
	}
	return NULL;
}

struct encloser {
	const struct record *at;	/* NSEC3 of the closest encloser */
	const struct record *over;	/* NSEC3 that covers the next closer name */
	struct mus_name wild;
	bool has_wild;
};

/* RFC 5155 8.3; NULL, or why there is none. */
static const char *
closest_encloser(const struct proof *p, struct encloser *e)
{
	unsigned labels = mus_name_labels(p->qname), apex = mus_name_labels(p->zone);
	uint8_t hash[HASH_BYTES], next_closer[HASH_BYTES];
	struct mus_name n;

	*e = (struct encloser){0};
	n3_hash(p, p->qname, next_closer);
	while (labels > apex) {
		n = ancestor(p->qname, --labels);
		n3_hash(p, &n, hash);
		if ((e->at = n3_at(p, hash)) != NULL)
			break;
		memcpy(next_closer, hash, HASH_BYTES);
	}
	if (!e->at)
		return "no NSEC3 of the closest encloser";
	if (is_cut(e->at) || has(e->at, MUS_TYPE_DNAME))
		return "the closest encloser is a delegation or a DNAME";
	if ((e->over = n3_over(p, next_closer)) == NULL)
		return "no NSEC3 covers the next closer name";
	p->out->opt_out = e->over->opt_out;
	e->has_wild = mus_name_prepend("*", &n, &e->wild) == 0;
	return NULL;
}

static const char *
n3_nxdomain(const struct proof *p)
{
	uint8_t hash[HASH_BYTES];
	const struct record *at;
	struct encloser e;
	const char *why;

	n3_hash(p, p->qname, hash);
	if ((at = n3_at(p, hash)) != NULL)
		return has(at, TYPE_NXNAME) ? NULL : "an NSEC3 stands at the name";
	if ((why = closest_encloser(p, &e)) != NULL || !e.has_wild)
		return why;
	n3_hash(p, &e.wild, hash);
	return n3_over(p, hash) ? NULL : "no NSEC3 covers the wildcard";
}

static const char *
n3_nodata(const struct proof *p)
{
	uint8_t hash[HASH_BYTES];
	const struct record *at;
	struct encloser e;
	const char *why;

	n3_hash(p, p->qname, hash);
	if ((at = n3_at(p, hash)) != NULL)
		return lacks_type(at, p) ? NULL : "the NSEC3 at the name does not deny the type";
	if ((why = closest_encloser(p, &e)) != NULL)
		return why;
	/* RFC 5155 8.6: an opt-out span denies DS, no more and no less. */
	if (p->qtype == MUS_TYPE_DS && e.over->opt_out)
		return NULL;
	if (!e.has_wild)
		return "the name does not exist";
	n3_hash(p, &e.wild, hash);
	if ((at = n3_at(p, hash)) == NULL)
		return "no NSEC3 at the wildcard";
	return lacks_type(at, p) ? NULL : "the NSEC3 at the wildcard does not deny the type";
}

/* ---- both ---- */

/* All denial records of the section into ${p}; NULL, or what is wrong with them. */
static const char *
collect(struct proof *p, const struct mus_rrset *sets, size_t count)
{
	bool seen_n3 = false, use;
	const char *why;

	for (size_t i = 0; i < count; i++) {
		const struct mus_rrset *s = &sets[i];

		if (s->type != MUS_TYPE_NSEC && s->type != MUS_TYPE_NSEC3)
			continue;
		for (size_t j = 0; j < s->count; j++) {
			if (p->nsec_count == RECORDS_MAX || p->n3_count == RECORDS_MAX)
				return "too many denial records";
			if (s->type == MUS_TYPE_NSEC) {
				p->nsec_count += nsec_read(s->rd[j], &s->owner, p->zone,
				    &p->nsec[p->nsec_count]);
				continue;
			}
			why = n3_read(p, s->rd[j], &s->owner, !seen_n3, &p->n3[p->n3_count], &use);
			seen_n3 = true;
			if (why)
				return why;
			p->n3_count += use;
		}
	}
	return NULL;
}

static uint64_t
params_digest(const struct proof *p)
{
	const struct mus_denial *o = p->out;
	struct mus__digest d;

	mus__digest_begin(&d, MUS__SHA256);
	mus__digest_add_u16(&d, (uint16_t)o->kind);
	mus__digest_add_u16(&d, o->n3_alg);
	mus__digest_add_u16(&d, o->n3_iterations);
	mus__digest_add(&d, p->salt, p->salt ? o->n3_salt_len : 0);
	return mus__digest_end64(&d);
}

static enum mus_denial_kind
kind_of(const struct mus_rrset *sets, size_t count)
{
	enum mus_denial_kind kind = MUS_DENIAL_NONE;

	for (size_t i = 0; i < count; i++) {
		if (sets[i].type == MUS_TYPE_NSEC)
			return MUS_DENIAL_NSEC;
		if (sets[i].type == MUS_TYPE_NSEC3)
			kind = MUS_DENIAL_NSEC3;
	}
	return kind;
}

void
mus_denial_check(const struct mus_rrset *sets, size_t count, const struct mus_name *zone,
    const struct mus_name *qname, uint16_t qtype, bool nxdomain, struct mus_denial *out)
{
	struct proof p = {.zone = zone, .qname = qname, .qtype = qtype, .out = out};

	*out = (struct mus_denial){.kind = kind_of(sets, count)};
	if (out->kind == MUS_DENIAL_NONE)
		out->why = "no NSEC or NSEC3";
	else if (!mus_name_in(qname, zone))
		out->why = "the name is not in the zone";
	else
		out->why = collect(&p, sets, count);
	if (out->kind != MUS_DENIAL_NONE)
		out->params = params_digest(&p);
	if (out->why)
		return;
	if (out->kind == MUS_DENIAL_NSEC)
		out->why = nxdomain ? nsec_nxdomain(&p) : nsec_nodata(&p);
	else
		out->why = nxdomain ? n3_nxdomain(&p) : n3_nodata(&p);
	out->proves = out->why == NULL;
	if (!out->proves)
		out->opt_out = false;
}
