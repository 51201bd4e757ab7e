/*
 * What goes over REST: request and reply structs of the controller, each with its schema.  The
 * inner structs never leave; body_of.h makes these from them.  Strings are lent by whoever made the
 * struct (the arena of the request).
 */
#ifndef MUS_WIRE_BODY_H
#define MUS_WIRE_BODY_H

#include "base/addr.h"
#include "base/time.h"
#include "wire/schema.h"

enum {
	MUS_BULK_MAX = 10000,		/* zones in one bulk request */
	MUS_BODY_NOTE_MAX = 255,	/* reasons, in bytes */
};

/* --- requests; given: bit i, field i of the schema was there --- */

struct mus_body_ns {			/* a name server of a signer; also in replies */
	uint64_t given;
	const char *name;
	struct mus_list addresses;	/* struct mus_addr */
};
struct mus_req_signer {
	uint64_t given;
	const char *name, *driver, *key_file;
	struct mus_addr update;
	bool no_transfer, declared_content;
	uint64_t max_ttl_s, update_rate;
	struct mus_list name_servers;	/* struct mus_body_ns */
};
enum {					/* bits of mus_req_signer.given; SignerChange has the same rows */
	MUS_REQ_SIGNER_NAME,
	MUS_REQ_SIGNER_DRIVER,
	MUS_REQ_SIGNER_UPDATE,
	MUS_REQ_SIGNER_KEY_FILE,
	MUS_REQ_SIGNER_NO_TRANSFER,
	MUS_REQ_SIGNER_MAX_TTL,
	MUS_REQ_SIGNER_DECLARED_CONTENT,
	MUS_REQ_SIGNER_UPDATE_RATE,
	MUS_REQ_SIGNER_NAME_SERVERS,
};
struct mus_req_group {
	uint64_t given;
	const char *name;
	struct mus_list signers;	/* const char * */
};
struct mus_req_zone_signer {
	uint64_t given;
	const char *signer, *key_file;
	uint64_t max_ttl_s;
	struct mus_list name_servers;	/* struct mus_body_ns */
};
struct mus_req_zone {
	uint64_t given;
	const char *name, *group, *mode, *sample, *parent;
	struct mus_list parent_addresses;	/* struct mus_addr */
	struct mus_list signers;		/* struct mus_req_zone_signer */
};
enum {					/* bits of mus_req_zone.given; ZoneChange has the same rows */
	MUS_REQ_ZONE_NAME,
	MUS_REQ_ZONE_GROUP,
	MUS_REQ_ZONE_MODE,
	MUS_REQ_ZONE_SAMPLE,
	MUS_REQ_ZONE_PARENT,
	MUS_REQ_ZONE_PARENT_ADDRESSES,
	MUS_REQ_ZONE_SIGNERS,
};
struct mus_req_zone_group {
	uint64_t given;
	const char *group;
	bool dry_run;
};
struct mus_req_hold {
	uint64_t given;
	const char *reason;
};
struct mus_req_abort {
	uint64_t given;
	bool dry_run;
};
struct mus_req_roll {
	uint64_t given;
	const char *signer, *role;
	bool dry_run;
};
struct mus_req_force {
	uint64_t given;
	const char *rule, *reason;
	bool dry_run;
};
struct mus_req_lost {
	uint64_t given;
	const char *signer, *reason;
	bool force, dry_run;
};
struct mus_req_migrate {
	uint64_t given;
	const char *from, *to;
	bool dry_run;
};
struct mus_req_migrate_many {
	uint64_t given;
	const char *from, *to, *group;
	struct mus_list zones;		/* const char * */
	bool dry_run;
};
struct mus_req_probe {
	uint64_t given;
	const char *zone;
};
struct mus_req_nothing {
	uint64_t given;
};

extern const struct mus_schema mus_schema_req_signer, mus_schema_req_signer_change,
    mus_schema_req_group, mus_schema_req_zone, mus_schema_req_zone_change,
    mus_schema_req_zone_group, mus_schema_req_hold, mus_schema_req_abort, mus_schema_req_roll, mus_schema_req_force,
    mus_schema_req_lost, mus_schema_req_migrate, mus_schema_req_migrate_many,
    mus_schema_req_probe, mus_schema_req_nothing;

/* --- replies --- */

