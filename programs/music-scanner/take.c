/*
 * Answers into what the core judges: tables of keys, DS records, names and addresses, signatures
 * verified with the DNSKEY set of the server that gave them.
 */
#include <stddef.h>
#include <string.h>

#include "check.h"
#include "dns/denial.h"

enum { SKEW_S = 60 };			/* clocks: how far in the future an inception may lie */

#define BIT(i) ((uint64_t)1 << (i))

/* ---- tables ------------------------------------------------------------------------------------- */

unsigned
scan_take_name(struct check *c, const struct mus_name *n)
{
	for (unsigned i = 0; i < c->name_count; i++)
		if (mus_name_equal(&c->name[i], n))
			return i;
	if (c->name_count == MUS_SCAN_NAMES_MAX) {
		c->is_cut = true;
		return MUS_SCAN_NOBODY;
	}
	c->name[c->name_count] = *n;
	return c->name_count++;
}

unsigned
scan_take_addr(struct check *c, const struct mus_addr *a)
{
	for (unsigned i = 0; i < c->addr_count; i++)
		if (mus_addr_same_ip(&c->addr[i], a))
			return i;
	if (c->addr_count == MUS_SCAN_ADDRS_MAX) {
		c->is_cut = true;
		return MUS_SCAN_NOBODY;
	}
	c->addr[c->addr_count] = *a;
	return c->addr_count++;
}

static unsigned
take_rdata(struct check *c, struct mus_rdata *table, unsigned *count, unsigned max, struct mus_rdata rd)
{
	for (unsigned i = 0; i < *count; i++)
		if (mus_rdata_cmp(table[i], rd) == 0)
			return i;
	if (*count == max) {
		c->is_cut = true;
		return MUS_SCAN_NOBODY;
	}
	table[*count] = rd;
	return (*count)++;
}

static uint64_t
bit_of(unsigned i)
{
	return i == MUS_SCAN_NOBODY ? 0 : BIT(i);
}

static unsigned
take_key(struct check *c, struct mus_rdata rd)
{
	return take_rdata(c, c->key, &c->key_count, MUS_SCAN_KEYS_MAX, rd);
}

static unsigned
take_rec(struct check *c, struct mus_rdata rd)
{
	return take_rdata(c, c->rec, &c->rec_count, MUS_SCAN_DS_MAX, rd);
}

struct mus_addr
scan_rdata_addr(uint16_t type, struct mus_rdata rd)
{
	struct mus_addr a = {.family = 0};

	if ((type == MUS_TYPE_A && rd.len == 4) || (type == MUS_TYPE_AAAA && rd.len == 16)) {
		a.family = type == MUS_TYPE_A ? 4 : 6;
		a.port = 53;
		memcpy(a.ip, rd.data, rd.len);
	}
	return a;
}

/* ---- records ------------------------------------------------------------------------------------ */

static bool
is_delete(struct mus_rdata rd, bool cdnskey)
{
	static const uint8_t cds[] = {0, 0, 0, 0, 0}, key[] = {0, 0, 3, 0, 0};

	return rd.len == 5 && memcmp(rd.data, cdnskey ? key : cds, 5) == 0;
}

static void
more(uint8_t *n)
{
	if (*n < UINT8_MAX)
		(*n)++;
}

static void
cds_records(struct check *c, const struct mus_rrset *set, struct mus_scan_set *out)
{
	struct mus_ds ds;

	for (size_t i = 0; i < set->count; i++) {
		if (is_delete(set->rd[i], false))
			more(&out->deletes);
		else if (!mus_ds_read(set->rd[i], &ds) || ds.alg == 0)
			more(&out->odd);
		else
			out->set |= bit_of(take_rec(c, set->rd[i]));
	}
}

static void
key_records(struct check *c, const struct mus_rrset *set, bool cdnskey, struct mus_scan_set *out)
{
	struct mus_dnskey key;

	for (size_t i = 0; i < set->count; i++) {
		if (cdnskey && is_delete(set->rd[i], true))
			more(&out->deletes);
		else if (!mus_dnskey_read(set->rd[i], &key) || key.alg == 0)
			more(&out->odd);
		else
			out->set |= bit_of(take_key(c, set->rd[i]));
	}
}

