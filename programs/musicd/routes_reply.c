/*
 * Ends of a request, and what all handlers share: queries, names, objects of the path, lists.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dns/name.h"
#include "routes_int.h"

static const char json_type[] = "application/json";

void
api_call_free(struct api_call *c)
{
	mus_arena_clear(&c->arena);
	mus_buf_clear(&c->out);
	free(c);
}

static void
send_out(struct api_call *c, unsigned status, const char *type, const char *const *headers)
{
	static const char failed[] =
	    "{\"error\":{\"code\":\"nomem\",\"message\":\"the answer does not fit\",\"retry\":true}}\n";

	if (c->out.failed || mus_arena_failed(&c->arena))
		mus_http_reply(c->req, 503, json_type, failed, sizeof failed - 1, NULL);
	else
		mus_http_reply(c->req, status, type, c->out.data, c->out.len, headers);
	api_call_free(c);
}

void
api_reply_with(struct api_call *c, unsigned status, const void *obj, const char *const *headers)
{
	struct mus_json j;

	mus_buf_reset(&c->out);
	mus_json_init(&j, &c->out);
	mus_wire_encode(&j, c->route->reply, obj);
	mus_buf_add_u8(&c->out, '\n');
	send_out(c, status, json_type, headers);
}

void
api_reply(struct api_call *c, unsigned status, const void *obj)
{
	api_reply_with(c, status, obj, NULL);
}

void
api_reply_out(struct api_call *c, unsigned status, const char *content_type)
{
	send_out(c, status, content_type, NULL);
}

void
api_reply_nothing(struct api_call *c)
{
	mus_http_reply(c->req, 204, NULL, NULL, 0, NULL);
	api_call_free(c);
}

static void
write_error(struct mus_buf *out, const struct mus_rep_error_detail *d)
{
	const struct mus_rep_error e = {d};
	struct mus_json j;

	mus_json_init(&j, out);
	mus_wire_encode(&j, &mus_schema_rep_error, &e);
	mus_buf_add_u8(out, '\n');
}

void
mus_api_refusal(unsigned status, const char *words, struct mus_buf *out)
{
	bool is_full = status == 429 || status == 503;
	const struct mus_rep_error_detail d = {.code = is_full ? "full"
		: status == 413				       ? "toobig"
							       : "syntax",
	    .message = words,
	    .retry = is_full};

	write_error(out, &d);
}

static void
fail_with(struct api_call *c, unsigned status, const struct mus_rep_error_detail *d,
    const char *const *headers)
{
	mus_buf_clear(&c->out);
	c->arena.failed = false;		/* an error needs no arena */
	write_error(&c->out, d);
	send_out(c, status, json_type, headers);
}

