#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/privs.h"
#include "base/text.h"

enum { BUF_MAX = 64 * 1024, UMASK = 027 };
#define ID_MAX 0xfffffffeu		/* (uid_t)-1 means "leave it" */

static int
find_user(const char *user, uid_t *uid, gid_t *gid, struct mus_errtext *et)
{
	struct passwd pw, *found = NULL;
	char *buf = malloc(BUF_MAX);
	uint64_t n;
	int rc = 0;

	if (!buf)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	if (getpwnam_r(user, &pw, buf, BUF_MAX, &found) == 0 && found) {
		*uid = found->pw_uid;
		*gid = found->pw_gid;
	} else if (mus_parse_u64(user, ID_MAX, &n)) {
		*uid = (uid_t)n;
		*gid = (gid_t)n;
		if (getpwuid_r(*uid, &pw, buf, BUF_MAX, &found) == 0 && found)
			*gid = found->pw_gid;
	} else {
		rc = mus_errf(et, MUS_ERR_NOTFOUND, "there is no user \"%.64s\"", user);
	}
	free(buf);
	return rc;
}

static int
find_group(const char *group, gid_t *gid, struct mus_errtext *et)
{
	struct group gr, *found = NULL;
	char *buf = malloc(BUF_MAX);
	uint64_t n;
	int rc = 0;

	if (!buf)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	if (getgrnam_r(group, &gr, buf, BUF_MAX, &found) == 0 && found)
		*gid = found->gr_gid;
	else if (mus_parse_u64(group, ID_MAX, &n))
		*gid = (gid_t)n;
	else
		rc = mus_errf(et, MUS_ERR_NOTFOUND, "there is no group \"%.64s\"", group);
	free(buf);
	return rc;
}

/* Group first: without root the groups cannot be changed any more. */
static int
change(const char *user, uid_t uid, gid_t gid, struct mus_errtext *et)
{
	if (getuid() == uid && geteuid() == uid && getgid() == gid && getegid() == gid)
		return 0;
	if (geteuid() == 0 && setgroups(1, &gid) < 0)
		return mus_errf(et, MUS_ERR_DENIED, "setgroups: %s", strerror(errno));
	if (setresgid(gid, gid, gid) < 0)
		return mus_errf(et, MUS_ERR_DENIED, "become group %u: %s", (unsigned)gid, strerror(errno));
	if (setresuid(uid, uid, uid) < 0)
		return mus_errf(et, MUS_ERR_DENIED, "become user %.64s: %s", user, strerror(errno));
	if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return mus_errf(et, MUS_ERR_INTERNAL, "root's rights came back");
	return 0;
}

static int
raise_files(uint64_t wanted, struct mus_errtext *et)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return mus_errf(et, MUS_ERR_IO, "getrlimit: %s", strerror(errno));
	if (r.rlim_max < wanted) {	/* root may raise it */
		struct rlimit more = {wanted, wanted};

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return 0;
	}
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		return mus_errf(et, MUS_ERR_IO, "setrlimit: %s", strerror(errno));
	if (r.rlim_cur < wanted)
		return mus_errf(et, MUS_ERR_FULL, "%llu open files are wanted and %llu allowed (LimitNOFILE)",
		    (unsigned long long)wanted, (unsigned long long)r.rlim_cur);
	return 0;
}

int
mus_privs_apply(const struct mus_privs_opts *o, struct mus_errtext *et)
{
	struct rlimit none = {0, 0};
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool has_user = o->user && *o->user, has_group = o->group && *o->group;
	int rc;

	if (has_user && (rc = find_user(o->user, &uid, &gid, et)) < 0)
		return rc;
	if (has_group && (rc = find_group(o->group, &gid, et)) < 0)
		return rc;
	(void)umask(UMASK);
	if ((rc = raise_files(o->files_min, et)) < 0)
		return rc;
	if ((has_user || has_group) && (rc = change(has_user ? o->user : "", uid, gid, et)) < 0)
		return rc;
	/* Last: a change of the user sets "dumpable" anew. */
	if ((!o->core_dumps && setrlimit(RLIMIT_CORE, &none) < 0) ||
	    prctl(PR_SET_DUMPABLE, o->core_dumps ? 1 : 0) < 0)
		return mus_errf(et, MUS_ERR_DENIED, "core dumps: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return mus_errf(et, MUS_ERR_DENIED, "no_new_privs: %s", strerror(errno));
	return 0;
}
