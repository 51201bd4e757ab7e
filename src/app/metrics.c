#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/metrics.h"
#include "base/map.h"

static const char dropped_name[] = "music_metrics_series_dropped_total";

struct series {
	struct mus_metric *family;
	struct series *prev, *next;
	char *key;			/* values of the labels, each with its NUL */
	size_t key_len;
	double value;			/* HISTOGRAM: the sum */
	uint64_t count;			/* HISTOGRAM: all observations, and those in each bucket */
	uint64_t bucket[];
};

struct mus_metric {
	struct mus_metrics *m;
	struct mus_metric *next;
	struct mus_metric_opts o;
	size_t label_count;
	struct mus_map *by_key;		/* of its series */
	struct series *first, *last;
};

struct collector {
	void (*fn)(void *arg);
	void *arg;
	struct collector *next;
};

struct mus_metrics {
	struct mus_metric *first, *last;
	struct collector *collectors;
	uint64_t dropped;
};

/* ---- names ---- */

/* [a-zA-Z_:][a-zA-Z0-9_:]*; labels have no colon. */
static bool
is_name(const char *s, bool is_label)
{
	const char *p;

	for (p = s; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';

		if (!letter && !(p > s && *p >= '0' && *p <= '9') && !(!is_label && *p == ':'))
			return false;
	}
	return p > s && !(is_label && strncmp(s, "__", 2) == 0);
}

static void
check_opts(const struct mus_metrics *m, const struct mus_metric_opts *o)
{
	const struct mus_metric *f;
	size_t i, len = strlen(o->name);

	MUS_ASSERT(is_name(o->name, false));
	MUS_ASSERT(o->help && *o->help);
	for (f = m->first; f; f = f->next)
		MUS_ASSERT(strcmp(f->o.name, o->name) != 0);
	for (i = 0; i < MUS_METRICS_LABELS_MAX && o->labels[i]; i++)
		MUS_ASSERT(is_name(o->labels[i], true) && strcmp(o->labels[i], "le") != 0);
	if (o->kind == MUS_METRIC_COUNTER)
		MUS_ASSERT(len > 6 && strcmp(o->name + len - 6, "_total") == 0);
	if (o->kind != MUS_METRIC_HISTOGRAM)
		return;
	MUS_ASSERT(o->bucket_count > 0 && o->bucket_count <= MUS_METRICS_BUCKETS_MAX);
	for (i = 1; i < o->bucket_count; i++)
		MUS_ASSERT(o->buckets[i] > o->buckets[i - 1]);
}

/* ---- registry ---- */

struct mus_metrics *
mus_metrics_new(void)
{
	return calloc(1, sizeof(struct mus_metrics));
}

struct mus_metric *
mus_metrics_add(struct mus_metrics *m, const struct mus_metric_opts *o)
{
	struct mus_metric *f = calloc(1, sizeof *f);

	check_opts(m, o);
	if (!f || !(f->by_key = mus_map_new(0x6d65747269637331, (uint64_t)(uintptr_t)f))) {
		free(f);
		return NULL;
	}
	f->m = m;
	f->o = *o;
	if (!f->o.series_max)
		f->o.series_max = MUS_METRICS_SERIES_DEFAULT;
	while (f->label_count < MUS_METRICS_LABELS_MAX && o->labels[f->label_count])
		f->label_count++;
	if (m->last)
		m->last->next = f;
	else
		m->first = f;
	m->last = f;
	return f;
}

static void
series_free(struct series *s)
{
	struct mus_metric *f = s->family;

	(void)mus_map_remove(f->by_key, s->key, s->key_len);
	if (s->prev)
		s->prev->next = s->next;
	else
		f->first = s->next;
	if (s->next)
		s->next->prev = s->prev;
	else
		f->last = s->prev;
	free(s->key);
	free(s);
}

void
mus_metric_clear(struct mus_metric *f)
{
	while (f && f->first)
		series_free(f->first);
}

