/*
 * The OpenAPI 3.0 text of the interface, made from the route table and the schemas it names.
 */
#include <stdio.h>
#include <string.h>

#include "routes_int.h"

enum { SCHEMAS_MAX = 64 };

struct doc {
	struct mus_json j;
	const struct mus_schema *schema[SCHEMAS_MAX];	/* every one that is referred to */
	unsigned schema_count;
};

static void
member(struct doc *d, const char *name, const char *value)
{
	mus_json_name(&d->j, name);
	mus_json_str(&d->j, value);
}

static void
collect(struct doc *d, const struct mus_schema *s)
{
	for (unsigned i = 0; i < d->schema_count; i++)
		if (d->schema[i] == s)
			return;
	MUS_ASSERT(d->schema_count < SCHEMAS_MAX);
	d->schema[d->schema_count++] = s;
	for (unsigned i = 0; i < s->field_count; i++)
		if (s->field[i].sub != NULL)
			collect(d, s->field[i].sub);
}

static void
write_ref(struct doc *d, const struct mus_schema *s)
{
	char ref[96];

	snprintf(ref, sizeof ref, "#/components/schemas/%s", s->name);
	mus_json_object(&d->j);
	member(d, "$ref", ref);
	mus_json_object_end(&d->j);
}

static void
write_words(struct doc *d, const char *const *words)
{
	mus_json_name(&d->j, "enum");
	mus_json_array(&d->j);
	for (; *words != NULL; words++)
		mus_json_str(&d->j, *words);
	mus_json_array_end(&d->j);
}

static void
write_bound(struct doc *d, const char *name, uint64_t v)
{
	if (v == 0)
		return;
	mus_json_name(&d->j, name);
	mus_json_uint(&d->j, v);
}

/* "type" and what goes with it, inside the object of a field. */
static void
write_type(struct doc *d, const struct mus_schema *s, const struct mus_field *f)
{
	bool nullable = (f->flags & MUS_FIELD_NULLABLE) != 0;

	switch (f->type) {
	case MUS_F_STR:
	case MUS_F_WORD:
		member(d, "type", "string");
		if (f->format != NULL)
			member(d, "format", f->format);
		if (f->type == MUS_F_WORD)
			write_words(d, f->words);
		else
			write_bound(d, "maxLength", f->max);
		if (s->is_request && f->type == MUS_F_STR && (f->flags & MUS_FIELD_EMPTY) == 0)
			write_bound(d, "minLength", 1);
		break;
	case MUS_F_ADDR:
		member(d, "type", "string");
		member(d, "format", "ip-address");
		break;
	case MUS_F_BOOL:
		member(d, "type", "boolean");
		break;
	case MUS_F_UINT:
		member(d, "type", "integer");
		member(d, "format", "int64");
		mus_json_name(&d->j, "minimum");
		mus_json_uint(&d->j, 0);
		write_bound(d, "maximum", f->max);
		break;
	case MUS_F_TIME:
		member(d, "type", "string");
		member(d, "format", "date-time");
		nullable = true;
		break;
	case MUS_F_OBJECT:
		mus_json_name(&d->j, "allOf");
		mus_json_array(&d->j);
		write_ref(d, f->sub);
		mus_json_array_end(&d->j);
		nullable = true;
		break;
	case MUS_F_LIST:
	case MUS_F_STR_LIST:
	case MUS_F_ADDR_LIST:
		member(d, "type", "array");
		write_bound(d, "maxItems", f->max);
		mus_json_name(&d->j, "items");
		if (f->type == MUS_F_LIST) {
			write_ref(d, f->sub);
			break;
		}
		mus_json_object(&d->j);
		member(d, "type", "string");
		mus_json_object_end(&d->j);
		break;
	case MUS_F_RAW:
		nullable = true;
		break;
	}
	if (nullable) {
		mus_json_name(&d->j, "nullable");
		mus_json_bool(&d->j, true);
	}
}

static void
write_schema(struct doc *d, const struct mus_schema *s)
{
	bool any = false;

	mus_json_name(&d->j, s->name);
	mus_json_object(&d->j);
	member(d, "type", "object");
	member(d, "description", s->help);
	mus_json_name(&d->j, "additionalProperties");
	mus_json_bool(&d->j, false);
	mus_json_name(&d->j, "properties");
	mus_json_object(&d->j);
	for (unsigned i = 0; i < s->field_count; i++) {
		mus_json_name(&d->j, s->field[i].name);
		mus_json_object(&d->j);
		write_type(d, s, &s->field[i]);
		member(d, "description", s->field[i].help);
		mus_json_object_end(&d->j);
	}
	mus_json_object_end(&d->j);
	for (unsigned i = 0; i < s->field_count; i++) {
		bool needed = s->is_request ? (s->field[i].flags & MUS_FIELD_REQUIRED) != 0
					    : (s->field[i].flags & MUS_FIELD_OPTIONAL) == 0;

		if (!needed)
			continue;
		if (!any) {
			mus_json_name(&d->j, "required");
			mus_json_array(&d->j);
			any = true;
		}
		mus_json_str(&d->j, s->field[i].name);
	}
	if (any)
		mus_json_array_end(&d->j);
	mus_json_object_end(&d->j);
}

