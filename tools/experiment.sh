#!/bin/sh
# What demo.sh and reproduce.sh share: choosing the cells, training on both splits, comparing them.
# Sourced by them, in the repository's root; LEUKO is the program's path.

leuko=${LEUKO:-build/leuko}
source_of_data='C-NMC 2019 in The Cancer Imaging Archive, https://doi.org/10.7937/tcia.2019.dc64i46r'

# Sets $data to the folder of cells: $LEUKO_DATA, data/C-NMC_Leukemia, or "" where there is neither.
choose_data() {
  data=
  if [ -n "${LEUKO_DATA:-}" ]; then
    [ -d "$LEUKO_DATA" ] || { echo "LEUKO_DATA: there is no folder '$LEUKO_DATA'" >&2; exit 3; }
    data=$LEUKO_DATA
  elif [ -d data/C-NMC_Leukemia ]; then
    data=data/C-NMC_Leukemia
  fi
}

# Trains into folder $1/KIND for KIND subject and image, with the options $2 ... An interrupted run
# goes on; a run of other options or cells is refused by the program (exit code 3).
train_both() {
  folder=$1
  shift
  echo
  echo "== 1. Split by subject: no patient is on both sides, as it will be in the clinic"
  "$leuko" train "$data" --by subject --resume --out "$folder/subject" "$@"
  echo
  echo "== 2. Split by image, as in the paper: cells of one patient are on both sides"
  "$leuko" train "$data" --by image --allow-leak --resume --out "$folder/image" "$@"
}

# A top-level number of a run's metrics.json.
metric() {
  sed -n "s/^  \"$2\": \([-0-9.e]*\),*\$/\1/p" "$1/metrics.json"
}

# A table of both runs below $1 and the gap between them.
print_gap() {
  echo
  echo "== What the split makes of the same network"
  echo
  printf '%-20s %12s %12s %12s\n' '' 'by subject' 'by image' 'gap'
  for key in accuracy balanced_accuracy sensitivity specificity weighted_f1 auc loss; do
    awk -v name="$key" -v a="$(metric "$1/subject" $key)" -v b="$(metric "$1/image" $key)" 'BEGIN {
      gsub(/_/, " ", name)
      if (name == "auc") name = "ROC AUC"
      if (a == "" || b == "") printf "%-20s %12s %12s %12s\n", name, a, b, "-"
      else printf "%-20s %12.4f %12.4f %+12.4f\n", name, a, b, b - a
    }'
  done
  printf '%-20s %12s %12s\n' 'cells tested' "$(metric "$1/subject" n)" "$(metric "$1/image" n)"
  echo
  echo "Only the left column says something about the next patient, and it rests on the few patients"
  echo "tested: see the table of subjects. What the middle one adds to it is owed to cells of patients"
  echo "that were trained on."
}
