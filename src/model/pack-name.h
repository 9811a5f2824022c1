/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that buildpacks have elsewhere, and here: pure. What an app.json, a .buildpacks or a
 * command of Heroku's CLI names is by habit Heroku's own buildpack; ours does its work where there
 * is one, since Heroku's fetches programs that are built for Heroku's stacks.
 */
#pragma once

#include <stdbool.h>

/*
 * "heroku/python", "urn:buildpack:heroku/python",
 * "https://github.com/heroku/heroku-buildpack-python.git" -> "python"; a plain name stays itself.
 * NULL for what has no such name: other repositories, directories, and a URL with a #ref, which
 * means exactly what it says. Whether the platform has a buildpack of that name is for the caller.
 * Borrowed: static, or a part of `word`.
 */
const char *pack_name_here(const char *word);
/* True for Heroku's apt buildpack: here an Aptfile needs no buildpack. */
bool pack_name_is_apt(const char *word);
