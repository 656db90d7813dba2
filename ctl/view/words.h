/* SPDX-License-Identifier: MIT */
/*
 * Messages of the service in the user's language. On the bus stand codes and English sentences;
 * here each code has a sentence in the catalogues. Where the catalogue of the language lacks it
 * (and in English) the service's own is used, which knows the particulars.
 */
#pragma once

struct json_object;

/* Why a converter is in its state: of its StateCode, or its StateReason. May live in the object. */
const char *words_reason(struct json_object *converter);
/* The error of an output: of its LastErrorCode, or its LastError; "" when all is well. */
const char *words_error(struct json_object *output);
/* A state of the service, a converter, a meter or a key: "receiving" → "empfängt". */
const char *words_state(const char *state);
/* The fix for a port that the kernel uses as its console. */
const char *words_console_fix(void);
