#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/conf_int.h"
#include "base/map.h"
#include "base/text.h"

/* A walk over the tree. */
struct walk {
	struct mus_conf *c;
	struct mus_errtext *et;
	char path[MUS_CONF_PATH_MAX];	/* of the value looked at: "tokens[2].role" */
	size_t path_len;
};

/* One section (or the whole file, or one list item) with its rows. */
struct section {
	const struct mus_conf_row *rows;
	char *base;			/* the struct its fields lie in */
	bool seen[MUS_CONF_ROWS_MAX];
};

/* ---- errors ---- */

MUS_PRINTF(3, 4)
static int
fail(struct walk *w, const struct mus__conf_node *at, const char *fmt, ...)
{
	struct mus_errtext words;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words.s, sizeof words.s, fmt, ap);
	va_end(ap);
	return mus_errf(w->et, MUS_ERR_SYNTAX, "%s:%u:%u: %s%s%s", w->c->name, at ? at->line : 1,
	    at ? at->col : 1, w->path, w->path_len ? ": " : "", words.s);
}

static int
no_memory(struct walk *w)
{
	return mus_errf(w->et, MUS_ERR_NOMEM, "%s: out of memory", w->c->name);
}

/* ---- the path shown in errors ---- */

/* Both add to the path and answer the length to go back to. */
static size_t
push_key(struct walk *w, const char *key)
{
	size_t before = w->path_len;

	if (before)
		mus_strcpy(w->path + before, sizeof w->path - before, ".");
	w->path_len = strlen(w->path);
	mus_strcpy(w->path + w->path_len, sizeof w->path - w->path_len, key);
	w->path_len = strlen(w->path);
	return before;
}

static size_t
push_idx(struct walk *w, size_t idx)
{
	size_t before = w->path_len;
	char text[24];

	snprintf(text, sizeof text, "[%zu]", idx);
	mus_strcpy(w->path + before, sizeof w->path - before, text);
	w->path_len = strlen(w->path);
	return before;
}

static void
pop(struct walk *w, size_t before)
{
	w->path_len = before;
	w->path[before] = '\0';
}

/* ---- marks ---- */

static int
add_mark(struct walk *w, const void *field, const struct mus__conf_node *at)
{
	struct mus_conf *c = w->c;
	struct mus__conf_mark *m;

	if (c->mark_count == c->mark_cap) {
		size_t cap = c->mark_cap ? c->mark_cap * 2 : 64;

		if (!(m = realloc(c->marks, cap * sizeof *m)))
			return no_memory(w);
		c->marks = m;
		c->mark_cap = cap;
	}
	m = &c->marks[c->mark_count];
	*m = (struct mus__conf_mark){field, at->line, at->col,
	    mus_arena_strdup(&c->arena, w->path)};
	if (!m->path)
		return no_memory(w);
	c->mark_count++;
	return 0;
}

static int
cmp_mark(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct mus__conf_mark *)a)->field;
	uintptr_t y = (uintptr_t)((const struct mus__conf_mark *)b)->field;

	return (x > y) - (x < y);
}

static void
sort_marks(struct mus_conf *c)
{
	if (c->mark_count)
		qsort(c->marks, c->mark_count, sizeof *c->marks, cmp_mark);
}

const struct mus__conf_mark *
mus__conf_mark_of(const struct mus_conf *c, const void *field)
{
	const struct mus__conf_mark wanted = {.field = field};

	if (c->mark_count == 0)
		return NULL;
	return bsearch(&wanted, c->marks, c->mark_count, sizeof *c->marks, cmp_mark);
}

/* ---- values ---- */

static bool
is_empty(const struct mus__conf_node *n)
{
	return n->kind == MUS__CONF_SCALAR && !n->quoted && *n->text == '\0';
}

static const char *
kind_words(const struct mus__conf_node *n)
{
	if (is_empty(n))
		return "nothing";
	if (n->kind == MUS__CONF_SCALAR)
		return "a single value";
	return n->kind == MUS__CONF_LIST ? "a list" : "a section";
}

/* Remembers that ${s} must be wiped. */
static int
add_secret(struct walk *w, struct mus_conf_secret *s)
{
	struct mus__conf_secret_ref *ref = mus_arena_alloc(&w->c->arena, sizeof *ref);

	if (!ref) {
		mus_secret_clear(&s->value);
		return no_memory(w);
	}
	*ref = (struct mus__conf_secret_ref){s, w->c->secrets};
	w->c->secrets = ref;
	return 0;
}

