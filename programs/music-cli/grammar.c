/*
 * The words of music-cli.  Parser, help, manual page and shell completion read these tables.
 */
#include "cli.h"

#include "model/object.h"

static const char *const formats[] = {"text", "wide", "json", "csv", NULL};
static const char *const modes[] = {"auto", "manual", NULL};
static const char *const graphs[] = {"mermaid", "dot", NULL};
static const char *const roles[] = {"read", "operate", "admin", NULL};
static const char *const key_roles[] = {"zsk", "ksk", "csk", NULL};
static const char *const shells[] = {"bash", "zsh", NULL};
static const char *const states[] = {"UNKNOWN", "VALID", "VALID-SO-FAR", "AT-RISK", "INVALID", "INSECURE", NULL};
#define DRIVER(name) #name,
static const char *const drivers[] = {MUS_DRIVERS(DRIVER) NULL};

#define END {NULL}
#define DRY {"dry-run", NULL, "only say what would follow", CLI_K_TEXT}
#define YES {"yes", NULL, "do not ask; without a terminal it is needed", CLI_K_TEXT}
#define LIMIT {"limit", "N", "show at most N", CLI_K_TEXT}

const struct cli_word cli_globals[] = {
    {"server", "URL", "the daemon; default https://127.0.0.1:8053", CLI_K_TEXT},
    {"cacert", "FILE", "certificates to trust: of the CA, or the daemon's own", CLI_K_FILE},
    {"pin", "sha256//BASE64", "the daemon's public key, besides its certificate", CLI_K_TEXT},
    {"token-file", "FILE", "file whose first line is the token", CLI_K_FILE},
    {"cert", "FILE", "certificate to show to the daemon, where it asks for one (PEM)", CLI_K_FILE},
    {"key", "FILE", "its private key (PEM)", CLI_K_FILE},
    {"config", "FILE", "configuration file instead of ~/.config/music/cli.yaml", CLI_K_FILE},
    {"output", "FORMAT", "form of what is printed, wide with all columns (default text)", CLI_K_WORDS, 0, formats, 'o'},
    {"help", NULL, "help on a command", CLI_K_TEXT, 0, NULL, 'h'},
    {"version", NULL, "version of this program", CLI_K_TEXT, 0, NULL, 'V'},
    END,
};

static const struct cli_word a_signer[] = {
    {"SIGNER", NULL, "name of the signer", CLI_K_SIGNER, CLI_NEEDED}, END};
static const struct cli_word a_new_signer[] = {
    {"SIGNER", NULL, "name of the signer", CLI_K_TEXT, CLI_NEEDED}, END};
static const struct cli_word a_group[] = {
    {"GROUP", NULL, "name of the signer group", CLI_K_GROUP, CLI_NEEDED}, END};
static const struct cli_word a_new_group[] = {
    {"GROUP", NULL, "name of the signer group", CLI_K_TEXT, CLI_NEEDED}, END};
static const struct cli_word a_zone[] = {
    {"ZONE", NULL, "name of the zone", CLI_K_ZONE, CLI_NEEDED}, END};
static const struct cli_word a_new_zones[] = {
    {"ZONE", NULL, "names of the zones; or see --file", CLI_K_TEXT, CLI_MANY}, END};
static const struct cli_word a_maybe_zone[] = {
    {"ZONE", NULL, "name of the zone; or see --group", CLI_K_ZONE}, END};
static const struct cli_word a_process[] = {
    {"PROCESS", NULL, "ADD-SIGNER, REMOVE-SIGNER, ZSK-ROLLOVER, KSK-ROLLOVER or CSK-ROLLOVER", CLI_K_PROCESS,
	CLI_NEEDED},
    END};
static const struct cli_word a_name[] = {
    {"NAME", NULL, "name of the token, for the history", CLI_K_TEXT, CLI_NEEDED}, END};
static const struct cli_word a_shell[] = {
    {"SHELL", NULL, "which shell", CLI_K_WORDS, CLI_NEEDED, shells}, END};
static const struct cli_word a_words[] = {
    {"WORD", NULL, "words of the command", CLI_K_TEXT, CLI_MANY}, END};

