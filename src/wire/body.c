#include "wire/body.h"

#include <string.h>

#include "base/addr.h"
#include "model/object.h"

const char *
mus_check_label(const char *s)
{
	if (*s == '\0')
		return "must not be empty";
	if (strlen(s) >= MUS_LABEL_MAX)
		return "too long: at most 63 characters";
	for (const char *p = s; *p != '\0'; p++) {
		bool is_alnum = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');

		if (!is_alnum && (p == s || strchr("._-", *p) == NULL))
			return "must be letters a-z, digits, dot, underscore and hyphen, starting with a "
			       "letter or digit";
	}
	return NULL;
}

const char *
mus_check_domain(const char *s)
{
	for (const char *p = s; *p != '\0'; p++)
		if (*p == ' ' || (unsigned char)*p >= 0x80)
			return "not a domain name (write other characters as \\DDD, or as xn--...)";
	return NULL;
}

const char *
mus_check_host(const char *s)
{
	char text[MUS_ADDR_TEXT_MAX];
	size_t len = strlen(s);
	struct mus_addr addr;

	if (len > 1 && s[len - 1] == '.')
		len--;
	if (len < sizeof text) {
		memcpy(text, s, len);
		text[len] = '\0';
		if (mus_addr_parse(text, 53, &addr))
			return "is an address; a name is wanted";
	}
	return mus_check_domain(s);
}

const char *
mus_check_path(const char *s)
{
	return *s == '/' ? NULL : "must be an absolute path";
}

/* One row: name, member of the struct, and so on.  S is the struct of the schema at hand. */
#define ROW(jname, type_, member, ...)                                                             \
	{                                                                                          \
		.name = jname, .type = MUS_F_##type_, .offset = offsetof(S, member), __VA_ARGS__   \
	}
#define SCHEMA(var, label, request, given_, text)                                                  \
	const struct mus_schema mus_schema_##var = {                                               \
	    .name = label, .help = text, .size = sizeof(S), .given_offset = given_,                \
	    .field = var##_rows, .field_count = sizeof var##_rows / sizeof var##_rows[0],          \
	    .is_request = request}
#define REQUEST(var, label, text) SCHEMA(var, label, true, offsetof(S, given), text)
#define REPLY(var, label, text) SCHEMA(var, label, false, 0, text)
#define LABEL .check = mus_check_label, .max = MUS_LABEL_MAX - 1, .format = "label"
#define DOMAIN .check = mus_check_host, .max = MUS_ZONETEXT_MAX - 1, .format = "domain-name"
#define HOST .check = mus_check_host, .max = 254, .format = "domain-name"
/* "1.2.3.4" may well be a name of a reverse zone */
#define RELATIVE .check = mus_check_domain, .max = 254, .format = "domain-name"
#define FILEPATH .check = mus_check_path, .max = MUS_PATH_TEXT_MAX - 1, .format = "path"
#define HELP(text) .help = text
#define DRIVER(name) " " #name

static const char *const mode_words[] = {"auto", "manual", NULL};
static const char *const tri_words[] = {"yes", "no", "unknown", NULL};
static const char *const result_words[] = {"holds", "warning", "unknown", "fails", NULL};
static const char *const key_role_words[] = {"zsk", "ksk", "csk", NULL};
static const char *const role_words[] = {"read", "operate", "admin", NULL};

#define S struct mus_body_ns
#define NS_ROWS                                                                                    \
	ROW("name", STR, name, .flags = MUS_FIELD_REQUIRED, HOST, HELP("name of the server")),     \
	    ROW("addresses", ADDR_LIST, addresses, .max = MUS_OBJ_ADDR_MAX,                        \
		HELP("its public addresses; none: found by a validated look-up"))
static const struct mus_field req_ns_rows[] = {NS_ROWS};
static const struct mus_field rep_ns_rows[] = {NS_ROWS};
static REQUEST(req_ns, "NameServerRequest", "A name server that serves a signer's copy.");
static REPLY(rep_ns, "NameServer", "A name server that serves a signer's copy.");
#undef S

#define S struct mus_req_signer
#define SIGNER_ROWS(needed)                                                                        \
	ROW("driver", STR, driver, .flags = needed, LABEL,                                         \
	    HELP("how changes are made, one of:" MUS_DRIVERS(DRIVER))),            \
	    ROW("update", ADDR, update, HELP("where changes go and whole copies are read")),       \
	    ROW("key_file", STR, key_file, .flags = MUS_FIELD_EMPTY, FILEPATH,                     \
		HELP("file with the TSIG key, read by the daemon; empty: none")),                  \
	    ROW("no_transfer", BOOL, no_transfer, HELP("whole copies are refused there")),         \
	    ROW("max_ttl_s", UINT, max_ttl_s, .max = INT32_MAX,                                    \
		HELP("declared largest TTL in the copy, seconds; 0: not declared")),               \
	    ROW("declared_content", BOOL, declared_content,                                        \
		HELP("the operator vouches that the content equals the others'")),                 \
	    ROW("update_rate", UINT, update_rate, .max = 1000000,                                  \
		HELP("changes per second at most, evenly spread; 0: no limit")),                   \
	    ROW("name_servers", LIST, name_servers, .max = MUS_OBJ_NS_MAX,                         \
		.sub = &mus_schema_req_ns, HELP("its public name servers"))
