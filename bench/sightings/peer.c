/* SPDX-License-Identifier: Apache-2.0 */
/* The questions as SQL, in the words that the engines share. */
#include "peer.h"

#include "core/hash.h"

#include <stdio.h>

void
answer_add(struct answer *a, struct span row)
{
    a->rows++;
    a->mark += hash_span(row, 1);
}

bool
answer_field(struct answer_row *row, struct span field)
{
    if (sizeof row->text - row->n < field.n + 1)
        return false;
    if (row->fields++)
        row->text[row->n++] = '|';
    if (field.n)
        memcpy(row->text + row->n, field.p, field.n);
    row->n += field.n;
    return true;
}

void
answer_end(struct answer *a, struct answer_row *row)
{
    answer_add(a, span_of(row->text, row->n));
    row->n = row->fields = 0;
}

static int
site_list(char *dst, size_t room, const struct draw *d)
{
    return snprintf(
        dst, room, "%u,%u,%u,%u,%u", d->site[0], d->site[1], d->site[2], d->site[3],
        d->site[4]);
}

#define LL(t) ((long long)(t))

void
peer_sql(const struct peer *p, unsigned q, const struct draw *d, char *dst, size_t room)
{
    char whole[96], other[96], sites[80];
    p->exact(whole, "plate");
    p->exact(other, "o.plate");
    site_list(sites, sizeof sites, d);
    switch (q) {
    case 0:
        snprintf(
            dst, room,
            "SELECT plate, plate_color, class, color, brand, site, lane, direction, "
            "passed, "
            "speed, confidence, record, image FROM %s WHERE plate = '%s' ORDER BY "
            "passed",
            p->by_plate, d->plate);
        break;
    case 1:
        snprintf(
            dst, room,
            "SELECT plate, site, passed, lane, record, image FROM %s WHERE site IN "
            "(%s) "
            "AND "
            "passed >= %lld AND passed < %lld AND brand = %u AND color = %u ORDER BY "
            "passed",
            p->by_site, sites, LL(d->from), LL(d->to), d->brand, d->color);
        break;
    case 2:
        snprintf(
            dst, room,
            "SELECT a.plate, a.first, b.last FROM (SELECT plate, min(passed) AS first "
            "FROM "
            "%s WHERE site = %u AND passed BETWEEN %lld AND %lld AND %s GROUP BY "
            "plate) a "
            "JOIN (SELECT plate, max(passed) AS last FROM %s WHERE site = %u AND "
            "passed "
            "BETWEEN "
            "%lld AND %lld AND %s GROUP BY plate) b ON a.plate = b.plate WHERE a.first "
            "< b.last ORDER BY a.plate",
            p->by_site, d->site[0], LL(d->from), LL(d->to), whole, p->by_site,
            d->site[1], LL(d->from), LL(d->end), whole);
        break;
    case 3: /* the range lets an index serve the prefix */
        snprintf(
            dst, room,
            "SELECT plate, count(*) FROM %s WHERE plate >= '晋A' AND plate < '晋B' AND "
            "plate LIKE '%s' GROUP BY plate ORDER BY plate",
            p->by_plate, d->like);
        break;
    case 4:
        snprintf(
            dst, room,
            "SELECT o.plate, count(DISTINCT o.site) FROM %s t CROSS JOIN %s o WHERE "
            "o.site = t.site AND o.passed BETWEEN t.passed - 60000 AND t.passed + "
            "60000 AND "
            "t.plate "
            "= '%s' AND o.plate <> t.plate AND %s GROUP BY o.plate HAVING "
            "count(DISTINCT "
            "o.site) >= 5 ORDER BY o.plate",
            p->by_plate, p->by_site, d->plate, other);
        break;
    case 5:
        snprintf(
            dst, room,
            "SELECT DISTINCT d.plate FROM (SELECT plate, site, passed, lag(site) OVER "
            "w AS "
            "site0, lag(passed) OVER w AS passed0 FROM %s WHERE passed >= %lld AND "
            "passed < %lld AND "
            "%s "
            "WINDOW w AS (PARTITION BY plate ORDER BY passed, site)) d JOIN sites s ON "
            "s.site = d.site JOIN sites r ON r.site = d.site0 WHERE d.site <> d.site0 "
            "AND ((s.x - r.x) * (s.x - r.x) + (s.y - r.y) * (s.y - r.y)) * 12960000.0 "
            "> "
            "32400.0 * (d.passed - d.passed0) * (d.passed - d.passed0) ORDER BY "
            "d.plate",
            p->by_site, LL(d->from), LL(d->to), whole);
        break;
    case 6:
        snprintf(
            dst, room,
            "SELECT site, passed %s 300000 AS bin, count(*), sum(speed) FROM %s WHERE "
            "passed "
            ">= "
            "%lld AND passed < %lld GROUP BY site, bin ORDER BY site, bin",
            p->divide, p->by_site, LL(d->from), LL(d->to));
        break;
    case 7:
        snprintf(
            dst, room,
            "SELECT count(*) FROM (SELECT plate FROM %s WHERE %s GROUP BY plate HAVING "
            "min(passed) >= %lld AND min(passed) < %lld) x",
            p->by_plate, whole, LL(d->from), LL(d->to));
        break;
    default: /* hours from midnight in the zone, which T0 is */
        snprintf(
            dst, room,
            "SELECT plate FROM (SELECT plate, (passed - %lld) %s 3600000 AS h FROM %s "
            "WHERE "
            "%s) x GROUP BY plate HAVING sum(CASE WHEN h %% 24 >= 8 AND h %% 24 < 18 "
            "THEN 1 ELSE 0 END) = 0 AND count(DISTINCT CASE WHEN h %% 24 < 5 THEN h %s "
            "24 END) >= 3 ORDER BY plate",
            LL(T0), p->divide, p->by_plate, whole, p->divide);
    }
}
