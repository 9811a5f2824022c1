/* SPDX-License-Identifier: Apache-2.0 */
/* See term.h. */
#include "cli/term.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool is_raw;

bool term_is_interactive(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void term_restore(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_raw = false;
}

int term_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -errno;
	raw = before;
	cfmakeraw(&raw);
	if (atexit(term_restore) != 0)
		return -ENOMEM;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return -errno;
	is_raw = true;
	return 0;
}

bool term_size(int *ret_columns, int *ret_rows)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
		return false;
	*ret_columns = size.ws_col;
	*ret_rows = size.ws_row;
	return true;
}

void term_describe(json_t *env)
{
	const char *term = getenv("TERM");
	int columns, rows;

	json_object_set_new(env, "TERM", json_string(term ? term : "dumb"));
	if (!term_size(&columns, &rows))
		return;
	json_object_set_new(env, "COLUMNS", json_integer(columns));
	json_object_set_new(env, "LINES", json_integer(rows));
}