static void
ns_records(struct check *c, const struct mus_rrset *set, struct mus_scan_set *out)
{
	struct mus_name n;

	for (size_t i = 0; i < set->count; i++) {
		/* The root is nobody's name server (a null NS). */
		if (mus_name_from_wire(set->rd[i].data, set->rd[i].len, &n) < 0 ||
		    mus_name_is_root(&n))
			more(&out->odd);
		else
			out->set |= bit_of(scan_take_name(c, &n));
	}
}

static void
addr_records(struct check *c, const struct mus_rrset *set, struct mus_scan_set *out)
{
	for (size_t i = 0; i < set->count; i++) {
		struct mus_addr a = scan_rdata_addr(set->type, set->rd[i]);

		if (a.family == 0)
			more(&out->odd);
		else
			out->set |= bit_of(scan_take_addr(c, &a));
	}
}

static uint32_t
u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Windows of a bitmap; false: not of the form (RFC 4034 4.1.2). */
static bool
bitmap_types(const uint8_t *p, size_t len, uint8_t *types)
{
	int window = -1;

	while (len > 0) {
		if (len < 2 || p[0] <= window || p[1] < 1 || p[1] > 32 || (size_t)p[1] + 2 > len)
			return false;
		window = p[0];
		for (unsigned i = 0; i < p[1] * 8u; i++) {
			unsigned type = (unsigned)window * 256 + i;

			if (!(p[2 + i / 8] & (0x80 >> i % 8)))
				continue;
			*types |= type == MUS_TYPE_NS ? MUS_SCAN_BIT_NS
			    : type == MUS_TYPE_A      ? MUS_SCAN_BIT_A
			    : type == MUS_TYPE_AAAA   ? MUS_SCAN_BIT_AAAA
						      : MUS_SCAN_BIT_OTHER;
		}
		len -= p[1] + 2u;
		p += p[1] + 2u;
	}
	return true;
}

static void
csync_record(const struct mus_rrset *set, struct mus_scan_set *out, uint32_t *serial,
    uint16_t *flags, uint8_t *types)
{
	const uint8_t *p;

	if (set->count == 0)
		return;
	p = set->rd[0].data;
	if (set->count > 1 || set->rd[0].len < 6 || !bitmap_types(p + 6, set->rd[0].len - 6u, types)) {
		more(&out->odd);
		return;
	}
	*serial = u32(p);
	*flags = (uint16_t)(p[4] << 8 | p[5]);
}

static void
soa_serial(const struct mus_rrset *set, struct mus_scan_set *out, uint32_t *serial)
{
	struct mus_name mname, rname;
	const uint8_t *p;
	size_t len;

	if (set->count == 0)
		return;
	p = set->rd[0].data;
	len = set->rd[0].len;
	if (set->count > 1 || mus_name_from_wire(p, len, &mname) < 0 ||
	    mus_name_from_wire(p + mname.len, len - mname.len, &rname) < 0 ||
	    len != (size_t)mname.len + rname.len + 20) {
		out->cause = MUS_CAUSE_MALFORM;
		return;
	}
	*serial = u32(p + mname.len + rname.len);
}

/* ---- signatures --------------------------------------------------------------------------------- */

static uint64_t
verify(struct check *c, const struct mus_rrset *set, uint64_t keys, int64_t *inception_s)
{
	int64_t now_s = mus_time_to_s(mus_loop_now(c->s->loop));
	uint64_t good = 0;

	for (size_t i = 0; i < set->sig_count; i++) {
		struct mus_rrsig sig;
		int64_t from_s;

		if (!mus_rrsig_read(set->sig[i], &sig))
			continue;
		from_s = mus_rrsig_time(sig.inception, now_s);
		if (from_s > now_s + SKEW_S || mus_rrsig_time(sig.expiration, now_s) < now_s)
			continue;
		for (unsigned k = 0; k < c->key_count; k++) {
			struct mus_dnskey key;

			if (!(keys & BIT(k)) || !mus_dnskey_read(c->key[k], &key) ||
			    (key.flags & MUS_DNSKEY_REVOKE) || key.tag != sig.tag || key.alg != sig.alg ||
			    mus_rrsig_check(c->s->sigs, set, set->sig[i], &c->child->name, c->key[k]) !=
				MUS_SIG_GOOD)
				continue;
			if (inception_s && (good == 0 || from_s > *inception_s))
				*inception_s = from_s;
			good |= BIT(k);
		}
	}
	return good;
}

