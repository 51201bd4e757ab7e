#include "wire/schema.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/text.h"

enum { PORT_DNS = 53, STR_MAX = 255, ITEM_MAX = 1023, NAMES_MAX = 64 };

/* Where we are: the JSON pointer as a chain on the stack. */
struct place {
	const struct place *up;
	const char *name;		/* NULL: an index */
	size_t idx;
};
struct ctx {
	struct mus_arena *arena;
	struct mus_wire_error *we;
};

static int decode_object(struct ctx *c, const struct mus_schema *s, const json_t *v, void *out,
    const struct place *at);

static void
write_pointer(const struct place *at, char *out, size_t cap)
{
	size_t len;

	if (at == NULL) {
		out[0] = '\0';
		return;
	}
	write_pointer(at->up, out, cap);
	len = strlen(out);
	if (at->name == NULL) {
		snprintf(out + len, cap - len, "/%zu", at->idx);
		return;
	}
	if (len + 1 < cap)
		out[len++] = '/';
	for (const char *p = at->name; *p != '\0' && len + 3 < cap; p++) {
		/* RFC 6901: ~0 and ~1; a byte that is no printable ASCII must not break a log line */
		if (*p == '~' || *p == '/') {
			out[len++] = '~';
			out[len++] = *p == '~' ? '0' : '1';
		} else {
			out[len++] = *p >= ' ' && *p < 0x7f ? *p : '?';
		}
	}
	out[len] = '\0';
}

static int
refuse(struct ctx *c, const struct place *at, const char *words)
{
	write_pointer(at, c->we->field, sizeof c->we->field);
	return mus_errf(&c->we->text, MUS_ERR_INVAL, "%s", words);
}

