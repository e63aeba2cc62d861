/* A growing buffer: its bound, its sticky failure, its integers. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_holds(const struct buffer *buffer, const void *bytes, size_t size)
{
    assert_int_equal(buffer->size, size);
    assert_memory_equal(buffer->data, bytes, size);
}

static void test_appends(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    assert_null(buffer.data);
    buffer_append(&buffer, "ab", 2);
    buffer_append_text(&buffer, TEXT("c\0d"));
    buffer_append_char(&buffer, 'e');
    buffer_printf(&buffer, "-%d-%s", 42, "f");
    buffer_append(&buffer, NULL, 0);
    assert_false(buffer.failed);
    assert_holds(&buffer, "abc\0de-42-f", 11);
    assert_true(text_equal(buffer_text(&buffer), TEXT("abc\0de-42-f")));
    buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_true(buffer.capacity > 0);
    buffer_fini(&buffer);
    buffer_append_char(&buffer, 'x'); /* after its end, it accepts nothing */
    assert_int_equal(buffer.size, 0);
}

static void test_integers(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100);
    buffer_append_u8(&buffer, 0xfe);
    buffer_append_u16(&buffer, 0x0102);
    buffer_append_u32(&buffer, 0x03040506);
    buffer_append_u64(&buffer, 0x0708090a0b0c0d0e);
    assert_holds(&buffer, "\xfe\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e", 15);
    buffer_fini(&buffer);
}

/* Up to the last byte, for bounds that are not a power of two. */
static void test_bound(void **state)
{
    (void)state;
    for (size_t max = 1; max <= 300; max++) {
        struct buffer buffer;
        buffer_init(&buffer, max);
        for (size_t i = 0; i < max; i++)
            buffer_append_char(&buffer, 'x');
        assert_false(buffer.failed);
        assert_int_equal(buffer.size, max);
        assert_true(buffer.capacity <= max);
        buffer_append_char(&buffer, 'x');
        assert_true(buffer.failed);
        assert_int_equal(buffer.size, max);
        buffer_fini(&buffer);
    }
}

static void test_failure_sticks(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10);
    buffer_append(&buffer, "1234", 4);
    buffer_append(&buffer, "1234567", 7); /* one byte too many: nothing is appended */
    assert_true(buffer.failed);
    buffer_append_char(&buffer, 'x'); /* would fit, but then the text would have a gap */
    buffer_printf(&buffer, "y");
    buffer_append_u64(&buffer, 1);
    assert_null(buffer_reserve(&buffer, 1));
    assert_holds(&buffer, "1234", 4);
    buffer_clear(&buffer);
    assert_false(buffer.failed);
    buffer_append(&buffer, "1234567890", 10);
    assert_false(buffer.failed);
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.failed);
    buffer_fini(&buffer);
}

static void test_reserve(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    char *to = buffer_reserve(&buffer, 500);
    assert_non_null(to);
    memset(to, 'z', 500);
    assert_int_equal(buffer.size, 0); /* not before the caller requests it */
    buffer.size += 3;
    buffer_append_char(&buffer, '!');
    assert_holds(&buffer, "zzz!", 4);
    assert_non_null(buffer_reserve(&buffer, 996));
    assert_null(buffer_reserve(&buffer, 997));
    buffer_fini(&buffer);
}

static void test_printf_too_long(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_printf(&buffer, "%s", "1234567"); /* exactly full with the NUL that vsnprintf writes */
    assert_false(buffer.failed);
    buffer_printf(&buffer, "%s", "8");
    assert_true(buffer.failed);
    assert_holds(&buffer, "1234567", 7);
    buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),        cmocka_unit_test(test_integers), cmocka_unit_test(test_bound),
        cmocka_unit_test(test_failure_sticks), cmocka_unit_test(test_reserve),  cmocka_unit_test(test_printf_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
