/* SPDX-License-Identifier: MIT */
/*
 * tests/check-words.py holds these tables, the XML beside dbus/ and the code that sends them
 * together.
 */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "json.h"
#include "sentences.h"

struct word {
        const char *code, *text;
};

/* StateCode of Converter1. */
static const struct word reasons[] = {
        { "not-configured", N_("It is not configured; smctl adopt takes it into use.") },
        { "moved",
          N_("An adopted converter of its kind has left its socket; smctl adopt takes this one "
             "if it is the one.") },
        { "other-meter", N_("It was looked at in place of an adopted converter that has left its "
                            "socket, and the meter of that one was not heard.") },
        { "auto-bind-off", N_("AutoBind=no is set, and no [converter] section is about it.") },
        { "ignored-by-udev", N_("udev says that it is to be left alone (SMARTMETER_IGNORE=1).") },
        { "in-use", N_("Another program used it when it was found.") },
        { "gps", N_("It is a GPS receiver, not a meter.") },
        { "modbus", N_("It is a Modbus line, not a meter.") },
        { "opening", N_("It is being opened.") },
        { "not-there", N_("The configured device is not there.") },
        { "cannot-open", N_("It cannot be opened.") },
        { "no-port", N_("It is no serial port: a file, a folder or another device has its name.") },
        { "hung-up", N_("The port was hung up: the device left, or the kernel lost it.") },
        { "flapping", N_("It comes and goes; it is given a pause.") },
        { "no-usb-answer", N_("The device does not answer over USB.") },
        { "usb-reset", N_("It is being reset through USB.") },
        { "nothing-listens", N_("Nothing listens at the network address.") },
        { "no-such-host", N_("The name of the network address is not known.") },
        { "no-answer", N_("The network address does not answer.") },
        { "no-rfc2217", N_("The bridge does not let its line be set.") },
        { "no-permission", N_("The service may not open it.") },
        { "sandbox", N_("The sandbox of the unit does not allow it: DeviceAllow= is missing.") },
        { "held-by-process", N_("Another program has it open.") },
        { "second-reader", N_("Another program reads it, too, and takes bytes away.") },
        { "listening", N_("Line settings are tried one after the other.") },
        { "no-telegrams", N_("Whole frames arrive, but no telegram among them yet.") },
        { "telegrams", N_("Telegrams arrive.") },
        { "damaged-frames", N_("Most frames are damaged: look at the cable.") },
        { "unknown-list", N_("Telegrams arrive, but their list is not known.") },
        { "key-missing", N_("Telegrams arrive encrypted, and no key is set.") },
        { "wrong-encryption-key", N_("Telegrams arrive, but the encryption key is wrong.") },
        { "wrong-authentication-key",
          N_("Telegrams arrive, but the authentication key is wrong.") },
        { "keys-exchanged",
          N_("Telegrams arrive, but encryption and authentication key are exchanged.") },
        { "title-missing",
          N_("Telegrams arrive encrypted, without the system title that is needed.") },
        { "suite-unsupported", N_("Telegrams arrive encrypted in a way that is not supported.") },
        { "unauthenticated", N_("Telegrams arrive without the proof that the authentication key "
                                "asks for; they are refused.") },
        { "replayed", N_("Telegrams arrive that were sent before; they are refused.") },
        { "no-frames", N_("Bytes arrive, but no valid frame among them: another line setting, or "
                          "another device.") },
        { "no-bytes", N_("Nothing arrives: look at the cable, the meter's interface, and its "
                         "power.") },
        { "lent", N_("It was given to another program for a while.") },
        { "unplugged", N_("It is unplugged.") },
};

