/* certswap dlq open: shows dead letters, and opens those that the service encrypted. */
#include "base/base64.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/record_input.h"
#include "cli/session.h"
#include "cli/subcommands.h"
#include "cli/watch_line.h"
#include "crypto/at_rest.h"
#include "crypto/library.h"
#include "kafka/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>

enum { POLL_MS = 200, PLACE_MAX = 600 };

static const struct option_row ROWS[] = {
    {.name = "at",
     .kind = OPTION_TEXT,
     .value = "PARTITION/OFFSET",
     .help = "only the dead letter that stands there in its topic"},
    {.name = "show-secrets", .kind = OPTION_FLAG, .help = "also passwords, credentials, and undecoded bytes"},
    {0}};

struct work {
    const struct options *options;
    const struct session *session;
    struct keyring *keyring; /* NULL: none was given */
    const char *at;          /* NULL: all */
    size_t shown;
    int status; /* of what went wrong last */
};

/* The text of a header, of its last value where it stands there several times. */
static const char *header(const json_t *view, const char *name)
{
    const json_t *value = json_object_get(json_object_get(view, "headers"), name);
    if (json_is_array(value) && json_array_size(value) > 0)
        value = json_array_get(value, json_array_size(value) - 1);
    return json_string_value(value);
}

/* Where it stands, for errors. */
static void put_place(const json_t *view, char place[PLACE_MAX])
{
    const char *topic = json_string_value(json_object_get(view, "topic"));
    snprintf(place, PLACE_MAX, "%.250s %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
             topic != NULL ? topic : "a dead letter", json_integer_value(json_object_get(view, "partition")),
             json_integer_value(json_object_get(view, "offset")));
}

static bool is_at(const json_t *view, const char *at)
{
    char here[64];
    snprintf(here, sizeof here, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
             json_integer_value(json_object_get(view, "partition")),
             json_integer_value(json_object_get(view, "offset")));
    return strcmp(here, at) == 0;
}

/* What the value is bound to: the place of the record that was refused. */
static bool find_binding(const json_t *view, char binding[PLACE_MAX], struct err *err)
{
    const char *topic = header(view, DEAD_LETTER_PREFIX "topic");
    const char *partition = header(view, DEAD_LETTER_PREFIX "partition");
    const char *offset = header(view, DEAD_LETTER_PREFIX "offset");
    if (topic == NULL || partition == NULL || offset == NULL ||
        snprintf(binding, PLACE_MAX, "%s/%s/%s", topic, partition, offset) >= PLACE_MAX)
        return err_set(err, ERR_AVRO_INVALID,
                       "its headers " DEAD_LETTER_PREFIX "topic, partition and offset, which it is bound to, "
                       "are not all there: take the dead letter as it stands in the topic");
    return true;
}

static bool find_value(const json_t *view, struct buf *sealed, struct err *err)
{
    const json_t *text = json_object_get(json_object_get(view, "value"), "base64");
    if (json_is_string(text) &&
        base64_decode(sealed, span_of(json_string_value(text), json_string_length(text)), true))
        return true;
    return sealed->failed
               ? err_set(err, ERR_NO_MEMORY, "out of memory while a dead letter was opened")
               : err_set(err, ERR_AVRO_INVALID,
                         "its encrypted value is not there: give it as `certswap watch dlq` prints "
                         "it, with value.base64");
}

/* Puts what the value holds in its place. */
static bool open_value(const struct work *work, const char *kid, json_t *view, struct err *err)
{
    char binding[PLACE_MAX];
    AUTO(buf) struct buf sealed = {0};
    AUTO(secret) struct secret plain = {0};
    if (work->keyring == NULL)
        return err_set(err, ERR_CONFIG_INVALID,
                       "it is encrypted under the staging key %.64s: set CERTSWAP_STAGING_KEYS or "
                       "CERTSWAP_STAGING_KEYS_FILE to the service's",
                       kid);
    if (!find_binding(view, binding, err) || !find_value(view, &sealed, err) ||
        !at_rest_open_bare(work->keyring, span_text(kid), span_text(binding), buf_span(&sealed), &plain, err))
        return false;
    return record_input_set(view, "value",
                            watch_value(session_codec(work->session), secret_span(&plain),
                                        options_has(work->options, "show-secrets")),
                            err);
}

static void fail(struct work *work, const char *place, const struct err *err)
{
    struct err placed = {0};
    err_set(&placed, err->code, "%.150s: %s", place, err->text);
    work->status = output_fail_err(work->options, &placed);
}

static bool print(const struct work *work, const json_t *view)
{
    AUTO(buf) struct buf out = {0};
    if (output_is_json(work->options))
        return output_json(work->options, view);
    watch_put_text(&out, view);
    return output_put(work->options, &out);
}

