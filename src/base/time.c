#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "base/time.h"

const char *
mus_time_text(struct mus_time t, char out[static MUS_TIME_TEXT_MAX])
{
	int64_t s = mus_time_to_s(t);
	time_t tt = (time_t)s;
	struct tm tm;
	size_t n;

	if (t.ms == INT64_MAX)
		(void)mus_strcpy(out, MUS_TIME_TEXT_MAX, "never");
	else if (t.ms == INT64_MIN || gmtime_r(&tt, &tm) == NULL ||
	    (n = strftime(out, MUS_TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm)) == 0)
		(void)mus_strcpy(out, MUS_TIME_TEXT_MAX, "-");
	else
		(void)snprintf(out + n, MUS_TIME_TEXT_MAX - n, ".%03dZ", (int)((t.ms % 1000 + 1000) % 1000));
	return out;
}

const char *
mus_time_text_s(struct mus_time t, bool is_end, char out[static MUS_TIME_TEXT_MAX])
{
	char *dot;

	mus_time_text(is_end ? mus_time_add_ms(t, 999) : t, out);
	if ((dot = strchr(out, '.')) != NULL)
		memcpy(dot, "Z", 2);
	return out;
}

static const struct unit {
	char text[3];
	int64_t ms;
} units[] = {
	{"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
enum { UNIT_COUNT = sizeof units / sizeof units[0], UNIT_S = 4 };

const char *
mus_span_text_s(int64_t span_s, char out[static MUS_SPAN_TEXT_MAX])
{
	/* As unsigned, so that INT64_MIN has a magnitude too. */
	uint64_t left = span_s < 0 ? ~(uint64_t)span_s + 1 : (uint64_t)span_s;
	size_t n = 0;

	if (span_s < 0)
		out[n++] = '-';
	/* Weeks read badly ("1w3d"): days are the largest unit. */
	for (size_t i = 1; i <= UNIT_S && n < MUS_SPAN_TEXT_MAX; i++) {
		uint64_t unit_s = (uint64_t)units[i].ms / 1000, v = left / unit_s;

		left %= unit_s;
		if (v > 0)
			n += (size_t)snprintf(out + n, MUS_SPAN_TEXT_MAX - n, "%llu%s",
			    (unsigned long long)v, units[i].text);
	}
	if (span_s == 0)
		(void)mus_strcpy(out, MUS_SPAN_TEXT_MAX, "0s");
	return out;
}

/* Index of the unit that ${*p} begins with, and moves behind it; -1: none. */
static int
parse_unit(const char **p)
{
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz");

	for (int i = 0; i < UNIT_COUNT; i++) {
		if (strlen(units[i].text) == len && memcmp(units[i].text, *p, len) == 0) {
			*p += len;
			return i;
		}
	}
	return -1;
}

bool
mus_span_parse_ms(const char *text, int64_t *out_ms)
{
	const char *p = text;
	int64_t total = 0;
	int last = -1;

	if (*p == '\0')
		return false;
	while (*p != '\0') {
		int64_t v = 0;
		int unit = UNIT_S;

		if (*p < '0' || *p > '9')
			return false;
		for (; *p >= '0' && *p <= '9'; p++) {
			if (__builtin_mul_overflow(v, 10, &v) ||
			    __builtin_add_overflow(v, *p - '0', &v))
				return false;
		}
		/* A bare number is seconds, and only when it is all there is. */
		if (!(*p == '\0' && last < 0) && (unit = parse_unit(&p)) < 0)
			return false;
		/* Units fall, each at most once: "1h30m", never "30m1h" or "1h1h". */
		if (unit <= last)
			return false;
		last = unit;
		if (__builtin_mul_overflow(v, units[unit].ms, &v) ||
		    __builtin_add_overflow(total, v, &total))
			return false;
	}
	*out_ms = total;
	return true;
}

int64_t
mus_span_doubled_ms(int64_t ms, unsigned times, int64_t max_ms)
{
	enum { TIMES_MAX = 62 };	/* the bits of a span that is not negative, but one */

	if (times > TIMES_MAX)
		times = TIMES_MAX;
	return ms > max_ms >> times ? max_ms : ms << times;
}
