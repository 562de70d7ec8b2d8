/* evreplay seat: commands one after the other, each in a fork of a process that has the libraries of PyTorch loaded. It is for programs that run many: a shard of
 * `evreplay fleet` takes a fork in place of three programs and two loads.
 *
 * Standard input has requests: a size of 32 bits in the byte order of the machine, and so many bytes of texts that each end in NUL: a file for standard output, one for standard
 * error, and the command's words. Standard output gets 32 bits for each, the status as wait() tells it. It ends with its input. */
#include "commands.h"

#include <evreplay/evreplay.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 20, MOST_WORDS = 4096 };

/* How many of the bytes came before the end. */
static size_t read_all(int from, void *to, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(from, (char *)to + have, size - have);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        have += n > 0 ? (size_t)n : 0;
    }
    return have;
}

static bool redirect(const char *path, int descriptor)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return file >= 0 && dup2(file, descriptor) == descriptor;
}

/* A fork of a process with several threads may find locks that nobody opens: then the command is started as a program. */
static bool one_thread(void)
{
    DIR *all = opendir("/proc/self/task");
    int count = 0;
    for (const struct dirent *one; all && (one = readdir(all));)
        count += one->d_name[0] != '.';
    if (all)
        closedir(all);
    return count == 1;
}

/* Runs a command here, in the child. Workers are forks in turn, unless somebody named another. */
static int run(char **texts, int count, pid_t seat, bool fit)
{
    static char name[] = "evreplay";
    int empty = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != seat || empty < 0 || dup2(empty, STDIN_FILENO) < 0 || !redirect(texts[0], STDOUT_FILENO) || !redirect(texts[1], STDERR_FILENO))
        return EXIT_MISSING;
    close(empty);
    signal(SIGPIPE, SIG_DFL);
    texts[1] = name;
    if (!fit) {
        execv("/proc/self/exe", texts + 1);
        return EXIT_MISSING;
    }
    setenv("EVREPLAY_WORKER", "self", 0);
    return command_main(count - 1, texts + 1);
}

/* The texts of a request. @return how many; 0 = it is none */
static int texts_of(char *bytes, size_t size, char **texts)
{
    int count = 0;
    if (!size || bytes[size - 1])
        return 0;
    for (char *text = bytes; text < bytes + size; text += strlen(text) + 1) {
        if (count == MOST_WORDS)
            return 0;
        texts[count++] = text;
    }
    texts[count] = NULL;
    return count;
}

static bool serve_one(char *bytes, char **texts)
{
    uint32_t size;
    if (read_all(STDIN_FILENO, &size, sizeof size) != sizeof size || size > MOST_BYTES || read_all(STDIN_FILENO, bytes, size) != size)
        return false;
    int count = texts_of(bytes, size, texts), status = 0;
    bool fit = one_thread();
    pid_t seat = getpid(), pid = count > 2 ? fork() : -1;
    if (pid == 0) {
        int code = run(texts, count, seat, fit);
        fflush(NULL);
        _exit(code); /* libraries that are unloaded tidily take as long as they took to load */
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    int32_t answer = pid > 0 ? status : EXIT_MISSING << 8;
    return write(STDOUT_FILENO, &answer, sizeof answer) == sizeof answer;
}

int seat_main(int argc, char **argv)
{
    (void)argv;
    if (argc) {
        fprintf(stderr, "evreplay seat takes requests on standard input, and no arguments; see the top of seat.c\n");
        return EXIT_USAGE;
    }
    evr_context *ctx = NULL;
    evr_runtime *loaded = NULL;
    const evr_runtime_options options = {.struct_size = sizeof options, .device = "cpu"};
    if (evr_context_new(NULL, &ctx, NULL) != EVR_OK)
        return EXIT_MISSING;
    evr_runtime_open(ctx, &options, &loaded, NULL); /* what stands in its way, every command that needs it tells */
    char *bytes = malloc(MOST_BYTES), **texts = malloc((MOST_WORDS + 1) * sizeof *texts);
    bool good = bytes && texts;
    while (good && serve_one(bytes, texts))
        continue;
    free(bytes);
    free(texts);
    evr_runtime_free(loaded);
    evr_context_free(ctx);
    return good ? EXIT_GOOD : EXIT_MISSING;
}
