#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "app/conf_int.h"

/* A file on its way from events to a tree. */
struct reader {
	yaml_parser_t parser;
	const char *name, *text;
	size_t len;
	struct mus_arena *arena;
	struct mus_errtext *et;
	unsigned depth;
	const char *key[MUS_CONF_DEPTH_MAX + 1];	/* keys above this place; NULL: list */
};

/* "file:line:column: key: words"; lines and columns of libyaml begin at 0. */
MUS_PRINTF(3, 4)
static int
fail(struct reader *r, yaml_mark_t at, const char *fmt, ...)
{
	char words[256], path[MUS_CONF_PATH_MAX] = "";
	size_t len = 0;
	unsigned i;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	for (i = 0; i <= r->depth && i <= MUS_CONF_DEPTH_MAX; i++) {
		int n;

		if (!r->key[i])
			continue;
		n = snprintf(path + len, sizeof path - len, "%s%s", len ? "." : "", r->key[i]);
		if (n < 0 || (size_t)n >= sizeof path - len)
			break;
		len += (size_t)n;
	}
	return mus_errf(r->et, MUS_ERR_SYNTAX, "%s:%zu:%zu: %s%s%s", r->name, at.line + 1,
	    at.column + 1, path, len ? ": " : "", words);
}

/* Line and column of a byte of the file. */
static yaml_mark_t
mark_at(const struct reader *r, size_t offset)
{
	yaml_mark_t at = {0};
	size_t i, start = 0;

	for (i = 0; i < offset && i < r->len; i++) {
		if (r->text[i] == '\n') {
			at.line++;
			start = i + 1;
		}
	}
	at.column = i - start;
	return at;
}

/* Next event, to be deleted by the caller. */
static int
next_event(struct reader *r, yaml_event_t *ev)
{
	const yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(&r->parser, ev))
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return mus_errf(r->et, MUS_ERR_NOMEM, "%s: out of memory", r->name);
	if (p->error == YAML_READER_ERROR)	/* has an offset only */
		return fail(r, mark_at(r, p->problem_offset), "%s",
		    p->problem ? p->problem : "not UTF-8");
	return fail(r, p->problem_mark, "%s%s%s", p->problem ? p->problem : "no YAML",
	    p->context ? ", " : "", p->context ? p->context : "");
}

static struct mus__conf_node *
new_node(struct reader *r, enum mus__conf_kind kind, yaml_mark_t at)
{
	struct mus__conf_node *n = mus_arena_alloc(r->arena, sizeof *n);

	if (!n) {
		mus_errf(r->et, MUS_ERR_NOMEM, "%s: out of memory", r->name);
		return NULL;
	}
	n->kind = kind;
	n->line = (unsigned)at.line + 1;
	n->col = (unsigned)at.column + 1;
	return n;
}

static int
read_scalar(struct reader *r, const yaml_event_t *ev, struct mus__conf_node **out)
{
	struct mus__conf_node *n;
	const char *value = (const char *)ev->data.scalar.value;

	if (ev->data.scalar.anchor)
		return fail(r, ev->start_mark, "anchors are not supported");
	if (ev->data.scalar.tag)
		return fail(r, ev->start_mark, "tags are not supported");
	if (strlen(value) != ev->data.scalar.length)
		return fail(r, ev->start_mark, "a zero byte in a value");
	if (!(n = new_node(r, MUS__CONF_SCALAR, ev->start_mark)) ||
	    !(n->text = mus_arena_strdup(r->arena, value)))
		return mus_errf(r->et, MUS_ERR_NOMEM, "%s: out of memory", r->name);
	n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	*out = n;
	return 0;
}

static int read_node(struct reader *r, yaml_event_t *ev, struct mus__conf_node **out);

