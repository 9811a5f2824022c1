/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of git repositories that we fetch from: pure. Whoever may deploy writes them, so only
 * what names another machine is one (https, http, ssh), and nothing in it can be taken for an
 * option, a path or a program.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

#define GIT_URL_MAX 2048
#define GIT_REF_MAX 255

enum git_transport {
	GIT_HTTPS,
	GIT_HTTP,
	GIT_SSH, /* ssh://user@host/path, or user@host:path */
};

struct git_url {
	enum git_transport transport;
	char host[256]; /* without the brackets of an IPv6 address */
	int port;	/* the transport's own when none is named */
};

/* Whether a word claims to be the address of a repository, good or not: then it is neither a name
 * nor a directory. */
bool git_url_is_meant(const char *word);
/*
 * An error says what is wrong with it, without the URL: it may hold a password, which is refused
 * for https. `subject` begins the sentence: "The buildpack's address".
 */
int git_url_parse(const char *url, const char *subject, struct git_url *ret, struct error *err);
/* A branch or a tag (git-check-ref-format(1)), or the id of a commit in full. */
int git_ref_check(const char *ref, const char *subject, struct error *err);
/* 40 hex digits: what arrives can be nothing else. */
bool git_ref_is_commit(const char *ref);
