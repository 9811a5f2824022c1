/* SPDX-License-Identifier: Apache-2.0 */
/* The programs' own log; see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static const char *program_name = "twelve";

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_init(const char *program)
{
	const char *want = getenv("TWELVE_LOG_LEVEL");

	program_name = program;
	for (unsigned i = 0; want && i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(want, level_names[i]) == 0)
			max_level = i;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	int n;

	if (level > max_level)
		return;
	n = snprintf(line, sizeof(line), "%s: %s: ", program_name, level_names[level]);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	/* One write a line, so that lines of several programs do not mix; if stderr is gone there
	 * is nobody to tell. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
