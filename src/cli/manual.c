/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section COMMANDS of man/twelve.1 in mdoc(7), from the tables of commands: `make docs` puts it
 * there, and a unit test compares the two.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"

/* Text as mdoc takes it: a backslash is an escape, and so is a dot or quote that begins a line. */
static void put_escaped(struct buf *out, const char *s, size_t n)
{
	if (n && (*s == '.' || *s == '\''))
		buf_puts(out, "\\&");
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			buf_puts(out, "\\e");
		else
			buf_putc(out, s[i]);
	}
}

/* Where the sentence ends that begins at s: before a blank that a capital follows, or a newline. */
static size_t sentence_len(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != '\n') {
		if (n && strchr(".:", s[n - 1]) && s[n] == ' ' && isupper((unsigned char)s[n + 1]))
			break;
		n++;
	}
	return n;
}

/* A sentence a line, as mdoc wants it; a newline of the text begins a line of its own. */
static void put_text(struct buf *out, const char *s)
{
	while (*s) {
		size_t n = sentence_len(s);

		put_escaped(out, s, n);
		buf_putc(out, '\n');
		s += n;
		if (*s == '\n')
			buf_puts(out, s[1] ? ".br\n" : "");
		if (*s)
			s++;
	}
}

static void put_summary(struct buf *out, const char *s)
{
	buf_putc(out, (char)toupper((unsigned char)*s));
	put_escaped(out, s + 1, strlen(s + 1));
	buf_puts(out, ".\n");
}

static void put_option(struct buf *out, const struct arg_option *o)
{
	buf_puts(out, ".It ");
	if (o->letter)
		buf_printf(out, "Fl %c , ", o->letter);
	buf_printf(out, "Fl Fl %s", o->name);
	if (o->value)
		buf_printf(out, " Ar \"%s\"", o->value);
	buf_putc(out, '\n');
	put_escaped(out, o->help, strlen(o->help));
	buf_puts(out, ".\n");
}

static void put_options(struct buf *out, const struct arg_option *o)
{
	buf_puts(out, ".Bl -tag -width Ds -compact\n");
	for (; o->name; o++)
		put_option(out, o);
	buf_puts(out, ".El\n");
}

static void put_command(struct buf *out, const struct command *cmd)
{
	if (cmd->flags & CMD_HIDDEN)
		return;
	buf_printf(out, ".It Cm %s", cmd->name);
	if (*cmd->usage)
		buf_printf(out, " Ar \"%s\"", cmd->usage);
	buf_putc(out, '\n');
	put_summary(out, cmd->summary);
	if (cmd->details)
		put_text(out, cmd->details);
	for (size_t i = 0; cmd->aliases[i]; i++)
		buf_printf(out, "%s%s", i ? ", " : "Also: ", cmd->aliases[i]);
	if (cmd->aliases[0])
		buf_puts(out, ".\n");
	if (cmd->options && cmd->options[0].name)
		put_options(out, cmd->options);
}

void manual_commands(const struct command_group *all, struct buf *out)
{
	for (const struct command_group *g = all; g->title; g++) {
		buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", g->title);
		for (const struct command *const *const *file = g->files; *file; file++)
			for (const struct command *const *cmd = *file; *cmd; cmd++)
				put_command(out, *cmd);
		buf_puts(out, ".El\n");
	}
}

static int manual_run(struct cli *c, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)err;
	manual_commands(c->args.all, &out);
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}

static const struct command cmd_manual = {
	.name = "manual",
	.usage = "",
	.flags = CMD_HIDDEN,
	.summary = "the manual page's section of commands",
	.run = manual_run,
};

const struct command *const manual_table[] = {
	&cmd_manual,
	NULL,
};
