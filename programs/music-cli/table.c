/*
 * Lists as tables.  Where the terminal is too narrow, columns that may be long are broken at words; when that does
 * not do, they stand below their row, and others with them, until the rest fits.  What is no terminal gets each
 * row in one line.
 */
#include "cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum {
	COLUMNS_MAX = 16,
	WIDE_MIN = 24,			/* narrower, words are hard to read */
	INDENT = 4,			/* of what stands below a row */
	WIDTH_DEFAULT = 80,		/* of a terminal that does not tell */
};

struct table {
	struct cli *c;
	struct cli_column col[COLUMNS_MAX];	/* those that are shown */
	size_t cols, rows, room;	/* room: columns of the terminal; 0: no bound */
	char **cell;			/* rows * cols */
	size_t width[COLUMNS_MAX];
	bool below[COLUMNS_MAX];
};

unsigned
cli_terminal_width(const struct cli *c, unsigned *height)
{
	struct winsize ws = {0};

	if (!c->is_terminal)
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_col == 0)
		ws.ws_col = WIDTH_DEFAULT;
	if (height != NULL)
		*height = ws.ws_row;
	return ws.ws_col;
}

/* Bytes and columns of the first character. */
static size_t
step(const char *s, size_t *columns)
{
	size_t control = cli_control_at(s);
	mbstate_t state = {0};
	wchar_t wc;
	/* not strlen(s): a line is walked character by character */
	size_t n = mbrtowc(&wc, s, strnlen(s, MB_LEN_MAX), &state);
	int width;

	*columns = 1;
	if (control > 0)
		return control;
	if (n == 0 || n > MB_LEN_MAX)
		return 1;
	width = wcwidth(wc);
	*columns = width < 0 ? 1 : (size_t)width;
	return n;
}

static size_t
columns_of(const char *s)
{
	size_t sum = 0, one;

	for (; *s != '\0'; sum += one)
		s += step(s, &one);
	return sum;
}

size_t
cli_break(const char *s, size_t width, size_t *next)
{
	size_t at = 0, used = 0, one, end = 0, n;

	for (*next = 0; s[at] != '\0'; at += n) {
		n = step(s + at, &one);
		if (used + one > width && at > 0) {
			if (s[at] == ' ') {
				*next = at + 1;
				return at;
			}
			if (*next == 0)		/* no place in it */
				end = *next = at;
			return end;
		}
		used += one;
		if (s[at] == ' ' && at > 0) {
			end = at;
			*next = at + 1;
		} else if (s[at] == ',') {
			end = *next = at + 1;
		}
	}
	return *next = at;
}

static bool
is_number(enum cli_show show)
{
	return show == CLI_S_NUMBER || show == CLI_S_DECLARED || show == CLI_S_COUNT;
}

/* A yes or no is coloured where its column says which is bad, and only that. */
static const char *
color_of(const struct cli *c, const struct cli_column *col, const char *text)
{
	if (col->bad != NULL)
		return strcmp(col->bad, text) == 0 ? cli_color(c, "no") : "";
	return col->show == CLI_S_STATE || col->show == CLI_S_RESULT ? cli_color(c, text) : "";
}

static bool
fill(struct table *t, const json_t *items, const struct cli_column *col)
{
	struct mus_buf b;
	bool good = true;

	mus_buf_init(&b, 0);
	t->rows = json_array_size(items);
	for (; t->cols < COLUMNS_MAX && col->head != NULL; col++)
		if (!col->extra || t->c->is_wide)
			t->col[t->cols++] = *col;
	good = (t->cell = calloc(t->rows * t->cols + 1, sizeof *t->cell)) != NULL;
	for (size_t i = 0; good && i < t->rows * t->cols; i++) {
		const json_t *o = json_array_get(items, i / t->cols);

		good = (t->cell[i] = strdup(cli_cell(t->c, o, &t->col[i % t->cols], &b))) != NULL;
	}
	mus_buf_clear(&b);
	return good;
}

static void
set_natural(struct table *t)
{
	for (size_t k = 0; k < t->cols; k++)
		t->width[k] = strlen(t->col[k].head);
	for (size_t i = 0; i < t->rows * t->cols; i++) {
		size_t n = columns_of(t->cell[i]);

		if (n > t->width[i % t->cols])
			t->width[i % t->cols] = n;
	}
}

/* What a row takes. */
static size_t
total(const struct table *t)
{
	size_t sum = 0, count = 0;

	for (size_t k = 0; k < t->cols; k++)
		if (!t->below[k]) {
			sum += t->width[k];
			count++;
		}
	return sum + count - 1;
}

/* Makes the widest of what may be broken narrower, one column at a time. */
static bool
squeeze(struct table *t)
{
	while (total(t) > t->room) {
		size_t widest = t->cols;

		for (size_t k = 0; k < t->cols; k++)
			if (t->col[k].wide && (widest == t->cols || t->width[k] > t->width[widest]))
				widest = k;
		if (widest == t->cols || t->width[widest] <= WIDE_MIN)
			return false;
		t->width[widest]--;
	}
	return true;
}

