/*
 * What came back, shown by tables of columns: text (lists: table.c), JSON through our writer, CSV as
 * RFC 4180.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CELL_MAX = 2048 };

/* --- reaching into replies --- */

static const json_t *
reach(const json_t *o, const char *path)
{
	char name[64];

	while (o != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");

		snprintf(name, sizeof name, "%.*s", (int)n, path);
		o = json_object_get(o, name);
		path += n + (path[n] == '.');
	}
	return o;
}

const char *
cli_str(const json_t *o, const char *path)
{
	const char *s = json_string_value(reach(o, path));

	return s != NULL ? s : "";
}

int64_t
cli_num(const json_t *o, const char *path)
{
	return json_integer_value(reach(o, path));
}

bool
cli_true(const json_t *o, const char *path)
{
	return json_is_true(reach(o, path));
}

/* RFC 3339 in UTC, as the daemon writes it. */
struct mus_time
cli_parse_time(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ms = 0;

	if (end == NULL)
		return MUS_TIME_NEVER;
	if (*end == '.') {
		for (int64_t unit = 100; *++end >= '0' && *end <= '9'; unit /= 10)
			ms += (*end - '0') * unit;
	}
	if (*end != 'Z')
		return MUS_TIME_NEVER;
	return (struct mus_time){(int64_t)timegm(&tm) * 1000 + ms};
}

bool
cli_time(const json_t *o, const char *path, struct mus_time *out)
{
	const char *s = json_string_value(reach(o, path));

	if (s == NULL)
		return false;
	*out = cli_parse_time(s);
	return mus_time_is_set(*out);
}

const char *
cli_left(const json_t *o, const char *path, struct mus_time now, char out[static 48])
{
	char span[MUS_SPAN_TEXT_MAX];
	struct mus_time t;

	out[0] = '\0';
	if (!cli_time(o, path, &t))
		return out;
	if (t.ms <= now.ms)
		snprintf(out, 48, "now");
	else
		snprintf(out, 48, "%s left", mus_span_text_s((t.ms - now.ms + 999) / 1000, span));
	return out;
}

/* --- plain text --- */

size_t
cli_control_at(const char *s)
{
	static const struct {
		const char *first, *last;	/* in UTF-8, of one length */
	} ranges[] = {
	    {"\x01", "\x1f"}, {"\x7f", "\x7f"}, {"\xc2\x80", "\xc2\x9f"},	/* C0, DEL, C1 */
	    {"\xd8\x9c", "\xd8\x9c"},					/* U+061C */
	    {"\xe2\x80\x8e", "\xe2\x80\x8f"},				/* U+200E, U+200F */
	    {"\xe2\x80\xa8", "\xe2\x80\xae"},	/* U+2028, U+2029: ends of lines; U+202A to U+202E */
	    {"\xe2\x81\xa6", "\xe2\x81\xa9"},				/* U+2066 to U+2069 */
	};

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		size_t n = strlen(ranges[i].first);

		if (strncmp(s, ranges[i].first, n) >= 0 && strncmp(s, ranges[i].last, n) <= 0)
			return n;
	}
	return 0;
}

void
cli_print_safe(FILE *f, const char *s)
{
	for (size_t n; *s != '\0'; s += n > 0 ? n : 1) {
		n = cli_control_at(s);
		fputc(n == 0 ? (unsigned char)*s : *s == '\n' || *s == '\t' ? ' ' : '?', f);
	}
}

/* Of a word that stands for a state or a result; a plain yes or no is neither good nor bad. */
static const char *
color_name(const char *word)
{
	static const struct {
		const char *word, *color;
	} colors[] = {
	    {"VALID", "green"}, {"holds", "green"}, {"yes", "green"}, {"ok", "green"}, {"done", "green"},
	    {"VALID-SO-FAR", "cyan"}, {"UNKNOWN", "yellow"}, {"unknown", "yellow"},
	    {"warning", "yellow"}, {"AT-RISK", "yellow"}, {"held", "yellow"}, {"INVALID", "red"},
	    {"INSECURE", "red"}, {"fails", "red"}, {"no", "red"}, {"FAIL", "red"}, {"head", "bold"},
	};

	for (size_t i = 0; i < sizeof colors / sizeof colors[0]; i++)
		if (strcmp(colors[i].word, word) == 0)
			return colors[i].color;
	return NULL;
}

const char *
cli_color(const struct cli *c, const char *word)
{
	const char *name = c->has_color ? color_name(word) : NULL;

	if (name == NULL)
		return "";
	switch (name[0]) {
	case 'g':
		return "\033[32m";
	case 'c':
		return "\033[36m";
	case 'y':
		return "\033[33m";
	case 'r':
		return "\033[31m";
	default:
		return "\033[1m";
	}
}

