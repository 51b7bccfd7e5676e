# shellcheck shell=bash disable=SC2154
# A real file system that fills up.
lane_disk() {
    ensure_built
    mkdir -p "$scratch/small"
    if ! as_root mount -t tmpfs -o "size=16m,mode=700,uid=$(id -u)" tmpfs "$scratch/small"; then
        say "FAILED: no tmpfs could be mounted"
        count 0 1
        return
    fi
    MILLRACE_SMALL_DISK=$scratch/small tests disk -c release --filter SmallDiskTests
    as_root umount "$scratch/small"
}
