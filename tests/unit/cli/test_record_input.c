/* Records from files and flags: what may be left out is filled, faults name the place and never a value. */
#include "cli/record_input.h"

#include "cli/session.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A temporary file with that text, whose path is kept in `path`. */
static void write_file(char path[64], const char *text)
{
    strcpy(path, "/tmp/certswap-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static json_t *load(const char *text, struct err *err)
{
    char path[64];
    write_file(path, text);
    json_t *objects = record_input_load(path, err);
    unlink(path);
    return objects;
}

Test(record_input, one_object_and_an_array_are_the_same)
{
    struct err err = {0};
    AUTO(json) json_t *one = load("{\"a\": 1}", &err);
    AUTO(json) json_t *two = load("[{\"a\": 1}, {\"a\": 2}]", &err);
    cr_assert_eq(json_array_size(one), 1);
    cr_assert_eq(json_array_size(two), 2);
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(two, 1), "a")), 2);
}

Test(record_input, faults_name_the_place_and_no_value)
{
    const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\"password\": \"hunter2\" \"x\"}", "is no JSON: look at line 1, column"},
        {"{\"password\": \"hunter2", "is no JSON: look at line 1, column"},
        {"{\"a\": 1, \"a\": \"hunter2\"}", "is no JSON: look at line 1, column"},
        {"", "is no JSON: look at line 1, column 0"},
        {"[]", "holds no record"},
        {"[{}, \"hunter2\"]", "[1] is no object"},
        {"\"hunter2\"", "is no JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *objects = load(cases[i].text, &err);
        cr_assert_null(objects, "%s was taken", cases[i].text);
        cr_assert_eq(err.code, ERR_AVRO_INVALID);
        cr_assert_not_null(strstr(err.text, cases[i].expected), "%s: %s", cases[i].text, err.text);
        cr_assert_null(strstr(err.text, "hunter2"), "%s", err.text);
    }
}

Test(record_input, a_missing_file_is_named)
{
    struct err err = {0};
    cr_assert_null(record_input_load("/nowhere/stores.json", &err));
    cr_assert_eq(err.code, ERR_INPUT_UNREADABLE);
    cr_assert_str_eq(err.text, "cannot open /nowhere/stores.json: No such file or directory");
}

Test(record_input, ids_and_moments_are_filled_only_where_absent)
{
    struct err err = {0};
    AUTO(json) json_t *object = json_object();
    AUTO(json) json_t *other = json_object();
    cr_assert(record_input_fill_uuid(object, "id", &err) && record_input_fill_uuid(other, "id", &err));
    cr_assert(record_input_fill_time(object, "at", 42, &err) &&
              record_input_fill_time(object, "at", 43, &err));
    const char *id = json_string_value(json_object_get(object, "id"));
    struct uuid uuid;
    cr_assert(uuid_parse(&uuid, span_text(id)));
    cr_assert_eq(uuid.bytes[6] >> 4, 4, "the version");
    cr_assert_eq(uuid.bytes[8] >> 6, 2, "the variant");
    cr_assert_str_neq(id, json_string_value(json_object_get(other, "id")));
    char before[64];
    strcpy(before, id);
    cr_assert(record_input_fill_uuid(object, "id", &err));
    cr_assert_str_eq(before, json_string_value(json_object_get(object, "id")));
    cr_assert_eq(json_integer_value(json_object_get(object, "at")), 42);
}

Test(record_input, bytes_are_base64)
{
    const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        AUTO(json) json_t *object = json_object();
        cr_assert(record_input_set_bytes(object, "b", span_text(cases[i].bytes), &err));
        cr_assert_str_eq(json_string_value(json_object_get(object, "b")), cases[i].text);
    }
}

Test(record_input, text_that_is_no_utf8_is_refused_without_being_shown)
{
    struct err err = {0};
    AUTO(json) json_t *object = json_object();
    cr_assert_not(record_input_set_text(object, "password", span_text("pass\xff"), &err));
    cr_assert_str_eq(err.text, "password: the text is no UTF-8");
}

Test(record_input, keys_are_decimal_or_lower_case)
{
    char key[RECORD_KEY_MAX];
    AUTO(json)
    json_t *object =
        json_pack("{s:i, s:s}", "certificateId", 456, "storeId", "7D8F9C1E-0B7A-4C56-9F3E-2A1B3C4D5E6F");
    record_input_key(object, "certificateId", key);
    cr_assert_str_eq(key, "456");
    record_input_key(object, "storeId", key);
    cr_assert_str_eq(key, "7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f");
    record_input_key(object, "absent", key);
    cr_assert_str_eq(key, "");
}

static bool lists(char *const *list, const char *variable)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, variable) == 0)
            return true;
    return false;
}

Test(session, only_shared_variables_count)
{
    char *const environment[] = {(char[]){"PATH=/bin"},
                                 (char[]){"CERTSWAP_TOPIC_JOBS=j"},
                                 (char[]){"CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=a:1"},
                                 (char[]){"CERTSWAP_REDIS_URL=nonsense"},
                                 (char[]){"CERTSWAP_STAGING_KEYS_FILE=/k"},
                                 (char[]){"CERTSWAP_SCHEMAS_DIR=/s"},
                                 NULL};
    char **plain = session_environ(environment, SESSION_KAFKA, NULL);
    cr_assert(lists(plain, "CERTSWAP_TOPIC_JOBS=j") && lists(plain, "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=a:1"));
    cr_assert_not(lists(plain, "CERTSWAP_REDIS_URL=nonsense") || lists(plain, "PATH=/bin") ||
                  lists(plain, "CERTSWAP_STAGING_KEYS_FILE=/k"));
    session_environ_free(plain);
    char **flagged = session_environ(environment, SESSION_KAFKA, "b:2");
    cr_assert(lists(flagged, "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=b:2"));
    cr_assert_not(lists(flagged, "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS=a:1"));
    session_environ_free(flagged);
    char **offline = session_environ(environment, SESSION_STAGING_KEYS, NULL);
    cr_assert(lists(offline, "CERTSWAP_STAGING_KEYS_FILE=/k") && lists(offline, "CERTSWAP_SCHEMAS_DIR=/s"));
    cr_assert_null(offline[2]);
    session_environ_free(offline);
}
