/* SPDX-License-Identifier: Apache-2.0 */
/* ClickHouse over HTTP: TONGQU_CLICKHOUSE names host:port of a running server that may
 * be written to (a database tongqu_bench is made and dropped). Two sort orders, by
 * plate and by day, site and time; the second is filled by a materialized view of the
 * first. Its 18.16 has neither window functions nor ranges over a join, so two
 * questions are put in the way that serves it best: clones by arrays, companions as a
 * list of ranges. */
#include "peer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DB "tongqu_bench"
#define WHOLE "plate != '无牌' AND position(plate, '?') = 0"

static char host[200], port[16];
static int sock = -1;
static const struct city *places;
/* What was read and not yet looked at. */
static char piece[1 << 16];
static size_t piece_n, piece_at;
static char *body; /* of the last answer */
static size_t body_n, body_room;

/* ---- one request ---- */

static bool
reach(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    if (sock >= 0)
        close(sock);
    sock = -1;
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return false;
    for (struct addrinfo *a = list; a && sock < 0; a = a->ai_next) {
        sock = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (sock >= 0 && connect(sock, a->ai_addr, a->ai_addrlen) != 0) {
            close(sock);
            sock = -1;
        }
    }
    freeaddrinfo(list);
    piece_n = piece_at = 0;
    int at_once = 1; /* head and question are two writes: none waits for the other */
    return sock >= 0 &&
           setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once) == 0;
}

