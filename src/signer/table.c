#include "signer/driver.h"

/* A new driver is a file of its own and a word in MUS_DRIVERS (model/object.h). */
#define X(name) &mus_driver_##name,
const struct mus_driver *const mus_drivers[] = {MUS_DRIVERS(X) NULL};
#undef X
