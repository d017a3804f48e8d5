/* SPDX-License-Identifier: Apache-2.0 */
/* shape.c - lays out the demo city from a seed.
 *
 *            ring node (81+i) --- ring node
 *               | spoke             | spoke          row 8 (north)
 *            grid node ------- grid node   ...
 *               |    cell 0..63     |                column 0 west .. 8 east
 *            grid node ------- grid node
 *
 * Everything is integer arithmetic, so a city is the same on every machine. Sites get
 * their numbers in the order in which they are laid: junctions, blocks, spokes, ring,
 * local streets.
 */
#include "city/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "city/rnd.h"
#include "core/err.h"

enum { WHAT_LINE = 100, WHAT_NODE, WHAT_EDGE, WHAT_LOCAL, WHAT_SEGMENT };

#define PITCH_X 1600
#define PITCH_Y 1500
#define RING_OUT_M 3000

/* Rows 0..8 from south to north, then columns 0..8 from west to east, then the ring,
 * then streets. */
static const struct shape_name roads[] = {
    {"龙城大街", "Longcheng Street"},
    {"南中环街", "South Zhonghuan Street"},
    {"长风街", "Changfeng Street"},
    {"南内环街", "South Neihuan Street"},
    {"迎泽大街", "Yingze Street"},
    {"府西街", "Fuxi Street"},
    {"北大街", "Beida Street"},
    {"胜利街", "Shengli Street"},
    {"北中环街", "North Zhonghuan Street"},
    {"西中环路", "West Zhonghuan Road"},
    {"和平路", "Heping Road"},
    {"千峰路", "Qianfeng Road"},
    {"滨河西路", "West Binhe Road"},
    {"滨河东路", "East Binhe Road"},
    {"解放路", "Jiefang Road"},
    {"五一路", "Wuyi Road"},
    {"建设路", "Jianshe Road"},
    {"东中环路", "East Zhonghuan Road"},
    {"绕城高速", "Ring Motorway"},
    {"坞城路", "Wucheng Road"},
    {"营盘街", "Yingpan Street"},
    {"北营路", "Beiying Road"},
    {"平阳路", "Pingyang Road"},
    {"黄陵路", "Huangling Road"},
    {"小店街", "Xiaodian Street"},
    {"柳巷", "Liuxiang Lane"},
    {"文庙巷", "Wenmiao Lane"},
    {"庙前街", "Miaoqian Street"},
    {"桥东街", "Qiaodong Street"},
    {"老军营街", "Laojunying Street"},
    {"郝庄路", "Haozhuang Road"},
    {"巨轮街", "Julun Street"},
    {"三桥街", "Sanqiao Street"},
    {"鼓楼街", "Gulou Street"},
    {"杏花岭街", "Xinghualing Street"},
    {"坝陵桥街", "Balingqiao Street"},
    {"大东关街", "Dadongguan Street"},
    {"职工新街", "Zhigong New Street"},
    {"敦化坊街", "Dunhuafang Street"},
    {"涧河路", "Jianhe Road"},
    {"杨家峪街", "Yangjiayu Street"},
    {"享堂街", "Xiangtang Street"},
    {"中涧河路", "Zhongjianhe Road"},
    {"尖草坪街", "Jiancaoping Street"},
    {"光社街", "Guangshe Street"},
    {"上兰路", "Shanglan Road"},
    {"南寨街", "Nanzhai Street"},
    {"迎新街", "Yingxin Street"},
    {"古城街", "Gucheng Street"},
    {"汇丰街", "Huifeng Street"},
    {"新城街", "Xincheng Street"},
    {"向阳街", "Xiangyang Street"},
    {"下元路", "Xiayuan Road"},
    {"兴华街", "Xinghua Street"},
    {"杜儿坪路", "Duerping Road"},
    {"白家庄路", "Baijiazhuang Road"},
    {"南寒街", "Nanhan Street"},
    {"东社街", "Dongshe Street"},
    {"小井峪街", "Xiaojingyu Street"},
    {"西铭路", "Ximing Road"},
    {"神堂沟路", "Shentanggou Road"},
    {"王化街", "Wanghua Street"},
    {"义井街", "Yijing Street"},
    {"罗城街", "Luocheng Street"},
    {"晋源街", "Jinyuan Street"},
    {"金胜路", "Jinsheng Road"},
    {"晋祠路", "Jinci Road"},
    {"唐槐路", "Tanghuai Road"},
    {"学府街", "Xuefu Street"},
    {"科创街", "Kechuang Street"},
    {"桃园路", "Taoyuan Road"},
    {"屯兰街", "Tunlan Street"},
    {"东曲街", "Dongqu Street"},
    {"西曲街", "Xiqu Street"},
    {"河口街", "Hekou Street"},
    {"马兰街", "Malan Street"},
    {"北格街", "Beige Street"},
    {"西温庄街", "Xiwenzhuang Street"},
    {"刘家堡街", "Liujiabu Street"},
    {"柏板街", "Baiban Street"},
    {"西墕街", "Xiyan Street"},
    {"阳曲街", "Yangqu Street"},
    {"清源街", "Qingyuan Street"},
};
#define ROAD_ROW 0
#define ROAD_COLUMN 9
#define ROAD_RING 18
#define ROAD_LOCAL 19
_Static_assert(
    sizeof roads / sizeof *roads == ROAD_LOCAL + SHAPE_CELLS, "one street a cell");

