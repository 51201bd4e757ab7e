/*
 * A folder of its own for a test, removed at the end.
 */
#ifndef TEST_APP_TEMP_H
#define TEST_APP_TEMP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct temp {
	char dir[128];
	char path[320];		/* what temp_path gave last */
};

static inline int
temp_open(struct temp *t)
{
	const char *base = getenv("TMPDIR");

	snprintf(t->dir, sizeof t->dir, "%.80s/mus-test-XXXXXX", base ? base : "/tmp");
	return mkdtemp(t->dir) ? 0 : -1;
}

static inline const char *
temp_path(struct temp *t, const char *name)
{
	snprintf(t->path, sizeof t->path, "%s/%s", t->dir, name);
	return t->path;
}

static inline const char *
temp_write(struct temp *t, const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(temp_path(t, name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(t->path, mode) != 0)
		abort();
	return t->path;
}

static inline void
temp_close(struct temp *t)
{
	DIR *d = opendir(t->dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
			unlink(temp_path(t, e->d_name));
	}
	if (d)
		closedir(d);
	rmdir(t->dir);
}

#endif
