/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands as records, and the arguments that a person typed, read by them.
 *
 * `twelve [OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]`. Short options may be
 * bundled (-tn5), values may follow directly, after "=" or as the next word,
 * and "--" ends options. A command with CMD_VERBATIM takes everything from its
 * first argument on as it is: `run ls -l`; one that must have more than one, what follows those.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct cli;

struct arg_option {
	const char *name;
	const char *value; /* what it takes, for the help; NULL: nothing */
	const char *help;
	char letter; /* 0: none */
	bool many;   /* may be there more than once: they add up */
};

enum command_flags {
	CMD_APP = 1 << 0,  /* takes -a and --remote */
	CMD_JSON = 1 << 1, /* takes --json */
	CMD_WAIT = 1 << 2, /* takes --no-wait */
	CMD_VERBATIM =
		1 << 3,	     /* arguments after the command's own are passed on unread; see above */
	CMD_HIDDEN = 1 << 4, /* for programs, not for people */
	CMD_REMOTE = 1 << 5, /* --remote names the remote to write; -a may be given as well */
};

#define CMD_MAX_ALIASES 4
#define CMD_ANY_ARGS (-1)

struct command {
	const char *name;
	const char *aliases[CMD_MAX_ALIASES + 1];
	const char *usage;		  /* the arguments: "[NAME]" */
	const char *summary;		  /* one line, no full stop */
	const char *details;		  /* paragraphs, or NULL */
	const char *examples;		  /* lines, or NULL */
	const struct arg_option *options; /* ends with a name of NULL; or NULL */
	int min_args, max_args;
	unsigned int flags;
	/* The exit code, or -1 with *err. */
	int (*run)(struct cli *c, struct error *err);
};

/* Commands of one subject, as the help shows them: the tables of files, NULL at the end. */
struct command_group {
	const char *title;
	const struct command *const *const *files;
};

/* The i-th command of all groups, which end with a title of NULL; NULL after the last. */
const struct command *command_at(const struct command_group *all, size_t i);
/* By name or alias; NULL when there is none. */
const struct command *command_find(const struct command_group *all, const char *name);
/* The i-th option of a command, its own and the common ones; NULL after the last. */
const struct arg_option *command_option(const struct command *cmd, size_t i);
/* The part of a name before the colon: "ps" of "ps:scale". The length of it. */
size_t command_topic_len(const char *name);

struct arg_value {
	const struct arg_option *option;
	const char *value;
};

struct args {
	const struct command_group *all; /* the commands that there are */
	const struct command *command;	 /* NULL: none was given */
	struct arg_value *values;
	size_t n_values;
	const char **rest; /* borrowed words, NULL-terminated */
	size_t n_rest;
	size_t n_before_dashes; /* of the rest: those before "--", or all */
};

/* Parses argv (argv[0] is the program). Mistakes are ERROR_INVALID, with a suggestion. */
int args_parse(struct args *a, const struct command_group *all, int argc, char *const *argv,
	       struct error *err);
void args_done(struct args *a);
bool args_has(const struct args *a, const char *name);
/* The last value given, or NULL. */
const char *args_get(const struct args *a, const char *name);
/* The i-th value given for an option that may be repeated, or NULL. */
const char *args_nth(const struct args *a, const char *name, size_t i);
/* The i-th argument, or NULL. */
const char *args_rest(const struct args *a, size_t i);
/* A whole number in [min, max]; `fallback` when the option was not given. */
int args_number(const struct args *a, const char *name, int64_t min, int64_t max, int64_t fallback,
		int64_t *ret, struct error *err);

/* Edit distance with transpositions (optimal string alignment), 100 for words too long to bother.
 */
size_t suggest_distance(const char *a, const char *b);
/* elsewhere.c: for a Heroku command that does not exist here, a sentence on what to use instead;
 * else NULL. */
const char *command_elsewhere(const char *word);
/* The candidate nearest to s; NULL if none is near. */
const char *suggest(const char *s, const char *const *candidates);

/* "web=3", "worker=1:standard-2x", "web+1", "web=standard-2x" (a size alone). */
struct scale {
	char type[64];
	char quantity[16]; /* "3", "+1", "-2"; "" when only the size is given */
	char size[32];	   /* "" when it stays */
};
int scale_parse(const char *s, struct scale *ret, struct error *err);
/* "KEY=VALUE": *ret_key is a heap string, *ret_value points into s. The value is in no message. */
int assignment_parse(const char *s, char **ret_key, const char **ret_value, struct error *err);
/* "v12" or "12". */
int version_parse(const char *s, int64_t *ret, struct error *err);
/* A command's words as one shell command line: a single word unchanged, several quoted where
 * needed. Heap. */
char *shell_join(const char *const *words);
/* A value as a POSIX shell reads it back. Heap. */
char *shell_quote(const char *s);
