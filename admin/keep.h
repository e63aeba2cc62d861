/* Identities and sealed secrets of rows. */
#pragma once
#include "command.h"
#include "event/uuid.h"

#define SECRET_MAX 4096 /* bytes of a password, a token or a key */

/* Seal for a column ("webhook.secret", see store/sealed.h) of a row, into an empty buffer that the caller gives back
 * with buffer_fini(). A `plain` without data leaves the buffer empty, and keep_value() makes null of it. */
bool keep_seal(struct context *context, const char *column, const struct uuid *uuid, struct text plain,
               struct buffer *out, struct error *error) MUST_USE;
bool keep_open(struct context *context, const char *column, const struct uuid *uuid, struct text sealed,
               struct buffer *out, struct error *error) MUST_USE;
/* The data key of an account; NULL once it was destroyed. secret_key_free() it. */
bool keep_data_key(struct context *context, const char *account, struct secret_key **key, struct error *error) MUST_USE;
struct store_value keep_value(const struct buffer *sealed);

/* A secret as given on the command line, where it can be seen by others: "-" reads it from a line of standard input
 * instead. `name` is the option's. The caller gives the buffer back with secret_wipe() and buffer_fini(). Empty for
 * NULL. */
bool keep_read(const char *given, const char *name, struct buffer *out, struct error *error) MUST_USE;