static bool
put_all(const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(sock, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static int
get_byte(void)
{
    if (piece_at == piece_n) {
        ssize_t k = recv(sock, piece, sizeof piece, 0);
        if (k <= 0)
            return EOF;
        piece_n = (size_t)k;
        piece_at = 0;
    }
    return (unsigned char)piece[piece_at++];
}

/* A line without its end; false at the end of the connection. */
static bool
get_line(char *dst, size_t room)
{
    size_t n = 0;
    int c;
    while ((c = get_byte()) != '\n') {
        if (c == EOF)
            return false;
        if (c != '\r' && n + 1 < room)
            dst[n++] = (char)c;
    }
    dst[n] = 0;
    return true;
}

static bool
get_body(size_t n)
{
    if (body_n + n + 1 > body_room) {
        body_room = (body_n + n + 1) * 2;
        body = realloc(body, body_room);
        if (!body)
            abort();
    }
    while (n) {
        int c = get_byte();
        if (c == EOF)
            return false;
        piece_at--;
        size_t k = piece_n - piece_at < n ? piece_n - piece_at : n;
        memcpy(body + body_n, piece + piece_at, k);
        piece_at += k;
        body_n += k;
        n -= k;
    }
    return true;
}

/* Reads head and body. 0: nothing came, else the status. */
static int
get_answer(void)
{
    char line[512];
    int status = 0;
    size_t length = 0;
    bool chunked = false;
    body_n = 0;
    if (!get_line(line, sizeof line) || sscanf(line, "HTTP/1.%*d %d", &status) != 1)
        return 0;
    while (get_line(line, sizeof line) && line[0]) {
        if (!strncasecmp(line, "Content-Length:", 15))
            length = strtoull(line + 15, NULL, 10);
        if (!strncasecmp(line, "Transfer-Encoding: chunked", 26))
            chunked = true;
    }
    if (!chunked)
        return get_body(length) ? status : 0;
    for (;;) {
        if (!get_line(line, sizeof line))
            return 0;
        length = strtoull(line, NULL, 16);
        if (length && !get_body(length))
            return 0;
        if (!get_line(line, sizeof line))
            return 0;
        if (!length)
            return status;
    }
}

/* SQL, then what it takes in: a file, or bytes. */
static bool
request(const char *sql, FILE *f, size_t file_n, const char *more, size_t more_n)
{
    static char part[1 << 18];
    char head[256];
    size_t sql_n = strlen(sql), n;
    int status = 0;
    for (int round = 0; round < 2 && !status;
         round++) { /* it closes idle connections */
        if ((sock < 0 || round) && !reach())
            break;
        int k = snprintf(
            head, sizeof head,
            "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n", host,
            sql_n + 1 + file_n + more_n);
        bool good = put_all(head, (size_t)k) && put_all(sql, sql_n) && put_all("\n", 1);
        if (f)
            rewind(f);
        while (good && f && (n = fread(part, 1, sizeof part, f)) > 0)
            good = put_all(part, n);
        good = good && put_all(more, more_n);
        status = good ? get_answer() : 0;
    }
    if (body)
        body[body_n] = 0;
    if (status != 200)
        fprintf(
            stderr, "ClickHouse: %.300s: %.600s\n", sql,
            status ? body : "the connection broke");
    return status == 200;
}

static bool
run(const char *sql)
{
    return request(sql, NULL, 0, "", 0);
}

/* ---- what a peer does ---- */

#define COLUMNS                                                                        \
    "(plate String, plate_color UInt8, class UInt16, color UInt8, brand UInt16, site " \
    "UInt16, lane UInt8, direction UInt8, passed Int64, speed UInt16, confidence "     \
    "UInt8, record String, image String) ENGINE = MergeTree PARTITION BY "

static bool
peer_open(const char *dir, char why[200])
{
    (void)dir;
    const char *at = getenv("TONGQU_CLICKHOUSE");
    const char *colon = at ? strrchr(at, ':') : NULL;
    if (!colon || (size_t)(colon - at) >= sizeof host || strlen(colon + 1) > 5) {
        snprintf(
            why, 200,
            "not there (set TONGQU_CLICKHOUSE to host:port of a server's HTTP port; "
            "Debian: clickhouse-server)");
        return false;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - at), at);
    snprintf(port, sizeof port, "%s", colon + 1);
    if (!reach() || !run("SELECT version()")) {
        snprintf(why, 200, "no answer from %.150s", at);
        return false;
    }
    printf("ClickHouse %.*s", (int)body_n, body);
    return run("DROP DATABASE IF EXISTS " DB) && run("CREATE DATABASE " DB) &&
           run("CREATE TABLE " DB ".by_plate " COLUMNS
               "intDiv(passed + 28800000, 604800000) ORDER BY (plate, passed)") &&
           run("CREATE TABLE " DB ".by_site " COLUMNS
               "intDiv(passed + 28800000, 86400000) ORDER BY (site, passed)") &&
           run("CREATE MATERIALIZED VIEW " DB ".both TO " DB
               ".by_site AS SELECT * FROM " DB ".by_plate");
}

static bool
peer_load(const char *csv, const struct city *city)
{
    FILE *f = fopen(csv, "r");
    places = city;
    bool good = f && fseek(f, 0, SEEK_END) == 0;
    long n = good ? ftell(f) : -1;
    good = n >= 0 &&
           request("INSERT INTO " DB ".by_plate FORMAT CSV", f, (size_t)n, "", 0);
    if (f)
        fclose(f);
    return good;
}

static bool
peer_append(const struct sighting *rows, size_t n)
{
    static char lines[1000 * 512];
    size_t at = 0;
    for (size_t i = 0; i < n && at + 512 <= sizeof lines; i++)
        at += row_line(&rows[i], lines + at);
    return request("INSERT INTO " DB ".by_plate FORMAT CSV", NULL, 0, lines, at);
}

/* Rows of the last answer: fields come with tabs between. */
static void
rows_of(struct answer *out)
{
    *out = (struct answer){0};
    for (char *p = body, *end = body + body_n; p < end;) {
        char *line = p;
        for (; *p != '\n'; p++)
            if (*p == '\t')
                *p = '|';
        answer_add(out, span_of(line, (size_t)(p++ - line)));
    }
}

static bool
peer_ask(const char *sql, struct answer *out)
{
    bool good = run(sql);
    if (good)
        rows_of(out);
    return good;
}

/* ---- its own words for the questions ---- */

struct text {
    char *p;
    size_t n, room;
};

static void add(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void
add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    if (t->n + 4096 > t->room) {
        t->room = t->room * 2 + 8192;
        t->p = realloc(t->p, t->room);
        if (!t->p)
            abort();
    }
    va_start(ap, fmt);
    t->n += (size_t)vsnprintf(t->p + t->n, t->room - t->n, fmt, ap);
    va_end(ap);
}

#define LL(t) ((long long)(t))

static void
hit_and_run(struct text *t, const struct draw *d)
{
    add(t,
        "SELECT plate, minIf(passed, site = %u AND passed <= %lld) AS a, maxIf(passed, "
        "site = %u) AS b FROM " DB
        ".by_site WHERE site IN (%u, %u) AND passed >= %lld AND passed <= %lld "
        "AND " WHOLE " GROUP BY plate HAVING countIf(site = %u AND passed <= %lld) > 0 "
        "AND countIf(site = %u) > 0 AND a < b",
        d->site[0], LL(d->to), d->site[1], d->site[0], d->site[1], LL(d->from),
        LL(d->end), d->site[0], LL(d->to), d->site[1]);
}

/* The target's passes first, then one range a pass: a join would read whole sites. */
static bool
companions(struct text *t, const struct draw *d)
{
    add(t, "SELECT site, passed FROM " DB ".by_plate WHERE plate = '%s'", d->plate);
    if (!run(t->p))
        return false;
    t->n = 0;
    add(t, "SELECT plate, uniqExact(site) AS k FROM " DB ".by_site WHERE (0");
    for (char *p = body, *end = body + body_n; p < end; p++) {
        unsigned long site = strtoul(p, &p, 10);
        long long at = strtoll(p, &p, 10);
        add(t, " OR (site = %lu AND passed >= %lld AND passed <= %lld)", site,
            at - 60000, at + 60000);
    }
    add(t, ") AND plate != '%s' AND " WHOLE " GROUP BY plate HAVING k >= 5", d->plate);
    return true;
}

static void
add_numbers(struct text *t, const double *v, const char *name)
{
    for (unsigned i = 1; i <= SITES; i++)
        add(t, "%s%.17g", i > 1 ? "," : "arrayElement([", v[i]);
    add(t, "], site) AS %s", name);
}

#define LEG(i) "(tupleElement(n, " #i ") - tupleElement(p, " #i "))"

static void
clones(struct text *t, const struct draw *d)
{
    add(t,
        "SELECT plate FROM (SELECT plate, arraySort(groupArray((passed, site, x, y))) "
        "AS a FROM (SELECT plate, passed, site, ");
    add_numbers(t, places->x, "x, ");
    add_numbers(t, places->y, "y");
    add(t,
        " FROM " DB ".by_site WHERE passed >= %lld AND passed < %lld AND " WHOLE
        ") GROUP BY plate HAVING count() > 1) WHERE arrayExists((p, n) -> "
        "tupleElement(p, 2) != tupleElement(n, 2) AND (" LEG(3) " * " LEG(3) " + " LEG(
            4) " * " LEG(4) ") * 12960000.0 > 32400.0 * " LEG(1) " * " LEG(1) ", "
                                                                              "arrayPop"
                                                                              "Back(a),"
                                                                              " arrayPo"
                                                                              "pFront("
                                                                              "a))",
        LL(d->from), LL(d->to));
}

static void
nights(struct text *t)
{
    add(t,
        "SELECT plate FROM " DB ".by_plate WHERE " WHOLE
        " GROUP BY plate HAVING sum((intDiv(passed - %lld, 3600000) %% 24 >= 8) AND "
        "(intDiv(passed - %lld, 3600000) %% 24 < 18)) = 0 AND "
        "uniqExactIf(intDiv(passed "
        "- %lld, 86400000), intDiv(passed - %lld, 3600000) %% 24 < 5) >= 3",
        LL(T0), LL(T0), LL(T0), LL(T0));
}

static bool
peer_ask_draw(unsigned q, const struct draw *d, struct answer *out)
{
    static struct text t;
    t.n = 0;
    add(&t, "%s", "");
    bool good = true;
    if (q == 2)
        hit_and_run(&t, d);
    else if (q == 4)
        good = companions(&t, d);
    else if (q == 5)
        clones(&t, d);
    else if (q == 6)
        add(&t,
            "SELECT site, intDiv(passed, 300000) AS bin, count(), sum(speed) FROM " DB
            ".by_site WHERE passed >= %lld AND passed < %lld GROUP BY site, bin",
            LL(d->from), LL(d->to));
    else if (q == 8)
        nights(&t);
    else {
        t.room = t.room > 8192 ? t.room : 8192;
        peer_sql(&peer_clickhouse, q, d, t.p, 4096);
    }
    return good && peer_ask(t.p, out);
}

static uint64_t
peer_bytes(void)
{
    bool good = run("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND "
                    "database = '" DB "'");
    return good ? strtoull(body, NULL, 10) : 0;
}

static void
peer_close(void)
{
    (void)run("DROP DATABASE IF EXISTS " DB);
    close(sock);
    sock = -1;
    free(body);
    body = NULL;
    body_room = 0;
}

static void
exact(char dst[96], const char *column)
{
    snprintf(dst, 96, "%s != '无牌' AND position(%s, '?') = 0", column, column);
}

const struct peer peer_clickhouse = {
    .name = "ClickHouse",
    .open = peer_open,
    .load = peer_load,
    .append = peer_append,
    .ask = peer_ask,
    .ask_draw = peer_ask_draw,
    .bytes = peer_bytes,
    .own_process = true,
    .close = peer_close,
    .by_plate = DB ".by_plate",
    .by_site = DB ".by_site",
    .divide = "/",
    .exact = exact,
};
