#include "output.h"

#include <stdlib.h>
#include <string.h>

/* Type OIDs, fixed in PostgreSQL's catalogue. */
enum { BOOL = 16, INT8 = 20, INT2 = 21, INT4 = 23, JSON = 114, FLOAT8 = 701, TIMESTAMPTZ = 1184, JSONB = 3802 };

/* Returns an RFC 3339 time; sessions use ISO dates and the time zone UTC (store/requirements.h). */
static json_t *instant_json(const char *text)
{
    char instant[64];
    size_t size = strlen(text);
    if (size < 22 || size >= sizeof instant || strcmp(text + size - 3, "+00") != 0)
        return json_string(text); /* infinity */
    snprintf(instant, sizeof instant, "%.*sZ", (int)size - 3, text);
    instant[10] = 'T';
    return json_string(instant);
}

static json_t *cell_json(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return json_null();
    const char *text = PQgetvalue(result, row, column);
    switch (PQftype(result, column)) {
    case BOOL:
        return json_boolean(*text == 't');
    case INT2:
    case INT4:
    case INT8:
        return json_integer(strtoll(text, NULL, 10));
    case FLOAT8:
        return json_real(strtod(text, NULL));
    case TIMESTAMPTZ:
        return instant_json(text);
    case JSON:
    case JSONB:
        return json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    default:
        return json_string_nocheck(text); /* the connection's encoding is UTF-8, so it is valid */
    }
}

json_t *output_rows(const PGresult *result)
{
    json_t *rows = json_array();
    for (int row = 0; row < PQntuples(result); row++) {
        json_t *object = json_object();
        for (int column = 0; column < PQnfields(result); column++)
            json_object_set_new_nocheck(object, PQfname(result, column), cell_json(result, row, column));
        json_array_append_new(rows, object);
    }
    return rows;
}

/* Returns "a, b", the texts of an array in one cell. NULL if the array contains other values. */
static char *joined(const json_t *array)
{
    char *text = NULL;
    size_t i, size = 0;
    json_t *item;
    FILE *out = open_memstream(&text, &size);
    bool ok = out != NULL;
    json_array_foreach((json_t *)array, i, item)
    {
        ok = ok && json_is_string(item) && fprintf(out, "%s%s", i > 0 ? ", " : "", json_string_value(item)) >= 0;
    }
    if (out != NULL)
        fclose(out);
    if (!ok) {
        free(text);
        text = NULL;
    }
    return text;
}

/* The string may contain NULs. */
static char *copy_shown(const char *string, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++)
        text[i] = string[i] == '\0' ? '?' : string[i];
    text[size] = '\0';
    return text;
}

/* Returns a cell's text, which the caller frees. Control characters, which could move a terminal's cursor, become '?'.
 */
static char *cell_text(const json_t *value)
{
    char *text;
    if (json_is_null(value) || value == NULL)
        text = copy_shown("", 0);
    else if (json_is_string(value))
        text = copy_shown(json_string_value(value), json_string_length(value));
    else if (json_is_boolean(value))
        text = strdup(json_is_true(value) ? "yes" : "no");
    else if (!json_is_array(value) || (text = json_array_size(value) == 0 ? strdup("(none)") : joined(value)) == NULL)
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
    for (char *at = text; at != NULL && *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    return text;
}

/* Counts UTF-8 characters, by which columns are aligned. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; text != NULL && *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static size_t cell_width(const json_t *value)
{
    char *text = cell_text(value);
    size_t width = width_of(text);
    free(text);
    return width;
}

static size_t column_width(const json_t *rows, const char *name)
{
    size_t width = width_of(name), i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        size_t cell = cell_width(json_object_get(row, name));
        width = cell > width ? cell : width;
    }
    return width;
}

static void print_padded(const char *text, size_t width, bool right, bool last, FILE *out)
{
    size_t have = width_of(text), pad = width > have ? width - have : 0;
    fprintf(out, "%*s%s%*s%s", right ? (int)pad : 0, "", text != NULL ? text : "", right || last ? 0 : (int)pad, "",
            last ? "\n" : "  ");
}

static void print_row(const json_t *names, const json_t *row, const size_t *widths, FILE *out)
{
    size_t column = 0, last = json_object_size(names) - 1;
    const char *name;
    json_t *ignored;
    json_object_foreach((json_t *)names, name, ignored)
    {
        const json_t *value = json_object_get(row, name);
        char *text = row == NULL ? strdup(name) : cell_text(value);
        print_padded(text, widths[column], row != NULL && json_is_number(value), column == last, out);
        free(text);
        column++;
    }
}

static void print_table(const json_t *rows, FILE *out)
{
    const json_t *first = json_array_get(rows, 0);
    size_t i, column = 0, *widths = calloc(json_object_size(first) + 1, sizeof *widths);
    const char *name;
    json_t *row;
    if (first == NULL || widths == NULL) {
        fputs(first == NULL ? "(none)\n" : "no memory\n", out);
        free(widths);
        return;
    }
    json_object_foreach((json_t *)first, name, row)
    {
        widths[column++] = column_width(rows, name);
    }
    print_row(first, NULL, widths, out);
    json_array_foreach(rows, i, row)
    {
        print_row(first, row, widths, out);
    }
    free(widths);
}

static bool is_table(const json_t *value)
{
    return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static void print_object(const json_t *object, FILE *out)
{
    size_t width = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        width = width_of(name) > width ? width_of(name) : width;
    }
    json_object_foreach((json_t *)object, name, value)
    {
        if (is_table(value)) {
            fprintf(out, "\n%s:\n", name);
            print_table(value, out);
            continue;
        }
        char *text = cell_text(value);
        fprintf(out, "%s:%*s %s\n", name, (int)(width - width_of(name)), "", text != NULL ? text : "");
        free(text);
    }
}

void output_print(const json_t *value, bool as_json, FILE *out)
{
    if (as_json) {
        json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        fputc('\n', out);
    } else if (json_is_array(value)) {
        print_table(value, out);
    } else {
        print_object(value, out);
    }
}
