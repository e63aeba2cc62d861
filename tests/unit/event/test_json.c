/* The scanner: what it accepts, what it refuses and where, and a comparison with jansson on random texts. */
#include "event/json.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct text nested(struct buffer *buffer, size_t depth, const char *opening, const char *closing)
{
    buffer_init(buffer, 1 << 20);
    for (size_t i = 0; i < depth; i++)
        buffer_append_text(buffer, text_of(opening));
    buffer_append_text(buffer, TEXT("1"));
    for (size_t i = 0; i < depth; i++)
        buffer_append_text(buffer, text_of(closing));
    assert_false(buffer->failed);
    return buffer_text(buffer);
}

static void test_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *json, *raw;
        enum json_kind kind;
    } cases[] = {
        {"null", "null", JSON_KIND_NULL},
        {" true\n", "true", JSON_KIND_BOOLEAN},
        {"\t\r\n false", "false", JSON_KIND_BOOLEAN},
        {"0", "0", JSON_KIND_NUMBER},
        {"-0", "-0", JSON_KIND_NUMBER},
        {"-0.0e-0", "-0.0e-0", JSON_KIND_NUMBER},
        {"5.00", "5.00", JSON_KIND_NUMBER},
        {"12345678901234567890123456789", "12345678901234567890123456789", JSON_KIND_NUMBER},
        {"1E+999", "1E+999", JSON_KIND_NUMBER},
        {"1e5", "1e5", JSON_KIND_NUMBER},
        {"\"\"", "\"\"", JSON_KIND_STRING},
        {"\"a\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"a\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_KIND_STRING},
        {"\"\\ud800\"", "\"\\ud800\"",
         JSON_KIND_STRING}, /* valid grammar; only json_unescape refuses it, because it has no UTF-8 form */
        {"\"\\uD83D\\uDE00 \xf0\x9f\x98\x80 \x7f\"", "\"\\uD83D\\uDE00 \xf0\x9f\x98\x80 \x7f\"", JSON_KIND_STRING},
        {"\"exactly8\"", "\"exactly8\"", JSON_KIND_STRING},
        {"\"\xc2\xa0\xe2\x80\xa8\"", "\"\xc2\xa0\xe2\x80\xa8\"", JSON_KIND_STRING},
        {"[]", "[]", JSON_KIND_ARRAY},
        {"[ ]", "[ ]", JSON_KIND_ARRAY},
        {"{}", "{}", JSON_KIND_OBJECT},
        {" { } ", "{ }", JSON_KIND_OBJECT},
        {"[1, [2, {\"a\": [ ]}], {}]", "[1, [2, {\"a\": [ ]}], {}]", JSON_KIND_ARRAY},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}", JSON_KIND_OBJECT}, /* only wanted members must not occur twice */
        {"{\"\":null}", "{\"\":null}", JSON_KIND_OBJECT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_value value;
        struct error error = {0};
        if (!json_check(text_of(cases[i].json), &value, &error))
            fail_msg("%s: %s", cases[i].json, error.text);
        assert_int_equal(value.kind, cases[i].kind);
        assert_true(text_equal(value.raw, text_of(cases[i].raw)));
    }
}

