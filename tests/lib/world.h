/*
 * A small world for the core: signers with lagging public servers, a parent that follows CDS and
 * CSYNC, resolvers that ask, and a controller that is nothing but core and memory.  Virtual time; no
 * randomness of its own but what ${seed} gives.  What is true stands here in plain view; the controller
 * sees of it only what world_round() asks, and the oracle (oracle.h) judges it without asking the core.
 *
 * world.c makes one and lets time pass, world_signer.c and world_parent.c are what signers and parent do
 * by themselves, world_control.c is the controller.
 */
#ifndef MUS_TESTS_WORLD_H
#define MUS_TESTS_WORLD_H

#include <stdio.h>

#include "core/plan.h"
#include "model/book.h"

#include "oracle.h"
#include "resolver.h"
#include "truth.h"

enum { WORLD_COMMANDS_MAX = 64 };

struct world_server {
	unsigned origin, ns;
	uint32_t lag_s;			/* serves a change so long after it was made */
	struct mus_time load_at;	/* when it takes over what its origin has; NEVER: has it */
	bool is_silent;			/* answers nobody */
	bool is_unseen;			/* answers resolvers, not us */
	struct mus_time fault_ends;	/* when that ends by itself; NEVER: it does not */
	struct world_copy shown, older;	/* older: what it had before its last load */
};

/* A roll-over that a signer makes on its own timetable. */
enum world_roll_kind { WORLD_ROLL_NONE, WORLD_ROLL_ZSK, WORLD_ROLL_KSK, WORLD_ROLL_CSK };
struct world_roll {
	enum world_roll_kind kind;
	unsigned step, old, fresh;	/* keys */
	uint32_t lead_s;		/* from the publication of the new key to its use, at least */
	bool asks;			/* for leave ("go"): signs only when every set that may be cached has the key ... */
	bool asks_reached;		/* ... of those that resolvers are led to, and of nobody who joins */
	bool swaps_cds;			/* its own CDS names the new key instead of the old one, else both */
	struct mus_time at;		/* its next step */
	struct mus_time published_at, reached_at, spread_at, ds_at, used_at;	/* since when; NEVER: not (any more) */
};

struct world_signer {
	uint64_t own;			/* its keys; it shows them whatever we say */
	uint64_t key_signers, data_signers;	/* what it signs with when it signs */
	uint8_t own_cds_dts;		/* publishes CDS for its SEP keys by itself: digest types; 0: does not */
	uint64_t cds_not;		/* ... but not for these */
	uint16_t drops;			/* mask by enum mus_rr_kind of what it accepts and forgets */
	bool is_rogue;			/* takes nothing, and goes on as it is */
	bool refuses_transfer;
	bool is_secondary;		/* signs nothing: its servers show the copy of another ... */
	unsigned source;		/* ... of this one */
	bool denies_badly;		/* its negative answers prove nothing, as we see it */
	uint64_t data_content;		/* what its zone says (V13) */
	uint32_t hidden_ttl_s;
	uint32_t resign_s;		/* takes so long to sign everything anew */
	uint32_t ttl_max_s, key_ttl_max_s;	/* largest TTLs that it ever had */
	struct mus_time resign_at[WORLD_RR_COUNT];	/* when this RRset is signed anew; NEVER: it is signed */
	struct world_roll roll;
	struct world_copy copy;
};

struct world_parent {
	uint32_t scan_s, delay_s;	/* looks so often; publishes so long after it has seen */
	uint32_t ds_ttl_s, ds_ttl_low_s;	/* after a change of DS the low one; 0: never lowered */
	bool restores_late;		/* the TTL goes up again only just before the next change */
	bool is_frozen;			/* follows nothing */
	bool ignores_cds, ignores_csync;
	uint8_t passes_over;		/* signers whose servers it does not ask: it was told to */
	struct mus_time scan_at, publish_at, restore_at;
	struct world_copy next;		/* what it will publish */
	struct world_copy copy;
};

struct world_command {
	struct mus_time at;
	struct mus_act act;
};

/* What happens, to be counted. */
enum world_event {
	WORLD_EV_LOAD, WORLD_EV_COMMAND, WORLD_EV_SCAN, WORLD_EV_PUBLISH, WORLD_EV_RESIGN, WORLD_EV_ROUND,
	WORLD_EV_OPERATOR, WORLD_EV_SIGNER, WORLD_EV_FAULT, WORLD_EV_QUESTION, WORLD_EV_COUNT,
};

/* Faults under which nobody can promise that no cache goes wrong, as far as they have happened. */
enum {
	WORLD_APART_EARLY = 1,		/* a signer used a key before every set that may be cached had it */
	WORLD_APART_OLD = 2,		/* a server went back to old data */
	WORLD_APART_LOST = 4,		/* a leaver that goes on listing itself was declared lost (OP-9) */
	WORLD_APART_JOINER = 8,		/* a signer used a key before one that joins had it: only we can do harm */
};

struct world {
	uint64_t seed;
	struct mus_time now, begun;
	unsigned signer_count, server_count, key_count;
	struct world_signer signer[MUS_SIGNERS_MAX];
	struct world_parent parent;
	struct world_server server[MUS_SERVERS_MAX];
	uint8_t key_alg[MUS_KEYS_MAX];	/* index of its algorithm */
	uint8_t key_owner[MUS_KEYS_MAX];
	unsigned command_count;
	struct world_command command[WORLD_COMMANDS_MAX];

