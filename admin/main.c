/* posthorn-admin: reads the command line, opens the transaction, runs the command, commits, prints. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/harden.h"
#include "base/signals.h"
#include "help.h"
#include "output.h"

enum { EXIT_USAGE = 2 };

static int fail(const struct error *error, int status)
{
    const char *state = store_state();
    if (strcmp(state, "3F000") == 0 || strcmp(state, "42P01") == 0 || strcmp(state, "42883") == 0)
        fputs("posthorn-admin: the database is not migrated to this program's schema; run posthorn-admin migrate\n",
              stderr);
    fprintf(stderr, "posthorn-admin: %s\n", error->text);
    return status;
}

/* Runs the command in one transaction. Success is reported only after the commit. */
static bool run_in_transaction(const struct command *command, struct context *context, const void *settings,
                               struct error *error)
{
    if (!context_begin(context, error))
        return false;
    if (command->run(context, settings, error))
        return store_run(context->db, "commit", NO_VALUES, error);
    store_rollback(context->db);
    return false;
}

static bool connect_database(struct context *context, struct error *error)
{
    const char *url = context->globals->database_url;
    if (url == NULL || *url == '\0')
        return error_set(
            error, "--database-url is missing: give it, or set POSTHORN_DATABASE_URL or POSTHORN_DATABASE_URL_FILE");
    context->db = store_connect(url, "posthorn-admin", error);
    return context->db != NULL;
}

static int run_command(const struct command *command, struct context *context, const void *settings)
{
    struct error error = {0};
    bool ok = (command->flags & COMMAND_OFFLINE) != 0 || connect_database(context, &error);
    if (ok)
        ok = (command->flags & (COMMAND_OFFLINE | COMMAND_OWN_TRANSACTIONS)) != 0
                 ? command->run(context, settings, &error)
                 : run_in_transaction(command, context, settings, &error);
    if (context->result != NULL && ok)
        output_print(context->result, context->globals->json, stdout);
    if (fflush(stdout) != 0 && ok)
        ok = error_set(&error, "the command succeeded, but its result could not be written to standard output");
    json_decref(context->result);
    secret_key_free(&context->master);
    PQfinish(context->db);
    return ok ? (context->found_wrong ? EXIT_FAILURE : EXIT_SUCCESS) : fail(&error, EXIT_FAILURE);
}

static bool check_words(const struct command *command, int count, char **words, struct error *error)
{
    const char *verb = command->verb != NULL ? command->verb : "";
    if ((size_t)count < command->least_words)
        return error_set(error, "%s %s: %s is missing; see --help", command->noun, verb, command->words);
    if ((size_t)count > command->most_words)
        return error_set(error, "%s %s: unexpected argument '%.80s'; see --help", command->noun, verb,
                         words[command->most_words]);
    return true;
}

/* argv[0] is the command's name; options and words follow in any order. */
static int load_and_run(const struct command *command, int argc, char **argv)
{
    struct setting table[HELP_SETTINGS_MAX];
    struct program program;
    struct error error = {0};
    char name[96], usage[160];
    int first_word = 0, status = EXIT_USAGE;
    void *settings = calloc(1, command->settings_size != 0 ? command->settings_size : sizeof(struct globals));
    help_settings(command, table);
    help_program(command, table, name, usage, &program);
    enum config_result loaded =
        settings == NULL ? CONFIG_BAD : config_load(&program, argc, argv, false, settings, &first_word, &error);
    if (loaded == CONFIG_DONE)
        status = EXIT_SUCCESS;
    else if (loaded == CONFIG_BAD || !check_words(command, argc - first_word, argv + first_word, &error))
        status = fail(&error, EXIT_USAGE);
    else {
        config_forget_environment(&program);
        struct context context = {.globals = settings,
                                  .words = (const char *const *)argv + first_word,
                                  .word_count = (size_t)(argc - first_word)};
        status = run_command(command, &context, settings);
    }
    if (settings != NULL)
        config_free(&program, settings);
    free(settings);
    return status;
}

/* Global options may be before or after the command: both parts are read with the command's own table. */
static int find_and_run(int first, int argc, char **argv)
{
    struct error error = {0};
    int words = 0, count = 0;
    const struct command *command = help_find(argc - first, argv + first, &words, &error);
    if (command == NULL)
        return fail(&error, EXIT_USAGE);
    char **joined = calloc((size_t)argc + 1, sizeof *joined);
    if (joined == NULL)
        return EXIT_FAILURE;
    for (int i = 0; i < argc; i++)
        if (i < first || i >= first + words)
            joined[count++] = argv[i];
    int status = load_and_run(command, count, joined);
    free(joined);
    return status;
}

int main(int argc, char **argv)
{
    static const struct program whole = {.name = "posthorn-admin", .settings = global_settings};
    struct globals globals = {0};
    struct error error = {0};
    int first = 0;
    signals_ignore();
    harden_process();
    setlocale(LC_CTYPE, "C.UTF-8");
    bool help =
        argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0;
    if (help)
        return help_print(argc > 2 ? argc - 2 : 0, argv + 2, &error) ? (argc < 2 ? EXIT_USAGE : EXIT_SUCCESS)
                                                                     : fail(&error, EXIT_USAGE);
    if (strcmp(argv[1], "--manual") == 0)
        return help_manual(), EXIT_SUCCESS;
    enum config_result loaded = config_load(&whole, argc, argv, true, &globals, &first, &error);
    config_free(&whole, &globals);
    if (loaded != CONFIG_OK)
        return loaded == CONFIG_DONE ? EXIT_SUCCESS : fail(&error, EXIT_USAGE);
    if (first >= argc)
        return error_set(&error, "a command is missing; posthorn-admin help lists all"), fail(&error, EXIT_USAGE);
    return find_and_run(first, argc, argv);
}
