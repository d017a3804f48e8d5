/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - MotorVehicle JSON. */
#include "city/message.h"

#include <stdio.h>
#include <string.h>

static const struct zone civil_zone = {"Asia/Shanghai", 480};

void
message_camera(const struct city *c, int site, char dst[32])
{
    snprintf(dst, 32, "%s", c->shape.site[site].code);
    memcpy(dst + 10, "119", 3); /* 8 centre, 2 industry, 3 type, 7 number */
}

char *
message_id(const struct city *c, const struct city_rec *r, char dst[MESSAGE_ID])
{
    char camera[32], time[TS_TEXT];
    message_camera(c, r->site, camera);
    ts_format_viid(time, r->time_ms, &civil_zone, false);
    /* The five-digit number: milliseconds of the second and the last of the counter. */
    unsigned n = (unsigned)(r->time_ms % 1000) * 100 + r->seq % 100u;
    snprintf(dst, MESSAGE_ID, "%.20s02%.14s%05u02%05u", camera, time, n, n);
    return dst;
}

struct picture_look
message_look(const struct city *c, const struct city_rec *r)
{
    struct fleet_vehicle v = plan_look(&c->plan, r->car);
    bool covered = r->car < c->fleet.n && c->plan.part[r->car] == PART_OBSCURED;
    struct picture_look look = {
        .plate = covered ? "" : c->fleet.plate[r->worn],
        .plate_color = v.plate_color,
        .vehicle_color = v.vehicle_color,
        .brand = v.brand,
        .damage = (uint8_t)plan_damage(&c->plan, r->car, r->true_ms),
        .time_ms = r->time_ms,
        .site = c->shape.site[r->site].code,
        .lane = r->lane,
        .speed_kmh = r->speed_kmh,
    };
    static const char *const classes[] = {"K33", "K32", "K39", "K31", "K21", "K11",
                                          "H31", "H32", "H11", "H12", "H13", "H14",
                                          "H15", "H17", "H19", "Q11"};
    look.vehicle_class = "K33";
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(v.vehicle_class, classes[i]) == 0)
            look.vehicle_class = classes[i];
    return look;
}

void
message_base64(struct buf *b, struct span bytes)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = (bytes.n + 2) / 3 * 4;
    uint8_t *to = buf_room(b, n);
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (!to)
        return;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0);
        *to++ = (uint8_t)digit[v >> 18];
        *to++ = (uint8_t)digit[v >> 12 & 63];
        *to++ = left > 1 ? (uint8_t)digit[v >> 6 & 63] : '=';
        *to++ = left > 2 ? (uint8_t)digit[v & 63] : '=';
    }
    b->n += n;
}

void
message_begin(struct buf *b)
{
    buf_text(b, "{\"MotorVehicleListObject\":{\"MotorVehicleObject\":[");
}

void
message_end(struct buf *b)
{
    buf_text(b, "]}}");
}

/* GA/T 1400.4 has true and false; the cameras of an old release among them, one site in
 * forty, write digits in quotes, as many in the field do. */
static const char *
truth(const struct city_rec *r, bool value)
{
    if (r->site % 40 == 7)
        return value ? "\"1\"" : "\"0\"";
    return value ? "true" : "false";
}

/* The plate as GA/T 1400 writes it: '-' for an unread character. */
static void
put_plate(struct buf *b, const struct city_rec *r)
{
    char plate[FLEET_PLATE];
    if (r->read == CITY_UNREAD) {
        buf_fmt(b, "\"HasPlate\":%s,\"PlateNo\":\"无车牌\",", truth(r, false));
        return;
    }
    memcpy(plate, r->plate, sizeof plate);
    for (char *p = plate; *p; p++)
        if (*p == '?')
            *p = '-';
    buf_fmt(b, "\"HasPlate\":%s,\"PlateNo\":\"%s\",", truth(r, true), plate);
}

static void
put_picture(
    struct buf *b, const char *id, const char *camera, const char *time,
    struct span jpeg)
{
    buf_fmt(
        b,
        "\"SubImageList\":{\"SubImageInfoObject\":[{\"ImageID\":\"%.41s\","
        "\"EventSort\":1,"
        "\"DeviceID\":\"%s\",\"StoragePath\":\"\",\"Type\":\"01\",\"FileFormat\":"
        "\"Jpeg\","
        "\"ShotTime\":\"%s\",\"Width\":%d,\"Height\":%d,\"Data\":\"",
        id, camera, time, PICTURE_WIDTH, PICTURE_HEIGHT);
    message_base64(b, jpeg);
    buf_text(b, "\"}]},");
}

void
message_vehicle(
    struct buf *b, const struct city *c, const struct city_rec *r, struct span picture,
    bool first)
{
    char id[MESSAGE_ID], camera[32], time[TS_TEXT], record[CITY_RECORD_ID];
    message_id(c, r, id);
    message_camera(c, r->site, camera);
    ts_format_viid(time, r->time_ms, &civil_zone, true);
    buf_fmt(
        b,
        "%s{\"MotorVehicleID\":\"%s\",\"InfoKind\":1,\"SourceID\":\"%.41s\","
        "\"TollgateID\":\"%s\",\"DeviceID\":\"%s\",\"LeftTopX\":200,\"LeftTopY\":100,"
        "\"RightBtmX\":440,\"RightBtmY\":320,\"MarkTime\":\"%s\",\"PassTime\":\"%s\","
        "\"LaneNo\":%u,\"Direction\":\"%u\",\"Speed\":%u,",
        first ? "" : ",", id, id, c->shape.site[r->site].code, camera, time, time,
        r->lane, r->direction, r->speed_kmh);
    put_plate(b, r);
    if (r->plate_color != CITY_NO_COLOR)
        buf_fmt(b, "\"PlateColor\":\"%u\",", r->plate_color);
    if (r->brand)
        buf_fmt(b, "\"VehicleBrand\":\"%u\",", r->brand);
    if (picture.n)
        put_picture(b, id, camera, time, picture);
    else
        buf_fmt(b, "\"StorageUrl1\":\"kk/%s.jpg\",", city_record_id(r, record));
    buf_fmt(
        b,
        "\"PlateReliability\":\"%u\",\"VehicleClass\":\"%s\",\"VehicleColor\":\"%u\"}",
        r->confidence, r->vehicle_class, r->vehicle_color);
}
