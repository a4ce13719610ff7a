#!/bin/sh
# Checks that a room of src/ includes only rooms above it in this list (and itself), and that each
# foreign library stays in the room that was made for it. Prints the offending lines; exit code 1 if
# there are any.
#
#   sh tools/include_direction.sh [FILE ...]     (default: every .c and .h under src/)
set -eu
cd "$(dirname "$0")/.."
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(find src -name '*.[ch]' | LC_ALL=C sort)
exec awk '
BEGIN {
  count = split("base stats image dataset audit net net/ref net/onednn net/winograd net/infer net/learn net/dense zoo model weights " \
                "train predict evaluate explain report cli", order, " ")
  for (i = 1; i <= count; i++) rank[order[i]] = i
  home["dnnl"] = "net/onednn"
  home["leptonica"] = "image"
  home["jpeglib"] = "image"
  home["openssl"] = "base"
  home["png"] = "image"
  home["curl"] = "weights"
  home["hdf5"] = "weights"
  home["zip"] = "weights"
}
# The room of a path below src/: the longest folder that is in the list.
function room(path,    folder) {
  folder = path
  while (sub(/\/[^\/]*$/, "", folder))
    if (folder in rank) return folder
  return ""
}
function complain(text) {
  printf "%s:%d: %s\n", FILENAME, FNR, text
  bad = 1
}
FNR == 1 {
  path = FILENAME
  sub(/^(\.\/)?src\//, "", path)
  here = room(path)
  if (here == "") complain("this folder is not in the list of rooms")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
  split($0, part, "\"")
  if (part[2] == "leuko.h") next
  there = room(part[2])
  if (there == "") complain("include \"" part[2] "\" by its path from src/")
  else if (rank[there] > rank[here])
    complain(here " includes " part[2] ", but " there " lies below it")
}
/^[ \t]*#[ \t]*include[ \t]*</ {
  split($0, part, /[<>]/)
  library = part[2]
  sub(/[.\/].*/, "", library)
  if (library in home && home[library] != here)
    complain("<" part[2] "> belongs into " home[library])
}
END { exit bad }
' "$@"
