/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h - what each column of the segments costs. */
#ifndef TQ_BENCH_COLUMNS_H
#define TQ_BENCH_COLUMNS_H

/* Prints bits a pass of every column of the segments under an engine's directory. */
void columns_print(const char *dir);

#endif