static const struct mus_field req_signer_rows[] = {
    ROW("name", STR, name, .flags = MUS_FIELD_REQUIRED, LABEL, HELP("name of the signer")),
    SIGNER_ROWS(MUS_FIELD_REQUIRED)};
/* the first row keeps the bits of both alike; a signer keeps its name */
static const struct mus_field req_signer_change_rows[] = {
    ROW("name", STR, name, LABEL, HELP("the name it has; cannot change")), SIGNER_ROWS(0)};
REQUEST(req_signer, "SignerRequest", "A signer to create.");
REQUEST(req_signer_change, "SignerChange", "Changes of a signer; what is not given stays.");
#undef S

#define S struct mus_req_group
static const struct mus_field req_group_rows[] = {
    ROW("name", STR, name, .flags = MUS_FIELD_REQUIRED, LABEL, HELP("name of the group")),
    ROW("signers", STR_LIST, signers, .check = mus_check_label, .max = MUS_SIGNERS_MAX,
	HELP("its first members"))};
REQUEST(req_group, "GroupRequest", "A signer group to create.");
#undef S

#define S struct mus_req_zone_signer
static const struct mus_field req_zone_signer_rows[] = {
    ROW("signer", STR, signer, .flags = MUS_FIELD_REQUIRED, LABEL, HELP("name of the signer")),
    ROW("name_servers", LIST, name_servers, .max = MUS_OBJ_NS_MAX, .sub = &mus_schema_req_ns,
	HELP("its name servers for this zone (vanity, in-bailiwick)")),
    ROW("key_file", STR, key_file, .flags = MUS_FIELD_EMPTY, FILEPATH,
	HELP("TSIG key for this zone alone; empty: the signer's")),
    ROW("max_ttl_s", UINT, max_ttl_s, .max = INT32_MAX, HELP("0: the signer's"))};
static REQUEST(req_zone_signer, "ZoneSignerRequest", "What one zone has different for one signer.");
#undef S

#define S struct mus_req_zone
#define ZONE_ROWS                                                                                  \
	ROW("group", STR, group, .flags = MUS_FIELD_EMPTY, LABEL,                                  \
	    HELP("signer group; empty: none")),                                                    \
	    ROW("mode", WORD, mode, .words = mode_words,                                           \
		HELP("auto, or manual: every step waits for POST .../step")),                      \
	    ROW("sample", STR, sample, .flags = MUS_FIELD_EMPTY, RELATIVE,                         \
		HELP("an existing name to watch, relative to the zone (www)")),                    \
	    ROW("parent", STR, parent, .flags = MUS_FIELD_EMPTY, HOST,                             \
		HELP("parent zone, when it cannot be found by look-up")),                          \
	    ROW("parent_addresses", ADDR_LIST, parent_addresses, .max = MUS_OBJ_PARENT_MAX,        \
		HELP("addresses of the parent's servers, likewise")),                              \
	    ROW("signers", LIST, signers, .max = MUS_SIGNERS_MAX,                                  \
		.sub = &mus_schema_req_zone_signer,                                                \
		HELP("what this zone has different for some signers"))
static const struct mus_field req_zone_rows[] = {
    ROW("name", STR, name, .flags = MUS_FIELD_REQUIRED, DOMAIN, HELP("name of the zone")),
    ZONE_ROWS};
static const struct mus_field req_zone_change_rows[] = {
    ROW("name", STR, name, DOMAIN, HELP("the name it has; cannot change")), ZONE_ROWS};
REQUEST(req_zone, "ZoneRequest", "A zone to put under the care of the controller.");
REQUEST(req_zone_change, "ZoneChange", "Changes of a zone; what is not given stays.");
#undef S

#define S struct mus_req_zone_group
static const struct mus_field req_zone_group_rows[] = {
    ROW("group", STR, group, .flags = MUS_FIELD_REQUIRED, LABEL, HELP("signer group to be in")),
    ROW("dry_run", BOOL, dry_run, HELP("only check; the answer is the zone as it stands"))};
REQUEST(req_zone_group, "ZoneGroupRequest", "The signer group of a zone.");
#undef S

#define S struct mus_req_hold
static const struct mus_field req_hold_rows[] = {ROW("reason", STR, reason, .max = MUS_BODY_NOTE_MAX,
    .flags = MUS_FIELD_EMPTY, HELP("why; shown until resumed. Empty: what was said before stays"))};
REQUEST(req_hold, "HoldRequest", "Stop a zone where it is.");
#undef S

#define S struct mus_req_abort
static const struct mus_field req_abort_rows[] = {
    ROW("dry_run", BOOL, dry_run, HELP("only say what would follow"))};
REQUEST(req_abort, "AbortRequest", "Turn the running process round.");
#undef S

#define S struct mus_req_roll
static const struct mus_field req_roll_rows[] = {
    ROW("signer", STR, signer, .flags = MUS_FIELD_REQUIRED, .format = "label", .max = 63, .check = mus_check_label,
	HELP("whose key")),
    ROW("role", WORD, role, .flags = MUS_FIELD_REQUIRED, .words = key_role_words, HELP("which key")),
    ROW("dry_run", BOOL, dry_run, HELP("only say what would follow"))};
