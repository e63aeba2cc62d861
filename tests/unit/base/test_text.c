/* Runs of bytes: UTF-8 according to the Unicode standard, visible ASCII, hexadecimal. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static void test_utf8(void **state)
{
    (void)state;
    static const struct text good[] = {
        BYTES(""),
        BYTES("a"),
        BYTES("\0"),
        BYTES("exactly eight bytes, and some more"),
        BYTES("\xc2\x80\xdf\xbf"),
        BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
        BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
        BYTES("1234567\xc3\xa9"), /* across the edge of a word of eight */
    };
    static const struct text bad[] = {
        BYTES("\x80"),
        BYTES("\xbf"),
        BYTES("\xc0\x80"),
        BYTES("\xc1\xbf"),
        BYTES("\xc2"),
        BYTES("\xc2\x7f"),
        BYTES("\xc2\xc0"),
        BYTES("\xe0\x9f\xbf"),
        BYTES("\xe0\xa0"),
        BYTES("\xed\xa0\x80"),
        BYTES("\xed\xbf\xbf"),
        BYTES("\xe1\x80\x7f"),
        BYTES("\xf0\x8f\xbf\xbf"),
        BYTES("\xf4\x90\x80\x80"),
        BYTES("\xf5\x80\x80\x80"),
        BYTES("\xf1\x80\x80"),
        BYTES("\xff"),
        BYTES("1234567\xc3"),
        BYTES("12345678\xff"),
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(text_is_utf8(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_is_utf8(bad[i]));
    assert_true(text_is_utf8((struct text){0}));
}

static size_t encode(uint32_t c, char out[static 4]) /* of Unicode's own rule, without its exceptions */
{
    if (c < 0x80)
        return out[0] = (char)c, 1;
    if (c < 0x800)
        return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 0x3f)), 2;
    if (c < 0x10000)
        return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 0x3f)),
               out[2] = (char)(0x80 | (c & 0x3f)), 3;
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Every code point: well-formed except for the surrogates; never well-formed if truncated. */
static void test_utf8_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x1fffff; c++) {
        char bytes[4];
        size_t size = encode(c, bytes);
        bool good = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
        assert_int_equal(text_is_utf8((struct text){bytes, size}), good);
        if (size > 1)
            assert_false(text_is_utf8((struct text){bytes, size - 1}));
    }
}

static void test_visible_ascii(void **state)
{
    (void)state;
    char every[256];
    memset(every, 'x', sizeof every);
    assert_true(text_is_visible_ascii((struct text){every, 1}));
    assert_true(text_is_visible_ascii((struct text){every, 255}));
    assert_false(text_is_visible_ascii((struct text){every, 256}));
    assert_false(text_is_visible_ascii((struct text){every, 0}));
    for (int c = 0; c < 256; c++) {
        every[3] = (char)c;
        assert_int_equal(text_is_visible_ascii((struct text){every, 5}), c >= 0x21 && c <= 0x7e);
    }
}

static void test_hex(void **state)
{
    (void)state;
    unsigned char bytes[256], back[256];
    char hex[513];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    text_to_hex(bytes, sizeof bytes, hex);
    assert_int_equal(strlen(hex), 512);
    assert_memory_equal(hex, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_true(text_from_hex(text_of(hex), back, sizeof back));
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_true(text_from_hex(TEXT("aBCdeF"), back, 3));
    assert_memory_equal(back, "\xab\xcd\xef", 3);
    assert_false(text_from_hex(TEXT("abcde"), back, 3));
    assert_false(text_from_hex(TEXT("abcdef0"), back, 3));
    assert_false(text_from_hex(TEXT("abcdeg"), back, 3));
    assert_false(text_from_hex(TEXT("abcd f"), back, 3));
    assert_false(text_from_hex(TEXT("0xabcd"), back, 3));
    assert_true(text_from_hex(TEXT(""), back, 0));
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(text_equal(TEXT("a\0b"), TEXT("a\0b")));
    assert_false(text_equal(TEXT("a\0b"), TEXT("a\0c")));
    assert_false(text_equal(TEXT("a"), TEXT("ab")));
    assert_true(text_equal((struct text){0}, TEXT("")));
    assert_true(text_starts(TEXT("abc"), TEXT("ab")));
    assert_true(text_starts(TEXT("abc"), TEXT("")));
    assert_true(text_starts((struct text){0}, (struct text){0}));
    assert_false(text_starts(TEXT("ab"), TEXT("abc")));
    assert_false(text_starts(TEXT("abc"), TEXT("b")));
}

static void test_copy(void **state)
{
    (void)state;
    char bytes[] = {'a', 0, 'b', (char)0xff}; /* no NUL follows, and none is searched for */
    char *copy = text_copy((struct text){bytes, 4});
    assert_non_null(copy);
    assert_memory_equal(copy, "a\0b\xff", 5);
    free(copy);
    copy = text_copy((struct text){NULL, 0});
    assert_string_equal(copy, "");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),          cmocka_unit_test(test_utf8_every_code_point),
        cmocka_unit_test(test_visible_ascii), cmocka_unit_test(test_hex),
        cmocka_unit_test(test_compare),       cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
