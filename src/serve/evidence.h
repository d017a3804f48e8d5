/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.h - passes and their pictures as a signed archive that can be read without
 * this program (证据包): of an alarm, or of passes named one by one.
 *
 *   index.html     readable in both languages: what, who asked, why; each pass with
 *                  both clocks and the error rates of its camera; least travel times;
 *                  what else could explain an alarm; how to check
 *   passes.csv     the same passes
 *   pictures/      as the cameras gave them
 *   clips/         outside video of the matter and its marked frames; clips.csv,
 *                  frames.csv; outside.txt names by hash the clips that are too large
 *   manifest.txt   BLAKE2b-256, size and name of each file above
 *   manifest.sig   signature over the manifest by the key of the audit record
 *
 * Owner    the archive is appended to the caller's buffer.
 * Threads  a query thread, with its own reader.
 * Errors   as looks.h; ERR_NOTFOUND: a pass or alarm that is not there; ERR_TOOBIG:
 * more than 256 MB of pictures.
 * See      docs/evidence.md; `tongqu-verify FILE.zip`.
 */
#ifndef TQ_SERVE_EVIDENCE_H
#define TQ_SERVE_EVIDENCE_H

#include "serve/looks.h"
#include "store/ledger_alarm.h"

#define EVIDENCE_PASSES LOOK_IDS

struct evidence_ask {
    struct look_request who; /* its window is filled from the passes */
    struct span matter;      /* number, for the index; empty none */
    struct span title, remark;
    const struct alarm *alarm; /* NULL: ids */
    uint64_t alarm_matter;     /* holds the alarm's passes past their days; 0 none */
    const struct sighting_id *ids;
    size_t ids_n;
    bool no_clips; /* leave out the video that the matter keeps */
};

enum err evidence_run(
    const struct house *house, struct ledger_reader *reader,
    const struct evidence_ask *ask, struct arena *arena, struct buf *out,
    struct look_row *row, struct note *note) MUST_USE;

#endif
