/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of /proc and /sys a sandbox doesn't see, and what it sees and can't write, beside what the
 * mounts leave out. docs/sandbox.md has the same lists, with reasons; a unit test compares them.
 */
#pragma once

#include <jansson.h>

/*
 * "maskedPaths" of config.json, as a new reference. root: "" on a machine, a directory in tests;
 * below it is looked for what each processor has.
 */
json_t *sandbox_masked_paths(const char *root);
/* "readonlyPaths". */
json_t *sandbox_readonly_paths(void);
