/* /metrics: the daemon's numbers in a registry of app/metrics, made for each request. */
#include <stddef.h>

#include "app/metrics.h"
#include "routes_int.h"

#define STAT(k, n, f, h) {{.kind = MUS_METRIC_##k, .name = n, .help = h}, offsetof(struct mus_ctl_stats, f)}
static const struct {
	struct mus_metric_opts o;
	size_t at;			/* uint64_t in struct mus_ctl_stats */
} stats[] = {
    STAT(GAUGE, "musicd_zones", zones, "Zones under care."),
    STAT(GAUGE, "musicd_zones_busy", busy, "Zones with a running process."),
    STAT(GAUGE, "musicd_process_row_seconds", row_s,
	"How long the process that stands longest has been in its row; 0: none runs."),
    STAT(GAUGE, "musicd_zones_due", due, "Zones due to be looked at."),
    STAT(GAUGE, "musicd_zones_lost_signer", lost_signer,
	"Zones that resolvers may still look for at a signer that was lost."),
    STAT(GAUGE, "musicd_zones_in_flight", in_flight, "Zones being looked at."),
    STAT(COUNTER, "musicd_questions_total", questions, "DNS questions sent."),
    STAT(COUNTER, "musicd_answers_total", answers, "DNS answers received."),
    STAT(COUNTER, "musicd_timeouts_total", timeouts, "DNS questions without an answer."),
    STAT(COUNTER, "musicd_updates_sent_total", updates_sent, "Changes sent to signers."),
    STAT(COUNTER, "musicd_updates_failed_total", updates_failed, "Changes refused, dropped or not answered."),
    STAT(COUNTER, "musicd_commands_total", commands, "Commands of hooks that have ended."),
    STAT(COUNTER, "musicd_commands_failed_total", commands_failed, "Of these, failed."),
    STAT(COUNTER, "musicd_transfers_total", transfers, "Whole zone copies read."),
    STAT(COUNTER, "musicd_signatures_verified_total", sigs_verified, "Signatures verified."),
    STAT(COUNTER, "musicd_signatures_cached_total", sigs_cached, "Signatures known from the cache."),
    STAT(COUNTER, "musicd_plans_total", plans, "Plans made."),
    STAT(COUNTER, "musicd_rounds_total", rounds, "Looks at zones."),
};

enum { S_WAITING, S_SENT, S_REFUSED, S_DROPPED, S_SILENT, S_PAUSED, S_COUNT };
static const struct mus_metric_opts of_signer[S_COUNT] = {
    {.kind = MUS_METRIC_GAUGE, .name = "musicd_signer_changes_waiting", .labels = {"signer"},
	.help = "Changes in the queue of a signer."},
    {.kind = MUS_METRIC_COUNTER, .name = "musicd_signer_changes_sent_total", .labels = {"signer"},
	.help = "Changes sent to a signer."},
    {.kind = MUS_METRIC_COUNTER, .name = "musicd_signer_changes_refused_total", .labels = {"signer"},
	.help = "Of these, refused."},
    {.kind = MUS_METRIC_COUNTER, .name = "musicd_signer_changes_dropped_total", .labels = {"signer"},
	.help = "Of these, accepted and then not shown."},
    {.kind = MUS_METRIC_COUNTER, .name = "musicd_signer_changes_silent_total", .labels = {"signer"},
	.help = "Of these, never answered."},
    {.kind = MUS_METRIC_GAUGE, .name = "musicd_signer_paused", .labels = {"signer"},
	.help = "The signer does not answer changes: 1."},
};

/* No memory for a family shows in the call's output, which is then not sent. */
static struct mus_metric *
family(struct api_call *c, struct mus_metrics *m, const struct mus_metric_opts *o)
{
	struct mus_metric *f = mus_metrics_add(m, o);

	if (f == NULL)
		c->out.failed = true;
	return f;
}

static void
one(struct api_call *c, struct mus_metrics *m, const struct mus_metric_opts *o, uint64_t v)
{
	mus_metric_add(family(c, m, o), NULL, (double)v);
}

static void
about_zones(struct api_call *c, struct mus_metrics *m, const struct mus_ctl_stats *s)
{
	static const char *const state[] = {
	    "unknown", "valid", "so_far", "at_risk", "invalid", "insecure"};
	struct mus_metric *f = family(c, m,
	    &(const struct mus_metric_opts){.kind = MUS_METRIC_GAUGE, .name = "musicd_zones_state",
		.labels = {"state"}, .help = "Zones by state, as of their last look."});

	_Static_assert(MUS_STATE_INSECURE == 5, "a word for every state");
	for (unsigned i = 0; i < sizeof state / sizeof state[0]; i++)
		mus_metric_set(f, MUS_LABELS(state[i]), (double)s->state[i]);
	f = family(c, m,
	    &(const struct mus_metric_opts){.kind = MUS_METRIC_GAUGE, .name = "musicd_zones_manual",
		.labels = {"what"}, .help = "Zones whose parent has to be told by hand."});
	mus_metric_set(f, MUS_LABELS("ds"), (double)s->manual_ds);
	mus_metric_set(f, MUS_LABELS("ns"), (double)s->manual_ns);
	for (size_t i = 0; i < sizeof stats / sizeof stats[0]; i++)
		one(c, m, &stats[i].o, *(const uint64_t *)((const char *)s + stats[i].at));
}