static int
apply_scalar(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *n,
    void *elem)
{
	struct mus_errtext why;
	int rc;

	if (n->kind != MUS__CONF_SCALAR || is_empty(n))
		return fail(w, n, "wants a value, not %s", kind_words(n));
	rc = mus__conf_value_set(row, n->text, w->c->dir, &w->c->arena, elem, &why);
	if (rc == MUS_ERR_NOMEM)
		return no_memory(w);
	if (rc < 0) {
		(void)fail(w, n, "%s", why.s);
		return rc == MUS_ERR_NOTFOUND ? rc : MUS_ERR_SYNTAX;	/* a missing file has an exit code of its own */
	}
	return row->type == MUS_CONF_T_SECRET ? add_secret(w, elem) : 0;
}

static size_t
count_children(const struct mus__conf_node *n)
{
	const struct mus__conf_node *i;
	size_t count = 0;

	for (i = n->child; i; i = i->next)
		count++;
	return count;
}

static int
check_count(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *n,
    size_t count)
{
	struct mus_buf b;
	int rc;

	if (mus__conf_in_bounds(row, (int64_t)count))
		return 0;
	mus_buf_init(&b, 256);
	mus__conf_bounds_text(row, &b);
	rc = fail(w, n, "has %zu entries and wants %s", count, b.data ? (const char *)b.data : "more");
	mus_buf_clear(&b);
	return rc;
}

/* No two with one value, compared as they would be dumped.  ${what}: said before it, or "". */
static int
check_once(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *n, const void *elem,
    const char *what, struct mus_map *seen)
{
	void *first = NULL;
	struct mus_buf b;
	int rc;

	mus_buf_init(&b, 0);
	mus__conf_value_text(row, elem, &b);
	mus_buf_add_u8(&b, 0);
	if (b.failed)
		rc = MUS_ERR_NOMEM;
	else
		rc = mus_map_set(seen, b.data, b.len, (void *)(uintptr_t)n->line, &first);
	if (rc < 0)
		rc = no_memory(w);
	else if (first)
		rc = fail(w, n, "%s\"%.80s\" was given already in line %zu", what, n->text,
		    (size_t)(uintptr_t)first);
	mus_buf_clear(&b);
	return rc;
}

/* The items of a list into ${elem}, which has room for them. */
static int
apply_items(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *n, char *elem)
{
	struct mus_map *seen = mus_map_new(0, 0);
	size_t idx = 0;
	int rc = seen ? 0 : no_memory(w);

	for (const struct mus__conf_node *i = n->child; i && rc == 0; i = i->next, idx++) {
		size_t before = push_idx(w, idx);

		rc = apply_scalar(w, row, i, elem);
		if (rc == 0 && !row->may_repeat)
			rc = check_once(w, row, i, elem, "", seen);
		if (rc == 0)
			pop(w, before);
		elem += mus__conf_elem_size(row->type);
	}
	mus_map_free(seen);
	return rc;
}

static int
apply_list(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *n,
    void *field)
{
	struct mus__conf_any_list list = {.count = 1};
	char *elem;
	int rc;

	if (n->kind == MUS__CONF_MAP || is_empty(n))
		return fail(w, n, "wants a list, not %s", kind_words(n));
	if (n->kind == MUS__CONF_LIST)
		list.count = count_children(n);
	if ((rc = check_count(w, row, n, list.count)) < 0)
		return rc;
	if (!(list.items = elem = mus_arena_alloc(&w->c->arena,
		  (list.count + 1) * mus__conf_elem_size(row->type))))
		return no_memory(w);
	if (n->kind == MUS__CONF_SCALAR && (rc = apply_scalar(w, row, n, elem)) < 0)
		return rc;
	if ((rc = apply_items(w, row, n, elem)) < 0)
		return rc;
	memcpy(field, &list, sizeof list);
	return 0;
}

static int apply_section(struct walk *w, const struct mus_conf_row *rows, void *base,
    const struct mus__conf_node *n);

/* The value of key ${key} in a section of the tree. */
static const struct mus__conf_node *
child_of(const struct mus__conf_node *n, const char *key)
{
	const struct mus__conf_node *i;

	for (i = n->kind == MUS__CONF_MAP ? n->child : NULL; i; i = i->next) {
		if (strcmp(i->key->text, key) == 0)
			return i;
	}
	return NULL;
}

/* No two items with one value of row->unique. */
static int
check_unique(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *item,
    const char *base, struct mus_map *seen)
{
	const struct mus_conf_row *key = row->rows;
	const struct mus__conf_node *n = child_of(item, row->unique);
	char what[MUS_CONF_PATH_MAX];

	while (strcmp(key->path, row->unique) != 0)
		key++;
	if (!n)
		return 0;
	snprintf(what, sizeof what, "%s ", row->unique);
	return check_once(w, key, n, base + key->offset, what, seen);
}

