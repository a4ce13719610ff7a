#!/bin/sh
# Installs the Debian packages named as arguments, as far as they are missing; where it cannot, it
# names them.
set -eu
missing=
for package in "$@"; do
  state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
  sudo=
elif command -v sudo >/dev/null 2>&1; then
  sudo=sudo
else
  echo "These packages are missing and can only be installed by root:$missing" >&2
  echo "Run as root: apt-get install$missing" >&2
  exit 1
fi
command -v apt-get >/dev/null 2>&1 || {
  echo "These Debian packages, or what corresponds to them here, are missing:$missing" >&2
  exit 1
}
echo "installing:$missing"
# shellcheck disable=SC2086
if ! { $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
  { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends $missing >/dev/null; }; }; then
  echo "could not install:$missing" >&2
  exit 1
fi
