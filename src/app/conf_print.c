#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/conf_int.h"

/* ---- YAML ---- */

/* A scalar that YAML reads as itself everywhere; all else is quoted. */
static bool
is_plain(const char *s)
{
	const char *p;

	if (!isalnum((unsigned char)*s) && *s != '/' && *s != '.' && *s != '_')
		return false;
	for (p = s; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("_./@+-", *p))
			return false;
	}
	return true;
}

/* One character of well-formed UTF-8 (it came through the parser); answers its length. */
static size_t
code_point(const uint8_t *p, uint32_t *cp)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4, i;

	*cp = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)	/* not from a file: a default */
			return 1;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return n;
}

static void
put_scalar(struct mus_buf *out, const char *s)
{
	const uint8_t *p = (const uint8_t *)s;

	if (is_plain(s)) {
		mus_buf_add_str(out, s);
		return;
	}
	mus_buf_add_u8(out, '"');
	while (*p) {
		uint32_t cp;
		size_t n = code_point(p, &cp);

		if (cp == '"' || cp == '\\')
			mus_buf_printf(out, "\\%c", (int)cp);
		else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			mus_buf_printf(out, "\\x%02x", (unsigned)cp);
		else if (cp == 0x2028 || cp == 0x2029 || cp == 0xfeff)
			mus_buf_printf(out, "\\u%04x", (unsigned)cp);
		else
			mus_buf_add(out, p, n);
		p += n;
	}
	mus_buf_add_u8(out, '"');
}

/* ---- is it the default? ---- */

/* Room for a field of every type. */
union any_value {
	struct mus_name name;
	struct mus_addr addr;
	struct mus_conf_secret secret;
	struct mus__conf_any_list list;
	int64_t num;
};

/* All of a field as one text, to be compared. */
static void
field_text(const struct mus_conf_row *row, const void *field, struct mus_buf *out)
{
	struct mus__conf_any_list list;
	size_t i;

	if (!mus__conf_is_list(row->type)) {
		mus__conf_value_text(row, field, out);
		return;
	}
	memcpy(&list, field, sizeof list);
	for (i = 0; i < list.count; i++) {
		mus__conf_value_text(row, (const char *)list.items + i * mus__conf_elem_size(row->type),
		    out);
		mus_buf_add_u8(out, '\n');
	}
}