REQUEST(req_roll, "RollRequest", "Have a signer roll a key.");
#undef S
#define S struct mus_req_force
static const struct mus_field req_force_rows[] = {
    ROW("rule", STR, rule, .flags = MUS_FIELD_REQUIRED, .max = 32,
	HELP("the rule that refuses the step, as explain names it")),
    ROW("reason", STR, reason, .flags = MUS_FIELD_REQUIRED, .max = MUS_BODY_NOTE_MAX,
	HELP("why it is right to pass; recorded")),
    ROW("dry_run", BOOL, dry_run, HELP("only say what breaks"))};
REQUEST(req_force, "ForceRequest", "Let the next step pass a rule, once.");
#undef S

#define S struct mus_req_lost
static const struct mus_field req_lost_rows[] = {
    ROW("signer", STR, signer, .flags = MUS_FIELD_REQUIRED, LABEL, HELP("who is lost")),
    ROW("reason", STR, reason, .flags = MUS_FIELD_REQUIRED, .max = MUS_BODY_NOTE_MAX,
	HELP("why; recorded")),
    ROW("force", BOOL, force, HELP("though it was seen answering, or nobody has seen that it is silent")),
    ROW("dry_run", BOOL, dry_run, HELP("only say what it means"))};
REQUEST(req_lost, "LostRequest", "Declare a signer of a zone lost: nothing waits for it any more.");
#undef S

#define MIGRATE_ROWS                                                                               \
	ROW("from", STR, from, .flags = MUS_FIELD_REQUIRED, LABEL, HELP("signer that leaves")),    \
	    ROW("to", STR, to, .flags = MUS_FIELD_REQUIRED, LABEL, HELP("signer that joins")),     \
	    ROW("dry_run", BOOL, dry_run, HELP("only say what would be done"))
#define S struct mus_req_migrate
static const struct mus_field req_migrate_rows[] = {MIGRATE_ROWS};
REQUEST(req_migrate, "MigrateRequest", "Move the zone from one signer to another.");
#undef S
#define S struct mus_req_migrate_many
static const struct mus_field req_migrate_many_rows[] = {MIGRATE_ROWS,
    ROW("group", STR, group, LABEL, HELP("all zones of this group")),
    ROW("zones", STR_LIST, zones, .check = mus_check_domain, .max = MUS_BULK_MAX,
	HELP("these zones, which must be all zones of their groups"))};
REQUEST(req_migrate_many, "MigrateManyRequest", "Move many zones from one signer to another.");
#undef S

#define S struct mus_req_probe
static const struct mus_field req_probe_rows[] = {ROW("zone", STR, zone,
    .flags = MUS_FIELD_REQUIRED, DOMAIN, HELP("zone to try on; everything is put back"))};
REQUEST(req_probe, "ProbeRequest", "Try what a signer lets us change.");
#undef S

#define S struct mus_req_nothing
const struct mus_schema mus_schema_req_nothing = {.name = "NothingRequest",
    .help = "No fields; the body may be left out.", .size = sizeof(S),
    .given_offset = offsetof(S, given), .is_request = true};
#undef S

/* --- replies --- */

#define S struct mus_rep_error_detail
static const struct mus_field rep_error_detail_rows[] = {
    ROW("code", STR, code, HELP("word for programs")),
    ROW("message", STR, message, HELP("words for people")),
    ROW("field", STR, field, .flags = MUS_FIELD_OPTIONAL,
	HELP("JSON pointer to what is wrong in the body, or the name of the query parameter")),
    ROW("line", UINT, line, .flags = MUS_FIELD_OPTIONAL, HELP("broken JSON: line")),
    ROW("column", UINT, column, .flags = MUS_FIELD_OPTIONAL, HELP("broken JSON: column")),
    ROW("position", UINT, position, .flags = MUS_FIELD_OPTIONAL,
	HELP("broken JSON: byte, counted from 1")),
    ROW("retry", BOOL, retry, HELP("trying again later can help"))};
REPLY(rep_error_detail, "ErrorDetail", "What went wrong.");
#undef S
#define S struct mus_rep_error
static const struct mus_field rep_error_rows[] = {
    ROW("error", OBJECT, error, .sub = &mus_schema_rep_error_detail, HELP("what went wrong"))};
REPLY(rep_error, "Error", "Body of every answer that is not 2xx.");
#undef S

#define S struct mus_rep_caps
static const struct mus_field rep_caps_rows[] = {
    ROW("dnskey", WORD, dnskey, .words = tri_words, HELP("lets us change DNSKEY")),
    ROW("cds", WORD, cds, .words = tri_words, HELP("CDS")),
    ROW("cdnskey", WORD, cdnskey, .words = tri_words, HELP("CDNSKEY")),
    ROW("csync", WORD, csync, .words = tri_words, HELP("CSYNC")),
    ROW("ns", WORD, ns, .words = tri_words, HELP("NS")),
    ROW("probed_at", TIME, probed_at, HELP("when it was tried; null: never"))};
static REPLY(rep_caps, "Capabilities", "What a signer lets us change.");
#undef S

#define S struct mus_rep_changes
static const struct mus_field rep_changes_rows[] = {
    ROW("waiting", UINT, waiting, HELP("changes in its queue")),
    ROW("unanswered", UINT, unanswered, HELP("changes sent and not answered yet")),
    ROW("sent", UINT, sent, HELP("changes sent since the daemon started")),
    ROW("refused", UINT, refused, HELP("of these, refused")),
    ROW("dropped", UINT, dropped, HELP("of these, accepted and then not shown")),
    ROW("silent", UINT, silent, HELP("of these, never answered")),
    ROW("full", UINT, full, HELP("times a zone found no room in the queue")),
    ROW("paused_until", TIME, paused_until,
	HELP("it does not answer: the next change is tried then; null: it does")),
    ROW("last_error", STR, last_error, HELP("what the last one that failed said; empty: none did"))};
