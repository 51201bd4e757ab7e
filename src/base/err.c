#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct err_row {
	const char *name, *text;
	int http, exit_code;
	bool can_retry;
};

static const struct err_row rows[MUS_ERR__COUNT] = {
	[MUS_ERR__OK] = {"OK", "success", 200, 0, false},
#define X(name, text, http, ex, retry) [MUS_ERR__##name] = {#name, text, http, ex, retry},
	MUS_ERR_MAP(X)
#undef X
};

/* A number from outside the list counts as INTERNAL: whoever made it up has a bug. */
static const struct err_row *
row_of(int err)
{
	if (err > 0 || err <= -(int)MUS_ERR__COUNT)
		return &rows[MUS_ERR__INTERNAL];
	return &rows[-err];
}

const char *
mus_err_name(int err)
{
	return row_of(err)->name;
}

const char *
mus_err_text(int err)
{
	return row_of(err)->text;
}

int
mus_err_http(int err)
{
	return row_of(err)->http;
}

int
mus_err_exit(int err)
{
	return row_of(err)->exit_code;
}

bool
mus_err_can_retry(int err)
{
	return row_of(err)->can_retry;
}

int
mus_errf(struct mus_errtext *et, int err, const char *fmt, ...)
{
	va_list ap;

	if (et) {
		va_start(ap, fmt);
		(void)vsnprintf(et->s, sizeof et->s, fmt, ap);
		va_end(ap);
	}
	return err;
}

int
mus_err_wrap(struct mus_errtext *et, int err, const char *fmt, ...)
{
	char inner[sizeof et->s];
	size_t used;
	va_list ap;
	int n;

	if (!et)
		return err;
	memcpy(inner, et->s, sizeof inner);
	va_start(ap, fmt);
	n = vsnprintf(et->s, sizeof et->s, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	used = (size_t)n < sizeof et->s ? (size_t)n : sizeof et->s - 1;
	/* Nothing said below: the plain text of the error stands in. */
	(void)snprintf(et->s + used, sizeof et->s - used, ": %s",
	    inner[0] ? inner : mus_err_text(err));
	return err;
}

#ifdef MUS_COVERAGE
void
mus_assert_holds(bool holds, const char *expr, const char *file, int line, const char *func)
{
	if (!holds)
		mus_assert_failed(expr, file, line, func);
}
#endif

void
mus_assert_failed(const char *expr, const char *file, int line, const char *func)
{
	fprintf(stderr, "<2>%s:%d: %s: assertion failed: %s\n", file, line, func, expr);
	fflush(stderr);
	abort();
}