/* Shows one; what is wrong with it does not hold up the others. False where there is no going on. */
static bool show(struct work *work, json_t *view)
{
    char place[PLACE_MAX];
    struct err err = {0};
    if (work->at != NULL && !is_at(view, work->at))
        return true;
    work->shown++;
    put_place(view, place);
    const char *kid = header(view, DEAD_LETTER_ENCRYPTED);
    if (kid == NULL)
        output_fail(work->options, STATUS_DONE, "%s: it is not encrypted; shown as it is", place);
    else if (!open_value(work, kid, view, &err)) {
        fail(work, place, &err);
        return err.code != ERR_CONFIG_INVALID && err.code != ERR_NO_MEMORY;
    }
    if (print(work, view))
        return true;
    work->status = STATUS_FAILED;
    return false;
}

static void show_file(struct work *work, const char *path)
{
    AUTO(secret) struct secret content = {0};
    struct err err = {0};
    AUTO(json)
    json_t *views = file_read(path, RECORD_INPUT_MAX, &content, &err)
                        ? record_input_parse_all(path, secret_span(&content), &err)
                        : NULL;
    if (views == NULL)
        work->status = output_fail_input(work->options, &err);
    size_t index;
    json_t *view;
    json_array_foreach(views, index, view)
    {
        if (!show(work, view))
            return;
    }
}

static bool show_message(struct work *work, const rd_kafka_message_t *message)
{
    AUTO(json)
    json_t *view =
        watch_line(session_codec(work->session), message, rd_kafka_message_timestamp(message, NULL),
                   options_has(work->options, "show-secrets"));
    if (view != NULL)
        return show(work, view);
    work->status = output_fail(work->options, STATUS_FAILED, "out of memory");
    return false;
}

static void show_topic(struct work *work)
{
    struct err err = {0};
    AUTO(reader)
    struct reader *reader = session_reader(work->session, session_settings(work->session)->topics.dlq,
                                           READER_FROM_BEGINNING, &err);
    if (reader == NULL) {
        work->status = output_fail_err(work->options, &err);
        return;
    }
    for (bool on = true; on && !reader_is_caught_up(reader);) {
        rd_kafka_message_t *message = reader_poll(reader, POLL_MS);
        if (message != NULL) {
            on = show_message(work, message) && (work->at == NULL || work->shown == 0);
            rd_kafka_message_destroy(message);
        } else if (reader_is_fatal(reader)) {
            work->status = output_fail(work->options, STATUS_UNAVAILABLE, "%s", reader_trouble(reader));
            return;
        }
    }
}

static int work_through(struct work *work, const char *path)
{
    struct err err = {0};
    struct span keys = secret_span(&session_settings(work->session)->staging_keys);
    if (!crypto_library_start(&err) || (keys.len > 0 && (work->keyring = keyring_parse(keys, &err)) == NULL))
        return output_fail_err(work->options, &err);
    if (path != NULL)
        show_file(work, path);
    else
        show_topic(work);
    if (work->status == STATUS_DONE && work->at != NULL && work->shown == 0)
        return output_fail(work->options, STATUS_DATA, "there is no dead letter at %.60s", work->at);
    return work->status;
}

static int run(const struct options *options)
{
    int status = STATUS_DONE;
    const char *path = options_argument_count(options) > 0 ? options_argument(options, 0) : NULL;
    AUTO(session)
    struct session *session = session_open_for(
        options, path != NULL ? SESSION_STAGING_KEYS : SESSION_KAFKA | SESSION_STAGING_KEYS, &status);
    if (session == NULL)
        return status;
    struct work work = {.options = options, .session = session, .at = options_text(options, "at")};
    status = work_through(&work, path);
    keyring_free(work.keyring);
    crypto_library_stop();
    return status;
}

const struct subcommand SUBCOMMAND_DLQ_OPEN = {
    .name = "dlq open",
    .summary = "show dead letters, and open those that are encrypted",
    .arguments = "[FILE]",
    .argument_max = 1,
    .rows = ROWS,
    .needs_kafka = true,
    .details =
        "Shows all dead letters of the topic; or those in FILE, as `certswap watch dlq` prints them in JSON\n"
        "(- is standard input), for which Kafka is not asked. With CERTSWAP_REQUIRE_SEALED the service\n"
        "encrypts what may hold a plain secret: CERTSWAP_STAGING_KEYS (or _FILE) must be its staging keys, "
        "of\n"
        "which any opens. Passwords and credentials are hidden all the same, unless --show-secrets is "
        "given.\n\n"
        "  certswap dlq open --at 0/17\n",
    .run = run,
};
