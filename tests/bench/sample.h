/* Records that certswapd wrote, kept in a file, so that the floor sends the same bytes. */
#pragma once

#include "bench/common.h"

#include <stdio.h>

struct sample_record {
    struct span key;
    struct span value;
    rd_kafka_headers_t *headers;
};

struct sample {
    struct sample_record *jobs;
    size_t job_count;
    struct sample_record result;
    struct buf *bytes;
};

void sample_write(FILE *file, const rd_kafka_message_t *message, bool is_result);
void sample_read(const char *path, struct sample *sample);
void sample_free(struct sample *sample);
