/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds: source tree + buildpacks + stack + config in, slug out.
 *
 *     STATE/slugs/DIGEST/app/        what is mounted at /app; never written again
 *     STATE/slugs/DIGEST/slug.json   what follows from the tree: its size
 *     STATE/slugs/keys/APP/KEY       the struct build_result of the app's build with this key: a
 *                                    known key is a finished build
 *     STATE/cache/APP/OWNER/         the app's build cache (CACHE_DIR), while it is that owner's
 *     STATE/known-hosts/APP          keys of ssh servers that the app's builds fetched from
 *     STATE/builds/ID/               a build's working directory while it runs
 *
 * A slug's digest is the SHA-256 of its canonical tar (build/pack.h), so the
 * same tree has the same digest on every machine. Files belong to SANDBOX_UID
 * and carry one fixed date.
 *
 * build_run() blocks; twelved runs it in a process of its own, which may be
 * killed at any time: what it leaves is in STATE/builds/ID and is removed by
 * build_sweep().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/procfile.h"
#include "sandbox/sandbox.h"

/* One process type: name and command, in the Procfile's order. */
struct build_process {
	char *type;
	char *command;
};

struct build_result {
	char slug[DIGEST_HEX_SIZE];
	char stack[DIGEST_HEX_SIZE]; /* the run variant */
	char *stack_name;	     /* the app's name for its stack; set by the caller */
	char key[DIGEST_HEX_SIZE];
	uint64_t size_bytes;
	char *buildpacks; /* for people: "Python", "Node.js, Python" */
	struct build_process *processes;
	size_t n_processes;
	bool reused; /* the key was known */
};
void build_result_done(struct build_result *r);

/* What is appended to STATE/builds/ID for a cache that the build emptied; as the directory itself,
 * whoever ran the build removes it. */
#define BUILD_OLD_CACHE ".old-cache"

struct build_options {
	const char *state_dir;
	const char *data_dir; /* holds buildpacks/ and stacks/ */
	const char *runtime_root;
	const struct sandbox_runtime *runtime;
	const char *init_path;
	int net_fd;		 /* the network of its sandboxes (sandbox/sandbox.h); 0: ours */
	const char *resolv_path; /* their /etc/resolv.conf; NULL: the machine's */
	const char *id;		 /* of the build */
	const char *app_id;	 /* whose cache, and whose slugs are found again */
	const char *owner_id;	 /* the app's current owner: caches of another owner are not used */
	const char *app_name;
	const char *source; /* a tar file (plain, gzip, bzip2, xz or zstd); one top folder is
			       stripped if strip_top */
	bool strip_top;
	bool unwrap; /* a single top folder is the source, if it looks like an app */
	/*
	 * Where `source` is fetched from first (build/fetch.h); NULL: it is there. One folder that
	 * holds all of the archive, as GitHub's have it, is stripped then.
	 */
	const char *url;
	uint64_t url_max_bytes;
	bool private_sources; /* sources and git repositories in private networks may be fetched */
	const char *ssh_key;  /* the app's private key for git repositories, in OpenSSH's format;
				NULL: none */
	const char *commit;   /* "" when unknown; given as SOURCE_VERSION */
	char *const *submodules; /* of the commit, "ID PATH" each, whose folders are empty in the
				    source */
	const char *stack_name;
	char *const *buildpacks;  /* names, directories or git URLs (URL#REF); empty: detect */
	char *const *directories; /* those of them that an administrator has set */
	char *const *env;	  /* config vars NAME=VALUE for ENV_DIR */
	bool no_cache;
	/*
	 * A slug that was built elsewhere: `source` has ./app/ and nothing else, nothing runs, and
	 * these are its process types. buildpacks has what is shown of how it was made, if
	 * anything.
	 */
	const struct procfile *import;
	const char *sha256; /* the required digest of `source`, in hex; NULL: any */
	int output_fd;	    /* what the pusher sees */
	struct sandbox_limits limits;
	uint64_t disk_bytes;	/* cap of source, cache and build together */
	uint64_t reserve_bytes; /* free space that must remain: a build is refused or stopped
				   before */
	uint64_t max_files;	/* files and folders of source, cache and build together */
	int64_t timeout_ms;	/* of all that runs in sandboxes, together */
};

/* The names in the file "order" of a directory of buildpacks, for messages: "ruby, python, plain".
 * Heap. */
char *build_pack_names(const char *packs_dir);

/* Errors are written for the pusher: what failed, where, and what to do. */
int build_run(const struct build_options *o, struct build_result *ret, struct error *err);

/* Whether STATE/slugs has it. False for NULL, too. */
bool build_slug_is_there(const char *state_dir, const char *digest);
/* Of a slug that is there. */
int build_slug_size(const char *state_dir, const char *digest, uint64_t *ret, struct error *err);
/* What the app's build with this key gave. */
int build_open_key(const char *state_dir, const char *app_id, const char *key,
		   struct build_result *ret, struct error *err);
/* Adds the stacks that the slugs run on and were built with, so that they are not collected:
 * otherwise the next build of the same app would have to create them again. */
int build_add_stacks(const char *state_dir, char *const *slugs, char ***stacks, struct error *err);

/* Removes the working directories of builds that are not in `running`. */
int build_sweep(const char *state_dir, char *const *running, struct error *err);
/* Below STATE/slugs: what is on its way out. */
#define SLUGS_TRASH "trash"
/*
 * Removes slugs whose digests are not in `used`, and their keys. Of those that are not in `known`
 * either, which the database knows nothing of, only what is older than a week and was here a week
 * after put_back_ms, when the database was: a build that was cut off may have left them, or a newer
 * database may name them. *ret_left says how many of those stay.
 */
struct slugs_collect {
	char *const *used, *const *known; /* strvs */
	int64_t put_back_ms;		  /* 0: never */
};
int build_collect(const char *state_dir, const struct slugs_collect *o, size_t *ret_removed,
		  size_t *ret_left, struct error *err);
/* True if the database was restored too recently to decide what may be removed. */
bool build_in_doubt(int64_t put_back_ms);
