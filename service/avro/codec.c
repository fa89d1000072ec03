#include "avro/codec.h"

#include "avro/decode.h"
#include "avro/encode.h"
#include "avro/framing.h"
#include "base/secret.h"

#include <assert.h>
#include <stdlib.h>

struct codec {
    const struct schema_set *set;
    /* The writer of the message before: a topic has few. */
    uint64_t last_fingerprint;
    const struct schema *last_writer;
    const struct schema *own_credential;
};

struct codec *codec_new(const struct schema_set *set)
{
    struct codec *codec = calloc(1, sizeof *codec);
    if (codec == NULL)
        return NULL;
    codec->set = set;
    codec->own_credential = schema_set_find(set, record_fingerprint(RECORD_CREDENTIAL), NULL);
    assert(codec->own_credential != NULL);
    return codec;
}

void codec_free(struct codec *codec)
{
    free(codec);
}

static const struct schema *find_writer(struct codec *codec, uint64_t fingerprint, struct err *err)
{
    if (codec->last_writer == NULL || codec->last_fingerprint != fingerprint) {
        codec->last_writer = schema_set_find(codec->set, fingerprint, err);
        codec->last_fingerprint = fingerprint;
    }
    return codec->last_writer;
}

static bool decode(struct codec *codec, enum record_kind kind, struct span message, struct arena *arena,
                   enum err_code refusal, void *out, struct err *err)
{
    struct framed framed;
    if (!framing_split(message, &framed, err))
        return false;
    const struct schema *writer = find_writer(codec, framed.fingerprint, err);
    return writer != NULL && decode_body(writer, record_layout(kind), framed.body, arena, refusal, out, err);
}

bool codec_decode_certificate_event(struct codec *codec, enum record_kind kind, struct span message,
                                    struct arena *arena, struct certificate_event *out, struct err *err)
{
    assert(kind == RECORD_CERTIFICATE_ENROLLED || kind == RECORD_CERTIFICATE_RENEWED);
    *out = (struct certificate_event){.is_renewal = kind == RECORD_CERTIFICATE_RENEWED};
    return decode(codec, kind, message, arena, ERR_EVENT_INVALID, out, err);
}

bool codec_decode_store_inventory(struct codec *codec, struct span message, struct arena *arena,
                                  struct store_inventory *out, struct err *err)
{
    *out = (struct store_inventory){0};
    return decode(codec, RECORD_STORE_INVENTORY, message, arena, ERR_INVENTORY_INVALID, out, err);
}

bool codec_decode_replace_command(struct codec *codec, struct span message, struct arena *arena,
                                  struct replace_command *out, struct err *err)
{
    *out = (struct replace_command){0};
    return decode(codec, RECORD_REPLACE_COMMAND, message, arena, ERR_COMMAND_ID_INVALID, out, err);
}

bool codec_decode_store_job(struct codec *codec, struct span message, struct arena *arena,
                            struct store_job *out, struct err *err)
{
    *out = (struct store_job){0};
    return decode(codec, RECORD_STORE_JOB, message, arena, ERR_AVRO_INVALID, out, err);
}

bool codec_decode_replace_result(struct codec *codec, struct span message, struct arena *arena,
                                 struct replace_result *out, struct err *err)
{
    *out = (struct replace_result){0};
    return decode(codec, RECORD_REPLACE_RESULT, message, arena, ERR_AVRO_INVALID, out, err);
}

bool codec_decode_credential_body(struct codec *codec, struct span body, struct arena *arena,
                                  struct credential *out, struct err *err)
{
    *out = (struct credential){0};
    return decode_body(codec->own_credential, record_layout(RECORD_CREDENTIAL), body, arena, ERR_AVRO_INVALID,
                       out, err);
}

/* Appends all or nothing. */
static bool finish(struct buf *out, size_t len_before, struct err *err)
{
    if (!out->failed)
        return true;
    secret_wipe(out->data + len_before, out->len - len_before);
    out->len = len_before;
    out->failed = false;
    return err_set(err, ERR_NO_MEMORY, "out of memory for a record");
}

static bool encode(enum record_kind kind, const void *record, struct buf *out, struct err *err)
{
    size_t len_before = out->len;
    framing_put_single_object(out, record_fingerprint(kind));
    encode_body(out, record_layout(kind), record);
    return finish(out, len_before, err);
}

bool codec_encode_certificate_event(struct codec *codec, const struct certificate_event *event,
                                    struct buf *out, struct err *err)
{
    (void)codec;
    return encode(event->is_renewal ? RECORD_CERTIFICATE_RENEWED : RECORD_CERTIFICATE_ENROLLED, event, out,
                  err);
}

bool codec_encode_store_inventory(struct codec *codec, const struct store_inventory *inventory,
                                  struct buf *out, struct err *err)
{
    (void)codec;
    return encode(RECORD_STORE_INVENTORY, inventory, out, err);
}

bool codec_encode_replace_command(struct codec *codec, const struct replace_command *command, struct buf *out,
                                  struct err *err)
{
    (void)codec;
    return encode(RECORD_REPLACE_COMMAND, command, out, err);
}

bool codec_encode_store_job(struct codec *codec, const struct store_job *job, struct buf *out,
                            struct err *err)
{
    (void)codec;
    return encode(RECORD_STORE_JOB, job, out, err);
}

bool codec_encode_replace_result(struct codec *codec, const struct replace_result *result, struct buf *out,
                                 struct err *err)
{
    (void)codec;
    return encode(RECORD_REPLACE_RESULT, result, out, err);
}

bool codec_encode_credential_body(struct codec *codec, const struct credential *credential, struct buf *out,
                                  struct err *err)
{
    (void)codec;
    size_t len_before = out->len;
    encode_body(out, record_layout(RECORD_CREDENTIAL), credential);
    return finish(out, len_before, err);
}
