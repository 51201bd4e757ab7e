/*
 * An exchange with one question to ask, www.example.org A, what its callback saw, and servers of several kinds
 * for fake_new.
 */
#ifndef TEST_IO_DNSX_RIG_H
#define TEST_IO_DNSX_RIG_H

#include "fake.h"
#include "io/dnsx_priv.h"

/* Short times, so that what waits for a time-out does not take long. */
extern const struct mus_dnsx_opts quick;
/* Long ones, where a time-out would change what is counted: a slow machine answers late, too. */
extern const struct mus_dnsx_opts patient;
extern struct mus_loop *l;
extern struct mus_dnsx *x;
extern struct mus_name www;

struct got {				/* what the callback of one question saw */
	unsigned n;
	int err;
	char words[480];
	enum mus_dnsx_via via;
	bool udp_silent, has_msg, tc;
	enum mus_tsig_result tsig;
	struct mus_addr server;
	uint16_t rcode, id;
	size_t answers;
	unsigned rtt_ms;
	int64_t at_ms;
	unsigned *total;		/* counted up too, when set */
};
void got(void *arg, const struct mus_dnsx_answer *a);

int set_up(void **state);		/* with the quick ones */
int tear_down(void **state);
void options(const struct mus_dnsx_opts *o);	/* an exchange with these, in the place of the one there is */
struct mus_dnsx_ask question(const struct mus_addr *server, enum mus_dnsx_via via);
struct got ask_and_wait(const struct mus_dnsx_ask *q);
struct got ask_it(const struct mus_addr *server, enum mus_dnsx_via via);

/* ---- servers ---- */

void answers(struct fake_q *q, void *arg);
void silent(struct fake_q *q, void *arg);
void silent_on_udp(struct fake_q *q, void *arg);
void slow_to_start(struct fake_q *q, void *arg);	/* does not answer the first *arg questions */
void half_a_message(struct fake_q *q, void *arg);
void holds(struct fake_q *q, void *arg);		/* until they are released */
void release(unsigned keep, bool answer);	/* all but ${keep}; the last first */
enum { HELD_MAX = 256, PIPE = 8 };
extern struct fake_q *held[HELD_MAX];
extern unsigned held_count, held_max;
void out_of_order(struct fake_q *q, void *arg);	/* holds so many, then answers them */

struct mus_tsig_key *key_of(const char *name, const char *secret);	/* gives it */

#endif
