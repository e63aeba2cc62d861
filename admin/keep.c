#include "keep.h"

#include <ctype.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

static void uuid_write(struct uuid *uuid)
{
    char hex[2 * UUID_SIZE + 1];
    text_to_hex(uuid->bytes, UUID_SIZE, hex);
    snprintf(uuid->text, sizeof uuid->text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
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

/* 8-4-4-4-12 hexadecimal digits; hex is without the hyphens. */
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

static struct text place_of(const char *place, const struct uuid *uuid, char out[static 96])
{
    return (struct text){out, (size_t)snprintf(out, 96, "%s:%s", place, uuid->text)};
}

bool keep_seal(struct context *context, const char *place, const struct uuid *uuid, struct text plain,
               struct buffer *out, struct error *error)
{
    char text[96];
    if (plain.data == NULL)
        return true;
    struct secret_key *key = context_master(context, error);
    return key != NULL && secret_seal(key, place_of(place, uuid, text), plain, out, error);
}

bool keep_open(struct context *context, const char *place, const struct uuid *uuid, struct text sealed,
               struct buffer *out, struct error *error)
{
    char text[96];
    struct secret_key *key = context_master(context, error);
    if (key == NULL)
        return false;
    return secret_open(key, place_of(place, uuid, text), sealed, out, error) ||
           error_prefix(error, "%s of %s cannot be opened with this master key", place, uuid->text);
}

struct store_value keep_value(const struct buffer *sealed)
{
    return store_bytes(sealed->size == 0 ? (struct text){0} : buffer_text(sealed));
}

static bool read_line(const char *name, struct buffer *out, struct error *error)
{
    char line[SECRET_MAX + 2];
    bool ok =
        fgets(line, sizeof line, stdin) != NULL || error_set(error, "--%s -: standard input has no line left", name);
    if (ok) {
        size_t size = strcspn(line, "\r\n");
        buffer_append(out, line, size);
    }
    explicit_bzero(line, sizeof line);
    return ok;
}

bool keep_read(const char *given, const char *name, struct buffer *out, struct error *error)
{
    if (given == NULL)
        return true;
    if (strcmp(given, "-") == 0) {
        if (!read_line(name, out, error))
            return false;
    } else {
        buffer_append_text(out, text_of(given));
    }
    if (out->size == 0 || out->failed || out->size > SECRET_MAX)
        return error_set(error, "--%s must have 1 to %d bytes", name, SECRET_MAX);
    for (size_t i = 0; i < out->size; i++)
        if (iscntrl((unsigned char)out->data[i]))
            return error_set(error, "--%s has a control character in it", name);
    return true;
}
