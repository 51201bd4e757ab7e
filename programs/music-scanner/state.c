/*
 * What was acted upon, so that nothing older is: one line a child and server, rewritten whole
 * before each change.
 *
 *	ds CHILD HEX64...			digests of the DS records that were put there
 *	seen CHILD ADDRESS CDS CDNSKEY SOA CSYNC	inceptions and serials; "-": none
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

static struct scan_past *
past_of(struct child *c, const struct mus_addr *a)
{
	struct scan_past *more;

	for (size_t i = 0; i < c->past_count; i++)
		if (mus_addr_same_ip(&c->past[i].addr, a))
			return &c->past[i];
	if (c->past_count >= 4 * MUS_SCAN_SERVERS_MAX)
		return NULL;
	more = realloc(c->past, (c->past_count + 1) * sizeof *more);
	if (!more)
		return NULL;
	c->past = more;
	more[c->past_count] = (struct scan_past){.addr = *a};
	return &more[c->past_count++];
}

static bool
read_number(const char *w, bool *has, int64_t *out)
{
	*has = strcmp(w, "-") != 0;
	return !*has || mus_parse_i64(w, INT64_MIN, INT64_MAX, out);
}

static bool
read_seen(struct child *c, char **w, size_t n)
{
	struct scan_past *p;
	struct mus_addr a;
	struct mus_scan_past past = {0};
	int64_t soa = 0, csync = 0;
	bool has_soa;

	if (n != 7 || !mus_addr_parse(w[2], 53, &a) ||
	    !read_number(w[3], &past.has_cds, &past.cds_s) ||
	    !read_number(w[4], &past.has_cdnskey, &past.cdnskey_s) ||
	    !read_number(w[5], &has_soa, &soa) || !read_number(w[6], &past.has_csync, &csync))
		return false;
	past.soa_serial = (uint32_t)soa;
	past.csync_serial = (uint32_t)csync;
	p = past_of(c, &a);
	if (!p)
		return false;
	p->past = past;
	return true;
}

static bool
read_ds(struct child *c, char **w, size_t n)
{
	c->acted_count = 0;
	for (size_t i = 2; i < n; i++) {
		uint8_t b[8];

		if (mus_hex_decode(w[i], b, sizeof b) != 8)
			return false;
		memcpy(&c->acted[c->acted_count++], b, 8);
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
write_number(struct mus_buf *b, bool has, int64_t v)
{
	if (has)
		mus_buf_printf(b, " %" PRId64, v);
	else
		mus_buf_add_str(b, " -");
}

static void
write_child(struct mus_buf *b, const struct child *c)
{
	char name[MUS_NAME_TEXT_MAX], addr[MUS_ADDR_TEXT_MAX], hex[17];

	mus_name_text(&c->name, name);
	if (c->acted_count) {
		mus_buf_printf(b, "ds %s", name);
		for (size_t i = 0; i < c->acted_count; i++) {
			mus_hex_encode((const uint8_t *)&c->acted[i], 8, hex);
			mus_buf_printf(b, " %s", hex);
		}
		mus_buf_add_str(b, "\n");
	}
	for (size_t i = 0; i < c->past_count; i++) {
		const struct mus_scan_past *p = &c->past[i].past;

		mus_buf_printf(b, "seen %s %s", name, mus_addr_text(&c->past[i].addr, 53, addr));
		write_number(b, p->has_cds, p->cds_s);
		write_number(b, p->has_cdnskey, p->cdnskey_s);
		write_number(b, p->has_csync, p->soa_serial);
		write_number(b, p->has_csync, p->csync_serial);
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
