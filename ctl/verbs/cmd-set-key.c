/* SPDX-License-Identifier: MIT */
/*
 * smctl set-key: gives the service the key of an encrypted meter. The key is asked without echo or
 * read from a file or pipe; it never stands on the command line and is never printed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/secret.h"
#include "ctl/view/output.h"
#include "dbus/names.h"
#include "lib/dlms/cipher.h"
#include "set-key.h"
#include "verb.h"

#define ASK_ATTEMPTS 3

static const char *const not_here =
        N_("a key on the command line can be seen by every user of this machine, and the shell "
           "remembers it: type it when asked, pipe it in, or name a file that holds it with "
           "--key-file");

/* Asks until it is a key; an empty answer is none where that is allowed. 1 a key, 0 none. */
static int ask(const char *prompt, bool optional, uint8_t key[static CIPHER_KEY_BYTES])
{
        char line[SECRET_LINE_MAX];
        const char *fault;
        int r = -EINVAL;

        for (int i = 0; i < ASK_ATTEMPTS; i++) {
                r = secret_ask(prompt, line);
                if (r < 0)
                        break;
                if (optional && !*line)
                        return 0;
                r = cipher_key_parse(line, key, &fault);
                explicit_bzero(line, sizeof(line));
                if (r >= 0)
                        return 1;
                fprintf(stderr, _("That is no key: %s\n"), fault);
        }
        explicit_bzero(line, sizeof(line));
        return r;
}

int set_key_ask(struct cipher_keys *ret)
{
        int r;

        r = ask(_("Encryption key (32 hex digits, not shown): "), false, ret->key);
        if (r < 0)
                return r;
        ret->has_key = true;
        r = ask(_("Authentication key (Enter: none): "), true, ret->auth_key);
        if (r < 0)
                return r;
        ret->has_auth_key = r > 0;
        return 0;
}

/* The first line of a stream as a key. `what` is for messages. */
static int read_key(FILE *stream, const char *what, uint8_t key[static CIPHER_KEY_BYTES])
{
        char line[SECRET_LINE_MAX];
        const char *fault = "";
        int r;

        r = secret_read(stream, line);
        if (r >= 0) {
                r = cipher_key_parse(line, key, &fault);
                if (r < 0)
                        (void)output_fail("%s: %s", what, fault);
        }
        explicit_bzero(line, sizeof(line));
        return r;
}

static int read_file(const char *file, uint8_t key[static CIPHER_KEY_BYTES])
{
        FILE *stream = fopen(file, "re");
        int r;

        if (!stream) {
                r = -errno;
                if (secret_looks_like_key(file))
                        (void)output_fail("%s", _(not_here));
                else
                        (void)output_fail("%s: %s", file, strerror(-r));
                return r;
        }
        r = read_key(stream, file, key);
        (void)fclose(stream); /* only read */
        if (r == -ENODATA)
                (void)output_fail(_("%s: there is no key in it"), file);
        return r;
}

/* Line 1: the encryption key; line 2, if there is one: the authentication key. */
static int read_stdin(struct cipher_keys *keys)
{
        int r;

        r = read_key(stdin, _("standard input"), keys->key);
        if (r == -ENODATA)
                (void)output_fail("%s", _("there is no key on the standard input"));
        if (r < 0)
                return r;
        keys->has_key = true;
        r = read_key(stdin, _("standard input"), keys->auth_key);
        keys->has_auth_key = r >= 0;
        return r == -ENODATA ? 0 : r;
}

static int get_keys(const char *key_file, const char *auth_key_file, struct cipher_keys *keys)
{
        int r;

        if (key_file) {
                r = read_file(key_file, keys->key);
                keys->has_key = r >= 0;
                if (r >= 0 && auth_key_file) {
                        r = read_file(auth_key_file, keys->auth_key);
                        keys->has_auth_key = r >= 0;
                }
                return r;
        }
        if (!isatty(STDIN_FILENO))
                return read_stdin(keys);
        r = set_key_ask(keys);
        if (r < 0)
                (void)output_fail("%s", _("no key was given"));
        return r;
}

/* `keys` NULL: only whether it may be set. */
int set_key_send(sd_bus *bus, const char *meter, const struct cipher_keys *keys)
{
        static const struct cipher_keys none;
        const struct cipher_keys *sent = keys ? keys : &none;
        OWNED(message) sd_bus_message *call = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER,
                                           "SetMeterKey");
        if (r >= 0)
                r = sd_bus_message_sensitive(call); /* sd-bus wipes it when it is freed */
        if (r >= 0)
                r = sd_bus_message_append(call, "s", meter);
        if (r >= 0)
                r = sd_bus_message_append_array(call, 'y', sent->key,
                                                sent->has_key ? CIPHER_KEY_BYTES : 0);
        if (r >= 0)
                r = sd_bus_message_append_array(call, 'y', sent->auth_key,
                                                sent->has_auth_key ? CIPHER_KEY_BYTES : 0);
        if (r >= 0)
                r = keys ? sd_bus_message_append(call, "a{sv}", 0)
                         : sd_bus_message_append(call, "a{sv}", 1, "CheckOnly", "b", 1);
        if (r >= 0)
                r = sd_bus_call(bus, call, 0, &error, NULL);
        if (r < 0)
                (void)client_explain(&error, r);
        sd_bus_error_free(&error);
        return r;
}

static int run(const char *word, const char *key_file, const char *auth_key_file)
{
        OWNED(json) struct json_object *all = NULL;
        struct cipher_keys keys = { 0 };
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *meter;
        const char *id;
        int r;

        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        /* A meter not heard yet is named by its system title, which only the service can assess. */
        meter = client_find_quietly(all, word);
        id = meter ? json_text(meter, "id") : word;
        if (!meter && secret_looks_like_key(word))
                return options_misuse("set-key", "%s", _(not_here));
        r = set_key_send(bus, id, NULL); /* before a key is looked up and typed */
        if (r >= 0)
                r = get_keys(key_file, auth_key_file, &keys);
        if (r >= 0)
                r = set_key_send(bus, id, &keys);
        cipher_keys_wipe(&keys);
        if (r < 0)
                return EXIT_FAILED;
        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();

                json_set_text(object, "done", "set-key");
                json_set_text(object, "id", id);
                json_set_flag(object, "heard", meter);
                json_print(object);
        } else {
                printf(_("The service has the key of %s; its next telegram tells whether it is "
                         "right.\n"),
                       id);
                if (!meter)
                        printf(_("No meter of this name has been heard yet. If the name is wrong: "
                                 "smctl forget '%s'\n"),
                               id);
        }
        return EXIT_DONE;
}

int cmd_set_key(int argc, char **argv)
{
        const char *key_file = NULL, *auth_key_file = NULL;
        const struct option_row rows[] = {
                { "key-file", 'k', OPTION_STRING, N_("FILE"),
                  N_("read the encryption key from FILE"), &key_file },
                { "auth-key-file", 'a', OPTION_STRING, N_("FILE"),
                  N_("read the authentication key from FILE"), &auth_key_file },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("METER is an id, a name, or a system title (16 hex digits). Without "
                            "--key-file the\nkey is asked for on the terminal, or read from the "
                            "standard input: the first line\nis the encryption key, the second, if "
                            "there is one, the authentication key."),
                .min_arguments = 1,
                .max_arguments = 1,
                .no_secrets = not_here,
        };
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (auth_key_file && !key_file)
                return options_misuse("set-key", "%s",
                                      _("--auth-key-file comes together with --key-file"));
        return run(argv[first], key_file, auth_key_file);
}
