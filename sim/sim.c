/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profiles.h"

/* A frame counter that begins here grows by one per second and lasts for 68 years. */
#define COUNTER_EPOCH_S 1600000000

const uint8_t sim_default_key[SIM_KEY_BYTES] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                                 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f };

const uint8_t sim_default_auth_key[SIM_KEY_BYTES] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                                                      0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
                                                      0xcc, 0xdd, 0xee, 0xff };

const struct sim_profile *const sim_profiles[] = {
        &sim_profile_lgz_e450,
        &sim_profile_lgz_e450_styria,
        &sim_profile_lgz_e450_values,
        &sim_profile_lgz_e570,
        &sim_profile_lgz_e360,
        &sim_profile_iskra_am550,
        &sim_profile_iskra_am550_romandy,
        &sim_profile_iskra_am550_si,
        &sim_profile_kamstrup_omnipower,
        &sim_profile_kamstrup_2017,
        &sim_profile_aidon,
        &sim_profile_kaifa_no,
        &sim_profile_xt211,
        &sim_profile_kaifa_ma309,
        &sim_profile_sagemcom_t210d,
        &sim_profile_raw,
        &sim_profile_lgz_e360_p1,
        &sim_profile_dsmr5,
        &sim_profile_emucs,
        &sim_profile_luxembourg,
        &sim_profile_sml,
        &sim_profile_d0,
        &sim_profile_tic,
        &sim_profile_tic_standard,
        &sim_profile_mode_c,
        &sim_profile_siemens_td3511,
        &sim_profile_siemens_amis,
        NULL,
};

const struct sim_profile *sim_profile_find(const char *name)
{
        for (size_t i = 0; sim_profiles[i]; i++)
                if (strcmp(sim_profiles[i]->name, name) == 0)
                        return sim_profiles[i];
        return NULL;
}

unsigned int sim_line_bits_per_byte(const struct sim_line *line)
{
        return 1 + line->bits + (line->parity == 'N' ? 0 : 1) + line->stop;
}

int64_t sim_line_usec(const struct sim_line *line, size_t n)
{
        return (int64_t)n * sim_line_bits_per_byte(line) * 1000000 / line->baud;
}

/* The digits of the id, and the system title: manufacturer and their low 40 bits, as L+G,
 * Iskraemeco and Kamstrup make it. */
static void derive_names(struct sim_meter *meter)
{
        uint64_t number = 0;
        size_t n = 0;

        for (const char *p = meter->id; *p; p++) {
                if (!isdigit((unsigned char)*p))
                        continue;
                number = number * 10 + (uint64_t)(*p - '0');
                meter->serial[n++] = *p;
        }
        meter->serial[n] = '\0';
        memcpy(meter->cipher.title, meter->profile->flag, 3);
        for (int i = 0; i < 5; i++)
                meter->cipher.title[7 - i] = (uint8_t)(number >> (8 * i));
}

int sim_meter_init(struct sim_meter *meter, const struct sim_profile *profile,
                   const struct sim_options *options, struct sim_clock clock)
{
        int n;

        *meter = (struct sim_meter){ .profile = profile, .gbt = options->gbt };
        if (options->meter_id)
                n = snprintf(meter->id, sizeof(meter->id), "%s", options->meter_id);
        else
                n = snprintf(meter->id, sizeof(meter->id), "%s%06u", profile->id_prefix,
                             (unsigned int)(options->seed % 1000000));
        if (n < 0 || (size_t)n >= sizeof(meter->id))
                return -EINVAL;

        derive_names(meter);
        sim_load_init(&meter->load, options->seed, clock);
        meter->encrypts = profile->control && !options->plain &&
                          (options->encrypt || profile->always_ciphered);
        meter->cipher.form = options->form ? options->form : SIM_CIPHER_GLO;
        meter->cipher.control = options->control ? options->control : profile->control;
        memcpy(meter->cipher.key, options->encrypt ? options->key : sim_default_key, SIM_KEY_BYTES);
        memcpy(meter->cipher.auth_key,
               options->has_auth_key ? options->auth_key : sim_default_auth_key, SIM_KEY_BYTES);
        return 0;
}

int sim_meter_telegram(struct sim_meter *meter, struct sim_clock clock, struct sim_telegram *ret)
{
        uint32_t counter = meter->cipher.counter + 1;

        sim_load_advance(&meter->load, clock);
        if (clock.epoch_s - COUNTER_EPOCH_S > counter)
                counter = (uint32_t)(clock.epoch_s - COUNTER_EPOCH_S);
        meter->cipher.counter = counter;
        meter->sent++;

        /* Only the counts: the arrays are written before they are read. */
        ret->wire.out.len = ret->wire.n_frames = 0;
        ret->n_values = ret->n_texts = 0;
        ret->meter_id[0] = '\0';
        ret->encrypted = meter->encrypts;
        ret->has_time = false;
        ret->zone = SIM_ZONE_NONE;
        ret->clock = clock;
        return meter->profile->encode(meter, ret);
}

void sim_note_value(struct sim_telegram *t, const uint8_t obis[static 6], int64_t mantissa,
                    int exponent, const char *unit)
{
        struct sim_value *value = &t->values[t->n_values++];

        assert(t->n_values <= SIM_VALUES_MAX);
        *value = (struct sim_value){ .mantissa = mantissa, .exponent = exponent, .unit = unit };
        memcpy(value->obis, obis, 6);
}

static struct sim_text *note(struct sim_telegram *t, const char *text)
{
        struct sim_text *note = &t->texts[t->n_texts++];

        assert(t->n_texts <= SIM_TEXTS_MAX && strlen(text) < SIM_TEXT_MAX);
        *note = (struct sim_text){ 0 };
        strcpy(note->text, text);
        return note;
}

void sim_note_text(struct sim_telegram *t, const uint8_t obis[static 6], const char *text)
{
        memcpy(note(t, text)->obis, obis, 6);
}

void sim_note_label(struct sim_telegram *t, const char *label, const char *text)
{
        note(t, text)->label = label;
}
