/* Buffer: a growing array of bytes with a mandatory maximum.
 *
 * Failure is sticky: an append that would exceed `max`, or for which memory is short, changes nothing and sets
 * `failed`; further appends do nothing. Thus a writer appends without checks and tests `failed` once, at the end. */
#pragma once
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct buffer {
    char *data;
    size_t size, capacity, max;
    bool failed;
};

/* `max` is in bytes. Allocates nothing before the first append. */
void buffer_init(struct buffer *buffer, size_t max);
void buffer_fini(struct buffer *buffer);

/* Empties the buffer and clears `failed`; keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* Makes room for `size` more bytes and returns the place to write them, or NULL (then `failed` is set). The caller adds
 * the number of bytes written to buffer->size. */
char *buffer_reserve(struct buffer *buffer, size_t size);

void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_text(struct buffer *buffer, struct text text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Big-endian integers, as in PostgreSQL's binary formats. */
void buffer_append_u8(struct buffer *buffer, uint8_t value);
void buffer_append_u16(struct buffer *buffer, uint16_t value);
void buffer_append_u32(struct buffer *buffer, uint32_t value);
void buffer_append_u64(struct buffer *buffer, uint64_t value);

static inline struct text buffer_text(const struct buffer *buffer)
{
    return (struct text){buffer->data, buffer->size};
}
