#include <string.h>

#include "signer/driver.h"

/* A signer without an entrance: the plan names what to change, a person changes it. */
const struct mus_driver mus_driver_manual = {.name = "manual"};

static const struct mus_driver *const drivers[] = {&mus_driver_ddns, &mus_driver_manual};

const struct mus_driver *
mus_driver_find(const char *name)
{
	for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

const char *
mus_driver_names(void)
{
	return "ddns, manual";
}

bool
mus_drv_is_managed(uint16_t type)
{
	return type == MUS_TYPE_DNSKEY || type == MUS_TYPE_CDS || type == MUS_TYPE_CDNSKEY ||
	    type == MUS_TYPE_CSYNC || type == MUS_TYPE_NS;
}
