/* SPDX-License-Identifier: Apache-2.0 */
/* codes.h - the code tables of GA/T 1400 and GA 24 that a sighting and a vehicle carry.
 *
 * Shape    a code3 is up to three ASCII letters or digits packed base 37 (0 = none), so
 * it fits 16 bits, sorts by text and needs no table to be kept as it came.
 * Threads  constant tables.
 * See      GA/T 1400.3 (ColorType, Direction, PlateClass), GA 24.4 vehicle class, GA
 * 24.7 plate class, GA 24.8 body colour.
 */
#ifndef TQ_MODEL_CODES_H
#define TQ_MODEL_CODES_H

#include "core/span.h"

typedef uint16_t code3;

#define CODE3_TEXT 4
/* False when s is longer than 3 or has other characters (letters are upper-cased). ""
 * gives 0. */
bool code3_parse(struct span s, code3 *out);
char *code3_format(char *dst, code3 c); /* dst[CODE3_TEXT] */

/* ColorType (颜色): plate and body; 0 = unread. */
enum color {
    COLOR_UNREAD = 0,
    COLOR_BLACK = 1,
    COLOR_WHITE = 2,
    COLOR_GRAY = 3,
    COLOR_RED = 4,
    COLOR_BLUE = 5,
    COLOR_YELLOW = 6,
    COLOR_ORANGE = 7,
    COLOR_BROWN = 8,
    COLOR_GREEN = 9,
    COLOR_PURPLE = 10,
    COLOR_CYAN = 11,
    COLOR_PINK = 12,
    COLOR_CLEAR = 13,
    COLOR_OTHER = 99,
};

/* Direction (行驶方向): where the vehicle goes. 0 = unknown. */
enum direction {
    DIR_UNKNOWN = 0,
    DIR_EAST = 1,
    DIR_WEST = 2,
    DIR_SOUTH = 3,
    DIR_NORTH = 4,
    DIR_NORTHEAST = 5,
    DIR_SOUTHWEST = 6,
    DIR_SOUTHEAST = 7,
    DIR_NORTHWEST = 8,
    DIR_OTHER = 9,
};

/* One row of a code table for faces and documents. */
struct code_row {
    const char *code;
    const char *zh, *en;
};
struct code_table {
    const char *name; /* "plate_color", "vehicle_class", "direction" ... */
    const struct code_row *rows;
    size_t n;
};
/* All tables, ended by a NULL name. */
const struct code_table *code_tables(void);
const struct code_row *code_find(const char *table, struct span code);

/* Vendor colour maps (facts/sightings.md 4.6: hpys differs by vendor): the ColorType of
 * a vendor's plate-colour code under a named map ("gat1400", "sdk0", "ui1", ...).
 * COLOR_UNREAD when unknown. */
struct color_map {
    const char *name;
    const char *zh, *en;
    uint8_t to[16];
};
const struct color_map *color_map_find(struct span name); /* NULL when there is none */
const struct color_map *color_map_at(size_t i);           /* NULL past the end */

/* Registry body colour letter (GA 24.8) to ColorType and back; 0 when none. */
uint8_t color_of_ga24(char letter);
char color_to_ga24(uint8_t color);

/* Families used by rules: truck (H*, Q*), coach/bus (K1*, K2*), dangerous goods by use
 * nature. */
bool class_is_truck(code3 vehicle_class);
bool class_is_coach(code3 vehicle_class);
/* Can a vehicle of registered class a be read as class b without contradiction (same
 * family and neighbouring size)? Unread (0) never contradicts. */
bool class_agrees(code3 registered, code3 read);
bool color_agrees(
    uint8_t registered, uint8_t read); /* white/grey, blue/green at night ... */

#endif
