#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "app/sdnotify.h"
#include "base/text.h"

struct mus_sdnotify_watchdog {
	struct mus_timer *timer;
	int64_t every_ms;
};

/* "/path", or "@name" of an abstract socket; false: none, or no name. */
static bool
socket_addr(struct sockaddr_un *un, socklen_t *len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;

	if ((n == 0) || (path[0] != '/' && path[0] != '@') || n >= sizeof un->sun_path)
		return false;
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(un->sun_path, path, n);
	if (path[0] == '@')
		un->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] == '/'));
	return true;
}

bool
mus_sdnotify_is_on(void)
{
	struct sockaddr_un un;
	socklen_t len;

	return socket_addr(&un, &len);
}

static void
tell(const char *text)
{
	struct sockaddr_un un;
	socklen_t len;
	int fd;

	if (!socket_addr(&un, &len))
		return;
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&un, len);
	close(fd);
}

void
mus_sdnotify_ready(void)
{
	tell("READY=1");
}

void
mus_sdnotify_reloading(void)
{
	struct timespec ts;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
	tell(text);
}

void
mus_sdnotify_stopping(void)
{
	tell("STOPPING=1");
}

void
mus_sdnotify_status(const char *fmt, ...)
{
	char text[512] = "STATUS=", *p;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + 7, sizeof text - 7, fmt, ap);
	va_end(ap);
	for (p = text; *p; p++) {	/* a new line would begin another assignment */
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	}
	tell(text);
}

int64_t
mus_sdnotify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, whose;

	if (!usec || !mus_parse_u64(usec, INT64_MAX, &us))
		return 0;
	if (pid && (!mus_parse_u64(pid, INT64_MAX, &whose) || whose != (uint64_t)getpid()))
		return 0;
	return us > 0 && us < 1000 ? 1 : (int64_t)(us / 1000);
}

static void
on_watchdog(void *arg)
{
	struct mus_sdnotify_watchdog *w = arg;

	tell("WATCHDOG=1");
	mus_timer_start(w->timer, w->every_ms);
}

int
mus_sdnotify_watchdog_start(struct mus_loop *l, struct mus_sdnotify_watchdog **out)
{
	int64_t ms = mus_sdnotify_watchdog_ms();
	struct mus_sdnotify_watchdog *w;

	*out = NULL;
	if (ms == 0)
		return 0;
	if (!(w = calloc(1, sizeof *w)) || !(w->timer = mus_timer_new(l, on_watchdog, w))) {
		free(w);
		return MUS_ERR_NOMEM;
	}
	w->every_ms = ms > 1 ? ms / 2 : 1;
	on_watchdog(w);
	*out = w;
	return 0;
}

void
mus_sdnotify_watchdog_stop(struct mus_sdnotify_watchdog *w)
{
	if (!w)
		return;
	mus_timer_free(w->timer);
	free(w);
}
