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

/* The number of messages that wait or were lost, and the fix: commands stand at the end. */
static const char *fix_of(struct doctor *doctor, struct json_object *output, const char *format)
{
        int64_t lost = json_number(output, "dropped");
        int64_t waiting = json_number(output, "queued") + json_number(output, "spooled");
        char word[DOCTOR_WORD_MAX], fix[DOCTOR_FIX_MAX], before[160] = "";
        size_t n = 0;

        if (waiting > 0)
                n = (size_t)snprintf(before, sizeof(before), _("%lld messages wait for it. "),
                                     (long long)waiting);
        if (lost > 0 && n < sizeof(before))
                (void)snprintf(before + n, sizeof(before) - n, _("%lld messages were given up. "),
                               (long long)lost);
        (void)snprintf(fix, sizeof(fix), format, doctor_word(json_text(output, "name"), word));
        return doctor_fix(doctor, "%s%s", before, fix);
}

static bool is_broker(struct json_object *output)
{
        return strcmp(json_text(output, "kind"), "mqtt") == 0;
}

const struct need doctor_needs_broker = { .has = is_broker, .why = N_("No broker is configured.") };

static bool is_file(struct json_object *output)
{
        return !is_broker(output);
}

const struct need doctor_needs_file = { .has = is_file, .why = N_("No output writes a file.") };

/* Reports the trouble of one kind. Who was not let so far neither has it nor is free of it. */
static void check(struct doctor *doctor, struct json_object *output, enum trouble trouble,
                  const char *fix)
{
        enum trouble here = trouble_of(output);
        const char *error = words_error(output);

        if (!is_broker(output))
                return;
        /* A refused password is no trouble of TLS, but no connection either. */
        if (trouble == TROUBLE_NETWORK ? !json_flag(output, "connected")
                                       : here != TROUBLE_NONE && here <= trouble)
                doctor_skip(doctor, _("A broker is not connected; another check says why."));
        if (here == trouble)
                doctor_wrong(doctor, json_text(output, "name"), fix_of(doctor, output, fix), "%s",
                             *error ? error : _("There is no connection."));
}

/* "%s" in a fix is the output's name. Without it, set-broker asks which. */
static const char *fix_of_network(struct json_object *output)
{
        if (strcmp(json_text(output, "last_error_code"), "refused") != 0)
                return _("Does the broker run? For another one: sudo smctl set-broker --name %s");
        return sysroot_has("/usr/sbin/mosquitto")
                       ? _("For the broker of this machine: sudo systemctl enable --now mosquitto; "
                           "for another one: sudo smctl set-broker --name %s")
                       : _("For a broker on this machine: sudo apt install mosquitto; for one on "
                           "another: sudo smctl set-broker --name %s");
}

void doctor_check_broker(struct doctor *doctor, struct json_object *output)
{
        check(doctor, output, TROUBLE_NETWORK, fix_of_network(output));
}

static const char *fix_of_tls(struct json_object *output)
{
        (void)output;
        return _("Correct Tls=, CaFile= or the certificates in its [mqtt] section, then: sudo "
                 "smctl reload");
}

void doctor_check_tls(struct doctor *doctor, struct json_object *output)
{
        check(doctor, output, TROUBLE_TLS, fix_of_tls(output));
}

static const char *fix_of_acl(struct json_object *output)
{
        return strncmp(json_text(output, "last_error_code"), "password-", strlen("password-")) == 0
                       ? _("With another user or password: sudo smctl set-broker --name %s")
                       : _("Let it in by the broker's access control list, or with another user: "
                           "sudo smctl set-broker --name %s");
}

void doctor_check_acl(struct doctor *doctor, struct json_object *output)
{
        check(doctor, output, TROUBLE_ACL, fix_of_acl(output));
}

void doctor_check_files(struct doctor *doctor, struct json_object *output)
{
        if (is_file(output) && *json_text(output, "last_error"))
                doctor_wrong(doctor, json_text(output, "name"),
                             _("Does its folder exist, may the service write there, and is there "
                               "room on the disk?"),
                             "%s", words_error(output));
}
