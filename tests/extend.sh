#!/bin/bash
# SPDX-License-Identifier: MIT
# Each row of CONTRIBUTING's table, done: a small extension in a copy of the sources that touches only
# what the row names, built, tried, its tests run, and taken back. An extension so needs no more than
# the table says.
# usage: tests/extend.sh [ROW…]       speaks TAP; the copy with its build is kept in build-test/extend
# shellcheck disable=SC2317 # rows are called by name
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/build-test/extend
copy=$work/sources
# Where a build stands beside its sources as tools/test.sh has it: a compiler cache finds the same.
build=$copy/build-test/gcc
export CC=gcc CCACHE_BASEDIR=$copy CCACHE_NOHASHDIR=1

fault() {
        echo "# extend: $*"
        exit 1
}

# Only files that differ from the last run's copy are written: the rest of its build is used again.
make_copy() {
        mkdir -p "$copy"
        git -C "$root" -c safe.directory='*' ls-files -co --exclude-standard -z >"$work/list"
        rm -rf "$copy/.git"
        python3 - "$root" "$copy" "$work/list" <<'SYNC'
import os, pathlib, shutil, sys
root, copy = map(pathlib.Path, sys.argv[1:3])
names = {name for name in pathlib.Path(sys.argv[3]).read_text().split("\0") if name and os.path.lexists(root / name)}
for folder, _, files in os.walk(copy, topdown=False):
        if (pathlib.Path(folder).relative_to(copy).parts or ("",))[0] == "build-test":
                continue
        for path in (pathlib.Path(folder) / file for file in files):
                if str(path.relative_to(copy)) not in names:
                        path.unlink()
        if folder != str(copy) and not os.listdir(folder):
                os.rmdir(folder)
for name in names:
        there, here = root / name, copy / name
        if there.is_symlink() or not here.is_file() or here.read_bytes() != there.read_bytes():
                here.parent.mkdir(parents=True, exist_ok=True)
                if os.path.lexists(here):
                        here.unlink()
                shutil.copy(there, here, follow_symlinks=False)
        elif here.stat().st_mode != there.stat().st_mode:
                here.chmod(there.stat().st_mode)
SYNC
        git -C "$copy" init -q
        git -C "$copy" add -A
        git -C "$copy" -c user.name=extend -c user.email=extend@localhost commit -qm "as it is"
}

put_back() {
        # Only files that a row touched get a new time.
        git -C "$copy" stash -q --include-untracked 2>/dev/null && git -C "$copy" stash drop -q
}

# touched FILE…: nothing but these, which may be patterns, was changed or added.
touched() {
        local file allowed ok
        while IFS= read -r file; do
                ok=no
                for allowed in "$@"; do
                        # shellcheck disable=SC2053 # a pattern
                        [[ $file == $allowed ]] && ok=yes
                done
                [[ $ok == yes ]] || fault "$file was touched, and the row does not name it"
        done < <(git -C "$copy" status --porcelain -uall | cut -c4-)
}

# after PATTERN FILE: standard input goes behind the first line that matches.
after() {
        python3 -c '
import re, sys
pattern, path = sys.argv[1:]
lines = open(path, encoding="utf-8").read().split("\n")
at = next((i for i, line in enumerate(lines) if re.search(pattern, line)), None)
if at is None:
        sys.exit(f"extend: {path} has no line like {pattern}")
lines[at + 1:at + 1] = sys.stdin.read().rstrip("\n").split("\n")
open(path, "w", encoding="utf-8").write("\n".join(lines))' "$1" "$copy/$2"
}

# built: the programs; built TEST…: what these tests run, too.
built() {
        local name targets=(daemon/smartmeterd ctl/smctl)
        for name in "$@"; do
                case $name in
                unit-*) targets+=("tests/unit/test-${name#unit-}") ;;
                sim-files) targets+=(tests/telegrams/test-sim-files) ;;
                *.mo) targets+=("$name") ;;
                integration-*) targets+=(tests/integration/bus-driver tests/integration/example-power) ;;
                esac
        done
        ninja -C "$build" "${targets[@]}" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; fault "it does not build"; }
}

