/*
 * Time as a type: a point on the wall clock in milliseconds since 1970 (UTC), wrapped so that spans
 * and points cannot be passed for each other.  Nobody below io/ reads a clock: "now" is read once
 * per turn of the loop and passed down.  Spans are plain integers whose names end in _s or _ms.
 */
#ifndef MUS_BASE_TIME_H
#define MUS_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mus_time {
	int64_t ms;
};

#define MUS_TIME_NEVER ((struct mus_time){INT64_MAX})	/* later than every instant */
#define MUS_TIME_ALWAYS ((struct mus_time){INT64_MIN})	/* before every instant; "not yet seen" */

static inline bool
mus_time_is_set(struct mus_time t)
{
	return t.ms != INT64_MIN && t.ms != INT64_MAX;
}
static inline struct mus_time
mus_time_from_s(int64_t s)
{
	return (struct mus_time){s * 1000};
}
static inline int64_t
mus_time_to_s(struct mus_time t)
{
	return t.ms / 1000 - (t.ms % 1000 < 0);
}
/* NEVER and ALWAYS stay what they are; what is too far becomes one of them. */
static inline struct mus_time
mus_time_add_ms(struct mus_time t, int64_t ms)
{
	if (mus_time_is_set(t) && __builtin_add_overflow(t.ms, ms, &t.ms))
		t.ms = ms > 0 ? INT64_MAX : INT64_MIN;
	return t;
}
static inline struct mus_time
mus_time_add_s(struct mus_time t, int64_t s)
{
	int64_t ms;

	if (__builtin_mul_overflow(s, 1000, &ms))
		ms = s > 0 ? INT64_MAX : INT64_MIN;
	return mus_time_add_ms(t, ms);
}
static inline struct mus_time
mus_time_max(struct mus_time a, struct mus_time b)
{
	return a.ms > b.ms ? a : b;
}
static inline struct mus_time
mus_time_min(struct mus_time a, struct mus_time b)
{
	return a.ms < b.ms ? a : b;
}
static inline bool
mus_time_before(struct mus_time a, struct mus_time b)
{
	return a.ms < b.ms;
}

enum { MUS_TIME_TEXT_MAX = 32, MUS_SPAN_TEXT_MAX = 32 };

/* RFC 3339 in UTC with milliseconds ("2026-11-22T04:35:00.123Z"), or "never"/"-".  Gives ${out}. */
const char *mus_time_text(struct mus_time t, char out[static MUS_TIME_TEXT_MAX]);
/* The same without a fraction, as sentences have it, so that one instant is one text wherever it is told: what is
 * over, or may be relied on, from then on (${is_end}) is rounded up, what began or was seen then is cut. */
const char *mus_time_text_s(struct mus_time t, bool is_end, char out[static MUS_TIME_TEXT_MAX]);
/* "90s" -> "1m30s"; for people. */
const char *mus_span_text_s(int64_t span_s, char out[static MUS_SPAN_TEXT_MAX]);
/* Parses "10", "10s", "5m", "1h", "2d", "1w", "1h30m", "1500ms" strictly; milliseconds.  false: not a span. */
bool mus_span_parse_ms(const char *text, int64_t *out_ms);
/* The pause before what has failed is tried again: ${ms} doubled ${times} times, ${max_ms} at most.  Neither span is
 * negative. */
int64_t mus_span_doubled_ms(int64_t ms, unsigned times, int64_t max_ms);

#endif
