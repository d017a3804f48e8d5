/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a fuzz target over files, without libFuzzer: so that every corpus is
 * a test in plain and sanitized builds with any compiler.
 *
 *   replay FILE-OR-DIRECTORY...
 *
 * Each file is given whole and cut at a few places, from a heap block of its exact
 * size.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files;

static void
run(const uint8_t *bytes, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    if (n)
        memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static int
replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st) != 0) {
        perror(path);
        return 1;
    }
    size_t n = (size_t)st.st_size;
    uint8_t *bytes = malloc(n + 1);
    if (!bytes || fread(bytes, 1, n, f) != n) {
        perror(path);
        return 1;
    }
    fclose(f);
    run(bytes, n);
    for (unsigned cut = 1; cut < 8; cut++)
        run(bytes, n * cut / 8);
    free(bytes);
    files++;
    return 0;
}

static int
replay_path(const char *path)
{
    DIR *d = opendir(path);
    if (!d)
        return replay_file(path);
    struct dirent *e;
    int bad = 0;
    while ((e = readdir(d))) {
        char inner[4096];
        if (e->d_name[0] == '.')
            continue;
        if ((size_t)snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) >=
            sizeof inner)
            bad = 1;
        else
            bad |= replay_file(inner);
    }
    closedir(d);
    return bad;
}

int
main(int argc, char **argv)
{
    int bad = 0;
    for (int i = 1; i < argc; i++)
        bad |= replay_path(argv[i]);
    printf("%u files\n", files);
    return bad || files == 0;
}
