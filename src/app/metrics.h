/*
 * Numbers about a program, as text for Prometheus (exposition format 0.0.4).
 *
 * A family has a name, a help line, a type and the names of its labels; a series is a family with
 * values for the labels.  The number of series is bounded: what would exceed it is not counted but
 * counted as dropped (mus_metrics_series_dropped), so that names from outside cannot fill the
 * memory.  Give labels values that are few and known: signer, kind, result; a zone only where the
 * number of zones is.
 *
 * One thread.  A NULL family is fine everywhere: nothing is counted.
 */
#ifndef MUS_APP_METRICS_H
#define MUS_APP_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	MUS_METRICS_LABELS_MAX = 4,
	MUS_METRICS_BUCKETS_MAX = 24,
	MUS_METRICS_VALUE_MAX = 256,		/* of a label; longer: cut */
	MUS_METRICS_SERIES_DEFAULT = 10000,	/* of a family */
};

struct mus_metrics;
struct mus_metric;			/* a family; lives as long as the registry */

enum mus_metric_kind { MUS_METRIC_COUNTER, MUS_METRIC_GAUGE, MUS_METRIC_HISTOGRAM };
struct mus_metric_opts {
	const char *name;		/* "music_zones"; a counter ends in _total */
	const char *help;		/* a sentence */
	enum mus_metric_kind kind;
	const char *labels[MUS_METRICS_LABELS_MAX];	/* NULL: no more */
	const double *buckets;		/* HISTOGRAM: upper bounds, rising; borrowed for good */
	size_t bucket_count;
	size_t series_max;		/* [MUS_METRICS_SERIES_DEFAULT] */
};

struct mus_metrics *mus_metrics_new(void);	/* NULL: no memory */
void mus_metrics_free(struct mus_metrics *m);
/* Texts of ${o} are borrowed for good.  NULL: no memory; a bad or double name is a bug. */
struct mus_metric *mus_metrics_add(struct mus_metrics *m, const struct mus_metric_opts *o);

/* ${values}: of the labels, in their order; MUS_LABELS("a", "b"), or NULL without labels. */
#define MUS_LABELS(...) ((const char *const[MUS_METRICS_LABELS_MAX]){__VA_ARGS__})
void mus_metric_inc(struct mus_metric *f, const char *const *values);
/* ${by} of a counter is not negative. */
void mus_metric_add(struct mus_metric *f, const char *const *values, double by);
void mus_metric_set(struct mus_metric *f, const char *const *values, double to);	/* GAUGE */
void mus_metric_observe(struct mus_metric *f, const char *const *values, double v);	/* HISTOGRAM */
/* Forgets one series (a zone that was removed), or all of a family. */
void mus_metric_remove(struct mus_metric *f, const char *const *values);
void mus_metric_clear(struct mus_metric *f);
/* What a series holds (a histogram: its sum); 0 when there is none. */
double mus_metric_get(const struct mus_metric *f, const char *const *values);

/* Before a text is made ${fn} is called, to set what is cheap to count then.  NOMEM. */
int mus_metrics_on_collect(struct mus_metrics *m, void (*fn)(void *arg), void *arg) MUS_MUST_CHECK;
/* Families in the order they were added, series in the order they appeared; at the end the number
 * of series dropped. */
void mus_metrics_text(struct mus_metrics *m, struct mus_buf *out);
#define MUS_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
uint64_t mus_metrics_series_dropped(const struct mus_metrics *m);

#endif
