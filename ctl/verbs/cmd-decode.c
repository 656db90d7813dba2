/* SPDX-License-Identifier: MIT */
/*
 * smctl decode: files or a pipe of raw bytes or hex text in, one JSON object per telegram out
 * (smctl(1)). Works without the service.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/suggest.h"
#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/input.h"
#include "ctl/options.h"
#include "ctl/profiles.h"
#include "ctl/secret.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "decode-tree.h"
#include "lib/decoder.h"
#include "lib/dlms/raw.h"
#include "lib/model/telegram-json.h"
#include "verb.h"

#define READ_BYTES   65536
#define PROFILES_MAX 64
#define TITLES_MAX   64
#define GATHER_MAX   (1 << 20) /* hours of a meter without framing */

struct decode {
        const char *file; /* as it stands in diagnostics */
        struct cipher_keys keys;
        struct profile_set *profiles;
        const struct meter_profile *profile;
        bool pretty;
        struct decoder *decoder; /* owned, of the current file; NULL while `head` gathers */
        struct slice head;       /* of a file that may be APDUs without framing: see gather() */
        uint64_t bytes;          /* of the current file */
        struct {
                uint8_t title[CIPHER_TITLE_BYTES];
                struct decoder_title what;
        } titles[TITLES_MAX]; /* which the keys open, of a file that is read twice */
        size_t n_titles;
        bool learned; /* it is being read for the second time */
        size_t all; /* bytes of the file, decoded from hex where all of it was read at once; or 0 */
        size_t n_decoded, n_damaged;
};

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        struct decode *decode = userdata;

        return decode->keys.has_key || decode->keys.has_auth_key ? &decode->keys : NULL;
}

static void remember(void *userdata, const uint8_t *title, const struct cipher_keys *keys,
                     const char *meter_id, const struct decoder_title *what)
{
        struct decode *decode = userdata;

        for (size_t i = 0; i < decode->n_titles; i++)
                if (memcmp(decode->titles[i].title, title, CIPHER_TITLE_BYTES) == 0) {
                        decode->titles[i].what.authenticated |= what->authenticated;
                        return;
                }
        if (decode->learned || decode->n_titles == TITLES_MAX)
                return;
        memcpy(decode->titles[decode->n_titles].title, title, CIPHER_TITLE_BYTES);
        decode->titles[decode->n_titles].what = *what;
        decode->titles[decode->n_titles++].what.counter = 0; /* it has not come yet */
}

static bool recall(void *userdata, const uint8_t *title, const struct cipher_keys *keys,
                   struct decoder_title *ret)
{
        const struct decode *decode = userdata;

        for (size_t i = 0; decode->learned && i < decode->n_titles; i++) {
                if (memcmp(decode->titles[i].title, title, CIPHER_TITLE_BYTES) != 0)
                        continue;
                *ret = decode->titles[i].what;
                return true;
        }
        return false;
}

static void diagnose(const struct decode *decode, uint64_t offset, const char *what)
{
        (void)fflush(stdout); /* keeps both streams in step on a terminal */
        output_say("%s:%llu: %s\n", decode->file, (unsigned long long)offset, what);
}

static void complain(struct decode *decode, uint64_t offset, const char *what)
{
        decode->n_damaged++;
        diagnose(decode, offset, what);
}

static void print_line(const char *title, const char *value)
{
        if (!value || !*value)
                return;
        printf("  ");
        output_padded(title, 14);
        printf(" %s\n", value);
}