static bool
same_text(const struct mus_buf *a, const struct mus_buf *b)
{
	return !a->failed && !b->failed && a->len == b->len &&
	    (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool
equals_default(const struct mus_conf *c, const struct mus_conf_row *row, const void *field)
{
	union any_value def = {0};
	struct mus_buf a, b;
	struct mus_arena arena;
	bool same;

	mus_buf_init(&a, 0);
	mus_buf_init(&b, 0);
	mus_arena_init(&arena, 0);
	field_text(row, field, &a);
	/* Secrets of the default are not read: their file's name is compared. */
	if (row->type == MUS_CONF_T_SECRET) {
		def.secret.file = row->def[0] == '/'
		    ? row->def : mus_arena_printf(&arena, "%s/%s", c->dir, row->def);
		field_text(row, &def, &b);
	} else if (mus__conf_default_set(row, c->dir, &arena, &def, NULL) == 0) {
		field_text(row, &def, &b);
	} else {
		b.failed = true;
	}
	same = same_text(&a, &b);
	mus_arena_clear(&arena);
	mus_buf_clear(&a);
	mus_buf_clear(&b);
	return same;
}

/* May the row be left out of a file? */
static bool
is_default(const struct mus_conf *c, const struct mus_conf_row *row, const void *field)
{
	struct mus__conf_any_list list;

	if (row->required)
		return false;
	if (row->type == MUS_CONF_T_SECTIONS) {
		memcpy(&list, field, sizeof list);
		return list.count == 0;
	}
	if (!row->def)
		return !mus_conf_is_given(c, field);
	return equals_default(c, row, field);
}

/* ---- dump ---- */

struct dump {
	const struct mus_conf *c;
	struct mus_buf *out;
	unsigned flags;
};

/* Begins a line of a dump. */
static void
indent(struct mus_buf *out, unsigned depth, bool comment)
{
	mus_buf_printf(out, "%*s%s", (int)depth * 2, "", comment ? "# " : "");
}

static void dump_rows(const struct dump *d, const struct mus_conf_row *rows, const char *base,
    unsigned depth, bool comment, struct mus_buf *out);

/* An item of a list of sections: "- " goes before its first key, or on a line of its own when
 * comments come first. */
static void
dump_item(const struct dump *d, const struct mus_conf_row *row, const char *base, unsigned depth,
    struct mus_buf *out)
{
	struct mus_buf b;
	size_t pos = 0, skip = (depth + 2) * 2;
	bool first = true, any = false;

	mus_buf_init(&b, 0);
	dump_rows(d, row->rows, base, depth + 2, false, &b);
	while (pos < b.len) {		/* does a line hold more than a comment? */
		const uint8_t *line = b.data + pos, *nl = memchr(line, '\n', b.len - pos);
		size_t blank = strspn((const char *)line, " ");

		if (line[blank] != '#') {
			any = true;
			break;
		}
		first = false;
		pos = nl ? (size_t)(nl - b.data) + 1 : b.len;
	}
	indent(out, depth + 1, false);
	if (any && first) {
		mus_buf_add_str(out, "- ");
		mus_buf_add(out, b.data + skip, b.len - skip);
	} else {
		mus_buf_add_str(out, any ? "-\n" : "- {}\n");
		mus_buf_add(out, b.data, b.len);
	}
	if (b.failed)
		out->failed = true;
	mus_buf_clear(&b);
}

static void
dump_scalar(const struct mus_conf_row *row, const void *elem, struct mus_buf *out)
{
	struct mus_buf b;

	mus_buf_init(&b, 0);
	mus__conf_value_text(row, elem, &b);
	if (b.failed)
		out->failed = true;
	put_scalar(out, b.data ? (const char *)b.data : "");
	mus_buf_clear(&b);
}

static void
dump_list(const struct dump *d, const struct mus_conf_row *row, const void *field, unsigned depth,
    bool comment, struct mus_buf *out)
{
	bool sections = row->type == MUS_CONF_T_SECTIONS;
	size_t size = sections ? row->item_size : mus__conf_elem_size(row->type), i;
	struct mus__conf_any_list list;

	memcpy(&list, field, sizeof list);
	if (list.count == 0) {
		mus_buf_add_str(out, " []\n");
		return;
	}
	mus_buf_add_str(out, "\n");
	for (i = 0; i < list.count; i++) {
		const char *elem = (const char *)list.items + i * size;

		if (sections) {
			dump_item(d, row, elem, depth, out);
			continue;
		}
		indent(out, depth + 1, comment);
		mus_buf_add_str(out, "- ");
		dump_scalar(row, elem, out);
		mus_buf_add_str(out, "\n");
	}
}

static void
dump_row(const struct dump *d, const struct mus_conf_row *row, const char *key, const char *base,
    unsigned depth, bool comment, struct mus_buf *out)
{
	const void *field = base + row->offset;
	bool off = comment || is_default(d->c, row, field);

	if (d->flags & MUS_CONF_DUMP_HELP) {
		indent(out, depth, true);
		mus_buf_printf(out, "%s\n", row->help);
	}
	indent(out, depth, off);
	mus_buf_printf(out, "%s:", key);
	if (row->type == MUS_CONF_T_SECTIONS || mus__conf_is_list(row->type)) {
		dump_list(d, row, field, depth, off, out);
	} else if (off && !row->def) {
		mus_buf_add_str(out, "\n");
	} else {
		mus_buf_add_str(out, " ");
		dump_scalar(row, field, out);
		mus_buf_add_str(out, "\n");
	}
}

/* Rows from ${row} on that lie in one section: their number. */
static size_t
section_len(const struct mus_conf_row *row, size_t row_count, const char *prefix, size_t len)
{
	size_t i = 0;

	while (i < row_count && strncmp(row[i].path, prefix, len) == 0)
		i++;
	return i;
}

/* ${row_count} rows of the section whose name takes ${skip} bytes of each path. */
static void
dump_section(const struct dump *d, const struct mus_conf_row *row, size_t row_count, size_t skip,
    const char *base, unsigned depth, bool comment, struct mus_buf *out)
{
	size_t i = 0;

	while (i < row_count) {
		const char *key = row[i].path + skip, *dot = strchr(key, '.');
		size_t n, j, len;
		bool off = true;

		if (!dot) {
			dump_row(d, &row[i], key, base, depth, comment, out);
			i++;
			continue;
		}
		len = (size_t)(dot - row[i].path) + 1;
		n = section_len(row + i, row_count - i, row[i].path, len);
		for (j = i; j < i + n; j++)
			off = off && is_default(d->c, &row[j], base + row[j].offset);
		indent(out, depth, comment || off);
		mus_buf_printf(out, "%.*s:\n", (int)(dot - key), key);
		dump_section(d, row + i, n, len, base, depth + 1, comment || off, out);
		i += n;
	}
}

static size_t
count_rows(const struct mus_conf_row *rows)
{
	size_t n = 0;

	while (rows[n].type != MUS_CONF_T_NONE)
		n++;
	return n;
}

static void
dump_rows(const struct dump *d, const struct mus_conf_row *rows, const char *base, unsigned depth,
    bool comment, struct mus_buf *out)
{
	dump_section(d, rows, count_rows(rows), 0, base, depth, comment, out);
}

void
mus_conf_dump(const struct mus_conf *c, unsigned flags, struct mus_buf *out)
{
	const struct dump d = {.c = c, .flags = flags};

	dump_rows(&d, c->schema->rows, c->value, 0, false, out);
}

/* ---- differences ---- */

/* Everything a row holds, secrets too; wiped by the caller. */
static void
row_image(const struct mus_conf *c, const struct mus_conf_row *row, const char *base,
    struct mus_buf *out)
{
	const void *field = base + row->offset;
	struct mus__conf_any_list list;
	const struct mus_conf_row *i;
	size_t n;

	mus_buf_add_str(out, row->path);
	mus_buf_add_u8(out, 0);
	if (row->type == MUS_CONF_T_SECTIONS) {
		memcpy(&list, field, sizeof list);
		for (n = 0; n < list.count; n++) {
			for (i = row->rows; i->type != MUS_CONF_T_NONE; i++)
				row_image(c, i, (const char *)list.items + n * row->item_size, out);
		}
		return;
	}
	field_text(row, field, out);
	if (row->type == MUS_CONF_T_SECRET) {
		const struct mus_conf_secret *s = field;

		mus_buf_add(out, s->value.bytes, s->value.len);
	}
	mus_buf_add_u8(out, 0);
}

static void
wipe(struct mus_buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	mus_buf_clear(b);
}

void
mus_conf_diff(const struct mus_conf *from, const struct mus_conf *to,
    void (*fn)(void *arg, const struct mus_conf_row *row), void *arg)
{
	const struct mus_conf_row *row;

	MUS_ASSERT(from->schema == to->schema);
	for (row = from->schema->rows; row->type != MUS_CONF_T_NONE; row++) {
		struct mus_buf a, b;

		mus_buf_init(&a, 0);
		mus_buf_init(&b, 0);
		row_image(from, row, from->value, &a);
		row_image(to, row, to->value, &b);
		if (!same_text(&a, &b))
			fn(arg, row);
		wipe(&a);
		wipe(&b);
	}
}

void
mus_conf_take(const struct mus_conf_schema *s, void *to, const void *from)
{
	for (const struct mus_conf_row *row = s->rows; row->type != MUS_CONF_T_NONE; row++) {
		bool is_list = row->type == MUS_CONF_T_SECTIONS || mus__conf_is_list(row->type);

		if (row->when == MUS_CONF_AT_RELOAD)
			memcpy((char *)to + row->offset, (const char *)from + row->offset,
			    is_list ? sizeof(struct mus__conf_any_list) : mus__conf_elem_size(row->type));
	}
}

/* ---- manual ---- */

static const char *
type_word(const struct mus_conf_row *row)
{
	switch (row->type) {
	case MUS_CONF_T_STRING: return "text";
	case MUS_CONF_T_PATH: return "path";
	case MUS_CONF_T_FILE: return "file";
	case MUS_CONF_T_SECRET: return "secret file";
	case MUS_CONF_T_ADDR: return "address";
	case MUS_CONF_T_ADDRS: return "addresses";
	case MUS_CONF_T_NAME: return "name";
	case MUS_CONF_T_NAMES: return "names";
	case MUS_CONF_T_STRINGS: return "texts";
	case MUS_CONF_T_INT: return "number";
	case MUS_CONF_T_SIZE: return "size";
	case MUS_CONF_T_SPAN_MS:
	case MUS_CONF_T_SPAN_S: return "span";
	case MUS_CONF_T_BOOL: return "boolean";
	case MUS_CONF_T_ENUM: return "word";
	case MUS_CONF_T_SECTIONS: return "sections";
	case MUS_CONF_T_NONE: break;
	}
	return "";
}

/* Text for mdoc: no line begins with a control character, and backslashes are shown. */
static void
put_mdoc(struct mus_buf *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		mus_buf_add_str(out, "\\&");
	for (; *s; s++) {
		if (*s == '\\')
			mus_buf_add_str(out, "\\e");
		else if (*s == '-')
			mus_buf_add_str(out, "\\-");
		else
			mus_buf_add(out, s, 1);
	}
}

static void
put_markdown(struct mus_buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '|' || *s == '*' || *s == '_' || *s == '`' || *s == '<')
			mus_buf_add_str(out, "\\");
		mus_buf_add(out, s, 1);
	}
}

