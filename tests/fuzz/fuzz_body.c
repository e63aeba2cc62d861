/* Bodies of the API, in each dialect: refused with a problem that names the error and its place, or read into a webhook
 * whose parts the dispatcher can send. There is no database: what requires one ends with the corresponding problem.
 *
 * An input is a digit, which gives the dialect and whether the webhook is new, and then the body. */
#include "base/log.h"
#include "body.h"
#include "net/url.h"
#include "webhook.h"

#include "fuzz.h"

static void check_taken(const struct request *request, const struct webhook_wish *wish)
{
    struct url_target target;
    struct error error;
    ENSURE(wish->draft.url == NULL ||
           (url_read(wish->draft.url, &target, &error) && url_guard(&target, request->api->guard, &error)));
    ENSURE(wish->draft.auth_username == NULL || strpbrk(wish->draft.auth_username, ":\r\n") == NULL);
    ENSURE(wish->draft.label == NULL || strpbrk(wish->draft.label, "\r\n") == NULL);
    ENSURE(wish->draft.auth == NULL || strcmp(wish->draft.auth, "none") == 0 || wish->draft.auth_secret.size > 0);
}

static void check_refused(const struct request *request)
{
    const char *detail = json_string_value(json_object_get(request->result, "detail"));
    char *written = json_dumps(request->result, 0); /* NULL if it contains invalid UTF-8 */
    ENSURE(request->status >= 400 && request->status < 600);
    ENSURE(written != NULL && (detail == NULL || *detail != '\0'));
    free(written);
}

static void read_webhook(struct request *request, bool creating)
{
    struct webhook_wish wish;
    struct error error;
    webhook_wish_init(&wish);
    ENSURE(uuid_new(&wish.draft.uuid, &error));
    if (webhook_read(request, creating, &wish))
        check_taken(request, &wish);
    else
        check_refused(request);
    webhook_wish_fini(&wish);
}

static void read_members(struct request *request)
{
    static const char *const words[] = {"a", "b", NULL}, *const names[] = {"text", "time", "word", NULL};
    char time[TIME_TEXT_MAX];
    const char *text = NULL, *word = NULL;
    bool given = false;
    if (!body_only(request, names) || !body_text(request, "text", true, 100, &text) ||
        !body_time(request, "time", time, &given) ||
        !body_is_word(request, "/word", json_object_get(request->body, "word"), words, &word)) {
        check_refused(request);
        return;
    }
    ENSURE(strlen(text) <= 100 && strpbrk(text, "\r\n") == NULL && strlen(word) == 1);
    ENSURE(!given || time[strlen(time) - 1] == 'Z');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct api api;
    static struct slot slot;
    struct text input = {(const char *)data, size};
    struct error error;
    if (api.guard == NULL) {
        log_init("fuzz", LOG_ERROR + 1);
        api.guard = guard_new("", "", "80,443", &error);
        slot.master = secret_key_parse("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", &error);
        ENSURE(api.guard != NULL && slot.master != NULL);
    }
    struct text digit = fuzz_take(&input, 1);
    int choice = digit.size == 1 ? digit.data[0] & 7 : 0;
    struct request request = {.api = &api, .slot = &slot, .caller = {.account_id = 1, .dialect = choice & 3}};
    request.caller.account_dialect = request.caller.dialect;
    if (text_is_utf8(input))
        request.body = json_loadb(input.data, input.size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(request.body)) {
        read_webhook(&request, (choice & 4) != 0);
        json_decref(request.result);
        request.result = NULL;
        request.header_count = 0;
        read_members(&request);
    }
    json_decref(request.body);
    json_decref(request.result);
    return 0;
}
