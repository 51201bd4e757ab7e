#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/metrics.h"

static const char dropped[] =
    "# HELP music_metrics_series_dropped_total Series that were not made because there are too many.\n"
    "# TYPE music_metrics_series_dropped_total counter\n"
    "music_metrics_series_dropped_total %u\n";

/* The text of ${m} is ${want}, and the number of dropped series. */
static void
check_text(struct mus_metrics *m, const char *want, unsigned drops)
{
	struct mus_buf b;
	char all[4000];
	int n = snprintf(all, sizeof all, "%s", want);

	snprintf(all + n, sizeof all - (size_t)n, dropped, drops);
	mus_buf_init(&b, 0);
	mus_metrics_text(m, &b);
	assert_false(b.failed);
	assert_string_equal(b.data, all);
	mus_buf_clear(&b);
}

static void
test_text(void **state)
{
	static const double bounds[] = {0.1, 1, 2.5};
	struct mus_metrics *m = mus_metrics_new();
	struct mus_metric *plain, *labels, *gauge, *histogram;

	(void)state;
	plain = mus_metrics_add(m, &(struct mus_metric_opts){.name = "music_starts_total",
	    .help = "Starts, with \\ and\nlines.", .kind = MUS_METRIC_COUNTER});
	labels = mus_metrics_add(m, &(struct mus_metric_opts){.name = "music_questions_total",
	    .help = "Questions.", .kind = MUS_METRIC_COUNTER, .labels = {"signer", "result"}});
	gauge = mus_metrics_add(m, &(struct mus_metric_opts){.name = "music_zones", .help = "Zones.",
	    .kind = MUS_METRIC_GAUGE});
	histogram = mus_metrics_add(m, &(struct mus_metric_opts){.name = "music_rtt_seconds", .help = "Time.",
	    .kind = MUS_METRIC_HISTOGRAM, .labels = {"via"}, .buckets = bounds, .bucket_count = 3});
	mus_metric_inc(plain, NULL);
	mus_metric_add(plain, NULL, 2);
	mus_metric_inc(labels, MUS_LABELS("a", "ok"));
	mus_metric_inc(labels, MUS_LABELS("a \"b\" \\\n", NULL));
	mus_metric_inc(labels, MUS_LABELS("a", "ok"));
	mus_metric_set(gauge, NULL, 7);
	mus_metric_add(gauge, NULL, -2.5);
	mus_metric_observe(histogram, MUS_LABELS("udp"), 0.05);
	mus_metric_observe(histogram, MUS_LABELS("udp"), 0.1);
	mus_metric_observe(histogram, MUS_LABELS("udp"), 2);
	mus_metric_observe(histogram, MUS_LABELS("udp"), 3);
	check_text(m,
	    "# HELP music_starts_total Starts, with \\\\ and\\nlines.\n"
	    "# TYPE music_starts_total counter\n"
	    "music_starts_total 3\n"
	    "# HELP music_questions_total Questions.\n"
	    "# TYPE music_questions_total counter\n"
	    "music_questions_total{signer=\"a\",result=\"ok\"} 2\n"
	    "music_questions_total{signer=\"a \\\"b\\\" \\\\\\n\",result=\"\"} 1\n"
	    "# HELP music_zones Zones.\n"
	    "# TYPE music_zones gauge\n"
	    "music_zones 4.5\n"
	    "# HELP music_rtt_seconds Time.\n"
	    "# TYPE music_rtt_seconds histogram\n"
	    "music_rtt_seconds_bucket{via=\"udp\",le=\"0.1\"} 2\n"
	    "music_rtt_seconds_bucket{via=\"udp\",le=\"1\"} 2\n"
	    "music_rtt_seconds_bucket{via=\"udp\",le=\"2.5\"} 3\n"
	    "music_rtt_seconds_bucket{via=\"udp\",le=\"+Inf\"} 4\n"
	    "music_rtt_seconds_sum{via=\"udp\"} 5.15\n"
	    "music_rtt_seconds_count{via=\"udp\"} 4\n",
	    0);
	assert_true(mus_metric_get(histogram, MUS_LABELS("udp")) == 5.15);
	mus_metrics_free(m);
	mus_metrics_free(NULL);
}