static void
write_parameters(struct doc *d, const struct api_route *r)
{
	mus_json_name(&d->j, "parameters");
	mus_json_array(&d->j);
	for (const char *p = strchr(r->path, '{'); p != NULL; p = strchr(p + 1, '{')) {
		char name[32];

		snprintf(name, sizeof name, "%.*s", (int)(strchr(p, '}') - p - 1), p + 1);
		mus_json_object(&d->j);
		member(d, "name", name);
		member(d, "in", "path");
		mus_json_name(&d->j, "required");
		mus_json_bool(&d->j, true);
		mus_json_name(&d->j, "schema");
		mus_json_object(&d->j);
		member(d, "type", "string");
		mus_json_object_end(&d->j);
		mus_json_object_end(&d->j);
	}
	for (const struct api_query *q = r->query; q != NULL && q->name != NULL; q++) {
		mus_json_object(&d->j);
		member(d, "name", q->name);
		member(d, "in", "query");
		member(d, "description", q->help);
		mus_json_name(&d->j, "schema");
		mus_json_object(&d->j);
		member(d, "type",
		    q->type == API_Q_UINT	? "integer"
			: q->type == API_Q_BOOL ? "boolean"
						: "string");
		mus_json_object_end(&d->j);
		mus_json_object_end(&d->j);
	}
	mus_json_array_end(&d->j);
}

/* A content object with one type; ${s} NULL: plain text. */
static void
write_content(struct doc *d, const char *type, const struct mus_schema *s, bool is_array)
{
	mus_json_name(&d->j, type);
	mus_json_object(&d->j);
	mus_json_name(&d->j, "schema");
	if (s == NULL) {
		mus_json_object(&d->j);
		if (strcmp(type, "application/json") != 0)
			member(d, "type", "string");
		mus_json_object_end(&d->j);
	} else if (is_array) {
		mus_json_object(&d->j);
		member(d, "type", "array");
		mus_json_name(&d->j, "items");
		write_ref(d, s);
		mus_json_object_end(&d->j);
	} else {
		write_ref(d, s);
	}
	mus_json_object_end(&d->j);
}

static void
write_request(struct doc *d, const struct api_route *r)
{
	bool needed = false;

	if (r->request == NULL)
		return;
	for (unsigned i = 0; i < r->request->field_count; i++)
		needed = needed || (r->request->field[i].flags & MUS_FIELD_REQUIRED) != 0;
	mus_json_name(&d->j, "requestBody");
	mus_json_object(&d->j);
	mus_json_name(&d->j, "required");
	mus_json_bool(&d->j, needed);
	mus_json_name(&d->j, "content");
	mus_json_object(&d->j);
	write_content(d, "application/json", r->request, r->is_bulk);
	if (r->is_bulk)
		write_content(d, "application/x-ndjson", r->request, false);
	mus_json_object_end(&d->j);
	mus_json_object_end(&d->j);
}

/* {"items": [...], "next": ...} */
static void
write_list_content(struct doc *d, const struct mus_schema *s)
{
	mus_json_name(&d->j, "application/json");
	mus_json_object(&d->j);
	mus_json_name(&d->j, "schema");
	mus_json_object(&d->j);
	member(d, "type", "object");
	mus_json_name(&d->j, "additionalProperties");
	mus_json_bool(&d->j, false);
	mus_json_name(&d->j, "required");
	mus_json_array(&d->j);
	mus_json_str(&d->j, "items");
	mus_json_str(&d->j, "next");
	mus_json_array_end(&d->j);
	mus_json_name(&d->j, "properties");
	mus_json_object(&d->j);
	mus_json_name(&d->j, "items");
	mus_json_object(&d->j);
	member(d, "type", "array");
	mus_json_name(&d->j, "items");
	write_ref(d, s);
	mus_json_object_end(&d->j);
	mus_json_name(&d->j, "next");
	mus_json_object(&d->j);
	member(d, "type", "string");
	member(d, "description", "?after= of the next page; null: this is the last");
	mus_json_name(&d->j, "nullable");
	mus_json_bool(&d->j, true);
	mus_json_object_end(&d->j);
	mus_json_object_end(&d->j);
	mus_json_object_end(&d->j);
	mus_json_object_end(&d->j);
}

static void
write_error_answer(struct doc *d, const char *status, const char *words)
{
	mus_json_name(&d->j, status);
	mus_json_object(&d->j);
	member(d, "description", words);
	mus_json_name(&d->j, "content");
	mus_json_object(&d->j);
	write_content(d, "application/json", &mus_schema_rep_error, false);
	mus_json_object_end(&d->j);
	mus_json_object_end(&d->j);
}

