/*
 * What was acted upon, so that nothing older is: one line a child, server and key, rewritten whole
 * before each change.
 *
 *	ds CHILD HEX64...			digests of the DS records that were put there
 *	seen CHILD ADDRESS CDS CDNSKEY SOA CSYNC KEY	inceptions and serials; "-": none; digest of
 *						the DNSKEY record whose key had signed them
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/file.h"
#include "scanner.h"

enum { FILE_MAX_BYTES = 256 << 20, WORDS_MAX = 2 + SCAN_ACTED_MAX };

static const char head[] = "music-scanner state 1\n";

/* ---- reading ------------------------------------------------------------------------------------ */

struct scan_past *
scan_past_find(struct scan_past *past, size_t count, const struct mus_addr *addr, uint64_t key)
{
	for (size_t i = 0; i < count; i++)
		if (past[i].key == key && mus_addr_same_ip(&past[i].addr, addr))
			return &past[i];
	return NULL;
}

/* A new one unless this address and key are known; NULL: too many, or no memory. */
static struct scan_past *
past_of(struct child *c, const struct mus_addr *a, uint64_t key)
{
	struct scan_past *more = scan_past_find(c->past, c->past_count, a, key);

	if (more)
		return more;
	if (c->past_count >= MUS_SCAN_PAST_MAX)
		return NULL;
	more = realloc(c->past, (c->past_count + 1) * sizeof *more);
	if (!more)
		return NULL;
	c->past = more;
	more[c->past_count] = (struct scan_past){.addr = *a, .key = key};
	return &more[c->past_count++];
}

static bool
read_digest(const char *w, uint64_t *out)
{
	return mus_hex_decode(w, (uint8_t *)out, sizeof *out) == sizeof *out;
}

static bool
read_mark(struct scan_past *p, enum mus_scan_mark mark, const char *w)
{
	if (strcmp(w, "-") == 0)
		return true;
	p->has |= (uint8_t)(1 << mark);
	return mus_parse_i64(w, INT64_MIN, INT64_MAX, &p->mark[mark]);
}

static bool
read_seen(struct child *c, char **w, size_t n)
{
	struct scan_past line = {0}, *p;

	if (n < 7 || n > 8 || !mus_addr_parse(w[2], 53, &line.addr))
		return false;
	for (unsigned m = 0; m < MUS_SCAN_MARKS; m++)
		if (!read_mark(&line, (enum mus_scan_mark)m, w[3 + m]))
			return false;
	/* Without a key, as it was written once: nothing is known that can be compared.  Taking it for
	 * any key would hold for ever what another signer has signed since; with it goes the
	 * defence against a replay until the next change, and that all servers must agree stays. */
	if (n == 7)
		return true;
	if (!read_digest(w[7], &line.key) || !(p = past_of(c, &line.addr, line.key)))
		return false;
	*p = line;
	return true;
}

static bool
read_ds(struct child *c, char **w, size_t n)
{
	c->acted_count = 0;
	for (size_t i = 2; i < n; i++) {
		if (!read_digest(w[i], &c->acted[c->acted_count]))
			return false;
		c->acted_count++;
	}
	return true;
}

static bool
read_line(struct scanner *s, char *line)
{
	char *w[WORDS_MAX + 1], *save = NULL;
	size_t n = 0;
	struct mus_name name;
	struct child *c;

	for (char *p = strtok_r(line, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		if (n == WORDS_MAX)
			return false;
		w[n++] = p;
	}
	if (n < 2 || mus_name_parse(w[1], &name, NULL) < 0 || !(c = scan_child_get(s, &name, true)))
		return false;
	if (strcmp(w[0], "seen") == 0)
		return read_seen(c, w, n);
	return strcmp(w[0], "ds") == 0 && read_ds(c, w, n);
}

int
scan_state_load(struct scanner *s, struct mus_errtext *et)
{
	struct mus_buf b;
	char *line, *save = NULL;
	int rc, n = 1;

	mus_buf_init(&b, 0);
	rc = mus_file_read(s->conf->state, FILE_MAX_BYTES, &b, et);
	if (rc == MUS_ERR_NOTFOUND) {
		rc = 0;
		goto out;
	}
	if (rc < 0)
		goto out;
	if (b.len < sizeof head - 1 || memcmp(b.data, head, sizeof head - 1) != 0) {
		rc = mus_errf(et, MUS_ERR_SYNTAX, "%s: not a state file of music-scanner", s->conf->state);
		goto out;
	}
	line = strtok_r((char *)b.data + sizeof head - 1, "\n", &save);
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		n++;
		if (!read_line(s, line)) {
			rc = mus_errf(et, MUS_ERR_SYNTAX, "%s:%d: not of the form", s->conf->state, n);
			goto out;
		}
	}
out:
	mus_buf_clear(&b);
	return rc;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void
write_digest(struct mus_buf *b, uint64_t digest)
{
	char hex[17];

	mus_hex_encode((const uint8_t *)&digest, sizeof digest, hex);
	mus_buf_printf(b, " %s", hex);
}

static void
write_child(struct mus_buf *b, const struct child *c)
{
	char name[MUS_NAME_TEXT_MAX], addr[MUS_ADDR_TEXT_MAX];

	mus_name_text(&c->name, name);
	if (c->acted_count) {
		mus_buf_printf(b, "ds %s", name);
		for (size_t i = 0; i < c->acted_count; i++)
			write_digest(b, c->acted[i]);
		mus_buf_add_str(b, "\n");
	}
	for (size_t i = 0; i < c->past_count; i++) {
		const struct scan_past *p = &c->past[i];

		mus_buf_printf(b, "seen %s %s", name, mus_addr_text(&p->addr, 53, addr));
		for (unsigned m = 0; m < MUS_SCAN_MARKS; m++)
			if (p->has >> m & 1)
				mus_buf_printf(b, " %" PRId64, p->mark[m]);
			else
				mus_buf_add_str(b, " -");
		write_digest(b, p->key);
		mus_buf_add_str(b, "\n");
	}
}

int
scan_state_save(struct scanner *s, struct mus_errtext *et)
{
	struct mus_buf b;
	size_t pos = 0, len;
	const void *key;
	void *v;
	int rc;

	mus_buf_init(&b, FILE_MAX_BYTES);
	mus_buf_add_str(&b, head);
	while (mus_map_next(s->by_name, &pos, &key, &len, &v))
		write_child(&b, v);
	rc = b.failed ? mus_errf(et, MUS_ERR_NOMEM, "%s: out of memory", s->conf->state)
		      : mus_file_write(s->conf->state, b.data, b.len, 0600, et);
	mus_buf_clear(&b);
	return rc;
}