static void
test_numbers(void **state)
{
	static const struct {
		double v;
		const char *text;
	} t[] = {
		{0, "0"},
		{1763000000, "1763000000"},
		{1763000000.125, "1763000000.125"},
		{0.1, "0.1"},
		{1.0 / 3, "0.3333333333333333"},
		{9007199254740993.0, "9007199254740992"},
		{1e300, "1e+300"},
		{-1.5, "-1.5"},
		{INFINITY, "+Inf"},
		{-INFINITY, "-Inf"},
		{NAN, "NaN"},
	};
	struct mus_metrics *m = mus_metrics_new();
	struct mus_metric *f = mus_metrics_add(m,
	    &(struct mus_metric_opts){.name = "x", .help = "X.", .kind = MUS_METRIC_GAUGE});
	char want[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		mus_metric_set(f, NULL, t[i].v);
		snprintf(want, sizeof want, "# HELP x X.\n# TYPE x gauge\nx %s\n", t[i].text);
		check_text(m, want, 0);
	}
	mus_metrics_free(m);
}

/* Names from outside fill a bound and not the memory. */
static void
test_bound(void **state)
{
	struct mus_metrics *m = mus_metrics_new();
	struct mus_metric *f = mus_metrics_add(m, &(struct mus_metric_opts){.name = "x", .help = "X.",
	    .kind = MUS_METRIC_GAUGE, .labels = {"zone"}, .series_max = 3});
	char zone[600], cut[700];
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		snprintf(zone, sizeof zone, "z%d", i);
		mus_metric_set(f, MUS_LABELS(zone), i);
	}
	assert_int_equal(mus_metrics_series_dropped(m), 2);
	mus_metric_set(f, MUS_LABELS("z1"), 10);	/* one that is there */
	mus_metric_remove(f, MUS_LABELS("z0"));
	mus_metric_remove(f, MUS_LABELS("none"));
	mus_metric_set(f, MUS_LABELS("z9"), 9);		/* there is a place again */
	check_text(m, "# HELP x X.\n# TYPE x gauge\nx{zone=\"z1\"} 10\nx{zone=\"z2\"} 2\nx{zone=\"z9\"} 9\n", 2);
	assert_true(mus_metric_get(f, MUS_LABELS("z2")) == 2);
	assert_true(mus_metric_get(f, MUS_LABELS("z0")) == 0);
	mus_metric_remove(f, MUS_LABELS("z9"));
	mus_metric_set(f, MUS_LABELS("z8"), 8);
	mus_metric_remove(f, MUS_LABELS("z2"));		/* first, last and middle have been removed */
	check_text(m, "# HELP x X.\n# TYPE x gauge\nx{zone=\"z1\"} 10\nx{zone=\"z8\"} 8\n", 2);
	mus_metric_clear(f);
	check_text(m, "# HELP x X.\n# TYPE x gauge\n", 2);
	/* A long value is cut, between characters. */
	memset(zone, 'a', sizeof zone);
	memcpy(zone + MUS_METRICS_VALUE_MAX - 1, "\xc3\xbc" "b", 4);
	mus_metric_set(f, MUS_LABELS(zone), 1);
	zone[MUS_METRICS_VALUE_MAX - 1] = '\0';
	snprintf(cut, sizeof cut, "# HELP x X.\n# TYPE x gauge\nx{zone=\"%s\"} 1\n", zone);
	check_text(m, cut, 2);
	mus_metrics_free(m);
}

