#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "event/pattern.h"
#include "event/signature.h"
#include "net/url.h"
#include "store/sealed.h"
#include "webhook.h"

void webhook_wish_init(struct webhook_wish *wish)
{
    *wish = (struct webhook_wish){0};
    buffer_init(&wish->auth_secret, CREDENTIALS_MAX + SECRET_OVERHEAD);
    buffer_init(&wish->secret, CREDENTIALS_MAX + SECRET_OVERHEAD);
    tls_draft_init(&wish->tls);
}

void webhook_wish_fini(struct webhook_wish *wish)
{
    explicit_bzero(wish->shown_secret, sizeof wish->shown_secret);
    json_decref(wish->events);
    buffer_fini(&wish->auth_secret);
    buffer_fini(&wish->secret);
    tls_draft_fini(&wish->tls);
}

static bool seal(struct request *request, const char *column, const struct uuid *uuid, struct text plain,
                 struct buffer *out)
{
    char place[SEALED_PLACE_SIZE];
    struct error error;
    buffer_clear(out);
    return secret_seal(request->slot->master, sealed_place(column, uuid->text, place), plain, out, &error) ||
           fail(request, PROBLEM_INTERNAL, "%s", error.text);
}

bool webhook_new_secret(struct request *request, struct webhook_wish *wish)
{
    struct error error;
    if (!signature_new_secret(!dialect_shapes[request->caller.account_dialect].long_secret, wish->shown_secret, &error))
        return fail(request, PROBLEM_INTERNAL, "%s", error.text);
    if (!seal(request, "webhook.secret", &wish->draft.uuid, text_of(wish->shown_secret), &wish->secret))
        return false;
    wish->draft.secret = buffer_text(&wish->secret);
    return true;
}

static bool read_url(struct request *request, const char *pointer, const json_t *value, struct webhook_wish *wish)
{
    struct url_target target;
    struct error error;
    if (!json_is_string(value))
        return fail_at(request, pointer, "url must be a string");
    if (!url_encode(json_string_value(value), wish->url, &error) || !url_read(wish->url, &target, &error) ||
        !url_guard(&target, request->api->guard, &error))
        return fail_at(request, pointer, "%s", error.text);
    wish->draft.url = wish->url;
    return true;
}

/* Fails for event types that are neither in the catalogue of the account's dialect nor in that of all dialects. */
static bool check_catalogue(struct request *request, const char *pointer, bool single, const json_t *events)
{
    struct error error;
    char at[POINTER_MAX + 24];
    char *list = events == NULL ? NULL : json_dumps(events, JSON_COMPACT);
    if (list == NULL)
        return fail(request, PROBLEM_INTERNAL, "no memory");
    PGresult *row = store_query(
        request->db,
        "select n - 1 as place, name from jsonb_array_elements_text($1) with ordinality as g (name, n) where "
        "position('*' in name) = 0 and not exists (select from posthorn.event_type t where t.name = g.name and "
        "(t.dialect is null or t.dialect = $2)) order by n limit 1",
        VALUES(store_text(list), store_text(dialect_name(request->caller.account_dialect))), &error);
    free(list);
    bool ok = row != NULL || fail_database(request, &error);
    if (ok && PQntuples(row) > 0) {
        snprintf(at, sizeof at, "%s/%lld", pointer, store_cell_number(row, 0, "place"));
        ok = fail_at(request, single ? pointer : at, "there is no event type %.100s; GET /v1/event-types lists all",
                     store_cell(row, 0, "name"));
    }
    PQclear(row);
    return ok;
}

static bool check_event(struct request *request, const char *pointer, const json_t *value)
{
    struct error error;
    const char *text = NULL;
    if (!body_is_text(request, pointer, value, 255, &text))
        return false;
    if (!pattern_check(text, &error))
        return fail_at(request, pointer, "%s", error.text);
    return strchr(text, '*') == NULL || dialect_shapes[request->caller.dialect].patterns ||
           fail_at(request, pointer, "'%s' is not an event type", text);
}

static bool read_events(struct request *request, const struct shape *shape, const char *pointer, const json_t *value,
                        struct webhook_wish *wish)
{
    char at[POINTER_MAX + 24];
    size_t index;
    json_t *event;
    if (!json_is_array(value))
        return fail_at(request, pointer, "%s must be an array of event types", shape->name);
    if (json_array_size(value) == 0 && (shape->flags & SHAPE_MANY) != 0)
        return fail_at(request, pointer, "%s must name at least one event type", shape->name);
    if (json_array_size(value) > PATTERNS_MAX)
        return fail_at(request, pointer, "%s may name at most %d event types; use prefix.* or *", shape->name,
                       PATTERNS_MAX);
    json_array_foreach(value, index, event)
    {
        snprintf(at, sizeof at, "%s/%zu", pointer, index);
        if (!check_event(request, at, event))
            return false;
    }
    wish->events = json_deep_copy(value);
    return check_catalogue(request, pointer, false, wish->events);
}

