/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of config vars, as a pure function: config and changes to the new config and a sentence. */
#pragma once

#include <jansson.h>

#include "base/error.h"

/* Each value has to be a string, or null to unset it, and names and values what an environment takes; else ERROR_INVALID. */
int config_change_check(json_t *changes, struct error *err);
/*
 * The config after the changes, which have been checked: a new object, which the caller unrefs, with *ret_sentence ("Set A, B
 * and remove C config vars"; heap). NULL when nothing changes. `config` stays as it is.
 */
json_t *config_change_apply(json_t *config, json_t *changes, char **ret_sentence);
