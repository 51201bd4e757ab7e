/*
 * Small strict text helpers: numbers, hex, base64, bounded copy.  All parsers accept the whole
 * string or nothing.
 */
#ifndef MUS_BASE_TEXT_H
#define MUS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

bool mus_parse_u64(const char *s, uint64_t max, uint64_t *out);
bool mus_parse_i64(const char *s, int64_t min, int64_t max, int64_t *out);
/* false when it did not fit (the copy is cut and terminated). */
bool mus_strcpy(char *dst, size_t cap, const char *src);
int mus_hex_digit(char c);		/* its value; -1: it is none */
/* Hex of ${len} bytes, lower case; ${out} needs 2*len+1. */
void mus_hex_encode(const uint8_t *p, size_t len, char *out);
/* -1: bad digit, odd length or more than ${cap} bytes; else bytes written. */
long mus_hex_decode(const char *s, uint8_t *out, size_t cap);
/* ${out} needs 4*((len+2)/3)+1. */
void mus_base64_encode(const uint8_t *p, size_t len, char *out);
/* White space inside is skipped; -1: not base64 or more than ${cap} bytes. */
long mus_base64_decode(const char *s, size_t s_len, uint8_t *out, size_t cap);
/* Comparison whose time depends on ${len} only. */
bool mus_equal_secret(const void *a, const void *b, size_t len);
/* Is a file of this mode (st_mode) for its owner and, to read, its group alone (0640 at most)?  Else INVAL, with its
 * name and mode. */
int mus_check_secret_mode(const char *path, unsigned mode, struct mus_errtext *et) MUS_MUST_CHECK;
/* The valid word nearest to ${word}, a third of its letters away or one, or NULL.  Two neighbours swapped count once. */
const char *mus_text_nearest(const char *word, const char *const *words, size_t word_count);

#endif