struct mus_rep_error_detail {
	const char *code, *message;
	const char *field;		/* JSON pointer into the body, or a query parameter; NULL: neither */
	uint64_t line, column, position;	/* broken JSON; position counts from 1; 0: none */
	bool retry;			/* trying again can help */
};
struct mus_rep_error {
	const struct mus_rep_error_detail *error;
};

struct mus_rep_caps {
	const char *dnskey, *cds, *cdnskey, *csync, *ns;	/* yes, no, unknown */
	struct mus_time probed_at;
};
struct mus_rep_changes {
	uint64_t waiting, unanswered, sent, refused, dropped, silent, full;
	struct mus_time paused_until;
	const char *last_error;
};
struct mus_rep_signer {
	const char *name, *driver, *key_file;
	struct mus_addr update;
	bool no_transfer, declared_content;
	uint64_t max_ttl_s, update_rate;
	struct mus_list name_servers;	/* struct mus_body_ns */
	const struct mus_rep_caps *caps;
	const struct mus_rep_changes *changes;
	const char *trouble;
	struct mus_time created_at, changed_at;
};
struct mus_rep_member {
	const char *name;
	bool leaving;
};
struct mus_rep_group {
	const char *name;
	struct mus_list signers;	/* struct mus_rep_member */
	uint64_t zones, busy;
	struct mus_time created_at, changed_at;
};
struct mus_rep_zone_signer {		/* what one zone has different for one signer */
	const char *signer, *key_file;
	uint64_t max_ttl_s;
	struct mus_list name_servers;	/* struct mus_body_ns */
	bool lost, excluded, staying;
};
struct mus_rep_zone {
	const char *name, *group, *mode, *state, *process, *row, *waiting;
	bool held;
	const char *held_reason, *sample, *parent;
	struct mus_list parent_addresses;	/* struct mus_addr */
	struct mus_list signers;		/* struct mus_rep_zone_signer */
	struct mus_time waiting_until, next_check_at, checked_at, created_at, changed_at;
};

