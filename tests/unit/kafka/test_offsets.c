#include "kafka/offsets.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(kafka_offsets, first_and_next_of_each_partition)
{
    AUTO(offset_table) struct offset_table *table = offset_table_new();
    cr_assert(offset_table_add_place(table, "a", 0, 5));
    cr_assert(offset_table_add_place(table, "b", 0, 100));
    cr_assert(offset_table_add_place(table, "a", 1, 0));
    cr_assert(offset_table_add_place(table, "a", 0, 6));
    cr_assert(offset_table_add_place(table, "a", 0, 9)); /* compacted, or a transaction marker between */
    cr_expect_eq(offset_table_count(table), 3);
    rd_kafka_topic_partition_list_t *next = offset_table_next_list(table);
    rd_kafka_topic_partition_list_t *first = offset_table_first_list(table);
    cr_expect_eq(rd_kafka_topic_partition_list_find(next, "a", 0)->offset, 10);
    cr_expect_eq(rd_kafka_topic_partition_list_find(first, "a", 0)->offset, 5);
    cr_expect_eq(rd_kafka_topic_partition_list_find(next, "a", 1)->offset, 1);
    cr_expect_eq(rd_kafka_topic_partition_list_find(first, "a", 1)->offset, 0);
    cr_expect_eq(rd_kafka_topic_partition_list_find(next, "b", 0)->offset, 101);
    rd_kafka_topic_partition_list_destroy(next);
    rd_kafka_topic_partition_list_destroy(first);
}

Test(kafka_offsets, a_removed_partition_and_a_cleared_table_leave_nothing)
{
    AUTO(offset_table) struct offset_table *table = offset_table_new();
    for (int i = 0; i < 40; i++)
        cr_assert(offset_table_add_place(table, "a", i, i));
    offset_table_remove(table, "a", 0);
    offset_table_remove(table, "a", 39);
    offset_table_remove(table, "a", 39);
    offset_table_remove(table, "b", 1);
    cr_expect_eq(offset_table_count(table), 38);
    for (size_t i = 0; i < offset_table_count(table); i++)
        cr_expect(offset_table_ranges(table)[i].partition % 39 != 0);
    offset_table_clear(table);
    cr_expect_eq(offset_table_count(table), 0);
    cr_assert(offset_table_add_place(table, "a", 0, 3));
    cr_expect_eq(offset_table_ranges(table)[0].first, 3);
}
