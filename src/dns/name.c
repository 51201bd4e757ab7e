#include <stdio.h>
#include <string.h>

#include "dns/name.h"

enum { LABEL_MAX = 63, LABELS_MAX = 128 };

static inline uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* One character of presentation form, escape or not; -1: bad escape. */
static int
parse_char(const char **p)
{
	const char *s = *p;
	int v;

	if (*s != '\\') {
		*p = s + 1;
		return (uint8_t)*s;
	}
	s++;
	if (*s < '0' || *s > '9') {
		*p = s + 1;
		return *s == '\0' ? -1 : (uint8_t)*s;
	}
	v = 0;
	for (int i = 0; i < 3; i++, s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s - '0');
	}
	*p = s;
	return v <= 255 ? v : -1;
}

/* The labels of ${text} to the front of ${out}, no root label yet; NULL, or what is wrong. */
static const char *
parse_labels(const char *text, struct mus_name *out)
{
	const char *p = text;
	size_t len = 0;

	while (*p != '\0') {
		size_t head = len++;

		while (*p != '\0' && *p != '.') {
			int c = parse_char(&p);

			if (c < 0)
				return "bad escape";
			if (len - head > LABEL_MAX)
				return "label longer than 63 bytes";
			/* The last byte is the root label's. */
			if (len >= MUS_NAME_MAX - 1)
				return "longer than 255 bytes";
			out->wire[len++] = lower((uint8_t)c);
		}
		if (len == head + 1)
			return "empty label";
		out->wire[head] = (uint8_t)(len - head - 1);
		p += *p == '.';
	}
	out->len = (uint8_t)len;
	return NULL;
}

int
mus_name_parse(const char *text, struct mus_name *out, struct mus_errtext *et)
{
	struct mus_name n = {0};
	const char *why = NULL;

	if (*text == '\0')
		why = "empty";
	else if (strcmp(text, ".") != 0)
		why = parse_labels(text, &n);
	if (why)
		return mus_errf(et, MUS_ERR_INVAL, "domain name \"%.300s\": %s", text, why);
	n.wire[n.len++] = 0;
	*out = n;
	return 0;
}

int
mus_name_from_wire(const uint8_t *wire, size_t max, struct mus_name *out)
{
	struct mus_name n = {0};
	size_t len = 0;

	for (;;) {
		uint8_t label;

		if (len >= max || len >= MUS_NAME_MAX)
			return MUS_ERR_MALFORM;
		label = wire[len];
		if (label > LABEL_MAX || label >= max - len || len + label + 1u > MUS_NAME_MAX)
			return MUS_ERR_MALFORM;
		n.wire[len++] = label;
		if (label == 0)
			break;
		for (uint8_t i = 0; i < label; i++, len++)
			n.wire[len] = lower(wire[len]);
	}
	n.len = (uint8_t)len;
	*out = n;
	return 0;
}

static char *
put_char(char *o, uint8_t c)
{
	if (c <= ' ' || c >= 0x7f) {
		*o++ = '\\';
		*o++ = (char)('0' + c / 100);
		*o++ = (char)('0' + c / 10 % 10);
		*o++ = (char)('0' + c % 10);
		return o;
	}
	/* What would mean something else in a zone file. */
	if (strchr(".;()\"\\@$", c))
		*o++ = '\\';
	*o++ = (char)c;
	return o;
}

const char *
mus_name_text(const struct mus_name *n, char out[static MUS_NAME_TEXT_MAX])
{
	const uint8_t *p = n->wire, *end = n->wire + n->len;
	char *o = out;

	if (n->len == 1)
		*o++ = '.';
	/* At most four characters a byte, and the length bytes pay for the dots: 1017 with NUL. */
	while (p < end && *p != 0) {
		const uint8_t *label_end = p + 1 + *p;

		for (p++; p < label_end && p < end; p++)
			o = put_char(o, *p);
		*o++ = '.';
	}
	*o = '\0';
	return out;
}

bool
mus_name_equal(const struct mus_name *a, const struct mus_name *b)
{
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

/* Where the labels begin, root label not counted. */
static unsigned
label_offsets(const struct mus_name *n, uint8_t off[static LABELS_MAX])
{
	unsigned count = 0;
	size_t i = 0;

	while (i < n->len && n->wire[i] != 0 && count < LABELS_MAX) {
		off[count++] = (uint8_t)i;
		i += n->wire[i] + 1u;
	}
	return count;
}

int
mus_name_cmp(const struct mus_name *a, const struct mus_name *b)
{
	uint8_t off_a[LABELS_MAX], off_b[LABELS_MAX];
	unsigned na, nb;

	if (mus_name_equal(a, b))
		return 0;
	na = label_offsets(a, off_a);
	nb = label_offsets(b, off_b);
	while (na > 0 && nb > 0) {
		const uint8_t *la = a->wire + off_a[--na], *lb = b->wire + off_b[--nb];
		int c = memcmp(la + 1, lb + 1, *la < *lb ? *la : *lb);

		if (c != 0)
			return c;
		if (*la != *lb)
			return *la < *lb ? -1 : 1;
	}
	return na < nb ? -1 : na > nb;
}

bool
mus_name_in(const struct mus_name *n, const struct mus_name *apex)
{
	size_t i = 0;

	if (n->len == 0 || apex->len == 0)
		return false;
	while (n->len - i > apex->len)
		i += n->wire[i] + 1u;
	return n->len - i == apex->len && memcmp(n->wire + i, apex->wire, apex->len) == 0;
}

unsigned
mus_name_labels(const struct mus_name *n)
{
	uint8_t off[LABELS_MAX];

	return label_offsets(n, off);
}

bool
mus_name_is_root(const struct mus_name *n)
{
	return n->len == 1;
}

bool
mus_name_parent(const struct mus_name *n, struct mus_name *out)
{
	struct mus_name up = {0};
	size_t cut;

	if (n->len <= 1)
		return false;
	cut = n->wire[0] + 1u;
	up.len = (uint8_t)(n->len - cut);
	memcpy(up.wire, n->wire + cut, up.len);
	*out = up;
	return true;
}

int
mus_name_prepend(const char *label, const struct mus_name *n, struct mus_name *out)
{
	struct mus_name r = {0};

	if (*label == '\0' || n->len == 0 || parse_labels(label, &r) != NULL ||
	    r.len + n->len > MUS_NAME_MAX)
		return MUS_ERR_INVAL;
	memcpy(r.wire + r.len, n->wire, n->len);
	r.len = (uint8_t)(r.len + n->len);
	*out = r;
	return 0;
}
