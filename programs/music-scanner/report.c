/*
 * Verdicts: a line in the log when one changes, JSON on standard output when that is wanted, and a
 * file with the last one of every child.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "io/file.h"

enum { REPORT_MAX_BYTES = 256 << 20, REPORT_EVERY_MS = 1000 };

static const char *const outcomes[SCAN_OUTCOME_COUNT] = {
    "new", "unchanged", "held", "would-change", "changed", "failed"};

const char *
scan_outcome_text(enum scan_outcome o)
{
	return o < SCAN_OUTCOME_COUNT ? outcomes[o] : "?";
}

/* ---- words -------------------------------------------------------------------------------------- */

/* "ns1.bind.net. 10.53.2.1" */
static void
server_text(const struct check *c, unsigned who, char *out, size_t cap)
{
	char name[MUS_NAME_TEXT_MAX], addr[MUS_ADDR_TEXT_MAX] = "(no address)";

	if (who >= c->server_count) {
		snprintf(out, cap, "-");
		return;
	}
	mus_name_text(&c->name[c->server[who].name], name);
	if (c->server[who].addr.family)
		mus_addr_text(&c->server[who].addr, 53, addr);
	else if (c->why[c->server[who].name])
		snprintf(addr, sizeof addr, "(address not known)");
	snprintf(out, cap, "%.200s %s", name, addr);
}

static void
item_text(const struct check *c, const struct mus_scan_finding *f, struct mus_buf *b)
{
	char name[MUS_NAME_TEXT_MAX];

	if (f->item == MUS_SCAN_NOBODY)
		return;
	switch (f->rule) {
	case MUS_SCAN_RULE_DIGEST:
		mus_buf_printf(b, " (DS %u, type %u)", c->in.rec[f->item].tag,
		    c->in.rec[f->item].digest_type);
		break;
	case MUS_SCAN_RULE_ALGORITHM:
		if (f->what == MUS_SCAN_CDNSKEY)
			mus_buf_printf(b, " (key %u, algorithm %u)", c->in.key[f->item].tag,
			    c->in.key[f->item].alg);
		else
			mus_buf_printf(b, " (DS %u, algorithm %u)", c->in.rec[f->item].tag,
			    c->in.rec[f->item].alg);
		break;
	default:
		mus_buf_printf(b, " (%s)", mus_name_text(&c->name[f->item], name));
	}
}

/* NULL: the rule says it all. */
static const char *
why_of(const struct check *c, const struct mus_scan_finding *f)
{
	if (f->rule == MUS_SCAN_RULE_NEWNS)
		return c->why[f->item];
	if (f->cause == MUS_CAUSE_NOLOOKUP)
		return c->why[c->server[f->server].name];
	return f->cause != MUS_CAUSE_NONE ? mus_cause_text(f->cause) : NULL;
}

static void
hold_text(const struct check *c, const struct mus_scan_finding *f, struct mus_buf *b)
{
	char who[MUS_NAME_TEXT_MAX];
	const char *why = why_of(c, f);

	mus_buf_add_str(b, "held: ");
	if (f->server != MUS_SCAN_NOBODY) {
		server_text(c, f->server, who, sizeof who);
		mus_buf_printf(b, "%s, %s: ", who, mus_scan_what_text(f->what));
	}
	mus_buf_add_str(b, mus_scan_rule_text(f->rule));
	item_text(c, f, b);
	if (f->other != MUS_SCAN_NOBODY) {
		server_text(c, f->other, who, sizeof who);
		mus_buf_printf(b, " (%s says otherwise)", who);
	}
	if (why)
		mus_buf_printf(b, ": %s", why);
	mus_buf_printf(b, " [%s]", mus_scan_rule_word(f->rule));
}

