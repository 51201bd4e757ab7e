/*
 * Configuration of musicd: one struct, one table (config.c), read by src/app/conf.
 */
#ifndef MUSICD_CONFIG_H
#define MUSICD_CONFIG_H

#include "app/conf.h"
#include "app/log.h"
#include "engine/hook.h"

struct musicd_hook {			/* a command that tells a signer something (engine/hook.h) */
	const char *signer;
	int verb;			/* enum mus_verb */
	struct mus_conf_strings roles, command;
	int64_t timeout_ms;
};

struct musicd_conf {
	struct mus_addr api_listen;
	const char *api_cert, *api_key;	/* NULL: made at first start, beside the database */
	const char *api_client_ca;	/* NULL: no client certificates */
	const char *api_tokens;
	bool api_metrics_open;
	const char *store_file;
	struct mus_conf_addrs notify_listen;
	struct mus_addr source4, source6;	/* family 0: any */
	int64_t udp_timeout_ms, tcp_timeout_ms;
	int64_t server_qps, server_window, transfer_size, transfer_ms, transfer_rate, dns_port;
	const char *root_hints, *trust_anchor;	/* NULL: built in, the system's */
	bool parent_insecure_ok, check_addresses;
	int64_t margin_s, parent_ttl_floor_s, ttl_floor_s, parent_patience_s, fresh_s, gap_s, refresh_s;
	struct mus_conf_strings digests;
	bool strict, spread_sep, csync_keep;
	int64_t idle_ms, poll_ms, recheck_ms, retry_ms, copy_ms, active_max, history_keep;
	MUS_CONF_LIST_OF(struct musicd_hook) hooks;
	struct mus_log_conf log;
};

extern const struct mus_conf_schema musicd_schema;
/* Bit per index of the core's digest types. */
uint8_t musicd_digests(const struct musicd_conf *c);
/* As the engine takes it; lends what ${h} has. */
struct mus_hook musicd_hook(const struct musicd_hook *h);

#endif
