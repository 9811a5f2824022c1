/* SPDX-License-Identifier: Apache-2.0 */
/* Words for the actions of the audit trail; see action.h. Notes say the same nouns
 * (request_note()), so that they join. */
#include "model/action.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

static const struct {
	const char *action, *words;
} actions[] = {
	{ "PATCH /account", "change account" },
	{ "POST /twelve/users", "add user" },
	{ "PATCH /twelve/users/:user", "change user" },
	{ "DELETE /twelve/users/:user", "remove user" },
	{ "PATCH /twelve/users/:user/limits", "set limits" },
	{ "POST /account/keys", "add key" },
	{ "DELETE /account/keys/:key", "remove key" },
	{ "POST /oauth/authorizations", "make authorization" },
	{ "PATCH /oauth/authorizations/:token", "change authorization" },
	{ "POST /oauth/authorizations/:token/actions/regenerate-tokens", "renew authorization" },
	{ "DELETE /oauth/authorizations/:token", "revoke authorization" },
	{ "DELETE /oauth/sessions/:session", "end session" },
	{ "POST /oauth/token", "exchange grant for token" },
	{ "POST /auth", "log in" },
	{ "POST /auth/browser/:login", "answer login" },
	{ "POST /apps", "create app" },
	{ "PATCH /apps/:app", "change app" },
	{ "DELETE /apps/:app", "destroy app" },
	{ "POST /filters/apps", "look for apps" },
	{ "POST /apps/:app/collaborators", "add collaborator" },
	{ "PATCH /apps/:app/collaborators/:collaborator", "change collaborator" },
	{ "DELETE /apps/:app/collaborators/:collaborator", "remove collaborator" },
	{ "POST /account/app-transfers", "offer app" },
	{ "PATCH /account/app-transfers/:transfer", "answer offer of app" },
	{ "DELETE /account/app-transfers/:transfer", "withdraw offer of app" },
	{ "PATCH /apps/:app/config-vars", "change config" },
	{ "release", "release" },
	{ "POST /apps/:app/releases", "release" },
	{ "POST /sources", "announce source" },
	{ "POST /apps/:app/sources", "announce source" },
	{ "PUT /sources/:source", "upload source" },
	{ "POST /apps/:app/builds", "start build" },
	{ "DELETE /apps/:app/builds/:build", "cancel build" },
	{ "DELETE /apps/:app/build-cache", "purge build cache" },
	{ "PUT /apps/:app/buildpack-installations", "set buildpacks" },
	{ "POST /apps/:app/buildpack-key", "ask for buildpack key" },
	{ "DELETE /apps/:app/buildpack-key", "forget buildpack key" },
	{ "POST /apps/:app/slugs", "make slug" },
	{ "PUT /apps/:app/slugs/:slug/content", "upload slug" },
	{ "POST /:app.git/git-upload-pack", "fetch by git" },
	{ "POST /:app.git/git-receive-pack", "push by git" },
	{ "PATCH /apps/:app/formation", "scale" },
	{ "PATCH /apps/:app/formation/:type", "scale" },
	{ "POST /apps/:app/formation/:type/monitors", "autoscale" },
	{ "PATCH /apps/:app/formation/:type/monitors/:monitor", "autoscale" },
	{ "POST /apps/:app/dynos", "start dyno" },
	{ "POST /apps/:app/dynos/:dyno", "run inside dyno" },
	{ "DELETE /apps/:app/dynos", "restart all dynos" },
	{ "DELETE /apps/:app/dynos/:dyno", "restart dyno" },
	{ "POST /apps/:app/dynos/:dyno/actions/stop", "stop dyno" },
	{ "DELETE /apps/:app/formations/:type", "restart dynos of type" },
	{ "POST /apps/:app/formations/:type/actions/stop", "stop dynos of type" },
	{ "POST /apps/:app/log-sessions", "read logs" },
	{ "POST /apps/:app/log-drains", "add drain" },
	{ "PUT /apps/:app/log-drains/:drain", "change drain" },
	{ "DELETE /apps/:app/log-drains/:drain", "remove drain" },
	{ "POST /apps/:app/log-drains/:drain/actions/test", "test drain" },
	{ "PATCH /apps/:app/egress", "change egress" },
	{ "POST /apps/:app/domains", "add domain" },
	{ "PATCH /apps/:app/domains/:domain", "change domain" },
	{ "DELETE /apps/:app/domains/:domain", "remove domain" },
	{ "POST /apps/:app/sni-endpoints", "bring certificate" },
	{ "PATCH /apps/:app/sni-endpoints/:sni", "change certificate" },
	{ "DELETE /apps/:app/sni-endpoints/:sni", "remove certificate" },
	{ "POST /apps/:app/acm", "automatic certificates" },
	{ "PATCH /apps/:app/acm", "automatic certificates" },
	{ "DELETE /apps/:app/acm", "automatic certificates" },
	{ "PATCH /apps/:app/features/:feature", "change feature" },
	{ "PATCH /account/features/:feature", "change feature" },
	{ "POST /apps/:app/webhooks", "add webhook" },
	{ "PATCH /apps/:app/webhooks/:webhook", "change webhook" },
	{ "DELETE /apps/:app/webhooks/:webhook", "remove webhook" },
	{ "POST /addon-services", "add provider" },
	{ "DELETE /addon-services/:service", "remove provider of service" },
	{ "POST /apps/:app/addons", "create addon" },
	{ "PATCH /apps/:app/addons/:addon", "change addon" },
	{ "DELETE /apps/:app/addons/:addon", "destroy addon" },
	{ "POST /actions/addons/resolve", "look for addon" },
	{ "PATCH /addons/:addon/config", "change config of addon" },
	{ "PUT /addons/:addon/config", "change config of addon" },
	{ "POST /addons/:addon/actions/provision", "report as made addon" },
	{ "POST /addons/:addon/actions/deprovision", "report as not made addon" },
	{ "POST /addon-attachments", "attach" },
	{ "DELETE /addon-attachments/:attachment", "detach" },
	{ "POST /actions/addon-attachments/resolve", "look for attachment" },
	{ "POST /apps/:app/addon-attachments/:attachment/actions/swap", "swap" },
	{ "POST /apps/:app/addon-attachments/:attachment/actions/rotate",
	  "rotate credential of attachment" },
	{ "POST /apps/:app/addon-attachments/:attachment/dynos", "open client" },
	{ "POST /client/v11/databases/:addon/connection_reset", "end sessions of addon" },
	{ "PUT /client/v11/databases/:addon/reset", "empty addon" },
	{ "POST /client/v11/databases/:addon/transfers", "copy into addon" },
	{ "POST /postgres/v0/databases/:addon/credentials/:credential/credentials_rotation",
	  "rotate credential of addon" },
	{ "POST /redis/v0/databases/:addon/credentials_rotation", "rotate credential of addon" },
	{ "POST /addons/:addon/backups", "take backup" },
	{ "POST /client/v11/databases/:addon/backups", "take backup" },
	{ "DELETE /backups/:backup", "delete backup" },
	{ "DELETE /client/v11/apps/:app/transfers/:transfer", "delete backup" },
	{ "POST /client/v11/apps/:app/transfers/:transfer/actions/public-url", "make a link" },
	{ "POST /backups/:backup/actions/verify", "verify backup" },
	{ "POST /backups/:backup/actions/restore", "restore backup" },
	{ "POST /client/v11/databases/:addon/restores", "restore backup" },
	{ "PUT /addons/:addon/backup-schedule", "schedule backups of addon" },
	{ "POST /client/v11/databases/:addon/transfer-schedules", "schedule backups of addon" },
	{ "DELETE /addons/:addon/backup-schedule", "end schedule of backups of addon" },
	{ "DELETE /client/v11/databases/:addon/transfer-schedules/:schedule",
	  "end schedule of backups of addon" },
	{ "POST /pipelines", "create pipeline" },
	{ "PATCH /pipelines/:pipeline", "change pipeline" },
	{ "DELETE /pipelines/:pipeline", "destroy pipeline" },
	{ "POST /pipeline-transfers", "give away pipeline" },
	{ "POST /pipeline-couplings", "put into pipeline" },
	{ "PATCH /pipeline-couplings/:coupling", "change stage" },
	{ "DELETE /pipeline-couplings/:coupling", "take out of pipeline" },
	{ "POST /pipeline-promotions", "promote" },
	{ "POST /pipelines/:pipeline/review-app-config", "configure review apps" },
	{ "PATCH /pipelines/:pipeline/review-app-config", "configure review apps" },
	{ "DELETE /pipelines/:pipeline/review-app-config", "forget configuration of review apps" },
	{ "POST /review-apps", "make review app" },
	{ "DELETE /review-apps/:review_app", "destroy review app" },
	{ "POST /app-setups", "make app by setup" },
	{ "POST /twelve/stacks/updates", "look for newer packages" },
	{ "POST /twelve/gc", "remove what is unused" },
	{ "POST /twelve/backup", "save the platform" },
};

const char *action_words(const char *action)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (streq(actions[i].action, action))
			return actions[i].words;
	return NULL;
}

/* The note without what the words end with: the longest such start, of whole words. */
static const char *unsaid(const char *words, const char *note)
{
	for (const char *w = words; w; w = strchr(w, ' ')) {
		size_t n;

		w += *w == ' ';
		n = strlen(w);
		if (strncmp(note, w, n) == 0 && (!note[n] || strchr(" :", note[n])))
			return note + n;
	}
	return NULL;
}

char *action_sentence(const char *action, const char *note)
{
	const char *words = action_words(action), *rest;

	if (!words)
		words = action;
	if (!note[0])
		return xstrdup(words);
	rest = unsaid(words, note);
	return rest ? xasprintf("%s%s", words, rest) : xasprintf("%s: %s", words, note);
}
