/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks through trees that others wrote and may be writing meanwhile. Each step goes from a
 * directory's descriptor to a name in it, so no path is too long and no symbolic link is followed;
 * a tree deeper than TREE_MAX_DEPTH is an outcome, not a crash. No walk enters another file system.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* No compiler, package manager or person makes folders as deep as this. */
#define TREE_MAX_DEPTH 200
/* Of the path below the top; what runs in a sandbox has to open it as one path (PATH_MAX). */
#define TREE_MAX_PATH 3500

struct tree_entry {
	int dir_fd;	  /* of the directory that it stands in */
	const char *name; /* its name there */
	const char *path; /* from the top, which is "" */
	const struct stat *st;
};

/* 0 goes on; anything else ends the walk, which returns it. */
typedef int (*tree_fn)(const struct tree_entry *e, void *userdata);

struct tree_order {
	tree_fn enter; /* before what is in a directory; may be NULL */
	tree_fn leave; /* after it; of what is no directory, right behind enter; may be NULL */
	void *userdata;
	bool sorted;	/* the names of each directory by their bytes */
	bool vanishing; /* what goes away during the walk is passed over */
};

/*
 * The top itself is left and not entered, with "." as its name. -ENAMETOOLONG: deeper than
 * TREE_MAX_DEPTH, or with a path longer than TREE_MAX_PATH; any other negative errno. *ret_where,
 * if not NULL, is the path at which it failed, from malloc.
 */
int tree_walk(const char *path, const struct tree_order *o, char **ret_where);

struct tree_usage {
	uint64_t bytes; /* on the disk (st_blocks); hard links count once a name */
	uint64_t entries;
};

enum tree_verdict {
	TREE_FITS,
	TREE_TOO_LARGE,
	TREE_TOO_MANY,
	TREE_TOO_DEEP,
};

/*
 * Adds the tree's usage to *usage, and ends as soon as one of max's members is passed (0: no
 * limit). A tree that is not there uses nothing. Returns an enum tree_verdict or a negative errno.
 */
int tree_measure(const char *path, const struct tree_usage *max, struct tree_usage *usage);

/* The names in an open directory but "." and "..", sorted, as a strv. */
int tree_names(DIR *d, char ***ret_names);

/* What fs_remove_tree() does: at any depth, with few descriptors and no recursion. */
int tree_remove(const char *path);
