#!/bin/sh
# Go or roll back? Sets a new deployment of the service beside the one that is in use.
# Usage: deploy/canary.sh OLD_URL NEW_URL [OPS]
#
# Both sign the same pictures and verify what comes out of the same pipelines. The new one is to do everything once
# (`measure smoke`), to pass the gate, and to be no worse than the old one beyond noise (`compare`).
# Exit code 0: go. 22: roll back, and why is said. Anything else: it could not be found out, which is no go either.
# $CREDLINK is the program (default: credlink), $CREDLINK_API_KEY the key for both, $CANARY_DIR where the runs go (default: a new
# directory), $CANARY_GATE a gate (default: none).
set -u
old=${1:?"the address of the deployment in use"}
new=${2:?"the address of the new deployment"}
ops=${3:-400}
credlink=${CREDLINK:-credlink}
runs=${CANARY_DIR:-$(mktemp -d)}

back() {
    echo "canary: roll back: $1" >&2
    exit 22
}

"$credlink" measure smoke "$new" --no-overload || back "the new deployment does not do what it is for"

pipelines=${CANARY_PIPELINES:-social/x,social/instagram,messaging/whatsapp,optimizers/imageoptim,conversion/jpeg-to-webp,controls/identity}
for name in old new; do
    eval "url=\$$name"
    "$credlink" survival --system "$url" --ops "$ops" --pipelines "$pipelines" --quiet --out "$runs/$name"
    code=$?
    [ "$code" -eq 0 ] && continue
    [ "$name" = new ] && back "the run at the new deployment ended with $code"
    echo "canary: the run at the deployment in use ended with $code: nothing can be compared" >&2
    exit 1
done

if [ -n "${CANARY_GATE:-}" ]; then
    "$credlink" gate "$CANARY_GATE" "$runs/new" || back "the gate"
fi
"$credlink" compare "$runs/old" "$runs/new"
case $? in
    0) echo "canary: go; the runs are in $runs" ;;
    20) back "it is worse than the deployment in use, beyond noise" ;;
    *)
        echo "canary: the runs could not be compared" >&2
        exit 1
        ;;
esac
