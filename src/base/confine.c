/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, user, capabilities; the order of the steps; and what is said about them. */
#include "base/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

void
confine_memory(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifndef MENEDEK_DEBUG
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* What root alone may lock: once it is somebody else, the limit counts. */
static void
keep_locked_memory(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &all);
}

static enum rc
become(const struct passwd *user, struct fault *f)
{
	if (initgroups(user->pw_name, user->pw_gid) != 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		return fault_set(f, RC_FORBIDDEN, MSG_USER_REFUSED, NULL, 0, user->pw_name);
	/* a drop that can be undone is none */
	if (user->pw_uid != 0 && setresuid(0, 0, 0) == 0)
		return fault_set(f, RC_INTERNAL, MSG_USER_REFUSED, NULL, 0, user->pw_name);
	return RC_OK;
}

/* The bounding set counts at exec only, which no_new_privs and seccomp forbid as well.  Only root may shrink
 * it. */
static void
shrink_bounds(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3], left[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	(void)syscall(
	    SYS_capset, &head, none); /* systemd may have taken both the capabilities and this call */
	return syscall(SYS_capget, &head, left) == 0 && memcmp(left, none, sizeof(none)) == 0;
}

enum rc
confine_user(const char *name, struct confine_report *report, struct fault *f)
{
	const struct passwd *user = NULL;
	int signal_of_parent = 0;
	enum rc rc;

	errno = 0;
	if (name != NULL && (user = getpwnam(name)) == NULL)
		return fault_set(f, RC_NOT_FOUND, MSG_USER_UNKNOWN, NULL, 0, name);
	(void)prctl(PR_GET_PDEATHSIG, &signal_of_parent, 0, 0, 0);
	keep_locked_memory();
	shrink_bounds(); /* before root is gone */
	if (user != NULL && (geteuid() != user->pw_uid || getuid() != user->pw_uid) &&
	    (rc = become(user, f)) != RC_OK)
		return rc;
	report->user = name;
	report->has_no_privileges = drop_capabilities();
	(void)prctl(PR_SET_PDEATHSIG, signal_of_parent, 0, 0, 0); /* a change of user clears it */
	confine_memory(); /* a change of user makes a process dumpable again on some systems */
	return RC_OK;
}

void
confine_log(const char *who, const struct confine_report *r)
{
	log_note("confined",
	    "%s user=%s capabilities=%s files=%s tcp_connect=%s signals=%s calls=%s landlock=%d", who,
	    r->user != NULL ? r->user : "same", r->has_no_privileges ? "none" : "kept",
	    r->has_files ? "listed" : "all", r->has_network ? "none" : "any", r->has_scope ? "own" : "any",
	    r->has_calls ? "listed" : "all", r->landlock);
#ifndef MENEDEK_DEBUG
	if (!r->has_no_privileges || !r->has_files || !r->has_calls)
		log_world("confinement_missing",
		    "%s goes on without%s%s%s: whoever takes over this process reaches more than it should",
		    who, r->has_no_privileges ? "" : " dropped capabilities", r->has_files ? "" : " landlock",
		    r->has_calls ? "" : " seccomp");
#endif
}

enum rc
confine_vault(const struct confine_vault *v, struct fault *f)
{
	struct confine_report report = { 0 };
	enum rc rc;

	confine_memory();
	if ((rc = confine_user(v->user, &report, f)) != RC_OK)
		return rc;
	if ((rc = confine_files(v->rows, v->count, v->mode, &report, f)) != RC_OK)
		return rc;
	if ((rc = confine_calls(v->profile, v->mode, &report, f)) != RC_OK)
		return rc;
	confine_log("vault", &report);
	return RC_OK;
}
