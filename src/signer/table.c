#include "signer/driver.h"

/* A new driver is a file of its own and a line here. */
const struct mus_driver *const mus_drivers[] = {&mus_driver_ddns, &mus_driver_manual, NULL};