static void
ds_words(const struct check *c, uint64_t from, uint64_t to, struct mus_buf *b)
{
	if (to == 0)
		mus_buf_add_str(b, " all deleted");
	for (unsigned i = 0; i < c->rec_count; i++) {
		bool was = from >> i & 1, is = to >> i & 1;

		if (was != is)
			mus_buf_printf(b, " %c%u/%u/%u", is ? '+' : '-', c->in.rec[i].tag, c->in.rec[i].alg,
			    c->in.rec[i].digest_type);
	}
}

static void
ns_words(const struct check *c, struct mus_buf *b)
{
	char name[MUS_NAME_TEXT_MAX], addr[MUS_ADDR_TEXT_MAX];

	for (unsigned n = 0; n < c->name_count; n++) {
		bool was = c->in.ns >> n & 1, is = c->out.new_ns >> n & 1;

		if (was != is)
			mus_buf_printf(b, " %c%s", is ? '+' : '-', mus_name_text(&c->name[n], name));
		for (unsigned f = 0; c->in.name[n].in_zone && f < MUS_SCAN_FAMILIES; f++) {
			uint64_t from = c->in.name[n].glue[f], to = c->out.new_glue[n][f];

			for (unsigned a = 0; a < c->addr_count; a++)
				if ((from ^ to) >> a & 1)
					mus_buf_printf(b, " %c%s=%s", to >> a & 1 ? '+' : '-',
					    mus_name_text(&c->name[n], name),
					    mus_addr_text(&c->addr[a], 53, addr));
		}
	}
}

static void
finding_text(const struct check *c, const struct mus_scan_finding *f, bool ds, struct mus_buf *b)
{
	mus_buf_printf(b, "%s%s ", b->len ? "; " : "", ds ? "DS" : "CSYNC");
	switch (f->kind) {
	case MUS_SCAN_QUIET:
		mus_buf_add_str(b, mus_scan_rule_word(f->rule));
		break;
	case MUS_SCAN_HOLD:
		hold_text(c, f, b);
		break;
	case MUS_SCAN_MORE:
		mus_buf_add_str(b, "not judged yet");
		break;
	case MUS_SCAN_CHANGE:
		mus_buf_add_str(b, "change:");
		if (ds)
			ds_words(c, c->in.ds, c->out.new_ds, b);
		else
			ns_words(c, b);
		break;
	}
}