static void print_pretty(const struct telegram *telegram)
{
        char text[DATETIME_TEXT_MAX], code[OBIS_TEXT_MAX], number[DECIMAL_TEXT_MAX];

        printf("%s%s%s\n", output_style(STYLE_BOLD),
               *telegram->meter_id ? telegram->meter_id : _("unknown meter"), output_plain());
        datetime_print(&telegram->time, text);
        print_line(_("model"), telegram->model);
        print_line(_("profile"), telegram->profile ? telegram->profile->name : NULL);
        print_line(_("framing"), telegram->framing);
        print_line(_("encrypted"), telegram->encrypted ? _("yes") : _("no"));
        print_line(_("time"), text);
        for (size_t i = 0; i < telegram->n_readings; i++) {
                const struct reading *reading = &telegram->readings[i];
                const char *unit = unit_name(reading->unit);

                decimal_print(reading->value, number);
                printf("  %-16s %16s %-5s %s\n", obis_print(reading->obis, code), number,
                       unit ? unit : "",
                       reading->quantity && !reading_is_past(reading) ? reading->quantity->label
                                                                      : "");
        }
        for (size_t i = 0; i < telegram->n_texts; i++) {
                const struct text *t = &telegram->texts[i];

                printf("  %-16s %.*s\n", *t->label ? t->label : obis_print(t->obis, code),
                       (int)t->value.len, (const char *)t->value.data);
        }
        if (telegram->replayed)
                print_line(_("replayed"), _("yes"));
        print_line(_("error"), telegram->error);
        decode_tree_print(telegram->unknown);
        printf("\n");
}

/* No frame was damaged by it, so it does not count as damage. */
static void print_left_out(const struct decode *decode, const struct decoder_event *event)
{
        const struct telegram *telegram = event->telegram;
        char what[160];

        if (telegram->n_unread > 0) {
                (void)snprintf(what, sizeof(what),
                               _("%zu values of types that cannot be shown were passed over"),
                               telegram->n_unread);
                diagnose(decode, event->offset, what);
        }
        if (telegram->n_dropped > 0) {
                (void)snprintf(what, sizeof(what),
                               _("%zu values were left out: the telegram has more than are read"),
                               telegram->n_dropped);
                diagnose(decode, event->offset, what);
        }
}

static int on_telegram(struct decode *decode, const struct decoder_event *event)
{
        if (event->telegram->status == TELEGRAM_OK && event->telegram->replayed)
                diagnose(decode, event->offset,
                         _("its frame counter did not grow: perhaps a recording"));
        if (event->telegram->status == TELEGRAM_OK)
                decode->n_decoded++;
        else
                complain(decode, event->offset, event->telegram->error);
        print_left_out(decode, event);
        if (decode->pretty) {
                print_pretty(event->telegram);
                return 0;
        }
        OWNED(json) struct json_object *object = telegram_to_json(event->telegram);
        if (!object)
                return -ENOMEM;
        if (event->telegram->unknown.len > 0)
                json_set(object, "tree", decode_tree_to_json(event->telegram->unknown));
        json_print_line(object);
        return 0;
}

