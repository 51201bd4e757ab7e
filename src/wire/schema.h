/*
 * REST bodies as tables: one row a field says its JSON name, its type, its bounds and where it
 * lies in the struct.  The same rows decode requests, encode replies and make the OpenAPI text.
 *
 * Requests are closed: an unknown field, a doubled one, a wrong type or a value out of bounds is
 * refused, and the error names it by JSON pointer.  Decoded strings and lists live in the arena.
 */
#ifndef MUS_WIRE_SCHEMA_H
#define MUS_WIRE_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/json.h"

enum mus_field_type {			/* what lies at the offset */
	MUS_F_STR,			/* const char *; max: longest in bytes (0: 255) */
	MUS_F_WORD,			/* const char *, one of words */
	MUS_F_ADDR,			/* struct mus_addr; in JSON "192.0.2.1" or "192.0.2.1@5353" */
	MUS_F_BOOL,			/* bool */
	MUS_F_UINT,			/* uint64_t, at most max (0: no bound) */
	MUS_F_TIME,			/* struct mus_time; replies only; not set: null */
	MUS_F_OBJECT,			/* const void *, a struct of sub; NULL: null */
	MUS_F_LIST,			/* struct mus_list of structs of sub; max: most items */
	MUS_F_STR_LIST,			/* struct mus_list of const char *; max: most items */
	MUS_F_ADDR_LIST,		/* struct mus_list of struct mus_addr; max: most items */
	MUS_F_RAW,			/* struct mus_raw: any JSON; replies only */
};
struct mus_list {
	const void *item;		/* lent: arena or caller */
	size_t count;
};
struct mus_raw {
	const char *text;		/* is JSON already; NULL: null */
	size_t len;
};

enum {					/* mus_field.flags */
	MUS_FIELD_REQUIRED = 1,		/* request: must be given */
	MUS_FIELD_NULLABLE = 2,		/* reply: may be null (TIME and OBJECT always may) */
	MUS_FIELD_OPTIONAL = 4,		/* reply: left out when NULL, empty or not set */
	MUS_FIELD_EMPTY = 8,		/* request: the empty string is fine ("none") */
};

struct mus_schema;
struct mus_field {
	const char *name;
	enum mus_field_type type;
	unsigned flags;
	size_t offset;
	uint64_t max;			/* see the types */
	const char *const *words;	/* WORD: NULL-terminated */
	const struct mus_schema *sub;
	const char *(*check)(const char *s);	/* STR, STR_LIST: complaint, or NULL when it is fine */
	const char *format;		/* STR: word for the OpenAPI text ("domain-name"); may be NULL */
	const char *help;		/* one line */
};
struct mus_schema {
	const char *name;		/* "Zone" */
	const char *help;
	size_t size;			/* of the struct */
	size_t given_offset;		/* requests: uint64_t, bit i set when field i was given */
	const struct mus_field *field;
	unsigned field_count;
	bool is_request;
};

/* What is wrong with a body. */
struct mus_wire_error {
	char field[160];		/* JSON pointer ("/parent_addresses/2"); empty: the whole body */
	struct mus_errtext text;
	int line, column;		/* broken JSON only, from 1; else 0 */
	long position;			/* broken JSON only, in bytes; else -1 */
};

/* Decodes a whole body, which must be one object, into ${out} (zeroed first).  An empty body is an
 * object without fields.  SYNTAX, INVAL, NOMEM. */
int mus_wire_decode(const struct mus_schema *s, const void *body, size_t len, struct mus_arena *arena,
    void *out, struct mus_wire_error *we) MUS_MUST_CHECK;

/* A body of many objects: a JSON array, or one object a line (NDJSON).  Broken JSON anywhere is an
 * error of the whole; each item is decoded by itself. */
struct mus_wire_items;
int mus_wire_items_open(const void *body, size_t len, bool is_ndjson, size_t items_max,
    struct mus_wire_items **out, struct mus_wire_error *we) MUS_MUST_CHECK;
size_t mus_wire_items_count(const struct mus_wire_items *it);
/* The field in ${we} starts with the index of the item ("/17/group"). */
int mus_wire_items_get(const struct mus_wire_items *it, size_t idx, const struct mus_schema *s,
    struct mus_arena *arena, void *out, struct mus_wire_error *we) MUS_MUST_CHECK;
void mus_wire_items_close(struct mus_wire_items *it);

/* Writes ${obj}, a struct of ${s}, as one JSON object. */
void mus_wire_encode(struct mus_json *j, const struct mus_schema *s, const void *obj);

static inline bool
mus_wire_given(uint64_t given, unsigned idx)
{
	return (given >> idx & 1) != 0;
}

#endif
