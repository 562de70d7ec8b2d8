/* evreplay fleet: records in shards over a Ray cluster, by the package of Python. */
#include "commands.h"
#include "python.h"

#include <stdio.h>
#include <string.h>

typedef struct fleet_options {
    const char *address, *cpus, *gpus, *shard, *retries, *journal, *store, *json, *csv, *junit, *html, *markdown, *python;
    text_list resources, extract;
    bool resume;
} fleet_options;

#define FIELD(member) offsetof(fleet_options, member)

static const option table[] = {
    {"address", 0, OPT_TEXT, "A", "of the cluster; auto: the one of this machine; default: a local one for this run", FIELD(address)},
    {"cpus", 0, OPT_TEXT, "N", "processors of a shard (default 1); operators use as many threads", FIELD(cpus)},
    {"gpus", 0, OPT_TEXT, "N", "GPUs of a shard (default 0)", FIELD(gpus)},
    {"resource", 0, OPT_LIST, "NAME=N", "what else a shard takes of its node, such as a type of device", FIELD(resources)},
    {"shard", 0, OPT_TEXT, "N", "records of a shard; default: four shards for each place", FIELD(shard)},
    {"retries", 0, OPT_TEXT, "N", "runs of a shard whose worker or node was lost (default 3)", FIELD(retries)},
    {"journal", 0, OPT_TEXT, "FILE", "keep results there as they come", FIELD(journal)},
    {"resume", 0, OPT_FLAG, NULL, "go on with the journal", FIELD(resume)},
    {"store", 0, OPT_TEXT, "FILE", "add results to this database as they come", FIELD(store)},
    {"extract", 0, OPT_LIST, "OPTION", "an option of evreplay extract for the inputs, such as --extract=--recover", FIELD(extract)},
    {"json", 0, OPT_TEXT, "FILE", "write the results as JSON", FIELD(json)},
    {"csv", 0, OPT_TEXT, "FILE", "write the results as CSV", FIELD(csv)},
    {"junit", 0, OPT_TEXT, "FILE", "write the results as JUnit XML", FIELD(junit)},
    {"html", 0, OPT_TEXT, "FILE", "write the results as one self-contained page", FIELD(html)},
    {"markdown", 0, OPT_TEXT, "FILE", "write the results as a Markdown table", FIELD(markdown)},
    {"python", 0, OPT_TEXT, "FILE", "interpreter with ray and evreplay; default the one in use, $EVREPLAY_PYTHON, or python3", FIELD(python)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

/* What was given of the table, as the package takes it: under the same names. */
static void add_options(python_line *line, const fleet_options *given)
{
    for (const option *o = table; o->name; o++) {
        const void *field = (const char *)given + o->field;
        char name[64];
        snprintf(name, sizeof name, "--%s=", o->name);
        if (o->field == FIELD(python))
            continue;
        if (o->kind == OPT_TEXT && *(const char *const *)field)
            python_add(line, name, *(const char *const *)field);
        for (size_t i = 0; o->kind == OPT_LIST && i < ((const text_list *)field)->count; i++)
            python_add(line, name, ((const text_list *)field)->items[i]);
        if (o->kind == OPT_FLAG && *(const bool *)field)
            python_add(line, "--", o->name);
    }
}

static bool is_verb(const char *word)
{
    static const char *const verbs[] = {"replay", "bench", "fill"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(word, verbs[i]) == 0)
            return true;
    return false;
}

static int start(const fleet_options *o, const text_list *words, int argc, char **rest)
{
    python_line line;
    python_begin(&line, o->python, "evreplay.fleet");
    add_options(&line, o);
    for (size_t i = 0; i < words->count; i++)
        python_add(&line, words->items[i], "");
    for (int i = 0; i < argc; i++)
        python_add(&line, rest[i], "");
    int code = python_run("fleet", &line);
    python_free(&line);
    return code;
}

static int run(int argc, char **argv, const command *self)
{
    fleet_options o = {0};
    text_list words = {0};
    int own = python_own_arguments(argc, argv);
    int code = options_parse(self, own, argv, &o, &words);
    if (code < 0 && (words.count < 2 || !is_verb(words.items[0]))) {
        fprintf(stderr, "evreplay fleet: say replay, bench or fill, and what to run it on, such as: evreplay fleet bench traces/\nsee evreplay fleet --help\n");
        code = EXIT_USAGE;
    }
    if (code < 0)
        code = start(&o, &words, argc - own, argv + own);
    options_free(self, &o, &words);
    return code;
}

const command cmd_fleet = {
    "fleet", "replay|bench|fill INPUT… [-- OPTION…]", "Runs records on the nodes of a Ray cluster, in shards.",
    "An input is what replay takes, or a folder of traces; a call that several of them have runs once. What stands behind -- goes to the command\n"
    "that runs each shard, such as --device cuda --precision 0.02. fill times what the store has no entry of. Without --address the processors of\n"
    "this machine are the cluster. Needs Python with the package, and Ray: pip install ray; see docs/fleet.md.\n",
    table, run,
};
