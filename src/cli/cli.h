/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands share: the arguments, the API, the app, the terminal.
 *
 * stdout has what was asked for and nothing else, so that it can be piped;
 * progress, notes and errors go to stderr.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/api.h"
#include "cli/args.h"

struct cli {
	struct args args;
	struct api *api; /* made by cli_api() */
	char *app;	 /* found by cli_app() */
	bool color;	 /* stdout is a terminal that wants colours */
	bool color_err;
	bool animate;	  /* stderr is a terminal: progress redraws a line */
	bool in_progress; /* a line of progress is on the screen */
	char *progress;	  /* its text */
};

/* The connection, made when first asked for. NULL with *err. */
struct api *cli_api(struct cli *c, struct error *err);
/* -a, $TWELVE_APP, or the git remote. NULL with *err, which says what to type. */
const char *cli_app(struct cli *c, struct error *err);
/* GET /apps/APP/WHAT, of the app of cli_app(). A new reference, or NULL with *err. */
json_t *get_of_app(struct cli *c, const char *what, struct error *err);
/* --confirm NAME, of what can't be undone: 1 if NAME is `name`, 0 if nothing was given. -1 with *err
 * if it is another name. */
int cli_confirmed(const struct cli *c, const char *name, struct error *err);
/*
 * What to run when the API could not find something, a sentence: "Run `twelve apps` to list your
 * apps." Appended; nothing for other messages. app: the one that was asked about, or NULL.
 */
void next_step(const char *message, const char *app, struct buf *out);
/* --socket of the scripts that twelved writes: it goes before the environment. */
void cli_use_socket(struct cli *c);
static inline const char *cli_rest(const struct cli *c, size_t i)
{
	return args_rest(&c->args, i);
}
static inline bool cli_has(const struct cli *c, const char *option)
{
	return args_has(&c->args, option);
}
static inline const char *cli_get(const struct cli *c, const char *option)
{
	return args_get(&c->args, option);
}

/* ---- JSON that may lack anything (json.c) ---- */

/* A path of keys with dots: "twelve.proof". NULL when not there. */
const json_t *json_at(const json_t *j, const char *path);
/* The string there, or fallback when it is not there or not a string. */
const char *json_str(const json_t *j, const char *path, const char *fallback);
int64_t json_i64(const json_t *j, const char *path, int64_t fallback);
bool json_bool(const json_t *j, const char *path);
/* RFC 3339 to wall-clock milliseconds; 0 when it can't be read. */
int64_t json_time(const json_t *j, const char *path);

