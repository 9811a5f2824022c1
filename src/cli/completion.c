/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion scripts for bash, zsh and fish, from the tables of commands. The
 * scripts in completions/ are what this prints; a unit test compares them.
 * App names are asked of `twelve complete apps`, which never fails loudly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"

#define HEADER "# SPDX-License-Identifier: Apache-2.0\n# Made by: twelve completion %s\n"

static bool is_shown(const struct command *cmd)
{
	return !(cmd->flags & CMD_HIDDEN);
}

static void put_words(struct buf *out, const struct command *cmd)
{
	const struct arg_option *o;

	for (size_t i = 0; (o = command_option(cmd, i)); i++)
		buf_printf(out, "%s--%s", i ? " " : "", o->name);
}

/* The name and the aliases as a pattern of case. */
static void put_pattern(struct buf *out, const struct command *cmd)
{
	buf_puts(out, cmd->name);
	for (size_t i = 0; cmd->aliases[i]; i++)
		buf_printf(out, "|%s", cmd->aliases[i]);
}

static void bash_script(const struct command_group *all, struct buf *out)
{
	const struct command *cmd;

	buf_puts(out, "_twelve() {\n"
		      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= "
		      "i options=\n"
		      "\tif declare -F _get_comp_words_by_ref >/dev/null; then\n"
		      "\t\tlocal words cword\n"
		      "\t\t_get_comp_words_by_ref -n : cur prev words cword\n"
		      "\telse\n"
		      "\t\tlocal words=(\"${COMP_WORDS[@]}\") cword=$COMP_CWORD\n"
		      "\tfi\n"
		      "\tcase $prev in\n"
		      "\t-a|--app|--confirm)\n"
		      "\t\tCOMPREPLY=($(compgen -W \"$(twelve complete apps 2>/dev/null)\" -- "
		      "\"$cur\"))\n"
		      "\t\treturn ;;\n"
		      "\tesac\n"
		      "\tfor ((i = 1; i < cword; i++)); do\n"
		      "\t\tcase ${words[i]} in\n"
		      "\t\t-a|--app|-r|--remote|--host) ((i++)) ;;\n"
		      "\t\t-*) ;;\n"
		      "\t\t*) cmd=${words[i]}; break ;;\n"
		      "\t\tesac\n"
		      "\tdone\n"
		      "\tcase $cmd in\n"
		      "\t'') options='");
	for (size_t i = 0, n = 0; (cmd = command_at(all, i)); i++)
		if (is_shown(cmd))
			buf_printf(out, "%s%s", n++ ? " " : "", cmd->name);
	buf_puts(out, "' ;;\n");
	for (size_t i = 0; (cmd = command_at(all, i)); i++) {
		if (!is_shown(cmd))
			continue;
		buf_putc(out, '\t');
		put_pattern(out, cmd);
		buf_puts(out, ") options='");
		put_words(out, cmd);
		buf_puts(out, "' ;;\n");
	}
	buf_puts(out, "\tesac\n"
		      "\tif [[ -z $cmd || $cur == -* ]]; then\n"
		      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
		      "\telse\n"
		      "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		      "\tfi\n"
		      "\tdeclare -F __ltrim_colon_completions >/dev/null && "
		      "__ltrim_colon_completions \"$cur\"\n"
		      "\treturn 0\n"
		      "}\n"
		      "complete -F _twelve twelve\n");
}

/* Text within single quotes of zsh's _arguments and _describe: brackets and colons are theirs. */
static void put_zsh(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			buf_puts(out, "'\\''");
		else if (strchr("[]:", *s))
			buf_printf(out, "\\%c", *s);
		else
			buf_putc(out, *s);
	}
}

static void put_zsh_option(struct buf *out, const struct arg_option *o)
{
	bool app = streq(o->name, "app") || streq(o->name, "confirm");

	if (o->letter)
		buf_printf(out, " \\\n\t\t\t'(-%c --%s)'{-%c,--%s}'[", o->letter, o->name,
			   o->letter, o->name);
	else
		buf_printf(out, " \\\n\t\t\t'--%s[", o->name);
	put_zsh(out, o->help);
	buf_putc(out, ']');
	if (o->value) {
		buf_putc(out, ':');
		put_zsh(out, o->value);
		buf_puts(out, app ? ":_twelve_apps" : ":");
	}
	buf_putc(out, '\'');
}

