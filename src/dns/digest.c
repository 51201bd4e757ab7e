#include <pthread.h>

#include <openssl/evp.h>

#include "dns/digest.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *fetched[MUS__MD_COUNT];

static void
fetch_all(void)
{
	static const char *const names[MUS__MD_COUNT] = {"SHA1", "SHA256", "SHA384", "SHA512"};

	for (int i = 0; i < MUS__MD_COUNT; i++)
		fetched[i] = EVP_MD_fetch(NULL, names[i], NULL);
}

const EVP_MD *
mus__md_of(enum mus__md md)
{
	(void)pthread_once(&once, fetch_all);
	return fetched[md];
}

void
mus__digest_begin(struct mus__digest *d, enum mus__md md)
{
	const EVP_MD *m = mus__md_of(md);

	d->ctx = EVP_MD_CTX_new();
	d->failed = !m || !d->ctx || EVP_DigestInit_ex(d->ctx, m, NULL) != 1;
}

void
mus__digest_add(struct mus__digest *d, const void *p, size_t len)
{
	if (!d->failed && len > 0)
		d->failed = EVP_DigestUpdate(d->ctx, p, len) != 1;
}

void
mus__digest_add_u16(struct mus__digest *d, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	mus__digest_add(d, b, sizeof b);
}

void
mus__digest_add_u32(struct mus__digest *d, uint32_t v)
{
	mus__digest_add_u16(d, (uint16_t)(v >> 16));
	mus__digest_add_u16(d, (uint16_t)v);
}

size_t
mus__digest_end(struct mus__digest *d, uint8_t out[static MUS__MD_BYTES_MAX])
{
	unsigned len = 0;

	if (!d->failed && EVP_DigestFinal_ex(d->ctx, out, &len) != 1)
		len = 0;
	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
	return len;
}

uint64_t
mus__digest_end64(struct mus__digest *d)
{
	uint8_t md[MUS__MD_BYTES_MAX];
	uint64_t v = 0;

	if (mus__digest_end(d, md) == 0)
		return 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | md[i];
	return v;
}