static const struct {
    struct shape_name name;
    const char *code;
} districts[SHAPE_DISTRICTS] = {
    {{"小店区", "Xiaodian District"}, "140105"},
    {{"迎泽区", "Yingze District"}, "140106"},
    {{"杏花岭区", "Xinghualing District"}, "140107"},
    {{"尖草坪区", "Jiancaoping District"}, "140108"},
    {{"万柏林区", "Wanbailin District"}, "140109"},
    {{"晋源区", "Jinyuan District"}, "140110"},
    {{"绕城高速", "Ring Motorway"}, "140199"},
};

struct shape_name
shape_road(int road)
{
    must(road >= 0 && road < shape_roads());
    return roads[road];
}

int
shape_roads(void)
{
    return (int)(sizeof roads / sizeof *roads);
}

struct shape_name
shape_district(int d)
{
    must(d >= 0 && d < SHAPE_DISTRICTS);
    return districts[d].name;
}

const char *
shape_district_code(int d)
{
    must(d >= 0 && d < SHAPE_DISTRICTS);
    return districts[d].code;
}

/* ---- geometry ---- */

int32_t
shape_lon(int32_t x_m) /* 87,900 m a degree at 37.87 N */
{
    return 1125500000 + (int32_t)((int64_t)x_m * 10000000 / 87900);
}

int32_t
shape_lat(int32_t y_m)
{
    return 378700000 + (int32_t)((int64_t)y_m * 10000000 / 111000);
}

static int32_t
isqrt(int64_t v)
{
    int64_t r = 0, bit = INT64_C(1) << 40;
    while (bit > v)
        bit >>= 2;
    while (bit) {
        if (v >= r + bit) {
            v -= r + bit;
            r = (r >> 1) + bit;
        } else {
            r >>= 1;
        }
        bit >>= 2;
    }
    return (int32_t)r;
}

int32_t
shape_dist(int32_t x0, int32_t y0, int32_t x1, int32_t y1)
{
    int64_t dx = x1 - x0, dy = y1 - y0;
    return isqrt(dx * dx + dy * dy);
}

uint8_t
shape_direction(int32_t dx, int32_t dy)
{
    int32_t ax = abs(dx), ay = abs(dy);
    if (ay * 12 < ax * 5)
        return dx > 0 ? 1 : 2;
    if (ax * 12 < ay * 5)
        return dy > 0 ? 4 : 3;
    if (dx > 0)
        return dy > 0 ? 5 : 7;
    return dy > 0 ? 8 : 6;
}

/* Which district a point belongs to: the river runs between columns 3 and 4. */
static uint8_t
district_of(const struct shape *s, int32_t x, int32_t y)
{
    bool west = x < (s->gx[3] + s->gx[4]) / 2;
    if (y > s->gy[west ? 6 : 7] - 200)
        return 3;
    if (west)
        return y > s->gy[3] - 200 ? 4 : 5;
    if (y > s->gy[5] - 200)
        return 2;
    return y > s->gy[3] - 200 ? 1 : 0;
}

/* ---- nodes and edges ---- */

