/* Migrations: the files of schema/ when this program was built (admin/embed.cmake writes the tables). */
#pragma once

#define CODE_VERSION 0 /* version of the code in public.posthorn_migration */

struct migration {
    const char *name; /* below schema/; its number is the version: 0001_accounts_and_webhooks.sql */
    const char *sql;
    const char *sha256; /* hexadecimal */
};

extern const struct migration migrations[]; /* in order, ends with {0} */
extern const struct migration code_files[]; /* functions, views and triggers, in the order in which they are applied */
extern const char code_sha256[];            /* of the names and checksums of all code_files */
