/*
 * Growable byte buffer, also used as a string builder.  A failed append sets ${failed} and leaves
 * the content as it was; check once at the end.  ${data} is always terminated by a NUL that does
 * not count in ${len} (once something was appended).
 */
#ifndef MUS_BASE_BUF_H
#define MUS_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mus_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max_bytes;	/* bound; 0: no bound */
	bool failed;
};

void mus_buf_init(struct mus_buf *b, size_t max_bytes);
void mus_buf_clear(struct mus_buf *b);				/* frees; usable again */
void mus_buf_reset(struct mus_buf *b);				/* len = 0, memory kept */
bool mus_buf_add(struct mus_buf *b, const void *p, size_t len);
bool mus_buf_add_str(struct mus_buf *b, const char *s);
bool mus_buf_add_u8(struct mus_buf *b, uint8_t v);
bool mus_buf_add_u16(struct mus_buf *b, uint16_t v);		/* network order */
bool mus_buf_add_u32(struct mus_buf *b, uint32_t v);
bool mus_buf_add_u64(struct mus_buf *b, uint64_t v);
bool mus_buf_add_uvar(struct mus_buf *b, uint64_t v);		/* LEB128 */
bool mus_buf_add_svar(struct mus_buf *b, int64_t v);		/* zig-zag LEB128 */
bool mus_buf_printf(struct mus_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
uint8_t *mus_buf_take(struct mus_buf *b, size_t *len);		/* gives the memory; b is empty */

/* Reader over borrowed bytes: reading past the end sets ${failed} and yields zeros. */
struct mus_rd {
	const uint8_t *p, *end;
	bool failed;
};
static inline struct mus_rd
mus_rd_of(const void *p, size_t len)
{
	/* An empty buffer may have no address, and C allows no arithmetic on that. */
	const uint8_t *b = p ? (const uint8_t *)p : (const uint8_t *)"";

	return (struct mus_rd){b, b + len, false};
}
uint8_t mus_rd_u8(struct mus_rd *r);
uint16_t mus_rd_u16(struct mus_rd *r);
uint32_t mus_rd_u32(struct mus_rd *r);
uint64_t mus_rd_u64(struct mus_rd *r);
uint64_t mus_rd_uvar(struct mus_rd *r);
int64_t mus_rd_svar(struct mus_rd *r);
const uint8_t *mus_rd_bytes(struct mus_rd *r, size_t len);	/* lends; NULL past the end */

#endif