int
shape_ring_inner(int i)
{
    must(i >= 0 && i < SHAPE_RING);
    if (i < 8)
        return i; /* south side, eastwards */
    if (i < 16)
        return (i - 8) * 9 + 8;
    if (i < 24)
        return 8 * 9 + 8 - (i - 16);
    return (8 - (i - 24)) * 9;
}

int
shape_ring_near(const struct shape *s, int node)
{
    int best = 0;
    int32_t best_m = INT32_MAX;
    for (int i = 0; i < SHAPE_RING; i++) {
        int32_t d = shape_dist(
            s->node[SHAPE_GRID + i].x, s->node[SHAPE_GRID + i].y, s->node[node].x,
            s->node[node].y);
        if (d < best_m) {
            best_m = d;
            best = i;
        }
    }
    return best;
}

static int
edge_index(int a, int b)
{
    int lo = a < b ? a : b, hi = a < b ? b : a;
    if (hi < SHAPE_GRID) {
        if (hi == lo + 1 && lo / 9 == hi / 9)
            return lo / 9 * 8 + lo % 9;
        if (hi == lo + 9)
            return 72 + lo;
        return -1;
    }
    if (lo < SHAPE_GRID)
        return shape_ring_inner(hi - SHAPE_GRID) == lo ? 144 + hi - SHAPE_GRID : -1;
    if (hi == lo + 1)
        return 176 + lo - SHAPE_GRID;
    if (lo == SHAPE_GRID && hi == SHAPE_NODES - 1)
        return 176 + SHAPE_RING - 1;
    return -1;
}

const struct shape_edge *
shape_edge_between(const struct shape *s, int a, int b)
{
    int e = edge_index(a, b);
    must(e >= 0);
    return &s->edge[e];
}

static void
lay_nodes(struct shape *s, uint64_t seed)
{
    for (int i = 0; i < SHAPE_LINES; i++) {
        s->gx[i] = (i - 4) * PITCH_X +
                   (int32_t)rnd_scale(rnd_hash(seed, WHAT_LINE, i), 501) - 250;
        s->gy[i] = (i - 4) * PITCH_Y +
                   (int32_t)rnd_scale(rnd_hash(seed, WHAT_LINE, 20 + i), 501) - 250;
    }
    for (int n = 0; n < SHAPE_GRID; n++) {
        s->node[n].x = s->gx[n % 9];
        s->node[n].y = s->gy[n / 9];
    }
    for (int i = 0; i < SHAPE_RING; i++) {
        int inner = shape_ring_inner(i);
        int32_t x = s->node[inner].x, y = s->node[inner].y, r = shape_dist(0, 0, x, y);
        s->node[SHAPE_GRID + i].x = x + (int32_t)((int64_t)x * RING_OUT_M / r);
        s->node[SHAPE_GRID + i].y = y + (int32_t)((int64_t)y * RING_OUT_M / r);
    }
}

static void
lay_edge(struct shape *s, int a, int b, int road, int free_kmh)
{
    struct shape_edge *e = &s->edge[edge_index(a, b)];
    int32_t dx = s->node[b].x - s->node[a].x, dy = s->node[b].y - s->node[a].y;
    *e = (struct shape_edge){
        .a = (uint8_t)a,
        .b = (uint8_t)b,
        .road = (uint8_t)road,
        .free_kmh = (uint8_t)free_kmh,
        .dir_ab = shape_direction(dx, dy),
        .dir_ba = shape_direction(-dx, -dy),
        .len_m = shape_dist(0, 0, dx, dy),
    };
}

static void
lay_edges(struct shape *s)
{
    for (int r = 0; r < 9; r++)
        for (int c = 0; c < 8; c++)
            lay_edge(s, r * 9 + c, r * 9 + c + 1, ROAD_ROW + r, 52);
    for (int r = 0; r < 8; r++)
        for (int c = 0; c < 9; c++)
            lay_edge(s, r * 9 + c, r * 9 + 9 + c, ROAD_COLUMN + c, 52);
    for (int i = 0; i < SHAPE_RING; i++) {
        int inner = shape_ring_inner(i);
        int road = i < 8 || (i >= 16 && i < 24) ? ROAD_COLUMN + inner % 9
                                                : ROAD_ROW + inner / 9;
        lay_edge(s, inner, SHAPE_GRID + i, road, 60);
    }
    for (int i = 0; i < SHAPE_RING; i++)
        lay_edge(s, SHAPE_GRID + i, SHAPE_GRID + (i + 1) % SHAPE_RING, ROAD_RING, 82);
}

