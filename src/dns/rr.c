#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>
#include <libzscanner/scanner.h>

#include "base/text.h"
#include "dns/digest.h"
#include "dns/form.h"
#include "dns/rr.h"

/* ---- types ---- */

/* Assigned after libknot 3.2. */
static const struct {
	uint16_t type;
	const char *text;
} newer_types[] = {
	{MUS_TYPE_DSYNC, "DSYNC"},
};

const char *
mus_type_text(uint16_t type, char out[static MUS_TYPE_TEXT_MAX])
{
	for (size_t i = 0; i < sizeof newer_types / sizeof newer_types[0]; i++) {
		if (newer_types[i].type == type) {
			(void)mus_strcpy(out, MUS_TYPE_TEXT_MAX, newer_types[i].text);
			return out;
		}
	}
	if (knot_rrtype_to_string(type, out, MUS_TYPE_TEXT_MAX) < 0)
		out[0] = '\0';
	return out;
}

uint16_t
mus_type_parse(const char *text)
{
	uint64_t n;
	uint16_t type = 0;

	for (size_t i = 0; i < sizeof newer_types / sizeof newer_types[0]; i++) {
		if (strcasecmp(newer_types[i].text, text) == 0)
			return newer_types[i].type;
	}
	if (strncasecmp(text, "TYPE", 4) == 0)
		return mus_parse_u64(text + 4, UINT16_MAX, &n) ? (uint16_t)n : 0;
	return knot_rrtype_from_string(text, &type) == 0 ? type : 0;
}

/* ---- rdata and its text ---- */

static void *
arena_mm_alloc(void *ctx, size_t len)
{
	return mus_arena_alloc(ctx, len);
}

static void
arena_mm_free(void *p)
{
	(void)p;
}

static knot_mm_t
mm_of(struct mus_arena *a)
{
	return (knot_mm_t){.ctx = a, .alloc = arena_mm_alloc, .free = arena_mm_free};
}

/* The one record of ${s} in canonical form, its bytes in ${a}. */
static int
take_scanned(const zs_scanner_t *s, struct mus_arena *a, struct mus_rdata *out)
{
	uint8_t root[1] = {0};
	knot_mm_t mm = mm_of(a);
	knot_rrset_t set;

	knot_rrset_init(&set, root, s->r_type, KNOT_CLASS_IN, 0);
	if (knot_rrset_add_rdata(&set, s->r_data, (uint16_t)s->r_data_length, &mm) != KNOT_EOK)
		return MUS_ERR_NOMEM;
	if (knot_rrset_rr_to_canonical(&set) != KNOT_EOK)
		return MUS_ERR_INVAL;
	*out = (struct mus_rdata){set.rrs.rdata->data, set.rrs.rdata->len};
	return 0;
}

/*
 * Step mode and a demand for exactly one record: a text with a line break in it must not bring a
 * second record or a $INCLUDE with it.
 */
static int
scan_one(zs_scanner_t *s, struct mus_arena *a, struct mus_rdata *out)
{
	struct mus_rdata rd = {0};
	bool found = false;
	int rc;

	while (zs_parse_record(s) == 0) {
		if (s->state == ZS_STATE_EOF)
			break;
		if (s->state != ZS_STATE_DATA || found)
			return MUS_ERR_INVAL;
		if ((rc = take_scanned(s, a, &rd)) < 0)
			return rc;
		found = true;
	}
	if (!found || s->state != ZS_STATE_EOF)
		return MUS_ERR_INVAL;
	*out = rd;
	return 0;
}

int
mus_rdata_parse(uint16_t type, const char *text, struct mus_arena *a, struct mus_rdata *out,
    struct mus_errtext *et)
{
	char type_text[MUS_TYPE_TEXT_MAX], *line;
	zs_scanner_t *s = NULL;
	bool is_init = false;
	int rc = MUS_ERR_NOMEM;

