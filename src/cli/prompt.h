/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person is asked. Questions go to the terminal itself (/dev/tty), so that stdin and stdout
 * stay free; without one there is an error that says what to give instead. Nothing secret is ever
 * an argument: others on the machine could read it.
 */
#pragma once

#include "cli/cli.h"

/* True when there is somebody to ask. */
bool prompt_can_ask(void);
/* A line, not empty. Heap. */
int prompt_line(const char *question, char **ret, struct error *err);
/* The same without an echo. Ctrl-C gives the terminal its echo back. */
int prompt_secret(const char *question, char **ret, struct error *err);
/* True when the answer is one of "y" and "yes". */
bool prompt_yes(const char *question);
/*
 * A new password: asked for twice, or the next line of stdin with --password-stdin. Heap; wipe it
 * with secret_free().
 */
int prompt_new_password(struct cli *c, char **ret, struct error *err);
/* The next line of stdin, without its end; what it is, for the error. Heap. */
int prompt_stdin_line(const char *what, char **ret, struct error *err);
/* Overwrites and frees; NULL is fine. */
void secret_free(char *s);

static inline void secret_free_p(char **s)
{
	secret_free(*s);
}
#define _cleanup_secret_ __attribute__((cleanup(secret_free_p)))
