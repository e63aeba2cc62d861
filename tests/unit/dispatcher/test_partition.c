/* Partitions: which passages the position passes, and what the ledger is told about them. */
#include "parts.h"

#define POSITION 7

static struct partition *running(struct parts *parts, int64_t next_offset)
{
    struct partition *partition = partition_new(&parts->d, "topic", 0);
    partition->position_id = POSITION;
    partition_start_at(partition, next_offset);
    partition_become(partition, PARTITION_RUNNING);
    return partition;
}

static struct passage *add(struct parts *parts, struct partition *partition, int64_t offset, enum passage_kind kind)
{
    struct passage *passage = passage_new(&parts->d, ACCOUNT, 100);
    passage->position_id = POSITION;
    passage->offset = offset;
    passage->timestamp_ms = offset * 10;
    passage->digest[7] = (unsigned char)offset;
    passage_become(passage, kind);
    passage_hold(passage);
    partition_add(partition, passage);
    passage_release(&parts->d, passage); /* the partition has its own reference */
    return passage;
}

static void end(struct parts *parts, struct partition *partition)
{
    struct passage *passage;
    while ((passage = partition_take(partition)) != NULL) {
        while (passage->open > 0)
            passage_let_go(passage);
        passage_release(&parts->d, passage);
    }
    partition_free(&parts->d, partition);
}

static void test_passes_in_order(void **state)
{
    struct parts *parts = *state;
    struct partition *partition = running(parts, 10);
    struct move move;
    struct passage *first = add(parts, partition, 11, PASSAGE_EVENT),
                   *second = add(parts, partition, 12, PASSAGE_REPEAT),
                   *third = add(parts, partition, 13, PASSAGE_DEAD_LETTER),
                   *fourth = add(parts, partition, 14, PASSAGE_EVENT);
    assert_false(partition_pass(&parts->d, partition, &move));
    passage_let_go(second);
    passage_let_go(third);
    assert_false(partition_pass(&parts->d, partition, &move)); /* the first is not over */
    first->matched = 3;
    passage_let_go(first);
    assert_true(partition_pass(&parts->d, partition, &move));
    assert_int_equal(move.position_id, POSITION);
    assert_int_equal(move.old_next, 10);
    assert_int_equal(move.new_next, 14);
    assert_int_equal(move.first_offset, 10); /* the log has no record 10: the ledger counts a gap */
    assert_int_equal(move.last_offset, 13);
    assert_int_equal(move.last_timestamp, 130);
    assert_int_equal(move.last_check, 13);
    assert_int_equal(move.records, 3);
    assert_int_equal(move.events, 1);
    assert_int_equal(move.repeated, 1);
    assert_int_equal(move.dead_lettered, 1);
    assert_int_equal(move.matched, 3);
    assert_int_equal(partition->next_offset, 10); /* until the flush is durable */
    partition_passed(partition, &move);
    assert_int_equal(partition->next_offset, 14);

    assert_false(partition_pass(&parts->d, partition, &move));
    passage_become(fourth, PASSAGE_SKIPPED);
    passage_let_go(fourth);
    assert_false(partition_pass(&parts->d, partition, &move)); /* the next owner reads it again */
    end(parts, partition);
}

/* A new position: the first record has whatever offset the log begins with. */
static void test_from_the_beginning(void **state)
{
    struct parts *parts = *state;
    struct partition *partition = running(parts, -1);
    struct move move;
    passage_let_go(add(parts, partition, 1000, PASSAGE_EVENT));
    assert_true(partition_pass(&parts->d, partition, &move));
    assert_int_equal(move.old_next, -1);
    assert_int_equal(move.first_offset, 1000);
    assert_int_equal(move.new_next, 1001);
    end(parts, partition);
}

/* Rows that only the owner may write, and a position that does not move. */
static void test_fence(void **state)
{
    struct parts *parts = *state;
    struct partition *partition = running(parts, 10);
    struct move move;
    struct passage *passage = add(parts, partition, 10, PASSAGE_EVENT);
    memset(partition->owner, 9, sizeof partition->owner);
    partition_fence(passage);
    assert_true(partition_pass(&parts->d, partition, &move));
    assert_int_equal(move.records, 0);
    assert_int_equal(move.old_next, 10);
    assert_int_equal(move.new_next, 10);
    assert_memory_equal(move.owner, partition->owner, sizeof move.owner);
    assert_false(partition_pass(&parts->d, partition, &move)); /* once */
    end(parts, partition);
}

static void test_find(void **state)
{
    struct parts *parts = *state;
    struct partition *partition = running(parts, 0);
    assert_ptr_equal(partition_find(&parts->d, "topic", 0), partition);
    assert_null(partition_find(&parts->d, "topic", 1));
    assert_null(partition_find(&parts->d, "other", 0));
    partition_become(partition, PARTITION_REVOKING); /* the same partition may be assigned again meanwhile */
    assert_null(partition_find(&parts->d, "topic", 0));
    end(parts, partition);
}

/* The pairs that were recorded before a crash, in the order in which PostgreSQL returns them. */
static void test_recorded(void **state)
{
    (void)state;
    struct recorded_pair pairs[] = {{1, 5}, {3, 1}, {3, 4}, {3, 9}, {4, 2}, {9, 1}};
    const struct recorded recorded = {pairs, sizeof pairs / sizeof *pairs}, none = {0};
    for (int64_t offset = 0; offset < 11; offset++) {
        int count = 0;
        for (int32_t webhook = 0; webhook < 11; webhook++) {
            bool has = false;
            for (size_t i = 0; i < recorded.count; i++)
                has = has || (pairs[i].offset == offset && pairs[i].webhook_id == webhook);
            assert_int_equal(recorded_has(&recorded, offset, webhook), has);
            count += has;
        }
        assert_int_equal(recorded_count_of(&recorded, offset), count);
    }
    assert_false(recorded_has(&none, 0, 0));
    assert_int_equal(recorded_count_of(&none, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_passes_in_order), TEST(test_from_the_beginning), TEST(test_fence),
                                       TEST(test_find), TEST(test_recorded)};
    return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
