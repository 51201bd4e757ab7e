/*
 * Errors: one list makes the enum, the name, the text, the HTTP status and the exit code.
 *
 * A function that can fail returns int: 0, or a negative enum mus_err.  Code at the rim also fills
 * a caller's struct mus_errtext with words that name the file, line, key, field or server, and each
 * layer puts its own words in front (mus_err_wrap).  A verdict ("refused", "unknown") is a value of
 * its own and never one of these.
 */
#ifndef MUS_BASE_ERR_H
#define MUS_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* X(name, text, HTTP status, sysexits code, trying again can help) */
#define MUS_ERR_MAP(X)                                                                             \
	X(NOMEM, "out of memory", 503, 75, true)                                                   \
	X(INVAL, "invalid value", 422, 65, false)                                                  \
	X(SYNTAX, "syntax error", 400, 65, false)                                                  \
	X(NOTFOUND, "no such object", 404, 66, false)                                              \
	X(EXISTS, "object exists already", 409, 73, false)                                         \
	X(CONFLICT, "in conflict with the present state", 409, 75, false)                          \
	X(DENIED, "permission denied", 403, 77, false)                                             \
	X(UNAUTH, "not authenticated", 401, 77, false)                                             \
	X(TOOBIG, "too large", 413, 65, false)                                                     \
	X(FULL, "queue or table is full", 503, 75, true)                                           \
	X(TIMEOUT, "no answer in time", 504, 75, true)                                             \
	X(NET, "network error", 502, 69, true)                                                     \
	X(REFUSED, "refused by the server", 502, 69, true)                                         \
	X(MALFORM, "malformed data received", 502, 76, true)                                       \
	X(BADSIG, "signature check failed", 502, 76, true)                                         \
	X(UNSUPPORTED, "not supported", 501, 69, false)                                            \
	X(IO, "input/output error", 500, 74, true)                                                 \
	X(STORE, "database error", 500, 74, true)                                                  \
	X(CANCELLED, "cancelled", 503, 75, true)                                                   \
	X(INTERNAL, "internal error", 500, 70, false)

enum mus_err_ {
	MUS_ERR__OK = 0,
#define X(name, text, http, ex, retry) MUS_ERR__##name,
	MUS_ERR_MAP(X)
#undef X
	    MUS_ERR__COUNT
};

enum mus_err {
	MUS_OK = 0,
#define X(name, text, http, ex, retry) MUS_ERR_##name = -(int)MUS_ERR__##name,
	MUS_ERR_MAP(X)
#undef X
};

#define MUS_MUST_CHECK __attribute__((warn_unused_result))
#define MUS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Words for people about one failure; always terminated, cut when too long. */
struct mus_errtext {
	char s[480];
};

/* Name ("TIMEOUT"), text, HTTP status, exit code of an error; 0 gives "OK", 200, 0. */
const char *mus_err_name(int err);
const char *mus_err_text(int err);
int mus_err_http(int err);
int mus_err_exit(int err);
bool mus_err_can_retry(int err);

/* Sets ${et} (may be NULL) to the formatted words; returns ${err}, so that one can write
 * return mus_errf(et, MUS_ERR_SYNTAX, "%s:%d: ...", ...). */
int mus_errf(struct mus_errtext *et, int err, const char *fmt, ...) MUS_PRINTF(3, 4);
/* Puts "words: " in front of what ${et} holds; returns ${err}. */
int mus_err_wrap(struct mus_errtext *et, int err, const char *fmt, ...) MUS_PRINTF(3, 4);

/* A bug of ours: prints the expression and aborts, in release builds too. */
#ifdef MUS_COVERAGE	/* counted are the branches of the code, not those of what never happens (tests/README.md) */
#define MUS_ASSERT(e) mus_assert_holds(e, #e, __FILE__, __LINE__, __func__)
void mus_assert_holds(bool holds, const char *expr, const char *file, int line, const char *func);
#else
#define MUS_ASSERT(e) ((e) ? (void)0 : mus_assert_failed(#e, __FILE__, __LINE__, __func__))
#endif
_Noreturn void mus_assert_failed(const char *expr, const char *file, int line, const char *func);

#endif
