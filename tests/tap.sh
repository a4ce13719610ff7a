# What the command-line tests share: a folder to work in, TAP output, and looks at the last call.
# Sourced by tests/*.t, which end with `finish`.
set -u
work=$(mktemp -d)
export XDG_CACHE_HOME="$work/cache"
cd "$work" || exit 1
number=0

# Commands to run at the end, last first, before the folder goes.
cleanups=()
clean_up() {
  local i
  for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do eval "${cleanups[i]}"; done
  cd /
  chmod -R u+rwX "$work" 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT

# ok NAME CONDITION...: the condition is a command.
ok() {
  local name=$1
  shift
  number=$((number + 1))
  if "$@"; then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    echo "# failed: $*; exit code of the last call ${code:-?}; its stdout:"
    head -40 out 2>/dev/null | sed 's/^/#   /'
    echo '# its stderr:'
    head -20 err 2>/dev/null | sed 's/^/#   /'
  fi
}

# skip COUNT REASON
skip() {
  local i
  for ((i = 0; i < $1; i++)); do
    number=$((number + 1))
    echo "ok $number # SKIP $2"
  done
}

finish() { echo "1..$number"; }

# run ARGUMENTS...: the program, into the files out and err; the exit code into code.
run() {
  "$LEUKO" "$@" >out 2>err </dev/null
  code=$?
}
# The same where no other program is found: no figures are drawn, which takes most of the time.
plain() { PATH=/nonexistent run "$@"; }

code_is() { [ "$code" = "$1" ]; }
out_has() { grep -q -e "$1" out; }
err_has() { grep -q -e "$1" err; }
out_lacks() { ! grep -q -e "$1" out; }
lines_are() { [ "$(wc -l <"$1")" = "$2" ]; }
missing() { [ ! -e "$1" ]; }
hash_of() { sha256sum <"$1" | cut -c1-64; }
same_file() { cmp -s "$1" "$2"; }
differ() { ! cmp -s "$1" "$2"; }
# No file under a temporary name.
nothing_half_written() { [ -z "$(find "$1" -name '*.tmp' -print -quit)" ]; }

# value PATH: what stands in the JSON on out at a path such as counts.missing or 0.label; the
# length of an array, the sorted keys of an object.
value() {
  perl -MJSON::PP -e '
    local $/; my $at = JSON::PP->new->utf8->allow_nonref->decode(<STDIN>);
    for (split /\./, $ARGV[0]) { $at = ref $at eq "ARRAY" ? $at->[$_] : $at->{$_} }
    print ref $at eq "ARRAY" ? scalar @$at : ref $at eq "HASH" ? join(",", sort keys %$at)
        : !defined $at ? "null" : $at' "$1" <out
}
json() { [ "$(value "$1")" = "$2" ]; }