const char *
cli_plain(const struct cli *c)
{
	return c->has_color ? "\033[0m" : "";
}

/* --- one cell --- */

static void
add_list(struct mus_buf *out, const json_t *list, const char *member)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);

		if (i > 0)
			mus_buf_add_u8(out, ',');
		mus_buf_add_str(out, member != NULL ? cli_str(v, member) : cli_str(v, ""));
	}
}

static void
add_members(struct mus_buf *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);

		mus_buf_printf(out, "%s%s%s", i > 0 ? "," : "", cli_str(v, "name"),
		    cli_true(v, "leaving") ? "(leaving)" : "");
	}
}

static void
add_servers(struct mus_buf *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i), *addr = json_object_get(v, "addresses");

		mus_buf_printf(out, "%s%s", i > 0 ? " " : "", cli_str(v, "name"));
		if (json_array_size(addr) > 0) {
			mus_buf_add_u8(out, '=');
			add_list(out, addr, NULL);
		}
	}
}

const char *
cli_clock(struct mus_time t, bool is_end, const char *form, char out[static CLI_CLOCK_MAX])
{
	time_t at = (time_t)((t.ms + (is_end ? 999 : 0)) / 1000);
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL || strftime(out, CLI_CLOCK_MAX, form, &tm) == 0)
		out[0] = '\0';
	return out;
}

static void
add_time(struct mus_buf *out, const struct cli *c, const json_t *v, enum cli_show show)
{
	const char *text = json_string_value(v);
	struct mus_time t = text != NULL ? cli_parse_time(text) : MUS_TIME_NEVER;
	int64_t span = (cli_now().ms + c->clock_ahead_ms - t.ms) / 1000;
	char s[MUS_SPAN_TEXT_MAX], at[CLI_CLOCK_MAX];

	if (!mus_time_is_set(t)) {
		mus_buf_add_str(out, "-");
	} else if (show == CLI_S_AGO) {
		mus_buf_printf(out, "%s ago", mus_span_text_s(span > 0 ? span : 0, s));
	} else if (show == CLI_S_LEFT) {
		mus_buf_printf(out, "%s", span >= 0 ? "now" : mus_span_text_s(-span, s));
	} else {
		mus_buf_add_str(out, cli_clock(t, show == CLI_S_UNTIL, "%FT%TZ", at));
	}
}

/* Of "RULE: sentence"; all of what has no rule. */
static size_t
rule_length(const char *s)
{
	const char *end = strstr(s, ": ");

	return end != NULL ? (size_t)(end - s) : strlen(s);
}

/* What stands in the cell; ${raw}: for programs. */
static const char *
cell(const struct cli *c, const json_t *o, const struct cli_column *col, bool raw, struct mus_buf *out)
{
	const json_t *v = reach(o, col->path);

	mus_buf_reset(out);
	switch (col->show) {
	case CLI_S_DECLARED:
		if (!raw && json_integer_value(v) == 0) {
			mus_buf_add_str(out, "not declared");
			break;
		}
		/* fall through */
	case CLI_S_NUMBER:
		if (json_is_integer(v))
			mus_buf_printf(out, "%lld", (long long)json_integer_value(v));
		break;
	case CLI_S_KEYED:
		if (!raw && cli_true(o, "secondary")) {
			mus_buf_add_str(out, "none");
			break;
		}
		/* fall through */
	case CLI_S_YESNO:
		if (json_is_boolean(v))
			mus_buf_add_str(out, json_is_true(v) ? "yes" : "no");
		break;
	case CLI_S_TIME:
	case CLI_S_UNTIL:
	case CLI_S_AGO:
	case CLI_S_LEFT:
		if (!raw)
			add_time(out, c, v, col->show);
		else if (json_is_string(v))
			mus_buf_add_str(out, json_string_value(v));
		break;
	case CLI_S_LIST:
		add_list(out, v, NULL);
		break;
	case CLI_S_MEMBERS:
		add_members(out, v);
		break;
	case CLI_S_SERVERS:
		add_servers(out, v);
		break;
	case CLI_S_COUNT:
		mus_buf_printf(out, "%zu", json_array_size(v));
		break;
	case CLI_S_RULE:
		if (json_is_string(v))
			mus_buf_add(out, json_string_value(v), raw || c->is_wide ? json_string_length(v)
									    : rule_length(json_string_value(v)));
		break;
	case CLI_S_TEXT:
	case CLI_S_STATE:
	case CLI_S_RESULT:
		if (json_is_string(v))
			mus_buf_add_str(out, json_string_value(v));
		break;
	}
	if (out->len == 0 && !raw)
		mus_buf_add_str(out, "-");
	return out->len > 0 ? (const char *)out->data : "";
}

