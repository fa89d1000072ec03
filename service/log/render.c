/* log/render: a record as one line in a buffer of fixed size. Text is escaped so that no value can begin a
   new line or a new field; what is no UTF-8 becomes U+FFFD. */
#include "base/iso8601.h"
#include "log/log.h"

#include <assert.h>
#include <stdio.h>

/* What is kept free for the end of a record that was cut: the closing quote, the mark, the brace, the
 * newline. */
enum { TAIL_MAX = 32, LINE_MIN = 256 };

/* A line being written. Nothing is written once `cut` is set. */
struct line {
    char *data;
    size_t len;
    size_t room; /* without the tail */
    bool cut;
};

static void put(struct line *line, const char *bytes, size_t len)
{
    if (line->cut || len > line->room - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->data + line->len, bytes, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Length of the UTF-8 sequence that the bytes begin with (RFC 3629, section 4); 0 where they begin with none.
 */
static size_t sequence_len(const uint8_t *data, size_t len)
{
    uint8_t lead = data[0];
    if (lead < 0x80)
        return 1;
    size_t want = lead >= 0xF0 && lead <= 0xF4  ? 4
                  : lead >= 0xE0 && lead < 0xF0 ? 3
                  : lead >= 0xC2 && lead < 0xE0 ? 2
                                                : 0;
    if (want == 0 || len < want)
        return 0;
    uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (data[1] < least || data[1] > most)
        return 0;
    for (size_t i = 2; i < want; i++)
        if ((data[i] & 0xC0) != 0x80)
            return 0;
    return want;
}

/* One character of the text as JSON writes it (RFC 8259, section 7); returns how many bytes of the text it
 * took. */
static size_t put_character(struct line *line, const uint8_t *data, size_t len)
{
    char escape[8];
    uint8_t c = data[0];
    const char *special = "\"\\\n\r\t";
    const char *found = c != '\0' ? strchr(special, c) : NULL;
    if (found != NULL) {
        escape[0] = '\\';
        escape[1] = "\"\\nrt"[found - special];
        put(line, escape, 2);
        return 1;
    }
    if (c < 0x20 || c == 0x7F) {
        put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
        return 1;
    }
    size_t taken = sequence_len(data, len);
    if (taken == 0) {
        put_text(line, "\xEF\xBF\xBD");
        return 1;
    }
    put(line, (const char *)data, taken);
    return taken;
}

/* In quotes; a text that does not fit is cut between characters, and its closing quote is still there. */
static void put_quoted(struct line *line, struct span text)
{
    put_text(line, "\"");
    if (line->cut)
        return;
    for (size_t i = 0; i < text.len && !line->cut;)
        i += put_character(line, text.data + i, text.len - i);
    /* from the tail, where the text was cut */
    line->data[line->len++] = '"';
}

/* Text format: a plain word stands without quotes. */
static bool is_word(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F || text.data[i] == '"' || text.data[i] == '\\' ||
            text.data[i] == '=')
            return false;
    return text.len > 0;
}

static void put_value(struct line *line, enum log_format format, struct span text)
{
    if (format == LOG_FORMAT_TEXT && is_word(text))
        put(line, (const char *)text.data, text.len);
    else
        put_quoted(line, text);
}

/* Whether there is room for the name and a little of its value: a field is left out before it is a name
 * alone. */
static bool put_name(struct line *line, enum log_format format, const char *name)
{
    if (line->room - line->len < strlen(name) + 48)
        line->cut = true;
    put_text(line, format == LOG_FORMAT_JSON ? ",\"" : " ");
    put_text(line, name);
    put_text(line, format == LOG_FORMAT_JSON ? "\":" : "=");
    return !line->cut;
}

static void put_field(struct line *line, enum log_format format, const struct log_field *field)
{
    char text[UUID_TEXT_LEN + 1];
    if (field->type == LOG_FIELD_NONE || (field->type == LOG_FIELD_ERR && field->err->code == ERR_NONE) ||
        !put_name(line, format, field->name))
        return;
    switch (field->type) {
    case LOG_FIELD_NONE:
        break;
    case LOG_FIELD_TEXT:
        put_value(line, format, field->text);
        break;
    case LOG_FIELD_INTEGER:
        put(line, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)field->integer));
        break;
    case LOG_FIELD_BOOLEAN:
        put_text(line, field->boolean ? "true" : "false");
        break;
    case LOG_FIELD_UUID:
        uuid_format(field->uuid, text);
        put_value(line, format, span_text(text));
        break;
    case LOG_FIELD_ERR:
        put_value(line, format, span_text(err_name(field->err->code)));
        if (field->err->text[0] != '\0' && put_name(line, format, "reason"))
            put_value(line, format, span_text(field->err->text));
        break;
    }
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",
                                        [LOG_LEVEL_WARN] = "warn",
                                        [LOG_LEVEL_INFO] = "info",
                                        [LOG_LEVEL_DEBUG] = "debug"};
    return names[level];
}

/* Time, level and message. */
static void put_head(struct line *line, enum log_format format, int64_t now_ms, enum log_level level,
                     const char *message)
{
    char head[80];
    char time[ISO8601_TEXT_MAX];
    iso8601_format(now_ms, time);
    if (format == LOG_FORMAT_JSON) {
        snprintf(head, sizeof head, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time,
                 level_name(level));
        put_text(line, head);
        put_quoted(line, span_text(message));
        return;
    }
    snprintf(head, sizeof head, "%s %-5s ", time, level_name(level));
    put_text(line, head);
    struct span text = span_text(message);
    for (size_t i = 0; i < text.len && !line->cut;)
        i += put_character(line, text.data + i, text.len - i);
}

size_t log_render(char *data, size_t size, enum log_format format, int64_t now_ms, enum log_level level,
                  const char *message, const struct log_field *fields, size_t count)
{
    assert(size >= LINE_MIN);
    struct line line = {.data = data, .room = size - TAIL_MAX};
    put_head(&line, format, now_ms, level, message);
    for (size_t i = 0; i < count && !line.cut; i++)
        put_field(&line, format, &fields[i]);
    const char *mark = !line.cut ? "" : format == LOG_FORMAT_JSON ? ",\"truncated\":true" : " truncated=true";
    line.len += (size_t)snprintf(data + line.len, size - line.len, "%s%s\n", mark,
                                 format == LOG_FORMAT_JSON ? "}" : "");
    return line.len;
}