/* One thing that does not hold or is waited for, with everything an operator needs to look. */
struct mus_rep_finding {
	const char *rule, *sentence, *result, *text;
	const char *signer, *other_signer, *server, *record, *cause, *hint;
	uint64_t key_tag;		/* 0: no key */
	struct mus_time seen_at, until;
};
struct mus_rep_process_state {
	const char *kind, *signer, *row;
	uint64_t row_number, row_count;	/* from 1 */
	struct mus_time started_at, row_at;
};
struct mus_rep_rollover {
	const char *kind, *signer, *row;
	uint64_t row_number, row_count;	/* from 1 */
	struct mus_list new_keys, old_keys;	/* const char *, tags */
	bool early;
	const struct mus_rep_finding *waits_for;
	struct mus_time started_at, row_at;
};
struct mus_rep_command {
	const char *signer, *verb, *role, *state, *text;
	uint64_t tries;
	struct mus_time at, next_at;
};
struct mus_rep_signer_state {
	const char *name;
	bool member, lost, driver, secondary;
	bool in_keys, in_ds, in_ns;	/* shares its keys; its DS at the parent; its name servers in NS */
	uint64_t keys;			/* own keys shown */
	struct mus_list key_tags;	/* const char * */
	uint64_t servers, servers_reached;
};
struct mus_rep_zone_status {
	const char *name, *group, *mode, *state, *parent, *parent_announces;
	bool held;
	const char *held_reason;
	const char *forced, *forced_reason;	/* a rule that the operator lets pass; NULL: none */
	const struct mus_rep_process_state *process;
	struct mus_list rollovers;	/* struct mus_rep_rollover */
	struct mus_list commands;	/* struct mus_rep_command */
	struct mus_list signers;	/* struct mus_rep_signer_state */
	uint64_t parent_servers, parent_servers_reached;
	struct mus_list waits;		/* struct mus_rep_finding */
	struct mus_list warnings;	/* const char *: what no rule is about, and is counted apart */
	uint64_t findings;		/* rules that do not hold; see explain */
	struct mus_list manual;		/* const char *: what is to be entered at the parent by hand */
	struct mus_time manual_since;
	struct mus_time wake_at, next_check_at, checked_at, now;
};
struct mus_rep_action {
	const char *id, *kind, *signer, *record, *why, *text;
};
struct mus_rep_by_hand {
	const char *signer;
	struct mus_list add, remove;	/* const char *, records as in a zone file */
};
struct mus_rep_plan {
	const char *zone, *state;
	const struct mus_rep_process_state *process;
	struct mus_list actions;	/* struct mus_rep_action */
	struct mus_list by_hand;	/* struct mus_rep_by_hand */
	struct mus_list waits;		/* struct mus_rep_finding */
	struct mus_list need_copy;	/* const char *, signers */
	struct mus_time wake_at, now;
};
struct mus_rep_rule {
	const char *rule, *sentence, *result;
};
struct mus_rep_explain {
	const char *zone, *state;
	const char *forced, *forced_reason;	/* a rule that the operator lets pass; NULL: none */
	const struct mus_rep_process_state *process;
	struct mus_list rules;		/* struct mus_rep_rule */
	struct mus_list findings, waits;	/* struct mus_rep_finding */
	struct mus_list manual;		/* as in mus_rep_zone_status */
	struct mus_time manual_since;
	struct mus_time wake_at, now;
};
struct mus_rep_preflight {
	const char *zone, *signer, *parent_announces;
	bool member, fit;
	struct mus_list findings;	/* struct mus_rep_finding */
	struct mus_time now;
};
struct mus_rep_event {
	uint64_t id;
	const char *zone;		/* NULL: not about a zone */
	struct mus_time at;
	const char *kind, *text, *actor;
};
struct mus_rep_process {
	uint64_t id;
	const char *zone, *kind, *signer, *row, *outcome;
	bool running, done, may_stop;
	struct mus_time started_at, ended_at;
};
struct mus_rep_row {
	uint64_t number;
	const char *name, *action;
	struct mus_list pre, post;	/* struct mus_rep_rule, without result */
	const char *guard, *guard_sentence;
};
struct mus_rep_process_table {
	const char *kind;
	struct mus_list rows;		/* struct mus_rep_row */
};
struct mus_rep_outcome {		/* of abort and force */
	const char *zone;
	bool dry_run;
	const char *consequence;
};
struct mus_rep_bulk_item {
	const char *name;
	bool ok;
	const struct mus_rep_error_detail *error;
};
struct mus_rep_bulk {
	uint64_t created, refused;
	struct mus_list items;		/* struct mus_rep_bulk_item */
};
struct mus_rep_migration {
	const char *group, *from, *to;
	bool dry_run;
	uint64_t zones;
	const char *text;
};
struct mus_rep_probe {
	const char *signer, *zone;
	struct mus_raw report;
};
struct mus_rep_ping {
	const char *program, *version;
	struct mus_time now;
};
struct mus_rep_status {
	const char *program, *version;
	const char *caller, *role;	/* who asks, as the daemon knows it */
	struct mus_time now, started_at;
	uint64_t zones, busy, due, in_flight;
	uint64_t unknown, valid, so_far, at_risk, invalid, insecure;	/* zones by state */
	uint64_t questions, answers, timeouts, updates_sent, updates_failed, transfers;
	uint64_t sigs_verified, sigs_cached, plans, rounds;
	uint64_t requests, streams;
	struct mus_time store_failing_since;
	const char *store_error;
	struct mus_time restored_at;
	bool checks_addresses;
};

extern const struct mus_schema mus_schema_rep_error, mus_schema_rep_error_detail,
    mus_schema_rep_signer, mus_schema_rep_group, mus_schema_rep_zone, mus_schema_rep_zone_status,
    mus_schema_rep_plan, mus_schema_rep_explain, mus_schema_rep_preflight, mus_schema_rep_finding,
    mus_schema_rep_event, mus_schema_rep_process, mus_schema_rep_process_table,
    mus_schema_rep_outcome, mus_schema_rep_bulk, mus_schema_rep_migration, mus_schema_rep_probe,
    mus_schema_rep_ping, mus_schema_rep_status;

/* --- checks shared with the command line; complaint, or NULL --- */

/* Name of a signer or group: 1 to 63 of [a-z0-9._-], starts with a letter or digit. */
const char *mus_check_label(const char *s);
/* Looks like a domain name; the whole truth is told by dns/name.h. */
const char *mus_check_domain(const char *s);
/* Likewise, and is no address: of a zone, or a name server. */
const char *mus_check_host(const char *s);
const char *mus_check_path(const char *s);	/* absolute path, no control characters */

#endif