# pages: those that are made from the extended sources.
pages() {
        ninja -C "$build" pages >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" >&2; fault "the pages cannot be made"; }
}

# passes TEST…: of meson's names.
passes() {
        built "$@"
        meson test -C "$build" --no-rebuild --timeout-multiplier 5 "$@" >"$work/tests.log" 2>&1 || { tail -n 60 "$work/tests.log" >&2; fault "$* fails"; }
}

# fails PATTERN TEST…: the test asks for the missing part, in these words.
fails() {
        local pattern=$1
        shift
        built "$@"
        if meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 5 "$@" >"$work/tests.log" 2>&1; then
                fault "$* passes, and should ask for: $pattern"
        fi
        grep -qE -- "$pattern" "$work/tests.log" || { tail -n 60 "$work/tests.log" >&2; fault "$* does not ask for: $pattern"; }
}

# tried FILE: a test of the whole daemon, on standard input, beside those that are there.
tried() {
        cat >"$copy/tests/integration/test_extension.py"
        SMARTMETERD=$build/daemon/smartmeterd SMCTL=$build/ctl/smctl SMARTMETERD_SOURCE=$copy \
                umockdev-wrapper /usr/bin/python3 "$copy/tests/integration/test_extension.py" >"$work/tests.log" 2>&1 ||
                { tail -n 60 "$work/tests.log" >&2; fault "the whole daemon fails"; }
}

# says PATTERN COMMAND…: its output has the pattern.
says() {
        local pattern=$1 output
        shift
        output=$("$@" 2>&1) || true
        grep -qE -- "$pattern" <<<"$output" || { echo "$output" | tail -n 20 >&2; fault "no \"$pattern\" from $*"; }
}

# --- the rows -----------------------------------------------------------------------------------------

row_quantity() {
        after '"current_neutral"' lib/value/quantity.c <<'ROW'
        ROW(1, 94, 7, 0, "extension_power", N_("Extension power"), NULL, W, POWER)
ROW
        touched lib/value/quantity.c
        built
        printf '/EXT5extension\r\n\r\n1-0:94.7.0(00001.500*kW)\r\n1-0:1.8.0(000001.000*kWh)\r\n!\r\n' >"$work/telegram"
        says '"extension_power", ?"value": ?1500\b' "$build/ctl/smctl" decode --json "$work/telegram"
        passes unit-quantity unit-format
}

row_converter() {
        printf '\n# An invented converter\nusb:v1234pABCD*\n SMARTMETER_CONVERTER=1\n' >>"$copy/udev/61-smartmeterd.hwdb"
        touched udev/61-smartmeterd.hwdb
        built
        local place=$work/hwdb
        rm -rf "$place"
        mkdir -p "$place/etc/udev/hwdb.d"
        cp "$copy/udev/61-smartmeterd.hwdb" "$place/etc/udev/hwdb.d/"
        systemd-hwdb update --root="$place" 2>/dev/null
        says SMARTMETER_CONVERTER=1 systemd-hwdb query --root="$place" usb:v1234pABCDd0100dc00dsc00dp00icFFisc00ip00in00
        passes integration-udev_files
}

row_verb() {
        cat >"$copy/ctl/verbs/cmd-extension.c" <<'END'
/* SPDX-License-Identifier: MIT */
/* smctl extension: what a new verb takes. */
#include <stdio.h>

#include "ctl/options.h"
#include "verb.h"

int cmd_extension(int argc, char **argv)
{
        const struct options options = { 0 };
        int first = options_parse(&options, argc, argv);

        if (first <= 0)
                return options_exit(first);
        puts(ctl_settings.json ? "{\"extension\":true}" : "extended");
        return EXIT_DONE;
}
END
        after "'cmd-doctor.c'" ctl/verbs/meson.build <<<"  'cmd-extension.c',"
        after '^#define VERBS' ctl/verbs/verb.h <<'ROW'
        ROW(extension, "extension", "", N_("try what a verb takes")) \
ROW
        sed -i '0,/^\.It Cm reload/s//.It Cm extension\nTries what a verb takes.\n.It Cm reload/' "$copy/ctl/smctl.1"
        sed -i -E 's/\| doctor \| reload/| doctor | extension | reload/' "$copy/ctl/completion/smctl" "$copy/ctl/completion/_smctl"
        local language
        for language in fr de; do
                printf '\nmsgid "try what a verb takes"\nmsgstr "(%s)"\n' "$language" >>"$copy/ctl/po/$language.po"
        done
        touched ctl/verbs/cmd-extension.c ctl/verbs/meson.build ctl/verbs/verb.h ctl/smctl.1 \
                'ctl/completion/*' 'ctl/po/*.po'
        built
        says '^extended$' "$build/ctl/smctl" extension
        passes integration-smctl_words
}

