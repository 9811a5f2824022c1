/* SPDX-License-Identifier: Apache-2.0 */
/* Everything an app is told comes from its environment. */
#pragma once

#include <stdlib.h>

static inline const char *env_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

/* A number between low and high; otherwise when the text is none. */
static inline double number_or(const char *text, double otherwise, double low, double high)
{
	char *end = NULL;
	double value = text ? strtod(text, &end) : otherwise;

	if (text && (end == text || *end || value != value))
		value = otherwise;
	return value < low ? low : value > high ? high : value;
}
