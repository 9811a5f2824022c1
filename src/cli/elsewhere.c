/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs of Heroku's command that are none here, with the one that stands for them: a word that is
 * near in letters alone
 * ("labs": "logs") would be a wrong hint to whoever comes from there.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "cli/args.h"

static const struct {
	const char *word, *here;
} elsewhere[] = {
	{ "pg:promote", "twelve addons:swap DATABASE ADDON puts another database under that name, "
			"and where the name is free "
			"twelve addons:attach ADDON --as DATABASE does" },
	{ "redis:promote", "twelve addons:swap REDIS ADDON puts another add-on under that name, "
			   "and where the name is free "
			   "twelve addons:attach ADDON --as REDIS does" },
	{ "pg:info", "twelve addons:info ADDON tells about one" },
	{ "redis:info", "twelve addons:info ADDON tells about one" },
	{ "pg", "twelve addons:info ADDON tells about a database" },
	{ "redis", "twelve addons:info ADDON tells about one, twelve redis-cli is its client" },
	{ "pg:wait", "twelve addons:wait waits until add-ons are ready" },
	{ "redis:wait", "twelve addons:wait waits until add-ons are ready" },
	{ "pg:credentials:rotate", "twelve addons:credentials:rotate ATTACHMENT does that" },
	{ "redis:credentials", "twelve addons:credentials:rotate ATTACHMENT gives an app another" },
	{ "apps:setup", "app.json is read by POST /app-setups, and by review apps" },
	{ "certs:generate", "openssl makes a key and a request; twelve certs:auto:enable gets "
			    "certificates without either" },
	{ "certs:chain", "twelve certs:add CRT KEY takes the chain as it is in the file" },
	{ "ci", "tests are run before the push here: there is no CI" },
	{ "config:edit", "twelve config --shell prints what an editor may change, twelve "
			 "config:set KEY=VALUE... sets it" },
	{ "container", "images are not built here: twelve deploy or git push builds the source" },
	{ "container:push",
	  "images are not built here: twelve deploy or git push builds the source" },
	{ "container:release",
	  "images are not built here: twelve deploy or git push builds the source" },
	{ "features", "preboot and the like are always on" },
	{ "labs", "there are no features to try out" },
	{ "git:clone", "git clone with the Git line of twelve info fetches what was pushed" },
	{ "local", "the lines of the Procfile are run by hand, or by a program such as foreman" },
	{ "members", "there are no teams: twelve access says who may do what to an app" },
	{ "orgs", "there are no teams: twelve access says who may do what to an app" },
	{ "teams", "there are no teams: twelve access says who may do what to an app" },
	{ "spaces", "there are no spaces: all apps run on this machine" },
	{ "regions", "all apps run on this machine" },
	{ "ps:exec", "twelve run:inside DYNO bash is a shell in a dyno that runs" },
	{ "ps:copy", "twelve run:inside DYNO cat FILE prints a file of a dyno that runs" },
	{ "ps:wait",
	  "git push, config:set and ps:scale wait by themselves; twelve ps shows what runs" },
	{ "releases:retry",
	  "a new release runs the release command again: git commit --allow-empty, and git push" },
	{ "reviewapps:enable", "review apps are made by POST /review-apps of a pipeline" },
	{ "sessions", "twelve authorizations lists who has a token" },
};

const char *command_elsewhere(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (streq(elsewhere[i].word, word))
			return elsewhere[i].here;
	return NULL;
}