#define BYTES(literal) literal, sizeof(literal) - 1

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        size_t size;
        const char *says;
    } cases[] = {
        {BYTES(""), "the text is empty"},
        {BYTES("   "), "unexpected end at byte 3"},
        {BYTES("\xef\xbb\xbf{}"), "byte order mark"},
        {BYTES("nul"), "not a JSON value at byte 0"},
        {BYTES("nulL"), "not a JSON value at byte 0"},
        {BYTES("True"), "not a JSON value at byte 0"},
        {BYTES("NaN"), "not a JSON value at byte 0"},
        {BYTES("Infinity"), "not a JSON value"},
        {BYTES("'a'"), "not a JSON value"},
        {BYTES("// c\n1"), "not a JSON value"},
        {BYTES("1 2"), "text after the JSON value at byte 2"},
        {BYTES("{}{}"), "text after the JSON value at byte 2"},
        {BYTES("[1]]"), "text after"},
        {BYTES("1\0"), "text after the JSON value at byte 1"},
        {BYTES("\0"), "not a JSON value at byte 0"},
        {BYTES("01"), "a number that begins with 0"},
        {BYTES("-01"), "a number that begins with 0"},
        {BYTES("+1"), "not a JSON value"},
        {BYTES(".5"), "not a JSON value"},
        {BYTES("-"), "unexpected end at byte 1"},
        {BYTES("-x"), "a digit is missing at byte 1"},
        {BYTES("1."), "unexpected end at byte 2"},
        {BYTES("1.e5"), "a digit is missing at byte 2"},
        {BYTES("1e"), "unexpected end at byte 2"},
        {BYTES("1e+"), "unexpected end at byte 3"},
        {BYTES("0x1"), "text after"},
        {BYTES("\"a"), "unexpected end at byte 2"},
        {BYTES("\"\\"), "unexpected end at byte 2"},
        {BYTES("\"\\x\""), "an unknown escape at byte 2"},
        {BYTES("\"\\\0\""), "an unknown escape at byte 2"},
        {BYTES("\"\\u12\""), "\\u without four hexadecimal digits at byte 5"},
        {BYTES("\"\\u12g4\""), "\\u without four hexadecimal digits at byte 5"},
        {BYTES("\"\\u"), "unexpected end"},
        {BYTES("\"a\nb\""), "a control character in a string at byte 2"},
        {BYTES("\"long enough for words\x1f\""), "a control character in a string at byte 22"},
        {BYTES("\"a\0b\""), "a control character in a string at byte 2"},
        {BYTES("["), "unexpected end at byte 1"},
        {BYTES("[1,]"), "not a JSON value at byte 3"},
        {BYTES("[,1]"), "not a JSON value at byte 1"},
        {BYTES("[1 2]"), "a comma or ] is missing at byte 3"},
        {BYTES("[1}"), "a comma or ] is missing at byte 2"},
        {BYTES("{\"a\":1]"), "a comma or } is missing at byte 6"},
        {BYTES("{\"a\":1,}"), "a member's name in quotes is missing at byte 7"},
        {BYTES("{,}"), "a member's name in quotes is missing at byte 1"},
        {BYTES("{a:1}"), "a member's name in quotes is missing at byte 1"},
        {BYTES("{1:1}"), "a member's name in quotes is missing"},
        {BYTES("{\"a\" 1}"), "a colon is missing at byte 5"},
        {BYTES("{\"a\":}"), "not a JSON value at byte 5"},
        {BYTES("{\"a\""), "unexpected end at byte 4"},
        {BYTES("[\xc2\xa0]"), "not a JSON value at byte 1"}, /* a no-break space is not white space in JSON */
        {BYTES("\"\xff\""), "not valid UTF-8"},              /* never a byte of UTF-8 */
        {BYTES("\"\xc0\xaf\""), "not valid UTF-8"},          /* overlong */
        {BYTES("\"\xed\xa0\x80\""), "not valid UTF-8"},      /* a surrogate */
        {BYTES("\"\xf4\x90\x80\x80\""), "not valid UTF-8"},  /* above U+10FFFF */
        {BYTES("\"eight by\xe2\x82"), "not valid UTF-8"},    /* cut in the middle */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_value value;
        struct error error = {0};
        if (json_check((struct text){cases[i].json, cases[i].size}, &value, &error))
            fail_msg("accepted: %s", cases[i].json);
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].json, error.text, cases[i].says);
    }
}

static void test_depth(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"[", "]"}, {"{\"a\":", "}"}, {"[{\"a\":", "}]"}};
    for (size_t i = 0; i < 3; i++) {
        size_t each = i == 2 ? JSON_MAX_DEPTH / 2 : JSON_MAX_DEPTH;
        struct buffer deep, deeper;
        struct json_value value;
        struct error error = {0};
        assert_true(json_check(nested(&deep, each, pairs[i][0], pairs[i][1]), &value, &error));
        assert_int_equal(value.raw.size, deep.size);
        assert_false(json_check(nested(&deeper, each + 1, pairs[i][0], pairs[i][1]), &value, &error));
        assert_non_null(strstr(error.text, "nested deeper than 128"));
        buffer_fini(&deep);
        buffer_fini(&deeper);
    }
    struct buffer bomb; /* a million brackets must not cause recursion or a long run */
    struct json_value value;
    struct error error = {0};
    buffer_init(&bomb, 1 << 20);
    memset(buffer_reserve(&bomb, 1000000), '[', 1000000);
    bomb.size = 1000000;
    assert_false(json_check(buffer_text(&bomb), &value, &error));
    assert_string_equal(error.text, "nested deeper than 128 at byte 128");
    buffer_fini(&bomb);
}