/* A denial: its form, and a signature over each of its NSEC or NSEC3. */
static bool
proves(struct check *c, const struct ask *q, uint64_t keys)
{
	struct mus_denial d;

	mus_denial_check(
	    q->auth, q->auth_count, &c->child->name, &q->qname, q->type, q->nxdomain, &d);
	if (!d.proves || d.opt_out)
		return false;
	for (size_t i = 0; i < q->auth_count; i++)
		if ((q->auth[i].type == MUS_TYPE_NSEC || q->auth[i].type == MUS_TYPE_NSEC3) &&
		    verify(c, &q->auth[i], keys, NULL) == 0)
			return false;
	return true;
}

/* ---- servers ------------------------------------------------------------------------------------ */

static void
take_set(struct check *c, const struct ask *q, uint64_t keys, struct mus_scan_set *out)
{
	*out = (struct mus_scan_set){.is_asked = true, .cause = q->done ? q->cause : MUS_CAUSE_LOCAL,
	    .inception_s = INT64_MIN};
	if (out->cause != MUS_CAUSE_NONE)
		return;
	out->is_present = q->set.count > 0;
	if (out->is_present)
		out->sig = verify(c, &q->set, keys, &out->inception_s);
	else if (q->kind == ASK_ADDR)
		out->is_proved = proves(c, q, keys);
}

static void
take_answer(struct check *c, const struct ask *q)
{
	struct mus_scan_server *s = &c->in.server[q->who];
	uint64_t keys = s->key.set;

	switch (q->kind) {
	case ASK_SOA:
		take_set(c, q, keys, &s->soa);
		soa_serial(&q->set, &s->soa, &s->serial);
		break;
	case ASK_SOA2:
		take_set(c, q, keys, &s->soa2);
		soa_serial(&q->set, &s->soa2, &s->serial2);
		break;
	case ASK_CDS:
		take_set(c, q, keys, &s->cds);
		cds_records(c, &q->set, &s->cds);
		break;
	case ASK_CDNSKEY:
		take_set(c, q, keys, &s->cdnskey);
		key_records(c, &q->set, true, &s->cdnskey);
		break;
	case ASK_CSYNC:
		take_set(c, q, keys, &s->csync);
		s->csync_types = 0;
		csync_record(&q->set, &s->csync, &s->csync_serial, &s->csync_flags, &s->csync_types);
		break;
	case ASK_NS:
		take_set(c, q, keys, &s->ns);
		ns_records(c, &q->set, &s->ns);
		break;
	case ASK_ADDR:
		take_set(c, q, keys, &s->at[q->item][q->family]);
		addr_records(c, &q->set, &s->at[q->item][q->family]);
		break;
	case ASK_KEY:
	case ASK_PDS:
	case ASK_PNS:
	case ASK_FRESH_UDP:
	case ASK_FRESH_TCP:
	case ASK_FRESH_KEY:
	case ASK_KIND_COUNT:
		break;
	}
}

/* DNSKEY sets come first: everything else is verified with them. */
static void
take_keys(struct check *c, const struct ask *q)
{
	struct mus_scan_set none = {0}, *out = &none;

	if (q->kind == ASK_KEY)
		out = &c->in.server[q->who].key;
	else if (q->kind == ASK_FRESH_KEY)
		out = &c->in.fresh[q->who].key;
	else
		return;
	*out = (struct mus_scan_set){.is_asked = true, .cause = q->done ? q->cause : MUS_CAUSE_LOCAL,
	    .inception_s = INT64_MIN};
	if (out->cause != MUS_CAUSE_NONE)
		return;
	out->is_present = q->set.count > 0;
	key_records(c, &q->set, false, out);
	out->sig = verify(c, &q->set, out->set, &out->inception_s);
}