/* ---- sites ---- */

struct layer {
    struct shape *s;
    uint64_t seed;
    int n; /* sites so far */
};

static struct shape_site *
lay_site(struct layer *l, int kind, int32_t x, int32_t y, int road)
{
    must(l->n < SHAPE_SITES);
    struct shape_site *t = &l->s->site[++l->n];
    *t = (struct shape_site){
        .x_m = x,
        .y_m = y,
        .lon = shape_lon(x),
        .lat = shape_lat(y),
        .kind = (uint8_t)kind,
        .city_pass = 3,
        .road = (uint8_t)road,
        .cross = SHAPE_NO_ROAD,
        .district = kind == SHAPE_RINGWAY ? 6 : district_of(l->s, x, y),
    };
    /* GA/T 1400 id: centre (division and 00), industry 01, type 121 (tollgate), number.
     */
    snprintf(
        t->code, sizeof t->code, "%s00%s%07d", districts[t->district].code, "01121",
        l->n);
    return t;
}

static struct shape_site *
lay_on_edge(struct layer *l, int e, int kind, int permille)
{
    struct shape_edge *g = &l->s->edge[e];
    int32_t ax = l->s->node[g->a].x, ay = l->s->node[g->a].y;
    int32_t bx = l->s->node[g->b].x, by = l->s->node[g->b].y;
    struct shape_site *t = lay_site(
        l, kind, ax + (bx - ax) * permille / 1000, ay + (by - ay) * permille / 1000,
        g->road);
    must(g->n < 4);
    g->at[g->n].site = (uint16_t)l->n;
    g->at[g->n].permille = (uint16_t)permille;
    g->n++;
    return t;
}

static uint16_t
bit(int dir)
{
    return (uint16_t)(1u << dir);
}

static void
lay_junctions(struct layer *l)
{
    /* All four approaches, three, or the two of one road. */
    static const uint16_t masks[8] = {30, 30, 30, 30, 28, 22, 6, 24};
    for (int n = 0; n < SHAPE_GRID; n++) {
        uint64_t h = rnd_hash(l->seed, WHAT_NODE, (uint64_t)n);
        struct shape_site *t = lay_site(
            l, SHAPE_JUNCTION, l->s->node[n].x, l->s->node[n].y, ROAD_ROW + n / 9);
        t->cross = (uint8_t)(ROAD_COLUMN + n % 9);
        t->dirs = masks[h & 7];
        t->lanes = (uint8_t)(2 + rnd_scale(h, 5));
        t->limit_kmh = 60;
        l->s->node_site[n] = (uint16_t)l->n;
    }
}

static void
lay_blocks(struct layer *l)
{
    for (int e = 0; e < 144; e++) {
        uint64_t h = rnd_hash(l->seed, WHAT_EDGE, (uint64_t)e);
        struct shape_edge *g = &l->s->edge[e];
        int n = rnd_scale(h, 10) < 4 ? 2 : 1;
        int other = g->a % 9 == g->b % 9 ? ROAD_ROW + g->a / 9 : ROAD_COLUMN + g->a % 9;
        for (int i = 1; i <= n; i++) {
            struct shape_site *t =
                lay_on_edge(l, e, SHAPE_MIDBLOCK, i * 1000 / (n + 1));
            t->cross = (uint8_t)other;
            t->dirs = bit(g->dir_ab) | bit(g->dir_ba);
            if ((h & 15) < 2)
                t->dirs = bit((h & 1) ? g->dir_ab : g->dir_ba);
            t->lanes = (uint8_t)(2 + (h >> 8) % 4);
            t->limit_kmh = 60;
        }
    }
}

