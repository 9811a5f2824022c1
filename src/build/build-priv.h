/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the build module share. */
#pragma once

#include "base/buf.h"
#include "build/build.h"
#include "model/procfile.h"
#include "stack/stack.h"

/* One buildpack of a build: a folder in the build's packs/, which is /buildpacks in the sandbox. */
struct pack {
	char *folder;	     /* "python", "ext-1" */
	char *label;	     /* what the person wrote, or the in-tree name: for messages */
	char *name;	     /* what bin/detect printed: "Python" */
	bool serves, wanted; /* as struct candidate has them, of those that are in the tree */
	char *why;	     /* what bin/beside said of it; may be NULL */
};

/* Why should_stop said so. */
enum stop_reason {
	STOP_NOT,
	STOP_CANCELLED,
	STOP_DISK_SHARE, /* the build's own */
	STOP_DISK_FULL,	 /* the machine's */
	STOP_FILES,
	STOP_DEPTH,
};

/* When to look again at what the build has written, so that looking takes a fifth of the time at
 * most. */
struct watched {
	int64_t next_ms, soonest_ms;
	uint64_t free_files, free_bytes; /* of the file system, when we looked last */
};

struct build {
	const struct build_options *o;
	char *work;	 /* STATE/builds/ID */
	char *app;	 /* work/app: /app */
	char *packs_dir; /* work/packs: /buildpacks */
	char *env_dir;	 /* work/env, a memory-backed mount: /env */
	char *cache;	 /* STATE/cache/APP/OWNER: /cache */
	char source_digest[DIGEST_HEX_SIZE];
	char watched_digest[DIGEST_HEX_SIZE]; /* of what TWELVE_WATCH_PATHS names; "" when it is not
						 set */
	char packs_digest[DIGEST_HEX_SIZE];
	struct pack *packs; /* those that apply, in order */
	size_t n_packs;
	bool chosen; /* named by the setting or by .buildpacks: all apply */
	char **packages_run, **packages_build;
	struct buf aptfile; /* the app's, for messages */
	char where[64];	    /* "Aptfile:2": what the stack's callback gave last */
	struct stack base, run, build, fetch;
	struct procfile procfile; /* the app's own types; empty when it names none */
	const char *types_file; /* that names them: "Procfile", "heroku.yml"; NULL when none does */
	bool has_namespace;	/* of mounts */
	bool env_mounted;
	bool keep_tmp; /* what the step before has left in /tmp is still needed */
	struct watched watched;
	int64_t ran_ms; /* in sandboxes */
	enum stop_reason stop_reason;
};

