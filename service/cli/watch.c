/* certswap watch: prints the records of a topic as they are committed. */
#include "avro/json.h"
#include "base/iso8601.h"
#include "cli/output.h"
#include "cli/record_input.h"
#include "cli/session.h"
#include "cli/subcommands.h"
#include "cli/suggest.h"

#include <signal.h>

enum { POLL_MS = 200 };

static const struct option_row ROWS[] = {
    {.name = "from-beginning",
     .kind = OPTION_FLAG,
     .help = "all that the topic holds, not only what comes from now on"},
    {.name = "until-end",
     .kind = OPTION_FLAG,
     .help = "stop at what was there at the start; with --from-beginning"},
    {.name = "count",
     .letter = 'n',
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "N",
     .help = "stop after so many records"},
    {.name = "timeout",
     .letter = 't',
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "SECONDS",
     .help = "stop, with status 14, when --count was not reached by then"},
    {.name = "field",
     .kind = OPTION_TEXT,
     .repeats = true,
     .value = "PATH",
     .help = "print only this field, as value.storePath; a tab between several"},
    {.name = "show-secrets", .kind = OPTION_FLAG, .help = "also passwords and credentials"},
    {0}};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

/* Text where the bytes are UTF-8, else their base64 under a name that says so; null for none. */
static json_t *bytes_json(const void *data, size_t len)
{
    if (data == NULL)
        return json_null();
    json_t *text = json_stringn(data, len);
    if (text != NULL)
        return text;
    struct err err = {0};
    json_t *object = json_object();
    if (object != NULL)
        record_input_set_bytes(object, "base64", span_of(data, len), &err);
    return object;
}

/* Headers by name; one that stands there several times has an array. */
static json_t *headers_json(const rd_kafka_message_t *message)
{
    json_t *object = json_object();
    rd_kafka_headers_t *headers = NULL;
    if (object == NULL || rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return object;
    const char *name;
    const void *data;
    size_t len;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &data, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        json_t *value = bytes_json(data, len);
        json_t *before = json_object_get(object, name);
        if (json_is_array(before)) {
            json_array_append_new(before, value);
        } else if (before != NULL) {
            json_t *list = json_pack("[O, o]", before, value);
            json_object_set_new(object, name, list);
        } else {
            json_object_set_new(object, name, value);
        }
    }
    return object;
}

/* The decoded value; of one that cannot be decoded, why and how long it is, and with show_secrets its bytes.
 */
static json_t *value_json(const struct session *session, const rd_kafka_message_t *message, bool show_secrets)
{
    if (message->payload == NULL)
        return json_null();
    AUTO(buf) struct buf text = {0};
    struct err err = {0};
    if (record_to_json(session_schemas(session), span_of(message->payload, message->len), show_secrets, &text,
                       &err))
        return json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL);
    json_t *object = json_pack("{s:s, s:I}", "undecoded", err.text, "bytes", (json_int_t)message->len);
    if (object != NULL && show_secrets)
        record_input_set_bytes(object, "base64", span_of(message->payload, message->len), &err);
    return object;
}

/* The value at a path of names with dots between them; NULL when there is none. */
static const json_t *at_path(const json_t *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        value = json_object_getn(value, path, len);
        path += len + (path[len] == '.');
    }
    return value;
}

/* The fields asked for, on one line; empty where a record has none of that name. */
static bool print_fields(const struct options *options, const json_t *line)
{
    AUTO(buf) struct buf out = {0};
    AUTO(buf) struct buf cell = {0};
    for (size_t i = 0; i < options_count(options, "field"); i++) {
        const json_t *value = at_path(line, options_nth(options, "field", i));
        buf_reset(&cell);
        if (value != NULL)
            output_put_cell(&cell, value);
        buf_put_text(&out, i > 0 ? "\t" : "");
        table_put_clean(&out, buf_span(&cell));
        out.failed |= cell.failed;
    }
    buf_put_byte(&out, '\n');
    return output_put(options, &out);
}

