/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the user. Questions go to the terminal itself (/dev/tty), so stdin and stdout stay free;
 * without a terminal the error says what to give instead. Secrets are never arguments, which others
 * on the machine could read. */
#pragma once

#include "cli/cli.h"

/* True when there is somebody to ask. */
bool prompt_can_ask(void);
/* A line, not empty. Heap. */
int prompt_line(const char *question, char **ret, struct error *err);
/* The same without echo. Ctrl-C restores the terminal. */
int prompt_secret(const char *question, char **ret, struct error *err);
/* True when the answer is one of "y" and "yes". */
bool prompt_yes(const char *question);
/*
 * A new password: asked for twice, or the next line of stdin with --password-stdin. Heap; wipe it
 * with secret_free().
 */
int prompt_new_password(struct cli *c, char **ret, struct error *err);
/* The next line of stdin, without its newline. `what` names it in the error. Heap. */
int prompt_stdin_line(const char *what, char **ret, struct error *err);
/* Overwrites and frees; NULL is fine. */
void secret_free(char *s);

static inline void secret_free_p(char **s)
{
	secret_free(*s);
}
#define _cleanup_secret_ __attribute__((cleanup(secret_free_p)))
