/* SPDX-License-Identifier: Apache-2.0 */
/* See prompt.h. */
#include "cli/prompt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/signals.h"

#define LINE_MAX_BYTES 4096

void secret_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

bool prompt_can_ask(void)
{
	_cleanup_fd_ int fd = open_terminal();

	return fd >= 0;
}

/* A line without its end; NULL at the end of input, or for one that is too long. Byte by byte: what
 * follows is not ours. Heap. */
static char *read_line(int fd)
{
	char line[LINE_MAX_BYTES];
	size_t n = 0;
	ssize_t got = 0;
	char *copy;

	while (n < sizeof(line) && (got = read(fd, line + n, 1)) == 1 && line[n] != '\n')
		n++;
	if (got == 1 && n && n < sizeof(line) && line[n - 1] == '\r')
		n--;
	copy = (got == 1 || (got == 0 && n)) && n < sizeof(line) ? xstrndup(line, n) : NULL;
	explicit_bzero(line, sizeof(line));
	return copy;
}

static int ask(const char *question, bool echo, char **ret, struct error *err)
{
	_cleanup_fd_ int fd = open_terminal();
	struct termios before, silent;
	char *line;

	if (fd < 0)
		return error_set(err, ERROR_INVALID, "There is no terminal for the question: %s",
				 question);
	if (tcgetattr(fd, &before) < 0)
		return error_set(err, ERROR_SYSTEM, "The terminal can't be read");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	/* A signal ends the read, and the echo comes back. */
	signals_note();
	/* Silence first: who answers at once is not to be shown. */
	if ((!echo && tcsetattr(fd, TCSAFLUSH, &silent) < 0) ||
	    fd_write_all(fd, question, strlen(question)) < 0)
		return error_set(err, ERROR_SYSTEM, "The terminal can't be written to");
	line = read_line(fd);
	if (!echo) {
		tcsetattr(fd, TCSAFLUSH, &before);
		fd_write_all(fd, "\n", 1);
	}
	if (cli_interrupted || !line || !line[0]) {
		free(line);
		return error_set(err, ERROR_INVALID,
				 cli_interrupted ? "interrupted" : "No answer was given");
	}
	*ret = line;
	return 0;
}

int prompt_line(const char *question, char **ret, struct error *err)
{
	return ask(question, true, ret, err);
}

int prompt_secret(const char *question, char **ret, struct error *err)
{
	return ask(question, false, ret, err);
}

bool prompt_yes(const char *question)
{
	struct error ignored = ERROR_INIT;
	_cleanup_free_ char *answer = NULL;

	return prompt_line(question, &answer, &ignored) == 0 &&
	       (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
}

int prompt_stdin_line(const char *what, char **ret, struct error *err)
{
	*ret = read_line(STDIN_FILENO);
	if (*ret && (*ret)[0])
		return 0;
	secret_free(*ret);
	*ret = NULL;
	return error_set(err, ERROR_INVALID, "stdin has no line with %s", what);
}

int prompt_new_password(struct cli *c, char **ret, struct error *err)
{
	_cleanup_secret_ char *first = NULL, *second = NULL;

	if (cli_has(c, "password-stdin"))
		return prompt_stdin_line("the new password", ret, err);
	if (!prompt_can_ask())
		return error_set(err, ERROR_INVALID,
				 "There is no terminal to enter the password: give it as a line of "
				 "stdin with --password-stdin");
	if (prompt_secret("New password: ", &first, err) < 0 ||
	    prompt_secret("The same again: ", &second, err) < 0)
		return -1;
	if (!streq(first, second))
		return error_set(err, ERROR_INVALID, "The two are not the same");
	*ret = steal_ptr(first);
	return 0;
}