	/* The number form of the type, so that types without mnemonic take generic rdata. */
	line = mus_arena_printf(a, ". 0 IN TYPE%u %s\n", type, text);
	if (!line || (s = malloc(sizeof *s)) == NULL)
		goto out;
	if (zs_init(s, ".", KNOT_CLASS_IN, 0) != 0)
		goto out;
	is_init = true;
	if (zs_set_input_string(s, line, strlen(line)) != 0)
		goto out;
	if ((rc = scan_one(s, a, out)) == MUS_ERR_INVAL)
		(void)mus_errf(et, rc, "%s record \"%.200s\": %s",
		    mus_type_text(type, type_text), text,
		    s->error.code != ZS_OK ? zs_strerror(s->error.code) : "not one record");
out:
	if (is_init)
		zs_deinit(s);
	free(s);
	return rc;
}

static const char *
generic_text(struct mus_rdata rd, struct mus_arena *a)
{
	char *hex = mus_arena_alloc(a, 2u * rd.len + 1);

	if (!hex)
		return NULL;
	mus_hex_encode(rd.data, rd.len, hex);
	return rd.len == 0 ? mus_arena_strdup(a, "\\# 0") :
	    mus_arena_printf(a, "\\# %u %s", rd.len, hex);
}

const char *
mus_rdata_text(uint16_t type, struct mus_rdata rd, struct mus_arena *a)
{
	/* Escapes quadruple a byte, and types print a few words of their own. */
	size_t cap = 4u * rd.len + 256;
	uint8_t root[1] = {0};
	knot_mm_t mm = mm_of(a);
	knot_dump_style_t style = {.human_timestamp = true};
	knot_rrset_t set;
	char *out;
	int len;

	/* libknot reads past the end of rdata that does not fit its type: it sees only what does. */
	if (rd.len == 0 || !mus__form_fits(type, rd) ||
	    knot_get_rdata_descriptor(type)->type_name == NULL)
		return generic_text(rd, a);
	knot_rrset_init(&set, root, type, KNOT_CLASS_IN, 0);
	if (knot_rrset_add_rdata(&set, rd.data, rd.len, &mm) != KNOT_EOK ||
	    (out = mus_arena_alloc(a, cap)) == NULL)
		return NULL;
	if ((len = knot_rrset_txt_dump_data(&set, 0, out, cap, &style)) < 0)
		return generic_text(rd, a);
	/* libknot leaves a space behind a last quoted string (URI, CAA). */
	while (len > 0 && out[len - 1] == ' ')
		out[--len] = '\0';
	return out;
}

int
mus_rdata_cmp(struct mus_rdata a, struct mus_rdata b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.data, b.data, n) : 0;

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

/* ---- RRsets ---- */