static int drain(struct decode *decode)
{
        struct decoder_event event;

        while (decoder_next(decode->decoder, &event) > 0) {
                int r = 0;

                switch (event.type) {
                case DECODER_TELEGRAM:
                        r = on_telegram(decode, &event);
                        break;
                case DECODER_FRAME: /* only the sign of a line: nothing to print */
                        break;
                case DECODER_FAULT:
                        /* Garbage between frames is reported, but no frame was lost by it. */
                        if (event.garbage)
                                diagnose(decode, event.offset, event.fault);
                        else
                                complain(decode, event.offset, event.fault);
                        break;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Fills the buffer until it is enough to recognise the format, or the file ends. */
static ssize_t read_head(int fd, uint8_t *buf, size_t size)
{
        size_t n = 0;

        while (n < INPUT_SNIFF_BYTES) {
                ssize_t got = read(fd, buf + n, size - n);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                if (got == 0)
                        break;
                n += (size_t)got;
        }
        return (ssize_t)n;
}

static void complain_hex(struct decode *decode, const struct input_hex *hex)
{
        uint64_t offset = decode->bytes;
        char what[160];

        if (hex->n_bad > 0) {
                (void)snprintf(what, sizeof(what),
                               _("hex text with %zu characters that are no hex digits, the first "
                                 "is \"%c\""),
                               hex->n_bad, hex->first_bad);
                complain(decode, offset, what);
        }
        if (hex->have_high)
                complain(decode, offset, _("hex text with an odd number of digits"));
}

static int begin(struct decode *decode, enum scanner_input input)
{
        const struct decoder_options options = {
                .profiles = decode->profiles,
                .profile = decode->profile,
                .keyring = { .find = find_keys,
                             .recall = recall,
                             .remember = remember,
                             .userdata = decode },
                .input = input,
                .input_bytes = input == SCANNER_UNFRAMED ? decode->head.len : decode->all,
        };

        return decoder_new(&options, &decode->decoder);
}

static int feed(struct decode *decode, struct slice bytes)
{
        decoder_feed(decode->decoder, bytes);
        return drain(decode);
}

/*
 * APDUs have no check sum: a key is right when it decrypts one of them. So the file is read twice,
 * and a key that decrypted one telegram of a title is not called wrong for another.
 */
static int learn_titles(struct decode *decode, struct slice bytes)
{
        struct decoder_event event;
        int r = begin(decode, SCANNER_UNFRAMED);

        if (r < 0)
                return r;
        decoder_feed(decode->decoder, bytes);
        while (decoder_next(decode->decoder, &event) > 0)
                ;
        decoder_finish(decode->decoder);
        while (decoder_next(decode->decoder, &event) > 0)
                ;
        decode->decoder = decoder_free(decode->decoder);
        return 0;
}

/* It is known now how to read what was gathered: what follows is read as it comes. */
static int end_gathering(struct decode *decode, uint8_t *gathered, enum scanner_input input)
{
        struct slice head = { gathered, decode->head.len };
        int r = input == SCANNER_UNFRAMED ? learn_titles(decode, head) : 0;

        decode->learned = true;
        r = r < 0 ? r : begin(decode, input);
        return r < 0 ? r : feed(decode, head);
}

/*
 * APDUs without framing are believed in a file that holds nothing else, so that the whole file must
 * be seen first. Anything else is read as it comes, from a pipe too.
 */
static int take(struct decode *decode, struct slice piece)
{
        static uint8_t gathered[GATHER_MAX];
        int r;

        decode->bytes += piece.len;
        if (decode->decoder)
                return feed(decode, piece);
        if (piece.len > 0 && decode->head.len + piece.len <= sizeof(gathered)) {
                memcpy(gathered + decode->head.len, piece.data, piece.len);
                decode->head = (struct slice){ gathered, decode->head.len + piece.len };
                if (raw_may_begin(gathered[0]))
                        return 0;
                piece.len = 0;
        } else if (piece.len == 0 && raw_is_all(decode->head)) {
                return end_gathering(decode, gathered, SCANNER_UNFRAMED);
        }
        r = end_gathering(decode, gathered, SCANNER_FILE);
        return r < 0 || piece.len == 0 ? r : feed(decode, piece);
}

/* 0 for a pipe, which may go on. */
static size_t size_of(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
}

static int decode_fd(struct decode *decode, int fd)
{
        static uint8_t in[READ_BYTES], out[READ_BYTES];
        struct input_hex hex = { 0 };
        enum input_kind kind;
        ssize_t n;
        int r;

        n = read_head(fd, in, sizeof(in));
        kind = n > 0 ? input_sniff((struct slice){ in, (size_t)n }) : INPUT_RAW;
        decode->all = n > 0 ? size_of(fd) : 0;
        while (n > 0) {
                struct slice piece = { in, (size_t)n };

                if (kind == INPUT_HEX)
                        piece = (struct slice){ out, input_hex_decode(&hex, piece, out) };
                if (decode->all == (size_t)n)
                        decode->all = piece.len;
                r = piece.len > 0 ? take(decode, piece) : 0;
                if (r < 0)
                        return r;
                do
                        n = read(fd, in, sizeof(in));
                while (n < 0 && errno == EINTR);
                if (n < 0)
                        n = -errno;
        }
        if (n < 0)
                return (int)n;
        r = decode->decoder ? 0 : take(decode, (struct slice){ 0 });
        if (r < 0)
                return r;
        decoder_finish(decode->decoder);
        r = drain(decode);
        complain_hex(decode, &hex);
        return r;
}

static int decode_file(struct decode *decode, const char *file)
{
        size_t before = decode->n_decoded + decode->n_damaged;
        OWNED_FD int owned = -1;
        int fd = STDIN_FILENO;
        int r;

        decode->file = strcmp(file, "-") == 0 ? _("standard input") : file;
        if (strcmp(file, "-") != 0) {
                owned = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
                if (owned < 0)
                        return -errno;
                fd = owned;
        }
        decode->head = (struct slice){ 0 };
        decode->bytes = decode->n_titles = 0;
        decode->learned = false;
        r = decode_fd(decode, fd);
        decode->decoder = decoder_free(decode->decoder);
        if (r >= 0 && decode->n_decoded + decode->n_damaged == before)
                complain(decode, 0, _("no telegram found"));
        return r;
}

static int take_key(const char *text, const char *option, uint8_t *key, bool *ret_has)
{
        const char *fault;

        if (!text)
                return 0;
        if (cipher_key_parse(text, key, &fault) < 0) {
                /* The key itself is never repeated: terminals and logs remember. */
                (void)options_misuse("decode", "%s: %s", option, fault);
                return -EINVAL;
        }
        *ret_has = true;
        return 0;
}

static int take_profile(struct decode *decode, const char *name)
{
        const char *names[PROFILES_MAX], *near;
        const struct meter_profile *each;
        size_t n = 0;
        int r;

        if (!name)
                return 0;
        if (strchr(name, '/') || strchr(name, '.')) {
                r = profiles_load_file(decode->profiles, name, &decode->profile);
                if (r < 0 && r != -EINVAL)
                        output_say("%s: %s\n", name, strerror(-r));
                return r;
        }
        decode->profile = profile_set_find(decode->profiles, name);
        if (decode->profile)
                return 0;
        for (; n < PROFILES_MAX && (each = profile_set_at(decode->profiles, n)); n++)
                names[n] = each->name;
        near = suggest(name, names, n);
        (void)options_misuse("decode",
                             near ? _("there is no profile \"%s\"; did you mean \"%s\"?")
                                  : _("there is no profile \"%s\""),
                             name, near);
        return -EINVAL;
}

int cmd_decode(int argc, char **argv)
{
        const char *key = NULL, *auth_key = NULL, *profile = NULL;
        OWNED(profiles) struct profile_set *profiles = NULL;
        struct decode decode = { 0 };
        const struct option_row rows[] = {
                { "key", 'k', OPTION_STRING, N_("HEX"), N_("encryption key, 32 hex digits"), &key },
                { "auth-key", 'a', OPTION_STRING, N_("HEX"),
                  N_("authentication key, to check the tag of each telegram"), &auth_key },
                { "profile", 'p', OPTION_STRING, N_("NAME"),
                  N_("take every telegram for one of this meter family, or of the file of a "
                     "profile"),
                  &profile },
                { "pretty", 0, OPTION_FLAG, NULL, N_("print for people instead of JSON"),
                  &decode.pretty },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("Each FILE (- or none: standard input) is raw bytes or hex text with "
                            "# comments.\nPrints one JSON object per telegram and line. Exit "
                            "status 0: every frame was\ndecoded; 1: nothing was, or something was "
                            "damaged."),
                .max_arguments = OPTIONS_ANY_NUMBER,
        };
        bool failed = false;
        int first, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (take_key(key, "--key", decode.keys.key, &decode.keys.has_key) < 0 ||
            take_key(auth_key, "--auth-key", decode.keys.auth_key, &decode.keys.has_auth_key) < 0 ||
            profiles_load(&profiles) < 0)
                return EXIT_MISUSED;
        decode.profiles = profiles;
        if (take_profile(&decode, profile) < 0)
                return EXIT_MISUSED;

        for (int i = first; i < argc || i == first; i++) {
                const char *file = i < argc ? argv[i] : "-";

                r = decode_file(&decode, file);
                if (r < 0) {
                        failed = true;
                        output_say("%s: %s\n", secret_shown(file), strerror(-r));
                }
        }
        cipher_keys_wipe(&decode.keys);
        return failed || decode.n_decoded == 0 || decode.n_damaged > 0 ? EXIT_FAILED : EXIT_DONE;
}
