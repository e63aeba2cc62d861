/* The rows of a flush, and how many attempts may be uncommitted. */
#include "parts.h"

#define OURS 1
#define LOST 2

static void fill(struct parts *parts, struct flush_rows *rows, int32_t position)
{
    struct passage *passage = passage_new(&parts->d, ACCOUNT, 0);
    passage->position_id = position;
    passage->refusal = REFUSAL_TOO_LARGE;
    passage->key = TEXT("key");
    passage->timestamp_ms = 1;
    flush_rows_append(&rows->parks, &(struct park_row){.position_id = position}, sizeof(struct park_row));
    flush_rows_append(&rows->cancels, &(struct cancel_row){.position_id = position, .owned = true},
                      sizeof(struct cancel_row));
    flush_rows_append(&rows->cancels, &(struct cancel_row){.position_id = position}, sizeof(struct cancel_row));
    flush_rows_append(&rows->repeats, &(struct repeat_row){.position_id = position}, sizeof(struct repeat_row));
    flush_rows_append(&rows->moves, &(struct move){.position_id = position}, sizeof(struct move));
    flush_rows_append(&rows->settles, &(struct settle_row){.position_id = position}, sizeof(struct settle_row));
    assert_true(flush_rows_bury(rows, passage, TEXT("value"), (struct text){0}, false));
    passage_release(&parts->d, passage);
}

/* What only the owner of a position may write is dropped when it is lost; what was done stays. */
static void test_drop(void **state)
{
    struct parts *parts = *state;
    struct flush_rows rows = {0};
    flush_rows_init(&rows);
    assert_true(flush_rows_empty(&rows));
    size_t empty = flush_rows_size(&rows); /* the heads of the columns */
    fill(parts, &rows, OURS);
    size_t size = flush_rows_size(&rows);
    assert_int_equal(rows.deads_size, strlen("key") + strlen("value"));
    fill(parts, &rows, LOST);
    flush_rows_drop(&rows, LOST);
    assert_int_equal(ROW_COUNT(rows.parks, struct park_row), 1);
    assert_int_equal(ROW_COUNT(rows.repeats, struct repeat_row), 1);
    assert_int_equal(ROW_COUNT(rows.moves, struct move), 1);
    assert_int_equal(ROW_COUNT(rows.deads, struct dead_row), 1);
    assert_int_equal(ROWS(rows.parks, struct park_row)->position_id, OURS);
    assert_int_equal(ROWS(rows.repeats, struct repeat_row)->position_id, OURS);
    assert_int_equal(ROWS(rows.moves, struct move)->position_id, OURS);
    assert_int_equal(ROWS(rows.deads, struct dead_row)->position_id, OURS);
    assert_memory_equal(ROWS(rows.deads, struct dead_row)->value, "value", 5);
    assert_int_equal(ROW_COUNT(rows.cancels, struct cancel_row),
                     3); /* one is of a pending row, whoever owns the position */
    assert_int_equal(ROW_COUNT(rows.settles, struct settle_row), 2);
    assert_int_equal(rows.deads_size, strlen("key") + strlen("value"));
    assert_int_equal(flush_rows_size(&rows), size + sizeof(struct cancel_row) + sizeof(struct settle_row));
    flush_rows_clear(&rows);
    assert_true(flush_rows_empty(&rows));
    assert_int_equal(flush_rows_size(&rows), empty);
    flush_rows_fini(&rows);
}

/* The detail of a dead letter may quote the record: only visible characters are stored. */
static void test_detail(void **state)
{
    struct parts *parts = *state;
    struct flush_rows rows = {0};
    flush_rows_init(&rows);
    struct passage *passage = passage_new(&parts->d, ACCOUNT, 0);
    error_set(&passage->refused_why, "a\x01z\x7f\xc3 ~");
    assert_true(flush_rows_bury(&rows, passage, (struct text){0}, (struct text){0}, true));
    const struct dead_row *row = ROWS(rows.deads, struct dead_row);
    assert_string_equal(row->detail, "a?z?? ~");
    assert_null(row->value);
    assert_null(row->key);
    passage_release(&parts->d, passage);
    flush_rows_fini(&rows);
}

static void test_room(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    int64_t most = 4 * parts->settings.flush_rows;
    for (int64_t i = 0; i < most; i++) {
        assert_true(flush_has_room(d));
        assert_int_equal(flush_has_share(d, ACCOUNT), i < most / 2); /* no more than is left for the others */
        flush_take_share(d, ACCOUNT);
    }
    assert_false(flush_has_room(d));
    assert_int_equal(flush_unflushed(d), most);
}

/* 64 MiB of rows are too many, whatever their number; both those that are gathered and those under way count. */
static void test_room_of_bytes(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    static char value[16 << 20];
    assert_true(flush_is_clean(d));
    for (int i = 0; i < 4; i++) {
        assert_true(flush_has_room(d));
        struct passage *passage = passage_new(d, ACCOUNT, 0);
        passage_become(passage, PASSAGE_DEAD_LETTER);
        assert_true(flush_dead_letter(d, passage, (struct text){value, sizeof value}, (struct text){0}, true));
        passage_release(d, passage);
    }
    assert_false(flush_has_room(d));
    assert_int_equal(flush_dead_letters_size(d), 4 * sizeof value);
    assert_false(flush_is_clean(d));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_drop), TEST(test_detail), TEST(test_room), TEST(test_room_of_bytes)};
    return cmocka_run_group_tests_name("flush", tests, NULL, NULL);
}
