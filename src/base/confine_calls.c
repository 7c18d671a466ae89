/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp: the table of confine_calls.def, made into a filter for all threads. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#ifdef IS_SANITIZED

enum rc
confine_calls(
    enum confine_profile profile, enum confine_mode mode, struct confine_report *report, struct fault *f)
{
	(void)profile;
	(void)mode;
	(void)report;
	(void)f;
	return RC_OK;
}

#else

#define PROFILES                  3u

enum verdict { V_no, V_yes, V_die, V_NOSYS, V_NOTTY, V_own, V_quiet, V_data, V_unix, V_self, V_untimed };

static const struct {
	int call;
	uint8_t verdict[PROFILES];
} rows[] = {
#define C(name, http, vault, hsm) { SCMP_SYS(name), { V_##http, V_##vault, V_##hsm } },
#include "base/confine_calls.def"
#undef C
};

/* ---- what the HTTP process should not have called ---- */

#define NUMBERS 1024u

static atomic_uchar is_told[NUMBERS];

/* Where a call's result lies when the handler returns; an unknown machine refuses without a word. */
#if defined(__x86_64__)
#define RESULT(context) (context)->uc_mcontext.gregs[REG_RAX]
#elif defined(__aarch64__)
#define RESULT(context) (context)->uc_mcontext.regs[0]
#endif

#ifdef RESULT
static const uint32_t refusal = SCMP_ACT_TRAP;

static void
refuse_call(int number, siginfo_t *info, void *arg)
{
	const unsigned call = (unsigned)info->si_syscall;
	ucontext_t *context = arg;

	(void)number;
	RESULT(context) = -EPERM;
	/* the log takes no lock and no memory, so it may be written from here */
	if (call < NUMBERS && atomic_exchange(&is_told[call], 1) == 0)
		log_world("call_refused", "number=%u: not on this process's list of system calls", call);
}

static bool
watch_refusals(void)
{
	struct sigaction action = { .sa_sigaction = refuse_call,
		.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART };
	sigset_t set;

	(void)sigemptyset(&action.sa_mask);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSYS);
	return sigaction(SIGSYS, &action, NULL) == 0 && pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0;
}
#else
static const uint32_t refusal = SCMP_ACT_ERRNO(EPERM);

static bool
watch_refusals(void)
{
	(void)is_told;
	return true;
}
#endif

/* ---- the filter ---- */

