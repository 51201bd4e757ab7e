/* An engine for tests of the REST interface: see the source. */
#ifndef TESTS_API_FAKE_ENGINE_H
#define TESTS_API_FAKE_ENGINE_H

#include "engine/control.h"
#include "io/loop.h"

struct mus_engine *fake_engine_new(struct mus_loop *loop, struct mus_store *store, unsigned tick_ms);
void fake_engine_free(struct mus_engine *e);

#endif