void
mus_metrics_free(struct mus_metrics *m)
{
	struct mus_metric *f;
	struct collector *c;

	if (!m)
		return;
	while ((f = m->first)) {
		m->first = f->next;
		mus_metric_clear(f);
		mus_map_free(f->by_key);
		free(f);
	}
	while ((c = m->collectors)) {
		m->collectors = c->next;
		free(c);
	}
	free(m);
}

uint64_t
mus_metrics_series_dropped(const struct mus_metrics *m)
{
	return m->dropped;
}

/* ---- series ---- */

enum { KEY_MAX = MUS_METRICS_LABELS_MAX * (MUS_METRICS_VALUE_MAX + 1) };

/* The values of all labels in a row; cut where too long, never within a UTF-8 character. */
static size_t
make_key(const struct mus_metric *f, const char *const *values, char key[static KEY_MAX])
{
	size_t len = 0, i;

	for (i = 0; i < f->label_count; i++) {
		const char *v = values[i] ? values[i] : "";
		size_t n = strlen(v);

		if (n > MUS_METRICS_VALUE_MAX) {
			n = MUS_METRICS_VALUE_MAX;
			while (n > 0 && ((unsigned char)v[n] & 0xc0) == 0x80)
				n--;
		}
		memcpy(key + len, v, n);
		len += n;
		key[len++] = '\0';
	}
	if (len == 0)			/* no labels: one series, and a key is not empty */
		key[len++] = '\0';
	return len;
}

/* The series of these values; made when ${make}.  NULL: none, no memory, or too many. */
static struct series *
find(const struct mus_metric *f, const char *const *values)
{
	char key[KEY_MAX];
	size_t len = make_key(f, values, key);

	return mus_map_get(f->by_key, key, len);
}

static struct series *
find_or_make(struct mus_metric *f, const char *const *values)
{
	char key[KEY_MAX];
	size_t len = make_key(f, values, key), buckets = f->o.bucket_count;
	struct series *s = mus_map_get(f->by_key, key, len);

	if (s)
		return s;
	if (mus_map_count(f->by_key) >= f->o.series_max)
		goto drop;
	if (!(s = calloc(1, sizeof *s + buckets * sizeof s->bucket[0])) || !(s->key = malloc(len)))
		goto drop;
	memcpy(s->key, key, len);
	s->key_len = len;
	s->family = f;
	if (mus_map_set(f->by_key, key, len, s, NULL) < 0) {
		free(s->key);
		goto drop;
	}
	s->prev = f->last;
	if (f->last)
		f->last->next = s;
	else
		f->first = s;
	f->last = s;
	return s;
drop:
	free(s);
	f->m->dropped++;
	return NULL;
}

void
mus_metric_add(struct mus_metric *f, const char *const *values, double by)
{
	struct series *s;

	if (!f || !(s = find_or_make(f, values)))
		return;
	MUS_ASSERT(f->o.kind != MUS_METRIC_HISTOGRAM);
	MUS_ASSERT(f->o.kind == MUS_METRIC_GAUGE || by >= 0);
	s->value += by;
}

void
mus_metric_inc(struct mus_metric *f, const char *const *values)
{
	mus_metric_add(f, values, 1);
}

void
mus_metric_set(struct mus_metric *f, const char *const *values, double to)
{
	struct series *s;

	if (!f || !(s = find_or_make(f, values)))
		return;
	MUS_ASSERT(f->o.kind == MUS_METRIC_GAUGE);
	s->value = to;
}

void
mus_metric_observe(struct mus_metric *f, const char *const *values, double v)
{
	struct series *s;
	size_t i;

	if (!f || !(s = find_or_make(f, values)))
		return;
	MUS_ASSERT(f->o.kind == MUS_METRIC_HISTOGRAM);
	s->value += v;
	s->count++;
	for (i = 0; i < f->o.bucket_count; i++) {
		if (v <= f->o.buckets[i]) {
			s->bucket[i]++;
			return;
		}
	}
}

void
mus_metric_remove(struct mus_metric *f, const char *const *values)
{
	struct series *s = f ? find(f, values) : NULL;

	if (s)
		series_free(s);
}

double
mus_metric_get(const struct mus_metric *f, const char *const *values)
{
	const struct series *s = f ? find(f, values) : NULL;

	return s ? s->value : 0;
}