const char *
cli_cell(const struct cli *c, const json_t *o, const struct cli_column *col, struct mus_buf *out)
{
	return cell(c, o, col, false, out);
}

/* --- lists --- */

static void
print_csv_cell(const char *s)
{
	bool quote = strpbrk(s, ",\"\r\n") != NULL;

	if (!quote) {
		fputs(s, stdout);
		return;
	}
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			putchar('"');
		putchar(*s);
	}
	putchar('"');
}

static void
print_csv(struct cli *c, const json_t *items, const struct cli_column *col)
{
	struct mus_buf b;

	mus_buf_init(&b, CELL_MAX);
	for (size_t i = 0; col[i].head != NULL; i++) {
		if (i > 0)
			putchar(',');
		print_csv_cell(col[i].path);
	}
	fputs("\r\n", stdout);
	for (size_t k = 0; k < json_array_size(items); k++) {
		for (size_t i = 0; col[i].head != NULL; i++) {
			if (i > 0)
				putchar(',');
			print_csv_cell(cell(c, json_array_get(items, k), &col[i], true, &b));
		}
		fputs("\r\n", stdout);
	}
	mus_buf_clear(&b);
}

void
cli_print_list(struct cli *c, const json_t *items, const struct cli_column *col)
{
	switch (c->format) {
	case CLI_JSON: {
		struct mus_json j;
		struct mus_buf b;

		mus_buf_init(&b, 0);
		mus_json_init(&j, &b);
		mus_json_object(&j);
		mus_json_name(&j, "items");
		cli_write_json(&j, items);
		mus_json_object_end(&j);
		fwrite(b.data, 1, b.len, stdout);
		putchar('\n');
		mus_buf_clear(&b);
		break;
	}
	case CLI_CSV:
		print_csv(c, items, col);
		break;
	case CLI_TEXT:
		cli_print_table(c, items, col);
		break;
	}
}

void
cli_print_object(struct cli *c, const json_t *o, const struct cli_column *col)
{
	struct mus_buf b;
	size_t width = 0;
	json_t *one;

	if (c->format == CLI_JSON) {
		cli_print_json(o);
		return;
	}
	if (c->format == CLI_CSV) {
		one = json_pack("[O]", o);
		print_csv(c, one, col);
		json_decref(one);
		return;
	}
	mus_buf_init(&b, CELL_MAX);
	for (size_t i = 0; col[i].head != NULL; i++)
		if (strlen(col[i].head) > width)
			width = strlen(col[i].head);
	for (size_t i = 0; col[i].head != NULL; i++) {
		const char *text = cell(c, o, &col[i], false, &b);

		printf("%-*s  %s", (int)width, col[i].head,
		    col[i].show == CLI_S_STATE || col[i].show == CLI_S_RESULT ? cli_color(c, text) : "");
		cli_print_safe(stdout, text);
		printf("%s\n", col[i].show == CLI_S_STATE || col[i].show == CLI_S_RESULT ? cli_plain(c) : "");
	}
	mus_buf_clear(&b);
}

/* --- JSON --- */

void
cli_write_json(struct mus_json *j, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		mus_json_object(j);
		for (void *it = json_object_iter((json_t *)(uintptr_t)v); it != NULL;
		     it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
			mus_json_name(j, json_object_iter_key(it));
			cli_write_json(j, json_object_iter_value(it));
		}
		mus_json_object_end(j);
		break;
	case JSON_ARRAY:
		mus_json_array(j);
		for (size_t i = 0; i < json_array_size(v); i++)
			cli_write_json(j, json_array_get(v, i));
		mus_json_array_end(j);
		break;
	case JSON_STRING:
		mus_json_str_len(j, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		mus_json_int(j, json_integer_value(v));
		break;
	case JSON_REAL: {
		char text[32];
		int n = snprintf(text, sizeof text, "%.17g", json_real_value(v));

		mus_json_raw(j, text, (size_t)n);
		break;
	}
	case JSON_TRUE:
	case JSON_FALSE:
		mus_json_bool(j, json_is_true(v));
		break;
	case JSON_NULL:
		mus_json_null(j);
		break;
	}
}

void
cli_print_json(const json_t *v)
{
	struct mus_json j;
	struct mus_buf b;

	mus_buf_init(&b, 0);
	mus_json_init(&j, &b);
	cli_write_json(&j, v);
	fwrite(b.data, 1, b.len, stdout);
	putchar('\n');
	mus_buf_clear(&b);
}
