/* UUID: identities of rows. The programs make them, not PostgreSQL, because sealed secrets are bound to them. */
#pragma once
#include "base/error.h"
#include "event/ids.h"

struct uuid {
    unsigned char bytes[UUID_SIZE];
    char text[37];
};

/* Makes a random UUID (version 4). */
bool uuid_new(struct uuid *uuid, struct error *error) MUST_USE;

void uuid_from_bytes(const unsigned char bytes[static UUID_SIZE], struct uuid *uuid);

/* Parses a UUID with or without hyphens, wbh_<32 hex digits> or whk_<22 base62>: all forms in which a webhook's owner
 * may name it. */
bool uuid_parse(const char *text, struct uuid *uuid) MUST_USE;
