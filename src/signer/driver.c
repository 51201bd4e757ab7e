#include <stdio.h>
#include <string.h>

#include "signer/driver.h"

/* A signer without an entrance: the plan names what to change, a person changes it. */
const struct mus_driver mus_driver_manual = {.name = "manual"};
const struct mus_driver mus_driver_secondary = {.name = "secondary", .is_secondary = true};

const struct mus_driver *
mus_driver_find(const char *name)
{
	for (size_t i = 0; mus_drivers[i]; i++)
		if (strcmp(mus_drivers[i]->name, name) == 0)
			return mus_drivers[i];
	return NULL;
}

const char *
mus_driver_names(char out[static MUS_DRV_NAMES_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; mus_drivers[i] && n < MUS_DRV_NAMES_MAX; i++)
		n += (size_t)snprintf(
		    out + n, MUS_DRV_NAMES_MAX - n, "%s%s", i ? ", " : "", mus_drivers[i]->name);
	return out;
}

bool
mus_drv_is_managed(uint16_t type)
{
	return type == MUS_TYPE_DNSKEY || type == MUS_TYPE_CDS || type == MUS_TYPE_CDNSKEY ||
	    type == MUS_TYPE_CSYNC || type == MUS_TYPE_NS;
}
