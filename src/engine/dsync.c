/*
 * What a parent says it does for its children (RFC 9859): looked up with validation, per child, and kept
 * for a while.  For people to read only: what a parent does is seen at its servers, and nothing is sent there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/int.h"

enum { KEEP_S = 3600, RETRY_S = 60, RECORDS_MAX = 8 };

struct eng_dsync {
	struct mus_engine *e;
	char zone[MUS_ZONETEXT_MAX], parent[MUS_ZONETEXT_MAX];
	bool asking, is_known;
	bool at_parent;			/* asked for is _dsync.PARENT, no more for the child's own */
	struct mus_time next;
	char text[480];
};

/* Where it would be: CHILD._dsync.PARENT (a wildcard there answers too), then _dsync.PARENT. */
static bool
name_of(const struct eng_dsync *d, struct mus_name *out)
{
	char text[2 * MUS_ZONETEXT_MAX];
	size_t parent_len = strcmp(d->parent, ".") == 0 ? 0 : strlen(d->parent), len = strlen(d->zone);

	if (len <= parent_len)
		return false;
	snprintf(text, sizeof text, "%.*s_dsync.%s", d->at_parent ? 0 : (int)(len - parent_len), d->zone,
	    parent_len ? d->parent : "");
	return mus_name_parse(text, out, NULL) == 0;
}

static const char *
scheme_text(unsigned scheme, char out[static 16])
{
	static const char *const known[] = {"", "NOTIFY", "UPDATE", "SCANNER"};

	if (scheme < sizeof known / sizeof known[0])
		return known[scheme];
	snprintf(out, 16, "scheme %u", scheme);
	return out;
}

/* "CDS NOTIFY to scanner.example. port 5359"; false: not to be used (RFC 9859 2). */
static bool
record_text(struct mus_rdata rd, char *out, size_t cap)
{
	char type[MUS_TYPE_TEXT_MAX], target[MUS_NAME_TEXT_MAX], scheme[16];
	struct mus_name name;
	unsigned rrtype, port;

	if (rd.len < 6 || mus_name_from_wire(rd.data + 5, rd.len - 5u, &name) < 0)
		return false;
	rrtype = (unsigned)rd.data[0] << 8 | rd.data[1];
	port = (unsigned)rd.data[3] << 8 | rd.data[4];
	/* Of a scanner port and target say nothing; elsewhere 0 is none. */
	if (rd.data[2] == 0 || (rd.data[2] != 3 && port == 0))
		return false;
	mus_type_text((uint16_t)rrtype, type);
	if (rd.data[2] == 3)
		snprintf(out, cap, "%s SCANNER", type);
	else
		snprintf(out, cap, "%s %s to %s port %u", type, scheme_text(rd.data[2], scheme),
		    mus_name_text(&name, target), port);
	return true;
}

static void
say_records(struct eng_dsync *d, const struct mus_lookup_result *r)
{
	size_t n = 0;

	d->text[0] = '\0';
	for (size_t i = 0; i < r->set.count && i < RECORDS_MAX && n < sizeof d->text - 1; i++) {
		char one[sizeof d->text];

		if (record_text(r->set.rd[i], one, sizeof one)) {
			snprintf(d->text + n, sizeof d->text - n, "%s%s", n ? ", " : "", one);
			n += strlen(d->text + n);
		}
	}
	if (n == 0)
		snprintf(d->text, sizeof d->text, "nothing that can be used (DSYNC without port or scheme)");
	else if (r->security != MUS_LOOKUP_SECURE)
		snprintf(d->text + n, sizeof d->text - n, " (not signed)");
}

static void on_records(void *arg, const struct mus_lookup_result *r);

static void
ask(struct eng_dsync *d)
{
	struct mus_name name;

	d->asking = name_of(d, &name) &&
	    mus_lookup(d->e->o.lookup, &name, MUS_TYPE_DSYNC, on_records, d) == 0;
	if (!d->asking)
		d->next = mus_time_add_s(eng_now(d->e), RETRY_S);
}

static void
on_records(void *arg, const struct mus_lookup_result *r)
{
	struct eng_dsync *d = arg;

	d->asking = false;
	d->next = mus_time_add_s(eng_now(d->e), RETRY_S);
	if (r->err != 0 || r->security == MUS_LOOKUP_BOGUS) {
		/* What is known already stays. */
		if (!d->is_known)
			snprintf(d->text, sizeof d->text, "not known: %.400s", r->words.s);
		return;
	}
	if (r->set.count == 0 && !d->at_parent) {
		d->at_parent = true;
		ask(d);
		return;
	}
	if (r->set.count == 0)
		snprintf(d->text, sizeof d->text, "nothing (no DSYNC)");
	else
		say_records(d, r);
	d->is_known = true;
	d->next = mus_time_add_s(eng_now(d->e), KEEP_S);
}

const char *
eng_dsync_of(struct mus_engine *e, const char *zone, const char *parent)
{
	struct eng_dsync *d;

	if (!e->o.lookup || !parent[0])
		return NULL;
	d = mus_map_get(e->dsync_by_zone, zone, strlen(zone));
	if (!d) {
		if (!(d = calloc(1, sizeof *d)))
			return NULL;
		d->e = e;
		d->next = MUS_TIME_ALWAYS;
		snprintf(d->zone, sizeof d->zone, "%s", zone);
		if (mus_map_set(e->dsync_by_zone, zone, strlen(zone), d, NULL) < 0) {
			free(d);
			return NULL;
		}
	}
	if (!d->asking && strcmp(d->parent, parent) != 0) {
		snprintf(d->parent, sizeof d->parent, "%s", parent);
		d->is_known = false;
		d->text[0] = '\0';
		d->next = MUS_TIME_ALWAYS;
	}
	if (!d->asking && d->next.ms <= eng_now(e).ms) {
		d->at_parent = false;
		ask(d);
	}
	return d->text[0] ? d->text : NULL;
}

void
eng_dsyncs_free(struct mus_engine *e)
{
	size_t pos = 0;
	void *v;

	if (!e->dsync_by_zone)
		return;
	while (mus_map_next(e->dsync_by_zone, &pos, NULL, NULL, &v))
		free(v);			/* the look-up is closed: it calls back no more */
	mus_map_free(e->dsync_by_zone);
	e->dsync_by_zone = NULL;
}
