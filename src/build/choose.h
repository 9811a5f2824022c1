/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses among the buildpacks that recognise an app, if the user did not: pure functions
 * (docs/decisions/0031). Often the pages are JavaScript and the server is another language; then
 * Node.js is first, and the other is last and decides what runs. The commands of processes count
 * more than which files exist.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/procfile.h"

#define CHOICE_MAX 32

/* One that recognises the app, in the order of buildpacks/order. */
struct candidate {
	const char *name;
	bool serves; /* its bin/release names a web process */
	bool wanted; /* its bin/beside says that the app needs it beside another language */
};

enum choice_why {
	CHOICE_ALONE,	/* one language, or none */
	CHOICE_COMMAND, /* the command of web is of its language */
	CHOICE_SERVES,	/* it knows how to start the app */
	CHOICE_ORDER,	/* nothing else tells them apart */
	CHOICE_STATIC,	/* what Node.js has built is served as files */
};

struct choice {
	size_t picks[CHOICE_MAX]; /* indices of candidates, in build order; the last one decides
				     what runs */
	size_t n;
	size_t left_out[CHOICE_MAX]; /* languages that are there and not built */
	size_t n_left_out;
	enum choice_why why;
};

/* `procfile` may be NULL. At most CHOICE_MAX candidates. */
void choose_packs(const struct candidate *c, size_t n, const struct procfile *procfile,
		  bool static_json, struct choice *ret);
/* The language of a command, or of its last step ("a && b"), as the name of a buildpack ("nodejs"
 * for all JavaScript); NULL if unknown, such as for the app's own program. */
const char *choose_language(const char *command);
