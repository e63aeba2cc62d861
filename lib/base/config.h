/* Configuration: one table for each program. Each setting is the option `--name VALUE`, the environment variable
 * POSTHORN_NAME, and a line `name = value` of the file given with --config. The command line takes precedence over the
 * environment, and the environment over the file. --help and the manual are printed from the table.
 *
 *   static const struct setting table[] = {
 *       SETTING_TEXT(struct settings, database_url, "database-url", NULL, "URL",
 *                    "PostgreSQL, as a libpq connection URI", SETTING_SECRET | SETTING_REQUIRED),
 *       SETTING_SPAN(struct settings, flush_interval, "flush-interval", "20ms", SPAN_MS(1), SPAN_S(10),
 *                    "the longest that an attempt waits for its commit"),
 *       {0}};
 */
#pragma once
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"

enum setting_kind {
    SETTING_KIND_TEXT = 1,
    SETTING_KIND_SPAN,
    SETTING_KIND_COUNT,
    SETTING_KIND_FLAG,
    SETTING_KIND_CHOICE
};

enum setting_flags {
    SETTING_REQUIRED = 1, /* the program does not start without a value */
    SETTING_SECRET = 2,   /* never shown; may also come from the file named by POSTHORN_NAME_FILE (systemd credentials,
                             Kubernetes secrets) */
    SETTING_MANY = 4,     /* may be given several times; the values are joined with ';' */
    SETTING_ARGUMENT = 8  /* command line only, for example an option of one command */
};

struct setting {
    const char *name; /* as on the command line, without "--" */
    char letter;      /* short form, or 0 */
    enum setting_kind kind;
    unsigned flags;
    size_t offset; /* of the field in the settings: char *, struct span, int64_t, bool, or int (choice: an index) */
    const char *standard; /* default, as text; NULL: none */
    const char *value;    /* what the manual calls the value, for example URL; choices: "sealed|plain" */
    int64_t low, high;    /* bounds, in ns or as a number */
    const char *about;
};

#define SETTING_TEXT(type, field, name, standard, value, about, flags)                                                 \
    {                                                                                                                  \
        name, 0, SETTING_KIND_TEXT, flags, offsetof(type, field), standard, value, 0, 0, about                         \
    }
#define SETTING_SPAN(type, field, name, standard, low, high, about)                                                    \
    {                                                                                                                  \
        name, 0, SETTING_KIND_SPAN, 0, offsetof(type, field), standard, "TIME", (low), (high), about                   \
    }
#define SETTING_COUNT(type, field, name, standard, low, high, about)                                                   \
    {                                                                                                                  \
        name, 0, SETTING_KIND_COUNT, 0, offsetof(type, field), standard, "N", low, high, about                         \
    }
#define SETTING_FLAG(type, field, name, about)                                                                         \
    {                                                                                                                  \
        name, 0, SETTING_KIND_FLAG, 0, offsetof(type, field), NULL, "", 0, 1, about                                    \
    }
#define SETTING_CHOICE(type, field, name, standard, choices, about)                                                    \
    {                                                                                                                  \
        name, 0, SETTING_KIND_CHOICE, 0, offsetof(type, field), standard, choices, 0, 0, about                         \
    }

struct program {
    const char *name;               /* posthorn-dispatcher */
    const char *about;              /* one line */
    const char *usage;              /* the text after the name in --help, for example "[OPTION]… [FILE]…" */
    const char *details;            /* longer text for --help and the manual, or NULL */
    const struct setting *settings; /* ends with {0} */
    bool (*check)(void *settings, struct error *error); /* checks what the table cannot express; NULL: none */
};

enum config_result {
    CONFIG_OK,   /* the program continues */
    CONFIG_DONE, /* --help, --version or --manual was given: exit 0 */
    CONFIG_BAD   /* the error says what is wrong, where, and what to do: exit 2 */
};

/* Overwrites the secrets in the environment after they were read, so that /proc/PID/environ does not show them. */
void config_forget_environment(const struct program *program);

/* Fills in *settings (zeroed by the caller). Texts are allocated; config_free() frees them. Every program also takes
 * --help, --version, --manual (troff for man(1)), --check-config (check, print the settings without secrets, exit) and
 * --config FILE. Words that are not options are moved to argv[*first_word … argc-1] (getopt_long); with `stop_at_word`,
 * reading ends at the first of them (for subcommands). */
enum config_result config_load(const struct program *program, int argc, char **argv, bool stop_at_word, void *settings,
                               int *first_word, struct error *error) MUST_USE;
void config_free(const struct program *program, void *settings);

void config_print_help(const struct program *program, FILE *out);
void config_print_manual(const struct program *program, FILE *out);
/* Prints the part of the manual that lists options, for programs whose commands have options of their own. */
void config_print_manual_options(const struct setting *settings, FILE *out);
/* Prints the settings as `name = value` lines; secrets as "(set)". */
void config_print(const struct program *program, const void *settings, FILE *out);