	/* faults, in per mille */
	unsigned lose_look, lose_command, double_command;
	uint32_t command_delay_s;
	uint16_t prompt;		/* mask by enum mus_rr_kind of changes that arrive at once all the same */
	bool command_varies;		/* the delay is anything up to that: commands overtake each other */
	bool reverse_looks;		/* a round looks in the opposite order */
	unsigned apart;

	/* the controller */
	uint32_t poll_s, idle_s;	/* rounds while it waits for others; at least so often */
	int64_t clock_ms;		/* its clock shows now + this */
	int64_t slew_ms;		/* ... of which it has not noticed this */
	struct mus_policy policy;
	struct mus_zonestate state;
	struct mus_plan plan;
	uint64_t rounds, sent;
	uint64_t plans;			/* digest of all intentions and actions so far */
	unsigned restart;		/* per mille of rounds in which it dies, at any step, and comes back ... */
	uint32_t down_s;		/* ... after up to so long */
	struct mus_time down_until;
	void (*on_round)(struct world *);	/* before each plan; or NULL */

	/* what people do, and what fails, at times of its own choice */
	struct mus_time script_at;
	void (*script)(struct world *);	/* sets script_at anew */
	void *script_data;

	struct oracle oracle;
	struct resolvers resolvers;
	uint64_t events[WORLD_EV_COUNT];
	FILE *story;			/* who did what, line by line; or NULL */
	uint64_t told_acts;		/* what the controller sends and waits for, as told last */
	enum mus_rule told_wait;
	bool told_wrong;
};

/* A world at rest: ${signers} signers of which the first ${members} sign the zone already; each with
 * ${servers} name servers of its own.  TTLs of an hour, DS and delegation of a day.  No resolvers. */
void world_init(struct world *w, unsigned signers, unsigned members, unsigned servers);
/* The same with one key for all at the signers of ${csk}. */
void world_init_csk(struct world *w, unsigned signers, unsigned members, unsigned servers, uint64_t csk);
void world_free(struct world *w);
/* To be called when truth was changed by hand: servers follow after their lag. */
void world_changed(struct world *w, unsigned origin);
/* Gives signer ${s} keys of its own: one KSK and one ZSK, or one CSK. */
void world_keys(struct world *w, unsigned s, bool csk);
/* A further key of ${s}: published, signing nothing yet.  Its index. */
unsigned world_add_key(struct world *w, unsigned s, bool sep);
/* The signer shows ${key} no more. */
void world_drop_key(struct world *w, unsigned s, unsigned key);
/* Makes ${s} one that signs nothing: its keys are none, its servers show the copy of ${source}. */
void world_secondary(struct world *w, unsigned s, unsigned source);
/* The operator points it to another. */
void world_point(struct world *w, unsigned s, unsigned source);
/* The signer begins a roll-over of the kind that its keys allow; false: it is at one, or has no such key. */
bool world_roll(struct world *w, unsigned s, bool sep, uint32_t lead_s, bool asks, bool swaps_cds);
/* A server answers nobody, or not us, for so long. */
void world_silence(struct world *w, unsigned server, bool to_us_only, uint32_t for_s);
/* A server has again what it had before its last load, for so long. */
void world_go_back(struct world *w, unsigned server, uint32_t for_s);
/* The controller's clock is set; it notices steps and shifts what it has stored, as the engine does. */
void world_set_clock(struct world *w, int64_t by_ms, bool is_noticed);
/* Truth goes on until ${until}: servers load, commands arrive, the parent follows. */
void world_advance(struct world *w, struct mus_time until);
/* The controller looks at everything, plans and sends. */
void world_round(struct world *w);
/* Takes in one look at everything, without a plan. */
void world_observe(struct world *w);
/* Rounds and time until ${done} or ${limit_s} are over; true: done. */
bool world_run(struct world *w, bool (*done)(const struct world *), uint32_t limit_s);
/* No process, nothing to do, and exactly the members sign. */
bool world_is_settled(const struct world *w);
/* What is true is what the operators want: DS and NS name exactly the members, every member shows the keys
 * that sign the others' data, and no roll-over is open. */
bool world_is_at_goal(const struct world *w);
void world_member(struct world *w, unsigned s, bool is_member);

uint64_t world_random(struct world *w);
unsigned world_below(struct world *w, unsigned n);
unsigned world_between(struct world *w, unsigned from, unsigned to);
bool world_happens(struct world *w, unsigned per_mille);
uint64_t world_names(const struct world *w, unsigned s);
/* The longest lag of its servers. */
uint32_t world_lag_s(const struct world *w, unsigned origin);
bool world_is_data(unsigned kind);
/* An event of the story: counted by the caller, told here.  Where the first cache goes wrong, a line has this. */
#define WORLD_WRONG "HERE IT GOES WRONG"
void world_tell(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sets and times for people; the text stands in ${out}, which is returned. */
const char *world_keys_text(const struct world *w, uint64_t keys, char *out, size_t size);
const char *world_time_text(const struct world *w, int64_t at_ms, char *out, size_t size);
const char *world_names_text(const struct world *w, uint64_t names, char *out, size_t size);
const char *world_server_text(const struct world *w, unsigned server, char *out, size_t size);

#endif