struct of_signers {
	struct api_call *call;
	struct mus_metric *f[S_COUNT];
};

static int
add_signer(void *arg, const struct mus_signer_obj *o)
{
	struct of_signers *l = arg;
	const char *const *name = MUS_LABELS(o->name);
	struct mus_ctl_changes now;

	mus_ctl_changes(l->call->engine, o->id, &now);
	mus_metric_set(l->f[S_WAITING], name, (double)now.waiting);
	mus_metric_add(l->f[S_SENT], name, (double)now.sent);
	mus_metric_add(l->f[S_REFUSED], name, (double)now.refused);
	mus_metric_add(l->f[S_DROPPED], name, (double)now.dropped);
	mus_metric_add(l->f[S_SILENT], name, (double)now.silent);
	mus_metric_set(l->f[S_PAUSED], name, mus_time_is_set(now.paused_until) ? 1 : 0);
	return 0;
}

static void
about_signers(struct api_call *c, struct mus_metrics *m)
{
	struct of_signers l = {.call = c};

	for (unsigned i = 0; i < S_COUNT; i++)
		l.f[i] = family(c, m, &of_signer[i]);
	if (mus_store_list_signers(c->store, NULL, MUS_METRICS_SERIES_DEFAULT, add_signer, &l) < 0)
		c->out.failed = true;
}

static void
about_connections(struct api_call *c, struct mus_metrics *m)
{
	static const struct mus_metric_opts streams = {.kind = MUS_METRIC_GAUGE,
	    .name = "musicd_api_streams", .help = "Event streams open."},
	    no_stream = {.kind = MUS_METRIC_COUNTER, .name = "musicd_api_streams_refused_total",
		.labels = {"why"}, .help = "Event streams refused: their token has too many, or all have."},
	    open = {.kind = MUS_METRIC_GAUGE, .name = "musicd_api_connections",
		.help = "Connections to the REST interface."},
	    refused = {.kind = MUS_METRIC_COUNTER, .name = "musicd_api_connections_refused_total",
		.labels = {"why"},
		.help = "Requests refused: their network has too many connections, or all have."},
	    cut = {.kind = MUS_METRIC_COUNTER, .name = "musicd_api_connections_cut_total",
		.labels = {"why"},
		.help = "Connections cut: idle when a newcomer needed the place, or too slow with a request."};
	struct mus_http_stats s;
	struct mus_metric *f;

	mus_http_stats(c->req, &s);
	one(c, m, &streams, c->api->stream_count);
	f = family(c, m, &no_stream);
	mus_metric_add(f, MUS_LABELS("token"), (double)c->api->streams_refused_caller);
	mus_metric_add(f, MUS_LABELS("full"), (double)c->api->streams_refused_full);
	one(c, m, &open, s.connections);
	f = family(c, m, &refused);
	mus_metric_add(f, MUS_LABELS("network"), (double)s.refused_net);
	mus_metric_add(f, MUS_LABELS("full"), (double)s.refused_full);
	f = family(c, m, &cut);
	mus_metric_add(f, MUS_LABELS("idle"), (double)s.gave_place);
	mus_metric_add(f, MUS_LABELS("slow"), (double)s.slow);
}

void
api_metrics(struct api_call *c)
{
	static const struct mus_metric_opts info = {.kind = MUS_METRIC_GAUGE, .name = "musicd_info",
	    .labels = {"version"}, .help = "The program and its version."},
	    start = {.kind = MUS_METRIC_GAUGE, .name = "musicd_start_time_seconds",
		.help = "When the daemon started."},
	    requests = {.kind = MUS_METRIC_COUNTER, .name = "musicd_api_requests_total",
		.help = "REST requests."},
	    failing = {.kind = MUS_METRIC_GAUGE, .name = "musicd_store_failing",
		.help = "The database takes no changes: 1."};
	struct mus_metrics *m = mus_metrics_new();
	struct mus_ctl_stats s = {0};

	if (m == NULL) {
		api_fail(c, mus_errf(&c->et, MUS_ERR_NOMEM, "out of memory"));
		return;
	}
	mus_ctl_stats(c->engine, &s);
	mus_metric_set(family(c, m, &info), MUS_LABELS(MUS_VERSION), 1);
	one(c, m, &start, (uint64_t)mus_time_to_s(c->api->started_at));
	about_zones(c, m, &s);
	one(c, m, &requests, c->api->requests);
	one(c, m, &failing, mus_time_is_set(s.store_failing_since));
	about_connections(c, m);
	about_signers(c, m);
	mus_metrics_text(m, &c->out);
	mus_metrics_free(m);
	api_reply_out(c, 200, c->route->content_type);
}
