/*
 * A zone by hand for the rule tests: two signers a (0) and b (1), one server each and one of the
 * parent, keys with the names of protocol.md 24.  Time is seconds since rig_init.
 */
#ifndef MUS_TESTS_RIG_H
#define MUS_TESTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/plan.h"
#include "core/preflight.h"
#include "model/book.h"

enum { A, B };
enum { AT_PARENT, AT_A, AT_B };		/* servers */
enum { NS_A, NS_B };
enum {					/* keys; *n: of another algorithm */
	ka, za, kb, zb, za2, ka2, kn, zn, KEY_COUNT
};
#define KA mus_bit(ka)
#define ZA mus_bit(za)
#define KB mus_bit(kb)
#define ZB mus_bit(zb)
#define ZA2 mus_bit(za2)
#define KA2 mus_bit(ka2)
#define KN mus_bit(kn)
#define ZN mus_bit(zn)

struct rig {
	struct mus_zonestate z;
	struct mus_policy policy;
	struct mus_time t0, now;
	struct mus_plan plan;
	struct mus_verdict verdict;
	struct mus_witness w;
	uint64_t ns;			/* names that rig_data puts */
	uint64_t delegated;		/* names that rig_steady puts at the parent */
	uint32_t ttl_s, slow_s;		/* slow: from the questions to the answers */
	int64_t until_s;		/* expiration of signatures, from t0 */
};
extern struct rig r;

void rig_init(void);
int rig_setup(void **state);		/* rig_init, as cmocka calls it */
/* A round at this second, and a settle; what was put before stays as it is. */
void rig_at(int64_t s);
void rig_at_ms(int64_t ms);
/* A server of ${origin} shows this RRset now; no settle. */
void rig_put(unsigned origin, enum mus_rr_kind kind, uint64_t set, uint64_t sig);
void rig_absent(unsigned origin, enum mus_rr_kind kind);
void rig_absent_as(unsigned origin, enum mus_rr_kind kind, uint8_t flags);	/* with more flags than that */
void rig_fail(unsigned origin, enum mus_rr_kind kind, enum mus_cause cause);
void rig_look(const struct mus_look *l);
/* DS with SHA-256, or with these digest types. */
void rig_ds(uint64_t keys);
void rig_ds_dt(uint64_t sha256, uint64_t sha384);
/* All data of a signer signed so. */
void rig_data(unsigned s, uint64_t sig);
/* Both signers share their keys, stand in DS and NS, and all is well. */
void rig_steady(void);
void rig_settle(void);
const struct mus_verdict *rig_judge(void);
/* The guard's answer to a change; witness in r.w. */
enum mus_result rig_guard(const struct mus_change *c);
const struct mus_plan *rig_plan(void);
/* Result of a condition for the stored intention; witness in r.w. */
enum mus_result rig_condition(enum mus_rule rule);
struct mus_time rig_time(int64_t s);

#define assert_rule(got, want) assert_string_equal(mus_rule_text(got), mus_rule_text(want))

#endif