static void
lay_ring(struct layer *l)
{
    for (int i = 0; i < SHAPE_RING; i++) {
        int e = 144 + i;
        struct shape_edge *g = &l->s->edge[e];
        struct shape_site *t = lay_on_edge(l, e, SHAPE_ENTRY, 450);
        t->dirs = bit(g->dir_ba);
        t->city_pass = 1;
        t->lanes = 3;
        t->limit_kmh = 70;
        t = lay_on_edge(l, e, SHAPE_EXIT, 550);
        t->dirs = bit(g->dir_ab);
        t->city_pass = 2;
        t->lanes = 3;
        t->limit_kmh = 70;
    }
    for (int i = 0; i < SHAPE_RING; i++)
        for (int j = 1; j <= 3; j++) {
            int e = 176 + i;
            struct shape_edge *g = &l->s->edge[e];
            struct shape_site *t = lay_on_edge(l, e, SHAPE_RINGWAY, j * 250);
            t->dirs = bit(g->dir_ab) | bit(g->dir_ba);
            t->lanes = (uint8_t)(3 + rnd_hash(l->seed, WHAT_EDGE, (uint64_t)e) % 2);
            t->limit_kmh = 100;
        }
}

/* Is a coordinate at least 130 m away from every zone border line? */
static bool
clear_of_zones(const struct shape *s, int32_t x, int32_t y)
{
    for (int z = 0; z < SHAPE_ZONES; z++) {
        const struct shape_zone *q = &s->zone[z];
        if (abs(x - q->x0) < 130 || abs(x - q->x1) < 130 || abs(y - q->y0) < 130 ||
            abs(y - q->y1) < 130)
            return false;
    }
    return true;
}

static void
lay_local(struct layer *l)
{
    struct shape *s = l->s;
    for (int i = 0; l->n < SHAPE_SITES; i++) {
        int cell = i % SHAPE_CELLS, r = cell / 8, c = cell % 8;
        int32_t x = 0, y = 0;
        uint64_t h = 0;
        for (uint64_t tries = 0; tries < 50; tries++) {
            h = rnd_hash(l->seed, WHAT_LOCAL, (uint64_t)i * 64 + tries);
            int32_t w = s->gx[c + 1] - s->gx[c], d = s->gy[r + 1] - s->gy[r];
            x = s->gx[c] + w * 15 / 100 +
                (int32_t)rnd_scale(h, (uint32_t)(w * 70 / 100));
            y = s->gy[r] + d * 15 / 100 +
                (int32_t)rnd_scale(rnd_mix(h), (uint32_t)(d * 70 / 100));
            if (clear_of_zones(s, x, y))
                break;
        }
        struct shape_site *t = lay_site(l, SHAPE_LOCAL, x, y, ROAD_LOCAL + cell);
        t->dirs = (h & 1) ? 6 : 24;
        t->lanes = (uint8_t)(1 + (h >> 1) % 2);
        t->limit_kmh = 40;
        must(s->cell_n[cell] < SHAPE_CELL_SITES);
        s->cell_site[cell][s->cell_n[cell]++] = (uint16_t)l->n;
    }
}

void
shape_site_name(const struct shape *s, int site, char *dst, size_t cap)
{
    const struct shape_site *t = &s->site[site];
    const char *road = roads[t->road].zh;
    const char *cross = t->cross == SHAPE_NO_ROAD ? "" : roads[t->cross].zh;
    switch ((enum shape_site_kind)t->kind) {
    case SHAPE_JUNCTION:
        snprintf(dst, cap, "%s与%s路口", road, cross);
        return;
    case SHAPE_MIDBLOCK:
        snprintf(dst, cap, "%s%s段%d号", road, cross, site);
        return;
    case SHAPE_ENTRY:
        snprintf(dst, cap, "%s进城口", road);
        return;
    case SHAPE_EXIT:
        snprintf(dst, cap, "%s出城口", road);
        return;
    case SHAPE_RINGWAY:
        snprintf(dst, cap, "%sK%d+%03d", road, site / 3, site % 3 * 250);
        return;
    case SHAPE_LOCAL:
        snprintf(dst, cap, "%s%d号", road, site);
        return;
    }
}

/* ---- zones, sections, segments ---- */

/* A line 42 % of the way from trunk line i to the next: no site of the trunk roads lies
 * near it. */
static int32_t
between(const int32_t *lines, int i)
{
    return lines[i] + (lines[i + 1] - lines[i]) * 42 / 100;
}