/* Who has no address that is known, or did not answer the first question, was asked nothing more. */
static void
spread_silence(struct check *c, unsigned who)
{
	struct mus_scan_server *s = &c->in.server[who];
	struct mus_scan_set *sets[] = {&s->soa, &s->soa2, &s->key, &s->cds, &s->cdnskey, &s->csync, &s->ns};
	enum mus_cause why = c->why[c->server[who].name] ? MUS_CAUSE_NOLOOKUP : MUS_CAUSE_NOADDR;

	if (c->server[who].addr.family != 0) {
		if (!s->soa.is_asked || s->soa.cause == MUS_CAUSE_NONE)
			return;
		why = s->soa.cause;
	}
	for (unsigned i = 0; i < sizeof sets / sizeof sets[0]; i++)
		if (!sets[i]->is_asked || c->server[who].addr.family == 0)
			*sets[i] = (struct mus_scan_set){.is_asked = true, .cause = why};
}

static void
take_tables(struct check *c)
{
	struct mus_scan_in *in = &c->in;
	bool sha256 = in->policy.digest_types >> MUS_DIGEST_SHA256 & 1;
	uint64_t denoted = 0;

	for (unsigned i = 0; i < c->server_count; i++)
		denoted |= in->server[i].cdnskey.set;
	for (unsigned k = 0; k < c->key_count; k++) {
		struct mus_dnskey key;
		uint8_t ds[MUS_DS_RDATA_MAX];
		int len;

		mus_dnskey_read(c->key[k], &key);
		in->key[k] = (struct mus_scan_key){.tag = key.tag, .alg = key.alg,
		    .is_usable = (key.flags & MUS_DNSKEY_ZONE) && !(key.flags & MUS_DNSKEY_REVOKE) &&
			key.protocol == 3 && mus_alg_supported(key.alg),
		    .ds = MUS_SCAN_NOBODY};
		if (!(denoted & BIT(k)) || !in->key[k].is_usable)
			continue;
		len = mus_ds_make(&c->child->name, c->key[k],
		    sha256 ? MUS_DIGEST_SHA256 : MUS_DIGEST_SHA384, ds);
		if (len > 0) {
			struct mus_rdata rd = {mus_arena_copy(&c->arena, ds, (size_t)len), (uint16_t)len};

			if (rd.data)
				in->key[k].ds = (uint8_t)take_rec(c, rd);
		}
	}
	for (unsigned r = 0; r < c->rec_count; r++) {
		struct mus_ds ds;

		mus_ds_read(c->rec[r], &ds);
		in->rec[r] = (struct mus_scan_ds){.tag = ds.tag, .alg = ds.alg,
		    .digest_type = ds.digest_type, .alg_supported = mus_alg_supported(ds.alg),
		    .digest_supported = mus_digest_supported(ds.digest_type)};
		for (unsigned k = 0; k < c->key_count; k++)
			if (in->key[k].tag == ds.tag && in->key[k].alg == ds.alg &&
			    mus_ds_matches(&c->child->name, ds, c->key[k]))
				in->rec[r].keys |= BIT(k);
	}
	in->key_count = (uint8_t)c->key_count;
	in->ds_count = (uint8_t)c->rec_count;
}

static void
take_delegation(struct check *c)
{
	struct mus_scan_in *in = &c->in;
	struct mus_scan_set ds = {0}, ns = {0};

	cds_records(c, &c->ds, &ds);
	ns_records(c, &c->ns, &ns);
	in->ds = ds.set;
	in->ns = ns.set;
	for (unsigned n = 0; n < c->name_count; n++) {
		in->name[n].in_zone = mus_name_in(&c->name[n], &c->child->name);
		for (size_t g = 0; g < c->glue_count; g++) {
			struct mus_scan_set addr = {0};

			if (!mus_name_equal(&c->glue[g].owner, &c->name[n]))
				continue;
			if (c->glue[g].type == MUS_TYPE_A || c->glue[g].type == MUS_TYPE_AAAA) {
				addr_records(c, &c->glue[g], &addr);
				in->name[n].glue[c->glue[g].type == MUS_TYPE_AAAA] |= addr.set;
			}
		}
	}
}

