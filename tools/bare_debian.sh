#!/bin/sh
# Proves that leuko sets itself up on a bare Debian 12: bootstraps one into a folder (make is the
# only package added, since it has to be typed), clones this repository into it and runs `make demo`
# and then `make test` there as root. Prints the two times.
#
#   sh tools/bare_debian.sh FOLDER
#
# FOLDER is reused if it holds a Debian already; packages that earlier runs installed stay, so
# remove it for a fresh one. With LEUKO_SHARED=DIR that folder is bound read-only beside the clone,
# where the Makefile looks for real cells. Needs root, debootstrap and the machine's own apt mirror.
set -eu

folder=${1:?usage: sh tools/bare_debian.sh FOLDER}
[ "$(id -u)" = 0 ] || { echo "bare_debian.sh: only root can make a chroot" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "bare_debian.sh: install debootstrap" >&2; exit 1; }
cd "$(dirname "$0")/.."
repository=$PWD

# The first mirror in this machine's apt sources, in either of the two formats; security mirrors
# hold no base system.
apt_mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
    2>/dev/null |
    sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*] *\)\{0,1\}\([^ ]*\) .*/\2/p' |
    grep -v security | grep debian | head -n 1
}

if [ ! -x "$folder/usr/bin/make" ]; then
  mirror=$(apt_mirror)
  [ -n "$mirror" ] || { echo "bare_debian.sh: no Debian mirror in /etc/apt" >&2; exit 1; }
  mkdir -p "$folder"
  debootstrap --variant=minbase --include=make bookworm "$folder" "$mirror"
fi
folder=$(cd "$folder" && pwd)

rm -rf "$folder/root/leuko"
mkdir -p "$folder/root/leuko"
git clone -q "file://$repository" "$folder/root/leuko"
cp -L /etc/resolv.conf "$folder/etc/resolv.conf"

# Mounts live in a namespace of their own and go with it, however this ends.
export folder
export shared="${LEUKO_SHARED:-}"
unshare --mount --propagation private sh -eu <<'INSIDE'
mount -t proc proc "$folder/proc"
mount --bind /sys "$folder/sys"
if [ -n "$shared" ]; then
  mkdir -p "$folder/root/shared"
  mount --bind "$shared" "$folder/root/shared"
  mount -o remount,ro,bind "$folder/root/shared"
elif [ -d "$folder/root/shared" ]; then
  rmdir "$folder/root/shared"
fi
run() {
  started=$(date +%s)
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    chroot "$folder" sh -c "cd /root/leuko && make $1" </dev/null
  echo "$(($(date +%s) - started))" >"$folder/root/seconds.$1"
}
run demo
run test
INSIDE
echo "bare Debian 12: make demo took $(cat "$folder/root/seconds.demo") s (packages and build" \
  "included), make test $(cat "$folder/root/seconds.test") s"
