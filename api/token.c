#include "token.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "jwt.h"
#include "store/sealed.h"

#define KEY_SIZE 32
#define TOKEN_MAX 4096 /* characters */

struct tokens {
    pthread_mutex_t lock;
    bool known;
    unsigned char key[KEY_SIZE];
};

static const char *const kinds[] = {[TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh"};

struct tokens *tokens_new(struct error *error)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens == NULL)
        error_set(error, "no memory");
    else
        pthread_mutex_init(&tokens->lock, NULL);
    return tokens;
}

void tokens_free(struct tokens **tokens)
{
    if (*tokens == NULL)
        return;
    pthread_mutex_destroy(&(*tokens)->lock);
    explicit_bzero((*tokens)->key, KEY_SIZE);
    free(*tokens);
    *tokens = NULL;
}

/* Stores a new key, unless another copy of the API was faster. */
static bool offer_key(struct request *request, struct error *error)
{
    unsigned char key[KEY_SIZE];
    char place[SEALED_PLACE_SIZE];
    struct uuid uuid;
    struct buffer sealed;
    buffer_init(&sealed, KEY_SIZE + SECRET_OVERHEAD);
    bool ok = uuid_new(&uuid, error) && (RAND_bytes(key, sizeof key) == 1 || error_set(error, "no random bytes"));
    ok = ok &&
         secret_seal(request->slot->master, sealed_place("server_key.secret", uuid.text, place),
                     (struct text){(char *)key, sizeof key}, &sealed, error) &&
         store_run(
             request->db,
             "insert into posthorn.server_key (name, uuid, secret) values ('token', $1, $2) on conflict do nothing",
             VALUES(store_text(uuid.text), store_bytes(buffer_text(&sealed))), error);
    explicit_bzero(key, sizeof key);
    buffer_fini(&sealed);
    return ok;
}

/* *found is false if there is no key yet. */
static bool load_key(struct request *request, bool *found, struct error *error)
{
    struct tokens *tokens = request->api->tokens;
    char place[SEALED_PLACE_SIZE];
    struct buffer plain;
    PGresult *row =
        store_query(request->db, "select uuid, secret from posthorn.server_key where name = 'token'", NO_VALUES, error);
    *found = row != NULL && PQntuples(row) == 1;
    if (!*found) {
        PQclear(row);
        return row != NULL;
    }
    buffer_init(&plain, KEY_SIZE + SECRET_OVERHEAD);
    struct text sealed = store_cell_bytes(row, 0, "secret");
    bool ok = secret_open(request->slot->master, sealed_place("server_key.secret", store_cell(row, 0, "uuid"), place),
                          sealed, &plain, error) &&
              (plain.size == KEY_SIZE || error_set(error, "the server's key has another size"));
    if (ok) {
        memcpy(tokens->key, plain.data, KEY_SIZE);
        tokens->known = true;
    }
    secret_wipe(&plain);
    buffer_fini(&plain);
    PQfreemem((void *)sealed.data);
    PQclear(row);
    return ok;
}

/* Makes sure that the key is loaded; it never changes once it exists. */
static bool need_key(struct request *request)
{
    struct tokens *tokens = request->api->tokens;
    struct error error;
    bool found = true;
    pthread_mutex_lock(&tokens->lock);
    bool ok = tokens->known || load_key(request, &found, &error);
    if (ok && !found)
        ok = offer_key(request, &error) && load_key(request, &found, &error);
    pthread_mutex_unlock(&tokens->lock);
    return ok || fail_database(request, &error);
}

bool token_is_one(const char *text)
{
    const char *dot = strchr(text, '.');
    return strncmp(text, "ey", 2) == 0 && dot != NULL && strchr(dot + 1, '.') != NULL;
}

/* It never changes once it is known. */
static struct text key_of(const struct request *request)
{
    return (struct text){(const char *)request->api->tokens->key, KEY_SIZE};
}

char *token_write(struct request *request, enum token_kind kind, const struct token *token, long long seconds)
{
    if (!need_key(request))
        return NULL;
    long long now = wall_now().us / 1000000;
    json_t *claims = json_pack("{s:s, s:s, s:I, s:I}", "token_type", kinds[kind], "session_id", token->session.text,
                               "iat", (json_int_t)now, "exp", (json_int_t)(now + seconds));
    if (kind == TOKEN_REFRESH)
        json_object_set_new(claims, "refresh_token_id", json_string(token->refresh.text));
    char *text = claims == NULL ? NULL : jwt_write(claims, key_of(request));
    json_decref(claims);
    if (text == NULL)
        fail(request, PROBLEM_INTERNAL, "the token could not be signed");
    return text;
}

static bool read_id(const json_t *claims, const char *name, struct uuid *uuid)
{
    const char *text = json_string_value(json_object_get(claims, name));
    return text != NULL && strlen(text) == 36 && uuid_parse(text, uuid);
}

bool token_read(struct request *request, const char *text, enum token_kind kind, struct token *token)
{
    if (strlen(text) > TOKEN_MAX || !need_key(request))
        return false;
    json_t *claims = jwt_read(text_of(text), key_of(request));
    const char *is = json_string_value(json_object_get(claims, "token_type"));
    bool ok = is != NULL && strcmp(is, kinds[kind]) == 0 &&
              json_integer_value(json_object_get(claims, "exp")) > wall_now().us / 1000000 &&
              read_id(claims, "session_id", &token->session) &&
              (kind != TOKEN_REFRESH || read_id(claims, "refresh_token_id", &token->refresh));
    json_decref(claims);
    return ok;
}
