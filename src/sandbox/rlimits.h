/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resource limits of every process in a sandbox (setrlimit(2)), all of them stated, so that a
 * sandbox doesn't depend on the shell or unit that twelved was started from.
 */
#pragma once

#include <jansson.h>

/*
 * "rlimits" of config.json, as a new reference. A limit above our own is stated only where we may
 * raise ours (CAP_SYS_RESOURCE), so that a start never fails by it.
 */
json_t *sandbox_rlimits(void);