/* After the keys: what was signed by a key that no server has any more cannot come again. */
static void
take_past(struct check *c)
{
	const struct child *child = c->child;
	struct mus_scan_in *in = &c->in;

	in->past_count = 0;
	for (unsigned k = 0; child->past_count > 0 && k < c->key_count; k++) {
		uint64_t key = mus_digest64(c->key[k].data, c->key[k].len);

		for (size_t i = 0; i < child->past_count && in->past_count < MUS_SCAN_PAST_MAX; i++) {
			const struct scan_past *was = &child->past[i];
			struct mus_scan_past *p = &in->past[in->past_count];

			if (was->key != key)
				continue;
			*p = (struct mus_scan_past){
			    .addr = MUS_SCAN_NOBODY, .key = (uint8_t)k, .has = was->has};
			memcpy(p->mark, was->mark, sizeof p->mark);
			for (unsigned a = 0; a < c->addr_count; a++)
				if (mus_addr_same_ip(&c->addr[a], &was->addr))
					p->addr = (uint8_t)a;
			in->past_count++;
		}
	}
}

static void
take_fresh(struct check *c, const struct ask *q)
{
	if (q->kind == ASK_FRESH_UDP) {
		take_set(c, q, c->in.fresh[q->who].key.set, &c->in.fresh[q->who].udp);
		/* An authoritative "ask by TCP" is an answer. */
		c->in.fresh[q->who].udp.is_present |= q->truncated;
	} else if (q->kind == ASK_FRESH_TCP) {
		take_set(c, q, c->in.fresh[q->who].key.set, &c->in.fresh[q->who].tcp);
	}
}

void
scan_take(struct check *c)
{
	const struct scan_conf *conf = c->s->conf;
	struct mus_scan_in *in = &c->in;

	/* Only what is used: there is room for many more servers than most children have. */
	memset(in, 0, offsetof(struct mus_scan_in, server));
	memset(in->server, 0, c->server_count * sizeof in->server[0]);
	memset(in->fresh, 0, c->fresh_count * sizeof in->fresh[0]);
	in->policy = (struct mus_scan_policy){.allow_delete = conf->policy.allow_delete,
	    .need_approval = conf->policy.csync_approval, .ns_min = (uint8_t)conf->policy.ns_min,
	    .ds_max = (uint8_t)conf->policy.ds_max, .digest_types = scan_conf_digests(conf)};
	for (unsigned i = 0; i < c->server_count; i++) {
		in->server[i].name = (uint8_t)c->server[i].name;
		in->server[i].addr = c->server[i].addr.family
		    ? (uint8_t)scan_take_addr(c, &c->server[i].addr)
		    : MUS_SCAN_NOBODY;
	}
	for (unsigned i = 0; i < c->fresh_count; i++)
		in->fresh[i].name = (uint8_t)c->fresh[i].name;
	in->server_count = (uint8_t)c->server_count;
	in->fresh_count = (uint8_t)c->fresh_count;
	in->looked = c->looked;
	in->resolved = c->resolved;
	for (const struct ask *q = c->asks; q; q = q->next)
		take_keys(c, q);
	for (const struct ask *q = c->asks; q; q = q->next) {
		take_answer(c, q);
		take_fresh(c, q);
	}
	for (unsigned i = 0; i < c->server_count; i++)
		spread_silence(c, i);
	take_delegation(c);
	take_tables(c);
	take_past(c);
	in->name_count = (uint8_t)c->name_count;
	in->addr_count = (uint8_t)c->addr_count;
	in->is_cut = c->is_cut || mus_arena_failed(&c->arena);
}

void
scan_take_quick(struct check *c, struct mus_scan_set *cds, struct mus_scan_set *cdnskey,
    struct mus_scan_set *csync, uint8_t *types)
{
	unsigned who = 0;

	while (who + 1 < c->server_count && c->server[who].addr.family == 0)
		who++;
	/* No DNSKEY set was asked for, so nothing is verified. */
	scan_take(c);
	*cds = c->in.server[who].cds;
	*cdnskey = c->in.server[who].cdnskey;
	*csync = c->in.server[who].csync;
	*types = c->in.server[who].csync_types;
	if (csync->odd)
		*types |= MUS_SCAN_BIT_OTHER;
}
