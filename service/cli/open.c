/* certswap open: opens what was sealed to a certificate, as an agent does with its jobs. */
#include "avro/codec.h"
#include "base/base64.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/record_input.h"
#include "cli/subcommands.h"
#include "crypto/library.h"
#include "crypto/sealing_pairs.h"

enum { KEY_FILE_MAX = 64 * 1024, ARENA_LIMIT = 64 * 1024 * 1024 };

static const struct option_row ROWS[] = {
    {.name = "certificate",
     .letter = 'c',
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "the certificate it is sealed to, as PEM"},
    {.name = "key",
     .letter = 'k',
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "its private key, as PEM; --certificate's file when absent"},
    PASSWORD_ROWS("what opens --key"),
    {.name = "content",
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "where to write the PKCS#12 or PEM, readable by you alone"},
    {.name = "password-to",
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "where to write the password, readable by you alone; printed when absent"},
    {0}};

/* What a sealed record holds, as far as the place it was found in says. */
enum sealed_kind { SEALED_EITHER, SEALED_CREDENTIAL, SEALED_PASSWORD };

static bool take_cms(const json_t *object, struct buf *cms, bool *found, struct err *err)
{
    const json_t *text = json_object_get(object, "cms");
    *found = json_is_string(text);
    if (!*found || base64_decode(cms, span_of(json_string_value(text), json_string_length(text)), true))
        return true;
    return cms->failed ? err_set(err, ERR_NO_MEMORY, "out of memory while reading the record")
                       : err_set(err, ERR_AVRO_INVALID, "cms: the text is no base64");
}

/* The CMS of a sealed record, of a record that holds one, or of a line of `certswap watch`. */
static bool find_cms(const json_t *root, struct buf *cms, enum sealed_kind *kind, struct err *err)
{
    const json_t *value = json_object_get(root, "value");
    const json_t *record = json_is_object(value) ? value : root;
    const struct {
        const json_t *object;
        enum sealed_kind kind;
    } places[] = {{record, SEALED_EITHER},
                  {json_object_get(record, "credential"), SEALED_CREDENTIAL},
                  {json_object_get(record, "password"), SEALED_PASSWORD}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        bool found = false;
        if (!take_cms(places[i].object, cms, &found, err))
            return false;
        *kind = places[i].kind;
        if (found)
            return true;
    }
    return err_set(
        err, ERR_AVRO_INVALID,
        "nothing in the record is sealed: there is no cms in it, in its credential or its password");
}

static bool read_cms(const char *path, struct buf *cms, enum sealed_kind *kind, struct err *err)
{
    AUTO(secret) struct secret file = {0};
    if (!file_read(path, RECORD_INPUT_MAX, &file, err))
        return false;
    *kind = SEALED_EITHER;
    if (file.len > 0 && file.data[0] == 0x30) { /* a SEQUENCE; no JSON of ours begins with the digit 0 */
        buf_put(cms, file.data, file.len);
        return !cms->failed || err_set(err, ERR_NO_MEMORY, "out of memory while reading %.200s", path);
    }
    AUTO(json) json_t *records = record_input_parse(path, secret_span(&file), err);
    if (records == NULL)
        return false;
    if (json_array_size(records) != 1)
        return err_set(err, ERR_AVRO_INVALID, "%.200s holds %zu records: give one", path,
                       json_array_size(records));
    return find_cms(json_array_get(records, 0), cms, kind, err);
}

static bool read_pair(const struct options *options, struct sealing_pairs **pairs, struct err *err)
{
    const char *certificate_path = options_text(options, "certificate");
    const char *key_path = options_text(options, "key");
    AUTO(secret) struct secret certificate = {0};
    AUTO(secret) struct secret key = {0};
    AUTO(secret) struct secret password = {0};
    bool has_password = false;
    if (certificate_path == NULL)
        return err_set(err, ERR_CONFIG_INVALID, "--certificate is missing: whom is it sealed to?");
    if (key_path == NULL)
        key_path = certificate_path;
    if (!file_read(certificate_path, KEY_FILE_MAX, &certificate, err) ||
        !file_read(key_path, KEY_FILE_MAX, &key, err) ||
        !password_read(options, &password, &has_password, err))
        return false;
    struct err fault = {0};
    if (sealing_pairs_of(certificate_path, secret_span(&certificate), key_path, secret_span(&key),
                         has_password, secret_span(&password), pairs, &fault))
        return true;
    return err_set(err, fault.code == ERR_CONFIG_INVALID ? ERR_CREDENTIAL_INVALID : fault.code, "%s",
                   fault.text);
}

