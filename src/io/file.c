#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/file.h"

static int
err_of(int eno)
{
	switch (eno) {
	case ENOENT:
	case ENOTDIR:
		return MUS_ERR_NOTFOUND;
	case EACCES:
	case EPERM:
		return MUS_ERR_DENIED;
	case ENOMEM:
		return MUS_ERR_NOMEM;
	default:
		return MUS_ERR_IO;
	}
}

static int
read_whole(const char *path, size_t max, bool is_secret, struct mus_buf *out, struct mus_errtext *et)
{
	uint8_t chunk[16384];
	size_t start = out->len, total = 0;
	struct stat st;
	ssize_t n;
	int fd, rc = 0;

	do {
		fd = open(path, O_RDONLY | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return mus_errf(et, err_of(errno), "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0) {
		rc = mus_errf(et, err_of(errno), "%s: %s", path, strerror(errno));
		goto out;
	}
	if (S_ISDIR(st.st_mode)) {
		rc = mus_errf(et, MUS_ERR_IO, "%s: is a directory", path);
		goto out;
	}
	if (is_secret && (rc = mus_check_secret_mode(path, st.st_mode, et)) < 0)
		goto out;
	for (;;) {
		n = read(fd, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = mus_errf(et, err_of(errno), "%s: %s", path, strerror(errno));
			goto out;
		}
		if (n == 0)
			break;
		if ((size_t)n > max - total) {
			rc = mus_errf(et, MUS_ERR_TOOBIG, "%s: larger than %zu bytes", path, max);
			goto out;
		}
		total += (size_t)n;
		if (!mus_buf_add(out, chunk, (size_t)n)) {
			rc = mus_errf(et, MUS_ERR_NOMEM, "%s: no memory for its content", path);
			goto out;
		}
	}
out:
	if (rc < 0 && out->len > start) {
		out->len = start;		/* as it was before the call */
		out->data[start] = '\0';
	}
	(void)close(fd);
	return rc;
}

int
mus_file_read(const char *path, size_t max, struct mus_buf *out, struct mus_errtext *et)
{
	return read_whole(path, max, false, out, et);
}

int
mus_file_read_secret(const char *path, size_t max, struct mus_buf *out, struct mus_errtext *et)
{
	return read_whole(path, max, true, out, et);
}

/* A rename is on disk when its folder is. */
static void
sync_folder(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;

	if (len >= sizeof dir)
		return;
	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = open(!slash ? "." : len == 0 ? "/" : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
}

int
mus_file_write(const char *path, const void *data, size_t len, unsigned mode,
    struct mus_errtext *et)
{
	const uint8_t *p = data;
	char tmp[PATH_MAX];
	size_t left = len;
	ssize_t n;
	int fd, rc = 0;

	if ((size_t)snprintf(tmp, sizeof tmp, "%s.XXXXXX", path) >= sizeof tmp)
		return mus_errf(et, MUS_ERR_INVAL, "%s: path too long", path);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return mus_errf(et, err_of(errno), "%s: %s", path, strerror(errno));
	while (left > 0) {
		n = write(fd, p, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = mus_errf(et, err_of(errno), "write %s: %s", path, strerror(errno));
			goto out;
		}
		p += n;
		left -= (size_t)n;
	}
	if (fchmod(fd, (mode_t)mode) < 0 || fsync(fd) < 0) {
		rc = mus_errf(et, err_of(errno), "write %s: %s", path, strerror(errno));
		goto out;
	}
	n = close(fd);
	fd = -1;
	if (n < 0 || rename(tmp, path) < 0) {
		rc = mus_errf(et, err_of(errno), "write %s: %s", path, strerror(errno));
		goto out;
	}
	sync_folder(path);
out:
	if (fd >= 0)
		(void)close(fd);
	if (rc < 0)
		(void)unlink(tmp);
	return rc;
}