/* Values of several labels are not mixed up. */
static void
test_keys(void **state)
{
	struct mus_metrics *m = mus_metrics_new();
	struct mus_metric *f = mus_metrics_add(m, &(struct mus_metric_opts){.name = "x", .help = "X.",
	    .kind = MUS_METRIC_GAUGE, .labels = {"a", "b"}});

	(void)state;
	mus_metric_set(f, MUS_LABELS("1", ""), 1);
	mus_metric_set(f, MUS_LABELS("", "1"), 2);
	mus_metric_set(f, MUS_LABELS("1", "1"), 3);
	assert_true(mus_metric_get(f, MUS_LABELS("1", "")) == 1);
	assert_true(mus_metric_get(f, MUS_LABELS("", "1")) == 2);
	assert_true(mus_metric_get(f, MUS_LABELS("1", "1")) == 3);
	mus_metrics_free(m);
	/* No family: nothing is counted. */
	mus_metric_inc(NULL, NULL);
	mus_metric_set(NULL, NULL, 1);
	mus_metric_observe(NULL, NULL, 1);
	mus_metric_remove(NULL, NULL);
	mus_metric_clear(NULL);
	assert_true(mus_metric_get(NULL, NULL) == 0);
}

static void
set_five(void *arg)
{
	mus_metric_set(arg, NULL, mus_metric_get(arg, NULL) + 5);
}

static void
set_double(void *arg)
{
	mus_metric_set(arg, NULL, mus_metric_get(arg, NULL) * 2);
}

static void
test_collect(void **state)
{
	struct mus_metrics *m = mus_metrics_new();
	struct mus_metric *f = mus_metrics_add(m,
	    &(struct mus_metric_opts){.name = "x", .help = "X.", .kind = MUS_METRIC_GAUGE});

	(void)state;
	assert_int_equal(mus_metrics_on_collect(m, set_five, f), 0);
	check_text(m, "# HELP x X.\n# TYPE x gauge\nx 5\n", 0);
	assert_int_equal(mus_metrics_on_collect(m, set_double, f), 0);
	check_text(m, "# HELP x X.\n# TYPE x gauge\nx 20\n", 0);	/* in their order: (5 + 5) * 2 */
	mus_metrics_free(m);
}

/* A wrong table is a bug: the program stops. */
static void
test_bugs(void **state)
{
	static const double falling[] = {2, 1};
	static const struct mus_metric_opts t[] = {
		{.name = "", .help = "X.", .kind = MUS_METRIC_GAUGE},
		{.name = "1x", .help = "X.", .kind = MUS_METRIC_GAUGE},
		{.name = "x-y", .help = "X.", .kind = MUS_METRIC_GAUGE},
		{.name = "x", .help = "", .kind = MUS_METRIC_GAUGE},
		{.name = "there", .help = "X.", .kind = MUS_METRIC_GAUGE},
		{.name = "x", .help = "X.", .kind = MUS_METRIC_COUNTER},
		{.name = "x", .help = "X.", .kind = MUS_METRIC_GAUGE, .labels = {"a:b"}},
		{.name = "x", .help = "X.", .kind = MUS_METRIC_GAUGE, .labels = {"le"}},
		{.name = "x", .help = "X.", .kind = MUS_METRIC_GAUGE, .labels = {"__a"}},
		{.name = "x", .help = "X.", .kind = MUS_METRIC_HISTOGRAM},
		{.name = "x", .help = "X.", .kind = MUS_METRIC_HISTOGRAM, .buckets = falling, .bucket_count = 2},
		{.name = "fine", .help = "X.", .kind = MUS_METRIC_GAUGE},
	};
	size_t i, last = sizeof t / sizeof *t - 1;

	(void)state;
	for (i = 0; i <= last; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			struct mus_metrics *m = mus_metrics_new();

			(void)!freopen("/dev/null", "w", stderr);
			(void)mus_metrics_add(m, &(struct mus_metric_opts){.name = "there", .help = "X.",
			    .kind = MUS_METRIC_GAUGE});
			(void)mus_metrics_add(m, &t[i]);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) != (i == last))
			fail_msg("row %zu: status %d", i, status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_collect),
		cmocka_unit_test(test_bugs),
	};

	return cmocka_run_group_tests_name("app/metrics", tests, NULL, NULL);
}
