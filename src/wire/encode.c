#include "wire/schema.h"

#include <string.h>

#include "base/addr.h"

enum { PORT_DNS = 53 };

static bool
is_left_out(const struct mus_field *f, const void *p)
{
	if ((f->flags & MUS_FIELD_OPTIONAL) == 0)
		return false;
	switch (f->type) {
	case MUS_F_STR:
	case MUS_F_WORD: {
		const char *s = *(const char *const *)p;

		return s == NULL || *s == '\0';
	}
	case MUS_F_ADDR:
		return ((const struct mus_addr *)p)->family == 0;
	case MUS_F_BOOL:
		return !*(const bool *)p;
	case MUS_F_UINT:
		return *(const uint64_t *)p == 0;
	case MUS_F_TIME:
		return !mus_time_is_set(*(const struct mus_time *)p);
	case MUS_F_OBJECT:
		return *(const void *const *)p == NULL;
	case MUS_F_LIST:
	case MUS_F_STR_LIST:
	case MUS_F_ADDR_LIST:
		return ((const struct mus_list *)p)->count == 0;
	case MUS_F_RAW:
		return ((const struct mus_raw *)p)->text == NULL;
	}
	return false;
}

static void
encode_str(struct mus_json *j, const struct mus_field *f, const char *s)
{
	if (s != NULL)
		mus_json_str(j, s);
	else if ((f->flags & MUS_FIELD_NULLABLE) != 0)
		mus_json_null(j);
	else
		mus_json_str(j, "");
}

static void
encode_addr(struct mus_json *j, const struct mus_addr *a)
{
	char text[MUS_ADDR_TEXT_MAX];

	mus_json_str(j, a->family != 0 ? mus_addr_text(a, PORT_DNS, text) : NULL);
}

static void
encode_list(struct mus_json *j, const struct mus_field *f, const struct mus_list *list)
{
	mus_json_array(j);
	for (size_t i = 0; i < list->count; i++) {
		if (f->type == MUS_F_LIST)
			mus_wire_encode(j, f->sub, (const char *)list->item + i * f->sub->size);
		else if (f->type == MUS_F_STR_LIST)
			mus_json_str(j, ((const char *const *)list->item)[i]);
		else
			encode_addr(j, &((const struct mus_addr *)list->item)[i]);
	}
	mus_json_array_end(j);
}

static void
encode_field(struct mus_json *j, const struct mus_field *f, const void *p)
{
	switch (f->type) {
	case MUS_F_STR:
	case MUS_F_WORD:
		encode_str(j, f, *(const char *const *)p);
		break;
	case MUS_F_ADDR:
		encode_addr(j, p);
		break;
	case MUS_F_BOOL:
		mus_json_bool(j, *(const bool *)p);
		break;
	case MUS_F_UINT:
		mus_json_uint(j, *(const uint64_t *)p);
		break;
	case MUS_F_TIME:
		mus_json_time(j, *(const struct mus_time *)p);
		break;
	case MUS_F_OBJECT:
		if (*(const void *const *)p != NULL)
			mus_wire_encode(j, f->sub, *(const void *const *)p);
		else
			mus_json_null(j);
		break;
	case MUS_F_LIST:
	case MUS_F_STR_LIST:
	case MUS_F_ADDR_LIST:
		encode_list(j, f, p);
		break;
	case MUS_F_RAW: {
		const struct mus_raw *raw = p;

		if (raw->text != NULL)
			mus_json_raw(j, raw->text, raw->len);
		else
			mus_json_null(j);
		break;
	}
	}
}

void
mus_wire_encode(struct mus_json *j, const struct mus_schema *s, const void *obj)
{
	mus_json_object(j);
	for (unsigned i = 0; i < s->field_count; i++) {
		const struct mus_field *f = &s->field[i];
		const void *p = (const char *)obj + f->offset;

		if (is_left_out(f, p))
			continue;
		mus_json_name(j, f->name);
		encode_field(j, f, p);
	}
	mus_json_object_end(j);
}