/* "One of a, b.  From 1s to 1h.  Default: 1m.  Takes effect at restart." */
static void
put_facts(const struct mus_conf_row *row, struct mus_buf *out)
{
	struct mus_buf b;
	size_t i;

	mus_buf_init(&b, 0);
	if (row->words) {
		mus_buf_add_str(out, " One of ");
		for (i = 0; row->words[i]; i++)
			mus_buf_printf(out, "%s%s", i ? ", " : "", row->words[i]);
		mus_buf_add_str(out, ".");
	}
	mus__conf_bounds_text(row, &b);
	if (b.len)
		mus_buf_printf(out, " %c%s%s%s.", toupper(b.data[0]), (const char *)b.data + 1,
		    row->unit ? " " : "", row->unit ? row->unit : "");
	if (row->unique)
		mus_buf_printf(out, " No two with the same %s.", row->unique);
	if (row->required)
		mus_buf_add_str(out, " Mandatory.");
	else if (row->def)
		mus_buf_printf(out, " Default: %s.", *row->def ? row->def : "empty");
	mus_buf_printf(out, " Takes effect at %s.",
	    row->when == MUS_CONF_AT_RELOAD ? "reload" : "restart");
	mus_buf_clear(&b);
}

static void
manual_rows(const struct mus_conf_row *rows, const char *prefix, enum mus_conf_manual form,
    struct mus_buf *out)
{
	char path[MUS_CONF_PATH_MAX], below[MUS_CONF_PATH_MAX + 4];
	struct mus_buf facts;

