#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/conf_int.h"
#include "base/text.h"
#include "base/time.h"

static const char *const bool_words[] = {"false", "true", "no", "yes", "off", "on"};

enum mus_conf_type
mus__conf_elem_type(enum mus_conf_type t)
{
	if (t == MUS_CONF_T_ADDRS)
		return MUS_CONF_T_ADDR;
	if (t == MUS_CONF_T_NAMES)
		return MUS_CONF_T_NAME;
	if (t == MUS_CONF_T_STRINGS)
		return MUS_CONF_T_STRING;
	return t;
}

bool
mus__conf_is_list(enum mus_conf_type t)
{
	return mus__conf_elem_type(t) != t;
}

size_t
mus__conf_elem_size(enum mus_conf_type t)
{
	switch (mus__conf_elem_type(t)) {
	case MUS_CONF_T_STRING:
	case MUS_CONF_T_PATH:
	case MUS_CONF_T_FILE:
		return sizeof(const char *);
	case MUS_CONF_T_SECRET:
		return sizeof(struct mus_conf_secret);
	case MUS_CONF_T_ADDR:
		return sizeof(struct mus_addr);
	case MUS_CONF_T_NAME:
		return sizeof(struct mus_name);
	case MUS_CONF_T_INT:
	case MUS_CONF_T_SIZE:
	case MUS_CONF_T_SPAN_MS:
	case MUS_CONF_T_SPAN_S:
		return sizeof(int64_t);
	case MUS_CONF_T_BOOL:
		return sizeof(bool);
	case MUS_CONF_T_ENUM:
		return sizeof(int);
	case MUS_CONF_T_ADDRS:
	case MUS_CONF_T_NAMES:
	case MUS_CONF_T_STRINGS:
	case MUS_CONF_T_SECTIONS:
	case MUS_CONF_T_NONE:
		break;
	}
	MUS_ASSERT(!"a scalar type");
	return 0;
}

/* ---- bounds ---- */

static bool
has_min(const struct mus_conf_row *row)
{
	return row->min != 0 || row->max != 0;
}

/* ${min} alone is a lower bound only. */
static bool
has_max(const struct mus_conf_row *row)
{
	return row->max != 0 || row->min < 0;
}

bool
mus__conf_in_bounds(const struct mus_conf_row *row, int64_t v)
{
	return !(has_min(row) && v < row->min) && !(has_max(row) && v > row->max);
}

static void
size_text(int64_t v, struct mus_buf *out)
{
	if (v && v % (1 << 30) == 0)
		mus_buf_printf(out, "%" PRId64 "G", v >> 30);
	else if (v && v % (1 << 20) == 0)
		mus_buf_printf(out, "%" PRId64 "M", v >> 20);
	else if (v && v % (1 << 10) == 0)
		mus_buf_printf(out, "%" PRId64 "k", v >> 10);
	else
		mus_buf_printf(out, "%" PRId64, v);
}

static void
span_text(int64_t ms, struct mus_buf *out)
{
	char text[MUS_SPAN_TEXT_MAX];

	if (ms % 1000 == 0)
		mus_buf_add_str(out, mus_span_text_s(ms / 1000, text));
	else
		mus_buf_printf(out, "%" PRId64 "ms", ms);
}

void
mus__conf_bound_text(const struct mus_conf_row *row, int64_t v, struct mus_buf *out)
{
	switch (row->type) {
	case MUS_CONF_T_SIZE:
		size_text(v, out);
		break;
	case MUS_CONF_T_SPAN_MS:
		span_text(v, out);
		break;
	case MUS_CONF_T_SPAN_S:
		span_text(v * 1000, out);
		break;
	default:
		mus_buf_printf(out, "%" PRId64, v);
	}
}

void
mus__conf_bounds_text(const struct mus_conf_row *row, struct mus_buf *out)
{
	if (has_min(row) && has_max(row)) {
		mus_buf_add_str(out, "from ");
		mus__conf_bound_text(row, row->min, out);
		mus_buf_add_str(out, " to ");
		mus__conf_bound_text(row, row->max, out);
	} else if (has_min(row)) {
		mus_buf_add_str(out, "at least ");
		mus__conf_bound_text(row, row->min, out);
	}
}

