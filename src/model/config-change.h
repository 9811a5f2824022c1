/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of config vars, as a pure function: from the config and the changes to the new config and
 * a sentence. */
#pragma once

#include <jansson.h>

#include "base/error.h"

/* ERROR_INVALID unless each value is a string, or null to unset it, and names and values are valid
 * in an environment. */
int config_change_check(json_t *changes, struct error *err);
/* Applies changes that were checked: a new object, and *ret_sentence ("Set A, B and remove C config
 * vars"; heap). NULL if nothing changes. `config` is not modified. */
json_t *config_change_apply(json_t *config, json_t *changes, char **ret_sentence);
