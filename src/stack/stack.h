/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks: root file systems of Debian packages, in layers, shared by all apps that need the same.
 *
 *     package set    package set      a layer each: what apt-get installs in an overlay
 *          |              |
 *          |         build variant    a layer: compilers
 *          |              |
 *          +----- base ---+           a whole root, made by mmdebstrap
 *
 *     STATE/stacks/DIGEST/rootfs/    of a base: the tree, root's, never written again
 *     STATE/stacks/DIGEST/layer/     of all others: what they add, as overlayfs writes it
 *     STATE/stacks/DIGEST/below      of all others: the digest of the stack that they stand on
 *     STATE/stacks/DIGEST/packages   NAME=VERSION of the whole, sorted: its digest is the address
 *     STATE/stacks/specs/SPEC        a link to ../DIGEST: which stack a request gave
 *     STATE/stacks/cache/            .deb files, so that the next stack is fast
 *     STATE/stacks/lists/NAME/       what the archive has, as of the last day
 *
 * Where overlayfs refuses to write (STATE on an overlay, as in some containers), each stack is a
 * whole root, as are those of before there were layers.
 *
 * A request is the stack's name and a list of package names; SPEC is its
 * digest. It is resolved once, then kept until it is collected or `refresh` is
 * asked for, so a release goes on with the stack that it was built on.
 *
 * A stack besides Debian's files has: /app, /cache, /env, /source, /buildpacks,
 * /tmp, /.twelve/init (empty; a mount point), the user SANDBOX_USER with home
 * /app, the locale en_US.UTF-8, and /etc/resolv.conf and /etc/hosts as mount points.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

/* Of new apps. */
#define STACK_DEFAULT "debian-13"
/*
 * Of the servers of add-ons: a newer one has other major versions of PostgreSQL and MariaDB, which
 * do not read the files of the older ones.
 */
#define STACK_SERVICES "debian-12"

struct stack_options {
	const char *state_dir;
	const char *data_dir;  /* stacks/NAME/{run,build,fetch}.packages of the source tree or
				  /usr/share/twelve */
	const char *name;      /* STACK_DEFAULT */
	bool build;	       /* the variant with compilers */
	char *const *packages; /* more packages, in any order, doubles allowed */
	bool refresh;  /* make it again from what the archive has now, on what is below as it is:
			  refresh that before */
	int output_fd; /* progress for people, in the build's format ("-----> ..."); -1: none */
	/* Where a package was asked for ("Aptfile:2"), for the message when there is none such;
	 * NULL: not known. May be NULL. */
	const char *(*where)(const char *package, void *userdata);
	void *userdata;
};

struct stack {
	char digest[DIGEST_HEX_SIZE];
	char **layers; /* directories, top first; the last is a base. One alone is a root by itself.
			*/
};

void stack_done(struct stack *s);

/* True for a name that a Debian package can have (Debian Policy 5.6.1), with an optional :arch or
 * =version. */
bool stack_package_is_valid(const char *name);

/*
 * Reads a list of packages: one a line, # comments. An error names FILE:LINE.
 * `label` stands for the file in messages.
 */
int stack_read_packages(const char *path, const char *label, char ***packages, struct error *err);

#define STACK_LIST_MAX_BYTES (256 << 10)
/* The same with the text of the list. */
int stack_parse_packages(const char *text, const char *label, char ***packages, struct error *err);
/* The line of a list that names the package, counted from 1; 0 when none does. */
int stack_find_package(const char *text, const char *name);

/* SPEC of a request: pure. */
void stack_spec_digest(const struct stack_options *o, char *const *base,
		       char hex[static DIGEST_HEX_SIZE]);

/*
 * Gives the stack of the request, making it and what it stands on if need be: blocks for as long as
 * apt takes. A package that does not exist is ERROR_INVALID and named.
 *
 * The archive is the one that this machine has for itself, else deb.debian.org;
 * TWELVE_DEBIAN_MIRROR and TWELVE_DEBIAN_SECURITY_MIRROR in the environment name others.
 *
 * A process killed in the middle leaves only a directory, stacks/tmp/SPEC, which
 * the next maker of the same, or stack_collect(), removes; what it started dies
 * with it. Two processes asking at once make it once (flock).
 */
int stack_ensure(const struct stack_options *o, struct stack *ret, struct error *err);

/* Opens one that exists by its digest. */
int stack_open(const char *state_dir, const char *digest, struct stack *ret, struct error *err);

/*
 * The names that an app's stack may have: the stacks that there are, the default first, then
 * Heroku's, whose apps they are for too. An app keeps the name that it was given. NULL at the end.
 */
extern const char *const stack_names[];
/* The stack that a name stands for (one of Heroku's: the oldest that has its glibc or a newer one);
 * NULL when it is no such name. */
const char *stack_by_name(const char *name);
/*
 * What STACK says to the buildpacks of others, which know Heroku's stacks: the newest of those
 * whose glibc is not newer than the stack's own, so that a program that was built for it runs. An
 * unknown name is returned as it is.
 */
const char *stack_for_buildpacks(const char *name);
/* "Debian 13", for people. */
const char *stack_title(const char *name);

/* Removes the stacks whose digests are not in `used` and that none of these stands on, and
 * half-made ones; returns how many in *ret_removed. */
int stack_collect(const char *state_dir, char *const *used, size_t *ret_removed, struct error *err);
