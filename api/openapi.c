#include "openapi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "pages.h"

struct openapi {
    char *whole, *of[DIALECT_COUNT]; /* as JSON text */
};

static struct text page(const char *name)
{
    const struct page *found = pages;
    while (strcmp(found->name, name) != 0)
        found++;
    return found->bytes;
}

/* YAML's core schema, as far as the description uses it: words in quotes are strings, the others what they look like.
 */
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

static json_t *read_yaml(struct text text, struct error *error)
{
    yaml_parser_t parser;
    yaml_document_t document;
    json_t *json = NULL;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.size);
    if (yaml_parser_load(&parser, &document) == 0) {
        error_set(error, "openapi.yaml, line %zu: %s", parser.problem_mark.line + 1, parser.problem);
    } else {
        json = to_json(&document, 1);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return json;
}

/* Whether a name ("DevengoWebhook", "devengoToken") begins with that of another dialect. */
static bool is_foreign(const char *name, enum dialect mine)
{
    for (enum dialect other = 0; other < DIALECT_COUNT; other++)
        if (other != mine && strncasecmp(name, dialect_name(other), strlen(dialect_name(other))) == 0)
            return true;
    return false;
}

/* {"$ref": "#/components/schemas/DevengoWebhook"}, or {"devengoToken": []} */
static bool is_foreign_item(json_t *item, enum dialect mine)
{
    const char *ref = json_string_value(json_object_get(item, "$ref"));
    if (ref != NULL)
        return is_foreign(strrchr(ref, '/') + 1, mine);
    void *first = json_object_iter(item);
    return json_object_size(item) == 1 && json_is_array(json_object_iter_value(first)) &&
           is_foreign(json_object_iter_key(first), mine);
}

static void cut(json_t *json, enum dialect mine);

static void cut_members(json_t *object, enum dialect mine)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, key, value)
    {
        const json_t *of = json_object_get(value, "x-dialects");
        bool keep = !json_is_array(of) && !is_foreign(key, mine);
        for (size_t i = 0; i < json_array_size(of); i++)
            keep = keep || strcmp(json_string_value(json_array_get(of, i)), dialect_name(mine)) == 0;
        if (keep)
            cut(value, mine);
        else
            json_object_del(object, key);
    }
    json_t *choice = json_object_get(object, "oneOf");
    if (json_array_size(choice) == 1) { /* what is left is no choice any more */
        json_t *only = json_incref(json_array_get(choice, 0));
        json_object_del(object, "oneOf");
        json_object_update(object, only);
        json_decref(only);
    }
}

/* Take out what is another dialect's: operations, alternatives, schemas, examples. */
static void cut(json_t *json, enum dialect mine)
{
    if (json_is_object(json))
        cut_members(json, mine);
    for (size_t i = json_array_size(json); i-- > 0;) {
        json_t *item = json_array_get(json, i);
        if (is_foreign_item(item, mine))
            json_array_remove(json, i);
        else
            cut(item, mine);
    }
}

/* Paths of which no operation is left. */
static void cut_paths(json_t *json)
{
    static const char *const methods[] = {"get", "post", "put", "patch", "delete"};
    json_t *paths = json_object_get(json, "paths"), *value;
    const char *key;
    void *next;
    json_object_foreach_safe(paths, next, key, value)
    {
        bool used = false;
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
            used = used || json_object_get(value, methods[i]) != NULL;
        if (!used)
            json_object_del(paths, key);
    }
}

struct openapi *openapi_new(struct error *error)
{
    struct openapi *openapi = calloc(1, sizeof *openapi);
    json_t *whole = openapi == NULL ? NULL : read_yaml(page("openapi.yaml"), error);
    bool ok = whole != NULL && (openapi->whole = json_dumps(whole, JSON_COMPACT)) != NULL;
    for (enum dialect dialect = 0; ok && dialect < DIALECT_COUNT; dialect++) {
        json_t *mine = json_deep_copy(whole);
        cut(mine, dialect);
        cut_paths(mine);
        ok = (openapi->of[dialect] = json_dumps(mine, JSON_COMPACT)) != NULL;
        json_decref(mine);
    }
    json_decref(whole);
    if (!ok)
        openapi_free(&openapi);
    return openapi;
}

void openapi_free(struct openapi **openapi)
{
    if (*openapi == NULL)
        return;
    free((*openapi)->whole);
    for (enum dialect dialect = 0; dialect < DIALECT_COUNT; dialect++)
        free((*openapi)->of[dialect]);
    free(*openapi);
    *openapi = NULL;
}

static bool show(struct request *request, struct text text, const char *type)
{
    request->page = text;
    request->content_type = type;
    request->status = 200;
    return true;
}

bool openapi_get_json(struct request *request)
{
    char name[20];
    bool given;
    if (!request_argument(request, "dialect", name, sizeof name, &given))
        return false;
    enum dialect dialect = given ? dialect_of(name) : DIALECT_COUNT;
    if (given && dialect == DIALECT_COUNT)
        return fail(request, PROBLEM_BAD_REQUEST, "the dialects are penny, merchant, payconex, devengo");
    const struct openapi *openapi = request->api->openapi;
    return show(request, text_of(given ? openapi->of[dialect] : openapi->whole), "application/json");
}

bool openapi_get_yaml(struct request *request)
{
    return show(request, page("openapi.yaml"), "application/yaml");
}

bool openapi_get_page(struct request *request)
{
    answer_header(request, "Content-Security-Policy",
                  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                  "frame-ancestors 'none'");
    return show(request, page("docs.html"), "text/html; charset=utf-8");
}
