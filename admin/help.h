/* Help: finds commands and prints help, from the tables of command.h. */
#pragma once
#include "command.h"

/* Returns the command named by argv[0] (and argv[1]) and sets *words to the number of words in its name. Returns NULL
 * on an error, which suggests a name. */
const struct command *help_find(int argc, char **argv, int *words, struct error *error) MUST_USE;

/* Writes the command's options into `table`, which has room for HELP_SETTINGS_MAX: global options first, then its own.
 */
#define HELP_SETTINGS_MAX 48
void help_settings(const struct command *command, struct setting *table);

/* Makes a program of the command, for config_load() and --help. `name` and `usage` must stay valid as long as *program.
 */
void help_program(const struct command *command, const struct setting *table, char name[static 96],
                  char usage[static 160], struct program *program);

/* Handles `posthorn-admin help [NOUN [VERB]]`: all commands, one noun, one command. */
bool help_print(int argc, char **argv, struct error *error) MUST_USE;

/* Prints the whole manual in troff. */
void help_manual(void);