row_property() {
        after '^static const struct bus_property' dbus/bus-meter.c <<<'        PROPERTY("Extension", "b", extension),'
        python3 - "$copy/dbus/bus-meter.c" <<'EDIT'
import sys
path = sys.argv[1]
text = open(path, encoding="utf-8").read()
value = """static union bus_value extension(const struct bus_face *face)
{
        (void)face;
        return BUS_NUMBER(true);
}

"""
text = text.replace("static const struct bus_property", value + "static const struct bus_property", 1)
open(path, "w", encoding="utf-8").write(text)
EDIT
        sed -i '0,/^ *<!-- Online:/s//    <!-- Extension: what a new property takes -->\n    <property name="Extension" type="b" access="read"\/>\n&/' \
                "$copy/dbus/org.smartmeterd.Meter1.xml"
        touched dbus/bus-meter.c dbus/org.smartmeterd.Meter1.xml
        pages
        built
        passes integration-bus_files --test-args TestFiles
        passes integration-bus_objects
        says '\bExtension\b' cat "$copy/docs/dbus-api.md"
}

row_profile() {
        mkdir "$copy/profiles/extension-x1"
        cat >"$copy/profiles/extension-x1/profile" <<'END'
; What a new meter takes.

[profile]
Name=extension-x1
Maker=EXT
ManufacturerName=Extension
Model=X1
Line=9600 8N1
Interval=10s
Voltage=80..300
Current=125A
Power=80kW
Connection=RJ12
Encryption=no
AskFor=nothing

[match]
ListId=EXT_X*

[scale]
U=-1
I=-2

[list "three values"]
Id=EXT_X1
1=id
2=1-0:1.7.0 u32 0
3=1-0:32.7.0 u16 -1
END
        # data-notification, no time, structure of 3: "EXT_X1", 1500, 2305
        printf '0f 00 00 00 01 00 02 03 0a 06 45 58 54 5f 58 31 06 00 00 05 dc 12 09 01\n' >"$work/telegram.hex"
        cp "$work/telegram.hex" "$copy/profiles/extension-x1/three.hex"
        printf '%s\n' 'encrypted no' 'value 1-0:1.7.0 1500 W' 'value 1-0:32.7.0 230.5 V' \
                >"$copy/profiles/extension-x1/three.expect"
        touched 'profiles/extension-x1/*'
        pages
        built
        says '"profile": ?"extension-x1".*"value": ?230\.5\b' "$build/ctl/smctl" decode --json --profile extension-x1 "$work/telegram.hex"
        passes unit-profile meters-page sim-files
}

# Freed, compared on reload, copied for the worker, wiped, and asked for in manual and shipped file: by the
# table alone. The tests of the section know nothing of it.
row_key() {
        after '"JeedomRoot"' daemon/mqtt/mqtt-config.c <<'ROWS'
        MQTT("Extension", &config_string, extension),
        MQTT("ExtensionSecret", &config_string, extension_secret, .secret = true),
ROWS
        after 'char \*jeedom_root;' daemon/mqtt/mqtt-config.h <<<'        char *extension, *extension_secret;'
        built
        fails 'smartmeterd.conf.5 does not explain \[mqtt\] Extension' unit-config-keys
        sed -i '0,/^\.It Cm JeedomRoot/s//.It Cm Extension, ExtensionSecret Ns = Ns Ar text\nWhat a new key takes.\n&/' \
                "$copy/daemon/smartmeterd.conf.5"
        fails 'smartmeterd.conf does not teach \[mqtt\] Extension' unit-config-keys
        after '^#Deadband=' daemon/smartmeterd.conf <<<$'#Extension=\n#ExtensionSecret='
        fails '\[mqtt\] ExtensionSecret is a secret, and of a kind that is not overwritten' unit-config-keys
        sed -i '/"ExtensionSecret"/s/&config_string/\&config_secret/' "$copy/daemon/mqtt/mqtt-config.c"
        touched daemon/mqtt/mqtt-config.c daemon/mqtt/mqtt-config.h daemon/smartmeterd.conf.5 daemon/smartmeterd.conf
        built
        passes unit-config-keys unit-config
        if command -v valgrind >/dev/null; then
                SMARTMETERD_SOURCE=$copy valgrind -q --error-exitcode=99 --leak-check=full "$build/tests/unit/test-config-keys" \
                        >"$work/tests.log" 2>&1 || { tail -n 40 "$work/tests.log" >&2; fault "what a key owns is not freed"; }
        fi
}

