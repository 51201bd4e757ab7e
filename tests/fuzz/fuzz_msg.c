/* An answer from anybody: parsing, RRsets, keys and signatures, rdata as text.  Where libknot reads the
 * message too, both must see the same records. */
#include <stdlib.h>

#include <libknot/libknot.h>

#include "base/buf.h"
#include "dns/dnskey.h"
#include "dns/msg.h"
#include "fuzz.h"

static void
same_record(const struct mus_rr *ours, const knot_rrset_t *theirs)
{
	struct mus_name owner;

	MUS_ASSERT(mus_name_from_wire(theirs->owner, MUS_NAME_MAX, &owner) == 0);
	MUS_ASSERT(mus_name_equal(&owner, &ours->owner));
	MUS_ASSERT(theirs->type == ours->type && theirs->rclass == ours->rclass);
	MUS_ASSERT(theirs->ttl == ours->ttl_s);
	MUS_ASSERT(theirs->rrs.count == 1);
	/* libknot takes a compressed name in NSEC and LP, where RFC 4034 4.1.1 and RFC 6742 2.4.1 forbid
	 * it, and in the meta types TKEY and TSIG.  We leave those alone; every other type that libknot 3.2
	 * knows a name in is read alike. */
	if ((ours->type == MUS_TYPE_NSEC || ours->type == KNOT_RRTYPE_LP ||
		ours->type == KNOT_RRTYPE_TKEY) &&
	    theirs->rrs.rdata->len != ours->rd.len)
		return;
	MUS_ASSERT(theirs->rrs.rdata->len == ours->rd.len);
	MUS_ASSERT(memcmp(theirs->rrs.rdata->data, ours->rd.data, ours->rd.len) == 0);
}

static void
compare(const struct mus_msg *m, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size);
	knot_pkt_t *p = NULL;

	MUS_ASSERT(copy);
	memcpy(copy, data, size);
	p = knot_pkt_new(copy, (uint16_t)size, NULL);
	MUS_ASSERT(p);
	if (knot_pkt_parse(p, 0) != KNOT_EOK)
		goto out;
	for (int sec = 0; sec < MUS_SEC_COUNT; sec++) {
		const knot_pktsection_t *s = knot_pkt_section(p, (knot_section_t)sec);
		size_t ours = 0;

		for (uint16_t i = 0; i < s->count; i++) {
			const knot_rrset_t *rr = knot_pkt_rr(s, i);

			if (rr->type == KNOT_RRTYPE_OPT || rr->type == KNOT_RRTYPE_TSIG)
				continue;
			MUS_ASSERT(ours < m->rr_count[sec]);
			same_record(&m->rr[sec][ours++], rr);
		}
		MUS_ASSERT(ours == m->rr_count[sec]);
	}
	MUS_ASSERT(knot_pkt_has_edns(p) == m->has_edns);
	MUS_ASSERT(knot_pkt_has_tsig(p) == m->has_tsig);
out:
	knot_pkt_free(p);
	free(copy);
}

static void
read_rdata(const struct mus_rrset *set)
{
	struct mus_dnskey key;
	struct mus_ds ds;

	for (size_t i = 0; i < set->count && i < 4; i++) {
		uint8_t out[MUS_DS_RDATA_MAX];

		(void)mus_ds_read(set->rd[i], &ds);
		if (!mus_dnskey_read(set->rd[i], &key))
			continue;
		(void)mus_ds_make(&set->owner, set->rd[i], MUS_DIGEST_SHA256, out);
		for (size_t k = 0; k < set->sig_count && k < 4; k++)
			(void)mus_rrsig_check(NULL, set, set->sig[k], &set->owner, set->rd[i]);
	}
}

static void
look_at(const struct mus_msg *m, struct mus_arena *a)
{
	for (int sec = 0; sec < MUS_SEC_COUNT; sec++) {
		size_t count, records = 0;
		struct mus_rrset *sets = mus_msg_rrsets(m, (enum mus_section)sec, a, &count);

		for (size_t i = 0; i < count; i++) {
			struct mus_rrset one;

			records += sets[i].count;
			read_rdata(&sets[i]);
			MUS_ASSERT(sets[i].count > 0);
			for (size_t j = 1; j < sets[i].count; j++)
				MUS_ASSERT(mus_rdata_cmp(sets[i].rd[j - 1], sets[i].rd[j]) < 0);
			if (sets[i].rclass == MUS_CLASS_IN) {
				MUS_ASSERT(mus_msg_rrset(m, (enum mus_section)sec, &sets[i].owner, sets[i].type,
				    a, &one));
				MUS_ASSERT(mus_rrset_equal(&one, &sets[i]));
			}
			for (size_t j = 0; j < sets[i].count && i < 20 && j < 20; j++)
				MUS_ASSERT(mus_rdata_text(sets[i].type, sets[i].rd[j], a) != NULL);
		}
		MUS_ASSERT(records <= m->rr_count[sec]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mus_arena a;
	struct mus_msg m;
	uint8_t out[1024];
	int n;

	mus_arena_init(&a, 0);
	n = mus_reply_build(data, size, 3, true, out, sizeof out);
	MUS_ASSERT(n < 0 || mus_msg_parse(out, (size_t)n, &a, &m, NULL) == 0);
	if (size <= MUS_MSG_MAX && mus_msg_parse(data, size, &a, &m, NULL) == 0) {
		fuzz_taken++;
		compare(&m, data, size);
		look_at(&m, &a);
	}
	mus_arena_clear(&a);
	return 0;
}
