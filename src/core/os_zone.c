/* SPDX-License-Identifier: Apache-2.0 */
/* A TZif file ends in a line with the rule for the time to come, as POSIX writes TZ:
 * "CST-8", "<+0530>-5:30", "CET-1CEST,M3.5.0,M10.5.0/3". Only that line is read. */
#include "core/os_zone.h"

#include "core/os_file.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MOST (64u << 10)

static bool
is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The abbreviation at the head of a rule: letters, or anything in < >. */
static bool
take_name(struct span *s)
{
    size_t n = 0;
    if (s->n && s->p[0] == '<') {
        const char *end = memchr(s->p, '>', s->n);
        n = end ? (size_t)(end - s->p) + 1 : 0;
    } else {
        while (n < s->n && is_letter(s->p[n]))
            n++;
    }
    *s = span_skip(*s, n);
    return n > 0;
}

/* [+-]h[h][:mm[:ss]], west positive. */
static bool
take_offset(struct span *s, int *minutes)
{
    struct span all = *s, part;
    size_t n = 0;
    while (n < s->n && strchr("+-:0123456789", s->p[n]) && s->p[n])
        n++;
    all.n = n;
    *s = span_skip(*s, n);
    bool east = span_starts(all, SPAN("-"));
    if (east || span_starts(all, SPAN("+")))
        all = span_skip(all, 1);
    uint64_t h = 0, m = 0, sec = 0;
    part = span_cut(&all, ':');
    bool good = span_u64(part, &h) && h <= 24;
    part = span_cut(&all, ':');
    good = good && (part.n == 0 || (span_u64(part, &m) && m < 60));
    good = good && (all.n == 0 || (span_u64(all, &sec) && sec == 0));
    *minutes = (int)(h * 60 + m);
    if (!east)
        *minutes = -*minutes;
    return good;
}

enum err
os_zone_rule(struct span file, int *offset_min, bool *changes)
{
    *changes = false;
    if (!span_starts(file, SPAN("TZif")) || file.n < 6 || file.p[file.n - 1] != '\n' ||
        file.p[4] < '2')
        return ERR_INPUT;
    const char *line = memrchr(file.p, '\n', file.n - 1);
    if (!line)
        return ERR_INPUT;
    struct span rule = span_of(line + 1, (size_t)(file.p + file.n - 1 - (line + 1)));
    int minutes;
    if (!take_name(&rule) || !take_offset(&rule, &minutes))
        return ERR_INPUT;
    *changes = rule.n > 0;
    if (*changes)
        return ERR_INPUT;
    *offset_min = minutes;
    return OK;
}

/* A name as the database has it: no way out of its folder. */
static bool
is_name(struct span s)
{
    bool start = true;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (start && !is_letter(c))
            return false;
        start = c == '/';
        if (!is_letter(c) && !(c >= '0' && c <= '9') && (!strchr("/_+-", c) || !c))
            return false;
    }
    return s.n > 0 && !start;
}

enum err
os_zone(const char *dir, struct span name, struct zone *out, struct note *note)
{
    char path[OS_PATH], leaf[sizeof out->name], *text = NULL;
    size_t n = 0;
    bool changes = false;
    struct zone z = {0};
    if (zone_parse(name, out, note) == OK)
        return OK;
    bool there = is_name(name) && span_copy(leaf, sizeof leaf, name) &&
                 os_join(path, sizeof path, dir, leaf) == OK &&
                 os_read_file(os_fs_real(), path, FILE_MOST, &text, &n, NULL) == OK;
    if (!there)
        return note_fmt(
            note, ERR_INPUT, "zone",
            "\"%.*s\" is no zone of this machine (%s): write one as Asia/Shanghai, or "
            "an offset as +08:00",
            "没有时区“%.*s”（见 %s）：请写作 Asia/Shanghai，或偏移量 +08:00",
            SPAN_ARG(name), dir);
    enum err e = os_zone_rule(span_of(text, n), &z.offset_min, &changes);
    free(text);
    (void)span_copy(z.name, sizeof z.name, name);
    if (e == OK)
        *out = z;
    else if (changes)
        e = note_fmt(
            note, ERR_INPUT, "zone",
            "%s has summer time; nights, bans and days here are of one offset: write "
            "that of its standard time, as +01:00",
            "%s "
            "实行夏令时；本系统的夜间、限行与日期按固定偏移计算：请写其标准时偏移量，如"
            " "
            "+01:00",
            z.name);
    else
        e = note_fmt(
            note, ERR_INPUT, "zone",
            "the file of zone %s cannot be read: write an offset as +08:00",
            "无法读取时区 %s 的文件：请写偏移量，如 +08:00", z.name);
    return e;
}
