/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints of Heroku's that are not here. The heroku command and other clients ask for them; what
 * they show of the answer is its sentence, so that it names what to use instead.
 */
#include <fnmatch.h>

#include "base/str.h"
#include "daemon/api/route.h"

#define CI                                                                                      \
	"Tests are run by no pipeline here: run them in a CI of yours and deploy what passed, " \
	"with git push or \"twelve deploy\""
#define DATA                                                                              \
	"This of Heroku's data services is not here: \"twelve addons:client\" opens the " \
	"service's own client (psql, redis-cli ...), "                                    \
	"\"twelve backups:capture\", \"backups:restore\" and \"addons:info\" do the rest"
#define MEASURES                                                                                 \
	"Measures of requests and errors are not kept here: \"twelve logs\" shows the router's " \
	"lines of requests, \"twelve drains:add\" sends them on"
#define TEAMS                                                                                    \
	"There are no teams here: an app has an owner and collaborators, \"twelve access:add\" " \
	"lets one in"
#define SPACES "There are no spaces here: the platform is one machine"

/* The first that matches; * is any text. */
static const struct {
	const char *path, *sentence;
} table[] = {
	{ "/pipelines/*/test-runs*", CI },
	{ "/pipelines/*/stage/*", CI },
	{ "/test-runs*", CI },
	{ "/test-nodes*", CI },
	{ "/teams/*", TEAMS },
	{ "/teams", TEAMS },
	{ "/organizations*", TEAMS },
	{ "/enterprise-accounts*", TEAMS },
	{ "/spaces*", SPACES },
	{ "/peerings*", SPACES },
	{ "/user/notifications*", "There are no notifications here: \"twelve webhooks:add\" tells "
				  "an app's events to a URL" },
	{ "/favorites*", "There are no favorites here: \"twelve apps\" lists all apps" },
	{ "/apps/*/router-metrics/*", MEASURES },
	{ "/apps/*/formation/*/metrics/*", MEASURES },
	{ "/apps/*/formation/*/alerts*", MEASURES },
	{ "*telemetry-drains*",
	  "There are no telemetry drains here: \"twelve drains:add\" sends an app's log lines on" },
	{ "/oauth/clients*", "There are no OAuth clients here: a program gets a token by \"twelve "
			     "authorizations:create\"" },
	{ "/apps/*/oci-images*",
	  "Images of containers are not run here: push the source with git, or release a slug" },
	{ "/apps/*/ssl-endpoints*",
	  "Certificates of an app are its SNI endpoints: \"twelve certs:add\"" },
	{ "/apps/*/addons/*/sso*",
	  "Add-ons have no dashboard here: \"twelve addons:info\" tells about one" },
	{ "/addons/*/sso*",
	  "Add-ons have no dashboard here: \"twelve addons:info\" tells about one" },
	{ "/buildpacks/*", "The buildpacks in this registry are the platform's own, which come "
			   "with it and have no revisions: \"twelve buildpacks\"" },
	{ "/api/v*", "There is no exec service here: \"twelve run:inside DYNO COMMAND\" runs a "
		     "command in a dyno that is up" },
	{ "/account/*", "This of Heroku's accounts is not here: \"twelve users:update\" changes a "
			"user, \"twelve users:passwd\" the password" },
	{ "/users/*", "This of Heroku's accounts is not here: \"twelve users\" lists the users" },
	{ "/client/*", DATA },
	{ "/postgres/*", DATA },
	{ "/redis/*", DATA },
	{ "/data/*", DATA },
	{ "/reports*", DATA },
};

const char *api_elsewhere(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (fnmatch(table[i].path, path, 0) == 0)
			return table[i].sentence;
	return NULL;
}
