#include "event/uuid.h"

#include <openssl/rand.h>
#include <stdio.h>

static void uuid_write(struct uuid *uuid)
{
    char hex[2 * UUID_SIZE + 1];
    text_to_hex(uuid->bytes, UUID_SIZE, hex);
    snprintf(uuid->text, sizeof uuid->text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void uuid_from_bytes(const unsigned char bytes[static UUID_SIZE], struct uuid *uuid)
{
    memcpy(uuid->bytes, bytes, UUID_SIZE);
    uuid_write(uuid);
}

bool uuid_new(struct uuid *uuid, struct error *error)
{
    if (RAND_bytes(uuid->bytes, UUID_SIZE) != 1)
        return error_set(error, "OpenSSL has no random bytes");
    uuid->bytes[6] = (unsigned char)((uuid->bytes[6] & 0x0f) | 0x40);
    uuid->bytes[8] = (unsigned char)((uuid->bytes[8] & 0x3f) | 0x80);
    uuid_write(uuid);
    return true;
}

/* Reads 8-4-4-4-12 hexadecimal digits; `hex` has no hyphens. */
static bool strip_hyphens(struct text text, char hex[static 2 * UUID_SIZE])
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.data[i] != '-')
                return false;
        } else if (size < 2 * UUID_SIZE) {
            hex[size++] = text.data[i];
        }
    return text.size == 36;
}

bool uuid_parse(const char *given, struct uuid *uuid)
{
    char hex[2 * UUID_SIZE];
    struct text text = text_of(given);
    bool ok;
    if (text_starts(text, TEXT("whk_")))
        ok = ids_from_base62(text_of(given + 4), uuid->bytes);
    else if (text_starts(text, TEXT("wbh_")))
        ok = text_from_hex(text_of(given + 4), uuid->bytes, UUID_SIZE);
    else if (text.size == 36)
        ok = strip_hyphens(text, hex) && text_from_hex((struct text){hex, sizeof hex}, uuid->bytes, UUID_SIZE);
    else
        ok = text_from_hex(text, uuid->bytes, UUID_SIZE);
    if (ok)
        uuid_write(uuid);
    return ok;
}
