# shellcheck shell=bash disable=SC2154
# A real file system of 16 MiB that fills up and empties, over and over. The lane block does the same on an ext4.
lane_disk() {
    ensure_built
    need mount mount
    install_missing || say "mount could not be installed"
    mkdir -p "$scratch/tmpfs"
    if ! as_root mount -t tmpfs -o "size=16m,mode=700,uid=$(id -u)" tmpfs "$scratch/tmpfs"; then
        say "FAILED: no tmpfs could be mounted"
        count 0 1
        return
    fi
    fill_small_disk disk "$scratch/tmpfs"
    as_root umount "$scratch/tmpfs"
}

# fill_small_disk NAME DIRECTORY: on a file system of 16 MiB that is mounted there.
fill_small_disk() {
    MILLRACE_SMALL_DISK=$2 MILLRACE_FILLS=${MILLRACE_FILLS:-100} tests "$1" -c release --filter SmallDiskTests
    grep -h '^small disk ' "$scratch/$1.log"
}
