/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of every sandbox (runtime-spec 1.0, config-linux.md, "seccomp"): a list that
 * denies what Docker's default profile denies to a process without capabilities. */
#pragma once

#include <jansson.h>

json_t *sandbox_seccomp(void);