/* LastErrorCode of Output1. */
static const struct word errors[] = {
        { "name-unknown", N_("The broker's name is not known: is Host= right, and does DNS know "
                             "it?") },
        { "name-server", N_("The name server does not answer; it is tried again.") },
        { "refused", N_("Nothing listens there: is the broker running, and is Port= right?") },
        { "no-socket", N_("There is no such socket: is the broker running, and is Host= right?") },
        { "no-permission", N_("The connection is forbidden here: look at the socket's mode, the "
                              "firewall, and the unit's IPAddressDeny=.") },
        { "timeout", N_("No answer: is the machine up, and does a firewall let us through?") },
        { "unreachable", N_("There is no way to it: look at the network.") },
        { "listener",
          N_("A user's program listens there, and no broker of the system: nothing is sent "
             "to it. Stop it, or set Listener=any.") },
        { "no-answer", N_("The connection is accepted but not answered: does the broker hang, or "
                          "is it no MQTT broker?") },
        { "broker-hangs", N_("The broker no longer answers; it is tried again.") },
        { "closed", N_("The broker closed the connection; it is tried again.") },
        { "not-mqtt", N_("What answers there is no MQTT broker, or Tls= is wrong for this port.") },
        { "password-missing",
          N_("The broker wants a user and a password: set Username= and PasswordFile=.") },
        { "password-wrong",
          N_("The broker refuses this user and password: check Username= and PasswordFile=.") },
        { "protocol-version",
          N_("The broker does not speak this version of MQTT: set Protocol=auto.") },
        { "client-id-refused", N_("The broker does not accept our client id: set ClientId=.") },
        { "client-id-taken",
          N_("Another client uses the same client id: set ClientId= to one of its own.") },
        { "banned", N_("The broker has banned us: ask whoever runs it.") },
        { "broker-busy", N_("The broker takes nothing now; it is tried again. Its log may say "
                            "more.") },
        { "topic-refused", N_("The broker does not let us publish to a topic: allow it in its "
                              "access control list (ACL).") },
        { "topic-suspected",
          N_("The broker hangs up when we publish to a topic: allow it in its access control list "
             "(ACL), or raise its limit of message sizes.") },
        { "message-too-large", N_("A message is larger than the broker takes: raise its limit "
                                  "(mosquitto: max_packet_size), or leave out a format.") },
        { "tls",
          N_("The encrypted connection fails: look at Tls=, CaFile= and the certificates.") },
        { "settings", N_("The settings of this output cannot be used.") },
        { "spool", N_("The spool on disk cannot be written.") },
        { "cannot-write", N_("The file cannot be written.") },
        { "disk-full", N_("The disk is full.") },
        { "disk-error", N_("The disk cannot be written.") },
        { "failed", N_("It does not work.") },
};

/* State of Manager1 and Converter1, KeyState of Meter1: in English they are words already. */
static const char *const states[] = {
        N_("starting"),
        N_("running"),
        N_("stopping"),
        N_("ignored"),
        N_("waiting"),
        N_("denied"),
        N_("busy"),
        N_("detecting"),
        N_("receiving"),
        N_("silent"),
        N_("no-meter"),
        N_("inhibited"),
        N_("gone"),
        N_("not-needed"),
        N_("missing"),
        N_("unverified"),
        N_("ok"),
        N_("wrong-encryption-key"),
        N_("wrong-authentication-key"),
};

static const char *find(const struct word *words, size_t n, const char *code)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(words[i].code, code) == 0)
                        return words[i].text;
        return NULL;
}

/* gettext() gives back its argument where there is no translation. */
static const char *translated(const char *text, const char *otherwise)
{
        const char *other = text ? _(text) : NULL;

        if (other && (other != text || !*otherwise))
                return other;
        return otherwise;
}

/* The sentence with its particulars; where it is not known, that of the code. */
static const char *said(const char *sentence, const char *of_code)
{
        static char buf[SENTENCE_MAX];

        return sentences_translate(sentence, buf) ? buf : translated(of_code, sentence);
}

const char *words_reason(struct json_object *converter)
{
        return said(json_text(converter, "state_reason"),
                    find(reasons, ELEMENTSOF(reasons), json_text(converter, "state_code")));
}

const char *words_error(struct json_object *output)
{
        const char *error = json_text(output, "last_error");

        return *error ? said(error,
                             find(errors, ELEMENTSOF(errors), json_text(output, "last_error_code")))
                      : "";
}

const char *words_state(const char *state)
{
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (strcmp(states[i], state) == 0)
                        return _(states[i]);
        return state;
}

const char *words_console_fix(void)
{
        return _("Take console= with this port out of the kernel's command line "
                 "(/boot/firmware/cmdline.txt, or /etc/default/grub and sudo update-grub), and "
                 "restart the machine.");
}