static void
write_answers(struct doc *d, const struct api_route *r)
{
	char status[8];

	mus_json_name(&d->j, "responses");
	mus_json_object(&d->j);
	snprintf(status, sizeof status, "%u", r->status);
	mus_json_name(&d->j, status);
	mus_json_object(&d->j);
	member(d, "description", r->kind == API_NOTHING ? "Done." : "The answer.");
	if (r->kind != API_NOTHING) {
		mus_json_name(&d->j, "content");
		mus_json_object(&d->j);
		if (r->kind == API_LIST)
			write_list_content(d, r->reply);
		else if (r->kind == API_OBJECT)
			write_content(d, "application/json", r->reply, false);
		else
			write_content(d, r->content_type, NULL, false);
		mus_json_object_end(&d->j);
	}
	mus_json_object_end(&d->j);
	write_error_answer(d, "429",
	    "Too many connections from your network, or event streams with your token; Retry-After says "
	    "when to come back.");
	write_error_answer(d, "default", "Something is wrong; the status says what kind of thing.");
	mus_json_object_end(&d->j);
}

/* "api_zone_get" has no name at run time: GET /zones/{zone}/plan -> "get_zones_zone_plan". */
static void
write_operation_id(struct doc *d, const struct api_route *r)
{
	char id[128];
	size_t n = 0;

	for (const char *p = r->method; *p != '\0' && n + 1 < sizeof id; p++)
		id[n++] = (char)(*p | 0x20);
	for (const char *p = r->path; *p != '\0' && n + 1 < sizeof id; p++) {
		bool is_word = (*p >= 'a' && *p <= 'z');

		if (is_word || (id[n - 1] != '_' && *p != '}'))
			id[n++] = is_word ? *p : '_';
	}
	id[n] = '\0';
	member(d, "operationId", id);
}

static void
write_route(struct doc *d, const struct api_route *r)
{
	char method[8] = "", role[64];

	for (unsigned i = 0; r->method[i] != '\0' && i < sizeof method - 1; i++)
		method[i] = (char)(r->method[i] | 0x20);
	mus_json_name(&d->j, method);
	mus_json_object(&d->j);
	write_operation_id(d, r);
	member(d, "summary", r->summary);
	snprintf(role, sizeof role, "Needs the role %s.", mus_role_text(r->role));
	member(d, "description", role);
	member(d, "x-role", mus_role_text(r->role));
	write_parameters(d, r);
	write_request(d, r);
	write_answers(d, r);
	mus_json_object_end(&d->j);
	if (r->request != NULL)
		collect(d, r->request);
	if (r->reply != NULL)
		collect(d, r->reply);
}

/* Is row ${i} the first of its path? */
static bool
is_first(unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
			return false;
	return true;
}

static void
write_paths(struct doc *d)
{
	mus_json_name(&d->j, "paths");
	mus_json_object(&d->j);
	for (unsigned i = 0; i < api_route_count; i++) {
		if (!is_first(i))
			continue;
		mus_json_name(&d->j, api_routes[i].path);
		mus_json_object(&d->j);
		for (unsigned k = i; k < api_route_count; k++)
			if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
				write_route(d, &api_routes[k]);
		mus_json_object_end(&d->j);
	}
	mus_json_object_end(&d->j);
}

bool
mus_api_openapi(struct mus_buf *out)
{
	struct doc d = {.schema_count = 0};

	mus_json_init(&d.j, out);
	mus_json_object(&d.j);
	member(&d, "openapi", "3.0.3");
	mus_json_name(&d.j, "info");
	mus_json_object(&d.j);
	member(&d, "title", "musicd");
	member(&d, "version", MUS_VERSION);
	member(&d, "description",
	    "The controller of MUSIC: signers, signer groups, zones and the processes that move them.");
	mus_json_object_end(&d.j);
	mus_json_name(&d.j, "servers");
	mus_json_array(&d.j);
	mus_json_object(&d.j);
	member(&d, "url", "/api/v1");
	mus_json_object_end(&d.j);
	mus_json_array_end(&d.j);
	mus_json_name(&d.j, "security");
	mus_json_array(&d.j);
	mus_json_object(&d.j);
	mus_json_name(&d.j, "token");
	mus_json_array(&d.j);
	mus_json_array_end(&d.j);
	mus_json_object_end(&d.j);
	mus_json_array_end(&d.j);
	collect(&d, &mus_schema_rep_error);
	write_paths(&d);
	mus_json_name(&d.j, "components");
	mus_json_object(&d.j);
	mus_json_name(&d.j, "securitySchemes");
	mus_json_object(&d.j);
	mus_json_name(&d.j, "token");
	mus_json_object(&d.j);
	member(&d, "type", "http");
	member(&d, "scheme", "bearer");
	mus_json_object_end(&d.j);
	mus_json_object_end(&d.j);
	mus_json_name(&d.j, "schemas");
	mus_json_object(&d.j);
	for (unsigned i = 0; i < d.schema_count; i++)
		write_schema(&d, d.schema[i]);
	mus_json_object_end(&d.j);
	mus_json_object_end(&d.j);
	mus_json_object_end(&d.j);
	mus_buf_add_u8(out, '\n');
	return !out->failed;
}
