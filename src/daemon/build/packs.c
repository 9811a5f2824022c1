/* SPDX-License-Identifier: Apache-2.0 */
/* The buildpacks of an app; see packs.h. */
#include "daemon/build/packs.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "build/build.h"
#include "build/copy.h"
#include "build/git-fetch.h"
#include "build/git-url.h"
#include "model/pack-name.h"

const char *packs_name(json_t *element)
{
	return json_string_value(json_is_object(element) ? json_object_get(element, "directory")
							 : element);
}

json_t *packs_directories(json_t *list)
{
	json_t *ret = json_array(), *e;
	size_t i;

	json_array_foreach (list, i, e)
		if (json_is_object(e))
			json_array_append(ret, json_object_get(e, "directory"));
	return ret;
}

json_t *packs_names(json_t *list)
{
	json_t *ret = json_array(), *e;
	size_t i;

	json_array_foreach (list, i, e)
		if (packs_name(e))
			json_array_append_new(ret, json_string(packs_name(e)));
	return ret;
}

bool packs_has(const char *data_dir, const char *name)
{
	_cleanup_free_ char *compile = xasprintf("%s/buildpacks/%s/bin/compile", data_dir, name);

	return name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' &&
	       access(compile, X_OK) == 0;
}

/* The list is sent whole: who adds one to it sends those that are there. */
static json_t *found(json_t *before, const char *name)
{
	json_t *e;
	size_t i;

	json_array_foreach (before, i, e)
		if (json_is_object(e) && packs_name(e) && streq(packs_name(e), name))
			return json_incref(e);
	return NULL;
}

static json_t *take_directory(const char *name, const struct packs_rules *rules, struct error *err)
{
	json_t *there = found(rules->before, name);

	if (there)
		return there;
	if (!rules->admin) {
		error_set(err, ERROR_FORBIDDEN,
			  "A directory of this machine can be set by an administrator only: give a "
			  "name that the platform has, or a git URL");
		return NULL;
	}
	if (copy_check(name, rules->state_dir, err) < 0)
		return NULL;
	return json_pack("{s:s, s:s}", "directory", name, "by", rules->who);
}

/* As the build will read it: what follows a "#" is a branch, a tag or a commit. */
static json_t *take_url(const char *name, struct error *err)
{
	_cleanup_free_ char *url = xstrndup(name, strcspn(name, "#"));
	const struct git_fetch f = { .url = url,
				     .ref = name[strlen(url)] ? name + strlen(url) + 1 : NULL,
				     .subject = "The buildpack's address" };

	return git_fetch_check(&f, err) < 0 ? NULL : json_string(name);
}

static int no_such(const char *name, const char *data_dir, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/buildpacks", data_dir),
			    *names = build_pack_names(dir);

	return error_set(
		err, ERROR_INVALID,
		"There is no buildpack \"%.100s\": give a built-in one (%s), a git URL or a "
		"directory on the server",
		name, names);
}

json_t *packs_take(const char *name, const struct packs_rules *rules, struct error *err)
{
	const char *own = pack_name_here(name);

	if (name[0] == '/')
		return take_directory(name, rules, err);
	if (git_url_is_meant(name))
		return take_url(name, err);
	if (pack_name_is_apt(name) || (own && packs_has(rules->data_dir, own)))
		return json_string(name);
	no_such(name, rules->data_dir, err);
	return NULL;
}