static int
apply_sections(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *n,
    void *field)
{
	struct mus__conf_any_list list = {.count = count_children(n)};
	struct mus_map *seen = NULL;
	const struct mus__conf_node *i;
	size_t idx = 0;
	char *base;
	int rc;

	if (n->kind != MUS__CONF_LIST && !is_empty(n))
		return fail(w, n, "wants a list of sections (lines that begin with \"- \"), not %s",
		    kind_words(n));
	if ((rc = check_count(w, row, n, list.count)) < 0)
		return rc;
	list.items = base = mus_arena_alloc(&w->c->arena, (list.count + 1) * row->item_size);
	if (!base || (row->unique && !(seen = mus_map_new(0, 0))))
		return no_memory(w);
	for (i = n->child; i; i = i->next, base += row->item_size) {
		size_t before = push_idx(w, idx++);

		if (i->kind != MUS__CONF_MAP)
			rc = fail(w, i, "wants a section, not %s", kind_words(i));
		if (rc == 0)
			rc = apply_section(w, row->rows, base, i);
		if (rc == 0 && row->unique)
			rc = check_unique(w, row, i, base, seen);
		if (rc < 0)
			goto out;
		pop(w, before);
	}
	memcpy(field, &list, sizeof list);
out:
	mus_map_free(seen);
	return rc;
}

static int
apply_row(struct walk *w, const struct mus_conf_row *row, const struct mus__conf_node *n,
    void *field)
{
	int rc;

	if (row->type == MUS_CONF_T_SECTIONS)
		rc = apply_sections(w, row, n, field);
	else if (mus__conf_is_list(row->type))
		rc = apply_list(w, row, n, field);
	else
		rc = apply_scalar(w, row, n, field);
	return rc < 0 ? rc : add_mark(w, field, n);
}

/* ---- keys ---- */

static const struct mus_conf_row *
find_row(const struct mus_conf_row *rows, const char *path)
{
	for (; rows->type != MUS_CONF_T_NONE; rows++) {
		if (strcmp(rows->path, path) == 0)
			return rows;
	}
	return NULL;
}

