/*
 * Digests in pieces, over OpenSSL; for the files of dns/ only.  The algorithms are fetched once per
 * process: a fetch costs more than hashing an RRset.
 */
#ifndef MUS_DNS_DIGEST_H
#define MUS_DNS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mus__md { MUS__SHA1, MUS__SHA256, MUS__SHA384, MUS__SHA512, MUS__MD_COUNT };
enum { MUS__MD_BYTES_MAX = 64, MUS__SHA1_BYTES = 20, MUS__SHA256_BYTES = 32 };

struct evp_md_st;
struct evp_md_ctx_st;
struct mus__digest {
	struct evp_md_ctx_st *ctx;
	bool failed;
};

/* NULL: this OpenSSL does not have it. */
const struct evp_md_st *mus__md_of(enum mus__md md);
/* Failure is remembered and told at the end. */
void mus__digest_begin(struct mus__digest *d, enum mus__md md);
void mus__digest_add(struct mus__digest *d, const void *p, size_t len);
void mus__digest_add_u16(struct mus__digest *d, uint16_t v);
void mus__digest_add_u32(struct mus__digest *d, uint32_t v);
/* Bytes of the digest in ${out}; 0: failed.  ${d} is free again. */
size_t mus__digest_end(struct mus__digest *d, uint8_t out[static MUS__MD_BYTES_MAX]);
/* The first eight bytes as a number; 0: failed. */
uint64_t mus__digest_end64(struct mus__digest *d);

#endif