static int
out_of_bounds(const struct mus_conf_row *row, const char *text, const char *what,
    struct mus_errtext *et)
{
	struct mus_buf b;
	int rc;

	mus_buf_init(&b, 256);
	mus__conf_bounds_text(row, &b);
	rc = mus_errf(et, MUS_ERR_SYNTAX, "\"%.80s\": %s must be %s", text, what,
	    b.data ? (const char *)b.data : "smaller");
	mus_buf_clear(&b);
	return rc;
}

/* ---- text to value ---- */

static int
no_memory(struct mus_errtext *et)
{
	return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
}

static int
set_string(const struct mus_conf_row *row, const char *text, struct mus_arena *a, void *elem,
    struct mus_errtext *et)
{
	char *copy = mus_arena_strdup(a, text);

	if (!copy)
		return no_memory(et);
	/* In a list the bounds are those of the list. */
	if (row->type == MUS_CONF_T_STRING && !mus__conf_in_bounds(row, (int64_t)strlen(text)))
		return out_of_bounds(row, text, "its length", et);
	memcpy(elem, &copy, sizeof copy);
	return 0;
}

/* The path from ${dir}, unless it is absolute. */
static char *
absolute(const char *text, const char *dir, struct mus_arena *a)
{
	if (text[0] == '/' || !dir)
		return mus_arena_strdup(a, text);
	return mus_arena_printf(a, "%s/%s", dir, text);
}

static int
check_readable(const char *path, struct mus_errtext *et)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = 0;

	if (fd < 0)
		return mus_errf(et, errno == ENOENT || errno == ENOTDIR ? MUS_ERR_NOTFOUND : MUS_ERR_SYNTAX,
		    "cannot read %.300s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
		rc = mus_errf(et, MUS_ERR_SYNTAX, "cannot read %.300s: is a directory", path);
	close(fd);
	return rc;
}

static int
set_file(const struct mus_conf_row *row, const char *text, const char *dir, struct mus_arena *a,
    void *elem, struct mus_errtext *et)
{
	char *path;
	int rc;

	if (*text == '\0')
		return mus_errf(et, MUS_ERR_SYNTAX, "an empty file name");
	if (!(path = absolute(text, dir, a)))
		return no_memory(et);
	if (row->type == MUS_CONF_T_SECRET) {
		struct mus_conf_secret s = {.file = path};
		struct mus_errtext why;

		if (dir && (rc = mus_secret_load(path, &s.value, &why)) < 0)
			return mus_errf(et, rc == MUS_ERR_NOTFOUND ? rc : MUS_ERR_SYNTAX, "cannot use the secret in %s",
			    why.s);
		memcpy(elem, &s, sizeof s);
		return 0;
	}
	if (row->type == MUS_CONF_T_FILE && dir && (rc = check_readable(path, et)) < 0)
		return rc;
	memcpy(elem, &path, sizeof path);
	return 0;
}

static int
set_addr(const struct mus_conf_row *row, const char *text, void *elem, struct mus_errtext *et)
{
	struct mus_addr addr;

	if (!mus_addr_parse(text, row->port, &addr))
		return mus_errf(et, MUS_ERR_SYNTAX, "\"%.80s\" is %s", text, mus_addr_why(text));
	memcpy(elem, &addr, sizeof addr);
	return 0;
}

static int
set_name(const char *text, void *elem, struct mus_errtext *et)
{
	struct mus_name name;
	struct mus_errtext why = {""};

	if (mus_name_parse(text, &name, &why) < 0)
		return mus_errf(et, MUS_ERR_SYNTAX, "\"%.80s\" is no domain name: %s", text, why.s);
	memcpy(elem, &name, sizeof name);
	return 0;
}

