/* SPDX-License-Identifier: Apache-2.0 */
/* Stages of a pipeline; see stage.h. */
#include "model/stage.h"

#include "base/str.h"

const char *const stage_names[_STAGE_MAX] = {
	[STAGE_REVIEW] = "review",
	[STAGE_DEVELOPMENT] = "development",
	[STAGE_STAGING] = "staging",
	[STAGE_PRODUCTION] = "production",
};

enum stage stage_parse(const char *word)
{
	int s = 0;

	while (s < _STAGE_MAX && !streq(stage_names[s], word))
		s++;
	return (enum stage)s;
}
