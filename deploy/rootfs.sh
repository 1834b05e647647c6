#!/bin/sh
# Puts together the files that the program needs to run, and no others: rootfs.sh PROGRAM FOLDER
set -eu
program=$1
root=$2

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs" "$root/etc/jakcard" "$root/var/lib/jakcard"
cp "$program" "$root/usr/local/bin/jakcard"

# The loader and the libraries, where the program looks for them.
ldd "$program" | grep -o '/[^ )]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done

# Whom to trust when keys are fetched and FHIR servers are asked.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
# How names are looked up.
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
echo 'jakcard:x:65532:65532::/var/lib/jakcard:/sbin/nologin' > "$root/etc/passwd"
echo 'jakcard:x:65532:' > "$root/etc/group"
chown 65532:65532 "$root/var/lib/jakcard" 2> /dev/null || echo "not root: /var/lib/jakcard keeps its owner" >&2
