/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stack module share. */
#pragma once

#include "base/buf.h"
#include "stack/stack.h"

/* Part of every spec and address: changes when what a stack has besides its packages changes. */
#define STACK_FORMAT "twelve-stack-3"
/* Many more than there are: base, build variant, package set. */
#define STACK_MAX_LAYERS 8
/* Of DIR/packages. */
#define STACK_PACKAGES_MAX_BYTES (4 << 20)
/* 2024-01-01: the one date of everything that we make. */
#define STACK_EPOCH_S 1704067200
#define STACK_EPOCH "1704067200"
#define STACK_KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

/* stack-open.c: true when the stack and all that it stands on are there. */
bool stack_is_whole(const char *state_dir, const char *digest);
/* The digest of what a stack stands on: 1, 0 when it is a root by itself, or a negative errno. */
int stack_read_below(const char *state_dir, const char *digest, char below[static DIGEST_HEX_SIZE]);

/* stack-work.c */
/* For people who wait. */
void stack_say(const struct stack_options *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Writes DIR/packages: what is in the root. */
int stack_list_packages(const char *dir, const char *rootfs, struct error *err);

/* What is to be made. */
struct stack_plan {
	char spec[DIGEST_HEX_SIZE];
	char **packages;    /* all, without those that others need */
	char **added;	    /* what `below` was not asked for */
	struct stack below; /* no layers: a base */
};
void stack_plan_done(struct stack_plan *p);
/* The words of `all` that are not in `in`, each once: pure. */
void stack_added(char *const *all, char *const *in, char ***ret);

/* stack-make.c: makes it; its digest is written to `digest`. The caller holds the spec's lock. */
int stack_make(const struct stack_options *o, const struct stack_plan *p,
	       char digest[static DIGEST_HEX_SIZE], struct error *err);

/* stack-layer.c: fills DIR/layer with what the plan adds to what is below, and DIR/packages with
 * all that is in both. */
#define STACK_NO_LAYERS 1 /* overlayfs can't write here: nothing was made */
int stack_layer(const struct stack_options *o, const struct stack_plan *p, const char *dir,
		struct error *err);

/*
 * stack-apt.c: installs the packages into `root` by the machine's apt, which calls the root's dpkg;
 * its package lists are STATE/stacks/lists/NAME, and .deb files come from and go to
 * STATE/stacks/cache by DIR/debs, which is the root's archive folder. In a process of its own,
 * whose environment is changed.
 */
int stack_apt_install(const struct stack_options *o, const char *dir, const char *root,
		      char *const *packages, struct error *err);
/* Takes over the lists that mmdebstrap has fetched for a base, as the newest. Where that does not
 * work, the next layer fetches its own. */
void stack_apt_take_lists(const struct stack_options *o, const char *rootfs);

/* stack-debian.c: fills the directory `rootfs` from Debian's archive. */
int stack_debootstrap(const struct stack_options *o, const char *rootfs, char *const *packages,
		      struct error *err);
/* Runs a maker in a PID namespace of its own, so that nothing of it outlives us; its words are
 * added to *log. 0, 1 when it failed, -1 when it could not be run. */
int stack_run(const char *proc_dir, const char *const *argv, struct buf *log, struct error *err);
/* Why it did not work, from what apt or mmdebstrap printed. Forgets the cache where that is
 * damaged. Returns -1. */
int stack_failed(const struct stack_options *o, const char *log, struct error *err);
/* The same without the cache: pure. */
int stack_explain(const struct stack_options *o, const char *log, struct error *err);

/* stack-sources.c: the three lines of sources.list: release, updates, security. */
void stack_sources(const struct stack_options *o, char ***ret);
/* The first of the archives that apt fetches from (`uris`: what "apt-get update --print-uris"
 * prints) whose Release file in `lists_dir` says that it is Debian's and has this label; NULL when
 * there is none. A heap string that ends in a slash. */
char *stack_find_mirror(const char *uris, const char *lists_dir, const char *label);

/* stack-sources.c: what Debian calls the release that a stack is made of; NULL for no stack of ours.
 */
const char *stack_suite(const char *name);
