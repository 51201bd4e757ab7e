/*
 * What systemd wants to be told (sd_notify(3)), by one datagram to the socket that NOTIFY_SOCKET
 * names; without it every call does nothing.  Nothing here fails in a way the program could mend.
 */
#ifndef MUS_APP_SDNOTIFY_H
#define MUS_APP_SDNOTIFY_H

#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

/* Is there somebody to be told? */
bool mus_sdnotify_is_on(void);
void mus_sdnotify_ready(void);
void mus_sdnotify_reloading(void);		/* then ready again */
void mus_sdnotify_stopping(void);
/* One line for "systemctl status"; control characters become blanks. */
void mus_sdnotify_status(const char *fmt, ...) MUS_PRINTF(1, 2);

/* How often the watchdog wants a sign of life; 0: no watchdog, or not for this process. */
int64_t mus_sdnotify_watchdog_ms(void);
struct mus_sdnotify_watchdog;
/* Gives that sign from the loop, at half of the time; *out NULL when there is no watchdog. */
int mus_sdnotify_watchdog_start(struct mus_loop *l, struct mus_sdnotify_watchdog **out) MUS_MUST_CHECK;
void mus_sdnotify_watchdog_stop(struct mus_sdnotify_watchdog *w);	/* NULL is fine */

#endif