static void test_members(void **state)
{
    (void)state;
    static const char json[] =
        " {\"id\" : \"a\\u0062\", \"x\":{\"id\":1,\"id\":2}, \"d\\u0061ta\":[1, 2.50 ], \"id2\":3, \"\":0} ";
    struct json_member wanted[] = {
        {.name = TEXT("id")}, {.name = TEXT("data")}, {.name = TEXT("absent")}, {.name = TEXT("")}};
    struct error error = {0};
    assert_true(json_members(text_of(json), wanted, 4, &error));
    assert_int_equal(wanted[0].value.kind, JSON_KIND_STRING);
    assert_true(text_equal(wanted[0].value.raw, TEXT("\"a\\u0062\"")));
    assert_true(wanted[0].value.raw.data == strstr(json, "\"a\\u")); /* a span of the text, not a copy */
    assert_int_equal(wanted[1].value.kind, JSON_KIND_ARRAY);
    assert_true(text_equal(wanted[1].value.raw, TEXT("[1, 2.50 ]")));
    assert_null(wanted[2].value.raw.data);
    assert_true(text_equal(wanted[3].value.raw, TEXT("0")));
    assert_true(json_members(TEXT("{ }"), wanted, 4, &error));
    assert_null(wanted[0].value.raw.data); /* the results of an earlier call are cleared */
}

static void test_members_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{\"id\":1,\"id\":1}", "the member \"id\" appears twice, the second time at byte 8"},
        {"{\"id\":1,\"x\":0,\"\\u0069d\":1}", "the member \"id\" appears twice, the second time at byte 14"},
        {"{\"id\":null,\"id\":null}", "appears twice"},
        {"[]", "not an object at byte 0"},
        {"\"id\"", "not an object"},
        {"1", "not an object"},
        {"", "the text is empty"},
        {"{\"id\":1", "unexpected end at byte 7"},
        {"{\"id\":1]", "a comma or } is missing at byte 7"},
        {"{\"id\":1} x", "text after the JSON value at byte 9"},
        {"{} x", "text after the JSON value at byte 3"},
        {"{\"x\":[1,}", "not a JSON value"},
        {"{\"id\":1,}", "a member's name in quotes is missing at byte 8"},
        {"{\"id\":\"\xff\"}", "not valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_member wanted[] = {{.name = TEXT("id")}};
        struct error error = {0};
        assert_false(json_members(text_of(cases[i].json), wanted, 1, &error));
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].json, error.text, cases[i].says);
    }
}

static void test_names_compare_after_unescaping(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool is_id;
    } cases[] = {
        {"{\"\\u0069\\u0064\":1}", true},
        {"{\"i\":1}", false},
        {"{\"idx\":1}", false},
        {"{\"i\\u0000d\":1}", false},
        {"{\"i\\ud800\":1}", false},
        {"{\"\\ud83d\\ude00\":1}", false},
        {"{\"ID\":1}", false},
        {"{\"id\\u0000\":1}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_member wanted[] = {{.name = TEXT("id")}};
        struct error error = {0};
        assert_true(json_members(text_of(cases[i].json), wanted, 1, &error));
        assert_int_equal(wanted[0].value.raw.data != NULL, cases[i].is_id);
    }
    struct json_member face[] = {{.name = TEXT("\xf0\x9f\x98\x80")}};
    struct error error = {0};
    assert_true(json_members(TEXT("{\"\\uD83D\\uDE00\":1}"), face, 1, &error));
    assert_non_null(face[0].value.raw.data);
}

static void test_string(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *means;
        size_t size;
    } cases[] = {
        {"\"\"", BYTES("")},
        {"\"plain \xc3\xa9\"", BYTES("plain \xc3\xa9")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", BYTES("\"\\/\b\f\n\r\t")},
        {"\"\\u0000x\"", BYTES("\0x")},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uFFFF\"", BYTES("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
        {"\"\\ud7ff\\ue000\"", BYTES("\xed\x9f\xbf\xee\x80\x80")},
        {"\"\\ud800\\udc00\\uDBFF\\uDFFF\"", BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct text out, means = {cases[i].means, cases[i].size};
        arena_init(&arena, 4096);
        assert_true(json_unescape(text_of(cases[i].raw), &arena, &out));
        assert_true(text_equal(out, means));
        if (strchr(cases[i].raw, '\\') == NULL)
            assert_true(out.data == cases[i].raw + 1); /* nothing copied */
        arena_fini(&arena);
    }
}

static void test_string_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {"\"\\ud800\"",        "\"\\udc00\"",        "\"\\ud800x\"",
                                        "\"\\ud800\\n\"",     "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"",
                                        "\"\\ud800\\u0041\"", "\"a\\udfff\""};
    struct arena arena;
    struct text out;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_false(json_unescape(text_of(cases[i]), &arena, &out));
    arena_fini(&arena);
    arena_init(&arena, 16);
    assert_false(json_unescape(TEXT("\"longer than the arena\\n\""), &arena, &out));
    assert_true(json_unescape(TEXT("\"longer than the arena, but not copied\""), &arena, &out));
    arena_fini(&arena);
}

