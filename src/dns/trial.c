#include <string.h>

#include "dns/trial.h"

enum { DIGEST_TYPE = 255, ALG_OF_KEY = 13 };

/* A point of P-256, for BIND refuses a key that is none: x is readable, y follows from it.  Nobody
 * knows a private key to it. */
static const uint8_t point[64] = "MUSIC probe: not a zone key, 001"
    "\x1c\x17\x13\x80\x59\xf1\xca\xf9\x64\x93\x33\xf5\xd4\xc4\xde\x96"
    "\xcf\xa9\x31\x31\xcd\x06\x33\xc0\x1d\x18\x3f\x97\x19\x42\x17\x6c";
static const char digest[] = "MUSIC probe: no digest of a key.";

size_t
mus_trial_make(uint16_t type, uint8_t alg, uint8_t out[static MUS_TRIAL_MAX])
{
	memset(out, 0, MUS_TRIAL_MAX);
	switch (type) {
	case MUS_TYPE_DNSKEY:
	case MUS_TYPE_CDNSKEY:
		out[2] = 3;
		out[3] = type == MUS_TYPE_DNSKEY ? ALG_OF_KEY : alg;
		memcpy(out + 4, point, sizeof point);
		return 4 + sizeof point;
	case MUS_TYPE_CDS:
		out[2] = alg;
		out[3] = DIGEST_TYPE;
		memcpy(out + 4, digest, sizeof digest - 1);
		return 4 + sizeof digest - 1;
	case MUS_TYPE_CSYNC:
		return 6;	/* serial 0, flags 0, no types */
	default:
		return 0;
	}
}

bool
mus_trial_is(uint16_t type, struct mus_rdata rd)
{
	uint8_t trial[MUS_TRIAL_MAX], alg = 0;
	size_t len;

	if (type == MUS_TYPE_CDNSKEY && rd.len > 3)
		alg = rd.data[3];
	else if (type == MUS_TYPE_CDS && rd.len > 2)
		alg = rd.data[2];
	len = mus_trial_make(type, alg, trial);
	return len > 0 && len == rd.len && memcmp(trial, rd.data, len) == 0;
}

int
mus_trial_without(const struct mus_rrset *set, struct mus_arena *a, struct mus_rrset *out)
{
	*out = *set;
	for (size_t i = 0; i < set->count; i++) {
		if (!mus_trial_is(set->type, set->rd[i]))
			continue;
		out->rd = mus_arena_alloc(a, set->count * sizeof *out->rd);
		if (!out->rd)
			return MUS_ERR_NOMEM;
		out->count = 0;
		for (size_t r = 0; r < set->count; r++)
			if (!mus_trial_is(set->type, set->rd[r]))
				out->rd[out->count++] = set->rd[r];
		return 0;
	}
	return 0;
}