/* The place of ${rd} in the sorted list; *found says whether it is there. */
static size_t
find_place(const struct mus_rdata *list, size_t count, struct mus_rdata rd, bool *found)
{
	size_t lo = 0, hi = count;

	*found = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = mus_rdata_cmp(list[mid], rd);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A new list each time: sets are copied by value, and a copy must not see the other's addition. */
static int
list_add(struct mus_rdata **list, size_t *count, struct mus_rdata rd, struct mus_arena *a)
{
	struct mus_rdata *bigger, copy;
	bool found;
	size_t at = find_place(*list, *count, rd, &found);

	if (found)
		return 0;
	copy.len = rd.len;
	if ((copy.data = mus_arena_copy(a, rd.data, rd.len)) == NULL ||
	    (bigger = mus_arena_alloc(a, (*count + 1) * sizeof *bigger)) == NULL)
		return MUS_ERR_NOMEM;
	if (at > 0)
		memcpy(bigger, *list, at * sizeof *bigger);
	bigger[at] = copy;
	if (at < *count)
		memcpy(bigger + at + 1, *list + at, (*count - at) * sizeof *bigger);
	*list = bigger;
	++*count;
	return 0;
}

int
mus_rrset_add(struct mus_rrset *s, struct mus_rdata rd, struct mus_arena *a)
{
	return list_add(&s->rd, &s->count, rd, a);
}

int
mus_rrset_add_sig(struct mus_rrset *s, struct mus_rdata rd, struct mus_arena *a)
{
	return list_add(&s->sig, &s->sig_count, rd, a);
}

int
mus_rrset_copy(struct mus_rrset *to, const struct mus_rrset *from, struct mus_arena *a)
{
	int rc = 0;

	*to = (struct mus_rrset){.owner = from->owner, .type = from->type, .rclass = from->rclass,
	    .ttl_s = from->ttl_s, .sig_ttl_s = from->sig_ttl_s};
	for (size_t i = 0; rc == 0 && i < from->count; i++)
		rc = mus_rrset_add(to, from->rd[i], a);
	for (size_t i = 0; rc == 0 && i < from->sig_count; i++)
		rc = mus_rrset_add_sig(to, from->sig[i], a);
	return rc;
}

struct mus_rrset *
mus_rrsets_copy(const struct mus_rrset *from, size_t count, struct mus_arena *a)
{
	struct mus_rrset *to = mus_arena_alloc(a, count * sizeof *to + 1);

	for (size_t i = 0; to && i < count; i++)
		if (mus_rrset_copy(&to[i], &from[i], a) < 0)
			return NULL;
	return to;
}

bool
mus_rrset_has(const struct mus_rrset *s, struct mus_rdata rd)
{
	bool found;

	(void)find_place(s->rd, s->count, rd, &found);
	return found;
}

bool
mus_rrset_equal(const struct mus_rrset *a, const struct mus_rrset *b)
{
	if (a->type != b->type || a->count != b->count || !mus_name_equal(&a->owner, &b->owner))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (mus_rdata_cmp(a->rd[i], b->rd[i]) != 0)
			return false;
	}
	return true;
}

uint64_t
mus_rrset_digest(const struct mus_rrset *s)
{
	struct mus__digest d;

	mus__digest_begin(&d, MUS__SHA256);
	mus__digest_add(&d, s->owner.wire, s->owner.len);
	mus__digest_add_u16(&d, s->type);
	for (size_t i = 0; i < s->count; i++) {
		mus__digest_add_u16(&d, s->rd[i].len);
		mus__digest_add(&d, s->rd[i].data, s->rd[i].len);
	}
	return mus__digest_end64(&d);
}

uint64_t
mus_digest64(const void *p, size_t len)
{
	struct mus__digest d;

	mus__digest_begin(&d, MUS__SHA256);
	mus__digest_add(&d, p, len);
	return mus__digest_end64(&d);
}

/* ---- type bitmaps ---- */

enum { WINDOW_BYTES_MAX = 32 };

bool
mus_bitmap_has(const uint8_t *map, size_t len, uint16_t type)
{
	size_t i = 0, byte = (type & 0xff) / 8u;

	while (len - i >= 2) {
		uint8_t window = map[i], n = map[i + 1];

		if (n == 0 || n > WINDOW_BYTES_MAX || n > len - i - 2)
			return false;
		if (window == type >> 8)
			return byte < n && (map[i + 2 + byte] & 0x80 >> (type & 7)) != 0;
		i += 2u + n;
	}
	return false;
}

size_t
mus_bitmap_encode(const uint16_t *types, size_t count, uint8_t *out, size_t cap)
{
	size_t len = 0;

	for (unsigned window = 0; window < 256; window++) {
		uint8_t bits[WINDOW_BYTES_MAX] = {0};
		size_t n = 0;

		for (size_t i = 0; i < count; i++) {
			size_t byte = (types[i] & 0xff) / 8u;

			if (types[i] >> 8 != window)
				continue;
			bits[byte] = (uint8_t)(bits[byte] | 0x80 >> (types[i] & 7));
			n = byte + 1 > n ? byte + 1 : n;
		}
		if (n == 0)
			continue;
		if (cap - len < n + 2)
			return 0;
		out[len++] = (uint8_t)window;
		out[len++] = (uint8_t)n;
		memcpy(out + len, bits, n);
		len += n;
	}
	return len;
}