static bool read_event(struct request *request, const char *pointer, const json_t *value, struct webhook_wish *wish)
{
    if (!check_event(request, pointer, value))
        return false;
    wish->events = json_pack("[O]", value);
    return check_catalogue(request, pointer, true, wish->events);
}

static bool read_token(struct request *request, const char *pointer, const json_t *value, struct webhook_wish *wish)
{
    const char *text = NULL;
    wish->draft.auth = "none";
    if (json_is_null(value))
        return true;
    if (!body_is_text(request, pointer, value, CREDENTIALS_MAX, &text))
        return false;
    for (const char *at = text; *at != '\0'; at++)
        if (*at <= 0x20 || *at > 0x7e)
            return fail_at(request, pointer, "%s must be visible ASCII characters: it becomes an HTTP header",
                           pointer + 1);
    if (*text == '\0')
        return fail_at(request, pointer, "%s must not be empty; null removes it", pointer + 1);
    if (!seal(request, "webhook.auth_secret", &wish->draft.uuid, text_of(text), &wish->auth_secret))
        return false;
    wish->draft.auth = "bearer";
    wish->draft.auth_secret = buffer_text(&wish->auth_secret);
    return true;
}

/* Reads {"type": …}, with no other members than these. */
static bool read_typed(struct request *request, const char *pointer, const json_t *value, const char *const *types,
                       const char *const *names, const char **type)
{
    char at[POINTER_MAX + 20];
    const char *key;
    json_t *member;
    if (!json_is_object(value))
        return fail_at(request, pointer, "%s must be an object with a type", pointer + 1);
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, key) != 0)
            name++;
        if (*name == NULL)
            return fail_at(request, pointer, "%s has no field %.60s", pointer + 1, key);
    }
    snprintf(at, sizeof at, "%s/type", pointer);
    return body_is_word(request, at, json_object_get(value, "type"), types, type);
}

static bool read_authentication(struct request *request, const char *pointer, const json_t *value,
                                struct webhook_wish *wish)
{
    static const char *const types[] = {"none", "basic", NULL}, *const names[] = {"type", "username", "password", NULL};
    const json_t *username = json_object_get(value, "username"), *password = json_object_get(value, "password");
    const char *plain = NULL;
    struct error error;
    if (!read_typed(request, pointer, value, types, names, &wish->draft.auth))
        return false;
    if (strcmp(wish->draft.auth, "none") == 0)
        return (username == NULL && password == NULL) ||
               fail_at(request, pointer, "username and password are for the type basic");
    if (!body_is_words(request, "/authentication/username", username, USERNAME_MAX, &wish->draft.auth_username) ||
        !body_is_words(request, "/authentication/password", password, BASIC_PASSWORD_MAX, &plain))
        return false;
    if (!webhook_check_credentials(wish->draft.auth_username, text_of(plain), &error))
        return fail_at(request, "/authentication/password", "%s", error.text);
    if (*wish->draft.auth_username == '\0' || strchr(wish->draft.auth_username, ':') != NULL)
        return fail_at(request, "/authentication/username",
                       "a user name must not be empty or contain a colon (RFC 7617)");
    if (*plain == '\0')
        return fail_at(request, "/authentication/password", "the password must not be empty");
    if (!seal(request, "webhook.auth_secret", &wish->draft.uuid, text_of(plain), &wish->auth_secret))
        return false;
    wish->draft.auth_secret = buffer_text(&wish->auth_secret);
    return true;
}

/* Reads a number from the database, 0 if there is no row. Returns false with a problem. */
static bool look_up(struct request *request, const char *sql, const char *name, long long *number)
{
    struct error error;
    PGresult *rows =
        store_query(request->db, sql, VALUES(store_number(request->caller.account_id), store_text(name)), &error);
    if (rows == NULL)
        return fail_database(request, &error);
    *number = PQntuples(rows) == 0 ? 0 : strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return true;
}

