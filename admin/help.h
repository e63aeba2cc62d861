/* Finding commands, and telling about them; all from the tables of command.h. */
#pragma once
#include "command.h"

/* The command that argv[0] (and argv[1]) name; *words is set to how many words its name took. NULL and an error that
 * suggests. */
const struct command *help_find(int argc, char **argv, int *words, struct error *error) MUST_USE;

/* Its options: the global ones, then its own. `table` has room for HELP_SETTINGS_MAX. */
#define HELP_SETTINGS_MAX 48
void help_settings(const struct command *command, struct setting *table);

/* The command as a program of its own, for config_load() and its --help. `name` and `usage` must live as long as
 * *program. */
void help_program(const struct command *command, const struct setting *table, char name[static 96],
                  char usage[static 160], struct program *program);

/* `posthorn-admin help [NOUN [VERB]]`: everything, one noun, one command. */
bool help_print(int argc, char **argv, struct error *error) MUST_USE;

/* The whole manual in troff. */
void help_manual(void);