# Said by the service in English, and by smctl in the user's language with the same particulars.
row_sentence() {
        after 'no\[\] = \{ "no"' daemon/config/config-value.c <<'ROWS'
        if (strcmp(value, "extension") == 0) {
                config_answer(ret, "a sentence of %s needs %d translations", "extension", 2);
                return -EINVAL;
        }
ROWS
        fails "fr.po: nothing for 'a sentence of %s needs" words
        cat >>"$copy/ctl/po/fr.po" <<'END'

#, c-format
msgid "a sentence of %s needs %d translations"
msgstr "il faut %2$d traductions à une phrase de %1$s"
END
        cat >>"$copy/ctl/po/de.po" <<'END'

#, c-format
msgid "a sentence of %s needs %d translations"
msgstr "ein Satz von %s braucht Übersetzungen"
END
        fails 'de.po: .* lacks a particular' words
        sed -i '$s/Übersetzungen/%d Übersetzungen/' "$copy/ctl/po/de.po"
        touched daemon/config/config-value.c 'ctl/po/*.po'
        passes words
        # A locale that is not C, where newer C libraries translate nothing.
        mkdir -p "$work/locale"
        cp -rT /usr/lib/locale/C.utf8 "$work/locale/xx_XX.utf8"
        printf '[daemon]\nAutoBind=extension\n' >"$work/extension.conf"
        local language
        local -A said=([fr]='il faut 2 traductions à une phrase de extension' [de]='ein Satz von extension braucht 2 Übersetzungen')
        for language in fr de; do
                built "ctl/po/$language/LC_MESSAGES/smctl.mo"
                says "AutoBind=.*${said[$language]}" env LOCPATH="$work/locale" LC_ALL=xx_XX.UTF-8 LANGUAGE="$language" SMCTL_LOCALEDIR="$build/ctl/po" \
                        SMARTMETERD="$build/daemon/smartmeterd" "$build/ctl/smctl" check-config "$work/extension.conf"
        done
}

