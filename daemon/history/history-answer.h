/* SPDX-License-Identifier: MIT */
/* Questions to the history, and imports: how their jobs end. They begin in output-history.h. */
#pragma once

#include "history-work.h"

/* A HISTORY_JOB_READ is done: its question is answered. */
void history_answer_done(struct output_sink *s, struct history_job *job);
/* A HISTORY_JOB_IMPORT is done: its caller gets the result. */
void history_import_done(struct output_sink *s, struct history_job *job);
/* Ends every open question and import with -ECANCELED. */
void history_answer_cancel(struct output_sink *s);