/* "NOTFOUND" -> "notfound" */
static const char *
code_of(int err, char out[static 32])
{
	(void)mus_strcpy(out, 32, mus_err_name(err));
	for (char *p = out; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

void
api_fail_status(struct api_call *c, unsigned status, const char *code, const char *field,
    const char *const *headers)
{
	const struct mus_rep_error_detail d = {.code = code, .message = c->et.s, .field = field};

	fail_with(c, status, &d, headers);
}

void
api_fail_full(struct api_call *c, unsigned status)
{
	static const char *const later[] = {"Retry-After: 5", NULL};
	const struct mus_rep_error_detail d = {.code = "full", .message = c->et.s, .retry = true};

	fail_with(c, status, &d, later);
}

void
api_fail_at(struct api_call *c, int err, const char *field)
{
	char code[32];
	const struct mus_rep_error_detail d = {.code = code_of(err, code),
	    .message = c->et.s[0] != '\0' ? c->et.s : mus_err_text(err), .field = field,
	    .retry = mus_err_can_retry(err)};

	fail_with(c, (unsigned)mus_err_http(err), &d, NULL);
}

void
api_fail(struct api_call *c, int err)
{
	api_fail_at(c, err, NULL);
}

void
api_fail_put(struct api_call *c, int err, const char *field)
{
	api_fail_at(c, err, err == MUS_ERR_INVAL && field[0] != '\0' ? field : NULL);
}

void
api_fail_wire(struct api_call *c, int err, const struct mus_wire_error *we)
{
	char code[32];
	const struct mus_rep_error_detail d = {.code = code_of(err, code), .message = we->text.s,
	    .field = we->field, .line = (uint64_t)we->line, .column = (uint64_t)we->column,
	    .position = we->position >= 0 ? (uint64_t)we->position : 0};

	fail_with(c, (unsigned)mus_err_http(err), &d, NULL);
}

void *
api_alloc(struct api_call *c, size_t len)
{
	void *p = mus_arena_alloc(&c->arena, len);

	if (p == NULL) {
		mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory");
		api_fail(c, MUS_ERR_NOMEM);
	}
	return p;
}

static bool
fail_query(struct api_call *c, const char *name, const char *words)
{
	mus_errf(&c->et, MUS_ERR_SYNTAX, "%s", words);
	api_fail_status(c, 400, "query", name, NULL);
	return false;
}

bool
api_query_u64(struct api_call *c, const char *name, uint64_t *out)
{
	const char *text = mus_http_query(c->req, name);

	if (text == NULL || mus_parse_u64(text, INT64_MAX, out))
		return true;
	return fail_query(c, name, "must be a whole number");
}

bool
api_query_bool(struct api_call *c, const char *name, bool *out)
{
	const char *text = mus_http_query(c->req, name);

	if (text == NULL)
		return true;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return fail_query(c, name, "must be true or false");
	*out = strcmp(text, "true") == 0;
	return true;
}

/* VALID-SO-FAR, valid-so-far and so_far are one. */
static bool
is_state(const char *text, const char *state)
{
	while (*text != '\0' && (*text == '_' ? '-' : toupper((unsigned char)*text)) == *state) {
		text++;
		state++;
	}
	return *text == '\0' && *state == '\0';
}

bool
api_query_state(struct api_call *c, const char *name, const char **out)
{
	const char *text = mus_http_query(c->req, name);
	char words[160] = "is none of:";

	if (text == NULL)
		return true;
	for (int i = 0; i <= MUS_STATE_INSECURE; i++) {
		const char *state = mus_state_text((enum mus_state_word)i);
		size_t n = strlen(words);

		if (is_state(text, state) || (i == MUS_STATE_SO_FAR && is_state(text, strchr(state, '-') + 1))) {
			*out = state;
			return true;
		}
		snprintf(words + n, sizeof words - n, "%s %s", i > 0 ? "," : "", state);
	}
	return fail_query(c, name, words);
}

bool
api_limit(struct api_call *c, unsigned *out)
{
	uint64_t v = API_LIMIT_DEFAULT;

	if (!api_query_u64(c, "limit", &v))
		return false;
	if (v < 1 || v > API_LIMIT_MAX)
		return fail_query(c, "limit", "must be between 1 and 1000");
	*out = (unsigned)v;
	return true;
}

const char *
api_name(struct api_call *c, const char *text, const char *field)
{
	char canonical[MUS_NAME_TEXT_MAX];
	struct mus_errtext et = {""};
	struct mus_name name;
	const char *kept;

	if (mus_name_parse(text, &name, &et) < 0) {
		int err = field != NULL ? MUS_ERR_INVAL : MUS_ERR_NOTFOUND;

		api_fail_at(c, mus_errf(&c->et, err, "not a domain name: %s", et.s), field);
		return NULL;
	}
	if ((kept = mus_arena_strdup(&c->arena, mus_name_text(&name, canonical))) == NULL)
		api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
	return kept;
}

/* A load of an object by name went wrong. */
static void
fail_load(struct api_call *c, int rc, const char *what, const char *name, const char *field)
{
	if (rc == MUS_ERR_NOTFOUND)
		rc = mus_errf(&c->et, field != NULL ? MUS_ERR_INVAL : MUS_ERR_NOTFOUND,
		    "there is no %s \"%s\"", what, name);
	api_fail_at(c, rc, field);
}

struct mus_signer_obj *
api_signer(struct api_call *c, const char *name, const char *field)
{
	struct mus_signer_obj *o = api_alloc(c, sizeof *o);
	int rc;

	if (o != NULL && (rc = mus_store_load_signer(c->store, name, o, &c->et)) < 0) {
		fail_load(c, rc, "signer", name, field);
		return NULL;
	}
	return o;
}

struct mus_group_obj *
api_group(struct api_call *c, const char *name, const char *field)
{
	struct mus_group_obj *o = api_alloc(c, sizeof *o);
	int rc;

	if (o != NULL && (rc = mus_store_load_group(c->store, name, o, &c->et)) < 0) {
		fail_load(c, rc, "signer group", name, field);
		return NULL;
	}
	return o;
}

struct mus_zone_obj *
api_zone(struct api_call *c, const char *name, const char *field)
{
	const char *canonical = api_name(c, name, field);
	struct mus_zone_obj *o;
	int rc;

	if (canonical == NULL || (o = api_alloc(c, sizeof *o)) == NULL)
		return NULL;
	if ((rc = mus_store_load_zone(c->store, canonical, o, &c->et)) < 0) {
		fail_load(c, rc, "zone", canonical, field);
		return NULL;
	}
	return o;
}

static char *
tag_of(struct api_call *c, int64_t id, struct mus_time changed_at)
{
	return mus_arena_printf(&c->arena, "\"%lld-%lld\"", (long long)id, (long long)changed_at.ms);
}

bool
api_if_match(struct api_call *c, int64_t id, struct mus_time changed_at)
{
	const char *want = mus_http_header(c->req, "If-Match"), *tag;

	if (want == NULL || strcmp(want, "*") == 0)
		return true;
	if ((tag = tag_of(c, id, changed_at)) != NULL && strcmp(want, tag) == 0)
		return true;
	mus_errf(&c->et, MUS_ERR_CONFLICT, "it was changed meanwhile; get it again");
	api_fail_status(c, 412, "precondition", NULL, NULL);
	return false;
}

const char *const *
api_etag(struct api_call *c, int64_t id, struct mus_time changed_at, const char *location)
{
	const char **lines = mus_arena_alloc(&c->arena, 3 * sizeof *lines);
	const char *tag = tag_of(c, id, changed_at);
	unsigned n = 0;

	if (lines == NULL || tag == NULL)
		return NULL;
	lines[n++] = mus_arena_printf(&c->arena, "ETag: %s", tag);
	if (location != NULL && lines[0] != NULL)
		lines[n++] = mus_arena_printf(&c->arena, "Location: %s", location);
	return lines;
}

char *
api_location(struct api_call *c, const char *collection, const char *name)
{
	char *text = mus_arena_alloc(&c->arena, 3 * strlen(name) + 1), *p = text;
	static const char digit[] = "0123456789ABCDEF";

	if (text == NULL)
		return NULL;
	for (; *name != '\0'; name++) {
		unsigned char b = (unsigned char)*name;

		if (isalnum(b) || strchr("-._~", b) != NULL) {
			*p++ = (char)b;
		} else {
			*p++ = '%';
			*p++ = digit[b >> 4];
			*p++ = digit[b & 15];
		}
	}
	*p = '\0';
	return mus_arena_printf(&c->arena, "/api/v1/%s/%s", collection, text);
}

/* --- names behind ids --- */

struct api_name_entry {
	struct api_name_entry *next;
	int64_t id;
	char name[MUS_LABEL_MAX];
};

static const char *
find_name(const struct api_name_entry *e, int64_t id)
{
	for (; e != NULL; e = e->next)
		if (e->id == id)
			return e->name;
	return NULL;
}

static const char *
add_name(struct api_names *n, struct api_name_entry **list, int64_t id, const char *name)
{
	struct api_name_entry *e = mus_arena_alloc(&n->call->arena, sizeof *e);

	if (e == NULL)
		return "";
	e->id = id;
	(void)mus_strcpy(e->name, sizeof e->name, name);
	e->next = *list;
	*list = e;
	return e->name;
}

static const char *
group_name(void *arg, int64_t id)
{
	struct api_names *n = arg;
	const char *name = id == 0 ? "" : find_name(n->groups, id);
	struct mus_group_obj o;

	if (name != NULL)
		return name;
	if (mus_store_load_group_id(n->call->store, id, &o, NULL) < 0)
		o.name[0] = '\0';
	return add_name(n, &n->groups, id, o.name);
}

static const char *
signer_name(void *arg, int64_t id)
{
	struct api_names *n = arg;
	const char *name = id == 0 ? "" : find_name(n->signers, id);
	struct mus_signer_obj o;

	if (name != NULL)
		return name;
	if (mus_store_load_signer_id(n->call->store, id, &o, NULL) < 0)
		o.name[0] = '\0';
	return add_name(n, &n->signers, id, o.name);
}

struct mus_body_names
api_names_of(struct api_names *n, struct api_call *c)
{
	*n = (struct api_names){.call = c};
	return (struct mus_body_names){group_name, signer_name, n};
}

/* --- lists --- */

void
api_list_begin(struct api_list *l, struct api_call *c, unsigned limit)
{
	*l = (struct api_list){.call = c, .limit = limit};
	mus_arena_init(&l->item, 4 << 20);
	mus_json_init(&l->json, &c->out);
	mus_json_object(&l->json);
	mus_json_name(&l->json, "items");
	mus_json_array(&l->json);
}

bool
api_list_room(struct api_list *l)
{
	if (l->count < l->limit)
		return true;
	l->more = true;
	return false;
}

void
api_list_item(struct api_list *l, const void *obj, const char *key)
{
	mus_wire_encode(&l->json, l->call->route->reply, obj);
	(void)mus_strcpy(l->next, sizeof l->next, key);
	l->count++;
	if (mus_arena_failed(&l->item))
		l->call->out.failed = true;
	mus_arena_reset(&l->item);
}

void
api_list_end(struct api_list *l, int rc)
{
	struct api_call *c = l->call;

	mus_arena_clear(&l->item);
	if (rc < 0) {
		api_fail(c, rc);
		return;
	}
	mus_json_array_end(&l->json);
	mus_json_name(&l->json, "next");
	mus_json_str(&l->json, l->more ? l->next : NULL);
	mus_json_object_end(&l->json);
	mus_buf_add_u8(&c->out, '\n');
	api_reply_out(c, 200, json_type);
}
