/* Makes what script/bench feeds to certswapd, and looks at what comes of it:
     inventory  fills the inventory topic            enroll   sends enrollments, to be staged
     commands   sends commands, as fast as they go   latency  sends commands at fixed times, says when results
   come ends       where a topic's partitions end       wait     waits until a group has committed so many
   records check      counts results and jobs              sample   keeps some jobs and results, for
   bench_floor Each prints one line of JSON. */
#include "bench/load.h"

#include <stdio.h>

static const struct {
    const char *name;
    void (*run)(void);
    const char *known[16];
} subcommands[] = {
    {"inventory",
     load_inventory,
     {"bootstrap", "topic", "locations", "fan-out", "entries", "agents", "seal", "folder", NULL}},
    {"enroll", load_enrollments, {"bootstrap", "topic", "first", "count", "leaf", NULL}},
    {"commands", load_commands, {"bootstrap", "topic", "first", "count", "certificates", NULL}},
    {"ends", show_ends, {"bootstrap", "topic", NULL}},
    {"wait", wait_committed, {"bootstrap", "topic", "group", "count", "timeout", NULL}},
    {"check", check_results, {"bootstrap", "topic", "from", "count", "fan-out", NULL}},
    {"sample",
     take_sample,
     {"bootstrap", "jobs", "jobs-from", "results", "results-from", "count", "file", NULL}},
    {"delete", delete_topics, {"bootstrap", "topics", NULL}},
    {"latency",
     measure_latency,
     {"bootstrap", "commands", "results", "first", "certificates", "count", "rate", NULL}},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof subcommands / sizeof *subcommands; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0) {
            arguments_take(argv + 2, subcommands[i].known);
            subcommands[i].run();
            return 0;
        }
    die("which of inventory, enroll, commands, ends, wait, check, sample, delete, latency?");
}