static REPLY(rep_changes, "SignerChanges", "What goes to a signer: its queue, and what became of it.");
#undef S

#define S struct mus_rep_signer
static const struct mus_field rep_signer_rows[] = {
    ROW("name", STR, name, .format = "label", HELP("name")),
    ROW("driver", STR, driver, HELP("how changes are made")),
    ROW("update", ADDR, update, .flags = MUS_FIELD_NULLABLE, HELP("where changes go")),
    ROW("key_file", STR, key_file, HELP("file with the TSIG key; empty: none")),
    ROW("no_transfer", BOOL, no_transfer, HELP("whole copies are refused there")),
    ROW("max_ttl_s", UINT, max_ttl_s, HELP("declared largest TTL; 0: not declared")),
    ROW("declared_content", BOOL, declared_content, HELP("content is vouched for")),
    ROW("update_rate", UINT, update_rate, HELP("changes per second at most; 0: no limit")),
    ROW("name_servers", LIST, name_servers, .sub = &mus_schema_rep_ns, HELP("public servers")),
    ROW("capabilities", OBJECT, caps, .sub = &mus_schema_rep_caps, HELP("found by probe")),
    ROW("changes", OBJECT, changes, .sub = &mus_schema_rep_changes, HELP("what goes to it")),
    ROW("trouble", STR, trouble, HELP("why nothing can be sent to it: its key file; empty: it can")),
    ROW("created_at", TIME, created_at, HELP("when it was created")),
    ROW("changed_at", TIME, changed_at, HELP("when it was last changed"))};
REPLY(rep_signer, "Signer", "A service that takes the zone and signs it with keys of its own.");
#undef S

#define S struct mus_rep_member
static const struct mus_field rep_member_rows[] = {
    ROW("name", STR, name, .format = "label", HELP("signer")),
    ROW("leaving", BOOL, leaving, HELP("is being removed from all zones of the group"))};
static REPLY(rep_member, "Member", "A signer in a group.");
#undef S
#define S struct mus_rep_group
static const struct mus_field rep_group_rows[] = {
    ROW("name", STR, name, .format = "label", HELP("name")),
    ROW("signers", LIST, signers, .sub = &mus_schema_rep_member, HELP("members")),
    ROW("zones", UINT, zones, HELP("zones in the group")),
    ROW("busy", UINT, busy, HELP("zones of these with a running process")),
    ROW("created_at", TIME, created_at, HELP("when it was created")),
    ROW("changed_at", TIME, changed_at, HELP("when it was last changed"))};
REPLY(rep_group, "Group", "Signers that together sign all zones of the group.");
#undef S

#define S struct mus_rep_zone_signer
static const struct mus_field rep_zone_signer_rows[] = {
    ROW("signer", STR, signer, .format = "label", HELP("signer")),
    ROW("name_servers", LIST, name_servers, .sub = &mus_schema_rep_ns,
	HELP("its name servers for this zone; none: the signer's")),
    ROW("key_file", STR, key_file, HELP("TSIG key for this zone; empty: the signer's")),
    ROW("max_ttl_s", UINT, max_ttl_s, HELP("0: the signer's")),
    ROW("lost", BOOL, lost, HELP("declared lost")),
    ROW("excluded", BOOL, excluded, HELP("its join was aborted: kept out of this zone")),
    ROW("staying", BOOL, staying, HELP("its leave was aborted: kept in this zone"))};
static REPLY(rep_zone_signer, "ZoneSigner", "What one zone has different for one signer.");
#undef S
#define S struct mus_rep_zone
static const struct mus_field rep_zone_rows[] = {
    ROW("name", STR, name, .format = "domain-name", HELP("name, with the final dot")),
    ROW("group", STR, group, HELP("signer group; empty: none")),
    ROW("mode", WORD, mode, .words = mode_words, HELP("auto or manual")),
    ROW("state", STR, state, HELP("the zone in one word; empty: not looked at yet")),
    ROW("process", STR, process, HELP("running process and signer; empty: none")),
    ROW("row", STR, row, HELP("row of the process it has reached; empty: none")),
    ROW("waiting", STR, waiting, HELP("what it waits for; empty: nothing")),
    ROW("waiting_until", TIME, waiting_until, HELP("when that ends by itself; null: not known")),
    ROW("held", BOOL, held, HELP("the operator holds it")),
    ROW("held_reason", STR, held_reason, HELP("why")),
    ROW("sample", STR, sample, HELP("name watched beside the apex; empty: none")),
    ROW("parent", STR, parent, HELP("declared parent zone; empty: found by look-up")),
    ROW("parent_addresses", ADDR_LIST, parent_addresses, HELP("declared parent servers")),
    ROW("signers", LIST, signers, .sub = &mus_schema_rep_zone_signer,
	HELP("what it has different for some signers")),
    ROW("next_check_at", TIME, next_check_at, HELP("when it is looked at next")),
    ROW("checked_at", TIME, checked_at, HELP("when it was last looked at")),
    ROW("created_at", TIME, created_at, HELP("when it was added")),
    ROW("changed_at", TIME, changed_at, HELP("when it was last changed"))};
