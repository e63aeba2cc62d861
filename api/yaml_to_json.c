/* A tool of the build: reads YAML from one file and writes it as JSON to another, so that programs need no YAML reader.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* Converts a scalar by YAML's core schema, as far as the description uses it: quoted words are strings. */
static json_t *scalar(const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    char *end;
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return json_string(text);
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(*text == 't');
    if (strcmp(text, "null") == 0 || *text == '\0')
        return json_null();
    long long number = strtoll(text, &end, 10);
    if (*end == '\0' && (isdigit((unsigned char)*text) || *text == '-'))
        return json_integer(number);
    return json_string(text);
}

static json_t *to_json(yaml_document_t *document, int index)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    if (node->type == YAML_SCALAR_NODE)
        return scalar(node);
    if (node->type == YAML_SEQUENCE_NODE) {
        json_t *array = json_array();
        for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
             item++)
            json_array_append_new(array, to_json(document, *item));
        return array;
    }
    json_t *object = json_object();
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
        json_object_set_new(object, (const char *)yaml_document_get_node(document, pair->key)->data.scalar.value,
                            to_json(document, pair->value));
    return object;
}

static json_t *read_yaml(FILE *file, const char *name)
{
    yaml_parser_t parser;
    yaml_document_t document;
    json_t *json = NULL;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, file);
    if (yaml_parser_load(&parser, &document) == 0) {
        fprintf(stderr, "%s, line %zu: %s\n", name, parser.problem_mark.line + 1, parser.problem);
    } else {
        json = to_json(&document, 1);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return json;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 3 ? fopen(argv[1], "re") : NULL;
    if (file == NULL) {
        fprintf(stderr, "yaml-to-json FROM TO: cannot read FROM\n");
        return 1;
    }
    json_t *json = read_yaml(file, argv[1]);
    bool ok = json != NULL && json_dump_file(json, argv[2], JSON_COMPACT) == 0;
    json_decref(json);
    fclose(file);
    return ok ? 0 : 1;
}
