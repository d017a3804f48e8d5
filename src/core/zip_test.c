/* SPDX-License-Identifier: Apache-2.0 */
#include "core/zip.h"

#include "kit/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Read back by a program of another hand, where there is one. */
static void
another_program_reads_it(void **state)
{
    (void)state;
    struct buf b = {0};
    struct zip z;
    struct zone zone = {"Asia/Shanghai", 480};
    char path[] = "/tmp/tongqu-zip-XXXXXX", line[400];
    zip_init(&z, &b, 1772430734059, &zone);
    zip_add(&z, "index.html", SPAN("<p>证据</p>"));
    zip_add(&z, "pictures/01.jpg", SPAN("\xff\xd8\xff"));
    zip_add(&z, "empty", SPAN(""));
    zip_end(&z);
    zip_release(&z);
    assert_false(b.bad);
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, b.p, b.n) == (ssize_t)b.n);
    close(fd);
    snprintf(
        line, sizeof line,
        "python3 -c \"import zipfile;z=zipfile.ZipFile('%s');assert z.testzip() is "
        "None;assert z.namelist()==['index.html','pictures/01.jpg','empty'];assert "
        "z.read('index.html').decode()=='<p>证据</p>';assert "
        "z.infolist()[0].date_time==(2026,3,2,13,52,14)\"",
        path);
    if (system("python3 -c 'import zipfile' 2>/dev/null") == 0)
        assert_int_equal(system(line), 0);
    else
        print_message("skipped: no python3 to read the archive with\n");
    unlink(path);
    buf_release(&b);
}

/* The check value of CRC-32 stands in the bytes of the local head. */
static void
the_checksum_is_the_standard_one(void **state)
{
    (void)state;
    struct buf b = {0};
    struct zip z;
    struct zone zone = {"UTC", 0};
    zip_init(&z, &b, 0, &zone);
    zip_add(&z, "a", SPAN("123456789"));
    zip_release(&z);
    static const uint8_t want[4] = {0x26, 0x39, 0xf4, 0xcb};
    assert_memory_equal(b.p + 14, want, 4);
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_program_reads_it),
        cmocka_unit_test(the_checksum_is_the_standard_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