static int
add_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/* No page may be made executable any more: what runs is what was linked. */
static int
add_data(scmp_filter_ctx filter, int call)
{
	return add_if(filter, call, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* Threads of this process, never another process. */
static int
add_own(scmp_filter_ctx filter, int call)
{
	return add_if(filter, call, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

/* Of prctl only what changes nothing: a thread's name, and whether it may be dumped, to ask. */
static int
add_quiet(scmp_filter_ctx filter, int call)
{
	const int named = add_if(filter, call, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));

	return named != 0 ? named : add_if(filter, call, SCMP_A0(SCMP_CMP_EQ, PR_GET_DUMPABLE));
}

static int
add_unix(scmp_filter_ctx filter, int call)
{
	return add_if(filter, call, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
}

/*
 * No option of TCP.  The HTTP library sets two for each answer, though tls_wire hands the kernel one message
 * anyway and accepted sockets have TCP_NODELAY from their listener; told once that there is no such option,
 * it takes the socket for another kind and never asks again.
 */
static int
add_untimed(scmp_filter_ctx filter, int call)
{
	const struct scmp_arg_cmp tcp = SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP);
	const int error = add_if(filter, call, SCMP_A1(SCMP_CMP_NE, IPPROTO_TCP));

	return error != 0 ? error
			  : seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOPROTOOPT), call, 1, &tcp);
}

/* abort() and the like, never the other process */
static int
add_self(scmp_filter_ctx filter, int call)
{
	return add_if(filter, call, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

static int
add_row(scmp_filter_ctx filter, int call, enum verdict verdict)
{
	static int (*const with_arguments[])(scmp_filter_ctx filter, int call) = {
		[V_own] = add_own,
		[V_quiet] = add_quiet,
		[V_data] = add_data,
		[V_unix] = add_unix,
		[V_self] = add_self,
		[V_untimed] = add_untimed,
	};
	static const uint32_t plain[] = {
		[V_yes] = SCMP_ACT_ALLOW,
		[V_die] = SCMP_ACT_KILL_PROCESS,
		[V_NOSYS] = SCMP_ACT_ERRNO(ENOSYS),
		[V_NOTTY] = SCMP_ACT_ERRNO(ENOTTY),
	};

	if (verdict == V_no)
		return 0;
	return verdict < COUNT_OF(plain) ? seccomp_rule_add(filter, plain[verdict], call, 0)
					 : with_arguments[verdict](filter, call);
}

/* Where a profile differs from HTTP's list: who talks to a database connects to it again after each failover,
 * and libpq sets options of TCP; who delivers looks names up (netlink, and two questions in one call). */
static const struct {
	enum confine_profile profile;
	int call;
	enum verdict verdict;
} differences[] = {
	{ CONFINE_HTTP_DATABASE, SCMP_SYS(socket), V_yes },
	{ CONFINE_HTTP_DATABASE, SCMP_SYS(connect), V_yes },
	{ CONFINE_HTTP_DATABASE, SCMP_SYS(setsockopt), V_yes },
	{ CONFINE_CLIENT, SCMP_SYS(socket), V_yes },
	{ CONFINE_CLIENT, SCMP_SYS(connect), V_yes },
	{ CONFINE_CLIENT, SCMP_SYS(setsockopt), V_yes },
	{ CONFINE_CLIENT, SCMP_SYS(bind), V_yes },
	{ CONFINE_CLIENT, SCMP_SYS(sendmmsg), V_yes },
	{ CONFINE_CLIENT, SCMP_SYS(accept), V_no },
	{ CONFINE_CLIENT, SCMP_SYS(accept4), V_no },
	{ CONFINE_CLIENT, SCMP_SYS(wait4), V_no },
	{ CONFINE_CLIENT, SCMP_SYS(waitid), V_no },
};

static enum verdict
verdict_of(size_t i, enum confine_profile profile)
{
	if (profile < PROFILES)
		return rows[i].verdict[profile];
	for (size_t k = 0; k < COUNT_OF(differences); k++)
		if (differences[k].profile == profile && differences[k].call == rows[i].call)
			return differences[k].verdict;
	return rows[i].verdict[CONFINE_HTTP];
}

/* Has it a handler that says what was refused? */
static bool
is_watched(enum confine_profile profile)
{
	return profile == CONFINE_HTTP || profile == CONFINE_HTTP_DATABASE || profile == CONFINE_CLIENT;
}

static int
add_rows(scmp_filter_ctx filter, enum confine_profile profile, uint32_t otherwise)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < COUNT_OF(rows); i++) {
		const enum verdict verdict = verdict_of(i, profile);

		/* a rule that says what the default says is an error to the library */
		if (verdict == V_die && otherwise == SCMP_ACT_KILL_PROCESS)
			continue;
		/* calls of other machines have negative numbers here, and no rule */
		if (rows[i].call >= 0)
			error = add_row(filter, rows[i].call, verdict);
	}
	return error;
}

/* What nobody needs in order to send a message: other processes' memory, and the kernel's inside. */
static const int meddling[] = { SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(acct),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(syslog) };

static int
refuse_meddling(scmp_filter_ctx filter)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < COUNT_OF(meddling); i++)
		if (meddling[i] >= 0)
			error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), meddling[i], 0);
	return error;
}

static uint32_t
default_of(enum confine_profile profile)
{
	if (profile == CONFINE_PROGRAM)
		return SCMP_ACT_ALLOW;
	return is_watched(profile) ? refusal : SCMP_ACT_KILL_PROCESS;
}

static int
load(enum confine_profile profile)
{
	const uint32_t otherwise = default_of(profile);
	scmp_filter_ctx filter = seccomp_init(otherwise);
	int error = filter == NULL ? -ENOMEM : 0;

	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (error == 0)
		error = profile == CONFINE_PROGRAM ? refuse_meddling(filter)
						   : add_rows(filter, profile, otherwise);
	if (error == 0)
		(void)seccomp_attr_set(
		    filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, where the library can */
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

enum rc
confine_calls(
    enum confine_profile profile, enum confine_mode mode, struct confine_report *report, struct fault *f)
{
	int error;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return mode == CONFINE_TRY
		    ? RC_OK
		    : fault_set(f, RC_UNAVAILABLE, MSG_CONFINE_MISSING, NULL, 0, "seccomp");
	if (is_watched(profile) && !watch_refusals())
		return fault_set(f, RC_UNAVAILABLE, MSG_CONFINE_FAILED, NULL, errno, "seccomp");
	if ((error = load(profile)) != 0)
		return fault_set(f, RC_UNAVAILABLE, MSG_CONFINE_FAILED, NULL, -error, "seccomp");
	report->has_calls = true;
	return RC_OK;
}

#endif
