/* SPDX-License-Identifier: Apache-2.0 */
/* Which commit a release was made of: twelved tells it with the drains, which carry it along with
 * each line. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "logsd/app.h"
#include "logsd/commit.h"

/* Dynos of older releases are gone. */
#define COMMITS_MAX 16

struct commit {
	struct commit *next;
	uint32_t release;
	char id[65];
};

const char *app_commit(const struct app *a, uint32_t release)
{
	for (const struct commit *c = a->commits; c && release; c = c->next)
		if (c->release == release)
			return c->id;
	return "";
}

static void drop_last(struct app *a)
{
	struct commit **at = &a->commits;
	size_t n = 0;

	for (; *at; at = &(*at)->next)
		if (++n > COMMITS_MAX)
			break;
	free(*at);
	*at = NULL;
}

void app_set_commit(struct app *a, uint32_t release, const char *commit)
{
	struct commit *c;

	if (!release || !*commit || *app_commit(a, release) || strlen(commit) >= sizeof(c->id))
		return;
	c = xcalloc(1, sizeof(*c));
	*c = (struct commit){ .next = a->commits, .release = release };
	memcpy(c->id, commit, strlen(commit));
	a->commits = c;
	drop_last(a);
}

void app_forget_commits(struct app *a)
{
	while (a->commits) {
		struct commit *c = a->commits;

		a->commits = c->next;
		free(c);
	}
}