/* "4096", "64k", "16M", "1G"; false: none, or more than 2^63. */
static bool
parse_size(const char *text, int64_t *out)
{
	char digits[24];
	size_t len = strlen(text);
	unsigned shift = 0;
	uint64_t v;

	if (len == 0 || len >= sizeof digits)
		return false;
	memcpy(digits, text, len + 1);
	if (digits[len - 1] == 'k')
		shift = 10;
	else if (digits[len - 1] == 'M')
		shift = 20;
	else if (digits[len - 1] == 'G')
		shift = 30;
	if (shift)
		digits[len - 1] = '\0';
	if (!mus_parse_u64(digits, (uint64_t)INT64_MAX >> shift, &v))
		return false;
	*out = (int64_t)(v << shift);
	return true;
}

static int
set_number(const struct mus_conf_row *row, const char *text, void *elem, struct mus_errtext *et)
{
	int64_t v = 0;

	switch (row->type) {
	case MUS_CONF_T_INT:
		if (!mus_parse_i64(text, INT64_MIN, INT64_MAX, &v))
			return mus_errf(et, MUS_ERR_SYNTAX, "\"%.80s\" is no whole number", text);
		break;
	case MUS_CONF_T_SIZE:
		if (!parse_size(text, &v))
			return mus_errf(et, MUS_ERR_SYNTAX,
			    "\"%.80s\" is no size (4096, 64k, 16M, 1G)", text);
		break;
	default:
		if (!mus_span_parse_ms(text, &v))
			return mus_errf(et, MUS_ERR_SYNTAX,
			    "\"%.80s\" is no time span (500ms, 10s, 5m, 1h30m, 2d, 1w)", text);
		if (row->type == MUS_CONF_T_SPAN_S) {
			if (v % 1000 != 0)
				return mus_errf(et, MUS_ERR_SYNTAX, "\"%.80s\" is not in whole seconds",
				    text);
			v /= 1000;
		}
	}
	if (!mus__conf_in_bounds(row, v))
		return out_of_bounds(row, text, "it", et);
	memcpy(elem, &v, sizeof v);
	return 0;
}

static int
set_word(const struct mus_conf_row *row, const char *text, void *elem, struct mus_errtext *et)
{
	const char *near;
	struct mus_buf b;
	size_t count;

	for (count = 0; row->words[count]; count++) {
		if (strcmp(text, row->words[count]) == 0) {
			int v = (int)count;

			memcpy(elem, &v, sizeof v);
			return 0;
		}
	}
	near = mus_text_nearest(text, row->words, count);
	mus_buf_init(&b, 1024);
	for (count = 0; row->words[count]; count++)
		mus_buf_printf(&b, "%s%s", count ? ", " : "", row->words[count]);
	mus_errf(et, MUS_ERR_SYNTAX, "\"%.80s\" is none of %s%s%s%s", text,
	    b.data ? (const char *)b.data : "the words", near ? "; did you mean \"" : "",
	    near ? near : "", near ? "\"?" : "");
	mus_buf_clear(&b);
	return MUS_ERR_SYNTAX;
}

static int
set_bool(const char *text, void *elem, struct mus_errtext *et)
{
	size_t i;

	for (i = 0; i < sizeof bool_words / sizeof *bool_words; i++) {
		if (strcmp(text, bool_words[i]) == 0) {
			bool v = i % 2 == 1;

			memcpy(elem, &v, sizeof v);
			return 0;
		}
	}
	return mus_errf(et, MUS_ERR_SYNTAX, "\"%.80s\" is neither true nor false", text);
}

