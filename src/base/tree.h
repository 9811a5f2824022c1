/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks trees that untrusted users wrote and may still be changing. Each step opens a name relative
 * to its directory's descriptor, so paths can't be too long and symbolic links are not followed. A
 * tree deeper than TREE_MAX_DEPTH is an error, not a crash. Walks don't cross into another file
 * system.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* No compiler, package manager or person makes folders as deep as this. */
#define TREE_MAX_DEPTH 200
/* Of the path below the top: programs in a sandbox have to open it as one path (PATH_MAX). */
#define TREE_MAX_PATH 3500

struct tree_entry {
	int dir_fd;	  /* of the directory that it stands in */
	const char *name; /* its name there */
	const char *path; /* from the top, which is "" */
	const struct stat *st;
};

/* Return 0 to continue; anything else ends the walk, which returns that value. */
typedef int (*tree_fn)(const struct tree_entry *e, void *userdata);

struct tree_order {
	tree_fn enter; /* before what is in a directory; may be NULL */
	tree_fn leave; /* after it; of what is no directory, right behind enter; may be NULL */
	void *userdata;
	bool sorted;	/* the names of each directory by their bytes */
	bool vanishing; /* what goes away during the walk is passed over */
};

/* For the top itself only `leave` is called, with the name ".". -ENAMETOOLONG: the tree is deeper
 * than TREE_MAX_DEPTH, or a path is longer than TREE_MAX_PATH; else any negative errno. *ret_where,
 * if not NULL, gets the path at which it failed, a heap string. */
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

/* Adds the tree's usage to *usage and stops as soon as a member of max is exceeded (0: no limit). A
 * missing tree uses nothing. Returns an enum tree_verdict or a negative errno. */
int tree_measure(const char *path, const struct tree_usage *max, struct tree_usage *usage);

/* The names in an open directory but "." and "..", sorted, as a strv. */
int tree_names(DIR *d, char ***ret_names);

/* As fs_remove_tree(), at any depth, with few descriptors and no recursion. */
int tree_remove(const char *path);