static void test_append_string(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    json_append_string(&buffer, (struct text){BYTES("a\"b\\c/\b\f\n\r\t\0\x1f\x7f \xf0\x9f\x98\x80")});
    struct text expected = TEXT("\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f \xf0\x9f\x98\x80\"");
    assert_true(text_equal(buffer_text(&buffer), expected));
    buffer_clear(&buffer);
    json_append_string(&buffer, (struct text){0});
    assert_true(text_equal(buffer_text(&buffer), TEXT("\"\"")));
    buffer_fini(&buffer);
    buffer_init(&buffer, 8);
    json_append_string(&buffer, TEXT("0123456789"));
    assert_true(buffer.failed);
    buffer_fini(&buffer);
}

/* Every byte and every escape is unchanged after writing and reading. */
static void test_round_trip(void **state)
{
    (void)state;
    char all[128];
    struct buffer buffer;
    struct arena arena;
    struct text out;
    struct json_value value;
    struct error error = {0};
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    buffer_init(&buffer, 4096);
    arena_init(&arena, 4096);
    json_append_string(&buffer, (struct text){all, sizeof all});
    assert_true(json_check(buffer_text(&buffer), &value, &error));
    assert_true(json_unescape(value.raw, &arena, &out));
    assert_true(text_equal(out, (struct text){all, sizeof all}));
    arena_fini(&arena);
    buffer_fini(&buffer);
}

/* ---- against jansson ---- */

static uint32_t dice_state;

static uint32_t dice(uint32_t sides) /* a fixed sequence, so that a failure can be repeated */
{
    dice_state = dice_state * 1664525U + 1013904223U;
    return (dice_state >> 8) % sides;
}

/* A text that is usually JSON: tokens one after another, sometimes with a changed byte. */
static size_t random_text(char *out, size_t max)
{
    static const char *const tokens[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"id\":",
                                         "\"a\":",
                                         "\"\\u0061\":",
                                         "null",
                                         "true",
                                         "false",
                                         "0",
                                         "-1.5",
                                         "1e3",
                                         "\"x\"",
                                         "\"\\n\\u00e9\"",
                                         "\"\xc3\xa9\"",
                                         " ",
                                         "\n",
                                         "\"\\ud83d\\ude00\"",
                                         "01",
                                         "\"",
                                         "{\"a\":",
                                         "[1,",
                                         "{}",
                                         "[]",
                                         "}}",
                                         "]]",
                                         "\"data\":{}",
                                         ",\"id\":2"};
    size_t size = 0;
    uint32_t count = 1 + dice(12);
    for (uint32_t i = 0; i < count; i++) {
        const char *token = tokens[dice(sizeof tokens / sizeof *tokens)];
        size_t length = strlen(token);
        if (size + length > max)
            break;
        memcpy(out + size, token, length);
        size += length;
    }
    if (size > 0 && dice(16) == 0)
        out[dice((uint32_t)size)] = (char)dice(256);
    return size;
}

static void compare(const char *json, size_t size, size_t *accepted)
{
    struct json_value value;
    struct error error = {0};
    json_error_t why;
    json_t *tree = json_loadb(json, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    bool ours = json_check((struct text){json, size}, &value, &error);
    /* It cannot represent two kinds of JSON: lone surrogates, and numbers beyond a double. */
    bool beyond =
        tree == NULL && (strstr(why.text, "invalid Unicode") != NULL || strstr(why.text, "number overflow") != NULL);
    if (ours != (tree != NULL) && !beyond)
        fail_msg("jansson %s (%s), ours %s (%s): %.*s", tree ? "accepts" : "refuses", why.text,
                 ours ? "accepts" : "refuses", error.text, (int)size, json);
    if (tree != NULL) {
        ++*accepted;
        assert_int_equal(value.kind == JSON_KIND_OBJECT, json_is_object(tree));
        assert_int_equal(value.kind == JSON_KIND_STRING, json_is_string(tree));
        assert_int_equal(value.kind == JSON_KIND_NUMBER, json_is_number(tree));
        assert_int_equal(value.kind == JSON_KIND_ARRAY, json_is_array(tree));
    }
    json_decref(tree);
}

static void test_agrees_with_jansson(void **state)
{
    (void)state;
    size_t accepted = 0;
    char json[256];
    dice_state = 1;
    for (int i = 0; i < 200000; i++)
        compare(json, random_text(json, sizeof json), &accepted);
    assert_true(accepted > 5000); /* otherwise nothing was compared */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_members_refuses),
        cmocka_unit_test(test_names_compare_after_unescaping),
        cmocka_unit_test(test_string),
        cmocka_unit_test(test_string_refuses),
        cmocka_unit_test(test_append_string),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_agrees_with_jansson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
