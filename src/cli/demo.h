/* SPDX-License-Identifier: Apache-2.0 */
/* demo.h - what the demo city must remember between runs: its options and its senders'
 * secrets.
 *
 * Shape    DIR/data/demo.json, mode 0640, read by the service process and by the
 * simulator.
 * Owner    texts live in the struct.
 */
#ifndef TQ_CLI_DEMO_H
#define TQ_CLI_DEMO_H

#include "city/city.h"
#include "daemon/door.h"

#define DEMO_FILE "demo.json"
#define DEMO_CAMERAS                                                                   \
    "14010000005030000001" /* GA/T 1400 id of the demo's camera platform */
#define DEMO_UNITS "demo-units"

struct demo {
    const char *dir;
    struct city_opts city;
    bool real; /* made of real trips: no simulator */
    char camera_secret[33], unit_secret[33];
};
void demo_secrets(struct demo *d); /* fresh ones */
enum err demo_write(const char *file, const struct demo *d, struct note *note) MUST_USE;
enum err demo_read(const char *file, struct demo *d, struct note *note) MUST_USE;
/* Makes the directories above and at dir. */
enum err demo_parents(const char *dir, struct note *note) MUST_USE;

#endif
