/* SPDX-License-Identifier: MIT */
/*
 * Writes the synthetic telegrams of the profiles, and of meters that need none, into the sources:
 * make-sim-files ROOT. Run it after an encoder changed, and look at what changed in the files. The
 * expectations come from what the encoder noted, not from the decoder.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "sim-files.h"

static const struct sim_file files[] = {
        { "profiles/lgz-e450/plain", "lgz-e450", 0, 0, 0 },
        { "profiles/lgz-e450/glo30", "lgz-e450", 0x30, SIM_CIPHER_GLO, 5 },
        { "profiles/lgz-e450/ded30", "lgz-e450", 0x30, SIM_CIPHER_DED, 10 },
        { "profiles/lgz-e450/general30", "lgz-e450", 0x30, SIM_CIPHER_GENERAL, 15 },
        { "profiles/lgz-e450/styria", "lgz-e450-styria", 0, 0, 0 },
        { "profiles/lgz-e450/burgenland", "lgz-e450-burgenland", 0, 0, 0 },
        { "profiles/lgz-e570/plain", "lgz-e570", 0, 0, 0 },
        { "profiles/lgz-e570/glo20", "lgz-e570", 0x20, SIM_CIPHER_GLO, 5 },
        { "profiles/lgz-e360/plain", "lgz-e360", 0, 0, 0 },
        { "profiles/lgz-e360/glo30", "lgz-e360", 0x30, SIM_CIPHER_GLO, 5 },
        { "profiles/lgz-e360/p1", "lgz-e360-p1", 0, 0, 0 },
        { "profiles/iskra-am550/plain", "iskra-am550", 0, 0, 0 },
        { "profiles/iskra-am550/glo30", "iskra-am550", 0x30, SIM_CIPHER_GLO, 5 },
        { "tests/telegrams/iskra-am550-romandy", "iskra-am550-romandy", 0, 0, 0 },
        { "profiles/iskra-am550/si", "iskra-am550-si", 0, 0, 0 },
        { "profiles/kamstrup-omnipower/plain", "kamstrup-omnipower", 0, 0, 0 },
        { "profiles/kamstrup-omnipower/glo30", "kamstrup-omnipower", 0x30, SIM_CIPHER_GLO, 0 },
        { "profiles/kamstrup-omnipower/2017", "kamstrup-2017", 0, 0, 0 },
        { "profiles/aidon-han/nve-list3", "aidon", 0, 0, 0 },
        { "profiles/kaifa-ma304/nve-list3", "kaifa-no", 0, 0, 0 },
        { "profiles/kaifa-ma309/glo20", "kaifa-ma309", 0, 0, 0 },
        { "profiles/kaifa-ma309/glo21", "kaifa-ma309", 0x21, SIM_CIPHER_GLO, 5 },
        { "profiles/sagemcom-t210d/overflow", "sagemcom-t210d", 0, 0, 0 },
        { "tests/telegrams/sagemcom-t210d-luxembourg", "luxembourg", 0, 0, 0 },
        { "profiles/sagemcom-xt211/plain", "sagemcom-xt211", 0, 0, 0 },
        { "profiles/iskra-am550/raw", "raw", 0, 0, 0 },
        { "profiles/iskra-am550/dsmr5", "dsmr5", 0, 0, 0 },
        { "tests/telegrams/sagemcom-s211-emucs", "emucs", 0, 0, 0 },
        { "tests/telegrams/emh-mme40-sml", "sml", 0, 0, 0 },
        { "tests/telegrams/ebz-dd3-d0", "d0", 0, 0, 0 },
        { "tests/telegrams/linky-tic-historical", "tic", 0, 0, 0 },
        { "tests/telegrams/linky-tic-standard", "tic-standard", 0, 0, 0 },
        { "tests/telegrams/lgz-zmd310-mode-c", "mode-c", 0, 0, 0 },
        { "profiles/siemens-td3511/simulated", "siemens-td3511", 0, 0, 0 },
        { "profiles/siemens-amis/simulated", "siemens-amis", 0, 0, 0 },
};

static void print_key(FILE *out, const char *name, const uint8_t key[static SIM_KEY_BYTES])
{
        (void)fprintf(out, "# %s: ", name);
        for (size_t i = 0; i < SIM_KEY_BYTES; i++)
                (void)fprintf(out, "%02X", key[i]);
        (void)fputc('\n', out);
}

static void print_hex(FILE *out, const struct sim_meter *meter, const struct sim_telegram *t)
{
        (void)fprintf(out, "# simulated: %s\n", meter->profile->title);
        if (t->encrypted)
                print_key(out, "key", meter->cipher.key);
        if (t->encrypted && meter->cipher.control & 0x10)
                print_key(out, "auth_key", meter->cipher.auth_key);
        for (size_t i = 0; i < t->wire.out.len; i++)
                (void)fprintf(out, "%02X%c", t->wire.out.data[i],
                              i % 32 == 31 || i + 1 == t->wire.out.len ? '\n' : ' ');
}

static void print_expect(FILE *out, const struct sim_telegram *t)
{
        const struct sim_clock *c = &t->clock;
        struct datetime time =
                datetime_of_fields(c->year, c->month, c->day, c->hour, c->minute, c->second);
        char text[DATETIME_TEXT_MAX] = "";

        time.has_offset = t->zone == SIM_ZONE_OFFSET;
        time.offset_min = (int16_t)c->offset_min;
        if (t->has_time)
                (void)datetime_print(&time, text);
        if (t->meter_id[0])
                (void)fprintf(out, "meter %s\n", t->meter_id);
        (void)fprintf(out, "time %s\n", text);
        (void)fprintf(out, "encrypted %s\n", t->encrypted ? "yes" : "no");
        for (size_t i = 0; i < t->n_values; i++)
                sim_files_print_value(
                        out, obis_of_bytes(t->values[i].obis),
                        (struct decimal){ t->values[i].mantissa, (int8_t)t->values[i].exponent },
                        t->values[i].unit);
        for (size_t i = 0; i < t->n_texts; i++)
                sim_files_print_text(out, obis_of_bytes(t->texts[i].obis), t->texts[i].label,
                                     slice_of_string(t->texts[i].text));
}

static FILE *create(const char *folder, const char *name, const char *ending)
{
        char path[4096];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
        file = fopen(path, "we");
        if (!file)
                perror(path);
        return file;
}

static int make(const char *folder, const struct sim_file *f)
{
        struct sim_options options = {
                .seed = 42, .encrypt = f->control != 0, .control = f->control, .form = f->form
        };
        struct sim_clock clock = sim_clock_central_europe(SIM_FILES_EPOCH_S);
        static struct sim_telegram t;
        struct sim_meter meter;
        FILE *hex, *expect;

        memcpy(options.key, sim_default_key, sizeof(options.key));
        if (sim_meter_init(&meter, sim_profile_find(f->profile), &options, clock) < 0 ||
            sim_meter_telegram(&meter, sim_clock_central_europe(SIM_FILES_EPOCH_S + f->after_s),
                               &t) < 0)
                return -EIO;
        hex = create(folder, f->name, ".hex");
        expect = create(folder, f->name, ".expect");
        if (hex)
                print_hex(hex, &meter, &t);
        if (expect)
                print_expect(expect, &t);
        return hex && expect && fclose(hex) == 0 && fclose(expect) == 0 ? 0 : -EIO;
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                (void)fprintf(stderr, "usage: make-sim-files ROOT\n");
                return 2;
        }
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (make(argv[1], &files[i]) < 0)
                        return 1;
        return 0;
}
