/*
 * Configuration of music-scanner.
 */
#ifndef SCANNER_CONF_H
#define SCANNER_CONF_H

#include "app/conf.h"
#include "app/log.h"

enum scan_families { SCAN_BOTH, SCAN_IP4, SCAN_IP6 };

struct scan_conf {
	struct {
		struct mus_name zone;
		struct mus_addr primary;
		const char *key;
		int64_t transfer_size, transfer_ms, transfer_rate, transfer_children;
	} parent;
	struct mus_conf_names children;		/* empty: all delegations */
	int64_t interval_ms, retry_max_ms;
	int64_t parallel;
	bool early_exit;
	struct {
		const char *root_hints, *trust_anchor;
		int64_t keep_s;
	} resolver;
	struct {
		int64_t timeout_ms, tries, tcp_timeout_ms;
		int families;
	} query;
	struct {
		struct mus_conf_strings digests;
		bool allow_delete, csync_approval;
		int64_t ns_min, ds_max, ds_ttl_s, ns_ttl_s;
	} policy;
	const char *state, *report;
	struct mus_log_conf log;
};
extern const struct mus_conf_schema scan_schema;

/* Bit n: digest type n. */
uint64_t scan_conf_digests(const struct scan_conf *c);

#endif
