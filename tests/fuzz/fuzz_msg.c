/* An answer from anybody: parse it, and do with it all that musicd would do before it trusts it. */
#include "base/arena.h"
#include "dns/denial.h"
#include "dns/dnskey.h"
#include "dns/msg.h"
#include "dns/tsig.h"
#include "fuzz.h"

static void
read_rdata(const struct mus_rrset *set)
{
	struct mus_dnskey key;
	struct mus_rrsig sig;
	struct mus_ds ds;

	for (size_t i = 0; i < set->count; i++) {
		if (mus_dnskey_read(set->rd[i], &key)) {
			uint8_t out[MUS_DS_RDATA_MAX];

			(void)mus_ds_make(&set->owner, set->rd[i], MUS_DIGEST_SHA256, out);
			for (size_t k = 0; k < set->sig_count; k++)
				(void)mus_rrsig_check(NULL, set, set->sig[k], &set->owner, set->rd[i]);
		}
		(void)mus_ds_read(set->rd[i], &ds);
	}
	for (size_t k = 0; k < set->sig_count; k++)
		(void)mus_rrsig_read(set->sig[k], &sig);
}

static void
check_tsig(const uint8_t *data, size_t len)
{
	static struct mus_tsig_key *key;
	struct mus_tsig_ctx ctx;
	bool covered;

	if (!key && mus_tsig_key_new("k.example", "hmac-sha256", "c2VjcmV0c2VjcmV0", &key, NULL) < 0)
		abort();
	mus_tsig_ctx_init(&ctx, key);
	(void)mus_tsig_check(&ctx, data, len, true, mus_time_from_s(1700000000), &covered);
	mus_tsig_ctx_clear(&ctx);
	mus_tsig_ctx_init(&ctx, key);
	(void)mus_tsig_check_request(&ctx, data, len, mus_time_from_s(1700000000));
	mus_tsig_ctx_clear(&ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mus_errtext et;
	struct mus_arena a;
	struct mus_msg m;

	mus_arena_init(&a, 16 << 20);
	if (mus_msg_parse(data, len, &a, &m, &et) == 0) {
		for (int sec = 0; sec < MUS_SEC_COUNT; sec++) {
			size_t count;
			struct mus_rrset *set = mus_msg_rrsets(&m, (enum mus_section)sec, &a, &count);
			struct mus_denial d;

			for (size_t i = 0; i < count; i++)
				read_rdata(&set[i]);
			if (m.qname.len > 0 && count > 0) {
				mus_denial_check(set, count, &set[0].owner, &m.qname, m.qtype, false, &d);
				mus_denial_check(set, count, &set[0].owner, &m.qname, m.qtype, true, &d);
			}
		}
	}
	mus_arena_clear(&a);
	check_tsig(data, len);
	return 0;
}
