/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - records of the city as GA/T 1400 MotorVehicle objects, as a camera
 * platform sends them.
 *
 * Owner    text is appended to the caller's buffer.
 * Threads  pure functions.
 * See      GA/T 1400.3 MotorVehicle, SubImageInfo; the daemon's own decoder is
 * feeds/proto/viid.c.
 */
#ifndef TQ_CITY_MESSAGE_H
#define TQ_CITY_MESSAGE_H

#include "city/city.h"
#include "city/picture.h"

#define MESSAGE_ID 49 /* MotorVehicleID: 48 characters and a NUL */

/* {"MotorVehicleListObject":{"MotorVehicleObject":[ ... ]}}: begin, objects, end. */
void message_begin(struct buf *b);
/* One object; first = none before it in this list. `picture` (JPEG) may be empty. */
void message_vehicle(
    struct buf *b, const struct city *c, const struct city_rec *r, struct span picture,
    bool first);
void message_end(struct buf *b);

/* The MotorVehicleID of a record: device, "02", time, number, "02", number. */
char *message_id(const struct city *c, const struct city_rec *r, char dst[MESSAGE_ID]);
/* DeviceID of the camera at a site: its tollgate id with the type 119. */
void message_camera(const struct city *c, int site, char dst[32]);
/* What the picture of a record shows: the car itself, not what the camera read. */
struct picture_look message_look(const struct city *c, const struct city_rec *r);

void message_base64(struct buf *b, struct span bytes);

#endif