static inline void json_unref_p(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ __attribute__((cleanup(json_unref_p)))

/* ---- Output (out.c) ---- */

struct table {
	size_t n_columns;
	char **cells; /* row by row; the first row may be the headings */
	size_t n_cells;
	bool headings;
};
#define _cleanup_table_ __attribute__((cleanup(table_done)))

/* headings: a string for each column, or NULL for none. */
void table_init(struct table *t, size_t n_columns, const char *const *headings);
void table_done(struct table *t);
/* One row, n_columns strings; NULL is "". Control characters are shown as "?". */
void table_add(struct table *t, ...);
/* Columns two blanks apart, the last not padded. Headings bold with color. */
void table_render(const struct table *t, bool color, struct buf *out);
void table_print(const struct cli *c, const struct table *t);
/* Prints JSON, indented, and a newline. */
void print_json(const json_t *j);
/* With --json, prints it and returns true: nothing else is to be shown. */
bool printed_json(const struct cli *c, const json_t *j);
/* Prints what comes from a URL of the API, as it comes, until it ends. */
int print_stream(struct cli *c, const char *url, struct error *err);
/* s as it may be shown: control characters as "?", "" for NULL. Appended. */
void buf_put_clean(struct buf *b, const char *s);

enum style { STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };
/* The escape sequence, or "" without color; style_off likewise. */
const char *style_on(bool color, enum style s);
const char *style_off(bool color);

/* "0.4 s", "12 s", "3m", "2h", "5d": one unit. */
#define DURATION_SIZE 32
char *duration_text(int64_t ms, char buf[static DURATION_SIZE]);
/* "2026/11/22 10:00:01 (~ 3m ago)" in UTC. */
#define SINCE_SIZE 64
char *since_text(int64_t at_ms, int64_t now_ms, char buf[static SINCE_SIZE]);
/* "12.3 MB". */
char *bytes_text(int64_t bytes, char buf[static DURATION_SIZE]);
/* The size of an add-on, given as the API's JSON: "12.3 MB", or in words why there is none. */
char *addon_size_text(const json_t *addon, char buf[static DURATION_SIZE]);

/* A line on stderr. */
void note(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Shows progress on a line that is redrawn; only on a terminal. */
void progress(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes that line away. */
void progress_clear(struct cli *c);

/* ---- Waiting until a change is live (wait.c) ---- */

/* Between two looks. */
void pause_ms(int64_t ms);
/* The number of the app's newest release; 0 when there is none. */
int newest_release(struct cli *c, const char *app, int64_t *ret, struct error *err);
/* Waits for a release, and for releases that superseded it, and reports the result. 0, or -1 if it
 * failed, after printing its last lines. If a signal interrupts this or another wait below, says
 * that the change goes on and returns the exit code, 128 + the signal. */
int wait_for_release(struct cli *c, const char *app, int64_t version, struct error *err);
/* After a change that may have created a release: prints which, and waits unless --no-wait. */
int settle_release(struct cli *c, const char *app, int64_t before, const char *what,
		   struct error *err);
/* "v5 is live after 0.4 s: 0 of 132 requests failed", of a release. Appended. */
void release_proof_text(const json_t *release, struct buf *out);
/* Waits until the dynos of the types in this formation are up. */
int wait_for_formation(struct cli *c, const char *app, const json_t *formation, struct error *err);
/* Waits until each of these dynos has a successor that is up. */
int wait_for_successors(struct cli *c, const char *app, const json_t *old, struct error *err);

/* ---- Apps and git (remote.c) ---- */

/* "shop" of ssh://twelve@machine/shop.git, /srv/git/shop.git, machine:shop.git. NULL when there is
 * none. Heap. */
char *app_from_url(const char *url);
/* The value of a git config key of the working directory's repository, or NULL. Heap. */
char *git_config(const char *key);
/* True within a git work tree. */
bool git_in_work_tree(const char *dir);
/* The URL to push an app to, from the JSON of GET /apps/:app and the way we reach the machine.
 * Heap. */
char *git_url_of(struct cli *c, const json_t *app);
/* What a git command prints, trimmed; NULL when it fails. Heap. */
char *git_output(const char *dir, const char *const *argv);

/* ---- Deploying (deploy.c) ---- */

struct deploy {
	const char *app;
	int take_source_fd; /* a tar, read to its end and closed */
	int64_t size_bytes; /* -1: not known before */
	const char *commit; /* "" when unknown */
	pid_t writer;	    /* the child that writes the source, reaped here; 0: none */
	const char *writer_name;
	bool exact;		 /* a lone top folder is no wrapping */
	char *const *submodules; /* of the commit, "COMMIT PATH" each; NULL: none */
	char *const *updates;	 /* from git's hook: the push's updates, "OLD NEW REF" each; NULL:
				 not a push */
};
/* Uploads, builds, shows the output, waits for the rollout. -1: it failed, *err says why. */
int deploy_source(struct cli *c, const struct deploy *o, struct error *err);
/* A child that writes a directory as tar to a pipe. */
int tar_spawn(const char *dir, pid_t *ret_pid, int *ret_fd, struct error *err);

/* ---- Help (help.c, completion.c) ---- */

void help_overview(const struct cli *c, FILE *f);
void help_command(const struct cli *c, const struct command *cmd, FILE *f);
/* The completion script of "bash", "zsh" or "fish"; false for another shell. */
bool completion_script(const struct command_group *all, const char *shell, struct buf *out);
/* The section COMMANDS of man/twelve.1. */
void manual_commands(const struct command_group *all, struct buf *out);

extern const struct command *const help_commands[], *const completion_commands[],
							    *const manual_table[];
