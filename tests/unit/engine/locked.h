/* A store that another process keeps locked; link with --wrap=mus_store_begin. */
#ifndef TEST_ENGINE_LOCKED_H
#define TEST_ENGINE_LOCKED_H

#include <stdbool.h>

extern bool is_locked;			/* nobody can begin a transaction */

#endif
