/* SPDX-License-Identifier: Apache-2.0 */
/* Limits for git when it serves somebody who pushes or fetches. The input is untrusted: a kilobyte
 * of it can expand to a gigabyte of memory, a megabyte can fill the disk. The matching settings are
 * in each repository's configuration (daemon/git/repository.c). */
#pragma once

#include "base/proc.h"

/* The limits of one git process, derived from the machine's memory. */
struct proc_limits git_limits(void);
