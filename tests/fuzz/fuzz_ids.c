/* The ids of the dialects, and base62: what is read is what was written. */
#include "event/ids.h"

#include "fuzz.h"

static void check_base62(struct text text)
{
    unsigned char bytes[16];
    char back[BASE62_SIZE + 1];
    if (!ids_from_base62(text, bytes))
        return;
    ids_to_base62(bytes, back); /* one text for each number, so that no id has two spellings */
    ENSURE(text_equal(text_of(back), text));
}

static void check_forms(struct text id, const unsigned char webhook[static UUID_SIZE])
{
    unsigned char hash[32], key[EVENT_KEY_SIZE];
    char merchant[65], devengo[27], payconex[37];
    ids_hash(TEXT("account"), id, hash);
    struct text m = ids_merchant(id, hash, merchant), d = ids_devengo(id, hash, devengo);
    struct text p = ids_payconex(id, hash, webhook, payconex);
    ENSURE(m.size == 64 && text_is_visible_ascii(m));
    ENSURE(d.size == 26 && text_starts(d, TEXT("evt_")) && text_is_visible_ascii(d));
    ENSURE(p.size == 36 && text_starts(p, TEXT("not_")) && ids_payconex_key(p, webhook, key));
    ENSURE(p.data == id.data || memcmp(key, hash, sizeof key) == 0);
    /* an id that has the form does not change, also a second time */
    ENSURE(ids_merchant(m, hash, merchant).data == m.data && ids_devengo(d, hash, devengo).data == d.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text input = {(const char *)data, size};
    unsigned char bytes[16] = {0}, back[16];
    char out[BASE62_SIZE + 1];
    check_base62(input);
    struct text head = fuzz_take(&input, sizeof bytes);
    memcpy(bytes, head.data, head.size);
    ids_to_base62(bytes, out);
    ENSURE(ids_from_base62(text_of(out), back) && memcmp(bytes, back, sizeof bytes) == 0);
    check_forms(input, bytes);
    return 0;
}
