/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git for somebody who pushes to this machine or fetches from it. What is sent is theirs: a
 * kilobyte of it may stand for a gigabyte of memory, and a megabyte for all of the disk. The
 * settings that go with these limits are in the repository's own (daemon/git/repository.c).
 */
#pragma once

#include "base/proc.h"

/* What one process of it may have, by what the machine has. */
struct proc_limits git_limits(void);