REPLY(rep_zone, "Zone", "A zone under the care of the controller.");
#undef S

#define S struct mus_rep_finding
static const struct mus_field rep_finding_rows[] = {
    ROW("rule", STR, rule, HELP("rule that does not hold or is waited for")),
    ROW("sentence", STR, sentence, HELP("what the rule says")),
    ROW("result", WORD, result, .words = result_words, HELP("how it stands")),
    ROW("text", STR, text, HELP("what is the case, with names")),
    ROW("signer", STR, signer, .flags = MUS_FIELD_NULLABLE, HELP("whose side; or parent")),
    ROW("other_signer", STR, other_signer, .flags = MUS_FIELD_NULLABLE, HELP("other side")),
    ROW("server", STR, server, .flags = MUS_FIELD_NULLABLE, HELP("server that shows it")),
    ROW("record", STR, record, .flags = MUS_FIELD_NULLABLE, HELP("kind of record")),
    ROW("key_tag", UINT, key_tag, .flags = MUS_FIELD_OPTIONAL, HELP("key in question")),
    ROW("cause", STR, cause, .flags = MUS_FIELD_NULLABLE, HELP("why there is no answer")),
    ROW("seen_at", TIME, seen_at, HELP("since when that has been seen")),
    ROW("until", TIME, until, HELP("when it ends by itself, or is tried again; null: not by time alone")),
    ROW("hint", STR, hint, HELP("what to do or look at"))};
REPLY(rep_finding, "Finding", "Something that does not hold or is waited for, with its witness.");
#undef S

#define S struct mus_rep_process_state
static const struct mus_field rep_process_state_rows[] = {
    ROW("kind", STR, kind, HELP("ADD-SIGNER, REMOVE-SIGNER")),
    ROW("signer", STR, signer, HELP("who joins or leaves")),
    ROW("row", STR, row, HELP("row it has reached")),
    ROW("row_number", UINT, row_number, HELP("its number, from 1")),
    ROW("row_count", UINT, row_count, HELP("rows of this process")),
    ROW("started_at", TIME, started_at, HELP("when it started")),
    ROW("row_at", TIME, row_at, HELP("when it reached this row"))};
static REPLY(rep_process_state, "ProcessState", "How far the running process is.");
#undef S
#define S struct mus_rep_rollover
static const struct mus_field rep_rollover_rows[] = {
    ROW("kind", STR, kind, HELP("ZSK-ROLLOVER, KSK-ROLLOVER, CSK-ROLLOVER")),
    ROW("signer", STR, signer, HELP("whose key rolls")),
    ROW("row", STR, row, HELP("row it has reached")),
    ROW("row_number", UINT, row_number, HELP("its number, from 1")),
    ROW("row_count", UINT, row_count, HELP("rows of this process")),
    ROW("new_keys", STR_LIST, new_keys, HELP("tags of the keys that come")),
    ROW("old_keys", STR_LIST, old_keys, HELP("tags of the keys that go")),
    ROW("early", BOOL, early, HELP("the signer relied on the new key too early: resolvers may have failed")),
    ROW("waits_for", OBJECT, waits_for, .sub = &mus_schema_rep_finding, HELP("null: nothing")),
    ROW("started_at", TIME, started_at, HELP("when the new key was first seen")),
    ROW("row_at", TIME, row_at, HELP("when it reached this row"))};
static REPLY(rep_rollover, "Rollover", "How far the roll-over of a signer's key is.");
#undef S
#define S struct mus_rep_command
static const struct mus_field rep_command_rows[] = {
    ROW("signer", STR, signer, HELP("who is told")),
    ROW("verb", STR, verb, HELP("what it is told: roll, go (use the new key), withdraw (drop the old key)")),
    ROW("role", STR, role, HELP("zsk, ksk or csk")),
    ROW("state", STR, state, HELP("running, done or failed")),
    ROW("tries", UINT, tries, HELP("how often it was run")),
    ROW("text", STR, text, HELP("how it has ended; empty: not known")),
    ROW("at", TIME, at, HELP("when it was begun, or has ended")),
    ROW("next_at", TIME, next_at, HELP("when it is tried again; null: not by itself"))};
static REPLY(rep_command, "Command", "A command by which a signer is told something about its keys.");
#undef S
#define S struct mus_rep_signer_state
static const struct mus_field rep_signer_state_rows[] = {
    ROW("name", STR, name, .format = "label", HELP("signer")),
    ROW("member", BOOL, member, HELP("is to sign this zone")),
    ROW("lost", BOOL, lost, HELP("declared lost")),
    ROW("driver", BOOL, driver, HELP("the controller can change it")),
    ROW("secondary", BOOL, secondary, HELP("serves what the others sign: has no keys")),
    ROW("in_keys", BOOL, in_keys, HELP("shares its keys with the others; a secondary: false")),
    ROW("in_ds", BOOL, in_ds, HELP("its keys are named by CDS and DS; a secondary: false")),
    ROW("in_ns", BOOL, in_ns, HELP("its name servers are in the NS set")),
    ROW("keys", UINT, keys, HELP("its own keys")),
    ROW("key_tags", STR_LIST, key_tags, HELP("their tags")),
    ROW("servers", UINT, servers, HELP("its public servers")),
    ROW("servers_reached", UINT, servers_reached, HELP("of these, how many answer"))};