row_output() {
        mkdir "$copy/daemon/extension"
        cat >"$copy/daemon/extension/output-extension.h" <<'END'
/* SPDX-License-Identifier: MIT */
/* [extension]: what a new output takes: the id of the meter that sent last, in a file. */
#pragma once

#include "daemon/config/output.h"

extern const struct output output_extension;
END
        cat >"$copy/daemon/extension/output-extension.c" <<'END'
/* SPDX-License-Identifier: MIT */
#include "output-extension.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "daemon/config/config-value.h"

struct config_extension {
        struct config_item item;
        char *file;
};

static const struct config_key keys[] = {
        { "File", &config_string, offsetof(struct config_extension, file), "/run/smartmeterd/extension",
          .parse = config_value_path },
};

static const struct config_section section = {
        .name = "extension",
        .size = sizeof(struct config_extension),
        .keys = keys,
        .n_keys = ELEMENTSOF(keys),
};

struct output_sink {
        struct sink sink;
        const struct config_extension *config;
};

static void on_telegram(struct sink *sink, const struct meter *meter, const struct meter_update *update)
{
        FILE *file = fopen(((struct output_sink *)sink)->config->file, "we");

        if (!file)
                return;
        (void)fprintf(file, "%s\n", meter->id);
        (void)fclose(file);
}

static struct sink *on_free(struct sink *sink)
{
        free(sink);
        return NULL;
}

static const struct sink_ops ops = { .name = "extension", .free = on_free, .telegram = on_telegram };

static int new_extension(const struct output_options *options, struct sink **ret)
{
        struct output_sink *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->sink.ops = &ops;
        s->config = (const struct config_extension *)options->config;
        *ret = &s->sink;
        return 0;
}

const struct output output_extension = { .section = &section, .new = new_extension };
END
        printf "# SPDX-License-Identifier: MIT\ndaemon_sources += files(\n  'output-extension.c',\n)\n" >"$copy/daemon/extension/meson.build"
        after "^  'converter'," daemon/meson.build <<<"  'extension',"
        after 'daemon/history/output-history.h' daemon/outputs.c <<<'#include "daemon/extension/output-extension.h"'
        after '^static const struct output \*const kinds' daemon/outputs.c <<<'        &output_extension,'
        built
        fails 'smartmeterd.conf.5 has no .Ss \[extension\]' unit-config-keys
        sed -i '0,/^\.Ss \[history\]/s//.Ss [extension]\\\&\nWhat a new output takes.\n.Bl -tag -width Ds\n.It Cm File Ns = Ns Ar path\nWhere it writes.\n.El\n&/' \
                "$copy/daemon/smartmeterd.conf.5"
        fails 'smartmeterd.conf has no \[extension\]' unit-config-keys
        printf '\n# --- extension -----\n#[extension]\n#File=/run/smartmeterd/extension\n' >>"$copy/daemon/smartmeterd.conf"
        touched 'daemon/extension/*' daemon/meson.build daemon/outputs.c daemon/smartmeterd.conf.5 daemon/smartmeterd.conf
        passes unit-config-keys unit-config
        tried <<'END'
import unittest

from meter_bed import E450, METER, MeterBed
from private_bus import wait_until


class Extension(unittest.TestCase):
    def test_new_output_is_told_of_a_telegram_shown_on_the_bus_and_gone_when_its_section_is(self):
        with MeterBed() as bed:
            file = bed.d.folder / "extension"
            bed.configure(f"[extension]\nFile={file}\n")
            bed.d.manager("Reload")
            wait_until(lambda: "extension" in bed.smctl("status", "--json"), "the output", 30)
            bed.feed(E450)
            wait_until(lambda: file.exists() and file.read_text() == METER + "\n", "the file", 30)
            bed.configure("")
            bed.d.manager("Reload")
            wait_until(lambda: "extension" not in bed.smctl("status", "--json"), "no output", 30)


unittest.main()
END
}

row_format() {
        cat >"$copy/daemon/formats/format-extension.c" <<'END'
/* SPDX-License-Identifier: MIT */
/* What a new format takes: each value by its key. */
#include <stdio.h>

#include "format.h"

static void extension_root(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "extension");
}

static void extension_telegram(const struct format_context *context, const struct meter *meter,
                               const struct meter_update *update, const struct format_values *values,
                               struct message_list *ret)
{
        char topic[FORMAT_TOPIC_MAX], number[DECIMAL_TEXT_MAX];

        for (size_t i = 0; i < values->n; i++) {
                struct message_attributes attributes = { .class = format_class(values->values[i]) };

                (void)snprintf(topic, sizeof(topic), "extension/%s", values->values[i]->key);
                decimal_print(values->values[i]->reading.value, number);
                format_add(ret, &attributes, topic, number);
        }
}

const struct format format_extension = {
        .name = "extension",
        .root = extension_root,
        .telegram = extension_telegram,
};
END
        after "^  'format-datacollector.c'," daemon/formats/meson.build <<<"  'format-extension.c',"
        after '^#define FORMAT_TABLE' daemon/formats/format.h <<'ROW'
        ROW(extension)     \
ROW
        touched daemon/formats/format-extension.c daemon/formats/meson.build daemon/formats/format.h
        built
        passes unit-format unit-config-keys unit-config
        tried <<'END'
import subprocess
import unittest

from harness import Broker
from meter_bed import E450, MeterBed
from private_bus import wait_until


