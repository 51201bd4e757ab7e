#include <string.h>

#include "base/text.h"

bool
mus_parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

bool
mus_parse_i64(const char *s, int64_t min, int64_t max, int64_t *out)
{
	bool minus = *s == '-';
	uint64_t u;
	int64_t v;

	if (!mus_parse_u64(s + minus, (uint64_t)INT64_MAX + minus, &u))
		return false;
	v = minus ? (int64_t)(~u + 1) : (int64_t)u;
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool
mus_strcpy(char *dst, size_t cap, const char *src)
{
	size_t len = strlen(src);

	if (cap == 0)
		return false;
	if (len < cap) {
		memcpy(dst, src, len + 1);
		return true;
	}
	memcpy(dst, src, cap - 1);
	dst[cap - 1] = '\0';
	return false;
}

void
mus_hex_encode(const uint8_t *p, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

int
mus_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

long
mus_hex_decode(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;

	for (; *s != '\0'; s += 2) {
		int hi = mus_hex_digit(s[0]), lo = s[1] ? mus_hex_digit(s[1]) : -1;

		if (hi < 0 || lo < 0 || n == cap)
			return -1;
		out[n++] = (uint8_t)(hi << 4 | lo);
	}
	return (long)n;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
mus_base64_encode(const uint8_t *p, size_t len, char *out)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		    (left > 2 ? p[i + 2] : 0);

		*out++ = base64_digits[v >> 18];
		*out++ = base64_digits[v >> 12 & 63];
		*out++ = left > 1 ? base64_digits[v >> 6 & 63] : '=';
		*out++ = left > 2 ? base64_digits[v & 63] : '=';
	}
	*out = '\0';
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

long
mus_base64_decode(const char *s, size_t s_len, uint8_t *out, size_t cap)
{
	unsigned digits = 0, pads = 0;		/* of the present group of four */
	uint32_t v = 0;
	size_t n = 0;

	for (size_t i = 0; i < s_len; i++) {
		int d = base64_digit(s[i]);

		if (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n')
			continue;
		if (s[i] == '=' && digits >= 2 && digits + pads < 4) {
			pads++;
			continue;
		}
		/* Nothing may follow the padding. */
		if (d < 0 || pads > 0)
			return -1;
		v = v << 6 | (uint32_t)d;
		if (++digits < 4)
			continue;
		if (cap - n < 3)
			return -1;
		out[n++] = (uint8_t)(v >> 16);
		out[n++] = (uint8_t)(v >> 8);
		out[n++] = (uint8_t)v;
		digits = 0;
		v = 0;
	}
	if (digits == 0)
		return (long)n;
	/* The bits that padding cuts off must be zero, so that one value has one spelling. */
	if (digits + pads != 4 || cap - n < digits - 1 || (v & (digits == 2 ? 15u : 3u)) != 0)
		return -1;
	v <<= 6 * pads;
	out[n++] = (uint8_t)(v >> 16);
	if (digits == 3)
		out[n++] = (uint8_t)(v >> 8);
	return (long)n;
}

bool
mus_equal_secret(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}

int
mus_check_secret_mode(const char *path, unsigned mode, struct mus_errtext *et)
{
	if ((mode & 0777 & ~0640U) == 0)
		return 0;
	return mus_errf(et, MUS_ERR_INVAL, "%s: holds a secret and %s (mode %04o); chmod u-x,g-wx,o= mends it", path,
	    mode & 07 ? "everybody may use it" : "may be used beyond 0640", mode & 07777);
}

enum { WORD_MAX = 64 };

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to add, drop or change, and neighbours to swap, to make ${b} of ${a}; both at most WORD_MAX long. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2], b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t *spare = before;

		before = above;
		above = row;
		row = spare;
		row[0] = i + 1;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i] != b[j - 1]));
			if (i > 0 && j > 1 && a[i] == b[j - 2] && a[i - 1] == b[j - 1])
				row[j] = min3(row[j], row[j], before[j - 2] + 1);
		}
	}
	return row[b_len];
}

const char *
mus_text_nearest(const char *word, const char *const *words, size_t word_count)
{
	size_t len = strlen(word), best = len / 3 > 1 ? len / 3 : 1;
	const char *found = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < word_count; i++) {
		size_t d;

		if (strlen(words[i]) > WORD_MAX)
			continue;
		d = edit_distance(word, words[i]);
		/* A word of which nothing is left is no likeness. */
		if (d >= len || d > best || (d == best && found))
			continue;
		best = d;
		found = words[i];
	}
	return found;
}
