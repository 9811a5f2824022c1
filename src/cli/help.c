/* SPDX-License-Identifier: Apache-2.0 */
/* Help, from the table of commands: what the program can do can't differ from what it says. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"

#define WRAP 78

static void heading(const struct cli *c, FILE *f, const char *text)
{
	fprintf(f, "\n%s%s%s\n", style_on(c->color, STYLE_BOLD), text, style_off(c->color));
}

/* The width of a column of the names of commands. */
static int names_width(const struct command_group *all)
{
	const struct command *cmd;
	int width = 0;

	for (size_t i = 0; (cmd = command_at(all, i)); i++) {
		int n = cmd->flags & CMD_HIDDEN ? 0 : (int)strlen(cmd->name);

		if (n > width)
			width = n;
	}
	return width;
}

static void print_summary(const struct cli *c, const struct command *cmd, FILE *f)
{
	if (!(cmd->flags & CMD_HIDDEN))
		fprintf(f, "  %-*s  %s\n", names_width(c->args.all), cmd->name, cmd->summary);
}

static void print_group(const struct cli *c, const struct command_group *g, FILE *f)
{
	heading(c, f, g->title);
	for (const struct command *const *const *file = g->files; *file; file++)
		for (const struct command *const *cmd = *file; *cmd; cmd++)
			print_summary(c, *cmd, f);
}

void help_overview(const struct cli *c, FILE *f)
{
	fputs("twelve runs twelve-factor apps on machines that you own.\n\n"
	      "usage: twelve [--host HOST] COMMAND [OPTIONS] [ARGUMENTS]\n",
	      f);
	for (const struct command_group *g = c->args.all; g->title; g++)
		print_group(c, g, f);
	fputs("\n`twelve help COMMAND` shows options and examples.\n", f);
}

static void wrapped(FILE *f, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " \n");

		if (column && column + 1 + n > WRAP) {
			fputc('\n', f);
			column = 0;
		}
		column += (size_t)fprintf(f, "%s%.*s", column ? " " : "", (int)n, text);
		text += n;
		/* A line of its own begins. */
		if (*text == '\n') {
			fputc('\n', f);
			column = 0;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', f);
}

static void print_option(FILE *f, const struct arg_option *o)
{
	_cleanup_free_ char *left =
		o->letter ? xasprintf("-%c, --%s%s%s", o->letter, o->name, o->value ? " " : "",
				      o->value ? o->value : "")
			  : xasprintf("    --%s%s%s", o->name, o->value ? " " : "",
				      o->value ? o->value : "");

	fprintf(f, "  %-24s  %s\n", left, o->help);
}

static void print_aliases(const struct command *cmd, FILE *f)
{
	if (!cmd->aliases[0])
		return;
	fputs("also:  ", f);
	for (size_t i = 0; cmd->aliases[i]; i++)
		fprintf(f, "%s%s", i ? ", " : "", cmd->aliases[i]);
	fputc('\n', f);
}

static void print_examples(const struct command *cmd, FILE *f)
{
	for (const char *p = cmd->examples; *p;) {
		size_t n = strcspn(p, "\n");

		fprintf(f, "  $ %.*s\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

void help_command(const struct cli *c, const struct command *cmd, FILE *f)
{
	size_t topic = command_topic_len(cmd->name);
	const struct command *other;
	const struct arg_option *o;
	bool first = true;

	fprintf(f, "usage: twelve %s%s%s [OPTIONS]\n", cmd->name, *cmd->usage ? " " : "",
		cmd->usage);
	print_aliases(cmd, f);
	fprintf(f, "\n%c%s.\n", toupper((unsigned char)cmd->summary[0]), cmd->summary + 1);
	if (cmd->details)
		wrapped(f, cmd->details);
	heading(c, f, "Options");
	for (size_t i = 0; (o = command_option(cmd, i)); i++)
		print_option(f, o);
	if (cmd->examples) {
		heading(c, f, "Examples");
		print_examples(cmd, f);
	}
	for (size_t i = 0; (other = command_at(c->args.all, i)); i++) {
		if (other == cmd || (other->flags & CMD_HIDDEN) ||
		    command_topic_len(other->name) != topic ||
		    strncmp(other->name, cmd->name, topic) != 0)
			continue;
		if (first)
			heading(c, f, "See also");
		first = false;
		print_summary(c, other, f);
	}
}

static int help_run(struct cli *c, struct error *err)
{
	const char *name = cli_rest(c, 0), *near;
	const struct command *cmd = name ? command_find(c->args.all, name) : NULL;
	const char *names[256];
	size_t n = 0;

	if (!name) {
		help_overview(c, stdout);
		return 0;
	}
	if (cmd) {
		help_command(c, cmd, stdout);
		return 0;
	}
	if (command_elsewhere(name))
		return error_set(err, ERROR_INVALID, "%s is not a command of twelve: %s", name,
				 command_elsewhere(name));
	for (size_t i = 0; (cmd = command_at(c->args.all, i)) && n + 1 < ARRAY_SIZE(names); i++)
		if (!(cmd->flags & CMD_HIDDEN))
			names[n++] = cmd->name;
	names[n] = NULL;
	near = suggest(name, names);
	return error_set(err, ERROR_INVALID, "%s is not a command of twelve%s%s%s", name,
			 near ? ". Did you mean " : ": twelve help lists them", near ? near : "",
			 near ? "?" : "");
}

static const struct command cmd_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.max_args = 1,
	.summary = "list commands, or show one",
	.run = help_run,
	.examples = "twelve help\ntwelve help ps:scale",
};

const struct command *const help_commands[] = {
	&cmd_help,
	NULL,
};
