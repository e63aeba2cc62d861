/* schema/ as it was when this program was built (admin/embed.cmake writes the table). */
#pragma once

struct migration {
    const char *name; /* 0001_accounts_and_webhooks.sql: the number is the version */
    const char *sql;
    const char *sha256; /* hexadecimal */
};

extern const struct migration migrations[]; /* in order, ends with {0} */
