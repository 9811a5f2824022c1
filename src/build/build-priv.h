/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the build module share. */
#pragma once

#include "build/build.h"
#include "model/procfile.h"
#include "stack/stack.h"

/* One buildpack of a build: a folder in the build's packs/, which is /buildpacks in the sandbox. */
struct pack {
	char *folder; /* "python", "ext-1" */
	char *label;  /* what the person wrote, or the in-tree name: for messages */
	char *name;   /* what bin/detect printed: "Python" */
};

struct build {
	const struct build_options *o;
	char *work;  /* STATE/builds/ID */
	char *app;   /* work/app: /app */
	char *packs_dir; /* work/packs: /buildpacks */
	char *env_dir;   /* work/env, a memory-backed mount: /env */
	char *cache;     /* STATE/cache/APP: /cache */
	char source_digest[DIGEST_HEX_SIZE];
	char packs_digest[DIGEST_HEX_SIZE];
	struct pack *packs; /* those that apply, in order */
	size_t n_packs;
	char **packages_run, **packages_build;
	struct stack base, run, build;
	struct procfile procfile; /* the app's own; empty when it has none */
	bool has_procfile;
	int64_t disk_checked_ms;
	const char *stop_reason; /* why should_stop said so */
};

/* build.c: text for the pusher. */
void build_say(const struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* packs.c: which buildpacks. */
/* Copies the in-tree buildpacks and those of the setting into packs/. */
int packs_fetch(struct build *b, struct error *err);
/* Runs bin/detect and keeps those that apply. */
int packs_detect(struct build *b, struct error *err);
/* packages_run and packages_build of the buildpacks, and the app's Aptfile. */
int packs_packages(struct build *b, struct error *err);

/* steps.c: what runs in the sandbox. */
/* bin/compile of each, then bin/release, whose output is left in app/.twelve/release.yml. */
int steps_compile(struct build *b, struct error *err);
/* Runs a script in `stack` with the folder names of the buildpacks as arguments; its exit code is in *ret_code. */
int steps_run(struct build *b, const struct stack *stack, const char *script, char *const *args, int output_fd,
	      int *ret_code, struct error *err);
/* True after SIGTERM or SIGINT. */
bool build_cancelled(void);
/* Makes env/ with a file for each config var. */
int steps_mount_env(struct build *b, struct error *err);

/* slug.c: finished slugs. */
/* True when the key is known and its slug is there. */
bool slug_find(const struct build *b, const char *key, struct build_result *ret);
/* Packs app/ into STATE/slugs and remembers it under the key. */
int slug_keep(struct build *b, const char *key, struct build_result *ret, struct error *err);
