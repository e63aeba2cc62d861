/* Reads the lists in tests/tables, line by line. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TABLE_LINE 256

static inline FILE *table_open(const char *path)
{
    FILE *table = fopen(path, "r");
    if (table == NULL)
        fail_msg("%s cannot be read", path);
    return table;
}

/* Reads the next line that is not a comment; false at the end, with the table closed. */
static inline bool table_next(FILE **table, char line[static TABLE_LINE])
{
    while (fgets(line, TABLE_LINE, *table) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '#' && line[0] != '\0')
            return true;
    }
    fclose(*table);
    *table = NULL;
    return false;
}
