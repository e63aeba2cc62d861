#include "store/column.h"

#include <endian.h>

#define ARRAY_HEADER 20 /* dimensions, has-null flag, element type, length, lower bound */

static const struct {
    enum pg_type element;
    unsigned array;
} arrays[] = {{PG_BOOL, 1000}, {PG_BYTEA, 1001}, {PG_CHAR, 1002}, {PG_INT8, 1016},        {PG_INT2, 1005},
              {PG_INT4, 1007}, {PG_TEXT, 1009},  {PG_DATE, 1182}, {PG_TIMESTAMPTZ, 1185}, {PG_UUID, 2951}};

static unsigned array_of(enum pg_type element)
{
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (arrays[i].element == element)
            return arrays[i].array;
    return 0;
}

void column_init(struct column *column, enum pg_type type, size_t max)
{
    *column = (struct column){.type = type};
    buffer_init(&column->data, max);
    column_clear(column);
}

void column_fini(struct column *column)
{
    buffer_fini(&column->data);
}

void column_clear(struct column *column)
{
    static const char header[ARRAY_HEADER];
    buffer_clear(&column->data);
    buffer_append(&column->data, header, sizeof header);
    column->count = 0;
    column->has_null = false;
}

void column_null(struct column *column)
{
    buffer_append_u32(&column->data, UINT32_MAX);
    column->has_null = true;
    column->count++;
}

void column_bool(struct column *column, bool value)
{
    buffer_append_u32(&column->data, 1);
    buffer_append_u8(&column->data, value);
    column->count++;
}

void column_char(struct column *column, char value)
{
    buffer_append_u32(&column->data, 1);
    buffer_append_char(&column->data, value);
    column->count++;
}

void column_int2(struct column *column, int16_t value)
{
    buffer_append_u32(&column->data, 2);
    buffer_append_u16(&column->data, (uint16_t)value);
    column->count++;
}

void column_int4(struct column *column, int32_t value)
{
    buffer_append_u32(&column->data, 4);
    buffer_append_u32(&column->data, (uint32_t)value);
    column->count++;
}

void column_int8(struct column *column, int64_t value)
{
    buffer_append_u32(&column->data, 8);
    buffer_append_u64(&column->data, (uint64_t)value);
    column->count++;
}

void column_time(struct column *column, struct wall value)
{
    column_int8(column, value.us - PG_EPOCH_US);
}

void column_bytes(struct column *column, struct text value)
{
    buffer_append_u32(&column->data, (uint32_t)value.size);
    buffer_append(&column->data, value.data, value.size);
    column->count++;
}

struct param column_param(struct column *column)
{
    const uint32_t header[] = {htobe32(column->count > 0), htobe32(column->has_null), htobe32(column->type),
                               htobe32(column->count), htobe32(1)};
    if (column->data.size >= ARRAY_HEADER)
        memcpy(column->data.data, header, sizeof header);
    /* an empty array has no dimensions: nothing follows the element type */
    size_t size = column->count > 0 ? column->data.size : 12;
    return (struct param){array_of(column->type), column->data.failed ? NULL : column->data.data,
                          column->data.failed ? -1 : (int)size};
}

struct param param_int4(int32_t value, struct value *storage)
{
    uint32_t big = htobe32((uint32_t)value);
    memcpy(storage->bytes, &big, sizeof big);
    return (struct param){PG_INT4, (const char *)storage->bytes, 4};
}

struct param param_int8(int64_t value, struct value *storage)
{
    uint64_t big = htobe64((uint64_t)value);
    memcpy(storage->bytes, &big, sizeof big);
    return (struct param){PG_INT8, (const char *)storage->bytes, 8};
}

struct param param_bool(bool value, struct value *storage)
{
    storage->bytes[0] = value;
    return (struct param){PG_BOOL, (const char *)storage->bytes, 1};
}

struct param param_text(struct text value)
{
    return (struct param){PG_TEXT, value.data == NULL ? "" : value.data, (int)value.size};
}

struct param param_uuid(const unsigned char uuid[static 16])
{
    return (struct param){PG_UUID, (const char *)uuid, 16};
}