static const char *
type_word(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

static int
refuse_type(struct ctx *c, const struct place *at, const char *expected, const json_t *v)
{
	char words[96];

	snprintf(words, sizeof words, "expected %s, got %s", expected, type_word(v));
	return refuse(c, at, words);
}

static int
no_memory(struct ctx *c)
{
	return mus_errf(&c->we->text, MUS_ERR_NOMEM, "the request is too large to decode");
}

static int
decode_str(struct ctx *c, const struct mus_field *f, const json_t *v, const char **out,
    const struct place *at)
{
	size_t len, max = f->type == MUS_F_STR_LIST ? ITEM_MAX : f->max != 0 ? (size_t)f->max : STR_MAX;
	const char *s, *complaint;
	char words[256];

	if (!json_is_string(v))
		return refuse_type(c, at, "a string", v);
	s = json_string_value(v);
	len = json_string_length(v);
	if (len == 0) {
		if ((f->flags & MUS_FIELD_EMPTY) == 0)
			return refuse(c, at, "must not be empty");
		*out = "";
		return 0;
	}
	if (len > max) {
		snprintf(words, sizeof words, "too long: %zu bytes, at most %zu", len, max);
		return refuse(c, at, words);
	}
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return refuse(c, at, "must not contain control characters");
	if (f->check != NULL && (complaint = f->check(s)) != NULL)
		return refuse(c, at, complaint);
	if ((*out = mus_arena_strdup(c->arena, s)) == NULL)
		return no_memory(c);
	return 0;
}

static int
decode_word(struct ctx *c, const struct mus_field *f, const json_t *v, const char **out,
    const struct place *at)
{
	char words[256];
	const char *s;
	size_t count = 0, len;

	if (!json_is_string(v))
		return refuse_type(c, at, "a string", v);
	s = json_string_value(v);
	for (; f->words[count] != NULL; count++) {
		if (strcmp(s, f->words[count]) == 0) {
			*out = f->words[count];
			return 0;
		}
	}
	len = (size_t)snprintf(words, sizeof words, "must be");
	for (size_t i = 0; i < count && len < sizeof words; i++)
		len += (size_t)snprintf(words + len, sizeof words - len, "%s %s",
		    i == 0		? ""
			: i + 1 < count ? ","
					: " or",
		    f->words[i]);
	if (len < sizeof words)
		snprintf(words + len, sizeof words - len, ", and not \"%.40s\"", s);
	for (char *p = words; *p != '\0'; p++)	/* what was given must not break a log line */
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			*p = '?';
	return refuse(c, at, words);
}

static int
decode_addr(struct ctx *c, const json_t *v, struct mus_addr *out, const struct place *at)
{
	if (!json_is_string(v))
		return refuse_type(c, at, "an IP address as a string", v);
	if (!mus_addr_parse(json_string_value(v), PORT_DNS, out))
		return refuse(c, at, mus_addr_why(json_string_value(v)));
	return 0;
}

static int
decode_uint(struct ctx *c, const struct mus_field *f, const json_t *v, uint64_t *out,
    const struct place *at)
{
	uint64_t max = f->max != 0 ? f->max : INT64_MAX;
	char words[96];

	if (!json_is_integer(v))
		return refuse_type(c, at, "an integer", v);
	if (json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max) {
		snprintf(words, sizeof words, "must be between 0 and %llu", (unsigned long long)max);
		return refuse(c, at, words);
	}
	*out = (uint64_t)json_integer_value(v);
	return 0;
}

static int
decode_item(struct ctx *c, const struct mus_field *f, const json_t *v, void *out,
    const struct place *at)
{
	if (f->type == MUS_F_LIST)
		return decode_object(c, f->sub, v, out, at);
	if (f->type == MUS_F_STR_LIST)
		return decode_str(c, f, v, out, at);
	return decode_addr(c, v, out, at);
}

/* Is the last one, number ${i}, among those before it? */
static bool
stands_before(const struct mus_addr *addrs, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (mus_addr_equal(&addrs[k], &addrs[i]))
			return true;
	return false;
}

static int
decode_list(struct ctx *c, const struct mus_field *f, const json_t *v, struct mus_list *out,
    const struct place *at)
{
	size_t size = f->type == MUS_F_LIST ? f->sub->size
	    : f->type == MUS_F_STR_LIST	    ? sizeof(const char *)
					    : sizeof(struct mus_addr);
	struct place here = {at, NULL, 0};
	char words[96];
	char *mem;
	int rc;

	if (!json_is_array(v))
		return refuse_type(c, at, "an array", v);
	if (f->max != 0 && json_array_size(v) > f->max) {
		snprintf(words, sizeof words, "too many: %zu, at most %llu", json_array_size(v),
		    (unsigned long long)f->max);
		return refuse(c, at, words);
	}
	*out = (struct mus_list){NULL, json_array_size(v)};
	if (out->count == 0)
		return 0;
	if ((mem = mus_arena_alloc(c->arena, out->count * size)) == NULL)
		return no_memory(c);
	for (size_t i = 0; i < out->count; i++) {
		here.idx = i;
		if ((rc = decode_item(c, f, json_array_get(v, i), mem + i * size, &here)) < 0)
			return rc;
		if (f->type == MUS_F_ADDR_LIST && stands_before((const struct mus_addr *)(void *)mem, i))
			return refuse(c, &here, "stands twice");
	}
	out->item = mem;
	return 0;
}

static int
decode_field(struct ctx *c, const struct mus_field *f, const json_t *v, void *p,
    const struct place *at)
{
	switch (f->type) {
	case MUS_F_STR:
		return decode_str(c, f, v, p, at);
	case MUS_F_WORD:
		return decode_word(c, f, v, p, at);
	case MUS_F_ADDR:
		return decode_addr(c, v, p, at);
	case MUS_F_BOOL:
		if (!json_is_boolean(v))
			return refuse_type(c, at, "true or false", v);
		*(bool *)p = json_is_true(v);
		return 0;
	case MUS_F_UINT:
		return decode_uint(c, f, v, p, at);
	case MUS_F_OBJECT: {
		void *sub = mus_arena_alloc(c->arena, f->sub->size);
		int rc;

		if (sub == NULL)
			return no_memory(c);
		if ((rc = decode_object(c, f->sub, v, sub, at)) < 0)
			return rc;
		*(const void **)p = sub;
		return 0;
	}
	case MUS_F_LIST:
	case MUS_F_STR_LIST:
	case MUS_F_ADDR_LIST:
		return decode_list(c, f, v, p, at);
	case MUS_F_TIME:
	case MUS_F_RAW:
		break;
	}
	MUS_ASSERT(!"a type of replies in a request");
}

static int
refuse_unknown(struct ctx *c, const struct mus_schema *s, const char *name, const struct place *up)
{
	const struct place at = {up, name, 0};
	const char *names[NAMES_MAX], *near;
	char words[160];

	for (unsigned i = 0; i < s->field_count; i++)
		names[i] = s->field[i].name;
	near = mus_text_nearest(name, names, s->field_count);
	if (near != NULL)
		snprintf(words, sizeof words, "unknown field; did you mean \"%s\"?", near);
	else
		snprintf(words, sizeof words, "unknown field of %s", s->name);
	return refuse(c, &at, words);
}

static const struct mus_field *
find_field(const struct mus_schema *s, const char *name, unsigned *idx)
{
	for (*idx = 0; *idx < s->field_count; ++*idx)
		if (strcmp(s->field[*idx].name, name) == 0)
			return &s->field[*idx];
	return NULL;
}

static int
decode_object(struct ctx *c, const struct mus_schema *s, const json_t *v, void *out,
    const struct place *at)
{
	uint64_t given = 0;
	unsigned idx;
	int rc;

	MUS_ASSERT(s->is_request && s->field_count <= NAMES_MAX);
	if (!json_is_object(v))
		return refuse_type(c, at, "an object", v);
	memset(out, 0, s->size);
	for (void *it = json_object_iter((json_t *)(uintptr_t)v); it != NULL;
	     it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
		const char *name = json_object_iter_key(it);
		const struct place here = {at, name, 0};
		const struct mus_field *f = find_field(s, name, &idx);

		if (f == NULL)
			return refuse_unknown(c, s, name, at);
		if ((rc = decode_field(c, f, json_object_iter_value(it), (char *)out + f->offset,
			 &here)) < 0)
			return rc;
		given |= (uint64_t)1 << idx;
	}
	for (idx = 0; idx < s->field_count; idx++) {
		const struct place here = {at, s->field[idx].name, 0};

		if ((s->field[idx].flags & MUS_FIELD_REQUIRED) != 0 && (given >> idx & 1) == 0)
			return refuse(c, &here, "is missing");
	}
	memcpy((char *)out + s->given_offset, &given, sizeof given);
	return 0;
}

static int
refuse_syntax(struct mus_wire_error *we, const json_error_t *je, int line_offset, long byte_offset)
{
	we->line = je->line + line_offset;
	we->column = je->column;
	we->position = byte_offset + je->position;
	/* the words quote what was read: only their printable part goes on */
	mus_errf(&we->text, MUS_ERR_SYNTAX, "line %d, column %d: %s", we->line, we->column, je->text);
	for (char *p = we->text.s; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
			*p = '?';
	return MUS_ERR_SYNTAX;
}

static void
clear_error(struct mus_wire_error *we)
{
	*we = (struct mus_wire_error){.position = -1};
}

int
mus_wire_decode(const struct mus_schema *s, const void *body, size_t len, struct mus_arena *arena,
    void *out, struct mus_wire_error *we)
{
	struct ctx c = {arena, we};
	json_error_t je;
	json_t *root;
	int rc;

	clear_error(we);
	if (len == 0)
		root = json_object();
	else
		root = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (root == NULL)
		return len == 0 ? no_memory(&c) : refuse_syntax(we, &je, 0, 0);
	rc = decode_object(&c, s, root, out, NULL);
	json_decref(root);
	return rc;
}

struct mus_wire_items {
	json_t *array;
};

static bool
is_blank(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
			return false;
	return true;
}

static int
load_lines(const char *body, size_t len, size_t items_max, json_t *array, struct mus_wire_error *we)
{
	int line = 0;

	for (size_t at = 0; at < len; line++) {
		const char *end = memchr(body + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - (body + at)) : len - at;
		json_error_t je;
		json_t *v;

		if (!is_blank(body + at, n)) {
			if (json_array_size(array) >= items_max)
				return mus_errf(&we->text, MUS_ERR_TOOBIG, "more than %zu items",
				    items_max);
			v = json_loadb(body + at, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
			if (v == NULL)
				return refuse_syntax(we, &je, line, (long)at);
			if (json_array_append_new(array, v) < 0)
				return mus_errf(&we->text, MUS_ERR_NOMEM, "out of memory");
		}
		at += n + 1;
	}
	return 0;
}

int
mus_wire_items_open(const void *body, size_t len, bool is_ndjson, size_t items_max,
    struct mus_wire_items **out, struct mus_wire_error *we)
{
	struct mus_wire_items *it;
	json_t *array = NULL;
	json_error_t je;
	int rc;

	clear_error(we);
	if (is_ndjson) {
		if ((array = json_array()) == NULL)
			return mus_errf(&we->text, MUS_ERR_NOMEM, "out of memory");
		if ((rc = load_lines(body, len, items_max, array, we)) < 0)
			goto fail;
	} else {
		array = json_loadb(len > 0 ? body : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
		if (array == NULL)
			return refuse_syntax(we, &je, 0, 0);
		if (!json_is_array(array)) {
			rc = mus_errf(&we->text, MUS_ERR_INVAL, "expected an array, got %s",
			    type_word(array));
			goto fail;
		}
		if (json_array_size(array) > items_max) {
			rc = mus_errf(&we->text, MUS_ERR_TOOBIG, "more than %zu items", items_max);
			goto fail;
		}
	}
	if ((it = malloc(sizeof *it)) == NULL) {
		rc = mus_errf(&we->text, MUS_ERR_NOMEM, "out of memory");
		goto fail;
	}
	it->array = array;
	*out = it;
	return 0;
fail:
	json_decref(array);
	return rc;
}

size_t
mus_wire_items_count(const struct mus_wire_items *it)
{
	return json_array_size(it->array);
}

int
mus_wire_items_get(const struct mus_wire_items *it, size_t idx, const struct mus_schema *s,
    struct mus_arena *arena, void *out, struct mus_wire_error *we)
{
	const struct place at = {NULL, NULL, idx};
	struct ctx c = {arena, we};

	clear_error(we);
	return decode_object(&c, s, json_array_get(it->array, idx), out, &at);
}

void
mus_wire_items_close(struct mus_wire_items *it)
{
	if (it == NULL)
		return;
	json_decref(it->array);
	free(it);
}
