/* SPDX-License-Identifier: Apache-2.0 */
/* trips.h - a real network with real trips as a city directory: every node becomes a
 * site, every edge a trip drives ends in a pass at its last node.
 *
 * Shape    reads nodes.csv, edges.csv and trips*.csv (each also as .csv.gz):
 * node_id,lon,lat; edge_id,from_node,to_node,lanes,speed_mps,length_m,polyline;
 * trip_id,depart_s,edges. Writes sites.csv, sightings.csv (in order of arrival) and
 * roads.geojson.
 * Units    the trips' clock begins at `start`; the plates are invented, one per trip;
 * speeds are the file's free speed times a fixed factor per trip, not measurements.
 * Owner    nothing is kept.
 * Errors   ERR_NOTFOUND a file is not there; ERR_INPUT none of its rows could be read;
 * ERR_IO; ERR_NOMEM. Rows that cannot be read are counted and passed over.
 * See      docs/city.md "Real trips"; trips_test.c.
 */
#ifndef TQ_CITY_TRIPS_H
#define TQ_CITY_TRIPS_H

#include "core/civil.h"

struct trips_sum {
    uint64_t sites, edges, trips, passes, skipped;
    ts_ms first_ms, last_ms;
};
enum err trips_write(
    const char *from, const char *out, ts_ms start, struct trips_sum *sum,
    struct note *note) MUST_USE;
/* 17:00 of the latest Monday to Friday whose trips are all over at `now` (four hours
 * later). */
ts_ms trips_start(ts_ms now, const struct zone *z);

#endif
