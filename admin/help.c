#include "help.h"

#include <string.h>

#include "suggest.h"

#define ABOUT "manages migrations, accounts, webhooks, positions, dead letters, replays and the audit of Posthorn"

/* Sets `command` to each command in turn. */
#define FOR_EACH_COMMAND()                                                                                             \
    for (const struct command *const *table = command_tables; *table != NULL; table++)                                 \
        for (const struct command *command = *table; command->noun != NULL; command++)

static void name_of(const struct command *command, char out[static 80])
{
    snprintf(out, 80, "%s%s%s", command->noun, command->verb != NULL ? " " : "",
             command->verb != NULL ? command->verb : "");
}

/* Adds names similar to `given`: nouns, or the verbs of a noun. */
static void add_near(const char *given, const char *noun, struct buffer *names)
{
    const char *last = "";
    FOR_EACH_COMMAND()
    {
        const char *name = noun == NULL ? command->noun : command->verb;
        bool wanted = noun == NULL || strcmp(command->noun, noun) == 0;
        if (wanted && name != NULL && strcmp(name, last) != 0 && (noun != NULL || suggest_near(given, name)))
            buffer_printf(names, "%s%s", names->size > 0 ? ", " : "", last = name);
    }
}

static const struct command *not_found(const char *noun, const char *given, struct error *error)
{
    struct buffer names;
    buffer_init(&names, 1024);
    add_near(given, noun, &names);
    if (noun == NULL && names.size > 0)
        error_set(error, "there is no command '%.40s'; did you mean: %.*s?", given, TEXT_ARGS(buffer_text(&names)));
    else if (noun == NULL)
        error_set(error, "there is no command '%.40s'; posthorn-admin help lists all", given);
    else
        error_set(error, "there is no command '%s %.40s'; the commands of %s are: %.*s", noun, given, noun,
                  TEXT_ARGS(buffer_text(&names)));
    buffer_fini(&names);
    return NULL;
}

const struct command *help_find(int argc, char **argv, int *words, struct error *error)
{
    bool noun_known = false;
    const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
    FOR_EACH_COMMAND()
    {
        if (strcmp(command->noun, argv[0]) != 0)
            continue;
        noun_known = true;
        *words = command->verb != NULL ? 2 : 1;
        if (command->verb == NULL || strcmp(command->verb, verb) == 0)
            return command;
    }
    return not_found(noun_known ? argv[0] : NULL, noun_known ? verb : argv[0], error);
}

void help_settings(const struct command *command, struct setting *table)
{
    size_t n = 0;
    if (command != NULL && command->settings != NULL)
        for (const struct setting *own = command->settings; own->name != NULL && n < HELP_SETTINGS_MAX / 2; own++)
            table[n++] = *own;
    for (const struct setting *global = global_settings; global->name != NULL && n < HELP_SETTINGS_MAX - 1; global++)
        table[n++] = *global;
    table[n] = (struct setting){0};
}

void help_program(const struct command *command, const struct setting *table, char name[static 96],
                  char usage[static 160], struct program *program)
{
    char words[80];
    name_of(command, words);
    snprintf(name, 96, "posthorn-admin %s", words);
    snprintf(usage, 160, "%s%s[OPTION]…", command->words != NULL ? command->words : "",
             command->words != NULL ? " " : "");
    *program = (struct program){
        .name = name, .about = command->about, .usage = usage, .details = command->details, .settings = table};
}

static void print_line(const struct command *command)
{
    char left[160], name[80];
    name_of(command, name);
    snprintf(left, sizeof left, "%s%s%s", name, command->words != NULL ? " " : "",
             command->words != NULL ? command->words : "");
    printf("  %-42s %s\n", left, command->about);
}

static void print_command(const struct command *command)
{
    struct setting table[HELP_SETTINGS_MAX];
    struct program program;
    char name[96], usage[160];
    help_settings(command, table);
    help_program(command, table, name, usage, &program);
    config_print_help(&program, stdout);
}

static void print_all(void)
{
    printf("posthorn-admin: " ABOUT "\n\nUsage: posthorn-admin [OPTION]… COMMAND [WORD]… [OPTION]…\n\nCommands:\n");
    FOR_EACH_COMMAND()
    print_line(command);
    puts("  help [NOUN [VERB]]                         show this list, the commands of a noun, or one command with its "
         "options\n\n"
         "Every command accepts --help and these options, which can also be set by environment "
         "variables\n(POSTHORN_DATABASE_URL and so on); secrets can also be read from the file named by …_FILE:\n");
    for (const struct setting *global = global_settings; global->name != NULL; global++)
        printf("  --%-24s %s\n", global->name, global->about);
    puts("  --version, --manual      print the version; print the manual in troff, for man -l -\n\n"
         "Exit status: 0: success; 1: failure, or a check found a problem; 2: the command line or the configuration is "
         "wrong.");
}

bool help_print(int argc, char **argv, struct error *error)
{
    bool found = false;
    if (argc == 0)
        return print_all(), true;
    FOR_EACH_COMMAND()
    {
        if (strcmp(command->noun, argv[0]) != 0)
            continue;
        if (command->verb == NULL || (argc > 1 && strcmp(command->verb, argv[1]) == 0))
            return print_command(command), true;
        if (argc == 1)
            print_line(command);
        found |= argc == 1;
    }
    return found || not_found(argc > 1 ? argv[0] : NULL, argv[argc - 1], error) != NULL;
}

void help_manual(void)
{
    static const struct program whole = {.name = "posthorn-admin",
                                         .about = ABOUT,
                                         .usage = " [OPTION]... COMMAND [WORD]... [OPTION]...",
                                         .settings = global_settings};
    char name[80];
    config_print_manual(&whole, stdout);
    puts(".SH COMMANDS");
    FOR_EACH_COMMAND()
    {
        name_of(command, name);
        printf(".SS %s %s\n%s.\n", name, command->words != NULL ? command->words : "", command->about);
        if (command->details != NULL)
            printf(".PP\n%s\n", command->details);
        if (command->settings != NULL)
            config_print_manual_options(command->settings, stdout);
    }
    puts(".SH EXIT STATUS\n0: success; 1: failure, or a check found a problem; 2: the command line or the "
         "configuration is wrong.");
}
