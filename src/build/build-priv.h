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
	char *label;	     /* as the user wrote it, or the in-tree name: for messages */
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

/* When to measure again what the build has written, so that measuring takes at most a fifth of the
 * time. */
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
	const char *types_file;	  /* the file that declares them: "Procfile", "heroku.yml"; NULL:
				   none */
	bool has_namespace;	  /* of mounts */
	bool env_mounted;
	bool keep_tmp; /* what the step before has left in /tmp is still needed */
	struct watched watched;
	int64_t ran_ms; /* in sandboxes */
	enum stop_reason stop_reason;
};

/* work.c: what all parts of a build use. */
/* Text for the pusher. */
void build_say(const struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Reads a small text file of the app's tree. -ENOENT if it does not exist, -1 with an error if it
 * can't be used. */
int build_read_text(const struct build *b, const char *name, struct buf *ret, struct error *err);
/* From here on SIGTERM and SIGINT cancel the build. */
void build_take_signals(void);
/* True after SIGTERM or SIGINT. */
bool build_cancelled(void);
/* Whether a third-party buildpack runs before this one: its output can't be predicted from the
 * source. */
bool build_has_foreign(const struct build *b, size_t before);

/* packs.c: which buildpacks. */
/* Copies the in-tree buildpacks and those of the setting into packs/. */
int packs_fetch(struct build *b, struct error *err);
/* Runs bin/detect, keeps the buildpacks that apply, and prints them; of chosen buildpacks, only the
 * first is asked. */
int packs_detect(struct build *b, struct error *err);
/* For the chosen buildpack with this index: prints its name, or says why it does not accept the
 * app. */
int packs_detect_chosen(struct build *b, size_t i, struct error *err);
/* packs-choose.c: if none was chosen, picks among those that recognise the app, and prints why. */
int packs_choose(struct build *b, struct error *err);
/* nothing.c: the error for an app that no buildpack recognises. It says what was found, and what to
 * add. */
int packs_none(const struct build *b, struct error *err);
/* A sentence on subfolders that look like apps, with the setting that builds one of them; NULL if
 * there are none. Heap. */
char *nothing_below(const struct build *b);
/* start.c: start commands. */
/* " (...)" about the first start command found in another platform's file; "" if there is none.
 * Heap. */
char *start_elsewhere(const struct build *b);
/* After the build: warns of commands whose program can't be executed. */
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
/* Runs a script in `stack` with the folder names of the buildpacks as arguments. *ret_code is its
 * exit code. */
int steps_run(struct build *b, const struct stack *stack, const char *script, char *const *args,
	      int output_fd, int *ret_code, struct error *err);
/* As steps_run, with what the script prints. */
int steps_capture(struct build *b, const struct stack *stack, const char *script, char *const *args,
		  struct buf *ret, int *ret_code, struct error *err);
/* The two halves of capturing output, for other sandboxes: opens a file for the output, and reads
 * it. */
int steps_open_capture(const struct build *b, struct error *err);
int steps_read_capture(int fd, struct buf *ret, struct error *err);
/* Runs a sandbox until it ends or exceeds the build's limits. `env` has NAME=VALUE NUL ... */
int steps_run_spec(struct build *b, const struct sandbox_spec *s, const struct buf *env,
		   int output_fd, int *ret_code, struct error *err);
void steps_put(struct buf *env, const char *key, const char *value);
/* Adds the environment for network access: the certificates' path and, if `proxies`, the proxy
 * settings. */
void steps_put_network(struct buf *env, bool proxies);
/* A bind mount of the host's certificates for builds. Returns the number of binds, 0 or 1. */
size_t steps_bind_certificates(struct sandbox_bind *ret);
/* Mounts a tmpfs in a mount namespace of this process. */
int steps_mount_memory(struct build *b, const char *dir, struct error *err);
/* Makes env/ with a file for each config var. */
int steps_mount_env(struct build *b, struct error *err);

/* compile.c */
/* bin/compile of each, then bin/release of the last, whose output is left in
 * app/.twelve/release.yml. */
int compile_packs(struct build *b, struct error *err);

/* types.c: what a slug runs. */
/* Reads the app's Procfile before the long steps, so that errors are reported early. */
int types_read_procfile(struct build *b, struct error *err);
/* Without a Procfile, asks the buildpack for its process types before compiling, where it can tell.
 */
int types_check_defaults(struct build *b, struct error *err);
/* After compiling: the Procfile's process types, else those that bin/release printed. */
int types_collect(struct build *b, struct procfile *ret, struct error *err);

/* slug.c: finished slugs. */
/* True when the key is known and its slug is there. */
bool slug_find(const struct build *b, const char *key, struct build_result *ret);
/* Packs app/ into STATE/slugs and records it under the key. */
int slug_keep(struct build *b, const char *key, const struct procfile *types,
	      struct build_result *ret, struct error *err);

/* submodules.c: fetches the commit's submodules, or says which failed. */
int submodules_fetch(struct build *b, struct error *err);

/* narrow.c: one app of a repository that has several. */
/* Computes watched_digest, the digest of the files that TWELVE_WATCH_PATHS names. */
int narrow_watch(struct build *b, struct error *err);
/* The folder of TWELVE_BUILD_DIR becomes the source. */
int narrow_folder(struct build *b, struct error *err);
/* Whether that folder is set, and below `dir`. */
bool narrow_is_in(const struct build *b, const char *dir);

/* slugignore.c: removes what the app's .slugignore names. */
int slugignore_apply(const struct build *b, struct error *err);
/* Whether a pattern matches a path of the tree. anchored: matches from the top; else matches the
 * last component. */
bool slugignore_matches(const char *pattern, bool anchored, const char *path);

/* hints.c: what looks like more than it is here. */
/* Files that are there and not used. */
void hints_tell(const struct build *b);
/* The same for files that buildpacks read, once the buildpacks are known. */
void hints_tell_packs(const struct build *b);
/* Process types that nothing reaches. */
void hints_tell_types(const struct build *b, const struct procfile *types);

/* lfs.c: prints a line for each Git LFS pointer file. */
int lfs_tell(const struct build *b, struct error *err);
