/* Command: a command of posthorn-admin: one row of a table with its name, its options, and its function.
 *
 * main finds the row, reads the options into the command's settings, connects, opens a transaction, calls run(),
 * commits, and only then prints the result that run() put into the context: a printed result is committed. */
#pragma once
#include <jansson.h>
#include <stddef.h>

#include "base/config.h"
#include "base/secret.h"
#include "store/store.h"

/* The options of every command; the settings of each command begin with them. */
struct globals {
    char *database_url, *master_key, *kafka_brokers, *kafka_properties, *actor;
    bool json;
};

extern const struct setting global_settings[];

struct context {
    const struct globals *globals;
    PGconn *db;                /* connected, except for COMMAND_OFFLINE */
    struct secret_key *master; /* see context_master() */
    json_t *result;            /* an array of objects (a table), or an object; NULL: nothing is printed */
    const char *const *words;  /* words of the command line, as many as the command takes */
    size_t word_count;
    bool found_wrong; /* the command succeeded but found a fault: exit 1 */
};

enum command_flags {
    COMMAND_OWN_TRANSACTIONS = 1, /* run() opens and commits its own transactions */
    COMMAND_OFFLINE = 2           /* needs no database */
};

struct command {
    const char *noun, *verb; /* verb NULL: the noun alone is the command */
    const char *words;       /* words after the name, for example "KEY"; NULL: none */
    size_t least_words, most_words;
    const char *about;              /* one line */
    const char *details;            /* more text for its help, or NULL */
    const struct setting *settings; /* options of the command, ends with {0}; NULL: none */
    size_t settings_size;           /* of the struct, which begins with struct globals */
    unsigned flags;
    bool (*run)(struct context *context, const void *settings, struct error *error);
};

/* Options of one command. They are not read from the environment, where a POSTHORN_NAME may be meant for another
 * program. */
#define OPTION(type, field, name, standard, value, about, flags)                                                       \
    SETTING_TEXT(struct type, field, name, standard, value, about, (flags) | SETTING_ARGUMENT)
#define OPTION_FLAG(type, field, name, about)                                                                          \
    {                                                                                                                  \
        name, 0, SETTING_KIND_FLAG, SETTING_ARGUMENT, offsetof(struct type, field), NULL, "", 0, 1, about              \
    }
#define OPTION_COUNT(type, field, name, standard, low, high, about)                                                    \
    {                                                                                                                  \
        name, 0, SETTING_KIND_COUNT, SETTING_ARGUMENT, offsetof(struct type, field), standard, "N", low, high, about   \
    }
#define OPTION_SPAN(type, field, name, standard, low, high, about)                                                     \
    {                                                                                                                  \
        name, 0, SETTING_KIND_SPAN, SETTING_ARGUMENT, offsetof(struct type, field), standard, "TIME", low, high, about \
    }

/* The tables, one for each noun; each ends with {0}. */
extern const struct command migrate_commands[], status_commands[], partitions_commands[], account_commands[],
    source_key_commands[], event_type_commands[], webhook_commands[], position_commands[], dead_letter_commands[],
    replay_commands[], event_commands[], audit_commands[], change_commands[], user_commands[], key_commands[],
    rekey_commands[];
extern const struct command *const command_tables[]; /* all tables, ends with NULL */

/* Opens a transaction and sets, for audit.changes, who works and from where, and the time zone UTC, so that times are
 * printed as RFC 3339. All settings are local to the transaction: see store.h. */
bool context_begin(struct context *context, struct error *error) MUST_USE;

/* Returns the master key, which is read on first use; NULL on an error. */
struct secret_key *context_master(struct context *context, struct error *error) MUST_USE;

/* Runs a query and makes its rows the result. */
bool context_show(struct context *context, const char *sql, const struct store_value *values, size_t count,
                  struct error *error) MUST_USE;

/* As context_show(), for a query with at most one row: the result is an object, or NULL if there is no row. */
bool context_show_one(struct context *context, const char *sql, const struct store_value *values, size_t count,
                      struct error *error) MUST_USE;
