#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void
mus_buf_init(struct mus_buf *b, size_t max_bytes)
{
	*b = (struct mus_buf){.max_bytes = max_bytes};
}

void
mus_buf_clear(struct mus_buf *b)
{
	size_t max_bytes = b->max_bytes;

	free(b->data);
	mus_buf_init(b, max_bytes);
}

void
mus_buf_reset(struct mus_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

/* Room for ${more} bytes and the NUL.  A buffer that failed once takes nothing more: what came
 * after the hole would make no sense. */
static bool
reserve(struct mus_buf *b, size_t more)
{
	size_t need, cap = b->cap ? b->cap : 64;
	uint8_t *p;

	if (b->failed || more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
		goto fail;
	need = b->len + more;
	if (b->max_bytes != 0 && need > b->max_bytes)
		goto fail;
	if (need < b->cap)
		return true;
	while (cap <= need)
		cap *= 2;
	if ((p = realloc(b->data, cap)) == NULL)
		goto fail;
	b->data = p;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

bool
mus_buf_add(struct mus_buf *b, const void *p, size_t len)
{
	if (!reserve(b, len))
		return false;
	if (len > 0)
		memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
	return true;
}

bool
mus_buf_add_str(struct mus_buf *b, const char *s)
{
	return mus_buf_add(b, s, strlen(s));
}

static bool
add_be(struct mus_buf *b, uint64_t v, unsigned bytes)
{
	uint8_t out[8];
	unsigned i;

	for (i = 0; i < bytes; i++)
		out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	return mus_buf_add(b, out, bytes);
}

bool
mus_buf_add_u8(struct mus_buf *b, uint8_t v)
{
	return add_be(b, v, 1);
}

bool
mus_buf_add_u16(struct mus_buf *b, uint16_t v)
{
	return add_be(b, v, 2);
}

bool
mus_buf_add_u32(struct mus_buf *b, uint32_t v)
{
	return add_be(b, v, 4);
}

bool
mus_buf_add_u64(struct mus_buf *b, uint64_t v)
{
	return add_be(b, v, 8);
}

bool
mus_buf_add_uvar(struct mus_buf *b, uint64_t v)
{
	uint8_t out[10];
	size_t n = 0;

	while (v >= 0x80) {
		out[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	out[n++] = (uint8_t)v;
	return mus_buf_add(b, out, n);
}

bool
mus_buf_add_svar(struct mus_buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v << 1;

	return mus_buf_add_uvar(b, v < 0 ? ~u : u);
}

bool
mus_buf_printf(struct mus_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		b->failed = true;
	if (n < 0 || !reserve(b, (size_t)n))
		return false;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return true;
}

uint8_t *
mus_buf_take(struct mus_buf *b, size_t *len)
{
	uint8_t *p = b->data;

	if (len)
		*len = b->len;
	mus_buf_init(b, b->max_bytes);
	return p;
}

/* ---- reader ---- */

const uint8_t *
mus_rd_bytes(struct mus_rd *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->failed || (size_t)(r->end - r->p) < len) {
		r->failed = true;
		return NULL;
	}
	r->p += len;
	return p;
}

static uint64_t
rd_be(struct mus_rd *r, size_t bytes)
{
	const uint8_t *p = mus_rd_bytes(r, bytes);
	uint64_t v = 0;

	for (size_t i = 0; p && i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t
mus_rd_u8(struct mus_rd *r)
{
	return (uint8_t)rd_be(r, 1);
}

uint16_t
mus_rd_u16(struct mus_rd *r)
{
	return (uint16_t)rd_be(r, 2);
}

uint32_t
mus_rd_u32(struct mus_rd *r)
{
	return (uint32_t)rd_be(r, 4);
}

uint64_t
mus_rd_u64(struct mus_rd *r)
{
	return rd_be(r, 8);
}

/* One value has one spelling: padding with 0x80 0x00 and more than 64 bits are refused. */
uint64_t
mus_rd_uvar(struct mus_rd *r)
{
	uint64_t v = 0;
	unsigned shift;
	uint8_t c;

	for (shift = 0; shift < 64; shift += 7) {
		c = mus_rd_u8(r);
		if (r->failed || (shift == 63 && c > 1) || (shift > 0 && c == 0))
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
	}
	r->failed = true;
	return 0;
}

int64_t
mus_rd_svar(struct mus_rd *r)
{
	uint64_t u = mus_rd_uvar(r);

	return (int64_t)(u >> 1 ^ (~(u & 1) + 1));
}
