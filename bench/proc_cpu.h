/* SPDX-License-Identifier: Apache-2.0 */
/* CPU seconds by the kernel's account: of some processes with all their children, of this one, of the
 * machine. */
#ifndef BENCH_PROC_CPU_H
#define BENCH_PROC_CPU_H

/* Seconds since some fixed moment: only differences of two readings mean something. */
struct proc_cpu {
	double
	    server; /* user and system time of the processes asked for and of their children, dead ones too */
	double own; /* of this process */
	double machine; /* of everybody */
};

/** Read the clocks.  ${pids} is a list of process ids parted by commas, or empty.  What cannot be read counts
 * 0. */
void proc_cpu_read(const char *pids, struct proc_cpu *out);

#endif
