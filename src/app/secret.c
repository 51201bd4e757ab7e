#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/secret.h"
#include "base/text.h"

int
mus_secret_set(struct mus_secret *s, const void *p, size_t len)
{
	uint8_t *bytes = malloc(len + 1);

	if (!bytes)
		return MUS_ERR_NOMEM;
	if (len)
		memcpy(bytes, p, len);
	bytes[len] = '\0';
	mus_secret_clear(s);
	s->bytes = bytes;
	s->len = len;
	return 0;
}

void
mus_secret_clear(struct mus_secret *s)
{
	if (s->bytes) {
		explicit_bzero(s->bytes, s->len);
		free(s->bytes);
	}
	*s = (struct mus_secret){0};
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Reads up to ${cap} bytes; -1 with errno. */
static ssize_t
read_all(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int
mus_secret_load(const char *path, struct mus_secret *s, struct mus_errtext *et)
{
	size_t cap = MUS_SECRET_MAX + 1;
	char *buf = malloc(cap), *p, *end, *nl;
	struct stat st;
	ssize_t n;
	int rc = 0, fd = -1;

	if (!buf)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int err = errno;

		rc = mus_errf(et, err == ENOENT ? MUS_ERR_NOTFOUND : MUS_ERR_IO, "%s: %s", path,
		    strerror(err));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = mus_errf(et, MUS_ERR_INVAL, "%s: not a regular file", path);
		goto out;
	}
	if ((rc = mus_check_secret_mode(path, st.st_mode, et)) < 0)
		goto out;
	if ((n = read_all(fd, buf, cap)) < 0) {
		rc = mus_errf(et, MUS_ERR_IO, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (n > MUS_SECRET_MAX) {
		rc = mus_errf(et, MUS_ERR_TOOBIG, "%s: longer than %d bytes", path, MUS_SECRET_MAX);
		goto out;
	}
	p = buf;
	end = buf + n;
	while (p < end && is_space(*p))
		p++;
	if ((nl = memchr(p, '\n', (size_t)(end - p))))
		end = nl;
	while (end > p && is_space(end[-1]))
		end--;
	if (p == end)
		rc = mus_errf(et, MUS_ERR_INVAL, "%s: is empty", path);
	else if ((rc = mus_secret_set(s, p, (size_t)(end - p))) < 0)
		mus_errf(et, rc, "out of memory");
out:
	if (fd >= 0)
		close(fd);
	explicit_bzero(buf, cap);
	free(buf);
	return rc;
}
