/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the command line by the tables that it is given. The command word is looked for first,
 * past options that any command takes, so that `twelve -a shop ps` and `twelve
 * ps -a shop` are the same.
 */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

static const struct arg_option global_options[] = {
	{ "host", "HOST",
	  "address of twelved: unix:///PATH, ssh://USER@MACHINE, https://HOST:PORT ($TWELVE_HOST)",
	  0 },
	{ "no-color", NULL, "no colors ($NO_COLOR)", 0 },
	{ "help", NULL, "show help for this command", 'h' },
	{ 0 },
};

static const struct arg_option app_options[] = {
	{ "app", "APP", "app ($TWELVE_APP; default: the app of the git remote)", 'a' },
	{ "remote", "REMOTE", "the git remote that names the app (twelve)", 'r' },
	{ 0 },
};

static const struct arg_option json_options[] = { { "json", NULL, "print JSON", 0 }, { 0 } };

static const struct arg_option wait_options[] = {
	{ "no-wait", NULL, "don't wait until the change is live", 0 },
	{ 0 },
};

static const struct arg_option *nth_of(const struct arg_option *table, bool takes, size_t *i)
{
	size_t n = 0;

	if (!takes || !table)
		return NULL;
	while (table[n].name)
		n++;
	if (*i < n)
		return &table[*i];
	*i -= n;
	return NULL;
}

/* Before the command is known, what any command might take is accepted. */
const struct arg_option *command_option(const struct command *cmd, size_t i)
{
	unsigned int flags = cmd ? cmd->flags : CMD_APP | CMD_JSON;
	const struct arg_option *o;

	if ((o = nth_of(cmd ? cmd->options : NULL, true, &i)) ||
	    (o = nth_of(app_options, flags & CMD_APP, &i)) ||
	    (o = nth_of(json_options, flags & CMD_JSON, &i)) ||
	    (o = nth_of(wait_options, flags & CMD_WAIT, &i)))
		return o;
	return nth_of(global_options, true, &i);
}

const struct command *command_at(const struct command_group *all, size_t i)
{
	for (; all->title; all++)
		for (const struct command *const *const *file = all->files; *file; file++)
			for (const struct command *const *cmd = *file; *cmd; cmd++)
				if (i-- == 0)
					return *cmd;
	return NULL;
}

const struct command *command_find(const struct command_group *all, const char *name)
{
	const struct command *cmd;

	for (size_t i = 0; (cmd = command_at(all, i)); i++) {
		if (streq(cmd->name, name))
			return cmd;
		for (size_t k = 0; cmd->aliases[k]; k++)
			if (streq(cmd->aliases[k], name))
				return cmd;
	}
	return NULL;
}

size_t command_topic_len(const char *name)
{
	return strcspn(name, ":");
}

static void add_value(struct args *a, const struct arg_option *o, const char *value)
{
	a->values = xrealloc(a->values, (a->n_values + 1) * sizeof(*a->values));
	a->values[a->n_values++] = (struct arg_value){ o, value };
}

static void add_rest(struct args *a, const char *word)
{
	a->rest = xrealloc(a->rest, (a->n_rest + 2) * sizeof(*a->rest));
	a->rest[a->n_rest++] = word;
	a->rest[a->n_rest] = NULL;
}

static const char *command_word(const struct args *a)
{
	return a->command ? a->command->name : "";
}

static int unknown_option(const struct args *a, const char *name, struct error *err)
{
	const char **names = NULL, *near;
	const struct arg_option *o;
	size_t n = 0;

	for (size_t i = 0; (o = command_option(a->command, i)); i++) {
		names = xrealloc(names, (n + 2) * sizeof(*names));
		names[n++] = o->name;
		names[n] = NULL;
	}
	near = suggest(name, names);
	free(names);
	return error_set(err, ERROR_INVALID,
			 "twelve %s has no option --%s%s%s%s: see twelve help %s", command_word(a),
			 name, near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "",
			 command_word(a));
}

static const struct arg_option *find_option(const struct args *a, const char *name, size_t len,
					    char letter)
{
	const struct arg_option *o;

	for (size_t i = 0; (o = command_option(a->command, i)); i++)
		if (letter ? o->letter == letter
			   : strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static int needs_value(const struct arg_option *o, struct error *err)
{
	return error_set(err, ERROR_INVALID, "--%s takes a value: --%s %s", o->name, o->name,
			 o->value);
}

/* --name, --name=value, --name value. Advances *i past a value that is a word of its own. */
static int parse_long(struct args *a, int argc, char *const *argv, int *i, struct error *err)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct arg_option *o = find_option(a, name, len, 0);

	if (!o) {
		_cleanup_free_ char *word = xstrndup(name, len);

		return unknown_option(a, word, err);
	}
	if (!o->value) {
		if (equals)
			return error_set(err, ERROR_INVALID, "--%s takes no value", o->name);
		add_value(a, o, "");
		return 0;
	}
	if (!equals && *i + 1 >= argc)
		return needs_value(o, err);
	add_value(a, o, equals ? equals + 1 : argv[++*i]);
	return 0;
}

static int parse_short(struct args *a, int argc, char *const *argv, int *i, struct error *err)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct arg_option *o = find_option(a, NULL, 0, *p);

		if (!o)
			return error_set(err, ERROR_INVALID,
					 "twelve %s has no option -%c: see twelve help %s",
					 command_word(a), *p, command_word(a));
		if (!o->value) {
			add_value(a, o, "");
			continue;
		}
		if (!p[1] && *i + 1 >= argc)
			return needs_value(o, err);
		add_value(a, o, p[1] ? p + 1 + (p[1] == '=') : argv[++*i]);
		return 0;
	}
	return 0;
}

