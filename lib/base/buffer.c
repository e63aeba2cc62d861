#include "base/buffer.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

void buffer_init(struct buffer *buffer, size_t max)
{
    *buffer = (struct buffer){.max = max};
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.failed = true};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

/* Doubles the capacity, so that n appends cost O(n). */
static bool buffer_grow(struct buffer *buffer, size_t size)
{
    if (buffer->failed || size > buffer->max || buffer->size > buffer->max - size) {
        buffer->failed = true;
        return false;
    }
    size_t wanted = buffer->capacity ? buffer->capacity : 64;
    while (wanted < buffer->size + size)
        wanted *= 2;
    if (wanted > buffer->max)
        wanted = buffer->max;
    char *data = realloc(buffer->data, wanted);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = wanted;
    return true;
}

char *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed)
        return NULL;
    if ((buffer->data == NULL || buffer->capacity - buffer->size < size) && !buffer_grow(buffer, size))
        return NULL;
    return buffer->data + buffer->size;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    char *to = buffer_reserve(buffer, size);
    if (to == NULL || size == 0)
        return;
    memcpy(to, data, size);
    buffer->size += size;
}

void buffer_append_text(struct buffer *buffer, struct text text)
{
    buffer_append(buffer, text.data, text.size);
}

void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to =
        size < 0 ? NULL : buffer_reserve(buffer, (size_t)size + 1); /* vsnprintf writes a NUL, which is not counted */
    if (to != NULL) {
        vsnprintf(to, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    } else {
        buffer->failed = true;
    }
    va_end(again);
}

void buffer_append_u8(struct buffer *buffer, uint8_t value)
{
    buffer_append(buffer, &value, sizeof value);
}

void buffer_append_u16(struct buffer *buffer, uint16_t value)
{
    value = htobe16(value);
    buffer_append(buffer, &value, sizeof value);
}

void buffer_append_u32(struct buffer *buffer, uint32_t value)
{
    value = htobe32(value);
    buffer_append(buffer, &value, sizeof value);
}

void buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    value = htobe64(value);
    buffer_append(buffer, &value, sizeof value);
}
