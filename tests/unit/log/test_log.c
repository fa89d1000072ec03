#include "base/buf.h"
#include "log/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* 2026-11-19T16:23:01.042Z */
static const int64_t NOW_MS = 1795105381042;

#define RENDER(line, size, format, message, ...)                                                             \
    render(line, size, format, message, (const struct log_field[]){{.name = ""}, __VA_ARGS__},               \
           sizeof((const struct log_field[]){{.name = ""}, __VA_ARGS__}) / sizeof(struct log_field))

static void render(char *line, size_t size, enum log_format format, const char *message,
                   const struct log_field *fields, size_t count)
{
    size_t len = log_render(line, size, format, NOW_MS, LOG_LEVEL_INFO, message, fields, count);
    cr_assert_leq(len, size - 1);
    cr_assert_eq(line[len - 1], '\n');
    cr_assert_eq(strlen(line), len);
    cr_assert_eq(strchr(line, '\n'), line + len - 1, "one line");
}

static json_t *parse(const char *line)
{
    json_error_t error;
    json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(record, "%s in %s", error.text, line);
    return record;
}

static const char *text_of(json_t *record, const char *name)
{
    const char *text = json_string_value(json_object_get(record, name));
    return text != NULL ? text : "(none)";
}

Test(log, a_record_is_a_json_object_with_typed_fields)
{
    char line[1024];
    struct uuid uuid;
    cr_assert(uuid_parse(&uuid, span_text("6ba7b810-9dad-11d1-80b4-00c04fd430c8")));
    struct err err = {0};
    err_set(&err, ERR_NOT_STAGED, "certificate %d", 4);
    const struct err none = {0};
    RENDER(line, sizeof line, LOG_FORMAT_JSON, "done", log_str("user", "ann"), log_int("jobs", -20),
           log_bool("dryRun", false), log_uuid("commandId", &uuid), log_span("alias", SPAN_LITERAL("a\0b")),
           log_str("absent", NULL), log_err(&err), log_err(&none));
    cr_assert_str_eq(line, "{\"time\":\"2026-11-19T16:23:01.042Z\",\"level\":\"info\",\"message\":\"done\","
                           "\"user\":\"ann\",\"jobs\":-20,\"dryRun\":false,"
                           "\"commandId\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\",\"alias\":\"a\\u0000b\","
                           "\"error\":\"NOT_STAGED\",\"reason\":\"certificate 4\"}\n");
    RENDER(line, sizeof line, LOG_FORMAT_JSON, "ready");
    cr_assert_str_eq(line,
                     "{\"time\":\"2026-11-19T16:23:01.042Z\",\"level\":\"info\",\"message\":\"ready\"}\n");
}

Test(log, text_is_for_people)
{
    char line[1024];
    RENDER(line, sizeof line, LOG_FORMAT_TEXT, "listening", log_str("address", "127.0.0.1:9464"),
           log_str("why", "a \"b\"\nlevel=error"), log_str("empty", ""), log_str("sign", "a=b"));
    cr_assert_str_eq(line, "2026-11-19T16:23:01.042Z info  listening address=127.0.0.1:9464 "
                           "why=\"a \\\"b\\\"\\nlevel=error\" empty=\"\" sign=\"a=b\"\n");
}

/* Each row: bytes, and what JSON readers make of them. */
Test(log, what_is_no_utf_8_is_replaced)
{
    static const struct {
        struct span bytes;
        const char *text;
    } cases[] = {
        {SPAN_LITERAL("gr\xC3\xBC\xC3\x9F"), "grüß"},
        {SPAN_LITERAL("\xF0\x9F\x94\x91 \xED\x9F\xBF"), "🔑 \xED\x9F\xBF"},
        {SPAN_LITERAL("\x7F\x1B[0m\t\\"), "\x7F\x1B[0m\t\\"},
        {SPAN_LITERAL("a\xFF"
                      "b"),
         "a\uFFFDb"},
        {SPAN_LITERAL("\xC0\xAF"), "\uFFFD\uFFFD"},                     /* overlong */
        {SPAN_LITERAL("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD"},           /* overlong */
        {SPAN_LITERAL("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD"},           /* a surrogate */
        {SPAN_LITERAL("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD"}, /* above U+10FFFF */
        {SPAN_LITERAL("\xE2\x82"), "\uFFFD\uFFFD"},                     /* cut short */
        {SPAN_LITERAL("\xE2\x82x"), "\uFFFD\uFFFDx"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[512];
        RENDER(line, sizeof line, LOG_FORMAT_JSON, "m", log_span("x", cases[i].bytes));
        json_t *record = parse(line);
        cr_assert_str_eq(text_of(record, "x"), cases[i].text, "case %zu: %s", i, line);
        json_decref(record);
    }
}

/* Whatever is cut, and where, the record is whole JSON, and says that it was cut. */
Test(log, a_record_that_is_too_long_is_cut_and_stays_whole)
{
    static char longer[2 * LOG_LINE_MAX];
    for (size_t i = 0; i + 4 < sizeof longer; i += 4)
        memcpy(longer + i, "€\x01", 4);
    for (size_t size = 256; size < 420; size++) {
        char line[512];
        RENDER(line, size, LOG_FORMAT_JSON, "m", log_int("a", INT64_MIN), log_str("b", longer + size % 4),
               log_str("c", "later"));
        json_t *record = parse(line);
        cr_assert(json_is_true(json_object_get(record, "truncated")));
        cr_assert_null(json_object_get(record, "c"));
        json_decref(record);
        RENDER(line, size, LOG_FORMAT_JSON, longer);
        json_decref(parse(line));
        RENDER(line, size, LOG_FORMAT_TEXT, "m", log_str("b", longer));
        cr_assert_not_null(strstr(line, " truncated=true\n"));
    }
}

Test(log, fields_that_do_not_fit_are_left_out)
{
    struct log_field fields[100];
    for (size_t count = 0; count <= 100; count++) {
        char line[1000];
        for (size_t i = 0; i < count; i++)
            fields[i] = log_int(i % 2 ? "odd" : "even", (int64_t)i);
        size_t len =
            log_render(line, sizeof line, LOG_FORMAT_JSON, NOW_MS, LOG_LEVEL_WARN, "m", fields, count);
        cr_assert_lt(len, sizeof line);
        json_error_t error;
        json_t *record = json_loads(line, 0, &error);
        cr_assert_not_null(record, "%s", error.text);
        bool cut = json_is_true(json_object_get(record, "truncated"));
        cr_assert(cut ? count > 70 : count < 95, "%zu", count);
        json_decref(record);
    }
}

enum { WRITERS = 4, RECORDS = 500 };

static void *write_records(void *arg)
{
    (void)arg;
    for (int i = 0; i < RECORDS; i++) {
        log_info("one", log_int("number", i), log_str("filler", "some text to make it longer"));
        log_debug("not at this level", log_int("number", i));
    }
    return NULL;
}

Test(log, records_of_several_threads_stay_whole)
{
    char path[] = "/tmp/certswap-log-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    unlink(path);
    cr_assert_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
    log_to(fd);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_records, NULL);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    log_to(STDERR_FILENO);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    FILE *in = fdopen(fd, "r");
    char line[1024];
    int lines = 0;
    while (fgets(line, sizeof line, in) != NULL) {
        json_t *record = parse(line);
        cr_assert_str_eq(text_of(record, "message"), "one");
        json_decref(record);
        lines++;
    }
    fclose(in);
    cr_assert_eq(lines, WRITERS * RECORDS);
}
