/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h - the ground of the demo city: roads, junctions, camera sites, ban zones,
 * average-speed sections, strict-parking segments, districts. Taiyuan's shape: nine
 * east-west and nine north-south trunk roads, a motorway ring and local streets in the
 * 64 cells between.
 *
 * Units    metres east and north of 112.55 E 37.87 N; listed positions in 1e-7 degree
 * WGS-84.
 * Owner    shape_init() fills the caller's struct; nothing is on the heap.
 * Threads  immutable after init.
 * See      docs/city.md. Road and subdistrict names are public facts; where they lie
 * here is invented.
 */
#ifndef TQ_CITY_SHAPE_H
#define TQ_CITY_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#define SHAPE_SITES 800
#define SHAPE_LINES 9 /* trunk roads each way */
/* Junctions of trunk roads: node row*9 + column, row 0 south, column 0 west. */
#define SHAPE_GRID 81
/* Ring junctions: node 81 + i, anticlockwise from the south-west. */
#define SHAPE_RING 32
#define SHAPE_NODES (SHAPE_GRID + SHAPE_RING)
#define SHAPE_EDGES 208 /* 72 east-west, 72 north-south, 32 spokes, 32 ring */
#define SHAPE_CELLS 64
#define SHAPE_ZONES 2
#define SHAPE_SECTIONS 20
#define SHAPE_SEGMENTS 84
#define SHAPE_DISTRICTS 7 /* six urban districts and the ring motorway */
#define SHAPE_CELL_SITES 12

enum shape_site_kind {
    SHAPE_JUNCTION,
    SHAPE_MIDBLOCK,
    SHAPE_ENTRY, /* on a spoke, into the city */
    SHAPE_EXIT,  /* on a spoke, out of it */
    SHAPE_RINGWAY,
    SHAPE_LOCAL,
};

struct shape_name {
    const char *zh, *en;
};

struct shape_site {
    int32_t x_m, y_m; /* where it stands */
    int32_t lon, lat; /* where the list says it stands, 1e-7 degree */
    uint8_t kind;     /* enum shape_site_kind */
    uint16_t dirs;    /* bit d: direction code d (GA/T 1400) is watched */
    uint8_t lanes, limit_kmh;
    uint8_t city_pass; /* 1 in, 2 out, 3 neither */
    uint8_t district;
    uint8_t road, cross; /* shape_road(); cross = SHAPE_NO_ROAD without one */
    char code[32];       /* 20-digit tollgate id */
};
#define SHAPE_NO_ROAD 255

struct shape_edge {
    uint8_t a, b; /* nodes; sites are listed from a to b */
    uint8_t road;
    uint8_t free_kmh; /* usual speed on the empty road */
    uint8_t dir_ab, dir_ba;
    uint8_t n;
    int32_t len_m;
    struct {
        uint16_t site;
        uint16_t permille; /* of the length, from a */
    } at[4];
};

struct shape_zone {
    const char *code;
    struct shape_name name;
    const char *classes; /* class prefixes, ';' between */
    const char *windows; /* civil "HH:MM-HH:MM", ';' between */
    int32_t x0, y0, x1, y1;
    uint8_t windows_n;
    struct {
        uint16_t from_min, to_min; /* minutes of the day */
    } window[3];
};

/* An average-speed section: from a site on its first edge to one on its last. */
struct shape_section {
    uint8_t nodes[6]; /* the way, first to last node */
    uint8_t nodes_n;
    uint16_t from_site, to_site;
    int32_t len_m;
    uint8_t limit_kmh;
    uint8_t road;
};

struct shape {
    int32_t gx[SHAPE_LINES], gy[SHAPE_LINES];
    struct {
        int32_t x, y;
    } node[SHAPE_NODES];
    struct shape_edge edge[SHAPE_EDGES];
    struct shape_site site[SHAPE_SITES + 1]; /* [1..]; 0 = none */
    uint16_t node_site[SHAPE_GRID];
    uint16_t cell_site[SHAPE_CELLS][SHAPE_CELL_SITES];
    uint8_t cell_n[SHAPE_CELLS];
    struct shape_zone zone[SHAPE_ZONES];
    struct shape_section section[SHAPE_SECTIONS];
    uint8_t segment_edge[SHAPE_SEGMENTS];
};

void shape_init(struct shape *s, uint64_t seed);

/* Edge between two neighbouring nodes; they must be neighbours. */
const struct shape_edge *shape_edge_between(const struct shape *s, int a, int b);
/* The grid node at the inner end of ring junction i (0..31), and the ring junction
 * nearest to a node. */
int shape_ring_inner(int i);
int shape_ring_near(const struct shape *s, int node);

struct shape_name shape_road(int road);
int shape_roads(void);
struct shape_name shape_district(int d);
/* Six-digit division code of a district ("140106"). */
const char *shape_district_code(int d);
/* Site name for people: "迎泽大街与解放路路口". dst of 96 bytes. */
void shape_site_name(const struct shape *s, int site, char *dst, size_t cap);

int32_t shape_lon(int32_t x_m);
int32_t shape_lat(int32_t y_m);
/* Whole metres between two points, rounded down. */
int32_t shape_dist(int32_t x0, int32_t y0, int32_t x1, int32_t y1);
/* GA/T 1400 direction code of a movement by (dx, dy). */
uint8_t shape_direction(int32_t dx, int32_t dy);

#endif
