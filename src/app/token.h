/*
 * Bearer tokens of the REST interface, and their roles.  A file holds one a line,
 *
 *	name role sha256hex		# and comments
 *
 * so that reading it gives nobody access: the token itself is shown once, when it is made.
 */
#ifndef MUS_APP_TOKEN_H
#define MUS_APP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Each may do what those before it may. */
enum mus_role { MUS_ROLE_NONE, MUS_ROLE_READ, MUS_ROLE_OPERATE, MUS_ROLE_ADMIN };
const char *mus_role_text(enum mus_role r);
bool mus_role_parse(const char *text, enum mus_role *out);	/* read, operate, admin */
/* For a configuration table: words[0] is read, so the role is the index + 1. */
extern const char *const mus_role_words[];

enum {
	MUS_TOKEN_TEXT_MAX = 44,	/* 32 random bytes as base64url, with NUL */
	MUS_TOKEN_HASH_LEN = 32,
	MUS_TOKEN_NAME_MAX = 64,
	MUS_TOKENS_MAX = 10000,
};

/* A new token; it is never stored.  IO: the system gives no random numbers. */
int mus_token_make(char out[static MUS_TOKEN_TEXT_MAX]) MUS_MUST_CHECK;
void mus_token_hash(const char *token, uint8_t out[static MUS_TOKEN_HASH_LEN]);
/* [A-Za-z0-9._@-]+, not too long. */
bool mus_token_name_ok(const char *name);
/* The line of a token for a file, with the new line; false: it did not fit. */
bool mus_token_line(const char *name, enum mus_role role, const char *token, char *out, size_t cap);

struct mus_token {
	char name[MUS_TOKEN_NAME_MAX];		/* for the log */
	enum mus_role role;
	uint8_t hash[MUS_TOKEN_HASH_LEN];
};
struct mus_tokens;

struct mus_tokens *mus_tokens_new(void);	/* NULL: no memory */
void mus_tokens_free(struct mus_tokens *t);
size_t mus_tokens_count(const struct mus_tokens *t);
/* Lends; ${i} below the count, valid until the next add. */
const struct mus_token *mus_tokens_at(const struct mus_tokens *t, size_t i);
/* INVAL: name or role; EXISTS: name or hash is there; FULL, NOMEM. */
int mus_tokens_add(struct mus_tokens *t, const char *name, enum mus_role role,
    const uint8_t hash[static MUS_TOKEN_HASH_LEN], struct mus_errtext *et) MUS_MUST_CHECK;
/* Adds a file's tokens; on an error ("file:line: ...") ${t} is as it was.  SYNTAX, NOTFOUND, IO,
 * INVAL (a file of a mode beyond 0640). */
int mus_tokens_load(struct mus_tokens *t, const char *path, struct mus_errtext *et) MUS_MUST_CHECK;

/* Whose token this is; lends until the next add.  NULL: nobody's.  Its time depends on the number
 * of tokens only. */
const struct mus_token *mus_tokens_find(const struct mus_tokens *t, const char *token);
/* The same for the value of an Authorization header ("Bearer ..."; NULL: none was sent). */
const struct mus_token *mus_tokens_find_bearer(const struct mus_tokens *t, const char *header);

#endif