static void
lay_zones(struct shape *s)
{
    s->zone[0] = (struct shape_zone){
        .code = "Z1",
        .name = {"中心城区货车限行区", "central lorry ban"},
        .classes = "H1;H2;Q",
        .windows = "06:00-22:00",
        .x0 = between(s->gx, 1),
        .x1 = between(s->gx, 6),
        .y0 = between(s->gy, 1),
        .y1 = between(s->gy, 6),
        .windows_n = 1,
        .window = {{6 * 60, 22 * 60}},
    };
    s->zone[1] = (struct shape_zone){
        .code = "Z2",
        .name = {"长风商务区高峰限行", "Changfeng peak-hour ban"},
        .classes = "H;Q",
        .windows = "07:00-09:00;17:00-19:30",
        .x0 = between(s->gx, 3),
        .x1 = between(s->gx, 5),
        .y0 = between(s->gy, 0),
        .y1 = between(s->gy, 2),
        .windows_n = 2,
        .window = {{7 * 60, 9 * 60}, {17 * 60, 19 * 60 + 30}},
    };
}

/* Length along the way from the first site of the first edge to the last one of the
 * last edge, in the direction of travel. */
static void
measure_section(struct shape *s, struct shape_section *q)
{
    int last = q->nodes_n - 1;
    const struct shape_edge *g = shape_edge_between(s, q->nodes[0], q->nodes[1]);
    bool forward = g->a == q->nodes[0];
    int at = forward ? g->at[0].permille : 1000 - g->at[g->n - 1].permille;
    q->from_site = g->at[forward ? 0 : g->n - 1].site;
    q->len_m = g->len_m * (1000 - at) / 1000;
    for (int i = 1; i < last - 1; i++)
        q->len_m += shape_edge_between(s, q->nodes[i], q->nodes[i + 1])->len_m;
    g = shape_edge_between(s, q->nodes[last - 1], q->nodes[last]);
    forward = g->a == q->nodes[last - 1];
    at = forward ? g->at[g->n - 1].permille : 1000 - g->at[0].permille;
    q->to_site = g->at[forward ? g->n - 1 : 0].site;
    q->len_m += g->len_m * at / 1000;
    /* Both ends watch the way of travel. */
    const struct shape_edge *f = shape_edge_between(s, q->nodes[0], q->nodes[1]);
    s->site[q->from_site].dirs |= bit(f->a == q->nodes[0] ? f->dir_ab : f->dir_ba);
    s->site[q->to_site].dirs |= bit(forward ? g->dir_ab : g->dir_ba);
    q->road = g->road;
}

static void
lay_sections(struct shape *s)
{
    for (int i = 0; i < SHAPE_SECTIONS; i++) {
        struct shape_section *q = &s->section[i];
        q->nodes_n = 4;
        q->limit_kmh = i < 10 ? 100 : 60;
        for (int j = 0; j < 4; j++) {
            int node;
            if (i < 10)
                node = SHAPE_GRID + (i * 3 + j) % SHAPE_RING;
            else if (i < 15) /* rows 0 2 4 6 8, columns 1..4 or 4..7 */
                node = (i - 10) * 2 * 9 + ((i & 1) ? 4 : 1) + j;
            else
                node = (((i & 1) ? 4 : 1) + j) * 9 + (i - 15) * 2;
            q->nodes[(i & 1) ? 3 - j : j] = (uint8_t)node;
        }
        measure_section(s, q);
    }
}

/* 84 of the 144 trunk blocks are strict-parking segments. */
static void
lay_segments(struct shape *s, uint64_t seed)
{
    uint8_t order[144];
    struct rnd r = {rnd_hash(seed, WHAT_SEGMENT, 0)};
    for (int i = 0; i < 144; i++)
        order[i] = (uint8_t)i;
    for (int i = 143; i > 0; i--) {
        int j = (int)rnd_below(&r, (uint32_t)i + 1);
        uint8_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    memcpy(s->segment_edge, order, SHAPE_SEGMENTS);
}

void
shape_init(struct shape *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    struct layer l = {s, seed, 0};
    lay_nodes(s, seed);
    lay_edges(s);
    lay_zones(s);
    lay_junctions(&l);
    lay_blocks(&l);
    lay_ring(&l);
    lay_local(&l);
    lay_sections(s);
    lay_segments(s, seed);
}
