/* SPDX-License-Identifier: MIT */
#include "sentences.h"

#include <ctype.h>
#include <libintl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"

#define ARGUMENTS_MAX 8
#define DEPTH_MAX     5   /* a sentence in a sentence in a list of them */
#define MARKS_MAX     4   /* where one may end and the next begin */
#define TRIES_MAX     200 /* of all of these together, so that no text takes long */
#define LETTERS_MIN   4   /* fewer would be found in anything */

static const char *const sentences[] = {
#include "sentences.inc"
        /* Sentences that the service puts together of pieces. */
        N_("%s (is its folder in ReadWritePaths= of the unit?)"),
        N_("%s and others"),
        N_("a comment behind a value begins with ';'"),
        N_("did you mean %s?"),
        N_("did you mean [%s]?"),
        N_("do: chgrp smartmeterd FILE && chmod 640 FILE"),
        N_("do: sudo smctl check-config"),
        N_("error: %s"),
        N_("the history cannot be written: %s"),
        N_("warning: %s"),
};

struct piece {
        const char *text;
        size_t n;
};

/* One conversion of printf(3), "%2$.60s" too. Returns what stands behind it. */
static const char *skip_conversion(const char *format, size_t *position)
{
        const char *at = format + 1, *digits = at;
        size_t number = 0;

        while (isdigit((unsigned char)*at) && number < 100)
                number = 10 * number + (size_t)(*at++ - '0');
        if (*at == '$')
                *position = number > 0 ? number - 1 : 0;
        else
                at = digits;
        at += *at == '$';
        at += strspn(at, "-.*0123456789");
        at += strspn(at, "lzh");
        return *at ? at + 1 : at;
}

/* How much of the format, from `at` on, is text: up to a conversion, or "%%", or the end. */
static size_t text_length(const char *at)
{
        return strcspn(at, "%");
}

static const char *find(const char *where, const char *what, size_t n)
{
        return n > 0 ? memmem(where, strlen(where), what, n) : where + strlen(where);
}

/* Conversions side by side: the first one has all, since its end cannot be found. */
static const char *take_conversions(const char *format, struct piece *arguments, size_t *n,
                                    const char *text)
{
        size_t ignored;

        for (bool first = true; *format == '%' && format[1] != '%'; first = false) {
                format = skip_conversion(format, &ignored);
                if (*n < ARGUMENTS_MAX)
                        arguments[(*n)++] = (struct piece){ text, first ? 1 : 0 };
        }
        return format;
}

/* Was `text` printed with `format`? The particulars are in `arguments` then. */
static bool match(const char *format, const char *text, struct piece arguments[ARGUMENTS_MAX],
                  size_t *n)
{
        *n = 0;
        while (*format) {
                size_t length = text_length(format);
                const char *end, *begin = text;
                size_t taken = *n;

                if (length > 0) {
                        if (strncmp(format, text, length) != 0)
                                return false;
                        format += length;
                        text += length;
                        continue;
                }
                if (format[1] == '%') {
                        if (*text != '%')
                                return false;
                        format += 2;
                        text++;
                        continue;
                }
                format = take_conversions(format, arguments, n, text);
                length = text_length(format);
                end = find(text, format, length);
                if (length > 0 && !format[length] && strlen(text) >= length)
                        end = text + strlen(text) - length; /* it ends with it */
                if (!end)
                        return false;
                text = end;
                if (taken < ARGUMENTS_MAX)
                        arguments[taken].n = (size_t)(end - begin);
        }
        return !*text;
}

/* "Key=value: 25 of what?": it is not the value that the sentence begins with. */
static bool begins_elsewhere(const char *format, const struct piece *arguments, size_t n)
{
        return *format == '%' && n > 0 &&
               (memmem(arguments[0].text, arguments[0].n, ": ", 2) ||
                memmem(arguments[0].text, arguments[0].n, "; ", 2));
}

/* Characters of the sentence itself: the more, the surer. 0: too few. */
static size_t weight(const char *format)
{
        size_t n = 0, letters = 0, ignored;

        while (*format) {
                if (*format == '%' && format[1] != '%') {
                        format = skip_conversion(format, &ignored);
                        continue;
                }
                letters += isalpha((unsigned char)*format) != 0;
                n++;
                format++;
        }
        return letters < LETTERS_MIN ? 0 : n;
}