void
scan_describe(struct check *c, struct scan_verdict *v)
{
	static const struct mus_scan_finding nothing;
	struct mus_buf b;

	v->ds = c->out.ds;
	v->csync = c->out.csync;
	mus_buf_init(&b, 0);
	/* Before the judgement there are no findings. */
	if (memcmp(&v->ds, &nothing, sizeof nothing) != 0) {
		server_text(c, v->ds.server, v->server[0], sizeof v->server[0]);
		server_text(c, v->csync.server, v->server[1], sizeof v->server[1]);
		finding_text(c, &v->ds, true, &b);
		/* The same for both is said once. */
		if (v->ds.kind != MUS_SCAN_HOLD || v->csync.kind != MUS_SCAN_HOLD ||
		    v->ds.rule != v->csync.rule || v->ds.server != v->csync.server)
			finding_text(c, &v->csync, false, &b);
	}
	if (b.len)
		snprintf(v->words, sizeof v->words, "%s", (const char *)b.data);
	mus_buf_clear(&b);
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static void
json_text(struct mus_buf *b, const char *key, const char *s)
{
	mus_buf_printf(b, "\"%s\":\"", key);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			mus_buf_printf(b, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			mus_buf_printf(b, "\\u%04x", (unsigned char)*s);
		else
			mus_buf_add_u8(b, (uint8_t)*s);
	}
	mus_buf_add_str(b, "\"");
}

static void
json_finding(struct mus_buf *b, const char *key, const struct mus_scan_finding *f, const char *server)
{
	mus_buf_printf(b, ",\"%s\":{", key);
	json_text(b, "verdict", mus_scan_kind_text(f->kind));
	mus_buf_add_str(b, ",");
	json_text(b, "rule", mus_scan_rule_word(f->rule));
	mus_buf_add_str(b, ",");
	json_text(b, "server", server);
	mus_buf_add_str(b, ",");
	json_text(b, "record", mus_scan_what_text(f->what));
	mus_buf_add_str(b, "}");
}

static void
json_child(struct mus_buf *b, const struct child *c, const struct scan_verdict *v)
{
	char name[MUS_NAME_TEXT_MAX], at[MUS_TIME_TEXT_MAX];

	mus_buf_add_str(b, "{");
	json_text(b, "child", mus_name_text(&c->name, name));
	mus_buf_add_str(b, ",");
	json_text(b, "since", mus_time_text(v->since, at));
	mus_buf_add_str(b, ",");
	json_text(b, "outcome", scan_outcome_text(v->outcome));
	mus_buf_add_str(b, ",");
	json_text(b, "words", v->words);
	mus_buf_printf(b, ",\"changes\":%u", c->changes);
	json_finding(b, "ds", &v->ds, v->server[0][0] ? v->server[0] : "-");
	json_finding(b, "csync", &v->csync, v->server[1][0] ? v->server[1] : "-");
	mus_buf_add_str(b, "}");
}

/* ---- the file ----------------------------------------------------------------------------------- */

static void
write_report(void *arg)
{
	struct scanner *s = arg;
	struct mus_errtext et = {""};
	struct mus_buf b;
	size_t pos = 0, len;
	const void *key;
	void *v;
	bool first = true;

	s->report_due = false;
	mus_buf_init(&b, REPORT_MAX_BYTES);
	mus_buf_add_str(&b, "[");
	while (mus_map_next(s->by_name, &pos, &key, &len, &v)) {
		const struct child *c = v;

		if (!c->listed || !c->looked)
			continue;
		mus_buf_add_str(&b, first ? "\n" : ",\n");
		first = false;
		json_child(&b, c, &c->verdict);
	}
	mus_buf_add_str(&b, "\n]\n");
	if (b.failed || mus_file_write(s->conf->report, b.data, b.len, 0644, &et) < 0)
		mus_log_warning(NULL, et.s, "the report cannot be written");
	mus_buf_clear(&b);
}

int
scan_report_open(struct scanner *s)
{
	s->report_timer = mus_timer_new(s->loop, write_report, s);
	return s->report_timer ? 0 : MUS_ERR_NOMEM;
}

void
scan_report_close(struct scanner *s)
{
	if (s->report_due && s->by_name)
		write_report(s);
	mus_timer_free(s->report_timer);
}

void
scan_report_changed(struct scanner *s)
{
	if (!s->conf->report || s->report_due)
		return;
	s->report_due = true;
	mus_timer_start(s->report_timer, s->once ? 0 : REPORT_EVERY_MS);
}

/* ---- log ---------------------------------------------------------------------------------------- */

void
scan_report_verdict(struct scanner *s, struct child *c, const struct scan_verdict *v)
{
	bool same = c->looked && c->verdict.outcome == v->outcome &&
	    strcmp(c->verdict.words, v->words) == 0;
	struct mus_buf b;

	if (!same)
		c->verdict = *v;
	if (!same || s->full) {
		enum mus_log_level level = v->outcome == SCAN_FAILED ? MUS_LOG_WARNING
		    : v->outcome == SCAN_CHANGED			   ? MUS_LOG_NOTICE
									   : MUS_LOG_INFO;

		mus_log_kv(level, &c->name, NULL, NULL, "%s: %s", scan_outcome_text(v->outcome), v->words);
	}
	if (s->json && (!same || s->once)) {
		mus_buf_init(&b, 0);
		json_child(&b, c, v);
		if (!b.failed)
			printf("%s\n", (const char *)b.data);
		fflush(stdout);
		mus_buf_clear(&b);
	}
	if (!same)
		scan_report_changed(s);
}
