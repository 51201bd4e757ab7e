#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "dns/digest.h"
#include "dns/verify.h"

enum {
	ALG_RSAMD5 = 1,
	RRSIG_FIXED_BYTES = 18,
	PROTOCOL_DNSSEC = 3,
};

/* ---- reading ---- */

/* RFC 4034 appendix B. */
uint16_t
mus_dnskey_tag(struct mus_rdata rd)
{
	uint32_t sum = 0;

	if (rd.len >= 7 && rd.data[3] == ALG_RSAMD5)
		return (uint16_t)(rd.data[rd.len - 3] << 8 | rd.data[rd.len - 2]);
	for (size_t i = 0; i < rd.len; i++)
		sum += i & 1 ? rd.data[i] : (uint32_t)rd.data[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

bool
mus_dnskey_read(struct mus_rdata rd, struct mus_dnskey *out)
{
	if (rd.len < 5)
		return false;
	*out = (struct mus_dnskey){
		.flags = (uint16_t)(rd.data[0] << 8 | rd.data[1]),
		.protocol = rd.data[2],
		.alg = rd.data[3],
		.key = rd.data + 4,
		.key_len = rd.len - 4u,
		.tag = mus_dnskey_tag(rd),
	};
	return true;
}

bool
mus_ds_read(struct mus_rdata rd, struct mus_ds *out)
{
	/* The delete sentinel of RFC 8078 has one byte of digest. */
	if (rd.len < 5)
		return false;
	*out = (struct mus_ds){
		.tag = (uint16_t)(rd.data[0] << 8 | rd.data[1]),
		.alg = rd.data[2],
		.digest_type = rd.data[3],
		.digest = rd.data + 4,
		.digest_len = rd.len - 4u,
	};
	return true;
}

bool
mus_rrsig_read(struct mus_rdata rd, struct mus_rrsig *out)
{
	struct mus_rd r = mus_rd_of(rd.data, rd.len);
	struct mus_rrsig s = {
		.covered = mus_rd_u16(&r),
		.alg = mus_rd_u8(&r),
		.labels = mus_rd_u8(&r),
		.orig_ttl_s = mus_rd_u32(&r),
		.expiration = mus_rd_u32(&r),
		.inception = mus_rd_u32(&r),
		.tag = mus_rd_u16(&r),
	};

	if (r.failed || mus_name_from_wire(r.p, (size_t)(r.end - r.p), &s.signer) < 0)
		return false;
	s.sig = r.p + s.signer.len;
	s.sig_len = (size_t)(r.end - s.sig);
	if (s.sig_len == 0)
		return false;
	*out = s;
	return true;
}

/* ---- DS ---- */

static enum mus__md
md_of_digest_type(uint8_t type)
{
	switch (type) {
	case MUS_DIGEST_SHA1:
		return MUS__SHA1;
	case MUS_DIGEST_SHA256:
		return MUS__SHA256;
	case MUS_DIGEST_SHA384:
		return MUS__SHA384;
	default:
		return MUS__MD_COUNT;
	}
}

bool
mus_digest_supported(uint8_t digest_type)
{
	return md_of_digest_type(digest_type) != MUS__MD_COUNT;
}

int
mus_ds_make(const struct mus_name *owner, struct mus_rdata dnskey, uint8_t digest_type,
    uint8_t out[static MUS_DS_RDATA_MAX])
{
	enum mus__md md = md_of_digest_type(digest_type);
	uint8_t digest[MUS__MD_BYTES_MAX];
	struct mus__digest d;
	struct mus_dnskey k;
	size_t len;

	if (md == MUS__MD_COUNT)
		return MUS_ERR_UNSUPPORTED;
	if (!mus_dnskey_read(dnskey, &k))
		return MUS_ERR_INVAL;
	mus__digest_begin(&d, md);
	mus__digest_add(&d, owner->wire, owner->len);
	mus__digest_add(&d, dnskey.data, dnskey.len);
	if ((len = mus__digest_end(&d, digest)) == 0)
		return MUS_ERR_NOMEM;
	out[0] = (uint8_t)(k.tag >> 8);
	out[1] = (uint8_t)k.tag;
	out[2] = k.alg;
	out[3] = digest_type;
	memcpy(out + 4, digest, len);
	return (int)len + 4;
}

bool
mus_ds_matches(const struct mus_name *owner, struct mus_ds ds, struct mus_rdata dnskey)
{
	uint8_t made[MUS_DS_RDATA_MAX];
	struct mus_dnskey k;
	int len;

	/* Tag and algorithm first: they cost nothing and nearly always decide. */
	if (!mus_dnskey_read(dnskey, &k) || k.tag != ds.tag || k.alg != ds.alg)
		return false;
	len = mus_ds_make(owner, dnskey, ds.digest_type, made);
	return len > 4 && ds.digest_len == (size_t)len - 4 &&
	    memcmp(ds.digest, made + 4, ds.digest_len) == 0;
}

/* ---- algorithms and times ---- */

bool
mus_alg_supported(uint8_t alg)
{
	return alg == 5 || alg == 7 || alg == 8 || alg == 10 || (alg >= 13 && alg <= 16);
}

const char *
mus_alg_text(uint8_t alg)
{
	static const char *const names[] = {
		[1] = "RSAMD5", [2] = "DH", [3] = "DSA", [5] = "RSASHA1",
		[6] = "DSA-NSEC3-SHA1", [7] = "NSEC3RSASHA1", [8] = "RSASHA256",
		[10] = "RSASHA512", [12] = "ECC-GOST", [13] = "ECDSAP256SHA256",
		[14] = "ECDSAP384SHA384", [15] = "ED25519", [16] = "ED448",
	};
	/* For people only: one buffer a thread will do. */
	static _Thread_local char other[8];

	if (alg < sizeof names / sizeof names[0] && names[alg])
		return names[alg];
	(void)snprintf(other, sizeof other, "ALG%u", alg);
	return other;
}

int64_t
mus_rrsig_time(uint32_t t, int64_t now_s)
{
	return now_s + (int32_t)(t - (uint32_t)now_s);
}

/* ---- checking ---- */

/* RFC 4035 5.3.1, without the times.  The labels field may be less than the owner has (then a
 * wildcard was expanded), never more. */
static bool
fits(const struct mus_rrset *set, const struct mus_rrsig *sig, const struct mus_name *zone,
    const struct mus_dnskey *key)
{
	unsigned labels = mus_name_labels(&set->owner);

	/* RFC 4034 3.1.3: the root and a leading asterisk do not count. */
	if (set->owner.wire[0] == 1 && set->owner.wire[1] == '*')
		labels--;
	return key->protocol == PROTOCOL_DNSSEC && (key->flags & MUS_DNSKEY_ZONE) != 0 &&
	    sig->covered == set->type && sig->labels <= labels && set->count > 0 &&
	    mus_name_equal(&sig->signer, zone) && mus_name_in(&set->owner, zone) &&
	    sig->labels >= mus_name_labels(zone);
}

/* The owner that was signed: the wildcard that made it when the field counts fewer labels.  The
 * asterisk of a wildcard asked for by its own name is cut and put back. */
static struct mus_name
signed_owner(const struct mus_name *owner, unsigned labels)
{
	struct mus_name n = *owner, out;
	bool cut = false;

	while (mus_name_labels(&n) > labels) {
		(void)mus_name_parent(&n, &n);
		cut = true;
	}
	if (!cut || mus_name_prepend("*", &n, &out) < 0)
		return n;
	return out;
}

/* RFC 4034 3.1.8.1: RRSIG rdata up to the signature, then each record in canonical form with its
 * original TTL. */
static bool
put_signed_data(struct mus_buf *b, const struct mus_rrset *set, const struct mus_rrsig *sig,
    struct mus_rdata sig_rd)
{
	struct mus_name owner = signed_owner(&set->owner, sig->labels);

	(void)mus_buf_add(b, sig_rd.data, RRSIG_FIXED_BYTES);
	(void)mus_buf_add(b, sig->signer.wire, sig->signer.len);
	for (size_t i = 0; i < set->count; i++) {
		(void)mus_buf_add(b, owner.wire, owner.len);
		(void)mus_buf_add_u16(b, set->type);
		(void)mus_buf_add_u16(b, set->rclass);
		(void)mus_buf_add_u32(b, sig->orig_ttl_s);
		(void)mus_buf_add_u16(b, set->rd[i].len);
		(void)mus_buf_add(b, set->rd[i].data, set->rd[i].len);
	}
	return !b->failed;
}

/* All that the verdict depends on: what is not here is checked before the cache is asked. */
static bool
content_id(const struct mus_rrset *set, struct mus_rdata sig, struct mus_rdata dnskey,
    uint8_t out[static MUS__MD_BYTES_MAX])
{
	struct mus__digest d;

	mus__digest_begin(&d, MUS__SHA256);
	mus__digest_add_u16(&d, dnskey.len);
	mus__digest_add(&d, dnskey.data, dnskey.len);
	mus__digest_add_u16(&d, sig.len);
	mus__digest_add(&d, sig.data, sig.len);
	mus__digest_add(&d, set->owner.wire, set->owner.len);
	mus__digest_add_u16(&d, set->type);
	mus__digest_add_u16(&d, set->rclass);
	for (size_t i = 0; i < set->count; i++) {
		mus__digest_add_u16(&d, set->rd[i].len);
		mus__digest_add(&d, set->rd[i].data, set->rd[i].len);
	}
	return mus__digest_end(&d, out) == MUS__SHA256_BYTES;
}

enum mus_sigcheck
mus_rrsig_check(struct mus_sigcache *cache, const struct mus_rrset *set, struct mus_rdata sig,
    const struct mus_name *zone, struct mus_rdata dnskey)
{
	uint8_t id[MUS__MD_BYTES_MAX];
	struct mus_rrsig s;
	struct mus_dnskey k;
	struct mus_buf data;
	bool good, has_id;

	if (!mus_rrsig_read(sig, &s) || !mus_dnskey_read(dnskey, &k))
		return MUS_SIG_BAD;
	if (s.alg != k.alg || s.tag != k.tag)
		return MUS_SIG_OTHERKEY;
	if (!mus_alg_supported(s.alg))
		return MUS_SIG_UNSUPPORTED;
	if (!fits(set, &s, zone, &k))
		return MUS_SIG_BAD;
	has_id = cache && content_id(set, sig, dnskey, id);
	if (has_id && mus__sigcache_get(cache, id, &good))
		return good ? MUS_SIG_GOOD : MUS_SIG_BAD;
	mus_buf_init(&data, 0);
	good = put_signed_data(&data, set, &s, sig) &&
	    mus__verify(cache, dnskey, data.data, data.len, s.sig, s.sig_len);
	/* Without memory there is no verdict to remember. */
	if (has_id && !data.failed)
		mus__sigcache_put(cache, id, good);
	mus_buf_clear(&data);
	return good ? MUS_SIG_GOOD : MUS_SIG_BAD;
}
