#include "app/log.h"
#include "app/reload.h"

static void
on_differs(void *arg, const struct mus_conf_row *row)
{
	(void)arg;
	if (row->when != MUS_CONF_AT_RELOAD)
		mus_log_warning((const char *)NULL, NULL,
		    "reload: %s has changed; it takes effect at the next start", row->path);
}

void
mus_reload(const struct mus_conf_schema *s, const char *file, const struct mus_conf *start, struct mus_conf **last)
{
	struct mus_conf *fresh = NULL;
	struct mus_errtext et;

	if (mus_conf_load(s, file, &fresh, &et) < 0) {
		mus_log_error((const char *)NULL, et.s, "reload: the configuration stays as it was");
		return;
	}
	mus_conf_free(*last);
	*last = fresh;
	mus_conf_diff(start, fresh, on_differs, NULL);
}