static bool give_password(const struct options *options, struct span password, struct err *err)
{
    const char *path = options_text(options, "password-to");
    AUTO(buf) struct buf line = {0};
    if (buf_reserve(&line, password.len + 1) == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory while writing the password");
    buf_put(&line, password.data, password.len);
    buf_put_byte(&line, '\n');
    if (path != NULL)
        return file_write(path, buf_span(&line), err);
    return output_put(options, &line) || err_set(err, ERR_INTERNAL, "the password is not written");
}

static bool give_credential(const struct options *options, const struct credential *credential,
                            struct err *err)
{
    const char *path = options_text(options, "content");
    if (path == NULL)
        return err_set(err, ERR_CONFIG_INVALID,
                       "it is a credential: --content FILE says where to write its %s",
                       credential_format_name(credential->format));
    return file_write(path, credential->content, err) &&
           (!credential->has_password || give_password(options, credential->password, err));
}

/* A credential's body begins with a byte of its own, 0 or 2, which no password has. */
static bool give(const struct options *options, struct span opened, enum sealed_kind kind, struct err *err)
{
    AUTO(schema_set) struct schema_set *schemas = schema_set_new(NULL, err);
    AUTO(codec) struct codec *codec = schemas != NULL ? codec_new(schemas) : NULL;
    AUTO(arena) struct arena *arena = arena_new(ARENA_LIMIT);
    struct credential credential = {0};
    struct err fault = {0};
    if (codec == NULL || arena == NULL)
        return err_set(err, ERR_NO_MEMORY, "out of memory while reading what was sealed");
    bool is_credential =
        kind != SEALED_PASSWORD && codec_decode_credential_body(codec, opened, arena, &credential, &fault);
    if (is_credential)
        return give_credential(options, &credential, err);
    if (fault.code == ERR_NO_MEMORY || kind == SEALED_CREDENTIAL)
        return err_set(err, fault.code, "what was sealed is no credential: %s", fault.text);
    if (options_has(options, "content"))
        return err_set(err, ERR_CONFIG_INVALID, "it is a password alone: leave out --content");
    return give_password(options, opened, err);
}

static bool open_file(const struct options *options, struct err *err)
{
    enum sealed_kind kind;
    AUTO(buf) struct buf cms = {0};
    AUTO(buf) struct buf opened = {0};
    AUTO(sealing_pairs) struct sealing_pairs *pairs = NULL;
    return read_pair(options, &pairs, err) && read_cms(options_argument(options, 0), &cms, &kind, err) &&
           sealing_open(pairs, buf_span(&cms), &opened, err) && give(options, buf_span(&opened), kind, err);
}

static int run(const struct options *options)
{
    struct err err = {0};
    bool done = crypto_library_start(&err) && open_file(options, &err);
    crypto_library_stop();
    return done ? STATUS_DONE : output_fail_input(options, &err);
}

const struct subcommand SUBCOMMAND_OPEN = {
    .name = "open",
    .summary = "open what was sealed to a certificate, with its key",
    .arguments = "FILE",
    .argument_min = 1,
    .argument_max = 1,
    .rows = ROWS,
    .details =
        "FILE is a CMS in DER; or JSON: a job or another record, also as `certswap watch` prints it, or a\n"
        "SealedCredential or SealedPassword alone; - is standard input.\n\n"
        "  certswap watch jobs --from-beginning --count 1 |\n"
        "      certswap open - -c agent.crt -k agent.key --content new.p12 --password-to new.pass\n",
    .run = run,
};