static REPLY(rep_signer_state, "SignerState", "One signer of one zone, as it stands.");
#undef S
#define S struct mus_rep_zone_status
static const struct mus_field rep_zone_status_rows[] = {
    ROW("name", STR, name, .format = "domain-name", HELP("name")),
    ROW("group", STR, group, HELP("signer group; empty: none")),
    ROW("mode", WORD, mode, .words = mode_words, HELP("auto or manual")),
    ROW("state", STR, state, HELP("the zone in one word")),
    ROW("parent", STR, parent, HELP("parent zone; empty: not found yet")),
    ROW("parent_announces", STR, parent_announces, .flags = MUS_FIELD_NULLABLE,
	HELP("what the parent says it does for its children (DSYNC, RFC 9859); null: not known yet")),
    ROW("held", BOOL, held, HELP("the operator holds it")),
    ROW("held_reason", STR, held_reason, HELP("why")),
    ROW("forced", STR, forced, .flags = MUS_FIELD_NULLABLE,
	HELP("rule that the operator lets the next step pass; null: none")),
    ROW("forced_reason", STR, forced_reason, .flags = MUS_FIELD_NULLABLE, HELP("why")),
    ROW("process", OBJECT, process, .sub = &mus_schema_rep_process_state, HELP("null: none")),
    ROW("rollovers", LIST, rollovers, .sub = &mus_schema_rep_rollover,
	HELP("keys that signers roll on their own timetable")),
    ROW("commands", LIST, commands, .sub = &mus_schema_rep_command,
	HELP("what signers are told by commands of the configuration")),
    ROW("signers", LIST, signers, .sub = &mus_schema_rep_signer_state, HELP("its signers")),
    ROW("parent_servers", UINT, parent_servers, HELP("servers of the parent")),
    ROW("parent_servers_reached", UINT, parent_servers_reached, HELP("how many answer")),
    ROW("waits", LIST, waits, .sub = &mus_schema_rep_finding, HELP("most telling first")),
    ROW("warnings", STR_LIST, warnings,
	HELP("what no rule is about, and may hurt: a signer that is lost, and may still be asked by resolvers")),
    ROW("findings", UINT, findings, HELP("things that do not hold; see explain")),
    ROW("manual", STR_LIST, manual,
	HELP("what the parent is waited for with: where it does not follow by itself it must be given that by hand: "
	     "\"add RECORD\", \"remove RECORD\"")),
    ROW("manual_since", TIME, manual_since,
	HELP("since when it has not followed, when that is longer than policy.parent-patience; null: it may still")),
    ROW("wake_at", TIME, wake_at, HELP("earliest change by time alone")),
    ROW("next_check_at", TIME, next_check_at, HELP("when it is looked at next")),
    ROW("checked_at", TIME, checked_at, HELP("when it was last looked at")),
    ROW("now", TIME, now, HELP("the daemon's clock"))};
REPLY(rep_zone_status, "ZoneStatus", "A zone as it stands now.");
#undef S

#define S struct mus_rep_action
static const struct mus_field rep_action_rows[] = {
    ROW("id", STR, id, HELP("equal when the same action is planned again")),
    ROW("kind", STR, kind, HELP("change, transfer")),
    ROW("signer", STR, signer, .flags = MUS_FIELD_NULLABLE, HELP("at whom")),
    ROW("record", STR, record, .flags = MUS_FIELD_NULLABLE, HELP("kind of record")),
    ROW("why", STR, why, HELP("rule it serves")),
    ROW("text", STR, text, HELP("in words"))};
static REPLY(rep_action, "Action", "Something the controller would do now.");
#undef S
#define S struct mus_rep_by_hand
static const struct mus_field rep_by_hand_rows[] = {
    ROW("signer", STR, signer, HELP("at whom")),
    ROW("add", STR_LIST, add, HELP("records to add, each as a line of a zone file")),
    ROW("remove", STR_LIST, remove,
	HELP("records to remove; the content counts, not the TTL, and one that is not there is removed already"))};
static REPLY(rep_by_hand, "ByHand", "Records to be changed by hand at a signer that cannot be changed from here.");
#undef S
#define S struct mus_rep_plan
static const struct mus_field rep_plan_rows[] = {
    ROW("zone", STR, zone, .format = "domain-name", HELP("zone")),
    ROW("state", STR, state, HELP("the zone in one word")),
    ROW("process", OBJECT, process, .sub = &mus_schema_rep_process_state, HELP("null: none")),
    ROW("actions", LIST, actions, .sub = &mus_schema_rep_action, HELP("in order")),
    ROW("by_hand", LIST, by_hand, .sub = &mus_schema_rep_by_hand,
	HELP("what somebody has to change now at signers whose driver is manual")),
    ROW("waits", LIST, waits, .sub = &mus_schema_rep_finding, HELP("what it waits for")),
    ROW("need_copy", STR_LIST, need_copy, HELP("signers whose whole copy is read first")),
    ROW("wake_at", TIME, wake_at, HELP("earliest change by time alone")),
    ROW("now", TIME, now, HELP("the daemon's clock"))};
REPLY(rep_plan, "Plan", "What the controller would do now.");
#undef S

#define S struct mus_rep_rule
static const struct mus_field rep_rule_rows[] = {
    ROW("rule", STR, rule, HELP("short name")),
    ROW("sentence", STR, sentence, HELP("what it says")),
    ROW("result", WORD, result, .words = result_words, .flags = MUS_FIELD_OPTIONAL,
	HELP("how it stands"))};
