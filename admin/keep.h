/* Keep: sealed secrets of rows. */
#pragma once
#include "command.h"
#include "event/uuid.h"

#define SECRET_MAX 4096 /* bytes of a password, a token or a key */

/* Seals a value for a column ("webhook.secret", see store/sealed.h) of a row, into an empty buffer that the caller
 * frees with buffer_fini(). If `plain` has no data, the buffer stays empty, and keep_value() returns null for it. */
bool keep_seal(struct context *context, const char *column, const struct uuid *uuid, struct text plain,
               struct buffer *out, struct error *error) MUST_USE;
bool keep_open(struct context *context, const char *column, const struct uuid *uuid, struct text sealed,
               struct buffer *out, struct error *error) MUST_USE;
/* Gets the data key of an account; NULL if it was destroyed. The caller frees it with secret_key_free(). */
bool keep_data_key(struct context *context, const char *account, struct secret_key **key, struct error *error) MUST_USE;
struct store_value keep_value(const struct buffer *sealed);

/* Reads a secret that was given on the command line. "-" reads it from a line of standard input, because other users
 * can see the command line. `name` is the option. The caller frees the buffer with secret_wipe() and buffer_fini().
 * Empty if `given` is NULL. */
bool keep_read(const char *given, const char *name, struct buffer *out, struct error *error) MUST_USE;
