/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the buildpacks that recognise an app build it, when nobody has said so: pure
 * (docs/decisions/0031). A page is often written in JavaScript and served by another language; then
 * Node.js comes first, and the other is last and says what runs. What a process runs says more than
 * which files are there.
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
	bool wanted; /* its bin/beside says that the app needs it when another language runs it */
};

enum choice_why {
	CHOICE_ALONE,	/* one language, or none */
	CHOICE_COMMAND, /* the command of web is of its language */
	CHOICE_SERVES,	/* it knows how to start the app */
	CHOICE_ORDER,	/* nothing else tells them apart */
	CHOICE_STATIC,	/* what Node.js has built is served as files */
};

struct choice {
	size_t picks[CHOICE_MAX]; /* of the candidates, in the order of their compilation; the last
				     says what runs */
	size_t n;
	size_t left_out[CHOICE_MAX]; /* languages that are there and not built */
	size_t n_left_out;
	enum choice_why why;
};

/* `procfile` is NULL when there is none; at most CHOICE_MAX candidates. */
void choose_packs(const struct candidate *c, size_t n, const struct procfile *procfile,
		  bool static_json, struct choice *ret);
/*
 * The language of a command, or of its last step ("a && b"), as the name of its buildpack ("nodejs"
 * for all of JavaScript); NULL when that can't be told: a program of the app's own.
 */
const char *choose_language(const char *command);
