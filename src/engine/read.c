/*
 * Reading one whole copy of a zone from a signer: what no question can show (largest TTL, which keys
 * sign data, is the content alike) is counted while it streams by.  Nothing of it is kept but the sums.
 */
#include "engine/int.h"

static int
on_rr(void *arg, const struct mus_rr *rr)
{
	struct eng_read *r = arg;

	return mus_xfrsum_rr(&r->sum, rr);
}

static void
on_done(void *arg, int err, const struct mus_errtext *words, uint64_t bytes)
{
	struct eng_read *r = arg;

	(void)bytes;
	r->xfr = NULL;
	r->done(r, err, words);
}

bool
eng_can_read(const struct eng_signer *sg)
{
	return !sg->obj.no_transfer && sg->obj.update.family != 0;
}

int
eng_read_start(struct eng_read *r, struct mus_engine *e, const struct mus_zone_obj *zobj,
    struct eng_signer *sg, eng_read_fn *done, struct mus_errtext *et)
{
	struct mus_xfrin_opts o = {.server = sg->obj.update,
	    .idle_timeout_ms = 10000,
	    .max_bytes = e->o.transfer_max_bytes,
	    .max_ms = e->o.transfer_max_ms,
	    .min_rate = e->o.transfer_min_rate,
	    .conf = "dns.transfer"};
	int rc;

	*r = (struct eng_read){.began = eng_now(e), .signer = eng_signer_hold(sg), .done = done};
	if ((rc = mus_name_parse(zobj->name, &o.zone, et)) < 0 ||
	    (rc = eng_key_for(zobj, sg, &r->own_key, &o.key, et)) < 0)
		goto fail;
	mus_xfrsum_init(&r->sum, &o.zone, mus_time_to_s(r->began));
	if ((rc = mus_xfrin_start(e->o.loop, &o, on_rr, on_done, r, &r->xfr)) == 0)
		return 0;
	mus_errf(et, rc, "%s", mus_err_text(rc));
fail:
	eng_read_end(r);
	return rc;
}

void
eng_read_fill(const struct eng_read *r, struct mus_zonestate *st, unsigned s)
{
	const struct mus_xfrsum *sum = &r->sum;
	struct mus_copy *copy = &st->seen.copy[s];
	uint32_t ttl_max_s = copy->known && copy->ttl_max_s > sum->ttl_max_s ? copy->ttl_max_s
									   : sum->ttl_max_s;

	*copy = (struct mus_copy){.known = true,
	    .serial = sum->serial,
	    .ttl_max_s = ttl_max_s,
	    .content = sum->content[0] ^ sum->content[1] ^ sum->content[2] ^ sum->content[3],
	    .has_stray_sigs = sum->key_overflow,
	    /* What came while it streamed may not be in it. */
	    .at = r->began,
	    .unread_at = copy->unread_at};
	for (size_t i = 0; i < sum->key_count; i++) {
		bool found = false;

		if (sum->key[i].data_rrsigs == 0)
			continue;
		for (unsigned k = 0; k < st->zone.key_count; k++)
			if (st->zone.key[k].id != 0 && st->zone.key[k].tag == sum->key[i].tag &&
			    st->zone.key[k].alg == sum->key[i].alg) {
				copy->keys_in_data |= mus_bit(k);
				found = true;
			}
		copy->has_stray_sigs |= !found;
	}
}

void
eng_read_end(struct eng_read *r)
{
	if (r->xfr)
		mus_xfrin_cancel(r->xfr);
	mus_tsig_key_free(r->own_key);
	eng_signer_release(r->signer);
	*r = (struct eng_read){.xfr = NULL};
}