static REPLY(rep_rule, "Rule", "A rule of the core.");
#undef S
#define S struct mus_rep_explain
static const struct mus_field rep_explain_rows[] = {
    ROW("zone", STR, zone, .format = "domain-name", HELP("zone")),
    ROW("state", STR, state, HELP("the zone in one word")),
    ROW("forced", STR, forced, .flags = MUS_FIELD_NULLABLE,
	HELP("rule that the operator lets the next step pass; null: none")),
    ROW("forced_reason", STR, forced_reason, .flags = MUS_FIELD_NULLABLE, HELP("why")),
    ROW("process", OBJECT, process, .sub = &mus_schema_rep_process_state, HELP("null: none")),
    ROW("rules", LIST, rules, .sub = &mus_schema_rep_rule, HELP("V1 to V14 as they stand")),
    ROW("findings", LIST, findings, .sub = &mus_schema_rep_finding, HELP("what does not hold")),
    ROW("waits", LIST, waits, .sub = &mus_schema_rep_finding, HELP("what it waits for")),
    ROW("manual", STR_LIST, manual,
	HELP("what the parent is waited for with: where it does not follow by itself it must be given that by hand: "
	     "\"add RECORD\", \"remove RECORD\"")),
    ROW("manual_since", TIME, manual_since,
	HELP("since when it has not followed, when that is longer than policy.parent-patience; null: it may still")),
    ROW("wake_at", TIME, wake_at, HELP("earliest change by time alone")),
    ROW("now", TIME, now, HELP("the daemon's clock"))};
REPLY(rep_explain, "Explanation", "Why a zone is in its state, and why nothing more happens now.");
#undef S

#define S struct mus_rep_preflight
static const struct mus_field rep_preflight_rows[] = {
    ROW("zone", STR, zone, .format = "domain-name", HELP("zone")),
    ROW("signer", STR, signer, HELP("who would join")),
    ROW("member", BOOL, member, HELP("it is a member of the zone's group already, and is not about to leave")),
    ROW("fit", BOOL, fit, HELP("nothing fails and nothing is unknown")),
    ROW("parent_announces", STR, parent_announces, .flags = MUS_FIELD_NULLABLE,
	HELP("what the parent says it does for its children (DSYNC, RFC 9859); null: not known yet")),
    ROW("findings", LIST, findings, .sub = &mus_schema_rep_finding, HELP("best first")),
    ROW("now", TIME, now, HELP("the daemon's clock"))};
REPLY(rep_preflight, "Preflight", "Would a signer be fit to join?");
#undef S

#define S struct mus_rep_event
static const struct mus_field rep_event_rows[] = {
    ROW("id", UINT, id, HELP("grows with time")),
    ROW("zone", STR, zone, .flags = MUS_FIELD_NULLABLE, HELP("null: not about a zone")),
    ROW("at", TIME, at, HELP("when")),
    ROW("kind", STR, kind, HELP("process, row, action, change-seen, alarm, operator, ...")),
    ROW("text", STR, text, HELP("what")),
    ROW("actor", STR, actor, HELP("who: name of the token, or musicd"))};
REPLY(rep_event, "Event", "One line of history.");
#undef S

#define S struct mus_rep_process
static const struct mus_field rep_process_rows[] = {
    ROW("id", UINT, id, HELP("grows with time")),
    ROW("zone", STR, zone, .format = "domain-name", HELP("zone")),
    ROW("kind", STR, kind, HELP("ADD-SIGNER, REMOVE-SIGNER")),
    ROW("signer", STR, signer, HELP("who joins or leaves")),
    ROW("row", STR, row, HELP("row it has reached")),
    ROW("running", BOOL, running, HELP("not finished yet")),
    ROW("started_at", TIME, started_at, HELP("when it started")),
    ROW("ended_at", TIME, ended_at, HELP("null: running")),
    ROW("outcome", STR, outcome, HELP("empty: running")),
    ROW("done", BOOL, done, HELP("it has ended as it was to")),
    ROW("may_stop", BOOL, may_stop, HELP("that was a leave, and the signer may be switched off for the zone"))};
REPLY(rep_process, "Process", "One process of one zone, finished or not.");
#undef S

#define S struct mus_rep_row
static const struct mus_field rep_row_rows[] = {
    ROW("number", UINT, number, HELP("from 1")),
    ROW("name", STR, name, HELP("state reached")),
    ROW("action", STR, action, .flags = MUS_FIELD_NULLABLE, HELP("done on the way in")),
    ROW("pre", LIST, pre, .sub = &mus_schema_rep_rule, HELP("hold before the action")),
    ROW("post", LIST, post, .sub = &mus_schema_rep_rule, HELP("hold before the next row")),
    ROW("guard", STR, guard, .flags = MUS_FIELD_NULLABLE, HELP("guard it stands under")),
    ROW("guard_sentence", STR, guard_sentence, .flags = MUS_FIELD_NULLABLE, HELP("what it says"))};
static REPLY(rep_row, "Row", "One row of a process.");
#undef S
#define S struct mus_rep_process_table
static const struct mus_field rep_process_table_rows[] = {
    ROW("kind", STR, kind, HELP("ADD-SIGNER, REMOVE-SIGNER")),
    ROW("rows", LIST, rows, .sub = &mus_schema_rep_row, HELP("in order"))};