/* The entries of a list or map up to its end. */
static int
read_children(struct reader *r, struct mus__conf_node *parent)
{
	bool is_map = parent->kind == MUS__CONF_MAP;
	yaml_event_type_t end = is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	struct mus__conf_node **tail = &parent->child;

	for (;;) {
		struct mus__conf_node *key = NULL, *n = NULL;
		yaml_event_t ev;
		int rc;

		r->key[r->depth] = NULL;
		if ((rc = next_event(r, &ev)) < 0)
			return rc;
		if (ev.type == end) {
			yaml_event_delete(&ev);
			return 0;
		}
		if (is_map) {
			if (ev.type == YAML_SCALAR_EVENT)
				rc = read_scalar(r, &ev, &key);
			else
				rc = fail(r, ev.start_mark, "a key must be a word");
			yaml_event_delete(&ev);
			if (rc < 0)
				return rc;
			r->key[r->depth] = key->text;
			if ((rc = next_event(r, &ev)) < 0)
				return rc;
		}
		rc = read_node(r, &ev, &n);
		yaml_event_delete(&ev);
		if (rc < 0)
			return rc;
		n->key = key;
		*tail = n;
		tail = &n->next;
	}
}

/* The node that begins with ${ev}. */
static int
read_node(struct reader *r, yaml_event_t *ev, struct mus__conf_node **out)
{
	bool is_map = ev->type == YAML_MAPPING_START_EVENT;
	const void *anchor, *tag;
	int rc;

	if (ev->type == YAML_SCALAR_EVENT)
		return read_scalar(r, ev, out);
	if (ev->type == YAML_ALIAS_EVENT)
		return fail(r, ev->start_mark, "aliases are not supported");
	MUS_ASSERT(is_map || ev->type == YAML_SEQUENCE_START_EVENT);
	anchor = is_map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
	tag = is_map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
	if (anchor)
		return fail(r, ev->start_mark, "anchors are not supported");
	if (tag)
		return fail(r, ev->start_mark, "tags are not supported");
	if (r->depth >= MUS_CONF_DEPTH_MAX)
		return fail(r, ev->start_mark, "nested deeper than %d levels", MUS_CONF_DEPTH_MAX);
	if (!(*out = new_node(r, is_map ? MUS__CONF_MAP : MUS__CONF_LIST, ev->start_mark)))
		return MUS_ERR_NOMEM;
	r->depth++;
	if ((rc = read_children(r, *out)) == 0)
		r->depth--;		/* else the keys still tell where it was */
	return rc;
}

/* As indentation a tab is always a mistake, and libyaml's words for it do not say so. */
static int
refuse_tabs(struct reader *r)
{
	bool indent = true;
	size_t i;

	for (i = 0; i < r->len; i++) {
		char c = r->text[i];

		if (indent && c == '\t')
			return fail(r, mark_at(r, i), "a tab in the indentation: use spaces");
		indent = c == '\n' || (indent && c == ' ');
	}
	return 0;
}

static int
read_stream(struct reader *r, struct mus__conf_node **root)
{
	unsigned documents = 0;

	for (;;) {
		yaml_event_t ev;
		yaml_event_type_t type;
		int rc;

		if ((rc = next_event(r, &ev)) < 0)
			return rc;
		type = ev.type;
		if (type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
			rc = fail(r, ev.start_mark, "a second document in the file");
		else if (type == YAML_SCALAR_EVENT || type == YAML_MAPPING_START_EVENT ||
		    type == YAML_SEQUENCE_START_EVENT || type == YAML_ALIAS_EVENT)
			rc = read_node(r, &ev, root);
		yaml_event_delete(&ev);
		if (rc < 0 || type == YAML_STREAM_END_EVENT)
			return rc;
	}
}

int
mus__conf_tree(const char *name, const void *text, size_t len, struct mus_arena *a,
    struct mus__conf_node **root, struct mus_errtext *et)
{
	struct reader r = {.name = name, .text = text, .len = len, .arena = a, .et = et};
	int rc;

	*root = NULL;
	if ((rc = refuse_tabs(&r)) < 0)
		return rc;
	if (!yaml_parser_initialize(&r.parser))
		return mus_errf(et, MUS_ERR_NOMEM, "%s: out of memory", name);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text, len);
	rc = read_stream(&r, root);
	yaml_parser_delete(&r.parser);
	return rc;
}
