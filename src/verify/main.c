/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu-verify: the independent check of an audit record, or of an evidence archive.
 * Exit status 0 whole, 1 unreadable, 2 wrong usage, 3 damaged. */
#include "verify/chain.h"
#include "verify/pack.h"

#include <string.h>

static const char usage[] =
    "usage: tongqu-verify DIR [--head FILE] [--key HEX]\n"
    "       tongqu-verify FILE.zip [--key HEX] [--clip FILE]...\n"
    "\n"
    "Checks the audit record of a data directory (DIR/audit): every record's hash, the "
    "chain\n"
    "from record to record, and the signed heads. Tells the number of every record "
    "that was\n"
    "changed, removed, inserted or moved.\n"
    "Of an evidence archive (FILE.zip): every file against the manifest, the manifest "
    "against\n"
    "its signature.\n"
    "\n"
    "  --head FILE  signed heads that were kept outside: finds a tail that was cut off "
    "and a\n"
    "               chain that was written anew under another key\n"
    "  --key HEX    the public key as printed when the directory was made\n"
    "  --clip FILE  a video that was too large for the archive: is it the one it "
    "names?\n"
    "\n"
    "Exit status: 0 whole, 1 cannot be read, 2 wrong usage, 3 damaged.\n";

#define CLIPS (sizeof((struct chain_options *)0)->clips / sizeof(const char *))

/* 64 hexadecimal digits. */
static bool
is_key(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdefABCDEF") == 64;
}

int
main(int argc, char **argv)
{
    struct chain_options o = {.out = stdout, .err = stderr};
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        bool clip = strcmp(a, "--clip") == 0 && o.clips_n < CLIPS;
        const char **value = strcmp(a, "--head") == 0  ? &o.head
                             : strcmp(a, "--key") == 0 ? &o.key
                             : clip                    ? &o.clips[o.clips_n]
                                                       : NULL;
        if (value && i + 1 < argc) {
            *value = argv[++i];
            o.clips_n += clip;
        } else if (!value && a[0] != '-' && !o.dir) {
            o.dir = a;
        } else {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (!o.dir) {
        fputs(usage, stderr);
        return 2;
    }
    if (o.key && !is_key(o.key)) {
        fprintf(
            stderr, "tongqu-verify: --key takes the 64 hexadecimal digits of a public "
                    "key\n");
        return 2;
    }
    size_t n = strlen(o.dir);
    bool archive = n > 4 && strcmp(o.dir + n - 4, ".zip") == 0;
    if (archive ? o.head != NULL : o.clips_n > 0) {
        fputs(usage, stderr);
        return 2;
    }
    return (int)(archive ? pack_check(&o) : chain_check(&o));
}