static void zsh_script(const struct command_group *all, struct buf *out)
{
	const struct command *cmd;

	buf_puts(out, "_twelve_apps() {\n"
		      "\tlocal -a apps=(${(f)\"$(twelve complete apps 2>/dev/null)\"})\n"
		      "\tcompadd -a apps\n"
		      "}\n\n"
		      "_twelve() {\n"
		      "\tlocal context state line\n"
		      "\tlocal -a commands=(\n");
	for (size_t i = 0; (cmd = command_at(all, i)); i++) {
		if (!is_shown(cmd))
			continue;
		buf_puts(out, "\t\t'");
		put_zsh(out, cmd->name);
		buf_putc(out, ':');
		put_zsh(out, cmd->summary);
		buf_puts(out, "'\n");
	}
	buf_puts(out, "\t)\n"
		      "\t_arguments -C '(-a --app)'{-a,--app}'[which app]:APP:_twelve_apps' "
		      "'--host[where twelved is]:HOST:' \\\n"
		      "\t\t'1:command:->command' '*::argument:->argument' && return\n"
		      "\tif [[ $state == command ]]; then\n"
		      "\t\t_describe command commands\n"
		      "\t\treturn\n"
		      "\tfi\n"
		      "\tcase $line[1] in\n");
	for (size_t i = 0; (cmd = command_at(all, i)); i++) {
		const struct arg_option *o;

		if (!is_shown(cmd))
			continue;
		buf_putc(out, '\t');
		put_pattern(out, cmd);
		buf_puts(out, ")\n\t\t_arguments");
		for (size_t k = 0; (o = command_option(cmd, k)); k++)
			put_zsh_option(out, o);
		buf_puts(out, " \\\n\t\t\t'*:file:_files' ;;\n");
	}
	buf_puts(out, "\tesac\n}\n\n_twelve \"$@\"\n");
}

static void put_fish(struct buf *out, const char *s)
{
	buf_putc(out, '\'');
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, '\'');
}

static void put_fish_option(struct buf *out, const struct command *cmd, const struct arg_option *o)
{
	buf_puts(out, "complete -c twelve -n '__fish_seen_subcommand_from ");
	buf_puts(out, cmd->name);
	for (size_t i = 0; cmd->aliases[i]; i++)
		buf_printf(out, " %s", cmd->aliases[i]);
	buf_printf(out, "' -l %s", o->name);
	if (o->letter)
		buf_printf(out, " -s %c", o->letter);
	if (o->value)
		buf_puts(out, streq(o->name, "app") || streq(o->name, "confirm")
				      ? " -x -a '(twelve complete apps 2>/dev/null)'"
				      : " -r");
	buf_puts(out, " -d ");
	put_fish(out, o->help);
	buf_putc(out, '\n');
}

static void fish_script(const struct command_group *all, struct buf *out)
{
	const struct arg_option *o;
	const struct command *cmd;

	for (size_t i = 0; (cmd = command_at(all, i)); i++) {
		if (!is_shown(cmd))
			continue;
		buf_printf(out, "complete -c twelve -f -n __fish_use_subcommand -a %s -d ",
			   cmd->name);
		put_fish(out, cmd->summary);
		buf_putc(out, '\n');
	}
	for (size_t i = 0; (cmd = command_at(all, i)); i++)
		for (size_t k = 0; is_shown(cmd) && (o = command_option(cmd, k)); k++)
			put_fish_option(out, cmd, o);
}

bool completion_script(const struct command_group *all, const char *shell, struct buf *out)
{
	static const struct {
		const char *shell;
		void (*write)(const struct command_group *all, struct buf *out);
	} writers[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		if (!streq(writers[i].shell, shell))
			continue;
		if (streq(shell, "zsh"))
			buf_puts(out, "#compdef twelve\n");
		buf_printf(out, HEADER, shell);
		writers[i].write(all, out);
		return true;
	}
	return false;
}

static int completion_run(struct cli *c, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	if (!completion_script(c->args.all, cli_rest(c, 0), &out))
		return error_set(err, ERROR_INVALID,
				 "There is a completion for bash, zsh and fish, not for %s",
				 cli_rest(c, 0));
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}

static const struct command cmd_completion = {
	.name = "completion",
	.usage = "bash | zsh | fish",
	.min_args = 1,
	.max_args = 1,
	.summary = "print the completion script for a shell",
	.run = completion_run,
	.details = "make install installs them; use this on other machines.",
	.examples = "source <(twelve completion bash)\ntwelve completion fish > "
		    "~/.config/fish/completions/twelve.fish",
};

/* A key press must neither wait nor show an error: no apps then. */
static int complete_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *apps = NULL;
	struct error ignored = ERROR_INIT;
	const json_t *app;
	size_t i;

	(void)err;
	if (!streq(cli_rest(c, 0), "apps") || !cli_api(c, &ignored) ||
	    api_get(c->api, &apps, &ignored, "/apps") < 0)
		return 1;
	json_array_foreach (apps, i, app)
		puts(json_str(app, "name", ""));
	return 0;
}

static const struct command cmd_complete = {
	.name = "complete",
	.usage = "apps",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_HIDDEN,
	.summary = "words for the completion scripts",
	.run = complete_run,
};

const struct command *const completion_commands[] = {
	&cmd_completion,
	&cmd_complete,
	NULL,
};