REPLY(rep_process_table, "ProcessTable", "A process as the table that drives it.");
#undef S

#define S struct mus_rep_outcome
static const struct mus_field rep_outcome_rows[] = {
    ROW("zone", STR, zone, .format = "domain-name", HELP("zone")),
    ROW("dry_run", BOOL, dry_run, HELP("nothing was changed")),
    ROW("consequence", STR, consequence, HELP("what follows, in words"))};
REPLY(rep_outcome, "Outcome", "What follows from what was asked.");
#undef S

#define S struct mus_rep_bulk_item
static const struct mus_field rep_bulk_item_rows[] = {
    ROW("name", STR, name, HELP("name as given; empty: none was given")),
    ROW("ok", BOOL, ok, HELP("created")),
    ROW("error", OBJECT, error, .sub = &mus_schema_rep_error_detail,
	.flags = MUS_FIELD_OPTIONAL, HELP("why not"))};
static REPLY(rep_bulk_item, "BulkItem", "What became of one item.");
#undef S
#define S struct mus_rep_bulk
static const struct mus_field rep_bulk_rows[] = {
    ROW("created", UINT, created, HELP("how many were created")),
    ROW("refused", UINT, refused, HELP("how many were not")),
    ROW("items", LIST, items, .sub = &mus_schema_rep_bulk_item, HELP("in the order given"))};
REPLY(rep_bulk, "BulkResult", "What became of each item.");
#undef S

#define S struct mus_rep_migration
static const struct mus_field rep_migration_rows[] = {
    ROW("group", STR, group, HELP("signer group")), ROW("from", STR, from, HELP("who leaves")),
    ROW("to", STR, to, HELP("who joins")),
    ROW("zones", UINT, zones, HELP("zones of the group that move")),
    ROW("dry_run", BOOL, dry_run, HELP("nothing was changed")),
    ROW("text", STR, text, HELP("in words"))};
REPLY(rep_migration, "Migration", "One signer group on its way from one signer to another.");
#undef S

#define S struct mus_rep_probe
static const struct mus_field rep_probe_rows[] = {
    ROW("signer", STR, signer, HELP("who was tried")),
    ROW("zone", STR, zone, .format = "domain-name", HELP("on which zone")),
    ROW("report", RAW, report, HELP("what it lets us change, as its driver says"))};
REPLY(rep_probe, "ProbeReport", "What a signer lets us change, tried for real.");
#undef S

#define S struct mus_rep_ping
static const struct mus_field rep_ping_rows[] = {ROW("program", STR, program, HELP("musicd")),
    ROW("version", STR, version, HELP("its version")),
    ROW("now", TIME, now, HELP("the daemon's clock"))};
REPLY(rep_ping, "Ping", "The daemon is there.");
#undef S

#define S struct mus_rep_status
static const struct mus_field rep_status_rows[] = {ROW("program", STR, program, HELP("musicd")),
    ROW("version", STR, version, HELP("its version")),
    ROW("caller", STR, caller, HELP("name of your token")),
    ROW("role", WORD, role, .words = role_words, HELP("what it may do")),
    ROW("now", TIME, now, HELP("the daemon's clock")),
    ROW("started_at", TIME, started_at, HELP("since when it runs")),
    ROW("zones", UINT, zones, HELP("zones")), ROW("busy", UINT, busy, HELP("with a process")),
    ROW("due", UINT, due, HELP("due to be looked at")),
    ROW("in_flight", UINT, in_flight, HELP("being looked at")),
    ROW("unknown", UINT, unknown, HELP("zones in state UNKNOWN")),
    ROW("valid", UINT, valid, HELP("VALID")), ROW("so_far", UINT, so_far, HELP("VALID-SO-FAR")),
    ROW("at_risk", UINT, at_risk, HELP("AT-RISK")), ROW("invalid", UINT, invalid, HELP("INVALID")),
    ROW("insecure", UINT, insecure, HELP("INSECURE")),
    ROW("questions", UINT, questions, HELP("DNS questions sent")),
    ROW("answers", UINT, answers, HELP("answers received")),
    ROW("timeouts", UINT, timeouts, HELP("questions without an answer")),
    ROW("updates_sent", UINT, updates_sent, HELP("changes sent to signers")),
    ROW("updates_failed", UINT, updates_failed, HELP("changes refused, dropped or not answered")),
    ROW("transfers", UINT, transfers, HELP("whole copies read")),
    ROW("sigs_verified", UINT, sigs_verified, HELP("signatures verified")),
    ROW("sigs_cached", UINT, sigs_cached, HELP("signatures known from the cache")),
    ROW("plans", UINT, plans, HELP("plans made")), ROW("rounds", UINT, rounds, HELP("looks at zones")),
    ROW("requests", UINT, requests, HELP("requests answered")),
    ROW("streams", UINT, streams, HELP("event streams open")),
    ROW("store_failing_since", TIME, store_failing_since,
	HELP("the database takes no changes, so none are made; null: it does")),
    ROW("store_error", STR, store_error, HELP("why; empty: it does")),
    ROW("restored_at", TIME, restored_at,
	HELP("when the database was last found to be a restored backup; null: never")),
    ROW("checks_addresses", BOOL, checks_addresses,
	HELP("addresses that are given are compared with DNS (resolver.check-addresses)"))};
REPLY(rep_status, "Status", "The daemon in numbers.");
#undef S