int
mus__conf_value_set(const struct mus_conf_row *row, const char *text, const char *dir,
    struct mus_arena *a, void *elem, struct mus_errtext *et)
{
	switch (mus__conf_elem_type(row->type)) {
	case MUS_CONF_T_STRING:
		return set_string(row, text, a, elem, et);
	case MUS_CONF_T_PATH:
	case MUS_CONF_T_FILE:
	case MUS_CONF_T_SECRET:
		return set_file(row, text, dir, a, elem, et);
	case MUS_CONF_T_ADDR:
		return set_addr(row, text, elem, et);
	case MUS_CONF_T_NAME:
		return set_name(text, elem, et);
	case MUS_CONF_T_INT:
	case MUS_CONF_T_SIZE:
	case MUS_CONF_T_SPAN_MS:
	case MUS_CONF_T_SPAN_S:
		return set_number(row, text, elem, et);
	case MUS_CONF_T_BOOL:
		return set_bool(text, elem, et);
	case MUS_CONF_T_ENUM:
		return set_word(row, text, elem, et);
	case MUS_CONF_T_ADDRS:
	case MUS_CONF_T_NAMES:
	case MUS_CONF_T_STRINGS:
	case MUS_CONF_T_SECTIONS:
	case MUS_CONF_T_NONE:
		break;
	}
	MUS_ASSERT(!"a scalar type");
	return MUS_ERR_INTERNAL;
}

/* ---- value to text ---- */

void
mus__conf_value_text(const struct mus_conf_row *row, const void *elem, struct mus_buf *out)
{
	char text[MUS_NAME_TEXT_MAX];

	switch (mus__conf_elem_type(row->type)) {
	case MUS_CONF_T_STRING:
	case MUS_CONF_T_PATH:
	case MUS_CONF_T_FILE: {
		const char *const *s = elem;

		if (*s)
			mus_buf_add_str(out, *s);
		break;
	}
	case MUS_CONF_T_SECRET: {
		const struct mus_conf_secret *s = elem;

		if (s->file)
			mus_buf_add_str(out, s->file);
		break;
	}
	case MUS_CONF_T_ADDR: {
		const struct mus_addr *addr = elem;

		if (!addr->family)
			break;
		mus_buf_add_str(out, mus_addr_text(addr, row->port, text));
		/* Nobody knows by heart what port is meant when it is not that of DNS. */
		if (addr->port == row->port && row->port != 0 && row->port != 53)
			mus_buf_printf(out, "@%u", (unsigned)addr->port);
		break;
	}
	case MUS_CONF_T_NAME: {
		const struct mus_name *name = elem;

		if (name->len)
			mus_buf_add_str(out, mus_name_text(name, text));
		break;
	}
	case MUS_CONF_T_INT:
	case MUS_CONF_T_SIZE:
	case MUS_CONF_T_SPAN_MS:
	case MUS_CONF_T_SPAN_S:
		mus__conf_bound_text(row, *(const int64_t *)elem, out);
		break;
	case MUS_CONF_T_BOOL:
		mus_buf_add_str(out, *(const bool *)elem ? "true" : "false");
		break;
	case MUS_CONF_T_ENUM:
		mus_buf_add_str(out, row->words[*(const int *)elem]);
		break;
	case MUS_CONF_T_ADDRS:
	case MUS_CONF_T_NAMES:
	case MUS_CONF_T_STRINGS:
	case MUS_CONF_T_SECTIONS:
	case MUS_CONF_T_NONE:
		break;
	}
}

/* ---- defaults ---- */

static int
default_list(const struct mus_conf_row *row, const char *dir, struct mus_arena *a, void *field,
    struct mus_errtext *et)
{
	struct mus__conf_any_list list = {0};
	size_t size = mus__conf_elem_size(row->type), cap = 1;
	char *copy = mus_arena_strdup(a, row->def), *save = NULL, *word;
	const char *p;
	int rc;

	for (p = row->def; *p; p++)
		cap += *p == ' ';
	list.items = mus_arena_alloc(a, cap * size);
	if (!copy || !list.items)
		return no_memory(et);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		rc = mus__conf_value_set(row, word, dir, a, (char *)list.items + list.count * size, et);
		if (rc < 0)
			return rc;
		list.count++;
	}
	memcpy(field, &list, sizeof list);
	return 0;
}

int
mus__conf_default_set(const struct mus_conf_row *row, const char *dir, struct mus_arena *a,
    void *field, struct mus_errtext *et)
{
	if (!row->def || row->type == MUS_CONF_T_SECTIONS)
		return 0;
	if (mus__conf_is_list(row->type))
		return default_list(row, dir, a, field, et);
	return mus__conf_value_set(row, row->def, dir, a, field, et);
}