class Extension(unittest.TestCase):
    def test_new_format_is_what_the_broker_gets(self):
        with Broker() as broker:
            config = f'[mqtt "new"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=new\nFormats=extension\n'
            command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "extension/#", "-v", "-C", "1", "-W", "60"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader, MeterBed(broker, config=config) as bed:
                wait_until(lambda: bed.feed(E450) or reader.poll() is not None, "a message", 60)
                self.assertRegex(reader.stdout.read(), r"^extension/[a-z_]+ -?\d+(\.\d+)?\n$")


unittest.main()
END
}

# 58 54 L L APDU SUM, where SUM makes the sum of all bytes 0.
row_framing() {
        cat >"$copy/lib/link/extension.c" <<'END'
/* SPDX-License-Identifier: MIT */
/* What a new framing takes: 58 54 | length, big-endian | APDU | what makes the sum of all bytes 0. */
#include "link.h"

#define HEADER 4

static bool extension_starts(uint8_t byte)
{
        return byte == 0x58;
}

static enum link_result extension_probe(struct slice s, struct slice before, struct link_found *ret)
{
        size_t length = HEADER + ((size_t)slice_at(s, 2) << 8 | slice_at(s, 3)) + 1;
        uint8_t sum = 0;

        if ((s.len > 1 && s.data[1] != 0x54) || length > LINK_FRAME_MAX)
                return LINK_NONE;
        if (s.len < HEADER || s.len < length)
                return LINK_MORE;
        for (size_t i = 0; i < length; i++)
                sum = (uint8_t)(sum + s.data[i]);
        *ret = (struct link_found){ .fault = "Extension: the sum is wrong", .len = length };
        return sum == 0 ? LINK_WHOLE : LINK_DAMAGED;
}

static void extension_open(struct slice frame, struct link_piece *ret)
{
        struct slice apdu = slice_from(frame, HEADER);

        apdu.len--;
        *ret = (struct link_piece){ .bytes = apdu, .first = true, .last = true };
}

const struct link_ops link_extension = {
        .name = "extension",
        .proves_itself = true,
        .sum_only = true,
        .starts = extension_starts,
        .probe = extension_probe,
        .open = extension_open,
};
END
        after "^  'crc.c'," lib/link/meson.build <<<"  'extension.c',"
        after 'ROW\(mbus\)' lib/link/link.h <<'ROW'
        ROW(extension)   \
ROW
        touched lib/link/extension.c lib/link/meson.build lib/link/link.h
        built
        python3 - >"$work/telegram.bin" <<'MAKE'
import sys
# data-notification, no time; (1-0:1.7.0, 1500, W) as a structure of a structure of three
apdu = bytes.fromhex("0f 00000001 00 0201 0203 0906 0100010700ff 06 000005dc 0202 0f00 161b")
frame = b"XT" + len(apdu).to_bytes(2, "big") + apdu
frame += bytes([-sum(frame) & 255])
sys.stdout.buffer.write(b"stray" + frame + b"XT\0\5wrong!" + frame)
MAKE
        says '"framing": ?"extension"' "$build/ctl/smctl" decode --json "$work/telegram.bin"
        says '"value": ?1500\b' "$build/ctl/smctl" decode --json "$work/telegram.bin"
        passes unit-scanner unit-assembly unit-decoder unit-link-hdlc
}

# --- the rest -----------------------------------------------------------------------------------------

mapfile -t rows < <(declare -F | sed -n 's/^declare -f row_//p')
[[ $# == 0 ]] || rows=("$@")
mkdir -p "$work"
make_copy
if [[ ! -f $build/build.ninja ]]; then
        meson setup "$build" "$copy" -Dtests=enabled --werror >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" >&2; exit 1; }
fi
built
failed=0 number=0
for row in "${rows[@]}"; do
        declare -F "row_$row" >/dev/null || fault "there is no row '$row': ${rows[*]}"
        number=$((number + 1))
        # In a shell of its own, which a fault ends.
        if ("row_$row"); then
                echo "ok $number - extend: $row"
        else
                echo "not ok $number - extend: $row"
                failed=1
        fi
        put_back
done
exit "$failed"