/* work.c: what all parts of a build use. */
/* Text for the pusher. */
void build_say(const struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A small text file of the app's tree: -ENOENT is returned for one that is not there, -1 with an
 * error for one that can't be used. */
int build_read_text(const struct build *b, const char *name, struct buf *ret, struct error *err);
/* From here on SIGTERM and SIGINT cancel the build. */
void build_take_signals(void);
/* True after SIGTERM or SIGINT. */
bool build_cancelled(void);
/* Whether one that others wrote comes before this one: what it makes can't be told from the source.
 */
bool build_has_foreign(const struct build *b, size_t before);

/* packs.c: which buildpacks. */
/* Copies the in-tree buildpacks and those of the setting into packs/. */
int packs_fetch(struct build *b, struct error *err);
/* Runs bin/detect, keeps those that apply, and says which; of those that were chosen the first
 * only. */
int packs_detect(struct build *b, struct error *err);
/* Of those that were chosen, the one with this number: its name, or why it does not want the app.
 */
int packs_detect_chosen(struct build *b, size_t i, struct error *err);
/* packs-choose.c: of those that recognise the app when none was chosen, keeps what builds it, and
 * says why. */
int packs_choose(struct build *b, struct error *err);
/* nothing.c: an app that no buildpack recognises. The error says what is seen, and what to add. */
int packs_none(const struct build *b, struct error *err);
/* A sentence on folders that have what their top has not, and the setting that builds one; NULL
 * when there are none. Heap. */
char *nothing_below(const struct build *b);
/* start.c: start commands. */
/* " (...)" on the first file of another platform that has one; "" when there is none. Heap. */
char *start_elsewhere(const struct build *b);
/* Of what was built: warns of programs that commands name and that can't be executed. */
void start_check(const struct build *b, const struct procfile *p);
/* unsupported.c: what can't be built here, said in one sentence before a stack is made for it. */
/* A language that no buildpack here is for. */
int unsupported_language(const struct build *b, struct error *err);
/* Names one that stands beside what builds the app. */
void unsupported_tell(const struct build *b);
/* bin/check of each buildpack that has one. */
int unsupported_files(struct build *b, struct error *err);

/* packages_run and packages_build of the buildpacks, and the app's Aptfile. */
int packs_packages(struct build *b, struct error *err);

/* steps.c: what runs in the sandbox. */
/* Runs a script in `stack` with the folder names of the buildpacks as arguments; its exit code is
 * in *ret_code. */
int steps_run(struct build *b, const struct stack *stack, const char *script, char *const *args,
	      int output_fd, int *ret_code, struct error *err);
/* As steps_run, with what the script prints. */
int steps_capture(struct build *b, const struct stack *stack, const char *script, char *const *args,
		  struct buf *ret, int *ret_code, struct error *err);
/* The two parts of it, for sandboxes that are not the build's own: a file that takes what is
 * printed, and what there is in it. */
int steps_open_capture(const struct build *b, struct error *err);
int steps_read_capture(int fd, struct buf *ret, struct error *err);
/* Runs a sandbox to its end, which the build's limits may bring; `env` has NAME=VALUE NUL ... */
int steps_run_spec(struct build *b, const struct sandbox_spec *s, const struct buf *env,
		   int output_fd, int *ret_code, struct error *err);
void steps_put(struct buf *env, const char *key, const char *value);
/* What speaks to the network needs: where certificates are, and proxies if they are asked for. */
void steps_put_network(struct buf *env, bool proxies);
/* The host's certificates, where builds get them; how many binds that is, one or none. */
size_t steps_bind_certificates(struct sandbox_bind *ret);
/* Mounts a file system that is in memory, in a namespace of this process's own. */
int steps_mount_memory(struct build *b, const char *dir, struct error *err);
/* Makes env/ with a file for each config var. */
int steps_mount_env(struct build *b, struct error *err);

/* compile.c */
/* bin/compile of each, then bin/release of the last, whose output is left in
 * app/.twelve/release.yml. */
int compile_packs(struct build *b, struct error *err);

/* types.c: what a slug runs. */
/* The app's Procfile, before anything long: what can't run need not be built. */
int types_read_procfile(struct build *b, struct error *err);
/* Without a Procfile, asks the buildpack before it compiles, where that can be told. */
int types_check_defaults(struct build *b, struct error *err);
/* After the compilation: the Procfile's, or else what bin/release printed. */
int types_collect(struct build *b, struct procfile *ret, struct error *err);

/* slug.c: finished slugs. */
/* True when the key is known and its slug is there. */
bool slug_find(const struct build *b, const char *key, struct build_result *ret);
/* Packs app/ into STATE/slugs and remembers it under the key. */
int slug_keep(struct build *b, const char *key, const struct procfile *types,
	      struct build_result *ret, struct error *err);

/* submodules.c: fetches those of the commit, or says which it could not. */
int submodules_fetch(struct build *b, struct error *err);

/* narrow.c: one app of a repository that has several. */
/* Of the whole source: what tells it from another, where TWELVE_WATCH_PATHS says what counts. */
int narrow_watch(struct build *b, struct error *err);
/* The folder of TWELVE_BUILD_DIR becomes the source. */
int narrow_folder(struct build *b, struct error *err);
/* Whether that folder is set, and below `dir`. */
bool narrow_is_in(const struct build *b, const char *dir);

/* slugignore.c: what the app's .slugignore names is removed. */
int slugignore_apply(const struct build *b, struct error *err);
/* Whether one of its patterns names a path of the tree; anchored: from the top, else the last
 * component counts. */
bool slugignore_matches(const char *pattern, bool anchored, const char *path);

/* hints.c: what looks like more than it is here. */
/* Files that are there and not used. */
void hints_tell(const struct build *b);
/* The same, of files that a buildpack reads: once it is known which build the app. */
void hints_tell_packs(const struct build *b);
/* Process types that nothing reaches. */
void hints_tell_types(const struct build *b, const struct procfile *types);

/* lfs.c: files whose contents stand elsewhere: a line for each. */
int lfs_tell(const struct build *b, struct error *err);
