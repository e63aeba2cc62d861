/* The options of all commands, and the list of all tables in the order of `posthorn-admin help`. */
#include "command.h"

const struct setting global_settings[] = {
    SETTING_TEXT(struct globals, database_url, "database-url", NULL, "URL", "PostgreSQL, as a libpq connection URI",
                 SETTING_SECRET),
    SETTING_TEXT(
        struct globals, master_key, "master-key", NULL, "HEX",
        "the key that seals secrets: 64 hexadecimal digits; older keys may follow it, and are used only for decryption",
        SETTING_SECRET),
    SETTING_TEXT(struct globals, kafka_brokers, "kafka-brokers", NULL, "LIST",
                 "host:port, separated by commas; required to publish and to look up the ends of a log", 0),
    SETTING_TEXT(struct globals, kafka_properties, "kafka-properties", NULL, "NAME=VALUE;…",
                 "properties of librdkafka, such as security.protocol=ssl", SETTING_SECRET | SETTING_MANY),
    SETTING_TEXT(struct globals, actor, "actor", NULL, "NAME",
                 "the actor recorded in audit.changes [the user that runs the program]", 0),
    SETTING_FLAG(struct globals, json, "json", "print JSON instead of a table"),
    {0}};

const struct command *const command_tables[] = {migrate_commands,
                                                status_commands,
                                                partitions_commands,
                                                account_commands,
                                                source_key_commands,
                                                event_type_commands,
                                                webhook_commands,
                                                position_commands,
                                                dead_letter_commands,
                                                event_commands,
                                                replay_commands,
                                                audit_commands,
                                                change_commands,
                                                user_commands,
                                                key_commands,
                                                rekey_commands,
                                                NULL};