#define SIGNER_OPTIONS(needed)                                                                     \
	{"driver", "DRIVER", "how changes are made", CLI_K_WORDS, needed, drivers},               \
	    {"update", "ADDRESS", "where changes go and whole copies are read: 192.0.2.1@53",      \
		CLI_K_TEXT},                                                                       \
	    {"key-file", "FILE", "file with the TSIG key, at the daemon", CLI_K_TEXT},             \
	    {"ns", "NAME[=ADDR,...]", "a public name server, with its addresses, or else they are looked up", \
		CLI_K_TEXT, CLI_MANY},                                                             \
	    {"max-ttl", "SPAN", "declared largest TTL of its copy (1h); 0: not declared", CLI_K_TEXT}, \
	    {"update-rate", "N", "changes per second at most; 0: no limit", CLI_K_TEXT},                        \
	    {"no-transfer", NULL, "whole copies are refused there", CLI_K_TEXT},                   \
	    {"transfer", NULL, "whole copies may be read there", CLI_K_TEXT},                      \
	    {"declared-content", NULL, "vouch that its content equals the others'", CLI_K_TEXT},   \
	    {"compared-content", NULL, "compare its content", CLI_K_TEXT}
static const struct cli_word o_signer_add[] = {SIGNER_OPTIONS(CLI_NEEDED), END};
static const struct cli_word o_signer_update[] = {SIGNER_OPTIONS(0), END};
static const struct cli_word o_in_group[] = {
    {"group", "GROUP", "the signer group", CLI_K_GROUP, CLI_NEEDED}, END};
static const struct cli_word o_join[] = {
    {"group", "GROUP", "the signer group", CLI_K_GROUP, CLI_NEEDED},
    {"preflight", NULL, "only when it is fit to join every zone of the group", CLI_K_TEXT},
    {"dry-run", NULL, "only say for each zone whether it is fit to join", CLI_K_TEXT}, END};
static const struct cli_word o_zone_join[] = {
    {"group", "GROUP", "the signer group", CLI_K_GROUP, CLI_NEEDED},
    {"dry-run", NULL, "only say who would leave the zone, and whether who would join it is fit", CLI_K_TEXT}, YES, END};
static const struct cli_word o_on_zone[] = {
    {"zone", "ZONE", "zone to try on; everything is put back", CLI_K_ZONE, CLI_NEEDED}, END};
static const struct cli_word o_signers[] = {
    {"signer", "SIGNER", "a first member", CLI_K_SIGNER, CLI_MANY}, END};

#define ZONE_OPTIONS                                                                               \
	{"group", "GROUP", "signer group to be in", CLI_K_GROUP},                                  \
	    {"mode", "MODE", "who begins each step (\"zone step\" when manual)", CLI_K_WORDS, 0, modes}, \
	    {"sample", "NAME", "an existing name to watch, relative (www)", CLI_K_TEXT},           \
	    {"parent", "NAME", "parent zone, when it cannot be looked up", CLI_K_TEXT},            \
	    {"parent-address", "ADDRESS", "a server of it, asked beside those that are found", CLI_K_TEXT, CLI_MANY}, \
	    {"signer-ns", "SIGNER:NAME[=ADDR,...]", "a name server of this signer for this zone alone", \
		CLI_K_TEXT, CLI_MANY},                                                             \
	    {"signer-key", "SIGNER:FILE", "TSIG key of this signer for this zone alone", CLI_K_TEXT, \
		CLI_MANY},                                                                         \
	    {"signer-max-ttl", "SIGNER:SPAN", "declared largest TTL there for this zone alone",    \
		CLI_K_TEXT, CLI_MANY}
static const struct cli_word o_zone_add[] = {ZONE_OPTIONS,
    {"file", "FILE", "names of zones, one a line, # begins a comment; - reads standard input", CLI_K_FILE}, END};
static const struct cli_word o_zone_update[] = {ZONE_OPTIONS, END};
static const struct cli_word o_zone_delete[] = {
    {"abandon", NULL, "even while a process runs; records stay where they are", CLI_K_TEXT}, YES, END};
static const struct cli_word o_zone_list[] = {
    {"group", "GROUP", "only of this group", CLI_K_GROUP},
    {"state", "STATE", "only in this state: UNKNOWN, VALID, VALID-SO-FAR, AT-RISK, INVALID, INSECURE",
	CLI_K_OFFERED, 0, states},
    {"match", "TEXT", "only with this in their name", CLI_K_TEXT},
    {"busy", NULL, "only with a running process", CLI_K_TEXT}, LIMIT, END};
static const struct cli_word o_reason[] = {
    {"reason", "TEXT", "why; shown until resumed", CLI_K_TEXT}, END};
static const struct cli_word o_fit_signer[] = {
    {"signer", "SIGNER", "who would join", CLI_K_SIGNER, CLI_NEEDED}, END};
