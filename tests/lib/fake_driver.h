/*
 * A driver for tests: it notes what it is asked and answers as it is told.  It is in the table of
 * drivers that is linked instead of src/signer/table.c.
 */
#ifndef TEST_FAKE_DRIVER_H
#define TEST_FAKE_DRIVER_H

#include "io/loop.h"
#include "signer/driver.h"

enum { FAKE_ASKS_MAX = 2048 };
enum fake_says {
	FAKE_OK, FAKE_REFUSES, FAKE_TIMES_OUT,
	FAKE_PARTIAL,			/* accepted; the first type it is about is not shown */
	FAKE_STALE,
	FAKE_NO_ROOM,			/* apply itself fails */
	FAKE_HOLDS,			/* says nothing until fake_driver_answer */
};
struct fake_ask {
	char zone[MUS_NAME_TEXT_MAX];
	struct mus_addr update;
	const struct mus_tsig_key *key;
	struct mus_drv_rr rr[MUS_DRV_RR_MAX];	/* with copies of the rdata */
	size_t count;
	int64_t mono_ms;
	bool answered;
	enum fake_says says;
	mus_drv_fn *fn;
	void *arg;
};
struct fake_driver {
	struct mus_loop *loop;
	struct mus_timer *timer;
	enum fake_says says;		/* to whoever asks next */
	uint16_t silent_port;		/* signers with this update port do not answer; 0: none */
	uint16_t held_port;		/* likewise: FAKE_HOLDS */
	uint16_t lacks;			/* a type that it may not change: refused */
	struct fake_ask ask[FAKE_ASKS_MAX];
	unsigned count, answers, cancels;
	struct mus_arena arena;
};
extern struct fake_driver fake_driver;

void fake_driver_start(struct mus_loop *l);
void fake_driver_stop(void);
/* Answers what was held. */
void fake_driver_answer(unsigned i, enum fake_says says);

#endif
