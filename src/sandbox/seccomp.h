/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp filter of every sandbox (runtime-spec 1.0, config-linux.md,
 * "seccomp"): a list of what apps may call, much as Docker's default profile
 * has it for a process without capabilities. The differences and their reasons
 * stand above the list.
 */
#pragma once

#include <jansson.h>

json_t *sandbox_seccomp(void);