/* ---- text ---- */

/* Escapes \ and new lines, in label values " too. */
static void
put_escaped(struct mus_buf *out, const char *s, bool is_value)
{
	for (; *s; s++) {
		if (*s == '\n')
			mus_buf_add_str(out, "\\n");
		else if (*s == '\\' || (is_value && *s == '"'))
			mus_buf_printf(out, "\\%c", *s);
		else
			mus_buf_add(out, s, 1);
	}
}

static void
put_number(struct mus_buf *out, double v)
{
	char text[40];
	int digits;

	if (isnan(v) || isinf(v)) {
		mus_buf_add_str(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
		return;
	}
	/* The shortest of those that read back as the same number. */
	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	mus_buf_add_str(out, text);
}

/* name_suffix{label="value",...,le="bound"} ; ${le} NULL: none. */
static void
put_head(struct mus_buf *out, const struct series *s, const char *suffix, const double *le)
{
	const struct mus_metric *f = s->family;
	const char *value = s->key;
	size_t i;

	mus_buf_printf(out, "%s%s", f->o.name, suffix);
	if (f->label_count == 0 && !le) {
		mus_buf_add_str(out, " ");
		return;
	}
	for (i = 0; i < f->label_count; i++) {
		mus_buf_printf(out, "%s%s=\"", i ? "," : "{", f->o.labels[i]);
		put_escaped(out, value, true);
		mus_buf_add_str(out, "\"");
		value += strlen(value) + 1;
	}
	if (le) {
		mus_buf_add_str(out, i ? ",le=\"" : "{le=\"");
		put_number(out, *le);
		mus_buf_add_str(out, "\"");
	}
	mus_buf_add_str(out, "} ");
}

static void
put_histogram(struct mus_buf *out, const struct series *s)
{
	const double inf = INFINITY;
	uint64_t below = 0;
	size_t i;

	for (i = 0; i < s->family->o.bucket_count; i++) {
		below += s->bucket[i];
		put_head(out, s, "_bucket", &s->family->o.buckets[i]);
		mus_buf_printf(out, "%llu\n", (unsigned long long)below);
	}
	put_head(out, s, "_bucket", &inf);
	mus_buf_printf(out, "%llu\n", (unsigned long long)s->count);
	put_head(out, s, "_sum", NULL);
	put_number(out, s->value);
	mus_buf_add_str(out, "\n");
	put_head(out, s, "_count", NULL);
	mus_buf_printf(out, "%llu\n", (unsigned long long)s->count);
}

static void
put_family(struct mus_buf *out, const struct mus_metric *f)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	const struct series *s;

	mus_buf_printf(out, "# HELP %s ", f->o.name);
	put_escaped(out, f->o.help, false);
	mus_buf_printf(out, "\n# TYPE %s %s\n", f->o.name, kinds[f->o.kind]);
	for (s = f->first; s; s = s->next) {
		if (f->o.kind == MUS_METRIC_HISTOGRAM) {
			put_histogram(out, s);
			continue;
		}
		put_head(out, s, "", NULL);
		put_number(out, s->value);
		mus_buf_add_str(out, "\n");
	}
}

int
mus_metrics_on_collect(struct mus_metrics *m, void (*fn)(void *arg), void *arg)
{
	struct collector *c = calloc(1, sizeof *c), **tail = &m->collectors;

	if (!c)
		return MUS_ERR_NOMEM;
	c->fn = fn;
	c->arg = arg;
	while (*tail)
		tail = &(*tail)->next;
	*tail = c;
	return 0;
}

void
mus_metrics_text(struct mus_metrics *m, struct mus_buf *out)
{
	const struct mus_metric *f;
	const struct collector *c;

	for (c = m->collectors; c; c = c->next)
		c->fn(c->arg);
	for (f = m->first; f; f = f->next)
		put_family(out, f);
	mus_buf_printf(out,
	    "# HELP %s Series that were not made because there are too many.\n# TYPE %s counter\n%s %llu\n",
	    dropped_name, dropped_name, dropped_name, (unsigned long long)m->dropped);
}
