/* SPDX-License-Identifier: Apache-2.0 */
/* Procfile; see procfile.h. */
#include "model/procfile.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "model/names.h"

void procfile_done(struct procfile *p)
{
	for (size_t i = 0; i < p->n_types; i++) {
		free(p->types[i].name);
		free(p->types[i].command);
	}
	free(p->types);
	*p = (struct procfile){ 0 };
}

static struct process_type *find(const struct procfile *p, const char *type)
{
	for (size_t i = 0; i < p->n_types; i++)
		if (streq(p->types[i].name, type))
			return &p->types[i];
	return NULL;
}

const char *procfile_get(const struct procfile *p, const char *type)
{
	const struct process_type *t = find(p, type);

	return t ? t->command : NULL;
}

void procfile_set(struct procfile *p, const char *type, const char *command)
{
	struct process_type *t = find(p, type);

	if (!t) {
		p->types = xrealloc(p->types, (p->n_types + 1) * sizeof(*p->types));
		t = &p->types[p->n_types++];
		*t = (struct process_type){ .name = xstrdup(type) };
	}
	free(t->command);
	t->command = xstrdup(command);
}

int procfile_add(struct procfile *p, const char *type, const char *command, struct error *err)
{
	if (name_check_type(type, err) < 0)
		return -1;
	if (procfile_get(p, type))
		return error_set(err, ERROR_INVALID, "process type \"%s\" is there twice: keep one",
				 type);
	if (p->n_types == PROCFILE_TYPES_MAX)
		return error_set(err, ERROR_INVALID, "more than %d process types",
				 PROCFILE_TYPES_MAX);
	if (!command[0])
		return error_set(err, ERROR_INVALID, "process type \"%s\" has no command", type);
	if (strlen(command) > PROCFILE_COMMAND_MAX)
		return error_set(err, ERROR_INVALID,
				 "the command of \"%s\" is too long (maximum is %d bytes)", type,
				 PROCFILE_COMMAND_MAX);
	procfile_set(p, type, command);
	return 0;
}

static int parse_line(struct procfile *p, char *line, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	char *colon;

	line = str_trim(line);
	if (!line[0] || line[0] == '#')
		return 0;
	colon = strchr(line, ':');
	if (!colon || colon == line)
		return error_set(err, ERROR_INVALID, "expected \"type: command\", found \"%s\"",
				 name_excerpt(excerpt, line));
	*colon = '\0';
	return procfile_add(p, str_trim(line), str_trim(colon + 1), err);
}

int procfile_parse(const char *text, const char *label, struct procfile *ret, struct error *err)
{
	__attribute__((cleanup(procfile_done))) struct procfile p = { 0 };
	_cleanup_free_ char *copy = xstrdup(str_starts(text, "\xef\xbb\xbf") ? text + 3 : text);
	char *rest = copy, *line;

	for (unsigned number = 1; (line = strsep(&rest, "\n")); number++)
		if (parse_line(&p, line, err) < 0)
			return error_prefix(err, "%s:%u", label, number);
	*ret = p;
	p = (struct procfile){ 0 };
	return 0;
}
