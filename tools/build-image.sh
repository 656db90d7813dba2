#!/bin/bash
# SPDX-License-Identifier: MIT
# An OCI image of the package: Debian's smallest system and the .deb, made by mmdebstrap, with no
# container engine. It runs with --bus none as the service's own user; docs/containers.md.
# usage (as root): tools/build-image.sh smartmeterd_VERSION_ARCH.deb IMAGE.tar [RELEASE]
#   podman load -i IMAGE.tar, or docker load -i IMAGE.tar (Docker 25 and later)
# Its modification times are of SOURCE_DATE_EPOCH, or of the package's newest file.
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
[[ $# == 2 || $# == 3 ]] || {
        sed -n '3,8s/^# //p' "$0" >&2
        exit 2
}
deb=$(realpath "$1") image=$(realpath -m "$2") release=${3:-bookworm}
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/package/chroot-lib.sh
. "$root/tests/package/chroot-lib.sh"
chroot_possible
version=$(dpkg-deb -f "$deb" Version) arch=$(dpkg-deb -f "$deb" Architecture)
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(dpkg-deb --fsys-tarfile "$deb" | tar -t --full-time -vf - |
        awk '{ print $4 " " $5 }' | sort | tail -n 1 | date -uf - +%s)}
export SOURCE_DATE_EPOCH

# ---- the system ----

kept_debs "$release"
export DEB=$deb UIDS=$work/uids
# shellcheck disable=SC2016 # for mmdebstrap's shell
mmdebstrap --quiet --mode=root --variant=minbase --format=tar --architectures="$arch" \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-include=/usr/share/locale/*/LC_MESSAGES/smctl.mo' \
        --include=ca-certificates,tzdata "${with_kept[@]}" \
        --customize-hook='cp "$DEB" "$1/var/tmp/package.deb"' \
        --customize-hook='chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install /var/tmp/package.deb >&2' \
        --customize-hook='rm "$1/var/tmp/package.deb"' \
        --customize-hook='chroot "$1" id -u smartmeterd >/dev/null || chroot "$1" systemd-sysusers smartmeterd.conf' \
        --customize-hook='chroot "$1" usermod -aG dialout smartmeterd' \
        --customize-hook='chroot "$1" install -d -o smartmeterd -g smartmeterd /var/lib/smartmeterd' \
        --customize-hook='chroot "$1" id -u smartmeterd >"$UIDS"; chroot "$1" id -g smartmeterd >>"$UIDS"' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/*; : >"$1/etc/machine-id"' \
        "$release" "$work/layer.tar" >"$work/log" 2>&1 || no_image "$work/log" "$release"

# ---- the image ----

python3 - "$work" "$arch" "$version" <<'IMAGE'
import gzip, hashlib, json, os, pathlib, sys, tarfile, time

work, arch, version = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"])))
uid, gid = (work / "uids").read_text().split()
blobs = work / "oci/blobs/sha256"
blobs.mkdir(parents=True)
kind = "application/vnd.oci.image."


def blob(data, media):
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": kind + media, "digest": "sha256:" + digest, "size": len(data)}


# mmdebstrap empties /run at its end; the service's socket wants its folder there.
with tarfile.open(work / "layer.tar", "a") as tar:
    folder = tarfile.TarInfo("./run/smartmeterd")
    folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o755, int(uid), int(gid)
    folder.mtime = int(os.environ["SOURCE_DATE_EPOCH"])
    tar.addfile(folder)
layer = (work / "layer.tar").read_bytes()
machine = {"amd64": {"architecture": "amd64"}, "arm64": {"architecture": "arm64"},
           "armhf": {"architecture": "arm", "variant": "v7"}}[arch]
config = blob(json.dumps({
    **machine, "os": "linux", "created": created,
    "config": {"User": f"{uid}:{gid}", "Entrypoint": ["/usr/sbin/smartmeterd", "--bus", "none"],
               "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                       "STATE_DIRECTORY=/var/lib/smartmeterd", "RUNTIME_DIRECTORY=/run/smartmeterd"],
               "Volumes": {"/var/lib/smartmeterd": {}},
               "Labels": {"org.opencontainers.image.title": "smartmeterd",
                          "org.opencontainers.image.version": version,
                          "org.opencontainers.image.licenses": "MIT"}},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    "history": [{"created": created, "created_by": "tools/build-image.sh"}]}).encode(), "config.v1+json")
packed = blob(gzip.compress(layer, 6, mtime=0), "layer.v1.tar+gzip")
manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": kind + "manifest.v1+json", "config": config,
                            "layers": [packed]}).encode(), "manifest.v1+json")
manifest["platform"] = {**machine, "os": "linux"}
manifest["annotations"] = {"org.opencontainers.image.ref.name": f"smartmeterd:{version}",
                           "io.containerd.image.name": f"docker.io/library/smartmeterd:{version}"}
(work / "oci/oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
(work / "oci/index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
IMAGE
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$work/oci" -cf "$image.new" .
mv "$image.new" "$image"
echo "made $image ($(du -h "$image" | cut -f1))"