/* Does a row lie in the section ${prefix} ("api.")? */
static bool
has_section(const struct mus_conf_row *rows, const char *prefix)
{
	for (; rows->type != MUS_CONF_T_NONE; rows++) {
		if (strncmp(rows->path, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

/* The keys that may stand in section ${prefix}; lends words in the arena. */
static size_t
valid_keys(struct walk *w, const struct mus_conf_row *rows, const char *prefix,
    const char *words[static MUS_CONF_ROWS_MAX])
{
	size_t count = 0, len = strlen(prefix);

	for (; rows->type != MUS_CONF_T_NONE && count < MUS_CONF_ROWS_MAX; rows++) {
		char *word;

		if (strncmp(rows->path, prefix, len) != 0 ||
		    !(word = mus_arena_strdup(&w->c->arena, rows->path + len)))
			continue;
		word[strcspn(word, ".")] = '\0';
		if (count && strcmp(words[count - 1], word) == 0)	/* rows of one section */
			continue;
		words[count++] = word;
	}
	return count;
}

/* A row of this name in another section. */
static const struct mus_conf_row *
same_key_elsewhere(const struct mus_conf_row *rows, const char *key)
{
	for (; rows->type != MUS_CONF_T_NONE; rows++) {
		const char *dot = strrchr(rows->path, '.');

		if (strcmp(dot ? dot + 1 : rows->path, key) == 0)
			return rows;
	}
	return NULL;
}

static int
unknown_key(struct walk *w, const struct mus_conf_row *rows, const char *prefix,
    const struct mus__conf_node *key)
{
	const char *words[MUS_CONF_ROWS_MAX], *near;
	const struct mus_conf_row *other;
	size_t count = valid_keys(w, rows, prefix, words), i;
	char list[300] = "";

	if (find_row(rows, key->text) && *prefix == '\0')
		return fail(w, key, "unknown key; write a section \"%.*s:\" and the rest below it",
		    (int)strcspn(key->text, "."), key->text);
	if ((near = mus_text_nearest(key->text, words, count)))
		return fail(w, key, "unknown key; did you mean \"%s\"?", near);
	if ((other = same_key_elsewhere(rows, key->text)))
		return fail(w, key, "unknown key here; did you mean \"%s\"?", other->path);
	for (i = 0; i < count; i++) {
		size_t len = strlen(list);

		if (len + strlen(words[i]) + 8 > sizeof list) {
			mus_strcpy(list + len, sizeof list - len, ", ...");
			break;
		}
		snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", words[i]);
	}
	return fail(w, key, "unknown key; valid here: %s", list);
}

/* ---- sections ---- */

static int apply_map(struct walk *w, struct section *s, const char *prefix,
    const struct mus__conf_node *n);

/* One key with its value, in the section ${prefix} of ${s}. */
static int
apply_entry(struct walk *w, struct section *s, const char *prefix,
    const struct mus__conf_node *parent, const struct mus__conf_node *n)
{
	const struct mus__conf_node *first = child_of(parent, n->key->text);
	const struct mus_conf_row *row;
	char full[MUS_CONF_PATH_MAX], section[MUS_CONF_PATH_MAX + 1];
	size_t len = strlen(n->key->text);

	if (first != n)
		return fail(w, n->key, "duplicate key; first in line %u", first->key->line);
	if (len == 0 || strlen(prefix) + len + 2 > sizeof full || strchr(n->key->text, '.'))
		return unknown_key(w, s->rows, prefix, n->key);
	snprintf(full, sizeof full, "%s%s", prefix, n->key->text);
	if ((row = find_row(s->rows, full))) {
		s->seen[row - s->rows] = true;
		return apply_row(w, row, n, s->base + row->offset);
	}
	snprintf(section, sizeof section, "%s.", full);
	if (!has_section(s->rows, section))
		return unknown_key(w, s->rows, prefix, n->key);
	if (n->kind != MUS__CONF_MAP && !is_empty(n))
		return fail(w, n, "wants a section, not %s", kind_words(n));
	return apply_map(w, s, section, n);
}

static int
apply_map(struct walk *w, struct section *s, const char *prefix, const struct mus__conf_node *n)
{
	const struct mus__conf_node *i;
	size_t before;
	int rc;

	for (i = n->child; i; i = i->next) {
		before = push_key(w, i->key->text);
		if ((rc = apply_entry(w, s, prefix, n, i)) < 0)
			return rc;
		pop(w, before);
	}
	return 0;
}

/* The innermost section of ${n} that should hold ${path}: where its absence is told. */
static const struct mus__conf_node *
nearest_section(const struct mus__conf_node *n, const char *path)
{
	char word[MUS_CONF_PATH_MAX];
	const char *dot;

	while (n && (dot = strchr(path, '.'))) {
		const struct mus__conf_node *child;

		snprintf(word, sizeof word, "%.*s", (int)(dot - path), path);
		if (!(child = child_of(n, word)))
			break;
		n = child;
		path = dot + 1;
	}
	return n;
}

/* Rows that were not in the file: fatal, or the default. */
static int
apply_defaults(struct walk *w, struct section *s, const struct mus__conf_node *n)
{
	const struct mus_conf_row *row;
	struct mus_errtext why;

	for (row = s->rows; row->type != MUS_CONF_T_NONE; row++) {
		size_t before;
		int rc;

		if (s->seen[row - s->rows])
			continue;
		before = push_key(w, row->path);
		if (row->required)
			return fail(w, nearest_section(n, row->path), "mandatory key is missing (%s)",
			    row->help);
		rc = mus__conf_default_set(row, w->c->dir, &w->c->arena, s->base + row->offset, &why);
		if (rc == MUS_ERR_NOMEM)
			return no_memory(w);
		if (rc < 0)
			return fail(w, nearest_section(n, row->path), "its default: %s", why.s);
		if (row->type == MUS_CONF_T_SECRET && row->def &&
		    (rc = add_secret(w, (void *)(s->base + row->offset))) < 0)
			return rc;
		pop(w, before);
	}
	return 0;
}

/* Fills the struct at ${base} from ${n} (NULL: nothing was given). */
static int
apply_section(struct walk *w, const struct mus_conf_row *rows, void *base,
    const struct mus__conf_node *n)
{
	struct section s = {.rows = rows, .base = base};
	int rc;

	if (n && (rc = apply_map(w, &s, "", n)) < 0)
		return rc;
	return apply_defaults(w, &s, n);
}

/* ---- interface ---- */

static struct mus_conf *
conf_new(const struct mus_conf_schema *s, const char *name, const char *dir)
{
	struct mus_conf *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	mus_arena_init(&c->arena, 0);
	c->schema = s;
	c->name = mus_arena_strdup(&c->arena, name);
	c->dir = mus_arena_strdup(&c->arena, dir);
	c->value = mus_arena_alloc(&c->arena, s->size);
	if (!c->name || !c->dir || !c->value) {
		mus_conf_free(c);
		return NULL;
	}
	return c;
}

int
mus_conf_parse(const struct mus_conf_schema *s, const char *name, const char *dir,
    const void *text, size_t len, struct mus_conf **out, struct mus_errtext *et)
{
	struct mus_conf *c = conf_new(s, name, dir);
	struct mus__conf_node *root = NULL;
	struct mus_arena tree;
	struct walk w = {.c = c, .et = et};
	int rc;

	if (!c)
		return mus_errf(et, MUS_ERR_NOMEM, "%s: out of memory", name);
	mus_arena_init(&tree, 0);
	if ((rc = mus__conf_tree(name, text, len, &tree, &root, et)) < 0)
		goto out;
	if (root && root->kind != MUS__CONF_MAP && !is_empty(root)) {
		rc = fail(&w, root, "wants keys with values, not %s", kind_words(root));
		goto out;
	}
	if ((rc = apply_section(&w, s->rows, c->value, root)) < 0)
		goto out;
	sort_marks(c);
	if (s->check && (rc = s->check(c, c->value, et)) < 0)
		goto out;
	*out = c;
	c = NULL;			/* given to the caller */
out:
	mus_arena_clear(&tree);
	mus_conf_free(c);
	return rc;
}

static int
read_file(const char *file, struct mus_buf *b, struct mus_errtext *et)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc = 0;
	char chunk[8192];
	ssize_t n;

	if (fd < 0)
		return mus_errf(et, errno == ENOENT ? MUS_ERR_NOTFOUND : MUS_ERR_IO, "%s: %s", file,
		    strerror(errno));
	while ((n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = mus_errf(et, MUS_ERR_IO, "%s: %s", file, strerror(errno));
			break;
		}
		if (!mus_buf_add(b, chunk, (size_t)n)) {
			rc = mus_errf(et, MUS_ERR_TOOBIG, "%s: larger than %d bytes", file,
			    MUS_CONF_FILE_MAX_BYTES);
			break;
		}
	}
	close(fd);
	return rc;
}

int
mus_conf_load(const struct mus_conf_schema *s, const char *file, struct mus_conf **out,
    struct mus_errtext *et)
{
	char real[PATH_MAX];
	struct mus_buf b;
	int rc;

	if (!realpath(file, real))
		return mus_errf(et, errno == ENOENT ? MUS_ERR_NOTFOUND : MUS_ERR_IO, "%s: %s", file,
		    strerror(errno));
	mus_buf_init(&b, MUS_CONF_FILE_MAX_BYTES);
	if ((rc = read_file(real, &b, et)) == 0)
		rc = mus_conf_parse(s, file, dirname(real), b.data ? (const char *)b.data : "", b.len, out,
		    et);
	mus_buf_clear(&b);
	return rc;
}

void
mus_conf_free(struct mus_conf *c)
{
	struct mus__conf_secret_ref *ref;

	if (!c)
		return;
	for (ref = c->secrets; ref; ref = ref->next)
		mus_secret_clear(&ref->secret->value);
	free(c->marks);
	mus_arena_clear(&c->arena);
	free(c);
}

const void *
mus_conf_get(const struct mus_conf *c)
{
	return c->value;
}

bool
mus_conf_is_given(const struct mus_conf *c, const void *field)
{
	return mus__conf_mark_of(c, field) != NULL;
}

/* The key of a field that the file does not give: its default is what is wrong. */
static const char *
path_of(const struct mus_conf *c, const void *field)
{
	for (const struct mus_conf_row *r = c->schema->rows; r->path; r++)
		if ((const char *)c->value + r->offset == (const char *)field)
			return r->path;
	return c->schema->program;
}

int
mus_conf_wrap(const struct mus_conf *c, const void *field, struct mus_errtext *et, int err)
{
	const struct mus__conf_mark *m = mus__conf_mark_of(c, field);

	if (!m)
		return mus_err_wrap(et, err, "%s: %s", c->name, path_of(c, field));
	return mus_err_wrap(et, err, "%s:%u:%u: %s", c->name, m->line, m->col, m->path);
}

int
mus_conf_errf(const struct mus_conf *c, const void *field, struct mus_errtext *et, const char *fmt,
    ...)
{
	struct mus_errtext words;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words.s, sizeof words.s, fmt, ap);
	va_end(ap);
	return mus_conf_wrap(c, field, et, mus_errf(et, MUS_ERR_SYNTAX, "%s", words.s));
}
