# shellcheck shell=bash disable=SC2154
# Power loss under real file systems: a disk of our own under ext4 and xfs, and the states it may be left in. Then an ext4 of 16 MiB
# that fills up and empties: it needs a loop device as well.
lane_block() {
    local reason seed states file_system
    ensure_built
    need e2fsprogs /sbin/mkfs.ext4
    need xfsprogs /sbin/mkfs.xfs
    need util-linux unshare
    if ! install_missing; then
        say "FAILED: what the lane needs could not be installed"
        count 0 1
        return
    fi
    reason=$(block_disk probe 2>&1)
    case $? in
        0) ;;
        3) not_run "$reason" && return ;;
        *)
            say "FAILED: $reason"
            count 0 1
            return
            ;;
    esac
    # In a soak run a sixth of its minutes, at some ten states a second.
    if [ "$soak" = 1 ]; then : "${MILLRACE_BLOCK_STATES:=$((minutes * 100))}"; fi
    states=${MILLRACE_BLOCK_STATES:-800} seed=${MILLRACE_SEED:-$((RANDOM + 1))}
    block_explore ext4 $((states * 3 / 4))
    block_explore xfs $((states / 4))
    if mount_ext4 >"$scratch/ext4.log" 2>&1; then
        fill_small_disk fills "$scratch/ext4"
        as_root umount "$scratch/ext4"
    else
        say "FAILED: no ext4 could be mounted"
        cat "$scratch/ext4.log"
        count 0 1
    fi
    for file_system in ext4 xfs; do
        check "$file_system: a writer that acknowledges before the sync is caught" \
            block_disk explore "$file_system" 500 "$seed" early-promise
        check "$file_system: a disk that forgets what it flushed is caught" \
            block_disk explore "$file_system" 500 "$seed" deaf-disk
    done
}

# In mount tables of its own: whatever happens to the process, nothing stays mounted, and no loop device in use.
block_disk() {
    local status
    if ! as_root unshare --mount true 2>"$scratch/unshare"; then
        cat "$scratch/unshare"
        return 3
    fi
    as_root env TMPDIR="$TMPDIR" SWIFT_BACKTRACE=enable=no MILLRACE_BLOCK_KEEP="$root/.build/block.image" \
        unshare --mount "$root/.build/release/millrace-block-disk" "$@"
    status=$?
    # What it was in the middle of when it was killed.
    as_root rmdir "$TMPDIR"/millrace-?????? 2>/dev/null
    return $status
}

block_explore() {
    check "$1: what was acknowledged as durable survives $2 states that power loss may leave" \
        block_disk explore "$1" "$2" "$seed"
    grep -h ' states after ' "$scratch/check"
}

mount_ext4() {
    mkdir -p "$scratch/ext4" || return
    truncate -s 16M "$scratch/ext4.image" || return
    PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F "$scratch/ext4.image" || return
    as_root mount -o loop "$scratch/ext4.image" "$scratch/ext4" || return
    as_root chown "$(id -u)" "$scratch/ext4" && as_root chmod 700 "$scratch/ext4"
}