static const struct cli_word o_limit[] = {LIMIT, END};
static const struct cli_word o_watch[] = {
    {"until-done", NULL, "end when everything asked for is done", CLI_K_TEXT},
    {"plain", NULL, "a line for each change, as when this is no terminal", CLI_K_TEXT},
    {"interval", "SPAN", "look at least so often, though nothing is heard; default 10s", CLI_K_TEXT},
    {"timeout", "SPAN", "give up after this time; implies --until-done", CLI_K_TEXT}, END};
static const struct cli_word o_migrate[] = {
    {"from", "SIGNER", "who leaves", CLI_K_SIGNER, CLI_NEEDED},
    {"to", "SIGNER", "who joins", CLI_K_SIGNER, CLI_NEEDED},
    {"group", "GROUP", "all zones of this group, instead of ZONE", CLI_K_GROUP}, DRY,
    {"watch", NULL, "follow until it is done", CLI_K_TEXT},
    {"plain", NULL, "with --watch: a line for each change", CLI_K_TEXT},
    {"interval", "SPAN", "with --watch: look at least so often", CLI_K_TEXT},
    {"timeout", "SPAN", "with --watch: give up after this time", CLI_K_TEXT}, END};
static const struct cli_word o_delete[] = {YES, END};
static const struct cli_word o_abort[] = {DRY, YES, END};
static const struct cli_word a_roll[] = {
    {"ZONE", NULL, "name of the zone", CLI_K_ZONE, CLI_NEEDED},
    {"SIGNER", NULL, "whose key", CLI_K_SIGNER, CLI_NEEDED}, END};
static const struct cli_word o_roll[] = {
    {"role", "ROLE", "which key", CLI_K_WORDS, CLI_NEEDED, key_roles}, DRY, END};
static const struct cli_word o_force[] = {
    {"rule", "RULE", "the rule that refuses the step, as explain names it",
	CLI_K_RULE, CLI_NEEDED},
    {"reason", "TEXT", "why it is right to pass; recorded", CLI_K_TEXT, CLI_NEEDED}, DRY, YES, END};
static const struct cli_word o_lost[] = {
    {"signer", "SIGNER", "who is lost", CLI_K_SIGNER, CLI_NEEDED},
    {"reason", "TEXT", "why; recorded", CLI_K_TEXT, CLI_NEEDED},
    {"force", NULL, "though it was seen answering, or nobody has seen that it is silent", CLI_K_TEXT}, DRY, YES, END};
static const struct cli_word o_processes[] = {
    {"zone", "ZONE", "only of this zone", CLI_K_ZONE},
    {"running", NULL, "only those that run", CLI_K_TEXT}, LIMIT, END};
static const struct cli_word o_graph[] = {
    {"format", "FORMAT", "language of the graph (default mermaid)", CLI_K_WORDS, 0, graphs}, END};
static const struct cli_word o_events[] = {
    {"zone", "ZONE", "only of this zone", CLI_K_ZONE},
    {"since", "ID", "first bring what came after this event, at most 1000", CLI_K_TEXT},
    {"count", "N", "end after N events", CLI_K_TEXT}, END};
static const struct cli_word o_token[] = {
    {"role", "ROLE", "what it may do", CLI_K_WORDS, CLI_NEEDED, roles},
    {"write", "FILE", "where the token itself goes; default: standard output", CLI_K_FILE}, END};
static const struct cli_word o_help[] = {
    {"mdoc", NULL, "the manual page, made from the tables of this program", CLI_K_TEXT}, END};

#define C(n, v, f, a, o, ...) {.noun = n, .verb = v, .run = f, .args = a, .options = o, __VA_ARGS__}
#define HELP(text) .help = text
#define MORE(text) .more = text
#define ASKS(text) .asks = text

