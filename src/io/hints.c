#include "io/hints.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <unbound.h>

#include "dns/rr.h"
#include "io/file.h"

enum { HINTS_BYTES_MAX = 4 << 20 };	/* the whole root zone is half of that */

struct found {
	bool is_root;			/* the owner of the record before: one that has none goes with it */
	bool ns, address;
};

static const char *
next_word(char **rest)
{
	return strtok_r(NULL, " \t\r", rest);
}

static bool
is_rdata(uint16_t type, const char *text)
{
	struct mus_arena a;
	struct mus_errtext et;
	struct mus_rdata rd;
	bool good;

	mus_arena_init(&a, 1 << 16);
	good = text && mus_rdata_parse(type, text, &a, &rd, &et) == 0;
	mus_arena_clear(&a);
	return good;
}

/* A record of a line, in the notation of a zone file: [OWNER] [TTL] [CLASS] TYPE RDATA. */
static void
take_line(char *line, struct found *f)
{
	bool has_owner = !isspace((unsigned char)line[0]);
	char *rest = NULL;
	const char *word;
	uint16_t type;

	line[strcspn(line, ";")] = '\0';
	if ((word = strtok_r(line, " \t\r", &rest)) == NULL)
		return;
	if (has_owner) {
		f->is_root = strcmp(word, ".") == 0 || strcmp(word, "@") == 0;
		word = next_word(&rest);
	}
	while (word && (isdigit((unsigned char)word[0]) || strcasecmp(word, "IN") == 0))
		word = next_word(&rest);
	type = word ? mus_type_parse(word) : 0;
	if (type == MUS_TYPE_NS && f->is_root)
		f->ns |= is_rdata(type, next_word(&rest));
	else if (type == MUS_TYPE_A || type == MUS_TYPE_AAAA)
		f->address |= is_rdata(type, next_word(&rest));
}

/* One line that is no record, and the resolver does not begin at all.  It has a name like this by itself: nothing
 * is sent. */
static int
try_resolver(const char *path, struct mus_errtext *et)
{
	struct ub_ctx *ctx = ub_ctx_create();
	struct ub_result *r = NULL;
	int rc;

	if (!ctx)
		return mus_errf(et, MUS_ERR_NOMEM, "%s: %s", path, mus_err_text(MUS_ERR_NOMEM));
	(void)ub_ctx_debugout(ctx, NULL);
	rc = ub_ctx_set_option(ctx, "root-hints:", path);
	if (rc == 0)
		rc = ub_resolve(ctx, "localhost.", MUS_TYPE_A, MUS_CLASS_IN, &r);
	ub_resolve_free(r);
	ub_ctx_delete(ctx);
	return rc == 0 ? 0 : mus_errf(et, MUS_ERR_SYNTAX, "%s: the resolver cannot begin with it (%s): is a line no "
	    "record?", path, ub_strerror(rc));
}

int
mus_hints_check(const char *path, struct mus_errtext *et)
{
	struct found f = {.is_root = true};
	struct mus_buf b;
	char *line, *end;
	int rc;

	mus_buf_init(&b, HINTS_BYTES_MAX + 1);
	rc = mus_file_read(path, HINTS_BYTES_MAX, &b, et);
	for (line = (char *)b.data; rc == 0 && line && line < (char *)b.data + b.len; line = end + 1) {
		end = memchr(line, '\n', (size_t)((char *)b.data + b.len - line));
		if (!end)
			end = (char *)b.data + b.len;
		*end = '\0';
		take_line(line, &f);
	}
	mus_buf_clear(&b);
	if (rc == 0 && !f.ns)
		return mus_errf(et, MUS_ERR_SYNTAX, "%s: no line is an NS record of the root", path);
	if (rc == 0 && !f.address)
		return mus_errf(et, MUS_ERR_SYNTAX, "%s: no line is an address (A, AAAA) of a name server", path);
	return rc == 0 ? try_resolver(path, et) : rc;
}
