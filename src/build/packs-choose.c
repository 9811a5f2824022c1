/* SPDX-License-Identifier: Apache-2.0 */
/* Of the buildpacks that recognise an app, those that build it (choose.h), and what is said of
 * that. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/choose.h"

static bool has_static_json(const struct build *b)
{
	_cleanup_free_ char *path = xasprintf("%s/static.json", b->app);

	return fs_exists(path);
}

/* Those that recognise it move to the front, in their order. */
static size_t gather(struct build *b, struct candidate *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_packs && n < CHOICE_MAX; i++) {
		struct pack p = b->packs[i];

		if (!p.name)
			continue;
		b->packs[i] = b->packs[n];
		b->packs[n] = p;
		ret[n++] = (struct candidate){ .name = p.folder,
					       .serves = p.serves,
					       .wanted = p.wanted };
	}
	return n;
}

static const char *why_last(const struct build *b, const struct choice *c)
{
	switch (c->why) {
	case CHOICE_COMMAND:
		return streq(b->types_file, "Procfile") ? "since the Procfile's web runs it"
							: "since web in heroku.yml runs it";
	case CHOICE_SERVES:
		return "since it knows how to start this app";
	case CHOICE_STATIC:
		return "since these are files, which nothing else serves";
	case CHOICE_ORDER:
	case CHOICE_ALONE:
		break;
	}
	return "since nothing says which of them answers requests";
}

static void put_names(const struct build *b, const size_t *picks, size_t n, struct buf *ret)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(ret, "%s%s", i ? " " : "", b->packs[picks[i]].folder);
}

static void tell_left_out(const struct build *b, const struct choice *c)
{
	for (size_t i = 0; i < c->n_left_out; i++) {
		const struct pack *p = &b->packs[c->left_out[i]];

		build_say(b, "       %s is here, too, and is not built: %s\n", p->name,
			  p->why ? p->why : "no process runs it");
	}
}

static void tell(const struct build *b, const struct choice *c)
{
	const struct pack *last = &b->packs[c->picks[c->n - 1]];
	_cleanup_buf_ struct buf all = BUF_INIT;

	if (c->why == CHOICE_ALONE)
		return;
	build_say(b, "-----> More than one language is here: %s says what runs, %s\n", last->name,
		  why_last(b, c));
	for (size_t i = 0; i + 1 < c->n; i++) {
		const struct pack *p = &b->packs[c->picks[i]];

		build_say(b, "       %s is built before it: %s\n", p->name,
			  p->why && p->wanted ? p->why : "a process runs it");
	}
	tell_left_out(b, c);
	put_names(b, c->n > 1 ? &c->picks[c->n - 1] : c->left_out, 1, &all);
	if (c->n == 1)
		buf_printf(&all, " %s", last->folder);
	build_say(b,
		  "       \"twelve buildpacks:set %s\" says otherwise, for example, or a file "
		  ".buildpacks with one name a line\n",
		  all.data);
}

static void forget(struct pack *p)
{
	free(p->folder);
	free(p->label);
	free(p->name);
	free(p->why);
}

static void keep(struct build *b, const struct choice *c)
{
	struct pack *kept = xcalloc(c->n + 1, sizeof(*kept));

	for (size_t i = 0; i < c->n; i++) {
		kept[i] = b->packs[c->picks[i]];
		b->packs[c->picks[i]] = (struct pack){ 0 };
	}
	for (size_t i = 0; i < b->n_packs; i++)
		forget(&b->packs[i]);
	free(b->packs);
	b->packs = kept;
	b->n_packs = c->n;
}

int packs_choose(struct build *b, struct error *err)
{
	struct candidate candidates[CHOICE_MAX];
	size_t n = gather(b, candidates);
	struct choice c;
	const char *last;

	choose_packs(candidates, n, b->types_file ? &b->procfile : NULL, has_static_json(b), &c);
	last = c.n ? candidates[c.picks[c.n - 1]].name : "";
	if ((!c.n || streq(last, "plain") || streq(last, "static")) &&
	    unsupported_language(b, err) < 0)
		return -1;
	if (!c.n)
		return packs_none(b, err);
	tell(b, &c);
	/* As nobody has chosen: it may be what the app is written in. */
	unsupported_tell(b);
	keep(b, &c);
	return 0;
}