static bool print(const struct options *options, const struct session *session,
                  const rd_kafka_message_t *message)
{
    char when[ISO8601_TEXT_MAX];
    iso8601_format(rd_kafka_message_timestamp(message, NULL), when);
    AUTO(json)
    json_t *line =
        json_pack("{s:s, s:i, s:I, s:s}", "topic", rd_kafka_topic_name(message->rkt), "partition",
                  (int)message->partition, "offset", (json_int_t)message->offset, "timestamp", when);
    bool ok = line != NULL &&
              json_object_set_new(line, "key", bytes_json(message->key, message->key_len)) == 0 &&
              json_object_set_new(line, "headers", headers_json(message)) == 0 &&
              json_object_set_new(line, "value",
                                  value_json(session, message, options_has(options, "show-secrets"))) == 0;
    if (!ok) {
        output_fail(options, STATUS_FAILED, "out of memory");
        return false;
    }
    if (options_has(options, "field"))
        return print_fields(options, line);
    if (output_is_json(options))
        return output_json(options, line);
    AUTO(buf) struct buf out = {0};
    char *value = json_dumps(json_object_get(line, "value"), JSON_INDENT(2) | JSON_ENCODE_ANY);
    buf_put_format(&out, "%s %d/%lld at %s, key ", rd_kafka_topic_name(message->rkt), (int)message->partition,
                   (long long)message->offset, when);
    table_put_clean(&out, span_of(message->key, message->key_len));
    buf_put_format(&out, "\n%s\n", value != NULL ? value : "");
    out.failed |= value == NULL;
    output_free_text(value);
    return output_put(options, &out);
}

static int follow(const struct options *options, const struct session *session, struct reader *reader)
{
    int64_t left = options_has(options, "count") ? options_number(options, "count", 0) : INT64_MAX;
    int64_t end = options_has(options, "timeout")
                      ? record_input_now_ms() + (int64_t)options_number(options, "timeout", 0) * 1000
                      : INT64_MAX;
    while (!stopped && left > 0) {
        if (reader_is_fatal(reader))
            return output_fail(options, STATUS_UNAVAILABLE, "%s", reader_trouble(reader));
        if (record_input_now_ms() >= end)
            return output_fail(options, STATUS_TIMEOUT, "the time is over");
        rd_kafka_message_t *message = reader_poll(reader, POLL_MS);
        if (message == NULL) {
            if (options_has(options, "until-end") && reader_is_caught_up(reader))
                break;
            continue;
        }
        bool printed = print(options, session, message);
        rd_kafka_message_destroy(message);
        if (!printed)
            return STATUS_FAILED;
        left--;
    }
    return STATUS_DONE;
}

/* The topic meant by a role's name, or a topic of that name; warns of what looks like a mistyped role. */
static const char *topic_of(const struct options *options, const struct session *session, const char *word)
{
    static const char *const ROLES[] = {"enrollments", "renewals", "inventory", "commands",
                                        "retry",       "dlq",      "jobs",      "results"};
    const char *topic = session_topic(session, word);
    if (topic != NULL)
        return topic;
    const char *nearest = suggest_nearest(word, ROLES, sizeof ROLES / sizeof *ROLES);
    if (nearest != NULL)
        output_fail(options, STATUS_DONE, "reading a topic called %.200s; did you mean '%s'?", word, nearest);
    return word;
}

static int run(const struct options *options)
{
    if (options_has(options, "until-end") && !options_has(options, "from-beginning"))
        return output_fail(options, STATUS_USAGE, "--until-end needs --from-beginning");
    int status = STATUS_DONE;
    AUTO(session) struct session *session = session_open(options, &status);
    if (session == NULL)
        return status;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct err err = {0};
    enum reader_start start =
        options_has(options, "from-beginning") ? READER_FROM_BEGINNING : READER_FROM_END;
    const char *topic = topic_of(options, session, options_argument(options, 0));
    AUTO(reader) struct reader *reader = session_reader(session, topic, start, &err);
    return reader != NULL ? follow(options, session, reader) : output_fail_err(options, &err);
}

const struct subcommand SUBCOMMAND_WATCH = {
    .name = "watch",
    .summary = "print the records of a topic, as JSON",
    .arguments = "TOPIC",
    .choices = SESSION_TOPIC_ROLES,
    .argument_min = 1,
    .argument_max = 1,
    .rows = ROWS,
    .needs_kafka = true,
    .details =
        "TOPIC is one of " SESSION_TOPIC_ROLES ",\n"
        "or any topic's name. Only committed records are shown. Passwords and credentials are hidden.\n\n"
        "  certswap watch results --from-beginning --field key --field value.status\n",
    .run = run,
};
