/*
 * Two clocks that the test sets; link with --wrap=mus_loop_now and, when the engine is to follow the clock,
 * --wrap=mus_loop_boot_ms and, when it is to do so over restarts, --wrap=mus_loop_boot_id.
 */
#ifndef TEST_ENGINE_CLOCKS_H
#define TEST_ENGINE_CLOCKS_H

#include <stdint.h>

extern int64_t wall_ms;			/* the wall's */
extern int64_t ahead_ms;		/* so much it is ahead of the one that nobody sets */
extern const char *boot_id;

#endif
