/* Keys, DS and signatures of any form: two pieces, DNSKEY rdata and RRSIG rdata, over a fixed set.
 * The tag is made to fit, else nearly all inputs end at "other key". */
#include "dns/dnskey.h"
#include "fuzz.h"

static void
check(struct mus_rdata key, uint8_t *sig, uint16_t sig_len)
{
	static const uint8_t ip[4] = {192, 0, 2, 1};
	static struct mus_sigcache *cache;
	struct mus_rdata rd = {ip, 4}, s = {sig, sig_len};
	struct mus_rrset set = {.type = MUS_TYPE_A, .rclass = 1, .rd = &rd, .count = 1};
	enum mus_sigcheck first, again;
	struct mus_rrsig r;

	if (!cache)
		cache = mus_sigcache_new(1000);
	MUS_ASSERT(cache && mus_name_parse("a.b.z.", &set.owner, NULL) == 0);
	if (!mus_rrsig_read(s, &r))
		return;
	first = mus_rrsig_check(cache, &set, s, &r.signer, key);
	again = mus_rrsig_check(cache, &set, s, &r.signer, key);
	fuzz_taken++;
	MUS_ASSERT(first == again && first != MUS_SIG_GOOD);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t sig[65535];
	uint8_t made[MUS_DS_RDATA_MAX];
	const uint8_t *k, *s;
	struct mus_dnskey key;
	struct mus_name owner;
	struct mus_rdata rd;
	struct mus_ds ds;
	size_t k_len, s_len;

	if (!fuzz_piece(&data, &size, &k, &k_len) || !fuzz_piece(&data, &size, &s, &s_len))
		return 0;
	rd = (struct mus_rdata){k, (uint16_t)k_len};
	if (!mus_dnskey_read(rd, &key))
		return 0;
	MUS_ASSERT(mus_name_parse("z.", &owner, NULL) == 0);
	if (mus_ds_read((struct mus_rdata){s, (uint16_t)s_len}, &ds))
		(void)mus_ds_matches(&owner, ds, rd);
	if (mus_ds_make(&owner, rd, 2, made) > 0)
		MUS_ASSERT(mus_ds_read((struct mus_rdata){made, 36}, &ds) &&
		    mus_ds_matches(&owner, ds, rd));
	memcpy(sig, s, s_len);
	if (s_len >= 18) {
		sig[0] = 0;
		sig[1] = MUS_TYPE_A;
		sig[2] = key.alg;
		sig[16] = (uint8_t)(key.tag >> 8);
		sig[17] = (uint8_t)key.tag;
	}
	check(rd, sig, (uint16_t)s_len);
	return 0;
}
