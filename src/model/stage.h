/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a pipeline, in the order in which an app goes through them. The words are Heroku's.
 */
#pragma once

enum stage {
	STAGE_REVIEW,
	STAGE_DEVELOPMENT,
	STAGE_STAGING,
	STAGE_PRODUCTION,
	_STAGE_MAX,
};
extern const char *const stage_names[_STAGE_MAX];

/* _STAGE_MAX for a word that is none. */
enum stage stage_parse(const char *word);
