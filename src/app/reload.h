/*
 * Reading the configuration again while a program runs (SIGHUP).
 */
#ifndef MUS_APP_RELOAD_H
#define MUS_APP_RELOAD_H

#include "app/conf.h"

/* ${file} as it is now, into *last in the place of what stood there (NULL: nothing yet), which ends.  One that cannot
 * be taken is told in the log, and *last stays.  What differs from ${start} and waits for the next start is told each time. */
void mus_reload(const struct mus_conf_schema *s, const char *file, const struct mus_conf *start, struct mus_conf **last);

#endif
