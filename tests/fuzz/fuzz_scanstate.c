/* The state file of music-scanner: what was read is written, and read as the same. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "scanner.h"

static char dir[64];

static void
away(void)
{
	rmdir(dir);
}

/* Loads a file into a scanner that does nothing. */
static int
load(struct scanner *s, struct scan_conf *conf, const char *path)
{
	struct mus_errtext et = {""};
	int rc;

	*s = (struct scanner){.conf = conf, .by_name = mus_map_new(1, 2)};
	MUS_ASSERT(s->by_name);
	conf->state = path;
	rc = scan_state_load(s, &et);
	MUS_ASSERT(rc == 0 || strstr(et.s, path) != NULL);
	return rc;
}

/* All that was known of a child is known again. */
static void
same(struct child *a, const struct child *b)
{
	if (a->acted_count == 0 && a->past_count == 0)
		return;
	MUS_ASSERT(b && a->acted_count == b->acted_count && a->past_count == b->past_count);
	MUS_ASSERT(memcmp(a->acted, b->acted, a->acted_count * sizeof a->acted[0]) == 0);
	for (size_t i = 0; i < a->past_count; i++) {
		const struct scan_past *p = &a->past[i], *q = &b->past[i];

		MUS_ASSERT(mus_addr_same_ip(&p->addr, &q->addr) && p->key == q->key && p->has == q->has);
		MUS_ASSERT(memcmp(p->mark, q->mark, sizeof p->mark) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("state", 0);
	struct scanner s, again;
	struct scan_conf conf = {0};
	char path[64], copy[80];
	size_t pos = 0, len;
	const void *key;
	void *v;

	if (dir[0] == '\0') {
		(void)snprintf(dir, sizeof dir, "/tmp/mus-fuzz-XXXXXX");
		MUS_ASSERT(mkdtemp(dir) && atexit(away) == 0);
	}
	MUS_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	(void)snprintf(copy, sizeof copy, "%s/state", dir);
	if (load(&s, &conf, path) == 0) {
		fuzz_taken += mus_map_count(s.by_name) > 0;
		conf.state = copy;
		MUS_ASSERT(scan_state_save(&s, NULL) == 0 && load(&again, &conf, copy) == 0);
		while (mus_map_next(s.by_name, &pos, &key, &len, &v))
			same(v, mus_map_get(again.by_name, key, len));
		scan_list_close(&again);
		MUS_ASSERT(unlink(copy) == 0);
	}
	scan_list_close(&s);
	close(fd);
	return 0;
}
