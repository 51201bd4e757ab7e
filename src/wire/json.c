#include "wire/json.h"

#include <string.h>

#include "base/err.h"

void
mus_json_init(struct mus_json *j, struct mus_buf *out)
{
	*j = (struct mus_json){.out = out};
}

/* Before every value: the comma, and the check that a value may stand here. */
static void
begin_value(struct mus_json *j)
{
	if (j->depth == 0) {
		MUS_ASSERT(!j->is_done);
		return;
	}
	if (j->level[j->depth - 1].is_object) {
		MUS_ASSERT(j->has_name);
		j->has_name = false;
		return;
	}
	if (j->level[j->depth - 1].has_items)
		mus_buf_add_u8(j->out, ',');
	j->level[j->depth - 1].has_items = true;
}

static void
end_value(struct mus_json *j)
{
	if (j->depth == 0)
		j->is_done = true;
}

static void
open_level(struct mus_json *j, bool is_object)
{
	begin_value(j);
	MUS_ASSERT(j->depth < MUS_JSON_DEPTH_MAX);
	j->level[j->depth].is_object = is_object;
	j->level[j->depth].has_items = false;
	j->depth++;
	mus_buf_add_u8(j->out, is_object ? '{' : '[');
}

static void
close_level(struct mus_json *j, bool is_object)
{
	MUS_ASSERT(j->depth > 0 && j->level[j->depth - 1].is_object == is_object && !j->has_name);
	j->depth--;
	mus_buf_add_u8(j->out, is_object ? '}' : ']');
	end_value(j);
}

void
mus_json_object(struct mus_json *j)
{
	open_level(j, true);
}

void
mus_json_object_end(struct mus_json *j)
{
	close_level(j, true);
}

void
mus_json_array(struct mus_json *j)
{
	open_level(j, false);
}

void
mus_json_array_end(struct mus_json *j)
{
	close_level(j, false);
}

/* Length of the UTF-8 sequence at ${p}, 0 when it is none (RFC 3629: shortest form, no
 * surrogates, nothing above U+10FFFF). */
static size_t
utf8_len(const uint8_t *p, size_t left)
{
	uint8_t c = p[0], low = 0x80, high = 0xbf;
	size_t n;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	if (left < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

static void
add_escaped(struct mus_buf *out, const uint8_t *p, size_t len)
{
	size_t plain = 0, n;

	mus_buf_add_u8(out, '"');
	for (size_t i = 0; i < len; i += n) {
		uint8_t c = p[i];
		const char *esc = NULL;
		char hex[8];

		n = 1;
		if (c == '"')
			esc = "\\\"";
		else if (c == '\\')
			esc = "\\\\";
		else if (c == '\n')
			esc = "\\n";
		else if (c == '\r')
			esc = "\\r";
		else if (c == '\t')
			esc = "\\t";
		else if (c < 0x20 || c == 0x7f) {
			static const char digit[] = "0123456789abcdef";

			memcpy(hex, "\\u00", 4);
			hex[4] = digit[c >> 4];
			hex[5] = digit[c & 15];
			hex[6] = '\0';
			esc = hex;
		} else if (c >= 0x80 && (n = utf8_len(p + i, len - i)) == 0) {
			n = 1;
			esc = "\xef\xbf\xbd";
		}
		if (esc != NULL) {
			mus_buf_add(out, p + plain, i - plain);
			mus_buf_add_str(out, esc);
			plain = i + n;
		}
	}
	mus_buf_add(out, p + plain, len - plain);
	mus_buf_add_u8(out, '"');
}

void
mus_json_name(struct mus_json *j, const char *name)
{
	MUS_ASSERT(j->depth > 0 && j->level[j->depth - 1].is_object && !j->has_name);
	if (j->level[j->depth - 1].has_items)
		mus_buf_add_u8(j->out, ',');
	j->level[j->depth - 1].has_items = true;
	add_escaped(j->out, (const uint8_t *)name, strlen(name));
	mus_buf_add_u8(j->out, ':');
	j->has_name = true;
}

void
mus_json_str_len(struct mus_json *j, const char *s, size_t len)
{
	begin_value(j);
	add_escaped(j->out, (const uint8_t *)s, len);
	end_value(j);
}

void
mus_json_str(struct mus_json *j, const char *s)
{
	if (s == NULL)
		mus_json_null(j);
	else
		mus_json_str_len(j, s, strlen(s));
}

void
mus_json_int(struct mus_json *j, int64_t v)
{
	begin_value(j);
	mus_buf_printf(j->out, "%lld", (long long)v);
	end_value(j);
}

void
mus_json_uint(struct mus_json *j, uint64_t v)
{
	begin_value(j);
	mus_buf_printf(j->out, "%llu", (unsigned long long)v);
	end_value(j);
}

void
mus_json_bool(struct mus_json *j, bool v)
{
	begin_value(j);
	mus_buf_add_str(j->out, v ? "true" : "false");
	end_value(j);
}

void
mus_json_null(struct mus_json *j)
{
	begin_value(j);
	mus_buf_add_str(j->out, "null");
	end_value(j);
}

void
mus_json_time(struct mus_json *j, struct mus_time t)
{
	char text[MUS_TIME_TEXT_MAX];

	if (mus_time_is_set(t))
		mus_json_str(j, mus_time_text(t, text));
	else
		mus_json_null(j);
}

void
mus_json_raw(struct mus_json *j, const char *text, size_t len)
{
	begin_value(j);
	mus_buf_add(j->out, text, len);
	end_value(j);
}