const struct cli_command cli_commands[] = {
    C("signer", "add", cmd_signer_add, a_new_signer, o_signer_add, HELP("create a signer")),
    C("signer", "update", cmd_signer_update, a_signer, o_signer_update, HELP("change a signer"),
	MORE("What is not given stays; name servers given replace all that were there, and what a probe found "
	     "is forgotten.")),
    C("signer", "delete", cmd_signer_delete, a_signer, o_delete,
	HELP("delete a signer that is in no group"), ASKS("forget this signer?")),
    C("signer", "list", cmd_signer_list, NULL, NULL, HELP("all signers")),
    C("signer", "show", cmd_signer_show, a_signer, NULL, HELP("one signer")),
    C("signer", "join", cmd_signer_join, a_signer, o_join,
	HELP("join a signer to all zones of a group (ADD-SIGNER)"),
	MORE("Joining a signer that is about to leave takes the leave back. With --preflight or "
	     "--dry-run every zone is looked at first as by \"zone preflight\", which changes nothing; "
	     "the exit status is 1 when the signer is not fit to join one of them, and then it does not "
	     "join.")),
    C("signer", "leave", cmd_signer_leave, a_signer, o_in_group,
	HELP("remove a signer from all zones of a group (REMOVE-SIGNER)"),
	MORE("The last signer of a group, or of one of its zones, cannot leave.")),
    C("signer", "probe", cmd_signer_probe, a_signer, o_on_zone,
	HELP("try what a signer lets us change"),
	MORE("Exits 1 when it does not let us change all that is needed, 75 when it could not be tried: the signer "
	     "does not answer, or does not take our key.")),

    C("signergroup", "add", cmd_group_add, a_new_group, o_signers, HELP("create a signer group")),
    C("signergroup", "delete", cmd_group_delete, a_group, o_delete,
	HELP("delete a signer group without zones"), ASKS("forget this group?")),
    C("signergroup", "list", cmd_group_list, NULL, NULL, HELP("all signer groups")),
    C("signergroup", "show", cmd_group_show, a_group, NULL, HELP("one signer group")),

    C("zone", "add", cmd_zone_add, a_new_zones, o_zone_add,
	HELP("put zones under the care of the controller"),
	MORE("Several names, or a file of names, are sent together; each is created or refused by "
	     "itself.")),
    C("zone", "update", cmd_zone_update, a_zone, o_zone_update, HELP("change a zone"),
	MORE("What is not given stays; parent addresses and what is given for single signers replace "
	     "what was there. A group that a signer would leave the zone by is for \"zone join\", which asks.")),
    C("zone", "delete", cmd_zone_delete, a_zone, o_zone_delete,
	HELP("give a zone out of care; its records stay as they are"),
	ASKS("its records stay at the signers as they are, and nobody keeps them in step. Give it out of care?")),
    C("zone", "list", cmd_zone_list, NULL, o_zone_list, HELP("all zones")),
    C("zone", "status", cmd_zone_status, a_zone, NULL,
	HELP("a zone as it stands: signers, process, what it waits for")),
    C("zone", "show", cmd_zone_show, a_zone, NULL, HELP("settings of a zone")),
    C("zone", "join", cmd_zone_join, a_zone, o_zone_join, HELP("put a zone into a signer group"),
	MORE("Signers of the zone that are not in the new group leave it (REMOVE-SIGNER), after those that are have "
	     "joined; who leaves is said first. A zone that no signer leaves by that is moved unasked. With --dry-run "
	     "each signer that would join is looked at as by \"zone preflight\", which changes nothing; the exit "
	     "status is 1 when one is not fit, and another when the move would be refused."),
	ASKS("signers leave the zone. Move it?")),
    C("zone", "leave", cmd_zone_leave, a_zone, NULL, HELP("take a zone out of its signer group"),
	MORE("Refused once its signers are known: the last cannot leave. \"zone join\" moves it to "
	     "another group, \"zone delete\" leaves it as it stands.")),
    C("zone", "step", cmd_zone_step, a_zone, NULL, HELP("take one step in manual mode")),
    C("zone", "hold", cmd_zone_hold, a_zone, o_reason, HELP("stop a zone where it is"),
	MORE("Held again without a reason it keeps the one that was given.")),
    C("zone", "resume", cmd_zone_resume, a_zone, NULL, HELP("let a held zone go on")),
    C("zone", "plan", cmd_zone_plan, a_zone, NULL, HELP("what the controller would do now"),
	MORE("And what somebody has to do by hand at signers whose driver is manual, record by record: "
	     "\"at SIGNER add: RECORD\", \"at SIGNER remove: RECORD\", each as a line of a zone file.")),
    C("zone", "preflight", cmd_zone_preflight, a_zone, o_fit_signer,
	HELP("would a signer be fit to join?"), MORE("Exits 1 when it is not fit.")),
    C("zone", "explain", cmd_zone_explain, a_zone, NULL,
	HELP("why a zone is in its state, and why nothing more happens now"),
	MORE("Names the rule, the server, the record, the instant at which it ends, and what to do.")),
    C("zone", "history", cmd_zone_history, a_zone, o_limit, HELP("what happened to a zone")),
    C("zone", "watch", cmd_zone_watch, a_zone, o_watch, HELP("follow a zone live"),
	MORE("With --until-done or --timeout exits 0 when all that was asked for is done, at once when nothing is "
	     "under way, 1 when a process ended otherwise, 2 when no process runs and the zone is INVALID, 75 when the "
	     "zone is held or the time is over. With -o json each look is an object on a line of its own, and the end "
	     "is the last: outcome (done, ended, INVALID, held or timeout) and text.")),
    C("zone", "migrate", cmd_zone_migrate, a_maybe_zone, o_migrate,
	HELP("move a zone, or a group of zones, from one signer to another"),
	MORE("The new signer joins first, then the old one leaves. A zone that shares its group with "
	     "others is refused: signers join and leave whole groups, so make a group for each set of "
	     "zones that moves together. With --dry-run the new signer is looked at as by \"zone preflight\", which "
	     "changes nothing; the exit status is 1 when it is not fit. With --watch and -o json what \"zone watch\" "
	     "prints follows the answer, an object a line.")),
    C("zone", "abort", cmd_zone_abort, a_zone, o_abort, HELP("turn the running process round"),
	MORE("Says first what follows."), ASKS("turn the process round?")),
    C("zone", "roll", cmd_zone_roll, a_roll, o_roll, HELP("have a signer roll a key"),
	MORE("By the command that hooks of musicd.yaml has for it; where there is none it says what to do at the "
	     "signer. Refused while a process runs, a zone is not well, or the signer rolls such a key already.")),
    C("zone", "force", cmd_zone_force, a_zone, o_force,
	HELP("let the next step pass a rule that refuses it, once"),
	MORE("Says first what breaks, for whom and until when, and what holds the step besides: one step passes one "
	     "rule, a wait and the guard behind it are two. A second force replaces the first."),
	ASKS("let the step pass?")),
    C("zone", "lost", cmd_zone_lost, a_zone, o_lost,
	HELP("declare a signer of a zone lost: nothing waits for it any more"),
	MORE("Says first what that means: which of its servers answer, and who may fail. Refused while the "
	     "last look shows that one of them answers, and while nobody has seen that they are silent. The "
	     "last signer of a zone cannot be lost. It stays in NS and DS until it leaves (\"signer leave\"), "
	     "which then waits for nothing of it. \"signer join\" takes it back."),
	ASKS("declare it lost?")),
    C("zone", "check", cmd_zone_check, a_zone, NULL, HELP("look at a zone now")),

    C("process", "list", cmd_process_list, NULL, o_processes, HELP("processes, newest first")),
    C("process", "show", cmd_process_show, a_process, NULL, HELP("a process as a table")),
    C("process", "graph", cmd_process_graph, a_process, o_graph, HELP("a process as a graph")),

    C("show", NULL, cmd_show, NULL, NULL, HELP("signers, groups and zones at a glance")),
    C("status", NULL, cmd_status, NULL, NULL, HELP("the daemon in numbers")),
    C("ping", NULL, cmd_ping, NULL, NULL, HELP("is the daemon there?")),
    C("doctor", NULL, cmd_doctor, NULL, NULL, .is_local = true,
	HELP("look for what is wrong: settings, certificate, token, clock, version, zones, signers"),
	MORE("Exits 1 when something needs attention: a zone that is not well, is held or stands still, and who it "
	     "waits for; a signer that refuses changes or does not answer; servers that are not reached.")),
    C("events", NULL, cmd_events, NULL, o_events, HELP("events as they happen"),
	MORE("When musicd stops, that is told on standard error, and what happened meanwhile follows when it is "
	     "there again.")),
    C("token", "new", cmd_token_new, a_name, o_token, .is_local = true,
	HELP("make a token, and the line for the daemon's file of tokens")),
    C("completion", NULL, cmd_completion, a_shell, NULL, .is_local = true,
	HELP("completion for a shell, to be sourced")),
    C("help", NULL, cmd_help, a_words, o_help, .is_local = true, HELP("help on a command")),
    C("version", NULL, cmd_version, NULL, NULL, .is_local = true, HELP("version of this program")),
    C("__complete", NULL, cmd_complete, a_words, NULL, .is_local = true, .is_hidden = true,
	HELP("candidates for the last word")),
};
const unsigned cli_command_count = sizeof cli_commands / sizeof cli_commands[0];
