/* SPDX-License-Identifier: MIT */
#include "print-keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/util.h"
#include "config/config.h"
#include "outputs.h"
#include "store/store-keys-file.h"
#include "store/store-memory.h"

#define NONE "-"

static void print_key(bool there, const uint8_t key[static CIPHER_KEY_BYTES])
{
        char text[2 * CIPHER_KEY_BYTES + 1] = NONE;

        if (there)
                hex_print(key, CIPHER_KEY_BYTES, text, sizeof(text));
        (void)printf("%s ", text); /* whether all was written is asked at the end */
        explicit_bzero(text, sizeof(text));
}

static void print(const struct cipher_keys *keys, const char *of, void *userdata)
{
        if (!keys->has_key && !keys->has_auth_key)
                return;
        print_key(keys->has_key, keys->key);
        print_key(keys->has_auth_key, keys->auth_key);
        (void)printf("%s\n", of && *of ? of : NONE);
}

static void print_configured(const struct config *config)
{
        CONFIG_EACH(struct config_meter, meter, config, &config_section_meter)
        print(&meter->keys, meter->item.name, NULL);
        CONFIG_EACH(struct config_converter, converter, config, &config_section_converter)
        print(&converter->keys, NULL, NULL);
}

int print_keys(const char *config_path, const char *state_directory, bool for_another)
{
        struct config *config = NULL;
        bool complete = !for_another;
        int r;

        if (isatty(STDOUT_FILENO)) {
                (void)fprintf(stderr, "smartmeterd: keys are not printed to a terminal\n");
                return EX_USAGE;
        }
        store_memory_init();
        r = for_another ? config_load_for_another(config_path, outputs_section_at, &config)
                        : config_load(config_path, outputs_section_at, &config);
        complete = complete && r >= 0;
        if (r >= 0)
                print_configured(config);
        config_free(config);
        r = store_keys_of_file(state_directory, print, NULL);
        complete = complete && (r >= 0 || r == -ENOENT);
        if (fflush(stdout) == EOF)
                return EX_IOERR;
        return complete ? EX_OK : EX_NOPERM;
}
