/* SPDX-License-Identifier: Apache-2.0 */
/* The programs' own log: one line per event to stderr, unbuffered, for systemd or a terminal. Log
 * once, at the top: the request handler, the reconciler, main. Never log a secret. */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Each line starts with the program's name. Reads TWELVE_LOG_LEVEL (error, warn, info, debug). */
void log_init(const char *program);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
