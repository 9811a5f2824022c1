/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches from remote git repositories for builds: buildpacks and submodules. Users choose the
 * repository, and its owner controls the content, so git runs in a sandbox with the stack's
 * packages and those of stacks/NAME/fetch.packages, without the build's source, config vars or
 * cache. The build's limits apply: time, memory, its share of the disk and the machine's reserve,
 * which are checked while git writes.
 *
 * Allowed are https, ssh with the app's own key (build_options.ssh_key), and http for a full commit
 * ID (build/git-url.h). Private networks are reachable only with TWELVE_PRIVATE_SOURCES; otherwise
 * an unprivileged process looks the address up (build/fetch.h), and git may connect only to that.
 * Host keys that ssh learns are stored per app, in STATE/known-hosts/APP.
 */
#pragma once

#include "base/error.h"

struct build;

struct git_fetch {
	const char *url; /* as git_url_parse() takes it */
	const char *ref; /* a branch, a tag, or a commit's id in full; NULL: the repository's own
			    branch */
	const char *subject; /* begins what is said of it: "The buildpack https://..." */
	/*
	 * Gets the files, without .git: a path in the build's directory where nothing stands yet.
	 * They belong to SANDBOX_UID, may be links to anywhere, and are neither counted nor
	 * normalised: pack_normalise() and pack_digest() come later.
	 */
	const char *to;
};

/* What can be told before a build: URL and ref. */
int git_fetch_check(const struct git_fetch *f, struct error *err);
/* Checks, and fetches: one at a time, while no other sandbox of the build runs. The error is
 * ERROR_INVALID with git's last words, or why it was ended. */
int git_fetch(struct build *b, const struct git_fetch *f, struct error *err);
