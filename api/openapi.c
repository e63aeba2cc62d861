#include "openapi.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* True if a name ("DevengoWebhook", "devengoToken") begins with that of another dialect. */
static bool is_foreign(const char *name, enum dialect mine)
{
    for (enum dialect other = 0; other < DIALECT_COUNT; other++)
        if (other != mine && strncasecmp(name, dialect_name(other), strlen(dialect_name(other))) == 0)
            return true;
    return false;
}

/* For example {"$ref": "#/components/schemas/DevengoWebhook"}, or {"devengoToken": []}. */
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
    if (json_array_size(choice) == 1) { /* a single alternative is no longer a choice */
        json_t *only = json_incref(json_array_get(choice, 0));
        json_object_del(object, "oneOf");
        json_object_update(object, only);
        json_decref(only);
    }
}

/* Removes what belongs to another dialect: operations, alternatives, schemas, examples. */
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

/* Removes paths without operations. */
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
    struct text text = page("openapi.json");
    json_t *whole = openapi == NULL ? NULL : json_loadb(text.data, text.size, 0, NULL);
    bool ok = whole != NULL && (openapi->whole = json_dumps(whole, JSON_COMPACT)) != NULL;
    for (enum dialect dialect = 0; ok && dialect < DIALECT_COUNT; dialect++) {
        json_t *mine = json_deep_copy(whole);
        cut(mine, dialect);
        cut_paths(mine);
        ok = (openapi->of[dialect] = json_dumps(mine, JSON_COMPACT)) != NULL;
        json_decref(mine);
    }
    json_decref(whole);
    if (!ok) {
        error_set(error, "no memory for the description of the API");
        openapi_free(&openapi);
    }
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