static bool read_signature(struct request *request, const char *pointer, const json_t *value, struct webhook_wish *wish)
{
    static const char *const types[] = {"none", "source_key", "signature_key", "standard", NULL}, *const names[] = {
                                                                                                      "type",
                                                                                                      "source_key",
                                                                                                      NULL};
    const json_t *source = json_object_get(value, "source_key");
    const char *name = NULL;
    long long found = 0;
    if (!read_typed(request, pointer, value, types, names, &wish->draft.signature))
        return false;
    bool wants_source = strcmp(wish->draft.signature, "source_key") == 0;
    if (wants_source != (source != NULL))
        return fail_at(request, pointer,
                       wants_source ? "the type source_key needs source_key: its name"
                                    : "source_key is for the type source_key");
    if (wants_source && (!body_is_words(request, "/signature/source_key", source, SOURCE_KEY_NAME_MAX, &name) ||
                         !look_up(request, "select id from posthorn.source_key where account_id = $1 and name = $2",
                                  name, &wish->draft.source_key_id)))
        return false;
    if (wants_source && wish->draft.source_key_id == 0)
        return fail_at(request, "/signature/source_key", "the account has no source key of this name");
    if (strcmp(wish->draft.signature, "signature_key") != 0)
        return true;
    return look_up(request,
                   "select 1 from posthorn.account where id = $1 and signature_key is not null and $2::text is null",
                   NULL, &found) &&
           (found == 1 || fail_at(request, "/signature/type", "the account has no signature key"));
}

static bool read_member(struct request *request, const struct shape *shape, const json_t *value,
                        struct webhook_wish *wish)
{
    static const char *const statuses[] = {"enabled", "disabled", NULL};
    char pointer[POINTER_MAX];
    body_pointer(shape->name, pointer);
    switch (shape->member) {
    case MEMBER_URL:
        return read_url(request, pointer, value, wish);
    case MEMBER_EVENTS:
        return read_events(request, shape, pointer, value, wish);
    case MEMBER_EVENT:
        return read_event(request, pointer, value, wish);
    case MEMBER_LABEL:
        return body_is_words(request, pointer, value, LABEL_MAX, &wish->draft.label) &&
               (*wish->draft.label != '\0' || (shape->flags & SHAPE_NEEDED) == 0 ||
                fail_at(request, pointer, "%s must not be empty", shape->name));
    case MEMBER_STATUS:
        return body_is_word(request, pointer, value, statuses, &wish->status);
    case MEMBER_TOKEN:
        return read_token(request, pointer, value, wish);
    case MEMBER_AUTHENTICATION:
        return read_authentication(request, pointer, value, wish);
    case MEMBER_SIGNATURE:
        return read_signature(request, pointer, value, wish);
    case MEMBER_TLS:
        return webhook_read_tls(request, pointer, value, wish);
    default:
        return fail_at(request, pointer, "%s cannot be given", shape->name);
    }
}

static bool check_names(struct request *request, const struct shape *shapes)
{
    const char *names[20];
    size_t count = 0;
    for (; shapes->name != NULL; shapes++)
        if ((shapes->flags & SHAPE_GIVEN) != 0)
            names[count++] = shapes->name;
    names[count] = NULL;
    return body_only(request, names);
}

/* Takes all event types of the account's catalogue. */
static bool all_events(struct request *request, struct webhook_wish *wish)
{
    struct error error;
    PGresult *rows = store_query(request->db, "select name from posthorn.event_type where dialect = $1 order by name",
                                 VALUES(store_text(dialect_name(request->caller.account_dialect))), &error);
    if (rows == NULL)
        return fail_database(request, &error);
    bool ok = (wish->events = json_array()) != NULL;
    for (int row = 0; ok && row < PQntuples(rows); row++)
        ok = json_array_append_new(wish->events, json_string(PQgetvalue(rows, row, 0))) == 0;
    PQclear(rows);
    return ok || fail(request, PROBLEM_INTERNAL, "no memory");
}

/* Fills in the defaults of a new webhook. */
static bool fill_in(struct request *request, struct webhook_wish *wish)
{
    const struct dialect_shapes *shapes = &dialect_shapes[request->caller.dialect];
    wish->draft.account_id = request->caller.account_id;
    wish->draft.format = dialect_name(request->caller.account_dialect);
    if (wish->draft.signature == NULL)
        wish->draft.signature = shapes->signature;
    if (wish->events != NULL || !shapes->all_events)
        return true;
    return all_events(request, wish);
}

bool webhook_read(struct request *request, bool creating, struct webhook_wish *wish)
{
    const struct shape *shapes = dialect_shapes[request->caller.dialect].webhook;
    char pointer[POINTER_MAX];
    if (!check_names(request, shapes))
        return false;
    for (const struct shape *shape = shapes; shape->name != NULL; shape++) {
        const json_t *value = json_object_get(request->body, shape->name);
        if (value == NULL && creating && (shape->flags & SHAPE_NEEDED) != 0)
            return fail_at(request, body_pointer(shape->name, pointer), "%s is missing", shape->name);
        if (value != NULL && !read_member(request, shape, value, wish))
            return false;
    }
    if (creating && !fill_in(request, wish))
        return false;
    bool signs = wish->draft.signature != NULL && strcmp(wish->draft.signature, "none") != 0;
    return !signs || wish->has_secret || webhook_new_secret(request, wish);
}
