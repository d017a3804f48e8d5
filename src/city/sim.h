/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - the live simulator: a demo city's cameras and police units, which speak to
 * the daemon only over HTTP. Cameras send GA/T 1400 MotorVehicles through registered
 * platforms; units report positions.
 *
 * Shape    the city of the options goes on living at the present moment: natural
 * traffic of this hour, and small scenes so that alarms of every kind appear. Real time
 * only: twice the traffic is a city with twice the records a day.
 * Owner    sim_run() owns everything it makes until it returns.
 * Threads  blocks its caller; `stop` may be set by another thread. Reads the clock.
 * Errors   ERR_INPUT (no device, an option), ERR_NOMEM, ERR_IO (the daemon never
 * answered), ERR_AUTH (it refused the sign-in).
 * See      docs/city.md, "The live simulator"; GA/T 1400.4.
 */
#ifndef TQ_CITY_SIM_H
#define TQ_CITY_SIM_H

#include <stdatomic.h>

#include "city/city.h"
#include "city/stage.h"

struct sim_device {
    const char *code;             /* DeviceID, 20 digits */
    const char *login, *password; /* Digest */
};

struct sim_opts {
    /* The same as the history was written with (days and from_ms too), so that the same
     * vehicles drive on; out, until_ms and progress are not read. */
    struct city_opts city;
    const char *host;
    int port; /* where /VIID is, plain HTTP */
    const struct sim_device *devices;
    size_t devices_n; /* sites are shared out among them */
    int fixes_port;   /* where /api/v1/fixes is, plain HTTP; 0 = units do not report */
    const char *fixes_key;  /* bearer key of a device of protocol "fixes" */
    int64_t run_ms;         /* 0 = until stopped */
    int wait_ms;            /* how long to try for the first answer; 0 = 30 s */
    uint32_t picture_every; /* one natural record in so many has a picture; 0 = 25 */
    bool no_scenes;
    const atomic_bool *stop; /* may be NULL */
    void (*tell)(
        void *ctx, const char *line); /* what happens, for people; may be NULL */
    void *tell_ctx;
};

struct sim_counts {
    uint64_t sent, with_picture, refused; /* records; refused: the answer said not OK */
    uint64_t posts, failed, registered, beats;
    uint64_t fixes, fixes_failed;
    uint64_t scenes[STAGE_KINDS];
};

/* `counts` may be NULL; written when it ends, also on failure. */
enum err sim_run(
    const struct sim_opts *o, struct sim_counts *counts, struct note *note) MUST_USE;

#endif
