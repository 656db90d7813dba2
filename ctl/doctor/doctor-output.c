/* SPDX-License-Identifier: MIT */
/*
 * Checks of the outputs: brokers, and files for Prometheus. Three of them speak of the same
 * connection; each passes only for one that got so far.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "ctl/view/words.h"
#include "doctor.h"
#include "sysroot.h"

enum trouble {
        TROUBLE_NONE,
        TROUBLE_NETWORK,
        TROUBLE_TLS,
        TROUBLE_ACL,
};

/* By the code; one that a newer service may send says nothing of TLS or passwords. */
static enum trouble trouble_of(struct json_object *output)
{
        static const char *const acl[] = { "password-missing", "password-wrong", "banned",
                                           "topic-refused", "topic-suspected" };
        const char *code = json_text(output, "last_error_code");

        if (json_flag(output, "connected") && !*json_text(output, "last_error"))
                return TROUBLE_NONE;
        if (strcmp(code, "tls") == 0)
                return TROUBLE_TLS;
        for (size_t i = 0; i < ELEMENTSOF(acl); i++)
                if (strcmp(code, acl[i]) == 0)
                        return TROUBLE_ACL;
        return TROUBLE_NETWORK;
}

/* What has become of the messages meanwhile, and what to do: commands stand at the end. */
static const char *cure_of(struct doctor *doctor, struct json_object *output, const char *format)
{
        int64_t lost = json_number(output, "dropped");
        int64_t waiting = json_number(output, "queued") + json_number(output, "spooled");
        char word[DOCTOR_WORD_MAX], cure[DOCTOR_CURE_MAX], told[160] = "";
        size_t n = 0;

        if (waiting > 0)
                n = (size_t)snprintf(told, sizeof(told), _("%lld messages wait for it. "),
                                     (long long)waiting);
        if (lost > 0 && n < sizeof(told))
                (void)snprintf(told + n, sizeof(told) - n, _("%lld messages were given up. "),
                               (long long)lost);
        (void)snprintf(cure, sizeof(cure), format, doctor_word(json_text(output, "name"), word));
        return doctor_cure(doctor, "%s%s", told, cure);
}

/* Tells the trouble of one kind. Who was not let so far neither has it nor is free of it. */
static void check(struct doctor *doctor, enum trouble trouble,
                  const char *(*cure)(struct json_object *output))
{
        struct json_object *outputs = json_member(doctor->all, "outputs");
        size_t n = 0, n_passed = 0;

        for (size_t i = 0; i < json_count(outputs); i++) {
                struct json_object *output = json_object_array_get_idx(outputs, i);
                const char *error = words_error(output);
                enum trouble here = trouble_of(output);

                if (strcmp(json_text(output, "kind"), "mqtt") != 0)
                        continue;
                n++;
                /* A refused password is no trouble of TLS, but no connection either. */
                n_passed += trouble == TROUBLE_NETWORK ? json_flag(output, "connected")
                                                       : here == TROUBLE_NONE || here > trouble;
                if (here != trouble)
                        continue;
                doctor_wrong(doctor, json_text(output, "name"),
                             cure_of(doctor, output, cure(output)), "%s",
                             *error ? error : _("There is no connection."));
        }
        if (n == 0)
                doctor_skip(doctor, _("No broker is configured."));
        else if (n_passed < n)
                doctor_skip(doctor, _("A broker is not connected; another check says why."));
}

/* "%s" in a cure is the output's name. Without it, set-broker asks which. */
static const char *cure_of_network(struct json_object *output)
{
        if (strcmp(json_text(output, "last_error_code"), "refused") != 0)
                return _("Does the broker run? For another one: sudo smctl set-broker --name %s");
        return sysroot_has("/usr/sbin/mosquitto")
                       ? _("For the broker of this machine: sudo systemctl enable --now mosquitto; "
                           "for another one: sudo smctl set-broker --name %s")
                       : _("For a broker on this machine: sudo apt install mosquitto; for one on "
                           "another: sudo smctl set-broker --name %s");
}

void doctor_check_broker(struct doctor *doctor)
{
        check(doctor, TROUBLE_NETWORK, cure_of_network);
}

static const char *cure_of_tls(struct json_object *output)
{
        (void)output;
        return _("Correct Tls=, CaFile= or the certificates in its [mqtt] section, then: sudo "
                 "smctl reload");
}

void doctor_check_tls(struct doctor *doctor)
{
        check(doctor, TROUBLE_TLS, cure_of_tls);
}

static const char *cure_of_acl(struct json_object *output)
{
        return strncmp(json_text(output, "last_error_code"), "password-", strlen("password-")) == 0
                       ? _("With another user or password: sudo smctl set-broker --name %s")
                       : _("Let it in by the broker's access control list, or with another user: "
                           "sudo smctl set-broker --name %s");
}

void doctor_check_acl(struct doctor *doctor)
{
        check(doctor, TROUBLE_ACL, cure_of_acl);
}

void doctor_check_files(struct doctor *doctor)
{
        struct json_object *outputs = json_member(doctor->all, "outputs");
        size_t n = 0;

        for (size_t i = 0; i < json_count(outputs); i++) {
                struct json_object *output = json_object_array_get_idx(outputs, i);

                if (strcmp(json_text(output, "kind"), "mqtt") == 0)
                        continue;
                n++;
                if (*json_text(output, "last_error"))
                        doctor_wrong(doctor, json_text(output, "name"),
                                     _("Does its folder exist, may the service write there, and is "
                                       "there room on the disk?"),
                                     "%s", words_error(output));
        }
        if (n == 0)
                doctor_skip(doctor, _("No output writes a file."));
}
