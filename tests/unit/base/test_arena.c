/* Memory that is freed all at once, and its bound. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_memory(void **state)
{
    (void)state;
    struct arena arena;
    unsigned char *before = NULL;
    arena_init(&arena, 1 << 20);
    assert_non_null(arena_alloc(&arena, 0));
    for (size_t size = 1; size < 3000; size += 7) {
        unsigned char *memory = arena_alloc(&arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xee, size); /* the sanitizer detects an access beyond a block's end */
        assert_true(memory != before);
        before = memory;
    }
    arena_fini(&arena);
    assert_int_equal(arena.total, 0);
    assert_null(arena_alloc(&arena, 1)); /* after its end, it returns nothing */
}

static void test_bound(void **state)
{
    (void)state;
    struct arena arena;
    size_t given = 0;
    arena_init(&arena, 10000);
    assert_null(arena_alloc(&arena, 10001));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    while (arena_alloc(&arena, 100) != NULL)
        given += 100;
    assert_true(given >= 8000);
    assert_true(arena.total <= 10000 + 2048); /* at most one block more */
    assert_null(arena_alloc(&arena, 5000));
    arena_fini(&arena);
}

static void test_copy(void **state)
{
    (void)state;
    struct arena arena;
    char original[] = "a\0b";
    arena_init(&arena, 4096);
    struct text copy;
    assert_true(arena_copy(&arena, (struct text){original, 3}, &copy));
    original[0] = 'x';
    assert_true(text_equal(copy, TEXT("a\0b")));
    assert_int_equal(copy.data[3], '\0');
    assert_true(arena_copy(&arena, (struct text){0}, &copy));
    assert_non_null(copy.data);
    assert_int_equal(copy.size, 0);
    arena_fini(&arena);
    arena_init(&arena, 3);
    assert_false(arena_copy(&arena, TEXT("abc"), &copy)); /* no room for its NUL */
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