	for (; rows->type != MUS_CONF_T_NONE; rows++) {
		snprintf(path, sizeof path, "%s%s", prefix, rows->path);
		mus_buf_init(&facts, 0);
		put_facts(rows, &facts);
		if (form == MUS_CONF_MANUAL_MDOC) {
			mus_buf_printf(out, ".It Ic %s : Ar %s\n", path, type_word(rows));
			put_mdoc(out, rows->help);
			put_mdoc(out, facts.data ? (const char *)facts.data : "");
			mus_buf_add_str(out, "\n");
		} else {
			mus_buf_printf(out, "| `%s` | %s | ", path, type_word(rows));
			put_markdown(out, rows->help);
			put_markdown(out, facts.data ? (const char *)facts.data : "");
			mus_buf_add_str(out, " |\n");
		}
		mus_buf_clear(&facts);
		if (rows->type == MUS_CONF_T_SECTIONS) {
			snprintf(below, sizeof below, "%s[].", path);
			manual_rows(rows->rows, below, form, out);
		}
	}
}

void
mus_conf_manual(const struct mus_conf_schema *s, enum mus_conf_manual form, struct mus_buf *out)
{
	if (form == MUS_CONF_MANUAL_MDOC) {
		mus_buf_add_str(out, ".Bl -tag -width Ds\n");
		manual_rows(s->rows, "", form, out);
		mus_buf_add_str(out, ".El\n");
	} else {
		mus_buf_add_str(out, "| key | type | meaning |\n|---|---|---|\n");
		manual_rows(s->rows, "", form, out);
	}
}

/* ---- is the table right? ---- */

