#!/bin/sh
# Knowledge of your own as ConfigMaps: configmaps.sh FOLDER | kubectl apply --server-side -f -
# The folder has the shape of hooks/; `jakcard check FOLDER` first. A `/` in a path becomes `.` in a key.
set -eu
folder=${1:-hooks}
# Two, because a ConfigMap holds at most 1 MiB.
one() {
    name=$1
    shift
    for file in "$@"; do
        key=$(echo "${file#"$folder"/}" | tr / .)
        set -- "$@" --from-file="$key=$file"
        shift
    done
    kubectl create configmap "$name" --namespace jakcard --dry-run=client --output yaml "$@"
}
one jakcard-knowledge-codes "$folder"/codes/*.toml
echo ---
one jakcard-knowledge-labels "$folder"/*.toml "$folder"/drugs/*.toml "$folder"/services/*.json