static bool translate(const char *english, unsigned int depth, char *buf, size_t size);

static size_t append(char *buf, size_t size, size_t at, const char *text, size_t n)
{
        if (at < size)
                (void)snprintf(buf + at, size - at, "%.*s", (int)n, text);
        return at + n;
}

/* A particular may be a sentence itself: what the C library says, or a part of ours. */
static size_t append_argument(char *buf, size_t size, size_t at, const struct piece *argument,
                              unsigned int depth)
{
        char text[SENTENCE_MAX], other[SENTENCE_MAX];
        const char *system;

        (void)snprintf(text, sizeof(text), "%.*s", (int)argument->n, argument->text);
        system = strchr(text, ' ') ? dgettext("libc", text) : text;
        if (system != text)
                return append(buf, size, at, system, strlen(system));
        if (translate(text, depth + 1, other, sizeof(other)))
                return append(buf, size, at, other, strlen(other));
        return append(buf, size, at, argument->text, argument->n);
}

static void print(const char *format, const struct piece *arguments, size_t n, unsigned int depth,
                  char *buf, size_t size)
{
        size_t at = 0, next = 0;

        *buf = '\0';
        while (*format && at < size) {
                size_t length = text_length(format), position;

                if (length > 0 || format[1] == '%') {
                        at = append(buf, size, at, format, length > 0 ? length : 1);
                        format += length > 0 ? length : 2;
                        continue;
                }
                position = next++;
                format = skip_conversion(format, &position);
                if (position < n)
                        at = append_argument(buf, size, at, &arguments[position], depth);
        }
}

static bool translate_whole(const char *english, unsigned int depth, char *buf, size_t size)
{
        struct piece arguments[ARGUMENTS_MAX], best[ARGUMENTS_MAX];
        size_t n, n_best = 0, most = 0;
        const char *found = NULL, *other;

        for (size_t i = 0; i < ELEMENTSOF(sentences); i++) {
                size_t own = weight(sentences[i]);

                if (own <= most || !match(sentences[i], english, arguments, &n) ||
                    begins_elsewhere(sentences[i], arguments, n))
                        continue;
                found = sentences[i];
                most = own;
                n_best = n;
                memcpy(best, arguments, sizeof(best));
        }
        other = found ? gettext(found) : found;
        if (other == found)
                return false;
        print(other, best, n_best, depth, buf, size);
        return true;
}

/* "file:3: this; that": a sentence behind another, or behind a name. */
static bool translate_behind(const char *english, const char *mark, unsigned int depth, char *buf,
                             size_t size)
{
        const char *at = strstr(english, mark);

        for (size_t i = 0; at && i < MARKS_MAX; i++, at = strstr(at + 1, mark)) {
                char left[SENTENCE_MAX], right[SENTENCE_MAX], text[SENTENCE_MAX];

                if (!translate(at + strlen(mark), depth + 1, right, sizeof(right)))
                        continue;
                (void)snprintf(text, sizeof(text), "%.*s", (int)(at - english), english);
                if (!translate(text, depth + 1, left, sizeof(left)))
                        memcpy(left, text, sizeof(left));
                /* TRANSLATORS: what stands between two sentences, or a name and a sentence */
                (void)snprintf(buf, size, *mark == ';' ? _("%.500s; %.500s") : _("%.500s: %.500s"),
                               left, right);
                return true;
        }
        return false;
}

static bool translate(const char *english, unsigned int depth, char *buf, size_t size)
{
        static unsigned int tries;

        tries = depth == 0 ? 0 : tries + 1;
        if (depth > DEPTH_MAX || tries > TRIES_MAX || strlen(english) >= SENTENCE_MAX)
                return false;
        return translate_whole(english, depth, buf, size) ||
               translate_behind(english, ": ", depth, buf, size) ||
               translate_behind(english, "; ", depth, buf, size);
}

bool sentences_are_translated(void)
{
        const char *probe = N_("out of memory");

        return gettext(probe) != probe;
}

bool sentences_translate(const char *english, char buf[static SENTENCE_MAX])
{
        return sentences_are_translated() && translate(english, 0, buf, SENTENCE_MAX);
}

const char *sentences_say(const char *english)
{
        static char said[2][SENTENCE_MAX];
        static size_t turn;

        turn = !turn;
        return sentences_translate(english, said[turn]) ? said[turn] : english;
}
