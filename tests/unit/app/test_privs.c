/*
 * Each case runs in a child, for rights that were given up do not come back.
 */
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "app/privs.h"

/* Runs ${fn} in a child; what it answers. */
static int
in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define WANT(e)                                                                                    \
	do {                                                                                       \
		if (!(e))                                                                          \
			return __LINE__ & 0xff;                                                    \
	} while (0)

/* Becomes somebody in one more child. */
static int
become_somebody(const char *user, const char *group, uid_t uid, gid_t gid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (mus_privs_apply(&(struct mus_privs_opts){.user = user, .group = group}, NULL) < 0)
			_exit(2);
		_exit(getuid() == uid && getgid() == gid ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int
plain(void)
{
	struct mus_errtext et;
	struct rlimit r;

	WANT(mus_privs_apply(&(struct mus_privs_opts){0}, &et) == 0);
	WANT(umask(0) == 027);
	WANT(prctl(PR_GET_DUMPABLE) == 0);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	WANT(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur == 0 && r.rlim_max == 0);
	WANT(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur == r.rlim_max);
	return 0;
}

static int
cores(void)
{
	WANT(mus_privs_apply(&(struct mus_privs_opts){.core_dumps = true}, NULL) == 0);
	WANT(prctl(PR_GET_DUMPABLE) == 1);
	return 0;
}

static int
files_raised(void)
{
	struct rlimit r;

	WANT(getrlimit(RLIMIT_NOFILE, &r) == 0);
	r.rlim_cur = 64;
	WANT(setrlimit(RLIMIT_NOFILE, &r) == 0);
	WANT(mus_privs_apply(&(struct mus_privs_opts){.files_min = r.rlim_max}, NULL) == 0);
	WANT(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur == r.rlim_max && r.rlim_max > 64);
	return 0;
}

static int
files_too_few(void)
{
	struct mus_errtext et;

	WANT(mus_privs_apply(&(struct mus_privs_opts){.files_min = UINT64_C(1) << 40}, &et) == MUS_ERR_FULL);
	WANT(strstr(et.s, "1099511627776 open files are wanted"));
	return 0;
}

static int
no_user(void)
{
	struct mus_errtext et;

	WANT(mus_privs_apply(&(struct mus_privs_opts){.user = "no-such-user"}, &et) == MUS_ERR_NOTFOUND);
	WANT(strcmp(et.s, "there is no user \"no-such-user\"") == 0);
	WANT(mus_privs_apply(&(struct mus_privs_opts){.group = "no-such-group"}, &et) == MUS_ERR_NOTFOUND);
	WANT(strcmp(et.s, "there is no group \"no-such-group\"") == 0);
	/* -1 would mean: stay root. */
	WANT(mus_privs_apply(&(struct mus_privs_opts){.user = "4294967295"}, &et) == MUS_ERR_NOTFOUND);
	return 0;
}

static int
same_user(void)
{
	char me[20], group[20];

	snprintf(me, sizeof me, "%u", (unsigned)getuid());
	snprintf(group, sizeof group, "%u", (unsigned)getgid());
	WANT(mus_privs_apply(&(struct mus_privs_opts){.user = me, .group = group}, NULL) == 0);
	return 0;
}

static int
become(void)
{
	gid_t groups[8];

	WANT(mus_privs_apply(&(struct mus_privs_opts){.user = "54321", .group = "54322"}, NULL) == 0);
	WANT(getuid() == 54321 && geteuid() == 54321 && getgid() == 54322 && getegid() == 54322);
	WANT(getgroups(8, groups) == 1 && groups[0] == 54322);
	WANT(setuid(0) < 0 && setgid(0) < 0);
	WANT(prctl(PR_GET_DUMPABLE) == 0);
	WANT(umask(0) == 027);
	return 0;
}

static int
become_by_name(void)
{
	struct passwd *pw;
	struct group *gr;
	char user[100];
	uid_t uid;
	gid_t gid;

	/* Any account that is not root's, and whose group has another number than it. */
	for (setpwent(); (pw = getpwent()) && (pw->pw_uid == 0 || pw->pw_uid == pw->pw_gid);)
		;
	if (!pw)
		return 0;
	snprintf(user, sizeof user, "%s", pw->pw_name);
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	WANT(become_somebody(user, NULL, uid, gid) == 0);
	snprintf(user, sizeof user, "%u", (unsigned)uid);
	WANT(become_somebody(user, NULL, uid, gid) == 0);
	WANT((gr = getgrnam("daemon")) != NULL);
	WANT(become_somebody(user, "daemon", uid, gr->gr_gid) == 0);
	return become_somebody("54321", NULL, 54321, 54321);
}

static int
denied(void)
{
	struct mus_errtext et;

	WANT(setresuid(54321, 54321, 54321) == 0);
	WANT(mus_privs_apply(&(struct mus_privs_opts){.user = "12345", .group = "54321"}, &et) == MUS_ERR_DENIED);
	return 0;
}

static void
test_cases(void **state)
{
	static const struct {
		const char *name;
		int (*fn)(void);
		bool root;
	} t[] = {
		{"plain", plain, false},
		{"cores", cores, false},
		{"files raised", files_raised, false},
		{"files too few", files_too_few, false},
		{"no user", no_user, false},
		{"same user", same_user, false},
		{"become", become, true},
		{"become by name", become_by_name, true},
		{"denied", denied, true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		int rc;

		if (t[i].root && geteuid() != 0)
			continue;	/* needs root */
		if ((rc = in_child(t[i].fn)) != 0)
			fail_msg("%s: line %d (modulo 256)", t[i].name, rc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests_name("app/privs", tests, NULL, NULL);
}
