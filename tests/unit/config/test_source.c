#include "config/source.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

Test(source, reads_a_file_up_to_its_limit)
{
    char path[] = "/tmp/certswap-source-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    static char bytes[SETTINGS_FILE_MAX + 1];
    memset(bytes, 'a', sizeof bytes);
    cr_assert_eq(write(fd, bytes, SETTINGS_FILE_MAX), SETTINGS_FILE_MAX);
    struct secret content = {0};
    cr_assert_eq(source_read_file(NULL, path, &content), 0);
    cr_assert_eq(content.len, SETTINGS_FILE_MAX);
    cr_assert_eq(content.data[content.len], 0);
    secret_free(&content);
    cr_assert_eq(write(fd, bytes, 1), 1);
    cr_assert_eq(source_read_file(NULL, path, &content), EFBIG);
    cr_assert_null(content.data);
    close(fd);
    unlink(path);
    cr_assert_eq(source_read_file(NULL, path, &content), ENOENT);
    cr_assert_eq(source_read_file(NULL, "/", &content), EISDIR);
}

Test(source, reads_a_value_without_the_newline_at_its_end)
{
    char path[] = "/tmp/certswap-source-XXXXXX";
    int fd = mkstemp(path);
    struct secret value = {0};
    cr_assert_str_eq(source_read_value(path, &value), "is empty");
    cr_assert_eq(write(fd, "\r\n", 2), 2);
    cr_assert_str_eq(source_read_value(path, &value), "is empty");
    cr_assert_eq(pwrite(fd, "a\nb\r\n", 5, 0), 5);
    cr_assert_null(source_read_value(path, &value));
    cr_assert_str_eq((char *)value.data, "a\nb");
    secret_free(&value);
    cr_assert_eq(pwrite(fd, "", 1, 1), 1);
    cr_assert_str_eq(source_read_value(path, &value), "has a NUL byte in it");
    cr_assert_null(value.data);
    close(fd);
    unlink(path);
    cr_assert_str_eq(source_read_value(path, &value), "No such file or directory");
}

Test(source, the_host_has_a_name_and_a_cpu)
{
    char name[256];
    cr_assert(source_host_name(name, sizeof name));
    cr_assert_gt(strlen(name), 0);
    cr_assert_geq(source_cpu_count(), 1);
}
