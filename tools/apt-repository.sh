#!/bin/bash
# SPDX-License-Identifier: MIT
# A signed repository of built packages that apt takes: static files, for any web server or file://.
# Called again with newer packages it keeps the old ones; apt takes the newest.
# usage: tools/apt-repository.sh DIR --key KEY [--url URL] RELEASE=FOLDER…
#   KEY      that signs, as gpg knows it (GNUPGHOME); its public half is laid into DIR
#   URL      where DIR will be found, for DIR/smartmeterd.sources (file:DIR)
#   FOLDER   with the .deb files for that release (bookworm, trixie), of any architectures:
#            tools/build-deb.sh, tests/package/clean-build.sh
set -euo pipefail
architectures=(amd64 arm64 armhf)
directory='' key='' url='' sources=()

usage() {
        sed -n '5,9s/^# \{0,1\}//p' "$0" >&2
        exit 2
}

while (($# > 0)); do
        case $1 in
        --key) key=${2:-} && shift ;;
        --url) url=${2:-} && shift ;;
        *=*) sources+=("$1") ;;
        -*) usage ;;
        *) [[ -z $directory ]] || usage && directory=$1 ;;
        esac
        shift
done
[[ -n $directory && -n $key && ${#sources[@]} -gt 0 ]] || usage
for tool in apt-ftparchive gpg; do
        command -v "$tool" >/dev/null || {
                echo "apt-repository: no $tool here (apt install apt-utils gpg)" >&2
                exit 1
        }
done
mkdir -p "$directory"
directory=$(realpath "$directory")
url=${url:-file:$directory}

# The pool is divided by release: the same version is built for each, and is not the same there.
lay_down() { # RELEASE FOLDER
        local deb found=no
        mkdir -p "$directory/pool/$1"
        for deb in "$2"/*.deb; do
                [[ -f $deb && $deb != *-dbgsym_* ]] || continue
                found=yes
                # a file that clients know by its sum is never another one
                if [[ -f $directory/pool/$1/${deb##*/} ]] && ! cmp -s "$deb" "$directory/pool/$1/${deb##*/}"; then
                        echo "apt-repository: ${deb##*/} is there for $1 with another content: build a new version" >&2
                        exit 1
                fi
                cp -p "$deb" "$directory/pool/$1/"
        done
        [[ $found == yes ]] || {
                echo "apt-repository: no package in $2" >&2
                exit 1
        }
}

index() { # RELEASE
        local arch folder
        for arch in "${architectures[@]}"; do
                folder=$directory/dists/$1/main/binary-$arch
                mkdir -p "$folder"
                (cd "$directory" && apt-ftparchive --arch "$arch" packages "pool/$1") >"$folder/Packages"
                gzip -9nkf "$folder/Packages"
        done
        rm -f "$directory/dists/$1"/{Release,Release.gpg,InRelease}
        # written elsewhere: it would find itself
        (cd "$directory/dists/$1" && apt-ftparchive -o APT::FTPArchive::Release::Origin=smartmeterd \
                -o APT::FTPArchive::Release::Label=smartmeterd \
                -o APT::FTPArchive::Release::Suite="$1" -o APT::FTPArchive::Release::Codename="$1" \
                -o APT::FTPArchive::Release::Architectures="${architectures[*]}" \
                -o APT::FTPArchive::Release::Components=main release .) >"$directory/release.new"
        mv "$directory/release.new" "$directory/dists/$1/Release"
        gpg --batch --yes --local-user "$key" --clearsign --output "$directory/dists/$1/InRelease" "$directory/dists/$1/Release"
        gpg --batch --yes --local-user "$key" --armor --detach-sign --output "$directory/dists/$1/Release.gpg" "$directory/dists/$1/Release"
}

releases=()
for source in "${sources[@]}"; do
        lay_down "${source%%=*}" "${source#*=}"
        releases+=("${source%%=*}")
done
mapfile -t releases < <(printf '%s\n' "${releases[@]}" | sort -u)
for release in "${releases[@]}"; do
        index "$release"
done

# One file is all that a machine needs: the address, and the key that is believed for it and for no
# other repository.
for release in "${releases[@]}"; do
        {
                printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By:\n' "$url" "$release"
                gpg --batch --armor --export "$key" | sed 's/^$/./; s/^/ /'
        } >"$directory/smartmeterd-$release.sources"
done
echo "made $directory for ${releases[*]}"
