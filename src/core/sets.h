/*
 * Everything some cache may hold at one instant, as short lists of masks: what judge and guard
 * compute with.  Internal to core.
 */
#ifndef MUS_CORE_SETS_H
#define MUS_CORE_SETS_H

#include "core/keys.h"

enum { MUS_SETS_D_MAX = 40, MUS_SETS_K_MAX = 96, MUS_SETS_X_MAX = 96 };

/* One member.  D: a = keys named.  K: a = keys present, b = keys whose signature over the set
 * counts.  X: a = keys whose signature counts.  Equal members of one origin are kept once. */
struct mus_ent {
	uint64_t a, b;
	uint64_t dt[MUS_DT_COUNT];	/* D: keys named per digest type */
	uint64_t old_a, old_b;		/* new member: what it replaces */
	bool is_new, replaces;
	bool is_void;			/* D: no DS at all, not only none that names a known key */
	uint8_t origin, kind;
	uint8_t server;			/* one that shows it, or MUS_NOBODY */
	struct mus_time first, end;	/* of the version; MUS_TIME_ALWAYS for new ones */
};
struct mus_sets {
	/* The place behind the last is for mus_sets_new. */
	struct mus_ent d[MUS_SETS_D_MAX + 1], k[MUS_SETS_K_MAX + 1], x[MUS_SETS_X_MAX + 1];
	uint16_t d_count, k_count, x_count;
	uint16_t d_alive, k_alive, x_alive;	/* so many of them are alive; after these the new ones */
	bool full, full_alive;		/* did not fit: nothing may be concluded; already the alive ones */
	uint64_t alg[MUS_ALGS_MAX];	/* keys by algorithm */
	uint8_t alg_count;
};

/* All alive members at ${now}, with pending changes as made and as not made, and what the parent
 * may take up at any time because CDS asks for it. */
void mus_sets_alive(const struct mus_zone *zone, const struct mus_seen *seen,
    const struct mus_facts *facts, const struct mus_policy *policy, struct mus_time now,
    struct mus_sets *s);
/* The next member of 'd', 'k' or 'x', to be filled in and added: it need not be copied then. */
struct mus_ent *mus_sets_new(struct mus_sets *s, char which);
/* Adds a member unless it is there; returns it, NULL when full. */
struct mus_ent *mus_sets_add(struct mus_sets *s, char which, const struct mus_ent *e);

/* The pair predicates (protocol.md 4.2).  The rule that fails, or MUS_RULE_NONE; *number gets the
 * algorithm (V3) or the digest type (V14). */
enum mus_rule mus_pair_dk(const struct mus_zone *zone, const struct mus_sets *s,
    const struct mus_ent *d, const struct mus_ent *k, uint16_t *number);
enum mus_rule mus_pair_kx(const struct mus_zone *zone, const struct mus_sets *s,
    const struct mus_ent *k, const struct mus_ent *x, uint64_t ds_keys, uint16_t *number);
/* Every key some alive DS names; 0: the zone is insecure throughout. */
uint64_t mus_sets_ds_keys(const struct mus_sets *s);

/* Forgets the new members. */
void mus_sets_drop_new(struct mus_sets *s);

/* A release build zeroes every variable (-ftrivial-auto-var-init); the large ones here say their
 * counts and are spared. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define MUS_UNINIT __attribute__((uninitialized))
#else
#define MUS_UNINIT
#endif

/* RRsets that stand for the zone's data: every one is signed by what signs the zone.  CDS and CDNSKEY
 * are not among them (V2c). */
enum { MUS_DATA_KINDS = 7 };
extern const uint8_t mus_data_kind[MUS_DATA_KINDS];	/* enum mus_rr_kind */
extern const uint8_t mus_dt_number[MUS_DT_COUNT];	/* 1, 2, 4 */

#endif
