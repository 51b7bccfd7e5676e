# shellcheck shell=bash disable=SC2154
# Real file systems of 16 MiB that fill up and empty, over and over: one in memory, and ext4 on a loop device.
lane_disk() {
    local mounts=() mount
    ensure_built
    need e2fsprogs /sbin/mkfs.ext4
    need mount mount
    install_missing || say "e2fsprogs could not be installed"
    mkdir -p "$scratch/tmpfs" "$scratch/ext4"
    if as_root mount -t tmpfs -o "size=16m,mode=700,uid=$(id -u)" tmpfs "$scratch/tmpfs"; then
        mounts+=("$scratch/tmpfs")
    else
        say "FAILED: no tmpfs could be mounted"
        count 0 1
    fi
    # A machine without loop devices has none for root either; where there are some, not to mount is a failure.
    if [ ! -e /dev/loop-control ]; then
        say "NOT RUN: ext4, for want of a loop device"
    elif mount_ext4 >"$scratch/ext4.log" 2>&1; then
        mounts+=("$scratch/ext4")
    else
        say "FAILED: no ext4 could be mounted"
        cat "$scratch/ext4.log"
        count 0 1
    fi
    if [ ${#mounts[@]} != 0 ]; then
        MILLRACE_SMALL_DISK=$(IFS=:; printf '%s' "${mounts[*]}") MILLRACE_FILLS=${MILLRACE_FILLS:-40} \
            tests disk -c release --filter SmallDiskTests
        grep -h '^small disk ' "$scratch/disk.log"
        for mount in "${mounts[@]}"; do as_root umount "$mount"; done
    fi
}

mount_ext4() {
    truncate -s 16M "$scratch/ext4.image" || return
    PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F "$scratch/ext4.image" || return
    as_root mount -o loop "$scratch/ext4.image" "$scratch/ext4" || return
    as_root chown "$(id -u)" "$scratch/ext4" && as_root chmod 700 "$scratch/ext4"
}
