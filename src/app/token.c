#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "app/token.h"
#include "base/buf.h"
#include "base/text.h"
#include "io/file.h"

enum { TOKEN_BYTES = 32, FILE_MAX_BYTES = 4 << 20 };

const char *const mus_role_words[] = {"read", "operate", "admin", NULL};

struct mus_tokens {
	struct mus_token *v;
	size_t count, cap;
};

const char *
mus_role_text(enum mus_role r)
{
	return r == MUS_ROLE_NONE ? "none" : mus_role_words[r - 1];
}

bool
mus_role_parse(const char *text, enum mus_role *out)
{
	int i;

	for (i = 0; mus_role_words[i]; i++) {
		if (strcmp(text, mus_role_words[i]) == 0) {
			*out = (enum mus_role)(i + 1);
			return true;
		}
	}
	return false;
}

/* ---- one token ---- */

int
mus_token_make(char out[static MUS_TOKEN_TEXT_MAX])
{
	uint8_t raw[TOKEN_BYTES];
	char text[4 * ((TOKEN_BYTES + 2) / 3) + 1], *p;

	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		return MUS_ERR_IO;
	mus_base64_encode(raw, sizeof raw, text);
	for (p = text; *p; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
		else if (*p == '=')
			*p = '\0';
	}
	(void)mus_strcpy(out, MUS_TOKEN_TEXT_MAX, text);
	explicit_bzero(raw, sizeof raw);
	explicit_bzero(text, sizeof text);
	return 0;
}

void
mus_token_hash(const char *token, uint8_t out[static MUS_TOKEN_HASH_LEN])
{
	MUS_ASSERT(EVP_Digest(token, strlen(token), out, NULL, EVP_sha256(), NULL) == 1);
}

bool
mus_token_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < MUS_TOKEN_NAME_MAX &&
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-") == len;
}

bool
mus_token_line(const char *name, enum mus_role role, const char *token, char *out, size_t cap)
{
	uint8_t hash[MUS_TOKEN_HASH_LEN];
	char hex[2 * MUS_TOKEN_HASH_LEN + 1];
	int n;

	mus_token_hash(token, hash);
	mus_hex_encode(hash, sizeof hash, hex);
	n = snprintf(out, cap, "%s %s %s\n", name, mus_role_text(role), hex);
	return n > 0 && (size_t)n < cap;
}

/* ---- many ---- */

struct mus_tokens *
mus_tokens_new(void)
{
	return calloc(1, sizeof(struct mus_tokens));
}

void
mus_tokens_free(struct mus_tokens *t)
{
	if (!t)
		return;
	free(t->v);
	free(t);
}

size_t
mus_tokens_count(const struct mus_tokens *t)
{
	return t->count;
}

const struct mus_token *
mus_tokens_at(const struct mus_tokens *t, size_t i)
{
	MUS_ASSERT(i < t->count);
	return &t->v[i];
}

int
mus_tokens_add(struct mus_tokens *t, const char *name, enum mus_role role,
    const uint8_t hash[static MUS_TOKEN_HASH_LEN], struct mus_errtext *et)
{
	struct mus_token *v;
	size_t i;

	if (!mus_token_name_ok(name))
		return mus_errf(et, MUS_ERR_INVAL, "a token's name has 1 to %d letters, digits or ._@-",
		    MUS_TOKEN_NAME_MAX - 1);
	if (role < MUS_ROLE_READ || role > MUS_ROLE_ADMIN)
		return mus_errf(et, MUS_ERR_INVAL, "token %s has no role", name);
	for (i = 0; i < t->count; i++) {
		if (strcmp(t->v[i].name, name) == 0)
			return mus_errf(et, MUS_ERR_EXISTS, "token name %s was given already", name);
		if (mus_equal_secret(t->v[i].hash, hash, MUS_TOKEN_HASH_LEN))
			return mus_errf(et, MUS_ERR_EXISTS, "token %s is the same as %s", name, t->v[i].name);
	}
	if (t->count == MUS_TOKENS_MAX)
		return mus_errf(et, MUS_ERR_FULL, "more than %d tokens", MUS_TOKENS_MAX);
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 16;

		if (!(v = realloc(t->v, cap * sizeof *v)))
			return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
		t->v = v;
		t->cap = cap;
	}
	v = &t->v[t->count++];
	*v = (struct mus_token){.role = role};
	memcpy(v->name, name, strlen(name) + 1);
	memcpy(v->hash, hash, MUS_TOKEN_HASH_LEN);
	return 0;
}

/* ---- a file ---- */

/* Cuts the next word out of a line; NULL: no more. */
static char *
next_word(char **p)
{
	char *word = *p + strspn(*p, " \t\r"), *end;

	if (*word == '\0' || *word == '#')
		return NULL;
	end = word + strcspn(word, " \t\r");
	*p = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

/* One line; words of the error without a position. */
static int
add_line(struct mus_tokens *t, char *line, struct mus_errtext *et)
{
	char *p = line, *name = next_word(&p), *role_word, *hex;
	uint8_t hash[MUS_TOKEN_HASH_LEN];
	enum mus_role role;

	if (!name)
		return 0;
	if (!(role_word = next_word(&p)) || !(hex = next_word(&p)) || next_word(&p))
		return mus_errf(et, MUS_ERR_SYNTAX, "wants: name role sha256hex");
	if (!mus_role_parse(role_word, &role))
		return mus_errf(et, MUS_ERR_SYNTAX, "the role of %.64s is none of read, operate, admin", name);
	if (mus_hex_decode(hex, hash, sizeof hash) != (long)sizeof hash)
		return mus_errf(et, MUS_ERR_SYNTAX, "the hash of %.64s is no SHA-256 in hex", name);
	return mus_tokens_add(t, name, role, hash, et);
}

int
mus_tokens_load(struct mus_tokens *t, const char *path, struct mus_errtext *et)
{
	size_t before = t->count;
	unsigned number = 0;
	struct mus_buf b;
	char *line, *next;
	int rc;

	mus_buf_init(&b, 0);
	if ((rc = mus_file_read_secret(path, FILE_MAX_BYTES, &b, et)) < 0)
		goto out;
	if (b.len && memchr(b.data, 0, b.len)) {
		rc = mus_errf(et, MUS_ERR_SYNTAX, "%s: a zero byte in the file", path);
		goto out;
	}
	for (line = (char *)b.data; line && *line; line = next) {
		number++;
		if ((next = strchr(line, '\n')))
			*next++ = '\0';
		if ((rc = add_line(t, line, et)) < 0) {
			rc = mus_err_wrap(et, rc == MUS_ERR_NOMEM ? rc : MUS_ERR_SYNTAX, "%s:%u", path, number);
			t->count = before;
			goto out;
		}
	}
out:
	mus_buf_clear(&b);
	return rc;
}

/* ---- look-up ---- */

const struct mus_token *
mus_tokens_find(const struct mus_tokens *t, const char *token)
{
	uint8_t hash[MUS_TOKEN_HASH_LEN];
	const struct mus_token *found = NULL;
	size_t i;

	mus_token_hash(token, hash);
	for (i = 0; i < t->count; i++) {	/* all of them, whoever it is */
		if (mus_equal_secret(t->v[i].hash, hash, sizeof hash))
			found = &t->v[i];
	}
	return found;
}

const struct mus_token *
mus_tokens_find_bearer(const struct mus_tokens *t, const char *header)
{
	if (!header || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7;
	header += strspn(header, " ");
	return *header ? mus_tokens_find(t, header) : NULL;
}
