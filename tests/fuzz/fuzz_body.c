/* Bodies of REST requests: the first byte says as what the rest is read, one object or many. */
#include "fuzz.h"
#include "wire/body.h"

enum { ITEMS_MAX = 100, MANY = 0x40, LINES = 0x80 };

static const struct mus_schema *const schemas[] = {&mus_schema_req_signer,
	&mus_schema_req_signer_change, &mus_schema_req_group, &mus_schema_req_zone,
	&mus_schema_req_zone_change, &mus_schema_req_zone_group, &mus_schema_req_hold,
	&mus_schema_req_abort, &mus_schema_req_force, &mus_schema_req_lost, &mus_schema_req_migrate,
	&mus_schema_req_migrate_many, &mus_schema_req_probe, &mus_schema_req_nothing};

static void
check_str(const struct mus_field *f, const char *s)
{
	/* An item of a list may be a name with escapes, or a line (decode.c). */
	uint64_t max = f->type == MUS_F_STR_LIST ? 1023 : f->max ? f->max : 255;

	MUS_ASSERT(strlen(s) <= max);
	MUS_ASSERT(!f->check || s[0] == '\0' || f->check(s) == NULL);
}

/* What was decoded lies within the bounds of its rows. */
static void
check_fields(const struct mus_schema *s, const void *obj)
{
	const char *p = obj;

	for (unsigned i = 0; i < s->field_count; i++) {
		const struct mus_field *f = &s->field[i];
		const struct mus_list *list = (const void *)(p + f->offset);
		uint64_t n;

		if (f->type == MUS_F_STR && *(const char *const *)(const void *)(p + f->offset))
			check_str(f, *(const char *const *)(const void *)(p + f->offset));
		if (f->type == MUS_F_UINT && f->max) {
			memcpy(&n, p + f->offset, sizeof n);
			MUS_ASSERT(n <= f->max);
		}
		if (f->type != MUS_F_LIST && f->type != MUS_F_STR_LIST)
			continue;
		MUS_ASSERT(!f->max || list->count <= f->max);
		for (size_t k = 0; k < list->count; k++) {
			if (f->type == MUS_F_LIST)
				check_fields(f->sub, (const char *)list->item + k * f->sub->size);
			else
				check_str(f, ((const char *const *)list->item)[k]);
		}
	}
}

static void
check_taken(const struct mus_schema *s, const void *obj)
{
	fuzz_taken++;
	check_fields(s, obj);
}

/* A complaint has words, and says where. */
static void
check_error(const struct mus_wire_error *we)
{
	MUS_ASSERT(we->text.s[0] != '\0' && strlen(we->text.s) < sizeof we->text.s);
	MUS_ASSERT(we->field[0] == '\0' || we->field[0] == '/');
	MUS_ASSERT(strlen(we->field) < sizeof we->field);
}

static void
many(const struct mus_schema *s, const uint8_t *data, size_t size, bool is_lines,
    struct mus_arena *a, void *out)
{
	struct mus_wire_error we = {0};
	struct mus_wire_items *it;

	if (mus_wire_items_open(data, size, is_lines, ITEMS_MAX, &it, &we) < 0) {
		check_error(&we);
		return;
	}
	MUS_ASSERT(mus_wire_items_count(it) <= ITEMS_MAX);
	for (size_t i = 0; i < mus_wire_items_count(it); i++) {
		we = (struct mus_wire_error){0};
		if (mus_wire_items_get(it, i, s, a, out, &we) == 0)
			check_taken(s, out);
		else
			check_error(&we);
	}
	mus_wire_items_close(it);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union {
		struct mus_req_signer signer;
		struct mus_req_zone zone;
		struct mus_req_migrate_many migrate;
		char room[1024];
	} out;
	const struct mus_schema *s;
	struct mus_wire_error we = {0};
	struct mus_arena a;

	if (size < 1)
		return 0;
	s = schemas[(data[0] & 0x3f) % (sizeof schemas / sizeof schemas[0])];
	MUS_ASSERT(s->size <= sizeof out);
	mus_arena_init(&a, 1 << 20);
	if (data[0] & MANY)
		many(s, data + 1, size - 1, (data[0] & LINES) != 0, &a, &out);
	else if (mus_wire_decode(s, data + 1, size - 1, &a, &out, &we) == 0)
		check_taken(s, &out);
	else
		check_error(&we);
	mus_arena_clear(&a);
	return 0;
}
