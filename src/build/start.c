/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start commands: where others have written one, when there is none here; and scripts that a
 * command names and that can't be executed, which is all that a dyno could say of them: "not
 * found", of a file that is there.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "build/build-priv.h"
#include "build/pack.h"

#define FILE_MAX_BYTES (256 << 10)
#define COMMAND_SHOWN 120

/* ---- elsewhere ---- */

struct place {
	const char *file;
	const char *key; /* of a line that has the command; NULL: the file is named */
};

static const struct place places[] = {
	{ "Dockerfile", "CMD" },
	{ "Dockerfile", "ENTRYPOINT" },
	{ "railway.json", "startCommand" },
	{ "railway.toml", "startCommand" },
	{ "render.yaml", "startCommand" },
	{ "nixpacks.toml", "cmd" },
	{ "app.yaml", "entrypoint" },
	{ "Procfile.dev", "web" },
	{ "docker-compose.yml", "command" },
	{ "compose.yaml", "command" },
	{ "compose.yml", "command" },
	{ "docker-compose.yaml", "command" },
	{ "fly.toml", NULL },
	{ "vercel.json", NULL },
	{ "netlify.toml", NULL },
	{ "ecosystem.config.js", NULL },
	{ "wrangler.toml", NULL },
	{ "serverless.yml", NULL },
	{ ".platform.app.yaml", NULL },
};

/* What stands behind a key, or NULL: key: value, "key": "value", key = value, CMD value. */
static char *value_of(char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " \t-\"'");
	if (strncmp(line, key, n) != 0 || !strchr(" \t:=\"'[", line[n]))
		return NULL;
	line += n;
	line += strspn(line, " \t:=\"'[");
	return *line ? line : NULL;
}

/* ["gunicorn", "app:app"] as a line of a Procfile has it, for people. */
static void plain_words(char *value)
{
	char *to = value, *from;

	for (from = value; *from; from++)
		if (!strchr("\"'[],", *from))
			*to++ = *from;
	*to = '\0';
	for (char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	str_trim(value);
}

static char *command_at(const struct build *b, const struct place *p)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *rest, *line, *found = NULL;
	int number = 0, at = 0;

	if (pack_read_file(b->app, p->file, FILE_MAX_BYTES, &text) < 0)
		return NULL;
	if (!p->key)
		return xasprintf(" (%s is not read here; if it names a command, that goes into the "
				 "Procfile)",
				 p->file);
	/* The last one, as in a Dockerfile of several stages. */
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		char *value = value_of(line, p->key);

		number++;
		if (!value)
			continue;
		found = value;
		at = number;
	}
	if (!found)
		return NULL;
	plain_words(found);
	return xasprintf(" (%s:%d has the command \"%.*s\": with \"web: \" before it that is a "
			 "line of a Procfile)",
			 p->file, at, COMMAND_SHOWN, found);
}

char *start_elsewhere(const struct build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *sentence = command_at(b, &places[i]);

		if (sentence)
			return sentence;
	}
	return xstrdup("");
}

/* ---- scripts ---- */

/* The name in the tree, or NULL for what is none: an option, a program of the stack, a variable. */
static const char *name_in_tree(const char *word)
{
	if (str_starts(word, "/app/"))
		word += strlen("/app/");
	while (str_starts(word, "./"))
		word += 2;
	return word[0] && word[0] != '/' && word[0] != '-' && !strpbrk(word, "$*?=~") ? word : NULL;
}

static void check_executable(const struct build *b, const char *type, const char *word,
			     const char *name, int found)
{
	if (found == -ENOENT && (str_starts(word, "./") || str_starts(word, "bin/")))
		build_say(b,
			  " !     %s starts %s, which is not there: neither in the commit nor made "
			  "by the build\n",
			  type, word);
	else if (found >= 0 && strchr(word, '/') && !pack_is_program(b->app, name))
		build_say(b,
			  " !     %s starts %s, which is not executable: \"git update-index "
			  "--chmod=+x %s\" makes it one, or write \"sh %s\"\n",
			  type, word, name, name);
}

/* A word of a command; `first`: it is what is executed. */
static void check_word(const struct build *b, const char *type, const char *word, bool first)
{
	const char *name = name_in_tree(word);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int found = name ? pack_read_file(b->app, name, FILE_MAX_BYTES, &text) : -EISDIR;
	const char *end = found == 0 ? strchr(text.data, '\n') : NULL;

	if (end && end > text.data && end[-1] == '\r' &&
	    (str_starts(text.data, "#!") || str_ends(word, ".sh")))
		build_say(b,
			  " !     %s starts %s, which has Windows line endings (CRLF) and can't "
			  "run: save it with Unix line endings, and add the line \"%s text "
			  "eol=lf\" to .gitattributes\n",
			  type, word, name);
	else if (first)
		check_executable(b, type, word, name, found == -EFBIG ? 0 : found);
}

static void check_step(const struct build *b, const char *type, char *step)
{
	bool first = true;
	char *save = NULL;

	for (char *word = strtok_r(step, " \t\"'(){}", &save); word;
	     word = strtok_r(NULL, " \t\"'(){}", &save)) {
		if (strchr(word, '='))
			continue;
		/* What a shell reads need not be executable. */
		check_word(b, type, word, first && !streq(word, "exec"));
		first = first && streq(word, "exec");
	}
}

void start_check(const struct build *b, const struct procfile *p)
{
	for (size_t i = 0; i < p->n_types; i++) {
		_cleanup_free_ char *command = xstrdup(p->types[i].command);
		char *rest = command, *step;

		/* Elsewhere other names count. */
		while ((step = strsep(&rest, "&|;\n")) && !strstr(step, "cd "))
			check_step(b, p->types[i].name, step);
	}
}
