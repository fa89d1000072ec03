#include "domain/command.h"

#include "base/iso8601.h"

#include <stdlib.h>

enum { QUOTE_MAX = 40 };

/* The start of an input as text that is safe to show: printable ASCII, all else as '?', "..." where it is
 * cut. */
static void quote(char quoted[QUOTE_MAX + 4], struct span text)
{
    size_t len = text.len < QUOTE_MAX ? text.len : QUOTE_MAX;
    for (size_t i = 0; i < len; i++)
        quoted[i] = (char)(text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?');
    memcpy(quoted + len, text.len > QUOTE_MAX ? "..." : "", text.len > QUOTE_MAX ? 4 : 1);
}

bool command_replaces_itself(int32_t certificate_id, struct err *err)
{
    return err_set(
        err, ERR_INVALID_COMMAND,
        "certificate %d cannot replace itself; name the new certificate by certificateId or requestId",
        certificate_id);
}

static bool check_ids(const struct replace_command *command, struct err *err)
{
    if (command->existing_certificate_id < 1)
        return err_set(err, ERR_INVALID_COMMAND,
                       "existingCertificateId is %d; send the id of the certificate to replace",
                       command->existing_certificate_id);
    if (command->has_certificate_id && command->has_request_id)
        return err_set(err, ERR_INVALID_COMMAND,
                       "both certificateId and requestId are given; send one of them");
    if (!command->has_certificate_id && !command->has_request_id)
        return err_set(err, ERR_INVALID_COMMAND,
                       "neither certificateId nor requestId is given; send one of them");
    if (command->has_certificate_id && command->certificate_id < 1)
        return err_set(err, ERR_INVALID_COMMAND, "certificateId is %d; send the id of the new certificate",
                       command->certificate_id);
    if (command->has_request_id && command->request_id < 1)
        return err_set(err, ERR_INVALID_COMMAND,
                       "requestId is %d; send the id of the new certificate's request", command->request_id);
    if (command->has_certificate_id && command->certificate_id == command->existing_certificate_id)
        return command_replaces_itself(command->certificate_id, err);
    return true;
}

static bool read_job_time(const struct replace_command *command, int64_t now_ms, struct command_view *view,
                          struct err *err)
{
    if (!command->has_job_time)
        return true;
    int64_t job_time_ms;
    if (!iso8601_parse(&job_time_ms, command->job_time)) {
        char quoted[QUOTE_MAX + 4];
        quote(quoted, command->job_time);
        return err_set(
            err, ERR_INVALID_COMMAND,
            "jobTime \"%s\" cannot be read; send ISO 8601 with a zone, such as 2026-11-19T16:23:01Z, or null",
            quoted);
    }
    view->has_scheduled_at = job_time_ms > now_ms;
    view->scheduled_at_ms = view->has_scheduled_at ? job_time_ms : 0;
    return true;
}

static int by_guid(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static bool read_store_ids(struct arena *arena, const struct replace_command *command,
                           struct command_view *view, struct err *err)
{
    if (!command->has_store_ids)
        return true;
    if (command->store_id_count == 0)
        return err_set(err, ERR_INVALID_COMMAND,
                       "storeIds is empty; name at least one store, or send null for all");
    struct uuid *ids = arena_array(arena, command->store_id_count, sizeof *ids);
    if (ids == NULL)
        return err_set(err, ERR_NO_MEMORY, "no memory for a command's storeIds");
    for (size_t i = 0; i < command->store_id_count; i++) {
        if (!uuid_parse(&ids[i], command->store_ids[i])) {
            char quoted[QUOTE_MAX + 4];
            quote(quoted, command->store_ids[i]);
            return err_set(err, ERR_INVALID_COMMAND,
                           "storeIds has \"%s\"; write each as a GUID of the form 8-4-4-4-12", quoted);
        }
    }
    qsort(ids, command->store_id_count, sizeof *ids, by_guid);
    size_t count = 0;
    for (size_t i = 0; i < command->store_id_count; i++) {
        if (count == 0 || !uuid_equal(&ids[i], &ids[count - 1]))
            ids[count++] = ids[i];
    }
    view->has_store_ids = true;
    view->store_ids = ids;
    view->store_id_count = count;
    return true;
}

bool command_read(struct arena *arena, const struct replace_command *command, int64_t now_ms,
                  struct command_view *view, struct err *err)
{
    *view = (struct command_view){0};
    view->has_password = command->password_kind == PASSWORD_SEALED ||
                         (command->password_kind == PASSWORD_PLAIN && command->password.len > 0);
    if (command->password_kind == PASSWORD_PLAIN)
        view->password = command->password;
    return check_ids(command, err) && read_job_time(command, now_ms, view, err) &&
           read_store_ids(arena, command, view, err);
}
