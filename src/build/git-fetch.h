/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetching from git repositories that stand elsewhere, for builds: buildpacks and submodules.
 * Whoever may deploy names the repository, and whoever owns that says what comes, so git runs in a
 * sandbox, of the stack's packages and those of stacks/NAME/fetch.packages, and with nothing of the
 * build in it: neither its source, nor its config vars, nor its cache. The build's limits hold:
 * time, memory, its share of the disk and the machine's reserve, which are looked at while git
 * writes.
 *
 * Only https, ssh with the app's own key (build_options.ssh_key), and http for a commit in full are
 * spoken (build/git-url.h). Addresses of private networks are reached where TWELVE_PRIVATE_SOURCES
 * says so; else the address is looked up by a process that has nothing (build/fetch.h), and git is
 * held to it. What ssh learns of host keys stays with the app, in STATE/known-hosts/APP.
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
