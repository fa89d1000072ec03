#include "kafka/headers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static void expect(const struct record_headers *headers, const char *name, const char *value)
{
    struct span found = {0};
    cr_assert(record_headers_find(headers, name, &found), "no header %s", name);
    cr_expect(span_equal(found, span_text(value)), "%s: \"%.*s\"", name, SPAN_ARG(found));
}

Test(kafka_headers, traceparents_that_may_be_continued_and_those_that_may_not)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"00-" TRACE "-" PARENT "-01", true},
        {"00-" TRACE "-" PARENT "-00", true},
        {"cc-" TRACE "-" PARENT "-01", true},
        {"cc-" TRACE "-" PARENT "-01-what-the-future-brings", true},
        {"00-" TRACE "-" PARENT "-01-", false},
        {"cc-" TRACE "-" PARENT "-01.", false},
        {"ff-" TRACE "-" PARENT "-01", false},
        {"00-00000000000000000000000000000000-" PARENT "-01", false},
        {"00-" TRACE "-0000000000000000-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
        {"00-" TRACE "-" PARENT "-0g", false},
        {"0x-" TRACE "-" PARENT "-01", false},
        {"00_" TRACE "-" PARENT "-01", false},
        {"00-" TRACE "_" PARENT "-01", false},
        {"00-" TRACE "-" PARENT "_01", false},
        {"00-" TRACE "-" PARENT "-0", false},
        {"00-" TRACE "-" PARENT, false},
        {"", false},
        {NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(traceparent_is_valid(span_text(cases[i].text)), cases[i].valid, "%s", cases[i].text);
}

Test(kafka_headers, a_trace_goes_on_under_a_new_span)
{
    AUTO(record_headers) struct record_headers headers = {0};
    struct trace_context context = {
        .traceparent = SPAN_LITERAL("cc-" TRACE "-" PARENT "-05"),
        .tracestate = SPAN_LITERAL("vendor=1,other=2"),
        .correlation_id = SPAN_LITERAL("order-7"),
    };
    static const uint8_t span_id[TRACE_SPAN_ID_LEN] = {0, 1, 0x2f, 0xff, 4, 5, 6, 0xa7};
    record_headers_add_trace(&headers, &context, span_id);
    expect(&headers, "traceparent", "00-" TRACE "-00012fff040506a7-05");
    expect(&headers, "tracestate", "vendor=1,other=2");
    expect(&headers, "correlation-id", "order-7");
    cr_expect_eq(headers.count, 3);

    static const uint8_t zero[TRACE_SPAN_ID_LEN];
    record_headers_clear(&headers);
    record_headers_add_trace(&headers, &context, zero);
    struct span parent = {0};
    cr_assert(record_headers_find(&headers, "traceparent", &parent));
    cr_expect(traceparent_is_valid(parent));
}

Test(kafka_headers, no_trace_in_none_out)
{
    AUTO(record_headers) struct record_headers headers = {0};
    struct trace_context context = {.tracestate = SPAN_LITERAL("a=b")};
    static const uint8_t span_id[TRACE_SPAN_ID_LEN] = {1};
    record_headers_add_trace(&headers, &context, span_id);
    cr_expect_eq(headers.count, 0);
}

Test(kafka_headers, a_cloud_event_in_binary_mode)
{
    AUTO(record_headers) struct record_headers headers = {0};
    struct cloud_event event = {
        .id = SPAN_LITERAL("0e7f3c1a-0000-5000-8000-000000000001"),
        .type = SPAN_LITERAL("io.certswap.v1.StoreJob"),
        .source = SPAN_LITERAL("/certswap/certswap"),
        .subject = SPAN_LITERAL("0e7f3c1a-0000-5000-8000-000000000002"),
        .time_ms = 1795414607042,
    };
    record_headers_add_cloud_event(&headers, &event);
    expect(&headers, "ce_specversion", "1.0");
    expect(&headers, "ce_id", "0e7f3c1a-0000-5000-8000-000000000001");
    expect(&headers, "ce_source", "/certswap/certswap");
    expect(&headers, "ce_type", "io.certswap.v1.StoreJob");
    expect(&headers, "ce_subject", "0e7f3c1a-0000-5000-8000-000000000002");
    expect(&headers, "ce_time", "2026-11-23T06:16:47.042Z");
    expect(&headers, "content-type", "application/avro");
    cr_expect_eq(headers.count, 7);
}

Test(kafka_headers, a_list_keeps_copies_order_nulls_and_repetitions)
{
    AUTO(record_headers) struct record_headers headers = {0};
    char text[] = "first";
    record_headers_add_text(&headers, "a", text);
    text[0] = 'X';
    record_headers_add(&headers, "n", (struct span){0});
    record_headers_add(&headers, "e", SPAN_LITERAL(""));
    for (int i = 0; i < 40; i++)
        record_headers_add(&headers, "a", SPAN_LITERAL("last"));
    cr_assert_not(headers.failed);
    cr_expect(span_equal(headers.items[0].value, SPAN_LITERAL("first")));
    expect(&headers, "a", "last");
    struct span value = SPAN_LITERAL("x");
    cr_expect(record_headers_find(&headers, "n", &value) && value.data == NULL);
    cr_expect(record_headers_find(&headers, "e", &value) && value.data != NULL && value.len == 0);
    cr_expect_not(record_headers_find(&headers, "b", &value));

    rd_kafka_headers_t *native = record_headers_native(&headers);
    cr_assert(native != NULL);
    const char *name = NULL;
    const void *data = NULL;
    size_t len = 9;
    cr_expect_eq(rd_kafka_header_cnt(native), 43);
    rd_kafka_header_get_all(native, 1, &name, &data, &len);
    cr_expect(strcmp(name, "n") == 0 && data == NULL);
    rd_kafka_header_get_all(native, 2, &name, &data, &len);
    cr_expect(strcmp(name, "e") == 0 && data != NULL && len == 0);
    rd_kafka_headers_destroy(native);

    headers.failed = true;
    cr_expect_null(record_headers_native(&headers), "a list that is not whole was handed on");
}