static const char *nearest_command(const struct command_group *all, const char *word)
{
	const char **names = NULL, *near;
	const struct command *cmd;
	size_t n = 0;

	for (size_t i = 0; (cmd = command_at(all, i)); i++) {
		if (cmd->flags & CMD_HIDDEN)
			continue;
		names = xrealloc(names, (n + CMD_MAX_ALIASES + 2) * sizeof(*names));
		names[n++] = cmd->name;
		for (size_t k = 0; cmd->aliases[k]; k++)
			names[n++] = cmd->aliases[k];
		names[n] = NULL;
	}
	near = suggest(word, names);
	free(names);
	return near;
}

static int take_command(struct args *a, const char *word, struct error *err)
{
	const char *near, *here;

	a->command = command_find(a->all, word);
	if (a->command)
		return 0;
	here = command_elsewhere(word);
	if (here)
		return error_set(err, ERROR_INVALID, "%s is not a command of twelve: %s", word,
				 here);
	near = nearest_command(a->all, word);
	if (near)
		return error_set(err, ERROR_INVALID,
				 "%s is not a command of twelve. Did you mean twelve %s?", word,
				 near);
	return error_set(err, ERROR_INVALID, "%s is not a command of twelve: see twelve help",
			 word);
}

/* Of the options before the command word, those that it doesn't take are mistakes. */
static int check_early(const struct args *a, struct error *err)
{
	for (size_t i = 0; i < a->n_values; i++)
		if (!find_option(a, a->values[i].option->name, strlen(a->values[i].option->name),
				 0))
			return unknown_option(a, a->values[i].option->name, err);
	return 0;
}

/* Of two values one would be passed over. */
static int check_twice(const struct args *a, struct error *err)
{
	bool app = false, remote = false;

	for (size_t i = 0; i < a->n_values; i++) {
		const struct arg_option *o = a->values[i].option;

		app |= streq(o->name, "app");
		remote |= streq(o->name, "remote");
		for (size_t k = 0; k < i && o->value && !o->many; k++)
			if (streq(a->values[k].option->name, o->name))
				return error_set(err, ERROR_INVALID, "--%s is given twice",
						 o->name);
	}
	return app && remote && !(a->command->flags & CMD_REMOTE)
		       ? error_set(err, ERROR_INVALID,
				   "--app and --remote both name the app: say one of them")
		       : 0;
}

static int check_count(const struct args *a, struct error *err)
{
	const struct command *cmd = a->command;

	if (args_has(a, "help"))
		return 0;
	if ((int)a->n_rest >= cmd->min_args &&
	    (cmd->max_args == CMD_ANY_ARGS || (int)a->n_rest <= cmd->max_args))
		return 0;
	if ((int)a->n_rest < cmd->min_args)
		return error_set(err, ERROR_INVALID, "missing argument. Usage: twelve %s %s",
				 cmd->name, cmd->usage);
	return error_set(err, ERROR_INVALID, "unexpected argument \"%s\". Usage: twelve %s %s",
			 a->rest[cmd->max_args], cmd->name, cmd->usage);
}

int args_parse(struct args *a, const struct command_group *all, int argc, char *const *argv,
	       struct error *err)
{
	bool only_words = false, dashes = false;

	*a = (struct args){ .all = all };
	add_rest(a, NULL);
	a->n_rest = 0;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (only_words || word[0] != '-' || !word[1]) {
			if (!a->command) {
				if (take_command(a, word, err) < 0 || check_early(a, err) < 0)
					return -1;
				continue;
			}
			add_rest(a, word);
			only_words |= (a->command->flags & CMD_VERBATIM) &&
				      (int)a->n_rest >= a->command->min_args;
		} else if (streq(word, "--")) {
			only_words = dashes = true;
			a->n_before_dashes = a->n_rest;
		} else if (!a->command && (streq(word, "--version") || streq(word, "-v"))) {
			return take_command(a, "version", err);
		} else if ((word[1] == '-' ? parse_long : parse_short)(a, argc, argv, &i, err) <
			   0) {
			return -1;
		}
	}
	if (!dashes)
		a->n_before_dashes = a->n_rest;
	if (!a->command)
		return 0;
	return check_count(a, err) < 0 ? -1 : check_twice(a, err);
}

void args_done(struct args *a)
{
	free(a->values);
	free(a->rest);
	*a = (struct args){ 0 };
}

const char *args_nth(const struct args *a, const char *name, size_t i)
{
	for (size_t k = 0; k < a->n_values; k++)
		if (streq(a->values[k].option->name, name) && i-- == 0)
			return a->values[k].value;
	return NULL;
}

bool args_has(const struct args *a, const char *name)
{
	return args_nth(a, name, 0) != NULL;
}

const char *args_get(const struct args *a, const char *name)
{
	const char *last = NULL, *v;

	for (size_t i = 0; (v = args_nth(a, name, i)); i++)
		last = v;
	return last;
}

const char *args_rest(const struct args *a, size_t i)
{
	return i < a->n_rest ? a->rest[i] : NULL;
}

int args_number(const struct args *a, const char *name, int64_t min, int64_t max, int64_t fallback,
		int64_t *ret, struct error *err)
{
	const char *v = args_get(a, name);

	if (!v) {
		*ret = fallback;
		return 0;
	}
	if (str_to_i64(v, min, max, ret))
		return 0;
	return error_set(err, ERROR_INVALID,
			 "--%s: expected a whole number from %lld to %lld, found \"%s\"", name,
			 (long long)min, (long long)max, v);
}