static void
lay_out(struct table *t)
{
	set_natural(t);
	if (t->room == 0 || squeeze(t))
		return;
	set_natural(t);
	for (size_t k = 1; k < t->cols; k++)
		t->below[k] = t->col[k].wide;
	while (total(t) > t->room) {
		size_t widest = 0;

		for (size_t k = 1; k < t->cols; k++)
			if (!t->below[k] && (widest == 0 || t->width[k] > t->width[widest]))
				widest = k;
		if (widest == 0)
			return;
		t->below[widest] = true;
	}
}

static void
print_piece(const char *s, size_t len)
{
	char *piece = strndup(s, len);

	cli_print_safe(stdout, piece != NULL ? piece : "");
	free(piece);
}

/* Does ${s} go on behind its first ${len} bytes in the midst of a word? */
static bool
splits_word(const char *s, size_t len)
{
	return len > 0 && s[len] != '\0' && s[len] != ' ' && s[len - 1] != ' ' && s[len - 1] != ',';
}

void
cli_fold(const struct cli *c, size_t used, size_t indent, const char *text)
{
	size_t width = cli_terminal_width(c, NULL), len, next;

	if (indent + WIDE_MIN > width)
		indent = INDENT;
	if (width <= INDENT) {			/* 0: no terminal */
		cli_print_safe(stdout, text);
		putchar('\n');
		return;
	}
	for (;; text += next, used = indent) {
		len = cli_break(text, width > used ? width - used : 1, &next);
		if (used > indent && splits_word(text, len))
			len = next = 0;		/* the next line has more room for it */
		print_piece(text, len);
		putchar('\n');
		if (text[next] == '\0')
			return;
		printf("%*s", (int)indent, "");
	}
}

/* One line of what stands side by side; ${rest} moves on.  Blanks at the end of a line are not printed. */
static bool
print_line(const struct table *t, const char **rest)
{
	size_t blanks = 0;
	bool is_more = false;

	for (size_t k = 0; k < t->cols; k++) {
		size_t next, len, used, pad;
		const char *color = color_of(t->c, &t->col[k], rest[k]);
		char *piece;

		if (t->below[k])
			continue;
		len = cli_break(rest[k], t->width[k], &next);
		piece = strndup(rest[k], len);
		used = piece != NULL ? columns_of(piece) : 0;
		free(piece);
		pad = t->width[k] > used ? t->width[k] - used : 0;
		if (is_number(t->col[k].show) && used > 0) {
			blanks += pad;
			pad = 0;
		}
		if (used > 0) {
			printf("%*s%s", (int)blanks, "", color);
			print_piece(rest[k], len);
			fputs(color[0] != '\0' ? cli_plain(t->c) : "", stdout);
			blanks = 0;
		}
		blanks += pad + 1;
		rest[k] += next;
		is_more = is_more || rest[k][0] != '\0';
	}
	putchar('\n');
	return is_more;
}

/* "    WAITING FOR  DS-Wait: ..." */
static void
print_below(const struct table *t, char *const *cell)
{
	size_t head = 0, room;

	for (size_t k = 0; k < t->cols; k++)
		if (t->below[k] && strlen(t->col[k].head) > head)
			head = strlen(t->col[k].head);
	room = t->room > INDENT + head + 2 + WIDE_MIN ? t->room - INDENT - head - 2 : WIDE_MIN;
	for (size_t k = 0; k < t->cols; k++) {
		const char *rest = cell[k], *name = t->col[k].head;

		if (!t->below[k] || strcmp(rest, "-") == 0)
			continue;
		for (size_t len, next; *rest != '\0'; rest += next, name = "") {
			len = cli_break(rest, room, &next);
			printf("%*s%-*s  ", INDENT, "", (int)head, name);
			print_piece(rest, len);
			putchar('\n');
		}
	}
}

void
cli_print_table(struct cli *c, const json_t *items, const struct cli_column *col)
{
	struct table t = {.c = c, .room = cli_terminal_width(c, NULL)};
	const char *rest[COLUMNS_MAX];

	if (fill(&t, items, col)) {
		lay_out(&t);
		for (size_t k = 0; k < t.cols; k++)
			rest[k] = t.col[k].head;
		print_line(&t, rest);
		for (size_t i = 0; i < t.rows; i++) {
			for (size_t k = 0; k < t.cols; k++)
				rest[k] = t.cell[i * t.cols + k];
			while (print_line(&t, rest))
				;
			print_below(&t, t.cell + i * t.cols);
		}
		if (t.rows == 0 && c->is_terminal)
			puts("(none)");
	}
	for (size_t i = 0; t.cell != NULL && i < t.rows * t.cols; i++)
		free(t.cell[i]);
	free(t.cell);
}
