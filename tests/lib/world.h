/*
 * A small world for the core: signers with lagging public servers, a parent that follows CDS and
 * CSYNC, and a controller that is nothing but core and memory.  Virtual time; no randomness of its
 * own but what ${seed} gives.  What is true stands here in plain view; the controller sees of it only
 * what world_round() asks, and the oracle (oracle.h) judges it without asking the core.
 */
#ifndef MUS_TESTS_WORLD_H
#define MUS_TESTS_WORLD_H

#include "core/plan.h"
#include "model/book.h"

#include "oracle.h"

enum {
	WORLD_HIDDEN = MUS_RR_COUNT,	/* data that nobody samples: only resolvers meet it */
	WORLD_RR_COUNT,
	WORLD_COMMANDS_MAX = 64,
};

/* One RRset as it truly is. */
struct world_set {
	bool absent;
	uint64_t set, dt[MUS_DT_COUNT], aux;
	uint64_t sig;			/* keys that sign it */
	uint32_t ttl_s;
};
struct world_copy {
	struct world_set rr[WORLD_RR_COUNT];
};

struct world_server {
	unsigned origin, ns;
	uint32_t lag_s;			/* serves a change so long after it was made */
	struct mus_time load_at;	/* when it takes over what its origin has; NEVER: has it */
	bool is_silent;			/* answers nobody */
	bool is_unseen;			/* answers resolvers, not us */
	struct world_copy shown;
};

struct world_signer {
	uint64_t own;			/* its keys; it shows them whatever we say */
	uint64_t key_signers, data_signers;
	uint8_t own_cds_dts;		/* publishes CDS for its SEP keys by itself: digest types; 0: does not */
	uint8_t drops;			/* mask by enum mus_rr_kind of what it accepts and forgets */
	bool refuses_transfer;
	uint64_t data_content;		/* what its zone says (V13) */
	uint32_t hidden_ttl_s;
	struct world_copy copy;
};

struct world_parent {
	uint32_t scan_s, delay_s;	/* looks so often; publishes so long after it has seen */
	uint32_t ds_ttl_s, ds_ttl_low_s;	/* after a change of DS the low one; 0: never lowered */
	bool restores_late;		/* the TTL goes up again only just before the next change */
	bool is_frozen;			/* follows nothing */
	bool ignores_cds, ignores_csync;
	struct mus_time scan_at, publish_at, restore_at;
	struct world_copy next;		/* what it will publish */
	struct world_copy copy;
};

struct world_command {
	struct mus_time at;
	struct mus_act act;
};

struct world {
	uint64_t seed;
	struct mus_time now;
	unsigned signer_count, server_count, key_count;
	struct world_signer signer[MUS_SIGNERS_MAX];
	struct world_parent parent;
	struct world_server server[MUS_SERVERS_MAX];
	uint8_t key_alg[MUS_KEYS_MAX];	/* index of its algorithm */
	unsigned command_count;
	struct world_command command[WORLD_COMMANDS_MAX];

	/* faults, in per mille */
	unsigned lose_look, lose_command;
	uint32_t command_delay_s;
	bool reverse_looks;		/* a round looks in the opposite order */

	/* the controller */
	uint32_t poll_s, idle_s;	/* rounds while it waits for others; at least so often */
	struct mus_policy policy;
	struct mus_zonestate state;
	struct mus_plan plan;
	uint64_t rounds, sent;
	unsigned restart;		/* per mille of rounds after which it dies and comes back */
	void (*on_round)(struct world *);	/* before each plan; or NULL */

	struct oracle oracle;
};

/* A world at rest: ${signers} signers of which the first ${members} sign the zone already; each with
 * ${servers} name servers of its own.  TTLs of an hour, DS and delegation of a day. */
void world_init(struct world *w, unsigned signers, unsigned members, unsigned servers);
void world_free(struct world *w);
/* To be called when truth was changed by hand: servers follow after their lag. */
void world_changed(struct world *w, unsigned origin);
/* Gives signer ${s} keys of its own: one KSK and one ZSK, or one CSK. */
void world_keys(struct world *w, unsigned s, bool csk);
/* A further key of ${s}: published, signing nothing yet.  Its index. */
unsigned world_add_key(struct world *w, unsigned s, bool sep);
/* The signer shows ${key} no more. */
void world_drop_key(struct world *w, unsigned s, unsigned key);
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
void world_member(struct world *w, unsigned s, bool is_member);

uint64_t world_random(struct world *w);
unsigned world_below(struct world *w, unsigned n);
uint64_t world_names(const struct world *w, unsigned s);

#endif