/* Paths are different, and none is a key and a section. */
static int
check_path(const struct mus_conf_row *rows, size_t idx, struct mus_errtext *et)
{
	const char *path = rows[idx].path, *p;
	size_t len = strlen(path), i;

	for (i = 0; i < idx; i++) {
		const char *other = rows[i].path;
		size_t other_len = strlen(other), min = other_len < len ? other_len : len;

		if (strncmp(other, path, min) == 0 &&
		    (len == other_len || (len > min ? path : other)[min] == '.'))
			return mus_errf(et, MUS_ERR_INTERNAL, "%s: twice, or a key and a section", path);
	}
	/* A section that was left may not be entered again. */
	for (p = strchr(path, '.'); p; p = strchr(p + 1, '.')) {
		size_t prefix = (size_t)(p - path) + 1;

		if (idx == 0 || strncmp(rows[idx - 1].path, path, prefix) == 0)
			continue;
		for (i = 0; i < idx; i++) {
			if (strncmp(rows[i].path, path, prefix) == 0)
				return mus_errf(et, MUS_ERR_INTERNAL,
				    "%s: the rows of its section do not stand together", path);
		}
	}
	return 0;
}

static int
check_words(const struct mus_conf_row *row, unsigned depth, struct mus_errtext *et)
{
	size_t len = row->help ? strlen(row->help) : 0;

	if (depth > MUS_CONF_DEPTH_MAX)
		return mus_errf(et, MUS_ERR_INTERNAL, "%s: nested too deep", row->path);
	if (len == 0 || row->help[len - 1] != '.' || strchr(row->help, '\n'))
		return mus_errf(et, MUS_ERR_INTERNAL, "%s: its help is no sentence", row->path);
	if (row->required && row->def)
		return mus_errf(et, MUS_ERR_INTERNAL, "%s: mandatory and with a default", row->path);
	if (row->min > row->max && row->max != 0)
		return mus_errf(et, MUS_ERR_INTERNAL, "%s: its bounds are reversed", row->path);
	if (row->type == MUS_CONF_T_ENUM && (!row->words || !row->words[0]))
		return mus_errf(et, MUS_ERR_INTERNAL, "%s: no words", row->path);
	return 0;
}

static int
check_default(const struct mus_conf_row *row, struct mus_errtext *et)
{
	union any_value value = {0};
	struct mus_errtext why;
	struct mus_arena arena;
	int rc;

	mus_arena_init(&arena, 0);
	rc = mus__conf_default_set(row, NULL, &arena, &value, &why);
	mus_arena_clear(&arena);
	if (rc < 0)
		return mus_errf(et, MUS_ERR_INTERNAL, "%s: its default: %s", row->path, why.s);
	return 0;
}

static int check_rows(const struct mus_conf_row *rows, unsigned depth, struct mus_errtext *et);

static int
check_sections(const struct mus_conf_row *row, unsigned depth, struct mus_errtext *et)
{
	const struct mus_conf_row *i;
	int rc;

	if (row->def || !row->rows || row->item_size == 0)
		return mus_errf(et, MUS_ERR_INTERNAL, "%s: no rows, or a default", row->path);
	for (i = row->rows; row->unique; i++) {
		if (i->type == MUS_CONF_T_NONE)
			return mus_errf(et, MUS_ERR_INTERNAL, "%s: no key %s", row->path, row->unique);
		if (strcmp(i->path, row->unique) == 0)
			break;
	}
	if ((rc = check_rows(row->rows, depth + 2, et)) < 0)
		return mus_err_wrap(et, rc, "%s", row->path);
	return 0;
}

static int
check_rows(const struct mus_conf_row *rows, unsigned depth, struct mus_errtext *et)
{
	size_t i;
	int rc;

	for (i = 0; rows[i].type != MUS_CONF_T_NONE; i++) {
		unsigned dots = 0;
		const char *p;

		if (i >= MUS_CONF_ROWS_MAX)
			return mus_errf(et, MUS_ERR_INTERNAL, "%s: too many rows", rows[i].path);
		for (p = rows[i].path; *p; p++)
			dots += *p == '.';
		if ((rc = check_words(&rows[i], depth + dots, et)) < 0 ||
		    (rc = check_path(rows, i, et)) < 0)
			return rc;
		if (rows[i].type == MUS_CONF_T_SECTIONS)
			rc = check_sections(&rows[i], depth + dots, et);
		else
			rc = check_default(&rows[i], et);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
mus_conf_check_schema(const struct mus_conf_schema *s, struct mus_errtext *et)
{
	return check_rows(s->rows, 1, et);
}
