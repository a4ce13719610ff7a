#!/bin/sh
# What demo.sh and reproduce.sh share: the program and the cells. Sourced by them, in the
# repository's root; LEUKO is the program's path.

# shellcheck disable=SC2034
leuko=${LEUKO:-build/leuko}
# shellcheck disable=SC2034
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
