/* pipeline/replace_report: what a committed command leaves in the log and in the metrics. */
#pragma once

#include "pipeline/replace_item.h"

/* Of a decided item whose transaction has committed, took_us after its batch was polled. */
void replace_report(const struct pipeline_context *context, const struct replace_item *item, int64_t took_us);
